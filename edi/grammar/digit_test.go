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
