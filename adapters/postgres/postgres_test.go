package postgres_test

import (
	"os"
	"testing"

	"github.com/paklog/hub/adapters/postgres"
	"github.com/paklog/hub/adapters/postgres/pgtest"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journaltest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

func open(t testing.TB, o postgres.Options) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func TestConformance(t *testing.T) {
	server := pgtest.Shared(t)
	journaltest.Run(t, func(t *testing.T) (journal.Driver, func() journal.Driver) {
		o := postgres.Options{URL: server.URL, Schema: server.Schema(t), Readers: 2, NoSync: true}
		s := open(t, o)
		return s, func() journal.Driver {
			if err := s.Close(); err != nil {
				t.Fatalf("Close: %v", err)
			}
			s = open(t, o)
			return s
		}
	})
}
