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
next:
	for at, o := range g.orders {
		for _, x := range out {
			if x == at {
				continue next
			}
		}
		or(s.scratch, s.of(o))
	}
	for _, o := range in {
		or(s.scratch, s.of(o))
	}
	*m = memo{key, s.length(s.scratch)}
	return key, m.len
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

// anneal walks from p for that many steps, cooling from hot to cold (halves of a
// unit, times 1024), and leaves in p the best that it met.
func (s *search) anneal(p *plan, steps int, hot, cold int64) *plan {
	best := p.clone()
	temp := hot
	every := max(1, steps/64)
	// the 64th root of cold/hot, in 2^-20
	root := root64(cold, hot)
	var out1, out2 [2]int
	var in1, in2 [2]int
	for k := range steps {
		if s.spend(1) {
			break
		}
		if k%every == every-1 {
			temp = max(1, temp*root>>20)
		}
		i := s.rnd.below(s.n)
		a := p.where[i]
		ga := &p.groups[a]
		b := a
		var nOutB int
		kind := s.rnd.below(16)
		if kind < 5 { // move
			b = s.rnd.below(len(p.groups))
			if b == a || len(ga.orders) == 1 && len(p.groups[b].orders) == 0 {
				continue
			}
		} else {
			j := s.rnd.below(s.n)
			b = p.where[j]
			if b == a {
				continue
			}
			out2[0] = index(p.groups[b].orders, j)
			in1[0] = j
			nOutB = 1
		}
		gb := &p.groups[b]
		out1[0] = index(ga.orders, i)
		in2[0] = i
		nOutA := 1
		if kind >= 12 && len(ga.orders) > 1 {
			x := s.rnd.below(len(ga.orders) - 1)
			if x >= out1[0] {
				x++
			}
			out1[1] = x
			in2[1] = ga.orders[x]
			nOutA = 2
		}
		da, db := 0, 0
		for q := range nOutA {
			da += s.load[in2[q]]
		}
		for q := range nOutB {
			db += s.load[in1[q]]
		}
		if ga.load-da+db > s.capacity || gb.load-db+da > s.capacity {
			continue
		}
		keyA, lenA := s.with(ga, out1[:nOutA], in1[:nOutB])
		keyB, lenB := s.with(gb, out2[:nOutB], in2[:nOutA])
		delta := lenA + lenB - ga.len - gb.len
		if delta > 0 && delta<<20 > temp*s.rnd.exponential() {
			continue
		}
		ga.replace(out1[:nOutA], in1[:nOutB])
		gb.replace(out2[:nOutB], in2[:nOutA])
		ga.key, ga.len, ga.load = keyA, lenA, ga.load-da+db
		gb.key, gb.len, gb.load = keyB, lenB, gb.load-db+da
		for q := range nOutA {
			p.where[in2[q]] = b
		}
		for q := range nOutB {
			p.where[in1[q]] = a
		}
		p.total += delta
		if len(ga.orders) == 0 || b == len(p.groups)-1 {
			p.settle()
		}
		if p.total < best.total {
			best = p.clone()
		}
	}
	return best
}

func index(s []int, v int) int {
	for i, x := range s {
		if x == v {
			return i
		}
	}
	return -1
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
	n := 0
	for n < len(out) && n < len(in) {
		g.orders[out[n]] = in[n]
		n++
	}
	g.orders = append(g.orders, in[n:]...)
	if len(out) > n { // at most two are out, the higher place first
		rest := append([]int(nil), out[n:]...)
		if len(rest) == 2 && rest[0] < rest[1] {
			rest[0], rest[1] = rest[1], rest[0]
		}
		for _, at := range rest {
			last := len(g.orders) - 1
			g.orders[at] = g.orders[last]
			g.orders = g.orders[:last]
		}
	}
}

func root64(cold, hot int64) int64 {
	// bisect r with r^64 = cold/hot in fixed point
	lo, hi := int64(1<<19), int64(1<<20)
	for hi-lo > 1 {
		m := (lo + hi) / 2
		v := hot << 10
		for range 64 {
			v = v * m >> 20
		}
		if v > cold<<10 {
			hi = m
		} else {
			lo = m
		}
	}
	return hi
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
			if g := &p.groups[a]; g.load+s.load[i] <= s.capacity && g.load > bestLoad {
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
