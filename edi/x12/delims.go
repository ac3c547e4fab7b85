package x12

import "fmt"

// Delimiters are the separators of one interchange, as found in its ISA.
// Zero means the interchange has none.
type Delimiters struct {
	Element    byte `json:"element"`              // ISA byte 4
	Component  byte `json:"component,omitempty"`  // ISA16
	Repetition byte `json:"repetition,omitempty"` // ISA11 from version 00402 on
	Terminator byte `json:"terminator"`           // the byte behind ISA16, NUL too; LF where lines end in CR LF
}

// DefaultDelimiters are what North American partners expect when nothing else
// was agreed.
var DefaultDelimiters = Delimiters{Element: '*', Component: '>', Terminator: '~'}

// Validate reports the first pair of delimiters that could not be told apart.
func (d Delimiters) Validate() error {
	if d.Element == 0 {
		return fmt.Errorf("x12: element separator %q must be set", d.Element)
	}
	all := []struct {
		name string
		b    byte
	}{{"element separator", d.Element}, {"segment terminator", d.Terminator}, {"component separator", d.Component}, {"repetition separator", d.Repetition}}
	for i, a := range all {
		if a.b == 0 {
			continue
		}
		if isAlnum(a.b) || a.b == ' ' {
			return fmt.Errorf("x12: %s %q is a letter, digit or blank and would be found in data", a.name, a.b)
		}
		for _, b := range all[:i] {
			if a.b == b.b {
				return fmt.Errorf("x12: %s and %s are both %q", b.name, a.name, a.b)
			}
		}
	}
	return nil
}

// table marks the bytes that the index records.
func (d Delimiters) table() (t [256]uint8) {
	t[d.Element], t[d.Terminator] = 1, 1
	return t
}

func isAlnum(c byte) bool {
	return c-'0' < 10 || c|0x20-'a' < 26
}

// isBlank holds for what may stand between segments without meaning anything:
// white space, NUL padding and the Ctrl-Z of old file transfers.
func isBlank(c byte) bool {
	switch c {
	case ' ', '\t', '\n', '\v', '\f', '\r', 0, 0x1A:
		return true
	}
	return false
}

// canSeparate holds for bytes an element separator may be. Blanks and line
// ends are refused: prose that begins with ISA would be taken for a header.
func canSeparate(c byte) bool { return !isAlnum(c) && !isBlank(c) }
