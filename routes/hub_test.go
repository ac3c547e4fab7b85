package routes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/routes/bus"
)

func numbers(from, to int) []string {
	var out []string
	for i := from; i < to; i++ {
		out = append(out, fmt.Sprint(i))
	}
	return out
}

func TestRoutesComeAndGoWhileOthersRun(t *testing.T) {
	inBubble(t, func(h *Hub) error { return h.Add(pass("steady")) }, func(t *testing.T, w *bare) {
		var coming sync.WaitGroup
		coming.Go(func() {
			for i := range 200 {
				w.send("k", i)
				elapse(time.Millisecond)
			}
		})
		for range 25 {
			if err := w.hub.Add(pass("guest")); err != nil {
				t.Fatal(err)
			}
			if err := w.hub.Add(pass("guest")); err == nil {
				t.Fatal("a name was given twice")
			}
			elapse(5 * time.Millisecond)
			if err := w.hub.Remove(t.Context(), "guest"); err != nil {
				t.Fatal(err)
			}
			if err := w.hub.Remove(t.Context(), "guest"); err == nil {
				t.Fatal("a route that is gone was removed")
			}
			elapse(2 * time.Millisecond)
		}
		coming.Wait()
		if err := w.hub.Add(pass("guest")); err != nil {
			t.Fatal(err)
		}
		settle(time.Second)
		for _, name := range []string{"steady", "guest"} {
			if got := w.heard("out." + name); !slices.Equal(got, numbers(0, 200)) {
				t.Errorf("%s passed on %v", name, got)
			}
		}
	})
}

func TestSeveralAddAndRemoveAtOnce(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, w *bare) {
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				name := fmt.Sprintf("guest-%d", i)
				for range 5 {
					if err := w.hub.Add(pass(name)); err != nil {
						t.Error(err)
					}
					if err := w.hub.Remove(context.Background(), name); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if n := len(w.hub.Routes()); n != 1 {
			t.Errorf("%d routes are left, want the control bus", n)
		}
	})
}

func TestARouteAddedWhileTheHubStartsIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 20 {
			w := &bare{t: t, store: journalmem.New()}
			w.open()
			added := make(chan error, 1)
			go func() { added <- w.hub.Add(pass("late")) }()
			w.run()
			if err := <-added; err != nil {
				t.Fatal(err)
			}
			w.send("k", 1)
			settle(time.Second)
			if got := w.heard("out.late"); len(got) != 1 {
				t.Errorf("passed on %v", got)
			}
			w.stop()
		}
	})
}

func TestWhatCannotBeAddedLeavesTheHubWhole(t *testing.T) {
	some := pass("typed")
	some.Types = []string{"in"}
	inBubble(t, func(h *Hub) error { return h.Add(some) }, func(t *testing.T, w *bare) {
		if err := w.hub.Remove(t.Context(), "typed"); err != nil {
			t.Fatal(err)
		}
		// It took some types and is to take all: its checkpoints do not allow that.
		for range 2 {
			if err := w.hub.Add(pass("typed")); err == nil || !strings.Contains(err.Error(), "another name") {
				t.Fatalf("added: %v", err)
			}
		}
		for name, r := range map[string]Route{"no name": {Handle: pass("x").Handle}, "no handler": {Name: "x"}} {
			if err := w.hub.Add(r); err == nil {
				t.Errorf("%s: added", name)
			}
		}
		if err := w.hub.Add(pass("other")); err != nil {
			t.Fatal(err)
		}
		w.send("k", 1)
		settle(time.Second)
		if got := w.heard("out.other"); len(got) != 1 {
			t.Errorf("passed on %v", got)
		}
		w.stop()
		if err := w.hub.Add(pass("late")); err == nil {
			t.Error("a route was added to a hub that has stopped")
		}
		if err := w.hub.Run(t.Context()); err == nil {
			t.Error("a hub that has stopped runs again")
		}
	})
}

func TestARouteThatDoesNotStopInTimeIsStillThere(t *testing.T) {
	hold := make(chan struct{})
	slow := pass("slow")
	slow.Handle = func(_ context.Context, m *Message) (*Out, error) { <-hold; return m.Out(), nil }
	inBubble(t, func(h *Hub) error { hold = make(chan struct{}); return h.Add(slow) }, func(t *testing.T, w *bare) {
		w.send("k", 1)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := w.hub.Remove(ctx, "slow"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("removing: %v, want the deadline", err)
		}
		if err := w.hub.Add(slow); err == nil {
			t.Error("a second was added beside one that still runs")
		}
		close(hold)
		if err := w.hub.Remove(context.Background(), "slow"); err != nil {
			t.Error(err)
		}
	})
}

