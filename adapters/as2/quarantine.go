package as2

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
)

// inline is the longest content that is kept in memory.
const inline = 64 << 10

// A spool holds bytes of one origin: up to [inline] in memory, more on their way into the store. What
// is not finished leaves nothing behind.
type spool struct {
	ctx   context.Context
	store Store
	size  int64
	head  bytes.Buffer
	pipe  *io.PipeWriter // once it is longer
	done  chan placed
	name  string // in the store, once it is kept there
}

type placed struct {
	name string
	err  error
}

func newSpool(ctx context.Context, s Store) *spool {
	return &spool{ctx: ctx, store: s}
}

// Write implements [io.Writer].
func (s *spool) Write(p []byte) (int, error) {
	s.size += int64(len(p))
	if s.pipe == nil {
		if s.size <= inline {
			return s.head.Write(p)
		}
		r, w := io.Pipe()
		s.pipe, s.done = w, make(chan placed, 1)
		head := io.MultiReader(bytes.NewReader(s.head.Bytes()), r)
		go func() {
			name, err := s.store.Put(s.ctx, head)
			r.CloseWithError(err) // whoever writes still learns of it
			s.done <- placed{name, err}
		}()
	}
	return s.pipe.Write(p)
}

// sum is the SHA-256 of what was written and, where it is long, kept: by it the store names it.
func (s *spool) sum() string {
	if s.name != "" {
		return s.name
	}
	sum := sha256.Sum256(s.head.Bytes())
	return hex.EncodeToString(sum[:])
}

// keep makes a long content durable; a short one stays in memory, and its name is "".
func (s *spool) keep() (name string, err error) {
	if s.pipe == nil {
		return s.name, nil
	}
	s.pipe.Close()
	p := <-s.done
	s.pipe, s.name = nil, p.name
	return p.name, p.err
}

// store makes any content durable.
func (s *spool) place() (string, error) {
	if name, err := s.keep(); name != "" || err != nil {
		return name, err
	}
	return s.store.Put(s.ctx, bytes.NewReader(s.head.Bytes()))
}

var errDropped = errors.New("what was received is thrown away")

// drop throws away what is not finished.
func (s *spool) drop() {
	if s.pipe != nil {
		s.pipe.CloseWithError(errDropped)
		<-s.done
		s.pipe = nil
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
