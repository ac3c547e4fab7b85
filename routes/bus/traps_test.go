package bus_test

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/routes/bus"
)

// The other half of the traps in watermill_traps_test.go: the same messages, the same
// failures and Watermill's own Router on our Publisher and Subscriber, and nothing of it happens.

func ourBus(t *testing.T) *bus.Bus { return open(t, journalmem.New(), bus.Options{}) }

func placeOrders(t *testing.T, b *bus.Bus, from, n int) {
	t.Helper()
	for i := range n {
		if err := b.NewPublisher().Publish("orders", numberedOrder(from+i)); err != nil {
			t.Fatal(err)
		}
	}
}

// The mark that a message was handled is in the commit of what was decided: what fails
// is neither marked nor lost, and what was marked is not handled again.
func TestNoTrapWhatFailedIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := ourBus(t)
		attempts, handled := 0, 0
		stockRouter(t, func(router *message.Router) {
			router.AddConsumerHandler("reserve", "orders", b.NewSubscriber(bus.Subscription{Name: "reserve"}), func(*message.Message) error {
				if attempts++; attempts == 1 {
					return errors.New("the store is busy")
				}
				handled++
				return nil
			})
		})
		placeOrders(t, b, 1, 1)
		elapse(time.Hour)
		synctest.Wait()
		if attempts != 2 || handled != 1 {
			t.Errorf("%d attempts, %d handled: want one failure, then once", attempts, handled)
		}
	})
}

// A message that always fails comes again within 100 ms, and not sooner than somebody
// can do something else.
func TestNoTrapNackIsNoHotLoop(t *testing.T) {
	failures := map[string]func() error{
		"error": func() error { return errors.New("unknown item") },
		"panic": func() error { panic("nil map") },
	}
	for name, fail := range failures {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := ourBus(t)
				var at []time.Time
				stockRouter(t, func(router *message.Router) {
					router.AddConsumerHandler("reserve", "orders", b.NewSubscriber(bus.Subscription{Name: "reserve"}), func(*message.Message) error {
						if at = append(at, time.Now()); len(at) == 100 {
							return nil
						}
						return fail()
					})
				})
				placeOrders(t, b, 1, 1)
				elapse(time.Hour)
				synctest.Wait()
				if len(at) != 100 {
					t.Fatalf("%d attempts, want 100", len(at))
				}
				for i := range at[1:] {
					if wait := at[i+1].Sub(at[i]); wait <= 0 || wait > 100*time.Millisecond {
						t.Fatalf("attempt %d came %v after the one before", i+2, wait)
					}
				}
			})
		})
	}
}

// While a partner is down its route is paused: nothing is parked, nothing becomes a
// letter, and all of it goes out, once and in order, when the partner is back.
func TestNoTrapAnOutageIsAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const orders = 20
		b := ourBus(t)
		begin, back := time.Now(), time.Minute
		calls := 0
		var sent []string
		stockRouter(t, func(router *message.Router) {
			sub := b.NewManaged(bus.Subscription{Name: "send", Topics: []string{"orders"}})
			router.AddConsumerHandler("send", "orders", sub, func(m *message.Message) error {
				d := bus.DeliveryOf(m)
				calls++
				if time.Since(begin) < back {
					if err := b.Pause("send"); err != nil {
						t.Error(err)
					}
					d.Release()
					time.AfterFunc(10*time.Second, func() { _ = b.Resume("send") })
					return nil
				}
				sent = append(sent, string(m.Payload))
				commit(t, d, &journal.Unit{}, nil)
				return nil
			})
		})
		placeOrders(t, b, 0, orders)
		elapse(time.Hour)
		synctest.Wait()
		if len(sent) != orders || !slices.IsSortedFunc(sent, byLengthThenText) {
			t.Errorf("sent %q", sent)
		}
		if calls != orders+6 {
			t.Errorf("the partner was called %d times, want each order once and one try every ten seconds", calls)
		}
		if lag := b.Lags()[0]; lag.Parked != 0 || lag.Open != 0 {
			t.Errorf("stands at %+v: an outage parks nothing", lag)
		}
	})
}

