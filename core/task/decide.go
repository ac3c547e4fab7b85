package task

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/scope"
)

// Status is where a task stands.
type Status string

// Statuses of a task.
const (
	StatusNone      Status = ""
	StatusOpen      Status = "open"
	StatusClaimed   Status = "claimed"
	StatusCompleted Status = "completed"
	StatusCancelled Status = "cancelled"
)

// MaxLease is the longest that a task is given to a worker who does not renew.
const MaxLease = 24 * time.Hour

// Task is the state of a task. The zero Task does not exist yet. An open task may
// be claimed; Claim counts the claims, so that a worker whose lease ended cannot
// end the work of the next.
type Task struct {
	Head     `json:"head"`
	Kind     string    `json:"kind"`
	Wave     string    `json:"wave,omitempty"`
	Priority int       `json:"priority,omitempty"`
	CutOff   time.Time `json:"cut_off,omitzero"`
	Zone     string    `json:"zone,omitempty"`
	Needs    []string  `json:"needs,omitempty"`
	Method   string    `json:"method,omitempty"`
	Steps    []Step    `json:"steps,omitempty"`

	Status Status    `json:"status"`
	Worker string    `json:"worker,omitempty"`
	Claims int       `json:"claims,omitempty"`
	Until  time.Time `json:"until,omitzero"`
	// Taken says from whom an open task was taken back, and for what.
	Taken Taken `json:"taken,omitzero"`
	// Turned says where a task was to bring its goods before it was to bring them elsewhere, and why.
	Turned Turned `json:"turned,omitzero"`
}

// Turned is what a task's worker must be told: the goods in his hands go elsewhere.
type Turned struct {
	From   string `json:"from"`
	Reason string `json:"reason"`
}

// Taken is a task that was taken back from a worker.
type Taken struct {
	Worker string `json:"worker"`
	For    string `json:"for"` // the task that is more urgent
	Reason string `json:"reason"`
}

// Fold makes a [Task].
var Fold = event.Fold[Task]{Kind: "task", Version: 6, Apply: apply}

func apply(t Task, e event.Event) (Task, error) {
	switch e := e.(type) {
	case Created:
		t = Task{Head: e.Head, Kind: e.Kind, Wave: e.Wave, Priority: e.Priority, CutOff: e.CutOff, Zone: e.Zone, Needs: e.Needs, Method: e.Method, Steps: e.Steps, Status: StatusOpen}
	case Claimed:
		t.Status, t.Worker, t.Claims, t.Until, t.Taken = StatusClaimed, e.Worker, e.Claim, e.Until, Taken{}
	case Renewed:
		t.Until = e.Until
	case Expired, Released:
		t.Status, t.Worker, t.Until = StatusOpen, "", time.Time{}
	case Preempted:
		t.Status, t.Worker, t.Until, t.Taken = StatusOpen, "", time.Time{}, Taken{e.Worker, e.For, e.Reason}
	case Prioritized:
		t.Priority, t.CutOff = e.Priority, e.CutOff
	case Redirected:
		t.Turned, t.Steps = Turned{e.From, e.Reason}, slices.Clone(t.Steps)
		for i := range t.Steps {
			t.Steps[i].To.Location = e.To
		}
	case Completed:
		t.Status, t.Until = StatusCompleted, time.Time{}
	case Cancelled:
		t.Status, t.Worker, t.Until = StatusCancelled, "", time.Time{}
	default:
		return t, event.Unexpected("task", e)
	}
	return t, nil
}

func (t Task) head(at time.Time) Head {
	h := t.Head
	h.At = at.UTC()
	return h
}

func (t Task) exists(op string) error {
	if t.Status == StatusNone {
		return fault.At(op, fault.Rejected, "task", errors.New("there is no such task"))
	}
	return nil
}

func (t Task) ended() bool { return t.Status == StatusCompleted || t.Status == StatusCancelled }

// Create makes the task.
func (t Task) Create(c Create, at time.Time) ([]event.Event, error) {
	const op = "task.Create"
	bad := func(place, format string, a ...any) ([]event.Event, error) {
		return nil, fault.At(op, fault.Invalid, place, fmt.Errorf(format, a...))
	}
	if err := c.Scope.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if err := scope.CheckPart(c.Task); err != nil {
		return bad("task", "%w", err)
	}
	if t.Status != StatusNone {
		return nil, fault.At(op, fault.Rejected, "task", fmt.Errorf("task %s exists (%s)", t.Task, t.Status))
	}
	if !IsKind(c.Kind) {
		return bad("kind", "%q is not a kind of task", c.Kind)
	}
	if c.Priority < 0 || c.Priority > 9 {
		return bad("priority", "%d is not between 0 and 9", c.Priority)
	}
	if len(c.Needs) > MaxNeeds {
		return bad("needs", "has %d entries, at most %d are taken", len(c.Needs), MaxNeeds)
	}
	for i, n := range c.Needs {
		if err := scope.CheckPart(n); err != nil {
			return bad(fmt.Sprintf("needs[%d]", i), "%w", err)
		}
	}
	if err := CheckSteps(c.Steps); err != nil {
		return nil, fault.Wrap(op, err)
	}
	return []event.Event{Created{
		Head: Head{c.Scope, c.Task, c.Order, at.UTC()}, Kind: c.Kind, Wave: c.Wave, Priority: c.Priority,
		CutOff: c.CutOff.UTC(), Zone: c.Zone, Needs: slices.Compact(slices.Sorted(slices.Values(c.Needs))), Method: c.Method, Steps: slices.Clone(c.Steps),
	}}, nil
}

