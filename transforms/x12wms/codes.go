package x12wms

// kinds names item codes by what they are rather than by a qualifier, so that
// documents of other formats can share them. A qualifier that is not here is
// kept as "x12:QQ".
var kinds = map[string]string{
	"UP": "upc", "UI": "upc", "UK": "gtin", "UA": "gtin", "EN": "ean", "EO": "ean",
	"VN": "vendor", "VP": "vendor", "VC": "vendor", "BP": "buyer", "IN": "buyer", "CB": "buyer", "SK": "sku",
}

// qualifiers is the way back: what we send for a kind.
var qualifiers = map[string]string{"upc": "UP", "gtin": "UK", "ean": "EN", "vendor": "VN", "buyer": "IN", "sku": "SK"}

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

// dateKind says which bound of an order a date qualifier means.
type dateKind uint8

const (
	noDate dateKind = iota
	ordered
	notBefore
	shipBy
	deliverBy
	cancelAfter
)

var g62Dates = map[string]dateKind{"04": ordered, "37": notBefore, "10": shipBy, "38": shipBy, "02": deliverBy, "01": cancelAfter}

var dtmDates = map[string]dateKind{"004": ordered, "037": notBefore, "118": notBefore, "010": shipBy, "038": shipBy, "002": deliverBy, "063": deliverBy, "001": cancelAfter}

// countries are the three-letter codes seen where two letters are due.
var countries = map[string]string{"USA": "US", "CAN": "CA", "MEX": "MX", "GBR": "GB", "DEU": "DE", "FRA": "FR"}
