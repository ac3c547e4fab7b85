package x12wms

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/edi/x12"
)

// Order is an order command and where in the document its parts come from: the
// key is a place as package order names it ("lines[2].item", "ship_to").
type Order struct {
	Command order.Place
	Places  map[string]Place
}

// At says where in the document a problem of the core lies: a place that has no
// counterpart of its own is looked for further up ("ship_to.city" in "ship_to").
func (o Order) At(place string) (Place, bool) {
	for place != "" {
		if at, ok := o.Places[place]; ok {
			return at, true
		}
		place = place[:max(0, strings.LastIndexAny(place, ".["))]
	}
	return Place{}, false
}

// MaxSegments bounds the memory that one set can ask for: order.MaxLines lines of
// ten segments each.
const MaxSegments = 10 * order.MaxLines

// Order translates a 940 or 850. The error is a fault of kind Invalid that
// carries an [Error]; its findings are added to p as well. An item or unit that
// nobody knows is no error here: the core holds the line or rejects the order.
func (p Profile) Order(part *x12.Part) (Order, error) {
	const op = "x12wms.Order"
	t := &translator{part: part}
	st := t.text(part.Segments.At(0), 1)
	if n := part.Segments.Len(); n > MaxSegments {
		t.fail(st.At, CodeCommand, strconv.Itoa(n), fmt.Sprintf("at most %d segments", MaxSegments), "split the order", "the set has %d segments, more than an order may", n)
		return Order{}, t.err(op)
	}
	d, ok := Read(part)
	if !ok {
		t.fail(st.At, CodeUnsupported, st.Value, "940 or 850", "route this set elsewhere", "transaction set %s is no order", st.Value)
		return Order{}, t.err(op)
	}
	o := Order{Places: map[string]Place{"number": d.Number.At, "lines": t.end("W01")}}
	if d.Set == "850" {
		o.Places["lines"] = t.end("PO1")
	}
	t.supported(d)
	c := &o.Command
	c.Scope = p.scope(t, d, o.Places)
	c.Number, c.Policy = d.Number.Value, p.Policy
	if c.Number == "" {
		t.fail(d.Number.At, CodeMissing, "", "an order number", "send the number that the shipment is to be confirmed under", "the order has no number")
	}
	c.ShipTo = p.shipTo(t, d, o.Places)
	for _, n := range d.Parties {
		if n.Role.Value == "BT" {
			c.BillTo = p.address(t, n)
			o.Places["bill_to"] = n.Role.At
		}
	}
	c.Notes = notes(d.Notes)
	c.Service = p.service(d)
	c.Dates = p.dates(t, d, o.Places)
	c.Refs = t.refs(d)
	if id := part.Identity(); part.ISA != nil {
		c.Source = order.Source{Door: "edi", Partner: p.Partner, DocType: d.Set, DocID: id.String()}
	}
	c.Lines = p.lines(t, d, o.Places)
	if err := t.err(op); err != nil {
		return Order{}, err
	}
	if err := c.Validate(); err != nil {
		t.core(o, err)
		return Order{}, t.err(op)
	}
	return o, nil
}

// core turns what the core finds wrong with the command into findings where the
// values came from.
func (t *translator) core(o Order, err error) {
	var bad *order.InvalidError
	if !errors.As(err, &bad) {
		t.fail(t.end("ST"), CodeCommand, "", "", "", "%v", err)
		return
	}
	for _, p := range bad.Problems {
		at, ok := o.At(p.Place)
		if !ok {
			at = t.end(t.part.ST.ID)
		}
		t.fail(at, CodeCommand, "", "", "correct the value and send the order again", "%s %s", p.Place, p.Text)
	}
}

// supported refuses documents that do not order anything new.
func (t *translator) supported(d Document) {
	switch {
	case d.Set == "940" && d.Purpose.Value != "N":
		t.fail(d.Purpose.At, CodeUnsupported, d.Purpose.Value, "N", "send a new order, or cancel by hand", "order status %q does not ask for a new order", d.Purpose.Value)
	case d.Set == "850" && d.Purpose.Value != "00" && d.Purpose.Value != "07":
		t.fail(d.Purpose.At, CodeUnsupported, d.Purpose.Value, "00", "send changes as an 860", "purpose %q does not ask for a new order", d.Purpose.Value)
	case d.Kind.Value == "BK":
		t.fail(d.Kind.At, CodeUnsupported, "BK", "SA or NE", "send a release against it", "a blanket order ships nothing by itself")
	}
	if len(d.Breakups) > 0 {
		at := d.Breakups[0]
		t.fail(at.At, CodeUnsupported, at.Value, "one order a store", "send one order for each store", "quantities are broken up by store")
	}
}

