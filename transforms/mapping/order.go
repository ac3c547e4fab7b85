package mapping

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/transforms/x12wms"
)

// Order is the order that a document means, as [x12wms.Profile.Order] makes one: of the profile it
// takes the tenant, and owner, facility, policy and type where the map leaves them out. The map's
// units, items and buildings are ours already. ok is false where the map is not for the document.
func (m *Map) Order(p x12wms.Profile, d Document) (o x12wms.Order, ok bool, err error) {
	const op = "mapping.Order"
	var doc orderDocument
	made, r, err := m.into(op, MakesOrder, d, &doc)
	if err != nil || made.JSON == nil {
		return o, false, err
	}
	o.Cancel, o.Places = doc.Cancel, made.documentPlaces()
	src := order.Source{}
	if d.paper.ID != "" {
		src = order.Source{Door: "edi", Partner: p.Partner, DocType: d.paper.Set, DocID: d.paper.ID}
	}
	o.Command = doc.Place(within(p, d), src)
	c := &o.Command
	c.Named = x12wms.AsNamed(d.parties())
	if c.Policy == "" {
		c.Policy = p.Policy
	}
	if p.Type != "" {
		c.Type = p.Type
	}
	r.scope(made, c.Scope)
	if c.Number == "" {
		r.lacks(made, "number", "the order has no number: give one under out.number")
	}
	if err := r.err(op); err != nil || o.Cancel {
		return o, err == nil, err
	}
	if err := c.Validate(); err != nil {
		var bad *order.InvalidError
		if !errors.As(err, &bad) {
			return o, false, fault.E(op, fault.Invalid, err)
		}
		for _, problem := range bad.Problems {
			r.lacks(made, problem.Place, problem.Place+" "+problem.Text)
		}
	}
	err = r.err(op)
	return o, err == nil, err
}

// Expected is the announcement of a receipt that a document means, as [x12wms.Profile.Expected] makes
// one; of the profile it takes what [Map.Order] does.
func (m *Map) Expected(p x12wms.Profile, d Document) (x x12wms.Expected, ok bool, err error) {
	const op = "mapping.Expected"
	var doc receiptDocument
	made, r, err := m.into(op, MakesReceipt, d, &doc)
	if err != nil || made.JSON == nil {
		return x, false, err
	}
	s := within(p, d)
	if doc.Owner != "" {
		s.Owner = doc.Owner
	}
	if doc.Facility != "" {
		s.Facility = doc.Facility
	}
	x = x12wms.Expected{Scope: s, ID: doc.ID, Cancel: doc.Cancel, Places: made.documentPlaces()}
	r.scope(made, s)
	if doc.ID == "" {
		r.lacks(made, "receipt", "the receipt has no number: give one under out.receipt")
	}
	a := &x.Announcement
	*a = receiving.Announcement{Kind: doc.Kind, Supplier: doc.Supplier, Reference: doc.Reference, Due: doc.Due, Parties: x12wms.AsCoded(d.parties())}
	if a.Kind == "" {
		a.Kind = receiving.KindASN
	}
	for i, l := range doc.Lines {
		if l.Qty < 1 {
			r.lacks(made, fmt.Sprintf("lines[%d].qty", i), fmt.Sprintf("quantity %d cannot be received", l.Qty))
		}
		if l.Item == "" {
			r.lacks(made, fmt.Sprintf("lines[%d].item", i), "the line names no item")
		}
		a.Lines = append(a.Lines, receiving.Line{No: l.No, Item: l.Item, Qty: l.Qty, Lot: l.Lot, Expiry: inventory.Date(l.Expiry), LPN: l.LPN, Serials: l.Serials})
		x.Units = append(x.Units, l.UOM)
	}
	if len(a.Lines) == 0 && !x.Cancel {
		r.lacks(made, "lines", "the receipt has no lines")
	}
	err = r.err(op)
	return x, err == nil, err
}

// within is the scope of what a map makes, where it names none: the partner's owner, or the sender.
func within(p x12wms.Profile, d Document) scope.Scope {
	return scope.Scope{Tenant: p.Tenant, Owner: cmp.Or(p.Owner, d.paper.Sender), Facility: p.Facility}
}

// into runs the map and reads what it made.
func (m *Map) into(op, makes string, d Document, doc any) (Made, *run, error) {
	r := &run{m: m, d: d, src: &source{}}
	if m.Makes != makes {
		return Made{}, r, fault.E(op, fault.Internal, fmt.Errorf("map %s makes %s, and %s is asked of it", m.ID, m.Makes, makes))
	}
	made, err := m.Run(d)
	if err != nil || made.JSON == nil {
		return Made{}, r, err
	}
	dec := json.NewDecoder(bytes.NewReader(made.JSON))
	dec.DisallowUnknownFields()
	if err := dec.Decode(doc); err != nil {
		r.fail(r.head(), m.out.line, "", "what the map makes is no %s: %v", makes, err)
		return Made{}, r, r.err(op)
	}
	return made, r, nil
}

func (r *run) scope(made Made, s scope.Scope) {
	if s.Owner == "" {
		r.lacks(made, "owner", "nobody owns the goods: give out.owner, or the partner an owner")
	}
	if s.Facility == "" {
		r.lacks(made, "facility", "no building is named: give out.facility, or the hub one")
	}
}

// lacks notes what is wrong with a value that the map made, or with its absence.
func (r *run) lacks(made Made, path, message string) {
	at := r.head()
	line := r.m.out.line
	for p := path; p != ""; p = p[:max(0, strings.LastIndexAny(p, ".["))] {
		o, ok := made.places[p]
		if !ok {
			continue
		}
		line = o.line
		if o.at.Segment > 0 {
			at = o.at
			break
		}
	}
	r.fail(at, line, "", "%s", message)
}

// documentPlaces are the places of values that came from the document.
func (m Made) documentPlaces() map[string]x12wms.Place {
	out := map[string]x12wms.Place{}
	for path, o := range m.places {
		if o.at.Segment > 0 {
			out[path] = o.at
		}
	}
	return out
}
