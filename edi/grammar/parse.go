package grammar

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// LineError is a mistake in a grammar's text.
type LineError struct {
	Line int
	Text string
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v in %q", e.Line, e.Err, e.Text) }

func (e *LineError) Unwrap() error { return e.Err }

// lines calls each for every line that says something, with its indentation.
func lines(text string, each func(indent int, fields string) error) error {
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimRightFunc(line, unicode.IsSpace)
		body := strings.TrimLeft(line, " ")
		if body == "" || body[0] == '#' {
			continue
		}
		if err := each(len(line)-len(body), body); err != nil {
			return &LineError{Line: i + 1, Text: line, Err: err}
		}
	}
	return nil
}

// AddNames reads our own words for elements and segments, one a line:
// "324 purchase order number", "W05 order header".
func (l *Library) AddNames(text string) error {
	return lines(text, func(_ int, body string) error {
		ref, name, ok := strings.Cut(body, " ")
		if !ok {
			return fmt.Errorf("want a number or tag and a name")
		}
		l.names[ref] = strings.TrimSpace(name)
		return nil
	})
}

// AddSegments reads segment definitions of a release, one a line: the tag, and
// its elements divided by "|", each as "M AN 1-22 324": requirement (M, O, X or
// C), type, least-most length, number; then, each if wanted, "x5" for five
// repetitions and the known codes in parentheses. "?" is an element that the
// profile says nothing about. Behind ";" stand the notes, as P0304.
//
// "composite C040 M ID 2-3 128 | ..." defines what elements of type C and
// number C040 are made of; it has to come first. "base 004010" takes over all
// definitions of another release, which later lines replace; "replace" forgets
// those that the release has already, for sets that are read from then on, and takes
// no codes but those that stand in the lines behind it.
func (l *Library) AddSegments(release, text string) error {
	if l.segments[release] == nil {
		l.segments[release], l.composites[release] = map[tagKey]*Segment{}, map[string][]*Element{}
	}
	segments, composites := maps.Clone(l.segments[release]), maps.Clone(l.composites[release])
	defer func() { l.segments[release], l.composites[release] = segments, composites }()
	inherited, own := map[tagKey]bool{}, false
	return lines(text, func(_ int, body string) error {
		def, notes, _ := strings.Cut(body, ";")
		id, rest, _ := strings.Cut(strings.TrimSpace(def), " ")
		switch id {
		case "base":
			from := l.segments[rest]
			if from == nil || rest == release {
				return fmt.Errorf("release %q has no segments", rest)
			}
			for k, s := range from {
				segments[k] = s
				inherited[k] = true
			}
			maps.Copy(composites, l.composites[rest])
			return nil
		case "replace":
			segments, composites, own = map[tagKey]*Segment{}, map[string][]*Element{}, true // and codes
			return nil
		case "composite":
			id, rest, _ = strings.Cut(rest, " ")
			parts, err := parseElements(rest, nil)
			if err == nil && slices.ContainsFunc(parts, func(e *Element) bool { return e != nil && e.Type == "C" }) {
				err = errors.New("a composite inside a composite")
			}
			if !own {
				l.code(parts)
			}
			composites[id] = parts
			for k := range inherited {
				segments[k] = segments[k].with(id, parts)
			}
			return err
		}
		if len(id) < 2 || len(id) > 3 {
			return fmt.Errorf("segment tag %q has not 2 or 3 characters", id)
		}
		if segments[keyOf(id)] != nil && !inherited[keyOf(id)] {
			return fmt.Errorf("segment %s is defined twice", id)
		}
		s := &Segment{ID: id}
		var err error
		if s.Elements, err = parseElements(rest, composites); err != nil {
			return err
		}
		if !own {
			l.code(s.Elements)
		}
		for _, note := range strings.Fields(notes) {
			n, err := parseNote(note)
			if err != nil {
				return err
			}
			s.Notes = append(s.Notes, n)
		}
		segments[keyOf(id)] = s
		delete(inherited, keyOf(id))
		return nil
	})
}

// with is a segment whose elements of a composite are made of other parts than those that it was
// taken over with.
func (s *Segment) with(composite string, parts []*Element) *Segment {
	is := func(e *Element) bool { return e != nil && e.Type == "C" && e.Ref == composite }
	if !slices.ContainsFunc(s.Elements, is) {
		return s
	}
	c := *s
	c.Elements = slices.Clone(s.Elements)
	for i, e := range c.Elements {
		if is(e) {
			own := *e
			own.Components = parts
			c.Elements[i] = &own
		}
	}
	return &c
}

