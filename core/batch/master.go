package batch

import (
	"cmp"
	"math/bits"
	"slices"
)

// column is a batch that a plan may be made of.
type column struct {
	orders []int
	key    uint64
	len    int64
	rows   []int // of the cuts that count it
	part   int   // of a tree that it is, -1 for none
}

// one is 1 in the fixed-point numbers of the master problem.
const (
	oneBits = 24
	one     = int64(1) << oneBits
)

// master is the linear relaxation of choosing batches so that each order is in one
// and there are at least a number of batches, solved by the primal simplex method
// with an explicit inverse in fixed-point numbers. Its prices steer the search and
// need not be exact: a bound is proven from them, whatever they are.
type master struct {
	m       int // rows: one an order, the number of batches, one a cut
	n       int
	cuts    []cut // row n+1+t is that of cut t
	columns []column
	known   map[uint64]bool
	basis   []int   // by row: a column, or -1-i for the surplus of row i
	inverse []int64 // of the basis, row by row
	x, b    []int64
	price   []int64 // of each row, in halves times one
	shift   uint    // lengths are shifted right by so much, to stay below 2^20
	pivots  int
	d       []int64
}

func newMaster(s *search, least int) *master {
	m := &master{m: s.n + 1, n: s.n, known: map[uint64]bool{}}
	m.basis, m.x, m.b = make([]int, m.m), make([]int64, m.m), make([]int64, m.m)
	m.inverse, m.price, m.d = make([]int64, m.m*m.m), make([]int64, m.m), make([]int64, m.m)
	longest := int64(0)
	for i := range s.n {
		key, l := s.with(&group{}, nil, []int{i})
		m.add(column{orders: []int{i}, key: key, len: l, part: -1})
		longest = max(longest, l)
		m.basis[i] = i
		// A little more than one of each order is asked for, by a different little:
		// without it most pivots would not move.
		m.b[i] = one + int64(s.rnd.below(1<<9))
	}
	for longest*4>>m.shift > 1<<20 {
		m.shift++
	}
	m.b[s.n] = int64(least) << oneBits
	m.basis[s.n] = -1 - s.n
	m.refactor()
	return m
}

func (m *master) add(c column) bool {
	if m.known[c.key] {
		return false
	}
	m.known[c.key] = true
	for t, u := range m.cuts {
		if u.counts(c.orders) {
			c.rows = append(c.rows, m.n+1+t)
		}
	}
	m.columns = append(m.columns, c)
	return true
}

func (m *master) cost(c *column) int64 { return c.len >> m.shift }

// reduced is the reduced cost of a column, in halves times one.
func (m *master) reduced(c *column) int64 {
	r := m.cost(c)<<oneBits - m.price[m.n]
	for _, o := range c.orders {
		r -= m.price[o]
	}
	for _, t := range c.rows {
		r += m.price[t]
	}
	return r
}

// keep drops the columns that are not wanted and not in the basis.
func (m *master) keep(wanted func(*column) bool) {
	used := make([]bool, len(m.columns))
	for _, j := range m.basis {
		if j >= 0 {
			used[j] = true
		}
	}
	to := make([]int, len(m.columns))
	n := 0
	for j := range m.columns {
		if j < m.n || used[j] || wanted(&m.columns[j]) {
			to[j] = n
			m.columns[n] = m.columns[j]
			n++
		}
	}
	m.columns = m.columns[:n]
	for i, j := range m.basis {
		if j >= 0 {
			m.basis[i] = to[j]
		}
	}
}

// parts are those of the tree that the columns are.
func (m *master) parts() []int {
	var parts []int
	for _, c := range m.columns {
		if c.part >= 0 {
			parts = append(parts, c.part)
		}
	}
	return parts
}

// pays are the prices in halves times 2^payBits, none below zero.
func (m *master) pays() []int64 {
	pay := make([]int64, m.m)
	for i, v := range m.price {
		if finer := int(m.shift) - (oneBits - payBits); finer > 0 {
			v <<= finer
		} else {
			v >>= -finer
		}
		pay[i] = max(0, v)
	}
	return pay
}

// reducedAt is the reduced cost of a column at such prices.
func (m *master) reducedAt(c *column, pay []int64) int64 {
	r := c.len<<payBits - pay[m.n]
	for _, o := range c.orders {
		r -= pay[o]
	}
	for _, t := range c.rows {
		r += pay[t]
	}
	return r
}

