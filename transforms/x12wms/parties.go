package x12wms

import (
	"slices"

	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/scope"
)

func (p Profile) scope(t *translator, d Document, places map[string]Place) scope.Scope {
	s := scope.Scope{Tenant: p.Tenant, Owner: p.Owner, Facility: p.Facility}
	depositor := Text{}
	for _, n := range d.Parties {
		switch n.Role.Value {
		case "DE":
			depositor = n.Code
		case "WH", "SF":
			places["facility"] = n.Code.At
			if f, ok := p.Facilities[n.Code.Value]; ok {
				s.Facility = f
			} else if len(p.Facilities) > 0 && n.Code.Value != "" {
				t.fail(n.Code.At, CodeUnknownParty, n.Code.Value, "", "check the code, or add it to the partner's facilities", "warehouse code %q is not one of ours", n.Code.Value)
			} else if s.Facility == "" {
				s.Facility = n.Code.Value
			}
		}
	}
	if depositor.Value == "" {
		depositor.Value = t.paper.Sender
	}
	places["owner"] = depositor.At
	if o, ok := p.Owners[depositor.Value]; ok {
		s.Owner = o
	} else if s.Owner == "" {
		s.Owner = depositor.Value
	}
	if s.Facility == "" {
		t.fail(t.paper.End(t.paper.Party[:len(t.paper.Party)-1]), CodeUnknownParty, "", t.paper.Party+"WH or "+t.paper.Party+"SF with a code", "send it, or give the partner a facility", "the %s names no warehouse", d.noun())
	}
	return s
}

// shipTo is the first party of the roles that are shipped to. A buyer or payer of whom there is but a name
// is nobody that goods could be sent to.
func (p Profile) shipTo(t *translator, d Document, places map[string]Place) party.Address {
	for _, role := range p.shipsTo() {
		for _, n := range d.Parties {
			if n.Role.Value == role && (slices.Contains(shipsTo[:], role) || n.Code.Value != "" || n.City.Value != "" && len(n.Streets) > 0) {
				places["ship_to"] = n.Role.At
				for place, text := range map[string]Text{"country": n.Country, "city": n.City, "name": n.Name, "region": n.Region, "postal_code": n.Postal} {
					if text.At.Segment > 0 {
						places["ship_to."+place] = text.At
					}
				}
				return p.address(t, n)
			}
		}
	}
	t.fail(t.paper.End(t.paper.Party[:len(t.paper.Party)-1]), CodeNoShipTo, "", t.paper.Party+"ST with name or code", "send the ship-to party, or agree on another role (ship_to of the partner)", "the order says not where to ship")
	return party.Address{}
}

func (p Profile) shipsTo() []string {
	if len(p.ShipsTo) > 0 {
		return p.ShipsTo
	}
	return append(shipsTo[:], "BY")
}

func (p Profile) address(t *translator, n Party) party.Address {
	a := party.Address{Name: n.Name.Value, City: n.City.Value, Region: n.Region.Value, PostalCode: n.Postal.Value,
		Country: n.Country.Value, Phone: n.Phone.Value, Email: n.Email.Value, Code: n.Code.Value}
	for i, x := range n.Extra {
		if i == 0 {
			a.Company = x.Value
		} else {
			a.Company += " " + x.Value
		}
	}
	for i, s := range n.Streets {
		if i < 3 {
			a.Lines = append(a.Lines, s.Value)
		} else { // nothing of an address may be lost: the carrier decides what it can print
			a.Lines[2] += ", " + s.Value
		}
	}
	if c, ok := countries[a.Country]; ok {
		a.Country = c
	}
	if a.Country == "" {
		if a.Country = p.Country; a.Country == "" {
			a.Country = "US"
		}
	}
	return a
}
