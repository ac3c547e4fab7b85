package cms

import (
	"crypto/x509"
	"io"
)

// CertificatesOnly is a SignedData without content and signers that carries
// certificates (RFC 8551 3.8), in DER. It proves nothing.
func CertificatesOnly(certs ...*x509.Certificate) []byte {
	raw := make([][]byte, 0, len(certs))
	for _, c := range certs {
		raw = append(raw, c.Raw)
	}
	return der(tagSequence, derOID(oidSigned), der(context0,
		der(tagSequence, derInt(1), der(tagSet), der(tagSequence, derOID(oidData)), der(context0, raw...), der(tagSet))))
}

// ReadCertificates reads the certificates of such a structure, in the order
// they come; those that do not parse are left out. Errors are those of [Open].
func ReadCertificates(r io.Reader, lim Limits) ([]*x509.Certificate, error) {
	m, err := Open(r, lim)
	if err != nil {
		return nil, err
	}
	if m.Type != SignedData {
		return nil, &UnsupportedError{What: "certificates in", Name: m.Type.String()}
	}
	s, err := m.Signed()
	if err != nil {
		return nil, err
	}
	if _, err := s.Signers(); err != nil {
		return nil, err
	}
	return s.Certificates(), nil
}
