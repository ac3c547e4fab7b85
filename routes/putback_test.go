package routes

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/tracking"
)

// What was taken for an order that is cancelled is nobody's until somebody has brought it back: it lies
// in its tote or carton, no order is given it, and no other goods come into that tote.
func TestGoodsOfACancelledOrderAreBroughtBackByATask(t *testing.T) {
	for _, packed := range []bool{false, true} {
		t.Run(fmt.Sprintf("packed %v", packed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, id := byHand(t, func(c *FlowConfig) { c.Carriers[0].Confirm = AtManifest })
				lpn := func(id string) tracking.LPN { return foldOf(r, tracking.Fold, tracking.StreamOf(site, id)) }
				r.must(door.Floor, id, task.Claim{Worker: "ann", Lease: time.Hour})
				r.must(door.Floor, id, pick.Confirm{Step: 1, Qty: 2, Tote: "T", Worker: "ann"})
				settle(time.Minute)
				in := "T"
				if packed {
					r.must(door.Floor, "P1-SO-1", pack.CloseCarton{Box: "S", Contents: []pack.Content{{Line: 1, Item: "A", Tote: "T", Qty: 2}}, Packer: "cy"})
					settle(time.Minute)
					in = r.cartons("SO-1")[0]
				}
				if lpn(in).Ref != "SO-1" {
					t.Fatalf("%+v", lpn(in))
				}
				home := foldOf(r, task.Fold, task.StreamOf(site, id)).Steps[0].From.Location
				r.must(door.Orders, "SO-1", order.Cancel{Reason: "customer"})
				settle(time.Minute)

				sh, _ := r.stockOf("A").Shelf(inventory.Place{Location: in})
				if left := r.stockOf("A"); sh.Received != 2 || left.Free() != 4 || left.AvailableToPromise() != 4 {
					t.Fatalf("%+v of %+v", sh, left)
				}
				if got := lpn(in).Ref; got != "SO-1" {
					t.Errorf("it is for %q, and what is in it was SO-1's", got)
				}
				back := r.putAways()
				if len(back) != 1 || back[0].Steps[0].From.Location != in || back[0].Steps[0].To.Location != home || back[0].Steps[0].Qty != 2 {
					t.Fatalf("%+v", back)
				}
				// Another order gets what is on the shelf, and the tote is not for it.
				r.place("SO-2", "A", 1)
				settle(time.Minute)
				r.must(door.Floor, "T1-SO-2", task.Claim{Worker: "bob", Lease: time.Hour})
				r.refused(door.Floor, "T1-SO-2", pick.Confirm{Step: 1, Qty: 1, Tote: in, Worker: "bob"}, fault.Rejected, "tote")

				c := r.claimed(back[0].Task)
				c.Location, c.Qty = home, 1
				r.must(door.Floor, back[0].Task, c)
				settle(time.Minute)
				if lpn(in).Ref != "SO-1" || len(r.putAways()) != 1 {
					t.Fatalf("one is still in it: %+v, %+v", lpn(in), r.putAways())
				}
				c = r.claimed(r.putAways()[0].Task)
				c.Location = home
				r.must(door.Floor, r.putAways()[0].Task, c)
				settle(time.Minute)
				if is := lpn(in); packed && is.Ended == "" || !packed && is.Ref != "" {
					t.Errorf("all was put back: %+v", is)
				}
				if s := r.stockOf("A"); s.Free() != 5 || len(r.putAways()) != 0 {
					t.Errorf("%+v", s)
				}
				if !packed {
					r.must(door.Floor, "T1-SO-2", pick.Confirm{Step: 1, Qty: 1, Tote: in, Worker: "bob"})
				}
				settle(time.Minute)
				r.books("A")
				r.noLetters()
			})
		})
	}
}
