package x12

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

func (c chunks) Read(b []byte) (int, error) { return c.r.Read(b[:min(len(b), c.n)]) }

// readAll clones every part and then spoils the reader's buffer, so that a view
// that still pointed there would show.
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
		}
	}
	if !bytes.Equal(out, data) {
		t.Fatalf("parts hold\n%q, read was\n%q", out, data)
	}
	if interchanges != 0 || groups != 0 {
		t.Fatal("an interchange or group was left open")
	}
}

func FuzzReader(f *testing.F) {
	for _, s := range uglySeeds {
		f.Add([]byte(s), 7)
	}
	f.Add([]byte(plainISA+"GS*OW*A*B*20261123*0915*7*X*004010~ST*940*0001~"+strings.Repeat("LX*1~", 500)+"SE*2*0001~ST*940*0002~SE*2*0002~GE*2*7~IEA*1*000000007~"), 7)
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		lim := Limits{SegmentBytes: 1024, SetBytes: 2048, Elements: 64, Findings: 50}
		whole, err := readAll(NewBytesReader(data, lim))
		var limit *LimitError
		if err != nil && !errors.As(err, &limit) {
			t.Fatalf("unexpected error %v", err)
		}
		if err == nil {
			checkLaw(t, data, whole)
		}
		if size < 1 {
			size = 1
		}
		pieces, err2 := readAll(NewReader(chunks{bytes.NewReader(data), size}, lim))
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
			if a.Kind != b.Kind || a.ST != b.ST || !reflect.DeepEqual(a.ISA, b.ISA) || !reflect.DeepEqual(a.GS, b.GS) || !reflect.DeepEqual(a.Findings, b.Findings) {
				t.Fatalf("part %d differs:\n%+v\n%+v", i, a, b)
			}
		}
	})
}

func TestSourceErrorIsNotTheEndOfTheStream(t *testing.T) {
	broken := errors.New("connection reset")
	r := NewReader(io.MultiReader(bytes.NewReader([]byte(uglySeeds[0][:200])), iotest.ErrReader(broken)), Limits{})
	parts, err := readAll(r)
	if !errors.Is(err, broken) {
		t.Fatalf("error %v after %d parts, want the source's", err, len(parts))
	}
	for _, p := range parts {
		if p.Kind == TransactionSet || p.Kind == InterchangeTrailer {
			t.Errorf("a cut stream gave %v", p.Kind)
		}
	}
}
