package wave_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/wave"
)

// A wave of 200 orders of 1 to 9 lines, as the hub batches it: the effort is that of the
// configuration's default.
func BenchmarkOptimize(b *testing.B) {
	for _, method := range wave.Methods() {
		b.Run(method, func(b *testing.B) {
			rnd := rand.New(rand.NewPCG(1, 2))
			p := wave.Plan{Scope: scope.Scope{Tenant: "t", Facility: "east"}, Wave: "W-1"}
			c := wave.Optimize{Method: method, Building: hall(1), Limits: wave.Limits{Lines: 40}, Seed: 1, Effort: 1_000_000}
			for i := range 200 {
				of := wave.Of{Owner: "acme", Order: fmt.Sprint(i)}
				p.Orders = append(p.Orders, wave.Order{Owner: of.Owner, Order: of.Order})
				for line := range 1 + rnd.IntN(9) {
					at := location.Spec{Aisle: fmt.Sprintf("%02d", 1+rnd.IntN(4)), Cell: 1 + rnd.IntN(20)}
					c.Work = append(c.Work, wave.Work{
						Of: of, Line: line + 1, Item: fmt.Sprint(at.Aisle, at.Cell), From: inventory.Place{Location: fmt.Sprint(at.Aisle, "-", at.Cell)}, Qty: 1,
						At: c.Building.Effective(at),
					})
				}
			}
			evs, err := wave.Wave{}.Plan(p, at)
			if err != nil {
				b.Fatal(err)
			}
			w, err := wave.Fold.Replay(wave.Wave{}, evs...)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if evs, err = w.Optimize(c, at); err != nil {
					b.Fatal(err)
				}
			}
			e := evs[0].(wave.Batched)
			b.ReportMetric(float64(e.Total)/float64(e.Baseline), "of_baseline")
			b.ReportMetric(float64(e.Total)/float64(e.Bound), "of_bound")
		})
	}
}
