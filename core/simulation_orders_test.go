package core_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/wave"
)

func (s *sim) known(sku string) (item.Item, bool) {
	it, ok := s.items[sku]
	return it, ok
}

// alter lets the customer, or the office, think again about an order; it reports whether
// anything came of it.
func (s *sim) alter(j *job, o order.Order) bool {
	l := o.Lines[s.rng.IntN(len(o.Lines))]
	switch s.rng.IntN(8) {
	case 0, 1, 2:
		return s.change(j, o, order.Change{Lines: []order.ChangeLine{{Line: l.No, Qty: int64(1 + s.rng.IntN(10)), UOM: item.Each}}})
	case 3:
		add := order.PlaceLine{No: o.Lines[len(o.Lines)-1].No + 1, Item: fmt.Sprintf("SKU/%d", s.rng.IntN(3)), Qty: int64(1 + s.rng.IntN(4)), UOM: item.Each}
		later := o.Dates
		if !later.ShipBy.IsZero() {
			later.ShipBy = later.ShipBy.Add(time.Duration(s.rng.IntN(12)) * time.Hour)
		}
		return s.change(j, o, order.Change{Add: []order.PlaceLine{add}, Dates: &later})
	case 4:
		if l.Picked+l.Packed > 0 {
			return false // [sim.cancel] does that for whole orders
		}
		return s.change(j, o, order.Change{Remove: []int{l.No}})
	case 5:
		return s.split(j, o, l)
	case 6:
		return s.merge(j, o, s.jobs[s.rng.IntN(len(s.jobs))])
	}
	evs, err := o.Hold(order.Hold{Reason: []string{order.HoldCredit, order.HoldAddress, order.HoldFraud}[s.rng.IntN(3)]}, s.now)
	if s.rejected(err) || len(evs) == 0 {
		return false
	}
	if s.plain(evs, nil); len(s.order(j).Holds) > 1 {
		s.Held++
	}
	return true
}

func (s *sim) change(j *job, o order.Order, c order.Change) bool {
	evs, err := o.Change(c, s.known, s.now)
	if s.rejected(err) {
		s.Refused++
		return false
	}
	if len(evs) == 0 {
		return false
	}
	s.Changed++
	var lines []order.ChangedLine
	for _, e := range evs {
		switch e := e.(type) {
		case order.Changed:
			lines = append(lines, e.Lines...)
		case order.Cancelled:
			for _, l := range e.Lines {
				lines = append(lines, order.ChangedLine{Line: l.Line, Item: l.Item, Release: l.Release, Deallocate: l.Deallocate})
			}
		}
	}
	s.giveBack(j, evs, nil, lines)
	now := s.order(j)
	s.wanted += now.Totals().Ordered - o.Totals().Ordered
	if again, err := now.Change(c, s.known, s.now); !now.Closed() && (err != nil || len(again) > 0) {
		s.fatalf("the same change again: %v %v", again, err)
	}
	return true
}

// giveBack commits a decision together with the stock that it sets free, and recalls the tasks
// that were to fetch some of it.
func (s *sim) giveBack(j *job, evs, others []event.Event, lines []order.ChangedLine) {
	var posts []journal.Posting
	all := slices.Concat(evs, others)
	take := func(e []event.Event, p []journal.Posting, err error) {
		if err != nil {
			s.fatalf("giving back: %v", err)
		}
		all, posts = append(all, e...), append(posts, p...)
	}
	recall := false
	for _, l := range lines {
		if l.Release > 0 {
			take(inventory.Release{BookKey: s.key(l.Item), For: inventory.For{Order: j.number, Line: l.Line}, Qty: l.Release}.Decide(s.now))
		}
		for i := range j.allocated {
			p := &j.allocated[i]
			if n := min(p.qty, l.Deallocate); p.line == l.Line && n > 0 {
				take(inventory.Deallocate{BookKey: s.key(p.item), Place: p.place, Qty: n}.Decide(s.now))
				p.qty -= n
				l.Deallocate -= n
				recall = true
			}
		}
		if l.Deallocate > 0 {
			s.fatalf("order %s gives back %d of line %d that have no place", j.number, l.Deallocate, l.Line)
		}
	}
	j.allocated = clean(j.allocated)
	s.sure(all, posts, nil)
	if !recall {
		return
	}
	s.Recalled++
	for _, tid := range j.tasks {
		s.plain(get[pick.List](s.world, pick.StreamOf(s.site, tid)).Cancel(pick.Cancel{Reason: "changed"}, s.now))
		s.plain(get[task.Task](s.world, task.StreamOf(s.site, tid)).Cancel(task.Cancel{Reason: "changed"}, s.now))
	}
	if len(j.tasks) > 0 {
		j.tasks = nil
		s.leaveWave(j, wave.OutRemoved)
	}
}

