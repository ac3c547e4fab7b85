package grammar

import (
	"bytes"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/edi/internal/stream"
)

// elements checks a segment's elements by their definitions, then the notes
// that tie them together.
func (c *checker) elements(def *Segment) {
	c.def = def
	var there uint64
	text, ends, class := c.text, c.ends, &c.class
	have := len(ends) - 1
	from, released := ends[0]+1, ends[have]
	if c.seen&isRelease != 0 {
		released = c.released
	}
	for i, to := range ends[1 : min(have, len(def.specs))+1] {
		sp := &def.specs[i]
		at := from
		from = to + 1
		if at == to {
			if sp.must {
				c.fault(i+1, 0, CodeMissingElement, "require", "mandatory element %s is missing", "")
			}
			continue
		}
		there |= 1 << i
		if sp.kind == unknown {
			continue
		}
		var flags uint8
		if seen := c.seen; seen != 0 {
			if seen&isRelease != 0 {
				if released < at {
					released = stream.Until(text, at, ends[have], c.sx.Release)
				}
				if released >= to {
					seen &^= isRelease
				}
			}
			switch {
			case seen&^(isComponent|isRelease) != 0:
				for _, b := range text[at:to] {
					flags |= class[b]
				}
			case sp.kind == composite && !blank(text[at:to]):
				c.parts(i+1, def.Elements[i], at, to, released)
				continue
			case seen&isRelease != 0:
				flags = isComponent | isRelease
			case sp.kind == digits && sp.fits(text, at, to), sp.kind == coded && sp.lists(text, at, to):
				continue
			case seen != 0 && stream.Until(text, at, to, c.sx.Component) < to:
				flags = isComponent
			}
		}
		switch {
		case flags == 0 && (sp.kind == coded && sp.lists(text, at, to) || sp.fits(text, at, to)):
		case blank(text[at:to]):
			there &^= 1 << i
			c.blanks(i+1, 0, def.Elements[i], text[at:to])
		case flags != 0 || sp.kind == composite:
			c.structured(i+1, def.Elements[i], at, to, flags)
		default:
			raw := text[at:to]
			c.value(i+1, 0, def.Elements[i], raw, raw, 0)
		}
	}
	for i := have; i < def.must; i++ {
		if def.specs[i].must {
			c.fault(i+1, 0, CodeMissingElement, "require", "mandatory element %s is missing", "")
		}
	}
	for i := len(def.Elements); i < have; i++ {
		if len(c.field(i+1)) > 0 {
			severity, message := finding.Note, "the profile does not know element %s"
			if c.set.Closed {
				severity, message = finding.Error, "element %s is not taken"
			}
			c.add(i+1, CodeUnknownElement, severity, "closed", fmt.Sprintf(message, finding.Ref(def.ID, i+1, 0)), "", "")
			break
		}
	}
	for i := range def.Notes {
		n := &def.Notes[i]
		got := there & n.mask
		switch n.Kind {
		case 'P':
			if got != 0 && got != n.mask {
				c.note(def, n, there)
			}
		case 'R':
			if got == 0 {
				c.note(def, n, there)
			}
		case 'E':
			if bits.OnesCount64(got) > 1 {
				c.note(def, n, there)
			}
		case 'C':
			if got&n.first != 0 && got != n.mask {
				c.note(def, n, there)
			}
		case 'L':
			if got == n.first {
				c.note(def, n, there)
			}
		case 'X':
			if got&n.first != 0 && got != n.first {
				c.note(def, n, there)
			}
		}
	}
}

// blanks checks an element that holds blanks alone: there is one in name only. Text
// holds at least one character that is no blank (X12.6), and blanks behind the last
// such character are to be left out (X12.6 and ISO 9735), so that none is left.
func (c *checker) blanks(n, component int, e *Element, raw []byte) {
	if e.Requirement != 'M' {
		if e.Components == nil && e.Type != "C" {
			c.value(n, component, e, raw, raw, 0)
		}
		return
	}
	what := "element"
	if component > 0 {
		what = "component"
	}
	c.at(n, component, CodeMissingElement, finding.Error, "require",
		fmt.Sprintf("mandatory %s %s is missing: it holds blanks alone", what, finding.Ref(c.tag(), n, component)), "a character that is no blank", "blanks are no data: send a value")
}

// blank reports whether v, which is not empty, is blanks alone.
func blank(v []byte) bool { return v[len(v)-1] == ' ' && len(trim(v)) == 0 }

// fits reports whether text[from:to], which is not empty and data alone, is good
// without a closer look.
func (s *spec) fits(text []byte, from, to uint32) bool {
	return to-from-s.least <= s.room && (s.kind == chars && text[to-1] != ' ' || s.kind == digits && stream.Digits(text, from, to))
}

