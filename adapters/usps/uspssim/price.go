package uspssim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// class is a mail class: its name, the days on the way, the price of the first pound
// to the nearest zone, of each further pound and of each further zone, in cents.
type class struct {
	name                     string
	days                     int
	first, perPound, perZone int64
	indicators               []string
	girth                    int64 // the most that length and girth may be, in hundredths of an inch
	dimensional              bool  // priced by size above a cubic foot
}

var classes = map[string]class{
	"USPS_GROUND_ADVANTAGE": {"USPS Ground Advantage", 4, 540, 62, 31, []string{"SP", "DR", "CP"}, 130_00, true},
	"PRIORITY_MAIL":         {"Priority Mail", 2, 870, 118, 64, []string{"SP", "DR", "CP", "FE", "FP", "FB", "PL"}, 108_00, true},
	"PRIORITY_MAIL_EXPRESS": {"Priority Mail Express", 1, 2740, 310, 190, []string{"PA", "E4", "FP"}, 108_00, false},
	"MEDIA_MAIL":            {"Media Mail", 7, 463, 55, 0, []string{"SP"}, 108_00, false},
	"LIBRARY_MAIL":          {"Library Mail", 7, 440, 52, 0, []string{"SP"}, 108_00, false},
}

// flat are the rate indicators of envelopes and boxes that USPS gives, with their price.
var flat = map[string]int64{"FE": 985, "FP": 1085, "FB": 1915, "PL": 2630, "E4": 3145}

// piece is a package as all rules see it: hundredths of a pound, of an inch.
type piece struct{ weight, length, width, height int64 }

// limits checks what no class takes.
func (p piece) limits(at string) *refusal {
	switch {
	case p.weight <= 0:
		return bad(at+"weight", "The weight must be above zero.")
	case p.weight > 70_00:
		return bad(at+"weight", "Items must weigh 70 pounds or less.")
	case p.length <= 0 || p.width <= 0 || p.height <= 0:
		return bad(at+"length", "All three dimensions are required.")
	}
	return nil
}

func (p piece) girth() int64 {
	sides := []int64{p.length, p.width, p.height}
	slices.Sort(sides)
	return sides[2] + 2*(sides[0]+sides[1])
}

// cubic is the volume in cubic inches, the started one counted.
func (p piece) cubic() int64 { return (p.length*p.width*p.height + 999_999) / 1_000_000 }

// machinable reports whether machines sort it: at most 22 by 18 by 15 inches and 25 pounds.
func (p piece) machinable() bool {
	sides := []int64{p.length, p.width, p.height}
	slices.Sort(sides)
	return sides[2] >= 6_00 && sides[1] >= 3_00 && sides[2] <= 22_00 && sides[1] <= 18_00 && sides[0] <= 15_00 && p.weight <= 25_00
}

// fee is one charge beside the postage.
type fee struct {
	Name  string `json:"name"`
	Price cents  `json:"price"`
	SKU   string `json:"SKU"`
}

// fees of sizes that are hard to handle.
func (p piece) fees() []fee {
	out := []fee{}
	if max(p.length, p.width, p.height) > 22_00 {
		out = append(out, fee{"Nonstandard Length > 22 in.", 400, "D811XUXXXXX0000"})
	}
	if p.cubic() > 2*1728 {
		out = append(out, fee{"Nonstandard Volume > 2 cu ft", 1800, "D813XUXXXXX0000"})
	}
	return out
}

// offered is why a package does not go in this way, or nil.
func offered(at, name, indicator, category string, p piece) *refusal {
	c, known := classes[name]
	big := p.cubic() > 1728
	switch {
	case !known:
		return bad(at+"mailClass", "The mail class is not sold here.")
	case !slices.Contains(c.indicators, indicator):
		return bad(at+"rateIndicator", "The rate indicator is not valid for the mail class.")
	case p.girth() > c.girth:
		return bad(at+"length", "The length and girth are too large for the mail class.")
	case c.dimensional && big && indicator == "SP", indicator == "DR" && !big:
		return bad(at+"rateIndicator", "A package above one cubic foot is dimensional, and no other is.")
	case indicator == "CP" && (p.cubic() > 864 || p.weight > 20_00):
		return bad(at+"rateIndicator", "The package is too large for cubic prices.")
	case flat[indicator] > 0 && p.cubic() > 864:
		return bad(at+"rateIndicator", "The package does not fit into what has a flat rate.")
	}
	switch category {
	case "MACHINABLE":
		if !p.machinable() {
			return bad(at+"processingCategory", "The package is not machinable.")
		}
	case "NONSTANDARD":
		if p.machinable() && flat[indicator] == 0 {
			return bad(at+"processingCategory", "The package is machinable.")
		}
	case "FLATS":
		if name == "USPS_GROUND_ADVANTAGE" || flat[indicator] == 0 {
			return bad(at+"processingCategory", "Flats are not valid here.")
		}
	default:
		return bad(at+"processingCategory", "The processing category is not valid.")
	}
	return nil
}

// zone is how far apart two ZIP Codes are, 1 to 8, by their first three digits.
func zone(from, to string) int64 {
	a, _ := strconv.ParseInt(from[:3], 10, 64)
	b, _ := strconv.ParseInt(to[:3], 10, 64)
	if a < b {
		a, b = b, a
	}
	return 1 + min((a-b)/110, 7)
}

// postage is a package's without its fees, in cents.
func postage(name, indicator, priceType, from, to string, p piece) int64 {
	c := classes[name]
	n := flat[indicator]
	if n == 0 {
		pounds := (p.weight + 99) / 100
		if c.dimensional && p.cubic() > 1728 {
			pounds = max(pounds, (p.cubic()+165)/166)
		}
		if indicator == "CP" {
			pounds = 1 + p.cubic()/173
		}
		n = c.first + (pounds-1)*c.perPound + (zone(from, to)-1)*c.perZone
	}
	if priceType == "RETAIL" {
		n = n * 118 / 100
	}
	return n
}

// cents is an amount as USPS writes it: a number without needless zeros.
type cents int64

func (c cents) MarshalJSON() ([]byte, error) {
	s := fmt.Sprintf("%d.%02d", c/100, c%100)
	return []byte(strings.TrimSuffix(strings.TrimSuffix(s, "0"), ".0")), nil
}
