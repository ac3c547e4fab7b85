package as2

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"net/textproto"
	"strings"
	"testing"
)

// What a receipt proves, for every way in which it may not.
func TestJudge(t *testing.T) {
	mic := MIC{NewDigest(crypto.SHA256), bytes.Repeat([]byte{1}, 32)}
	other := MIC{NewDigest(crypto.SHA256), bytes.Repeat([]byte{2}, 32)}
	foreign := MIC{NewDigest(crypto.SHA1), bytes.Repeat([]byte{1}, 20)}
	sent := Sent{MessageID: "<1@us>", From: "us", To: "them", MICs: []MIC{other, mic}, Receipt: Receipt{Wanted: true, Signed: true}}
	good := func() (*Request, *Received) {
		return &Request{From: "them", To: "us"}, &Received{
			Layers: []Layer{{Signer: them().cert}},
			MDN:    &MDN{OriginalMessageID: "<1@us>", Disposition: Processed, MIC: mic},
		}
	}
	for what, c := range map[string]struct {
		change func(*Request, *Received)
		want   Outcome
		reason string
	}{
		"right":                  {func(*Request, *Received) {}, Delivered, ""},
		"an id without brackets": {func(_ *Request, r *Received) { r.MDN.OriginalMessageID = " 1@us" }, Delivered, ""},
		"a warning":              {func(_ *Request, r *Received) { r.MDN.Disposition.Modifier = "warning" }, Delivered, "warning"},
		"another message":        {func(_ *Request, r *Received) { r.MDN.OriginalMessageID = "<2@us>" }, Foreign, "<2@us>"},
		"from another":           {func(h *Request, _ *Received) { h.From = "thrm" }, Foreign, "thrm"},
		"in another case":        {func(h *Request, _ *Received) { h.From = "Them" }, Foreign, "Them"},
		"not swapped":            {func(h *Request, _ *Received) { h.From, h.To = h.To, h.From }, Foreign, "us"},
		"names quoted again":     {func(h *Request, _ *Received) { h.From, h.To = `"`+h.From+`"`, `"`+h.To+`"` }, Delivered, ""},
		"no receipt":             {func(_ *Request, r *Received) { r.MDN = nil }, Foreign, "receipt"},
		"refused":                {func(_ *Request, r *Received) { r.MDN.Disposition = DispositionOf(errors.New("x")) }, Refused, "unexpected"},
		"displayed":              {func(_ *Request, r *Received) { r.MDN.Disposition.Type = "displayed" }, Refused, "displayed"},
		"another MIC":            {func(_ *Request, r *Received) { r.MDN.MIC.Value = bytes.Repeat([]byte{3}, 32) }, Mismatch, "MIC"},
		"a MIC nobody can read":  {func(_ *Request, r *Received) { r.MDN.MIC, r.MDN.MICUnread = MIC{}, true }, Mismatch, "MIC"},
		"a MIC under another":    {func(_ *Request, r *Received) { r.MDN.MIC = foreign }, Unproven, "sha-1"},
		"no MIC":                 {func(_ *Request, r *Received) { r.MDN.MIC = MIC{} }, Unproven, "no MIC"},
		"unsigned":               {func(_ *Request, r *Received) { r.Layers = nil }, Unproven, "not signed"},
		"known already": {func(_ *Request, r *Received) {
			r.MDN.MIC, r.MDN.Disposition = MIC{}, DispositionOf(&Problem{Word: DuplicateDocument})
		}, Delivered, "duplicate-document"},
		"known already, unsigned": {func(_ *Request, r *Received) {
			r.MDN.MIC, r.MDN.Disposition, r.Layers = MIC{}, DispositionOf(&Problem{Word: DuplicateDocument}), nil
		}, Unproven, "not signed"},
	} {
		h, r := good()
		c.change(h, r)
		got, reason := sent.Judge(h, r)
		if got != c.want || !strings.Contains(reason, c.reason) || (reason == "") != (c.reason == "") {
			t.Errorf("%s: %s, %q", what, got, reason)
		}
	}
	// Who asked for a receipt without a signature is owed no MIC; one that comes must be right.
	sent.Receipt.Signed = false
	for what, c := range map[string]struct {
		mic  MIC
		want Outcome
	}{"none": {MIC{}, Delivered}, "ours": {mic, Delivered}, "of other bytes": {MIC{mic.Digest, bytes.Repeat([]byte{3}, 32)}, Mismatch}} {
		h, r := good()
		r.Layers, r.MDN.MIC = nil, c.mic
		if got, reason := sent.Judge(h, r); got != c.want {
			t.Errorf("a receipt without a signature, MIC %s: %s, %q", what, got, reason)
		}
	}
}

