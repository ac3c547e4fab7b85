package usps_test

import (
	"testing"
	"time"

	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/adapters/usps"
	"github.com/paklog/hub/adapters/usps/uspssim"
	"github.com/paklog/hub/core/ship/carriertest"
	mapping "github.com/paklog/hub/transforms/usps"
)

func buyer(t *testing.T, seed uint64, settle time.Duration) simtest.Buyer {
	t.Helper()
	clk := simtest.NewClock()
	sim := newSim(t, uspssim.Options{
		Now: clk.Now, Seed: seed, Faults: simtest.Often,
		ReprintLag: time.Minute, CallsPerHour: 2000,
	})
	carrier := newClient(t, simtest.Serve(t, sim), clk.Now, func(c *usps.Config) {
		c.TokenRetry, c.CallsPerHour, c.Spent = time.Microsecond, 2000, []string{uspssim.SpentCode}
	})
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
