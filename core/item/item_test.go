package item_test

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/scope"
)

var (
	at   = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	site = scope.Scope{Tenant: "t", Owner: "acme", Facility: "east"}
)

func spec() item.Spec {
	return item.Spec{Units: []item.Unit{{UOM: item.Each, Factor: 1}, {UOM: item.Inner, Factor: 6}, {UOM: item.Case, Factor: 24}}}
}

func known(t testing.TB) item.Item {
	evs, err := item.Item{}.Register(item.Register{Scope: site, SKU: "X", Spec: spec()}, at)
	if err != nil {
		t.Fatal(err)
	}
	i, err := item.Fold.Replay(item.Item{}, evs...)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func ExampleItem_ToSmallest() {
	i := item.Item{SKU: "X", Spec: spec()}
	fmt.Println(i.ToSmallest(3, item.Case))
	fmt.Println(i.ToSmallest(3, "barrel"))
	// Output:
	// 72 <nil>
	// 0 item.ToSmallest: uom: "barrel" is not a unit of the item X
}

func TestConversionIsExactOrAnError(t *testing.T) {
	i := known(t)
	rapid.Check(t, func(t *rapid.T) {
		qty := rapid.Int64().Draw(t, "qty")
		n, err := i.ToSmallest(qty, item.Case)
		if (err == nil) != (qty >= 0 && qty <= math.MaxInt64/24) || err == nil && n/24 != qty {
			t.Fatalf("%d cases are %d, %v", qty, n, err)
		}
		whole, rest, err := i.FromSmallest(qty, item.Case)
		if (err == nil) != (qty >= 0) || err == nil && (whole*24+rest != qty || rest < 0 || rest > 23) {
			t.Fatalf("%d are %d cases and %d, %v", qty, whole, rest, err)
		}
	})
	if n, err := i.ToSmallest(7, ""); n != 7 || err != nil {
		t.Errorf("no unit is the smallest: %d, %v", n, err)
	}
	if _, _, err := i.FromSmallest(7, "barrel"); !errors.Is(err, item.ErrUnknownUOM) {
		t.Errorf("a barrel: %v", err)
	}
}

func TestSpecsAreRefusedWithPlace(t *testing.T) {
	for place, change := range map[string]func(*item.Spec){
		"units":                   func(s *item.Spec) { s.Units = nil },
		"units[1].uom":            func(s *item.Spec) { s.Units[1].UOM = item.Each },
		"units[0].uom":            func(s *item.Spec) { s.Units[0].UOM = "" },
		"units[2].factor":         func(s *item.Spec) { s.Units[2].Factor = 0 },
		"units[1].factor":         func(s *item.Spec) { s.Units[1].Factor = math.MaxInt64 },
		"units[0].weight_mg":      func(s *item.Spec) { s.Units[0].Weight = -1 },
		"units[0].dims":           func(s *item.Spec) { s.Units[0].Dims.Length = 1 },
		"units[0].dims.width_um":  func(s *item.Spec) { s.Units[0].Dims = measure.Dims{Length: 1, Width: -1, Height: 1} },
		"units[0].dims.height_um": func(s *item.Spec) { s.Units[0].Dims = measure.Dims{Length: 1, Width: 1, Height: 1 << 50} },
		"codes":                   func(s *item.Spec) { s.Codes = make([]item.Code, item.MaxCodes+1) },
		"codes[0].kind":           func(s *item.Spec) { s.Codes = []item.Code{{Value: "1"}} },
		"codes[0].value":          func(s *item.Spec) { s.Codes = []item.Code{{Kind: "upc"}} },
		"codes[0].uom":            func(s *item.Spec) { s.Codes = []item.Code{{Kind: "vendor", Value: "1", UOM: "barrel"}} },
		"description":             func(s *item.Spec) { s.Description = string(make([]byte, 2000)) },
		"storage_type":            func(s *item.Spec) { s.StorageType = "\n" },
		"packing.bears_mg":        func(s *item.Spec) { s.Packing = item.Packing{Fragile: true, Bears: 1} },
		"packing.segregation":     func(s *item.Spec) { s.Packing.Segregation = "a\tb" },
	} {
		s := spec()
		change(&s)
		if evs, err := (item.Item{}).Register(item.Register{Scope: site, SKU: "X", Spec: s}, at); len(evs) != 0 || fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v, place %q: %v", place, evs, fault.PlaceOf(err), err)
		}
	}
	shared := site
	shared.Owner = scope.Shared
	if _, err := (item.Item{}).Register(item.Register{Scope: shared, SKU: "X", Spec: spec()}, at); fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != "owner" {
		t.Errorf("an item of the building's own: %v", err)
	}
	two := spec()
	two.Units[1].Factor = 1
	if err := two.Validate(); fault.PlaceOf(err) != "units" {
		t.Errorf("two smallest units: %v", err)
	}
}

