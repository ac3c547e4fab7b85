package pack

import (
	"github.com/paklog/hub/core/measure"
)

// Box is a kind of carton. Inner dimensions bound what goes in, MaxWeight the
// contents without the box; Fill is the percentage of its volume that may be used.
type Box struct {
	Code      string       `json:"code"`
	Inner     measure.Dims `json:"inner"`
	Outer     measure.Dims `json:"outer"`
	Tare      measure.Mass `json:"tare_mg"`
	MaxWeight measure.Mass `json:"max_weight_mg"`
	Fill      int          `json:"fill_percent"`
}

// Unit is one kind of thing to be packed: Qty units of one line, each of Dims and
// Weight. Zero dimensions or weight are not known and do not bound.
type Unit struct {
	Content
	Dims   measure.Dims `json:"dims"`
	Weight measure.Mass `json:"weight_mg"`
}

// Plan is a proposal of the cartonizer. Bound is a number of cartons below which
// no plan can be.
type Plan struct {
	Solver  string   `json:"solver"`
	Cartons []Carton `json:"cartons"`
	Bound   int      `json:"bound"`
}

// Carton is one proposed carton. Box "" is goods that ship in their own packaging
// because they fit no box.
type Carton struct {
	Box      string       `json:"box"`
	Contents []Content    `json:"contents"`
	Dims     measure.Dims `json:"dims"`
	Weight   measure.Mass `json:"weight_mg"`
	Volume   int64        `json:"volume_mm3"` // of the contents
	Reason   string       `json:"reason"`
}
