package cms

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// openssl runs `openssl cms` in a folder that holds in, and returns its output.
func openssl(t *testing.T, in []byte, args ...string) []byte {
	t.Helper()
	out, err := tryOpenssl(t, in, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func tryOpenssl(t *testing.T, in []byte, args ...string) ([]byte, error) {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	dir := t.TempDir()
	from, to := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	writeFile(t, from, in)
	cmd := exec.CommandContext(t.Context(), path, append([]string{"cms", "-in", from, "-out", to, "-binary"}, args...)...)
	if said, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("openssl cms %s: %w\n%s", strings.Join(args, " "), err, said)
	}
	out, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	return out, nil
}

// readSigned reads raw and verifies it with certs: the content is what was
// inside, or detached.
func readSigned(raw []byte, detached []byte, certs ...*x509.Certificate) ([]byte, *x509.Certificate, error) {
	m, err := Open(bytes.NewReader(raw), Limits{})
	if err != nil {
		return nil, nil, err
	}
	s, err := m.Signed()
	if err != nil {
		return nil, nil, err
	}
	content, err := io.ReadAll(s)
	if err != nil {
		return nil, nil, err
	}
	signers, err := s.Signers()
	if err != nil {
		return nil, nil, err
	}
	if len(signers) == 0 {
		return nil, nil, errors.New("nobody signed")
	}
	var digest []byte
	if s.Detached() {
		content = detached
		digest = sum(signers[0].Digest, detached)
	}
	cert, err := signers[0].Verify(certs, digest)
	return content, cert, err
}

func decrypt(raw []byte, d Decryption) ([]byte, error) {
	m, err := Open(bytes.NewReader(raw), Limits{})
	if err != nil {
		return nil, err
	}
	r, err := m.Decrypt(d)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

type signingCase struct {
	name   string
	signer party
	digest crypto.Hash
	args   []string // of openssl, besides the digest
	pss    bool
	byKey  bool
}

func signingCases() []signingCase {
	var cases []signingCase
	for _, h := range []crypto.Hash{crypto.SHA224, crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		cases = append(cases,
			signingCase{name: fmt.Sprint("rsa ", h), signer: alice(), digest: h},
			signingCase{name: fmt.Sprint("rsa by key id ", h), signer: alice(), digest: h, args: []string{"-keyid"}, byKey: true},
			signingCase{name: fmt.Sprint("pss ", h), signer: alice(), digest: h, args: []string{"-keyopt", "rsa_padding_mode:pss"}, pss: true},
		)
	}
	for i, c := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		p := newParty("ec", 2000+int64(i), ecKey(c))
		for _, h := range []crypto.Hash{crypto.SHA224, crypto.SHA256, crypto.SHA384, crypto.SHA512} {
			cases = append(cases, signingCase{name: fmt.Sprint(c.Params().Name, " ", h), signer: p, digest: h})
		}
	}
	return cases
}

func opensslName(h crypto.Hash) string {
	return strings.ToLower(strings.ReplaceAll(h.String(), "-", ""))
}

func TestOpenSSLVerifiesWhatWeSign(t *testing.T) {
	data := payload(70_000)
	for _, c := range signingCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			certFile, _ := c.signer.files(t)
			s := Signing{Certificate: c.signer.cert, Key: c.signer.key, Digest: c.digest, PSS: c.pss, ByKeyID: c.byKey,
				Protect: true, Time: c.signer.cert.NotBefore, Embed: []*x509.Certificate{c.signer.cert}}

			sig, err := SignDigest(sum(c.digest, data), s)
			if err != nil {
				t.Fatal(err)
			}
			content := filepath.Join(t.TempDir(), "content")
			writeFile(t, content, data)
			verify := []string{"-verify", "-inform", "DER", "-CAfile", certFile, "-purpose", "any", "-certfile", certFile}
			if got := openssl(t, sig, append(verify, "-content", content)...); !bytes.Equal(got, data) {
				t.Error("detached: other content")
			}
			writeFile(t, content, append(data[:len(data)-1:len(data)-1], 'x'))
			if _, err := tryOpenssl(t, sig, append(verify, "-content", content)...); err == nil {
				t.Error("detached: changed content verified")
			}

			s.Embed = nil // then the certificate is the one that openssl is given
			var opaque bytes.Buffer
			w, err := Sign(&opaque, s)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = w.Write(data)
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if got := openssl(t, opaque.Bytes(), verify...); !bytes.Equal(got, data) {
				t.Error("opaque: other content")
			}
		})
	}
}

