package inventory_test

import (
	"fmt"
	"math/bits"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
)

// dozens are units of an item in cases of 12 and pallets of 48.
var dozens = []item.Unit{{UOM: "each", Factor: 1}, {UOM: "case", Factor: 12}, {UOM: "pallet", Factor: 48}}

func allocatedOf(s inventory.Stock) int64 {
	var n int64
	for _, sh := range s.Shelves {
		n += sh.Allocated
	}
	return n
}

func ExampleAllocate_Decide_byUnit() {
	var s inventory.Stock
	for i, q := range []int64{100, 48, 30, 9} {
		evs, _, _ := inventory.Receive{BookKey: key, Place: place(fmt.Sprintf("%c-1", "BBBP"[i])), Qty: q}.Decide(s, at.Add(time.Duration(i)*time.Hour))
		if i < 3 {
			evs, _, _ = inventory.Receive{BookKey: key, Place: place(fmt.Sprintf("B-%d", i)), Qty: q}.Decide(s, at.Add(time.Duration(i)*time.Hour))
		}
		s, _ = inventory.Fold.Replay(s, evs...)
	}
	v := inventory.View{Stock: s, Bulk: func(l string) bool { return l[0] == 'B' }}
	evs, _, _ := inventory.Allocate{BookKey: key, Qty: 48*2 + 12 + 5, Strategy: inventory.ByUnit, Units: dozens}.Decide(v, at)
	for _, e := range evs {
		a := e.(inventory.StockAllocated)
		fmt.Println(a.Qty, a.Location, a.Why.UOM, a.Why.Because)
	}
	// Output:
	// 96 B-0 pallet full_units
	// 12 B-1 case full_units
	// 5 P-1 each oldest_receipt
}

// shelves draws a few places with stock.
func shelves(t *rapid.T) inventory.Stock {
	var s inventory.Stock
	for i := range rapid.IntRange(1, 7).Draw(t, "places") {
		sh := inventory.Shelf{
			Place: inventory.Place{Location: fmt.Sprintf("A-%d", i), Lot: fmt.Sprintf("L%d", i)}, Free: rapid.Int64Range(1, 60).Draw(t, "free"),
			Since: at.Add(-time.Duration(rapid.IntRange(0, 9).Draw(t, "age")) * time.Hour),
		}
		if d := rapid.IntRange(-2, 9).Draw(t, "expiry"); d != 0 {
			sh.Expiry = inventory.Date(at.AddDate(0, 0, d*10).Format(time.DateOnly))
		}
		s.Shelves = append(s.Shelves, sh)
	}
	return s
}

// TestEachStrategyKeepsItsPromise holds every strategy against a count of all choices.
func TestEachStrategyKeepsItsPromise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := shelves(t)
		c := inventory.Allocate{BookKey: key, Qty: rapid.Int64Range(1, 200).Draw(t, "qty"), Units: dozens, Partial: true,
			Strategy: rapid.SampledFrom(inventory.Strategies()).Draw(t, "strategy")}
		if rapid.Bool().Draw(t, "demand") {
			c.MinExpiry, c.MinExpiryBy = inventory.Date(at.AddDate(0, 0, 35).Format(time.DateOnly)), inventory.ByItem
		}
		evs, _, err := c.Decide(inventory.View{Stock: s}, at)
		if err != nil {
			t.Fatal(err)
		}
		today := inventory.Date(at.Format(time.DateOnly))
		var fit []inventory.Shelf
		var there int64
		for _, sh := range s.Shelves {
			if (sh.Expiry == "" || sh.Expiry >= today) && (c.MinExpiry == "" || sh.Expiry >= c.MinExpiry) {
				fit, there = append(fit, sh), there+sh.Free
			}
		}
		taken := map[string]int64{}
		var sum int64
		var order []inventory.Shelf
		for _, e := range evs {
			a := e.(inventory.StockAllocated)
			sh, _ := s.Shelf(a.Place)
			if a.Why.Strategy != c.Strategy || a.Why.Because == "" || a.Why.Expiry != sh.Expiry || !a.Why.Since.Equal(sh.Since) || a.Why.MinExpiry != c.MinExpiry || a.Why.MinExpiryBy != c.MinExpiryBy {
				t.Fatalf("no reason: %+v", a)
			}
			if taken[a.Location] += a.Qty; taken[a.Location] > sh.Free || c.MinExpiry != "" && sh.Expiry < c.MinExpiry || sh.Expiry != "" && sh.Expiry < today {
				t.Fatalf("%d of %+v", taken[a.Location], sh)
			}
			sum += a.Qty
			order = append(order, sh)
		}
		if want := min(c.Qty, there); sum != want {
			t.Fatalf("%d of %d taken, %d are there", sum, c.Qty, there)
		}
		later := func(a, b inventory.Shelf) bool { return a.Since.After(b.Since) }
		for i := 1; i < len(order); i++ {
			a, b := order[i-1], order[i]
			switch c.Strategy {
			case inventory.FIFO:
				if later(a, b) {
					t.Fatalf("fifo took %+v before %+v", a, b)
				}
			case inventory.LIFO:
				if later(b, a) {
					t.Fatalf("lifo took %+v before %+v", a, b)
				}
			case inventory.FEFO:
				if a.Expiry == "" && b.Expiry != "" || a.Expiry != "" && b.Expiry != "" && a.Expiry > b.Expiry {
					t.Fatalf("fefo took %+v before %+v", a, b)
				}
			}
		}
		if c.Strategy != inventory.FewestPicks && c.Strategy != inventory.PickToClean {
			return
		}
		fewest, cleanest, cleaned := len(fit), 0, 0
		for set := range uint(1) << len(fit) {
			var n int64
			for i, sh := range fit {
				if set>>i&1 == 1 {
					n += sh.Free
				}
			}
			if n >= sum {
				fewest = min(fewest, bits.OnesCount(set))
			}
			if n <= sum {
				cleanest = max(cleanest, bits.OnesCount(set))
			}
		}
		for _, sh := range fit {
			if taken[sh.Location] == sh.Free {
				cleaned++
			}
		}
		if c.Strategy == inventory.FewestPicks && len(taken) != fewest {
			t.Fatalf("%d places for %d, %d would do: %+v", len(taken), sum, fewest, fit)
		}
		if c.Strategy == inventory.PickToClean && cleaned != cleanest {
			t.Fatalf("%d places emptied by %d, %d could be: %+v", cleaned, sum, cleanest, fit)
		}
	})
}

