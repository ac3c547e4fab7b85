package x12wms

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/paklog/hub/core/order"
)

// purposes of an 860 (BCH-01), in the terms of W05-01. Others stay what they are.
var changePurposes = map[string]string{"01": Cancels, "04": Changes, "05": Replaces}

func changePurpose(t Text) Text {
	if v, ok := changePurposes[t.Value]; ok {
		t.Value = v
	}
	return t
}

// lineChanges are what becomes of a line (data element 670, which other syntaxes' codes are read
// into). Changes of the price or the terms
// alone leave the goods as they are. A new quantity is the whole that is wanted from now on, also
// where the code says that it grew (QI) or shrank (QD).
var lineChanges = map[string]string{
	"AI": order.AmendAdd, "DI": order.AmendRemove,
	"CA": order.AmendChange, "QD": order.AmendChange, "QI": order.AmendChange, "PQ": order.AmendChange, "RQ": order.AmendChange, "RZ": order.AmendChange, "CT": order.AmendChange,
	"PC": order.AmendKeep, "PR": order.AmendKeep, "NC": order.AmendKeep, "RS": order.AmendKeep,
}

// known reports whether the line speaks of one that the order has already, so that it need not
// name its item.
func (l DocumentLine) known() bool {
	do, ok := lineChanges[l.Do.Value]
	return ok && do != order.AmendAdd
}

// amend is the change that the document asks for. o is what was read of it so far.
func (p Profile) amend(t *translator, d Document, o Order) *order.Amend {
	c := o.Command
	a := &order.Amend{Scope: c.Scope, Number: c.Number, Source: c.Source, Whole: d.Purpose.Value == Replaces, Service: p.service(d), Dates: p.dates(t, d, o.Places)}
	if namesShipTo(d) {
		to := p.shipTo(t, d, o.Places)
		a.ShipTo = &to
	}
	own := numbers(d.Lines)
	for i, l := range d.Lines {
		at := func(field string, where Place) { o.Places[fmt.Sprintf("lines[%d].%s", i, field)] = where }
		out := order.AmendLine{Do: t.lineChange(l, a.Whole), PlaceLine: order.PlaceLine{Ref: l.ID.Value}}
		if own != nil {
			out.No = own[i]
		}
		p.goods(t, l, &out.PlaceLine, at)
		switch stated := l.Qty.Value != ""; {
		case out.Do == order.AmendKeep || out.Do == order.AmendRemove:
		case out.Do == order.AmendChange && stated && strings.Trim(l.Qty.Value, "0.") == "":
			out.Do = order.AmendRemove // nothing of it is wanted any more
		case stated || out.Do != order.AmendChange:
			out.Qty, out.UOM = t.quantity(l.Qty), p.uom(l.UOM.Value)
		}
		a.Lines = append(a.Lines, out)
	}
	if a.Whole && len(a.Lines) == 0 {
		where := o.Places["lines"]
		t.fail(where, CodeNoLines, "", where.Element, "send at least one line, or cancel the order", "the %s has no lines", d.noun())
	}
	if n := len(a.Lines); n > order.MaxLines {
		t.fail(d.Lines[order.MaxLines].ID.At, CodeCommand, strconv.Itoa(n), fmt.Sprintf("at most %d lines", order.MaxLines), "split the change", "the change has %d lines, more than an order may", n)
	}
	return a
}

// lineChange is what becomes of a line. A document that says all of the order need not say it.
func (t *translator) lineChange(l DocumentLine, whole bool) string {
	do, ok := lineChanges[l.Do.Value]
	if whole && (l.Do.Value == "" || do == order.AmendChange || do == order.AmendAdd || do == order.AmendKeep) {
		return order.AmendSet
	}
	if !ok {
		t.fail(l.Do.At, CodeUnsupported, l.Do.Value, t.paper.Changes, "say it by one of these, or have it changed by hand", "line change %q is none that is understood", l.Do.Value)
	}
	return do
}

// shipsTo are the roles of who is shipped to, best first.
var shipsTo = [...]string{"ST", "CN", "UC"}

// namesShipTo reports whether the document says where to ship.
func namesShipTo(d Document) bool {
	return slices.ContainsFunc(d.Parties, func(n Party) bool { return slices.Contains(shipsTo[:], n.Role.Value) })
}
