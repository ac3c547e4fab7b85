// Package order is the life of an order from the wish to the dock. It counts, line
// by line, what was ordered, and holds at every moment
//
//	ordered = shipped + short + cancelled + open
//
// Stock is kept elsewhere (package inventory): an order records what stock, wave,
// pick and pack decided about it, and refuses what does not add up.
package order

import (
	"encoding/json"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/scope"
)

// Head is what every order event begins with.
type Head struct {
	scope.Scope
	Order string    `json:"order"`
	At    time.Time `json:"at"`
}

// Stream is the stream of the order.
func (h Head) Stream() string { return StreamOf(h.Scope, h.Order) }

// Key orders messages about the order.
func (h Head) Key() string { return KeyOf(h.Scope, h.Order) }

func streamOf(s scope.Scope, number string) scope.Stream {
	return scope.Stream{Kind: "order", Tenant: s.Tenant, Owner: s.Owner, ID: number}
}

// StreamOf is the stream of an order. The facility is not part of it: an owner's
// order number means one order, wherever it ships from.
func StreamOf(s scope.Scope, number string) string { return streamOf(s, number).String() }

// KeyOf is the ordering key of everything about an order: its picks, cartons,
// labels and shipments too.
func KeyOf(s scope.Scope, number string) string { return streamOf(s, number).Key() }

// Parties is the sealed group of an order: everything about people.
type Parties struct {
	ShipTo party.Address `json:"ship_to"`
	BillTo party.Address `json:"bill_to,omitzero"`
	Notes  []string      `json:"notes,omitempty"`
	Named  []party.Named `json:"named,omitempty"` // whom the document named, as it did
}

// Accepted says that the order exists. Lines that are held have Ordered 0 and are
// followed by a [LineHeld] each.
type Accepted struct {
	Head
	Policy   string         `json:"policy"`
	Type     string         `json:"type,omitempty"`
	Priority int            `json:"priority,omitempty"`
	Lines    []AcceptedLine `json:"lines"`
	Service  Service        `json:"service"`
	Dates    Dates          `json:"dates"`
	Refs     []Ref          `json:"refs,omitempty"`
	Source   Source         `json:"source"`
	Parties  Parties        `json:"-"`
}

// AcceptedLine is a line as it was asked for, with Ordered in the smallest unit.
type AcceptedLine struct {
	No        int         `json:"no"`
	Ref       string      `json:"ref,omitempty"`
	Item      string      `json:"item"`
	Codes     []item.Code `json:"codes,omitempty"`
	Qty       int64       `json:"qty"`
	UOM       string      `json:"uom"`
	Ordered   int64       `json:"ordered"`
	Lot       string      `json:"lot,omitempty"`
	MinExpiry string      `json:"min_expiry,omitempty"`
	Price     Price       `json:"price,omitzero"`
}

// Personal implements [event.Private].
func (e Accepted) Personal() (string, any) { return e.Stream(), e.Parties }

// WithPersonal implements [event.Private].
func (e Accepted) WithPersonal(group []byte) (event.Event, error) {
	err := json.Unmarshal(group, &e.Parties)
	return e, err
}

// Rejected says that the order was refused as a whole, and every reason why. The
// same order may be placed again.
type Rejected struct {
	Head
	Problems []Problem `json:"problems"`
	Source   Source    `json:"source"`
}

// Problem is one thing that is wrong with an order.
type Problem struct {
	Place string `json:"place"` // "lines[2].item"
	Code  string `json:"code"`  // see the Problem constants
	Text  string `json:"text"`
}

// Codes of problems.
const (
	UnknownItem = "unknown_item"
	UnknownUOM  = "unknown_uom"
	BadQuantity = "bad_quantity"
)

// LineHeld says that a line cannot be worked on until somebody helps.
type LineHeld struct {
	Head
	Line    int     `json:"line"`
	Problem Problem `json:"problem"`
}

// LineReleased says that a held line is understood now.
type LineReleased struct {
	Head
	Line    int    `json:"line"`
	Item    string `json:"item"`
	Ordered int64  `json:"ordered"`
}

// Held stops all work on the order.
type Held struct {
	Head
	Reason string `json:"reason"`
	By     string `json:"by,omitempty"`
}

// Released lets the work go on.
type Released struct {
	Head
	By string `json:"by,omitempty"`
}

// HoldLifted says that one reason of a hold is gone and others are left.
type HoldLifted struct {
	Head
	Reason string `json:"reason"`
	By     string `json:"by,omitempty"`
}

// Parts of an order that a [Changed] may carry.
const (
	FieldShipTo   = "ship_to"
	FieldService  = "service"
	FieldDates    = "dates"
	FieldPriority = "priority"
)

