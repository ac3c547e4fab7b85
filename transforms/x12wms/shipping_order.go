package x12wms

import (
	"strconv"
	"time"

	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/edi/x12"
)

// ShippingOrder is the body of the 940 that asks whoever runs the building to ship an order, without ST
// and SE. purpose is [Orders], of what has not left yet, or [Replaces] where it was asked for before, of
// what has left too. Lines are numbered (LX-01) as in the order; those that wait for
// somebody to say what they mean are left out.
func (p Profile) ShippingOrder(o order.Order, purpose string) []x12.Out {
	ref := func(kind string) string {
		for _, r := range o.Refs {
			if r.Kind == kind {
				return r.Value
			}
		}
		return ""
	}
	w05 := []string{purpose, cut(o.Number, 22), cut(ref("po"), 22)}
	if master, link := ref("master_reference"), ref("link_sequence"); master != "" && len(link) == 6 { // one needs the other
		w05 = append(w05, link, cut(master, 22))
	}
	body := []x12.Out{x12.Seg("W05", w05...)}
	body = append(body, shipTo(o.Parties)...)
	body = append(body, x12.Seg("N1", "WH", "", "92", cut(p.Outside(p.Facilities, o.Scope.Facility), 80)), x12.Seg("N1", "DE", "", "92", cut(p.Outside(p.Owners, o.Scope.Owner), 80)))
	for _, r := range o.Refs {
		if q := qualifierOf(refQualifiers, r.Kind); len(q) >= 2 && r.Kind != "po" {
			body = append(body, x12.Seg("N9", q, cut(r.Value, 30)))
		}
	}
	for _, d := range [...]struct {
		qualifier string
		at        time.Time
		latest    bool
	}{{"04", o.Dates.Ordered, false}, {"37", o.Dates.NotBefore, false}, {"10", o.Dates.ShipBy, true}, {"02", o.Dates.DeliverBy, true}, {"01", o.Dates.CancelAfter, true}} {
		if d.at.IsZero() {
			continue
		}
		at := d.at.In(p.zone())
		if d.latest && at.Hour() < 12 { // the end of a day elsewhere: this day would be too late
			at = at.AddDate(0, 0, -1)
		}
		body = append(body, x12.Seg("G62", d.qualifier, at.Format("20060102")))
	}
	for _, n := range o.Parties.Notes {
		body = append(body, x12.Seg("NTE", "GEN", cut(n, 80)))
	}
	service := o.Service
	if service.Level == "" {
		service.Level = ref("routing")
	}
	if w66, ok := p.carriage(service); ok {
		body = append(body, w66)
	}
	total := int64(0)
	for _, l := range o.Lines {
		wanted := Wanted(l, purpose)
		if wanted == 0 {
			continue
		}
		qty, unit := wanted, "EA"
		if n, whole := inUnits(l.AcceptedLine, wanted); whole {
			qty, unit = n, p.code(l.UOM)
		}
		total += qty
		w01 := []string{strconv.FormatInt(qty, 10), unit, ""}
		body = append(body, x12.Seg("LX", strconv.Itoa(l.No)), x12.Out{ID: "W01", Elements: append(w01, itemPairs(l.AcceptedLine, 4)...)})
		if l.Lot != "" {
			body = append(body, x12.Seg("N9", lotQualifier, cut(l.Lot, 30)))
		}
	}
	return append(body, x12.Seg("W76", strconv.FormatInt(total, 10)))
}

// Wanted is what whoever runs the building is asked of a line, in smallest units: what has not left yet, or
// where it replaces what was asked before, what has left too. Of a line that waits for somebody to say what
// it means it is nothing.
func Wanted(l order.Line, purpose string) int64 {
	switch wanted := l.Ordered - l.Cancelled - l.Short; {
	case l.Held() || l.Dropped:
		return 0
	case purpose == Replaces:
		return wanted
	default:
		return wanted - l.Shipped
	}
}

// carriage is the W66: how it is to travel, and who pays.
func (p Profile) carriage(s order.Service) (x12.Out, bool) {
	method, pay := "", ""
	for code, name := range methods {
		if name == s.Method {
			method = code
		}
	}
	for _, code := range [...]string{"PP", "CC", "TP"} {
		if terms[code] == s.Terms {
			pay = code
		}
	}
	scac, routing := p.SCAC(s.Carrier, s.Level), s.Level
	if scac == "" {
		routing = join(s.Carrier, routing)
	}
	if pay == "" {
		pay = "PP"
	}
	return x12.Seg("W66", pay, method, "", "", cut(routing, 35), "", "", "", "", scac), method+scac+routing+s.Terms != ""
}

// ShippingOrderWithdrawn is the body of the 940 that takes back what has not left of an order.
func (p Profile) ShippingOrderWithdrawn(o order.Order) []x12.Out {
	body := p.ShippingOrder(o, Cancels)
	total := int64(0)
	out := body[:0]
	for _, s := range body {
		if s.ID != "LX" && s.ID != "W01" && s.ID != "W76" {
			out = append(out, s)
		}
	}
	for _, l := range o.Lines {
		rest := l.Ordered - l.Shipped - l.Short
		if rest == 0 {
			continue
		}
		total += rest
		w01 := []string{strconv.FormatInt(rest, 10), "EA", ""}
		out = append(out, x12.Seg("LX", strconv.Itoa(l.No)), x12.Out{ID: "W01", Elements: append(w01, itemPairs(l.AcceptedLine, 4)...)})
	}
	return append(out, x12.Seg("W76", strconv.FormatInt(total, 10)))
}
