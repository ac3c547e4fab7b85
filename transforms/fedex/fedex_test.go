package fedex_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/fedex"
)

var account = fedex.Account{Number: "740561073", List: true}

func parcel() ship.Parcel {
	return ship.Parcel{
		Reference: "ref-1", OrderNumber: "PO-1", Service: "FEDEX_GROUND",
		From:   party.Address{Company: "Acme", Name: "Dock", Lines: []string{"1 York Rd"}, City: "Timonium", Region: "MD", PostalCode: "21093", Country: "US", Phone: "+1 410-555-0134"},
		To:     party.Address{Name: "Ada", Lines: []string{"12 Elm St", " "}, City: "Atlanta", Region: "GA", PostalCode: "30303", Country: "US"},
		Weight: measure.Pounds(5), Dims: measure.Dims{Length: 10 * measure.Inch, Width: 20 * measure.Inch, Height: 5 * measure.Inch},
	}
}

func TestShipRequest(t *testing.T) {
	t.Parallel()
	req, err := fedex.FromParcel(parcel(), account)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(req)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"weight":{"units":"LB","value":5.00}`, `"totalWeight":5.00`, `"dimensions":{"length":20,"width":10,"height":5,"units":"IN"}`,
		`"customerReferences":[{"customerReferenceType":"CUSTOMER_REFERENCE","value":"ref-1"},{"customerReferenceType":"INVOICE_NUMBER","value":"PO-1"}]`,
		`"labelSpecification":{"imageType":"ZPLII","labelStockType":"STOCK_4X6"}`, `"payor":{"responsibleParty":{"accountNumber":{"value":"740561073"}}}`,
		`"recipients":[{"contact":{"personName":"Ada","phoneNumber":"4105550134"},"address":{"streetLines":["12 Elm St"],`,
	} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s is not in %s", want, b)
		}
	}
}

func TestOurReferenceFitsGround(t *testing.T) {
	t.Parallel()
	ours := ship.ReferenceOf("some effect")
	if got := fedex.Reference(ours); got != ours[:30] {
		t.Errorf("%s is printed as %s", ours, got)
	}
	// What nobody knows to be random is not cut: two could become one.
	for _, long := range []string{strings.Repeat("r", 31), strings.ToUpper(ours), ours + "0"} {
		p := parcel()
		p.Reference = long
		if _, err := fedex.FromParcel(p, account); fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != "reference" {
			t.Errorf("%s: %v", long, err)
		}
	}
}

func TestParcelThatFedExWouldNotTakeIsInvalidAtItsPlace(t *testing.T) {
	t.Parallel()
	for place, spoil := range map[string]func(*ship.Parcel, *fedex.Account){
		"service":        func(p *ship.Parcel, _ *fedex.Account) { p.Service = "" },
		"format":         func(p *ship.Parcel, _ *fedex.Account) { p.Format = ship.GIF },
		"order_number":   func(p *ship.Parcel, _ *fedex.Account) { p.OrderNumber = strings.Repeat("9", 31) },
		"to.country":     func(p *ship.Parcel, _ *fedex.Account) { p.To.Country = "CA" },
		"to.lines[1]":    func(p *ship.Parcel, _ *fedex.Account) { p.To.Lines = []string{"a", strings.Repeat("ü", 36)} },
		"to.lines":       func(p *ship.Parcel, _ *fedex.Account) { p.To.Lines = []string{"a", "b", "c", "d"} },
		"from.city":      func(p *ship.Parcel, _ *fedex.Account) { p.From.City = strings.Repeat("c", 36) },
		"from.region":    func(p *ship.Parcel, _ *fedex.Account) { p.From.Region = "MARYLAND" },
		"to.postal_code": func(p *ship.Parcel, _ *fedex.Account) { p.To.PostalCode = "30303-12345" },
		"from.phone":     func(p *ship.Parcel, _ *fedex.Account) { p.From.Phone = "555-0134" },
		"to.phone":       func(p *ship.Parcel, _ *fedex.Account) { p.To.Phone = "+49 30 123456789" },
		"weight_mg":      func(p *ship.Parcel, _ *fedex.Account) { p.Weight = 1 << 60 },
		"dims":           func(p *ship.Parcel, _ *fedex.Account) { p.Dims.Width = 1000 * measure.Inch },
		"account":        func(_ *ship.Parcel, a *fedex.Account) { a.Number = "12345" },
	} {
		p, a := parcel(), account
		spoil(&p, &a)
		if _, err := fedex.FromParcel(p, a); fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v at %q", place, err, fault.PlaceOf(err))
		}
	}
}

func TestParcelOutsideAmericaIsMetricAndNeedsNoState(t *testing.T) {
	t.Parallel()
	p := parcel()
	p.From.Country, p.To.Country, p.From.Region, p.To.Region = "DE", "DE", "Bayern", "BE"
	p.From.Phone = "+49 30 123456789"
	req, err := fedex.FromParcel(p, account)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := json.Marshal(req)
	for want, is := range map[string]bool{`"units":"KG","value":2.27`: true, `"units":"CM"`: true, "Bayern": false, `"stateOrProvinceCode":"BE"`: true} {
		if strings.Contains(string(b), want) != is {
			t.Errorf("%s in it: %t, want %t: %s", want, !is, is, b)
		}
	}
}

func TestRates(t *testing.T) {
	t.Parallel()
	answer := func(details string) []byte {
		return fmt.Appendf(nil, `{"output":{"rateReplyDetails":[{"serviceType":"FEDEX_GROUND","ratedShipmentDetails":%s}]}}`, details)
	}
	for details, want := range map[string][2]int64{
		`[{"rateType":"ACCOUNT","totalNetCharge":10.5,"currency":"USD"},{"rateType":"LIST","totalNetCharge":"12.00","currency":"USD"}]`:         {1050, 1200},
		`{"rateType":"LIST","totalNetCharge":12,"shipmentRateDetail":{"currency":"USD"}}`:                                                       {1200, 1200},
		`[{"rateType":"ACCOUNT","totalNetCharge":10.5,"currency":"USD"},{"rateType":"LIST","totalNetCharge":9,"currency":"USD"}]`:               {1050, 1050},
		`[{"rateType":"ACCOUNT","totalNetCharge":10.5,"currency":"USD"},{"rateType":"LIST","totalNetCharge":99,"currency":"CAD"}]`:              {1050, 1050},
		`[{"rateType":"PREFERRED_CURRENCY","totalNetCharge":1,"currency":"EUR"},{"rateType":"ACCOUNT","totalNetCharge":10.5,"currency":"USD"}]`: {1050, 1050},
		`[{"rateType":"PREFERRED_CURRENCY","totalNetCharge":1,"currency":"EUR"}]`:                                                               {-1},
		`[{"rateType":"ACCOUNT","totalNetCharge":10.555,"currency":"USD"}]`:                                                                     {-1}, `[{"rateType":"ACCOUNT","totalNetCharge":null,"currency":"USD"}]`: {-1}, `[{"rateType":"ACCOUNT","totalNetCharge":1}]`: {-1}, `null`: {-1},
	} {
		got, err := fedex.ToRates(answer(details), "c")
		if want[0] < 0 {
			if fault.KindOf(err) != fault.Invalid || !strings.HasPrefix(fault.PlaceOf(err), "output.rateReplyDetails[0].ratedShipmentDetails") {
				t.Errorf("%s: %+v, %v", details, got, err)
			}
			continue
		}
		if err != nil || len(got) != 1 || got[0].Cost.Minor != want[0] || got[0].List.Minor != want[1] || got[0].Cost.Currency != "USD" {
			t.Errorf("%s: %+v, %v, want %v", details, got, err, want)
		}
	}
}

func TestAnswerThatIsNotALabelSaysWhere(t *testing.T) {
	t.Parallel()
	one := func(s string) string { return `{"output":{"transactionShipments":[` + s + `]}}` }
	piece := func(docs string) string {
		return one(`{"pieceResponses":[{"trackingNumber":"7","packageDocuments":` + docs + `}]}`)
	}
	const at = "output.transactionShipments"
	for body, place := range map[string]string{
		`{}`: "output", `null`: "output", `[]`: "", one(``): at, one(`{},{}`): at, one(`{}`): at + "[0].pieceResponses",
		one(`{"pieceResponses":[{},{}]}`): at + "[0].pieceResponses",
		one(`{"pieceResponses":{}}`):      at + "[0].pieceResponses[0].trackingNumber",
		piece(`[]`):                       at + "[0].pieceResponses[0].packageDocuments",
		piece(`[{"contentType":"COMMERCIAL_INVOICE","docType":"PDF","encodedLabel":"XlhB"}]`): at + "[0].pieceResponses[0].packageDocuments",
		piece(`[{"contentType":"LABEL","docType":"EPL2","encodedLabel":"XlhB"}]`):             at + "[0].pieceResponses[0].packageDocuments",
		piece(`[{"contentType":"LABEL","docType":"PDF","encodedLabel":"%%"}]`):                at + "[0].pieceResponses[0].packageDocuments",
		piece(`[{"contentType":"LABEL","docType":"PDF","encodedLabel":""}]`):                  at + "[0].pieceResponses[0].packageDocuments",
	} {
		if _, err := fedex.ToLabel([]byte(body), parcel(), "c"); fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v at %q, want at %q", body, err, fault.PlaceOf(err), place)
		}
	}
	l, err := fedex.ToLabel([]byte(piece(`{"contentType":"LABEL","docType":"ZPLII","encodedLabel":"XlhB"}`)), parcel(), "c")
	if err != nil || l.Cost != (measure.Money{}) || l.ShipmentID != "7" || l.Format != ship.ZPL || string(l.Image) != "^XA" {
		t.Errorf("a label without a price: %+v, %v", l, err)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]int{
		`{"output":{"cancelledShipment":true}}`: 1, `{"output":{"cancelledShipment":"true"}}`: 1,
		`{"output":{"cancelledShipment":false,"message":"no","alerts":[{"message":"too late"}]}}`: 0,
		`{"output":{"cancelledShipment":null}}`:                                                   -1, `{"output":{}}`: -1, `{"output":null}`: -1, `{}`: -1, `{"output":{"cancelledShipment":"perhaps"}}`: -1,
	} {
		void, words, err := fedex.ToCancelled([]byte(body))
		if (err != nil) != (want < 0) || void != (want == 1) || want == 0 && words != "no too late" {
			t.Errorf("%s: %t, %q, %v", body, void, words, err)
		}
	}
}

func TestNothingUnderAReferenceMustBeSaid(t *testing.T) {
	t.Parallel()
	notFound := []string{"NOTFOUND"}
	results := func(s string) string { return `{"output":{"completeTrackResults":[{"trackResults":` + s + `}]}}` }
	for body, want := range map[string]int{
		results(`[{"error":{"code":"NOTFOUND"}}]`): 0, results(`{"error":{"code":"NOTFOUND"}}`): 0,
		results(`[{"trackingNumberInfo":{"trackingNumber":"7"},"latestStatusDetail":{"code":"CA"}}]`):                                                             0,
		results(`[{"trackingNumberInfo":{"trackingNumber":"7"},"latestStatusDetail":{"code":"OC"}},{"trackingNumberInfo":{"trackingNumber":8},"scanEvents":[]}]`): 2,
		results(`[{"error":{"code":"TRACKING.DATA.NOTUNIQUE"}}]`):                                                                                                 -1,
		results(`[{"error":{"code":"NOTFOUND"}},{"error":{"code":"SYSTEM.UNAVAILABLE"}}]`):                                                                        -1,
		results(`[{"trackingNumberInfo":{"trackingNumber":null}}]`):                                                                                               -1,
		results(`[]`): -1, results(`null`): -1, `{"output":{"completeTrackResults":null}}`: -1, `{"output":{}}`: -1, `{}`: -1,
	} {
		got, err := fedex.ToLabels([]byte(body), parcel(), "c", notFound)
		if (err != nil) != (want < 0) || want >= 0 && len(got) != want {
			t.Errorf("%s: %+v, %v, want %d", body, got, err, want)
		}
		for _, l := range got {
			if l.ShipmentID == "" || l.Image != nil || l.Reference != "ref-1" {
				t.Errorf("%s: %+v", body, l)
			}
		}
	}
}

func TestErrorDocument(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][2]string{
		`{"transactionId":"1","errors":[{"code":"A.B","message":"a "},{"code":"C","message":"c"}]}`: {"A.B", "a; c"},
		`{"errors":{"code":1,"message":"one alone"}}`:                                               {"1", "one alone"},
		`{"errors":[]}`: {}, `{"errors":null}`: {}, `[]`: {}, `<html>`: {}, ``: {}, `{"output":{}}`: {},
	} {
		if code, msg := fedex.ReadError([]byte(body)); code != want[0] || msg != want[1] {
			t.Errorf("%s: %q, %q", body, code, msg)
		}
	}
}

const recorded = "../../../shared/data/contracts/karrio-apache/fedex"

// Recorded answers lose nothing that we use.
func TestRecordedAnswers(t *testing.T) {
	t.Parallel()
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(recorded, name))
		if err != nil {
			t.Skip("the recorded FedEx answers are not in ../shared/data: nothing to read")
		}
		return b
	}
	rates, err := fedex.ToRates(read("rate/RateResponse.json"), "c")
	if err != nil || len(rates) != 1 || rates[0].Cost != (measure.Money{Minor: 3854, Currency: "USD"}) || rates[0].Service.Code != "FEDEX_EXPRESS_SAVER" {
		t.Errorf("rates: %+v, %v", rates, err)
	}
	rates, err = fedex.ToRates(read("rate/IntlRateResponse.json"), "c")
	ground := 0
	for _, r := range rates {
		if r.Service.Code == "FEDEX_GROUND" && r.TransitDays == 4 && r.Arrives == "2024-07-25 23:59" && r.Cost.Minor == 53568 && r.Cost.Currency == "CAD" {
			ground++
		}
	}
	if err != nil || len(rates) < 3 || ground != 1 {
		t.Errorf("international rates: %+v, %v", rates, err)
	}
	l, err := fedex.ToLabel(read("shipment/ShipmentResponse.json"), parcel(), "c")
	if err != nil || l.TrackingNumber != "794953535000" || l.Format != ship.PDF || !strings.HasPrefix(string(l.Image), "%PDF-1.4") {
		t.Errorf("label: %s %s %d bytes, %v", l.TrackingNumber, l.Format, len(l.Image), err)
	}
	if _, err := fedex.ToLabel(read("shipment/IntlShipmentResponse.json"), parcel(), "c"); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "are 21, want 1") {
		t.Errorf("twenty-one pieces: %v", err)
	}
	if void, _, err := fedex.ToCancelled(read("shipment/ShipmentCancelResponse.json")); err != nil || !void {
		t.Errorf("cancelled: %t, %v", void, err)
	}
	tr, err := fedex.ToTracking(read("tracking/InconsistentDateTimeResponse.json"), "738488882438")
	if err != nil || tr.Stage != ship.StageDelivered || len(tr.Scans) != 17 || tr.Scans[0].Place != "Blue Point, NY, US" ||
		!tr.Scans[0].At.Equal(time.Date(2024, 8, 20, 16, 41, 57, 0, time.UTC)) || !tr.Scans[16].At.IsZero() || tr.Scans[1].Stage != ship.StageOut {
		t.Errorf("tracking: %+v, %v", tr, err)
	}
	// Two parcels have had the number: the one that was seen last is meant.
	if tr, err = fedex.ToTracking(read("tracking/DuplicateTrackingResponse.json"), "776094337676"); err != nil || tr.Stage != ship.StageDelivered || len(tr.Scans) != 8 {
		t.Errorf("two parcels of one number: %+v, %v", tr, err)
	}
	// A sample in which everything is filled in, the error too.
	if _, err = fedex.ToTracking(read("tracking/TrackingResponse.json"), "128667043726"); !errors.Is(err, fedex.ErrNotTracked) {
		t.Errorf("an error beside a parcel: %v", err)
	}
	if code, msg := fedex.ReadError(read("tracking/ErrorResponse.json")); code != "TRACKING.TRACKINGNUMBER.EMPTY" || msg == "" {
		t.Errorf("error: %q, %q", code, msg)
	}
}

func FuzzAnswers(f *testing.F) {
	for _, s := range []string{
		`{"output":{"rateReplyDetails":[{"serviceType":"X","ratedShipmentDetails":{"rateType":"ACCOUNT","totalNetCharge":1,"currency":"USD"}}]}}`,
		`{"output":{"transactionShipments":[[[[]]]]}}`, `{"output":{"completeTrackResults":{"trackResults":{"scanEvents":[{"date":"x"}]}}}}`,
		`{"output":{"cancelledShipment":1}}`, `{"errors":{}}`, `""`, `null`, `{"a":`,
	} {
		f.Add([]byte(s))
	}
	p := parcel()
	f.Fuzz(func(t *testing.T, b []byte) {
		if l, err := fedex.ToLabel(b, p, "c"); err == nil && (l.TrackingNumber == "" || len(l.Image) == 0) {
			t.Errorf("a label without number or image: %+v", l)
		}
		rates, err := fedex.ToRates(b, "c")
		for _, r := range rates {
			if err != nil || len(r.Cost.Currency) != 3 {
				t.Errorf("rate %+v, %v", r, err)
			}
		}
		labels, err := fedex.ToLabels(b, p, "c", nil)
		for _, l := range labels {
			if err != nil || l.ShipmentID == "" {
				t.Errorf("label %+v, %v", l, err)
			}
		}
		_, _ = fedex.ToTracking(b, "7")
		_, _, _ = fedex.ToCancelled(b)
		_, _ = fedex.ReadError(b)
	})
}
