package pack_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/carton"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/gs1"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/scope"
)

var (
	at   = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	site = scope.Scope{Tenant: "t", Owner: "acme", Facility: "east"}
)

func ExampleNumbering_SSCC() {
	// The number GS1 prints as its example of an SSCC.
	s, err := pack.Numbering{Extension: 1, Prefix: "0614141", Serial: 234567890}.SSCC()
	fmt.Println(s, err)
	// Output: 106141412345678908 <nil>
}

func TestSSCC(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := pack.Numbering{
			Extension: rapid.IntRange(0, 9).Draw(t, "extension"),
			Prefix:    rapid.StringMatching(`[0-9]{4,12}`).Draw(t, "prefix"),
			Serial:    rapid.Int64Range(0, 9999).Draw(t, "serial"),
		}
		s, err := n.SSCC()
		if err != nil || len(s) != 18 || gs1.CheckSSCC(s) != nil || !strings.HasPrefix(s[1:], n.Prefix) {
			t.Fatalf("%+v: %q, %v", n, s, err)
		}
		// GS1 modulo 10: all 18 digits with weights 3, 1 from the left sum to a multiple of 10.
		sum := 0
		for i, c := range s {
			sum += int(c-'0') * (3 - 2*(i%2))
		}
		if sum%10 != 0 {
			t.Fatalf("%s sums to %d", s, sum)
		}
		// Any one digit misread is noticed.
		i, d := rapid.IntRange(0, 17).Draw(t, "at"), byte('0'+rapid.IntRange(0, 9).Draw(t, "digit"))
		if bad := s[:i] + string(d) + s[i+1:]; bad != s && gs1.CheckSSCC(bad) == nil {
			t.Fatalf("%s passes for %s", bad, s)
		}
	})
	for place, n := range map[string]pack.Numbering{
		"extension": {Extension: 10, Prefix: "0614141"},
		"prefix":    {Prefix: "061", Serial: 1},
		"serial":    {Prefix: "061414112345", Serial: 10_000},
	} {
		if s, err := n.SSCC(); fault.PlaceOf(err) != place {
			t.Errorf("%+v: %q, %v", n, s, err)
		}
	}
	for _, n := range []pack.Numbering{{Extension: -1, Prefix: "0614141"}, {Prefix: "06141x1"}, {Prefix: "0614141234567"}, {Prefix: "0614141", Serial: -1}, {}} {
		if s, err := n.SSCC(); err == nil {
			t.Errorf("%+v: %q", n, s)
		}
	}
	for _, s := range []string{"", "10614141234567890", "1061414123456789080", "10614141234567890x", "(00)06141412345678"} {
		if gs1.CheckSSCC(s) == nil {
			t.Errorf("%q passed", s)
		}
	}
}

func mm(l, w, h int64) measure.Dims {
	return measure.Dims{Length: measure.Length(l * 1000), Width: measure.Length(w * 1000), Height: measure.Length(h * 1000)}
}

