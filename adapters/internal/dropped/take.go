package dropped

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/paklog/hub/core/door"
)

// Store keeps long contents by their SHA-256; they are durable when Put returns. A reader that
// fails leaves nothing there.
type Store interface {
	Put(ctx context.Context, r io.Reader) (string, error)
}

// Open takes what protects a partner's file off it. The reader ends in an error where the file is
// not what was agreed: until its end nothing of it counts.
type Open func(partner string, r io.Reader) (io.Reader, error)

// Taker makes documents of files that partners drop.
type Taker struct {
	Store Store // nil keeps everything in memory
	Open  Open  // nil takes files as they are
	Max   int64 // bytes of a document
}

// inline is the longest content that goes without the store.
const inline = 64 << 10

// RefusedError is a file that will not be taken as it is, however often it is tried.
type RefusedError struct{ Why error }

func (e *RefusedError) Error() string { return e.Why.Error() }

// Unwrap implements the interface of package errors.
func (e *RefusedError) Unwrap() error { return e.Why }

// Take reads a file to its end. The document's key is the hash of what it says, so that the same
// document is taken once, however it came and however it was wrapped.
func (t Taker) Take(ctx context.Context, partner, name string, file io.Reader) (door.Document, error) {
	doc := door.Document{Partner: partner, Name: name}
	from := &reading{r: file}
	r, bounded := io.Reader(from), &bound{left: t.Max}
	if t.Open != nil {
		opened, err := t.Open(partner, from)
		if err != nil {
			return doc, from.blame(err)
		}
		r = opened
	}
	bounded.r = r
	sum := sha256.New()
	r = io.TeeReader(bounded, sum)
	head := make([]byte, inline+1)
	n, err := io.ReadFull(r, head)
	head = head[:n]
	doc.Media = Media(head)
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		doc.Bytes = bytes.Clone(head)
	case err != nil:
		return doc, from.blame(err)
	case t.Store == nil:
		rest, err := io.ReadAll(r)
		if err != nil {
			return doc, from.blame(err)
		}
		doc.Bytes = slices.Concat(head, rest)
	default:
		broken := &reading{r: io.MultiReader(bytes.NewReader(head), r)}
		if doc.Kept, err = t.Store.Put(ctx, broken); err != nil {
			if broken.err != nil {
				return doc, from.blame(broken.err)
			}
			return doc, err
		}
		doc.Size = bounded.read
	}
	doc.Key = door.Key{Scope: "folder/" + partner, ID: hex.EncodeToString(sum.Sum(nil)), Hash: [32]byte(sum.Sum(nil))}
	return doc, nil
}

// reading remembers what reading failed by.
type reading struct {
	r   io.Reader
	err error
}

func (f *reading) Read(b []byte) (int, error) {
	n, err := f.r.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}

// blame says whose fault an error is: of reading the file, or of what stands in it.
func (f *reading) blame(err error) error {
	if f.err != nil {
		return f.err
	}
	return &RefusedError{err}
}

// bound ends what is longer than a document may be.
type bound struct {
	r          io.Reader
	read, left int64
}

func (b *bound) Read(p []byte) (int, error) {
	n, err := b.r.Read(p[:min(int64(len(p)), b.left+1)])
	b.read, b.left = b.read+int64(n), b.left-int64(n)
	if b.left < 0 {
		return 0, fmt.Errorf("it holds more than %d bytes", b.read-1)
	}
	return n, err
}
