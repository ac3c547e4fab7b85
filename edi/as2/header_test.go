package as2

import (
	"crypto"
	"errors"
	"fmt"
	"net/textproto"
	"reflect"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	for in, want := range map[string]string{
		"paklog": "paklog", " paklog ": "paklog", `"paklog"`: "paklog", `"Pak Log"`: "Pak Log", "Pak Log": "Pak Log",
		`"a\"b"`: `a"b`, `"a\\b"`: `a\b`, `A`: "A", `"`: `"`, strings.Repeat("x", 128): strings.Repeat("x", 128),
	} {
		got, err := ParseName(in)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
		if again, err := ParseName(QuoteName(got)); in != `"` && (err != nil || again != got) {
			t.Errorf("%q becomes %q and %q, %v", got, QuoteName(got), again, err)
		}
	}
	for _, in := range []string{"", " ", `""`, "a\tb", "m\u00fcller", strings.Repeat("x", 129), "a\x7f"} {
		if got, err := ParseName(in); err == nil {
			t.Errorf("%q was taken as %q", in, got)
		}
	}
}

func TestReceiptOptions(t *testing.T) {
	sha := func(names ...string) (out []Digest) {
		for _, n := range names {
			d, _ := ParseDigest(n)
			out = append(out, d)
		}
		return out
	}
	for in, want := range map[string]Receipt{
		"": {Wanted: true},
		"signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, sha-256":            {Wanted: true, Signed: true, Digests: sha("sha-256")},
		"signed-receipt-protocol=required,pkcs7-signature;signed-receipt-micalg=required,SHA1,MD5;":             {Wanted: true, Signed: true, Required: true, Digests: sha("SHA1"), Unknown: []string{"md5"}},
		"Signed-Receipt-Protocol = Optional , PKCS7-Signature ;\r\n\tsigned-receipt-micalg = optional , sha512": {Wanted: true, Signed: true, Digests: sha("sha512")},
		"signed-receipt-protocol=pkcs7-signature":                                                               {Wanted: true, Signed: true},
		"signed-receipt-micalg=sha_384":                                                                         {Wanted: true, Signed: true, Digests: sha("sha_384")},
		`signed-receipt-protocol="optional", "pkcs7-signature"; signed-receipt-micalg="optional", "sha256"`:     {Wanted: true, Signed: true, Digests: sha("sha256")},
		"signed-receipt-micalg=optional, pkcs7-signature; signed-receipt-protocol=optional, pkcs7-signature":    {Wanted: true, Signed: true},
		"nonsense": {Wanted: true},
		";;;=;":    {Wanted: true},
	} {
		h := textproto.MIMEHeader{"Disposition-Notification-To": {"x"}, "Disposition-Notification-Options": {in}}
		if got := receipt(h); !reflect.DeepEqual(got, want) {
			t.Errorf("%q:\n%+v, want\n%+v", in, got, want)
		}
	}
	if r := receipt(textproto.MIMEHeader{"Disposition-Notification-Options": {"signed-receipt-protocol=required, pkcs7-signature"}}); r.Wanted || r.Signed {
		t.Errorf("nobody to tell, and yet %+v", r)
	}
	h := textproto.MIMEHeader{"Disposition-Notification-To": {"x"}, "Receipt-Delivery-Option": {" https://partner/mdn "}}
	if r := receipt(h); r.AsyncTo != "https://partner/mdn" {
		t.Errorf("%+v", r)
	}
	asked := Receipt{Wanted: true, Signed: true, Required: true, Digests: sha("sha-512", "sha1")}
	h.Set("Disposition-Notification-Options", asked.options())
	h.Del("Receipt-Delivery-Option")
	if got := receipt(h); !reflect.DeepEqual(got, asked) {
		t.Errorf("%q is read as %+v", asked.options(), got)
	}
}