func TestAPauseIsKeptOverARestart(t *testing.T) {
	inBubble(t, func(h *Hub) error { return errors.Join(h.Add(pass("work")), h.Add(pass("other"))) }, func(t *testing.T, w *bare) {
		if err := w.hub.Pause(t.Context(), "work", "ann"); err != nil {
			t.Fatal(err)
		}
		w.restart()
		w.send("k", 1)
		settle(time.Hour)
		if got := w.info("work").Paused; got != "by ann" {
			t.Errorf("paused %q, want by ann", got)
		}
		if in, out := len(w.heard("out.work")), len(w.heard("out.other")); in != 0 || out != 1 {
			t.Errorf("the paused route passed %d on, the other %d", in, out)
		}
		if err := w.hub.Resume(t.Context(), "work", "ben"); err != nil {
			t.Fatal(err)
		}
		settle(time.Second)
		w.restart()
		w.send("k", 2)
		settle(time.Second)
		if got := w.heard("out.work"); !slices.Equal(got, []string{"1", "2"}) || w.info("work").Paused != "" {
			t.Errorf("resumed, it passed on %v and is paused %q", got, w.info("work").Paused)
		}
	})
}

// The control bus may be served before the route that it names has subscribed.
func TestAResumeThatIsFasterThanItsRouteCounts(t *testing.T) {
	inBubble(t, func(h *Hub) error { return h.Add(pass("work")) }, func(t *testing.T, w *bare) {
		if err := w.hub.Pause(t.Context(), "work", "ann"); err != nil {
			t.Fatal(err)
		}
		w.send("k", 1)
		w.stop()
		store, err := w.store.Reopen(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.store = store
		w.open()
		if err := w.hub.Resume(t.Context(), "work", "ben"); err != nil {
			t.Fatal(err)
		}
		if err := w.hub.Pause(t.Context(), "work", "ann"); fault.KindOf(err) != fault.Transient {
			t.Errorf("pausing what is not served yet: %v, want Transient", err)
		}
		w.run()
		settle(time.Second)
		if got := w.heard("out.work"); len(got) != 1 || w.info("work").Paused != "" || w.info("work").Lag.Paused {
			t.Errorf("passed on %v, paused %q", got, w.info("work").Paused)
		}
	})
}

func TestPauseAndResumeAtOnceEndAsTheJournalSays(t *testing.T) {
	inBubble(t, func(h *Hub) error { return h.Add(pass("work")) }, func(t *testing.T, w *bare) {
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() {
				do := w.hub.Pause
				if i%2 == 0 {
					do = w.hub.Resume
				}
				if err := do(context.Background(), "work", "ann"); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		row, err := w.bus.Row(t.Context(), journal.TableState, PauseKey("work"))
		if err != nil {
			t.Fatal(err)
		}
		if i := w.info("work"); (row != nil) != i.Lag.Paused || (row != nil) != (i.Paused != "") {
			t.Errorf("kept as paused: %v; the subscription is paused: %v; it says %q", row != nil, i.Lag.Paused, i.Paused)
		}
	})
}

func TestADoorIsNotPausedAndNobodyPausesWhatIsNotThere(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, w *bare) {
		for _, name := range []string{"control", "nobody"} {
			if err := w.hub.Pause(t.Context(), name, "ann"); err == nil {
				t.Errorf("%s was paused", name)
			}
		}
		if err := w.hub.Resume(t.Context(), "nobody", "ann"); err == nil {
			t.Error("nobody was resumed")
		}
	})
}

// stale decides on a state that never is what it says, so it is asked to run again for ever.
func stale(runs *atomic.Int32) func(context.Context, *Message) (*Out, error) {
	return func(_ context.Context, m *Message) (*Out, error) {
		if m.Key == "good" {
			return m.Out().Publish("out", "done", m.Key, m.Key), nil
		}
		runs.Add(1)
		return m.Out().SetState("moving", journal.State{Tag: uint64(runs.Load()) + 7}, 1), nil
	}
}

func TestWhatAlwaysAsksToRunAgainBecomesALetter(t *testing.T) {
	var runs atomic.Int32
	r := Route{Name: "spin", Topics: []string{"in"}, Parallel: 1, Handle: stale(&runs)}
	inBubble(t, func(h *Hub) error { return h.Add(r) }, func(t *testing.T, w *bare) {
		w.send("bad", 1)
		w.send("good", 1)
		settle(time.Second)
		if n := runs.Load(); n != maxReruns {
			t.Errorf("%d runs, want %d", n, maxReruns)
		}
		l := w.letters()
		if len(l) != 1 || l[0].Kind != "internal" || !strings.Contains(l[0].Cause, "1000 times") {
			t.Errorf("letters %+v", l)
		}
		if got := w.heard("out"); len(got) != 1 {
			t.Errorf("behind it: %v", got)
		}
	})
}

