package batch

import (
	"cmp"
	"slices"
)

// cut says of three orders that at most one batch has two or more of them. Every
// plan obeys, and mixtures of plans need not: these are the subset-row cuts of
// Jepsen, Petersen, Spoorendonk and Pisinger (Operations Research 56, 2008).
type cut [3]int

func (c cut) counts(orders []int) bool {
	n := 0
	for _, o := range orders {
		if o == c[0] || o == c[1] || o == c[2] {
			n++
		}
	}
	return n >= 2
}

// broken are the cuts that the basis breaks most, few an order.
func (m *master) broken(s *search) []cut {
	const (
		enough = one / 20
		most   = 30
	)
	n := m.n
	pair := make([]int64, n*n)
	type share struct {
		orders []int
		x      int64
	}
	var parts []share
	for i, j := range m.basis {
		if j < 0 || m.x[i] < one/1024 || len(m.columns[j].orders) < 2 {
			continue
		}
		orders := slices.Sorted(slices.Values(m.columns[j].orders))
		parts = append(parts, share{orders, m.x[i]})
		for a, o := range orders {
			for _, q := range orders[a+1:] {
				pair[o*n+q] += m.x[i]
			}
		}
	}
	type broken struct {
		cut cut
		by  int64
	}
	var found []broken
	for i := range n {
		for j := i + 1; j < n; j++ {
			for k := j + 1; k < n; k++ {
				by := pair[i*n+j] + pair[i*n+k] + pair[j*n+k] - one
				if by < enough {
					continue
				}
				c := cut{i, j, k}
				if slices.Contains(m.cuts, c) {
					continue // rounding breaks it: once more it would say nothing new
				}
				sum := -one
				for _, p := range parts {
					if c.counts(p.orders) {
						sum += p.x
					}
				}
				if sum >= enough {
					found = append(found, broken{c, sum})
				}
			}
		}
	}
	s.spend(1 + int64(n*n*n/200))
	slices.SortFunc(found, func(a, b broken) int { return cmp.Or(cmp.Compare(b.by, a.by), slices.Compare(a.cut[:], b.cut[:])) })
	uses := make([]int, n)
	var cuts []cut
	for _, f := range found {
		if c := f.cut; uses[c[0]] < 4 && uses[c[1]] < 4 && uses[c[2]] < 4 && len(cuts) < most {
			cuts = append(cuts, c)
			for _, o := range c {
				uses[o]++
			}
		}
	}
	return cuts
}

// split is the pair of orders that is most undecided in the basis, or, where it has no batch
// in part, its batches, each order in one of them: an order that is in two is taken out
// of one, which makes no tour longer.
func (m *master) split() (on pair, whole [][]int) {
	const near = one / 512
	together := make([]int64, m.n*m.n)
	var parted []column
	taken := make([]bool, m.n)
	for i, j := range m.basis {
		if j < 0 || m.x[i] < near {
			continue
		}
		c := m.columns[j]
		// More than one of an order is a trace of what the master problem is loosened by.
		if m.x[i] < one-near {
			parted = append(parted, c)
		}
		var rest []int
		for _, a := range c.orders {
			for _, b := range c.orders {
				together[a*m.n+b] += m.x[i]
			}
			if !taken[a] {
				taken[a] = true
				rest = append(rest, a)
			}
		}
		if len(rest) > 0 {
			whole = append(whole, rest)
		}
	}
	if len(parted) == 0 && !slices.Contains(taken, false) {
		return pair{}, whole
	}
	best := one/2 - near
	for a := range m.n {
		for b := a + 1; b < m.n; b++ {
			if off := abs(together[a*m.n+b] - one/2); off < best {
				best, on = off, pair{a: a, b: b}
			}
		}
	}
	if on.a != on.b {
		return on, nil
	}
	// Orders that are in more than one batch hide it: two batches in part that share one order
	// and not another are told apart by that pair.
	for _, c := range parted {
		for _, d := range parted {
			for _, a := range c.orders {
				if !slices.Contains(d.orders, a) {
					continue
				}
				for _, b := range c.orders {
					if !slices.Contains(d.orders, b) {
						return pair{a: a, b: b}, nil
					}
				}
			}
		}
	}
	return pair{}, nil
}
