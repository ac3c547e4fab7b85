package as2

import (
	"bytes"
	"crypto"
	"io"
	"net/textproto"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/paklog/hub/edi/cms"
)

// FuzzRead reads any body under any content type: no panic, a verdict in every
// case, the same one however the bytes come, and an answer that can be written.
func FuzzRead(f *testing.F) {
	m := message()
	for _, sign := range []*cms.Signing{nil, us().signing(crypto.SHA256)} {
		for _, compress := range []Compression{Uncompressed, CompressBeforeSign, CompressAfterSign} {
			for _, opaque := range []bool{false, true} {
				m.Sign, m.Compress, m.Opaque = sign, compress, opaque
				w := send(f, m, edi([]byte("ISA*00*\n")), edi([]byte("ISA*01*\r\n")))
				f.Add(w.header.Get("Content-Type"), w.header.Get("Content-Transfer-Encoding"), w.body)
			}
		}
	}
	h, body, err := Answer{To: &Request{From: "a", To: "b", MessageID: "<1@a>"}, Disposition: Processed, Sign: us().signing(crypto.SHA256)}.Write()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(h.Get("Content-Type"), "", body)
	f.Fuzz(func(t *testing.T, kind, encoding string, body []byte) {
		h := textproto.MIMEHeader{"Content-Type": {kind}, "Content-Transfer-Encoding": {encoding}, "As2-From": {"a"}, "As2-To": {"b"}, "Message-Id": {"<1@a>"}}
		read := func(r io.Reader) (*Received, string, error) {
			var out strings.Builder
			got, err := Read(h, r, Reading{Certificates: theirs(Receipt{}, nil).Certificates, Limits: cms.Limits{Decompressed: 1 << 20},
				Open: func(Document) (io.Writer, error) { return &out, nil }})
			return got, out.String(), err
		}
		whole, content, err := read(bytes.NewReader(body))
		if err != nil && !isProblem(err) {
			t.Fatalf("no verdict: %v", err)
		}
		pieces, content2, err2 := read(iotest.OneByteReader(bytes.NewReader(body)))
		if (err == nil) != (err2 == nil) || err == nil && (content != content2 || !bytes.Equal(whole.MIC.Value, pieces.MIC.Value)) {
			t.Fatalf("whole: %q, %v; in pieces: %q, %v", content, err, content2, err2)
		}
		if err == nil && whole.MDN == nil && len(whole.MIC.Value) == 0 {
			t.Fatal("read without a MIC")
		}
		req, err3 := ParseRequest(h)
		if err3 != nil {
			t.Fatal(err3)
		}
		ah, answer, err3 := Answer{To: req, MessageID: "<2@b>", Disposition: DispositionOf(err), MIC: whole.MIC}.Write()
		if err3 != nil {
			t.Fatal(err3)
		}
		back, err3 := Read(ah, bytes.NewReader(answer), Reading{})
		if err3 != nil || back.MDN == nil || back.MDN.Disposition != DispositionOf(err) || len(whole.MIC.Value) > 0 && !back.MDN.MIC.Equal(whole.MIC) {
			t.Fatalf("the answer %s is read as %+v, %v", answer, back.MDN, err3)
		}
	})
}

// FuzzHeaders: what ParseRequest takes is written and read again as the same.
func FuzzHeaders(f *testing.F) {
	f.Add(`"Pak Log"`, "<1@a>", "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, sha256", `attachment; filename="x.edi"`)
	f.Add("a", "1", "", "attachment; filename*=UTF-8''%41")
	f.Fuzz(func(t *testing.T, name, id, options, disposition string) {
		h := textproto.MIMEHeader{"As2-From": {name}, "As2-To": {name}, "Message-Id": {id}, "Disposition-Notification-To": {"x"}, "Disposition-Notification-Options": {options}}
		r, err := ParseRequest(h)
		if err == nil {
			if again, err := ParseName(QuoteName(r.From)); err != nil || again != r.From && strings.TrimSpace(r.From) == r.From {
				t.Fatalf("name %q is %q, written %q, read %q, %v", name, r.From, QuoteName(r.From), again, err)
			}
		}
		safe := SafeName(fileName(textproto.MIMEHeader{"Content-Disposition": {disposition}, "Content-Type": {options}}))
		if strings.ContainsAny(safe, "/\\\x00\r\n") || safe == "." || safe == ".." || len(safe) > 255 {
			t.Fatalf("%q is no safe name", safe)
		}
	})
}
