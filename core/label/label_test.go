package label_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/label"
	"github.com/paklog/hub/core/scope"
)

var (
	at   = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	want = label.Request{Scope: scope.Scope{Tenant: "t", Owner: "acme", Facility: "east"}, Carton: "C", Order: "SO-1"}
)

// TestAtMostOneLabelStands hears of purchases, refusals and voids in any order,
// late and doubled.
func TestAtMostOneLabelStands(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l label.Label
		standing := 0
		for range 30 {
			n := rapid.IntRange(0, 4).Draw(t, "attempt")
			tracking := fmt.Sprint("1Z", rapid.IntRange(0, 4).Draw(t, "tracking"))
			var evs []event.Event
			var err error
			switch rapid.IntRange(0, 4).Draw(t, "do") {
			case 0:
				evs, err = l.Request(want, at)
			case 1, 2:
				evs, err = l.Buy(label.Buy{Attempt: n, Carrier: "ups", Tracking: tracking}, at)
			case 3:
				evs, err = l.Refuse(label.Refuse{Attempt: n, Reason: "no"}, at)
			case 4:
				evs, err = l.Void(label.Void{Tracking: tracking, Reason: "x"}, at)
			}
			if err != nil {
				if len(evs) != 0 || fault.KindOf(err) != fault.Rejected || fault.PlaceOf(err) == "" {
					t.Fatalf("%v, %v", evs, err)
				}
				continue
			}
			if l, err = label.Fold.Replay(l, evs...); err != nil {
				t.Fatal(err)
			}
			for _, e := range evs {
				switch e.(type) {
				case label.Bought:
					standing++
				case label.Voided:
					standing--
				}
			}
			if standing < 0 || standing > 1 || (standing == 1) != (l.Status == label.StatusBought) {
				t.Fatalf("%d labels stand and the carton is %s", standing, l.Status)
			}
		}
	})
}

func TestLabelsAreRefusedWithPlace(t *testing.T) {
	evs, err := label.Label{}.Request(want, at)
	l, err2 := label.Fold.Replay(label.Label{}, evs...)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	for name, c := range map[string]struct {
		place string
		do    func() ([]event.Event, error)
	}{
		"no carton": {"carton", func() ([]event.Event, error) { r := want; r.Carton = ""; return label.Label{}.Request(r, at) }},
		"no owner":  {"owner", func() ([]event.Event, error) { r := want; r.Owner = ""; return label.Label{}.Request(r, at) }},
		"never asked for": {"carton", func() ([]event.Event, error) {
			return label.Label{}.Buy(label.Buy{Attempt: 1, Carrier: "ups", Tracking: "1Z"}, at)
		}},
		"no carrier":      {"carrier", func() ([]event.Event, error) { return l.Buy(label.Buy{Attempt: 1, Tracking: "1Z"}, at) }},
		"no tracking":     {"tracking", func() ([]event.Event, error) { return l.Buy(label.Buy{Attempt: 1, Carrier: "ups"}, at) }},
		"another attempt": {"attempt", func() ([]event.Event, error) { return l.Buy(label.Buy{Attempt: 2, Carrier: "ups", Tracking: "1Z"}, at) }},
		"void of nothing": {"tracking", func() ([]event.Event, error) { return l.Void(label.Void{}, at) }},
	} {
		if evs, err := c.do(); len(evs) != 0 || err == nil || fault.PlaceOf(err) != c.place {
			t.Errorf("%s: %v, place %q: %v", name, evs, fault.PlaceOf(err), err)
		}
	}
	if evs, err := l.Request(want, at); err != nil || len(evs) != 0 {
		t.Errorf("asked for twice: %v, %v", evs, err)
	}
}
