package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/paklog/hub/core/order"
)

// wish is one call of the history: take asks for pieces of the one item, give receives some.
type wish struct{ take, give int64 }

// Reservations made over HTTP through serve's own wiring, on the real store, are linearizable:
// there is an order of the calls, in agreement with when each began and ended, in which each was
// promised what there was. Nothing is promised twice.
func TestReservationsOverHTTPAreLinearizable(t *testing.T) {
	s := newShell(t)
	cfg, _, err := load(s.config)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Warehouse.AutoWorkers = 0
	ctx, cancel := context.WithCancel(t.Context())
	ready, done := make(chan string, 1), make(chan error, 1)
	d := &demo{}
	go func() {
		done <- serve(ctx, cfg, slog.New(slog.DiscardHandler), func(a *app, addr string) { d.app = a; ready <- addr })
	}()
	select {
	case d.addr = <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	s.until("the socket answers", func() bool { return attach(t.Context(), cfg) != nil })
	s.stock("HOT", 1)
	// What waits would take what comes in, and what is allocated is reserved no more: only the
	// door reserves here.
	for _, route := range []string{"order.backorder", "order.allocate"} {
		if err := d.app.hub.Pause(ctx, route, "test"); err != nil {
			t.Fatal(err)
		}
	}

	const clients, calls = 8, 20
	var mu sync.Mutex
	var history []porcupine.Operation
	start := time.Now()
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(7, uint64(client)))
			for i := range calls {
				w := wish{take: 1 + rng.Int64N(3)}
				if rng.IntN(4) == 0 {
					w = wish{give: 1 + rng.Int64N(5)}
				}
				id := fmt.Sprintf("H-%d-%d", client, i)
				from := time.Since(start)
				var got int64
				if w.give > 0 {
					if _, err := d.post(ctx, "/v1/stock/receive", id, map[string]any{"owner": "ACME", "item": "HOT", "location": "A-1", "qty": w.give, "reference": id}); err != nil {
						t.Error(err)
					}
				} else {
					var o order.Order
					if err := d.postInto(ctx, "/v1/orders", id, map[string]any{
						"number": id, "ship_to": demoAddress, "lines": []any{map[string]any{"item": "HOT", "qty": w.take}},
					}, &o); err != nil || len(o.Lines) != 1 {
						t.Errorf("%s: %v", id, err)
						return
					}
					got = o.Lines[0].Reserved
				}
				op := porcupine.Operation{ClientId: client, Input: w, Call: int64(from), Output: got, Return: int64(time.Since(start))}
				mu.Lock()
				history = append(history, op)
				mu.Unlock()
			}
		})
	}
	wg.Wait()

	model := porcupine.Model{
		Init: func() any { return int64(1) },
		Step: func(state, in, out any) (bool, any) {
			atp, w, got := state.(int64), in.(wish), out.(int64)
			if w.give > 0 {
				return true, atp + w.give
			}
			return got == min(atp, w.take), atp - got
		},
		Equal: func(a, b any) bool { return a == b },
	}
	if res := porcupine.CheckOperationsTimeout(model, history, 30*time.Second); res != porcupine.Ok {
		t.Fatalf("the history of %d calls is %s", len(history), res)
	}
	// The check can fail: one piece promised twice is no history of this model.
	for i := range history {
		if history[i].Output.(int64) > 0 {
			doubled := append([]porcupine.Operation(nil), history...)
			doubled[i].Output = doubled[i].Output.(int64) + 1
			if porcupine.CheckOperationsTimeout(model, doubled, 30*time.Second) == porcupine.Ok {
				t.Fatal("a piece that was promised twice passes")
			}
			return
		}
	}
	t.Fatal("nothing was promised")
}
