package putaway_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/putaway"
	"github.com/paklog/hub/core/scope"
)

// litre is an item of 1 dm3 and 1 kg.
func litre(sku string) item.Item {
	return item.Item{Scope: scope.Scope{Tenant: "t", Owner: "acme", Facility: "east"}, SKU: sku, Spec: item.Spec{Units: []item.Unit{{
		UOM: item.Each, Factor: 1, Weight: measure.Kilogram,
		Dims: measure.Dims{Length: 10 * measure.Centimetre, Width: 10 * measure.Centimetre, Height: 10 * measure.Centimetre},
	}}}}
}

func goods(sku string, qty int64) putaway.Goods { return putaway.Goods{Item: litre(sku), Qty: qty} }

func shelf(code string, change ...func(*putaway.Place)) putaway.Place {
	p := putaway.Place{Location: code, Status: location.StatusActive, Spec: location.Spec{Purpose: location.Bulk}}
	for _, c := range change {
		c(&p)
	}
	return p
}

func at(seq int64) func(*putaway.Place)     { return func(p *putaway.Place) { p.Spec.Sequence = seq } }
func in(zone string) func(*putaway.Place)   { return func(p *putaway.Place) { p.Spec.Zone = zone } }
func units(n int64) func(*putaway.Place)    { return func(p *putaway.Place) { p.Spec.Capacity.Units = n } }
func mixes(how string) func(*putaway.Place) { return func(p *putaway.Place) { p.Spec.Mix = how } }
func forPicks(p *putaway.Place)             { p.Spec.Purpose = location.Pick }
func has(g ...putaway.Goods) func(*putaway.Place) {
	return func(p *putaway.Place) { p.Lying = append(p.Lying, g...) }
}
func face(sku string, most int64) func(*putaway.Place) {
	return func(p *putaway.Place) {
		p.Spec.Purpose, p.Spec.Slot = location.Pick, location.Slot{Owner: "acme", Item: sku, Max: most}
	}
}

func lot(g putaway.Goods, lot string) putaway.Goods { g.Lot = lot; return g }
func on(g putaway.Goods, lpn string) putaway.Goods  { g.LPN = lpn; return g }

func ExamplePlan() {
	steps, left := putaway.Plan(putaway.Ask{
		Goods: []putaway.Goods{goods("MUG", 100)}, HasFace: true,
		Places: []putaway.Place{
			shelf("B-2", at(20), units(60)),
			shelf("B-1", at(10), units(40), has(goods("CUP", 40))),
			shelf("F-1", face("MUG", 30), has(goods("MUG", 10))),
			shelf("B-3", at(30), units(50), has(goods("MUG", 20))),
		},
	})
	for _, s := range steps {
		fmt.Println(s.Qty, s.Location, s.Why.Because, s.Why.Room, s.Why.Refused)
	}
	fmt.Println(left)
	// Output:
	// 20 F-1 its_slot 20 []
	// 30 B-3 joins_lot 30 []
	// 50 B-2 empty 60 []
	// 0
}

// where is what a plan says, place:quantity:because, and what is left.
func where(a putaway.Ask) string {
	steps, left := putaway.Plan(a)
	var out []string
	for _, s := range steps {
		out = append(out, fmt.Sprintf("%s:%d:%s", s.Location, s.Qty, s.Why.Because))
	}
	if left > 0 {
		out = append(out, fmt.Sprintf("left %d", left))
	}
	return strings.Join(out, " ")
}

