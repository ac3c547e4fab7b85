// Package measure holds the exact quantities of a warehouse: money, mass and
// length as integers with units. Nothing here is ever a float.
package measure

import "fmt"

// Money is an amount in minor units (cents) of an ISO 4217 currency.
type Money struct {
	Minor    int64  `json:"minor"`
	Currency string `json:"currency"`
}

func (m Money) String() string {
	sign, v := "", m.Minor
	if v < 0 {
		sign, v = "-", -v
	}
	return fmt.Sprintf("%s%d.%02d %s", sign, v/100, v%100, m.Currency)
}

// Mass is in milligrams.
type Mass int64

// Units of mass. The avoirdupois pound is exactly 453,592.37 mg, so Pound is
// given in hundredths to stay exact: mass = n*PoundCentimg/100.
const (
	Milligram    Mass  = 1
	Gram         Mass  = 1_000
	Kilogram     Mass  = 1_000_000
	PoundCentimg int64 = 45_359_237
)

// Pounds is n pounds, rounded up to the next milligram.
func Pounds(n int64) Mass { return Mass((n*PoundCentimg + 99) / 100) }

// CeilHundredthPounds is m in hundredths of a pound, rounded up: carriers
// charge the started unit.
func (m Mass) CeilHundredthPounds() int64 {
	return (int64(m)*10_000 + PoundCentimg - 1) / PoundCentimg
}

// Length is in micrometres.
type Length int64

// Units of length. The inch is exactly 25.4 mm.
const (
	Micrometre Length = 1
	Millimetre Length = 1_000
	Centimetre Length = 10_000
	Inch       Length = 25_400
)

// CeilInches is l in whole inches, rounded up.
func (l Length) CeilInches() int64 { return (int64(l) + int64(Inch) - 1) / int64(Inch) }

// Dims are the outer dimensions of a thing.
type Dims struct {
	Length Length `json:"length_um"`
	Width  Length `json:"width_um"`
	Height Length `json:"height_um"`
}

// Zero reports whether no dimension is known.
func (d Dims) Zero() bool { return d == Dims{} }
