package usps_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/usps"
)

var day = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func parcel() ship.Parcel {
	return ship.Parcel{
		Reference: "ref-1", OrderNumber: "PO-1", Service: "USPS_GROUND_ADVANTAGE",
		From:   party.Address{Company: "Acme", Name: "Dock 4", Lines: []string{"1 York Rd"}, City: "Timonium", Region: "MD", PostalCode: "21093", Country: "US", Phone: "+1 410-555-0134"},
		To:     party.Address{Name: "Ada", Lines: []string{"12 Elm St", " "}, City: "Atlanta", Region: "GA", PostalCode: "30303-1234", Country: "US"},
		Weight: measure.Pounds(5), Dims: measure.Dims{Length: 10 * measure.Inch, Width: 12 * measure.Inch, Height: 5 * measure.Inch},
	}
}

func written(t *testing.T, v any, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestLabelRequest(t *testing.T) {
	t.Parallel()
	req, err := usps.FromParcel(parcel(), day)
	text := written(t, req, err)
	for _, want := range []string{
		`"weightUOM":"lb","weight":5.00,"dimensionsUOM":"in","length":12,"width":10,"height":5`,
		`"mailClass":"USPS_GROUND_ADVANTAGE","rateIndicator":"SP","processingCategory":"MACHINABLE","destinationEntryFacilityType":"NONE","mailingDate":"2026-11-23"`,
		`"customerReference":[{"referenceNumber":"ref-1","printReferenceNumber":true},{"referenceNumber":"PO-1","printReferenceNumber":true}]`,
		`"imageInfo":{"imageType":"ZPL203DPI","labelType":"4X6LABEL","receiptOption":"NONE"}`,
		// One word is no first and last name: USPS takes it as a firm.
		`"toAddress":{"firm":"Ada","streetAddress":"12 Elm St","city":"Atlanta","state":"GA","ZIPCode":"30303","ZIPPlus4":"1234","ignoreBadAddress":false}`,
		`"fromAddress":{"firstName":"Dock","lastName":"4","firm":"Acme","streetAddress":"1 York Rd","city":"Timonium","state":"MD","ZIPCode":"21093","phone":"4105550134","ignoreBadAddress":false}`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
	again, err := usps.FromFormat(ship.PNG), error(nil)
	if got := written(t, again, err); got != `{"imageInfo":{"imageType":"PNG","labelType":"4X6LABEL"}}` {
		t.Errorf("reprint %s", got)
	}
}

// The size of a parcel decides in which way its mail class takes it.
func TestServiceIsToldAsUSPSPricesIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		service   string
		l, w, h   int64 // inches
		lb        int64
		indicator string // "" is refused
		category  string
	}{
		{"USPS_GROUND_ADVANTAGE", 12, 12, 12, 5, "SP", "MACHINABLE"},
		{"USPS_GROUND_ADVANTAGE", 13, 12, 12, 5, "DR", "MACHINABLE"},
		{"PRIORITY_MAIL", 23, 12, 12, 5, "DR", "NONSTANDARD"},
		{"PRIORITY_MAIL", 12, 12, 12, 26, "SP", "NONSTANDARD"},
		{"PRIORITY_MAIL", 5, 4, 1, 1, "SP", "NONSTANDARD"},
		{"PRIORITY_MAIL_EXPRESS", 20, 12, 12, 5, "PA", "MACHINABLE"},
		{"MEDIA_MAIL", 20, 12, 12, 5, "SP", "MACHINABLE"},
		{"PRIORITY_MAIL/CP/MACHINABLE", 8, 6, 4, 2, "CP", "MACHINABLE"},
		{"PRIORITY_MAIL/SP/NONSTANDARD", 8, 6, 4, 2, "SP", "NONSTANDARD"},
		{"PRIORITY_MAIL/FE/FLATS", 8, 6, 4, 2, "", ""}, // an envelope of USPS's own
		{"PRIORITY_MAIL/CP", 8, 6, 4, 2, "", ""},
		{"PRIORITY_MAIL//", 8, 6, 4, 2, "", ""},
		{"FIRST-CLASS_PIGEON", 8, 6, 4, 2, "", ""},
		{"", 8, 6, 4, 2, "", ""},
	} {
		p := parcel()
		p.Service, p.Weight = c.service, measure.Pounds(c.lb)
		p.Dims = measure.Dims{Length: measure.Length(c.l) * measure.Inch, Width: measure.Length(c.w) * measure.Inch, Height: measure.Length(c.h) * measure.Inch}
		req, err := usps.FromParcel(p, day)
		if c.indicator == "" {
			if fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != "service" {
				t.Errorf("%q: %v at %q", c.service, err, fault.PlaceOf(err))
			}
			continue
		}
		want := fmt.Sprintf(`"rateIndicator":%q,"processingCategory":%q`, c.indicator, c.category)
		if got := written(t, req, err); !strings.Contains(got, want) {
			t.Errorf("%+v: want %s in %s", c, want, got)
		}
	}
}

