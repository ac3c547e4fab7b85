package wave_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/wave"
)

const m = 1000 * measure.Millimetre

// hall is a building with two layouts and three zones.
func hall(blocks int) facility.Spec {
	return facility.Spec{
		Zones: []facility.Zone{{Code: "FAST"}, {Code: "SLOW"}, {Code: "COLD"}},
		Aisles: []facility.Aisle{
			{Code: "01", Zone: "FAST"}, {Code: "02", Zone: "FAST"}, {Code: "03", Zone: "SLOW"}, {Code: "04", Zone: "SLOW"}, {Code: "05", Zone: "COLD"}, {Code: "06", Zone: "COLD"},
		},
		Layouts: []facility.Layout{
			{
				Code: "HALL", Aisles: []string{"01", "02", "03", "04"}, Cells: 20, Blocks: blocks, AisleToAisle: 5 * m, CellToCell: m, FrontToCell: 1500 * measure.Millimetre,
				BackToCell: 1500 * measure.Millimetre, MiddleToCell: 2 * m,
				Depots: []facility.Depot{{Aisle: "01", Distance: 3 * m}, {Zone: "SLOW", Aisle: "04", End: facility.Back}},
			},
			{Code: "CELLAR", Aisles: []string{"05", "06"}, Cells: 8, AisleToAisle: 3 * m, CellToCell: 800 * measure.Millimetre, Depots: []facility.Depot{{Aisle: "06", End: facility.Back}}},
		},
	}
}

// way is how long it is from the depot past places of one layout and back, measured as people
// would: along the aisle, or over the nearest of the cross-aisles.
func way(y facility.Layout, zone string, stops []location.Spec) measure.Length {
	cross := []measure.Length{0}
	var ys []measure.Length // of each cell, from the front cross-aisle
	at := y.FrontToCell
	for c := range y.Cells {
		switch {
		case c == 0:
		case y.Blocks == 2 && c == y.Cells/2:
			cross = append(cross, at+y.MiddleToCell)
			at += 2 * y.MiddleToCell
		default:
			at += y.CellToCell
		}
		ys = append(ys, at)
	}
	long := at + y.BackToCell
	cross = append(cross, long)
	depot := y.Depots[slices.IndexFunc(y.Depots, func(d facility.Depot) bool { return d.Zone == "" })]
	for _, d := range y.Depots {
		if d.Zone == zone {
			depot = d
		}
	}
	type point struct {
		aisle int
		y     measure.Length
	}
	home := point{aisle: slices.Index(y.Aisles, depot.Aisle)}
	if depot.End == facility.Back {
		home.y = long
	}
	path := []point{home}
	for _, s := range stops {
		path = append(path, point{slices.Index(y.Aisles, s.Aisle), ys[s.Cell-1]})
	}
	path = append(path, home)
	abs := func(l measure.Length) measure.Length { return max(l, -l) }
	total := 2 * depot.Distance
	for i, q := range path[1:] {
		p := path[i]
		if p.aisle == q.aisle {
			total += abs(p.y - q.y)
			continue
		}
		best := measure.Length(1) << 60
		for _, c := range cross {
			best = min(best, abs(p.y-c)+abs(q.y-c))
		}
		total += best + abs(measure.Length(p.aisle-q.aisle))*y.AisleToAisle
	}
	return total
}

// released is a wave of some orders.
func released(t *rapid.T, orders int) wave.Wave {
	c := wave.Plan{Scope: scope.Scope{Tenant: "t", Facility: "east"}, Wave: "W-1"}
	for i := range orders {
		c.Orders = append(c.Orders, wave.Order{Owner: "acme", Order: fmt.Sprint(i)})
	}
	evs, err := wave.Wave{}.Plan(c, at)
	if err != nil {
		t.Fatal(err)
	}
	w, err := wave.Fold.Replay(wave.Wave{}, evs...)
	if err != nil {
		t.Fatal(err)
	}
	if evs, err = w.Release(wave.Release{}, at); err != nil {
		t.Fatal(err)
	}
	if w, err = wave.Fold.Replay(w, evs...); err != nil {
		t.Fatal(err)
	}
	return w
}

