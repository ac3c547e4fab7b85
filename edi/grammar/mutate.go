package grammar

import (
	"fmt"
	"slices"
	"strings"

	"github.com/paklog/hub/edi/finding"
)

// Mutate makes, of a valid sample, one document for each rule of the set that the
// sample's segments meet, with that rule broken and no other: what a partner's station
// has to find to be trusted. An element that the sample does not have is put in for it.
// left are the rules that cannot be broken alone.
func (s *Set) Mutate(from Sample) (out []Mutation, left []string) {
	m := &mutator{set: s, from: from, told: map[string]bool{}, tried: map[string]bool{}}
	for i := range from.Segments {
		g := &from.Segments[i]
		m.node(i, g)
		if g.node.def != nil {
			m.elements(i, g.node.def)
		}
	}
	m.rules()
	if s.Closed {
		m.add(from, "closed", CodeUnknownSegment, "QQ", func(x *Sample) {
			x.Segments = slices.Insert(x.Segments, 1, SampleSegment{Tag: "QQ", Elements: []string{"X"}})
		})
	}
	for rule := range m.tried {
		if !m.told[rule] {
			left = append(left, rule)
		}
	}
	slices.Sort(left)
	return m.out, left
}

type mutator struct {
	set         *Set
	from        Sample
	told, tried map[string]bool
	out         []Mutation
}

// add keeps a mutation of a sample, once a rule, where the set finds it and nothing
// else: what is broken may be another thing by the grammar, as a segment that may stand
// elsewhere, or an element that another rule asks for.
func (m *mutator) add(from Sample, rule, code, place string, change func(x *Sample)) {
	if m.told[rule] {
		return
	}
	m.tried[rule] = true
	x := Sample{Segments: slices.Clone(from.Segments)}
	change(&x)
	if mu := (Mutation{rule, code, place, x}); m.set.Finds(mu) {
		m.told[rule] = true
		m.out = append(m.out, mu)
	}
}

func set1(i, n, component int, v string) func(x *Sample) {
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
		m.add(m.from, n.Label()+" require", CodeMissingSegment, n.ID, func(x *Sample) {
			x.Segments = slices.Delete(x.Segments, i, i+span)
			m.set.total(x)
		})
	}
	const most = 50 // a document of a hundred thousand lines proves no more
	if n.Max <= most {
		code := CodeTooMany
		if n.Loop {
			code = CodeTooManyLoops
		}
		m.add(m.from, n.Label()+" max", code, n.ID, func(x *Sample) {
			again := slices.Clone(x.Segments[i : i+span])
			for range n.Max {
				x.Segments = slices.Insert(x.Segments, i+span, again...)
			}
			m.set.total(x)
		})
	}
}

func (m *mutator) elements(i int, def *Segment) {
	for n := range def.Elements {
		e := def.Elements[n]
		if e == nil {
			continue
		}
		if from, ok := m.with(i, n+1, 0, e, def); ok {
			m.element(from, i, n+1, 0, e, def.ID)
		}
		for c, part := range e.Components {
			if part == nil {
				continue
			}
			if from, ok := m.with(i, n+1, c+1, part, def); ok {
				m.element(from, i, n+1, c+1, part, def.ID)
			}
		}
	}
	for _, note := range def.Notes {
		m.note(i, def, note)
	}
}

// with is the sample with a value in an element, and what goes with that; there is none
// where it may not stand there.
func (m *mutator) with(i, n, component int, e *Element, def *Segment) (Sample, bool) {
	if m.from.Segments[i].value(n, component) != "" {
		return m.from, true
	}
	x := Sample{Segments: slices.Clone(m.from.Segments)}
	g := &x.Segments[i]
	if component > 0 && g.value(n, 0) == "" {
		g.set(n, 0, def.Elements[n-1].sample())
	}
	g.set(n, component, e.sample())
	g.Elements = def.complete(slices.Clone(g.Elements), "")
	m.set.total(&x)
	return x, g.value(n, component) != "" && len(m.set.faults(x)) == 0
}

