package count_test

import (
	"testing"
	"time"

	"github.com/paklog/hub/core/count"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/scope"
)

var at = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

func good() count.Open {
	return count.Open{
		BookKey: inventory.BookKey{Scope: scope.Scope{Tenant: "t", Owner: "acme", Facility: "east"}, Item: "MUG"},
		Place:   inventory.Place{Location: "A-1"}, ID: "C-1", Cause: count.CauseCycle, Task: "T-1",
	}
}

func opened(t testing.TB, change func(*count.Open)) count.Count {
	t.Helper()
	o := good()
	change(&o)
	evs, err := count.Count{}.Open(o, at)
	if err != nil {
		t.Fatal(err)
	}
	c, err := count.Fold.Replay(count.Count{}, evs...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Who found too little at a place does not settle what lies there, unless nobody else can.
func TestAShortIsCountedByAnother(t *testing.T) {
	c := opened(t, func(o *count.Open) { o.Cause, o.Reporter = count.CauseShort, "kim" })
	if _, err := c.Tally(count.Tally{Counted: 0, Booked: 3, By: "kim", Others: true}, at); fault.KindOf(err) != fault.Rejected || fault.PlaceOf(err) != "by" {
		t.Errorf("settled by who reported it: %v", err)
	}
	for name, x := range map[string]count.Tally{
		"by another":   {Counted: 0, Booked: 3, By: "jo", Others: true},
		"by the alone": {Counted: 0, Booked: 3, By: "kim"},
	} {
		if evs, err := c.Tally(x, at); err != nil || len(evs) != 2 {
			t.Errorf("%s: %v, %v", name, evs, err)
		}
	}
	if evs, err := opened(t, func(*count.Open) {}).Tally(count.Tally{Counted: 1, Booked: 1, By: "kim", Others: true}, at); err != nil || len(evs) != 2 {
		t.Errorf("a count that nobody's short asked for: %v, %v", evs, err)
	}
}

func TestWhenANumberIsBelieved(t *testing.T) {
	type look struct {
		counted, booked int64
	}
	for name, c := range map[string]struct {
		open      func(*count.Open)
		tolerance int64
		recounts  int
		looks     []look
		want      string // of the last look; those before ask for another
	}{
		"what agrees":                        {looks: []look{{10, 10}}, recounts: 2, want: "agrees"},
		"what is near enough":                {looks: []look{{9, 10}}, tolerance: 1, recounts: 2, want: "within_tolerance"},
		"a difference, where one will do":    {looks: []look{{7, 10}}, want: "single"},
		"a place that a picker found short":  {open: func(o *count.Open) { o.Cause = count.CauseShort }, looks: []look{{7, 10}}, recounts: 2, want: "single"},
		"two who agree":                      {looks: []look{{7, 10}, {7, 10}}, recounts: 2, want: "confirmed"},
		"two who agree, with a pick between": {looks: []look{{7, 10}, {5, 8}}, recounts: 2, want: "confirmed"},
		"the second of one recount":          {looks: []look{{7, 10}, {8, 10}}, recounts: 1, want: "last_round"},
		"the third of three who differ":      {looks: []look{{7, 10}, {8, 10}, {6, 10}}, recounts: 9, want: "last_round"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.open == nil {
				c.open = func(*count.Open) {}
			}
			x := opened(t, c.open)
			for i, l := range c.looks {
				evs, err := x.Tally(count.Tally{Counted: l.counted, Booked: l.booked, By: string(rune('a' + i)), Tolerance: c.tolerance, Recounts: c.recounts, Task: "T-2"}, at)
				if err != nil || len(evs) != 2 {
					t.Fatalf("%v, %v", evs, err)
				}
				if x, err = count.Fold.Replay(x, evs...); err != nil {
					t.Fatal(err)
				}
				if last := i == len(c.looks)-1; last != (x.Status == count.StatusSettled) || !last && x.Task != "T-2" {
					t.Fatalf("after look %d: %+v", i+1, x)
				}
			}
			if x.Because != c.want || x.Task != "" || len(x.Looks) != len(c.looks) {
				t.Errorf("%+v", x)
			}
		})
	}
}

func TestABlindCountTellsNobodyWhatIsBooked(t *testing.T) {
	if c := opened(t, func(o *count.Open) { o.Blind, o.Expected = true, 12 }); c.Expected != 0 {
		t.Errorf("%+v", c)
	}
	if c := opened(t, func(o *count.Open) { o.Expected = 12 }); c.Expected != 12 {
		t.Errorf("%+v", c)
	}
}

func TestCountsAreRefusedWithPlace(t *testing.T) {
	for place, change := range map[string]func(*count.Open){
		"item":     func(o *count.Open) { o.Item = "" },
		"count":    func(o *count.Open) { o.ID = "" },
		"location": func(o *count.Open) { o.Location = "" },
		"cause":    func(o *count.Open) { o.Cause = "" },
		"task":     func(o *count.Open) { o.Task = "" },
		"lot":      func(o *count.Open) { o.Lot = " L" },
	} {
		o := good()
		change(&o)
		if evs, err := (count.Count{}).Open(o, at); len(evs) != 0 || fault.PlaceOf(err) != place || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v, %v", place, evs, err)
		}
	}
	c := opened(t, func(*count.Open) {})
	looked, _ := c.Tally(count.Tally{Counted: 1, By: "jo", Recounts: 2, Task: "T-2"}, at)
	again, err := count.Fold.Replay(c, looked...)
	if err != nil {
		t.Fatal(err)
	}
	ended, err := count.Fold.Replay(c, count.Cancelled{Head: c.Head, Reason: "x"})
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		place string
		kind  fault.Kind
		do    func() ([]event.Event, error)
	}{
		"nobody":              {"by", fault.Invalid, func() ([]event.Event, error) { return c.Tally(count.Tally{}, at) }},
		"less than nothing":   {"counted", fault.Invalid, func() ([]event.Event, error) { return c.Tally(count.Tally{By: "jo", Counted: -1}, at) }},
		"the same one again":  {"by", fault.Rejected, func() ([]event.Event, error) { return again.Tally(count.Tally{By: "jo", Counted: 1}, at) }},
		"one that ended":      {"count", fault.Rejected, func() ([]event.Event, error) { return ended.Tally(count.Tally{By: "jo"}, at) }},
		"one that is not":     {"count", fault.Rejected, func() ([]event.Event, error) { return count.Count{}.Tally(count.Tally{By: "jo"}, at) }},
		"another of its name": {"count", fault.Rejected, func() ([]event.Event, error) { return c.Open(good(), at) }},
		"without a reason":    {"reason", fault.Invalid, func() ([]event.Event, error) { return c.Cancel(count.Cancel{}, at) }},
		"ending what is not":  {"count", fault.Rejected, func() ([]event.Event, error) { return count.Count{}.Cancel(count.Cancel{Reason: "x"}, at) }},
	} {
		if evs, err := x.do(); len(evs) != 0 || fault.PlaceOf(err) != x.place || fault.KindOf(err) != x.kind {
			t.Errorf("%s: %v, place %q: %v", name, evs, fault.PlaceOf(err), err)
		}
	}
	if evs, err := ended.Cancel(count.Cancel{Reason: "x"}, at); len(evs) != 0 || err != nil {
		t.Errorf("ended twice: %v, %v", evs, err)
	}
	if count.Due("A") >= count.Due("B") || count.Due("B") >= count.Due("") {
		t.Error("what is asked for most is counted most")
	}
}
