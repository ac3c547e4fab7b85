package cms

import (
	"encoding/asn1"
	"errors"
	"io"
)

// A Type is what a structure holds.
type Type int

const (
	SignedData Type = iota + 1
	EnvelopedData
	AuthEnvelopedData
	CompressedData
)

// String is the name as RFC 5652, 5083 and 3274 write it.
func (t Type) String() string {
	switch t {
	case SignedData:
		return "SignedData"
	case EnvelopedData:
		return "EnvelopedData"
	case AuthEnvelopedData:
		return "AuthEnvelopedData"
	case CompressedData:
		return "CompressedData"
	default:
		return "unknown"
	}
}

// A Message is a structure whose outermost element has been read. Exactly one
// of Signed, Decrypt and Decompress may be called on it, once.
type Message struct {
	Type Type
	b    *ber
	lim  Limits
}

// Open reads the head of the structure that r begins with. What follows the
// structure in r is left there or in a buffer, and never looked at. Errors are
// *SyntaxError, *UnsupportedError, *LimitError, or the source's own.
func Open(r io.Reader, lim Limits) (*Message, error) {
	lim = lim.withDefaults()
	b := newBER(r, lim)
	if err := b.open(tagSequence, "ContentInfo"); err != nil {
		return nil, err
	}
	id, err := b.oid("the content type")
	if err != nil {
		return nil, err
	}
	m := &Message{b: b, lim: lim}
	switch {
	case id.Equal(oidSigned):
		m.Type = SignedData
	case id.Equal(oidEnveloped):
		m.Type = EnvelopedData
	case id.Equal(oidAuthEnveloped):
		m.Type = AuthEnvelopedData
	case id.Equal(oidCompressed):
		m.Type = CompressedData
	default:
		return nil, &UnsupportedError{What: "content type", Name: id.String()}
	}
	if err := b.open(context0, "the content"); err != nil {
		return nil, err
	}
	if err := b.open(tagSequence, m.Type.String()); err != nil {
		return nil, err
	}
	if _, err := b.value(tagInteger, "the version"); err != nil {
		return nil, err
	}
	return m, nil
}

var errCalledTwice = errors.New("cms: the content was asked for twice, or as another type than it is")

// take hands out the reader to the one that may have it.
func (m *Message) take(types ...Type) (*ber, error) {
	b := m.b
	for _, t := range types {
		if t == m.Type && b != nil {
			m.b = nil
			return b, nil
		}
	}
	return nil, errCalledTwice
}

// value reads the next element, which must be tag, whole.
func (b *ber) value(tag byte, what string) ([]byte, error) {
	h, err := b.expect(tag, what)
	if err != nil {
		return nil, err
	}
	return b.element(h)
}

func (b *ber) oid(what string) (asn1.ObjectIdentifier, error) {
	raw, err := b.value(tagOID, what)
	if err != nil {
		return nil, err
	}
	var id asn1.ObjectIdentifier
	return id, b.unmarshal(raw, &id, what)
}

// unmarshal reads one element that was made DER.
func (b *ber) unmarshal(raw []byte, into any, what string) error {
	rest, err := asn1.Unmarshal(raw, into)
	if err != nil {
		return b.syntax(b.pos, "%s: %v", what, err)
	}
	if len(rest) > 0 {
		return b.syntax(b.pos, "%s is followed by %d bytes", what, len(rest))
	}
	return nil
}

// finish goes out of all elements, to the end of the structure.
func (b *ber) finish() error {
	for len(b.stack) > 0 {
		if err := b.leave(); err != nil {
			return err
		}
	}
	return nil
}