// structured checks an element that repeats, has components, or holds bytes
// that need a second look.
func (c *checker) structured(n int, e *Element, from, to uint32, flags uint8) {
	raw := c.text[from:to]
	if flags&^isComponent == 0 && e.Components != nil {
		c.parts(n, e, from, to, to)
		return
	}
	if flags&isRepetition != 0 {
		times := 0
		for rest := raw; ; {
			times++
			one, more, found := cutAt(rest, c.sx.Repetition, c.sx.Release)
			c.components(n, e, one, flags)
			if rest = more; !found {
				break
			}
		}
		if times > e.Repeat {
			severity := finding.Note // later releases repeat elements that a profile knows as single
			if e.Repeat > 1 || c.set.Closed {
				severity = finding.Error
			}
			c.add(n, CodeTooManyRepetitions, severity, "repeat", fmt.Sprintf("%s is repeated %d times", finding.Ref(c.tag(), n, 0), times), fmt.Sprintf("at most %d", e.Repeat), "")
		}
		return
	}
	c.components(n, e, raw, flags)
}

func (c *checker) components(n int, e *Element, raw []byte, flags uint8) {
	if e.Components == nil {
		if e.Type == "C" {
			return // a composite that the profile says no more about
		}
		if flags&isComponent != 0 && e.Type[0] != 'N' && e.Type[0] != 'R' {
			if _, _, apart := cutAt(raw, c.sx.Component, c.sx.Release); apart { // one that is released is data
				c.add(n, CodeTooManyComponents, finding.Warning, "type", fmt.Sprintf("%s holds the component separator %q and has no components", finding.Ref(c.tag(), n, 0), c.sx.Component),
					typeName(e), "do not use a separator in data")
				return
			}
		}
		c.value(n, 0, e, raw, c.plain(raw, flags), flags)
		return
	}
	rest, found := raw, true
	for i, part := range e.Components {
		var one []byte
		if found {
			one, rest, found = cutAt(rest, c.sx.Component, c.sx.Release)
		}
		switch {
		case part == nil:
		case len(one) > 0 && blank(one):
			c.blanks(n, i+1, part, one)
		case len(one) > 0:
			c.value(n, i+1, part, one, c.plain(one, flags), flags)
		case part.Requirement == 'M':
			c.fault(n, i+1, CodeMissingElement, "require", "mandatory component %s is missing", "")
		}
	}
	if found && len(rest) > 0 {
		c.surplus(n, e)
	}
}

// parts is components for what nearly all composites are: data, separators and, from
// released on, release characters.
func (c *checker) parts(n int, e *Element, from, to, released uint32) {
	text, sep, specs := c.text, c.sx.Component, e.specs
	i := 0
	var cuts []uint32
	if n < len(c.parted) && released >= to {
		cuts = c.cuts[n*partedMost : n*partedMost+partedMost]
	}
	for ; i < len(specs) && from < to; i++ {
		sp := &specs[i]
		end := stream.Until(text, from, to, sep)
		if i < len(cuts) {
			cuts[i] = end
		}
		switch {
		case released < end:
			end = c.past(released, to)
			if sp.kind != unknown {
				one := text[from:end]
				c.value(n, i+1, e.Components[i], one, c.plain(one, isRelease), isRelease)
			}
			released = stream.Until(text, min(end+1, to), to, c.sx.Release)
		case end == from:
			if sp.must {
				c.fault(n, i+1, CodeMissingElement, "require", "mandatory component %s is missing", "")
			}
		case sp.kind == unknown || sp.kind == coded && sp.lists(text, from, end) || sp.fits(text, from, end):
		case blank(text[from:end]):
			c.blanks(n, i+1, e.Components[i], text[from:end])
		default:
			one := text[from:end]
			c.value(n, i+1, e.Components[i], one, one, 0)
		}
		from = end + 1
	}
	if cuts != nil {
		c.parted[n] = uint8(min(i, partedMost))
	}
	for ; i < e.must; i++ {
		if specs[i].must {
			c.fault(n, i+1, CodeMissingElement, "require", "mandatory component %s is missing", "")
		}
	}
	if from < to {
		c.surplus(n, e)
	}
}

// past is the end of a component: the first separator in text[from:to] that no release
// character stands before, or to.
func (c *checker) past(from, to uint32) uint32 {
	for ; from < to; from++ {
		switch c.text[from] {
		case c.sx.Release:
			from++
		case c.sx.Component:
			return from
		}
	}
	return to
}

// surplus reports components that the profile does not know.
func (c *checker) surplus(n int, e *Element) {
	severity := finding.Note
	if c.set.Closed {
		severity = finding.Error
	}
	c.add(n, CodeTooManyComponents, severity, "closed", fmt.Sprintf("%s has more components than the profile knows", finding.Ref(c.tag(), n, 0)),
		fmt.Sprintf("at most %d", len(e.Components)), "")
}

