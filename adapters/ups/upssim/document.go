package upssim

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/paklog/hub/adapters/internal/simcarrier"
)

type coded struct{ Code, Description string }

type head struct {
	RequestOption, SubVersion string
	TransactionReference      struct{ CustomerContext string }
}

type place struct {
	AddressLine                                                     []string
	City, StateProvinceCode, PostalCode, CountryCode                string
	ResidentialAddressIndicator, ResidentialAddress, POBoxIndicator *string
}

type dialled struct{ Number, Extension string }

type somebody struct {
	Name, AttentionName, CompanyDisplayableName, ShipperNumber, EMailAddress string
	TaxIdentificationNumber, FaxNumber, LocationID                           string
	Phone                                                                    *dialled
	Address                                                                  *place
}

type charged struct {
	Type        string
	BillShipper *struct{ AccountNumber string }
}

type valued struct {
	BarCodeIndicator *string
	Code, Value      string
}

type parcel struct {
	Description              string
	Packaging, PackagingType *coded
	Dimensions               *struct {
		UnitOfMeasurement     coded
		Length, Width, Height string
	}
	PackageWeight *struct {
		UnitOfMeasurement coded
		Weight            string
	}
	ReferenceNumber []valued
}

var decimal = regexp.MustCompile(`^[0-9]+(\.[0-9]{1,2})?$`)

// hundredths reads a weight in hundredths of its unit.
func hundredths(s string) (int64, bool) {
	if !decimal.MatchString(s) || len(s) > 9 {
		return 0, false
	}
	whole, frac, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole+(frac + "00")[:2], 10, 64)
	return n, err == nil
}

// person checks a party; codes are the first code of its family, from which the
// others are counted (authored).
func person(who string, family int, p *somebody) *refusal {
	at := func(n int, what string) *refusal { return bad(strconv.Itoa(family+n), who+" "+what) }
	within := func(s string, least, most int) bool {
		n := utf8.RuneCountInString(s)
		return n >= least && n <= most
	}
	switch {
	case p == nil:
		return at(0, "container")
	case !within(p.Name, 1, 35):
		return at(1, "name")
	case !within(p.AttentionName, 0, 35):
		return at(9, "attention name")
	case p.Phone != nil && (!within(p.Phone.Number, 1, 15) || strings.Trim(p.Phone.Number, "0123456789") != ""):
		return at(14, "phone number")
	case p.Address == nil:
		return at(2, "address")
	case len(p.Address.AddressLine) == 0 || len(p.Address.AddressLine) > 3:
		return at(2, "address line 1")
	case !within(p.Address.City, 1, 30):
		return at(5, "city")
	case len(p.Address.CountryCode) != 2 || strings.ToUpper(p.Address.CountryCode) != p.Address.CountryCode:
		return at(7, "country code")
	case !within(p.Address.StateProvinceCode, 0, 5):
		return at(6, "StateProvinceCode")
	case !within(p.Address.PostalCode, 0, 9):
		return at(8, "postal code")
	}
	for i, l := range p.Address.AddressLine {
		if !within(l, 1, 35) {
			return at(2, fmt.Sprintf("address line %d", i+1))
		}
	}
	if p.Address.CountryCode == "US" {
		if !simcarrier.State(p.Address.StateProvinceCode) {
			return at(6, "StateProvinceCode")
		}
		if n := len(p.Address.PostalCode); n != 5 && n != 9 || strings.Trim(p.Address.PostalCode, "0123456789") != "" {
			return at(8, "postal code")
		}
	}
	return nil
}

// mismatched is the address check of RequestOption validate.
func mismatched(p *place) bool {
	return p.CountryCode == "US" && !simcarrier.InState(p.StateProvinceCode, p.PostalCode)
}

// packages checks the parcels of a request. maxLen is of the weight's text, which
// Rating and Shipping do not agree on.
func packages(ps []parcel, packaging func(parcel) *coded, maxLen int) *refusal {
	if len(ps) == 0 || len(ps) > 200 {
		return bad("120600", "packages")
	}
	for _, p := range ps {
		if c := packaging(p); c == nil || len(c.Code) != 2 {
			return bad("120601", "packaging type")
		}
		w := p.PackageWeight
		if w == nil {
			return bad("120602", "package weight")
		}
		n, ok := hundredths(w.Weight)
		most := map[string]int64{"LBS": 150_00, "KGS": 70_00}[w.UnitOfMeasurement.Code]
		if most == 0 {
			return bad("120603", "unit of measurement of the package weight")
		}
		if !ok || n == 0 || len(w.Weight) > maxLen {
			return bad("120602", "package weight")
		}
		if n > most {
			return &refusal{"120604", fmt.Sprintf("The package weight is above the most that is carried, %d %s", most/100, w.UnitOfMeasurement.Code)}
		}
		if d := p.Dimensions; d != nil {
			if c := d.UnitOfMeasurement.Code; c != "IN" && c != "CM" {
				return bad("120611", "unit of measurement of the dimensions")
			}
			longest, _ := hundredths(d.Length)
			for _, side := range []string{d.Length, d.Width, d.Height} {
				if n, ok := hundredths(side); !ok || n == 0 || len(side) > 3 || n > longest {
					return bad("120610", "dimensions; the length is the longest side")
				}
			}
		}
	}
	return nil
}
