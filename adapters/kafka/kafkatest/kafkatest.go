// Package kafkatest gives tests a real Kafka: the one that PAKLOG_TEST_KAFKA names, or one that it
// starts. One is shared by the tests of a binary and ends with it.
package kafkatest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/paklog/hub/adapters/kafka/kafkalocal"
	"github.com/paklog/hub/edi/peer"
)

// Env names brokers that are there already, as host:port,host:port, where tests may make topics.
const Env = "PAKLOG_TEST_KAFKA"

// Server is the one that tests share.
type Server struct {
	Brokers []string
	// Local is nil where the broker is the user's: it is not stopped.
	Local *kafkalocal.Server
}

var shared struct {
	once sync.Once
	s    Server
	err  error
}

// Run runs the tests of a binary ([testing.M.Run], or what wraps it) and ends the broker that they shared.
func Run(tests func() int) int {
	code := tests()
	if s := shared.s.Local; s != nil {
		if err := s.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "ending Kafka:", err)
			code = 1
		}
	}
	return code
}

// Shared is the broker of the binary's tests; where there is none, the test is skipped.
func Shared(t testing.TB) Server {
	t.Helper()
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	shared.once.Do(func() {
		if names := os.Getenv(Env); names != "" {
			shared.s.Brokers = strings.Split(names, ",")
			return
		}
		if shared.s.Local, shared.err = kafkalocal.Start(context.Background(), kafkalocal.Options{}); shared.err == nil {
			shared.s.Brokers = []string{shared.s.Local.Addr}
		}
	})
	Usable(t, shared.err)
	return shared.s
}

// Usable skips the test where a broker cannot be had, and fails it where one does not start.
func Usable(t testing.TB, err error) {
	t.Helper()
	if none, ok := errors.AsType[*peer.Unavailable](err); ok {
		t.Skipf("%v; or name brokers in %s", none, Env)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Prefix begins the names of this test's topics, groups and transactions. On a broker that is the
// user's, the topics go when the test ends.
func (s Server) Prefix(t testing.TB) string {
	t.Helper()
	prefix := "t" + strings.ToLower(rand.Text()[:10]) + "."
	if s.Local != nil {
		return prefix
	}
	t.Cleanup(func() {
		client, err := kgo.NewClient(kgo.SeedBrokers(s.Brokers...))
		if err != nil {
			t.Errorf("removing the topics: %v", err)
			return
		}
		defer client.Close()
		admin, ctx := kadm.NewClient(client), context.Background()
		topics, err := admin.ListTopics(ctx)
		if err == nil {
			var mine []string
			for _, name := range topics.Names() {
				if strings.HasPrefix(name, prefix) {
					mine = append(mine, name)
				}
			}
			_, err = admin.DeleteTopics(ctx, mine...)
		}
		if err != nil {
			t.Errorf("removing the topics: %v", err)
		}
	})
	return prefix
}
