// Package document is what became of the documents that we sent to trading partners: under which
// numbers each left, and what the partner said of it. He says of its syntax by a 997, 999 or CONTRL, and
// of its content by an 824 or APERAK.
package document

import (
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/scope"
)

// Limits of what is kept of one document.
const (
	MaxNumbers  = 20
	MaxFindings = 100
	MaxText     = 500
)

// Queue says that a document is there to be sent with others.
type Queue struct {
	Tenant   string
	Partner  string
	Document string // no other has this name
	Set      string // ST01, or the type of an EDIFACT message
	About    []string
}

// Write says that a document is there to be sent.
type Write struct {
	Tenant   string
	Partner  string
	Document string // name of its file: no other has it
	Numbers
}

// Numbers are what a document is known by outside.
type Numbers struct {
	Set         string   `json:"st01"`            // ST01, or the type of an EDIFACT message
	Interchange string   `json:"isa13"`           // ISA13, or UNB 0020
	Group       string   `json:"gs06,omitempty"`  // GS06, "" for EDIFACT
	About       []string `json:"about,omitempty"` // of the shipment, order or receipt that it tells of, as it names them
}

// Acknowledge is what the partner said of the syntax. Code is his: AK901, AK501, TA104 or UCI 0083.
type Acknowledge struct {
	By       string // 997, 999, TA1, CONTRL
	Code     string
	Accepted bool
	Why      string // what he rejected it for, "" for nothing
}

// Verdicts of a partner on a document's content.
const (
	Accepts         = "accepted"
	AcceptsWithErrs = "accepted_with_errors"
	Rejects         = "rejected" // all of it or a part
)

// Advise is what the partner said of the content.
type Advise struct {
	By       string    `json:"by"` // 824, APERAK
	Number   string    `json:"number,omitempty"`
	Verdict  string    `json:"verdict"`
	Findings []Finding `json:"findings,omitempty"`
}

// Finding is one thing that the partner found wrong, by his own words and codes. What he found there is
// left out: it may be somebody's name.
type Finding struct {
	Code    string `json:"code,omitempty"`    // TED-01, ERC 9321
	Text    string `json:"text,omitempty"`    // TED-02 and NTE-02, FTX
	Segment string `json:"segment,omitempty"` // "W12"
	Ordinal int    `json:"ordinal,omitempty"` // of the segment, ST is 1; 0 where he does not say
	Element string `json:"element,omitempty"` // "05", or a reference to an element
}

// Head is what every event of a document begins with.
type Head struct {
	Tenant   string    `json:"tenant"`
	Partner  string    `json:"partner"`
	Document string    `json:"name"` // of its file
	At       time.Time `json:"at"`
}

func streamOf(tenant, partner, name string) scope.Stream {
	return scope.Stream{Kind: "document", Tenant: tenant, Owner: partner, ID: name}
}

// StreamOf is the stream of a document to a partner.
func StreamOf(tenant, partner, name string) string { return streamOf(tenant, partner, name).String() }

// Stream is the stream of the document.
func (h Head) Stream() string { return StreamOf(h.Tenant, h.Partner, h.Document) }

// Key orders messages about the document.
func (h Head) Key() string { return streamOf(h.Tenant, h.Partner, h.Document).Key() }

// Queued says that a document is there to be sent with others. Once it leaves, Written says under
// which numbers.
type Queued struct {
	Head
	Set   string   `json:"st01"`
	About []string `json:"about,omitempty"`
}

// Written says that a document is there to be sent.
type Written struct {
	Head
	Numbers
}

// Sent says that it left.
type Sent struct {
	Head
	Numbers
}

// Acknowledged says what the partner thinks of its syntax.
type Acknowledged struct {
	Head
	By       string `json:"by"`
	Code     string `json:"code"`
	Accepted bool   `json:"accepted"`
	Why      string `json:"why,omitempty"`
}

// Advised says what the partner thinks of its content.
type Advised struct {
	Head
	Advise
}

// Replaced says that another was sent in its place.
type Replaced struct {
	Head
	By string `json:"by"` // the other's name
}

// EventType implements [event.Event].
func (Queued) EventType() string { return "document.Queued" }

// EventType implements [event.Event].
func (Written) EventType() string { return "document.Written" }

// EventType implements [event.Event].
func (Sent) EventType() string { return "document.Sent" }

// EventType implements [event.Event].
func (Acknowledged) EventType() string { return "document.Acknowledged" }

// EventType implements [event.Event].
func (Advised) EventType() string { return "document.Advised" }

// EventType implements [event.Event].
func (Replaced) EventType() string { return "document.Replaced" }

var _ event.Streamed = Written{}
