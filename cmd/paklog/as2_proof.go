package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/zeebo/blake3"

	station "github.com/paklog/hub/adapters/as2"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/edi/as2"
	"github.com/paklog/hub/routes"
)

// archived is what the journal holds of a message by AS2, for paklog as2 proof.
type archived struct {
	Received *door.Exchange `json:"received,omitempty"`
	Sent     *routes.Proven `json:"sent,omitempty"`
	Document []byte         `json:"document,omitempty"` // that was sent
}

func newAS2Proof(g *global) *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use: "proof MESSAGE-ID", Short: "Verify again what the archive holds of a message: its bytes, signatures, MIC and receipt",
		Long: `Verify again what the archive holds of a message that came or went by AS2: that its bytes are those that were kept
at the time, that the signatures hold under the certificates that were kept beside them, and that the MIC of the
receipt is that of the content. No partner is asked. A message that came is decrypted by the certificates of the
configuration; of one that went the content is the document in the journal. Messages are found for 400 days.

--to writes the request, the receipt and the certificates into a folder, for who judges by other tools: openssl and
paklog as2 inspect read them. Ends with 3 when something does not hold.`,
		Example: `  paklog as2 proof '<01a22bfe@WAREHOUSE>'
  paklog as2 proof '<01a22bfe@WAREHOUSE>' --to evidence/`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, _, err := load(g.config)
			if err != nil {
				return err
			}
			var found archived
			if err := withHub(cmd, g, func(ctx context.Context, c *caller) error {
				return c.do(ctx, http.MethodPost, "/control/as2/archive", map[string]string{"message_id": args[0]}, &found)
			}); err != nil {
				return err
			}
			look, err := lookIn(cfg.payloadFolder(), cfg.S3)
			if err != nil {
				return err
			}
			v := verifying{look: look, cfg: cfg}
			if found.Received != nil {
				v.received(found.Received)
			} else {
				v.sent(found)
			}
			if to != "" {
				if err := v.export(to); err != nil {
					return err
				}
			}
			if g.json {
				err = writeJSON(cmd.OutOrStdout(), v.steps)
			} else {
				t := newTable(cmd.OutOrStdout(), "HOLDS", "WHAT", "HOW")
				for _, s := range v.steps {
					t.row(map[bool]string{true: "yes", false: "NO"}[s.Holds], s.What, s.How)
				}
				err = t.flush()
			}
			if err == nil && slices.ContainsFunc(v.steps, func(s proofStep) bool { return !s.Holds }) {
				return exitFindings
			}
			return err
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "folder to write request, receipt and certificates into")
	return cmd
}

// archive answers the verb.
func (a *app) archive(w http.ResponseWriter, r *http.Request) {
	var in struct {
		MessageID string `json:"message_id"`
	}
	if !decodeControl(w, r, &in) {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(a.cfg.EDI.Partners)) {
		out, err := a.archived(r.Context(), name, in.MessageID)
		if err != nil {
			controlError(w, http.StatusServiceUnavailable, err)
			return
		}
		if out != nil {
			writeControl(w, out)
			return
		}
	}
	controlError(w, http.StatusNotFound, fmt.Errorf("no message %s was accepted from a partner, or proven by a receipt of one, in the last 400 days", in.MessageID))
}

func (a *app) archived(ctx context.Context, partner, id string) (*archived, error) {
	claim := func(scope string, into any) (bool, error) {
		b, err := a.bus.Row(ctx, journal.TableClaim, journal.ClaimKey(scope, id))
		if err != nil || b == nil {
			return false, err
		}
		c, err := journal.DecodeClaim(b)
		if err == nil {
			err = json.Unmarshal(c.Answer, into)
		}
		return err == nil, err
	}
	out := &archived{Received: &door.Exchange{}}
	if ok, err := claim(routes.ReceivedBy(partner), out.Received); ok || err != nil {
		return out, err
	}
	out = &archived{Sent: &routes.Proven{}}
	if ok, err := claim(routes.SentBy(partner), out.Sent); !ok || err != nil {
		return nil, err
	}
	s, err := a.store.Holding(ctx, out.Sent.Document)
	if err != nil {
		return nil, err
	}
	r, ok := s.At(out.Sent.Document)
	if !ok {
		return nil, fmt.Errorf("the journal has no document at %d", out.Sent.Document)
	}
	out.Document = r.Personal
	return out, nil
}

// proofStep is one thing that was verified.
type proofStep struct {
	Holds bool   `json:"holds"`
	What  string `json:"what"`
	How   string `json:"how"`
}

type verifying struct {
	look  lookup
	cfg   *Config
	steps []proofStep
	files map[string][]byte // for export
}

func (v *verifying) say(holds bool, what, how string, args ...any) {
	v.steps = append(v.steps, proofStep{holds, what, fmt.Sprintf(how, args...)})
}

func (v *verifying) keep(name string, b []byte) {
	if v.files == nil {
		v.files = map[string][]byte{}
	}
	v.files[name] = b
}

// body is a message's body as it was kept: in the journal, or as a payload.
func (v *verifying) body(name string, raw []byte, headers map[string][]string) []byte {
	var err error
	how := "SHA-256"
	if raw == nil {
		how = "payload"
		var r io.ReadCloser
		if r, err = v.look.open(context.Background(), name); err == nil {
			raw, err = io.ReadAll(r) // held against its name
			_ = r.Close()
		}
	} else if sum := sha256.Sum256(raw); hex.EncodeToString(sum[:]) != name {
		err = errors.New("it is another")
	}
	v.say(err == nil, "the bytes of the message", "%d bytes, %s %s%s", len(raw), how, name, trailing(err))
	v.keep("message.http", onTheWire(headers, raw))
	return raw
}