func (m *mutator) element(from Sample, i, n, component int, e *Element, tag string) {
	ref := finding.Ref(tag, n, component)
	add := func(rule, code, v string) { m.add(from, ref+" "+rule, code, ref, set1(i, n, component, v)) }
	if e.Requirement == 'M' {
		m.add(from, ref+" require", CodeMissingElement, ref, func(x *Sample) {
			x.Segments[i].set(n, component, "")
			m.set.total(x)
		})
	}
	if e.Type == "C" {
		return
	}
	const longest = 300
	now := from.Segments[i].value(n, component)
	switch e.Type[0] {
	case 'N', 'R':
		add("type", CodeCharacter, "X")
		if e.Max <= longest { // zeros before it leave totals as they are
			add("max", CodeTooLong, strings.Repeat("0", max(1, e.Max+1-len(strings.Trim(now, "-"))+strings.Count(now, ".")))+now)
		}
	case 'D':
		add("type", CodeDate, "20261399")
	case 'T':
		add("type", CodeTime, "2561")
	case 'B':
	default:
		if e.Max <= longest {
			add("max", CodeTooLong, strings.Repeat("A", e.Max+1))
		}
		if e.Min > 1 {
			add("min", CodeTooShort, strings.Repeat("A", e.Min-1))
		}
		if len(e.Codes) > 0 && (!e.Open || e.Closed || m.set.Closed) {
			add("codes", CodeUnknownCode, strings.Repeat("Q", max(e.Min, 1)))
		}
	}
}

func (m *mutator) note(i int, def *Segment, n Note) {
	rule := def.ID + " " + n.String()
	code := CodeConditional
	if n.Kind == 'E' || n.Kind == 'X' {
		code = CodeExclusion
	}
	m.add(m.from, rule, code, def.ID, func(x *Sample) {
		g := &x.Segments[i]
		v := slices.Clone(g.Elements)
		for len(v) < len(def.Elements) {
			v = append(v, "")
		}
		drop := map[int]bool{}
		fill := func(e int) {
			if e <= len(v) {
				if v[e-1] = "X"; def.Elements[e-1] != nil {
					v[e-1] = def.Elements[e-1].sample()
				}
			}
		}
		switch n.Kind {
		case 'E', 'X':
			fill(n.Elements[0])
			fill(n.Elements[1])
		case 'R':
			for _, e := range n.Elements {
				drop[e] = true
			}
		default:
			for _, e := range n.Elements[1:] {
				drop[e] = true
			}
			fill(n.Elements[0])
		}
		for e := range drop {
			if e <= len(v) {
				v[e-1] = ""
			}
		}
		for range def.Notes { // what others tie to those goes with them
			for _, o := range def.Notes {
				if o.Kind != 'P' && o.Kind != 'C' || o.String() == n.String() {
					continue
				}
				for k, e := range o.Elements {
					if o.Kind == 'C' && k == 0 || !drop[e] {
						continue
					}
					for _, too := range o.Elements {
						if (o.Kind == 'P' || too == o.Elements[0]) && too <= len(v) && !slices.Contains(n.Elements[:1], too) {
							v[too-1], drop[too] = "", true
						}
					}
				}
			}
		}
		g.Elements = def.complete(v, n.String())
		m.set.total(x)
	})
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
				m.add(m.from, r.text, code, r.At.Tag, set1(i, r.At.Element, r.At.Component, "98765"))
			case "tree":
				m.add(m.from, r.text, code, r.At.Tag, set1(i, r.Of[0].Element, r.Of[0].Component, "98765"))
			default:
				m.add(m.from, r.text, code, r.At.Tag, func(x *Sample) {
					if w := r.At.When; w != nil {
						x.Segments[i].set(w.Element, w.Component, w.Values[0])
					}
					v := "012345678904" // of a GTIN the last digit is 5
					if r.Kind == "sscc" {
						v = "00123456789012345670" // of this one 5
					}
					for _, o := range m.set.Rules { // numbers beside it are good ones
						if o.Kind == r.Kind && o.At.Tag == r.At.Tag && x.Segments[i].value(o.At.Element, o.At.Component) != "" {
							x.Segments[i].set(o.At.Element, o.At.Component, v[:len(v)-1]+"5")
						}
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
