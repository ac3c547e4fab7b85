package configs

import (
	"fmt"
	"io"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Template writes the configuration that target, a pointer to a struct with its
// defaults, stands for: each key under its meaning, commented out with its
// default as "#key: value", so that a later default is not pinned by a file
// that nobody chose it in. It reads back as the defaults, with the marks taken
// off too. prefix is that of [Loader.Prefix].
func Template(w io.Writer, target any, prefix string) error {
	t := &template{}
	v := reflect.ValueOf(target).Elem()
	checkType(v.Type(), v.Type().String())
	t.section(v, "", defaultPrefix(prefix), "")
	_, err := io.WriteString(w, strings.TrimPrefix(t.String(), "\n"))
	return err
}

type template struct{ strings.Builder }

func (t *template) section(v reflect.Value, indent, name, mark string) {
	for _, f := range fields(v.Type()) {
		fv := v.FieldByIndex(f.index)
		if indent == "" {
			t.WriteByte('\n')
		}
		t.comment(indent, f.doc)
		t.field(fv, indent, f.key, variable(name, f.key), mark, f.bytes)
	}
}

func (t *template) field(v reflect.Value, indent, key, name, mark string, bytes bool) {
	typ := v.Type()
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
		if v.IsNil() {
			v, mark = fresh(typ), "#" // a section that is not there until asked for
		} else {
			v = v.Elem()
		}
	}
	switch {
	case isSecret(typ):
		t.comment(indent, "A secret: a file that holds it, or "+key+": ${"+name+"}.")
		fmt.Fprintf(t, "%s#%s_file: %s\n", indent, key, "secrets/"+key)
	case isSection(typ):
		fmt.Fprintf(t, "%s%s%s:\n", indent, mark, key)
		t.section(v, indent+"  ", name, mark)
	case typ.Kind() == reflect.Map && isSection(deref(typ.Elem())):
		fmt.Fprintf(t, "%s%s%s:\n", indent, mark, key)
		if v.Len() == 0 {
			t.comment(indent+"  ", "One section for each, under a name of your choice.")
			t.field(fresh(typ.Elem()), indent+"  ", "name", name+"_NAME", "#", bytes)
		}
		for _, k := range sortedKeys(v) {
			e := reflect.New(typ.Elem()).Elem()
			e.Set(v.MapIndex(k))
			t.field(e, indent+"  ", k.String(), variable(name, k.String()), mark, bytes)
		}
	default:
		fmt.Fprintf(t, "%s#%s: %s\n", indent, key, inline(v, bytes))
		if typ.Kind() == reflect.Slice && isSection(deref(typ.Elem())) && v.Len() == 0 {
			t.entry(fresh(deref(typ.Elem())), indent, name)
		}
	}
}

// entry shows, as a comment, what may stand in an entry of a list that is empty.
func (t *template) entry(v reflect.Value, indent, name string) {
	var each template
	each.section(v, " ", name, "")
	t.comment(indent, "An entry of it:")
	lead := "- "
	for line := range strings.Lines(each.String()) {
		line = strings.TrimPrefix(line, " ")
		switch says := strings.TrimLeft(line, " "); {
		case strings.HasPrefix(says, "# "): // what a setting means
			line = "  " + line
		default:
			line = lead + strings.Replace(line, "#", "", 1)
			lead = "  "
		}
		t.WriteString(indent + "#   " + line)
	}
}

func deref(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// inline writes a value in one line of YAML.
func inline(v reflect.Value, bytes bool) string {
	t := v.Type()
	switch {
	case isText(t) || t.Kind() == reflect.String:
		return scalarYAML(format(v, bytes))
	case t == durationType || scalarKind(t):
		return format(v, bytes)
	}
	var items []string
	switch t.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return "{}"
		}
		return inline(v.Elem(), bytes)
	case reflect.Slice:
		for i := range v.Len() {
			items = append(items, inline(v.Index(i), bytes))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case reflect.Map:
		for _, k := range sortedKeys(v) {
			e := reflect.New(t.Elem()).Elem()
			e.Set(v.MapIndex(k))
			items = append(items, k.String()+": "+inline(e, bytes))
		}
	default: // a section in a list
		for _, f := range fields(t) {
			if fv := v.FieldByIndex(f.index); !isSecret(fv.Type()) {
				items = append(items, f.key+": "+inline(fv, f.bytes))
			}
		}
	}
	return "{" + strings.Join(items, ", ") + "}"
}

// scalarYAML quotes text where YAML would take it for something else.
func scalarYAML(text string) string {
	node := yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	if text == "" || strings.ContainsAny(text, ",[]{}\n") {
		node.Style = yaml.DoubleQuotedStyle
	}
	out, err := yaml.Marshal(&node)
	if err != nil {
		return `""`
	}
	return strings.TrimSuffix(string(out), "\n")
}

// comment writes text as comment lines of at most 78 columns.
func (t *template) comment(indent, text string) {
	const width = 78
	line := indent + "#"
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > width && line != indent+"#" {
			fmt.Fprintln(t, line)
			line = indent + "#"
		}
		line += " " + word
	}
	if line != indent+"#" {
		fmt.Fprintln(t, line)
	}
}
