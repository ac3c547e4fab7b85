package pick

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/task"
)

// Status is where a pick list stands.
type Status string

// Statuses of a pick list.
const (
	StatusNone      Status = ""
	StatusOpen      Status = "open"
	StatusCompleted Status = "completed"
	StatusCancelled Status = "cancelled"
)

// List is the state of a pick list. The zero List does not exist yet. Of each
// step, at all times, qty = picked + shorted + dropped + left, and put <= picked.
type List struct {
	Head   `json:"head"`
	Status Status `json:"status"`
	Method string `json:"method,omitempty"`
	Steps  []Step `json:"steps,omitempty"`
	Totes  []Tote `json:"totes,omitempty"` // that goods were fetched into; of a cluster: whose they are
}

// Tote is a tote: of a cluster that of one order, else of all whose goods are fetched.
type Tote struct {
	Tote  string `json:"tote"`
	Owner string `json:"owner,omitempty"`
	Order string `json:"order,omitempty"`
}

// Step is a step and how far it is.
type Step struct {
	task.Step
	Picked  int64 `json:"picked,omitempty"`
	Shorted int64 `json:"shorted,omitempty"`
	Dropped int64 `json:"dropped,omitempty"`
	Put     int64 `json:"put,omitempty"` // of what was picked, in its order's slot
}

// Left is what is still to be fetched.
func (s Step) Left() int64 { return s.Qty - s.Picked - s.Shorted - s.Dropped }

// Fold makes a [List].
var Fold = event.Fold[List]{Kind: "pick", Version: 3, Apply: apply}

func apply(l List, e event.Event) (List, error) {
	switch e := e.(type) {
	case Opened:
		l = List{Head: e.Head, Status: StatusOpen, Method: e.Method, Steps: make([]Step, len(e.Steps))}
		for i, s := range e.Steps {
			l.Steps[i].Step = s
		}
		return l, nil
	case Confirmed:
		return l.tote(e.Step, e.Tote).change(e.Step, e.Qty, 0)
	case Shorted:
		if e.Found > 0 {
			l = l.tote(e.Step, e.Tote)
		}
		return l.change(e.Step, e.Found, e.Expected-e.Found)
	case Dropped:
		l.Steps = slices.Clone(l.Steps)
		for _, d := range e.Steps {
			if d.No < 1 || d.No > len(l.Steps) || d.Qty > l.Steps[d.No-1].Left() {
				return List{}, unsound(d.No)
			}
			l.Steps[d.No-1].Dropped += d.Qty
		}
		return l, nil
	case Placed:
		if e.Step < 1 || e.Step > len(l.Steps) || e.Qty > l.Steps[e.Step-1].Picked-l.Steps[e.Step-1].Put {
			return List{}, unsound(e.Step)
		}
		l.Steps = slices.Clone(l.Steps)
		l.Steps[e.Step-1].Put += e.Qty
		return l, nil
	case Consolidated: // a milestone of the order
		return l, nil
	case Completed:
		l.Status = StatusCompleted
		return l, nil
	case Cancelled:
		l.Status = StatusCancelled
		return l, nil
	}
	return l, event.Unexpected("pick", e)
}

func (l List) change(step int, picked, shorted int64) (List, error) {
	if step < 1 || step > len(l.Steps) || picked < 0 || shorted < 0 || picked+shorted > l.Steps[step-1].Left() {
		return List{}, unsound(step)
	}
	l.Steps = slices.Clone(l.Steps)
	l.Steps[step-1].Picked += picked
	l.Steps[step-1].Shorted += shorted
	return l, nil
}

func unsound(step int) error {
	return fault.At("pick.Apply", fault.Internal, fmt.Sprintf("step %d", step), errors.New("its quantities no longer add up"))
}

// tote notes a tote, and whose it is where totes are one order's.
func (l List) tote(step int, tote string) List {
	if step < 1 || step > len(l.Steps) || slices.ContainsFunc(l.Totes, func(t Tote) bool { return t.Tote == tote }) {
		return l
	}
	t := Tote{Tote: tote}
	if s := l.Steps[step-1]; l.Method == Cluster {
		t.Owner, t.Order = l.ownerOf(s), l.orderOf(s)
	}
	l.Totes = append(slices.Clip(l.Totes), t)
	return l
}

// mayTake says why goods of a step may not lie in a tote.
func (l List) mayTake(op string, s Step, tote string) error {
	if l.Method != Cluster {
		return nil
	}
	for _, t := range l.Totes {
		if t.Tote == tote && (t.Order != l.orderOf(s) || t.Owner != l.ownerOf(s)) {
			return fault.At(op, fault.Rejected, "tote", fmt.Errorf("tote %s is that of order %s, not of %s", tote, t.Order, l.orderOf(s)))
		}
	}
	return nil
}

func (l List) ownerOf(s Step) string { return cmp.Or(s.Owner, l.Owner) }

func (l List) orderOf(s Step) string { return cmp.Or(s.Order, l.Order) }

func (l List) head(at time.Time) Head {
	h := l.Head
	h.At = at.UTC()
	return h
}

