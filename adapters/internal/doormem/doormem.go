// Package doormem keeps the promise of core/door in memory, with core's own decisions,
// for the tests of what stands in front of the doors.
package doormem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/paklog/hub/core/crew"
	"github.com/paklog/hub/core/crossref"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/owner"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/view"
)

// Door is a hub without a journal.
type Door struct {
	Now func() time.Time
	// Before, when set, is called before each decision; its error is the answer.
	Before func(ctx context.Context, name string, ask door.Ask) error

	mu        sync.Mutex
	orders    map[string]order.Order
	items     map[string]item.Item
	locations map[string]location.Location
	buildings map[string]facility.Facility
	workers   map[string]crew.Worker
	owners    map[string]owner.Owner
	crossrefs map[string]crossref.Entry
	stock     map[string]inventory.Stock
	claims    map[[2]string]claim
	decided   int
}

type claim struct {
	hash   [32]byte
	answer door.Reply
}

var _ door.Caller = (*Door)(nil)

// New is a door with nothing behind it.
func New() *Door {
	return &Door{
		Now:    func() time.Time { return time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC) },
		orders: map[string]order.Order{}, items: map[string]item.Item{}, locations: map[string]location.Location{},
		buildings: map[string]facility.Facility{}, workers: map[string]crew.Worker{}, owners: map[string]owner.Owner{}, crossrefs: map[string]crossref.Entry{},
		stock: map[string]inventory.Stock{}, claims: map[[2]string]claim{},
	}
}

// Orders are the orders that exist, by stream.
func (d *Door) Orders() map[string]order.Order {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make(map[string]order.Order, len(d.orders))
	for k, o := range d.orders {
		out[k] = o
	}
	return out
}

// Docs are the things of a kind as the views would show them, by stream.
func (d *Door) Docs(kind string) []view.Doc {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch kind {
	case view.Item:
		return docs(kind, d.items)
	case view.Location:
		return docs(kind, d.locations)
	case view.Facility:
		return docs(kind, d.buildings)
	case view.Owner:
		return docs(kind, d.owners)
	case view.Crossref:
		return docs(kind, d.crossrefs)
	case view.Worker:
		return docs(kind, d.workers)
	case view.Stock:
		return docs(kind, d.stock)
	}
	return nil
}

func docs[S any](kind string, of map[string]S) []view.Doc {
	var out []view.Doc
	for _, stream := range slices.Sorted(maps.Keys(of)) {
		state, err := json.Marshal(of[stream])
		if err != nil {
			panic(err) // core's states are JSON
		}
		out = append(out, view.Doc{Kind: kind, Key: stream, State: state})
	}
	return out
}

// Decided counts the calls that wrote something.
func (d *Door) Decided() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.decided
}

