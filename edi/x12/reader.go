package x12

import (
	"bytes"
	"io"

	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/edi/internal/heads"
	"github.com/paklog/hub/edi/internal/stream"
	"github.com/paklog/hub/edi/sniff"
)

// Reader takes a stream apart into [Part]s. It holds one part at a time, so its
// memory is that of the largest transaction set. It is not safe for concurrent
// use.
type Reader struct {
	win  window
	part Part
	lo   int // first byte not handed out
	k    int // first delimiter at or behind lo

	bounds  []bound
	isa     *ISA // open interchange
	gs      *GS  // open group
	sets    int
	groups  int
	seen    stream.References // ST02 of the open group
	named   stream.References // GS06 of the open interchange
	badTag  bool              // a segment of the set at hand has a tag that is none
	over    bool              // one of the part at hand is over a limit
	skips   bool              // the rest of a set that is over its limit
	rest    rest              // of the set at hand
	lastID  string            // ST01 of the set before, whose text most share
	inJunk  bool              // the noise going on was reported
	stopped bool              // the segment looked for last is the header of one
	any     bool              // an interchange was seen
	err     error             // what ended the reading
}

// NewReader reads from src. Limits' zero value means the defaults.
func NewReader(src io.Reader, limits Limits) *Reader {
	r := newReader(limits)
	r.win.Src = src
	return r
}

// NewBytesReader reads data in place: parts point into it and stay valid as
// long as it is not changed, but for their segments, which need [Part.Clone].
func NewBytesReader(data []byte, limits Limits) *Reader {
	r := newReader(limits)
	r.win.Buf, r.win.EOF = data, true
	return r
}

// Resume reads what another reader left of a stream. Its places go on from there.
func Resume(rest stream.Rest, limits Limits) *Reader {
	r := newReader(limits)
	r.win.Resume(rest)
	r.lo = rest.At
	r.part.line, r.part.column = rest.Line, rest.Column
	r.part.Offset = r.win.Base + int64(r.lo)
	return r
}

// StopAtOther makes the reader end, with io.EOF, before an EDIFACT interchange that begins
// where an X12 one could. What is left is [Reader.Rest].
func (r *Reader) StopAtOther() { r.win.Other = sniff.EDIFACT }

// Rest is what stands behind the end of reading: nothing, or what [Reader.StopAtOther] left.
func (r *Reader) Rest() stream.Rest {
	line, column := r.part.Position(r.part.Offset + int64(len(r.part.Raw)))
	return r.win.Rest(r.lo, line, column)
}

func newReader(limits Limits) *Reader {
	r := &Reader{win: window{Window: heads.Window{Cut: -1}, lim: limits.withDefaults()}}
	r.win.Format = "X12"
	r.part.line, r.part.column = 1, 1
	return r
}

// Next returns the next part, or io.EOF behind the last one. Groups and
// interchanges are always closed by a trailer part, even where the stream has
// none. The part is valid until the next call. An error is final: it comes
// again from every later call.
func (r *Reader) Next() (*Part, error) {
	if r.err != nil {
		return nil, r.err
	}
	// The line count moves on over what was handed out last, while it is there.
	line, column := r.part.Position(r.part.Offset + int64(len(r.part.Raw)))
	moved, entries := r.win.Slide(r.lo, r.k)
	r.lo, r.k = r.lo-moved, r.k-entries
	r.part = Part{ISA: r.isa, GS: r.gs, line: line, column: column, most: r.win.lim.Findings}
	r.bounds, r.over, r.rest = r.bounds[:0], false, rest{}
	r.part.Offset = r.win.Base + int64(r.lo)
	if r.isa == nil {
		r.err = r.outside()
	} else {
		r.err = r.inside()
	}
	if r.err != nil {
		return nil, r.err
	}
	if len(r.part.Findings) > 1 {
		finding.Sort(r.part.Findings, CodeTooManyFindings)
	}
	return &r.part, nil
}

// emit closes the current part at hi, with k the first delimiter behind it.
func (r *Reader) emit(kind Kind, hi, k int) {
	w := &r.win
	r.part.Kind = kind
	r.part.Raw = w.Buf[r.lo:hi:hi]
	r.part.Segments = w.segments(r.bounds)
	r.lo, r.k = hi, k
	for i := range r.part.Findings { // met before the part's bytes were known
		f := &r.part.Findings[i]
		f.Line, f.Column = r.part.Position(f.Offset)
	}
	if len(r.bounds) > 0 {
		s := &r.part.Segments
		s.broken = r.brokenLines()
		s.run.Regular = !s.broken && !s.run.Lines
		if r.over {
			r.checkLimits()
		}
	}
}

// brokenLines reports whether line breaks stand inside data, where they mean
// nothing: somebody wrapped the file. BIN and BDS may hold any byte.
func (r *Reader) brokenLines() bool {
	breaks := bytes.Count(r.part.Raw, []byte{'\n'}) + bytes.Count(r.part.Raw, []byte{'\r'})
	if breaks == 0 {
		return false
	}
	w := &r.win
	count := func(b []byte) (n int) {
		for _, c := range b {
			if c == '\n' || c == '\r' {
				n++
			}
		}
		return n
	}
	t := w.delims.Terminator
	for i := range r.bounds {
		b := &r.bounds[i]
		breaks -= count(w.Buf[b.Lead:b.Start])
		if isBinary(w.Buf[b.Start:w.Idx[b.First]]) {
			breaks -= count(w.Buf[b.Start:b.End])
			continue
		}
		if t == '\n' || t == '\r' {
			if b.End > b.Start && w.Buf[b.End-1] == t {
				breaks--
			}
			if at := w.Idx[b.Last]; t == '\n' && at > b.Start && w.Buf[at-1] == '\r' {
				breaks--
			}
		}
	}
	return breaks > 0
}

