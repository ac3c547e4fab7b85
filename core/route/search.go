package route

import (
	"cmp"
	"math/bits"
	"slices"
)

// label is a partial tour: its class, what it gains, and what it has cost.
type label struct {
	cover  cover
	length int64
	price  int64 // scaled length less the worth of the cover
	trace  int32
	state  uint16 // of what is remembered
	class  uint8
}

// trace is the way to a label: the config of the last layer that has some.
type trace struct {
	before int32
	layer  int32
	config int32
}

// rounds of the multipliers, and how many may pass without a better bound until the
// step is halved.
const (
	rounds   = 300
	patience = 10
)

// stages of the search: labels kept behind a layer, states remembered by the bound, and then
// parts solved anew, with states of their own.
var stages = [...]struct{ width, states, parts, partStates int }{
	{64, 16, 30, 32}, {256, 64, 60, 64}, {1024, 256, 100, 128}, {4096, 256, 200, 128}, {1 << 14, 512, 200, 256}, {1 << 16, 512, 500, 256},
}

// solve looks for tours that are shorter than the best. A pass keeps the most
// promising labels of each layer; one that dropped none has proven the best. Between passes
// of growing width parts of the best tour are solved anew.
func (s *scatter) solve(seed uint64) {
	s.begin(len(s.layers), len(s.demand), len(s.at))
	s.scale = max(1, 1<<scaleBits/max(1, s.length))
	for a, d := range s.demand {
		s.trial[a] = s.length * s.scale / int64(2*len(s.demand)) / d
	}
	s.price(rounds, patience)
	p := &pass{scatter: s}
	n := newNeighbours(s, seed)
	tricky := make([]int, len(s.demand))
	for a := range tricky {
		tricky[a] = a
	}
	slices.SortStableFunc(tricky, func(a, b int) int { return cmp.Compare(s.over[b], s.over[a]) })
	for _, stage := range stages {
		if s.fits && s.bound < s.length && !s.ended {
			copy(s.trial, s.lambda)
			if !s.remember(tricky, stage.states) {
				return
			}
			s.bound = max(s.bound, min(s.length, s.roundUp(s.memory.ahead[0][s.r.t.start]+s.worth, s.scale)))
			p.run(stage.width)
		}
		if s.bound >= s.length || s.ended {
			return
		}
		n.improve(stage.parts, stage.partStates)
	}
}

// pass is one run over the layers.
type pass struct {
	*scatter
	now, next []label
	traces    []trace
	slots     []int32 // hash of class and cover to index in next, +1
	dropped   int64   // least bound of a label that was not kept
	order     []ranked
	leaders   [maxClasses][]int32
}

func (p *pass) run(width int) {
	p.traces = append(p.traces[:0], trace{before: -1})
	p.now = append(p.now[:0], label{class: p.r.t.start})
	p.dropped = unreachable
	for i := range p.layers {
		p.next = p.next[:0]
		p.clearSlots(4 * len(p.now))
		for n := range p.now {
			if p.extend(i, &p.now[n]); n%32 == 31 && p.spend(64) {
				return
			}
		}
		if p.spend(2 * len(p.now)) {
			return
		}
		// An aisle is done once the last cross-aisle is left.
		if done := i+1 == len(p.layers) || !p.layers[i].walked && p.layers[i+1].walked; done || len(p.next) > 4*width {
			p.keep(i+1, width, done)
		}
		p.now, p.next = p.next, p.now
	}
	for _, l := range p.now {
		if l.length < p.length {
			p.take(l)
		}
	}
	p.bound = max(p.bound, min(p.length, p.dropped))
}

// limit is the least scaled bound that is of no use any more.
func (p *pass) limit() int64 { return (p.length - p.grain) * p.scale }

// extend adds what layer i can make of label l.
func (p *pass) extend(i int, l *label) {
	layer, m := &p.layers[i], &p.memory
	ahead := m.ahead[i+1]
	limit := p.limit() - p.worth - l.price
	if !layer.walked {
		for _, v := range layer.moves.of(l.class) {
			c := layer.cost[v.by]
			if a := ahead[int(l.state)*maxClasses+int(v.to)]; c < unreachable && a < unreachable && c*p.scale+a <= limit {
				p.push(label{cover: l.cover, length: l.length + c, price: l.price + c*p.scale, trace: l.trace, state: l.state, class: v.to})
			}
		}
		return
	}
	for _, v := range layer.moves.of(l.class) {
		for _, g := range layer.groups {
			if g.by != v.by {
				continue
			}
			state := m.plus[int(l.state)*m.size+int(g.gain)]
			limit := limit - ahead[int(state)*maxClasses+int(v.to)]
			for _, n := range g.configs {
				c := &layer.configs[n]
				if c.price > limit {
					break
				}
				q := label{cover: p.plus(l.cover, c.cover), length: l.length + c.length, trace: -1, state: state, class: v.to}
				paid := c.length*p.scale - p.gain(l.cover, q.cover)
				q.price = l.price + paid
				if paid > limit || i+1 < len(p.layers) && !p.contains(p.plus(q.cover, p.layers[i+1].rest), p.full) {
					continue
				}
				if k := p.push(q); k >= 0 {
					p.traces = append(p.traces, trace{l.trace, int32(i), n})
					p.next[k].trace = int32(len(p.traces) - 1)
				}
			}
		}
	}
}

