package wave

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/scope"
)

// Status is where a wave stands.
type Status string

// Statuses of a wave.
const (
	StatusNone      Status = ""
	StatusPlanned   Status = "planned"
	StatusReleased  Status = "released"
	StatusCompleted Status = "completed"
	StatusCancelled Status = "cancelled"
)

// Wave is the state of a wave. The zero Wave does not exist yet.
type Wave struct {
	Scope    scope.Scope `json:"scope"`
	ID       string      `json:"wave"`
	Status   Status      `json:"status"`
	Template string      `json:"template,omitempty"` // that it was made by
	Priority int         `json:"priority,omitempty"`
	CutOff   time.Time   `json:"cut_off,omitzero"`
	Orders   []Member    `json:"orders,omitempty"`
	Open     int         `json:"open"` // orders that are not finished
	Limits   Limits      `json:"limits,omitzero"`
	Batching Batching    `json:"batching,omitzero"`
}

// Batching is what was batched, without its stops. The zero Batching is nothing yet.
type Batching struct {
	Method   string    `json:"method"`
	Batches  []Summary `json:"batches,omitempty"`
	Total    int64     `json:"total_um,omitempty"`
	Bound    int64     `json:"bound_um,omitempty"`
	Baseline int64     `json:"baseline_um,omitempty"`
	Solver   string    `json:"solver"`
	Because  string    `json:"because,omitempty"`
}

// Summary is a batch in few words.
type Summary struct {
	No     int    `json:"no"`
	Layout string `json:"layout,omitempty"`
	Zone   string `json:"zone,omitempty"`
	Way    string `json:"way"`
	Orders []Of   `json:"orders"`
	Stops  int    `json:"stops"`
	Lines  int64  `json:"lines"`
	Units  int64  `json:"units"`
	Length int64  `json:"length_um,omitempty"`
}

// Member is an order of the wave and what became of it, "" while it is worked on.
type Member struct {
	Order
	Outcome string `json:"outcome,omitempty"`
}

// Fold makes a [Wave].
var Fold = event.Fold[Wave]{Kind: "wave", Version: 3, Apply: apply}

func apply(w Wave, e event.Event) (Wave, error) {
	switch e := e.(type) {
	case Planned:
		w = Wave{Scope: e.Scope, ID: e.Wave, Status: StatusPlanned, Template: e.Strategy, Limits: e.Limits, Priority: e.Priority, CutOff: e.CutOff, Open: len(e.Orders)}
		w.Orders = make([]Member, len(e.Orders))
		for i, o := range e.Orders {
			w.Orders[i].Order = o
		}
	case OrderAdded:
		// One that left and came back is open again, at the end.
		w.Orders = slices.Clone(w.Orders)
		if i := w.index(e.Order.Owner, e.Order.Order); i >= 0 {
			w.Orders = slices.Delete(w.Orders, i, i+1)
		}
		w.Orders = append(w.Orders, Member{Order: e.Order})
		w.Open++
		w.Batching = Batching{}
	case OptimizeAsked:
	case Released:
		w.Status, w.Batching = StatusReleased, Batching{}
	case Batched:
		w.Batching = Batching{e.Method, make([]Summary, len(e.Batches)), e.Total, e.Bound, e.Baseline, e.Solver, e.Because}
		for i := range e.Batches {
			b := &e.Batches[i]
			w.Batching.Batches[i] = Summary{b.No, b.Layout, b.Zone, b.Way, b.Orders, len(b.Stops), b.Lines, b.Units, b.Length}
		}
	case OrderFinished:
		i := w.index(e.Of.Owner, e.Of.Order)
		if i < 0 || w.Orders[i].Outcome != "" {
			return Wave{}, fault.At("wave.Apply", fault.Internal, e.Of.Order, errors.New("is not an open order of the wave"))
		}
		w.Orders = slices.Clone(w.Orders)
		w.Orders[i].Outcome = e.Outcome
		w.Open--
	case Completed:
		w.Status = StatusCompleted
	case Cancelled:
		w.Status = StatusCancelled
	default:
		return w, event.Unexpected("wave", e)
	}
	return w, nil
}

func (w Wave) index(owner, order string) int {
	return slices.IndexFunc(w.Orders, func(m Member) bool { return m.Owner == owner && m.Order.Order == order })
}

func (w Wave) head(at time.Time) Head { return Head{w.Scope, w.ID, at.UTC()} }

