package grammar_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/edifact/grammar"
	"github.com/paklog/hub/edi/finding"
	rules "github.com/paklog/hub/edi/grammar"
)

// A partner whose contacts are too long, and who sends a part of a composite that nobody
// knows: his overlay says so of components, and with it nothing is wrong with what he sends.
func TestWhatComponentsComeWithIsLearned(t *testing.T) {
	t.Parallel()
	l := rules.NewLearner()
	var docs []string
	for i := range 12 {
		body := strings.Replace(orders, "CTA+OC+:", fmt.Sprintf("CTA+OC+%017d?+1:", i), 1)
		docs = append(docs, envelope("ORDERS", "D96A", strings.Replace(body, "RFF+CT:K7", "RFF+CT:K7::::X", 1)))
		d, err := edifact.Parse([]byte(docs[i]), edifact.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for p := range d.Messages() {
			if !grammar.Learn(l, grammar.Builtin(), p) {
				t.Fatal("ORDERS has no grammar")
			}
		}
	}
	text := string(l.Overlay("acme"))
	for _, want := range []string{"CTA-02-1: {max: 19, require: true} # 19 characters came where 17 are allowed; in 12 of 12", "RFF-01-6: {type: AN, min: 1, max: 1} # not known, 12 values",
		`RFF-01-1: {codes: ["CT", "LI"]} # CT 12, LI 12`} {
		if !strings.Contains(text, want) {
			t.Errorf("%q was not learned:\n%s", want, text)
		}
	}
	for _, not := range []string{"CTA-02:", "RFF-01:", "DTM-01-1: {require", "QTY-01-3: {require"} {
		if strings.Contains(text, not) {
			t.Errorf("%q was learned of a composite:\n%s", not, text)
		}
	}
	o, err := rules.ParseOverlay([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	lib, err := grammar.Builtin().With(o)
	if err != nil {
		t.Fatal(err)
	}
	his := &grammar.Library{Library: lib}
	for _, doc := range docs {
		d, err := edifact.Parse([]byte(doc), edifact.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if before := check(t, doc); finding.Worst(before) < finding.Error {
			t.Fatal("nothing was wrong before")
		}
		for p := range d.Messages() {
			his.Check(p)
		}
		if f := d.Findings(); len(f) > 0 {
			t.Fatalf("with the overlay: %v", f)
		}
	}
}
