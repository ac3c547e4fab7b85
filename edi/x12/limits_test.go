package x12

import (
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
)

// endless repeats a text until n bytes were read.
type endless struct {
	text string
	at   int
	n    int64
}

func (e *endless) Read(b []byte) (int, error) {
	if e.n <= 0 {
		return 0, io.EOF
	}
	b = b[:min(int64(len(b)), e.n)]
	for i := range b {
		b[i] = e.text[e.at]
		e.at = (e.at + 1) % len(e.text)
	}
	e.n -= int64(len(b))
	return len(b), nil
}

func TestLimitsAreNamed(t *testing.T) {
	t.Parallel()
	head := plainISA + "GS*OW*A*B*20261123*0915*7*X*004010~ST*940*0001~"
	small := Limits{SegmentBytes: 10_000, SetBytes: 100_000, Elements: 100}
	for _, c := range []struct{ name, repeat, limit string }{
		{"a segment without end", "AAAAAAAA", "SegmentBytes"},
		{"blanks without end", " ", "SegmentBytes"},
		{"a set without end", "LX*1~", "SetBytes"},
		{"elements without end", "*", "SegmentBytes"},
		{"too many elements", strings.Repeat("*A", 200) + "~", "Elements"},
		{"binary data of a gigabyte", "BIN*999999999*AAAA~", "SegmentBytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := NewReader(io.MultiReader(strings.NewReader(head), &endless{text: c.repeat, n: 1 << 40}), small)
			_, err := readAll(r)
			var limit *LimitError
			if !errors.As(err, &limit) || limit.Limit != c.limit {
				t.Fatalf("error %v, want the limit %s", err, c.limit)
			}
			if _, again := r.Next(); !errors.Is(again, err) {
				t.Errorf("the next call gave %v", again)
			}
			if !strings.Contains(err.Error(), c.limit) {
				t.Errorf("%q does not name the limit", err)
			}
		})
	}
}

func TestFindingsOfOnePartAreBounded(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("~", 5000)
	d, err := Parse([]byte(plainISA+"GS*OW*A*B*20261123*0915*7*X*004010~ST*940*0001~"+body+"W05*N~SE*9*0001~GE*1*7~IEA*1*000000007~"), Limits{Findings: 20})
	if err != nil {
		t.Fatal(err)
	}
	for p := range d.Sets() {
		last := p.Findings[len(p.Findings)-1]
		if len(p.Findings) != 21 || last.Code != CodeTooManyFindings {
			t.Errorf("%d findings, the last %v", len(p.Findings), last)
		}
		if Worst(p.Findings) != Error {
			t.Error("the suppressed error (SE01) no longer rejects the set")
		}
	}
}

func TestMemoryIsThatOfOneSet(t *testing.T) {
	set := "ST*940*0001~W05*N*ORD-1~LX*1~W01*2*EA**VN*SKU-1~W76*2~SE*6*0001~"
	for name, text := range map[string]string{
		"one group of many sets": set,
		"noise without end":      "this is no interchange at all\n",
		"blanks without end":     "\n",
		"strays without end":     "ZZZ*1~",
	} {
		t.Run(name, func(t *testing.T) {
			head := plainISA + "GS*OW*A*B*20261123*0915*7*X*004010~"
			if strings.HasSuffix(name, "noise without end") || strings.HasPrefix(name, "blanks") || strings.HasPrefix(name, "noise") {
				head = ""
			}
			r := NewReader(io.MultiReader(strings.NewReader(head), &endless{text: text, n: 8 << 20}), Limits{})
			var most uint64
			var m runtime.MemStats
			for i := 0; ; i++ {
				p, err := r.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				_ = p
				if i%50_000 == 0 {
					runtime.GC()
					runtime.ReadMemStats(&m)
					most = max(most, m.HeapAlloc)
				}
			}
			if cap(r.win.Buf) > 1<<20 || cap(r.win.Idx) > 1<<20 {
				t.Errorf("the window grew to %d bytes and %d delimiters", cap(r.win.Buf), cap(r.win.Idx))
			}
			if most > 24<<20 {
				t.Errorf("%d bytes of heap for a stream of small parts", most)
			}
		})
	}
}
