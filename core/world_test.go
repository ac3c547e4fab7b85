// Package core_test simulates a warehouse on the core alone: one seed drives
// orders, stale views, workers who walk away, shorts, cancellations and repeated
// commands, and the books are checked after every unit of work.
package core_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/catalog"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/label"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/wave"
)

// errFloor is the ledger's refusal of a unit.
var errFloor = errors.New("floor")

type account struct{ book, name string }

// world is a reference journal: streams, states folded from them, and a ledger
// that applies postings with floors as core/journal promises.
type world struct {
	t    *testing.T
	seed uint64
	rng  *rand.Rand
	now  time.Time
	reg  *event.Registry
	site scope.Scope

	balances map[account]int64
	floors   map[account]int64
	states   map[string]any // by stream
	lengths  map[string]int
	items    map[string]item.Item
	stale    map[string]inventory.Stock // stock views that lag
	shipped  map[string]int             // carton -> confirmations it was in
	log      []string
}

func newWorld(t *testing.T, seed uint64) *world {
	reg, err := event.NewRegistry(catalog.Schemas()...)
	if err != nil {
		t.Fatal(err)
	}
	return &world{
		t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 1)), reg: reg,
		now:      time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC),
		site:     scope.Scope{Tenant: "t", Owner: "acme", Facility: "east"},
		balances: map[account]int64{}, floors: map[account]int64{}, states: map[string]any{}, lengths: map[string]int{},
		items: map[string]item.Item{}, stale: map[string]inventory.Stock{}, shipped: map[string]int{},
	}
}

func (w *world) fatalf(format string, a ...any) {
	w.t.Helper()
	tail := w.log[max(0, len(w.log)-25):]
	w.t.Fatalf("seed %d: %s\nreplay: go test ./core -run TestSimulation -sim.seed=%d\nlast units:\n%s",
		w.seed, fmt.Sprintf(format, a...), w.seed, strings.Join(tail, "\n"))
}

// balance is what a decision may ask for.
func (w *world) balance(book, name string) int64 { return w.balances[account{book, name}] }

// commit applies a unit whole or not at all.
func (w *world) commit(events []event.Event, posts []journal.Posting) error {
	w.t.Helper()
	next, sums := map[account]int64{}, map[string]int64{}
	for _, p := range posts {
		a := account{p.Book, p.Account}
		if f, ok := w.floors[a]; ok && f != p.Floor {
			w.fatalf("account %v has floor %d, a posting says %d", a, f, p.Floor)
		}
		if _, ok := next[a]; !ok {
			next[a] = w.balances[a]
		}
		next[a] += p.Amount
		sums[p.Book] += p.Amount
		if p.Amount != 0 {
			w.floors[a] = p.Floor
		}
	}
	for book, sum := range sums {
		if sum != 0 {
			w.fatalf("the postings of a unit sum to %d in book %s: %+v", sum, book, posts)
		}
	}
	for a, b := range next {
		if b < w.floors[a] {
			return errFloor
		}
	}
	for a, b := range next {
		w.balances[a] = b
	}
	for _, e := range events {
		w.append(e)
	}
	w.checkBooks(posts)
	return nil
}

func (w *world) append(e event.Event) {
	w.t.Helper()
	x, err := w.reg.Encode(e)
	if err != nil {
		w.fatalf("encoding: %v", err)
	}
	back, err := w.reg.Decode(x)
	if err != nil {
		w.fatalf("decoding: %v", err)
	}
	stream := back.(event.Streamed).Stream()
	if _, err := scope.ParseStream(stream); err != nil {
		w.fatalf("%s has a bad stream: %v", e.EventType(), err)
	}
	w.log = append(w.log, fmt.Sprintf("%s %s %s", stream, x.Type, x.Data))
	kind, _, _ := strings.Cut(stream, "/")
	switch kind {
	case "order":
		fold(w, order.Fold, stream, back)
	case "stock":
		fold(w, inventory.Fold, stream, back)
	case "wave":
		fold(w, wave.Fold, stream, back)
	case "task":
		fold(w, task.Fold, stream, back)
	case "pick":
		fold(w, pick.Fold, stream, back)
	case "pack":
		fold(w, pack.Fold, stream, back)
	case "label":
		fold(w, label.Fold, stream, back)
	case "ship":
		fold(w, ship.ConfirmFold, stream, back)
		if c, ok := back.(ship.Confirmed); ok {
			for _, m := range c.Cartons {
				if w.shipped[m.Carton]++; w.shipped[m.Carton] > 1 {
					w.fatalf("carton %s left twice", m.Carton)
				}
			}
		}
	default:
		w.fatalf("no fold for stream %s", stream)
	}
}

