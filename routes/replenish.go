package routes

import (
	"context"
	"fmt"
	"slices"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/replenish"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/task"
)

// coming is what is on its way to a pick face.
type coming struct {
	Tasks []comingTask `json:"tasks"`
}

type comingTask struct {
	Task string `json:"task"`
	Qty  int64  `json:"qty"`
}

func (c coming) qty() int64 {
	var n int64
	for _, t := range c.Tasks {
		n += t.Qty
	}
	return n
}

func comingKey(s scope.Scope, code string) string {
	return "replenish/" + location.StreamOf(s.Building(), code)
}

// facesKey lists the pick faces that are given to an item, in order.
func facesKey(k inventory.BookKey) string { return "faces/" + k.Book() }

// mostFaces is how many pick faces of one item are filled from one receipt.
const mostFaces = 64

func (f *Flows) addReplenishing() error {
	return f.hub.Add(Route{
		Name: "stock.replenish", About: "lets pick faces be filled that fall below their least, or stood empty before a picker",
		Topics: []string{onInventory, onTasks}, Handle: f.replenish,
		Types: takes(inventory.StockAllocated{}, inventory.StockShorted{}, inventory.StockReceived{}, inventory.StockTransferred{},
			inventory.StockAdjusted{}, inventory.StockStatusChanged{}, inventory.StockPutAway{}, location.Registered{}, location.Changed{}, task.Cancelled{}, item.Changed{}),
		Writes: []string{onInventory, onTasks, onBackorders},
	})
}

func (f *Flows) replenish(ctx context.Context, m *Message) (*Out, error) {
	d := f.decide(ctx, m)
	switch e := m.Event.(type) {
	case inventory.StockAllocated:
		d.fill(e.BookKey, e.Location, replenish.MinMax)
	case inventory.StockShorted:
		d.fill(e.BookKey, e.Location, replenish.Emergency)
	case inventory.StockAdjusted:
		d.fill(e.BookKey, e.Location, replenish.MinMax)
	case inventory.StockStatusChanged:
		d.fill(e.BookKey, e.Location, replenish.MinMax)
	case inventory.StockTransferred:
		d.fill(e.BookKey, e.From.Location, replenish.MinMax)
	case inventory.StockReceived:
		d.fillAll(e.BookKey)
	case inventory.StockPutAway:
		d.fillAll(e.BookKey)
	case location.Registered:
		d.noteSlot(e.Head, e.Slot)
	case location.Changed:
		d.noteSlot(e.Head, e.Slot)
	case task.Cancelled:
		if e.Kind == task.KindReplenish {
			d.comesNoMore(d.task(e.Scope, e.Task))
		}
	case item.Changed:
		// What was blocked may be had again: whoever waits for it is served.
		for _, name := range append([]string{f.cfg.Facility}, f.cfg.Facilities...) {
			k := keyOf(scope.Scope{Tenant: e.Tenant, Owner: e.Owner, Facility: name}, e.SKU)
			if d.balance(k.Book(), inventory.ATP) > 0 {
				d.out.Publish(onBackorders, goOnWith, k.Key(), goOn{BookKey: k})
			}
		}
	}
	return d.done()
}

// noteSlot keeps the list of an item's pick faces and looks whether this one wants filling.
func (d *decision) noteSlot(h location.Head, s location.Slot) {
	key := "slot-of/" + location.StreamOf(h.Scope, h.Code)
	var was inventory.BookKey
	old, found := d.state(key, &was)
	k := keyOf(scope.Scope{Tenant: h.Tenant, Owner: s.Owner, Facility: h.Facility}, s.Item)
	if found && was == k || !found && !s.Given() {
		if found {
			d.fill(k, h.Code, replenish.MinMax)
		}
		return
	}
	if found {
		d.changeFaces(was, func(faces []string) []string {
			return slices.DeleteFunc(faces, func(c string) bool { return c == h.Code })
		})
	}
	if !s.Given() {
		d.out.SetState(key, old, nil)
		return
	}
	d.out.SetState(key, old, k)
	d.changeFaces(k, func(faces []string) []string {
		i, there := slices.BinarySearch(faces, h.Code)
		if there {
			return faces
		}
		return slices.Insert(faces, i, h.Code)
	})
	// Bound: what comes in meanwhile looks for faces and may find this one not yet.
	load(d, d.f.stocks, k.Stream())
	d.fill(k, h.Code, replenish.MinMax)
}