// Whatever the work, the method and the limits: each quantity is in one batch, no batch exceeds
// a limit unless it is one part alone, and each length is that of the walk.
func TestBatchesAreTheWaveAndAsLongAsTheySay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := hall(rapid.IntRange(1, 2).Draw(t, "blocks"))
		orders := rapid.IntRange(1, 12).Draw(t, "orders")
		w := released(t, orders)
		c := wave.Optimize{Method: rapid.SampledFrom(append(wave.Methods(), "")).Draw(t, "method"), Building: b, Seed: rapid.Int64().Draw(t, "seed"), Effort: rapid.Int64Range(0, 60_000).Draw(t, "effort")}
		if rapid.Bool().Draw(t, "limited") {
			limit := rapid.Int64Range(0, 12)
			c.Limits = wave.Limits{Orders: limit.Draw(t, "orders"), Lines: limit.Draw(t, "lines"), Units: limit.Draw(t, "units"), Weight: measure.Mass(limit.Draw(t, "weight")), Totes: limit.Draw(t, "totes")}
			c.ToteVolume = rapid.Int64Range(0, 9).Draw(t, "tote")
		}
		for range rapid.IntRange(0, 40).Draw(t, "works") {
			aisle := rapid.IntRange(0, len(b.Aisles)-1).Draw(t, "aisle")
			cell := rapid.IntRange(0, 8).Draw(t, "cell")
			at := b.Effective(location.Spec{Aisle: b.Aisles[aisle].Code, Cell: cell, Sequence: rapid.Int64Range(0, 3).Draw(t, "sequence")})
			c.Work = append(c.Work, wave.Work{
				Of:   wave.Of{Owner: "acme", Order: fmt.Sprint(rapid.IntRange(0, orders-1).Draw(t, "order"))},
				Line: rapid.IntRange(1, 4).Draw(t, "line"), Item: rapid.SampledFrom([]string{"A", "B", "C"}).Draw(t, "item"),
				From: inventory.Place{Location: fmt.Sprintf("%s-%d", at.Aisle, cell)}, Qty: rapid.Int64Range(1, 4).Draw(t, "qty"),
				Volume: rapid.Int64Range(0, 9).Draw(t, "volume"), Weight: measure.Mass(rapid.Int64Range(0, 5).Draw(t, "weight")), At: at,
			})
		}
		evs, err := w.Optimize(c, at)
		if err != nil {
			t.Fatal(err)
		}
		e := evs[0].(wave.Batched)
		check(t, c, e)
		where := func(code string) (location.Spec, bool) {
			for _, x := range c.Work {
				if x.From.Location == code {
					return x.At, true
				}
			}
			return location.Spec{}, false
		}
		if wrong := e.Check(b, where); len(wrong) != 0 {
			t.Fatalf("%v", wrong)
		}
		if len(e.Batches) > 0 {
			spoil(t, e, b, where)
		}
		again, err := w.Optimize(c, at)
		if err != nil || !reflect.DeepEqual(evs, again) {
			t.Fatalf("the same command made other batches: %v\n%+v\n%+v", err, evs, again)
		}
		if w, err = wave.Fold.Replay(w, evs...); err != nil || w.Batching.Total != e.Total || len(w.Batching.Batches) != len(e.Batches) {
			t.Fatalf("%v %+v", err, w.Batching)
		}
		if evs, err := w.Optimize(c, at); err != nil || len(evs) != 0 {
			t.Fatalf("a released wave is batched twice: %v, %v", evs, err)
		}
	})
}

