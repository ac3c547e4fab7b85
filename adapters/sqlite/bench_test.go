package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/sqlite"
	"github.com/paklog/hub/core/journal"
)

// BenchmarkWrite writes batches of units; a unit is an operation. Batches of 32 are what
// doors hand over whose callers wait: there the sync is most of the cost.
func BenchmarkWrite(b *testing.B) {
	for _, c := range []struct {
		name    string
		size    int
		streams int
		batch   int
	}{{"small", 100, 0, 1000}, {"2kB", 2000, 0, 1000}, {"event", 1000, 100_000, 1000}, {"waiting", 500, 0, 32}} {
		b.Run(c.name, func(b *testing.B) { benchWrite(b, c.size, c.streams, c.batch) })
	}
}

func benchWrite(b *testing.B, size, streams, batch int) {
	s, err := sqlite.Open(b.Context(), b.TempDir(), sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	r := rand.New(rand.NewPCG(1, 2))
	data := make([][]byte, 256)
	for i := range data {
		data[i] = make([]byte, size)
		for k := range data[i] {
			data[i][k] = byte(r.Uint32())
		}
	}
	write := func(n int, stream func(int) string) {
		units := make([]*journal.Unit, n)
		for i := range units {
			units[i] = &journal.Unit{
				ID: journal.NewID(time.Unix(int64(i), 0), [10]byte{byte(i)}), At: time.Unix(1, 0),
				Records: []journal.Record{{Type: "order.Accepted", Schema: 1, Topic: "order-events", Key: "k", Data: data[r.IntN(len(data))], Stream: stream(i)}},
			}
		}
		if _, err := s.Write(b.Context(), &journal.Batch{Units: units}); err != nil {
			b.Fatal(err)
		}
	}
	for i := 0; i < streams; i += batch {
		write(batch, func(k int) string { return fmt.Sprintf("order/acme/east/%d", i+k) })
	}
	before := s.Stats()
	b.ReportAllocs()
	b.ResetTimer()
	for left := b.N; left > 0; left -= batch {
		write(min(left, batch), func(int) string {
			if streams == 0 {
				return ""
			}
			return fmt.Sprintf("order/acme/east/%d", r.IntN(streams))
		})
	}
	b.StopTimer()
	after := s.Stats()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "units/s")
	b.ReportMetric(float64(after.Syncs-before.Syncs)/float64(after.Batches-before.Batches), "syncs/batch")
}
