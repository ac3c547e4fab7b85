package bus_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"github.com/sony/gobreaker"
)

// The traps of Watermill v1.5.2's own parts, each as a test beside ours. The
// watermill half shows what goes wrong on the stock part: should a later version
// mend it, that half fails, and the part may be looked at again. They run in a
// synctest bubble, where the clock moves only when everybody waits: "at once" is
// then not a measurement but a fact.

// stockRouter runs a Router of Watermill until the test ends. add registers
// its handlers.
func stockRouter(t *testing.T, add func(*message.Router)) *message.Router {
	t.Helper()
	router, err := message.NewRouter(message.RouterConfig{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	add(router)
	ended := make(chan error, 1)
	go func() { ended <- router.Run(context.Background()) }()
	<-router.Running()
	t.Cleanup(func() {
		if err := router.Close(); err != nil {
			t.Errorf("closing router: %v", err)
		}
		if err := <-ended; err != nil {
			t.Errorf("running router: %v", err)
		}
	})
	return router
}

// stockPubSub is Watermill's gochannel with its strictest setting: Publish
// returns when the message is acknowledged.
func stockPubSub(t *testing.T) *gochannel.GoChannel {
	t.Helper()
	pubsub := gochannel.NewGoChannel(gochannel.Config{BlockPublishUntilSubscriberAck: true}, nil)
	t.Cleanup(func() {
		if err := pubsub.Close(); err != nil {
			t.Errorf("closing gochannel: %v", err)
		}
	})
	return pubsub
}

func numberedOrder(n int) *message.Message {
	return message.NewMessage(fmt.Sprintf("order-%02d", n), []byte(fmt.Sprintf(`{"order":%d}`, n)))
}

// seenBefore is a middleware.ExpiringKeyRepository like Watermill's own, without
// its goroutine, which nothing can stop (deduplicator.go, cleanOutLoop).
type seenBefore struct {
	mu   sync.Mutex
	keys map[string]bool
}

func (s *seenBefore) IsDuplicate(_ context.Context, key string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.keys[key]
	s.keys[key] = true
	return seen, nil
}

// Trap: middleware.Deduplicator marks a message as seen before its handler runs
// (deduplicator.go, Deduplicator.Middleware). The handler fails, the message is
// redelivered, is now a duplicate, and is acknowledged: nobody handled it and
// nobody is told.
func TestTrapDeduplicatorLosesWhatFailed(t *testing.T) {
	t.Run("watermill", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			pubsub := stockPubSub(t)
			dedup := &middleware.Deduplicator{
				KeyFactory: middleware.NewMessageHasherSHA256(1 << 20),
				Repository: &seenBefore{keys: map[string]bool{}},
			}
			attempts, handled := 0, 0
			stockRouter(t, func(router *message.Router) {
				router.AddMiddleware(dedup.Middleware)
				router.AddConsumerHandler("reserve", "orders", pubsub, func(*message.Message) error {
					attempts++
					if attempts == 1 {
						return errors.New("the store is busy")
					}
					handled++
					return nil
				})
			})

			if err := pubsub.Publish("orders", numberedOrder(1)); err != nil {
				t.Fatal(err)
			}
			// Publish came back, so the order was acknowledged.
			if attempts != 1 || handled != 0 {
				t.Errorf("%d attempts, %d handled: the order was not lost after one failure", attempts, handled)
			}
		})
	})
}

// Trap: a handler that returns an error or panics is nacked (router.go,
// handler.handleMessage) and its message comes back at once, for ever
// (gochannel/pubsub.go, sendMessageToSubscriber): a hot loop that burns a core
// and repeats whatever the handler did before it failed.
func TestTrapNackIsAHotLoop(t *testing.T) {
	failures := map[string]func() error{
		"error": func() error { return errors.New("unknown item") },
		"panic": func() error { panic("nil map") },
	}
	for name, fail := range failures {
		t.Run(name+"/watermill", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const often = 10_000
				pubsub := stockPubSub(t)
				attempts := 0
				var first, last time.Time
				stockRouter(t, func(router *message.Router) {
					router.AddConsumerHandler("reserve", "orders", pubsub, func(*message.Message) error {
						attempts++
						switch attempts {
						case 1:
							first = time.Now()
						case often:
							last = time.Now()
							return nil
						}
						return fail()
					})
				})

				if err := pubsub.Publish("orders", numberedOrder(1)); err != nil {
					t.Fatal(err)
				}
				if attempts != often || !first.Equal(last) {
					t.Errorf("%d attempts took %v: somebody waited in between", attempts, last.Sub(first))
				}
			})
		})
	}
}

