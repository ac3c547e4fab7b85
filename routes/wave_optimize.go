package routes

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/wave"
)

// BatchConfig says how a wave's orders are put together for picking.
type BatchConfig struct {
	Method     string      // one of wave.Methods; "" is wave.Discrete
	Limits     wave.Limits // of a batch, or of a put wall: what is 0 has no bound
	ToteVolume int64       // mm3; 0 is one tote an order
	Effort     int64       // that a wave is optimized with: 1,000,000, some tenths of a second
}

// MaxEffort bounds how long a wave is optimized: about half a minute.
const MaxEffort = 200_000_000

func (c *BatchConfig) defaults() error {
	if c.Effort == 0 {
		c.Effort = 1_000_000
	}
	if c.Effort < 0 || c.Effort > MaxEffort {
		return fmt.Errorf("wave effort %d is not between 1 and %d", c.Effort, MaxEffort)
	}
	_, err := wave.Wave{Status: wave.StatusPlanned}.Optimize(wave.Optimize{Method: c.Method, Limits: c.Limits}, time.Time{})
	return err
}

func (f *Flows) addWaveOptimizing() error {
	return f.hub.Add(Route{
		Name: "wave.optimize", About: "puts the orders of a released wave into batches and finds the way of each",
		// Of its own, so that nobody who plans waits for it.
		Topics: []string{onWaves}, Handle: f.optimizeWave,
		Types: takes(wave.Released{}, wave.OptimizeAsked{}), Parking: Parking{Independent: true},
		Writes: []string{onWaves},
	})
}

// optimizeWave batches a wave that was released, or that somebody asks about. It is stopped by effort: the same wave gives
// the same batches however fast the machine is.
func (f *Flows) optimizeWave(ctx context.Context, m *Message) (*Out, error) {
	var e wave.Head
	status := wave.StatusReleased
	switch x := m.Event.(type) {
	case wave.Released:
		e = x.Head
	case wave.OptimizeAsked:
		e, status = x.Head, wave.StatusPlanned
	default:
		return m.Out(), nil
	}
	d := f.decide(ctx, m)
	w := d.wave(e.Scope, e.Wave)
	if d.err != nil || w.Status != status || status == wave.StatusReleased && w.Batching.Method != "" {
		return d.done()
	}
	c := f.cfg.Wave.Batch
	h := fnv.New32a()
	_, _ = h.Write([]byte(e.Stream())) // never fails
	events, err := w.Optimize(wave.Optimize{
		Method: c.Method, Limits: c.Limits, ToteVolume: c.ToteVolume, Work: d.waveWork(w), Building: d.building(w.Scope),
		Seed: int64(h.Sum32()), Effort: c.Effort,
	}, m.Now)
	d.onWave(e.Scope, e.Wave, events, err)
	return d.done()
}

// building is the master data of the scope's building.
func (d *decision) building(s scope.Scope) facility.Spec {
	return peek(d, d.f.facilities, facility.StreamOf(s)).Spec
}

// waveWork is what the orders of a wave have a place for and nobody fetches yet.
func (d *decision) waveWork(w wave.Wave) []wave.Work {
	var out []wave.Work
	b := d.building(w.Scope)
	for _, m := range w.Orders {
		s := scope.Scope{Tenant: w.Scope.Tenant, Owner: m.Owner, Facility: w.Scope.Facility}
		if m.Outcome != "" || d.err != nil {
			continue
		}
		o := d.order(s, m.Order.Order)
		for _, p := range d.work(s, m.Order.Order).Places {
			if l, known := o.Line(p.Line); !known || l.Allocated == 0 {
				continue // cancelled, and not given back yet
			}
			x := wave.Work{
				Of: wave.Of{Owner: m.Owner, Order: m.Order.Order}, Line: p.Line, Item: p.Item, From: p.Place, Qty: p.Qty,
				At: b.Effective(d.location(s, p.Place.Location).Spec),
			}
			x.Volume, x.Weight = d.size(s, p.Item, p.Qty)
			out = append(out, x)
		}
	}
	return out
}

// size is what a quantity of an item fills (mm3, rounded up) and weighs; 0 where its master data
// does not say.
func (d *decision) size(s scope.Scope, sku string, qty int64) (mm3 int64, weight measure.Mass) {
	u, known := peek(d, d.f.items, item.StreamOf(s, sku)).Unit("")
	if !known {
		return 0, 0
	}
	return times(facility.Volume(u.Dims), qty), measure.Mass(times(int64(u.Weight), qty))
}

// times is a product that stays within what a wave may hold of one order.
func times(a, qty int64) int64 {
	const most = int64(1) << 40
	if a > 0 && qty > most/a {
		return most
	}
	return a * qty
}

// place of a pick within the ways of its wave.
type wayKey struct {
	of   wave.Of
	line int
	from inventory.Place
}

// ways are the numbers of a wave's picks in the order they are met, batch by batch.
func ways(e wave.Batched) map[wayKey]int {
	out := map[wayKey]int{}
	for i := range e.Batches {
		for _, s := range e.Batches[i].Stops {
			for _, p := range s.Picks {
				if k := (wayKey{p.Of, p.Line, p.From}); out[k] == 0 {
					out[k] = len(out) + 1
				}
			}
		}
	}
	return out
}
