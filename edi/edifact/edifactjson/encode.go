package edifactjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/internal/canon"
	"github.com/paklog/hub/edi/internal/stream"
)

// Options of an encoding.
type Options struct {
	// Exact keeps every byte: see the package.
	Exact bool
}

// Encoder writes parts as JSON, in a reader's order. Its memory is that of the
// largest part.
type Encoder struct {
	w     io.Writer
	exact bool
	buf   []byte
	want  []byte // what a builder would write for the segment at hand
	ends  []uint32

	delims  edifact.Delimiters
	table   [256]uint8 // what bytes are between them
	charset edifact.Charset
	lineEnd []byte
	pending bool // the header is written but for its line end
	inGroup bool
	some    bool // the array at hand has an item
	outer   bool // and the one around it
}

// NewEncoder writes to w.
func NewEncoder(w io.Writer, opts Options) *Encoder { return &Encoder{w: w, exact: opts.Exact} }

// Write writes everything r reads.
func Write(w io.Writer, r *edifact.Reader, opts Options) error {
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
func (e *Encoder) Part(p *edifact.Part) error {
	if e.pending {
		e.pending = false
		e.follow(p)
	}
	switch p.Kind {
	case edifact.Noise:
		if e.exact || len(bytes.TrimSpace(p.Raw)) > 0 {
			e.put(`{"noise":`)
			e.buf = canon.AppendBase64(e.buf, p.Raw)
			e.put("}\n")
		}
	case edifact.InterchangeHeader:
		e.header(p)
	case edifact.GroupHeader:
		e.item()
		e.put(`{"ung":`)
		e.segment(p.Segments.At(0))
		e.put(`,"messages":[`)
		e.inGroup, e.outer, e.some = true, e.some, false
	case edifact.Message:
		e.item()
		e.message(p)
	case edifact.Package:
		e.item()
		e.put(`{"package":`)
		e.buf = canon.AppendBase64(e.buf, p.Raw)
		e.put("}")
	case edifact.Security:
		e.lone("security", p)
	case edifact.Stray:
		e.lone("stray", p)
	case edifact.GroupTrailer:
		e.put("]")
		e.trailer(p, "une", p.Messages, p.UNG.Control)
		e.put("}")
		e.inGroup, e.some = false, e.outer
	case edifact.InterchangeTrailer:
		e.put("]")
		n := p.Messages
		if p.Groups > 0 {
			n = p.Groups
		}
		e.trailer(p, "unz", n, p.UNB.Control)
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
	e.put("\n ")
	if e.inGroup {
		e.put(" ")
	}
}

func (e *Encoder) lone(key string, p *edifact.Part) {
	e.item()
	e.put(`{"` + key + `":`)
	e.segment(p.Segments.At(0))
	e.put("}")
}

func (e *Encoder) header(p *edifact.Part) {
	e.delims, e.charset = p.Segments.Delimiters(), written(p.UNB.Syntax)
	e.lineEnd, e.inGroup, e.some = nil, false, false
	e.table = canon.Table(e.delims.Element, e.delims.Terminator, map[byte]uint8{e.delims.Repetition: stream.Repetition})
	e.put(`{"unb":`)
	plain := func() {
		if p.UNB.Absent {
			e.put("[]")
		} else {
			e.array(p.Segments.At(p.Segments.Len() - 1))
		}
	}
	if e.exact && (p.UNB.Absent || p.UNB.UNA || e.delims.Validate() != nil || !e.asWritten(p.Segments.At(p.Segments.Len()-1))) && len(p.Raw) > 0 {
		e.put(`{"seg":`)
		plain()
		e.raw(p.Raw)
	} else {
		plain()
	}
	e.put(`,"delimiters":{"component":`)
	d := e.delims
	e.buf = canon.AppendText(e.buf, []byte{d.Component})
	for _, m := range []struct {
		name string
		c    byte
	}{{"element", d.Element}, {"decimal", d.Decimal}, {"release", d.Release}, {"repetition", d.Repetition}, {"terminator", d.Terminator}} {
		if m.c != 0 {
			e.put(`,"` + m.name + `":`)
			e.buf = canon.AppendText(e.buf, []byte{m.c})
		}
	}
	e.put("}")
	if p.UNB.UNA {
		e.put(`,"una":true`)
	}
	e.pending = true
}

// follow ends the header by what stands before the first segment behind it.
func (e *Encoder) follow(p *edifact.Part) {
	if p.Segments.Len() > 0 {
		s := p.Segments.At(0)
		if lead := s.Raw()[:s.Offset()-p.Offset]; string(lead) == "\n" || string(lead) == "\r\n" {
			e.lineEnd = bytes.Clone(lead)
			e.put(`,"line_end":`)
			e.buf = canon.AppendText(e.buf, lead)
		}
	}
	if e.exact {
		e.put(`,"exact":true`)
	}
	e.put(`,"messages":[`)
}

func (e *Encoder) message(p *edifact.Part) {
	segs := &p.Segments
	n := segs.Len()
	e.put(`{"unh":`)
	e.segment(segs.At(0))
	e.put(`,"segments":[`)
	last := n
	whole := n > 1 && segs.At(n-1).Is("UNT")
	if whole {
		last--
	}
	plain := !e.exact && !segs.Wrapped() && stream.Seen(p.Raw, &e.table) == 0
	for i := 1; i < last; i++ {
		if i > 1 {
			e.put(",")
		}
		if plain {
			tag, text, ends := segs.Split(i, e.ends[:0])
			from, to := ends[0], ends[len(ends)-1]
			if e.delims.Release == 0 || stream.Until(text, from, to, e.delims.Release) == to {
				e.buf = canon.AppendSegment(e.buf, tag, text, ends, e.delims.Component, true)
				continue
			}
		}
		e.segment(segs.At(i))
	}
	e.put("]")
	if whole {
		e.count(segs.At(n-1), "unt", n, p.UNH.Reference)
	} else {
		e.put(`,"unt":[]`)
	}
	e.put("}")
}

func (e *Encoder) trailer(p *edifact.Part, key string, n int, control string) {
	if p.Segments.Len() == 0 {
		e.put(`,"` + key + `":[]`)
		return
	}
	e.count(p.Segments.At(0), key, n, control)
}

// count writes a trailer where it is not what a builder would count.
func (e *Encoder) count(s edifact.Segment, key string, n int, control string) {
	e.want = append(append(e.want[:0], e.lineEnd...), strings.ToUpper(key)...)
	e.want = strconv.AppendInt(append(e.want, e.delims.Element), int64(n), 10)
	e.want = append(e.want, e.delims.Element)
	counted, err := e.delims.AppendValue(e.want, control, e.charset)
	if err == nil && bytes.Equal(append(counted, e.delims.Terminator), s.Raw()) {
		return
	}
	if !e.exact && s.Len() == 2 && s.Value(1, 1) == strconv.Itoa(n) && s.Value(2, 1) == control {
		return
	}
	e.put(`,"` + key + `":`)
	e.segment(s)
}

// segment writes a segment, with its bytes where a builder would write others.
func (e *Encoder) segment(s edifact.Segment) {
	if !e.exact || e.asWritten(s) {
		e.array(s)
		return
	}
	e.put(`{"seg":`)
	e.array(s)
	e.raw(s.Raw())
}

// raw ends an object of seg by its bytes.
func (e *Encoder) raw(b []byte) {
	e.put(`,"raw":`)
	e.buf = canon.AppendBase64(e.buf, b)
	e.put("}")
}

// asWritten reports whether a builder makes the segment's very bytes of its values.
func (e *Encoder) asWritten(s edifact.Segment) bool {
	if !canon.IsTag(s.Tag()) {
		return false
	}
	e.want = append(append(e.want[:0], e.lineEnd...), s.Tag()...)
	for n := 1; n <= s.Len(); n++ {
		var v []byte
		for r := 1; r <= s.Repetitions(n); r++ {
			if r > 1 {
				v = append(v, canon.RepetitionMark...)
			}
			for c := 1; ; c++ {
				raw, _ := s.Component(n, r, c)
				if raw == nil {
					break
				}
				if c > 1 {
					v = append(v, canon.ComponentMark...)
				}
				v = append(v, s.Text(raw)...)
			}
		}
		e.want = append(e.want, e.delims.Element)
		var err error
		if e.want, err = e.delims.AppendValue(e.want, string(v), e.charset); err != nil {
			return false
		}
	}
	return bytes.Equal(append(e.want, e.delims.Terminator), s.Raw())
}

// array writes tag and elements.
func (e *Encoder) array(s edifact.Segment) {
	e.put("[")
	e.buf = canon.AppendText(e.buf, s.Tag())
	for n := 1; n <= s.Len(); n++ {
		e.put(",")
		repeats := s.Repetitions(n)
		switch repeats {
		case 0:
			e.put(`""`)
		case 1:
			e.element(s, n, 1)
		default:
			e.put(`{"repeat":[`)
			for r := 1; r <= repeats; r++ {
				if r > 1 {
					e.put(",")
				}
				e.element(s, n, r)
			}
			e.put("]}")
		}
	}
	e.put("]")
}

func (e *Encoder) element(s edifact.Segment, n, r int) {
	first, _ := s.Component(n, r, 1)
	next, _ := s.Component(n, r, 2)
	if next == nil {
		e.text(s, first)
		return
	}
	e.put("[")
	e.text(s, first)
	for c := 2; next != nil; c++ {
		e.put(",")
		e.text(s, next)
		next, _ = s.Component(n, r, c+1)
	}
	e.put("]")
}

// text writes a component. Most are ASCII that stands for itself.
func (e *Encoder) text(s edifact.Segment, raw []byte) {
	plain := !s.Wrapped() && (len(raw) == 0 || raw[len(raw)-1] != ' ')
	for _, c := range raw {
		plain = plain && c < 0x80 && c != e.delims.Release
	}
	if plain {
		e.buf = canon.AppendText(e.buf, raw)
		return
	}
	e.buf = canon.AppendText(e.buf, []byte(s.Text(raw)))
}

// written is the repertoire that an interchange's values are written in: levels A
// and B are ASCII with more or less in it, which is let pass as it came.
func written(c edifact.Charset) edifact.Charset {
	if c == "UNOA" || c == "UNOB" || !c.Known() {
		return "UNOC"
	}
	return c
}
