package facility_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/scope"
)

var (
	at   = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	east = scope.Scope{Tenant: "t", Owner: "acme", Facility: "east"}
)

func spec() facility.Spec {
	return facility.Spec{
		Title: "East", TimeZone: "America/New_York",
		Zones:  []facility.Zone{{Code: "FAST", StorageType: "shelf", Capacity: location.Capacity{Units: 50}}, {Code: "SLOW"}, {Code: "COLD", StorageType: "cold"}},
		Aisles: []facility.Aisle{{Code: "01", Zone: "FAST", Capacity: location.Capacity{Units: 40}}, {Code: "09"}},
		Slotting: []facility.Rule{
			{Rule: "movers", Class: "A", Zones: []string{"FAST", "SLOW"}, Purposes: []string{"pick", "bulk"}},
			{Rule: "cold", StorageType: "cold", Zones: []string{"COLD"}},
		},
	}
}

func known(t testing.TB) facility.Facility {
	evs, err := facility.Facility{}.Register(facility.Register{Scope: east, Spec: spec()}, at)
	if err != nil {
		t.Fatal(err)
	}
	f, err := facility.Fold.Replay(facility.Facility{}, evs...)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func ExampleSpec_Slot() {
	it := item.Item{Scope: east, SKU: "MUG", Spec: item.Spec{Class: "A", Units: []item.Unit{{UOM: "each", Factor: 1}}}}
	for _, a := range spec().Slot(it, []facility.Candidate{
		{Location: "S-1", Status: "active", Spec: location.Spec{Purpose: "bulk", Zone: "SLOW"}},
		{Location: "F-2", Status: "active", Spec: location.Spec{Purpose: "bulk", Zone: "FAST"}},
		{Location: "F-1", Status: "active", Spec: location.Spec{Purpose: "pick", Aisle: "01"}, Have: 15},
		{Location: "F-3", Status: "active", Spec: location.Spec{Purpose: "pick", Zone: "FAST"}, Have: 50},
		{Location: "C-1", Status: "active", Spec: location.Spec{Purpose: "pick", Zone: "COLD"}},
	}) {
		fmt.Println(a.Location, a.Zone, a.Because, a.Rule, a.Room)
	}
	// Output:
	// F-1 FAST joins_stock movers 25
	// F-2 FAST preferred_zone movers 50
	// S-1 SLOW preferred_zone movers -1
}

func TestABuildingIsRegisteredOnceAndChanged(t *testing.T) {
	f := known(t)
	if evs, err := f.Register(facility.Register{Scope: east, Spec: spec()}, at); err != nil || len(evs) != 0 {
		t.Errorf("the same again: %v, %v", evs, err)
	}
	other := spec()
	other.Slotting = nil
	if _, err := f.Register(facility.Register{Scope: east, Spec: other}, at); fault.KindOf(err) != fault.Rejected {
		t.Errorf("registered otherwise: %v", err)
	}
	for name, do := range map[string]func() ([]event.Event, error){
		"update": func() ([]event.Event, error) {
			return f.Register(facility.Register{Scope: east, Spec: other, Update: true}, at)
		},
		"change": func() ([]event.Event, error) { return f.Change(facility.Change{Spec: other}, at) },
	} {
		evs, err := do()
		if err != nil || len(evs) != 1 || evs[0].EventType() != "location.FacilityChanged" {
			t.Errorf("%s: %v, %v", name, evs, err)
		}
	}
	if evs, err := f.Change(facility.Change{Spec: spec()}, at); err != nil || len(evs) != 0 {
		t.Errorf("changed to what it is: %v, %v", evs, err)
	}
	if _, err := (facility.Facility{}).Change(facility.Change{Spec: spec()}, at); fault.KindOf(err) != fault.Rejected {
		t.Errorf("a building that nobody knows was changed: %v", err)
	}
}

func TestBuildingsAreRefusedWithPlace(t *testing.T) {
	for place, change := range map[string]func(*facility.Register){
		"facility":               func(c *facility.Register) { c.Facility = "" },
		"title":                  func(c *facility.Register) { c.Spec.Title = " East" },
		"time_zone":              func(c *facility.Register) { c.Spec.TimeZone = "New York" },
		"zones":                  func(c *facility.Register) { c.Spec.Zones = make([]facility.Zone, facility.MaxZones+1) },
		"aisles":                 func(c *facility.Register) { c.Spec.Aisles = make([]facility.Aisle, facility.MaxAisles+1) },
		"zones[1].zone":          func(c *facility.Register) { c.Spec.Zones[1].Code = "FAST" },
		"zones[0].capacity.lpns": func(c *facility.Register) { c.Spec.Zones[0].Capacity.LPNs = -1 },
		"aisles[0].zone":         func(c *facility.Register) { c.Spec.Aisles[0].Zone = "NONE" },
		"aisles[1].aisle":        func(c *facility.Register) { c.Spec.Aisles[1].Code = "01" },
		"slotting[0].class":      func(c *facility.Register) { c.Spec.Slotting[0].Class = "D" },
		"slotting[1].rule":       func(c *facility.Register) { c.Spec.Slotting[1].Rule = "movers" },
		"slotting[1].zones":      func(c *facility.Register) { c.Spec.Slotting[1].Zones = []string{"HOT"} },
		"slotting[0].purposes":   func(c *facility.Register) { c.Spec.Slotting[0].Purposes = []string{"dock"} },
	} {
		c := facility.Register{Scope: east, Spec: spec()}
		change(&c)
		if evs, err := (facility.Facility{}).Register(c, at); len(evs) != 0 || fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v, place %q: %v", place, evs, fault.PlaceOf(err), err)
		}
	}
}

