package routes

import (
	"errors"
	"slices"

	"github.com/paklog/hub/core/order"
)

// wanted places an order that a partner's system wants, where it is not there already. With handOver the
// order service is left to refuse it, whose letter names the place.
func (d *decision) wanted(p order.Place, handOver bool) {
	if handOver {
		d.sendPlace(cmdPlace, p)
		return
	}
	err := d.place(p)
	var exists *order.ExistsError
	if errors.As(err, &exists) && exists.Same() {
		d.err = nil
		return
	}
	if err != nil {
		d.fail(err)
		return
	}
	if d.order(p.Scope, p.Number).Refused { // it is said so; its letter places it again
		d.sendPlace(cmdAgain, p)
	}
}

func (d *decision) sendPlace(typ string, p order.Place) {
	r, err := placing(typ, p)
	if err != nil {
		d.fail(err)
		return
	}
	d.out.Send(r)
}

// wantedNow makes the order what a partner's system says now.
func (d *decision) wantedNow(o order.Order, p order.Place, handOver bool) {
	if o.Closed() || !o.Exists() {
		return
	}
	c := order.Amend{Scope: o.Scope, Number: o.Number, Whole: true, ShipTo: &p.ShipTo, Service: p.Service, Dates: p.Dates, Source: p.Source}
	for _, l := range p.Lines {
		c.Lines = append(c.Lines, order.AmendLine{PlaceLine: l})
	}
	if handOver {
		r, err := amending(c)
		if err != nil {
			d.fail(err)
			return
		}
		d.out.Send(r)
		return
	}
	asked, err := d.crossedAmend(o, c)
	if err != nil {
		d.fail(err)
		return
	}
	d.change(o.Scope, o.Number, asked.Change)
}

// heldBy lets the order wait for a reason of a partner's system, as long as it is held there.
func (d *decision) heldBy(p order.Place, reason, by string, held bool) {
	if d.err != nil {
		return
	}
	o := d.order(p.Scope, p.Number)
	if !o.Exists() || o.Closed() {
		return
	}
	switch is := slices.Contains(o.Holds, reason); {
	case held && !is:
		events, err := o.Hold(order.Hold{Reason: reason, By: by}, d.m.Now)
		d.onOrder(o.Scope, o.Number, events, err)
	case !held && is:
		events, err := o.Release(order.Release{Reason: reason, By: by}, d.m.Now)
		d.onOrder(o.Scope, o.Number, events, err)
	}
}
