package routes

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/returns"
)

func (r *rig) returned(id string) returns.Return {
	r.t.Helper()
	return foldOf(r, returns.Fold, returns.StreamOf(site, id))
}

func authorize(number string, qty int64) returns.Authorize {
	return returns.Authorize{Order: number, Reason: "changed_mind", Lines: []returns.Line{{OrderLine: 1, Qty: qty}}}
}

func back(sku string, qty int64) returns.Receive {
	return returns.Receive{Item: sku, Qty: qty, Place: inventory.Place{Location: "DOCK"}}
}

func blind(sku string, qty int64, number string) returns.Receive {
	c := back(sku, qty)
	c.Blind = &returns.Blind{Order: number, Reason: "no label"}
	return c
}

func TestNoMoreComesBackThanWasShipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.stock("A", 20, "P-1")
		r.dock("A")
		r.place("SO-1", "A", 5)
		settle(time.Minute)
		r.status("SO-1", order.StatusShipped)
		r.refused(door.Receipts, "RMA-1", authorize("NONE", 1), fault.Rejected, "order")
		r.refused(door.Receipts, "RMA-1", authorize("SO-1", 6), fault.Rejected, "lines[0].qty")
		r.must(door.Receipts, "RMA-1", authorize("SO-1", 3))
		r.refused(door.Receipts, "RMA-2", authorize("SO-1", 3), fault.Rejected, "lines[0].qty")
		r.refused(door.Receipts, "B-1", blind("A", 3, "SO-1"), fault.Rejected, "qty")
		r.must(door.Receipts, "B-1", blind("A", 2, "SO-1"))
		r.refused(door.Receipts, "B-1", back("A", 1), fault.Rejected, "qty")
		r.refused(door.Receipts, "B-2", back("A", 1), fault.Rejected, "return") // nobody says why
		first := back("A", 2)
		first.Entry = "E-1"
		r.must(door.Receipts, "RMA-1", first)
		if again := r.must(door.Receipts, "RMA-1", first); again.Created {
			t.Error("it came back twice")
		}
		r.must(door.Receipts, "RMA-1", returns.Close{}) // one of three did not come: it may come otherwise
		r.must(door.Receipts, "RMA-3", authorize("SO-1", 1))
		r.must(door.Receipts, "RMA-3", returns.Cancel{Reason: "kept"})
		r.must(door.Receipts, "B-3", blind("A", 1, "SO-1"))
		r.refused(door.Receipts, "RMA-4", authorize("SO-1", 1), fault.Rejected, "lines[0].qty")
		// Whose order nobody knows is taken with a reason, and nothing is owed.
		r.must(door.Receipts, "B-4", blind("A", 1, "OTHER"))
		r.must(door.Receipts, "B-4", returns.Dispose{Line: 1, To: returns.Restock, Reason: "as new", By: "al"})
		settle(time.Minute)
		if n := len(events[returns.CreditDue](r)); n != 0 || !r.returned("B-4").Unknown {
			t.Errorf("%d credits for %+v", n, r.returned("B-4"))
		}
		if s := r.stockOf("A"); s.OnHand() != 21 {
			t.Errorf("%+v", s)
		}
		r.books("A")
		r.noLetters()
	})
}

func TestReturnedGoodsGoWhereSomebodySaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.stock("A", 6, "P-1")
		r.dock("A")
		r.place("SO-1", "A", 6)
		settle(time.Minute)
		r.status("SO-1", order.StatusShipped)
		r.place("SO-2", "A", 4)
		r.must(door.Receipts, "RMA-1", authorize("SO-1", 6))
		r.must(door.Receipts, "RMA-1", back("A", 6))
		settle(time.Minute)
		if o := r.order("SO-2").Totals(); o.Backordered != 4 || r.stockOf("A").AvailableToPromise() != 0 {
			t.Fatalf("promised what nobody has looked at: %+v", o)
		}
		say := func(qty int64, from, to string) {
			t.Helper()
			r.must(door.Receipts, "RMA-1", returns.Dispose{Line: 1, Qty: qty, From: from, To: to, Reason: "seen", By: "al"})
			settle(time.Minute)
		}
		say(2, "", returns.Restock)
		say(2, "", returns.Quarantine)
		say(1, "", returns.Scrap)
		say(1, "", returns.ReturnToVendor)
		r.refused(door.Receipts, "RMA-1", returns.Dispose{Line: 1, Qty: 1, To: returns.Restock, Reason: "x", By: "al"}, fault.Rejected, "qty")
		say(2, returns.Quarantine, returns.Refurbish)
		if o := r.order("SO-2").Totals(); o.Shipped != 2 || o.Backordered != 2 {
			t.Errorf("the order got other than what was restocked and put away: %+v", o)
		}
		say(2, returns.Refurbish, returns.Restock)
		r.status("SO-2", order.StatusShipped)
		var credited int64
		for _, e := range events[returns.CreditDue](r) {
			if credited += e.Qty; e.Order != "SO-1" || e.OrderLine != 1 {
				t.Errorf("%+v", e)
			}
		}
		if credited != 6 || r.returned("RMA-1").Lines[0].Credited != 6 {
			t.Errorf("%d credited", credited)
		}
		if s := r.stockOf("A"); s.OnHand() != 0 || s.Out != 12 {
			t.Errorf("%+v", s)
		}
		r.books("A")
		r.noLetters()
	})
}

func TestWhatHasExpiredIsNotSoldAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.dock("A")
		c := blind("A", 1, "")
		c.Lot, c.Expiry = "L1", "1999-12-31"
		r.must(door.Receipts, "B-1", c)
		r.refused(door.Receipts, "B-1", returns.Dispose{Line: 1, To: returns.Restock, Reason: "x", By: "al"}, fault.Rejected, "to")
		r.must(door.Receipts, "B-1", returns.Dispose{Line: 1, To: returns.Scrap, Reason: "expired", By: "al"})
		settle(time.Minute)
		r.books("A")
		r.noLetters()
	})
}

// Two who take the same goods back at the same moment: one of them is refused.
func TestTheSameGoodsComeBackOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.stock("A", 5, "P-1")
		r.dock("A")
		r.place("SO-1", "A", 5)
		settle(time.Minute)
		done := make(chan error)
		for i := range 8 {
			go func() {
				_, err := r.ask(door.Receipts, door.Ask{ID: "B-" + string(rune('A'+i)), Cmd: blind("A", 2, "SO-1")})
				done <- err
			}()
		}
		took := 0
		for range 8 {
			if err := <-done; err == nil {
				took++
			} else if fault.KindOf(err) != fault.Rejected {
				t.Error(err)
			}
		}
		if took != 2 || r.stockOf("A").OnHand() != 4 {
			t.Errorf("%d returns of 2, and %d on hand, of 5 that were shipped", took, r.stockOf("A").OnHand())
		}
		r.books("A")
	})
}
