package x12

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// varied is segments whose element counts and lengths do not repeat, so that
// the branch predictor learns nothing from one round to the next.
func varied(size int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for b.Len() < size {
		fmt.Fprintf(&b, "W%02d", r.IntN(99))
		for range r.IntN(12) {
			b.WriteByte('*')
			for range r.IntN(14) {
				b.WriteByte(byte('A' + r.IntN(26)))
			}
		}
		b.WriteByte('~')
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
