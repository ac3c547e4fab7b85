package upssim

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/paklog/hub/adapters/internal/simhttp"
)

type rateRequest struct {
	RateRequest *struct {
		Request                            *head
		PickupType, CustomerClassification *coded
		Shipment                           *struct {
			Shipper, ShipTo, ShipFrom *somebody
			PaymentDetails            *struct{ ShipmentCharge []charged }
			ShipmentRatingOptions     *struct{ NegotiatedRatesIndicator *string }
			Service                   *coded
			NumOfPieces               string
			Package                   []parcel
		}
	}
}

// services that the simulator sells, with a base price and a price per pound in
// cents (invented), and the promised days, 0 for none.
var services = map[string]struct{ base, perPound, days int64 }{
	"01": {4120, 310, 1}, "02": {2230, 190, 2}, "03": {1015, 62, 0}, "12": {1640, 120, 3},
	"13": {3870, 280, 1}, "14": {7350, 330, 1}, "59": {2610, 210, 2},
	"07": {6100, 400, 2}, "08": {4900, 340, 4}, "11": {1280, 80, 0}, "54": {8800, 430, 1}, "65": {5600, 390, 2},
}

// sold reports whether a service exists between two places.
func sold(service, from, to string) bool {
	if _, known := services[service]; !known {
		return false
	}
	domestic := slices.Contains([]string{"01", "02", "03", "12", "13", "14", "59"}, service)
	return domestic == (from == "US" && to == "US")
}

// price is what the account pays and what anybody pays.
func price(service string, ps []parcel) (negotiated, published int64) {
	tariff := services[service]
	for _, p := range ps {
		n, _ := hundredths(p.PackageWeight.Weight)
		if p.PackageWeight.UnitOfMeasurement.Code == "KGS" {
			n = n * 22046 / 10000
		}
		published += tariff.base + (n+99)/100*tariff.perPound
	}
	return published * 80 / 100, published
}

func money(cents int64) map[string]string {
	return map[string]string{"CurrencyCode": "USD", "MonetaryValue": fmt.Sprintf("%d.%02d", cents/100, cents%100)}
}

func (s *Sim) rate(r *http.Request, body []byte) simhttp.Answer {
	var doc rateRequest
	if err := simhttp.Strict(body, &doc); err != nil || doc.RateRequest == nil || doc.RateRequest.Shipment == nil {
		return refuse(http.StatusBadRequest, malformed)
	}
	option := r.PathValue("option")
	if option != "Rate" && option != "Shop" {
		return refuse(http.StatusBadRequest, badOption)
	}
	sh := doc.RateRequest.Shipment
	if !described(doc) {
		return refuse(http.StatusBadRequest, malformed)
	}
	for _, no := range []*refusal{
		person("shipper", 110100, sh.Shipper), person("ship to", 110200, sh.ShipTo), person("ship from", 110300, sh.ShipFrom),
		packages(sh.Package, func(p parcel) *coded { return p.PackagingType }, 6),
	} {
		if no != nil {
			return refuse(http.StatusBadRequest, *no)
		}
	}
	if n := sh.Shipper.ShipperNumber; n != "" && n != s.opts.Account {
		return refuse(http.StatusBadRequest, badShipperNo)
	}
	var codes []string
	for code := range services {
		if sold(code, sh.ShipFrom.Address.CountryCode, sh.ShipTo.Address.CountryCode) && (option == "Shop" || sh.Service != nil && code == sh.Service.Code) {
			codes = append(codes, code)
		}
	}
	if len(codes) == 0 {
		return refuse(http.StatusBadRequest, badRateService)
	}
	slices.Sort(codes)
	var rated []any
	for _, code := range codes {
		negotiated, published := price(code, sh.Package)
		one := map[string]any{
			"Service":               map[string]string{"Code": code, "Description": ""},
			"RatingMethod":          "01",
			"BillingWeight":         billingWeight(sh.Package),
			"TransportationCharges": money(published), "BaseServiceCharge": money(published),
			"ServiceOptionsCharges": money(0), "TotalCharges": money(published),
			"RatedPackage": ratedPackages(code, sh.Package),
		}
		if o := sh.ShipmentRatingOptions; o != nil && o.NegotiatedRatesIndicator != nil {
			one["NegotiatedRateCharges"] = map[string]any{"TotalCharge": money(negotiated)}
		}
		if d := services[code].days; d > 0 {
			one["GuaranteedDelivery"] = map[string]string{"BusinessDaysInTransit": fmt.Sprint(d)}
		}
		rated = append(rated, one)
	}
	return simhttp.OK(map[string]any{"RateResponse": map[string]any{
		"Response":      success(*doc.RateRequest.Request),
		"RatedShipment": rated,
	}})
}

// described reports whether a request has the members that Rating alone insists on.
func described(doc rateRequest) bool {
	req, sh := doc.RateRequest.Request, doc.RateRequest.Shipment
	if req == nil || req.RequestOption == "" {
		return false
	}
	for _, p := range sh.Package {
		if w := p.PackageWeight; w != nil && w.UnitOfMeasurement.Description == "" {
			return false
		}
		if d := p.Dimensions; d != nil && d.UnitOfMeasurement.Description == "" {
			return false
		}
	}
	if sh.PaymentDetails == nil {
		return true
	}
	for _, c := range sh.PaymentDetails.ShipmentCharge {
		if c.Type == "" || c.BillShipper != nil && c.BillShipper.AccountNumber == "" {
			return false
		}
	}
	return len(sh.PaymentDetails.ShipmentCharge) > 0
}

func ratedPackages(service string, ps []parcel) (out []any) {
	for _, p := range ps {
		_, published := price(service, []parcel{p})
		out = append(out, map[string]any{
			"TransportationCharges": money(published), "ServiceOptionsCharges": money(0), "TotalCharges": money(published),
			"Weight": p.PackageWeight.Weight,
		})
	}
	return out
}

func billingWeight(ps []parcel) map[string]any {
	var sum int64
	for _, p := range ps {
		n, _ := hundredths(p.PackageWeight.Weight)
		sum += (n + 99) / 100
	}
	unit := ps[0].PackageWeight.UnitOfMeasurement.Code
	return map[string]any{
		"UnitOfMeasurement": map[string]string{"Code": unit, "Description": map[string]string{"LBS": "Pounds", "KGS": "Kilograms"}[unit]},
		"Weight":            fmt.Sprintf("%d.0", sum),
	}
}

func success(h head) map[string]any {
	out := map[string]any{"ResponseStatus": map[string]string{"Code": "1", "Description": "Success"}}
	if c := h.TransactionReference.CustomerContext; c != "" {
		out["TransactionReference"] = map[string]string{"CustomerContext": c}
	}
	return out
}
