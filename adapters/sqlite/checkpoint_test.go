package sqlite

import (
	"bytes"
	"os"
	"testing"

	"github.com/paklog/hub/core/journal/journalaudit"
)

func walFile(t *testing.T, s *Store) int64 {
	t.Helper()
	info, err := os.Stat(s.file + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// around writes until the WAL has begun anew and holds one batch of many frames.
func around(t *testing.T, s *Store) {
	t.Helper()
	for range 100 {
		before := s.write.walSize(t.Context())
		if err := put(t, s, 100, 2000); err != nil {
			t.Fatal(err)
		}
		s.checkpointing.Wait()
		if s.write.walSize(t.Context()) < before {
			return
		}
	}
	t.Fatal("the WAL never began anew")
}

func TestWALKeepsItsSizeFromRoundToRound(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir(), Options{WALLimit: 1 << 20})
	around(t, s)
	size := walFile(t, s)
	for range 3 {
		around(t, s)
		// Where a round ends is a matter of a batch; what may not be is that it grows on, or
		// that it is given back and written anew.
		now := walFile(t, s)
		if now > size+size/4 || now < size/2 {
			t.Errorf("the WAL had %d bytes and has %d", size, now)
		}
		size = max(size, now)
		if used := s.write.walSize(t.Context()); used > size/2 {
			t.Errorf("%d of %d bytes are in use where the WAL began anew", used, size)
		}
	}
}

// Behind the newest frames lie whole ones of an earlier round: where the newest are torn, the
// others are no part of the log.
func TestFramesOfAnEarlierRoundAreNotTaken(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir(), Options{WALLimit: 1 << 20})
	around(t, s)
	around(t, s)
	if err := put(t, s, 5, 1000); err != nil { // where all was copied back, nothing is in use
		t.Fatal(err)
	}
	whole, end := s.write.walSize(t.Context()), last(t, s)
	if err := put(t, s, 50, 3000); err != nil {
		t.Fatal(err)
	}
	if whole == 0 || s.write.walSize(t.Context()) <= whole || walFile(t, s) <= s.write.walSize(t.Context()) {
		t.Fatalf("the WAL holds %d and then %d bytes of %d: nothing to tear", whole, s.write.walSize(t.Context()), walFile(t, s))
	}
	dir := leave(t, s)
	f, err := os.OpenFile(dir+"/"+fileName+"-wal", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(bytes.Repeat([]byte{7}, 5000), whole+20_000); err != nil {
		t.Fatal(err)
	}
	r := opened(t, dir, Options{})
	if last(t, r) != end {
		t.Errorf("the log ends at %d, want %d", last(t, r), end)
	}
	if err := put(t, r, 50, 100); err != nil {
		t.Fatal(err)
	}
	report, err := journalaudit.Audit(t.Context(), r, journalaudit.Options{})
	if err != nil || len(report.Findings) > 0 {
		t.Errorf("Audit: %v, %v", report.Findings, err)
	}
}

func TestWALGivesBackWhatAnOldSnapshotCost(t *testing.T) {
	t.Parallel()
	const limit = 1 << 20
	s := opened(t, t.TempDir(), Options{WALLimit: limit})
	if err := put(t, s, 1, 10); err != nil {
		t.Fatal(err)
	}
	tx, err := s.read.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	var n int
	if err := tx.QueryRow("SELECT count(*) FROM stretch").Scan(&n); err != nil {
		t.Fatal(err)
	}
	for walFile(t, s) < 4*limit {
		if err := put(t, s, 100, 2000); err != nil {
			t.Fatal(err)
		}
		s.checkpointing.Wait()
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	// The snapshot may have been looked at once more while it ended: then a later round gives back.
	for range 5 {
		if around(t, s); walFile(t, s) <= 2*limit {
			return
		}
	}
	t.Errorf("the WAL keeps %d bytes with a limit of %d", walFile(t, s), limit)
}

func TestPagesAre8KiB(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir(), Options{})
	if n, err := s.write.number(t.Context(), "PRAGMA page_size"); n != 8192 {
		t.Errorf("pages of %d bytes: %v", n, err)
	}
}
