package routes

import (
	"fmt"
	"slices"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/putaway"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/tracking"
)

// standsOn are the goods of a work; of an LPN, all that is known to stand on it.
func (d *decision) standsOn(w toPutAway, l takings) []loading {
	if w.LPN == "" {
		return w.Goods
	}
	goods := slices.Clone(w.Goods)
	also := func(g loading) {
		if !slices.Contains(goods, g) {
			goods = append(goods, g)
		}
	}
	for _, t := range l.Tasks {
		for _, x := range t.Goods {
			also(x.loading)
		}
	}
	for _, x := range l.Stays {
		also(x.loading)
	}
	for _, c := range d.lpn(w.Scope, w.LPN).Items {
		if c.Owner != w.Owner {
			continue
		}
		for _, sh := range d.stock(keyOf(w.Scope, c.Item)).Shelves {
			if sh.LPN == w.LPN && sh.Location == w.Location {
				also(loading{c.Item, sh.Lot})
			}
		}
	}
	return goods
}

// recallAll ends the tasks of an LPN, on which more stands now, and reports whether there were any.
func (d *decision) recallAll(w toPutAway, l *takings) bool {
	was := len(l.Tasks)
	for i := range slices.Backward(l.Tasks) {
		d.recallTask(w, l, i, "more_stands_on_it")
	}
	return len(l.Tasks) < was
}

// takesLPN refuses a place that does not take what lies on an LPN, and on what stands on it, as one
// who puts it away there would be refused.
func (d *decision) takesLPN(l tracking.LPN, code string) {
	spec := d.location(l.Scope, code).Spec
	if code == "" || d.err != nil || !shelved(spec) {
		return
	}
	on := map[string]bool{}
	goods := d.goodsOn(l, code, spec, on)
	if len(goods) == 0 || d.err != nil {
		return
	}
	p := d.standing(l.Scope, code, "")
	p.Lying = slices.DeleteFunc(p.Lying, func(g putaway.Goods) bool { return on[g.LPN] }) // itself, on its way
	p.Spec.Slot.Max = 0
	if why, room := putaway.All(goods, p); why != "" && d.err == nil {
		var qty int64
		for _, g := range goods {
			qty += g.Qty
		}
		d.fail(refusedPlace(goods[0].Item.SKU, code, why, room, qty, goods[0].Item, p.Spec))
		return
	}
	d.shelf(l.Scope, code).dirty = true
}

// goodsOn are the goods on an LPN, and on what stands on it, that lie elsewhere than where it is
// brought. on gathers the LPNs.
func (d *decision) goodsOn(l tracking.LPN, code string, to location.Spec, on map[string]bool) []putaway.Goods {
	var out []putaway.Goods
	on[l.LPN] = true
	for _, c := range l.Items {
		k := keyOf(scope.Scope{Tenant: l.Tenant, Owner: c.Owner, Facility: l.Facility}, c.Item)
		for _, sh := range d.stock(k).Shelves {
			if sh.LPN != l.LPN || sh.Location == code {
				continue
			}
			g := putaway.Goods{Item: d.itemSeen(k.Scope, c.Item), Lot: sh.Lot, LPN: sh.LPN}
			if g.Qty = sh.Free + sh.Received; g.Qty > 0 {
				out = append(out, g)
			}
			for _, x := range [...]struct {
				stage string
				qty   int64
			}{{inventory.Held, sh.Held}, {inventory.Damaged, sh.Damaged}} {
				if g.Qty = x.qty; x.qty > 0 {
					g.Held = to.Purpose == location.Quarantine || apart(x.stage, to)
					out = append(out, g)
				}
			}
		}
	}
	for _, child := range l.Children {
		out = append(out, d.goodsOn(d.lpn(l.Scope, child), code, to, on)...)
	}
	return out
}

// apart reports whether goods in a stage may not be brought to a place of storage by hand: damaged ones
// to none, those that are held back to none that is picked from.
func apart(stage string, to location.Spec) bool {
	return stage == inventory.Damaged && stores(to) || stage == inventory.Held && to.Purpose == location.Pick
}

// wrongPlace refuses a place of storage for goods that are kept apart, and one of those for others.
func (d *decision) wrongPlace(k inventory.BookKey, stage, code string) bool {
	to, why := d.location(k.Scope, code).Spec, ""
	switch {
	case apart(stage, to):
		why = putaway.NotForHeld
	case !isHeld(stage) && to.Purpose == location.Quarantine:
		why = putaway.ForHeld
	}
	if why != "" && d.err == nil {
		d.fail(refusedPlace(k.Item, code, why, 0, 0, d.itemSeen(k.Scope, k.Item), to))
	}
	return d.err != nil
}

// standsBefore lets goods be put away that were brought to a place before the shelves: free ones from
// a dock or a staging place, others from wherever nothing is kept.
func (d *decision) standsBefore(k inventory.BookKey, p inventory.Place, stage string) {
	l := d.location(k.Scope, p.Location)
	if stage == inventory.Free && beforeShelf(l) || stage != inventory.Free && !shelved(l.Spec) {
		d.putLater(toPutAway{Scope: k.Scope, Location: p.Location, LPN: p.LPN, Goods: []loading{{k.Item, p.Lot}}})
	}
}

// standsOnce refuses goods on an LPN of which others lie at another place: it is at one.
func (d *decision) standsOnce(k inventory.BookKey, p inventory.Place) {
	if p.LPN == "" || d.err != nil {
		return
	}
	l := d.lpn(k.Scope, p.LPN)
	items := append([]tracking.Content{{Owner: k.Owner, Item: k.Item}}, l.Items...)
	for _, c := range items {
		of := keyOf(scope.Scope{Tenant: k.Tenant, Owner: c.Owner, Facility: k.Facility}, c.Item)
		for _, sh := range d.stock(of).Shelves {
			if sh.LPN == p.LPN && sh.Location != p.Location && d.err == nil {
				d.fail(fault.At("routes.Stock", fault.Rejected, "lpn", fmt.Errorf(
					"LPN %s stands at %s with %d of item %s: move it to %s first, or name another", p.LPN, sh.Location, sh.Total(), c.Item, p.Location)))
			}
		}
	}
}

// comesAlong are the goods on an LPN, and on what stands on it, that its task does not know of.
func (d *decision) comesAlong(l tracking.LPN, w toPutAway, parts []part) []putaway.Goods {
	var out []putaway.Goods
	for _, c := range l.Items {
		at := scope.Scope{Tenant: l.Tenant, Owner: c.Owner, Facility: l.Facility}
		for _, sh := range d.stock(keyOf(at, c.Item)).Shelves {
			if sh.LPN != l.LPN || sh.Location != w.Location || sh.Allocated+sh.Suspect > 0 { // as bringItem leaves it
				continue
			}
			n := sh.Free + sh.Held + sh.Damaged + sh.Received
			for _, x := range parts {
				if l.LPN == w.LPN && c.Owner == w.Owner && x.loading == (loading{c.Item, sh.Lot}) {
					n -= x.Qty
				}
			}
			if n > 0 {
				out = append(out, putaway.Goods{Item: d.itemSeen(at, c.Item), Lot: sh.Lot, LPN: sh.LPN, Qty: n})
			}
		}
	}
	for _, child := range l.Children {
		out = append(out, d.comesAlong(d.lpn(w.Scope, child), w, parts)...)
	}
	return out
}
