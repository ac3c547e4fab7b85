package as2

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net/textproto"
	"strings"
)

// errMIME is in every error about the form of a MIME entity.
var errMIME = errors.New("malformed MIME")

func badMIME(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errMIME, fmt.Sprintf(format, args...))
}

// maxHeader bounds the header of one entity.
const maxHeader = 64 << 10

// headBuffer is for what stands before a content; long reads go past it.
const headBuffer = 4 << 10

// An entity is a MIME header with its body.
type entity struct {
	header textproto.MIMEHeader
	raw    []byte // the header as it was read, the empty line included; nil for a request
	body   io.Reader
}

// readEntity reads the header that r begins with, to its last byte as it is.
func readEntity(r io.Reader) (entity, error) {
	b := bufio.NewReaderSize(r, headBuffer)
	e := entity{header: textproto.MIMEHeader{}, body: b}
	var name, value string
	add := func() {
		if name != "" {
			e.header.Add(name, strings.TrimSpace(value))
		}
	}
	from := 0 // where the line begins in raw
	for {
		line, err := b.ReadSlice('\n')
		if len(e.raw)+len(line) > maxHeader {
			return e, badMIME("a header of more than %d bytes", maxHeader)
		}
		e.raw = append(e.raw, line...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue // the rest of the line follows
		}
		line, from = e.raw[from:], len(e.raw)
		if errors.Is(err, io.EOF) {
			return e, badMIME("the header has no end")
		}
		if err != nil {
			return e, err
		}
		text := strings.TrimRight(string(line), "\r\n")
		if text == "" {
			add()
			return e, nil
		}
		if (text[0] == ' ' || text[0] == '\t') && name != "" {
			value += " " + strings.TrimSpace(text)
			continue
		}
		add()
		n, v, ok := strings.Cut(text, ":")
		if n = strings.TrimRight(n, " \t"); !ok || !fieldName(n) {
			return e, badMIME("line %q of a header is no field", text[:min(len(text), 40)])
		}
		name, value = n, v
	}
}

// fieldName reports whether s may name a field: printable US-ASCII, no colon.
func fieldName(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// decoded is the body without its Content-Transfer-Encoding. None, and one that
// is not known, means binary: HTTP carries bytes.
func (e entity) decoded() io.Reader {
	encoding, _ := media(e.header.Get("Content-Transfer-Encoding"))
	switch encoding {
	case "base64":
		return base64Reader(e.body)
	case "quoted-printable":
		return mimeErrors{quotedprintable.NewReader(e.body)}
	default:
		return e.body
	}
}

// cms is the body of a CMS part. A structure begins with 30h; where it does
// not, it is in base64, whatever the header says.
func (e entity) cms() (io.Reader, error) {
	b := bufio.NewReaderSize(e.body, headBuffer)
	for {
		first, err := b.Peek(1)
		switch {
		case errors.Is(err, io.EOF):
			return b, nil // which package cms says more about
		case err != nil:
			return nil, err
		case first[0] == '\r' || first[0] == '\n':
			if _, err := b.Discard(1); err != nil {
				return nil, err
			}
		case first[0] == 0x30:
			return b, nil
		default:
			return base64Reader(b), nil
		}
	}
}

func base64Reader(r io.Reader) io.Reader {
	return mimeErrors{base64.NewDecoder(base64.StdEncoding, base64Text{r})}
}

// base64Text drops what is between lines: blanks beside line ends, which the
// decoder drops itself.
type base64Text struct{ r io.Reader }

func (t base64Text) Read(p []byte) (int, error) {
	for {
		n, err := t.r.Read(p)
		kept := 0
		for _, c := range p[:n] {
			if c != ' ' && c != '\t' {
				p[kept] = c
				kept++
			}
		}
		if kept > 0 || err != nil || n == 0 {
			return kept, err
		}
	}
}

// mimeErrors tells what a decoder found wrong from what its source said.
type mimeErrors struct{ r io.Reader }

func (m mimeErrors) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	var corrupt base64.CorruptInputError
	switch {
	case errors.As(err, &corrupt), errors.Is(err, io.ErrUnexpectedEOF):
		err = badMIME("base64: %v", err)
	case err != nil && strings.HasPrefix(err.Error(), "quotedprintable: "):
		err = badMIME("%v", err)
	}
	return n, err
}

