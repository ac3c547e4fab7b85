package routes

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/paklog/hub/core/crossref"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
)

// crossedKey says that a partner has cross-references: from the first one on.
func crossedKey(tenant, partner string) string { return "crossrefs/" + scope.Join(tenant, partner) }

// codesKey is where the codes of a partner for one name of ours are noted.
func codesKey(tenant, partner string, k crossref.Kind, ours string) string {
	return "crossref-of/" + scope.Join(tenant, partner, string(k), ours)
}

// crossed is noted of a partner who has cross-references.
type crossed struct {
	First string `json:"first"`
}

// crosses reports whether a partner has cross-references: of most there is this one question.
func (d *decision) crosses(tenant, partner string) bool {
	if partner == "" {
		return false
	}
	_, found := d.state(crossedKey(tenant, partner), &crossed{})
	return found
}

// meaning is what a partner's code means here.
func (d *decision) meaning(tenant, partner string, k crossref.Kind, theirs string) (crossref.Meaning, bool) {
	if theirs == "" || !d.crosses(tenant, partner) {
		return crossref.Meaning{}, false
	}
	e := peek(d, d.f.crossrefs, crossref.StreamOf(scope.Scope{Tenant: tenant, Owner: partner}, k, theirs))
	return e.Meaning, d.err == nil && e.Stands()
}

// codesOf are the codes by which a partner calls a name of ours, in their order.
func (d *decision) codesOf(tenant, partner string, k crossref.Kind, ours string) (codes []string) {
	if ours != "" && d.crosses(tenant, partner) {
		d.state(codesKey(tenant, partner, k, ours), &codes)
	}
	return codes
}

// codeOf is the one code by which a partner is told a name of ours, or "".
func (d *decision) codeOf(tenant, partner string, k crossref.Kind, ours string) string {
	if codes := d.codesOf(tenant, partner, k, ours); len(codes) > 0 {
		return codes[0]
	}
	return ""
}

// askCrossref takes what is about a cross-reference; done is false where the command is not.
func (d *decision) askCrossref(a *door.Ask) (got answered, done bool, err error) {
	s := a.Scope
	var events []event.Event
	var stream string
	var was crossref.Entry
	switch c := a.Cmd.(type) {
	case crossref.Set:
		if c.Scope == (scope.Scope{}) {
			c.Scope = s
		}
		if err := c.Validate(); err != nil {
			return answered{}, true, err // before it names a stream
		}
		if err := d.f.ours(c); err != nil {
			return answered{}, true, err
		}
		s, stream = c.Scope, crossref.StreamOf(c.Scope, c.Kind, c.Theirs)
		was = load(d, d.f.crossrefs, stream)
		for _, code := range d.codesOf(s.Tenant, s.Owner, c.Kind, c.Ours) {
			if code != c.Theirs {
				c.Taken = code
			}
		}
		events, err = was.Set(c, d.m.Now)
	case crossref.Remove:
		if err := scope.CheckPart(c.Theirs); err != nil {
			return answered{}, true, fault.At(door.Master, fault.Invalid, "theirs", err)
		}
		stream = crossref.StreamOf(s, c.Kind, c.Theirs)
		was = load(d, d.f.crossrefs, stream)
		events, err = was.Remove(c, d.m.Now)
	default:
		return answered{}, false, nil
	}
	if add(d, d.f.crossrefs, stream, events, err) && len(events) > 0 {
		d.noteCrossed(s, was, load(d, d.f.crossrefs, stream))
	}
	return answered{load(d, d.f.crossrefs, stream), len(events) > 0}, true, d.err
}

// ours refuses an entry that means a building or a connection which nobody configured.
func (f *Flows) ours(c crossref.Set) error {
	const op = "routes.Crossref"
	switch c.Kind {
	case crossref.Location:
		if err := f.building(c.Ours); err != nil {
			return fault.At(op, fault.Rejected, "ours", errors.New(fault.Reason(err)))
		}
	case crossref.Carrier:
		if _, known := f.carriers[c.Ours]; !known {
			return fault.At(op, fault.Rejected, "ours", fmt.Errorf("no carrier connection is named %q", c.Ours))
		}
	case crossref.Service:
		if _, known := f.carriers[c.Owner]; !known {
			return fault.At(op, fault.Rejected, "partner", fmt.Errorf("no carrier connection is named %q: services are those of carriers", c.Owner))
		}
	case crossref.Method:
		if c.Service.Carrier != "" && f.cfg.OtherCarriers == "" {
			if _, err := f.connection(c.Service.Carrier); err != nil {
				return fault.At(op, fault.Rejected, "carrier", err)
			}
		}
	case crossref.Item, crossref.Unit: // master data may come later
	}
	return nil
}

