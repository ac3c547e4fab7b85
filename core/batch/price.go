package batch

import "slices"

// pricer finds batches whose tour is shorter than what their orders pay.
//
// It enumerates sets of orders so that the one that lengthens the tour most is
// chosen first, then the one that lengthens that tour most, and so on: each set
// once, and after two or three orders the tour is nearly as long as it will be. No
// order makes a tour shorter, so what a tour has now, less what can still be
// earned in the room that is left (a knapsack), is a bound for all sets that follow.
type pricer struct {
	*search
	pay   []int64 // of each order, in halves times 2^payBits
	each  int64   // paid for the batch itself
	limit int64   // sets with a reduced cost below are found
	fines []fine  // of the cuts
	ofs   [][]int // the fines that each order has a part in
	fined int64   // by the set
	unit  int     // lines that the knapsack counts as one
	depth []level
	set   []int

	found func(orders []int, reduced int64) bool // false ends the search
	nodes int64
	most  int64 // nodes that are looked at
	over  bool  // ended before all was seen
}

const payBits = 10

// fine is what a set costs more that has two or more of a cut's orders. It makes no
// set cheaper by an order more, so that the bound stands.
type fine struct {
	price int64
	in    int // orders of the set
}

type level struct {
	mask []uint64
	kids []kid
	best []int64
}

type kid struct {
	order int
	len   int64 // of the tour with it, and fines, times 2^payBits
}

func newPricer(s *search) *pricer {
	return &pricer{search: s, pay: make([]int64, s.n), unit: (s.capacity + 255) / 256}
}

// run enumerates all sets with a reduced cost below limit.
func (p *pricer) run() {
	p.over, p.nodes, p.fined = false, 0, 0
	for len(p.depth) < 1 {
		p.grow()
	}
	root := &p.depth[0]
	clear(root.mask)
	root.kids = root.kids[:0]
	for i := range p.n {
		root.kids = append(root.kids, kid{order: i})
	}
	p.set = p.set[:0]
	p.visit(0, p.capacity, -p.each)
}

func (p *pricer) grow() {
	p.depth = append(p.depth, level{mask: make([]uint64, p.stride), best: make([]int64, p.capacity/p.unit+1)})
}

// visit looks at the sets that extend p.set by orders of this level's kids. owed is
// what the set has earned, negative, without its tour.
func (p *pricer) visit(depth, room int, owed int64) {
	if depth+1 == len(p.depth) {
		p.grow()
	}
	at := &p.depth[depth]
	kids := at.kids
	for i := range kids {
		o := kids[i].order
		for k, w := range p.of(o) {
			p.scratch[k] = at.mask[k] | w
		}
		l := p.length(p.scratch)<<payBits + p.fined
		for _, t := range p.ofs[o] {
			if p.fines[t].in == 1 {
				l += p.fines[t].price
			}
		}
		kids[i].len = l
	}
	p.nodes++
	if p.spend(int64(len(kids))) || p.nodes > p.most {
		p.over = true
		return
	}
	slices.SortFunc(kids, func(a, b kid) int {
		if a.len != b.len {
			return int(a.len - b.len)
		}
		return a.order - b.order
	})
	clear(at.best)
	for i := range kids {
		o, l := kids[i].order, kids[i].len
		load, pay := p.load[o], p.pay[o]
		if load > room || !p.fits(p.set, nil, []int{o}) {
			continue
		}
		left := room - load
		reduced := l + owed - pay
		if reduced-at.best[left/p.unit] < p.limit {
			p.set = append(p.set, o)
			if reduced < p.limit && !p.found(p.set, reduced) {
				p.over = true
			}
			if !p.over {
				p.descend(depth, i, left, owed-pay)
			}
			p.set = p.set[:len(p.set)-1]
			if p.over {
				return
			}
		}
		w := load / p.unit
		for c := len(at.best) - 1; c >= w; c-- {
			if v := at.best[c-w] + pay; v > at.best[c] {
				at.best[c] = v
			}
		}
	}
}

func (p *pricer) descend(depth, i, left int, owed int64) {
	at := &p.depth[depth]
	for depth+1 >= len(p.depth) {
		p.grow()
		at = &p.depth[depth]
	}
	next := &p.depth[depth+1]
	next.kids = next.kids[:0]
	for _, k := range at.kids[:i] {
		if p.load[k.order] <= left {
			next.kids = append(next.kids, k)
		}
	}
	if len(next.kids) == 0 {
		return
	}
	for k, w := range p.of(at.kids[i].order) {
		next.mask[k] = at.mask[k] | w
	}
	o := at.kids[i].order
	before := p.fined
	for _, t := range p.ofs[o] {
		f := &p.fines[t]
		if f.in++; f.in == 2 {
			p.fined += f.price
		}
	}
	p.visit(depth+1, left, owed)
	for _, t := range p.ofs[o] {
		p.fines[t].in--
	}
	p.fined = before
}

// ask sets the prices: of each order, of a batch, of each cut.
func (p *pricer) ask(prices []int64, cuts []cut) {
	copy(p.pay, prices)
	p.each = prices[p.n]
	p.fines, p.ofs = p.fines[:0], make([][]int, p.n)
	for t, c := range cuts {
		if price := prices[p.n+1+t]; price > 0 {
			for _, o := range c {
				p.ofs[o] = append(p.ofs[o], len(p.fines))
			}
			p.fines = append(p.fines, fine{price: price})
		}
	}
}
