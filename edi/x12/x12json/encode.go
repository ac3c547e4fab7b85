package x12json

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/paklog/hub/edi/internal/canon"
	"github.com/paklog/hub/edi/internal/stream"
	"github.com/paklog/hub/edi/x12"
)

// Options of an encoding.
type Options struct {
	// Exact keeps every byte: see the package.
	Exact bool
}

// Encoder writes parts as JSON, in a reader's order. Its memory is that of the
// largest part.
type Encoder struct {
	w    io.Writer
	opts Options
	buf  []byte
	want []byte // what a decoder would write for the segment at hand
	ends []uint32

	delims  x12.Delimiters
	table   [256]uint8 // what bytes are between them
	lineEnd []byte
	pending bool // the header is written but for its line end
	cr      bool // a carriage return belongs to the terminator
	isa     string
	gs      string
	inGroup bool
	some    bool // the array at hand has an item
	outer   bool // and the one around it
}

// NewEncoder writes to w.
func NewEncoder(w io.Writer, opts Options) *Encoder { return &Encoder{w: w, opts: opts} }

// Write writes everything r reads.
func Write(w io.Writer, r *x12.Reader, opts Options) error {
	e := NewEncoder(w, opts)
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := e.Part(p); err != nil {
			return err
		}
	}
}

// Part writes the next part.
func (e *Encoder) Part(p *x12.Part) error {
	if e.pending {
		e.pending = false
		e.follow(p)
	}
	switch p.Kind {
	case x12.Noise:
		if e.opts.Exact || len(bytes.TrimSpace(p.Raw)) > 0 {
			e.put(`{"noise":`)
			e.base64(p.Raw)
			e.put("}\n")
		}
	case x12.InterchangeHeader:
		e.header(p)
	case x12.InterchangeAck:
		e.item()
		e.put(`{"ta1":`)
		e.segment(p.Segments.At(0))
		e.put("}")
	case x12.Stray:
		e.item()
		e.put(`{"stray":`)
		e.segment(p.Segments.At(0))
		e.put("}")
	case x12.GroupHeader:
		e.item()
		e.put(`{"gs":`)
		e.segment(p.Segments.At(0))
		e.put(`,"sets":[`)
		e.gs, e.inGroup = control(p.Segments.At(0), 6), true
		e.outer, e.some = e.some, false
	case x12.TransactionSet:
		e.item()
		e.set(p)
	case x12.GroupTrailer:
		e.put("]")
		e.trailer(p, "ge", "GE", p.Sets, e.gs)
		e.put("}")
		e.inGroup, e.some = false, e.outer
	case x12.InterchangeTrailer:
		e.put("]")
		e.trailer(p, "iea", "IEA", p.Groups, e.isa)
		e.put("}\n")
	}
	_, err := e.w.Write(e.buf)
	e.buf = e.buf[:0]
	if err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	return nil
}

func (e *Encoder) put(s string) { e.buf = append(e.buf, s...) }

// item begins the next item of the array at hand.
func (e *Encoder) item() {
	if e.some {
		e.put(",")
	}
	e.some = true
	e.put("\n")
	if e.inGroup {
		e.put("  ")
	} else {
		e.put(" ")
	}
}

