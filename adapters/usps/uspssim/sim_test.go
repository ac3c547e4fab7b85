package uspssim

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/internal/simcarrier"
)

// caller speaks raw HTTP to a simulator, so that nothing of the adapter hides a mistake.
type caller struct {
	t              *testing.T
	sim            *Sim
	at             time.Time
	token, payment string
}

func newCaller(t *testing.T, opts Options) *caller {
	t.Helper()
	c := &caller{t: t, at: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
	opts.Now = func() time.Time { return c.at }
	sim, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sim.Close() })
	c.sim = sim
	c.grant()
	return c
}

// grant gets both tokens.
func (c *caller) grant() {
	c.t.Helper()
	var doc struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
		Payment     string `json:"paymentAuthorizationToken"`
	}
	status, body := c.call(http.MethodPost, "/oauth2/v3/token", goodGrant, "")
	if err := json.Unmarshal([]byte(body), &doc); err != nil || status != http.StatusOK || doc.AccessToken == "" || doc.ExpiresIn <= 0 {
		c.t.Fatalf("grant: %d %s", status, body)
	}
	c.token = doc.AccessToken
	status, body = c.call(http.MethodPost, payPath, goodPay, "")
	if err := json.Unmarshal([]byte(body), &doc); err != nil || status != http.StatusOK || doc.Payment == "" {
		c.t.Fatalf("payment: %d %s", status, body)
	}
	c.payment = doc.Payment
}

func (c *caller) call(method, path, body, key string) (int, string) {
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("X-Payment-Authorization-Token", c.payment)
	req.Header.Set("Accept", "application/vnd.usps.labels+json")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		req.Header.Set("X-Idempotency-Key", key)
	}
	rec := httptest.NewRecorder()
	c.sim.ServeHTTP(rec, req)
	return rec.Code, rec.Body.String()
}

const (
	payPath, optionsPath, labelPath, reprintPath = "/payments/v3/payment-authorization", "/shipments/v3/options/search", "/labels/v3/label", "/labels/v3/label-reprint"

	goodGrant = `{"grant_type":"client_credentials","client_id":"sim-client","client_secret":"sim-secret"}`
	goodPay   = `{"roles":[{"roleName":"PAYER","CRID":"41512721","accountType":"EPS","accountNumber":"1000253214"},{"roleName":"LABEL_OWNER","CRID":"41512721","MID":"903619809","manifestMID":"903619809"}]}`

	goodOptions = `{"pricingOptions":[{"priceType":"COMMERCIAL"}],"originZIPCode":"21093","destinationZIPCode":"30303","packageDescription":{"weight":5,"length":12,"width":10,"height":5,"mailClass":"ALL_OUTBOUND","mailingDate":"2026-11-23"}}`

	goodLabel = `{"imageInfo":{"imageType":"ZPL203DPI","labelType":"4X6LABEL","receiptOption":"NONE"},
"toAddress":{"firstName":"Ada","lastName":"Martin","streetAddress":"12 Elm St","city":"Atlanta","state":"GA","ZIPCode":"30303"},
"fromAddress":{"firm":"Acme","streetAddress":"1 York Rd","city":"Timonium","state":"MD","ZIPCode":"21093"},
"packageDescription":{"mailClass":"USPS_GROUND_ADVANTAGE","rateIndicator":"SP","processingCategory":"MACHINABLE","destinationEntryFacilityType":"NONE","mailingDate":"2026-11-23",
"weight":5.00,"length":12,"width":10,"height":5,"customerReference":[{"referenceNumber":"ref-1","printReferenceNumber":true}]}}`

	goodReprint = `{"imageInfo":{"imageType":"PDF","labelType":"4X6LABEL"}}`

	goodKey = "8be4df61-93ca-41d2-aa0d-00e098032b8c"
)

// changes are mistakes in a good document and what each is refused for.
type change struct{ name, old, new, param string }

