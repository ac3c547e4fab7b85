package journalmem_test

import (
	"errors"
	"testing"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/core/journal/journaltest"
)

func TestConformance(t *testing.T) {
	journaltest.Run(t, func(t *testing.T) (journal.Driver, func() journal.Driver) {
		s := journalmem.New()
		return s, func() journal.Driver {
			next, err := s.Reopen(t.Context())
			if err != nil {
				t.Fatalf("Reopen: %v", err)
			}
			s = next
			return s
		}
	})
}

func message() *journal.Unit {
	return &journal.Unit{Records: []journal.Record{{Type: "x", Topic: "t"}}}
}

func TestHookFailsABatchWhole(t *testing.T) {
	t.Parallel()
	s := journalmem.New()
	planted := errors.New("planted")
	s.SetHook(func(*journal.Batch) ([]*journal.Refusal, error) { return nil, planted })
	if _, err := s.Write(t.Context(), &journal.Batch{Units: []*journal.Unit{message()}}); !errors.Is(err, planted) {
		t.Fatalf("Write: %v", err)
	}
	if last, _ := s.Last(t.Context()); last != 0 {
		t.Errorf("the log ends at %d", last)
	}
	s.SetHook(nil)
	if _, err := s.Write(t.Context(), &journal.Batch{Units: []*journal.Unit{message()}}); err != nil {
		t.Errorf("Write without the hook: %v", err)
	}
}

func TestHookRefusesAUnitAndItsLane(t *testing.T) {
	t.Parallel()
	s := journalmem.New()
	s.SetHook(func(b *journal.Batch) ([]*journal.Refusal, error) {
		r := make([]*journal.Refusal, len(b.Units))
		r[1] = &journal.Refusal{Why: journal.RefusedVersion}
		return r, nil
	})
	units := []*journal.Unit{message(), message(), message(), message()}
	units[1].Lane, units[2].Lane = 3, 3
	r, err := s.Write(t.Context(), &journal.Batch{Units: units})
	if err != nil || len(r) != 4 || r[0] != nil || r[1] == nil || r[2] == nil || r[2].Why != journal.RefusedLane || r[3] != nil {
		t.Fatalf("refusals %v, %v", r, err)
	}
	if units[3].First != 2 {
		t.Errorf("the unit behind stands at %d, want 2", units[3].First)
	}
}

func TestWriteAfterClose(t *testing.T) {
	t.Parallel()
	s := journalmem.New()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(t.Context(), &journal.Batch{Units: []*journal.Unit{message()}}); err == nil {
		t.Error("written")
	}
}
