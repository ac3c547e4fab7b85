// Package crew is who may do what in a building: skills, equipment, zones and kinds of
// work. A worker is known by a number or badge; what a person is called stands nowhere here.
//
// A worker whom nobody registered may do what asks for nothing special, anywhere.
package crew

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/task"
)

// MaxList is the most entries of each list of a worker.
const MaxList = 64

// Spec is everything about a worker that may change. Empty Zones and Kinds are all of them.
type Spec struct {
	Skills    []string `json:"skills,omitempty"`    // held for good: "hazmat", ...
	Equipment []string `json:"equipment,omitempty"` // what he usually drives or carries: "reach_truck", ...
	Zones     []string `json:"zones,omitempty"`
	Home      string   `json:"home,omitempty"` // the zone where he begins
	Kinds     []string `json:"kinds,omitempty"`
}

// Register makes a worker known. With Update, one who is known with another spec is changed,
// and one who was retired works again.
type Register struct {
	scope.Scope
	Worker string
	Spec   Spec
	Update bool
}

// Change replaces the spec.
type Change struct{ Spec Spec }

// Retire ends it: he is given no more work. What he holds he may finish.
type Retire struct{ Reason, By string }

// Head is what every event of a worker begins with.
type Head struct {
	scope.Scope
	Worker string    `json:"worker"`
	At     time.Time `json:"at"`
}

// Stream is the stream of the worker.
func (h Head) Stream() string { return StreamOf(h.Scope, h.Worker) }

// Key orders messages about the worker.
func (h Head) Key() string { return streamOf(h.Scope, h.Worker).Key() }

func streamOf(s scope.Scope, worker string) scope.Stream {
	return scope.Stream{Kind: "worker", Tenant: s.Tenant, Owner: scope.Shared, ID: worker, Facility: s.Facility}
}

// StreamOf is the stream of a worker of the building.
func StreamOf(s scope.Scope, worker string) string { return streamOf(s, worker).String() }

// Registered says who may do what.
type Registered struct {
	Head
	Spec
}

// Changed carries the whole new spec.
type Changed struct {
	Head
	Spec
}

// Retired says that he is given no more work.
type Retired struct {
	Head
	Reason string `json:"reason"`
	By     string `json:"by,omitempty"`
}

// EventType implements [event.Event].
func (Registered) EventType() string { return "task.WorkerRegistered" }

// EventType implements [event.Event].
func (Changed) EventType() string { return "task.WorkerChanged" }

// EventType implements [event.Event].
func (Retired) EventType() string { return "task.WorkerRetired" }

var _ event.Streamed = Registered{}

// Statuses of a worker.
const (
	StatusActive  = "active"
	StatusRetired = "retired"
)

// Worker is the state of a worker. The zero Worker is unknown.
type Worker struct {
	Scope  scope.Scope `json:"scope"`
	ID     string      `json:"worker"`
	Status string      `json:"status"`
	Reason string      `json:"reason,omitempty"` // why he is retired
	Spec   Spec        `json:"spec"`
}

// Known reports whether the worker was registered.
func (w Worker) Known() bool { return w.ID != "" }

// Fold makes a [Worker].
var Fold = event.Fold[Worker]{Kind: "worker", Version: 1, Apply: apply}

func apply(w Worker, e event.Event) (Worker, error) {
	switch e := e.(type) {
	case Registered:
		w = Worker{Scope: e.Scope, ID: e.Worker, Status: StatusActive, Spec: e.Spec}
	case Changed:
		w.Status, w.Reason, w.Spec = StatusActive, "", e.Spec
	case Retired:
		w.Status, w.Reason = StatusRetired, e.Reason
	default:
		return w, event.Unexpected("worker", e)
	}
	return w, nil
}

func (s Spec) clone() Spec {
	s.Skills, s.Equipment = slices.Clone(s.Skills), slices.Clone(s.Equipment)
	s.Zones, s.Kinds = slices.Clone(s.Zones), slices.Clone(s.Kinds)
	return s
}

