// Package erp is what an ERP and the warehouse tell each other about goods that leave and come. The port that
// ERPs are reached by stands beside the types it speaks.
package erp

import (
	"time"

	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/receiving"
)

// Movement is how far the goods issue or goods receipt of a delivery has come.
type Movement string

// The states of a goods movement.
const (
	NotMoved Movement = "not_posted"
	Partly   Movement = "partly_posted"
	Moved    Movement = "posted"
)

// Delivery is what the ERP wants delivered.
type Delivery struct {
	Number   string    `json:"number"` // without zeros in front
	Movement Movement  `json:"goods_issue"`
	Day      time.Time `json:"day,omitzero"` // of the goods issue, where it is posted
	Items    []Item    `json:"items"`
}

// Item is an item of a delivery that goods are issued or received for. Quantities are in its base unit, which our
// smallest unit of the item must be.
type Item struct {
	No       string `json:"no"` // without zeros in front
	Material string `json:"material"`
	Batch    string `json:"batch,omitempty"` // "" is any
	Unit     string `json:"unit"`
	Asked    int64  `json:"asked"`            // at first
	Qty      int64  `json:"qty"`              // to be delivered, as it is said now
	Picked   bool   `json:"picked,omitempty"` // or, of what comes, put away
	Source   string `json:"source,omitempty"` // the sales or purchase order that it is of
	Plant    string `json:"plant,omitempty"`  // where it is from or goes to, by the ERP's own name

	Expiry time.Time `json:"expiry,omitzero"` // the day
}

// Listed is a delivery in a list of those that changed.
type Listed struct {
	Number  string `json:"number"`
	Version string `json:"version"`         // another one is another delivery; "" is not known
	Point   string `json:"point,omitempty"` // where it is shipped from, by the ERP's own name
}

// Page is a page of deliveries. Next is "" behind the last.
type Page struct {
	Deliveries []Listed
	Next       string
}

// Work is a delivery as an order is made of it.
type Work struct {
	Listed
	Movement Movement `json:"goods_issue"`
	Blocked  string   `json:"blocked,omitempty"` // why nobody is to work on it yet, by the ERP's own code
	Gone     bool     `json:"gone,omitempty"`    // the ERP has it no more
	// Order is what it asks for. Whose it is and the building are for the connection to say.
	Order order.Place `json:"order"`
}

// Arrival is an inbound delivery as a receipt is made of it.
type Arrival struct {
	Listed
	Movement Movement `json:"goods_receipt"`
	Blocked  string   `json:"blocked,omitempty"` // why nobody is to receive it yet, by the ERP's own code
	Gone     bool     `json:"gone,omitempty"`    // the ERP has it no more
	Plants   []string `json:"plants,omitempty"`  // where its items go to, by the ERP's own names
	// Announcement is what it says, in smallest units; its lines are numbered as the items are.
	Announcement receiving.Announcement `json:"announcement"`
}

// Hint says that something changed in an ERP; About is a delivery, or "" where it may be any.
type Hint struct {
	ERP   string
	About string
}

// GoodsIssue is what left of one delivery, in smallest units.
type GoodsIssue struct {
	Key      string `json:"key"` // ours, of this telling
	Order    string `json:"order"`
	Delivery string `json:"delivery"`
	Lines    []Line `json:"lines"`
}

// Line is what left of one line of the order, 0 where nothing did.
type Line struct {
	No      int    `json:"no"`            // ours
	Ref     string `json:"ref,omitempty"` // the sender's own number of it: the delivery's item, where it is one
	Item    string `json:"item"`          // as it was ordered
	SKU     string `json:"sku"`           // as it was worked with
	Ordered int64  `json:"ordered"`
	Qty     int64  `json:"qty"`
}

// GoodsReceipt is what came of one inbound delivery, in smallest units.
type GoodsReceipt struct {
	Key      string  `json:"key"` // ours, of this telling
	Delivery string  `json:"delivery"`
	Facility string  `json:"facility"` // ours, where it came
	Lines    []Came  `json:"lines"`
	Stood    []Stood `json:"stood,omitempty"`
}

// Came is what came of one line of a receipt, in whatever condition: the ERP takes it into its stock.
type Came struct {
	No          int    `json:"no"`              // the delivery's item
	Item        string `json:"item"`            // as the delivery calls it
	SKU         string `json:"sku"`             // as we do
	Expected    int64  `json:"expected"`        // as it was announced last
	Qty         int64  `json:"qty"`             // 0 where nothing came
	Lot         string `json:"lot,omitempty"`   // that was announced
	Other       string `json:"other,omitempty"` // a lot that came in its place
	Unannounced bool   `json:"unannounced,omitempty"`
}

// Stood is what came damaged or was held when it came: goods that may not be sold.
type Stood struct {
	SKU string `json:"sku"`
	Lot string `json:"lot,omitempty"`
	Qty int64  `json:"qty"`
}

// Posted is a goods movement as the ERP has it.
type Posted struct {
	Delivery string    `json:"delivery,omitempty"`
	Day      time.Time `json:"day,omitzero"`
}

// What is posted at an ERP of a delivery.
const (
	DoIssue   = "goods_issue"
	DoReceipt = "goods_receipt"
)

// Reversal takes the goods movement of a delivery back.
type Reversal struct {
	Key      string    `json:"key"` // ours, of this telling
	Do       string    `json:"do"`  // what was posted: [DoIssue] or [DoReceipt]
	Delivery string    `json:"delivery"`
	Day      time.Time `json:"day"` // that it is posted on
	Reason   string    `json:"reason"`
	By       string    `json:"by"`
}

// How a document stands.
const (
	Asked     = "asked" // it is to be posted
	Stands    = "posted"
	Reversing = "reversing" // it is to be taken back
	Undone    = "reversed"
)

// Document is what an ERP was asked to post of a delivery.
type Document struct {
	ERP    string    `json:"erp"`
	Do     string    `json:"do"`
	Number string    `json:"number"` // of the delivery
	Status string    `json:"status"`
	At     time.Time `json:"at"`           // since when it stands so
	Day    time.Time `json:"day,omitzero"` // that it is posted on
	// Letter is the open letter of what was asked for last, and Cause what it says.
	Letter string `json:"letter,omitempty"`
	Cause  string `json:"cause,omitempty"`
}

// Act asks for something about a document: that it is posted once more, or taken back.
type Act struct {
	ERP, Do, Number string
	Reverse         bool
	Reason, By      string
}

// Kinds of adjustments: goods that may be sold were found or are missing, such that may not (held, damaged),
// and goods that went from the one to the other.
const (
	Gain     = "gain"
	Loss     = "loss"
	HeldGain = "held_gain"
	HeldLoss = "held_loss"
	Hold     = "hold"
	Free     = "free"
)

// Adjustment is by how much our books of an item were set right, in smallest units, which must be its base unit.
type Adjustment struct {
	Key      string    `json:"key"` // ours, of this telling: 16 characters at most
	Kind     string    `json:"kind"`
	At       time.Time `json:"at"`
	Facility string    `json:"facility"`
	Item     string    `json:"item"`
	Lot      string    `json:"lot,omitempty"`
	Qty      int64     `json:"qty"` // above 0
	Reason   string    `json:"reason,omitempty"`
}
