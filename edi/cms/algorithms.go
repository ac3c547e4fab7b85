package cms

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"    //nolint:gosec // 3DES is what some partners still send
	_ "crypto/sha1" // SHA-1 is accepted from partners who have nothing else
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
)

// Content types and attributes (RFC 5652, 5083, 3274, 6211).
var (
	oidData          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSigned        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidEnveloped     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 3}
	oidAuthEnveloped = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 23}
	oidCompressed    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 9}
	oidZlib          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 3, 8}

	oidContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningTime   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}
	oidProtection    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 52}

	oidRSA   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidOAEP  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 7}
	oidMGF1  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8}
	oidEmpty = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 9} // pSpecified
	oidPSS   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidEC    = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
)

// digests are the hashes that are read; SHA-1 is not written.
var digests = []struct {
	hash  crypto.Hash
	id    asn1.ObjectIdentifier
	rsa   asn1.ObjectIdentifier // with RSA PKCS #1 v1.5
	ecdsa asn1.ObjectIdentifier // with ECDSA
}{
	{crypto.SHA1, asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 5}, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 1}},
	{crypto.SHA224, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 4}, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 14}, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 1}},
	{crypto.SHA256, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}},
	{crypto.SHA384, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 12}, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}},
	{crypto.SHA512, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 13}, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}},
}

// digestOf finds the hash that alg names. A digest algorithm written as its
// signature algorithm (sha256WithRSAEncryption) is taken for what it means.
func digestOf(alg pkix.AlgorithmIdentifier) (crypto.Hash, error) {
	for _, d := range digests {
		if alg.Algorithm.Equal(d.id) || alg.Algorithm.Equal(d.rsa) {
			return d.hash, nil
		}
	}
	return 0, &UnsupportedError{What: "digest", Name: alg.Algorithm.String()}
}

func digestAlgorithm(h crypto.Hash) ([]byte, error) {
	for _, d := range digests {
		if d.hash == h {
			return algorithm(d.id), nil
		}
	}
	return nil, &UnsupportedError{What: "digest", Name: h.String()}
}

// A Cipher is how content is encrypted.
type Cipher int

const (
	// AES128CBC is what every AS2 station of today reads.
	AES128CBC Cipher = iota + 1
	AES192CBC
	AES256CBC
	// AES128GCM and its longer keys make AuthEnvelopedData: content that was
	// changed on its way is refused.
	AES128GCM
	AES192GCM
	AES256GCM
	// TripleDESCBC is for partners who read nothing newer (RFC 8551 calls it historic).
	TripleDESCBC
)

var ciphers = []struct {
	cipher Cipher
	name   string
	id     asn1.ObjectIdentifier
	key    int // bytes
}{
	{AES128CBC, "aes128-cbc", asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 2}, 16},
	{AES192CBC, "aes192-cbc", asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 22}, 24},
	{AES256CBC, "aes256-cbc", asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}, 32},
	{AES128GCM, "aes128-gcm", asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 6}, 16},
	{AES192GCM, "aes192-gcm", asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 26}, 24},
	{AES256GCM, "aes256-gcm", asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 46}, 32},
	{TripleDESCBC, "3des-cbc", asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 7}, 24},
}

// String is the name as it stands in a partner's profile: "aes128-cbc".
func (c Cipher) String() string {
	for _, k := range ciphers {
		if k.cipher == c {
			return k.name
		}
	}
	return fmt.Sprintf("Cipher(%d)", int(c))
}

// ParseCipher is the cipher that String names.
func ParseCipher(name string) (Cipher, error) {
	for _, k := range ciphers {
		if k.name == name {
			return k.cipher, nil
		}
	}
	return 0, &UnsupportedError{What: "content cipher", Name: name}
}

// Authenticated reports whether the cipher refuses changed content by itself.
func (c Cipher) Authenticated() bool { return c == AES128GCM || c == AES192GCM || c == AES256GCM }

func (c Cipher) keySize() int {
	for _, k := range ciphers {
		if k.cipher == c {
			return k.key
		}
	}
	return 0
}

func (c Cipher) id() asn1.ObjectIdentifier {
	for _, k := range ciphers {
		if k.cipher == c {
			return k.id
		}
	}
	return nil
}

// block makes the block cipher of a key that has the right size.
func (c Cipher) block(key []byte) (cipher.Block, error) {
	if c == TripleDESCBC {
		return des.NewTripleDESCipher(key) //nolint:gosec // legacy partners have nothing else
	}
	return aes.NewCipher(key)
}

func (c Cipher) blockSize() int {
	if c == TripleDESCBC {
		return des.BlockSize
	}
	return aes.BlockSize
}

// params is what an AlgorithmIdentifier says besides its cipher.
type params struct {
	cipher Cipher
	iv     []byte // of CBC, or the nonce of GCM
	tag    int    // length of the GCM tag
}

func cipherOf(alg pkix.AlgorithmIdentifier) (params, error) {
	for _, k := range ciphers {
		if !alg.Algorithm.Equal(k.id) {
			continue
		}
		p := params{cipher: k.cipher}
		if !k.cipher.Authenticated() {
			if rest, err := asn1.Unmarshal(alg.Parameters.FullBytes, &p.iv); err != nil || len(rest) > 0 || len(p.iv) != k.cipher.blockSize() {
				return p, &SyntaxError{Message: "the initialization vector is not that of " + k.name}
			}
			return p, nil
		}
		g := struct {
			Nonce []byte
			Tag   int `asn1:"optional,default:12"`
		}{}
		if rest, err := asn1.Unmarshal(alg.Parameters.FullBytes, &g); err != nil || len(rest) > 0 || g.Tag < 12 || g.Tag > 16 {
			return p, &SyntaxError{Message: "the parameters are not those of " + k.name}
		}
		if len(g.Nonce) != nonceSize {
			return p, &UnsupportedError{What: "nonce length", Name: fmt.Sprint(len(g.Nonce))}
		}
		p.iv, p.tag = g.Nonce, g.Tag
		return p, nil
	}
	return params{}, &UnsupportedError{What: "content cipher", Name: alg.Algorithm.String()}
}

// noParams reports parameters that say nothing: absent or NULL.
func noParams(alg pkix.AlgorithmIdentifier) bool {
	return len(alg.Parameters.FullBytes) == 0 || bytes.Equal(alg.Parameters.FullBytes, derNull)
}
