package routes

import (
	"context"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/reservation"
	"github.com/paklog/hub/core/scope"
)

// reservationEnded is the timer of a reservation's end.
const reservationEnded = "reservation.Ended"

// refReservation is the kind of an order's reference that names a reservation for it.
const refReservation = "reservation"

// theReservation is what the timer carries.
type theReservation struct {
	Scope scope.Scope `json:"scope"`
	ID    string      `json:"reservation"`
}

func (f *Flows) addReservations() error {
	return f.hub.Add(Route{
		Name: "stock.reservation", About: "gives reservations back when their time is over",
		Topics: []string{onInventory}, Handle: f.endReservation,
		Types:  takes(reservation.Placed{}, reservation.Extended{}),
		Writes: []string{onInventory},
	})
}

func (f *Flows) endReservation(ctx context.Context, m *Message) (*Out, error) {
	d := f.decide(ctx, m)
	switch e := m.Event.(type) {
	case reservation.Placed:
		d.out.Timer(e.Stream(), e.Key(), reservationEnded, e.Expires, theReservation{e.Scope, e.ID})
	case reservation.Extended:
		d.out.Timer(e.Stream(), e.Key(), reservationEnded, e.Expires, theReservation{e.Scope, e.ID})
	case nil:
		var r theReservation
		if err := m.Decode(&r); err != nil {
			return nil, err
		}
		held := d.reservation(r.Scope, r.ID)
		if held.Qty > 0 && m.Now.Before(held.Expires) {
			// It was extended, or the clock was set back since the timer fired.
			d.out.Timer(reservation.StreamOf(r.Scope, r.ID), m.Key, reservationEnded, held.Expires, r)
		}
		events, err := held.Expire(m.Now)
		d.giveUp(r.Scope, r.ID, events, err)
	}
	return d.done()
}

func (d *decision) reservation(s scope.Scope, id string) reservation.Reservation {
	return load(d, d.f.reservations, reservation.StreamOf(s, id))
}

// giveUp records that a reservation holds less and makes that stock free.
func (d *decision) giveUp(s scope.Scope, id string, events []event.Event, err error) {
	add(d, d.f.reservations, reservation.StreamOf(s, id), events, err)
	for _, e := range events {
		r, ok := e.(reservation.Reduced)
		if !ok || d.err != nil {
			continue
		}
		of := inventory.For{Hold: r.ID}
		if len(r.Pieces) == 0 {
			evs, posts, err := inventory.Release{BookKey: r.BookKey, For: of, Qty: r.Qty, Reason: r.Reason}.Decide(d.m.Now)
			d.onStock(r.BookKey, evs, posts, err)
		}
		for _, p := range r.Pieces {
			evs, posts, err := inventory.Deallocate{BookKey: r.BookKey, For: of, Place: p.Place, Qty: p.Qty, Reason: r.Reason}.Decide(d.m.Now)
			d.onStock(r.BookKey, evs, posts, err)
		}
	}
}

// askReservation takes what is about a reservation; done is false where the command is not.
func (d *decision) askReservation(a *door.Ask) (got answered, done bool, err error) {
	s, id := a.Scope, a.ID
	var events []event.Event
	switch c := a.Cmd.(type) {
	case reservation.Place:
		c.BookKey = bookOf(c.BookKey, inventory.BookKey{Scope: a.Scope})
		s, id = c.Scope, c.ID
		events = d.placeReservation(c)
	case reservation.Extend:
		events, err = d.reservation(s, id).Extend(c, d.m.Now)
		add(d, d.f.reservations, reservation.StreamOf(s, id), events, err)
	case reservation.Reduce:
		if c.By == "" {
			c.By = a.Actor
		}
		events, err = d.reservation(s, id).Reduce(c, d.m.Now)
		d.giveUp(s, id, events, err)
	default:
		return answered{}, false, nil
	}
	return answered{d.reservation(s, id), len(events) > 0}, true, d.err
}

