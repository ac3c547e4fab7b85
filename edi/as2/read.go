package as2

import (
	"cmp"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math"
	"net/textproto"
	"slices"
	"strings"

	"github.com/paklog/hub/edi/cms"
)

// Reading is what a receiver knows before it reads a message.
type Reading struct {
	Keys         []cms.Key           // own, to decrypt with; those valid now
	Certificates []*x509.Certificate // the partner's, to verify with; those valid now
	Receipt      Receipt             // what the message asks for: its digests are those of the MIC of an unsigned message

	RequireSigned    bool
	RequireEncrypted bool

	Size int64 // of the body; zero is not known. Of short ones little memory is taken

	// Open takes a document whose content follows. The writer is quarantine
	// until Read returns; nil passes the content over. One that is an
	// [io.ReaderFrom] is handed the content to read.
	Open func(Document) (io.Writer, error)
	// Spool keeps AES-GCM ciphertext, see [cms.Decryption].
	Spool  func() (io.ReadWriteSeeker, error)
	Limits cms.Limits
	// Documents is how many one message may hold; zero means 100.
	Documents int
}

// A Document is one file of a message.
type Document struct {
	ContentType string // as sent
	FileName    string // as sent: see [SafeName]
	ContentID   string
}

// A Received is a message that was read.
type Received struct {
	Layers    []Layer // outermost first
	Documents []Document
	MIC       MIC // zero where none could be made
	// Canonical says that the signature held only after line ends were made
	// CR LF.
	Canonical bool
	// MDN is the receipt, if the message is one. Then there are no documents.
	MDN *MDN
}

// A Layer is one wrapping that was taken off.
type Layer struct {
	Kind   cms.Type
	Cipher cms.Cipher        // of encryption
	Key    int               // index in Reading.Keys that was named; -1: none was
	For    []cms.Name        // recipients of encryption
	Digest crypto.Hash       // of a signature
	Signer *x509.Certificate // nil if it did not verify
}

// String is for a person.
func (l Layer) String() string {
	switch {
	case l.Kind == cms.SignedData && l.Signer != nil:
		return fmt.Sprintf("%v %v by %s", l.Kind, l.Digest, l.Signer.Subject)
	case l.Kind == cms.SignedData:
		return fmt.Sprintf("%v, not verified", l.Kind)
	case l.Cipher != 0:
		return fmt.Sprintf("%v %v", l.Kind, l.Cipher)
	default:
		return l.Kind.String()
	}
}

// Signer is the certificate that the message is signed with, or nil.
func (r *Received) Signer() *x509.Certificate {
	for _, l := range r.Layers {
		if l.Signer != nil {
			return l.Signer
		}
	}
	return nil
}

// Encrypted reports whether the message came encrypted.
func (r *Received) Encrypted() bool {
	return slices.ContainsFunc(r.Layers, func(l Layer) bool { return l.Cipher != 0 })
}

// maxLayers is how many wrappings are taken off: sign, encrypt and compress
// twice each is more than any station does.
const maxLayers = 6

// Read takes a message apart: it decrypts, verifies and decompresses in
// whatever order the layers come, and writes the documents to where Open says.
// header is that of the HTTP request, body its body without transfer coding.
//
// A *[Problem] is the message's fault, and its Word belongs into the receipt;
// Received then holds what is known. Any other error comes from body, Open,
// its writer or Spool, and says nothing about the message.
func Read(header textproto.MIMEHeader, body io.Reader, r Reading) (*Received, error) {
	o := &opener{cfg: r, out: &Received{}, size: cmp.Or(r.Size, math.MaxInt32)}
	if o.cfg.Documents == 0 {
		o.cfg.Documents = 100
	}
	err := o.open(entity{header: header, body: body})
	return o.out, rest(body, err)
}

type opener struct {
	cfg       Reading
	out       *Received
	depth     int
	signed    bool  // inside a signature
	encrypted bool  // inside encryption
	part      bool  // inside any layer: headers count in the MIC
	size      int64 // what one layer holds at most; large where that is not known
}

