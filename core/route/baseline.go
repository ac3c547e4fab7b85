package route

import (
	"cmp"
	"slices"
)

// SShape is the length of the tour that many warehouses walk: to the first aisle
// with places, through each aisle with places from end to end, into the last from
// where one stands and back if that leads home, and along the depot's cross-aisle to it. The
// aisles of two blocks are walked as one. It is what [Router] is measured against.
func SShape(w Warehouse, at []Position) int64 {
	aisles := spans(w, at)
	if len(aisles) == 0 {
		return 0
	}
	total := home(w, aisles)
	atDepotEnd := true
	for i, a := range aisles {
		if i == len(aisles)-1 && atDepotEnd {
			total += 2 * a.far
			continue
		}
		total += a.length
		atDepotEnd = !atDepotEnd
	}
	return total
}

// LargestGap is the length of the tour that goes through the first and the last
// aisle with places and into each aisle between them from both ends, leaving out the
// largest part without a place.
func LargestGap(w Warehouse, at []Position) int64 {
	aisles := spans(w, at)
	if len(aisles) == 0 {
		return 0
	}
	total := home(w, aisles)
	if len(aisles) == 1 {
		return total + 2*aisles[0].far
	}
	for i, a := range aisles {
		if i == 0 || i == len(aisles)-1 {
			total += a.length
		} else {
			total += 2 * (a.length - a.gap)
		}
	}
	return total
}

// span is what the baselines ask of an aisle with places.
type span struct {
	aisle  int
	far    int64 // from the depot's end to the farthest place
	gap    int64 // largest part without a place, the ends included
	length int64
}

func spans(w Warehouse, at []Position) []span {
	blocks := w.makeBlocks()
	var length int64
	for _, b := range blocks {
		length += b.length
	}
	cells := make([]bool, w.Aisles*w.Cells)
	for _, p := range at {
		cells[p.Aisle*w.Cells+p.Cell] = true
	}
	var out []span
	for a := range w.Aisles {
		s := span{aisle: a, length: length}
		var before, offset int64
		some := false
		for _, b := range blocks {
			for c := range b.cells {
				if !cells[a*w.Cells+b.first+c] {
					continue
				}
				d := offset + b.fromFront(c)
				s.gap = max(s.gap, d-before)
				if w.Depot.End == Front {
					s.far = d
				} else if !some {
					s.far = length - d
				}
				before, some = d, true
			}
			offset += b.length
		}
		s.gap = max(s.gap, length-before)
		if some {
			out = append(out, s)
		}
	}
	return out
}

// home is the way along the cross-aisles, both ways, and to the depot.
func home(w Warehouse, aisles []span) int64 {
	first, last := aisles[0].aisle, aisles[len(aisles)-1].aisle
	width := max(last, w.Depot.Aisle) - min(first, w.Depot.Aisle)
	return 2*int64(width)*w.AisleToAisle + 2*w.Depot.Distance
}

// Nearest takes each article from the places nearest to the depot's aisle, without
// looking at the tour: what a picking list does that is sorted by location. It is what
// [Solve] is measured against, with [SShape].
func Nearest(p Problem) []Position {
	stock := slices.Clone(p.Stock)
	off := func(s Stock) int { return max(s.Aisle-p.Warehouse.Depot.Aisle, p.Warehouse.Depot.Aisle-s.Aisle) }
	slices.SortStableFunc(stock, func(a, b Stock) int { return cmp.Compare(off(a), off(b)) })
	left := slices.Clone(p.Demand)
	var at []Position
	for _, s := range stock {
		if left[s.Article] > 0 && s.Qty > 0 {
			left[s.Article] -= s.Qty
			at = append(at, s.Position)
		}
	}
	return at
}
