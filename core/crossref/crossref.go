// Package crossref is the cross-reference tables between what partners call things and what
// we call them: items, units, places, carriers, ways of delivery and services.
//
// An entry says what one code of one partner means. A partner is a connection of the
// configuration: a shop, a trading partner, an ERP, a carrier. Entries are data, not
// configuration: they are changed while the hub runs, each change is an event, and what was
// decided by an entry stays as it was decided.
package crossref

import (
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
)

// Kind is what an entry is about.
type Kind string

// The kinds, and who reads them.
const (
	Item     Kind = "item"     // his code of an item is our SKU: orders that he sends, stock that he is told
	Unit     Kind = "unit"     // his word for a unit is ours: orders that he sends
	Location Kind = "location" // his place is our building: work of shops, stock that they are told
	Carrier  Kind = "carrier"  // his name of a carrier is our connection: shipments that he is told
	Method   Kind = "method"   // his way of delivery is our service: orders that he sends
	Service  Kind = "service"  // his code, he being a carrier, is our service level: labels
)

// Kinds are all kinds.
func Kinds() []Kind { return []Kind{Item, Unit, Location, Carrier, Method, Service} }

// alone reports whether each of our names has one code of a partner, because it is told by it.
func (k Kind) alone() bool { return k == Location || k == Carrier || k == Service }

// Meaning is what a code means here: a name of ours, or of a way of delivery the service.
type Meaning struct {
	Ours    string        `json:"ours,omitempty"`
	Service order.Service `json:"service,omitzero"`
}

// Set says what a partner's code means. With Update, one that means something else is changed.
type Set struct {
	scope.Scope // the partner stands in the owner's place
	Kind        Kind
	Theirs      string
	Meaning
	// Taken is another code of the partner that means the same of ours already, "" where there is
	// none: whoever decides has looked.
	Taken  string
	Update bool
}

// Remove takes an entry out.
type Remove struct {
	Kind   Kind
	Theirs string
}

// Head is what every event of an entry begins with. The partner stands in the owner's place; an
// entry holds for all buildings.
type Head struct {
	scope.Scope
	Kind   Kind      `json:"kind"`
	Theirs string    `json:"theirs"`
	At     time.Time `json:"at"`
}

// Stream is the stream of the entry.
func (h Head) Stream() string { return StreamOf(h.Scope, h.Kind, h.Theirs) }

// Key orders messages about the entry.
func (h Head) Key() string { return streamOf(h.Scope, h.Kind, h.Theirs).Key() }

func streamOf(s scope.Scope, k Kind, theirs string) scope.Stream {
	return scope.Stream{Kind: "crossref", Tenant: s.Tenant, Owner: s.Owner, ID: ID(k, theirs)}
}

// StreamOf is the stream of an entry of the partner who stands in the scope's owner's place.
func StreamOf(s scope.Scope, k Kind, theirs string) string { return streamOf(s, k, theirs).String() }

// ID names an entry of a partner.
func ID(k Kind, theirs string) string { return string(k) + ":" + theirs }

// Changed says what a code means from now on.
type Changed struct {
	Head
	Meaning
}

// Removed says that a code means nothing any more.
type Removed struct{ Head }

// EventType implements [event.Event].
func (Changed) EventType() string { return "crossref.Changed" }

// EventType implements [event.Event].
func (Removed) EventType() string { return "crossref.Removed" }

var _ event.Streamed = Changed{}

// Statuses of an entry.
const (
	StatusActive  = "active"
	StatusRemoved = "removed"
)

// Entry is the state of an entry. The zero Entry was never set.
type Entry struct {
	Head
	Meaning
	Version int    `json:"version"` // counts its changes, from 1
	Status  string `json:"status"`
}

// Stands reports whether the code means something.
func (e Entry) Stands() bool { return e.Status == StatusActive }

// Fold makes an [Entry].
var Fold = event.Fold[Entry]{Kind: "crossref", Version: 1, Apply: apply}

func apply(s Entry, e event.Event) (Entry, error) {
	switch e := e.(type) {
	case Changed:
		return Entry{e.Head, e.Meaning, s.Version + 1, StatusActive}, nil
	case Removed:
		s.Head, s.Status = e.Head, StatusRemoved
		s.Version++
		return s, nil
	}
	return s, event.Unexpected("crossref", e)
}
