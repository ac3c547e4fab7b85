package bus_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/routes/bus"
)

// event is a note that is appended to a stream.
func event(stream, topic, key string, n uint64) journal.Record {
	r := note(topic, key, n)
	r.Stream = stream
	return r
}

// Notes that a fold cannot take.
const (
	panics uint64 = 1<<40 + iota
	unreadable
)

// counting folds a stream into the sum of its notes. What it replays goes to replayed.
func counting(replayed *atomic.Int64) *bus.Fold {
	return &bus.Fold{
		Kind: "count", Version: 1,
		Zero: func() any { return uint64(0) },
		Apply: func(state any, r *journal.Record) (any, error) {
			if replayed != nil {
				replayed.Add(1)
			}
			switch n := number(r); n {
			case panics:
				panic("a fold that panics")
			case unreadable:
				return nil, errors.New("an event that cannot be read")
			default:
				return state.(uint64) + n, nil
			}
		},
	}
}

// slowDisk is a journal whose writes wait at a gate, while it can be read.
type slowDisk struct {
	*journalmem.Store
	gate chan struct{}
}

func newSlowDisk() *slowDisk { return &slowDisk{journalmem.New(), make(chan struct{}, 1000)} }

// let lets n writes pass.
func (d *slowDisk) let(n int) {
	for range n {
		d.gate <- struct{}{}
	}
}

func (d *slowDisk) Write(ctx context.Context, b *journal.Batch) ([]*journal.Refusal, error) {
	<-d.gate
	return d.Store.Write(ctx, b)
}

func TestALaneRunsAheadOfTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		disk := newSlowDisk()
		b := open(t, disk, bus.Options{})
		fold := counting(nil)
		disk.let(6) // five notes and the subscription
		publish(t, b, "in", 1, 0, 5)
		stands := b.Last()
		var seen heard
		serve(t, b, bus.Subscription{Name: "route", Topics: []string{"in"}}, func(d *bus.Delivery) {
			reads := d.Reads()
			sum, version, err := reads.Load(ctx, fold, "order/1")
			if err != nil {
				t.Error(err)
			}
			stock, err := reads.Balance(ctx, "item", "free")
			if err != nil {
				t.Error(err)
			}
			state, err := reads.State(ctx, "counter")
			if err != nil {
				t.Error(err)
			}
			seen.add("sum %d at %d, stock %d, state %q", sum, version, stock, state.Data)
			u := &journal.Unit{
				Records: []journal.Record{event("order/1", "", "", 10)},
				Postings: []journal.Posting{
					{Book: "item", Account: "dock", Amount: -1, Floor: journal.NoFloor},
					{Book: "item", Account: "free", Amount: 1, Floor: 0},
				},
				States: []journal.StateOp{{Key: "counter", Tag: state.Tag, Data: append(state.Data, 'x')}},
			}
			if r, err := d.Commit(ctx, reads, u, nil); r != nil || err != nil {
				t.Error(r, err)
			}
		})
		seen.want(t,
			`sum 0 at 0, stock 0, state ""`, `sum 10 at 1, stock 1, state "x"`, `sum 20 at 2, stock 2, state "xx"`,
			`sum 30 at 3, stock 3, state "xxx"`, `sum 40 at 4, stock 4, state "xxxx"`)
		if got := b.Last(); got != stands+1 {
			t.Errorf("the disk took something: it stands at %d", got)
		}
		close(disk.gate)
		if err := b.Flush(ctx); err != nil {
			t.Error(err)
		}
	})
}

