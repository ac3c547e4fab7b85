package gs1

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// parseLink reads a GS1 Digital Link URI: the path, behind any stem, is a key with its
// qualifiers in their order; the query holds further identifiers, and parameters whose names
// are no digits, which are none of ours. A GTIN of 8, 12 or 13 digits is filled up.
func parseLink(s string, at int) ([]Element, error) {
	const op = "gs1.link"
	fail := func(ai string, offset int, problem string) ([]Element, error) {
		return nil, invalid(op, &Error{AI: ai, Offset: at + offset, Problem: problem})
	}
	_, rest, _ := strings.Cut(s, "://")
	head := len(s) - len(rest)
	rest, _, _ = strings.Cut(rest, "#")
	path, query, _ := strings.Cut(rest, "?")
	type part struct {
		text   string
		offset int
	}
	var parts []part
	offset := head
	for _, p := range strings.Split(path, "/") {
		parts = append(parts, part{p, offset})
		offset += len(p) + 1
	}
	begin := slices.IndexFunc(parts, func(p part) bool { id, ok := Lookup(p.text); return ok && id.Key })
	if begin < 1 { // the host is no key
		return fail("", head, "no part of its path is a key: it is no Digital Link")
	}
	parts = parts[begin:]
	if len(parts)%2 != 0 {
		return fail(parts[len(parts)-1].text, parts[len(parts)-1].offset, "has no value")
	}
	var out []Element
	take := func(name, value part) *Error {
		id, ok := Lookup(name.text)
		if !ok {
			return &Error{Offset: at + name.offset, Problem: fmt.Sprintf("%q is no application identifier", name.text)}
		}
		v, err := url.PathUnescape(value.text)
		if err != nil {
			return &Error{AI: id.AI, Offset: at + value.offset, Problem: err.Error()}
		}
		if g, err := GTIN14(v); err == nil && id.AI == "01" {
			v = g
		}
		if _, problem := id.Check(v); problem != "" {
			return &Error{AI: id.AI, Offset: at + value.offset, Problem: problem}
		}
		out = append(out, Element{id.AI, v, at + name.offset})
		return nil
	}
	var keys []string
	for i := 0; i < len(parts); i += 2 {
		if e := take(parts[i], parts[i+1]); e != nil {
			return nil, invalid(op, e)
		}
		keys = append(keys, parts[i].text)
	}
	if id, _ := Lookup(keys[0]); !id.qualifiedBy(keys[1:]) {
		return fail(id.AI, parts[0].offset, fmt.Sprintf("%s cannot follow it in a path in this order", strings.Join(keys[1:], ", ")))
	}
	offset = head + len(path) + 1
	for _, p := range strings.Split(strings.ReplaceAll(query, ";", "&"), "&") {
		if name, value, _ := strings.Cut(p, "="); isDigits(name) {
			if e := take(part{name, offset}, part{value, offset + len(p) - len(value)}); e != nil {
				return nil, invalid(op, e)
			}
		}
		offset += len(p) + 1
	}
	return out, nil
}

// qualifiedBy reports whether the qualifiers may follow the key, each left out or in its place.
func (id *Identifier) qualifiedBy(path []string) bool {
	if len(path) == 0 {
		return true
	}
	return slices.ContainsFunc(id.Qualifiers, func(order []string) bool {
		at := 0
		for _, q := range path {
			i := slices.Index(order[at:], q)
			if i < 0 {
				return false
			}
			at += i + 1
		}
		return true
	})
}
