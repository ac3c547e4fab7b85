// Package pallet nests cartons on pallets: a logistic unit with an SSCC of its own.
package pallet

import (
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/scope"
)

// MaxCartons bounds one pallet.
const MaxCartons = 2000

// Limits are what a pallet bears. Deck is its footprint and its own height; zero limits
// bound nothing.
type Limits struct {
	Deck      measure.Dims   `json:"deck"`
	Tare      measure.Mass   `json:"tare_mg,omitempty"`
	MaxWeight measure.Mass   `json:"max_weight_mg,omitempty"` // gross
	MaxHeight measure.Length `json:"max_height_um,omitempty"` // with the pallet itself
}

// Carton is what stands on a pallet.
type Carton struct {
	Owner  string       `json:"owner"`
	Order  string       `json:"order"`
	SSCC   string       `json:"sscc"`
	Dims   measure.Dims `json:"dims"`
	Weight measure.Mass `json:"weight_mg"`
}

// Build begins a pallet. Its number is taken from the counter by the caller, in the same
// commit.
type Build struct {
	scope.Scope // of the building
	SSCC        pack.Numbering
	Limits      Limits
	By          string
}

// Stack puts a carton on the pallet. Whether it may leave its place is known to the caller.
type Stack struct {
	Carton Carton
	By     string
}

// Unstack takes a carton off.
type Unstack struct{ Carton, By, Reason string }

// Close ends the stacking. Weight and Height are measured, zero where they were not.
type Close struct {
	Weight measure.Mass
	Height measure.Length
	By     string
}

// Break takes everything off, and ends the pallet.
type Break struct{ By, Reason string }

// Head is what every event of a pallet begins with.
type Head struct {
	scope.Scope
	Pallet string    `json:"pallet"` // SSCC-18
	At     time.Time `json:"at"`
}

// Stream is the stream of the pallet.
func (h Head) Stream() string { return StreamOf(h.Scope, h.Pallet) }

// Key orders messages about the pallet.
func (h Head) Key() string {
	return scope.Stream{Tenant: h.Tenant, Owner: scope.Shared, ID: h.Pallet, Facility: h.Facility}.Key()
}

// StreamOf is the stream of a pallet: it is the building's, whoever owns the cartons.
func StreamOf(s scope.Scope, sscc string) string {
	return scope.Stream{Kind: "pallet", Tenant: s.Tenant, Owner: scope.Shared, ID: sscc, Facility: s.Facility}.String()
}

// Built says that there is a pallet.
type Built struct {
	Head
	Limits
	By string `json:"by,omitempty"`
}

// Stacked says that a carton stands on the pallet.
type Stacked struct {
	Head
	Carton Carton `json:"carton"`
	By     string `json:"by,omitempty"`
}

// Unstacked says that a carton was taken off.
type Unstacked struct {
	Head
	Carton string `json:"carton"`
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Closed says that the pallet is ready. Weight is measured, or the sum.
type Closed struct {
	Head
	Cartons int            `json:"cartons"`
	Weight  measure.Mass   `json:"weight_mg"`
	Height  measure.Length `json:"height_um,omitempty"`
	By      string         `json:"by,omitempty"`
}

// Broken says that nothing stands on the pallet any more, and that it is none.
type Broken struct {
	Head
	Cartons []string `json:"cartons,omitempty"`
	By      string   `json:"by,omitempty"`
	Reason  string   `json:"reason,omitempty"`
}

// EventType implements [event.Event].
func (Built) EventType() string { return "pack.PalletBuilt" }

// EventType implements [event.Event].
func (Stacked) EventType() string { return "pack.PalletStacked" }

// EventType implements [event.Event].
func (Unstacked) EventType() string { return "pack.PalletUnstacked" }

// EventType implements [event.Event].
func (Closed) EventType() string { return "pack.PalletClosed" }

// EventType implements [event.Event].
func (Broken) EventType() string { return "pack.PalletBroken" }

var _ event.Streamed = Built{}
