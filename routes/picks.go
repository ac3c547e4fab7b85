package routes

import (
	"context"
	"fmt"
	"hash/fnv"

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
	events, err := l.Open(pick.Open{Scope: e.Scope, Task: e.Task, Order: e.Order, Wave: e.Wave, Steps: e.Steps}, m.Now)
	d.onPick(e.Scope, e.Task, events, err)
	return d.done()
}

// holdsTask says why the worker may not work on the task now.
func (d *decision) holdsTask(s scope.Scope, id, worker string) task.Task {
	t := d.task(s, id)
	if d.err == nil && (t.Status != task.StatusClaimed || t.Worker != worker || !d.m.Now.Before(t.Until)) {
		d.fail(missing("routes.Pick", "worker", fmt.Sprintf("task %s is not claimed by %s now: claim it first", id, worker)))
	}
	return t
}

// confirm records a pick: the list, the stock and the order move in one unit.
func (d *decision) confirm(s scope.Scope, id string, c pick.Confirm) {
	d.holdsTask(s, id, c.Worker)
	l := d.pick(s, id)
	events, err := l.Confirm(c, d.m.Now)
	if !d.onPick(s, id, events, err) {
		return
	}
	st := l.Steps[c.Step-1]
	k := keyOf(s, st.Item)
	// The simulated worker took what lay there a moment ago: where another was faster, the floors
	// say so and he looks again.
	if c.Worker != worker && !d.serialsHere(k, c.Serials, c.Qty) {
		return
	}
	moved, posts, err := inventory.Pick{BookKey: k, For: forStep(l, st), Place: st.From, Tote: c.Tote, Qty: c.Qty, Serials: c.Serials}.Decide(d.m.Now)
	d.onStock(k, moved, posts, err)
	d.picked(s, l, st, c.Tote, c.Qty, c.Serials)
	d.endTask(s, id, c.Worker)
}

// short ends a step with what was found. What is missing is tried from other places,
// which the order service decides; the place is counted.
func (d *decision) short(s scope.Scope, id string, c pick.Short) {
	d.holdsTask(s, id, c.Worker)
	l := d.pick(s, id)
	events, err := l.Short(c, d.m.Now)
	if !d.onPick(s, id, events, err) {
		return
	}
	st := l.Steps[c.Step-1]
	k := keyOf(s, st.Item)
	if c.Found > 0 && d.itemSeen(s, st.Item).Spec.Tracking.Serial {
		d.fail(missing("routes.Pick", "found", "item "+st.Item+" is tracked by serial number: confirm the found ones by theirs, then say short with found 0"))
		return
	}
	moved, posts, err := inventory.Short{
		BookKey: k, For: forStep(l, st), Place: st.From, Tote: c.Tote, Expected: st.Left(), Found: c.Found,
	}.Decide(d.balance, d.m.Now)
	d.onStock(k, moved, posts, err)
	number := numberOf(l, st)
	events, err = d.order(s, number).Short(order.Short{
		Line: st.Line, Qty: st.Left() - c.Found, From: order.FromAllocated, Then: order.Reallocate, Task: id,
	}, d.m.Now)
	d.onOrder(s, number, events, err)
	if c.Found > 0 {
		d.picked(s, l, st, c.Tote, c.Found, nil)
	}
	d.endTask(s, id, c.Worker)
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

// endTask completes the task with the last step of its list.
func (d *decision) endTask(s scope.Scope, id, worker string) {
	l := d.pick(s, id)
	if d.err != nil || l.Status != pick.StatusCompleted {
		return
	}
	t := d.task(s, id)
	events, err := t.Complete(task.Complete{Worker: worker, Claim: t.Claims}, d.m.Now)
	d.onTask(s, id, events, err)
	w := d.work(s, t.Order)
	w.dropTask(id)
	w.changed()
}

// worker is who the automatic worker is.
const worker = "auto"

func (f *Flows) addWorker() error {
	if !f.cfg.Auto.Pick {
		return nil
	}
	return f.hub.Add(Route{
		Name: "auto.pick", About: "a worker who claims every pick task and picks it, for demonstrations and tests",
		Topics: []string{onPicks, onOrders, onTasks}, Handle: f.autoPick,
		Types:  takes(pick.Opened{}, task.Expired{}, order.Released{}),
		Writes: []string{onTasks, onPicks, onOrders, onInventory}, Patterns: []string{eip.NameCompeting},
	})
}

func (f *Flows) autoPick(ctx context.Context, m *Message) (*Out, error) {
	d := f.decide(ctx, m)
	switch e := m.Event.(type) {
	case pick.Opened:
		d.pickAll(e.Scope, e.Order, e.Task)
	case task.Expired:
		d.pickAll(e.Scope, e.Order, e.Task)
	case order.Released:
		d.order(e.Scope, e.Order) // before its work: they move together
		for _, id := range d.work(e.Scope, e.Order).Tasks {
			d.pickAll(e.Scope, e.Order, id)
		}
	}
	return d.done()
}

// pickAll does the work of one task, unless somebody else does, its order is on hold, or lines of
// it are cancelled: then the task is about to be recalled, and another one follows.
func (d *decision) pickAll(s scope.Scope, number, id string) {
	o := d.order(s, number)
	t := d.task(s, id)
	l := d.pick(s, id)
	if d.err != nil || o.Workable() != nil || t.Status != task.StatusOpen || l.Status != pick.StatusOpen {
		return
	}
	left := map[int]int64{}
	for _, st := range l.Steps {
		left[st.Line] += st.Left()
	}
	for line, n := range left {
		if x, ok := o.Line(line); !ok || x.Allocated < n {
			return
		}
	}
	events, err := t.Claim(task.Claim{Worker: worker, Lease: d.f.cfg.Lease}, d.m.Now)
	d.onTask(s, id, events, err)
	for _, st := range l.Steps {
		n := st.Left()
		if n == 0 || d.err != nil {
			continue
		}
		if d.f.cfg.Auto.misses(l.Task, st.No) {
			found := n - 1
			if serials := d.someSerials(keyOf(s, st.Item), found); len(serials) > 0 {
				d.confirm(s, id, pick.Confirm{Step: st.No, Qty: found, Tote: id, Worker: worker, Serials: serials})
				found = 0
			}
			d.short(s, id, pick.Short{Step: st.No, Found: found, Tote: id, Worker: worker, Reason: "not_found"})
			continue
		}
		d.confirm(s, id, pick.Confirm{Step: st.No, Qty: n, Tote: id, Worker: worker, Serials: d.someSerials(keyOf(s, st.Item), n)})
	}
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
