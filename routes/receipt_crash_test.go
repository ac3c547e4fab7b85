package routes

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/returns"
	"github.com/paklog/hub/core/task"
)

// The process dies after each unit in turn while goods are announced, received, judged, put away by
// the automatic worker, sold, sent back and disposed of; whoever got no answer asks again under his
// key. The end is the same as that of a process that never died.
func TestACrashAfterAnyUnitOfAReceiptChangesNothing(t *testing.T) {
	want, died := "", 0
	for n := -1; ; n++ {
		ended := false
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(c *FlowConfig) { c.Receiving.Over = receiving.HoldOver })
				r.batch = 1
				r.restart()
				if n >= 0 {
					r.crash(n)
				}
				asn := expects("A", 12, "A", 6, "B", 3)
				asn.Lines[1].LPN, asn.Lines[2].LPN = "P-1", "P-1"
				fell := r.askThrough(2*time.Minute, time.Hour, []asked{
					{door.Master, "A", item.Register{Spec: spec(1)}},
					{door.Master, "B", item.Register{Spec: spec(1)}},
					{door.Master, "DOCK", location.Register{Spec: location.Spec{Purpose: location.Dock}}},
					{door.Master, "F-1", location.Register{Spec: location.Spec{Purpose: location.Pick, Slot: location.Slot{Owner: "acme", Item: "A", Min: 2, Max: 5}}}},
					{door.Master, "B-1", location.Register{Spec: location.Spec{Purpose: location.Bulk, Capacity: location.Capacity{Units: 9}}}},
					{door.Master, "B-2", location.Register{Spec: location.Spec{Purpose: location.Bulk, Sequence: 2, Capacity: location.Capacity{Units: 40}}}},
					{door.Master, "Q-1", location.Register{Spec: location.Spec{Purpose: location.Quarantine, Capacity: location.Capacity{Units: 9}}}},
					{door.Orders, "SO-1", place("SO-1", lines("A", 4))},
					{door.Receipts, "ASN-1", asn},
					{door.Receipts, "ASN-1", receiving.Arrive{Dock: "DOCK"}},
					{door.Receipts, "ASN-1", receiving.Receive{Item: "A", Qty: 14, Entry: "E-1"}},
					{door.Receipts, "ASN-1", receiving.ReceiveLPN{LPN: "P-1"}},
					{door.Receipts, "ASN-1", receiving.Judge{Line: 1, Pass: true, Reason: "agreed", By: "al"}},
					{door.Receipts, "ASN-1", receiving.Close{}},
					{door.Receipts, "RMA-1", authorize("SO-1", 3)},
					{door.Receipts, "RMA-1", returns.Receive{Item: "A", Qty: 3, Place: inventory.Place{Location: "DOCK"}, Entry: "E-1"}},
					{door.Receipts, "RMA-1", returns.Dispose{Line: 1, Qty: 2, To: returns.Restock, Reason: "as new", By: "al"}},
					{door.Receipts, "RMA-1", returns.Dispose{Line: 1, To: returns.Scrap, Reason: "broken", By: "al"}},
				})
				settle(4 * time.Hour)
				if r.bus.Err() != nil {
					r.restart()
					settle(time.Hour)
				} else {
					ended = n >= 0 && !fell
				}
				r.books("A", "B")
				r.noLetters()
				for _, e := range events[task.Created](r) {
					if tk := foldOf(r, task.Fold, e.Stream()); tk.Status == task.StatusOpen || tk.Status == task.StatusClaimed {
						t.Errorf("a task did not end: %+v", tk)
					}
				}
				if len(events[receiving.Moved](r)) != 1 {
					t.Errorf("what was over went into quarantine %d times", len(events[receiving.Moved](r)))
				}
				got := fmt.Sprintf("SO-1 %+v; %+v; %+v; %d credits", r.order("SO-1").Totals(), r.receipt("ASN-1").Discrepancies,
					r.returned("RMA-1").Lines, len(events[returns.CreditDue](r)))
				for _, sku := range []string{"A", "B"} {
					var shelves []string
					for _, sh := range r.stockOf(sku).Shelves {
						shelves = append(shelves, fmt.Sprintf("%s at %s %s: free %d held %d received %d", sku, sh.Location, sh.LPN, sh.Free, sh.Held, sh.Received))
					}
					slices.Sort(shelves)
					got += fmt.Sprint("; ", shelves)
				}
				if want == "" {
					want = got
				} else if got != want {
					t.Errorf("the end is another:\n%s\n%s", got, want)
				}
			})
		})
		if t.Failed() {
			return
		}
		if ended {
			break
		}
		if died++; testing.Short() { // each third unit; all of them without -short
			n += 2
		}
	}
	if died < 30 {
		t.Errorf("it died %d times only: the scenario proves little", died)
	}
	t.Logf("died after %d units; %s", died, want)
}
