package simulate

import (
	"strings"
	"time"

	"github.com/paklog/hub/core/count"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/manifest"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/owner"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/reservation"
	"github.com/paklog/hub/core/returns"
	"github.com/paklog/hub/core/scan"
	"github.com/paklog/hub/core/scope"
)

// arrival is what somebody outside asked for, as its event tells it.
type arrival struct {
	at    time.Time
	door  string
	scope scope.Scope
	id    string
	cmd   any
	lies  []lying // what it changed on the shelves
}

// lying is a quantity that came to lie in a place, or left it.
type lying struct {
	book string
	at   inventory.Place
	qty  int64
}

// again asks for it again. The answer may be another one: less is there, or another is.
func (a arrival) again(f *floor) {
	if sc, ok := a.cmd.(scan.Scan); ok {
		if f.replayer == nil {
			f.replayer = &worker{f: f, name: "whatif"}
		}
		f.replayer.seq++
		sc.Seq = f.replayer.seq
		if f.replayer.send(a.scope, sc).Result != scan.Done {
			return
		}
	} else if f.ask(a.door, a.scope, a.id, a.cmd) != nil {
		return
	}
	// And on the shelf lies what the books are told.
	moved := int64(0)
	for _, l := range a.lies {
		if l.qty > 0 && moved < 0 { // of what was moved, only what was there
			l.qty = min(l.qty, -moved)
		}
		moved += f.put(l.book, l.at, l.qty)
	}
}

// outside reports whether a record was asked for from outside: by a door, by a document, or by a
// scan that had waited for those before it.
func outside(source string) bool {
	return strings.HasPrefix(source, "door.") || source == "order.place" || source == "scan.resume"
}

// arrivals collects what of a unit came from outside.
func (f *Fork) arrivals(reg *event.Registry, u *journal.Stored) error {
	var events []event.Event
	for i := range u.Unit.Records {
		r := &u.Unit.Records[i]
		if r.Stream == "" || !outside(r.Source) || r.Source == door.Floor {
			continue
		}
		e, err := reg.Decode(event.Encoded{Type: r.Type, Schema: int(r.Schema), Data: r.Data, Subject: r.Subject, Personal: r.Personal})
		if err != nil {
			return err
		}
		events = append(events, e)
	}
	if len(events) == 0 {
		return nil
	}
	list, whole := arrivalsOf(events)
	for _, e := range events {
		if whole {
			break
		}
		a, known := arrivalOf(e)
		switch {
		case a.cmd != nil:
			list = append(list, a)
		case !known:
			f.Skipped[e.EventType()]++
		}
	}
	for i := range list {
		list[i].at = u.Unit.At
	}
	f.list = append(f.list, list...)
	return nil
}

