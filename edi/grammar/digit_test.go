package grammar

import (
	"math/rand/v2"
	"testing"
)

// TestCheckDigitWeighsDigitsFromTheRight holds it against the rule read digit by digit, for
// numbers shorter and longer than what is taken in one step.
func TestCheckDigitWeighsDigitsFromTheRight(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 9))
	for range 5_000 {
		digits := make([]byte, 1+r.IntN(30))
		sum := 0
		for i := range digits {
			digits[i] = byte('0' + r.IntN(10))
		}
		for i := range digits {
			weight := 1
			if (len(digits)-i)%2 == 1 {
				weight = 3
			}
			sum += weight * int(digits[i]-'0')
		}
		if got, want := CheckDigit(digits), byte('0'+(10-sum%10)%10); got != want {
			t.Fatalf("CheckDigit(%s) = %c, want %c", digits, got, want)
		}
	}
	// The example of the General Specifications for an SSCC.
	if got := CheckDigit([]byte("37610425002123456")); got != '9' {
		t.Errorf("SSCC: %c", got)
	}
}

// The short forms of the General Specifications' table, each with the UPC-A that it is
// read as.
func TestZeroSuppressedNumbersAreThoseTheyAreShortFor(t *testing.T) {
	t.Parallel()
	for short, long := range map[string]string{
		"01234505": "012000003455", // ends in 0, 1, 2: the fourth digit of the long one
		"01234514": "012100003454",
		"04252614": "042100005264",
		"01234531": "012300000451",
		"01234543": "012340000053",
		"01234558": "012345000058",
		"01234590": "012345000096", // the check digit of the long one is 6: not this
		"12345670": "",
		"0123450":  "",
	} {
		got := upcE([]byte(short))
		switch {
		case got == nil && long == "":
		case got == nil || long == "" || string(got[:]) != long[:11]:
			t.Errorf("%s: %q, want %q", short, got, long)
		case CheckDigit(got[:]) != long[11]:
			t.Errorf("%s: check digit %c, want %c", short, CheckDigit(got[:]), long[11])
		}
	}
}
