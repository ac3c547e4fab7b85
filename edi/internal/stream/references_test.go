package stream

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestReferencesAreToldAgainAsASetTellsThem holds what is kept of counted numbers against
// a set of all that came: counted up, down, in steps, wrapped around, and words between.
func TestReferencesAreToldAgainAsASetTellsThem(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		var s References
		all := map[string]bool{}
		n, width := r.IntN(20), 1+r.IntN(4)
		for range 400 {
			switch r.IntN(12) {
			case 0:
				n = r.IntN(120)
			case 1:
				n = max(0, n-1-r.IntN(3))
			case 2:
				width = 1 + r.IntN(4)
			case 3:
				n += 2
			default:
				n++
			}
			ref := fmt.Sprintf("%0*d", width, n)
			if r.IntN(25) == 0 {
				ref = []string{"", "A1", "1A", "-1", " 1", "1 ", "12345678901234567890123", "18446744073709551617"}[r.IntN(8)]
			}
			if got := s.Again(ref); got != all[ref] {
				t.Fatalf("seed %d: %q came again: %v, want %v", seed, ref, got, all[ref])
			}
			all[ref] = true
			if r.IntN(150) == 0 {
				s.Forget()
				clear(all)
			}
		}
	}
}

func TestReferencesThatAreCountedCostNoMemory(t *testing.T) {
	var s References
	refs := make([]string, 1000)
	for i := range refs {
		refs[i] = fmt.Sprintf("%04d", i+1)
	}
	s.Again("0000")
	if n := testing.AllocsPerRun(10, func() {
		for _, ref := range refs {
			s.Again(ref)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
