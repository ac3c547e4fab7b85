package order

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/party"
)

// removedByChange is why lines are cancelled that a change without a reason takes out.
const removedByChange = "removed by a change"

// Change decides what a change makes of the order. Before its wave is released everything may
// change. After that lines grow, shrink to what was picked of them, or are taken out with what
// was picked put back; an order that ships whole no longer grows. From the first closed carton on
// nothing grows and address and service stay: labels may have been bought for them.
//
// It is all or nothing: a part that is not possible refuses the change and names the part, where
// the order stands and what to do. What is asked for already is no event. A line that is new and
// whose item is not known is held, as [Order.Place] does; an order that ships whole is refused it.
func (o Order) Change(c Change, items Items, at time.Time) ([]event.Event, error) {
	const op = "order.Change"
	if err := o.exists(op); err != nil {
		return nil, err
	}
	d := changing{o: o, e: Changed{Head: o.head(at), Reason: c.Reason, By: c.By}, named: map[int]string{}, items: items}
	if bad := d.check(c); bad != nil {
		return nil, fault.At(op, fault.Invalid, bad.Problems[0].Place, bad)
	}
	for i, l := range c.Lines {
		d.line(fmt.Sprintf("lines[%d]", i), l)
	}
	d.parts(c)
	for i, l := range c.Add {
		d.add(fmt.Sprintf("add[%d]", i), l)
	}
	var gone []event.Event
	if len(c.Remove) > 0 {
		gone = d.remove(c, at)
	}
	if o.Closed() && (d.err != nil || d.some()) {
		return nil, fault.At(op, fault.Rejected, "order", fmt.Errorf("order %s is closed (%s): nothing of it changes any more", o.Number, o.Status()))
	}
	if d.err != nil {
		return nil, fault.Wrap(op, d.err)
	}
	if !d.some() {
		return gone, nil
	}
	return slices.Concat([]event.Event{d.e}, d.after, gone), nil
}

// changing gathers what one change leads to. The first refusal ends it.
type changing struct {
	o     Order
	e     Changed
	after []event.Event
	named map[int]string // lines by the place that named them
	items Items
	err   error
}

func (d *changing) some() bool { return len(d.e.Lines)+len(d.e.Added)+len(d.e.Fields) > 0 }

func (d *changing) refuse(place, format string, a ...any) {
	if d.err == nil {
		d.err = fault.At("order.Change", fault.Rejected, place, fmt.Errorf(format, a...))
	}
}

// check is what can be said of the command without knowing items.
func (d *changing) check(c Change) *InvalidError {
	bad := &InvalidError{}
	checkText(bad, c.Reason, func() string { return "reason" })
	once := func(place string, no int) {
		if was, twice := d.named[no]; twice {
			bad.add(place, "line %d is named by %s too", no, was)
		}
		d.named[no] = place
	}
	known := func(place string, no int) {
		if _, ok := d.o.Line(no); !ok {
			bad.add(place, "order %s has no line %d: add takes new lines", d.o.Number, no)
		}
	}
	for i, l := range c.Lines {
		at := fmt.Sprintf("lines[%d]", i)
		known(at+".line", l.Line)
		once(at+".line", l.Line)
		if l.Qty < 1 || l.Qty > MaxQty {
			bad.add(at+".qty", "%d is not between 1 and %d: remove takes lines out", l.Qty, MaxQty)
		}
	}
	for i, no := range c.Remove {
		at := fmt.Sprintf("remove[%d]", i)
		known(at, no)
		once(at, no)
	}
	for i, l := range c.Add {
		if l.No == 0 {
			bad.add(fmt.Sprintf("add[%d].no", i), "is missing: a new line says its number, so that the change can be sent again")
			continue
		}
		once(fmt.Sprintf("add[%d].no", i), l.No)
	}
	unnumbered := func(l PlaceLine) bool { return l.No == 0 }
	if n := len(d.o.Lines) + len(c.Add); len(c.Add) > 0 && n > MaxLines {
		bad.add("add", "the order would have %d lines, at most %d are allowed", n, MaxLines)
	} else if !slices.ContainsFunc(c.Add, unnumbered) {
		checkLines(bad, "add", c.Add)
	}
	if c.ShipTo != nil {
		checkParty(bad, FieldShipTo, *c.ShipTo, true)
	}
	if c.Service != nil {
		for _, t := range c.Service.texts() {
			checkText(bad, t.text, func() string { return "service." + t.place })
		}
	}
	if c.Dates != nil {
		checkDates(bad, *c.Dates)
	}
	if c.Priority != nil {
		checkPriority(bad, *c.Priority)
	}
	if len(bad.Problems) == 0 {
		return nil
	}
	return bad
}

