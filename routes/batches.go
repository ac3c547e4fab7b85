package routes

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/wave"
)

// sorted reports whether the goods of a method come together in a slot before they are packed.
func sorted(method string) bool {
	return method == wave.BatchPick || method == wave.ZonePick || method == wave.Bulk
}

// makeBatches makes a task of each batch of a wave, of what its orders still have a place for.
// Whatever is left, of orders that are on hold say, gets tasks of its own.
func (d *decision) makeBatches(e wave.Batched) {
	wv := d.wave(e.Scope, e.Wave)
	for i := range e.Batches {
		b := &e.Batches[i]
		var steps []task.Step
		for _, stop := range b.Stops {
			for _, p := range stop.Picks {
				s := scope.Scope{Tenant: e.Tenant, Owner: p.Owner, Facility: e.Facility}
				if n := d.takePlaceOf(s, p, e.Wave); n > 0 {
					steps = append(steps, task.Step{Owner: p.Owner, Order: p.Order, Line: p.Line, Item: p.Item, From: p.From, Qty: n})
				}
			}
		}
		for part := 1; len(steps) > 0 && d.err == nil; part++ {
			n := min(len(steps), maxSteps)
			d.makeBatch(wv, e, nameOf(fmt.Sprintf("B%d.", b.No), e.Wave, part), slices.Clone(steps[:n]))
			steps = steps[n:]
		}
	}
}

// takePlaceOf takes a quantity of a batch out of what its order has a place for and no task.
func (d *decision) takePlaceOf(s scope.Scope, p wave.Pick, in string) int64 {
	o := d.order(s, p.Order)
	w := d.work(s, p.Order)
	if l, known := o.Line(p.Line); d.err != nil || o.InWave != in || o.Workable() != nil || !known || l.Allocated == 0 {
		return 0
	}
	for i := range w.Places {
		if x := &w.Places[i]; x.Line == p.Line && x.Item == p.Item && x.Place == p.From {
			n := min(x.Qty, p.Qty)
			if x.Qty -= n; x.Qty == 0 {
				w.Places = slices.Delete(w.Places, i, i+1)
			}
			w.changed()
			return n
		}
	}
	return 0
}

func (d *decision) makeBatch(wv wave.Wave, e wave.Batched, id string, steps []task.Step) {
	c := task.Create{Scope: e.Scope, Task: id, Kind: task.KindPick, Wave: e.Wave, Method: e.Method, Steps: steps}
	owners := map[string]bool{}
	for i := range steps {
		st := &steps[i]
		st.No = i + 1
		owners[st.Owner] = true
		c.Owner = st.Owner
		s := scope.Scope{Tenant: e.Tenant, Owner: st.Owner, Facility: e.Facility}
		o := d.order(s, st.Order)
		c.Priority = max(c.Priority, o.Priority)
		if by := cutOffOf(o, wv); !by.IsZero() && (c.CutOff.IsZero() || by.Before(c.CutOff)) {
			c.CutOff = by
		}
		w := d.work(s, st.Order)
		if !slices.Contains(w.Tasks, id) {
			w.Tasks = append(w.Tasks, id)
		}
		w.Begun, w.Sort = e.Wave, sorted(e.Method)
		w.changed()
	}
	if len(owners) > 1 {
		c.Owner = scope.Shared
	}
	d.createTask(c)
}

// whereTask is the scope of an order's task: its own, or the building's where the task is for
// several owners.
func (d *decision) whereTask(s scope.Scope, id string) scope.Scope {
	if d.task(s, id).Status == task.StatusNone {
		return s.Building()
	}
	return s
}

// leaveBatches takes an order that work must not begin on out of the tasks that nobody has begun.
func (d *decision) leaveBatches(s scope.Scope, number string) {
	o := d.order(s, number)
	if d.err != nil || !o.OnHold() {
		return
	}
	for _, id := range slices.Clone(d.work(o.Scope, number).Tasks) {
		if t := d.task(d.whereTask(o.Scope, id), id); t.Order == "" && t.Status == task.StatusOpen {
			d.leaveBatch(o, t, "order held")
		}
	}
}

// leaveBatch takes an order out of a task over several: what was not fetched for it has its place
// and no task again, and the others' lines stay as they are.
func (d *decision) leaveBatch(o order.Order, t task.Task, reason string) {
	if d.pick(t.Scope, t.Task).Status == pick.StatusNone {
		d.openList(t) // before the pick service came to it
	}
	events, err := d.pick(t.Scope, t.Task).Drop(pick.Drop{Owner: o.Scope.Owner, Order: o.Number, Reason: reason}, d.m.Now)
	d.onPick(t.Scope, t.Task, events, err)
	w := d.work(o.Scope, o.Number)
	for _, e := range events {
		if e, ok := e.(pick.Dropped); ok {
			for _, st := range e.Steps {
				w.Places = append(w.Places, piece{st.Line, st.Item, st.From, st.Qty})
			}
		}
	}
	w.dropTask(t.Task)
	w.changed()
	d.endTask(t.Scope, t.Task, t.Worker)
}

