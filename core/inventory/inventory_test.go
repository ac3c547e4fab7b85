package inventory_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/scope"
)

var (
	at  = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	key = inventory.BookKey{Scope: scope.Scope{Tenant: "t", Owner: "acme", Facility: "east"}, Item: "WIDGET"}
)

// house is a stock with its ledger.
type house struct {
	*ledger
	stock inventory.Stock
}

func (h *house) do(t testing.TB, evs []event.Event, posts []journal.Posting, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.post(posts); err != nil {
		t.Fatal(err)
	}
	if h.stock, err = inventory.Fold.Replay(h.stock, evs...); err != nil {
		t.Fatal(err)
	}
}

func place(location string) inventory.Place { return inventory.Place{Location: location} }

func filled(t testing.TB, qty ...int64) *house {
	h := &house{newLedger(), inventory.Stock{}}
	for i, n := range qty {
		evs, posts, err := inventory.Receive{BookKey: key, Place: place(fmt.Sprintf("A-%d", i+1)), Qty: n}.Decide(h.stock, at.Add(time.Duration(i)*time.Hour))
		h.do(t, evs, posts, err)
	}
	return h
}

func ExampleAllocate_Decide() {
	var s inventory.Stock
	for _, r := range []inventory.Receive{
		{BookKey: key, Place: inventory.Place{Location: "A-1", Lot: "L1"}, Qty: 10, Expiry: "2027-09-01"},
		{BookKey: key, Place: inventory.Place{Location: "A-2", Lot: "L2"}, Qty: 10, Expiry: "2027-03-01"},
		{BookKey: key, Place: inventory.Place{Location: "A-3", Lot: "L3"}, Qty: 10, Expiry: "2026-12-01"},
	} {
		evs, _, _ := r.Decide(s, at)
		s, _ = inventory.Fold.Replay(s, evs...)
	}
	evs, _, _ := inventory.Allocate{BookKey: key, Qty: 12, Strategy: inventory.FEFO, MinExpiry: "2027-01-01"}.Decide(inventory.View{Stock: s}, at)
	for _, e := range evs {
		a := e.(inventory.StockAllocated)
		fmt.Println(a.Qty, a.Location, a.Lot, a.Why.Because, a.Why.Skipped)
	}
	// Output:
	// 10 A-2 L2 earliest_expiry [{{A-3 L3 } expires_too_soon}]
	// 2 A-1 L1 earliest_expiry [{{A-3 L3 } expires_too_soon}]
}

