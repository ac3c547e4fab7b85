package as2

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/trust"
	"github.com/paklog/hub/edi/as2"
	"github.com/paklog/hub/edi/cms"
)

// desk keeps the promise of door.Stations in memory.
type desk struct {
	mu        sync.Mutex
	first     map[string]door.Exchange
	refused   []door.Exchange
	documents []door.Document
	waits     map[string]door.Sent // whose receipts are to come by themselves
	settled   []door.Settlement
	down      error
	certs     trust.Exchange // what was exchanged with the partner
	said      []door.Arrival // of certificates
}

// Call implements [door.Caller].
func (d *desk) Call(_ context.Context, _ string, value any) (any, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down != nil {
		return nil, d.down
	}
	switch v := value.(type) {
	case door.Seen:
		return door.Known{Exchange: d.first[v.MessageID], Certificates: d.certs}, nil
	case door.Arrival:
		x, again := d.first[v.MessageID]
		switch {
		case !v.Accepted:
			d.refused = append(d.refused, v.Exchange)
			return door.Taken{Exchange: v.Exchange}, nil
		case again:
			return door.Taken{Exchange: x, Repeat: true, Other: x.MIC != v.MIC}, nil
		}
		d.first[v.MessageID] = v.Exchange
		if v.Offer != nil || v.Answer != nil {
			d.said = append(d.said, v)
		}
		d.documents = append(d.documents, v.Documents...)
		return door.Taken{Exchange: v.Exchange}, nil
	case door.Awaiting:
		return d.waits[v.MessageID], nil
	case door.Settlement:
		d.settled = append(d.settled, v)
		return true, nil
	}
	return nil, fmt.Errorf("called with %T", value)
}

// shelf keeps payloads in a folder.
type shelf struct{ dir string }

func (s shelf) Put(_ context.Context, r io.Reader) (string, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return "", fault.E("shelf", fault.Transient, err)
	}
	name := hash(b)
	return name, os.WriteFile(filepath.Join(s.dir, name), b, 0o600)
}

func (s shelf) Open(_ context.Context, name string) (io.ReadCloser, error) {
	return os.Open(filepath.Join(s.dir, name))
}

func (s shelf) Draft(context.Context) (Draft, error) { return &sheet{shelf: s}, nil }

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// sheet is a draft of a shelf.
type sheet struct {
	bytes.Buffer
	shelf shelf
}

func (s *sheet) Content() io.Reader    { return bytes.NewReader(s.Bytes()) }
func (s *sheet) Keep() (string, error) { return s.shelf.Put(context.Background(), s.Content()) }
func (s *sheet) Drop()                 {}

func (s shelf) names(t *testing.T) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// counting counts what a private key is used for.
type counting struct {
	*rsa.PrivateKey
	mu *sync.Mutex
	n  *int
}

func (c counting) Sign(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	c.add()
	return c.PrivateKey.Sign(r, digest, o)
}

func (c counting) Decrypt(r io.Reader, msg []byte, o crypto.DecrypterOpts) ([]byte, error) {
	c.add()
	return c.PrivateKey.Decrypt(r, msg, o)
}

func (c counting) add() {
	c.mu.Lock()
	defer c.mu.Unlock()
	*c.n++
}

func certificate(t *testing.T, name string, key crypto.Signer, change ...func(*x509.Certificate)) Certificate {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour)}
	for _, f := range change {
		f(c)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return Certificate{Certificate: c, Key: key}
}

func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// rig is a station of ours before a desk, and what its partner knows.
type rig struct {
	t       *testing.T
	desk    *desk
	store   shelf
	server  *httptest.Server
	ours    Certificate
	theirs  Certificate
	used    *int // of our key
	mu      *sync.Mutex
	station *Station
}

func newRig(t *testing.T, change ...func(*Config, *Profile)) *rig {
	t.Helper()
	r := &rig{t: t, desk: &desk{first: map[string]door.Exchange{}}, store: shelf{t.TempDir()}, used: new(int), mu: new(sync.Mutex)}
	key := newKey(t)
	r.ours, r.theirs = certificate(t, "ours", key), certificate(t, "theirs", newKey(t))
	r.ours.Key = counting{key, r.mu, r.used}
	public := r.theirs
	public.Key = nil
	p := Profile{ID: "ACME AS2", OurID: "OURS", Certificates: []Certificate{public}, Receipt: ReceiptSigned, RequireSigned: true, RequireEncrypted: true}
	cfg := Config{Own: []Certificate{r.ours}, Agent: "test", Now: time.Now, MaxBytes: 1 << 20, Spool: t.TempDir()}
	for _, f := range change {
		f(&cfg, &p)
	}
	cfg.Partners = map[string]Profile{"ACME": p}
	var err error
	if r.station, err = New(cfg, r.desk, r.store); err != nil {
		t.Fatal(err)
	}
	r.server = httptest.NewServer(r.station)
	t.Cleanup(func() {
		r.server.Close()
		r.station.Close()
	})
	return r
}