func (p Profile) scope(t *translator, d Document, places map[string]Place) scope.Scope {
	s := scope.Scope{Tenant: p.Tenant, Owner: p.Owner, Facility: p.Facility}
	depositor := Text{}
	for _, n := range d.Parties {
		switch n.Role.Value {
		case "DE":
			depositor = n.Code
		case "WH", "SF":
			places["facility"] = n.Code.At
			if f, ok := p.Facilities[n.Code.Value]; ok {
				s.Facility = f
			} else if len(p.Facilities) > 0 && n.Code.Value != "" {
				t.fail(n.Code.At, CodeUnknownParty, n.Code.Value, "", "check the code, or add it to the partner's facilities", "warehouse code %q is not one of ours", n.Code.Value)
			} else if s.Facility == "" {
				s.Facility = n.Code.Value
			}
		}
	}
	if depositor.Value == "" && t.part.ISA != nil {
		depositor.Value = t.part.ISA.Sender
	}
	places["owner"] = depositor.At
	if o, ok := p.Owners[depositor.Value]; ok {
		s.Owner = o
	} else if s.Owner == "" {
		s.Owner = depositor.Value
	}
	if s.Facility == "" {
		t.fail(t.end("N1"), CodeUnknownParty, "", "N1*WH or N1*SF with a code", "send it, or give the partner a facility", "the order names no warehouse")
	}
	return s
}

// shipTo is the first of ship-to, consignee and ultimate consignee.
func (p Profile) shipTo(t *translator, d Document, places map[string]Place) party.Address {
	for _, role := range [...]string{"ST", "CN", "UC"} {
		for _, n := range d.Parties {
			if n.Role.Value == role {
				places["ship_to"] = n.Role.At
				if n.Country.At.Segment > 0 {
					places["ship_to.country"] = n.Country.At
				}
				return p.address(t, n)
			}
		}
	}
	t.fail(t.end("N1"), CodeNoShipTo, "", "N1*ST with name or code", "send the ship-to party", "the order says not where to ship")
	return party.Address{}
}

func (p Profile) address(t *translator, n Party) party.Address {
	a := party.Address{Name: n.Name.Value, City: n.City.Value, Region: n.Region.Value, PostalCode: n.Postal.Value,
		Country: n.Country.Value, Phone: n.Phone.Value, Email: n.Email.Value, Code: n.Code.Value}
	for i, x := range n.Extra {
		if i == 0 {
			a.Company = x.Value
		} else {
			a.Company += " " + x.Value
		}
	}
	for i, s := range n.Streets {
		if i < 3 {
			a.Lines = append(a.Lines, s.Value)
		} else { // nothing of an address may be lost: the carrier decides what it can print
			a.Lines[2] += ", " + s.Value
		}
	}
	if c, ok := countries[a.Country]; ok {
		a.Country = c
	}
	if a.Country == "" {
		if a.Country = p.Country; a.Country == "" {
			a.Country = "US"
		}
	}
	return a
}

// notes joins what is more than an order may carry; order.MaxNote bounds each.
func notes(texts []Text) []string {
	var out []string
	for _, n := range texts {
		last := len(out) - 1
		switch {
		case n.Value == "":
		case len(out) < order.MaxNotes/2 || len(out[last])+1+len(n.Value) > order.MaxNote:
			out = append(out, n.Value)
		default:
			out[last] += "\n" + n.Value
		}
	}
	return out
}

func (p Profile) service(d Document) order.Service {
	s, ok := p.Services[d.Routing.Value]
	if !ok {
		if s, ok = p.Services[d.SCAC.Value]; !ok {
			s.Carrier = d.SCAC.Value
			if s.Method, ok = methods[d.Method.Value]; !ok {
				s.Method = d.Method.Value
			}
		}
	}
	if s.Terms == "" {
		s.Terms = terms[d.Terms.Value]
	}
	return s
}

func (t *translator) refs(d Document) []order.Ref {
	var out []order.Ref
	add := func(kind string, v Text) {
		switch {
		case v.Value == "":
		case len(out) == order.MaxRefs:
			t.fail(v.At, CodeCommand, v.Value, fmt.Sprintf("at most %d references", order.MaxRefs), "send fewer", "the order has more than %d references", order.MaxRefs)
		default:
			out = append(out, order.Ref{Kind: kind, Value: v.Value})
		}
	}
	add("po", d.PO)
	add("link_sequence", d.LinkNo)
	add("master_reference", d.Master)
	add("routing", d.Routing)
	for _, r := range d.Refs {
		if r.Qualifier.Value != "" {
			add(kindOf(refKinds, r.Qualifier.Value), r.Value)
		}
	}
	return out
}

