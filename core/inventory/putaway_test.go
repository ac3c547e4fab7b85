package inventory_test

import (
	"testing"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/journal"
)

// booked is the stock after a decision, once the ledger took its postings.
func booked(t *testing.T, l *ledger, s inventory.Stock, evs []event.Event, posts []journal.Posting, err error) inventory.Stock {
	t.Helper()
	if err == nil {
		err = l.post(posts)
	}
	if err == nil {
		s, err = inventory.Fold.Replay(s, evs...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhatIsReceivedIsPromisedOnceItIsPutAway(t *testing.T) {
	l := newLedger()
	var s inventory.Stock
	dock := inventory.Place{Location: "DOCK", Lot: "L1", LPN: "P-1"}
	evs, posts, err := inventory.Receive{BookKey: key, Place: dock, Stage: inventory.Received, Qty: 10, Expiry: "2027-01-31"}.Decide(s, at)
	s = booked(t, l, s, evs, posts, err)
	if s.OnHand() != 10 || s.AvailableToPromise() != 0 || l.of(key.Book(), inventory.ATP) != 0 {
		t.Fatalf("%+v", s)
	}
	shelf := inventory.Place{Location: "A-1", Lot: "L1", LPN: "P-1"}
	evs, posts, err = inventory.PutAway{BookKey: key, From: dock, To: shelf, Stage: inventory.Received, Qty: 4, Task: "PA-1", Planned: "A-1"}.Decide(at)
	s = booked(t, l, s, evs, posts, err)
	sh, _ := s.Shelf(shelf)
	if sh.Free != 4 || sh.Expiry != "2027-01-31" || !sh.Since.Equal(at) || l.of(key.Book(), inventory.ATP) != 4 {
		t.Errorf("%+v", s)
	}
	// What lies at the dock is held back with its lot, and what is released there is to be put away.
	evs, posts, left, err := inventory.Quarantine{BookKey: key, Place: inventory.Place{Lot: "L1"}, Reason: "recall"}.Decide(s, l.of, at)
	s = booked(t, l, s, evs, posts, err)
	if d, _ := s.Shelf(dock); d.Held != 6 || left != 0 || s.AvailableToPromise() != 0 {
		t.Errorf("%+v, %d left", s, left)
	}
	evs, posts, _, err = inventory.Quarantine{
		BookKey: key, Place: inventory.Place{Lot: "L1"}, Reason: "passed", Release: true, AtDock: func(code string) bool { return code == "DOCK" },
	}.Decide(s, l.of, at)
	s = booked(t, l, s, evs, posts, err)
	if d, _ := s.Shelf(dock); d.Received != 6 || s.AvailableToPromise() != 4 {
		t.Errorf("%+v", s)
	}
	// Moved, they stay what they are.
	away := inventory.Place{Location: "DOCK-2", Lot: "L1", LPN: "P-1"}
	evs, posts, err = inventory.Transfer{BookKey: key, From: dock, To: away, Qty: 6, Stage: inventory.Received}.Decide(at)
	s = booked(t, l, s, evs, posts, err)
	if d, _ := s.Shelf(away); d.Received != 6 || d.Free != 0 {
		t.Errorf("%+v", s)
	}
	dock = away
	// A count of the dock writes off what was received and is not there.
	evs, posts, err = inventory.Settle{BookKey: key, Place: dock, Counted: 5, Reason: "count"}.Decide(l.of, at)
	s = booked(t, l, s, evs, posts, err)
	if d, _ := s.Shelf(dock); d.Received != 5 || s.OnHand() != 9 {
		t.Errorf("%+v", s)
	}
}

func TestPuttingAwayIsRefusedWithPlace(t *testing.T) {
	good := inventory.PutAway{
		BookKey: key, From: inventory.Place{Location: "DOCK", Lot: "L1"}, To: inventory.Place{Location: "A-1", Lot: "L1"},
		Stage: inventory.Received, Qty: 1, Task: "PA-1", Planned: "A-1",
	}
	for place, change := range map[string]func(*inventory.PutAway){
		"qty":         func(c *inventory.PutAway) { c.Qty = 0 },
		"to.location": func(c *inventory.PutAway) { c.To.Location = "" },
		"to.lot":      func(c *inventory.PutAway) { c.To.Lot = "L2" },
		"to":          func(c *inventory.PutAway) { c.To = c.From },
		"task":        func(c *inventory.PutAway) { c.Task = "" },
		"stage":       func(c *inventory.PutAway) { c.Stage = inventory.Held },
		"reason":      func(c *inventory.PutAway) { c.Planned = "B-1" }, // brought elsewhere, and nobody says why
	} {
		c := good
		change(&c)
		if evs, posts, err := c.Decide(at); len(evs)+len(posts) != 0 || fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v, %v", place, evs, err)
		}
	}
	why := inventory.DirectPutAway{BookKey: key, From: good.From, To: "A-1", Qty: 1, Task: "PA-1", Why: inventory.WhyThere{Because: "joins_stock"}}
	if evs, err := why.Decide(at); err != nil || len(evs) != 1 {
		t.Errorf("%v, %v", evs, err)
	}
	why.Why.Because = ""
	if _, err := why.Decide(at); fault.PlaceOf(err) != "because" {
		t.Errorf("without a reason: %v", err)
	}
}
