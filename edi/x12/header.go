package x12

import "bytes"

const (
	isaLength = 106 // "ISA" to terminator, padded as the standard wants
	isaReach  = 1024
	lookahead = 2048 // what header detection wants to see, unless the stream ends before
)

// isaSeparators are the offsets of the 16 element separators in a padded ISA.
var isaSeparators = [16]int{3, 6, 17, 20, 31, 34, 50, 53, 69, 76, 81, 83, 89, 99, 101, 103}

// header is what the bytes from "ISA" on say about the interchange.
type header struct {
	delims  Delimiters
	end     int // behind the terminator, line end included where that is the terminator
	strict  bool
	noComp  bool // ISA16 is missing
	short   bool // fewer than 16 elements: delimiters are a guess
	clash   bool // ISA11 or ISA16 cannot be what they should
	found   bool // the terminator was, and it may be NUL
	element [17][]byte
}

// readHeader reads an ISA at the start of b, which holds lookahead bytes or all
// that is left. trusted says that nothing but blanks stand before it, so that a
// malformed ISA is still taken for one.
func readHeader(b []byte, trusted bool) (h header, ok bool) {
	if len(b) < 4 || string(b[:3]) != "ISA" {
		return h, false
	}
	if h.strict = strictISA(b); !h.strict && !canSeparate(b[3]) {
		return h, false
	}
	h.delims.Element = b[3]
	if h.strict {
		for i := range 15 {
			h.element[i+1] = b[isaSeparators[i]+1 : isaSeparators[i+1]]
		}
		h.afterISA15(b, isaSeparators[15]+1)
		return h, true
	}
	end, plausible := h.splitElements(b)
	if plausible {
		h.afterISA15(b, end)
		return h, true
	}
	if !trusted {
		return h, false
	}
	h.short = true
	return h, h.guessShort(b)
}

// bareHeader finds the delimiters of sets or groups that come without an ISA: the byte
// behind the tag, and the one behind the last element of ST or GS, which are codes and
// numbers. There is no saying what separates components.
func bareHeader(b []byte) (d Delimiters, ok bool) {
	if len(b) < 4 || string(b[:2]) != "ST" && string(b[:2]) != "GS" || !canSeparate(b[2]) {
		return d, false
	}
	d.Element = b[2]
	b = b[:min(len(b), lookahead)]
	group, most, code := b[0] == 'G', 3, 3
	if group {
		most, code = 8, 2
	}
	at, n := 2, 0
	for ; n < most && at < len(b) && b[at] == d.Element; n++ {
		from := at + 1
		free := group && n > 0 && n+1 < most // names and such, which end at a separator alone
		for at = from; at < len(b) && (isAlnum(b[at]) || free && b[at] != d.Element && b[at] != '\r' && b[at] != '\n'); at++ {
		}
		if n == 0 && at-from != code {
			return d, false
		}
	}
	if at >= len(b) || n < 2 || group && n < most {
		return d, false
	}
	if d.Terminator = b[at]; d.Terminator == '\r' && at+1 < len(b) && b[at+1] == '\n' {
		d.Terminator, at = '\n', at+1
	}
	next := bytes.TrimLeft(b[at+1:], "\r\n ")
	id, _, _ := bytes.Cut(next, []byte{d.Element})
	return d, isTag(id) && d.Validate() == nil
}

// strictISA reports whether the separators stand where those of a padded ISA do. There a tab, form feed or
// the like may separate, too.
func strictISA(b []byte) bool {
	if len(b) < isaLength-1 { // the terminator may be missing at the end of the stream
		return false
	}
	if c := b[3]; isAlnum(c) || c == ' ' || c == '\r' || c == '\n' || c == 0 {
		return false
	}
	for _, p := range isaSeparators {
		if b[p] != b[3] {
			return false
		}
	}
	return true
}

