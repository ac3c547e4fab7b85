package route_test

import (
	"math/rand/v2"
	"testing"

	"github.com/paklog/hub/core/route"
)

// BenchmarkBatch prices a batch of 45 lines in the warehouse of Henn and Wäscher.
func BenchmarkBatch(b *testing.B) {
	w := route.Warehouse{Aisles: 10, Cells: 90, AisleToAisle: 10, CellToCell: 2, FrontToCell: 3, BackToCell: 3}
	w.Cells = 45
	r, err := route.NewRouter(w)
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var sets []route.Set
	for range 1000 {
		s := r.NewSet(nil)
		for range 45 {
			r.Add(s, route.Position{Aisle: rng.IntN(10), Cell: rng.IntN(45)})
		}
		sets = append(sets, s)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r.LengthOf(sets[i%1000])
	}
}
