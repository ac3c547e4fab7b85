package batch_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/batch"
	"github.com/paklog/hub/core/batch/batchtest"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/route"
)

// small is an instance that can be tried in every way.
func small(t *rapid.T) *batch.Instance {
	w := route.Warehouse{
		Aisles: rapid.IntRange(1, 5).Draw(t, "aisles"), Cells: rapid.IntRange(2, 140).Draw(t, "cells"), Blocks: rapid.IntRange(1, 2).Draw(t, "blocks"),
		AisleToAisle: rapid.Int64Range(0, 12).Draw(t, "aisle to aisle"), CellToCell: rapid.Int64Range(0, 3).Draw(t, "cell to cell"),
		FrontToCell: rapid.Int64Range(0, 5).Draw(t, "front"), BackToCell: rapid.Int64Range(0, 5).Draw(t, "back"),
		MiddleToCell: rapid.Int64Range(0, 5).Draw(t, "middle"),
	}
	// The same in micrometres: nothing overflows.
	if rapid.Bool().Draw(t, "fine") {
		for _, d := range []*int64{&w.AisleToAisle, &w.CellToCell, &w.FrontToCell, &w.BackToCell, &w.MiddleToCell} {
			*d *= 1_000_000
		}
	}
	w.Depot = route.Depot{
		Aisle:    rapid.IntRange(0, w.Aisles-1).Draw(t, "depot"),
		End:      rapid.SampledFrom([]route.End{route.Front, route.Back}).Draw(t, "end"),
		Distance: rapid.Int64Range(0, 3).Draw(t, "distance"),
	}
	in := &batch.Instance{Warehouse: w, Capacity: rapid.IntRange(4, 16).Draw(t, "capacity")}
	for range rapid.IntRange(0, 2).Draw(t, "limits") {
		in.Limits = append(in.Limits, rapid.Int64Range(5, 20).Draw(t, "limit"))
	}
	for i := range rapid.IntRange(0, 8).Draw(t, "orders") {
		o := batch.Order{ID: fmt.Sprint(i)}
		for range in.Limits {
			o.Loads = append(o.Loads, rapid.Int64Range(0, 5).Draw(t, "load"))
		}
		for range rapid.IntRange(1, 4).Draw(t, "lines") {
			o.Lines = append(o.Lines, route.Position{
				Aisle: rapid.IntRange(0, w.Aisles-1).Draw(t, "aisle"), Cell: rapid.IntRange(0, w.Cells-1).Draw(t, "cell"),
			})
		}
		in.Orders = append(in.Orders, o)
	}
	return in
}

// exhaustive is the length of the best way: for each set of orders the best of all its
// parts that hold its first order.
func exhaustive(t *rapid.T, in *batch.Instance) int64 {
	r, err := route.NewRouter(in.Warehouse)
	if err != nil {
		t.Fatal(err)
	}
	n := len(in.Orders)
	one := make([]int64, 1<<n) // -1 above the capacity
	best := make([]int64, 1<<n)
	for set := 1; set < 1<<n; set++ {
		var at []route.Position
		left := slices.Clone(in.Limits)
		for i, o := range in.Orders {
			if set>>i&1 == 1 {
				at = append(at, o.Lines...)
				for k, l := range o.Loads {
					left[k] -= l
				}
			}
		}
		if one[set] = -1; len(at) <= in.Capacity && !slices.ContainsFunc(left, func(l int64) bool { return l < 0 }) {
			one[set] = r.Length(at)
		}
		best[set] = int64(1) << 60
		for part := set; part > 0; part = (part - 1) & set {
			if part&set&-set != 0 && one[part] >= 0 {
				best[set] = min(best[set], one[part]+best[set&^part])
			}
		}
	}
	return best[1<<n-1]
}

