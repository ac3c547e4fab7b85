package routes

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/wave"
	"github.com/paklog/hub/routes/eip"
)

// MaxWave is the most orders that this planner puts into a wave: its unit holds an event
// for each.
const MaxWave = 1000

// pool is what the wave planner gathers of one template in one building: the orders that may go.
type pool struct {
	Orders   []wave.Of   `json:"orders,omitempty"`
	Site     scope.Scope `json:"site"`
	Template string      `json:"template,omitempty"` // "" is the last
	Sum      wave.Limits `json:"sum,omitzero"`       // what they took when they came
}

// planRoute is the planner's name.
const planRoute = "wave.plan"

func (f *Flows) addWavePlanning() error {
	return f.hub.Add(Route{
		Name: planRoute, About: "gathers allocated orders of a building into waves, by their templates",
		// One at a time: all that it decides goes through one state a building.
		Topics: []string{onOrders},
		Types: takes(order.Allocated{}, order.Released{}, order.Unwaved{}, order.Backordered{}, order.Shorted{}, order.Cancelled{},
			order.Changed{}, order.SplitInto{}, order.MergedFrom{}),
		Parallel: 1, Parking: Parking{Independent: true},
		Writes: []string{onWaves, onOrders}, Patterns: []string{eip.NameFilter, eip.NameAggregator},
		Handle: eip.Filter(f.mayGo, f.gather),
	})
}

// gather adds an order to the pool of its template. The pool becomes waves when it is full, when
// its time has come, or at once with an order that cannot wait.
func (f *Flows) gather(ctx context.Context, m *Message) (*Out, error) {
	h := headOf(m)
	if m.Type == poolLook {
		return f.lookAgain(ctx, m)
	}
	if h.Order == "" { // the timer of a pool
		return f.pools(f.template(otherOrders), false, nil).Handle(ctx, m)
	}
	o, err := Peek(ctx, m, f.orders, order.StreamOf(h.Scope, h.Order))
	switch {
	case err != nil:
		return nil, err
	case early(o, m.Now):
		return m.Out().Timer(h.Stream(), h.Key(), notBeforeCame, o.Dates.NotBefore, h), nil
	case !wavable(o): // no longer, when its time came
		return m.Out(), nil
	}
	d := f.decide(ctx, m)
	c := d.candidate(o)
	if d.err != nil {
		return nil, d.err
	}
	t := f.match(c, m.Now)
	p := f.pools(t, f.urgent(o, m.Now), &c)
	if at := t.next(m.Now, zoneOf(d.building(h.Scope))); !at.IsZero() {
		p.Timeout = at.Sub(m.Now)
	}
	out, err := p.Handle(ctx, m)
	if err != nil || t.Name == otherOrders {
		return out, err
	}
	return f.lookLater(ctx, m, out, thePool{h.Scope.Building(), t.Name})
}

// thePool names a pool.
type thePool struct {
	Site     scope.Scope `json:"site"`
	Template string      `json:"template"`
}

func (p thePool) key() string { return scope.Join(p.Site.Tenant, p.Site.Facility, p.Template) }

// poolLook is the type of the timer that looks whether the template of a pool is still there.
const poolLook = "wave.PoolLook"

// lookEvery is how long orders wait at most under a template that is no longer there.
const lookEvery = 5 * time.Minute

func (f *Flows) lookLater(ctx context.Context, m *Message, out *Out, p thePool) (*Out, error) {
	if set, err := m.HasTimer(ctx, poolLook+"/"+p.key()); set || err != nil {
		return out, err
	}
	return out.Timer(poolLook+"/"+p.key(), p.key(), poolLook, m.Now.Add(lookEvery), p), nil
}

// lookAgain ends a pool whose template was taken out of the configuration.
func (f *Flows) lookAgain(ctx context.Context, m *Message) (*Out, error) {
	var p thePool
	if err := m.Decode(&p); err != nil {
		return nil, err
	}
	pools := f.pools(&WaveTemplate{Template: wave.Template{Name: p.Template}}, false, nil)
	g, _, err := pools.Standing(ctx, m.In(), p.key())
	switch {
	case err != nil || g.Members == 0:
		return m.Out(), err
	case f.configured(p.Template):
		return m.Out().Timer(poolLook+"/"+p.key(), p.key(), poolLook, m.Now.Add(lookEvery), p), nil
	}
	return pools.Complete(ctx, m, p.key())
}

// pools gathers the orders of a template; c is the one that comes.
func (f *Flows) pools(t *WaveTemplate, urgent bool, c *wave.Candidate) eip.Aggregator[*Message, *Out, pool] {
	return eip.Aggregator[*Message, *Out, pool]{
		Step: "pool",
		Key:  func(m *Message) (string, error) { return poolKey(headOf(m).Scope, t), nil },
		Add: func(p pool, m *Message) (pool, error) {
			of := wave.Of{Owner: c.Owner, Order: c.Order.Order}
			if slices.Contains(p.Orders, of) {
				return p, nil
			}
			p.Site, p.Template, p.Orders = headOf(m).Scope.Building(), t.Name, append(p.Orders, of)
			p.Sum = p.Sum.Plus(c.Share())
			return p, nil
		},
		Rule: func(p pool) bool {
			return urgent || len(p.Orders) >= MaxWave || t.Fill.Reached(p.Sum)
		},
		Again: true,
		Then:  f.planWith,
	}
}

