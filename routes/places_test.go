package routes

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/tracking"
)

// Whoever moves goods by hand, by their item or by the LPN that they lie on, is refused where one who
// puts them away would be, and what he brings to the dock is put away again.
func TestWhatIsMovedByHandMayLieWhereItIsBrought(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byPeople)
		r.dock("A")
		r.shelves(location.Quarantine, "Q-1", 50)
		r.shelves(location.Bulk, "B-1", 50, "B-2", 3)
		r.shelves(location.Pick, "P-1", 50)
		at := func(code string) inventory.Place { return inventory.Place{Location: code} }
		on := func(code, lpn string) inventory.Place { return inventory.Place{Location: code, LPN: lpn} }
		r.must(door.Receipts, "R-1", receiving.Receive{Item: "A", Qty: 5, Place: on("DOCK", "P-BAD"), Condition: receiving.Damaged, Reason: "wet"})
		r.must(door.Stock, "A", inventory.Receive{Place: on("B-1", "P-GOOD"), Qty: 4})
		r.must(door.Stock, "A", inventory.Receive{Place: at("P-1"), Qty: 4})
		r.must(door.Stock, "A", inventory.Receive{Place: at("B-1"), Qty: 2, Stage: inventory.Held})
		settle(time.Minute)
		if n := len(r.putAways()); n != 1 {
			t.Fatalf("%d put-aways", n)
		}
		for lpn, codes := range map[string][]string{"P-BAD": {"P-1", "B-1"}, "P-GOOD": {"Q-1"}} {
			for _, code := range codes {
				r.refused(door.Tracking, lpn, tracking.Place{Sighting: tracking.Sighting{Position: tracking.Position{Location: code}}}, fault.Rejected, "location")
			}
		}
		r.refused(door.Tracking, "P-GOOD", tracking.Place{Sighting: tracking.Sighting{Position: tracking.Position{Location: "B-2"}}}, fault.Rejected, "qty")
		if n := len(r.putAways()); n != 1 {
			t.Errorf("what was refused left %d put-aways", n)
		}
		move := func(from, to, stage string) inventory.Transfer {
			return inventory.Transfer{From: at(from), To: at(to), Qty: 1, Reason: "tidy", Stage: stage}
		}
		r.refused(door.Stock, "A", move("P-1", "Q-1", ""), fault.Rejected, "location")
		r.refused(door.Stock, "A", move("B-1", "P-1", inventory.Held), fault.Rejected, "location")
		r.must(door.Stock, "A", move("B-1", "Q-1", inventory.Held))
		r.must(door.Stock, "A", move("P-1", "DOCK", ""))
		settle(time.Minute)
		if x := r.putAways(); len(x) != 2 || x[1].Steps[0].From.Location != "DOCK" || x[1].Steps[0].Qty != 1 {
			t.Fatalf("%+v", x)
		}
		r.puts()
		settle(time.Minute)
		if n := r.lie(at("DOCK")).Total(); n != 0 {
			t.Errorf("%d are still at the dock", n)
		}
		// Nothing comes to a place that is blocked.
		r.must(door.Master, "B-1", location.Block{Reason: "leak"})
		r.refused(door.Stock, "A", inventory.Receive{Place: at("B-1"), Qty: 1}, fault.Rejected, "location")
		r.refused(door.Stock, "A", move("P-1", "B-1", ""), fault.Rejected, "location")
		r.must(door.Stock, "A", inventory.Transfer{From: on("B-1", "P-GOOD"), To: on("P-1", "P-GOOD"), Qty: 4, Reason: "leak"})
		r.books("A")
		r.noLetters()
	})
}

// An LPN is at one place: goods that come onto one elsewhere are refused.
func TestAnLPNIsAtOnePlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byPeople)
		r.dock("A", "B")
		r.shelves(location.Bulk, "B-1", 50, "B-2", 50)
		on := func(code string) inventory.Place { return inventory.Place{Location: code, LPN: "P-A"} }
		r.must(door.Stock, "A", inventory.Receive{Place: on("B-1"), Qty: 3})
		r.refused(door.Stock, "A", inventory.Receive{Place: on("B-2"), Qty: 3}, fault.Rejected, "lpn")
		settle(time.Minute)
		r.refused(door.Stock, "B", inventory.Receive{Place: on("B-2"), Qty: 3}, fault.Rejected, "lpn")
		r.refused(door.Receipts, "R-1", receiving.Receive{Item: "A", Qty: 1, Place: on("DOCK")}, fault.Rejected, "lpn")
		r.refused(door.Stock, "A", inventory.Transfer{From: on("B-1"), To: on("B-2"), Qty: 1, Reason: "tidy"}, fault.Rejected, "lpn")
		r.must(door.Stock, "B", inventory.Receive{Place: on("B-1"), Qty: 3})
		settle(time.Minute)
		r.must(door.Tracking, "P-A", tracking.Place{Sighting: tracking.Sighting{Position: tracking.Position{Location: "B-2"}}})
		r.must(door.Stock, "A", inventory.Receive{Place: on("B-2"), Qty: 1})
		r.books("A", "B")
		r.noLetters()
	})
}
