package fedex

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/internal/carrierdoc"
)

// RateRequest is the body of POST /rate/v1/rates/quotes.
type RateRequest struct {
	AccountNumber number       `json:"accountNumber"`
	Control       control      `json:"rateRequestControlParameters"`
	Shipment      rateShipment `json:"requestedShipment"`
}

type control struct {
	ReturnTransitTimes bool `json:"returnTransitTimes"`
}

type rateShipment struct {
	Shipper         side     `json:"shipper"`
	Recipient       side     `json:"recipient"`
	ServiceType     string   `json:"serviceType,omitempty"` // none: all of them
	RateRequestType []string `json:"rateRequestType"`
	PickupType      string   `json:"pickupType"`
	PackagingType   string   `json:"packagingType"`
	Packages        []pack   `json:"requestedPackageLineItems"`
}

// FromRate asks for p's price, with its service or, where it names none, with all.
func FromRate(p ship.Parcel, a Account) (RateRequest, error) {
	e := newChecker()
	e.common(p, a)
	req := RateRequest{AccountNumber: number{a.Number}, Control: control{ReturnTransitTimes: true}}
	req.Shipment = rateShipment{
		Shipper: side{Address: e.address("from", p.From)}, Recipient: side{Address: e.address("to", p.To)},
		ServiceType: p.Service, RateRequestType: a.types(), PickupType: daily, PackagingType: ownPackaging,
		Packages: []pack{e.pack(p)},
	}
	return req, e.Err("fedex.FromRate")
}

func (a Account) types() []string {
	if a.List {
		return []string{"ACCOUNT", "LIST"}
	}
	return []string{"ACCOUNT"}
}

type rated struct {
	ServiceType, ServiceName carrierdoc.Text
	RatedShipmentDetails     carrierdoc.List[struct {
		RateType, Currency, TotalNetCharge carrierdoc.Text
		ShipmentRateDetail                 struct{ Currency carrierdoc.Text }
	}]
	OperationalDetail struct{ TransitTime, CommitDate carrierdoc.Text }
	Commit            struct {
		DateDetail  struct{ DayFormat carrierdoc.Text }
		TransitDays struct{ MinimumTransitTime carrierdoc.Text }
	}
}

// ToRates reads the prices of an answer, cheapest first, taxes included.
func ToRates(body []byte, connection string) ([]ship.Rate, error) {
	const op = "fedex.ToRates"
	var doc struct {
		Output *struct{ RateReplyDetails carrierdoc.List[rated] }
	}
	if err := carrierdoc.Decode(op, body, &doc); err != nil {
		return nil, err
	}
	if doc.Output == nil {
		return nil, carrierdoc.Invalid(op, "output", "is missing")
	}
	var rates []ship.Rate
	for i, r := range doc.Output.RateReplyDetails {
		at := fmt.Sprintf("output.rateReplyDetails[%d]", i)
		if r.ServiceType == "" {
			return nil, carrierdoc.Invalid(op, at+".serviceType", "is missing")
		}
		cost, listed, err := r.prices()
		if err != nil {
			return nil, carrierdoc.Invalid(op, at+".ratedShipmentDetails", "%w", err)
		}
		rates = append(rates, ship.Rate{
			Connection: connection, Service: ship.Service{Code: string(r.ServiceType), Name: string(r.ServiceName)},
			Cost: cost, List: listed,
			TransitDays: days(cmp.Or(r.Commit.TransitDays.MinimumTransitTime, r.OperationalDetail.TransitTime)),
			Arrives:     arrives(cmp.Or(r.Commit.DateDetail.DayFormat, r.OperationalDetail.CommitDate)),
		})
	}
	slices.SortStableFunc(rates, func(a, b ship.Rate) int { return cmp.Compare(a.Cost.Minor, b.Cost.Minor) })
	return rates, nil
}

// prices are what the account pays and what anybody does. FedEx gives some
// services a third and a fourth price, in a currency that nobody asked for.
func (r rated) prices() (cost, listed measure.Money, err error) {
	for _, d := range r.RatedShipmentDetails {
		// The contract has the currency in the detail alone, recorded answers beside the amount too.
		m, err := carrierdoc.Money(cmp.Or(d.ShipmentRateDetail.Currency, d.Currency), d.TotalNetCharge)
		switch {
		case d.RateType != "ACCOUNT" && d.RateType != "LIST":
		case err != nil:
			return cost, listed, err
		case d.RateType == "ACCOUNT":
			cost = m
		default:
			listed = m
		}
	}
	if cost.Currency == "" {
		cost = listed
	}
	if cost.Currency == "" {
		return cost, listed, fmt.Errorf("have no price of type ACCOUNT or LIST")
	}
	if listed.Currency != cost.Currency || listed.Minor < cost.Minor {
		listed = cost
	}
	return cost, listed, nil
}

var counted = []string{
	"ZERO", "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE", "TEN", "ELEVEN", "TWELVE",
	"THIRTEEN", "FOURTEEN", "FIFTEEN", "SIXTEEN", "SEVENTEEN", "EIGHTEEN", "NINETEEN", "TWENTY",
}

// days reads FOUR_DAYS; what it cannot read is 0, for not said.
func days(t carrierdoc.Text) int {
	word, _, _ := strings.Cut(string(t), "_")
	return max(slices.Index(counted, word), 0)
}

// arrives writes 2024-07-25T23:59:00 as a day and a time.
func arrives(t carrierdoc.Text) string {
	day, clock, timed := strings.Cut(string(t), "T")
	if !timed || len(clock) < 5 {
		return day
	}
	return day + " " + clock[:5]
}
