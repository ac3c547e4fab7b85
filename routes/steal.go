package routes

import (
	"cmp"
	"slices"

	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/reservation"
)

// byPriority is why goods changed hands.
const byPriority = "priority"

// lookBack is how many of a book's latest events are searched for who was given its places,
// and mostHolders how many of them are asked.
const (
	lookBack    = 4096
	mostHolders = 128
)

// holders are who was given places of a book lately, or had it held back: newest first, each
// once. Whether they still have them, they must be asked.
func (d *decision) holders(k inventory.BookKey) []inventory.For {
	drv := d.f.hub.bus.Driver()
	head, err := drv.Head(d.ctx, k.Stream())
	if err != nil {
		d.fail(err)
		return nil
	}
	recs, err := drv.Stream(d.ctx, k.Stream(), head.Version-min(head.Version, lookBack), lookBack)
	if err != nil {
		d.fail(err)
		return nil
	}
	var out []inventory.For
	seen := map[inventory.For]bool{}
	allocated, reassigned, reserved := inventory.StockAllocated{}.EventType(), inventory.StockReassigned{}.EventType(), inventory.StockReserved{}.EventType()
	for _, r := range slices.Backward(recs) {
		if r.Type != allocated && r.Type != reassigned && r.Type != reserved || len(out) == mostHolders {
			continue
		}
		e, err := decodeEvent(d.f.hub.Registry(), &r)
		if err != nil {
			d.fail(err)
			return nil
		}
		var of inventory.For
		switch e := e.(type) {
		case inventory.StockAllocated:
			of = e.For
		case inventory.StockReassigned:
			of = e.To
		case inventory.StockReserved:
			if of = e.For; of.Hold == "" {
				continue // promised a moment before it was given a place
			}
		}
		if of.Task = ""; !seen[of] && of != (inventory.For{}) {
			seen[of], out = true, append(out, of)
		}
	}
	return out
}

// loot is what a less urgent one gives up. Without pieces it is a promise.
type loot struct {
	of       inventory.For
	priority int
	qty      int64
	pieces   []reservation.Piece
	whole    bool // it ships whole or not at all: the last to be taken from
}

// less urgent first, then who got it last; those that ship whole come last.
func compareLoot(a, b loot) int {
	if a.whole != b.whole {
		if a.whole {
			return 1
		}
		return -1
	}
	return cmp.Compare(a.priority, b.priority)
}

// prey is what may be taken for a line from those that are less urgent than its order: what
// has a place and is in no task, and what reservations hold.
func (d *decision) prey(o order.Order, l order.Line) []loot {
	k := keyOf(o.Scope, l.SKU)
	last, _ := d.mustLast(o, l)
	st := d.stock(k)
	fits := func(p inventory.Place) bool {
		sh, found := st.Shelf(p)
		return found && !sh.Counting && (l.Lot == "" || p.Lot == l.Lot) && (last == "" || sh.Expiry >= last)
	}
	var out []loot
	for _, of := range d.holders(k) {
		if d.err != nil {
			return nil
		}
		x := loot{of: of}
		switch {
		case of.Hold != "":
			r := d.reservation(o.Scope, of.Hold)
			x.priority = r.Priority
			if r.BookKey != k || r.Priority >= o.Priority || r.Qty == 0 {
				continue
			}
			for _, p := range r.Pieces {
				if !fits(p.Place) {
					x.qty = -1
				}
				x.pieces = append(x.pieces, p)
			}
			if len(r.Pieces) == 0 && (l.Lot != "" || last != "") || x.qty < 0 {
				continue // nobody knows whether what was promised would do
			}
			x.qty = r.Qty
		case of.Order != o.Number:
			v, err := Peek(d.ctx, d.m, d.f.orders, order.StreamOf(o.Scope, of.Order))
			if err != nil {
				d.fail(err)
				return nil
			}
			if v.Priority >= o.Priority || v.Scope != o.Scope {
				continue
			}
			v = d.order(o.Scope, of.Order)
			x.priority, x.whole = v.Priority, v.Policy == order.AllOrNothing
			for _, p := range d.work(o.Scope, of.Order).Places {
				if p.Line == of.Line && p.Item == l.SKU && fits(p.Place) {
					x.pieces, x.qty = append(x.pieces, reservation.Piece{Place: p.Place, Qty: p.Qty}), x.qty+p.Qty
				}
			}
		}
		if x.qty > 0 {
			out = append(out, x)
		}
	}
	slices.SortStableFunc(out, compareLoot)
	return out
}

