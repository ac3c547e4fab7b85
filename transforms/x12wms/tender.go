package x12wms

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/tender"
	"github.com/paklog/hub/edi/grammar"
	"github.com/paklog/hub/edi/x12"
)

// LoadTender is the body of the 204 that tenders a load to a motor carrier, without ST and SE: a stop to
// load at the building, and one to unload at for each of the load's, with what goes to each order. The
// number of the shipment, B2-04, is the load's. due is when the carrier is to have answered. The rate, which is of a
// currency of hundredths, is in the partner's, or a remark says in which.
func (p Profile) LoadTender(t tender.Offered, due time.Time) []x12.Out {
	body := []x12.Out{x12.Seg("B2", "", t.SCAC, "", t.Load, "", "PP"), x12.Seg("B2A", "00", "LT")}
	due = due.In(p.zone())
	body = append(body, x12.Seg("G62", "64", due.Format("20060102"), "1", due.Format("1504")), x12.Seg("MS3", t.SCAC, "B", "", "M"))
	if t.Rate.Minor > 0 && t.Rate.Currency != p.currency() {
		body = append(body, x12.Seg("NTE", "GEN", rateIn+t.Rate.Currency))
	}
	total, cartons := measure.Mass(0), 0
	var stops []x12.Out
	for i, s := range t.Stops {
		weight, n := measure.Mass(0), 0
		var orders []x12.Out
		for _, o := range s.Orders {
			weight, n = weight+o.Weight, n+o.Cartons
			oid := x12.Seg("OID", cut(o.Order, 30), "", "", "CT", strconv.Itoa(o.Cartons))
			if o.Weight > 0 {
				unit, text := p.weighed(o.Weight)
				oid.Elements = append(oid.Elements, unit, text)
			}
			orders = append(orders, oid)
		}
		stops = append(stops, p.stop(i+2, "UL", weight, n), x12.Seg("N1", "ST", cut(s.Code, 60)))
		stops = append(stops, orders...)
		total, cartons = total+weight, cartons+n
	}
	body = append(body, p.stop(1, "LD", total, cartons), x12.Seg("N1", "SF", "", "92", cut(p.Outside(p.Facilities, t.Facility), 80)))
	body = append(body, stops...)
	if total > 0 || t.Rate.Minor > 0 {
		l3 := x12.Seg("L3", "", "", "", "", "")
		if total > 0 {
			_, text := p.weighed(total)
			l3.Elements[0], l3.Elements[1] = text, "G"
		}
		if t.Rate.Minor > 0 {
			l3.Elements[4] = strconv.FormatInt(t.Rate.Minor, 10)
		}
		body = append(body, l3)
	}
	return body
}

// LoadWithdrawn is the body of the 204 that takes a tender back.
func (p Profile) LoadWithdrawn(t tender.Withdrawn) []x12.Out {
	return []x12.Out{
		x12.Seg("B2", "", t.SCAC, "", t.Load, "", "PP"), x12.Seg("B2A", "01", "LT"), x12.Seg("NTE", "GEN", cut(t.Reason, 80)),
		x12.Seg("S5", "1", "LD"), x12.Seg("N1", "SF", "", "92", cut(p.Outside(p.Facilities, t.Facility), 80)),
	}
}

// stop is the S5 of the n-th stop.
func (p Profile) stop(n int, do string, weight measure.Mass, cartons int) x12.Out {
	s5 := x12.Seg("S5", strconv.Itoa(n), do)
	if weight > 0 || cartons > 0 {
		s5.Elements = append(s5.Elements, "", "", "", "")
	}
	if weight > 0 {
		unit, text := p.weighed(weight)
		s5.Elements[2], s5.Elements[3] = text, unit
	}
	if cartons > 0 {
		s5.Elements[4], s5.Elements[5] = strconv.Itoa(cartons), "CT"
	}
	return s5
}

