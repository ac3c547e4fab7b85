package routes

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/count"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/tracking"
)

// cancelledInTote is an order for two A that is cancelled when they lie in tote T.
func cancelledInTote(t *testing.T, change ...func(*FlowConfig)) *rig {
	t.Helper()
	r, id := byHand(t, change...)
	r.must(door.Floor, id, task.Claim{Worker: "ann", Lease: time.Hour})
	r.must(door.Floor, id, pick.Confirm{Step: 1, Qty: 2, Tote: "T", Worker: "ann"})
	settle(time.Minute)
	r.must(door.Orders, "SO-1", order.Cancel{Reason: "customer"})
	settle(time.Minute)
	return r
}

// takesTote reports whether somebody may begin a pick with tote T.
func (r *rig) takesTote(number string) bool {
	r.t.Helper()
	r.place(number, "A", 1)
	settle(time.Minute)
	r.must(door.Floor, "T1-"+number, task.Claim{Worker: "bob", Lease: time.Hour})
	_, err := r.ask(door.Floor, door.Ask{ID: "T1-" + number, Cmd: pick.Confirm{Step: 1, Qty: 1, Tote: "T", Worker: "bob"}})
	if err != nil && fault.PlaceOf(err) != "tote" {
		r.t.Errorf("%v", err)
	}
	return err == nil
}

// A lot that is recalled while it lies in a tote, whose order is cancelled, and that is released, is
// put away like all that waits there, and nobody is promised it before.
func TestWhatIsReleasedInAToteIsPutAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byPeople)
		tracked := spec(1)
		tracked.Tracking.Lot = true
		r.must(door.Master, "A", item.Register{Spec: tracked})
		r.stockOnly("A", 0, "P-1")
		r.must(door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "P-1", Lot: "J1"}, Qty: 4})
		r.place("SO-1", "A", 3)
		settle(time.Minute)
		r.workAll("kim", func(_ pick.List, st pick.Step) int64 { return st.Left() })
		settle(time.Minute)
		lot := inventory.Quarantine{Place: inventory.Place{Lot: "J1"}, Reason: "recall"}
		r.must(door.Stock, "A", lot)
		r.must(door.Orders, "SO-1", order.Cancel{Reason: "recall"})
		settle(time.Minute)
		if got := r.putAways(); len(got) != 0 {
			t.Errorf("what is held back is put away: %+v", got)
		}
		lot.Release = true
		r.must(door.Stock, "A", lot)
		settle(time.Minute)
		tote := events[pick.Confirmed](r)[0].Tote
		sh, _ := r.stockOf("A").Shelf(inventory.Place{Location: tote, Lot: "J1"})
		if st := r.stockOf("A"); sh.Received != 3 || sh.Total() != 3 || st.AvailableToPromise() != 1 {
			t.Errorf("%+v of %+v", sh, st)
		}
		back := r.putAways()
		if len(back) != 1 || back[0].Steps[0].From.Location != tote || back[0].Steps[0].Qty != 3 {
			t.Fatalf("%+v\n%s", back, r.story())
		}
		c := r.claimed(back[0].Task)
		c.Location = "P-1"
		r.must(door.Floor, back[0].Task, c)
		settle(time.Minute)
		if st := r.stockOf("A"); st.Free() != 4 || len(st.Shelves) != 1 {
			t.Errorf("%+v", st)
		}
		r.books("A")
		r.noLetters()
	})
}

// A tote is good for picks again once nothing waits in it, whoever took the last out.
func TestAToteThatIsEmptiedByHandIsGoodForPicks(t *testing.T) {
	for name, take := range map[string]func(r *rig){
		"moved to a shelf": func(r *rig) {
			r.refused(door.Stock, "A", inventory.Transfer{From: inventory.Place{Location: "T"}, To: inventory.Place{Location: "P-1"}, Qty: 3}, fault.Rejected, "qty")
			r.must(door.Stock, "A", inventory.Transfer{From: inventory.Place{Location: "T"}, To: inventory.Place{Location: "P-1"}, Qty: 2})
		},
		"written off": func(r *rig) {
			r.must(door.Stock, "A", inventory.Adjust{Place: inventory.Place{Location: "T"}, Stage: inventory.Received, Delta: -2, Reason: "lost"})
		},
		"counted away": func(r *rig) {
			r.must(door.Stock, "A", inventory.Settle{Place: inventory.Place{Location: "T"}, Reason: "count"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := cancelledInTote(t)
				if r.takesTote("SO-2") {
					t.Error("a tote with goods in it is taken for a pick")
				}
				take(r)
				settle(time.Minute)
				if !r.takesTote("SO-3") {
					t.Error("an empty tote is not")
				}
				if got := r.putAways(); len(got) != 0 {
					t.Errorf("somebody is to bring what is gone: %+v", got)
				}
				settle(time.Minute)
				if got := foldOf(r, tracking.Fold, tracking.StreamOf(site, "T")).Ref; got == "SO-1" {
					t.Errorf("the tote is still SO-1's")
				}
				r.books("A")
				r.noLetters()
			})
		})
	}
}

