package cms

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What BouncyCastle 1.85 wrote for alice (testdata/bouncycastle-1.85): the forms
// that openssl does not write here. They are compression, authenticated
// attributes with AES-GCM, and OAEP under SHA-256 with MGF1 under SHA-1 and a
// label. All are in indefinite lengths and pieces.
func TestRecordedStructuresOfBouncyCastle(t *testing.T) {
	dir := filepath.Join("testdata", "bouncycastle-1.85")
	names, err := filepath.Glob(filepath.Join(dir, "*-*"))
	if err != nil || len(names) != 24 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	want, err := os.ReadFile(filepath.Join(dir, "payload"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(names, filepath.Join(dir, "compressed")) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got, err := readRecorded(raw)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
			if strings.HasPrefix(filepath.Base(name), "cbc") {
				return // CBC alone does not tell changed content
			}
			step := 1
			if strings.HasPrefix(filepath.Base(name), "gcm") {
				step = 7 // each costs an RSA decryption
			}
			for at := 0; at < len(raw); at += step {
				changed := bytes.Clone(raw)
				changed[at] ^= 1 << (at % 8)
				if got, err := readRecorded(changed); err == nil && !bytes.Equal(got, want) {
					t.Errorf("with byte %d changed it is read as %q", at, got)
				}
			}
		})
	}
}

// readRecorded reads what is alice's, and verifies what is signed.
func readRecorded(raw []byte) ([]byte, error) {
	m, err := Open(bytes.NewReader(raw), Limits{})
	if err != nil {
		return nil, err
	}
	if m.Type == SignedData {
		got, _, err := readSigned(raw, nil, alice().cert)
		return got, err
	}
	return readAny(bytes.NewReader(raw), Limits{}, alice().decrypter())
}
