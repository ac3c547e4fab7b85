package edifact

import (
	"bytes"
	"encoding/binary"
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
	data    []byte
	base    int64 // stream offset of data[0]
	idx     []uint32
	bounds  []bound
	delims  Delimiters
	charset Charset
	broken  bool  // line breaks inside data, to be skipped in values
	seen    uint8 // what bytes there are, in the terms of [stream.Seen]; 0 is not known
	regular bool  // tags and elements are what the index says: no line breaks, no nesting
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
	if s.regular {
		return data[b.start:idx[0]:idx[0]], data, idx
	}
	at := s.At(i)
	_, to, _ := at.span(at.Len()) // a CR before the LF is no data
	return at.Tag(), data, append(append(scratch, idx[:len(idx)-1]...), to)
}

// Seek is the first segment from the i-th on with the tag id, which has three
// characters, or [Segments.Len].
func (s *Segments) Seek(i int, id string) int {
	want := uint32(id[0]) | uint32(id[1])<<8 | uint32(id[2])<<16
	for ; i < len(s.bounds); i++ {
		at := s.bounds[i].start
		if s.regular && int(at)+4 <= len(s.data) && binary.LittleEndian.Uint32(s.data[at:])&0xFFFFFF != want {
			continue
		}
		if s.At(i).Is(id) {
			return i
		}
	}
	return i
}

// Delimiters are those of the interchange around the segments.
func (s *Segments) Delimiters() Delimiters { return s.delims }

// Charset is what the bytes of the segments are read as: what UNB declares, or
// UTF-8 where the bytes show it.
func (s *Segments) Charset() Charset { return s.charset }

// Seen is what bytes stand in the segments beside data, as edi/internal/stream
// names them; 0 where nobody looked.
func (s *Segments) Seen() uint8 { return s.seen &^ (isForeign | isHigh) }

// Wrapped reports whether line breaks stand inside data, so that values differ
// from the bytes as they stand.
func (s *Segments) Wrapped() bool { return s.broken }

// Segment is a view of one segment. Elements count from 1 and are what stands
// between element separators, composites whole; element 0 is the tag.
type Segment struct {
	run     *Segments
	idx     []uint32
	b       *bound
	ordinal int
}

// ID is the segment's tag.
func (s Segment) ID() string { return string(s.Tag()) }

// Tag is [Segment.ID] without the copy.
func (s Segment) Tag() []byte {
	if b := s.run.data[s.b.start:s.idx[0]:s.idx[0]]; isTag(b) {
		return b
	}
	return tag(s.Element(0), s.run.delims.Component)
}

// tag takes off the nesting that explicit indication puts behind a tag
// ("LIN:1") and the line breaks of a wrapped file.
func tag(b []byte, component byte) []byte {
	for i, c := range b {
		if c == '\n' || c == '\r' {
			return tag(unwrap(b), component)
		}
		if c == component {
			return b[:i]
		}
	}
	return b
}

// Is reports whether the segment's tag is id, without allocating.
func (s Segment) Is(id string) bool {
	if b := s.run.data[s.b.start:s.idx[0]]; len(b) == len(id) {
		return string(b) == id
	}
	return string(s.Tag()) == id
}

// Ordinal is the place of the segment in its message; UNH is 1.
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

// Wrapped is [Segments.Wrapped] of the segment's run.
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

// Repetitions is how often the n-th element is repeated: 1 without a
// repetition separator in it, 0 where it is absent or empty.
func (s Segment) Repetitions(n int) int {
	b := s.Element(n)
	if len(b) == 0 {
		return 0
	}
	d := s.run.delims
	count := 1
	for d.Repetition != 0 {
		i := cut(b, d.Repetition, d.Release)
		if i < 0 {
			break
		}
		count++
		b = b[i+1:]
	}
	return count
}

// Component is the c-th component of the r-th repetition of the n-th element, all
// from 1, as it stands, release characters included; nil where the element is
// shorter. offset is where it stands in the stream, or where it would be due.
func (s Segment) Component(n, r, c int) (raw []byte, offset int64) {
	from, to, ok := s.span(n)
	if !ok {
		_, to, _ = s.span(len(s.idx) - 1)
		return nil, s.run.base + int64(to)
	}
	d := s.run.delims
	b := s.run.data[from:to:to]
	if from, to, ok = part(b, d.Repetition, d.Release, r, from); !ok {
		return nil, s.run.base + int64(to)
	}
	b = s.run.data[from:to:to]
	if from, to, ok = part(b, d.Component, d.Release, c, from); !ok {
		return nil, s.run.base + int64(to)
	}
	return s.run.data[from:to:to], s.run.base + int64(from)
}

// part finds the n-th piece of b, from 1, which stands at position at.
func part(b []byte, sep, release byte, n int, at uint32) (from, to uint32, ok bool) {
	for ; n > 1; n-- {
		i := -1
		if sep != 0 {
			i = cut(b, sep, release)
		}
		if i < 0 {
			return at, at + uint32(len(b)), false
		}
		b, at = b[i+1:], at+uint32(i)+1
	}
	if sep != 0 {
		if i := cut(b, sep, release); i >= 0 {
			b = b[:i]
		}
	}
	return at, at + uint32(len(b)), true
}

// cut is the position of the first sep in b that no release character stands
// before, or -1.
func cut(b []byte, sep, release byte) int {
	i := bytes.IndexByte(b, sep)
	if i <= 0 || release == 0 {
		return i
	}
	if r := bytes.IndexByte(b[:i], release); r < 0 {
		return i
	}
	for i = 0; i < len(b); i++ {
		switch b[i] {
		case release:
			i++
		case sep:
			return i
		}
	}
	return -1
}

// Value is the c-th component of the n-th element's first repetition as text:
// in UTF-8, released, without the line breaks that were wrapped into it and
// without trailing blanks. Absent and empty are both "".
func (s Segment) Value(n, c int) string {
	raw, _ := s.Component(n, 1, c)
	return s.Text(raw)
}

// Text is raw data of the segment as [Segment.Value] gives it.
func (s Segment) Text(raw []byte) string {
	if s.run.broken {
		raw = unwrap(raw)
	}
	if r := s.run.delims.Release; r != 0 && bytes.IndexByte(raw, r) >= 0 {
		raw = unrelease(raw, r)
	}
	return s.run.charset.Decode(bytes.TrimRight(raw, " "))
}

// unrelease takes release characters out of data.
func unrelease(b []byte, release byte) []byte {
	kept := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == release && i+1 < len(b) {
			i++
		}
		kept = append(kept, b[i])
	}
	return kept
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
// terminator. Of a package's UNP that is its object too.
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

// Ref names an element, or with c over 0 a component of it: "NAD-02-1".
func (s Segment) Ref(n, c int) string {
	if n == 0 {
		return s.ID()
	}
	return finding.Ref(s.ID(), n, c)
}
