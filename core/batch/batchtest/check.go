package batchtest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/paklog/hub/core/batch"
	"github.com/paklog/hub/core/route"
)

// Check says everything that is wrong with an answer: each order is to be in one batch,
// no batch above the capacity, a stop at each place of its lines and nowhere else, and
// the walk from stop to stop as long as is said. It measures the walk itself.
func Check(in *batch.Instance, a batch.Answer) error {
	var wrong []error
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	times := make([]int, len(in.Orders))
	total := int64(0)
	for i, b := range a.Batches {
		lines := 0
		places := map[route.Position]bool{}
		for _, o := range b.Orders {
			if o < 0 || o >= len(times) {
				bad("batch %d has order %d of %d", i, o, len(times))
				continue
			}
			times[o]++
			lines += len(in.Orders[o].Lines)
			for _, p := range in.Orders[o].Lines {
				places[p] = true
			}
		}
		if lines == 0 || lines > in.Capacity {
			bad("batch %d has %d lines, and may have 1 to %d", i, lines, in.Capacity)
		}
		for k, limit := range in.Limits {
			sum := int64(0)
			for _, o := range b.Orders {
				sum += in.Orders[o].Loads[k]
			}
			if sum > limit {
				bad("batch %d has %d of limit %d, which is %d", i, sum, k, limit)
			}
		}
		stops := map[route.Position]bool{}
		for _, p := range b.Stops {
			if stops[p] = true; !places[p] {
				bad("batch %d stops at %v for nothing", i, p)
			}
		}
		if len(stops) < len(places) {
			bad("batch %d stops at %d of %d places", i, len(stops), len(places))
		}
		if walk := Walk(in.Warehouse, b.Stops); walk != b.Length {
			bad("batch %d says %d, and its walk is %d", i, b.Length, walk)
		}
		total += b.Length
	}
	for o, n := range times {
		if n != 1 {
			bad("order %d is in %d batches", o, n)
		}
	}
	if total != a.Length {
		bad("the answer says %d, and its batches are %d", a.Length, total)
	}
	if a.Bound > a.Length {
		bad("the bound %d is above the length %d", a.Bound, a.Length)
	}
	return errors.Join(wrong...)
}

// Walk is how long it is from the depot from stop to stop and back, each time the shorter way.
func Walk(w route.Warehouse, stops []route.Position) int64 {
	if len(stops) == 0 {
		return 0
	}
	long := w.FrontToCell + int64(w.Cells-1)*w.CellToCell + w.BackToCell
	half := w.Cells // from this cell on, places lie behind the middle cross-aisle
	if w.Blocks == 2 {
		half = w.Cells / 2
		long += 2*w.MiddleToCell - w.CellToCell
	}
	middle := w.FrontToCell + int64(half-1)*w.CellToCell + w.MiddleToCell
	// y is how far from the front a place is.
	type point struct {
		aisle int
		y     int64
	}
	depot := point{aisle: w.Depot.Aisle}
	if w.Depot.End == route.Back {
		depot.y = long
	}
	at := depot
	total := 2 * w.Depot.Distance
	path := []point{}
	for _, p := range stops {
		y := w.FrontToCell + int64(p.Cell)*w.CellToCell
		if p.Cell >= half {
			y = middle + w.MiddleToCell + int64(p.Cell-half)*w.CellToCell
		}
		path = append(path, point{p.Aisle, y})
	}
	for _, p := range slices.Concat(path, []point{depot}) {
		if p.aisle == at.aisle {
			total += max(p.y-at.y, at.y-p.y)
		} else {
			across := int64(max(p.aisle-at.aisle, at.aisle-p.aisle)) * w.AisleToAisle
			way := min(p.y+at.y, 2*long-p.y-at.y)
			if w.Blocks == 2 {
				way = min(way, max(p.y-middle, middle-p.y)+max(at.y-middle, middle-at.y))
			}
			total += across + way
		}
		at = p
	}
	return total
}
