package routes

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/putaway"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/scan"
	"github.com/paklog/hub/core/task"
)

// inspected receives goods at the dock that are damaged or held back.
func (r *rig) inspected(receipt, condition string, qty int64, lpn string) {
	r.t.Helper()
	r.must(door.Receipts, receipt, receiving.Receive{Item: "A", Qty: qty, Place: inventory.Place{Location: "DOCK", LPN: lpn}, Condition: condition, Reason: "wet"})
	settle(time.Second)
}

// puts ends every open put-away at its place.
func (r *rig) puts() {
	r.t.Helper()
	for _, x := range r.putAways() {
		c := r.claimed(x.Task)
		c.Location = x.Steps[0].To.Location
		r.must(door.Floor, x.Task, c)
	}
	settle(time.Second)
}

func (r *rig) lie(p inventory.Place) inventory.Shelf {
	sh, _ := r.stockOf("A").Shelf(p)
	return sh
}

// deferred are the reasons why goods stay, in the order in which they were told.
func (r *rig) deferred() (out []string) {
	for _, e := range events[inventory.PutAwayDeferred](r) {
		out = append(out, e.Stage+" "+e.Because)
	}
	return out
}

func TestHeldAndDamagedGoodsLieInQuarantine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still)
		r.dock("A")
		r.shelves(location.Quarantine, "Q-1", 10, "Q-2", 10)
		r.shelves(location.Bulk, "B-1", 50)
		r.inspected("R-1", receiving.Damaged, 3, "")
		r.inspected("R-1", receiving.OnHold, 12, "")
		tasks := r.putAways()
		if len(tasks) != 3 {
			t.Fatalf("%+v", tasks)
		}
		// No other goods lie there, and these nowhere else.
		c := r.claimed(tasks[0].Task)
		c.Location, c.Reason = "B-1", "nearer"
		r.refused(door.Floor, tasks[0].Task, c, fault.Rejected, "location")
		r.comes("R-2", "A", 6)
		for _, x := range r.putAways() {
			if to := x.Steps[0].To.Location; (to == "B-1") != (x.Steps[0].Qty == 6) {
				t.Errorf("%+v", x.Steps)
			}
			if x.Steps[0].Qty == 6 {
				c := r.claimed(x.Task)
				c.Location, c.Reason = "Q-2", "nearer"
				r.refused(door.Floor, x.Task, c, fault.Rejected, "location")
			}
		}
		r.puts()
		q1, q2 := r.lie(inventory.Place{Location: "Q-1"}), r.lie(inventory.Place{Location: "Q-2"})
		if q1.Damaged+q2.Damaged != 3 || q1.Held+q2.Held != 12 || q1.Total() > 10 || q2.Total() > 10 || r.stockOf("A").AvailableToPromise() != 6 {
			t.Fatalf("%+v, %+v", q1, q2)
		}
		// They are judged where they lie now: what is passed is put away, what is not stays.
		r.must(door.Receipts, "R-1", receiving.Judge{Line: 1, Qty: 11, Pass: true, Reason: "dry", By: "al"})
		r.must(door.Receipts, "R-1", receiving.Judge{Line: 1, Pass: false, Reason: "mould", By: "al"})
		settle(time.Second)
		if n := r.stockOf("A").AvailableToPromise(); n != 6 {
			t.Errorf("%d are promised before they are on a shelf", n)
		}
		r.puts()
		if n, s := r.lie(inventory.Place{Location: "B-1"}).Free, r.stockOf("A"); n != 17 || s.AvailableToPromise() != 17 || s.OnHand() != 21 || len(r.putAways()) != 0 {
			t.Errorf("%d on the shelf, %+v", n, s)
		}
		if d := r.deferred(); len(d) != 0 {
			t.Errorf("%v", d)
		}
		r.knowsItsShelves()
		r.books("A")
		r.noLetters()
	})
}

func TestGoodsThatStayAtTheDockSayWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still)
		r.dock("A")
		r.shelves(location.Bulk, "B-1", 4)
		r.inspected("R-1", receiving.Damaged, 3, "")
		r.comes("R-2", "A", 6)
		settle(time.Hour) // it is looked for again and again, and told once
		if d := r.deferred(); !slices.Equal(d, []string{"damaged no_place", "received no_room"}) || len(r.putAways()) != 1 {
			t.Fatalf("%v, %+v", d, r.putAways())
		}
		if e := events[inventory.PutAwayDeferred](r)[1]; e.Qty != 2 || len(e.Refused) != 1 || e.Refused[0].Why != putaway.FullUnits || e.Location != "DOCK" {
			t.Errorf("%+v", e)
		}
		r.shelves(location.Quarantine, "Q-1", 4)
		r.inspected("R-1", receiving.Damaged, 2, "")
		if d := r.deferred(); !slices.Equal(d[2:], []string{"damaged no_room"}) {
			t.Errorf("%v", d)
		}
		// Who makes room is noticed.
		r.shelves(location.Quarantine, "Q-2", 4)
		settle(10 * time.Minute)
		var damaged int64
		for _, x := range r.putAways() {
			if x.Steps[0].To.Location != "B-1" {
				damaged += x.Steps[0].Qty
			}
		}
		if damaged != 5 {
			t.Errorf("%d are on their way into quarantine\n%s", damaged, r.story())
		}
		r.puts()
		if rows := r.rows("putaway/"); len(rows) != 1 { // the two that found no room
			t.Errorf("%v", rows)
		}
		r.books("A")
		r.noLetters()
	})
}

func TestWhatIsJudgedOnItsWayIsDirectedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still)
		r.dock("A")
		r.shelves(location.Quarantine, "Q-1", 50)
		r.shelves(location.Bulk, "B-1", 50)
		r.inspected("R-1", receiving.OnHold, 8, "")
		first := r.putAways()
		if len(first) != 1 || first[0].Steps[0].To.Location != "Q-1" {
			t.Fatalf("%+v", first)
		}
		c := r.claimed(first[0].Task)
		c.Location = "Q-1"
		r.must(door.Receipts, "R-1", receiving.Judge{Line: 1, Pass: true, Reason: "dry", By: "al"})
		settle(time.Second)
		r.refused(door.Floor, first[0].Task, c, fault.Rejected, "location")
		if x := foldOf(r, task.Fold, task.StreamOf(site, first[0].Task)); x.Status != task.StatusClaimed || x.Steps[0].To.Location != "B-1" {
			t.Errorf("%+v", x)
		}
		c.Location = "B-1"
		r.must(door.Floor, first[0].Task, c)
		settle(time.Second)
		if n := r.lie(inventory.Place{Location: "B-1"}).Free; n != 8 {
			t.Errorf("%d on the shelf", n)
		}
		r.books("A")
		r.noLetters()
	})
}

// A pallet goes as a whole: of which a part is held back stays; one that was moved by hand is judged
// where it stands.
func TestAPalletThatIsHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const other = "006141410000000012"
		r := newRig(t, still)
		r.dock("A")
		r.shelves(location.Quarantine, "Q-1", 50)
		r.shelves(location.Bulk, "B-1", 50)
		r.inspected("R-1", receiving.OnHold, 4, palletA)
		r.inspected("R-1", receiving.Good, 6, palletA)
		// The held part came first and its task is open: it ends when the pallet is found to be mixed.
		r.must(door.Receipts, "R-2", receiving.Receive{Item: "A", Qty: 5, Place: inventory.Place{Location: "DOCK", LPN: other}, Condition: receiving.OnHold, Reason: "wet"})
		settle(time.Second)
		if d := r.deferred(); !slices.Equal(d, []string{"received mixed_lpn", "held mixed_lpn"}) {
			t.Fatalf("%v", d)
		}
		(&handheld{r: r, name: "HH-1"}).done(scan.Scan{Do: scan.Move, Code: "(00)" + other, Place: "B-1"})
		settle(time.Second)
		if n := r.lie(inventory.Place{Location: "B-1", LPN: other}); n.Held != 5 {
			t.Fatalf("%+v", n)
		}
		r.must(door.Receipts, "R-2", receiving.Judge{Line: 1, Pass: true, Reason: "dry", By: "al"})
		settle(time.Second)
		if n := r.lie(inventory.Place{Location: "B-1", LPN: other}); n.Held != 0 || n.Free != 5 {
			t.Errorf("%+v", n)
		}
		r.books("A")
		r.noLetters()
	})
}
