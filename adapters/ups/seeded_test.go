package ups_test

import (
	"testing"
	"time"

	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/adapters/ups"
	"github.com/paklog/hub/adapters/ups/upssim"
	"github.com/paklog/hub/core/ship/carriertest"
)

func buyer(t *testing.T, seed uint64, settle time.Duration) simtest.Buyer {
	t.Helper()
	clk := simtest.NewClock()
	sim := newSim(t, upssim.Options{
		Now: clk.Now, Seed: seed, Faults: simtest.Often,
		RecoveryLag: time.Minute, TrackingLag: 30 * time.Second, RatePerSecond: 50,
	})
	carrier := newClient(t, simtest.Serve(t, sim), clk.Now, func(c *ups.Config) { c.TokenRetry = time.Microsecond })
	return simtest.Buyer{
		Executor: carriertest.Executor{Carrier: carrier, Advance: clk.Advance, Settle: settle},
		Parcel:   goodParcel, Truth: sim.Truth,
		Printed: func(ours string) string { return ours },
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
