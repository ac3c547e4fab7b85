package carton

import (
	"cmp"
	"slices"
)

// Goods are Qty equal units of an order, and how they may be packed.
type Goods struct {
	Size    Size
	Upright [3]bool // which side may stand along the height
	Weight  int64
	Fragile bool   // nothing may stand on it
	Bears   int64  // the weight that may stand on one, 0 for any
	Class   string // goods share a carton with their own class alone
	Qty     int
}

// Kind is a kind of carton. Room is the volume of goods that it may hold, 0 for
// all that its size has. Where no kind has a cost, each carton costs the same.
type Kind struct {
	Size            Size
	MaxWeight, Room int64
	Cost            int64
}

// Carton is one that is packed; Grid.Type counts in the goods. Copies are packed
// alike.
type Carton struct {
	Kind           int
	Grids          []Grid
	Weight, Volume int64 // of the goods in one
	Copies         int
}

// Cost is how good a packing is: the cost of its cartons, their number, and the
// room they take; the first that differs decides.
type Cost struct {
	Cost    int64
	Cartons int
	Volume  int64
}

func (c Cost) compare(d Cost) int {
	return cmp.Or(cmp.Compare(c.Cost, d.Cost), cmp.Compare(c.Cartons, d.Cartons), cmp.Compare(c.Volume, d.Volume))
}

// Packing holds all goods. No packing costs less than Bound says, or has fewer
// cartons; FirstFit is what putting each unit into the first carton with room for
// it comes to. Effort counts the blocks that were looked at.
type Packing struct {
	Cartons         []Carton
	Cost            Cost
	Bound, FirstFit Cost
	Effort          int
}

// Pack puts goods into cartons at the least cost that it finds: by first fit, and
// unless that reaches the bound again and again carton by carton, each filled by
// the search of [Load] with what is left, hard goods first, and chance by the seed.
// A unit must fit a kind by itself.
func Pack(goods []Goods, kinds []Kind, o Options) Packing {
	var out Packing
	var classes []string
	for _, g := range goods {
		if g.Qty > 0 && !slices.Contains(classes, g.Class) {
			classes = append(classes, g.Class)
		}
	}
	left := o.Effort
	for i, class := range classes {
		p := newPacker(goods, kinds, class, o)
		if o.Effort > 0 {
			p.limit = max(1, left/(len(classes)-i))
		}
		p.solve()
		left -= p.effort
		out.Effort += p.effort
		out.Cartons = append(out.Cartons, p.best.Cartons...)
		out.Cost = out.Cost.plus(p.best.Cost)
		out.Bound = out.Bound.plus(p.best.Bound)
		out.FirstFit = out.FirstFit.plus(p.best.FirstFit)
	}
	return out
}

func (c Cost) plus(d Cost) Cost {
	return Cost{c.Cost + d.Cost, c.Cartons + d.Cartons, c.Volume + d.Volume}
}

// packer packs the goods of one class; others have quantity 0.
type packer struct {
	goods   []Goods
	stock   []stock // the same for a search
	kinds   []Kind
	cheap   []int   // kinds by rising cost and size
	takes   [][]int // by goods: the kinds that take one, best first
	options Options
	limit   int // of effort, 0 for none
	effort  int
	work    int64 // of the searches, see there
	best    Packing
}

func newPacker(goods []Goods, kinds []Kind, class string, o Options) *packer {
	p := &packer{goods: slices.Clone(goods), kinds: slices.Clone(kinds), options: o}
	for i := range p.kinds {
		if k := &p.kinds[i]; k.Room == 0 {
			k.Room = k.Size.Volume()
		}
		p.cheap = append(p.cheap, i)
	}
	slices.SortStableFunc(p.cheap, func(a, b int) int {
		return cmp.Or(cmp.Compare(p.kinds[a].Cost, p.kinds[b].Cost), cmp.Compare(p.kinds[a].Size.Volume(), p.kinds[b].Size.Volume()))
	})
	for i := range p.goods {
		g := &p.goods[i]
		if g.Class != class {
			g.Qty = 0
		}
		k := stock{Type: Type{ID: i, Size: g.Size, Upright: g.Upright, Qty: g.Qty}, value: g.Size.Volume(), weight: g.Weight, bears: noLimit}
		if g.Fragile {
			k.bears = nothing
		} else if g.Bears > 0 {
			k.bears = g.Bears
		}
		p.stock = append(p.stock, k)
		var takes []int
		for j, k := range p.kinds {
			if g.Qty > 0 && k.takes(*g) {
				takes = append(takes, j)
			}
		}
		// What room costs the least; without costs, where there is most of it.
		slices.SortStableFunc(takes, func(a, b int) int {
			x, y := p.kinds[a], p.kinds[b]
			return cmp.Or(compareRatio(x.Cost, x.Room, y.Cost, y.Room), cmp.Compare(y.Room, x.Room), cmp.Compare(y.MaxWeight, x.MaxWeight))
		})
		p.takes = append(p.takes, takes)
	}
	return p
}

