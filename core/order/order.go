package order

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/scope"
)

// Order is the state of an order. The zero Order does not exist yet.
type Order struct {
	Scope    scope.Scope `json:"scope"`
	Number   string      `json:"order"`
	Policy   string      `json:"policy,omitempty"`
	Priority int         `json:"priority,omitempty"`
	Lines    []Line      `json:"lines,omitempty"`
	Service  Service     `json:"service"`
	Dates    Dates       `json:"dates"`
	Refs     []Ref       `json:"refs,omitempty"`
	Source   Source      `json:"source"`
	Parties  Parties     `json:"-"`

	HoldReason string    `json:"hold,omitempty"` // "" when not held
	InWave     string    `json:"wave,omitempty"` // the wave it is in now
	Problems   []Problem `json:"problems,omitempty"`
	Refused    bool      `json:"rejected,omitempty"` // the last attempt to place it was rejected
}

// Line is a line of an order. Quantities are in the item's smallest unit. The
// parts Reserved to Backordered lie within what is open.
type Line struct {
	AcceptedLine
	SKU     string  `json:"sku"`            // the item worked with: as ordered, or as resolved
	Problem Problem `json:"hold,omitzero"`  // why the line is held
	Dropped bool    `json:"drop,omitempty"` // cancelled before its quantity was known

	Reserved    int64 `json:"reserved,omitempty"`
	Allocated   int64 `json:"allocated,omitempty"`
	Picked      int64 `json:"picked,omitempty"`
	Packed      int64 `json:"packed,omitempty"`
	Backordered int64 `json:"backordered,omitempty"`

	Shipped   int64 `json:"shipped,omitempty"`
	Short     int64 `json:"short,omitempty"`
	Cancelled int64 `json:"cancelled,omitempty"`
}

// Open is what is neither shipped nor given up.
func (l Line) Open() int64 { return l.Ordered - l.Shipped - l.Short - l.Cancelled }

// Unassigned is what of the open quantity nobody has promised, waits for or works on.
func (l Line) Unassigned() int64 {
	return l.Open() - l.Reserved - l.Allocated - l.Picked - l.Packed - l.Backordered
}

// Held reports whether the line waits for somebody to say what it means.
func (l Line) Held() bool { return l.Problem.Code != "" && !l.Dropped }

// Known reports whether the order was ever placed, be it in vain.
func (o Order) Known() bool { return o.Number != "" }

// Exists reports whether the order was accepted.
func (o Order) Exists() bool { return o.Known() && !o.Refused }

// Line is the line of that number.
func (o Order) Line(no int) (Line, bool) {
	// Most senders number 1, 2, 3.
	if no >= 1 && no <= len(o.Lines) && o.Lines[no-1].No == no {
		return o.Lines[no-1], true
	}
	if i := o.index(no); i >= 0 {
		return o.Lines[i], true
	}
	return Line{}, false
}

func (o Order) index(no int) int {
	return slices.IndexFunc(o.Lines, func(l Line) bool { return l.No == no })
}

// Personal implements the sealed group of a snapshot.
func (o Order) Personal() (string, any) {
	if !o.Exists() {
		return "", nil
	}
	return StreamOf(o.Scope, o.Number), o.Parties
}

// WithPersonal is o with its sealed group put back.
func (o Order) WithPersonal(group []byte) (Order, error) {
	err := json.Unmarshal(group, &o.Parties)
	return o, err
}

// Fold makes an [Order].
var Fold = event.Fold[Order]{Kind: "order", Version: 1, Apply: apply}

