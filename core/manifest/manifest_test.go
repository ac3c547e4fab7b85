package manifest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/manifest"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/scope"
)

var (
	at   = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	open = manifest.Open{Scope: scope.Scope{Tenant: "t", Owner: scope.Shared, Facility: "east"}, Manifest: "ups-20261123-1", Carrier: "ups", Day: "2026-11-23"}
)

func carton(n int64) manifest.Carton {
	s, err := pack.Numbering{Prefix: "0614141", Serial: n}.SSCC()
	if err != nil {
		panic(err)
	}
	return manifest.Carton{Owner: "acme", Order: fmt.Sprint("SO-", n/2), SSCC: s, Tracking: "1Z" + s, Weight: measure.Kilogram}
}

func after(t interface{ Fatal(...any) }, steps ...func(manifest.Manifest) ([]event.Event, error)) manifest.Manifest {
	m := manifest.Manifest{}
	for _, s := range steps {
		evs, err := s(m)
		if err != nil {
			t.Fatal(err)
		}
		if m, err = manifest.Fold.Replay(m, evs...); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func begin(m manifest.Manifest) ([]event.Event, error) { return m.Open(open, at) }
func end(m manifest.Manifest) ([]event.Event, error) {
	return m.Close(manifest.Close{Reason: "asked"}, at)
}

func add(n int64) func(manifest.Manifest) ([]event.Event, error) {
	return func(m manifest.Manifest) ([]event.Event, error) { return m.Add(manifest.Add{Carton: carton(n)}, at) }
}

func TestManifestRefuses(t *testing.T) {
	none, opened, closed := manifest.Manifest{}, after(t, begin, add(1)), after(t, begin, add(1), end)
	for name, c := range map[string]struct {
		place string
		do    func() ([]event.Event, error)
	}{
		"no such manifest": {"manifest", func() ([]event.Event, error) { return add(1)(none) }},
		"opened twice":     {"manifest", func() ([]event.Event, error) { return begin(opened) }},
		"no day":           {"day", func() ([]event.Event, error) { o := open; o.Day = "today"; return none.Open(o, at) }},
		"no carrier":       {"carrier", func() ([]event.Event, error) { o := open; o.Carrier = ""; return none.Open(o, at) }},
		"no SSCC": {"carton", func() ([]event.Event, error) {
			c := carton(2)
			c.SSCC = "1"
			return opened.Add(manifest.Add{Carton: c}, at)
		}},
		"no label": {"tracking", func() ([]event.Event, error) {
			c := carton(2)
			c.Tracking = ""
			return opened.Add(manifest.Add{Carton: c}, at)
		}},
		"another service": {"service", func() ([]event.Event, error) {
			o := open
			o.Service = "03"
			return add(1)(after(t, func(m manifest.Manifest) ([]event.Event, error) { return m.Open(o, at) }))
		}},
		"late":               {"manifest", func() ([]event.Event, error) { return add(2)(closed) }},
		"off a closed one":   {"manifest", func() ([]event.Event, error) { return closed.Remove(manifest.Remove{Carton: carton(1).SSCC}, at) }},
		"closed for nothing": {"reason", func() ([]event.Event, error) { return opened.Close(manifest.Close{}, at) }},
		"closed, not there":  {"manifest", func() ([]event.Event, error) { return end(none) }},
	} {
		if evs, err := c.do(); len(evs) != 0 || err == nil || fault.PlaceOf(err) != c.place {
			t.Errorf("%s: %v, %v at %q, expected %q", name, evs, err, fault.PlaceOf(err), c.place)
		}
	}
	for name, do := range map[string]func() ([]event.Event, error){
		"added twice":     func() ([]event.Event, error) { return add(1)(opened) },
		"closed twice":    func() ([]event.Event, error) { return end(closed) },
		"removed, not on": func() ([]event.Event, error) { return opened.Remove(manifest.Remove{Carton: carton(2).SSCC}, at) },
	} {
		if evs, err := do(); len(evs) != 0 || err != nil {
			t.Errorf("%s: %v %v", name, evs, err)
		}
	}
	full := opened
	for int64(len(full.Cartons)) < manifest.MaxCartons {
		full.Cartons = append(full.Cartons, manifest.Carton{})
	}
	if _, err := add(2)(full); fault.PlaceOf(err) != "manifest" {
		t.Errorf("full: %v", err)
	}
}

// TestManifestIsWhatItSays: a closed manifest lists each carton that was added and not
// removed once, and weighs what they do.
func TestManifestIsWhatItSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := after(t, begin)
		want := map[string]bool{}
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			n := rapid.Int64Range(1, 5).Draw(t, "carton")
			do := add(n)
			if want[carton(n).SSCC] = rapid.Bool().Draw(t, "add"); !want[carton(n).SSCC] {
				do = func(m manifest.Manifest) ([]event.Event, error) {
					return m.Remove(manifest.Remove{Carton: carton(n).SSCC, Reason: "label voided"}, at)
				}
			}
			evs, err := do(m)
			if err != nil {
				t.Fatal(err)
			}
			if m, err = manifest.Fold.Replay(m, evs...); err != nil {
				t.Fatal(err)
			}
		}
		evs, err := end(m)
		if err != nil || len(evs) != 1 {
			t.Fatal(evs, err)
		}
		c := evs[0].(manifest.Closed)
		for _, x := range c.Cartons {
			if !want[x.SSCC] {
				t.Fatalf("%s is on it", x.SSCC)
			}
			delete(want, x.SSCC)
		}
		for sscc, on := range want {
			if on {
				t.Fatalf("%s is not on it", sscc)
			}
		}
		orders := map[string]bool{}
		for _, x := range c.Cartons {
			orders[x.Order] = true
		}
		if want := (manifest.Total{Cartons: len(c.Cartons), Orders: len(orders), Weight: c.Weight}); m.Total != want || c.Orders != len(orders) {
			t.Fatalf("it comes to %+v, and is %+v with %d orders", m.Total, want, c.Orders)
		}
		if c.Weight != measure.Mass(len(c.Cartons))*measure.Kilogram {
			t.Fatalf("%d cartons weigh %d", len(c.Cartons), c.Weight)
		}
	})
}

