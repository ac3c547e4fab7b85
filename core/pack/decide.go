package pack

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/scope"
)

// Status is where a packing stands.
type Status string

// Statuses of a packing.
const (
	StatusNone      Status = ""
	StatusOpen      Status = "open"
	StatusCompleted Status = "completed"
	StatusCancelled Status = "cancelled"
)

// Packing is the state of a packing. The zero Packing does not exist yet. What was
// opened and added is, at all times, what is left and what lies in cartons, open and closed.
type Packing struct {
	Head    `json:"head"`
	Status  Status    `json:"status"`
	Left    []Content `json:"left,omitempty"`
	Begun   []Begun   `json:"open,omitempty"` // cartons that are being filled
	Cartons []Closed  `json:"cartons,omitempty"`
	Last    int       `json:"last,omitempty"` // number within the packing that was given last
}

// Closed is a closed carton.
type Closed struct {
	Carton   string       `json:"carton"`
	No       int          `json:"no"`
	Box      string       `json:"box"`
	Dims     measure.Dims `json:"dims"`
	Tare     measure.Mass `json:"tare_mg,omitempty"`
	Weight   measure.Mass `json:"weight_mg"`
	Contents []Content    `json:"contents"`
	Packer   string       `json:"packer,omitempty"`
}

// Fold makes a [Packing].
var Fold = event.Fold[Packing]{Kind: "pack", Version: 3, Apply: apply}

func apply(p Packing, e event.Event) (Packing, error) {
	switch e := e.(type) {
	case Opened:
		return Packing{Head: e.Head, Status: StatusOpen, Left: merge(nil, e.Contents)}, nil
	case Added:
		p.Left = merge(p.Left, e.Contents)
	case Proposed:
	case CartonClosed:
		if i := p.begun(e.Carton); i >= 0 {
			p.Begun = slices.Delete(slices.Clone(p.Begun), i, i+1)
		} else {
			left, ok := take(p.Left, e.Contents)
			if !ok {
				return Packing{}, fault.At("pack.Apply", fault.Internal, e.Carton, errors.New("holds what is not there to be packed"))
			}
			p.Left = left
		}
		p.Last = max(p.Last, e.No)
		p.Cartons = append(slices.Clip(p.Cartons), Closed{e.Carton, e.No, e.Box, e.Dims, e.Tare, e.Weight, e.Contents, e.Packer})
	case Completed:
		p.Status, p.Begun = StatusCompleted, nil
	case Cancelled:
		p.Status = StatusCancelled
	default:
		return p.applyScan(e)
	}
	return p, nil
}

// same reports whether two contents are of one line, lot and tote.
func same(a, b Content) bool {
	return a.Line == b.Line && a.Item == b.Item && a.Lot == b.Lot && a.Tote == b.Tote
}

// Equal reports whether two lists hold the same, in whatever order.
func Equal(a, b []Content) bool {
	rest, ok := take(merge(nil, a), merge(nil, b))
	return ok && len(rest) == 0
}

// merge adds up contents in a new slice. Serial numbers stay with what they were
// picked with; the packer scans them anew.
func merge(have, more []Content) []Content {
	out := slices.Clone(have)
	for _, m := range more {
		i := slices.IndexFunc(out, func(c Content) bool { return same(c, m) })
		if i < 0 {
			out = append(out, m)
			continue
		}
		out[i].Qty += m.Qty
		out[i].Serials = slices.Concat(out[i].Serials, m.Serials)
	}
	return out
}

// take is have without what is taken, in a new slice.
func take(have, taken []Content) ([]Content, bool) {
	out := slices.Clone(have)
	for _, t := range taken {
		i := slices.IndexFunc(out, func(c Content) bool { return same(c, t) })
		if i < 0 || out[i].Qty < t.Qty {
			return nil, false
		}
		out[i].Qty -= t.Qty
		out[i].Serials = slices.DeleteFunc(slices.Clone(out[i].Serials), func(s string) bool { return slices.Contains(t.Serials, s) })
	}
	return slices.DeleteFunc(out, func(c Content) bool { return c.Qty == 0 }), true
}

func (p Packing) head(at time.Time) Head {
	h := p.Head
	h.At = at.UTC()
	return h
}

