package ship

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/gs1"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/scope"
)

// Shipment is the state of a shipment. The zero Shipment does not exist yet. Each
// carton is waited for, ready (manifested, not confirmed) or gone (confirmed).
type Shipment struct {
	ConfirmHead   `json:"head"`
	Waiting       []string     `json:"waiting,omitempty"`
	Ready         []Manifested `json:"ready,omitempty"`
	Gone          []Manifested `json:"gone,omitempty"`
	Shorts        []ShortLine  `json:"shorts,omitempty"` // to be told with the first confirmation
	Confirmations int          `json:"confirmations,omitempty"`
}

// Known reports whether the shipment was planned.
func (s Shipment) Known() bool { return s.Shipment != "" }

// ConfirmFold makes a [Shipment].
var ConfirmFold = event.Fold[Shipment]{Kind: "ship", Version: 1, Apply: applyConfirm}

func applyConfirm(s Shipment, e event.Event) (Shipment, error) {
	switch e := e.(type) {
	case Planned:
		if !s.Known() {
			s.ConfirmHead = e.ConfirmHead
		}
		s.Waiting = slices.Concat(s.Waiting, e.Cartons)
		s.Shorts = slices.Concat(s.Shorts, e.Shorts)
	case CartonManifested:
		s.Waiting = without(s.Waiting, e.Carton)
		s.Ready = append(slices.Clip(s.Ready), e.Manifested)
	case CartonDropped:
		s.Waiting = without(s.Waiting, e.Carton)
		s.Ready = slices.DeleteFunc(slices.Clone(s.Ready), func(m Manifested) bool { return m.Carton == e.Carton })
	case Confirmed:
		s.Gone = slices.Concat(s.Gone, e.Cartons)
		s.Ready, s.Shorts = nil, nil
		s.Confirmations++
	default:
		return s, event.Unexpected("ship", e)
	}
	return s, nil
}

func without(names []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == name })
}

func (s Shipment) head(at time.Time) ConfirmHead {
	h := s.ConfirmHead
	h.At = at.UTC()
	return h
}

func find(list []Manifested, carton string) (Manifested, bool) {
	i := slices.IndexFunc(list, func(m Manifested) bool { return m.Carton == carton })
	if i < 0 {
		return Manifested{}, false
	}
	return list[i], true
}

// Plan says which cartons the shipment waits for. Planned again, it waits for the
// new ones too; ones it knows are no event, and neither are shorts told with them.
func (s Shipment) Plan(c PlanShipment, at time.Time) ([]event.Event, error) {
	const op = "ship.Plan"
	if err := c.Scope.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	for _, n := range [...]struct{ place, v string }{{"shipment", c.Shipment}, {"order", c.Order}} {
		if err := scope.CheckPart(n.v); err != nil {
			return nil, fault.At(op, fault.Invalid, n.place, err)
		}
	}
	if n := len(c.Cartons); n == 0 || n > pack.MaxCartons {
		return nil, fault.At(op, fault.Invalid, "cartons", fmt.Errorf("has %d cartons, 1 to %d are allowed", n, pack.MaxCartons))
	}
	if s.Known() && s.Order != c.Order {
		return nil, fault.At(op, fault.Rejected, "order", fmt.Errorf("shipment %s is of order %s", s.Shipment, s.Order))
	}
	known := make(map[string]bool, len(s.Waiting)+len(s.Ready)+len(s.Gone))
	for _, w := range s.Waiting {
		known[w] = true
	}
	for _, m := range slices.Concat(s.Ready, s.Gone) {
		known[m.Carton] = true
	}
	seen := make(map[string]bool, len(c.Cartons))
	var fresh []string
	for i, sscc := range c.Cartons {
		place := fmt.Sprintf("cartons[%d]", i)
		if err := gs1.CheckSSCC(sscc); err != nil {
			return nil, fault.At(op, fault.Invalid, place, err)
		}
		if seen[sscc] {
			return nil, fault.At(op, fault.Invalid, place, fmt.Errorf("carton %s is named twice", sscc))
		}
		seen[sscc] = true
		if !known[sscc] {
			fresh = append(fresh, sscc)
		}
	}
	if len(fresh) == 0 {
		return nil, nil
	}
	h := ConfirmHead{c.Scope, c.Shipment, c.Order, c.Wave, at.UTC()}
	if s.Known() {
		h = s.head(at)
	}
	return []event.Event{Planned{h, fresh, slices.Clone(c.Shorts)}}, nil
}

// Manifest records that a carton leaves, and confirms when nothing more is waited
// for. The same again is no event; the same carton with another content or label
// is Rejected. A carton that nobody planned is taken too: it stands at the dock.
func (s Shipment) Manifest(c ManifestCarton, at time.Time) ([]event.Event, error) {
	const op = "ship.Manifest"
	m := c.Carton
	fresh, err := s.leaves(op, m)
	if err != nil || !fresh {
		return nil, err
	}
	m.Contents = slices.Clone(m.Contents)
	out := []event.Event{CartonManifested{s.head(at), m}}
	return s.confirmed(out, without(s.Waiting, m.Carton), append(slices.Clip(s.Ready), m), at), nil
}

