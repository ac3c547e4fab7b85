package replenish_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/replenish"
)

var (
	at    = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	units = []item.Unit{{UOM: "each", Factor: 1}, {UOM: "case", Factor: 12}, {UOM: "pallet", Factor: 48}}
)

func shelf(l string, free int64, expiry inventory.Date) inventory.Shelf {
	return inventory.Shelf{Place: inventory.Place{Location: l}, Free: free, Expiry: expiry}
}

func ask(kind string, face int64, sources ...inventory.Shelf) replenish.Ask {
	return replenish.Ask{
		Kind: kind, Face: replenish.Face{Location: "P-1", Slot: location.Slot{Owner: "acme", Item: "MUG", Min: 10, Max: 60}},
		Stock: inventory.Stock{Shelves: append([]inventory.Shelf{shelf("P-1", face, "")}, sources...)}, Units: units,
		Source: func(l string) bool { return l[0] == 'B' },
	}
}

func TestWhatIsFetched(t *testing.T) {
	two := []inventory.Shelf{shelf("B-1", 100, ""), shelf("B-2", 20, "2027-01-01")}
	for _, c := range []struct {
		name string
		ask  replenish.Ask
		want string
	}{
		{"a face at its least needs nothing", ask(replenish.MinMax, 10, two...), ""},
		{"a face below is filled up, what expires first, in whole units", ask(replenish.MinMax, 9, two...), "12 B-2 case, 36 B-1 case, "},
		{"top-off fills what is above the least", ask(replenish.TopOff, 12, two...), "12 B-2 case, 36 B-1 case, "},
		{"a full face is not topped off", ask(replenish.TopOff, 60, two...), ""},
		{"pallets where they fit", ask(replenish.Emergency, 0, two[:1]...), "48 B-1 pallet, "},
		{"pieces where no case fits", ask(replenish.TopOff, 55, two[:1]...), "5 B-1 each, "},
		{"pieces where there is no case", ask(replenish.Emergency, 0, shelf("B-1", 7, "")), "7 B-1 each, "},
		{"nothing to be had", ask(replenish.Emergency, 0), ""},
		{"nothing from other faces", ask(replenish.Emergency, 0, shelf("P-2", 50, "")), ""},
		{"nothing that has expired", ask(replenish.Emergency, 0, shelf("B-1", 50, "2026-11-22")), ""},
		{"nothing that is being counted", ask(replenish.Emergency, 0, inventory.Shelf{Place: inventory.Place{Location: "B-1"}, Free: 50, Counting: true}), ""},
		{"a demand beyond the most", func() replenish.Ask { a := ask(replenish.Demand, 10, two[:1]...); a.Wanted = 82; return a }(), "72 B-1 case, "},
		{"pieces of several places where none has a case", ask(replenish.Emergency, 45, shelf("B-1", 7, ""), shelf("B-2", 5, ""), shelf("B-3", 9, "")), "7 B-1 each, 5 B-2 each, 3 B-3 each, "},
		{"cases of several places where none has enough", ask(replenish.MinMax, 0, shelf("B-1", 25, ""), shelf("B-2", 11, ""), shelf("B-3", 13, "")), "24 B-1 case, 12 B-3 case, "},
		{"a demand down to the piece", func() replenish.Ask { a := ask(replenish.Demand, 0, two...); a.Wanted = 30; return a }(), "18 B-2 each, 12 B-1 case, "},
		{"a demand that nobody can meet", func() replenish.Ask { a := ask(replenish.Demand, 0, two...); a.Wanted = 500; return a }(), "20 B-2 each, 100 B-1 each, "},
		{"a demand that is met", func() replenish.Ask { a := ask(replenish.Demand, 10, two...); a.Wanted = 10; return a }(), ""},
		{"what is on its way counts", func() replenish.Ask { a := ask(replenish.MinMax, 2, two...); a.Face.Coming = 8; return a }(), ""},
	} {
		moves, why, err := replenish.Plan(c.ask, at)
		got := ""
		for _, m := range moves {
			got += fmt.Sprintf("%d %s %s, ", m.Qty, m.From.Location, m.UOM)
		}
		if err != nil || got != c.want || why.Kind != c.ask.Kind || why.Max != 60 {
			t.Errorf("%s: %q, expected %q; %+v, %v", c.name, got, c.want, why, err)
		}
	}
}

func TestPlansAreRefusedWithPlace(t *testing.T) {
	for place, change := range map[string]func(*replenish.Ask){
		"kind":     func(a *replenish.Ask) { a.Kind = "sometimes" },
		"location": func(a *replenish.Ask) { a.Face.Slot = location.Slot{} },
		"wanted":   func(a *replenish.Ask) { a.Wanted = -1 },
	} {
		a := ask(replenish.MinMax, 0)
		change(&a)
		if moves, _, err := replenish.Plan(a, at); len(moves) != 0 || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v, %v", place, moves, err)
		}
	}
}

// A face is never filled above its most, nothing is fetched that is not there, and nothing that is
// wanted stays where it could be fetched in the way that the kind allows.
func TestAFaceIsNeverOverfilled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := ask(rapid.SampledFrom(replenish.Kinds()).Draw(t, "kind"), rapid.Int64Range(0, 70).Draw(t, "face"))
		a.Wanted = rapid.Int64Range(0, 60).Draw(t, "wanted")
		a.Face.Coming = rapid.Int64Range(0, 20).Draw(t, "coming")
		for i := range rapid.IntRange(0, 4).Draw(t, "sources") {
			a.Stock.Shelves = append(a.Stock.Shelves, shelf(fmt.Sprintf("B-%d", i), rapid.Int64Range(0, 90).Draw(t, "free"), ""))
		}
		moves, why, err := replenish.Plan(a, at)
		if err != nil {
			t.Fatal(err)
		}
		var sum int64
		for _, m := range moves {
			var sh inventory.Shelf
			for _, x := range a.Stock.Shelves {
				if x.Place == m.From {
					sh = x
				}
			}
			if sum += m.Qty; m.Qty < 1 || m.Qty > sh.Free {
				t.Fatalf("%+v of %+v", m, sh)
			}
		}
		if sum > 0 && why.Have+why.Coming+sum > 60 {
			t.Fatalf("%+v and %d come", why, sum)
		}
		need := 60 - why.Have - why.Coming - sum
		if a.Kind == replenish.Demand {
			need = a.Wanted - why.Have - why.Coming - sum
		}
		if need <= 0 || a.Kind == replenish.MinMax && why.Have+why.Coming >= 10 {
			return
		}
		for _, sh := range a.Stock.Shelves[1:] {
			used := false
			for _, m := range moves {
				if m.From == sh.Place {
					sh.Free, used = sh.Free-m.Qty, true
				}
			}
			if sh.Free > 0 && (sum == 0 || a.Kind == replenish.Demand || !used && min(need, sh.Free) >= 12) {
				t.Fatalf("%d are lacking and %d stay at %s: %+v", need, sh.Free, sh.Location, moves)
			}
		}
	})
}
