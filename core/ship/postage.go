package ship

import (
	"encoding/json"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/scope"
)

// AskPostage asks for the label of a parcel that is no carton of an order here. Whoever asks
// again under the same idempotency key asks for the same label.
type AskPostage struct {
	scope.Scope
	ID          string
	Connection  string // "" compares prices
	Service     string // the carrier's own code; "" compares prices
	Format      Format
	OrderNumber string
	Weight      measure.Mass
	Dims        measure.Dims
	Parties     PostageParties
}

// VoidPostage gives the label back, or lets it not be bought.
type VoidPostage struct{ Reason string }

// PostageParties are the sealed group of [PostageAsked].
type PostageParties struct {
	From party.Address `json:"from"`
	To   party.Address `json:"to"`
}

// BoughtPostage is what a carrier sold. Document is where the label's bytes are kept; "" where
// Image holds them.
type BoughtPostage struct {
	Connection string        `json:"connection"`
	Service    string        `json:"service"`
	Tracking   string        `json:"tracking"`
	Shipment   string        `json:"shipment,omitempty"`
	Cost       measure.Money `json:"cost"`
	Format     Format        `json:"format,omitempty"`
	Document   string        `json:"document,omitempty"`
	Image      []byte        `json:"-"`
}

// PostageHead is what every event of a postage begins with.
type PostageHead struct {
	scope.Scope
	ID string    `json:"postage"`
	At time.Time `json:"at"`
}

// Stream is the stream of the postage.
func (h PostageHead) Stream() string { return PostageStream(h.Scope, h.ID) }

// Key orders messages about the postage.
func (h PostageHead) Key() string {
	return scope.Stream{Tenant: h.Tenant, Owner: h.Owner, ID: h.ID}.Key()
}

// PostageStream is the stream of a postage; its id is unique in all buildings.
func PostageStream(s scope.Scope, id string) string {
	return scope.Stream{Kind: "postage", Tenant: s.Tenant, Owner: s.Owner, ID: id}.String()
}

// PostageAsked says that a label is wanted.
type PostageAsked struct {
	PostageHead
	Connection  string         `json:"connection,omitempty"`
	Service     string         `json:"service,omitempty"`
	Format      Format         `json:"format,omitempty"`
	OrderNumber string         `json:"order_number,omitempty"`
	Weight      measure.Mass   `json:"weight_mg"`
	Dims        measure.Dims   `json:"dims,omitzero"`
	Parties     PostageParties `json:"-"`
}

// Personal implements [event.Private].
func (e PostageAsked) Personal() (string, any) { return e.Stream(), e.Parties }

// WithPersonal implements [event.Private].
func (e PostageAsked) WithPersonal(group []byte) (event.Event, error) {
	err := json.Unmarshal(group, &e.Parties)
	return e, err
}

// PostageBought says that a carrier sold the label.
type PostageBought struct {
	PostageHead
	BoughtPostage
}

// postageImage is the sealed group of [PostageBought]: a label bears a name and an address.
type postageImage struct {
	Bytes []byte `json:"image"`
}

// Personal implements [event.Private].
func (e PostageBought) Personal() (string, any) {
	if len(e.Image) == 0 {
		return "", nil
	}
	return e.Stream(), postageImage{e.Image}
}

// WithPersonal implements [event.Private].
func (e PostageBought) WithPersonal(group []byte) (event.Event, error) {
	var g postageImage
	err := json.Unmarshal(group, &g)
	e.Image = g.Bytes
	return e, err
}

// PostageRefused says that no carrier sells it.
type PostageRefused struct {
	PostageHead
	Connection string `json:"connection,omitempty"`
	Reason     string `json:"reason"`
}

// PostageVoidAsked says that the label is no longer wanted.
type PostageVoidAsked struct {
	PostageHead
	Reason string `json:"reason"`
}

// PostageVoided says that the label was given back, or never bought.
type PostageVoided struct {
	PostageHead
	Tracking string `json:"tracking,omitempty"`
}

// PostageKept says that the carrier does not take the label back: it stands.
type PostageKept struct {
	PostageHead
	Tracking string `json:"tracking"`
	Reason   string `json:"reason"`
}

// EventType implements [event.Event].
func (PostageAsked) EventType() string { return "ship.PostageAsked" }

// EventType implements [event.Event].
func (PostageBought) EventType() string { return "ship.PostageBought" }

// EventType implements [event.Event].
func (PostageRefused) EventType() string { return "ship.PostageRefused" }

// EventType implements [event.Event].
func (PostageVoidAsked) EventType() string { return "ship.PostageVoidAsked" }

// EventType implements [event.Event].
func (PostageVoided) EventType() string { return "ship.PostageVoided" }

// EventType implements [event.Event].
func (PostageKept) EventType() string { return "ship.PostageKept" }

var (
	_ event.Streamed = PostageAsked{}
	_ event.Private  = PostageAsked{}
	_ event.Private  = PostageBought{}
)
