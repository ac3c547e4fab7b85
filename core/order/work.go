package order

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
)

// Workable says why no new work may begin on the order (no promise, no place, no
// wave), or nil. What was begun may be told even so: the goods have moved.
func (o Order) Workable() error {
	const op = "order.Workable"
	if err := o.exists(op); err != nil {
		return err
	}
	if o.OnHold() {
		return fault.At(op, fault.Rejected, "hold", fmt.Errorf("order %s is on hold (%s): release it first", o.Number, strings.Join(o.Holds, ", ")))
	}
	if o.Closed() {
		return fault.At(op, fault.Rejected, "order", fmt.Errorf("order %s is closed (%s)", o.Number, o.Status()))
	}
	return nil
}

// OnHold reports whether a hold keeps work from beginning.
func (o Order) OnHold() bool { return len(o.Holds) > 0 }

func (o Order) exists(op string) error {
	switch {
	case !o.Known():
		return fault.At(op, fault.Rejected, "order", errors.New("there is no such order"))
	case o.Refused:
		return fault.At(op, fault.Rejected, "order", fmt.Errorf("order %s was rejected", o.Number))
	}
	return nil
}

func (o Order) head(at time.Time) Head { return Head{o.Scope, o.Number, at.UTC()} }

// takes checks that each quantity is there to be taken. The lines of a command
// are copied: events own what they hold.
func (o Order) takes(op string, lines []LineQty, what string, part func(Line) int64) ([]LineQty, error) {
	if len(lines) == 0 {
		return nil, fault.At(op, fault.Invalid, "lines", errors.New("names no line"))
	}
	seen := make(map[int]bool, len(lines))
	for i, q := range lines {
		at := func(f string) string { return fmt.Sprintf("lines[%d].%s", i, f) }
		l, ok := o.Line(q.Line)
		switch {
		case !ok:
			return nil, fault.At(op, fault.Invalid, at("line"), fmt.Errorf("order %s has no line %d", o.Number, q.Line))
		case seen[q.Line]:
			return nil, fault.At(op, fault.Invalid, at("line"), fmt.Errorf("line %d is named twice", q.Line))
		case q.Qty < 1:
			return nil, fault.At(op, fault.Invalid, at("qty"), fmt.Errorf("%d is not at least 1", q.Qty))
		case q.Qty > part(l):
			return nil, fault.At(op, fault.Rejected, at("qty"), fmt.Errorf("line %d has %d %s, not %d", q.Line, part(l), what, q.Qty))
		}
		seen[q.Line] = true
	}
	return slices.Clone(lines), nil
}

// whole refuses an all-or-nothing order of which, with the lines given, something
// would stay behind.
func (o Order) whole(op string, lines []LineQty) error {
	if o.Policy != AllOrNothing {
		return nil
	}
	add := make(map[int]int64, len(lines))
	for _, q := range lines {
		add[q.Line] = q.Qty
	}
	for _, l := range o.Lines {
		if miss := l.Unassigned() + l.Backordered - add[l.No]; miss > 0 {
			return fault.At(op, fault.Rejected, fmt.Sprintf("line %d", l.No), fmt.Errorf("order %s ships whole or not at all, and %d of the line would be missing", o.Number, miss))
		}
	}
	return nil
}

