package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/paklog/hub/adapters/internal/disktest"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalaudit"
)

// fill takes what is left of a disk, but for some bytes, until it is called.
func fill(t *testing.T, dir string, but int64) (free func()) {
	t.Helper()
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "ballast")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := syscall.Fallocate(int(f.Fd()), 0, 0, int64(st.Bavail)*st.Bsize-but); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

// writeUntilFull writes batches until one is refused, which must be for want of room.
func writeUntilFull(t *testing.T, s *Store, size int) (batches int) {
	t.Helper()
	for range 2000 {
		before := last(t, s)
		err := put(t, s, 10, size)
		if err == nil {
			batches++
			continue
		}
		if !errors.Is(err, journal.ErrFull) || errors.Is(err, journal.ErrBroken) {
			t.Fatalf("Write on a full disk, after %d batches: %v, want ErrFull alone", batches, err)
		}
		if after := last(t, s); after != before {
			t.Errorf("the refused batch moved the end of the log from %d to %d", before, after)
		}
		return batches
	}
	t.Fatal("the disk never became full")
	return 0
}

// wholeJournal holds that a journal of n records is there and right.
func wholeJournal(t *testing.T, s *Store, n journal.Pos) {
	t.Helper()
	r, err := journalaudit.Audit(t.Context(), s, journalaudit.Options{})
	if err != nil || len(r.Findings) > 0 || r.Last != n {
		t.Errorf("the journal ends at %d, want %d: %v, %v", r.Last, n, r.Findings, err)
	}
}

// TestADiskThatIsFull fills a real file system at each place where the journal grows. Each time
// the batch is refused and nothing else, what was answered is there, and where room is made the
// same store writes on; so does the next process, which finds the folder as a kill left it.
func TestADiskThatIsFull(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		size string
		opts Options
		but  int64 // bytes left when the writing begins
	}{
		{name: "in the WAL", size: "8m", but: 600 << 10},
		{name: "at the first frame of the WAL", size: "8m", but: 0},
		{name: "in the database, when the WAL is copied back", size: "12m", opts: Options{WALLimit: 1 << 20}, but: 3 << 20},
		{name: "where the WAL's index grows too", size: "40m", opts: Options{WALLimit: 1 << 40}, but: 36 << 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			root := disktest.Mount(t, c.size)
			dir := filepath.Join(root, "data")
			s := opened(t, dir, c.opts)
			if err := put(t, s, 10, 100); err != nil {
				t.Fatal(err)
			}
			free := fill(t, root, c.but)
			for range 3 {
				writeUntilFull(t, s, 3000)
			}
			n := last(t, s)
			s.checkpointing.Wait()
			wholeJournal(t, s, n)
			if !s.Full() {
				t.Error("Full says that there is room")
			}

			// The next process finds the folder as a kill leaves it, on the same full disk.
			killed := filepath.Join(t.TempDir(), "data")
			if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			wholeJournal(t, opened(t, killed, c.opts), n)

			free()
			for range 20 {
				if err := put(t, s, 10, 3000); err != nil {
					t.Fatalf("Write with room again: %v", err)
				}
			}
			s.checkpointing.Wait()
			n += 200
			wholeJournal(t, s, n)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			wholeJournal(t, opened(t, dir, c.opts), n)
		})
	}
}

// A store that is closed while the disk is full keeps all that it answered: what could not be
// copied back waits in the WAL.
func TestClosingOnAFullDiskLosesNothing(t *testing.T) {
	t.Parallel()
	root := disktest.Mount(t, "8m")
	dir := filepath.Join(root, "data")
	s := opened(t, dir, Options{})
	if err := put(t, s, 10, 100); err != nil {
		t.Fatal(err)
	}
	free := fill(t, root, 2<<20)
	writeUntilFull(t, s, 3000)
	n := last(t, s)
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	for range 2 {
		s, err := Open(t.Context(), dir, Options{})
		switch {
		case err == nil:
			wholeJournal(t, s, n)
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		case !errors.Is(err, journal.ErrFull) || !strings.Contains(err.Error(), "make room"):
			t.Errorf("Open: %v, want it to say what to do", err)
		}
	}
	free()
	wholeJournal(t, opened(t, dir, Options{}), n)
}

func TestOpeningOnAFullDiskSaysWhatToDo(t *testing.T) {
	t.Parallel()
	root := disktest.Mount(t, "2m")
	free := fill(t, root, 0)
	for range 2 {
		_, err := Open(t.Context(), filepath.Join(root, "data"), Options{})
		if !errors.Is(err, journal.ErrFull) || !strings.Contains(err.Error(), "make room") {
			t.Errorf("Open of a new folder: %v", err)
		}
	}
	free()
	if err := put(t, opened(t, filepath.Join(root, "data"), Options{}), 1, 1); err != nil {
		t.Error(err)
	}
}

// TestAReadOnlyDisk opens what is mounted to be read alone.
func TestAReadOnlyDisk(t *testing.T) {
	t.Parallel()
	root := disktest.Mount(t, "8m")
	for name, build := range map[string]func(t *testing.T, dir string){
		"with a journal": func(t *testing.T, dir string) {
			s := opened(t, dir, Options{})
			if err := put(t, s, 10, 100); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		},
		"with a journal left by a kill": func(t *testing.T, dir string) {
			s := opened(t, t.TempDir(), Options{})
			if err := put(t, s, 10, 100); err != nil {
				t.Fatal(err)
			}
			if err := os.CopyFS(dir, os.DirFS(leave(t, s))); err != nil {
				t.Fatal(err)
			}
		},
		"empty":      func(t *testing.T, dir string) { _ = os.Mkdir(dir, 0o700) },
		"not there":  func(*testing.T, string) {},
		"other file": func(t *testing.T, dir string) { _ = os.WriteFile(dir, nil, 0o600) },
	} {
		build(t, filepath.Join(root, name))
	}
	disktest.ReadOnly(t, root, true)
	for name, says := range map[string]string{
		"with a journal": "mounted read-only", "with a journal left by a kill": "mounted read-only", "empty": "mounted read-only",
		"not there": "read-only", "other file": "name a folder",
	} {
		if _, err := Open(t.Context(), filepath.Join(root, name), Options{}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", name, err, says)
		}
	}
	disktest.ReadOnly(t, root, false)
	for _, name := range []string{"with a journal", "with a journal left by a kill"} {
		wholeJournal(t, opened(t, filepath.Join(root, name), Options{}), 10)
	}
}