func (o *opener) open(e entity) error {
	if o.depth++; o.depth > maxLayers {
		return problem(UnexpectedProcessingError, "more than %d layers", maxLayers)
	}
	kind, params := media(e.header.Get("Content-Type"))
	switch {
	case kind == "multipart/signed":
		return o.multipartSigned(e, params)
	case kind == "application/pkcs7-mime", kind == "application/x-pkcs7-mime":
		return o.cms(e, params)
	case kind == "application/octet-stream" && strings.HasSuffix(strings.ToLower(fileName(e.header)), ".p7m"):
		return o.cms(e, params)
	default:
		return o.content(e, kind, params)
	}
}

func (o *opener) cms(e entity, params map[string]string) error {
	word := DecryptionFailed
	switch strings.ToLower(params["smime-type"]) {
	case "compressed-data":
		word = DecompressionFailed
	case "signed-data":
		word = IntegrityCheckFailed
	}
	body, err := e.cms()
	if err != nil {
		return judged(word, err)
	}
	m, err := cms.Open(body, o.cfg.Limits)
	if err == nil {
		switch m.Type {
		case cms.SignedData:
			word = IntegrityCheckFailed
			err = o.opaque(m)
		case cms.CompressedData:
			word = DecompressionFailed
			err = o.compressed(m)
		default:
			word = DecryptionFailed
			err = o.decrypt(m)
		}
	}
	return rest(body, judged(word, err))
}

// drained reads r to its end, also where a problem is known by now: what is
// wrong cannot be told from how long it took or how much was read. Of two
// problems the first counts; what the source says counts before both.
func drained(word string, r io.Reader, err error) error {
	if err != nil && !isProblem(err) {
		return err
	}
	_, more := io.Copy(io.Discard, r)
	if more = judged(word, more); err != nil && isProblem(more) {
		return err
	}
	if more != nil {
		return more
	}
	return err
}

// rest reads over what stands behind a structure and is of no consequence.
func rest(r io.Reader, err error) error {
	more := drained(UnexpectedProcessingError, r, err)
	if err == nil && isProblem(more) {
		return nil
	}
	return more
}

func isProblem(err error) bool {
	var p *Problem
	return errors.As(err, &p)
}

// A worded reader says of what goes wrong in its layer that it did so there,
// however deep inside it is read.
type worded struct {
	r    io.Reader
	word string
}

func (w worded) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	return n, judged(w.word, err)
}

// A garbled reader ends where decryption fails, and remembers it: what stands
// inside is judged as far as it came, so that padding alone changes no answer
// for content that is wrong anyway.
type garbled struct {
	r      io.Reader
	failed bool
}

func (g *garbled) Read(p []byte) (int, error) {
	if g.failed {
		return 0, io.EOF
	}
	n, err := g.r.Read(p)
	if errors.Is(err, cms.ErrDecrypt) {
		g.failed = true
		err = io.EOF
	}
	return n, err
}

func (o *opener) decrypt(m *cms.Message) error {
	if len(o.cfg.Keys) == 0 {
		return problem(DecryptionFailed, "the message is encrypted, and there is no key to decrypt with")
	}
	d, err := m.Decrypt(cms.Decryption{Keys: o.cfg.Keys, Spool: o.cfg.Spool})
	if err != nil {
		return err
	}
	o.out.Layers = append(o.out.Layers, Layer{Kind: m.Type, Cipher: d.Cipher, Key: d.Key, For: d.Recipients})
	o.encrypted, o.part = true, true
	g := &garbled{r: d}
	inner, err := readEntity(worded{g, DecryptionFailed})
	if err == nil && len(inner.header) == 0 {
		err = badMIME("the decrypted content has no header")
	}
	if err == nil {
		err = o.open(inner)
	} else if own := o.decoy(g); own != nil {
		err = own
	}
	if err := drained(DecryptionFailed, g, judged(DecryptionFailed, err)); err != nil {
		return err
	}
	if g.failed {
		return cms.ErrDecrypt
	}
	return nil
}

func (o *opener) compressed(m *cms.Message) error {
	z, err := m.Decompress()
	if err != nil {
		return err
	}
	o.out.Layers = append(o.out.Layers, Layer{Kind: m.Type})
	o.part, o.size = true, math.MaxInt32
	inner, err := readEntity(worded{z, DecompressionFailed})
	if err == nil {
		err = o.open(inner)
	}
	return drained(DecompressionFailed, z, judged(DecompressionFailed, err))
}

