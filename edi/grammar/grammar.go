// Package grammar checks documents against grammars that are data: which
// segments in which order and loops, which elements of which type, length and
// code, which notes tie elements together, and which totals must agree.
//
// It knows neither X12 nor EDIFACT. A syntax brings a [Library] of its own
// profiles in the text form of [Library.AddSegments] and [Library.AddSet], a
// [Source] that hands out the segments of one transaction set or message, and a
// [Syntax] with its separators and its acknowledgement codes; [Set.Check] does
// the rest. Package x12/grammar is the X12 half. For EDIFACT the release is the
// directory ("D96A"), a segment group is a loop, a composite is an element of
// type C with components, a release character is named in Syntax, and the
// dependency notes D1 to D7 are RE, P, R, E, C, L, X here.
//
// Partners change a grammar by [Overlay]s: base, industry, partner. What a
// profile does not know (a segment, an element, a qualifier, a code) is a note
// and never an error, unless an overlay says closed.
package grammar

import (
	"maps"
	"math/bits"
	"slices"

	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/edi/internal/stream"
)

// Element is what is known of one element, or of one component of it.
type Element struct {
	Name        string
	Requirement byte   // M, O or X (conditional by a note)
	Type        string // AN ID A N R N0..N9 DT TM B, or C for a composite
	Min, Max    int    // characters; of numbers, digits
	Repeat      int    // most repetitions, at least 1
	Ref         string // data element number, or that of the composite
	Codes       []string
	Open        bool // Codes are those in common use, and there are others
	Closed      bool // codes beyond Codes are errors
	Components  []*Element

	by    origins
	like  string     // what a sample says, "" where it need not say anything
	table *codeTable // Codes, where they fit
	specs []spec     // of Components
	must  int        // the last mandatory one
}

// Note ties elements of a segment together. Kinds: P all or none, R at least
// one, E at most one, C if the first then all, L if the first then at least one
// more, X if the first then none of the others.
type Note struct {
	Kind     byte
	Elements []int // positions from 1, at most 64

	mask, first uint64
}

// Segment is what is known of one segment. Nil elements are unknown.
type Segment struct {
	ID       string
	Elements []*Element
	Notes    []Note

	by    origins // of Notes
	specs []spec  // of Elements, in one piece
	must  int     // the last mandatory one
}

// spec is what the checker asks of nearly every element or component.
type spec struct {
	kind  uint8
	must  bool
	least uint32
	room  uint32 // between the least length and the greatest
	table *codeTable
}

// Kinds of specs, by how much there is to look at.
const (
	unknown   = iota
	chars     // AN, ID without a list of codes: the length
	digits    // a number, of digits alone as a rule: them and the length
	composite // its components
	coded     // one of a list of codes, as a rule
	other     // whatever the definition says
)

func (e *Element) spec() spec {
	if e == nil {
		return spec{}
	}
	s := spec{kind: other, must: e.Requirement == 'M', least: uint32(min(e.Min, 1<<30)), room: uint32(min(max(e.Max-e.Min, 0), 1<<30))}
	switch {
	case e.Components != nil:
		s.kind = composite
	case e.table != nil && e.table.least >= e.Min && e.table.most <= e.Max:
		s.kind, s.table = coded, e.table
	case len(e.Codes) > 0:
	case e.Type == "AN" || e.Type == "ID":
		s.kind = chars
	case e.Type[0] == 'N' || e.Type[0] == 'R':
		s.kind = digits
	}
	return s
}

// Match tells loops and segments of one tag apart: by the value of an element
// or component.
type Match struct {
	Element, Component int // Component 0 is the whole element
	Values             []string

	packed []uint32 // Values, where all have at most 4 bytes
}

// Node is a segment or a loop in its place in a set.
type Node struct {
	ID       string // tag; of a loop, that of its first segment
	Name     string
	Loop     bool
	Required bool
	Max      int
	Match    *Match // nil takes any
	Children []*Node

	by    origins
	where []uint8 // by the number of a tag: its place + 1, 255 where it must be looked for, 0 without any
	tag   tagKey
	kids  []kid   // of Children
	zeros []int32 // as many
	must  []int   // children that are required, but for a loop's own segment
	def   *Segment
	rules []*Rule
	acts  []act // of rules
}