// Trap: PoisonQueue over Retry over CircuitBreaker (poison.go, retry.go,
// circuit_breaker.go). A partner is down; the breaker opens; an open breaker is
// just an error to Retry, and one more letter to PoisonQueue. An outage of a
// minute turns every order of that minute into a dead letter, most of them never
// tried.
func TestTrapOutageDeadLettersEverything(t *testing.T) {
	t.Run("watermill", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			const orders, retries = 20, 3
			pubsub, letters := stockPubSub(t), &keptMessages{}
			poison, err := middleware.PoisonQueue(letters, "letters")
			if err != nil {
				t.Fatal(err)
			}
			retry := middleware.Retry{MaxRetries: retries, InitialInterval: 100 * time.Millisecond, MaxInterval: time.Second, Multiplier: 2}
			breaker := middleware.NewCircuitBreaker(gobreaker.Settings{Name: "partner"}) // opens for 60 s after 6 failures
			begin, back := time.Now(), time.Minute
			calls := 0
			stockRouter(t, func(router *message.Router) {
				router.AddMiddleware(poison, retry.Middleware, breaker.Middleware)
				router.AddConsumerHandler("send", "orders", pubsub, func(*message.Message) error {
					calls++
					if time.Since(begin) < back {
						return errors.New("connection refused")
					}
					return nil
				})
			})

			for n := range orders {
				if err := pubsub.Publish("orders", numberedOrder(n)); err != nil {
					t.Fatal(err)
				}
			}
			if took := time.Since(begin); took >= back {
				t.Fatalf("the orders took %v: the partner was back before they were through", took)
			}
			if got := len(letters.published()); got != orders {
				t.Errorf("%d of %d orders became letters: an outage was told from a bad order", got, orders)
			}
			if calls != 6 {
				t.Errorf("the partner was called %d times, want the 6 that open the breaker: two orders were tried, 18 were not", calls)
			}
			last := letters.published()[orders-1]
			if reason := last.Metadata.Get(middleware.ReasonForPoisonedKey); reason != gobreaker.ErrOpenState.Error() {
				t.Errorf("the last letter gives %q as its reason", reason)
			}
		})
	})
}

// keptMessages is a Publisher that keeps what it is given.
type keptMessages struct {
	mu       sync.Mutex
	messages []*message.Message
	closed   bool
}

func (k *keptMessages) Publish(_ string, messages ...*message.Message) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return errors.New("publisher closed")
	}
	k.messages = append(k.messages, messages...)
	return nil
}

func (k *keptMessages) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	return nil
}

func (k *keptMessages) published() []*message.Message {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.messages)
}

// Trap: a handler that stops closes its publisher (router.go, the end of
// handler.run), whoever else publishes through it. Stopping one route kills its
// neighbours: they handle each message again and again and can say nothing.
func TestTrapStopClosesASharedPublisher(t *testing.T) {
	t.Run("watermill", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			pubsub, shared := stockPubSub(t), &keptMessages{}
			pass := func(msg *message.Message) ([]*message.Message, error) { return message.Messages{msg}, nil }
			attempts := 0
			var healthy, stopping *message.Handler
			stockRouter(t, func(router *message.Router) {
				stopping = router.AddHandler("fedex", "to-fedex", pubsub, "labels", shared, pass)
				healthy = router.AddHandler("ups", "to-ups", pubsub, "labels", shared, func(msg *message.Message) ([]*message.Message, error) {
					attempts++
					if attempts == 100 {
						return nil, nil // give up, so that the test ends
					}
					return pass(msg)
				})
			})
			if err := pubsub.Publish("to-ups", numberedOrder(1)); err != nil {
				t.Fatal(err)
			}
			if got := len(shared.published()); got != 1 || attempts != 1 {
				t.Fatalf("before the stop %d labels after %d attempts", got, attempts)
			}

			stopping.Stop()
			<-stopping.Stopped()
			attempts = 0
			if err := pubsub.Publish("to-ups", numberedOrder(2)); err != nil {
				t.Fatal(err)
			}
			select {
			case <-healthy.Stopped():
				t.Fatal("the other handler was stopped too")
			default:
			}
			if got := len(shared.published()); got != 1 || attempts != 100 {
				t.Errorf("%d labels after %d attempts: the shared publisher outlived the stop", got-1, attempts)
			}
		})
	})
}

