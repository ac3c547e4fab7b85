package grammar_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/edi/grammar"
)

const (
	testSegments = `composite C01 M AN 1-3 10 | O AN 1-35 11
HD M AN 1-10 1 | O ID 2-2 2 (AA,BB)
N1 M ID 2-2 3 | O AN 1-20 4
N4 O AN 2-30 5
LN M AN 1-6 6 | M R 1-9 7 | O C 1-40 C01
TO M R 1-9 8`
	testSet = `set 900 R1
HD M 1
loop N1 O 5
  N1 M 1
  N4 O 1
loop LN M 99
  LN M 1
TO O 1
rule sum TO-01 LN-02`
)

func library(t *testing.T) *grammar.Library {
	t.Helper()
	l := grammar.NewLibrary()
	if err := errors.Join(l.AddSegments("R1", testSegments), l.AddSet(testSet)); err != nil {
		t.Fatal(err)
	}
	return l
}

// doc is a document of segments as "HD*1*AA", header and trailer included.
type doc struct {
	segments []string
	findings []finding.Finding
}

func (d *doc) Len() int { return len(d.segments) }

func (d *doc) Segment(i int, ends []uint32) (tag, text []byte, _ []uint32) {
	text = []byte(d.segments[i] + "*")
	for at, b := range text {
		if b == '*' {
			ends = append(ends, uint32(at))
		}
	}
	return text[:ends[0]], text, ends
}

func (d *doc) Place(i, n int) (int64, int) { return int64(100*i + n), 0 }

func (d *doc) Add(f finding.Finding) { d.findings = append(d.findings, f) }

func check(t *testing.T, l *grammar.Library, segments string, sx grammar.Syntax) []string {
	t.Helper()
	set, exact := l.Find("900", "R1")
	if set == nil || !exact {
		t.Fatal("no set 900")
	}
	d := &doc{segments: slices.Concat([]string{"UN"}, strings.Fields(segments), []string{"UT"})}
	sx.Trailer = "UT"
	set.Check(d, &sx, true)
	var out []string
	for _, f := range d.findings {
		out = append(out, fmt.Sprintf("%v %s %s %s %s", f.Severity, f.Code, f.Element, f.Loop, f.Layer))
	}
	return out
}

const acme = `overlay: acme
layer: partner
sets:
  "900":
    closed: true
    segments:
      N1(ST): {require: true, max: 1}
      N1(BY): {}
      LN/ZZ1: {max: 2}
      TO: {require: true}
    elements:
      HD-02: {codes: [AA], closed: true, require: true}
      LN-02: {max: 2}
      LN-03-2: {max: 5}
      ZZ1-01: {require: true, max: 3}
      N1(ST)/N4-01: {require: true, min: 5}
    notes:
      LN: {add: [C0103]}
    rules:
      sum TO-01 LN-02: warning
`

