package mapping

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/transforms/x12wms"
)

// CodeMap is the code of a finding that a map made.
const CodeMap = "map"

// Bounds of what a map makes.
const (
	maxValues    = 500_000
	maxBytes     = 64 << 20 // of text in it
	mostFindings = 100
)

// Made is what a map made of a document.
type Made struct {
	JSON    []byte
	Refused bool // JSON says why the map refused it
	places  map[string]origin
}

// origin is where a value came from.
type origin struct {
	at   x12wms.Place
	line int // of the map
}

// fields is an object of JSON, in the order of the map.
type fields []field

type field struct {
	key   string
	value any
}

// MarshalJSON implements [json.Marshaler].
func (o fields) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, f := range o {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendQuote(b, f.key)
		if !json.Valid(b[len(b)-len(strconv.Quote(f.key)):]) {
			return nil, fmt.Errorf("%q is no key", f.key)
		}
		v, err := json.Marshal(f.value)
		if err != nil {
			return nil, err
		}
		b = append(append(b, ':'), v...)
	}
	return append(b, '}'), nil
}

// frame is what names mean: an activation of CEL.
type frame struct {
	run    *run
	names  map[string]named
	parent *frame
}

type named struct {
	value ref.Val
	seen  []x12wms.Text // what of the document it was made of
}

// ResolveName implements [cel.Activation].
func (s *frame) ResolveName(name string) (any, bool) {
	for at := s; at != nil; at = at.parent {
		if n, ok := at.names[name]; ok {
			if !structural(n.value) {
				for _, t := range n.seen {
					s.run.src.note(t)
				}
			}
			return n.value, true
		}
	}
	return nil, false
}

// structural reports whether a value is a part of the document, of which what is asked tells its own place.
func structural(v ref.Val) bool {
	switch x := v.(type) {
	case *node, *segment:
		return true
	case traits.Lister:
		n, _ := x.Size().(types.Int)
		return n > 0 && structural(x.Get(types.Int(0)))
	}
	return false
}

// Parent implements [cel.Activation].
func (s *frame) Parent() cel.Activation { return nil }

// run is a map at work on one document.
type run struct {
	m        *Map
	d        Document
	src      *source
	cost     uint64
	values   int
	bytes    int
	places   map[string]origin
	findings []finding.Finding
}

// errStop ends a run that went beyond a bound; its finding is noted.
var errStop = errors.New("stopped")

// Run maps a document; what it made has no JSON where the map is not for it ("when"). The error is a fault of kind Invalid that carries an [x12wms.Error], each
// finding with its place in the document and, as its hint, in the map.
func (m *Map) Run(d Document) (Made, error) {
	if m.Makes != MakesChanges {
		return m.run(d)
	}
	c, ok, err := m.Change(d)
	if err != nil || !ok {
		return Made{}, err
	}
	return d.shown(c)
}

func (m *Map) run(d Document) (Made, error) {
	const op = "mapping.Run"
	r := &run{m: m, d: d, src: &source{}, places: map[string]origin{}}
	if !slices.Contains(m.Reads, d.paper.Set) {
		r.fail(r.head(), 0, d.paper.Set, "the map reads %s, and this is a %s", joined(m.Reads), d.paper.Set)
		return Made{}, r.err(op)
	}
	if n := len(d.segments); n > x12wms.MaxSegments {
		r.fail(r.head(), 0, strconv.Itoa(n), "the document has %d segments, more than the %d that can be mapped", n, x12wms.MaxSegments)
		return Made{}, r.err(op)
	}
	top := &frame{run: r, names: map[string]named{"set": {value: m.cut(d, r.src)}}}
	var out any
	top, err := r.lets(m.lets, top)
	is := true
	if err == nil {
		is, err = r.holds(m.when, "when", top)
	}
	if err == nil && is {
		out, err = r.tree(m.out, "", top)
	}
	if err != nil && !errors.Is(err, errStop) {
		return Made{}, fault.E(op, fault.Internal, err)
	}
	if err := r.err(op); err != nil {
		return Made{}, err
	}
	if !is {
		return Made{}, nil
	}
	if out == nil {
		out = fields{}
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return Made{}, fault.E(op, fault.Internal, err)
	}
	return Made{JSON: raw, places: r.places}, nil
}

