// Package mixed reads streams in which X12 and EDIFACT interchanges stand one behind the
// other: mailboxes of a network, or what a partner's nightly job appends to one file.
//
// It finds no more than where the format changes. Each stretch of one format is read by
// that format's own reader, whose places count from the beginning of the stream.
package mixed

import (
	"errors"
	"io"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/internal/stream"
	"github.com/paklog/hub/edi/sniff"
	"github.com/paklog/hub/edi/x12"
)

// Limits are those of both formats. The zero value means the defaults.
type Limits struct {
	X12     x12.Limits
	EDIFACT edifact.Limits
}

// Stretch is the reader of what one format has of a stream: one of the two is set.
type Stretch struct {
	X12     *x12.Reader
	EDIFACT *edifact.Reader
}

// Reader takes a stream apart into stretches. It is not safe for concurrent use.
type Reader struct {
	limits Limits
	rest   stream.Rest
	format sniff.Format
	last   Stretch
}

// NewReader reads from src. The first stretch is of the format that the stream begins
// with, or else of X12, whose reader says what is wrong with it.
func NewReader(src io.Reader, limits Limits) *Reader {
	head := make([]byte, sniff.Reach)
	n, err := io.ReadFull(src, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		src = broken{err} // the stretch's reader meets it where it stands
	}
	r := newReader(head[:n], limits)
	r.rest.Src, r.rest.EOF = src, false
	return r
}

// broken is the rest of a stream that ended in an error.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// NewBytesReader reads data in place, as the formats' own readers do.
func NewBytesReader(data []byte, limits Limits) *Reader {
	r := newReader(data, limits)
	r.rest.EOF = true
	return r
}

func newReader(head []byte, limits Limits) *Reader {
	r := &Reader{limits: limits, format: sniff.X12, rest: stream.Rest{Window: stream.Window{Buf: head}, Line: 1, Column: 1}}
	if sniff.Of(head) == sniff.EDIFACT {
		r.format = sniff.EDIFACT
	}
	return r
}

// Next is the next stretch, or io.EOF. The one before must have been read to its io.EOF.
func (r *Reader) Next() (Stretch, error) {
	switch {
	case r.last.X12 != nil:
		r.rest, r.format = r.last.X12.Rest(), sniff.EDIFACT
	case r.last.EDIFACT != nil:
		r.rest, r.format = r.last.EDIFACT.Rest(), sniff.X12
	}
	if r.last != (Stretch{}) && r.rest.At == len(r.rest.Buf) {
		return Stretch{}, io.EOF
	}
	r.last = Stretch{}
	if r.format == sniff.EDIFACT {
		r.last.EDIFACT = edifact.Resume(r.rest, r.limits.EDIFACT)
		r.last.EDIFACT.StopAtOther()
	} else {
		r.last.X12 = x12.Resume(r.rest, r.limits.X12)
		r.last.X12.StopAtOther()
	}
	return r.last, nil
}

// Each gives every stretch to the function of its format, which must read it to its
// io.EOF. It ends with the first error.
func (r *Reader) Each(x func(*x12.Reader) error, e func(*edifact.Reader) error) error {
	for {
		s, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
		case s.X12 != nil:
			err = x(s.X12)
		default:
			err = e(s.EDIFACT)
		}
		if err != nil {
			return err
		}
	}
}