// steal takes for the lines of an urgent order what they miss. It answers what they still
// miss then, what was taken, and what of that has its place already. One that ships whole
// takes all or nothing.
func (d *decision) steal(o order.Order, miss []order.LineQty) (still, taken, placed []order.LineQty) {
	if !d.f.cfg.Steal || o.Priority == 0 || d.err != nil {
		return miss, nil, nil
	}
	type take struct {
		line order.Line
		from loot
		qty  int64
	}
	var takes []take
	used := map[inventory.For]int64{}
	for _, q := range miss {
		l, _ := o.Line(q.Line)
		for _, x := range d.prey(o, l) {
			if n := min(q.Qty, x.qty-used[x.of]); n > 0 {
				takes = append(takes, take{l, x, n})
				used[x.of] += n
				q.Qty -= n
			}
		}
		if q.Qty > 0 {
			still = append(still, q)
		}
	}
	if d.err != nil || o.Policy == order.AllOrNothing && len(still) > 0 {
		return miss, nil, nil
	}
	for _, t := range takes {
		taken = addQty(taken, t.line.No, t.qty)
		if d.rob(o, t.line, t.from, t.qty) {
			placed = addQty(placed, t.line.No, t.qty)
		}
	}
	return still, taken, placed
}

// rob takes qty from who holds it and gives it to the line; what its order counts follows. It
// reports whether the goods have their place already.
func (d *decision) rob(o order.Order, l order.Line, x loot, qty int64) (placed bool) {
	if x.of.Hold != "" {
		r := d.reservation(o.Scope, x.of.Hold)
		events, err := r.Reduce(reservation.Reduce{Qty: qty, Reason: byPriority, Order: o.Number}, d.m.Now)
		add(d, d.f.reservations, reservation.StreamOf(o.Scope, r.ID), events, err)
		for _, e := range events {
			d.hand(o, l, x, e.(reservation.Reduced).Pieces, qty)
		}
		return len(r.Pieces) > 0
	}
	d.backToWaiting(o.Scope, x.of, l.SKU, qty, byPriority+": "+o.Number)
	w := d.work(o.Scope, x.of.Order)
	w.Places = slices.Clone(w.Places)
	var pieces []reservation.Piece
	left := qty
	for _, p := range x.pieces {
		for i := range w.Places {
			at := &w.Places[i]
			if n := min(left, p.Qty, at.Qty); n > 0 && at.Line == x.of.Line && at.Place == p.Place {
				at.Qty -= n
				p.Qty -= n
				left -= n
				pieces = append(pieces, reservation.Piece{Place: p.Place, Qty: n})
			}
		}
	}
	w.Places = slices.DeleteFunc(w.Places, func(p piece) bool { return p.Qty == 0 })
	w.changed()
	d.hand(o, l, x, pieces, qty)
	return true
}

// hand gives the line what was taken: goods where they lie, or a promise.
func (d *decision) hand(o order.Order, l order.Line, x loot, pieces []reservation.Piece, qty int64) {
	of := inventory.For{Order: o.Number, Line: l.No}
	k := keyOf(o.Scope, l.SKU)
	if len(pieces) > 0 {
		for _, p := range pieces {
			events, err := inventory.Reassign{
				BookKey: k, Place: p.Place, From: x.of, To: of, Qty: p.Qty, Reason: byPriority, FromPriority: x.priority, ToPriority: o.Priority,
			}.Decide(d.m.Now)
			d.onStock(k, events, nil, err)
			w := d.work(o.Scope, o.Number)
			w.Places = append(w.Places, piece{l.No, l.SKU, p.Place, p.Qty})
			w.changed()
		}
		return
	}
	events, posts, err := inventory.Release{BookKey: k, For: x.of, Qty: qty, Reason: byPriority}.Decide(d.m.Now)
	d.onStock(k, events, posts, err)
	events, posts, err = inventory.Reserve{BookKey: k, For: of, Qty: qty}.Decide(nil, d.m.Now)
	d.onStock(k, events, posts, err)
}
