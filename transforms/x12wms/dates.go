package x12wms

import (
	"strconv"
	"time"

	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/edi/grammar"
)

// dates reads the document's days in the partner's zone: a bound from below is
// the day's beginning, one from above its last second.
func (p Profile) dates(t *translator, d Document, places map[string]Place) order.Dates {
	var out order.Dates
	all := d.Dates
	if d.Ordered.Value != "" {
		all = append([]Date{{Day: d.Ordered, Bound: Ordered}}, all...)
	}
	for _, x := range all {
		if x.Bound == NoDate || x.Day.Value == "" {
			continue
		}
		at, err := p.moment(x)
		if err != nil {
			t.fail(x.Day.At, CodeBadDate, x.Day.Value, "CCYYMMDD", "", "%q is not a date", x.Day.Value)
			continue
		}
		switch x.Bound {
		case Ordered:
			out.Ordered, places["dates.ordered"] = at, x.Day.At
		case NotBefore:
			out.NotBefore, places["dates.not_before"] = at, x.Day.At
		case ShipBy:
			out.ShipBy, places["dates.ship_by"] = at, x.Day.At
		case DeliverBy:
			out.DeliverBy, places["dates.deliver_by"] = at, x.Day.At
		case CancelAfter:
			out.CancelAfter, places["dates.cancel_after"] = at, x.Day.At
		case NoDate: // passed over above
		}
	}
	return out
}

func (p Profile) moment(x Date) (time.Time, error) {
	day := x.Day.Value
	if len(day) == 6 {
		day = "20" + day
	}
	at, err := time.ParseInLocation("20060102", day, p.zone())
	if err != nil {
		return at, err
	}
	if clock := x.Time.Value; len(clock) >= 4 && grammar.IsTime([]byte(clock)) {
		h, _ := strconv.Atoi(clock[:2])
		m, _ := strconv.Atoi(clock[2:4])
		return time.Date(at.Year(), at.Month(), at.Day(), h, m, 0, 0, p.zone()).UTC(), nil
	}
	if x.Bound != NotBefore && x.Bound != Ordered {
		at = time.Date(at.Year(), at.Month(), at.Day(), 23, 59, 59, 0, p.zone())
	}
	return at.UTC(), nil
}
