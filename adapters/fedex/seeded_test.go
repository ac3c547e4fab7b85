package fedex_test

import (
	"testing"
	"time"

	"github.com/paklog/hub/adapters/fedex"
	"github.com/paklog/hub/adapters/fedex/fedexsim"
	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/core/ship/carriertest"
	mapping "github.com/paklog/hub/transforms/fedex"
)

func buyer(t *testing.T, seed uint64, settle time.Duration) simtest.Buyer {
	t.Helper()
	clk := simtest.NewClock()
	sim := newSim(t, fedexsim.Options{
		Now: clk.Now, Seed: seed, Faults: simtest.Often,
		TrackingLag: time.Minute, CallsPer10s: 500,
	})
	carrier := newClient(t, simtest.Serve(t, sim), clk.Now, func(c *fedex.Config) { c.TokenRetry = time.Microsecond })
	return simtest.Buyer{
		Executor: carriertest.Executor{Carrier: carrier, Advance: clk.Advance, Settle: settle},
		Parcel:   goodParcel, Truth: sim.Truth,
		Printed: mapping.Reference,
	}
}

func TestNeverTwoLabelsWhateverTheCarrierDoes(t *testing.T) {
	t.Parallel()
	simtest.NeverTwo(t, buyer)
}

// The wait between the two questions is not decoration.
func TestAskingTwiceAtOnceWouldBuyTwice(t *testing.T) {
	t.Parallel()
	simtest.WaitMatters(t, buyer)
}