// placeReservation promises the goods, gives a hard one its places, and says what is held.
func (d *decision) placeReservation(c reservation.Place) []event.Event {
	r := d.reservation(c.Scope, c.ID)
	placed, err := r.Place(c, nil, d.m.Now)
	if err != nil {
		d.fail(err)
	}
	if d.err != nil || len(placed) == 0 {
		return nil
	}
	if !d.item(c.Scope, c.Item).Known() {
		d.fail(missing("routes.Reservation", "item", "item "+c.Item+" is not known: register it first"))
		return nil
	}
	of := inventory.For{Hold: c.ID}
	events, posts, err := inventory.Reserve{BookKey: c.BookKey, For: of, Qty: c.Qty}.Decide(d.balance, d.m.Now)
	d.onStock(c.BookKey, events, posts, err)
	var pieces []reservation.Piece
	if c.Kind == reservation.Hard && d.err == nil {
		how := d.allocation(c.BookKey, of, c.Qty)
		how.Lot, how.Partial = c.Lot, false
		if how.MinExpiry = c.MinExpiry; c.MinExpiry != "" {
			how.MinExpiryBy = inventory.ByLine
		}
		events, posts, err := how.Decide(d.places(c.BookKey), d.m.Now)
		d.onStock(c.BookKey, events, posts, err)
		for _, e := range events {
			if a, ok := e.(inventory.StockAllocated); ok {
				pieces = append(pieces, reservation.Piece{Place: a.Place, Qty: a.Qty})
			}
		}
	}
	placed, err = r.Place(c, pieces, d.m.Now)
	add(d, d.f.reservations, reservation.StreamOf(c.Scope, c.ID), placed, err)
	return placed
}

// consume gives an order the reservations that it names. What had a place keeps it. One that
// ships whole or not at all takes them only where they, with what is free, make it whole.
func (d *decision) consume(s scope.Scope, number string) {
	o := d.order(s, number)
	if d.err != nil {
		return
	}
	for _, ref := range o.Refs {
		if ref.Kind != refReservation || scope.CheckPart(ref.Value) != nil {
			continue
		}
		r := d.reservation(o.Scope, ref.Value)
		if d.err != nil || r.Qty == 0 {
			continue
		}
		whole := o.Policy == order.AllOrNothing
		if whole && !d.makesWhole(o) {
			return
		}
		for _, l := range d.order(s, number).Lines {
			r := d.reservation(o.Scope, ref.Value)
			n := min(r.Qty, l.Unassigned())
			if n <= 0 || l.SKU != r.Item || l.Held() || d.err != nil {
				continue
			}
			events, err := r.Reduce(reservation.Reduce{Qty: n, Reason: reservation.Consumed, Order: number}, d.m.Now)
			if r.Kind == reservation.Soft || whole || l.Lot != "" {
				d.giveUp(o.Scope, r.ID, events, err) // and promised to the order a moment later
				continue
			}
			add(d, d.f.reservations, reservation.StreamOf(o.Scope, r.ID), events, err)
			for _, e := range events {
				d.takeOver(o.Scope, number, l, inventory.For{Hold: r.ID}, e.(reservation.Reduced).Pieces, "reservation", 0)
			}
		}
	}
}

// makesWhole reports whether an order's reservations and what is free cover all of it.
func (d *decision) makesWhole(o order.Order) bool {
	need := map[string]int64{}
	for _, l := range o.Lines {
		need[l.SKU] += l.Unassigned()
		if l.Backordered > 0 || l.Held() {
			return false
		}
	}
	for _, ref := range o.Refs {
		if ref.Kind == refReservation && scope.CheckPart(ref.Value) == nil {
			r := d.reservation(o.Scope, ref.Value)
			need[r.Item] -= r.Qty
		}
	}
	for sku, n := range need {
		if n > 0 && n > d.balance(o.Scope.Book(sku), inventory.ATP) {
			return false
		}
	}
	return true
}

// takeOver gives a line of an order goods that lie where somebody else had them.
func (d *decision) takeOver(s scope.Scope, number string, l order.Line, from inventory.For, pieces []reservation.Piece, reason string, priority int) {
	o := d.order(s, number)
	k := keyOf(s, l.SKU)
	w := d.work(s, number)
	var n int64
	for _, p := range pieces {
		events, err := inventory.Reassign{
			BookKey: k, Place: p.Place, From: from, To: inventory.For{Order: number, Line: l.No}, Qty: p.Qty, Reason: reason,
			FromPriority: priority, ToPriority: o.Priority,
		}.Decide(d.m.Now)
		d.onStock(k, events, nil, err)
		w.Places = append(w.Places, piece{l.No, l.SKU, p.Place, p.Qty})
		n += p.Qty
	}
	if n == 0 || d.err != nil {
		return
	}
	w.changed()
	lines := []order.LineQty{{Line: l.No, Qty: n}}
	events, err := o.Reserve(order.Reserve{Lines: lines}, d.m.Now)
	d.onOrder(s, number, events, err)
	events, err = d.order(s, number).Allocate(order.Allocate{Lines: lines}, d.m.Now)
	d.onOrder(s, number, events, err)
}
