package journaltest

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/paklog/hub/core/journal"
)

// testLimits asks for nothing, and for more than there is.
func testLimits(t *testing.T, open Open) {
	t.Parallel()
	s := start(t, open)
	u := event("o/1", 0)
	u.Postings = move(acme, "source", "free", 1).Postings
	u.States = []journal.StateOp{{Key: "k", Data: []byte("x")}}
	s.put(u, event("o/1", 1))
	ctx := t.Context()
	for limit, want := range map[int]int{math.MinInt: 0, -1: 0, 0: 0, 1: 1, 1000: 2} {
		topics, err1 := s.Topics(ctx, []string{"order-events", "none"}, 0, limit)
		stream, err2 := s.Stream(ctx, "o/1", 0, limit)
		units, err3 := s.Units(ctx, 0, limit)
		balances, err4 := s.Balances(ctx, "", "", limit)
		if err := errors.Join(err1, err2, err3, err4); err != nil || len(topics) != want || len(stream) != want || len(units) != want || len(balances) != want {
			t.Errorf("limit %d: %d records of topics, %d of a stream, %d units, %d balances, %v; want %d of each",
				limit, len(topics), len(stream), len(units), len(balances), err, want)
		}
		rows, err1 := s.Scan(ctx, journal.TableState, "", "", limit)
		heads, err2 := s.Heads(ctx, "", limit)
		if err := errors.Join(err1, err2); err != nil || len(rows) != min(want, 1) || len(heads) != min(want, 1) {
			t.Errorf("limit %d: %d rows, %d heads, %v", limit, len(rows), len(heads), err)
		}
	}
	for what, read := range map[string]func() (int, error){
		"no topics": func() (int, error) { r, err := s.Topics(ctx, nil, 0, 10); return len(r), err },
		"a topic twice": func() (int, error) {
			r, err := s.Topics(ctx, []string{"order-events", "order-events"}, 1, 10)
			return len(r) - 1, err
		},
		"behind the log":      func() (int, error) { r, err := s.Topics(ctx, []string{"order-events"}, 2, 10); return len(r), err },
		"far behind the log":  func() (int, error) { r, err := s.Topics(ctx, []string{"order-events"}, 1<<62, 10); return len(r), err },
		"behind the stream":   func() (int, error) { r, err := s.Stream(ctx, "o/1", 2, 10); return len(r), err },
		"a stream of nothing": func() (int, error) { r, err := s.Stream(ctx, "o/2", 0, 10); return len(r), err },
	} {
		if n, err := read(); err != nil || n != 0 {
			t.Errorf("%s: %d too many, %v", what, n, err)
		}
	}
}

// testContexts holds that a context which ended writes nothing, and that the same batch is
// written when it comes again.
func testContexts(t *testing.T, open Open) {
	t.Parallel()
	s := start(t, open)
	s.put(message("in"))
	before := s.dump()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	b := &journal.Batch{Delivered: delivered("wave", 1), Units: []*journal.Unit{done("wave", 1), event("o/1", 0)}}
	for range 2 {
		if refusals, err := s.Write(ended, b); !errors.Is(err, context.Canceled) || refusals != nil {
			t.Errorf("Write: %v, %v; want the context's error alone", refusals, err)
		}
	}
	if after := s.dump(); after != before {
		t.Errorf("written all the same:\n%s\nbefore:\n%s", after, before)
	}
	if r := s.write(b); r[0] != nil || r[1] != nil || b.Units[1].First != 3 || b.Units[1].Records[0].Version != 1 {
		t.Errorf("the same batch again: %v, at %d", r, b.Units[1].First)
	}
	s.checkpoint("wave", 1)
	// A batch of nothing is nothing.
	held := s.dump()
	s.write(&journal.Batch{})
	if s.dump() != held {
		t.Error("an empty batch changed something")
	}
}

// testClosed holds that a closed journal takes nothing, and keeps what it had.
func testClosed(t *testing.T, open Open) {
	t.Parallel()
	s := start(t, open)
	s.put(message("in"))
	held := s.dump()
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if _, err := s.Write(t.Context(), &journal.Batch{Units: []*journal.Unit{message("in")}}); err == nil {
		t.Error("written after Close")
	}
	s.again()
	if after := s.dump(); after != held {
		t.Errorf("reopened:\n%s\nwas:\n%s", after, held)
	}
}
