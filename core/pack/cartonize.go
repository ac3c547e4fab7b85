package pack

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/paklog/hub/core/carton"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/measure"
)

// Solver is the name of [Cartonize] in the plans it makes.
const Solver = "blocks-3d/1"

// Why a carton is as it is.
const (
	ReasonSmallest = "smallest_that_holds" // no smaller box holds its contents
	ReasonNoBox    = "fits_no_box"         // ships in its own packaging
)

// solverEffort is how many blocks the solver looks at before it takes the best plan
// that it has: about a millisecond. An order that first fit solves as well as
// any plan can be needs a hundredth of it.
const solverEffort = 200_000

const (
	maxSide  = 10_000_000     // um: a box is at most 10 m long
	maxLoad  = 10_000_000_000 // mg: and holds at most 10 t
	maxBoxes = 256
	maxCost  = 1_000_000_000
	maxUnits = 1 << 20 // of equal goods
)

// Cartonize proposes cartons: each unit in a place of its own, at the least cost of
// boxes or in the fewest that the solver finds, and each carton in the smallest box
// that holds it. A unit lies on the floor or with its whole base on others, as its
// packing allows; nothing stands on what is fragile, and what may stand on the rest
// is bounded; goods that are to be apart share no carton. Weight and the volume that
// a box's fill leaves bound each carton. Sides of goods are rounded up to a
// millimetre, those of boxes down.
//
// Goods whose dimensions are not known go by weight alone where their weight is
// allowed; a unit that fits no box ships as it is. The same input gives the same
// plan. More than [MaxCartons] cartons is Rejected.
func Cartonize(units []Unit, boxes []Box) (Plan, error) {
	const op = "pack.Cartonize"
	if err := checkUnits(units); err != nil {
		return Plan{}, fault.Wrap(op, err)
	}
	sizes, err := checkBoxes(boxes)
	if err != nil {
		return Plan{}, fault.Wrap(op, err)
	}
	s := sort(units, sizes)
	if s.atLeast() > MaxCartons {
		return Plan{}, tooMany(op)
	}
	packed := carton.Pack(s.goods, kindsOf(sizes), carton.Options{Effort: solverEffort})
	if packed.Cost.Cartons > MaxCartons {
		return Plan{}, tooMany(op)
	}
	plan := Plan{Solver: Solver, Bound: packed.Bound.Cartons, CostBound: packed.Bound.Cost, FirstFit: packed.FirstFit.Cartons, Effort: packed.Effort}
	var loads []load
	for _, c := range packed.Cartons {
		for range c.Copies {
			loads = append(loads, s.load(sizes[c.Kind], c))
		}
	}
	placed := len(loads)
	loads, ok := s.addLoose(loads, sizes)
	if !ok || len(loads)+len(s.asIs) > MaxCartons {
		return Plan{}, tooMany(op)
	}
	if placed == 0 && len(loads) > 0 {
		plan.Bound = 1
	}
	for _, l := range loads {
		plan.Cartons = append(plan.Cartons, l.carton())
		plan.Cost += l.box.Cost
	}
	plan.FirstFit += len(loads) - placed + len(s.asIs)
	plan.Bound += len(s.asIs)
	plan.Cartons = append(plan.Cartons, s.asIs...)
	plan.Gap = gap(int64(len(plan.Cartons)), int64(plan.Bound))
	if plan.CostBound > 0 {
		plan.Gap = gap(plan.Cost, plan.CostBound)
	}
	return plan, nil
}

func tooMany(op string) error {
	return fault.At(op, fault.Rejected, "units", fmt.Errorf("needs more than %d cartons: ship it in parts, or on pallets", MaxCartons))
}

// gap is how far a value is above its bound, in thousandths, rounded up.
func gap(value, bound int64) int64 {
	if bound <= 0 {
		return 0
	}
	return ((value-bound)*1000 + bound - 1) / bound
}

