package pallet

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/gs1"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/scope"
)

// Status is where a pallet stands.
type Status string

// Statuses of a pallet.
const (
	StatusNone   Status = ""
	StatusOpen   Status = "open"
	StatusClosed Status = "closed"
	StatusBroken Status = "broken"
)

// Pallet is the state of a pallet. The zero Pallet does not exist yet.
type Pallet struct {
	Head    `json:"head"`
	Limits  `json:"limits"`
	Status  Status         `json:"status"`
	Cartons []Carton       `json:"cartons,omitempty"`
	Weight  measure.Mass   `json:"weight_mg,omitempty"` // measured when it was closed
	Height  measure.Length `json:"height_um,omitempty"`
}

// Fold makes a [Pallet].
var Fold = event.Fold[Pallet]{Kind: "pallet", Version: 1, Apply: apply}

func apply(p Pallet, e event.Event) (Pallet, error) {
	switch e := e.(type) {
	case Built:
		return Pallet{Head: e.Head, Limits: e.Limits, Status: StatusOpen}, nil
	case Stacked:
		p.Cartons = append(slices.Clip(p.Cartons), e.Carton)
		p.Status, p.Weight, p.Height = StatusOpen, 0, 0
	case Unstacked:
		p.Cartons = slices.DeleteFunc(slices.Clone(p.Cartons), func(c Carton) bool { return c.SSCC == e.Carton })
		p.Status, p.Weight, p.Height = StatusOpen, 0, 0
	case Closed:
		p.Status, p.Weight, p.Height = StatusClosed, e.Weight, e.Height
	case Broken:
		p.Status, p.Cartons, p.Weight, p.Height = StatusBroken, nil, 0, 0
	default:
		return p, event.Unexpected("pallet", e)
	}
	return p, nil
}

// Gross is what the pallet weighs by its cartons.
func (p Pallet) Gross() measure.Mass {
	w := p.Tare
	for _, c := range p.Cartons {
		w += c.Weight
	}
	return w
}

// least is how high the pallet is at least: as if its cartons were poured on the deck.
func (p Pallet) least(cartons []Carton) measure.Length {
	mm := func(l measure.Length) int64 { return int64(l / measure.Millimetre) }
	area := mm(p.Deck.Length) * mm(p.Deck.Width)
	if area == 0 {
		return 0
	}
	var volume int64
	for _, c := range cartons {
		volume += mm(c.Dims.Length) * mm(c.Dims.Width) * mm(c.Dims.Height)
	}
	return p.Deck.Height + measure.Length(volume/area)*measure.Millimetre
}

func (p Pallet) has(sscc string) bool {
	return slices.ContainsFunc(p.Cartons, func(c Carton) bool { return c.SSCC == sscc })
}

func (p Pallet) head(at time.Time) Head {
	h := p.Head
	h.At = at.UTC()
	return h
}

func (p Pallet) there(op string) error {
	switch p.Status {
	case StatusNone:
		return fault.At(op, fault.Rejected, "pallet", errors.New("there is no such pallet"))
	case StatusBroken:
		return fault.At(op, fault.Rejected, "pallet", fmt.Errorf("pallet %s was broken up", p.Pallet))
	case StatusOpen, StatusClosed:
	}
	return nil
}

// Build begins a pallet.
func (p Pallet) Build(c Build, at time.Time) ([]event.Event, error) {
	const op = "pallet.Build"
	if err := c.Scope.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	l := c.Limits
	if min(l.Tare, l.MaxWeight) < 0 || min(l.MaxHeight, l.Deck.Length, l.Deck.Width, l.Deck.Height) < 0 {
		return nil, fault.At(op, fault.Invalid, "limits", errors.New("weights and lengths cannot be negative"))
	}
	sscc, err := c.SSCC.SSCC()
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	if p.Status != StatusNone {
		return nil, fault.At(op, fault.Rejected, "sscc", fmt.Errorf("pallet %s is there already", sscc))
	}
	return []event.Event{Built{Head{c.Scope, sscc, at.UTC()}, l, c.By}}, nil
}