// solve pivots until no column of the pool has a negative reduced cost. Rounding can make it go
// round in a circle: then it ends with the prices that it has.
func (m *master) solve(s *search) {
	const enough = one / 64
	left := 1000 + 20*len(m.columns) // more than is pivoted without a circle
	type offer struct {
		column  int
		reduced int64
	}
	var short []offer // the best of the last look at all
	for ; left > 0 && !s.stopped; left-- {
		m.prices()
		best := offer{reduced: -enough}
		for _, o := range short {
			if o.reduced = m.reduced(&m.columns[o.column]); o.reduced < best.reduced {
				best = o
			}
		}
		if best.reduced == -enough {
			short = short[:0]
			for j := range m.columns {
				if r := m.reduced(&m.columns[j]); r < -enough {
					short = append(short, offer{j, r})
				}
			}
			slices.SortFunc(short, func(a, b offer) int { return cmp.Or(cmp.Compare(a.reduced, b.reduced), a.column-b.column) })
			short = short[:min(len(short), 40)]
			if len(short) > 0 {
				best = short[0]
			}
			s.spend(int64(len(m.columns)) / 16)
		}
		for i, p := range m.price {
			if p < best.reduced {
				best = offer{-1 - i, p}
			}
		}
		if best.reduced == -enough || !m.pivot(best.column) {
			return
		}
		s.spend(1 + int64(m.m*m.m)/128)
		if m.pivots%100 == 0 {
			m.refactor()
		}
	}
}

// prices are the costs of the basis times its inverse.
func (m *master) prices() {
	clear(m.price)
	for i, j := range m.basis {
		if j < 0 {
			continue
		}
		c := m.cost(&m.columns[j])
		for k, v := range m.row(i) {
			m.price[k] += c * v
		}
	}
}

func (m *master) row(i int) []int64 { return m.inverse[i*m.m : (i+1)*m.m] }

// entries calls do with each row of column j and what stands there.
func (m *master) entries(j int, do func(row int, v int64)) {
	if j < 0 {
		do(-1-j, -1)
		return
	}
	for _, o := range m.columns[j].orders {
		do(o, 1)
	}
	do(m.n, 1)
	for _, t := range m.columns[j].rows {
		do(t, -1)
	}
}

// pivot takes column j into the basis; false where no row lets it.
func (m *master) pivot(j int) bool {
	const least = one / 1024
	d := m.d
	clear(d)
	m.entries(j, func(row int, v int64) {
		for i := range d {
			d[i] += v * m.inverse[i*m.m+row]
		}
	})
	leave := -1
	for i, v := range d {
		if v < least {
			continue
		}
		if leave < 0 || max(0, m.x[i])*d[leave] < max(0, m.x[leave])*v {
			leave = i
		}
	}
	if leave < 0 {
		return false
	}
	m.basis[leave] = j
	m.eliminate(leave)
	m.pivots++
	return true
}

// eliminate makes column d of the tableau the unit vector of row p.
func (m *master) eliminate(p int) {
	d := m.d
	at, by := m.row(p), d[p]
	for k, v := range at {
		if v != 0 {
			at[k] = (v << oneBits) / by
		}
	}
	m.x[p] = (m.x[p] << oneBits) / by
	for i, v := range d {
		if i == p || v == 0 {
			continue
		}
		row := m.row(i)
		for k, w := range at {
			row[k] -= (v*w + one/2) >> oneBits
		}
		m.x[i] -= (v*m.x[p] + one/2) >> oneBits
	}
}

