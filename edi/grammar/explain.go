package grammar

import (
	"fmt"
	"io"
	"strings"

	"github.com/paklog/hub/edi/finding"
)

// by says which layer set an attribute: "partner acme", or "standard".
func (s *Set) by(at, attribute string) string {
	if a, ok := s.changes[change{at, attribute}]; ok {
		return string(a.Layer) + " " + a.Overlay
	}
	return string(finding.Standard)
}

// Explain writes every rule of the set whose place begins with prefix, each
// with the layer that set it.
func (s *Set) Explain(w io.Writer, prefix string) error {
	var b strings.Builder
	line := func(at, rule, by string) {
		if strings.HasPrefix(at, prefix) {
			fmt.Fprintf(&b, "%-24s %-44s %s\n", at, rule, by)
		}
	}
	closed := "what is not known is a note"
	if s.Closed {
		closed = "what is not known is an error"
	}
	line("", closed, s.by("", "closed"))
	told := map[*Segment]bool{}
	var walk func(n *Node, path string)
	walk = func(n *Node, path string) {
		for i, c := range n.Children {
			at := path + c.Label()
			if i == 0 && n != s.Root {
				at = strings.TrimSuffix(path, "/")
			}
			if i > 0 || n == s.Root {
				need := "may come"
				if c.Required {
					need = "must come"
				}
				line(at, need, s.by("", c.Label()+" require"))
				line(at, fmt.Sprintf("at most %d times", c.Max), s.by("", c.Label()+" max"))
			}
			if c.Loop {
				walk(c, at+"/")
			} else if c.def != nil && !told[c.def] {
				told[c.def] = true
				s.explainElements(c.def, line)
			}
		}
	}
	walk(s.Root, "")
	for _, r := range s.Rules {
		severity := "off"
		if r.Severity != 0 {
			severity = r.Severity.String()
		}
		line(r.At.Tag, "rule "+r.text+": "+severity, s.by("", r.text))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (s *Set) explainElements(def *Segment, line func(at, rule, by string)) {
	each := func(e *Element, n, component int) {
		ref := finding.Ref(def.ID, n, component)
		switch e.Requirement {
		case 'M':
			line(ref, "must be sent", s.by(ref, "require"))
		case 'X':
			line(ref, "depends on others", s.by(ref, "require"))
		default:
			line(ref, "may be sent", s.by(ref, "require"))
		}
		if e.Type != "C" {
			line(ref, "is "+typeName(e), s.by(ref, "max"))
		}
		if len(e.Codes) > 0 {
			known := "known codes "
			if e.Closed || s.Closed {
				known = "only the codes "
			}
			line(ref, known+e.some(60), s.by(ref, "codes"))
		}
		if e.Repeat > 1 {
			line(ref, fmt.Sprintf("at most %d repetitions", e.Repeat), s.by(ref, "repeat"))
		}
	}
	for i, e := range def.Elements {
		if e == nil {
			continue
		}
		each(e, i+1, 0)
		for j, c := range e.Components {
			if c != nil {
				each(c, i+1, j+1)
			}
		}
	}
	for _, n := range def.Notes {
		line(def.ID, "note "+n.String()+": "+n.meaning(def.ID), s.by(def.ID, n.String()))
	}
}

// meaning is a note in words.
func (n Note) meaning(tag string) string {
	var refs []string
	for _, e := range n.Elements {
		refs = append(refs, finding.Ref(tag, e, 0))
	}
	all, rest := strings.Join(refs, ", "), strings.Join(refs[1:], ", ")
	switch n.Kind {
	case 'P':
		return "all or none of " + all
	case 'R':
		return "at least one of " + all
	case 'E':
		return "at most one of " + all
	case 'C':
		return "with " + refs[0] + " also " + rest
	case 'L':
		return "with " + refs[0] + " at least one of " + rest
	}
	return "with " + refs[0] + " none of " + rest
}
