package routes

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/paklog/hub/core/count"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/task"
)

// CountConfig is how places are counted.
type CountConfig struct {
	// Tolerance is how many units a count may be off without anybody looking again, and
	// Recounts by how many others a larger difference must be confirmed. A place that a picker
	// found short is not counted twice for that: he was the first to look.
	Tolerance int64
	Recounts  int
}

func (f *Flows) addCounts() error {
	return f.hub.Add(Route{
		Name: "stock.count", About: "makes a count and its task of each place that is doubted",
		Topics: []string{onInventory}, Handle: f.openCounts,
		Types:  takes(inventory.CountRequested{}),
		Writes: []string{onInventory, onTasks},
	})
}

func (f *Flows) openCounts(ctx context.Context, m *Message) (*Out, error) {
	e, ok := m.Event.(inventory.CountRequested)
	if !ok {
		return m.Out(), nil
	}
	d := f.decide(ctx, m)
	id, created := d.openCount(count.Open{BookKey: e.BookKey, Place: e.Place, Cause: e.Cause, Blind: true, Reporter: e.By})
	if created && d.others(e.Scope, e.By) {
		d.gaveBack(e.Scope, d.count(e.Scope, id).Task, e.By) // it is for another
	}
	return d.done()
}

// countUnsettled has a place counted again where less was found than orders were given of it: it is
// out of use since, and goods of it were picked or given back, so that another count may settle it.
func (d *decision) countUnsettled(k inventory.BookKey, events []event.Event) {
	for _, e := range events {
		var of inventory.For
		var p inventory.Place
		switch e := e.(type) {
		case inventory.StockPicked:
			of, p = e.For, e.Place
		case inventory.StockDeallocated:
			of, p = e.For, e.Place
		default:
			continue
		}
		if sh, there := d.stock(k).Shelf(p); !there || !sh.Counting || d.err != nil {
			continue
		}
		var id string
		if _, open := d.state(counting(k, p), &id); open {
			continue
		}
		asked, err := inventory.RequestCount{BookKey: k, For: of, Place: p, Cause: count.CauseUnsettled}.Decide(d.m.Now)
		d.onStock(k, asked, nil, err)
	}
}

// counting is the key under which the open count of a place is noted.
func counting(k inventory.BookKey, p inventory.Place) string {
	return "counting/" + k.Book() + "/" + scope.Join(p.Location, p.Lot, p.LPN)
}

// child names the n-th thing that a message leads to: the random end of its id, which a
// re-run makes again.
func (d *decision) child(prefix string, n int) string {
	id := strings.ReplaceAll(d.m.ID.Child(d.m.route, prefix, n).String(), "-", "")
	return prefix + id[len(id)-12:]
}

// openCount makes a count and its task, or finds the one that is open for the place. created
// is false for that.
func (d *decision) openCount(c count.Open) (id string, created bool) {
	key := counting(c.BookKey, c.Place)
	old, found := d.state(key, &id)
	if found || d.err != nil {
		return id, false
	}
	if c.ID == "" {
		c.ID = d.child("C-", 0)
	}
	c.Task = d.child("CT-", 1)
	c.Expected = d.booked(c.BookKey, c.Place)
	events, err := d.count(c.Scope, c.ID).Open(c, d.m.Now)
	add(d, d.f.counts, count.StreamOf(c.Scope, c.ID), events, err)
	d.countTask(d.count(c.Scope, c.ID))
	d.out.SetState(key, old, c.ID)
	return c.ID, d.err == nil
}

func (d *decision) count(s scope.Scope, id string) count.Count {
	return load(d, d.f.counts, count.StreamOf(s, id))
}

// booked is what the books have on a shelf, whatever it is meant for.
func (d *decision) booked(k inventory.BookKey, p inventory.Place) int64 {
	var n int64
	for _, stage := range []string{inventory.Free, inventory.Allocated, inventory.Held, inventory.Damaged, inventory.Suspect, inventory.Received} {
		n += d.balance(k.Book(), p.In(stage).String())
	}
	return n
}

// countTask lets somebody go and count. Its quantity says nothing: the step asks for a number.
func (d *decision) countTask(c count.Count) {
	if d.err != nil {
		return
	}
	priority := 3
	if c.Cause == count.CauseShort {
		priority = 6
	}
	d.createTask(task.Create{
		Scope: c.Scope, Task: c.Task, Kind: task.KindCount, Priority: priority,
		Steps: []task.Step{{No: 1, Item: c.Item, From: c.Place, Qty: 1}},
	})
}