// kid is what a search asks of a child.
type kid struct {
	tag  tagKey
	slot int32 // index of the first sibling of the same place
	max  int32
	sole bool  // no sibling shares its place, and it takes any qualifier
	row  int32 // of the set's steps: those behind it, by the number of a tag
}

// Label is the node's tag, and its first qualifier where it has one: "N1(ST)".
func (n *Node) Label() string {
	if n.Match == nil {
		return n.ID
	}
	return n.ID + "(" + n.Match.Values[0] + ")"
}

// tagKey is a segment tag as a number, so that tags are compared and looked up
// in one step. Those that have not 2 or 3 bytes, as in no grammar, are 0.
type tagKey uint32

func keyOf[T string | []byte](tag T) tagKey {
	switch len(tag) {
	case 2:
		return tagKey(tag[0])<<8 | tagKey(tag[1])
	case 3:
		return tagKey(tag[0])<<16 | tagKey(tag[1])<<8 | tagKey(tag[2])
	}
	return 0
}

const scattered = 255

// numbers are tags by small numbers, from 1: a table of a power of two, at most a
// quarter full, a tag beside its hash.
type numbers struct {
	table []numbered
	shift uint8
	n     uint16
}

type numbered struct {
	tag tagKey
	n   uint16
}

func newNumbers(tags map[tagKey]bool) numbers {
	size := bits.Len(uint(4*len(tags) + 1))
	t := numbers{table: make([]numbered, 1<<size), shift: uint8(32 - size)}
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		at := t.slot(k)
		if k != 0 && t.table[at].n == 0 {
			t.n++
			t.table[at] = numbered{k, t.n}
		}
	}
	return t
}

// slot is where k stands, or would.
func (t *numbers) slot(k tagKey) uint32 {
	at := (uint32(k) * 0x9E3779B1) >> t.shift
	for t.table[at].tag != k && t.table[at].n != 0 {
		at = (at + 1) & uint32(len(t.table)-1)
	}
	return at
}

// of is the number of k, 0 where it has none.
func (t *numbers) of(k tagKey) uint16 { return t.table[t.slot(k)].n }

// Set is the compiled grammar of one transaction set or message.
type Set struct {
	ID      string // ST01, or the message type
	Release string // 004010, D96A
	Group   string // GS01, or ""
	Root    *Node
	Rules   []*Rule
	Closed  bool // unknown segments, elements and qualifiers are errors
	Layers  []Applied

	segments map[tagKey]*Segment
	inside   numbers // tags that occur anywhere in the set
	steps    []step  // a row for each place
	names    map[string]string
	by       origins // of Closed, and of Rules by their text
}

// Segment is the definition of a tag, nil if it is unknown.
func (s *Set) Segment(tag string) *Segment { return s.segments[keyOf(tag)] }

// Library is the grammars of one or more releases.
type Library struct {
	// Older orders releases; nil compares them as text.
	Older func(a, b string) bool

	segments   map[string]map[tagKey]*Segment   // by release, tag
	composites map[string]map[string][]*Element // by release, number
	sets       map[string]map[string]*Set       // by set, release
	names      map[string]string                // of elements and segments, by number and tag
	codes      map[string]known                 // by number
	samples    map[string]string                // by number
}

// NewLibrary is an empty library.
func NewLibrary() *Library {
	return &Library{segments: map[string]map[tagKey]*Segment{}, composites: map[string]map[string][]*Element{},
		sets: map[string]map[string]*Set{}, names: map[string]string{}, codes: map[string]known{}, samples: map[string]string{}}
}

// Find is the grammar of a set in a release. Where that release is not known,
// the nearest known one is returned, rather an older than a newer, and exact is
// false: see [Set.Check].
func (l *Library) Find(id, release string) (set *Set, exact bool) {
	if s := l.sets[id][release]; s != nil {
		return s, true
	}
	older := l.Older
	if older == nil {
		older = func(a, b string) bool { return a < b }
	}
	for _, r := range slices.Sorted(maps.Keys(l.sets[id])) {
		s := l.sets[id][r]
		if set == nil {
			set = s
			continue
		}
		a, b := older(release, s.Release), older(release, set.Release) // newer than what is asked for
		if a != b && !a || a == b && a == older(s.Release, set.Release) {
			set = s
		}
	}
	return set, false
}

