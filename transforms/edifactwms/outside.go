package edifactwms

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/core/gs1"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/transforms/x12wms"
)

// nothingMore are discrepancies (4221) that say that what is missing will not follow. Of the others, and
// where none is said, it may.
var nothingMore = map[string]bool{"CP": true, "CC": true, "AA": true, "AB": true, "CK": true, "IC": true, "OP": true, "PD": true}

// outside is a message of whoever runs a building, which is being read. It keeps the first thing that
// cannot be taken.
type outside struct {
	op  string
	on  x12wms.Paper
	err error
}

func (t *outside) fail(at x12wms.Text, code, expected, hint, format string, args ...any) {
	if t.err == nil {
		t.err = refuse(t.op, t.on, at, code, expected, hint, fmt.Sprintf(format, args...))
	}
}

// count reads a whole number, 0 included.
func (t *outside) count(q x12wms.Text) int64 {
	whole, fraction, _ := strings.Cut(q.Value, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	switch {
	case err != nil || strings.Trim(fraction, "0") != "":
		t.fail(q, x12wms.CodeQuantity, "a whole number", "send the quantity in a unit that needs no fraction", "quantity %q is not a whole number", q.Value)
	case n < 0 || n > order.MaxQty:
		t.fail(q, x12wms.CodeQuantity, fmt.Sprintf("0 to %d", order.MaxQty), "", "quantity %q cannot have been handled", q.Value)
	}
	return n
}

// tooLong bounds the work that one message can ask for.
func (t *outside) tooLong(p *edifact.Part) bool {
	n := p.Segments.Len()
	if n > x12wms.MaxSegments {
		t.fail(text(p.Segments.At(0), 2, 1), x12wms.CodeCommand, fmt.Sprintf("at most %d segments", x12wms.MaxSegments), "split it", "the message has %d segments", n)
	}
	return n > x12wms.MaxSegments
}

// original fails where the message does not say all of what happened.
func (t *outside) original(purpose x12wms.Text) {
	if purpose.Value == "" || purpose.Value == x12wms.CancelsNotice {
		t.fail(purpose, x12wms.CodeUnsupported, "9 or 5", "ask him what happened, and correct it by hand", "the message takes back or changes what was said before")
	}
}

// Shipped takes a DESADV apart that says what somebody else shipped of an order of ours: what stands in
// levels with an SSCC in cartons, each with its RFF CN. What is missing of a line (QVR) is short where
// 4221 says that nothing follows. The error is a fault of kind Invalid that carries an [x12wms.Error].
func Shipped(profile x12wms.Profile, p *edifact.Part) (x12wms.Shipped, error) {
	t := &outside{op: "edifactwms.Shipped", on: On(p)}
	if t.tooLong(p) {
		return x12wms.Shipped{}, t.err
	}
	n := readNotice(p)
	a := x12wms.Shipped{Order: n.PO, Shipment: n.Number}
	t.original(n.Purpose)
	if n.wrong != nil {
		t.fail(n.wrong.Text, x12wms.CodeQuantity, "", "say of each package what stands in it", "%s", n.wrong.why)
	}
	for _, of := range n.orders {
		if a.Order.Value == "" {
			a.Order = of
		}
		if of.Value != "" && of.Value != a.Order.Value {
			t.fail(of, x12wms.CodeUnsupported, "one order", "send a message for each order", "it speaks of orders %s and %s", a.Order.Value, of.Value)
		}
	}
	if a.Order.Value == "" {
		s := p.Segments.At(p.Segments.Len() - 1)
		t.fail(x12wms.Text{At: x12wms.Place{Element: "RFF-01-2", Segment: s.Ordinal(), Offset: s.Offset()}}, x12wms.CodeMissing, "RFF ON with the order's number, as the ORDERS gave it in BGM-02", "send it", "it names no order")
	}
	for _, s := range p.Segments.All() {
		if s.Is("TDT") && a.Carrier == "" {
			a.Carrier = cmp.Or(text(s, 5, 1).Value, text(s, 5, 4).Value)
		}
	}
	for _, x := range n.Parties {
		if role := x.Role.Value; (role == "SF" || role == "WH") && a.Warehouse.Value == "" {
			a.Warehouse = x.Code
		}
	}
	t.cartons(profile, n, &a)
	if len(a.Cartons) == 0 {
		t.fail(x12wms.Text{At: t.on.End("LIN")}, x12wms.CodeNoLines, "LIN", "send a LIN for each line", "it says of no line what was shipped")
	}
	return a, t.err
}

// cartons sorts the lines of a notice by what they stand in: an SSCC, else a level.
func (t *outside) cartons(profile x12wms.Profile, n *noticed, a *x12wms.Shipped) {
	type held struct {
		sscc string
		at   *level
	}
	at := map[held]int{}
	for i, l := range n.Lines {
		more, stands := n.Details[i], n.stands[i]
		if stands.many {
			t.fail(l.Qty, x12wms.CodeQuantity, "", "say of each package what stands in it", "the line stands in several packages, and it says not how much in which")
		}
		in := held{more.LPN.Value, stands.at}
		if in.sscc != "" {
			in.at = nil
			if err := gs1.CheckSSCC(in.sscc); err != nil {
				t.fail(more.LPN, x12wms.CodeCommand, "an SSCC of 18 digits", "send the carton's SSCC, or none", "%v", err)
			}
		}
		k, ok := at[in]
		if !ok {
			k = len(a.Cartons)
			at[in] = k
			c := x12wms.ShippedCarton{SSCC: more.LPN, Tracking: n.tracking}
			for _, up := range n.up(stands.at) {
				if up.tracking != "" {
					c.Tracking = up.tracking
					break
				}
			}
			a.Cartons = append(a.Cartons, c)
		}
		line := shippedLine(profile, l, stands.ref)
		line.Qty = t.count(l.Qty)
		for _, s := range more.Serials {
			line.Serials = append(line.Serials, s.Value)
		}
		for _, r := range l.Refs { // the lot alone is kept of them
			line.Lot = r.Value.Value
		}
		a.Cartons[k].Lines = append(a.Cartons[k].Lines, line)
	}
	var short []x12wms.ShippedLine
	for _, x := range n.lessAll {
		line := shippedLine(profile, x.line, x.ref)
		x.qty.Value = strings.TrimPrefix(x.qty.Value, "-")
		line.At = x.qty.At
		if missing := t.count(x.qty); nothingMore[x.code] {
			line.Short = missing
		}
		short = append(short, line)
	}
	if short != nil {
		a.Cartons = append(a.Cartons, x12wms.ShippedCarton{Lines: short})
	}
}

// shippedLine is a line but for its quantities.
func shippedLine(profile x12wms.Profile, l x12wms.DocumentLine, ref x12wms.Text) x12wms.ShippedLine {
	out := x12wms.ShippedLine{Ref: ref, At: l.Qty.At, UOM: profile.Unit(l.UOM.Value)}
	for _, c := range l.Codes {
		if c.Qualifier.Value == "LT" {
			out.Lot = c.Value.Value
		} else {
			out.Codes = append(out.Codes, c)
		}
	}
	return out
}

// Other quantities (6063) of what came.
const (
	qtyDelivered = "46"
	qtyDestroyed = "196" // received, not accepted, to be destroyed
)

// amounts are the quantities of a line of a RECADV.
type amounts map[string]x12wms.Text

// of sums those of some qualifiers; ok is whether there is any.
func (a amounts) of(t *outside, qualifiers ...string) (sum int64, ok bool) {
	for _, q := range qualifiers {
		if v, is := a[q]; is {
			sum, ok = sum+t.count(v), true
		}
	}
	return sum, ok
}

// Arrived takes a RECADV apart that says what somebody else received of goods that we announced to him by
// DESADV, which RFF AAK or DOC 351 names. Of what came of a line (48, else 46, else 194 and what is bad) is
// good what is accepted (194), else all but what is damaged (124), on hold (27) or refused (195, 196). The
// error is a fault of kind Invalid that carries an [x12wms.Error].
func Arrived(profile x12wms.Profile, p *edifact.Part) (x12wms.Arrived, error) {
	t := &outside{op: "edifactwms.Arrived", on: On(p)}
	if t.tooLong(p) {
		return x12wms.Arrived{}, t.err
	}
	s := p.Segments.At(p.Segments.Len() - 1)
	a := x12wms.Arrived{}
	due := x12wms.Text{At: x12wms.Place{Element: "RFF-01-2", Segment: s.Ordinal(), Offset: s.Offset()}}
	group := ""
	var line *x12wms.ArrivedLine
	var said amounts
	end := func() {
		if line != nil {
			t.arrived(line, said)
			a.Lines = append(a.Lines, *line)
			line = nil
		}
	}
	for _, s := range p.Segments.All() {
		tag := s.ID()
		switch tag {
		case "CPS", "CNT":
			end()
			group = tag
		case "DOC", "PCI", "GIN", "CDI", "LOC", "RFF", "NAD", "PAC", "PRI":
			group = tag
		}
		switch tag {
		case "BGM":
			purpose := text(s, 3, 0)
			purpose.Value = noticePurposes[purpose.Value]
			t.original(purpose)
		case "RFF":
			arrivedReference(&a, line, s)
		case "DOC":
			if line == nil && s.Value(1, 1) == docDespatch {
				a.Numbers = append(a.Numbers, text(s, 2, 1))
			}
		case "NAD":
			if role := roles[s.Value(1, 0)]; line == nil && a.Warehouse.Value == "" && (role == "WH" || role == "ST") {
				a.Warehouse = text(s, 2, 1)
			}
		case "LIN":
			end()
			group = tag
			l := newLine(s)
			line, said = &x12wms.ArrivedLine{At: l.Qty.At, UOM: profile.Unit(l.UOM.Value)}, amounts{}
			arrivedCodes(line, l)
		case "PIA":
			if line != nil {
				var l x12wms.DocumentLine
				for k := 2; k <= s.Len(); k++ {
					addCode(&l, text(s, k, 2), text(s, k, 1))
				}
				arrivedCodes(line, l)
			}
		case "QTY":
			if line != nil && group == "LIN" {
				said[s.Value(1, 1)] = text(s, 1, 2)
				line.At, line.UOM = text(s, 1, 2).At, profile.Unit(coded(text(s, 1, 3), units).Value)
			}
		case "DTM":
			if d := date(s); line != nil && group == "LIN" && d.Qualifier.Value == dtmExpires {
				line.Expiry = t.expiry(d.Day)
			}
		case "GIN":
			for k := 2; line != nil && k <= s.Len(); k++ {
				switch v := text(s, k, 1); {
				case v.Value == "":
				case s.Value(1, 0) == idLot:
					line.Lot = v.Value
				case s.Value(1, 0) == idSerial:
					line.Serials = append(line.Serials, v.Value)
				}
			}
		}
	}
	end()
	if len(a.Numbers) == 0 {
		a.Numbers = []x12wms.Text{due}
		t.fail(due, x12wms.CodeMissing, "RFF AAK with the number of our DESADV, its BGM-02", "send it", "it names no despatch advice")
	}
	if len(a.Lines) == 0 {
		t.fail(x12wms.Text{At: t.on.End("LIN")}, x12wms.CodeNoLines, "LIN", "send a LIN for each line", "it says of no line what came")
	}
	return a, t.err
}

// arrivedReference takes an RFF: of the message, where it names our notice, or of a line.
func arrivedReference(a *x12wms.Arrived, line *x12wms.ArrivedLine, s edifact.Segment) {
	v := text(s, 1, 2)
	switch kind := s.Value(1, 1); {
	case line == nil && kind == "AAK":
		a.Numbers = append(a.Numbers, v)
	case line == nil:
	case kind == "LI":
		line.Ref = v
	case kind == "AAK":
		a.Numbers = append(a.Numbers, v)
		if no := text(s, 1, 3); line.Ref.Value == "" {
			line.Ref = no
		}
	case kind == "BT":
		line.Lot = v.Value
	case kind == "SE":
		line.Serials = append(line.Serials, v.Value)
	}
}

// arrivedCodes are the codes of the item, and the lot.
func arrivedCodes(line *x12wms.ArrivedLine, l x12wms.DocumentLine) {
	for _, c := range l.Codes {
		if c.Qualifier.Value == "LT" {
			line.Lot = c.Value.Value
		} else {
			line.Codes = append(line.Codes, c.Value)
		}
	}
}

// arrived is how much came of a line, and how much of it is good.
func (t *outside) arrived(l *x12wms.ArrivedLine, said amounts) {
	good, accepted := said.of(t, qtyAccepted)
	bad, damaged := said.of(t, qtyDamaged, qtyHeld, qtyRefused, qtyDestroyed)
	came, told := said.of(t, qtyReceived)
	if !told {
		came, told = said.of(t, qtyDelivered)
	}
	switch {
	case !told && !accepted && !damaged:
		t.fail(x12wms.Text{At: l.At}, x12wms.CodeQuantity, "QTY 48 or 194", "say how much came", "it says not how much came of the line")
	case !told:
		came = good + bad
	case accepted:
		bad = came - good
	}
	if l.Qty, l.Damaged = came, bad; bad < 0 || bad > came {
		t.fail(x12wms.Text{At: l.At}, x12wms.CodeQuantity, "at most what came", "correct the quantities", "more of the line is accepted or damaged than came")
	}
}

func (t *outside) expiry(x x12wms.Text) inventory.Date {
	at, err := time.Parse("20060102", x.Value)
	if err != nil {
		t.fail(x, x12wms.CodeBadDate, "CCYYMMDD", "", "%q is not a date", x.Value)
		return ""
	}
	return inventory.Date(at.Format(time.DateOnly))
}
