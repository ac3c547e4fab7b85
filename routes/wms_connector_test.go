package routes

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
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
	"github.com/paklog/hub/edi/x12"
)

// notice is an interchange with one 943 or 856 from ACME.
func notice(set, control, body string) string {
	group := map[string]string{"943": "AR", "856": "SH"}[set]
	return fmt.Sprintf("ISA*00*          *00*          *ZZ*ACME           *ZZ*PAKLOG         *000101*0000*U*00401*%09s*0*P*>~\n"+
		"GS*%s*ACME*PAKLOG*20000101*0000*%[1]s*X*004010~\nST*%[3]s*0001~\n%sSE*%d*0001~\nGE*1*%[1]s~\nIEA*1*%09[1]s~\n",
		control, group, set, body, strings.Count(body, "~")+2)
}

const transfer = "W06*J*TR-1*20000101**PO-1~\nN1*SF*MILL*92*M3~\nN1*WH**92*DC1~\nG62*17*20000103~\n" +
	"W04*4*CA**SK*SKU-1*LT*L7~\nW04*2*EA**SK*SKU-1~\nW03*6~\n"

// stockRig is an ediRig whose partner is told all about the stock.
func stockRig(t *testing.T) (*rig, *mailbox) {
	t.Helper()
	r, box := ediRig(t, func(p *Partner) {
		p.Stock = StockNotices{Of: []string{site.Owner}, Receipts: true, Adjustments: true, Every: 24 * time.Hour, Within: 10 * time.Minute}
	})
	r.must(door.Master, "DOCK", location.Register{Spec: location.Spec{Purpose: location.Dock}})
	settle(time.Hour) // what the rig received is told
	return r, box
}

// said joins an element of a segment over sets, in their order.
func said(sets []*x12.Part, id string, n ...int) string {
	var out []string
	for _, p := range sets {
		for _, s := range p.Segments.All() {
			if s.Is(id) {
				var v []string
				for _, k := range n {
					v = append(v, s.Value(k))
				}
				out = append(out, strings.Join(v, " "))
			}
		}
	}
	return strings.Join(out, ", ")
}

func TestA943EndsIn944And997(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := stockRig(t)
		r.drop("943.edi", notice("943", "1", transfer))
		settle(time.Minute)
		got := r.receipt("TR-1")
		if len(got.Lines) != 2 || got.Lines[0].Qty != 24 || got.Lines[0].Lot != "L7" || got.Supplier != "M3" || got.Status != receiving.StatusAnnounced {
			t.Fatalf("%+v", got)
		}
		r.must(door.Receipts, "TR-1", receiving.Arrive{Dock: "DOCK"})
		c := receiving.Receive{Line: 1, Qty: 20}
		c.Lot = "L7"
		r.must(door.Receipts, "TR-1", c)
		r.must(door.Receipts, "TR-1", receiving.Receive{Line: 2, Qty: 2, Condition: receiving.Damaged, Reason: "wet"})
		r.must(door.Receipts, "TR-1", receiving.Close{})
		settle(time.Minute)
		told := box.sets(t, "944")
		if len(told) != 1 || said(told, "W17", 3, 4) != "TR-1 TR-1" && said(told, "W17", 3) != "TR-1" ||
			said(told, "W07", 1, 5) != "20 SKU-1, 2 SKU-1" || said(told, "W13", 1, 3) != "4 02, 2 01" || said(told, "W14", 1) != "22" {
			t.Errorf("%d: %s / %s / %s", len(told), said(told, "W07", 1, 5), said(told, "W13", 1, 3), said(told, "W14", 1))
		}
		if acks := box.sets(t, "997"); len(acks) != 1 || said(acks, "AK9", 1) != "A" || said(acks, "AK1", 1) != "AR" {
			t.Error("it was not acknowledged")
		}
		r.books("SKU-1")
		r.noLetters()
	})
}

