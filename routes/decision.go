package routes

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/label"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/wave"
)

// decision gathers what one run decides over several aggregates. Each is seen as it
// stands after what the decision holds already. The first error ends it: later steps
// do nothing, and done returns it.
type decision struct {
	ctx context.Context
	f   *Flows
	m   *Message
	out *Out
	err error

	// tasksWere are the tasks that it changes, as they stood before; nil is none.
	tasksWere map[string]task.Task

	held   map[string]any
	peeked map[string]seen // what of held binds nothing
	moved  map[[2]string]int64
	works  map[string]*heldWork
	ways   map[wayKey]int // of the wave that was batched
	docks  map[string]*heldDocked
	racks  map[string]*heldShelf
	holds  map[string]*heldReceipts
	since  map[string]time.Time // from when on the order that is decided on has waited, by item
}

func (f *Flows) decide(ctx context.Context, m *Message) *decision {
	return &decision{ctx: ctx, f: f, m: m, out: m.Out(), held: map[string]any{}}
}

// enter writes an entry of a map that most decisions have no need of.
func enter[K comparable, V any](m *map[K]V, k K, v V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[k] = v
}

// inOrder are the keys of what a decision holds, so that a re-run makes the same unit.
func inOrder[V any](m map[string]V) []string {
	if len(m) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(m))
}

func (d *decision) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// done is the unit, or why there is none.
func (d *decision) done() (*Out, error) {
	if d.err != nil {
		return nil, d.err
	}
	d.keepWorks()
	d.keepDocks()
	d.keepShelves()
	d.keepHeld()
	d.correlate()
	return d.out, d.err
}

// correlate lets what is about an order belong to that order's conversation, whatever
// message led to it: a wave's release is about many.
func (d *decision) correlate() {
	if len(d.out.Records) == 0 {
		return
	}
	conversations := map[string]string{}
	for _, v := range d.held {
		if o, ok := v.(order.Order); ok && o.Known() {
			conversations[order.KeyOf(o.Scope, o.Number)] = conversation(o)
		}
	}
	for i := range d.out.Records {
		r := &d.out.Records[i]
		if c := conversations[r.Key]; c != "" {
			r.Correlation = c
		}
	}
}

// conversation is what everything about an order is correlated by: the document that
// asked for it, or the order itself.
func conversation(o order.Order) string {
	if o.Source.Cause != "" {
		return o.Source.Cause
	}
	return order.KeyOf(o.Scope, o.Number)
}

// load is an aggregate that the decision depends on.
func load[S any](d *decision, a *Aggregate[S], stream string) S {
	d.depend(stream)
	return held[S](d, stream, func() (any, error) { return loadAny(d.ctx, d.m, a, stream) })
}

// peek is an aggregate that may move on without harm.
func peek[S any](d *decision, a *Aggregate[S], stream string) S {
	return held[S](d, stream, func() (any, error) {
		s, at, err := d.m.reads.Peek(d.ctx, a.bus, stream)
		if err == nil {
			enter(&d.peeked, stream, seen{a.bus, stream, at})
		}
		return s, err
	})
}

// depend lets the unit depend on what was peeked at, as it was then.
func (d *decision) depend(stream string) {
	if s, ok := d.peeked[stream]; ok {
		delete(d.peeked, stream)
		d.m.bind(s)
	}
}

func held[S any](d *decision, stream string, read func() (any, error)) S {
	if s, ok := d.held[stream].(S); ok {
		return s
	}
	var zero S
	if d.err != nil {
		return zero
	}
	s, err := read()
	if err != nil {
		d.fail(err)
		return zero
	}
	d.held[stream] = s
	return s.(S)
}

// add takes what an aggregate decided into the unit and reports whether it did.
func add[S any](d *decision, a *Aggregate[S], stream string, events []event.Event, err error) bool {
	if err != nil {
		d.fail(err)
	}
	if d.err != nil {
		return false
	}
	d.depend(stream)
	if s, ok := d.held[stream].(S); ok {
		next, err := a.fold.Replay(s, events...)
		if err != nil {
			d.fail(err)
			return false
		}
		d.held[stream] = next
	}
	AppendAll(d.out, events)
	return true
}

func (d *decision) order(s scope.Scope, number string) order.Order {
	return load(d, d.f.orders, order.StreamOf(s, number))
}

func (d *decision) onOrder(s scope.Scope, number string, events []event.Event, err error) bool {
	if !add(d, d.f.orders, order.StreamOf(s, number), events, err) {
		return false
	}
	for _, e := range events {
		if c, ok := e.(order.Cancelled); ok {
			d.undock(c)
		}
	}
	return d.err == nil
}

func (d *decision) item(s scope.Scope, sku string) item.Item {
	return load(d, d.f.items, item.StreamOf(s, sku))
}

// known answers core's question for items.
func (d *decision) known(s scope.Scope) order.Items {
	return func(sku string) (item.Item, bool) {
		it := d.item(s, sku)
		return it, it.Known()
	}
}