// TestStatesOfAManifestKeepApart folds two ways from every state: what one adds or removes is
// seen in none of the others, however the lists share their arrays.
func TestStatesOfAManifestKeepApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type kept struct {
			m    manifest.Manifest
			want []int64
		}
		states := []kept{{m: after(t, begin)}}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			from := states[rapid.IntRange(0, len(states)-1).Draw(t, "from")]
			n := rapid.Int64Range(1, 12).Draw(t, "carton")
			var e event.Event = manifest.Added{Head: from.m.Head, Carton: carton(n)}
			want := append(slices.Clone(from.want), n)
			if i := slices.Index(from.want, n); i >= 0 {
				e, want = manifest.Removed{Head: from.m.Head, Carton: carton(n).SSCC}, slices.Delete(slices.Clone(from.want), i, i+1)
			}
			m, err := manifest.Fold.Replay(from.m, e)
			if err != nil {
				t.Fatal(err)
			}
			states = append(states, kept{m, want})
		}
		for _, k := range states {
			orders := map[string]bool{}
			for i, n := range k.want {
				orders[carton(n).Order] = true
				if len(k.m.Cartons) != len(k.want) || k.m.Cartons[i] != carton(n) {
					t.Fatalf("it has %v, expected cartons %v", k.m.Cartons, k.want)
				}
			}
			if want := (manifest.Total{Cartons: len(k.want), Orders: len(orders), Weight: measure.Mass(len(k.want)) * measure.Kilogram}); k.m.Total != want {
				t.Fatalf("it comes to %+v, expected %+v", k.m.Total, want)
			}
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	cartons := make([]event.Event, manifest.MaxCartons)
	for i := range cartons {
		cartons[i] = manifest.Added{Carton: carton(int64(i))}
	}
	b.ReportAllocs()
	for b.Loop() {
		m := after(b, begin)
		for _, e := range cartons {
			var err error
			if m, err = manifest.Fold.Replay(m, e); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(cartons)), "ns/carton")
}
