package blob

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"sync"
	"syscall"

	"github.com/zeebo/blake3"

	"github.com/paklog/hub/adapters/internal/payload"
	"github.com/paklog/hub/core/fault"
)

// chunk is how much is written and read at once. It goes past the page cache: a payload of megabytes is
// not read again soon, and to find cold pages for it takes several times what writing it does. From half
// a megabyte on larger ones gain little.
const chunk = 512 << 10

// chunks are memory for that. Go hands so much out in whole pages, as direct writes want it.
var chunks = sync.Pool{New: func() any { return new([chunk]byte) }}

// A Draft is a payload that is being written. It is kept or dropped, and used by one goroutine.
type Draft struct {
	ctx    context.Context
	s      *Store
	f      *os.File
	hash   hash.Hash
	suffix string // of the file's name
	size   int64  // that is in f: whole chunks until the end is written
	buf    *[chunk]byte
	n      int    // bytes of buf that are not in f
	tail   []byte // once it was kept: the end of it that stands in no whole chunk
	direct bool   // f goes past the page cache now
}

// Draft begins a payload that is named by its BLAKE3; nothing can be written once ctx has ended.
func (s *Store) Draft(ctx context.Context) (*Draft, error) {
	return s.draft(ctx, blake3.New(), payload.Fast)
}

func (s *Store) draft(ctx context.Context, h hash.Hash, suffix string) (*Draft, error) {
	f, err := os.CreateTemp(s.incoming(), "payload-")
	if err != nil {
		return nil, fault.E("blob.Draft", kindOf(err), err)
	}
	return &Draft{ctx: ctx, s: s, f: f, hash: h, suffix: suffix}, nil
}

// Write implements [io.Writer].
func (d *Draft) Write(p []byte) (int, error) {
	done := 0
	for len(p) > 0 {
		room, err := d.room()
		if err != nil {
			return done, err
		}
		n := copy(room, p)
		if err := d.took(n); err != nil {
			return done, err
		}
		done += n
		p = p[n:]
	}
	return done, nil
}

// ReadFrom implements [io.ReaderFrom]: what r yields is not copied once more. An error of r is handed on
// as it is.
func (d *Draft) ReadFrom(r io.Reader) (int64, error) {
	var done int64
	for {
		room, err := d.room()
		if err != nil {
			return done, err
		}
		n, err := r.Read(room)
		if err := d.took(n); err != nil {
			return done, err
		}
		done += int64(n)
		if errors.Is(err, io.EOF) {
			return done, nil
		}
		if err != nil {
			return done, err
		}
	}
}

const opWrite = "blob.Write"

// room is where the next bytes go to.
func (d *Draft) room() ([]byte, error) {
	if err := d.ctx.Err(); err != nil {
		return nil, fault.E(opWrite, fault.Transient, err)
	}
	if d.buf == nil {
		d.buf = chunks.Get().(*[chunk]byte)
	}
	if d.n == chunk {
		if err := d.flush(); err != nil {
			return nil, fault.E(opWrite, kindOf(err), fmt.Errorf("writing a payload: %w", err))
		}
	}
	return d.buf[d.n:], nil
}

// took notes that n bytes stand there.
func (d *Draft) took(n int) error {
	if d.n += n; d.size+int64(d.n) > d.s.max {
		return fault.E(opWrite, fault.Rejected, fmt.Errorf("payload is longer than %d bytes", d.s.max))
	}
	return nil
}

// flush writes a whole chunk.
func (d *Draft) flush() error {
	if d.size == 0 {
		d.direct = direct(d.f, true)
	}
	d.hash.Write(d.buf[:])
	_, err := d.f.WriteAt(d.buf[:], d.size)
	if d.direct && errors.Is(err, syscall.EINVAL) {
		d.direct = !direct(d.f, false) // it said that it would
		_, err = d.f.WriteAt(d.buf[:], d.size)
	}
	if err != nil {
		return err
	}
	d.size += chunk
	d.n = 0
	return nil
}

// Content reads what was written, from its beginning, until the draft is written on or dropped. It is not held
// against the hash: nobody else can have changed it.
func (d *Draft) Content() io.Reader {
	if d.buf != nil {
		return io.MultiReader(&chunked{d: d, end: d.size}, bytes.NewReader(d.buf[:d.n]))
	}
	return io.MultiReader(&chunked{d: d, end: d.size - int64(len(d.tail))}, bytes.NewReader(d.tail))
}

// chunked reads the chunks of a draft from its file.
type chunked struct {
	d       *Draft
	at, end int64
	buf     *[chunk]byte
	ready   []byte
}

func (c *chunked) Read(p []byte) (int, error) {
	if len(c.ready) == 0 {
		if c.at == c.end {
			c.release()
			return 0, io.EOF
		}
		if c.buf == nil {
			c.buf = chunks.Get().(*[chunk]byte)
			if !c.d.direct {
				c.d.direct = direct(c.d.f, true)
			}
		}
		n, err := c.d.f.ReadAt(c.buf[:], c.at)
		if c.d.direct && errors.Is(err, syscall.EINVAL) {
			c.d.direct = !direct(c.d.f, false)
			n, err = c.d.f.ReadAt(c.buf[:], c.at)
		}
		if n < chunk {
			c.release()
			return 0, fault.E("blob.Content", fault.Transient, fmt.Errorf("reading a payload: %w", err))
		}
		c.at += chunk
		c.ready = c.buf[:]
	}
	n := copy(p, c.ready)
	c.ready = c.ready[n:]
	return n, nil
}

func (c *chunked) release() {
	if c.buf != nil {
		chunks.Put(c.buf)
		c.buf = nil
	}
}

// Keep makes the payload durable, file and folder, and returns its hash. Nothing can be written behind it.
func (d *Draft) Keep() (string, error) {
	const op = "blob.Keep"
	if err := d.ctx.Err(); err != nil {
		return "", fault.E(op, fault.Transient, err)
	}
	if err := d.last(); err != nil {
		return "", fault.E(op, kindOf(err), fmt.Errorf("writing a payload: %w", err))
	}
	if err := d.s.sync(d.f); err != nil {
		return "", fault.E(op, kindOf(err), fmt.Errorf("syncing a payload: %w", err))
	}
	name := hex.EncodeToString(d.hash.Sum(nil))
	if err := d.s.place(d.f.Name(), name, d.suffix); err != nil {
		return "", fault.E(op, kindOf(err), fmt.Errorf("placing payload %s: %w", name, err))
	}
	return name, nil
}

// last writes the end, which is no whole chunk: that goes through the page cache.
func (d *Draft) last() error {
	if d.buf == nil {
		return nil
	}
	if d.n == chunk {
		if err := d.flush(); err != nil {
			return err
		}
	}
	if d.direct {
		d.direct = !direct(d.f, false)
	}
	d.hash.Write(d.buf[:d.n])
	if _, err := d.f.WriteAt(d.buf[:d.n], d.size); err != nil {
		return err
	}
	d.tail = bytes.Clone(d.buf[:d.n])
	d.size += int64(d.n)
	d.n = 0
	d.release()
	return nil
}

func (d *Draft) release() {
	if d.buf != nil {
		chunks.Put(d.buf)
		d.buf = nil
	}
}

// Drop ends the draft. What was not kept is gone.
func (d *Draft) Drop() {
	d.release()
	_ = d.f.Close()
	_ = os.Remove(d.f.Name()) // gone already where it was kept
}
