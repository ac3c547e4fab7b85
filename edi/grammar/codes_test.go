package grammar_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/paklog/hub/edi/grammar"
)

const testCodes = `3 BY ST 01-12
2 AA BB all
11 RED GREEN
8 1 2`

func coded(t *testing.T, segments string) *grammar.Library {
	t.Helper()
	l := grammar.NewLibrary()
	if err := errors.Join(l.AddCodes(testCodes), l.AddSegments("R1", segments), l.AddSet(testSet)); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestCodesAreKnownByTheNumberOfTheElement(t *testing.T) {
	t.Parallel()
	plain := strings.Replace(testSegments, " (AA,BB)", "", 1)
	sx := grammar.Syntax{Component: ':'}
	for _, c := range []struct{ name, segments, doc, want string }{
		{"known", plain, "HD*1*BB N1*ST*X N1*09*X LN*1*1*G:RED TO*1", ""},
		{"unknown", plain, "HD*1*AA N1*XX*Y LN*1*1*G:RED TO*1", "note code-unknown N1-01"},
		{"of a whole list", plain, "HD*1*CC N1*ST*Y LN*1*1*G:RED TO*1", "note code-unknown HD-02"},
		{"longer than four bytes", plain, "HD*1*AA LN*1*1*G:GREEN LN*1*0*G:GREENS TO*1", "note code-unknown LN-03-2"},
		{"of a number", plain, "HD*1*AA LN*1*7 TO*7", "note code-unknown TO-01"},
		{"case counts", plain, "HD*1*aa LN*1*1 TO*1", "note code-unknown HD-02"},
		{"codes of the line count instead", testSegments, "HD*1*CC LN*1*1 TO*1", "note code-unknown HD-02"},
		{"own tables have their own", "replace\n" + plain, "HD*1*CC N1*XX*Y LN*1*7 TO*7", ""},
	} {
		got := strings.Join(check(t, coded(t, c.segments), c.doc, sx), "\n")
		if c.want == "" && got != "" || !strings.HasPrefix(got, c.want) || strings.Contains(got, "\n") {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	many := "HD*1*AA N1*XX*Y N1*XX*Y N1*YY*Y N1*XX*Y LN*1*1 TO*1"
	if got := check(t, coded(t, plain), many, sx); len(got) != 2 {
		t.Errorf("a code is noted more than once in a document: %q", got)
	}
	closed, err := grammar.ParseOverlay([]byte("overlay: p\nlayer: partner\nsets: {\"900\": {elements: {N1-01: {closed: true}}}}"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := coded(t, plain).With(closed)
	if err != nil {
		t.Fatal(err)
	}
	got := check(t, l, many, sx)
	if len(got) != 4 || !strings.HasPrefix(got[0], "error code-unknown N1-01") {
		t.Errorf("where the partner closes a list, each is an error: %q", got)
	}
}

func TestCodesThatAreNoList(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"353", "353 all", "353 00\n353 01", "353 05-01", "353 A1-A4", "353 001-9", "353 1-99999"} {
		if err := grammar.NewLibrary().AddCodes(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestASegmentThatTheProfileSaysNothingOfIsNotedOnce(t *testing.T) {
	t.Parallel()
	l := grammar.NewLibrary()
	if err := errors.Join(l.AddSegments("R1", strings.Replace(testSegments, "N4 O AN 2-30 5\n", "", 1)), l.AddSet(testSet)); err != nil {
		t.Fatal(err)
	}
	got := check(t, l, "HD*1*AA N1*ST*Y N4*?? N1*BY*Y N4*?? LN*1*1 TO*1", grammar.Syntax{})
	if len(got) != 1 || !strings.HasPrefix(got[0], "note segment-unchecked N4") {
		t.Errorf("got %q", got)
	}
}
