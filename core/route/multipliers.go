package route

import (
	"math/bits"
	"slices"
)

// multipliers is the Lagrangian relaxation: each unit of an article is worth lambda,
// demand is not asked for, and the programme finds the tour of least length less
// worth. With what all demand is worth added, that is a bound.
type multipliers struct {
	scale  int64   // of lambda, values and prices
	lambda []int64 // by article, the best found
	worth  int64   // of all demand
	// Workspace.
	trial     []int64
	gained    []int64
	cost      [][maxClasses]int64
	pick      [][walks]int32 // by layer and move, its cheapest config
	current   []int32        // by layer, the config of the relaxed tour
	visited   []bool         // by place
	chosen    []int
	direction []int64
	over      []int64 // by article, what was paid above the demand
}

// scaleBits is about how large the scaled length of the best tour is: so that
// multipliers are fine even where thousands of a piece are demanded.
const scaleBits = 44

// begin makes room and sets the first multipliers.
func (m *multipliers) begin(layers, articles, places int) {
	m.trial, m.gained, m.lambda = make([]int64, articles), make([]int64, articles), make([]int64, articles)
	m.direction = make([]int64, articles)
	m.over = make([]int64, articles)
	m.cost = make([][maxClasses]int64, layers+1)
	m.pick = make([][walks]int32, layers)
	m.current = make([]int32, layers)
	m.visited = make([]bool, places)
}

// price looks for good multipliers by subgradients with Polyak's step, from the trial ones, and sets the
// bound. It ends early where the bound meets the best length.
func (s *scatter) price(rounds, patience int) {
	best, idle, theta := int64(-1), 0, int64(128)
	clear(s.direction)
	for range rounds {
		low := s.relax()
		if low > best {
			best, idle = low, 0
			copy(s.lambda, s.trial)
			s.bound = min(s.roundUp(low, s.scale), s.length)
			s.repair()
		} else if idle++; idle == patience {
			idle, theta = 0, theta/2
			copy(s.trial, s.lambda)
			if theta == 0 {
				break
			}
			clear(s.direction)
			s.relax()
		}
		if s.bound >= s.length || s.spend(2*len(s.layers)) {
			break
		}
		for a, g := range s.gained {
			if g > s.demand[a] {
				s.over[a] += s.trial[a] * (g - s.demand[a]) / 64
			}
		}
		// The step's direction keeps half of the last one: subgradients zigzag.
		var norm int64
		for a, d := range s.demand {
			s.direction[a] = (d-s.gained[a])*16 + s.direction[a]/2
			if s.trial[a] == 0 && s.direction[a] < 0 {
				s.direction[a] = 0
			}
			norm += s.direction[a] * s.direction[a] / 16
		}
		if norm == 0 {
			break // every demand is met exactly: the relaxed tour is a tour
		}
		reach := (s.length*s.scale - low) / 128 * theta
		for a := range s.trial {
			s.trial[a] = max(0, s.trial[a]+mulDiv(reach, s.direction[a], norm))
		}
	}
	copy(s.trial, s.lambda)
}

// mulDiv is a*b/c without overflow on the way, where the result has room; a and c are
// not negative.
func mulDiv(a, b, c int64) int64 {
	negative := b < 0
	if negative {
		b = -b
	}
	hi, lo := bits.Mul64(uint64(max(a, 0)), uint64(b))
	if hi >= uint64(c) {
		return 0
	}
	q, _ := bits.Div64(hi, lo, uint64(c))
	if negative {
		return -int64(q)
	}
	return int64(q)
}

// relax runs the programme at the trial multipliers: it returns the bound, scaled, and leaves
// the tour's configs and what they gain.
func (s *scatter) relax() int64 {
	s.setPrices()
	fill(&s.cost[0])
	s.cost[0][s.r.t.start] = 0
	for i := range s.layers {
		l := &s.layers[i]
		from, to := &s.cost[i], &s.cost[i+1]
		fill(to)
		for _, m := range l.moves.list {
			if c := from[m.from&(maxClasses-1)] + l.cost[m.by]; c < to[m.to&(maxClasses-1)] {
				to[m.to&(maxClasses-1)] = c
			}
		}
	}
	s.traceBack()
	return s.cost[len(s.layers)][s.r.t.done] + s.worth
}

// setPrices prices every config at the trial multipliers and each move of a layer by
// its cheapest.
func (s *scatter) setPrices() {
	s.worth = 0
	for a, d := range s.demand {
		s.worth += s.trial[a] * d
	}
	for i := range s.layers {
		l := &s.layers[i]
		if !l.walked {
			continue
		}
		for by := range l.cost {
			l.cost[by] = unreachable
		}
		for n := range l.configs {
			c := &l.configs[n]
			c.value = 0
			if c.parent >= 0 {
				c.value = l.configs[c.parent].value
			}
			for _, g := range l.gains[c.own:c.ownEnd] {
				c.value += s.trial[g.article] * g.qty
			}
			c.price = c.length*s.scale - c.value
			if c.price < l.cost[c.by] && !c.barred {
				l.cost[c.by] = c.price
				s.pick[i][c.by] = int32(n)
			}
		}
	}
}

// traceBack finds the configs of the relaxed tour and what they gain.
func (s *scatter) traceBack() {
	clear(s.gained)
	at := s.r.t.done
	for i := len(s.layers) - 1; i >= 0; i-- {
		l := &s.layers[i]
		for _, m := range l.moves.list {
			if m.to != at || s.cost[i][m.from]+l.cost[m.by] != s.cost[i+1][at] {
				continue
			}
			at = m.from
			if !l.walked {
				break
			}
			s.current[i] = s.pick[i][m.by]
			for c := s.current[i]; c >= 0; c = l.configs[c].parent {
				for _, g := range l.gains[l.configs[c].own:l.configs[c].ownEnd] {
					s.gained[g.article] += g.qty
				}
			}
			break
		}
	}
}

// repair makes a tour of the relaxed one: with all other places of the articles
// that it lacks, as far as they are needed.
func (s *scatter) repair() {
	clear(s.visited)
	for i := range s.layers {
		l := &s.layers[i]
		if !l.walked {
			continue
		}
		c := &l.configs[s.current[i]]
		for n := range l.places {
			s.visited[l.first+n] = n < int(c.front) || n >= l.places-int(c.back)
		}
	}
	chosen := s.chosen[:0]
	for i, v := range s.visited {
		lacking := slices.ContainsFunc(s.at[i].items, func(it item) bool { return s.gained[it.article] < s.demand[it.article] })
		if !v && lacking {
			chosen = append(chosen, i)
		}
	}
	for i, v := range s.visited {
		if v {
			chosen = append(chosen, i)
		}
	}
	s.chosen = chosen
	s.offer(chosen)
}
