// Package item is the master data of what is stored: identity, exact units of
// measure, dimensions, weights and what must be tracked.
package item

import (
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/scope"
)

// The units that every warehouse has. An item may name others.
const (
	Each   = "each"
	Inner  = "inner"
	Case   = "case"
	Pallet = "pallet"
)

// Limits of one item, so that a hostile import stays small.
const (
	MaxUnits = 16
	MaxCodes = 64
)

// Unit is one unit of measure. Factor says how many of the item's smallest unit
// it holds; exactly one unit has factor 1. Dims and Weight are gross, of one such
// unit; zero means not known.
type Unit struct {
	UOM    string       `json:"uom"`
	Factor int64        `json:"factor"`
	Dims   measure.Dims `json:"dims"`
	Weight measure.Mass `json:"weight_mg"`
}

// Tracking says what must be recorded for each movement.
type Tracking struct {
	Lot    bool `json:"lot,omitempty"`
	Serial bool `json:"serial,omitempty"`
	Expiry bool `json:"expiry,omitempty"`
}

// Code is another name of the item: a barcode or what a partner calls it.
type Code struct {
	Kind  string `json:"kind"` // "gtin", "upc", "buyer", "vendor", ...
	Value string `json:"value"`
	UOM   string `json:"uom,omitempty"` // the unit it is printed on, "" for any
}

// Packing says how a unit may lie in a carton. The zero Packing is any way.
type Packing struct {
	Upright     bool         `json:"upright,omitempty"`     // its height stays up
	Fragile     bool         `json:"fragile,omitempty"`     // nothing stands on it
	Bears       measure.Mass `json:"bears_mg,omitempty"`    // weight that may stand on one, 0 for any
	Segregation string       `json:"segregation,omitempty"` // it shares a carton with the same class alone
}

// Statuses of an item.
const (
	Active    = ""          // received and shipped
	PhasedOut = "phase_out" // what is left is shipped, nothing more is received
	Blocked   = "blocked"   // neither received nor given a place for an order
)

// Classes of an item by how often it is asked for: where it lies and how often it is
// counted follows.
const (
	ClassA = "A"
	ClassB = "B"
	ClassC = "C"
)

// ShelfLife is how many days a lot must still have. Zero is no demand.
type ShelfLife struct {
	Receive int `json:"receive_days,omitempty"` // when it is received
	Ship    int `json:"ship_days,omitempty"`    // when it is given to an order
}

// Spec is everything about an item that may change.
type Spec struct {
	Description string    `json:"description,omitempty"`
	Units       []Unit    `json:"units"`
	Tracking    Tracking  `json:"tracking"`
	Codes       []Code    `json:"codes,omitempty"`
	StorageType string    `json:"storage_type,omitempty"` // where it may lie: "shelf", "cold", ...; "" for anywhere
	Status      string    `json:"status,omitempty"`
	Class       string    `json:"class,omitempty"`    // A, B or C; "" is not known
	Rotation    string    `json:"rotation,omitempty"` // strategy of allocation; "" is the building's
	ShelfLife   ShelfLife `json:"shelf_life,omitzero"`
	Packing     Packing   `json:"packing,omitzero"`
	Inspect     bool      `json:"inspect,omitempty"` // what is received is held until somebody has passed it
}

// Register makes an item known. The scope's facility is the home facility; the
// item itself is known to all facilities of the owner.
type Register struct {
	scope.Scope
	SKU  string
	Spec Spec
	// Update lets an item that is known with another spec be changed, as [Change] does.
	Update   bool
	HasStock bool
}

// Change replaces the spec of a known item. Factors of existing units cannot
// change and tracking cannot be loosened or tightened while stock exists: that
// would give recorded quantities another meaning. HasStock is the caller's answer.
type Change struct {
	Spec     Spec
	HasStock bool
}

// Head is what every item event begins with.
type Head struct {
	scope.Scope
	SKU string    `json:"sku"`
	At  time.Time `json:"at"`
}

// Stream is the stream of the item.
func (h Head) Stream() string { return StreamOf(h.Scope, h.SKU) }

// Key orders messages about the item.
func (h Head) Key() string {
	return scope.Stream{Tenant: h.Tenant, Owner: h.Owner, ID: h.SKU}.Key()
}

// StreamOf is the stream of one item: the same in every facility.
func StreamOf(s scope.Scope, sku string) string {
	return scope.Stream{Kind: "item", Tenant: s.Tenant, Owner: s.Owner, ID: sku}.String()
}

// Registered says that an item became known.
type Registered struct {
	Head
	Spec
}

// Changed carries the whole new spec.
type Changed struct {
	Head
	Spec
}

// EventType implements [event.Event].
func (Registered) EventType() string { return "item.Registered" }

// EventType implements [event.Event].
func (Changed) EventType() string { return "item.Changed" }

// Item is the state of an item. The zero Item is unknown.
type Item struct {
	Scope scope.Scope `json:"scope"`
	SKU   string      `json:"sku"`
	Spec  Spec        `json:"spec"`
}

// Known reports whether the item was registered.
func (i Item) Known() bool { return i.SKU != "" }

// Fold makes an [Item].
var Fold = event.Fold[Item]{Kind: "item", Version: 1, Apply: apply}

func apply(s Item, e event.Event) (Item, error) {
	switch e := e.(type) {
	case Registered:
		s.Scope, s.SKU, s.Spec = e.Scope, e.SKU, e.Spec
	case Changed:
		s.Spec = e.Spec
	default:
		return s, event.Unexpected("item", e)
	}
	return s, nil
}