// Changed says what the order is from now on: lines of other quantities, lines that are new, and
// those of the parts below that Fields names. Lines that were taken out are [Cancelled].
type Changed struct {
	Head
	Reason   string         `json:"reason,omitempty"`
	By       string         `json:"by,omitempty"`
	Lines    []ChangedLine  `json:"lines,omitempty"`
	Added    []AcceptedLine `json:"added,omitempty"`
	Fields   []string       `json:"fields,omitempty"`
	Service  Service        `json:"service,omitzero"`
	Dates    Dates          `json:"dates,omitzero"`
	Priority int            `json:"priority,omitempty"`
	ShipTo   party.Address  `json:"-"`
}

// ChangedLine is a line as it is asked for from now on. Where it became less, Release,
// Deallocate and Backordered say what it lost of what was promised, had a place and waited; the
// rest of the loss nobody had promised.
type ChangedLine struct {
	Line        int    `json:"line"`
	Item        string `json:"item"`
	Qty         int64  `json:"qty"`
	UOM         string `json:"uom"`
	Ordered     int64  `json:"ordered"`
	Release     int64  `json:"release,omitempty"`
	Deallocate  int64  `json:"deallocate,omitempty"`
	Backordered int64  `json:"backordered,omitempty"`
}

// Personal implements [event.Private].
func (e Changed) Personal() (string, any) {
	if erased(e.ShipTo) {
		return "", nil
	}
	return e.Stream(), changedParties{e.ShipTo}
}

// WithPersonal implements [event.Private].
func (e Changed) WithPersonal(group []byte) (event.Event, error) {
	var p changedParties
	err := json.Unmarshal(group, &p)
	e.ShipTo = p.ShipTo
	return e, err
}

type changedParties struct {
	ShipTo party.Address `json:"ship_to"`
}

// SplitInto says that quantities were moved to another order, which begins with them.
type SplitInto struct {
	Head
	To     string        `json:"to"`
	Reason string        `json:"reason,omitempty"`
	By     string        `json:"by,omitempty"`
	Lines  []ChangedLine `json:"lines"` // as they are without what was moved
}

// SplitFrom follows the [Accepted] of an order that another one was split for. Root is the number
// that its sender knows.
type SplitFrom struct {
	Head
	From string `json:"from"`
	Root string `json:"root"`
}

// MergedFrom says that the lines of another order belong to this one from now on. Dates and
// Priority are those that both can live with.
type MergedFrom struct {
	Head
	From     string       `json:"from"`
	By       string       `json:"by,omitempty"`
	Lines    []MergedLine `json:"lines"`
	Dates    Dates        `json:"dates"`
	Priority int          `json:"priority,omitempty"`
	Refs     []Ref        `json:"refs,omitempty"` // that came with it
	Notes    []string     `json:"-"`
}

// MergedLine is a line that was line Of of the other order.
type MergedLine struct {
	AcceptedLine
	Of int `json:"of"`
}

// Personal implements [event.Private].
func (e MergedFrom) Personal() (string, any) {
	if len(e.Notes) == 0 {
		return "", nil
	}
	return e.Stream(), mergedNotes{e.Notes}
}

// WithPersonal implements [event.Private].
func (e MergedFrom) WithPersonal(group []byte) (event.Event, error) {
	var n mergedNotes
	err := json.Unmarshal(group, &n)
	e.Notes = n.Notes
	return e, err
}

type mergedNotes struct {
	Notes []string `json:"notes"`
}

// MergedInto ends an order whose lines belong to another one from now on.
type MergedInto struct {
	Head
	Into  string        `json:"into"`
	By    string        `json:"by,omitempty"`
	Lines []ChangedLine `json:"lines"` // that were moved: with 0 left
}

// CutOffMissed says that the cut-off passed and something of the order has not left.
type CutOffMissed struct {
	Head
	ShipBy time.Time `json:"ship_by"`
	Status Status    `json:"status"`          // the order's
	Lines  []LineQty `json:"lines,omitempty"` // what is open; held lines are not counted
}

// Cancelled ends what was open. Each line says what must be undone for it; the
// order itself counts the quantity as cancelled from now on.
type Cancelled struct {
	Head
	Reason string          `json:"reason"`
	By     string          `json:"by,omitempty"`
	Lines  []CancelledLine `json:"lines"`
}

// CancelledLine is Qty cancelled, of which these parts need compensation: promises
// to release, allocations to give back, totes to put back, cartons to unpack (and
// their labels to void). Backordered needs none: it says how much was waiting. A held line
// whose quantity was never known is cancelled with Qty 0.
type CancelledLine struct {
	Line        int    `json:"line"`
	Item        string `json:"item"`
	Qty         int64  `json:"qty"`
	Release     int64  `json:"release,omitempty"`
	Deallocate  int64  `json:"deallocate,omitempty"`
	PutBack     int64  `json:"put_back,omitempty"`
	Unpack      int64  `json:"unpack,omitempty"`
	Backordered int64  `json:"backordered,omitempty"`
}

// Reserved says that stock was promised to lines.
type Reserved struct {
	Head
	Lines []LineQty `json:"lines"`
}

