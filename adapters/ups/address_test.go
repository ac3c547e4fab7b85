package ups_test

import (
	"testing"
	"time"

	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/adapters/ups"
	"github.com/paklog/hub/adapters/ups/upssim"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/ship"
)

func someplace() party.Address {
	return party.Address{Name: "Jane Doe", Lines: []string{"1 Main St"}, City: "Reno", Region: "NV", PostalCode: "89501", Country: "US"}
}

func TestAddressesAreJudged(t *testing.T) {
	t.Parallel()
	clk := simtest.NewClock()
	c := newClient(t, simtest.Serve(t, newSim(t, upssim.Options{Now: clk.Now})), clk.Now, nil)
	for name, want := range map[string]struct {
		change  func(*party.Address)
		verdict ship.Verdict
		found   int
	}{
		"a street with a number": {func(*party.Address) {}, ship.Deliverable, 1},
		"ZIP+4":                  {func(a *party.Address) { a.PostalCode = "89501-1234" }, ship.Deliverable, 1},
		"no house number":        {func(a *party.Address) { a.Lines = []string{"Main St"} }, ship.Ambiguous, 1},
		"another state's code":   {func(a *party.Address) { a.Region = "CA" }, ship.Undeliverable, 0},
	} {
		a := someplace()
		want.change(&a)
		got, err := c.CheckAddress(t.Context(), a)
		if err != nil || got.Verdict != want.verdict || len(got.Candidates) != want.found || got.Connection != "ups-main" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if want.found > 0 && (got.Candidates[0].PostalCode != "89501-0001" || got.Candidates[0].Use != "residential" || got.Candidates[0].City != "RENO") {
			t.Errorf("%s: %+v", name, got.Candidates[0])
		}
	}
}

func TestAddressesUPSDoesNotCheckAreNotSent(t *testing.T) {
	t.Parallel()
	clk := simtest.NewClock()
	sim := newSim(t, upssim.Options{Now: clk.Now})
	c := newClient(t, simtest.Serve(t, sim), clk.Now, nil)
	for place, change := range map[string]func(*party.Address){
		"country":     func(a *party.Address) { a.Country = "DE" },
		"lines":       func(a *party.Address) { a.Lines = nil },
		"postal_code": func(a *party.Address) { a.PostalCode, a.City = "", "" },
		"city":        func(a *party.Address) { a.City = "Llanfairpwllgwyngyllgogerychwyrndrobwll" },
	} {
		a := someplace()
		change(&a)
		if _, err := c.CheckAddress(t.Context(), a); fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v", place, err)
		}
	}
	if n := sim.Calls(upssim.OpAddress); n != 0 {
		t.Errorf("%d were sent", n)
	}
}

// A check may be repeated: whatever goes wrong once, the next one is answered.
func TestACheckThatFailsIsNoVerdict(t *testing.T) {
	t.Parallel()
	for f, kinds := range map[upssim.Fault][]fault.Kind{
		upssim.DropBefore:  {fault.Transient},
		upssim.AnswerLost:  {fault.Transient},
		upssim.ServerError: {fault.Transient, fault.Unavailable},
		upssim.Truncated:   {fault.Transient, fault.Invalid},
	} {
		clk := simtest.NewClock()
		sim := newSim(t, upssim.Options{Now: clk.Now})
		c := newClient(t, simtest.Serve(t, sim), clk.Now, func(c *ups.Config) { c.Timeout = 10 * time.Second })
		sim.Inject(upssim.OpAddress, f)
		got, err := c.CheckAddress(t.Context(), someplace())
		ok := false
		for _, k := range kinds {
			ok = ok || fault.KindOf(err) == k
		}
		if err == nil || !ok || got.Verdict != "" {
			t.Errorf("fault %v: %+v, %v (%v)", f, got, err, fault.KindOf(err))
		}
		sim.Revoke() // the token too: another is fetched
		clk.Advance(15000 * time.Second)
		if got, err := c.CheckAddress(t.Context(), someplace()); err != nil || got.Verdict != ship.Deliverable {
			t.Errorf("after fault %v: %+v, %v", f, got, err)
		}
	}
}
