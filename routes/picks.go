package routes

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/routes/eip"
)

func (f *Flows) addPicks() error {
	return f.hub.Add(Route{
		Name: "pick", About: "opens the pick list of each pick task",
		Topics: []string{onTasks}, Handle: f.openPicks,
		Types:  takes(task.Created{}),
		Writes: []string{onPicks}, Patterns: []string{eip.NamePublishSubscribe},
	})
}

func (f *Flows) openPicks(ctx context.Context, m *Message) (*Out, error) {
	e, ok := m.Event.(task.Created)
	if !ok || e.Kind != task.KindPick {
		return m.Out(), nil
	}
	d := f.decide(ctx, m)
	t, l := d.task(e.Scope, e.Task), d.pick(e.Scope, e.Task)
	if d.err != nil || t.Status == task.StatusCancelled || l.Status != pick.StatusNone {
		return d.done()
	}
	d.openList(t)
	return d.done()
}

// openList makes the pick list of a task.
func (d *decision) openList(t task.Task) {
	events, err := d.pick(t.Scope, t.Task).Open(pick.Open{
		Scope: t.Scope, Task: t.Task, Order: t.Order, Wave: t.Wave, Method: t.Method, Steps: t.Steps,
	}, d.m.Now)
	d.onPick(t.Scope, t.Task, events, err)
}

// holdsTask says why the worker may not work on the task now.
func (d *decision) holdsTask(s scope.Scope, id, worker string) task.Task {
	t := d.task(s, id)
	if d.err == nil && (t.Status != task.StatusClaimed || t.Worker != worker || !d.m.Now.Before(t.Until)) {
		why := "claim it first"
		if t.Status == task.StatusOpen && t.Taken.Worker == worker {
			why = fmt.Sprintf("it was taken back for task %s (%s): ask for your next one", t.Taken.For, t.Taken.Reason)
		}
		d.fail(missing("routes.Pick", "worker", fmt.Sprintf("task %s is not claimed by %s now: %s", id, worker, why)))
	}
	return t
}

// spans are the steps that goods taken at a step may be for: those of other orders for the same
// article at the same place, where a picker takes it for all of them at once. A step that is done
// stands for itself: who says it twice took nothing for another.
func spans(l pick.List, step int) []pick.Step {
	if step < 1 || step > len(l.Steps) {
		return nil
	}
	first := l.Steps[step-1]
	out := []pick.Step{first}
	if l.Order != "" || l.Method == pick.Cluster || first.Left() == 0 {
		return out
	}
	for _, st := range l.Steps {
		if st.No != step && st.Left() > 0 && st.Item == first.Item && st.Owner == first.Owner && st.From == first.From {
			out = append(out, st)
		}
	}
	return out
}

// confirm records a pick: the list, the stock and the orders move in one unit.
func (d *decision) confirm(s scope.Scope, id string, c pick.Confirm) {
	d.holdsTask(s, id, c.Worker)
	l := d.pick(s, id)
	all := spans(l, c.Step)
	if len(all) < 2 || c.Qty <= all[0].Left() || len(c.Serials) > 0 && int64(len(c.Serials)) != c.Qty {
		d.confirmStep(s, id, c)
		d.endTask(s, id, c.Worker)
		return
	}
	left, serials := c.Qty, c.Serials
	for i, st := range all {
		one := c
		if one.Step, one.Qty = st.No, min(left, st.Left()); i == len(all)-1 {
			one.Qty = left // more than there is for anybody is refused
		}
		if one.Qty == 0 {
			continue
		}
		if len(serials) > 0 {
			one.Serials, serials = serials[:one.Qty], serials[one.Qty:]
		}
		d.confirmStep(s, id, one)
		left -= one.Qty
	}
	d.endTask(s, id, c.Worker)
}

func (d *decision) confirmStep(s scope.Scope, id string, c pick.Confirm) {
	l := d.pick(s, id)
	if c.Worker != worker && (!d.isTote(s, c.Tote) || !d.emptyTote(l, c.Tote)) {
		return
	}
	events, err := l.Confirm(c, d.m.Now)
	if !d.onPick(s, id, events, err) {
		return
	}
	st := l.Steps[c.Step-1]
	of := ownerOf(l, st)
	k := keyOf(of, st.Item)
	// The simulated worker took what lay there a moment ago: where another was faster, the floors
	// say so and he looks again.
	if c.Worker != worker && !d.serialsHere(k, c.Serials, c.Qty) || !d.totesApart(l, st, c) {
		return
	}
	moved, posts, err := inventory.Pick{BookKey: k, For: forStep(l, st), Place: st.From, Tote: c.Tote, Qty: c.Qty, Serials: c.Serials}.Decide(d.m.Now)
	d.onStock(k, moved, posts, err)
	d.picked(of, l, st, c.Tote, c.Qty, c.Serials)
}

