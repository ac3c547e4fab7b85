package routes

import (
	"slices"

	truckload "github.com/paklog/hub/core/load"
	"github.com/paklog/hub/core/manifest"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pallet"
	"github.com/paklog/hub/core/scope"
)

// undock takes cartons whose goods are cancelled off what they stand on and go with, in the
// unit of the cancellation: no truck leaves with them and no manifest is closed with them
// before they are unpacked. What is behind a seal, or has left, is refused with where it is.
func (d *decision) undock(e order.Cancelled) {
	gone := map[int]bool{}
	for _, l := range e.Lines {
		if l.Unpack > 0 {
			gone[l.Line] = true
		}
	}
	if len(gone) == 0 || d.err != nil {
		return
	}
	s := e.Scope
	b := s.Building()
	for _, c := range d.work(s, e.Order).Cartons {
		touched := slices.ContainsFunc(c.Contents, func(x pack.Content) bool { return gone[x.Line] })
		at := d.docked(s, c.SSCC)
		if !touched || at.Owner == "" || d.err != nil {
			continue
		}
		emptied := !slices.ContainsFunc(c.Contents, func(x pack.Content) bool { return !gone[x.Line] })
		if m := d.manifested(b, at.Manifest); m.Status == manifest.StatusClosed && d.f.confirms(m.Carrier) == AtManifest {
			d.refuse("order", "carton %s left with manifest %s of %s: ask the carrier to bring it back, and receive it as a return", c.SSCC, m.Manifest, m.Carrier)
			return
		}
		in := at.Load
		if at.Pallet != "" {
			in = d.docked(b, at.Pallet).Load
		}
		if l := d.truck(b, in); in != "" && l.Status != truckload.StatusPlanned && d.err == nil {
			d.refuse("order", "carton %s is in load %s, which is %s: it must be unsealed first, or has gone", c.SSCC, in, l.Status)
			return
		}
		d.takeOff(b, at, c.SSCC, emptied)
	}
}

const cancelledIn = "what carton %s holds of order %s is cancelled: it is unpacked and goes nowhere"

// undoing reports whether goods in a closed carton are cancelled and not taken out yet: between the
// order's word and the route that follows it the carton is whole, with its label.
func (d *decision) undoing(s scope.Scope, number, sscc string) bool {
	o := d.order(s, number)
	for _, c := range d.work(s, number).Cartons {
		if c.SSCC == sscc && slices.ContainsFunc(c.Contents, func(x pack.Content) bool {
			l, known := o.Line(x.Line)
			return !known || l.Packed < x.Qty
		}) {
			return d.err == nil
		}
	}
	return false
}

// takeOff takes a carton off pallet and load, and an emptied one off the open manifest.
func (d *decision) takeOff(b scope.Scope, at *heldDocked, sscc string, emptied bool) {
	if id := at.Pallet; id != "" {
		d.unstack(b, id, pallet.Unstack{Carton: sscc, Reason: cancelled})
	}
	if id := at.Load; id != "" {
		events, err := d.truck(b, id).Unassign(truckload.Unassign{SSCC: sscc, Reason: cancelled}, d.m.Now)
		d.onTruck(b, id, events, err)
		d.offLoad(b, sscc)
	}
	if emptied {
		d.offManifest(b, at, sscc, cancelled)
	}
}