func (e *Encoder) header(p *x12.Part) {
	s := p.Segments.At(0)
	e.delims, e.isa = p.Segments.Delimiters(), string(s.Data(13))
	e.table = canon.Table(e.delims.Element, e.delims.Terminator, map[byte]uint8{e.delims.Component: stream.Component, e.delims.Repetition: stream.Repetition})
	if e.isa == "" {
		e.isa = "0"
	}
	raw := s.Raw()
	e.cr = e.delims.Terminator == '\n' && bytes.HasSuffix(raw, []byte("\r\n"))
	e.lineEnd, e.inGroup, e.some = nil, false, false
	e.put(`{"isa":`)
	e.want = e.want[:0]
	fits := e.isaWant(s)
	plain := func() {
		e.put(`["ISA"`)
		for n := 1; n <= 16; n++ {
			e.put(",")
			v := s.Element(n)
			if n != 16 && n != 11 {
				v = s.Data(n)
			}
			e.text(v)
		}
		e.put("]")
	}
	if !fits || e.opts.Exact && !bytes.Equal(e.want, raw) {
		e.put(`{"seg":`)
		plain()
		e.put(`,"raw":`)
		e.base64(raw)
		e.put("}")
	} else {
		plain()
	}
	e.put(`,"delimiters":{"element":`)
	e.text([]byte{e.delims.Element})
	if e.delims.Component != 0 {
		e.put(`,"component":`)
		e.text([]byte{e.delims.Component})
	}
	if e.delims.Repetition != 0 {
		e.put(`,"repetition":`)
		e.text([]byte{e.delims.Repetition})
	}
	e.put(`,"terminator":`)
	if e.cr {
		e.text([]byte("\r\n"))
	} else {
		e.text([]byte{e.delims.Terminator})
	}
	e.put("}")
	e.pending = true
}

// follow ends the header by what stands before the first segment behind it.
func (e *Encoder) follow(p *x12.Part) {
	if p.Segments.Len() > 0 {
		s := p.Segments.At(0)
		lead := s.Raw()[:s.Offset()-p.Offset]
		if string(lead) == "\n" || string(lead) == "\r\n" {
			e.lineEnd = bytes.Clone(lead)
			e.put(`,"line_end":`)
			e.text(e.lineEnd)
		}
	}
	if e.opts.Exact {
		e.put(`,"exact":true`)
	}
	e.put(`,"groups":[`)
}

// isaWant is the ISA as a decoder writes it: padded. It does not fit where a
// decoder could not write it.
func (e *Encoder) isaWant(s x12.Segment) (fits bool) {
	fits = s.Len() == 16
	e.want = append(e.want, "ISA"...)
	for n, size := range isaSizes {
		v := s.Element(n + 1)
		if n != 15 && n != 10 {
			v = s.Data(n + 1)
		}
		d := e.delims
		fits = fits && len(v) <= size && utf8.Valid(v) && (n == 10 || n == 15 || bytes.IndexByte(v, d.Element) < 0 && bytes.IndexByte(v, d.Terminator) < 0 &&
			(d.Component == 0 || bytes.IndexByte(v, d.Component) < 0) && (d.Repetition == 0 || bytes.IndexByte(v, d.Repetition) < 0))
		e.want = append(e.want, e.delims.Element)
		e.want = append(e.want, v...)
		for i := len(v); i < size; i++ {
			e.want = append(e.want, ' ')
		}
	}
	e.terminate()
	return fits && e.delims.Validate() == nil
}

var isaSizes = [16]int{2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1}

func (e *Encoder) terminate() {
	if e.cr {
		e.want = append(e.want, '\r')
	}
	e.want = append(e.want, e.delims.Terminator)
}

func (e *Encoder) set(p *x12.Part) {
	segs := &p.Segments
	n := segs.Len()
	e.put(`{"st":`)
	e.segment(segs.At(0))
	e.put(`,"segments":[`)
	whole := n > 1 && segs.At(n-1).Is("SE")
	last := n
	if whole {
		last--
	}
	seen := stream.Seen(p.Raw, &e.table)
	plain := !e.opts.Exact && !segs.At(0).Wrapped() && seen&^stream.Component == 0
	separator := e.delims.Component
	if seen == 0 {
		separator = 0
	}
	for i := 1; i < last; i++ {
		if i > 1 {
			e.put(",")
		}
		if !plain {
			e.segment(segs.At(i))
			continue
		}
		tag, text, ends := segs.Split(i, e.ends[:0])
		e.buf = canon.AppendSegment(e.buf, tag, text, ends, separator, false)
	}
	e.put("]")
	if !whole {
		e.put(`,"se":[]`)
	} else {
		e.count(segs.At(n-1), "se", "SE", n, control(segs.At(0), 2))
	}
	e.put("}")
}

