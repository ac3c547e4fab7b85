package x12

import (
	"strings"
	"testing"
)

// Any byte but letters, digits, blanks and line ends may separate elements or components, and end segments;
// a line end may do the latter, and NUL too.
func TestAnyByteMayDelimit(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		b := byte(c)
		if isAlnum(b) || strings.IndexByte(" .-", b) >= 0 { // ". " and "-" stand in data
			continue
		}
		for place, d := range map[string]Delimiters{
			"element":    {Element: b, Component: '\x1f', Terminator: '\x1c'},
			"component":  {Element: '\x1d', Component: b, Terminator: '\x1c'},
			"terminator": {Element: '\x1d', Component: '\x1f', Terminator: b},
		} {
			line := b == '\r' || b == '\n'
			if line && place != "terminator" || b == 0 && place != "terminator" || d.Validate() != nil {
				continue
			}
			text := strings.NewReplacer("*", string([]byte{d.Element}), ">", string([]byte{d.Component}), "~", string([]byte{d.Terminator})).Replace(plain)
			doc, err := Parse([]byte(text), Limits{})
			if err != nil {
				t.Fatalf("%s %q: %v", place, b, err)
			}
			sets := 0
			for p := range doc.Sets() {
				sets++
				if len(p.Findings) > 0 {
					t.Errorf("%s %q: %v", place, b, p.Findings)
				}
			}
			got := doc.Parts[0].ISA.Delimiters
			if sets != 2 || got.Element != d.Element || got.Terminator != d.Terminator || got.Component != d.Component {
				t.Errorf("%s %q: %d sets, %+v", place, b, sets, got)
			}
		}
	}
}
