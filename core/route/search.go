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
	class  uint8
}

// trace is the way to a label: the config of the last layer that has some.
type trace struct {
	before int32
	layer  int32
	config int32
}

// widths of the passes: labels kept behind a layer. The last is for what memory holds.
var widths = [...]int{64, 512, 4096, 32768, 262144}

// search looks for tours that are shorter than the best. A pass keeps the most
// promising labels of each layer; one that dropped none has proven the best.
func (s *scatter) search() {
	if !s.fits {
		return
	}
	p := &pass{scatter: s}
	for _, width := range widths {
		if s.bound >= s.length || s.ended {
			return
		}
		p.run(width)
	}
}

// pass is one run over the layers.
type pass struct {
	*scatter
	now, next []label
	traces    []trace
	slots     []int32 // hash of class and cover to index in next, +1
	dropped   int64   // least bound of a label that was not kept
}

func (p *pass) run(width int) {
	p.traces = append(p.traces[:0], trace{before: -1})
	p.now = append(p.now[:0], label{class: p.r.t.start})
	p.dropped = unreachable
	for i := range p.layers {
		p.next = p.next[:0]
		p.clearSlots(4 * len(p.now))
		for n := range p.now {
			p.extend(i, &p.now[n])
		}
		if p.spend(len(p.now) + len(p.next)) {
			return
		}
		p.keep(i+1, width)
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
	layer := &p.layers[i]
	ahead := &p.ahead[i+1]
	limit := p.limit() - p.worth - l.price
	for _, m := range layer.moves.of(l.class) {
		if ahead[m.to] >= unreachable/2 {
			continue
		}
		limit := limit - ahead[m.to]
		if layer.configs == nil {
			if c := layer.cost[m.by]; c < unreachable {
				p.push(label{cover: l.cover, length: l.length + c, price: l.price + c*p.scale, trace: l.trace, class: m.to}, limit-c*p.scale)
			}
			continue
		}
		for _, n := range layer.byPrice[m.by] {
			c := &layer.configs[n]
			if c.price > limit {
				break
			}
			q := label{cover: p.plus(l.cover, c.cover), length: l.length + c.length, trace: -1, class: m.to}
			paid := c.length*p.scale - p.gain(l.cover, q.cover)
			q.price = l.price + paid
			if paid > limit || i+1 < len(p.layers) && !p.contains(p.plus(q.cover, p.layers[i+1].rest), p.full) {
				continue
			}
			if k := p.push(q, 0); k >= 0 {
				p.traces = append(p.traces, trace{l.trace, int32(i), n})
				p.next[k].trace = int32(len(p.traces) - 1)
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
func (p *pass) push(l label, room int64) int {
	if room < 0 {
		return -1
	}
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

// keep leaves the labels of least bound, those that none of the same class dominates.
func (p *pass) keep(layer, width int) {
	ahead := &p.ahead[layer]
	bound := func(l *label) int64 { return l.price + ahead[l.class] }
	if len(p.next) <= width {
		return
	}
	slices.SortFunc(p.next, func(a, b label) int { return cmp.Compare(bound(&a), bound(&b)) })
	p.dropped = min(p.dropped, p.roundUp(bound(&p.next[width])+p.worth, p.scale))
	p.next = p.next[:width]
}

// take makes a finished label's places the best choice.
func (p *pass) take(l label) {
	var chosen []int
	for t := p.traces[l.trace]; t.before >= 0; t = p.traces[t.before] {
		layer := &p.layers[t.layer]
		c := layer.configs[t.config]
		for i := range layer.places {
			if i < int(c.front) || i >= layer.places-int(c.back) {
				chosen = append(chosen, layer.first+i)
			}
		}
	}
	slices.Sort(chosen)
	p.offer(chosen)
}