func TestOurReferenceIsPrintedAndItsKeyIsAUUID(t *testing.T) {
	t.Parallel()
	ours := ship.ReferenceOf("some effect")
	if got := usps.Reference(ours); got != ours[:30] {
		t.Errorf("%s is printed as %s", ours, got)
	}
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for _, ref := range []string{ours, ours[:31] + "x", "ref-1", "ref-10", strings.Repeat("r", 35)} {
		key := usps.Key(ref)
		if !form.MatchString(key) || seen[key] || key != usps.Key(ref) || !usps.IsKey(key) {
			t.Errorf("%s has the key %s", ref, key)
		}
		seen[key] = true
	}
	if usps.IsKey("9234690361980900000142") {
		t.Error("a tracking number is taken for a key")
	}
	p := parcel()
	p.Reference = strings.Repeat("r", 31)
	if _, err := usps.FromParcel(p, day); fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != "reference" {
		t.Errorf("a long reference: %v", err)
	}
}

func TestParcelThatUSPSWouldNotTakeIsInvalidAtItsPlace(t *testing.T) {
	t.Parallel()
	for place, spoil := range map[string]func(*ship.Parcel){
		"order_number":     func(p *ship.Parcel) { p.OrderNumber = strings.Repeat("9", 31) },
		"to.country":       func(p *ship.Parcel) { p.To.Country = "CA" },
		"from.country":     func(p *ship.Parcel) { p.From.Country = "DE" },
		"to.lines[1]":      func(p *ship.Parcel) { p.To.Lines = []string{"a", strings.Repeat("ü", 51)} },
		"to.lines":         func(p *ship.Parcel) { p.To.Lines = []string{"a", "b", "c"} },
		"from.city":        func(p *ship.Parcel) { p.From.City = strings.Repeat("c", 29) },
		"from.region":      func(p *ship.Parcel) { p.From.Region = "Maryland" },
		"to.region":        func(p *ship.Parcel) { p.To.Region = "" },
		"to.postal_code":   func(p *ship.Parcel) { p.To.PostalCode = "303031" },
		"from.postal_code": func(p *ship.Parcel) { p.From.PostalCode = "2I093" },
		"weight_mg":        func(p *ship.Parcel) { p.Weight = measure.Pounds(70) + measure.Gram*5 },
		"dims":             func(p *ship.Parcel) { p.Dims = measure.Dims{} },
	} {
		p := parcel()
		spoil(&p)
		if _, err := usps.FromParcel(p, day); fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v at %q", place, err, fault.PlaceOf(err))
		}
	}
	p := parcel()
	p.Dims.Length, p.Weight = 96*measure.Inch, measure.Pounds(70)
	if _, err := usps.FromParcel(p, day); err != nil {
		t.Errorf("70 lb and 130 in are the most: %v", err)
	}
	p.Dims.Length++
	if _, err := usps.FromRate(p, day); fault.PlaceOf(err) != "dims" {
		t.Errorf("131 in in length and girth: %v", err)
	}
	p = parcel()
	p.To = party.Address{Name: "Luz Vega", Lines: []string{"5 Calle Sol"}, City: "San Juan", PostalCode: "00901", Country: "PR"}
	if req, err := usps.FromParcel(p, day); err != nil || !strings.Contains(written(t, req, err), `"state":"PR"`) {
		t.Errorf("Puerto Rico: %v", err)
	}
}