func (p Packing) open(op string) error {
	switch p.Status {
	case StatusOpen:
		return nil
	case StatusNone:
		return fault.At(op, fault.Rejected, "pack", errors.New("there is no such packing"))
	case StatusCompleted, StatusCancelled: // for good
	}
	return fault.At(op, fault.Rejected, "pack", fmt.Errorf("packing %s is %s", p.Pack, p.Status))
}

func checkContents(op string, contents []Content) error {
	if n := len(contents); n == 0 || n > MaxContents {
		return fault.At(op, fault.Invalid, "contents", fmt.Errorf("has %d entries, 1 to %d are allowed", n, MaxContents))
	}
	type id struct {
		line            int
		item, lot, tote string
	}
	seen := make(map[id]bool, len(contents))
	for i, c := range contents {
		at := func(f string) string { return fmt.Sprintf("contents[%d].%s", i, f) }
		if err := scope.CheckPart(c.Item); err != nil {
			return fault.At(op, fault.Invalid, at("item"), err)
		}
		if c.Qty < 1 || c.Qty > maxQty {
			return fault.At(op, fault.Invalid, at("qty"), fmt.Errorf("%d is not between 1 and %d", c.Qty, maxQty))
		}
		if len(c.Serials) > 0 && int64(len(c.Serials)) != c.Qty {
			return fault.At(op, fault.Invalid, at("serials"), fmt.Errorf("has %d serial numbers for %d units", len(c.Serials), c.Qty))
		}
		k := id{c.Line, c.Item, c.Lot, c.Tote}
		if seen[k] {
			return fault.At(op, fault.Invalid, at("line"), fmt.Errorf("line %d, item %s is named twice for the same lot and tote", c.Line, c.Item))
		}
		seen[k] = true
	}
	return nil
}

// maxQty is the bound of one movement of stock.
const maxQty = int64(1) << 40

// Open begins a packing.
func (p Packing) Open(c Open, at time.Time) ([]event.Event, error) {
	const op = "pack.Open"
	if err := c.Scope.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	for _, n := range [...]struct{ place, v string }{{"pack", c.Pack}, {"order", c.Order}} {
		if err := scope.CheckPart(n.v); err != nil {
			return nil, fault.At(op, fault.Invalid, n.place, err)
		}
	}
	if p.Status != StatusNone {
		return nil, fault.At(op, fault.Rejected, "pack", fmt.Errorf("packing %s exists (%s)", p.Pack, p.Status))
	}
	if err := checkContents(op, c.Contents); err != nil {
		return nil, err
	}
	return []event.Event{Opened{Head{c.Scope, c.Pack, c.Order, c.Wave, at.UTC()}, slices.Clone(c.Contents)}}, nil
}

// Add brings more to an open packing.
func (p Packing) Add(c Add, at time.Time) ([]event.Event, error) {
	const op = "pack.Add"
	if err := p.open(op); err != nil {
		return nil, err
	}
	if err := checkContents(op, c.Contents); err != nil {
		return nil, err
	}
	if len(p.Left)+len(c.Contents) > MaxContents {
		return nil, fault.At(op, fault.Rejected, "contents", fmt.Errorf("packing %s would have more than %d entries", p.Pack, MaxContents))
	}
	return []event.Event{Added{p.head(at), slices.Clone(c.Contents)}}, nil
}

// Propose records a plan. It must put exactly what is left into cartons.
func (p Packing) Propose(c Propose, at time.Time) ([]event.Event, error) {
	const op = "pack.Propose"
	if err := p.open(op); err != nil {
		return nil, err
	}
	left := p.Left
	for i, box := range c.Plan.Cartons {
		var ok bool
		if left, ok = take(left, box.Contents); !ok {
			return nil, fault.At(op, fault.Invalid, fmt.Sprintf("cartons[%d]", i), errors.New("holds what is not there to be packed"))
		}
	}
	if len(left) > 0 {
		return nil, fault.At(op, fault.Invalid, "cartons", fmt.Errorf("%d of line %d, item %s are in no carton", left[0].Qty, left[0].Line, left[0].Item))
	}
	return []event.Event{Proposed{p.head(at), c.Plan}}, nil
}

