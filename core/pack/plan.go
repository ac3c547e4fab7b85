package pack

import (
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/measure"
)

// Box is a kind of carton. Inner dimensions bound what goes in, MaxWeight the
// contents without the box; Fill is the percentage of its volume that may be used, 0
// for all of it. Cost is what one costs, in any unit; where no box has one, as few
// cartons as possible are asked for.
type Box struct {
	Code      string       `json:"code"`
	Inner     measure.Dims `json:"inner"`
	Outer     measure.Dims `json:"outer"`
	Tare      measure.Mass `json:"tare_mg"`
	MaxWeight measure.Mass `json:"max_weight_mg"`
	Fill      int          `json:"fill_percent"`
	Cost      int64        `json:"cost,omitempty"`
}

// Unit is one kind of thing to be packed: Qty units of one line, each of Dims and
// Weight, and how it may lie. Zero dimensions or weight are not known and do not
// bound. A unit that is more than the item's smallest is a closed one of UOM, which
// holds Pieces of it and stays closed.
type Unit struct {
	Content
	UOM     string       `json:"uom,omitempty"`
	Pieces  int64        `json:"pieces,omitempty"` // 0 is 1
	Dims    measure.Dims `json:"dims"`
	Weight  measure.Mass `json:"weight_mg"`
	Packing item.Packing `json:"packing,omitzero"`
}

// Plan is a proposal of the cartonizer. Bound is a number of cartons below which
// no plan can be, CostBound the same of the cost of the boxes, where they have one;
// Gap says in thousandths how far above its bound what was asked for is, and
// FirstFit how many cartons there would be if each unit went into the first with
// room. Effort counts the blocks that the solver looked at.
type Plan struct {
	Solver    string   `json:"solver"`
	Cartons   []Carton `json:"cartons"`
	Bound     int      `json:"bound"`
	Cost      int64    `json:"cost,omitempty"`
	CostBound int64    `json:"cost_bound,omitempty"`
	Gap       int64    `json:"gap_permille,omitempty"`
	FirstFit  int      `json:"first_fit,omitempty"`
	Effort    int      `json:"effort,omitempty"`
}

// Carton is one proposed carton. Box "" is goods that ship in their own packaging
// because they fit no box. Placements say where the contents lie, those below
// first; goods whose dimensions are not known have none.
type Carton struct {
	Box        string       `json:"box"`
	Contents   []Content    `json:"contents"`
	Dims       measure.Dims `json:"dims"`
	Weight     measure.Mass `json:"weight_mg"`
	Volume     int64        `json:"volume_mm3"` // of the contents
	Reason     string       `json:"reason"`
	Placements []Placement  `json:"placements,omitempty"`
}

// Placement is a unit of a content in its carton, or a grid of them: Count units
// along length, width and height, side by side. X, Y and Z are the inner corner
// that is nearest to the box's; Dims are the sides of one unit as it lies.
type Placement struct {
	Line  int            `json:"line"`
	Item  string         `json:"item"`
	Lot   string         `json:"lot,omitempty"`
	Tote  string         `json:"tote,omitempty"`
	X     measure.Length `json:"x_um"`
	Y     measure.Length `json:"y_um"`
	Z     measure.Length `json:"z_um"`
	Dims  measure.Dims   `json:"dims"`
	Count Count          `json:"count"`
	// What one unit is, where it is a closed one: see [Unit].
	UOM    string `json:"uom,omitempty"`
	Pieces int64  `json:"pieces,omitempty"`
}

// Count is a number of units along each axis.
type Count struct {
	Length int `json:"length"`
	Width  int `json:"width"`
	Height int `json:"height"`
}
