// Package inventory is the stock of a warehouse in double entry. Every movement is
// an event with postings that sum to zero; floors of zero on every place of goods
// and on what is available to promise make overselling impossible, whatever the
// interleaving.
//
// A soft reservation promises a quantity of an item ([ATP] to [Promised]); a hard
// allocation gives it a place ([Free] to [Allocated]). Which place, is decided from
// a [Stock] that may be stale; whether it may be had, is decided by the floors.
package inventory

import (
	"time"

	"github.com/paklog/hub/core/event"
)

// Head is what every stock event begins with.
type Head struct {
	BookKey
	At time.Time `json:"at"`
}

// For says what a movement is done for. All fields are optional.
type For struct {
	Order string `json:"order,omitempty"`
	Line  int    `json:"line,omitempty"`
	Task  string `json:"task,omitempty"`
	Hold  string `json:"hold,omitempty"` // a reservation that is of no order
}

// StockReceived says that goods came in, to a place and a stage (free, held, damaged).
type StockReceived struct {
	Head
	Place
	Stage     string   `json:"stage"`
	Qty       int64    `json:"qty"`
	Expiry    Date     `json:"expiry,omitempty"` // of the lot
	From      string   `json:"from"`             // the world account: supplier, opening, return
	Reference string   `json:"reference,omitempty"`
	Serials   []string `json:"serials,omitempty"`
}

// StockReserved says that qty was promised to an order line.
type StockReserved struct {
	Head
	For
	Qty int64 `json:"qty"`
}

// StockReleased says that a promise was taken back.
type StockReleased struct {
	Head
	For
	Qty    int64  `json:"qty"`
	Reason string `json:"reason,omitempty"`
}

// StockAllocated says that promised goods were given a place, and why this one.
type StockAllocated struct {
	Head
	For
	Place
	Qty int64 `json:"qty"`
	Why Why   `json:"why"`
}