// splitElements finds the 16 elements of an ISA that is not padded as it should
// be and says whether they look like one.
func (h *header) splitElements(b []byte) (end int, plausible bool) {
	reach := b[:min(len(b), isaReach)]
	at := 4
	for i := 1; i <= 15; i++ {
		n := bytes.IndexByte(reach[at:], h.delims.Element)
		if n < 0 {
			return 0, false
		}
		h.element[i] = reach[at : at+n]
		at += n + 1
	}
	for _, i := range [...]int{1, 3, 5, 7} {
		if len(trimISA(h.element[i])) > 3 {
			return 0, false
		}
	}
	version := trimISA(h.element[12])
	if n := len(version); n < 4 || n > 6 || len(trimISA(h.element[15])) > 1 {
		return 0, false
	}
	for _, c := range version {
		if c-'0' > 9 {
			return 0, false
		}
	}
	return at, true
}

// afterISA15 decides component separator and terminator from the bytes between
// the last separator and the next segment. Partners leave ISA16 out, end lines
// with CR LF in place of a terminator or beside it, and wrap lines in between.
func (h *header) afterISA15(b []byte, at int) {
	gap := b[at:min(len(b), at+64)]
	// No delimiter is a letter or digit, so the next segment begins at the first;
	// one that stands for ISA16 itself is passed over.
	next := 0
	if len(gap) > 1 && isAlnum(gap[0]) && !isAlnum(gap[1]) {
		next = 1
	}
	from := next
	for next < len(gap) && !isAlnum(gap[next]) {
		next++
	}
	var solid []int
	for i := from; i < next; i++ {
		if c := gap[i]; !isBreak(c) {
			solid = append(solid, i)
		}
	}
	lineEnd := func() (byte, int) {
		if i := bytes.IndexByte(gap[:next], '\n'); i >= 0 {
			return '\n', i + 1
		}
		if i := bytes.IndexByte(gap[:next], '\r'); i >= 0 {
			return '\r', i + 1
		}
		return 0, next
	}
	d := &h.delims
	switch {
	case h.strict && next == 2 && from == 0 && tabDelimits(gap, b[at+next:]):
		d.Component, d.Terminator, h.end, h.found, solid = gap[0], gap[1], 2, true, []int{0}
	case len(solid) == 0:
		h.noComp = true
		d.Terminator, h.end = lineEnd()
	case len(solid) == 1:
		c, blanks := gap[solid[0]], next > solid[0]+1 || solid[0] > 0
		if !blanks || endsLines(b[at+next:], c) {
			h.noComp = true
			d.Terminator, h.end, h.found = c, solid[0]+1, true
			break
		}
		d.Component = c
		if d.Terminator, h.end = lineEnd(); d.Terminator == 0 {
			h.noComp = true
			d.Component, d.Terminator, h.end = 0, c, solid[0]+1
		}
	default:
		end := solid[1]
		if len(solid) > 2 && gap[end] == gap[solid[0]] { // an ISA16 of two bytes
			end = solid[2]
		}
		d.Component = gap[solid[0]]
		d.Terminator, h.end, h.found = gap[end], end+1, true
	}
	h.element[16] = gap[:0]
	if d.Component != 0 {
		h.element[16] = gap[solid[0] : solid[0]+1]
		if last := h.end - 1; h.found && gap[solid[0]] == gap[last-1] {
			h.element[16] = gap[solid[0]:last]
		}
	}
	h.end += at
	if r := trimISA(h.element[11]); string(trimISA(h.element[12])) >= "00402" && len(r) == 1 && canSeparate(r[0]) {
		d.Repetition = r[0]
	}
	h.settle()
}

// settle drops optional separators that clash with the two that matter.
func (h *header) settle() {
	d := &h.delims
	if d.Terminator == 0 && !h.found || isAlnum(d.Terminator) || d.Terminator == d.Element {
		h.clash = true
		d.Terminator = '~'
		if d.Element == '~' {
			d.Terminator = '\n'
		}
	}
	if d.Component == d.Element || d.Component == d.Terminator || isAlnum(d.Component) {
		h.clash = h.clash || d.Component != 0
		d.Component = 0
	}
	if d.Repetition == d.Element || d.Repetition == d.Terminator || d.Repetition == d.Component {
		d.Repetition = 0
	}
}

