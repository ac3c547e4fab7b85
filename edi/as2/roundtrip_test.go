package as2

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/paklog/hub/edi/cms"
)

type station struct {
	cert *x509.Certificate
	key  *rsa.PrivateKey
}

// Us and them have the keys that package cms keeps for its tests: the same in
// each run, so that what a fuzz target keeps is verified by the next.
var (
	us   = sync.OnceValue(func() station { return kept("alice") })
	them = sync.OnceValue(func() station { return kept("bob") })
)

func kept(name string) station {
	raw, err := os.ReadFile(filepath.Join("..", "cms", "testdata", name+".pem"))
	if err != nil {
		panic(err)
	}
	certBlock, rest := pem.Decode(raw)
	keyBlock, _ := pem.Decode(rest)
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		panic(err)
	}
	key, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		panic(err)
	}
	return station{cert: cert, key: key.(*rsa.PrivateKey)}
}

func (s station) signing(h crypto.Hash) *cms.Signing {
	return &cms.Signing{Certificate: s.cert, Key: s.key, Digest: h, Time: s.cert.NotBefore}
}

func (s station) decrypter() []cms.Key { return []cms.Key{{Certificate: s.cert, Decrypter: s.key}} }

func (s station) pem(t *testing.T) (cert, key string) {
	t.Helper()
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, b := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: s.cert.Raw}, key: {Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(s.key)}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// message is one from us to them that asks for a signed receipt.
func message() Message {
	return Message{From: "PakLog", To: "Partner \"One\"", MessageID: "<1@paklog>", Subject: "orders", Date: time.Date(2026, 11, 30, 4, 0, 0, 0, time.UTC),
		ReplyTo: "edi@paklog", Receipt: Receipt{Wanted: true, Signed: true, Digests: []Digest{{crypto.SHA256, "sha256"}, {crypto.SHA1, "sha1"}}}}
}

// wire is a message as the other side gets it.
type wire struct {
	header textproto.MIMEHeader
	body   []byte
	sent   Sent
}

func send(t testing.TB, m Message, files ...File) wire {
	t.Helper()
	w, err := m.Prepare(files...)
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	sent, err := w.Body(&body)
	if err != nil {
		t.Fatal(err)
	}
	return wire{header: w.Header, body: body.Bytes(), sent: sent}
}

func edi(content []byte) File {
	return File{ContentType: "application/EDI-X12", Name: "940.edi", Content: bytes.NewReader(content)}
}

// theirs is how the partner reads what we send.
func theirs(r Receipt, into *bytes.Buffer) Reading {
	return Reading{Keys: them().decrypter(), Certificates: []*x509.Certificate{us().cert}, Receipt: r,
		Open: func(Document) (io.Writer, error) { return into, nil }}
}

// Some answer with the MIC of what was compressed instead of that of what was signed.
func TestTheMICOfTheInsideIsKnownToo(t *testing.T) {
	t.Parallel()
	m := message()
	m.Compress = CompressBeforeSign
	inside := send(t, m, edi([]byte("ISA*00"))).sent.MICs[0] // of the entity with its header: RFC 5402 4.3
	m.Sign = us().signing(crypto.SHA256)
	all := send(t, m, edi([]byte("ISA*00"))).sent.MICs
	if all[0].Equal(inside) {
		t.Error("the first is not of what was signed")
	}
	if !slices.ContainsFunc(all, inside.Equal) {
		t.Errorf("%v is not among %v", inside, all)
	}
}

