package cms

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"
)

// Signing is how one signer signs.
type Signing struct {
	Certificate *x509.Certificate
	Key         crypto.Signer // RSA or ECDSA
	Digest      crypto.Hash   // SHA-224 to SHA-512
	PSS         bool          // RSASSA-PSS with a salt as long as the digest; else PKCS #1 v1.5
	ByKeyID     bool          // names the certificate by subject key identifier
	Embed       []*x509.Certificate
	Time        time.Time // signing time; zero leaves it out
	// Protect adds the algorithm protection attribute of RFC 6211. Some
	// stations refuse signatures that have it.
	Protect bool
}

// SignDigest makes the SignedData of detached content, in DER, from the digest
// of the content under s.Digest.
func SignDigest(digest []byte, s Signing) ([]byte, error) {
	if len(digest) != s.Digest.Size() {
		return nil, fmt.Errorf("cms: a digest of %d bytes is not one of %v", len(digest), s.Digest)
	}
	head, err := s.head()
	if err != nil {
		return nil, err
	}
	info, err := s.info(digest)
	if err != nil {
		return nil, err
	}
	parts := append(head, der(tagSequence, derOID(oidData)))
	parts = append(parts, s.embedded()...)
	parts = append(parts, der(tagSet, info))
	return der(tagSequence, derOID(oidSigned), der(context0, der(tagSequence, parts...))), nil
}

// Sign writes a SignedData that holds what is written to the returned writer
// (opaque signing). Close signs and ends the structure, not w.
func Sign(w io.Writer, s Signing) (io.WriteCloser, error) {
	head, err := s.head()
	if err != nil {
		return nil, err
	}
	head = append(head, []byte{tagSequence, 0x80}, derOID(oidData), []byte{context0, 0x80, tagOctets | constructed, 0x80})
	if _, err := w.Write(begin(oidSigned, head...)); err != nil {
		return nil, err
	}
	return &signer{out: newPieces(w), hash: s.Digest.New(), signing: s}, nil
}

type signer struct {
	out     *pieces
	hash    hash.Hash
	signing Signing
	closed  bool
}

func (s *signer) Write(p []byte) (int, error) {
	n, err := s.out.Write(p)
	s.hash.Write(p[:n])
	return n, err
}

func (s *signer) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	info, err := s.signing.info(s.hash.Sum(nil))
	if err != nil {
		return err
	}
	tail := append([][]byte{eoc, eoc, eoc}, s.signing.embedded()...)
	return s.out.finish(append(tail, der(tagSet, info), eoc, eoc, eoc)...)
}

// head is version and digest algorithms.
func (s Signing) head() ([][]byte, error) {
	if s.Certificate == nil || s.Key == nil {
		return nil, errors.New("cms: signing without certificate or key")
	}
	if pub, ok := s.Key.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !pub.Equal(s.Certificate.PublicKey) {
		return nil, errors.New("cms: the key is not that of the certificate to sign with")
	}
	if s.Digest == crypto.SHA1 {
		return nil, &UnsupportedError{What: "digest to sign with", Name: "SHA-1"}
	}
	alg, err := digestAlgorithm(s.Digest)
	if err != nil {
		return nil, err
	}
	return [][]byte{derInt(s.version()), der(tagSet, alg)}, nil
}

// version of SignedData and SignerInfo alike (RFC 5652 5.1, 5.3).
func (s Signing) version() int64 {
	if s.ByKeyID {
		return 3
	}
	return 1
}

func (s Signing) embedded() [][]byte {
	if len(s.Embed) == 0 {
		return nil
	}
	raw := make([][]byte, 0, len(s.Embed))
	for _, c := range s.Embed {
		raw = append(raw, c.Raw)
	}
	return [][]byte{der(context0, raw...)}
}

// info is the SignerInfo over a digest of the content.
func (s Signing) info(digest []byte) ([]byte, error) {
	hash, err := digestAlgorithm(s.Digest)
	if err != nil {
		return nil, err
	}
	alg, opts, err := s.scheme(hash)
	if err != nil {
		return nil, err
	}
	attrs := [][]byte{
		attribute(oidContentType, derOID(oidData)),
		attribute(oidMessageDigest, der(tagOctets, digest)),
	}
	if !s.Time.IsZero() {
		attrs = append(attrs, attribute(oidSigningTime, derTime(s.Time)))
	}
	if s.Protect {
		protected := der(context1, derContent(alg)) // [1] IMPLICIT
		attrs = append(attrs, attribute(oidProtection, der(tagSequence, hash, protected)))
	}
	set := sortSet(der(tagSet, attrs...))
	signature, err := s.Key.Sign(rand.Reader, sum(s.Digest, set), opts)
	if err != nil {
		return nil, fmt.Errorf("cms: signing: %w", err)
	}
	return der(tagSequence, derInt(s.version()), name(s.Certificate, s.ByKeyID), hash,
		der(context0, derContent(set)), alg, der(tagOctets, signature)), nil
}

func attribute(id asn1.ObjectIdentifier, value []byte) []byte {
	return der(tagSequence, derOID(id), der(tagSet, value))
}

// derTime is UTCTime up to 2049 and GeneralizedTime after it (RFC 5652 11.3).
func derTime(t time.Time) []byte {
	t = t.UTC()
	if y := t.Year(); y >= 1950 && y < 2050 {
		return der(tagUTCTime, []byte(t.Format("060102150405Z")))
	}
	return der(tagGeneralized, []byte(t.Format("20060102150405Z")))
}

// scheme is the signature algorithm for the key, with what the key must be told.
func (s Signing) scheme(hash []byte) (alg []byte, opts crypto.SignerOpts, err error) {
	switch pub := s.Key.Public().(type) {
	case *rsa.PublicKey:
		if !s.PSS {
			return algorithm(oidRSA, derNull), s.Digest, nil
		}
		salt := s.Digest.Size()
		params := der(tagSequence, der(context0, hash), der(context1, algorithm(oidMGF1, hash)), der(context2, derInt(int64(salt))))
		return algorithm(oidPSS, params), &rsa.PSSOptions{SaltLength: salt, Hash: s.Digest}, nil
	case *ecdsa.PublicKey:
		for _, d := range digests {
			if d.hash == s.Digest && !s.PSS {
				return algorithm(d.ecdsa), s.Digest, nil
			}
		}
		return nil, nil, &UnsupportedError{What: "signature", Name: "RSASSA-PSS by an ECDSA key"}
	default:
		return nil, nil, &UnsupportedError{What: "signature", Name: fmt.Sprintf("by a %T", pub)}
	}
}