// A splitter cuts a multipart body into its parts, byte for byte: the line end
// in front of a delimiter belongs to the delimiter (RFC 2046 5.1.1).
type splitter struct {
	r     *bufio.Reader
	delim []byte // "--boundary"
	part  *part
	state splitState
}

type splitState int

const (
	inPreamble splitState = iota
	inParts
	inEpilogue
)

// splitBuffer is how much of a body is looked at in one go, at most.
const splitBuffer = 32 << 10

// newSplitter begins with a body of at most size bytes.
func newSplitter(body io.Reader, params map[string]string, size int64) (*splitter, error) {
	boundary := params["boundary"]
	if boundary == "" || len(boundary) > 256 {
		return nil, badMIME("a multipart with a boundary of %d characters", len(boundary))
	}
	return &splitter{r: bufio.NewReaderSize(body, int(min(size+512, splitBuffer))), delim: []byte("--" + boundary)}, nil
}

// next is the next part, or io.EOF behind the last. What was left of the part
// before is passed over.
func (s *splitter) next() (io.Reader, error) {
	if s.part != nil {
		if _, err := io.Copy(io.Discard, s.part); err != nil {
			return nil, err
		}
	}
	if s.state == inPreamble {
		// The preamble is a part that nobody reads.
		s.part = &part{s: s, start: true}
		if _, err := io.Copy(io.Discard, s.part); err != nil {
			return nil, err
		}
	}
	if s.state == inEpilogue {
		return nil, io.EOF
	}
	s.part = &part{s: s, start: true}
	return s.part, nil
}

type part struct {
	s     *splitter
	start bool // nothing was read: a delimiter needs no line end in front
	err   error
}

func (p *part) Read(out []byte) (int, error) {
	for {
		if p.err != nil || len(out) == 0 {
			return 0, p.err
		}
		ready, err := p.ready()
		if err != nil {
			p.err = err
			continue
		}
		n := copy(out, ready)
		if _, err := p.s.r.Discard(n); err != nil {
			p.err = err
		}
		p.start = false
		return n, nil
	}
}

// ready is what may be handed out of the buffer, one byte at least, or io.EOF
// once the delimiter behind the part was read.
func (p *part) ready() ([]byte, error) {
	s := p.s
	need := len(s.delim) + 4 // CR LF in front, two bytes that tell what follows
	buf, err := s.r.Peek(need)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	whole := err != nil
	if !whole {
		if buf, err = s.r.Peek(s.r.Buffered()); err != nil {
			return nil, err
		}
	}
	if p.start && bytes.HasPrefix(buf, s.delim) && s.ends(buf[len(s.delim):], whole) {
		return nil, s.delimiter(len(s.delim))
	}
	for from := 0; ; {
		i := bytes.Index(buf[from:], s.delim)
		if i < 0 {
			break
		}
		i += from
		from = i + 1
		if i == 0 || buf[i-1] != '\n' {
			continue
		}
		first := i - 1
		if first > 0 && buf[first-1] == '\r' {
			first--
		}
		after := buf[i+len(s.delim):]
		if first > 0 && len(after) < 2 && !whole {
			return buf[:first], nil // look again with it in front
		}
		if !s.ends(after, whole) {
			continue
		}
		if first > 0 {
			return buf[:first], nil
		}
		return nil, s.delimiter(i + len(s.delim))
	}
	if !whole {
		return buf[:len(buf)-len(s.delim)-1], nil
	}
	if len(buf) == 0 {
		return nil, badMIME("a multipart without its last delimiter")
	}
	return buf, nil
}

// ends reports whether a delimiter line goes on with after. A longer boundary
// that begins with ours does not.
func (s *splitter) ends(after []byte, whole bool) bool {
	if len(after) == 0 {
		return whole
	}
	switch after[0] {
	case '\r', '\n', ' ', '\t':
		return true
	case '-':
		return len(after) > 1 && after[1] == '-'
	}
	return false
}

// delimiter reads over a delimiter line, of which n bytes are looked at.
func (s *splitter) delimiter(n int) error {
	if _, err := s.r.Discard(n); err != nil {
		return err
	}
	s.state = inParts
	if next, err := s.r.Peek(2); err == nil && string(next) == "--" {
		s.state = inEpilogue
	}
	for {
		c, err := s.r.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			s.state = inEpilogue
			return io.EOF
		case err != nil:
			return err
		case c == '\n':
			return io.EOF
		}
	}
}