func TestSolveFindsWhatAllWaysHave(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := small(t)
		best := exhaustive(t, in)
		for _, effort := range []int64{0, 30_000, 1_000_000} {
			a, err := batch.Solve(in, rapid.Uint64().Draw(t, "seed"), func(e int64) bool { return e >= effort })
			if err != nil {
				t.Fatal(err)
			}
			if err := batchtest.Check(in, a); err != nil {
				t.Fatal(err)
			}
			if a.Bound > best || a.Length < best {
				t.Fatalf("effort %d: bound %d, best %d, length %d", effort, a.Bound, best, a.Length)
			}
			if effort == 1_000_000 && (a.Length != best || a.Bound != best) {
				t.Fatalf("not proven: bound %d, best %d, length %d", a.Bound, best, a.Length)
			}
		}
	})
}

// Rounding can let the simplex method go round in a circle. It is left after a while, and what it
// is left with still proves the best.
func TestSolveLeavesACircle(t *testing.T) {
	t.Parallel()
	in := &batch.Instance{
		Warehouse: route.Warehouse{
			Aisles: 4, Cells: 15, Blocks: 2, AisleToAisle: 1_000_000, FrontToCell: 1_000_000, MiddleToCell: 1_000_000,
			Depot: route.Depot{Aisle: 3, End: route.Back},
		},
		Capacity: 11, Limits: []int64{11},
	}
	for i, o := range []struct {
		load  int64
		lines [][2]int
	}{
		{0, [][2]int{{0, 0}, {0, 0}, {0, 0}}},
		{0, [][2]int{{0, 0}, {0, 0}, {0, 0}, {2, 0}}},
		{0, [][2]int{{2, 8}, {1, 1}, {2, 6}, {0, 8}}},
		{1, [][2]int{{1, 3}}},
		{4, [][2]int{{2, 9}, {1, 14}, {1, 11}, {3, 11}}},
		{1, [][2]int{{0, 0}, {1, 1}, {0, 14}}},
		{5, [][2]int{{0, 1}, {3, 3}, {2, 0}, {2, 14}}},
	} {
		order := batch.Order{ID: fmt.Sprint(i), Loads: []int64{o.load}}
		for _, l := range o.lines {
			order.Lines = append(order.Lines, route.Position{Aisle: l[0], Cell: l[1]})
		}
		in.Orders = append(in.Orders, order)
	}
	for _, seed := range []uint64{0x21, 0xeb744, 0x19} {
		a, err := batch.Solve(in, seed, func(e int64) bool { return e >= 1_000_000 })
		if err != nil {
			t.Fatal(err)
		}
		if err := batchtest.Check(in, a); err != nil {
			t.Error(err)
		}
		if a.GapPPM() != 0 {
			t.Errorf("seed %d: length %d, bound %d after %d", seed, a.Length, a.Bound, a.Effort)
		}
	}
}

