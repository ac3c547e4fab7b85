package x12wms

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/core/gs1"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/edi/x12"
)

// Shipped is what a 945 says that somebody else shipped of an order of ours.
type Shipped struct {
	Order     Text // W06-02
	Shipment  Text // W06-04, his number; "" where he gives none
	Warehouse Text // N1*SF or N1*WH: his code of the building
	Carrier   string
	Service   string
	At        time.Time // W06-03; zero where it is not said
	Cartons   []ShippedCarton
}

// ShippedCarton is an LX loop.
type ShippedCarton struct {
	SSCC     Text   // MAN*GM or AA; "" where none is named
	Tracking string // N9*2I or CN, MAN*CP; of all cartons where the head says it
	Lines    []ShippedLine
}

// ShippedLine is a W12 loop. Quantities are of its unit.
type ShippedLine struct {
	Ref     Text   // N9*LI: the line as we numbered it
	Codes   []Code // of the item
	At      Place  // W12-03
	Qty     int64  // that left
	Short   int64  // of what was ordered did not, and will not follow
	UOM     string // ours
	Lot     string
	Serials []string
}

// Said is what it says, without the places: two that say the same are the same.
func (a Shipped) Said() any {
	type line struct {
		Ref        string
		Codes      []string
		Qty, Short int64
		UOM, Lot   string
		Serials    []string
	}
	type carton struct {
		SSCC, Tracking string
		Lines          []line
	}
	out := make([]carton, 0, len(a.Cartons))
	for _, c := range a.Cartons {
		x := carton{SSCC: c.SSCC.Value, Tracking: c.Tracking}
		for _, l := range c.Lines {
			y := line{Ref: l.Ref.Value, Qty: l.Qty, Short: l.Short, UOM: l.UOM, Lot: l.Lot, Serials: l.Serials}
			for _, code := range l.Codes {
				y.Codes = append(y.Codes, code.Value.Value)
			}
			x.Lines = append(x.Lines, y)
		}
		out = append(out, x)
	}
	return out
}

// openStatus are statuses of a line (W12-01, data element 368) that promise what is missing for later.
var openStatus = map[string]bool{"BP": true, "BK": true, "BO": true}

// Shipped takes a 945 apart. The error is a fault of kind Invalid that carries an [Error].
func (p Profile) Shipped(part *x12.Part) (Shipped, error) {
	t := &translator{part: part, paper: OnX12(part)}
	a := Shipped{Order: t.due("W06-02")}
	total, told := int64(0), Text{}
	var last *ShippedLine
	at, tracking := Text{}, ""
	for _, s := range part.Segments.All() {
		switch string(s.Tag()) {
		case "W06":
			a.Order, a.Shipment, at = t.text(s, 2), t.text(s, 4), t.text(s, 3)
		case "N1":
			if role := s.Value(1); role == "SF" || role == "WH" {
				a.Warehouse = t.text(s, 4)
			}
		case "W27":
			if a.Carrier == "" {
				a.Carrier, a.Service = t.text(s, 2).Value, t.text(s, 3).Value
			}
		case "LX":
			a.Cartons, last = append(a.Cartons, ShippedCarton{}), nil
		case "MAN":
			if n := len(a.Cartons); n > 0 {
				t.mark(&a.Cartons[n-1], s.Value(1), t.text(s, 2))
				t.mark(&a.Cartons[n-1], s.Value(4), t.text(s, 5))
			}
		case "W12":
			if len(a.Cartons) == 0 {
				a.Cartons = append(a.Cartons, ShippedCarton{})
			}
			c := &a.Cartons[len(a.Cartons)-1]
			c.Lines = append(c.Lines, p.shippedLine(t, s))
			last = &c.Lines[len(c.Lines)-1]
			total += last.Qty
		case "N9":
			v := t.text(s, 2)
			switch q := s.Value(1); {
			case last == nil && (q == "2I" || q == "CN") && len(a.Cartons) == 0:
				tracking = v.Value
			case last == nil && (q == "2I" || q == "CN"):
				a.Cartons[len(a.Cartons)-1].Tracking = v.Value
			case last == nil:
			case q == "LI":
				last.Ref = v
			case q == lotQualifier:
				last.Lot = v.Value
			case q == "SE":
				last.Serials = append(last.Serials, v.Value)
			}
		case "W03":
			told = t.text(s, 1)
		}
	}
	for i := range a.Cartons {
		c := &a.Cartons[i]
		c.Tracking = cmp.Or(c.Tracking, tracking)
	}
	switch {
	case a.Order.Value == "":
		t.fail(a.Order.At, CodeMissing, "", "the order's number, as the 940 gave it in W05-02", "send it", "it names no order")
	case len(a.Cartons) == 0:
		t.fail(t.paper.End("W12"), CodeNoLines, "", "W12", "send a W12 for each line", "it says of no line what was shipped")
	}
	if told.Value != "" && len(t.findings) == 0 && told.Value != strconv.FormatInt(total, 10) {
		t.fail(told.At, CodeQuantity, told.Value, strconv.FormatInt(total, 10), "correct the total, or the quantities", "the lines sum up to %d, and the total says %s", total, told.Value)
	}
	if at.Value != "" {
		day, err := time.ParseInLocation("20060102", at.Value, p.zone())
		if err != nil {
			t.fail(at.At, CodeBadDate, at.Value, "CCYYMMDD", "", "%q is not a date", at.Value)
		}
		a.At = day
	}
	return a, t.err("x12wms.Shipped")
}

// mark takes a number of a carton (MAN-02 by 01, 05 by 04; data element 88).
func (t *translator) mark(c *ShippedCarton, qualifier string, number Text) {
	switch qualifier {
	case "GM", "AA":
		c.SSCC = SSCC(number)
		if err := gs1.CheckSSCC(c.SSCC.Value); err != nil {
			t.fail(number.At, CodeCommand, number.Value, "an SSCC of 18 digits", "send the carton's SSCC, or none", "%v", err)
		}
	case "CP":
		c.Tracking = cmp.Or(c.Tracking, number.Value)
	}
}

func (p Profile) shippedLine(t *translator, s x12.Segment) ShippedLine {
	status, ordered, shipped, short := t.text(s, 1), t.text(s, 2), t.text(s, 3), t.text(s, 4)
	l := ShippedLine{At: shipped.At, Qty: t.count(shipped), UOM: p.uom(t.text(s, 5).Value)}
	switch {
	case openStatus[status.Value]:
	case short.Value != "":
		l.Short = t.count(short)
	case ordered.Value != "":
		l.Short = max(0, t.count(ordered)-l.Qty)
	}
	if upc := t.text(s, 6); upc.Value != "" {
		l.Codes = append(l.Codes, Code{Qualifier: Text{Value: "UP"}, Value: upc})
	}
	if code := t.text(s, 8); code.Value != "" {
		l.Codes = append(l.Codes, Code{Qualifier: t.text(s, 7), Value: code})
	}
	return l
}

// count reads a whole number, 0 and absence included; X12 allows decimals.
func (t *translator) count(q Text) int64 {
	whole, fraction, _ := strings.Cut(q.Value, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	switch {
	case q.Value == "":
		return 0
	case err != nil || strings.Trim(fraction, "0") != "":
		t.fail(q.At, CodeQuantity, q.Value, "a whole number", "send the quantity in a unit that needs no fraction", "quantity %q is not a whole number", q.Value)
	case n < 0 || n > order.MaxQty:
		t.fail(q.At, CodeQuantity, q.Value, fmt.Sprintf("0 to %d", order.MaxQty), "", "quantity %q cannot have been shipped", q.Value)
	}
	return n
}
