package cms

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"io"
	"slices"
)

// A Key is a certificate of the receiver with its private key. Decrypter must
// take *rsa.PKCS1v15DecryptOptions and *rsa.OAEPOptions, as *rsa.PrivateKey does.
type Key struct {
	Certificate *x509.Certificate
	Decrypter   crypto.Decrypter
}

// Decryption is how an encrypted structure is opened.
type Decryption struct {
	// Keys are tried by the name that the structure gives: several while
	// certificates overlap. At least one.
	Keys []Key
	// Spool keeps the ciphertext of AES-GCM until its tag was verified: nothing
	// is decrypted before, so that no plaintext is ever in it. The caller
	// removes it afterwards. Nil means memory, up to Limits.Spooled.
	Spool func() (io.ReadWriteSeeker, error)
}

// A Decrypted is the content of an encrypted structure. Of CBC, bytes come
// before the end is known to be right: they may be garbage, and are to be
// thrown away unless Read ends with io.EOF.
type Decrypted struct {
	Cipher     Cipher
	Recipients []Name // whose content key is transported by their public keys
	// Key is the index in Decryption.Keys that a recipient names, or -1: then
	// the first was tried, as a partner may name a certificate that was renewed
	// with its key.
	Key int

	r io.Reader
}

// Read reads the plaintext. Its errors are io.EOF, [ErrDecrypt], a *LimitError,
// the spool's and the source's own.
func (d *Decrypted) Read(p []byte) (int, error) { return d.r.Read(p) }

// Decrypt reads the recipients of an EnvelopedData or AuthEnvelopedData and
// begins to decrypt. Its errors depend on what everybody can read; a key that
// does not fit shows by [ErrDecrypt] at the end of the content only, so that
// right and wrong keys cost the same.
func (m *Message) Decrypt(d Decryption) (*Decrypted, error) {
	b, err := m.take(EnvelopedData, AuthEnvelopedData)
	if err != nil {
		return nil, err
	}
	if len(d.Keys) == 0 {
		return nil, errors.New("cms: no key to decrypt with was given")
	}
	for _, k := range d.Keys {
		if k.Certificate == nil || k.Decrypter == nil {
			return nil, errors.New("cms: a key without its certificate, or a certificate without its key")
		}
	}
	recipients, err := b.recipients()
	if err != nil {
		return nil, err
	}
	p, err := b.encrypted(m.Type)
	if err != nil {
		return nil, err
	}
	out := &Decrypted{Cipher: p.cipher, Key: -1}
	for _, r := range recipients {
		out.Recipients = append(out.Recipients, r.name)
	}
	key, r, err := pick(recipients, d.Keys)
	if err != nil {
		return nil, err
	}
	out.Key = key
	content, err := b.content(primitive0)
	if err != nil {
		return nil, err
	}
	block, err := p.cipher.block(r.contentKey(d.Keys[max(key, 0)].Decrypter, p.cipher.keySize()))
	if err != nil {
		return nil, err
	}
	if p.cipher.Authenticated() {
		g := &gcmReader{b: b, content: content, block: block, params: p, spool: d.Spool}
		if m.Type == EnvelopedData {
			g.tail = &tail{r: content, n: p.tag}
			g.content = g.tail
		}
		out.r = g
	} else {
		out.r = newCBCReader(b, content, block, p.iv)
	}
	return out, nil
}

// A recipient is a KeyTransRecipientInfo.
type recipient struct {
	name     Name
	key      []byte // encrypted
	opts     crypto.DecrypterOpts
	unusable error // a key transport that is not supported
}

