package order

import (
	"time"

	"github.com/paklog/hub/core/event"
)

// MissCutOff says, once for each cut-off, that it has passed and what of the order is still
// open. What has ended, or has until later, is no event.
func (o Order) MissCutOff(at time.Time) []event.Event {
	by := o.Dates.ShipBy
	if !o.Exists() || o.Closed() || by.IsZero() || at.Before(by) || o.Missed.Equal(by) {
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