// splitOutside splits at sep outside parentheses.
func splitOutside(s string, sep byte) (out []string) {
	depth, from := 0, 0
	for i := range len(s) {
		switch s[i] {
		case '(':
			depth++
		case ')':
			depth--
		case sep:
			if depth == 0 {
				out = append(out, s[from:i])
				from = i + 1
			}
		}
	}
	return append(out, s[from:])
}

func parseElements(text string, composites map[string][]*Element) ([]*Element, error) {
	var out []*Element
	for _, field := range splitOutside(text, '|') {
		e, err := parseElement(strings.TrimSpace(field))
		if err != nil {
			return nil, err
		}
		if e != nil && e.Type == "C" {
			e.Components = composites[e.Ref]
		}
		out = append(out, e)
	}
	if len(out) > 64 {
		return nil, fmt.Errorf("%d elements, at most 64 are taken", len(out))
	}
	return out, nil
}

var elementTypes = []string{"AN", "ID", "A", "N", "R", "DT", "TM", "B", "C", "N0", "N1", "N2", "N3", "N4", "N5", "N6", "N7", "N8", "N9"}

func parseElement(field string) (*Element, error) {
	if field == "?" {
		return nil, nil
	}
	field, codes, hasCodes := strings.Cut(field, "(")
	f := strings.Fields(field)
	if len(f) != 4 && len(f) != 5 {
		return nil, fmt.Errorf("element %q is not of the form \"M AN 1-22 324\"", field)
	}
	if len(f[0]) != 1 || !strings.Contains("MOXC", f[0]) {
		return nil, fmt.Errorf("requirement %q is none of M, O, X, C", f[0])
	}
	if !slices.Contains(elementTypes, f[1]) {
		return nil, fmt.Errorf("element type %q is unknown", f[1])
	}
	low, high, _ := strings.Cut(f[2], "-")
	e := &Element{Requirement: f[0][0], Type: f[1], Ref: strings.TrimPrefix(f[3], "?"), Repeat: 1}
	if e.Requirement == 'C' {
		e.Requirement = 'O'
	}
	var err1, err2 error
	e.Min, err1 = strconv.Atoi(low)
	e.Max, err2 = strconv.Atoi(high)
	if err1 != nil || err2 != nil || e.Min < 0 || e.Max < e.Min {
		return nil, fmt.Errorf("length %q is not of the form least-most", f[2])
	}
	if len(f) == 5 {
		n, err := strconv.Atoi(strings.TrimPrefix(f[4], "x"))
		if err != nil || n < 1 || f[4][0] != 'x' {
			return nil, fmt.Errorf("repetitions %q are not of the form x5", f[4])
		}
		e.Repeat = n
	}
	if hasCodes {
		list, _, closed := strings.Cut(codes, ")")
		if !closed {
			return nil, fmt.Errorf("codes %q do not end in \")\"", codes)
		}
		e.setCodes(strings.Split(list, ","), false)
	}
	return e, nil
}

func parseNote(note string) (Note, error) {
	n := Note{}
	bad := fmt.Errorf("note %q is not of the form P0304", note)
	if len(note) < 5 || len(note)%2 == 0 || !strings.Contains("PRECLX", note[:1]) {
		return n, bad
	}
	n.Kind = note[0]
	for i := 1; i < len(note); i += 2 {
		at, err := strconv.Atoi(note[i : i+2])
		if err != nil || at < 1 || at > 64 {
			return n, bad
		}
		n.Elements = append(n.Elements, at)
		n.mask |= 1 << (at - 1)
	}
	n.first = 1 << (n.Elements[0] - 1)
	return n, nil
}

func (n Note) String() string {
	s := string(n.Kind)
	for _, e := range n.Elements {
		s += fmt.Sprintf("%02d", e)
	}
	return s
}

// AddSet reads the grammar of one set: a line "set 940 004010,005010 OW" (the
// group is left out where there is none), then one segment a line as "W05 M 1"
// (tag, requirement, most occurrences) and loops as "loop N1 O 10", their
// content indented by two more blanks. Behind them may stand "03=S|O", which
// tells nodes of one tag apart by an element's value, "03-2=S" by a
// component's, and "release>=005010" or "release<005010". Siblings of one tag
// that follow each other come in any order. Lines "rule ..." are read by
// [ParseRule].
func (l *Library) AddSet(text string) error {
	var releases []string
	err := lines(text, func(_ int, body string) error {
		f := strings.Fields(body)
		if releases == nil {
			if len(f) < 3 || len(f) > 4 || f[0] != "set" {
				return fmt.Errorf("a grammar begins with \"set ID release GROUP\"")
			}
			releases = strings.Split(f[2], ",")
		}
		return nil
	})
	if err != nil {
		return err
	}
	if releases == nil {
		return fmt.Errorf("the grammar is empty")
	}
	for _, r := range releases {
		set, err := l.parseSet(text, r)
		if err != nil {
			return err
		}
		l.put(set)
	}
	return nil
}

