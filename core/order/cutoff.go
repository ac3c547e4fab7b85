package order

import (
	"time"

	"github.com/paklog/hub/core/event"
)

// MissCutOff says, once for each cut-off, that it has passed and what of the order is still
// open. What has ended, or has until later, is no event.
func (o Order) MissCutOff(at time.Time) []event.Event {
	by := o.Dates.ShipBy
	if o.Closed() || !o.misses(at) {
		return nil
	}
	var open []LineQty
	for _, l := range o.Lines {
		if n := l.Open(); n > 0 {
			open = append(open, LineQty{l.No, n})
		}
	}
	return []event.Event{CutOffMissed{o.head(at), by, o.Status(), open}}
}

func (o Order) misses(at time.Time) bool {
	by := o.Dates.ShipBy
	return o.Exists() && !by.IsZero() && !at.Before(by) && !o.Missed.Equal(by)
}

// LeaveLate says of an order whose last goods have left that they did so after its cut-off, where
// nobody has said so: it left before its cut-off was looked at.
func (o Order) LeaveLate(left time.Time) []event.Event {
	if !o.Closed() || o.Totals().Shipped == 0 || !o.misses(left) {
		return nil
	}
	return []event.Event{CutOffMissed{Head: o.head(left), ShipBy: o.Dates.ShipBy, Status: o.Status()}}
}
