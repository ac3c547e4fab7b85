package edifact

import (
	"bytes"
	"fmt"

	"github.com/paklog/hub/edi/internal/stream"
)

// Delimiters are the service characters of one interchange, in UNA's order.
// Zero means the interchange has none.
type Delimiters struct {
	Component  byte `json:"component"`            // between components of a composite
	Element    byte `json:"element"`              // between tag and elements
	Decimal    byte `json:"decimal,omitempty"`    // decimal mark; both marks are read
	Release    byte `json:"release,omitempty"`    // takes the next character's meaning away
	Repetition byte `json:"repetition,omitempty"` // between repetitions, from syntax version 4 on
	Terminator byte `json:"terminator"`           // ends a segment; LF where lines end in CR LF
}

// DefaultDelimiters hold where an interchange has no UNA, up to syntax version
// 3. [DefaultDelimiters4] has the repetition separator of version 4.
var (
	DefaultDelimiters  = Delimiters{Component: ':', Element: '+', Decimal: '.', Release: '?', Terminator: '\''}
	DefaultDelimiters4 = Delimiters{Component: ':', Element: '+', Decimal: '.', Release: '?', Repetition: '*', Terminator: '\''}
)

// Validate reports the first pair of service characters that could not be told
// apart, or one that could not be told from data.
func (d Delimiters) Validate() error {
	if d.Element == 0 || d.Terminator == 0 || d.Component == 0 {
		return fmt.Errorf("edifact: component separator %q, element separator %q and segment terminator %q must all be set", d.Component, d.Element, d.Terminator)
	}
	return d.apart()
}

// apart reports the first pair of service characters that could not be told apart, or one that could not
// be told from data. What is not set is none; a UNA may name NUL as the terminator.
func (d Delimiters) apart() error {
	all := []struct {
		name string
		b    byte
	}{{"component separator", d.Component}, {"element separator", d.Element}, {"release character", d.Release},
		{"repetition separator", d.Repetition}, {"segment terminator", d.Terminator}}
	for i, a := range all {
		if a.b == 0 {
			continue
		}
		if isAlnum(a.b) || a.b == ' ' {
			return fmt.Errorf("edifact: %s %q is a letter, digit or blank and would be found in data", a.name, a.b)
		}
		for _, b := range all[:i] {
			if a.b == b.b {
				return fmt.Errorf("edifact: %s and %s are both %q", b.name, a.name, a.b)
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

// Index writes to dst the position, plus base, of every element separator and
// segment terminator in data that no release character stands before, and
// returns how many there are. dst must be at least as long as data. It
// allocates nothing.
func (d Delimiters) Index(dst []uint32, data []byte, base uint32) int {
	t := d.table()
	n, _ := index(dst, data, base, &t, d.Release, true)
	return n
}

// index is [Delimiters.Index] on data that may go on. A release character at
// its end is left unused then, because it is the next byte that it is about.
//
// Release characters are rare: all delimiters are found first, by the loop that
// knows nothing of them, and those that are released are taken out again.
func index(dst []uint32, data []byte, base uint32, t *[256]uint8, release byte, last bool) (n, used int) {
	n, used = stream.Index(dst, data, base, t), len(data)
	if release == 0 {
		return n, used
	}
	from, to := 0, 0 // what is read of dst, and what is kept of that
	for at := 0; ; at += 2 {
		i := bytes.IndexByte(data[at:], release)
		if i < 0 {
			break
		}
		at += i
		if at+1 == len(data) {
			if !last {
				used = at
			}
			break
		}
		if t[data[at+1]] == 0 {
			continue
		}
		k, pos := from, base+uint32(at+1)
		for k+16 < n && dst[k+16] <= pos {
			k += 16
		}
		for dst[k] != pos {
			k++
		}
		if from != to {
			copy(dst[to:], dst[from:k])
		}
		from, to = k+1, to+k-from
	}
	if from != to {
		copy(dst[to:], dst[from:n])
	}
	return to + n - from, used
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

// canSeparate holds for bytes a separator within segments may be. Blanks and
// line ends are refused: prose that begins with UNB would be taken for a header.
func canSeparate(c byte) bool { return !isAlnum(c) && !isBlank(c) }

// canTerminate holds for bytes that may end a segment.
func canTerminate(c byte) bool { return canSeparate(c) || c == '\n' || c == '\r' || c == 0 }
