// Package view is the shape of what is asked and answered beside the journal: documents
// by kind, search by business key, and journeys. A view lags behind the journal and
// every answer says at which position it stands.
package view

import (
	"encoding/json"
	"time"

	"github.com/paklog/hub/core/journal"
)

// Kinds of documents. Those of core's aggregates are named as their streams.
const (
	Order    = "order"
	Item     = "item"
	Location = "location"
	Stock    = "stock"
	Wave     = "wave"
	Task     = "task"
	Pick     = "pick"
	Pack     = "pack"
	Label    = "label"
	Shipment = "ship"
	Letter   = "letter"

	Facility    = "facility"
	Reservation = "reservation"
	Count       = "count"
	Receipt     = "receipt"
	Return      = "return"
	Workload    = "workload"
	LPN         = "lpn"
	Device      = "device"
	Pallet      = "pallet"
	Load        = "load"
	Manifest    = "manifest"
	Worker      = "worker"
	Owner       = "owner"
	Crossref    = "crossref" // of a partner, who stands in the owner's place
	Tender      = "tender"
	Postage     = "postage"
	Document    = "document" // of ours to a trading partner, who stands in the owner's place
)

// Sorting is the status of a pick list whose goods are fetched and not all in the slots of their
// orders, where they were picked to be put apart. Of a cancelled order some never are.
const Sorting = "sorting"

// Doc is what is known of one thing. Key is its stream, or its id where it has none.
// State holds no personal data.
type Doc struct {
	Kind        string          `json:"kind"`
	Key         string          `json:"key"`
	Tenant      string          `json:"tenant,omitempty"`
	Owner       string          `json:"owner,omitempty"`
	Facility    string          `json:"facility,omitempty"`
	ID          string          `json:"id"`
	Status      string          `json:"status,omitempty"`
	Correlation string          `json:"correlation,omitempty"` // of the journey that began it
	Updated     time.Time       `json:"updated"`
	Position    journal.Pos     `json:"position"` // of the last record that changed it
	Version     uint64          `json:"version,omitempty"`
	State       json.RawMessage `json:"state"`
	// Terms are the business keys that it is found by, and Had those that the store has of it
	// so far. A document that is answered has neither.
	Terms []string `json:"-"`
	Had   []string `json:"-"`
}

// Hop is a record of a journey: what a route wrote when about what.
type Hop struct {
	Correlation string      `json:"-"`
	Position    journal.Pos `json:"position"`
	Time        time.Time   `json:"time"`
	Route       string      `json:"route"`
	Type        string      `json:"type"`
	Topic       string      `json:"topic,omitempty"`
	Key         string      `json:"key,omitempty"`
	Stream      string      `json:"stream,omitempty"`
	ID          journal.ID  `json:"id"`
	Causation   journal.ID  `json:"causation"`
}

// Batch is what a stretch of the journal changes in the views, up to Position, which Unit
// holds.
type Batch struct {
	Docs     []Doc
	Hops     []Hop
	Letters  []DeskLetter // in the order in which they changed
	Position journal.Pos
	Unit     journal.ID
	// Rest, when set, is called now and then while the batch is written, and may take
	// a moment: others work meanwhile.
	Rest func()
}

// Query chooses documents of a kind, in the order of their keys. Zero fields choose all.
type Query struct {
	Kind     string
	Tenant   string
	Owner    string
	Facility string
	Status   string
	Begins   string // what the id begins with
	After    string // key behind which to go on
	Limit    int
}

// Page is an answer. Next is the key to go on behind, "" at the end.
type Page struct {
	Docs     []Doc
	Next     string
	Position journal.Pos
}

// Journey is a stretch of a conversation. Next is the position to go on behind, 0 at the end.
type Journey struct {
	Hops     []Hop
	Next     journal.Pos
	Position journal.Pos
}
