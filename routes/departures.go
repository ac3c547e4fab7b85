package routes

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/paklog/hub/core/label"
	truckload "github.com/paklog/hub/core/load"
	"github.com/paklog/hub/core/manifest"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
)

// departures is the internal topic of cartons that have left, by order.
const departures = "departures"

const cmdLeave = "ship.Leave"

// left is what of an order has left, and with what.
type left struct {
	Scope   scope.Scope `json:"scope"`
	Order   string      `json:"order"`
	Cartons []string    `json:"cartons"`
	With    string      `json:"with"` // the manifest or load
	// At is when they left, which is before this is read. What was sent without has none.
	At time.Time `json:"at,omitzero"`
}

func (f *Flows) addDepartures() error {
	err := f.hub.Add(Route{
		Name: "ship.depart", About: "tells each order which of its cartons have left with a manifest or a load",
		Topics: []string{onPacks}, Handle: f.depart,
		Types: takes(manifest.Closed{}, truckload.Departed{}), Parking: Parking{Independent: true},
		Writes: []string{departures},
	})
	if err != nil {
		return err
	}
	return f.hub.Add(Route{
		Name: "ship.leave", About: "confirms cartons that have left with a manifest or a load; late ones are a supplementary confirmation",
		Topics: []string{departures}, Handle: f.leave, Parking: Parking{Independent: true},
		Writes: []string{onPacks, onOrders, onInventory},
	})
}

func (f *Flows) depart(ctx context.Context, m *Message) (*Out, error) {
	d := f.decide(ctx, m)
	orders := map[string]*left{}
	add := func(b scope.Scope, at time.Time, owner, number, sscc, with string) {
		s := scope.Scope{Tenant: b.Tenant, Owner: owner, Facility: b.Facility}
		key := order.KeyOf(s, number)
		if orders[key] == nil {
			orders[key] = &left{Scope: s, Order: number, With: with, At: at}
		}
		orders[key].Cartons = append(orders[key].Cartons, sscc)
	}
	switch e := m.Event.(type) {
	case manifest.Closed:
		if f.confirms(e.Carrier) == AtManifest {
			for _, c := range e.Cartons {
				add(e.Scope, e.At, c.Owner, c.Order, c.SSCC, e.Manifest)
			}
		}
	case truckload.Departed:
		if f.confirms(e.Carrier) == AtLoad {
			for _, c := range e.Cartons {
				add(e.Scope, e.At, c.Owner, c.Order, c.Carton, e.Load)
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(orders)) {
		d.out.Publish(departures, cmdLeave, key, orders[key])
	}
	return d.done()
}

// leave confirms what has left: in one unit the goods leave the books and the order, whatever
// else the shipment waits for.
func (f *Flows) leave(ctx context.Context, m *Message) (*Out, error) {
	var gone left
	if err := m.Decode(&gone); err != nil {
		return nil, err
	}
	// They left when the truck did, however late that is read: an order that was in time is.
	at := gone.At
	if at.IsZero() {
		at = m.Now
	}
	d := f.decide(ctx, m)
	s, number := gone.Scope, gone.Order
	d.order(s, number) // before its work: they move together
	w := d.work(s, number)
	var going []ship.Manifested
	var names []string
	for _, sscc := range gone.Cartons {
		c, here := w.carton(sscc)
		l := d.label(s, sscc)
		if d.err != nil || !here || l.Status != label.StatusBought {
			continue // confirmed already
		}
		going, names = append(going, leaving(c, l)), append(names, sscc)
	}
	if len(going) == 0 || d.err != nil {
		return d.done()
	}
	events, err := d.shipment(s, number).Plan(ship.PlanShipment{Scope: s, Shipment: number, Order: number, Cartons: names}, at)
	d.onShipment(s, number, events, err)
	events, err = d.shipment(s, number).Leave(ship.LeaveCartons{Cartons: going}, at)
	if d.onShipment(s, number, events, err) {
		for _, e := range events {
			if c, ok := e.(ship.Confirmed); ok {
				d.shipped(s, number, c, at)
			}
		}
	}
	return d.done()
}
