package routes

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/wave"
	"github.com/paklog/hub/routes/eip"
)

func (f *Flows) addTasks() error {
	return f.hub.Add(Route{
		Name: "task", About: "makes pick tasks of the orders in waves that were batched",
		Topics: []string{onWaves}, Handle: f.makeTasks,
		Types:  takes(wave.Batched{}),
		Writes: []string{onTasks}, Patterns: []string{eip.NamePublishSubscribe},
	})
}

func (f *Flows) addTaskFollowing() error {
	return f.hub.Add(Route{
		Name: "task.follow", About: "makes more pick tasks for orders of released waves: goods that were found elsewhere, orders that go on; what is queued is as urgent as its orders are now",
		Topics: []string{onOrders}, Handle: f.followTasks,
		Types:  takes(order.Allocated{}, order.Released{}, order.Held{}, order.Changed{}),
		Writes: []string{onTasks},
	})
}

func (f *Flows) makeTasks(ctx context.Context, m *Message) (*Out, error) {
	e, ok := m.Event.(wave.Batched)
	if !ok {
		return m.Out(), nil
	}
	d := f.decide(ctx, m)
	d.ways = ways(e)
	if e.Method != wave.Discrete {
		d.makeBatches(e)
	}
	for _, of := range d.wave(e.Scope, e.Wave).Orders {
		if of.Outcome == "" {
			d.beginTasks(scope.Scope{Tenant: e.Tenant, Owner: of.Owner, Facility: e.Facility}, of.Order.Order, e.Wave)
		}
	}
	return d.done()
}

func (f *Flows) followTasks(ctx context.Context, m *Message) (*Out, error) {
	d := f.decide(ctx, m)
	switch e := m.Event.(type) {
	case order.Allocated:
		d.makeTask(e.Scope, e.Order)
	case order.Released:
		d.makeTask(e.Scope, e.Order)
	case order.Held:
		d.leaveBatches(e.Scope, e.Order)
	case order.Changed:
		if slices.Contains(e.Fields, order.FieldPriority) || slices.Contains(e.Fields, order.FieldDates) {
			d.prioritize(e.Scope, e.Order)
		}
	}
	return d.done()
}

// maxSteps is the most steps that one task gets: more work is several tasks.
const maxSteps = 200

// beginTasks takes up the work of an order in a released wave. What follows, for goods that are
// found elsewhere or when a hold ends, goes by its being taken up: it is not the task service's,
// and must not do its work before it.
func (d *decision) beginTasks(s scope.Scope, number, wave string) {
	o := d.order(s, number)
	if w := d.work(s, number); d.err == nil && o.InWave == wave && w.Begun != wave {
		w.Begun = wave
		w.changed()
	}
	d.makeTask(s, number)
}

// makeTask makes a pick task of what an order that was taken up has a place for and nobody
// fetches yet.
func (d *decision) makeTask(s scope.Scope, number string) {
	o := d.order(s, number)
	if d.err != nil || o.InWave == "" || o.Workable() != nil {
		return
	}
	s = o.Scope
	wv := d.wave(s, o.InWave)
	w := d.work(s, number)
	if d.err != nil || wv.Status != wave.StatusReleased || len(w.Places) == 0 || w.Begun != o.InWave && w.TaskNo == 0 {
		return
	}
	// What is cancelled and not given back yet nobody fetches.
	var pieces, gone []piece
	for _, p := range w.Places {
		if l, ok := o.Line(p.Line); ok && l.Allocated > 0 {
			pieces = append(pieces, p)
		} else {
			gone = append(gone, p)
		}
	}
	if len(pieces) == 0 {
		return
	}
	slices.SortStableFunc(pieces, func(a, b piece) int { return d.walk(s, wave.Of{Owner: s.Owner, Order: number}, a, b) })
	rest := pieces[min(len(pieces), maxSteps):]
	pieces = pieces[:min(len(pieces), maxSteps)]
	steps := make([]task.Step, len(pieces))
	for i, p := range pieces {
		steps[i] = task.Step{No: i + 1, Order: number, Line: p.Line, Item: p.Item, From: p.Place, Qty: p.Qty}
	}
	w.TaskNo++
	id := nameOf("T", number, w.TaskNo)
	w.Tasks = append(w.Tasks, id)
	w.Places = slices.Concat(gone, rest)
	w.changed()
	method := ""
	if w.Sort {
		method = wave.ZonePick // what follows goes where the rest of the order is
	}
	made := d.createTask(task.Create{
		Method: method, Scope: s, Task: id, Kind: task.KindPick, Order: number, Wave: o.InWave, Priority: o.Priority, CutOff: cutOffOf(o, wv), Steps: steps,
	})
	if made && len(rest) > 0 {
		d.makeTask(s, number)
	}
}

