package bus_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/routes/bus"
)

// heard collects what a handler saw.
type heard struct {
	mu   sync.Mutex
	list []string
}

func (h *heard) add(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, fmt.Sprintf(format, args...))
}

func (h *heard) take() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.list
	h.list = nil
	return l
}

// want waits until nothing moves and compares what was heard.
func (h *heard) want(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	if got := h.take(); !slices.Equal(got, want) {
		t.Errorf("heard %q, want %q", got, want)
	}
}

// bench is a bus in a synctest bubble with one route over the topic "in".
type workbench struct {
	*testing.T
	mem    *journalmem.Store
	bus    *bus.Bus
	stop   func()
	policy bus.ParkPolicy
	heard  heard
	// what the handler does with note n of a key; nil commits
	fate map[string]func(d *bus.Delivery)
}

func newWorkbench(t *testing.T, policy bus.ParkPolicy) *workbench {
	w := &workbench{T: t, mem: journalmem.New(), policy: policy, fate: map[string]func(*bus.Delivery){}}
	w.start()
	return w
}

func (w *workbench) start() {
	w.Helper()
	b, err := bus.Open(context.Background(), w.mem, bus.Options{Pace: -1})
	if err != nil {
		w.Fatal(err)
	}
	w.bus = b
	w.serve()
}

func (w *workbench) serve() {
	w.stop = serve(w, w.bus, bus.Subscription{Name: "route", Topics: []string{"in"}, Policy: w.policy}, w.handle)
}

func (w *workbench) handle(d *bus.Delivery) {
	if d.Record.Type != "note" {
		w.heard.add("%s %s %s", d.Record.Type, d.Record.Key, d.Record.Headers["timer"])
		commit(w, d, &journal.Unit{}, nil)
		return
	}
	what := fmt.Sprintf("%s%d", d.Record.Key, number(&d.Record))
	if d.Attempt > 0 {
		w.heard.add("%s again", what)
	} else {
		w.heard.add("%s", what)
	}
	if fate := w.fate[what]; fate != nil {
		fate(d)
		return
	}
	pass(w, d, "out", nil)
}

func (w *workbench) publish(key string, numbers ...uint64) {
	w.Helper()
	u := &journal.Unit{}
	for _, n := range numbers {
		u.Records = append(u.Records, note("in", key, n))
	}
	submit(w, w.bus, u)
}

// close ends the bus without complaint.
func (w *workbench) close() {
	w.Helper()
	if err := w.bus.Close(context.Background()); err != nil {
		w.Error(err)
	}
	w.stop()
}

// restart ends the bus and opens what another process would find.
func (w *workbench) restart() {
	w.Helper()
	w.close()
	next, err := w.mem.Reopen(context.Background())
	if err != nil {
		w.Fatal(err)
	}
	w.mem = next
	w.start()
}

// fails parks a message behind a timer until it ran so often.
func (w *workbench) fails(times int, wait time.Duration) func(*bus.Delivery) {
	return func(d *bus.Delivery) {
		if d.Attempt < times {
			retry(w, d, d.ParkKey(), time.Now().Add(wait))
			return
		}
		pass(w, d, "out", nil)
	}
}

// letter parks a message until its letter is replayed.
func (w *workbench) letter(id string) func(*bus.Delivery) {
	return func(d *bus.Delivery) {
		if d.Letter != "" && d.Attempt > 0 {
			u := &journal.Unit{
				Records: []journal.Record{note("out", d.Record.Key, number(&d.Record))},
				Letters: []journal.LetterOp{{ID: id, From: journal.LetterReplaying, To: journal.LetterResolved}},
			}
			commit(w, d, u, nil)
			return
		}
		commit(w, d, &journal.Unit{
			Parks: []journal.ParkOp{{Sub: d.Sub(), Key: d.Record.Key, Pos: d.Record.Pos, Park: journal.Park{
				Reason: journal.ParkLetter, Attempt: 1, Letter: id, Since: time.Now(),
			}}},
			Letters: []journal.LetterOp{{ID: id, To: journal.LetterOpen, Letter: journal.Letter{Sub: d.Sub(), Pos: d.Record.Pos}}},
		}, nil)
	}
}