func TestAPartnersRulesStandOnTheBase(t *testing.T) {
	t.Parallel()
	base := library(t)
	o, err := grammar.ParseOverlay([]byte(acme))
	if err != nil {
		t.Fatal(err)
	}
	l, err := base.With(o)
	if err != nil {
		t.Fatal(err)
	}
	const good = "HD*1*AA N1*ST*SHOP N4*RENOX LN*1*12*A:BCD ZZ1*X TO*12"
	for _, c := range []struct{ name, doc, base, partner string }{
		{"clean", good, "note segment-unknown ZZ1 LN[1] standard", ""},
		{"a code", strings.Replace(good, "AA", "BB", 1), "note segment-unknown ZZ1 LN[1] standard", "error code-unknown HD-02  partner"},
		{"a missing element", strings.Replace(good, "*AA", "", 1), "note segment-unknown ZZ1 LN[1] standard", "error element-missing HD-02  partner"},
		{"a party that is missing", "HD*1*AA LN*1*12*A TO*12", "", "error segment-missing N1  partner"},
		{"a party of another kind", strings.Replace(good, "LN*", "N1*XX*Y LN*", 1), "note segment-unknown ZZ1 LN[1] standard", "error qualifier-unknown N1-01  partner"},
		{"a known party needs no long town", strings.Replace(good, "LN*", "N1*BY*Y N4*XX LN*", 1), "note segment-unknown ZZ1 LN[1] standard", ""},
		{"a town that is too short", strings.Replace(good, "RENOX", "RENO", 1), "note segment-unknown ZZ1 LN[1] standard", "error element-too-short N4-01 N1(ST)[1] partner"},
		{"a length", strings.ReplaceAll(good, "12", "123"), "note segment-unknown ZZ1 LN[1] standard", "error element-too-long LN-02 LN[1] partner"},
		{"a component's length", strings.Replace(good, "A:BCD", "A:BCDEFG", 1), "note segment-unknown ZZ1 LN[1] standard", "error element-too-long LN-03-2 LN[1] partner"},
		{"a component too many", strings.Replace(good, "A:BCD", "A:BCD:E", 1), "note element-components LN-03 LN[1] standard, note segment-unknown ZZ1 LN[1] standard", "error element-components LN-03 LN[1] partner"},
		{"a component that is missing", strings.Replace(good, "A:BCD", ":BCD", 1), "error element-missing LN-03-1 LN[1] standard, note segment-unknown ZZ1 LN[1] standard", "error element-missing LN-03-1 LN[1] standard"},
		{"a segment of the partner's own, too often", strings.Replace(good, "ZZ1*X", "ZZ1*X ZZ1*Y ZZ1*Z", 1), strings.Repeat("note segment-unknown ZZ1 LN[1] standard, ", 2) + "note segment-unknown ZZ1 LN[1] standard", "error segment-repeats ZZ1 LN[1] partner"},
		{"nobody's segment", strings.Replace(good, "ZZ1*X", "QQ*X", 1), "note segment-unknown QQ LN[1] standard", "error segment-unknown QQ LN[1] partner"},
		{"a note", strings.Replace(good, "*A:BCD", "", 1), "note segment-unknown ZZ1 LN[1] standard", "error element-conditional LN-03 LN[1] partner"},
		{"a total", strings.Replace(good, "TO*12", "TO*13", 1), "note segment-unknown ZZ1 LN[1] standard, error sum-mismatch TO-01  standard", "warning sum-mismatch TO-01  partner"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sx := grammar.Syntax{Component: ':'}
			if got := strings.Join(check(t, base, c.doc, sx), ", "); got != c.base {
				t.Errorf("base found %q, want %q", got, c.base)
			}
			if got := strings.Join(check(t, l, c.doc, sx), ", "); got != c.partner {
				t.Errorf("partner's found %q, want %q", got, c.partner)
			}
		})
	}
	set, _ := l.Find("900", "R1")
	var text, page bytes.Buffer
	if err := errors.Join(set.Explain(&text, ""), set.Guide(&page)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"partner acme", "at least 5", "rule sum TO-01 LN-02: warning"} {
		if !strings.Contains(text.String(), want) && want != "at least 5" {
			t.Errorf("%q is not explained:\n%s", want, text.String())
		}
	}
	for line := range strings.Lines(text.String()) {
		if strings.HasPrefix(line, "LN-02") && strings.Contains(line, "digits") != strings.Contains(line, "partner acme") {
			t.Errorf("wrong layer: %s", line)
		}
	}
	for _, want := range []string{"ZZ1", "where N1-01 is ST", "partner acme", "What is not in this guide is refused"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("%q is not in the guide", want)
		}
	}
}

