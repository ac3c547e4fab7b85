package fedexsim

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/internal/simcarrier"
)

// caller speaks raw HTTP to a simulator, so that nothing of the adapter hides a mistake.
type caller struct {
	t     *testing.T
	sim   *Sim
	token string
}

func newCaller(t *testing.T, opts Options) *caller {
	t.Helper()
	sim, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sim.Close() })
	c := &caller{t: t, sim: sim}
	status, body := c.grant(ClientSecret)
	var doc struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
	}
	if err := json.Unmarshal([]byte(body), &doc); err != nil || status != http.StatusOK || doc.AccessToken == "" || doc.ExpiresIn <= 0 {
		t.Fatalf("grant: %d %s", status, body)
	}
	c.token = doc.AccessToken
	return c
}

func (c *caller) grant(secret string) (int, string) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {ClientID}, "client_secret": {secret}}
	req := httptest.NewRequest(http.MethodPost, "/oauth/token", strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.serve(req)
}

func (c *caller) call(method, path, body string) (int, string) {
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Content-Type", "application/json")
	return c.serve(req)
}

func (c *caller) serve(req *http.Request) (int, string) {
	rec := httptest.NewRecorder()
	c.sim.ServeHTTP(rec, req)
	return rec.Code, rec.Body.String()
}

const (
	shipPath, cancelPath, referencePath = "/ship/v1/shipments", "/ship/v1/shipments/cancel", "/track/v1/referencenumbers"

	goodShip = `{"labelResponseOptions":"LABEL","accountNumber":{"value":"740561073"},"requestedShipment":{
"shipper":{"contact":{"companyName":"Acme","phoneNumber":"4105550134"},"address":{"streetLines":["1 York Rd"],"city":"Timonium","stateOrProvinceCode":"MD","postalCode":"21093","countryCode":"US"}},
"recipients":[{"contact":{"personName":"Ada","phoneNumber":"4045550100"},"address":{"streetLines":["12 Elm St"],"city":"Atlanta","stateOrProvinceCode":"GA","postalCode":"30303","countryCode":"US"}}],
"pickupType":"USE_SCHEDULED_PICKUP","serviceType":"FEDEX_GROUND","packagingType":"YOUR_PACKAGING","totalWeight":5.00,
"shippingChargesPayment":{"paymentType":"SENDER","payor":{"responsibleParty":{"accountNumber":{"value":"740561073"}}}},
"labelSpecification":{"imageType":"ZPLII","labelStockType":"STOCK_4X6"},"rateRequestType":["ACCOUNT"],
"requestedPackageLineItems":[{"groupPackageCount":1,"weight":{"units":"LB","value":5.00},"customerReferences":[{"customerReferenceType":"CUSTOMER_REFERENCE","value":"ref-1"}]}]}}`

	goodReference = `{"includeDetailedScans":false,"referencesInformation":{"type":"CUSTOMER_REFERENCE","value":"ref-1","accountNumber":"740561073","shipDateBegin":"2026-11-01","shipDateEndDate":"2026-11-30"}}`
)

