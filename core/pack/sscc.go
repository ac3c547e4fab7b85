package pack

import (
	"fmt"
	"strings"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/gs1"
)

// Numbering is what an SSCC is made of: GS1 General Specifications, AI (00).
type Numbering struct {
	Extension int    `json:"extension"` // 0 to 9
	Prefix    string `json:"prefix"`    // GS1 company prefix, 4 to 12 digits
	Serial    int64  `json:"serial"`    // never used twice under one prefix and extension
}

// SSCC is the 18 digits: extension, prefix and serial reference, together 17, and
// the check digit. A serial that has outgrown its place is an error, never cut:
// the number would have been used before.
func (n Numbering) SSCC() (string, error) {
	const op = "pack.SSCC"
	if n.Extension < 0 || n.Extension > 9 {
		return "", fault.At(op, fault.Invalid, "extension", fmt.Errorf("%d is not a digit", n.Extension))
	}
	if len(n.Prefix) < 4 || len(n.Prefix) > 12 || !digits(n.Prefix) {
		return "", fault.At(op, fault.Invalid, "prefix", fmt.Errorf("%q is not a GS1 company prefix of 4 to 12 digits", n.Prefix))
	}
	room := 16 - len(n.Prefix)
	if n.Serial < 0 {
		return "", fault.At(op, fault.Invalid, "serial", fmt.Errorf("%d is negative", n.Serial))
	}
	serial := fmt.Sprintf("%0*d", room, n.Serial)
	if len(serial) > room {
		return "", fault.At(op, fault.Rejected, "serial", fmt.Errorf("%d does not fit the %d digits that prefix %s leaves: configure another extension digit or prefix", n.Serial, room, n.Prefix))
	}
	body := fmt.Sprintf("%d%s%s", n.Extension, n.Prefix, serial)
	return body + string(gs1.CheckDigit(body)), nil
}

func digits(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}
