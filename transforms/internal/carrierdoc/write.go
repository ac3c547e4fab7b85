package carrierdoc

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/ship"
)

// Checker collects what a carrier would not take, with its place.
type Checker struct {
	Carrier string // its name in messages
	place   string
	errs    []error
}

// Add is one thing that the carrier would not take.
func (e *Checker) Add(place, format string, args ...any) {
	if e.place == "" {
		e.place = place
	}
	e.errs = append(e.errs, fmt.Errorf("%s: "+format, append([]any{place}, args...)...))
}

// Err is everything that was added, as Invalid at the first place; nil where that is nothing.
func (e *Checker) Err(op string) error {
	if len(e.errs) == 0 {
		return nil
	}
	return fault.At(op, fault.Invalid, e.place, errors.Join(e.errs...))
}

// Length is v, which may have most characters.
func (e *Checker) Length(place, v string, most int) string {
	if n := utf8.RuneCountInString(v); n > most {
		e.Add(place, "has %d characters, %s takes %d", n, e.Carrier, most)
	}
	return v
}

// Lines are the lines of an address that say something: at most most, none of them too long.
func (e *Checker) Lines(place string, lines []string, most, long int) []string {
	lines = slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.TrimSpace(l) == "" })
	if len(lines) > most {
		e.Add(place, "are %d, %s takes %d", len(lines), e.Carrier, most)
	}
	for i, l := range lines {
		e.Length(fmt.Sprintf("%s[%d]", place, i), l, long)
	}
	return lines
}

// Domestic adds a parcel that crosses a border.
func (e *Checker) Domestic(p ship.Parcel) {
	if p.From.Country != p.To.Country {
		e.Add("to.country", "is %s but the parcel leaves from %s: customs data are not supported", p.To.Country, p.From.Country)
	}
}

// Postal drops the spaces and hyphens that people write ("21093-1234", "K1A 0B6").
func Postal(s string) string { return noBreaks.Replace(s) }

var noBreaks = strings.NewReplacer(" ", "", "-", "")

// Digits are those of a telephone number.
func Digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// Cut is the first characters of s, at most most.
func Cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:most]))
}

// Reference is our reference in at most most characters, which must be more than
// twenty: of those of [ship.ReferenceOf] the rest is still random enough to name one
// purchase. What nobody knows to be random is not cut, for two could become one.
func Reference(ours string, most int) string {
	if len(ours) == 32 && strings.Trim(ours, "0123456789abcdef") == "" {
		return ours[:most]
	}
	return ours
}

// Measures are a parcel's weight and sides in the carrier's units, rounded up:
// the started unit is paid for, and a label for less is corrected with a fee.
type Measures struct {
	Weight int64 // in hundredths of a pound or of a kilogram
	// Sides in whole inches or centimetres, the longest first; zero where not known.
	Length, Width, Height int64
}

// Measures are p's, in pounds and inches or in kilograms and centimetres. What is
// absurd is added and not reckoned with.
func (e *Checker) Measures(p ship.Parcel, imperial bool) (m Measures) {
	// Far beyond all carriers' limits, and far within what can be reckoned with below.
	if p.Weight > 10_000*measure.Kilogram {
		e.Add("weight_mg", "is %d, above ten tonnes", p.Weight)
		return m
	}
	sides := []measure.Length{p.Dims.Length, p.Dims.Width, p.Dims.Height}
	slices.Sort(sides)
	if sides[2] > 10_000*measure.Centimetre {
		e.Add("dims", "have a side of %d um, above 100 m", sides[2])
		return m
	}
	whole := func(l measure.Length) int64 { return Ceil(int64(l), int64(measure.Centimetre)) }
	if imperial {
		// A weight that was given in pounds stands here rounded up to the milligram:
		// one is taken off, or 150 lb, the most that is carried, would become 150.01.
		m.Weight = max(1, (p.Weight - measure.Milligram).CeilHundredthPounds())
		whole = measure.Length.CeilInches
	} else {
		m.Weight = Ceil(int64(p.Weight), int64(measure.Kilogram/100))
	}
	if p.Dims.Zero() {
		return m
	}
	m.Length, m.Width, m.Height = whole(sides[2]), whole(sides[1]), whole(sides[0])
	if m.Length > 999 {
		e.Add("dims", "have a side of %d %s, %s takes less than 1000", m.Length, map[bool]string{true: "in", false: "cm"}[imperial], e.Carrier)
	}
	return m
}

// Imperial reports whether carriers want pounds and inches from this origin.
func Imperial(country string) bool { return country == "US" || country == "PR" || country == "CA" }

// Ceil is n in whole units, the started one counted.
func Ceil(n, unit int64) int64 {
	up := n / unit
	if n%unit != 0 {
		up++
	}
	return up
}
