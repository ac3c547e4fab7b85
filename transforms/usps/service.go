package usps

import (
	"slices"
	"strings"

	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/internal/carrierdoc"
)

// offer is what decides a price beside places, weight and size: Labels charges
// the price of Options where it is told the same three.
type offer struct{ class, indicator, category string }

// Processing categories of parcels in cartons.
const (
	machinable  = "MACHINABLE"
	nonstandard = "NONSTANDARD"
)

// Rate indicators of parcels in a shipper's own carton. The others are for
// envelopes and boxes that USPS sells, and for mail that was sorted before.
const (
	singlePiece   = "SP"
	expressPiece  = "PA"
	dimensional   = "DR" // rectangular, priced by size
	cubic         = "CP"
	oversized     = "OS"
	priorityExpr  = "PRIORITY_MAIL_EXPRESS"
	groundMail    = "USPS_GROUND_ADVANTAGE"
	priorityMail  = "PRIORITY_MAIL"
	cubicFootInch = 12 * 12 * 12
)

var ownCartons = []string{singlePiece, expressPiece, dimensional, cubic, oversized}

// services are the mail classes by name.
var services = map[string]string{
	groundMail: "USPS Ground Advantage", priorityMail: "Priority Mail", priorityExpr: "Priority Mail Express",
	"PARCEL_SELECT": "Parcel Select", "MEDIA_MAIL": "Media Mail", "LIBRARY_MAIL": "Library Mail", "BOUND_PRINTED_MATTER": "Bound Printed Matter",
}

// forAnything are the mail classes that take any goods. The cheaper ones for
// books and the like are sold to who asks for them by name: what is in a parcel
// is not known here, and the wrong class is a violation that USPS fines.
var forAnything = []string{groundMail, priorityMail, priorityExpr}

func service(code string) ship.Service {
	class, _, _ := strings.Cut(code, "/")
	return ship.Service{Code: code, Name: services[class]}
}

// usual is how a parcel of these measures goes in class: DMM 201.7.5 for what
// machines take, and above a cubic foot the price by size where the class has one.
func usual(class string, m carrierdoc.Measures) offer {
	o := offer{class, singlePiece, nonstandard}
	if m.Length >= 6 && m.Width >= 3 && m.Length <= 22 && m.Width <= 18 && m.Height <= 15 && m.Weight <= 25_00 {
		o.category = machinable
	}
	switch {
	case class == priorityExpr:
		o.indicator = expressPiece
	case (class == groundMail || class == priorityMail) && m.Length*m.Width*m.Height > cubicFootInch:
		o.indicator = dimensional
	}
	return o
}

// offerOf reads a service: a mail class, which goes as is usual for its size, or
// class/indicator/category as [ToRates] names what is not usual.
func offerOf(code string, m carrierdoc.Measures) (offer, bool) {
	class, rest, exact := strings.Cut(code, "/")
	if _, known := services[class]; !known {
		return offer{}, false
	}
	o := usual(class, m)
	if exact {
		o.indicator, o.category, _ = strings.Cut(rest, "/")
	}
	return o, slices.Contains(ownCartons, o.indicator) && (o.category == machinable || o.category == nonstandard)
}

// code is how a service is called that goes as o.
func (o offer) code(m carrierdoc.Measures) string {
	if o == usual(o.class, m) {
		return o.class
	}
	return o.class + "/" + o.indicator + "/" + o.category
}
