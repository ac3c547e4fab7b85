package routes

import (
	"cmp"
	"time"

	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
)

// allocation is how an item is given places.
func (d *decision) allocation(k inventory.BookKey, f inventory.For, qty int64) inventory.Allocate {
	return inventory.Allocate{BookKey: k, For: f, Qty: qty, Strategy: d.rotation(k), Units: d.itemRules(k.Scope, k.Item).Units, Partial: true}
}

// rotation is the strategy that places of an item are chosen by: its own, else its owner's, else
// the building's, else by expiry where it has one.
func (d *decision) rotation(k inventory.BookKey) string {
	it := d.itemRules(k.Scope, k.Item)
	strategy := cmp.Or(it.Rotation, d.f.cfg.Strategy)
	if strategy == "" && it.Tracking.Expiry {
		strategy = inventory.FEFO
	}
	return strategy
}

// places is what an allocation chooses from. Nothing of an item that is blocked may be had.
func (d *decision) places(k inventory.BookKey) inventory.View {
	blocked := d.itemSeen(k.Scope, k.Item).Spec.Status == item.Blocked
	return inventory.View{
		Stock: d.stock(k), Balance: d.balance,
		Usable: func(code string) bool { return !blocked && d.location(k.Scope, code).Usable() },
		Bulk:   func(code string) bool { return d.location(k.Scope, code).Spec.Purpose == location.Bulk },
	}
}

// itemSeen is an item that may change without harm to what is decided on it.
func (d *decision) itemSeen(s scope.Scope, sku string) item.Item {
	return peek(d, d.f.items, item.StreamOf(s, sku))
}

// mustLast is the day before which the goods of a line must not expire, and who demands it:
// the latest of what the line, the customer and the item, or the owner for all items, ask for.
func (d *decision) mustLast(o order.Order, l order.Line) (inventory.Date, string) {
	last, by := inventory.Date(l.MinExpiry), ""
	if last != "" {
		by = inventory.ByLine
	}
	today := inventory.Date(d.m.Now.UTC().Format(time.DateOnly))
	demand := func(days int, who string) {
		if day := today.Plus(days); days > 0 && day > last {
			last, by = day, who
		}
	}
	it := d.itemRules(o.Scope, l.SKU)
	if it.Tracking.Expiry {
		demand(max(d.f.cfg.ShelfLife[o.Source.Partner], d.f.cfg.ShelfLife[o.Parties.ShipTo.Code]), inventory.ByCustomer)
		who := inventory.ByItem
		if d.itemSeen(o.Scope, l.SKU).Spec.ShelfLife.Ship == 0 {
			who = inventory.ByOwner
		}
		demand(it.ShelfLife.Ship, who)
	}
	return last, by
}
