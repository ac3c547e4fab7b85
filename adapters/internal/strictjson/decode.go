package strictjson

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"
)

func decode(data []byte, v any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			e, ok := p.(*Error)
			if !ok {
				panic(p)
			}
			err = e
		}
	}()
	r := reader{b: data, path: make([]step, 0, 8)}
	if len(data) == 0 {
		r.fail(0, "is empty: one JSON document is expected")
	}
	r.value(reflect.ValueOf(v).Elem())
	if r.space(); r.i < len(r.b) {
		r.fail(r.i, "%s behind the end of the document", show(r.b[r.i]))
	}
	return nil
}

var (
	timeType = reflect.TypeFor[time.Time]()
	rawType  = reflect.TypeFor[json.RawMessage]()
)

func (r *reader) value(v reflect.Value) {
	switch v.Type() {
	case rawType:
		r.next("a value")
		from := r.i
		r.skip()
		v.SetBytes(append([]byte(nil), r.b[from:r.i]...))
		return
	case timeType:
		r.want('"', "a time like 2026-11-23T08:00:00Z")
		at := r.i
		s := string(r.text())
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			r.fail(at, "%q is not a time like 2026-11-23T08:00:00Z", clip(s))
		}
		v.Set(reflect.ValueOf(t))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		r.value(v.Elem())
	case reflect.Struct:
		r.object(v)
	case reflect.Map:
		r.table(v)
	case reflect.Slice:
		r.list(v)
	case reflect.String:
		r.want('"', "a text")
		v.SetString(string(r.text()))
	case reflect.Bool:
		r.next("true or false")
		switch {
		case r.literal("true"):
			v.SetBool(true)
		case r.literal("false"):
			v.SetBool(false)
		default:
			r.fail(r.i, "%s is neither true nor false", r.kind())
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(r.integer(v.Type().Bits()))
	default:
		panic(fmt.Sprintf("strictjson: %s cannot be decoded", v.Type()))
	}
}

// want fails unless a token begins with c.
func (r *reader) want(c byte, what string) {
	if r.next(what) != c {
		if r.b[r.i] == 'n' && r.literal("null") {
			r.fail(r.i-4, "null is not %s: leave the field out", what)
		}
		r.fail(r.i, "%s where %s is expected", r.kind(), what)
	}
}

func (r *reader) integer(bits int) int64 {
	c := r.next("a number")
	at := r.i
	if c != '-' && (c < '0' || c > '9') {
		r.want('0', "a whole number")
	}
	n := r.number()
	for _, c := range n {
		if c == '.' || c == 'e' || c == 'E' {
			r.fail(at, "%s is not a whole number: write it without fraction and exponent", clip(string(n)))
		}
	}
	i, err := strconv.ParseInt(string(n), 10, bits)
	if err != nil {
		r.fail(at, "%s does not fit in %d bits", clip(string(n)), bits)
	}
	return i
}

func (r *reader) list(v reflect.Value) {
	r.want('[', "a list")
	r.enter()
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	for n := 0; r.more(n == 0, ']'); n++ {
		r.path = append(r.path, step{index: n})
		if n == v.Cap() {
			v.Grow(1)
		}
		v.SetLen(n + 1)
		v.Index(n).SetZero()
		r.value(v.Index(n))
		r.path = r.path[:len(r.path)-1]
	}
	r.leave()
}

func (r *reader) table(v reflect.Value) {
	r.want('{', "an object")
	r.enter()
	v.Set(reflect.MakeMap(v.Type()))
	for first := true; r.more(first, '}'); first = false {
		b, at := r.name()
		name := string(b)
		key := reflect.ValueOf(name).Convert(v.Type().Key())
		r.path = append(r.path, step{name: name})
		if v.MapIndex(key).IsValid() {
			r.fail(at, "the field %q comes twice", clip(name))
		}
		e := reflect.New(v.Type().Elem()).Elem()
		r.value(e)
		v.SetMapIndex(key, e)
		r.path = r.path[:len(r.path)-1]
	}
	r.leave()
}

func (r *reader) object(v reflect.Value) {
	r.want('{', "an object")
	open := r.i
	r.enter()
	s := shapeOf(v.Type())
	var seen uint64
	for first := true; r.more(first, '}'); first = false {
		n, at := r.name()
		i, ok := s.byName[string(n)]
		if !ok {
			r.fail(at, "the field %q is not known%s", clip(string(n)), s.nearest(string(n)))
		}
		f := &s.fields[i]
		r.path = append(r.path, step{name: f.name})
		if seen&(1<<i) != 0 {
			r.fail(at, "the field %q comes twice", f.name)
		}
		seen |= 1 << i
		r.value(v.FieldByIndex(f.index))
		r.path = r.path[:len(r.path)-1]
	}
	if missing := s.required &^ seen; missing != 0 {
		for i := range s.fields {
			if missing&(1<<i) != 0 {
				r.path = append(r.path, step{name: s.fields[i].name})
				r.fail(open, "is missing")
			}
		}
	}
	r.leave()
}

// shape is what a struct type looks like in JSON.
type shape struct {
	fields   []field
	byName   map[string]int
	required uint64
}

type field struct {
	name  string
	index []int
}

var shapes sync.Map // reflect.Type to *shape

func shapeOf(t reflect.Type) *shape {
	if s, ok := shapes.Load(t); ok {
		return s.(*shape)
	}
	s := &shape{byName: map[string]int{}}
	s.add(t, nil)
	if len(s.fields) > 64 {
		panic(fmt.Sprintf("strictjson: %s has more than 64 fields", t))
	}
	shapes.Store(t, s)
	return s
}

func (s *shape) add(t reflect.Type, at []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(append([]int(nil), at...), i)
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct {
			s.add(f.Type, index)
			continue
		}
		if !f.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		if !strings.Contains(opts, "omitempty") && !strings.Contains(opts, "omitzero") {
			s.required |= 1 << len(s.fields)
		}
		s.byName[name] = len(s.fields)
		s.fields = append(s.fields, field{name, index})
	}
}

// nearest is a hint where a known name differs in little.
func (s *shape) nearest(name string) string {
	fold := func(n string) string {
		return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(n))
	}
	for _, f := range s.fields {
		if fold(f.name) == fold(name) {
			return fmt.Sprintf(": is %q meant?", f.name)
		}
	}
	names := make([]string, 0, len(s.fields))
	for _, f := range s.fields {
		names = append(names, f.name)
	}
	return ": there are " + strings.Join(names, ", ")
}

func clip(s string) string {
	if len(s) > 64 {
		return strings.ToValidUTF8(s[:64], "") + "..."
	}
	return s
}
