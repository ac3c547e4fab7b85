package rest

import (
	"context"
	"net/http"

	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/transforms/custom"
)

// CartonBody fills and closes a carton at once; its SSCC-18 is in the answer. One that does
// not weigh what it should is left open.
type CartonBody struct {
	Box      string        `json:"box"`
	Contents []CartonLine  `json:"contents" minItems:"1" maxItems:"10000" nullable:"false"`
	Dims     *custom.Dims  `json:"dims,omitempty" doc:"those of the box where they are left out"`
	Tare     int64         `json:"tare_mg,omitempty" minimum:"0" doc:"that of the box where it is left out"`
	Weight   int64         `json:"weight_mg,omitempty" minimum:"0" doc:"what the scale says"`
	Packer   string        `json:"packer,omitempty"`
	Override *OverrideBody `json:"override,omitempty"`
}

// CartonLine is a quantity of an order line in a carton.
type CartonLine struct {
	Line    int      `json:"line"`
	Item    string   `json:"item"`
	Lot     string   `json:"lot,omitempty"`
	Tote    string   `json:"tote,omitempty"`
	Qty     int64    `json:"qty" minimum:"1"`
	Serials []string `json:"serials,omitempty" nullable:"false"`
}

// OverrideBody lets a weight stand that is outside the tolerance.
type OverrideBody struct {
	By     string `json:"by" doc:"somebody other than the packer"`
	Reason string `json:"reason"`
}

// OpenCartonBody begins a carton that is filled scan by scan; its SSCC-18 is in the answer.
type OpenCartonBody struct {
	Box    string       `json:"box,omitempty"`
	Dims   *custom.Dims `json:"dims,omitempty" doc:"those of the box where they are left out"`
	Tare   int64        `json:"tare_mg,omitempty" minimum:"0" doc:"that of the box where it is left out"`
	Packer string       `json:"packer,omitempty"`
}

// PackScanBody puts what was scanned into an open carton.
type PackScanBody struct {
	Carton  string   `json:"carton,omitempty" doc:"the only open one where it is left out"`
	Code    string   `json:"code,omitempty" doc:"the barcode: a GTIN, another code of the item, or its SKU"`
	Item    string   `json:"item,omitempty" doc:"the SKU, where no code was scanned"`
	Qty     int64    `json:"qty,omitempty" minimum:"1" doc:"how often; each counts as the unit that the code stands on; 1"`
	Line    int      `json:"line,omitempty" minimum:"1"`
	Lot     string   `json:"lot,omitempty"`
	Tote    string   `json:"tote,omitempty"`
	Serials []string `json:"serials,omitempty" nullable:"false"`
	Packer  string   `json:"packer,omitempty"`
}

// TakeBody takes goods out of an open carton.
type TakeBody struct {
	Carton   string       `json:"carton,omitempty" doc:"the only open one where it is left out"`
	Contents []CartonLine `json:"contents,omitempty" maxItems:"10000" nullable:"false" doc:"all where it is left out"`
	Packer   string       `json:"packer,omitempty"`
}

// MoveBody puts goods of an open carton into another.
type MoveBody struct {
	From     string       `json:"from"`
	To       string       `json:"to"`
	Contents []CartonLine `json:"contents,omitempty" maxItems:"10000" nullable:"false" doc:"all where it is left out"`
	Packer   string       `json:"packer,omitempty"`
}

// CloseBody closes an open carton. One that does not weigh what it should stays open, and
// the answer's weight_refused says why.
type CloseBody struct {
	Carton   string        `json:"carton,omitempty" doc:"the only open one where it is left out"`
	Weight   int64         `json:"weight_mg,omitempty" minimum:"0" doc:"what the scale says"`
	Packer   string        `json:"packer,omitempty"`
	Override *OverrideBody `json:"override,omitempty"`
}

// ReopenBody opens a closed carton that has no label yet.
type ReopenBody struct {
	Carton string `json:"carton"`
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
}

func contentsOf(lines []CartonLine) []pack.Content {
	var out []pack.Content
	for _, l := range lines {
		out = append(out, pack.Content(l))
	}
	return out
}

func (o *OverrideBody) override() pack.Override {
	if o == nil {
		return pack.Override{}
	}
	return pack.Override(*o)
}

// packCommand registers a command about a packing.
func packCommand[B any](s *server, path, id, summary string, cmd func(B) any) {
	register(s, op[B, pack.Packing](s, http.MethodPost, "/v1/packs/{owner}/{id}/"+path, id, "packs", summary),
		func(ctx context.Context, in *workCommand) (*reply, error) {
			b, err := decode[B](ctx)
			return s.onFloor(ctx, in, cmd(b), err, view.Pack, pack.StreamOf)
		})
}

func (s *server) packs() {
	packCommand(s, "cartons", "close-carton", "Fill and close a carton at once", func(b CartonBody) any {
		return pack.CloseCarton{
			Box: b.Box, Contents: contentsOf(b.Contents), Dims: b.Dims.Measure(), Tare: measure.Mass(b.Tare),
			Weight: measure.Mass(b.Weight), Packer: b.Packer, Override: b.Override.override(),
		}
	})
	packCommand(s, "open", "open-carton", "Begin a carton that is filled scan by scan", func(b OpenCartonBody) any {
		return pack.OpenCarton{Box: b.Box, Dims: b.Dims.Measure(), Tare: measure.Mass(b.Tare), Packer: b.Packer}
	})
	packCommand(s, "scan", "scan-unit", "Put what was scanned into an open carton", func(b PackScanBody) any {
		return pack.Scan{
			Carton: b.Carton, Code: b.Code, Item: b.Item, Qty: b.Qty, Line: b.Line, Lot: b.Lot, Tote: b.Tote,
			Serials: b.Serials, Packer: b.Packer,
		}
	})
	packCommand(s, "take", "take-unit", "Take goods out of an open carton", func(b TakeBody) any {
		return pack.Take{Carton: b.Carton, Contents: contentsOf(b.Contents), Packer: b.Packer}
	})
	packCommand(s, "move", "move-unit", "Put goods of an open carton into another", func(b MoveBody) any {
		return pack.Move{From: b.From, To: b.To, Contents: contentsOf(b.Contents), Packer: b.Packer}
	})
	packCommand(s, "close", "close-scanned-carton", "Close an open carton with what was scanned into it", func(b CloseBody) any {
		return pack.Close{Carton: b.Carton, Weight: measure.Mass(b.Weight), Packer: b.Packer, Override: b.Override.override()}
	})
	packCommand(s, "reopen", "reopen-carton", "Open a closed carton that has no label yet", func(b ReopenBody) any {
		return pack.Reopen(b)
	})
	register(s, op[struct{}, pack.Packing](s, http.MethodPost, "/v1/packs/{owner}/{id}/complete", "complete-pack", "packs", "End a packing"),
		func(ctx context.Context, in *workCommand) (*reply, error) {
			return s.onFloor(ctx, in, pack.Complete{}, nil, view.Pack, pack.StreamOf)
		})
}
