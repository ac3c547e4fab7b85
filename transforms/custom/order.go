// Package custom is PakLog's own contract for order documents: what REST, the webhook of
// custom shops and NDJSON imports carry, and what it means.
package custom

import (
	"time"

	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/scope"
)

// Order asks for goods to be shipped. Owner and facility may be left out where the
// hub's configuration names them.
type Order struct {
	Owner    string   `json:"owner,omitempty" doc:"whose goods they are"`
	Facility string   `json:"facility,omitempty" doc:"the building it ships from"`
	Number   string   `json:"number" doc:"the owner's order number: with the owner it is unique"`
	Policy   string   `json:"policy,omitempty" enum:"partial,all_or_nothing" doc:"what happens when it cannot be had whole; partial"`
	Type     string   `json:"type,omitempty" doc:"what kind of order it is, by codes of your own; waves may be made by it"`
	Priority int      `json:"priority,omitempty" minimum:"0" maximum:"9" doc:"9 is most urgent"`
	Lines    []Line   `json:"lines" minItems:"1" maxItems:"10000" nullable:"false"`
	ShipTo   Address  `json:"ship_to" doc:"needs a name, a company or a code"`
	BillTo   *Address `json:"bill_to,omitempty"`
	Notes    []string `json:"notes,omitempty" maxItems:"64" nullable:"false" doc:"for people; kept with the addresses"`
	Service  *Service `json:"service,omitempty"`
	Dates    *Dates   `json:"dates,omitempty"`
	Refs     []Ref    `json:"refs,omitempty" maxItems:"256" nullable:"false"`
}

// Line asks for a quantity of an item.
type Line struct {
	No        int    `json:"no,omitempty" minimum:"1" doc:"counted from 1 where it is left out"`
	Ref       string `json:"ref,omitempty" doc:"the sender's own id of the line"`
	Item      string `json:"item" doc:"SKU"`
	Codes     []Code `json:"codes,omitempty" maxItems:"64" nullable:"false" doc:"what else the sender calls it"`
	Qty       int64  `json:"qty" minimum:"1"`
	UOM       string `json:"uom,omitempty" doc:"unit of measure; the item's smallest where it is left out"`
	Lot       string `json:"lot,omitempty" doc:"pins a lot"`
	MinExpiry string `json:"min_expiry,omitempty" format:"date" doc:"the goods must not expire before this day"`
}

// Code is another name of an item.
type Code struct {
	Kind  string `json:"kind" doc:"gtin, upc, buyer, vendor, ..."`
	Value string `json:"value"`
	UOM   string `json:"uom,omitempty"`
}

// Address is a place to ship to.
type Address struct {
	Name       string   `json:"name,omitempty"`
	Company    string   `json:"company,omitempty"`
	Lines      []string `json:"lines,omitempty" maxItems:"3" nullable:"false"`
	City       string   `json:"city,omitempty"`
	Region     string   `json:"region,omitempty" doc:"state or province code"`
	PostalCode string   `json:"postal_code,omitempty"`
	Country    string   `json:"country,omitempty" pattern:"^[A-Z]{2}$" doc:"ISO 3166-1 alpha-2"`
	Phone      string   `json:"phone,omitempty"`
	Email      string   `json:"email,omitempty"`
	Code       string   `json:"code,omitempty" doc:"the sender's own code for the place"`
}

// Service is how it travels.
type Service struct {
	Carrier string `json:"carrier,omitempty"`
	Level   string `json:"level,omitempty"`
	Method  string `json:"method,omitempty"`
	Account string `json:"account,omitempty"`
	Terms   string `json:"terms,omitempty"`
	Route   string `json:"route,omitempty" doc:"delivery route; waves may be made by it"`
}

// Dates bound the work.
type Dates struct {
	Ordered     time.Time `json:"ordered,omitzero"`
	NotBefore   time.Time `json:"not_before,omitzero"`
	ShipBy      time.Time `json:"ship_by,omitzero"`
	DeliverBy   time.Time `json:"deliver_by,omitzero"`
	CancelAfter time.Time `json:"cancel_after,omitzero"`
}

// Ref is a further number of the order.
type Ref struct {
	Kind  string `json:"kind" doc:"po, department, ..."`
	Value string `json:"value"`
}

// In is the scope of the order, with what it leaves out taken from s.
func (o *Order) In(s scope.Scope) scope.Scope {
	if o.Owner != "" {
		s.Owner = o.Owner
	}
	if o.Facility != "" {
		s.Facility = o.Facility
	}
	return s
}

// Place is the command that the order means. s gives what the order leaves out. What is
// wrong with it is said by [order.Place.Validate], in the places of this document.
func (o *Order) Place(s scope.Scope, src order.Source) order.Place {
	c := order.Place{
		Scope: o.In(s), Number: o.Number, Policy: o.Policy, Type: o.Type, Priority: o.Priority, Notes: o.Notes, Source: src,
		ShipTo: o.ShipTo.Party(), Lines: make([]order.PlaceLine, len(o.Lines)),
	}
	for i, l := range o.Lines {
		c.Lines[i] = l.place()
	}
	if o.BillTo != nil {
		c.BillTo = o.BillTo.Party()
	}
	if o.Service != nil {
		c.Service = order.Service(*o.Service)
	}
	if o.Dates != nil {
		c.Dates = order.Dates(*o.Dates)
	}
	for _, r := range o.Refs {
		c.Refs = append(c.Refs, order.Ref(r))
	}
	return c
}

func (l *Line) place() order.PlaceLine {
	out := order.PlaceLine{
		No: l.No, Ref: l.Ref, Item: l.Item, Qty: l.Qty, UOM: l.UOM, Lot: l.Lot, MinExpiry: l.MinExpiry,
	}
	for _, k := range l.Codes {
		out.Codes = append(out.Codes, item.Code(k))
	}
	return out
}

// Party is a in core's words.
func (a *Address) Party() party.Address {
	return party.Address{
		Name: a.Name, Company: a.Company, Lines: a.Lines, City: a.City, Region: a.Region, PostalCode: a.PostalCode,
		Country: a.Country, Phone: a.Phone, Email: a.Email, Code: a.Code,
	}
}

// AddressOf is an address of ours in the words of the contract.
func AddressOf(a party.Address) Address {
	return Address{
		Name: a.Name, Company: a.Company, Lines: a.Lines, City: a.City, Region: a.Region, PostalCode: a.PostalCode,
		Country: a.Country, Phone: a.Phone, Email: a.Email, Code: a.Code,
	}
}