// short ends a step with what was found. What is missing is tried from other places,
// which the order service decides; the place is counted.
// Of an article that is taken for several orders at once, what was found goes to the first of
// them.
func (d *decision) short(s scope.Scope, id string, c pick.Short) {
	d.holdsTask(s, id, c.Worker)
	all := spans(d.pick(s, id), c.Step)
	if len(all) < 2 {
		d.shortStep(s, id, c)
		d.endTask(s, id, c.Worker)
		return
	}
	var asked int64
	for _, st := range all {
		asked += st.Left()
	}
	if c.Found < 0 || c.Found >= asked {
		d.fail(fault.At("routes.Pick", fault.Invalid, "found", fmt.Errorf("%d of the %d that are left for all orders is not short", c.Found, asked)))
		return
	}
	found := c.Found
	for _, st := range all {
		n := min(found, st.Left())
		found -= n
		if n == st.Left() {
			d.confirmStep(s, id, pick.Confirm{Step: st.No, Qty: n, Tote: c.Tote, Worker: c.Worker})
			continue
		}
		one := c
		one.Step, one.Found = st.No, n
		d.shortStep(s, id, one)
	}
	d.endTask(s, id, c.Worker)
}

func (d *decision) shortStep(s scope.Scope, id string, c pick.Short) {
	l := d.pick(s, id)
	if c.Found > 0 && c.Worker != worker && (!d.isTote(s, c.Tote) || !d.emptyTote(l, c.Tote)) {
		return
	}
	events, err := l.Short(c, d.m.Now)
	if !d.onPick(s, id, events, err) {
		return
	}
	st := l.Steps[c.Step-1]
	of := ownerOf(l, st)
	k := keyOf(of, st.Item)
	if c.Found > 0 && d.itemSeen(of, st.Item).Spec.Tracking.Serial {
		d.fail(missing("routes.Pick", "found", "item "+st.Item+" is tracked by serial number: confirm the found ones by theirs, then say short with found 0"))
		return
	}
	moved, posts, err := inventory.Short{
		BookKey: k, For: forStep(l, st), Place: st.From, Tote: c.Tote, Expected: st.Left(), Found: c.Found, By: c.Worker,
	}.Decide(d.balance, d.m.Now)
	d.onStock(k, moved, posts, err)
	number := numberOf(l, st)
	events, err = d.order(of, number).Short(order.Short{
		Line: st.Line, Qty: st.Left() - c.Found, From: order.FromAllocated, Then: order.Reallocate, Task: id,
	}, d.m.Now)
	d.onOrder(of, number, events, err)
	if c.Found > 0 {
		d.picked(of, l, st, c.Tote, c.Found, nil)
	}
}

// isTote refuses a place of the building where a tote is meant: somebody scanned the shelf.
func (d *decision) isTote(s scope.Scope, tote string) bool {
	if scope.CheckPart(tote) == nil && d.location(s, tote).Known() {
		d.fail(missing("routes.Pick", "tote", tote+" is a location: scan the tote that the goods are put into"))
	}
	return d.err == nil
}

// ownerOf is the scope of the goods of a step.
func ownerOf(l pick.List, st pick.Step) scope.Scope {
	s := l.Scope
	s.Owner = cmp.Or(st.Owner, s.Owner)
	return s
}

func numberOf(l pick.List, st pick.Step) string {
	if st.Order != "" {
		return st.Order
	}
	return l.Order
}

func forStep(l pick.List, st pick.Step) inventory.For {
	return inventory.For{Order: numberOf(l, st), Line: st.Line, Task: l.Task}
}

// picked counts goods in a tote for their order.
func (d *decision) picked(s scope.Scope, l pick.List, st pick.Step, tote string, qty int64, serials []string) {
	number := numberOf(l, st)
	events, err := d.order(s, number).Pick(order.Pick{Task: l.Task, Lines: []order.LineQty{{Line: st.Line, Qty: qty}}}, d.m.Now)
	d.onOrder(s, number, events, err)
	w := d.work(s, number)
	w.Totes = addContent(w.Totes, pack.Content{Line: st.Line, Item: st.Item, Lot: st.From.Lot, Tote: tote, Qty: qty, Serials: serials})
	w.settle(st.Item, st.From)
	w.changed()
}