func TestSolveProvesTwentyOrders(t *testing.T) {
	t.Parallel()
	for seed, demand := range []batchtest.Demand{batchtest.Uniform, batchtest.ByClass, batchtest.Uniform, batchtest.ByClass} {
		in := batchtest.HennWaescher(20, 45, demand, uint64(seed))
		if seed > 1 {
			in.Warehouse.Blocks, in.Warehouse.MiddleToCell = 2, 3
		}
		a, err := batch.Solve(in, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := batchtest.Check(in, a); err != nil {
			t.Fatal(err)
		}
		if a.GapPPM() != 0 {
			t.Errorf("%s: length %d, bound %d", demand, a.Length, a.Bound)
		}
	}
}

func TestSolveIsTheSameAgain(t *testing.T) {
	t.Parallel()
	in := batchtest.HennWaescher(60, 60, batchtest.ByClass, 5)
	solve := func(seed uint64) batch.Answer {
		a, err := batch.Solve(in, seed, func(effort int64) bool { return effort > 1_500_000 })
		if err != nil {
			t.Fatal(err)
		}
		if err := batchtest.Check(in, a); err != nil {
			t.Fatal(err)
		}
		return a
	}
	if a, b := solve(3), solve(3); !reflect.DeepEqual(a, b) {
		t.Errorf("one seed, two answers: %d and %d after %d and %d", a.Length, b.Length, a.Effort, b.Effort)
	}
}

// Whatever the effort at which it is stopped, a solve ends soon after and its answer is whole.
func TestSolveStops(t *testing.T) {
	t.Parallel()
	in := batchtest.HennWaescher(70, 75, batchtest.Uniform, 9)
	for _, effort := range []int64{0, 1, 100_000, 800_000, 1_600_000} {
		asked := 0
		a, err := batch.Solve(in, 1, func(e int64) bool {
			if e >= effort {
				asked++
			}
			return e >= effort
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := batchtest.Check(in, a); err != nil {
			t.Fatal(err)
		}
		if over := a.Effort - effort; over > 50_000 || asked > 1 {
			t.Errorf("stopped at %d: %d more, asked %d times", effort, over, asked)
		}
	}
}

// Above what column generation is tried for, plans are annealed until the end.
func TestSolveManyOrders(t *testing.T) {
	t.Parallel()
	in := batchtest.HennWaescher(300, 75, batchtest.ByClass, 2)
	a, err := batch.Solve(in, 1, func(e int64) bool { return e > 3_500_000 })
	if err != nil {
		t.Fatal(err)
	}
	if err := batchtest.Check(in, a); err != nil {
		t.Fatal(err)
	}
}

func TestSolveRefuses(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*batch.Instance){
		"0 aisles":                               func(in *batch.Instance) { in.Warehouse.Aisles = 0 },
		"3 blocks":                               func(in *batch.Instance) { in.Warehouse.Blocks = 3 },
		"the depot is at aisle 10":               func(in *batch.Instance) { in.Warehouse.Depot.Aisle = 10 },
		"a capacity of 0 lines: give 1":          func(in *batch.Instance) { in.Capacity = 0 },
		"orders[1] has no id":                    func(in *batch.Instance) { in.Orders[1].ID = "" },
		"orders[2] (1) has the id of orders[0]":  func(in *batch.Instance) { in.Orders[2].ID = "1" },
		"orders[1] (2) has no lines":             func(in *batch.Instance) { in.Orders[1].Lines = nil },
		"lines and a batch holds 4":              func(in *batch.Instance) { in.Capacity = 4 },
		"give distances in a coarser unit":       func(in *batch.Instance) { in.Warehouse.Cells, in.Warehouse.CellToCell = 10_000, 100_000_000 },
		"lines[1] is in aisle -1: give 0 to 9":   func(in *batch.Instance) { in.Orders[0].Lines[1].Aisle = -1 },
		"lines[0] is in cell 45: give 0 to 44":   func(in *batch.Instance) { in.Orders[2].Lines[0].Cell = 45 },
		"6000 orders over 10 aisles of 45 cells": func(in *batch.Instance) { in.Orders = make([]batch.Order, 6000) },
	} {
		in := batchtest.HennWaescher(3, 30, batchtest.Uniform, 1)
		change(in)
		_, err := batch.Solve(in, 1, nil)
		if err == nil || !strings.Contains(err.Error(), want) || fault.KindOf(err) != fault.Rejected {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

// The checker finds each way to be wrong.
func TestCheckFinds(t *testing.T) {
	t.Parallel()
	in := batchtest.HennWaescher(6, 40, batchtest.Uniform, 1)
	for want, change := range map[string]func(*batch.Answer){
		"is in 0 batches":      func(a *batch.Answer) { a.Batches = a.Batches[1:] },
		"is in 2 batches":      func(a *batch.Answer) { a.Batches = append(a.Batches, a.Batches[0]) },
		"and may have 1 to 40": func(a *batch.Answer) { a.Batches[0].Orders = []int{0, 1, 2, 3, 4, 5} },
		"has order 6 of 6":     func(a *batch.Answer) { a.Batches[0].Orders[0] = 6 },
		"stops at":             func(a *batch.Answer) { a.Batches[0].Stops = a.Batches[0].Stops[1:] },
		"for nothing":          func(a *batch.Answer) { a.Batches[0].Stops = a.Batches[1].Stops },
		"and its walk is":      func(a *batch.Answer) { slices.Reverse(a.Batches[0].Stops[2:]) },
		"and its batches are":  func(a *batch.Answer) { a.Length-- },
		"is above the length":  func(a *batch.Answer) { a.Bound = a.Length + 1 },
	} {
		a, err := batch.Solve(in, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		change(&a)
		if err := batchtest.Check(in, a); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
