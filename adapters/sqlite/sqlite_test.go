package sqlite_test

import (
	"context"
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

// shrinking gives all its memory back before each batch.
type shrinking struct{ *sqlite.Store }

func (s shrinking) Write(ctx context.Context, b *journal.Batch) ([]*journal.Refusal, error) {
	if err := s.Shrink(ctx); err != nil {
		return nil, err
	}
	return s.Store.Write(ctx, b)
}

// A store that gave its memory back answers as one that remembers.
func TestConformanceOfAStoreThatShrinks(t *testing.T) {
	journaltest.Run(t, func(t *testing.T) (journal.Driver, func() journal.Driver) {
		dir := t.TempDir()
		s := open(t, dir)
		return shrinking{s}, func() journal.Driver {
			if err := s.Close(); err != nil {
				t.Fatalf("Close: %v", err)
			}
			s = open(t, dir)
			return shrinking{s}
		}
	})
}

func TestAClosedStoreDoesNotShrink(t *testing.T) {
	s := open(t, t.TempDir())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Shrink(t.Context()); err == nil {
		t.Error("it was closed")
	}
}
