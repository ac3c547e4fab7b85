// Package batch groups orders into batches and routes each exactly through parallel
// aisles in one block or two: every order whole in one batch, no batch above the
// picker's capacity, as little walking as can be found. An answer carries a
// proven lower bound beside its length.
//
// The problem is the order batching problem of Henn and Waescher ("Tabu search
// heuristics for the order batching problem in manual order picking systems",
// European Journal of Operational Research 222, 2012), with the shortest routes of
// package route in place of heuristic ones.
package batch

import (
	"errors"
	"fmt"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/route"
)

// Instance is what is ordered from parallel aisles. Lengths are in the unit of the
// warehouse's distances.
type Instance struct {
	Warehouse route.Warehouse
	Capacity  int     // lines of a batch
	Limits    []int64 // what else a batch holds at most: units, volume, ...
	Orders    []Order
}

// Order is picked whole, in one batch.
type Order struct {
	ID    string
	Lines []route.Position // where each line lies; two may lie in one place
	Loads []int64          // what it takes of each of the instance's limits
}

// Bounds of an instance: far above a wave, and low enough that no table leaves the memory.
const (
	maxOrders = 5000
	maxLines  = 1_000_000
	maxMask   = 4_000_000 // words that the cells of all orders take
	maxLimits = 16
	maxLoad   = 1 << 48 // of one order: sums stay within an int64
	maxLength = 1 << 40 // of all tours together: sums of scaled lengths stay within an int64
)

// Check says everything that is wrong with an instance, as Rejected.
func (in *Instance) Check() error {
	var wrong []error
	bad := func(format string, a ...any) { wrong = append(wrong, fmt.Errorf(format, a...)) }
	w := in.Warehouse
	if err := w.Check(); err != nil {
		wrong = append(wrong, err)
	} else {
		b := max(w.Blocks, 1)
		words := w.Aisles * b * (((w.Cells+b-1)/b + 63) / 64)
		if most := min(maxOrders, maxMask/words); len(in.Orders) > most {
			bad("%d orders over %d aisles of %d cells are too many at once: batch a wave of at most %d", len(in.Orders), w.Aisles, w.Cells, most)
		}
	}
	if in.Capacity < 1 || in.Capacity > maxLines {
		bad("a capacity of %d lines: give 1 to %d", in.Capacity, maxLines)
	}
	if len(in.Limits) > maxLimits {
		bad("%d limits: give at most %d", len(in.Limits), maxLimits)
	}
	for i, l := range in.Limits {
		if l < 1 {
			bad("limits[%d] is %d: give 1 or more, or leave it out", i, l)
		}
	}
	if len(wrong) == 0 {
		tour := 2*w.Depot.Distance + 6*int64(w.Aisles)*w.AisleToAisle + 2*int64(w.Aisles)*(w.FrontToCell+int64(w.Cells)*w.CellToCell+w.BackToCell+2*w.MiddleToCell)
		if longest := maxLength / max(1, int64(len(in.Orders))); tour > longest {
			bad("a tour may be %d long, and with so many orders at most %d: give distances in a coarser unit", tour, longest)
		}
		in.checkOrders(bad)
	}
	if len(wrong) > 0 {
		return fault.At("batch.Check", fault.Rejected, "instance", errors.Join(wrong...))
	}
	return nil
}

func (in *Instance) checkOrders(bad func(format string, a ...any)) {
	first := map[string]int{}
	for i, o := range in.Orders {
		where := fmt.Sprintf("orders[%d]", i)
		if o.ID == "" {
			bad("%s has no id", where)
			continue
		}
		where += fmt.Sprintf(" (%s)", o.ID)
		if at, twice := first[o.ID]; twice {
			bad("%s has the id of orders[%d]: an order is picked once", where, at)
			continue
		}
		first[o.ID] = i
		switch {
		case len(o.Lines) == 0:
			bad("%s has no lines: leave it out", where)
		case len(o.Lines) > in.Capacity:
			bad("%s has %d lines and a batch holds %d: split the order or raise the capacity", where, len(o.Lines), in.Capacity)
		}
		if len(o.Loads) != len(in.Limits) {
			bad("%s has %d loads: give one for each of the %d limits", where, len(o.Loads), len(in.Limits))
			continue
		}
		for j, l := range o.Loads {
			if l < 0 || l > in.Limits[j] || l > maxLoad {
				bad("%s.loads[%d] is %d and a batch holds %d: split the order or raise the limit", where, j, l, min(in.Limits[j], maxLoad))
			}
		}
		for j, p := range o.Lines {
			if p.Aisle < 0 || p.Aisle >= in.Warehouse.Aisles {
				bad("%s.lines[%d] is in aisle %d: give 0 to %d", where, j, p.Aisle, in.Warehouse.Aisles-1)
			} else if p.Cell < 0 || p.Cell >= in.Warehouse.Cells {
				bad("%s.lines[%d] is in cell %d: give 0 to %d", where, j, p.Cell, in.Warehouse.Cells-1)
			}
		}
	}
}
