package edifact

import (
	"bytes"
	"io"
	"unicode/utf8"

	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/edi/internal/heads"
	"github.com/paklog/hub/edi/internal/stream"
	"github.com/paklog/hub/edi/sniff"
)

// Reader takes a stream apart into [Part]s. It holds one part at a time, so its
// memory is that of the largest message. It is not safe for concurrent use.
type Reader struct {
	win  window
	part Part
	lo   int // first byte not handed out
	k    int // first delimiter at or behind lo

	bounds   []bound
	unb      *UNB        // open interchange
	ung      *UNG        // open group
	marks    *[256]uint8 // what its bytes are
	inGroup  int         // messages and packages of the open group
	loose    int         // of the open interchange, outside groups
	all      int         // of the open interchange
	groups   int
	kind     string            // message type of the open group's first message
	seen     stream.References // references of messages, of the open group if there is one
	mixed    bool              // was said of this interchange
	badTag   bool              // a segment of the message at hand has a tag that is none
	over     bool              // one of the part at hand is over a limit
	skips    bool              // the rest of a message that is over its limit
	nested   bool              // or more than a tag where that stands
	last     UNH               // of the message before but for its reference, which most share
	lastWhat []byte            // and the element it was read from, in this interchange
	lastAs   Charset           // and this
	inJunk   bool              // the noise going on was reported
	any      bool              // an interchange was seen
	err      error             // what ended the reading
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

// StopAtOther makes the reader end, with io.EOF, before an X12 interchange that begins
// where an EDIFACT one could. What is left is [Reader.Rest].
func (r *Reader) StopAtOther() { r.win.Other = sniff.X12 }

// Rest is what stands behind the end of reading: nothing, or what [Reader.StopAtOther] left.
func (r *Reader) Rest() stream.Rest {
	line, column := r.part.Position(r.part.Offset + int64(len(r.part.Raw)))
	return r.win.Rest(r.lo, line, column)
}

func newReader(limits Limits) *Reader {
	r := &Reader{win: window{Window: heads.Window{Cut: -1}, lim: limits.withDefaults()}}
	r.win.Format = "EDIFACT"
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
	r.part = Part{UNB: r.unb, UNG: r.ung, line: line, column: column, most: r.win.lim.Findings}
	r.bounds, r.over = r.bounds[:0], false
	r.part.Offset = r.win.Base + int64(r.lo)
	if r.unb == nil {
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
	p := &r.part
	p.Kind = kind
	p.Raw = w.Buf[r.lo:hi:hi]
	p.Segments = w.segments(r.bounds)
	r.lo, r.k = hi, k
	for i := range p.Findings { // met before the part's bytes were known
		f := &p.Findings[i]
		f.Line, f.Column = p.Position(f.Offset)
	}
	if len(r.bounds) > 0 {
		if r.unb != nil && kind != Package {
			p.Segments.seen = stream.Seen(r.text(), r.marks)
		}
		p.Segments.broken = (r.unb == nil || kind == Package || p.Segments.seen&stream.Break != 0) && r.brokenLines()
		p.Segments.run.Regular = kind == Message && !r.nested && !p.Segments.broken && w.delims.Terminator != '\n'
		if r.unb != nil {
			r.readCharset()
		}
		if r.over {
			r.checkLimits()
		}
	}
}

// text is the current part without what stands before its first tag.
func (r *Reader) text() []byte { return r.win.Buf[r.bounds[0].Start:r.lo] }

// readCharset settles how the part's bytes are read, and reports what the
// interchange's repertoire does not allow, at the first such byte.
func (r *Reader) readCharset() {
	p := &r.part
	p.Segments.charset = r.unb.Syntax
	text, seen := r.text(), p.Segments.seen
	if p.Kind == Package || r.unb.Absent {
		p.Segments.charset = UTF8
		if !utf8.Valid(text) {
			p.Segments.charset = "UNOC"
		}
		return
	}
	if seen&(isForeign|isHigh) == 0 {
		return
	}
	high := seen&isHigh != 0
	if high && !r.unb.Syntax.isUTF8() && utf8.Valid(text) {
		p.Segments.charset = UTF8
		i := bytes.IndexFunc(text, func(c rune) bool { return c >= utf8.RuneSelf })
		p.Add(Finding{Code: CodeUTF8, Severity: Note, Layer: LayerSyntax, Offset: p.Segments.At(0).Offset() + int64(i), Length: 1, Found: string(r.unb.Syntax), Expected: "UNOY",
			Message: "the text is UTF-8, which the interchange does not declare", Hint: "it is read as UTF-8; declare UNOY, or send what " + string(r.unb.Syntax) + " says"})
	}
	if seen&isForeign == 0 && (!high || !r.unb.Syntax.isUTF8() || utf8.Valid(text)) {
		return
	}
	r.reportForeign()
}

// reportForeign finds the first byte that belongs to no service character and
// not to the repertoire either.
func (r *Reader) reportForeign() {
	p, d := &r.part, r.win.delims
	asUTF8 := p.Segments.charset.isUTF8()
	for _, s := range p.Segments.All() {
		for n := range s.Len() + 1 {
			b := s.Element(n)
			for i := 0; i < len(b); i++ {
				c := b[i]
				if c == d.Component || c == d.Repetition && c != 0 || c == d.Release && c != 0 || isBlank(c) && c != 0 {
					continue
				}
				bad := r.marks[c]&isForeign != 0 && (c < utf8.RuneSelf || !asUTF8)
				if asUTF8 && c >= utf8.RuneSelf {
					x, size := utf8.DecodeRune(b[i:])
					bad = x == utf8.RuneError && size == 1
					i += size - 1
				}
				if !bad {
					continue
				}
				f := p.At(s, n)
				f.Code, f.Severity, f.Layer = CodeCharset, Warning, LayerSyntax
				f.Offset, f.Length = f.Offset+int64(i), 1
				f.Expected = string(r.unb.Syntax)
				f.Message = "the character is not in the repertoire that the interchange declares"
				f.Hint = "it is kept; declare the repertoire that is sent: UNOA has capitals alone, UNOC is Latin-1, UNOY is UTF-8"
				f.Ack = AckCodes{UCD: "21"}
				p.Add(f)
				return
			}
		}
	}
}

// brokenLines reports whether line breaks stand inside data, where they mean
// nothing: somebody wrapped the file. An object may hold any byte.
func (r *Reader) brokenLines() bool {
	w := &r.win
	if bytes.IndexByte(r.part.Raw, '\n') < 0 && bytes.IndexByte(r.part.Raw, '\r') < 0 {
		return false
	}
	for i := range r.bounds {
		b := &r.bounds[i]
		end := int(w.Idx[b.Last])
		body := w.Buf[b.Start:end]
		if t := w.delims.Terminator; t == '\n' && len(body) > 0 && body[len(body)-1] == '\r' {
			body = body[:len(body)-1]
		}
		if bytes.IndexByte(body, '\n') >= 0 || bytes.IndexByte(body, '\r') >= 0 {
			return true
		}
	}
	return false
}

// what a search for a segment found.
const (
	nothing  = iota // blanks up to the end of the stream
	aSegment        // one, at the bound
	aHeader         // UNA or UNB of another interchange, at the bound's start
)

// segment finds the segment that begins at or behind lead, blanks skipped. next
// is the first delimiter behind it. With own the header of an interchange is a
// segment like any other.
func (r *Reader) segment(lead, k int, own bool) (b bound, next, found int, err error) {
	w := &r.win
	start, err := r.skip(lead)
	if err != nil || start == len(w.Buf) {
		return b, k, nothing, err
	}
	b.Lead, b.Start = uint32(lead), uint32(start)
	if !own {
		head, err := r.headerAt(start)
		if err != nil {
			return b, k, nothing, err
		}
		if head {
			return b, k, aHeader, nil
		}
	}
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
			cut, err := w.nextCut(start+1, int(at))
			if err != nil {
				return b, k, nothing, err
			}
			if cut >= 0 {
				r.endAt(&b, cut)
				return b, int(b.Last) + 1, aSegment, nil
			}
			b.Last, b.End = uint32(k), at+1
			return b, k + 1, aSegment, nil
		}
		if w.Indexed < len(w.Buf) && w.indexMore() {
			continue
		}
		if len(w.Buf)-r.lo > w.lim.MessageBytes {
			return b, k, nothing, r.tooLong()
		}
		more, err := w.Fill()
		if err != nil {
			return b, k, nothing, err
		}
		if !more && w.Indexed == len(w.Buf) {
			cut, err := w.nextCut(start+1, len(w.Buf))
			if err != nil {
				return b, k, nothing, err
			}
			if cut < 0 {
				cut = len(w.Buf)
			}
			r.endAt(&b, cut)
			return b, int(b.Last) + 1, aSegment, nil
		}
	}
}