// TestNoOversell lets everything happen in any order, on views and balances that
// lag. Whatever a decision says, the ledger has the last word; what it lets through
// must keep every law, and what it refuses must change nothing.
func TestNoOversell(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &house{newLedger(), inventory.Stock{}}
		oldLedger, oldStock := h.ledger.clone(), h.stock
		lots := []string{"", "L1"}
		var came, left int64
		for range 60 {
			if rapid.IntRange(0, 2).Draw(t, "refresh") == 0 {
				oldLedger, oldStock = h.ledger.clone(), h.stock
			}
			p := inventory.Place{Location: rapid.SampledFrom([]string{"A", "B"}).Draw(t, "location"), Lot: rapid.SampledFrom(lots).Draw(t, "lot")}
			q := rapid.Int64Range(1, 9).Draw(t, "qty")
			fr := inventory.For{Order: "SO-1", Line: 1}
			var evs []event.Event
			var posts []journal.Posting
			var err error
			switch rapid.IntRange(0, 20).Draw(t, "do") {
			case 0, 1:
				evs, posts, err = inventory.Receive{BookKey: key, Place: p, Qty: q}.Decide(oldStock, at)
			case 2, 3:
				evs, posts, err = inventory.Reserve{BookKey: key, For: fr, Qty: q, Partial: q%2 == 0}.Decide(oldLedger.of, at)
			case 4:
				evs, posts, err = inventory.Reserve{BookKey: key, For: fr, Qty: q}.Decide(nil, at)
			case 5:
				evs, posts, err = inventory.Release{BookKey: key, For: fr, Qty: q}.Decide(at)
			case 6, 7:
				c := inventory.Allocate{BookKey: key, For: fr, Qty: q, Partial: true, Strategy: rapid.SampledFrom(inventory.Strategies()).Draw(t, "strategy"), Units: dozens}
				evs, posts, err = c.Decide(inventory.View{Stock: oldStock, Balance: oldLedger.of}, at)
			case 8:
				evs, posts, err = inventory.Deallocate{BookKey: key, For: fr, Place: p, Qty: q, Keep: q%2 == 0}.Decide(at)
			case 9, 10:
				evs, posts, err = inventory.Pick{BookKey: key, For: fr, Place: p, Tote: "T", Qty: q}.Decide(at)
			case 11:
				evs, posts, err = inventory.Short{BookKey: key, For: fr, Place: p, Tote: "T", Expected: q, Found: q / 2}.Decide(oldLedger.of, at)
			case 12:
				evs, posts, err = inventory.Pack{BookKey: key, For: fr, Tote: "T", Lot: p.Lot, Carton: "C", Qty: q}.Decide(at)
			case 13:
				evs, posts, err = inventory.Ship{BookKey: key, For: fr, Carton: "C", Lot: p.Lot, Qty: q}.Decide(at)
			case 14:
				evs, posts, err = inventory.PutBack{BookKey: key, For: fr, From: inventory.InTote(p.Lot, "T"), To: p, Qty: q}.Decide(at)
			case 16, 17:
				evs, posts, err = inventory.Settle{BookKey: key, Place: p, Counted: q * 2, Reason: "count"}.Decide(oldLedger.of, at)
			case 18:
				evs, posts, _, err = inventory.Quarantine{BookKey: key, Place: inventory.Place{Lot: "L1"}, Reason: "recall", Release: q%3 == 0}.Decide(oldStock, oldLedger.of, at)
			case 19:
				evs, posts, err = inventory.Transfer{BookKey: key, From: p, To: inventory.Place{Location: "C", Lot: p.Lot}, Qty: q}.Decide(at)
			case 20:
				evs, posts, err = inventory.ChangeStatus{BookKey: key, Place: p, From: inventory.Held, To: inventory.Free, Qty: q, Reason: "qc"}.Decide(at)
			case 15:
				stage := rapid.SampledFrom([]string{inventory.Free, inventory.Suspect}).Draw(t, "stage")
				evs, posts, err = inventory.Adjust{BookKey: key, Place: p, Stage: stage, Delta: q*2 - 9, Reason: "count"}.Decide(at)
			}
			if err != nil {
				if len(evs)+len(posts) != 0 {
					t.Fatalf("an error and %v, %v: %v", evs, posts, err)
				}
				continue
			}
			before := fmt.Sprintf("%+v", h.stock)
			if h.post(posts) != nil {
				continue // the floors said no
			}
			next, err := inventory.Fold.Replay(h.stock, evs...)
			if err != nil {
				t.Fatalf("the ledger allowed what does not fold: %v\n%+v", err, evs)
			}
			if got := fmt.Sprintf("%+v", h.stock); got != before {
				t.Fatalf("the fold changed its input:\n%s\n%s", before, got)
			}
			h.stock = next
			for _, e := range evs {
				switch e := e.(type) {
				case inventory.StockReceived:
					came += e.Qty
				case inventory.StockShipped:
					left += e.Qty
				case inventory.StockAdjusted:
					came += e.Delta
				}
			}
			s, book := h.stock, key.Book()
			if n := s.Promised + allocatedOf(s); n < 0 || n > s.OnHand() {
				t.Fatalf("%d of %d on hand are reserved", n, s.OnHand())
			}
			if s.AvailableToPromise() < 0 || s.Promised < 0 || s.OnHand() != came-left || s.In-s.Out != came-left {
				t.Fatalf("came %d left %d: %+v", came, left, s)
			}
			if s.AvailableToPromise() != h.of(book, inventory.ATP) || s.Promised != h.of(book, inventory.Promised) || s.Free() != -h.of(book, inventory.Unallocated) {
				t.Fatalf("events and ledger disagree: %+v %v", s, h.balance)
			}
			for _, sh := range s.Shelves {
				for stage, n := range map[string]int64{inventory.Free: sh.Free, inventory.Allocated: sh.Allocated, inventory.Suspect: sh.Suspect, inventory.Held: sh.Held} {
					if got := h.of(book, sh.In(stage).String()); got != n {
						t.Fatalf("%s of %+v: the ledger has %d", stage, sh, got)
					}
				}
			}
		}
	})
}

