package journaltest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/paklog/hub/core/journal"
)

// testReaders reads while a writer writes: never a gap, never a part of a batch.
func testReaders(t *testing.T, open Open) {
	t.Parallel()
	s := start(t, open)
	const batches, each = 60, 10
	end := journal.Pos(batches * each)
	var wg sync.WaitGroup
	report := make(chan error, 8)
	for _, read := range []func(*store, journal.Pos) error{readTopics, readUnits, readStream, readBalances} {
		wg.Go(func() { report <- read(s, end) })
	}
	for batch := range batches {
		var units []*journal.Unit
		for i := range each {
			u := event("o/1", uint64(batch*each+i))
			u.Records[0].Topic = readerTopics[i%len(readerTopics)]
			u.Postings = move(acme, "source", fmt.Sprintf("a%d", i), 1).Postings
			units = append(units, u)
		}
		s.put(units...)
	}
	wg.Wait()
	close(report)
	for err := range report {
		if err != nil {
			t.Error(err)
		}
	}
}

// readerTopics hold all records between them, so that each page has every position.
var readerTopics = []string{"t", "u", "v", "w"}

func readTopics(s *store, end journal.Pos) error {
	for next := journal.Pos(1); next <= end; {
		// A topic that is looked up a moment after another may hold a record that stands
		// before one of that other: whoever goes on behind the page has lost it.
		records, err := s.Topics(s.t.Context(), readerTopics, next-1, 17)
		if err != nil {
			return err
		}
		for _, r := range records {
			if r.Pos != next {
				return fmt.Errorf("topic: position %d came where %d was next", r.Pos, next)
			}
			next++
		}
	}
	return nil
}

func readUnits(s *store, end journal.Pos) error {
	for next := journal.Pos(1); next <= end; {
		units, err := s.Units(s.t.Context(), next, 17)
		if err != nil {
			return err
		}
		for _, u := range units {
			if u.First != next {
				return fmt.Errorf("units: %d came where %d was next", u.First, next)
			}
			next++
		}
	}
	return nil
}

func readStream(s *store, end journal.Pos) error {
	for next := uint64(1); next <= uint64(end); {
		records, err := s.Stream(s.t.Context(), "o/1", next-1, 17)
		if err != nil {
			return err
		}
		for _, r := range records {
			if r.Version != next {
				return fmt.Errorf("stream: version %d came where %d was next", r.Version, next)
			}
			next++
		}
	}
	return nil
}

// readBalances sees the ten accounts of a batch stand at one amount, whichever batch it is.
func readBalances(s *store, end journal.Pos) error {
	for {
		rows, err := s.Balances(s.t.Context(), "", "", 100)
		if err != nil {
			return err
		}
		var sum int64
		for _, r := range rows {
			sum += r.Amount
			if r.Account != "source" && r.Amount != rows[0].Amount {
				return errors.New("a reader saw a part of a batch")
			}
		}
		if sum != 0 {
			return fmt.Errorf("a reader saw balances that sum to %d", sum)
		}
		if last, err := s.Last(s.t.Context()); err != nil || last >= end {
			return err
		}
	}
}