func byLengthThenText(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return slices.Compare([]byte(a), []byte(b))
}

// The publisher that handlers share outlives each of them.
func TestNoTrapAStopClosesNoSharedPublisher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := journalmem.New()
		b := open(t, mem, bus.Options{})
		shared := b.NewPublisher()
		pass := func(m *message.Message) ([]*message.Message, error) { return message.Messages{m}, nil }
		var stopping *message.Handler
		stockRouter(t, func(router *message.Router) {
			stopping = router.AddHandler("fedex", "to-fedex", b.NewSubscriber(bus.Subscription{Name: "fedex"}), "labels", shared, pass)
			router.AddHandler("ups", "to-ups", b.NewSubscriber(bus.Subscription{Name: "ups"}), "labels", shared, pass)
		})
		stopping.Stop()
		<-stopping.Stopped()
		if err := shared.Publish("to-ups", numberedOrder(2)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := len(records(t, mem, "labels")); got != 1 {
			t.Errorf("%d labels, want one: the other handler publishes still", got)
		}
	})
}

// closeTold tells when the router closes it.
type closeTold struct {
	*bus.Subscriber
	told chan struct{}
}

func (c closeTold) Close() error {
	close(c.told)
	return c.Subscriber.Close()
}

// A close lets what is being handled end, and its context stands. (Not in a bubble: a
// router that closes holds a mutex, and time there stands still.)
func TestNoTrapCloseDrains(t *testing.T) {
	b := ourBus(t)
	sub := closeTold{b.NewManaged(bus.Subscription{Name: "buy", Topics: []string{"orders"}}), make(chan struct{})}
	began, ended := make(chan struct{}), make(chan error, 1)
	router := stockRouter(t, func(router *message.Router) {
		router.AddConsumerHandler("buy", "orders", sub, func(m *message.Message) error {
			close(began)
			<-sub.told // the label is bought while the router closes
			commit(t, bus.DeliveryOf(m), &journal.Unit{}, nil)
			ended <- m.Context().Err()
			return nil
		})
	})
	placeOrders(t, b, 1, 1)
	await(t, "the handler", began)
	if err := router.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the call ended with %v: it was cut off", err)
	}
	if err := b.Drain(t.Context(), "buy"); err != nil {
		t.Error(err)
	}
	if lag := b.Lags()[0]; lag.Open != 0 {
		t.Errorf("stands at %+v: the outcome of the call was lost", lag)
	}
}

// What fails is not overtaken: its followers wait.
func TestNoTrapAFailureIsNotOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := ourBus(t)
		var handled []string
		failed := false
		stockRouter(t, func(router *message.Router) {
			router.AddConsumerHandler("reserve", "orders", b.NewSubscriber(bus.Subscription{Name: "reserve"}), func(m *message.Message) error {
				if !failed {
					failed = true
					return errors.New("the store is busy")
				}
				handled = append(handled, m.UUID)
				return nil
			})
		})
		placeOrders(t, b, 1, 3)
		elapse(time.Minute)
		synctest.Wait()
		if want := []string{"order-01", "order-02", "order-03"}; !slices.Equal(handled, want) {
			t.Errorf("handled %v, want %v", handled, want)
		}
	})
}

// The race that gochannel loses within a thousand rounds of a hundred, for as many messages as
// take no longer.
func TestNoTrapDeliversInOrder(t *testing.T) {
	const orders = 10_000
	b := ourBus(t)
	done, call := countdown(orders)
	next := 0
	var wrong atomic.Bool
	stockRouter(t, func(router *message.Router) {
		router.AddConsumerHandler("reserve", "orders", b.NewSubscriber(bus.Subscription{Name: "reserve"}), func(m *message.Message) error {
			if m.UUID != fmt.Sprintf("order-%02d", next) {
				wrong.Store(true)
			}
			next++
			call()
			return nil
		})
	})
	for from := 0; from < orders; from += 1000 {
		var batch []*message.Message
		for n := range 1000 {
			batch = append(batch, numberedOrder(from+n))
		}
		if err := b.NewPublisher().Publish("orders", batch...); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "all orders", done)
	if wrong.Load() {
		t.Error("orders came out of order")
	}
}
