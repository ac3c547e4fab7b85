package fedex

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/internal/carrierdoc"
)

// Account is whose shipping it is.
type Account struct {
	Number string // nine digits
	List   bool   // ask for the published prices beside the account's own
}

type number struct {
	Value string `json:"value"`
}

type address struct {
	StreetLines         []string `json:"streetLines,omitempty"` // Rates knows none
	City                string   `json:"city"`
	StateOrProvinceCode string   `json:"stateOrProvinceCode,omitempty"`
	PostalCode          string   `json:"postalCode,omitempty"`
	CountryCode         string   `json:"countryCode"`
}

type contact struct {
	PersonName  string `json:"personName,omitempty"`
	CompanyName string `json:"companyName,omitempty"`
	PhoneNumber string `json:"phoneNumber"`
}

type side struct {
	Contact *contact `json:"contact,omitempty"` // Rates knows none
	Address address  `json:"address"`
}

type weight struct {
	Units string      `json:"units"`
	Value json.Number `json:"value"`
}

type dimensions struct {
	Length int64  `json:"length"`
	Width  int64  `json:"width"`
	Height int64  `json:"height"`
	Units  string `json:"units"`
}

type reference struct {
	Type  string `json:"customerReferenceType"`
	Value string `json:"value"`
}

type pack struct {
	GroupPackageCount  int         `json:"groupPackageCount"`
	Weight             weight      `json:"weight"`
	Dimensions         *dimensions `json:"dimensions,omitempty"`
	CustomerReferences []reference `json:"customerReferences,omitempty"` // Rates knows none
}

const (
	ownPackaging = "YOUR_PACKAGING"
	// daily is that FedEx calls every day anyway. A label is valid however the
	// parcel reaches FedEx; only the price of a call on request is not in it.
	daily = "USE_SCHEDULED_PICKUP"
)

// maxReference is the longest customer reference that FedEx Ground prints and
// finds; Express takes 40.
const maxReference = 30

// Reference is what FedEx prints and finds for ours: those of [ship.ReferenceOf]
// are two characters too long for Ground.
func Reference(ours string) string { return carrierdoc.Reference(ours, maxReference) }

type checker struct{ carrierdoc.Checker }

func newChecker() checker { return checker{carrierdoc.Checker{Carrier: "FedEx"}} }

// common checks what rates and labels have in common.
func (e *checker) common(p ship.Parcel, a Account) {
	if len(a.Number) != 9 {
		e.Add("account", "FedEx account number is %q, want nine digits", a.Number)
	}
	e.Domestic(p)
}

func (e *checker) address(at string, a party.Address) address {
	out := address{
		City:        e.Length(at+".city", a.City, 35),
		PostalCode:  e.Length(at+".postal_code", strings.TrimSpace(a.PostalCode), 10),
		CountryCode: a.Country,
	}
	switch {
	case carrierdoc.Imperial(a.Country): // the United States, Puerto Rico and Canada
		out.StateOrProvinceCode = e.Length(at+".region", a.Region, 2)
	case len(a.Region) <= 2: // elsewhere FedEx wants none, and takes no longer one
		out.StateOrProvinceCode = a.Region
	}
	return out
}

// party is a as somebody on a label. instead is the telephone number for who has none.
func (e *checker) party(at string, a party.Address, instead string) side {
	out := side{Address: e.address(at, a), Contact: &contact{
		// A name is cut, an address never is.
		PersonName: carrierdoc.Cut(a.Name, 70), CompanyName: carrierdoc.Cut(a.Company, 35),
	}}
	out.Address.StreetLines = e.Lines(at+".lines", a.Lines, 3, 35)
	phone := carrierdoc.Digits(a.Phone)
	if phone == "" {
		phone = carrierdoc.Digits(instead)
	}
	if a.Country == "US" || a.Country == "CA" {
		if len(phone) == 11 {
			phone = strings.TrimPrefix(phone, "1")
		}
		if len(phone) != 10 {
			e.Add(at+".phone", "has %d digits, FedEx wants ten", len(phone))
		}
	} else if len(phone) < 10 || len(phone) > 15 {
		e.Add(at+".phone", "has %d digits, FedEx wants ten to fifteen", len(phone))
	}
	out.Contact.PhoneNumber = phone
	return out
}

// pack is p as a package, in the units of its origin.
func (e *checker) pack(p ship.Parcel) pack {
	imperial := carrierdoc.Imperial(p.From.Country)
	m := e.Measures(p, imperial)
	out := pack{GroupPackageCount: 1, Weight: weight{"KG", hundredths(m.Weight)}}
	if !p.Dims.Zero() {
		out.Dimensions = &dimensions{m.Length, m.Width, m.Height, "CM"}
	}
	if imperial {
		out.Weight.Units = "LB"
		if out.Dimensions != nil {
			out.Dimensions.Units = "IN"
		}
	}
	return out
}

func hundredths(n int64) json.Number { return json.Number(fmt.Sprintf("%d.%02d", n/100, n%100)) }
