package journaltest

import (
	"slices"
	"testing"

	"github.com/paklog/hub/core/journal"
)

func done(sub string, pos journal.Pos) *journal.Unit {
	u := message("out")
	u.Cause = journal.Cause{Sub: sub, Pos: pos, Done: true}
	return u
}

func delivered(sub string, at ...journal.Pos) []journal.Delivery {
	var out []journal.Delivery
	for _, p := range at {
		out = append(out, journal.Delivery{Sub: sub, Pos: p})
	}
	return out
}

func (s *store) checkpoint(sub string, high journal.Pos, open ...journal.Pos) {
	s.t.Helper()
	c, err := s.Checkpoint(s.t.Context(), sub, 0)
	if err != nil || c.High != high || !slices.Equal(c.Open, open) {
		s.t.Fatalf("checkpoint of %s: %+v, %v; want %d with %v open", sub, c, err, high, open)
	}
}

func testCheckpoints(t *testing.T, open Open) {
	t.Run("deliver, finish in any order, skip", func(t *testing.T) {
		t.Parallel()
		s := start(t, open)
		s.checkpoint("wave", 0)
		for range 6 {
			s.put(message("in"))
		}
		s.write(&journal.Batch{Delivered: delivered("wave", 1, 2, 4)})
		s.checkpoint("wave", 4, 1, 2, 4)
		// Delivered and finished in one batch: delivery is folded first.
		r := s.write(&journal.Batch{Delivered: delivered("wave", 5), Units: []*journal.Unit{done("wave", 5), done("wave", 2)}})
		if r[0] != nil || r[1] != nil {
			t.Fatalf("refusals %v", r)
		}
		s.checkpoint("wave", 5, 1, 4)
		s.again()
		s.checkpoint("wave", 5, 1, 4)
		if r := s.refused(done("wave", 2)); r == nil || r.Why != journal.RefusedFinished {
			t.Errorf("finished twice: %v", r)
		}
		both := s.write(&journal.Batch{Units: []*journal.Unit{done("wave", 1), done("wave", 1)}})
		if both[0] != nil || both[1] == nil || both[1].Why != journal.RefusedFinished {
			t.Errorf("finished twice in one batch: %v", both)
		}
		s.write(&journal.Batch{Delivered: []journal.Delivery{{Sub: "wave", Pos: 6, Skip: true}, {Sub: "wave", Pos: 3, Skip: true}}})
		s.checkpoint("wave", 6, 4)
		s.checkpoint("task", 0)
	})
	t.Run("a refused unit finishes nothing", func(t *testing.T) {
		t.Parallel()
		s := start(t, open)
		s.put(message("in"))
		u := done("wave", 1)
		u.Expect = []journal.Expect{{Stream: "o/1", Version: 3}}
		r := s.write(&journal.Batch{Delivered: delivered("wave", 1), Units: []*journal.Unit{u}})
		if r[0] == nil {
			t.Fatal("written")
		}
		s.checkpoint("wave", 1, 1)
	})
	t.Run("a unit that is not the last of its cause leaves it open", func(t *testing.T) {
		t.Parallel()
		s := start(t, open)
		s.put(message("in"))
		u := done("wave", 1)
		u.Cause.Done = false
		s.write(&journal.Batch{Delivered: delivered("wave", 1), Units: []*journal.Unit{u}})
		s.checkpoint("wave", 1, 1)
		s.put(done("wave", 1))
		s.checkpoint("wave", 1)
	})
	for name, bad := range map[string][]journal.Delivery{
		"delivered behind the checkpoint":   delivered("wave", 2, 1),
		"delivered twice":                   delivered("wave", 2, 2),
		"delivered before it was written":   delivered("wave", 9),
		"skipped ahead of the log":          {{Sub: "wave", Pos: 9, Skip: true}},
		"delivered to no subscription":      delivered("", 1),
		"delivered to a partition above 63": {{Sub: "wave", Part: journal.Partitions, Pos: 1}},
	} {
		t.Run("batch fails whole: "+name, func(t *testing.T) {
			t.Parallel()
			s := start(t, open)
			s.put(message("in"), message("in"), message("in"))
			before := s.dump()
			if _, err := s.Write(t.Context(), &journal.Batch{Delivered: bad, Units: []*journal.Unit{message("x")}}); err == nil {
				t.Fatal("written")
			}
			if after := s.dump(); after != before {
				t.Errorf("a failed batch left a trace:\n%s\nbefore:\n%s", after, before)
			}
			s.put(message("y")) // the store lives on
			if s.last() != 4 {
				t.Errorf("the log ends at %d, want 4", s.last())
			}
		})
	}
	t.Run("4096 open and not one more", func(t *testing.T) {
		t.Parallel()
		s := start(t, open)
		var units []*journal.Unit
		var all []journal.Pos
		for i := range journal.MaxOpen + 1 {
			units = append(units, message("in"))
			all = append(all, journal.Pos(i+1))
		}
		s.put(units...)
		s.write(&journal.Batch{Delivered: delivered("wave", all[:journal.MaxOpen]...)})
		if _, err := s.Write(t.Context(), &journal.Batch{Delivered: delivered("wave", all[journal.MaxOpen])}); err == nil {
			t.Fatal("delivered more than a checkpoint holds")
		}
		s.again()
		s.checkpoint("wave", journal.MaxOpen, all[:journal.MaxOpen]...)
		s.put(done("wave", 17))
		s.write(&journal.Batch{Delivered: delivered("wave", all[journal.MaxOpen])})
		s.checkpoint("wave", journal.MaxOpen+1, slices.Delete(slices.Clone(all), 16, 17)...)
	})
	t.Run("a checkpoint that was read is the reader's", func(t *testing.T) {
		t.Parallel()
		s := start(t, open)
		s.put(message("in"))
		s.write(&journal.Batch{Delivered: delivered("wave", 1)})
		c, err := s.Checkpoint(t.Context(), "wave", 0)
		if err != nil {
			t.Fatal(err)
		}
		c.Finish(1)
		s.checkpoint("wave", 1, 1)
	})
}
