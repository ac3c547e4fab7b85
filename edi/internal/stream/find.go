package stream

import (
	"encoding/binary"
	"math/bits"
)

const (
	lows  = 0x0101010101010101
	highs = 0x8080808080808080
)

// Until is the position of the first sep in text[from:to], or to. What stands
// there is short as a rule and as long as it likes, so eight bytes are looked at in
// one step, which may be of what lies behind.
func Until(text []byte, from, to uint32, sep byte) uint32 {
	for int(from)+8 <= len(text) {
		x := binary.LittleEndian.Uint64(text[from:]) ^ lows*uint64(sep)
		// The end is found as if it were a separator.
		if hit := (x-lows)&^x&highs | highs<<(8*(to-from)); hit != 0 {
			return from + uint32(bits.TrailingZeros64(hit))>>3
		}
		from += 8
	}
	for from < to && text[from] != sep {
		from++
	}
	return from
}

// Digits reports whether text[from:to] is digits, one at least.
func Digits(text []byte, from, to uint32) bool {
	for ; to-from > 8 && from < to; from += 8 {
		x := binary.LittleEndian.Uint64(text[from:]) ^ lows*'0'
		if (x|(x+lows*6))&(lows*0xF0) != 0 {
			return false
		}
	}
	if n := to - from; n-1 < 8 && int(from)+8 <= len(text) {
		// Bytes behind the end are shifted out, and zeros are digits enough.
		x := binary.LittleEndian.Uint64(text[from:])<<(64-8*n) ^ lows*'0'<<(64-8*n)
		return (x|(x+lows*6))&(lows*0xF0) == 0
	}
	for _, c := range text[from:to] {
		if c-'0' > 9 {
			return false
		}
	}
	return to > from
}

// Pair is the position of the first a with b behind it in data, or -1. Pairs that
// are looked for are rare: it reads eight bytes a step.
func Pair(data []byte, a, b byte) int {
	as, bs := lows*uint64(a), lows*uint64(b)
	i := 0
	for ; i+17 <= len(data); i += 16 {
		d := data[i : i+17 : i+17]
		x := (binary.LittleEndian.Uint64(d) ^ as) | (binary.LittleEndian.Uint64(d[1:]) ^ bs)
		y := (binary.LittleEndian.Uint64(d[8:]) ^ as) | (binary.LittleEndian.Uint64(d[9:]) ^ bs)
		if ((x-lows)&^x|(y-lows)&^y)&highs != 0 {
			break
		}
	}
	for ; i+9 <= len(data); i += 8 {
		x := (binary.LittleEndian.Uint64(data[i:]) ^ as) | (binary.LittleEndian.Uint64(data[i+1:]) ^ bs)
		if hit := (x - lows) &^ x & highs; hit != 0 {
			return i + bits.TrailingZeros64(hit)>>3
		}
	}
	for ; i+1 < len(data); i++ {
		if data[i] == a && data[i+1] == b {
			return i
		}
	}
	return -1
}
