package batch

import (
	"cmp"
	"slices"
)

// Bounds of how many batches a tree chooses from.
const (
	minParts = 30_000
	maxParts = 500_000
)

// tree is all plans that are shorter than the best one known, put together from all
// batches that one of them may have. It is searched by branch and bound: whether two
// orders are in one batch or not (Ryan and Foster), the node with the lowest bound
// first, so that the lowest of those still open is a bound at any time.
type tree struct {
	*search
	parts       []column
	cuts        []cut
	least, most int
	open        []node // the lowest bound last
	bound       int64
	given       int64 // the lowest bound of nodes that were given up
	best        *plan // shorter than the one the tree was grown for, nil where none was met
}

// node is what decisions about pairs of orders leave.
type node struct {
	bound int64
	parts []int // of the tree that obey, and that a shorter plan may have
	on    pair  // the newest decision
}

type pair struct {
	a, b     int
	together bool
}

// allows says whether a batch obeys the decision.
func (p pair) allows(orders []int) bool {
	a, b := slices.Contains(orders, p.a), slices.Contains(orders, p.b)
	if p.together {
		return a == b
	}
	return !a || !b
}

// grow finds all batches that a plan shorter than total may have: at the prices of the best
// bound a plan is above it by no less than its batches' reduced costs. It is nil where
// they are too many.
func (g *generation) grow(total int64) *tree {
	slack := total<<payBits - g.value
	if g.tried > 0 && slack > g.tried*7/8 && g.effort < 2*g.triedAt {
		return nil // little has changed since the last time
	}
	g.tried, g.triedAt = slack, g.effort
	t := &tree{search: g.search, cuts: slices.Clone(g.cuts), given: inf, least: g.least, most: g.most, bound: g.bound}
	p := g.pricer
	prices := append(slices.Clone(g.center), make([]int64, g.m-len(g.center))...)
	p.ask(prices, g.cuts)
	// A plan's other batches may each have a reduced cost as low as the lowest.
	p.limit = slack - int64(g.most)*g.lowest
	// The longer was tried without a tree, the more may be tried with one.
	most := int(min(maxParts, max(minParts, g.effort/100)))
	p.most = max(10_000, g.effort/150)
	if g.search.n <= g.table {
		most, p.most = maxParts, 1<<40
	}
	p.found = func(orders []int, _ int64) bool {
		c := column{orders: slices.Clone(orders)}
		c.len = g.measure(c.orders)
		for _, o := range orders {
			c.key ^= g.zobrist[o]
		}
		t.parts = append(t.parts, c)
		return len(t.parts) < most
	}
	if p.run(); p.over {
		return nil
	}
	all := make([]int, len(t.parts))
	for i := range all {
		all[i] = i
	}
	t.open = []node{{bound: g.bound, parts: all}}
	if g.search.n <= g.table && len(g.cuts) == 0 {
		t.fill(total, prices, g.lowest)
	}
	return t
}

// step looks at the open node with the lowest bound, against plans as long as total.
func (t *tree) step(total int64) {
	if t.best != nil {
		total = min(total, t.best.total)
	}
	at := t.open[len(t.open)-1]
	t.open = t.open[:len(t.open)-1]
	if at.bound < total {
		t.branch(at, total)
	}
	if t.stopped {
		return // the node was not looked at to its end: the bound stays what it was
	}
	if t.best != nil {
		total = min(total, t.best.total)
	}
	low := min(total, t.given)
	if n := len(t.open); n > 0 {
		low = min(low, t.open[n-1].bound)
	}
	t.bound = max(t.bound, low)
}

// branch solves the master problem of a node's batches, and where it does not prove that
// no plan is shorter than total, opens two nodes that decide about a pair of orders.
func (t *tree) branch(at node, total int64) {
	m := newMaster(t.search, t.least)
	alone := make([]bool, t.n)
	for _, i := range at.parts {
		c := t.parts[i]
		if at.on.a != at.on.b && !at.on.allows(c.orders) {
			continue
		}
		if c.part = i; len(c.orders) == 1 {
			alone[c.orders[0]] = true
			m.columns[c.orders[0]].part = i
			continue
		}
		m.add(c)
	}
	t.spend(1 + int64(len(at.parts))/2)
	// What no shorter plan has costs so much that it is chosen only where nothing else is left.
	for o, is := range alone {
		if !is {
			m.columns[o].len = total
		}
	}
	for 4*total>>m.shift > 1<<20 {
		m.shift++
	}
	m.tighten(t.search, t.cuts)
	for round := 0; ; round++ {
		m.solve(t.search)
		if t.stopped {
			return
		}
		if at.bound = max(at.bound, t.prove(m, alone, total)); at.bound >= total {
			return
		}
		cuts := m.broken(t.search)
		if len(cuts) == 0 || round == 4 {
			break
		}
		m.tighten(t.search, cuts)
	}
	on, whole := m.split()
	switch {
	case whole != nil:
		p := t.plan(whole)
		if best := t.best; best == nil || p.total < best.total {
			t.best = p
		}
		// Prices that are not exact may prove less than the plan they come from.
		if at.bound < min(total, p.total) {
			t.given = min(t.given, at.bound)
		}
	case on.a == on.b:
		t.given = min(t.given, at.bound)
	default:
		left := m.parts()
		for _, together := range []bool{true, false} {
			t.open = append(t.open, node{at.bound, left, pair{on.a, on.b, together}})
		}
		slices.SortStableFunc(t.open, func(x, y node) int { return cmp.Compare(y.bound, x.bound) })
	}
}

// prove is a bound for plans of a node's batches, exact whatever the prices are. Orders that
// are not allowed alone are in no such batch by themselves.
//
// Batches that no plan shorter than total has by these prices are taken from the master problem
// where it does not use them.
func (t *tree) prove(m *master, alone []bool, total int64) int64 {
	pay := m.pays()
	sum := int64(t.least) * pay[t.n]
	for _, v := range pay[:t.n] {
		sum += v
	}
	for _, v := range pay[t.n+1:] {
		sum -= v
	}
	lowest := int64(0)
	for j := range m.columns {
		c := &m.columns[j]
		if len(c.orders) == 1 && !alone[c.orders[0]] {
			continue
		}
		lowest = min(lowest, m.reducedAt(c, pay))
	}
	// A plan's other batches may each have a reduced cost as low as the lowest.
	m.keep(func(c *column) bool {
		return len(c.orders) == 1 || sum+int64(t.most)*lowest+m.reducedAt(c, pay) < total<<payBits
	})
	return rounded(sum + int64(t.most)*lowest)
}

// plan is what batches make.
func (t *tree) plan(whole [][]int) *plan {
	p := &plan{where: make([]int, t.n)}
	for _, orders := range whole {
		g := group{orders: orders}
		g.key, g.len = t.with(&group{}, nil, g.orders)
		for _, o := range g.orders {
			g.load += t.load[o]
			p.where[o] = len(p.groups)
		}
		p.total += g.len
		p.groups = append(p.groups, g)
	}
	p.groups = append(p.groups, group{})
	return p
}
