package routes

import (
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/wave"
)

// hall registers a building of five aisles, and a place with 100 pieces of an item of its own
// in every second cell of each; sku is the item at a place.
func (r *rig) hall() (sku func(aisle, cell int) string) {
	r.t.Helper()
	const m = 1000 * measure.Millimetre
	building := facility.Spec{Layouts: []facility.Layout{{
		Code: "HALL", Cells: 20, AisleToAisle: 5 * m, CellToCell: m, FrontToCell: m, BackToCell: m, Depots: []facility.Depot{{Aisle: "A1"}},
	}}}
	for a := range 5 {
		building.Layouts[0].Aisles = append(building.Layouts[0].Aisles, fmt.Sprint("A", a+1))
	}
	r.must(door.Master, "east", facility.Register{Spec: building})
	sku = func(aisle, cell int) string { return fmt.Sprintf("I%d-%d", aisle, cell) }
	for a := 1; a <= 5; a++ {
		for c := 2; c <= 20; c += 2 {
			at := fmt.Sprintf("A%d-%02d", a, c)
			// The sequence is that of nobody's feet: who goes by it walks farther.
			r.must(door.Master, at, location.Register{Spec: location.Spec{Purpose: location.Pick, Aisle: fmt.Sprint("A", a), Cell: c, Sequence: int64(c * 7 % 20)}})
			r.must(door.Master, sku(a, c), item.Register{Spec: spec(100 * measure.Gram)})
			r.must(door.Stock, sku(a, c), inventory.Receive{Place: inventory.Place{Location: at}, Qty: 100})
		}
	}
	return sku
}

// batched are the waves' batches as the journal has them.
func (r *rig) batched() []wave.Batched {
	r.t.Helper()
	var out []wave.Batched
	r.each(func(rec *journal.Record) {
		if rec.Type == (wave.Batched{}).EventType() {
			e, err := decodeEvent(r.hub.Registry(), rec)
			if err != nil {
				r.t.Fatal(err)
			}
			out = append(out, e.(wave.Batched))
		}
	})
	return out
}

func TestAReleasedWaveIsBatchedOnceAndItsTasksFollowTheWay(t *testing.T) {
	for _, method := range wave.Methods() {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(c *FlowConfig) {
					c.Auto.Pick = false
					c.Wave.Batch = BatchConfig{Method: method, Limits: wave.Limits{Lines: 7}, Effort: 20_000}
				})
				sku := r.hall()
				for i := range 5 {
					r.place(fmt.Sprint("SO-", i), sku(1+i, 2), 1, sku(1+(i+2)%5, 20), 2, sku(1+(i+1)%5, 10), 3)
				}
				settle(time.Minute)
				r.noLetters()
				es := r.batched()
				if len(es) != 1 {
					t.Fatalf("batched %d times", len(es))
				}
				e := es[0]
				if e.Method != method || e.Total == 0 || e.Total >= e.Baseline || e.Bound > e.Total || e.Unplaced != 0 || e.Because != "" {
					t.Errorf("%s: total %d, bound %d, baseline %d, %d unplaced: %s", e.Method, e.Total, e.Bound, e.Baseline, e.Unplaced, e.Because)
				}
				got := map[string]int64{}
				for _, b := range e.Batches {
					if b.Lines > 7 {
						t.Errorf("batch %d has %d lines", b.No, b.Lines)
					}
					for _, s := range b.Stops {
						for _, p := range s.Picks {
							got[fmt.Sprint(p.Order, "/", p.Line)] += p.Qty
						}
					}
				}
				if len(got) != 15 || got["SO-3/2"] != 2 {
					t.Errorf("the batches hold %v", got)
				}
				// Every task goes along a batch's way.
				place := map[string]int{}
				for k, n := range ways(e) {
					place[fmt.Sprint(k.of.Order, k.line)] = n
				}
				r.each(func(rec *journal.Record) {
					if rec.Type != (task.Created{}).EventType() {
						return
					}
					c, err := decodeEvent(r.hub.Registry(), rec)
					if err != nil {
						t.Fatal(err)
					}
					last := 0
					for _, s := range c.(task.Created).Steps {
						n := place[fmt.Sprint(s.Order, s.Line)]
						if n <= last {
							t.Errorf("task %s goes from stop %d to %d", c.(task.Created).Task, last, n)
						}
						last = n
					}
				})
				// Another process, which would batch otherwise, takes the batches for what they are.
				w := foldOf(r, wave.Fold, e.Stream())
				r.cfg.Wave.Batch = BatchConfig{Method: wave.BatchPick, Effort: 1}
				r.restart()
				settle(time.Minute)
				if es := r.batched(); len(es) != 1 || !reflect.DeepEqual(es[0], e) || !reflect.DeepEqual(foldOf(r, wave.Fold, e.Stream()), w) {
					t.Errorf("after a restart it was batched %d times", len(es))
				}
			})
		})
	}
}

func TestAWaveWithoutCoordinatesIsWalkedBySequence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *FlowConfig) { c.Wave.Batch.Method = wave.Cluster })
		r.stock("A", 5, "P-1", "P-2")
		r.place("SO-1", "A", 7)
		r.place("SO-2", "A", 2)
		settle(time.Minute)
		es := r.batched()
		if len(es) != 1 || es[0].Unplaced != 3 || es[0].Because == "" || es[0].Total != 0 || es[0].Batches[0].Way != wave.BySequence {
			t.Fatalf("%+v", es)
		}
		r.status("SO-1", order.StatusShipped)
		r.status("SO-2", order.StatusShipped)
		r.noLetters()
	})
}

func TestWhatLeavesAWaveBeforeItIsBatchedIsInNoBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *FlowConfig) { c.Wave.Size = 2 })
		sku := r.hall()
		if err := r.hub.Pause(t.Context(), "wave.optimize", "test"); err != nil {
			t.Fatal(err)
		}
		r.place("SO-1", sku(1, 2), 1)
		r.place("SO-2", sku(3, 2), 1)
		settle(time.Minute)
		r.status("SO-1", order.StatusWaved)
		r.must(door.Orders, "SO-1", order.Cancel{Reason: "customer"})
		settle(time.Minute)
		if err := r.hub.Resume(t.Context(), "wave.optimize", "test"); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		if es := r.batched(); len(es) != 1 || len(es[0].Batches) != 1 || es[0].Batches[0].Orders[0].Order != "SO-2" {
			t.Fatalf("%+v", es)
		}
		r.status("SO-1", order.StatusCancelled)
		r.status("SO-2", order.StatusShipped)
		r.noLetters()
	})
}