func (w Wave) must(op string, want ...Status) error {
	if slices.Contains(want, w.Status) {
		return nil
	}
	if w.Status == StatusNone {
		return fault.At(op, fault.Rejected, "wave", errors.New("there is no such wave"))
	}
	return fault.At(op, fault.Rejected, "wave", fmt.Errorf("wave %s is %s", w.ID, w.Status))
}

// Plan makes the wave, within its limits: one that exceeds them is Rejected with
// the limit's name, never cut silently.
func (w Wave) Plan(c Plan, at time.Time) ([]event.Event, error) {
	const op = "wave.Plan"
	s := c.Scope.Building()
	if err := s.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if err := scope.CheckPart(c.Wave); err != nil {
		return nil, fault.At(op, fault.Invalid, "wave", err)
	}
	if w.Status != StatusNone {
		return nil, fault.At(op, fault.Rejected, "wave", fmt.Errorf("wave %s exists (%s)", w.ID, w.Status))
	}
	if c.Priority < 0 || c.Priority > 9 {
		return nil, fault.At(op, fault.Invalid, "priority", fmt.Errorf("%d is not between 0 and 9", c.Priority))
	}
	if n := len(c.Orders); n == 0 || n > MaxOrders {
		return nil, fault.At(op, fault.Invalid, "orders", fmt.Errorf("has %d orders, a wave has 1 to %d", n, MaxOrders))
	}
	seen := make(map[Of]bool, len(c.Orders))
	var sum Limits
	for i, o := range c.Orders {
		if err := o.check(op, fmt.Sprintf("orders[%d].", i)); err != nil {
			return nil, err
		}
		of := Of{o.Owner, o.Order}
		if seen[of] {
			return nil, fault.At(op, fault.Invalid, fmt.Sprintf("orders[%d].order", i), fmt.Errorf("order %s is named twice", o.Order))
		}
		seen[of] = true
		sum = sum.plus(o.Share())
	}
	if err := c.Limits.allow(sum); err != nil {
		return nil, fault.Wrap(op, err)
	}
	return []event.Event{Planned{Head{s, c.Wave, at.UTC()}, c.Strategy, c.CutOff.UTC(), c.Priority, slices.Clone(c.Orders), c.Limits}}, nil
}

// check says what is wrong with an order of a wave at a place of its command.
func (o Order) check(op, place string) error {
	if err := scope.CheckPart(o.Owner); err != nil {
		return fault.At(op, fault.Invalid, place+"owner", err)
	}
	if err := scope.CheckPart(o.Order); err != nil {
		return fault.At(op, fault.Invalid, place+"order", err)
	}
	for _, q := range (Limits{}).each(o.Share()) {
		if q.is < 0 || q.is > maxShare {
			return fault.At(op, fault.Invalid, place+strings.TrimPrefix(q.place, "limits."), fmt.Errorf("%d is not between 0 and %d", q.is, maxShare))
		}
	}
	return nil
}

// Add puts an order into a planned wave, within the limits that it was planned with; one that is
// open in it already is no event.
func (w Wave) Add(c Add, at time.Time) ([]event.Event, error) {
	const op = "wave.Add"
	if err := w.must(op, StatusPlanned); err != nil {
		return nil, err
	}
	if err := c.Order.check(op, ""); err != nil {
		return nil, err
	}
	if i := w.index(c.Order.Owner, c.Order.Order); i >= 0 && w.Orders[i].Outcome == "" {
		return nil, nil
	}
	if len(w.Orders) >= MaxOrders {
		return nil, fault.At(op, fault.Rejected, "orders", fmt.Errorf("wave %s has %d orders, the most that one may have", w.ID, MaxOrders))
	}
	if err := w.Limits.allow(w.Share().plus(c.Order.Share())); err != nil {
		return nil, fault.Wrap(op, err)
	}
	return []event.Event{OrderAdded{w.head(at), c.Order}}, nil
}

// Ask has a planned wave batched.
func (w Wave) Ask(c Ask, at time.Time) ([]event.Event, error) {
	if err := w.must("wave.Ask", StatusPlanned); err != nil {
		return nil, err
	}
	return []event.Event{OptimizeAsked{w.head(at), c.By}}, nil
}

// maxShare bounds one order's part of each sum: 10,000 of them stay within an int64.
const maxShare = int64(1) << 48

// of is one limit and what stands against it.
type of struct {
	place     string
	limit, is int64
}

func (l Limits) each(sum Limits) [7]of {
	return [...]of{
		{"limits.orders", l.Orders, sum.Orders}, {"limits.lines", l.Lines, sum.Lines}, {"limits.units", l.Units, sum.Units},
		{"limits.volume_mm3", l.Volume, sum.Volume}, {"limits.weight_mg", int64(l.Weight), int64(sum.Weight)}, {"limits.totes", l.Totes, sum.Totes},
		{"limits.labour_ms", l.Labour, sum.Labour},
	}
}

