package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/paklog/hub/core/journal"
)

func opened(t *testing.T, dir string, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), dir, o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func put(t *testing.T, s *Store, n, size int) error {
	t.Helper()
	var b journal.Batch
	for i := range n {
		b.Units = append(b.Units, &journal.Unit{Records: []journal.Record{{
			Type: "x", Topic: "t", Stream: fmt.Sprintf("s%d", i%7), Data: bytes.Repeat([]byte{byte(i)}, size),
		}}})
	}
	_, err := s.Write(t.Context(), &b)
	return err
}

// leave closes the store as a kill does: without a word.
func leave(t *testing.T, s *Store) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{fileName, fileName + "-wal", "lock"} {
		b, err := os.ReadFile(filepath.Join(s.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func last(t *testing.T, s *Store) journal.Pos {
	t.Helper()
	p, err := s.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestFullDiskRefusesTheBatchAndPassesAgain(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir(), Options{})
	if err := put(t, s, 100, 100); err != nil {
		t.Fatal(err)
	}
	pages, err := s.write.number(t.Context(), "PRAGMA page_count")
	if err != nil {
		t.Fatal(err)
	}
	limit := func(n int64) {
		if err := exec(t.Context(), s.write.conn, fmt.Sprintf("PRAGMA max_page_count = %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	limit(pages + 2)
	if err := put(t, s, 100, 10_000); !errors.Is(err, journal.ErrFull) || errors.Is(err, journal.ErrBroken) {
		t.Fatalf("Write on a full disk: %v, want ErrFull", err)
	}
	if last(t, s) != 100 {
		t.Errorf("the log ends at %d, want 100", last(t, s))
	}
	if r, err := s.Topics(t.Context(), []string{"t"}, 0, 1000); err != nil || len(r) != 100 {
		t.Errorf("%d records are visible (%v), want 100", len(r), err)
	}
	limit(1 << 30)
	if err := put(t, s, 100, 10_000); err != nil {
		t.Fatalf("Write with room again: %v", err)
	}
	r, err := s.Stream(t.Context(), "s0", 0, 1000)
	if err != nil || len(r) != 30 || r[29].Version != 30 {
		t.Errorf("stream after the failed batch: %d events, %v", len(r), err)
	}
}

func TestOneOpensAtATime(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir(), Options{})
	_, err := Open(t.Context(), s.dir, Options{})
	if !errors.Is(err, journal.ErrLocked) || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) || !strings.Contains(err.Error(), s.dir) {
		t.Fatalf("second Open: %v, want ErrLocked naming folder and process", err)
	}
	if err := put(t, s, 1, 1); err != nil {
		t.Errorf("the owner was disturbed: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	opened(t, s.dir, Options{})
}

// TestOpenRefuses damages a folder that was left by a kill, and holds that Open says what to do
// and changes nothing.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir(), Options{})
	if err := put(t, s, 100, 100); err != nil {
		t.Fatal(err)
	}
	write := func(name string, b []byte) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	patch := func(at int64, b ...byte) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			f, err := os.OpenFile(filepath.Join(dir, fileName), os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteAt(b, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name   string
		damage func(*testing.T, string)
		says   string
		is     error
		copies bool // SQLite copies its WAL back when it closes a file that it could open
	}{
		{name: "newer format", damage: patch(60, 0, 0, 0, 9), says: "run the newer program", is: journal.ErrFormat},
		{name: "format 1, which was never released", damage: patch(60, 0, 0, 0, 1), says: "begin in an empty folder", is: journal.ErrFormat},
		{name: "another program's file", damage: patch(68, 1, 2, 3, 4), says: "name another data folder"},
		{name: "garbage", damage: write(fileName, bytes.Repeat([]byte("garbage"), 1000)), says: "restore a backup"},
		{name: "cut short", damage: write(fileName, []byte("SQLite format 3")), says: "restore a backup"},
		{name: "schema overwritten", damage: patch(100, bytes.Repeat([]byte{0xff}, 2*8192-100)...), says: "restore", copies: true},
		{name: "database removed, WAL left", damage: remove(fileName), says: "put the file back"},
		{name: "database emptied, WAL left", damage: write(fileName, nil), says: "is empty and"},
		{name: "database removed with its WAL", damage: func(t *testing.T, dir string) {
			remove(fileName)(t, dir)
			remove(fileName+"-wal")(t, dir)
		}, says: "to begin a new journal, delete"},
		{name: "database emptied, WAL removed", damage: func(t *testing.T, dir string) {
			write(fileName, nil)(t, dir)
			remove(fileName+"-wal")(t, dir)
		}, says: "although there was a journal"},
		{name: "header torn: page size", damage: patch(16, 0xff, 0xff), says: "restore a backup"},
		{name: "header torn: page size of another", damage: patch(16, 0x10, 0x00), says: "its header names pages of 4096 bytes"},
		{name: "header torn: written by what is to come", damage: patch(18, 9, 9), says: "its header names pages of 8192 bytes and versions 9 and 9"},
		{name: "header torn: zeros behind the magic", damage: patch(16, make([]byte, 84)...), says: "restore a backup"},
		{name: "header torn: zeros from the middle", damage: patch(50, make([]byte, 50)...), says: "is without a journal"},
		{name: "header torn: half of the magic", damage: patch(8, make([]byte, 8)...), says: "restore a backup"},
		{name: "WAL removed after an unclean stop", damage: remove(fileName + "-wal"), says: "put it back"},
		{name: "database is a folder", damage: func(t *testing.T, dir string) {
			remove(fileName)(t, dir)
			if err := os.Mkdir(filepath.Join(dir, fileName), 0o700); err != nil {
				t.Fatal(err)
			}
		}, says: fileName},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := leave(t, s)
			c.damage(t, dir)
			before, _ := os.ReadFile(filepath.Join(dir, fileName))
			for range 2 {
				_, err := Open(context.Background(), dir, Options{})
				if err == nil || !strings.Contains(err.Error(), c.says) || c.is != nil && !errors.Is(err, c.is) {
					t.Fatalf("Open: %v, want it to say %q", err, c.says)
				}
			}
			after, _ := os.ReadFile(filepath.Join(dir, fileName))
			if !c.copies && !bytes.Equal(before, after) {
				t.Error("Open changed the database")
			}
		})
	}
}

func TestOpenRefusesAFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), file, Options{}); err == nil || !strings.Contains(err.Error(), "name a folder") {
		t.Errorf("Open: %v", err)
	}
	if _, err := Open(t.Context(), filepath.Join(file, "below"), Options{}); err == nil {
		t.Error("opened a folder below a file")
	}
}

// A kill leaves whole batches and perhaps a torn one: the torn one was never answered.
func TestTornWALTailLosesOnlyWhatWasNotCommitted(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir(), Options{})
	if err := put(t, s, 50, 100); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(s.file + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	whole := info.Size()
	if err := put(t, s, 50, 3000); err != nil {
		t.Fatal(err)
	}
	dir := leave(t, s)
	wal := filepath.Join(dir, fileName+"-wal")
	if err := os.Truncate(wal, whole+20_000); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(wal, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(bytes.Repeat([]byte{7}, 5000)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	r := opened(t, dir, Options{})
	if last(t, r) != 50 {
		t.Errorf("the log ends at %d, want 50", last(t, r))
	}
	if err := put(t, r, 50, 100); err != nil || last(t, r) != 100 {
		t.Errorf("writing on: %v, the log ends at %d", err, last(t, r))
	}
}

func TestANewJournalIsBegunWhereTheLockWasDeleted(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir(), Options{})
	if err := put(t, s, 3, 1); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Close(), os.Remove(s.file), os.Remove(filepath.Join(s.dir, "lock"))); err != nil {
		t.Fatal(err)
	}
	if s := opened(t, s.dir, Options{}); last(t, s) != 0 {
		t.Errorf("the new log ends at %d", last(t, s))
	}
}

func TestCreationCutShortIsFinished(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, fileName), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := opened(t, dir, Options{})
	if err := put(t, s, 1, 1); err != nil {
		t.Error(err)
	}
}

