package order

import (
	"time"

	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/scope"
)

// Policies: what happens to an order that cannot be had whole.
const (
	Partial      = "partial"        // ship what there is; a line that is not understood is held
	AllOrNothing = "all_or_nothing" // one line that is not understood rejects all, one shortage holds all back
)

// Limits of one order, so that hostile input stays small. MaxLines is as many as what must be
// one unit (a promise of the whole, a confirmation) has room for in the journal's.
const (
	MaxLines = 2_000
	MaxRefs  = 256
	MaxNotes = 64
	MaxNote  = 4_096 // bytes of one note, and of any free text
	MaxQty   = int64(1) << 40
	MaxHolds = 16
	MaxNamed = 32
	MaxMerge = 32 // orders that one command merges into another
)

// Place asks for goods to be shipped. Number is the owner's order number: with the
// owner it is the business key, and there is one order for it.
type Place struct {
	scope.Scope
	Number   string
	Policy   string // "" is Partial
	Type     string // what kind of order it is, by the owner's own codes: "wholesale", "SA"
	Priority int    // 0 (normal) to 9 (most urgent)
	Lines    []PlaceLine
	ShipTo   party.Address
	BillTo   party.Address // zero for none
	Named    []party.Named // whom the document named, buyer and supplier among them: sealed, too
	Notes    []string      // for people; sealed with the addresses
	Service  Service
	Dates    Dates
	Refs     []Ref
	Source   Source
}

// PlaceLine asks for Qty of Item in UOM ("" is the item's smallest unit).
type PlaceLine struct {
	No        int         // 1 and up; 0 is "number them in order"
	Ref       string      // the sender's own id of the line, given back to him
	Item      string      // our SKU, or the sender's code where nobody could translate it
	Codes     []item.Code // what else the sender called it
	Qty       int64
	UOM       string
	Lot       string // pins a lot
	MinExpiry string // day before which the goods must not expire, "2006-01-02"
	Price     Price  // of one unit as it is ordered; zero where nobody said
}

// Price is what one of a unit costs, or Per of it, in millionths of the currency's unit: a fraction of a
// cent is exact, and so is a dozen for 10.00.
type Price struct {
	Micros   int64  `json:"micros"`
	Currency string `json:"currency"`      // ISO 4217
	Per      int64  `json:"per,omitempty"` // 0 is one
}

// Service is how it travels. All fields are optional.
type Service struct {
	Carrier string `json:"carrier,omitempty"` // SCAC or our carrier name
	Level   string `json:"level,omitempty"`   // carrier service code
	Method  string `json:"method,omitempty"`  // "parcel", "ltl", ...
	Account string `json:"account,omitempty"` // third party's account to be charged
	Terms   string `json:"terms,omitempty"`   // who pays: "prepaid", "collect", "third_party"
	Route   string `json:"route,omitempty"`   // delivery route that its truck drives
}

// Dates bound the work, in UTC; zero is no bound.
type Dates struct {
	Ordered     time.Time `json:"ordered,omitzero"`
	NotBefore   time.Time `json:"not_before,omitzero"`
	ShipBy      time.Time `json:"ship_by,omitzero"` // the cut-off
	DeliverBy   time.Time `json:"deliver_by,omitzero"`
	CancelAfter time.Time `json:"cancel_after,omitzero"`
}

// Ref is a further number of the order ("po", "department", ...).
type Ref struct {
	Kind  string `json:"kind"`
	Value string `json:"value"`
}

// Source says which door the order came through. It is not part of the order's
// identity: the same order may come through two doors.
type Source struct {
	Door    string `json:"door"` // "edi", "rest", "import", "webhook", "cli"
	Partner string `json:"partner,omitempty"`
	DocType string `json:"doc_type,omitempty"` // "940", "850", "ORDERS"
	DocID   string `json:"doc_id,omitempty"`   // control numbers, request id
	Cause   string `json:"cause,omitempty"`    // message id of the document
}

// Hold lets no new work begin on the order (see [Order.Workable]). An order may be on hold for several reasons.
type Hold struct{ Reason, By string }

