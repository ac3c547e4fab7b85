// Package pack puts what was picked for an order into cartons, each unit once, and
// numbers the cartons with SSCC-18.
package pack

import (
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/scope"
)

// Limits of one packing.
const (
	MaxCartons  = 10_000
	MaxContents = 10_000
)

// Content is a quantity of one order line in the item's smallest unit, and the
// tote it comes from.
type Content struct {
	Line    int      `json:"line"`
	Item    string   `json:"item"`
	Lot     string   `json:"lot,omitempty"`
	Tote    string   `json:"tote,omitempty"`
	Qty     int64    `json:"qty"`
	Serials []string `json:"serials,omitempty"`
}

// Open begins to pack what is to be packed for an order. Pack names the packing:
// an order that is picked in parts may be packed in parts.
type Open struct {
	scope.Scope
	Pack     string
	Order    string
	Wave     string
	Contents []Content
}

// Add brings more to a packing that is open.
type Add struct{ Contents []Content }

// Propose records what the cartonizer suggests; the packer may do otherwise.
type Propose struct{ Plan Plan }

// CloseCarton fills and closes a carton at once, its contents as they are told, or Scanned
// one by one before. Its number is taken from the owner's counter by the caller, in the same
// commit. Weight is what the scale says; zero is not weighed. A carton whose weight is
// refused is left open with its contents.
type CloseCarton struct {
	Box      string
	Contents []Content
	Scanned  bool
	Dims     measure.Dims
	Tare     measure.Mass
	Weight   measure.Mass
	Check    Check
	Override Override
	SSCC     Numbering
	Packer   string
}

// Complete ends the packing once nothing is left.
type Complete struct{}

// Cancel ends the packing; its event lists what must be put back and unpacked.
type Cancel struct{ Reason string }

// Head is what every pack event begins with.
type Head struct {
	scope.Scope
	Pack  string    `json:"pack"`
	Order string    `json:"order"`
	Wave  string    `json:"wave,omitempty"`
	At    time.Time `json:"at"`
}

// Stream is the stream of the packing.
func (h Head) Stream() string { return StreamOf(h.Scope, h.Pack) }

// Key orders messages about the packing with its order's.
func (h Head) Key() string {
	return scope.Stream{Tenant: h.Tenant, Owner: h.Owner, ID: h.Order}.Key()
}

// StreamOf is the stream of a packing.
func StreamOf(s scope.Scope, pack string) string {
	return scope.Stream{Kind: "pack", Tenant: s.Tenant, Owner: s.Owner, ID: pack, Facility: s.Facility}.String()
}

// Opened says what is to be packed.
type Opened struct {
	Head
	Contents []Content `json:"contents"`
}

// Added says that more is to be packed.
type Added struct {
	Head
	Contents []Content `json:"contents"`
}

// Proposed says how the cartonizer would do it.
type Proposed struct {
	Head
	Plan Plan `json:"plan"`
}

// CartonClosed says what lies in a carton, and its number.
type CartonClosed struct {
	Head
	Carton   string       `json:"carton"` // SSCC-18
	No       int          `json:"no"`     // counts from 1 within the packing
	Box      string       `json:"box"`
	Contents []Content    `json:"contents"`
	Dims     measure.Dims `json:"dims"`
	Tare     measure.Mass `json:"tare_mg,omitempty"`
	Weight   measure.Mass `json:"weight_mg"` // measured, else expected, else 0
	Packer   string       `json:"packer,omitempty"`
	Expected measure.Mass `json:"expected_mg,omitempty"` // by master data; 0 is not known
	Weighed  bool         `json:"weighed,omitempty"`     // Weight is what a scale said
	Verified bool         `json:"verified,omitempty"`    // each unit was scanned into it
	Override Override     `json:"override,omitzero"`     // of a weight outside the tolerance
}

// Completed says that everything is in a carton. Cartons are their numbers.
type Completed struct {
	Head
	Cartons []string `json:"cartons"`
}

// Cancelled ends the packing. Loose goods must be put back from their totes,
// cartons unpacked (and their labels voided).
type Cancelled struct {
	Head
	Reason  string    `json:"reason"`
	Loose   []Content `json:"loose,omitempty"`
	Cartons []string  `json:"cartons,omitempty"`
}

// EventType implements [event.Event].
func (Opened) EventType() string { return "pack.Opened" }

// EventType implements [event.Event].
func (Added) EventType() string { return "pack.Added" }

// EventType implements [event.Event].
func (Proposed) EventType() string { return "pack.Proposed" }

// EventType implements [event.Event].
func (CartonClosed) EventType() string { return "pack.CartonClosed" }

// EventType implements [event.Event].
func (Completed) EventType() string { return "pack.Completed" }

// EventType implements [event.Event].
func (Cancelled) EventType() string { return "pack.Cancelled" }

var _ event.Streamed = Opened{}

// DoneBy is whose hands did it.
func (c CloseCarton) DoneBy() string { return c.Packer }