// A state that was never asked for is folded from the journal and from what waits.
func TestLoadingFoldsWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		disk := newSlowDisk()
		b := open(t, disk, bus.Options{})
		disk.let(1)
		submit(t, b, &journal.Unit{Records: []journal.Record{event("order/1", "", "", 1), event("order/2", "", "", 5)}})
		for n := range 3 {
			go func() {
				_, _ = b.Submit(ctx, &journal.Unit{Records: []journal.Record{event("order/1", "", "", 10), event("order/1", "", "", 100)}})
			}()
			synctest.Wait()
			if n == 0 {
				continue // at the disk; the others in the queue
			}
			sum, version, err := b.NewDoor("x").NewReads().Load(ctx, counting(nil), "order/1")
			if want := uint64(1 + 110*(n+1)); err != nil || sum != want || version != uint64(1+2*(n+1)) {
				t.Errorf("loaded %v at %d, %v: want %d", sum, version, err, want)
			}
		}
		close(disk.gate)
	})
}

// Each lane adds what the stream's sum was: a lost update shows in the sum.
func TestLanesThatShareAStreamRunAgain(t *testing.T) {
	for name, hook := range map[string]journalmem.Hook{"": nil, "the disk refuses": sometimes(25)} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			mem := journalmem.New()
			b := open(t, mem, bus.Options{})
			mem.SetHook(hook)
			const keys, each = 8, 100
			fold := counting(nil)
			var runs atomic.Int64
			done, call := countdown(keys * each)
			serve(t, b, bus.Subscription{Name: "route", Topics: []string{"in"}}, func(d *bus.Delivery) {
				for {
					runs.Add(1)
					reads := d.Reads()
					_, version, err := reads.Load(ctx, fold, "shared")
					if err != nil {
						t.Error(err)
						return
					}
					u := &journal.Unit{Records: []journal.Record{event("shared", "out", d.Record.Key, version)}}
					r, err := d.Commit(ctx, reads, u, func(r *journal.Refusal, err error) {
						if r == nil && err == nil {
							call()
						}
					})
					if err != nil && !errors.Is(err, bus.ErrAgain) {
						t.Error(err)
					}
					if r == nil {
						return
					}
					if !r.Again() {
						t.Error(r)
						return
					}
				}
			})
			publish(t, b, "in", keys, 0, each)
			await(t, "all", done)
			for i, r := range records(t, mem, "out") {
				if number(&r) != uint64(i) || r.Version != uint64(i+1) {
					t.Fatalf("event %d was decided at version %d and stands at %d", i, number(&r), r.Version)
				}
			}
			if got := len(records(t, mem, "out")); got != keys*each {
				t.Errorf("%d events, want %d", got, keys*each)
			}
			t.Logf("%d runs for %d events", runs.Load(), keys*each)
		})
	}
}

// What was only read is expected too.
func TestADecisionOnAStreamThatMovedIsRefused(t *testing.T) {
	ctx := t.Context()
	b := open(t, journalmem.New(), bus.Options{})
	fold := counting(nil)
	door := b.NewDoor("x")

	reads := door.NewReads()
	if _, _, err := reads.Load(ctx, fold, "read"); err != nil {
		t.Fatal(err)
	}
	submit(t, b, &journal.Unit{Records: []journal.Record{event("read", "", "", 1)}})
	r, err := door.Submit(ctx, reads, &journal.Unit{Records: []journal.Record{event("written", "", "", 1)}})
	if err != nil || r == nil || r.Why != journal.RefusedVersion {
		t.Errorf("decided on a stream that moved: %v %v, want a refusal", r, err)
	}

	reads = door.NewReads()
	for n := range 2 { // two states in one run
		if _, _, err := reads.Load(ctx, fold, "read"); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			submit(t, b, &journal.Unit{Records: []journal.Record{event("read", "", "", 1)}})
		}
	}
	r, err = door.Submit(ctx, reads, &journal.Unit{})
	if err != nil || r == nil || r.Why != journal.RefusedVersion {
		t.Errorf("decided on two states at once: %v %v, want a refusal", r, err)
	}

	reads = door.NewReads()
	if _, _, err := reads.Peek(ctx, fold, "read"); err != nil {
		t.Fatal(err)
	}
	submit(t, b, &journal.Unit{Records: []journal.Record{event("read", "", "", 1)}})
	if r, err := door.Submit(ctx, reads, &journal.Unit{}); r != nil || err != nil {
		t.Errorf("a look that binds nothing: %v %v", r, err)
	}
}

