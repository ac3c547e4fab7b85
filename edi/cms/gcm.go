package cms

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"io"
	"slices"
)

// Sizes of AES-GCM (SP 800-38D). Nonces of another length have no place in
// RFC 5084's recommendation and are not taken.
const (
	nonceSize = 12
	tagSize   = 16
	// maxGCM is how many bytes one nonce may encrypt before its 32-bit counter
	// comes round.
	maxGCM = (1<<32 - 2) * 16
)

// A gcmReader spools the ciphertext while its tag is computed, and decrypts
// from the spool once the tag is right.
type gcmReader struct {
	b       *ber
	content io.Reader
	block   cipher.Block
	params  params
	spool   func() (io.ReadWriteSeeker, error)
	tail    *tail // of content, where its tag is that

	plain  io.Reader
	stream cipher.Stream
	err    error
}

func (g *gcmReader) Read(p []byte) (int, error) {
	if g.plain == nil && g.err == nil {
		g.err = g.verify()
	}
	if g.err != nil {
		return 0, g.err
	}
	n, err := g.plain.Read(p)
	g.stream.XORKeyStream(p[:n], p[:n])
	return n, err
}

func (g *gcmReader) verify() error {
	open := g.spool
	if open == nil {
		limit := g.b.lim.Spooled
		open = func() (io.ReadWriteSeeker, error) { return &memorySpool{left: limit, max: limit}, nil }
	}
	spool, err := open()
	if err != nil {
		return err
	}
	hash, err := newGHASH(g.block, g.params.iv)
	if err != nil {
		return err
	}
	n, err := copyContent(io.MultiWriter(spool, hash), g.content)
	if err != nil {
		return uniform(err)
	}
	mac, attrs, err := g.trailer()
	if err != nil {
		return uniform(err)
	}
	want := hash.tag(attrs)
	if len(mac) != g.params.tag || subtle.ConstantTimeCompare(mac, want[:len(mac)]) != 1 {
		return ErrDecrypt
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	g.plain = io.LimitReader(spool, n) // a spool may have been longer
	g.stream = gcmStream(g.block, g.params.iv)
	return nil
}

// A tail keeps the last n bytes of r from whom it is read by.
type tail struct {
	r    io.Reader
	n    int
	buf  []byte
	last []byte // of what was read
}

func (t *tail) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		held := len(t.last)
		t.buf = append(slices.Grow(t.buf[:0], held+len(p)), t.last...)
		n, err := t.r.Read(t.buf[held : held+len(p)])
		buf := t.buf[:held+n]
		free := max(0, len(buf)-t.n)
		copy(p, buf[:free])
		t.last = append(t.last[:0], buf[free:]...)
		if free > 0 || err != nil {
			return free, err
		}
	}
}

// copyContent copies through a buffer that small content does not fill.
func copyContent(w io.Writer, r io.Reader) (int64, error) {
	var total int64
	buf := make([]byte, bufSize)
	for {
		n, err := io.ReadFull(r, buf)
		if total += int64(n); total > maxGCM {
			return total, ErrDecrypt
		}
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return total, err
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return total, nil
		case err != nil:
			return total, err
		}
	}
}

// trailer reads the tag and the DER of the authenticated attributes. EnvelopedData has no place for
// either: BouncyCastle, and with it Camel and phax, write the tag behind the content as AES-GCM gives
// it (RFC 5116 5.1), though RFC 5084 1.3 knows GCM in AuthEnvelopedData alone.
func (g *gcmReader) trailer() (mac, attrs []byte, err error) {
	b := g.b
	if g.tail != nil {
		return g.tail.last, nil, b.finish()
	}
	if err := b.leave(); err != nil { // EncryptedContentInfo
		return nil, nil, err
	}
	h, ok, err := b.next()
	if err == nil && ok && h.tag == context1 {
		if attrs, err = b.element(h); err != nil {
			return nil, nil, err
		}
		attrs[0] = tagSet // what is authenticated is a SET OF (RFC 5083 2.2)
		h, ok, err = b.next()
	}
	if err != nil {
		return nil, nil, err
	}
	if !ok || h.tag&^constructed != tagOctets {
		return nil, nil, b.syntax(b.pos, "the tag is missing")
	}
	raw, err := b.element(h)
	if err != nil {
		return nil, nil, err
	}
	return derContent(raw), attrs, b.finish()
}

// gcmStream is the key stream of the content: counter 2 and on.
func gcmStream(block cipher.Block, nonce []byte) cipher.Stream {
	counter := make([]byte, block.BlockSize())
	copy(counter, nonce)
	counter[15] = 2
	return cipher.NewCTR(block, counter) //nolint:gosec // the nonce is in front of the fixed counter
}

