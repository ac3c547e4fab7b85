package batch

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/route"
)

// The search's own measure of a tour is that of package route.
func TestLengthIsTheRouters(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := route.Warehouse{
			Aisles: rapid.IntRange(1, 12).Draw(t, "aisles"), Cells: rapid.IntRange(1, 200).Draw(t, "cells"), Blocks: 1,
			AisleToAisle: rapid.Int64Range(0, 30).Draw(t, "aisle to aisle"), CellToCell: rapid.Int64Range(0, 5).Draw(t, "cell to cell"),
			FrontToCell: rapid.Int64Range(0, 9).Draw(t, "front"), BackToCell: rapid.Int64Range(0, 9).Draw(t, "back"),
		}
		w.Depot = route.Depot{
			Aisle:    rapid.IntRange(0, w.Aisles-1).Draw(t, "depot"),
			End:      rapid.SampledFrom([]route.End{route.Front, route.Back}).Draw(t, "end"),
			Distance: rapid.Int64Range(0, 9).Draw(t, "distance"),
		}
		r, err := route.NewRouter(w)
		if err != nil {
			t.Fatal(err)
		}
		var o Order
		for range rapid.IntRange(0, 40).Draw(t, "lines") {
			o.Lines = append(o.Lines, route.Position{
				Aisle: rapid.IntRange(0, w.Aisles-1).Draw(t, "aisle"), Cell: rapid.IntRange(0, w.Cells-1).Draw(t, "cell"),
			})
		}
		f := newFloor(&Instance{Warehouse: w, Orders: []Order{o}}, r)
		if got, want := f.length(f.of(0)), r.Length(o.Lines); got != want {
			t.Fatalf("%d, the router says %d", got, want)
		}
	})
}