// noteCrossed lets a name of ours be found by the codes that a partner has for it now.
func (d *decision) noteCrossed(s scope.Scope, was, is crossref.Entry) {
	old, kept := d.state(crossedKey(s.Tenant, s.Owner), &crossed{})
	if !kept {
		d.out.SetState(crossedKey(s.Tenant, s.Owner), old, crossed{is.Theirs})
	}
	change := func(ours string, with bool) {
		if ours == "" {
			return // of a way of delivery nobody asks back
		}
		key := codesKey(s.Tenant, s.Owner, is.Kind, ours)
		var codes []string
		old, _ := d.state(key, &codes)
		codes = slices.DeleteFunc(codes, func(c string) bool { return c == is.Theirs })
		if with {
			codes = append(codes, is.Theirs)
			slices.Sort(codes)
		}
		if len(codes) == 0 {
			d.out.SetState(key, old, nil)
			return
		}
		d.out.SetState(key, old, codes)
	}
	if was.Stands() && (was.Ours != is.Ours || !is.Stands()) {
		change(was.Ours, false)
	}
	if is.Stands() && (was.Ours != is.Ours || !was.Stands()) {
		change(is.Ours, true)
	}
}

// crossedOrder is an order that a partner sends in our words, as far as his cross-references go.
func (d *decision) crossedOrder(c order.Place) order.Place {
	c.Service = d.crossedService(c.Scope.Tenant, c.Source.Partner, c.Service)
	c.Lines = d.crossedLines(c.Scope.Tenant, c.Source.Partner, c.Lines)
	return c
}

// crossedService is the service that a partner's way of delivery means.
func (d *decision) crossedService(tenant, partner string, s order.Service) order.Service {
	m, found := d.meaning(tenant, partner, crossref.Method, s.Method)
	if !found {
		return s
	}
	return order.Service{
		Carrier: m.Service.Carrier, Level: m.Service.Level, Method: s.Method, Route: s.Route,
		Account: cmp.Or(m.Service.Account, s.Account), Terms: cmp.Or(m.Service.Terms, s.Terms),
	}
}

// ofPartner is the kind of the code by which a partner called an item that we call otherwise.
const ofPartner = "partner"

// crossedLines are lines with our names of items and units. What the partner called an item stays among
// the line's codes: by it he names the line later.
func (d *decision) crossedLines(tenant, partner string, lines []order.PlaceLine) []order.PlaceLine {
	if len(lines) == 0 || !d.crosses(tenant, partner) {
		return lines
	}
	lines = slices.Clone(lines)
	for i := range lines {
		l := &lines[i]
		l.UOM = d.crossedUnit(tenant, partner, l.UOM)
		m, found := d.meaning(tenant, partner, crossref.Item, l.Item)
		if !found {
			continue
		}
		if !slices.ContainsFunc(l.Codes, func(c item.Code) bool { return c.Value == l.Item }) && len(l.Codes) < item.MaxCodes {
			l.Codes = append(slices.Clone(l.Codes), item.Code{Kind: ofPartner, Value: l.Item})
		}
		l.Item = m.Ours
	}
	return lines
}

func (d *decision) crossedUnit(tenant, partner, uom string) string {
	m, _ := d.meaning(tenant, partner, crossref.Unit, uom)
	return cmp.Or(m.Ours, uom)
}

// crossedAmend is what a partner asks to be another of an order, in our words. A line that the order has is
// known by what he called it.
func (d *decision) crossedAmend(o order.Order, c order.Amend) (order.Amended, error) {
	c.Service = d.crossedService(o.Scope.Tenant, c.Source.Partner, c.Service)
	a, err := o.Amended(c)
	if err != nil || d.err != nil {
		return a, cmp.Or(err, d.err)
	}
	a.Add = d.crossedLines(o.Scope.Tenant, c.Source.Partner, a.Add)
	for i := range a.Lines {
		a.Lines[i].UOM = d.crossedUnit(o.Scope.Tenant, c.Source.Partner, a.Lines[i].UOM)
	}
	return a, nil
}

// services are what the carriers call a service level of ours, by connection; none where no carrier has a
// code for it, which is a carrier's own code then.
func (d *decision) services(ask []CarrierConfig, tenant, level string) map[string]string {
	out := map[string]string{}
	for _, c := range ask {
		if code := d.codeOf(tenant, c.Name, crossref.Service, level); code != "" {
			out[c.Name] = code
		}
	}
	return out
}

// places are a shop's places by what buildings of ours they are: those of the configuration, and what the
// cross-references say of them and of others.
func (s *shops) places(d *decision, c ShopConfig) map[string]string {
	if !d.crosses(c.Scope.Tenant, c.Name) {
		return c.Locations
	}
	out := maps.Clone(c.Locations)
	if out == nil {
		out = map[string]string{}
	}
	for _, building := range append([]string{d.f.cfg.Facility}, d.f.cfg.Facilities...) {
		for _, place := range d.codesOf(c.Scope.Tenant, c.Name, crossref.Location, building) {
			out[place] = building
		}
	}
	return out
}

// listings are what a shop calls an item of ours: its own codes, or the item's name where it has none and
// calls nothing else so.
func (s *shops) listings(d *decision, c ShopConfig, sku string) []string {
	if codes := d.codesOf(c.Scope.Tenant, c.Name, crossref.Item, sku); len(codes) > 0 {
		return codes
	}
	if _, other := d.meaning(c.Scope.Tenant, c.Name, crossref.Item, sku); other {
		return nil
	}
	return []string{sku}
}
