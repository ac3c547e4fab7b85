package carton_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/carton"
)

// judge holds a packing against the goods, box by box.
func judge(goods []carton.Goods, kinds []carton.Kind, p carton.Packing) error {
	left := make([]int, len(goods))
	types := make([]carton.Type, len(goods))
	for i, g := range goods {
		left[i] = g.Qty
		types[i] = carton.Type{ID: i, Size: g.Size, Upright: g.Upright, Qty: g.Qty}
	}
	var sum carton.Cost
	for n, c := range p.Cartons {
		k := kinds[c.Kind]
		var placed []carton.Placement
		for _, g := range c.Grids {
			for x := range g.N[0] {
				for y := range g.N[1] {
					for z := range g.N[2] {
						placed = append(placed, carton.Placement{Type: g.Type, Size: g.Size, At: carton.Size{g.At[0] + x*g.Size[0], g.At[1] + y*g.Size[1], g.At[2] + z*g.Size[2]}})
					}
				}
			}
		}
		if c.Copies < 1 || len(placed) == 0 {
			return fmt.Errorf("carton %d: %d copies of %d boxes", n, c.Copies, len(placed))
		}
		if err := carton.Check(carton.Problem{Container: k.Size, Types: types}, placed); err != nil {
			return fmt.Errorf("carton %d: %w", n, err)
		}
		var weight, volume int64
		for _, b := range placed {
			left[b.Type] -= c.Copies
			weight += goods[b.Type].Weight
			volume += b.Size.Volume()
			if goods[b.Type].Class != goods[placed[0].Type].Class {
				return fmt.Errorf("carton %d: classes %q and %q", n, goods[b.Type].Class, goods[placed[0].Type].Class)
			}
		}
		if weight != c.Weight || weight > k.MaxWeight {
			return fmt.Errorf("carton %d: weighs %d, said %d, allowed %d", n, weight, c.Weight, k.MaxWeight)
		}
		if volume != c.Volume || k.Room > 0 && volume > k.Room && len(placed) > 1 {
			return fmt.Errorf("carton %d: has %d in it, said %d, allowed %d", n, volume, c.Volume, k.Room)
		}
		for i, b := range placed {
			g := goods[b.Type]
			on := standing(placed, i)
			var load int64
			for _, j := range on {
				load += goods[placed[j].Type].Weight
			}
			if g.Fragile && len(on) > 0 {
				return fmt.Errorf("carton %d: box %d is fragile and bears %v", n, i, on)
			}
			if g.Bears > 0 && load > g.Bears {
				return fmt.Errorf("carton %d: box %d bears %d, allowed %d", n, i, load, g.Bears)
			}
		}
		sum.Cost += k.Cost * int64(c.Copies)
		sum.Cartons += c.Copies
		sum.Volume += k.Size.Volume() * int64(c.Copies)
	}
	for i, n := range left {
		if n != 0 {
			return fmt.Errorf("goods %d: %d left", i, n)
		}
	}
	if sum != p.Cost {
		return fmt.Errorf("costs %+v, said %+v", sum, p.Cost)
	}
	if p.Cost.Cost < p.Bound.Cost || p.Cost.Cartons < p.Bound.Cartons || p.Cost.Volume < p.Bound.Volume && kinds[0].Room == 0 {
		return fmt.Errorf("costs %+v, below the bound %+v", p.Cost, p.Bound)
	}
	return nil
}

// standing are the boxes on a box, and those on them.
func standing(placed []carton.Placement, i int) []int {
	found := []int{i}
	for q := 0; q < len(found); q++ {
		b := placed[found[q]]
		for j, o := range placed {
			if o.At[2] == b.At[2]+b.Size[2] && o.At[0] < b.At[0]+b.Size[0] && b.At[0] < o.At[0]+o.Size[0] &&
				o.At[1] < b.At[1]+b.Size[1] && b.At[1] < o.At[1]+o.Size[1] && !slices.Contains(found, j) {
				found = append(found, j)
			}
		}
	}
	return found[1:]
}

func drawKinds(t *rapid.T) []carton.Kind {
	var kinds []carton.Kind
	costs := rapid.Bool().Draw(t, "costs")
	for i := range rapid.IntRange(1, 3).Draw(t, "kinds") {
		k := carton.Kind{
			Size:      carton.Size{rapid.IntRange(20, 60).Draw(t, "length"), rapid.IntRange(20, 50).Draw(t, "width"), rapid.IntRange(15, 40).Draw(t, "height")},
			MaxWeight: rapid.Int64Range(50, 500).Draw(t, "max weight"),
		}
		if costs {
			k.Cost = rapid.Int64Range(10, 99).Draw(t, "cost")
		}
		if i > 0 && rapid.Bool().Draw(t, "dunnage") {
			k.Room = k.Size.Volume() * 85 / 100
		}
		kinds = append(kinds, k)
	}
	return kinds
}

func drawGoods(t *rapid.T) []carton.Goods {
	var goods []carton.Goods
	for range rapid.IntRange(1, 8).Draw(t, "goods") {
		g := carton.Goods{
			Size:    carton.Size{rapid.IntRange(1, 20).Draw(t, "a"), rapid.IntRange(1, 20).Draw(t, "b"), rapid.IntRange(1, 15).Draw(t, "c")},
			Upright: [3]bool{rapid.Bool().Draw(t, "1"), rapid.Bool().Draw(t, "2"), true},
			Weight:  rapid.Int64Range(0, 50).Draw(t, "weight"),
			Fragile: rapid.IntRange(0, 3).Draw(t, "fragile") == 0,
			Class:   rapid.SampledFrom([]string{"", "", "food", "hazmat"}).Draw(t, "class"),
			Qty:     rapid.IntRange(1, 40).Draw(t, "qty"),
		}
		if rapid.Bool().Draw(t, "limited") {
			g.Bears = rapid.Int64Range(1, 80).Draw(t, "bears")
		}
		goods = append(goods, g)
	}
	return goods
}

// TestPackKeepsEveryRule packs random orders: all units, within weight and room,
// fragile ones bear nothing, no limit of stacking is exceeded, classes stay apart,
// it is never worse than first fit and never below the bound.
func TestPackKeepsEveryRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		goods, kinds := drawGoods(t), drawKinds(t)
		p := carton.Pack(goods, kinds, carton.Options{Seed: 1, Effort: 30_000})
		if err := judge(goods, kinds, p); err != nil {
			t.Fatalf("%v\n%+v", err, p)
		}
		if p.Cost.Cost > p.FirstFit.Cost || p.Cost.Cost == p.FirstFit.Cost && p.Cost.Cartons > p.FirstFit.Cartons {
			t.Fatalf("%+v is worse than first fit %+v", p.Cost, p.FirstFit)
		}
		if again := carton.Pack(goods, kinds, carton.Options{Seed: 1, Effort: 30_000}); !reflect.DeepEqual(p, again) {
			t.Fatal("another packing of the same")
		}
	})
}