// takes reports whether one unit by itself may be packed in a kind. It may even
// where it leaves less air than the kind's room asks for.
func (k Kind) takes(g Goods) bool {
	return g.Weight <= k.MaxWeight && slices.ContainsFunc(Type{Size: g.Size, Upright: g.Upright}.orientations(), func(o Size) bool { return o.within(k.Size) })
}

// Takes reports whether a kind is there for a unit.
func Takes(kinds []Kind, g Goods) bool {
	return slices.ContainsFunc(kinds, func(k Kind) bool { return k.takes(g) })
}

// mostIdle rounds that find nothing better end the search.
const mostIdle = 16

func (p *packer) solve() {
	p.best = p.sum(p.firstFit())
	p.best.FirstFit = p.best.Cost
	p.best.Bound = p.bound()
	for round, idle := 0, 0; idle < mostIdle && !p.ended() && !p.proven(); round++ {
		idle++
		if cartons := p.fillUp(round); cartons != nil {
			if next := p.sum(cartons); next.Cost.compare(p.best.Cost) < 0 {
				p.best.Cartons, p.best.Cost, idle = next.Cartons, next.Cost, 0
			}
		}
	}
}

// proven reports whether no better packing can be; the smallest kind that holds a
// carton's goods was looked for already.
func (p *packer) proven() bool {
	return p.best.Cost.Cost <= p.best.Bound.Cost && p.best.Cost.Cartons <= p.best.Bound.Cartons
}

func (p *packer) ended() bool {
	return p.limit > 0 && p.effort >= p.limit || p.spent() || p.options.Stop != nil && p.options.Stop()
}

// spent reports whether even cartons that are packed stay as they are: smaller ones are looked for
// beyond the limit, but not for ever.
func (p *packer) spent() bool {
	return p.limit > 0 && (p.effort/overtime >= p.limit || p.work/workPerEffort >= int64(p.limit))
}

// overtime is how many times the limit may be spent to find smaller cartons.
const overtime = 100

func (p *packer) sum(cartons []Carton) Packing {
	out := Packing{Cartons: cartons}
	for _, c := range cartons {
		k := p.kinds[c.Kind]
		out.Cost = out.Cost.plus(Cost{k.Cost * int64(c.Copies), c.Copies, k.Size.Volume() * int64(c.Copies)})
	}
	return out
}

// fillUp packs one carton after the other, each as full as it gets; nil where it
// was stopped.
func (p *packer) fillUp(round int) []Carton {
	var out []Carton
	left := make([]int, len(p.goods))
	for i, g := range p.goods {
		left[i] = g.Qty
	}
	worth := p.worth(round)
	for {
		hard := p.hardest(left)
		if p.ended() {
			return nil
		}
		if hard < 0 {
			return p.shrinkAll(out)
		}
		if c, ok := p.last(left); ok {
			return p.shrinkAll(append(out, c))
		}
		c, used := p.fill(p.takes[hard][0], left, worth, 32)
		if used == nil { // what is left takes more than the kind's room by itself
			c, used = p.alone(hard)
		}
		c.Copies = left[hard]
		for i := range left {
			c.Copies = max(c.Copies, left[i])
		}
		for i, n := range used {
			if n > 0 {
				c.Copies = min(c.Copies, left[i]/n)
			}
		}
		for i, n := range used {
			left[i] -= n * c.Copies
		}
		out = append(out, c)
	}
}

// worth is what a unit of each of the goods is worth in a round: its volume, then
// more where it is large, then by chance up to twice.
func (p *packer) worth(round int) []int64 {
	var most int64 = 1
	for _, g := range p.goods {
		if g.Qty > 0 {
			most = max(most, g.Size.Volume())
		}
	}
	out := make([]int64, len(p.goods))
	for i, g := range p.goods {
		v := g.Size.Volume()
		switch round {
		case 0:
			out[i] = 64 * v
		case 1:
			out[i] = v * (64 + 64*v/most)
		default:
			out[i] = v * int64(64+mix(p.options.Seed, uint64(round)<<32|uint64(i))%64)
		}
	}
	return out
}

