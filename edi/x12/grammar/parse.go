package grammar

import (
	"fmt"
	"strconv"
	"strings"
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
		line = strings.TrimRight(line, " \r\t")
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

// AddSegments reads segment definitions of a release; the format is described
// at the top of profiles/004010.segments.
func (l *Library) AddSegments(release, text string) error {
	if l.segments[release] == nil {
		l.segments[release] = map[tagKey]*Segment{}
	}
	return lines(text, func(_ int, body string) error {
		def, notes, _ := strings.Cut(body, ";")
		id, rest, _ := strings.Cut(def, " ")
		if len(id) < 2 || len(id) > 3 {
			return fmt.Errorf("segment tag %q has not 2 or 3 characters", id)
		}
		if l.segments[release][keyOf(id)] != nil {
			return fmt.Errorf("segment %s is defined twice", id)
		}
		s := &Segment{ID: id}
		for _, field := range strings.Split(rest, "|") {
			e, err := parseElement(strings.TrimSpace(field))
			if err != nil {
				return err
			}
			s.Elements = append(s.Elements, e)
		}
		for _, note := range strings.Fields(notes) {
			n, err := parseSyntax(note)
			if err != nil {
				return err
			}
			s.Syntax = append(s.Syntax, n)
		}
		l.segments[release][keyOf(id)] = s
		return nil
	})
}

func parseElement(field string) (*Element, error) {
	if field == "?" {
		return nil, nil
	}
	field, codes, hasCodes := strings.Cut(field, "(")
	f := strings.Fields(field)
	if len(f) != 4 {
		return nil, fmt.Errorf("element %q is not of the form \"M AN 1-22 324\"", field)
	}
	if len(f[0]) != 1 || !strings.Contains("MOX", f[0]) {
		return nil, fmt.Errorf("requirement %q is none of M, O, X", f[0])
	}
	switch f[1] {
	case "AN", "ID", "R", "DT", "TM", "C", "N0", "N1", "N2", "N3", "N4", "N5", "N6", "N7", "N8", "N9":
	default:
		return nil, fmt.Errorf("element type %q is unknown", f[1])
	}
	low, high, _ := strings.Cut(f[2], "-")
	e := &Element{Requirement: f[0][0], Type: f[1], Ref: strings.TrimPrefix(f[3], "?")}
	var err1, err2 error
	e.Min, err1 = strconv.Atoi(low)
	e.Max, err2 = strconv.Atoi(high)
	if err1 != nil || err2 != nil || e.Min < 0 || e.Max < e.Min {
		return nil, fmt.Errorf("length %q is not of the form least-most", f[2])
	}
	if hasCodes {
		list, _, closed := strings.Cut(codes, ")")
		if !closed {
			return nil, fmt.Errorf("codes %q do not end in \")\"", codes)
		}
		e.Codes = strings.Split(list, ",")
	}
	return e, nil
}

func parseSyntax(note string) (Syntax, error) {
	s := Syntax{Kind: note[0]}
	if !strings.Contains("PRECL", note[:1]) || len(note) < 5 || len(note)%2 == 0 {
		return s, fmt.Errorf("syntax note %q is not of the form P0304", note)
	}
	for i := 1; i < len(note); i += 2 {
		n, err := strconv.Atoi(note[i : i+2])
		if err != nil || n < 1 {
			return s, fmt.Errorf("syntax note %q is not of the form P0304", note)
		}
		s.Elements = append(s.Elements, n)
	}
	return s, nil
}

// AddSet reads the grammar of one transaction set: a line "set 940 004010 OW",
// then one segment a line as "W05 M 1" (tag, requirement, most occurrences) and
// loops as "loop N1 O 10", their content indented by two more blanks.
func (l *Library) AddSet(text string) error {
	var set *Set
	var open []*Node
	err := lines(text, func(indent int, body string) error {
		f := strings.Fields(body)
		if set == nil {
			if len(f) != 4 || f[0] != "set" {
				return fmt.Errorf("a grammar begins with \"set ST01 release GS01\"")
			}
			set = &Set{ID: f[1], Release: f[2], Group: f[3], Root: &Node{Loop: true}, inside: map[tagKey]bool{}}
			open = []*Node{set.Root}
			return nil
		}
		depth := indent / 2
		if indent%2 != 0 || depth >= len(open) {
			return fmt.Errorf("indentation of %d is not that of an open loop", indent)
		}
		open = open[:depth+1]
		n := &Node{}
		if f[0] == "loop" {
			n.Loop, f = true, f[1:]
		}
		if len(f) != 3 || f[1] != "M" && f[1] != "O" {
			return fmt.Errorf("want tag, M or O, most occurrences")
		}
		most, err := strconv.Atoi(f[2])
		if err != nil || most < 1 {
			return fmt.Errorf("%q is no number of occurrences", f[2])
		}
		n.ID, n.Required, n.Max, n.tag = f[0], f[1] == "M", most, keyOf(f[0])
		if n.tag == 0 {
			return fmt.Errorf("segment tag %q has not 2 or 3 characters", n.ID)
		}
		parent := open[depth]
		if parent.Loop && parent.ID != "" && len(parent.Children) == 0 && (n.Loop || n.ID != parent.ID) {
			return fmt.Errorf("loop %s must begin with segment %s", parent.ID, parent.ID)
		}
		parent.Children = append(parent.Children, n)
		set.inside[n.tag] = true
		if n.Loop {
			open = append(open, n)
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case set == nil:
		return fmt.Errorf("the grammar is empty")
	case l.segments[set.Release] == nil:
		return fmt.Errorf("release %s has no segments", set.Release)
	}
	if err := wellFormed(set.Root); err != nil {
		return err
	}
	set.segments = l.segments[set.Release]
	if l.sets[set.ID] == nil {
		l.sets[set.ID] = map[string]*Set{}
	}
	l.sets[set.ID][set.Release] = set
	return nil
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
