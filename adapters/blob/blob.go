// Package blob keeps payloads as files named by the SHA-256 of their content: the claim-check
// store of the embedded default.
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
	"sync"
	"syscall"
	"time"

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

// path is where a payload lies; hashes that are none have no path.
func (s *Store) path(name string) (string, error) {
	b, err := hex.DecodeString(name)
	if err != nil || len(b) != sha256.Size || hex.EncodeToString(b) != name {
		return "", fault.E("blob", fault.Invalid, fmt.Errorf("%.80q is no SHA-256 in lower-case hex", name))
	}
	return filepath.Join(s.dir, name[:2], name[2:]), nil
}

// Put keeps what r yields and returns its hash. When it returns, file and folder are on disk.
// It may be repeated: the same content is the same file.
func (s *Store) Put(ctx context.Context, r io.Reader) (string, error) {
	d, err := s.Draft(ctx)
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

// A Draft is a payload that is being written. It is kept or dropped, and used by one goroutine.
type Draft struct {
	ctx  context.Context
	s    *Store
	f    *os.File
	hash hash.Hash
	size int64
}

// Draft begins a payload; nothing can be written once ctx has ended.
func (s *Store) Draft(ctx context.Context) (*Draft, error) {
	f, err := os.CreateTemp(s.incoming(), "payload-")
	if err != nil {
		return nil, fault.E("blob.Draft", kindOf(err), err)
	}
	return &Draft{ctx: ctx, s: s, f: f, hash: sha256.New()}, nil
}

// Write implements [io.Writer].
func (d *Draft) Write(p []byte) (int, error) {
	const op = "blob.Write"
	if err := d.ctx.Err(); err != nil {
		return 0, fault.E(op, fault.Transient, err)
	}
	if d.size += int64(len(p)); d.size > d.s.max {
		return 0, fault.E(op, fault.Rejected, fmt.Errorf("payload is longer than %d bytes", d.s.max))
	}
	d.hash.Write(p)
	n, err := d.f.Write(p)
	if err != nil {
		return n, fault.E(op, kindOf(err), fmt.Errorf("writing a payload: %w", err))
	}
	return n, nil
}

// Content reads what was written, from its beginning, until the draft is dropped. It is not held against the hash:
// nobody else can have changed it.
func (d *Draft) Content() io.Reader { return io.NewSectionReader(d.f, 0, d.size) }

// Keep makes the payload durable, file and folder, and returns its hash.
func (d *Draft) Keep() (string, error) {
	const op = "blob.Keep"
	if err := d.ctx.Err(); err != nil {
		return "", fault.E(op, fault.Transient, err)
	}
	if err := d.s.sync(d.f); err != nil {
		return "", fault.E(op, kindOf(err), fmt.Errorf("syncing a payload: %w", err))
	}
	name := hex.EncodeToString(d.hash.Sum(nil))
	if err := d.s.place(d.f.Name(), name); err != nil {
		return "", fault.E(op, kindOf(err), fmt.Errorf("placing payload %s: %w", name, err))
	}
	return name, nil
}

// Drop ends the draft. What was not kept is gone.
func (d *Draft) Drop() {
	_ = d.f.Close()
	_ = os.Remove(d.f.Name()) // gone already where it was kept
}

// place gives a whole file its name. A file of that name is replaced, for only what was
// synced here is known to be whole.
func (s *Store) place(temp, name string) error {
	path, err := s.path(name)
	if err != nil {
		return err
	}
	s.mu.Lock()
	err = os.Rename(temp, path)
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
	path, err := s.path(name)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.E(op, fault.Rejected, fmt.Errorf("no payload %s: bring it back from a backup of %s, then replay", name, s.dir))
	case err != nil:
		return nil, fault.E(op, kindOf(err), err)
	}
	return &checked{f: f, name: name, hash: sha256.New()}, nil
}

type checked struct {
	f    *os.File
	name string
	hash hash.Hash
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.f.Read(p)
	c.hash.Write(p[:n])
	if err != nil && err != io.EOF {
		return n, fault.E("blob.Read", fault.Transient, err)
	}
	if err == io.EOF && hex.EncodeToString(c.hash.Sum(nil)) != c.name {
		return n, fault.E("blob.Read", fault.Internal, fmt.Errorf("the file of payload %s is torn or changed: bring it back from a backup, then replay", c.name))
	}
	return n, err
}

func (c *checked) Close() error { return c.f.Close() }

// Verify holds the payload of a name in folder dir against it, and changes nothing, not even
// where the folder is missing. The error is a plain sentence's end.
func Verify(ctx context.Context, dir, name string) error {
	s := &Store{dir: dir}
	path, err := s.path(name)
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("its file is missing")
	}
	if err != nil {
		return fmt.Errorf("its file cannot be opened: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, during{ctx, f})
	if err != nil {
		return fmt.Errorf("its file cannot be read: %w", err)
	}
	if sum := hex.EncodeToString(h.Sum(nil)); sum != name {
		return fmt.Errorf("its file is cut short or changed: its %d bytes have the SHA-256 %s", n, sum)
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
			name := filepath.Base(dir) + e.Name()
			if own, _ := s.path(name); own != path {
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
