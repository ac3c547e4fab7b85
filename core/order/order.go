package order

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/scope"
)

// Order is the state of an order. The zero Order does not exist yet.
type Order struct {
	Scope    scope.Scope `json:"scope"`
	Number   string      `json:"order"`
	Policy   string      `json:"policy,omitempty"`
	Type     string      `json:"type,omitempty"`
	Priority int         `json:"priority,omitempty"`
	Lines    []Line      `json:"lines,omitempty"`
	Service  Service     `json:"service"`
	Dates    Dates       `json:"dates"`
	Refs     []Ref       `json:"refs,omitempty"`
	Source   Source      `json:"source"`
	Parties  Parties     `json:"-"`

	Holds    []string  `json:"holds,omitempty"` // the reasons it is on hold for, as they came
	InWave   string    `json:"wave,omitempty"`  // the wave it is in now
	Problems []Problem `json:"problems,omitempty"`
	Refused  bool      `json:"rejected,omitempty"` // the last attempt to place it was rejected

	SplitFrom  string    `json:"split_from,omitempty"`    // the order it was split off
	Parts      []string  `json:"parts,omitempty"`         // the orders that were split off it
	Root       string    `json:"root,omitempty"`          // the number that the sender of a split order knows
	MergedInto string    `json:"merged_into,omitempty"`   // the order that its lines belong to now
	Missed     time.Time `json:"cut_off_missed,omitzero"` // the cut-off that passed before it had left
	First      *First    `json:"first,omitempty"`         // what was placed, where it was changed since
}

// First is an order as it was placed: sent again as that it is the same order, whatever became
// of it. The ship-to stands with what is sealed.
type First struct {
	Priority int            `json:"priority,omitempty"`
	Lines    []AcceptedLine `json:"lines"`
	Service  Service        `json:"service"`
	Dates    Dates          `json:"dates"`
	Refs     []Ref          `json:"refs,omitempty"`
	shipTo   party.Address
	notes    []string
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

	From   string `json:"from,omitempty"`      // the order that brought it in a merge
	FromNo int    `json:"from_line,omitempty"` // its number there
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

// Told is the number that whoever sent the order knows it by: its own, or that of the order
// it was split off.
func (o Order) Told() string { return cmp.Or(o.Root, o.Number) }

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
	s := sealed{Parties: o.Parties}
	if o.First != nil {
		s.FirstShipTo, s.FirstNotes = o.First.shipTo, o.First.notes
	}
	return StreamOf(o.Scope, o.Number), s
}

// sealed is what a snapshot keeps apart.
type sealed struct {
	Parties
	FirstShipTo party.Address `json:"first_ship_to,omitzero"`
	FirstNotes  []string      `json:"first_notes,omitempty"`
}

// WithPersonal is o with its sealed group put back.
func (o Order) WithPersonal(group []byte) (Order, error) {
	var s sealed
	err := json.Unmarshal(group, &s)
	o.Parties = s.Parties
	if o.First != nil {
		first := *o.First
		first.shipTo, first.notes = s.FirstShipTo, s.FirstNotes
		o.First = &first
	}
	return o, err
}

// Fold makes an [Order].
var Fold = event.Fold[Order]{Kind: "order", Version: 3, Apply: apply}

func apply(o Order, e event.Event) (Order, error) {
	switch e := e.(type) {
	case Accepted:
		return accepted(e), nil
	case Rejected:
		return Order{Scope: e.Scope, Number: e.Order, Source: e.Source, Problems: e.Problems, Refused: true}, nil
	case Held:
		o.Holds = append(slices.Clone(o.Holds), e.Reason)
		return o, nil
	case HoldLifted:
		o.Holds = slices.DeleteFunc(slices.Clone(o.Holds), func(r string) bool { return r == e.Reason })
		return o, nil
	case Released:
		o.Holds = nil
		return o, nil
	case SplitFrom:
		o.SplitFrom, o.Root = e.From, e.Root
		return o, nil
	case CutOffMissed:
		o.Missed = e.ShipBy
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
	case Changed:
		err = o.changed(e)
	case SplitInto:
		o.remember()
		o.Parts = append(slices.Clone(o.Parts), e.To)
		err = o.relines(e.Lines)
	case MergedFrom:
		o.merged(e)
	case MergedInto:
		o.remember()
		o.MergedInto = e.Into
		err = o.relines(e.Lines)
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
	case Unpacked:
		each(e.Lines, func(l *Line, q int64) { l.Packed -= q; l.Picked += q })
	case Shipped:
		each(e.Lines, func(l *Line, q int64) {
			if !e.Outside {
				l.Packed -= q
			}
			l.Shipped += q
		})
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
		Scope: e.Scope, Number: e.Order, Policy: e.Policy, Type: e.Type, Priority: e.Priority,
		Service: e.Service, Dates: e.Dates, Refs: e.Refs, Source: e.Source, Parties: e.Parties,
		Lines: make([]Line, len(e.Lines)),
	}
	for i, l := range e.Lines {
		o.Lines[i] = Line{AcceptedLine: l, SKU: l.Item}
	}
	return o
}

// remember keeps what was placed, before it is changed for the first time.
func (o *Order) remember() {
	if o.First != nil {
		return
	}
	f := &First{
		Priority: o.Priority, Lines: make([]AcceptedLine, len(o.Lines)), Service: o.Service, Dates: o.Dates, Refs: o.Refs,
		shipTo: o.Parties.ShipTo, notes: o.Parties.Notes,
	}
	for i, l := range o.Lines {
		f.Lines[i] = l.AcceptedLine
	}
	o.First = f
}

func (o *Order) changed(e Changed) error {
	o.remember()
	for _, f := range e.Fields {
		switch f {
		case FieldShipTo:
			o.Parties.ShipTo = e.ShipTo
		case FieldService:
			o.Service = e.Service
		case FieldDates:
			o.Dates = e.Dates
		case FieldPriority:
			o.Priority = e.Priority
		}
	}
	if !o.Missed.Equal(o.Dates.ShipBy) {
		o.Missed = time.Time{}
	}
	for _, l := range e.Added {
		o.Lines = append(o.Lines, Line{AcceptedLine: l, SKU: l.Item})
	}
	return o.relines(e.Lines)
}

func (o *Order) merged(e MergedFrom) {
	o.remember()
	for _, l := range e.Lines {
		o.Lines = append(o.Lines, Line{AcceptedLine: l.AcceptedLine, SKU: l.Item, From: e.From, FromNo: l.Of})
	}
	o.Dates, o.Priority = e.Dates, e.Priority
	if !o.Missed.Equal(o.Dates.ShipBy) {
		o.Missed = time.Time{}
	}
	o.Refs = slices.Concat(o.Refs, e.Refs)
	o.Parties.Notes = slices.Concat(o.Parties.Notes, e.Notes)
}

// relines gives lines their new quantities, and takes from their parts what the events say.
func (o *Order) relines(lines []ChangedLine) error {
	var err error
	for _, c := range lines {
		err = errors.Join(err, o.change(c.Line, func(l *Line) {
			l.Qty, l.UOM, l.Ordered = c.Qty, c.UOM, c.Ordered
			l.Reserved -= c.Release
			l.Allocated -= c.Deallocate
			l.Backordered -= c.Backordered
		}))
	}
	return err
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
