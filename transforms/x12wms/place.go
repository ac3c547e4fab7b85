package x12wms

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/edi/x12"
)

// Order is an order command and where in the document its parts come from: the
// key is a place as package order names it ("lines[2].item", "ship_to"). With Cancel,
// the document asks to cancel what is open of the order: scope, number and source of
// the command are all that it says. With Amend it changes an order, and Command says
// the same three alone.
type Order struct {
	Command order.Place
	Cancel  bool
	Amend   *order.Amend
	Places  map[string]Place
}

// At says where in the document a problem of the core lies: a place that has no
// counterpart of its own is looked for further up ("ship_to.city" in "ship_to").
func (o Order) At(place string) (Place, bool) { return placeAt(o.Places, place) }

func placeAt(places map[string]Place, place string) (Place, bool) {
	for place != "" {
		if at, ok := places[place]; ok {
			return at, true
		}
		place = place[:max(0, strings.LastIndexAny(place, ".["))]
	}
	return Place{}, false
}

// MaxSegments bounds the memory that one set can ask for: order.MaxLines lines of
// ten segments each.
const MaxSegments = 10 * order.MaxLines

// Order translates a 940, 850 or 860. The error is a fault of kind Invalid that
// carries an [Error]; its findings are added to p as well. An item or unit that
// nobody knows is no error here: the core holds the line or rejects the order.
func (p Profile) Order(part *x12.Part) (Order, error) {
	const op = "x12wms.Order"
	t := &translator{part: part, paper: OnX12(part)}
	st := t.text(part.Segments.At(0), 1)
	if n := part.Segments.Len(); n > MaxSegments {
		t.fail(st.At, CodeCommand, strconv.Itoa(n), fmt.Sprintf("at most %d segments", MaxSegments), "split the order", "the set has %d segments, more than an order may", n)
		return Order{}, t.err(op)
	}
	d, ok := Read(part)
	if !ok {
		t.fail(st.At, CodeUnsupported, st.Value, "940, 850 or 860", "route this set elsewhere", "transaction set %s is no order", st.Value)
		return Order{}, t.err(op)
	}
	return p.order(t, d)
}

// Place translates a document of any syntax that was read into this form, as
// [Profile.Order] does a 940: with the same error, findings and places.
func (p Profile) Place(d Document, on Paper) (Order, error) {
	return p.order(&translator{paper: on}, d)
}

func (p Profile) order(t *translator, d Document) (Order, error) {
	const op = "x12wms.Order"
	o := Order{Places: map[string]Place{"number": d.Number.At, "lines": t.paper.End(t.paper.Line)}}
	t.supported(d)
	o.Cancel = d.Purpose.Value == Cancels && d.Set != "850"
	c := &o.Command
	c.Scope = p.scope(t, d, o.Places)
	c.Number, c.Policy = d.Number.Value, p.Policy
	if c.Number == "" {
		t.fail(d.Number.At, CodeMissing, "", "an order number", "send the number that the shipment is to be confirmed under", "the order has no number")
	}
	if t.paper.ID != "" {
		c.Source = order.Source{Door: "edi", Partner: p.Partner, DocType: d.Set, DocID: t.paper.ID}
	}
	if o.Cancel {
		return o, t.err(op)
	}
	if d.Purpose.Value == Replaces || d.Purpose.Value == Changes {
		o.Amend = p.amend(t, d, o)
		return o, t.err(op)
	}
	c.ShipTo = p.shipTo(t, d, o.Places)
	for _, n := range d.Parties {
		if n.Role.Value == "BT" {
			c.BillTo = p.address(t, n)
			o.Places["bill_to"] = n.Role.At
		}
	}
	c.Named = AsNamed(d.Parties)
	c.Notes = notes(d.Notes)
	c.Service = p.service(d)
	c.Type = cmp.Or(p.Type, d.Kind.Value)
	if i := slices.IndexFunc(d.Refs, func(r Reference) bool { return r.Qualifier.Value == routeNumber }); i >= 0 {
		c.Service.Route = d.Refs[i].Value.Value
		o.Places["service.route"] = d.Refs[i].Value.At
	}
	if d.Kind.Value != "" {
		o.Places["type"] = d.Kind.At
	}
	c.Dates = p.dates(t, d, o.Places)
	c.Refs = t.refs(d)
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
		t.fail(t.paper.End("ST"), CodeCommand, "", "", "", "%v", err)
		return
	}
	for _, p := range bad.Problems {
		at, ok := o.At(p.Place)
		if !ok {
			at = t.paper.End(t.paper.Set)
		}
		t.fail(at, CodeCommand, "", "", "correct the value and send the order again", "%s %s", p.Place, p.Text)
	}
}

// What a document asks for: [Document].Purpose, in the terms of W05-01.
const (
	Orders   = "N" // an original order
	Cancels  = "F"
	Replaces = "R"      // it says all of an order that exists
	Changes  = "change" // it says what is to be another of it
)

// supported refuses documents that neither order anything new nor change or cancel it.
func (t *translator) supported(d Document) {
	switch v := d.Purpose.Value; {
	case (d.Set == "860" || d.Set == "ORDCHG") && v != Cancels && v != Replaces && v != Changes:
		t.fail(d.Purpose.At, CodeUnsupported, v, "1, 4 or 5", "send what is to be another as a change, 4", "purpose %q neither changes an order nor cancels one", v)
	case d.Set != "850" && v != Orders && v != Cancels && v != Replaces && v != Changes:
		t.fail(d.Purpose.At, CodeUnsupported, v, "N, R or F", "cancel it and send a new order, or have it changed by hand", "order status %q neither asks for a new order nor changes or cancels one", v)
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