func apply(o Order, e event.Event) (Order, error) {
	switch e := e.(type) {
	case Accepted:
		return accepted(e), nil
	case Rejected:
		return Order{Scope: e.Scope, Number: e.Order, Source: e.Source, Problems: e.Problems, Refused: true}, nil
	case Held:
		o.HoldReason = e.Reason
		return o, nil
	case Released:
		o.HoldReason = ""
		return o, nil
	case Waved:
		o.InWave = e.Wave
		return o, nil
	case Unwaved:
		o.InWave = ""
		return o, nil
	}
	o.Lines = slices.Clone(o.Lines)
	var err error
	each := func(lines []LineQty, f func(l *Line, qty int64)) {
		for _, q := range lines {
			err = errors.Join(err, o.change(q.Line, func(l *Line) { f(l, q.Qty) }))
		}
	}
	switch e := e.(type) {
	case LineHeld:
		err = o.change(e.Line, func(l *Line) { l.Problem = e.Problem })
	case LineReleased:
		err = o.change(e.Line, func(l *Line) { l.Problem, l.SKU, l.Ordered = Problem{}, e.Item, e.Ordered })
	case Cancelled:
		for _, c := range e.Lines {
			err = errors.Join(err, o.change(c.Line, func(l *Line) { l.cancel(c) }))
		}
	case Reserved:
		each(e.Lines, func(l *Line, q int64) { l.Reserved += q })
	case Unreserved:
		each(e.Lines, func(l *Line, q int64) { l.Reserved -= q })
	case Backordered:
		each(e.Lines, func(l *Line, q int64) { l.Backordered += q })
	case BackorderReleased:
		each(e.Lines, func(l *Line, q int64) { l.Backordered -= q })
	case Allocated:
		each(e.Lines, func(l *Line, q int64) { l.Reserved -= q; l.Allocated += q })
	case Deallocated:
		each(e.Lines, func(l *Line, q int64) {
			l.Allocated -= q
			if e.Keep {
				l.Reserved += q
			}
		})
	case Picked:
		each(e.Lines, func(l *Line, q int64) { l.Allocated -= q; l.Picked += q })
	case Packed:
		each(e.Lines, func(l *Line, q int64) { l.Picked -= q; l.Packed += q })
	case Shipped:
		each(e.Lines, func(l *Line, q int64) { l.Packed -= q; l.Shipped += q })
	case Shorted:
		err = o.change(e.Line, func(l *Line) { l.short(e) })
	default:
		return o, event.Unexpected("order", e)
	}
	if err != nil {
		return Order{}, err
	}
	return o, nil
}

func accepted(e Accepted) Order {
	o := Order{
		Scope: e.Scope, Number: e.Order, Policy: e.Policy, Priority: e.Priority,
		Service: e.Service, Dates: e.Dates, Refs: e.Refs, Source: e.Source, Parties: e.Parties,
		Lines: make([]Line, len(e.Lines)),
	}
	for i, l := range e.Lines {
		o.Lines[i] = Line{AcceptedLine: l, SKU: l.Item}
	}
	return o
}

// change alters one line of a slice that is already o's own, and holds the line
// law: an event that breaks it was not decided by this package.
func (o *Order) change(no int, f func(*Line)) error {
	i := o.index(no)
	if i < 0 {
		return fault.At("order.Apply", fault.Internal, fmt.Sprintf("line %d", no), errors.New("the order has no such line"))
	}
	l := &o.Lines[i]
	f(l)
	for _, q := range [...]int64{
		l.Ordered, l.Reserved, l.Allocated, l.Picked, l.Packed, l.Backordered,
		l.Shipped, l.Short, l.Cancelled, l.Open(), l.Unassigned(),
	} {
		if q < 0 {
			return fault.At("order.Apply", fault.Internal, fmt.Sprintf("line %d", no), errors.New("its quantities no longer add up"))
		}
	}
	return nil
}

func (l *Line) cancel(c CancelledLine) {
	if l.Held() {
		l.Dropped = true
	}
	l.Cancelled += c.Qty
	l.Reserved -= c.Release
	l.Allocated -= c.Deallocate
	l.Picked -= c.PutBack
	l.Packed -= c.Unpack
	l.Backordered -= c.Backordered
}

func (l *Line) short(e Shorted) {
	if p := l.part(e.From); p != nil {
		*p -= e.Qty
	}
	switch e.Then {
	case Wait:
		l.Backordered += e.Qty
	case Close:
		l.Short += e.Qty
	}
}

// part is the counter that a shortage is taken from; nil is the unassigned rest.
func (l *Line) part(from string) *int64 {
	switch from {
	case FromReserved:
		return &l.Reserved
	case FromAllocated:
		return &l.Allocated
	case FromBackordered:
		return &l.Backordered
	}
	return nil
}