// together reports whether an order's goods are where they are packed from: anywhere, or all in
// its slot.
func (w *work) together() bool {
	return !w.Sort || !slices.ContainsFunc(w.Totes, func(c pack.Content) bool { return c.Tote != w.Slot })
}

// consolidate tells the packers of an order whose goods are all together.
func (d *decision) consolidate(l pick.List, of orderOf) {
	o, w := d.order(of.Scope, of.number), d.work(of.Scope, of.number)
	t := o.Totals()
	if d.err != nil || len(w.Totes) == 0 || len(w.Tasks) > 0 || t.Unassigned+t.Reserved+t.Allocated > 0 || !w.together() {
		return
	}
	var qty int64
	for _, c := range w.Totes {
		qty += c.Qty
	}
	e := l.Consolidate(of.Owner, of.number, w.Slot, qty, d.m.Now)
	d.out.Append(e)
}

// slotKey notes whose a slot is.
func slotKey(s scope.Scope, code string) string {
	return "slot/" + buildingPart(s) + "/" + scope.Join(code)
}

// slotted is whose goods come together in a slot.
type slotted struct {
	Owner string `json:"owner"`
	Order string `json:"order"`
}

// sort puts goods into the slot of their order: list, stock and work move in one unit. A slot is
// one order's, and an order has one.
func (d *decision) sort(s scope.Scope, id string, c pick.Sort) (answered, error) {
	out := pick.Sorted{Task: id}
	l := d.pick(s, id)
	if d.err == nil && l.Status == pick.StatusNone {
		d.fail(missing("routes.Sort", "task", "there is no pick list of task "+id))
	}
	if d.err == nil && c.Qty < 1 {
		d.fail(fault.At("routes.Sort", fault.Invalid, "qty", fmt.Errorf("%d is not at least 1", c.Qty)))
	}
	left := c.Qty
	for _, st := range l.Steps {
		if left == 0 || d.err != nil {
			break
		}
		of := orderOf{ownerOf(l, st), numberOf(l, st)}
		if st.Item != c.Item || st.From.Lot != c.Lot || c.Order != "" && (of.number != c.Order || c.Owner != "" && of.Owner != c.Owner) || c.Order == "" && len(out.Puts) > 0 && out.Puts[0].Order != of.number {
			continue
		}
		if n := min(left, st.Picked-st.Put, d.inTote(of, st, c.Tote)); n > 0 {
			left -= n
			d.put(l, st, of, n, c, &out)
			l = d.pick(s, id)
		}
	}
	if d.err == nil && left > 0 {
		d.fail(missing("routes.Sort", "qty", fmt.Sprintf("tote %s has %d of item %s to be put for one order, not %d", c.Tote, c.Qty-left, c.Item, c.Qty)))
	}
	return answered{out, true}, d.err
}

// toPut is what lies in the totes of a list and is not in the slot of its order.
func (d *decision) toPut(s scope.Scope, id string) (answered, error) {
	l := d.pick(s, id)
	if d.err == nil && l.Status == pick.StatusNone {
		d.fail(missing("routes.Sort", "task", "there is no pick list of task "+id))
	}
	out := pick.ToPut{Task: id, Left: []pick.Lying{}}
	if !sorted(l.Method) {
		return answered{out, false}, d.err
	}
	for _, st := range l.Steps {
		of := orderOf{ownerOf(l, st), numberOf(l, st)}
		for _, t := range l.Totes {
			if n := min(st.Picked-st.Put, d.inTote(of, st, t.Tote)); n > 0 {
				out.Left = append(out.Left, pick.Lying{
					Step: st.No, Owner: of.Owner, Order: of.number, Item: st.Item, Lot: st.From.Lot, Tote: t.Tote, Slot: d.work(of.Scope, of.number).Slot, Qty: n,
				})
			}
		}
	}
	return answered{out, false}, d.err
}

// inTote is what of a step's line lies in a tote.
func (d *decision) inTote(of orderOf, st pick.Step, tote string) int64 {
	for _, x := range d.work(of.Scope, of.number).Totes {
		if x.Line == st.Line && x.Item == st.Item && x.Lot == st.From.Lot && x.Tote == tote {
			return x.Qty
		}
	}
	return 0
}

