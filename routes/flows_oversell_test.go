package routes

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/inventory"
)

// call is one call of the history: take asks for a quantity of the one item, and got is
// what was promised; take 0 is a receipt of give.
type call struct{ take, give int64 }

// Reservations made through the door are linearizable: there is an order of the calls, in
// agreement with when each began and ended, in which each was promised what there was.
// Without it two callers could be promised one piece.
func TestReservationsAreLinearizable(t *testing.T) {
	model := porcupine.Model{
		Init: func() any { return int64(0) },
		Step: func(state, in, out any) (bool, any) {
			atp, c, got := state.(int64), in.(call), out.(int64)
			if c.give > 0 {
				return true, atp + c.give
			}
			return got == min(atp, c.take), atp - got
		},
		Equal: func(a, b any) bool { return a == b },
	}
	for seed := range uint64(5) {
		r := newRig(t, func(c *FlowConfig) { c.Carriers = nil })
		// What waits would take what comes in: only the door reserves here.
		for _, name := range []string{"order.backorder", "order.allocate"} {
			if err := r.hub.Pause(t.Context(), name, "test"); err != nil {
				t.Fatal(err)
			}
		}
		r.stock("HOT", 0, "P-1")
		var mu sync.Mutex
		var history []porcupine.Operation
		start := time.Now()
		var wg sync.WaitGroup
		for client := range 8 {
			wg.Go(func() {
				rng := rand.New(rand.NewPCG(seed, uint64(client)))
				for i := range 25 {
					c := call{take: 1 + rng.Int64N(3)}
					if rng.IntN(4) == 0 {
						c = call{give: 1 + rng.Int64N(5)}
					}
					from := time.Since(start)
					got := r.reserve(t, c, fmt.Sprintf("SO-%d-%d-%d", seed, client, i))
					op := porcupine.Operation{ClientId: client, Input: c, Call: int64(from), Output: got, Return: int64(time.Since(start))}
					mu.Lock()
					history = append(history, op)
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if res := porcupine.CheckOperationsTimeout(model, history, 20*time.Second); res != porcupine.Ok {
			t.Fatalf("seed %d: the history of %d calls is %s", seed, len(history), res)
		}
		var given, got int64
		for _, op := range history {
			given += op.Input.(call).give
			got += op.Output.(int64)
		}
		if got > given || got == 0 {
			t.Errorf("seed %d: %d promised of %d", seed, got, given)
		}
		r.books("HOT")
		r.stop()
	}
}

func (r *rig) reserve(t *testing.T, c call, number string) int64 {
	if c.give > 0 {
		r.must(door.Stock, "HOT", inventory.Receive{Place: inventory.Place{Location: "P-1"}, Qty: c.give})
		return 0
	}
	p := place(number, lines("HOT", int(c.take)))
	var v OrderView
	if err := json.Unmarshal(r.must(door.Orders, number, p).Body, &v); err != nil {
		t.Error(err)
	}
	return v.Lines[0].Reserved
}
