package mixed_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/edifact/edifactgen"
	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/edi/mixed"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/x12gen"
)

// read takes a stream apart and holds it against itself: every byte once, in order, each
// part where it says it is.
func read(t *testing.T, text []byte, r *mixed.Reader) (kinds []string, findings []finding.Finding) {
	t.Helper()
	var at int64
	part := func(offset int64, raw []byte, line, column int, f []finding.Finding) {
		if offset != at || !bytes.Equal(raw, text[at:at+int64(len(raw))]) {
			t.Fatalf("a part at byte %d is said to stand at %d", at, offset)
		}
		if before := text[:at]; line != bytes.Count(before, []byte{'\n'})+1 || column != len(before)-bytes.LastIndexByte(before, '\n') {
			t.Fatalf("byte %d is said to stand at %d:%d", at, line, column)
		}
		at += int64(len(raw))
		findings = append(findings, f...)
	}
	err := r.Each(func(r *x12.Reader) error {
		for {
			p, err := r.Next()
			if err != nil {
				return ended(err)
			}
			line, column := p.Position(p.Offset)
			part(p.Offset, p.Raw, line, column, p.Findings)
			switch p.Kind {
			case x12.InterchangeHeader:
				kinds = append(kinds, "ISA "+p.ISA.Control)
			case x12.InterchangeTrailer:
				kinds = append(kinds, "IEA")
			case x12.TransactionSet:
				kinds = append(kinds, "ST "+p.ST.Control)
			default:
			}
		}
	}, func(r *edifact.Reader) error {
		for {
			p, err := r.Next()
			if err != nil {
				return ended(err)
			}
			line, column := p.Position(p.Offset)
			part(p.Offset, p.Raw, line, column, p.Findings)
			switch p.Kind {
			case edifact.InterchangeHeader:
				kinds = append(kinds, "UNB "+p.UNB.Control)
			case edifact.InterchangeTrailer:
				kinds = append(kinds, "UNZ")
			case edifact.Message:
				kinds = append(kinds, "UNH "+p.UNH.Reference)
			default:
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if at != int64(len(text)) {
		t.Fatalf("%d of %d bytes were handed out", at, len(text))
	}
	return kinds, findings
}

func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// pieces makes one interchange of each format.
func pieces(t *testing.T, control int) (x, e []byte) {
	t.Helper()
	var a, b bytes.Buffer
	if _, err := x12gen.Write(&a, x12gen.Config{Seed: 4, Set: "940", Sets: 2, Control: control}); err != nil {
		t.Fatal(err)
	}
	if _, err := edifactgen.Write(&b, edifactgen.Config{Seed: 4, Messages: 2, Control: control, Options: edifact.WriterOptions{UNA: control%2 == 0}}); err != nil {
		t.Fatal(err)
	}
	return a.Bytes(), b.Bytes()
}

func TestInterchangesOfBothFormatsAreReadInTheirOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 2))
		var text bytes.Buffer
		var want []string
		noise := 0
		for n := range 1 + r.IntN(7) {
			x, e := pieces(t, n+1)
			if r.IntN(2) == 0 {
				text.Write(x)
				want = append(want, fmt.Sprintf("ISA %09d", n+1), "ST 0001", "ST 0002", "IEA")
			} else {
				text.Write(e)
				want = append(want, fmt.Sprintf("UNB %d", n+1), "UNH 1", "UNH 2", "UNZ")
			}
			if r.IntN(2) == 0 {
				text.WriteString([]string{"\n", "\r\n\r\n", "\n-- UNB is no header here, nor is ISA --\n", "\nDISABLED\n", strings.Repeat("nothing to see\n", 9000)}[r.IntN(5)])
				noise++
			}
		}
		for _, source := range []io.Reader{bytes.NewReader(text.Bytes()), iotest.OneByteReader(bytes.NewReader(text.Bytes())), nil} {
			in := mixed.NewBytesReader(text.Bytes(), mixed.Limits{})
			if source != nil {
				in = mixed.NewReader(source, mixed.Limits{})
			}
			kinds, findings := read(t, text.Bytes(), in)
			if fmt.Sprint(kinds) != fmt.Sprint(want) {
				t.Fatalf("seed %d: read\n%v\nwant\n%v", seed, kinds, want)
			}
			for _, f := range findings {
				if f.Code != x12.CodeNoise && f.Code != edifact.CodeNoise {
					t.Errorf("seed %d: %v", seed, f)
				}
			}
			if len(findings) > noise {
				t.Errorf("seed %d: %d findings of %d pieces of noise", seed, len(findings), noise)
			}
		}
	}
}