func TestRates(t *testing.T) {
	t.Parallel()
	one := func(class, indicator, category, price string) string {
		return fmt.Sprintf(`{"mailClass":%q,"rateOptions":[{"totalBasePrice":%s,"commitment":{"name":"2 Days","expectedDeliveryDate":"2026-11-25"},"rates":[{"mailClass":%[1]q,"rateIndicator":%[3]q,"processingCategory":%[4]q,"destinationEntryFacilityType":"NONE"}]}]}`, class, price, indicator, category)
	}
	answer := func(kind string, options ...string) string {
		return fmt.Sprintf(`{"priceType":%q,"shippingOptions":[%s]}`, kind, strings.Join(options, ","))
	}
	ground, prio := "USPS_GROUND_ADVANTAGE", "PRIORITY_MAIL"
	for name, c := range map[string]struct {
		body, service string
		want          []string // code cost list
	}{
		"the cheapest first, with what anybody pays": {
			answer("COMMERCIAL", one(prio, "SP", "MACHINABLE", "10.5"), one(ground, "SP", "MACHINABLE", `"8.4"`)) + "," + answer("RETAIL", one(ground, "SP", "MACHINABLE", "9.35")),
			"", []string{ground + " 840 935", prio + " 1050 1050"},
		},
		"retail alone":                     {answer("RETAIL", one(ground, "SP", "MACHINABLE", "9")), "", []string{ground + " 900 900"}},
		"a retail price that is below":     {answer("COMMERCIAL", one(ground, "SP", "MACHINABLE", "9")) + "," + answer("RETAIL", one(ground, "SP", "MACHINABLE", "8")), "", []string{ground + " 900 900"}},
		"an unusual way is named in full":  {answer("COMMERCIAL", one(ground, "CP", "MACHINABLE", "7")), "", []string{ground + "/CP/MACHINABLE 700 700"}},
		"USPS's own envelopes are not":     {answer("COMMERCIAL", one(prio, "FE", "FLATS", "7"), one(prio, "FP", "MACHINABLE", "6")), "", nil},
		"what is for some goods alone":     {answer("COMMERCIAL", one("MEDIA_MAIL", "SP", "MACHINABLE", "4")), "", nil},
		"unless it is asked for by name":   {answer("COMMERCIAL", one("MEDIA_MAIL", "SP", "MACHINABLE", "4")), "MEDIA_MAIL", []string{"MEDIA_MAIL 400 400"}},
		"one service":                      {answer("COMMERCIAL", one(ground, "SP", "MACHINABLE", "8"), one(ground, "CP", "MACHINABLE", "7")), ground, []string{ground + " 800 800"}},
		"one unusual service":              {answer("COMMERCIAL", one(ground, "SP", "MACHINABLE", "8"), one(ground, "CP", "MACHINABLE", "7")), ground + "/CP/MACHINABLE", []string{ground + "/CP/MACHINABLE 700 700"}},
		"the same way twice":               {answer("COMMERCIAL", one(ground, "SP", "MACHINABLE", "8"), one(ground, "SP", "MACHINABLE", "7")), "", []string{ground + " 700 700"}},
		"half a cent":                      {answer("COMMERCIAL", one(ground, "SP", "MACHINABLE", "8.405")), "", []string{"pricingOptions[0].shippingOptions[0].rateOptions[0].totalBasePrice"}},
		"no price":                         {answer("COMMERCIAL", one(ground, "SP", "MACHINABLE", "null")), "", []string{"pricingOptions[0].shippingOptions[0].rateOptions[0].totalBasePrice"}},
		"no rate":                          {answer("COMMERCIAL", `{"mailClass":"X","rateOptions":[{"totalBasePrice":1,"rates":null}]}`), "", []string{"pricingOptions[0].shippingOptions[0].rateOptions[0].rates"}},
		"no class":                         {answer("COMMERCIAL", `{"rateOptions":[{"totalBasePrice":1,"rates":[{"rateIndicator":"SP"}]}]}`), "", []string{"pricingOptions[0].shippingOptions[0].rateOptions[0].rates[0].mailClass"}},
		"nothing is offered":               {``, "", nil},
		"a price for what is not for sale": {answer("COMMERCIAL", one(prio, "FE", "FLATS", "null")), "", nil},
	} {
		p := parcel()
		p.Service = c.service
		rates, err := usps.ToRates([]byte(`{"pricingOptions":[`+c.body+`]}`), p, "c")
		var got []string
		for _, r := range rates {
			got = append(got, fmt.Sprintf("%s %d %d", r.Service.Code, r.Cost.Minor, r.List.Minor))
			if r.Connection != "c" || r.Cost.Currency != "USD" || r.TransitDays != 2 || r.Arrives != "2026-11-25" {
				t.Errorf("%s: %+v", name, r)
			}
		}
		if err != nil {
			got = []string{fault.PlaceOf(err)}
		}
		if strings.Join(got, ",") != strings.Join(c.want, ",") {
			t.Errorf("%s: %v, %v, want %v", name, got, err, c.want)
		}
	}
}

