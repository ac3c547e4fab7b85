package location

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/scope"
)

// Usable reports whether stock may be allocated here.
func (l Location) Usable() bool {
	return l.Known() && l.Status == StatusActive && (l.Spec.Purpose == Pick || l.Spec.Purpose == Bulk)
}

// Register makes a location known. The same again is no event; another spec for a
// known code is Rejected: that is a change.
func (l Location) Register(c Register, at time.Time) ([]event.Event, error) {
	const op = "location.Register"
	s := c.Scope.Building()
	if err := s.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if err := scope.CheckPart(c.Code); err != nil {
		return nil, fault.At(op, fault.Invalid, "location", err)
	}
	if err := c.Spec.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	var out []event.Event
	switch is := l.Spec == c.Spec; {
	case !l.Known():
		out = append(out, Registered{Head{s, c.Code, at.UTC()}, c.Spec})
	case !c.Update && (!is || c.Blocked != "" && l.Status != StatusBlocked):
		return nil, fault.At(op, fault.Rejected, "location", fmt.Errorf("location %s is registered with other properties: change it instead", c.Code))
	case !is:
		out = append(out, Changed{l.head(at), c.Spec})
	}
	if c.Blocked == "" {
		return out, nil
	}
	if err := scope.CheckPart(c.Blocked); err != nil {
		return nil, fault.At(op, fault.Invalid, "blocked", err)
	}
	l, err := Fold.Replay(l, out...)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	blocked, err := l.Block(Block{Reason: c.Blocked}, at)
	return append(out, blocked...), err
}

// Change replaces the spec; the same spec again is no event.
func (l Location) Change(c Change, at time.Time) ([]event.Event, error) {
	const op = "location.Change"
	if err := l.known(op); err != nil {
		return nil, err
	}
	if err := c.Spec.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if l.Spec == c.Spec {
		return nil, nil
	}
	return []event.Event{Changed{l.head(at), c.Spec}}, nil
}

// Block takes the location out of use; it must say why. Blocked already is no event.
func (l Location) Block(c Block, at time.Time) ([]event.Event, error) {
	const op = "location.Block"
	if err := l.known(op); err != nil {
		return nil, err
	}
	if err := scope.CheckPart(c.Reason); err != nil {
		return nil, fault.At(op, fault.Invalid, "reason", err)
	}
	if l.Status == StatusBlocked {
		return nil, nil
	}
	return []event.Event{Blocked{l.head(at), c.Reason, c.By}}, nil
}

// Unblock brings it back; active already is no event.
func (l Location) Unblock(c Unblock, at time.Time) ([]event.Event, error) {
	if err := l.known("location.Unblock"); err != nil {
		return nil, err
	}
	if l.Status == StatusActive {
		return nil, nil
	}
	return []event.Event{Unblocked{l.head(at), c.By}}, nil
}

func (l Location) known(op string) error {
	if !l.Known() {
		return fault.At(op, fault.Rejected, "location", errors.New("location is not registered"))
	}
	return nil
}

func (l Location) head(at time.Time) Head { return Head{l.Scope, l.Code, at.UTC()} }

// Validate says what is wrong with a spec, with its place.
func (s Spec) Validate() error {
	const op = "location.Spec"
	switch s.Purpose {
	case Pick, Bulk, Staging, Packing, Dock, Count, Quarantine:
	default:
		return fault.At(op, fault.Invalid, "purpose", fmt.Errorf("%q is not one of %s, %s, %s, %s, %s, %s, %s", s.Purpose, Pick, Bulk, Staging, Packing, Dock, Count, Quarantine))
	}
	for _, t := range [...]struct{ place, v string }{
		{"zone", s.Zone}, {"aisle", s.Aisle}, {"bay", s.Bay}, {"level", s.Level}, {"storage_type", s.StorageType},
	} {
		if t.v == "" {
			continue
		}
		if err := scope.CheckPart(t.v); err != nil {
			return fault.At(op, fault.Invalid, t.place, err)
		}
	}
	if s.Cell < 0 || s.Cell > MaxCell {
		return fault.At(op, fault.Invalid, "cell", fmt.Errorf("%d is not between 0 and %d", s.Cell, MaxCell))
	}
	if s.Cell > 0 && s.Aisle == "" {
		return fault.At(op, fault.Invalid, "cell", errors.New("is a place along an aisle: say which in aisle"))
	}
	if s.Mix != "" && s.Mix != OneItem && s.Mix != OneLot {
		return fault.At(op, fault.Invalid, "mix", fmt.Errorf("%q is neither %s nor %s; leave it out where anything may lie together", s.Mix, OneItem, OneLot))
	}
	if err := s.Capacity.Validate(); err != nil {
		return fault.Wrap(op, err)
	}
	return s.Slot.validate(s.Purpose)
}

// Validate refuses bounds below zero.
func (c Capacity) Validate() error {
	for _, n := range [...]struct {
		place string
		v     int64
	}{
		{"capacity.units", c.Units}, {"capacity.volume_mm3", c.Volume},
		{"capacity.weight_mg", int64(c.Weight)}, {"capacity.lpns", c.LPNs},
	} {
		if n.v < 0 {
			return fault.At("location.Capacity", fault.Invalid, n.place, fmt.Errorf("%d is negative", n.v))
		}
	}
	return nil
}

// Or is c, with the bounds of d where c has none.
func (c Capacity) Or(d Capacity) Capacity {
	return Capacity{cmp.Or(c.Units, d.Units), cmp.Or(c.Volume, d.Volume), cmp.Or(c.Weight, d.Weight), cmp.Or(c.LPNs, d.LPNs)}
}

// maxSlot bounds what a slot is filled up to.
const maxSlot = int64(1) << 40

func (s Slot) validate(purpose string) error {
	const op = "location.Slot"
	bad := func(place, format string, a ...any) error {
		return fault.At(op, fault.Invalid, place, fmt.Errorf(format, a...))
	}
	switch {
	case s == Slot{}:
		return nil
	case purpose != Pick:
		return bad("slot", "only a location for picking is given to an item, this one is for %s", purpose)
	case s.Min < 0 || s.Max > maxSlot:
		return bad("slot.min", "%d to %d is not within 0 and %d", s.Min, s.Max, maxSlot)
	case s.Max < s.Min:
		return bad("slot.max", "%d is below min, %d", s.Max, s.Min)
	}
	if err := scope.CheckPart(s.Owner); err != nil {
		return bad("slot.owner", "%w", err)
	}
	if err := scope.CheckPart(s.Item); err != nil {
		return bad("slot.item", "%w", err)
	}
	return nil
}
