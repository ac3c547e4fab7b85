package grammar

import (
	"bytes"
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
	CodeUncheckedSegment   = "segment-unchecked"
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
	ended(c *checker, f *frame)
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
	if sx.Run != nil {
		c.regular, c.text = *sx.Run, sx.Run.Data
	}
	c.across = isControl | isComponent | isRepetition | isRelease | isBreak
	if len(sx.Text) > 0 {
		if c.across = sx.Seen &^ isBreak; sx.Seen == 0 {
			c.across = stream.Seen(sx.Text, &c.between)
		}
	}
	c.seen, c.clean, c.released, c.end = c.across, 0, 0, 0
	c.run()
	c.forget()
	checkers.Put(c)
}

// frame is an open loop: where it stands and how often each child came.
type frame struct {
	node  *Node
	first int32 // of its counts
	at    int32 // start of the place that was reached last
	nth   int32 // which repetition of the loop this is
	row   int32 // of the set's steps behind that place
}

type checker struct {
	set     *Set
	src     Source
	sx      *Syntax // &syntax: the caller's need not live on the heap
	syntax  Syntax
	regular stream.Run // the document's segments, empty where they are not regular
	most    finding.Severity
	frames  []frame
	counts  []int32  // of frames' children, one frame's behind another's
	lastAt  int      // segment before the one at hand
	def     *Segment // of the one whose elements were checked last

	i       int        // segment at hand
	text    []byte     // its elements stand in, at
	ends    []uint32   // as [Source.Segment] has it
	places  [64]uint32 // scratch for ends
	class   [256]uint8
	between [256]uint8 // class, of a document whose line ends are none of its data
	made    Syntax     // that class was made for

	across   uint8                  // what bytes of the document may be beside data
	seen     uint8                  // and those of the segment at hand
	parted   [8]uint8               // how many components of an element were told apart in the segment at hand
	cuts     [8 * partedMost]uint32 // their ends
	clean    uint32                 // from here on no release character stands before
	released uint32                 // this, where one stands or the document ends
	end      uint32                 // of the document in text
	scratch  []byte
	trigger  string // element that made a note apply

	told   []toldCode // codes that were noted
	watch  watcher    // nil but for a [Learner]
	totals []total    // of the rules
	tree   tree
}

// What a byte may be beside data.
const (
	isControl    = stream.Control
	isComponent  = stream.Component
	isRepetition = stream.Repetition
	isRelease    = stream.Release
	isBreak      = stream.Break
)

// partedMost is how many components of an element are kept apart.
const partedMost = 8

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
	c.between = c.class
	c.between['\n'], c.between['\r'] = 0, 0
}

// checkers keeps the memory of checks for the next ones.
var checkers = sync.Pool{New: func() any { return new(checker) }}

func (c *checker) forget() {
	c.text, c.ends, c.frames, c.counts, c.totals, c.told = nil, nil, c.frames[:0], c.counts[:0], c.totals[:0], c.told[:0]
	c.set, c.src, c.def, c.syntax, c.regular, c.watch = nil, nil, nil, Syntax{}, stream.Run{}, nil
	c.tree.forget()
}