func TestAnswerThatIsNotALabelSaysWhere(t *testing.T) {
	t.Parallel()
	const label = `"labelImage":"XlhB"`
	inParts := func(meta, image string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"labelMetadata\"\r\n\r\n" + meta + "\r\n--b\r\nContent-Type: image/png\r\nContent-Disposition: form-data; name=\"labelImage\"\r\n\r\n" + image + "\r\n--b--\r\n"
	}
	for body, place := range map[string]string{
		`{}`: "trackingNumber", `null`: "trackingNumber", `[]`: "", `{"labelMetadata":{},` + label + `}`: "labelMetadata.trackingNumber",
		`{"trackingNumber":{"a":1},` + label + `}`: "",
		`{"trackingNumber":"9","labelImage":""}`:   "labelImage", `{"trackingNumber":"9","labelImage":"%%"}`: "labelImage", `{"trackingNumber":"9"}`: "labelImage",
		"--": "", "--\n": "", "--b\r\n": "trackingNumber", inParts(`{"trackingNumber":"9"}`, ""): "labelImage", inParts(`{"tra`, "XlhB"): "", inParts(`{}`, "XlhB"): "labelMetadata.trackingNumber",
		strings.TrimSuffix(inParts(`{"trackingNumber":"9"}`, "XlhB"), "\r\n--b--\r\n"): "labelImage",
	} {
		if _, err := usps.ToLabel([]byte(body), parcel(), "c"); fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v at %q, want at %q", body, err, fault.PlaceOf(err), place)
		}
	}
	for body, want := range map[string]string{
		`{"trackingNumber":"9","labelImage":"XlhB"}`:                                                           "0  ZPL",
		`{"trackingNumber":"9","postage":8.4,"labelImage":"XlhB"}`:                                             "840 USD ZPL",
		`{"trackingNumber":9,"postage":"8.4","fees":{"price":4},"labelImage":"XlhB"}`:                          "1240 USD ZPL",
		`{"trackingNumber":"9","postage":1,"fees":[],"extraServices":[{"price":2.5},{}],` + label + `}`:        "350 USD ZPL",
		`{"trackingNumber":"9","postage":1,"fees":[{"price":0.001}],` + label + `}`:                            "0  ZPL",
		`{"labelMetadata":{"trackingNumber":"9","postage":2},"reprintInfo":{"reprintNumber":1},` + label + `}`: "200 USD ZPL",
		inParts(`{"trackingNumber":"9","postage":3}`, "XlhB"):                                                  "300 USD PNG",
	} {
		l, err := usps.ToLabel([]byte(body), parcel(), "c")
		if got := fmt.Sprintf("%d %s %s", l.Cost.Minor, l.Cost.Currency, l.Format); err != nil || got != want || l.TrackingNumber != "9" || l.ShipmentID != "9" || string(l.Image) != "^XA" {
			t.Errorf("%s: %+v, %v, want %s", body, l, err, want)
		}
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`[]`, `{"status":{}}`, ``} {
		if err := usps.ToCancelled([]byte(body)); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", body, err)
		}
	}
	for body, want := range map[string]string{
		`{"trackingNumber":"9","status":"CANCELED"}`: "",
		`{"status":"DISPUTED","disputeId":103789}`:   "(dispute 103789)",
		`{"status":null}`: "status", `{}`: "status", `{"status":"perhaps"}`: "status",
	} {
		err := usps.ToCancelled([]byte(body))
		switch {
		case want == "":
			if err != nil {
				t.Errorf("%s: %v", body, err)
			}
		case strings.HasPrefix(want, "("):
			if !strings.Contains(err.Error(), want) || fault.KindOf(err) == fault.Invalid {
				t.Errorf("%s: %v", body, err)
			}
		case fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != want:
			t.Errorf("%s: %v at %q", body, err, fault.PlaceOf(err))
		}
	}
}

