package cms

import (
	"encoding/asn1"
	"io"
	"math/big"
)

// der is one element with a definite length.
func der(tag byte, parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	out := append(make([]byte, 0, n+6), tag)
	if n < 0x80 {
		out = append(out, byte(n))
	} else {
		size := 1
		for n>>(8*size) > 0 {
			size++
		}
		out = append(out, 0x80|byte(size))
		for i := size - 1; i >= 0; i-- {
			out = append(out, byte(n>>(8*i)))
		}
	}
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// derContent is the content of an element that der made.
func derContent(raw []byte) []byte {
	if raw[1] < 0x80 {
		return raw[2:]
	}
	return raw[2+raw[1]&0x7f:]
}

func derInt(n int64) []byte { return derBig(big.NewInt(n)) }

func derBig(n *big.Int) []byte {
	raw, err := asn1.Marshal(n)
	if err != nil {
		panic(err) // a big.Int always has an encoding
	}
	return raw
}

func derOID(id asn1.ObjectIdentifier) []byte {
	raw, err := asn1.Marshal(id)
	if err != nil {
		panic(err) // the identifiers are constants of this package
	}
	return raw
}

// algorithm is an AlgorithmIdentifier; without params they are absent.
func algorithm(id asn1.ObjectIdentifier, params ...[]byte) []byte {
	return der(tagSequence, append([][]byte{derOID(id)}, params...)...)
}

var derNull = []byte{tagNull, 0}

// pieceSize is the length of the pieces that content is written in.
const pieceSize = 32 << 10

// eoc ends an element of indefinite length.
var eoc = []byte{0, 0}

// A pieces writes content as the pieces of an OCTET STRING whose header is
// already written, each pieceSize long but the last.
type pieces struct {
	w   io.Writer
	buf []byte // header room, then the piece
	err error
}

// pieceHead is the header of a whole piece: 04 82 80 00 is 32 KiB.
const pieceHead = 4

func newPieces(w io.Writer) *pieces { return &pieces{w: w, buf: make([]byte, pieceHead, 512)} }

func (o *pieces) Write(p []byte) (int, error) {
	done := 0
	for o.err == nil && done < len(p) {
		n := min(len(p)-done, pieceHead+pieceSize-len(o.buf))
		o.buf = append(o.buf, p[done:done+n]...)
		done += n
		if len(o.buf) == pieceHead+pieceSize {
			o.flush()
		}
	}
	return done, o.err
}

func (o *pieces) flush() {
	n := len(o.buf) - pieceHead
	if o.err != nil || n == 0 {
		return
	}
	head := []byte{tagOctets, 0x82, byte(n >> 8), byte(n)}
	switch {
	case n < 0x80:
		head = []byte{tagOctets, byte(n)}
	case n < 0x100:
		head = []byte{tagOctets, 0x81, byte(n)}
	}
	from := pieceHead - len(head)
	copy(o.buf[from:], head)
	_, o.err = o.w.Write(o.buf[from:])
	o.buf = o.buf[:pieceHead]
}

// finish writes what is left and then tail.
func (o *pieces) finish(tail ...[]byte) error {
	o.flush()
	for _, t := range tail {
		if o.err != nil {
			break
		}
		_, o.err = o.w.Write(t)
	}
	return o.err
}
