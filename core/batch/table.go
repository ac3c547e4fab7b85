package batch

import "math/bits"

// maxTable is how many orders' subsets are held in a table.
const maxTable = 22

// fill finds the best of all plans shorter than total, by the shortest way to have each set
// of orders batched: a way goes on with a batch that holds the lowest order missing.
// Ways that the prices of the bound prove too long end.
func (t *tree) fill(total int64, prices []int64, lowest int64) {
	type part struct {
		set uint32
		len int64
	}
	by := make([][]part, t.n) // by their lowest order
	for i := range t.parts {
		p := part{len: t.parts[i].len}
		for _, o := range t.parts[i].orders {
			p.set |= 1 << o
		}
		o := bits.TrailingZeros32(p.set)
		by[o] = append(by[o], p)
	}
	type way struct {
		len     int64 // 0 where there is none
		last    uint32
		batches int32
	}
	ways := make([]way, 1<<t.n)
	all := uint32(len(ways) - 1)
	for set := range all {
		at := ways[set]
		if set > 0 && at.len == 0 {
			continue
		}
		ahead := at.len<<payBits + int64(t.least-int(at.batches))*prices[t.n] + int64(t.most)*lowest
		for rest := all &^ set; rest != 0; rest &= rest - 1 {
			ahead += prices[bits.TrailingZeros32(rest)]
		}
		if ahead >= total<<payBits {
			continue
		}
		next := by[bits.TrailingZeros32(^set)]
		for _, p := range next {
			if p.set&set != 0 {
				continue
			}
			if w := &ways[set|p.set]; w.len == 0 || at.len+p.len < w.len {
				*w = way{at.len + p.len, p.set, at.batches + 1}
			}
		}
		if t.spend(int64(len(next)) / 64); t.stopped {
			return
		}
	}
	t.open, t.bound = nil, total
	if found := ways[all].len; found == 0 || found >= total {
		return
	}
	t.bound = ways[all].len
	t.best = &plan{where: make([]int, t.n)}
	for set := all; set != 0; set &^= ways[set].last {
		var g group
		for rest := ways[set].last; rest != 0; rest &= rest - 1 {
			o := bits.TrailingZeros32(rest)
			t.best.where[o] = len(t.best.groups)
			g.orders = append(g.orders, o)
			g.load += t.load[o]
		}
		g.key, g.len = t.with(&group{}, nil, g.orders)
		t.best.total += g.len
		t.best.groups = append(t.best.groups, g)
	}
	t.best.groups = append(t.best.groups, group{})
}