func (w *workbench) out(key string) []uint64 {
	var got []uint64
	for _, r := range records(w, w.mem, "out") {
		if r.Key == key {
			got = append(got, number(&r))
		}
	}
	return got
}

func (w *workbench) wantOut(key string, want ...uint64) {
	w.Helper()
	synctest.Wait()
	if got := w.out(key); !slices.Equal(got, want) {
		w.Errorf("%s came out as %v, want %v", key, got, want)
	}
}

func (w *workbench) parked() int { return w.bus.Lags()[0].Parked }

// bubble runs a test in which time passes only when everybody waits.
func bubble(t *testing.T, policy bus.ParkPolicy, test func(w *workbench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorkbench(t, policy)
		defer func() { w.close() }()
		test(w)
	})
}

func TestFollowersOfAParkedKeyWait(t *testing.T) {
	bubble(t, nil, func(w *workbench) {
		w.fate["a0"] = w.fails(2, time.Minute)
		w.publish("a", 0, 1)
		w.publish("b", 0, 1)
		synctest.Wait()
		if got := w.heard.take(); len(got) != 3 {
			t.Errorf("heard %q: want a0, b0 and b1", got)
		}
		w.publish("a", 2)
		w.heard.want(t)
		if got := w.parked(); got != 3 {
			t.Errorf("%d parked, want the head and two followers", got)
		}
		elapse(time.Minute)
		w.heard.want(t, "a0 again") // fails once more
		w.publish("a", 3)
		w.heard.want(t)
		elapse(time.Minute)
		w.heard.want(t, "a0 again", "a1", "a2", "a3")
		w.wantOut("a", 0, 1, 2, 3)
		w.publish("a", 4)
		w.heard.want(t, "a4")
		if got := w.parked(); got != 0 {
			t.Errorf("%d parked at the end", got)
		}
	})
}

func TestAFollowerParksItself(t *testing.T) {
	bubble(t, nil, func(w *workbench) {
		w.fate["a0"], w.fate["a1"] = w.fails(1, time.Minute), w.fails(1, time.Hour)
		w.publish("a", 0, 1, 2)
		w.heard.want(t, "a0")
		elapse(time.Minute)
		w.heard.want(t, "a0 again", "a1")
		elapse(time.Hour)
		w.heard.want(t, "a1 again", "a2")
		w.wantOut("a", 0, 1, 2)
	})
}

func TestIndependentFollowersProceed(t *testing.T) {
	bubble(t, func(string, int) bus.ParkChoice { return bus.Proceed }, func(w *workbench) {
		w.fate["a0"], w.fate["a2"] = w.fails(1, time.Minute), w.fails(1, 2*time.Minute)
		w.publish("a", 0, 1, 2, 3)
		w.heard.want(t, "a0", "a1", "a2", "a3")
		elapse(time.Minute)
		w.heard.want(t, "a0 again")
		elapse(time.Minute)
		w.heard.want(t, "a2 again")
		w.wantOut("a", 1, 3, 0, 2)
	})
}

func TestHoldSomeAndLetTheRestPass(t *testing.T) {
	hold := func(_ string, waiting int) bus.ParkChoice {
		if waiting > 1 {
			return bus.Proceed
		}
		return bus.Follow
	}
	bubble(t, hold, func(w *workbench) {
		w.fate["a0"] = w.fails(1, time.Minute)
		w.publish("a", 0, 1, 2)
		w.heard.want(t, "a0", "a2")
		elapse(time.Minute)
		w.heard.want(t, "a0 again", "a1")
	})
}

func TestWithoutAKeyAMessageParksAlone(t *testing.T) {
	bubble(t, nil, func(w *workbench) {
		w.fate["0"], w.fate["1"] = w.fails(1, time.Hour), w.fails(1, time.Minute)
		w.publish("", 0, 1, 2)
		synctest.Wait()
		w.heard.take()
		w.wantOut("", 2)
		elapse(time.Minute)
		w.heard.want(t, "1 again")
		elapse(time.Hour)
		w.heard.want(t, "0 again")
		w.wantOut("", 2, 1, 0)
	})
}