// gain is what the difference of two covers is worth; b has all of a.
func (p *pass) gain(a, b cover) (value int64) {
	for w := range a {
		for d := b[w] - a[w]; d != 0; {
			f := bits.TrailingZeros64(d) / p.field
			n := d >> (f * p.field) & (1<<p.field - 1)
			d &^= (1<<p.field - 1) << (f * p.field)
			value += int64(n) * p.trial[w*p.perWord+f]
		}
	}
	return value
}

// push adds a label unless one of the same class and cover is no longer; it returns where, or -1.
func (p *pass) push(l label) int {
	if 2*len(p.next) >= len(p.slots) {
		p.rehash()
	}
	for h := hash(l.cover, l.class); ; h++ {
		slot := &p.slots[h&uint64(len(p.slots)-1)]
		if *slot == 0 {
			p.next = append(p.next, l)
			*slot = int32(len(p.next))
			return len(p.next) - 1
		}
		if o := &p.next[*slot-1]; o.class == l.class && o.cover == l.cover {
			if o.length <= l.length {
				return -1
			}
			*o = l
			return int(*slot - 1)
		}
	}
}

func hash(c cover, class uint8) uint64 {
	h := uint64(class)
	for _, w := range c {
		h = (h ^ w) * 0x9E3779B97F4A7C15
		h ^= h >> 29
	}
	return h
}

func (p *pass) clearSlots(atLeast int) {
	n := 1 << bits.Len(uint(max(atLeast, 255)))
	if n > len(p.slots) {
		p.slots = make([]int32, n)
		return
	}
	clear(p.slots)
}

func (p *pass) rehash() {
	p.slots = make([]int32, 2*len(p.slots))
	for i, l := range p.next {
		h := hash(l.cover, l.class)
		for p.slots[h&uint64(len(p.slots)-1)] != 0 {
			h++
		}
		p.slots[h&uint64(len(p.slots)-1)] = int32(i + 1)
	}
}

// keep leaves the labels of least bound that none before them of the same class dominates.
func (p *pass) keep(layer, width int, compare bool) {
	ahead := p.memory.ahead[layer]
	if len(p.next) < 16 {
		return
	}
	p.order = p.order[:0]
	for i := range p.next {
		l := &p.next[i]
		p.order = append(p.order, ranked{l.price + ahead[int(l.state)*maxClasses+int(l.class)], int32(i)})
	}
	slices.SortFunc(p.order, func(a, b ranked) int { return cmp.Compare(a.bound, b.bound) })
	for i := range p.leaders {
		p.leaders[i] = p.leaders[i][:0]
	}
	kept := p.now[:0]
	for _, o := range p.order {
		l := &p.next[o.label]
		leaders := p.leaders[l.class]
		if compare && slices.ContainsFunc(leaders, func(k int32) bool { return kept[k].length <= l.length && p.contains(kept[k].cover, l.cover) }) {
			continue
		}
		if len(kept) == width {
			p.dropped = min(p.dropped, p.roundUp(o.bound+p.worth, p.scale))
			break
		}
		if len(leaders) < maxLeaders {
			p.leaders[l.class] = append(leaders, int32(len(kept)))
		}
		kept = append(kept, *l)
	}
	p.now, p.next = p.next, kept
}

// ranked is a label with the bound of the tours that it leads to.
type ranked struct {
	bound int64
	label int32
}

// maxLeaders bounds the labels of a class that others are compared with.
const maxLeaders = 64

// take makes a finished label's places the best choice.
func (p *pass) take(l label) {
	var chosen []int
	for t := p.traces[l.trace]; t.before >= 0; t = p.traces[t.before] {
		layer := &p.layers[t.layer]
		chosen = layer.appendPlaces(chosen, &layer.configs[t.config])
	}
	slices.Sort(chosen)
	p.offer(chosen)
}
