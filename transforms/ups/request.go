package ups

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/ship"
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
	var e checker
	if a.Number == "" || len(a.Number) != 6 {
		e.add("account", "UPS account number is %q, want six characters", a.Number)
	}
	if p.From.Country != p.To.Country {
		e.add("to.country", "is %s but the parcel leaves from %s: customs data are not supported", p.To.Country, p.From.Country)
	}
	acct, at := a.Shipper, "shipper"
	if acct.City == "" {
		acct, at = p.From, "from"
	}
	shipper = e.side(at, acct, stateLen)
	shipper.ShipperNumber = a.Number
	to = e.side("to", p.To, stateLen)
	from = e.side("from", p.From, stateLen)
	return shipper, to, from, e.err("ups.FromParcel")
}

// checker collects what UPS would not take, with its place.
type checker struct {
	place string
	errs  []error
}

func (e *checker) add(place, format string, args ...any) {
	if e.place == "" {
		e.place = place
	}
	e.errs = append(e.errs, fmt.Errorf("%s: "+format, append([]any{place}, args...)...))
}

func (e *checker) err(op string) error {
	if len(e.errs) == 0 {
		return nil
	}
	return fault.At(op, fault.Invalid, e.place, errors.Join(e.errs...))
}

func (e *checker) length(place, v string, most int) string {
	if n := utf8.RuneCountInString(v); n > most {
		e.add(place, "has %d characters, UPS takes %d", n, most)
	}
	return v
}

func (e *checker) side(at string, a party.Address, stateLen int) side {
	s := side{
		// A name is cut, for UPS prints 30 characters of it anyway; an address never is.
		Name: cut(a.Company, 35),
		Address: address{
			City:              e.length(at+".city", a.City, 30),
			StateProvinceCode: e.length(at+".region", a.Region, stateLen),
			PostalCode:        e.length(at+".postal_code", postal(a.PostalCode), 9),
			CountryCode:       a.Country,
		},
	}
	if s.Name == "" {
		s.Name = cut(a.Name, 35)
	} else {
		s.AttentionName = cut(a.Name, 35)
	}
	lines := slices.DeleteFunc(slices.Clone(a.Lines), func(l string) bool { return strings.TrimSpace(l) == "" })
	if len(lines) > 3 {
		e.add(at+".lines", "are %d, UPS takes 3", len(lines))
	}
	for i, l := range lines {
		e.length(fmt.Sprintf("%s.lines[%d]", at, i), l, 35)
	}
	s.Address.AddressLine = lines
	if digits := onlyDigits(a.Phone); digits != "" {
		s.Phone = &phone{Number: e.length(at+".phone", digits, 15)}
	}
	return s
}

// postal drops the spaces and hyphens that people write ("21093-1234", "K1A 0B6").
func postal(s string) string { return noBreaks.Replace(s) }

var noBreaks = strings.NewReplacer(" ", "", "-", "")

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

func cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:most]))
}

// imperial reports whether UPS wants pounds and inches from this origin.
func imperial(country string) bool { return country == "US" || country == "PR" || country == "CA" }

// measures are p's weight and dimensions in the units of its origin, rounded up:
// the started unit is paid for, and a label for less is corrected with a fee.
func measures(p ship.Parcel) (weight, *dimensions, error) {
	var e checker
	var w weight
	// Far beyond UPS's limits, and far within what can be reckoned with below.
	if p.Weight > 10_000*measure.Kilogram {
		e.add("weight_mg", "is %d, above ten tonnes", p.Weight)
		return w, nil, e.err("ups.FromParcel")
	}
	for _, l := range []measure.Length{p.Dims.Length, p.Dims.Width, p.Dims.Height} {
		if l > 10_000*measure.Centimetre {
			e.add("dims", "have a side of %d um, above 100 m", l)
			return w, nil, e.err("ups.FromParcel")
		}
	}
	if imperial(p.From.Country) {
		// A weight that was given in pounds stands here rounded up to the milligram:
		// one is taken off, or 150 lb, the most UPS carries, would become 150.1.
		w = weight{code{"LBS", "Pounds"}, decimal(max(1, (p.Weight - measure.Milligram).CeilHundredthPounds()))}
	} else {
		w = weight{code{"KGS", "Kilograms"}, decimal(ceil(int64(p.Weight), int64(measure.Kilogram/100)))}
	}
	if len(w.Weight) > 5 {
		e.add("weight_mg", "is %s %s, UPS takes less than 1000", w.Weight, w.UnitOfMeasurement.Code)
	}
	if p.Dims.Zero() {
		return w, nil, e.err("ups.FromParcel")
	}
	sides := []measure.Length{p.Dims.Length, p.Dims.Width, p.Dims.Height}
	slices.Sort(sides) // UPS wants the longest as the length
	d := &dimensions{UnitOfMeasurement: code{"CM", "Centimeters"}}
	whole := func(l measure.Length) int64 { return ceil(int64(l), int64(measure.Centimetre)) }
	if imperial(p.From.Country) {
		d.UnitOfMeasurement = code{"IN", "Inches"}
		whole = measure.Length.CeilInches
	}
	for i, at := range []*string{&d.Height, &d.Width, &d.Length} {
		n := whole(sides[i])
		if n > 999 {
			e.add("dims", "have a side of %d %s, UPS takes less than 1000", n, d.UnitOfMeasurement.Code)
		}
		*at = fmt.Sprint(n)
	}
	return w, d, e.err("ups.FromParcel")
}

// decimal writes hundredths. UPS takes five characters, so from 100 on there is
// room for tenths only, rounded up.
func decimal(hundredths int64) string {
	if hundredths < 100_00 {
		return fmt.Sprintf("%d.%02d", hundredths/100, hundredths%100)
	}
	tenths := ceil(hundredths, 10)
	return fmt.Sprintf("%d.%d", tenths/10, tenths%10)
}

func ceil(n, unit int64) int64 {
	up := n / unit
	if n%unit != 0 {
		up++
	}
	return up
}
