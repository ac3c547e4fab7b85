package x12

import (
	"bytes"
	"io"
	"math"
)

// Reader takes a stream apart into [Part]s. It holds one part at a time, so its
// memory is that of the largest transaction set. It is not safe for concurrent
// use.
type Reader struct {
	win  window
	part Part
	lo   int // first byte not handed out
	k    int // first delimiter at or behind lo

	bounds []bound
	isa    *ISA // open interchange
	gs     *GS  // open group
	sets   int
	groups int
	seen   map[string]struct{} // ST02 of the open group
	inJunk bool                // the noise going on was reported
	any    bool                // an interchange was seen
	err    error               // what ended the reading
}

// NewReader reads from src. Limits' zero value means the defaults.
func NewReader(src io.Reader, limits Limits) *Reader {
	r := newReader(limits)
	r.win.src = src
	return r
}

// NewBytesReader reads data in place: parts point into it and stay valid as
// long as it is not changed, but for their segments, which need [Part.Clone].
func NewBytesReader(data []byte, limits Limits) *Reader {
	r := newReader(limits)
	r.win.buf, r.win.eof = data, true
	return r
}

func newReader(limits Limits) *Reader {
	r := &Reader{win: window{lim: limits.withDefaults(), cut: -1}}
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
	moved, entries := r.win.slide(r.lo, r.k)
	r.lo, r.k = r.lo-moved, r.k-entries
	r.part = Part{ISA: r.isa, GS: r.gs, line: line, column: column, most: r.win.lim.Findings}
	r.bounds = r.bounds[:0]
	r.part.Offset = r.win.base + int64(r.lo)
	if r.isa == nil {
		r.err = r.outside()
	} else {
		r.err = r.inside()
	}
	if r.err != nil {
		return nil, r.err
	}
	return &r.part, nil
}