// spoil changes one thing of the tours, which must be found.
func spoil(t *rapid.T, e wave.Batched, b facility.Spec, where func(string) (location.Spec, bool)) {
	e.Batches = slices.Clone(e.Batches)
	x := &e.Batches[rapid.IntRange(0, len(e.Batches)-1).Draw(t, "batch")]
	x.Stops = slices.Clone(x.Stops)
	s := &x.Stops[rapid.IntRange(0, len(x.Stops)-1).Draw(t, "stop")]
	s.Picks = slices.Clone(s.Picks)
	what := rapid.SampledFrom([]string{"length", "total", "bound", "units", "order", "place", "quantity", "detour"}).Draw(t, "spoils")
	switch what {
	case "length":
		x.Length++
		e.Total++
	case "total":
		e.Total++
	case "bound":
		e.Bound = e.Total + 1
	case "units":
		x.Units--
	case "order":
		x.Orders = append(slices.Clip(x.Orders), wave.Of{Owner: "acme", Order: "nobody"})
	case "place":
		s.Picks[0].From.Location = "elsewhere"
	case "quantity":
		s.Picks[0].Qty++
	case "detour": // there and back again, unless nothing lies farther off
		far, spec := "", location.Spec{}
		for _, y := range e.Batches {
			for _, z := range y.Stops {
				if at, _ := where(z.Location); at.Cell > spec.Cell {
					far, spec = z.Location, at
				}
			}
		}
		longer := slices.Insert(slices.Clone(x.Stops), len(x.Stops), wave.Stop{Location: far})
		var specs, was []location.Spec
		for _, z := range longer {
			at, _ := where(z.Location)
			specs = append(specs, at)
		}
		was = specs[:len(specs)-1]
		if far == "" || b.Walk(x.Zone, specs) == b.Walk(x.Zone, was) {
			return
		}
		x.Stops = longer
	}
	if len(e.Check(b, where)) == 0 {
		t.Fatalf("%s was changed, and nobody finds it: %+v", what, e)
	}
}

type taken struct {
	wave.Of
	line int
	item string
	from inventory.Place
}

func check(t *rapid.T, c wave.Optimize, e wave.Batched) {
	want, got := map[taken]int64{}, map[taken]int64{}
	works := map[taken]wave.Work{}
	sizes := map[taken]wave.Limits{}
	for _, x := range c.Work {
		k := taken{x.Of, x.Line, x.Item, x.From}
		want[k] += x.Qty
		works[k] = x
		s := sizes[k]
		sizes[k] = wave.Limits{Lines: s.Lines + 1, Units: s.Units + x.Qty, Volume: s.Volume + x.Volume, Weight: s.Weight + x.Weight}
	}
	var total int64
	for i, b := range e.Batches {
		var length measure.Length
		var sum wave.Limits
		at := map[string][]location.Spec{}
		parts, zones := map[string]bool{}, map[string]bool{}
		of := map[wave.Of]int64{} // volume
		counted := map[taken]bool{}
		for _, s := range b.Stops {
			for _, p := range s.Picks {
				k := taken{p.Of, p.Line, p.Item, p.From}
				got[k] += p.Qty
				x := works[k]
				if p.From.Location != s.Location {
					t.Fatalf("a pick from %s at %s", p.From.Location, s.Location)
				}
				zones[x.At.Zone] = true
				if parts[p.Order] = true; c.Method == wave.Bulk {
					delete(parts, p.Order)
					parts[p.Item+s.Location] = true
				}
				if !counted[k] {
					counted[k] = true
					sum.Lines, sum.Units, sum.Weight = sum.Lines+sizes[k].Lines, sum.Units+sizes[k].Units, sum.Weight+sizes[k].Weight
					of[p.Of] += sizes[k].Volume
				}
				if layout, _, known := c.Building.Position(x.At); known {
					at[layout] = append(at[layout], x.At)
				}
			}
		}
		for _, y := range c.Building.Layouts {
			if at[y.Code] != nil {
				length += way(y, b.Zone, at[y.Code])
			}
		}
		if b.No != i+1 || b.Length != int64(length) || b.Lines != sum.Lines || b.Units != sum.Units {
			t.Fatalf("batch %d says %d um, %d lines, %d units; it is %d um, %+v", b.No, b.Length, b.Lines, b.Units, length, sum)
		}
		total += b.Length
		if len(of) != len(b.Orders) || c.Method == wave.ZonePick && len(zones) > 1 || (c.Method == wave.Discrete || c.Method == "") && len(of) > 1 {
			t.Fatalf("batch %d is of %d orders, says %d, in %d zones", b.No, len(of), len(b.Orders), len(zones))
		}
		if len(parts) == 1 || c.Method == wave.Discrete || c.Method == "" {
			continue // is what it is
		}
		sum.Orders = int64(len(of))
		if c.Method != wave.Bulk {
			for _, v := range of {
				if sum.Totes++; c.ToteVolume > 0 {
					sum.Totes += max(1, (v+c.ToteVolume-1)/c.ToteVolume) - 1
				}
			}
		}
		for name, q := range map[string][2]int64{
			"orders": {sum.Orders, c.Limits.Orders}, "lines": {sum.Lines, c.Limits.Lines}, "units": {sum.Units, c.Limits.Units},
			"weight": {int64(sum.Weight), int64(c.Limits.Weight)}, "totes": {sum.Totes, c.Limits.Totes},
		} {
			if q[1] > 0 && q[0] > q[1] {
				t.Fatalf("batch %d has %d %s, the limit is %d", b.No, q[0], name, q[1])
			}
		}
	}
	if !maps.Equal(want, got) {
		t.Fatalf("the work is %v\nthe batches have %v", want, got)
	}
	if total != e.Total || e.Bound > e.Total || e.Total > e.Baseline {
		t.Fatalf("total %d, sum %d, bound %d, baseline %d", e.Total, total, e.Bound, e.Baseline)
	}
	if e.Unplaced == 0 && (e.Solver == wave.SolvedFirst || e.Because != "") {
		t.Fatalf("everything has a cell, and it is batched %s: %q", e.Solver, e.Because)
	}
	if (e.Unplaced > 0) != (e.Because != "" && e.Unplaced > 0) {
		t.Fatalf("%d lie nobody knows where, and it says %q", e.Unplaced, e.Because)
	}
}

