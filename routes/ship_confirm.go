package routes

import (
	"context"
	"slices"
	"time"

	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/label"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
)

func (f *Flows) addShipConfirm() error {
	return f.hub.Add(Route{
		Name: "ship.confirm", About: "confirms a shipment once all its cartons are manifested; a late carton is a supplementary confirmation",
		Topics: []string{onPacks, onOrders}, Handle: f.confirmShip,
		Types:  takes(label.Bought{}, ship.Planned{}, order.Released{}),
		Writes: []string{onPacks, onOrders, onInventory},
	})
}

func (f *Flows) confirmShip(ctx context.Context, m *Message) (*Out, error) {
	var s scope.Scope
	var number, one string
	switch e := m.Event.(type) {
	case label.Bought:
		s, number, one = e.Scope, e.Order, e.Carton
	case ship.Planned:
		s, number = e.Scope, e.Order
	case order.Released:
		s, number = e.Scope, e.Order
	default:
		return m.Out(), nil
	}
	d := f.decide(ctx, m)
	d.manifest(s, number, one)
	return d.done()
}

// manifest puts one carton, or with "" all that have their label, on the manifest. With the last one the
// shipment is confirmed: the goods leave the books and the order in the same unit.
func (d *decision) manifest(s scope.Scope, number, one string) {
	o := d.order(s, number)
	w := d.work(s, number)
	sh := d.shipment(s, number)
	if d.err != nil || !sh.Known() || o.OnHold() {
		return
	}
	for _, sscc := range sh.Waiting {
		if one != "" && sscc != one {
			continue
		}
		l := d.label(s, sscc)
		c, found := w.carton(sscc)
		if d.err != nil || !found || l.Status != label.StatusBought || d.f.confirms(l.Carrier) != AtLabel {
			continue
		}
		if !covers(o, func(l order.Line) int64 { return l.Packed }, c.Contents) {
			return // cancelled: its goods go back, and whoever sees to that looks here again
		}
		events, err := d.shipment(s, number).Manifest(ship.ManifestCarton{Carton: leaving(c, l)}, d.m.Now)
		if !d.onShipment(s, number, events, err) {
			return
		}
		for _, e := range events {
			if c, ok := e.(ship.Confirmed); ok {
				d.shipped(s, number, c, d.m.Now)
			}
		}
	}
}

// leaving is a carton with its label.
func leaving(c carton, l label.Label) ship.Manifested {
	return ship.Manifested{
		Carton: c.SSCC, Carrier: l.Carrier, Service: l.Service, Tracking: l.Tracking,
		Contents: c.Contents, Dims: c.Dims, Weight: c.Weight, Cost: l.Cost,
	}
}

// covers reports whether a part of the order's lines holds the contents.
func covers(o order.Order, part func(order.Line) int64, contents []pack.Content) bool {
	need := map[int]int64{}
	for _, c := range contents {
		need[c.Line] += c.Qty
	}
	for line, qty := range need {
		if l, ok := o.Line(line); !ok || part(l) < qty {
			return false
		}
	}
	return true
}

// shipped takes what a confirmation says out of the books, as of when it left.
func (d *decision) shipped(s scope.Scope, number string, c ship.Confirmed, at time.Time) {
	w := d.work(s, number)
	var lines []order.LineQty
	for _, m := range c.Cartons {
		for _, x := range m.Contents {
			k := keyOf(s, x.Item)
			events, posts, err := inventory.Ship{
				BookKey: k, For: inventory.For{Order: number, Line: x.Line}, Carton: m.Carton, Lot: x.Lot, Qty: x.Qty, Serials: x.Serials,
			}.Decide(at)
			d.onStock(k, events, posts, err)
			lines = addQty(lines, x.Line, x.Qty)
		}
		w.Cartons = slices.DeleteFunc(w.Cartons, func(x carton) bool { return x.SSCC == m.Carton })
	}
	w.changed()
	events, err := d.order(s, number).Ship(order.Ship{Shipment: c.Shipment, Supplement: c.Supplement, Lines: lines}, at)
	d.onOrder(s, number, events, err)
}
