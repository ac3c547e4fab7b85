package batch_test

import (
	"fmt"
	"testing"

	"github.com/paklog/hub/core/batch"
	"github.com/paklog/hub/core/batch/batchtest"
	"github.com/paklog/hub/core/route"
)

// spread are orders over a whole building, each of some lines.
func spread(w route.Warehouse, orders, lines int) *batch.Instance {
	in := &batch.Instance{Warehouse: w, Capacity: 75}
	at := uint64(1)
	draw := func(n int) int {
		at = at*6364136223846793005 + 1442695040888963407
		return int(at >> 33 % uint64(n))
	}
	for i := range orders {
		o := batch.Order{ID: fmt.Sprint(i)}
		for range lines {
			o.Lines = append(o.Lines, route.Position{Aisle: draw(w.Aisles), Cell: draw(w.Cells)})
		}
		in.Orders = append(in.Orders, o)
	}
	return in
}

// A building of thousands of places takes a tour some microseconds; the effort says so, in one
// block and in two, and a solve ends by it.
func TestALargeBuildingEndsByItsEffort(t *testing.T) {
	t.Parallel()
	for _, blocks := range []int{1, 2} {
		const most = 200_000
		in := spread(route.Warehouse{Aisles: 500, Cells: 200, Blocks: blocks, AisleToAisle: 5, CellToCell: 1, FrontToCell: 1, BackToCell: 1, MiddleToCell: 1}, 120, 20)
		asked := 0
		a, err := batch.Solve(in, 1, func(e int64) bool { asked++; return e >= most })
		if err != nil {
			t.Fatal(err)
		}
		if err := batchtest.Check(in, a); err != nil {
			t.Error(err)
		}
		// What cannot be left is a first plan, and the bound of no thought: a tour an order or two.
		if a.Effort > 3*most {
			t.Errorf("%d blocks: effort %d of %d", blocks, a.Effort, most)
		}
		if asked < 2 {
			t.Errorf("%d blocks: it was asked %d times whether to stop", blocks, asked)
		}
	}
}

// The effort of a large building is more than that of a small one, of the same orders.
func TestEffortGrowsWithTheBuilding(t *testing.T) {
	t.Parallel()
	effort := func(aisles int) int64 {
		in := spread(route.Warehouse{Aisles: aisles, Cells: 200, AisleToAisle: 5, CellToCell: 1, FrontToCell: 1, BackToCell: 1}, 30, 5)
		a, err := batch.Solve(in, 1, func(int64) bool { return true })
		if err != nil {
			t.Fatal(err)
		}
		return a.Effort
	}
	if small, big := effort(10), effort(500); big <= small {
		t.Errorf("a tour through 500 aisles is said to take %d, through 10 %d", big, small)
	}
}