func (d *decision) put(l pick.List, st pick.Step, of orderOf, qty int64, c pick.Sort, out *pick.Sorted) {
	slot := d.takeSlot(of, c)
	events, err := l.Put(pick.Put{Step: st.No, Tote: c.Tote, Slot: slot, Qty: qty, Worker: c.Worker}, d.m.Now)
	if !d.onPick(l.Scope, l.Task, events, err) {
		return
	}
	w := d.work(of.Scope, of.number)
	var serials []string
	for i := range w.Totes {
		if x := &w.Totes[i]; x.Line == st.Line && x.Item == st.Item && x.Lot == st.From.Lot && x.Tote == c.Tote {
			if n := min(int(qty), len(x.Serials)); n > 0 {
				serials, x.Serials = x.Serials[:n], x.Serials[n:]
			}
			if x.Qty -= qty; x.Qty == 0 {
				w.Totes = slices.Delete(w.Totes, i, i+1)
			}
			break
		}
	}
	k := keyOf(of.Scope, st.Item)
	moved, posts, err := inventory.Sort{
		BookKey: k, For: inventory.For{Order: of.number, Line: st.Line, Task: l.Task}, Lot: st.From.Lot, Tote: c.Tote, Slot: slot, Qty: qty, Serials: serials,
	}.Decide(d.m.Now)
	d.onStock(k, moved, posts, err)
	w.Totes = addContent(w.Totes, pack.Content{Line: st.Line, Item: st.Item, Lot: st.From.Lot, Tote: slot, Qty: qty, Serials: serials})
	w.changed()
	out.Puts = append(out.Puts, events[0].(pick.Placed))
	before := len(d.out.Records)
	d.consolidate(d.pick(l.Scope, l.Task), of)
	if len(d.out.Records) > before {
		out.Whole = append(out.Whole, of.number)
	}
}

// takeSlot is the slot of an order: the one it has, or the free one that was scanned.
func (d *decision) takeSlot(of orderOf, c pick.Sort) string {
	w := d.work(of.Scope, of.number)
	switch {
	case w.Slot != "" && (c.Slot == "" || c.Slot == w.Slot):
		return w.Slot
	case w.Slot != "":
		d.fail(missing("routes.Sort", "slot", fmt.Sprintf("order %s comes together in slot %s, not in %s", of.number, w.Slot, c.Slot)))
		return ""
	case c.Slot == "":
		d.fail(missing("routes.Sort", "slot", fmt.Sprintf("order %s has no slot yet: scan a free one", of.number)))
		return ""
	}
	if at := d.location(of.Scope, c.Slot); d.err == nil && c.Worker != worker && (at.Status != location.StatusActive || at.Spec.Purpose != location.Staging) {
		d.fail(missing("routes.Sort", "slot", fmt.Sprintf("%s is no slot: register it as a location for %s", c.Slot, location.Staging)))
	}
	var has slotted
	old, taken := d.state(slotKey(of.Scope, c.Slot), &has)
	if taken && d.err == nil {
		d.fail(missing("routes.Sort", "slot", fmt.Sprintf("slot %s is that of order %s: scan a free one for order %s", c.Slot, has.Order, of.number)))
	}
	if d.err != nil {
		return ""
	}
	d.out.SetState(slotKey(of.Scope, c.Slot), old, slotted{of.Owner, of.number})
	w.Slot = c.Slot
	w.changed()
	return c.Slot
}

// freeSlot gives the slot back once nothing of the order lies in it.
func (d *decision) freeSlot(s scope.Scope, number string) {
	w := d.work(s, number)
	if w.Slot == "" || w.Pack != "" || slices.ContainsFunc(w.Totes, func(c pack.Content) bool { return c.Tote == w.Slot }) || d.err != nil {
		return
	}
	d.unqueue(slotKey(s, w.Slot))
	w.Slot = ""
	w.changed()
}

func (f *Flows) addSorter() error {
	if !f.cfg.Auto.Pick {
		return nil
	}
	return f.hub.Add(Route{
		Name: "auto.sort", About: "a worker who puts what was picked for several orders into their slots, for demonstrations and tests",
		Topics: []string{onPicks}, Handle: f.autoSort,
		Types:  takes(pick.Completed{}),
		Writes: []string{onPicks, onInventory},
	})
}

func (f *Flows) autoSort(ctx context.Context, m *Message) (*Out, error) {
	e, ok := m.Event.(pick.Completed)
	if !ok {
		return m.Out(), nil
	}
	d := f.decide(ctx, m)
	l := d.pick(e.Scope, e.Task)
	if !sorted(l.Method) {
		return d.done()
	}
	for i := range l.Steps {
		st := d.pick(e.Scope, e.Task).Steps[i]
		of := orderOf{ownerOf(l, st), numberOf(l, st)}
		// What was cancelled since went back to its shelf.
		if n := min(st.Picked-st.Put, d.inTote(of, st, e.Task)); n > 0 && d.err == nil {
			slot := cmp.Or(d.work(of.Scope, of.number).Slot, nameOf("S", of.number, 1))
			d.put(d.pick(e.Scope, e.Task), st, of, n, pick.Sort{Tote: e.Task, Slot: slot, Worker: worker}, &pick.Sorted{})
		}
	}
	return d.done()
}
