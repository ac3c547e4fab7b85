package x12gen

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Planted is an error that was put into a document: the code of the finding that
// has to tell of it and the byte it has to name.
type Planted struct {
	Kind   string
	Code   string
	Offset int
}

// plant changes the text of a 940 interchange; d is its second set, or all of it
// where the error is one of the envelope.
type plant struct {
	kind, code string
	envelope   bool
	do         func(d *draft)
}

// draft is a run of segments that is being spoilt.
type draft struct {
	segments [][]string // tag and elements
	at, n    int        // where the error stands: segment, and its element; 0 is the tag
	inner    int        // bytes into the element
	after    bool       // the place is behind the element
	raw      map[int]string
}

// find is the first segment of a tag from i on, -1 without one.
func (d *draft) find(tag string, i int) int {
	j := slices.IndexFunc(d.segments[i:], func(s []string) bool { return s[0] == tag })
	if j < 0 {
		return -1
	}
	return i + j
}

// set changes element n of the first segment of a tag, which is the error's place.
func (d *draft) set(tag string, n int, v string) {
	d.at, d.n = d.find(tag, 0), n
	s := d.segments[d.at]
	for len(s) <= n {
		s = append(s, "")
	}
	s[n] = v
	d.segments[d.at] = s
}

func (d *draft) insert(at int, s ...string) {
	d.segments = slices.Insert(d.segments, at, s)
	d.at, d.n = at, 0
}

func (d *draft) remove(at int) {
	d.segments = slices.Delete(d.segments, at, at+1)
	d.at, d.n = at, 0 // missing where the next one stands
}

// recount makes SE01 right again, so that one error is one error.
func (d *draft) recount() {
	if se := d.find("SE", 0); se >= 0 {
		d.segments[se][1] = strconv.Itoa(se + 1)
	}
}

var plants = []plant{
	{"a word for a number", "element-character", false, func(d *draft) { d.set("W01", 1, "MANY") }},
	{"a control character", "element-character", false, func(d *draft) { d.set("N1", 2, "AB\x01C") }},
	{"an element too long", "element-too-long", false, func(d *draft) { d.set("W05", 2, strings.Repeat("9", 23)) }},
	{"an element too short", "element-too-short", false, func(d *draft) { d.set("W01", 2, "E") }},
	{"a missing element", "element-missing", false, func(d *draft) { d.set("W05", 2, "") }},
	{"an impossible date", "element-date", false, func(d *draft) { d.set("G62", 2, "20260231") }},
	{"an impossible time", "element-time", false, func(d *draft) { d.set("G62", 3, "8"); d.set("G62", 4, "2561") }},
	{"half a pair", "element-conditional", false, func(d *draft) {
		d.set("N1", 3, "")
		d.segments[d.at] = append(d.segments[d.at][:3], "", "4711")
		d.n = 3
	}},
	{"none of those of which one must be", "element-conditional", false, func(d *draft) {
		d.insert(d.find("G62", 0), "N9", "DP")
		d.n, d.after = 1, true
	}},
	{"a missing segment", "segment-missing", false, func(d *draft) { d.remove(d.find("W05", 0)) }},
	{"a loop without its lines", "segment-missing", false, func(d *draft) {
		i := d.find("W76", 0)
		d.insert(i, "LX", "9999")
		d.at = i + 1
	}},
	{"a segment too often", "segment-repeats", false, func(d *draft) { i := d.find("W76", 0); d.insert(i+1, d.segments[i]...) }},
	{"a segment too late", "segment-sequence", false, func(d *draft) { d.insert(d.find("W76", 0), "W66", "PP") }},
	{"a segment outside its loop", "segment-unexpected", false, func(d *draft) { d.insert(d.find("G62", 0), "W20", "1") }},
	{"a segment nobody knows", "segment-unknown", false, func(d *draft) { d.insert(d.find("LX", 0), "QQ", "1") }},
	{"an element nobody knows", "element-unknown", false, func(d *draft) { d.set("LX", 2, "1") }},
	{"a wrong check digit", "check-digit", false, func(d *draft) {
		d.set("W01", 6, "UP")
		d.set("W01", 7, "012345678904")
	}},
	{"a wrong total", "sum-mismatch", false, func(d *draft) { d.set("W76", 1, "999999") }},
	{"a wrong segment count", "se01-count", false, func(d *draft) { d.set("SE", 1, "999") }},
	{"another control number at the end", "se02-control", false, func(d *draft) { d.set("SE", 2, "9999") }},
	{"a control number used before", "st02-repeated", false, func(d *draft) { d.set("SE", 2, "0001"); d.set("ST", 2, "0001") }},
	{"a missing end", "se-missing", false, func(d *draft) { d.remove(d.find("SE", 0)); d.inner = -1 }}, // due before the line end
	{"a terminator alone", "segment-empty", false, func(d *draft) { d.at = d.find("LX", 0); d.raw = map[int]string{d.at: "~"} }},
	{"a line break in data", "line-break-in-data", false, func(d *draft) { d.set("N1", 2, "SHOP\nNO 9"); d.inner = 4 }},
	{"a segment between sets", "segment-outside-set", false, func(d *draft) {
		d.segments = append(d.segments, []string{"N1", "ST", "X"})
		d.at, d.n = len(d.segments)-1, 0
	}},
	{"a wrong set count", "ge01-count", true, func(d *draft) { d.set("GE", 1, "9") }},
	{"another group number at the end", "ge02-control", true, func(d *draft) { d.set("GE", 2, "99") }},
	{"a wrong group count", "iea01-count", true, func(d *draft) { d.set("IEA", 1, "9") }},
	{"another interchange number at the end", "iea02-control", true, func(d *draft) { d.set("IEA", 2, "000000099") }},
	{"a missing group end", "ge-missing", true, func(d *draft) { d.remove(d.find("GE", 0)); d.inner = -1 }},
	{"a group number that is none", "gs06-value", true, func(d *draft) { d.set("GE", 2, "A"); d.set("GS", 6, "A") }},
	{"a group of another kind", "gs01-set", true, func(d *draft) { d.set("GS", 1, "PO"); d.at, d.n = d.find("ST", 0), 1 }},
	{"an interchange number that is none", "isa-element", true, func(d *draft) { d.set("IEA", 2, "00000000A"); d.set("ISA", 13, "00000000A") }},
}

