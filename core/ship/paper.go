package ship

import (
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/party"
)

// PrintCarton asks what the logistic label of a carton or pallet says. It changes nothing.
type PrintCarton struct{}

// PrintOrder asks what the packing slip of an order says. It changes nothing.
type PrintOrder struct{}

// CartonPaper is what the logistic label of a carton says. It holds addresses: it is made
// when it is printed, and kept nowhere.
type CartonPaper struct {
	SSCC     string        `json:"sscc"`
	Order    string        `json:"order"` // as whoever sent it knows it
	PO       string        `json:"po,omitempty"`
	No       int           `json:"no"` // of the order's cartons
	Of       int           `json:"of"`
	From     party.Address `json:"from"`
	To       party.Address `json:"to"`
	Carrier  string        `json:"carrier,omitempty"`
	Service  string        `json:"service,omitempty"`
	Tracking string        `json:"tracking,omitempty"`
	Dims     measure.Dims  `json:"dims"`
	Weight   measure.Mass  `json:"weight_mg"`
	Contents []PaperLine   `json:"contents"`
}

// PaperLine is goods as they are printed. Qty is in the item's smallest unit, UOM its name
// and GTIN its number, where it has one.
type PaperLine struct {
	Line        int      `json:"line"`
	Item        string   `json:"item"`
	Description string   `json:"description,omitempty"`
	GTIN        string   `json:"gtin,omitempty"`
	UOM         string   `json:"uom"`
	Lot         string   `json:"lot,omitempty"`
	Qty         int64    `json:"qty"`
	Serials     []string `json:"serials,omitempty"`
}

// OrderPaper is what the packing slip of an order says.
type OrderPaper struct {
	Order   string        `json:"order"`
	PO      string        `json:"po,omitempty"`
	From    party.Address `json:"from"`
	To      party.Address `json:"to"`
	Notes   []string      `json:"notes,omitempty"`
	Lines   []OrderedLine `json:"lines"`
	Cartons []CartonPaper `json:"cartons"` // without addresses
}

// OrderedLine is an order line on a packing slip, in the item's smallest unit. What is
// neither in cartons nor waited for nor never coming is still being worked on.
type OrderedLine struct {
	PaperLine
	Ordered int64 `json:"ordered"`
	Packed  int64 `json:"packed"` // in cartons, shipped or not
	Waits   int64 `json:"waits,omitempty"`
	Gone    int64 `json:"cancelled,omitempty"` // cancelled, or short for good
}
