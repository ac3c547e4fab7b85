package carton

import "math/bits"

// Scores are products of ratios and powers: sums of logarithms, which are whole
// numbers of 1/4096 octave.
const octave = 4096

const mantissaBits = 11

// mantissa are the logarithms of 1 to 2 in 2048 steps.
var mantissa = func() (out [1 << mantissaBits]int32) {
	for i := range out {
		// The binary logarithm of a number in [1,2), bit by bit: squaring doubles it.
		x := uint64(1<<mantissaBits+i) << (31 - mantissaBits)
		for range 12 {
			x = x * x >> 31
			out[i] <<= 1
			if x >= 1<<32 {
				x >>= 1
				out[i] |= 1
			}
		}
	}
	return out
}()

// lg is the binary logarithm of a positive number in 1/4096 octave, rounded down.
func lg(x int64) int32 {
	n := bits.Len64(uint64(x)) - 1
	return int32(n)*octave + mantissa[uint64(x)<<(63-n)>>(63-mantissaBits)&(1<<mantissaBits-1)]
}
