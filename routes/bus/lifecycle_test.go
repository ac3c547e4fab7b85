package bus_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/routes/bus"
)

// collect is a handler that hands nothing on and says which notes it saw.
func collect(t testing.TB, h *heard) func(*bus.Delivery) {
	return func(d *bus.Delivery) {
		h.add("%s%d", d.Record.Key, number(&d.Record))
		commit(t, d, &journal.Unit{}, nil)
	}
}

func TestWhereASubscriptionBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := journalmem.New()
		b := open(t, mem, bus.Options{})
		publish(t, b, "in", 1, 0, 2)
		var now, all heard
		subNow := bus.Subscription{Name: "now", Topics: []string{"in"}, Start: bus.Now}
		stop := serve(t, b, subNow, collect(t, &now))
		serve(t, b, bus.Subscription{Name: "all", Topics: []string{"in"}}, collect(t, &all))
		publish(t, b, "in", 1, 2, 1)
		now.want(t, "key-02")
		all.want(t, "key-00", "key-01", "key-02")

		// Now is when the subscription was first made, not when it is made again.
		if err := b.Remove(context.Background(), "now"); err != nil {
			t.Fatal(err)
		}
		stop()
		publish(t, b, "in", 1, 3, 1)
		serve(t, b, subNow, collect(t, &now))
		now.want(t, "key-03")
		for _, name := range []string{"now", "all"} {
			audit(t, mem, name)
		}
	})
}

func TestATopicThatIsAddedBeginsWhenItIsAdded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := journalmem.New()
		b := open(t, mem, bus.Options{})
		var got heard
		with := func(topics ...string) {
			t.Helper()
			stop := serve(t, b, bus.Subscription{Name: "route", Topics: topics}, collect(t, &got))
			t.Cleanup(stop)
		}
		without := func() {
			t.Helper()
			synctest.Wait()
			if err := b.Remove(context.Background(), "route"); err != nil {
				t.Fatal(err)
			}
		}
		say := func(topic, key string, n uint64) {
			submit(t, b, &journal.Unit{Records: []journal.Record{note(topic, key, n)}})
		}
		say("old", "a", 0)
		say("new", "b", 0)
		with("old")
		got.want(t, "a0")
		say("new", "b", 1)
		without()
		say("old", "a", 1)
		say("new", "b", 2)
		with("old", "new")
		say("new", "b", 3)
		say("old", "a", 2)
		synctest.Wait()
		seen := got.take()
		slices.Sort(seen)
		if want := []string{"a1", "a2", "b3"}; !slices.Equal(seen, want) {
			t.Errorf("heard %q, want %q", seen, want)
		}
		without()
		with("new")
		say("old", "a", 3)
		say("new", "b", 4)
		got.want(t, "b4")
		without()
		with("new", "old")
		say("old", "a", 4)
		got.want(t, "a4")
		if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
		audit(t, mem, "route")
	})
}

func TestAPauseTouchesOneSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, journalmem.New(), bus.Options{})
		var one, two heard
		began, goOn := make(chan struct{}), make(chan struct{})
		serve(t, b, bus.Subscription{Name: "one", Topics: []string{"in"}}, func(d *bus.Delivery) {
			if number(&d.Record) == 0 {
				began <- struct{}{}
				<-goOn
			}
			collect(t, &one)(d)
		})
		serve(t, b, bus.Subscription{Name: "two", Topics: []string{"in"}}, collect(t, &two))
		publish(t, b, "in", 1, 0, 3)
		<-began
		if err := b.Pause("one"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := b.Drain(ctx, "one"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("draining while a handler runs: %v, want the deadline", err)
		}
		close(goOn)
		if err := b.Drain(context.Background(), "one"); err != nil {
			t.Error(err)
		}
		one.want(t, "key-00")
		publish(t, b, "in", 1, 3, 1)
		two.want(t, "key-00", "key-01", "key-02", "key-03")
		one.want(t)
		if err := b.Resume("one"); err != nil {
			t.Fatal(err)
		}
		one.want(t, "key-01", "key-02", "key-03")
		for what, err := range map[string]error{
			"pause": b.Pause("nobody"), "resume": b.Resume("nobody"),
			"drain": b.Drain(context.Background(), "nobody"), "remove": b.Remove(context.Background(), "nobody"),
		} {
			if err == nil {
				t.Errorf("%s of a subscription that does not exist is no error", what)
			}
		}
	})
}

