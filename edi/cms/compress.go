package cms

import (
	"compress/flate"
	"compress/zlib"
	"crypto/x509/pkix"
	"errors"
	"io"
)

// freeRatio is how many bytes may come out before the ratio is looked at.
const freeRatio = 1 << 20

// A decompressor reads a CompressedData under the limits of its message.
type decompressor struct {
	b    *ber
	src  *counted
	z    io.ReadCloser
	at   int64 // where the content begins
	out  int64
	lim  Limits
	fail error
}

type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// Decompress reads the content of a CompressedData, within Limits.Decompressed
// and Limits.Ratio. Errors are those of [Open]; io.EOF comes when checksum and
// structure were found whole.
func (m *Message) Decompress() (io.Reader, error) {
	b, err := m.take(CompressedData)
	if err != nil {
		return nil, err
	}
	raw, err := b.value(tagSequence, "the compression algorithm")
	if err != nil {
		return nil, err
	}
	var alg pkix.AlgorithmIdentifier
	if err := b.unmarshal(raw, &alg, "the compression algorithm"); err != nil {
		return nil, err
	}
	if !alg.Algorithm.Equal(oidZlib) {
		return nil, &UnsupportedError{What: "compression", Name: alg.Algorithm.String()}
	}
	if err := b.open(tagSequence, "EncapsulatedContentInfo"); err != nil {
		return nil, err
	}
	if _, err := b.oid("the type of the compressed content"); err != nil {
		return nil, err
	}
	if err := b.open(context0, "the compressed content"); err != nil {
		return nil, err
	}
	content, err := b.content(tagOctets)
	if err != nil {
		return nil, err
	}
	return &decompressor{b: b, at: b.pos, src: &counted{r: content}, lim: m.lim}, nil
}

func (d *decompressor) Read(p []byte) (int, error) {
	if d.fail != nil || len(p) == 0 {
		return 0, d.fail
	}
	if d.z == nil {
		if d.z, d.fail = zlib.NewReader(d.src); d.fail != nil {
			d.fail = d.named(d.fail)
			return 0, d.fail
		}
	}
	n, err := d.z.Read(p)
	d.out += int64(n)
	switch {
	case d.out > d.lim.Decompressed:
		n, d.fail = 0, &LimitError{Limit: "Decompressed", Max: d.lim.Decompressed}
	case d.out > freeRatio && d.out/max(d.src.n, 1) > d.lim.Ratio:
		n, d.fail = 0, &LimitError{Limit: "Ratio", Max: d.lim.Ratio}
	case errors.Is(err, io.EOF):
		d.fail = d.end()
	case err != nil:
		d.fail = d.named(err)
	}
	return n, d.fail
}

// end reads what stands behind the compressed bytes.
func (d *decompressor) end() error {
	if _, err := io.Copy(io.Discard, d.src); err != nil {
		return err
	}
	if err := d.b.finish(); err != nil {
		return err
	}
	return io.EOF
}

// named tells bytes that are not zlib from a source that failed.
func (d *decompressor) named(err error) error {
	var syntax *SyntaxError
	switch {
	case errors.As(err, &syntax):
		return err
	case errors.Is(err, zlib.ErrHeader), errors.Is(err, zlib.ErrChecksum), errors.Is(err, zlib.ErrDictionary),
		errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.As(err, new(flate.CorruptInputError)):
		return d.b.syntax(d.at, "the compressed content: %v", err)
	default:
		return err
	}
}

// Compress writes a CompressedData around what is written to the returned
// writer. Close ends the structure, not w.
func Compress(w io.Writer) (io.WriteCloser, error) {
	head := begin(oidCompressed, derInt(0), algorithm(oidZlib), []byte{tagSequence, 0x80}, derOID(oidData),
		[]byte{context0, 0x80, tagOctets | constructed, 0x80})
	if _, err := w.Write(head); err != nil {
		return nil, err
	}
	out := newPieces(w)
	return &compressor{out: out, z: zlib.NewWriter(out)}, nil
}

type compressor struct {
	out *pieces
	z   *zlib.Writer
}

func (c *compressor) Write(p []byte) (int, error) { return c.z.Write(p) }

func (c *compressor) Close() error {
	if err := c.z.Close(); err != nil {
		return err
	}
	return c.out.finish(eoc, eoc, eoc, eoc, eoc, eoc)
}