// askCount takes what is about counts; done is false where the command is not.
func (d *decision) askCount(a *door.Ask) (got answered, done bool, err error) {
	s, id := a.Scope, a.ID
	switch c := a.Cmd.(type) {
	case count.Open:
		c.BookKey = bookOf(c.BookKey, inventory.BookKey{Scope: a.Scope})
		if c.Cause == "" {
			c.Cause = count.CauseAsked
		}
		if !d.liesThere(c.BookKey, c.Location) {
			return answered{}, true, d.err
		}
		c.Class = d.itemSeen(c.Scope, c.Item).Spec.Class
		id, created := d.openCount(c)
		return answered{d.count(c.Scope, id), created}, true, d.err
	case count.Tally:
		d.tally(s, id, c)
		return answered{d.count(s, id), true}, true, d.err
	case count.Cancel:
		if c.By == "" {
			c.By = a.Actor
		}
		was := d.count(s, id)
		if sh, there := d.stock(was.BookKey).Shelf(was.Place); d.err == nil && was.Status == count.StatusOpen && there && sh.Counting {
			d.fail(missing("routes.Count", "count", "place "+was.Location+" is out of use until it is counted: count it, or settle it first"))
			return answered{}, true, d.err
		}
		events, err := was.Cancel(c, d.m.Now)
		add(d, d.f.counts, count.StreamOf(s, id), events, err)
		if len(events) > 0 {
			d.endCount(was)
			events, err := d.task(s, was.Task).Cancel(task.Cancel{Reason: c.Reason, By: c.By}, d.m.Now)
			d.onTask(s, was.Task, events, err)
		}
		return answered{d.count(s, id), len(events) > 0}, true, d.err
	}
	return answered{}, false, nil
}

// tally takes a number: the count, its task and the books move in one unit.
func (d *decision) tally(s scope.Scope, id string, c count.Tally) {
	was := d.count(s, id)
	if d.err != nil {
		return
	}
	c.Booked = d.booked(was.BookKey, was.Place)
	c.Tolerance, c.Recounts, c.Task, c.Others = d.f.cfg.Count.Tolerance, d.f.cfg.Count.Recounts, d.child("CT-", 0), d.others(s, c.By)
	events, err := was.Tally(c, d.m.Now)
	if !add(d, d.f.counts, count.StreamOf(s, id), events, err) {
		return
	}
	d.didTask(s, was.Task, c.By)
	switch e := events[len(events)-1].(type) {
	case count.RecountAsked:
		d.countTask(d.count(s, id))
	case count.Settled:
		d.endCount(was)
		d.settleStock(inventory.Settle{
			BookKey: was.BookKey, Place: was.Place, Counted: e.Counted, Count: id, Reason: "count_" + was.Cause, By: c.By,
			Tracking: d.itemSeen(was.Scope, was.Item).Spec.Tracking,
		})
	}
}

// didTask completes a task by whom did it, who need not have claimed it before.
func (d *decision) didTask(s scope.Scope, id, worker string) {
	t := d.task(s, id)
	if d.err != nil {
		return
	}
	events, err := t.Claim(task.Claim{Worker: worker, Lease: d.f.cfg.Lease}, d.m.Now)
	d.onTask(s, id, events, err)
	t = d.task(s, id)
	events, err = t.Complete(task.Complete{Worker: worker, Claim: t.Claims}, d.m.Now)
	d.onTask(s, id, events, err)
}

// endCount forgets that the place is being counted.
func (d *decision) endCount(c count.Count) {
	key := counting(c.BookKey, c.Place)
	var id string
	if old, found := d.state(key, &id); found && id == c.ID {
		d.out.SetState(key, old, nil)
	}
}

// quarantined is the answer to a quarantine.
type quarantined struct {
	StockView
	// Left is what is meant and was not moved: it is promised, or on its way.
	Left int64 `json:"left"`
	// TakenBack are the orders that lost goods to it; they wait for others.
	TakenBack []string `json:"taken_back,omitempty"`
	// OnHold are the orders that have goods of it in totes or cartons: they go on when it is released.
	OnHold []string `json:"on_hold,omitempty"`
}