func TestByUnitBreaksNoPalletWithoutNeed(t *testing.T) {
	s := inventory.Stock{Shelves: []inventory.Shelf{{Place: place("B-1"), Free: 48}, {Place: place("P-1"), Free: 20, Since: at}}}
	v := inventory.View{Stock: s, Bulk: func(l string) bool { return l == "B-1" }}
	for _, c := range []struct {
		qty  int64
		want string
	}{
		{48, "48 B-1 pallet; "},
		{5, "5 P-1 each; "},
		{12, "12 B-1 case; "}, // a case from bulk, a pick face is for pieces
		{25, "24 B-1 case; 1 P-1 each; "},
		{68, "48 B-1 pallet; 12 P-1 case; 8 P-1 each; "},
		{1, "1 P-1 each; "},
	} {
		got := ""
		evs, _, err := inventory.Allocate{BookKey: key, Qty: c.qty, Strategy: inventory.ByUnit, Units: dozens}.Decide(v, at)
		for _, e := range evs {
			a := e.(inventory.StockAllocated)
			got += fmt.Sprintf("%d %s %s; ", a.Qty, a.Location, a.Why.UOM)
		}
		if err != nil || got != c.want {
			t.Errorf("%d: %q, expected %q (%v)", c.qty, got, c.want, err)
		}
	}
}

func TestSettleMakesTheBooksAgree(t *testing.T) {
	// 10 free, 4 of them promised; 3 allocated; 5 suspect; 2 damaged.
	start := func() *house {
		h := filled(t, 20)
		for _, f := range []func() ([]event.Event, []journal.Posting, error){
			func() ([]event.Event, []journal.Posting, error) {
				return inventory.Reserve{BookKey: key, Qty: 7}.Decide(h.of, at)
			},
			func() ([]event.Event, []journal.Posting, error) {
				return inventory.Allocate{BookKey: key, Qty: 3}.Decide(inventory.View{Stock: h.stock}, at)
			},
			func() ([]event.Event, []journal.Posting, error) {
				return inventory.ChangeStatus{BookKey: key, Place: place("A-1"), From: inventory.Free, To: inventory.Suspect, Qty: 5, Reason: "x"}.Decide(at)
			},
			func() ([]event.Event, []journal.Posting, error) {
				return inventory.ChangeStatus{BookKey: key, Place: place("A-1"), From: inventory.Free, To: inventory.Damaged, Qty: 2, Reason: "x"}.Decide(at)
			},
		} {
			evs, posts, err := f()
			h.do(t, evs, posts, err)
		}
		return h
	}
	for counted, want := range map[int64]string{
		20: "free 15 suspect 0 damaged 2 unsettled 0", // all found again
		25: "free 20 suspect 0 damaged 2 unsettled 0",
		18: "free 13 suspect 0 damaged 2 unsettled 0",
		15: "free 10 suspect 0 damaged 2 unsettled 0",
		10: "free 5 suspect 0 damaged 2 unsettled 0",
		8:  "free 4 suspect 0 damaged 1 unsettled 0", // four are promised
		0:  "free 4 suspect 0 damaged 0 unsettled 7", // and three have a place
	} {
		h := start()
		evs, posts, err := inventory.Settle{BookKey: key, Place: place("A-1"), Counted: counted, Reason: "count", Count: "C-1"}.Decide(h.of, at)
		h.do(t, evs, posts, err)
		end := evs[len(evs)-1].(inventory.StockCounted)
		sh, _ := h.stock.Shelf(place("A-1"))
		got := fmt.Sprintf("free %d suspect %d damaged %d unsettled %d", sh.Free, sh.Suspect, sh.Damaged, end.Unsettled)
		if got != want || end.Booked != 20 || sh.Counting != (end.Unsettled > 0) || h.stock.OnHand() != counted+end.Unsettled {
			t.Errorf("counted %d: %s, expected %s; %+v", counted, got, want, sh)
		}
	}
}

