package inventory_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
)

// TestEachSerialNumberHasAPlace moves numbered units between shelves, totes, cartons and the world,
// named and not, from where they lie and from where they do not: each is at one place, of the kind
// that the ledger says, and each place has as many as units.
func TestEachSerialNumberHasAPlace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLedger()
		var s inventory.Stock
		tracked := item.Tracking{Serial: true}
		places := []inventory.Place{place("A"), place("B"), {Location: "B", Lot: "L"}, {Location: "C", LPN: "P"}}
		somewhere := rapid.SampledFrom(places)
		next, done := 0, map[string]bool{}
		for range 80 {
			p, to := somewhere.Draw(t, "from"), somewhere.Draw(t, "to")
			to.Lot = p.Lot
			n := rapid.Int64Range(1, 4).Draw(t, "qty")
			pool := map[string][]string{}
			for _, x := range s.WhereSerials() {
				pool[x.Stage] = append(pool[x.Stage], x.Serial)
			}
			named := func(stage string) []string { // that are so, wherever they lie
				if int64(len(pool[stage])) < n {
					return nil
				}
				return rapid.Permutation(pool[stage]).Draw(t, "named")[:n]
			}
			fresh := func() (out []string) {
				for range n {
					next++
					out = append(out, fmt.Sprintf("S%03d", (next*37)%1000))
				}
				return out
			}
			some := func(stage string) []string {
				if rapid.Bool().Draw(t, "unnamed") {
					return nil
				}
				return named(stage)
			}
			var events []event.Event
			var posts []journal.Posting
			var err error
			do := rapid.IntRange(0, 11).Draw(t, "do")
			switch do {
			case 0:
				events, posts, err = inventory.Receive{BookKey: key, Place: p, Qty: n, Serials: fresh(), Tracking: tracked}.Decide(s, at)
			case 1:
				events, posts, err = inventory.Receive{BookKey: key, Place: p, Stage: inventory.Held, Qty: n, Serials: fresh(), Tracking: tracked}.Decide(s, at)
			case 2:
				events, posts, err = inventory.Transfer{BookKey: key, From: p, To: to, Qty: n, Serials: some(inventory.SerialGood)}.Decide(at)
			case 3:
				events, posts, err = inventory.Transfer{BookKey: key, From: p, To: to, Qty: n, Stage: inventory.Held, Serials: some(inventory.Held)}.Decide(at)
			case 4:
				events, posts, err = inventory.PutAway{BookKey: key, From: p, To: to, Qty: n, Stage: inventory.Free, Task: "T", Serials: some(inventory.SerialGood)}.Decide(at)
			case 5:
				events, posts, err = inventory.ChangeStatus{BookKey: key, Place: p, From: inventory.Free, To: inventory.Held, Qty: n, Reason: "r", Serials: named(inventory.SerialGood)}.Decide(at)
			case 6:
				events, posts, err = inventory.ChangeStatus{BookKey: key, Place: p, From: inventory.Held, To: inventory.Free, Qty: n, Reason: "r", Serials: named(inventory.Held)}.Decide(at)
			case 7:
				events, posts, err = inventory.Adjust{BookKey: key, Place: p, Stage: inventory.Free, Delta: -n, Reason: "r", Serials: named(inventory.SerialGood), Tracking: tracked}.Decide(at)
			case 8: // picked, whoever had it
				e, a, err1 := inventory.Reserve{BookKey: key, Qty: n}.Decide(nil, at)
				b := inventory.StockAllocated{Head: inventory.Head{BookKey: key, At: at}, Place: p, Qty: n}
				c, d, err2 := inventory.Pick{BookKey: key, Place: p, Tote: "T", Qty: n, Serials: named(inventory.SerialGood)}.Decide(at)
				events = slices.Concat(e, []event.Event{b}, c)
				posts = slices.Concat(a, []journal.Posting{
					{Book: key.Book(), Account: inventory.Promised, Amount: -n}, {Book: key.Book(), Account: inventory.Unallocated, Amount: n, Floor: journal.NoFloor},
					{Book: key.Book(), Account: p.In(inventory.Free).String(), Amount: -n}, {Book: key.Book(), Account: p.In(inventory.Allocated).String(), Amount: n},
				}, d)
				err = firstOf(err1, err2)
			case 9: // brought back
				events, posts, err = inventory.PutBack{BookKey: key, From: inventory.InTote(p.Lot, "T"), To: p, Qty: n, Serials: named(inventory.SerialLoose)}.Decide(at)
			case 10:
				events, posts, err = inventory.Pack{BookKey: key, Tote: "T", Lot: p.Lot, Carton: "C", Qty: n, Serials: named(inventory.SerialLoose)}.Decide(at)
			case 11:
				events, posts, err = inventory.Ship{BookKey: key, Carton: "C", Lot: p.Lot, Qty: n, Serials: named(inventory.SerialLoose)}.Decide(at)
			}
			if do > 4 && !hasSerials(events) && err == nil {
				continue // an item that is tracked has them named
			}
			if err != nil || l.post(posts) != nil {
				continue
			}
			done[fmt.Sprint(do)] = true
			var ferr error
			if s, ferr = inventory.Fold.Replay(s, events...); ferr != nil {
				t.Fatalf("%v after %+v", ferr, events)
			}
			seen := map[string]bool{}
			for _, x := range s.WhereSerials() {
				in := map[string]string{inventory.SerialGood: inventory.SerialShelf, inventory.Held: inventory.SerialHeld, inventory.SerialLoose: inventory.SerialOut}[x.Stage]
				if l.of(key.Book(), inventory.SerialState(in, x.Serial)) != 1 || seen[x.Serial] {
					t.Fatalf("%+v by the stock, and not by the ledger, after %+v", x, events)
				}
				seen[x.Serial] = true
			}
			var units int64
			for _, sh := range s.Shelves {
				if int64(len(sh.HeldSerials)) != sh.Held+sh.Damaged || int64(len(sh.Serials)) != sh.Total()-sh.Held-sh.Damaged {
					t.Fatalf("%+v after %+v", sh, events)
				}
				units += sh.Total()
			}
			if got := int64(len(seen)); got != units+s.Picked+s.Packed {
				t.Fatalf("%d numbers of %d units", got, units+s.Picked+s.Packed)
			}
		}
		if !done["0"] && !done["1"] {
			t.Skip("nothing came")
		}
	})
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func hasSerials(events []event.Event) bool {
	for _, e := range events {
		switch e := e.(type) {
		case inventory.StockStatusChanged:
			return len(e.Serials) > 0
		case inventory.StockAdjusted:
			return len(e.Serials) > 0
		case inventory.StockPicked:
			return len(e.Serials) > 0
		case inventory.StockPutBack:
			return len(e.Serials) > 0
		case inventory.StockPacked:
			return len(e.Serials) > 0
		case inventory.StockShipped:
			return len(e.Serials) > 0
		}
	}
	return false
}

