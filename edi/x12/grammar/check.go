package grammar

import (
	"fmt"
	"strings"
	"sync"

	"github.com/paklog/hub/edi/x12"
)

// Codes of findings, stable like those of package x12.
const (
	CodeUnknownSet     = "set-unknown"
	CodeNearestRelease = "release-unknown"
	CodeWrongGroup     = "gs01-set"
	CodeUnknownSegment = "segment-unknown"
	CodeUnexpected     = "segment-unexpected"
	CodeSequence       = "segment-sequence"
	CodeMissingSegment = "segment-missing"
	CodeTooMany        = "segment-repeats"
	CodeTooManyLoops   = "loop-repeats"
	CodeMissingElement = "element-missing"
	CodeTooShort       = "element-too-short"
	CodeTooLong        = "element-too-long"
	CodeCharacter      = "element-character"
	CodeUnknownCode    = "code-unknown"
	CodeDate           = "element-date"
	CodeTime           = "element-time"
	CodeUnknownElement = "element-unknown"
	CodeConditional    = "element-conditional"
	CodeExclusion      = "element-exclusion"
)

// Check finds the grammar for a transaction set and adds what it finds to p. A
// set without a grammar gets a note.
func (l *Library) Check(p *x12.Part) {
	version := ""
	if p.GS != nil {
		version = p.GS.Version
	}
	set, exact := l.Find(p.ST.ID, version)
	st := p.Segments.At(0)
	if set == nil {
		f := p.At(st, 1)
		f.Code, f.Severity, f.Layer = CodeUnknownSet, x12.Note, x12.LayerStandard
		f.Message = fmt.Sprintf("no profile for transaction set %s: only its envelope was checked", f.Found)
		p.Add(f)
		return
	}
	if !exact {
		f := p.At(st, 1)
		f.Code, f.Severity, f.Layer = CodeNearestRelease, x12.Note, x12.LayerStandard
		f.Expected, f.Found = set.Release, version
		f.Message = fmt.Sprintf("no profile of %s for release %q: checked by %s, errors count as warnings", p.ST.ID, version, set.Release)
		p.Add(f)
	}
	set.Check(p, exact)
}

// Check adds what is wrong with p by this grammar. Unless exact, the grammar is
// one of another release, and what would be an error is a warning: the releases
// differ in lengths and dates.
func (g *Set) Check(p *x12.Part, exact bool) {
	c := checkers.Get().(*checker)
	defer func() {
		clear(c.fields[:cap(c.fields)])
		*c = checker{frames: c.frames[:0], spare: c.spare, fields: c.fields[:0]}
		checkers.Put(c)
	}()
	c.set, c.part, c.most = g, p, x12.Error
	c.repetition = p.Segments.Delimiters().Repetition
	c.wrapped = p.Segments.Len() > 0 && p.Segments.At(0).Wrapped()
	if !exact {
		c.most = x12.Warning
	}
	if p.GS != nil && p.GS.FunctionalID != g.Group {
		f := p.At(p.Segments.At(0), 1)
		f.Code, f.Severity, f.Layer, f.Expected = CodeWrongGroup, x12.Warning, x12.LayerStandard, "GS01 "+g.Group
		f.Message = fmt.Sprintf("set %s stands in a group of kind %q", p.ST.ID, p.GS.FunctionalID)
		p.Add(f)
	}
	c.run()
}

// frame is an open loop: where it stands and how often each child came.
type frame struct {
	node   *Node
	at     int
	counts []int
	nth    int // which repetition of the loop this is
}

type checker struct {
	set    *Set
	part   *x12.Part
	most   x12.Severity
	frames []frame
	spare  [][]int
	last   string // tag of the segment before

	fields     [][]byte // elements of the segment at hand
	repetition byte
	wrapped    bool
}

// checkers keeps the memory of checks for the next ones.
var checkers = sync.Pool{New: func() any { return new(checker) }}

func (c *checker) run() {
	segs := &c.part.Segments
	c.push(c.set.Root, 1)
	c.last = "ST"
	n := segs.Len()
	if n > 1 && segs.At(n-1).Is("SE") {
		n--
	}
	for i := 1; i < n; i++ {
		s := segs.At(i)
		tag := s.Tag()
		key := keyOf(tag)
		def := c.set.segments[key]
		c.place(s, key)
		if def != nil {
			c.elements(s, def)
			c.last = def.ID
		} else {
			c.last = string(tag)
		}
	}
	c.close(0, n)
}

func (c *checker) push(n *Node, nth int) {
	var counts []int
	if k := len(c.spare); k > 0 && cap(c.spare[k-1]) >= len(n.Children) {
		counts = c.spare[k-1][:len(n.Children)]
		clear(counts)
		c.spare = c.spare[:k-1]
	} else {
		counts = make([]int, len(n.Children), max(32, len(n.Children)))
	}
	c.frames = append(c.frames, frame{node: n, counts: counts, nth: nth})
}

// pop closes the innermost loop; what it still required is missing before the
// segment with index next.
func (c *checker) pop(next int) {
	f := &c.frames[len(c.frames)-1]
	c.require(f, f.at, len(f.node.Children), next)
	c.spare = append(c.spare, f.counts)
	c.frames = c.frames[:len(c.frames)-1]
}

func (c *checker) close(depth, next int) {
	for len(c.frames) > depth {
		c.pop(next)
	}
}