// Reserve records promises that stock made. An all-or-nothing order takes them
// all at once or none.
func (o Order) Reserve(c Reserve, at time.Time) ([]event.Event, error) {
	const op = "order.Reserve"
	if err := o.Workable(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	lines, err := o.takes(op, c.Lines, "that nobody has promised yet", Line.Unassigned)
	if err != nil {
		return nil, err
	}
	if err := o.whole(op, lines); err != nil {
		return nil, err
	}
	return []event.Event{Reserved{o.head(at), lines}}, nil
}

// Unreserve records promises that were taken back.
func (o Order) Unreserve(c Unreserve, at time.Time) ([]event.Event, error) {
	const op = "order.Unreserve"
	if err := o.exists(op); err != nil {
		return nil, err
	}
	lines, err := o.takes(op, c.Lines, "promised", func(l Line) int64 { return l.Reserved })
	if err != nil {
		return nil, err
	}
	return []event.Event{Unreserved{o.head(at), lines, c.Reason}}, nil
}

// Backorder lets quantities wait for a receipt.
func (o Order) Backorder(c Backorder, at time.Time) ([]event.Event, error) {
	const op = "order.Backorder"
	if err := o.exists(op); err != nil {
		return nil, err
	}
	lines, err := o.takes(op, c.Lines, "that nobody has promised yet", Line.Unassigned)
	if err != nil {
		return nil, err
	}
	return []event.Event{Backordered{o.head(at), lines, c.Reason}}, nil
}

// ReleaseBackorder lets waiting quantities try again.
func (o Order) ReleaseBackorder(c ReleaseBackorder, at time.Time) ([]event.Event, error) {
	const op = "order.ReleaseBackorder"
	if err := o.Workable(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	lines, err := o.takes(op, c.Lines, "backordered", func(l Line) int64 { return l.Backordered })
	if err != nil {
		return nil, err
	}
	return []event.Event{BackorderReleased{o.head(at), lines, c.Cause}}, nil
}

// Allocate records that promised quantities were given places.
func (o Order) Allocate(c Allocate, at time.Time) ([]event.Event, error) {
	const op = "order.Allocate"
	if err := o.Workable(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	lines, err := o.takes(op, c.Lines, "promised", func(l Line) int64 { return l.Reserved })
	if err != nil {
		return nil, err
	}
	return []event.Event{Allocated{o.head(at), lines}}, nil
}

// Deallocate records that places were taken back.
func (o Order) Deallocate(c Deallocate, at time.Time) ([]event.Event, error) {
	const op = "order.Deallocate"
	if err := o.exists(op); err != nil {
		return nil, err
	}
	lines, err := o.takes(op, c.Lines, "allocated", func(l Line) int64 { return l.Allocated })
	if err != nil {
		return nil, err
	}
	return []event.Event{Deallocated{o.head(at), lines, c.Keep, c.Reason}}, nil
}

// Wave puts the order into a wave. One that ships whole or not at all must have
// its whole quantity promised.
func (o Order) Wave(c Wave, at time.Time) ([]event.Event, error) {
	const op = "order.Wave"
	if err := o.Workable(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if c.Wave == "" {
		return nil, fault.At(op, fault.Invalid, "wave", errors.New("is missing"))
	}
	if o.InWave == c.Wave {
		return nil, nil
	}
	if o.InWave != "" {
		return nil, fault.At(op, fault.Rejected, "wave", fmt.Errorf("order %s is in wave %s", o.Number, o.InWave))
	}
	if t := o.Totals(); t.Reserved+t.Allocated == 0 {
		return nil, fault.At(op, fault.Rejected, "lines", fmt.Errorf("nothing of order %s is promised", o.Number))
	}
	if err := o.whole(op, nil); err != nil {
		return nil, err
	}
	return []event.Event{Waved{o.head(at), c.Wave}}, nil
}

// Unwave takes the order out of the wave. Another wave than the one it is in is
// no event: it has left already.
func (o Order) Unwave(c Unwave, at time.Time) ([]event.Event, error) {
	const op = "order.Unwave"
	if err := o.exists(op); err != nil {
		return nil, err
	}
	if o.InWave == "" || o.InWave != c.Wave {
		return nil, nil
	}
	return []event.Event{Unwaved{o.head(at), c.Wave, c.Reason}}, nil
}

// Pick records what lies in totes.
func (o Order) Pick(c Pick, at time.Time) ([]event.Event, error) {
	const op = "order.Pick"
	if err := o.exists(op); err != nil {
		return nil, err
	}
	lines, err := o.takes(op, c.Lines, "allocated", func(l Line) int64 { return l.Allocated })
	if err != nil {
		return nil, err
	}
	return []event.Event{Picked{o.head(at), c.Task, lines}}, nil
}

// Short records that a quantity cannot be had as planned. An order that ships
// whole or not at all is never closed short: it waits, or is cancelled.
func (o Order) Short(c Short, at time.Time) ([]event.Event, error) {
	const op = "order.Short"
	if err := o.exists(op); err != nil {
		return nil, err
	}
	switch c.Then {
	case Reallocate, Wait:
	case Close:
		if o.Policy == AllOrNothing {
			return nil, fault.At(op, fault.Rejected, "then", fmt.Errorf("order %s ships whole or not at all: let it wait, or cancel it", o.Number))
		}
	default:
		return nil, fault.At(op, fault.Invalid, "then", fmt.Errorf("%q is not %s, %s or %s", c.Then, Reallocate, Wait, Close))
	}
	part := func(l Line) int64 {
		if p := l.part(c.From); p != nil {
			return *p
		}
		return l.Unassigned()
	}
	switch c.From {
	case FromOpen, FromReserved, FromAllocated, FromBackordered:
	default:
		return nil, fault.At(op, fault.Invalid, "from", fmt.Errorf("%q is not a part of a line that can be short", c.From))
	}
	if _, err := o.takes(op, []LineQty{{c.Line, c.Qty}}, c.From, part); err != nil {
		return nil, err
	}
	return []event.Event{Shorted{o.head(at), c.Line, c.Qty, c.From, c.Then, c.Task}}, nil
}

// Pack records what lies in a closed carton.
func (o Order) Pack(c Pack, at time.Time) ([]event.Event, error) {
	const op = "order.Pack"
	if err := o.exists(op); err != nil {
		return nil, err
	}
	lines, err := o.takes(op, c.Lines, "picked", func(l Line) int64 { return l.Picked })
	if err != nil {
		return nil, err
	}
	return []event.Event{Packed{o.head(at), c.Carton, lines}}, nil
}

// Unpack records that a closed carton was opened again.
func (o Order) Unpack(c Unpack, at time.Time) ([]event.Event, error) {
	const op = "order.Unpack"
	if err := o.exists(op); err != nil {
		return nil, err
	}
	lines, err := o.takes(op, c.Lines, "packed", func(l Line) int64 { return l.Packed })
	if err != nil {
		return nil, err
	}
	return []event.Event{Unpacked{o.head(at), c.Carton, lines}}, nil
}

// Ship records what left. A line of the order that is missing from c.Lines is a
// short ship, which is legal; shipping what is not packed is not, or from outside what is not open.
func (o Order) Ship(c Ship, at time.Time) ([]event.Event, error) {
	const op = "order.Ship"
	if err := o.exists(op); err != nil {
		return nil, err
	}
	what, part := "packed", func(l Line) int64 { return l.Packed }
	if c.Outside {
		what, part = "open", Line.Unassigned
	}
	lines, err := o.takes(op, c.Lines, what, part)
	if err != nil {
		return nil, err
	}
	return []event.Event{Shipped{o.head(at), c.Shipment, c.Supplement, c.Outside, lines}}, nil
}
