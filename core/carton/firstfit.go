package carton

import (
	"cmp"
	"math/bits"
	"slices"
)

// openAtOnce is how many cartons first fit looks back to.
const openAtOnce = 64

// open is a carton that first fit is filling.
type open struct {
	*search
	loading
	kind   int
	copies int
}

// firstFit puts goods by falling size into the first open carton with room, as
// many as fit side by side at once; then each carton becomes the cheapest that
// holds its goods.
func (p *packer) firstFit() []Carton {
	var cartons []*open
	for _, g := range p.bySize() {
		left := p.goods[g].Qty
		for _, c := range cartons[max(0, len(cartons)-openAtOnce):] {
			if c.copies == 1 {
				left -= c.add(p.stock[g], g, left)
			}
		}
		for left > 0 {
			c := p.open(p.takes[g][0])
			c.loading.room = max(c.loading.room, p.stock[g].Size.Volume())
			n := c.add(p.stock[g], g, left)
			// Whole cartons of the same stay closed; the last may take other goods.
			if full := left / n; full > 1 {
				c.copies = full - 1
				left -= n * (full - 1)
				cartons = append(cartons, c)
				continue
			}
			left -= n
			cartons = append(cartons, c)
		}
	}
	out := make([]Carton, len(cartons))
	for i, c := range cartons {
		out[i] = Carton{Kind: c.kind, Grids: c.blocks.layout(&c.loading), Copies: c.copies}
		for _, g := range out[i].Grids {
			n := int64(g.N[0] * g.N[1] * g.N[2])
			out[i].Volume += n * g.Size.Volume()
			out[i].Weight += n * p.goods[g.Type].Weight
		}
	}
	return p.shrinkAll(out)
}

// bySize are the goods that there are by falling size.
func (p *packer) bySize() []int {
	var order []int
	for i, g := range p.goods {
		if g.Qty > 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(p.goods[b].Size.Volume(), p.goods[a].Size.Volume()), cmp.Compare(p.goods[b].Weight, p.goods[a].Weight))
	})
	return order
}

// open is an empty carton.
func (p *packer) open(kind int) *open {
	k := p.kinds[kind]
	side, stacked := int32(MaxSide), false
	for i, g := range p.goods {
		if g.Qty > 0 {
			side = min(side, int32(g.Size[0]), int32(g.Size[1]), int32(g.Size[2]))
			stacked = stacked || p.stock[i].bears != noLimit
		}
	}
	c := &open{kind: kind, copies: 1, search: &search{
		l: int32(k.Size[0]), w: int32(k.Size[1]), h: int32(k.Size[2]), minSide: side, minHeight: side, stacked: stacked,
	}}
	c.loading.room, c.loading.weight = k.Room, k.MaxWeight
	c.loading.left = make([]int32, len(p.goods))
	c.spaces = append(c.spaces, space{0, 0, c.l, c.w, 0})
	return c
}

// add puts in as many of goods g as there is room for, at most n.
func (c *open) add(k stock, g, n int) int {
	put := 0
	for put < n {
		size, count, f := c.place(k, n-put)
		if count == (Size{}) {
			break
		}
		bears, _ := k.carries(count[2])
		c.blocks.add(g, size, count, k, bears)
		boxes := count[0] * count[1] * count[2]
		c.loading.left[g] = int32(boxes)
		c.put(&c.loading, int32(len(c.blocks.shapes)-1), f, 0)
		put += boxes
	}
	return put
}

