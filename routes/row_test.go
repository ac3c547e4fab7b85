package routes

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/routes/bus"
)

// queued is a hub whose one route has a message in its hands and n-1 that wait for it to be
// done. go1 lets it go on.
func queued(t *testing.T, n int, opts Options, test func(w *bare, go1 func(), runs *atomic.Int32)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		var runs atomic.Int32
		slow := pass("work")
		slow.Parallel = 1
		handle := slow.Handle
		slow.Handle = func(ctx context.Context, m *Message) (*Out, error) {
			runs.Add(1)
			<-hold
			return handle(ctx, m)
		}
		w := &bare{t: t, opts: opts, add: func(h *Hub) error { return h.Add(slow) }}
		w.store = journalmem.New()
		w.start()
		t.Cleanup(w.stop)
		for i := range n {
			w.send(strconv.Itoa(i), i)
		}
		synctest.Wait()
		test(w, sync.OnceFunc(func() { close(hold) }), &runs)
	})
}

func TestMiddlewareSeesEachMessageOfARow(t *testing.T) {
	const n = 200 // several rows
	var seen []string
	spy := func(next message.HandlerFunc) message.HandlerFunc {
		return func(m *message.Message) ([]*message.Message, error) {
			d := bus.DeliveryOf(m)
			if d == nil {
				return next(m) // of a door
			}
			if m.UUID != d.Record.ID.String() || string(m.Payload) != string(d.Record.Data) || len(m.Metadata) > 0 {
				t.Errorf("message %s %q %v carries record %s %q", m.UUID, m.Payload, m.Metadata, d.Record.ID, d.Record.Data)
			}
			if name := message.HandlerNameFromCtx(m.Context()); name != "work" {
				t.Errorf("its handler is %q", name)
			}
			m.Metadata.Set("of", "this one")
			seen = append(seen, string(m.Payload))
			return next(m)
		}
	}
	queued(t, n, Options{Middleware: []message.HandlerMiddleware{spy}}, func(w *bare, go1 func(), runs *atomic.Int32) {
		go1()
		synctest.Wait()
		var want []string
		for i := range n {
			want = append(want, strconv.Itoa(i))
		}
		if got := w.heard("out.work"); runs.Load() != n || !slices.Equal(seen, want) || !slices.Equal(got, want) {
			t.Errorf("%d runs, the middleware saw %v, passed on was %v", runs.Load(), seen, got)
		}
	})
}

// What stops a route stops it behind the message that it has in its hands, however many wait.
func TestARowEndsWhereItsRouteStops(t *testing.T) {
	for name, stop := range map[string]struct{ stop, resume func(*bare) error }{
		"paused": {
			func(w *bare) error { return w.hub.Pause(context.Background(), "work", "ann") },
			func(w *bare) error { return w.hub.Resume(context.Background(), "work", "ann") },
		},
		"removed": {
			func(w *bare) error { return w.hub.Remove(context.Background(), "work") },
			func(w *bare) error { return w.hub.Add(pass("work")) },
		},
		"the process ends": {
			func(w *bare) error { w.stop(); return nil },
			func(w *bare) error { w.restart(); return nil },
		},
	} {
		t.Run(name, func(t *testing.T) {
			queued(t, 10, Options{}, func(w *bare, go1 func(), runs *atomic.Int32) {
				stopped := make(chan error, 1)
				if name == "the process ends" {
					// Not waited for: one goroutine of the router may wait for a lock that another holds until
					// the message is done.
					w.end()
					go func() { stopped <- stop.stop(w) }()
				} else {
					go func() { stopped <- stop.stop(w) }()
					synctest.Wait()
				}
				go1()
				if err := <-stopped; err != nil {
					t.Fatal(err)
				}
				settle(time.Minute)
				if n := runs.Load(); n != 1 {
					t.Errorf("%d messages were handled, want the one that ran", n)
				}
				if err := stop.resume(w); err != nil {
					t.Fatal(err)
				}
				settle(time.Minute)
				got := w.heard("out.work") // each under a key of its own, so in any order
				slices.Sort(got)
				if want := strings.Split("0123456789", ""); !slices.Equal(got, want) {
					t.Errorf("passed on was %v, want %v", got, want)
				}
			})
		})
	}
}

// called is a hub with one door, which answers what it is asked and passes it on.
func called(t *testing.T, opts Options, test func(w *bare)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &bare{t: t, store: journalmem.New(), opts: opts, add: func(h *Hub) error {
			return h.Add(Route{Name: "door", Writes: []string{"t"}, Handle: func(_ context.Context, m *Message) (*Out, error) {
				return m.Out().Publish("t", "x", "k", m.Value).Answer(m.Value), nil
			}})
		}}
		w.start()
		t.Cleanup(w.stop)
		test(w)
	})
}

