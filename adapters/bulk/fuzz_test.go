package bulk

import (
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// What the standard library reads as a row we read the same, and what cannot be read is
// a place in the file; the reader always comes to its end.
func FuzzCSV(f *testing.F) {
	f.Add("a,b\r\n\"x\"\"y\",\"1\n2\"\n,\n")
	f.Add("\xef\xbb\xbfa;b\n=1+1;@x\n")
	f.Add("a\n\"open")
	f.Add("a,\"b\"c,d\ne,f\n")
	f.Fuzz(func(t *testing.T, in string) {
		if strings.HasPrefix(in, "\xff\xfe") || strings.HasPrefix(in, "\xfe\xff") {
			return
		}
		s, err := newSource(strings.NewReader(in))
		if err != nil {
			t.Fatal(err)
		}
		r := &csvReader{src: s, comma: ',', max: 1 << 10}
		var ours [][]string
		clean := true
		for {
			row, err := r.read()
			if errors.Is(err, io.EOF) {
				break
			}
			var bad *rowError
			if errors.As(err, &bad) {
				clean = false
				if bad.Offset < 0 || bad.Offset > int64(len(in)) {
					t.Fatalf("an offset of %d in %d bytes", bad.Offset, len(in))
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if row.blank() {
				continue
			}
			var fields []string
			for i := range row.len() {
				if !utf8.ValidString(row.field(i)) {
					t.Fatalf("field %q is not UTF-8", row.field(i))
				}
				fields = append(fields, row.field(i))
			}
			ours = append(ours, fields)
		}
		if s.at != int64(len(in)) {
			t.Fatalf("%d bytes of %d were read", s.at, len(in))
		}
		// The standard library makes \n of \r\n within quotes, and of a lone \r at the end.
		if !clean || strings.Contains(in, "\r") {
			return
		}
		c := csv.NewReader(strings.NewReader(strings.TrimPrefix(in, "\xef\xbb\xbf")))
		c.FieldsPerRecord = -1
		theirs, err := c.ReadAll()
		if err != nil {
			t.Fatalf("accepted what is not CSV: %v", err)
		}
		// A row of one empty field in quotes is a blank line to us: no kind has one column.
		theirs = slices.DeleteFunc(theirs, func(f []string) bool { return len(f) == 1 && f[0] == "" })
		if !slices.EqualFunc(ours, theirs, slices.Equal) {
			t.Fatalf("read %q\nwant %q", ours, theirs)
		}
	})
}
