package x12

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const corpusDir = "../../../shared/data/edi-samples"

// corpus calls each for every X12 file of the shared samples.
func corpus(t *testing.T, each func(name string, data []byte)) {
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
		each(row[0]+" "+row[4], data)
	}
}

// shape is one line that says what the document was read as.
func shape(d *Document) string {
	var b strings.Builder
	for _, p := range d.Parts {
		switch p.Kind {
		case InterchangeHeader:
			b.WriteString("[" + p.ISA.Version)
		case InterchangeTrailer:
			b.WriteString("]")
		case InterchangeAck:
			b.WriteString(" TA1")
		case TransactionSet:
			b.WriteString(" " + p.ST.ID)
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
	files, documents := 0, 0
	corpus(t, func(name string, data []byte) {
		d, err := Parse(data, Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		var out bytes.Buffer
		if _, err := d.WriteTo(&out); err != nil || !bytes.Equal(out.Bytes(), data) {
			t.Errorf("%s: written bytes differ from those read", name)
		}
		sets := 0
		for range d.Sets() {
			sets++
		}
		findings := d.Findings()
		if sets == 0 && len(findings) == 0 && !strings.Contains(shape(d), "TA1") {
			t.Errorf("%s: neither document nor finding", name)
		}
		if strings.HasSuffix(name, " X12") {
			files++
			if sets > 0 {
				documents++
			}
		}
		t.Logf("%-70s %s", name, shape(d))
		for _, f := range findings {
			t.Logf("    %s %v", f.Code, f)
		}
	})
	t.Logf("%d X12 files, %d of them gave transaction sets", files, documents)
}
