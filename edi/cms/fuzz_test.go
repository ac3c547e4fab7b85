package cms

import (
	"bytes"
	"crypto"
	"encoding/asn1"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func seeds(f *testing.F) [][]byte {
	f.Helper()
	var out [][]byte
	add := func(write func(w io.Writer) (io.WriteCloser, error)) {
		var buf bytes.Buffer
		w, err := write(&buf)
		if err != nil {
			f.Fatal(err)
		}
		_, _ = io.WriteString(w, "ISA*00*")
		if err := w.Close(); err != nil {
			f.Fatal(err)
		}
		out = append(out, buf.Bytes())
	}
	add(Compress)
	for _, pss := range []bool{false, true} {
		add(func(w io.Writer) (io.WriteCloser, error) {
			return Sign(w, Signing{Certificate: alice().cert, Key: alice().key, Digest: crypto.SHA256, PSS: pss, Protect: true, Time: alice().cert.NotBefore})
		})
	}
	for _, c := range []Cipher{AES128CBC, AES256GCM, TripleDESCBC} {
		for _, oaep := range []crypto.Hash{0, crypto.SHA256} {
			add(func(w io.Writer) (io.WriteCloser, error) {
				return Encrypt(w, Encryption{Cipher: c, Recipients: []Recipient{{Certificate: alice().cert, OAEP: oaep, ByKeyID: oaep != 0}}})
			})
		}
	}
	return append(out, sealed(f, alice(), EnvelopedData, []byte("ISA*00*"), nil, 16))
}

// FuzzRead reads any bytes: no panic, no more than the limits, errors of the
// kinds that are promised, the same ones however the bytes come.
func FuzzRead(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	lim := Limits{Depth: 12, HeadBytes: 1 << 14, Spooled: 1 << 16, Decompressed: 1 << 20}
	f.Fuzz(func(t *testing.T, raw []byte) {
		whole, err := readAny(bytes.NewReader(raw), lim, alice().decrypter())
		if err != nil && !promised(err) {
			t.Fatalf("an error of no kind: %v", err)
		}
		bytewise, err2 := readAny(iotest.OneByteReader(bytes.NewReader(raw)), lim, alice().decrypter())
		if (err == nil) == (err2 == nil) && (err != nil || bytes.Equal(whole, bytewise)) {
			return
		}
		// A key that does not fit gives other garbage each time.
		if m, err := Open(bytes.NewReader(raw), lim); err == nil && m.Type == EnvelopedData {
			return
		}
		t.Fatalf("whole: %d bytes, %v; bytewise: %d bytes, %v", len(whole), err, len(bytewise), err2)
	})
}

func promised(err error) bool {
	var syntax *SyntaxError
	var unsupported *UnsupportedError
	var limit *LimitError
	var verify *VerifyError
	return errors.Is(err, ErrDecrypt) || errors.As(err, &syntax) || errors.As(err, &unsupported) || errors.As(err, &limit) || errors.As(err, &verify)
}

// FuzzElement makes DER of any BER: what comes out is read by encoding/asn1 and
// comes out unchanged a second time.
func FuzzElement(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Add([]byte{0x24, 0x80, 4, 1, 'a', 0x24, 3, 4, 1, 'b', 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		first, err := elementOf(raw)
		if err != nil {
			if !promised(err) {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		var value asn1.RawValue
		if rest, err := asn1.Unmarshal(first, &value); err != nil || len(rest) > 0 {
			t.Fatalf("% x became % x: %v, %d bytes left", raw, first, err, len(rest))
		}
		second, err := elementOf(first)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("% x became % x, then % x, %v", raw, first, second, err)
		}
	})
}

func elementOf(raw []byte) ([]byte, error) {
	b := newBER(bytes.NewReader(raw), Limits{Depth: 20, HeadBytes: 1 << 16}.withDefaults())
	h, ok, err := b.next()
	if err != nil || !ok {
		return nil, errors.Join(err, &SyntaxError{Message: "nothing"})
	}
	return b.element(h)
}