func TestShipRequestsAreRefusedForEachMistake(t *testing.T) {
	t.Parallel()
	c := newCaller(t, Options{})
	for _, tt := range []struct{ name, old, new, code string }{
		{"not JSON", goodShip, `{"requestedShipment":`, "INVALID.INPUT.EXCEPTION"},
		{"two documents", goodShip, goodShip + goodShip, "INVALID.INPUT.EXCEPTION"},
		{"a member that FedEx does not know", `"serviceType"`, `"servise":1,"serviceType"`, "INVALID.INPUT.EXCEPTION"},
		{"a text for a number", `"totalWeight":5.00`, `"totalWeight":"5.00"`, "INVALID.INPUT.EXCEPTION"},
		{"a foreign account", `"accountNumber":{"value":"740561073"},"requestedShipment"`, `"accountNumber":{"value":"1"},"requestedShipment"`, "ACCOUNT.NUMBER.MISMATCH"},
		{"a foreign account pays", `"responsibleParty":{"accountNumber":{"value":"740561073"}}`, `"responsibleParty":{"accountNumber":{"value":"1"}}`, "ACCOUNT.NUMBER.MISMATCH"},
		{"no street", `["12 Elm St"]`, `[]`, "RECIPIENT.STREETLINES.INVALID"},
		{"a line too long", `["12 Elm St"]`, `["` + strings.Repeat("x", 36) + `"]`, "RECIPIENT.STREETLINES.INVALID"},
		{"no city", `"city":"Atlanta"`, `"city":""`, "RECIPIENT.CITY.INVALID"},
		{"no such state", `"GA"`, `"XX"`, "RECIPIENT.STATEORPROVINCECODE.INVALID"},
		{"a postal code of another state", `"GA"`, `"CA"`, "RECIPIENT.POSTALSTATE.MISMATCH"},
		{"a postal code with a letter", `"30303"`, `"3O303"`, "RECIPIENT.POSTALCODE.INVALID"},
		{"nobody", `"personName":"Ada",`, ``, "RECIPIENT.CONTACT.INVALID"},
		{"no phone", `"4045550100"`, `""`, "RECIPIENTCONTACT.PHONENUMBER.INVALID"},
		{"an unknown service", `"FEDEX_GROUND"`, `"FEDEX_PIGEON"`, "SERVICETYPE.NOT.ALLOWED"},
		{"no weight", `"units":"LB","value":5.00`, `"units":"LB","value":0`, "PACKAGE.WEIGHT.INVALID"},
		{"three decimals", `"units":"LB","value":5.00`, `"units":"LB","value":5.001`, "INVALID.INPUT.EXCEPTION"},
		{"too heavy", `"units":"LB","value":5.00`, `"units":"LB","value":150.01`, "PACKAGE.WEIGHT.EXCEEDS"},
		{"another total", `"totalWeight":5.00`, `"totalWeight":6.00`, "TOTALWEIGHT.INVALID"},
		{"a reference too long", `"ref-1"`, `"` + strings.Repeat("r", 31) + `"`, "CUSTOMERREFERENCE.VALUE.INVALID"},
		{"an unknown kind of reference", `"CUSTOMER_REFERENCE"`, `"OURS"`, "CUSTOMERREFERENCETYPE.INVALID"},
		{"an unknown label format", `"ZPLII"`, `"GIF"`, "LABEL.IMAGETYPE.INVALID"},
		{"paper for a thermal printer", `"STOCK_4X6"`, `"PAPER_4X6"`, "LABEL.STOCKTYPE.INVALID"},
		{"an unknown pickup", `"USE_SCHEDULED_PICKUP"`, `"TOMORROW"`, "PICKUPTYPE.INVALID"},
	} {
		changed := strings.Replace(goodShip, tt.old, tt.new, 1)
		if changed == goodShip {
			t.Fatalf("%s: the document has no %s", tt.name, tt.old)
		}
		status, body := c.call(http.MethodPost, shipPath, changed)
		if status != http.StatusBadRequest || !strings.Contains(body, `"code":"`+tt.code+`"`) {
			t.Errorf("%s: %d %s, want 400 with %s", tt.name, status, body, tt.code)
		}
	}
	if n := c.sim.Truth().Bought(""); n != 0 {
		t.Errorf("%d labels bought by refused requests", n)
	}
	if status, body := c.call(http.MethodPost, shipPath, goodShip); status != http.StatusOK {
		t.Errorf("the good request: %d %s", status, body)
	}
}

func TestGate(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	c := newCaller(t, Options{Now: func() time.Time { return at }, TokenLife: time.Minute, CallsPer10s: 2})
	for i, want := range []int{200, 200, 429} {
		if status, body := c.call(http.MethodPost, shipPath, goodShip); status != want {
			t.Errorf("call %d of ten seconds: %d %s, want %d", i+1, status, body, want)
		}
	}
	at = at.Add(10 * time.Second)
	if status, _ := c.call(http.MethodPost, shipPath, goodShip); status != 200 {
		t.Errorf("the next ten seconds: %d", status)
	}
	at = at.Add(time.Minute)
	if status, body := c.call(http.MethodPost, shipPath, goodShip); status != 401 || !strings.Contains(body, `"NOT.AUTHORIZED.ERROR"`) {
		t.Errorf("an expired token: %d %s", status, body)
	}
	if n := c.sim.Truth().Bought("ref-1"); n != 3 {
		t.Errorf("%d labels bought, want 3", n)
	}
}

