package batch

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/route"
)

// The tree proves the length that the table finds, whatever plan it begins with.
func TestTreeProvesWhatTheTableFinds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := &Instance{
			Warehouse: route.Warehouse{Aisles: 5, Cells: 20, Blocks: 1, AisleToAisle: 10, CellToCell: 2, FrontToCell: 3, BackToCell: 3},
			Capacity:  rapid.IntRange(8, 20).Draw(t, "capacity"),
		}
		for range rapid.IntRange(6, 13).Draw(t, "orders") {
			o := Order{ID: "any"}
			for range rapid.IntRange(1, 8).Draw(t, "lines") {
				o.Lines = append(o.Lines, route.Position{Aisle: rapid.IntRange(0, 4).Draw(t, "aisle"), Cell: rapid.IntRange(0, 19).Draw(t, "cell")})
			}
			in.Orders = append(in.Orders, o)
		}
		best := func(table int, cuts bool) int64 {
			s := newSearch(newFloor(in, nil), 1, func(effort int64) bool { return effort > 1e8 })
			p := s.start()
			g := newGeneration(s, p)
			g.table = table
			for range 100 {
				for !g.done {
					g.step()
				}
				if cuts && len(g.cuts) < 20 && g.cut() {
					continue
				}
				break
			}
			if g.bound == p.total {
				return p.total
			}
			tree := g.grow(p.total)
			if tree == nil {
				t.Fatal("too many batches")
			}
			for len(tree.open) > 0 {
				before := tree.bound
				if tree.step(p.total); tree.bound < before {
					t.Fatalf("the bound falls from %d to %d", before, tree.bound)
				}
			}
			total := p.total
			if tree.best != nil {
				total = min(total, tree.best.total)
			}
			if s.stopped || tree.bound != total {
				t.Fatalf("bound %d, total %d, given up at %d", tree.bound, total, tree.given)
			}
			return total
		}
		want := best(maxTable, false)
		if got := best(0, false); got != want {
			t.Fatalf("the tree proves %d, the table %d", got, want)
		}
		if got := best(0, true); got != want {
			t.Fatalf("the tree with cuts proves %d, the table %d", got, want)
		}
	})
}
