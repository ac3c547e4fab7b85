package order

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/scope"
)

// DoorSplit is the door of orders that came from a split. Partner and document in their source
// are those of the order they were split off.
const DoorSplit = "split"

// Split moves open quantities to the order to, which must not exist, and leaves some of the
// order behind. What is picked, packed or gone stays; of the rest, what waits moves first and
// what has a place last. The new order has the same address, service, dates, holds and line numbers.
// mine are events of this order, theirs those that to begins with. A split that was made is no
// event; to as something else is Rejected.
func (o Order) Split(c Split, to Order, items Items, at time.Time) (mine, theirs []event.Event, err error) {
	const op = "order.Split"
	if err := o.exists(op); err != nil {
		return nil, nil, err
	}
	if err := scope.CheckPart(c.To); err != nil {
		return nil, nil, fault.At(op, fault.Invalid, "to", err)
	}
	if to.Known() || c.To == o.Number {
		if to.SplitFrom == o.Number && to.startedWith(c.Lines) {
			return nil, nil, nil
		}
		return nil, nil, fault.At(op, fault.Rejected, "to", fmt.Errorf("there is another order %s: name a number that is free", c.To))
	}
	lines, err := o.takes(op, c.Lines, "that may be moved", func(l Line) int64 { return l.Open() - l.Picked - l.Packed })
	if err != nil {
		return nil, nil, err
	}
	split := SplitInto{Head: o.head(at), To: c.To, Reason: c.Reason, By: c.By}
	taken := map[int]int64{}
	for _, q := range lines {
		taken[q.Line] = q.Qty
	}
	left := false
	var moved []AcceptedLine
	for _, l := range o.Lines {
		n := taken[l.No]
		left = left || l.Held() || l.Ordered-l.Cancelled-l.Short > n
		if n == 0 {
			continue
		}
		it, _ := items(l.SKU)
		rest := ChangedLine{Line: l.No, Item: l.SKU, Ordered: l.Ordered - n}
		rest.take(l, n)
		rest.Qty, rest.UOM = inUnit(rest.Ordered, l.UOM, it)
		split.Lines = append(split.Lines, rest)
		m := l.AcceptedLine
		m.Item, m.Ordered = l.SKU, n
		m.Qty, m.UOM = inUnit(n, l.UOM, it)
		moved = append(moved, m)
	}
	if !left {
		return nil, nil, fault.At(op, fault.Rejected, "lines", fmt.Errorf("nothing of order %s would be left behind", o.Number))
	}
	head := Head{o.Scope, c.To, at.UTC()}
	source := o.Source
	source.Door = DoorSplit
	theirs = []event.Event{
		Accepted{
			Head: head, Policy: o.Policy, Type: o.Type, Priority: o.Priority, Lines: moved, Service: o.Service, Dates: o.Dates, Refs: o.Refs,
			Source: source, Parties: o.Parties,
		},
		SplitFrom{head, o.Number, o.Told()},
	}
	for _, reason := range o.Holds {
		theirs = append(theirs, Held{head, reason, c.By})
	}
	return []event.Event{split}, theirs, nil
}

// startedWith reports whether these quantities are what the order was placed with.
func (o Order) startedWith(want []LineQty) bool {
	have := make([]AcceptedLine, len(o.Lines))
	for i, l := range o.Lines {
		have[i] = l.AcceptedLine
	}
	if o.First != nil {
		have = o.First.Lines
	}
	return len(want) == len(have) && !slices.ContainsFunc(want, func(q LineQty) bool {
		return !slices.ContainsFunc(have, func(l AcceptedLine) bool { return l.No == q.Line && l.Ordered == q.Qty })
	})
}

// inUnit is a quantity of smallest units in the unit that was ordered, or in the smallest one
// where it is no whole number of those.
func inUnit(n int64, uom string, it item.Item) (int64, string) {
	u, ok := it.Unit(uom)
	switch {
	case ok && u.Factor > 0 && n%u.Factor == 0:
		return n / u.Factor, uom
	case it.Known():
		return n, it.Smallest()
	}
	return n, "" // the smallest, whatever its name
}

