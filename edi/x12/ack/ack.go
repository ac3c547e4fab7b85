// Package ack turns findings into acknowledgements: the functional
// acknowledgement (997) or implementation acknowledgement (999) of a group and
// the TA1 of an interchange.
//
// A 997 or 999 says that the syntax was understood, nothing more: what becomes of an
// order is said by an 855 or a 945. An acknowledgement is never acknowledged.
package ack

import (
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/paklog/hub/edi/x12"
)

// Verdict is on a set, a group or an interchange, as AK501, AK901 and TA104
// write it.
type Verdict string

// Verdicts. Partially is for groups alone: some sets were rejected.
const (
	Accepted   Verdict = "A"
	WithErrors Verdict = "E"
	Partially  Verdict = "P"
	Rejected   Verdict = "R"
)

// Policy says how strict a partner's documents are taken. The zero value is
// strict: a set with an error is rejected, and it alone.
type Policy struct {
	// AcceptErrors accepts sets with errors in segments and elements, and says
	// so. A set without trailer or control number is rejected all the same.
	AcceptErrors bool
	// WholeGroup rejects a group as soon as one of its sets is, or its trailer is
	// wrong or missing.
	WholeGroup bool
	// WholeInterchange rejects all groups of an interchange as soon as one is
	// rejected, in whole or in part.
	WholeInterchange bool
}

// Set is the verdict on one transaction set. It can be stored and travels as
// JSON until all sets of its group have theirs.
type Set struct {
	ID       string    `json:"st01"`
	Control  string    `json:"st02"`
	Verdict  Verdict   `json:"verdict"`
	Codes    []string  `json:"ak502,omitempty"`
	Segments []Segment `json:"segments,omitempty"`
}

// Segment is one AK3.
type Segment struct {
	ID       string    `json:"id"`
	Position int       `json:"position"` // in the set, ST is 1
	Loop     string    `json:"loop,omitempty"`
	Code     string    `json:"ak304"`
	Elements []Element `json:"elements,omitempty"`
}

// Element is one AK4.
type Element struct {
	Position  int    `json:"position"`
	Component int    `json:"component,omitempty"`
	Ref       string `json:"ref,omitempty"`
	Code      string `json:"ak403"`
	Value     string `json:"value,omitempty"`
	Trigger   string `json:"trigger,omitempty"` // element that made the rule apply, for CTX
}

// Accepted reports whether the set's content may be worked on.
func (s Set) Accepted() bool { return s.Verdict == Accepted || s.Verdict == WithErrors }

// untrusted are the AK5 codes that no policy accepts: set not supported, no
// trailer, wrong control number in the trailer, no identifier, no control
// number, a control number used twice. Nor is a set outside any group, which no
// acknowledgement can name.
var untrusted = []string{"1", "2", "3", "6", "7", "23"}

// most AK3 in a 997: who gets a thousand has enough to do.
const mostSegments = 1000

// Judge gives the verdict on a transaction set from its findings. Those of the
// business layer do not count: a 997 speaks of syntax.
func Judge(p *x12.Part, policy Policy) Set {
	s := Set{ID: p.ST.ID, Control: p.ST.Control, Verdict: Accepted}
	failed, trusted := false, true
	for i := range p.Findings {
		f := &p.Findings[i]
		if f.Severity < x12.Error || f.Layer == x12.LayerBusiness {
			continue
		}
		failed = true
		if f.Code == x12.CodeSetOutsideGroup || slices.Contains(untrusted, f.Ack.AK5) {
			trusted = false
		}
		if f.Ack.AK3 != "" && len(s.Segments) < mostSegments {
			s.add(f)
		}
		if c := f.Ack.AK5; c != "" && !slices.Contains(s.Codes, c) {
			s.Codes = append(s.Codes, c)
		}
	}
	if !failed {
		return s
	}
	if len(s.Codes) == 0 {
		s.Codes = []string{"5"}
	}
	slices.SortFunc(s.Codes, func(a, b string) int {
		x, _ := strconv.Atoi(a)
		y, _ := strconv.Atoi(b)
		return x - y
	})
	s.Verdict = Rejected
	if policy.AcceptErrors && trusted {
		s.Verdict = WithErrors
	}
	return s
}

