package grammar

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/edi/internal/stream"
)

// Codes of findings, stable: alarms and partner policies are keyed by them.
const (
	CodeUnknownSet         = "set-unknown"
	CodeNearestRelease     = "release-unknown"
	CodeWrongGroup         = "gs01-set"
	CodeUnknownSegment     = "segment-unknown"
	CodeUnexpected         = "segment-unexpected"
	CodeSequence           = "segment-sequence"
	CodeMissingSegment     = "segment-missing"
	CodeTooMany            = "segment-repeats"
	CodeTooManyLoops       = "loop-repeats"
	CodeUnknownQualifier   = "qualifier-unknown"
	CodeMissingElement     = "element-missing"
	CodeTooShort           = "element-too-short"
	CodeTooLong            = "element-too-long"
	CodeCharacter          = "element-character"
	CodeUnknownCode        = "code-unknown"
	CodeDate               = "element-date"
	CodeTime               = "element-time"
	CodeUnknownElement     = "element-unknown"
	CodeTooManyComponents  = "element-components"
	CodeTooManyRepetitions = "element-repetitions"
	CodeConditional        = "element-conditional"
	CodeExclusion          = "element-exclusion"
	CodeCount              = "count-mismatch"
	CodeSum                = "sum-mismatch"
	CodeTree               = "hierarchy"
	CodeCheckDigit         = "check-digit"
)

// Check gives src's Add whatever is wrong with it by this grammar. Unless exact,
// the grammar is one of another release, and what would be an error is a
// warning: releases differ in lengths and codes.
func (s *Set) Check(src Source, sx *Syntax, exact bool) { s.check(src, sx, exact, nil) }

// watcher sees where segments are placed.
type watcher interface {
	// segment is at hand: node is nil where it has no place.
	segment(c *checker, node *Node, tag []byte)
	// ended is a loop of which all is known.
	ended(f *frame)
}

func (s *Set) check(src Source, sx *Syntax, exact bool, w watcher) {
	c := checkers.Get().(*checker)
	c.watch = w
	c.set, c.src, c.syntax, c.most = s, src, *sx, finding.Error
	c.sx = &c.syntax
	if !exact {
		c.most = finding.Warning
	}
	c.classes(sx)
	c.flat = len(sx.Text) > 0 && stream.Seen(sx.Text, &c.across) == 0
	c.run()
	c.forget()
	checkers.Put(c)
}

// frame is an open loop: where it stands and how often each child came.
type frame struct {
	node   *Node
	at     int // start of the place that was reached last
	counts []int32
	nth    int // which repetition of the loop this is
}

type checker struct {
	set    *Set
	src    Source
	sx     *Syntax // &syntax: the caller's need not live on the heap
	syntax Syntax
	most   finding.Severity
	frames []frame
	spare  [][]int32
	lastAt int // segment before the one at hand

	i       int      // segment at hand
	fields  [][]byte // its elements
	class   [256]uint8
	across  [256]uint8 // class, of a document whose line ends are none of its data
	flat    bool       // no byte of the document is anything but data
	made    Syntax     // that class was made for
	scratch []byte
	trigger string // element that made a note apply

	watch  watcher // nil but for a [Learner]
	totals []total // of the rules
	tree   tree
}

// What a byte may be beside data.
const (
	isControl = 1 << iota
	isComponent
	isRepetition
	isRelease
	isBreak
)

func (c *checker) classes(sx *Syntax) {
	key := Syntax{Component: sx.Component, Repetition: sx.Repetition, Release: sx.Release, Wrapped: sx.Wrapped}
	if c.made.Component == key.Component && c.made.Repetition == key.Repetition && c.made.Release == key.Release &&
		c.made.Wrapped == key.Wrapped && c.class[0] != 0 {
		return
	}
	c.made = key
	c.class = [256]uint8{0x7F: isControl}
	for b := range ' ' {
		c.class[b] = isControl
	}
	if sx.Wrapped {
		c.class['\n'], c.class['\r'] = isBreak, isBreak
	}
	set := func(b byte, as uint8) {
		if b != 0 {
			c.class[b] = as
		}
	}
	set(sx.Component, isComponent)
	set(sx.Repetition, isRepetition)
	set(sx.Release, isRelease)
	c.across = c.class
	c.across['\n'], c.across['\r'] = 0, 0
}

// checkers keeps the memory of checks for the next ones.
var checkers = sync.Pool{New: func() any { return new(checker) }}

