package grammar

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/paklog/hub/edi/x12"
)

// elements checks a segment's elements by their definitions, then the notes
// that tie them together.
func (c *checker) elements(s x12.Segment, def *Segment) {
	repetition := c.repetition
	c.fields = s.AppendElements(c.fields[:0])
	for i, e := range def.Elements {
		n := i + 1
		if i >= len(c.fields) || len(c.fields[i]) == 0 {
			if e != nil && e.Requirement == 'M' {
				c.element(s, n, e, CodeMissingElement, "1", fmt.Sprintf("mandatory element %s is missing", s.Ref(n)), "")
			}
			continue
		}
		raw := c.fields[i]
		if e == nil || e.Type == "C" {
			continue
		}
		if repetition != 0 && bytes.IndexByte(raw, repetition) >= 0 {
			continue // later releases repeat elements this profile knows as single
		}
		v := raw
		if c.wrapped {
			v = s.Data(n)
		}
		for len(v) > 0 && v[len(v)-1] == ' ' {
			v = v[:len(v)-1]
		}
		c.one(s, n, e, raw, v)
	}
	for i := len(def.Elements); i < len(c.fields); i++ {
		if len(c.fields[i]) > 0 {
			c.add(s, i+1, CodeUnknownElement, x12.Note, x12.AckCodes{}, fmt.Sprintf("the profile does not know element %s", s.Ref(i+1)), "", "")
			break
		}
	}
	for i := range def.Syntax {
		c.syntax(s, def, &def.Syntax[i])
	}
}

// one checks the value of one element. Trailing blanks count for the least
// length only: the standard has them fill up to it.
func (c *checker) one(s x12.Segment, n int, e *Element, raw, v []byte) {
	size := len(v)
	switch e.Type[0] {
	case 'N', 'R':
		digits, ok := numeric(v, e.Type[0] == 'R')
		if !ok {
			c.element(s, n, e, CodeCharacter, "6", fmt.Sprintf("%s is not a number: %q", s.Ref(n), v), typeName(e))
			return
		}
		size = digits
		raw = raw[:size]
	case 'D':
		if !x12.IsDate(string(v)) {
			c.element(s, n, e, CodeDate, "8", fmt.Sprintf("%s is not a date: %q", s.Ref(n), v), typeName(e))
			return
		}
	case 'T':
		if !x12.IsTime(string(v)) {
			c.element(s, n, e, CodeTime, "9", fmt.Sprintf("%s is not a time: %q", s.Ref(n), v), typeName(e))
			return
		}
	default:
		for _, b := range v {
			if b < ' ' || b == 0x7F {
				c.element(s, n, e, CodeCharacter, "6", fmt.Sprintf("%s holds the control character %q", s.Ref(n), b), "printable characters")
				return
			}
		}
	}
	switch {
	case size > e.Max:
		c.element(s, n, e, CodeTooLong, "5", fmt.Sprintf("%s has %d characters, at most %d are allowed", s.Ref(n), size, e.Max), typeName(e))
	case len(raw) < e.Min:
		c.element(s, n, e, CodeTooShort, "4", fmt.Sprintf("%s has %d characters, at least %d are needed", s.Ref(n), len(raw), e.Min), typeName(e))
	case len(e.Codes) > 0 && !known(e.Codes, v):
		c.add(s, n, CodeUnknownCode, x12.Note, x12.AckCodes{}, fmt.Sprintf("the profile does not know code %q in %s", v, s.Ref(n)), strings.Join(e.Codes, " "), "")
	}
}

func known(codes []string, v []byte) bool {
	for _, k := range codes {
		if k == string(v) {
			return true
		}
	}
	return false
}

// numeric counts the digits of a number: sign and point have no length.
func numeric(v []byte, decimal bool) (digits int, ok bool) {
	if len(v) > 0 && (v[0] == '-' || decimal && v[0] == '+') {
		v = v[1:]
	}
	point := false
	for i, b := range v {
		switch {
		case b-'0' < 10:
			digits++
		case decimal && b == '.' && !point:
			point = true
		case decimal && (b == 'E' || b == 'e') && digits > 0:
			_, ok := numeric(v[i+1:], false)
			return digits, ok
		default:
			return digits, false
		}
	}
	return digits, digits > 0
}

func typeName(e *Element) string {
	switch e.Type[0] {
	case 'N':
		return fmt.Sprintf("a whole number of %s digits", span(e))
	case 'R':
		return fmt.Sprintf("a decimal number of %s digits", span(e))
	case 'D':
		return "a date, CCYYMMDD"
	case 'T':
		return "a time, HHMM"
	}
	return fmt.Sprintf("%s characters", span(e))
}

func span(e *Element) string {
	if e.Min == e.Max {
		return fmt.Sprint(e.Min)
	}
	return fmt.Sprintf("%d to %d", e.Min, e.Max)
}

func (c *checker) element(s x12.Segment, n int, e *Element, code, ak4, message, expected string) {
	ack := x12.AckCodes{AK3: "8", AK4: ak4, AK5: "5"}
	if e != nil {
		ack.Ref = e.Ref
	}
	c.add(s, n, code, x12.Error, ack, message, expected, "")
}

// has reports whether the n-th element of the segment at hand is there.
func (c *checker) has(n int) bool { return n <= len(c.fields) && len(c.fields[n-1]) > 0 }

func (c *checker) syntax(s x12.Segment, def *Segment, note *Syntax) {
	present, missing, last := 0, 0, 0
	for _, n := range note.Elements {
		if c.has(n) {
			present++
			last = n
		} else if missing == 0 {
			missing = n
		}
	}
	first := c.has(note.Elements[0])
	name := func() string {
		var refs []string
		for _, n := range note.Elements {
			refs = append(refs, s.Ref(n))
		}
		return strings.Join(refs, ", ")
	}
	at := func(n int) *Element {
		if n <= len(def.Elements) {
			return def.Elements[n-1]
		}
		return nil
	}
	switch note.Kind {
	case 'P':
		if present > 0 && missing > 0 {
			c.element(s, missing, at(missing), CodeConditional, "2", fmt.Sprintf("%s is missing: of %s all or none must be sent", s.Ref(missing), name()), "")
		}
	case 'R':
		if present == 0 {
			c.element(s, missing, at(missing), CodeConditional, "2", fmt.Sprintf("one of %s must be sent", name()), "")
		}
	case 'E':
		if present > 1 {
			c.element(s, last, at(last), CodeExclusion, "10", fmt.Sprintf("only one of %s may be sent", name()), "")
		}
	case 'C':
		if first && missing > 0 {
			c.element(s, missing, at(missing), CodeConditional, "2", fmt.Sprintf("%s is missing: it goes with %s", s.Ref(missing), s.Ref(note.Elements[0])), "")
		}
	case 'L':
		if first && present == 1 {
			c.element(s, missing, at(missing), CodeConditional, "2", fmt.Sprintf("one more of %s must be sent", name()), "")
		}
	}
}
