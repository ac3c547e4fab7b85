package configs

import (
	"fmt"
	"reflect"
	"strings"
)

// validate asks every struct whether it is right, the inner ones first: what is
// wrong in one is seldom right in the whole.
func (d *decoder) validate(v reflect.Value, key string) {
	t := v.Type()
	switch {
	case t.Kind() == reflect.Pointer:
		if !v.IsNil() {
			d.validate(v.Elem(), key)
		}
		return
	case t.Kind() == reflect.Slice:
		for i := range v.Len() {
			d.validate(v.Index(i), fmt.Sprintf("%s[%d]", key, i))
		}
		return
	case t.Kind() == reflect.Map:
		for _, k := range sortedKeys(v) {
			e := reflect.New(t.Elem()).Elem() // Validate may have a pointer receiver
			e.Set(v.MapIndex(k))
			d.validate(e, join(key, k.String()))
		}
		return
	case !isSection(t):
		return
	}
	for _, f := range fields(t) {
		d.validate(v.FieldByIndex(f.index), join(key, f.key))
	}
	if !v.Addr().Type().Implements(validatorType) {
		return
	}
	for _, err := range single(v.Addr().Interface().(interface{ Validate() error }).Validate()) {
		d.invalid(t, key, err.Error())
	}
}

// invalid places what Validate said at the key it begins with, if it does.
func (d *decoder) invalid(t reflect.Type, section, said string) {
	at, message := section, said
	if path, rest, ok := strings.Cut(said, ": "); ok {
		first := path[:strings.IndexAny(path+".", ".[")]
		for _, f := range fields(t) {
			if f.key == first {
				at, message = join(section, path), rest
			}
		}
	}
	if !d.isUnread(at) {
		d.problem(sourceOf(d.sources, at), at, "%s", message)
	}
}

// isUnread reports whether the value of key, or one below it, could not be read.
func (d *decoder) isUnread(key string) bool {
	if key == "" {
		return false // something is wrong somewhere, which excuses nothing
	}
	for _, p := range d.problems[:min(d.unread, len(d.problems))] {
		if rest, ok := strings.CutPrefix(p.Key, key); ok && (rest == "" || rest == "_file" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}

// single takes apart what [errors.Join] joined, and nothing else: another error
// with several causes has words of its own around them.
func single(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var list []error
	var lines []string
	for _, e := range joined.Unwrap() {
		list = append(list, single(e)...)
		lines = append(lines, e.Error())
	}
	if strings.Join(lines, "\n") != err.Error() {
		return []error{err}
	}
	return list
}

// sourceOf is where key was given, or the section around it.
func sourceOf(sources map[string]Source, key string) Source {
	if key == "" {
		return sources[key] // the file as a whole
	}
	for key != "" {
		if at, ok := sources[key]; ok {
			return at
		}
		key = key[:max(0, strings.LastIndexAny(key, ".["))]
	}
	return Source{}
}