// fold applies e, and at every fourth event of a stream holds Apply to its promise
// not to touch its input.
func fold[S any](w *world, f event.Fold[S], stream string, e event.Event) {
	w.t.Helper()
	before := get[S](w, stream)
	if w.lengths[stream]%4 != 1 { // the promise costs more than the fold
		after, err := f.Apply(before, e)
		if err != nil {
			w.fatalf("folding %s into %s: %v", e.EventType(), stream, err)
		}
		w.states[stream] = after
		w.lengths[stream]++
		return
	}
	x, err := f.Snapshot(before)
	if err != nil {
		w.fatalf("snapshot: %v", err)
	}
	copied, err := f.Restore(x)
	if err != nil {
		w.fatalf("restore: %v", err)
	}
	after, err := f.Apply(before, e)
	if err != nil {
		w.fatalf("folding %s into %s: %v", e.EventType(), stream, err)
	}
	// A snapshot may give nil for empty; comparing its JSON again levels that.
	now, _ := f.Snapshot(before)
	if string(now.Data) != string(x.Data) || string(now.Personal) != string(x.Personal) {
		w.fatalf("%s changed the input of its fold:\nbefore %s\nafter  %s", e.EventType(), x.Data, now.Data)
	}
	again, err := f.Apply(copied, e)
	if err != nil {
		w.fatalf("folding %s into a restored %s: %v", e.EventType(), stream, err)
	}
	a, _ := f.Snapshot(after)
	b, _ := f.Snapshot(again)
	if !reflect.DeepEqual(a, b) {
		w.fatalf("a restored snapshot folds otherwise:\n%s\n%s", a.Data, b.Data)
	}
	w.states[stream] = after
	w.lengths[stream]++
}

func get[S any](w *world, stream string) S {
	s, _ := w.states[stream].(S)
	return s
}

// checkBooks holds the stock laws in every book that a unit touched.
func (w *world) checkBooks(posts []journal.Posting) {
	w.t.Helper()
	books := map[string]bool{}
	for _, p := range posts {
		books[p.Book] = true
	}
	for book := range books {
		s := get[inventory.Stock](w, "stock/"+book)
		var free, inHouse, outside int64
		for a, b := range w.balances {
			if a.book != book {
				continue
			}
			if p, err := inventory.ParseAccount(a.name); err == nil {
				inHouse += b
				if p.Stage == inventory.Free {
					free += b
				}
			} else if strings.HasPrefix(a.name, "world/") {
				outside += b
			}
		}
		atp, promised := w.balance(book, inventory.ATP), w.balance(book, inventory.Promised)
		switch {
		case atp+promised != free:
			w.fatalf("%s: %d promisable + %d promised, %d free", book, atp, promised, free)
		case inHouse+outside != 0:
			w.fatalf("%s: %d in the house, %d came in", book, inHouse, -outside)
		case s.Free() != free || s.Promised != promised || s.AvailableToPromise() != atp:
			w.fatalf("%s: the events say free %d promised %d, the ledger %d and %d", book, s.Free(), s.Promised, free, promised)
		case s.OnHand() != inHouse || s.In-s.Out != inHouse:
			w.fatalf("%s: in %d - out %d, on hand %d, the ledger has %d", book, s.In, s.Out, s.OnHand(), inHouse)
		}
	}
}

// rejected demands that err is nil or the domain's no; anything else is a bug.
func (w *world) rejected(err error) bool {
	w.t.Helper()
	if err == nil {
		return false
	}
	if k := fault.KindOf(err); k != fault.Rejected {
		w.fatalf("%v error from a decision of the simulation: %v", k, err)
	}
	return true
}

// maybe is true once in n.
func (w *world) maybe(n int) bool { return w.rng.IntN(n) == 0 }
