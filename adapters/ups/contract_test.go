package ups_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/paklog/hub/adapters/internal/contracttest"
	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/adapters/ups/upssim"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/ship"
)

const contracts = "../../../shared/data/contracts/ups"

var operations = []contracttest.Operation{
	{File: "OAuthClientCredentials.yaml", Path: "/security/v1/oauth/token", Method: http.MethodPost, Op: "token"},
	{File: "Rating.yaml", Path: "/rating/{version}/{requestoption}", Method: http.MethodPost, Op: "rate"},
	{File: "Shipping.yaml", Path: "/shipments/{version}/ship", Method: http.MethodPost, Op: "ship"},
	{File: "Shipping.yaml", Path: "/shipments/{version}/void/cancel/{shipmentidentificationnumber}", Method: http.MethodDelete, Op: "void"},
	{File: "Shipping.yaml", Path: "/labels/{version}/recovery", Method: http.MethodPost, Op: "recovery"},
	{File: "AddressValidation.yaml", Path: "/addressvalidation/{version}/{requestoption}", Method: http.MethodPost, Op: "address"},
	{File: "Tracking.yaml", Path: "/track/v1/details/{inquiryNumber}", Method: http.MethodGet, Op: "track"},
	{File: "Tracking.yaml", Path: "/track/v1/reference/details/{referenceNumber}", Method: http.MethodGet, Op: "reference"},
}

// loadContract is the official contract of the operations above, with its mistakes mended.
func loadContract(t *testing.T) contracttest.Contract {
	t.Helper()
	c := contracttest.Load(t, contracts, operations)
	mend(t, c)
	return c
}

// mend patches what the contract gets wrong, each with its proof.
func mend(t *testing.T, c contracttest.Contract) {
	at := func(op string, answer bool, path ...string) *openapi3.Schema {
		if answer {
			return contracttest.At(t, c.Answer(op), path...)
		}
		return contracttest.At(t, c.Request(op), path...)
	}
	three := uint64(3)
	two := uint64(2)
	// A recovery is by number or by reference; the contract requires TrackingNumbers
	// and ReferenceValues, and its own example has neither.
	at("recovery", false, "LabelRecoveryRequest").Required = []string{"Request"}
	// "Valid values are GIF, ZPL, ...": all of three letters, of which it wants four.
	at("recovery", false, "LabelRecoveryRequest", "LabelSpecification", "LabelImageFormat", "Code").MinLength = three
	at("recovery", true, "LabelRecoveryResponse", "LabelResults", "LabelImage", "LabelImageFormat", "Code").MinLength = three
	// Service codes have two characters; Rating wants three.
	at("rate", false, "RateRequest", "Shipment", "Service", "Code").MinLength = two
	// Recorded answers name no service: Description is there and empty.
	at("rate", true, "RateResponse", "RatedShipment", "Service", "Description").MinLength = 0
	// A billing weight of "4.0" is said to have exactly eight characters.
	at("ship", true, "ShipmentResponse", "ShipmentResults", "BillingWeight", "Weight").MinLength = 1
}

// opOf names the operation of a request as the simulator takes it.
func opOf(r *http.Request) string {
	for part, op := range map[string]string{
		"/oauth/token": "token", "/rating/": "rate", "/ship": "ship", "/void/": "void", "/recovery": "recovery",
		"/addressvalidation/": "address", "/track/v1/details/": "track", "/track/v1/reference/details/": "reference",
	} {
		if strings.Contains(r.URL.Path, part) && (part != "/ship" || strings.HasSuffix(r.URL.Path, part)) {
			return op
		}
	}
	return ""
}