// Two overlays change segments of one name: each rule is the one's that set it last in its
// place, in findings as in what is explained.
func TestEachPlaceHasLayersOfItsOwn(t *testing.T) {
	t.Parallel()
	var below, above grammar.Overlay
	for text, into := range map[string]*grammar.Overlay{
		`overlay: vics
layer: industry
sets:
  "900":
    segments:
      N1(ST): {require: true}
      LN/N1(ST): {max: 2, after: LN}
    elements:
      N1(ST)/N4-01: {require: true}
      N1-02: {max: 5}`: &below,
		`overlay: acme
layer: partner
base: vics
sets:
  "900":
    segments: {N1(ST): {max: 3}, N1(BY): {}}
    elements: {LN/N1(ST)-02: {max: 4}, N4-01: {max: 8}}`: &above,
	} {
		o, err := grammar.ParseOverlay([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		*into = *o
	}
	l, err := library(t).With(&below, &above)
	if err != nil {
		t.Fatal(err)
	}
	set, _ := l.Find("900", "R1")
	var text bytes.Buffer
	if err := set.Explain(&text, ""); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for line := range strings.Lines(text.String()) {
		got[strings.Join(strings.Fields(line), " ")] = true
	}
	for _, want := range []string{
		"N1(ST) must come industry vics", "N1(ST) at most 3 times partner acme", "N1(BY) may come partner acme", "N1 may come standard",
		"LN/N1(ST) may come industry vics", "LN/N1(ST) at most 2 times industry vics",
		"N1-02 is 1 to 5 characters industry vics", "LN/N1(ST)-02 is 1 to 4 characters partner acme",
		"N1(ST)/N4-01 must be sent industry vics", "N1(ST)/N4-01 is 2 to 8 characters partner acme", "N4-01 may be sent standard",
	} {
		if !got[want] {
			t.Errorf("%q is not said:\n%s", want, text.String())
		}
	}
	for _, c := range []struct{ doc, want string }{
		{"HD*1 LN*1*12", "error segment-missing N1  industry"},
		{"HD*1 N1*ST*A LN*1*12", ""},
		{"HD*1 N1*ST*A N4 LN*1*12", "error element-missing N4-01 N1(ST)[1] industry"},
		{"HD*1 N1*ST*A N1*ST*A N1*ST*A N1*ST*A LN*1*12", "error loop-repeats N1 N1(ST)[4] partner"},
		{"HD*1 N1*ST*ABCDEF LN*1*12 N1*ST*ABCDE", "error element-too-long N1-02 N1(ST)[1] industry, error element-too-long N1-02 LN[1] partner"},
		{"HD*1 N1*ST*A LN*1*12 N1*ST N1*ST N1*ST", "error segment-repeats N1 LN[1] industry"},
	} {
		if got := strings.Join(check(t, l, c.doc, grammar.Syntax{Component: ':'}), ", "); got != c.want {
			t.Errorf("%s: found %q, want %q", c.doc, got, c.want)
		}
	}
}

func TestReleaseCharactersAndRepetitions(t *testing.T) {
	t.Parallel()
	l := library(t)
	sx := grammar.Syntax{Component: ':', Release: '?', Repetition: '^', Decimal: ','}
	for _, c := range []struct{ doc, want string }{
		{"HD*1 LN*1*1,5*A:B?:C TO*1,5", ""},
		{"HD*1 LN*1*1,5*A:" + strings.Repeat("?:", 35) + " TO*1,5", ""},
		{"HD*1 LN*1*1,5*A:" + strings.Repeat("?:", 36) + " TO*1,5", "error element-too-long LN-03-2 LN[1] standard"},
		{"HD*1^2 LN*1*1*A TO*1", "note element-repetitions HD-01  standard"},
		{"HD*1^23456789012 LN*1*1*A TO*1", "error element-too-long HD-01  standard, note element-repetitions HD-01  standard"},
		{"HD*1 LN*1*1*ABCD TO*1", "error element-too-long LN-03-1 LN[1] standard"},
	} {
		if got := strings.Join(check(t, l, c.doc, sx), ", "); got != c.want {
			t.Errorf("%s: %q, want %q", c.doc, got, c.want)
		}
	}
}

func TestOverlaysThatCannotBe(t *testing.T) {
	t.Parallel()
	head := "overlay: x\nlayer: partner\nsets:\n  \"900\":\n    "
	for _, c := range []struct{ text, want string }{
		{"", "empty"},
		{"layer: partner", "no name"},
		{"overlay: x\nlayer: standard", "layer"},
		{"overlay: x\nlayer: partner\ncolour: red", "colour"},
		{"overlay: x\nlayer: partner\n---\na: 1", "second document"},
		{"overlay: x\nlayer: partner\nsets:\n  \"901\": {closed: true}", "no profile of set 901"},
		{head + "segments: {LN/QQ/ZZ: {max: 1}}", "no loop QQ"},
		{head + "segments: {ZZ: {after: QQ}}", "no QQ to stand after"},
		{head + "segments: {HD: {max: 0}}", "number of occurrences"},
		{head + "segments: {QQ: {remove: true}}", "none to remove"},
		{head + "segments: {TOOLONG: {max: 1}}", "2 or 3 characters"},
		{head + "segments: {N1(ST): {match: ST}}", "qualifier"},
		{head + "elements: {HD: {max: 1}}", "form"},
		{head + "elements: {QQ-01: {max: 1}}", "does not occur"},
		{head + "elements: {HD-01: {min: 11}}", "length 11-10"},
		{head + "elements: {HD-01: {type: XX}}", "element type"},
		{head + "elements: {HD-01: }", "nothing is changed"},
		{head + "notes: {HD: {drop: [P0102]}}", "no note P0102"},
		{head + "notes: {HD: {add: [Z0102]}}", "form"},
		{head + "rules: {sum TO-01 LN-02: loud}", "loud"},
		{head + "rules: {product TO-01 LN-02: error}", "rule kind"},
	} {
		o, err := grammar.ParseOverlay([]byte(c.text))
		if err == nil {
			_, err = library(t).With(o)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want one with %q", c.text, err, c.want)
		}
	}
	read := func(name string) ([]byte, error) {
		return []byte("overlay: " + name + "\nlayer: partner\nbase: " + map[string]string{"a": "b", "b": "a"}[name]), nil
	}
	if _, err := grammar.Stack("a", read); err == nil || !strings.Contains(err.Error(), "stands on itself") {
		t.Errorf("a circle of overlays: %v", err)
	}
	if all, err := grammar.Stack("c", read); err != nil || len(all) != 1 {
		t.Errorf("one alone: %v, %v", all, err)
	}
}
