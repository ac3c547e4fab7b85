package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/paklog/hub/adapters/sqlite"
	"github.com/paklog/hub/core/catalog"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/routes/bus"
)

// hopPlan says what a hop has to do with.
type hopPlan struct {
	keys    int // ordering keys
	streams int // an event is appended to one of so many, 0 for none
	waiting int // messages that wait, 0 for as many as a round takes

	postgres bool // the journal is in PostgreSQL
}

// Topics of the hops.
const (
	hopIn  = "bench-in"
	hopOut = "bench-out"
)

// hop is the hub with one route on it. Each round adds the route under a new name, so that
// it finds all messages waiting, and removes it when it has done its share.
type hop struct {
	plan   hopPlan
	n      int // messages a round
	store  journal.Driver
	syncs  func() int64 // so far
	hub    *hosting
	rounds int
}

// openHop makes the hop of a plan ready.
func openHop(plan hopPlan) func(context.Context, *config) (probe, error) {
	return func(ctx context.Context, c *config) (probe, error) {
		n := max(1000, int(c.seconds*hopsPerSecond))
		if plan.postgres {
			return openPostgresHop(ctx, plan, n)
		}
		prepared := false
		var dir string
		var err error
		if plan.waiting > 0 {
			n = min(n, plan.waiting)
			dir, prepared, err = c.prepared(ctx, "backlog", plan.waiting+maxGrown, func(dir string) error {
				return fill(ctx, dir, plan, plan.waiting)
			})
		} else {
			dir, err = c.scratch("hop")
		}
		if err != nil {
			return nil, err
		}
		if !prepared && plan.waiting == 0 {
			if err := fill(ctx, dir, plan, n); err != nil {
				return nil, err
			}
		}
		store, err := sqlite.Open(ctx, dir, sqlite.Options{MinFree: -1})
		if err != nil {
			return nil, err
		}
		h, err := host(ctx, store)
		if err != nil {
			return nil, err
		}
		// A prepared journal knows the names of earlier runs.
		return &hop{plan: plan, n: n, store: store, syncs: func() int64 { return syncsOf(store) }, hub: h, rounds: int(h.bus.Last())}, nil
	}
}

// hopsPerSecond is what a round's length is turned into messages by: about what the hub does in
// a second. Fewer would measure how a round begins and ends.
const hopsPerSecond = 100_000

// maxGrown is how much a prepared journal may grow before it is made anew.
const maxGrown = 2_000_000

// fill writes n messages that wait, each a unit of its own as if it had come by a hop, and
// one event for each stream of the plan.
func fill(ctx context.Context, dir string, plan hopPlan, n int) error {
	store, err := sqlite.Open(ctx, dir, sqlite.Options{MinFree: -1})
	if err != nil {
		return err
	}
	return errors.Join(fillJournal(ctx, store, plan, n), store.Close())
}

func fillJournal(ctx context.Context, store journal.Driver, plan hopPlan, n int) error {
	gen := newPayloads(uint64(n))
	at := time.Now().UTC()
	write := func(count int, record func(i int) journal.Record) error {
		for from := 0; from < count; from += 4096 {
			b := &journal.Batch{}
			for i := from; i < min(count, from+4096); i++ {
				b.Units = append(b.Units, &journal.Unit{ID: newID(gen.r, at), At: at, Records: []journal.Record{record(i)}})
			}
			refusals, err := store.Write(ctx, b)
			if err != nil {
				return fmt.Errorf("writing what waits: %w", err)
			}
			for _, r := range refusals {
				if r != nil {
					return fmt.Errorf("writing what waits: %w", r)
				}
			}
		}
		return nil
	}
	err := write(plan.streams, func(i int) journal.Record {
		return journal.Record{ID: newID(gen.r, at), Type: "bench.Began", Schema: 1, Topic: "bench-events", Stream: streamName(i), Key: streamName(i), Time: at, Data: []byte("{}")}
	})
	if err == nil {
		err = write(n, func(i int) journal.Record {
			return journal.Record{
				ID: newID(gen.r, at), Type: "bench.Order", Schema: 1, Topic: hopIn, Key: "order-" + strconv.Itoa(i%plan.keys),
				Time: at, Correlation: strconv.Itoa(i), Source: "bench", Data: gen.next(),
			}
		})
	}
	return err
}

