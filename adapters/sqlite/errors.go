package sqlite

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/paklog/hub/core/journal"
)

func code(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}

// isFull reports whether there was no room. SQLite says so by itself for the WAL, but not where
// it could not grow the WAL's index.
func (s *Store) isFull(err error) bool {
	if errors.Is(err, syscall.ENOSPC) || code(err)&0xff == sqlite3.SQLITE_FULL {
		return true
	}
	c := code(err)
	return (c == sqlite3.SQLITE_IOERR_SHMSIZE || c == sqlite3.SQLITE_IOERR_SHMMAP) && s.free() == 0
}

// isReadOnly tries it out: what a kernel protects after an error may still call itself writable.
func isReadOnly(dir string) bool {
	f, err := os.CreateTemp(dir, "probe-*")
	if err == nil {
		_ = errors.Join(f.Close(), os.Remove(f.Name())) // at worst an empty file is left
	}
	return errors.Is(err, syscall.EROFS)
}

func isBusy(err error) bool { return code(err)&0xff == sqlite3.SQLITE_BUSY }

// advice adds what to do to an error of opening or reading the database.
func advice(file string, err error) error {
	if _, ok := errors.AsType[*journal.DamageError](err); ok {
		return fmt.Errorf("%s is damaged: stop, keep a copy of the folder, see what `paklog audit` finds and restore a backup with `paklog restore`: %w", file, err)
	}
	switch code(err) & 0xff {
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("%s is damaged: stop, keep a copy of the folder and restore a backup with `paklog restore`: %w", file, err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return fmt.Errorf("%s cannot be opened for writing: give the user that runs PakLog write access to the folder and its files: %w", file, err)
	case sqlite3.SQLITE_BUSY:
		return fmt.Errorf("%s is locked by another program (a database browser?): close it: %w", file, err)
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%s: %w: make room on its disk: %w", file, journal.ErrFull, err)
	}
	return err
}
