// Package tender offers loads to carriers who are trading partners: the tender, what the carrier answers,
// where the freight is, and what he charges for it. It takes tenders of partners to us, too, who wait for
// our answer.
package tender

import (
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/scope"
)

// Limits of one tender. MaxLoad is what the number of a shipment may have in a carrier's documents.
const (
	MaxLoad     = 30
	MaxTracks   = 1000
	MaxInvoices = 50
	MaxText     = 200
)

// Stop is a place where freight is unloaded, and what for each order.
type Stop struct {
	No     int      `json:"no"`
	Code   string   `json:"code"`
	Orders []Orders `json:"orders,omitempty"`
}

// Orders is the freight of one order at a stop.
type Orders struct {
	Owner   string       `json:"owner"`
	Order   string       `json:"order"`
	Cartons int          `json:"cartons"`
	Weight  measure.Mass `json:"weight_mg"`
}

// Offer tenders a load to a carrier. Stops are known to the caller. Rate is what was agreed for it, zero
// where nothing was.
type Offer struct {
	scope.Scope // of the building
	Load        string
	Partner     string
	SCAC        string
	Stops       []Stop
	Rate        measure.Money
	By          string
}

// Receive takes a partner's tender to us: Load is his number of the shipment. What he tenders anew, as it
// was changed, is to be answered anew.
type Receive struct {
	scope.Scope // of the building
	Load        string
	Partner     string
	SCAC        string // that he knows us by
	Stops       []Stop
	Rate        measure.Money
	AnswerBy    time.Time // zero where he does not say
}

// Withdraw takes the offer back.
type Withdraw struct{ Reason, By string }

// Accept says that the carrier takes the load; Reference is his number for it.
type Accept struct{ Partner, Reference, By string }

// Decline says that he does not, or not any more.
type Decline struct{ Partner, Reason, By string }

// Track is one status of the freight, as the carrier reports it.
type Track struct {
	Partner   string
	Status    string // AT7-01, or AT7-03 of an appointment
	Reason    string // AT7-02, AT7-04
	Place     string // city, region and country
	Equipment string // of the trailer
	Occurred  time.Time
}

// Invoice is what the carrier charges.
type Invoice struct {
	Partner string
	Number  string
	Amount  measure.Money
}

// Head is what every event of a tender begins with.
type Head struct {
	scope.Scope
	Load string    `json:"load"`
	At   time.Time `json:"at"`
}

func streamOf(s scope.Scope, load string) scope.Stream {
	return scope.Stream{Kind: "tender", Tenant: s.Tenant, Owner: scope.Shared, ID: load, Facility: s.Facility}
}

// StreamOf is the stream of a load's tender: it is the building's.
func StreamOf(s scope.Scope, load string) string { return streamOf(s, load).String() }

// Stream is the stream of the tender.
func (h Head) Stream() string { return StreamOf(h.Scope, h.Load) }

// Key orders messages about the tender.
func (h Head) Key() string { return streamOf(h.Scope, h.Load).Key() }

// Offered says that the load was tendered.
type Offered struct {
	Head
	Partner string        `json:"partner"`
	SCAC    string        `json:"scac"`
	Stops   []Stop        `json:"stops"`
	Rate    measure.Money `json:"rate,omitzero"`
	By      string        `json:"by,omitempty"`
	Inbound bool          `json:"inbound,omitempty"` // by the partner, to us

	AnswerBy time.Time `json:"answer_by,omitzero"` // as the partner wants it of an inbound one
}

// Withdrawn says that it is not any more.
type Withdrawn struct {
	Head
	Partner string `json:"partner"`
	SCAC    string `json:"scac"`
	Reason  string `json:"reason"`
	By      string `json:"by,omitempty"`
}

// Accepted says that the carrier takes it.
type Accepted struct {
	Head
	Reference string `json:"reference,omitempty"`
	By        string `json:"by,omitempty"`
}

// Declined says that he does not.
type Declined struct {
	Head
	Reason string `json:"reason,omitempty"`
	By     string `json:"by,omitempty"`
}

// Tracked says where the freight is.
type Tracked struct {
	Head
	Status    string    `json:"status"`
	Reason    string    `json:"reason,omitempty"`
	Place     string    `json:"place,omitempty"`
	Equipment string    `json:"equipment,omitempty"`
	Occurred  time.Time `json:"occurred,omitzero"`
}

// Invoiced says what the carrier charges, and in what that is not as agreed.
type Invoiced struct {
	Head
	Number      string        `json:"number"`
	Amount      measure.Money `json:"amount"`
	Differences []string      `json:"differences,omitempty"` // sentences for people
}

// EventType implements [event.Event].
func (Offered) EventType() string { return "tender.Offered" }

// EventType implements [event.Event].
func (Withdrawn) EventType() string { return "tender.Withdrawn" }

// EventType implements [event.Event].
func (Accepted) EventType() string { return "tender.Accepted" }

// EventType implements [event.Event].
func (Declined) EventType() string { return "tender.Declined" }

// EventType implements [event.Event].
func (Tracked) EventType() string { return "tender.Tracked" }

// EventType implements [event.Event].
func (Invoiced) EventType() string { return "tender.Invoiced" }

var _ event.Streamed = Offered{}