// opaque reads a signature that holds its content.
func (o *opener) opaque(m *cms.Message) error {
	s, err := m.Signed()
	if err != nil {
		return err
	}
	if s.Detached() {
		return problem(IntegrityCheckFailed, "a signature without content")
	}
	at := o.layer()
	inner, err := readEntity(worded{s, IntegrityCheckFailed})
	if err != nil {
		return err
	}
	content := drained(IntegrityCheckFailed, s, o.open(inner))
	if content != nil && !isProblem(content) {
		return content
	}
	signers, err := s.Signers()
	if err != nil {
		return err
	}
	return o.verify(at, signers, content, func(sg *cms.Signer) [][]byte { return [][]byte{sg.Content()} })
}

// layer notes a signature that is being read and returns its index.
func (o *opener) layer() int {
	o.out.Layers = append(o.out.Layers, Layer{Kind: cms.SignedData})
	o.signed, o.part = true, true
	return len(o.out.Layers) - 1
}

// multipartSigned reads content with its signature behind it. What was wrong
// with the content counts only if the signature holds.
func (o *opener) multipartSigned(e entity, params map[string]string) error {
	parts, err := newSplitter(e.body, params, o.size)
	if err != nil {
		return judged(IntegrityCheckFailed, err)
	}
	at := o.layer()
	first, err := parts.next()
	if err != nil {
		return judged(IntegrityCheckFailed, ended(err))
	}
	inner, err := readEntity(first)
	if err != nil {
		return judged(IntegrityCheckFailed, err)
	}
	hashes := digestList(params["micalg"])
	if len(hashes) == 0 {
		hashes = []crypto.Hash{crypto.SHA1, crypto.SHA224, crypto.SHA384, crypto.SHA512}
	}
	if !slices.Contains(hashes, crypto.SHA256) {
		hashes = append(hashes, crypto.SHA256) // micalg is a hint, and this the usual one
	}
	encoding, _ := media(inner.header.Get("Content-Transfer-Encoding"))
	digest := newDigester(hashes, encoding != "binary")
	digest.write(inner.raw)
	signedBody := io.TeeReader(inner.body, digest)
	inner.body = signedBody
	content := drained(IntegrityCheckFailed, signedBody, o.open(inner))
	if content != nil && !isProblem(content) {
		return content
	}
	second, err := parts.next()
	if err != nil {
		return judged(IntegrityCheckFailed, ended(err))
	}
	signers, err := detached(second, o.cfg.Limits)
	if err != nil {
		return judged(IntegrityCheckFailed, err)
	}
	err = o.verify(at, signers, content, func(s *cms.Signer) [][]byte { return digest.sums(s.Digest) })
	return rest(e.body, err)
}

// ended makes the end of the parts an error.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return badMIME("a part is missing")
	}
	return err
}

// detached reads the signature part.
func detached(part io.Reader, lim cms.Limits) ([]*cms.Signer, error) {
	e, err := readEntity(part)
	if err != nil {
		return nil, err
	}
	body, err := e.cms()
	if err != nil {
		return nil, err
	}
	m, err := cms.Open(body, lim)
	if err != nil {
		return nil, err
	}
	if m.Type != cms.SignedData {
		return nil, badMIME("the signature is %v", m.Type)
	}
	s, err := m.Signed()
	if err != nil {
		return nil, err
	}
	return s.Signers()
}

// verify finds a signer who is the partner. sums are the digests that the
// content may have, the exact one first.
func (o *opener) verify(at int, signers []*cms.Signer, content error, sums func(*cms.Signer) [][]byte) error {
	var failed error
	for _, s := range signers {
		variants := sums(s)
		if len(variants) == 0 {
			variants = [][]byte{nil} // a digest that is not known, or that nobody announced
		}
		for i, sum := range variants {
			cert, err := s.Verify(o.cfg.Certificates, sum)
			if err != nil {
				if failed == nil {
					failed = judged(IntegrityCheckFailed, err)
					// The sender may compare it though the signature does not hold.
					o.out.MIC = MIC{Digest: o.spelled(s.Digest), Value: sum}
				}
				continue
			}
			o.out.MIC = MIC{Digest: o.spelled(s.Digest), Value: sum}
			o.out.Canonical = o.out.Canonical || i > 0
			o.out.Layers[at].Digest, o.out.Layers[at].Signer = s.Digest, cert
			return content
		}
	}
	if failed == nil {
		failed = problem(IntegrityCheckFailed, "nobody signed")
	}
	return failed
}

