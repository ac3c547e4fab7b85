package routes

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/task"
)

// A unit is known where it is by its serial number on its whole way, put away by part, moved, picked,
// packed, unpacked and brought back.
func TestASerialNumberIsKnownWhereItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byPeople, func(c *FlowConfig) { c.Carriers[0].Confirm = AtManifest })
		tracked := spec(1)
		tracked.Tracking.Serial = true
		r.must(door.Master, "CAM", item.Register{Spec: tracked})
		r.shelves(location.Dock, "DOCK", 0)
		r.shelves(location.Pick, "P-1", 2, "P-2", 0)
		at := func(want ...string) {
			t.Helper()
			var got []string
			for _, x := range r.stockOf("CAM").WhereSerials() {
				got = append(got, x.Serial+" "+x.Stage+" "+x.Location+x.LPN)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%v, expected %v\n%s", got, want, r.story())
			}
		}
		r.must(door.Receipts, "R-1", receiving.Receive{Item: "CAM", Qty: 4, Place: inventory.Place{Location: "DOCK"}, Serials: []string{"S1", "S2", "S3", "S4"}})
		settle(time.Second)
		at("S1 good DOCK", "S2 good DOCK", "S3 good DOCK", "S4 good DOCK")
		// Two of them go where two fit, and he says which; the others go along with what is left.
		for i, p := range r.putAways() {
			c := r.claimed(p.Task)
			if c.Location = p.Steps[0].To.Location; i == 0 {
				c.Serials = []string{"S2", "S9"}
				r.refused(door.Floor, p.Task, c, fault.Rejected, "serials[1]")
				c.Serials = []string{"S2"}
				r.refused(door.Floor, p.Task, c, fault.Invalid, "serials")
				c.Serials = []string{"S2", "S4"}
			}
			r.must(door.Floor, p.Task, c)
		}
		at("S1 good P-2", "S2 good P-1", "S3 good P-2", "S4 good P-1")
		move := inventory.Transfer{From: inventory.Place{Location: "P-1"}, To: inventory.Place{Location: "P-2"}, Qty: 1, Serials: []string{"S7"}}
		r.refused(door.Stock, "CAM", move, fault.Rejected, "serials[0]")
		// Of two that lie there nobody can know which one he takes, unless he says so.
		move.Serials = nil
		r.refused(door.Stock, "CAM", move, fault.Rejected, "serials")
		move.Serials = []string{"S4"}
		r.must(door.Stock, "CAM", move)
		at("S1 good P-2", "S2 good P-1", "S3 good P-2", "S4 good P-2")
		// The last one goes without being named.
		r.must(door.Stock, "CAM", inventory.Transfer{From: move.From, To: move.To, Qty: 1})
		at("S1 good P-2", "S2 good P-2", "S3 good P-2", "S4 good P-2")
		r.refused(door.Stock, "CAM", inventory.Transfer{From: move.To, To: move.From, Qty: 2}, fault.Rejected, "serials")
		r.must(door.Stock, "CAM", inventory.Transfer{From: move.To, To: move.From, Qty: 1, Serials: []string{"S2"}})
		at("S1 good P-2", "S2 good P-1", "S3 good P-2", "S4 good P-2")
		r.must(door.Stock, "CAM", inventory.ChangeStatus{Place: inventory.Place{Location: "P-2"}, From: inventory.Free, To: inventory.Held, Qty: 1, Reason: "check", Serials: []string{"S1"}})
		at("S1 held P-2", "S2 good P-1", "S3 good P-2", "S4 good P-2")
		// Of those that are held, too.
		r.must(door.Stock, "CAM", inventory.ChangeStatus{Place: inventory.Place{Location: "P-2"}, From: inventory.Free, To: inventory.Damaged, Qty: 1, Reason: "check", Serials: []string{"S3"}})
		r.shelves(location.Quarantine, "Q", 0)
		held := inventory.Transfer{From: inventory.Place{Location: "P-2"}, To: inventory.Place{Location: "Q"}, Stage: inventory.Held, Qty: 1}
		r.refused(door.Stock, "CAM", held, fault.Rejected, "serials")
		r.must(door.Stock, "CAM", inventory.ChangeStatus{Place: inventory.Place{Location: "P-2"}, From: inventory.Damaged, To: inventory.Free, Qty: 1, Reason: "check", Serials: []string{"S3"}})
		at("S1 held P-2", "S2 good P-1", "S3 good P-2", "S4 good P-2")

		r.place("SO-1", "CAM", 2)
		settle(time.Minute)
		id := r.pickTasks()[0].Task
		r.must(door.Floor, id, task.Claim{Worker: "kim", Lease: time.Hour})
		// Where he was sent others may lie than the books have: he takes what he finds.
		found := []string{"S4", "S2"}
		for _, st := range foldOf(r, task.Fold, task.StreamOf(site, id)).Steps {
			r.must(door.Floor, id, pick.Confirm{Step: st.No, Qty: st.Qty, Tote: "T", Worker: "kim", Serials: found[:st.Qty]})
			found = found[st.Qty:]
		}
		settle(time.Minute)
		if n := len(r.stockOf("CAM").Loose); n != 2 {
			t.Fatalf("%d numbers are in totes: %+v", n, r.stockOf("CAM"))
		}
		for _, sh := range r.stockOf("CAM").Shelves {
			if int64(len(sh.Serials)) != sh.Free+sh.Allocated || int64(len(sh.HeldSerials)) != sh.Held {
				t.Errorf("%+v", sh)
			}
		}
		in := slices.Collect(func(yield func(string) bool) {
			for _, x := range r.stockOf("CAM").Loose {
				yield(x.Serial)
			}
		})
		pk := events[pack.Opened](r)[0].Pack
		r.must(door.Floor, pk, pack.CloseCarton{Box: "S", Contents: []pack.Content{{Line: 1, Item: "CAM", Tote: "T", Qty: 2, Serials: in}}, Packer: "pat"})
		settle(time.Minute)
		carton := r.cartons("SO-1")[0]
		for _, x := range r.stockOf("CAM").Loose {
			if x.LPN != carton {
				t.Errorf("%+v, packed into %s", x, carton)
			}
		}
		r.must(door.Orders, "SO-1", order.Cancel{Reason: "customer"})
		settle(time.Minute)
		back := 0
		for _, x := range r.stockOf("CAM").WhereSerials() {
			if x.Location == carton {
				back++
			}
		}
		if back != 2 || len(r.stockOf("CAM").Loose) != 0 {
			t.Errorf("%+v", r.stockOf("CAM").WhereSerials())
		}
		r.books("CAM")
		r.noLetters()
	})
}