func (s *Set) add(f *x12.Finding) {
	id, element, component := x12.SplitRef(f.Element)
	n := len(s.Segments)
	if f.Ack.AK4 == "" || n == 0 || s.Segments[n-1].Position != f.Segment || s.Segments[n-1].Code != f.Ack.AK3 {
		loop := f.Loop[strings.LastIndexByte(f.Loop, '/')+1:]
		loop, _, _ = strings.Cut(loop, "[")
		s.Segments = append(s.Segments, Segment{ID: id, Position: f.Segment, Loop: loop, Code: f.Ack.AK3})
		n++
	}
	if f.Ack.AK4 != "" {
		at := &s.Segments[n-1]
		at.Elements = append(at.Elements, Element{Position: element, Component: component, Ref: f.Ack.Ref, Code: f.Ack.AK4, Value: f.Found, Trigger: f.Ack.CTX})
	}
}

// told is how many AK3 and AK4 the set has.
func (s *Set) told() int {
	n := len(s.Segments)
	for _, e := range s.Segments {
		n += len(e.Elements)
	}
	return n
}

// Group is the verdict on a functional group.
type Group struct {
	FunctionalID string   `json:"gs01"`
	Control      string   `json:"gs06"`
	Version      string   `json:"gs08"`
	Declared     int      `json:"declared"` // GE01; what was counted where GE is missing
	Received     int      `json:"received"`
	Sets         []Set    `json:"sets,omitempty"`
	Codes        []string `json:"ak905,omitempty"`
	Policy       Policy   `json:"policy,omitzero"`
	Refused      bool     `json:"refused,omitempty"` // with its interchange
}

// NewGroup opens the verdict on the group that p, a GroupHeader, begins.
func NewGroup(p *x12.Part, policy Policy) Group {
	g := Group{FunctionalID: p.GS.FunctionalID, Control: p.GS.Control, Version: p.GS.Version, Policy: policy}
	g.note(p)
	return g
}

// End takes in the GroupTrailer.
func (g *Group) End(p *x12.Part) {
	g.Received, g.Declared = p.Sets, p.Sets
	if p.Segments.Len() > 0 {
		if n, err := strconv.Atoi(p.Segments.At(0).Value(1)); err == nil && n >= 0 {
			g.Declared = min(n, 999_999)
		}
	}
	g.note(p)
}

func (g *Group) note(p *x12.Part) {
	for _, f := range p.Findings {
		if c := f.Ack.AK9; c != "" && f.Severity >= x12.Error && !slices.Contains(g.Codes, c) {
			g.Codes = append(g.Codes, c)
		}
	}
}

// Verdict is that on the whole group.
func (g *Group) Verdict() Verdict {
	rejected, errors := 0, len(g.Codes) > 0
	for _, s := range g.Sets {
		if !s.Accepted() {
			rejected++
		}
		errors = errors || s.Verdict != Accepted
	}
	switch {
	case g.Refused, rejected > 0 && rejected == len(g.Sets), g.Policy.WholeGroup && (rejected > 0 || len(g.Codes) > 0):
		return Rejected
	case rejected > 0:
		return Partially
	case errors:
		return WithErrors
	}
	return Accepted
}

// AcceptedSets is how many sets may be worked on.
func (g *Group) AcceptedSets() int {
	if g.Verdict() == Rejected {
		return 0
	}
	n := 0
	for _, s := range g.Sets {
		if s.Accepted() {
			n++
		}
	}
	return n
}

// Functional is the body of the 997 that acknowledges g, without ST and SE. ok is
// false for a group of acknowledgements, which must not be acknowledged. Bad
// values are quoted only where d, the delimiters of the answer, allow.
func Functional(g *Group, d x12.Delimiters) (body []x12.Out, ok bool) {
	each, ok := g.Answer("997", d)
	return slices.Collect(each), ok
}

