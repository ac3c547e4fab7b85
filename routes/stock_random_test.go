package routes

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/count"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/replenish"
	"github.com/paklog/hub/core/reservation"
)

// seedsOfStock is how many warehouses the random test runs.
const seedsOfStock = 24

// TestTheBooksBalanceWhateverIsAsked lets everything be asked for in any order, under every
// strategy, by urgent and by patient orders, with workers that find too few. Whatever the
// doors grant or refuse: what came in is what went out and what is there, nobody holds what
// the books do not have for him, and every promise is somebody's.
func TestTheBooksBalanceWhateverIsAsked(t *testing.T) {
	refused, asked, happened := 0, 0, map[string]int{}
	for seed := range uint64(seedsOfStock) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(seed, 4))
				r := newRig(t, func(c *FlowConfig) {
					c.Strategy = inventory.Strategies()[seed%7]
					c.Steal, c.Count, c.Auto.ShortOneIn = seed%2 == 0, CountConfig{Recounts: int(seed % 3)}, 3+int(seed%5)
					c.Auto.Pick, c.Auto.Pack = seed%4 != 0, seed%3 != 0
					c.Wave.Size = 2
				})
				r.stock("A", 0)
				r.stock("B", 0)
				places := []string{"P-1", "P-2", "B-1", "B-2"}
				for i, p := range places {
					l := location.Spec{Purpose: location.Pick, Sequence: int64(i)}
					if p[0] == 'B' {
						l.Purpose = location.Bulk
					}
					if p == "P-1" {
						l.Slot = location.Slot{Owner: "acme", Item: "A", Min: 3, Max: 15}
					}
					r.must(door.Master, p, location.Register{Spec: l})
				}
				var orders, holds, counts []string
				pick := func(list []string) string {
					if len(list) == 0 {
						return "NONE"
					}
					return list[rnd.IntN(len(list))]
				}
				for n := range 70 {
					sku, at := pick([]string{"A", "B"}), inventory.Place{Location: pick(places)}
					qty := 1 + rnd.Int64N(12)
					name, id, cmd := door.Stock, sku, any(nil)
					switch rnd.IntN(16) {
					case 0, 1, 2:
						cmd = inventory.Receive{Place: at, Qty: qty}
					case 3, 4, 5, 6:
						id = fmt.Sprintf("SO-%d", n)
						orders = append(orders, id)
						p := urgent(id, rnd.IntN(4), sku, int(qty))
						if rnd.IntN(4) == 0 {
							p.Lines = lines(sku, int(qty), sku, 1+rnd.IntN(6))
						}
						if rnd.IntN(3) == 0 {
							p.Lines, p.Policy = lines("A", int(qty), "B", 1+rnd.IntN(4)), order.AllOrNothing
						}
						if rnd.IntN(2) == 0 {
							p.Refs = []order.Ref{{Kind: "reservation", Value: pick(holds)}}
						}
						name, cmd = door.Orders, p
					case 7:
						name, id, cmd = door.Orders, pick(orders), order.Cancel{Reason: "customer"}
					case 8, 9:
						id = fmt.Sprintf("R-%d", n)
						holds = append(holds, id)
						cmd = reservation.Place{
							BookKey: keyOf(site, sku), ID: id, Qty: qty, Kind: pick([]string{reservation.Soft, reservation.Hard}),
							Priority: rnd.IntN(4), Expires: time.Now().Add(time.Duration(1+rnd.IntN(300)) * time.Second),
						}
					case 10:
						id = pick(holds)
						cmd = reservation.Reduce{Qty: rnd.Int64N(4), Reason: "changed"}
					case 11:
						cmd = inventory.Quarantine{Place: at, Reason: "leak", Release: rnd.IntN(2) == 0}
					case 12:
						cmd = inventory.Settle{Place: at, Counted: rnd.Int64N(20), Reason: "found"}
					case 13:
						cmd = inventory.Transfer{From: at, To: inventory.Place{Location: pick(places)}, Qty: qty}
					case 14:
						id = fmt.Sprintf("C-%d", n)
						counts = append(counts, id)
						cmd = count.Open{BookKey: keyOf(site, sku), Place: at, ID: id}
						if rnd.IntN(2) == 0 {
							id, cmd = pick(counts), count.Tally{Counted: rnd.Int64N(20), By: pick([]string{"jo", "al", "mo"})}
						}
					case 15:
						id, cmd = "P-1", replenish.Start{Location: "P-1", Kind: pick(replenish.Kinds()), Wanted: qty}
					}
					asked++
					if _, err := r.ask(name, door.Ask{ID: id, Cmd: cmd}); err != nil {
						if k := fault.KindOf(err); k != fault.Rejected && k != fault.Invalid {
							t.Fatalf("%T of %s: %v", cmd, id, err)
						}
						refused++
					}
					if rnd.IntN(3) == 0 {
						settle(time.Duration(rnd.IntN(40)) * time.Second)
					}
				}
				settle(10 * time.Minute)
				r.books("A", "B")
				r.holds(orders, holds)
				r.noLetters()
				for typ, n := range r.count() {
					happened[typ] += n
				}
				if t.Failed() {
					t.Logf("seed %d", seed)
				}
			})
		})
	}
	for _, typ := range []string{
		"stock.Reassigned", "stock.ReservationPlaced", "stock.ReservationReduced", "stock.Shorted", "stock.Counted", "stock.ReplenishmentAsked",
		"stock.StatusChanged", "count.Settled", "count.RecountAsked", "order.Deallocated", "order.Backordered", "order.Shipped", "order.Cancelled",
	} {
		if happened[typ] == 0 {
			t.Errorf("%s never happened: the mixture says nothing of it", typ)
		}
	}
	if asked > 0 && (refused*10 < asked || refused > asked*9/10) {
		t.Errorf("%d of %d were refused: the mixture says little", refused, asked)
	}
}

// holds holds what orders and reservations say they have against what the books have for them.
func (r *rig) holds(orders, reservations []string) {
	r.t.Helper()
	promised, allocated := map[string]int64{}, map[string]int64{}
	for _, id := range orders {
		for _, l := range r.order(id).Lines {
			promised[l.SKU] += l.Reserved
			allocated[l.SKU] += l.Allocated
		}
	}
	for _, id := range reservations {
		x := r.reservation(id)
		if x.Kind == reservation.Hard {
			allocated[x.Item] += x.Qty
		} else if x.Known() {
			promised[x.Item] += x.Qty
		}
		if x.Qty > 0 && !time.Now().Before(x.Expires) {
			r.t.Errorf("reservation %s stands after its end: %+v", id, x)
		}
	}
	for _, sku := range []string{"A", "B"} {
		s := r.stockOf(sku)
		var there int64
		for _, sh := range s.Shelves {
			there += sh.Allocated
		}
		if s.Promised != promised[sku] || there != allocated[sku] {
			r.t.Errorf("%s: the books have %d promised and %d allocated, orders and reservations %d and %d", sku, s.Promised, there, promised[sku], allocated[sku])
		}
		if n := s.Promised + there; n < 0 || n > s.OnHand() || s.OnHand() != s.In-s.Out {
			r.t.Errorf("%s: %d reserved, %d on hand, %d in, %d out", sku, n, s.OnHand(), s.In, s.Out)
		}
	}
}
