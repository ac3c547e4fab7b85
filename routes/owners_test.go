package routes

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/owner"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/edi/x12/x12gen"
)

func (r *rig) keeps(id string, s owner.Spec) {
	r.t.Helper()
	r.must(door.Master, id, owner.Register{Scope: scope.Scope{Tenant: site.Tenant, Owner: id, Facility: site.Facility}, Spec: s, Update: true})
}

func TestWhereOwnersAreKeptAnUnknownOneIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still)
		r.stock("A", 10, "P-1")
		r.place("BEFORE", "A", 1)
		r.keeps("BETA", owner.Spec{})

		r.refused(door.Orders, "SO-1", place("SO-1", lines("A", 1)), fault.Rejected, "owner")
		r.refused(door.Master, "B", item.Register{Spec: item.Spec{Units: []item.Unit{{UOM: "each", Factor: 1}}}}, fault.Rejected, "owner")
		r.refused(door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "P-1"}, Qty: 1}, fault.Rejected, "owner")
		r.refused(door.Stock, "A", inventory.Adjust{Place: inventory.Place{Location: "P-1"}, Delta: 1, Reason: "count"}, fault.Rejected, "owner")
		announce := receiving.Announce{Announcement: receiving.Announcement{Kind: receiving.KindASN, Lines: []receiving.Line{{No: 1, Item: "A", Qty: 2}}}}
		r.refused(door.Receipts, "R-1", announce, fault.Rejected, "owner")
		// What is open goes on, and what was placed is the order that it was.
		if again := r.must(door.Orders, "BEFORE", place("BEFORE", lines("A", 1))); again.Created {
			t.Error("an order was placed twice")
		}
		r.must(door.Orders, "BEFORE", order.Cancel{Reason: "test"})

		r.keeps(site.Owner, owner.Spec{Title: "known now"})
		r.must(door.Orders, "SO-1", place("SO-1", lines("A", 1)))
		r.must(door.Receipts, "R-1", announce)
		r.keeps(site.Owner, owner.Spec{Blocked: true})
		r.refused(door.Orders, "SO-2", place("SO-2", lines("A", 1)), fault.Rejected, "owner")
		r.refused(door.Receipts, "R-2", announce, fault.Rejected, "owner")
		r.refused(door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "P-1"}, Qty: 1}, fault.Rejected, "owner")
		r.must(door.Stock, "A", inventory.Adjust{Place: inventory.Place{Location: "P-1"}, Stage: inventory.Free, Delta: -1, Reason: "damage"})
		settle(time.Minute)
		if o := r.order("SO-1"); o.Totals().Allocated != 1 {
			t.Errorf("an open order of a blocked owner: %+v", o.Totals())
		}
		r.noLetters()
	})
}

// A document that names an owner whom nobody registered is a letter, whose replay places it.
func TestADocumentOfAnUnknownOwnerIsPlacedByReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := ediRig(t)
		r.keeps("BETA", owner.Spec{})
		text, orders := generated(t, x12gen.Config{Seed: 6, Sets: 1, MostLine: 1})
		r.drop("a.edi", text)
		settle(time.Minute)
		letters := r.letters()
		if len(letters) != 1 || !strings.HasPrefix(letters[0].Place, "N1-04 of DE") || !strings.Contains(letters[0].Cause, "is not known") {
			t.Fatalf("letters: %+v", letters)
		}
		r.keeps(site.Owner, owner.Spec{})
		if err := r.hub.Desk().Replay(t.Context(), letters[0].ID, letters[0].Opening, "ann"); err != nil {
			t.Fatal(err)
		}
		settle(time.Hour)
		r.noLetters()
		r.status(orders[0].Number, order.StatusShipped)
	})
}

func TestAnOwnersRulesHoldForItemsThatSayNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still)
		r.keeps(site.Owner, owner.Spec{Rotation: inventory.LIFO, ShelfLife: item.ShelfLife{Receive: 20, Ship: 10}})
		r.stock("PLAIN", 1, "P-1")
		elapse(time.Hour)
		r.stockOnly("PLAIN", 1, "P-2")
		day := func(n int) inventory.Date { return inventory.Date(time.Now().UTC().Format(time.DateOnly)).Plus(n) }
		milk := item.Spec{Units: []item.Unit{{UOM: "each", Factor: 1}}, Tracking: item.Tracking{Lot: true, Expiry: true}}
		r.must(door.Master, "MILK", item.Register{Spec: milk})
		lot := func(name string, days int) inventory.Receive {
			return inventory.Receive{Place: inventory.Place{Location: "P-1", Lot: name}, Qty: 5, Expiry: day(days)}
		}
		r.refused(door.Stock, "MILK", lot("L-0", 19), fault.Rejected, "expiry")
		r.must(door.Stock, "MILK", lot("L-1", 20))
		elapse(11 * 24 * time.Hour)
		r.must(door.Stock, "MILK", lot("L-2", 40))

		r.place("SO-1", "PLAIN", 1)
		r.place("SO-2", "MILK", 1)
		settle(time.Minute)
		for _, e := range events[inventory.StockAllocated](r) {
			switch {
			case e.Item == "PLAIN" && e.Location != "P-2":
				t.Errorf("last in was not first out: %+v", e)
			case e.Item == "MILK" && (e.Lot != "L-2" || e.Why.MinExpiryBy != inventory.ByOwner):
				t.Errorf("%+v", e)
			}
		}
		if got := r.stockOf("MILK"); got.Free() != 9 {
			t.Errorf("%d free", got.Free())
		}
	})
}
