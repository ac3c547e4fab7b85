package cms

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"slices"
	"time"
)

// A VerifyError says why a signature does not hold.
type VerifyError struct {
	Reason VerifyReason
	Detail string
}

func (e *VerifyError) Error() string { return "cms: " + e.Detail }

// A VerifyReason tells what failed apart: another's signature, or other bytes.
type VerifyReason int

const (
	// WrongSigner: none of the signers is one of the certificates asked for.
	WrongSigner VerifyReason = iota + 1
	// WrongDigest: the signature holds, but for other content.
	WrongDigest
	// WrongSignature: the signature itself does not hold, or is malformed.
	WrongSignature
)

// A Signer is one signature of a SignedData.
type Signer struct {
	Name   Name
	Digest crypto.Hash // zero if it is not known
	Time   time.Time   // what the signer says; zero if nothing

	digest, algorithm pkix.AlgorithmIdentifier
	signature         []byte
	kind              asn1.ObjectIdentifier // of the content
	content           []byte                // digest of opaque content
	unsupported       error                 // of the digest

	attrs      []byte // signed attributes as a DER SET OF; nil if none
	hasContent asn1.ObjectIdentifier
	hasDigest  []byte
	protection []byte // RFC 6211
	bad        string // what is wrong with the attributes
}

// Content is the digest of opaque content under Digest; nil of detached content
// and of a digest that the structure does not announce.
func (s *Signer) Content() []byte { return s.content }

// attributes reads the signed attributes. What is against RFC 5652 11 fails the
// signature, not the whole structure.
func (s *Signer) attributes(b *ber, raw asn1.RawValue) error {
	s.attrs = der(tagSet, raw.Bytes)
	for rest := raw.Bytes; len(rest) > 0; {
		var a struct {
			Type   asn1.ObjectIdentifier
			Values []asn1.RawValue `asn1:"set"`
		}
		var err error
		if rest, err = asn1.Unmarshal(rest, &a); err != nil {
			return b.syntax(b.pos, "signed attributes: %v", err)
		}
		var twice bool
		switch {
		case a.Type.Equal(oidContentType):
			twice = s.hasContent != nil
			err = single(a.Values, &s.hasContent)
		case a.Type.Equal(oidMessageDigest):
			twice = s.hasDigest != nil
			err = single(a.Values, &s.hasDigest)
		case a.Type.Equal(oidProtection):
			twice = s.protection != nil
			if err = single(a.Values, nil); err == nil {
				s.protection = a.Values[0].FullBytes
			}
		case a.Type.Equal(oidSigningTime):
			// A time that cannot be read is no reason to refuse the signature.
			if len(a.Values) == 1 {
				_, _ = asn1.Unmarshal(a.Values[0].FullBytes, &s.Time)
			}
		}
		if err != nil || twice {
			s.bad = fmt.Sprintf("the signed attribute %s is malformed or there twice", a.Type)
		}
	}
	return nil
}

func single(values []asn1.RawValue, into any) error {
	if len(values) != 1 {
		return fmt.Errorf("%d values", len(values))
	}
	if into == nil {
		return nil
	}
	rest, err := asn1.Unmarshal(values[0].FullBytes, into)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes more", len(rest))
	}
	return err
}

// Verify checks the signature with the one of certs that it names, and returns
// that certificate. content is the digest of detached content under s.Digest;
// of opaque content it is nil. The error is a *VerifyError or
// *UnsupportedError. Validity, key usage and trust of certs are the caller's.
func (s *Signer) Verify(certs []*x509.Certificate, content []byte) (*x509.Certificate, error) {
	if s.unsupported != nil {
		return nil, s.unsupported
	}
	if content == nil {
		content = s.content
	}
	if content == nil {
		return nil, &VerifyError{WrongDigest, fmt.Sprintf("no digest of the content under %v", s.Digest)}
	}
	if s.bad != "" {
		return nil, &VerifyError{WrongSignature, s.bad}
	}
	named := false
	var failed error
	for _, cert := range certs {
		if !s.Name.Is(cert) {
			continue
		}
		named = true
		if failed = s.verifyKey(cert.PublicKey, content); failed == nil {
			return cert, nil
		}
	}
	if !named {
		return nil, &VerifyError{WrongSigner, fmt.Sprintf("signed by %s, which is none of the %d certificates asked for", s.Name, len(certs))}
	}
	return nil, failed
}

func (s *Signer) verifyKey(pub crypto.PublicKey, content []byte) error {
	signed := content
	if s.attrs != nil {
		signed = sum(s.Digest, s.attrs)
	} else if !s.kind.Equal(oidData) {
		return &VerifyError{WrongSignature, "signed attributes are missing for content that is not plain data"}
	}
	err := s.check(pub, signed)
	if err != nil && s.attrs != nil {
		// The signature is over the DER of the set, whose members are sorted;
		// some write them in another order than the one they signed.
		if sorted := sortSet(s.attrs); !bytes.Equal(sorted, s.attrs) {
			err = s.check(pub, sum(s.Digest, sorted))
		}
	}
	if err != nil || s.attrs == nil {
		return err
	}
	if !s.hasContent.Equal(s.kind) {
		return &VerifyError{WrongSignature, "the signed content type is not that of the content"}
	}
	if err := s.protected(); err != nil {
		return err
	}
	if !bytes.Equal(s.hasDigest, content) {
		return &VerifyError{WrongDigest, "the content is not what was signed: its digest differs"}
	}
	return nil
}

func sum(h crypto.Hash, data []byte) []byte {
	d := h.New()
	d.Write(data)
	return d.Sum(nil)
}

