// Package rabbittest gives tests a real RabbitMQ: the one that PAKLOG_TEST_AMQP names, or one that it
// starts. One is shared by the tests of a binary and ends with it.
package rabbittest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/paklog/hub/adapters/rabbitmq/rabbitlocal"
	"github.com/paklog/hub/edi/peer"
)

// Env names a node that is there already, as amqp://user:password@host:port/vhost, where tests may make
// queues.
const Env = "PAKLOG_TEST_AMQP"

// Server is the one that tests share.
type Server struct {
	URL string
	// Local is nil where the node is the user's: it is not stopped.
	Local *rabbitlocal.Server
}

var shared struct {
	once sync.Once
	s    Server
	err  error
}

// Run runs the tests of a binary ([testing.M.Run], or what wraps it) and ends the node that they shared.
func Run(tests func() int) int {
	code := tests()
	if s := shared.s.Local; s != nil {
		if err := s.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "ending RabbitMQ:", err)
			code = 1
		}
	}
	return code
}

// Shared is the node of the binary's tests; where there is none, the test is skipped.
func Shared(t testing.TB) Server {
	t.Helper()
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	shared.once.Do(func() {
		if url := os.Getenv(Env); url != "" {
			shared.s.URL = url
			return
		}
		if shared.s.Local, shared.err = rabbitlocal.Start(context.Background()); shared.err == nil {
			shared.s.URL = shared.s.Local.URL
		}
	})
	Usable(t, shared.err)
	return shared.s
}

// Usable skips the test where a node cannot be had, and fails it where one does not start.
func Usable(t testing.TB, err error) {
	t.Helper()
	if none, ok := errors.AsType[*peer.Unavailable](err); ok {
		t.Skipf("%v; or name a node in %s", none, Env)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Prefix begins the names of this test's queues, of which those named go when the test ends, where the
// node is the user's.
func (s Server) Prefix(t testing.TB, queues ...string) string {
	t.Helper()
	prefix := "t" + strings.ToLower(rand.Text()[:10]) + "."
	if s.Local != nil {
		return prefix
	}
	t.Cleanup(func() {
		conn, err := amqp.Dial(s.URL)
		if err != nil {
			t.Errorf("removing the queues: %v", err)
			return
		}
		defer conn.Close()
		ch, err := conn.Channel()
		for _, q := range append(queues, "dead") {
			if err == nil {
				_, err = ch.QueueDelete(prefix+q, false, false, false)
			}
		}
		if err == nil {
			err = ch.ExchangeDelete(prefix+"dead", false, false)
		}
		if err != nil {
			t.Errorf("removing the queues: %v", err)
		}
	})
	return prefix
}