// A lane that stands still fills its window and no more, however much comes behind it.
func TestASlowKeyHoldsNoMoreThanItsWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := journalmem.New()
		b := open(t, mem, bus.Options{})
		const window, n = 20, 3 * bus.MaxLive
		goOn := make(chan struct{})
		var handled atomic.Int32
		serve(t, b, bus.Subscription{Name: "route", Topics: []string{"in"}, Window: window}, func(d *bus.Delivery) {
			<-goOn
			handled.Add(1)
			pass(t, d, "out", nil)
		})
		for at := 0; at < n; {
			u := &journal.Unit{}
			for ; at < n && len(u.Records) < 1000; at++ {
				u.Records = append(u.Records, note("in", "key-0", uint64(at)))
			}
			submit(t, b, u)
		}
		synctest.Wait()
		lag := b.Lags()[0]
		if lag.Open > window || lag.Running != 1 || lag.Behind < n-bus.MaxLive-window {
			t.Errorf("stands at %+v: more than its window is open, or the rest is not left in the journal", lag)
		}
		// It comes back from the journal to memory without a gap, while more arrives.
		close(goOn)
		for i := range 50 {
			submit(t, b, &journal.Unit{Records: []journal.Record{note("in", "key-0", uint64(n+i))}})
		}
		synctest.Wait()
		if handled.Load() != n+50 {
			t.Errorf("%d handled, want %d", handled.Load(), n+50)
		}
		inOrderOnce(t, mem, "out", 1, n+50)
		audit(t, mem, "route")
	})
}