func TestADoorThatAlwaysComesTooLateSaysSo(t *testing.T) {
	var runs atomic.Int32
	inBubble(t, func(h *Hub) error { return h.Add(Route{Name: "door", Handle: stale(&runs)}) }, func(t *testing.T, w *bare) {
		if _, err := w.hub.Call(t.Context(), "door", nil); fault.KindOf(err) != fault.Transient || err == nil {
			t.Errorf("%v, want Transient", err)
		}
		if n := runs.Load(); n != maxReruns {
			t.Errorf("%d runs, want %d", n, maxReruns)
		}
	})
}

// A door that cancels a timer which fired meanwhile decides again.
func TestADoorFindsThatATimerIsGone(t *testing.T) {
	runs := 0
	inBubble(t, func(h *Hub) error {
		return h.Add(Route{Name: "door", Handle: func(_ context.Context, m *Message) (*Out, error) {
			if runs++; runs < 3 || m.Value == "never" {
				return m.Out().CancelTimer("fired"), nil
			}
			return m.Out().Answer("done"), nil
		}})
	}, func(t *testing.T, w *bare) {
		if v, err := w.hub.Call(t.Context(), "door", nil); v != "done" || err != nil {
			t.Errorf("%v %v", v, err)
		}
		runs = 0
		if _, err := w.hub.Call(t.Context(), "door", "never"); fault.KindOf(err) != fault.Transient || runs != maxGone {
			t.Errorf("%v after %d runs", err, runs)
		}
	})
}

func TestAPanicInADoorIsItsCallersAlone(t *testing.T) {
	inBubble(t, func(h *Hub) error {
		return h.Add(Route{Name: "door", Handle: func(_ context.Context, m *Message) (*Out, error) {
			if m.Value == "panic" {
				panic("on purpose")
			}
			return m.Out().Publish("out", "done", "k", m.Value).Answer(m.Value), nil
		}})
	}, func(t *testing.T, w *bare) {
		for range 3 {
			if _, err := w.hub.Call(t.Context(), "door", "panic"); err == nil || fault.KindOf(err) != fault.Internal {
				t.Errorf("%v, want Internal", err)
			}
			if v, err := w.hub.Call(t.Context(), "door", "fine"); v != "fine" || err != nil {
				t.Errorf("behind a panic: %v %v", v, err)
			}
		}
		if n := len(w.letters()); n != 0 {
			t.Errorf("%d letters: who called was told", n)
		}
	})
}

func TestDoorsRefuseCleanlyWhenTheHubStops(t *testing.T) {
	inBubble(t, func(h *Hub) error {
		return h.Add(Route{Name: "door", Handle: func(_ context.Context, m *Message) (*Out, error) {
			return m.Out().Publish("out", "done", "k", m.Value).Answer(m.Value), nil
		}})
	}, func(t *testing.T, w *bare) {
		var answered atomic.Int32
		enough := make(chan struct{})
		var callers sync.WaitGroup
		for i := range 50 {
			callers.Go(func() {
				for n := 0; ; n++ {
					v, err := w.hub.Call(context.Background(), "door", fmt.Sprintf("%d/%d", i, n))
					if err == nil && v != nil {
						if answered.Add(1) == 500 {
							close(enough)
						}
						continue
					}
					if fault.KindOf(err) != fault.Unavailable || !errors.Is(err, bus.ErrClosed) {
						t.Errorf("%v, want Unavailable: the hub stops", err)
					}
					return
				}
			})
		}
		<-enough
		h := w.hub
		w.stop()
		callers.Wait()
		if _, err := h.Call(context.Background(), "door", 1); fault.KindOf(err) != fault.Unavailable || err == nil {
			t.Errorf("after the stop: %v, want Unavailable", err)
		}
		recs, err := w.store.Topics(t.Context(), []string{"out"}, 0, 1<<20)
		if err != nil || len(recs) != int(answered.Load()) {
			t.Errorf("%d answered, %d durable, %v", answered.Load(), len(recs), err)
		}
	})
}

