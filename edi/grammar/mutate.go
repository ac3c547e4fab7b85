package grammar

import (
	"fmt"
	"slices"
	"strings"

	"github.com/paklog/hub/edi/finding"
)

// Mutate makes, of a valid sample, one document for each rule of the set that the
// sample's segments meet, with that rule broken: what a partner's station has to
// find to be trusted.
func (s *Set) Mutate(from Sample) []Mutation {
	m := &mutator{set: s, from: from, told: map[string]bool{}}
	for i := range from.Segments {
		g := &from.Segments[i]
		m.node(i, g)
		if g.node.def != nil {
			m.elements(i, g.node.def)
		}
	}
	m.rules()
	if s.Closed {
		m.add("closed", CodeUnknownSegment, "QQ", func(x *Sample) {
			x.Segments = slices.Insert(x.Segments, 1, SampleSegment{Tag: "QQ", Elements: []string{"X"}})
		})
	}
	return m.out
}

type mutator struct {
	set  *Set
	from Sample
	told map[string]bool
	out  []Mutation
}

// add keeps a mutation, once a rule, where the set does find it: what is broken
// may be another thing by the grammar, as a segment that may stand elsewhere.
func (m *mutator) add(rule, code, place string, change func(x *Sample)) {
	if m.told[rule] {
		return
	}
	x := Sample{Segments: slices.Clone(m.from.Segments)}
	change(&x)
	if mu := (Mutation{rule, code, place, x}); m.set.Finds(mu) {
		m.told[rule] = true
		m.out = append(m.out, mu)
	}
}

func (m *mutator) set1(i, n, component int, v string) func(x *Sample) {
	return func(x *Sample) { x.Segments[i].set(n, component, v) }
}

// node breaks what is asked of a segment in its place.
func (m *mutator) node(i int, g *SampleSegment) {
	n, span := g.node, 1
	if g.loop > 0 {
		span = g.loop
	}
	var loop *Node
	m.set.Root.each(func(x *Node) {
		if x.Loop && x != m.set.Root && x.Children[0] == n {
			loop = x
		}
	})
	if loop != nil {
		n = loop
	}
	if n.Required {
		m.add(n.Label()+" require", CodeMissingSegment, n.ID, func(x *Sample) { x.Segments = slices.Delete(x.Segments, i, i+span) })
	}
	const most = 50 // a document of a hundred thousand lines proves no more
	if n.Max <= most {
		code := CodeTooMany
		if n.Loop {
			code = CodeTooManyLoops
		}
		m.add(n.Label()+" max", code, n.ID, func(x *Sample) {
			again := slices.Clone(x.Segments[i : i+span])
			for range n.Max {
				x.Segments = slices.Insert(x.Segments, i+span, again...)
			}
		})
	}
}

func (m *mutator) elements(i int, def *Segment) {
	g := &m.from.Segments[i]
	for n := range def.Elements {
		e := def.Elements[n]
		if e == nil || g.value(n+1, 0) == "" {
			continue
		}
		m.element(i, n+1, 0, e, def.ID)
		for c, part := range e.Components {
			if part != nil && g.value(n+1, c+1) != "" {
				m.element(i, n+1, c+1, part, def.ID)
			}
		}
	}
	for _, note := range def.Notes {
		m.note(i, def, note)
	}
}

func (m *mutator) element(i, n, component int, e *Element, tag string) {
	ref := finding.Ref(tag, n, component)
	if e.Requirement == 'M' {
		m.add(ref+" require", CodeMissingElement, ref, m.set1(i, n, component, ""))
	}
	if e.Type == "C" {
		return
	}
	const longest = 300
	switch e.Type[0] {
	case 'N', 'R':
		m.add(ref+" type", CodeCharacter, ref, m.set1(i, n, component, "X"))
		m.add(ref+" max", CodeTooLong, ref, m.set1(i, n, component, strings.Repeat("1", min(e.Max, longest)+1)))
	case 'D':
		m.add(ref+" type", CodeDate, ref, m.set1(i, n, component, "20261399"))
	case 'T':
		m.add(ref+" type", CodeTime, ref, m.set1(i, n, component, "2561"))
	case 'B':
	default:
		if e.Max <= longest {
			m.add(ref+" max", CodeTooLong, ref, m.set1(i, n, component, strings.Repeat("A", e.Max+1)))
		}
		if e.Min > 1 {
			m.add(ref+" min", CodeTooShort, ref, m.set1(i, n, component, strings.Repeat("A", e.Min-1)))
		}
		if len(e.Codes) > 0 && (!e.Open || e.Closed || m.set.Closed) {
			other := strings.Repeat("Q", max(e.Min, 1))
			m.add(ref+" codes", CodeUnknownCode, ref, m.set1(i, n, component, other))
		}
	}
}

func (m *mutator) note(i int, def *Segment, n Note) {
	g := &m.from.Segments[i]
	rule := def.ID + " " + n.String()
	fill := func(x *Sample, e int) {
		v := "X"
		if e <= len(def.Elements) && def.Elements[e-1] != nil {
			v = def.Elements[e-1].sample()
		}
		x.Segments[i].set(e, 0, v)
	}
	first := n.Elements[0]
	switch n.Kind {
	case 'P', 'C', 'L':
		m.add(rule, CodeConditional, def.ID, func(x *Sample) {
			for _, e := range n.Elements {
				if x.Segments[i].value(e, 0) != "" {
					x.Segments[i].set(e, 0, "")
				}
			}
			fill(x, first)
		})
	case 'R':
		m.add(rule, CodeConditional, def.ID, func(x *Sample) {
			for _, e := range n.Elements {
				if g.value(e, 0) != "" {
					x.Segments[i].set(e, 0, "")
				}
			}
		})
	case 'E', 'X':
		m.add(rule, CodeExclusion, def.ID, func(x *Sample) {
			fill(x, first)
			fill(x, n.Elements[1])
		})
	}
}

func (m *mutator) rules() {
	for _, r := range m.set.Rules {
		if r.Severity == 0 {
			continue
		}
		code := map[string]string{"count": CodeCount, "sum": CodeSum, "tree": CodeTree, "sscc": CodeCheckDigit, "gtin": CodeCheckDigit}[r.Kind]
		for i := range m.from.Segments {
			if m.from.Segments[i].Tag != r.At.Tag || !m.from.Segments[i].node.heeds(r) {
				continue
			}
			switch r.Kind {
			case "count", "sum":
				m.add(r.text, code, r.At.Tag, m.set1(i, r.At.Element, r.At.Component, "98765"))
			case "tree":
				m.add(r.text, code, r.At.Tag, m.set1(i, r.Of[0].Element, r.Of[0].Component, "98765"))
			default:
				m.add(r.text, code, r.At.Tag, func(x *Sample) {
					if w := r.At.When; w != nil {
						x.Segments[i].set(w.Element, w.Component, w.Values[0])
					}
					v := "012345678904" // of a GTIN the last digit is 5
					if r.Kind == "sscc" {
						v = "00123456789012345670" // of this one 5
					}
					x.Segments[i].set(r.At.Element, r.At.Component, v)
				})
			}
		}
	}
}

func (n *Node) heeds(r *Rule) bool { return slices.Contains(n.rules, r) }

// String names the mutation in a line.
func (m Mutation) String() string { return fmt.Sprintf("%s breaks %s: %s", m.Place, m.Rule, m.Code) }
