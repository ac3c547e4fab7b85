package pallet_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pallet"
	"github.com/paklog/hub/core/scope"
)

var (
	at   = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	site = scope.Scope{Tenant: "t", Owner: scope.Shared, Facility: "east"}
)

func sscc(n int64) string {
	s, err := pack.Numbering{Prefix: "0614141", Serial: n}.SSCC()
	if err != nil {
		panic(err)
	}
	return s
}

func carton(n int64) pallet.Carton {
	return pallet.Carton{
		Owner: "acme", Order: "SO-1", SSCC: sscc(n), Weight: 10 * measure.Kilogram,
		Dims: measure.Dims{Length: 400 * measure.Millimetre, Width: 300 * measure.Millimetre, Height: 250 * measure.Millimetre},
	}
}

// built is a pallet after some steps; a step that is refused fails the test.
func built(t *testing.T, limits pallet.Limits, steps ...func(pallet.Pallet) ([]event.Event, error)) pallet.Pallet {
	t.Helper()
	evs, err := pallet.Pallet{}.Build(pallet.Build{Scope: site, SSCC: pack.Numbering{Prefix: "0614141", Serial: 99}, Limits: limits}, at)
	p, err2 := pallet.Fold.Replay(pallet.Pallet{}, evs...)
	for _, step := range steps {
		if err == nil && err2 == nil {
			evs, err = step(p)
			p, err2 = pallet.Fold.Replay(p, evs...)
		}
	}
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	return p
}

func stack(n int64) func(pallet.Pallet) ([]event.Event, error) {
	return func(p pallet.Pallet) ([]event.Event, error) { return p.Stack(pallet.Stack{Carton: carton(n)}, at) }
}

func TestPalletRefuses(t *testing.T) {
	deck := measure.Dims{Length: 1200 * measure.Millimetre, Width: 1000 * measure.Millimetre, Height: 150 * measure.Millimetre}
	limits := pallet.Limits{Deck: deck, Tare: 20 * measure.Kilogram, MaxWeight: 40 * measure.Kilogram, MaxHeight: 1800 * measure.Millimetre}
	none, open, two := pallet.Pallet{}, built(t, limits), built(t, limits, stack(1), stack(2))
	broken := built(t, limits, stack(1), func(p pallet.Pallet) ([]event.Event, error) { return p.Break(pallet.Break{}, at) })
	low := limits
	low.MaxHeight = 180 * measure.Millimetre // one carton poured on the deck is 25 mm high
	for name, c := range map[string]struct {
		place string
		do    func() ([]event.Event, error)
	}{
		"no such pallet": {"pallet", func() ([]event.Event, error) { return none.Stack(pallet.Stack{Carton: carton(1)}, at) }},
		"no number":      {"prefix", func() ([]event.Event, error) { return none.Build(pallet.Build{Scope: site}, at) }},
		"negative limits": {"limits", func() ([]event.Event, error) {
			return none.Build(pallet.Build{Scope: site, Limits: pallet.Limits{Tare: -1}}, at)
		}},
		"built twice": {"sscc", func() ([]event.Event, error) {
			return open.Build(pallet.Build{Scope: site, SSCC: pack.Numbering{Prefix: "0614141", Serial: 99}}, at)
		}},
		"too heavy": {"carton", func() ([]event.Event, error) { return two.Stack(pallet.Stack{Carton: carton(3)}, at) }},
		"too high": {"carton", func() ([]event.Event, error) {
			return built(t, low, stack(1)).Stack(pallet.Stack{Carton: carton(2)}, at)
		}},
		"no SSCC": {"carton", func() ([]event.Event, error) {
			return open.Stack(pallet.Stack{Carton: pallet.Carton{Owner: "a", Order: "o", SSCC: "1"}}, at)
		}},
		"nobody's": {"owner", func() ([]event.Event, error) {
			return open.Stack(pallet.Stack{Carton: pallet.Carton{Order: "o", SSCC: sscc(1)}}, at)
		}},
		"not there":            {"carton", func() ([]event.Event, error) { return two.Unstack(pallet.Unstack{Carton: sscc(3)}, at) }},
		"closed empty":         {"pallet", func() ([]event.Event, error) { return open.Close(pallet.Close{}, at) }},
		"measured too heavy":   {"weight_mg", func() ([]event.Event, error) { return two.Close(pallet.Close{Weight: limits.MaxWeight + 1}, at) }},
		"measured too high":    {"height_um", func() ([]event.Event, error) { return two.Close(pallet.Close{Height: limits.MaxHeight + 1}, at) }},
		"measured below zero":  {"weight_mg", func() ([]event.Event, error) { return two.Close(pallet.Close{Height: -1}, at) }},
		"stacked when broken":  {"pallet", func() ([]event.Event, error) { return broken.Stack(pallet.Stack{Carton: carton(1)}, at) }},
		"closed when broken":   {"pallet", func() ([]event.Event, error) { return broken.Close(pallet.Close{}, at) }},
		"broken and not there": {"pallet", func() ([]event.Event, error) { return none.Break(pallet.Break{}, at) }},
	} {
		if evs, err := c.do(); len(evs) != 0 || err == nil || fault.PlaceOf(err) != c.place {
			t.Errorf("%s: %v, %v at %q, expected %q", name, evs, err, fault.PlaceOf(err), c.place)
		}
	}
	for name, do := range map[string]func() ([]event.Event, error){
		"stacked twice": func() ([]event.Event, error) { return two.Stack(pallet.Stack{Carton: carton(1)}, at) },
		"broken twice":  func() ([]event.Event, error) { return broken.Break(pallet.Break{}, at) },
	} {
		if evs, err := do(); len(evs) != 0 || err != nil {
			t.Errorf("%s: %v %v", name, evs, err)
		}
	}
}

// TestPalletHolds: what stands on a pallet is what was stacked and not taken off, each once,
// and it never bears more than it may.
func TestPalletHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := measure.Mass(rapid.IntRange(0, 100).Draw(t, "kg")) * measure.Kilogram
		evs, err := pallet.Pallet{}.Build(pallet.Build{Scope: site, SSCC: pack.Numbering{Prefix: "0614141"}, Limits: pallet.Limits{MaxWeight: limit}}, at)
		if err != nil {
			t.Fatal(err)
		}
		p, _ := pallet.Fold.Replay(pallet.Pallet{}, evs...)
		want := map[string]bool{}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			n := rapid.Int64Range(1, 6).Draw(t, "carton")
			var err error
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				if evs, err = p.Break(pallet.Break{}, at); err == nil {
					clear(want)
				}
			case 1:
				evs, err = p.Close(pallet.Close{}, at)
			case 2, 3, 4:
				if evs, err = p.Unstack(pallet.Unstack{Carton: sscc(n)}, at); err == nil {
					delete(want, sscc(n))
				}
			default:
				if evs, err = p.Stack(pallet.Stack{Carton: carton(n)}, at); err == nil {
					want[sscc(n)] = true
				}
			}
			if err != nil {
				evs = nil
			}
			if p, err = pallet.Fold.Replay(p, evs...); err != nil {
				t.Fatal(err)
			}
			have := map[string]bool{}
			for _, c := range p.Cartons {
				have[c.SSCC] = true
			}
			if len(have) != len(p.Cartons) || fmt.Sprint(have) != fmt.Sprint(want) || limit > 0 && p.Gross() > limit {
				t.Fatalf("%v stand there, %v should; %d of %d", have, want, p.Gross(), limit)
			}
		}
	})
}