func (s Spec) equal(o Spec) bool {
	return slices.Equal(s.Skills, o.Skills) && slices.Equal(s.Equipment, o.Equipment) && slices.Equal(s.Zones, o.Zones) &&
		s.Home == o.Home && slices.Equal(s.Kinds, o.Kinds)
}

// validate refuses what cannot be named, is named twice, or is no kind of work.
func (s Spec) validate(op string) error {
	for _, l := range [...]struct {
		place string
		list  []string
	}{{"skills", s.Skills}, {"equipment", s.Equipment}, {"zones", s.Zones}, {"kinds", s.Kinds}} {
		if len(l.list) > MaxList {
			return fault.At(op, fault.Invalid, l.place, fmt.Errorf("has %d entries, at most %d are taken", len(l.list), MaxList))
		}
		for i, v := range l.list {
			place := fmt.Sprintf("%s[%d]", l.place, i)
			if err := scope.CheckPart(v); err != nil {
				return fault.At(op, fault.Invalid, place, err)
			}
			if slices.Contains(l.list[:i], v) {
				return fault.At(op, fault.Invalid, place, fmt.Errorf("%q is named twice", v))
			}
			if l.place == "kinds" && !task.IsKind(v) {
				return fault.At(op, fault.Invalid, place, fmt.Errorf("%q is not a kind of task", v))
			}
		}
	}
	switch {
	case s.Home == "":
		return nil
	case len(s.Zones) > 0 && !slices.Contains(s.Zones, s.Home):
		return fault.At(op, fault.Invalid, "home", fmt.Errorf("zone %q is none of those that the worker works in", s.Home))
	}
	if err := scope.CheckPart(s.Home); err != nil {
		return fault.At(op, fault.Invalid, "home", err)
	}
	return nil
}

// Register makes the worker known; known with the same spec is no event, with another one
// Rejected unless Update is set.
func (w Worker) Register(c Register, at time.Time) ([]event.Event, error) {
	const op = "crew.Register"
	s := c.Scope.Building()
	if err := s.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if err := scope.CheckPart(c.Worker); err != nil {
		return nil, fault.At(op, fault.Invalid, "worker", err)
	}
	if err := c.Spec.validate(op); err != nil {
		return nil, err
	}
	if !w.Known() {
		return []event.Event{Registered{Head{s, c.Worker, at.UTC()}, c.Spec.clone()}}, nil
	}
	if w.Status == StatusActive && w.Spec.equal(c.Spec) {
		return nil, nil
	}
	if !c.Update {
		return nil, fault.At(op, fault.Rejected, "worker", fmt.Errorf("worker %s is known (%s) and differs: change him instead", w.ID, w.Status))
	}
	return w.Change(Change{c.Spec}, at)
}

// Change replaces the spec of a known worker, and takes back a retired one.
func (w Worker) Change(c Change, at time.Time) ([]event.Event, error) {
	const op = "crew.Change"
	if err := w.known(op); err != nil {
		return nil, err
	}
	if err := c.Spec.validate(op); err != nil {
		return nil, err
	}
	if w.Status == StatusActive && w.Spec.equal(c.Spec) {
		return nil, nil
	}
	return []event.Event{Changed{w.head(at), c.Spec.clone()}}, nil
}

// Retire takes the worker out of work; retired already is no event.
func (w Worker) Retire(c Retire, at time.Time) ([]event.Event, error) {
	const op = "crew.Retire"
	if err := w.known(op); err != nil {
		return nil, err
	}
	if err := scope.CheckPart(c.Reason); err != nil {
		return nil, fault.At(op, fault.Invalid, "reason", err)
	}
	if w.Status == StatusRetired {
		return nil, nil
	}
	return []event.Event{Retired{w.head(at), c.Reason, c.By}}, nil
}

func (w Worker) head(at time.Time) Head { return Head{w.Scope, w.ID, at.UTC()} }

func (w Worker) known(op string) error {
	if !w.Known() {
		return fault.At(op, fault.Rejected, "worker", errors.New("there is no such worker: register him first"))
	}
	return nil
}
