package x12wms

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/order"
)

func (p Profile) lines(t *translator, d Document, places map[string]Place) []order.PlaceLine {
	lines := make([]order.PlaceLine, 0, len(d.Lines))
	own := numbers(d.Lines)
	for i, l := range d.Lines {
		at := func(field string, where Place) { places[fmt.Sprintf("lines[%d].%s", i, field)] = where }
		out := order.PlaceLine{Ref: l.ID.Value, UOM: p.uom(l.UOM.Value), Qty: t.quantity(l.Qty)}
		if own != nil {
			out.No = own[i]
		}
		p.goods(t, l, &out, at)
		if out.Price = priced(l.Price.Value, l.Per, cmp.Or(d.Currency.Value, p.Currency)); out.Price != (order.Price{}) {
			at("price", l.Price.At)
		}
		lines = append(lines, out)
	}
	if len(lines) == 0 {
		where := places["lines"]
		t.fail(where, CodeNoLines, "", where.Element, "send at least one line", "the %s has no lines", d.noun())
	}
	return lines
}

// goods is what of a line says what is ordered, and the places of all of it.
func (p Profile) goods(t *translator, l DocumentLine, out *order.PlaceLine, at func(string, Place)) {
	at("no", l.ID.At)
	at("ref", l.ID.At)
	at("qty", l.Qty.At)
	at("uom", l.UOM.At)
	p.itemOf(t, l, out, at)
	for _, r := range l.Refs {
		if r.Qualifier.Value == lotQualifier && out.Lot == "" {
			out.Lot = r.Value.Value
			at("lot", r.Value.At)
		}
	}
}

// numbers are the sender's line numbers if all lines have one of their own.
func numbers(lines []DocumentLine) []int {
	out := make([]int, len(lines))
	seen := make(map[int]bool, len(lines))
	for i, l := range lines {
		n, err := strconv.ParseInt(l.ID.Value, 10, 32)
		if err != nil || n < 1 || seen[int(n)] {
			return nil
		}
		out[i], seen[int(n)] = int(n), true
	}
	return out
}

// itemOf names the line's item by the best qualifier there is and keeps the
// other codes.
func (p Profile) itemOf(t *translator, l DocumentLine, out *order.PlaceLine, at func(string, Place)) {
	codes := l.Codes
	if l.UPC.Value != "" {
		codes = append(codes[:len(codes):len(codes)], Code{Qualifier: Text{Value: "UP"}, Value: l.UPC})
	}
	best := len(p.items())
	for _, c := range codes {
		if c.Qualifier.Value == lotQualifier {
			out.Lot = c.Value.Value
			at("lot", c.Value.At)
			continue
		}
		out.Codes = append(out.Codes, item.Code{Kind: cmp.Or(c.Kind, kindOf(kinds, c.Qualifier.Value)), Value: c.Value.Value})
		for rank, q := range p.items()[:best] {
			if q == c.Qualifier.Value {
				best, out.Item = rank, c.Value.Value
				at("item", c.Value.At)
				break
			}
		}
	}
	if out.Item == "" && !l.known() {
		t.fail(l.FirstCode, CodeNoItem, "", "a code qualified by one of "+strings.Join(p.items(), " "),
			"send the item's code, or add its qualifier to the partner's items", "the line names no item that this partner is to be understood by")
	}
}

// quantity reads a positive whole number; X12 allows decimals.
func (t *translator) quantity(q Text) int64 {
	whole, fraction, _ := strings.Cut(q.Value, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	switch {
	case q.Value == "":
		t.fail(q.At, CodeQuantity, "", "a positive number", "", "the line has no quantity")
	case err != nil || strings.Trim(fraction, "0") != "":
		t.fail(q.At, CodeQuantity, q.Value, "a whole number", "send the quantity in a unit that needs no fraction", "quantity %q is not a whole number", q.Value)
	case n < 1 || n > order.MaxQty:
		t.fail(q.At, CodeQuantity, q.Value, fmt.Sprintf("1 to %d", order.MaxQty), "", "quantity %q cannot be shipped", q.Value)
	}
	return n
}
