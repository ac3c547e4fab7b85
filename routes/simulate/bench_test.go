package simulate

import "testing"

// BenchmarkSeed is one warehouse of make torture-core.
func BenchmarkSeed(b *testing.B) {
	seed, events := uint64(100), 0
	for b.Loop() {
		seed++
		res, err := Run(b.Context(), Config{Seed: seed, Orders: 500, Lines: 1, Items: 40, Faults: AllFaults()})
		if err != nil {
			b.Fatal(err)
		}
		events += res.Events
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
}