// mix is a hash of a seed and a number (SplitMix64).
func mix(seed, n uint64) uint64 {
	z := seed + (n+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// hardest of what is left are goods that fit the fewest kinds, and of those the
// largest; -1 where nothing is left.
func (p *packer) hardest(left []int) int {
	best := -1
	for i, n := range left {
		if n == 0 {
			continue
		}
		if best < 0 || cmp.Or(cmp.Compare(len(p.takes[i]), len(p.takes[best])), cmp.Compare(p.stock[best].Size.Volume(), p.stock[i].Size.Volume())) < 0 {
			best = i
		}
	}
	return best
}

// last is the cheapest carton that holds all that is left, where there is one.
func (p *packer) last(left []int) (Carton, bool) {
	for _, k := range p.cheap {
		if c, used := p.fill(k, left, nil, 16); used != nil && slices.Equal(used, left) {
			return c, true
		}
	}
	return Carton{}, false
}

// alone is one unit in a carton, in a corner of it.
func (p *packer) alone(g int) (Carton, []int) {
	used := make([]int, len(p.goods))
	used[g] = 1
	kind := p.takes[g][0]
	for _, o := range p.stock[g].orientations() {
		if o.within(p.kinds[kind].Size) {
			return Carton{kind, []Grid{{Placement{g, Size{}, o}, Size{1, 1, 1}}}, p.goods[g].Weight, o.Volume(), 1}, used
		}
	}
	return Carton{}, used
}

// fill packs one carton from what is left. Without worths it is all or nothing.
// It spends at most one part in so many of the effort. No use is nil.
func (p *packer) fill(kind int, left []int, worth []int64, part int) (Carton, []int) {
	k := p.kinds[kind]
	var of []int // the goods of each type of the search
	var volume, weight, units int64
	for i, n := range left {
		if n == 0 {
			continue
		}
		of = append(of, i)
		volume += int64(n) * p.stock[i].Size.Volume()
		weight += int64(n) * p.goods[i].Weight
		units += int64(n)
		if worth == nil && !slices.Contains(p.takes[i], kind) {
			return Carton{}, nil
		}
	}
	if worth == nil && (weight > k.MaxWeight || volume > k.Room && units > 1) {
		return Carton{}, nil
	}
	if worth != nil {
		of = p.some(of)
	}
	have := make([]stock, len(of))
	for t, i := range of {
		have[t] = p.stock[i]
		have[t].Qty = left[i]
		if worth != nil {
			have[t].value = worth[i]
		}
	}
	o := Options{Seed: p.options.Seed, Stop: p.options.Stop, Effort: 50_000}
	if p.limit > 0 {
		o.Effort = max(1, p.limit/part)
	}
	s := newSearch(k.Size, have, o)
	s.limited, s.room, s.weight = true, k.Room, k.MaxWeight
	if units == 1 {
		s.room = max(s.room, volume)
	}
	s.run()
	p.effort += s.effort
	p.work += s.work
	if len(s.best.lain) == 0 {
		return Carton{}, nil
	}
	c := Carton{Kind: kind, Grids: s.blocks.layout(&s.best), Copies: 1}
	used := make([]int, len(left))
	for j := range c.Grids {
		g := &c.Grids[j]
		g.Type = of[g.Type]
		n := g.N[0] * g.N[1] * g.N[2]
		used[g.Type] += n
		c.Volume += int64(n) * g.Size.Volume()
		c.Weight += int64(n) * p.goods[g.Type].Weight
	}
	return c, used
}

// mostAtOnce is among how many goods a carton's are chosen.
const mostAtOnce = 96

// some are of many goods the largest, and some of the rest of all sizes.
func (p *packer) some(of []int) []int {
	if len(of) <= mostAtOnce {
		return of
	}
	slices.SortStableFunc(of, func(a, b int) int { return cmp.Compare(p.stock[b].Size.Volume(), p.stock[a].Size.Volume()) })
	const large = mostAtOnce / 2
	out := slices.Clone(of[:large])
	for i := range large {
		out = append(out, of[large+i*(len(of)-large)/large])
	}
	return out
}

// shrinkAll puts the goods of each carton into the cheapest kind that holds them.
func (p *packer) shrinkAll(cartons []Carton) []Carton {
	for i, c := range cartons {
		left := make([]int, len(p.goods))
		for _, g := range c.Grids {
			left[g.Type] += g.N[0] * g.N[1] * g.N[2]
		}
		for _, k := range p.cheap {
			if k == c.Kind || p.spent() {
				break
			}
			if smaller, used := p.fill(k, left, nil, 64); used != nil && slices.Equal(used, left) {
				smaller.Copies = c.Copies
				cartons[i] = smaller
				break
			}
		}
	}
	return cartons
}
