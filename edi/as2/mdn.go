package as2

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"strings"
	"time"

	"github.com/paklog/hub/edi/cms"
)

// An Answer is a receipt that is being written.
type Answer struct {
	To          *Request // the message: its names are swapped, its id repeated as it stands
	MessageID   string   // of the receipt, with brackets
	Date        time.Time
	Agent       string // Reporting-UA
	Disposition Disposition
	MIC         MIC // zero leaves it out
	Text        string
	Sign        *cms.Signing // nil writes an unsigned receipt
}

// Write returns headers and body of the receipt: those of an HTTP response, or
// of the request that delivers it later.
func (a Answer) Write() (textproto.MIMEHeader, []byte, error) {
	e := a.report()
	if a.Sign != nil {
		var err error
		if e, err = signed(e, *a.Sign, []*MIC{{Digest: NewDigest(a.Sign.Digest)}}); err != nil {
			return nil, nil, err
		}
	}
	var body bytes.Buffer
	if err := e.body(&body); err != nil {
		return nil, nil, err
	}
	h := textproto.MIMEHeader{}
	for _, f := range append(e.fields, []field{
		{"Mime-Version", "1.0"},
		{"Message-Id", a.MessageID},
		{"Date", a.Date.Format(time.RFC1123Z)},
		{"Subject", "Message disposition notification"},
		{"As2-Version", a.To.Version},
		{"As2-From", QuoteName(a.To.To)},
		{"As2-To", QuoteName(a.To.From)},
	}...) {
		h.Set(f.name, f.value)
	}
	return h, body.Bytes(), nil
}

// report is the multipart/report of RFC 8098.
func (a Answer) report() written {
	boundary := newBoundary()
	text := a.Text
	if text == "" {
		text = "The message was received: " + a.Disposition.String() + ".\r\n"
	}
	var b strings.Builder
	part := func(kind, content string) {
		fmt.Fprintf(&b, "--%s\r\nContent-Type: %s\r\nContent-Transfer-Encoding: 7bit\r\n\r\n%s\r\n", boundary, kind, content)
	}
	part("text/plain; charset=us-ascii", oneLine(text))
	lines := []string{}
	if a.Agent != "" {
		lines = append(lines, "Reporting-UA: "+oneLine(a.Agent))
	}
	to := QuoteName(a.To.To)
	lines = append(lines, "Original-Recipient: rfc822; "+to, "Final-Recipient: rfc822; "+to,
		"Original-Message-ID: "+a.To.MessageID, "Disposition: "+a.Disposition.String())
	if len(a.MIC.Value) > 0 {
		lines = append(lines, "Received-Content-MIC: "+a.MIC.String())
	}
	part("message/disposition-notification", strings.Join(lines, "\r\n")+"\r\n")
	fmt.Fprintf(&b, "--%s--\r\n", boundary)
	return written{
		fields: []field{{"Content-Type", `multipart/report; report-type=disposition-notification; boundary="` + boundary + `"`}},
		body: func(w io.Writer) error {
			_, err := io.WriteString(w, b.String())
			return err
		},
	}
}

// oneLine keeps text of others from becoming lines of its own.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, strings.TrimSpace(s))
}

func newBoundary() string { return "=_paklog_" + rand.Text() }

// An MDN is a receipt that was read.
type MDN struct {
	OriginalMessageID string
	Recipient         string // Final-Recipient without its type
	Agent             string
	Disposition       Disposition
	MIC               MIC  // zero where there is none
	MICUnread         bool // there is one that cannot be read
	Text              string
}

// maxReport bounds the parts of a receipt, which are kept in memory.
const maxReport = 256 << 10

// readReport reads a multipart/report.
func readReport(e entity, params map[string]string) (*MDN, error) {
	parts, err := newSplitter(e.body, params, maxReport)
	if err != nil {
		return nil, err
	}
	m := &MDN{}
	found := false
	for range 10 {
		part, err := parts.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && found && errors.Is(err, errMIME) {
			break // the last delimiter is missing: what was to be said was said
		}
		if err != nil {
			return m, err
		}
		inner, err := readEntity(part)
		if err != nil {
			return m, err
		}
		content, err := io.ReadAll(io.LimitReader(inner.decoded(), maxReport))
		if err != nil && !errors.Is(err, errMIME) {
			return m, err
		}
		switch kind, _ := media(inner.header.Get("Content-Type")); kind {
		case "message/disposition-notification":
			found = true
			if err := m.fields(content); err != nil {
				return m, err
			}
		case "text/plain", "":
			m.Text = strings.TrimSpace(string(content))
		}
	}
	if !found {
		return m, badMIME("a receipt without message/disposition-notification")
	}
	return m, nil
}

// fields reads the notification itself.
func (m *MDN) fields(content []byte) error {
	e, err := readEntity(io.MultiReader(bytes.NewReader(bytes.TrimLeft(content, "\r\n")), strings.NewReader("\r\n\r\n")))
	if err != nil {
		return err
	}
	m.OriginalMessageID = e.header.Get("Original-Message-Id")
	m.Agent = e.header.Get("Reporting-Ua")
	_, recipient, _ := strings.Cut(e.header.Get("Final-Recipient"), ";")
	if m.Recipient, err = ParseName(recipient); err != nil {
		m.Recipient = strings.TrimSpace(recipient)
	}
	if mic := e.header.Get("Received-Content-Mic"); mic != "" {
		if m.MIC, err = ParseMIC(mic); err != nil {
			m.MICUnread = true
		}
	}
	if m.Disposition, err = ParseDisposition(e.header.Get("Disposition")); err != nil {
		return badMIME("%v", err)
	}
	return nil
}
