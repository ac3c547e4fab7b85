package bus_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes/bus"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open starts a bus that the test's end closes. Unless the test is about its pace it has none, so
// that what was handed over is on its way when everybody waits.
func open(t testing.TB, d journal.Driver, o bus.Options) *bus.Bus {
	t.Helper()
	if o.Pace == 0 {
		o.Pace = -1
	}
	b, err := bus.Open(t.Context(), d, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(context.Background()); err != nil {
			t.Errorf("closing the bus: %v", err)
		}
	})
	return b
}

// serve runs handle on each delivery of a subscription, as the router does. The returned
// function stops it and waits for its handlers.
func serve(t testing.TB, b *bus.Bus, cfg bus.Subscription, handle func(*bus.Delivery)) (stop func()) {
	t.Helper()
	sub := b.NewManaged(cfg)
	messages, err := sub.Subscribe(context.Background(), cfg.Topics[0])
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for m := range messages {
			running.Go(func() { handle(bus.DeliveryOf(m)) })
		}
	})
	stop = sync.OnceFunc(func() {
		if err := sub.Close(); err != nil {
			t.Error(err)
		}
		running.Wait()
	})
	t.Cleanup(stop)
	return stop
}

// note is a record whose data is a number.
func note(topic, key string, n uint64) journal.Record {
	return journal.Record{
		ID: journal.ID{}.Child(topic, key, int(n)), Type: "note", Schema: 1, Topic: topic, Key: key,
		Data: binary.BigEndian.AppendUint64(nil, n),
	}
}

func number(r *journal.Record) uint64 { return binary.BigEndian.Uint64(r.Data) }

// publish makes numbered notes durable, n to each key, in units of a few.
func publish(t testing.TB, b *bus.Bus, topic string, keys, from, n int) {
	t.Helper()
	for i := from; i < from+n; i++ {
		u := &journal.Unit{}
		for k := range keys {
			u.Records = append(u.Records, note(topic, fmt.Sprintf("key-%d", k), uint64(i)))
		}
		submit(t, b, u)
	}
}

func submit(t testing.TB, b *bus.Bus, u *journal.Unit) {
	t.Helper()
	for {
		r, err := b.Submit(context.Background(), u)
		if err != nil {
			t.Fatal(err)
		}
		if r == nil {
			return
		}
		if !r.Again() {
			t.Fatal(r)
		}
	}
}

// pass hands the note on to another topic; the count of those that are durable goes to durable.
func pass(t testing.TB, d *bus.Delivery, to string, durable func()) {
	u := &journal.Unit{Records: []journal.Record{note(to, d.Record.Key, number(&d.Record))}}
	commit(t, d, u, durable)
}

func commit(t testing.TB, d *bus.Delivery, u *journal.Unit, durable func()) {
	r, err := d.Commit(context.Background(), nil, u, func(r *journal.Refusal, err error) {
		if r == nil && err == nil && durable != nil {
			durable()
		}
	})
	if r != nil || err != nil && !errors.Is(err, bus.ErrAgain) {
		t.Errorf("committing %d of %s: %v %v", d.Record.Pos, d.Sub(), r, err)
	}
}

// countdown is closed when it was called n times.
func countdown(n int) (done chan struct{}, call func()) {
	done = make(chan struct{})
	var mu sync.Mutex
	return done, func() {
		mu.Lock()
		defer mu.Unlock()
		if n--; n == 0 {
			close(done)
		}
	}
}

// await fails the test rather than hanging it.
func await(t testing.TB, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatalf("%s: not within a minute", what)
	}
}

// records are all that a topic holds.
func records(t testing.TB, d journal.Log, topic string) []journal.Record {
	t.Helper()
	var all []journal.Record
	after := journal.Pos(0)
	for {
		page, err := d.Topics(context.Background(), []string{topic}, after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
		after = page[len(page)-1].Pos
	}
}

// inOrderOnce checks that a topic holds the notes 0..n-1 of each key, once and in order.
func inOrderOnce(t testing.TB, d journal.Log, topic string, keys, n int) {
	t.Helper()
	got := map[string][]uint64{}
	for _, r := range records(t, d, topic) {
		got[r.Key] = append(got[r.Key], number(&r))
	}
	if len(got) != keys {
		t.Errorf("%s holds %d keys, want %d", topic, len(got), keys)
	}
	for key, have := range got {
		for i := range have {
			if have[i] != uint64(i) {
				t.Fatalf("%s of %s is note %d, want %d: lost, doubled or out of order (%d there)", topic, key, have[i], i, len(have))
			}
		}
		if len(have) != n {
			t.Errorf("%s holds %d notes of %s, want %d", topic, len(have), key, n)
		}
	}
}

// audit checks a subscription as the auditor does: each record of its topics that its
// checkpoints have passed is open or was finished by exactly one unit.
func audit(t testing.TB, d journal.Driver, sub string) {
	t.Helper()
	ctx := context.Background()
	row, err := d.Row(ctx, journal.TableState, bus.DeclaredKey(sub))
	if err != nil {
		t.Fatal(err)
	}
	st, err := journal.DecodeState(row)
	if err != nil {
		t.Fatal(err)
	}
	starts, err := bus.DeclaredTopics(sub, st.Data)
	if err != nil {
		t.Fatal(err)
	}
	marks := map[journal.Pos]int{}
	for from := journal.Pos(0); ; {
		units, err := d.Units(ctx, from, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(units) == 0 {
			break
		}
		for _, u := range units {
			if c := u.Unit.Cause; c.Done && c.Sub == sub {
				marks[c.Pos]++
			}
		}
		from = units[len(units)-1].First + 1
	}
	checkpoints, err := d.Checkpoints(ctx, sub)
	if err != nil {
		t.Fatal(err)
	}
	parts := map[uint8]*journal.Checkpoint{}
	for _, c := range checkpoints {
		parts[c.Part] = c.Checkpoint
	}
	due := 0
	for topic, start := range starts {
		for _, r := range records(t, d, topic) {
			c := parts[journal.PartitionOf(r.Key)]
			if r.Pos <= start { // of a topic that was taken away and added again
				if marks[r.Pos] > 1 {
					t.Errorf("%s finished position %d %d times", sub, r.Pos, marks[r.Pos])
				}
				continue
			}
			if c == nil || r.Pos > c.High {
				if marks[r.Pos] != 0 {
					t.Errorf("%s finished position %d, which was not delivered", sub, r.Pos)
				}
				continue
			}
			due++
			want := 1
			if c.IsOpen(r.Pos) {
				want = 0
			}
			if marks[r.Pos] != want {
				t.Errorf("%s finished position %d %d times, want %d", sub, r.Pos, marks[r.Pos], want)
			}
		}
	}
	if due == 0 {
		t.Errorf("%s passed nothing: the audit says nothing", sub)
	}
}

// elapse lets time pass on the clock of a synctest bubble.
func elapse(d time.Duration) { <-time.After(d) }