// Unreserved says that promises were taken back.
type Unreserved struct {
	Head
	Lines  []LineQty `json:"lines"`
	Reason string    `json:"reason,omitempty"`
}

// Backordered says what waits for a receipt.
type Backordered struct {
	Head
	Lines  []LineQty `json:"lines"`
	Reason string    `json:"reason,omitempty"`
}

// BackorderReleased says what tries again.
type BackorderReleased struct {
	Head
	Lines []LineQty `json:"lines"`
	Cause string    `json:"cause,omitempty"`
}

// Allocated says what was given a place.
type Allocated struct {
	Head
	Lines []LineQty `json:"lines"`
}

// Deallocated says what lost its place again.
type Deallocated struct {
	Head
	Lines  []LineQty `json:"lines"`
	Keep   bool      `json:"keep,omitempty"`
	Reason string    `json:"reason,omitempty"`
}

// Waved is written by wave planning.
type Waved struct {
	Head
	Wave string `json:"wave"`
}

// Unwaved says that the order left a wave before it was shipped.
type Unwaved struct {
	Head
	Wave   string `json:"wave"`
	Reason string `json:"reason,omitempty"`
}

// Picked says what lies in totes.
type Picked struct {
	Head
	Task  string    `json:"task"`
	Lines []LineQty `json:"lines"`
}

// Shorted says what could not be had, and what becomes of it.
type Shorted struct {
	Head
	Line int    `json:"line"`
	Qty  int64  `json:"qty"`
	From string `json:"from"` // the part of the line it is taken from
	Then string `json:"then"`
	Task string `json:"task,omitempty"`
}

// Packed says what lies in a closed carton.
type Packed struct {
	Head
	Carton string    `json:"carton"`
	Lines  []LineQty `json:"lines"`
}

// Unpacked says what lies in a carton that was opened again.
type Unpacked struct {
	Head
	Carton string    `json:"carton"`
	Lines  []LineQty `json:"lines"`
}

// Shipped says what left.
type Shipped struct {
	Head
	Shipment   string    `json:"shipment"`
	Supplement int       `json:"supplement,omitempty"`
	Outside    bool      `json:"outside,omitempty"` // by somebody else, who was never given it to pack
	Lines      []LineQty `json:"lines"`
}

// EventType implements [event.Event].
func (Accepted) EventType() string { return "order.Accepted" }

// EventType implements [event.Event].
func (Rejected) EventType() string { return "order.Rejected" }

// EventType implements [event.Event].
func (LineHeld) EventType() string { return "order.LineHeld" }

// EventType implements [event.Event].
func (LineReleased) EventType() string { return "order.LineReleased" }

// EventType implements [event.Event].
func (Held) EventType() string { return "order.Held" }

// EventType implements [event.Event].
func (Released) EventType() string { return "order.Released" }

// EventType implements [event.Event].
func (HoldLifted) EventType() string { return "order.HoldLifted" }

// EventType implements [event.Event].
func (Changed) EventType() string { return "order.Changed" }

// EventType implements [event.Event].
func (SplitInto) EventType() string { return "order.SplitInto" }

// EventType implements [event.Event].
func (SplitFrom) EventType() string { return "order.SplitFrom" }

// EventType implements [event.Event].
func (MergedFrom) EventType() string { return "order.MergedFrom" }

// EventType implements [event.Event].
func (MergedInto) EventType() string { return "order.MergedInto" }

// EventType implements [event.Event].
func (CutOffMissed) EventType() string { return "order.CutOffMissed" }

// EventType implements [event.Event].
func (Cancelled) EventType() string { return "order.Cancelled" }

// EventType implements [event.Event].
func (Reserved) EventType() string { return "order.Reserved" }

// EventType implements [event.Event].
func (Unreserved) EventType() string { return "order.Unreserved" }

// EventType implements [event.Event].
func (Backordered) EventType() string { return "order.Backordered" }

// EventType implements [event.Event].
func (BackorderReleased) EventType() string { return "order.BackorderReleased" }

// EventType implements [event.Event].
func (Allocated) EventType() string { return "order.Allocated" }

// EventType implements [event.Event].
func (Deallocated) EventType() string { return "order.Deallocated" }

// EventType implements [event.Event].
func (Waved) EventType() string { return "order.Waved" }

// EventType implements [event.Event].
func (Unwaved) EventType() string { return "order.Unwaved" }

// EventType implements [event.Event].
func (Picked) EventType() string { return "order.Picked" }

// EventType implements [event.Event].
func (Shorted) EventType() string { return "order.Shorted" }

// EventType implements [event.Event].
func (Packed) EventType() string { return "order.Packed" }

// EventType implements [event.Event].
func (Unpacked) EventType() string { return "order.Unpacked" }

// EventType implements [event.Event].
func (Shipped) EventType() string { return "order.Shipped" }