// CloseCarton closes a carton under its SSCC. What is not left to be packed, by its serial
// numbers where they are named, cannot be in it, and no number is given twice in a packing.
func (p Packing) CloseCarton(c CloseCarton, at time.Time) ([]event.Event, error) {
	const op = "pack.CloseCarton"
	if err := p.open(op); err != nil {
		return nil, err
	}
	if err := checkContents(op, c.Contents); err != nil {
		return nil, err
	}
	if c.Tare < 0 || c.Weight < 0 || c.Dims.Length < 0 || c.Dims.Width < 0 || c.Dims.Height < 0 {
		return nil, fault.At(op, fault.Invalid, "weight_mg", errors.New("weight and dimensions cannot be negative"))
	}
	sscc, err := p.number(op, c.SSCC)
	if err != nil {
		return nil, err
	}
	for i, k := range c.Contents {
		j := slices.IndexFunc(p.Left, func(l Content) bool { return same(l, k) })
		var left int64
		if j >= 0 {
			left = p.Left[j].Qty
		}
		if left < k.Qty {
			return nil, fault.At(op, fault.Rejected, fmt.Sprintf("contents[%d].qty", i), fmt.Errorf("%d of line %d, item %s, tote %q are left to be packed, not %d", left, k.Line, k.Item, k.Tote, k.Qty))
		}
		for n, serial := range k.Serials {
			place := fmt.Sprintf("contents[%d].serials[%d]", i, n)
			switch {
			case slices.Index(k.Serials, serial) < n:
				return nil, fault.At(op, fault.Invalid, place, fmt.Errorf("%.64q is named twice", serial))
			case !slices.Contains(p.Left[j].Serials, serial):
				return nil, fault.At(op, fault.Rejected, place, fmt.Errorf("serial number %.64q of item %s was not picked for this order, or is packed already", serial, k.Item))
			}
		}
	}
	closed := CartonClosed{
		Head: p.head(at), Carton: sscc, No: p.Last + 1, Box: c.Box, Contents: slices.Clone(c.Contents),
		Dims: c.Dims, Tare: c.Tare, Packer: c.Packer, Verified: c.Scanned,
	}
	refused, err := closed.weigh(op, c.Weight, c.Check, c.Override)
	switch {
	case err != nil:
		return nil, err
	case refused != nil:
		return []event.Event{
			CartonOpened{closed.Head, sscc, closed.No, c.Box, c.Dims, c.Tare, c.Packer},
			Scanned{closed.Head, sscc, closed.Contents, c.Packer},
			*refused,
		}, nil
	}
	return []event.Event{closed}, nil
}

// Complete ends a packing of which nothing is left; completed already is no event.
func (p Packing) Complete(_ Complete, at time.Time) ([]event.Event, error) {
	const op = "pack.Complete"
	if p.Status == StatusCompleted {
		return nil, nil
	}
	if err := p.open(op); err != nil {
		return nil, err
	}
	if len(p.Left) > 0 {
		l := p.Left[0]
		return nil, fault.At(op, fault.Rejected, "contents", fmt.Errorf("%d of line %d, item %s are not packed", l.Qty, l.Line, l.Item))
	}
	for _, b := range p.Begun {
		if len(b.Contents) > 0 {
			return nil, fault.At(op, fault.Rejected, "carton", fmt.Errorf("carton %s is open: close it first", b.Carton))
		}
	}
	cartons := make([]string, len(p.Cartons))
	for i, c := range p.Cartons {
		cartons[i] = c.Carton
	}
	return []event.Event{Completed{p.head(at), cartons}}, nil
}

// Cancel ends a packing and says what must be undone, completed or not; cancelled
// already is no event.
func (p Packing) Cancel(c Cancel, at time.Time) ([]event.Event, error) {
	const op = "pack.Cancel"
	if p.Status == StatusCancelled {
		return nil, nil
	}
	if p.Status != StatusCompleted {
		if err := p.open(op); err != nil {
			return nil, err
		}
	}
	if err := scope.CheckPart(c.Reason); err != nil {
		return nil, fault.At(op, fault.Invalid, "reason", err)
	}
	var cartons []string
	for _, x := range p.Cartons {
		cartons = append(cartons, x.Carton)
	}
	return []event.Event{Cancelled{p.head(at), c.Reason, slices.Clone(p.Loose()), cartons}}, nil
}