// line gives a line another quantity.
func (d *changing) line(place string, c ChangeLine) {
	o := d.o
	l, _ := o.Line(c.Line)
	uom := cmp.Or(c.UOM, l.UOM)
	qty, p := resolve(l.SKU, c.Qty, uom, d.items)
	if l.Held() {
		if c.Qty == l.Qty && uom == l.UOM {
			return
		}
		// Ordered stays 0 until it is understood, which the new quantity may have done.
		d.e.Lines = append(d.e.Lines, ChangedLine{Line: l.No, Item: l.SKU, Qty: c.Qty, UOM: uom})
		if p.Code == "" {
			d.after = append(d.after, LineReleased{d.e.Head, l.No, l.SKU, qty})
		}
		return
	}
	if p.Code != "" {
		d.refuse(place+"."+p.Place, "%s", p.Text)
		return
	}
	if qty == l.Ordered && c.Qty == l.Qty && uom == l.UOM {
		return
	}
	kept := l.Shipped + l.Short + l.Cancelled + l.Picked + l.Packed
	switch more := qty > l.Ordered; {
	case l.Open() == 0:
		d.refuse(place+".line", "nothing of line %d of order %s is open (%d shipped, %d short, %d cancelled): add a line instead", l.No, o.Number, l.Shipped, l.Short, l.Cancelled)
	case qty < kept:
		d.refuse(place+".qty", "%d of line %d of order %s are picked, %d packed, %d shipped, %d short and %d cancelled: it cannot become %d; remove the line to have what is here put back",
			l.Picked, l.No, o.Number, l.Packed, l.Shipped, l.Short, l.Cancelled, qty)
	case more:
		d.grow(place + ".qty")
	}
	less := ChangedLine{Line: l.No, Item: l.SKU, Qty: c.Qty, UOM: uom, Ordered: qty}
	less.take(l, l.Ordered-qty)
	d.e.Lines = append(d.e.Lines, less)
}

// take takes n from a line: first what nobody has promised, then what waits, then what is
// promised, then what has a place.
func (c *ChangedLine) take(l Line, n int64) {
	for _, p := range [...]struct {
		has  int64
		into *int64
	}{{l.Unassigned(), nil}, {l.Backordered, &c.Backordered}, {l.Reserved, &c.Release}, {l.Allocated, &c.Deallocate}} {
		took := max(0, min(n, p.has))
		n -= took
		if p.into != nil {
			*p.into = took
		}
	}
}

// grow refuses more goods where they could not go with the rest.
func (d *changing) grow(place string) {
	o := d.o
	switch t := o.Totals(); {
	case t.Packed+t.Shipped > 0:
		d.refuse(place, "order %s is %s: cartons are closed, and more goes with another order", o.Number, o.Status())
	case t.Picked > 0 && o.Policy == AllOrNothing: // its wave may be cancelled: who packs them waits for no more
		d.refuse(place, "order %s ships whole or not at all and %d of it are picked: more goes with another order", o.Number, t.Picked)
	case o.InWave != "" && o.Policy == AllOrNothing:
		d.refuse(place, "order %s ships whole or not at all and is in wave %s: more goes with another order, or cancel the wave first", o.Number, o.InWave)
	}
}

// parts changes what the order as a whole says.
func (d *changing) parts(c Change) {
	o := d.o
	if c.ShipTo != nil && !sameAddress(*c.ShipTo, o.Parties.ShipTo) {
		d.unlabelled(FieldShipTo)
		d.e.ShipTo = *c.ShipTo
	}
	if c.Service != nil && *c.Service != o.Service {
		d.unlabelled(FieldService)
		d.e.Service = *c.Service
	}
	if c.Dates != nil {
		if dates := c.Dates.utc(); !dates.equal(o.Dates) {
			d.e.Fields = append(d.e.Fields, FieldDates)
			d.e.Dates = dates
		}
	}
	if c.Priority != nil && *c.Priority != o.Priority {
		d.e.Fields = append(d.e.Fields, FieldPriority)
		d.e.Priority = *c.Priority
	}
}

// unlabelled changes a part that labels are bought for.
func (d *changing) unlabelled(field string) {
	if t := d.o.Totals(); t.Packed+t.Shipped > 0 {
		d.refuse(field, "order %s is %s: cartons are closed and labels may be bought; cancel it and place it anew", d.o.Number, d.o.Status())
	}
	d.e.Fields = append(d.e.Fields, field)
}

// add takes a new line in. One that was added before, the same, is no change.
func (d *changing) add(place string, c PlaceLine) {
	o := d.o
	l := c.accepted()
	if have, taken := o.Line(c.No); taken {
		have.Ordered = 0
		if !reflect.DeepEqual(have.AcceptedLine, l) {
			d.refuse(place+".no", "order %s has another line %d: lines changes its quantity", o.Number, c.No)
		}
		return
	}
	qty, p := resolve(c.Item, c.Qty, c.UOM, d.items)
	switch {
	case p.Code != "" && o.Policy == AllOrNothing:
		d.refuse(place+"."+p.Place, "%s", p.Text)
	case p.Code != "":
		p.Place = place + "." + p.Place
		d.after = append(d.after, LineHeld{d.e.Head, c.No, p})
	default:
		d.grow(place)
	}
	l.Ordered = qty
	d.e.Added = append(d.e.Added, l)
}

// remove cancels lines, with what must be undone for them.
func (d *changing) remove(c Change, at time.Time) []event.Event {
	rest := len(d.e.Added)
	for _, l := range d.o.Lines {
		if (l.Open() > 0 || l.Held() || l.Shipped > 0) && !slices.Contains(c.Remove, l.No) {
			rest++
		}
	}
	gone, err := d.o.Cancel(Cancel{Reason: cmp.Or(c.Reason, removedByChange), By: c.By, Lines: c.Remove}, at)
	switch {
	case err != nil:
		d.refuse("remove", "%w", cause(err))
	case len(gone) > 0 && rest == 0:
		d.refuse("remove", "nothing of order %s would be left: cancel it", d.o.Number)
	}
	return gone
}

func sameAddress(a, b party.Address) bool {
	var d differ
	d.party("", a, b)
	return len(d.out) == 0
}
