package cms

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
)

// Tags as they stand on the wire: class, constructed bit and number in one byte.
const (
	tagInteger     = 0x02
	tagBitString   = 0x03
	tagOctets      = 0x04
	tagNull        = 0x05
	tagOID         = 0x06
	tagUTCTime     = 0x17
	tagGeneralized = 0x18
	tagSequence    = 0x30
	tagSet         = 0x31

	constructed = 0x20
	context0    = 0xa0
	context1    = 0xa1
	context2    = 0xa2
	context3    = 0xa3
	primitive0  = 0x80
)

const indefinite = -1

// A header is what stands before an element's content.
type header struct {
	tag    byte
	length int64 // indefinite for a constructed element that ends by end-of-contents
	at     int64 // where the tag stands
}

func (h header) constructed() bool { return h.tag&constructed != 0 }

// A ber pulls elements out of a stream. Elements that are entered are a stack;
// next and skip act in the innermost one.
type ber struct {
	r     *bufio.Reader
	pos   int64
	stack []frame
	depth int
	head  int // bytes that may still be kept in memory
	lim   Limits
}

// A frame is an entered element.
type frame struct {
	end int64 // where it ends, or indefinite until its end-of-contents was read
	max int64 // no element in it may end beyond
}

func newBER(r io.Reader, lim Limits) *ber {
	return &ber{r: bufio.NewReaderSize(r, 4<<10), depth: lim.Depth, head: lim.HeadBytes, lim: lim}
}

func (b *ber) syntax(at int64, format string, args ...any) error {
	return &SyntaxError{Offset: at, Message: fmt.Sprintf(format, args...)}
}

// failed turns the end of the source into a syntax error: an element was open.
func (b *ber) failed(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return b.syntax(b.pos, "the bytes end in the middle of an element")
	}
	return err
}

func (b *ber) byte() (byte, error) {
	c, err := b.r.ReadByte()
	if err != nil {
		return 0, b.failed(err)
	}
	b.pos++
	return c, nil
}

func (b *ber) max() int64 {
	if len(b.stack) == 0 {
		return math.MaxInt64
	}
	return b.stack[len(b.stack)-1].max
}

// next reads the header of the next element. At the end of the entered element
// ok is false, and stays so.
func (b *ber) next() (h header, ok bool, err error) {
	top := len(b.stack) - 1
	if top >= 0 && b.stack[top].end == b.pos {
		return h, false, nil
	}
	h.at = b.pos
	if b.max()-b.pos < 2 {
		return h, false, b.syntax(b.pos, "an element does not fit into the one around it")
	}
	if h.tag, err = b.byte(); err != nil {
		return h, false, err
	}
	if h.tag&0x1f == 0x1f {
		return h, false, b.syntax(h.at, "a tag number above 30")
	}
	if h.length, err = b.length(h); err != nil {
		return h, false, err
	}
	if h.tag == 0 {
		if top < 0 || b.stack[top].end != indefinite || h.length != 0 {
			return h, false, b.syntax(h.at, "an end-of-contents where none belongs")
		}
		b.stack[top].end = b.pos
		return h, false, nil
	}
	return h, true, nil
}

func (b *ber) length(h header) (int64, error) {
	first, err := b.byte()
	if err != nil {
		return 0, err
	}
	n := int64(first)
	switch {
	case first == 0x80:
		if !h.constructed() {
			return 0, b.syntax(h.at, "an indefinite length on a primitive element")
		}
		return indefinite, nil
	case first > 0x88:
		return 0, b.syntax(h.at, "a length of %d bytes", first&0x7f)
	case first > 0x80:
		n = 0
		for range first & 0x7f {
			c, err := b.byte()
			if err != nil {
				return 0, err
			}
			if n > math.MaxInt64>>8 {
				return 0, b.syntax(h.at, "a length beyond 63 bits")
			}
			n = n<<8 | int64(c)
		}
	}
	if n > b.max()-b.pos {
		return 0, b.syntax(h.at, "an element does not fit into the one around it")
	}
	return n, nil
}

// enter goes into a constructed element.
func (b *ber) enter(h header) error {
	if !h.constructed() {
		return b.syntax(h.at, "tag %#02x is not constructed", h.tag)
	}
	if len(b.stack) >= b.depth {
		return &LimitError{Limit: "Depth", Max: int64(b.depth)}
	}
	f := frame{end: indefinite, max: b.max()}
	if h.length != indefinite {
		f.end = b.pos + h.length
		f.max = f.end
	}
	b.stack = append(b.stack, f)
	return nil
}