func TestAHotItemIsNeverPromisedTwice(t *testing.T) {
	h := filled(t, 100)
	got := int64(0)
	for i := range 64 {
		// Every writer saw the full hundred.
		_, posts, err := inventory.Reserve{BookKey: key, For: inventory.For{Order: fmt.Sprint(i)}, Qty: 3}.Decide(func(string, string) int64 { return 100 }, at)
		if err != nil {
			t.Fatal(err)
		}
		if h.post(posts) == nil {
			got += 3
		}
	}
	if got != 99 || h.of(key.Book(), inventory.ATP) != 1 {
		t.Fatalf("%d of 100 promised, %d left", got, h.of(key.Book(), inventory.ATP))
	}
}

func TestShortDoubtsThePlace(t *testing.T) {
	h := filled(t, 10, 5)
	evs, posts, err := inventory.Reserve{BookKey: key, Qty: 8}.Decide(h.of, at)
	h.do(t, evs, posts, err)
	evs, posts, err = inventory.Allocate{BookKey: key, Qty: 6}.Decide(inventory.View{Stock: h.stock, Balance: h.of}, at)
	h.do(t, evs, posts, err)
	// A-1: 6 allocated, 4 free; 2 of 9 free are promised.
	evs, posts, err = inventory.Short{BookKey: key, Place: place("A-1"), Tote: "T", Expected: 6, Found: 2}.Decide(h.of, at)
	h.do(t, evs, posts, err)
	short, count := evs[0].(inventory.StockShorted), evs[1].(inventory.CountRequested)
	if short.Missing != 4 || short.Quarantined != 4 || count.Location != "A-1" || count.Cause != "short_pick" {
		t.Fatalf("%+v %+v", short, count)
	}
	sh, _ := h.stock.Shelf(place("A-1"))
	if sh.Suspect != 8 || sh.Free != 0 || !sh.Counting || h.stock.AvailableToPromise() != 3 {
		t.Fatalf("%+v, %d promisable", sh, h.stock.AvailableToPromise())
	}
	// Even if it gets free stock, it is not chosen before it was counted.
	evs, posts, err = inventory.Receive{BookKey: key, Place: place("A-1"), Qty: 50}.Decide(h.stock, at)
	h.do(t, evs, posts, err)
	evs, posts, err = inventory.Allocate{BookKey: key, Qty: 2}.Decide(inventory.View{Stock: h.stock}, at)
	h.do(t, evs, posts, err)
	if a := evs[0].(inventory.StockAllocated); a.Location != "A-2" || len(a.Why.Skipped) != 1 || a.Why.Skipped[0].Why != inventory.SkippedCounting {
		t.Fatalf("%+v", a)
	}
	evs, posts, err = inventory.Adjust{BookKey: key, Place: place("A-1"), Stage: inventory.Suspect, Delta: -8, Reason: "counted"}.Decide(at)
	h.do(t, evs, posts, err)
	if sh, _ = h.stock.Shelf(place("A-1")); sh.Counting || sh.Suspect != 0 {
		t.Fatalf("counted: %+v", sh)
	}
}

