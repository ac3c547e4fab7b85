package carrierdoc

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/paklog/hub/core/measure"
)

// digits is the number of minor digits of the currencies that do not have two (ISO 4217).
var digits = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0,
	"UGX": 0, "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}

// Money is an amount in minor units, exactly: one finer than the currency's
// smallest coin is an error, not a rounding.
func Money(currency, amount Text) (measure.Money, error) {
	cur := string(currency)
	if len(cur) != 3 || strings.Trim(cur, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return measure.Money{}, fmt.Errorf("currency is %q, want three capital letters", cur)
	}
	n, ok := digits[cur]
	if !ok {
		n = 2
	}
	v := string(amount)
	whole, frac, dot := strings.Cut(v, ".")
	unsigned := strings.TrimPrefix(whole, "-")
	if unsigned == "" || strings.Trim(unsigned+frac, "0123456789") != "" || dot && frac == "" {
		return measure.Money{}, fmt.Errorf("amount is %q, want a decimal number", v)
	}
	for len(frac) > n && frac[len(frac)-1] == '0' {
		frac = frac[:len(frac)-1]
	}
	if len(frac) > n {
		return measure.Money{}, fmt.Errorf("amount %q is finer than a minor unit of %s", v, cur)
	}
	minor, err := strconv.ParseInt(whole+frac+strings.Repeat("0", n-len(frac)), 10, 64)
	if err != nil {
		return measure.Money{}, fmt.Errorf("amount %q is too large", v)
	}
	return measure.Money{Minor: minor, Currency: cur}, nil
}