func TestANoticeThatComesAgainReplacesTheOneBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := stockRig(t)
		r.drop("a", notice("943", "1", transfer))
		r.drop("b", notice("943", "2", transfer)) // the same
		r.drop("c", notice("943", "3", strings.NewReplacer("W04*2*", "W04*5*", "W03*6", "W03*9").Replace(transfer)))
		settle(time.Minute)
		n := r.count()
		if got := r.receipt("TR-1"); n["receipt.Announced"] != 1 || n["receipt.Changed"] != 1 || got.Lines[1].Qty != 5 {
			t.Errorf("%+v, %v", got, n)
		}
		asn := "BSN*00*ASN-5*20000101*1000*0001~\nHL*1**S~\nN1*ST**92*DC1~\nHL*2*1*O~\nPRF*PO-7~\nHL*3*2*P~\nMAN*GM*00001234567890123457~\n" +
			"HL*4*3*I~\nLIN*1*SK*SKU-1~\nSN1*1*6*EA~\nCTT*4~\n"
		r.drop("d", notice("856", "4", asn))
		settle(time.Minute)
		if got := r.receipt("ASN-5"); len(got.Lines) != 1 || got.Lines[0].LPN != "001234567890123457" || got.Reference != "PO-7" {
			t.Errorf("%+v", got)
		}
		r.drop("e", notice("856", "5", strings.Replace(asn, "BSN*00", "BSN*01", 1)))
		settle(time.Minute)
		if got := r.receipt("ASN-5"); got.Status != receiving.StatusCancelled {
			t.Errorf("%+v", got)
		}
		r.noLetters()
	})
}

func TestANoticeThatCannotBeTakenSaysWhereAndIsReplayed(t *testing.T) {
	for name, c := range map[string]struct {
		body, says string
		kind       fault.Kind
		mend       func(r *rig)
	}{
		"an unknown item": {strings.Replace(transfer, "W04*2*EA**SK*SKU-1", "W04*2*EA**SK*NEW", 1), "W04-05", fault.Rejected, func(r *rig) {
			r.must(door.Master, "NEW", item.Register{Spec: spec(measure.Gram)})
		}},
		"an unknown unit": {strings.Replace(transfer, "W04*4*CA", "W04*4*PL", 1), "W04-02", fault.Rejected, func(r *rig) {
			r.must(door.Master, "SKU-1", item.Register{Update: true, Spec: item.Spec{Units: []item.Unit{
				{UOM: item.Each, Factor: 1, Weight: 10 * measure.Gram, Dims: cm(2, 2, 2)}, {UOM: item.Case, Factor: 6}, {UOM: "PK", Factor: 2}, {UOM: item.Pallet, Factor: 60},
			}}})
		}},
		"a code of nobody": {strings.Replace(transfer, "W04*2*EA**SK*SKU-1", "W04*2*EA**UP*614141000012", 1), "W04-05", fault.Rejected, func(r *rig) {
			s := spec(measure.Gram)
			s.Codes = []item.Code{{Kind: "upc", Value: "614141000012"}}
			r.must(door.Master, "NEW", item.Register{Spec: s})
		}},
		"another building": {strings.Replace(transfer, "92*DC1", "92*DC9", 1), "N1-04", fault.Invalid, nil},
		"no lines":         {"W06*J*TR-1*20000101~\nN1*WH**92*DC1~\n", "W04", fault.Invalid, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, _ := stockRig(t)
				r.drop("943.edi", notice("943", "1", c.body))
				settle(time.Minute)
				l := r.letters()
				if len(l) != 1 || l[0].Kind != c.kind.String() || !strings.Contains(l[0].Place, c.says) || r.receipt("TR-1").Known() {
					t.Fatalf("%+v", l)
				}
				if c.mend == nil {
					return
				}
				c.mend(r)
				if err := r.hub.Desk().Replay(t.Context(), l[0].ID, l[0].Opening, "ann"); err != nil {
					t.Fatal(err)
				}
				settle(time.Minute)
				if !r.receipt("TR-1").Known() {
					t.Errorf("%+v", r.letters())
				}
				r.noLetters()
			})
		})
	}
}

// A notice that is refused keeps no other from being taken, not even the corrected one, over which it is not
// taken afterwards.
func TestANoticeThatIsRefusedHoldsNoOtherUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := stockRig(t)
		of := func(number string, was ...string) string {
			return strings.NewReplacer(append(was, "TR-1", number)...).Replace(transfer)
		}
		r.drop("a", notice("943", "1", of("TR-1", "W04*2*EA**SK*SKU-1", "W04*2*EA**SK*NEW")))
		r.drop("b", notice("943", "2", of("TR-2")))
		settle(time.Minute)
		l := r.letters()
		if len(l) != 1 || r.receipt("TR-1").Known() || !r.receipt("TR-2").Known() {
			t.Fatalf("%+v", l)
		}
		r.drop("c", notice("943", "3", of("TR-1")))
		settle(time.Minute)
		was := r.receipt("TR-1")
		if !was.Known() {
			t.Fatalf("the corrected one waits: %+v", r.letters())
		}
		r.must(door.Master, "NEW", item.Register{Spec: spec(measure.Gram)})
		if err := r.hub.Desk().Replay(t.Context(), l[0].ID, l[0].Opening, "ann"); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		if l := r.letters(); len(l) != 1 || !strings.Contains(l[0].Cause, "a later notice of TR-1 was taken") || !reflect.DeepEqual(r.receipt("TR-1"), was) {
			t.Errorf("%+v\n%+v\n%+v", l, was, r.receipt("TR-1"))
		}
	})
}

func TestChangesOfTheStockAreToldOnceAndTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := stockRig(t)
		before := len(box.sets(t, "846"))
		at := inventory.Place{Location: "P-1"}
		adjust := func(n int64, reason string) {
			r.must(door.Stock, "SKU-1", inventory.Adjust{Place: at, Stage: inventory.Free, Delta: n, Reason: reason, By: "al"})
		}
		adjust(-3, "shrink")
		r.must(door.Stock, "SKU-1", inventory.Quarantine{Place: at, Reason: "recall"})
		settle(time.Minute)
		adjust(1, "found")
		settle(time.Minute)
		if got := said(box.sets(t, "947"), "W19", 1, 2); got != "AH -3, 05 -999997, AH 1" {
			t.Errorf("947: %s", got)
		}
		if n := len(box.sets(t, "846")) - before; n != 0 {
			t.Errorf("%d reports before the changes have waited", n)
		}
		r.restart()
		settle(9 * time.Minute)
		reports := box.sets(t, "846")[before:]
		if len(reports) != 1 || said(reports, "BIA", 1) != "04" || said(reports, "QTY", 1, 2) != "17 999998, 33 1, QH 999997" {
			t.Errorf("%d reports: %s %s", len(reports), said(reports, "BIA", 1), said(reports, "QTY", 1, 2))
		}
		settle(time.Hour)
		if n := len(box.sets(t, "846")) - before; n != 1 {
			t.Errorf("%d reports of what was told", n)
		}
		settle(24 * time.Hour)
		whole := box.sets(t, "846")[before+1:]
		if len(whole) != 1 || said(whole, "BIA", 1) != "00" || said(whole, "LIN", 3) != "SKU-1" {
			t.Errorf("%d whole reports", len(whole))
		}
	})
}

func TestALongReportIsToldInSeveralDocuments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := stockRig(t)
		before := len(box.sets(t, "846"))
		const n = reportItems + 20
		for i := range n {
			sku := fmt.Sprintf("I-%04d", i)
			r.must(door.Master, sku, item.Register{Spec: spec(measure.Gram)})
			r.must(door.Stock, sku, inventory.Receive{Place: inventory.Place{Location: "P-1"}, Qty: 1})
		}
		settle(20 * time.Minute)
		changed := box.sets(t, "846")[before:]
		if len(changed) < 2 || len(strings.Split(said(changed, "LIN", 3), ", ")) != n {
			t.Errorf("%d documents of %d items", len(changed), len(strings.Split(said(changed, "LIN", 3), ", ")))
		}
		settle(24 * time.Hour)
		whole := slices.DeleteFunc(box.sets(t, "846"), func(p *x12.Part) bool { return said([]*x12.Part{p}, "BIA", 1) != "00" })
		items := strings.Split(said(whole, "LIN", 3), ", ")
		if len(whole) != 2 || len(items) != n+1 || len(slices.Compact(slices.Sorted(slices.Values(items)))) != n+1 || said(whole[:1], "BIA", 3) != said(whole[1:], "BIA", 3) {
			t.Errorf("%d documents of %d items", len(whole), len(items))
		}
	})
}

// Whatever dies, each receipt and each change is told once.
func TestACrashAfterAnyUnitOfTheStockTellsEachChangeOnce(t *testing.T) {
	died := 0
	for n, ended := 0, false; !ended; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := stockRig(t)
				before := len(box.sets(t, "846"))
				r.batch = 1
				r.restart()
				r.crash(n)
				ended = !r.askThrough(20*time.Minute, 20*time.Minute, []asked{
					{door.Receipts, "B-1", receiving.Receive{Item: "SKU-1", Qty: 2, Place: inventory.Place{Location: "DOCK"}, Entry: "E"}},
					{door.Receipts, "B-1", receiving.Close{}},
					{door.Stock, "SKU-1", inventory.Adjust{Place: inventory.Place{Location: "P-1"}, Stage: inventory.Free, Delta: -3, Reason: "shrink", By: "al"}},
				})
				settle(time.Hour)
				if a, b := box.sets(t, "944"), box.sets(t, "947"); len(a) != 1 || said(b, "W19", 2) != "-3" {
					t.Errorf("%d 944s, 947s of %s", len(a), said(b, "W19", 2))
				}
				reports := box.sets(t, "846")[before:]
				if len(reports) == 0 || !strings.HasSuffix(said(reports, "QTY", 1, 2), "17 999999, 33 999999, QH 0") {
					t.Errorf("%d reports: %s", len(reports), said(reports, "QTY", 1, 2))
				}
			})
		})
		if t.Failed() {
			return
		}
		died++
	}
	if died < 10 {
		t.Errorf("it died %d times only", died)
	}
}

