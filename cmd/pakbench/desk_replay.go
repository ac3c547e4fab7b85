package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/paklog/hub/adapters/sqlite"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/dlq"
	"github.com/paklog/hub/routes"
)

// Letters of one operation. Behind each waits one more message of its key.
const (
	mostReplayed  = 100_000
	leastReplayed = 200
	replayPerKey  = 2
)

// deskRamp ends with what is the most on its way at once.
var deskRamp = []int{1, 10, 100, 2000}

// replay lets messages fail on a route whose partner says no to all, and replays them once he says yes.
type replay struct {
	store  *sqlite.Store
	hub    *hosting
	n      int
	rounds int
	stop   context.CancelFunc
	ended  chan error
	told   chan error // what went wrong with an operation
}

func openDeskReplay(ctx context.Context, c *config) (probe, error) {
	dir, err := c.scratch("replay")
	if err != nil {
		return nil, err
	}
	p := &replay{n: min(mostReplayed, max(leastReplayed, int(c.seconds*mostReplayed))), ended: make(chan error, 1), told: make(chan error, 1)}
	if p.store, err = sqlite.Open(ctx, dir, sqlite.Options{MinFree: -1}); err != nil {
		return nil, err
	}
	if p.hub, err = host(ctx, p.store); err != nil {
		return nil, err
	}
	desk := p.hub.hub.Desk()
	desk.Prepare()
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	p.stop = stop
	go func() {
		p.ended <- desk.Run(run, func(err error) {
			select {
			case p.told <- err:
			default: // the first says it
			}
		})
	}()
	return p, nil
}

func (p *replay) Close() error {
	p.stop()
	return errors.Join(<-p.ended, p.hub.Close())
}

// world is what the partner has: the ground truth.
type world struct {
	open atomic.Bool // he says yes

	mu        sync.Mutex
	has       map[string]int // calls that happened, by reference
	last      map[string]int // number of the newest of each key
	reordered int
}

// order is what a call is about.
type order struct {
	key string
	no  int
}

func (w *world) do(_ context.Context, c *routes.Call) ([]byte, error) {
	if !w.open.Load() {
		return nil, fault.E("bench", fault.Rejected, errors.New("the partner takes nothing"))
	}
	o := c.Value.(order)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.has[c.Ref]++
	if o.no < w.last[o.key] {
		w.reordered++
	}
	w.last[o.key] = o.no
	return []byte("{}"), nil
}

func (w *world) resolve(_ context.Context, c *routes.Call) ([]byte, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return []byte("{}"), w.has[c.Ref] > 0, nil
}

func (w *world) calls() (happened, doubled int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.has {
		happened++
		if n > 1 {
			doubled++
		}
	}
	return happened, doubled
}

