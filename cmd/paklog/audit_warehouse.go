package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/paklog/hub/core/catalog"
	"github.com/paklog/hub/core/count"
	"github.com/paklog/hub/core/crew"
	"github.com/paklog/hub/core/crossref"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/label"
	"github.com/paklog/hub/core/labor"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/owner"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/reservation"
	"github.com/paklog/hub/core/returns"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/wave"
)

// warehouse audits what the journal says about a warehouse, beyond what every journal must.
type warehouse struct {
	d   journal.Driver
	r   *auditReport
	reg *event.Registry

	busy    bool // work was under way: stock may stand for orders that gave it back already
	effects []openMessage
	where   map[journal.ID]journal.Pos // messages of open effects
	holds   map[string]*held           // by stock book
	told    map[string]toldStock       // by stock book
	stands  map[string]string          // location by LPN of a building
	labels  map[string]string          // carton by standing label
	laid    map[string][]dated[facility.Spec]
	lies    map[string][]dated[location.Spec]
}

// held is what orders say that they hold of a book.
type held struct{ reserved, allocated, picked, packed int64 }

func (w *warehouse) audit(ctx context.Context) error {
	var err error
	if w.reg, err = event.NewRegistry(catalog.Schemas()...); err != nil {
		return err
	}
	w.holds, w.labels = map[string]*held{}, map[string]string{}
	w.laid, w.lies = map[string][]dated[facility.Spec]{}, map[string][]dated[location.Spec]{}
	w.r.Streams = map[string]int{}
	for _, step := range []func(context.Context) error{w.parked, w.streams, w.books, w.openEffects, w.letters} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("auditing the warehouse: %w", err)
		}
	}
	return nil
}

// parked notes work that waits in a route of the warehouse. What waits at the doors of
// partners holds no stock back.
func (w *warehouse) parked(ctx context.Context) error {
	return scanRows(ctx, w.d, journal.TablePark, "", func(row journal.Row) error {
		sub, _, _, err := journal.ParseParkKey(row.Key)
		if !strings.HasPrefix(sub, "x12.") && !strings.HasPrefix(sub, "out.") {
			w.busy = true
		}
		return err
	})
}

// stream is a stream being folded: add takes its events in order, end looks at the state.
type stream interface {
	add(context.Context, *journal.Record, event.Event) error
	end()
}

type folding[S any] struct {
	fold  event.Fold[S]
	state S
	check func(S)
}

func (f *folding[S]) add(_ context.Context, _ *journal.Record, e event.Event) error {
	next, err := f.fold.Apply(f.state, e)
	if err == nil {
		f.state = next
	}
	return err
}

func (f *folding[S]) end() {
	if f.check != nil {
		f.check(f.state)
	}
}

// fold is how a stream of a kind is read, nil for one that is no aggregate.
func (w *warehouse) fold(kind string) stream {
	switch kind {
	case "order":
		return &folding[order.Order]{fold: order.Fold, check: w.order}
	case "stock":
		return &folding[inventory.Stock]{fold: inventory.Fold, check: w.stock}
	case "label":
		return &folding[label.Label]{fold: label.Fold, check: w.label}
	case "owner":
		return &folding[owner.Owner]{fold: owner.Fold}
	case "crossref":
		return &folding[crossref.Entry]{fold: crossref.Fold}
	case "facility":
		return &folding[facility.Facility]{fold: facility.Fold}
	case "count":
		return &folding[count.Count]{fold: count.Fold}
	case "receipt":
		return &folding[receiving.Receipt]{fold: receiving.Fold}
	case "return":
		return &folding[returns.Return]{fold: returns.Fold}
	case "reservation":
		return &folding[reservation.Reservation]{fold: reservation.Fold, check: w.reservation}
	case "item":
		return &folding[item.Item]{fold: item.Fold}
	case "location":
		return &folding[location.Location]{fold: location.Fold}
	case "workload":
		return &folding[labor.Workload]{fold: labor.Fold}
	case "wave":
		return &touring{folding: folding[wave.Wave]{fold: wave.Fold}, w: w}
	case "task":
		return &folding[task.Task]{fold: task.Fold}
	case "worker":
		return &folding[crew.Worker]{fold: crew.Fold}
	case "pick":
		return &folding[pick.List]{fold: pick.Fold}
	case "pack":
		return &folding[pack.Packing]{fold: pack.Fold}
	case "ship":
		return &folding[ship.Shipment]{fold: ship.ConfirmFold}
	}
	return nil
}

