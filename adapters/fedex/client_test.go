package fedex_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/paklog/hub/adapters/fedex"
	"github.com/paklog/hub/adapters/fedex/fedexsim"
	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/core/ship/carriertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	t.Parallel()
	ops := map[carriertest.Op]fedexsim.Op{
		carriertest.Rate: fedexsim.OpRate, carriertest.Buy: fedexsim.OpShip,
		carriertest.Void: fedexsim.OpCancel, carriertest.Resolve: fedexsim.OpReference,
	}
	carriertest.Run(t, func(t *testing.T) carriertest.Rig {
		clk := simtest.NewClock()
		sim := newSim(t, fedexsim.Options{Now: clk.Now})
		base := simtest.Serve(t, sim)
		carrier := newClient(t, base, clk.Now, nil)
		return carriertest.Rig{
			Carrier: carrier, Tracker: carrier,
			Unreachable: newClient(t, simtest.Nobody(t), clk.Now, nil),
			Impatient:   newClient(t, base, clk.Now, func(c *fedex.Config) { c.Timeout = time.Second }),
			BadSecret: newClient(t, base, clk.Now, func(c *fedex.Config) {
				c.ClientSecret = func() (string, error) { return "wrong", nil }
			}),
			Parcel: goodParcel,
			Refused: func(reference string) ship.Parcel {
				p := goodParcel(reference)
				p.To.Region = "CA" // the postal code is in Georgia
				return p
			},
			RefusedWords: "postal code is not in the recipient's state",
			PrintsOnce:   true,
			Trouble:      func(op carriertest.Op, tr carriertest.Trouble) { sim.Inject(ops[op], simtest.Faults[tr]) },
			Advance:      clk.Advance,
			TokenLife:    time.Hour,
			Bought:       func(ref string) int { return sim.Truth().Bought(ref) },
			Standing:     func(ref string) int { return sim.Truth().Standing(ref) },
			Arrived:      func(op carriertest.Op) int { return sim.Calls(ops[op]) },
			Grants:       func() int { return sim.Calls(fedexsim.OpToken) },
		}
	})
}

func newSim(t *testing.T, opts fedexsim.Options) *fedexsim.Sim {
	t.Helper()
	sim, err := fedexsim.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sim.Close() })
	return sim
}

func newClient(t *testing.T, base string, now func() time.Time, change func(*fedex.Config)) *fedex.Client {
	t.Helper()
	cfg := fedex.Config{
		Connection: "fedex-main", BaseURL: base, Account: fedexsim.Account, List: true,
		ClientID: fedexsim.ClientID, ClientSecret: func() (string, error) { return fedexsim.ClientSecret, nil },
		Now: now,
	}
	if change != nil {
		change(&cfg)
	}
	c, err := fedex.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func goodParcel(reference string) ship.Parcel { return simtest.Parcel(reference, "FEDEX_GROUND") }
