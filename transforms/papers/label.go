package papers

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/text/language"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/gs1"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/ship"
)

// below is how far symbols stand below each other, with the text of each.
const below = bars + 38

// layout is the logistic label of a carton: who to whom and how, what it holds, and below
// that the symbols, that of the SSCC lowest (General Specifications section 6.6.4.4).
func layout(c ship.CartonPaper) (*sheet, error) {
	symbols, err := symbolsOf(c)
	if err != nil {
		return nil, err
	}
	s := &sheet{}
	half := (width - 3*margin) / 2
	right := 2*margin + half
	y := margin
	for i, a := range [...]struct {
		title string
		party.Address
	}{{"FROM", c.From}, {"TO", c.To}} {
		x, at := margin+i*(right-margin), y
		s.text(x, at, 16, false, half, a.title)
		for j, line := range lines(a.Address) {
			s.text(x, at+20+j*24, 22, i == 1, half, line)
		}
	}
	y += 20 + 6*24 + 2
	s.rule(y)
	s.text(margin, y+8, 24, true, half, join(" ", c.Carrier, c.Service))
	s.text(right, y+8, 22, false, half, c.Tracking)
	y += 36
	s.rule(y)
	y += 8
	bottom := height - margin - len(symbols)*below
	for _, line := range facts(c) {
		if y+26 > bottom {
			break
		}
		s.text(margin, y, 22, false, width-2*margin, line)
		y += 26
	}
	for i := range symbols {
		at := bottom + i*below
		s.marks = append(s.marks, mark{x: quiet, y: at + 4, symbol: &symbols[i]})
		s.text(quiet, at+bars+8, 22, false, width-2*quiet, symbols[i].text)
	}
	return s, nil
}

// facts are the lines between the addresses and the symbols, the most needed first.
func facts(c ship.CartonPaper) []string {
	out := []string{
		join("   ", prefixed("CARTON ", count(c.No, c.Of)), kilograms(c.Weight), prefixed("ORDER ", c.Order), prefixed("PO ", c.PO)),
	}
	for _, l := range c.Contents {
		out = append(out, join("  ", strconv.FormatInt(l.Qty, 10)+" "+l.UOM, l.Item, prefixed("GTIN ", l.GTIN), prefixed("LOT ", l.Lot), l.Description))
	}
	return out
}

func count(no, of int) string {
	if no < 1 || of < 1 {
		return ""
	}
	return fmt.Sprintf("%d OF %d", no, of)
}

// symbolsOf are the symbols of a label, top to bottom: where it goes, what it holds or for
// which order, and the SSCC. What does not fit a symbol, or GS1's characters, is left to the
// text.
func symbolsOf(c ship.CartonPaper) ([]symbol, error) {
	if err := gs1.CheckSSCC(c.SSCC); err != nil {
		return nil, fault.At("papers.Label", fault.Invalid, "sscc", err)
	}
	var out []symbol
	add := func(es []gs1.Element) bool {
		if len(es) == 0 || gs1.CheckPairs(append([]gs1.Element{{AI: "00", Value: c.SSCC}}, es...)) != nil {
			return false
		}
		s, err := encode(es...)
		if err != nil || len(s.modules) > widest {
			return false
		}
		out = append(out, s)
		return true
	}
	add(shipTo(c))
	if !add(content(c)) {
		add(orderNumber(c))
	}
	last, err := encode(gs1.Element{AI: "00", Value: c.SSCC})
	return append(out, last), err
}

// shipTo is the postal code, with the country's number where it is abroad.
func shipTo(c ship.CartonPaper) []gs1.Element {
	postal := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, strings.ToUpper(c.To.PostalCode))
	if postal == "" {
		return nil
	}
	if c.To.Country == c.From.Country {
		return []gs1.Element{{AI: "420", Value: postal}}
	}
	region, err := language.ParseRegion(c.To.Country)
	if err != nil || region.M49() == 0 {
		return nil
	}
	return []gs1.Element{{AI: "421", Value: fmt.Sprintf("%03d", region.M49()) + postal}}
}

// content is what a carton of one trade item holds: GTIN and how many. A lot beside them is
// wider than the label.
func content(c ship.CartonPaper) []gs1.Element {
	if len(c.Contents) == 0 || c.Contents[0].GTIN == "" {
		return nil
	}
	total := int64(0)
	for _, l := range c.Contents {
		if l.GTIN != c.Contents[0].GTIN {
			return nil
		}
		total += l.Qty
	}
	if total > 99_999_999 {
		return nil
	}
	return []gs1.Element{{AI: "02", Value: c.Contents[0].GTIN}, {AI: "37", Value: strconv.FormatInt(total, 10)}}
}

func orderNumber(c ship.CartonPaper) []gs1.Element {
	n := c.PO
	if n == "" {
		n = c.Order
	}
	if n == "" {
		return nil
	}
	return []gs1.Element{{AI: "400", Value: n}}
}

// lines are an address as it is written on parcels, at most six.
func lines(a party.Address) []string {
	var out []string
	add := func(parts ...string) {
		if line := join(" ", parts...); line != "" && len(out) < 6 {
			out = append(out, line)
		}
	}
	add(a.Name)
	add(a.Company)
	for _, l := range a.Lines {
		add(l)
	}
	add(a.City, a.Region, a.PostalCode)
	add(a.Country)
	return out
}

func join(by string, parts ...string) string {
	var some []string
	for _, p := range parts {
		if p = plain(p); p != "" {
			some = append(some, p)
		}
	}
	return strings.Join(some, by)
}

func prefixed(word, v string) string {
	if v == "" {
		return ""
	}
	return word + v
}

// kilograms is a weight in kilograms with grams, "" where it is not known.
func kilograms(m measure.Mass) string {
	if m <= 0 {
		return ""
	}
	g := int64((m + measure.Gram - 1) / measure.Gram)
	return fmt.Sprintf("%d.%03d KG", g/1000, g%1000)
}