// An interchange without its end is closed, with a finding, where one of the other format
// begins, and costs that nothing.
func TestWhatBreaksOffEndsWhereTheOtherFormatBegins(t *testing.T) {
	t.Parallel()
	x, e := pieces(t, 7)
	cutX, cutE := x[:bytes.Index(x, []byte("SE*"))], e[:bytes.Index(e, []byte("UNT+"))]
	for _, c := range []struct {
		name        string
		text        []byte
		kinds, want string
	}{
		{"X12", append(bytes.Clone(cutX), e...), "[ISA 000000007 ST 0001 IEA UNB 7 UNH 1 UNH 2 UNZ]", "[se-missing ge-missing iea-missing]"},
		{"EDIFACT", append(bytes.Clone(cutE), x...), "[UNB 7 UNH 1 UNZ ISA 000000007 ST 0001 ST 0002 IEA]", "[unt-missing unz-missing]"},
		{"X12 within a segment", append(bytes.Clone(cutX[:len(cutX)-3]), e...), "[ISA 000000007 ST 0001 IEA UNB 7 UNH 1 UNH 2 UNZ]", "[segment-unterminated se-missing ge-missing iea-missing]"},
		{"EDIFACT within a segment", append(bytes.Clone(cutE[:len(cutE)-3]), x...), "[UNB 7 UNH 1 UNZ ISA 000000007 ST 0001 ST 0002 IEA]", "[segment-unterminated unt-missing unz-missing]"},
		{"X12 without its last terminator", append(bytes.TrimRight(bytes.Clone(x), "~\r\n"), e...), "[ISA 000000007 ST 0001 ST 0002 IEA UNB 7 UNH 1 UNH 2 UNZ]", "[segment-unterminated]"},
		{"EDIFACT without its last terminator", append(bytes.TrimRight(bytes.Clone(e), "'\r\n"), x...), "[UNB 7 UNH 1 UNH 2 UNZ ISA 000000007 ST 0001 ST 0002 IEA]", "[segment-unterminated]"},
		{"X12 without its last terminator, before a UNA", slices.Concat(bytes.TrimRight(x, "~\r\n"), []byte("UNA:+.? '"), e), "[ISA 000000007 ST 0001 ST 0002 IEA UNB 7 UNH 1 UNH 2 UNZ]", "[segment-unterminated]"},
	} {
		for _, in := range []io.Reader{bytes.NewReader(c.text), iotest.OneByteReader(bytes.NewReader(c.text))} {
			kinds, findings := read(t, c.text, mixed.NewReader(in, mixed.Limits{}))
			var codes []string
			for _, f := range findings {
				codes = append(codes, f.Code)
			}
			if fmt.Sprint(kinds) != c.kinds || fmt.Sprint(codes) != c.want {
				t.Errorf("%s: %v %v", c.name, kinds, codes)
			}
		}
	}
}

func TestOneFormatAloneIsReadAsItsReaderDoes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "\n\n", "nothing at all", "STX=ANA:1+1:X'MHD=1+ORDHDR:9'", "UNH+1+ORDERS:D:96A:UN'UNT+2+1'"} {
		n := 0
		r := mixed.NewReader(strings.NewReader(text), mixed.Limits{})
		for {
			s, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if n++; err != nil || (s.EDIFACT != nil) != strings.HasPrefix(text, "UNH") {
				t.Fatalf("%q: %v %v", text, s, err)
			}
			for {
				var err error
				if s.X12 != nil {
					_, err = s.X12.Next()
				} else {
					_, err = s.EDIFACT.Next()
				}
				if err != nil {
					break
				}
			}
		}
		if n != 1 {
			t.Errorf("%q: %d stretches", text, n)
		}
	}
}

func TestABrokenStreamIsToldByTheReaderThatMeetsIt(t *testing.T) {
	t.Parallel()
	x, e := pieces(t, 1)
	lost := errors.New("line lost")
	for _, at := range []int{10, len(x) + 40, len(x) + len(e)} {
		in := io.MultiReader(bytes.NewReader(append(bytes.Clone(x), e...)[:at]), iotest.ErrReader(lost))
		err := mixed.NewReader(in, mixed.Limits{}).Each(func(r *x12.Reader) error {
			for {
				if _, err := r.Next(); err != nil {
					return ended(err)
				}
			}
		}, func(r *edifact.Reader) error {
			for {
				if _, err := r.Next(); err != nil {
					return ended(err)
				}
			}
		})
		if !errors.Is(err, lost) {
			t.Errorf("broken at byte %d: %v", at, err)
		}
	}
}

func FuzzMixed(f *testing.F) {
	f.Add([]byte("ISA*00*          *00*          *ZZ*A              *ZZ*B              *261123*0915*U*00401*000000001*0*P*>~IEA*0*000000001~UNB+UNOC:3+A+B+261123:0915+7'UNZ+0+7'"), 3)
	f.Add([]byte("UNB+UNOC:3+A+B+261123:0915+7'UNZ+0+7'\nISA*00*          *00*"), 40)
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		in := io.Reader(bytes.NewReader(text))
		if size > 0 {
			in = pieced{in, size}
		}
		whole, _ := read(t, text, mixed.NewBytesReader(text, mixed.Limits{}))
		piecemeal, _ := read(t, text, mixed.NewReader(in, mixed.Limits{}))
		if fmt.Sprint(whole) != fmt.Sprint(piecemeal) {
			t.Errorf("in one piece %v, in pieces of %d %v", whole, size, piecemeal)
		}
	})
}

// pieced reads at most so many bytes at once.
type pieced struct {
	io.Reader
	most int
}

func (p pieced) Read(b []byte) (int, error) { return p.Reader.Read(b[:min(len(b), p.most)]) }
