package sqlite_test

import (
	"testing"

	"github.com/paklog/hub/adapters/sqlite"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journaltest"
)

func open(t *testing.T, dir string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
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
	journaltest.Run(t, func(t *testing.T) (journal.Driver, func() journal.Driver) {
		dir := t.TempDir()
		s := open(t, dir)
		return s, func() journal.Driver {
			if err := s.Close(); err != nil {
				t.Fatalf("Close: %v", err)
			}
			s = open(t, dir)
			return s
		}
	})
}
