package ship

import (
	"errors"
	"fmt"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/scope"
)

// PostageStatus is where a postage stands.
type PostageStatus string

// Statuses of a postage.
const (
	PostageNone      PostageStatus = ""
	PostageRequested PostageStatus = "requested" // not bought yet
	PostageIsBought  PostageStatus = "bought"
	PostageIsRefused PostageStatus = "refused"
	PostageIsVoiding PostageStatus = "voiding" // no longer wanted; the carrier has not said yes
	PostageIsVoided  PostageStatus = "voided"
)

// Postage is the state of a label that was bought on request. The zero Postage was never asked for.
type Postage struct {
	PostageHead
	Status      PostageStatus `json:"status"`
	OrderNumber string        `json:"order_number,omitempty"`
	Weight      measure.Mass  `json:"weight_mg"`
	Dims        measure.Dims  `json:"dims,omitzero"`
	// Asked for, until it is bought; then as it was sold.
	Connection string        `json:"connection,omitempty"`
	Service    string        `json:"service,omitempty"`
	Format     Format        `json:"format,omitempty"`
	Tracking   string        `json:"tracking,omitempty"`
	Shipment   string        `json:"shipment,omitempty"`
	Cost       measure.Money `json:"cost,omitzero"`
	Document   string        `json:"document,omitempty"`
	Reason     string        `json:"reason,omitempty"` // of the refusal, the void, or why it is kept
}

// PostageFold makes a [Postage].
var PostageFold = event.Fold[Postage]{Kind: "postage", Version: 1, Apply: applyPostage}

func applyPostage(p Postage, e event.Event) (Postage, error) {
	switch e := e.(type) {
	case PostageAsked:
		return Postage{
			PostageHead: e.PostageHead, Status: PostageRequested, OrderNumber: e.OrderNumber, Weight: e.Weight, Dims: e.Dims,
			Connection: e.Connection, Service: e.Service, Format: e.Format,
		}, nil
	case PostageBought:
		if p.Tracking != "" {
			return Postage{}, fault.At("ship.Apply", fault.Internal, e.ID, errors.New("has two labels"))
		}
		p.Connection, p.Service, p.Tracking, p.Shipment = e.Connection, e.Service, e.Tracking, e.Shipment
		p.Cost, p.Format, p.Document = e.Cost, e.Format, e.Document
		if p.Status != PostageIsVoiding {
			p.Status = PostageIsBought
		}
	case PostageRefused:
		p.Status, p.Reason = PostageIsRefused, e.Reason
	case PostageVoidAsked:
		p.Status, p.Reason = PostageIsVoiding, e.Reason
	case PostageVoided:
		p.Status = PostageIsVoided
	case PostageKept:
		p.Status, p.Reason = PostageIsBought, e.Reason
	default:
		return p, event.Unexpected("postage", e)
	}
	return p, nil
}

// Open reports whether the postage still waits for a carrier.
func (p Postage) Open() bool { return p.Status == PostageRequested || p.Status == PostageIsVoiding }

func (p Postage) head(at time.Time) PostageHead {
	h := p.PostageHead
	h.At = at.UTC()
	return h
}

// Ask wants the label. Asked for already is no event.
func (p Postage) Ask(c AskPostage, at time.Time) ([]event.Event, error) {
	const op = "ship.AskPostage"
	if err := c.Scope.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if err := scope.CheckPart(c.ID); err != nil {
		return nil, fault.At(op, fault.Invalid, "postage", err)
	}
	try := Parcel{Reference: ReferenceOf(c.ID), Format: c.Format, From: c.Parties.From, To: c.Parties.To, Weight: c.Weight, Dims: c.Dims}
	if err := try.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if p.Status != PostageNone {
		return nil, nil
	}
	return []event.Event{PostageAsked{
		PostageHead{c.Scope, c.ID, at.UTC()}, c.Connection, c.Service, c.Format, c.OrderNumber, c.Weight, c.Dims, c.Parties,
	}}, nil
}

// Buy records what a carrier sold; the same again is no event. What comes when a label stands or
// nobody waits any more is Rejected: it is surplus, and whoever bought it must void it. A label that
// was no longer wanted while it was bought is recorded, to be given back.
func (p Postage) Buy(b BoughtPostage, at time.Time) ([]event.Event, error) {
	const op = "ship.BuyPostage"
	if err := errors.Join(scope.CheckPart(b.Connection), scope.CheckPart(b.Tracking)); err != nil {
		return nil, fault.At(op, fault.Invalid, "tracking", err)
	}
	switch {
	case p.Tracking == b.Tracking && p.Connection == b.Connection:
		return nil, nil
	case p.Tracking != "" || !p.Open():
		return nil, fault.At(op, fault.Rejected, "postage", fmt.Errorf("postage %s is %s and takes no other label", p.ID, p.Status))
	}
	return []event.Event{PostageBought{p.head(at), b}}, nil
}

// Refuse records that no label can be had. Of one that is no longer wanted it is the end.
func (p Postage) Refuse(connection, reason string, at time.Time) []event.Event {
	switch {
	case p.Tracking != "":
	case p.Status == PostageRequested:
		return []event.Event{PostageRefused{p.head(at), connection, reason}}
	case p.Status == PostageIsVoiding:
		return []event.Event{PostageVoided{p.head(at), ""}}
	}
	return nil
}

// Void gives the label back: it is asked for here, and done once the carrier says so. Asked for or
// done already is no event.
func (p Postage) Void(c VoidPostage, at time.Time) ([]event.Event, error) {
	const op = "ship.VoidPostage"
	if err := scope.CheckPart(c.Reason); err != nil {
		return nil, fault.At(op, fault.Invalid, "reason", err)
	}
	switch p.Status {
	case PostageNone:
		return nil, fault.At(op, fault.Rejected, "postage", errors.New("no label was asked for"))
	case PostageIsRefused:
		return nil, fault.At(op, fault.Rejected, "postage", errors.New("no carrier sold a label: there is nothing to give back"))
	case PostageIsVoiding, PostageIsVoided:
		return nil, nil
	case PostageRequested, PostageIsBought:
	}
	return []event.Event{PostageVoidAsked{p.head(at), c.Reason}}, nil
}

// Voided records that the carrier took the label back; of another label, or done already, it is no
// event.
func (p Postage) Voided(tracking string, at time.Time) []event.Event {
	if p.Status != PostageIsVoiding || p.Tracking != tracking {
		return nil
	}
	return []event.Event{PostageVoided{p.head(at), tracking}}
}

// Keep records that the carrier does not take the label back.
func (p Postage) Keep(tracking, reason string, at time.Time) []event.Event {
	if p.Status != PostageIsVoiding || p.Tracking != tracking || tracking == "" {
		return nil
	}
	return []event.Event{PostageKept{p.head(at), tracking, reason}}
}
