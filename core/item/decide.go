package item

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/gs1"
	"github.com/paklog/hub/core/scope"
)

// Register makes an item known. An item that is known already with the same spec
// is no event and no error; with another spec it is Rejected unless the command says
// that it may be changed.
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
		if c.Update {
			return i.Change(Change{c.Spec, c.HasStock}, at)
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
	if err := s.Packing.check(bad); err != nil {
		return err
	}
	if err := s.checkHandling(bad); err != nil {
		return err
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
		if err := gs1.CheckGTIN(c.Value); c.IsGTIN() && err != nil {
			return bad(fmt.Sprintf("codes[%d].value", i), "%w", err)
		}
		if c.UOM != "" && !seen[c.UOM] {
			return bad(fmt.Sprintf("codes[%d].uom", i), "%q is not a unit of the item", c.UOM)
		}
	}
	return nil
}

func (p Packing) check(bad func(place, format string, a ...any) error) error {
	if p.Bears < 0 || p.Bears > maxWeight {
		return bad("packing.bears_mg", "%d is not between 0 and %d", p.Bears, maxWeight)
	}
	if p.Fragile && p.Bears > 0 {
		return bad("packing.bears_mg", "nothing stands on what is fragile: leave one of the two out")
	}
	if p.Segregation != "" {
		if err := scope.CheckPart(p.Segregation); err != nil {
			return bad("packing.segregation", "%w", err)
		}
	}
	return nil
}

// checkHandling holds how the item is handled against what is known about it.
func (s Spec) checkHandling(bad func(place, format string, a ...any) error) error {
	switch s.Status {
	case Active, PhasedOut, Blocked:
	default:
		return bad("status", "%q is neither %s nor %s; leave it out for an active item", s.Status, PhasedOut, Blocked)
	}
	switch s.Class {
	case "", ClassA, ClassB, ClassC:
	default:
		return bad("class", "%q is not A, B or C", s.Class)
	}
	if s.Rotation != "" {
		if err := scope.CheckPart(s.Rotation); err != nil {
			return bad("rotation", "%w", err)
		}
	}
	if err := s.ShelfLife.Validate(); err != nil {
		return bad(fault.PlaceOf(err), "%s", fault.Reason(err))
	}
	if s.ShelfLife != (ShelfLife{}) && !s.Tracking.Expiry {
		place := "shelf_life.receive_days"
		if s.ShelfLife.Receive == 0 {
			place = "shelf_life.ship_days"
		}
		return bad(place, "an item that does not expire has no shelf life: set tracking.expiry")
	}
	return nil
}

// Validate refuses days that no goods last.
func (l ShelfLife) Validate() error {
	for _, d := range [...]struct {
		place string
		days  int
	}{{"shelf_life.receive_days", l.Receive}, {"shelf_life.ship_days", l.Ship}} {
		if d.days < 0 || d.days > maxDays {
			return fault.At("item.ShelfLife", fault.Invalid, d.place, fmt.Errorf("%d is not between 0 and %d", d.days, maxDays))
		}
	}
	return nil
}

// maxDays is a century: no shelf life is longer.
const maxDays = 36_525

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
		s.Status != t.Status || s.Class != t.Class || s.Rotation != t.Rotation || s.ShelfLife != t.ShelfLife || s.Packing != t.Packing || s.Inspect != t.Inspect ||
		len(s.Units) != len(t.Units) || len(s.Codes) != len(t.Codes) {
		return false
	}
	// In which order units and codes stand means nothing.
	for _, u := range s.Units {
		if !slices.Contains(t.Units, u) {
			return false
		}
	}
	for _, c := range s.Codes {
		if !slices.Contains(t.Codes, c) {
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

// Part is a whole number of one unit.
type Part struct {
	UOM string `json:"uom"`
	Qty int64  `json:"qty"`
}

// Split is qty of the smallest unit in whole units, largest first, as it would be handled:
// 127 of an item in cases of 12 and pallets of 48 is 2 pallets, 2 cases and 7 each.
func (s Spec) Split(qty int64) []Part {
	var out []Part
	for _, u := range s.Largest() {
		if n := qty / u.Factor; n > 0 {
			out = append(out, Part{u.UOM, n})
			qty -= n * u.Factor
		}
	}
	return out
}

// Largest are the units, those that hold most first.
func (s Spec) Largest() []Unit {
	units := slices.Clone(s.Units)
	slices.SortStableFunc(units, func(a, b Unit) int { return cmp.Compare(b.Factor, a.Factor) })
	return units
}
