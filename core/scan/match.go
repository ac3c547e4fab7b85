package scan

import (
	"fmt"
	"slices"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/gs1"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
)

// Goods are what a code says of an item.
type Goods struct {
	Qty    int64 // in the item's smallest unit
	Lot    string
	Serial string
	SSCC   string // of the LPN that they are in
}

// Match reads a code as goods of an item: its SKU, a code that it has, or a GTIN that is one of
// its codes. A GTIN of a unit of measure counts as its factor. What is another item's is
// Rejected at code.
func Match(code string, it item.Item) (Goods, error) {
	const op = "scan.Match"
	c, err := gs1.Parse(code)
	if err != nil {
		return Goods{}, fault.At(op, fault.Invalid, "code", err)
	}
	g := Goods{Lot: c.Lot(), Serial: c.Serial(), SSCC: c.SSCC()}
	uom, ok := "", c.Form == gs1.FormText && c.Text == it.SKU
	if !ok {
		uom, ok = unitOf(c, it)
	}
	if !ok {
		what := c.GTIN()
		if what == "" {
			what = code
		}
		if c.Doubt != "" {
			return Goods{}, fault.At(op, fault.Invalid, "code", fmt.Errorf("%s", c.Doubt))
		}
		return Goods{}, fault.At(op, fault.Rejected, "code", fmt.Errorf("%.64q is not item %s", what, it.SKU))
	}
	n := max(1, c.Count())
	if u, found := it.Unit(uom); uom != "" && found {
		if n > inventory.MaxQty/u.Factor {
			return Goods{}, fault.At(op, fault.Invalid, "code", fmt.Errorf("a count of %d is too large", n))
		}
		n *= u.Factor
	}
	g.Qty = n
	return g, nil
}

// unitOf is the unit of measure of the item's code that c is.
func unitOf(c gs1.Code, it item.Item) (uom string, ok bool) {
	i := slices.IndexFunc(it.Spec.Codes, func(k item.Code) bool {
		if c.GTIN() == "" {
			return c.Form == gs1.FormText && k.Value == c.Text
		}
		g, err := gs1.GTIN14(k.Value)
		return err == nil && g == c.GTIN()
	})
	if i < 0 {
		return "", false
	}
	return it.Spec.Codes[i].UOM, true
}

// At reads the code of a place: a location's code, or an LPN.
func At(code string) (string, error) {
	c, err := gs1.Parse(code)
	if err != nil {
		return "", fault.At("scan.At", fault.Invalid, "place", err)
	}
	return nameIn(c, code), nil
}

// LPN reads the code of an LPN: an SSCC, or a text of our own.
func LPN(code string) (string, error) {
	c, err := gs1.Parse(code)
	if err != nil {
		return "", fault.At("scan.LPN", fault.Invalid, "code", err)
	}
	return nameIn(c, code), nil
}

func nameIn(c gs1.Code, code string) string {
	switch {
	case c.SSCC() != "":
		return c.SSCC()
	case c.Form == gs1.FormText:
		return c.Text
	}
	return code
}
