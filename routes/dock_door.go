package routes

import (
	"fmt"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/label"
	truckload "github.com/paklog/hub/core/load"
	"github.com/paklog/hub/core/manifest"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pallet"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/routes/eip"
)

func (f *Flows) addDockDoor() error {
	return f.hub.Add(Route{
		Name: door.Dock, About: "takes what people at the dock do: pallets, loads, manifests",
		Handle: f.ask(door.Dock, f.askDock), Writes: []string{onPacks, onAudit},
		Patterns: []string{eip.NameIdempotent, eip.NameRequestReply},
	})
}

func (d *decision) pallet(s scope.Scope, sscc string) pallet.Pallet {
	return load(d, d.f.pallets, pallet.StreamOf(s, sscc))
}

func (d *decision) onPallet(s scope.Scope, sscc string, events []event.Event, err error) bool {
	return add(d, d.f.pallets, pallet.StreamOf(s, sscc), events, err)
}

func (d *decision) truck(s scope.Scope, id string) truckload.Load {
	return load(d, d.f.loads, truckload.StreamOf(s, id))
}

func (d *decision) onTruck(s scope.Scope, id string, events []event.Event, err error) bool {
	return add(d, d.f.loads, truckload.StreamOf(s, id), events, err)
}

func (f *Flows) askDock(d *decision, a *door.Ask) (answered, error) {
	s, id := a.Scope.Building(), a.ID
	wrote := func() bool { return d.err == nil && len(d.out.Records) > 0 }
	switch c := a.Cmd.(type) {
	case pallet.Build:
		a.ID = d.build(s, c)
		return answered{d.pallet(s, a.ID), wrote()}, d.err
	case pallet.Stack:
		d.stack(s, id, c)
		return answered{d.pallet(s, id), wrote()}, d.err
	case pallet.Unstack:
		d.unstack(s, id, c)
		return answered{d.pallet(s, id), wrote()}, d.err
	case pallet.Close:
		d.closePallet(s, id, c)
		return answered{d.pallet(s, id), wrote()}, d.err
	case pallet.Break:
		d.breakPallet(s, id, c)
		return answered{d.pallet(s, id), wrote()}, d.err
	case manifest.Close:
		d.closeManifest(s, id, c)
		return answered{d.manifested(s, id), wrote()}, d.err
	}
	if d.askLoad(s, a) {
		return answered{d.truck(s, a.ID), wrote()}, d.err
	}
	return answered{}, wrongCommand(door.Dock, a.Cmd)
}

// refuse is the answer to what cannot be done with a carton, pallet or load.
func (d *decision) refuse(place, format string, a ...any) {
	d.fail(fault.At("routes.Dock", fault.Rejected, place, fmt.Errorf(format, a...)))
}

// build begins a pallet under the next SSCC.
func (d *decision) build(s scope.Scope, c pallet.Build) string {
	c.Scope, c.SSCC = s, d.nextSSCC()
	sscc, err := c.SSCC.SSCC()
	if err != nil {
		d.fail(err)
		return ""
	}
	events, err := d.pallet(s, sscc).Build(c, d.m.Now)
	if d.onPallet(s, sscc, events, err) {
		p := d.docked(s, sscc)
		p.docked.Owner = scope.Shared
		p.changed()
	}
	return sscc
}

// closedCarton is a carton that is closed, whether it was confirmed or not.
func (d *decision) closedCarton(s scope.Scope, number, sscc string) (carton, bool) {
	for _, c := range d.cartonsOf(s, number) {
		if c.SSCC == sscc {
			return c, d.err == nil
		}
	}
	return carton{}, false
}

// stack puts a closed carton on a pallet.
func (d *decision) stack(s scope.Scope, id string, c pallet.Stack) {
	sscc := c.Carton.SSCC
	at, own, ok := d.carton(s, sscc)
	if !ok {
		return
	}
	x, closed := d.closedCarton(own, at.Order, sscc)
	switch {
	case d.err != nil:
		return
	case !closed:
		d.refuse("carton", "carton %s is open or was emptied: only a closed one goes on a pallet", sscc)
	case at.Pallet != "" && at.Pallet != id:
		d.refuse("carton", "carton %s stands on pallet %s: take it off first", sscc, at.Pallet)
	case at.Load != "":
		d.refuse("carton", "carton %s is planned for load %s: take it off first", sscc, at.Load)
	case d.order(own, at.Order).OnHold():
		d.refuse("carton", "order %s of carton %s is on hold", at.Order, sscc)
	case d.undoing(own, at.Order, sscc):
		d.refuse("carton", cancelledIn, sscc, at.Order)
	}
	d.loadOpen(s, id)
	c.Carton.Owner, c.Carton.Order, c.Carton.Dims, c.Carton.Weight = own.Owner, at.Order, x.Dims, x.Weight
	if d.err != nil {
		return
	}
	events, err := d.pallet(s, id).Stack(c, d.m.Now)
	if d.onPallet(s, id, events, err) && at.Pallet != id {
		at.docked.Pallet = id
		at.changed()
	}
}

