package strictjson

import (
	"unicode/utf16"
	"unicode/utf8"
)

// InvalidUTF8 is the offset of the first byte that is not UTF-8 (RFC 3629) and why, or
// -1. A byte order mark is refused too: RFC 8259 forbids to send one.
func InvalidUTF8(b []byte) (int, string) {
	if len(b) >= 3 && b[0] == 0xEF && b[1] == 0xBB && b[2] == 0xBF {
		return 0, "begins with a byte order mark: leave it out"
	}
	if len(b) >= 4 && (b[0] == 0xFF && b[1] == 0xFE || b[0] == 0xFE && b[1] == 0xFF || b[0] == 0 && b[2] == 0 || b[1] == 0 && b[3] == 0) {
		return 0, "is UTF-16 and not UTF-8; send UTF-8"
	}
	if utf8.Valid(b) {
		return -1, ""
	}
	for i := 0; i < len(b); {
		if b[i] < utf8.RuneSelf {
			i++
			continue
		}
		_, n := utf8.DecodeRune(b[i:])
		if n > 1 {
			i += n
			continue
		}
		return i, badByte(b[i:])
	}
	return -1, ""
}

func badByte(b []byte) string {
	second := byte(0)
	if len(b) > 1 {
		second = b[1]
	}
	follows := second&0xC0 == 0x80
	switch c := b[0]; {
	case c == 0xC0 || c == 0xC1, c == 0xE0 && follows && second < 0xA0, c == 0xF0 && follows && second < 0x90:
		return "is not UTF-8: an overlong form"
	case c == 0xED && follows && second >= 0xA0:
		return "is not UTF-8: half of a surrogate pair"
	case c == 0xF4 && follows && second >= 0x90:
		return "is not UTF-8: beyond U+10FFFF"
	case c >= 0xC2 && c < 0xF5 && (len(b) == 1 || follows):
		return "is not UTF-8: a character is cut"
	default:
		return "is not UTF-8: it looks like Latin-1 or another 8-bit charset; send UTF-8"
	}
}

// text reads a string. What is returned is valid until the next one.
func (r *reader) text() []byte {
	from := r.i + 1
	i := from
	for i < len(r.b) {
		c := r.b[i]
		if c == '"' {
			r.i = i + 1
			return r.b[from:i]
		}
		if c == '\\' || c < 0x20 {
			break
		}
		i++
	}
	r.buf = append(r.buf[:0], r.b[from:min(i, len(r.b))]...)
	for i < len(r.b) {
		c := r.b[i]
		switch {
		case c == '"':
			r.i = i + 1
			return r.buf
		case c < 0x20:
			r.fail(i, "%s in a text must be written as an escape", show(c))
		case c != '\\':
			r.buf = append(r.buf, c)
			i++
		default:
			i = r.escape(i)
		}
	}
	r.fail(len(r.b), "the document ends within a text")
	return nil
}

func (r *reader) escape(i int) int {
	if i+1 >= len(r.b) {
		r.fail(len(r.b), "the document ends within an escape")
	}
	switch c := r.b[i+1]; c {
	case '"', '\\', '/':
		r.buf = append(r.buf, c)
	case 'b':
		r.buf = append(r.buf, '\b')
	case 'f':
		r.buf = append(r.buf, '\f')
	case 'n':
		r.buf = append(r.buf, '\n')
	case 'r':
		r.buf = append(r.buf, '\r')
	case 't':
		r.buf = append(r.buf, '\t')
	case 'u':
		u := r.hex4(i)
		if u == 0 {
			r.fail(i, "%s is the NUL character, which no text here may hold: leave it out", r.b[i:i+6])
		}
		if !utf16.IsSurrogate(u) {
			r.buf = utf8.AppendRune(r.buf, u)
			return i + 6
		}
		if i+7 < len(r.b) && r.b[i+6] == '\\' && r.b[i+7] == 'u' {
			if u = utf16.DecodeRune(u, r.hex4(i+6)); u != utf8.RuneError {
				r.buf = utf8.AppendRune(r.buf, u)
				return i + 12
			}
		}
		r.fail(i, "%s is half of a surrogate pair", r.b[i:i+6])
	default:
		r.fail(i, "\\%s is not an escape of JSON", string(rune(c)))
	}
	return i + 2
}

func (r *reader) hex4(i int) rune {
	if i+6 > len(r.b) {
		r.fail(len(r.b), "the document ends within an escape")
	}
	var u rune
	for _, c := range r.b[i+2 : i+6] {
		switch {
		case c >= '0' && c <= '9':
			u = u<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			u = u<<4 | rune(c|0x20-'a'+10)
		default:
			r.fail(i, "an escape \\u needs four hexadecimal digits")
		}
	}
	return u
}
