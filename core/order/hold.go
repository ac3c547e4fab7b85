package order

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/scope"
)

// Hold puts the order on hold, or gives a hold one reason more: each is released by itself.
// The same reason again is no event.
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
	case slices.Contains(o.Holds, c.Reason):
		return nil, nil
	case len(o.Holds) == MaxHolds:
		return nil, fault.At(op, fault.Rejected, "reason", fmt.Errorf("order %s is on hold for %d reasons already, and more are not kept: release one", o.Number, MaxHolds))
	}
	return []event.Event{Held{o.head(at), c.Reason, c.By}}, nil
}

// Release ends the hold for one reason, or for all; without any it is no event. The order goes
// on when its last reason is gone. A reason that it is not held for is Rejected and says which
// there are.
func (o Order) Release(c Release, at time.Time) ([]event.Event, error) {
	const op = "order.Release"
	if err := o.exists(op); err != nil {
		return nil, err
	}
	switch {
	case len(o.Holds) == 0:
		return nil, nil
	case c.Reason != "" && !slices.Contains(o.Holds, c.Reason):
		return nil, fault.At(op, fault.Rejected, "reason", fmt.Errorf("order %s is not on hold for %q but for %s", o.Number, c.Reason, strings.Join(o.Holds, ", ")))
	case c.Reason != "" && len(o.Holds) > 1:
		return []event.Event{HoldLifted{o.head(at), c.Reason, c.By}}, nil
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
