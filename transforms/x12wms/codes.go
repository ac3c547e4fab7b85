package x12wms

import "strings"

// kinds names item codes by what they are rather than by a qualifier, so that
// documents of other formats can share them. A qualifier that is not here is
// kept as "x12:QQ": a code goes back under the qualifier that it came with.
var kinds = map[string]string{"UP": "upc", "UK": "gtin", "EN": "ean", "VN": "vendor", "IN": "buyer", "SK": "sku"}

// qualifiers is the way back.
var qualifiers = reverse(kinds)

const lotQualifier = "LT"

// refKinds names references (N9, REF); the others are kept as "x12:QQ".
var refKinds = map[string]string{
	"PO": "po", "CO": "customer_order", "DP": "department", "BM": "bill_of_lading", "CN": "carrier_reference", "IA": "vendor_number", "ZZ": "other",
}

// routeNumber is the qualifier (N9-01, REF-01) of a delivery route.
const routeNumber = "RU"

var refQualifiers = reverse(refKinds)

func reverse(m map[string]string) map[string]string {
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[v] = k
	}
	return out
}

const foreign = "x12:"

func kindOf(m map[string]string, qualifier string) string {
	if k, ok := m[qualifier]; ok {
		return k
	}
	if strings.Contains(qualifier, ":") {
		return qualifier // of another syntax, which it names itself
	}
	return foreign + qualifier
}

// qualifierOf is "" for what the partner never named.
func qualifierOf(m map[string]string, kind string) string {
	if q, ok := m[kind]; ok {
		return q
	}
	if len(kind) > len(foreign) && kind[:len(foreign)] == foreign {
		return kind[len(foreign):]
	}
	return ""
}

// terms of payment (W66-01, FOB-01).
var terms = map[string]string{"PP": "prepaid", "CC": "collect", "TP": "third_party", "PC": "prepaid", "DF": "prepaid"}

// methods of transportation.
var methods = map[string]string{"U": "parcel", "LT": "ltl", "M": "motor", "A": "air", "R": "rail", "S": "ocean"}

// Bound says which bound of an order a date means.
type Bound uint8

// Bounds. A date of none is passed over.
const (
	NoDate Bound = iota
	Ordered
	NotBefore
	ShipBy
	DeliverBy
	CancelAfter
)

var g62Dates = map[string]Bound{"04": Ordered, "37": NotBefore, "10": ShipBy, "38": ShipBy, "02": DeliverBy, "01": CancelAfter}

var dtmDates = map[string]Bound{"004": Ordered, "037": NotBefore, "118": NotBefore, "010": ShipBy, "038": ShipBy, "002": DeliverBy, "063": DeliverBy, "001": CancelAfter}

// countries are the three-letter codes seen where two letters are due.
var countries = map[string]string{"USA": "US", "CAN": "CA", "MEX": "MX", "GBR": "GB", "DEU": "DE", "FRA": "FR"}
