package cms

import (
	"crypto"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
)

// A Recipient is one who shall be able to decrypt.
type Recipient struct {
	Certificate *x509.Certificate // with an RSA key
	OAEP        crypto.Hash       // RSAES-OAEP under this hash; zero is PKCS #1 v1.5
	ByKeyID     bool              // named by subject key identifier, not by issuer and serial
}

// Encryption is how content is encrypted.
type Encryption struct {
	Cipher     Cipher
	Recipients []Recipient
}

// Encrypt writes an EnvelopedData, or an AuthEnvelopedData if the cipher is
// GCM, around what is written to the returned writer. Close ends the structure,
// not w. Content keys and nonces are random.
func Encrypt(w io.Writer, e Encryption) (io.WriteCloser, error) {
	size := e.Cipher.keySize()
	if size == 0 {
		return nil, &UnsupportedError{What: "content cipher", Name: e.Cipher.String()}
	}
	if len(e.Recipients) == 0 {
		return nil, errors.New("cms: encrypting for nobody")
	}
	key := make([]byte, size)
	rand.Read(key)
	infos := make([][]byte, 0, len(e.Recipients))
	version := int64(0)
	for _, r := range e.Recipients {
		info, err := r.info(key)
		if err != nil {
			return nil, fmt.Errorf("encrypting for %s: %w", r.Certificate.Subject, err)
		}
		if r.ByKeyID && !e.Cipher.Authenticated() {
			version = 2 // RFC 5652 6.1
		}
		infos = append(infos, info)
	}
	block, err := e.Cipher.block(key)
	if err != nil {
		return nil, err
	}
	id := oidEnveloped
	iv := make([]byte, block.BlockSize())
	if e.Cipher.Authenticated() {
		id = oidAuthEnveloped
		iv = iv[:nonceSize]
	}
	rand.Read(iv)
	params := der(tagOctets, iv)
	if e.Cipher.Authenticated() {
		params = der(tagSequence, params, derInt(tagSize))
	}
	head := begin(id, derInt(version), der(tagSet, infos...), []byte{tagSequence, 0x80}, derOID(oidData),
		algorithm(e.Cipher.id(), params), []byte{context0, 0x80})
	if _, err := w.Write(head); err != nil {
		return nil, err
	}
	out := newPieces(w)
	if e.Cipher.Authenticated() {
		hash, err := newGHASH(block, iv)
		if err != nil {
			return nil, err
		}
		return &encrypter{gcm: &gcmWriter{w: out, stream: gcmStream(block, iv), hash: hash}, out: out}, nil
	}
	return &encrypter{cbc: &cbcWriter{w: out, mode: cipher.NewCBCEncrypter(block, iv)}, out: out}, nil
}

// begin is the head of a ContentInfo whose elements have indefinite lengths.
func begin(id asn1.ObjectIdentifier, parts ...[]byte) []byte {
	head := append([]byte{tagSequence, 0x80}, derOID(id)...)
	head = append(head, context0, 0x80, tagSequence, 0x80)
	for _, p := range parts {
		head = append(head, p...)
	}
	return head
}

type encrypter struct {
	cbc    *cbcWriter // one of both
	gcm    *gcmWriter
	out    *pieces
	closed bool
}

func (e *encrypter) Write(p []byte) (int, error) {
	if e.gcm != nil {
		return e.gcm.Write(p)
	}
	return e.cbc.Write(p)
}

func (e *encrypter) Close() error {
	if e.closed {
		return nil
	}
	e.closed = true
	var tag []byte
	if e.gcm != nil {
		sum := e.gcm.hash.tag(nil)
		tag = der(tagOctets, sum[:])
	} else if err := e.cbc.pad(); err != nil {
		return err
	}
	// The content, EncryptedContentInfo, then the tag, then the three around.
	return e.out.finish(eoc, eoc, tag, eoc, eoc, eoc)
}

// info is the KeyTransRecipientInfo of r.
func (r Recipient) info(key []byte) ([]byte, error) {
	pub, ok := r.Certificate.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, &UnsupportedError{What: "key transport", Name: fmt.Sprintf("by a %T", r.Certificate.PublicKey)}
	}
	var alg, sealed []byte
	var err error
	if r.OAEP == 0 {
		alg = algorithm(oidRSA, derNull)
		sealed, err = rsa.EncryptPKCS1v15(rand.Reader, pub, key) //nolint:staticcheck // what AS2 partners read; the receiver is no oracle
	} else {
		var hash []byte
		if hash, err = digestAlgorithm(r.OAEP); err != nil {
			return nil, err
		}
		alg = algorithm(oidOAEP, der(tagSequence, der(context0, hash), der(context1, algorithm(oidMGF1, hash))))
		sealed, err = rsa.EncryptOAEP(r.OAEP.New(), rand.Reader, pub, key, nil)
	}
	if err != nil {
		return nil, err
	}
	version := int64(0)
	if r.ByKeyID {
		version = 2
	}
	return der(tagSequence, derInt(version), name(r.Certificate, r.ByKeyID), alg, der(tagOctets, sealed)), nil
}
