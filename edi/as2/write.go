package as2

import (
	"bufio"
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/edi/cms"
)

// Compression is where a message is compressed (RFC 5402 2).
type Compression int

const (
	Uncompressed Compression = iota
	CompressBeforeSign
	CompressAfterSign
)

// A File is a document to be sent.
type File struct {
	ContentType string // "application/EDI-X12"
	Name        string // empty says none
	ContentID   string // without brackets; empty says none
	Content     io.Reader
}

// A Message is one to be written.
type Message struct {
	From, To  string
	MessageID string // with brackets; the same on each retry
	Subject   string
	Date      time.Time
	Version   string // "1.1", "1.2", "1.3" (rfc4130bis); empty is "1.2"
	ReplyTo   string // Disposition-Notification-To; any text, if a receipt is wanted
	Receipt   Receipt

	Compress Compression
	Sign     *cms.Signing    // nil does not sign
	Opaque   bool            // the signature holds the content, instead of multipart/signed
	Encrypt  *cms.Encryption // nil does not encrypt
	Base64   bool            // documents and CMS parts in base64, for partners who cannot take bytes
}

// A field is a header field. It is written as one line: nothing is folded.
type field struct{ name, value string }

// A written is an entity that can be written.
type written struct {
	fields []field
	body   func(io.Writer) error
}

func (e written) writeTo(w io.Writer) error {
	var b strings.Builder
	for _, f := range e.fields {
		b.WriteString(f.name + ": " + f.value + "\r\n")
	}
	if _, err := io.WriteString(w, b.String()+"\r\n"); err != nil {
		return err
	}
	return e.body(w)
}

// Writing is a message whose headers are known and whose body can be written,
// once: it reads the files.
type Writing struct {
	Header textproto.MIMEHeader // of the HTTP request
	msg    Message
	out    written
	mics   []*MIC
	inner  []*MIC // QUIRK(phax, Camel): of what was compressed before it was signed, RFC 5402 4.1 of what was signed
}

// Prepare decides on the layers of a message: files, compression, signature,
// encryption, from the inside.
func (m Message) Prepare(files ...File) (*Writing, error) {
	if err := m.check(files); err != nil {
		return nil, err
	}
	wr := &Writing{msg: m, Header: textproto.MIMEHeader{}}
	e := m.document(files[0])
	if len(files) > 1 || InExchange(files[0].ContentType) {
		e = m.related(files)
	}
	plain := m.Sign == nil && m.Encrypt == nil && m.Compress == Uncompressed
	if m.Sign == nil {
		e, wr.mics = m.measured(e, !plain)
		if !plain && m.Encrypt == nil {
			// QUIRK(OpenAS2): of a message that is only compressed it makes the MIC
			// of the content alone, RFC 5402 of the header too.
			var bare []*MIC
			e, bare = m.measured(e, false)
			wr.mics = append(wr.mics, bare...)
		}
	} else if m.Compress == CompressBeforeSign {
		e, wr.inner = m.measured(e, true)
	}
	if m.Compress == CompressBeforeSign || m.Compress == CompressAfterSign && m.Sign == nil {
		e = m.compressed(e)
	}
	if m.Sign != nil {
		wr.promise(append([]Digest{NewDigest(m.Sign.Digest)}, m.Receipt.Digests...))
		if m.Opaque {
			e = m.opaque(e, wr.mics)
		} else {
			var err error
			if e, err = signed(e, *m.Sign, wr.mics); err != nil {
				return nil, err
			}
		}
		if m.Compress == CompressAfterSign {
			e = m.compressed(e)
		}
	}
	if m.Encrypt != nil {
		e = m.encrypted(e)
	}
	wr.out = e
	for _, f := range slices.Concat(e.fields, m.fields()) {
		wr.Header.Set(f.name, f.value)
	}
	return wr, nil
}

func (m Message) check(files []File) error {
	var problems []error
	for _, name := range []string{m.From, m.To} {
		if n, err := ParseName(QuoteName(name)); err != nil || n != name {
			problems = append(problems, fmt.Errorf("AS2 name %q: %w", name, errors.Join(err)))
		}
	}
	if len(files) == 0 {
		problems = append(problems, errors.New("a message without a document"))
	}
	values := []string{m.MessageID, m.Subject, m.ReplyTo, m.Receipt.AsyncTo, m.Version}
	for _, f := range files {
		values = append(values, f.ContentType, f.Name, f.ContentID)
	}
	for _, v := range values {
		if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			problems = append(problems, fmt.Errorf("a line end or control character in %q", v))
		}
	}
	for _, d := range m.Receipt.Digests {
		if named, ok := ParseDigest(d.Name); !ok || named.Hash != d.Hash {
			problems = append(problems, fmt.Errorf("a MIC under %q", d.Name))
		}
	}
	if m.MessageID == "" {
		problems = append(problems, errors.New("a message without an id"))
	}
	return errors.Join(problems...)
}