// tighten adds cuts and pivots until what the basis has obeys them.
func (m *master) tighten(s *search, cuts []cut) {
	for _, u := range cuts {
		row := m.m
		m.cuts = append(m.cuts, u)
		m.m++
		m.price, m.d = make([]int64, m.m), make([]int64, m.m)
		m.b = append(m.b, -one-int64(s.rnd.below(1<<7)))
		for j := range m.columns {
			if u.counts(m.columns[j].orders) {
				m.columns[j].rows = append(m.columns[j].rows, row)
			}
		}
		inverse := make([]int64, m.m*m.m)
		x := -m.b[row]
		last := inverse[row*m.m:]
		for i, j := range m.basis {
			copy(inverse[i*m.m:], m.inverse[i*row:(i+1)*row])
			if j >= 0 && u.counts(m.columns[j].orders) {
				for k, v := range m.inverse[i*row : (i+1)*row] {
					last[k] -= v
				}
				x -= m.x[i]
			}
		}
		last[row] = -one
		m.inverse, m.basis, m.x = inverse, append(m.basis, -1-row), append(m.x, x)
	}
	// The dual simplex method.
	for range 20 * len(cuts) {
		const wrong = one / 1024
		p := -1
		for i, v := range m.x {
			if v < -wrong && (p < 0 || v < m.x[p]) {
				p = i
			}
		}
		if p < 0 {
			break
		}
		m.prices()
		at := m.row(p)
		enter, best, by := -1, int64(0), int64(1)
		offer := func(j int, alpha, reduced int64) {
			reduced = max(0, reduced) >> 8
			if alpha > -one/1024 || s.stopped {
				return
			}
			// reduced/-alpha is compared crosswise
			if alpha >>= 4; enter == -1 && best == 0 && by == 1 || reduced*by < best*-alpha {
				enter, best, by = j, reduced, -alpha
			}
		}
		for j := range m.columns {
			c := &m.columns[j]
			alpha := at[m.n]
			for _, o := range c.orders {
				alpha += at[o]
			}
			for _, t := range c.rows {
				alpha -= at[t]
			}
			if alpha < 0 {
				offer(j, alpha, m.reduced(c))
			}
		}
		for k, v := range at {
			if v > 0 && m.basis[p] != -1-k {
				offer(-1-k, -v, m.price[k])
			}
		}
		s.spend(int64(len(m.columns)) / 8)
		if by == 1 && best == 0 || s.stopped {
			break
		}
		clear(m.d)
		m.entries(enter, func(row int, v int64) {
			for i := range m.d {
				m.d[i] += v * m.inverse[i*m.m+row]
			}
		})
		m.basis[p] = enter
		m.eliminate(p)
		m.pivots++
	}
	m.refactor()
}

// refactor computes the inverse anew, which rids it of what rounding left.
func (m *master) refactor() {
	n := m.m
	a := make([]int64, n*n)
	clear(m.inverse)
	for i, j := range m.basis {
		m.entries(j, func(row int, v int64) { a[row*n+i] = v << oneBits })
		m.inverse[i*n+i] = one
	}
	for c := range n {
		p := c
		for i := c + 1; i < n; i++ {
			if abs(a[i*n+c]) > abs(a[p*n+c]) {
				p = i
			}
		}
		if a[p*n+c] == 0 {
			continue // singular by rounding: the prices are worse for it, no bound is wrong
		}
		if p != c {
			for k := range n {
				a[p*n+k], a[c*n+k] = a[c*n+k], a[p*n+k]
				m.inverse[p*n+k], m.inverse[c*n+k] = m.inverse[c*n+k], m.inverse[p*n+k]
			}
		}
		by := a[c*n+c]
		for k := range n {
			a[c*n+k] = (a[c*n+k] << oneBits) / by
			m.inverse[c*n+k] = (m.inverse[c*n+k] << oneBits) / by
		}
		for i := range n {
			v := a[i*n+c]
			if i == c || v == 0 {
				continue
			}
			for k := range n {
				if w := a[c*n+k]; w != 0 {
					a[i*n+k] -= (v*w + one/2) >> oneBits
				}
				if w := m.inverse[c*n+k]; w != 0 {
					m.inverse[i*n+k] -= (v*w + one/2) >> oneBits
				}
			}
		}
	}
	for i := range n {
		v := int64(0)
		for k, w := range m.row(i) {
			v += times(w, m.b[k])
		}
		m.x[i] = v
	}
}

// times multiplies two fixed-point numbers whose product may leave an int64.
func times(a, b int64) int64 {
	hi, lo := bits.Mul64(uint64(abs(a)), uint64(abs(b)))
	v := int64(hi<<(64-oneBits) | lo>>oneBits)
	if a < 0 != (b < 0) {
		return -v
	}
	return v
}

func abs(v int64) int64 { return max(v, -v) }