// weighed is a weight as the partner takes it, rounded up, and its unit (data element 188).
func (p Profile) weighed(m measure.Mass) (unit, text string) {
	unit, hundredths := "L", m.CeilHundredthPounds()
	if p.Kilograms {
		unit, hundredths = "K", (int64(m)+9_999)/10_000
	}
	return unit, fmt.Sprintf("%d.%02d", hundredths/100, hundredths%100)
}

// Freight is what a carrier's 990, 214 or 210 says of a shipment that was tendered to him: one of its
// commands, or for a 214 several.
type Freight struct {
	Load     Text
	Commands []any // of package tender, without the partner
}

// Freight takes a 990, 214 or 210 apart. The error is a fault of kind Invalid that carries an [Error].
func (p Profile) Freight(part *x12.Part) (Freight, error) {
	t := &translator{part: part, paper: OnX12(part)}
	var f Freight
	switch part.ST.ID {
	case "990":
		f = t.tenderAnswer()
	case "214":
		f = t.shipmentStatus(p)
	case "210":
		f = t.freightInvoice(p)
	default:
		st := t.text(part.Segments.At(0), 1)
		t.fail(st.At, CodeUnsupported, st.Value, "990, 214 or 210", "route this set elsewhere", "transaction set %s is of no carrier", st.Value)
		return f, t.err("x12wms.Freight")
	}
	if f.Load.Value == "" && len(t.findings) == 0 {
		t.fail(f.Load.At, CodeMissing, "", "the number of the shipment, as the 204 gave it in B2-04", "send it", "it names no shipment")
	}
	return f, t.err("x12wms.Freight")
}

func (t *translator) tenderAnswer() Freight {
	f := Freight{Load: t.due("B1-02")}
	answer, ref, remark := t.due("B1-04"), "", ""
	for _, s := range t.part.Segments.All() {
		switch string(s.Tag()) {
		case "B1":
			f.Load, answer = t.text(s, 2), t.text(s, 4)
		case "N9":
			if v := t.text(s, 2).Value; ref == "" || s.Value(1) == "CN" { // the carrier's own number
				ref = v
			}
		case "K1":
			remark = strings.TrimSpace(remark + " " + t.text(s, 1).Value)
		}
	}
	switch answer.Value {
	case "A":
		f.Commands = []any{tender.Accept{Reference: ref}}
	case "D":
		f.Commands = []any{tender.Decline{Reason: remark}}
	default:
		t.fail(answer.At, CodeUnsupported, answer.Value, "A or D", "accept or decline the whole tender", "action %q neither accepts the tender nor declines it", answer.Value)
	}
	return f
}

func (t *translator) shipmentStatus(p Profile) Freight {
	f := Freight{Load: t.due("B10-02")}
	at := -1 // the status that MS1 and MS2 speak of
	for _, s := range t.part.Segments.All() {
		switch string(s.Tag()) {
		case "B10":
			f.Load = t.text(s, 2)
		case "AT7":
			status, reason := t.text(s, 1), t.text(s, 2)
			if status.Value == "" {
				status, reason = t.text(s, 3), t.text(s, 4)
			}
			if status.Value == "" {
				t.fail(status.At, CodeMissing, "", "a status", "say what became of the shipment", "the status is empty")
			}
			c := tender.Track{Status: status.Value, Reason: reason.Value, Occurred: t.occurred(p, s)}
			f.Commands = append(f.Commands, c)
			at = len(f.Commands) - 1
		case "MS1":
			if at >= 0 {
				c := f.Commands[at].(tender.Track)
				c.Place = strings.Join(strings.Fields(t.text(s, 1).Value+" "+t.text(s, 2).Value+" "+t.text(s, 3).Value), " ")
				f.Commands[at] = c
			}
		case "MS2":
			if at >= 0 {
				c := f.Commands[at].(tender.Track)
				c.Equipment = t.text(s, 2).Value
				f.Commands[at] = c
			}
		case "LX":
			at = -1
		}
	}
	if len(f.Commands) == 0 && len(t.findings) == 0 {
		due := t.due("AT7")
		t.fail(due.At, CodeMissing, "", "an AT7", "say what became of the shipment", "it says no status")
	}
	return f
}

