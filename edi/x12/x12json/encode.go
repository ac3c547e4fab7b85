package x12json

import (
	"bytes"
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
	out  canon.Page
	w    io.Writer
	want []byte // what a decoder would write for the segment at hand
	ends []uint32

	delims  x12.Delimiters
	table   [256]uint8 // what bytes are between them
	pending bool       // the header is written but for its line end
	cr      bool       // a carriage return belongs to the terminator
	isa     string
	gs      string
}

// NewEncoder writes to w.
func NewEncoder(w io.Writer, opts Options) *Encoder {
	return &Encoder{out: canon.Page{Exact: opts.Exact}, w: w}
}

// Write writes everything r reads.
func Write(w io.Writer, r *x12.Reader, opts Options) error {
	return canon.Each(r.Next, NewEncoder(w, opts).Part)
}

// Part writes the next part.
func (e *Encoder) Part(p *x12.Part) error {
	if e.pending {
		e.pending = false
		e.out.Follow(lead(p), "groups")
	}
	switch p.Kind {
	case x12.Noise:
		e.out.Noise(p.Raw)
	case x12.InterchangeHeader:
		e.header(p)
	case x12.InterchangeAck:
		e.out.Item()
		e.out.Put(`{"ta1":`)
		e.segment(p.Segments.At(0))
		e.out.Put("}")
	case x12.Stray:
		e.out.Item()
		e.out.Put(`{"stray":`)
		e.segment(p.Segments.At(0))
		e.out.Put("}")
	case x12.GroupHeader:
		e.out.Item()
		e.out.Put(`{"gs":`)
		e.segment(p.Segments.At(0))
		e.out.Put(`,"sets":[`)
		e.gs = control(p.Segments.At(0), 6)
		e.out.Group()
	case x12.TransactionSet:
		e.out.Item()
		e.set(p)
	case x12.GroupTrailer:
		e.out.Put("]")
		e.trailer(p, "ge", "GE", p.Sets, e.gs)
		e.out.Put("}")
		e.out.GroupEnd()
	case x12.InterchangeTrailer:
		e.out.Put("]")
		switch {
		case !p.ISA.Absent:
			e.trailer(p, "iea", "IEA", p.Groups, e.isa)
		case p.Segments.Len() > 0: // none is counted
			e.out.Put(`,"iea":`)
			e.segment(p.Segments.At(0))
		}
		e.out.Put("}\n")
	}
	return e.out.Flush(e.w)
}

func (e *Encoder) header(p *x12.Part) {
	e.delims, e.isa, e.cr = p.ISA.Delimiters, p.ISA.Control, false
	e.table = canon.Table(e.delims.Element, e.delims.Terminator, map[byte]uint8{e.delims.Component: stream.Component, e.delims.Repetition: stream.Repetition})
	e.out.Begin()
	e.out.Put(`{"isa":`)
	if p.ISA.Absent {
		at := len(e.out.Buf)
		if e.out.Put("[]"); e.out.Exact && len(p.Raw) > 0 {
			e.out.Buf = canon.AppendRaw(e.out.Buf, at, p.Raw)
		}
	} else {
		e.interchange(p.Segments.At(0))
	}
	e.delimiters()
	e.pending = true
}

// interchange writes an ISA.
func (e *Encoder) interchange(s x12.Segment) {
	if e.isa = string(s.Data(13)); e.isa == "" {
		e.isa = "0"
	}
	raw := s.Raw()
	e.cr = e.delims.Terminator == '\n' && bytes.HasSuffix(raw, []byte("\r\n"))
	e.want = e.want[:0]
	fits := e.isaWant(s)
	plain := func() {
		e.out.Put(`["ISA"`)
		for n := 1; n <= 16; n++ {
			e.out.Put(",")
			v := s.Element(n)
			if n != 16 && n != 11 {
				v = s.Data(n)
			}
			e.out.Text(v)
		}
		e.out.Put("]")
	}
	at := len(e.out.Buf)
	plain()
	if !fits || e.out.Exact && !bytes.Equal(e.want, raw) {
		e.out.Buf = canon.AppendRaw(e.out.Buf, at, raw)
	} else {
		e.isa = string(filled(12, []byte(e.isa)))
	}
}

func (e *Encoder) delimiters() {
	e.out.Put(`,"delimiters":{"element":`)
	e.out.Text([]byte{e.delims.Element})
	if e.delims.Component != 0 {
		e.out.Put(`,"component":`)
		e.out.Text([]byte{e.delims.Component})
	}
	if e.delims.Repetition != 0 {
		e.out.Put(`,"repetition":`)
		e.out.Text([]byte{e.delims.Repetition})
	}
	e.out.Put(`,"terminator":`)
	if e.cr {
		e.out.Text([]byte("\r\n"))
	} else {
		e.out.Text([]byte{e.delims.Terminator})
	}
	e.out.Put("}")
}

// lead is what stands before a part's first segment.
func lead(p *x12.Part) []byte {
	if p.Segments.Len() == 0 {
		return nil
	}
	s := p.Segments.At(0)
	return s.Raw()[:s.Offset()-p.Offset]
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
		v = filled(n, v)
		e.want = append(e.want, v...)
		for i := len(v); i < size; i++ {
			e.want = append(e.want, ' ')
		}
	}
	e.terminate()
	return fits && e.delims.Validate() == nil
}

var isaSizes = [16]int{2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1}

