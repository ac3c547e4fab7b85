package grammar

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/paklog/hub/edi/finding"
)

// Overlay is what an industry or a partner changes in a grammar. It is written
// as YAML:
//
//	overlay: acme
//	layer: partner            # or industry
//	base: vics                # the overlay below, if there is one
//	sets:
//	  "940":
//	    closed: true          # what the profile does not know is an error
//	    segments:
//	      N1(ST): {require: true, match: "01=ST"}    # qualifiers told apart
//	      LX/W01/ZA1: {after: N9, max: 5}            # a segment of the partner's own
//	      W76: {remove: true}
//	    elements:
//	      W05-03: {max: 15, require: true, name: the depositor's order}
//	      W05-01: {codes: [N, F], closed: true}
//	      N1(ST)/N4-03: {require: true}              # in this place alone
//	      ZA1-01: {type: AN, min: 1, max: 10, require: true}
//	    notes:
//	      W01: {add: [R0507], drop: [P0405]}
//	    rules:
//	      sum W76-01 W01-01: error                   # off, note, warning, error
type Overlay struct {
	Name  string              `yaml:"overlay"`
	Layer finding.Layer       `yaml:"layer"`
	Base  string              `yaml:"base,omitempty"`
	Sets  map[string]*Changes `yaml:"sets"`
}

// Changes of one set.
type Changes struct {
	Releases []string                  `yaml:"releases,omitempty,flow"` // all when empty
	Closed   *bool                     `yaml:"closed,omitempty"`
	Segments map[string]*SegmentChange `yaml:"segments,omitempty"`
	Elements map[string]*ElementChange `yaml:"elements,omitempty"`
	Notes    map[string]*NoteChange    `yaml:"notes,omitempty"`
	Rules    map[string]string         `yaml:"rules,omitempty"`
}

// SegmentChange is of a segment or loop in its place. One that is not there is
// added: behind After, or at the end of its loop.
type SegmentChange struct {
	Require *bool  `yaml:"require,omitempty"`
	Max     *int   `yaml:"max,omitempty"`
	Name    string `yaml:"name,omitempty"`
	Match   string `yaml:"match,omitempty"` // "01=ST|BY"
	After   string `yaml:"after,omitempty"`
	Loop    bool   `yaml:"loop,omitempty"` // what is added begins a loop
	Remove  bool   `yaml:"remove,omitempty"`
}

// ElementChange is of an element or component.
type ElementChange struct {
	Require *bool    `yaml:"require,omitempty"`
	Type    string   `yaml:"type,omitempty"`
	Min     *int     `yaml:"min,omitempty"`
	Max     *int     `yaml:"max,omitempty"`
	Repeat  *int     `yaml:"repeat,omitempty"`
	Name    string   `yaml:"name,omitempty"`
	Codes   []string `yaml:"codes,omitempty,flow"`
	Closed  *bool    `yaml:"closed,omitempty"`
}

// NoteChange adds and drops notes of a segment.
type NoteChange struct {
	Add  []string `yaml:"add,omitempty,flow"`
	Drop []string `yaml:"drop,omitempty,flow"`
}

// Applied is an overlay that made a grammar what it is.
type Applied struct {
	Overlay string
	Layer   finding.Layer
}

// origins are the overlays that set something last, by what they set: "require",
// "max", "codes", the text of a note or rule. What is not there is the standard's.
type origins map[string]Applied

func (o *origins) set(by Applied, what ...string) {
	if *o == nil {
		*o = origins{}
	}
	for _, w := range what {
		(*o)[w] = by
	}
}

// of is the first overlay that set one of these: "partner acme", or "standard".
func (o origins) of(what ...string) string {
	for _, w := range what {
		if a, ok := o[w]; ok {
			return string(a.Layer) + " " + a.Overlay
		}
	}
	return string(finding.Standard)
}

// ParseOverlay reads one overlay; unknown keys are refused.
func ParseOverlay(text []byte) (*Overlay, error) {
	o := &Overlay{}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(o); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it is empty")
		}
		return nil, fmt.Errorf("reading overlay: %w", err)
	}
	var more any
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading overlay %s: there is a second document in it", o.Name)
	}
	switch {
	case o.Name == "":
		return nil, errors.New("reading overlay: it has no name under the key overlay")
	case o.Layer != finding.Industry && o.Layer != finding.Partner:
		return nil, fmt.Errorf("reading overlay %s: layer %q is neither %s nor %s", o.Name, o.Layer, finding.Industry, finding.Partner)
	}
	return o, nil
}

