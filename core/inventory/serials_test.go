package inventory_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
)

// TestASerialNumberIsInOnePlace lets units come, be picked, put back, shipped, returned and
// adjusted, held back and released in any order, told by people who know nothing of each other:
// the ledger lets each number be here once at most, knows where, and lets nobody pick one that is
// held or damaged.
func TestASerialNumberIsInOnePlace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLedger()
		where := map[string]string{} // the truth: "", shelf, held, tote
		tracked := item.Tracking{Serial: true}
		went, refused := 0, 0
		for range 60 {
			all := []string{"S1", "S2", "S3"}
			list := rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, 2, rapid.ID[string]).Draw(t, "serials")
			n := int64(len(list))
			var posts []journal.Posting
			var err error
			from, to := "", ""
			switch rapid.IntRange(0, 9).Draw(t, "do") {
			case 0:
				from, to = "", "shelf"
				_, posts, err = inventory.Receive{BookKey: key, Place: place("A"), Qty: n, Serials: list, Tracking: tracked}.Decide(inventory.Stock{}, at)
			case 1:
				from, to = "shelf", "tote"
				_, posts, err = inventory.Pick{BookKey: key, Place: place("A"), Tote: "T", Qty: n, Serials: list}.Decide(at)
				posts = append(posts, journal.Posting{Book: key.Book(), Account: "allocated/A//", Amount: n}, journal.Posting{Book: key.Book(), Account: "free/A//", Amount: -n})
				posts = append(posts, journal.Posting{Book: key.Book(), Account: inventory.ATP, Amount: -n}, journal.Posting{Book: key.Book(), Account: inventory.Unallocated, Amount: n, Floor: journal.NoFloor})
			case 2:
				from, to = "tote", "shelf"
				_, posts, err = inventory.PutBack{BookKey: key, From: inventory.InTote("", "T"), To: place("A"), Qty: n, Serials: list}.Decide(at)
			case 3:
				from, to = "tote", ""
				_, posts, err = inventory.Ship{BookKey: key, Carton: "T", Qty: n, Serials: list}.Decide(at)
				posts = append(posts, journal.Posting{Book: key.Book(), Account: "packed///T", Amount: n}, journal.Posting{Book: key.Book(), Account: "picked///T", Amount: -n})
			case 4:
				from, to = "shelf", ""
				_, posts, err = inventory.Adjust{BookKey: key, Place: place("A"), Stage: inventory.Free, Delta: -n, Reason: "lost", Serials: list, Tracking: tracked}.Decide(at)
			case 5:
				from, to = "", "shelf"
				_, posts, err = inventory.Adjust{BookKey: key, Place: place("A"), Stage: inventory.Free, Delta: n, Reason: "found", Serials: list, Tracking: tracked}.Decide(at)
			case 6:
				from, to = "", "held"
				_, posts, err = inventory.Receive{BookKey: key, Place: place("A"), Stage: inventory.Held, Qty: n, Serials: list, Tracking: tracked}.Decide(inventory.Stock{}, at)
			case 7:
				from, to = "shelf", "held"
				_, posts, err = inventory.ChangeStatus{BookKey: key, Place: place("A"), From: inventory.Free, To: inventory.Held, Qty: n, Reason: "leak", Serials: list}.Decide(at)
			case 8:
				from, to = "held", "shelf"
				s := inventory.Stock{BookKey: key, Shelves: []inventory.Shelf{{Place: place("A"), Held: n}}}
				_, posts, _, err = inventory.Quarantine{BookKey: key, Place: place("A"), Release: true, Reason: "dry", Serials: list}.Decide(s, func(string, string) int64 { return n }, at)
			case 9:
				from, to = "held", ""
				_, posts, err = inventory.Adjust{BookKey: key, Place: place("A"), Stage: inventory.Held, Delta: -n, Reason: "scrap", Serials: list, Tracking: tracked}.Decide(at)
			}
			if err != nil {
				t.Fatal(err)
			}
			may := !slices.ContainsFunc(list, func(s string) bool { return where[s] != from })
			if did := l.post(posts) == nil; did != may {
				t.Fatalf("%v from %q to %q: %v, and they are at %v", list, from, to, did, where)
			} else if !did {
				refused++
				continue
			}
			went++
			for _, s := range list {
				where[s] = to
			}
			for _, s := range all {
				sum := l.of(key.Book(), inventory.SerialState(inventory.SerialShelf, s)) + l.of(key.Book(), inventory.SerialState(inventory.SerialHeld, s)) + l.of(key.Book(), inventory.SerialState(inventory.SerialOut, s)) + l.of(key.Book(), inventory.SerialState(inventory.SerialAway, s))
				if sum != 0 {
					t.Fatalf("%s is here %d times", s, sum)
				}
			}
		}
	})
}

func TestSerialNumbersAreRefusedWithPlace(t *testing.T) {
	tracked := item.Tracking{Serial: true}
	receive := func(qty int64, list ...string) ([]event.Event, []journal.Posting, error) {
		return inventory.Receive{BookKey: key, Place: place("A"), Qty: qty, Serials: list, Tracking: tracked}.Decide(inventory.Stock{}, at)
	}
	many := make([]string, inventory.MaxSerials+1)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	for name, c := range map[string]struct {
		place string
		kind  fault.Kind
		do    func() ([]event.Event, []journal.Posting, error)
	}{
		"none":       {"serials", fault.Invalid, func() ([]event.Event, []journal.Posting, error) { return receive(1) }},
		"too few":    {"serials", fault.Invalid, func() ([]event.Event, []journal.Posting, error) { return receive(2, "1") }},
		"twice":      {"serials[1]", fault.Invalid, func() ([]event.Event, []journal.Posting, error) { return receive(2, "1", "1") }},
		"not a name": {"serials[0]", fault.Invalid, func() ([]event.Event, []journal.Posting, error) { return receive(1, " 1") }},
		"too many":   {"serials", fault.Invalid, func() ([]event.Event, []journal.Posting, error) { return receive(int64(len(many)), many...) }},
		"lost, unsaid": {"serials", fault.Invalid, func() ([]event.Event, []journal.Posting, error) {
			return inventory.Adjust{BookKey: key, Place: place("A"), Stage: inventory.Free, Delta: -1, Reason: "x", Tracking: tracked}.Decide(at)
		}},
		"more named than can be held": {"serials", fault.Invalid, func() ([]event.Event, []journal.Posting, error) {
			s := inventory.Stock{BookKey: key, Shelves: []inventory.Shelf{{Place: place("A"), Free: 1}}}
			evs, posts, _, err := inventory.Quarantine{BookKey: key, Place: place("A"), Reason: "leak", Serials: []string{"1", "2"}}.Decide(s, func(_, account string) int64 {
				return int64(strings.Count(account, "free/") + strings.Count(account, inventory.ATP))
			}, at)
			return evs, posts, err
		}},
		"a count that differs": {"counted", fault.Rejected, func() ([]event.Event, []journal.Posting, error) {
			return inventory.Settle{BookKey: key, Place: place("A"), Counted: 1, Reason: "x", Tracking: tracked}.Decide(func(string, string) int64 { return 0 }, at)
		}},
	} {
		if evs, posts, err := c.do(); len(evs)+len(posts) != 0 || fault.PlaceOf(err) != c.place || fault.KindOf(err) != c.kind {
			t.Errorf("%s: %v, place %q: %v", name, evs, fault.PlaceOf(err), err)
		}
	}
	if !inventory.IsSerial(inventory.SerialState(inventory.SerialAway, "a/b")) || inventory.IsSerial(inventory.ATP) {
		t.Error("serial accounts are not told apart")
	}
}
