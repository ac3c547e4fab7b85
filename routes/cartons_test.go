package routes

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
)

// What items may bear is asked of the master data when cartons are proposed, and the
// proposal says where each unit lies.
func TestProposedCartonsHaveCoordinates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		for sku, p := range map[string]item.Packing{"VASE": {Fragile: true}, "ACID": {Segregation: "hazmat"}, "MUG": {Upright: true}} {
			s := spec(200 * measure.Gram)
			s.Packing = p
			r.must(door.Master, sku, item.Register{Spec: s})
			r.stockOnly(sku, 20, "A-"+sku)
		}
		r.place("SO-1", "VASE", 1, "ACID", 2, "MUG", 4)
		settle(time.Hour)
		r.status("SO-1", order.StatusShipped)
		var plans []pack.Plan
		r.each(func(rec *journal.Record) {
			if rec.Type != (pack.Proposed{}).EventType() {
				return
			}
			var e pack.Proposed
			if err := json.Unmarshal(rec.Data, &e); err != nil {
				t.Fatal(err)
			}
			plans = append(plans, e.Plan)
		})
		if len(plans) != 1 || len(plans[0].Cartons) != 2 || plans[0].Bound != 2 {
			t.Fatalf("proposed %+v", plans)
		}
		for _, c := range plans[0].Cartons {
			units := 0
			for _, p := range c.Placements {
				units += p.Count.Length * p.Count.Width * p.Count.Height
				if p.Item == "MUG" && p.Dims.Height != 5*measure.Centimetre {
					t.Errorf("%+v is not upright", p)
				}
				if p.Item == "ACID" && len(c.Contents) != 1 {
					t.Errorf("%+v is not alone in %+v", p, c)
				}
			}
			for _, k := range c.Contents {
				units -= int(k.Qty)
			}
			if units != 0 {
				t.Errorf("%d units more placed than held in %+v", units, c)
			}
		}
		r.noLetters()
	})
}