// Implementation is the body of the 999 that acknowledges g, as [Functional] is
// that of the 997: with the version of the group, and for each element that a
// condition asks for the element that made it apply.
func Implementation(g *Group, d x12.Delimiters) (body []x12.Out, ok bool) {
	each, ok := g.Answer("999", d)
	return slices.Collect(each), ok
}

// Answer is the body of the 997 or 999 that acknowledges g segment by segment, for a group
// of more sets than are to be held as segments.
func (g *Group) Answer(set string, d x12.Delimiters) (body iter.Seq[x12.Out], ok bool) {
	if g.FunctionalID == "FA" {
		return func(func(x12.Out) bool) {}, false
	}
	return func(yield func(x12.Out) bool) { g.body(d, set == "999", yield) }, true
}

func (g *Group) body(d x12.Delimiters, implementation bool, yield func(x12.Out) bool) {
	or := func(s, def string) string {
		if s == "" {
			return def
		}
		return s
	}
	segment, element, verdict := "AK3", "AK4", "AK5"
	head := x12.Seg("AK1", or(safe(g.FunctionalID, d, 2), "??"), or(digits(g.Control), "0"))
	if implementation {
		segment, element, verdict = "IK3", "IK4", "IK5"
		head.Elements = append(head.Elements, safe(g.Version, d, 12))
	}
	if !yield(head) {
		return
	}
	refused := g.Verdict() == Rejected
	for _, s := range g.Sets {
		control := s.Control[max(0, len(s.Control)-9):]
		if n := len(control); n > 0 && n < 4 {
			control = "0000"[n:] + control
		}
		id := safe(s.ID, d, 3)
		if len(id) != 3 { // AK201 has three, and AK502 says what was wrong
			id = "000"
		}
		if !yield(x12.Seg("AK2", id, or(safe(control, d, 9), "0000"))) {
			return
		}
		for _, e := range s.Segments {
			loop := safe(e.Loop, d, 4) // IK303 holds 4, AK303 6; no tag is longer
			tag := safe(e.ID, d, 3)
			if len(tag) < 2 { // no AK301 can name it: AK502 says that something is wrong
				continue
			}
			if !yield(x12.Seg(segment, tag, strconv.Itoa(e.Position), loop, e.Code)) {
				return
			}
			for _, v := range e.Elements {
				at := strconv.Itoa(min(v.Position, 99)) // all that AK401 and IK401 can name
				if v.Component > 0 {
					at += x12.ComponentMark + strconv.Itoa(v.Component)
				}
				ref := v.Ref
				if digits(ref) == "" {
					ref = "" // a composite has no number of its own
				}
				if !yield(x12.Seg(element, at, ref, v.Code, safe(v.Value, d, 99))) {
					return
				}
				if id, n, _ := x12.SplitRef(v.Trigger); implementation && n > 0 &&
					!yield(x12.Seg("CTX", "SITUATIONAL TRIGGER", id, strconv.Itoa(e.Position), loop, strconv.Itoa(n))) {
					return
				}
			}
		}
		said := s.Verdict
		if refused {
			said = Rejected // along with its group: nothing of it is worked
		}
		if !yield(x12.Out{ID: verdict, Elements: append([]string{string(said)}, first5(s.Codes)...)}) {
			return
		}
	}
	counts := []string{string(g.Verdict()), strconv.Itoa(g.Declared), strconv.Itoa(g.Received), strconv.Itoa(g.AcceptedSets())}
	yield(x12.Out{ID: "AK9", Elements: append(counts, first5(g.Codes)...)})
}

func first5(codes []string) []string { return codes[:min(len(codes), 5)] }

// digits is s if it is a number that N0 1-9 can hold, else "".
func digits(s string) string {
	if len(s) > 9 {
		return ""
	}
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return ""
		}
	}
	return s
}

// safe is s cut to most bytes, without blanks behind it, or "" where it holds what
// cannot be sent.
func safe(s string, d x12.Delimiters, most int) string {
	s = strings.TrimRight(s[:min(len(s), most)], " ")
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7F || c == d.Element || c == d.Component || c == d.Repetition || c == d.Terminator {
			return ""
		}
	}
	return s
}