// endTask completes the task with the last step of its list: then its goods have arrived, and of
// each order it is known whether more is on its way.
func (d *decision) endTask(s scope.Scope, id, worker string) {
	l := d.pick(s, id)
	if d.err != nil || l.Status != pick.StatusCompleted {
		return
	}
	// Whose lease ended before its timer ran holds it no more.
	events, err := d.task(s, id).Expire(task.Expire{Claim: d.task(s, id).Claims}, d.m.Now)
	d.onTask(s, id, events, err)
	t := d.task(s, id)
	if t.Status == task.StatusClaimed {
		events, err := t.Complete(task.Complete{Worker: worker, Claim: t.Claims}, d.m.Now)
		d.onTask(s, id, events, err)
	} else {
		events, err := t.Cancel(task.Cancel{Reason: nothingLeft}, d.m.Now)
		d.onTask(s, id, events, err)
	}
	for _, of := range ordersOf(t) {
		w := d.work(of.Scope, of.number)
		w.dropTask(id)
		w.changed()
		if t.Order == "" {
			d.consolidate(l, of)
		}
	}
}

// nothingLeft is why a task ends that nobody holds: its orders want nothing more of it.
const nothingLeft = "nothing left"

// worker is who the automatic worker is.
const worker = "auto"

func (f *Flows) addWorker() error {
	if !f.cfg.Auto.Pick {
		return nil
	}
	return f.hub.Add(Route{
		Name: "auto.pick", About: "a worker who claims every pick task and picks it, for demonstrations and tests",
		Topics: []string{onPicks, onOrders, onTasks}, Handle: f.autoPick,
		Types:  takes(pick.Opened{}, pick.Dropped{}, task.Expired{}, task.Released{}, order.Released{}),
		Writes: []string{onTasks, onPicks, onOrders, onInventory}, Patterns: []string{eip.NameCompeting},
	})
}

func (f *Flows) autoPick(ctx context.Context, m *Message) (*Out, error) {
	d := f.decide(ctx, m)
	switch e := m.Event.(type) {
	case pick.Opened:
		d.pickAll(e.Scope, e.Task)
	case pick.Dropped:
		d.pickAll(e.Scope, e.Task)
	case task.Expired:
		d.pickAll(e.Scope, e.Task)
	case task.Released:
		d.pickAll(e.Scope, e.Task)
	case order.Released:
		d.order(e.Scope, e.Order) // before its work: they move together
		for _, id := range d.work(e.Scope, e.Order).Tasks {
			d.pickAll(d.whereTask(e.Scope, id), id)
		}
	}
	return d.done()
}

// pickAll does the work of one task, unless somebody else does, one of its orders is on hold, or
// lines are cancelled: then it is about to be recalled, and another one follows.
func (d *decision) pickAll(s scope.Scope, id string) {
	t := d.task(s, id)
	l := d.pick(s, id)
	if d.err != nil || t.Status != task.StatusOpen || l.Status != pick.StatusOpen {
		return
	}
	for _, of := range ordersOf(t) {
		o := d.order(of.Scope, of.number)
		left := map[int]int64{}
		for _, st := range l.Steps {
			if numberOf(l, st) == of.number && ownerOf(l, st) == of.Scope {
				left[st.Line] += st.Left()
			}
		}
		for line, n := range left {
			if x, ok := o.Line(line); n > 0 && (!ok || x.Allocated < n || o.Workable() != nil) {
				return
			}
		}
	}
	events, err := t.Claim(task.Claim{Worker: worker, Lease: d.f.cfg.Lease}, d.m.Now)
	d.onTask(s, id, events, err)
	for _, st := range l.Steps {
		n := st.Left()
		if n == 0 || d.err != nil {
			continue
		}
		of, tote := keyOf(ownerOf(l, st), st.Item), id
		if l.Method == pick.Cluster {
			tote = nameOf("K", id+"-"+numberOf(l, st), 1)
		}
		if d.f.cfg.Auto.misses(l.Task, st.No) {
			found := n - 1
			if serials := d.someSerials(of, found); len(serials) > 0 {
				d.confirmStep(s, id, pick.Confirm{Step: st.No, Qty: found, Tote: tote, Worker: worker, Serials: serials})
				found = 0
			}
			d.shortStep(s, id, pick.Short{Step: st.No, Found: found, Tote: tote, Worker: worker, Reason: "not_found"})
			continue
		}
		d.confirmStep(s, id, pick.Confirm{Step: st.No, Qty: n, Tote: tote, Worker: worker, Serials: d.someSerials(of, n)})
	}
	d.endTask(s, id, worker)
}

// misses chooses the steps that the worker finds short, the same ones in every run.
func (a AutoConfig) misses(id string, step int) bool {
	if a.ShortOneIn <= 0 {
		return false
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%d", id, step)
	return (h.Sum64()>>17)%uint64(a.ShortOneIn) == 0
}
