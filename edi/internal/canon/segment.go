package canon

import (
	"encoding/binary"

	"github.com/paklog/hub/edi/internal/stream"
)

// Special is what [Table] marks the bytes with that cannot stand for themselves.
const Special = stream.Own

// Table marks, for [stream.Seen], the bytes that [AppendSegment] does not write as
// they stand: those that JSON escapes or that are not ASCII, and what marks says.
// The delimiters around elements are not data.
func Table(element, terminator byte, marks map[byte]uint8) (t [256]uint8) {
	for i := range t {
		if c := byte(i); c < ' ' || c >= 0x7F || c == '"' || c == '\\' {
			t[i] = Special
		}
	}
	t['\n'], t['\r'] = 0, 0 // between segments: a wrapped document is not asked about
	t[element], t[terminator] = 0, 0
	for c, as := range marks {
		if c != 0 {
			t[c] |= as
		}
	}
	return t
}

// AppendSegment appends a segment as an array of its tag and elements, the n-th of
// which is text[ends[n-1]+1:ends[n]]. All bytes stand for themselves, but for
// component separators, 0 if there is none. With trim blanks at the end of values
// are left out.
func AppendSegment(dst, tag, text []byte, ends []uint32, component byte, trim bool) []byte {
	dst = append(append(append(dst, '[', '"'), tag...), '"')
	for i, to := range ends[1:] {
		from := ends[i] + 1
		at := to
		if component != 0 {
			at = stream.Until(text, from, to, component)
		}
		if at == to {
			dst = appendValue(append(dst, ','), text, from, to, trim)
			continue
		}
		dst = appendValue(append(dst, ',', '['), text, from, at, trim)
		for at < to {
			from = at + 1
			at = stream.Until(text, from, to, component)
			dst = appendValue(append(dst, ','), text, from, at, trim)
		}
		dst = append(dst, ']')
	}
	return append(dst, ']')
}

// appendValue appends a string. Most are short: eight bytes are copied at once and
// those that are too many written over.
func appendValue(dst, text []byte, from, to uint32, trim bool) []byte {
	for trim && to > from && text[to-1] == ' ' {
		to--
	}
	if n := len(dst); to-from <= 8 && int(from)+8 <= len(text) && n+10 <= cap(dst) {
		dst = dst[:n+10]
		dst[n] = '"'
		binary.LittleEndian.PutUint64(dst[n+1:], binary.LittleEndian.Uint64(text[from:]))
		n += int(to-from) + 1
		dst[n] = '"'
		return dst[:n+1]
	}
	dst = append(append(dst, '"'), text[from:to]...)
	return append(dst, '"')
}
