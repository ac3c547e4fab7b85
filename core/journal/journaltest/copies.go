package journaltest

import (
	"fmt"
	"testing"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalcopy"
	"github.com/paklog/hub/core/journal/journalmem"
)

func told(journal.Pos, journal.Pos) error { return nil }

func testCopies(t *testing.T, open Open) {
	t.Run("a copy is the journal that it is of", func(t *testing.T) {
		t.Parallel()
		from, s := &store{Driver: journalmem.New(), t: t}, start(t, open)
		Rich(t, from)
		if _, err := journalcopy.Log(t.Context(), from, s, told); err != nil {
			t.Fatal(err)
		}
		if err := journalcopy.Checkpoints(t.Context(), from, s); err != nil {
			t.Fatal(err)
		}
		if got, want := s.dump(), from.dump(); got != want {
			t.Fatalf("the copy:\n%s\nits source:\n%s", got, want)
		}
		// It goes on as any journal does, and back.
		before := s.dump()
		s.again()
		if after := s.dump(); after != before {
			t.Errorf("opened anew:\n%s\nbefore:\n%s", after, before)
		}
		at := s.last()
		s.put(message("in"))
		s.write(&journal.Batch{Delivered: delivered("wave", at+1)})
		s.put(done("wave", at+1))
		if r := s.refused(done("wave", at+1)); r == nil || r.Why != journal.RefusedFinished {
			t.Errorf("finished twice: %v", r)
		}
		if _, err := journalcopy.Log(t.Context(), s, from, told); err != nil {
			t.Fatal(err)
		}
		if err := journalcopy.Checkpoints(t.Context(), s, from); err != nil {
			t.Fatal(err)
		}
		if got, want := from.dump(), s.dump(); got != want {
			t.Errorf("back:\n%s\nwant:\n%s", got, want)
		}
	})
	unit := func(first journal.Pos, expect ...journal.Expect) *journal.Unit {
		u := message(fmt.Sprintf("at %d", first))
		u.First, u.Expect = first, expect
		return u
	}
	for name, bad := range map[string]*journal.Batch{
		"a gap":                            {Units: []*journal.Unit{unit(2), unit(4)}},
		"a unit that is there already":     {Units: []*journal.Unit{unit(1)}},
		"a unit that does not follow":      {Units: []*journal.Unit{unit(2), unit(3, journal.Expect{Stream: "o/1", Version: 3})}},
		"a delivery":                       {Units: []*journal.Unit{unit(2)}, Delivered: delivered("wave", 1)},
		"a checkpoint ahead of the log":    {Units: []*journal.Unit{unit(2)}, Checkpoints: []journal.CheckpointRow{{Sub: "wave", Checkpoint: &journal.Checkpoint{High: 3}}}},
		"a checkpoint of no subscription":  {Checkpoints: []journal.CheckpointRow{{Checkpoint: &journal.Checkpoint{High: 1}}}},
		"a checkpoint of a 65th partition": {Checkpoints: []journal.CheckpointRow{{Sub: "wave", Part: journal.Partitions, Checkpoint: &journal.Checkpoint{High: 1}}}},
	} {
		t.Run("a copy with "+name+" fails whole", func(t *testing.T) {
			t.Parallel()
			s := start(t, open)
			s.put(message("in"))
			before := s.dump()
			bad.Copy = true
			if _, err := s.Write(t.Context(), bad); err == nil {
				t.Fatal("written")
			}
			if after := s.dump(); after != before {
				t.Errorf("it left a trace:\n%s\nbefore:\n%s", after, before)
			}
			s.put(message("y"))
		})
	}
	t.Run("checkpoints of a copy replace those that are there", func(t *testing.T) {
		t.Parallel()
		s := start(t, open)
		s.put(message("in"), message("in"), message("in"))
		s.write(&journal.Batch{Delivered: delivered("wave", 1, 2)})
		s.write(&journal.Batch{Copy: true, Checkpoints: []journal.CheckpointRow{{Sub: "wave", Checkpoint: &journal.Checkpoint{High: 3, Open: []journal.Pos{2}}}}})
		s.checkpoint("wave", 3, 2)
		s.put(done("wave", 2))
		s.checkpoint("wave", 3)
	})
}
