package routes

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	truckload "github.com/paklog/hub/core/load"
	"github.com/paklog/hub/core/manifest"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pallet"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/ship"
)

// TestWhateverTheDockDoesEachUnitLeavesOnce: packers, the dock and customers do things at
// random, in any order and when they must not; in the end each unit that was picked has left
// in one carton of one confirmation, or is back on its shelf.
func TestWhateverTheDockDoesEachUnitLeavesOnce(t *testing.T) {
	seeds := 30
	if testing.Short() {
		seeds = 6
	}
	for seed := range seeds {
		when := []string{AtLabel, AtManifest, AtLoad}[seed%3]
		t.Run(fmt.Sprintf("%s/%d", when, seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := confirming(t, when, func(c *FlowConfig) {
					c.Auto.Pack = seed%2 == 0 // then all that happens happens at the dock
					c.Pack.Verify = VerifyAll
				})
				rng := rand.New(rand.NewPCG(uint64(seed), 1))
				w := &dockWorld{rig: r, rng: rng}
				r.stock("A", 200, "P-1")
				r.stock("B", 200, "P-2")
				for i := range 8 {
					number := fmt.Sprintf("SO-%d", i+1)
					w.orders = append(w.orders, number)
					p := place(number, lines("A", 1+rng.IntN(6), "B", 1+rng.IntN(6)))
					if rng.IntN(3) == 0 {
						p.Policy = order.AllOrNothing
					}
					r.must(door.Orders, number, p)
				}
				settle(time.Minute)
				for range 200 {
					w.step()
					if rng.IntN(3) == 0 {
						settle(time.Second)
					}
				}
				w.finish()
				w.check()
			})
		})
	}
}

type dockWorld struct {
	*rig
	rng    *rand.Rand
	orders []string
	loads  int
}

func oneOf[T any](w *dockWorld, list []T) (v T) {
	if len(list) > 0 {
		v = list[w.rng.IntN(len(list))]
	}
	return v
}

// tries does what may be refused; nothing else may go wrong.
func (w *dockWorld) tries(name, id string, cmd any) {
	w.t.Helper()
	if _, err := w.ask(name, door.Ask{ID: id, Cmd: cmd}); err != nil {
		if k := fault.KindOf(err); k != fault.Rejected && k != fault.Invalid {
			w.t.Fatalf("%s %T: %v", id, cmd, err)
		}
	}
}

func (w *dockWorld) packings() []string {
	var out []string
	for _, e := range events[pack.Opened](w.rig) {
		out = append(out, e.Pack)
	}
	return out
}

func (w *dockWorld) units() []string {
	var out []string
	for _, e := range events[pack.CartonClosed](w.rig) {
		out = append(out, e.Carton)
	}
	for _, e := range events[pallet.Built](w.rig) {
		out = append(out, e.Pallet)
	}
	return out
}

func (w *dockWorld) load() string { return fmt.Sprintf("L-%d", w.loads) }

// some is one of the loads that there are.
func (w *dockWorld) some() string { return fmt.Sprintf("L-%d", 1+w.rng.IntN(max(1, w.loads))) }