// place is the most units of one orientation, at most n, that go side by side into
// the lowest space that takes any; their numbers are 0 where none does.
func (c *open) place(k stock, n int) (size, count Size, at space) {
	n = int(min(int64(n), c.loading.room/k.Size.Volume()))
	if k.weight > 0 {
		n = int(min(int64(n), c.loading.weight/k.weight))
	}
	if n < 1 {
		return size, count, at
	}
	slices.SortFunc(c.spaces, func(a, b space) int {
		return cmp.Or(cmp.Compare(a.z, b.z), cmp.Compare(a.x0, b.x0), cmp.Compare(a.y0, b.y0), cmp.Compare(b.x1, a.x1))
	})
	for _, f := range c.spaces {
		most := 0
		for _, o := range k.orientations() {
			nx := min(n, int(f.x1-f.x0)/o[0])
			ny := min(n/max(1, nx), int(f.y1-f.y0)/o[1])
			nz := min(n/max(1, nx*ny), int(c.h-f.z)/o[2])
			for ; nx*ny*nz > most; nz-- {
				r := f.at(0, int32(nx*o[0]), int32(ny*o[1]))
				if _, ok := k.carries(nz); ok && (!c.stacked || c.carried(&c.loading, &r, int64(nx*ny*nz)*k.weight)) {
					most, size, count, at = nx*ny*nz, o, Size{nx, ny, nz}, f
				}
			}
		}
		if most > 0 {
			break
		}
	}
	return size, count, at
}

// bound is what no packing is better than: each carton holds at most the largest
// room and weight, and of goods that are longer than half of every carton along
// each axis, however turned, no two share one.
func (p *packer) bound() Cost {
	var room, strength, volume, weight, bulky int64
	var cheapest, cost int64
	for i, k := range p.kinds {
		room, strength = max(room, k.Room), max(strength, k.MaxWeight)
		if i == 0 || k.Cost < cheapest {
			cheapest = k.Cost
		}
	}
	for i, g := range p.goods {
		if g.Qty == 0 {
			continue
		}
		// Alone a unit may take more than its kind's room: then it counts as that.
		v := g.Size.Volume()
		for _, k := range p.takes[i] {
			v = min(v, p.kinds[k].Room)
		}
		volume += v * int64(g.Qty)
		weight += g.Weight * int64(g.Qty)
		if p.bulky(i) {
			bulky += int64(g.Qty)
		}
	}
	n := max(1, ceil(volume, room), ceil(weight, strength), bulky)
	cost = n * cheapest
	// The cheapest room and strength there is.
	byRoom, byStrength := int64(1)<<62, int64(1)<<62
	for _, k := range p.kinds {
		byRoom = min(byRoom, ceilShare(volume, k.Cost, k.Room))
		byStrength = min(byStrength, ceilShare(weight, k.Cost, k.MaxWeight))
	}
	return Cost{max(cost, byRoom, byStrength), int(n), volume}
}

// bulky reports whether goods are more than half as long as each kind along each
// axis, however they are turned.
func (p *packer) bulky(i int) bool {
	for _, k := range p.takes[i] {
		for _, o := range p.stock[i].orientations() {
			if !o.within(p.kinds[k].Size) {
				continue
			}
			for d := range 3 {
				if 2*o[d] <= p.kinds[k].Size[d] {
					return false
				}
			}
		}
	}
	return true
}

func ceil(a, b int64) int64 { return (a + b - 1) / max(1, b) }

// ceilShare is a*b/c, rounded up, at most 1<<62.
func ceilShare(a, b, c int64) int64 {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	lo, carry := bits.Add64(lo, uint64(c-1), 0)
	if hi += carry; hi >= uint64(c) {
		return 1 << 62
	}
	q, _ := bits.Div64(hi, lo, uint64(c))
	return int64(min(q, 1<<62))
}

// compareRatio compares a/b with c/d.
func compareRatio(a, b, c, d int64) int {
	h1, l1 := bits.Mul64(uint64(a), uint64(d))
	h2, l2 := bits.Mul64(uint64(c), uint64(b))
	return cmp.Or(cmp.Compare(h1, h2), cmp.Compare(l1, l2))
}

// FirstFit loads the boxes of a problem by falling volume, each as low as it goes:
// the least that a loading should be compared with.
func FirstFit(p Problem) Answer {
	goods := make([]Goods, len(p.Types))
	for i, t := range p.Types {
		goods[i] = Goods{Size: t.Size, Upright: t.Upright, Qty: t.Qty}
	}
	k := newPacker(goods, []Kind{{Size: p.Container}}, "", Options{})
	c := k.open(0)
	for _, g := range k.bySize() {
		c.add(k.stock[g], g, p.Types[g].Qty)
	}
	a := Answer{Volume: c.value}
	for _, g := range c.blocks.layout(&c.loading) {
		a.Placements = g.Each(a.Placements)
	}
	return a
}
