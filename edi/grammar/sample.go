package grammar

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/paklog/hub/edi/finding"
)

// Separators of composites and repetitions in the elements of a [Sample], which
// who writes it replaces by those of the document.
const (
	SampleComponent  = 0x1F
	SampleRepetition = 0x1E
)

// SampleSegment is a segment of a [Sample]: its tag and its elements from 01 on.
type SampleSegment struct {
	Tag      string
	Elements []string

	node *Node
	loop int // of a loop's first segment, how many segments of the sample it spans
}

// Sample is a document that a grammar makes: what stands between header and
// trailer.
type Sample struct {
	Segments []SampleSegment
}

// Mutation is a sample in which one rule is broken.
type Mutation struct {
	Rule   string // "W05-02 require"
	Code   string // of the finding that has to tell of it
	Place  string // tag or element
	Sample Sample
}

// Sample makes a valid document: each segment of the grammar once where that is
// valid, at least what is mandatory. It is an error if none can be made.
func (s *Set) Sample() (Sample, error) {
	var skip map[*Node]bool
	for range 200 {
		out := Sample{}
		s.fill(&out, s.Root, skip)
		s.total(&out)
		f := s.faults(out)
		if len(f) == 0 {
			return out, nil
		}
		// What cannot be placed is left out, from the place of the first error on.
		if skip == nil {
			skip = map[*Node]bool{}
		}
		at := min(max(f[0].Segment-2, 0), len(out.Segments)-1)
		gone := false
		for i := at; i >= 0 && !gone; i-- {
			gone = s.leave(skip, out.Segments[i].node)
		}
		if !gone {
			return out, fmt.Errorf("no valid document can be made of set %s: %s", s.ID, f[0].Message)
		}
	}
	return Sample{}, fmt.Errorf("no valid document can be made of set %s", s.ID)
}

// leave skips an optional node, or the innermost optional loop around it.
func (s *Set) leave(skip map[*Node]bool, n *Node) bool {
	var trail []*Node
	var walk func(at *Node) bool
	walk = func(at *Node) bool {
		trail = append(trail, at)
		if at == n {
			return true
		}
		for _, c := range at.Children {
			if walk(c) {
				return true
			}
		}
		trail = trail[:len(trail)-1]
		return false
	}
	walk(s.Root)
	for i := len(trail) - 1; i > 0; i-- {
		if first := trail[i-1].Loop && trail[i-1] != s.Root && trail[i-1].Children[0] == trail[i]; !trail[i].Required && !first && !skip[trail[i]] {
			skip[trail[i]] = true
			return true
		}
	}
	return false
}

func (s *Set) fill(out *Sample, n *Node, skip map[*Node]bool) {
	for i, c := range n.Children {
		switch {
		case skip[c] || c.def == nil && !c.Required && !c.Loop:
		case c.Loop:
			from := len(out.Segments)
			s.fill(out, c, skip)
			out.Segments[from].loop = len(out.Segments) - from
		default:
			match := c.Match
			if i == 0 && n != s.Root {
				match = n.Match
			}
			out.Segments = append(out.Segments, SampleSegment{Tag: c.ID, Elements: c.def.sample(match), node: c})
		}
	}
}

// sample makes the elements of a segment that its definition asks for.
func (s *Segment) sample(match *Match) []string {
	if s == nil {
		return []string{"X"}
	}
	v := make([]string, len(s.Elements))
	put := func(n int) {
		if n <= len(v) && v[n-1] == "" {
			if v[n-1] = "X"; s.Elements[n-1] != nil {
				v[n-1] = s.Elements[n-1].sample()
			}
		}
	}
	told := map[string]bool{}
	for i, e := range s.Elements {
		if e != nil && (e.Requirement == 'M' || e.says() && !told[e.Ref]) {
			put(i + 1)
			told[e.Ref] = true
		}
	}
	if match != nil {
		if short := match.Element - len(v); short > 0 {
			v = slices.Concat(v, make([]string, short))
		}
		v[match.Element-1] = match.Values[0]
		if match.Component > 1 {
			v[match.Element-1] = strings.Repeat(string(rune(SampleComponent)), match.Component-1) + match.Values[0]
		}
	}
	v = s.complete(v, "")
	if !slices.ContainsFunc(v, func(x string) bool { return x != "" }) { // a tag alone says nothing
		for i, e := range s.Elements {
			if e != nil {
				put(i + 1)
				v = s.complete(v, "")
				break
			}
		}
	}
	for len(v) > 0 && v[len(v)-1] == "" {
		v = v[:len(v)-1]
	}
	return v
}

// complete adds to elements what notes ask for beside them, but for one note.
func (s *Segment) complete(v []string, but string) []string {
	put := func(n int) {
		for len(v) < n {
			v = append(v, "")
		}
		if v[n-1] == "" {
			if v[n-1] = "X"; n <= len(s.Elements) && s.Elements[n-1] != nil {
				v[n-1] = s.Elements[n-1].sample()
			}
		}
	}
	for range len(s.Notes) + 1 {
		for _, n := range s.Notes {
			there := 0
			for _, e := range n.Elements {
				if e <= len(v) && v[e-1] != "" {
					there++
				}
			}
			first := n.Elements[0] <= len(v) && v[n.Elements[0]-1] != ""
			switch {
			case but != "" && n.String() == but:
			case n.Kind == 'P' && there > 0, n.Kind == 'C' && first:
				for _, e := range n.Elements {
					put(e)
				}
			case n.Kind == 'R' && there == 0:
				put(n.Elements[0])
			case n.Kind == 'L' && first && there == 1:
				put(n.Elements[1])
			case n.Kind == 'E' && there > 1:
				for _, e := range n.Elements[1:] {
					if e <= len(v) {
						v[e-1] = ""
					}
				}
			}
		}
	}
	return v
}