// TestCartonize: every unit is in exactly one carton and stays whole, no carton holds more
// than its box bears, and there are never fewer cartons than the bound.
func TestCartonize(t *testing.T) {
	boxes := []pack.Box{
		{Code: "S", Inner: mm(200, 150, 100), MaxWeight: 5 * measure.Kilogram, Tare: 100 * measure.Gram},
		{Code: "M", Inner: mm(300, 200, 200), MaxWeight: 10 * measure.Kilogram, Fill: 90},
		{Code: "L", Inner: mm(600, 400, 300), MaxWeight: 20 * measure.Kilogram},
	}
	byCode := map[string]pack.Box{"S": boxes[0], "M": boxes[1], "L": boxes[2]}
	rapid.Check(t, func(t *rapid.T) {
		var units []pack.Unit
		want := map[int]int64{}
		for i := range rapid.IntRange(1, 6).Draw(t, "kinds") {
			side := rapid.Int64Range(0, 650)
			u := pack.Unit{
				Content: pack.Content{Line: i + 1, Item: "X", Qty: rapid.Int64Range(1, 40).Draw(t, "qty")},
				Dims:    mm(side.Draw(t, "l"), side.Draw(t, "w")/2, side.Draw(t, "h")/4),
				Weight:  measure.Mass(rapid.Int64Range(0, 12_000).Draw(t, "g")) * measure.Gram,
			}
			if n := rapid.SampledFrom([]int64{0, 0, 1, 6, 24}).Draw(t, "pieces"); n > 0 {
				u.UOM, u.Pieces = "CS", n
			}
			units, want[u.Line] = append(units, u), u.Qty*max(1, u.Pieces)
		}
		plan, err := pack.Cartonize(units, boxes)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := pack.Cartonize(units, boxes)
		if !reflect.DeepEqual(plan, again) {
			t.Fatal("the same input gave another plan")
		}
		if len(plan.Cartons) < plan.Bound || plan.Bound < 1 {
			t.Fatalf("%d cartons, bound %d", len(plan.Cartons), plan.Bound)
		}
		for _, c := range plan.Cartons {
			var weight measure.Mass
			for _, p := range c.Placements {
				if u := units[p.Line-1]; p.UOM != u.UOM || p.Pieces != u.Pieces {
					t.Fatalf("%+v is no unit of %+v", p, u)
				}
			}
			for _, k := range c.Contents {
				u := units[k.Line-1]
				want[k.Line] -= k.Qty
				whole := max(1, u.Pieces)
				weight += u.Weight * measure.Mass(k.Qty/whole)
				if k.Qty < 1 || k.Qty%whole != 0 || c.Box != "" && u.Dims.Length > byCode[c.Box].Inner.Length {
					t.Fatalf("%+v in %+v", u, c)
				}
			}
			if b := byCode[c.Box]; c.Box != "" && (weight > b.MaxWeight || c.Weight != weight+b.Tare) {
				t.Fatalf("%d mg in %+v", weight, c)
			}
			if c.Box == "" && (len(c.Contents) != 1 || c.Contents[0].Qty != max(1, units[c.Contents[0].Line-1].Pieces) || c.Reason != pack.ReasonNoBox) {
				t.Fatalf("ships as it is: %+v", c)
			}
		}
		for line, n := range want {
			if n != 0 {
				t.Fatalf("line %d: %d units left over", line, n)
			}
		}
	})
}

func TestCartonizeChoosesTheSmallestBox(t *testing.T) {
	boxes := []pack.Box{{Code: "L", Inner: mm(600, 400, 300), MaxWeight: 20 * measure.Kilogram}, {Code: "S", Inner: mm(200, 150, 100), MaxWeight: measure.Kilogram}}
	unit := pack.Unit{Content: pack.Content{Line: 1, Item: "X", Qty: 1}, Dims: mm(100, 150, 190), Weight: 900 * measure.Gram}
	for box, change := range map[string]func(*pack.Unit){
		"S": func(*pack.Unit) {}, // turned
		"L": func(u *pack.Unit) { u.Qty = 2 },
		"":  func(u *pack.Unit) { u.Dims.Length = 700 * measure.Millimetre },
	} {
		u := unit
		change(&u)
		plan, err := pack.Cartonize([]pack.Unit{u}, boxes)
		if err != nil || len(plan.Cartons) != 1 || plan.Cartons[0].Box != box {
			t.Errorf("%q: %+v, %v", box, plan, err)
		}
	}
}

