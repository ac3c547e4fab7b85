package cms

import (
	"bytes"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"math/big"
)

// A Name is how a signer or recipient names a certificate: by issuer and
// serial number, or by key identifier.
type Name struct {
	Issuer []byte // the DER of the issuer's name; nil with a key identifier
	Serial *big.Int
	KeyID  []byte
}

// String is for a person: "CN=bob, serial 4711" or "key 0a1b...".
func (n Name) String() string {
	if n.Serial == nil {
		return "key " + hex.EncodeToString(n.KeyID)
	}
	return fmt.Sprintf("%s, serial %s", distinguished(n.Issuer), n.Serial)
}

func distinguished(der []byte) string {
	var rdn pkix.RDNSequence
	if _, err := asn1.Unmarshal(der, &rdn); err != nil {
		return hex.EncodeToString(der)
	}
	return rdn.String()
}

// Is reports whether the name means cert. Issuers are equal too where only
// their string types differ, as some stations write them anew.
func (n Name) Is(cert *x509.Certificate) bool {
	if n.Serial == nil {
		return len(n.KeyID) > 0 && bytes.Equal(n.KeyID, keyID(cert))
	}
	return n.Serial.Cmp(cert.SerialNumber) == 0 &&
		(bytes.Equal(n.Issuer, cert.RawIssuer) || distinguished(n.Issuer) == cert.Issuer.ToRDNSequence().String())
}

// keyID is the subject key identifier, made as RFC 5280 4.2.1.2 (1) where the
// certificate has none.
func keyID(cert *x509.Certificate) []byte {
	if len(cert.SubjectKeyId) > 0 {
		return cert.SubjectKeyId
	}
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(cert.RawSubjectPublicKeyInfo, &info); err != nil {
		return nil
	}
	sum := sha1.Sum(info.Key.RightAlign())
	return sum[:]
}

// nameOf reads a SignerIdentifier or RecipientIdentifier.
func (b *ber) nameOf(raw asn1.RawValue, what string) (Name, error) {
	if raw.Class == asn1.ClassContextSpecific && raw.Tag == 0 && !raw.IsCompound {
		return Name{KeyID: raw.Bytes}, nil
	}
	var id struct {
		Issuer asn1.RawValue
		Serial *big.Int
	}
	if err := b.unmarshal(raw.FullBytes, &id, what); err != nil {
		return Name{}, err
	}
	return Name{Issuer: id.Issuer.FullBytes, Serial: id.Serial}, nil
}

// name writes an identifier of cert.
func name(cert *x509.Certificate, byKey bool) []byte {
	if byKey {
		return der(primitive0, keyID(cert))
	}
	return der(tagSequence, cert.RawIssuer, derBig(cert.SerialNumber))
}
