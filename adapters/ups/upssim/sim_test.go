package upssim

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
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
	req := httptest.NewRequest(http.MethodPost, "/security/v1/oauth/token", strings.NewReader(url.Values{"grant_type": {"client_credentials"}}.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(ClientID, ClientSecret)
	rec := httptest.NewRecorder()
	sim.ServeHTTP(rec, req)
	var grant struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   string `json:"expires_in"` // a string, as at UPS
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &grant); err != nil || grant.AccessToken == "" || grant.ExpiresIn == "" {
		t.Fatalf("grant: %v: %s", err, rec.Body)
	}
	c.token = grant.AccessToken
	return c
}

func (c *caller) call(method, path, body string) (int, string) {
	c.t.Helper()
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("transId", "1")
	req.Header.Set("transactionSrc", "test")
	rec := httptest.NewRecorder()
	c.sim.ServeHTTP(rec, req)
	return rec.Code, rec.Body.String()
}

const goodShip = `{"ShipmentRequest":{"Request":{"RequestOption":"validate"},"Shipment":{
"Shipper":{"Name":"Acme","ShipperNumber":"A1B2C3","Address":{"AddressLine":["1 York Rd"],"City":"Timonium","StateProvinceCode":"MD","PostalCode":"21093","CountryCode":"US"}},
"ShipTo":{"Name":"Ada","Address":{"AddressLine":["12 Elm St"],"City":"Atlanta","StateProvinceCode":"GA","PostalCode":"30303","CountryCode":"US"}},
"ShipFrom":{"Name":"Acme","Address":{"AddressLine":["1 York Rd"],"City":"Timonium","StateProvinceCode":"MD","PostalCode":"21093","CountryCode":"US"}},
"PaymentInformation":{"ShipmentCharge":[{"Type":"01","BillShipper":{"AccountNumber":"A1B2C3"}}]},"Service":{"Code":"03"},
"Package":[{"Packaging":{"Code":"02"},"PackageWeight":{"UnitOfMeasurement":{"Code":"LBS"},"Weight":"5.00"},"ReferenceNumber":[{"Value":"ref-1"}]}]},
"LabelSpecification":{"LabelImageFormat":{"Code":"ZPL"},"LabelStockSize":{"Height":"6","Width":"4"}}}}`

const shipPath = "/api/shipments/v2409/ship"

func TestShipRequestsAreRefusedForEachMistake(t *testing.T) {
	t.Parallel()
	c := newCaller(t, Options{})
	for _, tt := range []struct{ name, old, new, code string }{
		{"not JSON", goodShip, `{"ShipmentRequest":`, "9380216"},
		{"empty", goodShip, ``, "9380216"},
		{"two documents", goodShip, goodShip + goodShip, "9380216"},
		{"a member that UPS does not know", `"Service":`, `"Servise":{},"Service":`, "9380216"},
		{"a number for a text", `"5.00"`, `5.00`, "9380216"},
		{"no account", `"ShipperNumber":"A1B2C3"`, `"ShipperNumber":""`, "120100"},
		{"a foreign account pays", `"AccountNumber":"A1B2C3"`, `"AccountNumber":"ZZZZZZ"`, "120400"},
		{"no name", `"Name":"Ada"`, `"Name":""`, "120201"},
		{"a name too long", `"Name":"Ada"`, `"Name":"` + strings.Repeat("x", 36) + `"`, "120201"},
		{"no street", `["12 Elm St"]`, `[]`, "120202"},
		{"four lines", `["12 Elm St"]`, `["1","2","3","4"]`, "120202"},
		{"a line too long", `["12 Elm St"]`, `["` + strings.Repeat("x", 36) + `"]`, "120202"},
		{"no city", `"City":"Atlanta"`, `"City":""`, "120205"},
		{"no such state", `"GA"`, `"XX"`, "120206"},
		{"a postal code of another state", `"GA"`, `"CA"`, "120802"},
		{"a postal code with a letter", `"30303"`, `"3O303"`, "120208"},
		{"an unknown service", `"Service":{"Code":"03"}`, `"Service":{"Code":"11"}`, "121100"},
		{"no weight", `"5.00"`, `"0"`, "120602"},
		{"a negative weight", `"5.00"`, `"-5"`, "120602"},
		{"a weight too long", `"5.00"`, `"100.25"`, "120602"},
		{"too heavy", `"5.00"`, `"150.1"`, "120604"},
		{"a reference at the shipment", `"Service":{`, `"ReferenceNumber":[{"Value":"x"}],"Service":{`, "120541"},
		{"a reference too long", `"ref-1"`, `"` + strings.Repeat("r", 36) + `"`, "120540"},
		{"an unknown label format", `"ZPL"`, `"PDF"`, "300102"},
		{"an image without an agent", `"ZPL"`, `"GIF"`, "120905"},
		{"a label size that is not cut", `"Height":"6"`, `"Height":"5"`, "120906"},
	} {
		if !strings.Contains(goodShip, tt.old) {
			t.Fatalf("%s: the document has no %s", tt.name, tt.old)
		}
		status, body := c.call(http.MethodPost, shipPath, strings.Replace(goodShip, tt.old, tt.new, 1))
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
	c := newCaller(t, Options{Now: func() time.Time { return at }, TokenLife: time.Minute, RatePerSecond: 2})
	if status, body := c.call(http.MethodPost, "/api/shipments/v1801/ship", goodShip); status != 400 || !strings.Contains(body, "version") {
		t.Errorf("an old version: %d %s", status, body)
	}
	for i, want := range []int{200, 200, 429} {
		if status, body := c.call(http.MethodPost, shipPath, goodShip); status != want || want == 429 && !strings.Contains(body, `"10429"`) {
			t.Errorf("call %d of a second: %d %s, want %d", i+1, status, body, want)
		}
	}
	at = at.Add(time.Second)
	if status, _ := c.call(http.MethodPost, shipPath, goodShip); status != 200 {
		t.Errorf("the next second: %d", status)
	}
	at = at.Add(time.Minute)
	if status, body := c.call(http.MethodPost, shipPath, goodShip); status != 401 || !strings.Contains(body, `"250002"`) {
		t.Errorf("an expired token: %d %s", status, body)
	}
	if n := c.sim.Truth().Bought("ref-1"); n != 3 {
		t.Errorf("%d labels bought, want 3", n)
	}
}

func TestTruthOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "truth.jsonl")
	c := newCaller(t, Options{TruthFile: file})
	for range 3 {
		if status, body := c.call(http.MethodPost, shipPath, goodShip); status != 200 {
			t.Fatal(body)
		}
	}
	first := c.sim.Truth().Labels[0].ShipmentID
	if status, body := c.call(http.MethodDelete, "/api/shipments/v2409/void/cancel/"+first, ""); status != 200 {
		t.Fatal(body)
	}
	c.sim.Close()
	torn, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := torn.WriteString(`{"bought":[{"tracking_nu`); err != nil {
		t.Fatal(err)
	}
	torn.Close()

	seen, err := simcarrier.ReadTruth(file)
	if err != nil || seen.Bought("ref-1") != 3 || seen.Standing("ref-1") != 2 || seen.Charged() != 2*1325 {
		t.Errorf("read from outside: %+v, %v", seen, err)
	}
	c = newCaller(t, Options{TruthFile: file})
	if status, body := c.call(http.MethodDelete, "/api/shipments/v2409/void/cancel/"+first, ""); status != 400 || !strings.Contains(body, "190117") {
		t.Errorf("voided before the restart: %d %s", status, body)
	}
	if status, body := c.call(http.MethodPost, shipPath, goodShip); status != 200 {
		t.Fatal(body)
	}
	numbers := map[string]bool{}
	for _, l := range c.sim.Truth().Labels {
		numbers[l.TrackingNumber] = true
	}
	if len(numbers) != 4 {
		t.Errorf("%d tracking numbers over a restart, want 4", len(numbers))
	}
	if err := os.WriteFile(file, []byte("not json\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{TruthFile: file}); err == nil || !strings.Contains(err.Error(), "byte 0") {
		t.Errorf("a spoilt truth file: %v", err)
	}
}