func TestAQuarantineFindsItsLotEverywhereAndKeepsPromises(t *testing.T) {
	h := &house{newLedger(), inventory.Stock{}}
	for _, p := range []inventory.Place{{Location: "A", Lot: "BAD"}, {Location: "B", Lot: "BAD", LPN: "P1"}, {Location: "B", Lot: "GOOD"}} {
		evs, posts, err := inventory.Receive{BookKey: key, Place: p, Qty: 10}.Decide(h.stock, at)
		h.do(t, evs, posts, err)
	}
	evs, posts, err := inventory.Reserve{BookKey: key, Qty: 15}.Decide(h.of, at)
	h.do(t, evs, posts, err)
	q := inventory.Quarantine{BookKey: key, Place: inventory.Place{Lot: "BAD"}, Reason: "recall", By: "qa"}
	evs, posts, left, err := q.Decide(h.stock, h.of, at)
	h.do(t, evs, posts, err)
	// 30 free, 15 promised: 15 of the 20 can be held, 5 must stay until a promise is taken back.
	if left != 5 || len(evs) != 2 || h.stock.AvailableToPromise() != 0 {
		t.Fatalf("left %d, %v, %+v", left, evs, h.stock)
	}
	q.Release = true
	evs, posts, left, err = q.Decide(h.stock, h.of, at)
	h.do(t, evs, posts, err)
	if left != 0 || h.stock.AvailableToPromise() != 15 {
		t.Errorf("released: left %d, %+v", left, h.stock)
	}
}

func TestNewCommandsAreRefusedWithPlace(t *testing.T) {
	none := func(string, string) int64 { return 0 }
	quarantine := func(c inventory.Quarantine) error {
		_, _, _, err := c.Decide(inventory.Stock{}, none, at)
		return err
	}
	settle := func(c inventory.Settle) error {
		c.BookKey = key
		evs, posts, err := c.Decide(none, at)
		if len(evs)+len(posts) > 0 && err != nil {
			t.Errorf("an error and %v", evs)
		}
		return err
	}
	reassign := func(c inventory.Reassign) error { _, err := c.Decide(at); return err }
	old := inventory.Receive{BookKey: key, Place: inventory.Place{Location: "A", Lot: "L"}, Qty: 1, Expiry: "2026-12-01"}
	receive := func(change func(*inventory.Receive)) error {
		c := old
		change(&c)
		_, _, err := c.Decide(inventory.Stock{}, at)
		return err
	}
	a := place("A")
	for i, c := range []struct {
		place string
		kind  fault.Kind
		err   error
	}{
		{"lot", fault.Invalid, quarantine(inventory.Quarantine{BookKey: key, Reason: "x"})},
		{"reason", fault.Invalid, quarantine(inventory.Quarantine{BookKey: key, Place: a})},
		{"lot", fault.Rejected, quarantine(inventory.Quarantine{BookKey: key, Place: a, Reason: "x"})},
		{"counted", fault.Invalid, settle(inventory.Settle{Place: a, Reason: "x", Counted: -1})},
		{"reason", fault.Invalid, settle(inventory.Settle{Place: a})},
		{"location", fault.Invalid, settle(inventory.Settle{Reason: "x"})},
		{"to", fault.Invalid, reassign(inventory.Reassign{BookKey: key, Place: a, Qty: 1, Reason: "x"})},
		{"qty", fault.Invalid, reassign(inventory.Reassign{BookKey: key, Place: a, Reason: "x", To: inventory.For{Order: "1"}})},
		{"item", fault.Rejected, receive(func(c *inventory.Receive) { c.Status = item.Blocked })},
		{"item", fault.Rejected, receive(func(c *inventory.Receive) { c.Status = item.PhasedOut })},
		{"expiry", fault.Rejected, receive(func(c *inventory.Receive) { c.MinDays = 9 })},
	} {
		if fault.KindOf(c.err) != c.kind || fault.PlaceOf(c.err) != c.place {
			t.Errorf("%d: place %q, expected %q: %v", i, fault.PlaceOf(c.err), c.place, c.err)
		}
	}
	for name, change := range map[string]func(*inventory.Receive){
		"a return of what is phased out": func(c *inventory.Receive) { c.Status, c.From = item.PhasedOut, inventory.Return },
		"a short life, on hold":          func(c *inventory.Receive) { c.MinDays, c.Stage = 9, inventory.Held },
		"a life that is just enough":     func(c *inventory.Receive) { c.MinDays = 8 },
	} {
		if err := receive(change); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := inventory.CheckStrategy("nearest"); err == nil {
		t.Error("nearest is no strategy")
	}
}
