package simulate

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scan"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/routes"
)

// past is the journal of a day that was simulated.
func past(t *testing.T, seed uint64) (*run, journal.Pos) {
	t.Helper()
	return pastOf(t, Config{Seed: seed, Orders: 80, Items: 30, Workers: 4, Faults: FloorFaults()})
}

func pastOf(t *testing.T, c Config) (*run, journal.Pos) {
	t.Helper()
	if err := c.defaults(); err != nil {
		t.Fatal(err)
	}
	r, err := newRun(t.Context(), c)
	if err == nil {
		err = r.all()
	}
	if err != nil {
		t.Fatal(err)
	}
	last, err := r.store.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r, last
}

func TestAForkGoesOnWithTheSameArrivals(t *testing.T) {
	r, last := past(t, 11)
	for _, at := range []journal.Pos{0, last / 4, last / 2} {
		f, err := ReadFork(t.Context(), r.store, at, r.flows())
		if err != nil {
			t.Fatal(err)
		}
		if f.Arrivals == 0 || f.Until.Before(f.Time) {
			t.Fatalf("position %d: %d arrivals from %s to %s", at, f.Arrivals, f.Time, f.Until)
		}
		same, err := WhatIf(t.Context(), f, Config{Seed: 5, Workers: 4}, []string{"steal=false"})
		if err != nil {
			t.Fatal(err)
		}
		if same.Old.Hash != same.New.Hash {
			t.Errorf("position %d: nothing was changed, and it went another way", at)
		}
		if same.Old.Shipped == 0 || same.Old.TravelM == 0 {
			t.Errorf("position %d: nothing happens: %+v", at, same.Old.Summary)
		}
		other, err := WhatIf(t.Context(), f, Config{Seed: 5, Workers: 4}, []string{"wave.size=1", "wave.timeout=1m"})
		if err != nil {
			t.Fatal(err)
		}
		if other.Old.Hash != same.Old.Hash {
			t.Errorf("position %d: the old policy went another way beside another new one", at)
		}
		if other.New.Waves <= other.Old.Waves || other.New.Orders != other.Old.Orders {
			t.Errorf("position %d: waves of one order: %d waves of %d orders, before %d of %d", at, other.New.Waves, other.New.Orders, other.Old.Waves, other.Old.Orders)
		}
	}
	// What it reads stays as it is.
	if now, err := r.store.Last(t.Context()); err != nil || now != last {
		t.Errorf("the journal that was forked stands at %d, it did at %d: %v", now, last, err)
	}
}

// Where the hub wants each unit scanned into its carton, the floor of a fork scans it.
func TestAForkScansWhereTheHubVerifies(t *testing.T) {
	r, last := past(t, 11)
	flows := r.flows()
	flows.Pack.Verify = routes.VerifyAll
	f, err := ReadFork(t.Context(), r.store, last/4, flows)
	if err != nil {
		t.Fatal(err)
	}
	got, err := WhatIf(t.Context(), f, Config{Seed: 5, Workers: 4}, []string{"wave.size=1"})
	if err != nil {
		t.Fatal(err)
	}
	if got.Old.Shipped == 0 || got.New.Shipped == 0 {
		t.Errorf("nothing is packed: %+v, %+v", got.Old.Summary, got.New.Summary)
	}
}

// What many events of one unit tell together is one command, and comes again as it came.
func TestAForkPlaysUnitsAgain(t *testing.T) {
	c := Config{Seed: 17, Orders: 60, Items: 30, Workers: 4, Faults: FloorFaults()}
	c.Faults.Changes = 2
	r, _ := pastOf(t, c)
	f, err := ReadFork(t.Context(), r.store, 0, r.flows())
	if err != nil {
		t.Fatal(err)
	}
	// Waves are planned anew, and labels on request are nothing of the warehouse's.
	for _, t := range []string{"wave.Cancelled", "ship.PostageAsked", "ship.PostageVoidAsked"} {
		delete(f.Skipped, t)
	}
	if len(f.Skipped) > 0 {
		t.Errorf("not played again: %v", f.Skipped)
	}
	kinds := map[string]int{}
	for _, a := range f.list {
		kinds[fmt.Sprintf("%T", a.cmd)]++
	}
	for _, want := range []string{"order.Split", "receiving.Announce", "receiving.Arrive", "receiving.Receive", "receiving.Close", "scan.Scan"} {
		if kinds[want] == 0 {
			t.Errorf("no %s among %v", want, kinds)
		}
	}
	if n := r.check.types["order.Accepted"] - r.check.types["order.SplitInto"]; kinds["order.Place"] != n {
		t.Errorf("%d orders were placed, and come again as %d", n, kinds["order.Place"])
	}
	same, err := WhatIf(t.Context(), f, Config{Seed: 5, Workers: 4}, []string{"steal=false"})
	if err != nil {
		t.Fatal(err)
	}
	if same.Old.Orders < c.Orders || same.Old.Shipped == 0 {
		t.Errorf("%+v, and it was %+v", same.Old.Summary, r.summary())
	}
}