// message is one of the partner, as it goes over the wire.
func (r *rig) message(id, content string, change ...func(*as2.Message)) (textproto.MIMEHeader, []byte) {
	r.t.Helper()
	m := as2.Message{
		From: "ACME AS2", To: "OURS", MessageID: id, Subject: "order", Date: time.Now(), ReplyTo: "acme",
		Receipt: as2.Receipt{Wanted: true, Signed: true, Digests: []as2.Digest{as2.NewDigest(crypto.SHA256)}},
		Sign:    &cms.Signing{Certificate: r.theirs.Certificate, Key: r.theirs.Key, Digest: crypto.SHA256},
		Encrypt: &cms.Encryption{Cipher: cms.AES128CBC, Recipients: []cms.Recipient{{Certificate: r.ours.Certificate}}},
	}
	for _, f := range change {
		f(&m)
	}
	w, err := m.Prepare(as2.File{ContentType: "application/EDI-X12", Name: "../940.edi", Content: strings.NewReader(content)})
	if err != nil {
		r.t.Fatal(err)
	}
	var body bytes.Buffer
	if _, err := w.Body(&body); err != nil {
		r.t.Fatal(err)
	}
	return w.Header, body.Bytes()
}

// answer is what came back.
type answer struct {
	status int
	header textproto.MIMEHeader
	body   []byte
}

func (r *rig) post(h textproto.MIMEHeader, body io.Reader) answer {
	r.t.Helper()
	a, err := r.attempt(h, body)
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

// attempt is post where the station may hang up.
func (r *rig) attempt(h textproto.MIMEHeader, body io.Reader) (answer, error) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.server.URL+"/as2", body)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header = http.Header(h)
	res, err := r.server.Client().Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, textproto.MIMEHeader(res.Header), b}, err
}

// verdict is what a signed receipt says.
func (r *rig) verdict(a answer) string {
	r.t.Helper()
	got, err := as2.Read(a.header, bytes.NewReader(a.body), as2.Reading{Certificates: []*x509.Certificate{r.ours.Certificate}})
	if err != nil || got.MDN == nil || got.Signer() == nil {
		return fmt.Sprintf("status %d, %v: %.200s", a.status, err, a.body)
	}
	d := got.MDN.Disposition
	return strings.TrimSpace(d.Type + " " + d.Detail)
}

const order = "ISA*00*          *00*          *ZZ*ACME           *ZZ*OURS           *"

func TestADuplicateGetsItsReceiptWithoutAKey(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h, body := r.message("<1@acme>", order)
	first := r.post(h, bytes.NewReader(body))
	if v := r.verdict(first); v != "processed" {
		t.Fatal(v)
	}
	used := *r.used
	if used != 2 {
		t.Errorf("our key was used %d times for one message", used)
	}
	for range 3 {
		if again := r.post(h, bytes.NewReader(body)); !bytes.Equal(again.body, first.body) || again.header.Get("Message-Id") != first.header.Get("Message-Id") {
			t.Error("it gets another receipt")
		}
	}
	if *r.used != used {
		t.Errorf("our key was used %d times more for duplicates", *r.used-used)
	}
	if n := len(r.desk.documents); n != 1 || string(r.desk.documents[0].Bytes) != order || r.desk.documents[0].Name != "940.edi" {
		t.Errorf("documents %v", r.desk.documents)
	}
	// A station that encrypts anew for a retry sends other bytes of the same content.
	h, body = r.message("<1@acme>", order)
	if again := r.post(h, bytes.NewReader(body)); !bytes.Equal(again.body, first.body) {
		t.Error("the same content under the same id gets another receipt")
	}
	h, body = r.message("<1@acme>", order+"other")
	if v := r.verdict(r.post(h, bytes.NewReader(body))); v != "processed invalid-message-id" {
		t.Errorf("other content under the same id: %s", v)
	}
	if n := len(r.desk.documents); n != 1 || len(r.desk.refused) != 1 || !r.desk.refused[0].Reused {
		t.Errorf("%d documents, refused %v", n, r.desk.refused)
	}
	// The bytes of what was accepted are in the journal, for they are few; those of what was not are a payload.
	if x := r.desk.refused[0]; !slices.Equal(r.store.names(t), []string{x.Body}) || x.Raw != nil {
		t.Errorf("payloads %v, and %s was refused", r.store.names(t), x.Body)
	}
	if x := r.desk.first["<1@acme>"]; hash(x.Raw) != x.Body {
		t.Errorf("of %s the bytes %s are kept", x.Body, hash(x.Raw))
	}
}

