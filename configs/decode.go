package configs

import (
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A decoder goes through one file once. It keeps going after a problem.
type decoder struct {
	file, dir string
	plain     bool
	blind     bool // secrets are left out
	env       map[string]string
	sources   map[string]Source // by key, of settings and of sections
	problems  Problems
	unread    int // how many of them are about values that could not be read
}

func (d *decoder) at(n *yaml.Node) Source { return Source{File: d.file, Line: n.Line} }

// section reads the keys of a struct. A section whose keys are all commented
// out is null in YAML, and leaves the defaults.
func (d *decoder) section(n *yaml.Node, v reflect.Value, key string) {
	d.sources[key] = d.at(n)
	known := map[string]field{}
	var names []string
	for _, f := range fields(v.Type()) {
		known[f.key] = f
		names = append(names, f.key)
		if isSecret(v.FieldByIndex(f.index).Type()) {
			known[f.key+"_file"] = f
			names = append(names, f.key+"_file")
		}
	}
	given := map[string]bool{}
	for name, value := range d.pairs(n, key) {
		f, ok := known[name.Value]
		if !ok {
			d.unknown(d.at(name), join(key, name.Value), name.Value, names)
			continue
		}
		if given[f.key] {
			d.problem(d.at(name), join(key, f.key), "give the secret once: by %s or by %s_file", f.key, f.key)
			continue
		}
		given[f.key] = true
		if fv := v.FieldByIndex(f.index); name.Value != f.key {
			d.secretFile(value, fv, join(key, f.key))
		} else {
			d.value(name, value, fv, join(key, f.key), f.bytes)
		}
	}
}

func (d *decoder) unknown(at Source, key, name string, names []string) {
	if len(d.problems) > maxProblems {
		return // nobody would read what is searched for
	}
	if near := Nearest(name, names); near != "" {
		d.problem(at, clip(key), "unknown key; did you mean %q?", near)
		return
	}
	d.problem(at, clip(key), "unknown key")
}

// clip keeps a hostile key from filling the screen.
func clip(key string) string {
	const longest = 100
	if len(key) > longest {
		return key[:longest] + "..."
	}
	return key
}

// pairs gives the keys and values of a mapping, each key once.
func (d *decoder) pairs(n *yaml.Node, key string) func(yield func(name, value *yaml.Node) bool) {
	return func(yield func(name, value *yaml.Node) bool) {
		if isNull(n) {
			return
		}
		if n.Kind != yaml.MappingNode {
			d.problem(d.at(n), key, "want keys with values below it, got %s", describe(n))
			return
		}
		lines := map[string]int{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			name, value := n.Content[i], n.Content[i+1]
			switch first, again := lines[name.Value]; {
			case name.Kind != yaml.ScalarNode || name.Tag == "!!merge" || name.Style&yaml.TaggedStyle != 0:
				d.problem(d.at(name), key, "a key must be a plain name")
			case again:
				d.problem(d.at(name), clip(join(key, name.Value)), "given twice, first in line %d", first)
			default:
				lines[name.Value] = name.Line
				if !yield(name, value) {
					return
				}
			}
		}
	}
}

// value reads n into v. name is the node of its key, where the setting is said
// to come from.
func (d *decoder) value(name, n *yaml.Node, v reflect.Value, key string, bytes bool) {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		d.problem(d.at(n), key, "anchors and aliases are not read: write the value out")
		return
	case n.Style&yaml.TaggedStyle != 0:
		d.problem(d.at(n), key, "tags such as %s are not read", quote(n.Tag))
		return
	}
	t := v.Type()
	d.sources[key] = d.at(name)
	switch {
	case isSecret(t):
		d.secret(n, v, key)
	case isText(t) || t == durationType:
		d.scalar(n, v, key, bytes)
	case t.Kind() == reflect.Pointer:
		if v.IsNil() {
			v.Set(fresh(t.Elem()).Addr())
		}
		d.value(name, n, v.Elem(), key, bytes)
	case t.Kind() == reflect.Struct:
		d.section(n, v, key)
		d.sources[key] = d.at(name)
	case t.Kind() == reflect.Slice:
		d.list(n, v, key, bytes)
	case t.Kind() == reflect.Map:
		d.entries(n, v, key, bytes)
	default:
		d.scalar(n, v, key, bytes)
	}
}

// list replaces the default list as a whole.
func (d *decoder) list(n *yaml.Node, v reflect.Value, key string, bytes bool) {
	if n.Kind != yaml.SequenceNode {
		d.problem(d.at(n), key, "want a list, as in [a, b], got %s", describe(n))
		return
	}
	list := reflect.MakeSlice(v.Type(), 0, len(n.Content))
	for i, item := range n.Content {
		e := fresh(v.Type().Elem())
		d.value(item, item, e, fmt.Sprintf("%s[%d]", key, i), bytes)
		list = reflect.Append(list, e)
	}
	v.Set(list)
}

