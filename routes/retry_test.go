package routes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/dlq"
)

// stamps are the times of the runs for key "a".
type stamps struct {
	mu sync.Mutex
	at []time.Time
}

func (s *stamps) add(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = append(s.at, at)
}

func (s *stamps) all() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.at)
}

// failing is a route whose handler fails as each message says, and hands the others on.
func failing(r Route, ran *stamps) Route {
	r.Name, r.Topics = "work", []string{"in"}
	r.Handle = func(_ context.Context, m *Message) (*Out, error) {
		var x struct {
			Kind  string
			Times int // 0 is always
			After time.Duration
			N     int
		}
		if err := m.Decode(&x); err != nil {
			return nil, err
		}
		if ran != nil && m.Key == "a" {
			ran.add(m.Now)
		}
		if kind, ok := fault.ParseKind(x.Kind); ok && (x.Times == 0 || m.Attempt < x.Times) {
			return nil, &fault.Error{Op: "work", Kind: kind, After: x.After, Err: errors.New("on purpose")}
		}
		return m.Out().Send(journal.Record{Type: "out", Topic: "out", Key: m.Key, Data: fmt.Appendf(nil, "%s%d", m.Key, x.N)}), nil
	}
	return r
}

type failure = map[string]any

func TestRetryWaitsDoubleUpToTheMostAndEndInALetter(t *testing.T) {
	var runs stamps
	inBubble(t, func(h *Hub) error { return h.Add(failing(Route{}, &runs)) }, func(t *testing.T, w *bare) {
		w.send("a", failure{"kind": "transient"})
		settle(30 * time.Hour)
		ran := runs.all()
		want := []time.Duration{}
		for d := time.Second; d < 15*time.Minute; d *= 2 {
			want = append(want, d)
		}
		if len(want) != 10 || want[9] != 512*time.Second {
			t.Fatal(want)
		}
		uneven := map[time.Duration]bool{}
		for i := range len(ran) - 1 {
			got, base := ran[i+1].Sub(ran[i]), 15*time.Minute
			if i < len(want) {
				base = want[i]
			}
			if got < base*9/10 || got > base*11/10 {
				t.Errorf("wait %d is %s, want %s ± 10 %%", i+1, got, base)
			}
			uneven[got*1000/base] = true
		}
		if len(uneven) < 20 {
			t.Errorf("%d different waits: that is no jitter", len(uneven))
		}
		// 24 hours of at most 16.5 minutes each.
		last := ran[len(ran)-1].Sub(ran[0])
		if last > 24*time.Hour || last < 24*time.Hour-17*time.Minute {
			t.Errorf("tried until %s after the first failure", last)
		}
		l := w.letters()
		if len(l) != 1 || l[0].Kind != "transient" || l[0].Channel != dlq.Dead {
			t.Errorf("letters %+v", l)
		}
	})
}

func TestARouteMayRetryOtherwise(t *testing.T) {
	for _, c := range []struct {
		name  string
		retry Retry
		most  time.Duration
		runs  int
	}{
		{"a letter after a minute", Retry{Letter: time.Minute}, time.Minute, 6},
		{"each second", Retry{Max: time.Second, Letter: 10 * time.Second}, 10 * time.Second, 0},
		{"never", Retry{Letter: time.Nanosecond}, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var runs stamps
			inBubble(t, func(h *Hub) error { return h.Add(failing(Route{Retry: c.retry}, &runs)) }, func(t *testing.T, w *bare) {
				w.send("a", failure{"kind": "transient"})
				settle(time.Hour)
				ran := runs.all()
				if c.runs != 0 && len(ran) != c.runs || ran[len(ran)-1].Sub(ran[0]) > c.most || len(w.letters()) != 1 {
					t.Errorf("ran %d times within %s, %d letters", len(ran), ran[len(ran)-1].Sub(ran[0]), len(w.letters()))
				}
			})
		})
	}
}

func TestRetryWaitIsTheSameForTheSameRun(t *testing.T) {
	r := Retry{}.orDefault()
	for n := 1; n < 100; n++ {
		id := journal.ID{byte(n)}
		if a, b := r.wait(n, id), r.wait(n, id); a != b || a <= 0 || a > 15*time.Minute*11/10 {
			t.Errorf("run %d: %s, %s", n, a, b)
		}
	}
	if got := r.wait(1<<31, journal.ID{}); got > 15*time.Minute*11/10 {
		t.Errorf("a very late run waits %s", got)
	}
}

func TestThrottledWaitsAtLeastAsLongAsItWasTold(t *testing.T) {
	for _, conn := range []string{"", "partner"} { // a retry; a pause of the connection
		t.Run("conn "+conn, func(t *testing.T) {
			var runs stamps
			inBubble(t, func(h *Hub) error { return h.Add(failing(Route{Conn: conn}, &runs)) }, func(t *testing.T, w *bare) {
				times := 1
				if conn != "" {
					times = 0 // a pause counts no attempt: it is given back as it was
				}
				w.send("a", failure{"kind": "throttled", "times": times, "after": 3 * time.Hour})
				settle(3*time.Hour - time.Second)
				ran := runs.all()
				if len(ran) != 1 {
					t.Errorf("ran %d times within the wait", len(ran))
				}
				settle(time.Hour)
				ran = runs.all()
				if len(ran) != 2 || len(w.letters()) != 0 {
					t.Errorf("ran %d times, %d letters", len(ran), len(w.letters()))
				}
			})
		})
	}
}

