package mapping

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/ext"
	"go.yaml.in/yaml/v3"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/transforms/x12wms"
)

// Part is one key of a sheet.
type Part struct {
	// Key is its place, as "ship.body".
	Key string
	// Vars are what its expressions may name. A part without any is plain text that stands for itself.
	Vars []string
	// Makes is what it makes, by its JSON names; nil is JSON of any form.
	Makes reflect.Type
	// Must says that it is needed.
	Must bool
}

// Sheet is a file of trees and expressions over JSON, where a [Map] reads the segments of a document:
// how another REST API is spoken, for instance. tables, zone and units stand in it as in a map.
//
// Numbers of JSON are whole numbers of CEL where they are whole and exact ones (.whole(), .text()) where
// not; exact(x) makes an exact one of either, or of text. A member that is not there is an error; order.?note gives it as an
// optional, has(order.note) asks. many(x) is a list of what may come alone or not at all.
type Sheet struct {
	m     *Map
	parts map[string]*tree
	plain map[string]string
}

var sheetKeys = []string{"zone", "tables", "units"}

// CompileSheet reads a sheet that has these parts and no others. read is that of [Compile]. The error is of
// type [Problems].
func CompileSheet(name string, raw []byte, read func(name string) ([]byte, error), parts []Part) (*Sheet, error) {
	c := &compiler{m: &Map{Name: name, zone: time.UTC, units: map[string]measure{}}, read: read}
	if len(raw) > maxText {
		return nil, Problems{{File: name, Text: fmt.Sprintf("it has more than %d bytes", maxText)}}
	}
	c.lines = strings.Split(string(raw), "\n")
	d := yaml.NewDecoder(bytes.NewReader(raw))
	var doc, more yaml.Node
	if err := d.Decode(&doc); err != nil {
		return nil, Problems{{File: name, Text: err.Error()}}
	}
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, Problems{{File: name, Text: "there is a second document in it"}}
	}
	s := &Sheet{m: c.m, parts: map[string]*tree{}, plain: map[string]string{}}
	c.sheet(s, doc.Content[0], parts)
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	return s, nil
}

func (c *compiler) sheet(s *Sheet, n *yaml.Node, parts []Part) {
	at := map[string]*yaml.Node{}
	c.gather(n, "", parts, at)
	if z := at["zone"]; z != nil {
		var err error
		if c.m.zone, err = time.LoadLocation(c.scalar(z, "zone")); err != nil {
			c.problem(z, "zone", "%v: an IANA zone is meant, as America/New_York", err)
		}
	}
	if t := at["tables"]; t != nil {
		c.tables(t)
	}
	c.units(at["units"])
	if len(c.problems) > 0 {
		return
	}
	base, err := c.m.valuesEnv()
	if err != nil {
		c.problem(n, "", "%v", err)
		return
	}
	for _, p := range parts {
		here := at[p.Key]
		switch {
		case here == nil && p.Must:
			c.problem(n, p.Key, "is missing")
		case here == nil:
		case p.Vars == nil:
			s.plain[p.Key] = c.scalar(here, p.Key)
		default:
			env := base
			for _, v := range p.Vars {
				if env = c.variable(here, p.Key, env, v, cel.DynType); env == nil {
					return
				}
			}
			want := free
			if p.Makes != nil {
				want = shapeOf(p.Makes)
			}
			s.parts[p.Key] = c.tree(here, p.Key, want, env, 0)
		}
	}
}

// gather finds the parts of a sheet, by their keys.
func (c *compiler) gather(n *yaml.Node, place string, parts []Part, at map[string]*yaml.Node) {
	var known []string
	for _, p := range parts {
		if rest, ok := strings.CutPrefix(p.Key, place); ok {
			first, _, _ := strings.Cut(rest, ".")
			if !slices.Contains(known, first) {
				known = append(known, first)
			}
		}
	}
	if place == "" {
		known = append(known, sheetKeys...)
	}
	for _, kv := range c.pairs(n, strings.TrimSuffix(place, ".")) {
		key := place + kv[0].Value
		switch {
		case !slices.Contains(known, kv[0].Value):
			c.unknown(kv[0], strings.TrimSuffix(place, "."), known)
		case slices.ContainsFunc(parts, func(p Part) bool { return p.Key == key }), place == "" && slices.Contains(sheetKeys, key):
			at[key] = kv[1]
		default:
			c.gather(kv[1], key+".", parts, at)
		}
	}
}

// valuesEnv declares what expressions over JSON may use, variables aside.
func (m *Map) valuesEnv() (*cel.Env, error) {
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, err
	}
	opts := []cel.EnvOption{
		cel.CustomTypeAdapter(registry), cel.CustomTypeProvider(registry),
		cel.ParserExpressionSizeLimit(maxExpression), cel.ParserRecursionLimit(maxDepth),
		ext.Strings(ext.StringsVersion(3)), cel.OptionalTypes(),
	}
	opts = slices.Concat(opts, numberFunctions(m.units), m.textFunctions(), []cel.EnvOption{
		cel.Function("many", cel.Overload("many_dyn", []*cel.Type{cel.DynType}, cel.ListType(cel.DynType), cel.UnaryBinding(many))),
		cel.Function("exact", cel.Overload("exact_dyn", []*cel.Type{cel.DynType}, numberType, cel.UnaryBinding(numberOf))),
	})
	for _, t := range m.tables {
		opts = append(opts, t.function())
	}
	return cel.NewEnv(opts...)
}

