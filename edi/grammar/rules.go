package grammar

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/edi/internal/stream"
)

// Place names an element, or a component of it, of segments of one tag:
// "CTT-01", "CNT-01-2[01-1=2]" where a component has a value, "PO1-07+2[06=UP|EN]"
// for elements 07, 09, 11 and so on, each with the qualifier before it.
type Place struct {
	Tag                      string
	Element, Component, Step int
	When                     *Match
	tag                      tagKey
}

func (p Place) String() string {
	s := p.Tag
	if p.Element > 0 {
		s = finding.Ref(p.Tag, p.Element, p.Component)
	}
	if p.Step > 0 {
		s += fmt.Sprintf("+%d", p.Step)
	}
	if p.When != nil {
		s += fmt.Sprintf("[%02d", p.When.Element)
		if p.When.Component > 0 {
			s += fmt.Sprintf("-%d", p.When.Component)
		}
		s += "=" + strings.Join(p.When.Values, "|") + "]"
	}
	return s
}

func parsePlace(s string) (p Place, err error) {
	at, when, has := strings.Cut(s, "[")
	if has {
		if p.When, err = parseMatch(strings.TrimSuffix(when, "]")); err != nil {
			return p, err
		}
	}
	at, step, stepped := strings.Cut(at, "+")
	if stepped {
		if p.Step, err = strconv.Atoi(step); err != nil || p.Step < 1 || p.Step > 64 {
			return p, fmt.Errorf("step %q is no number", step)
		}
	}
	f := strings.SplitN(at, "-", 3)
	p.Tag = f[0]
	if p.tag = keyOf(p.Tag); p.tag == 0 {
		return p, fmt.Errorf("segment tag %q has not 2 or 3 characters", p.Tag)
	}
	for i, into := range []*int{&p.Element, &p.Component} {
		if len(f) > i+1 {
			if *into, err = strconv.Atoi(f[i+1]); err != nil || *into < 1 || *into > 99 {
				return p, fmt.Errorf("element %q is not of the form W01-05", at)
			}
		}
	}
	return p, nil
}

// Rule ties segments of one set together. Kinds:
//
//	count CTT-01 HL LIN          the element is the number of those segments, or of those
//	sum W03-01 W12-03            the element is the sum of those elements
//	tree HL-01 HL-02 HL-03 HL-04 O:S I:O,P   numbers and parents; each level with what may be above it
//	sscc MAN-02[01=GM]           a serial shipping container code and its check digit
//	gtin PO1-07+2[06=UP|EN]      a trade item number and its check digit
type Rule struct {
	Kind     string
	At       Place
	Of       []Place
	Levels   map[string][]string
	Severity finding.Severity // 0 is switched off

	text string
	nth  int // among the rules of its set
	how  uint8
	sscc bool
}

// Kinds of rules, and of acts, as numbers.
const (
	counts uint8 = iota
	sums
	trees
	checkDigits
	declared // of an act: the total that a count or sum is held against
)

func (r *Rule) String() string { return r.text }

