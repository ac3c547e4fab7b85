package mapping

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/types/ref"
	"go.yaml.in/yaml/v3"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/x12"
)

// MakesChanges is of maps that change what is sent: each makes a list of changes to a document that
// PakLog has written.
const MakesChanges = "changes"

// mostAdded bounds the segments that a map adds to a document.
const mostAdded = 100_000

// change is one change of a document: of one segment at a place, of a new one after or before a place, or
// the end of what stands there.
type change struct {
	At     span     `json:"at,omitempty"`
	After  span     `json:"after,omitempty"`
	Before span     `json:"before,omitempty"`
	Remove span     `json:"remove,omitempty"`
	Add    tag      `json:"add,omitempty"`
	Set    elements `json:"set,omitempty"`
}

// span is a segment or a loop: the ordinals of its first segment and its last.
type span []int

// tag names a segment.
type tag string

// elements are values by number, "4", or by number and component, "4.2". An empty one takes out what
// stood there.
type elements map[string]string

var changeShape = shapeOf(reflect.TypeFor[change]())

// changes holds the keys of one change against each other.
func (c *compiler) changes(n *yaml.Node, t *tree) {
	var where []string
	have := map[string]bool{}
	for _, f := range t.fields {
		if have[f.key] = true; slices.Contains(changeShape.names[:4], f.key) {
			where = append(where, f.key)
		}
	}
	switch {
	case len(where) != 1:
		c.problem(n, t.place, "a change has one of %s, and this has %d of them", strings.Join(changeShape.names[:4], ", "), len(where))
	case have["remove"] && (have["add"] || have["set"]):
		c.problem(n, t.place, "what is removed is not set, and nothing is added")
	case have["at"] && (have["add"] || !have["set"]):
		c.problem(n, t.place, "at changes the elements under set of a segment that is there; after and before add one")
	case (have["after"] || have["before"]) && !have["add"]:
		c.problem(n, t.place, "add is missing: the tag of the segment")
	}
}

// Segment is one of a body, in the form in which both writers take it.
type Segment = x12.Out

// Body is a document between its header and its trailer, as it is written again.
func (d Document) Body() []Segment {
	var out []Segment
	for i, s := range d.segments {
		if i > 0 && i < len(d.segments)-1 {
			out = append(out, Segment{ID: s.ID(), Elements: s.elements()})
		}
	}
	return out
}

func (s x12Segment) elements() []string {
	marks := []string{string([]byte{s.delims.Component}), x12.ComponentMark}
	if r := s.delims.Repetition; r != 0 {
		marks = append(marks, string([]byte{r}), x12.RepetitionMark)
	}
	replace := strings.NewReplacer(marks...)
	out := make([]string, s.Len())
	for n := range out {
		out[n] = replace.Replace(s.Value(n + 1))
	}
	return out
}

func (s edifactSegment) elements() []string {
	out := make([]string, s.Len())
	for n := range out {
		var repeats []string
		for r := 1; r <= s.Repetitions(n+1); r++ {
			var parts []string
			for c := 1; ; c++ {
				raw, _ := s.Component(n+1, r, c)
				if raw == nil {
					break
				}
				parts = append(parts, s.Text(raw))
			}
			repeats = append(repeats, edifact.C(parts...))
		}
		out[n] = strings.Join(repeats, edifact.RepetitionMark)
	}
	return out
}

// Changed is a document's body after its map.
type Changed struct {
	Body  []Segment
	Lines []int // of the map, by segment of Body; 0 where it changed nothing
}

// Change is what a map that [MakesChanges] makes of a document; nothing where it is not for it ("when").
// Errors are those of [Map.Run].
func (m *Map) Change(d Document) (c Changed, ok bool, err error) {
	const op = "mapping.Change"
	var changes []change
	r := &run{m: m, d: d, src: &source{}}
	if m.Makes != MakesChanges {
		return c, false, fault.E(op, fault.Internal, fmt.Errorf("map %s makes %s, and %s is asked of it", m.ID, m.Makes, MakesChanges))
	}
	made, err := m.run(d)
	if err != nil || made.JSON == nil {
		return c, false, err
	}
	if made.nothing() {
		return Changed{Body: d.Body(), Lines: make([]int, len(d.Body()))}, true, nil
	}
	if err := json.Unmarshal(made.JSON, &changes); err != nil {
		return c, false, fault.E(op, fault.Internal, err)
	}
	b := newBody(d)
	for i, one := range changes {
		b.apply(r, made, fmt.Sprintf("[%d]", i), one)
	}
	if err := r.err(op); err != nil {
		return c, false, err
	}
	return b.out(), true, nil
}

// nothing reports whether a map made neither list nor object with anything in it.
func (m Made) nothing() bool { return bytes.Equal(m.JSON, []byte("{}")) }

// body is a document while it is changed: each of its segments, and what is put before and after it.
type body struct {
	own           []piece
	before, after [][]piece
	added         int
}

type piece struct {
	is   Segment
	line int
	gone bool
}

func newBody(d Document) *body {
	n := len(d.segments)
	b := &body{own: make([]piece, n), before: make([][]piece, n), after: make([][]piece, n)}
	for i, s := range d.Body() {
		b.own[i+1].is = s
	}
	return b
}