func streamName(i int) string { return "bench/acme/east/" + strconv.Itoa(i) }

func newID(r *rand.Rand, at time.Time) journal.ID {
	var b [10]byte
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return journal.NewID(at, b)
}

// servedGC is how paklog serve has its garbage collected.
const servedGC = 200

// hosting is a hub as serve hosts it: one router, with logging, metrics and tracing on, in a
// process of its own.
type hosting struct {
	bus    *bus.Bus
	hub    *routes.Hub
	reg    *event.Registry
	traces *trace.TracerProvider
	stop   context.CancelFunc
	ended  chan error
}

func host(ctx context.Context, store journal.Driver) (*hosting, error) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(servedGC)
	}
	log := slog.New(slog.NewJSONHandler(nowhere{}, nil))
	reg, err := event.NewRegistry(catalog.Schemas()...)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	b, err := bus.Open(ctx, store, bus.Options{Log: log, Now: time.Now})
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	// Every span is recorded and batched for export; only the network is left out.
	traces := trace.NewTracerProvider(trace.WithBatcher(noExport{}))
	observer, err := routes.NewObserver(prometheus.NewRegistry(), traces.Tracer("paklog"))
	if err != nil {
		return nil, errors.Join(err, b.Close(ctx))
	}
	h, err := routes.New(b, routes.Options{
		Log: log, Now: time.Now, Registry: reg, Middleware: []message.HandlerMiddleware{observer.Middleware},
	})
	if err != nil {
		return nil, errors.Join(err, b.Close(ctx))
	}
	runCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	x := &hosting{bus: b, hub: h, reg: reg, traces: traces, stop: stop, ended: make(chan error, 1)}
	go func() { x.ended <- h.Run(runCtx) }()
	<-h.Running()
	return x, nil
}

func (x *hosting) Close() error {
	x.stop()
	err := <-x.ended
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return errors.Join(err, x.bus.Close(ctx), x.traces.Shutdown(ctx))
}

// nowhere takes what is logged, so that all of logging but the file is paid for.
type nowhere struct{}

// Write implements [io.Writer].
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

// noExport drops spans.
type noExport struct{}

func (noExport) ExportSpans(context.Context, []trace.ReadOnlySpan) error { return nil }
func (noExport) Shutdown(context.Context) error                          { return nil }

func (p *hop) round(ctx context.Context) (sample, error) {
	p.rounds++
	name := "hop-" + strconv.Itoa(p.rounds)
	base := p.hub.bus.Last()
	per := 1
	if p.plan.streams > 0 {
		per = 2
	}
	syncs := p.syncs()
	var runs atomic.Int64
	m := begin()
	err := p.hub.hub.Add(routes.Route{Name: name, Topics: []string{hopIn}, Handle: func(_ context.Context, m *routes.Message) (*routes.Out, error) {
		runs.Add(1)
		return p.handle(m), nil
	}})
	if err != nil {
		return sample{}, err
	}
	base++ // the declaration of the subscription
	want := base + journal.Pos(p.n*per)
	for tick := time.NewTicker(time.Millisecond); p.hub.bus.Last() < want; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return sample{}, ctx.Err()
		}
		if err := p.hub.bus.Err(); err != nil {
			return sample{}, err
		}
	}
	done := int(p.hub.bus.Last()-base) / per
	s := m.end(done)
	s.counts["syncs_per_msg"] = float64(p.syncs()-syncs) / float64(done)
	if err := p.hub.hub.Remove(ctx, name); err != nil {
		return sample{}, err
	}
	sunk, err := count(ctx, p.store, base, name)
	if err != nil {
		return sample{}, err
	}
	s.counts["runs_per_msg"] = float64(runs.Load()) / float64(max(1, sunk.messages))
	s.counts["doubled"] = float64(sunk.doubled)
	if sunk.doubled > 0 || sunk.disordered > 0 || sunk.messages < done {
		return s, fmt.Errorf("%s: %d messages at the sink of %d, %d of them doubled and %d out of order", name, sunk.messages, done, sunk.doubled, sunk.disordered)
	}
	return s, nil
}