func TestUnitsOfSeveralEvents(t *testing.T) {
	head := func(n string) order.Head {
		return order.Head{Scope: scope.Scope{Tenant: tenant, Owner: "o", Facility: building}, Order: n}
	}
	device := scan.Head{Scope: scope.Scope{Tenant: tenant, Owner: scope.Shared, Facility: building}, Device: "H"}
	for name, c := range map[string]struct {
		events []event.Event
		whole  bool
		want   []any
	}{
		"a merge": {
			[]event.Event{order.MergedFrom{Head: head("A"), From: "B", By: "jo"}, order.MergedInto{Head: head("B"), Into: "A"}},
			true, []any{order.Merge{From: []string{"B"}, By: "jo"}},
		},
		"a split": {
			[]event.Event{
				order.SplitInto{Head: head("A"), To: "A-2", Lines: []order.ChangedLine{{Line: 3, Ordered: 1}}},
				order.Accepted{Head: head("A-2"), Lines: []order.AcceptedLine{{Ordered: 4}}},
			},
			true, []any{order.Split{To: "A-2", Lines: []order.LineQty{{Line: 3, Qty: 4}}}},
		},
		"a scan that ends a task":      {[]event.Event{scan.Taken{Head: device, Scan: scan.Scan{Do: scan.Pick}, Result: scan.Done}}, true, nil},
		"a scan that is refused":       {[]event.Event{scan.Taken{Head: device, Scan: scan.Scan{Do: scan.Sight}, Result: scan.Refused}}, true, nil},
		"an LPN that is moved":         {[]event.Event{scan.Taken{Head: device, Scan: scan.Scan{Do: scan.Move}, Result: scan.Done}}, true, []any{scan.Scan{Do: scan.Move}}},
		"a put-away":                   {[]event.Event{scan.Taken{Head: device, Scan: scan.Scan{Do: scan.Move, Task: "T"}, Result: scan.Done}}, true, nil},
		"each event answers a command": {[]event.Event{order.Released{Head: head("A")}}, false, nil},
	} {
		list, whole := arrivalsOf(c.events)
		var got []any
		for _, a := range list {
			got = append(got, a.cmd)
		}
		if whole != c.whole || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v", name, got, whole)
		}
	}
}

func TestAForkIsRefused(t *testing.T) {
	r, last := past(t, 12)
	if _, err := ReadFork(t.Context(), r.store, last, r.flows()); err == nil || !strings.Contains(err.Error(), "nothing came") {
		t.Errorf("at the end: %v", err)
	}
	f, err := ReadFork(t.Context(), r.store, last/2, r.flows())
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]string{nil, {"colour=red"}, {"wave.size=many"}} {
		if _, err := WhatIf(t.Context(), f, Config{}, bad); err == nil {
			t.Errorf("%v was tried", bad)
		}
	}
}

// Whatever the configuration that is forked says, nothing of it reaches outside.
func TestAForkHasNoWayOut(t *testing.T) {
	r, _ := past(t, 13)
	out := r.flows()
	out.Carriers = []routes.CarrierConfig{{Name: "real", Service: "1"}} // without a port: a call would panic
	f, err := ReadFork(t.Context(), r.store, 0, out)
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Seed: 1, Workers: 4, Fork: f}
	if err := c.defaults(); err != nil {
		t.Fatal(err)
	}
	forked, err := newRun(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range forked.flows().Carriers {
		if x.Port != forked.floor.carrier {
			t.Errorf("connection %s speaks to %v", x.Name, x.Port)
		}
	}
	if err := forked.all(); err != nil {
		t.Fatal(err)
	}
	if forked.check.types["label.Bought"] == 0 {
		t.Error("no label was bought from the ledger in memory")
	}
}

// People walk through the building as its master data say that it lies, whatever its places are called.
func TestInAForkPeopleWalkThroughTheBuildingThatIsThere(t *testing.T) {
	s := scope.Scope{Tenant: "main", Owner: "ACME", Facility: "DC1"}
	hall := facility.Layout{
		Code: "HALL", Aisles: []string{"a", "b"}, Cells: 10, AisleToAisle: 5000 * measure.Millimetre, CellToCell: 1000 * measure.Millimetre, FrontToCell: 2000 * measure.Millimetre, BackToCell: 2000 * measure.Millimetre,
		Depots: []facility.Depot{{Aisle: "a", Distance: 1000 * measure.Millimetre}},
	}
	c := &checker{buildings: map[string]facility.Spec{"DC1": {Layouts: []facility.Layout{hall}}}, places: map[string]location.Spec{}}
	for code, spec := range map[string]location.Spec{
		"bread": {Aisle: "a", Cell: 3}, "milk": {Aisle: "b", Cell: 9}, "shelf": {Aisle: "b", Cell: 9}, "annex": {Sequence: 7}, "yard": {Sequence: 10},
	} {
		c.places[location.StreamOf(s, code)] = spec
	}
	w := &worker{f: &floor{r: &run{check: c}}}
	w.f.r.cfg.Fork = &Fork{}
	for _, x := range []struct {
		to string
		mm int64
	}{
		{"bread", 1000 + 2000 + 2000},              // from the depot
		{"milk", 5000 + 2000 + 7000 + 1000 + 2000}, // by the back
		{"milk", 0},
		{"shelf", cellStep}, // above it
		{"nowhere", 0},
		{"annex", 7 * cellStep}, // of which nobody said where it lies
		{"yard", 3 * cellStep},
	} {
		if got := w.way(s, x.to); got != x.mm {
			t.Errorf("to %s it is %d mm, expected %d", x.to, got, x.mm)
		}
	}
}
