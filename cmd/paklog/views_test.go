package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/views"
	"github.com/paklog/hub/core/catalog"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/dlq"
	"github.com/paklog/hub/routes"
)

var viewScope = scope.Scope{Tenant: "main", Owner: "ACME", Facility: "DC1"}

// written is a journal that grows by what core decides.
type written struct {
	t     *testing.T
	store *journalmem.Store
	reg   *event.Registry
	at    time.Time
	n     int
}

func newWritten(t *testing.T) *written {
	t.Helper()
	reg, err := event.NewRegistry(catalog.Schemas()...)
	if err != nil {
		t.Fatal(err)
	}
	return &written{t: t, store: journalmem.New(), reg: reg, at: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)}
}

func (w *written) write(u journal.Unit, correlation string, events ...event.Event) {
	w.t.Helper()
	w.n++
	w.at = w.at.Add(time.Second)
	u.ID, u.At = journal.NewID(w.at, [10]byte{byte(w.n), byte(w.n >> 8)}), w.at
	for i, e := range events {
		x, err := w.reg.Encode(e)
		if err != nil {
			w.t.Fatal(err)
		}
		s, _ := w.reg.Lookup(x.Type)
		st := e.(event.Streamed)
		u.Records = append(u.Records, journal.Record{
			ID: u.ID.Child("test", x.Type, i), Type: x.Type, Schema: uint16(x.Schema), Topic: string(s.Topic), Key: st.Key(), Stream: st.Stream(),
			Time: w.at, Correlation: correlation, Source: "door.orders", Data: x.Data, Subject: x.Subject, Personal: x.Personal,
		})
	}
	refusals, err := w.store.Write(w.t.Context(), &journal.Batch{Units: []*journal.Unit{&u}})
	if err != nil {
		w.t.Fatal(err)
	}
	if refusals[0] != nil {
		w.t.Fatal(refusals[0])
	}
}

// orders writes n orders, some of them held, and a letter.
func (w *written) orders(from, n int) {
	w.t.Helper()
	items := func(string) (item.Item, bool) { return item.Item{}, false }
	for i := from; i < from+n; i++ {
		number := fmt.Sprintf("SO-%04d", i)
		var o order.Order
		events, err := o.Place(order.Place{
			Scope: viewScope, Number: number, ShipTo: party.Address{Name: "Grace Hopper"},
			Lines: []order.PlaceLine{{Item: "A-1", Qty: 1}}, Refs: []order.Ref{{Kind: "po", Value: "PO-" + number}},
		}, items, w.at)
		if err != nil {
			w.t.Fatal(err)
		}
		w.write(journal.Unit{}, "conv-"+number, events...)
		if i%3 == 0 {
			if o, err = order.Fold.Replay(o, events...); err != nil {
				w.t.Fatal(err)
			}
			held, err := o.Hold(order.Hold{Reason: order.HoldCredit}, w.at)
			if err != nil {
				w.t.Fatal(err)
			}
			w.write(journal.Unit{}, "conv-"+number, held...)
		}
	}
	rec := journal.Record{ID: journal.NewID(w.at, [10]byte{9, byte(from)}), Type: "order.Place", Pos: 1}
	l := dlq.New("door.orders", &rec, fault.At("test", fault.Invalid, "W01-05", fmt.Errorf("unknown item")), 1, w.at)
	w.write(journal.Unit{Letters: []journal.LetterOp{{ID: l.ID, To: journal.LetterOpen, Letter: journal.Letter{Sub: "x", Data: l.Encode(), Opened: w.at}}}}, "")
}

