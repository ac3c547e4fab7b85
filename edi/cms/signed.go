package cms

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"hash"
	"io"
)

// A Signed is a SignedData that is being read: its content is read first, then
// its signers are known.
type Signed struct {
	// Digests are the hashes that the structure announces, those unknown left out.
	Digests []crypto.Hash

	b       *ber
	content io.Reader // nil where detached
	kind    asn1.ObjectIdentifier
	hashes  map[crypto.Hash]hash.Hash
	certs   [][]byte
	signers []*Signer
	err     error // sticks; io.EOF once all was read
}

// Signed reads the head of a SignedData. Opaque content is then read from the
// returned reader; detached content (multipart/signed) is somewhere else, and
// the reader is at its end at once.
func (m *Message) Signed() (*Signed, error) {
	b, err := m.take(SignedData)
	if err != nil {
		return nil, err
	}
	s := &Signed{b: b, hashes: map[crypto.Hash]hash.Hash{}}
	if err := s.announced(); err != nil {
		return nil, err
	}
	if err := b.open(tagSequence, "EncapsulatedContentInfo"); err != nil {
		return nil, err
	}
	if s.kind, err = b.oid("the type of the signed content"); err != nil {
		return nil, err
	}
	h, ok, err := b.next()
	if err != nil {
		return nil, err
	}
	if !ok {
		return s, b.leave()
	}
	if h.tag != context0 {
		return nil, b.syntax(h.at, "the signed content expected, tag %#02x found", h.tag)
	}
	if err := b.enter(h); err != nil {
		return nil, err
	}
	if s.content, err = b.content(tagOctets); err != nil {
		return nil, err
	}
	return s, nil
}

// content begins an OCTET STRING, whole or in pieces.
func (b *ber) content(tag byte) (*octets, error) {
	h, ok, err := b.next()
	if err != nil {
		return nil, err
	}
	if !ok || h.tag&^constructed != tag {
		return nil, b.syntax(b.pos, "the content is not an OCTET STRING")
	}
	return b.octets(h)
}

func (s *Signed) announced() error {
	raw, err := s.b.value(tagSet, "the digest algorithms")
	if err != nil {
		return err
	}
	for rest := derContent(raw); len(rest) > 0; {
		var alg pkix.AlgorithmIdentifier
		if rest, err = asn1.Unmarshal(rest, &alg); err != nil {
			return s.b.syntax(s.b.pos, "the digest algorithms: %v", err)
		}
		h, err := digestOf(alg)
		if err != nil || s.hashes[h] != nil {
			continue // the signer who uses it will say so
		}
		s.Digests = append(s.Digests, h)
		s.hashes[h] = h.New()
	}
	return nil
}

// Detached reports whether the content stands elsewhere.
func (s *Signed) Detached() bool { return s.content == nil }

// Read reads the content. With its io.EOF the signers are known; they are not
// yet verified.
func (s *Signed) Read(p []byte) (int, error) {
	if s.err != nil || len(p) == 0 {
		return 0, s.err
	}
	if s.content == nil {
		s.err = s.trailer()
		return 0, s.err
	}
	n, err := s.content.Read(p)
	for _, h := range s.hashes {
		h.Write(p[:n])
	}
	switch {
	case err == io.EOF:
		s.err = s.opaqueTrailer()
	case err != nil:
		s.err = err
	}
	return n, s.err
}

func (s *Signed) opaqueTrailer() error {
	for range 2 { // the explicit tag, EncapsulatedContentInfo
		if err := s.b.leave(); err != nil {
			return err
		}
	}
	return s.trailer()
}

// trailer reads certificates and signers, and returns io.EOF at the end.
func (s *Signed) trailer() error {
	b := s.b
	for {
		h, ok, err := b.next()
		if err != nil {
			return err
		}
		if !ok {
			return b.syntax(b.pos, "the signers are missing")
		}
		if h.tag != context0 && h.tag != context1 && h.tag != tagSet {
			return b.syntax(h.at, "certificates or signers expected, tag %#02x found", h.tag)
		}
		if err := b.enter(h); err != nil {
			return err
		}
		switch h.tag {
		case context0:
			err = b.each(func(_ header, raw []byte) error {
				s.certs = append(s.certs, raw)
				return nil
			})
		case context1: // revocation lists: partners' certificates are pinned
		case tagSet:
			err = b.each(s.signer)
		}
		if err == nil {
			err = b.leave()
		}
		if err != nil {
			return err
		}
		if h.tag == tagSet {
			break
		}
	}
	if err := b.finish(); err != nil {
		return err
	}
	return io.EOF
}

// each reads the elements of the innermost one whole.
func (b *ber) each(do func(h header, raw []byte) error) error {
	for {
		h, ok, err := b.next()
		if err != nil || !ok {
			return err
		}
		raw, err := b.element(h)
		if err != nil {
			return err
		}
		if err := do(h, raw); err != nil {
			return err
		}
	}
}

func (s *Signed) signer(_ header, raw []byte) error {
	if len(s.signers) >= s.b.lim.Signers {
		return &LimitError{Limit: "Signers", Max: int64(s.b.lim.Signers)}
	}
	var info struct {
		Version   int
		SID       asn1.RawValue
		Digest    pkix.AlgorithmIdentifier
		Attrs     asn1.RawValue `asn1:"optional,tag:0"`
		Algorithm pkix.AlgorithmIdentifier
		Signature []byte
		Unsigned  asn1.RawValue `asn1:"optional,tag:1"`
	}
	if err := s.b.unmarshal(raw, &info, "SignerInfo"); err != nil {
		return err
	}
	name, err := s.b.nameOf(info.SID, "the signer's name")
	if err != nil {
		return err
	}
	sg := &Signer{Name: name, digest: info.Digest, algorithm: info.Algorithm, signature: info.Signature, kind: s.kind}
	sg.Digest, sg.unsupported = digestOf(info.Digest)
	if len(info.Attrs.FullBytes) > 0 {
		if err := sg.attributes(s.b, info.Attrs); err != nil {
			return err
		}
	}
	if h := s.hashes[sg.Digest]; h != nil && s.content != nil {
		sg.content = h.Sum(nil)
	}
	s.signers = append(s.signers, sg)
	return nil
}

// Signers reads what is left of the structure and returns its signers, in order.
func (s *Signed) Signers() ([]*Signer, error) {
	if _, err := io.Copy(io.Discard, s); err != nil {
		return nil, err
	}
	return s.signers, nil
}

// Certificates are those that the structure carries, once the signers are
// known. They prove nothing: whom to trust is the receiver's own list. Those
// that do not parse are left out.
func (s *Signed) Certificates() []*x509.Certificate {
	var out []*x509.Certificate
	for _, raw := range s.certs {
		if c, err := x509.ParseCertificate(raw); err == nil {
			out = append(out, c)
		}
	}
	return out
}
