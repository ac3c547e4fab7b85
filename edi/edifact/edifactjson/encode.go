package edifactjson

import (
	"bytes"
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
	out  canon.Page
	w    io.Writer
	want []byte // what a builder would write for the segment at hand
	ends []uint32

	delims  edifact.Delimiters
	table   [256]uint8 // what bytes are between them
	charset edifact.Charset
	pending bool // the header is written but for its line end
}

// NewEncoder writes to w.
func NewEncoder(w io.Writer, opts Options) *Encoder {
	return &Encoder{out: canon.Page{Exact: opts.Exact}, w: w}
}

// Write writes everything r reads.
func Write(w io.Writer, r *edifact.Reader, opts Options) error {
	return canon.Each(r.Next, NewEncoder(w, opts).Part)
}

// Part writes the next part.
func (e *Encoder) Part(p *edifact.Part) error {
	if e.pending {
		e.pending = false
		e.out.Follow(lead(p), "messages")
	}
	switch p.Kind {
	case edifact.Noise:
		e.out.Noise(p.Raw)
	case edifact.InterchangeHeader:
		e.header(p)
	case edifact.GroupHeader:
		e.out.Item()
		e.out.Put(`{"ung":`)
		e.segment(p.Segments.At(0))
		e.out.Put(`,"messages":[`)
		e.out.Group()
	case edifact.Message:
		e.out.Item()
		e.message(p)
	case edifact.Package:
		e.out.Item()
		e.out.Put(`{"package":`)
		e.out.Base64(p.Raw)
		e.out.Put("}")
	case edifact.Security:
		e.lone("security", p)
	case edifact.Stray:
		e.lone("stray", p)
	case edifact.GroupTrailer:
		e.out.Put("]")
		e.trailer(p, "une", p.Messages, p.UNG.Control)
		e.out.Put("}")
		e.out.GroupEnd()
	case edifact.InterchangeTrailer:
		e.out.Put("]")
		n := p.Messages
		if p.Groups > 0 {
			n = p.Groups
		}
		e.trailer(p, "unz", n, p.UNB.Control)
		e.out.Put("}\n")
	}
	return e.out.Flush(e.w)
}

func (e *Encoder) lone(key string, p *edifact.Part) {
	e.out.Item()
	e.out.Put(`{"` + key + `":`)
	e.segment(p.Segments.At(0))
	e.out.Put("}")
}

func (e *Encoder) header(p *edifact.Part) {
	e.delims, e.charset = p.Segments.Delimiters(), written(p.UNB.Syntax)
	e.out.Begin()
	e.table = canon.Table(e.delims.Element, e.delims.Terminator, map[byte]uint8{e.delims.Repetition: stream.Repetition})
	e.out.Put(`{"unb":`)
	plain := func() {
		if p.UNB.Absent {
			e.out.Put("[]")
		} else {
			e.array(p.Segments.At(p.Segments.Len() - 1))
		}
	}
	at := len(e.out.Buf)
	plain()
	if e.out.Exact && (p.UNB.Absent || p.UNB.UNA || e.delims.Validate() != nil || !e.asWritten(p.Segments.At(p.Segments.Len()-1))) && len(p.Raw) > 0 {
		e.out.Buf = canon.AppendRaw(e.out.Buf, at, p.Raw)
	}
	e.out.Put(`,"delimiters":{"component":`)
	d := e.delims
	e.out.Text([]byte{d.Component})
	for _, m := range []struct {
		name string
		c    byte
	}{{"element", d.Element}, {"decimal", d.Decimal}, {"release", d.Release}, {"repetition", d.Repetition}, {"terminator", d.Terminator}} {
		if m.c != 0 {
			e.out.Put(`,"` + m.name + `":`)
			e.out.Text([]byte{m.c})
		}
	}
	e.out.Put("}")
	if p.UNB.UNA {
		e.out.Put(`,"una":true`)
	}
	e.pending = true
}

// lead is what stands before a part's first segment.
func lead(p *edifact.Part) []byte {
	if p.Segments.Len() == 0 {
		return nil
	}
	s := p.Segments.At(0)
	return s.Raw()[:s.Offset()-p.Offset]
}