func (l Limits) allow(sum Limits) error {
	for _, q := range l.each(sum) {
		if q.limit < 0 {
			return fault.At("wave.Limits", fault.Invalid, q.place, fmt.Errorf("%d is negative", q.limit))
		}
		if q.limit > 0 && q.is > q.limit {
			return fault.At("wave.Limits", fault.Rejected, q.place, fmt.Errorf("the orders come to %d, the limit is %d", q.is, q.limit))
		}
	}
	return nil
}

func (l Limits) plus(m Limits) Limits {
	return Limits{
		l.Orders + m.Orders, l.Lines + m.Lines, l.Units + m.Units, l.Volume + m.Volume, l.Weight + m.Weight, l.Totes + m.Totes, l.Labour + m.Labour,
	}
}

// Validate refuses limits below zero.
func (l Limits) Validate() error { return l.allow(Limits{}) }

// Release gives the wave to the floor; released already is no event.
func (w Wave) Release(c Release, at time.Time) ([]event.Event, error) {
	if err := w.must("wave.Release", StatusPlanned, StatusReleased); err != nil {
		return nil, err
	}
	if w.Status == StatusReleased {
		return nil, nil
	}
	return []event.Event{Released{w.head(at), c.By}}, nil
}

// Finish records that the wave is done with an order, and completes a released
// wave with its last. The same outcome again is no event.
func (w Wave) Finish(c Finish, at time.Time) ([]event.Event, error) {
	const op = "wave.Finish"
	if err := w.must(op, StatusPlanned, StatusReleased, StatusCompleted); err != nil {
		return nil, err
	}
	switch c.Outcome {
	case OutShipped, OutCancelled, OutRemoved:
	default:
		return nil, fault.At(op, fault.Invalid, "outcome", fmt.Errorf("%q is not %s, %s or %s", c.Outcome, OutShipped, OutCancelled, OutRemoved))
	}
	i := w.index(c.Owner, c.Order)
	if i < 0 {
		return nil, fault.At(op, fault.Rejected, "order", fmt.Errorf("order %s is not in wave %s", c.Order, w.ID))
	}
	switch was := w.Orders[i].Outcome; {
	case was == c.Outcome:
		return nil, nil
	case was != "":
		return nil, fault.At(op, fault.Rejected, "order", fmt.Errorf("order %s is finished in wave %s (%s)", c.Order, w.ID, was))
	case w.Status == StatusPlanned && c.Outcome == OutShipped:
		return nil, fault.At(op, fault.Rejected, "outcome", fmt.Errorf("wave %s is not released", w.ID))
	}
	out := []event.Event{OrderFinished{w.head(at), Of{c.Owner, c.Order}, c.Outcome}}
	if w.Open == 1 && w.Status == StatusReleased {
		out = append(out, Completed{w.head(at)})
	}
	return out, nil
}

// Complete closes a wave whose orders are finished; closed already is no event. A
// released wave closes by itself with its last order: this is for one that was
// emptied before it was released.
func (w Wave) Complete(_ Complete, at time.Time) ([]event.Event, error) {
	const op = "wave.Complete"
	if err := w.must(op, StatusReleased, StatusPlanned, StatusCompleted); err != nil {
		return nil, err
	}
	if w.Status == StatusCompleted {
		return nil, nil
	}
	if w.Open > 0 {
		return nil, fault.At(op, fault.Rejected, "orders", fmt.Errorf("%d orders of wave %s are not finished", w.Open, w.ID))
	}
	return []event.Event{Completed{w.head(at)}}, nil
}

// Cancel ends the wave and names the orders that must be planned again; cancelled
// already is no event.
func (w Wave) Cancel(c Cancel, at time.Time) ([]event.Event, error) {
	const op = "wave.Cancel"
	if err := w.must(op, StatusPlanned, StatusReleased, StatusCancelled); err != nil {
		return nil, err
	}
	if err := scope.CheckPart(c.Reason); err != nil {
		return nil, fault.At(op, fault.Invalid, "reason", err)
	}
	if w.Status == StatusCancelled {
		return nil, nil
	}
	back := make([]Of, 0, w.Open)
	for _, m := range w.Orders {
		if m.Outcome == "" {
			back = append(back, Of{m.Owner, m.Order.Order})
		}
	}
	return []event.Event{Cancelled{w.head(at), c.Reason, c.By, back}}, nil
}