func TestTruthOverHTTP(t *testing.T) {
	t.Parallel()
	c := newCaller(t, Options{})
	c.call(http.MethodPost, shipPath, goodShip)
	c.call(http.MethodPost, shipPath, strings.Replace(goodShip, "ref-1", "ref-2", 1))
	_, body := c.call(http.MethodGet, "/_truth?reference=ref-2", "")
	var got Truth
	if err := json.Unmarshal([]byte(body), &got); err != nil || len(got.Labels) != 1 || got.Labels[0].References[0] != "ref-2" || got.Calls[OpShip] != 2 {
		t.Errorf("%s: %v", body, err)
	}
}

func TestMultiPieceShipmentIsVoidedByPieces(t *testing.T) {
	t.Parallel()
	c := newCaller(t, Options{})
	pkg := goodShip[strings.Index(goodShip, `{"Packaging"`):strings.Index(goodShip, "]},\n\"LabelSpecification\"")]
	two := strings.Replace(goodShip, pkg, pkg+","+pkg, 1)
	if status, body := c.call(http.MethodPost, shipPath, two); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	labels := c.sim.Truth().Labels
	if len(labels) != 2 || labels[0].ShipmentID != labels[1].ShipmentID || labels[0].TrackingNumber == labels[1].TrackingNumber {
		t.Fatalf("%+v", labels)
	}
	path := "/api/shipments/v2409/void/cancel/" + labels[0].ShipmentID
	if status, body := c.call(http.MethodDelete, path+"?trackingnumber="+labels[1].TrackingNumber, ""); status != 200 || !strings.Contains(body, labels[1].TrackingNumber) {
		t.Errorf("one piece: %d %s", status, body)
	}
	if n := c.sim.Truth().Standing("ref-1"); n != 1 {
		t.Errorf("%d pieces stand, want 1", n)
	}
	if status, _ := c.call(http.MethodDelete, path, ""); status != 200 || c.sim.Truth().Standing("") != 0 {
		t.Errorf("the rest: %d, %d stand", status, c.sim.Truth().Standing(""))
	}
}

func TestCheckDigit(t *testing.T) {
	t.Parallel()
	for _, n := range []string{"1Z999AA10123456784", "1Z12345E6605272234"} { // published examples
		body, want := n[2:17], int(n[17]-'0')
		if got := checkDigit(body); got != want {
			t.Errorf("%s: %d, want %d", n, got, want)
		}
	}
	if n := number("A1B2C3", "03", 1); len(n) != 18 || !isNumber(n) {
		t.Errorf("number %q", n)
	}
}

// A label is small and real: ZPL that names what it is for.
func Example() {
	l := Label{TrackingNumber: number("A1B2C3", "03", 1), Service: "03", To: "Ada, 12 Elm St, Atlanta 30303", References: []string{"ref-1"}, Format: "ZPL"}
	zpl, _ := base64.StdEncoding.DecodeString(simcarrier.Draw("UPS", l))
	fmt.Println(strings.SplitAfter(string(zpl), "\n")[3])
	// Output: ^FO40,380^A0N,36,36^FDTRACKING #: 1ZA1B2C30300000012^FS
}
