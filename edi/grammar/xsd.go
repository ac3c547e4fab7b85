package grammar

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// XSD reads an XML schema of one set as EDI servers keep them: an element for
// each segment (BEG) that holds one for each of its elements (BEG01), loops
// around them, types by name or with facets of their own. id and group name the
// set.
func XSD(text, id, release, group string) (*Imported, error) {
	x := &xsd{types: map[string]*xsdNode{}, elements: map[string]*xsdNode{}, segments: map[string]string{}, composites: map[string]string{}, left: map[string]bool{}}
	d := xml.NewDecoder(strings.NewReader(decoded(text)))
	d.CharsetReader = func(charset string, in io.Reader) (io.Reader, error) {
		if strings.EqualFold(charset, "utf-16") || strings.EqualFold(charset, "utf-8") {
			return in, nil // it is decoded by now
		}
		return nil, fmt.Errorf("character set %s", charset)
	}
	var root xsdNode
	if err := d.Decode(&root); err != nil {
		return nil, fmt.Errorf("reading XSD: %w", err)
	}
	if root.XMLName.Local != "schema" {
		return nil, fmt.Errorf("reading XSD: its root is %s, not a schema", root.XMLName.Local)
	}
	var top *xsdNode
	for i := range root.Children {
		switch c := &root.Children[i]; c.XMLName.Local {
		case "simpleType", "complexType":
			x.types[c.attr("name")] = c
		case "element":
			x.elements[c.attr("name")] = c
			if top == nil && strings.Contains(c.attr("name"), id) {
				top = c
			}
		}
	}
	if top == nil {
		return nil, fmt.Errorf("reading XSD: no element is named for set %s", id)
	}
	var set strings.Builder
	for _, c := range x.content(top, 0) {
		if err := x.node(&set, c, 0); err != nil {
			return nil, fmt.Errorf("reading XSD: %w", err)
		}
	}
	if set.Len() == 0 {
		return nil, errors.New("reading XSD: the set has no segments")
	}
	out := &Imported{Sets: map[string]string{id: strings.TrimRight(fmt.Sprintf("set %s %s %s", id, release, group), " ") + "\n" + set.String()}}
	var b strings.Builder
	fmt.Fprintf(&b, "# Release %s, imported from XSD.\nreplace\n", release)
	for _, defs := range []map[string]string{x.composites, x.segments} {
		for _, k := range slices.Sorted(maps.Keys(defs)) {
			b.WriteString(defs[k])
		}
	}
	out.Segments, out.Left = b.String(), slices.Sorted(maps.Keys(x.left))
	return out, nil
}

// decoded is text that may be in UTF-16, as BizTalk keeps schemas, with a mark or told by
// the zero beside its first character.
func decoded(text string) string {
	high := 1 // of the byte that counts 256s
	switch {
	case len(text) < 2:
		return text
	case text[:2] == "\xFE\xFF" || text[0] == 0:
		high = 0
	case text[:2] != "\xFF\xFE" && text[1] != 0:
		return strings.TrimPrefix(text, "\uFEFF")
	}
	units := make([]uint16, 0, len(text)/2)
	for i := 0; i+1 < len(text); i += 2 {
		units = append(units, uint16(text[i+high])<<8|uint16(text[i+1-high]))
	}
	return strings.TrimPrefix(string(utf16.Decode(units)), "\uFEFF")
}

type xsdNode struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Children []xsdNode  `xml:",any"`
}

