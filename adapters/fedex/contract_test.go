package fedex_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/paklog/hub/adapters/fedex/fedexsim"
	"github.com/paklog/hub/adapters/internal/contracttest"
	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/ship"
)

const contracts = "../../../shared/data/contracts/fedex/refactored"

var operations = []contracttest.Operation{
	{File: "authorization.v1.json", Path: "/oauth/token", Method: http.MethodPost, Op: "token"},
	{File: "rates-transit-times.v1.json", Path: "/rate/v1/rates/quotes", Method: http.MethodPost, Op: "rate"},
	{File: "ship.v1.json", Path: "/ship/v1/shipments", Method: http.MethodPost, Op: "ship"},
	{File: "ship.v1.json", Path: "/ship/v1/shipments/cancel", Method: http.MethodPut, Op: "cancel"},
	{File: "track.v1.json", Path: "/track/v1/trackingnumbers", Method: http.MethodPost, Op: "track"},
	{File: "track.v1.json", Path: "/track/v1/referencenumbers", Method: http.MethodPost, Op: "reference"},
}

func opOf(r *http.Request) string {
	for _, o := range operations {
		if r.URL.Path == o.Path {
			return o.Op
		}
	}
	return ""
}

func TestRequestsAndSimulatorKeepTheOfficialContract(t *testing.T) {
	t.Parallel()
	c := contracttest.Load(t, contracts, operations)
	clk := simtest.NewClock()
	sim := newSim(t, fedexsim.Options{Now: clk.Now})
	pass := &contracttest.Customs{T: t, Contract: c, Inner: sim, Op: opOf}
	client := newClient(t, simtest.Serve(t, pass), clk.Now, nil)
	ctx := t.Context()

	parcels := []ship.Parcel{goodParcel("ref-1"), goodParcel("ref-2"), goodParcel(ship.ReferenceOf("x")), goodParcel("ref-4")}
	parcels[1].Dims, parcels[1].OrderNumber, parcels[1].Format = parcels[0].Dims, "", ship.PNG
	parcels[2].Weight *= 30
	parcels[2].Format, parcels[2].Service = ship.PDF, "STANDARD_OVERNIGHT"
	parcels[3].From = party.Address{Name: "Dépôt", Lines: []string{"7 Rue Principale"}, City: "Montréal", Region: "QC", PostalCode: "H2X 1Y4", Country: "CA", Phone: "514-555-0199"}
	parcels[3].To = party.Address{Name: "Zoë", Lines: []string{"1 Main St"}, City: "Toronto", Region: "ON", PostalCode: "M5V 2T6", Country: "CA", Phone: "416-555-0100"}
	for _, p := range parcels {
		if _, err := client.Rate(ctx, p); err != nil {
			t.Errorf("rate: %v", err)
		}
		l, err := client.Buy(ctx, p)
		if err != nil {
			t.Errorf("buy: %v", err)
			continue
		}
		if found, err := client.Resolve(ctx, p); err != nil || len(found) != 1 {
			t.Errorf("resolve: %v, %v", found, err)
		}
		if _, err := client.Track(ctx, l.TrackingNumber); err != nil {
			t.Errorf("track: %v", err)
		}
		if err := client.Void(ctx, l); err != nil {
			t.Errorf("void: %v", err)
		}
	}
	// The refusals keep the contract too.
	p := goodParcel("ref-9")
	p.Service = ""
	if _, err := client.Rate(ctx, p); err != nil {
		t.Errorf("shop: %v", err)
	}
	p.Service, p.To.Region = "FEDEX_GROUND", "CA"
	if _, err := client.Buy(ctx, p); err == nil {
		t.Error("a wrong address was sold a label")
	}
	if _, err := client.Rate(ctx, p); err == nil {
		t.Error("a wrong address was priced")
	}
	if found, err := client.Resolve(ctx, p); err != nil || len(found) != 0 {
		t.Errorf("resolve of nothing: %v, %v", found, err)
	}
	if err := client.Void(ctx, ship.Label{Connection: "fedex-main", ShipmentID: "794700000000"}); err == nil {
		t.Error("what was never bought was voided")
	}
	sim.Revoke()
	if _, err := client.Rate(ctx, goodParcel("ref-9")); err == nil {
		t.Error("a revoked token was taken")
	}
	for _, want := range []string{"token 200", "rate 200", "rate 400", "rate 401", "ship 200", "ship 400", "cancel 200", "cancel 400", "track 200", "reference 200"} {
		if pass.Passed(want) == 0 {
			t.Errorf("%s was never held against the contract", want)
		}
	}
}

func TestContractCheckFindsMistakes(t *testing.T) {
	t.Parallel()
	c := contracttest.Load(t, contracts, operations)
	good := `{"accountNumber":{"value":"740561073"},"trackingNumber":"794953555571","deletionControl":"DELETE_ALL_PACKAGES"}`
	if err := contracttest.Check(c.Request("cancel"), []byte(good)); err != nil {
		t.Errorf("a good request: %v", err)
	}
	for name, change := range map[string][2]string{
		"a member nobody knows":      {`"trackingNumber"`, `"trackingNumer":"1","trackingNumber"`},
		"a required member missing":  {`"trackingNumber":"794953555571",`, ``},
		"a text that is a number":    {`"794953555571"`, `794953555571`},
		"a value that is not listed": {`DELETE_ALL_PACKAGES`, `DELETE_ONE`},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if bad == good {
			t.Fatalf("%s: nothing was changed", name)
		}
		if contracttest.Check(c.Request("cancel"), []byte(bad)) == nil {
			t.Errorf("%s passes", name)
		}
	}
}

// What the official contract refuses the simulator refuses too, for each mistake that
// can be made in what we send.
func TestSimulatorRefusesWhatTheContractRefuses(t *testing.T) {
	t.Parallel()
	clk := simtest.NewClock()
	sim := newSim(t, fedexsim.Options{Now: clk.Now})
	pass := &contracttest.Customs{T: t, Contract: contracttest.Load(t, contracts, operations), Inner: sim, Op: opOf}
	client := newClient(t, simtest.Serve(t, pass), clk.Now, nil)
	p := goodParcel("ref-1")
	l, err := client.Buy(t.Context(), p)
	_, rate := client.Rate(t.Context(), p)
	_, resolve := client.Resolve(t.Context(), p)
	_, track := client.Track(t.Context(), l.TrackingNumber)
	if err := errors.Join(err, rate, resolve, track, client.Void(t.Context(), l)); err != nil {
		t.Fatal(err)
	}
	refused := pass.RefuseMistakes()
	for op, least := range map[string]int{"rate": 150, "ship": 290, "cancel": 20, "track": 25, "reference": 30} {
		if refused[op] < least {
			t.Errorf("%s: the contract refuses %d mistakes, want %d at least", op, refused[op], least)
		}
	}
	if n := sim.Truth().Bought(""); n != 1 {
		t.Errorf("%d labels bought, want the one", n)
	}
}
