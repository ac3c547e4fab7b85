package crossref_test

import (
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/crossref"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
)

var at = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

func set(k crossref.Kind, theirs, ours string) crossref.Set {
	return crossref.Set{Scope: scope.Scope{Tenant: "t", Owner: "shop", Facility: "DC1"}, Kind: k, Theirs: theirs, Meaning: crossref.Meaning{Ours: ours}}
}

func method(theirs string, s order.Service) crossref.Set {
	c := set(crossref.Method, theirs, "")
	c.Service = s
	return c
}

func run(t *testing.T, e crossref.Entry, events []event.Event, err error) crossref.Entry {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	e, err = crossref.Fold.Replay(e, events...)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEachChangeOfAnEntryIsAVersion(t *testing.T) {
	c := set(crossref.Item, "S-1", "MUG")
	events, err := crossref.Entry{}.Set(c, at)
	e := run(t, crossref.Entry{}, events, err)
	if e.Version != 1 || !e.Stands() || e.Ours != "MUG" {
		t.Fatalf("%+v", e)
	}
	if events, err := e.Set(c, at); err != nil || len(events) != 0 {
		t.Errorf("the same again: %v %v", events, err)
	}
	c.Ours = "CUP"
	if events, err := e.Set(c, at); len(events) != 0 || fault.KindOf(err) != fault.Rejected || fault.PlaceOf(err) != "theirs" {
		t.Errorf("another meaning: %v %v", events, err)
	}
	c.Update = true
	events, err = e.Set(c, at)
	if e = run(t, e, events, err); e.Version != 2 || e.Ours != "CUP" {
		t.Errorf("%+v", e)
	}
	events, err = e.Remove(crossref.Remove{}, at)
	if e = run(t, e, events, err); e.Version != 3 || e.Stands() || e.Ours != "CUP" {
		t.Errorf("%+v", e)
	}
	if events, err := e.Remove(crossref.Remove{}, at); err != nil || len(events) != 0 {
		t.Errorf("taken out twice: %v %v", events, err)
	}
	// What was taken out may come again, without a word that it is another.
	c.Update = false
	events, err = e.Set(set(crossref.Item, "S-1", "POT"), at)
	if e = run(t, e, events, err); e.Version != 4 || e.Ours != "POT" || !e.Stands() {
		t.Errorf("%+v", e)
	}
	if _, err := (crossref.Entry{}).Remove(crossref.Remove{}, at); fault.KindOf(err) != fault.Rejected {
		t.Errorf("of nothing: %v", err)
	}
}

// What a partner is told by a code must have one code; several of his items may be one of ours.
func TestWhatIsToldByACodeHasOne(t *testing.T) {
	for _, k := range crossref.Kinds() {
		c := set(k, "B", "X")
		if k == crossref.Method {
			c = method("B", order.Service{Carrier: "ups"})
		}
		c.Taken = "A"
		_, err := crossref.Entry{}.Set(c, at)
		alone := k == crossref.Location || k == crossref.Carrier || k == crossref.Service
		if alone != (fault.KindOf(err) == fault.Rejected && fault.PlaceOf(err) == "ours") || !alone && err != nil {
			t.Errorf("%s: %v", k, err)
		}
		c.Taken = "B" // itself
		if _, err := (crossref.Entry{}).Set(c, at); err != nil {
			t.Errorf("%s: %v", k, err)
		}
	}
}

func TestABadEntryIsRefusedAtItsPlace(t *testing.T) {
	long := strings.Repeat("x", 129)
	for place, bad := range map[string][]crossref.Set{
		"tenant":  {{Kind: crossref.Item, Theirs: "A", Meaning: crossref.Meaning{Ours: "B"}}},
		"kind":    {set("", "A", "B"), set("colour", "A", "B")},
		"theirs":  {set(crossref.Item, "", "B"), set(crossref.Item, long, "B"), set(crossref.Unit, " A", "B"), method("", order.Service{Carrier: "ups"})},
		"ours":    {set(crossref.Item, "A", ""), set(crossref.Unit, "A", long), set(crossref.Location, "A", "B\n"), {Scope: set("", "", "").Scope, Kind: crossref.Method, Theirs: "A", Meaning: crossref.Meaning{Ours: "x"}}},
		"service": {{Scope: set("", "", "").Scope, Kind: crossref.Item, Theirs: "A", Meaning: crossref.Meaning{Ours: "B", Service: order.Service{Level: "03"}}}, method("A", order.Service{Level: "03", Method: "parcel"}), method("A", order.Service{Level: "03", Route: "R"})},
		"carrier": {method("A", order.Service{}), method("A", order.Service{Account: "1"}), method("A", order.Service{Carrier: long})},
		"level":   {method("A", order.Service{Level: " 03"})},
		"account": {method("A", order.Service{Level: "03", Account: long})},
		"partner": {{Scope: scope.Scope{Tenant: "t", Owner: scope.Shared, Facility: "DC1"}, Kind: crossref.Item, Theirs: "A", Meaning: crossref.Meaning{Ours: "B"}}},
	} {
		for _, c := range bad {
			if _, err := (crossref.Entry{}).Set(c, at); fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != place {
				t.Errorf("%s: %+v: %v at %q", place, c, err, fault.PlaceOf(err))
			}
		}
	}
}

// Codes with separators in them are entries of their own.
func TestAnEntryHasItsOwnStream(t *testing.T) {
	seen := map[string]string{}
	for _, theirs := range []string{"a", "a:b", "a/b", "a%2Fb", "a@b"} {
		for _, k := range crossref.Kinds() {
			s := crossref.StreamOf(set("", "", "").Scope, k, theirs)
			if was, twice := seen[s]; twice {
				t.Errorf("%s of %s %q and %s", s, k, theirs, was)
			}
			seen[s] = string(k) + " " + theirs
			if _, err := scope.ParseStream(s); err != nil {
				t.Error(err)
			}
		}
	}
}
