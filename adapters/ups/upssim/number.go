package upssim

import "fmt"

// number makes a tracking number: 1Z, account, service, serial, check digit.
func number(account, service string, serial int) string {
	s := fmt.Sprintf("%s%s%07d", account, service, serial%10_000_000)
	return "1Z" + s + string(rune('0'+checkDigit(s)))
}

// checkDigit weighs the fifteen characters after 1Z by 1 and 2 in turn; a letter
// counts as its place after '?', modulo ten.
func checkDigit(s string) int {
	sum := 0
	for i, c := range s {
		v := int(c - '0')
		if c >= 'A' {
			v = int(c-'?') % 10
		}
		if i%2 == 1 {
			v *= 2
		}
		sum += v
	}
	return (10 - sum%10) % 10
}
