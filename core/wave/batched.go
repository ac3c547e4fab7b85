package wave

import (
	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/measure"
)

// Methods of picking: what a picker has with him on one tour.
const (
	Discrete  = "discrete" // one order
	BatchPick = "batch"    // several orders in one, which are sorted afterwards
	Cluster   = "cluster"  // several orders, each into totes of its own
	ZonePick  = "zone"     // what several orders have in one zone; the zones' parts are consolidated
	Bulk      = "bulk"     // some articles for all orders of a put wall, which has a slot an order
)

// Methods are all of them.
func Methods() []string { return []string{Discrete, BatchPick, Cluster, ZonePick, Bulk} }

// Kinds of way within a batch.
const (
	ByRoute    = "route"    // shortest tour through the layout
	BySequence = "sequence" // the locations' own order: nobody has said where they lie
)

// Solvers say what put orders into batches.
const (
	SolvedExact = "exact"      // nothing to choose, and every way is a shortest one
	SolvedBatch = "batch"      // package batch: annealing, column generation
	SolvedFirst = "first_come" // in the wave's order, as many as the limits allow
)

// Work is a quantity of an order's line that has its place and no task yet. A wave's batches
// are made of it.
type Work struct {
	Of
	Line   int             `json:"line"`
	Item   string          `json:"item"`
	From   inventory.Place `json:"from"`
	Qty    int64           `json:"qty"`    // in the item's smallest unit
	Volume int64           `json:"volume"` // of all of it, mm3
	Weight measure.Mass    `json:"weight"` // of all of it
	At     location.Spec   `json:"at"`     // of the place, with what holds for its aisle and zone
}

// Optimize groups a wave's work into batches and finds the way of each. It is decided by a
// solver that stops by Effort, so that the same command makes the same batches; the event
// holds them, and nothing that reads it solves again.
//
// Method "" is [Discrete]. Limits are those of one batch; a part of an order that exceeds
// them by itself is a batch of its own, and nothing is ever cut off. Totes are one an order at
// least, as many as its volume fills of ToteVolume (mm3, 0 is any). Building is where the
// work lies; places without a position in one of its layouts are walked by their sequence.
type Optimize struct {
	Method     string
	Limits     Limits
	ToteVolume int64
	Work       []Work
	Building   facility.Spec
	Seed       int64
	Effort     int64 // as package batch counts it: about six million a second
}

// Batched says in which batches a wave is picked, and how each is walked: in it stands each
// quantity of the wave's work once. Lengths are in um and count batches that are walked by
// route alone. Batches come in the order they are to be worked on: that of their most urgent
// orders.
//
// A released wave is batched once, when it is released: its work is known then, and moves
// no more from place to place for other orders' sake. A planned one may be batched as often as
// somebody asks, which binds nobody.
type Batched struct {
	Head
	Method   string  `json:"method"`
	Batches  []Batch `json:"batches,omitempty"`
	Total    int64   `json:"total_um,omitempty"`
	Bound    int64   `json:"bound_um,omitempty"`    // no way to batch this work is shorter
	Baseline int64   `json:"baseline_um,omitempty"` // first-come batches, each walked in S-shape
	Solver   string  `json:"solver"`
	Seed     int64   `json:"seed,omitempty"`
	Effort   int64   `json:"effort,omitempty"`   // that was spent
	Unplaced int     `json:"unplaced,omitempty"` // parts of the work that lie where nobody has said
	Because  string  `json:"because,omitempty"`  // why it is not all by route and solver
}

// Batch is one tour.
type Batch struct {
	No     int          `json:"no"` // from 1
	Layout string       `json:"layout,omitempty"`
	Zone   string       `json:"zone,omitempty"` // of zone picking
	Way    string       `json:"way"`            // ByRoute or BySequence; ByRoute where a part is
	Orders []Of         `json:"orders"`
	Stops  []Stop       `json:"stops"`
	Length int64        `json:"length_um,omitempty"`
	Lines  int64        `json:"lines"`
	Units  int64        `json:"units"`
	Volume int64        `json:"volume_mm3,omitempty"`
	Weight measure.Mass `json:"weight_mg,omitempty"`
	Totes  int64        `json:"totes,omitempty"`
}

// Stop is a place on the way, and what is taken there. Several stops may be at one
// position of the layout: shelves above each other, or on both sides of the aisle.
type Stop struct {
	Location string `json:"location"`
	Picks    []Pick `json:"picks"`
}

// Pick is a quantity that is taken for a line of an order.
type Pick struct {
	Of
	Line int             `json:"line"`
	Item string          `json:"item"`
	From inventory.Place `json:"from"`
	Qty  int64           `json:"qty"`
}

// EventType implements [event.Event].
func (Batched) EventType() string { return "wave.Batched" }