// recipients reads originatorInfo and the RecipientInfos. Key agreement and
// passwords are passed over: there may be an RSA recipient beside them.
func (b *ber) recipients() ([]recipient, error) {
	h, ok, err := b.next()
	if err == nil && ok && h.tag == context0 {
		if err = b.enter(h); err == nil {
			if err = b.leave(); err == nil {
				h, ok, err = b.next()
			}
		}
	}
	if err != nil {
		return nil, err
	}
	if !ok || h.tag != tagSet {
		return nil, b.syntax(b.pos, "the recipients are missing")
	}
	if err := b.enter(h); err != nil {
		return nil, err
	}
	var out []recipient
	seen := 0
	var unsupported error = &UnsupportedError{What: "a message", Name: "without recipients"}
	err = b.each(func(h header, raw []byte) error {
		if seen++; seen > b.lim.Recipients {
			return &LimitError{Limit: "Recipients", Max: int64(b.lim.Recipients)}
		}
		if h.tag != tagSequence {
			unsupported = &UnsupportedError{What: "recipient", Name: recipientKind(h.tag)}
			return nil
		}
		var info struct {
			Version   int
			ID        asn1.RawValue
			Algorithm pkix.AlgorithmIdentifier
			Key       []byte
		}
		if err := b.unmarshal(raw, &info, "RecipientInfo"); err != nil {
			return err
		}
		name, err := b.nameOf(info.ID, "the recipient's name")
		if err != nil {
			return err
		}
		r := recipient{name: name, key: info.Key}
		r.unusable = r.transport(info.Algorithm)
		out = append(out, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, unsupported
	}
	return out, b.leave()
}

func recipientKind(tag byte) string {
	switch tag {
	case context1:
		return "by key agreement"
	case context2:
		return "by a shared key"
	case context3:
		return "by a password"
	default:
		return "of an unknown kind"
	}
}

// transport reads how the content key is encrypted.
func (r *recipient) transport(alg pkix.AlgorithmIdentifier) error {
	switch {
	case alg.Algorithm.Equal(oidRSA):
		return nil
	case alg.Algorithm.Equal(oidOAEP):
		var p struct {
			Hash   pkix.AlgorithmIdentifier `asn1:"optional,explicit,tag:0"`
			MGF    pkix.AlgorithmIdentifier `asn1:"optional,explicit,tag:1"`
			Source pkix.AlgorithmIdentifier `asn1:"optional,explicit,tag:2"`
		}
		if !noParams(alg) {
			if rest, err := asn1.Unmarshal(alg.Parameters.FullBytes, &p); err != nil || len(rest) > 0 {
				return &UnsupportedError{What: "key transport", Name: "RSAES-OAEP with malformed parameters"}
			}
		}
		hash, mask, err := hashAndMask(p.Hash, p.MGF)
		if err != nil {
			return err
		}
		opts := &rsa.OAEPOptions{Hash: hash, MGFHash: mask}
		if p.Source.Algorithm.Equal(oidEmpty) {
			if _, err := asn1.Unmarshal(p.Source.Parameters.FullBytes, &opts.Label); err != nil {
				return &UnsupportedError{What: "key transport", Name: "RSAES-OAEP with a malformed label"}
			}
		}
		r.opts = opts
		return nil
	default:
		return &UnsupportedError{What: "key transport", Name: alg.Algorithm.String()}
	}
}

// pick finds the recipient that names one of keys, or else the first that can
// be tried, with -1. The error is why none can.
func pick(recipients []recipient, keys []Key) (int, recipient, error) {
	first := slices.IndexFunc(recipients, func(r recipient) bool { return r.unusable == nil })
	if first < 0 {
		return -1, recipient{}, recipients[0].unusable
	}
	for _, r := range recipients {
		for i, k := range keys {
			if r.unusable == nil && r.name.Is(k.Certificate) {
				return i, r, nil
			}
		}
	}
	return -1, recipients[first], nil
}

// contentKey decrypts the content key. A key that does not decrypt, or has
// another length, is a random one: the content then fails as under any wrong
// key, at its end, and nobody can tell why (RFC 3218, RFC 5246 7.4.7.1).
func (r recipient) contentKey(key crypto.Decrypter, size int) []byte {
	random := make([]byte, size)
	rand.Read(random)
	opts := r.opts
	if opts == nil {
		// In constant time crypto/rsa puts a random key where the padding is bad.
		opts = &rsa.PKCS1v15DecryptOptions{SessionKeyLen: size} //nolint:staticcheck // what AS2 partners write
	}
	plain, err := key.Decrypt(rand.Reader, r.key, opts)
	if err != nil || len(plain) != size {
		return random
	}
	return plain
}

// encrypted reads EncryptedContentInfo up to the content.
func (b *ber) encrypted(t Type) (params, error) {
	if err := b.open(tagSequence, "EncryptedContentInfo"); err != nil {
		return params{}, err
	}
	if _, err := b.oid("the type of the encrypted content"); err != nil {
		return params{}, err
	}
	raw, err := b.value(tagSequence, "the content cipher")
	if err != nil {
		return params{}, err
	}
	var alg pkix.AlgorithmIdentifier
	if err := b.unmarshal(raw, &alg, "the content cipher"); err != nil {
		return params{}, err
	}
	p, err := cipherOf(alg)
	var syntax *SyntaxError
	if errors.As(err, &syntax) {
		syntax.Offset = b.pos
	}
	// A place for a tag of CBC is no message at all.
	if err == nil && !p.cipher.Authenticated() && t == AuthEnvelopedData {
		err = &UnsupportedError{What: t.String() + " with", Name: p.cipher.String()}
	}
	return p, err
}

// memorySpool is the spool of who gave none.
type memorySpool struct {
	buf  []byte
	at   int
	left int64
	max  int64
}

func (s *memorySpool) Write(p []byte) (int, error) {
	if s.left -= int64(len(p)); s.left < 0 {
		return 0, &LimitError{Limit: "Spooled", Max: s.max}
	}
	s.buf = append(s.buf, p...)
	return len(p), nil
}

func (s *memorySpool) Read(p []byte) (int, error) {
	if s.at == len(s.buf) {
		return 0, io.EOF
	}
	n := copy(p, s.buf[s.at:])
	s.at += n
	return n, nil
}

// Seek goes to the beginning: nothing else is asked of a spool.
func (s *memorySpool) Seek(int64, int) (int64, error) {
	s.at = 0
	return 0, nil
}