func (l *Library) put(set *Set) {
	if l.sets[set.ID] == nil {
		l.sets[set.ID] = map[string]*Set{}
	}
	l.sets[set.ID][set.Release] = set
}

func (l *Library) parseSet(text, release string) (*Set, error) {
	if l.segments[release] == nil {
		return nil, fmt.Errorf("release %s has no segments", release)
	}
	set := &Set{Release: release, Root: &Node{Loop: true}, segments: l.segments[release], names: l.names}
	open := []*Node{set.Root}
	skip := -1 // indentation of a node of other releases
	err := lines(text, func(indent int, body string) error {
		f := strings.Fields(body)
		if set.ID == "" {
			set.ID = f[1]
			if len(f) == 4 {
				set.Group = f[3]
			}
			return nil
		}
		if f[0] == "rule" {
			r, err := ParseRule(strings.TrimPrefix(body, "rule "))
			if err == nil {
				set.Rules = append(set.Rules, r)
			}
			return err
		}
		if skip >= 0 && indent > skip {
			return nil
		}
		skip = -1
		depth := indent / 2
		if indent%2 != 0 || depth >= len(open) {
			return fmt.Errorf("indentation of %d is not that of an open loop", indent)
		}
		n, here, err := parseNode(f, release)
		if err != nil {
			return err
		}
		if !here {
			skip = indent
			return nil
		}
		open = open[:depth+1]
		parent := open[depth]
		if parent != set.Root && len(parent.Children) == 0 && (n.Loop || n.ID != parent.ID) {
			return fmt.Errorf("loop %s must begin with segment %s", parent.ID, parent.ID)
		}
		parent.Children = append(parent.Children, n)
		if n.Loop {
			open = append(open, n)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := wellFormed(set.Root); err != nil {
		return nil, err
	}
	set.compile()
	return set, nil
}

func parseNode(f []string, release string) (n *Node, here bool, err error) {
	n, here = &Node{}, true
	if f[0] == "loop" {
		n.Loop, f = true, f[1:]
	}
	if len(f) < 3 || f[1] != "M" && f[1] != "O" {
		return nil, false, fmt.Errorf("want tag, M or O, most occurrences")
	}
	most, err := strconv.Atoi(f[2])
	if err != nil || most < 1 {
		return nil, false, fmt.Errorf("%q is no number of occurrences", f[2])
	}
	n.ID, n.Required, n.Max = f[0], f[1] == "M", most
	if keyOf(n.ID) == 0 || len(n.ID) < 2 {
		return nil, false, fmt.Errorf("segment tag %q has not 2 or 3 characters", n.ID)
	}
	for _, more := range f[3:] {
		switch {
		case strings.HasPrefix(more, "release>="):
			here = release >= more[9:]
		case strings.HasPrefix(more, "release<"):
			here = release < more[8:]
		default:
			if n.Match, err = parseMatch(more); err != nil {
				return nil, false, err
			}
		}
	}
	return n, here, nil
}

// parseMatch reads "03=S|O" and "03-2=S".
func parseMatch(s string) (*Match, error) {
	at, values, ok := strings.Cut(s, "=")
	e, c, composite := strings.Cut(at, "-")
	m := &Match{}
	var err error
	if m.Element, err = strconv.Atoi(e); err == nil && composite {
		m.Component, err = strconv.Atoi(c)
	}
	if !ok || err != nil || m.Element < 1 || m.Element > 64 || m.Component < 0 || values == "" {
		return nil, fmt.Errorf("qualifier %q is not of the form 01=ST|BY", s)
	}
	return newMatch(m.Element, m.Component, strings.Split(values, "|")), nil
}

func wellFormed(n *Node) error {
	if n.Loop && len(n.Children) == 0 {
		return fmt.Errorf("loop %s is empty", n.ID)
	}
	for _, c := range n.Children {
		if c.Loop {
			if err := wellFormed(c); err != nil {
				return err
			}
		}
	}
	return nil
}