func TestALetterHoldsItsKeyUntilItIsReplayed(t *testing.T) {
	bubble(t, nil, func(w *workbench) {
		w.fate["a0"] = w.letter("L1")
		w.publish("a", 0, 1)
		w.heard.want(t, "a0")
		w.restart()
		w.publish("a", 2)
		elapse(24 * time.Hour)
		w.heard.want(t)

		submit(t, w.bus, &journal.Unit{Letters: []journal.LetterOp{{ID: "L1", From: journal.LetterOpen, To: journal.LetterReplaying}}})
		pos := records(t, w.mem, "in")[0].Pos
		for i := range 3 { // however often it is asked for; by the second time it may be handled
			if found, err := w.bus.Wake("route", pos); err != nil || i == 0 && !found {
				t.Errorf("waking: %v %v", found, err)
			}
		}
		w.heard.want(t, "a0 again", "a1", "a2")
		w.wantOut("a", 0, 1, 2)
		if found, err := w.bus.Wake("route", pos); err != nil || found {
			t.Errorf("waking what is parked no more: %v %v", found, err)
		}
		if _, err := w.bus.Wake("nobody", pos); err == nil {
			t.Error("a subscription that does not exist was woken")
		}
	})
}

// Three shells ask for one replay while it runs; it fails again, and has run once.
func TestAReplayThatIsAskedForThriceRunsOnce(t *testing.T) {
	bubble(t, nil, func(w *workbench) {
		goOn := make(chan struct{})
		w.fate["a0"] = func(d *bus.Delivery) {
			if d.Attempt > 0 {
				<-goOn
			}
			commit(w, d, &journal.Unit{Parks: []journal.ParkOp{{Sub: d.Sub(), Key: "a", Pos: d.Record.Pos, Park: journal.Park{
				Reason: journal.ParkLetter, Attempt: uint32(d.Attempt + 1), Letter: "L1",
			}}}}, nil)
		}
		w.publish("a", 0, 1)
		w.heard.want(t, "a0")
		for range 3 {
			if found, err := w.bus.Wake("route", records(w, w.mem, "in")[0].Pos); err != nil || !found {
				t.Errorf("waking: %v %v", found, err)
			}
		}
		close(goOn)
		w.heard.want(t, "a0 again")
		if got := w.parked(); got != 2 {
			t.Errorf("%d parked, want the letter and its follower", got)
		}
	})
}

func TestAReplayThatWasAskedForSurvivesAStop(t *testing.T) {
	bubble(t, nil, func(w *workbench) {
		w.fate["a0"] = w.letter("L1")
		w.publish("a", 0, 1)
		synctest.Wait()
		w.heard.take()
		submit(t, w.bus, &journal.Unit{Letters: []journal.LetterOp{{ID: "L1", From: journal.LetterOpen, To: journal.LetterReplaying}}})
		w.restart()
		w.heard.want(t, "a0 again", "a1")
	})
}

func TestADroppedLetterLetsItsFollowersGo(t *testing.T) {
	bubble(t, nil, func(w *workbench) {
		w.fate["a0"] = w.letter("L1")
		w.publish("a", 0, 1, 2)
		w.heard.want(t, "a0")
		drop := &journal.Unit{
			Parks:   []journal.ParkOp{{Sub: "route", Key: "a", Pos: records(t, w.mem, "in")[0].Pos, Remove: true}},
			Letters: []journal.LetterOp{{ID: "L1", From: journal.LetterOpen, To: journal.LetterDropped}},
		}
		submit(t, w.bus, drop)
		if err := w.bus.Unparked("route", drop); err != nil {
			t.Error(err)
		}
		w.heard.want(t, "a1", "a2")
		w.wantOut("a", 1, 2)
	})
}