// apply is one change; what is wrong with it is noted with its line.
func (b *body) apply(r *run, made Made, path string, c change) {
	last := len(b.own)
	at, what := span(nil), ""
	for _, p := range [...]struct {
		name string
		is   span
	}{{"at", c.At}, {"after", c.After}, {"before", c.Before}, {"remove", c.Remove}} {
		if len(p.is) == 2 {
			at, what = p.is, p.name
		}
	}
	switch {
	case at == nil:
		r.lacks(made, path, "the change names no place: give it at, after, before or remove")
		return
	case what == "after" && at[1] == last, what == "before" && at[0] == 1,
		(what == "at" || what == "remove") && (at[0] == 1 || at[1] == last):
		r.lacks(made, path+"."+what, "header and trailer are written when the map is done: it changes what stands between them")
		return
	}
	line := made.places[path+"."+what].line
	switch what {
	case "remove":
		for n := at[0]; n <= at[1]; n++ {
			b.own[n-1].gone, b.own[n-1].line = true, line
		}
	case "at":
		p := &b.own[at[0]-1]
		p.line = line
		p.is = c.Set.in(r, made, path, p.is)
	default:
		if b.added++; b.added > mostAdded {
			r.lacks(made, path, fmt.Sprintf("the map adds more than %d segments", mostAdded))
			return
		}
		p := piece{is: c.Set.in(r, made, path, Segment{ID: string(c.Add)}), line: line}
		if what == "after" {
			b.after[at[1]-1] = append(b.after[at[1]-1], p)
		} else {
			b.before[at[0]-1] = append(b.before[at[0]-1], p)
		}
	}
}

func (b *body) out() (c Changed) {
	put := func(all ...piece) {
		for _, p := range all {
			if !p.gone && p.is.ID != "" {
				c.Body, c.Lines = append(c.Body, p.is), append(c.Lines, p.line)
			}
		}
	}
	for i := range b.own {
		put(b.before[i]...)
		put(b.own[i])
		put(b.after[i]...)
	}
	return c
}

var goodElement = regexp.MustCompile(`^([1-9][0-9]?)(?:\.([1-9][0-9]?))?$`)

// in is a segment with the elements set.
func (e elements) in(r *run, made Made, path string, s Segment) Segment {
	s.Elements = append([]string(nil), s.Elements...)
	for _, key := range sortedKeys(e) {
		v := e[key]
		if strings.IndexFunc(v, func(c rune) bool { return c < ' ' || c == 0x7F }) >= 0 {
			r.lacks(made, join(path, "set."+key), fmt.Sprintf("%q holds a control character", v))
			continue
		}
		at := goodElement.FindStringSubmatch(key)
		n, _ := strconv.Atoi(at[1]) // two digits
		for len(s.Elements) < n {
			s.Elements = append(s.Elements, "")
		}
		if at[2] == "" {
			s.Elements[n-1] = v
			continue
		}
		c, _ := strconv.Atoi(at[2])
		first, others, repeated := strings.Cut(s.Elements[n-1], x12.RepetitionMark)
		parts := strings.Split(first, x12.ComponentMark)
		for len(parts) < c {
			parts = append(parts, "")
		}
		parts[c-1] = v
		s.Elements[n-1] = edifact.C(parts...)
		if repeated {
			s.Elements[n-1] += x12.RepetitionMark + others
		}
	}
	return s
}

// spanOf is where a segment or loop stands; what is no place, or is not there, is said.
func spanOf(v ref.Val) (at span, what string) {
	switch x := v.(type) {
	case *segment:
		if x.is == nil {
			return nil, x.tag + " is not there: ask by $when whether it is, as has(set." + x.tag + ")"
		}
		return span{x.is.Ordinal(), x.is.Ordinal()}, ""
	case *node:
		if x.kind.name == "set" {
			return nil, "names the whole document: name a segment or loop of it"
		}
		if x.first == nil {
			return nil, "no such " + x.kind.name + " is there: ask by $when whether it is"
		}
		return span{x.first.is.Ordinal(), x.last}, ""
	}
	return nil, v.Type().TypeName() + " is no segment and no loop"
}

// Written is a segment as pairs of maps have it, and those who compare them: by the usual delimiters.
func (d Document) written(s Segment) string {
	marks := strings.NewReplacer(x12.ComponentMark, ">", x12.RepetitionMark, "^")
	between := "*"
	if d.edifact {
		marks, between = strings.NewReplacer(edifact.ComponentMark, ":", edifact.RepetitionMark, "*"), "+"
	}
	text := s.ID
	for _, v := range s.Elements {
		text += between + marks.Replace(v)
	}
	return strings.TrimRight(text, between)
}

// shown is what a document became, as [Made]: one text a segment, each with the line that changed it.
func (d Document) shown(c Changed) (Made, error) {
	texts := make([]string, len(c.Body))
	places := map[string]origin{}
	for i, s := range c.Body {
		texts[i] = d.written(s)
		if c.Lines[i] > 0 {
			places[fmt.Sprintf("[%d]", i)] = origin{line: c.Lines[i]}
		}
	}
	raw, err := json.Marshal(texts)
	return Made{JSON: raw, places: places}, err
}
