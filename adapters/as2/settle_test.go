package as2

import (
	"bytes"
	"crypto"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/edi/as2"
	"github.com/paklog/hub/edi/cms"
)

// report is a receipt of the partner for a message of ours.
func (r *rig) report(of string, mic as2.MIC, signer *Certificate) (textproto.MIMEHeader, []byte) {
	r.t.Helper()
	a := as2.Answer{
		To:        &as2.Request{From: "OURS", To: "ACME AS2", MessageID: of, Receipt: as2.Receipt{Wanted: true, Signed: true}},
		MessageID: "<receipt@acme>", Date: time.Now(), Agent: "acme", MIC: mic, Disposition: as2.Processed,
	}
	if signer != nil {
		a.Sign = &cms.Signing{Certificate: signer.Certificate, Key: signer.Key, Digest: crypto.SHA256}
	}
	h, body, err := a.Write()
	if err != nil {
		r.t.Fatal(err)
	}
	return h, body
}

func TestAReceiptWithoutNames(t *testing.T) {
	t.Parallel()
	mic := as2.MIC{Digest: as2.NewDigest(crypto.SHA256), Value: make([]byte, 32)}
	const ours = "<1@OURS>"
	for _, c := range []struct {
		name    string
		of      string
		change  func(r *rig, h textproto.MIMEHeader, body []byte) []byte
		down    bool
		status  int
		outcome as2.Outcome // "" settles nothing
	}{
		{name: "of a message that waits", of: ours, status: http.StatusNoContent, outcome: as2.Delivered},
		{name: "of one without brackets", of: "1@OURS", status: http.StatusNoContent, outcome: as2.Delivered},
		{name: "of a message that nobody sent", of: "<2@OURS>", status: http.StatusForbidden},
		{name: "with one name", of: ours, status: http.StatusBadRequest, change: func(_ *rig, h textproto.MIMEHeader, body []byte) []byte {
			h.Set("As2-From", "ACME AS2")
			return body
		}},
		{name: "signed by another", of: ours, status: http.StatusNoContent, change: func(r *rig, h textproto.MIMEHeader, _ []byte) []byte {
			other := certificate(r.t, "other", newKey(r.t))
			header, body := r.report(ours, mic, &other)
			h.Set("Content-Type", header.Get("Content-Type"))
			return body
		}},
		{name: "not signed", of: ours, status: http.StatusNoContent, change: func(r *rig, h textproto.MIMEHeader, _ []byte) []byte {
			header, body := r.report(ours, mic, nil)
			h.Set("Content-Type", header.Get("Content-Type"))
			return body
		}},
		{name: "that is none", of: ours, status: http.StatusForbidden, change: func(_ *rig, h textproto.MIMEHeader, _ []byte) []byte {
			h.Set("Content-Type", `multipart/report; boundary="x"`)
			return []byte("--x\r\n\r\nnothing\r\n--x--\r\n")
		}},
		{name: "that is a document", of: ours, status: http.StatusBadRequest, change: func(_ *rig, h textproto.MIMEHeader, _ []byte) []byte {
			h.Set("Content-Type", "application/EDI-X12")
			return []byte(order)
		}},
		{name: "too long", of: ours, status: http.StatusRequestEntityTooLarge, change: func(_ *rig, _ textproto.MIMEHeader, body []byte) []byte {
			return append(body, strings.Repeat(" ", maxReceipt)...)
		}},
		{name: "while the hub is down", of: ours, down: true, status: http.StatusServiceUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(cfg *Config, _ *Profile) { cfg.MaxBytes = 8 << 20 })
			r.desk.waits = map[string]door.Sent{ours: {MessageID: ours, From: "OURS", To: "ACME AS2", Wanted: true, Signed: true, Async: true, MICs: []string{mic.String()}}}
			h, body := r.report(c.of, mic, &r.theirs)
			h.Del("As2-From")
			h.Del("As2-To")
			if c.change != nil {
				body = c.change(r, h, body)
			}
			if c.down {
				r.desk.down = fault.E("desk", fault.Unavailable, nil)
			}
			if a := r.post(h, bytes.NewReader(body)); a.status != c.status {
				t.Errorf("status %d: %s", a.status, a.body)
			}
			switch {
			case c.outcome == "" && len(r.desk.settled) > 0:
				t.Errorf("it settles %+v", r.desk.settled)
			case c.outcome != "" && (len(r.desk.settled) != 1 || r.desk.settled[0].Outcome != string(c.outcome) || r.desk.settled[0].Partner != "ACME"):
				t.Errorf("it settles %+v", r.desk.settled)
			}
			if len(r.desk.documents)+len(r.desk.refused) > 0 {
				t.Error("it is taken as a message")
			}
		})
	}
}
