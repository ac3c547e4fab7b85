package edifactwms

import (
	"strings"

	"github.com/paklog/hub/core/gs1"
	"github.com/paklog/hub/transforms/x12wms"
)

// purposes are the message functions (1225) by what the order's document form
// calls them. A duplicate orders what the original did; the order's number tells
// that it is known.
var purposes = map[string]string{"9": x12wms.Orders, "7": x12wms.Orders, "31": x12wms.Orders, "1": x12wms.Cancels, "4": x12wms.Changes, "5": x12wms.Replaces}

// lineChanges are the actions on a line (1229) of a change, by the codes of the
// document form. A line that says none is changed.
var lineChanges = map[string]string{"": "CA", "1": "AI", "2": "DI", "3": "CA", "4": "NC", "11": "NC"}

// orderKinds are document names (1001). Usual orders say nothing by them; a
// blanket order ships nothing by itself.
var orderKinds = map[string]string{"220": "", "105": "", "221": "BK", "224": "rush"}

// roles of parties (3035) by those of the document form.
var roles = map[string]string{"DP": "ST", "ST": "ST", "CN": "CN", "UC": "UC", "GO": "DE", "WH": "WH", "SF": "SF", "IV": "BT", "SU": "VN"}

// units (6411): what is counted by the piece has several codes.
var units = map[string]string{"": "EA", "PCE": "EA", "C62": "EA", "NAR": "EA", "EA": "EA", "CT": "CT", "CS": "CS", "PF": "PL", "PX": "PL", "PK": "IP"}

// ownUnits is the way back.
var ownUnits = map[string]string{"each": "PCE", "inner": "PK", "case": "CT", "pallet": "PF"}

// items are kinds of item codes (7143) by the qualifiers of the document form.
// The others stay what they are, under this syntax's name.
var items = map[string]string{"EN": "EN", "SRV": "UK", "UP": "UP", "SA": "VN", "VN": "VN", "VP": "VP", "IN": "IN", "BP": "BP", "SK": "SK", "MF": "MG", "NB": "LT"}

// ownItems is the way back, by the kinds of item codes. Those that no kind stands for alone are kept as
// they came, and go back so.
var ownItems = map[string]string{"upc": "UP", "gtin": "SRV", "ean": "EN", "vendor": "SA", "buyer": "IN", "sku": "SK"}

// kept is the kind that a code is kept as, "" where the qualifier of the document form says it.
func kept(qualifier string) string {
	x, ok := items[qualifier]
	switch {
	case !ok || x == "LT":
		return ""
	case ownItems[formKinds[x]] == qualifier:
		return ""
	}
	return foreignKind + qualifier
}

// formKinds are the kinds of the document form's qualifiers that have one.
var formKinds = map[string]string{"UP": "upc", "UK": "gtin", "EN": "ean", "VN": "vendor", "IN": "buyer", "SK": "sku"}

// lists are whose codes (3055) a party's is, by those of the document form (N103).
var lists = map[string]string{"9": "UL", "16": "1", "91": "91", "92": "92"}

// agency is the way back, "" where this syntax has no code for the list. A code that nobody qualified is
// GS1's where it is a GLN, else the buyer's.
func agency(list, code string) string {
	if list == x12wms.Agreed {
		if gs1.CheckGLN(code) == nil {
			return "9"
		}
		return "92"
	}
	if code, ours := strings.CutPrefix(list, foreignKind); ours {
		return code
	}
	for code, x := range lists {
		if x == list {
			return code
		}
	}
	return ""
}

// refs are kinds of references (1153).
var refs = map[string]string{"ON": "PO", "CO": "CO", "BM": "BM", "CN": "CN", "LI": "LI", "ZZZ": "ZZ"}

// ownRefs is the way back.
var ownRefs = map[string]string{"po": "ON", "customer_order": "CO", "bill_of_lading": "BM", "carrier_reference": "CN"}

const foreignKind = "edifact:"

// foreign names a qualifier as the document form does, or as one of this syntax.
func foreign(t x12wms.Text, known map[string]string) x12wms.Text {
	if q, ok := known[t.Value]; ok {
		t.Value = q
	} else if t.Value != "" {
		t.Value = foreignKind + t.Value
	}
	return t
}

// methods of transport (8067).
var methods = map[string]string{"10": "S", "20": "R", "30": "M", "40": "A", "50": "U"}

// ownMethods is the way back.
var ownMethods = map[string]string{"ocean": "10", "rail": "20", "motor": "30", "ltl": "30", "air": "40", "parcel": "50"}

// bounds are kinds of dates (2005).
var bounds = map[string]x12wms.Bound{"4": x12wms.Ordered, "137": x12wms.Ordered, "37": x12wms.NotBefore, "10": x12wms.ShipBy, "11": x12wms.ShipBy, "38": x12wms.ShipBy,
	"2": x12wms.DeliverBy, "63": x12wms.DeliverBy, "61": x12wms.CancelAfter}