// quarantine holds goods back, a whole lot until it is released, or gives them free. Orders whose
// goods lie among them, and are in nobody's hands yet, give them back and wait, whatever task was
// to fetch them; those that have goods of the lot in totes or cartons are put on hold, and told.
func (d *decision) quarantine(k inventory.BookKey, c inventory.Quarantine) (answered, error) {
	c.BookKey = k
	c.AtDock = func(code string) bool { return d.goodStage(k.Scope, code) == inventory.Received }
	c.Lasting = c.Place == inventory.Place{Lot: c.Lot} && c.Lot != "" && len(c.Serials) == 0
	var took, held []string
	if !c.Release && c.Place != (inventory.Place{}) {
		took = d.takeFromOrders(k, c)
	}
	events, left := d.holdBack(k, c)
	d.restage(events)
	switch {
	case c.Lasting && c.Release:
		d.releaseOrders(k, c)
	case c.Lasting:
		held = d.holdOrders(k, c)
	}
	return answered{quarantined{d.stockView(k), left, took, held}, len(events) > 0}, d.err
}

// holdBack holds goods back or gives them free, with the serial numbers of the units.
func (d *decision) holdBack(k inventory.BookKey, c inventory.Quarantine) (events []event.Event, left int64) {
	if d.err != nil {
		return nil, 0
	}
	events, posts, left, err := c.Decide(d.stock(k), d.balance, d.m.Now)
	if err == nil {
		var qty int64
		for _, e := range events {
			if e, ok := e.(inventory.StockStatusChanged); ok {
				qty += e.Qty
			}
		}
		from, to := inventory.Free, inventory.Held
		if c.Release {
			from, to = to, from
		}
		if c.Serials, c.Kept = d.serialsMeant(k, c.Serials, qty, from, to); len(c.Serials) > 0 {
			events, posts, left, err = c.Decide(d.stock(k), d.balance, d.m.Now)
		}
	}
	d.onStock(k, events, posts, err)
	return events, left
}

// takeFromOrders takes back what lies where goods are to be held back.
func (d *decision) takeFromOrders(k inventory.BookKey, c inventory.Quarantine) []string {
	var took, dropped []string
	for _, of := range d.givenFrom(k, c) {
		if of.Order == "" || d.err != nil {
			continue
		}
		o := d.order(k.Scope, of.Order)
		if d.dropSteps(o, k, c) {
			dropped = append(dropped, of.Order)
		}
		w := d.work(k.Scope, of.Order)
		var gone int64
		keep := w.Places[:0:0]
		for _, p := range w.Places {
			if p.Line != of.Line || p.Item != k.Item || !c.Matches(p.Place) {
				keep = append(keep, p)
				continue
			}
			events, posts, err := inventory.Deallocate{BookKey: k, For: of, Place: p.Place, Qty: p.Qty, Reason: c.Reason}.Decide(d.m.Now)
			d.onStock(k, events, posts, err)
			gone += p.Qty
		}
		if gone == 0 || d.err != nil {
			continue
		}
		w.Places = keep
		w.changed()
		d.backToWaiting(o.Scope, of, k.Item, gone, c.Reason)
		if !slices.Contains(took, of.Order) {
			took = append(took, of.Order)
		}
	}
	for _, number := range dropped { // somebody fetches the rest
		d.makeTask(k.Scope, number)
	}
	return took
}

// backToWaiting lets an order wait for what it had a place for.
func (d *decision) backToWaiting(s scope.Scope, of inventory.For, sku string, qty int64, reason string) {
	lines := []order.LineQty{{Line: of.Line, Qty: qty}}
	events, err := d.order(s, of.Order).Deallocate(order.Deallocate{Lines: lines, Reason: reason}, d.m.Now)
	d.onOrder(s, of.Order, events, err)
	events, err = d.order(s, of.Order).Backorder(order.Backorder{Lines: lines, Reason: reason}, d.m.Now)
	d.onOrder(s, of.Order, events, err)
	d.wait(s, of.Order, sku)
}

// reasonCode refuses a reason that the operator's list does not have.
func (f *Flows) reasonCode(reason string) error {
	if len(f.cfg.Reasons) == 0 || slices.Contains(f.cfg.Reasons, reason) {
		return nil
	}
	return fault.At("routes.Stock", fault.Rejected, "reason", fmt.Errorf("%.64q is no reason code: there are %s", reason, strings.Join(f.cfg.Reasons, ", ")))
}
