package routes

import (
	"context"
	"slices"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
)

// maxLines is how many lines one unit works on: the rest follows by the event that the
// unit writes. An order has at most order.MaxLines, for what must be one unit.
const maxLines = 1000

// noPlace is why a promise is taken back that no usable place can keep.
const noPlace = "no_place"

func (f *Flows) addReserving() error {
	return f.hub.Add(Route{
		Name: "order.allocate", About: "promises stock to orders and gives it a place, and says why this one",
		Topics: []string{onOrders}, Handle: f.advanceOrder,
		Types: takes(order.Accepted{}, order.LineReleased{}, order.Released{}, order.Reserved{}, order.Backordered{},
			order.BackorderReleased{}, order.Allocated{}, order.Deallocated{}, order.Shorted{}),
		Writes: []string{onOrders, onInventory},
	})
}

// advanceOrder does for an order what its state asks for next. It goes by the state and
// not by the event, so an event that comes late or twice does no harm.
func (f *Flows) advanceOrder(ctx context.Context, m *Message) (*Out, error) {
	var h order.Head
	switch e := m.Event.(type) {
	case order.Accepted:
		h = e.Head
	case order.LineReleased:
		h = e.Head
	case order.Released:
		h = e.Head
	case order.Reserved:
		h = e.Head
	case order.Backordered: // more lines than one unit takes
		h = e.Head
	case order.BackorderReleased:
		h = e.Head
	case order.Allocated:
		h = e.Head
	case order.Deallocated:
		h = e.Head
	case order.Shorted:
		h = e.Head
	default:
		return m.Out(), nil
	}
	d := f.decide(ctx, m)
	d.reserve(h.Scope, h.Order)
	d.allocate(h.Scope, h.Order)
	return d.done()
}

// reserve promises stock to what nobody has promised yet, and lets the rest wait for a
// receipt. The floor of what may be promised guards it: where another was faster, the
// run is repeated and sees less.
func (d *decision) reserve(s scope.Scope, number string) {
	o := d.order(s, number)
	if d.err != nil || o.Workable() != nil || d.f.outside(o.Scope.Facility) {
		return
	}
	s = o.Scope
	d.consume(s, number)
	o = d.order(s, number)
	whole := o.Policy == order.AllOrNothing
	type promise struct {
		key    inventory.BookKey
		events []event.Event
		posts  []journal.Posting
	}
	var promises []promise
	var got, miss, all []order.LineQty
	used := map[string]int64{}
	for _, l := range o.Lines {
		if l.Unassigned() == 0 {
			continue
		}
		if !whole && len(all) == maxLines {
			break
		}
		all = append(all, order.LineQty{Line: l.No, Qty: l.Unassigned()})
		k := keyOf(s, l.SKU)
		ask := inventory.Reserve{BookKey: k, For: inventory.For{Order: number, Line: l.No}, Qty: l.Unassigned(), Partial: true}
		available := func(book, account string) int64 { return d.balance(book, account) - used[book] }
		events, posts, err := ask.Decide(available, d.m.Now)
		if err == nil && reservedOf(events) < l.Unassigned() {
			// A floor guards what is promised, and nothing guards what is not: who gets less than
			// he asked for is told so on the stock as it stands, or decided on anew.
			if _, err = Load(d.ctx, d.m, d.f.stocks, k.Stream()); err == nil {
				events, posts, err = ask.Decide(available, d.m.Now)
			}
		}
		if err != nil {
			d.fail(err)
			return
		}
		n := reservedOf(events)
		if n > 0 {
			got = append(got, order.LineQty{Line: l.No, Qty: n})
			promises = append(promises, promise{k, events, posts})
			used[k.Book()] += n
		}
		if n < l.Unassigned() {
			miss = append(miss, order.LineQty{Line: l.No, Qty: l.Unassigned() - n})
		}
	}
	if len(all) == 0 {
		return
	}
	var placed []order.LineQty
	if !whole || o.Totals().Backordered == 0 {
		var taken []order.LineQty
		miss, taken, placed = d.steal(o, miss)
		for _, q := range taken {
			got = addQty(got, q.Line, q.Qty)
		}
	}
	if whole && (len(miss) > 0 || o.Totals().Backordered > 0) {
		got, promises, miss = nil, nil, all
	}
	for _, p := range promises {
		d.onStock(p.key, p.events, p.posts, nil)
	}
	if len(got) > 0 {
		events, err := o.Reserve(order.Reserve{Lines: got}, d.m.Now)
		d.onOrder(s, number, events, err)
	}
	if len(placed) > 0 {
		events, err := d.order(s, number).Allocate(order.Allocate{Lines: placed}, d.m.Now)
		d.onOrder(s, number, events, err)
	}
	if len(miss) > 0 {
		d.backorder(s, number, miss)
	}
}