func (w *dockWorld) step() {
	if w.rng.IntN(4) == 0 {
		w.carrier.next(fails(fault.Transient, 20*time.Second)) // a label takes a while
	}
	id := oneOf(w, w.packings())
	p := w.packing(id)
	carton := ""
	if len(p.Begun) > 0 {
		carton = oneOf(w, p.Begun).Carton
	}
	unit := oneOf(w, w.units())
	on := ""
	if built := events[pallet.Built](w.rig); len(built) > 0 {
		on = oneOf(w, built).Pallet
	}
	what := w.rng.IntN(24)
	if w.cfg.Auto.Pack {
		what = 10 + w.rng.IntN(14)
	}
	switch what {
	case 0, 1:
		w.tries(door.Floor, id, pack.OpenCarton{Box: "S"})
	case 2, 3, 4, 5:
		w.tries(door.Floor, id, pack.Scan{Carton: carton, Item: oneOf(w, []string{"A", "B"}), Qty: int64(1 + w.rng.IntN(3))})
	case 6:
		w.tries(door.Floor, id, pack.Take{Carton: carton})
	case 7, 8, 9:
		w.tries(door.Floor, id, pack.Close{Carton: carton})
	case 10:
		if len(p.Cartons) > 0 {
			unit = oneOf(w, p.Cartons).Carton
		}
		w.tries(door.Floor, id, pack.Reopen{Carton: unit})
	case 11:
		w.tries(door.Dock, "", pallet.Build{})
	case 12, 13:
		w.tries(door.Dock, on, pallet.Stack{Carton: pallet.Carton{SSCC: unit}})
	case 14:
		w.tries(door.Dock, on, oneOf(w, []any{pallet.Unstack{Carton: unit}, pallet.Break{}, pallet.Close{}, pallet.Close{}}))
	case 15:
		if w.loads < 4 {
			w.loads++
			w.tries(door.Dock, w.load(), truckload.Plan{Carrier: "ups"})
		}
	case 16, 17, 22:
		w.tries(door.Dock, w.some(), truckload.Assign{SSCC: unit})
	case 18, 23:
		id := w.some()
		for _, u := range foldOf(w.rig, truckload.Fold, truckload.StreamOf(site, id)).Units {
			w.tries(door.Dock, id, truckload.Scan{SSCC: u.SSCC})
		}
		w.tries(door.Dock, id, truckload.Scan{SSCC: unit})
	case 19:
		id := w.some()
		w.tries(door.Dock, id, oneOf(w, []any{truckload.Seal{Seal: "S"}, truckload.Unseal{Reason: "x"}, truckload.Unassign{SSCC: unit}, truckload.Seal{Seal: "S"}}))
		if w.rng.IntN(2) == 0 {
			w.tries(door.Dock, id, truckload.Depart{})
		}
	case 20:
		if opened := events[manifest.Opened](w.rig); len(opened) > 0 {
			w.tries(door.Dock, opened[len(opened)-1].Manifest, manifest.Close{})
		}
	case 21:
		number := oneOf(w, w.orders)
		w.tries(door.Orders, number, oneOf(w, []any{
			order.Cancel{Reason: "customer", Lines: []int{1 + w.rng.IntN(2)}}, order.Cancel{Reason: "customer"},
			order.Hold{Reason: "credit"}, order.Release{}, order.Release{}, order.Release{},
		}))
	}
}

// finish lets everything that is left be packed and leave.
func (w *dockWorld) finish() {
	w.carrier.mu.Lock()
	w.carrier.script = nil
	w.carrier.mu.Unlock()
	for _, number := range w.orders {
		w.tries(door.Orders, number, order.Release{})
	}
	settle(time.Minute)
	for range 4 { // a release may open another packing
		for _, id := range w.packings() {
			for _, b := range w.packing(id).Begun {
				w.tries(door.Floor, id, pack.Close{Carton: b.Carton})
			}
			if p := w.packing(id); p.Status == pack.StatusOpen && len(p.Left) > 0 {
				w.tries(door.Floor, id, pack.OpenCarton{Box: "S"})
				p = w.packing(id)
				for _, l := range p.Left {
					w.tries(door.Floor, id, pack.Scan{Carton: p.Begun[len(p.Begun)-1].Carton, Item: l.Item, Lot: l.Lot, Qty: l.Qty})
				}
				w.tries(door.Floor, id, pack.Close{Carton: p.Begun[len(p.Begun)-1].Carton})
			}
		}
		settle(time.Minute)
	}
	settle(3 * time.Hour) // the carrier answers in the end
	for i := 1; i <= w.loads; i++ {
		id := fmt.Sprintf("L-%d", i)
		w.tries(door.Dock, id, truckload.Unseal{Reason: "last truck"})
		w.tries(door.Dock, id, truckload.Cancel{Reason: "last truck"})
	}
	for _, e := range events[pallet.Built](w.rig) {
		w.tries(door.Dock, e.Pallet, pallet.Break{})
	}
	w.loads++
	w.tries(door.Dock, w.load(), truckload.Plan{Carrier: "ups"})
	for _, e := range events[pack.CartonClosed](w.rig) {
		w.tries(door.Dock, w.load(), truckload.Assign{SSCC: e.Carton})
		if w.tries(door.Dock, w.load(), truckload.Scan{SSCC: e.Carton}); !w.loaded(e.Carton) {
			w.tries(door.Dock, w.load(), truckload.Unassign{SSCC: e.Carton})
		}
	}
	w.tries(door.Dock, w.load(), truckload.Seal{Seal: "LAST"})
	w.tries(door.Dock, w.load(), truckload.Depart{})
	settle(48 * time.Hour)
}

