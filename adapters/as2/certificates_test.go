package as2

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"io"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/trust"
	"github.com/paklog/hub/edi/as2"
	"github.com/paklog/hub/edi/cms"
)

// asks is a message of the partner that asks to trust a certificate.
func (r *rig) asks(id string, c Certificate, usages []as2.CertUsage, change ...func(*as2.Message)) (textproto.MIMEHeader, []byte) {
	r.t.Helper()
	files, err := as2.CertRequest{ID: "r-" + id, From: "ACME AS2", At: time.Now(), Trust: []as2.TrustRequest{{Usages: usages, RespondBy: time.Now().Add(time.Hour), ResponseURL: "http://acme/", Certificate: c.Certificate}}}.Files()
	if err != nil {
		r.t.Fatal(err)
	}
	return r.says("<"+id+"@acme>", files, change...)
}

// says is a message of the partner with these files.
func (r *rig) says(id string, files []as2.File, change ...func(*as2.Message)) (textproto.MIMEHeader, []byte) {
	r.t.Helper()
	m := as2.Message{
		From: "ACME AS2", To: "OURS", MessageID: id, Date: time.Now(), ReplyTo: "acme",
		Receipt: as2.Receipt{Wanted: true, Signed: true, Digests: []as2.Digest{as2.NewDigest(crypto.SHA256)}},
		Sign:    &cms.Signing{Certificate: r.theirs.Certificate, Key: r.theirs.Key, Digest: crypto.SHA256},
		Encrypt: &cms.Encryption{Cipher: cms.AES128CBC, Recipients: []cms.Recipient{{Certificate: r.ours.Certificate}}},
	}
	for _, f := range change {
		f(&m)
	}
	w, err := m.Prepare(files...)
	if err != nil {
		r.t.Fatal(err)
	}
	var body bytes.Buffer
	if _, err := w.Body(&body); err != nil {
		r.t.Fatal(err)
	}
	return w.Header, body.Bytes()
}

var bothUses = []as2.CertUsage{as2.UsageSignature, as2.UsageEncipherment}

func TestAnOfferIsReadAndIsNoDocument(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"", ExchangeManual, ExchangeAuto} {
		r := newRig(t, func(_ *Config, p *Profile) { p.Exchange = policy })
		next := certificate(t, "next", newKey(t))
		h, body := r.asks("1", next, bothUses)
		if v := r.verdict(r.post(h, bytes.NewReader(body))); v != "processed" {
			t.Fatal(v)
		}
		if len(r.desk.said) != 1 || len(r.desk.documents) != 0 {
			t.Fatalf("%d exchanges, %d documents", len(r.desk.said), len(r.desk.documents))
		}
		o := r.desk.said[0].Offer
		if o.Request != "r-1" || o.Auto != (policy == ExchangeAuto) || o.Signer != fingerprint(r.theirs.Certificate) || len(o.Certificates) != 1 {
			t.Fatalf("%+v", o)
		}
		if c := o.Certificates[0]; c.ID != fingerprint(next.Certificate) || !bytes.Equal(c.DER, next.Raw) || len(c.Usages) != 2 || c.Wrong != "" || c.RespondBy.IsZero() {
			t.Errorf("%+v", c)
		}
		if x := r.desk.said[0].Exchange; x.Raw == nil || len(x.Files) != 2 {
			t.Errorf("what came is not kept: %+v", x)
		}
	}
}