// A state was read that the disk refused; its version comes again with another event.
func TestADecisionOnWhatTheDiskRefusedIsVoid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		disk := newSlowDisk()
		b := open(t, disk, bus.Options{})
		disk.SetHook(func(batch *journal.Batch) ([]*journal.Refusal, error) {
			refusals := make([]*journal.Refusal, len(batch.Units))
			refusals[0] = &journal.Refusal{Why: journal.RefusedVersion, What: "planted"}
			return refusals, nil
		})
		refused := make(chan *journal.Refusal)
		go func() {
			r, _ := b.Submit(ctx, &journal.Unit{Records: []journal.Record{event("order/1", "", "", 1)}})
			refused <- r
		}()
		synctest.Wait()
		door := b.NewDoor("x")
		reads := door.NewReads()
		if sum, _, err := reads.Load(ctx, counting(nil), "order/1"); err != nil || sum != uint64(1) {
			t.Fatal(sum, err)
		}
		disk.let(1)
		if r := <-refused; r == nil {
			t.Fatal("not refused")
		}
		disk.SetHook(nil)
		close(disk.gate)
		submit(t, b, &journal.Unit{Records: []journal.Record{event("order/1", "", "", 50)}})
		r, err := door.Submit(ctx, reads, &journal.Unit{Records: []journal.Record{event("order/1", "", "", 2)}})
		if err != nil || r == nil || !r.Again() {
			t.Errorf("%v %v, want a refusal that lets it run again", r, err)
		}
	})
}

