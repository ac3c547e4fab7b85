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
)

// mixedPallet has 5 of A and 4 of B arrive on LPN P-1.
func (r *rig) mixedPallet() {
	c := expects("A", 5, "B", 4)
	c.Lines[0].LPN, c.Lines[1].LPN = "P-1", "P-1"
	r.must(door.Receipts, "R-1", c)
	r.must(door.Receipts, "R-1", receiving.Arrive{Dock: "DOCK"})
	r.must(door.Receipts, "R-1", receiving.ReceiveLPN{LPN: "P-1"})
}

// Who takes one item of a pallet out of quarantine names that item alone.
func TestAPalletIsDirectedWholeWhicheverOfItsGoodsIsReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still)
		r.dock("A", "B")
		r.shelves(location.Bulk, "B-1", 6, "B-2", 9)
		r.mixedPallet()
		held := inventory.Quarantine{Place: inventory.Place{Location: "DOCK", LPN: "P-1"}, Reason: "leak"}
		r.must(door.Stock, "A", held)
		settle(time.Minute)
		held.Release = true
		r.must(door.Stock, "A", held)
		settle(time.Minute)
		tasks := r.putAways()
		if len(tasks) != 1 || len(tasks[0].Steps) != 2 || tasks[0].Steps[0].To.Location != "B-2" {
			t.Fatalf("%+v\n%s", tasks, r.story())
		}
		put := r.claimed(tasks[0].Task)
		put.Location = "B-2"
		r.must(door.Floor, tasks[0].Task, put)
		settle(10 * time.Minute)
		for _, sku := range []string{"A", "B"} {
			if sh := r.stockOf(sku).Shelves; len(sh) != 1 || sh[0].Location != "B-2" || sh[0].Free == 0 {
				t.Errorf("%s: %+v", sku, sh)
			}
		}
		r.books("A", "B")
		r.noLetters()
	})
}

// A pallet goes to its place with whatever stands on it, so that all of that must fit.
func TestWhatStandsOnAPalletGoesWithIt(t *testing.T) {
	for _, fits := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, still)
			r.dock("A", "B", "C")
			r.shelves(location.Bulk, "B-1", 11)
			r.mixedPallet()
			settle(time.Minute)
			task := r.putAways()[0].Task
			more := int64(2)
			if !fits {
				more = 3
			}
			r.must(door.Stock, "C", inventory.Receive{Place: inventory.Place{Location: "DOCK", LPN: "P-1"}, Qty: more})
			settle(time.Minute)
			put := r.claimed(task)
			put.Location = "B-1"
			if !fits {
				r.refused(door.Floor, task, put, fault.Rejected, "qty")
				if sh := r.stockOf("C").Shelves; len(sh) != 1 || sh[0].Location != "DOCK" {
					t.Errorf("%+v", sh)
				}
				return
			}
			r.must(door.Floor, task, put)
			for sku, qty := range map[string]int64{"A": 5, "B": 4, "C": 2} {
				if sh := r.stockOf(sku).Shelves; len(sh) != 1 || sh[0].Location != "B-1" || sh[0].Total() != qty {
					t.Errorf("%s: %+v", sku, sh)
				}
			}
			settle(10 * time.Minute)
			r.books("A", "B", "C")
			r.noLetters()
		})
	}
}

// What comes onto a pallet that has a task already goes to one place with the rest of it.
func TestATaskIsMadeAnewForAPalletWithMoreOnIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still)
		r.dock("A", "B")
		r.shelves(location.Bulk, "B-1", 6, "B-2", 9)
		r.must(door.Receipts, "R-1", expects("A", 5, "B", 4))
		r.must(door.Receipts, "R-1", receiving.Arrive{Dock: "DOCK"})
		on := inventory.Place{Location: "DOCK", LPN: "P-1"}
		r.must(door.Receipts, "R-1", receiving.Receive{Item: "A", Qty: 5, Place: on})
		settle(time.Minute)
		first := r.putAways()
		if len(first) != 1 || first[0].Steps[0].To.Location != "B-1" {
			t.Fatalf("%+v", first)
		}
		r.must(door.Receipts, "R-1", receiving.Receive{Item: "B", Qty: 4, Place: on})
		settle(time.Minute)
		tasks := r.putAways()
		if len(tasks) != 1 || len(tasks[0].Steps) != 2 || tasks[0].Steps[0].To.Location != "B-2" {
			t.Fatalf("%+v\n%s", tasks, r.story())
		}
		r.must(door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "B-1"}, Qty: 6}) // its room is free again
		put := r.claimed(tasks[0].Task)
		put.Location = "B-2"
		r.must(door.Floor, tasks[0].Task, put)
		settle(10 * time.Minute)
		r.books("A", "B")
		r.noLetters()
	})
}