func TestCartonizeRefuses(t *testing.T) {
	box := pack.Box{Code: "S", Inner: mm(100, 100, 100), MaxWeight: measure.Kilogram}
	unit := pack.Unit{Content: pack.Content{Line: 1, Item: "X", Qty: 1}, Dims: mm(50, 50, 50), Weight: measure.Gram}
	for name, c := range map[string]struct {
		place string
		kind  fault.Kind
		unit  func(*pack.Unit)
		box   func(*pack.Box)
	}{
		"no quantity":              {"units[0].qty", fault.Invalid, func(u *pack.Unit) { u.Qty = 0 }, nil},
		"a negative weight":        {"units[0].weight_mg", fault.Invalid, func(u *pack.Unit) { u.Weight = -1 }, nil},
		"a negative side":          {"units[0].dims", fault.Invalid, func(u *pack.Unit) { u.Dims.Width = -1 }, nil},
		"less than a piece":        {"units[0].pieces", fault.Invalid, func(u *pack.Unit) { u.Pieces = -1 }, nil},
		"more pieces than counted": {"units[0].pieces", fault.Invalid, func(u *pack.Unit) { u.Qty, u.Pieces = 3, 1<<62 }, nil},
		"a planet":                 {"units[0].dims", fault.Invalid, func(u *pack.Unit) { u.Dims.Width = 1 << 60 }, nil},
		"more cartons than sane":   {"units", fault.Rejected, func(u *pack.Unit) { u.Qty = 1 << 39 }, nil},
		"more bare goods":          {"units", fault.Rejected, func(u *pack.Unit) { u.Qty, u.Dims = 1<<39, mm(500, 1, 1) }, nil},
		"a box without a name":     {"boxes[0].code", fault.Invalid, nil, func(b *pack.Box) { b.Code = "" }},
		"a flat box":               {"boxes[0].inner", fault.Invalid, nil, func(b *pack.Box) { b.Inner.Height = 0 }},
		"an overfull box":          {"boxes[0].fill_percent", fault.Invalid, nil, func(b *pack.Box) { b.Fill = 101 }},
		"bears less than nothing":  {"units[0].packing.bears_mg", fault.Invalid, func(u *pack.Unit) { u.Packing.Bears = -1 }, nil},
		"a box that pays":          {"boxes[0].cost", fault.Invalid, nil, func(b *pack.Box) { b.Cost = -1 }},
		"a box that bears nothing": {"boxes[0].max_weight_mg", fault.Invalid, nil, func(b *pack.Box) { b.MaxWeight = 0 }},
	} {
		u, b := unit, box
		if c.unit != nil {
			c.unit(&u)
		}
		if c.box != nil {
			c.box(&b)
		}
		if plan, err := pack.Cartonize([]pack.Unit{u}, []pack.Box{b}); fault.PlaceOf(err) != c.place || fault.KindOf(err) != c.kind {
			t.Errorf("%s: %d cartons, place %q: %v", name, len(plan.Cartons), fault.PlaceOf(err), err)
		}
	}
	if _, err := pack.Cartonize(nil, nil); fault.PlaceOf(err) != "units" {
		t.Errorf("nothing to pack: %v", err)
	}
}