func joined(names []string) string {
	var b bytes.Buffer
	for i, n := range names {
		if i > 0 {
			b.WriteString(" or ")
		}
		b.WriteString(n)
	}
	return b.String()
}

// head is the place of the document itself.
func (r *run) head() x12wms.Place {
	if len(r.d.segments) == 0 {
		return r.d.paper.End(r.d.paper.Set)
	}
	return r.d.segments[0].text(1, 1).At
}

// fail notes a finding; line is of the map, 0 where none is meant.
func (r *run) fail(at x12wms.Place, line int, found, format string, args ...any) {
	if len(r.findings) >= mostFindings {
		return
	}
	hint := ""
	if line > 0 {
		hint = fmt.Sprintf("by %s:%d", r.m.Name, line)
	}
	r.findings = append(r.findings, r.d.paper.Add(finding.Finding{Code: CodeMap, Severity: finding.Error, Layer: finding.Business, Offset: at.Offset, Length: at.Length,
		Segment: at.Segment, Element: at.Element, Found: found, Message: fmt.Sprintf(format, args...), Hint: hint}))
}

func (r *run) err(op string) error {
	if len(r.findings) == 0 {
		return nil
	}
	return fault.At(op, fault.Invalid, r.findings[0].Element, &x12wms.Error{Findings: r.findings})
}

// wrong notes what is wrong with an expression's value, where it came from.
func (r *run) wrong(line int, path string, message string) {
	t, ok := r.src.cause()
	if !ok {
		t.At = r.head()
	}
	r.fail(t.At, line, t.Value, "%s: %s", cmp.Or(path, "out"), message)
}

// eval evaluates one expression. Where it fails the finding is noted and ok is false.
func (r *run) eval(e *expression, path string, s *frame) (v ref.Val, ok bool, err error) {
	r.src.seen = r.src.seen[:0]
	v, details, err := e.prog.Eval(&frame{run: r, parent: s})
	if details != nil && details.ActualCost() != nil {
		r.cost += *details.ActualCost()
	}
	if r.cost > maxCost || err != nil && details != nil && details.ActualCost() != nil && *details.ActualCost() > maxLeafCost {
		r.wrong(e.line, path, "the map does more work than it may: see whether it goes through a list within a list")
		return nil, false, errStop
	}
	if err != nil {
		r.wrong(e.line, path, err.Error())
		return nil, false, nil
	}
	return v, true, nil
}

func (r *run) lets(lets []let, s *frame) (*frame, error) {
	if len(lets) == 0 {
		return s, nil
	}
	s = &frame{run: r, names: map[string]named{}, parent: s}
	for _, l := range lets {
		v, ok, err := r.eval(l.is, l.is.place, s)
		if err != nil {
			return s, err
		}
		if !ok {
			return s, errStop // what names it would only complain again
		}
		s.names[l.name] = named{v, slices.Clone(r.src.seen)}
	}
	return s, nil
}

// tree makes the value of a tree; nil is absent.
func (r *run) tree(t *tree, path string, s *frame) (any, error) {
	if t.each == nil {
		return r.one(t, path, s)
	}
	out, err := r.many(t, path, 0, s)
	if err != nil || len(out) == 0 {
		return nil, err
	}
	return out, nil
}

