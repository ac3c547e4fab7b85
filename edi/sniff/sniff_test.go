package sniff_test

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"testing"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/sniff"
	"github.com/paklog/hub/edi/x12"
)

func TestFormatsAreToldApart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		data string
		want sniff.Format
	}{
		{"ISA*00*          *00*", sniff.X12},
		{"ISA~00~          ~00~", sniff.X12},
		{"\xEF\xBB\xBF\r\n ISA*00*", sniff.X12},
		{"UNA:+.? 'UNB+UNOA:1", sniff.EDIFACT},
		{"UNB+UNOC:3+A+B", sniff.EDIFACT},
		{"\xEF\xBB\xBFUNB+UNOC:3+A+B", sniff.EDIFACT},
		{"UNH+1+ORDERS:D:96A:UN'", sniff.EDIFACT},
		{"UIB+UNOA:4+1'", sniff.EDIFACT},
		{"UNA:+.? 'UIB+UNOA:4+1'", sniff.EDIFACT},
		{"UIBX+UNOA:4+1'", sniff.Unknown},
		{"Of the UIB+ in prose", sniff.Unknown},
		{"STX=ANA:1+5000000000000", sniff.TRADACOMS},
		{"\nMHD=1+ORDHDR:9'", sniff.TRADACOMS},
		{"Subject: orders\r\n\r\nUNA:+.? '\r\nUNB+UNOA:1+A", sniff.EDIFACT},
		{"Subject: orders\r\n\r\nISA*00*          *00*", sniff.X12},
		{"Subject: a UNB+ or an ISA* in prose, or a UNH+", sniff.Unknown},
		{"ISABELLA ordered", sniff.Unknown},
		{"UNBOUND", sniff.Unknown},
		{"{\"order\":1}", sniff.Unknown},
		{"ISA", sniff.Unknown},
		{"UNA:", sniff.Unknown},
		{"", sniff.Unknown},
	} {
		if got := sniff.Of([]byte(c.data)); got != c.want {
			t.Errorf("%q is %s, want %s", c.data, got, c.want)
		}
	}
	if sniff.TRADACOMS.Supported() || sniff.Unknown.Supported() || !sniff.X12.Supported() || !sniff.EDIFACT.Supported() {
		t.Error("what is supported")
	}
}

func TestCorpusIsToldApart(t *testing.T) {
	const dir = "../../../shared/data/edi-samples"
	f, err := os.Open(filepath.Join(dir, "MANIFEST.tsv"))
	if err != nil {
		t.Skipf("no EDI samples: %s is absent", dir)
	}
	defer f.Close()
	tsv := csv.NewReader(f)
	tsv.Comma, tsv.LazyQuotes, tsv.FieldsPerRecord = '\t', true, -1
	rows, err := tsv.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		data, err := os.ReadFile(filepath.Join(dir, row[0]))
		if err != nil {
			t.Fatal(err)
		}
		want := sniff.Format(row[4])
		if d, err := x12.Parse(data, x12.Limits{}); want == sniff.X12 && err == nil && d.Parts[0].ISA == nil {
			want = sniff.Unknown // a transaction set alone, or a text about one
		}
		if got := sniff.Of(data); got != want {
			t.Errorf("%s is %s, want %s", row[0], got, want)
		}
	}
}

// What the readers themselves take for an interchange is told to be one.
func FuzzSniffAgreesWithTheReaders(f *testing.F) {
	for _, s := range []string{"ISA*00*", "UNA:+.? 'UNB+UNOA:1+A'", "UNB+UNOC:3+A'", "UNH+1+ORDERS:D'", "STX=A", "x\nUNB+UNOC:3+A'", "  \x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 512 {
			return
		}
		format := sniff.Of(data)
		if d, err := x12.Parse(data, x12.Limits{}); err == nil && len(d.Parts) > 0 && d.Parts[0].Kind == x12.InterchangeHeader && format != sniff.X12 {
			t.Fatalf("X12 is taken for %s: %q", format, data)
		}
		if d, err := edifact.Parse(data, edifact.Limits{}); err == nil && len(d.Parts) > 0 && d.Parts[0].Kind == edifact.InterchangeHeader && format != sniff.EDIFACT {
			t.Fatalf("EDIFACT is taken for %s: %q", format, data)
		}
		if format == sniff.TRADACOMS && !bytes.Contains(data, []byte("=")) {
			t.Fatalf("%q", data)
		}
	})
}
