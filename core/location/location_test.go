package location_test

import (
	"testing"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/scope"
)

var (
	at   = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	good = location.Register{Scope: scope.Scope{Tenant: "t", Owner: "acme", Facility: "east"}, Code: "A-1", Spec: location.Spec{Purpose: location.Pick}}
)

func run(t *testing.T, l location.Location, evs []event.Event, err error) location.Location {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	l, err = location.Fold.Replay(l, evs...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestOnlyWhatIsActiveAndForPickingIsUsable(t *testing.T) {
	evs, err := location.Location{}.Register(good, at)
	l := run(t, location.Location{}, evs, err)
	if !l.Usable() || l.Scope.Owner != scope.Shared {
		t.Fatalf("%+v", l)
	}
	if evs, err := l.Register(good, at); err != nil || len(evs) != 0 {
		t.Errorf("registered again: %v, %v", evs, err)
	}
	evs, err = l.Block(location.Block{Reason: "leak"}, at)
	blocked := run(t, l, evs, err)
	if blocked.Usable() || blocked.Reason != "leak" {
		t.Errorf("blocked: %+v", blocked)
	}
	if evs, err := blocked.Block(location.Block{Reason: "leak"}, at); err != nil || len(evs) != 0 {
		t.Errorf("blocked twice: %v, %v", evs, err)
	}
	evs, err = blocked.Unblock(location.Unblock{}, at)
	if l = run(t, blocked, evs, err); !l.Usable() {
		t.Errorf("unblocked: %+v", l)
	}
	evs, err = l.Change(location.Change{Spec: location.Spec{Purpose: location.Dock}}, at)
	if l = run(t, l, evs, err); l.Usable() {
		t.Error("stock may be allocated at the dock")
	}
}

// A place comes with the word that it is out of use, as an export has it, and is not brought back by one
// that says nothing of it.
func TestAPlaceIsRegisteredBlocked(t *testing.T) {
	out := good
	out.Blocked = "flooded"
	evs, err := location.Location{}.Register(out, at)
	l := run(t, location.Location{}, evs, err)
	if l.Status != location.StatusBlocked || l.Reason != "flooded" {
		t.Fatalf("%+v", l)
	}
	for name, c := range map[string]location.Register{"the same": out, "another reason": func() location.Register { c := out; c.Blocked = "leak"; return c }(), "no word": good} {
		if evs, err := l.Register(c, at); err != nil || len(evs) != 0 {
			t.Errorf("%s: %v, %v", name, evs, err)
		}
	}
	evs, err = l.Unblock(location.Unblock{}, at)
	active := run(t, l, evs, err)
	if _, err := active.Register(out, at); fault.KindOf(err) != fault.Rejected || fault.PlaceOf(err) != "location" {
		t.Errorf("blocked by being registered again: %v", err)
	}
	out.Update, out.Spec.Purpose = true, location.Bulk
	evs, err = active.Register(out, at)
	if l := run(t, active, evs, err); len(evs) != 2 || l.Status != location.StatusBlocked || l.Spec.Purpose != location.Bulk {
		t.Errorf("%v: %+v", evs, l)
	}
	out.Blocked = " "
	if _, err := (location.Location{}).Register(out, at); fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != "blocked" {
		t.Errorf("for no reason: %v", err)
	}
}

func TestLocationsAreRefusedWithPlace(t *testing.T) {
	for place, change := range map[string]func(*location.Register){
		"location":       func(c *location.Register) { c.Code = "" },
		"facility":       func(c *location.Register) { c.Facility = "" },
		"purpose":        func(c *location.Register) { c.Spec.Purpose = "hole" },
		"zone":           func(c *location.Register) { c.Spec.Zone = " z" },
		"cell":           func(c *location.Register) { c.Spec.Cell = 3 }, // of no aisle
		"mix":            func(c *location.Register) { c.Spec.Mix = "some" },
		"capacity.units": func(c *location.Register) { c.Spec.Capacity.Units = -1 },
	} {
		c := good
		change(&c)
		if evs, err := (location.Location{}).Register(c, at); len(evs) != 0 || fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v, place %q: %v", place, evs, fault.PlaceOf(err), err)
		}
	}
	evs, err := location.Location{}.Register(good, at)
	l := run(t, location.Location{}, evs, err)
	other := good
	other.Spec.Purpose = location.Bulk
	if _, err := l.Register(other, at); fault.KindOf(err) != fault.Rejected {
		t.Errorf("registered otherwise: %v", err)
	}
	if _, err := l.Block(location.Block{}, at); fault.PlaceOf(err) != "reason" {
		t.Errorf("blocked without a reason: %v", err)
	}
	for name, err := range map[string]error{
		"change":  second(location.Location{}.Change(location.Change{Spec: good.Spec}, at)),
		"block":   second(location.Location{}.Block(location.Block{Reason: "x"}, at)),
		"unblock": second(location.Location{}.Unblock(location.Unblock{}, at)),
	} {
		if fault.KindOf(err) != fault.Rejected {
			t.Errorf("%s of a location that is not there: %v", name, err)
		}
	}
}

func second(_ []event.Event, err error) error { return err }

func TestSlotsAreRefusedWithPlace(t *testing.T) {
	slot := location.Slot{Owner: "acme", Item: "MUG", Min: 5, Max: 20}
	for place, change := range map[string]func(*location.Spec){
		"slot":       func(s *location.Spec) { s.Purpose = location.Bulk },
		"slot.owner": func(s *location.Spec) { s.Slot.Owner = "" },
		"slot.item":  func(s *location.Spec) { s.Slot.Item = "" },
		"slot.min":   func(s *location.Spec) { s.Slot.Min = -1 },
		"slot.max":   func(s *location.Spec) { s.Slot.Max = 4 },
	} {
		s := location.Spec{Purpose: location.Pick, Slot: slot}
		change(&s)
		if err := s.Validate(); fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v", place, err)
		}
	}
	c := good
	c.Spec.Slot = slot
	evs, err := location.Location{}.Register(good, at)
	l := run(t, location.Location{}, evs, err)
	c.Update = true
	evs, err = l.Register(c, at)
	if l = run(t, l, evs, err); !l.Spec.Slot.Given() {
		t.Errorf("updated: %+v", l)
	}
}
