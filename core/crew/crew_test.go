package crew_test

import (
	"testing"
	"time"

	"github.com/paklog/hub/core/crew"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/task"
)

var (
	at   = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	good = crew.Register{
		Scope: scope.Scope{Tenant: "t", Owner: "acme", Facility: "east"}, Worker: "kim",
		Spec: crew.Spec{Skills: []string{"hazmat"}, Equipment: []string{"reach_truck"}, Zones: []string{"A", "B"}, Home: "A", Kinds: []string{task.KindPick}},
	}
)

func run(t *testing.T, w crew.Worker, evs []event.Event, err error) crew.Worker {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	w, err = crew.Fold.Replay(w, evs...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func known(t *testing.T) crew.Worker {
	t.Helper()
	evs, err := crew.Worker{}.Register(good, at)
	return run(t, crew.Worker{}, evs, err)
}

func TestAWorkerBelongsToTheBuilding(t *testing.T) {
	w := known(t)
	if w.Scope != good.Scope.Building() || w.Status != crew.StatusActive || w.Spec.Home != "A" {
		t.Errorf("%+v", w)
	}
	if crew.StreamOf(good.Scope, "kim") != crew.StreamOf(good.Scope.Building(), "kim") {
		t.Error("a worker has a stream for each owner")
	}
}

func TestARetiredWorkerComesBackOnlyByAChange(t *testing.T) {
	w := known(t)
	evs, err := w.Retire(crew.Retire{Reason: "left"}, at)
	w = run(t, w, evs, err)
	if w.Status != crew.StatusRetired || w.Reason != "left" {
		t.Fatalf("%+v", w)
	}
	if evs, err := w.Retire(crew.Retire{Reason: "again"}, at); err != nil || len(evs) != 0 {
		t.Errorf("retired twice: %v, %v", evs, err)
	}
	if evs, err := w.Register(good, at); len(evs) != 0 || fault.KindOf(err) != fault.Rejected {
		t.Errorf("registered over a retired one: %v, %v", evs, err)
	}
	back := good
	back.Update = true
	evs, err = w.Register(back, at)
	if w = run(t, w, evs, err); w.Status != crew.StatusActive || w.Reason != "" {
		t.Errorf("%+v", w)
	}
	if evs, err := w.Register(good, at); err != nil || len(evs) != 0 {
		t.Errorf("the same again: %v, %v", evs, err)
	}
}

func TestWorkersAreRefusedWithPlace(t *testing.T) {
	many := make([]string, crew.MaxList+1)
	for i := range many {
		many[i] = string(rune('a' + i))
	}
	for place, change := range map[string]func(*crew.Register){
		"worker":       func(c *crew.Register) { c.Worker = "" },
		"facility":     func(c *crew.Register) { c.Facility = "" },
		"skills":       func(c *crew.Register) { c.Spec.Skills = many },
		"skills[1]":    func(c *crew.Register) { c.Spec.Skills = []string{"x", "x"} },
		"equipment[0]": func(c *crew.Register) { c.Spec.Equipment = []string{""} },
		"zones[0]":     func(c *crew.Register) { c.Spec.Zones = []string{""} },
		"kinds[0]":     func(c *crew.Register) { c.Spec.Kinds = []string{"dance"} },
		"home":         func(c *crew.Register) { c.Spec.Home = "C" },
	} {
		c := good
		change(&c)
		if evs, err := (crew.Worker{}).Register(c, at); len(evs) != 0 || fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v, place %q: %v", place, evs, fault.PlaceOf(err), err)
		}
	}
	for name, f := range map[string]func() ([]event.Event, error){
		"change": func() ([]event.Event, error) { return crew.Worker{}.Change(crew.Change{}, at) },
		"retire": func() ([]event.Event, error) { return crew.Worker{}.Retire(crew.Retire{Reason: "x"}, at) },
	} {
		if evs, err := f(); len(evs) != 0 || fault.KindOf(err) != fault.Rejected || fault.PlaceOf(err) != "worker" {
			t.Errorf("%s of nobody: %v, %v", name, evs, err)
		}
	}
	if evs, err := known(t).Retire(crew.Retire{}, at); len(evs) != 0 || fault.PlaceOf(err) != "reason" {
		t.Errorf("retired without a reason: %v, %v", evs, err)
	}
	differs := good
	differs.Spec.Home = "B"
	if evs, err := known(t).Register(differs, at); len(evs) != 0 || fault.KindOf(err) != fault.Rejected {
		t.Errorf("registered over another: %v, %v", evs, err)
	}
}
