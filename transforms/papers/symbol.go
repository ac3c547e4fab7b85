// Package papers makes the papers that go with goods: GS1 logistic labels as ZPL and PDF,
// and packing slips as PDF, HTML and text. Everything here is a pure function of what a
// paper says: the same paper gives the same bytes.
//
// Sources: GS1 General Specifications release 25, section 6.6 (logistic label), 5.4
// (GS1-128: symbol, quiet zones, dimensions of logistic units) and 3 (application
// identifiers); ISO/IEC 15417 (Code 128); ZPL II Programming Guide, Zebra P1012728.
//
// Bars are drawn from one encoding in both forms: no printer's own encoder decides what a
// label carries.
package papers

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/boombuler/barcode/code128"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/gs1"
)

// A label is measured in dots of 203 to the inch: eight to the millimetre.
const (
	dotsPerMM = 8
	width     = 812  // 4 inches
	height    = 1219 // 6 inches
	margin    = 24

	// module is X, the narrowest bar: 0.5 mm, where 0.495 to 0.940 are asked for, and quiet
	// the ten of them that stay white beside a symbol.
	module = 4
	quiet  = 10 * module
	bars   = 256 // 32 mm, where 31.75 are asked for
)

// symbol is a GS1-128 symbol.
type symbol struct {
	modules []bool // black ones
	text    string // human readable
}

// widest is how many modules fit between the quiet zones of a label.
const widest = (width - 2*quiet) / module

// encode makes the symbol of elements.
func encode(es ...gs1.Element) (symbol, error) {
	es = gs1.Ordered(es...)
	data, err := gs1.Symbol(es...)
	if err != nil {
		return symbol{}, err
	}
	text, err := gs1.Bracketed(es...)
	if err != nil {
		return symbol{}, err
	}
	fnc1 := string(code128.FNC1)
	code, err := code128.Encode(fnc1 + strings.ReplaceAll(data, string(gs1.FNC1), fnc1))
	if err != nil {
		return symbol{}, fault.At("papers.Symbol", fault.Invalid, text, fmt.Errorf("drawing the symbol: %w", err))
	}
	s := symbol{text: text}
	for x := range code.Bounds().Dx() {
		r, _, _, _ := code.At(x, 0).RGBA()
		s.modules = append(s.modules, r == 0)
	}
	return s, nil
}

// runs calls f for each bar: where it begins and how wide it is, in modules.
func (s symbol) runs(f func(at, wide int)) {
	for i := 0; i < len(s.modules); i++ {
		from := i
		for i < len(s.modules) && s.modules[i] {
			i++
		}
		if i > from {
			f(from, i-from)
		}
	}
}

// mark is one thing on a label: a text, a rule, or a symbol.
type mark struct {
	x, y   int
	size   int // of a text: its height
	bold   bool
	text   string
	rule   int // of a rule: its length
	symbol *symbol
}

// sheet is a label as it is being filled from the top.
type sheet struct{ marks []mark }

func (s *sheet) text(x, y, size int, bold bool, wide int, text string) {
	if text = clip(text, size, wide); text != "" {
		s.marks = append(s.marks, mark{x: x, y: y, size: size, bold: bold, text: text})
	}
}

func (s *sheet) rule(y int) {
	s.marks = append(s.marks, mark{x: margin, y: y, rule: width - 2*margin})
}

// clip shortens a text to what fits, at six tenths of its height a letter.
func clip(text string, size, wide int) string {
	text = plain(text)
	most := wide * 10 / (size * 6)
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	r := []rune(text)
	return string(r[:max(0, most-3)]) + "..."
}

// plain is a text without what no printer prints: control characters and what lies beyond
// the first plane, which the fonts do not have.
func plain(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r == 0x7f || r == utf8.RuneError:
			return ' '
		case r > 0xffff:
			return '?'
		}
		return r
	}, text))
}