// size is a box in whole millimetres.
type size struct {
	Box
	inner carton.Size
	room  int64 // mm3
}

// sorted are units by how they are packed.
type sorted struct {
	goods []carton.Goods // equal units together; Class counts in classes
	of    [][]Unit       // what each of the goods is of, taken from the front
	loose []Unit         // of unknown dimensions
	asIs  []Carton       // that fit no box
	most  int64          // of as they are: more than that were asked for
	sizes []size
}

// sort puts equal units together, large ones first.
func sort(units []Unit, sizes []size) *sorted {
	s := &sorted{sizes: sizes}
	kinds := kindsOf(sizes)
	units = slices.Clone(units)
	slices.SortStableFunc(units, func(a, b Unit) int {
		return cmp.Or(cmp.Compare(sizeOf(b.Dims).Volume(), sizeOf(a.Dims).Volume()), cmp.Compare(b.Weight, a.Weight),
			cmp.Compare(a.Line, b.Line), cmp.Compare(a.Item, b.Item), cmp.Compare(a.Lot, b.Lot), cmp.Compare(a.Tote, b.Tote))
	})
	type key struct {
		carton.Size
		measure.Mass
		item.Packing
	}
	index := map[key]int{}
	for _, u := range units {
		g := goodsOf(u)
		known := g.Size.Volume() > 0
		if !carton.Takes(kinds, atLeastThere(g)) {
			s.most += u.Qty
			for n := int64(0); n < u.Qty && len(s.asIs) <= MaxCartons; n++ {
				one := u.Content
				one.Qty, one.Serials = u.pieces(), nil
				s.asIs = append(s.asIs, Carton{Contents: []Content{one}, Dims: u.Dims, Weight: u.Weight, Volume: g.Size.Volume(), Reason: ReasonNoBox})
			}
			continue
		}
		if !known {
			s.loose = append(s.loose, u)
			continue
		}
		k := key{g.Size, u.Weight, u.Packing}
		i, ok := index[k]
		if !ok {
			i = len(s.goods)
			index[k] = i
			s.goods, s.of = append(s.goods, g), append(s.of, nil)
		}
		s.goods[i].Qty += int(u.Qty)
		s.of[i] = append(s.of[i], u)
	}
	return s
}

// atLeast is how many cartons there must be, by volume, weight and number, before
// anything is tried.
func (s *sorted) atLeast() int64 {
	var room, strength int64 = 1, 1
	for _, b := range s.sizes {
		room, strength = max(room, b.room), max(strength, int64(b.MaxWeight))
	}
	n, volume, weight := s.most, int64(0), int64(0)
	for _, g := range s.goods {
		if g.Qty > maxUnits {
			return math.MaxInt64
		}
		// A unit that takes more than a box's room by itself counts as that.
		volume += int64(g.Qty) * min(g.Size.Volume(), room) / room
		weight += int64(g.Qty) * g.Weight / strength
	}
	return n + max(volume, weight)
}

func goodsOf(u Unit) carton.Goods {
	return carton.Goods{
		Size: sizeOf(u.Dims), Upright: [3]bool{!u.Packing.Upright, !u.Packing.Upright, true}, Weight: int64(u.Weight),
		Fragile: u.Packing.Fragile, Bears: int64(u.Packing.Bears), Class: u.Packing.Segregation,
	}
}

// atLeastThere is g with a millimetre for each side that is not known: what is known
// still bounds.
func atLeastThere(g carton.Goods) carton.Goods {
	for i := range g.Size {
		g.Size[i] = max(1, g.Size[i])
	}
	return g
}

// sizeOf is what a unit takes in whole millimetres; a side that is not known is 0.
func sizeOf(d measure.Dims) carton.Size {
	up := func(l measure.Length) int { return int((l + measure.Millimetre - 1) / measure.Millimetre) }
	return carton.Size{up(d.Length), up(d.Width), up(d.Height)}
}

