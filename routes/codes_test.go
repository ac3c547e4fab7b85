package routes

import (
	"testing"
	"testing/synctest"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
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
