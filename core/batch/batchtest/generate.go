// Package batchtest makes instances of the order batching problem and judges
// answers to them. It shares no code with the solver.
package batchtest

import (
	"fmt"

	"github.com/paklog/hub/core/batch"
	"github.com/paklog/hub/core/route"
)

// random is a xorshift64* generator (Vigna 2016).
type random uint64

func (r *random) below(n int) int {
	x := uint64(*r)
	x ^= x >> 12
	x ^= x << 25
	x ^= x >> 27
	*r = random(x)
	return int((x * 2685821657736338717 >> 33) % uint64(n))
}

// Demand is how the lines of orders are spread over the warehouse.
type Demand string

// Demands of Henn and Waescher. ByClass has three classes of articles, each in
// aisles of its own: a tenth of them, nearest the depot, has 52 % of the lines,
// the next three tenths 36 %, the rest 12 %.
const (
	Uniform Demand = "uniform"
	ByClass Demand = "class"
)

// HennWaescher makes an instance after the description in "Tabu search heuristics
// for the order batching problem in manual order picking systems" (2012): ten
// aisles with 45 cells a side, an article a cell; neighbouring aisles 5 apart,
// cells 1, the outer cells 1.5 from the cross-aisles; the depot at the front of the
// first aisle; 5 to 25 lines an order, each of another
// article. Distances are in halves.
func HennWaescher(orders, capacity int, demand Demand, seed uint64) *batch.Instance {
	const aisles, cells, sides = 10, 45, 2
	in := &batch.Instance{
		Warehouse: route.Warehouse{
			Aisles: aisles, Cells: cells, Blocks: 1, AisleToAisle: 10, CellToCell: 2, FrontToCell: 3, BackToCell: 3,
			Depot: route.Depot{Aisle: 0, End: route.Front},
		},
		Capacity: capacity,
	}
	r := random(seed*0x9E3779B97F4A7C15 | 1)
	for range 8 {
		r.below(2)
	}
	article := func() int { return r.below(aisles * cells * sides) }
	if demand == ByClass {
		article = func() int {
			from, to := 0, 1
			switch p := r.below(100); {
			case p >= 88:
				from, to = 4, aisles
			case p >= 52:
				from, to = 1, 4
			}
			return from*cells*sides + r.below((to-from)*cells*sides)
		}
	}
	for i := range orders {
		o := batch.Order{ID: fmt.Sprint(i + 1)}
		taken := map[int]bool{}
		for n := 5 + r.below(21); len(o.Lines) < n; {
			if a := article(); !taken[a] {
				taken[a] = true
				o.Lines = append(o.Lines, route.Position{Aisle: a / (cells * sides), Cell: a % cells})
			}
		}
		in.Orders = append(in.Orders, o)
	}
	return in
}
