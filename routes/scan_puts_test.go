package routes

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/scan"
	"github.com/paklog/hub/core/wave"
)

// A handheld puts a tote of several orders apart: what is scanned must be of the step, and what a
// slot is for is one order's.
func TestAHandheldPutsATotesGoodsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byPeople, inBatches(wave.Bulk))
		h := &handheld{r: r, name: "HH-1"}
		r.twoZones()
		r.walls("W-1", "W-2")
		for _, number := range []string{"SO-0", "SO-1", "SO-2"} {
			r.place(number, "A", 2)
		}
		settle(time.Minute)
		id := r.next("kim").Task.Task
		look := func() map[string]pick.Lying {
			t.Helper()
			var out pick.ToPut
			if err := json.Unmarshal(r.must(door.Floor, id, pick.Look{}).Body, &out); err != nil {
				t.Fatal(err)
			}
			by := map[string]pick.Lying{}
			for _, l := range out.Left {
				by[l.Order] = l
			}
			return by
		}
		if got := look(); len(got) != 0 {
			t.Errorf("nothing is fetched and there is to put %+v", got)
		}
		r.must(door.Floor, id, pick.Confirm{Step: 1, Qty: 6, Tote: "BIN", Worker: "kim"})
		r.must(door.Orders, "SO-2", order.Cancel{Reason: "mind"})
		settle(time.Minute)
		lies := look()
		if len(lies) != 2 || lies["SO-0"].Qty != 2 || lies["SO-1"].Tote != "BIN" || lies["SO-1"].Slot != "" {
			t.Fatalf("%+v", lies)
		}
		put := func(number string, change func(*scan.Scan)) scan.Scan {
			c := scan.Scan{Do: scan.Put, Task: id, Step: lies[number].Step, Code: "A", Tote: "BIN", Place: "W-1", Qty: 1}
			if change != nil {
				change(&c)
			}
			return c
		}
		refused := func(name, where string, c scan.Scan) {
			t.Helper()
			if a := h.scan(c); a.Result != scan.Refused || a.Where != where {
				t.Errorf("%s: %+v, expected a refusal at %q", name, a, where)
			}
		}
		refused("no task", "task", put("SO-0", func(c *scan.Scan) { c.Task = "NONE" }))
		refused("no step of it", "step", put("SO-0", func(c *scan.Scan) { c.Step = 99 }))
		refused("no slot", "place", put("SO-0", func(c *scan.Scan) { c.Place = "" }))
		refused("another item", "code", put("SO-0", func(c *scan.Scan) { c.Code = "B" }))
		refused("another tote", "qty", put("SO-0", func(c *scan.Scan) { c.Tote = "BIN-2" }))
		refused("a shelf", "slot", put("SO-0", func(c *scan.Scan) { c.Place = "P-B" }))
		refused("more than there is", "qty", put("SO-0", func(c *scan.Scan) { c.Qty = 3 }))
		h.done(put("SO-0", nil))
		refused("a slot of another order", "slot", put("SO-1", nil))
		refused("a second slot", "slot", put("SO-0", func(c *scan.Scan) { c.Place = "W-2" }))
		if got := look()["SO-0"]; got.Slot != "W-1" || got.Qty != 1 {
			t.Errorf("%+v", got)
		}
		h.done(put("SO-1", func(c *scan.Scan) { c.Place, c.Qty = "W-2", 2 }))
		h.done(put("SO-0", func(c *scan.Scan) { c.Qty = 0 })) // what the code says
		settle(time.Minute)
		if n := r.count(); n["pack.Opened"] != 2 || n["pick.Consolidated"] != 2 || len(look()) != 0 {
			t.Errorf("%d packings, %d are together, to put %+v", n["pack.Opened"], n["pick.Consolidated"], look())
		}
		r.books("A")
		r.noLetters()
	})
}
