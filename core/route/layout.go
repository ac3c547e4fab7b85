package route

import "slices"

// maxConfigs bounds the ways to walk blocks that are told apart.
const maxConfigs = 500_000

// config is one way to walk a block: by what move, and past which of its places. Its gains are
// its parent's and those of its own, no article above its demand.
type config struct {
	length      int64
	by          uint8
	barred      bool // misses a place that must be visited: only a parent
	parent      int32
	own, ownEnd int32 // of layer.gains
	front, back int32 // places reached from either end
	cover       cover
	gain        uint16 // of what is remembered

	value int64 // of what is gained, at the current multipliers
	price int64 // length less value, scaled
}

// layer is a [step] of the programme with the configs of its block. Layers without
// configs have costs by move alone.
type layer struct {
	step
	walked  bool // a block: it has configs
	configs []config
	gains   []item
	first   int // of scatter.at, the block's first place
	places  int
	order   []int32 // configs by move, gain of what is remembered, price
	groups  []group
	rest    cover // what this layer and those after it can give
}

type layout struct {
	layers  []layer
	fits    bool // covers have room for the demand
	field   int  // bits of an article in a cover
	perWord int
	full    cover // all demand
	caps    cover // by field, what lifts a number above its demand to the guard bit
	guards  cover
}

// cover is how much of each article a partial tour gains, in fields of equal width
// with a guard bit each, so that they add and compare without a loop over articles.
type cover [2]uint64

// plus is the sum of two covers, no field above its demand.
func (l *layout) plus(a, b cover) cover {
	for i := range a {
		sum := a[i] + b[i]
		over := (sum + l.caps[i]) & l.guards[i]
		mask := over | (over - over>>(l.field-1))
		a[i] = sum&^mask | l.full[i]&mask
	}
	return a
}

// contains reports whether a has at least as much of every article as b.
func (l *layout) contains(a, b cover) bool {
	for i := range a {
		if (a[i]|l.guards[i]-b[i])&l.guards[i] != l.guards[i] {
			return false
		}
	}
	return true
}

func (l *layout) makeCovers(demand []int64) {
	var most int64
	for _, d := range demand {
		most = max(most, d)
	}
	l.field = 1
	for ; most > 0; most >>= 1 {
		l.field++
	}
	l.perWord = 64 / l.field
	l.fits = len(demand) <= l.perWord*len(l.full)
	if !l.fits {
		return
	}
	for a, d := range demand {
		word, shift := a/l.perWord, a%l.perWord*l.field
		l.full[word] |= uint64(d) << shift
		l.guards[word] |= 1 << (shift + l.field - 1)
		l.caps[word] |= (1<<(l.field-1) - 1 - uint64(d)) << shift
	}
}

// unit is a cover of n pieces of article a.
func (l *layout) unit(a int, n int64) (c cover) {
	c[a/l.perWord] = uint64(n) << (a % l.perWord * l.field)
	return c
}

// layOut makes the layers.
func (s *scatter) layOut() error {
	s.makeCovers(s.demand)
	next, total := 0, 0
	r := s.r
	r.aisles = r.aisles[:0]
	for _, p := range s.at {
		r.aisles = append(r.aisles, p.Aisle)
	}
	r.aisles = append(r.aisles, r.w.Depot.Aisle)
	slices.Sort(r.aisles)
	r.aisles = slices.Compact(r.aisles)
	for i, a := range r.aisles {
		for n, b := range r.blocks {
			l := s.addLayer(step{moves: &r.t.walk[n]})
			l.walked, l.first = true, next
			for next < len(s.at) && s.at[next].Aisle == a && s.at[next].Cell < b.first+b.cells {
				next++
			}
			l.places = next - l.first
			if total += s.configure(l, b, maxConfigs-total); total > maxConfigs {
				return errTooLarge
			}
		}
		r.steps = r.appendCross(r.steps[:0], i)
		for _, c := range r.steps {
			s.addLayer(c)
		}
	}
	if !s.fits {
		return nil
	}
	var rest cover
	for i := len(s.layers) - 1; i >= 0; i-- {
		for _, c := range s.layers[i].configs {
			if c.by == walkPass {
				rest = s.plus(rest, c.cover)
			}
		}
		s.layers[i].rest = rest
	}
	return nil
}