// Merge takes the lines of another order into this one, under numbers of their own. Both must be
// for the same place and travel alike, and no work may have begun on either. mine are events of
// this order, theirs those of from, which ends with them. Merged before, it is no event.
func (o Order) Merge(from Order, by string, at time.Time) (mine, theirs []event.Event, err error) {
	const op = "order.Merge"
	if err := o.exists(op); err != nil {
		return nil, nil, err
	}
	if err := from.exists(op); err != nil {
		return nil, nil, fault.At(op, fault.Rejected, "from", cause(err))
	}
	if from.MergedInto == o.Number {
		return nil, nil, nil
	}
	no := func(place, format string, a ...any) ([]event.Event, []event.Event, error) {
		return nil, nil, fault.At(op, fault.Rejected, place, fmt.Errorf(format, a...))
	}
	if from.Number == o.Number {
		return no("from", "order %s cannot be merged into itself", o.Number)
	}
	for _, x := range [...]Order{o, from} {
		if err := x.unbegun(); err != nil {
			return no("order "+x.Number, "%w", err)
		}
	}
	if from.Totals().HeldLines > 0 {
		return no("order "+from.Number, "a line of order %s is held: release it first, or take it out", from.Number)
	}
	for _, x := range [...]Order{o, from} {
		if s := x.Source; s.Partner != "" && s.DocType != "" && o.Told() != from.Told() { // parts of one order may come together again
			return no("order "+x.Number, "order %s came by a %s and %s waits for an advice of just that order: it ships by itself", x.Number, s.DocType, s.Partner)
		}
	}
	if d := o.unlike(from); len(d) > 0 {
		return no(d[0].Place, "orders %s and %s differ in %s: they cannot go together", o.Number, from.Number, d[0].Place)
	}
	e := MergedFrom{
		Head: o.head(at), From: from.Number, By: by, Dates: together(o.Dates, from.Dates), Priority: max(o.Priority, from.Priority),
		Notes: from.Parties.Notes,
	}
	if x := e.Dates; !x.NotBefore.IsZero() && !x.CancelAfter.IsZero() && x.CancelAfter.Before(x.NotBefore) {
		return no("dates", "order %s may not leave before %s and %s not after %s", o.Number, dateText(x.NotBefore), from.Number, dateText(x.CancelAfter))
	}
	for _, r := range from.Refs {
		if !slices.Contains(o.Refs, r) {
			e.Refs = append(e.Refs, r)
		}
	}
	next := 0
	for _, l := range o.Lines {
		next = max(next, l.No)
	}
	gone := MergedInto{Head: from.head(at), Into: o.Number, By: by}
	for _, l := range from.Lines {
		n := l.Open()
		if n == 0 {
			continue
		}
		next++
		m := l.AcceptedLine
		m.No, m.Item, m.Ordered = next, l.SKU, n
		if n != l.Ordered { // a part of it was cancelled
			m.Qty, m.UOM = n, ""
		}
		e.Lines = append(e.Lines, MergedLine{m, l.No})
		rest := ChangedLine{Line: l.No, Item: l.SKU, UOM: l.UOM, Ordered: l.Ordered - n}
		rest.Qty = rest.Ordered
		rest.take(l, n)
		gone.Lines = append(gone.Lines, rest)
	}
	switch {
	case len(o.Lines)+len(e.Lines) > MaxLines:
		return no("lines", "the order would have %d lines, at most %d are allowed", len(o.Lines)+len(e.Lines), MaxLines)
	case len(o.Refs)+len(e.Refs) > MaxRefs:
		return no("refs", "the order would have %d references, at most %d are allowed", len(o.Refs)+len(e.Refs), MaxRefs)
	case len(o.Parties.Notes)+len(e.Notes) > MaxNotes:
		return no("notes", "the order would have %d notes, at most %d are allowed", len(o.Parties.Notes)+len(e.Notes), MaxNotes)
	}
	return []event.Event{e}, []event.Event{gone}, nil
}

// unbegun says why an order is past being merged, or nil.
func (o Order) unbegun() error {
	switch t := o.Totals(); {
	case o.Closed():
		return fmt.Errorf("order %s is closed (%s)", o.Number, o.Status())
	case o.OnHold():
		return fmt.Errorf("order %s is on hold (%s): release it first", o.Number, o.Status())
	case o.InWave != "":
		return fmt.Errorf("order %s is in wave %s: cancel the wave first", o.Number, o.InWave)
	case t.Picked+t.Packed+t.Shipped > 0:
		return fmt.Errorf("order %s is %s: work on it has begun", o.Number, o.Status())
	}
	return nil
}

// unlike is what keeps two orders from going together.
func (o Order) unlike(from Order) []Difference {
	var d differ
	d.text("owner", o.Scope.Owner, from.Scope.Owner)
	d.text("facility", o.Scope.Facility, from.Scope.Facility)
	d.text("policy", o.Policy, from.Policy)
	d.text("type", o.Type, from.Type)
	have, want := o.Service.texts(), from.Service.texts()
	for i := range have {
		d.text("service."+have[i].place, have[i].text, want[i].text)
	}
	if erased(o.Parties.ShipTo) || erased(from.Parties.ShipTo) {
		d.add("ship_to", "", "") // nobody knows any more
	}
	d.party("ship_to", o.Parties.ShipTo, from.Parties.ShipTo)
	d.party("bill_to", o.Parties.BillTo, from.Parties.BillTo)
	return d.out
}

// together are dates that keep the promises of both.
func together(a, b Dates) Dates {
	first := func(x, y time.Time) time.Time {
		if x.IsZero() || !y.IsZero() && y.Before(x) {
			return y
		}
		return x
	}
	out := Dates{
		Ordered: first(a.Ordered, b.Ordered), NotBefore: a.NotBefore,
		ShipBy: first(a.ShipBy, b.ShipBy), DeliverBy: first(a.DeliverBy, b.DeliverBy), CancelAfter: first(a.CancelAfter, b.CancelAfter),
	}
	if b.NotBefore.After(out.NotBefore) {
		out.NotBefore = b.NotBefore
	}
	return out
}

// Validate says what in the command cannot be understood.
func (c Merge) Validate() error {
	const op = "order.Merge"
	switch {
	case len(c.From) == 0:
		return fault.At(op, fault.Invalid, "from", errors.New("names no order"))
	case len(c.From) > MaxMerge:
		return fault.At(op, fault.Invalid, "from", fmt.Errorf("names %d orders, at most %d are allowed", len(c.From), MaxMerge))
	}
	for i, n := range c.From {
		place := fmt.Sprintf("from[%d]", i)
		if err := scope.CheckPart(n); err != nil {
			return fault.At(op, fault.Invalid, place, err)
		}
		if j := slices.Index(c.From, n); j < i {
			return fault.At(op, fault.Invalid, place, fmt.Errorf("order %s is named by from[%d] too", n, j))
		}
	}
	return nil
}