func TestWhichPlaceIsTaken(t *testing.T) {
	rule := facility.Rule{Rule: "movers", Zones: []string{"FAST", "SLOW"}, Purposes: []string{location.Pick, location.Bulk}}
	for name, c := range map[string]struct {
		a    putaway.Ask
		want string
	}{
		"the nearest empty one": {putaway.Ask{From: 50, Places: []putaway.Place{shelf("A", at(10)), shelf("B", at(60)), shelf("C", at(45))}}, "C:10:empty"},
		"the own lot before the item": {putaway.Ask{Places: []putaway.Place{
			shelf("A", has(lot(goods("MUG", 1), "L2"))), shelf("B", has(goods("MUG", 1))),
		}}, "B:10:joins_lot"},
		"the item before what is empty": {putaway.Ask{Places: []putaway.Place{shelf("A"), shelf("B", has(lot(goods("MUG", 1), "L2")))}}, "B:10:joins_item"},
		"beside others last":            {putaway.Ask{Places: []putaway.Place{shelf("A", has(goods("CUP", 1))), shelf("B", units(4))}}, "B:4:empty A:6:shares"},
		"bulk before other faces' kind": {putaway.Ask{HasFace: true, Places: []putaway.Place{shelf("A", forPicks), shelf("B", at(9))}}, "B:10:empty"},
		"without a face, the walk":      {putaway.Ask{Places: []putaway.Place{shelf("A", forPicks), shelf("B", at(9))}}, "A:10:empty"},
		"the rule's zones in their order": {putaway.Ask{Rule: rule, Places: []putaway.Place{
			shelf("A", in("SLOW"), units(9)), shelf("B", in("FAST"), units(4)), shelf("C", in("COLD")),
		}}, "B:4:empty A:6:empty"},
		"against the rule where it lies already": {putaway.Ask{Rule: rule, Places: []putaway.Place{shelf("C", in("COLD"), has(goods("MUG", 1)))}}, "C:10:joins_lot"},
		"several, and some find none":            {putaway.Ask{Places: []putaway.Place{shelf("A", units(3)), shelf("B", units(4))}}, "A:3:empty B:4:empty left 3"},
		"nowhere":                                {putaway.Ask{}, "left 10"},
	} {
		t.Run(name, func(t *testing.T) {
			c.a.Goods = []putaway.Goods{goods("MUG", 10)}
			if got := where(c.a); got != c.want {
				t.Errorf("%s, expected %s", got, c.want)
			}
		})
	}
}

func TestWhatStandsOnOneLPNGoesToOnePlace(t *testing.T) {
	pallet := []putaway.Goods{on(goods("MUG", 6), "P"), on(goods("CUP", 5), "P")}
	for name, c := range map[string]struct {
		places []putaway.Place
		want   string
	}{
		"what takes half of it is passed over": {[]putaway.Place{shelf("A", units(10)), shelf("B", units(11))}, "B:11:empty"},
		"one item at a time takes none":        {[]putaway.Place{shelf("A", mixes(location.OneItem))}, "left 11"},
		"a face takes no mixed pallet":         {[]putaway.Place{shelf("A", face("MUG", 50)), shelf("B")}, "B:11:empty"},
	} {
		if got := where(putaway.Ask{Goods: pallet, Whole: true, Places: c.places}); got != c.want {
			t.Errorf("%s: %s, expected %s", name, got, c.want)
		}
	}
}

func TestWhyAPlaceTakesNone(t *testing.T) {
	cold, acid := goods("ICE", 1), goods("ACID", 1)
	cold.Item.Spec.StorageType, acid.Item.Spec.Packing.Segregation = "cold", "corrosive"
	for why, c := range map[string]struct {
		g putaway.Goods
		p putaway.Place
	}{
		putaway.Blocked:     {goods("MUG", 1), shelf("A", func(p *putaway.Place) { p.Status = location.StatusBlocked })},
		putaway.NotStorage:  {goods("MUG", 1), shelf("A", func(p *putaway.Place) { p.Spec.Purpose = location.Dock })},
		putaway.OthersSlot:  {goods("MUG", 1), shelf("A", face("CUP", 9))},
		putaway.StorageType: {cold, shelf("A", func(p *putaway.Place) { p.Spec.StorageType = "shelf" })},
		putaway.OtherItem:   {goods("MUG", 1), shelf("A", mixes(location.OneItem), has(goods("CUP", 1)))},
		putaway.OtherLot:    {lot(goods("MUG", 1), "L2"), shelf("A", mixes(location.OneLot), has(lot(goods("MUG", 1), "L1")))},
		putaway.Segregated:  {acid, shelf("A", has(goods("MUG", 1)))},
		putaway.FullSlot:    {goods("MUG", 1), shelf("A", face("MUG", 9), has(goods("MUG", 9)))},
		putaway.FullUnits:   {goods("MUG", 1), shelf("A", units(9), has(goods("CUP", 9)))},
		putaway.FullVolume:  {goods("MUG", 1), shelf("A", has(goods("CUP", 9)), func(p *putaway.Place) { p.Spec.Capacity.Volume = 9_999_999 })},
		putaway.FullWeight:  {goods("MUG", 1), shelf("A", has(goods("CUP", 9)), func(p *putaway.Place) { p.Spec.Capacity.Weight = 9*measure.Kilogram + 1 })},
		putaway.FullLPNs:    {on(goods("MUG", 1), "P-2"), shelf("A", has(on(goods("MUG", 1), "P-1")), func(p *putaway.Place) { p.Spec.Capacity.LPNs = 1 })},
	} {
		if room, got := putaway.Room(c.g, c.p); room != 0 || got != why {
			t.Errorf("%s: room %d, %q", why, room, got)
		}
	}
	for name, p := range map[string]putaway.Place{
		"goods whose size nobody knows": shelf("A", func(p *putaway.Place) { p.Spec.Capacity.Volume = 1 }),
		"no bound":                      shelf("A"),
	} {
		g := goods("MUG", 1)
		g.Item.Spec.Units = []item.Unit{{UOM: item.Each, Factor: 1}}
		if room, why := putaway.Room(g, p); room != -1 || why != "" {
			t.Errorf("%s: room %d, %q", name, room, why)
		}
	}
	// So much lies there that its volume is no number.
	full := shelf("A", has(goods("CUP", 1<<62)), func(p *putaway.Place) { p.Spec.Capacity.Volume = 1 << 62 })
	if room, why := putaway.Room(goods("MUG", 1), full); room != 0 || why != putaway.FullVolume {
		t.Errorf("room %d, %q", room, why)
	}
	// The same LPN may come again where the LPNs are counted.
	again := shelf("A", has(on(goods("MUG", 1), "P-1")), func(p *putaway.Place) { p.Spec.Capacity.LPNs = 1 })
	if room, _ := putaway.Room(on(goods("CUP", 1), "P-1"), again); room != -1 {
		t.Errorf("room %d", room)
	}
}

