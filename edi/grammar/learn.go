package grammar

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/paklog/hub/edi/finding"
)

// Learner watches documents of one partner and proposes the overlay that says
// what he sends: what always comes, which codes, which lengths, and what the
// profile does not know yet. It proposes nothing on the word of few documents.
type Learner struct {
	sets map[*Set]*seenSet
}

// NewLearner has seen nothing.
func NewLearner() *Learner { return &Learner{sets: map[*Set]*seenSet{}} }

const (
	enoughDocuments = 3  // before "always" is said of segments, and of the elements in as many
	enoughValues    = 10 // before a list of codes is
	mostCodes       = 12 // of a list that is proposed
)

type seenSet struct {
	docs     int
	nodes    map[*Node]*seenNode
	elements map[string]map[place]*seenElement // by tag
	segments map[string]int                    // by tag
	strays   map[string]*seenStray             // by path
}

// place is an element of a segment, or a component of it, the first being 1.
type place struct{ element, component int }

type seenNode struct{ parents, within, most int }

type seenElement struct {
	n, least, longest int
	number            bool
	values            map[string]int
}

type seenStray struct {
	after   string
	n, docs int
	inDoc   int // of the document at hand
	most    int // of one document
}

// Add watches one document.
func (l *Learner) Add(s *Set, src Source, sx *Syntax) {
	seen := l.sets[s]
	if seen == nil {
		seen = &seenSet{nodes: map[*Node]*seenNode{}, elements: map[string]map[place]*seenElement{}, segments: map[string]int{}, strays: map[string]*seenStray{}}
		l.sets[s] = seen
	}
	seen.docs++
	for _, st := range seen.strays {
		st.inDoc = 0
	}
	s.check(silent{src}, sx, true, seen)
}

// silent is a source whose findings nobody wants.
type silent struct{ Source }

func (silent) Add(finding.Finding) {}

func (s *seenSet) segment(c *checker, node *Node, tag []byte) {
	id := string(tag)
	if node == nil {
		if keyOf(tag) == 0 || len(tag) < 2 || c.set.inside.of(keyOf(tag)) != 0 {
			return
		}
		var labels []string
		for _, f := range c.frames[1:] {
			labels = append(labels, f.node.Label())
		}
		path := strings.Join(append(labels, id), "/")
		st := s.strays[path]
		if st == nil {
			f := &c.frames[len(c.frames)-1]
			st = &seenStray{after: f.node.Children[f.at].Label()}
			s.strays[path] = st
		}
		if st.n++; st.inDoc == 0 {
			st.docs++
		}
		st.inDoc++
		st.most = max(st.most, st.inDoc)
	}
	s.segments[id]++
	def := c.set.segments[keyOf(tag)]
	for n := 1; n < len(c.ends); n++ {
		v := c.field(n)
		if len(v) == 0 {
			continue
		}
		s.value(c, id, place{n, 0}, v)
		if e := def.known(n); e != nil && e.Type != "C" {
			continue
		}
		for again := true; again; { // each repetition
			var one []byte
			one, v, again = cutAt(v, c.sx.Repetition, c.sx.Release)
			for part, more := 1, true; more; part++ {
				var x []byte
				if x, one, more = cutAt(one, c.sx.Component, c.sx.Release); len(x) > 0 {
					s.value(c, id, place{n, part}, x)
				}
			}
		}
	}
}

// known is what is known of the n-th element, nil where nothing is.
func (s *Segment) known(n int) *Element {
	if s == nil || n > len(s.Elements) {
		return nil
	}
	return s.Elements[n-1]
}

func (s *seenSet) value(c *checker, tag string, at place, v []byte) {
	if s.elements[tag] == nil {
		s.elements[tag] = map[place]*seenElement{}
	}
	e := s.elements[tag][at]
	if e == nil {
		e = &seenElement{least: 1 << 30, number: true, values: map[string]int{}}
		s.elements[tag][at] = e
	}
	e.add(trim(c.plain(v, isRelease|isBreak)))
}

func (e *seenElement) add(v []byte) {
	digits, number := numeric(v, true, 0)
	e.number = e.number && number
	size := len(v)
	if number {
		size = digits
	}
	e.n++
	e.least, e.longest = min(e.least, size), max(e.longest, size)
	if len(e.values) <= mostCodes {
		e.values[string(v)]++
	}
}

func (s *seenSet) ended(c *checker, f *frame) {
	for i, child := range f.node.Children {
		n := s.nodes[child]
		if n == nil {
			n = &seenNode{}
			s.nodes[child] = n
		}
		n.parents++
		times := int(*c.count(f, i))
		if times > 0 {
			n.within++
		}
		n.most = max(n.most, times)
	}
}

// Overlay is the proposal as YAML, the evidence beside each line.
func (l *Learner) Overlay(name string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# Proposed from documents that came: read each line, and keep what was agreed.\noverlay: %s\nlayer: partner\nsets:\n", name)
	sets := slices.SortedFunc(maps.Keys(l.sets), func(a, b *Set) int { return strings.Compare(a.ID+a.Release, b.ID+b.Release) })
	some := false
	for i, s := range sets {
		seen := l.sets[s]
		segments, elements := seen.segmentLines(s), seen.elementLines(s)
		if i > 0 && sets[i-1].ID == s.ID {
			fmt.Fprintf(&b, "  # %d documents of set %s in release %s beside: learn them apart\n", seen.docs, s.ID, s.Release)
			continue
		}
		fmt.Fprintf(&b, "  %q: # %d documents\n    releases: [%q]\n", s.ID, seen.docs, s.Release)
		some = true
		for _, part := range []struct {
			key   string
			lines []string
		}{{"segments", segments}, {"elements", elements}} {
			if len(part.lines) > 0 {
				fmt.Fprintf(&b, "    %s:\n      %s\n", part.key, strings.Join(part.lines, "\n      "))
			}
		}
	}
	if !some {
		b.WriteString("  {}\n")
	}
	return []byte(b.String())
}

