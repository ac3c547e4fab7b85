package bus_test

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"

	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/routes/bus"
)

// inChild says that this process runs the suite for TestWatermillSuite to read.
const inChild = "PAKLOG_WATERMILL_SUITE"

// maySkip are the only tests of Watermill's suite that may be skipped, and why. What one
// run skips the other runs, but for two: there is no server to restart, and a subscriber that is new
// joins a group, which goes on where it stands.
var maySkip = []string{
	"at_least_once/TestNewSubscriberReceivesOldMessages",
	"at_least_once/TestReconnect",
	"exactly_once/TestConcurrentClose",
	"exactly_once/TestContinueAfterSubscribeClose",
	"exactly_once/TestNewSubscriberReceivesOldMessages",
	"exactly_once/TestReconnect",
}

// TestWatermillSuite runs Watermill's own suite with the features that we declare, and holds
// what it skips against a list: a feature that is declared and not tested shows here.
// ExactlyOnceDelivery runs both ways, because each value skips tests.
func TestWatermillSuite(t *testing.T) {
	if os.Getenv(inChild) != "" {
		for name, once := range map[string]bool{"exactly once": true, "at least once": false} {
			t.Run(name, func(t *testing.T) { watermillSuite(t, once) })
		}
		return
	}
	t.Parallel()
	suite := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWatermillSuite$", "-test.v", "-test.timeout=8m")
	suite.Env = append(os.Environ(), inChild+"=1")
	out, err := suite.CombinedOutput()
	if err != nil {
		t.Fatalf("the suite fails: %v\n%s", err, out[max(0, len(out)-20_000):])
	}
	var skipped []string
	for _, m := range regexp.MustCompile(`--- SKIP: TestWatermillSuite/(\w+/\w+)`).FindAllSubmatch(out, -1) {
		skipped = append(skipped, string(m[1]))
	}
	slices.Sort(skipped)
	if skipped = slices.Compact(skipped); !slices.Equal(skipped, maySkip) {
		t.Errorf("the suite skips %q, want %q", skipped, maySkip)
	}
	if passed := regexp.MustCompile(`(?m)^ {4}--- PASS: TestWatermillSuite/\w+ `).FindAll(out, -1); len(passed) != 2 {
		t.Errorf("%d runs of the suite passed, want both", len(passed))
	}
}

func watermillSuite(t *testing.T, once bool) {
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
		tests.Features{
			ConsumerGroups: true, GuaranteedOrder: true, Persistent: true, ExactlyOnceDelivery: once,
		},
		func(t *testing.T) (message.Publisher, message.Subscriber) { return group(t, "default") },
		group,
	)
}
