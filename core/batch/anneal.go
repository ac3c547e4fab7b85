package batch

import "slices"

// leavers are up to two orders of a group, with their places in it.
type leavers struct {
	at, orders [2]int
	n          int
}

func (l *leavers) places() []int { return l.at[:l.n] }
func (l *leavers) all() []int    { return l.orders[:l.n] }

func (l *leavers) add(g *group, at int) {
	l.at[l.n], l.orders[l.n] = at, g.orders[at]
	l.n++
}

func (l *leavers) lines(s *search) (sum int) {
	for _, o := range l.all() {
		sum += s.load[o]
	}
	return sum
}

// anneal walks from p for so many steps, cooling from hot to cold (1/1024 of a unit of
// length), and is the best plan that it met. It changes p. A step moves an order to another batch, or
// exchanges one or two orders for one.
func (s *search) anneal(p *plan, steps int, hot, cold int64) *plan {
	const stages = 64
	best, low := p.clone(), p.total
	temp, cooler := hot, root(cold, hot, stages)
	for k := range steps {
		if s.spend(1) {
			break
		}
		if (k+1)%max(1, steps/stages) == 0 {
			temp = max(1, temp*cooler>>rootBits)
		}
		a, b, fromA, fromB, drawn := s.draw(p)
		if !drawn {
			continue
		}
		ga, gb := &p.groups[a], &p.groups[b]
		more := fromB.lines(s) - fromA.lines(s) // that a gets
		if ga.load+more > s.capacity || gb.load-more > s.capacity ||
			!s.fits(ga.orders, fromA.places(), fromB.all()) || !s.fits(gb.orders, fromB.places(), fromA.all()) {
			continue
		}
		keyA, lenA := s.with(ga, fromA.places(), fromB.all())
		keyB, lenB := s.with(gb, fromB.places(), fromA.all())
		longer := lenA + lenB - ga.len - gb.len
		// The constant is 1024 of the temperature times 1024 of the exponential.
		if longer > 0 && longer<<20 > temp*s.rnd.exponential() {
			continue
		}
		// A best plan is kept when it is left, for most are left at once for a better.
		if longer > 0 && p.total < low {
			best, low = p.clone(), p.total
		}
		ga.replace(fromA.places(), fromB.all())
		gb.replace(fromB.places(), fromA.all())
		ga.key, ga.len, ga.load = keyA, lenA, ga.load+more
		gb.key, gb.len, gb.load = keyB, lenB, gb.load-more
		for _, o := range fromA.all() {
			p.where[o] = b
		}
		for _, o := range fromB.all() {
			p.where[o] = a
		}
		p.total += longer
		if len(ga.orders) == 0 || b == len(p.groups)-1 {
			p.settle()
		}
	}
	if p.total < low {
		return p
	}
	return best
}

// draw picks two groups, and the orders that leave each for the other: the second, which
// may be the empty one, gives up one or none.
func (s *search) draw(p *plan) (a, b int, fromA, fromB leavers, drawn bool) {
	const of, moves, pairs = 16, 5, 4 // shares of the kinds of step
	i := s.rnd.below(s.n)
	a = p.where[i]
	kind := s.rnd.below(of)
	if kind < moves {
		b = s.rnd.below(len(p.groups))
		if len(p.groups[a].orders) == 1 && len(p.groups[b].orders) == 0 {
			return a, b, fromA, fromB, false
		}
	} else {
		j := s.rnd.below(s.n)
		if b = p.where[j]; b != a {
			fromB.add(&p.groups[b], slices.Index(p.groups[b].orders, j))
		}
	}
	if a == b {
		return a, b, fromA, fromB, false
	}
	g := &p.groups[a]
	fromA.add(g, slices.Index(g.orders, i))
	if kind >= of-pairs && len(g.orders) > 1 {
		at := s.rnd.below(len(g.orders) - 1)
		if at >= fromA.at[0] {
			at++
		}
		fromA.add(g, at)
	}
	return a, b, fromA, fromB, true
}

// rootBits are those behind the point of what root finds.
const rootBits = 20

// root is the number whose n-th power is cold/hot, which is below one.
func root(cold, hot int64, n int) int64 {
	low, high := int64(0), int64(1)<<rootBits
	for high-low > 1 {
		mid := (low + high) / 2
		v := hot << 10
		for range n {
			v = v * mid >> rootBits
		}
		if v > cold<<10 {
			high = mid
		} else {
			low = mid
		}
	}
	return high
}