// TestPlacementsHold: the placements of each carton are its contents, lie within its
// box without overlap, fully supported, upright where they must, with nothing on what
// is fragile and nothing beside what is to be apart.
func TestPlacementsHold(t *testing.T) {
	boxes := []pack.Box{
		{Code: "S", Inner: mm(120, 100, 80), MaxWeight: 5 * measure.Kilogram, Cost: 50},
		{Code: "L", Inner: mm(300, 200, 150), MaxWeight: 20 * measure.Kilogram, Cost: 140},
	}
	rapid.Check(t, func(t *rapid.T) {
		var units []pack.Unit
		for i := range rapid.IntRange(1, 5).Draw(t, "kinds") {
			side := rapid.Int64Range(5, 80)
			u := pack.Unit{
				Dims: mm(side.Draw(t, "l"), side.Draw(t, "w"), side.Draw(t, "h")), Weight: measure.Mass(rapid.Int64Range(0, 900).Draw(t, "g")) * measure.Gram,
				Packing: item.Packing{
					Upright: rapid.Bool().Draw(t, "upright"), Fragile: rapid.IntRange(0, 3).Draw(t, "fragile") == 0,
					Segregation: rapid.SampledFrom([]string{"", "", "hazmat"}).Draw(t, "segregation"),
				},
			}
			// The same goods from two totes.
			for j, tote := range []string{"T1", "T2"} {
				u.Content = pack.Content{Line: 2*i + j + 1, Item: "X", Tote: tote, Qty: rapid.Int64Range(1, 25).Draw(t, "qty")}
				units = append(units, u)
			}
		}
		plan, err := pack.Cartonize(units, boxes)
		if err != nil {
			t.Fatal(err)
		}
		cost := int64(0)
		for _, c := range plan.Cartons {
			box := boxes[slices.IndexFunc(boxes, func(b pack.Box) bool { return b.Code == c.Box })]
			cost += box.Cost
			whole := func(d measure.Dims) carton.Size {
				return carton.Size{int(d.Length / measure.Millimetre), int(d.Width / measure.Millimetre), int(d.Height / measure.Millimetre)}
			}
			p := carton.Problem{Container: whole(box.Inner)}
			for _, u := range units {
				p.Types = append(p.Types, carton.Type{ID: u.Line, Size: whole(u.Dims), Upright: [3]bool{!u.Packing.Upright, !u.Packing.Upright, true}, Qty: int(u.Qty)})
			}
			var placed []carton.Placement
			have := map[int]int64{}
			for _, x := range c.Placements {
				for n := range x.Count.Length * x.Count.Width * x.Count.Height {
					size, at := whole(x.Dims), whole(measure.Dims{Length: x.X, Width: x.Y, Height: x.Z})
					at[0] += n % x.Count.Length * size[0]
					at[1] += n / x.Count.Length % x.Count.Width * size[1]
					at[2] += n / x.Count.Length / x.Count.Width * size[2]
					placed = append(placed, carton.Placement{Type: x.Line - 1, At: at, Size: size})
					have[x.Line]++
				}
			}
			if err := carton.Check(p, placed); err != nil {
				t.Fatalf("%v\n%+v", err, c)
			}
			for _, k := range c.Contents {
				if have[k.Line] != k.Qty || units[k.Line-1].Packing.Segregation != units[c.Contents[0].Line-1].Packing.Segregation {
					t.Fatalf("%d of %+v are placed in %+v", have[k.Line], k, c)
				}
				delete(have, k.Line)
			}
			for _, b := range placed {
				for _, o := range placed {
					if units[b.Type].Packing.Fragile && o.At[2] == b.At[2]+b.Size[2] && o.At[0] < b.At[0]+b.Size[0] && b.At[0] < o.At[0]+o.Size[0] &&
						o.At[1] < b.At[1]+b.Size[1] && b.At[1] < o.At[1]+o.Size[1] {
						t.Fatalf("%+v stands on the fragile %+v", o, b)
					}
				}
			}
			if len(have) > 0 {
				t.Fatalf("%v are placed and not in %+v", have, c)
			}
		}
		if cost != plan.Cost || plan.Cost < plan.CostBound || len(plan.Cartons) < plan.Bound {
			t.Fatalf("costs %d in %+v", cost, plan)
		}
	})
}

// TestCartonizeProves plans that are as good as any can be.
func TestCartonizeProves(t *testing.T) {
	box := pack.Box{Code: "B", Inner: mm(100, 100, 100), MaxWeight: 10 * measure.Kilogram}
	unit := func(qty int64, d measure.Dims) pack.Unit {
		return pack.Unit{Content: pack.Content{Line: 1, Item: "X", Qty: qty}, Dims: d, Weight: 100 * measure.Gram}
	}
	for name, c := range map[string]struct {
		unit    pack.Unit
		change  func(*item.Packing)
		cartons int
	}{
		"a full box":                   {unit(8, mm(50, 50, 50)), nil, 1},
		"a box and one":                {unit(9, mm(50, 50, 50)), nil, 2},
		"each longer than half":        {unit(5, mm(51, 60, 70)), nil, 5},
		"by weight":                    {pack.Unit{Content: pack.Content{Item: "X", Qty: 7}, Dims: mm(9, 9, 9), Weight: 4 * measure.Kilogram}, nil, 4},
		"unknown sides, by weight":     {pack.Unit{Content: pack.Content{Item: "X", Qty: 7}, Weight: 4 * measure.Kilogram}, nil, 4},
		"fragile, one layer":           {unit(8, mm(50, 50, 50)), func(p *item.Packing) { p.Fragile = true }, 2},
		"each bears one":               {unit(12, mm(50, 50, 33)), func(p *item.Packing) { p.Upright, p.Bears = true, 100*measure.Gram }, 2},
		"upright":                      {unit(2, mm(50, 100, 90)), func(p *item.Packing) { p.Upright = true }, 1},
		"upright, not side by side":    {unit(2, mm(90, 100, 50)), func(p *item.Packing) { p.Upright = true }, 1},
		"upright, and no second layer": {unit(2, mm(90, 60, 51)), func(p *item.Packing) { p.Upright = true }, 2},
	} {
		if c.change != nil {
			c.change(&c.unit.Packing)
		}
		plan, err := pack.Cartonize([]pack.Unit{c.unit}, []pack.Box{box})
		if err != nil || len(plan.Cartons) != c.cartons {
			t.Errorf("%s: %d cartons, bound %d: %v", name, len(plan.Cartons), plan.Bound, err)
		}
	}
	food, acid := unit(1, mm(10, 10, 10)), unit(1, mm(10, 10, 10))
	acid.Line, acid.Packing.Segregation = 2, "hazmat"
	if plan, err := pack.Cartonize([]pack.Unit{food, acid}, []pack.Box{box}); err != nil || len(plan.Cartons) != 2 || plan.Bound != 2 || plan.Gap != 0 {
		t.Errorf("apart: %+v, %v", plan, err)
	}
}

