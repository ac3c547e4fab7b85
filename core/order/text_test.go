package order_test

import (
	"errors"
	"testing"

	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/scope"
)

// Every door asks this before it takes an order: what no carrier can print or find is told where it stands.
func TestAnAddressIsOfVisibleTextInACountryThatThereIs(t *testing.T) {
	t.Parallel()
	good := party.Address{Name: "Ada", Lines: []string{"1 Main St"}, City: "Reno", Country: "US"}
	for place, spoil := range map[string]func(*order.Place){
		"ship_to.country":  func(p *order.Place) { p.ShipTo.Country = "XX" },
		"ship_to.city":     func(p *order.Place) { p.ShipTo.City = "Re\u202eno" },
		"ship_to.name":     func(p *order.Place) { p.ShipTo.Name = "Ada\nBcc: all" },
		"ship_to.lines[0]": func(p *order.Place) { p.ShipTo.Lines = []string{"1\x1bMain"} },
		"bill_to.country":  func(p *order.Place) { p.BillTo = good; p.BillTo.Country = "UK" },
		"notes[0]":         func(p *order.Place) { p.Notes = []string{"\u2066hidden"} },
		"":                 func(p *order.Place) { p.Notes = []string{"two\r\nlines"} },
	} {
		p := order.Place{
			Scope: scope.Scope{Tenant: "main", Owner: "ACME", Facility: "DC1"}, Number: "SO-1", ShipTo: good, Lines: []order.PlaceLine{{Item: "MUG", Qty: 1}},
		}
		spoil(&p)
		err := p.Validate()
		var bad *order.InvalidError
		if errors.As(err, &bad) != (place != "") || bad != nil && (len(bad.Problems) != 1 || bad.Problems[0].Place != place) {
			t.Errorf("%s: %v", place, err)
		}
	}
}
