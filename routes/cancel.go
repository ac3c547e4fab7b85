package routes

import (
	"cmp"
	"context"
	"slices"

	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/label"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
)

const cancelled = "order cancelled"

func (f *Flows) addCancelling() error {
	return f.hub.Add(Route{
		Name: "order.cancel", About: "undoes what was done for a cancelled order: promises, places, totes, cartons, labels",
		Topics: []string{onOrders}, Handle: f.compensate,
		Types:  takes(order.Cancelled{}),
		Writes: []string{onOrders, onInventory, onTasks, onPicks, onPacks, onPutAways},
	})
}

// compensate undoes, in one unit, what was done for the cancelled lines. The order counts
// them as cancelled since the command, so nobody does more for them meanwhile.
func (f *Flows) compensate(ctx context.Context, m *Message) (*Out, error) {
	e, ok := m.Event.(order.Cancelled)
	if !ok {
		return m.Out(), nil
	}
	d := f.decide(ctx, m)
	o := d.order(e.Scope, e.Order)
	if d.err != nil {
		return nil, d.err
	}
	s := o.Scope
	gone := map[int]bool{}
	for _, l := range e.Lines {
		gone[l.Line] = true
		if l.Release > 0 {
			k := keyOf(s, l.Item)
			events, posts, err := inventory.Release{
				BookKey: k, For: inventory.For{Order: e.Order, Line: l.Line}, Qty: l.Release, Reason: cancelled,
			}.Decide(m.Now)
			d.onStock(k, events, posts, err)
		}
		if !hasLine(o, func(x order.Line) bool { return x.SKU == l.Item && x.Backordered > 0 }) {
			d.waitsNoMore(s, e.Order, l.Item)
		}
	}
	d.undoPlaces(o, gone)
	d.undoTotes(o, gone)
	d.undoCartons(o, gone)
	d.manifest(s, e.Order, "")
	return d.done()
}

// undoPlaces takes back what was allocated. Tasks are ended for it; what other lines had
// left in them gets a new one.
func (d *decision) undoPlaces(o order.Order, gone map[int]bool) {
	s, number := o.Scope, o.Number
	w := d.work(s, number)
	if slices.ContainsFunc(w.Tasks, func(id string) bool { return d.touches(s, number, id, gone) }) {
		d.recallTasks(o, cancelled)
	}
	var keep []piece
	for _, p := range w.Places {
		if !gone[p.Line] {
			keep = append(keep, p)
			continue
		}
		k := keyOf(s, p.Item)
		events, posts, err := inventory.Deallocate{
			BookKey: k, For: inventory.For{Order: number, Line: p.Line}, Place: p.Place, Qty: p.Qty, Reason: cancelled,
		}.Decide(d.m.Now)
		d.onStock(k, events, posts, err)
	}
	if len(keep) != len(w.Places) {
		w.Places = keep
		w.changed()
	}
	d.makeTask(s, number)
}

// touches reports whether a task is to fetch something for the lines of an order.
func (d *decision) touches(s scope.Scope, number, id string, lines map[int]bool) bool {
	for _, st := range d.task(d.whereTask(s, id), id).Steps {
		if lines[st.Line] && st.Order == number && cmp.Or(st.Owner, s.Owner) == s.Owner {
			return true
		}
	}
	return false
}

// undoTotes puts back what was picked: loose in totes, or in the open packing.
func (d *decision) undoTotes(o order.Order, gone map[int]bool) {
	s, number := o.Scope, o.Number
	w := d.work(s, number)
	if w.Pack != "" {
		p := d.packing(s, w.Pack)
		if slices.ContainsFunc(p.Loose(), func(c pack.Content) bool { return gone[c.Line] }) {
			events, err := p.Cancel(pack.Cancel{Reason: cancelled}, d.m.Now)
			d.onPacking(s, w.Pack, events, err)
			// What is loose is packed anew; cartons that are closed stay as they are and
			// are shipped with what comes.
			for _, c := range p.Loose() {
				w.Totes = addContent(w.Totes, c)
			}
			d.planLeft(o, w, p)
			w.Pack = ""
			w.changed()
		}
	}
	var keep []pack.Content
	for _, c := range w.Totes {
		if !gone[c.Line] {
			keep = append(keep, c)
			continue
		}
		d.putBack(o, c, inventory.InTote(c.Lot, c.Tote))
	}
	if len(keep) != len(w.Totes) {
		w.Totes = keep
		w.changed()
	}
	d.freeSlot(s, number)
}

