package route

import (
	"cmp"
	"slices"
)

// memory tells apart how much of a few articles a partial tour gains. What the
// programme remembers it cannot be paid for twice, as the worth of an article is
// wherever it lies in several blocks. With all articles remembered it is exact.
type memory struct {
	size   int
	stride []int    // by article, 0 where it is not remembered
	plus   []uint16 // sum of two states, at a*size+b
	spare  []uint16 // workspace of grow
	full   int
	ahead  [][]int64 // by layer, the least cost of the rest of a tour, at state*maxClasses+class
	reach  []bool    // workspace: states that a tour can be in, at layer*size+state
}

// group is the configs of a layer with one move and one gain of what is remembered.
type group struct {
	by      uint8
	gain    uint16
	cost    int64
	configs []int32 // cheapest first
}

// remember takes articles in the order given while no more than most states come of
// it, and looks ahead. It reports false where it was stopped before it was done.
func (s *scatter) remember(articles []int, most int) bool {
	m := &s.memory
	m.stride = make([]int, len(s.demand))
	m.size, m.plus = 1, append(m.plus[:0], 0)
	var kept []int
	for _, a := range articles {
		if n := int64(m.size) * (s.demand[a] + 1); n <= int64(most) {
			m.stride[a] = m.size
			m.grow(int(s.demand[a]))
			kept = append(kept, a)
		}
	}
	m.full = m.size - 1
	for _, a := range kept {
		s.trial[a] = 0 // what is remembered need not be paid for
	}
	s.setPrices()
	for i := range s.layers {
		s.layers[i].regroup(m)
	}
	return s.lookAhead()
}

// grow adds an article of demand d to the table of sums.
func (m *memory) grow(d int) {
	old, n := m.size, m.size*(d+1)
	sums := slices.Grow(m.spare[:0], n*n)[:n*n]
	for i := range d + 1 {
		for j := range d + 1 {
			more := uint16(min(d, i+j) * old)
			for a := range old {
				from := m.plus[a*old : (a+1)*old]
				to := sums[(a+i*old)*n+j*old:][:old]
				for b, v := range from {
					to[b] = v + more
				}
			}
		}
	}
	m.size, m.plus, m.spare = n, sums, m.plus
}

// regroup sorts the configs by move, gain of what is remembered, and price.
func (l *layer) regroup(m *memory) {
	l.groups = l.groups[:0]
	if !l.walked {
		return
	}
	l.order = l.order[:0]
	for n := range l.configs {
		c := &l.configs[n]
		c.gain = 0
		if c.parent >= 0 {
			c.gain = l.configs[c.parent].gain
		}
		for _, g := range l.gains[c.own:c.ownEnd] {
			c.gain += uint16(m.stride[g.article] * int(g.qty))
		}
		if !c.barred {
			l.order = append(l.order, int32(n))
		}
	}
	slices.SortFunc(l.order, func(a, b int32) int {
		c, d := &l.configs[a], &l.configs[b]
		return cmp.Or(cmp.Compare(c.by, d.by), cmp.Compare(c.gain, d.gain), cmp.Compare(c.price, d.price))
	})
	for n := 0; n < len(l.order); {
		c := l.configs[l.order[n]]
		end := n + 1
		for end < len(l.order) && l.configs[l.order[end]].by == c.by && l.configs[l.order[end]].gain == c.gain {
			end++
		}
		l.groups = append(l.groups, group{c.by, c.gain, c.price, l.order[n:end]})
		n = end
	}
}

// lookAhead finds, for each layer, state and class, the least that the rest of a tour
// costs at the present prices.
func (s *scatter) lookAhead() bool {
	m := &s.memory
	s.reached()
	m.ahead = slices.Grow(m.ahead[:0], len(s.layers)+1)[:len(s.layers)+1]
	for i := range m.ahead {
		m.ahead[i] = slices.Grow(m.ahead[i][:0], m.size*maxClasses)[:m.size*maxClasses]
		for k := range m.ahead[i] {
			m.ahead[i][k] = unreachable
		}
	}
	m.ahead[len(s.layers)][m.full*maxClasses+int(s.r.t.done)] = 0
	for i := len(s.layers) - 1; i >= 0; i-- {
		l := &s.layers[i]
		for state := range m.size {
			if !m.reach[i*m.size+state] {
				continue
			}
			to := (*[maxClasses]int64)(m.ahead[i][state*maxClasses:])
			if !l.walked {
				from := (*[maxClasses]int64)(m.ahead[i+1][state*maxClasses:])
				for by, cost := range l.cost {
					if cost < unreachable {
						ahead(to, from, l.moves.walks[by], cost)
					}
				}
				continue
			}
			for _, g := range l.groups {
				from := (*[maxClasses]int64)(m.ahead[i+1][int(m.plus[state*m.size+int(g.gain)])*maxClasses:])
				ahead(to, from, l.moves.walks[g.by], g.cost)
			}
		}
		if s.spend(m.size) {
			return false
		}
	}
	return true
}

// ahead lowers the costs at to by those at from, along moves.
func ahead(to, from *[maxClasses]int64, along []move, cost int64) {
	for _, v := range along {
		to[v.from&(maxClasses-1)] = min(to[v.from&(maxClasses-1)], from[v.to&(maxClasses-1)]+cost)
	}
}

// reached marks the states that a tour can be in before each layer.
func (s *scatter) reached() {
	m := &s.memory
	n := (len(s.layers) + 1) * m.size
	m.reach = slices.Grow(m.reach[:0], n)[:n]
	clear(m.reach)
	m.reach[0] = true
	for i := range s.layers {
		l := &s.layers[i]
		for state := range m.size {
			if !m.reach[i*m.size+state] {
				continue
			}
			if !l.walked {
				m.reach[(i+1)*m.size+state] = true
			}
			for _, g := range l.groups {
				m.reach[(i+1)*m.size+int(m.plus[state*m.size+int(g.gain)])] = true
			}
		}
	}
}

// bestAhead is the places of the tour that lookAhead found, if all is remembered.
func (s *scatter) bestAhead() []int {
	m := &s.memory
	var chosen []int
	state, class := 0, s.r.t.start
	for i := range s.layers {
		l := &s.layers[i]
		want := m.ahead[i][state*maxClasses+int(class)]
		if !l.walked {
			for _, v := range l.moves.of(class) {
				if m.ahead[i+1][state*maxClasses+int(v.to)]+l.cost[v.by] == want {
					class = v.to
					break
				}
			}
			continue
		}
	groups:
		for _, g := range l.groups {
			next := int(m.plus[state*m.size+int(g.gain)])
			for _, v := range l.moves.of(class) {
				if v.by == g.by && m.ahead[i+1][next*maxClasses+int(v.to)]+g.cost == want {
					state, class = next, v.to
					chosen = l.appendPlaces(chosen, &l.configs[g.configs[0]])
					break groups
				}
			}
		}
	}
	return chosen
}

// appendPlaces adds the places that config c of the layer passes.
func (l *layer) appendPlaces(chosen []int, c *config) []int {
	for i := range l.places {
		if i < int(c.front) || i >= l.places-int(c.back) {
			chosen = append(chosen, l.first+i)
		}
	}
	return chosen
}
