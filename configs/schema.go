package configs

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
)

// A field is one key of a struct.
type field struct {
	key   string
	doc   string
	bytes bool // an integer given with a unit of bytes
	index []int
}

var (
	durationType    = reflect.TypeFor[time.Duration]()
	textType        = reflect.TypeFor[encoding.TextUnmarshaler]()
	secretType      = reflect.TypeFor[interface{ Reveal() string }]()
	validatorType   = reflect.TypeFor[interface{ Validate() error }]()
	setDefaultsType = reflect.TypeFor[interface{ SetDefaults() }]()
)

// isText reports whether values of t are read by their own UnmarshalText.
func isText(t reflect.Type) bool { return reflect.PointerTo(t).Implements(textType) }

func isSecret(t reflect.Type) bool { return isText(t) && reflect.PointerTo(t).Implements(secretType) }

// isSection reports whether t holds keys of its own.
func isSection(t reflect.Type) bool { return t.Kind() == reflect.Struct && !isText(t) }

// fields lists the keys of struct type t, those of embedded structs included.
func fields(t reflect.Type) []field {
	var list []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("config"), ",")
		switch {
		case name == "-" || !f.IsExported() && !f.Anonymous:
			continue
		case f.Anonymous && name == "" && isSection(f.Type):
			for _, inner := range fields(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				list = append(list, inner)
			}
			continue
		case name == "":
			name = snake(f.Name)
		}
		list = append(list, field{key: name, doc: f.Tag.Get("doc"), bytes: options == "bytes", index: f.Index})
	}
	return list
}

// snake turns MaxBodyBytes into max_body_bytes and AS2URL into as2_url.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) {
			afterLower := !unicode.IsUpper(runes[i-1])
			beforeLower := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if afterLower || beforeLower {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// checkType panics where a struct cannot be a configuration: that is a mistake
// in the program, met the first time it starts. around are the structs that t
// lies in.
func checkType(t reflect.Type, at string, around ...reflect.Type) {
	if isText(t) {
		return
	}
	if slices.Contains(around, t) {
		panic(fmt.Sprintf("configs: %s: a %s would hold itself", at, t))
	}
	switch t.Kind() {
	case reflect.Bool, reflect.String, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
	case reflect.Pointer, reflect.Slice:
		checkItem(t, at, around)
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			panic(fmt.Sprintf("configs: %s: a map must have text for keys, not %s", at, t.Key()))
		}
		checkItem(t, at, around)
	case reflect.Struct:
		around = append(slices.Clip(around), t)
		keys := map[string]bool{}
		for _, f := range fields(t) {
			ft := t.FieldByIndex(f.index).Type
			names := []string{f.key}
			if isSecret(ft) {
				names = append(names, f.key+"_file")
			}
			for _, name := range names {
				if keys[name] {
					panic(fmt.Sprintf("configs: %s has the key %q twice", at, name))
				}
				keys[name] = true
			}
			if f.bytes && !t.FieldByIndex(f.index).Type.ConvertibleTo(reflect.TypeFor[int64]()) {
				panic(fmt.Sprintf("configs: %s.%s: bytes are counted in an integer", at, f.key))
			}
			checkType(ft, at+"."+f.key, around...)
		}
	default:
		panic(fmt.Sprintf("configs: %s: a setting cannot be a %s", at, t))
	}
}

// checkItem checks what a pointer, slice or map holds. A secret needs a key of
// its own there, or there were no name for its file.
func checkItem(t reflect.Type, at string, around []reflect.Type) {
	if isSecret(t.Elem()) {
		panic(fmt.Sprintf("configs: %s: a secret must be the field of a struct", at))
	}
	checkType(t.Elem(), at, around...)
}

// fresh is a new value of type t with its own defaults.
func fresh(t reflect.Type) reflect.Value {
	v := reflect.New(t)
	if v.Type().Implements(setDefaultsType) {
		v.Interface().(interface{ SetDefaults() }).SetDefaults()
	}
	return v.Elem()
}

func join(section, key string) string {
	if section == "" {
		return key
	}
	return section + "." + key
}