// ParseRule reads a rule; " ; warning" behind it sets another severity than the
// kind's own, which is error for what counts and warning for check digits:
// partners sell goods with numbers of their own making.
func ParseRule(text string) (*Rule, error) {
	body, severity, has := strings.Cut(text, ";")
	f := strings.Fields(body)
	if len(f) < 2 {
		return nil, fmt.Errorf("rule %q is not of the form \"sum W03-01 W12-03\"", text)
	}
	r := &Rule{Kind: f[0], Severity: finding.Error, text: strings.Join(f, " ")}
	var err error
	if r.At, err = parsePlace(f[1]); err != nil {
		return nil, err
	}
	want := 0
	switch r.Kind {
	case "count":
		want = 1
	case "sum":
		want, r.how = 1, sums
	case "tree":
		want, r.how, r.Levels = 2, trees, map[string][]string{}
	case "sscc", "gtin":
		r.how, r.sscc, r.Severity = checkDigits, r.Kind == "sscc", finding.Warning
	default:
		return nil, fmt.Errorf("rule kind %q is none of count, sum, tree, sscc, gtin", r.Kind)
	}
	for _, x := range f[2:] {
		if level, above, ok := strings.Cut(x, ":"); ok && r.Levels != nil {
			r.Levels[level] = strings.Split(above, ",")
			continue
		}
		p, err := parsePlace(x)
		if err != nil {
			return nil, err
		}
		r.Of = append(r.Of, p)
	}
	if r.At.Element == 0 || len(r.Of) < want || want == 0 && len(r.Of) > 0 || r.Kind == "sum" && len(r.Of) > 1 || len(r.Of) > 4 || r.Kind == "sum" && r.Of[0].Element == 0 {
		return nil, fmt.Errorf("rule %q does not name the elements it needs", text)
	}
	if r.Kind == "tree" {
		if len(r.Of) > 3 {
			return nil, fmt.Errorf("rule %q names too many elements", text)
		}
		for _, p := range r.Of {
			if p.Tag != r.At.Tag || p.Element == 0 {
				return nil, fmt.Errorf("a tree's elements are those of one segment: %s", p)
			}
		}
	}
	if has {
		if r.Severity, err = severityOf(strings.TrimSpace(severity)); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func severityOf(s string) (sev finding.Severity, err error) {
	if s == "off" {
		return 0, nil
	}
	err = sev.UnmarshalText([]byte(s))
	return sev, err
}

func (r *Rule) concerns(tag string) bool {
	if r.Severity == 0 {
		return false
	}
	if r.At.Tag == tag {
		return true
	}
	for _, p := range r.Of {
		if p.Tag == tag {
			return true
		}
	}
	return false
}

// total is what a rule has counted so far.
type total struct {
	n     [4]int64 // counts, or a sum, in ten thousandths
	lost  bool     // a value was no number, or too large to add: nothing is judged
	at    int      // segment of the declared value, -1 before it came
	value []byte
}

const unit = 10_000

// act is what one rule takes of a segment.
type act struct {
	rule *Rule
	how  uint8
	of   *Place
	nth  int // of the places that a total is made of
}

// acts are what r takes of segments with the tag.
func (r *Rule) acts(tag tagKey) (all []act) {
	if r.how > sums {
		return []act{{rule: r, how: r.how, of: &r.At}}
	}
	for i := range r.Of {
		if r.Of[i].tag == tag {
			all = append(all, act{rule: r, how: r.how, of: &r.Of[i], nth: i})
		}
	}
	if r.At.tag == tag {
		all = append(all, act{rule: r, how: declared, of: &r.At})
	}
	return all
}

// act takes in the segment at hand.
func (c *checker) act(a *act) {
	switch a.how {
	case trees:
		c.branch(a.rule)
		return
	case checkDigits:
		c.checked(a.rule)
		return
	}
	if a.of.When != nil && !c.matches(a.of.When) {
		return
	}
	t := &c.totals[a.rule.nth]
	switch a.how {
	case counts:
		t.n[a.nth] += unit
	case sums:
		c.sum(t, c.valueOf(a.of.Element, a.of.Component))
	case declared:
		if v := c.valueOf(a.of.Element, a.of.Component); len(v) > 0 && t.at < 0 {
			t.at, t.value = c.i, v
		}
	}
}

func (c *checker) sum(t *total, v []byte) {
	if len(v) == 0 {
		return
	}
	n, ok := fixed(v, c.sx.Decimal)
	if sum := t.n[0] + n; ok && (sum > t.n[0]) == (n > 0) {
		t.n[0] = sum
		return
	}
	t.lost = true
}

// totalled compares what was declared with what was counted.
func (c *checker) totalled() {
	for i := range c.totals {
		t, r := &c.totals[i], c.set.Rules[i]
		if r.Kind == "tree" && len(r.Of) > 2 {
			c.leaves(r)
		}
		if t.at < 0 || t.lost {
			continue
		}
		want := t.n[0]
		got, ok := fixed(t.value, c.sx.Decimal)
		if !ok || slices.Contains(t.n[:len(r.Of)], got) {
			continue // what is no number was told as such
		}
		c.i = t.at
		c.tag() // makes fields those of the segment again
		code, what := CodeSum, "sum of"
		if r.Kind == "count" {
			code, what = CodeCount, "number of"
		}
		expected := strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%d.%04d", want/unit, max(want, -want)%unit), "0"), ".")
		c.at(r.At.Element, r.At.Component, code, r.Severity, r.text,
			fmt.Sprintf("%s says %s where the %s %s is %s", finding.Ref(r.At.Tag, r.At.Element, r.At.Component), finding.Clip(t.value), what, r.Of[0], expected),
			expected, "a line was lost, or the total was not carried along")
	}
}

// fixed reads a decimal number in ten thousandths. What has more decimals or
// digits than that holds is not read.
func fixed(v []byte, mark byte) (n int64, ok bool) {
	if len(v) <= 12 {
		if n, ok := whole(v); ok {
			return n * unit, true
		}
	}
	negative := false
	if len(v) > 0 && (v[0] == '-' || v[0] == '+') {
		negative = v[0] == '-'
		v = v[1:]
	}
	decimals := -1
	for _, b := range v {
		switch {
		case b-'0' < 10:
			if decimals >= 0 {
				if decimals++; decimals > 4 {
					if b != '0' {
						return 0, false
					}
					continue
				}
			}
			if n > 90_000_000_000_000_000 {
				return 0, false
			}
			n = n*10 + int64(b-'0')
			ok = true
		case (b == '.' || b == mark && mark != 0) && decimals < 0:
			decimals = 0
		default:
			return 0, false
		}
	}
	for i := min(max(decimals, 0), 4); i < 4; i++ {
		if n > 900_000_000_000_000_000 {
			return 0, false
		}
		n *= 10
	}
	if negative {
		n = -n
	}
	return n, ok
}

// checked verifies check digits in the segment at hand.
func (c *checker) checked(r *Rule) {
	for e := r.At.Element; e < len(c.ends); e += r.At.Step {
		if m := r.At.When; m == nil || m.has(c.valueOf(m.Element+e-r.At.Element, m.Component)) {
			if v := c.valueOf(e, r.At.Component); len(v) > 0 {
				c.digit(r, e, v)
			}
		}
		if r.At.Step == 0 {
			return
		}
	}
}

func (c *checker) digit(r *Rule, e int, v []byte) {
	ok := len(v) == 8 || len(v) == 12 || len(v) == 13 || len(v) == 14
	if r.sscc {
		ok = len(v) == 18 || len(v) == 20 && v[0] == '0' && v[1] == '0'
	}
	ok = ok && stream.Digits(v[:cap(v)], 0, uint32(len(v)))
	want := byte(0)
	if ok {
		want = CheckDigit(v[:len(v)-1])
		if want == v[len(v)-1] {
			return
		}
		if long := upcE(v); long != nil && CheckDigit(long[:]) == v[7] {
			return
		}
	}
	what, expected := "trade item number", "8, 12, 13 or 14 digits"
	if r.sscc {
		what, expected = "container code", "18 digits, or 20 with the identifier 00"
	}
	ref := finding.Ref(c.tag(), e, r.At.Component)
	if !ok {
		if def := c.set.segments[keyOf(c.tag())]; r.At.Component == 0 && def != nil && e <= len(def.Elements) && def.Elements[e-1] != nil && len(v) < def.Elements[e-1].Min {
			return // what is too short was told as such
		}
		c.at(e, r.At.Component, CodeCheckDigit, r.Severity, r.text, fmt.Sprintf("%s is no %s: %q", ref, what, v), expected, "")
		return
	}
	c.at(e, r.At.Component, CodeCheckDigit, r.Severity, r.text, fmt.Sprintf("the check digit of the %s in %s is %c, not %c", what, ref, want, v[len(v)-1]),
		string(v[:len(v)-1])+string(want), "a digit was mistyped, or the number is none of GS1")
}

// upcE is the UPC-A, without its check digit, that a UPC-E of 8 digits is short for (GS1
// General Specifications, section 5.2.2.4.2), nil where v is none: its zeros are left
// out, and its check digit is that of the whole number.
func upcE(v []byte) *[11]byte {
	if len(v) != 8 || v[0] != '0' {
		return nil
	}
	out := [11]byte{'0', v[1], v[2], '0', '0', '0', '0', '0', '0', '0', '0'}
	switch last := v[6]; {
	case last <= '2':
		out[3] = last
		copy(out[8:], v[3:6])
	case last == '3':
		out[3] = v[3]
		copy(out[9:], v[4:6])
	case last == '4':
		copy(out[3:], v[3:5])
		out[10] = v[5]
	default:
		copy(out[3:], v[3:6])
		out[10] = last
	}
	return &out
}

// CheckDigit is that of a GS1 number without it (GS1 General Specifications,
// section 7.9): weights 3 and 1 from the right. The digits must be digits.
func CheckDigit(digits []byte) byte {
	thrice, once, i := uint64(0), uint64(0), len(digits)
	for ; i >= 8; i -= 8 {
		const evens, sum = 0x00FF00FF00FF00FF, 0x0001000100010001
		x := binary.LittleEndian.Uint64(digits[i-8:]) - 0x0101010101010101*'0'
		thrice += (x >> 8 & evens) * sum >> 48
		once += (x & evens) * sum >> 48
	}
	for ; i >= 2; i -= 2 {
		thrice += uint64(digits[i-1] - '0')
		once += uint64(digits[i-2] - '0')
	}
	if i > 0 {
		thrice += uint64(digits[0] - '0')
	}
	return byte('0' + (10-(3*thrice+once)%10)%10)
}
