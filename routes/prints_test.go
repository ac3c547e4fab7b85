package routes

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
)

// What a label says while a carton is filled, closed and gone, and what a slip says.
func TestPapersSayWhatIsPacked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := packer(t)
		const id = "P1-SO-1"
		label := func(sscc string) (p ship.CartonPaper) {
			t.Helper()
			if err := json.Unmarshal(r.must(door.Prints, sscc, ship.PrintCarton{}).Body, &p); err != nil {
				t.Fatal(err)
			}
			return p
		}
		slip := func() (p ship.OrderPaper) {
			t.Helper()
			if err := json.Unmarshal(r.must(door.Prints, "SO-1", ship.PrintOrder{}).Body, &p); err != nil {
				t.Fatal(err)
			}
			return p
		}
		r.must(door.Floor, id, pack.OpenCarton{Box: "S"})
		first := r.packing(id).Begun[0].Carton
		if p := label(first); len(p.Contents) != 0 || p.To.Name != "Jo Doe" || p.From.Company != "PakLog" || p.No != 0 {
			t.Errorf("open and empty: %+v", p)
		}
		r.must(door.Floor, id, pack.Scan{Code: "10614141000019"})
		if p := label(first); len(p.Contents) != 1 || p.Contents[0].Qty != 6 || p.Contents[0].GTIN != "00614141000012" || p.Contents[0].UOM != "each" {
			t.Errorf("being filled: %+v", p)
		}
		r.must(door.Floor, id, pack.Close{})
		if p := slip(); len(p.Cartons) != 1 || p.Lines[0].Packed != 6 || p.Lines[1].Packed != 0 || p.Lines[1].Waits != 2 || p.To.City != "Reno" {
			t.Errorf("slip of a part: %+v", p)
		}
		r.must(door.Floor, id, pack.OpenCarton{Box: "S"})
		r.must(door.Floor, id, pack.Scan{Item: "B", Qty: 2})
		r.must(door.Floor, id, pack.Close{})
		before := len(events[order.Packed](r))
		settle(time.Hour)
		r.status("SO-1", order.StatusShipped)
		if p := label(first); p.Of != 2 || p.Tracking == "" || p.Carrier != "ups" || p.Weight == 0 || len(p.Contents) != 1 {
			t.Errorf("gone: %+v", p)
		}
		if p := slip(); len(p.Cartons) != 2 || p.Lines[1].Packed != 2 || p.Lines[1].Waits != 0 {
			t.Errorf("slip of all: %+v", p)
		}
		for name, a := range map[string]struct {
			ask  door.Ask
			kind fault.Kind
		}{
			"carton that is none":      {door.Ask{ID: "106141412345678908", Cmd: ship.PrintCarton{}}, fault.Rejected},
			"number that is no SSCC":   {door.Ask{ID: "SO-1", Cmd: ship.PrintCarton{}}, fault.Invalid},
			"order that is none":       {door.Ask{ID: "SO-2", Cmd: ship.PrintOrder{}}, fault.Rejected},
			"command of another door":  {door.Ask{ID: "SO-1", Cmd: pack.Close{}}, fault.Invalid},
			"building that nobody has": {door.Ask{Scope: scope.Scope{Tenant: "t", Owner: "acme", Facility: "west"}, ID: first, Cmd: ship.PrintCarton{}}, fault.Invalid},
		} {
			if _, err := r.ask(door.Prints, a.ask); fault.KindOf(err) != a.kind {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := len(events[order.Packed](r)); n != before {
			t.Errorf("printing wrote %d events", n-before)
		}
	})
}
