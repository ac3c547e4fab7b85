package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/paklog/hub/core/journal"
)

// folderLock is the lock file of a data folder: who owns it, and whether the store in it was
// closed in order. "open" is written only when the WAL file is surely there, "closed" before
// it is taken away: so an open store without a WAL has lost it. Both are synced, or a power
// cut after a stop in order could leave "open" without the WAL that was taken away.
type folderLock struct{ f *os.File }

const (
	stateOpen   = "open"
	stateClosed = "closed"
)

// lockFolder takes the folder, or says who has it.
func lockFolder(dir string) (*folderLock, error) {
	name := filepath.Join(dir, "lock")
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	switch {
	case errors.Is(err, syscall.EROFS):
		return nil, fmt.Errorf("taking the lock of folder %s: its disk is mounted read-only: mount it to be written (a disk that failed is often made read-only; see the kernel's log): %w", dir, err)
	case errors.Is(err, syscall.ENOSPC):
		return nil, fmt.Errorf("taking the lock of folder %s: %w: make room on its disk: %w", dir, journal.ErrFull, err)
	case err != nil:
		return nil, fmt.Errorf("taking the lock of folder %s: give the user that runs PakLog write access to the folder: %w", dir, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("taking the lock of folder %s: %w", dir, err)
		}
		owner := "an unknown process"
		if pid, _ := readLock(f); pid > 0 {
			owner = fmt.Sprintf("process %d", pid)
		}
		return nil, fmt.Errorf("folder %s is in use by %s; stop it first, or speak to it: %w", dir, owner, journal.ErrLocked)
	}
	return &folderLock{f}, nil
}

func readLock(f *os.File) (pid int, state string) {
	b := make([]byte, 64)
	n, _ := f.ReadAt(b, 0)
	owner, rest, _ := bytes.Cut(b[:n], []byte("\n"))
	pid, _ = strconv.Atoi(string(owner))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	return pid, string(line)
}

// state is how the last owner left the store.
func (l *folderLock) state() string {
	_, s := readLock(l.f)
	return s
}

func (l *folderLock) write(state string) error {
	b := fmt.Appendf(nil, "%d\n%s\n", os.Getpid(), state)
	if err := l.f.Truncate(0); err != nil {
		return err
	}
	if _, err := l.f.WriteAt(b, 0); err != nil {
		return err
	}
	return l.f.Sync()
}

// release gives the folder free. Closing alone would not yet do that: a process that is forked
// at this moment holds the same open file until it executes its program.
func (l *folderLock) release() error {
	return errors.Join(syscall.Flock(int(l.f.Fd()), syscall.LOCK_UN), l.f.Close())
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
