// Package load plans what a truck takes: cartons and pallets by stop, loaded scan by scan,
// sealed and sent off.
package load

import (
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/scope"
)

// Limits of one load.
const (
	MaxStops = 100
	MaxUnits = 5000
)

// Stop is a place that the truck goes to, in the order of the journey.
type Stop struct {
	No   int    `json:"no"`
	Code string `json:"code"` // of the place, as whoever drives knows it
}

// Unit is a carton or pallet of a load.
type Unit struct {
	SSCC   string `json:"sscc"`
	Stop   int    `json:"stop"`
	Loaded bool   `json:"loaded,omitempty"`
}

// Carton is what leaves, with the pallet that it stands on.
type Carton struct {
	Owner  string `json:"owner"`
	Order  string `json:"order"`
	Carton string `json:"carton"`
	Pallet string `json:"pallet,omitempty"`
	Stop   int    `json:"stop"`
}

// Plan begins a load. Without stops there is one.
type Plan struct {
	scope.Scope // of the building
	Load        string
	Carrier     string
	Trailer     string
	Stops       []Stop
	By          string
}

// Assign says that a unit goes with the load. Whether it may is known to the caller.
type Assign struct {
	SSCC string
	Stop int // 0 is the first
	By   string
}

// Unassign takes a unit off the load, loaded or not.
type Unassign struct{ SSCC, By, Reason string }

// Scan says that a unit stands in the truck.
type Scan struct{ SSCC, By string }

// Seal closes the truck once everything is in it.
type Seal struct{ Seal, By string }

// Unseal opens it again.
type Unseal struct{ Reason, By string }

// Depart sends it off. Cartons is everything in it, known to the caller.
type Depart struct {
	Cartons []Carton
	By      string
}

// Cancel ends a load that did not leave.
type Cancel struct{ Reason, By string }

// Head is what every event of a load begins with.
type Head struct {
	scope.Scope
	Load string    `json:"load"`
	At   time.Time `json:"at"`
}

// Stream is the stream of the load.
func (h Head) Stream() string { return StreamOf(h.Scope, h.Load) }

// Key orders messages about the load.
func (h Head) Key() string {
	return scope.Stream{Tenant: h.Tenant, Owner: scope.Shared, ID: h.Load, Facility: h.Facility}.Key()
}

// StreamOf is the stream of a load: it is the building's.
func StreamOf(s scope.Scope, id string) string {
	return scope.Stream{Kind: "load", Tenant: s.Tenant, Owner: scope.Shared, ID: id, Facility: s.Facility}.String()
}

// Planned says that there is a load.
type Planned struct {
	Head
	Carrier string `json:"carrier"`
	Trailer string `json:"trailer,omitempty"`
	Stops   []Stop `json:"stops"`
	By      string `json:"by,omitempty"`
}

// Assigned says that a unit goes with it.
type Assigned struct {
	Head
	SSCC string `json:"sscc"`
	Stop int    `json:"stop"`
	By   string `json:"by,omitempty"`
}

// Unassigned says that a unit does not go with it.
type Unassigned struct {
	Head
	SSCC   string `json:"sscc"`
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Scanned says that a unit stands in the truck.
type Scanned struct {
	Head
	SSCC string `json:"sscc"`
	By   string `json:"by,omitempty"`
}

// Sealed says that the truck is closed.
type Sealed struct {
	Head
	Seal string `json:"seal"`
	By   string `json:"by,omitempty"`
}

// Unsealed says that it was opened again.
type Unsealed struct {
	Head
	Reason string `json:"reason"`
	By     string `json:"by,omitempty"`
}

// Departed says that it left, and with what.
type Departed struct {
	Head
	Carrier string   `json:"carrier"`
	Trailer string   `json:"trailer,omitempty"`
	Seal    string   `json:"seal"`
	Cartons []Carton `json:"cartons"`
	By      string   `json:"by,omitempty"`
}

// Cancelled says that it never leaves. Units are free again.
type Cancelled struct {
	Head
	Units  []string `json:"units,omitempty"`
	Reason string   `json:"reason"`
	By     string   `json:"by,omitempty"`
}

// EventType implements [event.Event].
func (Planned) EventType() string { return "ship.LoadPlanned" }

// EventType implements [event.Event].
func (Assigned) EventType() string { return "ship.LoadAssigned" }

// EventType implements [event.Event].
func (Unassigned) EventType() string { return "ship.LoadUnassigned" }

// EventType implements [event.Event].
func (Scanned) EventType() string { return "ship.LoadScanned" }

// EventType implements [event.Event].
func (Sealed) EventType() string { return "ship.LoadSealed" }

// EventType implements [event.Event].
func (Unsealed) EventType() string { return "ship.LoadUnsealed" }

// EventType implements [event.Event].
func (Departed) EventType() string { return "ship.LoadDeparted" }

// EventType implements [event.Event].
func (Cancelled) EventType() string { return "ship.LoadCancelled" }

var _ event.Streamed = Planned{}
