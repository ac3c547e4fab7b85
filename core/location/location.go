// Package location is the master data of places: what may lie where, and how much.
package location

import (
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/scope"
)

// What a location is for. Stock is picked from Pick and Bulk only.
const (
	Pick    = "pick"
	Bulk    = "bulk"
	Staging = "staging"
	Packing = "packing"
	Dock    = "dock"
	Count   = "count" // quarantine shelf for what a count must settle
	// Quarantine takes goods that are held back or damaged, and no others.
	Quarantine = "quarantine"
)

// MaxCell is the highest place along an aisle.
const MaxCell = 100_000

// Statuses of a location.
const (
	StatusActive  = "active"
	StatusBlocked = "blocked" // nothing is put there or taken from there
)

// What may lie in a location together; "" is anything.
const (
	OneItem = "item" // one owner's item at a time
	OneLot  = "lot"  // and of that one lot
)

// Capacity bounds what lies in a location; zero means no bound.
type Capacity struct {
	Units  int64        `json:"units,omitempty"`
	Volume int64        `json:"volume_mm3,omitempty"`
	Weight measure.Mass `json:"weight_mg,omitempty"`
	LPNs   int64        `json:"lpns,omitempty"`
}

// Slot gives a location to one owner's item, and says when its stock there is filled up.
// Quantities are in the item's smallest unit. The zero Slot is anybody's.
type Slot struct {
	Owner string `json:"owner,omitempty"`
	Item  string `json:"item,omitempty"`
	Min   int64  `json:"min,omitempty"` // below it the place is replenished
	Max   int64  `json:"max,omitempty"` // up to it
}

// Given reports whether the slot belongs to an item.
func (s Slot) Given() bool { return s.Item != "" }

// Spec is everything about a location that may change. Sequence orders the
// locations along the walk of a picker where no layout says how he walks: Cell is the
// place along the aisle, counted from 1 at its front, both sides alike; 0 is not known.
type Spec struct {
	Purpose     string   `json:"purpose"`
	Zone        string   `json:"zone,omitempty"`
	Aisle       string   `json:"aisle,omitempty"`
	Bay         string   `json:"bay,omitempty"`
	Level       string   `json:"level,omitempty"`
	Cell        int      `json:"cell,omitempty"`
	Sequence    int64    `json:"sequence,omitempty"`
	StorageType string   `json:"storage_type,omitempty"`
	Capacity    Capacity `json:"capacity"`
	Slot        Slot     `json:"slot,omitzero"`
	Mix         string   `json:"mix,omitempty"` // OneItem or OneLot
}

// Register makes a location known. With Update, one that is known with another spec is
// changed. Blocked says why it is out of use, and leaves one as it is where it says nothing.
type Register struct {
	scope.Scope
	Code    string
	Spec    Spec
	Blocked string
	Update  bool
}

// Change replaces the spec.
type Change struct{ Spec Spec }

// Block takes a location out of use.
type Block struct{ Reason, By string }

// Unblock brings it back into use.
type Unblock struct{ By string }

// Head is what every location event begins with.
type Head struct {
	scope.Scope
	Code string    `json:"location"`
	At   time.Time `json:"at"`
}

// Stream is the stream of the location.
func (h Head) Stream() string { return StreamOf(h.Scope, h.Code) }

// Key orders messages about the location.
func (h Head) Key() string { return streamOf(h.Scope, h.Code).Key() }

func streamOf(s scope.Scope, code string) scope.Stream {
	return scope.Stream{Kind: "location", Tenant: s.Tenant, Owner: scope.Shared, ID: code, Facility: s.Facility}
}

// StreamOf is the stream of one location. Locations belong to the building.
func StreamOf(s scope.Scope, code string) string { return streamOf(s, code).String() }

// Registered says that a location became known.
type Registered struct {
	Head
	Spec
}

// Changed carries the whole new spec.
type Changed struct {
	Head
	Spec
}

// Blocked takes it out of use.
type Blocked struct {
	Head
	Reason string `json:"reason"`
	By     string `json:"by,omitempty"`
}

// Unblocked brings it back into use.
type Unblocked struct {
	Head
	By string `json:"by,omitempty"`
}

// EventType implements [event.Event].
func (Registered) EventType() string { return "location.Registered" }

// EventType implements [event.Event].
func (Changed) EventType() string { return "location.Changed" }

// EventType implements [event.Event].
func (Blocked) EventType() string { return "location.Blocked" }

// EventType implements [event.Event].
func (Unblocked) EventType() string { return "location.Unblocked" }

// Location is the state of a place. The zero Location is unknown.
type Location struct {
	Scope  scope.Scope `json:"scope"`
	Code   string      `json:"location"`
	Status string      `json:"status"`
	Reason string      `json:"reason,omitempty"` // why it is blocked
	Spec   Spec        `json:"spec"`
}

// Known reports whether the location was registered.
func (l Location) Known() bool { return l.Code != "" }

// Fold makes a [Location].
var Fold = event.Fold[Location]{Kind: "location", Version: 1, Apply: apply}

func apply(s Location, e event.Event) (Location, error) {
	switch e := e.(type) {
	case Registered:
		s = Location{Scope: e.Scope, Code: e.Code, Status: StatusActive, Spec: e.Spec}
	case Changed:
		s.Spec = e.Spec
	case Blocked:
		s.Status, s.Reason = StatusBlocked, e.Reason
	case Unblocked:
		s.Status, s.Reason = StatusActive, ""
	default:
		return s, event.Unexpected("location", e)
	}
	return s, nil
}
