package edifact

import (
	"bytes"
	"encoding/binary"
	"iter"
	"strings"

	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/edi/internal/stream"
)

// bound is where one segment lies in the window.
type bound = stream.Bound

// Segments is a run of indexed segments: a lazy view that copies nothing. It is
// valid as long as the [Part] it belongs to.
type Segments struct {
	run     stream.Run
	delims  Delimiters
	charset Charset
	broken  bool  // line breaks inside data, to be skipped in values
	seen    uint8 // what bytes there are, in the terms of [stream.Seen]; 0 is not known
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

// Seek is the first segment from the i-th on with the tag id, which has three
// characters, or [Segments.Len].
func (s *Segments) Seek(i int, id string) int {
	want := uint32(id[0]) | uint32(id[1])<<8 | uint32(id[2])<<16
	data, bounds := s.run.Data, s.run.Bounds
	if !s.run.Regular {
		data = nil
	}
	for ; i < len(bounds); i++ {
		at := int(bounds[i].Start)
		if at+4 <= len(data) && binary.LittleEndian.Uint32(data[at:])&0xFFFFFF != want {
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
	stream.View
	of      *Segments
	ordinal int
}

// ID is the segment's tag.
func (s Segment) ID() string { return string(s.Tag()) }

// Tag is [Segment.ID] without the copy.
func (s Segment) Tag() []byte {
	if b := s.Element(0); isTag(b) {
		return b
	}
	return tag(s.Element(0), s.of.delims.Component)
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
	if b := s.Element(0); len(b) == len(id) {
		return string(b) == id
	}
	return string(s.Tag()) == id
}

// Ordinal is the place of the segment in its message; UNH is 1.
func (s Segment) Ordinal() int { return s.ordinal }

// Wrapped is [Segments.Wrapped] of the segment's run.
func (s Segment) Wrapped() bool { return s.of.broken }

// Repetitions is how often the n-th element is repeated: 1 without a
// repetition separator in it, 0 where it is absent or empty.
func (s Segment) Repetitions(n int) int {
	b := s.Element(n)
	if len(b) == 0 {
		return 0
	}
	d := s.of.delims
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

// Repeats ranges over the repetitions of the n-th element as they stand, one without a
// repetition separator in it; none where the element is absent or empty.
func (s Segment) Repeats(n int) iter.Seq[[]byte] {
	b := s.Element(n)
	if len(b) == 0 {
		return func(func([]byte) bool) {}
	}
	return pieces(b, s.of.delims.Repetition, s.of.delims.Release)
}

// Components ranges over the components of one of [Segment.Repeats] as they stand.
func (s Segment) Components(repeat []byte) iter.Seq[[]byte] {
	return pieces(repeat, s.of.delims.Component, s.of.delims.Release)
}

// Out is the segment as a [Writer] takes it: its values released and in UTF-8, empty
// components at the end of a composite left out.
func (s Segment) Out() Out {
	o := Out{ID: s.ID()}
	for n := 1; n <= s.Len(); n++ {
		var repeats []string
		for repeat := range s.Repeats(n) {
			var parts []string
			for raw := range s.Components(repeat) {
				parts = append(parts, s.Text(raw))
			}
			repeats = append(repeats, C(parts...))
		}
		o.Elements = append(o.Elements, strings.Join(repeats, RepetitionMark))
	}
	return o
}

// pieces are what stands between separators that no release character stands before.
func pieces(b []byte, sep, release byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for sep != 0 {
			i := cut(b, sep, release)
			if i < 0 {
				break
			}
			if !yield(b[:i:i]) {
				return
			}
			b = b[i+1:]
		}
		yield(b)
	}
}

// Component is the c-th component of the r-th repetition of the n-th element, all
// from 1, as it stands, release characters included; nil where the element is
// shorter. offset is where it stands in the stream, or where it would be due.
func (s Segment) Component(n, r, c int) (raw []byte, offset int64) {
	data, base := s.of.run.Data, s.of.run.Base
	from, to, ok := s.Span(n)
	if !ok {
		_, to, _ = s.Span(s.Len())
		return nil, base + int64(to)
	}
	d := s.of.delims
	b := data[from:to:to]
	if from, to, ok = part(b, d.Repetition, d.Release, r, from); !ok {
		return nil, base + int64(to)
	}
	b = data[from:to:to]
	if from, to, ok = part(b, d.Component, d.Release, c, from); !ok {
		return nil, base + int64(to)
	}
	return data[from:to:to], base + int64(from)
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
	if s.of.broken {
		raw = unwrap(raw)
	}
	if r := s.of.delims.Release; r != 0 && bytes.IndexByte(raw, r) >= 0 {
		raw = unrelease(raw, r)
	}
	return s.of.charset.Decode(bytes.TrimRight(raw, " "))
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

// Ref names an element, or with c over 0 a component of it: "NAD-02-1".
func (s Segment) Ref(n, c int) string {
	if n == 0 {
		return s.ID()
	}
	return finding.Ref(s.ID(), n, c)
}