// Stack reads an overlay and those below it, from the ground up; read gives the
// text of a name.
func Stack(name string, read func(name string) ([]byte, error)) ([]*Overlay, error) {
	var out []*Overlay
	for next := name; next != ""; {
		if slices.ContainsFunc(out, func(o *Overlay) bool { return o.Name == next }) {
			return nil, fmt.Errorf("overlay %s: it stands on itself", next)
		}
		text, err := read(next)
		if err != nil {
			return nil, fmt.Errorf("overlay %s: %w", next, err)
		}
		o, err := ParseOverlay(text)
		if err != nil {
			return nil, err
		}
		if len(out) > 0 && o.Name != next {
			return nil, fmt.Errorf("overlay %s: it calls itself %q", next, o.Name)
		}
		out = append(out, o)
		next = o.Base
	}
	slices.Reverse(out)
	return out, nil
}

// With is a library in which overlays are applied, from the ground up; l stays
// as it is. The error joins all mistakes, each with overlay, set and key.
func (l *Library) With(overlays ...*Overlay) (*Library, error) {
	out := *l
	out.sets = map[string]map[string]*Set{}
	for id, of := range l.sets {
		out.sets[id] = maps.Clone(of)
	}
	var errs []error
	for _, o := range overlays {
		for _, id := range slices.Sorted(maps.Keys(o.Sets)) {
			found, changes := false, o.Sets[id]
			for _, r := range slices.Sorted(maps.Keys(out.sets[id])) {
				if changes == nil || len(changes.Releases) > 0 && !slices.Contains(changes.Releases, r) {
					continue
				}
				found = true
				s := out.sets[id][r].clone()
				for _, err := range s.apply(o, changes) {
					errs = append(errs, fmt.Errorf("overlay %s, set %s %s: %w", o.Name, id, r, err))
				}
				s.compile()
				out.sets[id][r] = s
			}
			if !found {
				errs = append(errs, fmt.Errorf("overlay %s: no profile of set %s to change", o.Name, id))
			}
		}
	}
	return &out, errors.Join(errs...)
}

func (s *Set) apply(o *Overlay, c *Changes) (errs []error) {
	by := Applied{o.Name, o.Layer}
	s.Layers = append(s.Layers, by)
	if c.Closed != nil {
		s.Closed = *c.Closed
		s.by.set(by, "closed")
	}
	for _, p := range slices.Sorted(maps.Keys(c.Segments)) {
		if err := s.segment(p, c.Segments[p], by); err != nil {
			errs = append(errs, fmt.Errorf("segment %s: %w", p, err))
		}
	}
	for _, p := range slices.Sorted(maps.Keys(c.Elements)) {
		if err := s.element(p, c.Elements[p], by); err != nil {
			errs = append(errs, fmt.Errorf("element %s: %w", p, err))
		}
	}
	for _, tag := range slices.Sorted(maps.Keys(c.Notes)) {
		if err := s.note(tag, c.Notes[tag], by); err != nil {
			errs = append(errs, fmt.Errorf("notes of %s: %w", tag, err))
		}
	}
	for _, text := range slices.Sorted(maps.Keys(c.Rules)) {
		if err := s.ruled(text, c.Rules[text], by); err != nil {
			errs = append(errs, fmt.Errorf("rule %s: %w", text, err))
		}
	}
	return errs
}

// label splits "N1(ST)" into the tag and the qualifier.
func label(s string) (tag, value string) {
	tag, value, _ = strings.Cut(s, "(")
	return tag, strings.TrimSuffix(value, ")")
}

// child is the node of a label among n's: that of the qualifier, or the one
// without. at is -1 where there is none.
func (n *Node) child(name string) (at int) {
	tag, value := label(name)
	at = -1
	for i, c := range n.Children {
		switch {
		case c.ID != tag || i == 0 && n.Loop && n.ID == tag:
		case value == "" && (c.Match == nil || at < 0):
			at = i
		case value != "" && c.Match != nil && slices.Contains(c.Match.Values, value):
			return i
		}
	}
	if at < 0 && value == "" && len(n.Children) > 0 && n.Children[0].ID == tag {
		return 0
	}
	return at
}

