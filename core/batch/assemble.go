package batch

import (
	"cmp"
	"slices"
)

// maxParts bounds what an assembly chooses from.
const maxParts = 200_000

// members is a set of up to maxGenerated orders.
type members [maxGenerated / 64]uint64

func (m *members) add(o int)      { m[o>>6] |= 1 << (o & 63) }
func (m *members) has(o int) bool { return m[o>>6]>>(o&63)&1 != 0 }

func (m *members) meets(n *members) bool {
	met := uint64(0)
	for i, w := range m {
		met |= w & n[i]
	}
	return met != 0
}

func (m *members) plus(n *members) (sum members) {
	for i, w := range m {
		sum[i] = w | n[i]
	}
	return sum
}

// part is a batch that a shorter plan may have.
type part struct {
	members
	orders  []int
	load    int
	reduced int64
}

// assembly searches all plans whose reduced costs sum to less than slack. At the prices
// of the best bound a plan is as much above the bound as its batches' reduced costs,
// so that this is all plans shorter than the best one known.
type assembly struct {
	*generation
	parts  []part
	of     [][]int // the parts that hold each order, the cheapest first
	share  []int64 // the least that any part with an order costs, divided among its orders
	lines  int
	chosen []int
	best   []int // parts of the shortest plan found
	slack  int64
	left   int64 // effort
}

// assemble looks for a plan below total among all batches that can be in one. It proves
// that total is best, or finds what is, where there are not too many.
func (g *generation) assemble(total int64) *plan {
	n := g.search.n
	a := &assembly{generation: g, of: make([][]int, n), share: make([]int64, n), slack: total<<payBits - g.value}
	if g.tried > 0 && a.slack > g.tried*7/8 {
		return nil // little has changed since the last time
	}
	g.tried = a.slack
	// No reduced cost is below least; a plan's other batches may each have that.
	least := g.worstAt
	p := g.pricer
	prices := append(slices.Clone(g.center), make([]int64, g.m-len(g.center))...)
	p.ask(prices, g.cuts)
	p.limit, p.most = a.slack-int64(g.most)*least, 100_000
	p.found = func(orders []int, reduced int64) bool {
		q := part{orders: slices.Clone(orders), reduced: reduced}
		for _, o := range orders {
			q.add(o)
			q.load += g.load[o]
		}
		a.parts = append(a.parts, q)
		return len(a.parts) < maxParts
	}
	if p.run(); p.over {
		return nil
	}
	slices.SortFunc(a.parts, func(x, y part) int {
		return cmp.Or(cmp.Compare(x.reduced, y.reduced), slices.Compare(x.orders, y.orders))
	})
	for o := range a.share {
		a.share[o] = inf
		a.lines += g.load[o]
	}
	for i := range a.parts {
		q := &a.parts[i]
		for _, o := range q.orders {
			a.of[o] = append(a.of[o], i)
			share := q.reduced / int64(len(q.orders))
			if q.reduced < 0 {
				share--
			}
			a.share[o] = min(a.share[o], share)
		}
	}
	rest := int64(0)
	for _, s := range a.share {
		if s == inf {
			g.bound = total // an order is in no batch that a shorter plan may have
			return nil
		}
		rest += s
	}
	a.left = 4_000_000
	a.choose(members{}, 0, rest, a.lines)
	if a.left > 0 && !g.stopped {
		g.bound = max(g.bound, min(total, (a.slack+g.value)>>payBits))
	}
	if a.best == nil {
		return nil
	}
	return a.plan()
}

// choose adds a batch for the order that the fewest fit.
func (a *assembly) choose(covered members, cost, rest int64, lines int) {
	if lines == 0 {
		a.finish()
		return
	}
	n := a.search.n
	pick, fewest := -1, int(1)<<60
	for o := range n {
		if covered.has(o) {
			continue
		}
		fit := 0
		for _, i := range a.of[o] {
			q := &a.parts[i]
			if cost+q.reduced >= a.slack {
				break
			}
			a.left--
			if !q.meets(&covered) {
				if fit++; fit >= fewest {
					break
				}
			}
		}
		if fit < fewest {
			pick, fewest = o, fit
		}
		if fewest == 0 {
			return
		}
	}
	if a.spend(1000); a.left < 0 || a.stopped {
		a.left = min(a.left, 0)
		return
	}
	for _, i := range a.of[pick] {
		q := &a.parts[i]
		if cost+q.reduced >= a.slack {
			return
		}
		if q.meets(&covered) {
			continue
		}
		after := rest
		for _, o := range q.orders {
			after -= a.share[o]
		}
		if cost+q.reduced+after >= a.slack {
			continue
		}
		// Batches beyond the least number cost their price each.
		few := len(a.chosen) + 1 + (lines-q.load+a.capacity-1)/a.capacity
		if extra := int64(max(0, few-a.least)) * a.center[n]; cost+q.reduced+after+extra >= a.slack {
			continue
		}
		a.chosen = append(a.chosen, i)
		a.choose(covered.plus(&q.members), cost+q.reduced, after, lines-q.load)
		a.chosen = a.chosen[:len(a.chosen)-1]
		if a.left <= 0 || a.stopped {
			return
		}
	}
}

// finish keeps the chosen parts where they are the shortest plan yet.
func (a *assembly) finish() {
	total := int64(0)
	for _, i := range a.chosen {
		_, l := a.with(&group{}, nil, a.parts[i].orders)
		total += l
	}
	if slack := total<<payBits - a.value; slack < a.slack {
		a.slack = slack
		a.best = slices.Clone(a.chosen)
	}
}

// plan is what the best parts make.
func (a *assembly) plan() *plan {
	p := &plan{where: make([]int, a.search.n)}
	for _, i := range a.best {
		q := &a.parts[i]
		g := group{orders: slices.Clone(q.orders), load: q.load}
		g.key, g.len = a.with(&group{}, nil, q.orders)
		for _, o := range q.orders {
			p.where[o] = len(p.groups)
		}
		p.total += g.len
		p.groups = append(p.groups, g)
	}
	p.groups = append(p.groups, group{})
	return p
}