// says reports whether a sample has something to say in the element.
func (e *Element) says() bool {
	return e.like != "" || slices.ContainsFunc(e.Components, func(c *Element) bool { return c != nil && c.like != "" })
}

func (e *Element) sample() string {
	if e.like != "" && (len(e.Codes) == 0 || e.knows([]byte(e.like))) && len(e.like) <= e.Max && len(e.like) >= e.Min {
		return e.like
	}
	if len(e.Codes) > 0 {
		return e.Codes[0]
	}
	switch e.Type[0] {
	case 'N', 'R':
		return strings.Repeat("1", max(e.Min, 1))
	case 'D':
		if e.Max < 8 {
			return "261123"
		}
		return "20261123"
	case 'T':
		return "0915"
	case 'C':
		var parts []string
		told := map[string]bool{}
		for i, c := range e.Components {
			part := ""
			if c != nil && (c.Requirement == 'M' || i == 0 || c.says() && !told[c.Ref]) {
				part = c.sample()
				told[c.Ref] = true
			}
			parts = append(parts, part)
		}
		if len(parts) == 0 {
			return "X"
		}
		return strings.TrimRight(strings.Join(parts, string(rune(SampleComponent))), string(rune(SampleComponent)))
	}
	return strings.Repeat("A", max(e.Min, 1))
}

// total makes what rules count and number right.
func (s *Set) total(out *Sample) {
	for _, r := range s.Rules {
		switch r.Kind {
		case "count", "sum":
			sum := int64(0)
			for i := range out.Segments {
				g := &out.Segments[i]
				switch of := r.Of[0]; {
				case g.Tag != of.Tag || !g.fits(of.When):
				case r.Kind == "count":
					sum += unit
				default:
					n, _ := fixed([]byte(g.value(of.Element, of.Component)), 0)
					sum += n
				}
			}
			for i := range out.Segments {
				if g := &out.Segments[i]; g.Tag == r.At.Tag && g.fits(r.At.When) && g.value(r.At.Element, r.At.Component) != "" {
					g.set(r.At.Element, r.At.Component, strconv.FormatInt(sum/unit, 10))
				}
			}
		case "tree":
			s.grow(out, r)
		}
	}
}

// grow numbers the levels of a tree: each stands below the last before it that
// may have it.
func (s *Set) grow(out *Sample, r *Rule) {
	var levels []string
	for i := range out.Segments {
		g := &out.Segments[i]
		if g.Tag != r.At.Tag {
			continue
		}
		level := g.value(r.Of[1].Element, r.Of[1].Component)
		above := ""
		for j, l := range levels {
			if allowed := r.Levels[level]; slices.Contains(allowed, l) || len(allowed) == 0 {
				above = strconv.Itoa(j + 1)
			}
		}
		levels = append(levels, level)
		g.set(r.At.Element, r.At.Component, strconv.Itoa(len(levels)))
		g.set(r.Of[0].Element, r.Of[0].Component, above)
	}
}

func (g *SampleSegment) value(n, component int) string {
	if n > len(g.Elements) {
		return ""
	}
	v := g.Elements[n-1]
	if component > 0 {
		part, _ := nth([]byte(v), component, SampleComponent, 0)
		return string(part)
	}
	return v
}

func (g *SampleSegment) set(n, component int, v string) {
	if component > 0 {
		parts := strings.Split(g.value(n, 0), string(rune(SampleComponent)))
		for len(parts) < component {
			parts = append(parts, "")
		}
		parts[component-1] = v
		v = strings.Join(parts, string(rune(SampleComponent)))
	}
	g.Elements = slices.Clone(g.Elements)
	for len(g.Elements) < n {
		g.Elements = append(g.Elements, "")
	}
	g.Elements[n-1] = v
}

func (g *SampleSegment) fits(m *Match) bool {
	return m == nil || slices.Contains(m.Values, g.value(m.Element, m.Component))
}

// sampled reads a sample as a document.
type sampled struct {
	Sample
	errors []finding.Finding
	all    []finding.Finding
}

func (d *sampled) Len() int { return len(d.Segments) + 2 }

func (d *sampled) Segment(i int, ends []uint32) (tag, text []byte, _ []uint32) {
	if i == 0 || i > len(d.Segments) {
		return nil, nil, nil
	}
	s := &d.Segments[i-1]
	text, ends = []byte(s.Tag), append(ends, uint32(len(s.Tag)))
	for _, v := range s.Elements {
		text = append(append(text, 0), v...) // a separator that nobody looks at
		ends = append(ends, uint32(len(text)))
	}
	return []byte(s.Tag), text, ends
}

func (d *sampled) Place(int, int) (int64, int) { return 0, 0 }

func (d *sampled) Add(f finding.Finding) {
	d.all = append(d.all, f)
	if f.Severity == finding.Error {
		d.errors = append(d.errors, f)
	}
}

// faults are the errors that the set finds in a sample.
func (s *Set) faults(x Sample) []finding.Finding {
	d := &sampled{Sample: x}
	s.Check(d, &Syntax{Component: SampleComponent, Repetition: SampleRepetition}, true)
	return d.errors
}

// Finds reports whether the set finds in m what it has to, once, and nothing else that is
// more than a note.
func (s *Set) Finds(m Mutation) bool {
	d := &sampled{Sample: m.Sample}
	s.Check(d, &Syntax{Component: SampleComponent, Repetition: SampleRepetition}, true)
	found := false
	for _, f := range d.all {
		is := f.Code == m.Code && (f.Element == m.Place || strings.HasPrefix(f.Element, m.Place))
		if (!is || found) && f.Severity > finding.Note {
			return false
		}
		found = found || is
	}
	return found
}
