package fedex_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/paklog/hub/adapters/fedex"
	"github.com/paklog/hub/adapters/fedex/fedexsim"
	"github.com/paklog/hub/adapters/internal/simhttp"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/party"
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
	faults := map[carriertest.Trouble]simhttp.Fault{
		carriertest.LostBefore: simhttp.DropBefore, carriertest.ServerError: simhttp.ServerError,
		carriertest.Outage: simhttp.Outage, carriertest.TooMany: simhttp.TooMany, carriertest.TokenRevoked: simhttp.Revoke,
		carriertest.DoneLost: simhttp.AnswerLost, carriertest.DoneSlow: simhttp.Slow, carriertest.DoneError: simhttp.LateError,
		carriertest.DoneGateway: simhttp.GatewayError, carriertest.DoneCut: simhttp.Truncated, carriertest.DonePage: simhttp.HTML,
		carriertest.DoneHuge: simhttp.Huge, carriertest.DoneTwice: simhttp.Doubled, carriertest.DoneNull: simhttp.NullResults,
		carriertest.DoneReshaped: simhttp.ObjectsForText, carriertest.DriftLone: simhttp.LoneObjects,
		carriertest.DriftExtra: simhttp.ExtraMembers, carriertest.DriftNumerals: simhttp.Numbers,
	}
	carriertest.Run(t, func(t *testing.T) carriertest.Rig {
		clk := newClock()
		sim := newSim(t, fedexsim.Options{Now: clk.Now})
		base := serve(t, sim)
		carrier := newClient(t, base, clk.Now, nil)
		return carriertest.Rig{
			Carrier: carrier, Tracker: carrier,
			Unreachable: newClient(t, nobody(t), clk.Now, nil),
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
			Trouble:      func(op carriertest.Op, tr carriertest.Trouble) { sim.Inject(ops[op], faults[tr]) },
			Advance:      clk.Advance,
			TokenLife:    time.Hour,
			Bought:       func(ref string) int { return sim.Truth().Bought(ref) },
			Standing:     func(ref string) int { return sim.Truth().Standing(ref) },
			Arrived:      func(op carriertest.Op) int { return sim.Calls(ops[op]) },
			Grants:       func() int { return sim.Calls(fedexsim.OpToken) },
		}
	})
}

// clock is shared by carrier and simulator.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func goodParcel(reference string) ship.Parcel {
	return ship.Parcel{
		Reference: reference, OrderNumber: "PO-4711", Service: "FEDEX_GROUND",
		From:   party.Address{Company: "Acme Fulfilment", Name: "Dock 4", Lines: []string{"2311 York Rd"}, City: "Timonium", Region: "MD", PostalCode: "21093", Country: "US", Phone: "+1 (410) 555-0134"},
		To:     party.Address{Name: "Ada Martin", Lines: []string{"12 Elm St", "Apt 5"}, City: "Atlanta", Region: "GA", PostalCode: "30303-1234", Country: "US"},
		Weight: measure.Pounds(4) + 250*measure.Gram,
		Dims:   measure.Dims{Length: 20 * measure.Centimetre, Width: 30 * measure.Centimetre, Height: 10 * measure.Centimetre},
	}
}

// serve starts sim and returns its address. Kept connections end with the test.
func serve(t *testing.T, sim http.Handler) string {
	t.Helper()
	srv := httptest.NewServer(sim)
	t.Cleanup(srv.Close)
	return srv.URL
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

// nobody is an address where a connection is refused.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}
