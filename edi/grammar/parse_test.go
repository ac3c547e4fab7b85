package grammar_test

import (
	"strings"
	"testing"

	"github.com/paklog/hub/edi/grammar"
)

func TestGrammarTextsAreRefusedWithTheirLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, segments, set, want string }{
		{"tag", "TOOLONG M AN 1-2 3", "", "line 1"},
		{"twice", "N1 M AN 1-2 3\nN1 M AN 1-2 3", "", "line 2"},
		{"requirement", "# comment\n\nN1 Q AN 1-2 3", "", "line 3"},
		{"type", "N1 M XX 1-2 3", "", "element type"},
		{"length", "N1 M AN 2-1 3", "", "length"},
		{"codes", "N1 M AN 1-2 3 (A,B", "", "codes"},
		{"fields", "N1 M AN 1-2", "", "form"},
		{"note", "N1 M AN 1-2 3 ; Q0102", "", "note"},
		{"odd note", "N1 M AN 1-2 3 ; P010", "", "note"},
		{"empty set", "N1 M AN 1-2 3", "", "empty"},
		{"no header", "N1 M AN 1-2 3", "N1 M 1", "line 1"},
		{"release without segments", "N1 M AN 1-2 3", "set 940 009999 OW\nN1 M 1", "release"},
		{"indentation", "N1 M AN 1-2 3", "set 940 R OW\n    N1 M 1", "line 2"},
		{"loop that begins with another segment", "N1 M AN 1-2 3", "set 940 R OW\nloop N1 M 1\n  N3 M 1", "line 3"},
		{"empty loop", "N1 M AN 1-2 3", "set 940 R OW\nloop N1 M 1", "loop N1 is empty"},
		{"base of nowhere", "base 003010", "", "no segments"},
		{"a composite in a composite", "composite C001 M C 1-1 C002", "", "inside"},
		{"repetitions", "N1 M AN 1-2 3 y5", "", "repetitions"},
		{"qualifier", "N1 M AN 1-2 3", "set 940 R OW\nN1 M 1 ST", "qualifier"},
		{"qualifier of element 0", "N1 M AN 1-2 3", "set 940 R OW\nN1 M 1 00=ST", "qualifier"},
		{"kind of rule", "N1 M AN 1-2 3", "set 940 R OW\nN1 M 1\nrule product N1-01 N1-02", "rule kind"},
		{"sum of segments", "N1 M AN 1-2 3", "set 940 R OW\nN1 M 1\nrule sum N1-01 N1", "name the elements"},
		{"rule without an element", "N1 M AN 1-2 3", "set 940 R OW\nN1 M 1\nrule count N1 N1", "name the elements"},
		{"tree of two segments", "N1 M AN 1-2 3", "set 940 R OW\nN1 M 1\nrule tree N1-01 N2-01 N1-03", "one segment"},
		{"severity", "N1 M AN 1-2 3", "set 940 R OW\nN1 M 1\nrule count N1-01 N1 ; loud", "severity"},
		{"occurrences", "N1 M AN 1-2 3", "set 940 R OW\nN1 M many", "line 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := grammar.NewLibrary()
			err := l.AddSegments("R", c.segments)
			if err == nil {
				err = l.AddSet(c.set)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}