func TestABrokenJournalEndsTheHub(t *testing.T) {
	var runs atomic.Int32
	inBubble(t, func(h *Hub) error {
		work := pass("work")
		work.Handle = func(_ context.Context, m *Message) (*Out, error) {
			runs.Add(1)
			return m.Out().Publish("out", "done", m.Key, 1), nil
		}
		return errors.Join(h.Add(work), h.Add(Route{Name: "door", Handle: func(_ context.Context, m *Message) (*Out, error) {
			return m.Out().Publish("out", "done", "k", 1).Answer("done"), nil
		}}))
	}, func(t *testing.T, w *bare) {
		for i := range 20 {
			w.send(fmt.Sprint(i), i)
		}
		settle(time.Second)
		before := runs.Load()
		w.store.SetHook(func(*journal.Batch) ([]*journal.Refusal, error) { return nil, journal.ErrBroken })
		if v, err := w.hub.Call(t.Context(), "door", nil); v != nil || fault.KindOf(err) != fault.Unavailable || !errors.Is(err, journal.ErrBroken) {
			t.Errorf("the caller whose answer was not durable: %v %v", v, err)
		}
		err := <-w.ended
		w.ended <- err // for the end of the test
		if !errors.Is(err, journal.ErrBroken) {
			t.Errorf("the hub ended with %v, want ErrBroken", err)
		}
		if _, err := w.hub.Call(t.Context(), "door", nil); fault.KindOf(err) != fault.Unavailable || err == nil {
			t.Errorf("after the end: %v, want Unavailable", err)
		}
		settle(time.Hour)
		if n := runs.Load() - before; n != 0 {
			t.Errorf("%d runs after the end", n)
		}
	})
}

// Handlers that run when the journal breaks, those that fail included, end once each.
func TestABrokenJournalLeavesNoHandlerSpinning(t *testing.T) {
	for name, handle := range map[string]func(context.Context, *Message) (*Out, error){
		"decides": func(_ context.Context, m *Message) (*Out, error) {
			return m.Out().Publish("out", "done", m.Key, 1), nil
		},
		"fails":   func(_ context.Context, m *Message) (*Out, error) { return nil, fault.E("x", fault.Rejected, nil) },
		"retries": func(_ context.Context, m *Message) (*Out, error) { return nil, fault.E("x", fault.Transient, nil) },
		"pauses":  func(_ context.Context, m *Message) (*Out, error) { return nil, fault.E("x", fault.Unavailable, nil) },
		"panics":  func(context.Context, *Message) (*Out, error) { panic("on purpose") },
		"splits": func(ctx context.Context, m *Message) (*Out, error) {
			return nil, m.partial(ctx, m.Out().Publish("out", "part", m.Key, 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var runs atomic.Int32
			var hold chan struct{}
			inBubble(t, func(h *Hub) error {
				hold = make(chan struct{})
				return h.Add(Route{Name: "work", Topics: []string{"in"}, Conn: "partner", Handle: func(ctx context.Context, m *Message) (*Out, error) {
					runs.Add(1)
					<-hold
					return handle(ctx, m)
				}})
			}, func(t *testing.T, w *bare) {
				for i := range 5 {
					w.send(fmt.Sprint(i), i)
				}
				synctest.Wait()
				w.store.SetHook(func(*journal.Batch) ([]*journal.Refusal, error) { return nil, journal.ErrBroken })
				if _, err := w.bus.Submit(t.Context(), &journal.Unit{}); !errors.Is(err, journal.ErrBroken) {
					t.Fatal(err)
				}
				close(hold)
				err := <-w.ended
				w.ended <- err
				if !errors.Is(err, journal.ErrBroken) || runs.Load() != 5 {
					t.Errorf("ended with %v after %d runs, want ErrBroken after 5", err, runs.Load())
				}
			})
		})
	}
}

func TestDoorsRefuseWhileTheDiskIsFull(t *testing.T) {
	var nearly atomic.Bool
	inBubble(t, nil, func(t *testing.T, w *bare) {
		w.stop()
		w.opts.Full = nearly.Load
		w.add = func(h *Hub) error {
			return h.Add(Route{Name: "door", Handle: func(_ context.Context, m *Message) (*Out, error) {
				return m.Out().Publish("out", "done", "k", 1).Answer("done"), nil
			}})
		}
		w.restart()
		full := func() error {
			_, err := w.hub.Call(t.Context(), "door", nil)
			return err
		}
		nearly.Store(true)
		if err := full(); fault.KindOf(err) != fault.Unavailable || !errors.Is(err, journal.ErrFull) {
			t.Errorf("nearly full: %v", err)
		}
		nearly.Store(false)
		settle(roomFor)
		w.store.SetHook(func(*journal.Batch) ([]*journal.Refusal, error) { return nil, journal.ErrFull })
		first := make(chan error, 1)
		go func() { first <- full() }() // decided before anybody knew
		settle(time.Minute)
		for range 3 {
			if err := full(); fault.KindOf(err) != fault.Unavailable || !errors.Is(err, journal.ErrFull) {
				t.Errorf("full: %v, want Unavailable with the reason", err)
			}
		}
		w.store.SetHook(nil)
		if err := <-first; err != nil {
			t.Errorf("what was decided before: %v", err)
		}
		if err := full(); err != nil {
			t.Errorf("with room again: %v", err)
		}
		if n := len(w.heard("out")); n != 2 {
			t.Errorf("%d written, want 2", n)
		}
	})
}
