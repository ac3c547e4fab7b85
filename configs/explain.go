package configs

import (
	"encoding"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// Applied tells what is in force and where each value came from.
type Applied struct {
	target  reflect.Value
	sources map[string]Source
	unused  []string
}

// A Setting is one value in force.
type Setting struct {
	Key    string `json:"key"`
	Value  string `json:"value"`  // "<redacted>" of a secret, "" where it is not set
	Source string `json:"source"` // as [Source.String] gives it
}

// Settings lists every setting in the order of the structs that hold them.
func (a *Applied) Settings() []Setting {
	var list []Setting
	settings(a.target, "", false, format, func(key, value string) {
		list = append(list, Setting{key, value, a.Source(key).String()})
	})
	return list
}

// Changed lists the keys whose values differ between two that were loaded into the same type,
// in the order of the keys. Of secrets it says that they differ, and no more.
func (a *Applied) Changed(b *Applied) []string {
	before, after := a.revealed(), b.revealed()
	var keys []string
	for key, value := range before {
		if now, there := after[key]; !there || now != value {
			keys = append(keys, key)
		}
	}
	for key := range after {
		if _, there := before[key]; !there {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// revealed are the values by key, secrets as they are.
func (a *Applied) revealed() map[string]string {
	values := map[string]string{}
	settings(a.target, "", false, func(v reflect.Value, bytes bool) string {
		if isSecret(v.Type()) {
			return reveal(v)
		}
		return format(v, bytes)
	}, func(key, value string) { values[key] = value })
	return values
}

// Source tells where the value of key came from. An item of a list comes from
// where the list does.
func (a *Applied) Source(key string) Source {
	if at, ok := a.sources[key]; ok {
		return at
	}
	if list := strings.LastIndexByte(key, '['); list > 0 && strings.HasSuffix(key, "]") {
		return a.Source(key[:list])
	}
	return Source{}
}

// Unused lists the variables of the environment that begin with the prefix and
// name no section of the configuration.
func (a *Applied) Unused() []string { return a.unused }

// Explain prints the settings, one a line, secrets redacted.
func (a *Applied) Explain(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, s := range a.Settings() {
		value := s.Value
		if value == "" {
			value = "-"
		}
		if strings.ContainsFunc(value, unicode.IsControl) {
			value = strconv.Quote(value)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", s.Key, value, s.Source)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, name := range a.unused {
		if _, err := fmt.Fprintf(w, "the environment variable %s names no setting\n", name); err != nil {
			return err
		}
	}
	return nil
}

// settings calls yield for each value below v that is not a section.
func settings(v reflect.Value, key string, bytes bool, show func(v reflect.Value, bytes bool) string, yield func(key, value string)) {
	t := v.Type()
	switch {
	case isText(t) || t == durationType || scalarKind(t):
		yield(key, show(v, bytes))
	case t.Kind() == reflect.Pointer && v.IsNil():
		yield(key, "")
	case t.Kind() == reflect.Pointer:
		settings(v.Elem(), key, bytes, show, yield)
	case t.Kind() == reflect.Struct:
		for _, f := range fields(t) {
			settings(v.FieldByIndex(f.index), join(key, f.key), f.bytes, show, yield)
		}
	case v.Len() == 0:
		yield(key, "")
	case t.Kind() == reflect.Map:
		for _, k := range sortedKeys(v) {
			e := reflect.New(t.Elem()).Elem()
			e.Set(v.MapIndex(k))
			settings(e, join(key, k.String()), bytes, show, yield)
		}
	default:
		for i := range v.Len() {
			settings(v.Index(i), fmt.Sprintf("%s[%d]", key, i), bytes, show, yield)
		}
	}
}

func reveal(v reflect.Value) string {
	return v.Addr().Interface().(interface{ Reveal() string }).Reveal()
}

// format writes a single value as the file would hold it, quotes aside.
func format(v reflect.Value, bytes bool) string {
	switch t := v.Type(); {
	case isSecret(t):
		if reveal(v) == "" {
			return ""
		}
		return redacted
	case isText(t):
		if m, ok := v.Addr().Interface().(encoding.TextMarshaler); ok {
			if text, err := m.MarshalText(); err == nil {
				return string(text)
			}
		}
		return fmt.Sprint(v.Interface())
	case t == durationType:
		return formatDuration(time.Duration(v.Int()))
	case bytes && v.CanUint():
		return formatBytes(int64(v.Uint()))
	case bytes:
		return formatBytes(v.Int())
	}
	return fmt.Sprint(v.Interface())
}
