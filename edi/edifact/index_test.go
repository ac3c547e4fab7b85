package edifact

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func naiveIndex(d Delimiters, data []byte, base uint32) []uint32 {
	out := []uint32{}
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case d.Release != 0 && c == d.Release:
			i++
		case c == d.Element || c == d.Terminator:
			out = append(out, base+uint32(i))
		}
	}
	return out
}

func FuzzIndexAgainstNaiveScan(f *testing.F) {
	f.Add([]byte("LIN+1++4012345?+?'??'QTY+21:2'"), byte('+'), byte('\''), byte('?'))
	f.Add([]byte("????????+?'?"), byte('+'), byte('\''), byte('?'))
	f.Add([]byte{0, 1, 2, 255, 255, 0}, byte(0), byte(255), byte(0))
	f.Fuzz(func(t *testing.T, data []byte, element, terminator, release byte) {
		d := Delimiters{Element: element, Terminator: terminator, Release: release}
		if release == element || release == terminator {
			return
		}
		dst := make([]uint32, len(data))
		n := d.Index(dst, data, 7)
		want := naiveIndex(d, data, 7)
		if n != len(want) {
			t.Fatalf("%d delimiters, want %d in %q", n, len(want), data)
		}
		for i, p := range want {
			if dst[i] != p {
				t.Fatalf("delimiter %d at %d, want %d in %q", i, dst[i], p, data)
			}
		}
	})
}

func TestIndexAllocatesNothing(t *testing.T) {
	data := bytes.Repeat([]byte("LIN+1++4012345000023:EN'IMD+F++:::Berry?'s?+'"), 100)
	dst := make([]uint32, len(data))
	if n := testing.AllocsPerRun(10, func() { DefaultDelimiters.Index(dst, data, 0) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// varied is segments whose element counts and lengths do not repeat, so that
// the branch predictor learns nothing from one round to the next. One element
// in thirty holds a release character.
func varied(size int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for b.Len() < size {
		fmt.Fprintf(&b, "W%02d", r.IntN(99))
		for range r.IntN(9) {
			b.WriteByte('+')
			for range r.IntN(3) {
				for range r.IntN(14) {
					b.WriteByte(byte('A' + r.IntN(26)))
				}
				b.WriteByte(':')
			}
			if r.IntN(30) == 0 {
				b.WriteString("?'S")
			}
		}
		b.WriteByte('\'')
	}
	return []byte(b.String())
}

func BenchmarkIndex(b *testing.B) {
	data := varied(8 << 20)
	dst := make([]uint32, 32<<10)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		for at := 0; at < len(data); at += len(dst) {
			DefaultDelimiters.Index(dst, data[at:min(at+len(dst), len(data))], uint32(at))
		}
	}
}
