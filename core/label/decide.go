package label

import (
	"errors"
	"fmt"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/scope"
)

// Status is where a carton's label stands.
type Status string

// Statuses of a label.
const (
	StatusNone      Status = ""
	StatusRequested Status = "requested"
	StatusBought    Status = "bought"
	StatusVoided    Status = "voided"
	StatusRefused   Status = "refused"
)

// Label is the state of a carton's label. The zero Label was never asked for.
type Label struct {
	Head     `json:"head"`
	Status   Status        `json:"status"`
	Attempt  int           `json:"attempt,omitempty"`
	Carrier  string        `json:"carrier,omitempty"`
	Service  string        `json:"service,omitempty"`
	Tracking string        `json:"tracking,omitempty"`
	Shipment string        `json:"shipment,omitempty"`
	Cost     measure.Money `json:"cost,omitzero"`
	Document string        `json:"document,omitempty"`
	Reason   string        `json:"reason,omitempty"` // of the refusal or the void
}

// Fold makes a [Label].
var Fold = event.Fold[Label]{Kind: "label", Version: 1, Apply: apply}

func apply(l Label, e event.Event) (Label, error) {
	switch e := e.(type) {
	case Requested:
		l = Label{Head: e.Head, Status: StatusRequested, Attempt: e.Attempt, Carrier: e.Carrier, Service: e.Service}
	case Bought:
		if l.Status == StatusBought {
			return Label{}, fault.At("label.Apply", fault.Internal, e.Carton, errors.New("has two labels"))
		}
		l.Status, l.Carrier, l.Service, l.Tracking = StatusBought, e.Carrier, e.Service, e.Tracking
		l.Shipment, l.Cost, l.Document = e.Shipment, e.Cost, e.Document
	case Voided:
		l.Status, l.Reason = StatusVoided, e.Reason
	case Refused:
		l.Status, l.Reason = StatusRefused, e.Reason
	default:
		return l, event.Unexpected("label", e)
	}
	return l, nil
}

func (l Label) head(at time.Time) Head {
	h := l.Head
	h.At = at.UTC()
	return h
}

// Request asks for a label. While one is asked for it is no event; while one is
// bought it is Rejected: void that one first.
func (l Label) Request(c Request, at time.Time) ([]event.Event, error) {
	const op = "label.Request"
	if err := c.Scope.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	for _, n := range [...]struct{ place, v string }{{"carton", c.Carton}, {"order", c.Order}} {
		if err := scope.CheckPart(n.v); err != nil {
			return nil, fault.At(op, fault.Invalid, n.place, err)
		}
	}
	switch l.Status {
	case StatusRequested:
		return nil, nil
	case StatusBought:
		return nil, fault.At(op, fault.Rejected, "carton", fmt.Errorf("carton %s has label %s of %s", l.Carton, l.Tracking, l.Carrier))
	case StatusNone, StatusVoided, StatusRefused: // there is none
	}
	return []event.Event{Requested{Head{c.Scope, c.Carton, c.Order, at.UTC()}, l.Attempt + 1, c.Carrier, c.Service}}, nil
}

// Buy records a label. The same again is no event. A label of an attempt that is
// not the open one is Rejected: it is surplus, and whoever bought it must void it.
func (l Label) Buy(c Buy, at time.Time) ([]event.Event, error) {
	const op = "label.Buy"
	if err := scope.CheckPart(c.Carrier); err != nil {
		return nil, fault.At(op, fault.Invalid, "carrier", err)
	}
	if err := scope.CheckPart(c.Tracking); err != nil {
		return nil, fault.At(op, fault.Invalid, "tracking", err)
	}
	if l.Status == StatusBought && l.Tracking == c.Tracking && l.Carrier == c.Carrier {
		return nil, nil
	}
	if err := l.attempt(op, c.Attempt); err != nil {
		return nil, err
	}
	return []event.Event{Bought{l.head(at), c.Attempt, c.Carrier, c.Service, c.Tracking, c.Shipment, c.Cost, c.Document, c.Image}}, nil
}

// Refuse records that no label can be had; the same again is no event.
func (l Label) Refuse(c Refuse, at time.Time) ([]event.Event, error) {
	const op = "label.Refuse"
	if l.Status == StatusRefused && l.Attempt == c.Attempt {
		return nil, nil
	}
	if err := l.attempt(op, c.Attempt); err != nil {
		return nil, err
	}
	return []event.Event{Refused{l.head(at), c.Attempt, c.Carrier, c.Code, c.Reason}}, nil
}

// attempt says why n is not the attempt that waits for an answer.
func (l Label) attempt(op string, n int) error {
	switch {
	case l.Status == StatusNone:
		return fault.At(op, fault.Rejected, "carton", errors.New("no label was asked for"))
	case l.Status != StatusRequested:
		return fault.At(op, fault.Rejected, "attempt", fmt.Errorf("the label of carton %s is %s since attempt %d", l.Carton, l.Status, l.Attempt))
	case l.Attempt != n:
		return fault.At(op, fault.Rejected, "attempt", fmt.Errorf("carton %s waits for attempt %d, not %d", l.Carton, l.Attempt, n))
	}
	return nil
}

// Void records that the label was given back; voided already is no event.
func (l Label) Void(c Void, at time.Time) ([]event.Event, error) {
	const op = "label.Void"
	switch {
	case l.Tracking != c.Tracking || c.Tracking == "":
		return nil, fault.At(op, fault.Rejected, "tracking", fmt.Errorf("%q is not the label of this carton", c.Tracking))
	case l.Status == StatusVoided:
		return nil, nil
	case l.Status != StatusBought:
		return nil, fault.At(op, fault.Rejected, "carton", fmt.Errorf("the label of carton %s is %s", l.Carton, l.Status))
	}
	return []event.Event{Voided{l.head(at), l.Carrier, l.Tracking, c.Reason}}, nil
}
