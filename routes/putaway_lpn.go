package routes

import (
	"slices"

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