// PlantedKinds is how many kinds of errors [Plant] has.
func PlantedKinds() int { return len(plants) }

// Plant puts the k-th kind of error into text, an interchange of three or more
// 940 with "~" as terminator and "\n" behind it, made by [Write]: into its second
// set, or into its envelope.
func Plant(text []byte, k int) ([]byte, Planted, error) {
	p := plants[k]
	from, to := 0, len(text)
	if !p.envelope {
		from = bytes.Index(text, []byte("ST*940*0002"))
		to = bytes.Index(text, []byte("ST*940*0003"))
		if from < 0 || to < from {
			return nil, Planted{}, fmt.Errorf("x12gen: no second of three sets to plant %s in", p.kind)
		}
	}
	d := &draft{}
	for _, line := range strings.Split(strings.TrimSuffix(string(text[from:to]), "~\n"), "~\n") {
		d.segments = append(d.segments, strings.Split(line, "*"))
	}
	p.do(d)
	if p.code != "se01-count" && p.code != "segment-outside-set" && !p.envelope {
		d.recount()
	}
	var out []byte
	out = append(out, text[:from]...)
	done := Planted{Kind: p.kind, Code: p.code, Offset: -1}
	for i, s := range d.segments {
		if raw, ok := d.raw[i]; ok {
			done.Offset = len(out)
			out = append(out, raw...)
			out = append(out, '\n')
		}
		for n, v := range s {
			if n > 0 {
				out = append(out, '*')
			}
			if i == d.at && n == d.n && done.Offset < 0 {
				done.Offset = len(out) + d.inner
				if d.after {
					done.Offset += len(v)
				}
			}
			out = append(out, v...)
		}
		out = append(out, "~\n"...)
	}
	if done.Offset < 0 { // behind the last
		done.Offset = len(out) + d.inner
	}
	return append(out, text[to:]...), done, nil
}