func (s *seenSet) segmentLines(set *Set) (out []string) {
	var walk func(n *Node, path string)
	walk = func(n *Node, path string) {
		for i, c := range n.Children {
			seen := s.nodes[c]
			if seen == nil || i == 0 && n != set.Root {
				continue
			}
			at := path + c.Label()
			var say, why []string
			if !c.Required && seen.within == seen.parents && seen.parents >= enoughDocuments {
				say, why = append(say, "require: true"), append(why, fmt.Sprintf("in %d of %d", seen.within, seen.parents))
			}
			if seen.most > c.Max {
				say, why = append(say, fmt.Sprintf("max: %d", seen.most)), append(why, fmt.Sprintf("came %d times where %d are allowed", seen.most, c.Max))
			}
			if len(say) > 0 {
				out = append(out, fmt.Sprintf("%s: {%s} # %s", at, strings.Join(say, ", "), strings.Join(why, "; ")))
			}
			if c.Loop {
				walk(c, at+"/")
			}
		}
	}
	walk(set.Root, "")
	for _, path := range slices.Sorted(maps.Keys(s.strays)) {
		st := s.strays[path]
		require := ""
		if st.docs == s.docs && s.docs >= enoughDocuments && !strings.Contains(path, "/") { // of a loop's it is not known how often the loop came
			require = "require: true, "
		}
		out = append(out, fmt.Sprintf("%s: {%safter: %s, max: %d} # %d in %d of %d documents, not known", path, require, st.after, st.most, st.n, st.docs, s.docs))
	}
	return out
}

func (s *seenSet) elementLines(set *Set) (out []string) {
	for _, tag := range slices.Sorted(maps.Keys(s.elements)) {
		def := set.segments[keyOf(tag)]
		seen := s.elements[tag]
		composite := map[int]bool{} // elements that came with more than one component, or are known to
		for at := range seen {
			e := def.known(at.element)
			composite[at.element] = composite[at.element] || at.component > 1 || e != nil && e.Components != nil
		}
		for _, at := range slices.SortedFunc(maps.Keys(seen), place.compare) {
			if at.element > 64 || at.component > 99 || (at.component > 0) != composite[at.element] {
				continue
			}
			known, within := def.known(at.element), s.segments[tag]
			if at.component > 0 {
				known, within = known.part(at.component), seen[place{at.element, 0}].n
			}
			if say, why := seen[at].line(known, within); len(say) > 0 {
				out = append(out, fmt.Sprintf("%s: {%s} # %s", finding.Ref(tag, at.element, at.component), strings.Join(say, ", "), strings.Join(why, "; ")))
			}
		}
	}
	return out
}

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.element, q.element), cmp.Compare(p.component, q.component))
}

// part is what is known of a component, nil where nothing is.
func (e *Element) part(component int) *Element {
	if e == nil || component > len(e.Components) {
		return nil
	}
	return e.Components[component-1]
}

// line is what an overlay would say of an element or component that came in so many
// segments or elements, and why.
func (e *seenElement) line(known *Element, within int) (say, why []string) {
	add := func(what, because string, a ...any) {
		say, why = append(say, what), append(why, fmt.Sprintf(because, a...))
	}
	if known == nil {
		kind := "AN"
		if e.number {
			kind = "R"
		}
		add(fmt.Sprintf("type: %s, min: %d, max: %d", kind, max(1, e.least), e.longest), "not known, %d values", e.n)
		if e.n == within && e.n >= enoughDocuments {
			add("require: true", "in %d of %d", e.n, within)
		}
		return say, why
	}
	if known.Type == "C" {
		return nil, nil
	}
	if e.longest > known.Max {
		add(fmt.Sprintf("max: %d", e.longest), "%d characters came where %d are allowed", e.longest, known.Max)
	}
	if e.least < known.Min && known.Type[0] != 'N' && known.Type != "R" {
		add(fmt.Sprintf("min: %d", e.least), "%d characters came where %d are needed", e.least, known.Min)
	}
	if known.Requirement != 'M' && e.n == within && e.n >= enoughDocuments {
		add("require: true", "in %d of %d", e.n, within)
	}
	coded := known.Type == "ID" || known.Type[0] == 'A' && known.Max <= 3 // EDIFACT has no type of its own for codes
	if coded && e.n >= enoughValues && len(e.values) <= mostCodes && 3*len(e.values) <= e.n {
		var codes, counts []string
		for _, v := range slices.Sorted(maps.Keys(e.values)) {
			codes, counts = append(codes, fmt.Sprintf("%q", v)), append(counts, fmt.Sprintf("%s %d", finding.Printable(v), e.values[v]))
		}
		add("codes: ["+strings.Join(codes, ", ")+"]", "%s", strings.Join(counts, ", "))
	}
	return say, why
}
