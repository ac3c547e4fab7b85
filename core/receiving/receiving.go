// Package receiving is what comes in at the dock: what was announced, what was found of it and
// in what condition, and what is missing or too much at the end.
//
// A receipt decides about goods and posts none: each [Received] is the stock movement that its
// route books in the same unit. Quantities are in the item's smallest unit.
package receiving

import (
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/scope"
)

// Kinds of a receipt.
const (
	KindASN      = "asn"      // an advance ship notice: what was packed
	KindExpected = "expected" // a purchase order: what was asked for
	KindBlind    = "blind"    // nobody announced it
)

// Statuses of a receipt.
const (
	StatusAnnounced = "announced"
	StatusArrived   = "arrived"
	StatusReceiving = "receiving" // something of it was received
	StatusClosed    = "closed"
	StatusCancelled = "cancelled"
)

// Conditions that goods are received in. Damaged goods and goods on hold say why.
const (
	Good    = ""
	Damaged = "damaged"
	OnHold  = "hold"
)

// What becomes of goods beyond the tolerance.
const (
	RefuseOver = "refuse"
	HoldOver   = "hold"
)

// Reasons that a receipt gives by itself.
const (
	ReasonOver    = "over"       // beyond what was announced and its tolerance
	ReasonLotHeld = "lot_held"   // the lot is held back everywhere
	ReasonInspect = "inspection" // the item is inspected whenever it comes in
)

// Limits of one receipt, whose events hold it whole.
const (
	MaxLines   = 2_000
	MaxParties = 32
	MaxEntries = 20_000
)

// MaxTolerance is the largest tolerance, in permille of what was announced.
const MaxTolerance = 10_000

// Line is what is expected of an item. LPN is the SSCC of the pallet or carton that it comes
// on: lines of one LPN are its contents.
type Line struct {
	No      int            `json:"line"`
	Item    string         `json:"item"`
	Qty     int64          `json:"qty"`
	Lot     string         `json:"lot,omitempty"`
	Expiry  inventory.Date `json:"expiry,omitempty"`
	LPN     string         `json:"lpn,omitempty"`
	Serials []string       `json:"serials,omitempty"`
	Codes   []item.Code    `json:"codes,omitempty"` // of the item, as the notice called it
}

// Announcement is what is known before the goods are.
type Announcement struct {
	Kind      string        `json:"kind"`
	Supplier  string        `json:"supplier,omitempty"`
	Reference string        `json:"reference,omitempty"` // of the purchase order or delivery
	Due       time.Time     `json:"due,omitzero"`
	Parties   []party.Coded `json:"parties,omitempty"` // whom the notice named, by their codes
	Lines     []Line        `json:"lines,omitempty"`
}

// Announce makes a receipt known. Line numbers of 0 are given in their order. Units are what
// the quantities of the lines are said in, in their order; "" and none is the smallest.
type Announce struct {
	scope.Scope
	ID string
	Announcement
	Units []string
}

// Change replaces the announcement.
type Change struct {
	Announcement
	Units []string
}

// Arrive says at which dock door it stands.
type Arrive struct{ Dock, By string }

// Policy is what holds for a receipt at this moment.
type Policy struct {
	Tolerance int      // permille of what was announced that may come beyond it
	Over      string   // what becomes of more: [RefuseOver] or [HoldOver]
	Blind     bool     // what nobody announced is received
	Inspect   bool     // good goods of the item are held until somebody has passed them
	Stage     string   // of good goods where they are put down: inventory.Free or inventory.Received
	HeldLots  []string // of the item, that are held back everywhere: goods of them are held
}

// Receive says what was found. Line 0 finds the lines of the item by LPN and lot, and Location
// "" is the dock it arrived at. Entry is the name of this act within the receipt: whoever says
// it twice has received once.
type Receive struct {
	inventory.Place
	Line      int
	Item      string
	Qty       int64
	UOM       string // of Qty, "" is the smallest unit
	Expiry    inventory.Date
	Condition string
	Reason    string
	Entry     string
	By        string
	Serials   []string
	Policy    Policy
}

// ReceiveLPN says that a pallet or carton came with all that was announced on it. What of it
// was received already stays so. Policies are by item.
type ReceiveLPN struct {
	LPN       string
	Location  string
	Condition string
	Reason    string
	By        string
	Policy    func(item string) Policy
}

