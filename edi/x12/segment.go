package x12

import (
	"bytes"
	"iter"

	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/edi/internal/stream"
)

// bound is where one segment lies in the window.
type bound = stream.Bound

// Segments is a run of indexed segments: a lazy view that copies nothing. It is
// valid as long as the [Part] it belongs to.
type Segments struct {
	run    stream.Run
	delims Delimiters
	broken bool // line breaks inside data, to be skipped in values
}

// Len is the number of segments.
func (s *Segments) Len() int { return len(s.run.Bounds) }

// At is the i-th segment, from 0.
func (s *Segments) At(i int) Segment {
	return Segment{View: s.run.At(i), of: s, ordinal: i + 1}
}

// All ranges over the segments in order.
func (s *Segments) All() iter.Seq2[int, Segment] {
	return func(yield func(int, Segment) bool) {
		for i := range s.run.Bounds {
			if !yield(i, s.At(i)) {
				return
			}
		}
	}
}

// Split is the tag of the i-th segment, and where in text its elements stand: the
// n-th from ends[n-1]+1 up to ends[n]. It may use scratch for ends.
func (s *Segments) Split(i int, scratch []uint32) (id, text []byte, ends []uint32) {
	if r := &s.run; r.Regular {
		b := &r.Bounds[i]
		ends = r.Idx[b.First : b.Last+1]
		return r.Data[b.Start:ends[0]:ends[0]], r.Data, ends
	}
	return s.At(i).Tag(), s.run.Data, s.run.Split(i, scratch)
}

// Run is the segments as edi/internal/stream has them.
func (s *Segments) Run() *stream.Run { return &s.run }

// Delimiters are those of the interchange around the segments.
func (s *Segments) Delimiters() Delimiters { return s.delims }

// Segment is a view of one segment. Elements count from 1; element 0 is the tag.
type Segment struct {
	stream.View
	of      *Segments
	ordinal int
}

// ID is the segment's tag.
func (s Segment) ID() string { return string(s.Tag()) }

// Tag is [Segment.ID] without the copy.
func (s Segment) Tag() []byte { return tag(s.Element(0)) }

// tag takes out the line breaks of a wrapped file.
func tag(b []byte) []byte {
	for _, c := range b {
		if c == '\n' || c == '\r' {
			return unwrap(b)
		}
	}
	return b
}

// Is reports whether the segment's tag is id, without allocating.
func (s Segment) Is(id string) bool {
	return string(s.Tag()) == id
}

// Ordinal is the place of the segment in its set; ST is 1.
func (s Segment) Ordinal() int { return s.ordinal }

// Wrapped reports whether line breaks stand inside data of the segment's run, so
// that [Segment.Data] differs from [Segment.Element].
func (s Segment) Wrapped() bool { return s.of.broken }

// Value is the n-th element as text: line breaks that were wrapped into it are
// gone, and so are trailing blanks, which X12 gives no meaning. Absent and
// empty elements are both "".
func (s Segment) Value(n int) string { return s.text(s.Element(n)) }

// Data is [Segment.Value] without the copy: it stays valid as long as the part.
func (s Segment) Data(n int) []byte { return s.clean(s.Element(n)) }

// Component is the c-th component of the n-th element, from 1. An element that
// is not composite has one.
func (s Segment) Component(n, c int) string {
	b, sep := s.Element(n), s.of.delims.Component
	if sep == 0 {
		if c != 1 {
			return ""
		}
		return s.text(b)
	}
	for ; c > 1; c-- {
		i := bytes.IndexByte(b, sep)
		if i < 0 {
			return ""
		}
		b = b[i+1:]
	}
	if i := bytes.IndexByte(b, sep); i >= 0 {
		b = b[:i]
	}
	return s.text(b)
}

// Repeats are the repetitions of the n-th element; one if nothing repeats, none
// if it is absent.
func (s Segment) Repeats(n int) []string {
	b := s.Element(n)
	if len(b) == 0 {
		return nil
	}
	if s.of.delims.Repetition == 0 {
		return []string{s.text(b)}
	}
	var out []string
	for _, r := range bytes.Split(b, []byte{s.of.delims.Repetition}) {
		out = append(out, s.text(r))
	}
	return out
}

func (s Segment) text(b []byte) string { return string(s.clean(b)) }

func (s Segment) clean(b []byte) []byte {
	if s.of.broken {
		b = unwrap(b)
	}
	for len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return b
}

// unwrap takes line breaks out of data.
func unwrap(b []byte) []byte {
	if !bytes.ContainsAny(b, "\r\n") {
		return b
	}
	kept := make([]byte, 0, len(b))
	for _, c := range b {
		if c != '\r' && c != '\n' {
			kept = append(kept, c)
		}
	}
	return kept
}

// Ref names the n-th element the way analysts write it: "W01-05".
func (s Segment) Ref(n int) string {
	if n == 0 {
		return s.ID()
	}
	return ref(s.ID(), n)
}

func ref(id string, n int) string { return finding.Ref(id, n, 0) }