// Every order of layers, every cipher, in bytes or base64, is read as what was
// sent; the MIC of the receipt is that of the sender, and the receipt proves it.
func TestEveryFormGoesThereAndItsReceiptBack(t *testing.T) {
	payloads := map[string][]byte{
		"edi": []byte("ISA*00*...~\r\nGS*OW~\r\n"), "bare line feeds": []byte("a\nb\r\nc\n\n"), "nothing": {}, "one byte": {0},
		"no line end": []byte("x"), "bytes": bytes.Repeat([]byte{0, '\r', '\n', 0xff, '-', '-', '=', '_'}, 9000),
	}
	ciphers := []cms.Cipher{0, cms.AES128CBC, cms.AES256GCM}
	out := newTable("signed", "compressed", "encrypted", "payload", "base64", "receipt", "MIC", "judged")
	cells := 0
	for _, sign := range []string{"no", "detached", "opaque"} {
		for _, compress := range []Compression{Uncompressed, CompressBeforeSign, CompressAfterSign} {
			for _, c := range ciphers {
				for name, data := range payloads {
					for _, b64 := range []bool{false, true} {
						m := message()
						m.Compress, m.Base64, m.Opaque = compress, b64, sign == "opaque"
						if sign != "no" {
							m.Sign = us().signing(crypto.SHA384)
						}
						if c != 0 {
							m.Encrypt = &cms.Encryption{Cipher: c, Recipients: []cms.Recipient{{Certificate: them().cert}}}
						}
						w := send(t, m, edi(data))
						req, err := ParseRequest(w.header)
						if err != nil || req.From != m.From || req.To != m.To || req.MessageID != m.MessageID || !req.Receipt.Signed {
							t.Fatalf("headers %v: %+v, %v", w.header, req, err)
						}
						var got bytes.Buffer
						r, err := Read(w.header, bytes.NewReader(w.body), theirs(req.Receipt, &got))
						if err != nil || !bytes.Equal(got.Bytes(), data) {
							t.Fatalf("%s %v %v %s: %d bytes, %v", sign, compress, c, name, got.Len(), err)
						}
						if len(r.Documents) != 1 || r.Documents[0].FileName != "940.edi" || r.Documents[0].ContentType != "application/EDI-X12" {
							t.Fatalf("documents %+v", r.Documents)
						}
						checkLayers(t, name, r, c != 0, sign != "no", compress != Uncompressed)
						for _, signed := range []bool{false, true} {
							outcome, reason := receiptBack(t, w, req, r, err, signed)
							if want := map[bool]Outcome{true: Delivered, false: Unproven}[signed]; outcome != want {
								t.Fatalf("%s %v %v %s: receipt is %s: %s", sign, compress, c, name, outcome, reason)
							}
						}
						cells++
						if name == "edi" {
							out.row(sign, []string{"no", "before", "after"}[compress], map[bool]string{true: c.String(), false: "no"}[c != 0], name, fmt.Sprint(b64), "signed", r.MIC.Digest.Name, "delivered")
						}
					}
				}
			}
		}
	}
	out.log(t)
	t.Logf("%d forms", cells)
}

// receiptBack writes the partner's receipt and judges it.
func receiptBack(t *testing.T, w wire, req *Request, r *Received, verdict error, signed bool) (Outcome, string) {
	t.Helper()
	a := Answer{To: req, MessageID: "<r1@them>", Date: time.Date(2026, 11, 30, 4, 1, 0, 0, time.UTC), Agent: "Them 1.0", Disposition: DispositionOf(verdict), MIC: r.MIC}
	if signed {
		a.Sign = them().signing(crypto.SHA256)
	}
	h, body, err := a.Write()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseRequest(h)
	if err != nil {
		t.Fatal(err)
	}
	mdn, err := Read(h, bytes.NewReader(body), Reading{Certificates: []*x509.Certificate{them().cert}})
	if err != nil {
		t.Fatal(err)
	}
	return w.sent.Judge(back, mdn)
}

