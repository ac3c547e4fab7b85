package pack

import (
	"github.com/paklog/hub/core/measure"
)

// OpenCarton begins a carton that is filled scan by scan. Its number is taken from the
// owner's counter by the caller, in the same commit. Tare is what the box weighs.
type OpenCarton struct {
	Box    string
	Dims   measure.Dims
	Tare   measure.Mass
	SSCC   Numbering
	Packer string
}

// Scan puts goods into an open carton. Item and Qty (in the item's smallest unit) are
// what Code, if one was scanned, means: the caller, who knows the items, says so. Line, Lot and Tote are found where they are left
// out and there is no doubt; Serials must be named for units that were picked by theirs.
type Scan struct {
	Carton  string
	Code    string
	Line    int
	Item    string
	Lot     string
	Tote    string
	Qty     int64
	Serials []string
	Packer  string
}

// Take puts goods of an open carton back to what is left to be packed.
type Take struct {
	Carton   string
	Contents []Content
	Packer   string
}

// Move puts goods of one open carton into another of the same packing.
type Move struct {
	From, To string
	Contents []Content
	Packer   string
}

// Close closes an open carton. Weight is what the scale says, zero where it was not
// weighed. Check is what is expected, known to the caller. Override lets a weight stand
// that is outside the tolerance.
type Close struct {
	Carton   string
	Weight   measure.Mass
	Check    Check
	Override Override
	Packer   string
}

// Reopen opens a closed carton again, to repack it. Whether a label keeps it closed is
// known to the caller.
type Reopen struct {
	Carton string
	By     string
	Reason string
}

// Override says who let a weight stand, and why. The zero Override is none.
type Override struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
}

// CartonOpened says that a carton is being filled.
type CartonOpened struct {
	Head
	Carton string       `json:"carton"` // SSCC-18
	No     int          `json:"no"`     // counts from 1 within the packing
	Box    string       `json:"box"`
	Dims   measure.Dims `json:"dims"`
	Tare   measure.Mass `json:"tare_mg,omitempty"`
	Packer string       `json:"packer,omitempty"`
}

// Scanned says what was put into an open carton.
type Scanned struct {
	Head
	Carton   string    `json:"carton"`
	Contents []Content `json:"contents"`
	Packer   string    `json:"packer,omitempty"`
}

// Taken says what was taken out of an open carton again.
type Taken struct {
	Head
	Carton   string    `json:"carton"`
	Contents []Content `json:"contents"`
	Packer   string    `json:"packer,omitempty"`
}

// Moved says what went from one open carton into another.
type Moved struct {
	Head
	From     string    `json:"from"`
	To       string    `json:"to"`
	Contents []Content `json:"contents"`
	Packer   string    `json:"packer,omitempty"`
}

// WeightRefused says that a carton stays open because it does not weigh what its
// contents should: repack it, or let somebody else decide that it is right.
type WeightRefused struct {
	Head
	Carton    string       `json:"carton"`
	Expected  measure.Mass `json:"expected_mg"`
	Tolerance measure.Mass `json:"tolerance_mg"` // up and down
	Measured  measure.Mass `json:"measured_mg"`
	Packer    string       `json:"packer,omitempty"`
}

// CartonReopened says that a closed carton is open again, with what lay in it.
type CartonReopened struct {
	Head
	Carton string `json:"carton"`
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// EventType implements [event.Event].
func (CartonOpened) EventType() string { return "pack.CartonOpened" }

// EventType implements [event.Event].
func (Scanned) EventType() string { return "pack.Scanned" }

// EventType implements [event.Event].
func (Taken) EventType() string { return "pack.Taken" }

// EventType implements [event.Event].
func (Moved) EventType() string { return "pack.Moved" }

// EventType implements [event.Event].
func (WeightRefused) EventType() string { return "pack.WeightRefused" }

// EventType implements [event.Event].
func (CartonReopened) EventType() string { return "pack.CartonReopened" }