// changeFaces writes the list of an item's pick faces.
func (d *decision) changeFaces(k inventory.BookKey, change func([]string) []string) {
	var faces []string
	old, _ := d.state(facesKey(k), &faces)
	if faces = change(faces); len(faces) == 0 {
		d.out.SetState(facesKey(k), old, nil)
		return
	}
	d.out.SetState(facesKey(k), old, faces)
}

// fillAll looks at the first pick faces of an item.
func (d *decision) fillAll(k inventory.BookKey) {
	var faces []string
	d.state(facesKey(k), &faces)
	for _, code := range faces[:min(len(faces), mostFaces)] {
		d.fill(k, code, replenish.MinMax)
	}
}

// fill lets a pick face be filled, where it is one of the item and wants it.
func (d *decision) fill(k inventory.BookKey, code, kind string) {
	l := d.location(k.Scope, code)
	if s := l.Spec.Slot; d.err != nil || !l.Usable() || s.Item != k.Item || s.Owner != k.Owner {
		return
	}
	d.replenishFace(k, l, kind, 0)
}

// replenishFace makes a task of what a face wants, and says why; "" where it wants nothing.
func (d *decision) replenishFace(k inventory.BookKey, l location.Location, kind string, wanted int64) string {
	var c coming
	old, _ := d.state(comingKey(k.Scope, l.Code), &c)
	it := d.itemSeen(k.Scope, k.Item)
	moves, why, err := replenish.Plan(replenish.Ask{
		Kind: kind, Face: replenish.Face{Location: l.Code, Slot: l.Spec.Slot, Coming: c.qty() + d.putComing(k, l.Code)}, Stock: d.stock(k), Units: it.Spec.Units, Wanted: wanted,
		Source: func(code string) bool {
			from := d.location(k.Scope, code)
			return from.Usable() && from.Spec.Purpose == location.Bulk
		},
	}, d.m.Now)
	if err != nil {
		d.fail(err)
	}
	if len(moves) == 0 || d.err != nil {
		return ""
	}
	id := d.child("RP-", len(d.out.Records))
	create := task.Create{Scope: k.Scope, Task: id, Kind: task.KindReplenish, Priority: replenish.Priority(kind), Zone: l.Spec.Zone}
	var qty int64
	for i, mv := range moves[:min(len(moves), maxSteps)] {
		create.Steps = append(create.Steps, task.Step{
			No: i + 1, Item: k.Item, From: mv.From, Qty: mv.Qty, To: inventory.Place{Location: l.Code, Lot: mv.From.Lot},
		})
		qty += mv.Qty
	}
	d.createTask(create)
	asked, err := inventory.AskReplenishment{
		BookKey: k, Location: l.Code, Task: id, Qty: qty, Kind: kind, Have: why.Have, Coming: why.Coming, Min: why.Min, Max: why.Max, Wanted: why.Wanted,
	}.Decide(d.m.Now)
	d.onStock(k, asked, nil, err)
	c.Tasks = append(slices.Clone(c.Tasks), comingTask{id, qty})
	d.out.SetState(comingKey(k.Scope, l.Code), old, c)
	return id
}

// comesNoMore forgets what a task was to bring.
func (d *decision) comesNoMore(t task.Task) {
	if len(t.Steps) == 0 || d.err != nil {
		return
	}
	key := comingKey(t.Scope, t.Steps[0].To.Location)
	var c coming
	old, found := d.state(key, &c)
	if !found {
		return
	}
	left := slices.DeleteFunc(slices.Clone(c.Tasks), func(x comingTask) bool { return x.Task == t.Task })
	if len(left) == 0 {
		d.out.SetState(key, old, nil)
		return
	}
	d.out.SetState(key, old, coming{left})
}