func TestAMessageThatWasRefusedIsJudgedAnew(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h, good := r.message("<2@acme>", strings.Repeat(order, 100)) // its middle is signed
	bad := bytes.Clone(good)
	bad[len(bad)/2] ^= 1
	if v := r.verdict(r.post(h, bytes.NewReader(bad))); v == "processed" || !strings.HasPrefix(v, "processed ") {
		t.Fatal(v)
	}
	if len(r.desk.documents) != 0 || len(r.desk.refused) != 1 {
		t.Fatalf("%d documents, %d refused", len(r.desk.documents), len(r.desk.refused))
	}
	if v := r.verdict(r.post(h, bytes.NewReader(good))); v != "processed" {
		t.Error(v)
	}
	if len(r.desk.documents) != 1 {
		t.Errorf("%d documents", len(r.desk.documents))
	}
}

func TestWhatIsNotAgreedIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stranger := certificate(t, "stranger", newKey(t))
	for says, change := range map[string]func(*as2.Message){
		"processed insufficient-message-security": func(m *as2.Message) { m.Encrypt = nil },
		"processed authentication-failed": func(m *as2.Message) {
			m.Sign = &cms.Signing{Certificate: stranger.Certificate, Key: stranger.Key, Digest: crypto.SHA256}
		},
		"processed decryption-failed": func(m *as2.Message) {
			m.Encrypt.Recipients[0].Certificate = stranger.Certificate
		},
	} {
		h, body := r.message("<"+says[10:]+"@acme>", order, change)
		if v := r.verdict(r.post(h, bytes.NewReader(body))); v != says {
			t.Errorf("%s, want %s", v, says)
		}
	}
	unsigned, body := r.message("<u@acme>", order, func(m *as2.Message) { m.Sign = nil })
	if v := r.verdict(r.post(unsigned, bytes.NewReader(body))); v != "processed insufficient-message-security" {
		t.Error(v)
	}
	empty, body := r.message("<e@acme>", "")
	if v := r.verdict(r.post(empty, bytes.NewReader(body))); v != "processed unexpected-processing-error" {
		t.Error(v)
	}
	for what, change := range map[string]func(textproto.MIMEHeader){
		"swapped names": func(h textproto.MIMEHeader) {
			h.Set("As2-From", "OURS")
			h.Set("As2-To", `"ACME AS2"`)
		},
		"a stranger":               func(h textproto.MIMEHeader) { h.Set("As2-From", "STRANGER") },
		"another case":             func(h textproto.MIMEHeader) { h.Set("As2-From", `"acme as2"`) },
		"a receipt to elsewhere":   func(h textproto.MIMEHeader) { h.Set("Receipt-Delivery-Option", "http://169.254.169.254/") },
		"a receipt to a file":      func(h textproto.MIMEHeader) { h.Set("Receipt-Delivery-Option", "file:///etc/passwd") },
		"a receipt with user info": func(h textproto.MIMEHeader) { h.Set("Receipt-Delivery-Option", "http://a@b/") },
	} {
		h, body := r.message("<x@acme>", order)
		change(h)
		if a := r.post(h, bytes.NewReader(body)); a.status != http.StatusForbidden {
			t.Errorf("%s: status %d", what, a.status)
		}
	}
	h, body := r.message("<y@acme>", order)
	h.Del("Message-Id")
	if a := r.post(h, bytes.NewReader(body)); a.status != http.StatusBadRequest {
		t.Errorf("without an id: status %d", a.status)
	}
	if len(r.desk.documents) != 0 {
		t.Errorf("%d documents were taken", len(r.desk.documents))
	}
}

func TestNoReceiptLeavesWithoutTheHub(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.desk.down = fault.E("desk", fault.Unavailable, nil)
	h, body := r.message("<3@acme>", order)
	if a := r.post(h, bytes.NewReader(body)); a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		t.Errorf("status %d", a.status)
	}
	r.desk.down = nil
	if v := r.verdict(r.post(h, bytes.NewReader(body))); v != "processed" {
		t.Error(v)
	}
}

