package ups_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/adapters/ups"
	"github.com/paklog/hub/adapters/ups/upssim"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/core/ship/carriertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newSim(t *testing.T, opts upssim.Options) *upssim.Sim {
	t.Helper()
	sim, err := upssim.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sim.Close() })
	return sim
}

func newClient(t *testing.T, base string, now func() time.Time, change func(*ups.Config)) *ups.Client {
	t.Helper()
	cfg := ups.Config{
		Connection: "ups-main", BaseURL: base, Account: upssim.Account, Negotiated: true,
		ClientID: upssim.ClientID, ClientSecret: func() (string, error) { return upssim.ClientSecret, nil },
		Now: now,
	}
	if change != nil {
		change(&cfg)
	}
	c, err := ups.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestConformance(t *testing.T) {
	t.Parallel()
	ops := map[carriertest.Op]upssim.Op{
		carriertest.Rate: upssim.OpRate, carriertest.Buy: upssim.OpShip,
		carriertest.Void: upssim.OpVoid, carriertest.Resolve: upssim.OpRecovery,
	}
	carriertest.Run(t, func(t *testing.T) carriertest.Rig {
		clk := simtest.NewClock()
		sim := newSim(t, upssim.Options{Now: clk.Now})
		base := simtest.Serve(t, sim)
		carrier := newClient(t, base, clk.Now, nil)
		return carriertest.Rig{
			Carrier: carrier, Tracker: carrier,
			Unreachable: newClient(t, simtest.Nobody(t), clk.Now, nil),
			Impatient:   newClient(t, base, clk.Now, func(c *ups.Config) { c.Timeout = time.Second }),
			BadSecret: newClient(t, base, clk.Now, func(c *ups.Config) {
				c.ClientSecret = func() (string, error) { return "wrong", nil }
			}),
			Parcel: goodParcel,
			Refused: func(reference string) ship.Parcel {
				p := goodParcel(reference)
				p.To.Region = "CA" // the postal code is in Georgia
				return p
			},
			RefusedWords: "Address Validation Error on ShipTo address",
			Trouble:      func(op carriertest.Op, tr carriertest.Trouble) { sim.Inject(ops[op], simtest.Faults[tr]) },
			Advance:      clk.Advance,
			TokenLife:    14399 * time.Second,
			Bought:       func(ref string) int { return sim.Truth().Bought(ref) },
			Standing:     func(ref string) int { return sim.Truth().Standing(ref) },
			Arrived:      func(op carriertest.Op) int { return sim.Calls(ops[op]) },
			Grants:       func() int { return sim.Calls(upssim.OpToken) },
		}
	})
}

func goodParcel(reference string) ship.Parcel { return simtest.Parcel(reference, "03") }