// TestCartonizeLargeOrders: as many lines as an order has, and more than can be packed.
func TestCartonizeLargeOrders(t *testing.T) {
	boxes := []pack.Box{
		{Code: "S", Inner: mm(250, 200, 150), MaxWeight: 10 * measure.Kilogram}, {Code: "L", Inner: mm(600, 400, 400), MaxWeight: 30 * measure.Kilogram},
	}
	var units []pack.Unit
	for i := range 2_000 {
		n := int64(i)
		units = append(units, pack.Unit{
			Content: pack.Content{Line: i + 1, Item: "X", Qty: 2}, Dims: mm(20+n*37%200, 20+n*53%150, 10+n*71%100), Weight: measure.Mass(n%700) * measure.Gram,
		})
	}
	plan, err := pack.Cartonize(units, boxes)
	if err != nil || len(plan.Cartons) < plan.Bound || len(plan.Cartons) > plan.FirstFit {
		t.Errorf("%d cartons, bound %d, first fit %d: %v", len(plan.Cartons), plan.Bound, plan.FirstFit, err)
	}
	for i := range units {
		units[i].Qty = 1_000
	}
	if _, err := pack.Cartonize(units, boxes); fault.KindOf(err) != fault.Rejected || fault.PlaceOf(err) != "units" {
		t.Errorf("two million units: %v", err)
	}
}

// TestEverythingIsPackedOnce closes cartons at random, right and wrong.
func TestEverythingIsPackedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		contents := func(name string) []pack.Content {
			return []pack.Content{{Line: rapid.IntRange(1, 2).Draw(t, name+" line"), Item: "X", Tote: "T", Qty: rapid.Int64Range(1, 6).Draw(t, name+" qty")}}
		}
		var p pack.Packing
		step := func(evs []event.Event, err error) bool {
			if err != nil {
				if len(evs) != 0 || fault.PlaceOf(err) == "" {
					t.Fatalf("%v, %v", evs, err)
				}
				return false
			}
			next, err := pack.Fold.Replay(p, evs...)
			if err != nil {
				t.Fatal(err)
			}
			p = next
			return true
		}
		in, out := map[int]int64{}, map[int]int64{}
		first := contents("open")
		step(p.Open(pack.Open{Scope: site, Pack: "P", Order: "SO-1", Contents: first}, at))
		in[first[0].Line] += first[0].Qty
		for range 12 {
			switch c := contents("then"); rapid.IntRange(0, 4).Draw(t, "do") {
			case 0:
				if step(p.Add(pack.Add{Contents: c}, at)) {
					in[c[0].Line] += c[0].Qty
				}
			case 1, 2, 3:
				n := pack.Numbering{Prefix: "0614141", Serial: rapid.Int64Range(1, 8).Draw(t, "serial")}
				if step(p.CloseCarton(pack.CloseCarton{Contents: c, SSCC: n}, at)) {
					out[c[0].Line] += c[0].Qty
				}
			case 4:
				step(p.Complete(pack.Complete{}, at))
			}
			seen := map[string]bool{}
			for _, c := range p.Cartons {
				if seen[c.Carton] {
					t.Fatalf("carton %s was closed twice", c.Carton)
				}
				seen[c.Carton] = true
			}
			left := map[int]int64{}
			for _, l := range p.Left {
				left[l.Line] += l.Qty
			}
			for line := range 3 {
				if in[line] != out[line]+left[line] || left[line] < 0 {
					t.Fatalf("line %d: %d to pack, %d packed, %d left", line, in[line], out[line], left[line])
				}
			}
			if p.Status == pack.StatusCompleted && len(p.Left) > 0 {
				t.Fatalf("completed with %+v left", p.Left)
			}
		}
	})
}