// A ghash computes the tag of a ciphertext that comes in pieces. crypto/cipher
// has AES-GCM for whole messages only, but it hashes fast: sealing nothing with
// a piece as additional data gives T = (S·H + L·H) + E(J), where S is the hash
// of the piece, L its length block and E(J) a constant. So T gives S·H, and the
// S·H of pieces are joined by powers of H. The tags that this makes are of an
// own nonce and never leave the process.
type ghash struct {
	aead  cipher.AEAD
	h     element
	own   element // E(J) of the own nonce
	mask  element // E(J) of the message
	nonce [nonceSize]byte

	acc    element // S·H so far
	full   element // H to the number of blocks of a full piece
	blocks uint64
	bytes  uint64
	buf    []byte // the piece that is not yet full
}

// hashPiece is how much is hashed at once.
const hashPiece = bufSize

func newGHASH(block cipher.Block, nonce []byte) (*ghash, error) {
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	g := &ghash{aead: aead}
	g.h = encryptBlock(block, make([]byte, 12), 0)
	g.own = encryptBlock(block, g.nonce[:], 1)
	g.mask = encryptBlock(block, nonce, 1)
	return g, nil
}

func encryptBlock(block cipher.Block, nonce []byte, counter byte) element {
	var b [16]byte
	copy(b[:], nonce)
	b[15] = counter
	block.Encrypt(b[:], b[:])
	return toElement(b[:])
}

// piece is S·H of data, the last block padded with zeros.
func (g *ghash) piece(data []byte) element {
	var out [tagSize]byte
	t := toElement(g.aead.Seal(out[:0], g.nonce[:], nil, data))
	return t.xor(g.own).xor(lengths(uint64(len(data)), 0).mul(g.h))
}

func lengths(aad, content uint64) element { return element{hi: aad * 8, lo: content * 8} }

// Write implements io.Writer and cannot fail.
func (g *ghash) Write(p []byte) (int, error) {
	g.write(p)
	return len(p), nil
}

func (g *ghash) write(p []byte) {
	for len(p) > 0 {
		if len(g.buf) == 0 && len(p) >= hashPiece {
			g.add(p[:hashPiece])
			p = p[hashPiece:]
			continue
		}
		n := min(len(p), hashPiece-len(g.buf))
		g.buf = append(g.buf, p[:n]...)
		p = p[n:]
		if len(g.buf) == hashPiece {
			g.add(g.buf)
			g.buf = g.buf[:0]
		}
	}
}

// add joins a piece: all but the last one are full.
func (g *ghash) add(data []byte) {
	blocks := uint64(len(data)+15) / 16
	if g.blocks > 0 {
		power := g.full
		if len(data) != hashPiece || power == (element{}) {
			power = g.h.pow(blocks)
		}
		if len(data) == hashPiece {
			g.full = power
		}
		g.acc = g.acc.mul(power)
	}
	g.acc = g.acc.xor(g.piece(data))
	g.blocks += blocks
	g.bytes += uint64(len(data))
}

// tag is the tag of all that was written, with additional data that stands
// behind it in the structure.
func (g *ghash) tag(aad []byte) [tagSize]byte {
	if len(g.buf) > 0 {
		g.add(g.buf)
		g.buf = g.buf[:0]
	}
	acc := g.acc
	if len(aad) > 0 {
		acc = acc.xor(g.piece(aad).mul(g.h.pow(g.blocks)))
	}
	acc = acc.xor(lengths(uint64(len(aad)), g.bytes).mul(g.h)).xor(g.mask)
	var out [tagSize]byte
	binary.BigEndian.PutUint64(out[:], acc.hi)
	binary.BigEndian.PutUint64(out[8:], acc.lo)
	return out
}

// An element is one of GF(2^128) as SP 800-38D 6.3 writes it: the first bit of
// hi is the coefficient of x^0.
type element struct{ hi, lo uint64 }

func toElement(b []byte) element {
	return element{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

func (a element) xor(b element) element { return element{a.hi ^ b.hi, a.lo ^ b.lo} }

// mul takes the same time for all elements.
func (a element) mul(b element) element {
	var z element
	for _, word := range [2]uint64{a.hi, a.lo} {
		for i := 63; i >= 0; i-- {
			bit := -(word >> i & 1)
			z.hi ^= b.hi & bit
			z.lo ^= b.lo & bit
			carry := -(b.lo & 1)
			b.lo = b.lo>>1 | b.hi<<63
			b.hi = b.hi>>1 ^ carry&0xe1<<56
		}
	}
	return z
}

// pow is a to the n, which is public.
func (a element) pow(n uint64) element {
	z := element{hi: 1 << 63}
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			z = z.mul(a)
		}
		a = a.mul(a)
	}
	return z
}

// A gcmWriter encrypts and computes the tag.
type gcmWriter struct {
	w      io.Writer
	stream cipher.Stream
	hash   *ghash
	buf    []byte
	n      int64
}

func (g *gcmWriter) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		n := min(len(p)-done, bufSize)
		if g.n += int64(n); g.n > maxGCM {
			return done, errors.New("cms: more content than one AES-GCM nonce may encrypt")
		}
		if cap(g.buf) < n {
			g.buf = make([]byte, n)
		}
		out := g.buf[:n]
		g.stream.XORKeyStream(out, p[done:done+n])
		g.hash.write(out)
		if _, err := g.w.Write(out); err != nil {
			return done, err
		}
		done += n
	}
	return done, nil
}
