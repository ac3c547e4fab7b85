// Package door is what the intake doors of the hub promise, so that adapters that take
// bytes and routes that decide agree without knowing each other.
//
// A door takes one core command for one thing, decides it, and answers when the decision
// is durable. The same rule holds at each: an idempotency key that comes again with the
// same content gets the stored answer, with other content it is refused; the business key
// is unique by itself and answers with what exists, or with the differences.
package door

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
)

// Names of the doors, which are routes of the hub.
const (
	Orders    = "door.orders"    // order.Place, Change, Split, Merge, Hold, Release, ReleaseLine, Cancel
	Master    = "door.master"    // item.Register, item.Change, location.Register, Change, Block, Unblock, crossref.Set, Remove
	Stock     = "door.stock"     // inventory.Receive, Adjust, Transfer, ChangeStatus
	Receipts  = "door.receipts"  // receiving.Announce, Change, Arrive, Receive, ReceiveLPN, Judge, Close, Cancel; returns.Authorize, Receive, Dispose, Close, Cancel
	Waves     = "door.waves"     // wave.Plan, Add, Finish, Move, Ask, Release, Cancel, Preview; labor.Plan
	Floor     = "door.floor"     // task.Claim, Renew, Release, Complete; putaway.Put; pick.Confirm, pick.Short; pack.*
	Tracking  = "door.tracking"  // tracking.Place, tracking.End
	Scans     = "door.scans"     // scan.Send
	Devices   = "door.devices"   // device.Invite, Enrol, Check, Revoke
	Dock      = "door.dock"      // pallet.*, load.*, manifest.Close
	Tenders   = "door.tenders"   // tender.Offer, Withdraw, Accept, Decline
	Postage   = "door.postage"   // ship.AskPostage, VoidPostage
	Prints    = "door.prints"    // ship.PrintCarton, PrintOrder: they write nothing
	Shops     = "door.shops"     // shop.Hint, shop.Reconcile
	ERPs      = "door.erps"      // erp.Hint
	Documents = "door.documents" // Document: a file or body as it came
	Outbox    = "door.outbox"    // Resend
	Batches   = "door.batches"   // Flush

	Certificates = "door.certificates" // trust.Look, Judge, Propose
)

// Ask is what every door but Documents is called with.
type Ask struct {
	Scope scope.Scope
	ID    string // of the thing: order number, SKU, location code, wave, task
	Cmd   any    // a command of core, by value
	Key   *Key   // nil: only the business key protects from doubles
	Actor string // who asks, for audit-events
	// Device is what he asks with, where he says so.
	Device string
}

// Key is an idempotency key of a sender.
type Key struct {
	Scope string // "http/<client>", "webhook/<endpoint>", "import/<file hash>", "import/stock/<tenant>/<file name>"
	ID    string
	Hash  [32]byte // SHA-256 of the content
}

// Reply is a door's answer.
type Reply struct {
	// Created is false where the thing existed and nothing was written.
	Created bool
	// Repeat is set when Body is the stored answer of an earlier call.
	Repeat bool
	// Body is the state of the thing after the command, as JSON.
	Body json.RawMessage
}

// ReusedError says that an idempotency key came again with other content.
type ReusedError struct{ Key Key }

func (e *ReusedError) Error() string {
	return fmt.Sprintf("idempotency key %q was used before with other content: use a new key for a new request", e.Key.ID)
}

// ConflictError says that the business key belongs to an order that differs.
type ConflictError struct {
	Number      string
	Differences []order.Difference
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("order %s exists and differs in %d places", e.Number, len(e.Differences))
}

// Document is a file or body from a partner, as it came.
type Document struct {
	Partner string // whose door it came through
	Name    string // file name, Message-ID
	Media   string // "application/edi-x12"
	Bytes   []byte
	// Kept names a payload of the store that holds the content where that is long; Bytes is then
	// empty, and Size its length.
	Kept string
	Size int64
	// Refused is why the door did not read it; it is kept with what there is of it, and is a letter.
	Refused string
	Key     Key // what makes it the same document: its id where it has one, else its hash
}

// Len is the length of the content.
func (d Document) Len() int64 {
	if d.Kept != "" {
		return d.Size
	}
	return int64(len(d.Bytes))
}

// Resend sends a document that left for a partner anew, under new control numbers.
type Resend struct {
	Partner  string
	Document string // its name, as it left
	// Corrected is the whole interchange as it should have been; nil sends what left.
	Corrected []byte
	Actor     string
}

// Resent is the answer to a Resend: the document that was made of it.
type Resent struct {
	Document string `json:"document"`
	Repeat   bool   `json:"repeat"` // by an earlier call
	// Replaced are the documents that it stands for, where it is of several.
	Replaced []string `json:"replaced,omitempty"`
}

// Flush lets what waits for others leave for a partner at once.
type Flush struct {
	Partner string
	Actor   string
}

// Flushed is the answer to a Flush: the interchanges that were made, and of how many sets and messages.
type Flushed struct {
	Documents []string `json:"documents"`
	Sets      int      `json:"sets"`
}

// Waiting is what waits to leave for a partner in one interchange.
type Waiting struct {
	Partner string    `json:"partner"`
	Batch   string    `json:"batch"` // its syntax, and the sets that it is agreed for
	Sets    int       `json:"sets"`
	Bytes   int       `json:"bytes"` // of the interchange that they make now, at most
	Since   time.Time `json:"since"` // the first of them
	Due     time.Time `json:"due"`
}

// Accepted is the answer to a Document once it is durable: what becomes of it is told
// by acknowledgements and letters.
type Accepted struct {
	ID     string `json:"id"` // message id of the document
	Repeat bool   `json:"repeat"`
}
