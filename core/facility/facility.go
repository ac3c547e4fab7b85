// Package facility is the master data of a building: its zones and aisles with what holds
// for their locations, and the rules by which items are given a place.
//
// A building that nobody registered has no rules: its locations name zones and aisles freely.
package facility

import (
	"cmp"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/scope"
)

// Limits of one building: its events hold it whole.
const (
	MaxZones  = 1_000
	MaxAisles = 5_000
	MaxRules  = 500
)

// Zone is a part of the building where one storage type and one way of working holds.
// Capacity is that of each of its locations that names none.
type Zone struct {
	Code        string            `json:"zone"`
	Title       string            `json:"title,omitempty"`
	StorageType string            `json:"storage_type,omitempty"`
	Capacity    location.Capacity `json:"capacity,omitzero"`
}

// Aisle lies in a zone. Capacity is that of each of its locations that names none, and goes
// before the zone's.
type Aisle struct {
	Code     string            `json:"aisle"`
	Zone     string            `json:"zone,omitempty"`
	Capacity location.Capacity `json:"capacity,omitzero"`
}

// Rule says where items of a kind lie: the first rule that fits an item decides. Empty
// fields fit every item. Zones and Purposes are in the order of preference; no zones are
// all of them.
type Rule struct {
	Rule        string   `json:"rule"` // its name
	Owner       string   `json:"owner,omitempty"`
	Class       string   `json:"class,omitempty"`
	StorageType string   `json:"storage_type,omitempty"`
	Zones       []string `json:"zones,omitempty"`
	Purposes    []string `json:"purposes,omitempty"`
}

// Spec is everything about a building that may change.
type Spec struct {
	Title    string   `json:"title,omitempty"`
	TimeZone string   `json:"time_zone,omitempty"` // IANA, of its cut-offs and documents; "" is UTC
	Zones    []Zone   `json:"zones,omitempty"`
	Aisles   []Aisle  `json:"aisles,omitempty"`
	Layouts  []Layout `json:"layouts,omitempty"`
	Slotting []Rule   `json:"slotting,omitempty"`
}

// Register makes a building known. With Update, one that is known with another spec is
// changed.
type Register struct {
	scope.Scope
	Spec   Spec
	Update bool
}

// Change replaces the spec.
type Change struct{ Spec Spec }

// Head is what every event of a building begins with.
type Head struct {
	scope.Scope
	At time.Time `json:"at"`
}

// Stream is the stream of the building.
func (h Head) Stream() string { return StreamOf(h.Scope) }

// Key orders messages about the building.
func (h Head) Key() string { return streamOf(h.Scope).Key() }

func streamOf(s scope.Scope) scope.Stream {
	return scope.Stream{Kind: "facility", Tenant: s.Tenant, Owner: scope.Shared, ID: s.Facility}
}

// StreamOf is the stream of the scope's building.
func StreamOf(s scope.Scope) string { return streamOf(s).String() }

// Registered says that a building became known.
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
func (Registered) EventType() string { return "location.FacilityRegistered" }

// EventType implements [event.Event].
func (Changed) EventType() string { return "location.FacilityChanged" }

// Facility is the state of a building. The zero Facility is unknown.
type Facility struct {
	Scope scope.Scope `json:"scope"`
	Spec  Spec        `json:"spec"`
}

// Known reports whether the building was registered.
func (f Facility) Known() bool { return f.Scope.Facility != "" }

// Fold makes a [Facility].
var Fold = event.Fold[Facility]{Kind: "facility", Version: 1, Apply: apply}

func apply(f Facility, e event.Event) (Facility, error) {
	switch e := e.(type) {
	case Registered:
		return Facility{e.Scope, e.Spec}, nil
	case Changed:
		f.Spec = e.Spec
		return f, nil
	}
	return f, event.Unexpected("facility", e)
}

// Zone is the zone of that code.
func (s Spec) Zone(code string) (Zone, bool) {
	i := slices.IndexFunc(s.Zones, func(z Zone) bool { return z.Code == code })
	if i < 0 {
		return Zone{}, false
	}
	return s.Zones[i], true
}

// Aisle is the aisle of that code.
func (s Spec) Aisle(code string) (Aisle, bool) {
	i := slices.IndexFunc(s.Aisles, func(a Aisle) bool { return a.Code == code })
	if i < 0 {
		return Aisle{}, false
	}
	return s.Aisles[i], true
}

// Effective is what holds for a location: its own, else its aisle's, else its zone's.
func (s Spec) Effective(l location.Spec) location.Spec {
	a, _ := s.Aisle(l.Aisle)
	z, _ := s.Zone(cmp.Or(l.Zone, a.Zone))
	l.Zone = cmp.Or(l.Zone, a.Zone)
	l.StorageType = cmp.Or(l.StorageType, z.StorageType)
	l.Capacity = l.Capacity.Or(a.Capacity).Or(z.Capacity)
	return l
}
