package as2

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
)

// inline is the longest content that is kept in memory.
const inline = 64 << 10

// A spool holds bytes of one origin: up to [inline] in memory, more in a draft of the store. What
// is not kept leaves nothing behind.
type spool struct {
	ctx   context.Context
	store Store
	size  int64
	head  bytes.Buffer
	draft Draft  // once it is longer
	name  string // in the store, once it is kept there
}

func newSpool(ctx context.Context, s Store) *spool {
	return &spool{ctx: ctx, store: s}
}

// Write implements [io.Writer].
func (s *spool) Write(p []byte) (int, error) {
	s.size += int64(len(p))
	if s.draft == nil {
		if s.size <= inline {
			return s.head.Write(p)
		}
		if err := s.grown(); err != nil {
			return 0, err
		}
	}
	return s.draft.Write(p)
}

// ReadFrom implements [io.ReaderFrom].
func (s *spool) ReadFrom(r io.Reader) (n int64, err error) {
	if s.draft == nil {
		n, err = s.head.ReadFrom(io.LimitReader(r, inline-s.size+1))
		s.size += n
		if err != nil || s.size <= inline {
			return n, err
		}
		if err := s.grown(); err != nil {
			return n, err
		}
	}
	more, err := s.draft.ReadFrom(r)
	s.size += more
	return n + more, err
}

// grown goes on in a draft.
func (s *spool) grown() error {
	d, err := s.store.Draft(s.ctx)
	if err != nil {
		return err
	}
	s.draft = d
	_, err = d.Write(s.head.Bytes())
	s.head = bytes.Buffer{}
	return err
}

// sum is the digest of what was written, in hex: SHA-256 of a short content, the store's own of a long one that was kept.
func (s *spool) sum() string {
	if s.name != "" {
		return s.name
	}
	sum := sha256.Sum256(s.head.Bytes())
	return hex.EncodeToString(sum[:])
}

// short is the content if it is in memory.
func (s *spool) short() []byte {
	if s.draft != nil {
		return nil
	}
	return s.head.Bytes()
}

// content reads what was written from its beginning, until drop.
func (s *spool) content() io.Reader {
	if s.draft != nil {
		return s.draft.Content()
	}
	return bytes.NewReader(s.head.Bytes())
}

// keep makes a long content durable; a short one stays in memory, and its name is "".
func (s *spool) keep() (name string, err error) {
	if s.draft != nil && s.name == "" {
		s.name, err = s.draft.Keep()
	}
	return s.name, err
}

// place makes any content durable in the store.
func (s *spool) place() (string, error) {
	if name, err := s.keep(); name != "" || err != nil {
		return name, err
	}
	return s.store.Put(s.ctx, bytes.NewReader(s.head.Bytes()))
}

// drop ends the spool: what is not kept is gone.
func (s *spool) drop() {
	if s.draft != nil {
		s.draft.Drop()
	}
}

// ciphertext makes files that AES-GCM is kept in until it is authenticated; close removes them. They
// have no name from the beginning, so that a process that dies leaves none.
type ciphertext struct {
	dir   string
	files []*os.File
}

func (c *ciphertext) open() (io.ReadWriteSeeker, error) {
	f, err := os.CreateTemp(c.dir, "as2-")
	if err != nil {
		return nil, err
	}
	c.files = append(c.files, f)
	return f, os.Remove(f.Name())
}

func (c *ciphertext) close() {
	for _, f := range c.files {
		f.Close()
	}
}