// leaves reports whether a carton is to be manifested; false is one that was already.
func (s Shipment) leaves(op string, m Manifested) (fresh bool, err error) {
	if !s.Known() {
		return false, fault.At(op, fault.Rejected, "shipment", errors.New("there is no such shipment"))
	}
	if err := gs1.CheckSSCC(m.Carton); err != nil {
		return false, fault.At(op, fault.Invalid, "carton", err)
	}
	if len(m.Contents) == 0 {
		return false, fault.At(op, fault.Invalid, "contents", errors.New("an empty carton does not leave"))
	}
	for i, k := range m.Contents {
		if k.Qty < 1 {
			return false, fault.At(op, fault.Invalid, fmt.Sprintf("contents[%d].qty", i), fmt.Errorf("%d is not at least 1", k.Qty))
		}
	}
	for _, list := range [...][]Manifested{s.Ready, s.Gone} {
		if was, ok := find(list, m.Carton); ok {
			if was.same(m) {
				return false, nil
			}
			return false, fault.At(op, fault.Rejected, "carton", fmt.Errorf("carton %s is manifested with another label or content", was.Carton))
		}
	}
	return true, nil
}

// Leave confirms cartons that have left, and with them what was ready; ones that are
// confirmed already are no event.
func (s Shipment) Leave(c LeaveCartons, at time.Time) ([]event.Event, error) {
	const op = "ship.Leave"
	var out []event.Event
	ready := slices.Clip(s.Ready)
	for i, m := range c.Cartons {
		fresh, err := s.leaves(op, m)
		switch {
		case err != nil:
			return nil, err
		case slices.ContainsFunc(c.Cartons[:i], func(x Manifested) bool { return x.Carton == m.Carton }):
			return nil, fault.At(op, fault.Invalid, fmt.Sprintf("cartons[%d]", i), fmt.Errorf("carton %s is named twice", m.Carton))
		case !fresh:
			continue
		}
		m.Contents = slices.Clone(m.Contents)
		out = append(out, CartonManifested{s.head(at), m})
		ready = append(ready, m)
	}
	if len(out) == 0 {
		return nil, nil
	}
	return s.confirmed(out, nil, ready, at), nil
}

// same tells an answer heard twice from another carton under the same number.
func (m Manifested) same(n Manifested) bool {
	return m.Carrier == n.Carrier && m.Service == n.Service && m.Tracking == n.Tracking &&
		m.Dims == n.Dims && m.Weight == n.Weight && m.Cost == n.Cost &&
		slices.EqualFunc(m.Contents, n.Contents, func(a, b pack.Content) bool {
			return a.Line == b.Line && a.Item == b.Item && a.Lot == b.Lot && a.Tote == b.Tote && a.Qty == b.Qty && slices.Equal(a.Serials, b.Serials)
		})
}

// Drop takes a carton out, and confirms the others when it was the last one waited
// for. What is confirmed has left and cannot be dropped; an unknown carton, or one
// dropped already, is no event.
func (s Shipment) Drop(c DropCarton, at time.Time) ([]event.Event, error) {
	const op = "ship.Drop"
	if !s.Known() {
		return nil, fault.At(op, fault.Rejected, "shipment", errors.New("there is no such shipment"))
	}
	if _, gone := find(s.Gone, c.Carton); gone {
		return nil, fault.At(op, fault.Rejected, "carton", fmt.Errorf("carton %s has left", c.Carton))
	}
	if err := scope.CheckPart(c.Reason); err != nil {
		return nil, fault.At(op, fault.Invalid, "reason", err)
	}
	if _, ready := find(s.Ready, c.Carton); !ready && !slices.Contains(s.Waiting, c.Carton) {
		return nil, nil
	}
	ready := slices.DeleteFunc(slices.Clone(s.Ready), func(m Manifested) bool { return m.Carton == c.Carton })
	out := []event.Event{CartonDropped{s.head(at), c.Carton, c.Reason}}
	return s.confirmed(out, without(s.Waiting, c.Carton), ready, at), nil
}

// confirmed adds the confirmation of what is ready when nothing is waited for.
func (s Shipment) confirmed(out []event.Event, waiting []string, ready []Manifested, at time.Time) []event.Event {
	if len(waiting) > 0 || len(ready) == 0 {
		return out
	}
	c := Confirmed{ConfirmHead: s.head(at), Supplement: s.Confirmations, Cartons: ready, Shorts: s.Shorts}
	for _, m := range ready {
		c.Weight += m.Weight
		for _, k := range m.Contents {
			i := slices.IndexFunc(c.Lines, func(l ConfirmedLine) bool { return l.Line == k.Line && l.Item == k.Item && l.Lot == k.Lot })
			if i < 0 {
				c.Lines = append(c.Lines, ConfirmedLine{k.Line, k.Item, k.Lot, k.Qty})
				continue
			}
			c.Lines[i].Qty += k.Qty
		}
	}
	slices.SortFunc(c.Lines, func(a, b ConfirmedLine) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Item, b.Item), cmp.Compare(a.Lot, b.Lot))
	})
	return append(out, c)
}