func TestOlderFormatMigratesAfterABackup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := opened(t, dir, Options{})
	if err := put(t, s, 10, 10); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t.Context(), dir, Options{}, 4, map[int]string{2: "CREATE TABLE a (x)"}); !errors.Is(err, journal.ErrFormat) || !strings.Contains(err.Error(), "migrates none before 4") {
		t.Fatalf("a step is missing: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "before-format-4")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("backed up for a migration that cannot be: %v", err)
	}
	if _, err := open(t.Context(), dir, Options{}, 4, map[int]string{2: "CREATE TABLE a (x)", 3: "no SQL"}); err == nil {
		t.Fatal("a step that fails was passed over")
	}
	if err := os.RemoveAll(filepath.Join(dir, "before-format-4")); err != nil {
		t.Fatal(err)
	}
	s, err := open(t.Context(), dir, Options{}, 4, map[int]string{3: "CREATE TABLE b (x); INSERT INTO b VALUES (1)"})
	if err != nil {
		t.Fatalf("migrating: %v", err)
	}
	if last(t, s) != 10 {
		t.Errorf("the log ends at %d", last(t, s))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), dir, Options{}); !errors.Is(err, journal.ErrFormat) {
		t.Errorf("the older program: %v, want ErrFormat", err)
	}
	// The backup from before is what the older program would restore; here it has format 3.
	b, err := os.ReadFile(filepath.Join(dir, "before-format-4", manifestName))
	if err != nil || !strings.Contains(string(b), `"format": 3`) {
		t.Errorf("backup before migrating: %s, %v", b, err)
	}
}

