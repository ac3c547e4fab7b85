package routes

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/receiving"
)

// dock is master data of a building that receives.
func (r *rig) dock(skus ...string) {
	r.t.Helper()
	for _, sku := range skus {
		r.must(door.Master, sku, item.Register{Spec: spec(200 * measure.Gram)})
	}
	r.must(door.Master, "DOCK", location.Register{Spec: location.Spec{Purpose: location.Dock}})
}

func (r *rig) receipt(id string) receiving.Receipt {
	r.t.Helper()
	return foldOf(r, receiving.Fold, receiving.StreamOf(site, id))
}

func expects(of ...any) receiving.Announce {
	c := receiving.Announce{Announcement: receiving.Announcement{Kind: receiving.KindASN, Supplier: "SUP"}}
	for i := 0; i < len(of); i += 2 {
		c.Lines = append(c.Lines, receiving.Line{Item: of[i].(string), Qty: int64(of[i+1].(int))})
	}
	return c
}

func came(sku string, qty int64) receiving.Receive { return receiving.Receive{Item: sku, Qty: qty} }

func TestAReceiptFromItsAnnouncementToItsDiscrepancies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still, func(c *FlowConfig) {
			c.Receiving = ReceivingConfig{Tolerance: map[string]int{"acme": 100}, Over: receiving.HoldOver}
		})
		r.dock("A", "B")
		c := expects("A", 10, "B", 2, "A", 6)
		c.Lines[2].LPN = "006141410000000012"
		c.Units = []string{"", item.Case}
		r.must(door.Receipts, "ASN-1", c)
		r.refused(door.Receipts, "ASN-1", came("A", 1), fault.Invalid, "location") // it stands nowhere
		r.must(door.Receipts, "ASN-1", receiving.Arrive{Dock: "DOCK"})
		first := came("A", 4)
		first.Entry = "E-1"
		r.must(door.Receipts, "ASN-1", first)
		if again := r.must(door.Receipts, "ASN-1", first); again.Created {
			t.Error("an entry was received twice")
		}
		r.must(door.Receipts, "ASN-1", receiving.Receive{Item: "A", Qty: 9}) // 6 are open, 1 is tolerated, 2 are held
		r.must(door.Receipts, "ASN-1", receiving.Receive{Item: "B", Qty: 1, UOM: item.Case, Condition: receiving.Damaged, Reason: "wet"})
		scan := receiving.ReceiveLPN{LPN: "006141410000000012"}
		r.must(door.Receipts, "ASN-1", scan)
		if again := r.must(door.Receipts, "ASN-1", scan); again.Created {
			t.Error("a pallet was received twice")
		}
		r.must(door.Receipts, "ASN-1", receiving.Judge{Line: 1, Qty: 1, Pass: true, Reason: "agreed"})
		r.must(door.Receipts, "ASN-1", receiving.Close{})
		r.refused(door.Receipts, "ASN-1", came("A", 1), fault.Rejected, "receipt")
		want := map[string]int64{"1 over": 3, "1 held": 1, "2 under": 6, "2 damaged": 6}
		got := map[string]int64{}
		for _, x := range r.receipt("ASN-1").Discrepancies {
			got[string(rune('0'+x.Line))+" "+x.Kind] = x.Qty
		}
		for k, n := range want {
			if got[k] != n {
				t.Errorf("%s: %d, expected %d", k, got[k], n)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%v", got)
		}
		settle(time.Minute)
		a, b := r.stockOf("A"), r.stockOf("B")
		if a.OnHand() != 19 || b.OnHand() != 6 || a.AvailableToPromise() != 0 || b.AvailableToPromise() != 0 {
			t.Errorf("%+v\n%+v", a, b)
		}
		r.books("A", "B")
		r.noLetters()
	})
}

func TestReceiptsAreRefusedAtTheDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still, func(c *FlowConfig) { c.Receiving.NoBlind = true })
		r.dock("A")
		r.must(door.Master, "P-1", location.Register{Spec: location.Spec{Purpose: location.Pick}})
		r.must(door.Master, "DOCK-2", location.Register{Spec: location.Spec{Purpose: location.Dock}})
		r.must(door.Master, "DOCK-2", location.Block{Reason: "ice"})
		unit := expects("A", 1)
		unit.Units = []string{"barrel"}
		for _, x := range []struct {
			cmd   any
			kind  fault.Kind
			place string
		}{
			{expects("NONE", 1), fault.Rejected, "lines[0].item"},
			{unit, fault.Rejected, "lines[0].uom"},
			{came("A", 1), fault.Rejected, "receipt"}, // nobody announced it
			{receiving.Arrive{Dock: "DOCK"}, fault.Rejected, "receipt"},
			{inventory.Receive{Qty: 1}, fault.Invalid, "command"},
		} {
			r.refused(door.Receipts, "ASN-1", x.cmd, x.kind, x.place)
		}
		r.must(door.Receipts, "ASN-1", expects("A", 5))
		for _, x := range []struct {
			cmd   any
			kind  fault.Kind
			place string
		}{
			{receiving.Arrive{Dock: "P-1"}, fault.Rejected, "dock"},
			{receiving.Arrive{Dock: "DOCK-2"}, fault.Rejected, "dock"},
			{receiving.Arrive{Dock: "NONE"}, fault.Rejected, "dock"},
			{receiving.Receive{Item: "A", Qty: 6, Place: inventory.Place{Location: "DOCK"}}, fault.Rejected, "qty"},
			{receiving.Receive{Item: "A", Qty: 1, Place: inventory.Place{Location: "NONE"}}, fault.Rejected, "location"},
			{receiving.Receive{Item: "B", Qty: 1, Place: inventory.Place{Location: "DOCK"}}, fault.Rejected, "item"},
			{receiving.Judge{Line: 1, Pass: true, Reason: "x", By: "jo"}, fault.Rejected, "qty"},
		} {
			r.refused(door.Receipts, "ASN-1", x.cmd, x.kind, x.place)
		}
		if r.receipt("ASN-1").Status != receiving.StatusAnnounced || r.stockOf("A").OnHand() != 0 {
			t.Errorf("%+v", r.receipt("ASN-1"))
		}
	})
}
