package routes

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/order"
)

// A line whose item nobody knew goes on once an item that was there gets its code: the one that it is named
// by, or another of the line, a U.P.C. for a GTIN too.
func TestAHeldLineGoesOnWhenAnItemGetsItsCode(t *testing.T) {
	for name, c := range map[string]struct {
		code item.Code
		goes bool
	}{
		"the name":             {item.Code{Kind: "vendor", Value: "THEIRS-7"}, true},
		"another of the line":  {item.Code{Kind: "buyer", Value: "B-7"}, true},
		"its U.P.C. as a GTIN": {item.Code{Kind: "gtin", Value: "00012345678905"}, true},
		"somebody else's":      {item.Code{Kind: "vendor", Value: "THEIRS-8"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := ediRig(t)
				s := spec(10 * measure.Gram)
				r.must(door.Master, "OURS", item.Register{Spec: s})
				r.stockOnly("OURS", 1000, "P-1")
				r.drop("850", purchase("850", "11", strings.NewReplacer("PO1*1*10*EA***SK*SKU-1", "PO1*1*10*EA***VN*THEIRS-7*IN*B-7*UP*012345678905").Replace(purchased)))
				settle(time.Minute)
				if l := r.letters(); len(l) != 1 || l[0].Route != heldLines || l[0].Partner != "ACME" {
					t.Fatalf("letters: %+v", l)
				}
				s.Codes = append(s.Codes, c.code)
				r.must(door.Master, "OURS", item.Change{Spec: s})
				settle(time.Hour)
				if !c.goes {
					if len(r.letters()) != 1 || r.order("PO-1").Status() == order.StatusShipped {
						t.Errorf("it is %s, %d letters", r.order("PO-1").Status(), len(r.letters()))
					}
					return
				}
				r.noLetters()
				r.status("PO-1", order.StatusShipped)
				if l := r.order("PO-1").Lines[0]; l.SKU != "OURS" || l.Shipped != 10 {
					t.Errorf("line %+v", l)
				}
				// He is answered in the code that he sent.
				if got := said(box.sets(t, "855"), "PO1", 6, 7); !strings.HasPrefix(got, "VN THEIRS-7") {
					t.Errorf("answered %q", got)
				}
				r.books("OURS")
			})
		})
	}
}