func (c *caller) refuses(path, good, key string, changes []change) {
	c.t.Helper()
	c.sim.opts.CallsPerHour = 1000
	for _, tt := range changes {
		changed := strings.Replace(good, tt.old, tt.new, 1)
		if changed == good {
			c.t.Fatalf("%s: the document has no %s", tt.name, tt.old)
		}
		status, body := c.call(http.MethodPost, path, changed, key)
		if status != http.StatusBadRequest || !strings.Contains(body, tt.param) || !strings.Contains(body, `"apiVersion":"`) {
			c.t.Errorf("%s: %d %s, want 400 at %s", tt.name, status, body, tt.param)
		}
	}
	if n := c.sim.Truth().Bought(""); n != 0 {
		c.t.Errorf("%d labels bought by refused requests", n)
	}
	if status, body := c.call(http.MethodPost, path, good, key); status != http.StatusOK {
		c.t.Errorf("the good request: %d %s", status, body)
	}
}

const malformedCode = `"code":"010005"`

func TestLabelRequestsAreRefusedForEachMistake(t *testing.T) {
	t.Parallel()
	newCaller(t, Options{}).refuses(labelPath, goodLabel, goodKey, []change{
		{"not JSON", goodLabel, `{"imageInfo":`, malformedCode},
		{"two documents", goodLabel, goodLabel + goodLabel, malformedCode},
		{"a member that USPS does not know", `"rateIndicator"`, `"rateIndikator":1,"rateIndicator"`, malformedCode},
		{"a text for a number", `"weight":5.00`, `"weight":"5.00"`, malformedCode},
		{"three decimals", `"weight":5.00`, `"weight":5.001`, malformedCode},
		{"no package", `"packageDescription":{`, `"senderAddress":{`, malformedCode},
		{"no weight", `"weight":5.00`, `"weight":0`, "packageDescription.weight"},
		{"too heavy", `"weight":5.00`, `"weight":70.01`, "packageDescription.weight"},
		{"a weight in kg", `"weight":5.00`, `"weightUOM":"kg","weight":5.00`, "packageDescription.weightUOM"},
		{"no height", `"height":5`, `"height":0`, "packageDescription.length"},
		{"too long", `"length":12`, `"length":101`, "packageDescription.length"},
		{"a cubic foot and more in one piece", `"height":5`, `"height":15`, "packageDescription.rateIndicator"},
		{"less in dimensions", `"SP"`, `"DR"`, "packageDescription.rateIndicator"},
		{"Express as Ground", `"SP"`, `"PA"`, "packageDescription.rateIndicator"},
		{"an envelope in Ground", `"SP"`, `"FE"`, "packageDescription.rateIndicator"},
		{"no such class", `"USPS_GROUND_ADVANTAGE"`, `"PIGEON"`, "packageDescription.mailClass"},
		{"nonstandard, and it is not", `"MACHINABLE"`, `"NONSTANDARD"`, "packageDescription.processingCategory"},
		{"too heavy for machines", `"weight":5.00`, `"weight":25.01`, "packageDescription.processingCategory"},
		{"flats in Ground", `"MACHINABLE"`, `"FLATS"`, "packageDescription.processingCategory"},
		{"a facility", `"NONE","mailingDate"`, `"DESTINATION_DELIVERY_UNIT","mailingDate"`, "packageDescription.destinationEntryFacilityType"},
		{"yesterday", `"2026-11-23"`, `"2026-11-22"`, "packageDescription.mailingDate"},
		{"in eight days", `"2026-11-23"`, `"2026-12-01"`, "packageDescription.mailingDate"},
		{"no day", `"2026-11-23"`, `"soon"`, "packageDescription.mailingDate"},
		{"a reference too long", `"ref-1"`, `"` + strings.Repeat("r", 31) + `"`, "packageDescription.customerReference[0].referenceNumber"},
		{"an empty reference", `"ref-1"`, `""`, "packageDescription.customerReference[0].referenceNumber"},
		{"an extra service", `"weight":5.00`, `"extraServices":[921],"weight":5.00`, "packageDescription.extraServices"},
		{"no street", `"12 Elm St"`, `""`, "toAddress.streetAddress"},
		{"a street too long", `"12 Elm St"`, `"` + strings.Repeat("x", 51) + `"`, "toAddress.streetAddress"},
		{"a city too long", `"Atlanta"`, `"` + strings.Repeat("x", 29) + `"`, "toAddress.city"},
		{"no such state", `"GA"`, `"XX"`, "toAddress.state"},
		{"a ZIP Code of another state", `"GA"`, `"CA"`, "toAddress.ZIPCode"},
		{"nine digits", `"30303"`, `"303031234"`, "toAddress.ZIPCode"},
		{"no last name", `"lastName":"Martin",`, ``, "toAddress.firstName"},
		{"a phone number of nine digits", `"firm":"Acme"`, `"firm":"Acme","phone":"410555013"`, "fromAddress.phone"},
		{"no sender", `"fromAddress"`, `"returnAddress"`, "fromAddress"},
		{"an unknown image", `"ZPL203DPI"`, `"BMP"`, "imageInfo.imageType"},
		{"a label that is too small", `"4X6LABEL"`, `"1X1LABEL"`, "imageInfo.labelType"},
		{"ZPL with a receipt", `"NONE"},`, `"SAME_PAGE"},`, "imageInfo.receiptOption"},
	})
}