func (n *xsdNode) attr(name string) string {
	for _, a := range n.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

type xsd struct {
	types, elements      map[string]*xsdNode
	segments, composites map[string]string
	left                 map[string]bool
}

const deepest = 20 // of loops, and of types that stand on types

func local(name string) string { return name[strings.IndexByte(name, ':')+1:] }

// content is the child elements of an element, through its type, sequences and
// choices.
func (x *xsd) content(n *xsdNode, depth int) (out []*xsdNode) {
	if depth > deepest {
		return nil
	}
	if ref := n.attr("ref"); ref != "" && x.elements[local(ref)] != nil {
		return x.content(x.elements[local(ref)], depth+1)
	}
	if t := x.types[local(n.attr("type"))]; t != nil {
		return x.content(t, depth+1)
	}
	for i := range n.Children {
		switch c := &n.Children[i]; c.XMLName.Local {
		case "element":
			out = append(out, c)
		case "complexType", "sequence", "choice", "all", "complexContent", "extension":
			out = append(out, x.content(c, depth+1)...)
		}
	}
	return out
}

func (x *xsd) name(n *xsdNode) string {
	if ref := n.attr("ref"); ref != "" {
		return local(ref)
	}
	return n.attr("name")
}

// tagOf is the segment that an element stands for: the first of its children is
// called as it, with 01 behind. BizTalk adds numbers to tags that come twice.
func (x *xsd) tagOf(n *xsdNode, depth int) (string, []*xsdNode) {
	kids := x.content(n, depth)
	if len(kids) == 0 {
		return "", nil
	}
	first := x.name(kids[0])
	if len(first) < 4 || len(first) > 5 || first[len(first)-2:] != "01" {
		return "", kids
	}
	if tag := first[:len(first)-2]; strings.Contains(x.name(n), tag) {
		return tag, kids
	}
	return "", kids
}

func (x *xsd) node(b *strings.Builder, n *xsdNode, depth int) error {
	if depth > deepest {
		return errors.New("loops stand too deep in each other")
	}
	need, most := "O", 1
	if m := n.attr("minOccurs"); m == "" || m != "0" {
		need = "M"
	}
	if m := n.attr("maxOccurs"); m == "unbounded" {
		most = 999_999
	} else if v, err := strconv.Atoi(m); err == nil && v > 0 {
		most = v
	}
	tag, kids := x.tagOf(n, 0)
	indent := strings.Repeat("  ", depth)
	if tag != "" {
		if tag == "ST" || tag == "SE" {
			return nil
		}
		if err := x.segment(tag, kids); err != nil {
			return err
		}
		fmt.Fprintf(b, "%s%s %s %d\n", indent, tag, need, most)
		return nil
	}
	first := ""
	if len(kids) > 0 {
		first, _ = x.tagOf(kids[0], 0)
	}
	if first == "" {
		x.left["element "+x.name(n)] = true
		return nil
	}
	fmt.Fprintf(b, "%sloop %s %s %d\n%s  %s M 1\n", indent, first, need, most, indent, first)
	_, own := x.tagOf(kids[0], 0)
	if err := x.segment(first, own); err != nil {
		return err
	}
	for _, k := range kids[1:] {
		if err := x.node(b, k, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (x *xsd) segment(tag string, kids []*xsdNode) error {
	if x.segments[tag] != "" {
		return nil
	}
	var list []string
	for _, k := range kids {
		list = append(list, x.element(k, tag))
	}
	if len(list) > 64 {
		return fmt.Errorf("segment %s has %d elements, at most 64 are taken", tag, len(list))
	}
	x.segments[tag] = tag + " " + strings.Join(list, " | ") + "\n"
	return nil
}

func (x *xsd) element(n *xsdNode, tag string) string {
	need := "O"
	if n.attr("minOccurs") != "0" {
		need = "M"
	}
	repeat := ""
	if v, err := strconv.Atoi(n.attr("maxOccurs")); err == nil && v > 1 {
		repeat = fmt.Sprintf(" x%d", v)
	}
	name := x.name(n)
	if parts := x.content(n, 0); len(parts) > 0 {
		var list []string
		for _, p := range parts {
			list = append(list, x.element(p, ""))
		}
		if tag == "" || len(list) > 64 {
			x.left["element "+name] = true
			return "?"
		}
		x.composites[name] = "composite " + name + " " + strings.Join(list, " | ") + "\n"
		return fmt.Sprintf("%s C 1-999 %s%s", need, name, repeat)
	}
	kind, least, most, codes := "AN", 1, 999, []string(nil)
	at := n
	for range deepest {
		if t := x.types[local(at.attr("type"))]; t != nil {
			kind = kindOf(at.attr("type"), kind)
			at = t
		} else if r := at.attr("type"); r != "" {
			kind = kindOf(r, kind)
			break
		}
		r := restriction(at)
		if r == nil {
			break
		}
		for i := range r.Children {
			c := &r.Children[i]
			v, err := strconv.Atoi(c.attr("value"))
			switch l := c.XMLName.Local; {
			case l == "enumeration":
				codes = append(codes, c.attr("value"))
			case err != nil || v < 0 || v > 1<<20:
			case l == "minLength":
				least = v
			case l == "maxLength", l == "totalDigits":
				most = v
			case l == "length":
				least, most = v, v
			}
		}
		kind = kindOf(r.attr("base"), kind)
		next := x.types[local(r.attr("base"))]
		if next == nil || next == at {
			break
		}
		at = next
	}
	most = max(most, least)
	out := fmt.Sprintf("%s %s %d-%d %s%s", need, kind, least, most, name, repeat)
	clean := !slices.ContainsFunc(codes, func(c string) bool { return c == "" || strings.ContainsAny(c, "(),|; \n") })
	if len(codes) > 0 && clean {
		out += " (" + strings.Join(codes, ",") + ")"
	}
	return out
}

func restriction(n *xsdNode) *xsdNode {
	for i := range n.Children {
		switch c := &n.Children[i]; c.XMLName.Local {
		case "restriction":
			return c
		case "simpleType":
			return restriction(c)
		}
	}
	return nil
}

// kindOf guesses the type from what a base is called: "X12_ID_353", "xs:decimal".
func kindOf(base, otherwise string) string {
	for part := range strings.SplitSeq(local(base), "_") {
		switch part {
		case "AN", "ID", "R", "DT", "TM", "N0", "N1", "N2", "N3", "N4", "N5", "N6", "N7", "N8", "N9":
			return part
		case "N":
			return "N0"
		case "decimal", "double", "float":
			return "R"
		case "integer", "int", "long", "nonNegativeInteger":
			return "N0"
		}
	}
	return otherwise
}
