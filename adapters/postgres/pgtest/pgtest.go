// Package pgtest gives tests a real PostgreSQL: the one that PAKLOG_TEST_POSTGRES names, or one that
// it starts. One is shared by the tests of a binary and ends with it.
package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/paklog/hub/adapters/postgres/pglocal"
)

// Env names a server that is there already, as a URL of a database in which tests may make schemas.
const Env = "PAKLOG_TEST_POSTGRES"

// Server is the one that tests share.
type Server struct {
	URL   string
	local *pglocal.Server // nil: the server is the user's
}

var shared struct {
	once sync.Once
	s    Server
	err  error
}

// Run runs the tests of a binary and ends the server that they shared.
func Run(m *testing.M) int {
	code := m.Run()
	if s := shared.s.local; s != nil {
		if err := s.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "ending PostgreSQL:", err)
			code = 1
		}
	}
	return code
}

// Shared is the server of the binary's tests; where there is none, the test is skipped.
func Shared(t testing.TB) Server {
	t.Helper()
	shared.once.Do(func() {
		if shared.s.URL = os.Getenv(Env); shared.s.URL != "" {
			return
		}
		if shared.s.local, shared.err = pglocal.Start(context.Background()); shared.err == nil {
			shared.s.URL = shared.s.local.URL
		}
	})
	usable(t, shared.err)
	return shared.s
}

// New is a server of this test alone, which may stop and start it.
func New(t testing.TB) *pglocal.Server {
	t.Helper()
	s, err := pglocal.Start(context.WithoutCancel(t.Context()))
	usable(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("ending PostgreSQL: %v", err)
		}
	})
	return s
}

func usable(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, pglocal.ErrNone) {
		t.Skipf("%v, or name a server in %s", err, Env)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Schema is the name of a schema that no other test has. On a server that is the user's it is dropped
// when the test ends.
func (s Server) Schema(t testing.TB) string {
	t.Helper()
	name := "t" + strings.ToLower(rand.Text())
	if s.local != nil {
		return name
	}
	t.Cleanup(func() {
		ctx := context.Background()
		conn, err := pgx.Connect(ctx, s.URL)
		if err != nil {
			t.Errorf("dropping the schema: %v", err)
			return
		}
		_, err = conn.Exec(ctx, "DROP SCHEMA IF EXISTS "+name+" CASCADE")
		if err = errors.Join(err, conn.Close(ctx)); err != nil {
			t.Errorf("dropping the schema: %v", err)
		}
	})
	return name
}
