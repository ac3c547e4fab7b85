package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/paklog/hub/adapters/kafka"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes"
)

// Of grown/latency.
const (
	grownRate = 1000
	grownKeys = 5000 // a key's next message is due after five seconds: no two of it are handed over at once
	// grownPatience is how long messages are waited for that were handed over.
	grownPatience = time.Minute
)

// grownLatency is a hub on PostgreSQL with one route and the relay to Kafka. A message is handed over
// when it is due, durable, taken by the route, durable again, relayed, and seen by a reader of committed records.
type grownLatency struct {
	c       *config
	brokers []string
	prefix  string
	hub     *hosting
	sink    *kgo.Client
	relay   context.CancelFunc
	relayed chan error
	handed  int // in earlier loads
}

func openGrownLatency(ctx context.Context, c *config) (_ probe, err error) {
	p := &grownLatency{c: c, prefix: "bench" + strings.ToLower(rand.Text()[:10]) + ".", relayed: make(chan error, 1)}
	if p.brokers, err = inKafka(); err != nil {
		return nil, err
	}
	o := kafka.Options{Brokers: p.brokers, Prefix: p.prefix, Replicas: 1}
	if _, err := kafka.EnsureTopics(ctx, o); err != nil {
		return nil, err
	}
	store, err := openPostgres(ctx)
	if err != nil {
		return nil, err
	}
	if p.hub, err = host(ctx, store); err != nil {
		return nil, err
	}
	if err := p.hub.hub.Add(routes.Route{Name: "grown", Topics: []string{hopIn}, Handle: func(_ context.Context, m *routes.Message) (*routes.Out, error) {
		return m.Out().Send(journal.Record{Type: "bench.Hopped", Topic: "order-events", Key: m.Key, Data: m.Data}), nil
	}}); err != nil {
		return nil, errors.Join(err, p.hub.Close())
	}
	if p.sink, err = kgo.NewClient(kgo.SeedBrokers(p.brokers...), kgo.ConsumeTopics(p.prefix+"order-events"), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100*time.Millisecond)); err != nil {
		return nil, errors.Join(err, p.hub.Close())
	}
	r := kafka.NewRelay(kafka.RelayOptions{Options: o, Log: p.hub.bus.Log(), Last: p.hub.bus.Last})
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	p.relay = stop
	go func() { p.relayed <- r.Run(run) }()
	return p, nil
}

func (p *grownLatency) round(ctx context.Context) (sample, error) {
	// What opens connections and pages in code is not counted, and neither is how the round before ended.
	if _, err := p.load(ctx, 2*time.Second); err != nil {
		return sample{}, fmt.Errorf("warming up: %w", err)
	}
	m := begin()
	seen, err := p.load(ctx, p.c.length(5))
	if err != nil {
		return sample{}, err
	}
	s := m.end(seen.n)
	s.value = seen.latency.at(0.99)
	seen.into(s.counts, "")
	s.counts["durable_p99_ms"] = seen.durable.at(0.99)
	s.counts["lost"], s.counts["doubled"], s.counts["reordered"] = float64(seen.lost), float64(seen.doubled), float64(seen.reordered)
	if seen.lost+seen.doubled+seen.reordered > 0 {
		err = fmt.Errorf("of %d messages %d were lost, %d doubled and %d out of order", seen.n, seen.lost, seen.doubled, seen.reordered)
	}
	return s, err
}

// arrived is what the reader saw of a load. Its latencies are from when a message was due to when the
// reader had it.
type arrived struct {
	loaded

	durable                     *histogram // from when it was due to when the journal had it
	n, lost, doubled, reordered int
}

// load hands messages over at the rate and waits for the last of them.
func (p *grownLatency) load(ctx context.Context, length time.Duration) (*arrived, error) {
	base, gen := p.handed, newPayloads(uint64(p.handed)+1)
	l := openLoop{perSecond: grownRate, length: length, workers: connected, start: time.Now().Add(20 * time.Millisecond)}
	out := &arrived{n: l.total()}
	p.handed += out.n
	data := make([][]byte, min(out.n, 4096))
	for i := range data {
		data[i] = gen.next()
	}
	l.call = func(ctx context.Context, worker, n int) error {
		at := time.Now().UTC()
		var entropy [10]byte
		_, _ = rand.Read(entropy[:]) // it never fails
		key := "order-" + strconv.Itoa((base+n)%grownKeys)
		refused, err := p.hub.bus.Submit(ctx, &journal.Unit{Records: []journal.Record{{
			ID: journal.NewID(at, entropy), Type: "bench.Order", Schema: 1, Topic: hopIn, Key: key,
			Time: at, Correlation: strconv.Itoa(base + n), Source: "bench", Data: data[n%len(data)],
		}}})
		return errors.Join(err, asError(refused))
	}
	ended := make(chan *loaded, 1)
	go func() { ended <- l.run(ctx) }()
	err := p.read(ctx, l, base, out)
	handed := <-ended
	out.sent, out.took, out.lateStart, out.durable = handed.sent, handed.took, handed.lateStart, &handed.latency
	return out, errors.Join(err, handed.held())
}

// read sees the messages of a load as they come, and notes which came not, twice, or behind a later one of
// their key.
func (p *grownLatency) read(ctx context.Context, l openLoop, base int, out *arrived) error {
	ctx, cancel := context.WithTimeout(ctx, l.length+grownPatience)
	defer cancel()
	seen := make([]bool, out.n)
	last := map[string]int{}
	for out.lost = out.n; out.lost > 0; {
		fetches := p.sink.PollFetches(ctx)
		if ctx.Err() != nil {
			break // what is missing is lost
		}
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("reading from Kafka: %w", err)
		}
		now := time.Now()
		for r := range fetches.RecordsAll() {
			n, err := strconv.Atoi(header(r, "ce_correlationid"))
			if err != nil {
				return fmt.Errorf("a record that nobody handed over: %w", err)
			}
			n -= base
			if n < 0 || n >= out.n || seen[n] { // of an earlier load: they all came then
				out.doubled++
				continue
			}
			seen[n] = true
			out.lost--
			out.latency.add(now.Sub(l.due(n)))
			if before, ok := last[string(r.Key)]; ok && n < before {
				out.reordered++
			}
			last[string(r.Key)] = n
		}
	}
	return nil
}

func header(r *kgo.Record, name string) string {
	for _, h := range r.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

func (p *grownLatency) Close() error {
	p.sink.Close()
	p.relay()
	return errors.Join(<-p.relayed, p.hub.Close())
}