// StockDeallocated takes an allocation back: the goods are free again, and stay
// promised to the line when Keep is set.
type StockDeallocated struct {
	Head
	For
	Place
	Qty    int64  `json:"qty"`
	Keep   bool   `json:"keep,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// StockPicked says that allocated goods went from their place into a tote.
type StockPicked struct {
	Head
	For
	Place
	Tote    string   `json:"tote"`
	Qty     int64    `json:"qty"`
	Serials []string `json:"serials,omitempty"`
}

// StockShorted says that a picker found fewer than were allocated. Missing leaves
// the allocation and becomes suspect; Quarantined is free stock of the same place
// that is doubted with it.
type StockShorted struct {
	Head
	For
	Place
	Expected    int64 `json:"expected"`
	Found       int64 `json:"found"`
	Missing     int64 `json:"missing"`
	Quarantined int64 `json:"quarantined,omitempty"`
}

// StockPutBack says that picked or packed goods are no order's any more: they wait to be put away
// in the tote or carton that they were taken into, which is their location then. Without a Stage
// they lie on a shelf, and are free.
type StockPutBack struct {
	Head
	For
	From    Account  `json:"from"`
	To      Place    `json:"to"`
	Qty     int64    `json:"qty"`
	Reason  string   `json:"reason,omitempty"`
	Serials []string `json:"serials,omitempty"`
	Stage   string   `json:"stage,omitempty"` // "" is free
}

// StockSorted says that picked goods went from a tote into the slot or tote of their order.
type StockSorted struct {
	Head
	For
	Lot  string `json:"lot,omitempty"`
	Tote string `json:"tote"`
	Slot string `json:"slot"`
	Qty  int64  `json:"qty"`

	Serials []string `json:"serials,omitempty"`
}

// StockPacked says that goods went from a tote into a closed carton.
type StockPacked struct {
	Head
	For
	Tote   string `json:"tote"`
	Lot    string `json:"lot,omitempty"`
	Carton string `json:"carton"` // SSCC
	Qty    int64  `json:"qty"`

	Serials []string `json:"serials,omitempty"`
}

// StockUnpacked says that goods of a carton that was opened again are in their tote.
type StockUnpacked struct {
	Head
	For
	Tote   string `json:"tote"`
	Lot    string `json:"lot,omitempty"`
	Carton string `json:"carton"` // SSCC
	Qty    int64  `json:"qty"`

	Serials []string `json:"serials,omitempty"`
}

// StockStaged says that a carton's goods stand at the dock.
type StockStaged struct {
	Head
	For
	Carton   string `json:"carton"`
	Lot      string `json:"lot,omitempty"`
	Location string `json:"location"`
	Qty      int64  `json:"qty"`
}

// StockShipped says that goods left in a carton.
type StockShipped struct {
	Head
	For
	Carton  string   `json:"carton"`
	Lot     string   `json:"lot,omitempty"`
	Staged  string   `json:"staged,omitempty"` // the dock location, "" when it left from packing
	Qty     int64    `json:"qty"`
	Serials []string `json:"serials,omitempty"`
}

// StockAdjusted says that the books were set right by Delta.
type StockAdjusted struct {
	Head
	Place
	Stage   string   `json:"stage"`
	Delta   int64    `json:"delta"`
	Reason  string   `json:"reason"`
	By      string   `json:"by,omitempty"`
	Serials []string `json:"serials,omitempty"`
}

// StockTransferred says that goods went from one shelf to another: free ones, unless Stage
// says held, damaged or received.
type StockTransferred struct {
	Head
	From   Place  `json:"from"`
	To     Place  `json:"to"`
	Qty    int64  `json:"qty"`
	Reason string `json:"reason,omitempty"`
	Stage  string `json:"stage,omitempty"`
	// Serials are those of the units, where somebody named them.
	Serials []string `json:"serials,omitempty"`
}

// StockStatusChanged says that goods on a shelf changed stage: quarantined,
// released from it, found damaged, or found after all.
type StockStatusChanged struct {
	Head
	Place
	From   string `json:"from"`
	To     string `json:"to"`
	Qty    int64  `json:"qty"`
	Reason string `json:"reason"`
	By     string `json:"by,omitempty"`
	// Serials are those of the units. Where one command changes goods at several places, they are
	// handed out in the order in which they were named: nobody said which lies where.
	Serials []string `json:"serials,omitempty"`
}

// StockLotHeld says that a lot is held back everywhere, until [StockLotReleased]: what of it
// comes to a shelf later is held, and none of it is given to an order.
type StockLotHeld struct {
	Head
	Lot    string `json:"lot"`
	Reason string `json:"reason"`
	By     string `json:"by,omitempty"`
}

// StockLotReleased ends that.
type StockLotReleased StockLotHeld

// StockReassigned says that allocated goods serve another purpose from now on, where they
// lie: an urgent order took them, or an order that its reservation was for. No account moves.
type StockReassigned struct {
	Head
	Place
	From   For    `json:"from"`
	To     For    `json:"to"`
	Qty    int64  `json:"qty"`
	Reason string `json:"reason"` // "priority", "reservation"
	// Priorities of both, where one was weighed against the other.
	FromPriority int `json:"from_priority,omitempty"`
	ToPriority   int `json:"to_priority,omitempty"`
}

// StockCounted ends a count of a place: Booked is what the books had there, Counted what was
// found. Unsettled is what is missing of goods that are spoken for: their pickers will miss
// them, and until then the place is not chosen again.
type StockCounted struct {
	Head
	Place
	Count     string `json:"count,omitempty"`
	Booked    int64  `json:"booked"`
	Counted   int64  `json:"counted"`
	Unsettled int64  `json:"unsettled,omitempty"`
	By        string `json:"by,omitempty"`
}

// ReplenishmentAsked says that goods are to be brought to a pick face by a task, and why, as
// data: the kind of replenishment, what the face has free and what is on its way, between what
// it is kept, and what was wanted of it.
type ReplenishmentAsked struct {
	Head
	Location string `json:"location"`
	Task     string `json:"task"`
	Qty      int64  `json:"qty"`
	Kind     string `json:"kind"`
	Have     int64  `json:"have"`
	Coming   int64  `json:"coming,omitempty"`
	Min      int64  `json:"min,omitempty"`
	Max      int64  `json:"max,omitempty"`
	Wanted   int64  `json:"wanted,omitempty"`
}

// StockPutAway says that goods went from the dock to a shelf and are free there. Planned is where
// the task said; where the worker took another place, Reason is his.
type StockPutAway struct {
	Head
	From    Place  `json:"from"`
	To      Place  `json:"to"`
	Stage   string `json:"stage"` // that they were in: received or free
	Qty     int64  `json:"qty"`
	Task    string `json:"task"`
	Planned string `json:"planned,omitempty"`
	Reason  string `json:"reason,omitempty"`
	By      string `json:"by,omitempty"`
	// Serials are those of the units, where somebody named them.
	Serials []string `json:"serials,omitempty"`
}

// PutAwayDirected says where goods are to be put away by a task, and why there.
type PutAwayDirected struct {
	Head
	From Place    `json:"from"`
	To   string   `json:"to"`
	Qty  int64    `json:"qty"`
	Task string   `json:"task"`
	Why  WhyThere `json:"why"`
}

// PutAwayDeferred says that goods stay where they are for now, and why, as data.
type PutAwayDeferred struct {
	Head
	Place
	Stage   string    `json:"stage"`
	Qty     int64     `json:"qty"`
	Because string    `json:"because"`           // see package putaway
	Refused []Skipped `json:"refused,omitempty"` // the first few places that do not take them
}

// WhyThere says why goods are put away in a place, as data.
type WhyThere struct {
	Because    string    `json:"because"` // see package putaway
	Rule       string    `json:"rule,omitempty"`
	Room       int64     `json:"room"` // units that fitted, -1 is no bound
	Considered int       `json:"considered"`
	Refused    []Skipped `json:"refused,omitempty"` // the first few that ranked before and could not take them
}

// CountRequested asks for a count of a place.
type CountRequested struct {
	Head
	For
	Place
	Cause string `json:"cause"`        // "short_pick", ...
	By    string `json:"by,omitempty"` // who doubts it
}

// Why says why a place was chosen, as data.
type Why struct {
	Strategy   string    `json:"strategy"`
	Because    string    `json:"because"` // see the Because constants
	Considered int       `json:"considered"`
	Skipped    []Skipped `json:"skipped,omitempty"` // the first few that ranked before and could not be used

	Expiry      Date      `json:"expiry,omitempty"`        // of what was chosen
	Since       time.Time `json:"since,omitzero"`          // when it was received
	UOM         string    `json:"uom,omitempty"`           // the unit that it is picked in, by strategy ByUnit
	MinExpiry   Date      `json:"min_expiry,omitempty"`    // what expires before was passed over
	MinExpiryBy string    `json:"min_expiry_by,omitempty"` // who demands it: line, customer, item, owner
}

// Skipped is a place that was passed over.
type Skipped struct {
	Place
	Why string `json:"why"`
}

// EventType implements [event.Event].
func (StockReceived) EventType() string { return "stock.Received" }

// EventType implements [event.Event].
func (StockReserved) EventType() string { return "stock.Reserved" }

// EventType implements [event.Event].
func (StockReleased) EventType() string { return "stock.Released" }

// EventType implements [event.Event].
func (StockAllocated) EventType() string { return "stock.Allocated" }

// EventType implements [event.Event].
func (StockDeallocated) EventType() string { return "stock.Deallocated" }

// EventType implements [event.Event].
func (StockPicked) EventType() string { return "stock.Picked" }

// EventType implements [event.Event].
func (StockShorted) EventType() string { return "stock.Shorted" }

// EventType implements [event.Event].
func (StockPutBack) EventType() string { return "stock.PutBack" }

// EventType implements [event.Event].
func (StockSorted) EventType() string { return "stock.Sorted" }

// EventType implements [event.Event].
func (StockPacked) EventType() string { return "stock.Packed" }

// EventType implements [event.Event].
func (StockUnpacked) EventType() string { return "stock.Unpacked" }

// EventType implements [event.Event].
func (StockStaged) EventType() string { return "stock.Staged" }

// EventType implements [event.Event].
func (StockShipped) EventType() string { return "stock.Shipped" }

// EventType implements [event.Event].
func (StockAdjusted) EventType() string { return "stock.Adjusted" }

// EventType implements [event.Event].
func (StockTransferred) EventType() string { return "stock.Transferred" }

// EventType implements [event.Event].
func (StockStatusChanged) EventType() string { return "stock.StatusChanged" }

// EventType implements [event.Event].
func (StockLotHeld) EventType() string { return "stock.LotHeld" }

// EventType implements [event.Event].
func (StockLotReleased) EventType() string { return "stock.LotReleased" }

// EventType implements [event.Event].
func (StockReassigned) EventType() string { return "stock.Reassigned" }

// EventType implements [event.Event].
func (StockCounted) EventType() string { return "stock.Counted" }

// EventType implements [event.Event].
func (ReplenishmentAsked) EventType() string { return "stock.ReplenishmentAsked" }

// EventType implements [event.Event].
func (StockPutAway) EventType() string { return "stock.PutAway" }

// EventType implements [event.Event].
func (PutAwayDirected) EventType() string { return "stock.PutAwayDirected" }

// EventType implements [event.Event].
func (PutAwayDeferred) EventType() string { return "stock.PutAwayDeferred" }

// EventType implements [event.Event].
func (CountRequested) EventType() string { return "count.Requested" }

var _ event.Streamed = StockReceived{}

// of names the book that an event belongs to.
func (h Head) of() BookKey { return h.BookKey }

// KeyOf is the key of the stock that e changes, and false for other events.
func KeyOf(e event.Event) (BookKey, bool) {
	h, ok := e.(interface{ of() BookKey })
	if !ok {
		return BookKey{}, false
	}
	return h.of(), true
}
