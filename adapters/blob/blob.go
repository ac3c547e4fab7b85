// Package blob keeps payloads as files named by a hash of their content: the claim-check
// store of the embedded default. The hash is SHA-256, and BLAKE3 of what is written piece by piece,
// which is the long and takes half the time so; the file's name tells which, the payload's does not.
//
// A payload is on disk, folder included, before Put returns, so the commit that names it never
// outlives it. A file is read against its name: what is torn or changed is an error at
// its end, and writing the payload again mends it.
package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/zeebo/blake3"

	"github.com/paklog/hub/adapters/internal/payload"
	"github.com/paklog/hub/core/fault"
)

// Config of a store. The zero value of a field is the default named beside it.
type Config struct {
	Dir string // folder, made if it is missing; no default
	Max int64  // longest payload in bytes: 4 GiB
}

// Store is a folder of payloads. One process owns it; its methods are safe for concurrent use.
type Store struct {
	dir string
	max int64
	// mu lets a payload that comes again not be swept away while it is put.
	mu   sync.Mutex
	sync func(*os.File) error
}

// Open makes a store of a folder.
func Open(c Config) (*Store, error) {
	if c.Dir == "" {
		return nil, errors.New("opening a blob store: it needs a folder")
	}
	if c.Max == 0 {
		c.Max = 4 << 30
	}
	s := &Store{dir: c.Dir, max: c.Max, sync: (*os.File).Sync}
	if err := s.folders(); err != nil {
		return nil, fmt.Errorf("opening a blob store: %w", err)
	}
	return s, nil
}

// folders makes every folder at once, so that a payload needs no sync but its own and its
// folder's.
func (s *Store) folders() error {
	if err := os.MkdirAll(s.incoming(), 0o700); err != nil {
		return err
	}
	for i := range 256 {
		if err := os.Mkdir(filepath.Join(s.dir, hex.EncodeToString([]byte{byte(i)})), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	if err := s.syncDir(s.dir); err != nil {
		return err
	}
	return s.syncDir(filepath.Dir(s.dir))
}

// incoming holds what is not whole yet.
func (s *Store) incoming() string { return filepath.Join(s.dir, "incoming") }

// path is where a payload lies that is named by its SHA-256, and with [payload.Fast] behind it one that is named by
// its BLAKE3; hashes that are none have no path.
func (s *Store) path(name string) (string, error) {
	if err := payload.Check(name); err != nil {
		return "", err
	}
	return filepath.Join(s.dir, name[:2], name[2:]), nil
}

// open finds the file of a payload, and says what its content is held against.
func (s *Store) open(name string) (*os.File, hash.Hash, error) {
	path, err := s.path(name)
	if err != nil {
		return nil, nil, err
	}
	f, err := os.Open(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, sha256.New(), err
	}
	f, err = os.Open(path + payload.Fast)
	return f, blake3.New(), err
}

// Put keeps what r yields and returns its hash. When it returns, file and folder are on disk.
// It may be repeated: the same content is the same file.
func (s *Store) Put(ctx context.Context, r io.Reader) (string, error) {
	d, err := s.draft(ctx, sha256.New(), "")
	if err != nil {
		return "", err
	}
	defer d.Drop()
	if _, err := io.Copy(d, r); err != nil {
		if _, ours := errors.AsType[*fault.Error](err); ours {
			return "", err
		}
		return "", fault.E("blob.Put", kindOf(err), fmt.Errorf("writing a payload: %w", err))
	}
	return d.Keep()
}

// place gives a whole file its name. A file of that name is replaced, for only what was
// synced here is known to be whole.
func (s *Store) place(temp, name, suffix string) error {
	path, err := s.path(name)
	if err != nil {
		return err
	}
	s.mu.Lock()
	err = os.Rename(temp, path+suffix)
	s.mu.Unlock() // from here it is young, and nobody sweeps it away
	if err != nil {
		return err
	}
	return s.syncDir(filepath.Dir(path))
}

func (s *Store) syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return s.sync(d)
}

// Open reads a payload. The last Read is an error where the content is not that of the
// name: until then nothing of it is to be trusted.
func (s *Store) Open(_ context.Context, name string) (io.ReadCloser, error) {
	const op = "blob.Open"
	f, h, err := s.open(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.E(op, fault.Rejected, fmt.Errorf("no payload %s: bring it back from a backup of %s, then replay", name, s.dir))
	case err != nil:
		return nil, fault.E(op, kindOf(err), err)
	}
	return payload.Held(f, "the file", name, h), nil
}

// Look opens the payload of a name in folder dir as [Store.Open] does, and changes nothing, not even where the
// folder is missing.
func Look(ctx context.Context, dir, name string) (io.ReadCloser, error) {
	return (&Store{dir: dir}).Open(ctx, name)
}

// Verify holds the payload of a name in folder dir against it, and changes nothing, not even
// where the folder is missing. The error is a plain sentence's end.
func Verify(ctx context.Context, dir, name string) error {
	s := &Store{dir: dir}
	f, h, err := s.open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("its file is missing")
	}
	if err != nil {
		return fmt.Errorf("its file cannot be opened: %w", err)
	}
	defer f.Close()
	n, err := io.Copy(h, during{ctx, f})
	if err != nil {
		return fmt.Errorf("its file cannot be read: %w", err)
	}
	if sum := hex.EncodeToString(h.Sum(nil)); sum != name {
		return fmt.Errorf("its file is cut short or changed: its %d bytes have the hash %s", n, sum)
	}
	return nil
}

// Sweep removes the payloads written before a time that nothing refers to, and what never
// became whole. The time lies a day back, for a payload is written before the commit that
// names it. referred is asked about old payloads alone, and while it answers, payloads are put and
// read as ever; one that is put again meanwhile stays. It returns how many files went.
func (s *Store) Sweep(ctx context.Context, before time.Time, referred func(ctx context.Context, name string) (bool, error)) (int, error) {
	gone := 0
	err := filepath.WalkDir(s.dir, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // put in its place, or given up, meanwhile
		}
		if err != nil || e.IsDir() {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		i, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !i.ModTime().Before(before) {
			return err
		}
		if dir := filepath.Dir(path); dir != s.incoming() {
			name := filepath.Base(dir) + strings.TrimSuffix(e.Name(), payload.Fast)
			if own, _ := s.path(name); own != strings.TrimSuffix(path, payload.Fast) {
				return nil // a name that is no hash: not ours
			}
			if used, err := referred(ctx, name); used || err != nil {
				return err
			}
		}
		removed, err := s.removeOld(path, before)
		if removed {
			gone++
		}
		return err
	})
	if err != nil {
		return gone, fmt.Errorf("sweeping %s: %w", s.dir, err)
	}
	return gone, nil
}

func (s *Store) removeOld(path string, before time.Time) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case !i.ModTime().Before(before):
		return false, nil
	}
	return true, os.Remove(path)
}

// kindOf says what may be done about an error of the file system.
func kindOf(err error) fault.Kind {
	var f *fault.Error
	switch {
	case errors.As(err, &f):
		return f.Kind
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fault.Unavailable
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fault.Unavailable
	}
	return fault.Transient
}

// during reads until ctx ends.
type during struct {
	ctx context.Context
	r   io.Reader
}

func (d during) Read(p []byte) (int, error) {
	if err := d.ctx.Err(); err != nil {
		return 0, err
	}
	return d.r.Read(p)
}