// Who asks for tokens in a burst or all the time is shut out, and for longer who goes on.
func TestThoseWhoAskForTokensTooOftenAreShutOut(t *testing.T) {
	t.Parallel()
	for name, every := range map[string]time.Duration{"a burst": 300 * time.Millisecond, "all the time": 990 * time.Millisecond} {
		at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
		c := newCaller(t, Options{Now: func() time.Time { return at }})
		asked := 1
		for status := 200; status == 200; asked++ {
			at = at.Add(every)
			status, _ = c.grant(ClientSecret)
			if asked > 200 {
				t.Fatalf("%s: never shut out", name)
			}
		}
		at = at.Add(9 * time.Minute)
		if status, _ := c.grant(ClientSecret); status != 403 {
			t.Errorf("%s: nine minutes later: %d", name, status)
		}
		at = at.Add(9 * time.Minute)
		if status, _ := c.grant(ClientSecret); status != 403 {
			t.Errorf("%s: nine minutes after that: %d", name, status)
		}
		at = at.Add(10 * time.Minute)
		if status, body := c.grant(ClientSecret); status != 200 {
			t.Errorf("%s: ten minutes of patience: %d %s", name, status, body)
		}
		if status, _ := c.grant("wrong"); status != 401 {
			t.Errorf("%s: a wrong secret: %d", name, status)
		}
	}
}

func TestReferenceRequestsAreRefusedForEachMistake(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	c := newCaller(t, Options{Now: func() time.Time { return at }, TrackingLag: time.Minute})
	c.call(http.MethodPost, shipPath, goodShip)
	if _, body := c.call(http.MethodPost, referencePath, goodReference); !strings.Contains(body, "TRACKING.REFERENCENUMBER.NOTFOUND") {
		t.Errorf("before tracking knows it: %s", body)
	}
	at = at.Add(time.Minute)
	if _, body := c.call(http.MethodPost, referencePath, goodReference); !strings.Contains(body, `"trackingNumber":"7947`) {
		t.Errorf("after: %s", body)
	}
	for _, tt := range []struct{ name, old, new, code string }{
		{"no account", `"accountNumber":"740561073",`, ``, "TRACKING.ACCOUNTNUMBER.EMPTY"},
		{"no dates", `"shipDateBegin":"2026-11-01",`, ``, "TRACKING.SHIPDATE.INVALID"},
		{"dates backwards", `2026-11-01`, `2026-12-01`, "TRACKING.SHIPDATE.INVALID"},
		{"an unknown type", `CUSTOMER_REFERENCE`, `CUSTOMER`, "TRACKING.REFERENCETYPE.INVALID"},
		{"no value", `"value":"ref-1"`, `"value":""`, "INVALID.INPUT.EXCEPTION"},
		// These are answers of success.
		{"another account", `740561073`, `740561074`, "TRACKING.REFERENCENUMBER.NOTFOUND"},
		{"another type", `CUSTOMER_REFERENCE`, `PURCHASE_ORDER`, "TRACKING.REFERENCENUMBER.NOTFOUND"},
		{"before it was shipped", `2026-11-30`, `2026-11-22`, "TRACKING.REFERENCENUMBER.NOTFOUND"},
		{"part of a reference", `"ref-1"`, `"ref"`, "TRACKING.REFERENCENUMBER.NOTFOUND"},
	} {
		if _, body := c.call(http.MethodPost, referencePath, strings.Replace(goodReference, tt.old, tt.new, 1)); !strings.Contains(body, tt.code) {
			t.Errorf("%s: %s, want %s", tt.name, body, tt.code)
		}
	}
}

func TestTruthOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "truth.jsonl")
	c := newCaller(t, Options{TruthFile: file})
	for range 2 {
		if status, body := c.call(http.MethodPost, shipPath, goodShip); status != 200 {
			t.Fatal(body)
		}
	}
	cancel := `{"accountNumber":{"value":"740561073"},"trackingNumber":"` + c.sim.Truth().Labels[0].ShipmentID + `"}`
	if status, body := c.call(http.MethodPut, cancelPath, cancel); status != 200 || !strings.Contains(body, `"cancelledShipment":true`) {
		t.Fatal(body)
	}
	c.sim.Close()
	if seen, err := simcarrier.ReadTruth(file); err != nil || seen.Bought("ref-1") != 2 || seen.Standing("ref-1") != 1 || seen.Charged() != 1105 {
		t.Errorf("read from outside: %+v, %v", seen, err)
	}
	c = newCaller(t, Options{TruthFile: file})
	if status, body := c.call(http.MethodPut, cancelPath, cancel); status != 400 || !strings.Contains(body, voidedBefore.code) {
		t.Errorf("voided before the restart: %d %s", status, body)
	}
}

func TestCheckDigit(t *testing.T) {
	t.Parallel()
	for _, n := range []string{"986578788855", "776094337676", "794791341818"} { // published examples and recorded numbers
		if got, want := checkDigit(n[:11]), int(n[11]-'0'); got != want {
			t.Errorf("%s: %d, want %d", n, got, want)
		}
	}
}