// Sets are all grammars, by set and release.
func (l *Library) Sets() []*Set {
	var out []*Set
	for _, id := range slices.Sorted(maps.Keys(l.sets)) {
		for _, r := range slices.Sorted(maps.Keys(l.sets[id])) {
			out = append(out, l.sets[id][r])
		}
	}
	return out
}

// NameOf is the word for an element, by its number, or for a segment, by its tag.
func (s *Set) NameOf(ref string) string { return s.names[ref] }

// Source is one document: the segments of a transaction set or message from its
// header to its trailer. A checker asks from one goroutine.
type Source interface {
	// Len is the number of segments.
	Len() int
	// Segment is the tag of segment i, and where in text its elements stand: the
	// n-th behind the separator at ends[n-1] and before that at ends[n], as they
	// stand in the document. It may use scratch for ends.
	Segment(i int, scratch []uint32) (tag, text []byte, ends []uint32)
	// Place is where element n of segment i stands in the stream and how long it
	// is; element 0 is the tag. Behind the last element stands the segment's
	// end, and segment Len() stands behind the last, both with length 0.
	Place(i, n int) (offset int64, length int)
	// Add takes a finding whose line, column and control numbers are not filled.
	Add(f finding.Finding)
}

// Syntax is how a document is written. Zero bytes mean that there is none.
type Syntax struct {
	Component, Repetition, Release byte
	Decimal                        byte // beside "." ; 0 is "." alone
	// Wrapped says that line breaks stand inside data and are to be skipped.
	Wrapped bool
	// Text is all bytes of the document, where line ends stand between segments
	// alone; it may be nil. It only makes checking faster, where no byte of it is
	// anything but data.
	Text []byte
	// Run is the document's segments, where they are regular. It too makes checking
	// faster only.
	Run *stream.Run
	// Seen is what stream.Seen said of Text, where the reader has asked; 0 lets it
	// be asked.
	Seen uint8
	// Trailer is the tag of the last segment, which the envelope's reader has
	// judged: SE, UNT. So has it the first.
	Trailer string
	// Acks are the acknowledgement codes of this package's finding codes.
	Acks map[string]finding.Ack
}

func unpackable(codes []string) bool {
	return slices.ContainsFunc(codes, func(c string) bool { return len(c) > 4 || len(c) == 0 })
}

// clone copies what an overlay may change.
func (e *Element) clone() *Element {
	if e == nil {
		return nil
	}
	c := *e
	c.Components, c.by = nil, maps.Clone(e.by)
	for _, x := range e.Components {
		c.Components = append(c.Components, x.clone())
	}
	return &c
}

func (s *Segment) clone() *Segment {
	c := &Segment{ID: s.ID, Notes: slices.Clone(s.Notes), by: maps.Clone(s.by), Elements: make([]*Element, len(s.Elements))}
	for i, e := range s.Elements {
		c.Elements[i] = e.clone()
	}
	return c
}

func (n *Node) clone() *Node {
	c := *n
	c.rules, c.acts, c.by = nil, nil, maps.Clone(n.by)
	if n.Match != nil {
		m := *n.Match
		c.Match = &m
	}
	c.Children = make([]*Node, len(n.Children))
	for i, k := range n.Children {
		c.Children[i] = k.clone()
	}
	return &c
}

func (s *Set) clone() *Set {
	c := *s
	c.Root, c.segments = s.Root.clone(), make(map[tagKey]*Segment, len(s.segments))
	copies := map[*Segment]*Segment{}
	of := func(d *Segment) *Segment {
		if d != nil && copies[d] == nil {
			copies[d] = d.clone()
		}
		return copies[d]
	}
	for k, d := range s.segments {
		c.segments[k] = of(d)
	}
	c.Root.each(func(n *Node) { n.def = of(n.def) })
	c.Rules = nil
	for _, r := range s.Rules {
		own := *r
		c.Rules = append(c.Rules, &own)
	}
	c.Layers, c.by = slices.Clone(s.Layers), maps.Clone(s.by)
	return &c
}

// each visits n and what is below it.
func (n *Node) each(visit func(*Node)) {
	visit(n)
	for _, c := range n.Children {
		c.each(visit)
	}
}