// Trap: Router.Close cancels what is being handled (router.go, Run: cancel()
// directly after closingInProgressCh; gochannel/pubsub.go: cancelCtx on closing)
// and only then waits for it, up to CloseTimeout. A handler that is buying a
// label when the hub is told to stop loses the answer.
func TestTrapCloseCancelsHandlersInFlight(t *testing.T) {
	t.Run("watermill", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			const call = 5 * time.Second // far below the CloseTimeout of 30 s
			pubsub := gochannel.NewGoChannel(gochannel.Config{}, nil)
			began, ended := make(chan struct{}), make(chan error, 1)
			router := stockRouter(t, func(router *message.Router) {
				router.AddConsumerHandler("buy", "cartons", pubsub, func(msg *message.Message) error {
					close(began)
					select {
					case <-time.After(call):
						ended <- nil
					case <-msg.Context().Done():
						ended <- msg.Context().Err()
					}
					return nil
				})
			})
			if err := pubsub.Publish("cartons", numberedOrder(1)); err != nil {
				t.Fatal(err)
			}
			<-began
			stopped := time.Now()
			if err := router.Close(); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; !errors.Is(err, context.Canceled) || time.Since(stopped) != 0 {
				t.Errorf("the call ended after %v with %v: it was not cut off", time.Since(stopped), err)
			}
		})
	})
}

// Trap: gochannel sends each message from a goroutine of its own
// (gochannel/pubsub.go, sendMessage) and the next before the last is
// acknowledged: what fails is overtaken. A cancellation is handled before the
// order it cancels.
func TestTrapGochannelLetsAFailureBeOvertaken(t *testing.T) {
	t.Run("watermill", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			pubsub := gochannel.NewGoChannel(gochannel.Config{}, nil)
			defer pubsub.Close()
			messages, err := pubsub.Subscribe(t.Context(), "orders")
			if err != nil {
				t.Fatal(err)
			}
			var handled []string
			publish := func(n int) *message.Message {
				if err := pubsub.Publish("orders", numberedOrder(n)); err != nil {
					t.Fatal(err)
				}
				return <-messages
			}

			first := publish(1)
			second := publish(2)
			first.Nack()
			handled = append(handled, second.UUID)
			second.Ack()
			again := <-messages
			handled = append(handled, again.UUID)
			again.Ack()

			if want := []string{"order-02", "order-01"}; !slices.Equal(handled, want) {
				t.Errorf("handled %v, want %v: the failure held back its followers", handled, want)
			}
		})
	})
}

// Trap: without any failure gochannel keeps no order either: the goroutines race
// for the subscriber's lock. One reordering is proof; the bound is for a
// machine on which the race were always won by the first.
func TestTrapGochannelDeliversOutOfOrder(t *testing.T) {
	t.Run("watermill", func(t *testing.T) {
		const rounds, orders = 1_000, 100
		for range rounds {
			if !slices.IsSorted(deliverThroughGochannel(t, orders)) {
				return
			}
		}
		t.Errorf("%d rounds of %d messages came in order", rounds, orders)
	})
}

func deliverThroughGochannel(t *testing.T, orders int) []string {
	t.Helper()
	pubsub := gochannel.NewGoChannel(gochannel.Config{OutputChannelBuffer: int64(orders)}, nil)
	defer pubsub.Close()
	messages, err := pubsub.Subscribe(t.Context(), "orders")
	if err != nil {
		t.Fatal(err)
	}
	for n := range orders {
		if err := pubsub.Publish("orders", numberedOrder(n)); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for range orders {
		msg := <-messages
		msg.Ack()
		got = append(got, msg.UUID)
	}
	return got
}