func sortSet(set []byte) []byte {
	var members [][]byte
	for rest := derContent(set); len(rest) > 0; {
		var raw asn1.RawValue
		next, err := asn1.Unmarshal(rest, &raw)
		if err != nil {
			return set
		}
		members = append(members, raw.FullBytes)
		rest = next
	}
	slices.SortFunc(members, bytes.Compare)
	return der(set[0], members...)
}

// check verifies the signature over a digest with the algorithm that the signer
// names. The digest of the signature must be that of the content (RFC 8933).
func (s *Signer) check(pub crypto.PublicKey, digest []byte) error {
	wrong := &VerifyError{WrongSignature, "the signature does not fit the certificate's key"}
	id := s.algorithm.Algorithm
	isRSA, isEC := id.Equal(oidRSA), id.Equal(oidEC)
	for _, d := range digests {
		isRSA = isRSA || d.hash == s.Digest && id.Equal(d.rsa)
		isEC = isEC || d.hash == s.Digest && id.Equal(d.ecdsa)
	}
	switch key := pub.(type) {
	case *rsa.PublicKey:
		if id.Equal(oidPSS) {
			opts, err := pssOptions(s.algorithm, s.Digest)
			if err != nil {
				return err
			}
			if rsa.VerifyPSS(key, s.Digest, digest, s.signature, opts) != nil {
				return wrong
			}
			return nil
		}
		if isRSA {
			if rsa.VerifyPKCS1v15(key, s.Digest, digest, s.signature) != nil {
				return wrong
			}
			return nil
		}
	case *ecdsa.PublicKey:
		if isEC {
			if !ecdsa.VerifyASN1(key, digest, s.signature) {
				return wrong
			}
			return nil
		}
	}
	return &UnsupportedError{What: "signature", Name: fmt.Sprintf("%s with %v by a %T", id, s.Digest, pub)}
}

type pssParams struct {
	Hash    pkix.AlgorithmIdentifier `asn1:"optional,explicit,tag:0"`
	MGF     pkix.AlgorithmIdentifier `asn1:"optional,explicit,tag:1"`
	Salt    int                      `asn1:"optional,explicit,tag:2,default:20"`
	Trailer int                      `asn1:"optional,explicit,tag:3,default:1"`
}

// pssOptions reads RSASSA-PSS-params (RFC 4055 3.1). They must be there: a
// signature without them does not say what it is.
func pssOptions(alg pkix.AlgorithmIdentifier, want crypto.Hash) (*rsa.PSSOptions, error) {
	if noParams(alg) {
		return nil, &VerifyError{WrongSignature, "the RSASSA-PSS signature has no parameters"}
	}
	var p pssParams
	if rest, err := asn1.Unmarshal(alg.Parameters.FullBytes, &p); err != nil || len(rest) > 0 || p.Salt < 0 {
		return nil, &VerifyError{WrongSignature, "the RSASSA-PSS parameters are malformed"}
	}
	h, mgf, err := hashAndMask(p.Hash, p.MGF)
	if err != nil {
		return nil, err
	}
	if h != want || mgf != want || p.Trailer != 1 {
		return nil, &UnsupportedError{What: "RSASSA-PSS", Name: fmt.Sprintf("%v with MGF1 %v for %v, trailer %d", h, mgf, want, p.Trailer)}
	}
	return &rsa.PSSOptions{SaltLength: saltLength(p.Salt), Hash: h}, nil
}

// saltLength keeps a salt of no bytes from meaning rsa.PSSSaltLengthAuto.
func saltLength(n int) int {
	if n == 0 {
		return rsa.PSSSaltLengthAuto
	}
	return n
}

// hashAndMask reads the hash and the MGF1 hash of PSS or OAEP: SHA-1 where absent.
func hashAndMask(h, mgf pkix.AlgorithmIdentifier) (hash, mask crypto.Hash, err error) {
	hash, mask = crypto.SHA1, crypto.SHA1
	if len(h.Algorithm) > 0 {
		if hash, err = digestOf(h); err != nil {
			return 0, 0, err
		}
	}
	if len(mgf.Algorithm) > 0 {
		var inner pkix.AlgorithmIdentifier
		if !mgf.Algorithm.Equal(oidMGF1) {
			return 0, 0, &UnsupportedError{What: "mask generation", Name: mgf.Algorithm.String()}
		}
		if rest, err := asn1.Unmarshal(mgf.Parameters.FullBytes, &inner); err != nil || len(rest) > 0 {
			return 0, 0, &UnsupportedError{What: "mask generation", Name: "MGF1 with malformed parameters"}
		}
		if mask, err = digestOf(inner); err != nil {
			return 0, 0, err
		}
	}
	return hash, mask, nil
}

// protected checks the algorithm protection attribute, where there is one: the
// algorithms outside the signature must be those that it names (RFC 6211 3).
func (s *Signer) protected() error {
	if s.protection == nil {
		return nil
	}
	var p struct {
		Digest    pkix.AlgorithmIdentifier
		Signature pkix.AlgorithmIdentifier `asn1:"optional,tag:1"`
		MAC       pkix.AlgorithmIdentifier `asn1:"optional,tag:2"`
	}
	rest, err := asn1.Unmarshal(s.protection, &p)
	if err != nil || len(rest) > 0 || !p.Digest.Algorithm.Equal(s.digest.Algorithm) || !p.Signature.Algorithm.Equal(s.algorithm.Algorithm) {
		return &VerifyError{WrongSignature, "the algorithms are not those that the signer protected"}
	}
	return nil
}