func (e *Encoder) message(p *edifact.Part) {
	segs := &p.Segments
	n := segs.Len()
	e.out.Put(`{"unh":`)
	e.segment(segs.At(0))
	e.out.Put(`,"segments":[`)
	last := n
	whole := n > 1 && segs.At(n-1).Is("UNT")
	if whole {
		last--
	}
	plain := !e.out.Exact && !segs.Wrapped() && stream.Seen(p.Raw, &e.table) == 0
	for i := 1; i < last; i++ {
		if i > 1 {
			e.out.Put(",")
		}
		if plain {
			tag, text, ends := segs.Split(i, e.ends[:0])
			from, to := ends[0], ends[len(ends)-1]
			if e.delims.Release == 0 || stream.Until(text, from, to, e.delims.Release) == to {
				e.out.Buf = canon.AppendSegment(e.out.Buf, tag, text, ends, e.delims.Component, true)
				continue
			}
		}
		e.segment(segs.At(i))
	}
	e.out.Put("]")
	if whole {
		e.count(segs.At(n-1), "unt", n, p.UNH.Reference)
	} else {
		e.out.Put(`,"unt":[]`)
	}
	e.out.Put("}")
}

func (e *Encoder) trailer(p *edifact.Part, key string, n int, control string) {
	if p.Segments.Len() == 0 {
		e.out.Put(`,"` + key + `":[]`)
		return
	}
	e.count(p.Segments.At(0), key, n, control)
}

// count writes a trailer where it is not what a builder would count.
func (e *Encoder) count(s edifact.Segment, key string, n int, control string) {
	e.want = append(append(e.want[:0], e.out.LineEnd...), strings.ToUpper(key)...)
	e.want = strconv.AppendInt(append(e.want, e.delims.Element), int64(n), 10)
	e.want = append(e.want, e.delims.Element)
	counted, err := e.delims.AppendValue(e.want, control, e.charset)
	if err == nil && bytes.Equal(append(counted, e.delims.Terminator), s.Raw()) {
		return
	}
	if !e.out.Exact && s.Len() == 2 && s.Value(1, 1) == strconv.Itoa(n) && s.Value(2, 1) == control {
		return
	}
	e.out.Put(`,"` + key + `":`)
	e.segment(s)
}

// segment writes a segment, with its bytes where a builder would write others.
func (e *Encoder) segment(s edifact.Segment) {
	at := len(e.out.Buf)
	e.array(s)
	if e.out.Exact && !e.asWritten(s) {
		e.out.Buf = canon.AppendRaw(e.out.Buf, at, s.Raw())
	}
}

// asWritten reports whether a builder makes the segment's very bytes of its values.
func (e *Encoder) asWritten(s edifact.Segment) bool {
	if !canon.IsTag(s.Tag()) {
		return false
	}
	e.want = append(append(e.want[:0], e.out.LineEnd...), s.Tag()...)
	for n := 1; n <= s.Len(); n++ {
		var v []byte
		again := false
		for repeat := range s.Repeats(n) {
			if again {
				v = append(v, canon.RepetitionMark...)
			}
			again = true
			behind := false
			for raw := range s.Components(repeat) {
				if behind {
					v = append(v, canon.ComponentMark...)
				}
				behind = true
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
	e.out.Put("[")
	e.out.Text(s.Tag())
	for n := 1; n <= s.Len(); n++ {
		e.out.Put(",")
		switch s.Repetitions(n) {
		case 0:
			e.out.Put(`""`)
		case 1:
			e.element(s, s.Element(n))
		default:
			open := `{"repeat":[`
			for repeat := range s.Repeats(n) {
				e.out.Put(open)
				open = ","
				e.element(s, repeat)
			}
			e.out.Put("]}")
		}
	}
	e.out.Put("]")
}

func (e *Encoder) element(s edifact.Segment, repeat []byte) {
	var first []byte
	several := false
	for raw := range s.Components(repeat) {
		if first == nil {
			first = raw
			continue
		}
		if !several {
			e.out.Put("[")
			e.text(s, first)
		}
		several = true
		e.out.Put(",")
		e.text(s, raw)
	}
	if several {
		e.out.Put("]")
	} else {
		e.text(s, first)
	}
}

// text writes a component. Most are ASCII that stands for itself.
func (e *Encoder) text(s edifact.Segment, raw []byte) {
	plain := !s.Wrapped() && (len(raw) == 0 || raw[len(raw)-1] != ' ')
	for _, c := range raw {
		plain = plain && c < 0x80 && c != e.delims.Release
	}
	if plain {
		e.out.Text(raw)
		return
	}
	e.out.Text([]byte(s.Text(raw)))
}

// written is the repertoire that an interchange's values are written in: levels A
// and B are ASCII with more or less in it, which is let pass as it came.
func written(c edifact.Charset) edifact.Charset {
	if c == "UNOA" || c == "UNOB" || !c.Known() {
		return "UNOC"
	}
	return c
}
