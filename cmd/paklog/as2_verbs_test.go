package main

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/edi/as2"
	"github.com/paklog/hub/edi/cms"
)

// as2Station makes a key with its certificate, and a file of both.
func as2Station(t *testing.T, name string) (cert *x509.Certificate, key *rsa.PrivateKey, file string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name}, NotAfter: time.Date(2046, 1, 1, 0, 0, 0, 0, time.UTC)}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if cert, err = x509.ParseCertificate(raw); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), name+".pem")
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})...)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return cert, key, file
}

// kept writes a message as it may be kept: first line, headers, body.
func kept(first string, h textproto.MIMEHeader, body []byte) string {
	var b strings.Builder
	b.WriteString(first)
	for name, values := range h {
		fmt.Fprintf(&b, "%s: %s\r\n", name, values[0])
	}
	return b.String() + "\r\n" + string(body)
}

func TestKeptMessagesAreInspected(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	ourCert, _, ours := as2Station(t, "ours")
	theirCert, theirKey, theirs := as2Station(t, "theirs")
	payload := []byte("ISA*00*\x1b[2J")
	m := as2.Message{From: "partner", To: "paklog", MessageID: "<1@partner>", Sign: &cms.Signing{Certificate: theirCert, Key: theirKey, Digest: crypto.SHA256},
		Encrypt: &cms.Encryption{Cipher: cms.AES256GCM, Recipients: []cms.Recipient{{Certificate: ourCert}}}}
	w, err := m.Prepare(as2.File{ContentType: "application/EDI-X12", Name: "../940.edi", Content: bytes.NewReader(payload)})
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	sent, err := w.Body(&body)
	if err != nil {
		t.Fatal(err)
	}
	message := s.file("message.http", kept("POST /as2 HTTP/1.1\r\n", w.Header, body.Bytes()))
	sum := sha256.Sum256(payload)
	out := s.must("as2", "inspect", "--key", ours, "--cert", theirs, message)
	for _, want := range []string{"partner", "<1@partner>", "AuthEnvelopedData aes256-gcm", "SignedData SHA-256 by CN=theirs", "940.edi application/EDI-X12, 11 bytes, sha256 " + hex.EncodeToString(sum[:]), sent.MICs[0].String(), "; processed\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if got := decoded[inspected](t, s.must("as2", "inspect", "--json", "--key", ours, "--cert", theirs, message)); got.Documents[0].SHA256 != hex.EncodeToString(sum[:]) || len(got.Layers) != 2 {
		t.Errorf("%+v", got)
	}
	// Headers in a file of their own, the body from standard input.
	heads := s.file("m.headers", kept("", w.Header, nil))
	if out, errs, code := s.pipe(body.String(), "as2", "inspect", "--headers", heads, "--key", ours, "--cert", theirs, "-"); code != 0 {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	for what, c := range map[string]struct{ args, says string }{
		"another's key":         {"--key " + theirs + " --cert " + theirs, "decryption-failed"},
		"no key":                {"--cert " + theirs, "there is no key"},
		"another's certificate": {"--key " + ours + " --cert " + ours, "authentication-failed"},
	} {
		out, errs, code := s.run(append(append([]string{"as2", "inspect"}, strings.Fields(c.args)...), message)...)
		if code != 3 || !strings.Contains(out, c.says) {
			t.Errorf("%s: exit %d\n%s%s", what, code, out, errs)
		}
	}
	s.refused(1, "no certificate", "as2", "inspect", "--cert", message, message)
	s.refused(1, "reading", "as2", "inspect", "--key", message, message)
	s.refused(1, "reading headers", "as2", "inspect", s.file("empty", ""))
	s.refused(2, "accepts 1 arg", "as2", "inspect")
}

func TestKeptReceiptsAreInspected(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	theirCert, theirKey, theirs := as2Station(t, "theirs")
	for word, code := range map[string]int{"": 0, as2.DecryptionFailed: 3} {
		d := as2.Processed
		if word != "" {
			d = as2.DispositionOf(&as2.Problem{Word: word})
		}
		h, body, err := as2.Answer{To: &as2.Request{From: "paklog", To: "partner", MessageID: "<1@paklog>", Version: "1.2"}, MessageID: "<2@partner>", Disposition: d,
			Sign: &cms.Signing{Certificate: theirCert, Key: theirKey, Digest: crypto.SHA256}}.Write()
		if err != nil {
			t.Fatal(err)
		}
		out, errs, got := s.run("as2", "inspect", "--cert", theirs, s.file("receipt.http", kept("HTTP/1.1 200 OK\r\n", h, body)))
		if got != code || !strings.Contains(out, "<1@paklog>") || !strings.Contains(out, word) || !strings.Contains(out, "by CN=theirs") {
			t.Errorf("%q: exit %d\n%s%s", word, got, out, errs)
		}
	}
}
