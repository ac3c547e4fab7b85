package fedexsim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/paklog/hub/adapters/internal/simhttp"
)

type rateRequest struct {
	AccountNumber                *value `json:"accountNumber"`
	RateRequestControlParameters struct {
		ReturnTransitTimes bool `json:"returnTransitTimes"`
	} `json:"rateRequestControlParameters"`
	RequestedShipment *struct {
		Shipper                   *somebody `json:"shipper"`
		Recipient                 *somebody `json:"recipient"`
		ServiceType               string    `json:"serviceType"`
		RateRequestType           []string  `json:"rateRequestType"`
		PickupType                string    `json:"pickupType"`
		PackagingType             string    `json:"packagingType"`
		RequestedPackageLineItems []item    `json:"requestedPackageLineItems"`
	} `json:"requestedShipment"`
}

// services that the simulator sells within a country: a base price and a price
// per pound in cents (invented), and the days on the way.
var services = map[string]struct {
	name           string
	base, perPound int64
	days           int
}{
	"FEDEX_GROUND": {"FedEx Ground®", 1010, 58, 4}, "FEDEX_EXPRESS_SAVER": {"FedEx Express Saver®", 1790, 118, 3},
	"FEDEX_2_DAY": {"FedEx 2Day®", 2310, 180, 2}, "STANDARD_OVERNIGHT": {"FedEx Standard Overnight®", 4020, 290, 1},
	"PRIORITY_OVERNIGHT": {"FedEx Priority Overnight®", 4390, 305, 1}, "FIRST_OVERNIGHT": {"FedEx First Overnight®", 7410, 330, 1},
}

var transit = []string{"", "ONE_DAY", "TWO_DAYS", "THREE_DAYS", "FOUR_DAYS"}

// price is what the account pays and what anybody pays.
func price(service string, all []item) (account, list int64) {
	tariff := services[service]
	for _, it := range all {
		n := int64(it.Weight.Value)
		if it.Weight.Units == "KG" {
			n = n * 22046 / 10000
		}
		list += tariff.base + (n+99)/100*tariff.perPound
	}
	return list * 85 / 100, list
}

// cents is an amount as FedEx writes it: a number.
type cents int64

func (c cents) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%d.%02d", c/100, c%100), nil }

func (s *Sim) rate(body []byte) (any, *refusal) {
	var doc rateRequest
	if err := simhttp.Strict(body, &doc); err != nil || doc.RequestedShipment == nil {
		return nil, &malformed
	}
	sh := doc.RequestedShipment
	if doc.AccountNumber == nil || doc.AccountNumber.Value != s.opts.Account {
		return nil, &mismatch
	}
	if sh.Shipper == nil || sh.Recipient == nil {
		return nil, &malformed
	}
	for _, no := range []*refusal{
		address("SHIPPER", sh.Shipper.Address, false), address("RECIPIENT", sh.Recipient.Address, false),
		pickup(sh.PickupType), packaging(sh.PackagingType), items(sh.RequestedPackageLineItems),
	} {
		if no != nil {
			return nil, no
		}
	}
	for _, it := range sh.RequestedPackageLineItems {
		if it.CustomerReferences != nil {
			return nil, &malformed // the rate API knows none
		}
	}
	var codes []string
	for code := range services {
		if sh.Shipper.Address.CountryCode == sh.Recipient.Address.CountryCode && (sh.ServiceType == "" || sh.ServiceType == code) {
			codes = append(codes, code)
		}
	}
	if len(codes) == 0 {
		return nil, &noService
	}
	slices.Sort(codes)
	var details []any
	for _, code := range codes {
		details = append(details, s.rated(code, doc))
	}
	return map[string]any{"rateReplyDetails": details, "quoteDate": s.opts.Now().Format("2006-01-02"), "isEncoded": false}, nil
}

func (s *Sim) rated(code string, doc rateRequest) any {
	sh := doc.RequestedShipment
	account, list := price(code, sh.RequestedPackageLineItems)
	var prices []any
	for _, kind := range sh.RateRequestType {
		amount := map[string]int64{"ACCOUNT": account, "LIST": list}[kind]
		if amount > 0 {
			prices = append(prices, map[string]any{
				"rateType": kind, "ratedWeightMethod": "ACTUAL", "totalBaseCharge": cents(amount),
				"totalNetFedExCharge": cents(amount), "totalNetCharge": cents(amount),
				"shipmentRateDetail": map[string]any{"currency": "USD", "pricingCode": "PACKAGE"},
			})
		}
	}
	out := map[string]any{
		"serviceType": code, "serviceName": services[code].name, "packagingType": sh.PackagingType, "ratedShipmentDetails": prices,
	}
	if doc.RateRequestControlParameters.ReturnTransitTimes {
		days := services[code].days
		arrives := s.opts.Now().AddDate(0, 0, days)
		out["commit"] = map[string]any{
			"dateDetail":  map[string]string{"dayOfWeek": strings.ToUpper(arrives.Weekday().String()[:3]), "dayFormat": arrives.Format("2006-01-02") + "T17:00:00"},
			"transitDays": map[string]string{"minimumTransitTime": transit[days], "description": fmt.Sprintf("%d Business Days", days)},
		}
	}
	return out
}

func pickup(kind string) *refusal {
	if !slices.Contains([]string{"CONTACT_FEDEX_TO_SCHEDULE", "DROPOFF_AT_FEDEX_LOCATION", "USE_SCHEDULED_PICKUP"}, kind) {
		return bad("PICKUPTYPE", "Please provide a valid pickup type.")
	}
	return nil
}

func packaging(kind string) *refusal {
	if kind != "YOUR_PACKAGING" {
		return bad("PACKAGINGTYPE", "The simulator sells no packaging of FedEx's own.")
	}
	return nil
}