// parent walks to the loop that a path's last label stands in.
func (s *Set) parent(p string) (*Node, string, error) {
	labels := strings.Split(p, "/")
	n := s.Root
	for _, name := range labels[:len(labels)-1] {
		i := n.child(name)
		if i < 0 || !n.Children[i].Loop {
			return nil, "", fmt.Errorf("there is no loop %s in it", name)
		}
		n = n.Children[i]
	}
	return n, labels[len(labels)-1], nil
}

func (s *Set) segment(p string, c *SegmentChange, by Applied) error {
	if c == nil {
		return errors.New("nothing is changed")
	}
	in, name, err := s.parent(p)
	if err != nil {
		return err
	}
	tag, value := label(name)
	if keyOf(tag) == 0 || len(tag) < 2 {
		return fmt.Errorf("segment tag %q has not 2 or 3 characters", tag)
	}
	i := in.child(name)
	if c.Remove {
		if i < 0 || i == 0 && in != s.Root {
			return errors.New("there is none to remove")
		}
		in.Children = slices.Delete(in.Children, i, i+1)
		return nil
	}
	var match *Match
	switch {
	case c.Match != "":
		if match, err = parseMatch(c.Match); err != nil {
			return err
		}
	case value != "":
		match = newMatch(1, 0, []string{value})
	}
	if i < 0 {
		n := &Node{ID: tag, Max: 1, Loop: c.Loop, Match: match}
		i = len(in.Children)
		if like := in.child(tag); value != "" && like >= 0 {
			// A qualifier told apart keeps what stands in the loop it was a part of.
			n = in.Children[like].clone()
			n.Match, n.Required, i = match, false, like
		} else if n.Loop {
			n.Children = []*Node{{ID: tag, Max: 1, Required: true}}
		}
		if c.After != "" {
			if i = in.child(c.After); i < 0 {
				return fmt.Errorf("there is no %s to stand after", c.After)
			}
			i++
		}
		n.by.set(by, "require", "max")
		in.Children = slices.Insert(in.Children, i, n)
	} else if c.After != "" || c.Loop {
		return errors.New("it has its place already")
	} else if match != nil && in.Children[i].Match == nil {
		in.Children[i].Match = match
	}
	n := in.Children[i]
	if c.Require != nil {
		n.Required = *c.Require
		n.by.set(by, "require")
	}
	if c.Max != nil {
		if *c.Max < 1 {
			return fmt.Errorf("%d is no number of occurrences; remove takes a segment away", *c.Max)
		}
		n.Max = *c.Max
		n.by.set(by, "max")
	}
	if c.Name != "" {
		n.Name = c.Name
	}
	return nil
}

// element finds the definitions that a key means: of a bare tag those of every
// place, of a path its own.
func (s *Set) element(p string, c *ElementChange, by Applied) error {
	if c == nil {
		return errors.New("nothing is changed")
	}
	slash := strings.LastIndexByte(p, '/')
	last := p[slash+1:]
	f := strings.Split(last, "-")
	if len(f) < 2 || len(f) > 3 {
		return errors.New("it is not of the form W05-02 or N1(ST)/N4-03")
	}
	n, err := strconv.Atoi(f[1])
	component := 0
	if err == nil && len(f) == 3 {
		component, err = strconv.Atoi(f[2])
	}
	if err != nil || n < 1 || n > 64 || component < 0 || component > 99 {
		return errors.New("it is not of the form W05-02 or N1(ST)/N4-03")
	}
	tag, value := label(f[0])
	var defs []*Segment
	if slash < 0 && value == "" {
		def := s.segments[keyOf(tag)]
		if def == nil {
			if !s.occurs(tag) {
				return fmt.Errorf("segment %s does not occur in the set", tag)
			}
			def = &Segment{ID: tag}
			s.segments[keyOf(tag)] = def
		}
		defs = append(defs, def)
		s.Root.each(func(x *Node) {
			if x.ID == tag && x.def != nil && !slices.Contains(defs, x.def) {
				defs = append(defs, x.def)
			}
		})
	} else {
		in, name, err := s.parent(p[:slash+1] + f[0])
		if err != nil {
			return err
		}
		i := in.child(name)
		if i < 0 {
			return fmt.Errorf("there is no %s in it", name)
		}
		node := in.Children[i]
		if node.Loop {
			node = node.Children[0]
		}
		def := node.def
		if def == nil {
			def = s.segments[keyOf(tag)]
		}
		if def == nil {
			def = &Segment{ID: tag}
		}
		def = def.clone()
		node.def = def
		defs = []*Segment{def}
	}
	for _, def := range defs {
		if err := def.at(n, component).change(c, by); err != nil {
			return err
		}
	}
	return nil
}