func (e *Encoder) trailer(p *x12.Part, key, tag string, n int, control string) {
	if p.Segments.Len() == 0 {
		e.put(`,"` + key + `":[]`)
		return
	}
	e.count(p.Segments.At(0), key, tag, n, control)
}

// control is a control number as a decoder reads it.
func control(s x12.Segment, n int) string {
	if s.Wrapped() {
		return s.Value(n)
	}
	return string(s.Element(n))
}

// count writes a trailer where it is not what a decoder would count.
func (e *Encoder) count(s x12.Segment, key, tag string, n int, control string) {
	e.want = append(e.want[:0], e.lineEnd...)
	e.want = append(e.want, tag...)
	e.want = append(e.want, e.delims.Element)
	e.want = strconv.AppendInt(e.want, int64(n), 10)
	e.want = append(e.want, e.delims.Element)
	e.want = append(e.want, control...)
	e.terminate()
	if utf8.ValidString(control) && bytes.Equal(e.want, s.Raw()) {
		return
	}
	if !e.opts.Exact && s.Len() == 2 && s.Value(1) == strconv.Itoa(n) && s.Value(2) == control {
		return
	}
	e.put(`,"` + key + `":`)
	e.segment(s)
}

// segment writes a segment, with its bytes where a decoder would write others.
func (e *Encoder) segment(s x12.Segment) {
	if !e.opts.Exact {
		e.array(s)
		return
	}
	at := len(e.buf)
	exact := e.array(s)
	e.want = append(e.want[:0], e.lineEnd...)
	e.want = append(e.want, s.Element(0)...)
	for n := range s.Len() {
		e.want = append(e.want, e.delims.Element)
		e.want = append(e.want, s.Element(n+1)...)
	}
	e.terminate()
	if exact && bytes.Equal(e.want, s.Raw()) {
		return
	}
	e.buf = append(e.buf, `{"seg":`...)
	copy(e.buf[at+len(`{"seg":`):], e.buf[at:])
	copy(e.buf[at:], `{"seg":`)
	e.put(`,"raw":`)
	e.base64(s.Raw())
	e.put("}")
}

// array writes tag and elements, and reports whether a decoder would read them as
// they stand.
func (e *Encoder) array(s x12.Segment) (exact bool) {
	exact = !s.Wrapped() && canon.IsTag(s.Element(0))
	e.put("[")
	e.text(s.Tag())
	binary := s.Is("BIN") || s.Is("BDS")
	for n := 1; n <= s.Len(); n++ {
		e.put(",")
		v := s.Element(n)
		if s.Wrapped() {
			v = []byte(s.Value(n))
		}
		if !utf8.Valid(v) || binary && n == s.Len() {
			exact = false
			e.text(v)
			continue
		}
		for _, mark := range x12.ComponentMark + x12.RepetitionMark { // a decoder would take it for a separator
			exact = exact && (byte(mark) == e.delims.Component || byte(mark) == e.delims.Repetition || bytes.IndexByte(v, byte(mark)) < 0)
		}
		if r := e.delims.Repetition; r != 0 && bytes.IndexByte(v, r) >= 0 {
			e.put(`{"repeat":[`)
			for i, one := range bytes.Split(v, []byte{r}) {
				if i > 0 {
					e.put(",")
				}
				e.element(one)
			}
			e.put("]}")
			continue
		}
		e.element(v)
	}
	e.put("]")
	return exact
}

func (e *Encoder) element(v []byte) {
	c := e.delims.Component
	if c == 0 || bytes.IndexByte(v, c) < 0 {
		e.text(v)
		return
	}
	e.put("[")
	for {
		i := bytes.IndexByte(v, c)
		if i < 0 {
			break
		}
		e.text(v[:i])
		e.put(",")
		v = v[i+1:]
	}
	e.text(v)
	e.put("]")
}

func (e *Encoder) base64(b []byte) { e.buf = canon.AppendBase64(e.buf, b) }

// text writes a JSON string.
func (e *Encoder) text(v []byte) { e.buf = canon.AppendText(e.buf, v) }
