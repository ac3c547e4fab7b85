package cms

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// The tag of pieces is that of crypto/cipher over the whole, for every length
// around a block and a piece, however the bytes come.
func TestTagOfPiecesIsThatOfTheWhole(t *testing.T) {
	for _, keySize := range []int{16, 24, 32} {
		block, err := aes.NewCipher(payload(keySize))
		if err != nil {
			t.Fatal(err)
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			t.Fatal(err)
		}
		nonce := payload(nonceSize)
		for _, n := range []int{0, 1, 15, 16, 17, 255, hashPiece - 1, hashPiece, hashPiece + 1, 2*hashPiece - 16, 2 * hashPiece, 3*hashPiece + 7, 5 * hashPiece} {
			for _, aad := range []int{0, 1, 16, 40, hashPiece + 3} {
				for _, step := range []int{7919, 1 << 20} {
					plain, additional := payload(n), payload(aad)
					want := aead.Seal(nil, nonce, plain, additional)
					hash, err := newGHASH(block, nonce)
					if err != nil {
						t.Fatal(err)
					}
					stream := gcmStream(block, nonce)
					got := make([]byte, n)
					stream.XORKeyStream(got, plain)
					for rest := got; len(rest) > 0; rest = rest[min(step, len(rest)):] {
						hash.write(rest[:min(step, len(rest))])
					}
					tag := hash.tag(additional)
					if !bytes.Equal(slices.Concat(got, tag[:]), want) {
						t.Fatalf("AES-%d, %d bytes by %d, %d additional: another tag", 8*keySize, n, step, aad)
					}
				}
			}
		}
	}
}

// sealed writes an AuthEnvelopedData with what our writer never writes:
// authenticated attributes and a short tag; or an EnvelopedData whose tag lies behind its content.
func sealed(t testing.TB, p party, kind Type, plain, attrs []byte, tagLen int) []byte {
	t.Helper()
	key, nonce := payload(16), payload(nonceSize)
	info, err := Recipient{Certificate: p.cert}.info(key)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	var aad, tagged []byte
	if attrs != nil {
		aad, tagged = der(tagSet, attrs), der(context1, attrs)
	}
	out := aead.Seal(nil, nonce, plain, aad)
	mac := out[len(plain):][:tagLen]
	params := der(tagSequence, der(tagOctets, nonce), derInt(int64(tagLen)))
	if tagLen == 12 {
		params = der(tagSequence, der(tagOctets, nonce)) // the default (RFC 5084 3.2)
	}
	if kind == EnvelopedData {
		return der(tagSequence, derOID(oidEnveloped), der(context0, der(tagSequence, derInt(0), der(tagSet, info),
			der(tagSequence, derOID(oidData), algorithm(AES128GCM.id(), params), der(primitive0, out[:len(plain)+tagLen])))))
	}
	return der(tagSequence, derOID(oidAuthEnveloped), der(context0, der(tagSequence, derInt(0), der(tagSet, info),
		der(tagSequence, derOID(oidData), algorithm(AES128GCM.id(), params), der(primitive0, out[:len(plain)])),
		tagged, der(tagOctets, mac))))
}

func TestAuthenticatedAttributesAndShortTags(t *testing.T) {
	attrs := attribute(oidContentType, derOID(oidData))
	for _, tagLen := range []int{12, 13, 14, 15, 16} {
		for _, with := range [][]byte{nil, attrs} {
			plain := payload(3*hashPiece + 5)
			raw := sealed(t, alice(), AuthEnvelopedData, plain, with, tagLen)
			got, err := decrypt(raw, Decryption{Keys: []Key{alice().decrypter()}})
			if err != nil || !bytes.Equal(got, plain) {
				t.Errorf("tag of %d bytes, attributes %v: %v", tagLen, with != nil, err)
			}
			if with == nil {
				continue
			}
			changed := bytes.Replace(raw, attrs, attribute(oidContentType, derOID(oidMGF1)), 1)
			if len(changed) == len(raw) {
				if _, err := decrypt(changed, Decryption{Keys: []Key{alice().decrypter()}}); !errors.Is(err, ErrDecrypt) {
					t.Errorf("a changed attribute: %v", err)
				}
			}
		}
	}
	for _, tagLen := range []int{4, 8, 11} {
		if _, err := decrypt(sealed(t, alice(), AuthEnvelopedData, nil, nil, tagLen), Decryption{Keys: []Key{alice().decrypter()}}); err == nil {
			t.Errorf("a tag of %d bytes was taken", tagLen)
		}
	}
}

