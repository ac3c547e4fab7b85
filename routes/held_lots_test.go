package routes

import (
	"encoding/json"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/wave"
)

// A recall takes a lot out of the tasks that nobody has picked it for yet, stops what lies in totes
// and cartons, and holds what comes in of it later, until it is released.
func TestARecallHoldsALotBackEverywhere(t *testing.T) {
	for name, change := range map[string]func(*FlowConfig){
		"discrete": func(*FlowConfig) {},
		"in bulk":  inBatches(wave.Bulk),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, byPeople, change)
				tracked := spec(1)
				tracked.Tracking.Lot = true
				r.must(door.Master, "A", item.Register{Spec: tracked})
				r.stock("B", 10, "P-3")
				r.stockOnly("A", 0, "P-1", "P-2", "P-4")
				r.walls("W-1", "W-2", "W-3", "W-4")
				one, two := inventory.Place{Location: "P-1", Lot: "J1"}, inventory.Place{Location: "P-2", Lot: "J2"}
				r.must(door.Stock, "A", inventory.Receive{Place: one, Qty: 4})
				r.must(door.Stock, "A", inventory.Receive{Place: two, Qty: 5})
				r.place("SO-1", "A", 1)
				r.place("SO-2", "A", 2, "B", 1)
				r.place("SO-3", "A", 1)
				settle(time.Minute)
				// One order's goods are picked before the recall.
				var picked string
				for _, tk := range r.pickTasks() {
					r.must(door.Floor, tk.Task, task.Claim{Worker: "kim", Lease: time.Hour})
					for _, st := range tk.Steps {
						if st.Order == "SO-3" {
							picked = tk.Task
							r.must(door.Floor, tk.Task, pick.Confirm{Step: st.No, Qty: 1, Tote: "T", Worker: "kim"})
						}
					}
				}
				settle(time.Second)
				v := r.must(door.Stock, "A", inventory.Quarantine{Place: inventory.Place{Lot: "J1"}, Reason: "recall", By: "qa"})
				var got quarantined
				if err := json.Unmarshal(v.Body, &got); err != nil || got.Left != 0 || !slices.Equal(got.OnHold, []string{"SO-3"}) {
					t.Fatalf("%v: %s", err, v.Body)
				}
				if slices.Sort(got.TakenBack); !slices.Equal(got.TakenBack, []string{"SO-1", "SO-2"}) {
					t.Errorf("taken back from %v", got.TakenBack)
				}
				settle(time.Hour)
				r.workAll("kim", func(_ pick.List, st pick.Step) int64 {
					if st.Item == "A" && st.From.Lot == "J1" && st.Left() > 0 {
						t.Errorf("somebody is sent for the recalled lot: %+v", st)
					}
					return st.Left()
				})
				settle(time.Hour)
				for _, p := range events[pack.CartonClosed](r) {
					if p.Order == "SO-3" {
						t.Error("what is recalled is packed")
					}
				}
				r.must(door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "P-4", Lot: "J1"}, Qty: 7})
				r.must(door.Receipts, "R-1", receiving.Receive{Place: inventory.Place{Location: "P-4", Lot: "J1"}, Item: "A", Qty: 2, By: "al"})
				st := r.stockOf("A")
				bad, _ := st.Shelf(one)
				more, _ := st.Shelf(inventory.Place{Location: "P-4", Lot: "J1"})
				if bad.Held != 3 || bad.Total() != 3 || more.Held != 9 || more.Total() != 9 || st.Picked+st.Packed == 0 {
					t.Fatalf("%+v %+v\n%s", bad, more, r.story())
				}
				// Nothing but the release of the whole lot frees any of it, and a recall again changes nothing.
				r.refused(door.Stock, "A", inventory.ChangeStatus{Place: one, From: inventory.Held, To: inventory.Free, Qty: 1, Reason: "x"}, fault.Rejected, "lot")
				r.refused(door.Stock, "A", inventory.Quarantine{Place: one, Release: true, Reason: "x"}, fault.Rejected, "lot")
				r.refused(door.Receipts, "R-1", receiving.Judge{Line: 1, Pass: true, Reason: "fine", By: "al"}, fault.Rejected, "lot")
				if v := r.must(door.Stock, "A", inventory.Quarantine{Place: inventory.Place{Lot: "J1"}, Reason: "recall"}); v.Created {
					t.Errorf("%s", v.Body)
				}
				// Orders are given others.
				r.place("SO-4", "A", 1)
				settle(time.Minute)
				if l, _ := r.order("SO-4").Line(1); l.Allocated != 1 {
					t.Errorf("%+v", l)
				}
				r.must(door.Stock, "A", inventory.Quarantine{Place: inventory.Place{Lot: "J1"}, Release: true, Reason: "fine", By: "qa"})
				settle(time.Minute)
				if o := r.order("SO-3"); o.OnHold() {
					t.Errorf("%v", o.Holds)
				}
				if st := r.stockOf("A"); len(st.HeldLots) > 0 || st.Free() != 12+1 {
					t.Errorf("%d free, held %v", st.Free(), st.HeldLots)
				}
				if picked == "" {
					t.Error("nothing was picked of it before")
				}
				r.books("A", "B")
				r.noLetters()
			})
		})
	}
}

