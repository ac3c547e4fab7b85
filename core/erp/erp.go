// Package erp is what an ERP and the warehouse tell each other about goods that leave. The port that
// ERPs are reached by stands beside the types it speaks.
package erp

import "time"

// Movement is how far the goods issue of a delivery has come.
type Movement string

// The states of a goods issue.
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

// Item is an item of a delivery that goods are issued for. Quantities are in its base unit, which our
// smallest unit of the item must be.
type Item struct {
	No       string `json:"no"` // without zeros in front
	Material string `json:"material"`
	Unit     string `json:"unit"`
	Asked    int64  `json:"asked"` // at first
	Qty      int64  `json:"qty"`   // to be delivered, as it is said now
	Picked   bool   `json:"picked,omitempty"`
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

// Posted is a goods issue as the ERP has it.
type Posted struct {
	Delivery string    `json:"delivery"`
	Day      time.Time `json:"day,omitzero"`
}