func (c *checker) forget() {
	clear(c.fields[:cap(c.fields)])
	c.fields, c.frames, c.totals = c.fields[:0], c.frames[:0], c.totals[:0]
	c.set, c.src, c.syntax, c.watch = nil, nil, Syntax{}, nil
	c.tree.forget()
}

func (c *checker) run() {
	for range c.set.Rules {
		c.totals = append(c.totals, total{at: -1})
	}
	c.push(c.set.Root, 1)
	n := c.src.Len()
	if n > 1 && c.tagOf(n-1) == c.sx.Trailer {
		n--
	}
	c.lastAt = 0
	for i := 1; i < n; i++ {
		c.i = i
		var tag []byte
		tag, c.fields = c.src.Fields(i, c.fields[:0])
		key := keyOf(tag)
		node := c.place(key, tag)
		if c.watch != nil {
			c.watch.segment(c, node, tag)
		}
		if node != nil {
			if node.def != nil {
				c.elements(node.def)
			}
			for _, r := range node.rules {
				c.rule(r, node)
			}
		} else if def := c.set.segments[key]; def != nil {
			c.elements(def)
		}
		c.lastAt = i
	}
	c.i = n
	c.close(0)
	c.totalled()
}

func (c *checker) tagOf(i int) string {
	tag, fields := c.src.Fields(i, c.fields[:0])
	c.fields = fields[:0]
	return string(tag)
}

func (c *checker) push(n *Node, nth int) {
	var counts []int32
	if k := len(c.spare); k > 0 && cap(c.spare[k-1]) >= len(n.Children) {
		counts = c.spare[k-1][:len(n.Children)]
		clear(counts)
		c.spare = c.spare[:k-1]
	} else {
		counts = make([]int32, len(n.Children), max(64, len(n.Children)))
	}
	c.frames = append(c.frames, frame{node: n, counts: counts, nth: nth})
}

// close ends the loops deeper than depth; what they still required is missing
// before the segment at hand.
func (c *checker) close(depth int) {
	for len(c.frames) > depth {
		f := &c.frames[len(c.frames)-1]
		if c.watch != nil {
			c.watch.ended(f)
		}
		c.require(f, len(f.node.Children))
		c.spare = append(c.spare, f.counts)
		c.frames = c.frames[:len(c.frames)-1]
	}
}

// require reports the mandatory children of f before place to that never came.
func (c *checker) require(f *frame, to int) {
	for _, i := range f.node.must {
		if i >= f.at && i < to && f.counts[i] == 0 {
			f.counts[i]++ // once is enough to say so
			c.missing(f.node.Children[i])
		}
	}
}

// place finds the segment's node: forward from the innermost loop outwards,
// then where its node is full or was passed. It is nil for a segment that has
// no place.
func (c *checker) place(key tagKey, tag []byte) *Node {
	if n := c.forward(key, true); n != nil {
		return n
	}
	if key != 0 && c.set.inside[key] {
		if n := c.forward(key, false); n != nil {
			return n
		}
		if n := c.backward(key); n != nil {
			return n
		}
		if n := c.unqualified(key); n != nil {
			return n
		}
		c.add(0, CodeUnexpected, finding.Error, "place", fmt.Sprintf("segment %s stands outside the loop it belongs to", tag), "",
			"send it inside its loop, behind the segment that opens it")
		return nil
	}
	severity, message := finding.Note, fmt.Sprintf("the profile knows no segment %q in set %s", tag, c.set.ID)
	if c.set.Closed {
		severity, message = finding.Error, fmt.Sprintf("segment %q is not taken in set %s", tag, c.set.ID)
	}
	c.add(0, CodeUnknownSegment, severity, "closed", message, "", "")
	return nil
}

// variant is the child of a place that takes the segment at hand: the first
// whose qualifier matches, else the first without one, else -1. end is behind
// the place.
func (c *checker) variant(n *Node, i int) (at, end int) {
	if i+1 == len(n.Children) || n.slots[i+1] != n.slots[i] {
		if m := n.Children[i].Match; m != nil && !c.matches(m) {
			return -1, i + 1
		}
		return i, i + 1
	}
	at, end = -1, n.slots[i]
	for ; end < len(n.Children) && n.slots[end] == n.slots[i]; end++ {
		m := n.Children[end].Match
		switch {
		case m == nil && at < 0 && !c.set.Closed: // who closes a set names all he takes
			at = end
		case m != nil && (at < 0 || n.Children[at].Match == nil) && c.matches(m):
			at = end
		}
	}
	return at, end
}

