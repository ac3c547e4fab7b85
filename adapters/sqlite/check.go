package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/paklog/hub/core/journal"
)

// Checked is what [Check] saw of a journal.
type Checked struct {
	Made     bool // there is one
	Owner    int  // process that has the folder; 0 is none
	Format   int  // of its units
	Migrates bool // its next opening brings it to this program's format, after a backup
	// Looked is set where every page was looked at. None is where a process ended without closing the
	// journal: what it wrote last stands in the WAL alone, and to read that is to write.
	Looked bool
}

// Check looks at the journal of a folder, whoever has it, and changes nothing there. The error says
// what is wrong and what to do.
func Check(ctx context.Context, dir string) (c Checked, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return c, err
	}
	s := &Store{dir: dir, file: filepath.Join(dir, fileName)}
	held := false
	switch f, err := os.Open(filepath.Join(dir, "lock")); {
	case errors.Is(err, fs.ErrNotExist):
		s.lock = &folderLock{}
	case err != nil:
		return c, fmt.Errorf("opening the lock of the folder: %w", err)
	default:
		defer f.Close()
		s.lock = &folderLock{f}
		if held, err = s.lock.held(); err != nil {
			return c, err
		}
	}
	if held {
		c.Owner, _ = readLock(s.lock.f)
	}
	h, err := readHeader(s.file)
	if err != nil {
		return c, err
	}
	if s.lock.f != nil {
		err = s.looksWhole(journal.Format, migrations)
	} else if !h.empty {
		err = readable(h.format, journal.Format, migrations)
	}
	if err != nil || h.empty {
		return c, err
	}
	c.Made, c.Format, c.Migrates = true, h.format, h.format != journal.Format
	wal, err := os.Stat(s.file + "-wal")
	switch {
	case err == nil && wal.Size() > 0 && !held:
		return c, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return c, err
	}
	if err := s.quickCheck(ctx, held); err != nil {
		if again, lost := s.lock.held(); lost == nil && again && !held {
			return c, errors.New("a hub took the folder in the middle of the check: check again")
		}
		return c, err
	}
	c.Looked = true
	return c, nil
}

// held reports whether a process has the folder.
func (l *folderLock) held() (bool, error) {
	if l.f == nil {
		return false, nil
	}
	// Shared, and for a moment: a hub that starts just now tries again.
	err := syscall.Flock(int(l.f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking at the lock of the folder: %w", err)
	}
	return false, syscall.Flock(int(l.f.Fd()), syscall.LOCK_UN)
}

// quickCheck has SQLite look at every page. Beside an owner it reads as any other process does; alone it
// takes the file for one that does not change, for SQLite would else make a WAL, as whoever asks, that
// the hub's user may not write.
func (s *Store) quickCheck(ctx context.Context, owned bool) (err error) {
	q := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)", "cache_size(-2048)"}}
	if !owned {
		q.Set("immutable", "1")
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: s.file, RawQuery: q.Encode()}).String())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.QueryContext(ctx, "PRAGMA quick_check(10)") // ten findings say enough
	if err != nil {
		return advice(s.file, err)
	}
	defer rows.Close()
	var wrong []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return advice(s.file, err)
		}
		if line != "ok" {
			wrong = append(wrong, line)
		}
	}
	if err := rows.Err(); err != nil {
		return advice(s.file, err)
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%s is damaged: stop, keep a copy of the folder, see what `paklog audit` finds and restore a backup with `paklog restore`: %s",
			s.file, strings.Join(wrong, "; "))
	}
	return nil
}
