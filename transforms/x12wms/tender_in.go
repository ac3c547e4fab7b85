package x12wms

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/tender"
	"github.com/paklog/hub/edi/x12"
)

// Tendered is what a 204 asks us to carry. With Cancel it takes an earlier tender back.
type Tendered struct {
	Load    Text // B2-04, the partner's number of the shipment
	Receive tender.Receive
	Cancel  bool
}

// Purposes (data element 353) of a 204, B2A-01: an original, a cancellation, a change, a replacement.
var tenderPurposes = map[string]bool{"00": true, "01": true, "04": true, "05": true, "06": true}

// unitMass is how much a weight's unit (data element 188) is, in hundredths of a milligram.
var unitMass = map[string]int64{"L": measure.PoundCentimg, "K": 100 * int64(measure.Kilogram)}

// TenderCame takes a 204 apart: what is to be unloaded where, by the stop's name or code. Its building is
// that of the first stop to load at. Until when he wants to be answered is G62*64 of its head, the end of the day
// where it says no time. The rate is in the partner's currency unless a C3 says otherwise, which the set has
// no place for and shippers send all the same, or a remark as PakLog makes one. The error is a fault of kind Invalid that carries an [Error].
func (p Profile) TenderCame(part *x12.Part) (Tendered, error) {
	t := &translator{part: part, paper: OnX12(part)}
	out := Tendered{Load: t.due("B2-04")}
	c := &out.Receive
	c.Scope = scope.Scope{Tenant: p.Tenant, Owner: scope.Shared, Facility: p.Facility}
	purpose, loads, currency := Text{Value: "00"}, false, p.currency()
	for _, s := range part.Segments.All() {
		switch string(s.Tag()) {
		case "B2":
			c.SCAC, out.Load = t.text(s, 2).Value, t.text(s, 4)
		case "B2A":
			purpose = t.text(s, 1)
		case "G62":
			if s.Value(1) == "64" && !loads && len(c.Stops) == 0 {
				c.AnswerBy = t.moment(p, t.text(s, 2), t.text(s, 4), s.Value(5), true)
			}
		case "S5":
			if loads = strings.HasSuffix(s.Value(2), "L") && !strings.HasPrefix(s.Value(2), "U") || s.Value(2) == "LD"; loads {
				continue
			}
			no, err := strconv.Atoi(s.Value(1))
			if err != nil {
				no = len(c.Stops) + 1
			}
			c.Stops = append(c.Stops, tender.Stop{No: no})
		case "N1":
			name := cmp.Or(t.text(s, 2).Value, t.text(s, 4).Value)
			if f, ok := p.Facilities[t.text(s, 4).Value]; ok && loads {
				c.Facility = f
			} else if n := len(c.Stops); n > 0 && !loads && c.Stops[n-1].Code == "" {
				c.Stops[n-1].Code = name
			}
		case "OID":
			if n := len(c.Stops); n > 0 && !loads {
				q, err := strconv.ParseInt(cmp.Or(s.Value(5), "0"), 10, 32)
				if err != nil {
					t.fail(t.text(s, 5).At, CodeQuantity, s.Value(5), "a whole number", "", "quantity %q is not a whole number", s.Value(5))
				}
				c.Stops[n-1].Orders = append(c.Stops[n-1].Orders, tender.Orders{
					Owner: p.Owner, Order: cmp.Or(t.text(s, 1).Value, t.text(s, 2).Value), Cartons: int(q), Weight: massOf(s.Value(7), s.Value(6)),
				})
			}
		case "NTE":
			if in, ok := strings.CutPrefix(s.Value(2), rateIn); ok && Hundredths(in) && !loads && len(c.Stops) == 0 {
				currency = in
			}
		case "L3":
			if minor, err := strconv.ParseInt(s.Value(5), 10, 64); err == nil && minor > 0 {
				c.Rate.Minor = minor
			}
		case "C3":
			if v := t.text(s, 1).Value; len(v) == 3 {
				currency = v
			}
		}
	}
	if c.Rate.Minor > 0 {
		c.Rate.Currency = currency
	}
	c.Load, c.Partner = out.Load.Value, p.Partner
	out.Cancel = purpose.Value == "01"
	switch {
	case !tenderPurposes[purpose.Value]:
		t.fail(purpose.At, CodeUnsupported, purpose.Value, "00, 01, 04 or 05", "tender it anew, or take it back", "purpose %q neither tenders a load nor takes it back", purpose.Value)
	case out.Load.Value == "":
		t.fail(out.Load.At, CodeMissing, "", "a shipment number in B2-04", "send it", "the tender names no shipment")
	case len(c.Stops) == 0 && !out.Cancel:
		t.fail(t.paper.End("S5"), CodeNoLines, "", "S5 with UL", "say where the goods go", "the tender says of no stop where anything is unloaded")
	}
	return out, t.err("x12wms.TenderCame")
}

// massOf is a weight as it is told, "" for none, rounded to the milligram.
func massOf(decimal, unit string) measure.Mass {
	whole, fraction, _ := strings.Cut(decimal, ".")
	n, err := strconv.ParseInt(whole+(fraction + "00")[:2], 10, 64)
	if err != nil || unitMass[unit] == 0 || n < 0 || n > 100_000_000 {
		return 0
	}
	return measure.Mass(n * unitMass[unit] / 10_000)
}

// TenderAnswer is the body of the 990 that says whether we carry what a partner tendered, without ST and SE.
func (p Profile) TenderAnswer(t tender.Tender, at time.Time) []x12.Out {
	answer := "A"
	if t.Status == tender.StatusDeclined {
		answer = "D"
	}
	scac := t.SCAC
	if len(scac) < 2 || len(scac) > 4 {
		scac = ""
	}
	body := []x12.Out{x12.Seg("B1", scac, cut(t.Load, 30), at.In(p.zone()).Format("20060102"), answer)}
	if t.Reference != "" {
		body = append(body, x12.Seg("N9", "CN", cut(t.Reference, 30)))
	}
	if t.Reason != "" {
		body = append(body, x12.Seg("K1", cut(t.Reason, 30)))
	}
	return body
}
