package task_test

import (
	"testing"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/task"
)

var (
	at   = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	site = scope.Scope{Tenant: "t", Owner: "acme", Facility: "east"}
	good = task.Create{Scope: site, Task: "T-1", Kind: task.KindPick, Order: "SO-1", Steps: []task.Step{{No: 1, Item: "X", From: inventory.Place{Location: "A"}, Qty: 1}}}
)

func run(t *testing.T, s task.Task, evs []event.Event, err error) task.Task {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	s, err = task.Fold.Replay(s, evs...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func claimed(t *testing.T) task.Task {
	evs, err := task.Task{}.Create(good, at)
	s := run(t, task.Task{}, evs, err)
	evs, err = s.Claim(task.Claim{Worker: "kim", Lease: 5 * time.Minute}, at)
	return run(t, s, evs, err)
}

func TestALeaseBelongsToOneWorker(t *testing.T) {
	s := claimed(t)
	in := at.Add(5*time.Minute - 1)
	if _, err := s.Claim(task.Claim{Worker: "lee", Lease: time.Minute}, in); fault.KindOf(err) != fault.Rejected || fault.PlaceOf(err) != "worker" {
		t.Errorf("claimed twice: %v", err)
	}
	if evs, err := s.Expire(task.Expire{Claim: 1}, in); err != nil || len(evs) != 0 {
		t.Errorf("expired early: %v, %v", evs, err)
	}
	// Renewed, the old timer finds nothing to do.
	evs, err := s.Renew(task.Renew{Worker: "kim", Claim: 1, Lease: 5 * time.Minute}, in)
	renewed := run(t, s, evs, err)
	if evs, err := renewed.Expire(task.Expire{Claim: 1}, at.Add(5*time.Minute)); err != nil || len(evs) != 0 {
		t.Errorf("a renewed lease expired: %v, %v", evs, err)
	}
	if evs, err := renewed.Claim(task.Claim{Worker: "kim", Lease: time.Second}, in); err != nil || len(evs) != 0 {
		t.Errorf("a claim shortened its own lease: %v, %v", evs, err)
	}

	out := at.Add(5 * time.Minute)
	for name, f := range map[string]func() ([]event.Event, error){
		"renew": func() ([]event.Event, error) {
			return s.Renew(task.Renew{Worker: "kim", Claim: 1, Lease: time.Hour}, out)
		},
		"complete": func() ([]event.Event, error) { return s.Complete(task.Complete{Worker: "kim", Claim: 1}, out) },
	} {
		if evs, err := f(); len(evs) != 0 || fault.PlaceOf(err) != "claim" {
			t.Errorf("%s after the lease: %v, %v", name, evs, err)
		}
	}
	evs, err = s.Claim(task.Claim{Worker: "lee", Lease: time.Minute}, out)
	if err != nil || len(evs) != 2 || evs[0].EventType() != "task.Expired" {
		t.Fatalf("taken over: %v, %v", evs, err)
	}
	s = run(t, s, evs, nil)
	if _, err := s.Complete(task.Complete{Worker: "kim", Claim: 1}, out); fault.KindOf(err) != fault.Rejected {
		t.Errorf("the first worker ended the second one's task: %v", err)
	}
	if _, err := s.Complete(task.Complete{Worker: "lee", Claim: 1}, out); fault.KindOf(err) != fault.Rejected {
		t.Errorf("an old claim number ended the task: %v", err)
	}
	evs, err = s.Complete(task.Complete{Worker: "lee", Claim: 2}, out)
	s = run(t, s, evs, err)
	if evs, err := s.Complete(task.Complete{Worker: "lee", Claim: 2}, out.Add(time.Hour)); err != nil || len(evs) != 0 {
		t.Errorf("completed again: %v, %v", evs, err)
	}
	for name, f := range map[string]func() ([]event.Event, error){
		"claim":  func() ([]event.Event, error) { return s.Claim(task.Claim{Worker: "kim", Lease: time.Hour}, out) },
		"cancel": func() ([]event.Event, error) { return s.Cancel(task.Cancel{Reason: "x"}, out) },
	} {
		if evs, err := f(); len(evs) != 0 || fault.KindOf(err) != fault.Rejected {
			t.Errorf("%s of a completed task: %v, %v", name, evs, err)
		}
	}
}

func TestTasksAreRefusedWithPlace(t *testing.T) {
	for place, change := range map[string]func(*task.Create){
		"task":                   func(c *task.Create) { c.Task = "" },
		"owner":                  func(c *task.Create) { c.Owner = "" },
		"kind":                   func(c *task.Create) { c.Kind = "dance" },
		"priority":               func(c *task.Create) { c.Priority = -1 },
		"steps":                  func(c *task.Create) { c.Steps = nil },
		"steps[0].no":            func(c *task.Create) { c.Steps = []task.Step{{No: 2}} },
		"steps[0].item":          func(c *task.Create) { c.Steps = []task.Step{{No: 1}} },
		"steps[0].from.location": func(c *task.Create) { c.Steps = []task.Step{{No: 1, Item: "X"}} },
		"steps[0].qty":           func(c *task.Create) { c.Steps = []task.Step{{No: 1, Item: "X", From: inventory.Place{Location: "A"}}} },
	} {
		c := good
		change(&c)
		if evs, err := (task.Task{}).Create(c, at); len(evs) != 0 || fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v, place %q: %v", place, evs, fault.PlaceOf(err), err)
		}
	}
	s := claimed(t)
	if _, err := s.Create(good, at); fault.KindOf(err) != fault.Rejected {
		t.Errorf("created twice: %v", err)
	}
	for _, lease := range []time.Duration{0, -time.Second, task.MaxLease + 1} {
		if _, err := s.Claim(task.Claim{Worker: "kim", Lease: lease}, at); fault.PlaceOf(err) != "lease" {
			t.Errorf("a lease of %v: %v", lease, err)
		}
	}
	if _, err := s.Claim(task.Claim{Lease: time.Minute}, at); fault.PlaceOf(err) != "worker" {
		t.Errorf("claimed by nobody: %v", err)
	}
	if _, err := (task.Task{}).Claim(task.Claim{Worker: "kim", Lease: time.Minute}, at); fault.PlaceOf(err) != "task" {
		t.Errorf("claimed a task that is not there: %v", err)
	}
}

func TestATaskIsGivenBackByWhoHoldsIt(t *testing.T) {
	evs, err := task.Task{}.Create(good, at)
	open := run(t, task.Task{}, evs, err)
	if _, err := open.Release(task.Release{Worker: "kim", Claim: 0, Reason: "blocked"}, at); fault.PlaceOf(err) != "task" {
		t.Errorf("what nobody holds was given back: %v", err)
	}
	s := claimed(t)
	for name, c := range map[string]struct {
		task.Release
		when  time.Time
		place string
	}{
		"by another":      {task.Release{Worker: "lee", Claim: 1, Reason: "blocked"}, at, "claim"},
		"an old claim":    {task.Release{Worker: "kim", Claim: 0, Reason: "blocked"}, at, "claim"},
		"without a why":   {task.Release{Worker: "kim", Claim: 1}, at, "reason"},
		"after the lease": {task.Release{Worker: "kim", Claim: 1, Reason: "blocked"}, at.Add(5 * time.Minute), "claim"},
	} {
		if evs, err := s.Release(c.Release, c.when); len(evs) != 0 || fault.PlaceOf(err) != c.place {
			t.Errorf("%s: %v, %v", name, evs, err)
		}
	}
	evs, err = s.Release(task.Release{Worker: "kim", Claim: 1, Reason: "blocked"}, at)
	s = run(t, s, evs, err)
	if s.Status != task.StatusOpen || s.Worker != "" || !s.Until.IsZero() {
		t.Errorf("given back: %+v", s)
	}
	if _, err := s.Complete(task.Complete{Worker: "kim", Claim: 1}, at); fault.KindOf(err) != fault.Rejected {
		t.Errorf("who gave it back ended it: %v", err)
	}
	if evs, err := s.Expire(task.Expire{Claim: 1}, at.Add(time.Hour)); err != nil || len(evs) != 0 {
		t.Errorf("the lease ended after it was given back: %v, %v", evs, err)
	}
	evs, err = s.Claim(task.Claim{Worker: "lee", Lease: time.Minute}, at)
	if s = run(t, s, evs, err); s.Worker != "lee" || s.Claims != 2 {
		t.Errorf("claimed by the next: %+v", s)
	}
}

func TestATaskIsTurnedToAnotherPlace(t *testing.T) {
	bring := good
	bring.Kind = task.KindPutAway
	bring.Steps = []task.Step{{No: 1, Item: "X", From: inventory.Place{Location: "DOCK"}, Qty: 1, To: inventory.Place{Location: "A"}}}
	evs, err := task.Task{}.Create(bring, at)
	s := run(t, task.Task{}, evs, err)
	for _, c := range []struct {
		of          task.Task
		to, reason  string
		kind        fault.Kind
		place, name string
	}{
		{s, "", "held", fault.Invalid, "to", "nowhere"},
		{s, "Q", "", fault.Invalid, "reason", "for no reason"},
		{claimed(t), "Q", "held", fault.Invalid, "to", "a pick, which goes to a tote"},
		{task.Task{}, "Q", "held", fault.Rejected, "task", "none"},
	} {
		if _, err := c.of.Redirect(task.Redirect{To: c.to, Reason: c.reason}, at); fault.KindOf(err) != c.kind || fault.PlaceOf(err) != c.place {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if evs, err := s.Redirect(task.Redirect{To: "A", Reason: "held"}, at); err != nil || len(evs) != 0 {
		t.Errorf("to where it goes already: %v, %v", evs, err)
	}
	evs, err = s.Claim(task.Claim{Worker: "kim", Lease: time.Minute}, at)
	s = run(t, s, evs, err)
	evs, err = s.Redirect(task.Redirect{To: "Q", Reason: "held"}, at)
	is := run(t, s, evs, err)
	if is.Status != task.StatusClaimed || is.Worker != "kim" || is.Steps[0].To.Location != "Q" || is.Turned != (task.Turned{From: "A", Reason: "held"}) || s.Steps[0].To.Location != "A" {
		t.Errorf("%+v, before %+v", is, s)
	}
	evs, err = is.Complete(task.Complete{Worker: "kim", Claim: 1}, at)
	if _, err := run(t, is, evs, err).Redirect(task.Redirect{To: "A", Reason: "free"}, at); fault.KindOf(err) != fault.Rejected || fault.PlaceOf(err) != "task" {
		t.Errorf("ended: %v", err)
	}
}