func TestOptionsRequestsAreRefusedForEachMistake(t *testing.T) {
	t.Parallel()
	newCaller(t, Options{}).refuses(optionsPath, goodOptions, "", []change{
		{"a member that USPS does not know", `"weight"`, `"wait":1,"weight"`, malformedCode},
		{"no options", `[{"priceType":"COMMERCIAL"}]`, `[]`, malformedCode},
		{"a price of somebody else", `"COMMERCIAL"`, `"METER"`, "pricingOptions[0].priceType"},
		{"a short ZIP Code", `"21093"`, `"2109"`, "originZIPCode"},
		{"a letter in a ZIP Code", `"30303"`, `"3O303"`, "destinationZIPCode"},
		{"no weight", `"weight":5`, `"weight":0`, "packageDescription.weight"},
		{"too heavy", `"weight":5`, `"weight":71`, "packageDescription.weight"},
		{"two sides", `"width":10,`, ``, "packageDescription.length"},
		{"no such class", `"ALL_OUTBOUND"`, `"ALL_PIGEONS"`, "packageDescription.mailClass"},
		{"in two months", `"2026-11-23"`, `"2027-01-23"`, "packageDescription.mailingDate"},
	})
}

func TestPaymentsAreRefusedForEachMistake(t *testing.T) {
	t.Parallel()
	newCaller(t, Options{}).refuses(payPath, goodPay, "", []change{
		{"no roles", goodPay, `{"roles":[]}`, malformedCode},
		{"a foreign account", `"1000253214"`, `"1"`, "roles[0].accountNumber"},
		{"a permit", `"EPS"`, `"PERMIT"`, "roles[0].accountNumber"},
		{"a foreign business", `"CRID":"41512721"`, `"CRID":"1"`, "roles[0].CRID"},
		{"foreign numbers", `"MID":"903619809"`, `"MID":"903619800"`, "roles[1].MID"},
		{"no manifest", `,"manifestMID":"903619809"`, ``, "roles[1].MID"},
		{"nobody owns the label", `"LABEL_OWNER"`, `"SHIPPER"`, "LABEL_OWNER are required"},
		{"a role twice", `"LABEL_OWNER"`, `"PAYER"`, "roles[1].roleName"},
		{"no such role", `"LABEL_OWNER"`, `"OWNER"`, "roles[1].roleName"},
	})
}

func TestGrantsAreRefused(t *testing.T) {
	t.Parallel()
	c := newCaller(t, Options{})
	for _, tt := range []struct {
		old, new string
		status   int
		code     string
	}{
		{`client_credentials`, `password`, 400, "unsupported_grant_type"}, {`sim-secret`, `wrong`, 401, "invalid_client"},
		{goodGrant, `grant_type=client_credentials`, 400, "invalid_request"},
	} {
		status, body := c.call(http.MethodPost, "/oauth2/v3/token", strings.Replace(goodGrant, tt.old, tt.new, 1), "")
		if status != tt.status || !strings.Contains(body, `"error":"`+tt.code+`"`) {
			t.Errorf("%s: %d %s", tt.new, status, body)
		}
	}
}

