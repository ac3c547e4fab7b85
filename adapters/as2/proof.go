package as2

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/edi/as2"
	"github.com/paklog/hub/edi/cms"
)

// Keys are those of our certificates that decrypt.
func Keys(own []Certificate) []cms.Key { return certificates(own).keys() }

// ContentMICs makes the MICs of a document anew, as the message that took it had them: they are of the
// content with its headers, whoever signs it and whoever it is encrypted for.
func ContentMICs(m door.Sent, document []byte) ([]string, error) {
	compress, err := ParseCompress(m.Compress)
	if err != nil {
		return nil, err
	}
	again := as2.Message{
		From: m.From, To: m.To, MessageID: m.MessageID, Compress: compress, Base64: m.Base64, Receipt: as2.Receipt{Wanted: m.Wanted, Signed: m.Signed},
	}
	for _, text := range m.MICs {
		mic, err := as2.ParseMIC(text)
		if err != nil {
			return nil, err
		}
		again.Receipt.Digests = append(again.Receipt.Digests, mic.Digest)
	}
	if len(again.Receipt.Digests) == 0 {
		return nil, errors.New("it has no MIC")
	}
	if len(m.Own) > 0 {
		if again.Sign, err = passing(); err != nil {
			return nil, err
		}
		again.Sign.Digest = again.Receipt.Digests[0].Hash
	}
	if len(m.Theirs) > 0 {
		c, err := x509.ParseCertificate(m.Theirs)
		if err != nil {
			return nil, err
		}
		again.Encrypt = &cms.Encryption{Cipher: cms.AES128CBC, Recipients: []cms.Recipient{{Certificate: c}}}
	}
	w, err := again.Prepare(as2.File{ContentType: m.Media, Name: m.File, Content: bytes.NewReader(document)})
	if err != nil {
		return nil, err
	}
	sent, err := w.Body(io.Discard)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, mic := range sent.MICs {
		out = append(out, mic.String())
	}
	return out, nil
}

// passing signs what nobody is to believe.
func passing() (*cms.Signing, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(1<<31, 0)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making a passing certificate: %w", err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	return &cms.Signing{Certificate: c, Key: key}, nil
}