// leave skips what is left of the innermost element and goes out of it.
func (b *ber) leave() error {
	base := len(b.stack)
	for {
		h, ok, err := b.next()
		switch {
		case err != nil:
			return err
		case ok && h.constructed():
			if err := b.enter(h); err != nil {
				return err
			}
		case ok:
			if err := b.discard(h.length); err != nil {
				return err
			}
		default:
			b.stack = b.stack[:len(b.stack)-1]
			if len(b.stack) < base {
				return nil
			}
		}
	}
}

func (b *ber) discard(n int64) error {
	for n > 0 {
		d, err := b.r.Discard(int(min(n, 1<<20)))
		b.pos += int64(d)
		n -= int64(d)
		if err != nil {
			return b.failed(err)
		}
	}
	return nil
}

// expect reads the header of the next element, which must be tag.
func (b *ber) expect(tag byte, what string) (header, error) {
	h, ok, err := b.next()
	if err != nil {
		return h, err
	}
	if !ok {
		return h, b.syntax(b.pos, "%s is missing", what)
	}
	if h.tag != tag {
		return h, b.syntax(h.at, "%s expected, tag %#02x found", what, h.tag)
	}
	return h, nil
}

// open expects a constructed element and enters it.
func (b *ber) open(tag byte, what string) error {
	h, err := b.expect(tag, what)
	if err != nil {
		return err
	}
	return b.enter(h)
}

// keep takes n of the bytes that may be held in memory.
func (b *ber) keep(n int64) error {
	if n > int64(b.head) {
		return &LimitError{Limit: "HeadBytes", Max: int64(b.lim.HeadBytes)}
	}
	b.head -= int(n)
	return nil
}

// element returns the element of h whole, with definite lengths: an OCTET
// STRING in pieces becomes one piece. What is DER comes back unchanged.
func (b *ber) element(h header) ([]byte, error) {
	if !h.constructed() {
		if err := b.keep(h.length); err != nil {
			return nil, err
		}
		content := make([]byte, h.length)
		n, err := io.ReadFull(b.r, content)
		b.pos += int64(n)
		if err != nil {
			return nil, b.failed(err)
		}
		return der(h.tag, content), nil
	}
	if err := b.enter(h); err != nil {
		return nil, err
	}
	tag := h.tag
	var content []byte
	for {
		child, ok, err := b.next()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		// A child costs its header at least, so that many empty ones are bounded too.
		if err := b.keep(b.pos - child.at); err != nil {
			return nil, err
		}
		raw, err := b.element(child)
		if err != nil {
			return nil, err
		}
		if h.tag == tagOctets|constructed {
			if raw[0] != tagOctets {
				return nil, b.syntax(child.at, "a piece of an OCTET STRING with tag %#02x", child.tag)
			}
			tag = tagOctets
			raw = derContent(raw)
		}
		content = append(content, raw...)
	}
	if h.tag == tagOctets|constructed {
		tag = tagOctets
	}
	b.stack = b.stack[:len(b.stack)-1]
	return der(tag, content), nil
}

// octets streams the content of the OCTET STRING with header h, in one piece or
// in nested ones. Its io.EOF comes when the whole element was read.
func (b *ber) octets(h header) (*octets, error) {
	o := &octets{b: b, base: len(b.stack)}
	if h.constructed() {
		return o, b.enter(h)
	}
	o.left = h.length
	return o, nil
}

type octets struct {
	b    *ber
	left int64 // of the piece that is being read
	base int   // depth of the stack around the string
	err  error // sticks
}

func (o *octets) Read(p []byte) (int, error) {
	if o.err != nil || len(p) == 0 {
		return 0, o.err
	}
	for o.left == 0 {
		if o.err = o.piece(); o.err != nil {
			return 0, o.err
		}
	}
	n, err := o.b.r.Read(p[:min(int64(len(p)), o.left)])
	o.b.pos += int64(n)
	o.left -= int64(n)
	if err != nil {
		o.err = o.b.failed(err)
	}
	return n, o.err
}

// piece goes to the next primitive piece.
func (o *octets) piece() error {
	b := o.b
	if len(b.stack) == o.base {
		return io.EOF
	}
	h, ok, err := b.next()
	switch {
	case err != nil:
		return err
	case !ok:
		b.stack = b.stack[:len(b.stack)-1]
	case h.tag == tagOctets:
		o.left = h.length
	case h.tag == tagOctets|constructed:
		return b.enter(h)
	default:
		return b.syntax(h.at, "a piece of an OCTET STRING with tag %#02x", h.tag)
	}
	return nil
}
