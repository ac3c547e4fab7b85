package edifact

import (
	"fmt"

	"github.com/paklog/hub/edi/finding"
)

// Limits bound what a hostile or broken stream can make a reader hold. The zero
// value of each field means its default.
type Limits struct {
	SegmentBytes int // longest segment; default 1 MiB. A longer one is an error of its message
	MessageBytes int // longest message or package, its object included; default 64 MiB, at most 1 GiB. A longer message is cut, with an error; a segment or object without end ends the reading
	Elements     int // most elements of a segment; default 65,536. More are an error of their message
	Findings     int // most findings kept for one part; default 1,000
}

func (l Limits) withDefaults() Limits {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&l.SegmentBytes, 1<<20)
	def(&l.MessageBytes, 64<<20)
	def(&l.Elements, 1<<16)
	def(&l.Findings, 1000)
	l.MessageBytes = min(l.MessageBytes, 1<<30)
	l.SegmentBytes = min(l.SegmentBytes, l.MessageBytes)
	return l
}

// LimitError ends a read: the stream asked for more than [Limits] allow.
type LimitError struct {
	Limit  string // the field of Limits
	Max    int
	Offset int64 // where the thing that is too large begins
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("edifact: what begins at byte %d exceeds the limit %s of %d: either the service characters are wrong or the limit must be raised", e.Offset, e.Limit, e.Max)
}

// measure remembers that a segment of the part at hand is over a limit.
func (r *Reader) measure(b bound) {
	r.over = r.over || int(b.End-b.Start) > r.win.lim.SegmentBytes || int(b.Last-b.First) > r.win.lim.Elements
}

// tooLarge is the finding that the message at hand is over its limit behind its last segment.
// What follows up to its UNT is handed out segment by segment, as strays of which no more is said.
func (r *Reader) tooLarge(last Segment) Finding {
	p := &r.part
	f := p.At(last, 0)
	f.Code, f.Layer, f.Offset, f.Length, f.Found = CodeMessageLimit, LayerSyntax, p.Offset+int64(len(p.Raw)), 0, ""
	f.Message = fmt.Sprintf("the message is longer than the limit MessageBytes: what stands behind its segment %d is no part of it", last.Ordinal())
	f.Expected = fmt.Sprintf("at most %d bytes", r.win.lim.MessageBytes)
	f.Hint, f.Ack = "send it as several messages, or raise the limit", AckCodes{UCI: "35"}
	return f
}

// checkLimits reports the segments of the part that are over a limit: at the longest of
// their elements, or at the first that is too much.
func (r *Reader) checkLimits() {
	p, lim := &r.part, &r.win.lim
	for i, s := range p.Segments.All() {
		b := &r.bounds[i]
		n, ucd := 0, "39"
		var message, expected string
		switch size := int(b.End - b.Start); {
		case size > lim.SegmentBytes:
			for e := range s.Len() + 1 {
				if len(s.Element(e)) > len(s.Element(n)) {
					n = e
				}
			}
			message, expected = fmt.Sprintf("segment %s is %d bytes long, over the limit SegmentBytes", finding.Clip(s.Tag()), size), fmt.Sprintf("at most %d bytes", lim.SegmentBytes)
		case s.Len() > lim.Elements:
			n, ucd = lim.Elements+1, "16"
			message, expected = fmt.Sprintf("segment %s has %d elements, over the limit Elements", finding.Clip(s.Tag()), s.Len()), fmt.Sprintf("at most %d elements", lim.Elements)
		default:
			continue
		}
		f := p.At(s, n)
		f.Code, f.Layer, f.Message, f.Expected, f.Ack.UCD = CodeLimit, LayerSyntax, message, expected, ucd
		f.Element = finding.Clip([]byte(f.Element))
		f.Hint = "the segment is kept; send less in it, or raise the limit"
		p.Add(f)
	}
}