func TestRequestsAndSimulatorKeepTheOfficialContract(t *testing.T) {
	t.Parallel()
	c := loadContract(t)
	clk := simtest.NewClock()
	sim := newSim(t, upssim.Options{Now: clk.Now})
	pass := &contracttest.Customs{T: t, Contract: c, Inner: sim, Op: opOf}
	client := newClient(t, simtest.Serve(t, pass), clk.Now, nil)
	ctx := t.Context()

	parcels := []ship.Parcel{goodParcel("ref-1"), goodParcel("ref-2"), goodParcel("ref-3"), goodParcel("ref-4")}
	parcels[1].Dims, parcels[1].OrderNumber, parcels[1].Format = parcels[2].Dims, "", ship.PNG
	parcels[2].Weight *= 30 // above 100 lb: tenths
	parcels[2].Format = ship.GIF
	parcels[3].From = party.Address{Name: "Dépôt", Lines: []string{"7 Rue Principale"}, City: "Montréal", Region: "QC", PostalCode: "H2X 1Y4", Country: "CA"}
	parcels[3].To = party.Address{Name: "Zoë", Lines: []string{"1 Main St"}, City: "Toronto", Region: "ON", PostalCode: "M5V 2T6", Country: "CA", Phone: "416-555-0100"}
	parcels[3].Service = "11"
	for _, p := range parcels {
		if _, err := client.Rate(ctx, p); err != nil {
			t.Errorf("rate: %v", err)
		}
		if _, err := client.CheckAddress(ctx, p.To); err != nil && p.To.Country == "US" {
			t.Errorf("check: %v", err)
		}
		l, err := client.Buy(ctx, p)
		if err != nil {
			t.Errorf("buy: %v", err)
			continue
		}
		if _, err := client.Resolve(ctx, p); err != nil {
			t.Errorf("resolve: %v", err)
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
	p.Service, p.To.Region = "03", "CA"
	if _, err := client.Buy(ctx, p); err == nil {
		t.Error("a wrong address was sold a label")
	}
	if found, err := client.Resolve(ctx, p); err != nil || len(found) != 0 {
		t.Errorf("resolve of nothing: %v, %v", found, err)
	}
	sim.Revoke()
	if _, err := client.Rate(ctx, goodParcel("ref-9")); err == nil {
		t.Error("a revoked token was taken")
	}
	for _, want := range []string{"token 200", "rate 200", "rate 401", "address 200", "ship 200", "ship 400", "void 200", "recovery 200", "recovery 400", "track 200", "reference 200"} {
		if pass.Passed(want) == 0 {
			t.Errorf("%s was never held against the contract", want)
		}
	}
}

func TestContractCheckFindsMistakes(t *testing.T) {
	t.Parallel()
	c := loadContract(t)
	schema := c.Request("recovery")
	for name, doc := range map[string]string{
		"a member nobody knows":     `{"LabelRecoveryRequest":{"Request":{},"TrackingNumer":"1Z"}}`,
		"a required member missing": `{"LabelRecoveryRequest":{"TrackingNumber":"1Z"}}`,
		"a text that is a number":   `{"LabelRecoveryRequest":{"Request":{},"TrackingNumber":1}}`,
		"a text that is too long":   `{"LabelRecoveryRequest":{"Request":{},"TrackingNumber":"1Z345678901234567890"}}`,
	} {
		if contracttest.Check(schema, []byte(doc)) == nil {
			t.Errorf("%s passes", name)
		}
	}
}

// What the official contract refuses the simulator refuses too, for each mistake that
// can be made in what we send.
func TestSimulatorRefusesWhatTheContractRefuses(t *testing.T) {
	t.Parallel()
	clk := simtest.NewClock()
	sim := newSim(t, upssim.Options{Now: clk.Now})
	pass := &contracttest.Customs{T: t, Contract: loadContract(t), Inner: sim, Op: opOf}
	client := newClient(t, simtest.Serve(t, pass), clk.Now, nil)
	p := goodParcel("ref-1")
	_, err := client.Buy(t.Context(), p)
	_, rate := client.Rate(t.Context(), p)
	_, resolve := client.Resolve(t.Context(), p)
	if err := errors.Join(err, rate, resolve); err != nil {
		t.Fatal(err)
	}
	refused := pass.RefuseMistakes()
	for op, least := range map[string]int{"rate": 300, "ship": 390, "recovery": 70} {
		if refused[op] < least {
			t.Errorf("%s: the contract refuses %d mistakes, want %d at least", op, refused[op], least)
		}
	}
	if n := sim.Truth().Bought(""); n != 1 {
		t.Errorf("%d labels bought, want the one", n)
	}
}
