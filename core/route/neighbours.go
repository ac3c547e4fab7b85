package route

import (
	"cmp"
	"slices"
)

// neighbours solves parts of the best tour anew: some of its places are given up, and all
// others are visited as they are.
type neighbours struct {
	*scatter
	random uint64
	number []int   // by article, its number in the part, or -1
	lack   []int64 // by article, what the kept places do not give
	fate   []fate  // by place
	now    []int   // places of the present tour
	length int64   // of the present tour
	order  []int
	near   []int
	whole  []int // by place of the part
	sub    scatter
}

// fate of a place in a part.
type fate uint8

const (
	open fate = iota
	kept
	given
)

func newNeighbours(s *scatter, seed uint64) *neighbours {
	n := len(s.demand)
	return &neighbours{
		scatter: s, random: seed,
		number: make([]int, n), lack: make([]int64, n), fate: make([]fate, len(s.at)), near: make([]int, len(s.at)),
	}
}

// improve solves parts of at most so many states each in turn. The present tour is
// the best one or one that is little longer: now and then what was given up may not be
// taken again, and after a while without success it starts from the best once more.
func (n *neighbours) improve(rounds, states int) {
	idle := 0
	n.restart()
	for i := range rounds {
		if n.ended || n.bound >= n.scatter.length {
			return
		}
		best := n.scatter.length
		away := i%3 == 2
		n.choose(i/3, states)
		if n.part(states, away) {
			n.now, n.length = append(n.now[:0], n.scatter.kept...), n.offered
		}
		if n.scatter.length < best {
			idle = 0
		} else if idle++; idle == 24 {
			idle = 0
			n.restart()
		}
	}
}

func (n *neighbours) restart() {
	n.now, n.length = append(n.now[:0], n.best...), n.scatter.length
}

// draw is the next random number (SplitMix64 of Steele, Lea and Flood).
func (n *neighbours) draw() uint64 {
	n.random += 0x9E3779B97F4A7C15
	z := n.random
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// choose gives up places, those nearest to some aisle or any, while the states of what
// is then lacking are not too many.
func (n *neighbours) choose(round, states int) {
	n.order = append(n.order[:0], n.now...)
	for i := len(n.order) - 1; i > 0; i-- {
		j := int(n.draw() % uint64(i+1))
		n.order[i], n.order[j] = n.order[j], n.order[i]
	}
	if round%2 == 0 {
		centre := n.at[n.order[0]].Aisle
		for _, i := range n.order {
			n.near[i] = max(n.at[i].Aisle-centre, centre-n.at[i].Aisle)
		}
		slices.SortStableFunc(n.order, func(a, b int) int { return cmp.Compare(n.near[a], n.near[b]) })
	}
	clear(n.fate)
	copy(n.lack, n.demand)
	for _, i := range n.now {
		n.fate[i] = kept
		for _, it := range n.at[i].items {
			n.lack[it.article] -= it.qty
		}
	}
	size := int64(1)
	for _, i := range n.order {
		grown := size
		for _, it := range n.at[i].items {
			was, is := max(0, n.lack[it.article]), max(0, n.lack[it.article]+it.qty)
			if grown = grown / (was + 1) * (is + 1); grown > int64(states) {
				break
			}
		}
		if grown > int64(states) {
			continue
		}
		size = grown
		n.fate[i] = given
		for _, it := range n.at[i].items {
			n.lack[it.article] += it.qty
		}
	}
}

// part finds the best tour through what is kept and whatever places fill what is
// lacking, other than those given up if it is to lead away, and reports whether to go on from it.
func (n *neighbours) part(states int, away bool) bool {
	sub := &n.sub
	*sub = scatter{p: n.p, r: n.r, grain: n.grain, demand: sub.demand[:0], at: sub.at[:0], layout: layout{layers: sub.layers[:0]}, memory: sub.memory}
	sub.scale = 1
	var all []int
	for a, lack := range n.lack {
		n.number[a] = -1
		if lack > 0 {
			n.number[a] = len(sub.demand)
			all = append(all, len(sub.demand))
			sub.demand = append(sub.demand, lack)
		}
	}
	n.whole = n.whole[:0]
	for i, p := range n.at {
		q := place{Position: p.Position, must: n.fate[i] == kept}
		if !q.must && !(away && n.fate[i] == given) {
			for _, it := range p.items {
				if f := n.number[it.article]; f >= 0 {
					q.items = append(q.items, item{f, min(it.qty, sub.demand[f])})
				}
			}
		}
		if q.must || q.items != nil {
			sub.at = append(sub.at, q)
			n.whole = append(n.whole, i)
		}
	}
	if sub.layOut() != nil {
		return false
	}
	sub.trial = make([]int64, len(sub.demand))
	sub.pick = make([][walks]int32, len(sub.layers))
	sub.stop, sub.effort = n.stop, n.effort
	if done := sub.remember(all, states); !done {
		n.ended = true
		return false
	}
	n.effort = sub.effort
	limit := n.length
	if away {
		limit = n.scatter.length + n.scatter.length/32
	}
	if sub.memory.ahead[0][sub.r.t.start] > limit {
		return false
	}
	picked := sub.bestAhead()
	for k, i := range picked {
		picked[k] = n.whole[i]
	}
	n.offer(picked)
	return true
}
