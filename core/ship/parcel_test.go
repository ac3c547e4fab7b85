package ship_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/ship"
)

func validParcel() ship.Parcel {
	at := party.Address{Name: "Ada", Lines: []string{"12 Elm St"}, City: "Atlanta", Region: "GA", PostalCode: "30303", Country: "US"}
	return ship.Parcel{Reference: "ref-1", Service: "03", From: at, To: at, Weight: measure.Kilogram}
}

func TestParcelSaysWhatIsWrongWithIt(t *testing.T) {
	t.Parallel()
	if err := validParcel().Validate(); err != nil {
		t.Fatalf("a good parcel: %v", err)
	}
	for name, tt := range map[string]struct {
		place string
		spoil func(*ship.Parcel)
	}{
		"no reference":              {"reference", func(p *ship.Parcel) { p.Reference = "" }},
		"a reference too long":      {"reference", func(p *ship.Parcel) { p.Reference = strings.Repeat("r", ship.MaxReference+1) }},
		"a reference with a space":  {"reference", func(p *ship.Parcel) { p.Reference = "ref 1" }},
		"a reference with a letter": {"reference", func(p *ship.Parcel) { p.Reference = "réf" }},
		"no weight":                 {"weight_mg", func(p *ship.Parcel) { p.Weight = 0 }},
		"a negative weight":         {"weight_mg", func(p *ship.Parcel) { p.Weight = -1 }},
		"half of the dimensions":    {"dims", func(p *ship.Parcel) { p.Dims.Length = 1 }},
		"negative dimensions":       {"dims", func(p *ship.Parcel) { p.Dims = measure.Dims{Length: 1, Width: -1, Height: 1} }},
		"an unknown format":         {"format", func(p *ship.Parcel) { p.Format = "EPL" }},
		"nobody sends":              {"from.name", func(p *ship.Parcel) { p.From.Name = "" }},
		"an empty street":           {"to.lines", func(p *ship.Parcel) { p.To.Lines = []string{""} }},
		"no city":                   {"to.city", func(p *ship.Parcel) { p.To.City = "" }},
		"a country in words":        {"to.country", func(p *ship.Parcel) { p.To.Country = "us" }},
	} {
		p := validParcel()
		tt.spoil(&p)
		if err := p.Validate(); fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != tt.place {
			t.Errorf("%s: %v at %q, want at %q", name, err, fault.PlaceOf(err), tt.place)
		}
	}
	p := validParcel()
	p.Weight, p.To.City = 0, ""
	if err := p.Validate(); !strings.Contains(err.Error(), "weight_mg") || !strings.Contains(err.Error(), "to.city") {
		t.Errorf("two mistakes, one told: %v", err)
	}
}

func TestReferenceIsOfTheEffect(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, key := range []string{"", "a", "b", "buy-label/0198/1", "buy-label/0198/2"} {
		ref := ship.ReferenceOf(key)
		p := validParcel()
		p.Reference = ref
		if err := p.Validate(); err != nil || ref != ship.ReferenceOf(key) || seen[ref] {
			t.Errorf("%q: %q, %v", key, ref, err)
		}
		seen[ref] = true
	}
}

func ExampleParcel_Validate() {
	p := ship.Parcel{Reference: "carton 7", Weight: 2 * measure.Kilogram}
	err := p.Validate()
	fmt.Println(fault.KindOf(err), "at", fault.PlaceOf(err))
	// Output: invalid at reference
}

func TestLabelIsGivenBackWhereItWasSold(t *testing.T) {
	t.Parallel()
	for place, l := range map[string]ship.Label{
		"":            {Connection: "ups", ShipmentID: "1Z"},
		"connection":  {Connection: "fedex", ShipmentID: "1Z"},
		"shipment_id": {Connection: "ups"},
	} {
		err := l.SoldBy("ups")
		if (err == nil) != (place == "") || err != nil && (fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != place) {
			t.Errorf("%+v: %v", l, err)
		}
	}
}
