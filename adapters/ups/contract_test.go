package ups_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/paklog/hub/adapters/ups/upssim"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/ship"
)

const contracts = "../../../shared/data/contracts/ups"

// operation is one call of the official contract.
type operation struct{ file, path, method, op string }

var operations = []operation{
	{"OAuthClientCredentials.yaml", "/security/v1/oauth/token", http.MethodPost, "token"},
	{"Rating.yaml", "/rating/{version}/{requestoption}", http.MethodPost, "rate"},
	{"Shipping.yaml", "/shipments/{version}/ship", http.MethodPost, "ship"},
	{"Shipping.yaml", "/shipments/{version}/void/cancel/{shipmentidentificationnumber}", http.MethodDelete, "void"},
	{"Shipping.yaml", "/labels/{version}/recovery", http.MethodPost, "recovery"},
	{"Tracking.yaml", "/track/v1/details/{inquiryNumber}", http.MethodGet, "track"},
	{"Tracking.yaml", "/track/v1/reference/details/{referenceNumber}", http.MethodGet, "reference"},
}

// contract is the official contract of the operations above, with its mistakes mended.
type contract map[string]*openapi3.Operation

func loadContract(t *testing.T) contract {
	t.Helper()
	if _, err := os.Stat(contracts); err != nil {
		t.Skip("the official UPS contract is not in ../shared/data: nothing to compare with")
	}
	docs := map[string]*openapi3.T{}
	c := contract{}
	for _, o := range operations {
		if docs[o.file] == nil {
			doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join(contracts, o.file))
			if err != nil {
				t.Fatalf("%s: %v", o.file, err)
			}
			docs[o.file] = doc
		}
		item := docs[o.file].Paths.Value(o.path)
		if item == nil || item.GetOperation(o.method) == nil {
			t.Fatalf("%s has no %s %s", o.file, o.method, o.path)
		}
		c[o.op] = item.GetOperation(o.method)
	}
	c.mend(t)
	return c
}

// mend patches what the contract gets wrong, each with its proof.
func (c contract) mend(t *testing.T) {
	at := func(op string, answer bool, path ...string) *openapi3.Schema {
		var s *openapi3.Schema
		if answer {
			s = c[op].Responses.Status(200).Value.Content["application/json"].Schema.Value
		} else {
			s = c[op].RequestBody.Value.Content["application/json"].Schema.Value
		}
		for _, p := range path {
			if s.Items != nil {
				s = s.Items.Value
			}
			ref := s.Properties[p]
			if ref == nil {
				t.Fatalf("%s: the contract has no %s any more: look through the patches", op, strings.Join(path, "."))
			}
			s = ref.Value
		}
		return s
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

// check holds a JSON document against a schema: its rules, and that it has no
// member which the schema does not know.
func check(s *openapi3.Schema, doc []byte) error {
	var v any
	if err := json.Unmarshal(doc, &v); err != nil {
		return err
	}
	if err := s.VisitJSON(v, openapi3.MultiErrors()); err != nil {
		return brief(err)
	}
	if names := strangers(s, v, ""); len(names) > 0 {
		return fmt.Errorf("members that the contract does not know: %s", strings.Join(names, ", "))
	}
	return nil
}

// brief leaves out the schemas that kin-openapi prints.
func brief(err error) error {
	if many, ok := errors.AsType[openapi3.MultiError](err); ok {
		var all []error
		for _, one := range many {
			all = append(all, brief(one))
		}
		return errors.Join(all...)
	}
	if e, ok := errors.AsType[*openapi3.SchemaError](err); ok {
		return fmt.Errorf("/%s: %s", strings.Join(e.JSONPointer(), "/"), e.Reason)
	}
	return err
}

func strangers(s *openapi3.Schema, v any, at string) (names []string) {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			ref := s.Properties[k]
			if ref == nil && slices.Contains(s.Required, k) {
				continue // Rating requires RequestOption and does not describe it
			}
			if ref == nil {
				names = append(names, at+"."+k)
				continue
			}
			names = append(names, strangers(ref.Value, inner, at+"."+k)...)
		}
	case []any:
		for i, inner := range v {
			if s.Items != nil {
				names = append(names, strangers(s.Items.Value, inner, fmt.Sprintf("%s[%d]", at, i))...)
			}
		}
	}
	sort.Strings(names)
	return names
}

