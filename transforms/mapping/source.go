package mapping

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/transforms/edifactwms"
	"github.com/paklog/hub/transforms/x12wms"
)

// Document is a transaction set or message to be mapped.
type Document struct {
	paper    x12wms.Paper
	segments []content
	edifact  bool
}

// openers are the segments behind which parties are no longer those of the whole document.
var openers = map[string]bool{"LX": true, "PO1": true, "POC": true, "W01": true, "W04": true, "HL": true, "LIN": true, "CPS": true}

// parties are those of the whole document: what is answered names them as it did, whatever a map takes of them.
func (d Document) parties() (out []x12wms.Party) {
	for _, s := range d.segments {
		if openers[s.ID()] && (s.ID() != "HL" || s.text(3, 1).Value != "S") {
			break
		}
		switch s := s.(type) {
		case x12Segment:
			if s.Is("N1") {
				out = append(out, x12wms.Party{Role: x12wms.TextOf(s.Segment, 1), Name: x12wms.TextOf(s.Segment, 2), CodeQualifier: x12wms.TextOf(s.Segment, 3), Code: x12wms.TextOf(s.Segment, 4)})
			}
		case edifactSegment:
			if s.Is("NAD") {
				out = append(out, edifactwms.Party(s.Segment))
			}
		}
	}
	return out
}

// content is a segment of any syntax. Elements and components count from 1.
type content interface {
	ID() string
	Ordinal() int
	Len() int
	text(n, c int) x12wms.Text
	all(n int) []x12wms.Text
	elements() []string // with the marks of what is written
}

// OfX12 is a transaction set, which must stay valid as long as the document.
func OfX12(p *x12.Part) Document {
	d := Document{paper: x12wms.OnX12(p), segments: make([]content, 0, p.Segments.Len())}
	for _, s := range p.Segments.All() {
		d.segments = append(d.segments, x12Segment{s, p.Segments.Delimiters()})
	}
	return d
}

// OfEDIFACT is a message, which must stay valid as long as the document.
func OfEDIFACT(p *edifact.Part) Document {
	d := Document{paper: edifactwms.On(p), segments: make([]content, 0, p.Segments.Len()), edifact: true}
	for _, s := range p.Segments.All() {
		d.segments = append(d.segments, edifactSegment{s})
	}
	return d
}

type x12Segment struct {
	x12.Segment
	delims x12.Delimiters
}

func (s x12Segment) text(n, c int) x12wms.Text {
	t := x12wms.TextOf(s.Segment, n)
	if d := s.delims.Component; d != 0 && strings.IndexByte(t.Value, d) >= 0 || c > 1 {
		t.Value = strings.TrimSpace(x12wms.ToUTF8(s.Component(n, c)))
	}
	return t
}

func (s x12Segment) all(n int) []x12wms.Text {
	var out []x12wms.Text
	at := x12wms.TextOf(s.Segment, n).At
	for _, v := range s.Repeats(n) {
		out = append(out, x12wms.Text{Value: strings.TrimSpace(x12wms.ToUTF8(v)), At: at})
	}
	return out
}

type edifactSegment struct{ edifact.Segment }

func (s edifactSegment) text(n, c int) x12wms.Text { return s.component(n, 1, c) }

func (s edifactSegment) component(n, r, c int) x12wms.Text {
	raw, offset := s.Component(n, r, c)
	return x12wms.Text{Value: strings.TrimSpace(s.Text(raw)), At: x12wms.Place{Element: s.Ref(n, c), Segment: s.Ordinal(), Offset: offset, Length: len(raw)}}
}

func (s edifactSegment) all(n int) []x12wms.Text {
	var out []x12wms.Text
	for r := range s.Repetitions(n) {
		out = append(out, s.component(n, r+1, 1))
	}
	return out
}

// source is a document while a map runs over it; it notes what an expression looked at.
type source struct {
	seen []x12wms.Text
}

// maxSeen bounds what is noted of one expression: what was looked at last counts most.
const maxSeen = 16

func (s *source) note(t x12wms.Text) string {
	if len(s.seen) == maxSeen {
		s.seen = s.seen[:maxSeen-1]
	}
	s.seen = append(s.seen, t)
	return t.Value
}

// cause is what an expression looked at last: where it failed.
func (s *source) cause() (x12wms.Text, bool) {
	if len(s.seen) == 0 {
		return x12wms.Text{}, false
	}
	return s.seen[len(s.seen)-1], true
}

// origin is where a value came from: the place that holds it, or else the last that was not empty, or
// where the first was due.
func (s *source) origin(value string) (x12wms.Place, bool) {
	if len(s.seen) == 0 {
		return x12wms.Place{}, false
	}
	at := s.seen[0].At
	for _, t := range s.seen {
		if t.Value == value && value != "" {
			return t.At, true
		}
		if t.Value != "" {
			at = t.At
		}
	}
	return at, true
}

var segmentType = types.NewObjectType("segment", traits.IndexerType)

// segment is one segment, or one that is not there.
type segment struct {
	src  *source
	is   content      // nil where it is not there
	tag  string       // that was asked for
	near x12wms.Place // where one that is not there was due
}

func (s *segment) text(n, c int64) x12wms.Text {
	if s.is == nil || n < 1 || c < 1 || n > int64(s.is.Len()) || c > 1000 {
		at := s.near
		if s.is != nil {
			at = s.is.text(1, 1).At
		}
		at.Element = fmt.Sprintf("%s-%02d", s.tag, n)
		at.Length = 0
		return x12wms.Text{At: at}
	}
	return s.is.text(int(n), int(c))
}