func TestOptimizeRefusesWithPlace(t *testing.T) {
	one := wave.Work{Of: wave.Of{Owner: "acme", Order: "1"}, Line: 1, Item: "A", From: inventory.Place{Location: "01-1"}, Qty: 1}
	for place, change := range map[string]func(*wave.Optimize){
		"method":        func(c *wave.Optimize) { c.Method = "by ear" },
		"limits.lines":  func(c *wave.Optimize) { c.Limits.Lines = -1 },
		"work[0].order": func(c *wave.Optimize) { c.Work[0].Order = "stranger" },
		"work[0].qty":   func(c *wave.Optimize) { c.Work[0].Qty = 0 },
	} {
		c := wave.Optimize{Work: []wave.Work{one}}
		change(&c)
		if evs, err := planned(t).Optimize(c, at); len(evs) != 0 || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v, place %q: %v", place, evs, fault.PlaceOf(err), err)
		}
	}
	c := wave.Optimize{Work: []wave.Work{one}}
	if _, err := (wave.Wave{}).Optimize(c, at); fault.KindOf(err) != fault.Rejected {
		t.Errorf("a wave that is not there was batched: %v", err)
	}
	// A planned one is batched as often as somebody asks, and anew when it is released.
	w := planned(t)
	for range 2 {
		evs, err := w.Optimize(c, at)
		if w = run(t, w, evs, err); len(evs) != 1 || w.Batching.Method != wave.Discrete || w.Batching.Because == "" {
			t.Fatalf("%v %+v", evs, w.Batching)
		}
	}
	evs, err := w.Release(wave.Release{}, at)
	if w = run(t, w, evs, err); w.Batching.Method != "" {
		t.Errorf("%+v", w.Batching)
	}
	evs, err = w.Finish(wave.Finish{Owner: "acme", Order: "1", Outcome: wave.OutRemoved}, at)
	w = run(t, w, evs, err)
	if _, err := w.Optimize(c, at); fault.PlaceOf(err) != "work[0].order" {
		t.Errorf("an order that left is batched: %v", err)
	}
}