// openssl reads what we send, taken off layer by layer as S/MIME.
func TestOpenSSLReadsOurMessages(t *testing.T) {
	path, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	ourCert, _ := us().pem(t)
	theirCert, theirKey := them().pem(t)
	run := func(in []byte, args ...string) []byte {
		cmd := exec.CommandContext(t.Context(), path, append([]string{"cms"}, args...)...)
		cmd.Stdin = bytes.NewReader(in)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("openssl cms %v: %v\n%s", args, err, stderr.Bytes())
		}
		return out
	}
	// Its S/MIME reader takes content line by line: no bare line feed, no NUL.
	data := []byte("ISA*00*...~\r\nGS*OW~\r\n\xff")
	for _, opaque := range []bool{false, true} {
		for _, b64 := range []bool{false, true} {
			m := message()
			m.Opaque, m.Base64, m.Sign = opaque, b64, us().signing(crypto.SHA256)
			m.Encrypt = &cms.Encryption{Cipher: cms.AES128GCM, Recipients: []cms.Recipient{{Certificate: them().cert, OAEP: crypto.SHA256}}}
			w := send(t, m, edi(data))
			// openssl reads S/MIME in base64 alone: of bytes it gets the structure.
			mail, form := w.body, "DER"
			if b64 {
				mail, form = smime(w.header, w.body), "SMIME"
			}
			inner := run(mail, "-decrypt", "-inform", form, "-binary", "-recip", theirCert, "-inkey", theirKey)
			if opaque && !b64 {
				_, inner, _ = bytes.Cut(inner, []byte("\r\n\r\n"))
				inner = run(inner, "-verify", "-inform", "DER", "-binary", "-certfile", ourCert, "-noverify")
			} else {
				inner = run(inner, "-verify", "-inform", "SMIME", "-certfile", ourCert, "-noverify")
			}
			if !b64 && !bytes.HasSuffix(inner, data) {
				t.Errorf("opaque %v: openssl reads %q", opaque, inner)
			}
			if !bytes.Contains(inner, []byte("940.edi")) {
				t.Errorf("opaque %v, base64 %v: openssl reads %q", opaque, b64, inner)
			}
		}
	}
}

