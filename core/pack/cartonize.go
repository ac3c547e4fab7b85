package pack

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/measure"
)

// Solver is the name of [Cartonize] in the plans it makes.
const Solver = "first-fit-decreasing/1"

// Why a carton is as it is.
const (
	ReasonSmallest = "smallest_that_holds" // no smaller box holds its contents
	ReasonNoBox    = "fits_no_box"         // ships in its own packaging
)

const (
	defaultFill = 85             // percent of a box that loose goods fill
	maxSide     = 10_000_000     // um: a box is at most 10 m long
	maxLoad     = 10_000_000_000 // mg: and holds at most 10 t
	maxBoxes    = 256
)

// Cartonize proposes cartons: units by falling volume, each into the first carton
// with room, then each carton into the smallest box that holds its contents. What
// bounds a carton is the weight, the volume that its fill percentage leaves, and
// that each unit by itself fits the box when turned; units are not placed against
// each other. A unit that fits no box ships as it is.
//
// The same input gives the same plan. More than [MaxCartons] cartons is Rejected.
func Cartonize(units []Unit, boxes []Box) (Plan, error) {
	const op = "pack.Cartonize"
	kinds, err := checkUnits(units)
	if err != nil {
		return Plan{}, fault.Wrap(op, err)
	}
	sizes, err := checkBoxes(boxes)
	if err != nil {
		return Plan{}, fault.Wrap(op, err)
	}
	var open []*load
	var asIs []Carton
	for _, k := range kinds {
		left := k.Qty
		for _, l := range open {
			if left == 0 {
				break
			}
			left -= l.put(k, left)
		}
		for left > 0 {
			if len(open)+len(asIs) == MaxCartons {
				return Plan{}, fault.At(op, fault.Rejected, "units", fmt.Errorf("needs more than %d cartons: ship it in parts, or on pallets", MaxCartons))
			}
			box := largest(sizes, k)
			if box == nil {
				one := k.Content
				one.Qty, one.Serials = 1, nil
				asIs = append(asIs, Carton{Contents: []Content{one}, Dims: k.Dims, Weight: k.Weight, Volume: k.volume, Reason: ReasonNoBox})
				left--
				continue
			}
			l := &load{box: *box}
			open = append(open, l)
			left -= l.put(k, left)
		}
	}
	plan := Plan{Solver: Solver, Bound: bound(open, sizes) + len(asIs)}
	for _, l := range open {
		plan.Cartons = append(plan.Cartons, l.carton(sizes))
	}
	plan.Cartons = append(plan.Cartons, asIs...)
	return plan, nil
}

// kind is a unit with what the solver asks of it. Volume is in mm3, each side
// rounded up.
type kind struct {
	Unit
	sides  [3]measure.Length // falling
	volume int64
}

type size struct {
	Box
	sides  [3]measure.Length
	volume int64 // mm3 that may be used
}

// load is a carton being filled.
type load struct {
	box    size
	kinds  []kind
	qty    []int64
	volume int64
	weight measure.Mass
}

// put fills in as many of k as there is room for.
func (l *load) put(k kind, left int64) int64 {
	n := min(left, room(l.box, k, l.volume, l.weight))
	if n <= 0 {
		return 0
	}
	l.kinds, l.qty = append(l.kinds, k), append(l.qty, n)
	l.volume += n * k.volume
	l.weight += measure.Mass(n) * k.Weight
	return n
}

// room is how many more of k a box takes. A single unit that by itself fits the
// box is taken even where it leaves less air than the fill percentage asks for.
func room(b size, k kind, volume int64, weight measure.Mass) int64 {
	for i := range b.sides {
		if k.sides[i] > b.sides[i] {
			return 0
		}
	}
	n := k.Qty
	if k.Weight > 0 {
		n = min(n, int64((b.MaxWeight-weight)/k.Weight))
	}
	if k.volume > 0 {
		byVolume := (b.volume - volume) / k.volume
		if byVolume < 1 && volume == 0 {
			byVolume = 1
		}
		n = min(n, byVolume)
	}
	return max(0, n)
}

// holds reports whether the whole load goes into b.
func (l *load) holds(b size) bool {
	single := len(l.kinds) == 1 && l.qty[0] == 1
	if l.weight > b.MaxWeight || l.volume > b.volume && !single {
		return false
	}
	for _, k := range l.kinds {
		for i := range b.sides {
			if k.sides[i] > b.sides[i] {
				return false
			}
		}
	}
	return true
}

func (l *load) carton(sizes []size) Carton {
	best := l.box
	for _, b := range sizes { // falling: the last that holds is the smallest
		if l.holds(b) {
			best = b
		}
	}
	out := Carton{Box: best.Code, Dims: best.Outer, Weight: l.weight + best.Tare, Volume: l.volume, Reason: ReasonSmallest}
	if out.Dims.Zero() {
		out.Dims = best.Inner
	}
	for i, k := range l.kinds {
		c := k.Content
		c.Qty, c.Serials = l.qty[i], nil
		out.Contents = append(out.Contents, c)
	}
	return out
}

