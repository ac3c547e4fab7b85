// Package journaltest is the conformance suite of a journal driver: what the package comment of
// core/journal promises, as tests. A driver passes all of it or is none.
package journaltest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/journal"
)

// Open makes an empty journal for one test, which closes it. Reopen closes it and opens the
// same store again, as the next process would.
type Open func(t *testing.T) (d journal.Driver, reopen func() journal.Driver)

// Run runs the suite.
func Run(t *testing.T, open Open) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Open)
	}{
		{"Judged", testJudged},
		{"Positions", testPositions},
		{"Lanes", testLanes},
		{"Checkpoints", testCheckpoints},
		{"Topics", testTopics},
		{"Streams", testStreams},
		{"Scans", testScans},
		{"Limits", testLimits},
		{"Contexts", testContexts},
		{"Closed", testClosed},
		{"Big", testBig},
		{"Readers", testReaders},
		{"Random", testRandom},
		{"Copies", testCopies},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open) })
	}
}

// store is a driver with the helpers of a test.
type store struct {
	journal.Driver
	t      *testing.T
	reopen func() journal.Driver
}

func start(t *testing.T, open Open) *store {
	t.Helper()
	d, reopen := open(t)
	return &store{d, t, reopen}
}

func (s *store) again() {
	s.t.Helper()
	s.Driver = s.reopen()
}

// write writes one batch, which must not fail.
func (s *store) write(b *journal.Batch) []*journal.Refusal {
	s.t.Helper()
	refusals, err := s.Write(s.t.Context(), b)
	if err != nil {
		s.t.Fatalf("Write: %v", err)
	}
	if len(refusals) != len(b.Units) {
		s.t.Fatalf("Write answered %d of %d units", len(refusals), len(b.Units))
	}
	return refusals
}

// put writes units in one batch, which must not be refused.
func (s *store) put(units ...*journal.Unit) {
	s.t.Helper()
	for i, r := range s.write(&journal.Batch{Units: units}) {
		if r != nil {
			s.t.Fatalf("unit %d: %v", i, r)
		}
	}
}

// refused is what a unit on its own is answered; "" when it was written.
func (s *store) refused(u *journal.Unit) *journal.Refusal {
	s.t.Helper()
	return s.write(&journal.Batch{Units: []*journal.Unit{u}})[0]
}

func (s *store) last() journal.Pos {
	s.t.Helper()
	p, err := s.Last(s.t.Context())
	if err != nil {
		s.t.Fatalf("Last: %v", err)
	}
	return p
}

// dump is everything that a driver can say, as text.
func (s *store) dump() string {
	s.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "last %d\n", s.last())
	s.dumpLog(&b)
	s.dumpTables(&b)
	return b.String()
}

func (s *store) dumpLog(b *strings.Builder) {
	from := journal.Pos(1)
	for {
		units, err := s.Units(s.t.Context(), from, 100)
		if err != nil {
			s.t.Fatalf("Units: %v", err)
		}
		for _, u := range units {
			fmt.Fprintf(b, "unit %d %x", u.First, journal.AppendUnit(nil, &u.Unit))
			for _, r := range u.Unit.Records {
				fmt.Fprintf(b, " %d/%d", r.Pos, r.Version)
			}
			b.WriteByte('\n')
			from = u.First + 1
		}
		if len(units) < 100 {
			return
		}
	}
}

func (s *store) dumpTables(b *strings.Builder) {
	ctx := s.t.Context()
	heads, err := s.Heads(ctx, "", 1_000_000)
	if err != nil {
		s.t.Fatalf("Heads: %v", err)
	}
	for _, h := range heads {
		fmt.Fprintf(b, "head %q %v\n", h.Stream, h.Head)
	}
	balances, err := s.Balances(ctx, "", "", 1_000_000)
	if err != nil {
		s.t.Fatalf("Balances: %v", err)
	}
	for _, r := range balances {
		fmt.Fprintf(b, "balance %q %q %v\n", r.Book, r.Account, r.Balance)
	}
	for _, table := range journal.Tables {
		rows, err := s.Scan(ctx, table, "", "", 1_000_000)
		if err != nil {
			s.t.Fatalf("Scan: %v", err)
		}
		for _, r := range rows {
			fmt.Fprintf(b, "%s %q %x\n", table, r.Key, r.Value)
		}
	}
	checkpoints, err := s.Checkpoints(ctx, "")
	if err != nil {
		s.t.Fatalf("Checkpoints: %v", err)
	}
	for _, c := range checkpoints {
		fmt.Fprintf(b, "checkpoint %q/%d %x\n", c.Sub, c.Part, c.Append(nil))
	}
}

var clock = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func id(n int) journal.ID {
	return journal.NewID(clock.Add(time.Duration(n)*time.Millisecond), [10]byte{2: byte(n), 3: byte(n >> 8), 9: byte(n), 8: byte(n >> 8)})
}

// event is a unit that appends one event at an expected version.
func event(stream string, expect uint64) *journal.Unit {
	return &journal.Unit{
		ID: id(1), At: clock,
		Expect:  []journal.Expect{{Stream: stream, Version: expect}},
		Records: []journal.Record{{Type: "order.Accepted", Schema: 1, Stream: stream, Topic: "order-events", Key: stream, Data: []byte("{}")}},
	}
}

func message(topic string) *journal.Unit {
	return &journal.Unit{ID: id(2), At: clock, Records: []journal.Record{{Type: "document.Received", Schema: 1, Topic: topic, Key: "k"}}}
}

func move(book, from, to string, amount int64) *journal.Unit {
	return &journal.Unit{ID: id(3), At: clock, Postings: []journal.Posting{
		{Book: book, Account: from, Amount: -amount, Floor: floorOf(from)},
		{Book: book, Account: to, Amount: amount, Floor: floorOf(to)},
	}}
}

// floorOf is the rule of these tests: the account "source" has no floor, all others 0.
func floorOf(account string) int64 {
	if account == "source" {
		return journal.NoFloor
	}
	return 0
}