// plain takes release characters and wrapped line breaks out of a value.
func (c *checker) plain(v []byte, flags uint8) []byte {
	if flags&(isRelease|isBreak) == 0 {
		return v
	}
	c.scratch = c.scratch[:0]
	for i := 0; i < len(v); i++ {
		switch {
		case c.class[v[i]] == isBreak:
		case c.class[v[i]] == isRelease && i+1 < len(v):
			i++
			c.scratch = append(c.scratch, v[i])
		default:
			c.scratch = append(c.scratch, v[i])
		}
	}
	return c.scratch
}

func trim(v []byte) []byte {
	for len(v) > 0 && v[len(v)-1] == ' ' {
		v = v[:len(v)-1]
	}
	return v
}

// value checks one value, v, that stands in the document as raw; flags are of
// the bytes that are not plain data in the element around it. Trailing
// blanks count for the least length only: the standard has them fill up to it.
func (c *checker) value(n, component int, e *Element, raw, v []byte, flags uint8) {
	full := len(v)
	if full > 0 && v[full-1] == ' ' {
		v = trim(v)
	}
	size := len(v)
	switch e.Type[0] {
	case 'N', 'R':
		digits, ok := numeric(v, e.Type == "R" || e.Type == "N", c.sx.Decimal)
		if !ok {
			c.fault(n, component, CodeCharacter, "type", "%s is not a number: "+quoted(v), typeName(e))
			return
		}
		size, full = digits, digits
	case 'D':
		if !IsDate(v) {
			c.fault(n, component, CodeDate, "type", "%s is not a date: "+quoted(v), typeName(e))
			return
		}
	case 'T':
		if !IsTime(v) {
			c.fault(n, component, CodeTime, "type", "%s is not a time: "+quoted(v), typeName(e))
			return
		}
	case 'B':
		return
	default:
		if e.Type == "A" && bytes.ContainsAny(v, "0123456789") {
			c.fault(n, component, CodeCharacter, "type", "%s holds digits: "+quoted(v), "letters")
			return
		}
		if flags&isControl != 0 {
			if i := slices.IndexFunc(raw, func(b byte) bool { return c.class[b] == isControl }); i >= 0 {
				c.fault(n, component, CodeCharacter, "type", "%s holds the control character "+quoted(raw[i:i+1]), "printable characters")
				return
			}
		}
		if size > e.Max {
			size, full = runes(v), runes(v) // UTF-8 under an 8-bit set is common
		}
	}
	switch {
	case size > e.Max:
		c.fault(n, component, CodeTooLong, "max", fmt.Sprintf("%%s has %d characters, at most %d are allowed", size, e.Max), typeName(e))
	case full < e.Min:
		c.fault(n, component, CodeTooShort, "min", fmt.Sprintf("%%s has %d characters, at least %d are needed", full, e.Min), typeName(e))
	case len(e.Codes) > 0 && size > 0 && !e.knows(v): // blanks are no code
		severity, message, rule := finding.Note, "the profile does not know code %q in %s", "codes"
		switch {
		case e.Closed || c.set.Closed:
			severity, message = finding.Error, "code %q is not taken in %s"
		case c.toldOf(e.Ref, v):
			return
		case e.Open:
			message = "code %q in %s is not among the codes known here"
		}
		if !e.Closed {
			rule = "closed"
		}
		c.at(n, component, CodeUnknownCode, severity, rule, fmt.Sprintf(message, v, finding.Ref(c.tag(), n, component)), e.some(24), "")
	}
}

// toldOf reports whether the code was noted in this document already, or a segment that
// is not checked: a document that has a code of its own has it in every line.
func (c *checker) toldOf(ref string, code []byte) bool {
	for i := range c.told {
		if c.told[i].ref == ref && c.told[i].code == string(code) {
			return true
		}
	}
	c.told = append(c.told, toldCode{ref, string(code)})
	return false
}

type toldCode struct{ ref, code string }

func quoted(v []byte) string { return strings.ReplaceAll(fmt.Sprintf("%q", v), "%", "%%") }

func runes(v []byte) int { return len([]rune(string(v))) }