// What is cancelled of a recalled lot is held where it waits to be put back.
func TestWhatIsPutBackOfARecalledLotIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byPeople)
		tracked := spec(1)
		tracked.Tracking.Lot = true
		r.must(door.Master, "A", item.Register{Spec: tracked})
		r.stockOnly("A", 0, "P-1")
		at := inventory.Place{Location: "P-1", Lot: "J1"}
		r.must(door.Stock, "A", inventory.Receive{Place: at, Qty: 4})
		r.place("SO-1", "A", 3)
		settle(time.Minute)
		r.workAll("kim", func(_ pick.List, st pick.Step) int64 { return st.Left() })
		settle(time.Minute)
		r.must(door.Stock, "A", inventory.Quarantine{Place: inventory.Place{Lot: "J1"}, Reason: "recall"})
		id := events[pack.Opened](r)[0].Pack
		r.refused(door.Floor, id, pack.CloseCarton{Box: "S", Contents: []pack.Content{{Line: 1, Item: "A", Lot: "J1", Tote: events[pick.Confirmed](r)[0].Tote, Qty: 3}}, Packer: "pat"}, fault.Rejected, "hold")
		r.must(door.Orders, "SO-1", order.Cancel{Reason: "recall"})
		settle(time.Minute)
		held := int64(0)
		for _, sh := range r.stockOf("A").Shelves {
			if held += sh.Held; sh.Total() != sh.Held {
				t.Errorf("%+v\n%s", sh, r.story())
			}
		}
		if held != 4 {
			t.Errorf("%d are held\n%s", held, r.story())
		}
		r.books("A")
		r.noLetters()
	})
}

// A lot that lies in totes alone is recalled all the same, and so is one that has not come yet; what
// is put back of it keeps its date.
func TestALotThatLiesOnNoShelfIsRecalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byPeople)
		tracked := spec(1)
		tracked.Tracking.Lot = true
		r.must(door.Master, "A", item.Register{Spec: tracked})
		r.stockOnly("A", 0, "P-1")
		r.must(door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "P-1", Lot: "J1"}, Qty: 3, Expiry: "2030-05-01"})
		r.place("SO-1", "A", 3)
		settle(time.Minute)
		r.workAll("kim", func(_ pick.List, st pick.Step) int64 { return st.Left() })
		settle(time.Minute)
		for _, lot := range []string{"J1", "J9"} {
			r.must(door.Stock, "A", inventory.Quarantine{Place: inventory.Place{Lot: lot}, Reason: "recall"})
		}
		if o := r.order("SO-1"); !o.OnHold() {
			t.Errorf("the order goes on: %v", o.Holds)
		}
		r.must(door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "P-1", Lot: "J9"}, Qty: 2})
		r.must(door.Orders, "SO-1", order.Cancel{Reason: "recall"})
		settle(time.Minute)
		st := r.stockOf("A")
		if st.Free() != 0 || st.Expires("J1") != "2030-05-01" {
			t.Errorf("%d are free, J1 expires %q\n%s", st.Free(), st.Expires("J1"), r.story())
		}
		r.books("A")
		r.noLetters()
	})
}
