// Package returns is what customers send back: what was authorized of a shipped order, or came
// without a word; what was found; what becomes of it; and what the customer is owed for it.
//
// As a receipt, a return decides about goods and posts none: its route books what its events
// say in the same unit. What comes back is held until somebody has said what becomes of it.
package returns

import (
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/scope"
)

// Statuses of a return.
const (
	StatusAuthorized = "authorized"
	StatusReceiving  = "receiving" // something of it came
	StatusClosed     = "closed"
	StatusCancelled  = "cancelled"
)

// What becomes of returned goods. Restocked ones are stock again; those in quarantine or to be
// refurbished stay held and may be disposed of again; scrap and what goes back to the vendor
// leaves the books.
const (
	Restock        = "restock"
	Quarantine     = "quarantine"
	Refurbish      = "refurbish"
	Scrap          = "scrap"
	ReturnToVendor = "return_to_vendor"
)

// Dispositions are all of them.
func Dispositions() []string { return []string{Restock, Quarantine, Refurbish, Scrap, ReturnToVendor} }

// MaxLines is the most lines of a return.
const MaxLines = 2_000

// Line is what may come back of an order line. OrderLine 0 is of none that is known.
type Line struct {
	No        int    `json:"line"`
	OrderLine int    `json:"order_line,omitempty"`
	Item      string `json:"item"`
	Qty       int64  `json:"qty"`
}

// Authorize lets goods of an order come back (an RMA). Line numbers of 0 are given in their order.
// Left says how many of an order line may still come back; the caller knows what else of it did.
type Authorize struct {
	scope.Scope
	ID     string
	Order  string
	Reason string
	Lines  []Line
	Left   func(orderLine int) (item string, left int64)
}

// Receive says what came. Line 0 finds the line of the item. A return that nobody authorized
// begins with it, and must say why: Blind. Left is as in [Authorize], nil where no order is known.
type Receive struct {
	inventory.Place
	Line    int
	Item    string
	Qty     int64
	Expiry  inventory.Date
	Entry   string // name of the act: said twice it is received once
	Note    string // the state it is in
	By      string
	Serials []string
	Blind   *Blind
	Left    func(orderLine int) (item string, left int64)
	// OrderLine is that of the item in the order of a blind return.
	OrderLine int
}

// Blind is what is known of a return that nobody authorized.
type Blind struct {
	scope.Scope
	ID, Order, Reason string
	Unknown           bool // nobody knows the order
}

// Dispose says what becomes of goods: those that nobody has looked at (From ""), or those in
// quarantine or to be refurbished. NoCredit says that the customer is owed nothing for them.
type Dispose struct {
	inventory.Place
	Line     int
	Qty      int64 // 0 is all of them
	From, To string
	Reason   string
	By       string
	NoCredit bool
	Serials  []string
	Stage    func(location string) string // of what is restocked where it lies
}

// Close ends a return: what did not come is not waited for.
type Close struct{ By string }

// Cancel ends a return of which nothing came.
type Cancel struct{ Reason, By string }

// Head is what every event of a return begins with.
type Head struct {
	scope.Scope
	ID string    `json:"return"`
	At time.Time `json:"at"`
}

// Stream is the stream of the return.
func (h Head) Stream() string { return StreamOf(h.Scope, h.ID) }

// Key orders messages about the return.
func (h Head) Key() string { return streamOf(h.Scope, h.ID).Key() }

func streamOf(s scope.Scope, id string) scope.Stream {
	return scope.Stream{Kind: "return", Tenant: s.Tenant, Owner: s.Owner, ID: id, Facility: s.Facility}
}

// StreamOf is the stream of a return.
func StreamOf(s scope.Scope, id string) string { return streamOf(s, id).String() }

// Authorized says that goods may come back; Blind, that they came without.
type Authorized struct {
	Head
	Order   string `json:"order,omitempty"`
	Unknown bool   `json:"unknown,omitempty"` // nobody knows the order
	Blind   bool   `json:"blind,omitempty"`
	Reason  string `json:"reason"`
	Lines   []Line `json:"lines,omitempty"`
}

// Received says what came and where it lies, held.
type Received struct {
	Head
	inventory.Place
	Line      int            `json:"line"`
	OrderLine int            `json:"order_line,omitempty"`
	Item      string         `json:"item"`
	Qty       int64          `json:"qty"`
	Expiry    inventory.Date `json:"expiry,omitempty"`
	Entry     string         `json:"entry,omitempty"`
	Note      string         `json:"note,omitempty"`
	By        string         `json:"by,omitempty"`
	Serials   []string       `json:"serials,omitempty"`
}

// Disposed says what becomes of goods. Stage is that they are in now, "" where they left.
type Disposed struct {
	Head
	inventory.Place
	Line    int      `json:"line"`
	Item    string   `json:"item"`
	Qty     int64    `json:"qty"`
	From    string   `json:"from,omitempty"`
	To      string   `json:"to"`
	Stage   string   `json:"stage,omitempty"`
	Reason  string   `json:"reason"`
	By      string   `json:"by"`
	Serials []string `json:"serials,omitempty"`
}

// CreditDue says that the customer is owed for goods that came back: a fact for the ERP, once a
// unit, when somebody first said what becomes of it.
type CreditDue struct {
	Head
	Line        int    `json:"line"`
	Order       string `json:"order"`
	OrderLine   int    `json:"order_line"`
	Item        string `json:"item"`
	Qty         int64  `json:"qty"`
	Disposition string `json:"disposition"`
	Reason      string `json:"reason"` // of the return
}

// Closed ends the return. Missing is what was authorized and did not come.
type Closed struct {
	Head
	Missing []Line `json:"missing,omitempty"`
	By      string `json:"by,omitempty"`
}

// Cancelled ends a return of which nothing came.
type Cancelled struct {
	Head
	Reason string `json:"reason"`
	By     string `json:"by,omitempty"`
}

// EventType implements [event.Event].
func (Authorized) EventType() string { return "receipt.ReturnAuthorized" }

// EventType implements [event.Event].
func (Received) EventType() string { return "receipt.ReturnReceived" }

// EventType implements [event.Event].
func (Disposed) EventType() string { return "receipt.ReturnDisposed" }

// EventType implements [event.Event].
func (CreditDue) EventType() string { return "receipt.CreditDue" }

// EventType implements [event.Event].
func (Closed) EventType() string { return "receipt.ReturnClosed" }

// EventType implements [event.Event].
func (Cancelled) EventType() string { return "receipt.ReturnCancelled" }

var _ event.Streamed = Authorized{}