// numeric counts the digits of a number: sign and point have no length.
func numeric(v []byte, decimal bool, mark byte) (digits int, ok bool) {
	if len(v) > 0 && (v[0] == '-' || decimal && v[0] == '+') {
		v = v[1:]
	}
	point := false
	for i, b := range v {
		switch {
		case b-'0' < 10:
			digits++
		case decimal && (b == '.' || b == mark && mark != 0) && !point:
			point = true
		case decimal && (b == 'E' || b == 'e') && digits > 0:
			_, ok := numeric(v[i+1:], false, 0)
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
		if e.Type == "N" { // EDIFACT's numbers have a decimal mark where they need one
			return fmt.Sprintf("a number of %s digits", span(e))
		}
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

// fault is an error in an element; %s in the message becomes its reference.
func (c *checker) fault(n, component int, code, rule, message, expected string) {
	tag := c.tag()
	c.at(n, component, code, finding.Error, rule, fmt.Sprintf(message, finding.Ref(tag, n, component)), expected, "")
}

// note reports a broken note, and which element made it apply.
func (c *checker) note(def *Segment, n *Note, there uint64) {
	defer func() { c.trigger = "" }()
	missing, last := 0, 0
	var refs []string
	for _, e := range n.Elements {
		refs = append(refs, finding.Ref(def.ID, e, 0))
		if there>>(e-1)&1 != 0 {
			if last = e; c.trigger == "" {
				c.trigger = finding.Ref(def.ID, e, 0)
			}
		} else if missing == 0 {
			missing = e
		}
	}
	all, first := strings.Join(refs, ", "), refs[0]
	ref := finding.Ref(def.ID, missing, 0)
	rule := n.String()
	switch n.Kind {
	case 'P':
		c.add(missing, CodeConditional, finding.Error, rule, fmt.Sprintf("%s is missing: of %s all or none must be sent", ref, all), "", "")
	case 'R':
		c.add(missing, CodeConditional, finding.Error, rule, fmt.Sprintf("one of %s must be sent", all), "", "")
	case 'E':
		c.add(last, CodeExclusion, finding.Error, rule, fmt.Sprintf("only one of %s may be sent", all), "", "")
	case 'C':
		c.add(missing, CodeConditional, finding.Error, rule, fmt.Sprintf("%s is missing: it goes with %s", ref, first), "", "")
	case 'L':
		c.add(missing, CodeConditional, finding.Error, rule, fmt.Sprintf("one more of %s must be sent", all), "", "")
	case 'X':
		c.add(last, CodeExclusion, finding.Error, rule, fmt.Sprintf("%s may not be sent with %s", finding.Ref(def.ID, last, 0), first), "", "")
	}
}

// cutAt splits at the first sep that no release character stands before.
func cutAt(v []byte, sep, release byte) (before, after []byte, found bool) {
	if release == 0 {
		if i := bytes.IndexByte(v, sep); sep != 0 && i >= 0 {
			return v[:i], v[i+1:], true
		}
		return v, nil, false
	}
	for i := 0; i < len(v); i++ {
		switch v[i] {
		case release:
			i++
		case sep:
			return v[:i], v[i+1:], true
		}
	}
	return v, nil, false
}

// nth is the n-th component of v, from 1, and where in v it begins.
func nth(v []byte, n int, sep, release byte) (part []byte, from int) {
	all := v
	if bytes.IndexByte(v, release) < 0 {
		release = 0
	}
	for ; n > 1; n-- {
		_, rest, found := cutAt(v, sep, release)
		if !found {
			return nil, len(all)
		}
		v = rest
	}
	part, _, _ = cutAt(v, sep, release)
	return part, len(all) - len(v)
}

// IsDate checks YYMMDD or CCYYMMDD by the calendar; a year of two digits is
// taken to be 20YY.
func IsDate(v []byte) bool {
	if len(v) != 6 && len(v) != 8 {
		return false
	}
	at := len(v) - 4
	m, good := pair(v[at:], true)
	d, good := pair(v[at+2:], good)
	y, good := pair(v[at-2:], good)
	if at == 2 {
		y += 2000
	} else {
		var c int
		c, good = pair(v, good)
		y += 100 * c
	}
	if !good || m < 1 || m > 12 {
		return false
	}
	most := 30 + (m+m/8)&1
	if m == 2 {
		most = 28
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			most++
		}
	}
	return d >= 1 && d <= most
}

// pair is a number of two digits; good says whether they and those before are.
func pair(v []byte, before bool) (n int, good bool) {
	a, b := v[0]-'0', v[1]-'0'
	return int(a)*10 + int(b), before && a < 10 && b < 10
}

// IsTime checks HHMM, HHMMSS and the decimals of a second behind it.
func IsTime(v []byte) bool {
	n, ok := whole(v)
	if !ok || len(v) != 4 && (len(v) < 6 || len(v) > 8) {
		return false
	}
	for size := len(v); size > 6; size-- {
		n /= 10
	}
	if len(v) == 4 {
		n *= 100
	}
	return n/10000 < 24 && n/100%100 < 60 && n%100 < 60
}

// whole reads an unsigned number of at most 18 digits.
func whole(v []byte) (n int64, ok bool) {
	if len(v) == 0 || len(v) > 18 {
		return 0, false
	}
	for _, b := range v {
		if b-'0' > 9 {
			return 0, false
		}
		n = n*10 + int64(b-'0')
	}
	return n, true
}