func trailing(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}

// onTheWire is a message as paklog as2 inspect reads it.
func onTheWire(h map[string][]string, body []byte) []byte {
	var b bytes.Buffer
	_ = http.Header(h).Write(&b) // into memory
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}

// certificate is one that was kept.
func (v *verifying) certificate(name string, der []byte) []*x509.Certificate {
	if len(der) == 0 {
		return nil
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		v.say(false, "the certificate of "+name, "cannot be read%s", trailing(err))
		return nil
	}
	v.keep(name+".der", der)
	v.say(true, "the certificate of "+name, "%s, SHA-256 %s", c.Subject, station.Fingerprint(c))
	return []*x509.Certificate{c}
}

// at says when something was done.
func (v *verifying) at(what string, when time.Time, by []*x509.Certificate) {
	for _, c := range by {
		v.say(!when.Before(c.NotBefore) && !when.After(c.NotAfter), what, "on %s, and the certificate is valid from %s to %s", instant(when), instant(c.NotBefore), instant(c.NotAfter))
	}
}

// received verifies a message that came, and what it was answered.
func (v *verifying) received(x *door.Exchange) {
	raw := v.body(x.Body, x.Raw, x.Headers)
	signer := v.certificate("the partner", x.Signer)
	v.at("the message came", x.At, signer)
	own := v.certificate("ours", x.Own)
	cfg, err := v.cfg.station()
	if err != nil {
		v.say(false, "the configuration", "%s", err)
		return
	}
	h := textproto.MIMEHeader(x.Headers)
	req, _ := as2.ParseRequest(h) // it was accepted
	var docs [][2]hash.Hash
	read := as2.Reading{Keys: station.Keys(cfg.Own), Certificates: signer, Receipt: req.Receipt, Open: func(as2.Document) (io.Writer, error) {
		both := [2]hash.Hash{sha256.New(), blake3.New()}
		docs = append(docs, both)
		return io.MultiWriter(both[0], both[1]), nil
	}}
	got, err := as2.Read(h, bytes.NewReader(raw), read)
	v.say(err == nil, "the message can be read", "%s%s", cmp.Or(strings.Join(x.Layers, ", "), "as it is"), trailing(err))
	if got != nil {
		v.say(len(signer) == 0 || got.Signer() != nil, "the signature of the partner", "%s", signedBy(signer))
		v.say(got.MIC.String() == x.MIC, "the MIC of the content", "%s", got.MIC)
		for i, f := range x.Files {
			by, name, sum := 0, "SHA-256", f.SHA256
			if f.BLAKE3 != "" {
				by, name, sum = 1, "BLAKE3", f.BLAKE3
			}
			v.say(i < len(docs) && hex.EncodeToString(docs[i][by].Sum(nil)) == sum, "document "+f.Name, "%d bytes, %s %s", f.Bytes, name, sum)
		}
	}
	if x.Receipt == nil {
		v.say(true, "the receipt", "none was asked for")
		return
	}
	m := door.Sent{MessageID: x.MessageID, From: x.From, To: x.To, MICs: []string{x.MIC}, Wanted: true, Signed: len(own) > 0}
	v.receipt(m, x.Receipt, own)
}

func signedBy(c []*x509.Certificate) string {
	if len(c) == 0 {
		return "it has none"
	}
	return c[0].Subject.String()
}

// receipt holds a receipt against a message.
func (v *verifying) receipt(m door.Sent, r *door.Receipt, by []*x509.Certificate) {
	v.keep("receipt.http", onTheWire(r.Headers, r.Body))
	h := textproto.MIMEHeader(r.Headers)
	got, err := as2.Read(h, bytes.NewReader(r.Body), as2.Reading{Certificates: by})
	if err != nil {
		v.say(false, "the receipt can be read", "%s", err)
		return
	}
	out, reason, _ := station.Judge(m, h, got)
	v.say(out == as2.Delivered || out == as2.Unproven && !m.Signed, "the receipt", "it is %s%s: %s", out, trailing(reasonOf(reason)), got.MDN.Disposition)
}

func reasonOf(s string) error {
	if s == "" {
		return nil
	}
	return errors.New(s)
}

// sent verifies a message that went: its content is the document in the journal.
func (v *verifying) sent(a archived) {
	p := a.Sent
	v.body(p.Sent.Body, nil, p.Sent.Headers)
	v.certificate("ours", p.Sent.Own)
	signer := v.certificate("the partner", p.Proof.Signer)
	v.at("the receipt came", p.Proof.At, signer)
	if !as2.InExchange(p.Sent.Media) {
		// Of a certificate exchange there is no document, and its several parts have a boundary that is made anew
		// each time: there the MIC that was noted is held against the receipt alone.
		mics, err := station.ContentMICs(p.Sent, a.Document)
		v.say(err == nil && slices.Equal(mics, p.Sent.MICs), "the MIC of the document in the journal", "%s%s", strings.Join(mics, " or "), trailing(err))
		v.keep("document", a.Document)
	}
	if p.Proof.Receipt == nil {
		v.say(true, "the receipt", "none was asked for")
		return
	}
	v.receipt(p.Sent, p.Proof.Receipt, signer)
}

// export writes what was verified into a folder.
func (v *verifying) export(to string) error {
	if err := os.MkdirAll(to, 0o750); err != nil {
		return err
	}
	for name, b := range v.files {
		if err := os.WriteFile(filepath.Join(to, strings.ReplaceAll(name, " ", "-")), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}