func kindsOf(sizes []size) []carton.Kind {
	out := make([]carton.Kind, len(sizes))
	for i, b := range sizes {
		out[i] = carton.Kind{Size: b.inner, MaxWeight: int64(b.MaxWeight), Room: b.room, Cost: b.Cost}
	}
	return out
}

// load is a carton being made.
type load struct {
	box      size
	class    string
	weight   measure.Mass
	volume   int64
	contents []Content
	placed   []Placement
}

// load makes one of a solved carton, and says which units lie where.
func (s *sorted) load(box size, c carton.Carton) load {
	l := load{box: box, class: s.goods[c.Grids[0].Type].Class, weight: measure.Mass(c.Weight), volume: c.Volume}
	for _, g := range c.Grids {
		of := s.of[g.Type]
		for from, end := 0, g.N[0]*g.N[1]*g.N[2]; from < end; {
			u := &of[0]
			n := int(min(int64(end-from), u.Qty))
			l.add(u.Content, int64(n)*u.pieces())
			l.place(*u, g, from, from+n)
			from += n
			if u.Qty -= int64(n); u.Qty == 0 {
				of = of[1:]
			}
		}
		s.of[g.Type] = of
	}
	return l
}

// pieces is how many of the item's smallest unit one holds.
func (u Unit) pieces() int64 { return max(1, u.Pieces) }

func (l *load) add(c Content, n int64) {
	c.Qty, c.Serials = n, nil
	l.contents = merge(l.contents, []Content{c})
}

// place says where units from up to end of a grid lie, counted along its height,
// then width, then length: in whole layers and rows where that can be.
func (l *load) place(c Unit, g carton.Grid, from, end int) {
	row, layer := g.N[2], g.N[1]*g.N[2]
	for from < end {
		x, y, z := from/layer, from%layer/row, from%row
		n := carton.Size{1, 1, min(end-from, row-z)}
		switch {
		case from%layer == 0 && end-from >= layer:
			n = carton.Size{(end - from) / layer, g.N[1], row}
		case z == 0 && end-from >= row:
			n = carton.Size{1, min((end-from)/row, g.N[1]-y), row}
		}
		um := func(mm int) measure.Length { return measure.Length(mm) * measure.Millimetre }
		l.placed = append(l.placed, Placement{
			Line: c.Line, Item: c.Item, Lot: c.Lot, Tote: c.Tote,
			X: um(g.At[0] + x*g.Size[0]), Y: um(g.At[1] + y*g.Size[1]), Z: um(g.At[2] + z*g.Size[2]),
			Dims:  measure.Dims{Length: um(g.Size[0]), Width: um(g.Size[1]), Height: um(g.Size[2])},
			Count: Count{n[0], n[1], n[2]}, UOM: c.UOM, Pieces: c.Pieces,
		})
		from += n[0] * n[1] * n[2]
	}
}

// addLoose adds goods of unknown dimensions to the first cartons of their kind that
// bear them, and to new ones of the strongest box; false where they are too many.
func (s *sorted) addLoose(loads []load, sizes []size) ([]load, bool) {
	for _, u := range s.loose {
		left := u.Qty
		takes := func(b size) bool { return carton.Takes(kindsOf([]size{b}), atLeastThere(goodsOf(u))) }
		put := func(l *load) {
			n := left
			if u.Weight > 0 {
				n = min(n, int64((l.box.MaxWeight-l.weight)/u.Weight))
			}
			if n > 0 {
				l.add(u.Content, n*u.pieces())
				l.weight += measure.Mass(n) * u.Weight
				left -= n
			}
		}
		for i := range loads {
			if l := &loads[i]; left > 0 && l.class == u.Packing.Segregation && takes(l.box) {
				put(l)
			}
		}
		for left > 0 {
			if len(loads) == MaxCartons {
				return nil, false
			}
			l := load{class: u.Packing.Segregation}
			for _, b := range sizes {
				if takes(b) && b.MaxWeight > l.box.MaxWeight {
					l.box = b
				}
			}
			put(&l)
			loads = append(loads, l)
		}
	}
	return loads, true
}