func (c *checker) run() {
	for range c.set.Rules {
		c.totals = append(c.totals, total{at: -1})
	}
	c.push(c.set.Root, 1)
	n := c.src.Len()
	if n > 1 {
		trailer := string(c.read(n-1)) == c.sx.Trailer
		if len(c.ends) > 0 {
			c.end = c.ends[len(c.ends)-1]
		}
		if trailer {
			n--
		}
	}
	c.lastAt = 0
	for i := 1; i < n; i++ {
		tag := c.read(i)
		key := keyOf(tag)
		node := c.place(key, tag)
		if c.watch != nil {
			c.watch.segment(c, node, tag)
		}
		if node != nil {
			if node.def != nil {
				c.elements(node.def)
			} else if len(c.ends) > 1 && !c.toldOf(node.ID, nil) {
				c.add(0, CodeUncheckedSegment, finding.Note, "", fmt.Sprintf("the profile does not know what segment %s is made of: its elements are not checked", node.ID), "", "")
			}
			for i := range node.acts {
				c.act(&node.acts[i])
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

// read takes segment i at hand.
func (c *checker) read(i int) (tag []byte) {
	c.i, c.parted = i, [8]uint8{}
	if i < len(c.regular.Bounds) {
		b := &c.regular.Bounds[i]
		c.ends = c.regular.Idx[b.First : b.Last+1]
		tag = c.text[b.Start:c.ends[0]]
	} else {
		tag, c.text, c.ends = c.src.Segment(i, c.places[:0])
	}
	if c.across&isRelease != 0 && len(c.syntax.Text) > 0 {
		from, to := c.ends[0], c.ends[len(c.ends)-1]
		if from < c.clean || from > c.released {
			rest := c.text[from:max(c.end, to)]
			at := bytes.IndexByte(rest, c.sx.Release)
			if at < 0 {
				at = len(rest)
			}
			c.clean, c.released = from, from+uint32(at)
		}
		if c.seen = c.across; c.released >= to {
			c.seen &^= isRelease
		}
	}
	return tag
}

// field is the n-th element of the segment at hand as it stands, nil where there is none.
func (c *checker) field(n int) []byte {
	if n >= len(c.ends) {
		return nil
	}
	return c.text[c.ends[n-1]+1 : c.ends[n]]
}

func (c *checker) push(n *Node, nth int32) {
	f := frame{node: n, first: int32(len(c.counts)), nth: nth}
	if len(n.kids) > 0 {
		f.row = n.kids[0].row
	}
	c.frames = append(c.frames, f)
	c.counts = append(c.counts, n.zeros...)
}

// open is push of a loop whose own segment is at hand.
func (c *checker) open(n *Node, nth int32) *Node {
	c.push(n, nth)
	c.counts[len(c.counts)-len(n.kids)] = 1
	return n.Children[0]
}

// count of child i of an open loop.
func (c *checker) count(f *frame, i int) *int32 { return &c.counts[int(f.first)+i] }

// close ends the loops deeper than depth; what they still required is missing
// before the segment at hand.
func (c *checker) close(depth int) {
	for len(c.frames) > depth {
		f := &c.frames[len(c.frames)-1]
		if c.watch != nil {
			c.watch.ended(c, f)
		}
		if len(f.node.must) > 0 {
			c.require(f, len(f.node.kids))
		}
		c.counts = c.counts[:f.first]
		c.frames = c.frames[:len(c.frames)-1]
	}
}

// require reports the mandatory children of f before place to that never came.
func (c *checker) require(f *frame, to int) {
	for _, i := range f.node.must {
		if n := c.count(f, i); i >= int(f.at) && i < to && *n == 0 {
			*n = -1 // once is enough to say so
			c.missing(f.node.Children[i])
		}
	}
}

// place finds the segment's node: forward from the innermost loop outwards,
// then where its node is full or was passed. It is nil for a segment that has
// no place.
func (c *checker) place(key tagKey, tag []byte) *Node {
	number := c.set.inside.of(key)
	if number != 0 {
		if n := c.step(number); n != nil {
			return n
		}
		if n := c.forward(number, key, true); n != nil {
			return n
		}
		if n := c.forward(number, key, false); n != nil {
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
	slot := n.kids[i].slot
	if i+1 == len(n.kids) || n.kids[i+1].slot != slot {
		if m := n.Children[i].Match; m != nil && !c.matches(m) {
			return -1, i + 1
		}
		return i, i + 1
	}
	at, end = -1, int(slot)
	for ; end < len(n.kids) && n.kids[end].slot == slot; end++ {
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

func (c *checker) matches(m *Match) bool { return m.has(c.valueOf(m.Element, m.Component)) }

func (m *Match) has(v []byte) bool {
	if m.packed != nil {
		return len(v) > 0 && len(v) <= 4 && slices.Contains(m.packed, pack(v))
	}
	return slices.Contains(m.Values, string(v))
}

// valueOf is an element of the segment at hand, or a component of it, without
// trailing blanks.
func (c *checker) valueOf(n, component int) []byte {
	if n >= len(c.ends) {
		return nil
	}
	from, to := c.ends[n-1]+1, c.ends[n]
	switch {
	case component == 0:
	case n < len(c.parted) && component <= int(c.parted[n]):
		ends := c.cuts[n*partedMost:]
		if component > 1 {
			from = ends[component-2] + 1
		}
		to = ends[component-1]
	case c.seen&isRelease != 0:
		v, _ := nth(c.text[from:to], component, c.sx.Component, c.sx.Release)
		return c.unwrapped(trim(v))
	default:
		for ; component > 1; component-- {
			if from = stream.Until(c.text, from, to, c.sx.Component) + 1; from > to {
				return nil
			}
		}
		to = stream.Until(c.text, from, to, c.sx.Component)
	}
	if c.syntax.Wrapped {
		return c.unwrapped(c.text[from:to])
	}
	return trim(c.text[from:to])
}

// unwrapped takes line breaks that stand inside data, and blanks behind it, out of a value.
func (c *checker) unwrapped(v []byte) []byte {
	if !c.syntax.Wrapped || !bytes.ContainsAny(v, "\r\n") {
		return trim(v)
	}
	return trim(slices.DeleteFunc(bytes.Clone(v), func(b byte) bool { return b == '\r' || b == '\n' }))
}

// step is forward where nothing has to be chosen.
func (c *checker) step(number uint16) *Node {
	d := len(c.frames) - 1
	s := &c.set.steps[int(c.frames[d].row)+int(number)]
	if s.node == nil {
		return nil
	}
	d -= int(s.up)
	f := &c.frames[d]
	count := c.count(f, int(s.at))
	if *count >= s.max {
		return nil
	}
	if s.up > 0 {
		c.close(d + 1)
	}
	if at := int32(s.at); at != f.at {
		if s.musts {
			c.require(f, int(at))
		}
		f.at, f.row = at, s.row
	}
	*count = max(*count, 0) + 1 // what was said to be missing may come late
	if s.node.Loop {
		return c.open(s.node, *count)
	}
	return s.node
}

func (c *checker) forward(number uint16, key tagKey, room bool) *Node {
	for d := len(c.frames) - 1; d >= 0; d-- {
		f := &c.frames[d]
		n := f.node
		at := int(n.where[number]) - 1
		if at < int(f.at) {
			continue
		}
		from, to := at, at+1
		if at == scattered-1 {
			from, to = int(f.at), len(n.kids)
		}
		for i := from; i < to; {
			k := &n.kids[i]
			if k.tag != key || i == 0 && d > 0 {
				i++ // a loop's first segment again is the loop again
				continue
			}
			at, end := i, i+1
			if !k.sole {
				at, end = c.variant(n, i)
			}
			if at < 0 || room == (*c.count(f, at) >= n.kids[at].max) {
				i = end
				continue
			}
			if d+1 < len(c.frames) {
				c.close(d + 1)
			}
			if slot := n.kids[at].slot; slot != f.at && len(n.must) > 0 {
				c.require(f, int(slot))
			}
			return c.enter(f, at)
		}
	}
	return nil
}

func (c *checker) backward(key tagKey) *Node {
	for d := len(c.frames) - 1; d >= 0; d-- {
		f := &c.frames[d]
		for i := 0; i < int(f.at); {
			if f.node.kids[i].tag != key || i == 0 && d > 0 {
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
		for i := int(f.at); i < len(f.node.kids); i++ {
			n := f.node.Children[i]
			if n.tag != key || n.Match == nil || i == 0 && d > 0 {
				continue
			}
			c.close(d + 1)
			f = &c.frames[d]
			slot := f.node.kids[i].slot
			c.require(f, int(slot))
			var known []string
			for j := int(slot); j < len(f.node.kids) && f.node.kids[j].slot == slot; j++ {
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
			f.at, f.row = slot, f.node.kids[slot].row
			if n.Loop {
				return c.open(n, max(*c.count(f, i), 0)+1)
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
	most := f.node.kids[i].max
	f.at = f.node.kids[i].slot
	f.row = f.node.kids[f.at].row
	count := c.count(f, i)
	*count = max(*count, 0) + 1 // what was said to be missing may come late
	times := *count
	if n.Loop {
		own := c.open(n, times)
		if times > most {
			c.tooMany(n, CodeTooManyLoops, "loop", times)
		}
		return own
	}
	if times > most {
		c.tooMany(n, CodeTooMany, "segment", times)
	}
	return n
}

func (c *checker) tooMany(n *Node, code, what string, times int32) {
	f := c.finding(0, 0, code, finding.Error, fmt.Sprintf("%s %s comes %d times, at most %d are allowed", what, n.Label(), times, n.Max), fmt.Sprintf("at most %d", n.Max), "")
	c.report(f, "max", n.by)
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
	var by origins
	if e, def := c.element(n, component); e != nil && e.by[rule].Overlay != "" {
		by = e.by
	} else if def != nil && def.by[rule].Overlay != "" {
		by = def.by
	}
	c.report(c.finding(n, component, code, severity, message, expected, hint), rule, by)
}

// finding is one about an element or component of the segment at hand.
func (c *checker) finding(n, component int, code string, severity finding.Severity, message, expected, hint string) finding.Finding {
	tag := c.tag()
	f := finding.Finding{Code: code, Severity: min(severity, c.most), Message: message, Expected: expected, Hint: hint,
		Element: tag, Segment: c.i + 1, Loop: c.path()}
	f.Offset, f.Length = c.src.Place(c.i, n)
	if n == 0 {
		f.Found = tag
		return f
	}
	f.Element = finding.Ref(tag, n, component)
	if n < len(c.ends) {
		v := c.field(n)
		if component > 0 {
			var from int
			v, from = nth(v, component, c.sx.Component, c.sx.Release)
			f.Offset, f.Length = f.Offset+int64(from), len(v)
		}
		f.Found = finding.Clip(v)
	}
	if e, _ := c.element(n, component); e != nil {
		f.Ack.Ref = e.Ref
	}
	return f
}

// report fills in the layer that set the rule, by what is told apart in its place or by
// the whole set, and the acknowledgement codes.
func (c *checker) report(f finding.Finding, rule string, own origins) {
	f.Layer = finding.Standard
	by, ok := own[rule]
	if !ok {
		by, ok = c.set.by[rule]
	}
	if ok {
		f.Layer = by.Layer
		f.Message += " (" + by.Overlay + ")"
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
	return string(c.read(c.i))
}

// element is the definition of an element or component of the segment at hand, and of
// the segment, as they are in its place. Either may be nil.
func (c *checker) element(n, component int) (*Element, *Segment) {
	def := c.def
	if tag := c.tag(); def == nil || def.ID != tag {
		def = c.set.segments[keyOf(tag)]
	}
	if def == nil || n == 0 || n > len(def.Elements) || def.Elements[n-1] == nil {
		return nil, def
	}
	e := def.Elements[n-1]
	if component > 0 && component <= len(e.Components) && e.Components[component-1] != nil {
		e = e.Components[component-1]
	}
	return e, def
}

// missing reports a mandatory node where it was due: before the segment at hand.
func (c *checker) missing(n *Node) {
	f := finding.Finding{Code: CodeMissingSegment, Severity: min(finding.Error, c.most), Element: n.ID, Loop: c.path(), Segment: c.i + 1}
	f.Offset, _ = c.src.Place(c.i, 0)
	before := "the end"
	if c.i < c.src.Len() {
		tag, _, _ := c.src.Segment(c.i, nil)
		before = string(tag)
	}
	after, _, _ := c.src.Segment(c.lastAt, nil)
	what := "segment"
	if n.Loop {
		what = "loop"
	}
	f.Expected = fmt.Sprintf("%s after %s, before %s", n.Label(), after, before)
	f.Message = fmt.Sprintf("mandatory %s %s is missing", what, n.Label())
	f.Hint = "send it in this place"
	c.report(f, "require", n.by)
}