func TestLocationsMustLieInTheBuilding(t *testing.T) {
	s := spec()
	for place, l := range map[string]location.Spec{
		"zone":         {Purpose: "pick", Zone: "HOT"},
		"aisle":        {Purpose: "pick", Aisle: "77"},
		"storage_type": {Purpose: "pick", Zone: "COLD", StorageType: "shelf"},
	} {
		if err := s.Places(l); fault.KindOf(err) != fault.Rejected || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v", place, err)
		}
	}
	if err := s.Places(location.Spec{Aisle: "01", Zone: "SLOW"}); fault.PlaceOf(err) != "zone" {
		t.Errorf("an aisle in another zone: %v", err)
	}
	if err := (facility.Spec{}).Places(location.Spec{Zone: "ANY", Aisle: "ANY"}); err != nil {
		t.Errorf("a building without zones: %v", err)
	}
	got := s.Effective(location.Spec{Aisle: "01", Capacity: location.Capacity{LPNs: 2}})
	if got.Zone != "FAST" || got.StorageType != "shelf" || got.Capacity != (location.Capacity{Units: 40, LPNs: 2}) {
		t.Errorf("effective: %+v", got)
	}
}

func TestWhatDoesNotFitIsNotAdvised(t *testing.T) {
	cold := item.Item{Scope: east, SKU: "ICE", Spec: item.Spec{StorageType: "cold", Units: []item.Unit{
		{UOM: "case", Factor: 10}, {UOM: "each", Factor: 1, Weight: 2, Dims: measure.Dims{Length: 1500, Width: 1000, Height: 1000}},
	}}}
	at := func(l location.Spec, status string, have int64) []facility.Advice {
		return spec().Slot(cold, []facility.Candidate{{Location: "X", Status: status, Spec: l, Have: have}})
	}
	for name, c := range map[string]struct {
		l      location.Spec
		status string
		have   int64
	}{
		"a shelf":             {location.Spec{Purpose: "pick", Zone: "FAST"}, "active", 0},
		"a blocked place":     {location.Spec{Purpose: "pick", Zone: "COLD"}, "blocked", 0},
		"the dock":            {location.Spec{Purpose: "dock", Zone: "COLD"}, "active", 0},
		"another's slot":      {location.Spec{Purpose: "pick", Zone: "COLD", Slot: location.Slot{Owner: "acme", Item: "MUG"}}, "active", 0},
		"a full place":        {location.Spec{Purpose: "pick", Zone: "COLD", Capacity: location.Capacity{Weight: 10}}, "active", 5},
		"where the rule says": {location.Spec{Purpose: "pick", Zone: "SLOW"}, "active", 0},
	} {
		if got := at(c.l, c.status, c.have); len(got) != 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	// 2 mm x 1 mm x 1 mm, rounded up.
	got := at(location.Spec{Purpose: "pick", Zone: "COLD", Capacity: location.Capacity{Volume: 9}}, "active", 1)
	if len(got) != 1 || got[0].Room != 3 {
		t.Errorf("room by volume: %+v", got)
	}
	own := at(location.Spec{Purpose: "pick", Zone: "SLOW", Slot: location.Slot{Owner: "acme", Item: "ICE", Max: 9}}, "active", 0)
	if len(own) != 1 || own[0].Because != facility.BecauseSlot {
		t.Errorf("its own slot: %+v", own)
	}
}
