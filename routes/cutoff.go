package routes

import (
	"context"
	"time"

	"github.com/paklog/hub/core/order"
)

// cutOffCame is the type of the timer of an order's cut-off.
const cutOffCame = "order.CutOff"

func (f *Flows) addCutOffs() error {
	return f.hub.Add(Route{
		Name: "order.cutoff", About: "says which orders have not left at their cut-off",
		Topics: []string{onOrders}, Handle: f.watchCutOff,
		Types: takes(order.Accepted{}, order.Changed{}, order.MergedFrom{}, order.Shipped{}, order.Cancelled{}, order.MergedInto{}), Parking: Parking{Independent: true},
		Writes: []string{onOrders},
	})
}

// watchCutOff sets a timer for the cut-off of each order that has one, and takes it back from
// those that end before.
func (f *Flows) watchCutOff(ctx context.Context, m *Message) (*Out, error) {
	var h order.Head
	var by time.Time
	switch e := m.Event.(type) {
	case order.Accepted:
		h, by = e.Head, e.Dates.ShipBy
	case order.Changed:
		h, by = e.Head, e.Dates.ShipBy // none where the dates are as they were
	case order.MergedFrom:
		h, by = e.Head, e.Dates.ShipBy
	case order.Shipped:
		return f.cutOffMet(ctx, m, e.Head)
	case order.Cancelled:
		return f.cutOffMet(ctx, m, e.Head)
	case order.MergedInto:
		return f.cutOffMet(ctx, m, e.Head)
	case nil:
		if err := m.Decode(&h); err != nil {
			return nil, err
		}
		return f.cutOff(ctx, m, h)
	}
	out := m.Out()
	if !by.IsZero() {
		out.Timer(h.Stream(), h.Key(), cutOffCame, by, h)
	}
	return out, nil
}

// cutOffMet takes the timer of an order back that has ended.
func (f *Flows) cutOffMet(ctx context.Context, m *Message, h order.Head) (*Out, error) {
	out := m.Out()
	o, err := Peek(ctx, m, f.orders, h.Stream())
	if err != nil || o.Dates.ShipBy.IsZero() || !o.Closed() {
		return out, err
	}
	set, err := m.HasTimer(ctx, h.Stream())
	if err == nil && set {
		out.CancelTimer(h.Stream())
	}
	return out, err
}

// cutOff tells what is open now that a cut-off came, or waits for the one that it was moved to.
func (f *Flows) cutOff(ctx context.Context, m *Message, h order.Head) (*Out, error) {
	d := f.decide(ctx, m)
	o := d.order(h.Scope, h.Order)
	if by := o.Dates.ShipBy; m.Now.Before(by) && !o.Closed() {
		d.out.Timer(h.Stream(), h.Key(), cutOffCame, by, h)
		return d.done()
	}
	d.onOrder(h.Scope, h.Order, o.MissCutOff(m.Now), nil)
	return d.done()
}
