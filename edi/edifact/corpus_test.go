package edifact

import (
	"bytes"
	"encoding/csv"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/paklog/hub/edi/finding"
)

const corpusDir = "../../../shared/data/edi-samples"

// corpus calls each for every file of the shared samples.
func corpus(t *testing.T, each func(name, source, kind string, data []byte)) {
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
		data, err := os.ReadFile(filepath.Join(corpusDir, row[0]))
		if err != nil {
			t.Error(err)
			continue
		}
		each(row[0], row[1], row[4], data)
	}
}

// shape is one line that says what the document was read as.
func shape(d *Document) string {
	var b strings.Builder
	for _, p := range d.Parts {
		switch p.Kind {
		case InterchangeHeader:
			b.WriteString("[" + string(p.UNB.Syntax) + p.UNB.Version)
		case InterchangeTrailer:
			b.WriteString("]")
		case GroupHeader:
			b.WriteString(" (" + p.UNG.Type)
		case GroupTrailer:
			b.WriteString(")")
		case Message:
			b.WriteString(" " + p.UNH.Type)
		case Package:
			b.WriteString(" package")
		case Security:
			b.WriteString(" " + p.Segments.At(0).ID())
		case Stray:
			b.WriteString(" ?" + p.Segments.At(0).ID())
		case Noise:
			if len(p.Findings) > 0 {
				b.WriteString("noise")
			}
		}
	}
	return b.String()
}

func TestCorpusEndsAsDocumentOrFinding(t *testing.T) {
	type tally struct{ files, documents, clean, warned, wrong int }
	bySource := map[string]*tally{}
	all := tally{}
	corpus(t, func(name, source, kind string, data []byte) {
		d, err := Parse(data, Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		checkLaw(t, data, d.Parts)
		for _, size := range []int{1, 7, 512, 4096} {
			checkPieces(t, data, size, Limits{})
		}
		messages := 0
		for p := range d.Messages() {
			if p.UNH.Type != "" || len(p.Findings) > 0 {
				messages++
			}
		}
		findings := d.Findings()
		if messages == 0 && len(findings) == 0 {
			t.Errorf("%s: neither document nor finding", name)
		}
		if kind != "EDIFACT" {
			if messages > 0 {
				t.Errorf("%s is %s and gave messages", name, kind)
			}
			return
		}
		by := bySource[source]
		if by == nil {
			by = &tally{}
			bySource[source] = by
		}
		for _, c := range []*tally{by, &all} {
			c.files++
			if messages > 0 {
				c.documents++
			}
			switch worst := finding.Worst(findings); worst {
			case Error:
				c.wrong++
			case Warning:
				c.warned++
			case 0, Note:
				c.clean++
			}
		}
		t.Logf("%-70s %s", name, shape(d))
		for _, f := range findings {
			t.Logf("    %s %v", f.Code, f)
		}
	})
	t.Logf("%-40s %5s %9s %5s %7s %6s", "source", "files", "documents", "clean", "warned", "errors")
	line := func(source string, c *tally) {
		t.Logf("%-40s %5d %9d %5d %7d %6d", source, c.files, c.documents, c.clean, c.warned, c.wrong)
	}
	for _, source := range slices.Sorted(maps.Keys(bySource)) {
		line(source, bySource[source])
	}
	line("all", &all)
	if all.documents*100 < all.files*98 {
		t.Errorf("%d of %d files gave a document, fewer than 98 %%", all.documents, all.files)
	}
}

func TestWrittenBytesAreThoseRead(t *testing.T) {
	t.Parallel()
	for _, s := range uglySeeds {
		d, err := Parse([]byte(s), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if n, err := d.WriteTo(&out); err != nil || n != int64(len(s)) || out.String() != s {
			t.Errorf("%q is written as %q", s, out.String())
		}
	}
}