// compile fills what the checker runs on.
func (s *Set) compile() {
	inside := map[tagKey]bool{}
	s.Root.each(func(n *Node) {
		if n.tag = keyOf(n.ID); n != s.Root {
			inside[n.tag] = true
		}
	})
	s.inside = newNumbers(inside)
	s.Root.each(func(n *Node) {
		if n.def == nil {
			n.def = s.segments[n.tag]
		}
		n.kids, n.zeros, n.must, n.rules, n.acts, n.where = nil, make([]int32, len(n.Children)), nil, nil, nil, make([]uint8, s.inside.n+1)
		if n.def != nil {
			n.def.compile()
		}
		for i, c := range n.Children {
			k := keyOf(c.ID)
			own := i == 0 && n != s.Root
			if c.Required && !own {
				n.must = append(n.must, i)
			}
			slot := i
			if i > 0 && n.kids[i-1].tag == k && !(i == 1 && n.Loop && n.ID != "") {
				slot = int(n.kids[i-1].slot)
				n.kids[i-1].sole = false
			}
			n.kids = append(n.kids, kid{tag: k, slot: int32(slot), max: int32(min(c.Max, 1<<30)), sole: slot == i && c.Match == nil})
			if own {
				continue // again it is the loop again
			}
			switch at := &n.where[s.inside.of(k)]; {
			case *at == 0 && slot < scattered-1:
				*at = uint8(slot) + 1
			case slot < scattered-1 && *at == uint8(slot)+1:
			default:
				*at = scattered
			}
		}
	})
	// A loop's own segment stands in it once more, as its first child: there its
	// rules are kept, and its elements defined.
	s.Root.each(func(n *Node) {
		if n.Loop && n != s.Root {
			return
		}
		for _, r := range s.Rules {
			if r.concerns(n.ID) {
				n.rules = append(n.rules, r)
				n.acts = append(n.acts, r.acts(n.tag)...)
			}
		}
	})
	for _, d := range s.segments {
		d.compile()
	}
	s.walk()
	for i, r := range s.Rules {
		r.nth = i
	}
}

// step leads from a segment to the place of the one behind it, where nothing has to be
// chosen: up so many loops, and there to the child at. Where node is nil it has to be
// looked for.
type step struct {
	node   *Node // the child
	row    int32 // behind it, in that loop
	max    int32 // of the child
	up, at uint8
	musts  bool // the loop has children that are required
}

// opened is a loop on the way down to a node, and the place in it.
type opened struct {
	*Node
	at int
}

// walk makes the steps.
func (s *Set) walk() {
	width, rows := int32(s.inside.n)+1, int32(0)
	s.Root.each(func(n *Node) {
		for i := range n.kids {
			n.kids[i].row = rows * width
			rows++
		}
	})
	s.steps = make([]step, rows*width)
	s.walkIn(nil, s.Root)
}

// walkIn fills the steps behind what stands in n, which the loops above lead to.
func (s *Set) walkIn(above []opened, n *Node) {
	for i := range n.kids {
		k := &n.kids[i]
		open := append(above, opened{n, int(k.slot)})
		if child := n.Children[i]; child.Loop {
			s.walkIn(open, child)
		}
		for tag := range s.inside.n + 1 {
			for up := range open {
				o := open[len(open)-1-up]
				if at := int(o.where[tag]) - 1; at >= o.at {
					if at != scattered-1 && o.kids[at].sole {
						to := &o.kids[at]
						s.steps[k.row+int32(tag)] = step{node: o.Children[at], row: to.row, max: to.max, up: uint8(up), at: uint8(at), musts: len(o.must) > 0}
					}
					break
				}
			}
		}
	}
}

func (s *Segment) compile() {
	s.specs, s.must = make([]spec, len(s.Elements)), 0
	for i, e := range s.Elements {
		if s.specs[i] = e.spec(); s.specs[i].must {
			s.must = i + 1
		}
		if e != nil {
			e.specs, e.must = make([]spec, len(e.Components)), 0
			for j, x := range e.Components {
				if e.specs[j] = x.spec(); e.specs[j].must {
					e.must = j + 1
				}
			}
		}
	}
}

// newMatch is a qualifier with its values ready to be compared.
func newMatch(element, component int, values []string) *Match {
	m := &Match{Element: element, Component: component, Values: values}
	if !unpackable(values) {
		for _, v := range values {
			m.packed = append(m.packed, pack([]byte(v)))
		}
	}
	return m
}
