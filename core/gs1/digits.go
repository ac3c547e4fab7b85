package gs1

import (
	"errors"
	"fmt"
	"strings"
)

// CheckDigit is the modulo-10 check digit of a number without it: weights 3 and 1 by turns
// from the right, beginning with 3. The caller passes digits only.
func CheckDigit(body string) byte {
	sum, weight := 0, 3
	for i := len(body) - 1; i >= 0; i-- {
		sum += int(body[i]-'0') * weight
		weight = 4 - weight
	}
	return byte('0' + (10-sum%10)%10)
}

func isDigits(s string) bool { return s != "" && Digits.outside(s) < 0 }

// checked says why the last digit is not the check digit of those before it, or "".
func checked(s string) string {
	if want := CheckDigit(s[:len(s)-1]); s[len(s)-1] != want {
		return fmt.Sprintf("%s has check digit %c, expected %c", s, s[len(s)-1], want)
	}
	return ""
}

// CheckSSCC says why s is not an SSCC (18 digits, AI stripped), or nil.
func CheckSSCC(s string) error { return checkKey(s, "an SSCC", 18) }

// CheckGLN says why s is not a GLN (13 digits), or nil.
func CheckGLN(s string) error { return checkKey(s, "a GLN", 13) }

// CheckGTIN says why s is not a GTIN-8, -12, -13 or -14, or nil.
func CheckGTIN(s string) error { return checkKey(s, "a GTIN", 8, 12, 13, 14) }

func checkKey(s, what string, lengths ...int) error {
	ok := false
	for _, n := range lengths {
		ok = ok || len(s) == n
	}
	switch {
	case !ok:
		return fmt.Errorf("has %d characters, %s has %s", len(s), what, strings.Trim(strings.ReplaceAll(fmt.Sprint(lengths), " ", ", "), "[]"))
	case !isDigits(s):
		return errors.New("has characters that are not digits")
	}
	if p := checked(s); p != "" {
		return errors.New(p)
	}
	return nil
}

// GTIN14 is a GTIN of 8, 12 or 13 digits as 14: zeros are put before it, which changes no
// check digit. What is no GTIN is an error.
func GTIN14(s string) (string, error) {
	if err := CheckGTIN(s); err != nil {
		return "", err
	}
	return strings.Repeat("0", 14-len(s)) + s, nil
}

func notZero(s string) string {
	if strings.Trim(s, "0") == "" {
		return "is zero"
	}
	return ""
}

func zero(s string) string {
	if s != "0" {
		return "begins with " + s + ", expected 0"
	}
	return ""
}

func yesOrNo(s string) string {
	if s != "0" && s != "1" {
		return s + " is neither 0 nor 1"
	}
	return ""
}

// pieceOfTotal checks two digits of a piece's number and two of how many there are.
func pieceOfTotal(s string) string {
	if s[:2] == "00" || s[2:] == "00" || s[:2] > s[2:] {
		return fmt.Sprintf("piece %s of %s cannot be", s[:2], s[2:])
	}
	return ""
}

func hyphen(s string) string {
	if s != "-" {
		return fmt.Sprintf("ends with %q, expected a hyphen for below zero", s)
	}
	return ""
}