// mostUrgent is the priority that waits for no other orders.
const mostUrgent = 9

// urgent reports whether an order does not wait until a wave is full.
func (f *Flows) urgent(o order.Order, now time.Time) bool {
	by := o.Dates.ShipBy
	return o.Priority == mostUrgent || !by.IsZero() && by.Sub(now) <= f.cfg.Wave.Urgent
}

// headOf is the order that an event of the planner is about.
func headOf(m *Message) order.Head {
	switch e := m.Event.(type) {
	case order.Allocated:
		return e.Head
	case order.Released:
		return e.Head
	case order.Unwaved:
		return e.Head
	// What cannot be had makes the rest ready to go.
	case order.Backordered:
		return e.Head
	case order.Shorted:
		return e.Head
	case order.Cancelled:
		return e.Head
	// And so does what is no longer wanted; a cut-off or priority may make it urgent.
	case order.Changed:
		return e.Head
	case order.SplitInto:
		return e.Head
	case order.MergedFrom:
		return e.Head
	case nil:
		if m.Type == notBeforeCame {
			var h order.Head
			if m.Decode(&h) == nil { // written by this route
				return h
			}
		}
	}
	return order.Head{}
}

// mayGo keeps events of orders that may go into a wave now.
func (f *Flows) mayGo(ctx context.Context, m *Message) (bool, error) {
	h := headOf(m)
	if h.Order == "" {
		return false, nil
	}
	o, err := Peek(ctx, m, f.orders, order.StreamOf(h.Scope, h.Order))
	return wavable(o), err
}

// notBeforeCame is the type of the timer of an order that must not leave before a time, or whose
// template is no longer there.
const notBeforeCame = "order.NotBefore"

// early reports whether an order must not leave yet. A wave that a person plans may hold it even so.
func early(o order.Order, now time.Time) bool { return now.Before(o.Dates.NotBefore) }

// wavable reports whether an order may go into a wave: work may begin on it, and what may be
// had of it has its place.
func wavable(o order.Order) bool {
	t := o.Totals()
	return o.Workable() == nil && o.InWave == "" && t.Allocated > 0 && t.Reserved == 0 && t.Unassigned == 0 &&
		(o.Policy != order.AllOrNothing || t.Backordered == 0)
}

// planWith plans waves of the pool's orders that still may go.
func (f *Flows) planWith(ctx context.Context, m *Message, g eip.Group[pool]) (*Out, error) {
	d, p := f.decide(ctx, m), g.Value
	t := f.template(p.Template)
	if !f.configured(p.Template) {
		// By the rules that are left: each is gathered anew.
		for _, of := range p.Orders {
			h := order.Head{Scope: scope.Scope{Tenant: p.Site.Tenant, Owner: of.Owner, Facility: p.Site.Facility}, Order: of.Order}
			d.out.Timer(h.Stream(), h.Key(), notBeforeCame, m.Now, h)
		}
		return d.done()
	}
	var orders []wave.Candidate
	for _, of := range p.Orders {
		o := d.order(scope.Scope{Tenant: p.Site.Tenant, Owner: of.Owner, Facility: p.Site.Facility}, of.Order)
		if d.err != nil {
			return nil, d.err
		}
		if wavable(o) && !early(o, m.Now) { // and not held, cancelled, put off or taken into a wave by hand meanwhile
			orders = append(orders, d.candidate(o))
		}
	}
	waves, left := wave.Create(t.limits(), orders)
	for i, w := range waves {
		d.planWave(d.freeWave(p.Site, t, g.Round+1, i), p.Site, t, w)
	}
	// What no wave holds would wait for ever, and be gathered again with each of its events.
	for _, l := range left {
		s := scope.Scope{Tenant: p.Site.Tenant, Owner: l.Owner, Facility: p.Site.Facility}
		events, err := d.order(s, l.Order).Hold(order.Hold{Reason: tooLarge, By: planRoute + ", template " + t.Name + ": " + l.Because}, m.Now)
		d.onOrder(s, l.Order, events, err)
	}
	return d.done()
}

// tooLarge holds orders that exceed the limits of their template by themselves.
const tooLarge = "exceeds the limits of a wave"

// freeWave names the next wave of a round, past names that a person took.
func (d *decision) freeWave(s scope.Scope, t *WaveTemplate, round, n int) string {
	prefix := "W"
	if t.Name != otherOrders {
		prefix = t.Name
	}
	id := fmt.Sprintf("%s-%06d", prefix, round)
	if n > 0 {
		id += fmt.Sprintf("-%d", n+1)
	}
	if d.wave(s, id).Status != wave.StatusNone {
		id += "-" + d.m.ID.String()[:8]
	}
	return id
}

