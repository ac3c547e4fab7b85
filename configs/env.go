package configs

import (
	"reflect"
	"slices"
	"strings"
)

// override sets what the environment names over what the file gave, and returns
// the variables that begin like ours and name no section: another program's, or
// a mistake that only the operator can tell.
func (d *decoder) override(root reflect.Value, prefix string) (unused []string) {
	o := &overrider{decoder: d, names: map[string]string{}}
	var sections []string
	for _, f := range fields(root.Type()) {
		sections = append(sections, variable(prefix, f.key))
	}
	o.section(root, "", prefix)

	for name := range d.env {
		if !strings.HasPrefix(name, prefix+"_") || o.names[name] != "" {
			continue
		}
		inSection := func(section string) bool { return strings.HasPrefix(name, section+"_") }
		if !slices.ContainsFunc(sections, inSection) {
			unused = append(unused, name)
			continue
		}
		if near := nearestVariable(name, o.names); near != "" {
			d.problem(Source{Env: name}, "", "no setting has this name; did you mean %s?", near)
		} else {
			d.problem(Source{Env: name}, "", "no setting has this name")
		}
	}
	slices.Sort(unused)
	return unused
}

type overrider struct {
	*decoder
	names map[string]string // variable to key, of every setting there is
}

// variable is the name under which the environment gives key: letters and
// digits in upper case, all else an underscore.
func variable(prefix, key string) string {
	return prefix + "_" + strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, key)
}

func nearestVariable(wrong string, names map[string]string) string {
	best, distance := "", 4
	for name := range names {
		if len(name) > 2*len(wrong) || len(wrong) > 2*len(name) {
			continue
		}
		n := editDistance(wrong, name)
		if n < distance || n == distance && name < best {
			best, distance = name, n
		}
	}
	return best
}

func (o *overrider) section(v reflect.Value, key, name string) (set bool) {
	for _, f := range fields(v.Type()) {
		if o.value(v.FieldByIndex(f.index), join(key, f.key), variable(name, f.key), f.bytes) {
			set = true
		}
	}
	return set
}

// value overrides v and what lies below it, and reports whether it did.
func (o *overrider) value(v reflect.Value, key, name string, bytes bool) bool {
	t := v.Type()
	switch {
	case isSecret(t):
		direct := o.take(name, key)
		file := o.take(name+"_FILE", key)
		switch {
		case direct != "" && file != "":
			o.problem(Source{Env: name}, key, "give the secret once: by %s or by %s_FILE", name, name)
		case direct != "":
			o.sources[key] = Source{Env: name}
			o.setSecret(Source{Env: name}, v, direct, key)
		case file != "":
			o.sources[key] = Source{Env: name + "_FILE"}
			o.readSecret(Source{Env: name + "_FILE"}, v, file, key)
		}
		return direct != "" || file != ""
	case isText(t):
		return o.scalar(v, key, name, bytes)
	case t.Kind() == reflect.Pointer:
		if !v.IsNil() {
			return o.value(v.Elem(), key, name, bytes)
		}
		made := fresh(t.Elem())
		if !o.value(made, key, name, bytes) {
			return false
		}
		v.Set(made.Addr())
		return true
	case t.Kind() == reflect.Struct:
		return o.section(v, key, name)
	case t.Kind() == reflect.Map:
		return o.entries(v, key, name, bytes)
	case t.Kind() == reflect.Slice:
		return o.list(v, key, name, bytes)
	}
	return o.scalar(v, key, name, bytes)
}

func (o *overrider) scalar(v reflect.Value, key, name string, bytes bool) bool {
	text := o.take(name, key)
	if text != "" {
		o.sources[key] = Source{Env: name}
		o.set(Source{Env: name}, v, text, key, bytes)
	}
	return text != ""
}

// entries overrides below the entries that are there; a variable cannot say how
// a new one is spelt.
func (o *overrider) entries(v reflect.Value, key, name string, bytes bool) (set bool) {
	for _, k := range sortedKeys(v) {
		e := reflect.New(v.Type().Elem()).Elem()
		e.Set(v.MapIndex(k))
		if o.value(e, join(key, k.String()), variable(name, k.String()), bytes) {
			v.SetMapIndex(k, e)
			set = true
		}
	}
	return set
}

// list takes values separated by commas. A list of sections is the file's alone.
func (o *overrider) list(v reflect.Value, key, name string, bytes bool) bool {
	if elem := v.Type().Elem(); !isText(elem) && !scalarKind(elem) {
		return false
	}
	text := o.take(name, key)
	if text == "" {
		return false
	}
	o.sources[key] = Source{Env: name}
	parts := strings.Split(text, ",")
	list := reflect.MakeSlice(v.Type(), len(parts), len(parts))
	for i, part := range parts {
		o.set(Source{Env: name}, list.Index(i), strings.TrimSpace(part), key, bytes)
	}
	v.Set(list)
	return true
}

// take gives the value of a variable, and notes that it names a setting.
func (o *overrider) take(name, key string) string {
	if other, taken := o.names[name]; taken && other != key {
		if o.env[name] != "" {
			o.problem(Source{Env: name}, key, "the variable also names %s: give one of them in the file", other)
		}
		return ""
	}
	o.names[name] = key
	return o.env[name]
}

func scalarKind(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Struct, reflect.Slice, reflect.Map:
		return false
	default:
		return true
	}
}

func sortedKeys(m reflect.Value) []reflect.Value {
	keys := m.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	return keys
}