// Judge passes goods that are held, or rejects them: all of the line, or Qty at one place.
type Judge struct {
	inventory.Place
	Line   int
	Qty    int64
	Pass   bool
	Stage  func(location string) string // of what passes where it lies: inventory.Free or inventory.Received
	Reason string
	By     string
	// Serials are those of the units, of an item that is tracked by them.
	Serials []string
}

// Close ends a receipt: what did not come is missing.
type Close struct{ By string }

// Cancel ends a receipt of which nothing came.
type Cancel struct{ Reason, By string }

// Head is what every event of a receipt begins with.
type Head struct {
	scope.Scope
	ID string    `json:"receipt"`
	At time.Time `json:"at"`
}

// Stream is the stream of the receipt.
func (h Head) Stream() string { return StreamOf(h.Scope, h.ID) }

// Key orders messages about the receipt.
func (h Head) Key() string { return streamOf(h.Scope, h.ID).Key() }

func streamOf(s scope.Scope, id string) scope.Stream {
	return scope.Stream{Kind: "receipt", Tenant: s.Tenant, Owner: s.Owner, ID: id, Facility: s.Facility}
}

// StreamOf is the stream of a receipt.
func StreamOf(s scope.Scope, id string) string { return streamOf(s, id).String() }

// Announced says that goods are on their way.
type Announced struct {
	Head
	Announcement
}

// Changed carries the whole new announcement.
type Changed struct {
	Head
	Announcement
}

// Arrived says that it stands at a dock door.
type Arrived struct {
	Head
	Dock string `json:"dock"`
	By   string `json:"by,omitempty"`
}

// Received says what was put down where, and in which stage. Over marks what came beyond the
// announcement. A line that the announcement does not have was not expected.
type Received struct {
	Head
	inventory.Place
	Line    int            `json:"line"`
	Item    string         `json:"item"`
	Stage   string         `json:"stage"`
	Qty     int64          `json:"qty"`
	Expiry  inventory.Date `json:"expiry,omitempty"`
	Reason  string         `json:"reason,omitempty"`
	Over    bool           `json:"over,omitempty"`
	Entry   string         `json:"entry,omitempty"`
	By      string         `json:"by,omitempty"`
	Serials []string       `json:"serials,omitempty"`
}

// Judged says that somebody passed held goods, or rejected them.
type Judged struct {
	Head
	inventory.Place
	Line    int      `json:"line"`
	Item    string   `json:"item"`
	Qty     int64    `json:"qty"`
	Pass    bool     `json:"pass"`
	Stage   string   `json:"stage"` // that they are in now
	Reason  string   `json:"reason"`
	By      string   `json:"by"`
	Serials []string `json:"serials,omitempty"`
}

// Moved says that held goods lie elsewhere now: whoever judges them finds them there.
type Moved struct {
	Head
	Line int             `json:"line"`
	From inventory.Place `json:"from"`
	To   inventory.Place `json:"to"`
	Qty  int64           `json:"qty"`
}

// Closed ends the receipt with all in which it differs from its announcement.
type Closed struct {
	Head
	Discrepancies []Discrepancy `json:"discrepancies,omitempty"`
	By            string        `json:"by,omitempty"`
}

// Cancelled ends a receipt of which nothing came.
type Cancelled struct {
	Head
	Reason string `json:"reason"`
	By     string `json:"by,omitempty"`
}

// EventType implements [event.Event].
func (Announced) EventType() string { return "receipt.Announced" }

// EventType implements [event.Event].
func (Changed) EventType() string { return "receipt.Changed" }

// EventType implements [event.Event].
func (Arrived) EventType() string { return "receipt.Arrived" }

// EventType implements [event.Event].
func (Received) EventType() string { return "receipt.Received" }

// EventType implements [event.Event].
func (Judged) EventType() string { return "receipt.Judged" }

// EventType implements [event.Event].
func (Moved) EventType() string { return "receipt.Moved" }

// EventType implements [event.Event].
func (Closed) EventType() string { return "receipt.Closed" }

// EventType implements [event.Event].
func (Cancelled) EventType() string { return "receipt.Cancelled" }

var _ event.Streamed = Announced{}