// Call implements [door.Caller].
func (d *Door) Call(ctx context.Context, name string, value any) (any, error) {
	ask, ok := value.(door.Ask)
	if !ok {
		return nil, fault.E("doormem.Call", fault.Internal, fmt.Errorf("door %s was called with %T", name, value))
	}
	if d.Before != nil {
		if err := d.Before(ctx, name, ask); err != nil {
			return nil, err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if ask.Key != nil {
		if c, taken := d.claims[[2]string{ask.Key.Scope, ask.Key.ID}]; taken {
			if c.hash != ask.Key.Hash {
				return nil, fault.E(name, fault.Invalid, &door.ReusedError{Key: *ask.Key})
			}
			r := c.answer
			r.Repeat = true
			return r, nil
		}
	}
	r, err := d.decide(name, ask)
	if err != nil {
		return nil, err
	}
	if r.Created {
		d.decided++
	}
	if ask.Key != nil {
		d.claims[[2]string{ask.Key.Scope, ask.Key.ID}] = claim{ask.Key.Hash, r}
	}
	return r, nil
}

func (d *Door) decide(name string, ask door.Ask) (door.Reply, error) {
	switch name {
	case door.Orders:
		return d.order(ask)
	case door.Master:
		return d.master(ask)
	case door.Stock:
		return d.move(ask)
	}
	return door.Reply{}, fault.E(name, fault.Unavailable, errors.New("door is not open"))
}

func (d *Door) order(ask door.Ask) (door.Reply, error) {
	at, o := d.Now(), d.orders[order.StreamOf(ask.Scope, ask.ID)]
	items := func(sku string) (item.Item, bool) {
		it, ok := d.items[item.StreamOf(ask.Scope, sku)]
		return it, ok
	}
	var events []event.Event
	var err error
	switch c := ask.Cmd.(type) {
	case order.Place:
		events, err = o.Place(c, items, at)
		var exists *order.ExistsError
		if errors.As(err, &exists) {
			if exists.Same() {
				return reply(o, false)
			}
			return door.Reply{}, fault.At(door.Orders, fault.Rejected, "number", &door.ConflictError{Number: c.Number, Differences: exists.Differences})
		}
	case order.Change:
		events, err = o.Change(c, items, at)
	case order.Split:
		return d.both(ask.Scope, c.To, func(to order.Order) ([]event.Event, []event.Event, error) { return o.Split(c, to, items, at) }, o)
	case order.Merge:
		if err := c.Validate(); err != nil {
			return door.Reply{}, err
		}
		return d.both(ask.Scope, c.From[0], func(from order.Order) ([]event.Event, []event.Event, error) { return o.Merge(from, c.By, at) }, o)
	case order.Hold:
		events, err = o.Hold(c, at)
	case order.Release:
		events, err = o.Release(c, at)
	case order.ReleaseLine:
		events, err = o.ReleaseLine(c, items, at)
	case order.Cancel:
		events, err = o.Cancel(c, at)
	default:
		err = fmt.Errorf("no command of this door: %T", c)
	}
	return keep(d.orders, order.StreamOf(ask.Scope, ask.ID), order.Fold, o, events, err)
}

// both decides on two orders at once.
func (d *Door) both(s scope.Scope, number string, decide func(order.Order) (mine, theirs []event.Event, err error), o order.Order) (door.Reply, error) {
	other := d.orders[order.StreamOf(s, number)]
	mine, theirs, err := decide(other)
	if err == nil {
		_, err = keep(d.orders, order.StreamOf(s, number), order.Fold, other, theirs, nil)
	}
	return keep(d.orders, order.StreamOf(o.Scope, o.Number), order.Fold, o, mine, err)
}

func (d *Door) master(ask door.Ask) (door.Reply, error) {
	at := d.Now()
	it, loc := d.items[item.StreamOf(ask.Scope, ask.ID)], d.locations[location.StreamOf(ask.Scope, ask.ID)]
	var events []event.Event
	var err error
	switch c := ask.Cmd.(type) {
	case item.Register:
		events, err = it.Register(c, at)
		return keep(d.items, item.StreamOf(ask.Scope, ask.ID), item.Fold, it, events, err)
	case item.Change:
		events, err = it.Change(c, at)
		return keep(d.items, item.StreamOf(ask.Scope, ask.ID), item.Fold, it, events, err)
	case facility.Register:
		b := d.buildings[facility.StreamOf(ask.Scope)]
		events, err = b.Register(c, at)
		return keep(d.buildings, facility.StreamOf(ask.Scope), facility.Fold, b, events, err)
	case owner.Register:
		o := d.owners[owner.StreamOf(ask.Scope)]
		events, err = o.Register(c, at)
		return keep(d.owners, owner.StreamOf(ask.Scope), owner.Fold, o, events, err)
	case crossref.Set:
		stream := crossref.StreamOf(ask.Scope, c.Kind, c.Theirs)
		x := d.crossrefs[stream]
		events, err = x.Set(c, at)
		return keep(d.crossrefs, stream, crossref.Fold, x, events, err)
	case crew.Register:
		w := d.workers[crew.StreamOf(ask.Scope, c.Worker)]
		events, err = w.Register(c, at)
		return keep(d.workers, crew.StreamOf(ask.Scope, c.Worker), crew.Fold, w, events, err)
	case location.Register:
		events, err = loc.Register(c, at)
	case location.Change:
		events, err = loc.Change(c, at)
	case location.Block:
		events, err = loc.Block(c, at)
	default:
		err = fmt.Errorf("no command of this door: %T", c)
	}
	return keep(d.locations, location.StreamOf(ask.Scope, ask.ID), location.Fold, loc, events, err)
}

func (d *Door) move(ask door.Ask) (door.Reply, error) {
	key := inventory.BookKey{Scope: ask.Scope, Item: ask.ID}
	s := d.stock[key.Stream()]
	var events []event.Event
	var err error
	switch c := ask.Cmd.(type) {
	case inventory.Receive:
		events, _, err = c.Decide(s, d.Now())
	case inventory.Adjust:
		events, _, err = c.Decide(d.Now())
	default:
		err = fmt.Errorf("no command of this door: %T", c)
	}
	return keep(d.stock, key.Stream(), inventory.Fold, s, events, err)
}

func keep[S any](in map[string]S, stream string, f event.Fold[S], s S, events []event.Event, err error) (door.Reply, error) {
	if err != nil {
		return door.Reply{}, err
	}
	if s, err = f.Replay(s, events...); err != nil {
		return door.Reply{}, err
	}
	in[stream] = s
	return reply(s, len(events) > 0)
}

func reply(s any, created bool) (door.Reply, error) {
	b, err := json.Marshal(s)
	return door.Reply{Created: created, Body: b}, err
}