func TestUnavailableBacksOffAndPausesAsAWhole(t *testing.T) {
	var runs stamps
	inBubble(t, func(h *Hub) error { return h.Add(failing(Route{Conn: "partner", Parallel: 1}, &runs)) }, func(t *testing.T, w *bare) {
		w.send("a", failure{"kind": "unavailable"})
		w.send("b", 0)
		settle(time.Hour)
		ran := runs.all()
		if i := w.info("work"); i.Paused == "" || i.Parked != 0 || len(w.heard("out")) != 0 || len(w.letters()) != 0 {
			t.Errorf("paused %q, %d parked, passed on %v", i.Paused, i.Parked, w.heard("out"))
		}
		for i := range 9 {
			if got, want := ran[i+1].Sub(ran[i]), min(time.Second<<i, 5*time.Second); got < want*9/10 || got > want*11/10 {
				t.Errorf("pause %d is %s, want %s ± 10 %%", i+1, got, want)
			}
		}
	})
}

// Messages that are under way together fail together: that is one outage and one pause, not many.
func TestABurstOfFailuresIsOnePause(t *testing.T) {
	var down atomic.Bool
	down.Store(true)
	release := make(chan struct{})
	inBubble(t, func(h *Hub) error {
		release = make(chan struct{})
		return h.Add(Route{Name: "work", Topics: []string{"in"}, Conn: "partner", Handle: func(_ context.Context, m *Message) (*Out, error) {
			<-release
			if down.Load() {
				return nil, fault.E("p", fault.Unavailable, nil)
			}
			return m.Out().Publish("out", "done", m.Key, m.Key), nil
		}, Parallel: 1000})
	}, func(t *testing.T, w *bare) {
		for i := range 100 {
			w.send(fmt.Sprint(i), 0)
		}
		synctest.Wait()
		close(release)
		synctest.Wait()
		down.Store(false)
		settle(2 * time.Second)
		if n := len(w.heard("out")); n != 100 {
			t.Errorf("%d of 100 are done two seconds after the outage: it paused %q", n, w.info("work").Paused)
		}
	})
}

func TestTheLongestOfTheWaitsCounts(t *testing.T) {
	var runs stamps
	inBubble(t, func(h *Hub) error { return h.Add(failing(Route{Conn: "partner"}, &runs)) }, func(t *testing.T, w *bare) {
		w.hub.mu.Lock()
		x := w.hub.routes["work"]
		w.hub.mu.Unlock()
		for _, wait := range []time.Duration{time.Minute, time.Hour, time.Second} {
			w.hub.pauseFor(x, "throttled", wait)
		}
		w.send("a", failure{})
		settle(59 * time.Minute)
		if len(runs.all()) != 0 {
			t.Error("it went on before the longest wait was over")
		}
		settle(2 * time.Minute)
		if ran := runs.all(); len(ran) != 1 || w.info("work").Paused != "" {
			t.Errorf("ran %d times, paused %q", len(ran), w.info("work").Paused)
		}
	})
}

func TestFollowersOfAParkedMessageGoByTheRoutesPolicy(t *testing.T) {
	for _, c := range []struct {
		name    string
		parking Parking
		before  []string // done while the first is parked
		after   []string
	}{
		{"strict", Parking{}, []string{}, []string{"a1", "a2", "a3", "a4"}},
		{"hold two", Parking{Hold: 2}, []string{"a4"}, []string{"a4", "a1", "a2", "a3"}},
		{"independent", Parking{Independent: true}, []string{"a2", "a3", "a4"}, []string{"a2", "a3", "a4", "a1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(h *Hub) error { return h.Add(failing(Route{Parking: c.parking}, nil)) }, func(t *testing.T, w *bare) {
				w.send("a", failure{"kind": "transient", "times": 10, "n": 1}) // about 17 minutes
				for n := 2; n <= 4; n++ {
					w.send("a", failure{"n": n})
				}
				settle(time.Minute)
				if got := w.heard("out"); !slices.Equal(got, c.before) {
					t.Errorf("while it is parked: %v, want %v", got, c.before)
				}
				settle(time.Hour)
				if got := w.heard("out"); !slices.Equal(got, c.after) {
					t.Errorf("at the end: %v, want %v", got, c.after)
				}
			})
		})
	}
}

// What cannot be understood holds nobody up, whatever it waited for before.
func TestAnInvalidFollowerHoldsNobodyUp(t *testing.T) {
	inBubble(t, func(h *Hub) error { return h.Add(failing(Route{}, nil)) }, func(t *testing.T, w *bare) {
		w.send("a", failure{"kind": "transient", "times": 1, "n": 1})
		bad := w.send("a", "no object")
		w.send("a", failure{"n": 3})
		settle(time.Minute)
		if got := w.heard("out"); !slices.Equal(got, []string{"a1", "a3"}) {
			t.Errorf("passed on %v", got)
		}
		l := w.letters()
		if len(l) != 1 || l[0].Channel != dlq.Invalid || l[0].Position != uint64(bad) {
			t.Fatalf("letters %+v", l)
		}
		w.restart()
		w.send("a", failure{})
		settle(time.Minute)
		if err := w.hub.Desk().Drop(t.Context(), l[0].ID, l[0].Opening, "jo", "nonsense"); err != nil {
			t.Error(err)
		}
		if got, i := w.heard("out"), w.info("work"); len(got) != 3 || i.Parked != 0 {
			t.Errorf("passed on %v, %d parked", got, i.Parked)
		}
	})
}
