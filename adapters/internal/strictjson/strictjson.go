// Package strictjson reads JSON (RFC 8259) from strangers into structs, and refuses what
// encoding/json lets pass: bytes that are not UTF-8, lone surrogates, fields that are not
// known or come twice, names in another case, null, numbers that would be rounded or cut,
// and depth without end. Every refusal names the place and the byte.
//
// A field without omitempty or omitzero in its json tag is required. What is decoded owns
// its memory: nothing refers to the input.
package strictjson

import (
	"fmt"
	"strconv"
	"strings"
)

// MaxDepth is how deep arrays and objects may stand in each other.
const MaxDepth = 32

// Error says what is wrong, where in the document, and at which byte from 0.
type Error struct {
	Place  string // "lines[2].qty", "" for the document itself
	Offset int
	Reason string
}

func (e *Error) Error() string {
	if e.Place == "" {
		return fmt.Sprintf("byte %d: %s", e.Offset, e.Reason)
	}
	return fmt.Sprintf("%s (byte %d): %s", e.Place, e.Offset, e.Reason)
}

// Decode reads one JSON document into v, a pointer to a struct. Its error is an [*Error];
// v is then undefined.
func Decode(data []byte, v any) error {
	if at, why := InvalidUTF8(data); at >= 0 {
		return &Error{Offset: at, Reason: why}
	}
	return decode(data, v)
}

// reader walks over a document. path is where it is, for errors only.
type reader struct {
	b     []byte
	i     int
	depth int
	path  []step
	buf   []byte // scratch of strings with escapes
}

// step is a field's name, or an index where name is "".
type step struct {
	name  string
	index int
}

// fail is the error at byte at. It panics up to Decode: a document is read or it is not.
func (r *reader) fail(at int, format string, a ...any) {
	panic(&Error{Place: r.place(), Offset: at, Reason: fmt.Sprintf(format, a...)})
}

func (r *reader) place() string {
	var b strings.Builder
	for _, s := range r.path {
		if s.name == "" {
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(s.name)
	}
	return b.String()
}

func (r *reader) space() {
	for r.i < len(r.b) {
		switch r.b[r.i] {
		case ' ', '\t', '\r', '\n':
			r.i++
		default:
			return
		}
	}
}

// next is the first byte of the next token; the end of the document is a failure.
func (r *reader) next(want string) byte {
	r.space()
	if r.i >= len(r.b) {
		r.fail(r.i, "the document ends where %s is expected", want)
	}
	return r.b[r.i]
}

// enter opens an array or object.
func (r *reader) enter() {
	if r.depth++; r.depth > MaxDepth {
		r.fail(r.i, "stands more than %d levels deep", MaxDepth)
	}
	r.i++
}

func (r *reader) leave() {
	r.depth--
	r.i++
}

// more reports whether an element follows, and consumes the comma before it.
func (r *reader) more(first bool, end byte) bool {
	want := "a value or ']'"
	if end == '}' {
		want = "a value or '}'"
	}
	c := r.next(want)
	if c == end {
		return false
	}
	if first {
		return true
	}
	if c != ',' {
		r.fail(r.i, "%s where a comma or %q is expected", show(c), string(end))
	}
	r.i++
	if r.next("a value") == end {
		r.fail(r.i, "a comma with nothing behind it")
	}
	return true
}

// name reads a field's name and the colon. The bytes are valid until the next string.
func (r *reader) name() ([]byte, int) {
	if c := r.next("a field name"); c != '"' {
		r.fail(r.i, "%s where a field name in double quotes is expected", show(c))
	}
	at := r.i
	n := r.text()
	if c := r.next("a colon"); c != ':' {
		r.fail(r.i, "%s where a colon is expected", show(c))
	}
	r.i++
	return n, at
}

// number is a number's text.
func (r *reader) number() []byte {
	from := r.i
	i, b := r.i, r.b
	if i < len(b) && b[i] == '-' {
		i++
	}
	digits := func() bool {
		at := i
		for i < len(b) && b[i] >= '0' && b[i] <= '9' {
			i++
		}
		return i > at
	}
	lead := i
	if !digits() {
		r.fail(from, "%s is not a number", r.word())
	}
	if b[lead] == '0' && i > lead+1 {
		r.fail(from, "%s has a leading zero", r.word())
	}
	if i < len(b) && b[i] == '.' {
		if i++; !digits() {
			r.fail(from, "%s is not a number", r.word())
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			r.fail(from, "%s is not a number", r.word())
		}
	}
	r.i = i
	return b[from:i]
}

// word is what stands here, for an error.
func (r *reader) word() string {
	end := r.i
	for end < len(r.b) && end < r.i+32 && !strings.ContainsRune(" \t\r\n,]}:\"", rune(r.b[end])) {
		end++
	}
	if end == r.i || r.b[r.i] < 0x20 {
		return show(r.b[r.i])
	}
	return strings.ToValidUTF8(string(r.b[r.i:end]), "")
}

// literal consumes a word of JSON, or reports that it does not stand here.
func (r *reader) literal(w string) bool {
	if len(r.b)-r.i < len(w) || string(r.b[r.i:r.i+len(w)]) != w {
		return false
	}
	r.i += len(w)
	return true
}

// kind says what begins here, for errors.
func (r *reader) kind() string {
	switch c := r.b[r.i]; {
	case c == '{':
		return "an object"
	case c == '[':
		return "a list"
	case c == '"':
		return "a text"
	case c == '-' || c >= '0' && c <= '9':
		return "a number"
	default:
		return r.word()
	}
}

// skip checks a value of any kind and passes over it.
func (r *reader) skip() {
	switch c := r.next("a value"); {
	case c == '{':
		r.enter()
		seen := map[string]bool{}
		for first := true; r.more(first, '}'); first = false {
			n, at := r.name()
			name := string(n)
			r.path = append(r.path, step{name: name})
			if seen[name] {
				r.fail(at, "the field %q comes twice", name)
			}
			seen[name] = true
			r.skip()
			r.path = r.path[:len(r.path)-1]
		}
		r.leave()
	case c == '[':
		r.enter()
		for n := 0; r.more(n == 0, ']'); n++ {
			r.path = append(r.path, step{index: n})
			r.skip()
			r.path = r.path[:len(r.path)-1]
		}
		r.leave()
	case c == '"':
		r.text()
	case c == '-' || c >= '0' && c <= '9':
		r.number()
	default:
		if !r.literal("true") && !r.literal("false") && !r.literal("null") {
			r.fail(r.i, "%s is not a value of JSON", r.word())
		}
	}
}

func show(c byte) string {
	if c > 0x20 && c < 0x7f {
		return strconv.QuoteRune(rune(c))
	}
	return fmt.Sprintf("byte 0x%02X", c)
}
