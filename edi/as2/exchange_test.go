package as2

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/edi/cms"
)

// offered is a certificate of its own.
func offered(t testing.TB, serial int64, name pkix.Name) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: name, NotBefore: time.Unix(1_790_000_000, 0), NotAfter: time.Unix(1_890_000_000, 0)}
	raw, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func request(t testing.TB) CertRequest {
	t.Helper()
	at := time.Date(2026, 11, 30, 4, 0, 0, 0, time.UTC)
	one, two := offered(t, 7, pkix.Name{CommonName: "ACME, next", Organization: []string{"ACME & Söhne"}}), offered(t, 8, pkix.Name{CommonName: "ACME TLS"})
	return CertRequest{ID: "exchange-1", From: "PakLog", At: at, Trust: []TrustRequest{
		{Usages: []CertUsage{UsageSignature, UsageEncipherment}, RespondBy: at.AddDate(0, 0, 7), ResponseURL: "https://as2.acme.example/?a=1&b=2", Certificate: one},
		{Usages: []CertUsage{UsageTLSClient, UsageTLSServer}, ResponseURL: "https://as2.acme.example/", Certificate: two, Chain: []*x509.Certificate{us().cert}},
	}}
}

// parts are the documents of a message as its receiver has them.
func parts(t testing.TB, m Message, files []File) (*Received, []ExchangePart) {
	t.Helper()
	w := send(t, m, files...)
	var out []ExchangePart
	var bodies []*bytes.Buffer
	got, err := Read(w.header, bytes.NewReader(w.body), Reading{Keys: them().decrypter(), Certificates: []*x509.Certificate{us().cert}, Receipt: m.Receipt,
		Open: func(d Document) (io.Writer, error) {
			out, bodies = append(out, ExchangePart{Document: d}), append(bodies, &bytes.Buffer{})
			return bodies[len(bodies)-1], nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range bodies {
		out[i].Content = b.Bytes()
	}
	return got, out
}

func files(t testing.TB, f func() ([]File, error)) []File {
	t.Helper()
	out, err := f()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestACertificateExchangeComesBackAsItWasWritten(t *testing.T) {
	want := request(t)
	for _, base64 := range []bool{false, true} {
		m := message()
		m.Sign, m.Encrypt, m.Base64 = us().signing(crypto.SHA256), &cms.Encryption{Cipher: cms.AES256CBC, Recipients: []cms.Recipient{{Certificate: them().cert}}}, base64
		got, p := parts(t, m, files(t, want.Files))
		if got.Signer() == nil || len(p) != 3 || !InExchange(p[0].ContentType) {
			t.Fatalf("signer %v, parts %v", got.Signer(), p)
		}
		req, res, err := ReadExchange(p)
		if err != nil || res != nil || !reflect.DeepEqual(*req, want) {
			t.Fatalf("%v %v: %+v, want %+v", err, res, req, want)
		}
	}
	answer := CertResponse{ID: want.ID, From: "Partner", At: want.At, Trust: []TrustResponse{ResponseTo(want.Trust[0].Certificate, ""), ResponseTo(want.Trust[1].Certificate, "it is <ours> & no other's")}}
	got, p := parts(t, message(), files(t, answer.Files))
	if len(p) != 1 || got.MIC.Value == nil {
		t.Fatalf("%d parts", len(p))
	}
	req, res, err := ReadExchange(p)
	if err != nil || req != nil || !reflect.DeepEqual(*res, answer) {
		t.Fatalf("%v: %+v, want %+v", err, res, answer)
	}
	for i, v := range res.Trust {
		if !v.Of(want.Trust[i].Certificate) || v.Of(want.Trust[1-i].Certificate) {
			t.Errorf("verdict %d is not on its certificate alone", i)
		}
	}
}

// TestAnAnswerIsMultipart: stations look for the type in a multipart/related, of
// an answer too.
func TestAnAnswerIsMultipart(t *testing.T) {
	c := request(t).Trust[0].Certificate
	w := send(t, message(), files(t, CertResponse{ID: "1", From: "x", Trust: []TrustResponse{ResponseTo(c, "")}}.Files)...)
	kind, params := media(w.header.Get("Content-Type"))
	if kind != "multipart/related" || params["type"] != ExchangeType {
		t.Errorf("it is sent as %s", w.header.Get("Content-Type"))
	}
}

// TestExchangesAsOthersWriteThem reads other prefixes, names of issuers, ids and dates.
func TestExchangesAsOthersWriteThem(t *testing.T) {
	c := offered(t, 7, pkix.Name{CommonName: "ACME, next", Organization: []string{"ACME"}, Country: []string{"DE"}})
	for _, x := range []struct{ issuer, id, at string }{
		{"CN=ACME\\, next,O=ACME,C=DE", "a@b", "2026-11-30T04:00:00Z"},
		{"C=DE, O=ACME, CN=\"ACME, next\"", "<a@b>", "2026-11-30T04:00:00.123+01:00"},
		{"cn=acme\\, NEXT , E=edi@acme.example, o=ACME", "cid:a@b", "2026-11-30T04:00:00"},
	} {
		said := fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<!-- a comment --><c:EDIINTCertificateExchangeRequest xmlns:c=%q xmlns:s=%q requestId=" 4711 ">
<c:TradingPartnerInfo><c:Name qualifier="AS2">ACME</c:Name><c:MessageOriginated>%s</c:MessageOriginated></c:TradingPartnerInfo>
<c:TrustRequest><c:CertUsage> digitalSignature </c:CertUsage><c:CertUsage>somethingNew</c:CertUsage><c:ResponseURL>http://x/</c:ResponseURL>
<c:EndEntity><c:CertificateIdentifier><s:X509IssuerName>%s</s:X509IssuerName><s:X509SerialNumber> 7 </s:X509SerialNumber></c:CertificateIdentifier>
<c:CertificateContentID>%s</c:CertificateContentID></c:EndEntity><c:Extra>skipped</c:Extra></c:TrustRequest></c:EDIINTCertificateExchangeRequest>`,
			exchangeSpace, dsigSpace, x.at, strings.ReplaceAll(x.issuer, "<", "&lt;"), strings.ReplaceAll(x.id, "<", "&lt;"))
		req, _, err := ReadExchange([]ExchangePart{{Document{ContentID: "<a@b>"}, cms.CertificatesOnly(us().cert, c)}, {Document{ContentType: ExchangeType + "; charset=utf-8"}, []byte(said)}})
		if err != nil {
			t.Errorf("%v: %v", x, err)
			continue
		}
		if tr := req.Trust[0]; req.ID != "4711" || !tr.Certificate.Equal(c) || len(tr.Chain) != 1 || !tr.Usages[0].Known() || tr.Usages[1].Known() {
			t.Errorf("%v: %+v", x, req)
		}
	}
}

func TestExchangesThatAreRefused(t *testing.T) {
	good := request(t)
	_, whole := parts(t, message(), files(t, good.Files))
	text := string(whole[0].Content)
	with := func(old, repl string) []ExchangePart {
		if !strings.Contains(text, old) {
			t.Fatalf("%q is not there", old)
		}
		out := append([]ExchangePart{}, whole...)
		out[0].Content = []byte(strings.Replace(text, old, repl, 1))
		return out
	}
	bomb := `<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>`
	outside := `<!DOCTYPE b [<!ENTITY x SYSTEM "file:///etc/passwd">]>`
	other := whole[1]
	other.Content = cms.CertificatesOnly(us().cert)
	renamed := whole[1]
	renamed.ContentID = "<other@x>"
	torn := whole[1]
	torn.Content = torn.Content[:len(torn.Content)/2]
	big := whole[1]
	big.Content = make([]byte, 10<<20)
	answered, err := (CertResponse{ID: "1", From: "x", Trust: []TrustResponse{ResponseTo(us().cert, "")}}).Files()
	if err != nil {
		t.Fatal(err)
	}
	_, response := parts(t, message(), answered)
	wrong := append([]ExchangePart{}, response...)
	wrong[0].Content = bytes.Replace(wrong[0].Content, []byte("Accepted"), []byte("Perhaps"), 1)
	for name, c := range map[string]struct {
		parts []ExchangePart
		why   string
	}{
		"nothing":                {nil, "says what it is about"},
		"certificates alone":     {whole[1:], "says what it is about"},
		"a bomb":                 {with("<EDIINT", bomb+"<EDIINT"), "document type"},
		"an entity":              {with("<EDIINT", outside+"<EDIINT"), "document type"},
		"an unknown entity":      {with("PakLog", "&x;"), "entity"},
		"another encoding":       {with("UTF-8", "UTF-16"), "encoding"},
		"depth":                  {with("<TradingPartnerInfo", strings.Repeat("<x>", 1_000)+"<TradingPartnerInfo"), "deep"},
		"cut":                    {with("</EDIINTCertificateExchangeRequest>", ""), "EOF"},
		"another root":           {with(exchangeSpace, "urn:x"), "neither request nor response"},
		"no id":                  {with(`requestId="exchange-1"`, ""), "requestId"},
		"no date":                {with("2026-11-30T04:00:00Z", "yesterday"), "yesterday"},
		"no usage":               {with("CertUsage", "Usage"), "syntax"},
		"no serial":              {with(">7<", ">0x7<"), "decimal"},
		"another serial":         {with(">7<", ">9<"), "none of serial number 9"},
		"another issuer":         {with("CN=ACME", "CN=EMCA"), "none of serial number 7"},
		"no such part":           {with("certificate-1@", "certificate-9@"), "no part has"},
		"another id of the part": {[]ExchangePart{whole[0], renamed, whole[2]}, "no part has"},
		"an id twice":            {[]ExchangePart{whole[0], whole[1], whole[1]}, "two parts"},
		"another certificate":    {[]ExchangePart{whole[0], other, whole[2]}, "none of serial number"},
		"a torn part":            {[]ExchangePart{whole[0], torn, whole[2]}, "cms"},
		"a part of 10 MB":        {[]ExchangePart{whole[0], big, whole[2]}, "at most"},
		"two requests":           {append([]ExchangePart{whole[0]}, whole...), "two requests"},
		"a verdict of neither":   {wrong, "neither Accepted nor Rejected"},
	} {
		req, res, err := ReadExchange(c.parts)
		var p *Problem
		if !errors.As(err, &p) || req != nil || res != nil || p.Word != UnexpectedProcessingError || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v %v, error %v, which does not say %q", name, req, res, err, c.why)
		}
	}
}

// TestOneCertificateIsOfferedOnce: two usages of one certificate are one request.
func TestOneCertificateIsOfferedOnce(t *testing.T) {
	twice := request(t)
	twice.Trust[1].Certificate = twice.Trust[0].Certificate
	_, p := parts(t, message(), files(t, twice.Files))
	if _, _, err := ReadExchange(p); err == nil || !strings.Contains(err.Error(), "of one before it") {
		t.Errorf("%v", err)
	}
}

func TestWhatCannotBeWritten(t *testing.T) {
	r := request(t)
	r.Trust[0].Certificate = nil
	if _, err := r.Files(); err == nil {
		t.Error("a request without its certificate was written")
	}
	if _, err := (CertResponse{Trust: []TrustResponse{{}}}).Files(); err == nil {
		t.Error("a verdict without its certificate was written")
	}
	r = request(t)
	r.ID = "a\r\nBcc: x"
	if _, err := message().Prepare(files(t, r.Files)...); err == nil {
		t.Error("a line end in an id was written")
	}
}

// TestCertificatesOnlyByOpenSSL: what is written there is read here, and back.
func TestCertificatesOnlyByOpenSSL(t *testing.T) {
	tool, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	dir := t.TempDir()
	cert, _ := us().pem(t)
	theirs, ours := filepath.Join(dir, "theirs.p7c"), filepath.Join(dir, "ours.p7c")
	if out, err := exec.CommandContext(t.Context(), tool, "crl2pkcs7", "-nocrl", "-certfile", cert, "-outform", "DER", "-out", theirs).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	raw, err := os.ReadFile(theirs)
	if err != nil {
		t.Fatal(err)
	}
	got, err := cms.ReadCertificates(bytes.NewReader(raw), cms.Limits{})
	if err != nil || len(got) != 1 || !got[0].Equal(us().cert) {
		t.Fatalf("%v: %v", err, got)
	}
	if err := os.WriteFile(ours, cms.CertificatesOnly(us().cert, them().cert), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), tool, "pkcs7", "-inform", "DER", "-in", ours, "-print_certs").CombinedOutput()
	if err != nil || bytes.Count(out, []byte("BEGIN CERTIFICATE")) != 2 {
		t.Errorf("%v: %s", err, out)
	}
}

func FuzzReadExchange(f *testing.F) {
	r := request(f)
	made, err := r.Files()
	if err != nil {
		f.Fatal(err)
	}
	said, _ := io.ReadAll(made[0].Content)
	p7, _ := io.ReadAll(made[1].Content)
	f.Add(said, p7)
	f.Fuzz(func(_ *testing.T, said, p7 []byte) {
		_, _, _ = ReadExchange([]ExchangePart{{Document{ContentType: ExchangeType}, said}, {Document{ContentID: "certificate-1@exchange-1"}, p7}})
	})
}
