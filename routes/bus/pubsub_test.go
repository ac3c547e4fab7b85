package bus_test

import (
	"context"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"

	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/routes/bus"
)

// TestWatermillSuite runs Watermill's own suite with the features that we declare.
// ExactlyOnceDelivery runs both ways, because each value skips tests.
func TestWatermillSuite(t *testing.T) {
	for name, once := range map[string]bool{"exactly once": true, "at least once": false} {
		t.Run(name, func(t *testing.T) {
			b, err := bus.Open(t.Context(), journalmem.New(), bus.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := b.Close(context.Background()); err != nil {
					t.Error(err)
				}
			})
			group := func(_ *testing.T, g string) (message.Publisher, message.Subscriber) {
				return b.NewPublisher(), b.NewSubscriber(bus.Subscription{Name: g})
			}
			tests.TestPubSub(t,
				tests.Features{ConsumerGroups: true, GuaranteedOrder: true, Persistent: true, ExactlyOnceDelivery: once},
				func(t *testing.T) (message.Publisher, message.Subscriber) { return group(t, "default") },
				group,
			)
		})
	}
}
