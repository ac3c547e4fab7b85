package simcarrier

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Hundredths is a JSON number with at most two decimals, in hundredths.
type Hundredths int64

// UnmarshalJSON implements [json.Unmarshaler].
func (h *Hundredths) UnmarshalJSON(b []byte) error {
	whole, frac, _ := strings.Cut(string(b), ".")
	if len(frac) > 2 || whole == "" || len(whole) > 9 {
		return errors.New("want a number with two decimals at most")
	}
	n, err := strconv.ParseInt(whole+(frac + "00")[:2], 10, 64)
	*h = Hundredths(n)
	return err
}

// Within reports whether s has least to most characters.
func Within(s string, least, most int) bool {
	n := utf8.RuneCountInString(s)
	return n >= least && n <= most
}
