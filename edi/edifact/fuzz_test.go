package edifact

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

// chunks reads at most n bytes at a time.
type chunks struct {
	r io.Reader
	n int
}

func (c *chunks) Read(b []byte) (int, error) { return c.r.Read(b[:min(len(b), c.n)]) }

// readAll clones every part.
func readAll(r *Reader) (parts []*Part, err error) {
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return parts, nil
		}
		if err != nil {
			return parts, err
		}
		parts = append(parts, p.Clone())
	}
}

func checkLaw(t *testing.T, data []byte, parts []*Part) {
	t.Helper()
	var out []byte
	interchanges, groups := 0, 0
	for _, p := range parts {
		if p.Offset != int64(len(out)) {
			t.Fatalf("part %v begins at %d, want %d", p.Kind, p.Offset, len(out))
		}
		out = append(out, p.Raw...)
		var inner []byte
		for _, s := range p.Segments.All() {
			inner = append(inner, s.Raw()...)
			for n := range s.Len() + 2 {
				for r := range s.Repetitions(n) + 1 {
					for c := range 4 {
						raw, at := s.Component(n, r+1, c+1)
						if at < p.Offset || at+int64(len(raw)) > p.Offset+int64(len(p.Raw)) {
							t.Fatalf("component outside its part in %q", s.Raw())
						}
						s.Text(raw)
					}
				}
			}
		}
		if p.Segments.Len() > 0 && !bytes.Equal(inner, p.Raw) {
			t.Fatalf("segments of %v hold %q, the part %q", p.Kind, inner, p.Raw)
		}
		switch p.Kind {
		case InterchangeHeader:
			interchanges++
		case InterchangeTrailer:
			interchanges--
		case GroupHeader:
			groups++
		case GroupTrailer:
			groups--
		}
		if interchanges < 0 || interchanges > 1 || groups < 0 || groups > interchanges {
			t.Fatalf("%d open interchanges and %d groups behind %v", interchanges, groups, p.Kind)
		}
		for _, f := range p.Findings {
			if f.Code == "" || f.Severity == 0 || f.Layer == "" || f.Message == "" || f.Line < 1 || f.Column < 1 {
				t.Fatalf("incomplete finding %+v", f)
			}
			if f.Offset < 0 || f.Offset+int64(f.Length) > int64(len(data)) {
				t.Fatalf("finding outside the data: %+v", f)
			}
			if line := bytes.Count(data[:f.Offset], []byte{'\n'}) + 1; line != f.Line {
				t.Fatalf("line %d for offset %d, which is on line %d: %v", f.Line, f.Offset, line, f)
			}
		}
	}
	if !bytes.Equal(out, data) {
		t.Fatalf("parts hold\n%q, read was\n%q", out, data)
	}
	if interchanges != 0 || groups != 0 {
		t.Fatal("an interchange or group was left open")
	}
}

func checkPieces(t *testing.T, data []byte, size int, lim Limits) {
	t.Helper()
	own := bytes.Clone(data)
	whole, err := readAll(NewBytesReader(own, lim))
	for i := range own { // what was cloned must not change with the bytes it came from
		own[i] ^= 0xFF
	}
	var limit *LimitError
	if err != nil && !errors.As(err, &limit) {
		t.Fatalf("unexpected error %v", err)
	}
	if err == nil {
		checkLaw(t, data, whole)
	}
	pieces, err2 := readAll(NewReader(&chunks{r: bytes.NewReader(data), n: max(size, 1)}, lim))
	if (err == nil) != (err2 == nil) {
		t.Fatalf("whole: %v, in pieces of %d: %v", err, size, err2)
	}
	if err != nil {
		return
	}
	checkLaw(t, data, pieces)
	if len(whole) != len(pieces) {
		t.Fatalf("%d parts whole, %d in pieces", len(whole), len(pieces))
	}
	for i, a := range whole {
		b := pieces[i]
		if a.Kind != b.Kind || a.UNH != b.UNH || !bytes.Equal(a.Object, b.Object) || !reflect.DeepEqual(a.UNB, b.UNB) || !reflect.DeepEqual(a.UNG, b.UNG) || !reflect.DeepEqual(a.Findings, b.Findings) {
			t.Fatalf("part %d differs:\n%+v\n%+v", i, a, b)
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, s := range uglySeeds {
		f.Add([]byte(s), 7)
	}
	f.Add([]byte(plainUNB+"UNH+1+ORDERS:D:96A:UN'"+strings.Repeat("LIN+1'", 500)+"UNT+2+1'UNH+2+ORDERS:D:96A:UN'UNT+2+2'UNZ+2+REF7'"), 7)
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		checkPieces(t, data, size, Limits{SegmentBytes: 1024, MessageBytes: 2048, Elements: 64, Findings: 50})
	})
}

func TestSeedsAreReadInPiecesOfAnySize(t *testing.T) {
	t.Parallel()
	for _, s := range uglySeeds {
		for size := 1; size < 40; size++ {
			checkPieces(t, []byte(s), size, Limits{})
		}
	}
}

func TestSourceErrorIsNotTheEndOfTheStream(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	r := NewReader(io.MultiReader(bytes.NewReader([]byte(plain[:200])), iotest.ErrReader(broken)), Limits{})
	parts, err := readAll(r)
	if !errors.Is(err, broken) {
		t.Fatalf("error %v after %d parts, want the source's", err, len(parts))
	}
	for _, p := range parts {
		if p.Kind == Message || p.Kind == InterchangeTrailer {
			t.Errorf("a cut stream gave %v", p.Kind)
		}
	}
}
