package simulate

import (
	"strings"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/reservation"
	"github.com/paklog/hub/core/scope"
)

// arrival is what somebody outside asked for, as its event tells it.
type arrival struct {
	at    time.Time
	door  string
	scope scope.Scope
	id    string
	cmd   any
}

// again asks for it again. The answer may be another one: less is there, or another is.
func (a arrival) again(f *floor) {
	if f.ask(a.door, a.scope, a.id, a.cmd) != nil {
		return
	}
	// And on the shelf lies what the books are told.
	book := a.scope.Book(a.id)
	switch c := a.cmd.(type) {
	case inventory.Receive:
		f.put(book, c.Place, c.Qty)
	case inventory.Adjust:
		f.put(book, c.Place, c.Delta)
	case inventory.Transfer:
		f.put(book, c.To, -f.put(book, c.From, -c.Qty))
	}
}

// outside reports whether a record was asked for from outside: by a door, or by a document.
func outside(source string) bool {
	return strings.HasPrefix(source, "door.") || source == "order.place"
}

// arrivals collects what of a unit came from outside.
func (f *Fork) arrivals(reg *event.Registry, u *journal.Stored) error {
	for i := range u.Unit.Records {
		r := &u.Unit.Records[i]
		if r.Stream == "" || !outside(r.Source) || r.Source == door.Floor {
			continue
		}
		e, err := reg.Decode(event.Encoded{Type: r.Type, Schema: int(r.Schema), Data: r.Data, Subject: r.Subject, Personal: r.Personal})
		if err != nil {
			return err
		}
		a, known := arrivalOf(e)
		switch {
		case a.cmd != nil:
			a.at = r.Time
			f.list = append(f.list, a)
		case !known:
			f.Skipped[r.Type]++
		}
	}
	return nil
}

// arrivalOf is the command that an event answered. One that is known and has none is what the
// hub decided itself in the same unit.
func arrivalOf(e event.Event) (a arrival, known bool) {
	order_ := func(h order.Head, cmd any) (arrival, bool) {
		return arrival{door: door.Orders, scope: h.Scope, id: h.Order, cmd: cmd}, true
	}
	stock := func(h inventory.Head, cmd any) (arrival, bool) {
		return arrival{door: door.Stock, scope: h.Scope, id: h.Item, cmd: cmd}, true
	}
	switch e := e.(type) {
	case order.Accepted:
		return order_(e.Head, placed(e))
	case order.Changed:
		return order_(e.Head, changed(e))
	case order.Cancelled:
		c := order.Cancel{Reason: e.Reason, By: e.By}
		for _, l := range e.Lines {
			c.Lines = append(c.Lines, l.Line)
		}
		return order_(e.Head, c)
	case order.Held:
		return order_(e.Head, order.Hold{Reason: e.Reason, By: e.By})
	case order.Released:
		return order_(e.Head, order.Release{By: e.By})
	case order.HoldLifted:
		return order_(e.Head, order.Release{Reason: e.Reason, By: e.By})
	case order.LineReleased:
		return order_(e.Head, order.ReleaseLine{Line: e.Line, Item: e.Item})
	case item.Registered:
		return arrival{door: door.Master, scope: e.Scope, id: e.SKU, cmd: item.Register{Spec: e.Spec, Update: true}}, true
	case item.Changed:
		return arrival{door: door.Master, scope: e.Scope, id: e.SKU, cmd: item.Register{Spec: e.Spec, Update: true}}, true
	case location.Registered:
		return arrival{door: door.Master, scope: e.Scope, id: e.Code, cmd: location.Register{Spec: e.Spec, Update: true}}, true
	case location.Changed:
		return arrival{door: door.Master, scope: e.Scope, id: e.Code, cmd: location.Register{Spec: e.Spec, Update: true}}, true
	case location.Blocked:
		return arrival{door: door.Master, scope: e.Scope, id: e.Code, cmd: location.Block{Reason: e.Reason, By: e.By}}, true
	case location.Unblocked:
		return arrival{door: door.Master, scope: e.Scope, id: e.Code, cmd: location.Unblock{By: e.By}}, true
	case inventory.StockReceived:
		return stock(e.Head, inventory.Receive{
			Place: e.Place, Stage: e.Stage, Qty: e.Qty, Expiry: e.Expiry, From: e.From, Reference: e.Reference, Serials: e.Serials,
		})
	case inventory.StockAdjusted:
		return stock(e.Head, inventory.Adjust{Place: e.Place, Stage: e.Stage, Delta: e.Delta, Reason: e.Reason, By: e.By, Serials: e.Serials})
	case inventory.StockTransferred:
		return stock(e.Head, inventory.Transfer{From: e.From, To: e.To, Qty: e.Qty})
	case reservation.Placed:
		return arrival{door: door.Stock, scope: e.Scope, id: e.ID, cmd: reservation.Place{
			BookKey: e.BookKey, ID: e.ID, Kind: e.Kind, Qty: e.Qty, Priority: e.Priority, Expires: e.Expires, Reference: e.Reference,
		}}, true
	case order.Reserved, order.Backordered, order.LineHeld, order.Shorted, inventory.StockReserved, inventory.StockAllocated, inventory.StockReleased:
		return arrival{}, true // decided with the order, or the reservation
	}
	return arrival{}, false
}

func placed(e order.Accepted) order.Place {
	p := order.Place{
		Scope: e.Scope, Number: e.Order, Policy: e.Policy, Priority: e.Priority, Service: e.Service, Dates: e.Dates, Refs: e.Refs, Source: e.Source,
		ShipTo: e.Parties.ShipTo, BillTo: e.Parties.BillTo, Notes: e.Parties.Notes,
	}
	for _, l := range e.Lines {
		p.Lines = append(p.Lines, placedLine(l))
	}
	return p
}

func placedLine(l order.AcceptedLine) order.PlaceLine {
	return order.PlaceLine{No: l.No, Ref: l.Ref, Item: l.Item, Codes: l.Codes, Qty: l.Qty, UOM: l.UOM, Lot: l.Lot, MinExpiry: l.MinExpiry}
}

func changed(e order.Changed) order.Change {
	c := order.Change{Reason: e.Reason, By: e.By}
	for _, l := range e.Lines {
		c.Lines = append(c.Lines, order.ChangeLine{Line: l.Line, Qty: l.Qty, UOM: l.UOM})
	}
	for _, l := range e.Added {
		c.Add = append(c.Add, placedLine(l))
	}
	for _, f := range e.Fields {
		switch f {
		case order.FieldShipTo:
			c.ShipTo = &e.ShipTo
		case order.FieldService:
			c.Service = &e.Service
		case order.FieldDates:
			c.Dates = &e.Dates
		case order.FieldPriority:
			c.Priority = &e.Priority
		}
	}
	return c
}
