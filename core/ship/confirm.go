package ship

import (
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/scope"
)

// PlanShipment says which cartons a shipment has. Shorts are what the order does
// not get, told with the confirmation.
type PlanShipment struct {
	scope.Scope
	Shipment string
	Order    string
	Wave     string
	Cartons  []string
	Shorts   []ShortLine
}

// ManifestCarton says that a carton has its label and stands on the carrier's
// manifest. When it is the last one that the shipment waits for, the shipment is
// confirmed. A carton that comes after that is a supplementary confirmation.
type ManifestCarton struct{ Carton Manifested }

// LeaveCartons says that cartons have left, whatever the shipment still waits for: they are
// confirmed at once, and those that follow are supplementary confirmations.
type LeaveCartons struct{ Cartons []Manifested }

// DropCarton takes a carton out of a shipment before it is confirmed (cancelled,
// unpacked, label voided).
type DropCarton struct{ Carton, Reason string }

// ShortLine is what a line does not get.
type ShortLine struct {
	Line   int    `json:"line"`
	Item   string `json:"item"`
	Qty    int64  `json:"qty"`
	Reason string `json:"reason,omitempty"`
}

// Manifested is a carton that leaves.
type Manifested struct {
	Carton   string         `json:"carton"` // SSCC-18
	Carrier  string         `json:"carrier,omitempty"`
	Service  string         `json:"service,omitempty"`
	Tracking string         `json:"tracking,omitempty"`
	Contents []pack.Content `json:"contents"`
	Dims     measure.Dims   `json:"dims"`
	Weight   measure.Mass   `json:"weight_mg"`
	Cost     measure.Money  `json:"cost,omitzero"`
}

// ConfirmHead is what every shipment event begins with.
type ConfirmHead struct {
	scope.Scope
	Shipment string    `json:"shipment"`
	Order    string    `json:"order"`
	Wave     string    `json:"wave,omitempty"`
	At       time.Time `json:"at"`
}

// Stream is the stream of the shipment.
func (h ConfirmHead) Stream() string { return StreamOf(h.Scope, h.Shipment) }

// Key orders messages about the shipment with its order's.
func (h ConfirmHead) Key() string {
	return scope.Stream{Tenant: h.Tenant, Owner: h.Owner, ID: h.Order}.Key()
}

// StreamOf is the stream of a shipment.
func StreamOf(s scope.Scope, shipment string) string {
	return scope.Stream{Kind: "ship", Tenant: s.Tenant, Owner: s.Owner, ID: shipment, Facility: s.Facility}.String()
}

// Planned says which cartons are waited for.
type Planned struct {
	ConfirmHead
	Cartons []string    `json:"cartons"`
	Shorts  []ShortLine `json:"shorts,omitempty"`
}

// CartonManifested says that a carton leaves.
type CartonManifested struct {
	ConfirmHead
	Manifested
}

// CartonDropped says that a carton does not leave with this shipment.
type CartonDropped struct {
	ConfirmHead
	Carton string `json:"carton"`
	Reason string `json:"reason"`
}

// Confirmed says what left: it is what the owner is told (945, shop, ERP). Each
// carton is in exactly one confirmation. Supplement is 0 for the first and counts
// those for cartons that came late.
type Confirmed struct {
	ConfirmHead
	Supplement int             `json:"supplement,omitempty"`
	Cartons    []Manifested    `json:"cartons"`
	Lines      []ConfirmedLine `json:"lines"`
	Shorts     []ShortLine     `json:"shorts,omitempty"` // with the first only
	Weight     measure.Mass    `json:"weight_mg"`
}

// ConfirmedLine is what left of an order line, summed over the cartons and told
// apart by lot.
type ConfirmedLine struct {
	Line int    `json:"line"`
	Item string `json:"item"`
	Lot  string `json:"lot,omitempty"`
	Qty  int64  `json:"qty"`
}

// EventType implements [event.Event].
func (Planned) EventType() string { return "ship.Planned" }

// EventType implements [event.Event].
func (CartonManifested) EventType() string { return "ship.CartonManifested" }

// EventType implements [event.Event].
func (CartonDropped) EventType() string { return "ship.CartonDropped" }

// EventType implements [event.Event].
func (Confirmed) EventType() string { return "ship.Confirmed" }

var _ event.Streamed = Planned{}
