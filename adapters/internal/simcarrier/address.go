package simcarrier

import "strings"

// State reports whether the United States have a state with this code.
func State(code string) bool { return states[code] != "" }

// InState reports whether a postal code of the United States begins as those of the state do.
func InState(state, postal string) bool {
	return postal != "" && strings.Contains(states[state], postal[:1])
}

// states are the first digits that postal codes have in each state.
var states = map[string]string{
	"CT": "0", "MA": "0", "ME": "0", "NH": "0", "NJ": "0", "RI": "0", "VT": "0",
	"DE": "1", "NY": "01", "PA": "1", "DC": "2", "MD": "2", "NC": "2", "SC": "2", "VA": "2", "WV": "2",
	"AL": "3", "FL": "3", "GA": "3", "MS": "3", "TN": "3", "IN": "4", "KY": "4", "MI": "4", "OH": "4",
	"IA": "5", "MN": "5", "MT": "5", "ND": "5", "SD": "5", "WI": "5", "IL": "6", "KS": "6", "MO": "6", "NE": "6",
	"AR": "7", "LA": "7", "OK": "7", "TX": "78", "AZ": "8", "CO": "8", "ID": "8", "NM": "8", "NV": "8", "UT": "8", "WY": "8",
	"AK": "9", "CA": "9", "HI": "9", "OR": "9", "WA": "9",
}
