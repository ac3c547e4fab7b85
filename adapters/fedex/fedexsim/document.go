package fedexsim

import (
	"fmt"
	"strings"

	"github.com/paklog/hub/adapters/internal/simcarrier"
)

type value struct {
	Value string `json:"value"`
}

type place struct {
	StreetLines         []string `json:"streetLines"`
	City                string   `json:"city"`
	StateOrProvinceCode string   `json:"stateOrProvinceCode"`
	PostalCode          string   `json:"postalCode"`
	CountryCode         string   `json:"countryCode"`
	Residential         *bool    `json:"residential"`
}

type somebody struct {
	Address *place `json:"address"`
	Contact *struct {
		PersonName   string `json:"personName"`
		CompanyName  string `json:"companyName"`
		PhoneNumber  string `json:"phoneNumber"`
		EmailAddress string `json:"emailAddress"`
	} `json:"contact"`
}

type item struct {
	SequenceNumber    int `json:"sequenceNumber"`
	GroupPackageCount int `json:"groupPackageCount"`
	Weight            *struct {
		Units string                `json:"units"`
		Value simcarrier.Hundredths `json:"value"`
	} `json:"weight"`
	Dimensions *struct {
		Length int    `json:"length"`
		Width  int    `json:"width"`
		Height int    `json:"height"`
		Units  string `json:"units"`
	} `json:"dimensions"`
	CustomerReferences []struct {
		CustomerReferenceType string `json:"customerReferenceType"`
		Value                 string `json:"value"`
	} `json:"customerReferences"`
}

// address checks a place; who is the first part of the codes.
func address(who string, p *place, street bool) *refusal {
	switch {
	case p == nil:
		return bad(who+".ADDRESS", "Please provide the address.")
	case street && (len(p.StreetLines) == 0 || len(p.StreetLines) > 3):
		return bad(who+".STREETLINES", "Please provide one to three street lines.")
	case !simcarrier.Within(p.City, 1, 35):
		return bad(who+".CITY", "Please provide a valid city.")
	case len(p.CountryCode) != 2 || strings.ToUpper(p.CountryCode) != p.CountryCode:
		return bad(who+".COUNTRYCODE", "Please provide a valid country code.")
	case !simcarrier.Within(p.StateOrProvinceCode, 0, 2):
		return bad(who+".STATEORPROVINCECODE", "Please provide a valid state or province code.")
	case !simcarrier.Within(p.PostalCode, 0, 10):
		return bad(who+".POSTALCODE", "Please provide a valid postal code.")
	}
	for _, l := range p.StreetLines {
		if !simcarrier.Within(l, 1, 35) {
			return bad(who+".STREETLINES", "A street line has at most 35 characters.")
		}
	}
	if p.CountryCode == "US" {
		digits := strings.ReplaceAll(p.PostalCode, "-", "")
		switch {
		case !simcarrier.State(p.StateOrProvinceCode):
			return bad(who+".STATEORPROVINCECODE", "Please provide a valid state or province code.")
		case len(digits) != 5 && len(digits) != 9, strings.Trim(digits, "0123456789") != "":
			return bad(who+".POSTALCODE", "Please provide a valid postal code.")
		case !simcarrier.InState(p.StateOrProvinceCode, digits):
			return &postalState
		}
	}
	return nil
}

func person(who string, p *somebody) *refusal {
	if p == nil {
		return bad(who, "Please provide the party.")
	}
	if no := address(who, p.Address, true); no != nil {
		return no
	}
	c := p.Contact
	if c == nil || c.PersonName == "" && c.CompanyName == "" || !simcarrier.Within(c.PersonName, 0, 70) || !simcarrier.Within(c.CompanyName, 0, 35) {
		return bad(who+".CONTACT", "Please provide a person or a company.")
	}
	digits := strings.TrimPrefix(strings.TrimPrefix(c.PhoneNumber, "+"), "1")
	american := p.Address.CountryCode == "US" || p.Address.CountryCode == "CA"
	if strings.Trim(digits, "0123456789") != "" || american && len(digits) != 10 || !simcarrier.Within(c.PhoneNumber, 10, 15) {
		return &badPhone
	}
	return nil
}

// items checks the packages, in a request for a price or for labels.
func items(all []item) *refusal {
	if len(all) == 0 || len(all) > 40 {
		return bad("REQUESTEDPACKAGELINEITEMS", "Please provide one to forty packages.")
	}
	for _, it := range all {
		w := it.Weight
		if w == nil || w.Value <= 0 {
			return bad("PACKAGE.WEIGHT", "Please provide a weight above zero.")
		}
		most := map[string]simcarrier.Hundredths{"LB": 150_00, "KG": 68_00}[w.Units]
		if most == 0 {
			return bad("PACKAGE.WEIGHT.UNITS", "Weight units are LB or KG.")
		}
		if w.Value > most {
			return &refusal{"PACKAGE.WEIGHT.EXCEEDS", fmt.Sprintf("A package weighs at most %d %s.", most/100, w.Units)}
		}
		if d := it.Dimensions; d != nil {
			if d.Units != "IN" && d.Units != "CM" {
				return bad("PACKAGE.DIMENSIONS.UNITS", "Dimension units are IN or CM.")
			}
			for _, side := range []int{d.Length, d.Width, d.Height} {
				if side < 1 || side > 999 {
					return bad("PACKAGE.DIMENSIONS", "Please provide all three dimensions.")
				}
			}
		}
		ground := 0
		for _, r := range it.CustomerReferences {
			switch r.CustomerReferenceType {
			case "CUSTOMER_REFERENCE":
				ground++
			case "DEPARTMENT_NUMBER", "INVOICE_NUMBER", "P_O_NUMBER", "INTRACOUNTRY_REGULATORY_REFERENCE", "RMA_ASSOCIATION":
			default:
				return bad("CUSTOMERREFERENCETYPE", "Please provide a valid reference type.")
			}
			if !simcarrier.Within(r.Value, 1, 30) {
				return bad("CUSTOMERREFERENCE.VALUE", "A reference has at most 30 characters.")
			}
		}
		if ground > 1 {
			return bad("CUSTOMERREFERENCETYPE", "A reference type is given twice.")
		}
	}
	return nil
}