func TestTimers(t *testing.T) {
	set := func(id, key string, in time.Duration) *journal.Unit {
		return &journal.Unit{Timers: []journal.TimerOp{{ID: id, Timer: journal.Timer{
			Sub: "route", Key: key, Due: time.Now().Add(in), Type: "timeout",
		}}}}
	}
	cancel := func(id string) *journal.Unit {
		return &journal.Unit{Timers: []journal.TimerOp{{ID: id, Remove: true}}}
	}
	tests := map[string]func(w *workbench){
		"fires once, when it is due": func(w *workbench) {
			submit(w, w.bus, set("t1", "a", time.Minute))
			elapse(time.Minute - time.Nanosecond)
			w.heard.want(w.T)
			elapse(time.Nanosecond)
			w.heard.want(w.T, "timeout a t1")
			elapse(time.Hour)
			w.restart()
			w.heard.want(w.T)
		},
		"the earlier of two fires first": func(w *workbench) {
			submit(w, w.bus, set("late", "a", time.Hour))
			submit(w, w.bus, set("early", "a", time.Minute))
			elapse(2 * time.Hour)
			w.heard.want(w.T, "timeout a early", "timeout a late")
		},
		"survives a stop": func(w *workbench) {
			submit(w, w.bus, set("t1", "a", time.Minute))
			w.restart()
			w.heard.want(w.T)
			elapse(time.Minute)
			w.heard.want(w.T, "timeout a t1")
		},
		"due while nobody ran": func(w *workbench) {
			submit(w, w.bus, set("t1", "a", time.Minute))
			w.close()
			elapse(time.Hour)
			next, err := w.mem.Reopen(context.Background())
			if err != nil {
				w.Fatal(err)
			}
			w.mem = next
			w.start()
			w.heard.want(w.T, "timeout a t1")
		},
		"due while its route is away": func(w *workbench) {
			submit(w, w.bus, set("t1", "a", time.Minute))
			if err := w.bus.Remove(context.Background(), "route"); err != nil {
				w.Fatal(err)
			}
			w.stop()
			elapse(time.Hour)
			w.serve()
			w.heard.want(w.T, "timeout a t1")
		},
		"cancelled": func(w *workbench) {
			submit(w, w.bus, set("t1", "a", time.Minute))
			submit(w, w.bus, cancel("t1"))
			elapse(time.Hour)
			w.heard.want(w.T)
		},
		"cancelled twice is refused": func(w *workbench) {
			submit(w, w.bus, set("t1", "a", time.Minute))
			elapse(time.Minute)
			w.heard.want(w.T, "timeout a t1")
			r, err := w.bus.Submit(context.Background(), cancel("t1"))
			if err != nil || r == nil || r.Why != journal.RefusedFinished {
				w.Errorf("cancelling what fired: %v %v", r, err)
			}
		},
		"moved": func(w *workbench) {
			submit(w, w.bus, set("t1", "a", time.Minute))
			submit(w, w.bus, set("t1", "a", time.Hour))
			elapse(30 * time.Minute)
			w.heard.want(w.T)
			elapse(time.Hour)
			w.heard.want(w.T, "timeout a t1")
		},
		"a retry whose route is away": func(w *workbench) {
			w.fate["a0"] = w.fails(1, time.Minute)
			w.publish("a", 0, 1)
			w.heard.want(w.T, "a0")
			if err := w.bus.Remove(context.Background(), "route"); err != nil {
				w.Fatal(err)
			}
			w.stop()
			elapse(time.Hour)
			w.serve()
			elapse(time.Second)
			w.heard.want(w.T, "a0 again", "a1")
		},
		"waits in its lane behind a parked key": func(w *workbench) {
			w.fate["a0"] = w.fails(1, time.Hour)
			w.publish("a", 0)
			submit(w, w.bus, set("t1", "a", time.Minute))
			elapse(30 * time.Minute)
			w.heard.want(w.T, "a0")
			elapse(time.Hour)
			w.heard.want(w.T, "a0 again", "timeout a t1")
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { bubble(t, nil, test) })
	}
}

func TestDoorsAnswerWhenDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newSlowDisk()
		b := open(t, disk, bus.Options{})
		door := b.NewDoor("orders")
		messages, err := door.Subscribe(context.Background(), "orders")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for m := range messages {
				r := bus.RequestOf(m)
				switch r.Value {
				case "fails":
					m.Nack()
				case "silent":
				default:
					u := &journal.Unit{Records: []journal.Record{note("orders", "a", 1)}}
					if ref, err := r.Commit(m.Context(), r.Reads(), u, func(_ *journal.Refusal, err error) { r.Answer("placed", err) }); ref != nil {
						r.Answer(nil, ref)
					} else if err != nil {
						r.Answer(nil, err)
					}
				}
			}
		}()
		var answers heard
		call := func(ctx context.Context, v string) {
			a, err := door.Call(ctx, v)
			answers.add("%s: %v %v", v, a, err)
		}
		go call(context.Background(), "order")
		answers.want(t) // decided, and not durable
		disk.let(1)
		answers.want(t, "order: placed <nil>")

		go call(context.Background(), "fails")
		answers.want(t, "fails: <nil> the door's handler failed without an answer")

		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		go call(ctx, "silent")
		elapse(time.Second)
		answers.want(t, "silent: <nil> context deadline exceeded")

		ctx, cancel = context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		go call(ctx, "hangs up") // what was decided stands
		elapse(time.Second)
		answers.want(t, "hangs up: <nil> context deadline exceeded")
		disk.let(1)
		synctest.Wait()
		if got := len(records(t, disk, "orders")); got != 2 {
			t.Errorf("%d orders, want both", got)
		}

		go call(context.Background(), "under way")
		synctest.Wait()
		if err := door.Close(); err != nil {
			t.Error(err)
		}
		call(context.Background(), "too late")
		answers.want(t, "too late: <nil> bus is closed")
		close(disk.gate)
		answers.want(t, "under way: placed <nil>")
	})
}
