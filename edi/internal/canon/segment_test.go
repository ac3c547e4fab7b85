package canon

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/paklog/hub/edi/internal/stream"
)

// TestASegmentOfPlainBytesReadsAsItsElements writes segments of random lengths, near and
// far from the ends of the text and of the buffer, and reads them with the standard library.
func TestASegmentOfPlainBytesReadsAsItsElements(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 5))
	for range 5_000 {
		trim := r.IntN(2) == 0
		text := []byte(strings.Repeat("~", r.IntN(3)) + "W01")
		ends := []uint32{uint32(len(text))}
		want := []any{"W01"}
		for range r.IntN(5) {
			var parts []any
			var raw []string
			for range 1 + r.IntN(3)*r.IntN(2) {
				v := randomText(r)
				raw = append(raw, v)
				if trim {
					v = strings.TrimRight(v, " ")
				}
				parts = append(parts, v)
			}
			text = append(append(text, '*'), strings.Join(raw, ":")...)
			ends = append(ends, uint32(len(text)))
			if len(parts) == 1 {
				want = append(want, parts[0])
			} else {
				want = append(want, parts)
			}
		}
		text = append(text, strings.Repeat("~", r.IntN(12))...)
		dst := make([]byte, 0, r.IntN(80))
		got := AppendSegment(dst, text[ends[0]-3:ends[0]], text, ends, ':', trim)
		var back []any
		if err := json.Unmarshal(got, &back); err != nil || !reflect.DeepEqual(back, want) {
			t.Fatalf("%q became %s: %v, want %v", text, got, err, want)
		}
		if plain := AppendSegment(nil, []byte("W01"), text, ends, 0, false); bytes.Count(plain, []byte(`","`)) != len(ends)-1 {
			t.Fatalf("%q became %s without a component separator", text, plain)
		}
	}
}

// TestPlainArraysReadAsTheStandardLibraryReadsThem holds the short way against the long
// one, on arrays and on what only looks like one.
func TestPlainArraysReadAsTheStandardLibraryReadsThem(t *testing.T) {
	t.Parallel()
	short := 0
	check := func(text string) {
		t.Helper()
		got := plain([]byte(text))
		if got == nil {
			return
		}
		short++
		var want []string
		if err := json.Unmarshal([]byte(text), &want); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s reads as %q, the standard library has %q: %v", text, got, want, err)
		}
	}
	for _, text := range []string{"", "[", "]", "[]", "[,]", `["]`, `[""]`, `["",""]`, `["A",]`, `["A"`, `["A"]]`, `["A"] `, `["A""B"]`, `["A" ,"B"]`,
		`["A","B\"]`, `["A",["B","C"]]`, `["A",1]`, `["A",null]`, `{"A":"B"}`, "[\"\xff\"]", "[\"\x00\"]", `["A","B"]x`, `"A"`, `["A","B","","C:D"]`} {
		check(text)
	}
	r := rand.New(rand.NewPCG(7, 11))
	pieces := []string{`"A"`, `"A"`, `""`, ",", ",", ",", `"`, "[", "]", `\`, " "}
	for range 50_000 {
		text := "["
		for range r.IntN(9) {
			text += pieces[r.IntN(len(pieces))]
		}
		check(text + "]")
	}
	if short < 100 {
		t.Errorf("the short way was taken %d times", short)
	}
}

func randomText(r *rand.Rand) string {
	b := make([]byte, r.IntN(20))
	for i := range b {
		b[i] = "AB C1 "[r.IntN(6)]
	}
	return string(b)
}

func TestATableMarksWhatCannotStandForItself(t *testing.T) {
	t.Parallel()
	table := Table('*', 0x1C, map[byte]uint8{':': stream.Component, 0: stream.Repetition})
	for text, want := range map[string]uint8{
		"W01*AB C\x1c\r\n": 0, "A:B": stream.Component, `A"B`: Special, `A\B`: Special, "A\x1dB": Special, "\x7f": Special, "\xe9": Special, "\x00": Special,
	} {
		if got := stream.Seen([]byte(text), &table); got != want {
			t.Errorf("%q is seen as %b, want %b", text, got, want)
		}
	}
}
