package routes

import (
	"cmp"
	"slices"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/scope"
)

// lotHeld is why an order is on hold of whose goods in totes and cartons some are of a lot that is
// held back everywhere.
const lotHeld = "lot_held"

// keepLots holds back what these events brought to shelves of lots that are held back everywhere.
func (d *decision) keepLots(k inventory.BookKey, events []event.Event) {
	for _, e := range events {
		var p inventory.Place
		switch e := e.(type) {
		case inventory.StockReceived:
			p = e.Place
		case inventory.StockPutBack:
			p = e.To
		case inventory.StockDeallocated:
			p = e.Place
		case inventory.StockAdjusted:
			p = e.Place
		case inventory.StockStatusChanged:
			p = e.Place
		}
		if p.Lot == "" || d.err != nil {
			continue
		}
		held, posts, err := inventory.KeepHeld(d.stock(k), e, d.m.route, d.m.Now)
		if len(held) > 0 || err != nil {
			d.onStock(k, held, posts, err)
		}
	}
}

// dropSteps takes what nobody has fetched yet of the goods meant out of an order's tasks, and
// reports whether there was any. The rest of them gets tasks anew by makeTask.
func (d *decision) dropSteps(o order.Order, k inventory.BookKey, c inventory.Quarantine) bool {
	for _, id := range d.work(o.Scope, o.Number).Tasks {
		at := d.whereTask(o.Scope, id)
		t, l := d.task(at, id), d.pick(at, id)
		meant := func(owner, number, sku string, p inventory.Place) bool {
			return cmp.Or(owner, at.Owner) == o.Scope.Owner && cmp.Or(number, t.Order) == o.Number && sku == k.Item && c.Matches(p)
		}
		found := false
		if l.Status == pick.StatusNone {
			for _, st := range t.Steps {
				found = found || meant(st.Owner, st.Order, st.Item, st.From)
			}
		}
		for _, st := range l.Steps {
			found = found || st.Left() > 0 && meant(st.Owner, st.Order, st.Item, st.From)
		}
		if found && d.err == nil {
			d.recallTasks(o, c.Reason)
			return true
		}
	}
	return false
}

// holdOrders puts the orders on hold that have goods of a lot in totes and cartons.
func (d *decision) holdOrders(k inventory.BookKey, c inventory.Quarantine) []string {
	var held []string
	for _, number := range d.ordersWith(k, c) {
		o := d.order(k.Scope, number)
		if d.err != nil || o.Closed() || !d.inHands(o.Scope, number, func(x pack.Content) bool { return x.Item == k.Item && x.Lot == c.Lot }) {
			continue
		}
		events, err := o.Hold(order.Hold{Reason: lotHeld, By: c.By}, d.m.Now)
		d.onOrder(o.Scope, number, events, err)
		held = append(held, number)
	}
	return held
}

// releaseOrders lets the orders go on that were on hold for a lot, and have no other such in hand.
func (d *decision) releaseOrders(k inventory.BookKey, c inventory.Quarantine) {
	for _, number := range d.ordersWith(k, c) {
		o := d.order(k.Scope, number)
		if d.err != nil || !slices.Contains(o.Holds, lotHeld) ||
			d.inHands(o.Scope, number, func(x pack.Content) bool { return d.stock(keyOf(o.Scope, x.Item)).LotHeld(x.Lot) }) {
			continue
		}
		events, err := o.Release(order.Release{Reason: lotHeld, By: c.By}, d.m.Now)
		d.onOrder(o.Scope, number, events, err)
	}
}

// ordersWith are the orders that were given goods of those meant, the last first.
func (d *decision) ordersWith(k inventory.BookKey, c inventory.Quarantine) []string {
	var out []string
	for _, of := range d.givenFrom(k, c) {
		if of.Order != "" && !slices.Contains(out, of.Order) {
			out = append(out, of.Order)
		}
	}
	return out
}

// How many of a book's latest events are searched for who was given goods that are held back, and
// how many of these lines are asked. What is beyond is told as left.
const (
	recallLookBack = 1 << 18
	mostRecalled   = 5000
)

// givenFrom are who was given goods of those meant, the last first, each once. Whether they still
// have them, they must be asked.
func (d *decision) givenFrom(k inventory.BookKey, c inventory.Quarantine) []inventory.For {
	if d.err != nil {
		return nil
	}
	drv := d.f.hub.bus.Driver()
	head, err := drv.Head(d.ctx, k.Stream())
	var out []inventory.For
	seen := map[inventory.For]bool{}
	for at, end := head.Version, head.Version-min(head.Version, recallLookBack); at > end && err == nil && len(out) < mostRecalled; {
		n := min(at-end, lookBack)
		at -= n
		recs, readErr := drv.Stream(d.ctx, k.Stream(), at, int(n))
		err = readErr
		for _, r := range slices.Backward(recs) {
			var p inventory.Place
			var of inventory.For
			if r.Type != (inventory.StockAllocated{}).EventType() && r.Type != (inventory.StockReassigned{}).EventType() {
				continue
			}
			e, decodeErr := decodeEvent(d.f.hub.Registry(), &r)
			switch e := e.(type) {
			case inventory.StockAllocated:
				p, of = e.Place, e.For
			case inventory.StockReassigned:
				p, of = e.Place, e.To
			}
			err = cmp.Or(err, decodeErr)
			if of.Task = ""; c.Matches(p) && !seen[of] && of != (inventory.For{}) {
				seen[of], out = true, append(out, of)
			}
		}
	}
	if err != nil {
		d.fail(err)
	}
	return out
}

// inHands reports whether such goods of an order lie in totes or cartons here.
func (d *decision) inHands(s scope.Scope, number string, such func(pack.Content) bool) bool {
	w := d.work(s, number)
	all := slices.Clone(w.Totes)
	if w.Pack != "" {
		all = append(all, d.packing(s, w.Pack).Loose()...)
	}
	for _, c := range w.Cartons {
		all = append(all, c.Contents...)
	}
	return slices.ContainsFunc(all, such)
}