// loadOpen refuses to touch what is in a load that is sealed or gone.
func (d *decision) loadOpen(s scope.Scope, sscc string) {
	id := d.docked(s, sscc).Load
	if id == "" || d.err != nil {
		return
	}
	if l := d.truck(s, id); l.Status != truckload.StatusPlanned && d.err == nil {
		d.refuse("load", "%s is in load %s, which is %s", sscc, id, l.Status)
	}
}

// unstack takes a carton off a pallet.
func (d *decision) unstack(s scope.Scope, id string, c pallet.Unstack) {
	d.loadOpen(s, id)
	if d.err != nil {
		return
	}
	events, err := d.pallet(s, id).Unstack(c, d.m.Now)
	if d.onPallet(s, id, events, err) {
		at := d.docked(s, c.Carton)
		at.docked.Pallet = ""
		at.changed()
	}
}

func (d *decision) closePallet(s scope.Scope, id string, c pallet.Close) {
	events, err := d.pallet(s, id).Close(c, d.m.Now)
	d.onPallet(s, id, events, err)
}

// breakPallet takes everything off a pallet that is in no load.
func (d *decision) breakPallet(s scope.Scope, id string, c pallet.Break) {
	if l := d.docked(s, id).Load; l != "" && d.err == nil {
		d.refuse("pallet", "pallet %s is planned for load %s: take it off first", id, l)
		return
	}
	events, err := d.pallet(s, id).Break(c, d.m.Now)
	if !d.onPallet(s, id, events, err) {
		return
	}
	for _, e := range events {
		for _, sscc := range e.(pallet.Broken).Cartons {
			at := d.docked(s, sscc)
			at.docked.Pallet = ""
			at.changed()
		}
	}
}

// askLoad takes what is about loads; false where the command is not.
func (d *decision) askLoad(s scope.Scope, a *door.Ask) bool {
	id, now := a.ID, d.m.Now
	var events []event.Event
	var err error
	switch c := a.Cmd.(type) {
	case truckload.Plan:
		c.Scope = s
		if c.Load == "" {
			c.Load = id
		}
		id, a.ID = c.Load, c.Load
		if c.Carrier, err = d.f.connection(c.Carrier); err != nil || c.Carrier == "" {
			d.refuse("carrier", "a load is of a carrier that we are connected to: %v", err)
			return true
		}
		events, err = d.truck(s, id).Plan(c, now)
	case truckload.Assign:
		d.assign(s, id, c)
	case truckload.Unassign:
		if events, err = d.truck(s, id).Unassign(c, now); err == nil {
			d.offLoad(s, c.SSCC)
		}
	case truckload.Scan:
		d.scanLoad(s, id, c)
	case truckload.Seal:
		events, err = d.truck(s, id).Seal(c, now)
	case truckload.Unseal:
		events, err = d.truck(s, id).Unseal(c, now)
	case truckload.Depart:
		c.Cartons = d.inTruck(s, id)
		events, err = d.truck(s, id).Depart(c, now)
	case truckload.Cancel:
		if events, err = d.truck(s, id).Cancel(c, now); err == nil && len(events) > 0 {
			for _, sscc := range events[0].(truckload.Cancelled).Units {
				d.offLoad(s, sscc)
			}
		}
	default:
		return false
	}
	d.onTruck(s, id, events, err)
	return true
}

func (d *decision) offLoad(s scope.Scope, sscc string) {
	u := d.docked(s, sscc)
	u.docked.Load = ""
	u.changed()
}

// assign plans a carton or pallet for a load.
func (d *decision) assign(s scope.Scope, id string, c truckload.Assign) {
	u := d.docked(s, c.SSCC)
	switch {
	case d.err != nil:
		return
	case u.Owner == "":
		d.refuse("sscc", "there is no carton or pallet %.32q in %s", c.SSCC, s.Facility)
	case u.Pallet != "":
		d.refuse("sscc", "carton %s stands on pallet %s: plan the pallet", c.SSCC, u.Pallet)
	case u.Load != "" && u.Load != id:
		d.refuse("sscc", "%s is planned for load %s: take it off there first", c.SSCC, u.Load)
	case u.Order == "" && d.pallet(s, c.SSCC).Status == pallet.StatusBroken:
		d.refuse("sscc", "pallet %s was broken up", c.SSCC)
	case u.Order != "" && d.undoing(scope.Scope{Tenant: s.Tenant, Owner: u.Owner, Facility: s.Facility}, u.Order, c.SSCC):
		d.refuse("sscc", cancelledIn, c.SSCC, u.Order)
	}
	if d.err != nil {
		return
	}
	events, err := d.truck(s, id).Assign(c, d.m.Now)
	if d.onTruck(s, id, events, err) && u.Load != id {
		u.docked.Load = id
		u.changed()
	}
}

