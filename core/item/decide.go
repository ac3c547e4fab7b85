package item

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/scope"
)

// Register makes an item known. An item that is known already with the same spec
// is no event and no error; with another spec it is Rejected: that is a change.
func (i Item) Register(c Register, at time.Time) ([]event.Event, error) {
	const op = "item.Register"
	if err := c.Scope.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if c.Owner == scope.Shared {
		return nil, fault.At(op, fault.Invalid, "owner", fmt.Errorf("%q stands for what the whole building shares: name the owner of the goods", c.Owner))
	}
	if err := scope.CheckPart(c.SKU); err != nil {
		return nil, fault.At(op, fault.Invalid, "sku", err)
	}
	if err := c.Spec.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if i.Known() {
		if i.Spec.equal(c.Spec) {
			return nil, nil
		}
		return nil, fault.At(op, fault.Rejected, "sku", fmt.Errorf("item %s is registered with another description of it: change it instead", c.SKU))
	}
	return []event.Event{Registered{Head{c.Scope, c.SKU, at.UTC()}, c.Spec}}, nil
}

// Change replaces the spec; the same spec again is no event.
func (i Item) Change(c Change, at time.Time) ([]event.Event, error) {
	const op = "item.Change"
	if !i.Known() {
		return nil, fault.At(op, fault.Rejected, "sku", errors.New("item is not registered"))
	}
	if err := c.Spec.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	for n, u := range c.Spec.Units {
		if old, ok := i.Spec.unit(u.UOM); ok && old.Factor != u.Factor {
			return nil, fault.At(op, fault.Rejected, fmt.Sprintf("units[%d].factor", n),
				fmt.Errorf("a %s holds %d, recorded quantities would change their meaning: name a new unit", u.UOM, old.Factor))
		}
	}
	if smallest(i.Spec) != smallest(c.Spec) {
		return nil, fault.At(op, fault.Rejected, "units", fmt.Errorf("the smallest unit is %s and quantities are recorded in it", smallest(i.Spec)))
	}
	if c.HasStock && i.Spec.Tracking != c.Spec.Tracking {
		return nil, fault.At(op, fault.Rejected, "tracking", errors.New("there is stock that was recorded under the old tracking: bring it to zero first"))
	}
	if i.Spec.equal(c.Spec) {
		return nil, nil
	}
	return []event.Event{Changed{Head{i.Scope, i.SKU, at.UTC()}, c.Spec}}, nil
}

// Validate says what is wrong with a spec, with its place.
func (s Spec) Validate() error {
	const op = "item.Spec"
	bad := func(place, format string, a ...any) error {
		return fault.At(op, fault.Invalid, place, fmt.Errorf(format, a...))
	}
	if len(s.Description) > 1024 {
		return bad("description", "has %d bytes, at most 1024 are allowed", len(s.Description))
	}
	if len(s.Units) == 0 {
		return bad("units", "an item needs at least one unit with factor 1")
	}
	if len(s.Units) > MaxUnits {
		return bad("units", "has %d units, at most %d are allowed", len(s.Units), MaxUnits)
	}
	if len(s.Codes) > MaxCodes {
		return bad("codes", "has %d codes, at most %d are allowed", len(s.Codes), MaxCodes)
	}
	if s.StorageType != "" {
		if err := scope.CheckPart(s.StorageType); err != nil {
			return bad("storage_type", "%w", err)
		}
	}
	seen, ones := make(map[string]bool, len(s.Units)), 0
	for i, u := range s.Units {
		at := func(f string) string { return fmt.Sprintf("units[%d].%s", i, f) }
		if err := scope.CheckPart(u.UOM); err != nil {
			return bad(at("uom"), "%w", err)
		}
		if seen[u.UOM] {
			return bad(at("uom"), "%q is given twice", u.UOM)
		}
		seen[u.UOM] = true
		if u.Factor < 1 || u.Factor > math.MaxInt32 {
			return bad(at("factor"), "%d is not between 1 and %d", u.Factor, math.MaxInt32)
		}
		if u.Factor == 1 {
			ones++
		}
		if u.Weight < 0 || u.Weight > maxWeight {
			return bad(at("weight_mg"), "%d is not between 0 and %d", u.Weight, maxWeight)
		}
		for _, d := range [...]struct {
			place string
			um    int64
		}{{"dims.length_um", int64(u.Dims.Length)}, {"dims.width_um", int64(u.Dims.Width)}, {"dims.height_um", int64(u.Dims.Height)}} {
			if d.um < 0 || d.um > maxLength {
				return bad(at(d.place), "%d is not between 0 and %d", d.um, maxLength)
			}
		}
		if d := u.Dims; !d.Zero() && (d.Length == 0 || d.Width == 0 || d.Height == 0) {
			return bad(at("dims"), "has some dimensions and not others: give all three or none")
		}
	}
	if ones != 1 {
		return bad("units", "%d units have factor 1, exactly one must", ones)
	}
	for i, c := range s.Codes {
		if err := scope.CheckPart(c.Kind); err != nil {
			return bad(fmt.Sprintf("codes[%d].kind", i), "%w", err)
		}
		if err := scope.CheckPart(c.Value); err != nil {
			return bad(fmt.Sprintf("codes[%d].value", i), "%w", err)
		}
		if c.UOM != "" && !seen[c.UOM] {
			return bad(fmt.Sprintf("codes[%d].uom", i), "%q is not a unit of the item", c.UOM)
		}
	}
	return nil
}