func (s *segment) value(n, c int64) ref.Val {
	if n < 1 || c < 1 {
		return types.NewErr("elements and components count from 1: there is no %d", min(n, c))
	}
	return types.String(s.src.note(s.text(n, c)))
}

// pair is what follows a qualifier among pairs of qualifier and value from an element on. In EDIFACT a
// pair is a composite: the value first, its qualifier second.
func (s *segment) pair(qualifier string, from int64) ref.Val {
	if from < 1 {
		return types.NewErr("elements count from 1: there is no %d", from)
	}
	if s.is == nil {
		return types.String(s.src.note(s.text(from, 1)))
	}
	_, composites := s.is.(edifactSegment)
	for n := from; n <= int64(s.is.Len()); n++ {
		switch {
		case composites && s.text(n, 2).Value == qualifier:
			return types.String(s.src.note(s.text(n, 1)))
		case !composites && (n-from)%2 == 0 && s.text(n, 1).Value == qualifier:
			return types.String(s.src.note(s.text(n+1, 1)))
		}
	}
	none := s.text(from, 1)
	none.Value = ""
	return types.String(s.src.note(none))
}

// Get implements [traits.Indexer]: an element.
func (s *segment) Get(index ref.Val) ref.Val {
	n, ok := index.(types.Int)
	if !ok {
		return types.NewErr("an element is named by its number")
	}
	return s.value(int64(n), 1)
}

// ConvertToNative implements [ref.Val].
func (s *segment) ConvertToNative(t reflect.Type) (any, error) {
	return nil, errors.New("a segment is no value: name an element of it")
}

// ConvertToType implements [ref.Val].
func (s *segment) ConvertToType(t ref.Type) ref.Val {
	return types.NewErr("a segment is no %s: name an element of it", t.TypeName())
}

// Equal implements [ref.Val].
func (s *segment) Equal(other ref.Val) ref.Val {
	o, ok := other.(*segment)
	return types.Bool(ok && (s == o || s.is != nil && o.is != nil && s.is.Ordinal() == o.is.Ordinal()))
}

// Type implements [ref.Val].
func (s *segment) Type() ref.Type { return segmentType }

// Value implements [ref.Val].
func (s *segment) Value() any { return s }

// node is a set, or a loop of it.
type node struct {
	src    *source
	kind   *loop
	own    map[string][]*segment // by tag, those of loops in it left out
	loops  map[string][]*node
	first  *segment // nil where the node is not there
	last   int      // ordinal of the last segment in it, inner loops included
	near   x12wms.Place
	parent *node // in a hierarchy
}

func newNode(src *source, kind *loop, near x12wms.Place) *node {
	return &node{src: src, kind: kind, own: map[string][]*segment{}, loops: map[string][]*node{}, near: near}
}

func (n *node) add(s *segment) {
	if n.first == nil {
		n.first = s
	}
	n.own[s.tag] = append(n.own[s.tag], s)
}

// segment is the first of a tag.
func (n *node) segment(tag string) *segment {
	if all := n.own[tag]; len(all) > 0 {
		return all[0]
	}
	return &segment{src: n.src, tag: tag, near: n.near}
}

// ConvertToNative implements [ref.Val].
func (n *node) ConvertToNative(t reflect.Type) (any, error) {
	return nil, errors.New("a loop is no value: name an element of it")
}

// ConvertToType implements [ref.Val].
func (n *node) ConvertToType(t ref.Type) ref.Val {
	return types.NewErr("a loop is no %s: name an element of it", t.TypeName())
}

// Equal implements [ref.Val].
func (n *node) Equal(other ref.Val) ref.Val { return types.Bool(ref.Val(n) == other) }

// Type implements [ref.Val].
func (n *node) Type() ref.Type { return n.kind.typ }

// Value implements [ref.Val].
func (n *node) Value() any { return n }

// cut takes a document apart by the loops of a map.
func (m *Map) cut(d Document, src *source) *node {
	root := newNode(src, m.root, d.paper.End(""))
	open := []*node{root}
	levels := map[*loop]map[string]*node{} // of hierarchies, by number
	for _, c := range d.segments {
		tag := c.ID()
		at := c.text(1, 1).At
		at.Element, at.Length = tag, 0
		if c.Len() == 0 {
			at = x12wms.Place{Element: tag, Segment: c.Ordinal(), Offset: d.paper.End("").Offset}
		}
		s := &segment{src: src, is: c, tag: tag, near: at}
		depth := len(open) - 1
		for ; depth >= 0; depth-- {
			in := open[depth]
			if l := in.kind.begins(tag); l != nil {
				n := newNode(src, l, at)
				n.add(s)
				if l.id > 0 {
					l.hang(n, levels)
				}
				in.loops[l.name] = append(in.loops[l.name], n)
				open = append(open[:depth+1], n)
				break
			}
			if depth == 0 || in.kind.holds[tag] {
				in.add(s)
				open = open[:depth+1]
				break
			}
		}
		for _, n := range open {
			n.last = c.Ordinal()
		}
	}
	if root.first != nil {
		root.near = root.first.near
	}
	return root
}

// hang finds the node above one of a hierarchy. A number that comes twice, or an upper level that
// comes later, has none: what looks upward never turns in a circle.
func (l *loop) hang(n *node, levels map[*loop]map[string]*node) {
	of := levels[l]
	if of == nil {
		of = map[string]*node{}
		levels[l] = of
	}
	n.parent = of[n.first.text(int64(l.parent), 1).Value]
	if id := n.first.text(int64(l.id), 1).Value; of[id] == nil {
		of[id] = n
	}
}