// streams folds every aggregate from its events.
func (w *warehouse) streams(ctx context.Context) error {
	for after := ""; ; {
		heads, err := w.d.Heads(ctx, after, 500)
		if err != nil {
			return err
		}
		for _, h := range heads {
			after = h.Stream
			kind, _, _ := strings.Cut(h.Stream, "/")
			w.r.Streams[kind]++
			if s := w.fold(kind); s != nil {
				if err := w.replay(ctx, h.Stream, s); err != nil {
					return err
				}
			}
		}
		if len(heads) < 500 {
			return nil
		}
	}
}

func (w *warehouse) replay(ctx context.Context, name string, s stream) error {
	for after := uint64(0); ; {
		records, err := w.d.Stream(ctx, name, after, 500)
		if err != nil {
			// The journal's own audit has said what cannot be read.
			w.r.find("event", 0, "Stream %s cannot be read after version %d: %v.", name, after, err)
			return ctx.Err()
		}
		for i := range records {
			r := &records[i]
			after = r.Version
			e, err := w.reg.Decode(encoded(*r))
			if err != nil {
				w.r.find("event", r.Pos, "The event %s at %d cannot be read: %v.", r.Type, r.Pos, err)
				return nil
			}
			if err := s.add(ctx, r, e); err != nil {
				w.r.find(kindOf(name), r.Pos, "%s at %d does not follow from what came before it in %s: %v.", r.Type, r.Pos, name, err)
				return nil
			}
		}
		if len(records) < 500 {
			s.end()
			return nil
		}
	}
}

func kindOf(stream string) string {
	kind, _, _ := strings.Cut(stream, "/")
	return kind
}

// order holds the line law, and notes what the lines hold of the stock.
func (w *warehouse) order(o order.Order) {
	if !o.Exists() {
		return
	}
	for _, l := range o.Lines {
		for _, q := range [...]struct {
			name string
			n    int64
		}{
			{"ordered", l.Ordered}, {"reserved", l.Reserved}, {"allocated", l.Allocated}, {"picked", l.Picked}, {"packed", l.Packed},
			{"backordered", l.Backordered}, {"shipped", l.Shipped}, {"short", l.Short}, {"cancelled", l.Cancelled},
			{"open", l.Open()}, {"unassigned", l.Unassigned()},
		} {
			if q.n < 0 {
				w.r.find("order", 0, "Line %d of order %s of %s has %d %s: it no longer adds up.", l.No, o.Number, o.Scope.Owner, q.n, q.name)
			}
		}
		h := w.heldOf(o.Scope.Book(l.SKU))
		h.reserved += l.Reserved
		h.allocated += l.Allocated
		h.picked += l.Picked
		h.packed += l.Packed
	}
}

// reservation notes what is held back for no order.
func (w *warehouse) reservation(r reservation.Reservation) {
	if r.Qty == 0 {
		return
	}
	h := w.heldOf(r.Book())
	if r.Kind == reservation.Hard {
		h.allocated += r.Qty
	} else {
		h.reserved += r.Qty
	}
}

func (w *warehouse) heldOf(book string) *held {
	h := w.holds[book]
	if h == nil {
		h = &held{}
		w.holds[book] = h
	}
	return h
}

// label holds that no label stands on two cartons; that a carton has one at most is the
// fold's own law.
func (w *warehouse) label(l label.Label) {
	if l.Status != label.StatusBought {
		return
	}
	id := l.Carrier + " " + l.Tracking
	if other, twice := w.labels[id]; twice {
		w.r.find("label", 0, "Label %s stands on carton %s and on carton %s.", id, other, l.Carton)
	}
	w.labels[id] = l.Carton
}