// Units without a number, which are older than the tracking, take no number of others along.
func TestUnitsWithoutANumberMoveByThemselves(t *testing.T) {
	var s inventory.Stock
	take := func(events []event.Event, _ []journal.Posting, err error) {
		t.Helper()
		if err == nil {
			s, err = inventory.Fold.Replay(s, events...)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	take(inventory.Receive{BookKey: key, Place: place("A"), Qty: 3}.Decide(s, at))
	take(inventory.Receive{BookKey: key, Place: place("A"), Qty: 2, Serials: []string{"S2", "S1"}}.Decide(s, at))
	take(inventory.Transfer{BookKey: key, From: place("A"), To: place("B"), Qty: 2}.Decide(at))
	if got := s.WhereSerials(); len(got) != 2 || got[0].Location != "A" || got[1].Location != "A" {
		t.Errorf("%+v", got)
	}
	take(inventory.Transfer{BookKey: key, From: place("A"), To: place("B"), Qty: 2}.Decide(at))
	if got := s.WhereSerials(); len(got) != 2 || got[0] != (inventory.SerialAt{Serial: "S1", Stage: inventory.SerialGood, Place: place("B")}) || got[1].Location != "A" {
		t.Errorf("%+v", got)
	}
	take(inventory.Adjust{BookKey: key, Place: place("B"), Stage: inventory.Free, Delta: -4, Reason: "lost"}.Decide(at))
	if got := s.WhereSerials(); len(got) != 1 || got[0].Serial != "S2" {
		t.Errorf("%+v", got)
	}
	// A number that the stock does not know of leaves without harm.
	take(inventory.Transfer{BookKey: key, From: place("A"), To: place("B"), Qty: 1, Serials: []string{"S9"}}.Decide(at))
	if got := s.WhereSerials(); len(got) != 1 || got[0].Serial != "S9" {
		t.Errorf("%+v", got)
	}
	for name, c := range map[string]inventory.Transfer{
		"too few": {BookKey: key, From: place("B"), To: place("A"), Qty: 2, Serials: []string{"S9"}},
		"twice":   {BookKey: key, From: place("B"), To: place("A"), Qty: 2, Serials: []string{"S9", "S9"}},
		"no name": {BookKey: key, From: place("B"), To: place("A"), Qty: 1, Serials: []string{""}},
	} {
		if _, _, err := c.Decide(at); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
