package routes

import (
	"errors"
	"fmt"
	"slices"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
)

// Why stock and tasks were given back.
const (
	changedOrder = "order changed"
	splitOrder   = "order split"
	mergedOrder  = "order merged"
)

// change changes an order, and reports whether anything did. What it lost is undone and what it
// gained is promised in the same unit; lines that are taken out are undone as cancelled ones are.
func (d *decision) change(s scope.Scope, number string, c order.Change) bool {
	o := d.order(s, number)
	events, err := o.Change(c, d.known(o.Scope), d.m.Now)
	if !d.onOrder(s, number, events, err) || len(events) == 0 {
		return false
	}
	s = o.Scope
	for _, e := range events {
		if e, ok := e.(order.Changed); ok {
			d.takeBack(o, e.Lines, changedOrder)
		}
	}
	now := d.order(s, number)
	if now.Priority != o.Priority {
		d.waitAnew(now)
	}
	d.holdLines(now)
	d.goOn(s, number)
	return true
}

// split moves a part of an order to a new one, and reports whether it did now. What was promised
// to the part is promised to the new order in the same unit: nobody comes between.
func (d *decision) split(s scope.Scope, number string, c order.Split) bool {
	o := d.order(s, number)
	if err := scope.CheckPart(c.To); err != nil { // before it names a stream
		d.fail(fault.At("order.Split", fault.Invalid, "to", err))
		return false
	}
	mine, theirs, err := o.Split(c, d.order(s, c.To), d.known(o.Scope), d.m.Now)
	if !d.onOrder(s, number, mine, err) || len(mine) == 0 {
		return false
	}
	s = o.Scope
	d.onOrder(s, c.To, theirs, nil)
	since := d.waitingSince(s, number)
	for _, e := range mine {
		if e, ok := e.(order.SplitInto); ok {
			d.takeBack(o, e.Lines, splitOrder)
		}
	}
	d.since = since
	d.reserve(s, c.To)
	d.since = nil
	d.goOn(s, number)
	return true
}

// merge takes the lines of other orders into one, and reports whether it did now. It is one unit:
// all of them, or none.
func (d *decision) merge(s scope.Scope, number string, c order.Merge) bool {
	if err := c.Validate(); err != nil {
		d.fail(err)
		return false
	}
	did := false
	for _, other := range c.From {
		from := d.order(s, other)
		mine, theirs, err := d.order(s, number).Merge(from, c.By, d.m.Now)
		if err != nil && !from.Known() {
			err = fault.At("order.Merge", fault.Rejected, "order "+other, fmt.Errorf("there is no order %s", other))
		}
		if !d.onOrder(s, number, mine, err) {
			return false
		}
		if len(mine) == 0 {
			continue
		}
		did = true
		d.onOrder(s, other, theirs, nil)
		for _, e := range theirs {
			if e, ok := e.(order.MergedInto); ok {
				d.takeBack(from, e.Lines, mergedOrder)
			}
		}
		d.waitsIfIt(from.Scope, other)
	}
	if did {
		s = d.order(s, number).Scope
		d.waitAnew(d.order(s, number))
		d.goOn(s, number)
	}
	return did
}

// goOn takes up the work of an order whose lines are others now.
func (d *decision) goOn(s scope.Scope, number string) {
	d.reserve(s, number)
	d.waitsIfIt(s, number)
	d.makeTask(s, number)
}

// takeBack undoes what was done for quantities that an order of lines no longer asks for: the
// promise, or the place and the task that was to fetch it. o is the order before.
func (d *decision) takeBack(o order.Order, lines []order.ChangedLine, reason string) {
	s, number := o.Scope, o.Number
	need := map[int]int64{}
	for _, l := range lines {
		if l.Release > 0 {
			k := keyOf(s, l.Item)
			events, posts, err := inventory.Release{
				BookKey: k, For: inventory.For{Order: number, Line: l.Line}, Qty: l.Release, Reason: reason,
			}.Decide(d.m.Now)
			d.onStock(k, events, posts, err)
		}
		if l.Deallocate > 0 {
			need[l.Line] = l.Deallocate
		}
	}
	if len(need) == 0 || d.err != nil {
		return
	}
	w := d.work(s, number)
	idle := map[int]int64{}
	for _, p := range w.Places {
		idle[p.Line] += p.Qty
	}
	for line, n := range need {
		if idle[line] < n {
			d.recallTasks(o, reason) // what it does not lose gets another task
			break
		}
	}
	// The last to be given a place is the first to lose it.
	places := slices.Clone(w.Places)
	for i := len(places) - 1; i >= 0; i-- {
		p := &places[i]
		n := min(p.Qty, need[p.Line])
		if n == 0 {
			continue
		}
		k := keyOf(s, p.Item)
		events, posts, err := inventory.Deallocate{
			BookKey: k, For: inventory.For{Order: number, Line: p.Line}, Place: p.Place, Qty: n, Reason: reason,
		}.Decide(d.m.Now)
		d.onStock(k, events, posts, err)
		p.Qty -= n
		need[p.Line] -= n
	}
	w.Places = slices.DeleteFunc(places, func(p piece) bool { return p.Qty == 0 })
	w.changed()
	for line, n := range need {
		if n > 0 {
			d.fail(fault.At("routes.takeBack", fault.Internal, fmt.Sprintf("line %d", line), errors.New("nobody knows where what was allocated lies")))
		}
	}
}