func (s *Set) occurs(tag string) (found bool) {
	s.Root.each(func(n *Node) { found = found || n.ID == tag })
	return found
}

// at is an element to be changed, made where it is not known yet.
func (s *Segment) at(n, component int) *Element {
	fresh := func() *Element { return &Element{Requirement: 'O', Type: "AN", Min: 1, Max: 999, Repeat: 1} }
	for len(s.Elements) < n {
		s.Elements = append(s.Elements, nil)
	}
	if s.Elements[n-1] == nil {
		s.Elements[n-1] = fresh()
	}
	e := s.Elements[n-1]
	if component == 0 {
		return e
	}
	e.Type = "C"
	for len(e.Components) < component {
		e.Components = append(e.Components, nil)
	}
	if e.Components[component-1] == nil {
		e.Components[component-1] = fresh()
	}
	return e.Components[component-1]
}

func (e *Element) change(c *ElementChange, by Applied) error {
	for what, set := range map[string]bool{"require": c.Require != nil, "type": c.Type != "", "min": c.Min != nil, "max": c.Max != nil,
		"repeat": c.Repeat != nil, "codes": c.Codes != nil || c.Closed != nil, "name": c.Name != ""} {
		if set {
			e.by.set(by, what)
		}
	}
	if c.Require != nil {
		e.Requirement = 'O'
		if *c.Require {
			e.Requirement = 'M'
		}
	}
	if c.Type != "" {
		if !slices.Contains(elementTypes, c.Type) {
			return fmt.Errorf("element type %q is unknown", c.Type)
		}
		e.Type = c.Type
	}
	for _, x := range []struct{ from, into *int }{{c.Min, &e.Min}, {c.Max, &e.Max}, {c.Repeat, &e.Repeat}} {
		if x.from != nil {
			*x.into = *x.from
		}
	}
	if e.Min < 0 || e.Max < e.Min || e.Repeat < 1 {
		return fmt.Errorf("length %d-%d, %d times, is none", e.Min, e.Max, e.Repeat)
	}
	if c.Name != "" {
		e.Name = c.Name
	}
	if c.Codes != nil {
		e.setCodes(c.Codes, false)
	}
	if c.Closed != nil {
		e.Closed = *c.Closed
	}
	return nil
}

func (s *Set) note(tag string, c *NoteChange, by Applied) error {
	def := s.segments[keyOf(tag)]
	if def == nil || c == nil {
		return errors.New("the segment is not known")
	}
	for _, d := range c.Drop {
		i := slices.IndexFunc(def.Notes, func(n Note) bool { return n.String() == d })
		if i < 0 {
			return fmt.Errorf("there is no note %s to drop", d)
		}
		def.Notes = slices.Delete(def.Notes, i, i+1)
	}
	for _, a := range c.Add {
		n, err := parseNote(a)
		if err != nil {
			return err
		}
		def.Notes = append(def.Notes, n)
		def.by.set(by, a)
	}
	return nil
}

func (s *Set) ruled(text, severity string, by Applied) error {
	sev, err := severityOf(severity)
	if err != nil {
		return err
	}
	r, err := ParseRule(text)
	if err != nil {
		return err
	}
	s.by.set(by, r.text)
	for _, known := range s.Rules {
		if known.text == r.text {
			known.Severity = sev
			return nil
		}
	}
	r.Severity = sev
	s.Rules = append(s.Rules, r)
	return nil
}