// occurred is when a status came to be: by the clock of UTC where AT7-07 says so, else by the partner's.
func (t *translator) occurred(p Profile, s x12.Segment) time.Time {
	return t.moment(p, t.text(s, 5), t.text(s, 6), s.Value(7), false)
}

// moment is a day and a time by the clock that code names (data element 623), without a time the beginning or
// the end of the day.
func (t *translator) moment(p Profile, day, clock Text, code string, end bool) time.Time {
	if day.Value == "" {
		return time.Time{}
	}
	zone := p.zone()
	if code == "UT" || code == "GM" {
		zone = time.UTC
	}
	at, err := time.ParseInLocation("20060102", day.Value, zone)
	if err != nil {
		t.fail(day.At, CodeBadDate, day.Value, "CCYYMMDD", "", "%q is not a date", day.Value)
		return at
	}
	switch {
	case clock.Value == "" && end:
		at = time.Date(at.Year(), at.Month(), at.Day(), 23, 59, 0, 0, zone)
	case clock.Value == "":
	case len(clock.Value) < 4 || !grammar.IsTime([]byte(clock.Value)):
		t.fail(clock.At, CodeBadDate, clock.Value, "HHMM", "", "%q is not a time", clock.Value)
	default:
		h, _ := strconv.Atoi(clock.Value[:2])
		m, _ := strconv.Atoi(clock.Value[2:4])
		at = time.Date(at.Year(), at.Month(), at.Day(), h, m, 0, 0, zone)
	}
	return at.UTC()
}

// otherHundredths are currencies whose minor unit is no hundredth: an amount of two implied decimals
// cannot be told in it.
var otherHundredths = map[string]bool{"JPY": true, "KRW": true, "VND": true, "CLP": true, "ISK": true, "XAF": true, "XOF": true, "BHD": true, "JOD": true, "KWD": true, "OMR": true, "TND": true}

// Hundredths reports whether amounts of a currency can be told with two implied decimals.
func Hundredths(currency string) bool {
	return len(currency) == 3 && strings.Trim(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" && !otherHundredths[currency]
}

// currency of a document that names none.
func (p Profile) currency() string { return cmp.Or(p.Currency, "USD") }

// rateIn begins the remark (NTE*GEN) of a 204 that says what currency its rate is in, where that is not the one
// agreed on: the set has no place for a C3.
const rateIn = "RATE IN "

func (t *translator) freightInvoice(p Profile) Freight {
	f := Freight{Load: t.due("B3-03")}
	number, amount := t.due("B3-02"), t.due("B3-07")
	currency := Text{Value: p.currency()}
	for _, s := range t.part.Segments.All() {
		switch string(s.Tag()) {
		case "B3":
			number, f.Load, amount = t.text(s, 2), t.text(s, 3), t.text(s, 7)
		case "C3":
			currency = t.text(s, 1)
		}
	}
	minor, err := strconv.ParseInt(amount.Value, 10, 64)
	switch {
	case err != nil || minor < 0:
		t.fail(amount.At, CodeQuantity, amount.Value, "an amount with two implied decimals", "", "%q is no amount", amount.Value)
	case !Hundredths(currency.Value):
		t.fail(currency.At, CodeUnsupported, currency.Value, "a currency of hundredths", "send it in one", "amounts of currency %q have no two decimals", currency.Value)
	case number.Value == "":
		t.fail(number.At, CodeMissing, "", "a number", "send the number of the invoice", "the invoice has no number")
	}
	f.Commands = []any{tender.Invoice{Number: number.Value, Amount: measure.Money{Minor: minor, Currency: currency.Value}}}
	return f
}