// fields are those of the message itself.
func (m Message) fields() []field {
	version := m.Version
	if version == "" {
		version = "1.2"
	}
	out := []field{
		{"Mime-Version", "1.0"}, {"As2-Version", version}, {"As2-From", QuoteName(m.From)}, {"As2-To", QuoteName(m.To)},
		{"Message-Id", m.MessageID}, {"Subject", m.Subject}, {"Date", m.Date.Format(time.RFC1123Z)},
	}
	if !m.Receipt.Wanted {
		return out
	}
	out = append(out, field{"Disposition-Notification-To", m.ReplyTo})
	if o := m.Receipt.options(); o != "" {
		out = append(out, field{"Disposition-Notification-Options", o})
	}
	if m.Receipt.AsyncTo != "" {
		out = append(out, field{"Receipt-Delivery-Option", m.Receipt.AsyncTo})
	}
	return out
}

// Body writes the body of the request and returns what its receipt is to be
// compared with. The bytes of a signature or encryption differ each time: for
// a retry they are to be kept.
func (wr *Writing) Body(w io.Writer) (Sent, error) {
	m := wr.msg
	s := Sent{MessageID: m.MessageID, From: m.From, To: m.To, Receipt: m.Receipt}
	if err := wr.out.body(w); err != nil {
		return s, err
	}
	for _, mic := range slices.Concat(wr.mics, wr.inner) {
		s.MICs = append(s.MICs, *mic)
	}
	return s, nil
}

// encoding is the Content-Transfer-Encoding of documents and CMS parts.
func (m Message) encoding() string {
	if m.Base64 {
		return "base64"
	}
	return "binary"
}

func (m Message) document(f File) written {
	e := written{fields: []field{{"Content-Type", f.ContentType}, {"Content-Transfer-Encoding", m.encoding()}}}
	if f.Name != "" {
		e.fields = append(e.fields, field{"Content-Disposition", dispositionOf(f.Name)})
	}
	if f.ContentID != "" {
		e.fields = append(e.fields, field{"Content-ID", "<" + f.ContentID + ">"})
	}
	e.body = func(w io.Writer) error {
		return m.encode(w, func(w io.Writer) error {
			_, err := io.Copy(w, f.Content)
			return err
		})
	}
	return e
}

// related is several files in one message (RFC 6362).
func (m Message) related(files []File) written {
	boundary := newBoundary()
	return written{
		fields: []field{{"Content-Type", "multipart/related; type=" + quoted(files[0].ContentType) + `; boundary="` + boundary + `"`}},
		body: func(w io.Writer) error {
			for _, f := range files {
				if _, err := io.WriteString(w, "--"+boundary+"\r\n"); err != nil {
					return err
				}
				if err := m.document(f).writeTo(w); err != nil {
					return err
				}
				if _, err := io.WriteString(w, "\r\n"); err != nil {
					return err
				}
			}
			_, err := io.WriteString(w, "--"+boundary+"--\r\n")
			return err
		},
	}
}

// measured makes the MICs of an entity: under every digest that the receipt may use.
func (m Message) measured(e written, withHeader bool) (written, []*MIC) {
	digests := m.Receipt.Digests
	if len(digests) == 0 {
		digests = []Digest{NewDigest(crypto.SHA256), NewDigest(crypto.SHA1)}
	}
	var mics []*MIC
	for _, d := range digests {
		mics = append(mics, &MIC{Digest: d})
	}
	body := e.body
	e.body = func(w io.Writer) error {
		d := newDigester(hashesOf(mics), false)
		if withHeader {
			head := written{fields: e.fields, body: func(io.Writer) error { return nil }}
			if err := head.writeTo(d); err != nil {
				return err
			}
		}
		if err := body(io.MultiWriter(w, d)); err != nil {
			return err
		}
		fill(mics, d)
		return nil
	}
	return e, mics
}

// promise notes the digests under which the receipt of a signed message may
// come, each once.
func (wr *Writing) promise(digests []Digest) {
	for _, d := range digests {
		if !slices.ContainsFunc(wr.mics, func(m *MIC) bool { return m.Digest.Hash == d.Hash }) {
			wr.mics = append(wr.mics, &MIC{Digest: d})
		}
	}
}

func hashesOf(mics []*MIC) []crypto.Hash {
	var out []crypto.Hash
	for _, m := range mics {
		out = append(out, m.Digest.Hash)
	}
	return out
}

func fill(mics []*MIC, d *digester) {
	for _, m := range mics {
		m.Value = d.sums(m.Digest.Hash)[0]
	}
}

