package routes

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/ship"
)

// once holds the ground truth over everything that happened: one label a carton, each
// carton in one confirmation, each carton number once, each picked step once.
func (r *rig) once() {
	r.t.Helper()
	cartons, confirmed, steps, shipments := map[string]int{}, map[string]int{}, map[string]int64{}, map[string]int{}
	r.each(func(rec *journal.Record) {
		if rec.Stream == "" {
			return
		}
		e, err := decodeEvent(r.hub.Registry(), rec)
		if err != nil {
			r.t.Fatal(err)
		}
		switch e := e.(type) {
		case pack.CartonClosed:
			cartons[e.Carton]++
		case pack.CartonReopened:
			cartons[e.Carton]--
		case ship.Confirmed:
			shipments[fmt.Sprint(e.Shipment, "/", e.Supplement)]++
			for _, c := range e.Cartons {
				confirmed[c.Carton]++
			}
		case pick.Confirmed:
			steps[fmt.Sprint(e.Task, "/", e.Step)] += e.Qty
		}
	})
	for c, n := range cartons {
		if n > 1 {
			r.t.Errorf("carton number %s given %d times", c, n)
		}
	}
	for c, n := range confirmed {
		if n != 1 || cartons[c] != 1 {
			r.t.Errorf("carton %s confirmed %d times, closed %d times", c, n, cartons[c])
		}
	}
	for s, n := range shipments {
		if n != 1 {
			r.t.Errorf("shipment %s confirmed %d times", s, n)
		}
	}
	if n := r.carrier.standing(); n != len(confirmed) {
		r.t.Errorf("the carrier has %d labels, %d cartons left", n, len(confirmed))
	}
}

func TestTwoHundredOrdersEndShippedOrWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *FlowConfig) { c.Auto.ShortOneIn = 25 })
		skus := []string{"A", "B", "C", "D"}
		for i, s := range skus {
			r.stock(s, 60, fmt.Sprintf("A-%d", i), fmt.Sprintf("B-%d", i))
		}
		rng := rand.New(rand.NewPCG(7, 7))
		orders := make([]order.Place, 200)
		for i := range orders {
			var of []any
			for range 1 + rng.IntN(3) {
				of = append(of, skus[rng.IntN(len(skus))], 1+rng.IntN(3))
			}
			orders[i] = place(fmt.Sprintf("SO-%03d", i), lines(of...))
			if i%7 == 0 {
				orders[i].Policy = order.AllOrNothing
			}
		}
		var wg sync.WaitGroup
		for part := range 8 {
			wg.Go(func() {
				for i := part; i < len(orders); i += 8 {
					r.must(door.Orders, orders[i].Number, orders[i])
				}
			})
		}
		wg.Wait()
		settle(10 * time.Minute)
		tally := map[order.Status]int{}
		var shipped, waiting int64
		for _, c := range orders {
			o := r.order(c.Number)
			tot := o.Totals()
			tally[o.Status()]++
			shipped += tot.Shipped
			waiting += tot.Backordered
			inHand := int64(0)
			if o.Policy == order.AllOrNothing {
				inHand = tot.Picked + tot.Allocated // it keeps them until the rest comes
			}
			if tot.Open != tot.Backordered+inHand || inHand > 0 && tot.Backordered == 0 {
				t.Errorf("order %s is stuck: %s %+v\n%s", c.Number, o.Status(), tot, r.storyOf(c.Number))
			}
			if o.Policy == order.AllOrNothing && tot.Shipped > 0 && tot.Open > 0 {
				t.Errorf("order %s ships whole or not at all, and shipped %d of %d", c.Number, tot.Shipped, tot.Ordered)
			}
		}
		t.Logf("%v, %d shipped, %d waiting", tally, shipped, waiting)
		if tally[order.StatusShipped] < 50 || waiting == 0 {
			t.Errorf("the scenario proves little: %v, %d waiting", tally, waiting)
		}
		r.books(skus...)
		r.once()
		r.noLetters()
		// What is left free is what nobody could use, and nothing is promised beyond it.
		var out int64
		for _, s := range skus {
			out += foldOf(r, inventory.Fold, keyOf(site, s).Stream()).Out
		}
		if out != shipped {
			t.Errorf("%d left the books, %d left the orders", out, shipped)
		}
	})
}

func TestOnlyOneGetsTheLastPiece(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.stock("LAST", 1, "A-1")
		var wg sync.WaitGroup
		replies := make([]OrderView, 2)
		for i := range replies {
			wg.Go(func() {
				n := fmt.Sprintf("SO-%d", i)
				if err := json.Unmarshal(r.must(door.Orders, n, place(n, lines("LAST", 1))).Body, &replies[i]); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		settle(time.Minute)
		a, b := r.order("SO-0").Status(), r.order("SO-1").Status()
		if a != order.StatusShipped {
			a, b = b, a
		}
		if a != order.StatusShipped || b != order.StatusBackordered {
			t.Errorf("they end %s and %s", a, b)
		}
		// A receipt lets the other go on.
		r.must(door.Stock, "LAST", inventory.Receive{Place: inventory.Place{Location: "A-1"}, Qty: 5})
		settle(time.Minute)
		r.status("SO-0", order.StatusShipped)
		r.status("SO-1", order.StatusShipped)
		r.books("LAST")
		r.once()
		r.noLetters()
	})
}

// An order of more lines and cartons than one unit works on goes its way in several, and
// one of more lines than the hub works on is told so.
func TestALargeOrderShipsAndALargerIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *FlowConfig) { c.Boxes[0].MaxWeight = 400 * measure.Gram })
		const n = maxLines + 20
		var of []any
		for i := range 5 {
			r.stock(fmt.Sprint("SKU-", i), n, fmt.Sprint("P-", i))
		}
		for i := range n {
			of = append(of, fmt.Sprint("SKU-", i%5), 1)
		}
		r.place("SO-1", of...)
		settle(time.Hour)
		r.status("SO-1", order.StatusShipped)
		if c := r.count()["pack.CartonClosed"]; c != n/2 {
			t.Errorf("%d cartons, want one for each two of %d pieces", c, n)
		}
		r.once()
		r.noLetters()
		for len(of) <= 2*order.MaxLines {
			of = append(of, "SKU-0", 1)
		}
		_, err := r.ask(door.Orders, door.Ask{ID: "SO-2", Cmd: place("SO-2", lines(of...))})
		if fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != "lines" {
			t.Errorf("%d lines: %v", len(of)/2, err)
		}
	})
}