// many makes the items of an $each; from is how many stand before them in their list.
func (r *run) many(t *tree, path string, from int, s *frame) ([]any, error) {
	over, ok, err := r.eval(t.each, path, s)
	if err != nil || !ok {
		return nil, err
	}
	l, ok := over.(traits.Lister)
	if !ok {
		r.wrong(t.each.line, path, "a list is due, and this is "+over.Type().TypeName())
		return nil, nil
	}
	seen := slices.Clone(r.src.seen)
	n, _ := l.Size().(types.Int)
	out := make([]any, 0, min(int(n), maxValues))
	for i := range n {
		in := &frame{run: r, parent: s, names: map[string]named{t.as: {l.Get(i), seen}, "index": {value: i}}}
		if err := r.count(t.line, path, 0); err != nil {
			return nil, err
		}
		v, err := r.one(t, fmt.Sprintf("%s[%d]", path, from+len(out)), in)
		if err != nil {
			return nil, err
		}
		if v != nil {
			out = append(out, v)
		}
	}
	return out, nil
}

// one makes a value without regard to $each.
func (r *run) one(t *tree, path string, s *frame) (any, error) {
	s, err := r.lets(t.lets, s)
	if err != nil {
		return nil, err
	}
	if is, err := r.holds(t.when, path, s); err != nil || !is {
		return nil, err
	}
	v, err := r.bare(t, path, s)
	if err != nil {
		return nil, err
	}
	if v == nil && t.fallback != nil {
		if v, err = r.tree(t.fallback, path, s); err != nil {
			return nil, err
		}
	}
	if v == nil && t.required != "" {
		if t.fields != nil {
			r.src.seen = r.src.seen[:0]
		}
		r.wrong(t.line, path, "is missing: "+t.required)
	}
	return v, nil
}

// holds is what a condition says; none holds always.
func (r *run) holds(when *expression, path string, s *frame) (bool, error) {
	if when == nil {
		return true, nil
	}
	v, ok, err := r.eval(when, path, s)
	if err != nil || !ok {
		return false, err
	}
	is, ok := v.(types.Bool)
	if !ok {
		r.wrong(when.line, path, "the condition is neither true nor false")
	}
	return bool(is), nil
}

func (r *run) bare(t *tree, path string, s *frame) (any, error) {
	switch {
	case t.leaf != nil:
		v, ok, err := r.eval(t.leaf, path, s)
		if err != nil || !ok {
			return nil, err
		}
		return r.value(t, path, v, t.shape, 0)
	case t.constant != nil:
		return t.constant, r.count(t.line, path, 0)
	case t.fields != nil:
		var out fields
		before := len(r.findings)
		for _, f := range t.fields {
			v, err := r.tree(f.is, join(path, f.key), s)
			if err != nil {
				return nil, err
			}
			if v != nil {
				out = append(out, field{f.key, v})
			}
		}
		if out == nil && len(r.findings) == before {
			return nil, nil
		}
		return out, nil
	case t.isList:
		out := []any{}
		for _, one := range t.items {
			if one.each != nil {
				many, err := r.many(one, path, len(out), s)
				if err != nil {
					return nil, err
				}
				out = append(out, many...)
				continue
			}
			v, err := r.tree(one, fmt.Sprintf("%s[%d]", path, len(out)), s)
			if err != nil {
				return nil, err
			}
			if v != nil {
				out = append(out, v)
			}
		}
		if len(out) == 0 {
			return nil, nil
		}
		return out, nil
	}
	return r.tree(t.items[0], path, s) // $value
}

// count bounds what is made.
func (r *run) count(line int, path string, size int) error {
	r.values++
	r.bytes += size
	if r.values > maxValues || r.bytes > maxBytes {
		r.wrong(line, path, fmt.Sprintf("the map makes more than %d values or %d bytes", maxValues, maxBytes))
		return errStop
	}
	return nil
}

// written is a value as it may stand in a document.
func written(v ref.Val) string {
	switch x := v.(type) {
	case types.String:
		return string(x)
	case types.Int:
		return strconv.FormatInt(int64(x), 10)
	}
	return ""
}