// CheckSteps refuses steps that cannot be worked on: none, too many, numbers not
// counting from 1, no item, no place, no quantity.
func CheckSteps(steps []Step) error {
	const op = "task.Steps"
	if n := len(steps); n == 0 || n > MaxSteps {
		return fault.At(op, fault.Invalid, "steps", fmt.Errorf("has %d steps, a task has 1 to %d", n, MaxSteps))
	}
	for i, s := range steps {
		at := func(f string) string { return fmt.Sprintf("steps[%d].%s", i, f) }
		if s.No != i+1 {
			return fault.At(op, fault.Invalid, at("no"), fmt.Errorf("is %d, expected %d", s.No, i+1))
		}
		if err := scope.CheckPart(s.Item); err != nil {
			return fault.At(op, fault.Invalid, at("item"), err)
		}
		if err := scope.CheckPart(s.From.Location); err != nil {
			return fault.At(op, fault.Invalid, at("from.location"), err)
		}
		if s.Qty < 1 {
			return fault.At(op, fault.Invalid, at("qty"), fmt.Errorf("%d is not at least 1", s.Qty))
		}
	}
	return nil
}

// Claim gives the task to a worker. A lease that has ended by at is expired on the
// way; one that has not makes the claim of another worker Rejected.
func (t Task) Claim(c Claim, at time.Time) ([]event.Event, error) {
	const op = "task.Claim"
	if err := t.exists(op); err != nil {
		return nil, err
	}
	if err := scope.CheckPart(c.Worker); err != nil {
		return nil, fault.At(op, fault.Invalid, "worker", err)
	}
	if err := checkLease(op, c.Lease); err != nil {
		return nil, err
	}
	if t.ended() {
		return nil, fault.At(op, fault.Rejected, "task", fmt.Errorf("task %s is %s", t.Task, t.Status))
	}
	h, until := t.head(at), at.Add(c.Lease).UTC()
	var out []event.Event
	if t.Status == StatusClaimed {
		live := at.Before(t.Until)
		if live && t.Worker == c.Worker {
			return t.renewed(h, until), nil
		}
		if live {
			return nil, fault.At(op, fault.Rejected, "worker", fmt.Errorf("task %s is claimed by %s until %s", t.Task, t.Worker, t.Until.Format(time.RFC3339)))
		}
		out = append(out, Expired{h, t.Worker, t.Claims})
	}
	return append(out, Claimed{h, c.Worker, t.Claims + 1, until}), nil
}

// renewed never shortens a lease.
func (t Task) renewed(h Head, until time.Time) []event.Event {
	if !until.After(t.Until) {
		return nil
	}
	return []event.Event{Renewed{h, t.Claims, until}}
}

func checkLease(op string, d time.Duration) error {
	if d <= 0 || d > MaxLease {
		return fault.At(op, fault.Invalid, "lease", fmt.Errorf("%v is not between 0 and %v", d, MaxLease))
	}
	return nil
}

// holds says why the worker does not hold claim at this time. A lease that ended
// is lost even if nobody took the task since.
func (t Task) holds(op, worker string, claim int, at time.Time) error {
	switch {
	case t.Status == StatusOpen && t.Taken.Worker == worker && t.Claims == claim:
		return fault.At(op, fault.Rejected, "claim", fmt.Errorf("task %s was taken back for task %s (%s): ask for your next one", t.Task, t.Taken.For, t.Taken.Reason))
	case t.Status != StatusClaimed:
		return fault.At(op, fault.Rejected, "task", fmt.Errorf("task %s is %s, not claimed", t.Task, t.Status))
	case t.Claims != claim || t.Worker != worker:
		return fault.At(op, fault.Rejected, "claim", fmt.Errorf("claim %d of %s on task %s is no longer the one in force", claim, worker, t.Task))
	case !at.Before(t.Until):
		return fault.At(op, fault.Rejected, "claim", fmt.Errorf("the lease of task %s ended at %s: claim it again", t.Task, t.Until.Format(time.RFC3339)))
	}
	return nil
}

// Renew prolongs a lease that has not ended.
func (t Task) Renew(c Renew, at time.Time) ([]event.Event, error) {
	const op = "task.Renew"
	if err := t.exists(op); err != nil {
		return nil, err
	}
	if err := checkLease(op, c.Lease); err != nil {
		return nil, err
	}
	if err := t.holds(op, c.Worker, c.Claim, at); err != nil {
		return nil, err
	}
	return t.renewed(t.head(at), at.Add(c.Lease).UTC()), nil
}