func openViews(t *testing.T, dir, version string) *views.Store {
	t.Helper()
	s, err := views.Open(t.Context(), dir, version)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// project runs a projector until it has read all of w, and returns how to stop it.
func project(t *testing.T, w *written, s *views.Store) (*routes.Projector, func()) {
	t.Helper()
	p := routes.NewProjector(w.store, w.reg, s, nil, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	catchUp(t, w, p)
	var stopped bool
	stop := func() {
		if !stopped {
			stopped = true
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(stop)
	return p, stop
}

func catchUp(t *testing.T, w *written, p *routes.Projector) {
	t.Helper()
	last, err := w.store.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := p.Wait(ctx, last); err != nil {
		t.Fatalf("the views stand at %d of %d (%v): %v", p.Position(), last, p.Err(), err)
	}
}

// all is everything that the views answer, for comparing two stores.
func all(t *testing.T, s *views.Store) string {
	t.Helper()
	out := map[string]any{}
	for _, kind := range []string{view.Order, view.Letter, view.Item} {
		p, err := s.List(t.Context(), view.Query{Kind: kind})
		if err != nil {
			t.Fatal(err)
		}
		out[kind] = p
		for _, d := range p.Docs {
			found, err := s.Find(t.Context(), "main", d.ID, 10)
			if err != nil {
				t.Fatal(err)
			}
			j, err := s.Journey(t.Context(), d.Correlation, 0, 100)
			if err != nil {
				t.Fatal(err)
			}
			out["find "+d.Key], out["journey "+d.Key] = found, j
		}
	}
	b, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestViewsAreTheSameHoweverTheyAreBuilt(t *testing.T) {
	t.Parallel()
	w := newWritten(t)
	dir := t.TempDir()
	for i := range 5 { // with a restart behind each
		w.orders(i*7, 7)
		s := openViews(t, dir, routes.ViewVersion())
		p, stop := project(t, w, s)
		w.orders(1000+i*5, 5) // while it runs
		catchUp(t, w, p)
		stop()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	incremental := openViews(t, dir, routes.ViewVersion())
	want := all(t, incremental)
	if p, err := incremental.List(t.Context(), view.Query{Kind: view.Order}); err != nil || len(p.Docs) != 60 {
		t.Fatalf("%d orders of 60: %v", len(p.Docs), err)
	}

	whole := openViews(t, t.TempDir(), routes.ViewVersion())
	project(t, w, whole)
	if got := all(t, whole); got != want {
		t.Errorf("built at once differs from built by and by:\n%s\n%s", got, want)
	}

	if err := incremental.Close(); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"views.db", "views.db-wal", "views.db-shm"} {
		os.Remove(filepath.Join(dir, f))
	}
	again := openViews(t, dir, routes.ViewVersion())
	project(t, w, again)
	if got := all(t, again); got != want {
		t.Error("the file was deleted, and what was built anew differs")
	}
}

func TestViewsAnswerWhileTheyAreRebuilt(t *testing.T) {
	t.Parallel()
	w := newWritten(t)
	dir := t.TempDir()
	w.orders(0, 10)
	s := openViews(t, dir, "an older shape")
	_, stop := project(t, w, s)
	want := all(t, s)
	stop()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = openViews(t, dir, routes.ViewVersion())
	if got := all(t, s); got != want {
		t.Error("the old views do not answer")
	}
	if at, _, err := s.Position(t.Context()); err != nil || at != 0 {
		t.Errorf("the new ones begin at %d: %v", at, err)
	}
	project(t, w, s)
	if _, err := os.Stat(filepath.Join(dir, "views.new.db")); !os.IsNotExist(err) {
		waitGone(t, filepath.Join(dir, "views.new.db"), s)
	}
	if got := all(t, s); got != want {
		t.Error("the new views differ")
	}
}

// waitGone asks until the new file took over: the projector does it behind its last batch.
func waitGone(t *testing.T, path string, s *views.Store) {
	t.Helper()
	for ctx := t.Context(); ctx.Err() == nil; {
		if _, err := os.Stat(path); os.IsNotExist(err) {
			return
		}
		if _, err := s.List(ctx, view.Query{Kind: view.Order}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestViewsOfAnotherJournalAreThrownAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old := newWritten(t)
	old.orders(0, 20)
	s := openViews(t, dir, routes.ViewVersion())
	_, stop := project(t, old, s)
	stop()
	other := newWritten(t)
	other.n = 500 // other ids
	other.orders(100, 9)
	project(t, other, s)
	waitGone(t, filepath.Join(dir, "views.new.db"), s)
	p, err := s.List(t.Context(), view.Query{Kind: view.Order})
	if err != nil || len(p.Docs) != 9 || p.Docs[0].ID != "SO-0100" {
		t.Errorf("%d orders: %v", len(p.Docs), err)
	}
}

func TestViewsHoldNoPersonalData(t *testing.T) {
	t.Parallel()
	w := newWritten(t)
	dir := t.TempDir()
	w.orders(0, 3)
	s := openViews(t, dir, routes.ViewVersion())
	_, stop := project(t, w, s)
	stop()
	s.Close()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte("Grace")) {
			t.Errorf("%s tells who is shipped to", filepath.Base(f))
		}
	}
}

func TestViewsStandStillAtAnEventNobodyKnows(t *testing.T) {
	t.Parallel()
	w := newWritten(t)
	w.orders(0, 2)
	s := openViews(t, t.TempDir(), routes.ViewVersion())
	p, _ := project(t, w, s)
	u := journal.Unit{Records: []journal.Record{{
		ID: journal.NewID(w.at, [10]byte{77}), Type: "order.Teleported", Schema: 1, Topic: "order-events",
		Stream: order.StreamOf(viewScope, "SO-0001"), Key: "k", Time: w.at, Data: []byte("{}"),
	}}}
	w.write(u, "")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	last, _ := w.store.Last(t.Context())
	if err := p.Wait(ctx, last); err == nil {
		t.Fatal("the views went past it")
	}
	if err := p.Err(); err == nil {
		t.Error("nobody is told")
	}
	if d, _, err := s.Get(t.Context(), view.Order, order.StreamOf(viewScope, "SO-0001")); err != nil || d == nil {
		t.Errorf("what stood before is gone: %v", err)
	}
}