// TestHostileExchanges: each is refused, and the desk hears of no certificate.
func TestHostileExchanges(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(_ *Config, p *Profile) {
		p.RequireSigned, p.RequireEncrypted, p.Exchange = false, false, ExchangeAuto
	})
	next, stranger := certificate(t, "next", newKey(t)), certificate(t, "stranger", newKey(t))
	by := func(c Certificate) func(*as2.Message) {
		return func(m *as2.Message) {
			m.Sign = &cms.Signing{Certificate: c.Certificate, Key: c.Key, Digest: crypto.SHA256}
		}
	}
	plain := func(m *as2.Message) { m.Sign, m.Encrypt = nil, nil }
	secret := func(m *as2.Message) { m.Sign = nil }
	made := func(change func(text string) string) []as2.File {
		files, err := as2.CertRequest{ID: "r", From: "ACME AS2", At: time.Now(), Trust: []as2.TrustRequest{{Usages: bothUses, ResponseURL: "http://acme/", Certificate: next.Certificate}}}.Files()
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(files[0].Content)
		files[0].Content = strings.NewReader(change(string(text)))
		return files
	}
	same := func(s string) string { return s }
	long := made(same)
	long[1].Content = bytes.NewReader(make([]byte, 900<<10))
	for name, c := range map[string]struct {
		files   []as2.File
		change  func(*as2.Message)
		verdict string
	}{
		"unsigned":             {made(same), plain, as2.InsufficientMessageSecurity},
		"encrypted alone":      {made(same), secret, as2.InsufficientMessageSecurity},
		"by a stranger":        {made(same), by(stranger), as2.AuthenticationFailed},
		"by what it offers":    {made(same), by(next), as2.AuthenticationFailed},
		"in another's name":    {made(func(s string) string { return strings.Replace(s, "ACME AS2", "EMCA", 1) }), nil, as2.UnexpectedProcessingError},
		"a bomb":               {made(func(s string) string { return strings.Replace(s, "<EDI", "<!DOCTYPE x [<!ENTITY a \"b\">]><EDI", 1) }), nil, as2.UnexpectedProcessingError},
		"another content id":   {made(func(s string) string { return strings.Replace(s, "certificate-1@", "certificate-2@", 1) }), nil, as2.UnexpectedProcessingError},
		"no XML":               {made(func(string) string { return "{}" }), nil, as2.UnexpectedProcessingError},
		"a part that is long":  {long, nil, as2.UnexpectedProcessingError},
		"without certificates": {made(same)[:1], nil, as2.UnexpectedProcessingError},
	} {
		var change []func(*as2.Message)
		if c.change != nil {
			change = append(change, c.change)
		}
		h, body := r.says("<"+strings.ReplaceAll(name, " ", "-")+"@acme>", c.files, change...)
		if v := r.verdict(r.post(h, bytes.NewReader(body))); !strings.HasSuffix(v, c.verdict) {
			t.Errorf("%s: %s, want %s", name, v, c.verdict)
		}
	}
	// Longer than any message may be, it is not read at all.
	long[1].Content = bytes.NewReader(make([]byte, 10<<20))
	long[0].Content = strings.NewReader("x")
	h, body := r.says("<10MB@acme>", long)
	if a, err := r.attempt(h, bytes.NewReader(body)); err == nil && a.status != 413 {
		t.Errorf("10 MB: status %d", a.status)
	}
	if len(r.desk.said) != 0 || len(r.desk.documents) != 0 {
		t.Errorf("the hub heard %+v, %d documents", r.desk.said, len(r.desk.documents))
	}
	// The same id with other content.
	h, body = r.asks("9", next, bothUses)
	r.post(h, bytes.NewReader(body))
	h, body = r.asks("9", stranger, bothUses)
	if v := r.verdict(r.post(h, bytes.NewReader(body))); !strings.HasSuffix(v, as2.InvalidMessageID) || len(r.desk.said) != 1 {
		t.Errorf("a replay with other content: %s, %d exchanges", v, len(r.desk.said))
	}
}

