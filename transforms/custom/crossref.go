package custom

import (
	"github.com/paklog/hub/core/crossref"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
)

// Crossref is what a code of a partner means here.
type Crossref struct {
	Partner string `json:"partner" doc:"the connection of the configuration: a shop, a trading partner, an ERP, a carrier"`
	Kind    string `json:"kind" enum:"item,unit,location,carrier,method,service"`
	Theirs  string `json:"theirs" doc:"the partner's code"`
	CrossrefMeaning
}

// CrossrefMeaning is what may change about a cross-reference.
type CrossrefMeaning struct {
	Ours    string `json:"ours,omitempty" doc:"our SKU, unit, building, carrier connection or service level; left out of a method"`
	Carrier string `json:"carrier,omitempty" doc:"of a method: the carrier connection; every carrier where it is left out"`
	Level   string `json:"level,omitempty" doc:"of a method: a service level of ours, or the carrier's own code"`
	Account string `json:"account,omitempty" doc:"of a method: whose account is charged"`
	Terms   string `json:"terms,omitempty" doc:"of a method: who pays"`
}

// Meaning is the meaning in core's words.
func (m CrossrefMeaning) Meaning() crossref.Meaning {
	return crossref.Meaning{Ours: m.Ours, Service: order.Service{Carrier: m.Carrier, Level: m.Level, Account: m.Account, Terms: m.Terms}}
}

// Set is the command that the document means.
func (c *Crossref) Set(s scope.Scope) crossref.Set {
	s.Owner = c.Partner
	return crossref.Set{Scope: s, Kind: crossref.Kind(c.Kind), Theirs: c.Theirs, Meaning: c.Meaning()}
}

// CrossrefOf is the document that sets an entry as it is.
func CrossrefOf(e crossref.Entry) Crossref {
	return Crossref{Partner: e.Owner, Kind: string(e.Kind), Theirs: e.Theirs, CrossrefMeaning: CrossrefMeaning{
		Ours: e.Ours, Carrier: e.Service.Carrier, Level: e.Service.Level, Account: e.Service.Account, Terms: e.Service.Terms,
	}}
}
