package edifact

import (
	"bytes"

	"github.com/paklog/hub/edi/sniff"
)

const (
	unaLength = 9
	lookahead = 2048 // what header detection wants to see, unless the stream ends before
)

// header is what the bytes from UNA or UNB on say about the interchange.
type header struct {
	delims  Delimiters
	una     int  // bytes of a readable UNA, 0 without one
	at      int  // of UNB, or of the first segment where there is no UNB
	bare    bool // messages without an interchange around them
	badUNA  bool // a UNA that the data does not follow
	guessed bool // the terminator is a guess
}

// readHeader reads an interchange's start at the start of b, which holds
// lookahead bytes or all that is left. trusted says that nothing but blanks
// stand before it, so that a malformed one is still taken for one.
func readHeader(b []byte, trusted bool) (h header, ok bool) {
	if len(b) < 4 || b[0] != 'U' || b[1] != 'N' {
		return h, false
	}
	switch b[2] {
	case 'A':
		return readUNA(b, trusted)
	case 'B':
		return readUNB(b, trusted)
	case 'H', 'G':
		if !trusted {
			return h, false
		}
		return readBare(b)
	}
	return h, false
}

func readUNA(b []byte, trusted bool) (h header, ok bool) {
	if len(b) < unaLength {
		return h, false
	}
	d := Delimiters{Component: b[3], Element: b[4], Decimal: b[5], Release: b[6], Repetition: b[7], Terminator: b[8]}
	h.una = unaLength
	if d.Terminator == '\r' && len(b) > unaLength && b[unaLength] == '\n' {
		d.Terminator = '\n'
		h.una++
	}
	if d.Release == ' ' {
		d.Release = 0
	}
	if d.Repetition == ' ' {
		d.Repetition = 0
	}
	sound := canSeparate(d.Component) && canSeparate(d.Element) && canTerminate(d.Terminator) && d.apart() == nil
	h.delims = d
	at := h.una
	for at < len(b) && isBlank(b[at]) {
		at++
	}
	h.at = at
	next := b[at:]
	switch {
	case sound && len(next) > 3 && string(next[:3]) == "UNB" && next[3] == d.Element:
		return h, true
	case sniff.Interactive(next): // ISO 9735-3, which has messages of its own
		return h, false
	case sound && looksLikeSegment(next, d) && (trusted || string(next[:3]) == "UNH" || string(next[:3]) == "UNG"):
		h.bare = true
		return h, true
	}
	// The data does not follow this UNA, or it is none: what the header itself
	// shows is believed instead.
	n := bytes.Index(b[:min(len(b), 64)], []byte("UNB"))
	if n < 0 || !trusted {
		return h, false
	}
	h, ok = readUNB(b[n:], false)
	h.at, h.badUNA = n, true
	return h, ok
}

// looksLikeSegment holds for a tag of three capitals or digits and a separator
// or terminator behind it.
func looksLikeSegment(b []byte, d Delimiters) bool {
	if len(b) < 4 || b[3] != d.Element && b[3] != d.Terminator && b[3] != d.Component {
		return false
	}
	return isTag(b[:3])
}

func isTag(b []byte) bool {
	return len(b) == 3 && inTag[b[0]] == isCapital && inTag[b[1]] != 0 && inTag[b[2]] != 0
}

const (
	isDigit = 1 + iota
	isCapital
)

// inTag is what the bytes are that a tag may hold.
var inTag = func() (t [256]uint8) {
	for c := '0'; c <= '9'; c++ {
		t[c] = isDigit
	}
	for c := 'A'; c <= 'Z'; c++ {
		t[c] = isCapital
	}
	return t
}()

// readUNB finds the service characters of an interchange without UNA: the byte
// behind UNB, the one behind the syntax identifier, and what ends the segment.
func readUNB(b []byte, trusted bool) (h header, ok bool) {
	d := DefaultDelimiters
	if len(b) < 4 {
		return h, false
	}
	d.Element = b[3]
	if !canSeparate(d.Element) || d.Element == '=' {
		return h, false
	}
	i := 4
	for i < len(b) && i < 12 && isAlnum(b[i]) {
		i++
	}
	if i == len(b) || !canSeparate(b[i]) || i != 8 && !trusted {
		return h, false
	}
	version := byte('1')
	if b[i] != d.Element {
		d.Component = b[i]
		if i+1 < len(b) {
			version = b[i+1]
		}
	}
	if !h.terminator(b, d) && !trusted {
		return h, false
	}
	d = h.delims
	if version >= '4' && version <= '9' {
		d.Repetition = '*'
	}
	h.delims = d
	return h, h.settle()
}

