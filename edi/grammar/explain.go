package grammar

import (
	"fmt"
	"io"
	"strings"

	"github.com/paklog/hub/edi/finding"
)

// Explain writes every rule of the set whose place begins with prefix, each
// with the layer that set it. Elements stand where their segment is met first, under
// its path where they are others there than in the rest of the set.
func (s *Set) Explain(w io.Writer, prefix string) error {
	var b strings.Builder
	line := func(at, rule, by string) {
		if strings.HasPrefix(at, prefix) || strings.HasPrefix(at[strings.LastIndexByte(at, '/')+1:], prefix) {
			fmt.Fprintf(&b, "%-24s %-44s %s\n", at, rule, by)
		}
	}
	closed := "what is not known is a note"
	if s.Closed {
		closed = "what is not known is an error"
	}
	line("", closed, s.by.of("closed"))
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
				line(at, need, c.by.of("require"))
				line(at, fmt.Sprintf("at most %d times", c.Max), c.by.of("max"))
			}
			if c.Loop {
				walk(c, at+"/")
			} else if c.def != nil && !told[c.def] {
				told[c.def] = true
				own := ""
				if c.def != s.segments[c.tag] {
					own = at
				}
				s.explainElements(c.def, own, line)
			}
		}
	}
	walk(s.Root, "")
	for _, r := range s.Rules {
		severity := "off"
		if r.Severity != 0 {
			severity = r.Severity.String()
		}
		line(r.At.Tag, "rule "+r.text+": "+severity, s.by.of(r.text))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// explainElements names elements by their path where they stand in one place alone.
func (s *Set) explainElements(def *Segment, path string, line func(at, rule, by string)) {
	if path == "" {
		path = def.ID
	}
	each := func(e *Element, n, component int) {
		ref := finding.Ref(path, n, component)
		switch e.Requirement {
		case 'M':
			line(ref, "must be sent", e.by.of("require"))
		case 'X':
			line(ref, "depends on others", e.by.of("require"))
		default:
			line(ref, "may be sent", e.by.of("require"))
		}
		if e.Type != "C" {
			line(ref, "is "+typeName(e), e.by.of("max", "min", "type"))
		}
		if len(e.Codes) > 0 {
			known := "known codes "
			if e.Closed || s.Closed {
				known = "only the codes "
			}
			line(ref, known+e.some(60), e.by.of("codes"))
		}
		if e.Repeat > 1 {
			line(ref, fmt.Sprintf("at most %d repetitions", e.Repeat), e.by.of("repeat"))
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
		line(path, "note "+n.String()+": "+n.meaning(def.ID), def.by.of(n.String()))
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
