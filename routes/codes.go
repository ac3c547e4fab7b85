package routes

import (
	"fmt"
	"slices"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/gs1"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
)

// codeKey is where an owner's item is noted by a GTIN, as 14 digits, or another code of it.
func codeKey(s scope.Scope, code string) string {
	if g, err := gs1.GTIN14(code); err == nil {
		code = g
	}
	return "code/" + scope.Join(s.Tenant, s.Owner, code)
}

// noteCodes lets an item be found by the codes that it has now. A GTIN is one item's; another code that
// another item has stays that one's.
func (d *decision) noteCodes(s scope.Scope, sku string, was, is []item.Code) {
	wanted := map[string]bool{}
	var keys []string
	for _, list := range [...][]item.Code{was, is} {
		for _, c := range list {
			if k := codeKey(s, c.Value); !wanted[k] {
				wanted[k] = true
				keys = append(keys, k)
			}
		}
	}
	clear(wanted)
	for _, c := range is {
		wanted[codeKey(s, c.Value)] = true
	}
	for i, c := range is {
		var of string
		if _, found := d.state(codeKey(s, c.Value), &of); found && of != sku && c.IsGTIN() && d.err == nil {
			d.fail(fault.At("routes.Master", fault.Rejected, fmt.Sprintf("codes[%d].value", i), fmt.Errorf("%s is the number of item %s", c.Value, of)))
		}
	}
	for _, k := range keys {
		var of string
		switch old, found := d.state(k, &of); {
		case wanted[k] && !found:
			d.out.SetState(k, old, sku)
		case !wanted[k] && found && of == sku:
			d.out.SetState(k, old, nil)
		}
	}
}

// itemBy is the owner's item of a code, or "".
func (d *decision) itemBy(s scope.Scope, c gs1.Code) (sku string) {
	code := c.GTIN()
	if code == "" {
		code = c.Text
	}
	if code != "" {
		d.state(codeKey(s, code), &sku)
	}
	return sku
}

// named are lines with our name of each item that the owner knows by a code alone: the one that stands for
// the item, or another of the line.
func (d *decision) named(s scope.Scope, lines []order.PlaceLine) []order.PlaceLine {
	for i, l := range lines {
		if sku := d.skuOf(s, l.Item, l.Codes); sku != l.Item {
			lines = slices.Clone(lines)
			lines[i].Item = sku
		}
	}
	return lines
}

// skuOf is the owner's item of a name: itself, or the item that has it or one of the others for a code.
func (d *decision) skuOf(s scope.Scope, name string, others []item.Code) string {
	if d.err != nil || d.item(s, name).Known() {
		return name
	}
	for _, c := range append([]item.Code{{Value: name}}, others...) {
		var sku string
		if d.state(codeKey(s, c.Value), &sku); sku != "" {
			return sku
		}
	}
	return name
}
