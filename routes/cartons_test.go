package routes

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/inventory"
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

// What is picked by whole units is packed in them: two cases of six closed, or as they are where
// they fit no box, and the rest by the piece. Where a case does not say how large it is, or places
// are not chosen by units, all of it goes by the piece.
func TestCasesStayClosed(t *testing.T) {
	for name, c := range map[string]struct {
		rotation string
		dims     measure.Dims
		want     map[string]int64 // units by box and what they are
	}{
		"by units":        {inventory.ByUnit, cm(20, 18, 15), map[string]int64{"S case of 6": 2, "S  of 0": 2}},
		"of no box":       {inventory.ByUnit, cm(90, 18, 15), map[string]int64{"as it is": 12, "S  of 0": 2}},
		"of unknown size": {inventory.ByUnit, measure.Dims{}, map[string]int64{"S  of 0": 14}},
		"by age":          {inventory.FIFO, cm(20, 18, 15), map[string]int64{"S  of 0": 14}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				s := spec(200 * measure.Gram)
				s.Rotation, s.Units[1].Dims, s.Units[1].Weight = c.rotation, c.dims, 1300*measure.Gram
				r.must(door.Master, "MUG", item.Register{Spec: s})
				r.stockOnly("MUG", 20, "A-1")
				r.place("SO-1", "MUG", 14)
				settle(time.Hour)
				r.status("SO-1", order.StatusShipped)
				got := map[string]int64{}
				r.each(func(rec *journal.Record) {
					if rec.Type != (pack.Proposed{}).EventType() {
						return
					}
					var e pack.Proposed
					if err := json.Unmarshal(rec.Data, &e); err != nil {
						t.Fatal(err)
					}
					for _, b := range e.Plan.Cartons {
						for _, p := range b.Placements {
							got[fmt.Sprintf("%s %s of %d", b.Box, p.UOM, p.Pieces)] += int64(p.Count.Length * p.Count.Width * p.Count.Height)
						}
						if b.Box == "" {
							got["as it is"] += b.Contents[0].Qty
						}
					}
				})
				if !maps.Equal(got, c.want) {
					t.Errorf("packed %v, want %v", got, c.want)
				}
				r.noLetters()
			})
		})
	}
}
