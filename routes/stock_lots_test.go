package routes

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
)

// What is found of an item that expires is of a lot of which somebody said when: nothing lies on a
// shelf that nobody would ever look at again.
func TestWhatIsFoundHasALotAndAnExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still)
		r.stock("PLAIN", 1, "P-1", "P-2")
		spec := item.Spec{Units: []item.Unit{{UOM: "each", Factor: 1}}, Tracking: item.Tracking{Lot: true, Expiry: true}}
		r.must(door.Master, "MILK", item.Register{Spec: spec})
		expiry := inventory.Date(time.Now().UTC().Format(time.DateOnly)).Plus(90)
		r.must(door.Stock, "MILK", inventory.Receive{Place: inventory.Place{Location: "P-1", Lot: "L-1"}, Qty: 5, Expiry: expiry})

		at := func(location, lot string) inventory.Place { return inventory.Place{Location: location, Lot: lot} }
		found := func(p inventory.Place, n int64) inventory.Adjust {
			return inventory.Adjust{Place: p, Stage: inventory.Free, Delta: n, Reason: "found"}
		}
		r.refused(door.Stock, "MILK", found(at("P-2", ""), 1), fault.Rejected, "lot")
		r.refused(door.Stock, "MILK", found(at("P-2", "L-9"), 1), fault.Rejected, "lot")
		r.refused(door.Stock, "MILK", inventory.Settle{Place: at("P-2", "L-9"), Counted: 1, Reason: "found"}, fault.Rejected, "lot")
		r.refused(door.Stock, "MILK", inventory.Settle{Place: at("P-2", ""), Counted: 1, Reason: "found"}, fault.Rejected, "lot")
		r.must(door.Stock, "PLAIN", found(at("P-2", ""), 1))

		r.must(door.Stock, "MILK", found(at("P-2", "L-1"), 2))
		r.must(door.Stock, "MILK", inventory.Settle{Place: at("P-1", "L-1"), Counted: 4, Reason: "count"})
		r.must(door.Stock, "MILK", found(at("P-1", "L-1"), -4))
		if s, there := r.stockOf("MILK").Shelf(at("P-2", "L-1")); !there || s.Free != 2 || s.Expiry != expiry {
			t.Errorf("what was found of a known lot expires %q, expected %q: %+v", s.Expiry, expiry, s)
		}
		// Written off is what it may be, whatever is known of it.
		r.must(door.Stock, "MILK", inventory.Settle{Place: at("P-2", "L-1"), Counted: 0, Reason: "gone"})
		r.noLetters()
	})
}