// readBare reads messages that come without UNB: UNH tells by its own form.
func readBare(b []byte) (h header, ok bool) {
	d := DefaultDelimiters
	d.Element = b[3]
	if !canSeparate(d.Element) || d.Element == '=' {
		return h, false
	}
	second := bytes.IndexByte(b[4:min(len(b), 64)], d.Element)
	if second < 0 {
		return h, false
	}
	for _, c := range b[4+second+1 : min(len(b), 128)] {
		if canSeparate(c) && c != d.Release {
			if c != d.Element {
				d.Component = c
			}
			break
		}
	}
	h.bare = true
	h.terminator(b, d)
	return h, h.settle()
}

// terminator decides what ends segments: the default if it is seen before the
// next service segment, a control character as level B has it, else what
// stands before that segment: a line end, or the mark before one.
func (h *header) terminator(b []byte, d Delimiters) bool {
	h.delims = d
	reach := b[:min(len(b), lookahead)]
	for _, c := range [...]byte{'\'', 0x1C} {
		if c != d.Element && c != d.Component && d.endsSegments(reach, c) {
			h.delims.Terminator = c
			return true
		}
	}
	next := -1
	for _, tag := range [...]string{"UNH", "UNG", "UNZ", "BGM", "UNO"} {
		mark := []byte{tag[0], tag[1], tag[2], d.Element}
		for at := 3; ; at++ {
			i := bytes.Index(reach[at:], mark)
			if i < 0 {
				break
			}
			if at += i; !isAlnum(reach[at-1]) { // else it is the end of a word in data
				if next < 0 || at < next {
					next = at
				}
				break
			}
		}
	}
	head := reach
	if next >= 0 {
		head = reach[:next]
	}
	for _, c := range [...]byte{'\'', 0x1C} {
		if c != d.Element && c != d.Component && bytes.IndexByte(head, c) >= 0 {
			h.delims.Terminator = c
			return true
		}
	}
	h.guessed = next < 0
	if next < 0 {
		return false
	}
	i := next
	for i > 4 && isBlank(head[i-1]) {
		i--
	}
	blanks := head[i:]
	c := head[i-1]
	line := bytes.IndexAny(blanks, "\r\n")
	switch {
	case line < 0 && canSeparate(c):
		h.delims.Terminator = c
	case line < 0:
		h.guessed = true
		return false
	case canSeparate(c) && c != d.Element && c != d.Component && endsLines(b[next:], c):
		h.delims.Terminator = c
	case bytes.IndexByte(blanks, '\n') >= 0:
		h.delims.Terminator = '\n'
	default:
		h.delims.Terminator = '\r'
	}
	return true
}

// endsSegments reports whether c stands before something that looks like the
// next segment.
func (d Delimiters) endsSegments(b []byte, c byte) bool {
	for at := 4; at < len(b); at++ {
		i := bytes.IndexByte(b[at:], c)
		if i < 0 {
			return false
		}
		at += i
		next := at + 1
		for next < len(b) && isBlank(b[next]) {
			next++
		}
		if len(b) > next+3 && isTag(b[next:next+3]) && (b[next+3] == d.Element || b[next+3] == c) {
			return true
		}
	}
	return false
}

// endsLines reports whether the line that rest begins with ends in c.
func endsLines(rest []byte, c byte) bool {
	i := bytes.IndexAny(rest, "\r\n")
	if i < 0 {
		return bytes.IndexByte(rest, c) >= 0
	}
	line := bytes.TrimRight(rest[:i], " \t")
	return len(line) > 0 && line[len(line)-1] == c
}

// settle drops optional service characters that clash with those that matter,
// and reports whether those can be told apart.
func (h *header) settle() bool {
	d := &h.delims
	if d.Release == d.Element || d.Release == d.Component || d.Release == d.Terminator {
		d.Release = 0
	}
	if d.Repetition == d.Element || d.Repetition == d.Component || d.Repetition == d.Terminator || d.Repetition == d.Release {
		d.Repetition = 0
	}
	return d.Validate() == nil
}
