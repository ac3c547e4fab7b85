package inventory_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
)

func ExampleReconcile() {
	ours := []inventory.Stock{{BookKey: key, Shelves: []inventory.Shelf{
		{Place: inventory.Place{Location: "A-1", Lot: "L1"}, Free: 5, Allocated: 2},
		{Place: inventory.Place{Location: "A-2", Lot: "L1"}, Free: 3},
		{Place: inventory.Place{Location: "A-3"}, Held: 4},
	}}}
	for _, d := range inventory.Reconcile(ours, []inventory.SnapshotLine{
		{BookKey: key, Place: place("A-1"), Qty: 7}, {BookKey: key, Place: place("A-2"), Qty: 1}, {BookKey: key, Place: place("B-9"), Qty: 6},
	}, inventory.Grain{Location: true}) {
		fmt.Println(d.Location, d.Ours, d.Theirs, *d.At, d.Should())
	}
	// Output:
	// A-2 3 1 {A-2 L1 } 1
	// A-3 4 0 {A-3  } 0
	// B-9 0 6 {B-9  } 6
}

func TestDifferencesThatNameNoPlaceCannotBeSetRight(t *testing.T) {
	ours := []inventory.Stock{{BookKey: key, Picked: 2, Shelves: []inventory.Shelf{
		{Place: inventory.Place{Location: "A-1", Lot: "L1"}, Free: 5}, {Place: inventory.Place{Location: "A-1", Lot: "L2"}, Free: 5},
	}}}
	theirs := []inventory.SnapshotLine{{BookKey: key, Place: place("A-1"), Qty: 9}}
	for _, g := range []inventory.Grain{{}, {Location: true}} {
		got := inventory.Reconcile(ours, theirs, g)
		if len(got) != 1 || got[0].At != nil {
			t.Errorf("%+v: %+v", g, got)
		}
	}
	// What is in totes is in the building, and on no shelf.
	if got := inventory.Reconcile(ours, []inventory.SnapshotLine{{BookKey: key, Qty: 12}}, inventory.Grain{}); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	for place, l := range map[string]inventory.SnapshotLine{
		"item": {}, "location": {BookKey: key, Qty: 1}, "qty": {BookKey: key, Place: theirs[0].Place, Qty: -1},
	} {
		if place == "item" {
			l.Scope = key.Scope
		}
		if err := l.Validate(inventory.Grain{Location: true}); fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v", place, err)
		}
	}
}

// Setting right what may be set right leaves no difference there, and no other.
func TestSettlingEveryDifferenceLeavesNone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &house{newLedger(), inventory.Stock{BookKey: key}}
		draw := func(label string) inventory.Place {
			return inventory.Place{Location: rapid.SampledFrom([]string{"A", "B", "C"}).Draw(t, label), Lot: rapid.SampledFrom([]string{"", "L"}).Draw(t, label+" lot")}
		}
		for range rapid.IntRange(0, 6).Draw(t, "receipts") {
			evs, posts, err := inventory.Receive{BookKey: key, Place: draw("place"), Qty: rapid.Int64Range(1, 9).Draw(t, "qty")}.Decide(h.stock, at)
			if err != nil || h.post(posts) != nil {
				t.Fatal(err)
			}
			if h.stock, err = inventory.Fold.Replay(h.stock, evs...); err != nil {
				t.Fatal(err)
			}
		}
		var theirs []inventory.SnapshotLine
		for range rapid.IntRange(0, 6).Draw(t, "lines") {
			theirs = append(theirs, inventory.SnapshotLine{BookKey: key, Place: draw("their place"), Qty: rapid.Int64Range(0, 9).Draw(t, "their qty")})
		}
		g := inventory.Grain{Location: true, Lot: true, LPN: true}
		for _, d := range inventory.Reconcile([]inventory.Stock{h.stock}, theirs, g) {
			if d.At == nil {
				t.Fatalf("%+v", d)
			}
			evs, posts, err := inventory.Settle{BookKey: key, Place: *d.At, Counted: d.Should(), Reason: "reconciled"}.Decide(h.of, at)
			if err != nil || h.post(posts) != nil {
				t.Fatal(err)
			}
			if h.stock, err = inventory.Fold.Replay(h.stock, evs...); err != nil {
				t.Fatal(err)
			}
		}
		if left := inventory.Reconcile([]inventory.Stock{h.stock}, theirs, g); len(left) != 0 {
			t.Fatalf("%+v", left)
		}
	})
}