// Receipts as other stations write them.
func TestReceiptsOfOthers(t *testing.T) {
	const notification = "Reporting-UA: x\r\nOriginal-Recipient: rfc822; \"Pak Log\"\r\nfinal-recipient : rfc822;\"Pak Log\"\r\n" +
		"Original-Message-ID: <1@us>\r\nDisposition: automatic-action/MDN-sent-automatically;\r\n processed\r\n" +
		"Received-content-MIC: 2912VxbDv2Q+pLgT6FI7KOfzH8M=, SHA1"
	report := func(kind, body string) string {
		return "Content-Type: x\r\n\r\n--r\r\nContent-Type: text/plain\r\n\r\nhello\r\n--r\r\nContent-Type: " + kind + "\r\n\r\n" + body + "\r\n--r--\r\n"
	}
	h := textproto.MIMEHeader{"Content-Type": {`multipart/report; Report-Type="disposition-notification"; boundary=r`}}
	for what, body := range map[string]string{
		"as it is":           report("message/disposition-notification", notification),
		"an empty line":      report("message/disposition-notification", "\r\n"+notification),
		"line feeds":         strings.ReplaceAll(report("message/disposition-notification", notification), "\r\n", "\n"),
		"no last delimiter":  strings.TrimSuffix(report("message/disposition-notification", notification+"\r\n"), "\r\n--r--\r\n"),
		"a third part":       strings.TrimSuffix(report("message/disposition-notification", notification), "--r--\r\n") + "--r\r\nContent-Type: text/rfc822-headers\r\n\r\nx\r\n--r--",
		"a type in capitals": report("Message/Disposition-Notification; charset=utf-8", notification),
	} {
		r, err := Read(h, strings.NewReader(body), Reading{})
		if err != nil || r.MDN == nil || r.MDN.OriginalMessageID != "<1@us>" || r.MDN.Recipient != "Pak Log" || r.MDN.Disposition != Processed || len(r.MDN.MIC.Value) != 20 || r.MDN.Text != "hello" {
			t.Errorf("%s: %+v, %v", what, r.MDN, err)
		}
	}
	for what, body := range map[string]string{
		"nothing":           "",
		"no notification":   report("text/html", notification),
		"no disposition":    report("message/disposition-notification", "Original-Message-ID: <1@us>"),
		"an odd one":        report("message/disposition-notification", "Disposition: yes"),
		"no fields":         report("message/disposition-notification", "hello"),
		"an endless header": report("message/disposition-notification", "A: "+strings.Repeat("x", 1<<20)),
	} {
		if r, err := Read(h, strings.NewReader(body), Reading{}); !isProblem(err) {
			t.Errorf("%s: %+v, %v", what, r.MDN, err)
		}
	}
}

// A receipt that another signed, or that was changed, is none.
func TestReceiptsAreVerified(t *testing.T) {
	a := Answer{To: &Request{From: "us", To: "them", MessageID: "<1@us>"}, MessageID: "<2@them>", Disposition: Processed, Sign: them().signing(crypto.SHA256)}
	h, body, err := a.Write()
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		body  []byte
		certs []*x509.Certificate
		word  string
	}{
		"changed":           {bytes.Replace(body, []byte("; processed"), []byte("; refused  "), 1), []*x509.Certificate{them().cert}, IntegrityCheckFailed},
		"signed by another": {body, []*x509.Certificate{us().cert}, AuthenticationFailed},
		"nobody to trust":   {body, nil, AuthenticationFailed},
	} {
		_, err := Read(h, bytes.NewReader(c.body), Reading{Certificates: c.certs})
		if DispositionOf(err).Detail != c.word {
			t.Errorf("%s: %v", what, err)
		}
	}
	// An old certificate beside the new one: both sign.
	if r, err := Read(h, bytes.NewReader(body), Reading{Certificates: []*x509.Certificate{us().cert, them().cert}}); err != nil || r.Signer() != them().cert {
		t.Errorf("%v, %v", r.Signer(), err)
	}
}