// A unit is at most 100 t and 100 m: with the quantity bounds of orders, sums of
// weights and products of lengths stay far inside an int64.
const (
	maxWeight = 100_000_000_000
	maxLength = 100_000_000
)

func (s Spec) unit(uom string) (Unit, bool) {
	for _, u := range s.Units {
		if u.UOM == uom {
			return u, true
		}
	}
	return Unit{}, false
}

func smallest(s Spec) string {
	for _, u := range s.Units {
		if u.Factor == 1 {
			return u.UOM
		}
	}
	return ""
}

func (s Spec) equal(t Spec) bool {
	if s.Description != t.Description || s.Tracking != t.Tracking || s.StorageType != t.StorageType ||
		len(s.Units) != len(t.Units) || len(s.Codes) != len(t.Codes) {
		return false
	}
	for i := range s.Units {
		if s.Units[i] != t.Units[i] {
			return false
		}
	}
	for i := range s.Codes {
		if s.Codes[i] != t.Codes[i] {
			return false
		}
	}
	return true
}

// Smallest is the name of the unit that quantities are kept in.
func (i Item) Smallest() string { return smallest(i.Spec) }

// Unit is the unit of that name; "" is the smallest.
func (i Item) Unit(uom string) (Unit, bool) {
	if uom == "" {
		uom = i.Smallest()
	}
	return i.Spec.unit(uom)
}

// ErrUnknownUOM means that the item has no such unit.
var ErrUnknownUOM = errors.New("is not a unit of the item")

// ToSmallest is qty of uom in the item's smallest unit, exactly.
func (i Item) ToSmallest(qty int64, uom string) (int64, error) {
	const op = "item.ToSmallest"
	u, ok := i.Unit(uom)
	switch {
	case !ok:
		return 0, fault.At(op, fault.Rejected, "uom", fmt.Errorf("%q %w %s", uom, ErrUnknownUOM, i.SKU))
	case qty < 0:
		return 0, fault.At(op, fault.Invalid, "qty", fmt.Errorf("%d is negative", qty))
	case qty > math.MaxInt64/u.Factor:
		return 0, fault.At(op, fault.Invalid, "qty", fmt.Errorf("%d %s is more than can be counted", qty, uom))
	}
	return qty * u.Factor, nil
}

// FromSmallest is qty of the smallest unit in whole uom and what is left over.
func (i Item) FromSmallest(qty int64, uom string) (whole, rest int64, err error) {
	const op = "item.FromSmallest"
	u, ok := i.Unit(uom)
	if !ok {
		return 0, 0, fault.At(op, fault.Rejected, "uom", fmt.Errorf("%q %w %s", uom, ErrUnknownUOM, i.SKU))
	}
	if qty < 0 {
		return 0, 0, fault.At(op, fault.Invalid, "qty", fmt.Errorf("%d is negative", qty))
	}
	return qty / u.Factor, qty % u.Factor, nil
}
