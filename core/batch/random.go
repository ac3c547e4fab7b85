package batch

import "math/bits"

// random is splitmix64 (Steele, Lea, Flood 2014): the same numbers on every machine.
type random uint64

func (r *random) next() uint64 {
	*r += 0x9E3779B97F4A7C15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// below is even over 0..n-1, to within n/2^32.
func (r *random) below(n int) int { return int((r.next() >> 32) * uint64(n) >> 32) }

// exponential has mean 1.44 (1/ln 2) in units of 1/1024: the logarithm is taken as
// straight between powers of two, which is within 9 % and all that annealing asks.
func (r *random) exponential() int64 {
	u := r.next() | 1
	zeros := bits.LeadingZeros64(u)
	return int64(zeros)<<10 + 1024 - int64(u<<zeros>>53&1023)
}