// filled is element n of an ISA, from 0: zeros before what is a number and too
// short, as a version and a control number are.
func filled(n int, v []byte) []byte {
	if size := isaSizes[n]; (n == 11 || n == 12) && len(v) > 0 && len(v) < size && len(bytes.Trim(v, "0123456789")) == 0 {
		return append(bytes.Repeat([]byte{'0'}, size-len(v)), v...)
	}
	return v
}

func (e *Encoder) terminate() {
	if e.cr {
		e.want = append(e.want, '\r')
	}
	e.want = append(e.want, e.delims.Terminator)
}

func (e *Encoder) set(p *x12.Part) {
	segs := &p.Segments
	n := segs.Len()
	e.out.Put(`{"st":`)
	e.segment(segs.At(0))
	e.out.Put(`,"segments":[`)
	whole := n > 1 && segs.At(n-1).Is("SE")
	last := n
	if whole {
		last--
	}
	seen := stream.Seen(p.Raw, &e.table)
	plain := !e.out.Exact && !segs.At(0).Wrapped() && seen&^stream.Component == 0
	separator := e.delims.Component
	if seen == 0 {
		separator = 0
	}
	for i := 1; i < last; i++ {
		if i > 1 {
			e.out.Put(",")
		}
		if !plain {
			e.segment(segs.At(i))
			continue
		}
		tag, text, ends := segs.Split(i, e.ends[:0])
		if isBinary(tag) {
			e.segment(segs.At(i))
			continue
		}
		e.out.Buf = canon.AppendSegment(e.out.Buf, tag, text, ends, separator, false)
	}
	e.out.Put("]")
	if !whole {
		e.out.Put(`,"se":[]`)
	} else {
		e.count(segs.At(n-1), "se", "SE", n, control(segs.At(0), 2))
	}
	e.out.Put("}")
}

func (e *Encoder) trailer(p *x12.Part, key, tag string, n int, control string) {
	if p.Segments.Len() == 0 {
		e.out.Put(`,"` + key + `":[]`)
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
	e.want = append(e.want[:0], e.out.LineEnd...)
	e.want = append(e.want, tag...)
	e.want = append(e.want, e.delims.Element)
	e.want = strconv.AppendInt(e.want, int64(n), 10)
	e.want = append(e.want, e.delims.Element)
	e.want = append(e.want, control...)
	e.terminate()
	if utf8.ValidString(control) && bytes.Equal(e.want, s.Raw()) {
		return
	}
	if !e.out.Exact && s.Len() == 2 && s.Value(1) == strconv.Itoa(n) && s.Value(2) == control {
		return
	}
	e.out.Put(`,"` + key + `":`)
	e.segment(s)
}

// segment writes a segment, with its bytes where a decoder would write others.
func (e *Encoder) segment(s x12.Segment) {
	if !e.out.Exact {
		e.array(s)
		return
	}
	at := len(e.out.Buf)
	exact := e.array(s)
	e.want = append(e.want[:0], e.out.LineEnd...)
	e.want = append(e.want, s.Element(0)...)
	for n := range s.Len() {
		e.want = append(e.want, e.delims.Element)
		e.want = append(e.want, s.Element(n+1)...)
	}
	e.terminate()
	if exact && bytes.Equal(e.want, s.Raw()) {
		return
	}
	e.out.Buf = canon.AppendRaw(e.out.Buf, at, s.Raw())
}

func isBinary[T string | []byte](tag T) bool { return string(tag) == "BIN" || string(tag) == "BDS" }

// array writes tag and elements, and reports whether a decoder would read them as
// they stand.
func (e *Encoder) array(s x12.Segment) (exact bool) {
	exact = !s.Wrapped() && canon.IsTag(s.Element(0))
	e.out.Put("[")
	e.out.Text(s.Tag())
	binary := isBinary(s.Tag())
	for n := 1; n <= s.Len(); n++ {
		e.out.Put(",")
		v := s.Element(n)
		if s.Wrapped() {
			v = []byte(s.Value(n))
		}
		exact = exact && !(binary && n == s.Len())
		if !utf8.Valid(v) || binary && n == s.Len() && s.Value(n-1) == strconv.Itoa(len(v)) {
			exact = false
			e.out.Text(v)
			continue
		}
		for _, mark := range x12.ComponentMark + x12.RepetitionMark { // a decoder would take it for a separator
			exact = exact && (byte(mark) == e.delims.Component || byte(mark) == e.delims.Repetition || bytes.IndexByte(v, byte(mark)) < 0)
		}
		if r := e.delims.Repetition; r != 0 && bytes.IndexByte(v, r) >= 0 {
			e.out.Put(`{"repeat":[`)
			for i, one := range bytes.Split(v, []byte{r}) {
				if i > 0 {
					e.out.Put(",")
				}
				e.element(one)
			}
			e.out.Put("]}")
			continue
		}
		e.element(v)
	}
	e.out.Put("]")
	return exact
}

func (e *Encoder) element(v []byte) {
	c := e.delims.Component
	if c == 0 || bytes.IndexByte(v, c) < 0 {
		e.out.Text(v)
		return
	}
	e.out.Put("[")
	for {
		i := bytes.IndexByte(v, c)
		if i < 0 {
			break
		}
		e.out.Text(v[:i])
		e.out.Put(",")
		v = v[i+1:]
	}
	e.out.Text(v)
	e.out.Put("]")
}