func (d *decision) location(s scope.Scope, code string) location.Location {
	return peek(d, d.f.locations, location.StreamOf(s, code))
}

func (d *decision) wave(s scope.Scope, id string) wave.Wave {
	return load(d, d.f.waves, wave.StreamOf(s, id))
}

func (d *decision) onWave(s scope.Scope, id string, events []event.Event, err error) bool {
	return add(d, d.f.waves, wave.StreamOf(s, id), events, err)
}

func (d *decision) task(s scope.Scope, id string) task.Task {
	return load(d, d.f.tasks, task.StreamOf(s, id))
}

func (d *decision) onTask(s scope.Scope, id string, events []event.Event, err error) bool {
	stream := task.StreamOf(s, id)
	if was, seen := d.task(s, id), d.tasksWere[stream]; seen.Task == "" && err == nil && len(events) > 0 {
		enter(&d.tasksWere, stream, was)
	}
	return add(d, d.f.tasks, stream, events, err)
}

func (d *decision) pick(s scope.Scope, id string) pick.List {
	return load(d, d.f.picks, pick.StreamOf(s, id))
}

func (d *decision) onPick(s scope.Scope, id string, events []event.Event, err error) bool {
	return add(d, d.f.picks, pick.StreamOf(s, id), events, err)
}

func (d *decision) packing(s scope.Scope, id string) pack.Packing {
	return load(d, d.f.packs, pack.StreamOf(s, id))
}

func (d *decision) onPacking(s scope.Scope, id string, events []event.Event, err error) bool {
	return add(d, d.f.packs, pack.StreamOf(s, id), events, err)
}

func (d *decision) label(s scope.Scope, carton string) label.Label {
	return load(d, d.f.labels, label.StreamOf(s, carton))
}

func (d *decision) onLabel(s scope.Scope, carton string, events []event.Event, err error) bool {
	return add(d, d.f.labels, label.StreamOf(s, carton), events, err)
}

func (d *decision) shipment(s scope.Scope, id string) ship.Shipment {
	return load(d, d.f.shipments, ship.StreamOf(s, id))
}

func (d *decision) onShipment(s scope.Scope, id string, events []event.Event, err error) bool {
	return add(d, d.f.shipments, ship.StreamOf(s, id), events, err)
}

// stock is looked at and not depended on: floors guard what is decided from it.
func (d *decision) stock(k inventory.BookKey) inventory.Stock {
	return held[inventory.Stock](d, k.Stream(), func() (any, error) {
		st, err := Peek(d.ctx, d.m, d.f.stocks, k.Stream())
		for i := range d.out.Records {
			if r := &d.out.Records[i]; r.Stream == k.Stream() && err == nil {
				if st, err = inventory.Fold.Apply(st, r.Event.(event.Event)); err != nil {
					err = errRerun // as in onStock
				}
			}
		}
		return st, err
	})
}

// onStock takes movements of one book into the unit.
func (d *decision) onStock(k inventory.BookKey, events []event.Event, posts []journal.Posting, err error) bool {
	if err != nil {
		d.fail(err)
	}
	if d.err != nil {
		return false
	}
	if st, ok := d.held[k.Stream()].(inventory.Stock); ok {
		next, err := inventory.Fold.Replay(st, events...)
		if err != nil {
			d.err = errRerun // the look was older than the balances: another is due
			return false
		}
		d.held[k.Stream()] = next
	}
	AppendAll(d.out, events)
	for _, p := range posts {
		at := [2]string{p.Book, p.Account}
		enter(&d.moved, at, d.moved[at]+p.Amount)
	}
	d.out.Post(posts...)
	d.arrived(k, posts)
	d.followHeld(events)
	d.wentAway(events)
	d.keepLots(k, events)
	d.countUnsettled(k, events)
	return d.err == nil
}

// balance is what an account holds with this decision counted in.
func (d *decision) balance(book, account string) int64 {
	if d.err != nil {
		return 0
	}
	b, err := d.m.Balance(d.ctx, book, account)
	if err != nil {
		d.fail(err)
		return 0
	}
	return b + d.moved[[2]string{book, account}]
}

// state reads a pattern's state into v and reports whether there is one.
func (d *decision) state(key string, v any) (journal.State, bool) {
	st, found := d.stored(key)
	return st, found && d.decoded(key, st, v)
}

// stored is a pattern's state as it is stored.
func (d *decision) stored(key string) (journal.State, bool) {
	if d.err != nil {
		return journal.State{}, false
	}
	st, err := d.m.State(d.ctx, key)
	if err != nil {
		d.fail(err)
	}
	return st, err == nil && st.Data != nil
}

func (d *decision) decoded(key string, st journal.State, v any) bool {
	if st.Data == nil || d.err != nil {
		return false
	}
	if err := json.Unmarshal(st.Data, v); err != nil {
		d.fail(fault.E(d.m.route, fault.Internal, errors.New("reading state "+key+": "+err.Error())))
		return false
	}
	return true
}

func keyOf(s scope.Scope, sku string) inventory.BookKey {
	return inventory.BookKey{Scope: s, Item: sku}
}