func (w *dockWorld) loaded(sscc string) bool {
	u, _ := foldOf(w.rig, truckload.Fold, truckload.StreamOf(site, w.load())).Unit(sscc)
	return u.Loaded
}

func (w *dockWorld) check() {
	w.t.Helper()
	var shipped int64
	for _, number := range w.orders {
		_, told := w.shippedOf(number)
		o := w.order(number)
		for _, l := range o.Lines {
			told -= l.Shipped
			shipped += l.Shipped
			if l.Shipped+l.Cancelled != l.Ordered {
				w.t.Errorf("%s line %d: %d shipped, %d cancelled of %d\n%s", number, l.No, l.Shipped, l.Cancelled, l.Ordered, w.storyOf(number))
			}
		}
		if told != 0 {
			w.t.Errorf("%s: its confirmations say %d more than it shipped", number, told)
		}
	}
	var picked, back, out int64
	for _, e := range events[pick.Confirmed](w.rig) {
		picked += e.Qty
	}
	for _, e := range events[inventory.StockPutBack](w.rig) {
		back += e.Qty
	}
	for _, sku := range []string{"A", "B"} {
		s := w.stockOf(sku)
		out += s.Out
		if s.Picked+s.Packed+s.Staged != 0 {
			w.t.Errorf("%s: %d in totes, %d in cartons at the end", sku, s.Picked, s.Packed)
		}
	}
	if out != shipped || picked != shipped+back {
		w.t.Errorf("%d were picked, %d put back, %d shipped by the orders, %d by the stock", picked, back, shipped, out)
	}
	w.left()
	n := w.count()
	w.t.Logf("%d cartons closed, %d opened again, %d pallets stacked, %d loads left, %d units taken off loads, %d manifests closed, %d labels given back, %d confirmations",
		n["pack.CartonClosed"], n["pack.CartonReopened"], n["pack.PalletStacked"], n["ship.LoadDeparted"], n["ship.LoadUnassigned"], n["ship.ManifestClosed"], n["label.Voided"], n["ship.Confirmed"])
	w.books("A", "B")
	w.once()
	w.noLetters()
}

// left holds what the papers say has left against what was confirmed.
func (w *dockWorld) left() {
	w.t.Helper()
	confirmed, gone := map[string]bool{}, map[string]bool{}
	for _, e := range events[ship.Confirmed](w.rig) {
		for _, c := range e.Cartons {
			confirmed[c.Carton] = true
		}
	}
	switch w.cfg.Carriers[0].Confirm {
	case AtLabel:
		return
	case AtManifest:
		for _, e := range events[manifest.Closed](w.rig) {
			for _, c := range e.Cartons {
				gone[c.SSCC] = true
			}
		}
	case AtLoad:
		for _, e := range events[truckload.Departed](w.rig) {
			for _, c := range e.Cartons {
				if gone[c.Carton] {
					w.t.Errorf("carton %s left with two trucks", c.Carton)
				}
				gone[c.Carton] = true
			}
		}
	}
	if !maps.Equal(gone, confirmed) {
		w.t.Errorf("%d cartons left, %d were confirmed: %v, %v", len(gone), len(confirmed), gone, confirmed)
	}
}