// What waits in a tote is counted and set right there; a tote in which nothing waits is no place.
func TestWhatWaitsInAToteIsCountedThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := cancelledInTote(t)
		tote := inventory.Place{Location: "T"}
		r.stock("B", 1, "P-9")
		r.refused(door.Stock, "B", inventory.Adjust{Place: tote, Stage: inventory.Free, Delta: 1, Reason: "found"}, fault.Rejected, "location")
		r.refused(door.Stock, "A", inventory.Adjust{Place: inventory.Place{Location: "U"}, Stage: inventory.Free, Delta: 1, Reason: "found"}, fault.Rejected, "location")
		r.refused(door.Stock, "A", count.Open{BookKey: keyOf(site, "A"), Place: inventory.Place{Location: "U"}}, fault.Rejected, "location")
		r.refused(door.Stock, "A", inventory.Receive{Place: tote, Qty: 1}, fault.Rejected, "location")
		r.refused(door.Stock, "A", inventory.Transfer{From: inventory.Place{Location: "P-1"}, To: tote, Qty: 1}, fault.Rejected, "location")

		// One more than the books say is put away with the others.
		r.must(door.Stock, "A", inventory.Adjust{Place: tote, Stage: inventory.Free, Delta: 1, Reason: "found"})
		settle(time.Minute)
		var coming int64
		for _, p := range r.putAways() {
			coming += p.Steps[0].Qty
		}
		if st := r.stockOf("A"); coming != 3 || st.AvailableToPromise() != 4 {
			t.Errorf("%d are put away, %d may be promised", coming, st.AvailableToPromise())
		}
		// One is broken, and goes elsewhere.
		r.must(door.Stock, "A", inventory.ChangeStatus{Place: tote, From: inventory.Received, To: inventory.Damaged, Qty: 1, Reason: "broken"})
		r.shelves(location.Quarantine, "Q-1", 0)
		settle(10 * time.Minute)
		r.must(door.Stock, "A", count.Open{BookKey: keyOf(site, "A"), Place: tote})
		settle(time.Minute)
		c := events[count.Opened](r)[0]
		r.must(door.Stock, c.ID, count.Tally{Counted: 2, By: "jo"})
		settle(time.Minute)
		sh, _ := r.stockOf("A").Shelf(tote)
		if sh.Total() != 2 || sh.Received != 1 || sh.Damaged != 1 {
			t.Errorf("%+v\n%s", sh, r.story())
		}
		r.books("A")
		r.noLetters()
	})
}

// Whatever turns out to be good in quarantine, or is brought to where nobody picks, is put away.
func TestGoodGoodsWhereNobodyPicksArePutAway(t *testing.T) {
	for name, change := range map[string]func(*FlowConfig){
		"promised on the shelf": func(*FlowConfig) {},
		"promised at the dock":  func(c *FlowConfig) { c.Receiving.PromiseAtDock = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, _ := byHand(t, change)
				r.shelves(location.Quarantine, "Q-1", 0)
				r.shelves(location.Staging, "ST-1", 0)
				q, st := inventory.Place{Location: "Q-1"}, inventory.Place{Location: "ST-1"}
				r.must(door.Stock, "A", inventory.Receive{Place: q, Qty: 2, Stage: inventory.Damaged})
				r.must(door.Stock, "A", inventory.ChangeStatus{Place: q, From: inventory.Damaged, To: inventory.Free, Qty: 1, Reason: "mended"})
				settle(time.Minute)
				if got := r.putAways(); len(got) != 1 || got[0].Steps[0].From.Location != "Q-1" || got[0].Steps[0].Qty != 1 {
					t.Errorf("%+v", got)
				}
				if sh, _ := r.stockOf("A").Shelf(q); sh.Received != 1 || sh.Damaged != 1 {
					t.Errorf("somebody may be promised what lies in quarantine: %+v", sh)
				}
				r.must(door.Stock, "A", inventory.Transfer{From: inventory.Place{Location: "P-2"}, To: st, Qty: 3})
				settle(time.Minute)
				if got := r.putAways(); len(got) != 2 || got[1].Steps[0].From.Location != "ST-1" || got[1].Steps[0].Qty != 3 {
					t.Errorf("%+v", got)
				}
				// What is damaged on a shelf leaves it.
				r.must(door.Stock, "A", inventory.ChangeStatus{Place: inventory.Place{Location: "P-1"}, From: inventory.Free, To: inventory.Damaged, Qty: 1, Reason: "wet"})
				settle(time.Minute)
				if got := r.putAways(); len(got) != 3 || got[2].Steps[0].From.Location != "P-1" || got[2].Steps[0].To.Location != "Q-1" {
					t.Errorf("%+v", got)
				}
				r.books("A")
				r.noLetters()
			})
		})
	}
}