// largest is the box with the most room that takes at least one of k.
func largest(sizes []size, k kind) *size {
	for i := range sizes {
		if room(sizes[i], k, 0, 0) > 0 {
			return &sizes[i]
		}
	}
	return nil
}

// bound is how many boxes the loads need at least, by volume and by weight. A lone
// unit in a box whose fill it exceeds counts as that fill.
func bound(open []*load, sizes []size) int {
	if len(open) == 0 {
		return 0
	}
	var capacity, volume int64
	var strength, weight measure.Mass
	for _, s := range sizes {
		capacity, strength = max(capacity, s.volume), max(strength, s.MaxWeight)
	}
	for _, l := range open {
		volume += min(l.volume, l.box.volume)
		weight += l.weight
	}
	n := max(ceil(volume, capacity), ceil(int64(weight), int64(strength)))
	return int(max(1, n))
}

func ceil(a, b int64) int64 { return (a + b - 1) / b }

func checkUnits(units []Unit) ([]kind, error) {
	const op = "pack.Units"
	if n := len(units); n == 0 || n > MaxContents {
		return nil, fault.At(op, fault.Invalid, "units", fmt.Errorf("has %d entries, 1 to %d are allowed", n, MaxContents))
	}
	kinds := make([]kind, len(units))
	for i, u := range units {
		at := func(f string) string { return fmt.Sprintf("units[%d].%s", i, f) }
		if u.Qty < 1 || u.Qty > maxQty {
			return nil, fault.At(op, fault.Invalid, at("qty"), fmt.Errorf("%d is not between 1 and %d", u.Qty, maxQty))
		}
		if u.Weight < 0 {
			return nil, fault.At(op, fault.Invalid, at("weight_mg"), fmt.Errorf("%d is negative", u.Weight))
		}
		s := sides(u.Dims)
		if s[2] < 0 || s[0] > 10*maxSide {
			return nil, fault.At(op, fault.Invalid, at("dims"), fmt.Errorf("a side is negative or above %d um", 10*maxSide))
		}
		kinds[i] = kind{u, s, millimetres(s[0]+999) * millimetres(s[1]+999) * millimetres(s[2]+999)}
	}
	slices.SortStableFunc(kinds, func(a, b kind) int {
		return cmp.Or(cmp.Compare(b.volume, a.volume), cmp.Compare(b.Weight, a.Weight),
			cmp.Compare(a.Line, b.Line), cmp.Compare(a.Item, b.Item), cmp.Compare(a.Lot, b.Lot), cmp.Compare(a.Tote, b.Tote))
	})
	return kinds, nil
}

func checkBoxes(boxes []Box) ([]size, error) {
	const op = "pack.Boxes"
	if len(boxes) > maxBoxes {
		return nil, fault.At(op, fault.Invalid, "boxes", fmt.Errorf("has %d boxes, at most %d are allowed", len(boxes), maxBoxes))
	}
	out := make([]size, len(boxes))
	for i, b := range boxes {
		at := func(f string) string { return fmt.Sprintf("boxes[%d].%s", i, f) }
		if b.Fill == 0 {
			b.Fill = defaultFill
		}
		s := sides(b.Inner)
		switch {
		case b.Code == "":
			return nil, fault.At(op, fault.Invalid, at("code"), fmt.Errorf("is missing"))
		case s[2] < measure.Millimetre || s[0] > maxSide:
			return nil, fault.At(op, fault.Invalid, at("inner"), fmt.Errorf("a side is below 1 mm or above %d um", maxSide))
		case b.Fill < 1 || b.Fill > 100:
			return nil, fault.At(op, fault.Invalid, at("fill_percent"), fmt.Errorf("%d is not between 1 and 100", b.Fill))
		case b.MaxWeight < 1 || b.MaxWeight > maxLoad:
			return nil, fault.At(op, fault.Invalid, at("max_weight_mg"), fmt.Errorf("%d is not between 1 and %d", b.MaxWeight, maxLoad))
		case b.Tare < 0 || b.Tare > maxLoad:
			return nil, fault.At(op, fault.Invalid, at("tare_mg"), fmt.Errorf("%d is not between 0 and %d", b.Tare, maxLoad))
		}
		v := millimetres(s[0]) * millimetres(s[1]) * millimetres(s[2]) * int64(b.Fill) / 100
		out[i] = size{b, s, max(1, v)}
	}
	slices.SortStableFunc(out, func(a, b size) int {
		return cmp.Or(cmp.Compare(b.volume, a.volume), cmp.Compare(b.MaxWeight, a.MaxWeight), cmp.Compare(a.Code, b.Code))
	})
	return out, nil
}

func millimetres(l measure.Length) int64 { return int64(l / measure.Millimetre) }

func sides(d measure.Dims) [3]measure.Length {
	s := [3]measure.Length{d.Length, d.Width, d.Height}
	slices.SortFunc(s[:], func(a, b measure.Length) int { return cmp.Compare(b, a) })
	return s
}