func (s *sim) split(j *job, o order.Order, l order.Line) bool {
	b := &job{number: fmt.Sprintf("%s-S%d", j.number, len(s.jobs))}
	c := order.Split{To: b.number, Lines: []order.LineQty{{Line: l.No, Qty: int64(1 + s.rng.IntN(6))}}}
	mine, theirs, err := o.Split(c, s.order(b), s.known, s.now)
	if s.rejected(err) {
		s.Refused++
		return false
	}
	s.Split++
	s.giveBack(j, mine, theirs, mine[0].(order.SplitInto).Lines)
	s.jobs = append(s.jobs, b)
	if mine, theirs, err := s.order(j).Split(c, s.order(b), s.known, s.now); err != nil || len(mine)+len(theirs) > 0 {
		s.fatalf("the same split again: %v %v %v", mine, theirs, err)
	}
	return true
}

func (s *sim) merge(j *job, o order.Order, other *job) bool {
	from := s.order(other)
	mine, theirs, err := o.Merge(from, "sim", s.now)
	if s.rejected(err) {
		s.Refused++
		return false
	}
	if len(mine) == 0 {
		return false
	}
	s.Merged++
	s.giveBack(other, theirs, mine, theirs[0].(order.MergedInto).Lines)
	return true
}

// release ends one reason of a hold, now and then.
func (s *sim) release(o order.Order) {
	if s.maybe(3) {
		s.plain(o.Release(order.Release{Reason: o.Holds[s.rng.IntN(len(o.Holds))]}, s.now))
	}
}

func (s *sim) releaseAll() {
	for _, j := range s.jobs {
		s.plain(s.order(j).Release(order.Release{}, s.now))
	}
}

// cutOffs tells of those that passed, and remembers who was open then.
func (s *sim) cutOffs() {
	for _, j := range s.jobs {
		o := s.order(j)
		by := o.Dates.ShipBy
		if by.IsZero() || s.now.Before(by) || s.late[j.number].Equal(by) {
			continue
		}
		evs := o.MissCutOff(s.now)
		s.plain(evs, nil)
		if !o.Closed() {
			s.late[j.number] = by
			s.Missed += len(evs)
		}
	}
}

// checkOrders holds what became of all orders together against what was asked for.
func (s *sim) checkOrders() {
	var ordered int64
	for _, j := range s.jobs {
		o := s.order(j)
		ordered += o.Totals().Ordered
		for _, l := range o.Lines {
			whole := o.Policy == order.AllOrNothing && o.Totals().Backordered > 0 // keeps what it has until the rest comes
			if l.Ordered != l.Shipped+l.Short+l.Cancelled+l.Backordered && !whole {
				s.fatalf("line %d of order %s does not end shipped, short, backordered or cancelled: %+v", l.No, o.Number, l)
			}
		}
		if by, late := s.late[j.number]; late && by.Equal(o.Dates.ShipBy) && !o.Missed.Equal(by) {
			s.fatalf("order %s was open at its cut-off and nobody was told", o.Number)
		}
		if o.MergedInto != "" && o.Workable() == nil {
			s.fatalf("order %s is merged and can be worked on", o.Number)
		}
	}
	if ordered != s.wanted {
		s.fatalf("all orders ask for %d, and %d were wanted: a split, a merge or a change lost or doubled some", ordered, s.wanted)
	}
}
