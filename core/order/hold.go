package order

import (
	"errors"
	"fmt"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/scope"
)

// Hold puts the order on hold. The same hold again is no event.
func (o Order) Hold(c Hold, at time.Time) ([]event.Event, error) {
	const op = "order.Hold"
	if err := o.exists(op); err != nil {
		return nil, err
	}
	if err := scope.CheckPart(c.Reason); err != nil {
		return nil, fault.At(op, fault.Invalid, "reason", err)
	}
	switch {
	case o.Closed():
		return nil, fault.At(op, fault.Rejected, "order", fmt.Errorf("order %s is closed (%s)", o.Number, o.Status()))
	case o.HoldReason == c.Reason:
		return nil, nil
	case o.HoldReason != "":
		return nil, fault.At(op, fault.Rejected, "hold", fmt.Errorf("order %s is on hold already (%s)", o.Number, o.HoldReason))
	}
	return []event.Event{Held{o.head(at), c.Reason, c.By}}, nil
}

// Release ends a hold; without one it is no event.
func (o Order) Release(c Release, at time.Time) ([]event.Event, error) {
	if err := o.exists("order.Release"); err != nil {
		return nil, err
	}
	if o.HoldReason == "" {
		return nil, nil
	}
	return []event.Event{Released{o.head(at), c.By}}, nil
}

// ReleaseLine lets a held line go on, now that its item is known.
func (o Order) ReleaseLine(c ReleaseLine, items Items, at time.Time) ([]event.Event, error) {
	const op = "order.ReleaseLine"
	if err := o.exists(op); err != nil {
		return nil, err
	}
	l, ok := o.Line(c.Line)
	if !ok {
		return nil, fault.At(op, fault.Invalid, "line", fmt.Errorf("order %s has no line %d", o.Number, c.Line))
	}
	if !l.Held() {
		return nil, fault.At(op, fault.Rejected, "line", fmt.Errorf("line %d of order %s is not held", c.Line, o.Number))
	}
	sku := c.Item
	if sku == "" {
		sku = l.Item
	}
	qty, p := resolve(sku, l.Qty, l.UOM, items)
	if p.Code != "" {
		return nil, fault.At(op, fault.Rejected, fmt.Sprintf("line %d.%s", c.Line, p.Place), errors.New(p.Text))
	}
	return []event.Event{LineReleased{o.head(at), c.Line, sku, qty}}, nil
}

// Cancel ends what is open, of the given lines or of all, and says what must be
// undone. What has shipped stays shipped. Nothing left to cancel is no event when
// it was cancelled before, and Rejected when it shipped or was closed short.
func (o Order) Cancel(c Cancel, at time.Time) ([]event.Event, error) {
	const op = "order.Cancel"
	if err := o.exists(op); err != nil {
		return nil, err
	}
	if err := scope.CheckPart(c.Reason); err != nil {
		return nil, fault.At(op, fault.Invalid, "reason", err)
	}
	want := make(map[int]bool, len(c.Lines))
	for i, no := range c.Lines {
		if _, ok := o.Line(no); !ok {
			return nil, fault.At(op, fault.Invalid, fmt.Sprintf("lines[%d]", i), fmt.Errorf("order %s has no line %d", o.Number, no))
		}
		want[no] = true
	}
	var out []CancelledLine
	before := false // something of it was cancelled earlier
	for _, l := range o.Lines {
		if len(want) > 0 && !want[l.No] {
			continue
		}
		before = before || l.Cancelled > 0 || l.Dropped
		if l.Open() == 0 && !l.Held() {
			continue
		}
		out = append(out, CancelledLine{
			Line: l.No, Item: l.SKU, Qty: l.Open(), Release: l.Reserved, Deallocate: l.Allocated,
			PutBack: l.Picked, Unpack: l.Packed, Backordered: l.Backordered,
		})
	}
	switch {
	case len(out) > 0:
		return []event.Event{Cancelled{o.head(at), c.Reason, c.By, out}}, nil
	case before:
		return nil, nil
	}
	return nil, fault.At(op, fault.Rejected, "order", fmt.Errorf("nothing of order %s is open (%s)", o.Number, o.Status()))
}
