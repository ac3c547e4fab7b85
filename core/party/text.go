package party

import "strings"

// countries are the codes that ISO 3166-1 has given out (249), and XK, which carriers and the EU have for
// Kosovo.
const countries = ` AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ 
 CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR 
 GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP 
 KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ 
 NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW 
 SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ 
 UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW XK `

// Country reports whether a text is an ISO 3166-1 alpha-2 code.
func Country(code string) bool {
	return len(code) == 2 && !strings.ContainsAny(code, " \n") && strings.Contains(countries, " "+code+" ")
}

// Invisible is the first character of a text that a label, slip or screen would not show as it stands, and
// that may make it read as something else: controls, and those that turn the direction of writing (Unicode
// TR 9: embeddings, overrides, isolates). Line ends and tabs are left to a text of several lines.
func Invisible(text string, lines bool) (r rune, found bool) {
	for _, r := range text {
		switch {
		case lines && (r == '\n' || r == '\r' || r == '\t'):
		case r < ' ', r >= 0x7f && r <= 0x9f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, !lines && (r == 0x2028 || r == 0x2029):
			return r, true
		}
	}
	return 0, false
}

// OneLine is the address with blanks where [Invisible] finds something: for what people typed into a shop, who are
// not there any more to correct it.
func (a Address) OneLine() Address {
	for _, text := range [...]*string{&a.Name, &a.Company, &a.City, &a.Region, &a.PostalCode, &a.Phone, &a.Email, &a.Code} {
		*text = oneLine(*text)
	}
	lines := make([]string, 0, len(a.Lines))
	for _, l := range a.Lines {
		lines = append(lines, oneLine(l))
	}
	if len(lines) > 0 {
		a.Lines = lines
	}
	return a
}

func oneLine(text string) string {
	if _, found := Invisible(text, false); !found {
		return text
	}
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if _, found := Invisible(string(r), false); found {
			return ' '
		}
		return r
	}, text)), " ")
}