type callerKey struct{}

// What handles a second caller's call has handled the first one's: it is given the values and
// the end of the caller whose call it is, and no others.
func TestACallHasTheContextOfItsCallerAlone(t *testing.T) {
	var callers []any
	var names []string
	spy := func(next message.HandlerFunc) message.HandlerFunc {
		return func(m *message.Message) ([]*message.Message, error) {
			if bus.RequestOf(m) != nil {
				_, ends := m.Context().Deadline()
				callers = append(callers, m.Context().Value(callerKey{}), ends)
				names = append(names, message.HandlerNameFromCtx(m.Context()))
			}
			return next(m)
		}
	}
	called(t, Options{Middleware: []message.HandlerMiddleware{spy}}, func(w *bare) {
		ann, cancel := context.WithTimeout(context.WithValue(context.Background(), callerKey{}, "ann"), time.Hour)
		defer cancel()
		for i, ctx := range []context.Context{ann, context.Background(), context.WithValue(context.Background(), callerKey{}, "bob"), context.Background()} {
			if v, err := w.hub.Call(ctx, "door", i); err != nil || v != i {
				t.Errorf("call %d is answered %v, %v", i, v, err)
			}
		}
	})
	if want := []any{"ann", true, nil, false, "bob", false, nil, false}; !slices.Equal(callers, want) {
		t.Errorf("the calls came with %v, want %v", callers, want)
	}
	if want := []string{"door", "door", "door", "door"}; !slices.Equal(names, want) {
		t.Errorf("their handlers were %v", names)
	}
}

// A middleware that fails, or panics, over any call of a row answers that one, and the door goes on.
func TestEveryCallOfARowIsAnswered(t *testing.T) {
	refuse := func(next message.HandlerFunc) message.HandlerFunc {
		return func(m *message.Message) ([]*message.Message, error) {
			r := bus.RequestOf(m)
			switch {
			case r != nil && r.Value == "fails":
				return nil, errors.New("no")
			case r != nil && r.Value == "panics":
				panic("no")
			}
			return next(m)
		}
	}
	called(t, Options{Middleware: []message.HandlerMiddleware{refuse}}, func(w *bare) {
		for range 3 {
			for _, ask := range []string{"one", "two", "fails", "three", "panics", "four"} {
				v, err := w.hub.Call(context.Background(), "door", ask)
				if bad := ask == "fails" || ask == "panics"; bad != (err != nil) || !bad && v != ask {
					t.Errorf("%s is answered %v, %v", ask, v, err)
				}
			}
		}
	})
}

// A hub stops while goroutines of its door wait for calls, and hundreds of callers at once are
// all answered: with what was written, or that the door closes.
func TestADoorStopsUnderItsCallers(t *testing.T) {
	called(t, Options{}, func(w *bare) {
		const n = 300
		answers := make(chan error, n)
		for i := range n {
			go func() {
				v, err := w.hub.Call(context.Background(), "door", i)
				if err == nil && v != i {
					t.Errorf("call %d is answered %v", i, v)
				}
				answers <- err
			}()
			if i == n/2 {
				synctest.Wait()
				w.end()
			}
		}
		written := 0
		for range n {
			if err := <-answers; err == nil {
				written++
			} else if fault.KindOf(err) != fault.Unavailable {
				t.Errorf("a caller was told: %v", err)
			}
		}
		if got := len(w.heard("t")); written <= n/2 || got != written {
			t.Errorf("%d calls were answered, %d are written", written, got)
		}
	})
}

// The disk is asked for room now and then, and what it says holds for every door until it is
// asked again.
func TestAFullDiskIsNoticedAtOnceByManyCallers(t *testing.T) {
	full, asked := false, 0
	called(t, Options{Full: func() bool { asked++; return full }}, func(w *bare) {
		call := func() error {
			_, err := w.hub.Call(context.Background(), "door", 1)
			return err
		}
		for range 50 {
			if err := call(); err != nil {
				t.Fatal(err)
			}
		}
		full = true
		settle(roomFor)
		for range 50 {
			if err := call(); !errors.Is(err, journal.ErrFull) || fault.KindOf(err) != fault.Unavailable {
				t.Fatalf("a call on a full disk is answered %v", err)
			}
		}
		full = false
		settle(roomFor)
		if err := call(); err != nil {
			t.Errorf("there is room again: %v", err)
		}
		if asked != 3 {
			t.Errorf("the disk was asked %d times", asked)
		}
	})
}