func TestPackingRefuses(t *testing.T) {
	one := []pack.Content{{Line: 1, Item: "X", Tote: "T", Qty: 3}}
	num := pack.Numbering{Prefix: "0614141", Serial: 1}
	open := func() pack.Packing {
		evs, err := pack.Packing{}.Open(pack.Open{Scope: site, Pack: "P", Order: "SO-1", Contents: one}, at)
		p, err2 := pack.Fold.Replay(pack.Packing{}, evs...)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		return p
	}()
	with := func(f func(*pack.Content)) []pack.Content {
		c := one[0]
		f(&c)
		return []pack.Content{c}
	}
	for name, c := range map[string]struct {
		place string
		do    func() ([]event.Event, error)
	}{
		"opened twice": {"pack", func() ([]event.Event, error) {
			return open.Open(pack.Open{Scope: site, Pack: "P", Order: "O", Contents: one}, at)
		}},
		"opened empty": {"contents", func() ([]event.Event, error) {
			return pack.Packing{}.Open(pack.Open{Scope: site, Pack: "P", Order: "O"}, at)
		}},
		"no order": {"order", func() ([]event.Event, error) {
			return pack.Packing{}.Open(pack.Open{Scope: site, Pack: "P", Contents: one}, at)
		}},
		"not there": {"pack", func() ([]event.Event, error) { return pack.Packing{}.Complete(pack.Complete{}, at) }},
		"too many": {"contents[0].qty", func() ([]event.Event, error) {
			return open.CloseCarton(pack.CloseCarton{Contents: with(func(c *pack.Content) { c.Qty = 4 }), SSCC: num}, at)
		}},
		"another tote": {"contents[0].qty", func() ([]event.Event, error) {
			return open.CloseCarton(pack.CloseCarton{Contents: with(func(c *pack.Content) { c.Tote = "U" }), SSCC: num}, at)
		}},
		"another lot": {"contents[0].qty", func() ([]event.Event, error) {
			return open.CloseCarton(pack.CloseCarton{Contents: with(func(c *pack.Content) { c.Lot = "L" }), SSCC: num}, at)
		}},
		"below zero": {"contents[0].qty", func() ([]event.Event, error) {
			return open.CloseCarton(pack.CloseCarton{Contents: with(func(c *pack.Content) { c.Qty = -1 }), SSCC: num}, at)
		}},
		"named twice": {"contents[1].line", func() ([]event.Event, error) {
			return open.CloseCarton(pack.CloseCarton{Contents: append(one[:1:1], one...), SSCC: num}, at)
		}},
		"serials short": {"contents[0].serials", func() ([]event.Event, error) {
			return open.CloseCarton(pack.CloseCarton{Contents: with(func(c *pack.Content) { c.Serials = []string{"A"} }), SSCC: num}, at)
		}},
		"no number": {"prefix", func() ([]event.Event, error) { return open.CloseCarton(pack.CloseCarton{Contents: one}, at) }},
		"negative": {"weight_mg", func() ([]event.Event, error) {
			return open.CloseCarton(pack.CloseCarton{Contents: one, SSCC: num, Weight: -1}, at)
		}},
		"not all":      {"contents", func() ([]event.Event, error) { return open.Complete(pack.Complete{}, at) }},
		"plan of less": {"cartons", func() ([]event.Event, error) { return open.Propose(pack.Propose{Plan: pack.Plan{}}, at) }},
		"plan of more": {"cartons[0]", func() ([]event.Event, error) {
			return open.Propose(pack.Propose{Plan: pack.Plan{Cartons: []pack.Carton{{Contents: with(func(c *pack.Content) { c.Qty = 4 })}}}}, at)
		}},
		"no reason": {"reason", func() ([]event.Event, error) { return open.Cancel(pack.Cancel{}, at) }},
	} {
		if evs, err := c.do(); len(evs) != 0 || err == nil || fault.PlaceOf(err) != c.place {
			t.Errorf("%s: %v, place %q, expected %q: %v", name, evs, fault.PlaceOf(err), c.place, err)
		}
	}
}