// require reports the mandatory children of f from from to to that never came.
func (c *checker) require(f *frame, from, to, next int) {
	for i := from; i < to; i++ {
		n := f.node.Children[i]
		if !n.Required || f.counts[i] > 0 {
			continue
		}
		f.counts[i]++ // once is enough to say so
		c.missing(n, next)
	}
}

// place finds the segment's node: forward from the innermost loop outwards,
// then where its node was passed or is full.
func (c *checker) place(s x12.Segment, key tagKey) {
	if key != 0 && (c.forward(s, key, true) || c.forward(s, key, false) || c.backward(s, key)) {
		return
	}
	id := s.ID()
	switch {
	case c.set.inside[key]:
		c.add(s, 0, CodeUnexpected, x12.Error, x12.AckCodes{AK3: "2", AK5: "5"},
			fmt.Sprintf("segment %s stands outside the loop it belongs to", id), "", "send it inside its loop, behind the segment that opens it")
	case c.set.segments[key] != nil:
		c.add(s, 0, CodeUnknownSegment, x12.Note, x12.AckCodes{}, fmt.Sprintf("the profile knows no segment %s in set %s", id, c.set.ID), "", "")
	default:
		c.add(s, 0, CodeUnknownSegment, x12.Note, x12.AckCodes{}, fmt.Sprintf("the profile does not know segment %q", id), "", "")
	}
}

func (c *checker) forward(s x12.Segment, key tagKey, room bool) bool {
	for d := len(c.frames) - 1; d >= 0; d-- {
		f := &c.frames[d]
		for i := f.at; i < len(f.node.Children); i++ {
			n := f.node.Children[i]
			if n.tag != key || i == 0 && d > 0 && f.counts[0] > 0 {
				continue // a loop's first segment again is the loop again
			}
			if room == (f.counts[i] >= n.Max) {
				continue
			}
			c.close(d+1, s.Ordinal()-1)
			f = &c.frames[d]
			c.require(f, f.at, i, s.Ordinal()-1)
			c.enter(f, i, s)
			return true
		}
	}
	return false
}

func (c *checker) backward(s x12.Segment, key tagKey) bool {
	for d := len(c.frames) - 1; d >= 0; d-- {
		f := &c.frames[d]
		for i := 0; i < f.at; i++ {
			if f.node.Children[i].tag != key || i == 0 && d > 0 {
				continue
			}
			c.close(d+1, s.Ordinal()-1)
			f = &c.frames[d]
			c.add(s, 0, CodeSequence, x12.Error, x12.AckCodes{AK3: "7", AK5: "5"},
				fmt.Sprintf("segment %s comes too late: its place is before %s", s.ID(), c.last), "before "+f.node.Children[f.at].ID, "send the segments in the order of the standard")
			c.enter(f, i, s)
			return true
		}
	}
	return false
}

// enter counts child i of f and opens it if it is a loop.
func (c *checker) enter(f *frame, i int, s x12.Segment) {
	n := f.node.Children[i]
	f.at = i
	f.counts[i]++
	nth := f.counts[i]
	if n.Loop {
		c.push(n, nth)
		c.frames[len(c.frames)-1].counts[0] = 1
	}
	if nth <= n.Max {
		return
	}
	code, ack, what := CodeTooMany, "5", "segment"
	if n.Loop {
		code, ack, what = CodeTooManyLoops, "4", "loop"
	}
	c.add(s, 0, code, x12.Error, x12.AckCodes{AK3: ack, AK5: "5"}, fmt.Sprintf("%s %s comes %d times", what, n.ID, nth), fmt.Sprintf("at most %d", n.Max), "")
}

// path names the open loops, "LX[2]/W01[1]".
func (c *checker) path() string {
	var b strings.Builder
	for _, f := range c.frames[1:] {
		if b.Len() > 0 {
			b.WriteByte('/')
		}
		fmt.Fprintf(&b, "%s[%d]", f.node.ID, f.nth)
	}
	return b.String()
}

func (c *checker) add(s x12.Segment, n int, code string, sev x12.Severity, ack x12.AckCodes, message, expected, hint string) {
	f := c.part.At(s, n)
	f.Code, f.Severity, f.Layer, f.Ack = code, min(sev, c.most), x12.LayerStandard, ack
	f.Message, f.Expected, f.Hint = message, expected, hint
	if len(c.frames) > 0 {
		f.Loop = c.path()
	}
	c.part.Add(f)
}

// missing reports a mandatory node where it was due: before the segment with
// index next.
func (c *checker) missing(n *Node, next int) {
	segs := &c.part.Segments
	f := x12.Finding{Code: CodeMissingSegment, Severity: min(x12.Error, c.most), Layer: x12.LayerStandard, Element: n.ID,
		Loop: c.path(), Segment: next + 1, Ack: x12.AckCodes{AK3: "3", AK5: "5"}}
	before := "the end"
	if next < segs.Len() {
		s := segs.At(next)
		before, f.Offset = s.ID(), s.Offset()
	} else {
		f.Offset = c.part.Offset + int64(len(c.part.Raw))
	}
	what := "segment"
	if n.Loop {
		what = "loop"
	}
	f.Expected = fmt.Sprintf("%s after %s, before %s", n.ID, c.last, before)
	f.Message = fmt.Sprintf("mandatory %s %s is missing", what, n.ID)
	f.Hint = "send it in this place"
	c.part.Add(f)
}
