package cms

import (
	"crypto/cipher"
	"crypto/subtle"
	"errors"
	"io"
)

// bufSize is how much content is worked on at once. It is a multiple of every
// block size, and beyond it larger does not get faster.
const bufSize = 32 << 10

// A cbcReader decrypts as the ciphertext comes and keeps the last block back
// until the structure was read to its end.
type cbcReader struct {
	b     *ber
	src   io.Reader
	mode  cipher.BlockMode
	buf   []byte
	size  int // of buf: a multiple of the block
	have  int // ciphertext at the front of buf
	ready []byte
	err   error
}

func newCBCReader(b *ber, src *octets, block cipher.Block, iv []byte) *cbcReader {
	c := &cbcReader{b: b, src: src, mode: cipher.NewCBCDecrypter(block, iv), size: bufSize}
	if src.left > 0 { // in one piece: a byte more lets its end be seen at once
		c.size = int(min(bufSize, src.left/int64(block.BlockSize())*int64(block.BlockSize())+int64(block.BlockSize())))
	}
	return c
}

func (c *cbcReader) Read(p []byte) (int, error) {
	for len(c.ready) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		c.fill()
	}
	n := copy(p, c.ready)
	c.ready = c.ready[n:]
	return n, nil
}

// fill decrypts what has come but its last block. At the end of the content it
// checks the padding.
func (c *cbcReader) fill() {
	size := c.mode.BlockSize()
	if c.buf == nil {
		c.buf = make([]byte, c.size)
	} else if c.have > 0 {
		// Where ready points to was read by now; behind it lie the bytes kept back.
		copy(c.buf, c.buf[len(c.buf)-c.have:])
	}
	n, err := io.ReadFull(c.src, c.buf[c.have:])
	n += c.have
	if err == nil {
		c.have = size
		c.ready = c.buf[:n-size]
		c.mode.CryptBlocks(c.ready, c.ready)
		return
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		c.err = uniform(err)
		return
	}
	if n == 0 || n%size != 0 {
		c.err = ErrDecrypt
		return
	}
	c.mode.CryptBlocks(c.buf[:n], c.buf[:n])
	pad, good := padding(c.buf[n-size : n])
	if c.err = uniform(c.b.finish()); c.err == nil {
		c.err = io.EOF
	}
	if !good {
		c.err = ErrDecrypt
		pad = size
	}
	c.ready = c.buf[:n-pad]
}

// padding reads the padding of the last block (RFC 5652 6.3) without a branch
// on its bytes.
func padding(block []byte) (n int, good bool) {
	n = int(block[len(block)-1])
	ok := subtle.ConstantTimeLessOrEq(1, n) & subtle.ConstantTimeLessOrEq(n, len(block))
	for i, c := range block {
		inside := subtle.ConstantTimeLessOrEq(len(block)-i, n)
		ok &= subtle.ConstantTimeEq(int32(c), int32(n)) | (1 - inside)
	}
	return n, ok == 1
}

// A cbcWriter encrypts and pads.
type cbcWriter struct {
	w    io.Writer
	mode cipher.BlockMode
	buf  []byte
}

func (c *cbcWriter) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		n := min(len(p)-done, bufSize-len(c.buf))
		c.buf = append(c.buf, p[done:done+n]...)
		done += n
		if len(c.buf) == bufSize {
			if err := c.flush(); err != nil {
				return done, err
			}
		}
	}
	return done, nil
}

func (c *cbcWriter) flush() error {
	c.mode.CryptBlocks(c.buf, c.buf)
	_, err := c.w.Write(c.buf)
	c.buf = c.buf[:0]
	return err
}

// pad writes the last block.
func (c *cbcWriter) pad() error {
	n := c.mode.BlockSize() - len(c.buf)%c.mode.BlockSize()
	for range n {
		c.buf = append(c.buf, byte(n))
	}
	return c.flush()
}
