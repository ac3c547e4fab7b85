// Package shop is what a shop and the warehouse tell each other: what is to be shipped, what
// left, what stock there is. The port that shops are reached by stands beside the types it speaks.
package shop

import (
	"time"

	"github.com/paklog/hub/core/order"
)

// State is where a shop sees a piece of work, the same few words for every shop.
type State string

// The states of work.
const (
	Open      State = "open"      // to be shipped
	Asked     State = "asked"     // the shop asks whether we ship it
	Held      State = "held"      // not to be shipped yet
	Withdrawn State = "withdrawn" // the shop asks whether it can still be stopped
	Cancelled State = "cancelled" // no longer wanted, or given to somebody else
	Closed    State = "closed"    // nothing of it is left to ship
)

// Work is what one shop wants shipped from one place: an order, or the part of it that lies
// there. It is told as it stands at Updated.
type Work struct {
	ID       string    `json:"id"` // the shop's
	State    State     `json:"state"`
	Updated  time.Time `json:"updated"`
	Location string    `json:"location,omitempty"` // the shop's id of the place it is to leave from
	Hold     string    `json:"hold,omitempty"`     // why it is held
	// Order is what it asks for, without scope and source. Lines are known by their Ref, and ask for
	// all that was ever wanted; what of it is fulfilled, here or elsewhere, says Done.
	Order order.Place `json:"order"`
	Done  []LineQty   `json:"done,omitempty"`
}

// LineQty is a quantity of a line in units of the shop.
type LineQty struct {
	Ref string `json:"ref"`
	Qty int64  `json:"qty"`
}

// DoneOf is how much of a line is fulfilled.
func (w Work) DoneOf(ref string) int64 {
	for _, l := range w.Done {
		if l.Ref == ref {
			return l.Qty
		}
	}
	return 0
}

// Shipment is what left of one work.
type Shipment struct {
	Key     string    `json:"key"` // ours, of this telling
	Work    string    `json:"work"`
	Lines   []LineQty `json:"lines"`
	Parcels []Parcel  `json:"parcels,omitempty"`
	// After is what the shop must count as fulfilled of these lines once it was told: by it a telling
	// without parcels is found again.
	After []LineQty `json:"after"`
	// Left is what has left of all lines of the work, with this telling: what is put together of
	// several has left when all of its parts have.
	Left   []LineQty `json:"left,omitempty"`
	Notify bool      `json:"notify,omitempty"` // the shop writes to the buyer
}

// Parcel is what the buyer can follow.
type Parcel struct {
	Carrier  string `json:"carrier,omitempty"` // our connection's name
	Tracking string `json:"tracking"`
}

// What a shop is answered about work.
const (
	Accept       = "accept"        // we ship it
	Reject       = "reject"        // we do not
	AcceptCancel = "accept_cancel" // it is stopped
	RejectCancel = "reject_cancel" // it cannot be stopped any more
	Hold         = "hold"          // it waits, for Reason
	Release      = "release"       // it waits no longer
)

// Answer is what a shop is told about work.
type Answer struct {
	Key    string `json:"key"` // ours, of this answer
	Work   string `json:"work"`
	Do     string `json:"do"`
	Reason string `json:"reason,omitempty"` // in words
}

// Level is how many units of an item a shop says, or is to say, there are at a place.
type Level struct {
	Item     string `json:"item"`     // our SKU
	Location string `json:"location"` // the shop's
	OnHand   int64  `json:"on_hand"`
}

// Hint says that something about a thing of a shop may have changed: it is read again.
type Hint struct {
	Shop  string // the connection's name
	ID    string // of the message that hinted; "" is no message's
	Hash  [32]byte
	Topic string
	About string // the shop's id of the thing
}
