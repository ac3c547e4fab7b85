package simtest

import (
	"fmt"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/internal/simcarrier"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/core/ship/carriertest"
)

// Buyer buys from a carrier that fails in every way at once and shows its labels late.
type Buyer struct {
	Executor carriertest.Executor
	Parcel   func(reference string) ship.Parcel
	// Printed is what the carrier prints for our reference, first of all references.
	Printed func(reference string) string
	Truth   func() simcarrier.Truth
}

// Purchases buys forty labels, each until it is in hand, and returns what is wrong in truth.
func (b Buyer) Purchases(t *testing.T, seed uint64) (wrong []string) {
	t.Helper()
	inHand := map[string]ship.Label{}
	for i := range 40 {
		p := b.Parcel(ship.ReferenceOf(fmt.Sprintf("%d/%d", seed, i)))
		l, err := b.Executor.Label(t.Context(), p)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		inHand[p.Reference] = l
	}
	truth := b.Truth()
	for ref, l := range inHand {
		if n := truth.Standing(b.Printed(ref)); n != 1 {
			wrong = append(wrong, fmt.Sprintf("seed %d: %d labels stand under %s, want 1", seed, n, ref))
		}
		for _, sold := range truth.Labels {
			if sold.TrackingNumber == l.TrackingNumber && sold.References[0] != b.Printed(ref) {
				wrong = append(wrong, fmt.Sprintf("seed %d: %s holds the label of %s", seed, ref, sold.References[0]))
			}
		}
	}
	return wrong
}

// NeverTwo holds the buyers of several seeds, with the wait between two questions
// that the port asks for, against the truth.
func NeverTwo(t *testing.T, buyer func(t *testing.T, seed uint64, settle time.Duration) Buyer) {
	t.Helper()
	for seed := range uint64(8) {
		for _, w := range buyer(t, seed, 2*time.Minute).Purchases(t, seed) {
			t.Error(w)
		}
	}
}

// WaitMatters shows that without that wait some seed buys a second label: else the
// simulator shows no label late any more.
func WaitMatters(t *testing.T, buyer func(t *testing.T, seed uint64, settle time.Duration) Buyer) {
	t.Helper()
	for seed := range uint64(8) {
		if len(buyer(t, seed, time.Millisecond).Purchases(t, seed)) > 0 {
			return
		}
	}
	t.Error("no seed bought a second label")
}