// many is a list, for what comes as a list, alone where there is one, or not at all.
func many(v ref.Val) ref.Val {
	switch x := v.(type) {
	case traits.Lister:
		return v
	case types.Null:
		return types.NewRefValList(types.DefaultTypeAdapter, nil)
	case *types.Optional:
		if !x.HasValue() {
			return types.NewRefValList(types.DefaultTypeAdapter, nil)
		}
		return many(x.GetValue())
	}
	return types.NewRefValList(types.DefaultTypeAdapter, []ref.Val{v})
}

// numberOf is an exact number of what JSON has as text or number.
func numberOf(v ref.Val) ref.Val {
	switch x := v.(type) {
	case number:
		return x
	case types.Int:
		return number{new(big.Rat).SetInt64(int64(x))}
	case types.String:
		n, err := parseNumber(string(x))
		if err != nil {
			return types.WrapErr(err)
		}
		return n
	}
	return types.NewErr("%s is not a number", v.Type().TypeName())
}

// Has reports whether a part stands in the sheet.
func (s *Sheet) Has(key string) bool { return s.parts[key] != nil || s.plain[key] != "" }

// Plain is a part that stands for itself, "" where it is not there.
func (s *Sheet) Plain(key string) string { return s.plain[key] }

// Make makes the JSON of a part from values, which are what [Value] makes, texts, whole numbers and
// truths; nil is nothing, as of a part that is not there. What is wrong is an Invalid error that says where
// in the sheet.
func (s *Sheet) Make(key string, values map[string]any) ([]byte, error) {
	const op = "mapping.Make"
	t := s.parts[key]
	if t == nil {
		return nil, nil
	}
	r, top := s.begin(values)
	out, err := r.tree(t, key, top)
	if err = r.ended(op, key, err); err != nil || out == nil {
		return nil, err
	}
	return json.Marshal(out)
}

// Eval is what a part's expression gives as it is, nothing left out: a value for other parts. A part that is
// no expression alone gives what it makes.
func (s *Sheet) Eval(key string, values map[string]any) (any, error) {
	const op = "mapping.Eval"
	t := s.parts[key]
	if t == nil || t.leaf == nil {
		raw, err := s.Make(key, values)
		if raw == nil || err != nil {
			return nil, err
		}
		return Value(raw)
	}
	r, top := s.begin(values)
	v, _, err := r.eval(t.leaf, key, top)
	if err = r.ended(op, key, err); err != nil {
		return nil, err
	}
	if o, ok := v.(*types.Optional); ok && o.HasValue() {
		v = o.GetValue()
	} else if ok || v == types.NullValue {
		return nil, nil
	}
	return v, nil
}

// Items are the items of a value that is a list; ok is false where it is none.
func Items(value any) (items []any, ok bool) {
	l, ok := value.(traits.Lister)
	if !ok {
		return nil, false
	}
	n, _ := l.Size().(types.Int)
	for i := range n {
		items = append(items, l.Get(i))
	}
	return items, true
}

// begin is a run over values.
func (s *Sheet) begin(values map[string]any) (*run, *frame) {
	none := x12wms.Paper{End: func(string) x12wms.Place { return x12wms.Place{} }, Add: func(f finding.Finding) finding.Finding { return f }}
	r := &run{m: s.m, d: Document{paper: none}, src: &source{}, places: map[string]origin{}}
	top := &frame{run: r, names: map[string]named{}}
	for name, v := range values {
		top.names[name] = named{value: types.DefaultTypeAdapter.NativeToValue(v)}
	}
	return r, top
}

// ended is how a run ended.
func (r *run) ended(op, key string, err error) error {
	if err != nil && !errors.Is(err, errStop) {
		return fault.E(op, fault.Internal, err)
	}
	if len(r.findings) > 0 {
		f := r.findings[0]
		return fault.At(op, fault.Invalid, key, fmt.Errorf("%s (%s)", f.Message, f.Hint))
	}
	return nil
}

// Value is JSON as expressions see it.
func Value(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fault.E("mapping.Value", fault.Invalid, fmt.Errorf("reading JSON: %w", err))
	}
	return exactly(v)
}

// exactly turns numbers into whole or exact ones.
func exactly(v any) (any, error) {
	var err error
	switch x := v.(type) {
	case map[string]any:
		for k := range x {
			if x[k], err = exactly(x[k]); err != nil {
				return nil, err
			}
		}
	case []any:
		for i := range x {
			if x[i], err = exactly(x[i]); err != nil {
				return nil, err
			}
		}
	case json.Number:
		if len(x) > maxDigits {
			return nil, fault.E("mapping.Value", fault.Invalid, fmt.Errorf("a number of %d characters is not read", len(x)))
		}
		if i, err := x.Int64(); err == nil {
			return i, nil
		}
		if strings.ContainsAny(string(x), "eE") {
			return nil, fault.E("mapping.Value", fault.Invalid, fmt.Errorf("%s has an exponent", x))
		}
		r, ok := new(big.Rat).SetString(string(x))
		if !ok {
			return nil, fault.E("mapping.Value", fault.Invalid, fmt.Errorf("%s is no number", x))
		}
		if r.IsInt() && r.Num().IsInt64() {
			return r.Num().Int64(), nil // 2.0
		}
		return ref.Val(number{r}), nil
	}
	return v, nil
}

// maxDigits bounds the text of a number.
const maxDigits = 60
