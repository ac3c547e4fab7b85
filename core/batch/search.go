package batch

import (
	"slices"

	"github.com/paklog/hub/core/route"
)

// search is what the phases of a solve share: lengths that are remembered, chance,
// effort and the wish to stop.
type search struct {
	*floor
	rnd     random
	zobrist []uint64 // a random word for each order; a set is the XOR of its orders'
	memo    []memo
	stop    route.Stop
	effort  int64
	stopped bool
	scratch []uint64
}

// memo is a set's length. Two sets of one key are met once in some hundred thousand
// million solves; answers and bounds are measured anew.
type memo struct {
	key uint64
	len int64
}

const memoBits = 17

func newSearch(f *floor, seed uint64, stop route.Stop) *search {
	s := &search{floor: f, rnd: random(seed), stop: stop, memo: make([]memo, 1<<memoBits), scratch: make([]uint64, f.stride)}
	s.zobrist = make([]uint64, f.n)
	for i := range s.zobrist {
		s.zobrist[i] = s.rnd.next()
	}
	return s
}

// spend counts effort, a step of annealing each (about a sixth of a microsecond), and
// now and then asks whether to stop.
func (s *search) spend(effort int64) bool {
	before := s.effort
	s.effort += effort
	if before>>12 != s.effort>>12 && !s.stopped {
		s.stopped = s.stop(s.effort)
	}
	return s.stopped
}

// group is a batch under construction.
type group struct {
	orders []int
	load   int
	key    uint64
	len    int64
}

func (g *group) clone() group {
	c := *g
	c.orders = append([]int(nil), g.orders...)
	return c
}

// with is the length of a tour for orders without those at places out, and with those of in.
func (s *search) with(g *group, out, in []int) (key uint64, length int64) {
	key = g.key
	for _, at := range out {
		key ^= s.zobrist[g.orders[at]]
	}
	for _, o := range in {
		key ^= s.zobrist[o]
	}
	m := &s.memo[key>>(64-memoBits)]
	if m.key == key {
		return key, m.len
	}
	clear(s.scratch)
	for at, o := range g.orders {
		if !slices.Contains(out, at) {
			or(s.scratch, s.of(o))
		}
	}
	for _, o := range in {
		or(s.scratch, s.of(o))
	}
	*m = memo{key, s.length(s.scratch)}
	return key, m.len
}

// length is the floor's, and what it takes: the router of two blocks takes some microseconds, and
// a large building takes as long by itself.
func (s *search) length(mask []uint64) int64 {
	if s.router != nil {
		s.spend(routed * (1 + int64(len(mask))/64))
	} else if len(mask) >= large {
		s.spend(int64(len(mask)) / large)
	}
	return s.floor.length(mask)
}

const (
	routed = 32 // the effort of a tour through two blocks of few aisles
	large  = 64 // words of a building that a tour takes as long for as a step
)

// measure is the length of the tour for some orders.
func (s *search) measure(orders []int) int64 {
	clear(s.scratch)
	for _, o := range orders {
		or(s.scratch, s.of(o))
	}
	return s.length(s.scratch)
}

func or(into, from []uint64) {
	for i, w := range from {
		into[i] |= w
	}
}

// plan is a whole answer under construction. The last group is always empty.
type plan struct {
	groups []group
	where  []int // the group of each order
	total  int64
}

func (p *plan) clone() *plan {
	c := &plan{where: append([]int(nil), p.where...), total: p.total}
	for i := range p.groups {
		c.groups = append(c.groups, p.groups[i].clone())
	}
	return c
}

// settle takes away groups that are empty, and puts one at the end.
func (p *plan) settle() {
	for a := 0; a < len(p.groups); a++ {
		for last := len(p.groups) - 1; a <= last && len(p.groups[a].orders) == 0; last-- {
			p.groups[a] = p.groups[last]
			for _, o := range p.groups[a].orders {
				p.where[o] = a
			}
			p.groups = p.groups[:last]
		}
	}
	p.groups = append(p.groups, group{})
}

// replace puts in in the place of what is at out.
func (g *group) replace(out, in []int) {
	n := min(len(out), len(in))
	for i := range n {
		g.orders[out[i]] = in[i]
	}
	g.orders = append(g.orders, in[n:]...)
	rest := slices.Sorted(slices.Values(out[n:]))
	for _, at := range slices.Backward(rest) {
		last := len(g.orders) - 1
		g.orders[at] = g.orders[last]
		g.orders = g.orders[:last]
	}
}

// start is a plan by best fit decreasing: each order, the largest first, into the
// batch that has room and grows least.
func (s *search) start() *plan {
	p := &plan{where: make([]int, s.n), groups: []group{{}}}
	perm := make([]int, s.n)
	for i := range perm {
		perm[i] = i
	}
	slices.SortStableFunc(perm, func(a, b int) int { return s.load[b] - s.load[a] })
	for _, i := range perm {
		best, bestLoad := -1, -1
		for a := range p.groups {
			if g := &p.groups[a]; g.load+s.load[i] <= s.capacity && g.load > bestLoad && s.fits(g.orders, nil, []int{i}) {
				best, bestLoad = a, g.load
			}
		}
		g := &p.groups[best]
		key, length := s.with(g, nil, []int{i})
		p.total += length - g.len
		g.orders = append(g.orders, i)
		g.load += s.load[i]
		g.key, g.len = key, length
		p.where[i] = best
		if best == len(p.groups)-1 {
			p.groups = append(p.groups, group{})
		}
	}
	return p
}
