package pick_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/task"
)

var (
	at   = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	good = pick.Open{
		Scope: scope.Scope{Tenant: "t", Owner: "acme", Facility: "east"}, Task: "T-1",
		Steps: []task.Step{
			{No: 1, Order: "SO-1", Line: 1, Item: "X", From: inventory.Place{Location: "A"}, Qty: 5},
			{No: 2, Order: "SO-2", Line: 1, Item: "X", From: inventory.Place{Location: "B"}, Qty: 3},
		},
	}
)

func opened(t interface{ Fatal(...any) }) pick.List {
	evs, err := pick.List{}.Open(good, at)
	if err != nil {
		t.Fatal(err)
	}
	l, err := pick.Fold.Replay(pick.List{}, evs...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestEachStepAddsUp: a step's quantity is fetched, shorted or left, the list ends
// with its last step and says the sums.
func TestEachStepAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := opened(t)
		for range 20 {
			no, qty := rapid.IntRange(0, 3).Draw(t, "step"), rapid.Int64Range(-1, 6).Draw(t, "qty")
			var evs []event.Event
			var err error
			if rapid.Bool().Draw(t, "short") {
				evs, err = l.Short(pick.Short{Step: no, Found: qty, Tote: "T", Worker: "kim", Reason: "not_found"}, at)
			} else {
				evs, err = l.Confirm(pick.Confirm{Step: no, Qty: qty, Tote: "T", Worker: "kim"}, at)
			}
			if err != nil {
				if len(evs) != 0 || fault.PlaceOf(err) == "" {
					t.Fatalf("%v, %v", evs, err)
				}
				continue
			}
			if l, err = pick.Fold.Replay(l, evs...); err != nil {
				t.Fatal(err)
			}
			var picked, shorted, left int64
			for _, s := range l.Steps {
				if s.Left() < 0 {
					t.Fatalf("%+v", s)
				}
				picked, shorted, left = picked+s.Picked, shorted+s.Shorted, left+s.Left()
			}
			if (left == 0) != (l.Status == pick.StatusCompleted) {
				t.Fatalf("%d left and the list is %s", left, l.Status)
			}
			if c, ok := evs[len(evs)-1].(pick.Completed); ok && (c.Picked != picked || c.Shorted != shorted) {
				t.Fatalf("says %d and %d, is %d and %d", c.Picked, c.Shorted, picked, shorted)
			}
		}
	})
}

func TestPicksOfABatchBelongToTheirOrders(t *testing.T) {
	l := opened(t)
	for step, key := range map[int]string{1: "t/acme/SO-1", 2: "t/acme/SO-2"} {
		evs, err := l.Confirm(pick.Confirm{Step: step, Qty: 1, Tote: "T", Worker: "kim"}, at)
		if err != nil {
			t.Fatal(err)
		}
		if c := evs[0].(pick.Confirmed); c.Key() != key || c.Stream() != l.Stream() {
			t.Errorf("step %d: key %s, stream %s", step, c.Key(), c.Stream())
		}
	}
	if l.Key() != "t/acme/T-1@east" {
		t.Errorf("key of the list: %s", l.Key())
	}
}

func TestPicksAreRefusedWithPlace(t *testing.T) {
	l := opened(t)
	for name, c := range map[string]struct {
		place string
		do    func() ([]event.Event, error)
	}{
		"opened twice": {"task", func() ([]event.Event, error) { return l.Open(good, at) }},
		"no steps": {"steps", func() ([]event.Event, error) {
			return pick.List{}.Open(pick.Open{Scope: good.Scope, Task: "T"}, at)
		}},
		"no list": {"task", func() ([]event.Event, error) { return pick.List{}.Confirm(pick.Confirm{Step: 1}, at) }},
		"no step": {"step", func() ([]event.Event, error) { return l.Confirm(pick.Confirm{Step: 3}, at) }},
		"no tote": {"tote", func() ([]event.Event, error) { return l.Confirm(pick.Confirm{Step: 1, Qty: 1, Worker: "k"}, at) }},
		"nobody":  {"worker", func() ([]event.Event, error) { return l.Confirm(pick.Confirm{Step: 1, Qty: 1, Tote: "T"}, at) }},
		"nothing": {"qty", func() ([]event.Event, error) { return l.Confirm(pick.Confirm{Step: 1, Tote: "T", Worker: "k"}, at) }},
		"too many": {"qty", func() ([]event.Event, error) {
			return l.Confirm(pick.Confirm{Step: 1, Qty: 6, Tote: "T", Worker: "k"}, at)
		}},
		"serials": {"serials", func() ([]event.Event, error) {
			return l.Confirm(pick.Confirm{Step: 1, Qty: 2, Tote: "T", Worker: "k", Serials: []string{"1"}}, at)
		}},
		"one twice": {"serials[1]", func() ([]event.Event, error) {
			return l.Confirm(pick.Confirm{Step: 1, Qty: 2, Tote: "T", Worker: "k", Serials: []string{"1", "1"}}, at)
		}},
		"not short": {"found", func() ([]event.Event, error) {
			return l.Short(pick.Short{Step: 1, Found: 5, Tote: "T", Worker: "k", Reason: "x"}, at)
		}},
		"no reason":                  {"reason", func() ([]event.Event, error) { return l.Short(pick.Short{Step: 1, Worker: "k"}, at) }},
		"cancelled without a reason": {"reason", func() ([]event.Event, error) { return l.Cancel(pick.Cancel{}, at) }},
	} {
		if evs, err := c.do(); len(evs) != 0 || err == nil || fault.PlaceOf(err) != c.place {
			t.Errorf("%s: %v, place %q: %v", name, evs, fault.PlaceOf(err), err)
		}
	}
	evs, err := l.Confirm(pick.Confirm{Step: 1, Qty: 2, Tote: "T", Worker: "kim"}, at)
	if err != nil {
		t.Fatal(err)
	}
	l, _ = pick.Fold.Replay(l, evs...)
	evs, err = l.Cancel(pick.Cancel{Reason: "x"}, at)
	if c := evs[0].(pick.Cancelled); err != nil || len(c.Steps) != 2 || c.Steps[0].Qty != 3 {
		t.Errorf("dropped: %+v, %v", evs, err)
	}
	l, _ = pick.Fold.Replay(l, evs...)
	if _, err := l.Confirm(pick.Confirm{Step: 1, Qty: 1, Tote: "T", Worker: "kim"}, at); fault.KindOf(err) != fault.Rejected {
		t.Errorf("picked from a cancelled list: %v", err)
	}
}
