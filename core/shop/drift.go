package shop

import "time"

// What a difference is about.
const (
	OfOrders    = "orders"
	OfShipments = "shipments"
	OfStock     = "stock"
)

// What kind of difference it is.
const (
	Missing  = "missing"  // one side has it, the other has not: "here" or "there" says which
	Extra    = "extra"    // the shop counts more than we told it
	Quantity = "quantity" // both have it, of another quantity
	Status   = "status"   // both have it, standing otherwise
	Late     = "late"     // it is told, and the shop has not taken it yet
)

// Drift is a difference between the shop's books and ours.
type Drift struct {
	About  string `json:"about"`
	Kind   string `json:"kind"`
	Work   string `json:"work,omitempty"` // the shop's id
	Order  string `json:"order,omitempty"`
	Place  string `json:"place,omitempty"` // of stock
	Item   string `json:"item,omitempty"`
	Ours   int64  `json:"ours,omitempty"`
	Theirs int64  `json:"theirs,omitempty"`
	Text   string `json:"text"`
	// Repaired says that the run set it right, or asked for it.
	Repaired bool `json:"repaired,omitempty"`
}

// DriftReport is what a look through a shop's books and ours found.
type DriftReport struct {
	Shop   string    `json:"shop"`
	Begun  time.Time `json:"begun"`
	Done   time.Time `json:"done,omitzero"` // zero while it is under way
	Since  time.Time `json:"since"`         // orders that changed later were looked at
	Orders int       `json:"orders"`        // that were looked at
	Items  int       `json:"items"`
	Repair bool      `json:"repair,omitempty"`
	Found  []Drift   `json:"found" nullable:"false"`
	More   int       `json:"more,omitempty"` // differences that are not listed
}

// Reconcile asks for a look through a shop's books and ours; Repair sets right what differs.
type Reconcile struct {
	Shop   string
	Repair bool
}
