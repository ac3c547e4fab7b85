package ups

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/internal/carrierdoc"
)

// RateRequest is the body of POST /rating/v2409/{Rate|Shop}.
type RateRequest struct {
	RateRequest struct {
		Request  request
		Shipment rateShipment
	}
}

type rateShipment struct {
	Shipper               side
	ShipTo                side
	ShipFrom              side
	PaymentDetails        struct{ ShipmentCharge []billing }
	ShipmentRatingOptions *ratingOptions `json:",omitempty"`
	Service               *code          `json:",omitempty"`
	Package               []ratePackage
}

type ratePackage struct {
	PackagingType code
	Dimensions    *dimensions `json:",omitempty"`
	PackageWeight weight
}

// FromRate asks for p's price; option is the last part of the path: "Rate" for
// p's service alone, "Shop" for all of them.
func FromRate(p ship.Parcel, a Account) (req RateRequest, option string, err error) {
	shipper, to, from, err := a.sides(p, 2)
	if err != nil {
		return req, "", err
	}
	w, d, err := measures(p)
	if err != nil {
		return req, "", err
	}
	// Rating knows no phone numbers.
	shipper.Phone, to.Phone, from.Phone = nil, nil, nil
	from.ShipperNumber = ""
	option = "Rate"
	if p.Service == "" {
		option = "Shop"
	}
	s := &req.RateRequest.Shipment
	req.RateRequest.Request.RequestOption = option
	req.RateRequest.Request.TransactionReference.CustomerContext = p.Reference
	s.Shipper, s.ShipTo, s.ShipFrom = shipper, to, from
	s.PaymentDetails.ShipmentCharge = a.billing()
	s.ShipmentRatingOptions = a.options()
	s.Package = []ratePackage{{PackagingType: customerPackage, Dimensions: d, PackageWeight: w}}
	if p.Service != "" {
		s.Service = &code{Code: p.Service}
	}
	return req, option, nil
}

var customerPackage = code{Code: "02", Description: "Customer Supplied Package"}

type rated struct {
	Service               struct{ Code carrierdoc.Text }
	TotalCharges          charge
	TotalChargesWithTaxes *charge
	NegotiatedRateCharges *struct {
		TotalCharge           *charge
		TotalChargesWithTaxes *charge
	}
	GuaranteedDelivery struct {
		BusinessDaysInTransit carrierdoc.Text
		DeliveryByTime        carrierdoc.Text
		ScheduledDeliveryDate carrierdoc.Text
	}
}

// ToRates reads the prices of a rating answer, cheapest first.
func ToRates(body []byte, connection string) ([]ship.Rate, error) {
	const op = "ups.ToRates"
	var doc struct {
		RateResponse *struct{ RatedShipment carrierdoc.List[rated] }
	}
	if err := carrierdoc.Decode(op, body, &doc); err != nil {
		return nil, err
	}
	if doc.RateResponse == nil {
		return nil, carrierdoc.Invalid(op, "RateResponse", "is missing")
	}
	var rates []ship.Rate
	for i, r := range doc.RateResponse.RatedShipment {
		at := fmt.Sprintf("RateResponse.RatedShipment[%d]", i)
		if r.Service.Code == "" {
			return nil, carrierdoc.Invalid(op, at+".Service.Code", "is missing")
		}
		listed, err := total(r.TotalChargesWithTaxes, &r.TotalCharges)
		if err != nil {
			return nil, carrierdoc.Invalid(op, at+".TotalCharges", "%w", err)
		}
		cost := listed
		if n := r.NegotiatedRateCharges; n != nil && n.TotalCharge != nil {
			if cost, err = total(n.TotalChargesWithTaxes, n.TotalCharge); err != nil {
				return nil, carrierdoc.Invalid(op, at+".NegotiatedRateCharges", "%w", err)
			}
		}
		days, _ := strconv.Atoi(string(r.GuaranteedDelivery.BusinessDaysInTransit)) // absent where nothing is promised
		rates = append(rates, ship.Rate{
			Connection: connection, Service: service(string(r.Service.Code)),
			Cost: cost, List: listed, TransitDays: days,
			Arrives: arrives(string(r.GuaranteedDelivery.ScheduledDeliveryDate), string(r.GuaranteedDelivery.DeliveryByTime)),
		})
	}
	slices.SortStableFunc(rates, func(a, b ship.Rate) int { return cmp.Compare(a.Cost.Minor, b.Cost.Minor) })
	return rates, nil
}

// total is what is paid: with taxes where UPS says them.
func total(taxed, plain *charge) (measure.Money, error) {
	if taxed != nil && taxed.MonetaryValue != "" {
		return taxed.money()
	}
	return plain.money()
}

func arrives(date, by string) string {
	if len(date) == 8 {
		date = date[:4] + "-" + date[4:6] + "-" + date[6:]
	}
	switch {
	case date == "":
		return ""
	case by == "":
		return date
	}
	return date + " " + by
}

// services are the names of the codes that UPS gives without one.
var services = map[string]string{
	"01": "UPS Next Day Air", "02": "UPS 2nd Day Air", "03": "UPS Ground", "07": "UPS Express", "08": "UPS Expedited",
	"11": "UPS Standard", "12": "UPS 3 Day Select", "13": "UPS Next Day Air Saver", "14": "UPS Next Day Air Early",
	"54": "UPS Express Plus", "59": "UPS 2nd Day Air A.M.", "65": "UPS Saver", "93": "UPS Ground Saver",
}

func service(c string) ship.Service { return ship.Service{Code: c, Name: services[c]} }