func (c *checker) matches(m *Match) bool {
	v := c.valueOf(m.Element, m.Component)
	if m.packed != nil {
		return len(v) > 0 && len(v) <= 4 && slices.Contains(m.packed, pack(v))
	}
	return slices.Contains(m.Values, string(v))
}

// valueOf is an element of the segment at hand, or a component of it, without
// trailing blanks.
func (c *checker) valueOf(n, component int) []byte {
	if n > len(c.fields) {
		return nil
	}
	v := c.fields[n-1]
	if component > 0 {
		v, _ = nth(v, component, c.sx.Component, c.sx.Release)
	}
	return trim(v)
}

func (c *checker) forward(key tagKey, room bool) *Node {
	if key == 0 {
		return nil
	}
	hash := key.hash()
	for d := len(c.frames) - 1; d >= 0; d-- {
		f := &c.frames[d]
		n := f.node
		from, to := f.at, len(n.tags)
		switch at := n.where[hash]; at {
		case 0:
			continue
		case scattered:
		default: // in one place, or nowhere
			if int(at)-1 < from {
				continue
			}
			from, to = int(at)-1, int(at)
		}
		for i := from; i < to; {
			if n.tags[i] != key || i == 0 && d > 0 && f.counts[0] > 0 {
				i++ // a loop's first segment again is the loop again
				continue
			}
			at, end := c.variant(n, i)
			if at < 0 || room == (int(f.counts[at]) >= n.Children[at].Max) {
				i = end
				continue
			}
			c.close(d + 1)
			f = &c.frames[d]
			c.require(f, n.slots[at])
			return c.enter(f, at)
		}
	}
	return nil
}

func (c *checker) backward(key tagKey) *Node {
	for d := len(c.frames) - 1; d >= 0; d-- {
		f := &c.frames[d]
		for i := 0; i < f.at; {
			if f.node.tags[i] != key || i == 0 && d > 0 {
				i++
				continue
			}
			at, end := c.variant(f.node, i)
			if at < 0 {
				i = end
				continue
			}
			before := f.node.Children[f.at].ID
			c.close(d + 1)
			f = &c.frames[d]
			c.add(0, CodeSequence, finding.Error, "place", fmt.Sprintf("segment %s comes too late: its place is before %s", f.node.Children[at].ID, before),
				"before "+before, "send the segments in the order of the standard")
			return c.enter(f, at)
		}
	}
	return nil
}

// unqualified places a segment whose qualifier none of its siblings has: it is
// taken for the first of them.
func (c *checker) unqualified(key tagKey) *Node {
	for d := len(c.frames) - 1; d >= 0; d-- {
		f := &c.frames[d]
		for i := f.at; i < len(f.node.tags); i++ {
			n := f.node.Children[i]
			if n.tag != key || n.Match == nil || i == 0 && d > 0 {
				continue
			}
			c.close(d + 1)
			f = &c.frames[d]
			c.require(f, f.node.slots[i])
			var known []string
			for j := f.node.slots[i]; j < len(f.node.Children) && f.node.slots[j] == f.node.slots[i]; j++ {
				if m := f.node.Children[j].Match; m != nil {
					known = append(known, m.Values...)
				}
			}
			severity, verb := finding.Note, "knows no"
			if c.set.Closed {
				severity, verb = finding.Error, "takes no"
			}
			c.at(n.Match.Element, n.Match.Component, CodeUnknownQualifier, severity, "closed",
				fmt.Sprintf("the profile %s %s with qualifier %q", verb, n.ID, c.valueOf(n.Match.Element, n.Match.Component)), strings.Join(known, " "), "")
			f.at = f.node.slots[i]
			if n.Loop {
				c.push(n, int(f.counts[i])+1)
				c.frames[len(c.frames)-1].counts[0] = 1
				return n.Children[0]
			}
			return n
		}
	}
	return nil
}