// bring ends a replenishment: the goods lie in the face. Where less was there than was to be
// fetched, the place it came from is counted.
func (d *decision) bring(s scope.Scope, id string, c replenish.Moved) {
	t := d.task(s, id)
	if d.err == nil && t.Kind != task.KindReplenish {
		d.fail(missing("routes.Moved", "task", fmt.Sprintf("task %s is of kind %q: only replenishments are told so", id, t.Kind)))
	}
	if d.err == nil && t.Status == task.StatusCompleted {
		return
	}
	if len(c.Moved) > 0 && len(c.Moved) != len(t.Steps) {
		d.fail(fault.At("routes.Moved", fault.Invalid, "moved", fmt.Errorf("has %d quantities, the task has %d steps", len(c.Moved), len(t.Steps))))
	}
	done, err := t.Complete(task.Complete{Worker: c.Worker, Claim: c.Claim}, d.m.Now)
	if !d.onTask(s, id, done, err) {
		return
	}
	for i, st := range t.Steps {
		n := st.Qty
		if len(c.Moved) > 0 {
			n = c.Moved[i]
		}
		if n < 0 || n > st.Qty {
			d.fail(fault.At("routes.Moved", fault.Invalid, fmt.Sprintf("moved[%d]", i), fmt.Errorf("%d is not between 0 and %d", n, st.Qty)))
		}
		k := keyOf(s, st.Item)
		// The simulated worker brings what he saw a moment ago: where it went, the floors say so and
		// he looks again.
		if n > 0 && (c.Worker == worker || !d.lacks(k, st.From.In(inventory.Free), n, false)) {
			events, posts, err := inventory.Transfer{BookKey: k, From: st.From, To: st.To, Qty: n, Reason: task.KindReplenish}.Decide(d.m.Now)
			d.onStock(k, events, posts, err)
		}
		if n < st.Qty && d.err == nil {
			events, err := inventory.RequestCount{BookKey: k, For: inventory.For{Task: id}, Place: st.From, Cause: "replenish_short"}.Decide(d.m.Now)
			d.onStock(k, events, nil, err)
		}
	}
	d.comesNoMore(t)
}

// replenished is the answer to a replenishment that was asked for: no task where the face
// wants nothing, or nothing is to be had.
type replenished struct {
	Location string     `json:"location"`
	Task     *task.Task `json:"task,omitempty"`
}

// askReplenish takes what is about replenishment; done is false where the command is not.
func (d *decision) askReplenish(a *door.Ask) (got answered, done bool, err error) {
	c, ok := a.Cmd.(replenish.Start)
	if !ok {
		return answered{}, false, nil
	}
	l := d.location(a.Scope, c.Location)
	if d.err == nil && !l.Known() {
		d.fail(missing("routes.Replenish", "location", "location "+c.Location+" is not known: register it first"))
	}
	if d.err == nil && l.Known() && !l.Usable() {
		d.fail(missing("routes.Replenish", "location", "location "+c.Location+" is not in use: unblock it first"))
	}
	if d.err != nil {
		return answered{}, true, d.err
	}
	k := keyOf(scope.Scope{Tenant: a.Scope.Tenant, Owner: l.Spec.Slot.Owner, Facility: a.Scope.Facility}, l.Spec.Slot.Item)
	out := replenished{Location: c.Location}
	id := d.replenishFace(k, l, c.Kind, c.Wanted)
	if id != "" {
		t := d.task(k.Scope, id)
		out.Task = &t
	}
	return answered{out, id != ""}, true, d.err
}

func (f *Flows) addMover() error {
	if !f.cfg.Auto.Pick {
		return nil
	}
	return f.hub.Add(Route{
		Name: "auto.move", About: "a worker who brings what pick faces want, for demonstrations and tests",
		Topics: []string{onTasks}, Handle: f.autoMove,
		Types:  takes(task.Created{}),
		Writes: []string{onTasks, onInventory},
	})
}

func (f *Flows) autoMove(ctx context.Context, m *Message) (*Out, error) {
	e, ok := m.Event.(task.Created)
	if !ok || e.Kind != task.KindReplenish {
		return m.Out(), nil
	}
	d := f.decide(ctx, m)
	t := d.task(e.Scope, e.Task)
	if d.err != nil || t.Status != task.StatusOpen {
		return d.done()
	}
	events, err := t.Claim(task.Claim{Worker: worker, Lease: f.cfg.Lease}, m.Now)
	d.onTask(e.Scope, e.Task, events, err)
	c := replenish.Moved{Worker: worker, Claim: d.task(e.Scope, e.Task).Claims}
	for _, st := range t.Steps {
		// Somebody may have taken it meanwhile.
		c.Moved = append(c.Moved, min(st.Qty, max(0, d.balance(keyOf(e.Scope, st.Item).Book(), st.From.In(inventory.Free).String()))))
	}
	d.bring(e.Scope, e.Task, c)
	return d.done()
}