// segment finds the segment that begins at or behind lead, blanks skipped. It
// is not found where only blanks are left. next is the first delimiter behind.
func (r *Reader) segment(lead, k int) (b bound, next int, found bool, err error) {
	w := &r.win
	start := lead
	for {
		for start < len(w.Buf) {
			c := w.Buf[start]
			if !isBlank(c) && c != w.delims.Terminator || c == w.delims.Element {
				break
			}
			if c == w.delims.Terminator && !isBlank(c) {
				r.emptySegment(start)
			}
			start++
		}
		if start < len(w.Buf) {
			break
		}
		if start-r.lo > w.lim.SetBytes {
			return b, k, false, r.tooLong()
		}
		more, err := w.Fill()
		if err != nil || !more {
			return b, k, false, err
		}
	}
	if r.stopped, err = r.win.OtherBegins(start); err != nil || r.stopped {
		return b, k, false, err
	}
	b.Lead, b.Start = uint32(lead), uint32(start)
	for k < len(w.Idx) && int(w.Idx[k]) < start {
		k++
	}
	if w.Indexed < start {
		w.Indexed = start
	}
	b.First = uint32(k)
	for {
		for ; k < len(w.Idx); k++ {
			at := w.Idx[k]
			if w.Buf[at] != w.delims.Terminator {
				continue
			}
			if c := w.Buf[start]; c == 'B' {
				done, err := r.binary(&b, k)
				if err != nil {
					return b, k, false, err
				}
				if done {
					return b, int(b.Last) + 1, true, nil
				}
			}
			cut, err := w.nextCut(start+1, int(at))
			if err != nil {
				return b, k, false, err
			}
			if cut >= 0 {
				r.endAt(&b, cut)
				return b, int(b.Last) + 1, true, nil
			}
			b.Last, b.End = uint32(k), at+1
			return b, k + 1, true, nil
		}
		if w.Indexed < len(w.Buf) {
			w.indexMore()
			continue
		}
		if len(w.Buf)-r.lo > w.lim.SetBytes {
			return b, k, false, r.tooLong()
		}
		more, err := w.Fill()
		if err != nil {
			return b, k, false, err
		}
		if !more {
			cut, err := w.nextCut(start+1, len(w.Buf))
			if err != nil {
				return b, k, false, err
			}
			if cut < 0 {
				cut = len(w.Buf)
			}
			r.endAt(&b, cut)
			return b, int(b.Last) + 1, true, nil
		}
	}
}

// endAt ends a segment that has no terminator at position at, where a sentinel
// stands in for it in the index.
func (r *Reader) endAt(b *bound, at int) {
	w := &r.win
	w.Reindex(at)
	// Blanks before the end of the stream are line ends, not data.
	end := at
	for end > int(b.Start) && isBlank(w.Buf[end-1]) {
		end--
	}
	for len(w.Idx) > int(b.First) && int(w.Idx[len(w.Idx)-1]) >= end {
		w.Idx = w.Idx[:len(w.Idx)-1]
	}
	w.Idx = append(w.Idx, uint32(end))
	b.Last, b.End = uint32(len(w.Idx)-1), uint32(at)
	f := Finding{Code: CodeUnterminated, Severity: Warning, Layer: LayerSyntax,
		Offset: w.Base + int64(end), Element: clip(w.Buf[b.Start:w.Idx[b.First]]),
		Expected: clip([]byte{w.delims.Terminator}),
		Message:  "the segment ends without its terminator",
		Hint:     "the file may be cut off here: ask for it again if more was sent"}
	if at == len(w.Buf) && string(w.Buf[b.Start:w.Idx[b.First]]) == "IEA" {
		f.Severity = Note
		f.Hint = ""
	}
	r.part.Add(f)
}

// unread drops the index behind its first k entries, so that the segment at is
// read again: it belongs to the next part, or to the one after a missing trailer.
func (r *Reader) unread(at, k int) {
	r.win.Idx = r.win.Idx[:k]
	r.win.Begin(at)
}

func (r *Reader) tooLong() error {
	return &LimitError{Limit: "SetBytes", Max: r.win.lim.SetBytes, Offset: r.part.Offset}
}

func (r *Reader) emptySegment(at int) {
	r.part.Add(Finding{Code: CodeEmptySegment, Severity: Warning, Layer: LayerSyntax,
		Offset: r.win.Base + int64(at), Length: 1, Found: clip([]byte{r.win.Buf[at]}),
		Message: "a segment terminator stands alone", Hint: "it is skipped; remove the empty segment"})
}

// number reads an unsigned number as X12's N0 writes it.
func number(b []byte) (int64, bool) {
	n, ok := whole(b)
	if !ok {
		return whole(trimISA(b))
	}
	return n, ok
}

func whole(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	for _, c := range b {
		if c-'0' > 9 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}
