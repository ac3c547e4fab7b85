package x12

import (
	"errors"
	"fmt"
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
		{"a segment without end", "AAAAAAAA", "SetBytes"},
		{"blanks without end", " ", "SetBytes"},
		{"elements without end", "*", "SetBytes"},
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

// TestASegmentOverALimitHarmsItsSetAlone reads good sets around one with a segment that is
// too long, whole and in pieces.
func TestASegmentOverALimitHarmsItsSetAlone(t *testing.T) {
	t.Parallel()
	small := Limits{SegmentBytes: 1000, SetBytes: 10_000, Elements: 100}
	good := func(n string) string { return "ST*940*" + n + "~W05*N*ORD-1~SE*3*" + n + "~" }
	for _, c := range []struct{ name, segment, want string }{
		{"a long element", "NTE*WHI*" + strings.Repeat("a", 1500), "NTE-02 4 8/5/5 at most 1000 bytes @aaa"},
		{"binary data", "BIN*1500*" + strings.Repeat("~", 1500), "BIN-02 4 8/5/5 at most 1000 bytes @~~~"},
		{"as long as may be", "NTE*WHI*" + strings.Repeat("a", 991), ""},
		{"elements", "NTE" + strings.Repeat("*A", 101), "NTE-101 4 8/3/5 at most 100 elements @A~S"},
		{"as many elements as may be", "NTE" + strings.Repeat("*A", 100), ""},
	} {
		text := plainISA + "GS*OW*A*B*20261123*0915*7*X*004010~" + good("0001") + "ST*940*0002~W05*N*ORD-1~LX*1~" + c.segment + "~SE*5*0002~" +
			good("0003") + "GE*3*7~IEA*1*000000007~"
		for _, size := range []int{1, 7, 4096} {
			parts, err := readAll(NewReader(chunks{strings.NewReader(text), size}, small))
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			checkLaw(t, []byte(text), parts)
			var got string
			sets := 0
			for _, p := range parts {
				if p.Kind == TransactionSet {
					sets++
				}
				for _, f := range p.Findings {
					if f.Code != CodeLimit || f.Severity != Error || f.Set != "0002" || p.ST.Control != "0002" || f.Line != 1 || f.Column != int(f.Offset)+1 {
						t.Errorf("%s: %+v", c.name, f)
					}
					got += f.Element + fmt.Sprintf(" %d %s/%s/%s %s @%s", f.Segment, f.Ack.AK3, f.Ack.AK4, f.Ack.AK5, f.Expected, text[f.Offset:f.Offset+3])
				}
			}
			if got != c.want || sets != 3 {
				t.Errorf("%s, by %d bytes: %d sets, found %q, want %q", c.name, size, sets, got, c.want)
			}
		}
	}
}

// TestASetOverItsLimitIsCutAndHarmsNoNeighbour reads good sets around one that is too long,
// whose end comes, does not come, or is another set.
func TestASetOverItsLimitIsCutAndHarmsNoNeighbour(t *testing.T) {
	t.Parallel()
	small := Limits{SegmentBytes: 1000, SetBytes: 3000, Elements: 100}
	good := func(n string) string { return "ST*940*" + n + "~W05*N*ORD-1~SE*3*" + n + "~" }
	for name, segment := range map[string]string{"segments": "LX*1~", "with many elements": "A1" + strings.Repeat("*A", 200) + "~", "line ends": "LX*1~\r\n", "binary": "BIN*4*~~~~~"} {
		for _, end := range []string{"SE*5*0002~", ""} {
			long := "ST*940*0002~" + strings.Repeat(segment, 2*3000/len(segment))
			head := plainISA + "GS*OW*A*B*20261123*0915*7*X*004010~"
			text := head + good("0001") + long + end + good("0003") + "GE*3*7~IEA*1*000000007~"
			for _, size := range []int{1, 7, 4096, 1 << 20} {
				parts, err := readAll(NewReader(chunks{strings.NewReader(text), size}, small))
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				checkLaw(t, []byte(text), parts)
				var got []string
				for _, p := range parts {
					if p.Kind == TransactionSet {
						got = append(got, p.ST.Control)
					}
					for _, f := range p.Findings {
						if f.Code == CodeLimit && segment[0] == 'A' {
							continue
						}
						got = append(got, f.Code, f.Set, f.Ack.AK5)
						if at := int(f.Offset) - len(head); at <= 3000 || at > 3000+len(good(""))+len(segment)+20 || !strings.Contains(f.Message, "SetBytes") {
							t.Errorf("%s: at %d: %v", name, at, f)
						}
					}
				}
				if want := "[0001 0002 set-limit 0002 5 0003]"; fmt.Sprint(got) != want {
					t.Errorf("%s, by %d bytes: %v, want %s", name, size, got, want)
				}
			}
		}
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