func TestChangeKeepsRecordedQuantitiesTrue(t *testing.T) {
	i := known(t)
	if evs, err := i.Register(item.Register{Scope: site, SKU: "X", Spec: spec()}, at); err != nil || len(evs) != 0 {
		t.Errorf("registered again: %v, %v", evs, err)
	}
	other := spec()
	other.Description = "new"
	if _, err := i.Register(item.Register{Scope: site, SKU: "X", Spec: other}, at); fault.KindOf(err) != fault.Rejected {
		t.Errorf("registered otherwise: %v", err)
	}
	if evs, err := i.Change(item.Change{Spec: other, HasStock: true}, at); err != nil || len(evs) != 1 {
		t.Errorf("described otherwise: %v, %v", evs, err)
	}
	if evs, err := i.Change(item.Change{Spec: spec()}, at); err != nil || len(evs) != 0 {
		t.Errorf("changed to itself: %v, %v", evs, err)
	}
	for place, change := range map[string]func(*item.Spec){
		"units[2].factor": func(s *item.Spec) { s.Units[2].Factor = 12 },
		"units":           func(s *item.Spec) { s.Units = []item.Unit{{UOM: "gram", Factor: 1}} },
		"tracking":        func(s *item.Spec) { s.Tracking.Lot = true },
	} {
		s := spec()
		change(&s)
		if evs, err := i.Change(item.Change{Spec: s, HasStock: true}, at); len(evs) != 0 || fault.KindOf(err) != fault.Rejected || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v, place %q: %v", place, evs, fault.PlaceOf(err), err)
		}
	}
	if _, err := (item.Item{}).Change(item.Change{Spec: spec()}, at); fault.KindOf(err) != fault.Rejected {
		t.Errorf("changed what is not known: %v", err)
	}
}

func ExampleSpec_Split() {
	fmt.Println(spec().Split(24*2 + 6 + 5))
	// Output: [{case 2} {inner 1} {each 5}]
}

func TestSplitLosesNothing(t *testing.T) {
	s := spec()
	rapid.Check(t, func(t *rapid.T) {
		qty, sum, last := rapid.Int64Range(0, 1<<40).Draw(t, "qty"), int64(0), int64(math.MaxInt64)
		for _, p := range s.Split(qty) {
			for _, u := range s.Units {
				if u.UOM == p.UOM {
					if p.Qty < 1 || u.Factor >= last {
						t.Fatalf("%+v", s.Split(qty))
					}
					sum, last = sum+p.Qty*u.Factor, u.Factor
				}
			}
		}
		if sum != qty {
			t.Fatalf("%d became %d", qty, sum)
		}
	})
}

func TestHandlingIsRefusedWithPlace(t *testing.T) {
	for place, change := range map[string]func(*item.Spec){
		"status":                  func(s *item.Spec) { s.Status = "active" },
		"class":                   func(s *item.Spec) { s.Class = "a" },
		"rotation":                func(s *item.Spec) { s.Rotation = " fifo" },
		"shelf_life.receive_days": func(s *item.Spec) { s.ShelfLife.Receive = 3 },
		"shelf_life.ship_days":    func(s *item.Spec) { s.Tracking.Expiry = true; s.ShelfLife.Ship = -1 },
	} {
		s := spec()
		change(&s)
		if err := s.Validate(); fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v", place, err)
		}
	}
}

func TestAnUpdateChangesAsAChangeDoes(t *testing.T) {
	i := known(t)
	blocked, other, tracked := spec(), spec(), spec()
	blocked.Status, tracked.Tracking.Lot = item.Blocked, true
	other.Units[2].Factor = 12
	if evs, err := i.Register(item.Register{Scope: site, SKU: "X", Spec: blocked, Update: true}, at); err != nil || len(evs) != 1 || evs[0].EventType() != "item.Changed" {
		t.Errorf("%v, %v", evs, err)
	}
	for name, c := range map[string]item.Register{
		"another factor":       {Spec: other, Update: true},
		"tracking, with stock": {Spec: tracked, Update: true, HasStock: true},
		"no update":            {Spec: blocked},
	} {
		c.Scope, c.SKU = site, "X"
		if evs, err := i.Register(c, at); len(evs) != 0 || fault.KindOf(err) != fault.Rejected {
			t.Errorf("%s: %v, %v", name, evs, err)
		}
	}
}
