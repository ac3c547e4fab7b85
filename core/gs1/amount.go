package gs1

import (
	"strconv"
	"strings"

	"github.com/paklog/hub/core/measure"
)

// Amount is a value with decimals as a whole number: Units / 10^Decimals.
type Amount struct {
	Units    int64
	Decimals int
	Currency string // ISO 4217 number, of (391n) and (393n)
}

// Amount is the value of a measure (31nn to 36nn) or a price (390n to 393n, 395n), whose
// identifier's last digit says how many decimals there are. ok is false for any other.
func (e Element) Amount() (a Amount, ok bool) {
	if len(e.AI) != 4 || e.AI[0] != '3' || e.AI[:3] == "394" || !isDigits(e.AI) {
		return Amount{}, false
	}
	v := e.Value
	a.Decimals = int(e.AI[3] - '0')
	if strings.HasPrefix(e.AI, "391") || strings.HasPrefix(e.AI, "393") {
		if len(v) < 4 {
			return Amount{}, false
		}
		a.Currency, v = v[:3], v[3:]
	}
	var err error
	a.Units, err = strconv.ParseInt(v, 10, 64)
	return a, err == nil
}

// Mass is a weight as (310n) and (330n) kilograms or (320n) and (340n) pounds have it, pounds
// rounded to the nearest milligram.
func (e Element) Mass() (measure.Mass, bool) {
	a, ok := e.Amount()
	if !ok || a.Decimals > 5 {
		return 0, false
	}
	switch e.AI[:3] {
	case "310", "330":
		return measure.Mass(a.Units * power(6-a.Decimals)), true
	case "320", "340":
		d := power(a.Decimals) * 100
		return measure.Mass((a.Units*measure.PoundCentimg + d/2) / d), true
	}
	return 0, false
}

// Length is a length, width or height in metres, (311n) to (313n) and (331n) to (333n), or in
// inches, (321n), (324n), (327n), (341n), (344n) and (347n), inches rounded to the nearest
// micrometre.
func (e Element) Length() (measure.Length, bool) {
	a, ok := e.Amount()
	if !ok || a.Decimals > 5 {
		return 0, false
	}
	switch e.AI[:3] {
	case "311", "312", "313", "331", "332", "333":
		return measure.Length(a.Units * power(6-a.Decimals)), true
	case "321", "324", "327", "341", "344", "347":
		d := power(a.Decimals)
		return measure.Length((a.Units*int64(measure.Inch) + d/2) / d), true
	}
	return 0, false
}

func power(n int) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}

// Kilograms is an element that tells a net (AI 310n) or gross (AI 330n) weight, in grams where
// it is below a tonne and rounded to the nearest. ok is false for what six digits do not hold.
func Kilograms(ai string, m measure.Mass) (e Element, ok bool) {
	if ai != "310" && ai != "330" || m < 0 {
		return Element{}, false
	}
	for decimals := 3; decimals >= 0; decimals-- {
		unit := power(6 - decimals)
		if v := (int64(m) + unit/2) / unit; v < 1_000_000 {
			s := strconv.FormatInt(v, 10)
			return Element{AI: ai + strconv.Itoa(decimals), Value: strings.Repeat("0", 6-len(s)) + s}, true
		}
	}
	return Element{}, false
}