// prioritize makes the tasks of an order as urgent as it is now. One over several orders is as
// urgent as the most urgent of them.
func (d *decision) prioritize(s scope.Scope, number string) {
	for _, id := range d.work(s, number).Tasks {
		t := d.task(d.whereTask(s, id), id)
		c := task.Prioritize{Reason: "order " + number + " changed"}
		for _, of := range ordersOf(t) {
			o := d.order(of.Scope, of.number)
			if !slices.Contains(d.work(of.Scope, of.number).Tasks, id) {
				continue // it left the batch
			}
			c.Priority = max(c.Priority, o.Priority)
			if by := cutOffOf(o, d.wave(o.Scope, t.Wave)); !by.IsZero() && (c.CutOff.IsZero() || by.Before(c.CutOff)) {
				c.CutOff = by
			}
		}
		if d.err != nil {
			return
		}
		events, err := t.Prioritize(c, d.m.Now)
		d.onTask(t.Scope, id, events, err)
	}
}

// cutOffOf is when the work for an order must be out: its own time, which may be later than
// that of the wave's most urgent order, else the wave's.
func cutOffOf(o order.Order, w wave.Wave) time.Time {
	if o.Dates.ShipBy.IsZero() {
		return w.CutOff
	}
	return o.Dates.ShipBy
}

// walk orders pieces along the way of a picker: that of the batch where the wave's ways are
// known, else by sequence.
func (d *decision) walk(s scope.Scope, of wave.Of, a, b piece) int {
	number := func(p piece) int { return d.ways[wayKey{of, p.Line, p.Place}] }
	return cmp.Or(
		cmp.Compare(number(a), number(b)), cmp.Compare(d.location(s, a.Place.Location).Spec.Sequence, d.location(s, b.Place.Location).Spec.Sequence),
		cmp.Compare(a.Place.Location, b.Place.Location), cmp.Compare(a.Line, b.Line))
}

// recallTasks ends the open tasks of an order; what they had not fetched has its place
// and no task again.
func (d *decision) recallTasks(o order.Order, reason string) {
	w := d.work(o.Scope, o.Number)
	for _, id := range slices.Clone(w.Tasks) {
		at := d.whereTask(o.Scope, id)
		l := d.pick(at, id)
		t := d.task(at, id)
		if d.err != nil {
			return
		}
		if t.Order == "" {
			d.leaveBatch(o, t, reason)
			continue
		}
		left := t.Steps
		if l.Status != pick.StatusNone {
			left = nil
			for _, st := range l.Steps {
				if n := st.Left(); n > 0 {
					x := st.Step
					x.Qty = n
					left = append(left, x)
				}
			}
			if l.Status == pick.StatusOpen {
				events, err := l.Cancel(pick.Cancel{Reason: reason}, d.m.Now)
				d.onPick(o.Scope, id, events, err)
			}
		}
		if t.Status != task.StatusCompleted {
			events, err := t.Cancel(task.Cancel{Reason: reason}, d.m.Now)
			d.onTask(o.Scope, id, events, err)
		}
		for _, st := range left {
			w.Places = append(w.Places, piece{st.Line, st.Item, st.From, st.Qty})
		}
		w.dropTask(id)
		w.changed()
	}
}

// lease is what a lease's timer carries.
type lease struct {
	Scope scope.Scope `json:"scope"`
	Task  string      `json:"task"`
	Claim int         `json:"claim"`
}

const leaseEnded = "task.lease_ended"

func (f *Flows) addLeases() error {
	return f.hub.Add(Route{
		Name: "task.lease", About: "takes tasks back from workers whose lease ended",
		Topics: []string{onTasks}, Handle: f.watchLease,
		Types:  takes(task.Claimed{}, task.Renewed{}),
		Writes: []string{onTasks},
	})
}

func (f *Flows) watchLease(ctx context.Context, m *Message) (*Out, error) {
	d := f.decide(ctx, m)
	switch e := m.Event.(type) {
	case task.Claimed:
		d.lease(e.Head, e.Claim, e.Until)
	case task.Renewed:
		d.lease(e.Head, e.Claim, e.Until)
	case nil:
		var l lease
		if err := m.Decode(&l); err != nil {
			return nil, err
		}
		t := d.task(l.Scope, l.Task)
		if m.Now.Before(t.Until) {
			d.lease(t.Head, l.Claim, t.Until) // the clock was set back since the timer fired
		}
		events, err := t.Expire(task.Expire{Claim: l.Claim}, m.Now)
		d.onTask(l.Scope, l.Task, events, err)
	}
	return d.done()
}

func (d *decision) lease(h task.Head, claim int, until time.Time) {
	// A worker who was done by the time this is handled needs no timer. One who is done
	// later leaves his timer behind: it finds nothing to expire.
	if t := peek(d, d.f.tasks, h.Stream()); t.Status == task.StatusClaimed && t.Claims == claim {
		d.out.Timer(h.Stream(), h.Key(), leaseEnded, until, lease{h.Scope, h.Task, claim})
	}
}
