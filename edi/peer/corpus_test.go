package peer_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/paklog/hub/edi/edifact"
	contrl "github.com/paklog/hub/edi/edifact/ack"
	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/ack"
)

const corpusDir = "../../../shared/data/edi-samples"

// corpus calls each for every X12 and EDIFACT file of the shared samples.
func corpus(t *testing.T, each func(name, kind string, data []byte)) {
	t.Helper()
	f, err := os.Open(filepath.Join(corpusDir, "MANIFEST.tsv"))
	if err != nil {
		t.Skipf("no EDI samples: %s is absent", corpusDir)
	}
	defer f.Close()
	tsv := csv.NewReader(f)
	tsv.Comma, tsv.LazyQuotes, tsv.FieldsPerRecord = '\t', true, -1
	rows, err := tsv.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		if row[4] != "X12" && row[4] != "EDIFACT" {
			continue
		}
		data, err := os.ReadFile(filepath.Join(corpusDir, row[0]))
		if err != nil {
			t.Error(err)
			continue
		}
		each(row[0], row[4], bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF")))
	}
}

// verdictsX12 are AK5 of each set and AK9 of each group as we give them from the
// envelope alone, which is what the others judge by.
func verdictsX12(t *testing.T, data []byte) (out []string) {
	t.Helper()
	d, err := x12.Parse(data, x12.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var c ack.Collector
	for _, p := range d.Parts {
		c.Add(p)
	}
	for i := range c.Interchanges {
		for k := range c.Interchanges[i].Groups {
			body, _ := ack.Functional(&c.Interchanges[i].Groups[k], x12.DefaultDelimiters)
			for _, s := range body {
				switch s.ID {
				case "AK2", "AK5", "AK9":
					out = append(out, s.ID+"*"+strings.Join(s.Elements, "*"))
				}
			}
		}
	}
	return out
}

// verdictsIn are those that an acknowledgement has: a 999's are read as a 997's,
// and CONTRL's UCI without its action code, which EDIReader leaves out.
func verdictsIn(text string) (out []string) {
	x, err := x12.Parse([]byte(text), x12.Limits{})
	if err != nil {
		return []string{err.Error()}
	}
	for p := range x.Sets() {
		for _, s := range p.Segments.All() {
			switch id := s.ID(); id {
			case "AK2":
				out = append(out, "AK2*"+s.Value(1)+"*"+s.Value(2))
			case "AK5", "IK5", "AK9":
				line := "AK" + id[2:]
				for n := 1; n <= s.Len(); n++ {
					line += "*" + s.Value(n)
				}
				out = append(out, line)
			}
		}
	}
	e, err := edifact.Parse([]byte(text), edifact.Limits{})
	if err != nil {
		return []string{err.Error()}
	}
	for p := range e.Messages() {
		for _, s := range p.Segments.All() {
			if s.Is("UCI") {
				out = append(out, "UCI+"+s.Value(1, 1)+"+"+s.Value(2, 1)+":"+s.Value(2, 2)+"+"+s.Value(3, 1)+":"+s.Value(3, 2))
			}
		}
	}
	return out
}

// verdictsEDIFACT are the UCI of our CONTRL for data.
func verdictsEDIFACT(t *testing.T, data []byte) []string {
	t.Helper()
	d, err := edifact.Parse(data, edifact.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var c contrl.Collector
	for _, p := range d.Parts {
		c.Add(p)
	}
	var b bytes.Buffer
	for i := range c.Interchanges {
		v := &c.Interchanges[i]
		h, body, ok := contrl.Contrl(v)
		if !ok {
			continue
		}
		h.Reference = "1"
		unb := v.UNB.Reply()
		unb.Date, unb.Time, unb.Control = "261123", "0915", "1"
		if unb.Version == "4" {
			unb.Date = "20261123"
		}
		w := edifact.NewWriter(&b, edifact.WriterOptions{Replace: '.'})
		if err := errors.Join(w.BeginInterchange(unb), w.WriteMessage(h, body), w.EndInterchange(), w.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return verdictsIn(b.String())
}

// sound reports whether no set or envelope of data has an error of the envelope.
func sound(t *testing.T, data []byte) bool {
	t.Helper()
	d, err := x12.Parse(data, x12.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return finding.Worst(d.Findings()) < finding.Error
}

// documented are the lines of DIFFERENCES.md that name a file, each with the
// heading that it stands under: engine and kind of difference.
func documented(t *testing.T) (out []string) {
	t.Helper()
	text, err := os.ReadFile("../DIFFERENCES.md")
	if err != nil {
		t.Fatal(err)
	}
	var heading string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if h, is := strings.CutPrefix(line, "### "); is {
			heading, _, _ = strings.Cut(h, ":")
		}
		if file, is := strings.CutPrefix(line, "- `"); is {
			file, _, _ = strings.Cut(file, "`")
			out = append(out, heading+": "+file)
		}
	}
	slices.Sort(out)
	return out
}

// TestDifferencesAreThoseExplained holds what other engines read in each sample,
// and answer to it, against what we do. What differs is what DIFFERENCES.md explains, no
// more and no less.
func TestDifferencesAreThoseExplained(t *testing.T) {
	t.Parallel()
	var differ []string
	alike, unable := map[string]int{}, 0
	for _, name := range []string{"edireader", "pydifact", "pyx12"} {
		e := start(t, name)
		corpus(t, func(file, kind string, data []byte) {
			if name == "pyx12" && kind != "X12" || name == "pydifact" && kind != "EDIFACT" {
				return
			}
			theirs := facts(t, e, data)
			say := func(kind, format string, a ...any) {
				differ = append(differ, name+" "+kind+": "+file)
				t.Logf("%s %s: %s: "+format, append([]any{name, kind, file}, a...)...)
			}
			if theirs.Failed != "" {
				if name == "pyx12" && strings.Contains(theirs.Failed, "Version Number is unknown") {
					unable++
					return
				}
				say("gives up", "%s", theirs.Failed)
				return
			}
			verdicts, read := verdictsX12, ourX12
			if kind == "EDIFACT" {
				verdicts, read = verdictsEDIFACT, ourEDIFACT
			}
			if name == "pyx12" {
				if ours := sound(t, data); ours != (len(theirs.Errors) == 0) {
					say("envelope", "to us sound: %t; to them %q", ours, theirs.Errors)
				} else {
					alike[name+", soundness"]++
				}
			} else {
				if d := firstDifference(read(t, data), theirs.Sets); d != "" {
					say("segments", "%s", d)
				} else {
					alike[name+", segments"]++
				}
			}
			if theirs.Ack == "" {
				return
			}
			if ours, theirs := verdicts(t, data), verdictsIn(theirs.Ack); !slices.Equal(ours, theirs) {
				say("verdicts", "%q is to them %q", ours, theirs)
			} else {
				alike[name+", verdicts"]++
			}
		})
	}
	for _, what := range slices.Sorted(maps.Keys(alike)) {
		t.Logf("%s: %d files alike", what, alike[what])
	}
	t.Logf("pyx12 reads no version but 00401 and 00501: %d files", unable)
	slices.Sort(differ)
	explained := documented(t)
	for _, d := range differ {
		if !slices.Contains(explained, d) {
			t.Errorf("not explained: %s", d)
		}
	}
	for _, d := range explained {
		if !slices.Contains(differ, d) {
			t.Errorf("explained, and no difference: %s", d)
		}
	}
}