// value turns what an expression gave into JSON of a shape.
func (r *run) value(t *tree, path string, v ref.Val, want *shape, depth int) (any, error) {
	bad := func(format string, args ...any) (any, error) {
		r.wrong(t.line, path, fmt.Sprintf(format, args...))
		return nil, nil
	}
	due := func(k kind) bool { return want.kind == k || want.kind == anything }
	size := 0
	if s, ok := v.(types.String); ok {
		size = len(s)
	}
	if err := r.count(t.line, path, size); err != nil {
		return nil, err
	}
	if at, ok := r.src.origin(written(v)); ok {
		r.places[path] = origin{at, t.line}
	} else if _, there := r.places[path]; !there {
		r.places[path] = origin{line: t.line}
	}
	if want.kind == spot {
		at, what := spanOf(v)
		if what != "" {
			return bad("%s", what)
		}
		return at, nil
	}
	switch x := v.(type) {
	case types.Null:
		return nil, nil
	case *types.Optional:
		if !x.HasValue() {
			return nil, nil
		}
		return r.value(t, path, x.GetValue(), want, depth)
	case types.String:
		switch {
		case want.kind == elementText:
			return string(x), nil
		case x == "":
			return nil, nil
		case want.kind == instant:
			if _, err := time.Parse(time.RFC3339, string(x)); err != nil {
				return bad("%q is not a moment: day, day_end and moment make one", string(x))
			}
		case !due(text):
			return bad("%q stands where %s is due", string(x), kindNames[want.kind])
		}
		return string(x), nil
	case types.Int:
		if !due(whole) {
			return bad("%d stands where %s is due", int64(x), kindNames[want.kind])
		}
		return int64(x), nil
	case types.Bool:
		if !due(truth) {
			return bad("%t stands where %s is due", bool(x), kindNames[want.kind])
		}
		return bool(x), nil
	case number:
		s, ok := x.text(-1, "").(types.String)
		if !ok || want.kind != anything {
			return bad("%s stands where %s is due: leave the exact number by .whole() or .text()", x.shown(), kindNames[want.kind])
		}
		return json.Number(s), nil
	case types.Timestamp:
		if !due(instant) && want.kind != text {
			return bad("a moment stands where %s is due", kindNames[want.kind])
		}
		return moment(x.Time), nil
	}
	if depth > maxNesting {
		return bad("it is deeper than %d", maxNesting)
	}
	switch x := v.(type) {
	case traits.Lister:
		if !due(list) {
			return bad("a list stands where %s is due", kindNames[want.kind])
		}
		of := free
		if want.of != nil {
			of = want.of
		}
		out := []any{}
		n, _ := x.Size().(types.Int)
		for i := range n {
			one, err := r.value(t, fmt.Sprintf("%s[%d]", path, len(out)), x.Get(i), of, depth+1)
			if err != nil {
				return nil, err
			}
			if one != nil {
				out = append(out, one)
			}
		}
		if len(out) == 0 {
			return nil, nil
		}
		return out, nil
	case traits.Mapper:
		if !due(object) {
			return bad("an object stands where %s is due", kindNames[want.kind])
		}
		return r.mapping(t, path, x, want, depth)
	}
	return bad("%s is no value of JSON", v.Type().TypeName())
}

// mapping makes an object of a map of CEL, its keys sorted.
func (r *run) mapping(t *tree, path string, m traits.Mapper, want *shape, depth int) (any, error) {
	all := map[string]ref.Val{}
	for it := m.Iterator(); it.HasNext() == types.True; {
		k := it.Next()
		s, ok := k.(types.String)
		if !ok {
			r.wrong(t.line, path, "a key of an object is text")
			return nil, nil
		}
		all[string(s)] = m.Get(k)
	}
	var out fields
	for _, k := range sortedKeys(all) {
		of := want.field(k)
		if of == nil {
			r.wrong(t.line, path, fmt.Sprintf("%q stands in no such object", k))
			continue
		}
		v, err := r.value(t, join(path, k), all[k], of, depth+1)
		if err != nil {
			return nil, err
		}
		if v != nil {
			out = append(out, field{k, v})
		}
	}
	if out == nil {
		return nil, nil
	}
	return out, nil
}
