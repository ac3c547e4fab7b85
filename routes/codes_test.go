package routes

import (
	"testing"
	"testing/synctest"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/order"
)

// A GTIN has its check digit, and is one item's of an owner: whoever scans it means that one.
func TestAGTINIsOneItems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		coded := func(kind, value string) item.Spec {
			s := spec(1000)
			s.Codes = []item.Code{{Kind: "buyer", Value: "B-1"}, {Kind: kind, Value: value}}
			return s
		}
		for _, kind := range []string{"gtin", "EAN", "upc"} {
			r.refused(door.Master, "A", item.Register{Spec: coded(kind, "00614141000013")}, fault.Invalid, "codes[1].value")
		}
		r.must(door.Master, "A", item.Register{Spec: coded("gtin", "00614141000012")})
		r.must(door.Master, "B", item.Register{Spec: coded("vendor", "00614141000013")})
		r.refused(door.Master, "C", item.Register{Spec: coded("upc", "614141000012")}, fault.Rejected, "codes[1].value")
		r.refused(door.Master, "B", item.Change{Spec: coded("gtin", "614141000012")}, fault.Rejected, "codes[1].value")
		// Where the first gives it up, the second may have it.
		r.must(door.Master, "A", item.Change{Spec: coded("vendor", "V-1")})
		r.must(door.Master, "C", item.Register{Spec: coded("upc", "614141000012")})
		r.noLetters()
	})
}

// An order may call an item by any code of it; one that is nobody's stays as it was said.
func TestAnOrderNamesItemsByTheirCodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		s := spec(1000)
		s.Codes = []item.Code{{Kind: "buyer", Value: "B-1"}, {Kind: "upc", Value: "614141000012"}}
		r.must(door.Master, "A", item.Register{Spec: s})
		r.must(door.Master, "B", item.Register{Spec: spec(1000)})
		p := place("SO-1", []order.PlaceLine{
			{No: 1, Item: "00614141000012", Qty: 1}, {No: 2, Item: "B", Qty: 1, Codes: []item.Code{{Kind: "buyer", Value: "B-1"}}},
			{No: 3, Item: "X", Qty: 1, Codes: []item.Code{{Kind: "upc", Value: "614141999996"}, {Kind: "buyer", Value: "B-1"}}}, {No: 4, Item: "614141999996", Qty: 1},
		})
		for range 2 { // the same again is the same order
			r.must(door.Orders, "SO-1", p)
			o := r.order("SO-1")
			if o.Lines[0].Item != "A" || o.Lines[1].Item != "B" || o.Lines[2].Item != "A" || o.Lines[3].Item != "614141999996" || !o.Lines[3].Held() {
				t.Fatalf("%+v", o.Lines)
			}
		}
	})
}
