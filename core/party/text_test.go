package party_test

import (
	"testing"

	"github.com/paklog/hub/core/party"
)

func TestCountriesAreThoseOfTheStandard(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]bool{
		"US": true, "GB": true, "ZW": true, "AD": true, "XK": true, "XX": false, "UK": false, "ZZ": false, "EU": false,
		"us": false, "USA": false, "U": false, "": false, " A": false, "Z\n": false, "S ": false,
	} {
		if party.Country(code) != want {
			t.Errorf("%q: %t", code, !want)
		}
	}
}

func TestWhatNobodySeesIsFound(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]bool{ // on one line, in several
		"Re\u202eno": {true, true}, "Reno\n": {true, false}, "a\tb": {true, false}, "a\x00b": {true, true}, "a\u0085b": {true, true},
		"\u2066x": {true, true}, "a\u2028b": {true, false}, "\u05d0\u05d1 \u0645\u0631\u062d\u0628\u0627": {}, "Ren\u00e9e O'Neil": {}, "\u0928\u200d\u0947": {}, "": {},
	} {
		_, one := party.Invisible(text, false)
		_, more := party.Invisible(text, true)
		if one != want[0] || more != want[1] {
			t.Errorf("%q: %t %t, want %v", text, one, more, want)
		}
	}
	a := party.Address{Name: "Ada\tLovelace\r\n", Lines: []string{"1 Main\nSt", "B"}, City: "Re\u202eno"}.OneLine()
	if a.Name != "Ada Lovelace" || a.Lines[0] != "1 Main St" || a.Lines[1] != "B" || a.City != "Re no" {
		t.Errorf("%+v", a)
	}
}