func TestCertificatesThatNobodyMayAccept(t *testing.T) {
	t.Parallel()
	roots := x509.NewCertPool()
	r := newRig(t, func(_ *Config, p *Profile) { p.Roots = roots })
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	elliptical, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	usage := func(u x509.KeyUsage) func(*x509.Certificate) { return func(c *x509.Certificate) { c.KeyUsage = u } }
	key := newKey(t)
	for i, c := range []struct {
		Certificate
		usages []as2.CertUsage
		wrong  string
	}{
		{certificate(t, "good", key), bothUses, ""},
		{certificate(t, "to come", key, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(24 * time.Hour) }), bothUses, ""},
		{certificate(t, "elliptic", elliptical), []as2.CertUsage{as2.UsageSignature}, ""},
		{certificate(t, "old", key, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), bothUses, "expired"},
		{certificate(t, "signs", key, usage(x509.KeyUsageDigitalSignature)), bothUses, "keyEncipherment: its key usage"},
		{certificate(t, "hides", key, usage(x509.KeyUsageKeyEncipherment)), bothUses, "digitalSignature: its key usage"},
		{certificate(t, "elliptic", elliptical), bothUses, "signs alone"},
		{certificate(t, "short", short), bothUses, "1024 bits"},
		{Certificate{Certificate: r.ours.Certificate}, bothUses, "of ours"},
		{certificate(t, "TLS", key), []as2.CertUsage{as2.UsageTLSServer}, "set up as ca"},
		{certificate(t, "new", key), []as2.CertUsage{"codeSigning"}, "codeSigning: not known"},
	} {
		h, body := r.asks(fmt.Sprint(i), c.Certificate, c.usages)
		if v := r.verdict(r.post(h, bytes.NewReader(body))); v != "processed" {
			t.Fatal(v)
		}
		got := r.desk.said[i].Offer.Certificates[0].Wrong
		if got != c.wrong && (c.wrong == "" || !strings.Contains(got, c.wrong)) {
			t.Errorf("%s for %v: %q, want %q", c.Subject, c.usages, got, c.wrong)
		}
	}
}

func entry(c Certificate, status string, usages ...string) trust.Entry {
	x := exchanged(c.Certificate)
	x.Usages = usages
	return trust.Entry{Certificate: x, Status: status, Since: time.Now()}
}

// TestWhatWasAcceptedCountsBesideTheConfiguration: signatures by either verify, one that waits or was
// rejected does not, and the new one is encrypted for.
func TestWhatWasAcceptedCountsBesideTheConfiguration(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	old, next := r.theirs, certificate(t, "next", newKey(t))
	try := func(id string) string {
		h, body := r.message(id, order)
		return r.verdict(r.post(h, bytes.NewReader(body)))
	}
	r.theirs = next
	for i, status := range []string{"", trust.StatusPending, trust.StatusRejected, trust.StatusAccepted} {
		r.desk.certs = trust.Exchange{Theirs: []trust.Entry{entry(next, status, "digitalSignature", "keyEncipherment")}}
		want := "processed " + as2.AuthenticationFailed
		if status == trust.StatusAccepted {
			want = "processed"
		}
		if v := try(fmt.Sprintf("<%d@acme>", i)); v != want {
			t.Errorf("%q: %s, want %s", status, v, want)
		}
	}
	r.desk.certs.Theirs[0].Usages = []string{"keyEncipherment"}
	if v := try("<5@acme>"); v != "processed "+as2.AuthenticationFailed {
		t.Errorf("one that is to encrypt for signs: %s", v)
	}
	r.theirs = old
	if v := try("<6@acme>"); v != "processed" {
		t.Errorf("the one before no longer holds: %s", v)
	}
	p := r.station.cfg.Partners["ACME"].with(r.desk.certs)
	if c, ok := certificates(p.Certificates).current(ForSecrecy, time.Now()); !ok || !c.Equal(next.Certificate) {
		t.Errorf("it is encrypted for %v", c.Subject)
	}
	if n := len(r.station.cfg.Partners["ACME"].Certificates); n != 1 {
		t.Errorf("the profile itself has %d certificates", n)
	}
}