// scanLoad puts a unit into the truck. One that is planned for another load, or for none, is
// refused: it would go to the wrong place.
func (d *decision) scanLoad(s scope.Scope, id string, c truckload.Scan) {
	u := d.docked(s, c.SSCC)
	switch {
	case d.err != nil:
		return
	case u.Pallet != "":
		d.refuse("sscc", "carton %s stands on pallet %s: scan the pallet", c.SSCC, u.Pallet)
	case u.Owner != "" && u.Load == "":
		d.refuse("sscc", "%s is planned for no load: it does not go with %s", c.SSCC, id)
	case u.Owner != "" && u.Load != id:
		d.refuse("sscc", "%s is planned for load %s: it does not go with %s", c.SSCC, u.Load, id)
	case u.Owner != "" && u.Order == "" && d.pallet(s, c.SSCC).Status != pallet.StatusClosed:
		d.refuse("sscc", "pallet %s is not closed", c.SSCC)
	}
	for _, x := range d.cartonsIn(s, truckload.Unit{SSCC: c.SSCC}) {
		d.mayLeave(s, d.truck(s, id), x)
	}
	if d.err != nil {
		return
	}
	events, err := d.truck(s, id).Scan(c, d.m.Now)
	d.onTruck(s, id, events, err)
}

// cartonsIn are the cartons of a unit: itself, or what stands on it.
func (d *decision) cartonsIn(s scope.Scope, u truckload.Unit) []truckload.Carton {
	at := d.docked(s, u.SSCC)
	if at.Order != "" {
		return []truckload.Carton{{Owner: at.Owner, Order: at.Order, Carton: u.SSCC, Stop: u.Stop}}
	}
	var out []truckload.Carton
	if at.Owner != "" {
		for _, c := range d.pallet(s, u.SSCC).Cartons {
			out = append(out, truckload.Carton{Owner: c.Owner, Order: c.Order, Carton: c.SSCC, Pallet: u.SSCC, Stop: u.Stop})
		}
	}
	return out
}

// mayLeave refuses a carton that is not the carrier's to take, or not now.
func (d *decision) mayLeave(s scope.Scope, l truckload.Load, c truckload.Carton) {
	own := scope.Scope{Tenant: s.Tenant, Owner: c.Owner, Facility: s.Facility}
	x := d.label(own, c.Carton)
	switch {
	case d.err != nil:
	case x.Status != label.StatusBought:
		d.refuse("sscc", "carton %s has no label yet", c.Carton)
	case x.Carrier != l.Carrier:
		d.refuse("sscc", "carton %s has a label of %s, load %s is of %s", c.Carton, x.Carrier, l.Load, l.Carrier)
	case d.order(own, c.Order).OnHold():
		d.refuse("sscc", "order %s of carton %s is on hold: take it off the load, or release the order", c.Order, c.Carton)
	case d.undoing(own, c.Order, c.Carton):
		d.refuse("sscc", cancelledIn, c.Carton, c.Order)
	}
}

// inTruck is everything that leaves with a load. An order that ships whole or not at all goes
// whole, or stays.
func (d *decision) inTruck(s scope.Scope, id string) []truckload.Carton {
	l := d.truck(s, id)
	if l.Status != truckload.StatusSealed {
		return nil // core says why
	}
	var out []truckload.Carton
	in := map[string]bool{}
	for _, u := range l.Units {
		for _, c := range d.cartonsIn(s, u) {
			d.mayLeave(s, l, c)
			out = append(out, c)
			in[c.Carton] = true
		}
	}
	for _, c := range out {
		own := scope.Scope{Tenant: s.Tenant, Owner: c.Owner, Facility: s.Facility}
		if d.err != nil {
			return nil
		}
		if o := d.order(own, c.Order); o.Policy != order.AllOrNothing {
			continue
		} else if t := o.Totals(); t.Packed < t.Open {
			d.refuse("load", "order %s ships whole or not at all, and only a part of it is packed", c.Order)
		}
		for _, x := range d.work(own, c.Order).Cartons {
			if !in[x.SSCC] {
				d.refuse("load", "order %s ships whole or not at all, and its carton %s is not in load %s", c.Order, x.SSCC, id)
			}
		}
	}
	return out
}