func TestRequestsThatAreNotRight(t *testing.T) {
	good := func() textproto.MIMEHeader {
		return textproto.MIMEHeader{"As2-From": {"a"}, "As2-To": {"b"}, "Message-Id": {"<1@a>"}}
	}
	if r, err := ParseRequest(good()); err != nil || r.From != "a" || r.To != "b" || r.MessageID != "<1@a>" || r.Version != "1.0" {
		t.Errorf("%+v, %v", r, err)
	}
	for what, change := range map[string]func(textproto.MIMEHeader){
		"no sender":         func(h textproto.MIMEHeader) { h.Del("As2-From") },
		"two receivers":     func(h textproto.MIMEHeader) { h.Add("As2-To", "c") },
		"an empty receiver": func(h textproto.MIMEHeader) { h.Set("As2-To", `""`) },
		"no id":             func(h textproto.MIMEHeader) { h.Del("Message-Id") },
		"a long id":         func(h textproto.MIMEHeader) { h.Set("Message-Id", "<"+strings.Repeat("x", 998)+">") },
		"an id of two":      func(h textproto.MIMEHeader) { h.Set("Message-Id", "<1@a> <2@a>") },
		"an id in Latin-1":  func(h textproto.MIMEHeader) { h.Set("Message-Id", "<\xfc@a>") },
	} {
		h := good()
		change(h)
		if r, err := ParseRequest(h); err == nil || r == nil {
			t.Errorf("%s: %+v was taken", what, r)
		}
	}
	// Ids without brackets are repeated as they are.
	h := good()
	h.Set("Message-Id", "mid:1@a")
	if r, err := ParseRequest(h); err != nil || r.MessageID != "mid:1@a" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestDispositions(t *testing.T) {
	for in, want := range map[string]Disposition{
		"automatic-action/MDN-sent-automatically; processed":                                       {automatic, "processed", "", ""},
		"automatic-action/MDN-sent-automatically;processed":                                        {automatic, "processed", "", ""}, // Camel
		"manual-action/MDN-sent-manually; Processed/Error: Decryption-failed":                      {"manual-action/MDN-sent-manually", "processed", "error", "Decryption-failed"},
		"automatic-action/MDN-sent-automatically; processed/warning: duplicate-document":           {automatic, "processed", "warning", "duplicate-document"},
		"automatic-action/MDN-sent-automatically; failed/Failure: unsupported format":              {automatic, "failed", "failure", "unsupported format"},
		"automatic-action/MDN-sent-automatically ; processed / error : a: b":                       {automatic, "processed", "error", "a: b"},
		"automatic-action/MDN-sent-automatically; processed/error,warning: integrity-check-failed": {automatic, "processed", "error", "integrity-check-failed"},
		"automatic-action/MDN-sent-automatically; displayed":                                       {automatic, "displayed", "", ""},
	} {
		got, err := ParseDisposition(in)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v", in, got, err)
		}
		if accepted := want.Type == "processed" && want.Modifier != "error"; got.Accepted() != accepted {
			t.Errorf("%q: accepted %v", in, got.Accepted())
		}
		if again, err := ParseDisposition(got.String()); err != nil || again != got {
			t.Errorf("%q becomes %q and %+v", in, got, again)
		}
	}
	for _, in := range []string{"", "processed", "automatic-action/MDN-sent-automatically;", ";/error"} {
		if got, err := ParseDisposition(in); err == nil {
			t.Errorf("%q was taken as %+v", in, got)
		}
	}
	for err, want := range map[error]string{
		nil: "processed",
		fmt.Errorf("reading: %w", &Problem{Word: DecompressionFailed, Err: errors.New("x")}): "processed/error: decompression-failed",
		&Problem{Word: UnsupportedMIC, Err: errors.New("x")}:                                 "failed/failure: unsupported MIC-algorithms",
		&Problem{Word: DuplicateDocument, Err: errors.New("x")}:                              "processed/warning: duplicate-document",
		errors.New("disk full"): "processed/error: unexpected-processing-error",
	} {
		if got := DispositionOf(err).String(); got != automatic+"; "+want {
			t.Errorf("%v: %s", err, got)
		}
	}
}

func TestMICs(t *testing.T) {
	value := "2912VxbDv2Q+pLgT6FI7KOfzH8M="
	for in, want := range map[string]crypto.Hash{
		value + ", sha1": crypto.SHA1, value + ",SHA-1": crypto.SHA1, " " + value[:10] + " " + value[10:] + " , rsa-sha1 ": crypto.SHA1,
	} {
		m, err := ParseMIC(in)
		if err != nil || m.Digest.Hash != want {
			t.Errorf("%q: %v, %v", in, m, err)
		}
		again, err := ParseMIC(m.String())
		if err != nil || !again.Equal(m) {
			t.Errorf("%q becomes %q", in, m)
		}
	}
	for _, in := range []string{"", value, value + ", md5", value + ", sha256", "!!!!, sha1", ", sha1"} {
		if m, err := ParseMIC(in); err == nil {
			t.Errorf("%q was taken as %v", in, m)
		}
	}
	if (MIC{}).Equal(MIC{}) {
		t.Error("no MIC equals no MIC")
	}
}