// syncsOf is how often the journal synced: once a commit, for each checkpoint what the
// driver counts, and for the header of the WAL that begins after it. A test holds it
// against what strace sees.
func syncsOf(s *sqlite.Store) int64 {
	stats := s.Stats()
	return stats.Syncs + stats.Checkpoints
}

// handle is the work of a hop: a message of the same size under the same key, and an event
// where the plan says so. Which stream it goes to depends on the message alone, so that a
// re-run decides the same.
func (p *hop) handle(m *routes.Message) *routes.Out {
	data := make([]byte, len(m.Data))
	copy(data, m.Data)
	data[len(data)-3] = 'x'
	out := m.Out().Send(journal.Record{Type: "bench.Hopped", Topic: hopOut, Key: m.Key, Data: data})
	if p.plan.streams > 0 {
		h := uint32(m.ID[12])<<24 | uint32(m.ID[13])<<16 | uint32(m.ID[14])<<8 | uint32(m.ID[15])
		s := streamName(int(h % uint32(p.plan.streams)))
		out.Send(journal.Record{Type: "bench.Moved", Topic: "bench-events", Stream: s, Key: s, Data: data[:200]})
	}
	return out
}

func (p *hop) Close() error { return p.hub.Close() }

// sunk is what a round left in the journal.
type sunk struct{ messages, doubled, disordered int }

// count reads what name published behind base: the sink is the journal itself, not a counter
// of the handler.
func count(ctx context.Context, log journal.Log, base journal.Pos, name string) (sunk, error) {
	var out sunk
	seen := map[journal.ID]bool{}
	last := map[string]int{} // number of the last message of each key
	for {
		recs, err := log.Topics(ctx, []string{hopOut}, base, 1000)
		if err != nil {
			return out, fmt.Errorf("counting at the sink: %w", err)
		}
		for i := range recs {
			r := &recs[i]
			base = r.Pos
			if r.Source != name {
				continue
			}
			out.messages++
			if seen[r.Causation] {
				out.doubled++
			}
			seen[r.Causation] = true
			no, err := strconv.Atoi(r.Correlation)
			if before, ok := last[r.Key]; err != nil || ok && no < before {
				out.disordered++
			}
			last[r.Key] = no
		}
		if len(recs) < 1000 {
			return out, nil
		}
	}
}

// prepared is a journal that is made once and kept in -dir, made anew when it has more
// than most positions.
func (c *config) prepared(ctx context.Context, name string, most int, fill func(dir string) error) (dir string, there bool, err error) {
	dir = filepath.Join(c.dir, fmt.Sprintf("%s-v%d", name, journal.Format))
	if _, err := os.Stat(filepath.Join(dir, "complete")); err == nil {
		store, err := sqlite.Open(ctx, dir, sqlite.Options{MinFree: -1})
		if err == nil {
			last, lerr := store.Last(ctx)
			if cerr := store.Close(); lerr == nil && cerr == nil && int(last) <= most {
				return dir, true, nil
			}
		}
		if errors.Is(err, journal.ErrLocked) {
			return "", false, cannot("%s is in use by another run", dir)
		}
	}
	fmt.Fprintf(c.progress, "making %s, once\n", dir)
	if err := errors.Join(os.RemoveAll(dir), fill(dir)); err != nil {
		return "", false, err
	}
	return dir, false, os.WriteFile(filepath.Join(dir, "complete"), nil, 0o600)
}