func TestAllocationStrategies(t *testing.T) {
	var s inventory.Stock
	for i, r := range []struct {
		loc, lot string
		qty      int64
		expiry   inventory.Date
	}{
		{"A", "L1", 4, "2027-05-01"}, {"B", "L2", 10, "2027-02-01"}, {"C", "", 7, ""}, {"D", "L4", 30, "2026-11-22"}, {"E", "L5", 5, "2026-11-23"},
	} {
		evs, _, err := inventory.Receive{BookKey: key, Place: inventory.Place{Location: r.loc, Lot: r.lot}, Qty: r.qty, Expiry: r.expiry}.Decide(s, at.Add(time.Duration(i)*time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		if s, err = inventory.Fold.Replay(s, evs...); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		do   inventory.Allocate
		view inventory.View
		want string
	}{
		{"fifo takes the oldest receipt", inventory.Allocate{Qty: 6, Strategy: inventory.FIFO}, inventory.View{}, "4 A oldest_receipt, 2 B oldest_receipt"},
		{"no strategy is fifo", inventory.Allocate{Qty: 1}, inventory.View{}, "1 A oldest_receipt"},
		{"fefo takes what expires today, never what has", inventory.Allocate{Qty: 6, Strategy: inventory.FEFO}, inventory.View{}, "5 E earliest_expiry, 1 B earliest_expiry"},
		{"a minimum shelf life passes the early and the unknown", inventory.Allocate{Qty: 5, Strategy: inventory.FEFO, MinExpiry: "2027-03-01", Partial: true}, inventory.View{}, "4 A only_place"},
		{"full first empties, then covers", inventory.Allocate{Qty: 13, Strategy: inventory.FullFirst}, inventory.View{}, "10 B empties_place, 3 A covers_rest"},
		{"full first covers from the smallest that holds all", inventory.Allocate{Qty: 3, Strategy: inventory.FullFirst}, inventory.View{}, "3 A covers_rest"},
		{"a pinned lot", inventory.Allocate{Qty: 3, Lot: "L2"}, inventory.View{}, "3 B only_place"},
		{"a blocked location", inventory.Allocate{Qty: 3}, inventory.View{Usable: func(l string) bool { return l != "A" }}, "3 B oldest_receipt"},
		{"balances count, not the events' quantities", inventory.Allocate{Qty: 3}, inventory.View{Balance: func(_, account string) int64 {
			if account == inventory.Place.In(place("C"), inventory.Free).String() {
				return 2
			}
			return 0
		}}, "shortage 2"},
		{"an expired lot is not to be had even pinned", inventory.Allocate{Qty: 3, Lot: "L4"}, inventory.View{}, "shortage 0"},
		{"nothing at all with partial is no event", inventory.Allocate{Qty: 3, Lot: "L9", Partial: true}, inventory.View{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.do.BookKey, c.view.Stock = key, s
			evs, _, err := c.do.Decide(c.view, at)
			var got []string
			for _, e := range evs {
				a := e.(inventory.StockAllocated)
				got = append(got, fmt.Sprintf("%d %s %s", a.Qty, a.Location, a.Why.Because))
			}
			var short *inventory.ShortageError
			if errors.As(err, &short) {
				got = append(got, fmt.Sprintf("shortage %d", short.Available))
			} else if err != nil {
				t.Fatal(err)
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("got %q, expected %q", strings.Join(got, ", "), c.want)
			}
		})
	}
}

func TestCommandsAreRefusedWithPlace(t *testing.T) {
	a := place("A")
	lot := inventory.Place{Location: "A", Lot: "L1"}
	known := inventory.Stock{Shelves: []inventory.Shelf{{Place: lot, Expiry: "2027-01-01", Free: 1}}}
	bare, nowhere := key, key
	bare.Item, nowhere.Facility = "", ""
	type outcome = func() ([]event.Event, []journal.Posting, error)
	receive := func(c inventory.Receive) outcome {
		if c.BookKey == (inventory.BookKey{}) {
			c.BookKey = key
		}
		return func() ([]event.Event, []journal.Posting, error) { return c.Decide(known, at) }
	}
	for _, c := range []struct {
		name, place string
		do          outcome
	}{
		{"no item", "item", receive(inventory.Receive{BookKey: bare, Place: a, Qty: 1})},
		{"no facility", "facility", receive(inventory.Receive{BookKey: nowhere, Place: a, Qty: 1})},
		{"nothing received", "qty", receive(inventory.Receive{Place: a})},
		{"a receipt below zero", "qty", receive(inventory.Receive{Place: a, Qty: -4})},
		{"a receipt beyond counting", "qty", receive(inventory.Receive{Place: a, Qty: inventory.MaxQty + 1})},
		{"received nowhere", "location", receive(inventory.Receive{Qty: 1})},
		{"received as allocated", "stage", receive(inventory.Receive{Place: a, Qty: 1, Stage: inventory.Allocated})},
		{"a lot tracked item without lot", "lot", receive(inventory.Receive{Place: a, Qty: 1, Tracking: item.Tracking{Lot: true}})},
		{"an expiring item without date", "expiry", receive(inventory.Receive{Place: inventory.Place{Location: "A", Lot: "NEW"}, Qty: 1, Tracking: item.Tracking{Expiry: true}})},
		{"a date without a lot", "lot", receive(inventory.Receive{Place: a, Qty: 1, Expiry: "2027-01-01"})},
		{"a day that is not", "expiry", receive(inventory.Receive{Place: lot, Qty: 1, Expiry: "2027-02-29"})},
		{"a lot with two dates", "expiry", receive(inventory.Receive{Place: lot, Qty: 1, Expiry: "2027-01-02"})},
		{"reserve nothing", "qty", func() ([]event.Event, []journal.Posting, error) {
			return inventory.Reserve{BookKey: key}.Decide(nil, at)
		}},
		{"reserve more than there is", "qty", func() ([]event.Event, []journal.Posting, error) {
			return inventory.Reserve{BookKey: key, Qty: 2}.Decide(func(string, string) int64 { return 1 }, at)
		}},
		{"release nothing", "qty", func() ([]event.Event, []journal.Posting, error) {
			return inventory.Release{BookKey: key}.Decide(at)
		}},
		{"an unknown strategy", "strategy", func() ([]event.Event, []journal.Posting, error) {
			return inventory.Allocate{BookKey: key, Qty: 1, Strategy: "nearest"}.Decide(inventory.View{}, at)
		}},
		{"no tote", "tote", func() ([]event.Event, []journal.Posting, error) {
			return inventory.Pick{BookKey: key, Place: a, Qty: 1}.Decide(at)
		}},
		{"short of nothing", "found", func() ([]event.Event, []journal.Posting, error) {
			return inventory.Short{BookKey: key, Place: a, Tote: "T", Expected: 3, Found: 3}.Decide(nil, at)
		}},
		{"put back from a shelf", "from.stage", func() ([]event.Event, []journal.Posting, error) {
			return inventory.PutBack{BookKey: key, From: inventory.Account{Stage: inventory.Free, LPN: "T"}, To: a, Qty: 1}.Decide(at)
		}},
		{"put back as another lot", "to.lot", func() ([]event.Event, []journal.Posting, error) {
			return inventory.PutBack{BookKey: key, From: inventory.InTote("L1", "T"), To: a, Qty: 1}.Decide(at)
		}},
		{"packed into nothing", "carton", func() ([]event.Event, []journal.Posting, error) {
			return inventory.Pack{BookKey: key, Tote: "T", Qty: 1}.Decide(at)
		}},
		{"staged nowhere", "location", func() ([]event.Event, []journal.Posting, error) {
			return inventory.Stage{BookKey: key, Carton: "C", Qty: 1}.Decide(at)
		}},
		{"shipped without a carton", "carton", func() ([]event.Event, []journal.Posting, error) {
			return inventory.Ship{BookKey: key, Qty: 1}.Decide(at)
		}},
		{"adjusted by nothing", "delta", func() ([]event.Event, []journal.Posting, error) {
			return inventory.Adjust{BookKey: key, Place: a, Stage: inventory.Free, Reason: "x"}.Decide(at)
		}},
		{"adjusted without a reason", "reason", func() ([]event.Event, []journal.Posting, error) {
			return inventory.Adjust{BookKey: key, Place: a, Stage: inventory.Free, Delta: 1}.Decide(at)
		}},
		{"adjusted in a carton", "stage", func() ([]event.Event, []journal.Posting, error) {
			return inventory.Adjust{BookKey: key, Place: a, Stage: inventory.Packed, Delta: 1, Reason: "x"}.Decide(at)
		}},
		{"transferred to where it is", "to", func() ([]event.Event, []journal.Posting, error) {
			return inventory.Transfer{BookKey: key, From: a, To: a, Qty: 1}.Decide(at)
		}},
		{"a lot changed by moving", "to.lot", func() ([]event.Event, []journal.Posting, error) {
			return inventory.Transfer{BookKey: key, From: lot, To: place("B"), Qty: 1}.Decide(at)
		}},
		{"allocated by a status", "to", func() ([]event.Event, []journal.Posting, error) {
			return inventory.ChangeStatus{BookKey: key, Place: a, From: inventory.Free, To: inventory.Allocated, Qty: 1, Reason: "x"}.Decide(at)
		}},
		{"a status that stays", "to", func() ([]event.Event, []journal.Posting, error) {
			return inventory.ChangeStatus{BookKey: key, Place: a, From: inventory.Held, To: inventory.Held, Qty: 1, Reason: "x"}.Decide(at)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			evs, posts, err := c.do()
			if len(evs)+len(posts) != 0 || err == nil || fault.PlaceOf(err) != c.place {
				t.Errorf("%v %v, place %q, expected %q: %v", evs, posts, fault.PlaceOf(err), c.place, err)
			}
		})
	}
}

func TestWhatTheFloorsRefuse(t *testing.T) {
	ship := func() ([]event.Event, []journal.Posting, error) {
		return inventory.Ship{BookKey: key, Carton: "C", Qty: 4}.Decide(at)
	}
	h := filled(t, 10)
	for _, f := range []func() ([]event.Event, []journal.Posting, error){
		func() ([]event.Event, []journal.Posting, error) {
			return inventory.Reserve{BookKey: key, Qty: 9}.Decide(h.of, at)
		},
		func() ([]event.Event, []journal.Posting, error) {
			return inventory.Allocate{BookKey: key, Qty: 6}.Decide(inventory.View{Stock: h.stock}, at)
		},
		func() ([]event.Event, []journal.Posting, error) {
			return inventory.Pick{BookKey: key, Place: place("A-1"), Tote: "T", Qty: 5}.Decide(at)
		},
		func() ([]event.Event, []journal.Posting, error) {
			return inventory.Pack{BookKey: key, Tote: "T", Carton: "C", Qty: 4}.Decide(at)
		},
		ship,
	} {
		evs, posts, err := f()
		h.do(t, evs, posts, err)
	}
	for name, f := range map[string]func() ([]event.Event, []journal.Posting, error){
		"the same carton again": ship,
		"a write-off of promised goods": func() ([]event.Event, []journal.Posting, error) {
			return inventory.Adjust{BookKey: key, Place: place("A-1"), Stage: inventory.Free, Delta: -2, Reason: "count"}.Decide(at)
		},
		"a pick of what is not allocated": func() ([]event.Event, []journal.Posting, error) {
			return inventory.Pick{BookKey: key, Place: place("A-1"), Tote: "T", Qty: 2}.Decide(at)
		},
		"a pick from another place": func() ([]event.Event, []journal.Posting, error) {
			return inventory.Pick{BookKey: key, Place: place("A-2"), Tote: "T", Qty: 1}.Decide(at)
		},
		"an allocation of what was never promised": func() ([]event.Event, []journal.Posting, error) {
			return inventory.Allocate{BookKey: key, Qty: 4}.Decide(inventory.View{Stock: h.stock}, at)
		},
		"a release of more than was promised": func() ([]event.Event, []journal.Posting, error) {
			return inventory.Release{BookKey: key, Qty: 4}.Decide(at)
		},
		"a quarantine of promised goods": func() ([]event.Event, []journal.Posting, error) {
			return inventory.ChangeStatus{BookKey: key, Place: place("A-1"), From: inventory.Free, To: inventory.Held, Qty: 3, Reason: "leak"}.Decide(at)
		},
		"a tote that was packed": func() ([]event.Event, []journal.Posting, error) {
			return inventory.PutBack{BookKey: key, From: inventory.InTote("", "T"), To: place("A-1"), Qty: 2}.Decide(at)
		},
	} {
		_, posts, err := f()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if h.post(posts) == nil {
			t.Errorf("%s went through", name)
		}
	}
}

func TestAccountsComeBack(t *testing.T) {
	a := inventory.Account{Stage: inventory.Free, Location: "A/1", Lot: "", LPN: "L%2"}
	if b, err := inventory.ParseAccount(a.String()); err != nil || b != a {
		t.Errorf("%q came back as %+v, %v", a, b, err)
	}
	for _, name := range []string{"", inventory.ATP, inventory.Promised, inventory.Unallocated, inventory.World(inventory.Customer), "free/A", "lost/A//", "free/A///", "free/%/a/b"} {
		if b, err := inventory.ParseAccount(name); err == nil {
			t.Errorf("%q was read as %+v", name, b)
		}
	}
}