// A letter may be dropped while its replay runs: the replay is void, whichever comes first.
func TestADropBeatsARunningReplay(t *testing.T) {
	bubble(t, nil, func(w *workbench) {
		going, dropped := make(chan struct{}), make(chan struct{})
		first := w.letter("L1")
		w.fate["a0"] = func(d *bus.Delivery) {
			if d.Attempt == 0 {
				first(d)
				return
			}
			close(going)
			<-dropped
			pass(t, d, "out", func() { t.Error("the replay of a dropped letter became durable") })
		}
		w.publish("a", 0, 1)
		w.heard.want(t, "a0")
		pos := records(t, w.mem, "in")[0].Pos
		if _, err := w.bus.Wake("route", pos); err != nil {
			t.Fatal(err)
		}
		<-going
		drop := &journal.Unit{Parks: []journal.ParkOp{{Sub: "route", Key: "a", Pos: pos, Remove: true}}}
		submit(t, w.bus, drop)
		close(dropped)
		w.heard.want(t, "a0 again", "a1")
		if err := w.bus.Unparked("route", drop); err != nil {
			t.Error(err)
		}
		w.heard.want(t)
		w.wantOut("a", 1)
	})
}

func TestParkedKeysAndTimersSurviveAStopAtEveryStage(t *testing.T) {
	for stage := range 6 {
		t.Run(fmt.Sprint("stage ", stage), func(t *testing.T) {
			bubble(t, nil, func(w *workbench) {
				at := 0
				restart := func() {
					synctest.Wait()
					if at == stage {
						w.restart()
					}
					at++
				}
				w.fate["a0"], w.fate["a1"] = w.fails(2, time.Minute), w.fails(1, time.Minute)
				w.publish("a", 0)
				restart()
				w.publish("a", 1, 2)
				restart()
				elapse(time.Minute)
				restart()
				w.publish("a", 3)
				restart()
				elapse(time.Minute)
				restart()
				w.publish("a", 4)
				restart()
				elapse(time.Minute)
				w.heard.want(t, "a0", "a0 again", "a0 again", "a1", "a1 again", "a2", "a3", "a4")
				w.wantOut("a", 0, 1, 2, 3, 4)
				w.close()
				audit(t, w.mem, "route")
			})
		})
	}
}

// A retry is on its way when its route stops: it fires again for the route's successor.
func TestARetryOfAStoppedRouteFiresForItsSuccessor(t *testing.T) {
	bubble(t, nil, func(w *workbench) {
		w.fate["a0"] = w.fails(1, time.Minute)
		w.publish("a", 0, 1)
		w.heard.want(t, "a0")
		if err := w.bus.Pause("route"); err != nil {
			t.Fatal(err)
		}
		elapse(2 * time.Minute)
		w.heard.want(t) // woken, and waiting for the pause to end
		if err := w.bus.Remove(w.Context(), "route"); err != nil {
			t.Fatal(err)
		}
		w.stop()
		w.serve()
		w.heard.want(t, "a0 again", "a1")
	})
}

// The disk refuses the unit of a head while its follower runs already.
func TestAHeadThatTheDiskRefusedGoesBeforeItsFollowers(t *testing.T) {
	bubble(t, nil, func(w *workbench) {
		w.fate["a0"] = w.fails(1, time.Minute)
		w.publish("a", 0, 1, 2)
		w.heard.want(t, "a0")
		refuse := 1
		w.mem.SetHook(func(b *journal.Batch) ([]*journal.Refusal, error) {
			refusals := make([]*journal.Refusal, len(b.Units))
			for i, u := range b.Units {
				if len(u.Parks) > 0 && refuse > 0 {
					refuse--
					refusals[i] = &journal.Refusal{Why: journal.RefusedVersion, What: "planted"}
				}
			}
			return refusals, nil
		})
		elapse(time.Minute)
		w.wantOut("a", 0, 1, 2)
		if refuse != 0 {
			t.Error("nothing was refused")
		}
		w.publish("a", 3)
		w.wantOut("a", 0, 1, 2, 3)
		if got := w.parked(); got != 0 {
			t.Errorf("%d parked at the end", got)
		}
	})
}
