package grammar

import (
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
	enoughDocuments = 3  // before "always" is said of segments
	enoughValues    = 10 // and of elements and codes
	mostCodes       = 12 // of a list that is proposed
)

type seenSet struct {
	docs     int
	nodes    map[*Node]*seenNode
	elements map[string]map[int]*seenElement // by tag, element
	segments map[string]int                  // by tag
	strays   map[string]*seenStray           // by path
}

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
		seen = &seenSet{nodes: map[*Node]*seenNode{}, elements: map[string]map[int]*seenElement{}, segments: map[string]int{}, strays: map[string]*seenStray{}}
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
	for i := range len(c.ends) - 1 {
		v := c.field(i + 1)
		if len(v) == 0 {
			continue
		}
		if s.elements[id] == nil {
			s.elements[id] = map[int]*seenElement{}
		}
		e := s.elements[id][i+1]
		if e == nil {
			e = &seenElement{least: 1 << 30, number: true, values: map[string]int{}}
			s.elements[id][i+1] = e
		}
		e.add(trim(c.plain(v, isRelease|isBreak)))
	}
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
		out = append(out, fmt.Sprintf("%s: {after: %s, max: %d} # %d in %d of %d documents, not known", path, st.after, st.most, st.n, st.docs, s.docs))
	}
	return out
}

func (s *seenSet) elementLines(set *Set) (out []string) {
	for _, tag := range slices.Sorted(maps.Keys(s.elements)) {
		def := set.segments[keyOf(tag)]
		for _, n := range slices.Sorted(maps.Keys(s.elements[tag])) {
			if n > 64 {
				break
			}
			e := s.elements[tag][n]
			var known *Element
			if def != nil && n <= len(def.Elements) {
				known = def.Elements[n-1]
			}
			var say, why []string
			add := func(what, because string, a ...any) {
				say, why = append(say, what), append(why, fmt.Sprintf(because, a...))
			}
			switch {
			case known == nil:
				kind := "AN"
				if e.number {
					kind = "R"
				}
				add(fmt.Sprintf("type: %s, min: %d, max: %d", kind, max(1, e.least), e.longest), "not known, %d values", e.n)
			case known.Type == "C":
			default:
				if e.longest > known.Max {
					add(fmt.Sprintf("max: %d", e.longest), "%d characters came where %d are allowed", e.longest, known.Max)
				}
				if e.least < known.Min && known.Type[0] != 'N' && known.Type != "R" {
					add(fmt.Sprintf("min: %d", e.least), "%d characters came where %d are needed", e.least, known.Min)
				}
				if known.Requirement != 'M' && e.n == s.segments[tag] && e.n >= enoughValues {
					add("require: true", "in %d of %d", e.n, s.segments[tag])
				}
				if known.Type == "ID" && e.n >= enoughValues && len(e.values) <= mostCodes && 3*len(e.values) <= e.n {
					var codes, counts []string
					for _, v := range slices.Sorted(maps.Keys(e.values)) {
						codes, counts = append(codes, fmt.Sprintf("%q", v)), append(counts, fmt.Sprintf("%s %d", finding.Printable(v), e.values[v]))
					}
					add("codes: ["+strings.Join(codes, ", ")+"]", "%s", strings.Join(counts, ", "))
				}
			}
			if len(say) > 0 {
				out = append(out, fmt.Sprintf("%s: {%s} # %s", finding.Ref(tag, n, 0), strings.Join(say, ", "), strings.Join(why, "; ")))
			}
		}
	}
	return out
}
