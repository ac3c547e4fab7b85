package route_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/route"
)

// floor is a warehouse as an explicit graph of cells, ends of aisles and the depot,
// built from the description alone. It judges tours by shortest paths on it.
type floor struct {
	w     route.Warehouse
	edges map[int][]arc
	paths map[int][]int64
}

type arc struct {
	to int
	d  int64
}

func newFloor(w route.Warehouse) *floor {
	f := &floor{w: w, edges: map[int][]arc{}, paths: map[int][]int64{}}
	join := func(a, b int, d int64) {
		f.edges[a] = append(f.edges[a], arc{b, d})
		f.edges[b] = append(f.edges[b], arc{a, d})
	}
	for a := range w.Aisles {
		join(f.end(a, 0), f.cell(a, 0), w.FrontToCell)
		join(f.end(a, 2), f.cell(a, w.Cells-1), w.BackToCell)
		for c := 1; c < w.Cells; c++ {
			if w.Blocks == 2 && c == w.Cells/2 {
				join(f.cell(a, c-1), f.end(a, 1), w.MiddleToCell)
				join(f.cell(a, c), f.end(a, 1), w.MiddleToCell)
				continue
			}
			join(f.cell(a, c-1), f.cell(a, c), w.CellToCell)
		}
		if a == 0 {
			continue
		}
		for e := range 3 {
			if e != 1 || w.Blocks == 2 {
				join(f.end(a-1, e), f.end(a, e), w.AisleToAisle)
			}
		}
	}
	join(f.depot(), f.end(w.Depot.Aisle, map[route.End]int{route.Front: 0, route.Back: 2}[w.Depot.End]), w.Depot.Distance)
	return f
}

func (f *floor) end(aisle, which int) int { return aisle*(f.w.Cells+3) + which }
func (f *floor) cell(aisle, cell int) int { return aisle*(f.w.Cells+3) + 3 + cell }
func (f *floor) depot() int               { return f.w.Aisles * (f.w.Cells + 3) }
func (f *floor) at(p route.Position) int  { return f.cell(p.Aisle, p.Cell) }

// from is the shortest way from a node to each, by Bellman and Ford.
func (f *floor) from(a int) []int64 {
	if d := f.paths[a]; d != nil {
		return d
	}
	d := make([]int64, f.depot()+1)
	for i := range d {
		d[i] = math.MaxInt64
	}
	d[a] = 0
	for queue := []int{a}; len(queue) > 0; queue = queue[1:] {
		for _, e := range f.edges[queue[0]] {
			if v := d[queue[0]] + e.d; v < d[e.to] {
				d[e.to] = v
				queue = append(queue, e.to)
			}
		}
	}
	f.paths[a] = d
	return d
}

// walk is the length of the way from the depot past the stops in their order and back.
func (f *floor) walk(stops []route.Position) int64 {
	if len(stops) == 0 {
		return 0
	}
	at, total := f.depot(), int64(0)
	for _, s := range stops {
		total += f.from(at)[f.at(s)]
		at = f.at(s)
	}
	return total + f.from(at)[f.depot()]
}

// best is the shortest tour through all of at, by Held and Karp.
func (f *floor) best(at []route.Position) int64 {
	n := len(at)
	if n == 0 {
		return 0
	}
	// cost[set][last] is the shortest way from the depot through set that ends at last.
	cost := make([][]int64, 1<<n)
	best := int64(math.MaxInt64)
	for set := 1; set < 1<<n; set++ {
		cost[set] = make([]int64, n)
		for last := range n {
			if set&(1<<last) == 0 {
				continue
			}
			before := set &^ (1 << last)
			v := int64(math.MaxInt64)
			if before == 0 {
				v = f.from(f.depot())[f.at(at[last])]
			}
			for b := range n {
				if before&(1<<b) != 0 {
					v = min(v, cost[before][b]+f.from(f.at(at[b]))[f.at(at[last])])
				}
			}
			cost[set][last] = v
			if set == 1<<n-1 {
				best = min(best, v+f.from(f.at(at[last]))[f.depot()])
			}
		}
	}
	return best
}

func drawWarehouse(t *rapid.T) route.Warehouse {
	w := route.Warehouse{
		Aisles: rapid.IntRange(1, 12).Draw(t, "aisles"), Cells: rapid.IntRange(2, 12).Draw(t, "cells"), Blocks: rapid.IntRange(1, 2).Draw(t, "blocks"),
		AisleToAisle: rapid.Int64Range(0, 9).Draw(t, "aisle to aisle"), CellToCell: rapid.Int64Range(0, 4).Draw(t, "cell to cell"),
		FrontToCell: rapid.Int64Range(0, 4).Draw(t, "front"), BackToCell: rapid.Int64Range(0, 4).Draw(t, "back"), MiddleToCell: rapid.Int64Range(0, 4).Draw(t, "middle"),
	}
	w.Depot = route.Depot{Aisle: rapid.IntRange(0, w.Aisles-1).Draw(t, "depot"), End: route.End(rapid.IntRange(0, 1).Draw(t, "end")), Distance: rapid.Int64Range(0, 3).Draw(t, "off")}
	return w
}

func drawPosition(t *rapid.T, w route.Warehouse) route.Position {
	return route.Position{Aisle: rapid.IntRange(0, w.Aisles-1).Draw(t, "aisle"), Cell: rapid.IntRange(0, w.Cells-1).Draw(t, "cell")}
}

func TestRouterAgreesWithHeldAndKarp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWarehouse(t)
		r, err := route.NewRouter(w)
		if err != nil {
			t.Fatal(err)
		}
		f := newFloor(w)
		for range 4 { // the workspace is used again
			want := map[route.Position]bool{}
			var at []route.Position
			for range rapid.IntRange(0, 8).Draw(t, "places") {
				p := drawPosition(t, w)
				at = append(at, p)
				want[p] = true
			}
			var distinct []route.Position
			for p := range want {
				distinct = append(distinct, p)
			}
			best := f.best(distinct)
			stops, length := r.Tour(at)
			if length != best || r.Length(at) != best || r.LengthOf(r.NewSet(at)) != best {
				t.Fatalf("%v: tour %d, length %d, set %d, Held and Karp %d", at, length, r.Length(at), r.LengthOf(r.NewSet(at)), best)
			}
			if got := f.walk(stops); got != length {
				t.Fatalf("%v walked in order is %d long, not %d", stops, got, length)
			}
			if len(stops) != len(want) {
				t.Fatalf("stops %v for places %v", stops, distinct)
			}
			for _, s := range stops {
				if !want[s] {
					t.Fatalf("stops %v for places %v", stops, distinct)
				}
			}
			if s, l := route.SShape(w, at), route.LargestGap(w, at); s < best || l < best {
				t.Fatalf("S-shape %d and largest gap %d beat the optimum %d", s, l, best)
			}
		}
	})
}
