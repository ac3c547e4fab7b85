package order

import (
	"testing"

	"github.com/paklog/hub/core/item"
)

func TestAProblemSaysWhatMasterDataLacks(t *testing.T) {
	nothing := func(string) (item.Item, bool) { return item.Item{}, false }
	for _, sku := range []string{"KETTLE", `6" "SHELF"`, "item: x, or correct the line"} {
		_, p := resolve(sku, 1, "each", nothing)
		if got, uom := p.Lacks(); got != sku || uom != "" {
			t.Errorf("%q: item %q, unit %q", p.Text, got, uom)
		}
	}
	p := Problem{"uom", UnknownUOM, `"PL" is not a unit of item 6" SHELF: add the unit, or correct the line`}
	if sku, uom := p.Lacks(); sku != `6" SHELF` || uom != "PL" {
		t.Errorf("item %q, unit %q", sku, uom)
	}
	for name, p := range map[string]Problem{
		"another problem":      {"qty", BadQuantity, `item "A" is not known: register it, or correct the line`},
		"no problem":           {},
		"no item is quoted":    {"item", UnknownItem, "item A is not known: register it, or correct the line"},
		"another text":         {"item", UnknownItem, `item "A" is gone`},
		"a quote left open":    {"item", UnknownItem, `item "A is not known`},
		"no unit is quoted":    {"uom", UnknownUOM, "PL is not a unit of item A: add the unit, or correct the line"},
		"the unit of no item":  {"uom", UnknownUOM, `"PL" is not a unit of item : add the unit, or correct the line`},
		"a text that was cut":  {"uom", UnknownUOM, `"PL" is not a unit of it`},
		"an item without text": {"item", UnknownItem, ""},
	} {
		if sku, uom := p.Lacks(); sku != "" || uom != "" {
			t.Errorf("%s: item %q, unit %q", name, sku, uom)
		}
	}
}