func TestPayment(t *testing.T) {
	t.Parallel()
	got := written(t, usps.FromAccount(usps.Account{CRID: "12", MID: "123456", ManifestMID: "654321", Number: "7"}), nil)
	if want := `{"roles":[{"roleName":"PAYER","CRID":"12","MID":"123456","manifestMID":"654321","accountType":"EPS","accountNumber":"7"},{"roleName":"LABEL_OWNER","CRID":"12","MID":"123456","manifestMID":"654321"}]}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for body, want := range map[string]string{
		`{"paymentAuthorizationToken":"t","roles":[]}`: "t", `{"paymentAuthorizationToken":""}`: "", `{"paymentAuthorizationToken":null}`: "", `{}`: "", `secret`: "", `["secret"]`: "",
	} {
		token, err := usps.ToPayment([]byte(body))
		if token != want || (err == nil) != (want != "") || err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %q, %v", body, token, err)
		}
	}
}

func TestErrorDocument(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][2]string{
		`{"apiVersion":"/labels/v3","error":{"code":"400","message":"Bad Request","errors":[{"code":"160412","title":"t","detail":"d ","source":{"parameter":"toAddress.city"}},{"title":"t2"}]}}`: {"160412", "toAddress.city: d; t2"},
		`{"error":{"code":400,"message":"Bad Request","errors":{"detail":"one alone","source":null}}}`:                                                                                             {"400", "one alone"},
		`{"error":{"code":"503","message":"Not found"}}`:                                 {"503", "Not found"},
		`{"error":{"message":"m","errors":[{}]}}`:                                        {"", "m"},
		`{"error":"invalid_client","error_description":"Client authentication failed."}`: {"invalid_client", "Client authentication failed."},
		`{"error":"invalid_client"}`:                                                     {"invalid_client", "invalid_client"},
		`{"body":"CRID isn't enrolled","roles":[]}`:                                      {"", "CRID isn't enrolled"},
		`{"error":{}}`: {}, `{"error":null}`: {}, `{"error":[]}`: {}, `[]`: {}, `<html>`: {}, ``: {}, `{"trackingNumber":"9"}`: {},
	} {
		if code, msg := usps.ReadError([]byte(body)); code != want[0] || msg != want[1] {
			t.Errorf("%s: %q, %q", body, code, msg)
		}
	}
}

func TestTracking(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"statusCategory":"Delivered","trackingEvents":[{"eventCode":"01","GMTTimestamp":"2024-11-22T18:58:40Z"}]}`: "delivered 18:58",
		// Fractions of a second have as many digits as USPS likes.
		`{"trackingEvents":{"eventCode":"of","GMTTimestamp":"2024-11-22T18:58:40.1234567Z"}}`:    "out 18:58",
		`{"statusCategory":"In Transit","trackingEvents":[{"eventCode":"ZZ","eventType":null}]}`: "in_transit 00:00",
		`{"statusCategory":"Return to Sender","trackingEvents":null}`:                            "returned",
		`{"statusCategory":"New in 2027","trackingEvents":[]}`:                                   "unknown",
		`{"trackingEvents":[{"eventCode":"01","GMTTimestamp":"2024-11-22T18:58:40"}]}`:           "delivered 00:00",
		`{}`: "trackingEvents", `null`: "trackingEvents", `{"trackingEvents":[]}`: "trackingEvents", `{"statusCategory":{}}`: "", `[]`: "",
	} {
		tr, err := usps.ToTracking([]byte(body), "9")
		got := string(tr.Stage)
		if len(tr.Scans) > 0 {
			got += " " + tr.Scans[0].At.Format("15:04")
		}
		if err != nil {
			got = fault.PlaceOf(err)
		}
		if got != want {
			t.Errorf("%s: %q, %v, want %q", body, got, err, want)
		}
	}
}

const recorded = "../../../shared/data/contracts/karrio-apache/usps"

