package item

import (
	"strings"

	"github.com/paklog/hub/core/gs1"
)

// ByCode is the unit that a barcode is printed on: one of the item's codes, or its SKU,
// which means the smallest unit. GTINs of 8 to 14 digits are compared as numbers.
func (i Item) ByCode(code string) (Unit, bool) {
	if code == "" || !i.Known() {
		return Unit{}, false
	}
	number, noGTIN := gs1.GTIN14(code)
	for _, c := range i.Spec.Codes {
		if c.Value == code {
			return i.Unit(c.UOM)
		}
		if n, err := gs1.GTIN14(c.Value); noGTIN == nil && err == nil && n == number {
			return i.Unit(c.UOM)
		}
	}
	if code == i.SKU {
		return i.Unit("")
	}
	return Unit{}, false
}

// IsGTIN reports whether the code is of a kind that is a GTIN: one number of one item of its owner.
func (c Code) IsGTIN() bool {
	switch strings.ToLower(c.Kind) {
	case "gtin", "ean", "upc":
		return true
	}
	return false
}

// GTIN is the number of a unit as 14 digits, where one of the item's codes is one.
func (i Item) GTIN(uom string) (string, bool) {
	for _, c := range i.Spec.Codes {
		if n, err := gs1.GTIN14(c.Value); err == nil && (c.UOM == uom || c.UOM == "" && uom == i.Smallest()) {
			return n, true
		}
	}
	return "", false
}
