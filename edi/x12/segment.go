package x12

import (
	"bytes"
	"iter"

	"github.com/paklog/hub/edi/finding"
)

// bound is where one segment lies: byte offsets into the window, and the run
// idx[first:last+1] of its delimiters, the last one its terminator.
type bound struct {
	lead, start, end uint32 // raw start, tag, behind the terminator
	first, last      uint32
}

// Segments is a run of indexed segments: a lazy view that copies nothing. It is
// valid as long as the [Part] it belongs to.
type Segments struct {
	data   []byte
	base   int64 // stream offset of data[0]
	idx    []uint32
	bounds []bound
	delims Delimiters
	broken bool // line breaks inside data, to be skipped in values
}

// Len is the number of segments.
func (s *Segments) Len() int { return len(s.bounds) }

// At is the i-th segment, from 0.
func (s *Segments) At(i int) Segment {
	b := &s.bounds[i]
	return Segment{run: s, idx: s.idx[b.first : b.last+1], b: b, ordinal: i + 1}
}

// All ranges over the segments in order.
func (s *Segments) All() iter.Seq2[int, Segment] {
	return func(yield func(int, Segment) bool) {
		for i := range s.bounds {
			if !yield(i, s.At(i)) {
				return
			}
		}
	}
}

// Split is the tag of the i-th segment, and where in text its elements stand: the
// n-th from ends[n-1]+1 up to ends[n]. It may use scratch for ends.
func (s *Segments) Split(i int, scratch []uint32) (id, text []byte, ends []uint32) {
	b := &s.bounds[i]
	idx, data := s.idx[b.first:b.last+1], s.data
	if id = data[b.start:idx[0]:idx[0]]; s.broken || s.delims.Terminator == '\n' {
		at := s.At(i)
		_, to, _ := at.span(at.Len()) // a CR before the LF is no data
		return at.Tag(), data, append(append(scratch, idx[:len(idx)-1]...), to)
	}
	return id, data, idx
}

// Delimiters are those of the interchange around the segments.
func (s *Segments) Delimiters() Delimiters { return s.delims }

// Segment is a view of one segment. Elements count from 1; element 0 is the tag.
type Segment struct {
	run     *Segments
	idx     []uint32
	b       *bound
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

// Len is the number of elements behind the tag, trailing empty ones included.
func (s Segment) Len() int { return len(s.idx) - 1 }

// Element is the n-th element as it stands, nil if the segment is shorter.
func (s Segment) Element(n int) []byte {
	from, to, ok := s.span(n)
	if !ok {
		return nil
	}
	return s.run.data[from:to:to]
}

// Wrapped reports whether line breaks stand inside data of the segment's run, so
// that [Segment.Data] differs from [Segment.Element].
func (s Segment) Wrapped() bool { return s.run.broken }

func (s Segment) span(n int) (from, to uint32, ok bool) {
	if n < 0 || n >= len(s.idx) {
		return 0, 0, false
	}
	from = s.b.start
	if n > 0 {
		from = s.idx[n-1] + 1
	}
	to = s.idx[n]
	// With LF for a terminator the CR before it belongs to the line end.
	if n == len(s.idx)-1 && s.run.delims.Terminator == '\n' && to > from && s.run.data[to-1] == '\r' {
		to--
	}
	return from, to, true
}

// Value is the n-th element as text: line breaks that were wrapped into it are
// gone, and so are trailing blanks, which X12 gives no meaning. Absent and
// empty elements are both "".
func (s Segment) Value(n int) string { return s.text(s.Element(n)) }

// Data is [Segment.Value] without the copy: it stays valid as long as the part.
func (s Segment) Data(n int) []byte { return s.clean(s.Element(n)) }

// Component is the c-th component of the n-th element, from 1. An element that
// is not composite has one.
func (s Segment) Component(n, c int) string {
	b, sep := s.Element(n), s.run.delims.Component
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
	if s.run.delims.Repetition == 0 {
		return []string{s.text(b)}
	}
	var out []string
	for _, r := range bytes.Split(b, []byte{s.run.delims.Repetition}) {
		out = append(out, s.text(r))
	}
	return out
}

func (s Segment) text(b []byte) string { return string(s.clean(b)) }

func (s Segment) clean(b []byte) []byte {
	if s.run.broken {
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

// Raw is every byte of the segment: blanks before the tag, the segment, its
// terminator.
func (s Segment) Raw() []byte { return s.run.data[s.b.lead:s.b.end:s.b.end] }

// Body is the segment from its tag up to its terminator.
func (s Segment) Body() []byte {
	_, to, _ := s.span(len(s.idx) - 1)
	return s.run.data[s.b.start:to:to]
}

// Offset is where the segment's tag stands in the stream.
func (s Segment) Offset() int64 { return s.run.base + int64(s.b.start) }

// Place is where the n-th element stands in the stream and how long it is. An
// element that the segment is too short for stands at the segment's end.
func (s Segment) Place(n int) (offset int64, length int) {
	from, to, ok := s.span(n)
	if !ok {
		_, to, _ = s.span(len(s.idx) - 1)
		return s.run.base + int64(to), 0
	}
	return s.run.base + int64(from), int(to - from)
}

// Ref names the n-th element the way analysts write it: "W01-05".
func (s Segment) Ref(n int) string {
	if n == 0 {
		return s.ID()
	}
	return ref(s.ID(), n)
}

func ref(id string, n int) string { return finding.Ref(id, n, 0) }
