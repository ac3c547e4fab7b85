package s3

import (
	"context"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/paklog/hub/adapters/internal/payload"
	"github.com/paklog/hub/core/fault"
)

// A Draft is a payload that is being written, to a file until its name is known. It is kept or dropped, and used by
// one goroutine.
type Draft struct {
	ctx    context.Context
	s      *Store
	f      *os.File
	hash   hash.Hash
	suffix string
	size   int64
}

// Draft begins a payload that is named by its BLAKE3; nothing can be written once ctx has ended.
func (s *Store) Draft(ctx context.Context) (*Draft, error) { return s.draft(ctx, payload.Fast) }

func (s *Store) draft(ctx context.Context, suffix string) (*Draft, error) {
	f, err := os.CreateTemp(s.c.Spool, "payload-")
	if err != nil {
		return nil, fault.E("s3.Draft", fault.Unavailable, err)
	}
	return &Draft{ctx: ctx, s: s, f: f, hash: payload.Hash(suffix), suffix: suffix}, nil
}

// Write implements [io.Writer].
func (d *Draft) Write(p []byte) (int, error) {
	const op = "s3.Write"
	if err := d.ctx.Err(); err != nil {
		return 0, fault.E(op, fault.Transient, err)
	}
	if d.size+int64(len(p)) > d.s.c.Max {
		return 0, fault.E(op, fault.Rejected, fmt.Errorf("payload is longer than %d bytes", d.s.c.Max))
	}
	n, err := d.f.Write(p)
	d.hash.Write(p[:n])
	d.size += int64(n)
	if err != nil {
		return n, fault.E(op, fault.Unavailable, fmt.Errorf("writing a payload: %w", err))
	}
	return n, nil
}

// ReadFrom implements [io.ReaderFrom]. An error of r is handed on as it is.
func (d *Draft) ReadFrom(r io.Reader) (int64, error) {
	return io.CopyBuffer(writer{d}, r, make([]byte, 128<<10))
}

// writer hides that a draft reads by itself.
type writer struct{ io.Writer }

// Content reads what was written, from its beginning, until the draft is written on or dropped.
func (d *Draft) Content() io.Reader { return io.NewSectionReader(d.f, 0, d.size) }

// Keep makes the payload an object, and returns its hash. Nothing can be written behind it.
func (d *Draft) Keep() (string, error) {
	name := hex.EncodeToString(d.hash.Sum(nil))
	return name, d.s.upload(d.ctx, d, name, d.suffix, d.size)
}

// Drop ends the draft. What was not kept is gone.
func (d *Draft) Drop() {
	_ = d.f.Close()
	_ = os.Remove(d.f.Name())
}