// Open makes the list.
func (l List) Open(c Open, at time.Time) ([]event.Event, error) {
	const op = "pick.Open"
	if err := c.Scope.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if err := scope.CheckPart(c.Task); err != nil {
		return nil, fault.At(op, fault.Invalid, "task", err)
	}
	if l.Status != StatusNone {
		return nil, fault.At(op, fault.Rejected, "task", fmt.Errorf("the pick list of task %s exists (%s)", l.Task, l.Status))
	}
	if err := task.CheckSteps(c.Steps); err != nil {
		return nil, fault.Wrap(op, err)
	}
	return []event.Event{Opened{Head{c.Scope, c.Task, c.Order, c.Wave, at.UTC()}, c.Method, slices.Clone(c.Steps)}}, nil
}

func (l List) step(op string, no int) (Step, error) {
	switch {
	case l.Status == StatusNone:
		return Step{}, fault.At(op, fault.Rejected, "task", errors.New("there is no such pick list"))
	case l.Status != StatusOpen:
		return Step{}, fault.At(op, fault.Rejected, "task", fmt.Errorf("the pick list of task %s is %s", l.Task, l.Status))
	case no < 1 || no > len(l.Steps):
		return Step{}, fault.At(op, fault.Invalid, "step", fmt.Errorf("task %s has no step %d", l.Task, no))
	}
	s := l.Steps[no-1]
	if s.Left() == 0 {
		return Step{}, fault.At(op, fault.Rejected, "step", fmt.Errorf("step %d of task %s is done", no, l.Task))
	}
	return s, nil
}

// Confirm records goods in a tote. Beyond what is left of the step is Rejected:
// nobody picks more than was allocated.
func (l List) Confirm(c Confirm, at time.Time) ([]event.Event, error) {
	const op = "pick.Confirm"
	s, err := l.step(op, c.Step)
	if err != nil {
		return nil, err
	}
	if err := scope.CheckPart(c.Tote); err != nil {
		return nil, fault.At(op, fault.Invalid, "tote", err)
	}
	if err := scope.CheckPart(c.Worker); err != nil {
		return nil, fault.At(op, fault.Invalid, "worker", err)
	}
	switch {
	case c.Qty < 1:
		return nil, fault.At(op, fault.Invalid, "qty", fmt.Errorf("%d is not at least 1", c.Qty))
	case c.Qty > s.Left():
		return nil, fault.At(op, fault.Rejected, "qty", fmt.Errorf("%d of step %d are left, not %d", s.Left(), c.Step, c.Qty))
	}
	if err := l.mayTake(op, s, c.Tote); err != nil {
		return nil, err
	}
	if err := checkSerials(op, c.Serials, c.Qty); err != nil {
		return nil, err
	}
	e := Confirmed{
		Head: l.headOf(s, at), Step: c.Step, Line: s.Line, Item: s.Item, From: s.From,
		Tote: c.Tote, Qty: c.Qty, Serials: slices.Clone(c.Serials), Worker: c.Worker,
	}
	return l.completed(e, c.Step, c.Qty, 0, at), nil
}

func checkSerials(op string, serials []string, qty int64) error {
	if len(serials) == 0 {
		return nil
	}
	if int64(len(serials)) != qty {
		return fault.At(op, fault.Invalid, "serials", fmt.Errorf("has %d serial numbers for %d units", len(serials), qty))
	}
	seen := make(map[string]bool, len(serials))
	for i, s := range serials {
		place := fmt.Sprintf("serials[%d]", i)
		if err := scope.CheckPart(s); err != nil {
			return fault.At(op, fault.Invalid, place, err)
		}
		if seen[s] {
			return fault.At(op, fault.Invalid, place, fmt.Errorf("%q is given twice", s))
		}
		seen[s] = true
	}
	return nil
}

// Short ends a step with fewer than asked for.
func (l List) Short(c Short, at time.Time) ([]event.Event, error) {
	const op = "pick.Short"
	s, err := l.step(op, c.Step)
	if err != nil {
		return nil, err
	}
	if c.Found < 0 || c.Found >= s.Left() {
		return nil, fault.At(op, fault.Invalid, "found", fmt.Errorf("%d of the %d left of step %d is not short", c.Found, s.Left(), c.Step))
	}
	if c.Found > 0 {
		if err := scope.CheckPart(c.Tote); err != nil {
			return nil, fault.At(op, fault.Invalid, "tote", err)
		}
		if err := l.mayTake(op, s, c.Tote); err != nil {
			return nil, err
		}
	}
	if err := scope.CheckPart(c.Worker); err != nil {
		return nil, fault.At(op, fault.Invalid, "worker", err)
	}
	if err := scope.CheckPart(c.Reason); err != nil {
		return nil, fault.At(op, fault.Invalid, "reason", err)
	}
	e := Shorted{
		Head: l.headOf(s, at), Step: c.Step, Line: s.Line, Item: s.Item, From: s.From, Tote: c.Tote,
		Expected: s.Left(), Found: c.Found, Reason: c.Reason, Worker: c.Worker,
	}
	return l.completed(e, c.Step, c.Found, s.Left()-c.Found, at), nil
}

