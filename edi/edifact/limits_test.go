package edifact

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/paklog/hub/edi/finding"
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
	head := plainUNB + "UNH+1+ORDERS:D:96A:UN'"
	small := Limits{SegmentBytes: 10_000, MessageBytes: 100_000, Elements: 100}
	for _, c := range []struct{ name, head, repeat, limit string }{
		{"a segment without end", head, "AAAAAAAA", "MessageBytes"},
		{"terminators that are released, without end", head, "?'", "MessageBytes"},
		{"blanks without end", head, " ", "MessageBytes"},
		{"elements without end", head, "+", "MessageBytes"},
		{"a header without end", "UNB+UNOC:3+A+B+C'"[:16], "AAAAAAAA", "MessageBytes"},
		{"an object of a gigabyte", plainUNB + "UNO+P1+D+T+999999999'", "A", "MessageBytes"},
		{"an object without end", plainUNB + "UNO+P1+D+T+12'", "A", "MessageBytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := NewReader(io.MultiReader(strings.NewReader(c.head), &endless{text: c.repeat, n: 1 << 40}), small)
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

// TestASegmentOverALimitHarmsItsMessageAlone reads good messages around one with a segment
// that is too long, whole and in pieces.
func TestASegmentOverALimitHarmsItsMessageAlone(t *testing.T) {
	t.Parallel()
	small := Limits{SegmentBytes: 1000, MessageBytes: 10_000, Elements: 100}
	good := func(n string) string { return "UNH+" + n + "+ORDERS:D:96A:UN'BGM+220'UNT+3+" + n + "'" }
	for _, c := range []struct{ name, segment, want string }{
		{"a long element", "FTX+AAI+++" + strings.Repeat("a", 1500), "FTX-04 3 39 at most 1000 bytes @aaa"},
		{"as long as may be", "FTX+AAI+++" + strings.Repeat("a", 989), ""},
		{"elements", "FTX" + strings.Repeat("+A", 101), "FTX-101 3 16 at most 100 elements @A'U"},
		{"as many elements as may be", "FTX" + strings.Repeat("+A", 100), ""},
	} {
		text := plainUNB + good("1") + "UNH+2+ORDERS:D:96A:UN'BGM+220'" + c.segment + "'UNT+4+2'" + good("3") + "UNZ+3+REF7'"
		for _, size := range []int{1, 7, 4096} {
			parts, err := readAll(NewReader(&chunks{r: strings.NewReader(text), n: size}, small))
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			checkLaw(t, []byte(text), parts)
			var got string
			messages := 0
			for _, p := range parts {
				if p.Kind == Message {
					messages++
				}
				for _, f := range p.Findings {
					if f.Code != CodeLimit || f.Severity != Error || f.Set != "2" || f.Line != 1 || f.Column != int(f.Offset)+1 {
						t.Errorf("%s: %+v", c.name, f)
					}
					got += f.Element + fmt.Sprintf(" %d %s %s @%s", f.Segment, f.Ack.UCD, f.Expected, text[f.Offset:f.Offset+3])
				}
			}
			if got != c.want || messages != 3 {
				t.Errorf("%s, by %d bytes: %d messages, found %q, want %q", c.name, size, messages, got, c.want)
			}
		}
	}
}

// TestAMessageOverItsLimitIsCutAndHarmsNoNeighbour reads good messages around one that is too
// long, whose end comes, does not come, or is another message.
func TestAMessageOverItsLimitIsCutAndHarmsNoNeighbour(t *testing.T) {
	t.Parallel()
	small := Limits{SegmentBytes: 1000, MessageBytes: 3000, Elements: 100}
	good := func(n string) string { return "UNH+" + n + "+ORDERS:D:96A:UN'BGM+220'UNT+3+" + n + "'" }
	for name, segment := range map[string]string{"segments": "LIN+1'", "with many elements": "A11" + strings.Repeat("+A", 200) + "'", "line ends": "LIN+1'\r\n", "released": "FTX+?'UNT+?''"} {
		for _, end := range []string{"UNT+5+2'", ""} {
			text := plainUNB + good("1") + "UNH+2+ORDERS:D:96A:UN'" + strings.Repeat(segment, 2*3000/len(segment)) + end + good("3") + "UNZ+3+REF7'"
			for _, size := range []int{1, 7, 4096, 1 << 20} {
				parts, err := readAll(NewReader(&chunks{r: strings.NewReader(text), n: size}, small))
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				checkLaw(t, []byte(text), parts)
				var got []string
				for _, p := range parts {
					if p.Kind == Message {
						got = append(got, p.UNH.Reference)
					}
					for _, f := range p.Findings {
						if f.Code == CodeLimit && segment[0] == 'A' {
							continue
						}
						got = append(got, f.Code, f.Set, f.Ack.UCI)
						if at := int(f.Offset) - len(plainUNB+good("1")); at <= 3000 || at > 3000+len(segment) || !strings.Contains(f.Message, "MessageBytes") {
							t.Errorf("%s: at %d: %v", name, at, f)
						}
					}
				}
				if want := "[1 2 message-limit 2 35 3]"; fmt.Sprint(got) != want {
					t.Errorf("%s, by %d bytes: %v, want %s", name, size, got, want)
				}
			}
		}
	}
}

func TestFindingsOfOnePartAreBounded(t *testing.T) {
	t.Parallel()
	d, err := Parse([]byte(plainUNB+"UNH+1+ORDERS:D:96A:UN'"+strings.Repeat("'", 5000)+"BGM+220'UNT+9+1'UNZ+1+REF7'"), Limits{Findings: 20})
	if err != nil {
		t.Fatal(err)
	}
	for p := range d.Messages() {
		last := p.Findings[len(p.Findings)-1]
		if len(p.Findings) != 21 || last.Code != CodeTooManyFindings {
			t.Errorf("%d findings, the last %v", len(p.Findings), last)
		}
		if finding.Worst(p.Findings) != Error {
			t.Error("the suppressed error (UNT) no longer rejects the message")
		}
	}
}

func TestMemoryIsThatOfOneMessage(t *testing.T) {
	message := "UNH+1+ORDERS:D:96A:UN'BGM+220+ORD-1+9'DTM+137:20261123:102'LIN+1++4012345000023:EN'QTY+21:2'UNS+S'UNT+7+1'"
	for _, c := range []struct{ name, head, text string }{
		{"an interchange of many messages", plainUNB, message},
		{"many interchanges", "", plainUNB + message + "UNZ+1+REF7'\r\n"},
		{"many packages", plainUNB, "UNO+P1+D+T+6'a'b?+cUNP+6+P1'"},
		{"noise without end", "", "this is no interchange at all, UN'B+UN\n"},
		{"blanks without end", "", "\n"},
		{"strays without end", plainUNB, "ZZZ+1'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := NewReader(io.MultiReader(strings.NewReader(c.head), &endless{text: c.text, n: 8 << 20}), Limits{})
			var most uint64
			var m runtime.MemStats
			for i := 0; ; i++ {
				_, err := r.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
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

// Noise that is made to look like headers is passed over in little time: the
// test's own timeout is its measure, for each of them takes a search.
func TestNoiseOfHeadersIsPassedOver(t *testing.T) {
	t.Parallel()
	noise := "junk " + strings.Repeat("UNB+ABCD+ x UNB+ABCD:1 ", 100_000)
	d, err := Parse([]byte(noise+"\n"+strings.Repeat("-", 128<<10)+"\n"+plain), Limits{})
	if err != nil || shape(d) != "noise[UNOC3 ORDERS ORDERS]" {
		t.Errorf("%v: read as %.200s", err, shape(d))
	}
}