// TestOursSignsOnceItIsAccepted: before and after, and where it is the only one.
func TestOursSignsOnceItIsAccepted(t *testing.T) {
	t.Parallel()
	var next Certificate
	r := newRig(t, func(c *Config, _ *Profile) {
		next = certificate(t, "next", newKey(t))
		next.From = time.Now().AddDate(1, 0, 0) // by itself in a year
		c.Own = append(c.Own, next)
	})
	signs := func(status string, usages ...string) string {
		c, ok := r.station.signsFor(trust.Exchange{Ours: []trust.Entry{entry(next, status, usages...)}}, time.Now().Add(time.Second))
		return fmt.Sprint(c.Subject.CommonName, ok)
	}
	for _, c := range []struct{ status, usage, want string }{
		{trust.StatusPending, "digitalSignature", "ours"}, {trust.StatusRejected, "digitalSignature", "ours"},
		{trust.StatusAccepted, "keyEncipherment", "ours"}, {trust.StatusAccepted, "digitalSignature", "next"},
	} {
		if got := signs(c.status, c.usage); got != c.want+"true" {
			t.Errorf("%s for %s: %s signs, want %s", c.status, c.usage, got, c.want)
		}
	}
	// The one that all use does not stop to sign because it is offered to somebody.
	only, ok := r.station.signsFor(trust.Exchange{Ours: []trust.Entry{entry(r.ours, trust.StatusPending, "digitalSignature")}}, time.Now())
	if !ok || !only.Equal(r.ours.Certificate) {
		t.Errorf("%v %v", only.Subject, ok)
	}
	if _, err := r.station.Own(fingerprint(next.Certificate)[:7]); err == nil {
		t.Error("seven characters name a certificate")
	}
	if c, err := r.station.Own(fingerprint(next.Certificate)[:8]); err != nil || len(c.Usages) != 2 || c.Wrong != "" {
		t.Errorf("%v %+v", err, c)
	}
}

// TestAnswersAreReadAndWritten: his by us, and ours by him, signed whatever is agreed of documents.
func TestAnswersAreReadAndWritten(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.station.cfg.Partners["ACME"]
	if p.Sign != 0 {
		t.Fatal("the profile signs")
	}
	files, err := as2.CertResponse{ID: "o1", From: "ACME AS2", At: time.Now(), Trust: []as2.TrustResponse{as2.ResponseTo(r.ours.Certificate, ""), as2.ResponseTo(r.theirs.Certificate, "why not")}}.Files()
	if err != nil {
		t.Fatal(err)
	}
	h, body := r.says("<1@acme>", files)
	if v := r.verdict(r.post(h, bytes.NewReader(body))); v != "processed" || len(r.desk.said) != 1 {
		t.Fatal(v)
	}
	a := r.desk.said[0].Answer
	if want := (door.CertificateVerdict{Accepted: true, Issuer: "CN=ours", Serial: r.ours.SerialNumber.String()}); a.Request != "o1" || len(a.Verdicts) != 2 || a.Verdicts[0] != want || a.Verdicts[1].Reason != "why not" {
		t.Errorf("%+v", a)
	}
	for _, answer := range []bool{false, true} {
		s, err := r.station.Pack(t.Context(), "ACME", "7", door.Content{Certificates: &door.CertificateMessage{Request: "r7", Answer: answer, Entries: []trust.Entry{entry(r.theirs, trust.StatusRejected, "digitalSignature")}}}, trust.Exchange{})
		if err != nil {
			t.Fatal(err)
		}
		if s.Own == nil || !strings.HasPrefix(s.Headers["Content-Type"][0], "multipart/signed") {
			t.Errorf("a profile that signs nothing leaves it unsigned: %v", s.Headers)
		}
		raw, err := r.store.Open(t.Context(), s.Body)
		if err != nil {
			t.Fatal(err)
		}
		var parts []as2.ExchangePart
		var bodies []*bytes.Buffer
		_, err = as2.Read(textproto.MIMEHeader(s.Headers), raw, as2.Reading{Certificates: []*x509.Certificate{r.ours.Certificate}, Open: func(d as2.Document) (io.Writer, error) {
			parts, bodies = append(parts, as2.ExchangePart{Document: d}), append(bodies, &bytes.Buffer{})
			return bodies[len(bodies)-1], nil
		}})
		raw.Close()
		if err != nil {
			t.Fatal(err)
		}
		for i := range parts {
			parts[i].Content = bodies[i].Bytes()
		}
		req, res, err := as2.ReadExchange(parts)
		switch {
		case err != nil:
			t.Error(err)
		case answer && (res == nil || res.ID != "r7" || res.From != "OURS" || res.Trust[0].Accepted || res.Trust[0].Reason != "not trusted"):
			t.Errorf("%+v", res)
		case !answer && (req == nil || !req.Trust[0].Certificate.Equal(r.theirs.Certificate)):
			t.Errorf("%+v", req)
		}
	}
}