// addLayer appends a layer, in the room of one that was used before if there is some.
func (l *layout) addLayer(s step) *layer {
	n := len(l.layers)
	l.layers = slices.Grow(l.layers, 1)[:n+1]
	v := &l.layers[n]
	*v = layer{step: s, configs: v.configs[:0], gains: v.gains[:0], order: v.order[:0], groups: v.groups[:0]}
	return v
}

// configure lists the configs of a layer and returns their number, or one above most.
func (s *scatter) configure(l *layer, b block, most int) int {
	f := &former{s: s, l: l, b: b, have: make([]int64, 3*len(s.demand))}
	before, behind := f.have[len(s.demand):2*len(s.demand)], f.have[2*len(s.demand):]
	f.have = f.have[:len(s.demand)]
	firstMust, lastMust := l.places, -1
	for i := range l.places {
		if s.at[l.first+i].must {
			firstMust, lastMust = min(firstMust, i), i
		}
	}
	l.configs = append(l.configs, config{by: walkNone, parent: -1, barred: lastMust >= 0})
	var fronts []int32
	parent := int32(0)
	for i := range l.places {
		if f.add(config{by: walkFront, parent: parent, length: f.front(i), front: int32(i + 1), barred: i < lastMust}, i) {
			parent = int32(len(l.configs) - 1)
			fronts = append(fronts, parent)
		}
	}
	all := config{parent: parent, front: int32(l.places), cover: l.configs[parent].cover}
	all.by, all.length = walkPass, b.length
	l.configs = append(l.configs, all)
	all.by, all.length = walkDouble, 2*b.length
	l.configs = append(l.configs, all)

	clear(f.have)
	parent = 0
	for i := l.places - 1; i >= 0; i-- {
		if f.add(config{by: walkBack, parent: parent, length: f.back(i), back: int32(l.places - i), barred: i > firstMust}, i) {
			parent = int32(len(l.configs) - 1)
		}
	}
	for _, from := range fronts {
		if len(l.configs) > most {
			break
		}
		reached := int(l.configs[from].front)
		turn := s.at[l.first+reached-1]
		next := reached // the place that the back must reach
		for next < l.places && !s.at[l.first+next].must {
			next++
		}
		clear(behind)
		copy(f.have, before)
		f.gain(from)
		parent = from
		for i := l.places - 1; i >= reached; i-- {
			for _, it := range s.at[l.first+i].items {
				behind[it.article] += it.qty
			}
			// Once the back gives what the front turned for, the front may turn sooner.
			if !turn.must && !slices.ContainsFunc(turn.items, func(it item) bool { return before[it.article]+behind[it.article] < s.demand[it.article] }) {
				break
			}
			if f.add(config{by: walkBoth, parent: parent, length: f.front(reached-1) + f.back(i), front: int32(reached), back: int32(l.places - i), barred: i > next}, i) {
				parent = int32(len(l.configs) - 1)
			}
		}
		copy(f.have, before)
		f.gain(from)
		copy(before, f.have)
	}
	return len(l.configs)
}

// former builds the configs of a layer, each from one that reaches a place less.
type former struct {
	s    *scatter
	l    *layer
	b    block
	have []int64 // by article, what the parent gains
}

func (f *former) front(i int) int64 { return 2 * f.b.fromFront(f.s.at[f.l.first+i].Cell-f.b.first) }
func (f *former) back(i int) int64  { return 2 * f.b.fromBack(f.s.at[f.l.first+i].Cell-f.b.first) }

// gain adds what config c gains beyond its parent.
func (f *former) gain(c int32) {
	for _, g := range f.l.gains[f.l.configs[c].own:f.l.configs[c].ownEnd] {
		f.have[g.article] += g.qty
	}
}

// add appends c, its parent and place i, unless i gives nothing more and need not be visited.
func (f *former) add(c config, i int) bool {
	from := len(f.l.gains)
	for _, it := range f.s.at[f.l.first+i].items {
		if n := min(it.qty, f.s.demand[it.article]-f.have[it.article]); n > 0 {
			f.l.gains = append(f.l.gains, item{it.article, n})
			f.have[it.article] += n
		}
	}
	if len(f.l.gains) == from && !f.s.at[f.l.first+i].must {
		return false
	}
	c.own, c.ownEnd = int32(from), int32(len(f.l.gains))
	if f.s.fits {
		c.cover = f.l.configs[c.parent].cover
		for _, g := range f.l.gains[from:] {
			c.cover = f.s.plus(c.cover, f.s.unit(g.article, g.qty))
		}
	}
	f.l.configs = append(f.l.configs, c)
	return true
}
