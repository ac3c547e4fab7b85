package simulate

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/label"
	truckload "github.com/paklog/hub/core/load"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/manifest"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/reservation"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/core/wave"
	"github.com/paklog/hub/routes"
)

// dock is where trucks stand.
const dock = "DOCK-1"

// minutes is a time from now on, between two bounds.
func (f *floor) minutes(from, to int) time.Time {
	return f.r.now.Add(time.Duration(from*60+f.rng.IntN((to-from)*60)) * time.Second)
}

// document lets an order come as a partner's document does: by a command on its topic, which
// may come twice.
func (f *floor) document(p order.Place) {
	rec, err := routes.PlaceCommand(p)
	if err != nil {
		f.r.fail("writing a command: %v", err)
		return
	}
	for again := true; again; again = f.one(10) {
		f.submit(rec)
	}
}

// submit makes a record durable that a partner's connection brought. A connection that got no
// answer brings it again.
func (f *floor) submit(rec journal.Record) {
	r := f.r
	for {
		err := r.guard(func() error {
			rec.ID, rec.Schema, rec.Time = journal.NewID(r.now, [10]byte([]byte(fmt.Sprintf("%010d", r.world.IntN(1e9))))), 1, r.now
			_, err := r.bus.Submit(r.ctx, &journal.Unit{Records: []journal.Record{rec}})
			return err
		})
		if !r.killed {
			if err != nil {
				r.fail("bringing a document: %v", err)
			}
			return
		}
		if err := r.start(); err != nil {
			r.fail("starting the hub again: %v", err)
			return
		}
	}
}

// delivery lets goods be announced, arrive and be received, with too few or damaged ones.
func (f *floor) delivery(i, face int, qty int64) {
	it := f.items[i]
	id := fmt.Sprintf("ASN-%d", f.asked)
	line := receiving.Line{No: 1, Item: it.sku, Qty: qty}
	if it.lot {
		line.Lot, line.Expiry = "L"+id, inventory.Date(f.r.now.AddDate(0, 0, 20+f.rng.IntN(200)).Format(time.DateOnly))
	}
	f.must(door.Receipts, it.at, id, receiving.Announce{Announcement: receiving.Announcement{Kind: receiving.KindASN, Lines: []receiving.Line{line}}})
	at := it.faces[face]
	if f.one(2) {
		at = dock // and is put away
	}
	f.r.agenda.add(f.minutes(20, 90), func() {
		f.may(door.Receipts, it.at, id, receiving.Arrive{Dock: dock})
		left := qty
		if f.one(8) {
			left-- // it did not come
		}
		c := receiving.Receive{Place: inventory.Place{Location: at, Lot: line.Lot}, Line: 1, Item: it.sku, Expiry: line.Expiry, Entry: "1"}
		if left > 1 && f.one(8) {
			c.Qty, c.Condition, c.Reason = 1, receiving.Damaged, "wet"
			left--
			if f.ask(door.Receipts, it.at, id, c) == nil {
				f.put(it.at.Book(it.sku), c.Place, 1)
			}
			c.Entry, c.Condition, c.Reason = "2", receiving.Good, ""
		}
		if c.Qty = left; left > 0 && f.ask(door.Receipts, it.at, id, c) == nil {
			f.put(it.at.Book(it.sku), c.Place, left)
		}
		f.may(door.Receipts, it.at, id, receiving.Close{})
	})
}

// holdBack reserves goods for somebody who has not ordered yet.
func (f *floor) holdBack() {
	it := f.item()
	c := reservation.Place{
		BookKey: inventory.BookKey{Scope: it.at, Item: it.sku}, ID: fmt.Sprintf("R-%d", f.asked), Kind: reservation.Soft,
		Qty: int64(1 + f.rng.IntN(5)), Priority: f.rng.IntN(4), Expires: f.minutes(5, 300),
	}
	if f.one(2) {
		c.Kind = reservation.Hard
	}
	f.may(door.Stock, it.at, c.ID, c)
	if f.one(3) {
		f.r.agenda.add(f.minutes(1, 60), func() {
			f.may(door.Stock, it.at, c.ID, reservation.Reduce{Qty: 1, Reason: "changed"})
		})
	}
}

// parcel asks for the label of what is no carton here, and gives one of two back.
func (f *floor) parcel() {
	s := f.item().at
	got, err := f.answer(door.Postage, s, "", ship.AskPostage{Weight: measure.Kilogram, Parties: ship.PostageParties{To: home}})
	if err != nil {
		f.r.fail("no label is to be had on request: %v", err)
		return
	}
	var p ship.Postage
	if err := json.Unmarshal(got, &p); err != nil {
		f.r.fail("reading a postage: %v", err)
		return
	}
	if f.one(2) {
		f.r.agenda.add(f.minutes(0, 30), func() { f.may(door.Postage, s, p.ID, ship.VoidPostage{Reason: "not sent"}) })
	}
}

// closeAisle takes a place out of use for a while.
func (f *floor) closeAisle() {
	it := f.item()
	code := it.faces[0]
	f.may(door.Master, it.at, code, location.Block{Reason: "spill"})
	f.r.agenda.add(f.minutes(10, 120), func() { f.may(door.Master, it.at, code, location.Unblock{}) })
}

// meddles lets clerks see what happens and step in: a wave is taken back, an order is cancelled
// whose first carton has its label, one that waits past its date goes on or ends.
func (f *floor) meddles(e event.Event) {
	n := f.r.cfg.Faults.Changes
	switch e := e.(type) {
	case wave.Released:
		if f.one(n) {
			s := scope.Scope{Tenant: e.Tenant, Owner: f.items[0].at.Owner, Facility: e.Facility}
			f.r.agenda.add(f.minutes(0, 20), func() { f.may(door.Waves, s, e.Wave, wave.Cancel{Reason: "truck"}) })
		}
	case order.Held:
		if e.By != "order.cancel_after" {
			return
		}
		cmd := any(order.Release{})
		if f.one(2) {
			cmd = order.Cancel{Reason: "too late"}
		}
		f.r.agenda.add(f.minutes(10, 300), func() { f.may(door.Orders, e.Scope, e.Order, cmd) })
	case truckload.Departed:
		for _, c := range e.Cartons {
			f.tooLate(e.Scope, c.Owner, c.Order)
		}
	case manifest.Closed:
		for _, c := range e.Cartons {
			f.tooLate(e.Scope, c.Owner, c.Order)
		}
	case label.Bought:
		f.changesMind(e.Scope, e.Order)
	}
}

// tooLate lets a customer cancel, now and then, what a truck has just taken.
func (f *floor) tooLate(building scope.Scope, owner, number string) {
	f.changesMind(scope.Scope{Tenant: building.Tenant, Owner: owner, Facility: building.Facility}, number)
}

// changesMind lets a customer cancel an order now and then.
func (f *floor) changesMind(s scope.Scope, number string) {
	if f.one(f.r.cfg.Faults.Changes) && f.r.now.Before(f.r.end().Add(-lastChange)) {
		f.r.agenda.add(f.r.now, func() { f.may(door.Orders, s, number, order.Cancel{Reason: "customer"}) })
	}
}