// opOf names the operation of a request as the simulator takes it.
func opOf(r *http.Request) string {
	for part, op := range map[string]string{
		"/oauth/token": "token", "/rating/": "rate", "/ship": "ship", "/void/": "void", "/recovery": "recovery",
		"/track/v1/details/": "track", "/track/v1/reference/details/": "reference",
	} {
		if strings.Contains(r.URL.Path, part) && (part != "/ship" || strings.HasSuffix(r.URL.Path, part)) {
			return op
		}
	}
	return ""
}

// customs stands between client and simulator and holds all that passes against the contract.
type customs struct {
	t      *testing.T
	c      contract
	inner  http.Handler
	mu     sync.Mutex
	passed map[string]int
}

func (c *customs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	op := opOf(r)
	spec := c.c[op]
	if spec == nil {
		c.t.Errorf("%s %s is not in the contract", r.Method, r.URL.Path)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		c.t.Error(err)
	}
	if len(body) > 0 && op != "token" {
		if err := check(spec.RequestBody.Value.Content["application/json"].Schema.Value, body); err != nil {
			c.t.Errorf("request %s: %v\n%s", op, err, body)
		}
	}
	for _, p := range spec.Parameters {
		if p.Value.In == "header" && p.Value.Required && r.Header.Get(p.Value.Name) == "" {
			c.t.Errorf("request %s has no header %s", op, p.Value.Name)
		}
	}
	for name := range r.URL.Query() {
		if spec.Parameters.GetByInAndName("query", name) == nil {
			c.t.Errorf("request %s has a query %s, which the contract does not know", op, name)
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	rec := httptest.NewRecorder()
	c.inner.ServeHTTP(rec, r)
	res := spec.Responses.Status(rec.Code)
	if res == nil {
		c.t.Errorf("answer %s has status %d, which the contract does not have", op, rec.Code)
	} else if err := check(res.Value.Content["application/json"].Schema.Value, rec.Body.Bytes()); err != nil {
		c.t.Errorf("answer %s %d: %v\n%s", op, rec.Code, err, rec.Body)
	}
	c.mu.Lock()
	c.passed[fmt.Sprintf("%s %d", op, rec.Code)]++
	c.mu.Unlock()
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

func TestRequestsAndSimulatorKeepTheOfficialContract(t *testing.T) {
	t.Parallel()
	c := loadContract(t)
	clk := newClock()
	sim := newSim(t, upssim.Options{Now: clk.Now})
	pass := &customs{t: t, c: c, inner: sim, passed: map[string]int{}}
	client := newClient(t, serve(t, pass), clk.Now, nil)
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
	for _, want := range []string{"token 200", "rate 200", "rate 401", "ship 200", "ship 400", "void 200", "recovery 200", "recovery 400", "track 200", "reference 200"} {
		if pass.passed[want] == 0 {
			t.Errorf("%s was never held against the contract: %v", want, pass.passed)
		}
	}
}

func TestContractCheckFindsMistakes(t *testing.T) {
	t.Parallel()
	c := loadContract(t)
	schema := c["recovery"].RequestBody.Value.Content["application/json"].Schema.Value
	for name, doc := range map[string]string{
		"a member nobody knows":     `{"LabelRecoveryRequest":{"Request":{},"TrackingNumer":"1Z"}}`,
		"a required member missing": `{"LabelRecoveryRequest":{"TrackingNumber":"1Z"}}`,
		"a text that is a number":   `{"LabelRecoveryRequest":{"Request":{},"TrackingNumber":1}}`,
		"a text that is too long":   `{"LabelRecoveryRequest":{"Request":{},"TrackingNumber":"1Z345678901234567890"}}`,
	} {
		if check(schema, []byte(doc)) == nil {
			t.Errorf("%s passes", name)
		}
	}
}
