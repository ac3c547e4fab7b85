package routes

import (
	"context"
	"slices"
	"time"

	"github.com/paklog/hub/core/order"
)

// What becomes of an order that is open when its cancel-after date comes.
const (
	PastHold   = "hold"   // waits for a person: the default
	PastCancel = "cancel" // what is open of it is cancelled
	PastIgnore = "ignore" // goes on
)

// deadline is a moment in the life of an order.
type deadline struct {
	flows *Flows
	// timer is the type of its timer.
	timer string
	// of is where it lies, zero where the order has none.
	of func(order.Dates) time.Time
	// came is what follows when it comes and the order is open.
	came func(d *decision, o order.Order)
	// late is what follows when the last of it has left; nil is nothing.
	late func(d *decision, o order.Order, left time.Time)
	// moved is what follows when it is put off; nil is nothing.
	moved func(d *decision, o order.Order)
}

func (f *Flows) addCutOffs() error {
	cutOff := deadline{
		flows: f, timer: "order.CutOff", of: func(d order.Dates) time.Time { return d.ShipBy },
		came: func(d *decision, o order.Order) { d.onOrder(o.Scope, o.Number, o.MissCutOff(d.m.Now), nil) },
		late: func(d *decision, o order.Order, left time.Time) {
			d.onOrder(o.Scope, o.Number, o.LeaveLate(left), nil)
		},
	}
	if err := cutOff.add("order.cutoff", "says which orders have not left at their cut-off"); err != nil {
		return err
	}
	return deadline{
		flows: f, timer: "order.CancelAfter", of: func(d order.Dates) time.Time { return d.CancelAfter },
		came: f.pastCancelAfter, moved: f.cancelAfterMoved,
	}.add("order.cancel_after", "holds or cancels what has not left when its buyer no longer wants it")
}

func (x deadline) add(name, about string) error {
	return x.flows.hub.Add(Route{
		Name: name, About: about, Topics: []string{onOrders}, Handle: x.watch,
		Types: takes(order.Accepted{}, order.Changed{}, order.MergedFrom{}, order.Shipped{}, order.Cancelled{}, order.MergedInto{}), Parking: Parking{Independent: true},
		Writes: []string{onOrders},
	})
}

// watch sets a timer for the moment of each order that has one, and takes it back from those
// that end before.
func (x deadline) watch(ctx context.Context, m *Message) (*Out, error) {
	var h order.Head
	var dates order.Dates
	switch e := m.Event.(type) {
	case order.Accepted:
		h, dates = e.Head, e.Dates
	case order.Changed:
		h, dates = e.Head, e.Dates // none where the dates are as they were
	case order.MergedFrom:
		h, dates = e.Head, e.Dates
	case order.Shipped:
		return x.met(ctx, m, e.Head)
	case order.Cancelled:
		return x.met(ctx, m, e.Head)
	case order.MergedInto:
		return x.met(ctx, m, e.Head)
	case nil:
		if err := m.Decode(&h); err != nil {
			return nil, err
		}
		return x.due(ctx, m, h)
	}
	at := x.of(dates)
	if at.IsZero() {
		return m.Out(), nil
	}
	d := x.flows.decide(ctx, m)
	d.out.Timer(h.Stream(), h.Key(), x.timer, at, h)
	if x.moved != nil && m.Now.Before(at) {
		x.moved(d, d.order(h.Scope, h.Order))
	}
	return d.done()
}

// met takes the timer of an order back that has ended, and says what left too late: the timer's
// look may still be to come, and find an order that a cancellation has closed meanwhile.
func (x deadline) met(ctx context.Context, m *Message, h order.Head) (*Out, error) {
	o, err := Peek(ctx, m, x.flows.orders, h.Stream())
	if err != nil || x.of(o.Dates).IsZero() {
		return m.Out(), err
	}
	_, left := m.Event.(order.Shipped)
	late := left && x.late != nil && !h.At.Before(x.of(o.Dates))
	if !o.Closed() && !late {
		return m.Out(), nil
	}
	d := x.flows.decide(ctx, m)
	o = d.order(h.Scope, h.Order)
	if o.Closed() {
		set, err := m.HasTimer(ctx, h.Stream())
		if err != nil {
			return nil, err
		}
		if set {
			d.out.CancelTimer(h.Stream())
		}
	}
	switch {
	case late && o.Closed():
		x.late(d, o, h.At)
	case late:
		x.came(d, o)
	}
	return d.done()
}

// due is the moment of an order, or waits for the one that it was moved to.
func (x deadline) due(ctx context.Context, m *Message, h order.Head) (*Out, error) {
	d := x.flows.decide(ctx, m)
	o := d.order(h.Scope, h.Order)
	switch at := x.of(o.Dates); {
	case o.Closed():
	case m.Now.Before(at):
		d.out.Timer(h.Stream(), h.Key(), x.timer, at, h)
	default:
		x.came(d, o)
	}
	return d.done()
}

// pastBy is who holds and cancels orders whose cancel-after date has come.
const pastBy = "order.cancel_after"

func (f *Flows) pastCancelAfter(d *decision, o order.Order) {
	if !o.Exists() || o.Dates.CancelAfter.IsZero() {
		return
	}
	switch f.cfg.Past {
	case PastHold:
		events, err := o.Hold(order.Hold{Reason: order.HoldPast, By: pastBy}, d.m.Now)
		d.onOrder(o.Scope, o.Number, events, err)
	case PastCancel:
		events, err := o.Cancel(order.Cancel{Reason: order.HoldPast, By: pastBy}, d.m.Now)
		d.onOrder(o.Scope, o.Number, events, err)
	}
}

// cancelAfterMoved lets an order go on whose date was put off.
func (f *Flows) cancelAfterMoved(d *decision, o order.Order) {
	if !slices.Contains(o.Holds, order.HoldPast) {
		return
	}
	events, err := o.Release(order.Release{Reason: order.HoldPast, By: pastBy}, d.m.Now)
	d.onOrder(o.Scope, o.Number, events, err)
}
