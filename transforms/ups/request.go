package ups

import (
	"fmt"

	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/internal/carrierdoc"
)

// Account is whose shipping it is.
type Account struct {
	Number string // six characters
	// Shipper is the address of the account where it is not the one that parcels
	// leave from; its zero value takes the parcel's.
	Shipper party.Address
	// Negotiated asks for the account's own prices beside the published ones.
	Negotiated bool
}

type code struct {
	Code        string
	Description string `json:",omitempty"`
}

type address struct {
	AddressLine       []string
	City              string
	StateProvinceCode string `json:",omitempty"`
	PostalCode        string `json:",omitempty"`
	CountryCode       string
}

type phone struct{ Number string }

type side struct {
	Name          string
	AttentionName string `json:",omitempty"`
	Phone         *phone `json:",omitempty"`
	ShipperNumber string `json:",omitempty"`
	Address       address
}

type dimensions struct {
	UnitOfMeasurement code
	Length            string
	Width             string
	Height            string
}

type weight struct {
	UnitOfMeasurement code
	Weight            string
}

type reference struct{ Value string }

type request struct {
	RequestOption        string `json:",omitempty"`
	TransactionReference struct{ CustomerContext string }
}

type billing struct {
	Type        string
	BillShipper struct{ AccountNumber string }
}

type ratingOptions struct{ NegotiatedRatesIndicator string }

func (a Account) options() *ratingOptions {
	if !a.Negotiated {
		return nil
	}
	return &ratingOptions{NegotiatedRatesIndicator: "Y"}
}

func (a Account) billing() []billing {
	b := billing{Type: "01"} // transportation charges
	b.BillShipper.AccountNumber = a.Number
	return []billing{b}
}

// sides are the three parties of a shipment. stateLen is the longest state that
// the API at hand takes.
func (a Account) sides(p ship.Parcel, stateLen int) (shipper, to, from side, err error) {
	e := checker{Checker: carrierdoc.Checker{Carrier: "UPS"}}
	if a.Number == "" || len(a.Number) != 6 {
		e.Add("account", "UPS account number is %q, want six characters", a.Number)
	}
	e.Domestic(p)
	acct, at := a.Shipper, "shipper"
	if acct.City == "" {
		acct, at = p.From, "from"
	}
	shipper = e.side(at, acct, stateLen)
	shipper.ShipperNumber = a.Number
	to = e.side("to", p.To, stateLen)
	from = e.side("from", p.From, stateLen)
	return shipper, to, from, e.Err("ups.FromParcel")
}

// checker collects what UPS would not take, with its place.
type checker struct{ carrierdoc.Checker }

func (e *checker) side(at string, a party.Address, stateLen int) side {
	s := side{
		// A name is cut, for UPS prints 30 characters of it anyway; an address never is.
		Name: carrierdoc.Cut(a.Company, 35),
		Address: address{
			City:              e.Length(at+".city", a.City, 30),
			StateProvinceCode: e.Length(at+".region", a.Region, stateLen),
			PostalCode:        e.Length(at+".postal_code", carrierdoc.Postal(a.PostalCode), 9),
			CountryCode:       a.Country,
		},
	}
	if s.Name == "" {
		s.Name = carrierdoc.Cut(a.Name, 35)
	} else {
		s.AttentionName = carrierdoc.Cut(a.Name, 35)
	}
	s.Address.AddressLine = e.Lines(at+".lines", a.Lines, 3, 35)
	if digits := carrierdoc.Digits(a.Phone); digits != "" {
		s.Phone = &phone{Number: e.Length(at+".phone", digits, 15)}
	}
	return s
}

// measures are p's weight and dimensions in the units of its origin.
func measures(p ship.Parcel) (weight, *dimensions, error) {
	e := carrierdoc.Checker{Carrier: "UPS"}
	imperial := carrierdoc.Imperial(p.From.Country)
	m := e.Measures(p, imperial)
	w := weight{code{"KGS", "Kilograms"}, decimal(m.Weight)}
	d := &dimensions{code{"CM", "Centimeters"}, fmt.Sprint(m.Length), fmt.Sprint(m.Width), fmt.Sprint(m.Height)}
	if imperial {
		w.UnitOfMeasurement, d.UnitOfMeasurement = code{"LBS", "Pounds"}, code{"IN", "Inches"}
	}
	if len(w.Weight) > 5 {
		e.Add("weight_mg", "is %s %s, UPS takes less than 1000", w.Weight, w.UnitOfMeasurement.Code)
	}
	if p.Dims.Zero() {
		d = nil
	}
	return w, d, e.Err("ups.FromParcel")
}

// decimal writes hundredths. UPS takes five characters, so from 100 on there is
// room for tenths only, rounded up.
func decimal(hundredths int64) string {
	if hundredths < 100_00 {
		return fmt.Sprintf("%d.%02d", hundredths/100, hundredths%100)
	}
	tenths := carrierdoc.Ceil(hundredths, 10)
	return fmt.Sprintf("%d.%d", tenths/10, tenths%10)
}
