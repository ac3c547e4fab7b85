package bus_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/routes/bus"
)

func TestAFullDiskIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := journalmem.New()
		b := open(t, mem, bus.Options{MaxQueue: 2})
		var full atomic.Bool
		full.Store(true)
		mem.SetHook(func(*journal.Batch) ([]*journal.Refusal, error) {
			if full.Load() {
				return nil, fmt.Errorf("writing: %w", journal.ErrFull)
			}
			return nil, nil
		})
		var written sync.WaitGroup
		for i := range 5 { // more than the queue holds
			written.Go(func() {
				if r, err := b.Submit(context.Background(), &journal.Unit{Records: []journal.Record{note("in", "a", uint64(i))}}); r != nil || err != nil {
					t.Error(r, err)
				}
			})
		}
		elapse(time.Minute)
		synctest.Wait()
		if !b.Full() {
			t.Error("the bus does not say that the disk is full")
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := b.Submit(ctx, &journal.Unit{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting for room: %v, want the caller's deadline", err)
		}
		full.Store(false)
		written.Wait()
		if b.Full() {
			t.Error("the bus says that the disk is full, and it is not")
		}
		if got := len(records(t, mem, "in")); got != 5 {
			t.Errorf("%d written, want all 5", got)
		}
	})
}

func TestClosingOnAFullDiskSaysWhatIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := journalmem.New()
		b := open(t, mem, bus.Options{})
		mem.SetHook(func(*journal.Batch) ([]*journal.Refusal, error) { return nil, journal.ErrFull })
		submitted := make(chan error, 1)
		go func() {
			_, err := b.Submit(context.Background(), &journal.Unit{})
			submitted <- err
		}()
		synctest.Wait()
		if err := b.Close(context.Background()); !errors.Is(err, journal.ErrFull) {
			t.Errorf("closing: %v, want ErrFull", err)
		}
		if err := <-submitted; !errors.Is(err, journal.ErrFull) {
			t.Errorf("what waited got %v, want ErrFull", err)
		}
	})
}

func TestABrokenJournalTellsEveryone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := journalmem.New()
		b := open(t, mem, bus.Options{MaxBatch: 4, MaxQueue: 8})
		fold := counting(nil)
		submit(t, b, &journal.Unit{Records: []journal.Record{event("order/1", "in", "a", 0)}})

		began, commit := make(chan struct{}, 100), make(chan struct{})
		var told atomic.Int32
		serve(t, b, bus.Subscription{Name: "route", Topics: []string{"in"}}, func(d *bus.Delivery) {
			began <- struct{}{}
			<-commit
			if _, err := d.CommitWait(context.Background(), nil, &journal.Unit{}); err != nil {
				told.Add(1)
			}
		})
		<-began
		mem.SetHook(func(*journal.Batch) ([]*journal.Refusal, error) { return nil, journal.ErrBroken })
		var waiting sync.WaitGroup
		for range 50 { // some wait for the disk, some for room
			waiting.Go(func() {
				if _, err := b.Submit(context.Background(), &journal.Unit{Records: []journal.Record{event("order/1", "", "", 1)}}); !errors.Is(err, journal.ErrBroken) {
					t.Errorf("submitting: %v, want ErrBroken", err)
				}
			})
		}
		waiting.Wait()
		close(commit)
		synctest.Wait()
		if told.Load() != 1 {
			t.Errorf("%d handlers were told, want the one that ran", told.Load())
		}
		if err := b.Flush(context.Background()); !errors.Is(err, journal.ErrBroken) {
			t.Errorf("flushing: %v, want ErrBroken", err)
		}
		if _, _, err := b.NewDoor("x").NewReads().Load(context.Background(), fold, "order/2"); !errors.Is(err, journal.ErrBroken) {
			t.Errorf("loading: %v, want ErrBroken", err)
		}
		if err := b.NewPublisher().Publish("in"); err != nil {
			t.Errorf("publishing nothing: %v", err)
		}
		if err := b.Close(context.Background()); !errors.Is(err, journal.ErrBroken) {
			t.Errorf("closing: %v, want ErrBroken", err)
		}
	})
}

func TestCloseMakesDurableWhatWasHandedOver(t *testing.T) {
	mem := journalmem.New()
	b := open(t, mem, bus.Options{MaxBatch: 5})
	publish(t, b, "in", 5, 0, 400)
	var handed, durable atomic.Int32
	some, call := countdown(300)
	serve(t, b, bus.Subscription{Name: "route", Topics: []string{"in"}}, func(d *bus.Delivery) {
		u := &journal.Unit{Records: []journal.Record{note("out", d.Record.Key, number(&d.Record))}}
		if r, err := d.Commit(context.Background(), nil, u, func(*journal.Refusal, error) { durable.Add(1) }); r == nil && err == nil {
			handed.Add(1)
			call()
		}
	})
	await(t, "some work", some)
	if err := b.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if handed.Load() != durable.Load() || int(handed.Load()) != len(records(t, mem, "out")) {
		t.Errorf("%d handed over, %d told, %d written", handed.Load(), durable.Load(), len(records(t, mem, "out")))
	}
	audit(t, mem, "route")

	for what, call := range map[string]func() error{
		"submit":  func() error { _, err := b.Submit(t.Context(), &journal.Unit{}); return err },
		"flush":   func() error { return b.Flush(t.Context()) },
		"publish": func() error { return b.NewPublisher().Publish("in", numberedOrder(1)) },
		"subscribe": func() error {
			_, err := b.NewManaged(bus.Subscription{Name: "route", Topics: []string{"in"}}).Subscribe(t.Context(), "in")
			return err
		},
	} {
		if err := call(); !errors.Is(err, bus.ErrClosed) {
			t.Errorf("%s after the close: %v, want ErrClosed", what, err)
		}
	}
	if err := b.Close(t.Context()); err != nil {
		t.Errorf("closing again: %v", err)
	}
}

func TestCloseDoesNotWaitForAHandlerForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := journalmem.New()
		b := open(t, mem, bus.Options{})
		publish(t, b, "in", 1, 0, 1)
		held := make(chan *bus.Delivery)
		serve(t, b, bus.Subscription{Name: "route", Topics: []string{"in"}}, func(d *bus.Delivery) { held <- d })
		d := <-held
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := b.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("closing: %v, want the deadline", err)
		}
		if _, err := d.Commit(context.Background(), nil, &journal.Unit{}, nil); !errors.Is(err, bus.ErrClosed) || !errors.Is(err, bus.ErrAgain) {
			t.Errorf("committing too late: %v, want ErrClosed and ErrAgain", err)
		}
		d.Release() // of what is not held any more: nothing
	})
}

func TestAUnitThatNoDiskTakesIsRefusedAtOnce(t *testing.T) {
	b := open(t, journalmem.New(), bus.Options{})
	r := note("in", "a", 1)
	r.Data = make([]byte, journal.MaxUnit)
	ref, err := b.Submit(t.Context(), &journal.Unit{Records: []journal.Record{r}})
	if err != nil || ref == nil || ref.Why != journal.RefusedMalformed {
		t.Errorf("%v %v, want malformed", ref, err)
	}
}

// The disk refuses a unit that all others in a full queue were decided on: whoever waited for
// room has it, although there is no next batch that would make it.
func TestARefusalOfAllThatWaitsMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const queue = 4
		mem := journalmem.New()
		b := open(t, mem, bus.Options{MaxQueue: queue})
		atDisk, goOn := make(chan struct{}), make(chan struct{})
		first := true
		mem.SetHook(func(batch *journal.Batch) ([]*journal.Refusal, error) {
			refusals := make([]*journal.Refusal, len(batch.Units))
			if first {
				first = false
				close(atDisk)
				<-goOn
				refusals[0] = &journal.Refusal{Why: journal.RefusedVersion, What: "planted"}
			}
			return refusals, nil
		})
		var ended sync.WaitGroup
		for i := range uint64(1 + queue) { // one at the disk, and a full queue of its followers
			ended.Go(func() {
				r, err := b.Submit(context.Background(), &journal.Unit{
					Expect:  []journal.Expect{{Stream: "s", Version: i}},
					Records: []journal.Record{{Type: "e", Schema: 1, Stream: "s"}},
				})
				if r == nil || err != nil {
					t.Errorf("version %d stands on one that was refused: %v", i+1, err)
				}
			})
			synctest.Wait()
		}
		<-atDisk
		ended.Go(func() {
			if r, err := b.Submit(context.Background(), &journal.Unit{Records: []journal.Record{note("in", "a", 1)}}); r != nil || err != nil {
				t.Error(r, err)
			}
		})
		synctest.Wait()
		close(goOn)
		ended.Wait()
	})
}

// What the disk refuses makes no durable event another: states of them are not folded anew. What was
// decided on the refused unit is, and what another process wrote meanwhile is read.
func TestARefusalCostsNoStateOfDurableEvents(t *testing.T) {
	t.Parallel()
	mem := journalmem.New()
	b := open(t, mem, bus.Options{})
	var folded atomic.Int64
	fold := counting(&folded)
	look := func(stream string, want uint64, events int64) {
		t.Helper()
		folded.Store(0)
		state, _, err := b.NewDoor("x").NewReads().Load(t.Context(), fold, stream)
		if err != nil || state != want || folded.Load() != events {
			t.Errorf("%s is %v after %d events, %v; want %d after %d", stream, state, folded.Load(), err, want, events)
		}
	}
	for _, stream := range []string{"still", "touched", "foreign", "unseen"} {
		for n := range uint64(4) {
			submit(t, b, &journal.Unit{Records: []journal.Record{event(stream, "", "", n+1)}})
		}
	}
	look("still", 10, 4)
	look("touched", 10, 4)
	look("foreign", 10, 4)
	if r, err := mem.Write(t.Context(), &journal.Batch{Units: []*journal.Unit{{Records: []journal.Record{event("foreign", "", "", 7)}}}}); err != nil || r[0] != nil {
		t.Fatal(r, err)
	}
	mem.SetHook(func(batch *journal.Batch) ([]*journal.Refusal, error) {
		return []*journal.Refusal{{Why: journal.RefusedVersion, What: "planted"}}, nil
	})
	if r, err := b.Submit(t.Context(), &journal.Unit{Records: []journal.Record{event("touched", "", "", 100)}}); r == nil || err != nil {
		t.Fatalf("%v, %v; want the planted refusal", r, err)
	}
	mem.SetHook(nil)
	look("still", 10, 0)
	look("touched", 10, 4) // once more: it stood behind the refused event
	look("foreign", 17, 1)
	look("unseen", 10, 4)
	look("still", 10, 0)
}