func smime(h textproto.MIMEHeader, body []byte) []byte {
	var b bytes.Buffer
	for _, name := range []string{"Mime-Version", "Content-Type", "Content-Transfer-Encoding"} {
		if v := h.Get(name); v != "" {
			fmt.Fprintf(&b, "%s: %s\r\n", name, v)
		}
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}

func TestSeveralDocuments(t *testing.T) {
	m := message()
	m.Sign = us().signing(crypto.SHA256)
	m.Encrypt = &cms.Encryption{Cipher: cms.AES128CBC, Recipients: []cms.Recipient{{Certificate: them().cert}}}
	pdf := bytes.Repeat([]byte("%PDF\r\n--x\n"), 5000)
	w := send(t, m, edi([]byte("ISA")), File{ContentType: "application/pdf", Name: "Lieferschein \u00fc.pdf", Content: bytes.NewReader(pdf)})
	var got []*bytes.Buffer
	read := theirs(Receipt{}, nil)
	read.Open = func(Document) (io.Writer, error) {
		got = append(got, &bytes.Buffer{})
		return got[len(got)-1], nil
	}
	r, err := Read(w.header, bytes.NewReader(w.body), read)
	if err != nil || len(got) != 2 || got[0].String() != "ISA" || !bytes.Equal(got[1].Bytes(), pdf) || r.Documents[1].FileName != "Lieferschein \u00fc.pdf" {
		t.Fatalf("%+v, %d documents, %v", r.Documents, len(got), err)
	}
	read.Documents = 1
	var p *Problem
	if _, err := Read(w.header, bytes.NewReader(w.body), read); !errors.As(err, &p) || p.Word != UnexpectedProcessingError {
		t.Errorf("two documents where one is allowed: %v", err)
	}
}

// What the receiver's own disk or the connection says is no verdict about the
// message, and is handed back as it is.
func TestOwnFailuresAreNoVerdict(t *testing.T) {
	m := message()
	m.Sign, m.Compress = us().signing(crypto.SHA256), CompressBeforeSign
	for _, c := range []cms.Cipher{cms.AES128CBC, cms.AES128GCM} {
		m.Encrypt = &cms.Encryption{Cipher: c, Recipients: []cms.Recipient{{Certificate: them().cert}}}
		w := send(t, m, edi(noise(100_000)))
		full, broken := errors.New("disk full"), errors.New("connection reset")
		read := theirs(Receipt{}, nil)
		read.Open = func(Document) (io.Writer, error) { return nil, full }
		if _, err := Read(w.header, bytes.NewReader(w.body), read); !errors.Is(err, full) || isProblem(err) {
			t.Errorf("%v, open: %v", c, err)
		}
		read.Open = func(Document) (io.Writer, error) { return fails{full}, nil }
		if _, err := Read(w.header, bytes.NewReader(w.body), read); !errors.Is(err, full) || isProblem(err) {
			t.Errorf("%v, write: %v", c, err)
		}
		for n := 0; n < len(w.body); n += len(w.body)/40 + 1 {
			_, err := Read(w.header, io.MultiReader(bytes.NewReader(w.body[:n]), iotest.ErrReader(broken)), theirs(Receipt{}, &bytes.Buffer{}))
			if !errors.Is(err, broken) || isProblem(err) {
				t.Errorf("%v, broken after %d of %d: %v", c, n, len(w.body), err)
			}
		}
	}
}

type fails struct{ err error }

func (f fails) Write([]byte) (int, error) { return 0, f.err }

// noise does not compress.
func noise(n int) []byte {
	out := make([]byte, 0, n+32)
	sum := sha256.Sum256(nil)
	for len(out) < n {
		out = append(out, sum[:]...)
		sum = sha256.Sum256(sum[:])
	}
	return out[:n]
}

// Each way to be wrong has its word, and nothing in the receipt says more.
func TestEveryProblemHasItsWord(t *testing.T) {
	plain := func(change func(*Message)) wire {
		m := message()
		change(&m)
		return send(t, m, edi(noise(5000)))
	}
	toThem := func(c cms.Cipher) *cms.Encryption {
		return &cms.Encryption{Cipher: c, Recipients: []cms.Recipient{{Certificate: them().cert}}}
	}
	toOthers := &cms.Encryption{Cipher: cms.AES128CBC, Recipients: []cms.Recipient{{Certificate: us().cert}}}
	sign := us().signing(crypto.SHA256)
	flip := func(w wire, at int) wire {
		w.body = bytes.Clone(w.body)
		w.body[at] ^= 0x20
		return w
	}
	cut := func(w wire, n int) wire {
		w.body = w.body[:n]
		return w
	}
	encrypted := plain(func(m *Message) { m.Sign, m.Encrypt = sign, toThem(cms.AES128CBC) })
	gcm := plain(func(m *Message) { m.Sign, m.Encrypt = sign, toThem(cms.AES128GCM) })
	signed := plain(func(m *Message) { m.Sign = sign })
	packed := plain(func(m *Message) { m.Compress = CompressBeforeSign })
	unknownMIC := plain(func(m *Message) {})
	unknownMIC.header.Set("Disposition-Notification-Options", "signed-receipt-protocol=required, pkcs7-signature; signed-receipt-micalg=required, md4")
	for _, c := range []struct {
		what string
		wire wire
		word string
	}{
		{"for another key", plain(func(m *Message) { m.Encrypt = toOthers }), DecryptionFailed},
		{"changed at its first block", flip(encrypted, bytes.Index(encrypted.body, []byte{0xa0, 0x80, 4, 0x82})+6), DecryptionFailed},
		{"GCM changed", flip(gcm, len(gcm.body)-3000), DecryptionFailed},
		{"GCM cut", cut(gcm, len(gcm.body)-100), DecryptionFailed},
		{"encryption that is no CMS", wire{header: encrypted.header, body: []byte("hello")}, DecryptionFailed},
		{"nothing where encryption should be", wire{header: encrypted.header}, DecryptionFailed},
		{"unsigned encrypted, cut", cut(plain(func(m *Message) { m.Encrypt = toThem(cms.AES128CBC) }), 3000), DecryptionFailed},
		{"signed by another", plain(func(m *Message) { m.Sign = them().signing(crypto.SHA256) }), AuthenticationFailed},
		{"signed by another, encrypted", plain(func(m *Message) { m.Sign, m.Encrypt = them().signing(crypto.SHA256), toThem(cms.AES256CBC) }), AuthenticationFailed},
		{"changed after signing", flip(signed, 3000), IntegrityCheckFailed},
		{"signature cut off", cut(signed, 4000), IntegrityCheckFailed},
		{"signature cut", cut(signed, len(signed.body)-200), IntegrityCheckFailed},
		{"no boundary", wire{header: textproto.MIMEHeader{"Content-Type": {"multipart/signed"}}, body: signed.body}, IntegrityCheckFailed},
		{"compression cut", cut(packed, len(packed.body)-50), DecompressionFailed},
		{"compression changed", flip(packed, len(packed.body)/2), DecompressionFailed},
		{"a MIC under what nobody has", unknownMIC, UnsupportedMIC},
	} {
		req, err := ParseRequest(c.wire.header)
		if req.MessageID != "" && err != nil {
			t.Fatal(err)
		}
		r, err := Read(c.wire.header, bytes.NewReader(c.wire.body), theirs(req.Receipt, &bytes.Buffer{}))
		var p *Problem
		if !errors.As(err, &p) || p.Word != c.word {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		h, body, err := Answer{To: req, MessageID: "<r@them>", Disposition: DispositionOf(p), MIC: r.MIC}.Write()
		if err != nil || bytes.Contains(body, []byte(p.Err.Error())) || len(h) == 0 {
			t.Errorf("%s: the receipt tells the reason: %s, %v", c.what, body, err)
		}
	}
	for what, read := range map[string]func(*Reading){
		"unsigned":    func(r *Reading) { r.RequireSigned = true },
		"unencrypted": func(r *Reading) { r.RequireEncrypted = true },
	} {
		r := theirs(Receipt{}, &bytes.Buffer{})
		read(&r)
		_, err := Read(packed.header, bytes.NewReader(packed.body), r)
		if DispositionOf(err).Detail != InsufficientMessageSecurity {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Whether the padding is right shows in no answer, where content that has a
// MIME header cannot be verified anyway: the answers are no padding oracle.
func TestNoPaddingOracle(t *testing.T) {
	m := message()
	m.Sign = us().signing(crypto.SHA256)
	m.Encrypt = &cms.Encryption{Cipher: cms.AES128CBC, Recipients: []cms.Recipient{{Certificate: them().cert}}}
	w := send(t, m, edi(noise(2000)))
	answers := map[string]int{}
	// Five ends-of-contents stand behind the ciphertext. A change in the block
	// before the last gives the last byte of the padding every value.
	end := len(w.body) - 10
	wrong := 0
	for delta := range 256 {
		body := bytes.Clone(w.body)
		body[end-17] ^= byte(delta)
		body[end-400] ^= 1 // in the signature: it fails either way
		e, err := cms.Open(bytes.NewReader(body), cms.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		d, err := e.Decrypt(cms.Decryption{Keys: them().decrypter()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(d); err != nil {
			wrong++
		}
		_, err = Read(w.header, bytes.NewReader(body), theirs(Receipt{}, &bytes.Buffer{}))
		answers[DispositionOf(err).String()]++
	}
	if wrong == 0 || wrong == 256 {
		t.Fatalf("%d of 256 paddings are wrong: the test tries nothing", wrong)
	}
	if len(answers) != 1 || answers[DispositionOf(&Problem{Word: IntegrityCheckFailed}).String()] != 256 {
		t.Errorf("answers to 256 paddings: %v", answers)
	}
}

func TestLineEndsMayBeCanonical(t *testing.T) {
	header := "Content-Type: application/EDI-X12\r\n\r\n"
	text := "ISA*00~\nGS*OW~\r\nSE~\n"
	canonical := header + strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n")
	sum := sha256.Sum256([]byte(canonical))
	sig, err := cms.SignDigest(sum[:], *us().signing(crypto.SHA256))
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{0, 1, 5, 8, 9, 100} { // the content comes in two pieces
		var content bytes.Buffer
		content.WriteString("--b\r\n" + header + text + "\r\n--b\r\nContent-Type: application/pkcs7-signature\r\n\r\n")
		content.Write(sig)
		content.WriteString("\r\n--b--\r\n")
		at += len(header)
		body := io.MultiReader(bytes.NewReader(content.Bytes()[:at]), bytes.NewReader(content.Bytes()[at:]))
		h := textproto.MIMEHeader{"Content-Type": {"multipart/signed; micalg=SHA256; boundary=b"}}
		r, err := Read(h, body, theirs(Receipt{}, &bytes.Buffer{}))
		if err != nil || !r.Canonical || !bytes.Equal(r.MIC.Value, sum[:]) {
			t.Errorf("cut at %d: %+v, %v", at, r, err)
		}
	}
}
