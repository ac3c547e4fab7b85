package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/paklog/hub/adapters/sqlite"
	"github.com/paklog/hub/core/journal"
)

// intake sends orders over HTTP to a running hub: at a fixed rate with the whole flow
// working behind the door, and, with everything behind it paused, at a higher one and as
// fast as it goes.
type intake struct{ c *config }

func openIntake(_ context.Context, c *config) (probe, error) { return &intake{c}, nil }

func (p *intake) Close() error { return nil }

// Rates and connections of the phases. The flow's workers are enough for its rate: what
// they cannot keep up with is seen as a backlog that grows.
const (
	flowRate   = 200
	aloneRate  = 1000
	connected  = 256
	itemsThere = 200
)

func (p *intake) round(ctx context.Context) (sample, error) {
	s := sample{counts: map[string]float64{}}
	if err := p.flow(ctx, &s); err != nil {
		return s, fmt.Errorf("with the whole flow: %w", err)
	}
	if err := p.alone(ctx, &s); err != nil {
		return s, fmt.Errorf("alone: %w", err)
	}
	return s, nil
}

// flow measures the door while orders are worked through to the dock behind it.
func (p *intake) flow(ctx context.Context, s *sample) (err error) {
	h, err := p.c.serve(ctx, serveOptions{floor: true})
	if err != nil {
		return err
	}
	open := true
	defer func() {
		if open {
			err = errors.Join(err, h.Close())
		}
	}()
	orders, err := stocked(ctx, h, 11)
	if err != nil {
		return err
	}
	// The rate that is measured, so that no heap of orders is left to be worked off meanwhile.
	if err := (openLoop{perSecond: flowRate, length: 2 * time.Second, workers: connected, call: orders.place(h)}).run(ctx).held(); err != nil {
		return err
	}
	cpu := h.cpu()
	began := time.Now()
	l := openLoop{perSecond: flowRate, length: p.c.all(1.6), workers: connected, call: orders.place(h)}.run(ctx)
	end := time.Now()
	if err := l.held(); err != nil {
		return err
	}
	l.into(s.counts, "")
	s.counts["cpu_us_per_op"] = float64((h.cpu() - cpu).Microseconds()) / float64(l.sent)
	s.counts["flow_rss_mb"] = peakRSS(h.pid())
	open = false
	if err := h.Close(); err != nil {
		return err
	}
	return worked(ctx, h.data, began, end, s)
}