// isBreak holds for what separates lines and words: never a delimiter beside
// another that is none.
func isBreak(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// tabDelimits reports whether the two bytes behind the last separator of a padded ISA are delimiters of
// which one is a tab, and no blank beside one.
func tabDelimits(two, rest []byte) bool {
	switch {
	case two[0] == '\t':
		return !isBreak(two[1])
	case two[1] == '\t':
		return !isBreak(two[0]) && bytes.IndexByte(rest, two[0]) < 0
	}
	return false
}

// endsLines tells "*P*~ CR LF" without a component separator from "*P*>" with
// CR LF for a terminator: in the former the next segment ends in the same byte.
// Where no line end follows, the blanks behind c were noise and c ends segments.
func endsLines(rest []byte, c byte) bool {
	i := bytes.IndexAny(rest, "\r\n")
	if i < 0 {
		return bytes.IndexByte(rest, c) >= 0
	}
	line := bytes.TrimRight(rest[:i], " \t")
	return len(line) > 0 && line[len(line)-1] == c
}

// guessShort finds a terminator for an ISA that has too few elements: the byte
// before the group header, else the first line end.
func (h *header) guessShort(b []byte) bool {
	reach := b[:min(len(b), isaReach)]
	for i := 4; i+2 < len(reach); i++ {
		if reach[i] != 'G' || reach[i+1] != 'S' || isAlnum(reach[i+2]) {
			continue
		}
		j := i - 1
		for j > 4 && isBlank(reach[j]) {
			j--
		}
		c := reach[j]
		if isAlnum(c) || c == h.delims.Element || c == ' ' {
			j++
			for j < i && reach[j] != '\n' && reach[j] != '\r' {
				j++
			}
			if j == i {
				continue
			}
			if c = reach[j]; c == '\r' && reach[j+1] == '\n' {
				j++
				c = '\n'
			}
		}
		h.delims.Terminator, h.end = c, j+1
		h.splitShort(b[4:j])
		return true
	}
	i := bytes.IndexAny(reach, "~\n\r")
	if i < 0 || reach[i] == h.delims.Element {
		return false
	}
	if reach[i] == '\r' && i+1 < len(reach) && reach[i+1] == '\n' {
		i++
	}
	h.delims.Terminator, h.end = reach[i], i+1
	h.splitShort(b[4:i])
	return true
}

func (h *header) splitShort(body []byte) {
	h.element = [17][]byte{}
	for i := 1; i <= 16; i++ {
		before, after, more := bytes.Cut(body, []byte{h.delims.Element})
		h.element[i], body = before, after
		if !more {
			return
		}
	}
}

// trimISA takes the padding from an ISA element: blanks, and the no-break
// blanks that mail programs put in their place.
func trimISA(b []byte) []byte {
	b = bytes.Trim(b, " \t\r\n\x00")
	for bytes.HasSuffix(b, []byte("\u00a0")) {
		b = bytes.TrimRight(b[:len(b)-2], " ")
	}
	for bytes.HasPrefix(b, []byte("\u00a0")) {
		b = bytes.TrimLeft(b[2:], " ")
	}
	return b
}

// isaSizes are the lengths of the 16 elements.
var isaSizes = [17]int{0, 2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1}

// oddSizes are the elements whose lengths differ from those, but for what is checked
// as a value.
func (h *header) oddSizes() (odd []int) {
	for i := 1; i <= 16; i++ {
		switch i {
		case 9, 10, 12, 13, 14, 15:
			continue
		case 16:
			if h.noComp {
				continue
			}
		}
		if len(h.element[i]) != isaSizes[i] {
			odd = append(odd, i)
		}
	}
	return odd
}