// Whatever lies there: a plan hands out what it was given, never more than fits, and says why it
// passed over what ranks before.
func TestAPlanFitsWhatItFills(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		skus := []string{"MUG", "CUP", "ACID"}
		g := func(label string) putaway.Goods {
			x := goods(rapid.SampledFrom(skus).Draw(t, label+" sku"), rapid.Int64Range(1, 12).Draw(t, label+" qty"))
			x.Lot = rapid.SampledFrom([]string{"", "L1", "L2"}).Draw(t, label+" lot")
			if x.Item.SKU == "ACID" {
				x.Item.Spec.Packing.Segregation = "corrosive"
			}
			return x
		}
		a := putaway.Ask{Goods: []putaway.Goods{g("goods")}, Whole: rapid.Bool().Draw(t, "whole"), HasFace: rapid.Bool().Draw(t, "face")}
		if a.Whole {
			a.Goods[0].LPN = "P"
			more := g("more")
			more.LPN = "P"
			a.Goods = append(a.Goods, more)
		}
		for i := range rapid.IntRange(0, 6).Draw(t, "places") {
			p := shelf(fmt.Sprint("S", i), at(rapid.Int64Range(0, 9).Draw(t, "seq")), units(rapid.Int64Range(0, 20).Draw(t, "units")),
				mixes(rapid.SampledFrom([]string{"", location.OneItem, location.OneLot}).Draw(t, "mix")))
			if rapid.Bool().Draw(t, "slot") {
				face(rapid.SampledFrom(skus).Draw(t, "of"), rapid.Int64Range(1, 9).Draw(t, "most"))(&p)
			}
			for range rapid.IntRange(0, 2).Draw(t, "lying") {
				p.Lying = append(p.Lying, g("lying"))
			}
			a.Places = append(a.Places, p)
		}
		steps, left := putaway.Plan(a)
		var all, put int64
		for _, x := range a.Goods {
			all += x.Qty
		}
		seen := map[string]bool{}
		for _, s := range steps {
			put += s.Qty
			for _, p := range a.Places {
				if p.Location != s.Location {
					continue
				}
				fill := a.Goods
				if !a.Whole {
					fill = []putaway.Goods{a.Goods[0]}
					fill[0].Qty = s.Qty
				}
				if why, _ := putaway.All(fill, p); why != "" || seen[s.Location] || s.Why.Because == "" {
					t.Fatalf("%+v into %+v: %q", s, p, why)
				}
			}
			seen[s.Location] = true
			for _, r := range s.Why.Refused {
				if r.Why == "" || seen[r.Location] {
					t.Fatalf("passed over without a reason: %+v", s)
				}
			}
		}
		if put+left != all || a.Whole && put != 0 && put != all {
			t.Fatalf("%d of %d were put, %d left", put, all, left)
		}
	})
}
