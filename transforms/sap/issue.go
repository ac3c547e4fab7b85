package sap

import (
	"fmt"
	"net/url"
	"time"

	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/fault"
)

// Pick is what left of one item of a delivery, in its base unit.
type Pick struct {
	Item erp.Item
	Qty  int64
}

// Stands reports whether SAP says so already.
func (p Pick) Stands() bool { return p.Item.Picked && p.Item.Qty == p.Qty }

// Picks are what left of each item of d, or fault.Rejected with its place where d and g do not speak of
// the same goods.
func Picks(d erp.Delivery, g erp.GoodsIssue) ([]Pick, error) {
	const op = "sap.Picks"
	picks, ordered := make([]Pick, len(d.Items)), make([]int64, len(d.Items))
	lines := make([]int, len(d.Items))
	for i, item := range d.Items {
		picks[i].Item = item
	}
	for _, l := range g.Lines {
		at := fmt.Sprintf("line %d", l.No)
		i, err := itemOf(d, l)
		if err != nil {
			return nil, fault.At(op, fault.Rejected, at, err)
		}
		if i < 0 { // added here, and nothing of it left
			continue
		}
		picks[i].Qty += l.Qty
		ordered[i] += l.Ordered
		lines[i]++
	}
	for i, p := range picks {
		at := "item " + p.Item.No
		switch {
		case lines[i] == 0 && p.Item.Qty == 0:
		case lines[i] == 0:
			return nil, fault.At(op, fault.Rejected, at, fmt.Errorf("order %s has no line of %s", g.Order, p.Item.Material))
		case p.Qty == p.Item.Qty, p.Qty < p.Item.Qty && (ordered[i] == p.Item.Asked || ordered[i] == p.Item.Qty):
		default:
			return nil, fault.At(op, fault.Rejected, at, fmt.Errorf("of %s order %s asked for %d, of which %d left, and delivery %s asks for %d %s: is our smallest unit not its base unit, or was one of them changed?",
				p.Item.Material, g.Order, ordered[i], p.Qty, d.Number, p.Item.Qty, p.Item.Unit))
		}
	}
	return picks, nil
}

// itemOf is the item that a line is of: of its material, and of its number where several are.
func itemOf(d erp.Delivery, l erp.Line) (int, error) {
	found, several := -1, false
	for i, item := range d.Items {
		if m := bare(item.Material); m != bare(l.SKU) && m != bare(l.Item) {
			continue
		}
		if l.Ref != "" && bare(l.Ref) == item.No {
			return i, nil
		}
		found, several = i, found >= 0
	}
	switch {
	case several:
		return -1, fmt.Errorf("delivery %s has several items of %s, and the line's ref %.40q is the number of none", d.Number, l.SKU, l.Ref)
	case found < 0 && l.Qty > 0:
		return -1, fmt.Errorf("delivery %s has no item of %s", d.Number, l.SKU)
	}
	return found, nil
}

// Of names a delivery to a function import.
func Of(number string) url.Values { return url.Values{"DeliveryDocument": {Quoted(number)}} }

// Picking sets an item's quantities, delivered and picked.
func Picking(number string, p Pick) url.Values {
	q := Of(number)
	q.Set("DeliveryDocumentItem", Quoted(p.Item.No))
	q.Set("ActualDeliveredQtyInBaseUnit", decimal(p.Qty))
	q.Set("BaseUnit", Quoted(p.Item.Unit))
	return q
}

// Undoing takes a goods movement back on a day.
func Undoing(number string, day time.Time) url.Values {
	q := Of(number)
	q.Set("ActualGoodsMovementDate", day.UTC().Format("datetime'2006-01-02T00:00'"))
	return q
}