func (p *replay) round(ctx context.Context) (sample, error) {
	p.rounds++
	name := "replay-" + strconv.Itoa(p.rounds)
	w := &world{has: map[string]int{}, last: map[string]int{}}
	err := p.hub.hub.AddEffect(routes.Route{Name: name, Topics: []string{name}, Parallel: 64}, routes.Effect{
		Step: "call", Certain: true, Do: w.do, Resolve: w.resolve,
		Plan: func(_ context.Context, m *routes.Message) (*routes.Call, *routes.Out, error) {
			no, err := strconv.Atoi(m.Correlation)
			return &routes.Call{Ref: m.ID.String(), Value: order{m.Key, no}}, nil, err
		},
		Then: func(_ context.Context, m *routes.Message, _ *routes.Call, _ []byte) (*routes.Out, error) {
			return m.Out(), nil
		},
	})
	if err != nil {
		return sample{}, err
	}
	if err := p.publish(ctx, name); err != nil {
		return sample{}, err
	}
	var letters []string
	if err := p.until(ctx, func() (bool, error) {
		letters, err = p.letters(ctx, name)
		return len(letters) == p.n, err
	}); err != nil {
		return sample{}, fmt.Errorf("%d of %d letters: %w", len(letters), p.n, err)
	}
	w.open.Store(true)

	desk := p.hub.hub.Desk()
	m := begin()
	o, err := desk.Operate(ctx, "bench", dlq.Wish{Letters: letters, Reason: "the partner takes all again", Pace: dlq.Pace{Ramp: deskRamp}})
	if err != nil {
		return sample{}, err
	}
	planned := time.Since(m.began)
	if o.Plan.Letters != p.n {
		return sample{}, fmt.Errorf("%d of %d letters are planned", o.Plan.Letters, p.n)
	}
	if o, err = desk.Command(ctx, o.ID, dlq.VerbStart, "bench"); err != nil {
		return sample{}, err
	}
	happened := 0
	if err := p.until(ctx, func() (bool, error) {
		if o, err = desk.Operation(ctx, o.ID); err != nil || o.State != dlq.OpRunning && o.State != dlq.OpDone {
			return false, errors.Join(err, stopped(o))
		}
		happened, _ = w.calls()
		return o.State == dlq.OpDone && happened >= p.n*replayPerKey, nil
	}); err != nil {
		return sample{}, fmt.Errorf("%d of %d calls happened: %w", happened, p.n*replayPerKey, err)
	}
	s := m.end(p.n)
	happened, doubled := w.calls()
	s.counts["plan_ms"], s.counts["letters"], s.counts["messages"] = float64(planned.Milliseconds()), float64(p.n), float64(happened)
	s.counts["doubled"], s.counts["reordered"], s.counts["lost"] = float64(doubled), float64(w.reordered), float64(p.n*replayPerKey-happened)
	if doubled > 0 || w.reordered > 0 || happened != p.n*replayPerKey || o.Progress.Resolved != p.n {
		return s, fmt.Errorf("%d of %d calls happened, %d of them twice and %d out of order; %d letters are resolved", happened, p.n*replayPerKey, doubled, w.reordered, o.Progress.Resolved)
	}
	return s, p.hub.hub.Remove(ctx, name)
}

func stopped(o dlq.Operation) error {
	if o.State == dlq.OpRunning || o.State == dlq.OpDone {
		return nil
	}
	return fmt.Errorf("the replay is %s: %s", o.State, o.Why)
}

// publish writes a message for each letter, and those that wait behind them.
func (p *replay) publish(ctx context.Context, topic string) error {
	gen := newPayloads(uint64(p.rounds))
	for no := range replayPerKey {
		var g errgroup.Group
		g.SetLimit(256)
		for i := range p.n {
			at := time.Now().UTC()
			rec := journal.Record{
				ID: newID(gen.r, at), Type: "bench.Order", Schema: 1, Topic: topic, Key: "order-" + strconv.Itoa(i), Time: at,
				Correlation: strconv.Itoa(no), Source: "bench", Data: gen.next(),
			}
			g.Go(func() error {
				ref, err := p.hub.bus.Submit(ctx, &journal.Unit{Records: []journal.Record{rec}})
				return errors.Join(err, asError(ref))
			})
		}
		if err := g.Wait(); err != nil {
			return fmt.Errorf("publishing what fails: %w", err)
		}
	}
	return nil
}

// letters are the open ones of a route.
func (p *replay) letters(ctx context.Context, route string) ([]string, error) {
	list, err := p.hub.hub.Desk().List(ctx, dlq.Filter{State: "open", Route: route, Limit: p.n + 1})
	var out []string
	for _, l := range list {
		out = append(out, l.Name())
	}
	return out, err
}

// until waits for what the hub brings about, as long as it goes on.
func (p *replay) until(ctx context.Context, holds func() (bool, error)) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if yes, err := holds(); yes || err != nil {
			return err
		}
		select {
		case err := <-p.told:
			return err
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := p.hub.bus.Err(); err != nil {
			return err
		}
	}
}
