package routes

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/catalog"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/dlq"
	"github.com/paklog/hub/routes/bus"
)

// bare is a hub with a test's own routes and nothing else, over a journal in memory.
type bare struct {
	t     *testing.T
	store *journalmem.Store
	bus   *bus.Bus
	hub   *Hub
	add   func(h *Hub) error // the routes, at each start
	opts  Options
	batch int
	end   context.CancelFunc
	ended chan error
	sent  int
}

// inBubble runs a test on a bare hub, by the bubble's clock.
func inBubble(t *testing.T, add func(h *Hub) error, test func(t *testing.T, w *bare)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &bare{t: t, store: journalmem.New(), add: add}
		w.start()
		t.Cleanup(w.stop)
		test(t, w)
	})
}

// open makes the hub without running it.
func (w *bare) open() {
	w.t.Helper()
	b, err := bus.Open(context.Background(), w.store, bus.Options{MaxBatch: w.batch, Pace: -1})
	if err != nil {
		w.t.Fatal(err)
	}
	reg, err := event.NewRegistry(catalog.Schemas()...)
	if err != nil {
		w.t.Fatal(err)
	}
	o := w.opts
	o.Registry, o.Drain = reg, time.Minute
	h, err := New(b, o)
	if err != nil {
		w.t.Fatal(err)
	}
	if w.add != nil {
		if err := w.add(h); err != nil {
			w.t.Fatal(err)
		}
	}
	w.bus, w.hub = b, h
}

func (w *bare) run() {
	ctx, cancel := context.WithCancel(context.Background())
	w.end, w.ended = cancel, make(chan error, 1)
	go func() { w.ended <- w.hub.Run(ctx) }()
	<-w.hub.Running()
}

func (w *bare) start() {
	w.t.Helper()
	w.open()
	w.run()
}

// stop drains the hub. That its journal is broken is for the test to look at.
func (w *bare) stop() {
	if w.end == nil {
		return
	}
	w.end()
	w.end = nil
	if err := <-w.ended; err != nil && w.bus.Err() == nil {
		w.t.Errorf("running: %v", err)
	}
	if err := w.bus.Close(context.Background()); err != nil && w.bus.Err() == nil {
		w.t.Errorf("closing: %v", err)
	}
}

// restart is another process on what the journal holds.
func (w *bare) restart() {
	w.t.Helper()
	w.stop()
	store, err := w.store.Reopen(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	w.store = store
	w.start()
}

// send puts a message on topic "in", under an id of its own.
func (w *bare) send(key string, data any) journal.Pos {
	w.t.Helper()
	b, err := json.Marshal(data)
	if err != nil {
		w.t.Fatal(err)
	}
	w.sent++
	u := &journal.Unit{Records: []journal.Record{{
		ID: journal.ID{}.Child("outside", key, w.sent), Type: "in", Schema: 1, Topic: "in", Key: key, Time: time.Now().UTC(), Data: b,
	}}}
	if ref, err := w.bus.Submit(context.Background(), u); ref != nil || err != nil {
		w.t.Fatal(ref, err)
	}
	return u.First
}

func (w *bare) letters() []dlq.Entry {
	w.t.Helper()
	if err := w.bus.Flush(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	l, err := w.hub.Desk().List(context.Background(), dlq.Filter{State: "open"})
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

// heard is the data of the records on a topic, in order.
func (w *bare) heard(topic string) []string {
	w.t.Helper()
	if err := w.bus.Flush(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	recs, err := w.store.Topics(context.Background(), []string{topic}, 0, 1<<20)
	if err != nil {
		w.t.Fatal(err)
	}
	out := []string{}
	for _, r := range recs {
		out = append(out, string(r.Data))
	}
	return out
}

func (w *bare) info(route string) RouteInfo {
	w.t.Helper()
	for _, r := range w.hub.Routes() {
		if r.Name == route {
			return r
		}
	}
	w.t.Fatalf("no route %s", route)
	return RouteInfo{}
}

// pass is a route that hands what it reads on to topic "out".
func pass(name string) Route {
	return Route{Name: name, About: "passes on", Topics: []string{"in"}, Handle: func(_ context.Context, m *Message) (*Out, error) {
		return m.Out().Send(journal.Record{Type: "out", Topic: "out." + m.route, Key: m.Key, Data: m.Data}), nil
	}}
}