func (l load) carton() Carton {
	out := Carton{
		Box: l.box.Code, Dims: l.box.Outer, Weight: l.weight + l.box.Tare, Volume: l.volume, Reason: ReasonSmallest,
		Contents: l.contents, Placements: l.placed,
	}
	if out.Dims.Zero() {
		out.Dims = l.box.Inner
	}
	return out
}

func checkUnits(units []Unit) error {
	const op = "pack.Units"
	if n := len(units); n == 0 || n > MaxContents {
		return fault.At(op, fault.Invalid, "units", fmt.Errorf("has %d entries, 1 to %d are allowed", n, MaxContents))
	}
	for i, u := range units {
		at := func(f string) string { return fmt.Sprintf("units[%d].%s", i, f) }
		if u.Qty < 1 || u.Qty > maxQty {
			return fault.At(op, fault.Invalid, at("qty"), fmt.Errorf("%d is not between 1 and %d", u.Qty, maxQty))
		}
		if u.Pieces < 0 || u.pieces() > maxQty/u.Qty {
			return fault.At(op, fault.Invalid, at("pieces"), fmt.Errorf("%d units of %d are not between 1 and %d", u.Qty, u.Pieces, maxQty))
		}
		if u.Weight < 0 {
			return fault.At(op, fault.Invalid, at("weight_mg"), fmt.Errorf("%d is negative", u.Weight))
		}
		if d := u.Dims; min(d.Length, d.Width, d.Height) < 0 || max(d.Length, d.Width, d.Height) > 10*maxSide {
			return fault.At(op, fault.Invalid, at("dims"), fmt.Errorf("a side is negative or above %d um", 10*maxSide))
		}
		if u.Packing.Bears < 0 {
			return fault.At(op, fault.Invalid, at("packing.bears_mg"), fmt.Errorf("%d is negative", u.Packing.Bears))
		}
	}
	return nil
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
			b.Fill = 100
		}
		d := b.Inner
		switch {
		case b.Code == "":
			return nil, fault.At(op, fault.Invalid, at("code"), fmt.Errorf("is missing"))
		case min(d.Length, d.Width, d.Height) < measure.Millimetre || max(d.Length, d.Width, d.Height) > maxSide:
			return nil, fault.At(op, fault.Invalid, at("inner"), fmt.Errorf("a side is below 1 mm or above %d um", maxSide))
		case b.Fill < 1 || b.Fill > 100:
			return nil, fault.At(op, fault.Invalid, at("fill_percent"), fmt.Errorf("%d is not between 1 and 100", b.Fill))
		case b.MaxWeight < 1 || b.MaxWeight > maxLoad:
			return nil, fault.At(op, fault.Invalid, at("max_weight_mg"), fmt.Errorf("%d is not between 1 and %d", b.MaxWeight, maxLoad))
		case b.Tare < 0 || b.Tare > maxLoad:
			return nil, fault.At(op, fault.Invalid, at("tare_mg"), fmt.Errorf("%d is not between 0 and %d", b.Tare, maxLoad))
		case b.Cost < 0 || b.Cost > maxCost:
			return nil, fault.At(op, fault.Invalid, at("cost"), fmt.Errorf("%d is not between 0 and %d", b.Cost, maxCost))
		}
		inner := carton.Size{int(d.Length / measure.Millimetre), int(d.Width / measure.Millimetre), int(d.Height / measure.Millimetre)}
		out[i] = size{b, inner, max(1, inner.Volume()*int64(b.Fill)/100)}
	}
	slices.SortStableFunc(out, func(a, b size) int {
		return cmp.Or(cmp.Compare(b.room, a.room), cmp.Compare(b.MaxWeight, a.MaxWeight), cmp.Compare(a.Code, b.Code))
	})
	return out, nil
}