// Stack puts a carton on the pallet; one that stands there is no event. A closed pallet is
// open again with it.
func (p Pallet) Stack(c Stack, at time.Time) ([]event.Event, error) {
	const op = "pallet.Stack"
	if err := p.there(op); err != nil {
		return nil, err
	}
	if err := gs1.CheckSSCC(c.Carton.SSCC); err != nil {
		return nil, fault.At(op, fault.Invalid, "carton", err)
	}
	if p.has(c.Carton.SSCC) {
		return nil, nil
	}
	for _, n := range [...]struct{ place, v string }{{"owner", c.Carton.Owner}, {"order", c.Carton.Order}} {
		if err := scope.CheckPart(n.v); err != nil {
			return nil, fault.At(op, fault.Invalid, n.place, err)
		}
	}
	gross := p.Gross() + c.Carton.Weight
	least := p.least(append(slices.Clip(p.Cartons), c.Carton))
	switch {
	case len(p.Cartons) == MaxCartons:
		return nil, fault.At(op, fault.Rejected, "carton", fmt.Errorf("pallet %s has %d cartons, no more are allowed", p.Pallet, MaxCartons))
	case c.Carton.Weight < 0:
		return nil, fault.At(op, fault.Invalid, "weight_mg", fmt.Errorf("%d is negative", c.Carton.Weight))
	case p.MaxWeight > 0 && gross > p.MaxWeight:
		return nil, fault.At(op, fault.Rejected, "carton", fmt.Errorf("pallet %s would weigh %d g with it and bears %d", p.Pallet, gross/measure.Gram, p.MaxWeight/measure.Gram))
	case p.MaxHeight > 0 && least > p.MaxHeight:
		return nil, fault.At(op, fault.Rejected, "carton", fmt.Errorf("pallet %s would be at least %d mm high with it, %d are allowed", p.Pallet, least/measure.Millimetre, p.MaxHeight/measure.Millimetre))
	}
	return []event.Event{Stacked{p.head(at), c.Carton, c.By}}, nil
}

// Unstack takes a carton off; one that does not stand there is Rejected.
func (p Pallet) Unstack(c Unstack, at time.Time) ([]event.Event, error) {
	const op = "pallet.Unstack"
	if err := p.there(op); err != nil {
		return nil, err
	}
	if !p.has(c.Carton) {
		return nil, fault.At(op, fault.Rejected, "carton", fmt.Errorf("carton %.32q does not stand on pallet %s", c.Carton, p.Pallet))
	}
	return []event.Event{Unstacked{p.head(at), c.Carton, c.By, c.Reason}}, nil
}

// Close ends the stacking; closed already is no event. What was measured beyond the limits
// is Rejected.
func (p Pallet) Close(c Close, at time.Time) ([]event.Event, error) {
	const op = "pallet.Close"
	if err := p.there(op); err != nil {
		return nil, err
	}
	if c.Weight == 0 {
		c.Weight = p.Gross()
	}
	switch {
	case p.Status == StatusClosed:
		return nil, nil
	case len(p.Cartons) == 0:
		return nil, fault.At(op, fault.Rejected, "pallet", fmt.Errorf("nothing stands on pallet %s", p.Pallet))
	case c.Weight < 0 || c.Height < 0:
		return nil, fault.At(op, fault.Invalid, "weight_mg", errors.New("weight and height cannot be negative"))
	case p.MaxWeight > 0 && c.Weight > p.MaxWeight:
		return nil, fault.At(op, fault.Rejected, "weight_mg", fmt.Errorf("%d g are more than the %d that pallet %s bears", c.Weight/measure.Gram, p.MaxWeight/measure.Gram, p.Pallet))
	case p.MaxHeight > 0 && c.Height > p.MaxHeight:
		return nil, fault.At(op, fault.Rejected, "height_um", fmt.Errorf("%d mm are more than the %d that are allowed", c.Height/measure.Millimetre, p.MaxHeight/measure.Millimetre))
	}
	return []event.Event{Closed{p.head(at), len(p.Cartons), c.Weight, c.Height, c.By}}, nil
}

// Break takes everything off; broken already is no event.
func (p Pallet) Break(c Break, at time.Time) ([]event.Event, error) {
	const op = "pallet.Break"
	if p.Status == StatusBroken {
		return nil, nil
	}
	if err := p.there(op); err != nil {
		return nil, err
	}
	var cartons []string
	for _, x := range p.Cartons {
		cartons = append(cartons, x.SSCC)
	}
	return []event.Event{Broken{p.head(at), cartons, c.By, c.Reason}}, nil
}