// Tokens expire, each in its time, and each service counts its calls.
func TestGate(t *testing.T) {
	t.Parallel()
	c := newCaller(t, Options{TokenLife: 9 * time.Hour, CallsPerHour: 2})
	status := func(when string, path, body string, want int, words string) {
		t.Helper()
		if got, answer := c.call(http.MethodPost, path, body, ""); got != want || !strings.Contains(answer, words) {
			t.Errorf("%s: %d %s, want %d with %s", when, got, answer, want, words)
		}
	}
	status("the first", labelPath, goodLabel, 200, "")
	status("the second", labelPath, goodLabel, 200, "")
	status("the third of an hour", labelPath, goodLabel, 429, `"code":"429"`)
	status("another service", optionsPath, goodOptions, 200, "")
	c.at = c.at.Add(time.Hour)
	status("the next hour", labelPath, goodLabel, 200, "")
	c.at = c.at.Add(7 * time.Hour)
	status("eight hours later", labelPath, goodLabel, 401, "X-Payment-Authorization-Token")
	status("and prices", optionsPath, goodOptions, 200, "")
	c.at = c.at.Add(time.Hour)
	status("an hour later", optionsPath, goodOptions, 401, "Authorization")
	if n := c.sim.Truth().Bought("ref-1"); n != 3 {
		t.Errorf("%d labels bought, want 3", n)
	}
}

// What a key that is used again does is told in two ways.
func TestKeyThatIsUsedAgain(t *testing.T) {
	t.Parallel()
	other := strings.Replace(goodLabel, `"ref-1"`, `"ref-2"`, 1)
	for _, guard := range []bool{false, true} {
		c := newCaller(t, Options{Guard: guard})
		_, first := c.call(http.MethodPost, labelPath, goodLabel, goodKey)
		_, again := c.call(http.MethodPost, labelPath, goodLabel, goodKey)
		status, _ := c.call(http.MethodPost, labelPath, other, goodKey)
		switch bought := c.sim.Truth().Bought(""); {
		case guard && (bought != 1 || first != again || status != 400):
			t.Errorf("guarded: %d bought, another body %d", bought, status)
		case !guard && (bought != 3 || first == again || status != 200):
			t.Errorf("not guarded: %d bought, another body %d", bought, status)
		}
		if status, body := c.call(http.MethodPost, labelPath, goodLabel, "not-a-key"); status != 400 || !strings.Contains(body, "UUID") {
			t.Errorf("a key that is none: %d %s", status, body)
		}
	}
}

func TestReprints(t *testing.T) {
	t.Parallel()
	c := newCaller(t, Options{ReprintLag: time.Minute})
	reprint := func(name, path, key string, want int, words string) {
		t.Helper()
		if status, body := c.call(http.MethodPost, path, goodReprint, key); status != want || !strings.Contains(body, words) {
			t.Errorf("%s: %d %.200s, want %d with %s", name, status, body, want, words)
		}
	}
	c.call(http.MethodPost, labelPath, goodLabel, goodKey)
	number := c.sim.Truth().Labels[0].TrackingNumber
	reprint("before it is known", reprintPath, goodKey, 400, unknownKey.code)
	c.at = c.at.Add(time.Minute)
	reprint("by its key", reprintPath, goodKey, 200, `"reprintNumber":1`)
	reprint("by its number", reprintPath+"/"+number, "", 200, `"trackingNumber":"`+number)
	reprint("by a key that was never used", reprintPath, strings.Replace(goodKey, "8", "9", 1), 400, unknownKey.code)
	reprint("by a number that was never used", reprintPath+"/92346", "", 400, unknownTN.code)
	reprint("the third time", reprintPath, goodKey, 200, `"reprintNumber":3`)
	reprint("the fourth time", reprintPath, goodKey, 400, SpentCode)
	c.at = c.at.Add(22 * time.Hour)
	c.grant()
	reprint("after its day", reprintPath, goodKey, 400, late.code)
	c.at = c.at.Add(7 * 24 * time.Hour)
	c.grant()
	reprint("after a week", reprintPath, goodKey, 400, unknownKey.code)
}

func TestTruthOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "truth.jsonl")
	c := newCaller(t, Options{TruthFile: file})
	for range 2 {
		if status, body := c.call(http.MethodPost, labelPath, goodLabel, goodKey); status != 200 {
			t.Fatal(body)
		}
	}
	cancel := labelPath + "/" + c.sim.Truth().Labels[0].ShipmentID
	if status, body := c.call(http.MethodDelete, cancel, "", ""); status != 200 || !strings.Contains(body, `"status":"CANCELED"`) {
		t.Fatal(body)
	}
	c.sim.Close()
	seen, err := simcarrier.ReadTruth(file)
	if err != nil || seen.Bought("ref-1") != 2 || seen.Standing(goodKey) != 1 || seen.Charged() != seen.Labels[1].Minor {
		t.Errorf("read from outside: %+v, %v", seen, err)
	}
	c = newCaller(t, Options{TruthFile: file})
	if status, body := c.call(http.MethodDelete, cancel, "", ""); status != 400 || !strings.Contains(body, unknownSale.code) {
		t.Errorf("voided before the restart: %d %s", status, body)
	}
	// By the key the other one is meant, which stands.
	if status, body := c.call(http.MethodDelete, labelPath, "", goodKey); status != 200 || !strings.Contains(body, seen.Labels[1].TrackingNumber) {
		t.Errorf("by its key: %d %s", status, body)
	}
}

func TestPricesRiseWithZoneWeightAndSize(t *testing.T) {
	t.Parallel()
	small, heavy, large := piece{5_00, 12_00, 10_00, 5_00}, piece{6_00, 12_00, 10_00, 5_00}, piece{5_00, 20_00, 20_00, 20_00}
	for name := range classes {
		indicator := classes[name].indicators[0]
		near := postage(name, indicator, "COMMERCIAL", "21093", "21201", small)
		for what, dearer := range map[string]int64{
			"far":     postage(name, indicator, "COMMERCIAL", "21093", "94105", small),
			"heavy":   postage(name, indicator, "COMMERCIAL", "21093", "21201", heavy),
			"anybody": postage(name, indicator, "RETAIL", "21093", "21201", small),
		} {
			sameEverywhere := what == "far" && classes[name].perZone == 0 // books
			if dearer <= near && !sameEverywhere {
				t.Errorf("%s: %s costs %d, near and light %d", name, what, dearer, near)
			}
		}
		if c := classes[name]; c.dimensional && postage(name, "DR", "COMMERCIAL", "21093", "21201", large) <= near {
			t.Errorf("%s: a large one is as cheap", name)
		}
	}
	if got := []int64{zone("21093", "21201"), zone("21093", "94105"), zone("94105", "21093"), zone("00501", "99950")}; got[0] != 1 || got[1] != got[2] || got[1] < 5 || got[3] != 8 {
		t.Errorf("zones %v", got)
	}
	for c, want := range map[cents]string{0: "0", 1800: "18", 1850: "18.5", 1805: "18.05", 5: "0.05"} {
		if b, err := json.Marshal(c); err != nil || string(b) != want {
			t.Errorf("%d cents are %s, %v", int64(c), b, err)
		}
	}
}

func TestCheckDigit(t *testing.T) {
	t.Parallel()
	for _, n := range []string{"9234690361980900000142", "9234690361980900000265", "9400109104250532908587", "9205590006662200704797"} { // recorded, and of the contract
		if got, want := checkDigit(n[:21]), int(n[21]-'0'); got != want {
			t.Errorf("%s: %d, want %d", n, got, want)
		}
	}
}