// Release ends the hold for one reason, "" for all. The order goes on when none is left.
type Release struct{ Reason, By string }

// Reasons of a hold. Others may be given.
const (
	HoldManual  = "manual"
	HoldCredit  = "credit"
	HoldAddress = "address"
	HoldFraud   = "fraud"
	HoldPast    = "cancel_after" // its buyer no longer wants what has not left
)

// ReleaseLine resolves a held line once its item is known.
type ReleaseLine struct {
	Line int
	Item string // "" keeps what was ordered
}

// Cancel ends what is still open: of the given lines, or of all.
type Cancel struct {
	Reason string
	By     string
	Lines  []int // none is all
}

// Change alters an order that exists. What is left out stays as it is. Sent again it changes
// nothing, so that a caller who got no answer may repeat it.
type Change struct {
	Reason string // "" is none
	By     string

	Lines  []ChangeLine
	Add    []PlaceLine // each with the number it gets
	Remove []int       // cancelled, with all that was done for them undone

	ShipTo   *party.Address
	Service  *Service
	Dates    *Dates // all of them: a zero one is no bound any more
	Priority *int
}

// ChangeLine gives a line another quantity. UOM "" keeps the line's.
type ChangeLine struct {
	Line int
	Qty  int64
	UOM  string
}

// Split moves open quantities, in the items' smallest units, to a new order of number To. The
// same split again finds what it made.
type Split struct {
	To     string
	Lines  []LineQty
	Reason string
	By     string
}

// Merge takes other orders of the same ship-to into this one. Merged again it is no event.
type Merge struct {
	From []string
	By   string
}

// LineQty is a quantity of one line in its item's smallest unit.
type LineQty struct {
	Line int   `json:"line"`
	Qty  int64 `json:"qty"`
}

// Reserve records what was promised from stock.
type Reserve struct{ Lines []LineQty }

// Unreserve records promises that were taken back.
type Unreserve struct {
	Lines  []LineQty
	Reason string
}

// Backorder records what cannot be had now and waits for a receipt.
type Backorder struct {
	Lines  []LineQty
	Reason string
}

// ReleaseBackorder lets waiting quantities try again; Cause names the receipt.
type ReleaseBackorder struct {
	Lines []LineQty
	Cause string
}

// Allocate records what was given a place.
type Allocate struct{ Lines []LineQty }

// Deallocate records allocations that were taken back; Keep leaves them promised.
type Deallocate struct {
	Lines  []LineQty
	Keep   bool
	Reason string
}

// Wave records that the order is in a wave.
type Wave struct{ Wave string }

// Unwave records that it left the wave unshipped.
type Unwave struct{ Wave, Reason string }

// Pick records what a task put into totes.
type Pick struct {
	Task  string
	Lines []LineQty
}

// What becomes of a quantity that was not found.
const (
	Reallocate = "reallocate" // tried again from other places
	Wait       = "backorder"  // waits for a receipt
	Close      = "close"      // never shipped: a short ship
)

// Parts of a line that a shortage can be taken from.
const (
	FromOpen        = "open"        // not promised yet
	FromReserved    = "reserved"    // promised, and no place had it
	FromAllocated   = "allocated"   // given a place, and not found there
	FromBackordered = "backordered" // waiting
)

// Short says that Qty of a line cannot be had as planned: what part it is taken
// from, and what becomes of it.
type Short struct {
	Line int
	Qty  int64
	From string
	Then string
	Task string
}

// Pack records what lies in a closed carton.
type Pack struct {
	Carton string
	Lines  []LineQty
}

// Unpack records that a closed carton was opened again: its goods are picked and not
// packed.
type Unpack struct {
	Carton string
	Lines  []LineQty
}

// Ship records what left. Supplement counts the confirmations after the first. Outside is of goods that
// somebody else shipped out of a building of his: nobody here promised, picked or packed them.
type Ship struct {
	Shipment   string
	Supplement int
	Outside    bool
	Lines      []LineQty
}
