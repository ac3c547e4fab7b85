package load_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/load"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/scope"
)

var (
	at   = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	site = scope.Scope{Tenant: "t", Owner: scope.Shared, Facility: "east"}
	plan = load.Plan{Scope: site, Load: "L-1", Carrier: "ups", Stops: []load.Stop{{No: 1, Code: "RNO"}, {No: 2, Code: "SFO"}}}
)

func sscc(n int64) string {
	s, err := pack.Numbering{Prefix: "0614141", Serial: n}.SSCC()
	if err != nil {
		panic(err)
	}
	return s
}

type step func(load.Load) ([]event.Event, error)

func after(t *testing.T, steps ...step) load.Load {
	t.Helper()
	l := load.Load{}
	for i, s := range append([]step{func(l load.Load) ([]event.Event, error) { return l.Plan(plan, at) }}, steps...) {
		evs, err := s(l)
		if err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		if l, err = load.Fold.Replay(l, evs...); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func assign(n int64, stop int) step {
	return func(l load.Load) ([]event.Event, error) { return l.Assign(load.Assign{SSCC: sscc(n), Stop: stop}, at) }
}

func scan(n int64) step {
	return func(l load.Load) ([]event.Event, error) { return l.Scan(load.Scan{SSCC: sscc(n)}, at) }
}

func seal(l load.Load) ([]event.Event, error)   { return l.Seal(load.Seal{Seal: "S"}, at) }
func depart(l load.Load) ([]event.Event, error) { return l.Depart(load.Depart{}, at) }
func cancel(l load.Load) ([]event.Event, error) { return l.Cancel(load.Cancel{Reason: "late"}, at) }

func unseal(l load.Load) ([]event.Event, error) { return l.Unseal(load.Unseal{Reason: "look"}, at) }
func unassign(n int64) step {
	return func(l load.Load) ([]event.Event, error) { return l.Unassign(load.Unassign{SSCC: sscc(n)}, at) }
}

func TestLoadRefuses(t *testing.T) {
	var (
		none     = load.Load{}
		planned  = after(t)
		assigned = after(t, assign(1, 1), assign(2, 2), scan(1))
		full     = []step{assign(1, 1), scan(1)}
		sealed   = after(t, append(full, seal)...)
		departed = after(t, append(full, seal, depart)...)
		gone     = after(t, append(full, cancel)...)
	)
	with := func(f func(*load.Plan)) step {
		return func(l load.Load) ([]event.Event, error) { c := plan; f(&c); return l.Plan(c, at) }
	}
	for name, c := range map[string]struct {
		l     load.Load
		do    step
		place string
	}{
		"no such load":              {none, assign(1, 1), "load"},
		"sealed and not there":      {none, seal, "load"},
		"departs and is not there":  {none, depart, "load"},
		"planned twice":             {planned, with(func(*load.Plan) {}), "load"},
		"without a carrier":         {none, with(func(c *load.Plan) { c.Carrier = "" }), "carrier"},
		"without a name":            {none, with(func(c *load.Plan) { c.Load = "" }), "load"},
		"stops out of order":        {none, with(func(c *load.Plan) { c.Stops = []load.Stop{{No: 2, Code: "A"}} }), "stops[0].no"},
		"stop without a place":      {none, with(func(c *load.Plan) { c.Stops = []load.Stop{{No: 1}} }), "stops[0].code"},
		"too many stops":            {none, with(func(c *load.Plan) { c.Stops = make([]load.Stop, load.MaxStops+1) }), "stops"},
		"unit that is no SSCC":      {planned, func(l load.Load) ([]event.Event, error) { return l.Assign(load.Assign{SSCC: "1"}, at) }, "sscc"},
		"stop that it has not":      {planned, assign(1, 3), "stop"},
		"two stops for one":         {assigned, assign(1, 2), "stop"},
		"wrong load":                {assigned, scan(3), "sscc"},
		"off what was never on":     {assigned, unassign(3), "sscc"},
		"sealed half full":          {assigned, seal, "load"},
		"sealed empty":              {planned, seal, "load"},
		"sealed without a seal":     {after(t, full...), func(l load.Load) ([]event.Event, error) { return l.Seal(load.Seal{}, at) }, "seal"},
		"loaded behind the seal":    {sealed, assign(2, 1), "load"},
		"scanned behind the seal":   {sealed, scan(1), "load"},
		"taken out behind the seal": {sealed, unassign(1), "load"},
		"cancelled behind the seal": {sealed, cancel, "load"},
		"another seal":              {sealed, func(l load.Load) ([]event.Event, error) { return l.Seal(load.Seal{Seal: "T"}, at) }, "load"},
		"unsealed without a reason": {sealed, func(l load.Load) ([]event.Event, error) { return l.Unseal(load.Unseal{}, at) }, "reason"},
		"departs open":              {after(t, full...), depart, "load"},
		"taken out when gone":       {departed, unassign(1), "load"},
		"unsealed when gone":        {departed, unseal, "load"},
		"cancelled when gone":       {departed, cancel, "load"},
		"departs when cancelled":    {gone, depart, "load"},
		"cancelled without reason":  {planned, func(l load.Load) ([]event.Event, error) { return l.Cancel(load.Cancel{}, at) }, "reason"},
	} {
		if evs, err := c.do(c.l); len(evs) != 0 || err == nil || fault.PlaceOf(err) != c.place {
			t.Errorf("%s: %v, %v at %q, expected %q", name, evs, err, fault.PlaceOf(err), c.place)
		}
	}
	for name, c := range map[string]struct {
		l  load.Load
		do step
	}{
		"assigned twice": {assigned, assign(1, 1)}, "scanned twice": {assigned, scan(1)}, "sealed twice": {sealed, seal},
		"unsealed twice": {planned, unseal}, "departed twice": {departed, depart}, "cancelled twice": {gone, cancel},
	} {
		if evs, err := c.do(c.l); len(evs) != 0 || err != nil {
			t.Errorf("%s: %v %v", name, evs, err)
		}
	}
}

// TestNothingLeavesThatWasNotScanned: whatever happens at the dock, a truck that departs is
// sealed and everything planned for it stands in it.
func TestNothingLeavesThatWasNotScanned(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		evs, err := load.Load{}.Plan(plan, at)
		if err != nil {
			t.Fatal(err)
		}
		l, _ := load.Fold.Replay(load.Load{}, evs...)
		in := map[string]bool{}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			n := rapid.Int64Range(1, 4).Draw(t, "unit")
			was := l.Status
			do := []step{assign(n, 1), scan(n), scan(n), unassign(n), seal, unseal, depart, cancel}[rapid.IntRange(0, 7).Draw(t, "what")]
			evs, err := do(l)
			if err != nil {
				continue
			}
			for _, e := range evs {
				switch e := e.(type) {
				case load.Scanned:
					in[e.SSCC] = true
				case load.Unassigned:
					delete(in, e.SSCC)
				case load.Cancelled:
					clear(in)
				case load.Departed:
					if was != load.StatusSealed || len(l.Units) != len(in) || e.Seal == "" {
						t.Fatalf("left %s with %d of %d units", was, len(in), len(l.Units))
					}
				}
			}
			if l, err = load.Fold.Replay(l, evs...); err != nil {
				t.Fatal(err)
			}
		}
	})
}
