package bus_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/routes/bus"
)

// BenchmarkHop is one hop of 1 kB through Watermill's router: consume, handle, publish, durable
// and once. An operation is a hop. The journal is in memory: what is measured is the bus.
func BenchmarkHop(b *testing.B) {
	hops := map[string]struct {
		keys, streams int
	}{
		"5000 keys":               {keys: 5000},
		"one key":                 {keys: 1},
		"event on 100000 streams": {keys: 5000, streams: 100_000},
	}
	for name, hop := range hops {
		b.Run(name, func(b *testing.B) { hopping(b, journalmem.New(), hop.keys, hop.streams) })
	}
}

func hopping(b *testing.B, d journal.Driver, keys, streams int) {
	hub, err := bus.Open(b.Context(), d, bus.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := hub.Close(context.Background()); err != nil {
			b.Error(err)
		}
	}()
	data := make([]byte, 1<<20)
	_, _ = rand.Read(data) // varied: never the same kilobyte twice in a row
	backlog(b, hub, b.N, keys, data)

	router, err := message.NewRouter(message.RouterConfig{}, nil)
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan struct{})
	left := b.N // only the committer counts
	durable := func(*journal.Refusal, error) {
		if left--; left == 0 {
			close(done)
		}
	}
	sub := hub.NewManaged(bus.Subscription{Name: "hop", Topics: []string{"in"}})
	router.AddConsumerHandler("hop", "in", sub, func(m *message.Message) error {
		d := bus.DeliveryOf(m)
		out := journal.Record{
			ID: d.Record.ID.Child("hop", "out", 0), Type: "note", Schema: 1, Topic: "out", Key: d.Record.Key,
			Time: d.Record.Time, Causation: d.Record.ID, Data: d.Record.Data,
		}
		if streams > 0 {
			out.Stream = fmt.Sprintf("order/acme/east/%d", uint64(d.Record.Pos)*7919%uint64(streams))
		}
		_, err := d.Commit(m.Context(), nil, &journal.Unit{Records: []journal.Record{out}}, durable)
		return err
	})
	b.ReportAllocs()
	b.ResetTimer()
	before := hub.Stats()
	go func() { _ = router.Run(context.Background()) }()
	<-done
	b.StopTimer()
	after := hub.Stats()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "hops/s")
	b.ReportMetric(float64(after.Batches-before.Batches)/float64(b.N), "syncs/op")
	if err := router.Close(); err != nil {
		b.Error(err)
	}
}

// backlog makes n records of 1 kB durable, to be hopped over.
func backlog(b *testing.B, hub *bus.Bus, n, keys int, data []byte) {
	for at := 0; at < n; {
		u := &journal.Unit{}
		for ; at < n && len(u.Records) < 1000; at++ {
			r := note("in", fmt.Sprintf("order-%d", at%keys), uint64(at))
			off := at * 1031 % (len(data) - 1024)
			r.Data = data[off : off+1024]
			u.Records = append(u.Records, r)
		}
		if r, err := hub.Submit(b.Context(), u); r != nil || err != nil {
			b.Fatal(r, err)
		}
	}
}
