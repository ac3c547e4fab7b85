package x12

import (
	"bytes"
	"encoding/csv"
	"maps"
	"os"
	"path/filepath"
	"slices"
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

// TestCorpusEndsAsDocumentOrFinding reads every sample: bytes come back as they
// were, every byte lies in a part, and of the X12 ones at least 98 of 100 give a
// document whose sets are named.
func TestCorpusEndsAsDocumentOrFinding(t *testing.T) {
	type count struct{ files, documents, sets, findings int }
	bySource := map[string]*count{}
	var all count
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
		sets, at := 0, int64(0)
		for _, p := range d.Parts {
			if p.Offset != at {
				t.Errorf("%s: a part begins at byte %d and not at %d", name, p.Offset, at)
			}
			at += int64(len(p.Raw))
			if p.Kind == TransactionSet || p.Kind == InterchangeAck {
				sets++
			}
			if p.Kind == TransactionSet && p.ST.ID == "" && len(p.Findings) == 0 {
				t.Errorf("%s: a set without a name and without a finding", name)
			}
		}
		findings := d.Findings()
		if sets == 0 && len(findings) == 0 {
			t.Errorf("%s: neither document nor finding", name)
		}
		if strings.HasSuffix(name, " X12") {
			source, _, _ := strings.Cut(name, "/")
			if bySource[source] == nil {
				bySource[source] = &count{}
			}
			for _, c := range []*count{bySource[source], &all} {
				c.files++
				c.sets += sets
				c.findings += len(findings)
				if sets > 0 {
					c.documents++
				}
			}
			if sets == 0 {
				t.Logf("no document: %s: %v", name, findings)
			}
		}
		t.Logf("%-70s %s", name, shape(d))
	})
	for _, source := range slices.Sorted(maps.Keys(bySource)) {
		c := bySource[source]
		t.Logf("%-40s %3d files, %3d documents, %3d sets, %3d findings of the envelope", source, c.files, c.documents, c.sets, c.findings)
	}
	t.Logf("%d X12 files, %d of them gave a document, %d sets", all.files, all.documents, all.sets)
	if all.documents*100 < all.files*98 {
		t.Errorf("%d of %d X12 files gave a document: below 98 of 100", all.documents, all.files)
	}
}
