package bus_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/routes/bus"
)

// dice are safe for the goroutines of handlers.
type dice struct {
	mu sync.Mutex
	r  *rand.Rand
}

func newDice(seed uint64) *dice { return &dice{r: rand.New(rand.NewPCG(seed, 1))} }

func (d *dice) roll(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.r.IntN(n)
}

// troubled is a handler that sometimes gives its message back, sometimes parks it behind
// a timer, sometimes commits in two steps, and at last passes it on.
func troubled(t testing.TB, dice *dice, to string, durable func()) func(*bus.Delivery) {
	return func(d *bus.Delivery) {
		switch n := dice.roll(40); {
		case n == 0:
			d.Release()
		case n == 1:
			r, err := d.Partial(context.Background(), nil, &journal.Unit{Records: []journal.Record{note("partial", "", 1)}})
			if err == nil && r == nil {
				pass(t, d, to, durable)
			} else if !errors.Is(err, bus.ErrAgain) {
				d.Release()
			}
		case n == 2 && d.Record.Key != "" && d.Attempt < 3:
			retry(t, d, d.ParkKey(), time.Now())
		default:
			pass(t, d, to, durable)
		}
	}
}

// retry parks the message of d behind a timer.
func retry(t testing.TB, d *bus.Delivery, key string, due time.Time) {
	u := &journal.Unit{
		Parks: []journal.ParkOp{{Sub: d.Sub(), Key: key, Pos: d.Record.Pos, Park: journal.Park{
			Reason: journal.ParkRetry, Attempt: uint32(d.Attempt + 1), Since: due,
		}}},
		Timers: []journal.TimerOp{{ID: fmt.Sprintf("retry/%s/%d", d.Sub(), d.Record.Pos), Timer: journal.Timer{
			Sub: d.Sub(), Key: key, Due: due, Type: "retry", Pos: d.Record.Pos,
		}}},
	}
	commit(t, d, u, nil)
}

// sometimes refuses units of subscriptions, as a disk that knows better would.
func sometimes(one int) journalmem.Hook {
	dice := newDice(7)
	return func(b *journal.Batch) ([]*journal.Refusal, error) {
		refusals := make([]*journal.Refusal, len(b.Units))
		for i, u := range b.Units {
			if u.Cause.Sub != "" && dice.roll(one) == 0 {
				refusals[i] = &journal.Refusal{Why: journal.RefusedVersion, What: "planted"}
			}
		}
		return refusals, nil
	}
}

func TestEachKeyInOrderAndOnce(t *testing.T) {
	tests := map[string]struct {
		keys, each int
		hook       journalmem.Hook
		options    bus.Options
		window     int
		parallel   int
	}{
		"ten keys":                           {keys: 10, each: 1000},
		"one key":                            {keys: 1, each: 3000},
		"the disk refuses":                   {keys: 10, each: 500, hook: sometimes(30)},
		"the disk refuses one key":           {keys: 1, each: 1500, hook: sometimes(50)},
		"small batches":                      {keys: 10, each: 200, hook: sometimes(40), options: bus.Options{MaxBatch: 3, MaxQueue: 8}},
		"a working set of four entries":      {keys: 10, each: 200, hook: sometimes(40), options: bus.Options{Cached: 4 * 120}},
		"a window of three and one handler":  {keys: 5, each: 100, window: 3, parallel: 1},
		"more keys than handlers and window": {keys: 100, each: 20, window: 40, parallel: 4},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mem := journalmem.New()
			b := open(t, mem, tt.options)
			mem.SetHook(tt.hook)
			sub := func(name, topic string) bus.Subscription {
				return bus.Subscription{Name: name, Topics: []string{topic}, Window: tt.window, Parallel: tt.parallel}
			}
			// One route reads what the other writes, a third what both read.
			first, one := countdown(tt.keys * tt.each)
			second, two := countdown(tt.keys * tt.each)
			third, three := countdown(tt.keys * tt.each)
			serve(t, b, sub("first", "in"), troubled(t, newDice(1), "mid", one))
			serve(t, b, sub("second", "mid"), troubled(t, newDice(2), "out", two))
			serve(t, b, sub("third", "in"), troubled(t, newDice(3), "copy", three))
			publish(t, b, "in", tt.keys, 0, tt.each)
			await(t, "first route", first)
			await(t, "second route", second)
			await(t, "third route", third)
			for _, topic := range []string{"mid", "out", "copy"} {
				inOrderOnce(t, mem, topic, tt.keys, tt.each)
			}
			if err := b.Close(t.Context()); err != nil {
				t.Error(err)
			}
			for _, name := range []string{"first", "second", "third"} {
				audit(t, mem, name)
			}
		})
	}
}

func TestWithoutAKeyNothingWaits(t *testing.T) {
	mem := journalmem.New()
	b := open(t, mem, bus.Options{})
	const n = 20
	all, here := countdown(n)
	durable, done := countdown(n)
	// Each handler waits until all of them run: one after the other would hang.
	serve(t, b, bus.Subscription{Name: "route", Topics: []string{"in"}}, func(d *bus.Delivery) {
		here()
		await(t, "handlers at once", all)
		pass(t, d, "out", done)
	})
	for i := range n {
		submit(t, b, &journal.Unit{Records: []journal.Record{note("in", "", uint64(i))}})
	}
	await(t, "all", durable)
	if got := len(records(t, mem, "out")); got != n {
		t.Errorf("%d notes came out, want %d", got, n)
	}
}

// TestKilledAnywhere ends the journal under a running bus, again and again, and goes on with
// what another process would find.
func TestKilledAnywhere(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			const keys, each, kills = 7, 150, 6
			dice := newDice(seed)
			mem := journalmem.New()
			b := open(t, mem, bus.Options{MaxBatch: 1 + dice.roll(20)})
			publish(t, b, "in", keys, 0, each)
			for range kills {
				some, call := countdown(1 + dice.roll(keys*each/kills))
				mem.SetHook(sometimes(60))
				serve(t, b, bus.Subscription{Name: "route", Topics: []string{"in"}, Window: 1 + dice.roll(300)}, troubled(t, dice, "out", call))
				await(t, "some progress", some)
				next, err := mem.Reopen(t.Context()) // what b writes from here on fails
				if err != nil {
					t.Fatal(err)
				}
				if err := b.Close(t.Context()); err != nil {
					t.Logf("the killed bus says: %v", err)
				}
				mem = next
				b = open(t, mem, bus.Options{})
				if len(records(t, mem, "out")) == keys*each {
					break
				}
			}
			mem.SetHook(nil)
			done := make(chan struct{})
			var once sync.Once
			full := func() {
				if len(records(t, mem, "out")) >= keys*each {
					once.Do(func() { close(done) })
				}
			}
			serve(t, b, bus.Subscription{Name: "route", Topics: []string{"in"}}, troubled(t, dice, "out", func() { go full() }))
			full()
			await(t, "the rest", done)
			if err := b.Close(t.Context()); err != nil {
				t.Error(err)
			}
			inOrderOnce(t, mem, "out", keys, each)
			audit(t, mem, "route")
		})
	}
}