func TestBackupOfARunningStoreRestores(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "payloads", "ab", "cdef")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("a document"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := opened(t, dir, Options{Files: []string{"payloads", "none"}})
	if err := put(t, s, 300, 100); err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(t.TempDir(), "backup")
	if err := s.Backup(t.Context(), backup); err != nil {
		t.Fatalf("Backup: %v", err)
	}
	if err := s.Backup(t.Context(), backup); err == nil {
		t.Error("a backup was written over another")
	}
	if err := put(t, s, 1, 1); err != nil {
		t.Fatal(err)
	}
	if s.Restored() {
		t.Error("the running store says that it was restored")
	}
	into := filepath.Join(t.TempDir(), "data")
	if err := Restore(t.Context(), backup, into); err != nil {
		t.Fatalf("Restore: %v", err)
	}
	r := opened(t, into, Options{})
	if !r.Restored() || last(t, r) != 300 {
		t.Errorf("restored %v, the log ends at %d", r.Restored(), last(t, r))
	}
	if b, err := os.ReadFile(filepath.Join(into, "payloads", "ab", "cdef")); err != nil || string(b) != "a document" {
		t.Errorf("payload: %q, %v", b, err)
	}
	if err := r.ClearRestored(t.Context()); err != nil || r.Restored() {
		t.Errorf("ClearRestored: %v", err)
	}
	if err := put(t, r, 1, 1); err != nil {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if again := opened(t, into, Options{}); again.Restored() {
		t.Error("the mark came back")
	}
	if err := Restore(t.Context(), backup, into); err == nil {
		t.Error("restored over a store")
	}
}

// TestAClosedFolderIsFreeWhileAForkHoldsItsFile: between fork and exec a child has every open file
// of its parent, close-on-exec or not. A copy of the descriptor stands for that child.
func TestAClosedFolderIsFreeWhileAForkHoldsItsFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lock, err := lockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	child, err := syscall.Dup(int(lock.f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(child)
	if _, err := lockFolder(dir); !errors.Is(err, journal.ErrLocked) {
		t.Fatalf("a second owner got in: %v", err)
	}
	if err := lock.release(); err != nil {
		t.Fatal(err)
	}
	again, err := lockFolder(dir)
	if err != nil {
		t.Fatalf("the folder is still taken: %v", err)
	}
	if err := again.release(); err != nil {
		t.Error(err)
	}
}

func TestRestoreBelievesOnlyTheManifest(t *testing.T) {
	format := func(n int) []byte { return fmt.Appendf(nil, `"format": %d`, n) }
	t.Parallel()
	s := opened(t, t.TempDir(), Options{})
	if err := put(t, s, 30, 100); err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(db, manifest []byte) ([]byte, []byte){
		"a bit of the database flipped": func(db, m []byte) ([]byte, []byte) { db[9000] ^= 1; return db, m },
		"the database cut":              func(db, m []byte) ([]byte, []byte) { return db[:len(db)-8192], m },
		"a name outside the folder": func(db, m []byte) ([]byte, []byte) {
			return db, bytes.Replace(m, []byte(`"files": [`), []byte(`"files": [{"name":"../x"},`), 1)
		},
		"another position": func(db, m []byte) ([]byte, []byte) {
			return db, bytes.Replace(m, []byte(`"last": 30`), []byte(`"last": 31`), 1)
		},
		"a newer format": func(db, m []byte) ([]byte, []byte) {
			return db, bytes.Replace(m, format(journal.Format), format(journal.Format+1), 1)
		},
		"an older format": func(db, m []byte) ([]byte, []byte) {
			return db, bytes.Replace(m, format(journal.Format), format(journal.Format-1), 1)
		},
		"no manifest": func(db, _ []byte) ([]byte, []byte) { return db, nil },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "backup")
			if err := s.Backup(t.Context(), dir); err != nil {
				t.Fatal(err)
			}
			db, err := os.ReadFile(filepath.Join(dir, fileName))
			if err != nil {
				t.Fatal(err)
			}
			manifest, err := os.ReadFile(filepath.Join(dir, manifestName))
			if err != nil {
				t.Fatal(err)
			}
			db, manifest = damage(db, manifest)
			if err := errors.Join(os.WriteFile(filepath.Join(dir, fileName), db, 0o600), os.WriteFile(filepath.Join(dir, manifestName), manifest, 0o600)); err != nil {
				t.Fatal(err)
			}
			into := filepath.Join(t.TempDir(), "data")
			if err := Restore(t.Context(), dir, into); err == nil {
				t.Fatal("restored")
			}
			if _, err := os.Stat(into); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("a failed restore left a folder: %v", err)
			}
		})
	}
}

func TestWALStaysSmallUnderLoad(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir(), Options{WALLimit: 1 << 20})
	largest := int64(0)
	for range 60 {
		if err := put(t, s, 100, 2000); err != nil {
			t.Fatal(err)
		}
		s.checkpointing.Wait()
		info, err := os.Stat(s.file + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		largest = max(largest, info.Size())
	}
	if largest > 3<<20 {
		t.Errorf("the WAL grew to %d bytes with a limit of 1 MB", largest)
	}
	if s.Stats().Checkpoints == 0 {
		t.Error("nothing was copied back")
	}
}

func TestCloseEndsWriting(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir(), Options{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := put(t, s, 1, 1); err == nil {
		t.Error("written after Close")
	}
	if err := s.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestFullSaysWhenRoomIsScarce(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir(), Options{MinFree: 101})
	if !s.Full() {
		t.Error("a disk that is less than 101 % free is not full")
	}
	s.opts.MinFree = -1
	if s.Full() {
		t.Error("full although nobody asked")
	}
}