// enter counts child i of f, opens it if it is a loop, and returns the node of
// the segment itself.
func (c *checker) enter(f *frame, i int) *Node {
	n := f.node.Children[i]
	f.at = f.node.slots[i]
	f.counts[i]++
	times := int(f.counts[i])
	if n.Loop {
		c.push(n, times)
		c.frames[len(c.frames)-1].counts[0] = 1
	}
	if times > n.Max {
		code, what := CodeTooMany, "segment"
		if n.Loop {
			code, what = CodeTooManyLoops, "loop"
		}
		c.add(0, code, finding.Error, n.Label()+" max", fmt.Sprintf("%s %s comes %d times", what, n.Label(), times), fmt.Sprintf("at most %d", n.Max), "")
	}
	if n.Loop {
		return n.Children[0]
	}
	return n
}

// path names the open loops, "LX[2]/W01[1]".
func (c *checker) path() string {
	if len(c.frames) == 0 {
		return ""
	}
	var b strings.Builder
	for _, f := range c.frames[1:] {
		if b.Len() > 0 {
			b.WriteByte('/')
		}
		fmt.Fprintf(&b, "%s[%d]", f.node.Label(), f.nth)
	}
	return b.String()
}

// add reports something about element n of the segment at hand; 0 is its tag.
func (c *checker) add(n int, code string, severity finding.Severity, rule, message, expected, hint string) {
	c.at(n, 0, code, severity, rule, message, expected, hint)
}

// at is add for a component, the first being 1.
func (c *checker) at(n, component int, code string, severity finding.Severity, rule, message, expected, hint string) {
	tag := c.tag()
	f := finding.Finding{Code: code, Severity: min(severity, c.most), Message: message, Expected: expected, Hint: hint,
		Element: tag, Segment: c.i + 1, Loop: c.path()}
	f.Offset, f.Length = c.src.Place(c.i, n)
	if n > 0 {
		f.Element = finding.Ref(tag, n, component)
		if n <= len(c.fields) {
			v := c.fields[n-1]
			if component > 0 {
				var from int
				v, from = nth(v, component, c.sx.Component, c.sx.Release)
				f.Offset, f.Length = f.Offset+int64(from), len(v)
			}
			f.Found = finding.Clip(v)
		}
		f.Ack.Ref = c.refOf(tag, n, component)
	} else {
		f.Found = tag
	}
	c.report(f, rule)
}

// report fills in the layer that set the rule, and the acknowledgement codes.
func (c *checker) report(f finding.Finding, rule string) {
	f.Layer = finding.Standard
	tag, _, _ := strings.Cut(f.Element, "-")
	for _, key := range []change{{f.Element, rule}, {tag, rule}, {"", rule}} {
		if by, ok := c.set.changes[key]; ok {
			f.Layer = by.Layer
			f.Message += " (" + by.Overlay + ")"
			break
		}
	}
	if f.Severity >= finding.Error {
		ref := f.Ack.Ref
		f.Ack = c.sx.Acks[f.Code]
		if f.Ack.AK4 != "" || f.Ack.UCD != "" {
			f.Ack.Ref, f.Ack.CTX = ref, c.trigger
		}
	} else {
		f.Ack = finding.Ack{}
	}
	c.src.Add(f)
}

// tag of the segment at hand, line breaks that were wrapped into it taken out.
func (c *checker) tag() string {
	tag, fields := c.src.Fields(c.i, c.fields[:0])
	c.fields = fields
	return string(tag)
}

func (c *checker) refOf(tag string, n, component int) string {
	def := c.set.segments[keyOf(tag)]
	if def == nil || n > len(def.Elements) || def.Elements[n-1] == nil {
		return ""
	}
	e := def.Elements[n-1]
	if component > 0 && component <= len(e.Components) && e.Components[component-1] != nil {
		e = e.Components[component-1]
	}
	return e.Ref
}

// missing reports a mandatory node where it was due: before the segment at hand.
func (c *checker) missing(n *Node) {
	f := finding.Finding{Code: CodeMissingSegment, Severity: min(finding.Error, c.most), Element: n.ID, Loop: c.path(), Segment: c.i + 1}
	f.Offset, _ = c.src.Place(c.i, 0)
	before := "the end"
	if c.i < c.src.Len() {
		tag, _ := c.src.Fields(c.i, nil)
		before = string(tag)
	}
	after, _ := c.src.Fields(c.lastAt, nil)
	what := "segment"
	if n.Loop {
		what = "loop"
	}
	f.Expected = fmt.Sprintf("%s after %s, before %s", n.Label(), after, before)
	f.Message = fmt.Sprintf("mandatory %s %s is missing", what, n.Label())
	f.Hint = "send it in this place"
	c.report(f, n.Label()+" require")
}