// layer is an entity inside a CMS structure that wrap begins.
func (m Message) layer(kind, name string, e written, wrap func(io.Writer) (io.WriteCloser, error)) written {
	return written{
		fields: []field{
			{"Content-Type", "application/pkcs7-mime; smime-type=" + kind + `; name="` + name + `"`},
			{"Content-Transfer-Encoding", m.encoding()},
			{"Content-Disposition", `attachment; filename="` + name + `"`},
		},
		body: func(w io.Writer) error {
			return m.encode(w, func(w io.Writer) error {
				inner, err := wrap(w)
				if err != nil {
					return err
				}
				if err := e.writeTo(inner); err != nil {
					return err
				}
				return inner.Close()
			})
		},
	}
}

func (m Message) compressed(e written) written {
	return m.layer("compressed-data", "smime.p7z", e, cms.Compress)
}

func (m Message) encrypted(e written) written {
	kind := "enveloped-data"
	if m.Encrypt.Cipher.Authenticated() {
		kind = "authEnveloped-data"
	}
	return m.layer(kind, "smime.p7m", e, func(w io.Writer) (io.WriteCloser, error) { return cms.Encrypt(w, *m.Encrypt) })
}

func (m Message) opaque(e written, mics []*MIC) written {
	return m.layer("signed-data", "smime.p7m", e, func(w io.Writer) (io.WriteCloser, error) {
		inner, err := cms.Sign(w, *m.Sign)
		return &hashing{WriteCloser: inner, digest: newDigester(hashesOf(mics), false), mics: mics}, err
	})
}

// hashing makes the MICs of what goes through.
type hashing struct {
	io.WriteCloser
	digest *digester
	mics   []*MIC
}

func (h *hashing) Write(p []byte) (int, error) {
	h.digest.write(p)
	return h.WriteCloser.Write(p)
}

func (h *hashing) Close() error {
	fill(h.mics, h.digest)
	return h.WriteCloser.Close()
}

// signed is multipart/signed: the entity, and its signature behind it. The
// first of mics is under the digest of the signature.
func signed(e written, s cms.Signing, mics []*MIC) (written, error) {
	boundary := newBoundary()
	digest := NewDigest(s.Digest)
	if _, ok := ParseDigest(digest.Name); !ok {
		return written{}, fmt.Errorf("signing under %v", s.Digest)
	}
	return written{
		fields: []field{{"Content-Type", `multipart/signed; protocol="application/pkcs7-signature"; micalg=` + digest.Name + `; boundary="` + boundary + `"`}},
		body: func(w io.Writer) error {
			if _, err := io.WriteString(w, "--"+boundary+"\r\n"); err != nil {
				return err
			}
			d := newDigester(hashesOf(mics), false)
			if err := e.writeTo(io.MultiWriter(w, d)); err != nil {
				return err
			}
			fill(mics, d)
			signature, err := cms.SignDigest(mics[0].Value, s)
			if err != nil {
				return err
			}
			if _, err := io.WriteString(w, "\r\n--"+boundary+"\r\n"+signatureHeader); err != nil {
				return err
			}
			if err := inBase64(w, func(w io.Writer) error { _, err := w.Write(signature); return err }); err != nil {
				return err
			}
			_, err = io.WriteString(w, "--"+boundary+"--\r\n")
			return err
		},
	}, nil
}

const signatureHeader = "Content-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\n" +
	"Content-Transfer-Encoding: base64\r\n" +
	"Content-Disposition: attachment; filename=\"smime.p7s\"\r\n\r\n"

// encode writes what do writes, in base64 if the message is to be.
func (m Message) encode(w io.Writer, do func(io.Writer) error) error {
	if !m.Base64 {
		return do(w)
	}
	return inBase64(w, do)
}

// inBase64 writes lines of 76 characters.
func inBase64(w io.Writer, do func(io.Writer) error) error {
	lines := &lineWriter{w: bufio.NewWriter(w)}
	enc := base64.NewEncoder(base64.StdEncoding, lines)
	if err := do(enc); err != nil {
		return err
	}
	if err := enc.Close(); err != nil {
		return err
	}
	if err := lines.end(); err != nil {
		return err
	}
	return lines.w.Flush()
}

type lineWriter struct {
	w  *bufio.Writer
	at int // column
}

func (l *lineWriter) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		n := min(len(p)-done, 76-l.at)
		if _, err := l.w.Write(p[done : done+n]); err != nil {
			return done, err
		}
		done += n
		if l.at += n; l.at == 76 {
			if err := l.end(); err != nil {
				return done, err
			}
		}
	}
	return done, nil
}

func (l *lineWriter) end() error {
	if l.at > 0 {
		l.at = 0
		if _, err := l.w.WriteString("\r\n"); err != nil {
			return err
		}
	}
	return nil
}
