package tracking_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/tracking"
)

var (
	at   = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	site = scope.Scope{Tenant: "t", Owner: "acme", Facility: "east"}
)

func seen(minute int, location string) tracking.Place {
	return tracking.Place{Scope: site, LPN: "L-1", Kind: tracking.KindPallet, Sighting: tracking.Sighting{
		Position: tracking.Position{Location: location}, Seen: at.Add(time.Duration(minute) * time.Minute), Cause: "scan",
	}}
}

func place(t *testing.T, l tracking.LPN, c tracking.Place) tracking.LPN {
	t.Helper()
	evs, err := l.Place(c, at)
	if err != nil {
		t.Fatal(err)
	}
	return fold(t, l, evs)
}

func fold(t *testing.T, l tracking.LPN, evs []event.Event) tracking.LPN {
	t.Helper()
	l, err := tracking.Fold.Replay(l, evs...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestAnOlderSightingIsHistory(t *testing.T) {
	l := place(t, tracking.LPN{}, seen(10, "A"))
	l = place(t, l, seen(5, "B"))
	if l.Last.Location != "A" || len(l.History) != 2 || l.History[0].Location != "B" {
		t.Fatalf("%+v", l)
	}
	if l = place(t, l, seen(11, "B")); l.Last.Location != "B" {
		t.Fatalf("%+v", l)
	}
	evs, err := l.Place(seen(11, "B"), at)
	if err != nil || len(evs) != 0 {
		t.Errorf("the same again: %v, %v", evs, err)
	}
}

// The same sightings in any order lead to the same position and the same history.
func TestSightingsCommute(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 3))
		var all []tracking.Place
		for i := range 2 + r.IntN(30) {
			p := seen(r.IntN(20), string(rune('A'+r.IntN(4))))
			p.Device, p.Seq = fmt.Sprintf("HH-%d", r.IntN(2)), int64(i)
			all = append(all, p)
		}
		var first tracking.LPN
		for n := range 4 {
			var l tracking.LPN
			for _, p := range all {
				l = place(t, l, p)
			}
			if n == 0 {
				first = l
			} else if l.Last != first.Last || !reflect.DeepEqual(l.History, first.History) {
				t.Fatalf("seed %d:\n%+v\n%+v", seed, l, first)
			}
			r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		}
	}
}

func TestPlacesThatCannotBe(t *testing.T) {
	known := place(t, tracking.LPN{}, seen(0, "A"))
	gone := fold(t, known, func() []event.Event {
		evs, err := known.End(tracking.End{Reason: "shipped", Seen: at.Add(time.Hour)}, at)
		if err != nil {
			t.Fatal(err)
		}
		return evs
	}())
	for name, c := range map[string]struct {
		l      tracking.LPN
		change func(*tracking.Place)
		kind   fault.Kind
		place  string
		says   string
	}{
		"no name":          {tracking.LPN{}, func(p *tracking.Place) { p.LPN = "" }, fault.Invalid, "lpn", "missing"},
		"no kind there is": {tracking.LPN{}, func(p *tracking.Place) { p.Kind = "barrel" }, fault.Invalid, "kind", "neither"},
		"nowhere":          {known, func(p *tracking.Place) { p.Location = "" }, fault.Invalid, "location", "missing"},
		"in two places":    {known, func(p *tracking.Place) { p.Parent = "P" }, fault.Invalid, "parent", "one of both"},
		"at no time":       {known, func(p *tracking.Place) { p.Seen = time.Time{} }, fault.Invalid, "seen", "missing"},
		"a bad place":      {known, func(p *tracking.Place) { p.Location = " A" }, fault.Invalid, "location", "white space"},
		"in itself":        {known, func(p *tracking.Place) { p.Position = tracking.Position{Parent: "L-1"} }, fault.Rejected, "parent", "in itself"},
		"in its child": {known, func(p *tracking.Place) {
			p.Position, p.Ancestors = tracking.Position{Parent: "C"}, []string{"C", "L-1"}
		}, fault.Rejected, "parent", "in itself"},
		"too deep": {known, func(p *tracking.Place) {
			p.Position, p.Ancestors = tracking.Position{Parent: "C"}, strings.Split("C D E F G H I J", " ")
		}, fault.Rejected, "parent", "at most"},
		"what is gone": {gone, func(p *tracking.Place) { p.Kind = "" }, fault.Rejected, "lpn", "shipped"},
	} {
		p := seen(1, "B")
		c.change(&p)
		if evs, err := c.l.Place(p, at); len(evs) != 0 || fault.KindOf(err) != c.kind || fault.PlaceOf(err) != c.place || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, %v at %q", name, evs, err, fault.PlaceOf(err))
		}
	}
	// What a flow knew before it ended brings it not back; what is newer does: a tote is used again.
	if l := place(t, gone, seen(30, "C")); l.Ended == "" {
		t.Errorf("%+v", l)
	}
	if l := place(t, gone, seen(90, "C")); l.Ended != "" || l.Last.Location != "C" {
		t.Errorf("%+v", l)
	}
}

func TestWhatStandsInWhat(t *testing.T) {
	l := place(t, tracking.LPN{}, seen(0, "A"))
	for range 2 {
		evs, err := l.Adopt(tracking.Adopt{Child: "C"}, at)
		if err != nil {
			t.Fatal(err)
		}
		l = fold(t, l, evs)
		evs, err = l.Load(tracking.Load{Content: tracking.Content{Owner: "o", Item: "i"}}, at)
		if err != nil {
			t.Fatal(err)
		}
		l = fold(t, l, evs)
	}
	if len(l.Children) != 1 || len(l.Items) != 1 {
		t.Errorf("%+v", l)
	}
	evs, _ := l.Leave(tracking.Leave{Child: "C"}, at)
	l = fold(t, l, evs)
	if again, err := l.Leave(tracking.Leave{Child: "C"}, at); len(l.Children) != 0 || len(again) != 0 || err != nil {
		t.Errorf("%+v, %v, %v", l, again, err)
	}
	for len(l.Children) < tracking.MaxChildren {
		l.Children = append(l.Children, "x")
	}
	if _, err := l.Adopt(tracking.Adopt{Child: "one more"}, at); fault.KindOf(err) != fault.Rejected {
		t.Errorf("one too many: %v", err)
	}
	for name, do := range map[string]func(tracking.LPN) error{
		"loading":  func(l tracking.LPN) error { _, err := l.Load(tracking.Load{}, at); return err },
		"adopting": func(l tracking.LPN) error { _, err := l.Adopt(tracking.Adopt{}, at); return err },
		"ending":   func(l tracking.LPN) error { _, err := l.End(tracking.End{Reason: "x"}, at); return err },
	} {
		if err := do(tracking.LPN{}); fault.KindOf(err) != fault.Rejected || fault.PlaceOf(err) != "lpn" {
			t.Errorf("%s what nobody knows: %v", name, err)
		}
	}
	if _, err := l.End(tracking.End{}, at); fault.PlaceOf(err) != "reason" {
		t.Error(err)
	}
}