// skip passes over blanks and terminators that stand alone.
func (r *Reader) skip(lead int) (start int, err error) {
	w := &r.win
	start = lead
	for {
		for start < len(w.Buf) {
			c := w.Buf[start]
			if !isBlank(c) && c != w.delims.Terminator {
				return start, nil
			}
			if c == w.delims.Terminator && !isBlank(c) {
				r.emptySegment(start)
			}
			start++
		}
		if start-r.lo > w.lim.MessageBytes {
			return start, r.tooLong()
		}
		more, err := w.Fill()
		if err != nil || !more {
			return len(w.Buf), err
		}
	}
}

// headerAt reports whether another interchange begins at position at.
func (r *Reader) headerAt(at int) (bool, error) {
	w := &r.win
	if other, err := r.win.OtherBegins(at); err != nil || other {
		return other, err
	}
	if err := w.Want(at, 4); err != nil {
		return false, err
	}
	if b := w.Buf[at:]; len(b) < 4 || b[0] != 'U' || b[1] != 'N' || b[2] != 'A' && b[2] != 'B' {
		return false, nil
	}
	if err := w.Want(at, lookahead); err != nil {
		return false, err
	}
	_, ok := readHeader(w.Buf[at:], false)
	return ok, nil
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
	id := w.Buf[b.Start:w.Idx[b.First]]
	f := Finding{Code: CodeUnterminated, Severity: Warning, Layer: LayerSyntax,
		Offset: w.Base + int64(end), Element: finding.Clip(tag(id, w.delims.Component)),
		Expected: finding.Clip([]byte{w.delims.Terminator}),
		Message:  "the segment ends without its terminator",
		Hint:     "the file may be cut off here: ask for it again if more was sent"}
	if at == len(w.Buf) && string(id) == "UNZ" {
		f.Severity, f.Hint = Note, ""
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
	return &LimitError{Limit: "MessageBytes", Max: r.win.lim.MessageBytes, Offset: r.part.Offset}
}

func (r *Reader) emptySegment(at int) {
	r.part.Add(Finding{Code: CodeEmptySegment, Severity: Warning, Layer: LayerSyntax,
		Offset: r.win.Base + int64(at), Length: 1, Found: finding.Clip([]byte{r.win.Buf[at]}),
		Message: "a segment terminator stands alone", Hint: "it is skipped; remove the empty segment"})
}

// number reads an unsigned whole number.
func number(b []byte) (int64, bool) {
	b = bytes.Trim(b, " \t\r\n")
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
