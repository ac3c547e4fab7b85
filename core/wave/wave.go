// Package wave groups orders into work that is released together.
package wave

import (
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/scope"
)

// MaxOrders is the most orders that one wave may have.
const MaxOrders = 10_000

// Limits bound a wave; zero is no bound.
type Limits struct {
	Orders int64        `json:"orders,omitempty"`
	Lines  int64        `json:"lines,omitempty"`
	Units  int64        `json:"units,omitempty"`
	Volume int64        `json:"volume_mm3,omitempty"`
	Weight measure.Mass `json:"weight_mg,omitempty"`
	Totes  int64        `json:"totes,omitempty"`
	Labour int64        `json:"labour_ms,omitempty"` // one worker's time
}

// Order is an order in a wave with its share of the work.
type Order struct {
	Owner  string       `json:"owner"`
	Order  string       `json:"order"`
	Lines  int64        `json:"lines,omitempty"`
	Units  int64        `json:"units,omitempty"`
	Volume int64        `json:"volume_mm3,omitempty"`
	Weight measure.Mass `json:"weight_mg,omitempty"`
	Totes  int64        `json:"totes,omitempty"`
	Labour int64        `json:"labour_ms,omitempty"` // one worker's time
}

// Plan makes a wave of orders, in the order they are to be worked on. A wave
// belongs to the building and may hold orders of several owners.
type Plan struct {
	scope.Scope
	Wave     string
	Strategy string // how the orders were chosen: "order", "cut_off", "carrier", ...
	CutOff   time.Time
	Priority int
	Orders   []Order
	Limits   Limits
}

// Release gives the wave to the floor.
type Release struct{ By string }

// Finish records that the wave has nothing more to do for an order.
type Finish struct{ Owner, Order, Outcome string }

// Add puts an order into a planned wave.
type Add struct{ Order Order }

// Move takes an order out of a planned wave into another.
type Move struct{ Owner, Order, To string }

// Preview asks which waves would come of the orders that wait, and why one of them, where it is
// named, is in none. It changes nothing.
type Preview struct{ Of Of }

// Ask has a planned wave batched, to see how it would be picked.
type Ask struct{ By string }

// Outcomes of an order in a wave.
const (
	OutShipped   = "shipped"
	OutCancelled = "cancelled"
	OutRemoved   = "removed" // went back to be planned again
)

// Complete closes a released wave whose orders are all finished.
type Complete struct{}

// Cancel ends the wave; its unfinished orders go back to be planned again.
type Cancel struct{ Reason, By string }

// Head is what every wave event begins with.
type Head struct {
	scope.Scope
	Wave string    `json:"wave"`
	At   time.Time `json:"at"`
}

// Stream is the stream of the wave.
func (h Head) Stream() string { return StreamOf(h.Scope, h.Wave) }

// Key orders messages about the wave.
func (h Head) Key() string { return streamOf(h.Scope, h.Wave).Key() }

func streamOf(s scope.Scope, wave string) scope.Stream {
	return scope.Stream{Kind: "wave", Tenant: s.Tenant, Owner: scope.Shared, ID: wave, Facility: s.Facility}
}

// StreamOf is the stream of a wave.
func StreamOf(s scope.Scope, wave string) string { return streamOf(s, wave).String() }

// Planned says that a wave exists.
type Planned struct {
	Head
	Strategy string    `json:"strategy,omitempty"`
	CutOff   time.Time `json:"cut_off,omitzero"`
	Priority int       `json:"priority,omitempty"`
	Orders   []Order   `json:"orders"`
	Limits   Limits    `json:"limits"`
}

// Released says that its work may begin.
type Released struct {
	Head
	By string `json:"by,omitempty"`
}

// OrderAdded says that an order joined a planned wave.
type OrderAdded struct {
	Head
	Order Order `json:"added"`
}

// OptimizeAsked says that somebody wants to see the batches of a planned wave.
type OptimizeAsked struct {
	Head
	By string `json:"by,omitempty"`
}

// OrderFinished says what became of one of its orders.
type OrderFinished struct {
	Head
	Of      Of     `json:"of"`
	Outcome string `json:"outcome"`
}

// Of names an order of the wave.
type Of struct {
	Owner string `json:"owner"`
	Order string `json:"order"`
}

// Completed says that all of its orders are finished.
type Completed struct{ Head }

// Cancelled ends the wave. Orders are those that must be planned again.
type Cancelled struct {
	Head
	Reason string `json:"reason"`
	By     string `json:"by,omitempty"`
	Orders []Of   `json:"orders"`
}

// EventType implements [event.Event].
func (Planned) EventType() string { return "wave.Planned" }

// EventType implements [event.Event].
func (Released) EventType() string { return "wave.Released" }

// EventType implements [event.Event].
func (OrderAdded) EventType() string { return "wave.OrderAdded" }

// EventType implements [event.Event].
func (OptimizeAsked) EventType() string { return "wave.OptimizeAsked" }

// EventType implements [event.Event].
func (OrderFinished) EventType() string { return "wave.OrderFinished" }

// EventType implements [event.Event].
func (Completed) EventType() string { return "wave.Completed" }

// EventType implements [event.Event].
func (Cancelled) EventType() string { return "wave.Cancelled" }

var _ event.Streamed = Planned{}
