package as2

import (
	"bytes"
	"crypto"
	"io"
	"testing"

	"github.com/paklog/hub/edi/cms"
)

// BenchmarkRead is a signed and encrypted message without its receipt: one RSA
// decryption, one verification, and what the bytes cost.
func BenchmarkRead(b *testing.B) {
	for _, c := range []struct {
		name string
		size int
	}{{"1KB", 1 << 10}, {"100KB", 100 << 10}, {"10MB", 10 << 20}} {
		for _, cipher := range []cms.Cipher{cms.AES256CBC, cms.AES256GCM} {
			b.Run(c.name+"/"+cipher.String(), func(b *testing.B) {
				m := message()
				m.Sign = us().signing(crypto.SHA256)
				m.Encrypt = &cms.Encryption{Cipher: cipher, Recipients: []cms.Recipient{{Certificate: them().cert}}}
				w := send(b, m, edi(noise(c.size)))
				read := theirs(Receipt{}, nil)
				read.Open = func(Document) (io.Writer, error) { return io.Discard, nil }
				b.SetBytes(int64(c.size))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := Read(w.header, bytes.NewReader(w.body), read); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
	b.Run("floor/decrypt", func(b *testing.B) {
		key := make([]byte, 256)
		key[255] = 1
		for b.Loop() {
			_, _ = them().key.Decrypt(nil, key, nil)
		}
	})
}