// dates reads the document's days in the partner's zone: a bound from below is
// the day's beginning, one from above its last second.
func (p Profile) dates(t *translator, d Document, places map[string]Place) order.Dates {
	var out order.Dates
	all := d.Dates
	if d.Ordered.Value != "" {
		all = append([]Date{{Day: d.Ordered, kind: ordered}}, all...)
	}
	for _, x := range all {
		if x.kind == noDate || x.Day.Value == "" {
			continue
		}
		at, err := p.moment(x)
		if err != nil {
			t.fail(x.Day.At, CodeBadDate, x.Day.Value, "CCYYMMDD", "", "%q is not a date", x.Day.Value)
			continue
		}
		switch x.kind {
		case ordered:
			out.Ordered, places["dates.ordered"] = at, x.Day.At
		case notBefore:
			out.NotBefore, places["dates.not_before"] = at, x.Day.At
		case shipBy:
			out.ShipBy, places["dates.ship_by"] = at, x.Day.At
		case deliverBy:
			out.DeliverBy, places["dates.deliver_by"] = at, x.Day.At
		case cancelAfter:
			out.CancelAfter, places["dates.cancel_after"] = at, x.Day.At
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
	if clock := x.Time.Value; len(clock) >= 4 && x12.IsTime(clock) {
		h, _ := strconv.Atoi(clock[:2])
		m, _ := strconv.Atoi(clock[2:4])
		return time.Date(at.Year(), at.Month(), at.Day(), h, m, 0, 0, p.zone()).UTC(), nil
	}
	if x.kind != notBefore && x.kind != ordered {
		at = time.Date(at.Year(), at.Month(), at.Day(), 23, 59, 59, 0, p.zone())
	}
	return at.UTC(), nil
}

func (p Profile) lines(t *translator, d Document, places map[string]Place) []order.PlaceLine {
	lines := make([]order.PlaceLine, 0, len(d.Lines))
	own := numbers(d.Lines)
	for i, l := range d.Lines {
		at := func(field string, where Place) { places[fmt.Sprintf("lines[%d].%s", i, field)] = where }
		out := order.PlaceLine{Ref: l.ID.Value, UOM: p.uom(l.UOM.Value), Qty: t.quantity(l.Qty)}
		if own != nil {
			out.No = own[i]
		}
		at("no", l.ID.At)
		at("ref", l.ID.At)
		at("qty", l.Qty.At)
		at("uom", l.UOM.At)
		p.itemOf(t, l, &out, at)
		for _, r := range l.Refs {
			if r.Qualifier.Value == lotQualifier && out.Lot == "" {
				out.Lot = r.Value.Value
				at("lot", r.Value.At)
			}
		}
		lines = append(lines, out)
	}
	if len(lines) == 0 {
		where := places["lines"]
		t.fail(where, CodeNoLines, "", where.Element, "send at least one line", "the order has no lines")
	}
	return lines
}

// numbers are the sender's line numbers if all lines have one of their own.
func numbers(lines []DocumentLine) []int {
	out := make([]int, len(lines))
	seen := make(map[int]bool, len(lines))
	for i, l := range lines {
		n, err := strconv.ParseInt(l.ID.Value, 10, 32)
		if err != nil || n < 1 || seen[int(n)] {
			return nil
		}
		out[i], seen[int(n)] = int(n), true
	}
	return out
}

// itemOf names the line's item by the best qualifier there is and keeps the
// other codes.
func (p Profile) itemOf(t *translator, l DocumentLine, out *order.PlaceLine, at func(string, Place)) {
	codes := l.Codes
	if l.UPC.Value != "" {
		codes = append(codes[:len(codes):len(codes)], Code{Text{Value: "UP"}, l.UPC})
	}
	best := len(p.items())
	for _, c := range codes {
		if c.Qualifier.Value == lotQualifier {
			out.Lot = c.Value.Value
			at("lot", c.Value.At)
			continue
		}
		out.Codes = append(out.Codes, item.Code{Kind: kindOf(kinds, c.Qualifier.Value), Value: c.Value.Value})
		for rank, q := range p.items()[:best] {
			if q == c.Qualifier.Value {
				best, out.Item = rank, c.Value.Value
				at("item", c.Value.At)
				break
			}
		}
	}
	if out.Item == "" {
		t.fail(l.FirstCode, CodeNoItem, "", "a code qualified by one of "+strings.Join(p.items(), " "),
			"send the item's code, or add its qualifier to the partner's items", "the line names no item that this partner is to be understood by")
	}
}

// quantity reads a positive whole number; X12 allows decimals.
func (t *translator) quantity(q Text) int64 {
	whole, fraction, _ := strings.Cut(q.Value, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	switch {
	case q.Value == "":
		t.fail(q.At, CodeQuantity, "", "a positive number", "", "the line has no quantity")
	case err != nil || strings.Trim(fraction, "0") != "":
		t.fail(q.At, CodeQuantity, q.Value, "a whole number", "send the quantity in a unit that needs no fraction", "quantity %q is not a whole number", q.Value)
	case n < 1 || n > order.MaxQty:
		t.fail(q.At, CodeQuantity, q.Value, fmt.Sprintf("1 to %d", order.MaxQty), "", "quantity %q cannot be shipped", q.Value)
	}
	return n
}