// headOf is the head of an event about one step: in a list over several orders it
// names the step's.
func (l List) headOf(s Step, at time.Time) Head {
	h := l.head(at)
	if h.Order == "" {
		h.Order = s.Order
	}
	return h
}

// completed adds the end of the list when e ends its last step.
func (l List) completed(e event.Event, step int, picked, shorted int64, at time.Time) []event.Event {
	out := []event.Event{e}
	done := Completed{Head: l.head(at), Picked: picked, Shorted: shorted}
	for i, s := range l.Steps {
		left := s.Left()
		if i == step-1 {
			left -= picked + shorted
		}
		if left > 0 {
			return out
		}
		done.Picked += s.Picked
		done.Shorted += s.Shorted
	}
	return append(out, done)
}

// Drop takes an order out of a list over several; nothing left for it is no event. The list
// ends when nothing else is left either. What lies in totes stays the order's.
func (l List) Drop(c Drop, at time.Time) ([]event.Event, error) {
	const op = "pick.Drop"
	switch l.Status {
	case StatusNone:
		return nil, fault.At(op, fault.Rejected, "task", errors.New("there is no such pick list"))
	case StatusCompleted, StatusCancelled:
		return nil, nil
	case StatusOpen: // goes on below
	}
	if err := scope.CheckPart(c.Reason); err != nil {
		return nil, fault.At(op, fault.Invalid, "reason", err)
	}
	e := Dropped{Head: l.head(at), GoodsOwner: c.Owner, Reason: c.Reason}
	e.Order = c.Order
	done := Completed{Head: l.head(at)}
	others := int64(0)
	for _, s := range l.Steps {
		done.Picked += s.Picked
		done.Shorted += s.Shorted
		switch n := s.Left(); {
		case n == 0:
		case l.ownerOf(s) == c.Owner && l.orderOf(s) == c.Order:
			d := s.Step
			d.Qty = n
			e.Steps = append(e.Steps, d)
		default:
			others += n
		}
	}
	switch {
	case len(e.Steps) == 0:
		return nil, nil
	case others > 0:
		return []event.Event{e}, nil
	}
	return []event.Event{e, done}, nil
}

// Put records goods in the slot of their order. More than was picked and is not put yet is
// Rejected. A list may be put apart while it is picked and afterwards.
func (l List) Put(c Put, at time.Time) ([]event.Event, error) {
	const op = "pick.Put"
	switch {
	case l.Status == StatusNone:
		return nil, fault.At(op, fault.Rejected, "task", errors.New("there is no such pick list"))
	case c.Step < 1 || c.Step > len(l.Steps):
		return nil, fault.At(op, fault.Invalid, "step", fmt.Errorf("task %s has no step %d", l.Task, c.Step))
	}
	for _, p := range [...]struct{ place, v string }{{"tote", c.Tote}, {"slot", c.Slot}, {"worker", c.Worker}} {
		if err := scope.CheckPart(p.v); err != nil {
			return nil, fault.At(op, fault.Invalid, p.place, err)
		}
	}
	s := l.Steps[c.Step-1]
	switch {
	case c.Qty < 1:
		return nil, fault.At(op, fault.Invalid, "qty", fmt.Errorf("%d is not at least 1", c.Qty))
	case c.Qty > s.Picked-s.Put:
		return nil, fault.At(op, fault.Rejected, "qty", fmt.Errorf("%d of step %d are to be put, not %d", s.Picked-s.Put, c.Step, c.Qty))
	}
	return []event.Event{Placed{
		Head: l.headOf(s, at), GoodsOwner: l.ownerOf(s), Step: c.Step, Line: s.Line, Item: s.Item, Lot: s.From.Lot,
		Tote: c.Tote, Slot: c.Slot, Qty: c.Qty, Worker: c.Worker,
	}}, nil
}

// Consolidate records that an order's goods are all together; the caller knows it of all lists.
func (l List) Consolidate(owner, order, slot string, qty int64, at time.Time) Consolidated {
	e := Consolidated{Head: l.head(at), GoodsOwner: owner, Slot: slot, Qty: qty}
	e.Order = order
	return e
}

// Cancel drops what is not fetched yet; cancelled already is no event. What lies
// in totes must be put back or packed by others.
func (l List) Cancel(c Cancel, at time.Time) ([]event.Event, error) {
	const op = "pick.Cancel"
	switch l.Status {
	case StatusNone:
		return nil, fault.At(op, fault.Rejected, "task", errors.New("there is no such pick list"))
	case StatusCompleted:
		return nil, fault.At(op, fault.Rejected, "task", fmt.Errorf("the pick list of task %s is completed", l.Task))
	case StatusCancelled:
		return nil, nil
	case StatusOpen: // goes on below
	}
	if err := scope.CheckPart(c.Reason); err != nil {
		return nil, fault.At(op, fault.Invalid, "reason", err)
	}
	var left []task.Step
	for _, s := range l.Steps {
		if n := s.Left(); n > 0 {
			d := s.Step
			d.Qty = n
			left = append(left, d)
		}
	}
	return []event.Event{Cancelled{l.head(at), c.Reason, left}}, nil
}