// arrivalsOf are the commands of a unit that its events answer together; false is a unit whose
// events each answer one.
func arrivalsOf(events []event.Event) (list []arrival, whole bool) {
	var lies []lying
	var accepted order.Accepted
	var split *order.SplitInto
	add := func(door string, s scope.Scope, id string, cmd any) {
		list, whole = append(list, arrival{door: door, scope: s, id: id, cmd: cmd}), true
	}
	for _, e := range events {
		switch e := e.(type) {
		case scan.Taken:
			whole = true
			// What ends a task is the simulated floor's to do.
			if sc := e.Scan; e.Result == scan.Done && (sc.Do == scan.Receive || sc.Do == scan.Sight || sc.Do == scan.Move && sc.Task == "") {
				add(door.Scans, e.Scope, e.Device, sc)
			}
		case scan.Kept: // and taken later
			whole = true
		case count.Tallied, manifest.Closed: // by people of the floor
			whole = true
		case order.SplitInto:
			split = &e
		case order.Accepted:
			accepted = e
		case order.MergedFrom:
			add(door.Orders, e.Scope, e.Order, order.Merge{From: []string{e.From}, By: e.By})
		case receiving.Announced:
			add(door.Receipts, e.Scope, e.ID, receiving.Announce{Announcement: e.Announcement})
		case receiving.Arrived:
			add(door.Receipts, e.Scope, e.ID, receiving.Arrive{Dock: e.Dock, By: e.By})
		case receiving.Received:
			c := receiving.Receive{
				Place: e.Place, Line: e.Line, Item: e.Item, Qty: e.Qty, Expiry: e.Expiry, Condition: receiving.Good,
				Reason: e.Reason, Entry: e.Entry, By: e.By, Serials: e.Serials,
			}
			if e.Stage == inventory.Damaged {
				c.Condition = receiving.Damaged
			}
			add(door.Receipts, e.Scope, e.ID, c)
		case receiving.Judged:
			add(door.Receipts, e.Scope, e.ID, receiving.Judge{Place: e.Place, Line: e.Line, Qty: e.Qty, Pass: e.Pass, Reason: "judged", Serials: e.Serials})
		case receiving.Closed:
			add(door.Receipts, e.Scope, e.ID, receiving.Close{By: e.By})
		case receiving.Cancelled:
			add(door.Receipts, e.Scope, e.ID, receiving.Cancel{Reason: e.Reason, By: e.By})
		case returns.Authorized:
			add(door.Receipts, e.Scope, e.ID, returns.Authorize{Order: e.Order, Reason: e.Reason, Lines: e.Lines})
		case returns.Received:
			add(door.Receipts, e.Scope, e.ID, returns.Receive{
				Place: e.Place, Line: e.Line, Item: e.Item, Qty: e.Qty, Expiry: e.Expiry, Entry: e.Entry, Note: e.Note, By: e.By, Serials: e.Serials, OrderLine: e.OrderLine,
			})
		case returns.Disposed:
			add(door.Receipts, e.Scope, e.ID, returns.Dispose{Place: e.Place, Line: e.Line, Qty: e.Qty, From: e.From, To: e.To, Reason: e.Reason, By: e.By, Serials: e.Serials})
		case returns.Closed:
			add(door.Receipts, e.Scope, e.ID, returns.Close{By: e.By})
		case returns.Cancelled:
			add(door.Receipts, e.Scope, e.ID, returns.Cancel{Reason: e.Reason, By: e.By})
		default:
			lies = append(lies, liesAfter(e)...)
		}
	}
	if split != nil && len(accepted.Lines) == len(split.Lines) {
		c := order.Split{To: split.To, Reason: split.Reason, By: split.By}
		for i, l := range split.Lines {
			c.Lines = append(c.Lines, order.LineQty{Line: l.Line, Qty: accepted.Lines[i].Ordered})
		}
		add(door.Orders, split.Scope, split.Order, c)
	}
	if len(list) > 0 {
		list[0].lies = lies
	}
	return list, whole
}

// liesAfter is what an event of stock changed on the shelves.
func liesAfter(e event.Event) []lying {
	switch e := e.(type) {
	case inventory.StockReceived:
		return []lying{{e.Book(), e.Place, e.Qty}}
	case inventory.StockAdjusted:
		return []lying{{e.Book(), e.Place, e.Delta}}
	case inventory.StockTransferred:
		return []lying{{e.Book(), e.From, -e.Qty}, {e.Book(), e.To, e.Qty}}
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
		return arrival{door: door.Stock, scope: h.Scope, id: h.Item, cmd: cmd, lies: liesAfter(e)}, true
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
	case owner.Registered:
		return arrival{door: door.Master, scope: e.Scope, id: e.Owner, cmd: owner.Register{Spec: e.Spec, Update: true}}, true
	case owner.Changed:
		return arrival{door: door.Master, scope: e.Scope, id: e.Owner, cmd: owner.Register{Spec: e.Spec, Update: true}}, true
	case facility.Registered:
		return arrival{door: door.Master, scope: e.Scope, id: e.Scope.Facility, cmd: facility.Register{Spec: e.Spec, Update: true}}, true
	case facility.Changed:
		return arrival{door: door.Master, scope: e.Scope, id: e.Scope.Facility, cmd: facility.Register{Spec: e.Spec, Update: true}}, true
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
		return stock(e.Head, inventory.Transfer{From: e.From, To: e.To, Qty: e.Qty, Stage: e.Stage, Serials: e.Serials})
	case reservation.Placed:
		return arrival{door: door.Stock, scope: e.Scope, id: e.ID, cmd: reservation.Place{
			BookKey: e.BookKey, ID: e.ID, Kind: e.Kind, Qty: e.Qty, Priority: e.Priority, Expires: e.Expires, Reference: e.Reference,
		}}, true
	case reservation.Reduced:
		return arrival{door: door.Stock, scope: e.Scope, id: e.ID, cmd: reservation.Reduce{Qty: e.Qty, Reason: e.Reason, Order: e.Order, By: e.By}}, true
	case order.Reserved, order.Backordered, order.LineHeld, order.Shorted, manifest.Removed, inventory.StockReserved, inventory.StockAllocated, inventory.StockDeallocated, inventory.StockReleased:
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