func TestAnOwnerIsToldOfHisStockByEDIFACTWhereHeTakesThat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := stockRig(t)
		p := r.edi.Partners["ACME"]
		p.Stock.EDIFACT = true
		r.edi.Partners["ACME"] = p
		r.restart()
		r.drop("943.edi", notice("943", "1", transfer))
		settle(time.Minute)
		c := receiving.Receive{Line: 1, Qty: 20}
		c.Lot = "L7"
		r.must(door.Receipts, "TR-1", receiving.Arrive{Dock: "DOCK"})
		r.must(door.Receipts, "TR-1", c)
		r.must(door.Receipts, "TR-1", receiving.Receive{Line: 2, Qty: 2, Condition: receiving.Damaged, Reason: "wet"})
		r.must(door.Receipts, "TR-1", receiving.Close{})
		settle(time.Minute)
		told := box.messages(t, "RECADV")
		if len(told) != 1 || strings.Join(values(told[0], "QTY", 1, 2), " ") != "24 20 20 2 2 0 2" || strings.Join(values(told[0], "QVR", 1, 1), " ") != "-4 -2" ||
			strings.Join(values(told[0], "PIA", 2, 1), " ") != "L7" || strings.Join(values(told[0], "QTY", 1, 1), " ") != "12 48 194 12 48 194 124" || len(box.sets(t, "944")) != 0 {
			t.Fatalf("%d RECADVs", len(told))
		}
		before := len(box.messages(t, "INVRPT"))
		r.must(door.Stock, "SKU-1", inventory.Adjust{Place: inventory.Place{Location: "P-1"}, Stage: inventory.Free, Delta: -3, Reason: "shrink", By: "al"})
		settle(time.Minute)
		adjusted := box.messages(t, "INVRPT")[before:]
		if len(adjusted) != 1 || values(adjusted[0], "BGM", 3, 1)[0] != "4" || values(adjusted[0], "LIN", 3, 1)[0] != "SKU-1" || len(box.sets(t, "947")) != 0 {
			t.Fatalf("%d INVRPTs", len(adjusted))
		}
		settle(25 * time.Hour)
		whole := box.messages(t, "INVRPT")
		if last := whole[len(whole)-1]; values(last, "BGM", 3, 1)[0] != "9" || values(last, "QTY", 1, 2)[0] != "1000019" {
			t.Errorf("all of it: %q", values(last, "QTY", 1, 2))
		}
	})
}

func TestACrashAfterAnyUnitOfAReceiptTellsItByOneRECADV(t *testing.T) {
	died := 0
	for n, ended := 0, false; !ended; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := ediRig(t, func(p *Partner) {
					p.Stock = StockNotices{Of: []string{site.Owner}, Receipts: true, EDIFACT: true}
				})
				r.must(door.Master, "DOCK", location.Register{Spec: location.Spec{Purpose: location.Dock}})
				settle(time.Minute)
				before := len(box.messages(t, "RECADV"))
				r.batch = 1
				r.restart()
				r.crash(n)
				ended = !r.askThrough(time.Minute, time.Minute, []asked{
					{door.Receipts, "B-1", receiving.Receive{Item: "SKU-1", Qty: 2, Place: inventory.Place{Location: "DOCK"}, Entry: "E"}},
					{door.Receipts, "B-1", receiving.Close{}},
				})
				settle(time.Minute)
				if got := box.messages(t, "RECADV")[before:]; len(got) != 1 || values(got[0], "QTY", 1, 2)[1] != "2" {
					t.Errorf("%d RECADVs", len(got))
				}
			})
		})
		if t.Failed() {
			return
		}
		died++
	}
	if died < 6 {
		t.Errorf("it died %d times only", died)
	}
}
