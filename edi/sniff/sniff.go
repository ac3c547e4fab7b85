// Package sniff tells EDI formats apart by the first bytes of a file, so that a
// folder or a door may take several. It decides which reader a document goes
// to and nothing else: what is wrong with it the reader says.
package sniff

import (
	"bytes"

	"github.com/paklog/hub/edi/internal/stream"
)

// Format is what bytes look like.
type Format string

// The formats that are told apart. TRADACOMS is recognised and not supported:
// no reader of ours takes it.
const (
	X12       Format = "X12"
	EDIFACT   Format = "EDIFACT"
	TRADACOMS Format = "TRADACOMS"
	Unknown   Format = "unknown"
)

// Reach is how many bytes of a file are looked at: mail headers and the like may
// stand before an interchange.
const Reach = 64 << 10

// Supported reports whether a reader of package edi takes the format.
func (f Format) Supported() bool { return f == X12 || f == EDIFACT }

// Of is the format of a file that begins with b. What begins b, behind blanks
// and a byte order mark, decides; where that is none of the formats, the first
// interchange header within [Reach] does.
func Of(b []byte) Format {
	b = b[:min(len(b), Reach)]
	start := bytes.TrimLeft(b, "\xEF\xBB\xBF \t\r\n\v\f\x00\x1A")
	if f := starts(start, true); f != Unknown {
		return f
	}
	for i := 1; i < len(start); i++ {
		if c := start[i]; c != 'I' && c != 'U' && c != 'S' || isAlnum(start[i-1]) {
			continue
		}
		if f := starts(start[i:], false); f != Unknown {
			return f
		}
	}
	return Unknown
}

// Header is how many bytes of a header [Begins] looks at.
const Header = 64

// Begins is the format whose interchange header b begins with, where it looks like one
// beyond doubt: other text may stand before it.
func Begins(b []byte) Format { return starts(b, false) }

// Next is where the first header of a format stands in b from a position on, behind what
// is no letter or digit; or -1. Unless b is all there is, one that it cuts off is none.
func Next(b []byte, from int, f Format, all bool) int {
	for i := max(from, 1); i < len(b); i++ {
		if c := b[i]; c != 'I' && c != 'U' || isAlnum(b[i-1]) {
			continue
		}
		if !all && len(b)-i < Header {
			return -1
		}
		if starts(b[i:], false) == f {
			return i
		}
	}
	return -1
}

// Within is where, before limit, the first header of a format stands in b that is one
// whatever stands before it, letters as well: a transmission broke off and another was
// appended. It is -1 where there is none.
func Within(b []byte, limit int, f Format) int {
	a, z := byte('I'), byte('S')
	if f == EDIFACT {
		a, z = 'U', 'N'
	}
	limit = min(limit, len(b))
	for i := 0; i < limit; i++ {
		n := stream.Pair(b[i:min(limit+1, len(b))], a, z)
		if i += n; n < 0 {
			return -1
		}
		if f == EDIFACT && sureUNB(b[i:]) || f == X12 && sureISA(b[i:]) {
			return i
		}
	}
	return -1
}

// sureISA holds for an ISA whose first elements are as long as they must be.
func sureISA(b []byte) bool {
	if len(b) < Header || string(b[:3]) != "ISA" || !canSeparate(b[3]) {
		return false
	}
	for _, at := range [...]int{6, 17, 20, 31, 34, 50, 53} {
		if b[at] != b[3] {
			return false
		}
	}
	return true
}

// sureUNB holds for UNB with a syntax identifier and version, and for the UNA before one.
func sureUNB(b []byte) bool {
	b = b[:min(len(b), Header)]
	if len(b) > 9 && string(b[:3]) == "UNA" {
		component, element := b[3], b[4]
		b = bytes.TrimLeft(b[9:], "\r\n ")
		return sureUNB(b) && b[3] == element && b[8] == component
	}
	if len(b) < 10 || string(b[:3]) != "UNB" || !canSeparate(b[3]) || !canSeparate(b[8]) || b[9]-'0' > 9 {
		return false
	}
	for _, c := range b[4:8] {
		if c-'A' > 25 {
			return false
		}
	}
	return true
}

// starts is the format whose header b begins with. Inside other text (not first)
// a header has to look more like one: the letters occur in prose.
func starts(b []byte, first bool) Format {
	if len(b) < 5 {
		return Unknown
	}
	switch string(b[:2]) {
	case "ST": // and three digits
		if first && len(b) > 6 && canSeparate(b[2]) && b[6] == b[2] && isAlnum(b[3]) && isAlnum(b[4]) && isAlnum(b[5]) {
			return X12
		}
	case "GS": // and two letters
		if first && len(b) > 5 && canSeparate(b[2]) && b[5] == b[2] && isAlnum(b[3]) && isAlnum(b[4]) {
			return X12
		}
	}
	switch string(b[:3]) {
	case "ISA":
		// Two digits of ISA01 and the separator again.
		if canSeparate(b[3]) && (first || len(b) > 6 && b[6] == b[3]) {
			return X12
		}
		// A tab separates where it stands behind ISA01 to ISA03 of a padded one.
		if b[3] == '\t' && len(b) > 20 && b[6] == b[3] && b[17] == b[3] && b[20] == b[3] {
			return X12
		}
	case "UNA":
		before := b[:min(len(b), 64)]
		if sound := canSeparate(b[3]) && canSeparate(b[4]); bytes.Contains(before, []byte("UNB")) || sound && first {
			return EDIFACT
		}
	case "UNB":
		if canSeparate(b[3]) && b[3] != '=' && (first || len(b) > 8 && canSeparate(b[8])) {
			return EDIFACT
		}
	case "UNH", "UNG", "UIB":
		if first && canSeparate(b[3]) && b[3] != '=' {
			return EDIFACT
		}
	case "STX", "MHD":
		if b[3] == '=' {
			return TRADACOMS
		}
	}
	return Unknown
}

// Interactive holds for what begins an interchange of interactive EDIFACT (ISO 9735-3):
// UIB, behind UNA or not. It is told as EDIFACT, whose reader says that it is not supported.
func Interactive(b []byte) bool {
	if len(b) > 9 && string(b[:3]) == "UNA" && canSeparate(b[3]) && canSeparate(b[4]) {
		b = bytes.TrimLeft(b[9:], "\r\n ")
	}
	return len(b) > 3 && string(b[:3]) == "UIB" && canSeparate(b[3])
}

func isAlnum(c byte) bool { return c-'0' < 10 || c|0x20-'a' < 26 }

func canSeparate(c byte) bool {
	return !isAlnum(c) && c != ' ' && c != '\t' && c != '\r' && c != '\n' && c != 0
}
