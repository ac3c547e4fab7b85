package usps_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/adapters/usps"
	"github.com/paklog/hub/adapters/usps/uspssim"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/core/ship/carriertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The contract has told in two ways what a key does that is used again: the client
// works with both.
func TestConformance(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]uspssim.Options{
		"a key used again buys again": {}, "a key used again gives the same label": {Guard: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conform(t, opts)
		})
	}
}

func conform(t *testing.T, opts uspssim.Options) {
	t.Helper()
	ops := map[carriertest.Op]uspssim.Op{
		carriertest.Rate: uspssim.OpOptions, carriertest.Buy: uspssim.OpLabel,
		carriertest.Void: uspssim.OpCancel, carriertest.Resolve: uspssim.OpReprint,
	}
	carriertest.Run(t, func(t *testing.T) carriertest.Rig {
		clk := simtest.NewClock()
		opts := opts
		opts.Now = clk.Now
		sim := newSim(t, opts)
		base := simtest.Serve(t, sim)
		carrier := newClient(t, base, clk.Now, nil)
		return carriertest.Rig{
			Carrier: carrier, Tracker: carrier,
			Unreachable: newClient(t, simtest.Nobody(t), clk.Now, nil),
			Impatient:   newClient(t, base, clk.Now, func(c *usps.Config) { c.Timeout = time.Second }),
			BadSecret: newClient(t, base, clk.Now, func(c *usps.Config) {
				c.ClientSecret = func() (string, error) { return "wrong", nil }
			}),
			Parcel: goodParcel,
			Refused: func(reference string) ship.Parcel {
				p := goodParcel(reference)
				p.To.Region = "CA" // the postal code is in Georgia
				return p
			},
			RefusedWords: "toAddress.ZIPCode: The ZIP Code is not in the state",
			FindsOne:     true, LimitsApart: true, VoidUntracked: true,
			Trouble:   func(op carriertest.Op, tr carriertest.Trouble) { sim.Inject(ops[op], simtest.Faults[tr]) },
			Advance:   clk.Advance,
			TokenLife: 8 * time.Hour,
			Bought:    func(ref string) int { return sim.Truth().Bought(ref) },
			Standing:  func(ref string) int { return sim.Truth().Standing(ref) },
			Arrived:   func(op carriertest.Op) int { return sim.Calls(ops[op]) },
			Grants:    func() int { return sim.Calls(uspssim.OpToken) },
		}
	})
}

func newSim(t *testing.T, opts uspssim.Options) *uspssim.Sim {
	t.Helper()
	sim, err := uspssim.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sim.Close() })
	return sim
}

func newClient(t *testing.T, base string, now func() time.Time, change func(*usps.Config)) *usps.Client {
	t.Helper()
	cfg := usps.Config{
		Connection: "usps-main", BaseURL: base, Now: now,
		Account:  usps.Account{CRID: uspssim.CRID, MID: uspssim.MID, Number: uspssim.Account},
		ClientID: uspssim.ClientID, ClientSecret: func() (string, error) { return uspssim.ClientSecret, nil },
	}
	if change != nil {
		change(&cfg)
	}
	c, err := usps.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func goodParcel(reference string) ship.Parcel {
	return simtest.Parcel(reference, "USPS_GROUND_ADVANTAGE")
}
