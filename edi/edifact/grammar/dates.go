package grammar

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/grammar"
)

// layouts are the forms of element 2380 by the format that 2379 names. A format
// that is not here is not checked.
var layouts = map[string][]string{
	"2": {"020106"}, "101": {"060102"}, "102": {"20060102"}, "103": nil, "105": {"06002"}, "106": {"0102"}, "107": {"002"},
	"201": {"0601021504"}, "202": {"060102150405"}, "203": {"200601021504"}, "204": {"20060102150405"}, "205": {"200601021504-0700"},
	"401": {"1504"}, "402": {"150405"}, "601": {"06"}, "602": {"2006"}, "609": {"0601"}, "610": {"200601"},
	"711": {"20060102", "20060102"}, "713": {"0601021504", "0601021504"}, "718": {"20060102", "20060102"}, "719": {"200601021504", "200601021504"},
}

// dates checks each DTM by the format it names.
func dates(p *edifact.Part, exact bool) {
	component := p.Segments.Delimiters().Component
	for i := p.Segments.Seek(0, "DTM"); i < p.Segments.Len(); i = p.Segments.Seek(i+1, "DTM") {
		s := p.Segments.At(i)
		if daily(s, component) {
			continue
		}
		value, format := s.Value(1, 2), s.Value(1, 3)
		layout, known := layouts[format]
		if value == "" || !known || layout == nil || fits(value, layout) {
			continue
		}
		f := p.AtComponent(s, 1, 1, 2)
		if slices.ContainsFunc(p.Findings, func(o edifact.Finding) bool { return o.Offset == f.Offset && o.Element == f.Element }) {
			continue // what is too long was told as such
		}
		f.Code, f.Layer, f.Ack = grammar.CodeDate, edifact.LayerStandard, acks[grammar.CodeDate]
		if !exact {
			f.Severity, f.Ack = edifact.Warning, edifact.AckCodes{}
		}
		f.Expected = "a date of format " + format
		f.Message = fmt.Sprintf("%s is no date of format %s: %q", f.Element, format, f.Found)
		p.Add(f)
	}
}

// daily holds for what nearly all dates are: CCYYMMDD and, may be, HHMM, that are
// good. It only saves the closer look.
func daily(s edifact.Segment, component byte) bool {
	v := s.Element(1)
	v = v[bytes.IndexByte(v, component)+1:]
	switch {
	case len(v) == 12 && v[8] == component && string(v[9:]) == "102":
		return grammar.IsDate(v[:8])
	case len(v) == 16 && v[12] == component && string(v[13:]) == "203":
		return grammar.IsDate(v[:8]) && grammar.IsTime(v[8:12])
	}
	return false
}

// fits tells whether v is the layouts one behind the other, a dash between them
// or not.
func fits(v string, layout []string) bool {
	for i, l := range layout {
		if i > 0 && len(v) > 0 && v[0] == '-' {
			v = v[1:]
		}
		n := len(l)
		if i == len(layout)-1 {
			n = len(v)
		}
		if len(v) < n || n != len(l) {
			return false
		}
		if _, err := time.Parse(l, v[:n]); err != nil {
			return false
		}
		v = v[n:]
	}
	return true
}