// spelled is h as the request for a receipt spells it.
func (o *opener) spelled(h crypto.Hash) Digest {
	for _, d := range o.cfg.Receipt.Digests {
		if d.Hash == h {
			return d
		}
	}
	return NewDigest(h)
}

// unsignedDigest is the digest of the MIC of a message without signature: the
// first that was asked for, SHA-256 if none was.
func (r Receipt) unsignedDigest() (Digest, error) {
	switch {
	case len(r.Digests) > 0:
		return r.Digests[0], nil
	case len(r.Unknown) > 0:
		return Digest{}, problem(UnsupportedMIC, "a MIC under %s", strings.Join(r.Unknown, ", "))
	default:
		return NewDigest(crypto.SHA256), nil
	}
}

// content is what all layers were around.
func (o *opener) content(e entity, kind string, params map[string]string) error {
	if kind == "multipart/report" {
		mdn, err := readReport(e, params)
		o.out.MDN = mdn
		return judged(UnexpectedProcessingError, err)
	}
	if o.cfg.RequireSigned && !o.signed || o.cfg.RequireEncrypted && !o.encrypted {
		return drained(UnexpectedProcessingError, e.body, problem(InsufficientMessageSecurity, "signed %v, encrypted %v", o.signed, o.encrypted))
	}
	var digest *digester
	if !o.signed {
		d, err := o.cfg.Receipt.unsignedDigest()
		if err != nil {
			return drained(UnexpectedProcessingError, e.body, err)
		}
		digest = newDigester([]crypto.Hash{d.Hash}, false)
		if o.part {
			digest.write(e.raw) // RFC 4130 7.3.1; of a bare request the content alone
		}
		e.body = io.TeeReader(e.body, digest)
		defer func() { o.out.MIC = MIC{Digest: d, Value: digest.sums(d.Hash)[0]} }()
	}
	if kind == "multipart/related" || kind == "multipart/mixed" {
		return drained(UnexpectedProcessingError, e.body, o.documents(e, params))
	}
	return drained(UnexpectedProcessingError, e.body, o.document(e))
}

// documents reads several (RFC 6362).
func (o *opener) documents(e entity, params map[string]string) error {
	parts, err := newSplitter(e.body, params, o.size)
	if err != nil {
		return judged(UnexpectedProcessingError, err)
	}
	for {
		part, err := parts.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return judged(UnexpectedProcessingError, err)
		}
		inner, err := readEntity(part)
		if err != nil {
			return judged(UnexpectedProcessingError, err)
		}
		if err := o.document(inner); err != nil {
			return err
		}
	}
}

const copyBuffer = 32 << 10

func (o *opener) document(e entity) error {
	if len(o.out.Documents) >= o.cfg.Documents {
		return problem(UnexpectedProcessingError, "more than %d documents", o.cfg.Documents)
	}
	d := Document{ContentType: e.header.Get("Content-Type"), FileName: fileName(e.header), ContentID: e.header.Get("Content-Id")}
	o.out.Documents = append(o.out.Documents, d)
	w := io.Discard
	if o.cfg.Open != nil {
		to, err := o.cfg.Open(d)
		if err != nil {
			return err
		}
		if to != nil {
			w = to
		}
	}
	if to, ok := w.(io.ReaderFrom); ok {
		_, err := to.ReadFrom(e.decoded())
		return judged(UnexpectedProcessingError, err)
	}
	_, err := io.CopyBuffer(struct{ io.Writer }{w}, e.decoded(), make([]byte, min(o.size, copyBuffer)))
	return judged(UnexpectedProcessingError, err)
}