// reservedOf is what a decision on one line promised.
func reservedOf(events []event.Event) int64 {
	if len(events) == 0 {
		return 0
	}
	return events[0].(inventory.StockReserved).Qty
}

// backorder lets quantities wait, or ends them where the goods were lost on the floor
// and the operator asked for that.
func (d *decision) backorder(s scope.Scope, number string, miss []order.LineQty) {
	o := d.order(s, number)
	if d.f.cfg.Shorts == order.Close && o.Policy != order.AllOrNothing && o.InWave != "" {
		for _, q := range miss {
			events, err := d.order(s, number).Short(order.Short{Line: q.Line, Qty: q.Qty, From: order.FromOpen, Then: order.Close}, d.m.Now)
			d.onOrder(s, number, events, err)
		}
		return
	}
	events, err := o.Backorder(order.Backorder{Lines: miss, Reason: "no_stock"}, d.m.Now)
	d.onOrder(s, number, events, err)
	for _, q := range miss {
		if l, ok := o.Line(q.Line); ok {
			d.wait(s, number, l.SKU)
		}
	}
}

// allocate gives promised goods a place. What no usable place has goes back to waiting.
func (d *decision) allocate(s scope.Scope, number string) {
	o := d.order(s, number)
	if d.err != nil || o.Workable() != nil {
		return
	}
	s = o.Scope
	w := d.work(s, number)
	var got, miss []order.LineQty
	for _, l := range o.Lines {
		if l.Reserved == 0 {
			continue
		}
		if len(got)+len(miss) >= maxLines {
			break // the event of this unit calls for the rest
		}
		k := keyOf(s, l.SKU)
		c := d.allocation(k, inventory.For{Order: number, Line: l.No}, l.Reserved)
		c.Lot = l.Lot
		c.MinExpiry, c.MinExpiryBy = d.mustLast(o, l)
		events, posts, err := c.Decide(d.places(k), d.m.Now)
		d.onStock(k, events, posts, err)
		var n int64
		for _, e := range events {
			a := e.(inventory.StockAllocated)
			w.Places = append(w.Places, piece{l.No, l.SKU, a.Place, a.Qty})
			n += a.Qty
		}
		if n > 0 {
			got = append(got, order.LineQty{Line: l.No, Qty: n})
		}
		if rest := l.Reserved - n; rest > 0 && d.err == nil {
			events, posts, err := inventory.Release{BookKey: k, For: c.For, Qty: rest, Reason: noPlace}.Decide(d.m.Now)
			d.onStock(k, events, posts, err)
			miss = append(miss, order.LineQty{Line: l.No, Qty: rest})
			d.wait(s, number, l.SKU)
		}
		if d.err != nil {
			return
		}
	}
	if len(got) > 0 {
		w.changed()
		events, err := o.Allocate(order.Allocate{Lines: got}, d.m.Now)
		d.onOrder(s, number, events, err)
	}
	for _, q := range miss {
		events, err := d.order(s, number).Short(order.Short{Line: q.Line, Qty: q.Qty, From: order.FromReserved, Then: order.Wait}, d.m.Now)
		d.onOrder(s, number, events, err)
	}
}

// lineSKUs are the items of an order, each once, in the order of its lines.
func lineSKUs(o order.Order, of func(order.Line) bool) []string {
	var out []string
	for _, l := range o.Lines {
		if of(l) && !slices.Contains(out, l.SKU) {
			out = append(out, l.SKU)
		}
	}
	return out
}
