package x12wms_test

import (
	"testing"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/transforms/x12wms"
)

var ofA = inventory.Head{BookKey: inventory.BookKey{Scope: where, Item: "A"}, At: noon}

func TestA944SaysWhatCame(t *testing.T) {
	line := func(no int, item string, qty int64, c receiving.Count) receiving.Expected {
		return receiving.Expected{Line: receiving.Line{No: no, Item: item, Qty: qty}, Count: c}
	}
	extra := line(4, "D", 0, receiving.Count{Good: 1})
	extra.Unannounced = true
	r := receiving.Receipt{
		Head: receiving.Head{Scope: where, ID: "TR-9"}, Supplier: "MILL", Reference: "PO-7",
		Lines: []receiving.Expected{
			line(1, "A", 10, receiving.Count{Good: 8, Damaged: 2}), line(2, "B", 5, receiving.Count{}), line(3, "C", 1, receiving.Count{Good: 1, Held: 2}), extra,
		},
		Entries: []receiving.Entry{
			{Place: inventory.Place{Location: "X", Lot: "L2"}, Line: 1, Stage: inventory.Free, Qty: 5},
			{Place: inventory.Place{Location: "X", Lot: "L1"}, Line: 1, Stage: inventory.Free, Qty: 3},
			{Place: inventory.Place{Location: "Y", Lot: "L1"}, Line: 1, Stage: inventory.Damaged, Qty: 2},
			{Line: 3, Stage: inventory.Free, Qty: 1}, {Line: 3, Stage: inventory.Held, Qty: 2}, {Line: 4, Stage: inventory.Free, Qty: 1},
		},
	}
	got := sent(t, "944", "RE", profile.ReceiptAdvice(r, receiving.Closed{Head: receiving.Head{Scope: where, ID: "TR-9", At: noon}}))
	want := "W17*F*20261125*TR-9*PO-7*TR-9~N1*WH**92*W1~N1*DE**92*D7~N1*SF*MILL~N9*PO*PO-7~G62*09*20261125~" +
		"W07*5*EA**SK*A~N9*LT*L1~W07*5*EA**SK*A~N9*LT*L2~N9*LI*1~W13*2*EA*01**ZZ~" +
		"W07*0*EA**SK*B~N9*LI*2~W13*5*EA*02~" +
		"W07*3*EA**SK*C~N9*LI*3~W13*2*EA*09~W13*2*EA*03~" +
		"W07*1*EA**SK*D~N9*LI*4~W13*1*EA*03~W14*14**4~"
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestA947SaysWhatChangedAndWhy(t *testing.T) {
	p := profile
	p.Reasons = map[string]string{"leak": "AV"}
	at := inventory.Place{Location: "S-1", Lot: "L1"}
	for name, c := range map[string]struct {
		e    event.Event
		w19  string // "" for none
		note string
	}{
		"lost":                  {inventory.StockAdjusted{Head: ofA, Place: at, Delta: -3, Reason: "shrink"}, "W19*AH*-3*EA**SK*A~", "shrink"},
		"found":                 {inventory.StockAdjusted{Head: ofA, Place: at, Delta: 3, Reason: "leak"}, "W19*AV*3*EA**SK*A~", "leak"},
		"scrapped":              {inventory.StockAdjusted{Head: ofA, Place: at, Stage: inventory.Held, Delta: -1, Reason: "scrap"}, "W19*07*-1*EA**SK*A~", "scrap"},
		"what a count found":    {inventory.StockAdjusted{Head: ofA, Place: at, Delta: 2, Reason: "count_short"}, "W19*AA*2*EA**SK*A~", "count_short"},
		"that it counted":       {inventory.StockCounted{Head: ofA, Place: at, Booked: 7, Counted: 9}, "", ""},
		"held back":             {inventory.StockStatusChanged{Head: ofA, Place: at, From: inventory.Free, To: inventory.Held, Qty: 4, Reason: "recall"}, "W19*05*-4*EA**SK*A~", "recall"},
		"let go":                {inventory.StockStatusChanged{Head: ofA, Place: at, From: inventory.Held, To: inventory.Received, Qty: 4, Reason: "passed"}, "W19*55*4*EA**SK*A~", "passed"},
		"damaged":               {inventory.StockStatusChanged{Head: ofA, Place: at, From: inventory.Free, To: inventory.Damaged, Qty: 1, Reason: "fell"}, "W19*AU*-1*EA**SK*A~", "fell"},
		"mended":                {inventory.StockStatusChanged{Head: ofA, Place: at, From: inventory.Damaged, To: inventory.Free, Qty: 1, Reason: "mended"}, "W19*AC*1*EA**SK*A~", "mended"},
		"held, and damaged now": {inventory.StockStatusChanged{Head: ofA, Place: at, From: inventory.Held, To: inventory.Damaged, Qty: 1, Reason: "x"}, "", ""},
		"looked for, and found": {inventory.StockStatusChanged{Head: ofA, Place: at, From: inventory.Suspect, To: inventory.Free, Qty: 1, Reason: "x"}, "", ""},
		"picked":                {inventory.StockPicked{Head: ofA}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := x12wms.Adjusts(c.e); got != (c.w19 != "") {
				t.Fatalf("it is told: %v", got)
			}
			body, err := p.Adjustment("77", c.e)
			if c.w19 == "" {
				if err == nil {
					t.Error("written all the same")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := "W15*20261125*77~N1*WH**92*W1~N1*DE**92*D7~" + c.w19 + "N9*LT*L1~NTE*GEN*" + c.note + "~"
			if got := sent(t, "947", "AW", body); got != want {
				t.Errorf("%s\nwant\n%s", got, want)
			}
		})
	}
	for _, bad := range []string{"", "A", "ABC"} {
		p.Reasons = map[string]string{"x": bad}
		if p.Validate() == nil {
			t.Errorf("%q is no code", bad)
		}
	}
}

func TestAn846SaysWhatThereIs(t *testing.T) {
	st := inventory.Stock{BookKey: ofA.BookKey, Promised: 3, Picked: 2, Shelves: []inventory.Shelf{{Free: 5, Held: 1, Damaged: 1, Received: 4}}}
	items := []x12wms.Stocked{x12wms.StockedOf(st), {Item: "B"}}
	got := sent(t, "846", "IB", profile.InventoryReport(where, "R-1", noon, true, items))
	want := "BIA*00*DD*R-1*20261125*1200~N1*WH**92*W1~N1*DE**92*D7~" +
		"LIN*1*SK*A~QTY*17*13*EA~QTY*33*2*EA~QTY*QH*2*EA~LIN*2*SK*B~QTY*17*0*EA~QTY*33*0*EA~QTY*QH*0*EA~CTT*2~"
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	st.Promised = 9
	if x := x12wms.StockedOf(st); x.Available != 0 {
		t.Errorf("%d available of what is promised twice", x.Available)
	}
}