func TestTooMuchIsCutOff(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h, body := r.message("<4@acme>", strings.Repeat("long ", 300_000))
	for how, body := range map[string]io.Reader{"with its length": bytes.NewReader(body), "chunked": io.MultiReader(bytes.NewReader(body))} {
		// Who is still sending when he is cut off may not see the answer.
		if a, err := r.attempt(h, body); err == nil && a.status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: status %d", how, a.status)
		}
	}
	bomb, body := r.message("<5@acme>", strings.Repeat("0", 3<<20), func(m *as2.Message) { m.Compress = as2.CompressBeforeSign })
	if v := r.verdict(r.post(bomb, bytes.NewReader(body))); v == "processed" {
		t.Error("a bomb is taken")
	}
	if len(r.desk.documents) != 0 {
		t.Error("a document was taken")
	}
	if n := len(r.store.names(t)); n != 1 { // the bomb as it came
		t.Errorf("%d payloads are left", n)
	}
}

func TestALongMessageIsKeptOutsideMemory(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	text := strings.Repeat("a line of a long document\n", 8000)
	for i, cipher := range []cms.Cipher{cms.AES256CBC, cms.AES256GCM} {
		h, body := r.message(fmt.Sprintf("<6.%d@acme>", i), text, func(m *as2.Message) { m.Encrypt.Cipher = cipher })
		flipped := bytes.Clone(body)
		flipped[len(flipped)-5] ^= 1
		before := len(r.store.names(t))
		if v := r.verdict(r.post(h, bytes.NewReader(flipped))); v == "processed" {
			t.Error("a flipped byte is taken")
		}
		if n := len(r.store.names(t)); n != before+1 { // what came, and no plaintext
			t.Errorf("%s: %d payloads are left of a message that was refused", cipher, n-before)
		}
		if v := r.verdict(r.post(h, bytes.NewReader(body))); v != "processed" {
			t.Fatal(v)
		}
		d := r.desk.documents[i]
		if d.Bytes != nil || d.Size != int64(len(text)) {
			t.Fatalf("%d bytes in memory, size %d", len(d.Bytes), d.Size)
		}
		if kept, err := os.ReadFile(filepath.Join(r.store.dir, d.Kept)); err != nil || string(kept) != text {
			t.Errorf("other content is kept (%v)", err)
		}
	}
	if left, err := os.ReadDir(r.station.cfg.Spool); err != nil || len(left) != 0 {
		t.Errorf("%v is left in the spool (%v)", left, err)
	}
}

func TestWhoSendsSlowlyIsCutOff(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config, _ *Profile) { c.Patience, c.AtOnce = 50*time.Millisecond, 1 })
	h, body := r.message("<7@acme>", order)
	stuck, end := io.Pipe()
	defer end.Close()
	if a, err := r.attempt(h, io.MultiReader(bytes.NewReader(body[:100]), stuck)); err == nil && a.status != http.StatusRequestTimeout {
		t.Errorf("status %d", a.status)
	}
	if v := r.verdict(r.post(h, bytes.NewReader(body))); v != "processed" { // the slot is free again
		t.Error(v)
	}
}

func TestCertificatesTakeTurns(t *testing.T) {
	t.Parallel()
	now := time.Now()
	key := newKey(t)
	old := certificate(t, "old", key)
	next := certificate(t, "next", key)
	next.From = now.Add(time.Hour)
	all := certificates{old, next}
	for at, want := range map[time.Time]string{now: "old", now.Add(time.Hour): "next"} {
		if c, ok := all.current(ForSigning, at); !ok || c.Subject.CommonName != want {
			t.Errorf("at %s it is %s, want %s", at, c.Subject.CommonName, want)
		}
		if n := len(all.trusted(at)); n != 2 {
			t.Errorf("%d are trusted", n)
		}
	}
	if _, ok := all.current(ForSecrecy, now.Add(1000*24*time.Hour)); ok {
		t.Error("one that has ended is used")
	}
	if n := len(all.trusted(now.Add(1000 * 24 * time.Hour))); n != 0 {
		t.Errorf("%d that have ended are trusted", n)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer := certificate(t, "elliptic", curve, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment })
	p := Profile{URL: "https://x/", Encrypt: cms.AES128GCM, Sign: crypto.SHA256, Receipt: ReceiptSigned, RequireSigned: true, RequireEncrypted: true, Certificates: []Certificate{signer}}
	var texts []string
	for _, c := range p.Check(nil, now) {
		texts = append(texts, c.Text)
	}
	said := strings.Join(texts, "\n")
	for _, want := range []string{"an elliptic key, which signs alone", "for which we cannot encrypt", "its key usage does not say so", "none of our certificates signs now", "none of our certificates decrypts", "read by few stations"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in\n%s", want, said)
		}
	}
}