func TestAFoldThatFailsSaysWhere(t *testing.T) {
	for n, want := range map[uint64]string{
		panics:     "folding order/1 at version 2: folding count: a fold that panics",
		unreadable: "folding order/1 at version 2: an event that cannot be read",
	} {
		b := open(t, journalmem.New(), bus.Options{})
		fold := counting(nil)
		submit(t, b, &journal.Unit{Records: []journal.Record{event("order/1", "", "", 1)}})
		reads := b.NewDoor("x").NewReads()
		if _, _, err := reads.Load(t.Context(), fold, "order/1"); err != nil {
			t.Error(err)
		}
		// The state in memory cannot follow; the event is written all the same.
		submit(t, b, &journal.Unit{Records: []journal.Record{event("order/1", "", "", n)}})
		if _, _, err := reads.Load(t.Context(), fold, "order/1"); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestSnapshotsFollowAStreamThatGrows(t *testing.T) {
	ctx := context.Background()
	mem := journalmem.New()
	b := open(t, mem, bus.Options{})
	var replayed atomic.Int64
	snapping := func(kind string) *bus.Fold {
		f := counting(&replayed)
		f.Kind = kind
		f.Encode = func(state any) ([]byte, error) { return fmt.Append(nil, state), nil }
		f.Decode = func(data []byte) (any, error) {
			var n uint64
			_, err := fmt.Sscan(string(data), &n)
			return n, err
		}
		return f
	}
	if _, _, err := b.NewDoor("x").NewReads().Load(ctx, snapping("sum"), "order/1"); err != nil {
		t.Fatal(err)
	}
	for range 25 {
		u := &journal.Unit{}
		for range 100 {
			u.Records = append(u.Records, event("order/1", "", "", 1))
		}
		submit(t, b, u)
	}
	if err := b.Close(ctx); err != nil {
		t.Fatal(err)
	}
	mem, err := mem.Reopen(ctx)
	if err != nil {
		t.Fatal(err)
	}
	b = open(t, mem, bus.Options{})
	// In this order: the other fold leaves its own snapshot in the place that they share.
	for _, c := range []struct {
		kind string
		most int64
	}{{"sum", 500}, {"other", 2500}} {
		replayed.Store(0)
		sum, version, err := b.NewDoor("x").NewReads().Load(ctx, snapping(c.kind), "order/1")
		if err != nil || sum != uint64(2500) || version != 2500 {
			t.Errorf("%s: %v at %d, %v", c.kind, sum, version, err)
		}
		if replayed.Load() != c.most {
			t.Errorf("%s: %d events were replayed, want %d", c.kind, replayed.Load(), c.most)
		}
	}
}

// The floor is judged against what waits: two lanes cannot both take the last piece.
func TestFloorsHoldAheadOfTheDisk(t *testing.T) {
	ctx := t.Context()
	b := open(t, journalmem.New(), bus.Options{})
	take := func(n int64) *journal.Unit {
		return &journal.Unit{Postings: []journal.Posting{
			{Book: "item", Account: "free", Amount: -n, Floor: 0},
			{Book: "item", Account: "reserved", Amount: n, Floor: journal.NoFloor},
		}}
	}
	submit(t, b, take(-100))
	var got atomic.Int64
	var lanes sync.WaitGroup
	for range 30 {
		lanes.Go(func() {
			for range 10 {
				r, err := b.Submit(ctx, take(1))
				if err != nil || r != nil && r.Why != journal.RefusedFloor {
					t.Error(r, err)
				}
				if r == nil {
					got.Add(1)
				}
			}
		})
	}
	lanes.Wait()
	if got.Load() != 100 {
		t.Errorf("%d pieces were taken of 100", got.Load())
	}
}

// A record that waits is copied field by field, because the driver fills in others
// meanwhile: a field that is added must be copied too.
func TestWhatWaitsIsCopiedWhole(t *testing.T) {
	var r journal.Record
	v := reflect.ValueOf(&r).Elem()
	for i := range v.NumField() {
		f := v.Field(i)
		switch f.Kind() {
		case reflect.String:
			f.SetString("x")
		case reflect.Uint16, reflect.Uint64:
			f.SetUint(1)
		case reflect.Slice:
			f.SetBytes([]byte("x"))
		case reflect.Map:
			f.Set(reflect.ValueOf(map[string]string{"x": "y"}))
		case reflect.Interface:
			f.Set(reflect.ValueOf(1))
		case reflect.Array:
			f.Index(0).SetUint(1)
		}
	}
	got := bus.Unwritten(&r)
	r.Pos, r.Version = 0, 0
	if !reflect.DeepEqual(got, r) {
		t.Errorf("copied %+v, want %+v", got, r)
	}
}

// A snapshot is a shortcut: one that cannot be read is passed by, and the events say the same.
func TestASnapshotThatCannotBeReadIsPassedBy(t *testing.T) {
	broken := false
	fold := &bus.Fold{
		Kind: "sum", Version: 1, Zero: func() any { return 0 },
		Apply:  func(s any, _ *journal.Record) (any, error) { return s.(int) + 1, nil },
		Encode: func(any) ([]byte, error) { return []byte("x"), nil },
		Decode: func([]byte) (any, error) { broken = true; return nil, errors.New("damaged") },
	}
	mem := journalmem.New()
	b := open(t, mem, bus.Options{})
	const events = 1003 // a shorter stream has no snapshot
	u := &journal.Unit{}
	for range events {
		u.Records = append(u.Records, journal.Record{Type: "e", Schema: 1, Stream: "s"})
	}
	if r, err := b.Submit(t.Context(), u); r != nil || err != nil {
		t.Fatal(r, err)
	}
	if r, err := b.Submit(t.Context(), &journal.Unit{Snapshots: []journal.Snapshot{{Stream: "s", Version: 1000, Fold: 1, Data: []byte("sum\x00x")}}}); r != nil || err != nil {
		t.Fatal(r, err)
	}
	state, version, err := b.NewDoor("d").NewReads().Load(t.Context(), fold, "s")
	if err != nil || !broken || state.(int) != events || version != events {
		t.Errorf("state %v at version %d, snapshot looked at %v: %v", state, version, broken, err)
	}
}