// emit closes the current part at hi, with k the first delimiter behind it.
func (r *Reader) emit(kind Kind, hi, k int) {
	w := &r.win
	r.part.Kind = kind
	r.part.Raw = w.buf[r.lo:hi:hi]
	r.part.Segments = Segments{data: w.buf, base: w.base, idx: w.idx, bounds: r.bounds, delims: w.delims}
	r.lo, r.k = hi, k
	for i := range r.part.Findings { // met before the part's bytes were known
		f := &r.part.Findings[i]
		f.Line, f.Column = r.part.Position(f.Offset)
	}
	if len(r.bounds) > 0 {
		r.part.Segments.broken = r.brokenLines()
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
		breaks -= count(w.buf[b.lead:b.start])
		if isBinary(w.buf[b.start:w.idx[b.first]]) {
			breaks -= count(w.buf[b.start:b.end])
			continue
		}
		if t == '\n' || t == '\r' {
			if b.end > b.start && w.buf[b.end-1] == t {
				breaks--
			}
			if at := w.idx[b.last]; t == '\n' && at > b.start && w.buf[at-1] == '\r' {
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
		for start < len(w.buf) {
			c := w.buf[start]
			if !isBlank(c) && c != w.delims.Terminator || c == w.delims.Element {
				break
			}
			if c == w.delims.Terminator && !isBlank(c) {
				r.emptySegment(start)
			}
			start++
		}
		if start < len(w.buf) {
			break
		}
		if start-lead > w.lim.SegmentBytes {
			return b, k, false, &LimitError{Limit: "SegmentBytes", Max: w.lim.SegmentBytes, Offset: w.base + int64(lead)}
		}
		more, err := w.fill()
		if err != nil || !more {
			return b, k, false, err
		}
	}
	b.lead, b.start = uint32(lead), uint32(start)
	for k < len(w.idx) && int(w.idx[k]) < start {
		k++
	}
	if w.indexed < start {
		w.indexed = start
	}
	b.first = uint32(k)
	for {
		for ; k < len(w.idx); k++ {
			at := w.idx[k]
			if w.buf[at] != w.delims.Terminator {
				continue
			}
			if c := w.buf[start]; c == 'B' {
				done, err := r.binary(&b, k)
				if err != nil {
					return b, k, false, err
				}
				if done {
					return b, int(b.last) + 1, true, r.checkSegment(&b)
				}
			}
			cut, err := w.nextCut(start+1, int(at))
			if err != nil {
				return b, k, false, err
			}
			if cut >= 0 {
				r.endAt(&b, cut)
				return b, int(b.last) + 1, true, r.checkSegment(&b)
			}
			b.last, b.end = uint32(k), at+1
			return b, k + 1, true, r.checkSegment(&b)
		}
		if w.indexed < len(w.buf) {
			w.indexMore()
			continue
		}
		if len(w.buf)-start > w.lim.SegmentBytes {
			return b, k, false, r.tooLong(start)
		}
		more, err := w.fill()
		if err != nil {
			return b, k, false, err
		}
		if !more {
			cut, err := w.nextCut(start+1, len(w.buf))
			if err != nil {
				return b, k, false, err
			}
			if cut < 0 {
				cut = len(w.buf)
			}
			r.endAt(&b, cut)
			return b, int(b.last) + 1, true, r.checkSegment(&b)
		}
	}
}

// endAt ends a segment that has no terminator at position at, where a sentinel
// stands in for it in the index.
func (r *Reader) endAt(b *bound, at int) {
	w := &r.win
	w.reindex(at)
	// Blanks before the end of the stream are line ends, not data.
	end := at
	for end > int(b.start) && isBlank(w.buf[end-1]) {
		end--
	}
	for len(w.idx) > int(b.first) && int(w.idx[len(w.idx)-1]) >= end {
		w.idx = w.idx[:len(w.idx)-1]
	}
	w.idx = append(w.idx, uint32(end))
	b.last, b.end = uint32(len(w.idx)-1), uint32(at)
	f := Finding{Code: CodeUnterminated, Severity: Warning, Layer: LayerSyntax,
		Offset: w.base + int64(end), Element: clip(w.buf[b.start:w.idx[b.first]]),
		Expected: clip([]byte{w.delims.Terminator}),
		Message:  "the segment ends without its terminator",
		Hint:     "the file may be cut off here: ask for it again if more was sent"}
	if at == len(w.buf) && string(w.buf[b.start:w.idx[b.first]]) == "IEA" {
		f.Severity = Note
		f.Hint = ""
	}
	r.part.Add(f)
}

// unread drops the index behind its first k entries, so that the segment at is
// read again: it belongs to the next part, or to the one after a missing trailer.
func (r *Reader) unread(at, k int) {
	r.win.idx, r.win.indexed = r.win.idx[:k], at
	r.win.step = firstStep
}

func (r *Reader) checkSegment(b *bound) error {
	if int(b.end-b.start) > r.win.lim.SegmentBytes {
		return r.tooLong(int(b.start))
	}
	if int(b.last-b.first) > r.win.lim.Elements {
		return &LimitError{Limit: "Elements", Max: r.win.lim.Elements, Offset: r.win.base + int64(b.start)}
	}
	return nil
}

func (r *Reader) tooLong(start int) error {
	return &LimitError{Limit: "SegmentBytes", Max: r.win.lim.SegmentBytes, Offset: r.win.base + int64(start)}
}

func (r *Reader) emptySegment(at int) {
	r.part.Add(Finding{Code: CodeEmptySegment, Severity: Warning, Layer: LayerSyntax,
		Offset: r.win.base + int64(at), Length: 1, Found: clip([]byte{r.win.buf[at]}),
		Message: "a segment terminator stands alone", Hint: "it is skipped; remove the empty segment"})
}

func isBinary(id []byte) bool { return string(id) == "BIN" || string(id) == "BDS" }

// binary ends a BIN or BDS segment where its length element says, whatever
// bytes lie in between, provided a terminator stands there.
func (r *Reader) binary(b *bound, k int) (bool, error) {
	w := &r.win
	first := int(b.first)
	id := w.buf[b.start:w.idx[first]]
	if !isBinary(id) {
		return false, nil
	}
	lengthAt := first // BIN01
	if id[1] == 'D' {
		lengthAt++ // BDS02
	}
	if k < lengthAt+1 {
		return false, nil // too short to have a length and data
	}
	digits := w.buf[w.idx[lengthAt]+1 : w.idx[lengthAt+1]]
	n, ok := number(digits)
	if !ok || n > math.MaxInt32 {
		r.binaryFinding(b, digits, "the length of the binary data is not a number")
		return false, nil
	}
	if n > int64(w.lim.SegmentBytes) {
		return false, r.tooLong(int(b.start))
	}
	data := int(w.idx[lengthAt+1]) + 1
	end := data + int(n)
	if err := w.want(end, 1); err != nil {
		return false, err
	}
	if end >= len(w.buf) || w.buf[end] != w.delims.Terminator {
		r.binaryFinding(b, digits, "no segment terminator stands where the binary data should end")
		return false, nil
	}
	w.idx = append(w.idx[:lengthAt+2], uint32(end))
	w.indexed = end + 1
	b.last, b.end = uint32(lengthAt+2), uint32(end)+1
	return true, nil
}

func (r *Reader) binaryFinding(b *bound, found []byte, message string) {
	r.part.Add(Finding{Code: CodeBinary, Severity: Error, Layer: LayerSyntax, Offset: r.win.base + int64(b.start),
		Length: int(r.win.idx[b.first] - b.start), Element: string(r.win.buf[b.start:r.win.idx[b.first]]), Found: clip(found),
		Message: message, Hint: "the segment is read up to the next terminator instead", Ack: AckCodes{AK3: "8", AK5: "5"}})
}

// number reads an unsigned number as X12's N0 writes it.
func number(b []byte) (int64, bool) {
	b = trimISA(b)
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	var n int64
	for _, c := range b {
		if c-'0' > 9 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}
