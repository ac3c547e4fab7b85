package as2

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"io"
	"net/textproto"
	"strings"

	"github.com/paklog/hub/edi/cms"
)

// decoy reads what decrypts to garbage as if it were signed content, with a
// signature of the partner that does not hold. So it takes as long as a message
// whose padding is wrong at its end, and nobody learns from the time whether a
// key that he made up decrypts. The error is one of the source.
func (o *opener) decoy(garbage io.Reader) error {
	if len(o.cfg.Certificates) == 0 {
		return nil
	}
	cert := o.cfg.Certificates[0]
	digest := make([]byte, crypto.SHA256.Size())
	signature, err := cms.SignDigest(digest, cms.Signing{Certificate: cert, Key: forger{cert.PublicKey}, Digest: crypto.SHA256})
	if err != nil {
		signature = nil // of a kind of key that cannot sign: its messages are never verified either
	}
	e := entity{
		header: textproto.MIMEHeader{"Content-Type": {"multipart/signed; micalg=sha-256; boundary=decoy"}},
		body: io.MultiReader(strings.NewReader("--decoy\r\nContent-Transfer-Encoding: binary\r\n\r\n"), garbage,
			strings.NewReader("\r\n--decoy\r\n"+signatureHeader), bytes.NewReader(signature), strings.NewReader("\r\n--decoy--\r\n")),
	}
	scratch := &opener{cfg: Reading{Certificates: o.cfg.Certificates, Limits: o.cfg.Limits, Documents: 1}, out: &Received{}, size: o.size}
	if err := scratch.open(e); !isProblem(err) {
		return err
	}
	return nil
}

// A forger signs without the key: with random bytes.
type forger struct{ public crypto.PublicKey }

func (f forger) Public() crypto.PublicKey { return f.public }

func (f forger) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	signature := make([]byte, 256)
	if sized, ok := f.public.(interface{ Size() int }); ok {
		signature = make([]byte, sized.Size())
	}
	rand.Read(signature[1:]) // a number below the modulus
	return signature, nil
}