// planWave makes a wave and, unless a person does that or the floor is full, releases it.
func (d *decision) planWave(id string, s scope.Scope, t *WaveTemplate, orders []wave.Candidate) {
	plan := wave.Plan{Scope: s, Wave: id, Strategy: t.Name}
	if t.Name != otherOrders {
		plan.Limits = t.Limits
	}
	for _, c := range orders {
		at := scope.Scope{Tenant: s.Tenant, Owner: c.Owner, Facility: s.Facility}
		events, err := d.order(at, c.Order.Order).Wave(order.Wave{Wave: id}, d.m.Now)
		d.onOrder(at, c.Order.Order, events, err)
		plan.Orders = append(plan.Orders, c.Order)
		plan.Priority = max(plan.Priority, c.Priority)
		if by := c.CutOff; !by.IsZero() && (plan.CutOff.IsZero() || by.Before(plan.CutOff)) {
			plan.CutOff = by
		}
	}
	events, err := d.wave(s, id).Plan(plan, d.m.Now)
	if d.onWave(s, id, events, err) && !t.Manual && !t.bounded() {
		d.releaseWave(s, id, planRoute)
	}
}

func (d *decision) releaseWave(s scope.Scope, id, by string) {
	events, err := d.wave(s, id).Release(wave.Release{By: by}, d.m.Now)
	d.onWave(s, id, events, err)
}

func (f *Flows) addWaveFinishing() error {
	return f.hub.Add(Route{
		Name: "wave.finish", About: "takes orders out of their wave when it has nothing more to do for them",
		Topics: []string{onOrders}, Handle: f.finishWave,
		Types: takes(order.Shipped{}, order.Cancelled{}, order.Backordered{}, order.Shorted{}, order.Changed{}, order.SplitInto{}), Parallel: 1,
		Writes: []string{onWaves, onOrders},
	})
}

func (f *Flows) finishWave(ctx context.Context, m *Message) (*Out, error) {
	var h order.Head
	switch e := m.Event.(type) {
	case order.Shipped:
		h = e.Head
	case order.Cancelled:
		h = e.Head
	case order.Backordered:
		h = e.Head
	case order.Shorted:
		h = e.Head
	case order.Changed:
		h = e.Head
	case order.SplitInto:
		h = e.Head
	default:
		return m.Out(), nil
	}
	d := f.decide(ctx, m)
	o := d.order(h.Scope, h.Order)
	t := o.Totals()
	if d.err != nil || o.InWave == "" || t.Unassigned+t.Reserved+t.Allocated+t.Picked+t.Packed > 0 {
		return d.done()
	}
	outcome := wave.OutRemoved
	switch {
	case t.Shipped > 0:
		outcome = wave.OutShipped
	case o.Closed():
		outcome = wave.OutCancelled
	}
	d.leaveWave(o, outcome)
	return d.done()
}

// leaveWave takes an order out of its wave.
func (d *decision) leaveWave(o order.Order, outcome string) {
	if o.InWave == "" || d.err != nil {
		return
	}
	id := o.InWave
	events, err := o.Unwave(order.Unwave{Wave: id, Reason: outcome}, d.m.Now)
	d.onOrder(o.Scope, o.Number, events, err)
	w := d.wave(o.Scope, id)
	if w.Status == wave.StatusCancelled {
		return
	}
	events, err = w.Finish(wave.Finish{Owner: o.Scope.Owner, Order: o.Number, Outcome: outcome}, d.m.Now)
	d.onWave(o.Scope, id, events, err)
	if w = d.wave(o.Scope, id); w.Open == 0 && w.Status == wave.StatusPlanned && d.err == nil {
		events, err = w.Complete(wave.Complete{}, d.m.Now)
		d.onWave(o.Scope, id, events, err)
	}
}

func (f *Flows) addWaveCancelling() error {
	return f.hub.Add(Route{
		Name: "wave.cancel", About: "gives the orders of a cancelled wave back to be planned again",
		Topics: []string{onWaves}, Handle: f.cancelWave,
		Types:  takes(wave.Cancelled{}),
		Writes: []string{onOrders, onTasks, onPicks},
	})
}

func (f *Flows) cancelWave(ctx context.Context, m *Message) (*Out, error) {
	e, ok := m.Event.(wave.Cancelled)
	if !ok {
		return m.Out(), nil
	}
	d := f.decide(ctx, m)
	for _, of := range e.Orders {
		s := scope.Scope{Tenant: e.Tenant, Owner: of.Owner, Facility: e.Facility}
		o := d.order(s, of.Order)
		if d.err != nil || o.InWave != e.Wave {
			continue
		}
		d.recallTasks(o, "wave cancelled")
		events, err := o.Unwave(order.Unwave{Wave: e.Wave, Reason: "wave cancelled"}, m.Now)
		d.onOrder(s, of.Order, events, err)
	}
	return d.done()
}