// entries adds to the default map, and reads an entry over its default.
func (d *decoder) entries(n *yaml.Node, v reflect.Value, key string, bytes bool) {
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	for name, value := range d.pairs(n, key) {
		if !entryName.MatchString(name.Value) {
			d.problem(d.at(name), key, "the name %s may hold letters, digits, dash and underscore", quote(name.Value))
			continue
		}
		k := reflect.ValueOf(name.Value).Convert(v.Type().Key())
		e := fresh(v.Type().Elem())
		if old := v.MapIndex(k); old.IsValid() {
			e.Set(old)
		}
		d.value(name, value, e, join(key, name.Value), bytes)
		v.SetMapIndex(k, e)
	}
}

// entryName keeps a dot out of what becomes a part of a dotted key.
var entryName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

var reference = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$`)

// scalar reads a single value. ${NAME} standing alone is taken from the
// environment, for any type.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value, key string, bytes bool) {
	if n.Kind != yaml.ScalarNode {
		d.problem(d.at(n), key, "want %s, got %s", want(v.Type(), bytes), describe(n))
		return
	}
	if ref := reference.FindStringSubmatch(n.Value); ref != nil {
		if d.blind {
			return
		}
		if text, ok := d.resolve(n, ref[1], key); ok {
			d.set(d.sources[key], v, text, key, bytes)
		}
		return
	}
	if isNull(n) {
		d.problem(d.at(n), key, "has no value: give %s, or remove the line for the default", want(v.Type(), bytes))
		return
	}
	if mistaken := mistakenFor(n, v.Type(), bytes); mistaken != "" {
		d.problem(d.at(n), key, "want %s, got %s", want(v.Type(), bytes), mistaken)
		return
	}
	d.set(d.at(n), v, n.Value, key, bytes)
}

// resolve looks up a reference and notes that the value comes from there.
func (d *decoder) resolve(n *yaml.Node, name, key string) (string, bool) {
	at := d.at(n)
	at.Env = name
	d.sources[key] = at
	text, ok := d.env[name]
	if !ok {
		d.problem(d.at(n), key, "the environment variable %s is not set", name)
	}
	return text, ok
}

// secret reads a reference to the environment. What the file holds instead is
// never repeated in a message.
func (d *decoder) secret(n *yaml.Node, v reflect.Value, key string) {
	last := key[strings.LastIndexByte(key, '.')+1:]
	if n.Kind != yaml.ScalarNode || isNull(n) {
		d.problem(d.at(n), key, "want ${NAME} of an environment variable; or give %s_file", last)
		return
	}
	if ref := reference.FindStringSubmatch(n.Value); ref != nil {
		if text, ok := d.resolve(n, ref[1], key); ok {
			d.setSecret(d.sources[key], v, text, key)
		}
		return
	}
	if !d.plain {
		d.problem(d.at(n), key, "a secret does not stand in this file: give %s_file, or ${NAME} of an environment variable", last)
		return
	}
	d.setSecret(d.at(n), v, n.Value, key)
}

func (d *decoder) secretFile(n *yaml.Node, v reflect.Value, key string) {
	d.sources[key] = d.at(n)
	if n.Kind != yaml.ScalarNode || n.Tag != "!!str" || n.Value == "" {
		d.problem(d.at(n), key+"_file", "want the path of a file")
		return
	}
	if d.blind {
		return
	}
	path := n.Value
	if ref := reference.FindStringSubmatch(path); ref != nil {
		text, ok := d.resolve(n, ref[1], key)
		if !ok {
			return
		}
		path = text
	}
	d.readSecret(d.sources[key], v, path, key)
}

// readSecret takes the secret from the file at path, relative to the
// configuration's own folder. One line end at its end is not part of it.
func (d *decoder) readSecret(at Source, v reflect.Value, path, key string) {
	if d.blind {
		return
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(d.dir, path)
	}
	text, err := readBounded(path, maxSecret)
	if err != nil {
		d.problem(at, key+"_file", "%s: %v", path, err)
		return
	}
	secret := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if secret == "" {
		d.problem(at, key+"_file", "%s is empty", path)
		return
	}
	d.setSecret(at, v, secret, key)
}

func (d *decoder) setSecret(at Source, v reflect.Value, text, key string) {
	if err := unmarshalText(v, text); err != nil {
		// The error may quote what it was given.
		d.problem(at, key, "the secret was refused by its type")
	}
}
