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
		Name: "task", About: "makes pick tasks of the orders in waves that were batched, and more when goods are found elsewhere",
		Topics: []string{onWaves, onOrders}, Handle: f.makeTasks,
		Types:  takes(wave.Batched{}, order.Allocated{}, order.Released{}),
		Writes: []string{onTasks}, Patterns: []string{eip.NamePublishSubscribe},
	})
}

func (f *Flows) makeTasks(ctx context.Context, m *Message) (*Out, error) {
	d := f.decide(ctx, m)
	switch e := m.Event.(type) {
	case wave.Batched:
		w := d.wave(e.Scope, e.Wave)
		d.ways = ways(e)
		for _, of := range w.Orders {
			if of.Outcome == "" {
				d.makeTask(scope.Scope{Tenant: e.Tenant, Owner: of.Owner, Facility: e.Facility}, of.Order.Order)
			}
		}
	case order.Allocated:
		d.makeTask(e.Scope, e.Order)
	case order.Released:
		d.makeTask(e.Scope, e.Order)
	}
	return d.done()
}

// maxSteps is the most steps that one task gets: more work is several tasks.
const maxSteps = 200

// makeTask makes a pick task of what an order has a place for and nobody fetches yet.
func (d *decision) makeTask(s scope.Scope, number string) {
	o := d.order(s, number)
	if d.err != nil || o.InWave == "" || o.Workable() != nil {
		return
	}
	s = o.Scope
	wv := d.wave(s, o.InWave)
	w := d.work(s, number)
	// A wave that has no batches yet makes all its tasks when it gets them.
	if d.err != nil || wv.Status != wave.StatusReleased || wv.Batching.Method == "" || len(w.Places) == 0 {
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
	events, err := d.task(s, id).Create(task.Create{
		Scope: s, Task: id, Kind: task.KindPick, Order: number, Wave: o.InWave, Priority: o.Priority, CutOff: wv.CutOff, Steps: steps,
	}, d.m.Now)
	if d.onTask(s, id, events, err) && len(rest) > 0 {
		d.makeTask(s, number)
	}
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
		l := d.pick(o.Scope, id)
		t := d.task(o.Scope, id)
		if d.err != nil {
			return
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