func TestTagBehindTheContentOfEnvelopedData(t *testing.T) {
	keys := Decryption{Keys: []Key{alice().decrypter()}}
	for _, n := range []int{0, 1, 15, bufSize - 16, bufSize, 3*hashPiece + 5} {
		for _, tagLen := range []int{12, 16} {
			plain := payload(n)
			raw := sealed(t, alice(), EnvelopedData, plain, nil, tagLen)
			if got, err := decrypt(raw, keys); err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%d bytes, a tag of %d: %v", n, tagLen, err)
			}
			for _, at := range []int{len(raw) - 1, len(raw) - tagLen, len(raw) - tagLen - min(1, n)} {
				changed := bytes.Clone(raw)
				changed[at] ^= 1
				if got, err := decrypt(changed, keys); !errors.Is(err, ErrDecrypt) || len(got) > 0 {
					t.Errorf("%d bytes, a tag of %d, changed at %d from the end: %d bytes and %v", n, tagLen, len(raw)-at, len(got), err)
				}
			}
		}
	}
}

// No byte of plaintext comes out, or into the spool, before the tag was found
// right: also where only the last byte was changed.
func TestNothingIsReleasedBeforeTheTag(t *testing.T) {
	plain := payload(300_000)
	raw := encrypted(t, plain, Encryption{Cipher: AES256GCM, Recipients: []Recipient{{Certificate: alice().cert}}})
	name := filepath.Join(t.TempDir(), "spool")
	for _, at := range []int{len(raw) / 2, len(raw) - len(eoc)*3 - 1, 0} { // content, tag, nothing
		changed := bytes.Clone(raw)
		if at > 0 {
			changed[at] ^= 1
		}
		m, err := Open(bytes.NewReader(changed), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		file, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := m.Decrypt(Decryption{Keys: []Key{alice().decrypter()}, Spool: func() (io.ReadWriteSeeker, error) { return file, nil }})
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if at > 0 && (!errors.Is(err, ErrDecrypt) || len(got) > 0) {
			t.Errorf("changed at %d: %d bytes and %v", at, len(got), err)
		}
		if at == 0 && (err != nil || !bytes.Equal(got, plain)) {
			t.Errorf("unchanged: %d bytes and %v", len(got), err)
		}
		file.Close()
		spooled, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(spooled) != len(plain) || bytes.Contains(spooled, plain[100:132]) {
			t.Errorf("the spool holds %d bytes, plaintext among them: %v", len(spooled), bytes.Contains(spooled, plain[100:132]))
		}
	}
}

func TestSpoolFailures(t *testing.T) {
	raw := encrypted(t, payload(100_000), Encryption{Cipher: AES128GCM, Recipients: []Recipient{{Certificate: alice().cert}}})
	full := errors.New("disk full")
	m, err := Open(bytes.NewReader(raw), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := m.Decrypt(Decryption{Keys: []Key{alice().decrypter()}, Spool: func() (io.ReadWriteSeeker, error) { return nil, full }})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // it sticks
		if _, err := r.Read(make([]byte, 1)); !errors.Is(err, full) {
			t.Errorf("got %v", err)
		}
	}
	m, err = Open(bytes.NewReader(raw), Limits{Spooled: 99_999})
	if err != nil {
		t.Fatal(err)
	}
	r, err = m.Decrypt(Decryption{Keys: []Key{alice().decrypter()}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.ReadAll(r)
	if want := (&LimitError{Limit: "Spooled", Max: 99_999}); err == nil || err.Error() != want.Error() {
		t.Errorf("got %v, want %v", err, want)
	}
}

func BenchmarkGCM(b *testing.B) {
	block, err := aes.NewCipher(payload(16))
	if err != nil {
		b.Fatal(err)
	}
	hash, err := newGHASH(block, payload(nonceSize))
	if err != nil {
		b.Fatal(err)
	}
	data := payload(1 << 20)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		hash.write(data)
	}
}