func TestWeVerifyWhatOpenSSLSigns(t *testing.T) {
	data := payload(70_000)
	other := newParty("alice", 1001, rsaKey()).cert // alice's name and serial, another key
	cases := signingCases()
	for _, c := range signingCases()[:1] {
		c.digest, c.name = crypto.SHA1, "rsa SHA-1"
		cases = append(cases, c)
	}
	forms := map[string][]string{
		"detached":          nil,
		"detached, no cert": {"-nocerts"},
		"no attributes":     {"-noattr"},
		"opaque":            {"-nodetach"},
		"opaque, streamed":  {"-nodetach", "-stream"},
	}
	for _, c := range cases {
		for form, more := range forms {
			if c.pss && form == "opaque, streamed" {
				continue // openssl 3.0 cannot: it writes the parameters before it has made them
			}
			t.Run(c.name+"/"+form, func(t *testing.T) {
				t.Parallel()
				certFile, keyFile := c.signer.files(t)
				args := append([]string{"-sign", "-outform", "DER", "-md", opensslName(c.digest), "-signer", certFile, "-inkey", keyFile}, more...)
				raw := openssl(t, data, append(args, c.args...)...)
				got, cert, err := readSigned(raw, data, bob().cert, c.signer.cert)
				if err != nil || cert != c.signer.cert || !bytes.Equal(got, data) {
					t.Fatalf("signed by %v, %d bytes, error %v", cert, len(got), err)
				}
				for reason, try := range map[VerifyReason]func() error{
					WrongSigner: func() error { _, _, err := readSigned(raw, data, bob().cert); return err },
					WrongSignature: func() error {
						if c.signer.cert.SerialNumber.Int64() != 1001 {
							return &VerifyError{Reason: WrongSignature} // only alice has a double
						}
						_, _, err := readSigned(raw, data, other)
						return err
					},
				} {
					var wrong *VerifyError
					if err := try(); !errors.As(err, &wrong) || wrong.Reason != reason {
						t.Errorf("want reason %d, got %v", reason, err)
					}
				}
				if !strings.HasPrefix(form, "opaque") {
					_, _, err := readSigned(raw, data[1:], c.signer.cert)
					want := WrongDigest
					if form == "no attributes" {
						want = WrongSignature
					}
					var wrong *VerifyError
					if !errors.As(err, &wrong) || wrong.Reason != want {
						t.Errorf("changed content: %v", err)
					}
				}
			})
		}
	}
}

type encryptionCase struct {
	cipher Cipher
	arg    string
}

var encryptionCases = []encryptionCase{
	{AES128CBC, "-aes128"}, {AES192CBC, "-aes192"}, {AES256CBC, "-aes256"},
	{AES128GCM, "-aes-128-gcm"}, {AES192GCM, "-aes-192-gcm"}, {AES256GCM, "-aes-256-gcm"},
	{TripleDESCBC, "-des3"},
}

// transports are the ways to hand over a content key, ours and openssl's.
var transports = []struct {
	name string
	oaep crypto.Hash
	args []string
}{
	{name: "v1.5"},
	{name: "oaep-sha256", oaep: crypto.SHA256, args: []string{"-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256"}},
	{name: "oaep-sha1", oaep: crypto.SHA1, args: []string{"-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha1"}},
	{name: "oaep-sha512", oaep: crypto.SHA512, args: []string{"-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha512"}},
}

func encrypted(t testing.TB, data []byte, e Encryption) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := Encrypt(&out, e)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestOpenSSLDecryptsWhatWeEncrypt(t *testing.T) {
	for _, c := range encryptionCases {
		for _, tr := range transports {
			for _, byKey := range []bool{false, true} {
				t.Run(fmt.Sprintf("%v/%s/byKey=%v", c.cipher, tr.name, byKey), func(t *testing.T) {
					t.Parallel()
					data := payload(70_001)
					e := Encryption{Cipher: c.cipher}
					for _, p := range []party{alice(), bob()} {
						e.Recipients = append(e.Recipients, Recipient{Certificate: p.cert, OAEP: tr.oaep, ByKeyID: byKey})
					}
					raw := encrypted(t, data, e)
					for _, p := range []party{alice(), bob()} {
						certFile, keyFile := p.files(t)
						if got := openssl(t, raw, "-decrypt", "-inform", "DER", "-recip", certFile, "-inkey", keyFile); !bytes.Equal(got, data) {
							t.Errorf("%s reads %d other bytes", p.cert.Subject, len(got))
						}
					}
				})
			}
		}
	}
}

func TestWeDecryptWhatOpenSSLEncrypts(t *testing.T) {
	for _, c := range encryptionCases {
		for _, tr := range transports {
			for _, form := range [][]string{nil, {"-keyid"}, {"-stream"}} {
				if c.cipher.Authenticated() && len(form) > 0 && form[0] == "-stream" {
					// openssl 3.0 streams AuthEnvelopedData by default too; once is enough.
					continue
				}
				t.Run(fmt.Sprintf("%v/%s/%v", c.cipher, tr.name, form), func(t *testing.T) {
					t.Parallel()
					data := payload(70_001)
					a, _ := alice().files(t)
					b, _ := bob().files(t)
					args := append([]string{"-encrypt", "-outform", "DER", c.arg}, form...)
					for _, cert := range []string{a, b} {
						args = append(append(args, "-recip", cert), tr.args...)
					}
					raw := openssl(t, data, args...)
					for _, p := range []party{alice(), bob()} {
						got, err := decrypt(raw, Decryption{Keys: []Key{p.decrypter()}})
						if err != nil || !bytes.Equal(got, data) {
							t.Errorf("%s reads %d bytes, error %v", p.cert.Subject, len(got), err)
						}
					}
				})
			}
		}
	}
}