// planLeft lets the shipment wait for the cartons of a packing that ends before it is
// complete.
func (d *decision) planLeft(o order.Order, w *heldWork, p pack.Packing) {
	var cartons []string
	for _, c := range p.Cartons {
		if _, here := w.carton(c.Carton); here {
			cartons = append(cartons, c.Carton)
		}
	}
	if len(cartons) == 0 || d.err != nil {
		return
	}
	events, err := d.shipment(o.Scope, o.Number).Plan(ship.PlanShipment{
		Scope: o.Scope, Shipment: o.Number, Order: o.Number, Wave: p.Wave, Cartons: cartons,
	}, d.m.Now)
	d.onShipment(o.Scope, o.Number, events, err)
}

// putBack takes goods from their order that lie in a tote, a slot or a carton. They wait there to be
// put away, best where they were picked from, and nobody is promised them before.
func (d *decision) putBack(o order.Order, c pack.Content, from inventory.Account) {
	home, found := d.work(o.Scope, o.Number).homeOf(c.Item, c.Lot)
	if !found {
		d.fail(missing("routes.PutBack", "location", "nobody knows where item "+c.Item+" was picked from"))
		return
	}
	k, in := keyOf(o.Scope, c.Item), inventory.Place{Location: from.LPN, Lot: c.Lot}
	events, posts, err := inventory.PutBack{
		BookKey: k, For: inventory.For{Order: o.Number, Line: c.Line}, From: from, To: in, Qty: c.Qty, Reason: cancelled, Serials: c.Serials,
		Stage: inventory.Received,
	}.Decide(d.m.Now)
	if d.onStock(k, events, posts, err) {
		d.waits(k, in.Location)
		d.putLater(toPutAway{Scope: o.Scope, Location: in.Location, Goods: []loading{{c.Item, c.Lot}}, Home: home.Location})
	}
}

// undoCartons takes the goods out of closed cartons. An emptied carton leaves its shipment
// and its label is given back; all are dropped in this unit, those that are ready first, so
// that nothing confirms goods which went back.
func (d *decision) undoCartons(o order.Order, gone map[int]bool) {
	s, number := o.Scope, o.Number
	w := d.work(s, number)
	var keep []carton
	var emptied, lighter []string
	touched := false
	for _, c := range w.Cartons {
		var left []pack.Content
		for _, x := range c.Contents {
			if gone[x.Line] {
				touched = true
				d.putBack(o, x, inventory.InCarton(x.Lot, c.SSCC))
			} else {
				left = append(left, x)
			}
		}
		if len(left) == 0 {
			emptied = append(emptied, c.SSCC)
			continue
		}
		if len(left) < len(c.Contents) {
			lighter = append(lighter, c.SSCC)
		}
		c.Contents = left
		keep = append(keep, c)
	}
	if !touched || d.err != nil {
		return
	}
	w.Cartons = keep
	w.changed()
	sh := d.shipment(s, number)
	ready := func(sscc string) bool {
		return slices.ContainsFunc(sh.Ready, func(m ship.Manifested) bool { return m.Carton == sscc })
	}
	slices.SortStableFunc(emptied, func(a, b string) int {
		switch {
		case ready(a) == ready(b):
			return 0
		case ready(a):
			return -1
		}
		return 1
	})
	// One that is ready with what it held is waited for again, and taken with what it holds.
	lighter = slices.DeleteFunc(lighter, func(sscc string) bool { return !ready(sscc) })
	for _, sscc := range lighter {
		d.dropCarton(s, number, sscc, cancelled)
	}
	if len(lighter) > 0 && d.err == nil {
		events, err := d.shipment(s, number).Plan(ship.PlanShipment{Scope: s, Shipment: number, Order: number, Cartons: lighter}, d.m.Now)
		d.onShipment(s, number, events, err)
	}
	for _, sscc := range emptied {
		d.dropLabel(s, number, sscc)
		d.dropCarton(s, number, sscc, cancelled)
	}
}

// dropLabel gives back the label of a carton that does not leave, or sees to it that the
// one which is being bought is given back.
func (d *decision) dropLabel(s scope.Scope, number, sscc string) {
	l := d.label(s, sscc)
	if d.err != nil {
		return
	}
	switch l.Status {
	case label.StatusRequested:
		events, err := l.Refuse(label.Refuse{Attempt: l.Attempt, Code: byCancel, Reason: cancelled}, d.m.Now)
		d.onLabel(s, sscc, events, err)
	case label.StatusBought:
		d.giveBack(l.Carrier, voiding{s, sscc, number, bought{Label: ship.Label{
			Connection: l.Carrier, ShipmentID: l.Shipment, TrackingNumber: l.Tracking, Service: ship.Service{Code: l.Service},
		}}, cancelled})
	case label.StatusNone, label.StatusVoided, label.StatusRefused: // nothing to give back
	}
}
