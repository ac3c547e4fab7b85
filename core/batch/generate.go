package batch

// generation is column generation: the master problem's prices tell which batches are
// missing, and prove a bound.
type generation struct {
	*search
	*master
	pricer  *pricer
	least   int     // batches that any plan has
	most    int     // batches that some best plan has no more than
	limit   int64   // batches are asked for whose reduced cost is as far below zero
	done    bool    // no batch is missing
	bound   int64   // proven
	center  []int64 // the prices that proved most
	value   int64   // what they prove, times 2^payBits
	lowest  int64   // the least reduced cost at them, 0 at most
	tried   int64   // how far below the best plan they were when a tree was last grown
	triedAt int64   // the effort at that time
	table   int     // orders up to which all that is left is filled into a table
	asked   int     // times
}

func newGeneration(s *search, p *plan) *generation {
	g := &generation{search: s, pricer: newPricer(s)}
	lines := 0
	for _, l := range s.load {
		lines += l
	}
	g.least = s.fewest()
	// Two batches that fit into one are never better apart, so each two have more lines
	// than fit: together (most-1)*lines > most*(most-1)/2*capacity.
	g.most = max(g.least, (2*lines-1)/s.capacity)
	if len(s.limits) > 0 {
		g.most = s.n // two that fit by lines need not by another limit
	}
	g.master = newMaster(s, g.least)
	g.limit, g.table = 64<<payBits, maxTable
	// The first prices share the tours of the plan among their orders by lines.
	g.center, g.value = make([]int64, g.m), -inf
	for i := range p.groups {
		q := &p.groups[i]
		for _, o := range q.orders {
			g.center[o] = q.len << payBits / int64(q.load) * int64(s.load[o])
		}
	}
	g.near(p)
	return g
}

// near adds the batches of a plan, and those that differ from one by an order less, one
// more, or one for another: they tie the prices of orders to each other.
func (g *generation) near(p *plan) {
	for i := range p.groups {
		q := &p.groups[i]
		if len(q.orders) == 0 {
			continue
		}
		g.add(column{orders: append([]int(nil), q.orders...), key: q.key, len: q.len})
		try := func(out, in []int) {
			load := q.load
			for _, at := range out {
				load -= g.load[q.orders[at]]
			}
			for _, o := range in {
				load += g.load[o]
			}
			if load > g.capacity || !g.fits(q.orders, out, in) {
				return
			}
			c := column{}
			c.key, c.len = g.with(q, out, in)
			for at, o := range q.orders {
				if len(out) == 0 || out[0] != at {
					c.orders = append(c.orders, o)
				}
			}
			c.orders = append(c.orders, in...)
			if len(c.orders) > 0 {
				g.add(c)
			}
		}
		for at := range q.orders {
			try([]int{at}, nil)
		}
		for o := range g.search.n {
			if p.where[o] == i {
				continue
			}
			if g.stopped {
				return
			}
			try(nil, []int{o})
			for at := range q.orders {
				try([]int{at}, []int{o})
			}
		}
	}
}

// step solves the master problem, asks for missing batches at its prices, or at prices
// halfway to the best known ones, and adds them.
func (g *generation) step() {
	const near = 1 << payBits / 16
	g.master.solve(g.search)
	if g.stopped {
		return
	}
	p := g.pricer
	now := g.pays()
	ask := append([]int64(nil), now...)
	g.asked++
	switch {
	case g.asked == 1:
		copy(ask, g.center)
	case g.asked%6 != 0:
		g.center = append(g.center, make([]int64, g.m-len(g.center))...)
		for i, v := range g.center {
			ask[i] = (ask[i] + v) / 2
		}
	}
	p.ask(ask, g.cuts)
	p.limit, p.most = -g.limit, 1<<40
	count, useful := 0, 0
	lowest := int64(0)
	p.found = func(orders []int, reduced int64) bool {
		lowest = min(lowest, reduced)
		c := column{orders: append([]int(nil), orders...)}
		c.key, c.len = g.with(&group{}, nil, c.orders)
		if g.add(c) && g.reducedAt(&g.columns[len(g.columns)-1], now) < 0 {
			useful++
		}
		count++
		return count < 400
	}
	p.run()
	if g.stopped {
		return
	}
	if p.over {
		g.limit *= 2
		return
	}
	if count == 0 {
		lowest = -g.limit
	}
	sum := int64(0)
	for _, v := range ask[:g.search.n] {
		sum += v
	}
	for _, v := range ask[g.search.n+1:] {
		sum -= v
	}
	sum += int64(g.least)*ask[g.search.n] + int64(g.most)*lowest
	if sum > g.value {
		g.value, g.center, g.lowest = sum, ask, lowest
		g.bound = max(g.bound, rounded(sum))
	}
	if useful < 20 {
		if useful == 0 && g.limit <= near {
			g.done = true
		}
		g.limit = max(near, g.limit/2)
	}
}

// rounded is the length that no plan is shorter than when none is below sum: a tour
// walks each way there and back.
func rounded(sum int64) int64 {
	unit := int64(2) << payBits
	return (sum + unit - 1) / unit * 2
}

// cut adds the cuts that the master problem's answer breaks most; false where it breaks
// none by much.
func (g *generation) cut() bool {
	cuts := g.broken(g.search)
	if len(cuts) == 0 {
		return false
	}
	g.tighten(g.search, cuts)
	g.done, g.limit = false, 8<<payBits
	return true
}