func TestFileNames(t *testing.T) {
	for _, c := range []struct{ disposition, kind, name, safe string }{
		{`attachment; filename="orders.edi"`, "", "orders.edi", "orders.edi"},
		{`Attachment; FileName=orders.edi;`, "", "orders.edi", "orders.edi"},
		{`attachment; filename=two words.edi`, "", "two words.edi", "two words.edi"},
		{"", `application/EDI-X12; name="a.x12"`, "a.x12", "a.x12"},
		{"attachment; filename*=UTF-8''L%C3%A4ger.edi; filename=x", "", "L\u00e4ger.edi", "L\u00e4ger.edi"},
		{`attachment; filename="=?UTF-8?Q?L=C3=A4ger.edi?="`, "", "L\u00e4ger.edi", "L\u00e4ger.edi"},
		{`attachment; filename="..\\..\\etc\\passwd"`, "", `..\..\etc\passwd`, "passwd"},
		{`attachment; filename="C:\orders\940.edi"`, "", `C:\orders\940.edi`, "940.edi"},
		{`attachment; filename="../../etc/passwd"`, "", "../../etc/passwd", "passwd"},
		{`attachment; filename="a/.."`, "", "a/..", ""},
		{`attachment; filename=".."`, "", "..", ""},
		{`attachment; filename="."`, "", ".", ""},
		{`attachment; filename="a\"b<c>:d|e?f*g"`, "", `a"b<c>:d|e?f*g`, "a_b_c__d_e_f_g"},
		{"attachment; filename*=UTF-8''a%00b%0Ac%E2%80%AEd", "", "a\x00b\nc\u202ed", "abcd"},
		{"attachment; filename*=nonsense", "", "", ""},
		{"attachment", "", "", ""},
		{`attachment; filename="x`, "", "x", "x"},
		{`attachment; filename`, "", "", ""},
	} {
		h := textproto.MIMEHeader{"Content-Disposition": {c.disposition}, "Content-Type": {c.kind}}
		if got := fileName(h); got != c.name {
			t.Errorf("%q: %q, want %q", c.disposition, got, c.name)
		}
		if got := SafeName(c.name); got != c.safe {
			t.Errorf("%q is made %q, want %q", c.name, got, c.safe)
		}
	}
	if got := SafeName(strings.Repeat("\u00e4", 200)); len(got) > 255 || strings.ContainsRune(got, '\ufffd') {
		t.Errorf("%d bytes", len(got))
	}
	for _, name := range []string{"940.edi", `a"b\c.edi`, "L\u00e4ger 1+2.edi"} {
		if got := fileName(textproto.MIMEHeader{"Content-Disposition": {dispositionOf(name)}}); got != name {
			t.Errorf("%q is written %q and read %q", name, dispositionOf(name), got)
		}
	}
}

func TestWhatIsNotWritten(t *testing.T) {
	good := message()
	for what, change := range map[string]func(*Message){
		"a header in the subject": func(m *Message) { m.Subject = "x\r\nAS2-To: y" },
		"a header in the id":      func(m *Message) { m.MessageID = "<1@a>\n" },
		"no id":                   func(m *Message) { m.MessageID = "" },
		"no receiver":             func(m *Message) { m.To = "" },
		"a name too long":         func(m *Message) { m.From = strings.Repeat("x", 129) },
		"a name beyond ASCII":     func(m *Message) { m.From = "m\u00fcller" },
		"a MIC that nobody has":   func(m *Message) { m.Receipt.Digests = []Digest{{0, "md5"}} },
		"a header in a URL":       func(m *Message) { m.Receipt.AsyncTo = "http://x\r\ny: z" },
		"signing by SHA-1":        func(m *Message) { m.Sign = us().signing(crypto.MD5) },
	} {
		m := good
		change(&m)
		if _, err := m.Prepare(edi(nil)); err == nil {
			t.Errorf("%s was written", what)
		}
	}
	if _, err := good.Prepare(); err == nil {
		t.Error("a message without documents was written")
	}
	if _, err := good.Prepare(File{Name: "a\r\nb"}); err == nil {
		t.Error("a file name with a line end was written")
	}
}
