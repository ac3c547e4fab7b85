package fedex_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/fedex"
	"github.com/paklog/hub/adapters/fedex/fedexsim"
	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/core/ship/carriertest"
	mapping "github.com/paklog/hub/transforms/fedex"
)

// run buys labels from a carrier that fails in every way at once, shows its labels a
// minute late, and prints them once. It returns what is wrong in truth.
func run(t *testing.T, seed uint64, settle time.Duration) (wrong []string) {
	t.Helper()
	clk := simtest.NewClock()
	sim := newSim(t, fedexsim.Options{
		Now: clk.Now, Seed: seed, TrackingLag: time.Minute, CallsPer10s: 500,
		Faults: simtest.Often,
	})
	e := carriertest.Executor{Carrier: newClient(t, simtest.Serve(t, sim), clk.Now, func(c *fedex.Config) { c.TokenRetry = time.Microsecond }), Advance: clk.Advance, Settle: settle}
	inHand := map[string]ship.Label{}
	for i := range 40 {
		p := goodParcel(ship.ReferenceOf(fmt.Sprintf("%d/%d", seed, i)))
		l, err := e.Label(t.Context(), p)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		inHand[p.Reference] = l
	}
	truth := sim.Truth()
	for ref, l := range inHand {
		if n := truth.Standing(mapping.Reference(ref)); n != 1 {
			wrong = append(wrong, fmt.Sprintf("seed %d: %d labels stand under %s, want 1", seed, n, ref))
		}
		for _, b := range truth.Labels {
			if b.TrackingNumber == l.TrackingNumber && b.References[0] != mapping.Reference(ref) {
				wrong = append(wrong, fmt.Sprintf("seed %d: %s holds the label of %s", seed, ref, b.References[0]))
			}
		}
	}
	return wrong
}

func TestNeverTwoLabelsWhateverTheCarrierDoes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		for _, w := range run(t, seed, 2*time.Minute) {
			t.Error(w)
		}
	}
}

// The wait between the two questions is not decoration.
func TestAskingTwiceAtOnceWouldBuyTwice(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		if len(run(t, seed, time.Millisecond)) > 0 {
			return
		}
	}
	t.Error("no seed bought a second label: the simulator does not show labels late any more")
}
