package dlq

import (
	"encoding/hex"
	"fmt"
	"unicode/utf8"
)

// mostDumped is how many bytes of what is no text are shown.
const mostDumped = 4096

// Dump is the first bytes of what is no text in hexadecimal, sixteen a line with their offset and what
// of them is ASCII; "" where it is a text. A text may hold some characters of another charset and the
// separators of EDI, which are control characters.
func Dump(b []byte) string {
	strange := 0
	for rest := b; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		switch {
		case r == utf8.RuneError && n == 1:
			strange++
		case r == '\t', r == '\n', r == '\f', r == '\r', r >= 0x1a && r < ' ': // the end of a file of old, and separators
		case r < ' ' || r >= 0x7f && r < 0xa0:
			strange++
		}
		rest = rest[n:]
	}
	if strange*10 <= len(b) {
		return ""
	}
	out := hex.Dump(b[:min(len(b), mostDumped)])
	if more := len(b) - mostDumped; more > 0 {
		out += fmt.Sprintf("and %d bytes more\n", more)
	}
	return out
}