// Expire takes the task back. It is what the lease's timer calls: a claim that was
// renewed, ended or replaced since is no event.
func (t Task) Expire(c Expire, at time.Time) ([]event.Event, error) {
	if err := t.exists("task.Expire"); err != nil {
		return nil, err
	}
	if t.Status != StatusClaimed || t.Claims != c.Claim || at.Before(t.Until) {
		return nil, nil
	}
	return []event.Event{Expired{t.head(at), t.Worker, t.Claims}}, nil
}

// Release gives the task back; a claim that is not in force is Rejected.
func (t Task) Release(c Release, at time.Time) ([]event.Event, error) {
	const op = "task.Release"
	if err := t.exists(op); err != nil {
		return nil, err
	}
	if err := scope.CheckPart(c.Reason); err != nil {
		return nil, fault.At(op, fault.Invalid, "reason", err)
	}
	if err := t.holds(op, c.Worker, c.Claim, at); err != nil {
		return nil, err
	}
	return []event.Event{Released{t.head(at), t.Worker, t.Claims, c.Reason}}, nil
}

// Preempt takes the task back for another; a claim that ended or was replaced since is no
// event.
func (t Task) Preempt(c Preempt, at time.Time) ([]event.Event, error) {
	const op = "task.Preempt"
	if err := t.exists(op); err != nil {
		return nil, err
	}
	if err := scope.CheckPart(c.For); err != nil {
		return nil, fault.At(op, fault.Invalid, "for", err)
	}
	if err := scope.CheckPart(c.Reason); err != nil {
		return nil, fault.At(op, fault.Invalid, "reason", err)
	}
	if c.For == t.Task {
		return nil, fault.At(op, fault.Invalid, "for", errors.New("a task is not taken back for itself"))
	}
	if t.Status != StatusClaimed || t.Claims != c.Claim {
		return nil, nil
	}
	return []event.Event{Preempted{t.head(at), t.Worker, t.Claims, c.For, c.Reason}}, nil
}

// Redirect turns a task that brings goods to one place to another; one that has ended is Rejected.
func (t Task) Redirect(c Redirect, at time.Time) ([]event.Event, error) {
	const op = "task.Redirect"
	if err := t.exists(op); err != nil {
		return nil, err
	}
	if err := scope.CheckPart(c.To); err != nil {
		return nil, fault.At(op, fault.Invalid, "to", err)
	}
	if err := scope.CheckPart(c.Reason); err != nil {
		return nil, fault.At(op, fault.Invalid, "reason", err)
	}
	was := t.Steps[0].To.Location
	for _, st := range t.Steps {
		if st.To.Location != was || was == "" {
			return nil, fault.At(op, fault.Invalid, "to", fmt.Errorf("task %s does not bring all to one place", t.Task))
		}
	}
	if t.ended() {
		return nil, fault.At(op, fault.Rejected, "task", fmt.Errorf("task %s is %s", t.Task, t.Status))
	}
	if was == c.To {
		return nil, nil
	}
	return []event.Event{Redirected{t.head(at), was, c.To, c.Reason}}, nil
}

// Prioritize says how urgent a task is that is not ended; as urgent already is no event.
func (t Task) Prioritize(c Prioritize, at time.Time) ([]event.Event, error) {
	const op = "task.Prioritize"
	if err := t.exists(op); err != nil {
		return nil, err
	}
	if c.Priority < 0 || c.Priority > 9 {
		return nil, fault.At(op, fault.Invalid, "priority", fmt.Errorf("%d is not between 0 and 9", c.Priority))
	}
	if err := scope.CheckPart(c.Reason); err != nil {
		return nil, fault.At(op, fault.Invalid, "reason", err)
	}
	if t.ended() || t.Priority == c.Priority && t.CutOff.Equal(c.CutOff) {
		return nil, nil
	}
	return []event.Event{Prioritized{t.head(at), c.Priority, c.CutOff.UTC(), c.Reason}}, nil
}

// Complete ends the task; the same claim completing it again is no event.
func (t Task) Complete(c Complete, at time.Time) ([]event.Event, error) {
	const op = "task.Complete"
	if err := t.exists(op); err != nil {
		return nil, err
	}
	if t.Status == StatusCompleted && t.Claims == c.Claim && t.Worker == c.Worker {
		return nil, nil
	}
	if err := t.holds(op, c.Worker, c.Claim, at); err != nil {
		return nil, err
	}
	return []event.Event{Completed{t.head(at), t.Kind, t.Wave, t.Worker, t.Claims}}, nil
}

// Cancel ends the task undone, claimed or not; cancelled already is no event.
func (t Task) Cancel(c Cancel, at time.Time) ([]event.Event, error) {
	const op = "task.Cancel"
	if err := t.exists(op); err != nil {
		return nil, err
	}
	if err := scope.CheckPart(c.Reason); err != nil {
		return nil, fault.At(op, fault.Invalid, "reason", err)
	}
	switch t.Status {
	case StatusCancelled:
		return nil, nil
	case StatusCompleted:
		return nil, fault.At(op, fault.Rejected, "task", fmt.Errorf("task %s is completed", t.Task))
	case StatusNone, StatusOpen, StatusClaimed: // not done yet
	}
	return []event.Event{Cancelled{t.head(at), t.Kind, t.Wave, c.Reason, c.By}}, nil
}
