package edifact

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/paklog/hub/edi/internal/stream"
)

// Charset is a character repertoire of ISO 9735, by the identifier in UNB's
// first component (0001).
type Charset string

// UTF8 is the identifier of the repertoire that every character belongs to.
const UTF8 Charset = "UNOY"

// pages are the code pages of levels C to L. Levels A and B are subsets of
// ASCII; W, X and Y are ISO 10646, which is read as UTF-8.
var pages = map[Charset]*charmap.Charmap{
	"UNOC": charmap.ISO8859_1, "UNOD": charmap.ISO8859_2, "UNOE": charmap.ISO8859_5, "UNOF": charmap.ISO8859_7,
	"UNOG": charmap.ISO8859_3, "UNOH": charmap.ISO8859_4, "UNOI": charmap.ISO8859_6, "UNOJ": charmap.ISO8859_8,
	"UNOK": charmap.ISO8859_9, "UNOL": charmap.ISO8859_15,
}

// Known reports whether the identifier is one of UNOA to UNOL, UNOW, UNOX, UNOY.
func (c Charset) Known() bool {
	switch c {
	case "UNOA", "UNOB", "UNOW", "UNOX", "UNOY":
		return true
	}
	return pages[c] != nil
}

func (c Charset) isUTF8() bool { return c == "UNOW" || c == "UNOX" || c == "UNOY" }

// narrowMarks are what levels A and B allow beside blank, digits and letters, of
// which A has the capitals alone.
const narrowMarks = " .,-()/='+:?!\"%&*;<>"

// What [Charset.foreign] marks bytes with, beside what stream has.
const (
	isForeign = stream.Own
	isHigh    = stream.Own << 1 // 0x80 and above
)

// marks is foreign, and what bytes are between these delimiters.
func (c Charset) marks(d Delimiters) *[256]uint8 {
	t := c.foreign()
	for i := range t {
		switch b := byte(i); {
		case b == d.Element || b == d.Terminator:
		case b == '\n' || b == '\r':
			t[i] |= stream.Break
		case b < ' ' || b == 0x7F:
			t[i] |= stream.Control
		}
	}
	t[d.Component] |= stream.Component
	if d.Repetition != 0 {
		t[d.Repetition] |= stream.Repetition
	}
	if d.Release != 0 {
		t[d.Release] |= stream.Release
	}
	return t
}

// foreign marks the bytes that are outside c, control characters included but
// for line ends, and those that are not ASCII. Of bytes from 0x80 on a code page gives nearly all a meaning,
// and UTF-8 is judged by whole characters.
func (c Charset) foreign() *[256]uint8 {
	t := new([256]uint8)
	narrow := c == "UNOA" || c == "UNOB"
	for i := range t {
		b := byte(i)
		switch {
		case b == '\r' || b == '\n':
		case b < ' ' || b == 0x7F, narrow && !isAlnum(b), c == "UNOA" && b-'a' < 26:
			t[i] = isForeign
		}
		if b >= utf8.RuneSelf {
			t[i] |= isHigh
		}
	}
	if narrow {
		for i := range len(narrowMarks) {
			t[narrowMarks[i]] = 0
		}
	}
	return t
}

// Decode is b as UTF-8. Bytes that have no meaning in c become U+FFFD; what
// levels A and B do not allow is read as Latin-1, which is what it mostly is.
func (c Charset) Decode(b []byte) string {
	ascii := true
	for _, x := range b {
		ascii = ascii && x < utf8.RuneSelf
	}
	if ascii || c.isUTF8() && utf8.Valid(b) {
		return string(b)
	}
	page := pages[c]
	if page == nil {
		page = charmap.ISO8859_1
	}
	r := make([]rune, 0, len(b))
	for _, x := range b {
		r = append(r, page.DecodeByte(x))
	}
	return string(r)
}

// Holds reports whether all of s can be written in c.
func (c Charset) Holds(s string) bool {
	for _, r := range s {
		if _, ok := c.encode(nil, r); !ok {
			return false
		}
	}
	return true
}

// encode is one character in c; ok is false where c has none for it.
func (c Charset) encode(dst []byte, r rune) (out []byte, ok bool) {
	if r < utf8.RuneSelf {
		return append(dst, byte(r)), c == "UNOA" && narrowHas(r, false) || c == "UNOB" && narrowHas(r, true) ||
			c != "UNOA" && c != "UNOB" && r >= ' ' && r != 0x7F
	}
	if page := pages[c]; page != nil {
		b, ok := page.EncodeRune(r)
		return append(dst, b), ok && b >= 0xA0
	}
	return utf8.AppendRune(dst, r), c.isUTF8() && r != utf8.RuneError
}

func narrowHas(r rune, small bool) bool {
	return r-'0' < 10 && r >= '0' || r >= 'A' && r <= 'Z' || small && r >= 'a' && r <= 'z' || strings.ContainsRune(narrowMarks, r)
}
