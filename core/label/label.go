// Package label follows the carrier label of each carton: at any time a carton has
// at most one label that is bought and not voided.
package label

import (
	"encoding/json"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/scope"
)

// Request asks for a label. Attempt counts from 1; the effect ledger knows each.
type Request struct {
	scope.Scope
	Carton  string
	Order   string
	Carrier string // "" lets the rates decide
	Service string
}

// Buy records the label that a carrier sold. Document names the label's bytes,
// which hold an address, by their hash in the claim-check store.
type Buy struct {
	Attempt  int
	Carrier  string
	Service  string
	Tracking string
	Shipment string // the carrier's own id, needed to void
	Cost     measure.Money
	Document string // where the bytes are kept; "" when Image is given
	Image    []byte
}

// Refuse records that no label can be had.
type Refuse struct {
	Attempt int
	Carrier string
	Code    string
	Reason  string
}

// Void records that a bought label was given back.
type Void struct {
	Tracking string
	Reason   string
}

// Head is what every label event begins with.
type Head struct {
	scope.Scope
	Carton string    `json:"carton"`
	Order  string    `json:"order"`
	At     time.Time `json:"at"`
}

// Stream is the stream of the carton's labels.
func (h Head) Stream() string { return StreamOf(h.Scope, h.Carton) }

// Key orders messages about the label with its order's.
func (h Head) Key() string {
	return scope.Stream{Tenant: h.Tenant, Owner: h.Owner, ID: h.Order}.Key()
}

// StreamOf is the stream of a carton's labels.
func StreamOf(s scope.Scope, carton string) string {
	return scope.Stream{Kind: "label", Tenant: s.Tenant, Owner: s.Owner, ID: carton, Facility: s.Facility}.String()
}

// Requested says that a label is wanted.
type Requested struct {
	Head
	Attempt int    `json:"attempt"`
	Carrier string `json:"carrier,omitempty"`
	Service string `json:"service,omitempty"`
}

// Bought says that the carton has a label.
type Bought struct {
	Head
	Attempt  int           `json:"attempt"`
	Carrier  string        `json:"carrier"`
	Service  string        `json:"service"`
	Tracking string        `json:"tracking"`
	Shipment string        `json:"shipment,omitempty"`
	Cost     measure.Money `json:"cost"`
	Document string        `json:"document,omitempty"`
	// Image is the label itself: it bears a name and an address, so it is sealed.
	Image []byte `json:"-"`
}

// Image is the sealed group of [Bought].
type Image struct {
	Bytes []byte `json:"image"`
}

// Personal implements [event.Private].
func (e Bought) Personal() (string, any) {
	if len(e.Image) == 0 {
		return "", nil
	}
	return e.Stream(), Image{e.Image}
}

// WithPersonal implements [event.Private].
func (e Bought) WithPersonal(group []byte) (event.Event, error) {
	var g Image
	err := json.Unmarshal(group, &g)
	e.Image = g.Bytes
	return e, err
}

// Voided says that the label was given back.
type Voided struct {
	Head
	Carrier  string `json:"carrier"`
	Tracking string `json:"tracking"`
	Reason   string `json:"reason"`
}

// Refused says that the carrier, or all of them, said no.
type Refused struct {
	Head
	Attempt int    `json:"attempt"`
	Carrier string `json:"carrier,omitempty"`
	Code    string `json:"code,omitempty"`
	Reason  string `json:"reason"`
}

// EventType implements [event.Event].
func (Requested) EventType() string { return "label.Requested" }

// EventType implements [event.Event].
func (Bought) EventType() string { return "label.Bought" }

// EventType implements [event.Event].
func (Voided) EventType() string { return "label.Voided" }

// EventType implements [event.Event].
func (Refused) EventType() string { return "label.Refused" }

var _ event.Streamed = Requested{}
