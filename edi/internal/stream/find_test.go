package stream

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestEightBytesAtATimeFindWhatOneAtATimeDoes tries every start, length and distance from
// the buffer's end, with neighbours that differ in one bit from what is looked for.
func TestEightBytesAtATimeFindWhatOneAtATimeDoes(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 11))
	near := []byte{':', ':' - 1, ':' + 1, ':' | 0x80, 0, 0xFF, '0', '9', '/', 'I', 'S', 'I' | 0x80, 0xCA, 0xCF}
	for range 20_000 {
		text := make([]byte, r.IntN(40))
		number := r.IntN(3) == 0 // a long one, which one byte may spoil
		for i := range text {
			text[i] = near[r.IntN(len(near))]
			if r.IntN(3) == 0 || number && r.IntN(20) > 0 {
				text[i] = byte('0' + r.IntN(10))
			}
		}
		from := r.IntN(len(text) + 1)
		to := from + r.IntN(len(text)-from+1)
		part := text[from:to]
		want := bytes.IndexByte(part, ':')
		if want < 0 {
			want = len(part)
		}
		if got := Until(text, uint32(from), uint32(to), ':'); got != uint32(from+want) {
			t.Fatalf("Until(%q, %d, %d) = %d, want %d", text, from, to, got, from+want)
		}
		digits := len(part) > 0
		for _, c := range part {
			digits = digits && c >= '0' && c <= '9'
		}
		if got := Digits(text, uint32(from), uint32(to)); got != digits {
			t.Fatalf("Digits(%q, %d, %d) = %v", text, from, to, got)
		}
		if got, want := Pair(part, 'I', 'S'), bytes.Index(part, []byte("IS")); got != want {
			t.Fatalf("Pair(%q) = %d, want %d", part, got, want)
		}
	}
}

func TestNothingIsNoDigits(t *testing.T) {
	t.Parallel()
	if Digits([]byte("12345678"), 3, 3) || Digits(nil, 0, 0) {
		t.Error("an empty element was taken for a number")
	}
}