// alone measures the door with every route behind it paused, first at a rate and then
// without a bound.
func (p *intake) alone(ctx context.Context, s *sample) (err error) {
	h, err := p.c.serve(ctx, serveOptions{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	orders, err := stocked(ctx, h, 12)
	if err != nil {
		return err
	}
	if err := h.pauseFlows(ctx); err != nil {
		return err
	}
	if err := warmed(ctx, h, orders); err != nil {
		return err
	}
	l := openLoop{perSecond: aloneRate, length: p.c.all(1), workers: connected, call: orders.place(h)}.run(ctx)
	if err := l.held(); err != nil {
		return err
	}
	l.into(s.counts, "alone_")
	cpu, mine := h.cpu(), cpuTime()
	l = closedLoop(ctx, connected, p.c.all(0.6), orders.place(h))
	if l.failed > 0 {
		return fmt.Errorf("%d of %d orders failed, the first: %w", l.failed, l.sent, l.firstErr)
	}
	s.value = float64(l.sent) / l.took.Seconds()
	s.counts["rate_cpu_us_per_op"] = float64((h.cpu() - cpu).Microseconds()) / float64(l.sent)
	s.counts["generator_cpu_us_per_op"] = float64((cpuTime() - mine).Microseconds()) / float64(l.sent)
	s.counts["peak_rss_mb"] = peakRSS(h.pid())
	return ctx.Err()
}

// held says whether the load may be believed.
func (l *loaded) held() error {
	if l.failed > 0 {
		return fmt.Errorf("%d of %d orders failed, the first: %w", l.failed, l.sent, l.firstErr)
	}
	return nil
}

func (l *loaded) into(counts map[string]float64, prefix string) {
	for name, q := range map[string]float64{"p50_ms": 0.5, "p99_ms": 0.99, "p999_ms": 0.999, "max_ms": 1} {
		counts[prefix+name] = l.latency.at(q)
	}
	counts[prefix+"rate"] = float64(l.sent) / l.took.Seconds()
	counts[prefix+"late_start_ms"] = float64(l.lateStart.Milliseconds())
}

// orderSource makes orders that differ.
type orderSource struct {
	mu  sync.Mutex
	r   *rand.Rand
	gen *payloads
	n   int
}

// stocked registers items and a place, and brings in goods that last.
func stocked(ctx context.Context, h *served, seed uint64) (*orderSource, error) {
	if err := h.post(ctx, "/v1/locations", []byte(`{"location":"A-01","purpose":"pick","zone":"A"}`)); err != nil {
		return nil, fmt.Errorf("preparing the warehouse: %w", err)
	}
	for i := range itemsThere {
		for _, known := range []struct{ path, body string }{
			{"/v1/items", `{"sku":"SKU-%04d","units":[{"uom":"each","factor":1,"weight_mg":250000,"dims":{"length_um":80000,"width_um":60000,"height_um":40000}}]}`},
			{"/v1/stock/receive", `{"item":"SKU-%04d","location":"A-01","qty":10000000}`},
		} {
			if err := h.post(ctx, known.path, fmt.Appendf(nil, known.body, i)); err != nil {
				return nil, fmt.Errorf("preparing the warehouse: %w", err)
			}
		}
	}
	gen := newPayloads(seed)
	return &orderSource{r: gen.r, gen: gen}, nil
}

func (o *orderSource) next() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n++
	b := fmt.Appendf(nil, `{"number":"SO-%07d","ship_to":{"name":%q,"lines":["%d %s ST"],"city":"LOUISVILLE","region":"KY","postal_code":"40202","country":"US","phone":"5025550100"},"refs":[{"kind":"po","value":%q}],"lines":[`,
		o.n, o.gen.word(12), 1+o.r.IntN(9999), o.gen.word(8), o.gen.word(10))
	first := o.r.IntN(itemsThere)
	for i := range 1 + o.r.IntN(4) {
		b = fmt.Appendf(b, `{"item":"SKU-%04d","qty":%d},`, (first+i)%itemsThere, 1+o.r.IntN(5))
	}
	b[len(b)-1] = ']'
	return append(b, '}')
}

func (o *orderSource) place(h *served) func(context.Context, int, int) error {
	clients := h.callers(connected)
	return func(ctx context.Context, worker, _ int) error {
		return clients[worker].post(ctx, "/v1/orders", o.next())
	}
}

// warmed lets connections open and code be paged in before anything is counted.
func warmed(ctx context.Context, h *served, orders *orderSource) error {
	return closedLoop(ctx, 32, 500*time.Millisecond, orders.place(h)).held()
}

// worked counts in the journal, after the hub has stopped, what was accepted and what was
// shipped while the load ran, and how many were in between in its middle and at its end.
func worked(ctx context.Context, data string, began, end time.Time, s *sample) error {
	store, err := sqlite.Open(ctx, data, sqlite.Options{MinFree: -1})
	if err != nil {
		return err
	}
	defer store.Close()
	middle := began.Add(end.Sub(began) / 2)
	var accepted, finished, backMiddle, backEnd float64
	var after journal.Pos
	for {
		recs, err := store.Topics(ctx, []string{"order-events"}, after, 1000)
		if err != nil {
			return fmt.Errorf("counting orders: %w", err)
		}
		for i := range recs {
			r := &recs[i]
			after = r.Pos
			var change float64
			switch r.Type {
			case "order.Accepted":
				change = 1
			case "order.Shipped":
				change = -1
			default:
				continue
			}
			if r.Time.Before(middle) {
				backMiddle += change
			}
			if r.Time.After(end) {
				continue
			}
			backEnd += change
			if r.Time.After(began) {
				if change > 0 {
					accepted++
				} else {
					finished++
				}
			}
		}
		if len(recs) < 1000 {
			break
		}
	}
	last, err := store.Last(ctx)
	if err != nil {
		return err
	}
	s.counts["accepted"], s.counts["finished"] = accepted, finished
	s.counts["backlog_middle"], s.counts["backlog_end"] = backMiddle, backEnd
	s.counts["bytes_per_event"] = diskUse(data) / float64(max(1, last))
	s.notes = append(s.notes, fmt.Sprintf("with the whole flow at %d/s: %.0f orders accepted and %.0f finished meanwhile, %.0f under way in the middle and %.0f at the end", flowRate, accepted, finished, backMiddle, backEnd))
	return nil
}
