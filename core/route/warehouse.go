// Package route finds how a picker walks: the shortest tour through the places to
// visit in a rectangular warehouse of parallel aisles, and, where an article lies
// in several places, at which of them to take it.
//
// Aisles stand side by side and end in a front and a back cross-aisle; a
// warehouse of two blocks has a third in the middle. A picker changes aisle there
// and nowhere else. With one place an article the tour is exact, by the dynamic
// programme of Ratliff and Rosenthal (Operations Research 31, 1983), for two
// blocks by its extension of Roodbergen and de Koster (EJOR 133, 2001): see
// [Router]. With several places an article see [Solve].
//
// All distances are integers in a unit of the caller's. Where the source has
// halves, the caller scales.
package route

import (
	"errors"
	"fmt"
	"math/bits"

	"github.com/paklog/hub/core/fault"
)

// Limits of a warehouse. They keep every length far from overflow.
const (
	MaxAisles   = 10_000
	MaxCells    = 100_000
	MaxDistance = 100_000_000
	maxPlaces   = 10_000_000 // aisles times cells
)

// End is a cross-aisle at which a depot can stand.
type End uint8

// Cell 0 of each aisle is the nearest to the front.
const (
	Front End = iota
	Back
)

func (e End) String() string {
	if e == Back {
		return "back"
	}
	return "front"
}

// Depot is where a tour starts and ends: off the cross-aisle at one end of an
// aisle. The way from there to the depot is walked twice.
type Depot struct {
	Aisle    int
	End      End
	Distance int64
}

// Warehouse is the geometry. The zero Blocks is one block. Of two blocks the
// first has the cells below Cells/2.
type Warehouse struct {
	Aisles, Cells int
	Blocks        int
	AisleToAisle  int64 // along a cross-aisle, between neighbours
	CellToCell    int64 // between neighbours in a block
	FrontToCell   int64 // from the front cross-aisle to cell 0
	BackToCell    int64 // from the back cross-aisle to the last cell
	MiddleToCell  int64 // from the middle cross-aisle to the cells beside it; two blocks only
	Depot         Depot
}

// Check says everything that is wrong with w, as Rejected.
func (w Warehouse) Check() error {
	var wrong []error
	bad := func(format string, a ...any) { wrong = append(wrong, fmt.Errorf(format, a...)) }
	if w.Aisles < 1 || w.Aisles > MaxAisles {
		bad("%d aisles: give 1 to %d", w.Aisles, MaxAisles)
	}
	if w.Blocks < 0 || w.Blocks > 2 {
		bad("%d blocks: give 1 or 2", w.Blocks)
	}
	if w.Cells < w.blocks() || w.Cells > MaxCells {
		bad("%d cells an aisle: give %d to %d", w.Cells, w.blocks(), MaxCells)
	}
	if w.Aisles > 0 && w.Cells > 0 && w.Aisles <= MaxAisles && w.Cells <= MaxCells && w.Aisles*w.Cells > maxPlaces {
		bad("%d aisles of %d cells: give at most %d places", w.Aisles, w.Cells, maxPlaces)
	}
	for _, d := range []struct {
		name string
		v    int64
	}{
		{"aisle to aisle", w.AisleToAisle}, {"cell to cell", w.CellToCell}, {"front to cell", w.FrontToCell},
		{"back to cell", w.BackToCell}, {"middle to cell", w.MiddleToCell}, {"depot distance", w.Depot.Distance},
	} {
		if d.v < 0 || d.v > MaxDistance {
			bad("%s is %d: give 0 to %d", d.name, d.v, int64(MaxDistance))
		}
	}
	if w.Depot.Aisle < 0 || w.Depot.Aisle >= w.Aisles {
		bad("the depot is at aisle %d: give 0 to %d", w.Depot.Aisle, w.Aisles-1)
	}
	if w.Depot.End > Back {
		bad("the depot's end is neither front nor back")
	}
	if len(wrong) > 0 {
		return fault.At("route.Check", fault.Rejected, "warehouse", errors.Join(wrong...))
	}
	return nil
}

func (w Warehouse) blocks() int { return max(w.Blocks, 1) }

// depotNode is the cross-aisle at which the depot stands, counted from the front.
func (w Warehouse) depotNode() int {
	if w.Depot.End == Back {
		return w.blocks()
	}
	return 0
}

// Position is a place to visit: a cell of an aisle, both counted from 0.
type Position struct {
	Aisle, Cell int
}

// Inside reports whether p is a place of w.
func (w Warehouse) Inside(p Position) bool {
	return p.Aisle >= 0 && p.Aisle < w.Aisles && p.Cell >= 0 && p.Cell < w.Cells
}

// block is the part of an aisle between two cross-aisles.
type block struct {
	first, cells int   // cells [first, first+cells) of the aisle
	front, back  int64 // from the cross-aisle at either end to the next cell
	step         int64 // between cells
	length       int64 // from cross-aisle to cross-aisle
}

// fromFront and fromBack are the ways from the block's ends to its cell c, which
// is counted from the block's first.
func (b block) fromFront(c int) int64 { return b.front + int64(c)*b.step }
func (b block) fromBack(c int) int64  { return b.back + int64(b.cells-1-c)*b.step }

func (w Warehouse) makeBlocks() []block {
	one := func(first, end int, front, back int64) block {
		n := end - first
		return block{first: first, cells: n, front: front, back: back, step: w.CellToCell, length: front + int64(n-1)*w.CellToCell + back}
	}
	if w.blocks() == 1 {
		return []block{one(0, w.Cells, w.FrontToCell, w.BackToCell)}
	}
	half := w.Cells / 2
	return []block{one(0, half, w.FrontToCell, w.MiddleToCell), one(half, w.Cells, w.MiddleToCell, w.BackToCell)}
}

// Set is a set of positions of one warehouse: a bit a cell, aisle by aisle. The
// union of two sets is the bitwise or of their words, which is how a batch of
// orders is priced without listing its lines.
type Set []uint64

// Add puts p, which must be inside the warehouse, into the set.
func (r *Router) Add(s Set, p Position) {
	i, bit := r.bit(p)
	s[i] |= bit
}

func (r *Router) bit(p Position) (word int, bit uint64) {
	b := 0
	if len(r.blocks) > 1 && p.Cell >= r.blocks[1].first {
		b = 1
	}
	c := p.Cell - r.blocks[b].first
	return (p.Aisle*len(r.blocks)+b)*r.words + c>>6, 1 << (c & 63)
}

// NewSet is the set of the positions given.
func (r *Router) NewSet(at []Position) Set {
	s := make(Set, len(r.scratch))
	for _, p := range at {
		r.Add(s, p)
	}
	return s
}

// segment is the set's words of one block of one aisle.
func (r *Router) segment(s Set, aisle, b int) []uint64 {
	i := (aisle*len(r.blocks) + b) * r.words
	return s[i : i+r.words : i+r.words]
}

// each yields the segment's cells in rising order.
func each(seg []uint64, yield func(cell int)) {
	for i, w := range seg {
		for ; w != 0; w &= w - 1 {
			yield(i<<6 + bits.TrailingZeros64(w))
		}
	}
}