// Recorded answers lose nothing that we use.
func TestRecordedAnswers(t *testing.T) {
	t.Parallel()
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(recorded, name))
		if err != nil {
			t.Skip("the recorded USPS answers are not in ../shared/data: nothing to read")
		}
		return b
	}
	p := parcel()
	p.Service, p.Weight, p.Dims = "", measure.Pounds(55), measure.Dims{Length: 30 * measure.Inch, Width: 20 * measure.Inch, Height: 10 * measure.Inch}
	rates, err := usps.ToRates(read("rate/RateResponse.json"), p, "c")
	var got []string
	for _, r := range rates {
		got = append(got, fmt.Sprintf("%s %d %d %s", r.Service.Code, r.Cost.Minor, r.TransitDays, r.Arrives))
	}
	// Of twelve offers nine are for envelopes and boxes of USPS's own, or for books.
	want := "USPS_GROUND_ADVANTAGE/SP/NONSTANDARD 15185 4 2025-06-03|PRIORITY_MAIL/SP/NONSTANDARD 18400 2 2025-06-02|PRIORITY_MAIL_EXPRESS 45730 2 2025-05-31"
	if err != nil || strings.Join(got, "|") != want {
		t.Errorf("rates: %v, %v", got, err)
	}
	for _, c := range []struct{ service, want string }{{"MEDIA_MAIL", "4513"}, {"LIBRARY_MAIL", "4274"}} {
		p.Service = c.service
		if rates, err = usps.ToRates(read("rate/RateResponse.json"), p, "c"); err != nil || len(rates) != 1 || fmt.Sprint(rates[0].Cost.Minor) != c.want || rates[0].TransitDays != 7 {
			t.Errorf("%s: %+v, %v", c.service, rates, err)
		}
	}
	for name, c := range map[string]struct {
		number string
		cents  int64
	}{"shipment/ShipmentResponse.txt": {"9234690361980900000142", 1876}, "shipment/ShipmentResponseSample2.txt": {"9234690361980900000265", 6062}} {
		l, err := usps.ToLabel(read(name), parcel(), "c")
		if err != nil || l.TrackingNumber != c.number || l.Cost.Minor != c.cents || l.Format != ship.PDF || !strings.HasPrefix(string(l.Image), "%PDF-1.4") {
			t.Errorf("label: %s %v %s %d bytes, %v", l.TrackingNumber, l.Cost, l.Format, len(l.Image), err)
		}
	}
	if err := usps.ToCancelled(read("shipment/ShipmentCancelResponse.json")); err != nil {
		t.Errorf("cancelled: %v", err)
	}
	tr, err := usps.ToTracking(read("tracking/TrackingResponse.json"), "9400109104250532908587")
	stages := map[ship.Stage]int{}
	for _, s := range tr.Scans {
		stages[s.Stage]++
	}
	if err != nil || tr.Stage != ship.StageDelivered || len(tr.Scans) != 12 || tr.Scans[0].Place != "HERNANDO, FL, 34442" || tr.Scans[0].Text != "Delivered, Parcel Locker" ||
		!tr.Scans[0].At.Equal(time.Date(2024, 11, 22, 18, 58, 40, 0, time.UTC)) || stages[ship.StageUnknown] != 0 || stages[ship.StageCreated] != 1 || stages[ship.StageOut] != 1 {
		t.Errorf("tracking: %+v, %v", tr, err)
	}
	if code, msg := usps.ReadError(read("tracking/ErrorResponse.json")); code != "string" || msg != "string: string" {
		t.Errorf("error: %q, %q", code, msg)
	}
	if code, msg := usps.ReadError(read("tracking/AuthErrorResponse.json")); code != "invalid_client" || msg != "Client authentication failed." {
		t.Errorf("error of a token: %q, %q", code, msg)
	}
}

func FuzzAnswers(f *testing.F) {
	for _, s := range []string{
		`{"pricingOptions":[{"priceType":"RETAIL","shippingOptions":{"rateOptions":{"totalBasePrice":1,"rates":[{"mailClass":"PRIORITY_MAIL","rateIndicator":"SP","processingCategory":"MACHINABLE"}]}}}]}`,
		`{"trackingNumber":"9","labelImage":"XlhB","labelMetadata":{"fees":[[]]}}`, "--b\n\n--b--", "--b\nContent-Disposition: form-data; name=\"labelMetadata\"\n\n{}\n--b--\n",
		`{"status":"DISPUTED"}`, `{"error":{"errors":{"source":1}}}`, `{"error":"x"}`, `{"trackingEvents":{"GMTTimestamp":"x"}}`, `""`, `null`, `{"a":`,
	} {
		f.Add([]byte(s))
	}
	p := parcel()
	f.Fuzz(func(t *testing.T, b []byte) {
		if l, err := usps.ToLabel(b, p, "c"); err == nil && (l.TrackingNumber == "" || len(l.Image) == 0) {
			t.Errorf("label %+v", l)
		}
		rates, err := usps.ToRates(b, p, "c")
		for _, r := range rates {
			if err != nil || r.Cost.Currency != "USD" || r.Service.Code != p.Service {
				t.Errorf("rate %+v, %v", r, err)
			}
		}
		_, _ = usps.ToTracking(b, "9")
		_ = usps.ToCancelled(b)
		_, _ = usps.ToPayment(b)
		_, _ = usps.ReadError(b)
	})
}
