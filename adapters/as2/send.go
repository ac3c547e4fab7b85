package as2

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/textproto"
	"strconv"
	"time"

	"github.com/paklog/hub/adapters/internal/partnerhttp"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/trust"
	"github.com/paklog/hub/edi/as2"
	"github.com/paklog/hub/edi/cms"
	"github.com/paklog/hub/edi/sniff"
)

// maxReceipt bounds what is read of an answer.
const maxReceipt = 1 << 20

// signing is how we sign with one of our certificates.
func (s *Station) signing(c Certificate, digest crypto.Hash) *cms.Signing {
	return &cms.Signing{Certificate: c.Certificate, Key: c.Key, Digest: digest, Embed: []*x509.Certificate{c.Certificate}, Time: s.cfg.Now().UTC()}
}

// digestOf is what a receipt is signed under: the first of the digests that were asked for which is
// written still.
func digestOf(r as2.Receipt) crypto.Hash {
	for _, d := range r.Digests {
		if d.Hash != crypto.SHA1 {
			return d.Hash
		}
	}
	return crypto.SHA256
}

func (s *Station) profile(partner string) (Profile, error) {
	p, ok := s.cfg.Partners[partner]
	if !ok {
		return p, fault.At("as2", fault.Rejected, "partner", fmt.Errorf("%q has no AS2 profile", partner))
	}
	return p, nil
}

// mediaOf is the type of a document by its first bytes (RFC 1767).
func mediaOf(document []byte) string {
	if sniff.Of(document) == sniff.EDIFACT {
		return "application/EDIFACT"
	}
	return "application/EDI-X12"
}

// Pack makes the message that each try sends.
func (s *Station) Pack(ctx context.Context, partner, id string, c door.Content, x trust.Exchange) (door.Sent, error) {
	p, err := s.profile(partner)
	if err != nil {
		return door.Sent{}, err
	}
	if c.Certificates == nil {
		return s.packFor(ctx, partner, p, x, id, "EDI from the warehouse", as2.File{ContentType: mediaOf(c.Document), Name: c.Name, Content: bytes.NewReader(c.Document)})
	}
	files, err := said(p, *c.Certificates, s.cfg.Now())
	if err != nil {
		return door.Sent{}, err
	}
	if p.Sign == 0 {
		p.Sign = crypto.SHA256 // nobody believes it otherwise
	}
	return s.packFor(ctx, partner, p, x, id, "certificates", files...)
}

func (s *Station) packFor(ctx context.Context, partner string, p Profile, x trust.Exchange, id, subject string, files ...as2.File) (door.Sent, error) {
	const op = "as2.Pack"
	f := files[0]
	m := as2.Message{
		From: p.OurID, To: p.ID, MessageID: s.messageID(id), Subject: subject, Date: s.cfg.Now().UTC(), Version: p.Version,
		Receipt: p.wish(), ReplyTo: p.OurID, Compress: p.Compress, Base64: p.Base64,
	}
	out := door.Sent{
		MessageID: m.MessageID, From: m.From, To: m.To, Media: f.ContentType, File: f.Name, Compress: CompressName(p.Compress), Base64: p.Base64,
		Wanted: m.Receipt.Wanted, Signed: m.Receipt.Signed, Async: m.Receipt.AsyncTo != "",
	}
	if p.Sign != 0 {
		c, ok := s.signsFor(x, m.Date)
		if !ok {
			return out, fault.E(op, fault.Transient, errors.New("none of our certificates that sign is valid now: see paklog partner check"))
		}
		m.Sign, out.Own = s.signing(c, p.Sign), c.Raw
		m.Sign.PSS = p.PSS
	}
	if p.Encrypt != 0 {
		c, ok := certificates(p.with(x).Certificates).current(ForSecrecy, m.Date)
		if !ok {
			return out, fault.E(op, fault.Transient, fmt.Errorf("no certificate of %s to encrypt for is valid now: see paklog partner check", partner))
		}
		m.Encrypt, out.Theirs = &cms.Encryption{Cipher: p.Encrypt, Recipients: []cms.Recipient{{Certificate: c.Certificate, OAEP: p.OAEP}}}, c.Raw
	}
	w, err := m.Prepare(files...)
	if err != nil {
		return out, fault.E(op, fault.Invalid, err)
	}
	out.Headers = w.Header
	body := newSpool(ctx, s.store)
	defer body.drop()
	sent, err := w.Body(body)
	if err != nil {
		return out, fault.E(op, fault.Transient, fmt.Errorf("writing the message: %w", err))
	}
	for _, mic := range sent.MICs {
		out.MICs = append(out.MICs, mic.String())
	}
	if out.Bytes = body.size; p.Restart && body.draft != nil {
		out.Headers["Etag"] = []string{`"` + rand.Text() + `"`} // of these bytes: made again they are others
	}
	out.Body, err = body.place()
	return out, err
}

// wish is the receipt that we ask him for.
func (p Profile) wish() as2.Receipt {
	r := as2.Receipt{Wanted: p.Receipt != ReceiptNone, Signed: p.Receipt == ReceiptSigned}
	if !r.Wanted {
		return r
	}
	r.AsyncTo = p.ReceiptTo
	digest := p.Sign
	if digest == 0 {
		digest = crypto.SHA256
	}
	r.Digests = []as2.Digest{as2.NewDigest(digest)}
	return r
}

// CompressName names where a message is compressed, as a profile does.
func CompressName(c as2.Compression) string {
	return [...]string{"none", "before", "after"}[c]
}

// ParseCompress is the inverse of [CompressName].
func ParseCompress(name string) (as2.Compression, error) {
	for c := as2.Uncompressed; c <= as2.CompressAfterSign; c++ {
		if CompressName(c) == name {
			return c, nil
		}
	}
	return 0, fmt.Errorf("%q is none of none, before, after", name)
}

// Send makes one try. The partner knows a message that he has by its id and its bytes.
func (s *Station) Send(ctx context.Context, partner string, m door.Sent, x trust.Exchange) (door.Proof, error) {
	const op = "as2.Send"
	p, err := s.profile(partner)
	if err != nil {
		return door.Proof{}, err
	}
	p = p.with(x)
	if first := s.has(ctx, partner, p, m); first > 0 {
		proof, err := s.sendFrom(ctx, op, partner, p, m, first)
		if fault.KindOf(err) != fault.Rejected || proof.Outcome != "" && proof.Outcome != string(as2.Refused) {
			return proof, err
		}
		// He has not taken it: his station has no such beginning, or cannot put the parts together.
		s.cfg.Log.Warn("the rest of a message is not taken: all of it goes again", "partner", partner, "msg_id", m.MessageID, "err", err)
	}
	return s.sendFrom(ctx, op, partner, p, m, 0)
}

// sendFrom sends a message from a byte on.
func (s *Station) sendFrom(ctx context.Context, op, partner string, p Profile, m door.Sent, first int64) (door.Proof, error) {
	body, err := s.store.Open(ctx, m.Body)
	if err != nil {
		return door.Proof{}, err
	}
	defer body.Close()
	headers := m.Headers
	if first > 0 {
		if _, err := io.CopyN(io.Discard, body, first); err != nil {
			return door.Proof{}, fault.E(op, fault.Transient, fmt.Errorf("reading the message: %w", err))
		}
		headers = maps.Clone(headers)
		headers["Content-Range"] = []string{as2.Part{First: first, Total: m.Bytes}.ContentRange()}
	}
	res, err := s.post(ctx, op, partner, p, p.URL, headers, body, m.Bytes-first)
	if err != nil {
		return door.Proof{}, err
	}
	proof := door.Proof{At: s.cfg.Now().UTC()}
	if !m.Wanted || m.Async {
		return proof, nil
	}
	proof.Receipt = &door.Receipt{Headers: res.header, Body: res.body}
	out, reason, signer := s.prove(p, m, textproto.MIMEHeader(res.header), res.body)
	proof.Outcome, proof.Reason, proof.Signer = string(out), reason, signer
	why := fmt.Errorf("the receipt for %s is %s: %s", m.MessageID, out, reason)
	switch {
	case out == as2.Delivered, out == as2.Unproven && !m.Signed:
		return proof, nil
	case out == as2.Foreign:
		return proof, fault.E(op, fault.Unknown, why)
	}
	// He has answered: the same bytes again would have the same answer, and he might take them twice.
	return proof, fault.E(op, fault.Rejected, why)
}

// prove holds a receipt against the message that it is to be for.
func (s *Station) prove(p Profile, m door.Sent, h textproto.MIMEHeader, body []byte) (as2.Outcome, string, []byte) {
	got, err := as2.Read(h, bytes.NewReader(body), as2.Reading{Keys: s.own.keys(), Certificates: certificates(p.Certificates).trusted(s.cfg.Now())})
	if err != nil {
		return as2.Foreign, "it cannot be read: " + err.Error(), nil
	}
	return Judge(m, h, got)
}

// Judge is what a receipt that was read proves about a message, and who signed it.
func Judge(m door.Sent, h textproto.MIMEHeader, got *as2.Received) (as2.Outcome, string, []byte) {
	was := as2.Sent{MessageID: m.MessageID, From: m.From, To: m.To, Receipt: as2.Receipt{Wanted: m.Wanted, Signed: m.Signed}}
	for _, text := range m.MICs {
		mic, err := as2.ParseMIC(text)
		if err != nil {
			return as2.Foreign, "our own MIC cannot be read: " + err.Error(), nil
		}
		was.MICs = append(was.MICs, mic)
	}
	req, _ := as2.ParseRequest(h) // a receipt's own id is of no consequence
	out, reason := was.Judge(req, got)
	if c := got.Signer(); c != nil {
		return out, reason, c.Raw
	}
	return out, reason, nil
}

// Return sends a receipt of ours to where the partner wants it.
func (s *Station) Return(ctx context.Context, partner string, r door.Receipt) error {
	const op = "as2.Return"
	p, err := s.profile(partner)
	if err != nil {
		return err
	}
	if err := p.returnable(r.To); err != nil {
		return fault.E(op, fault.Rejected, err)
	}
	_, err = s.post(ctx, op, partner, p, r.To, r.Headers, bytes.NewReader(r.Body), int64(len(r.Body)))
	return err
}

type response struct {
	header http.Header
	body   []byte
}

// identify says who we are.
func (s *Station) identify(req *http.Request, p Profile) {
	req.Header.Set("User-Agent", s.cfg.Agent)
	if p.User != "" {
		req.SetBasicAuth(p.User, p.Password)
	}
}

// post makes one request. What its error says was not sent surely was not.
func (s *Station) post(ctx context.Context, op, partner string, p Profile, to string, h map[string][]string, body io.Reader, size int64) (response, error) {
	ctx, sent := partnerhttp.Sent(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, io.NopCloser(body))
	if err != nil {
		return response{}, fault.E(op, fault.Rejected, err)
	}
	for name, values := range h {
		req.Header[name] = values
	}
	req.ContentLength = size
	s.identify(req, p)
	res, err := s.clients[partner].Do(req)
	if err != nil {
		if !sent() {
			return response{}, fault.E(op, partnerhttp.Unsent(err), fmt.Errorf("nothing was sent: %w", err))
		}
		return response{}, fault.E(op, fault.Unknown, errors.Join(door.ErrNoAnswer, err))
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxReceipt+1))
	status := fmt.Errorf("answered %s", res.Status)
	switch c := res.StatusCode; {
	case err != nil:
		return response{}, fault.E(op, fault.Unknown, errors.Join(door.ErrNoAnswer, fmt.Errorf("reading the answer: %w", err)))
	case len(answer) > maxReceipt:
		return response{}, fault.E(op, fault.Unknown, fmt.Errorf("an answer of more than %d bytes", maxReceipt))
	case c >= 200 && c < 300:
		return response{res.Header, answer}, nil
	case c == http.StatusTooManyRequests:
		return response{}, &fault.Error{Op: op, Kind: fault.Throttled, After: after(res.Header), Err: status}
	case c >= 500, c == http.StatusRequestTimeout, c == http.StatusTooEarly:
		return response{}, &fault.Error{Op: op, Kind: fault.Unknown, After: after(res.Header), Err: errors.Join(door.ErrNoAnswer, status)}
	case c < 400, c == http.StatusUnauthorized, c == http.StatusForbidden, c == http.StatusNotFound, c == http.StatusProxyAuthRequired:
		// The connection is set up wrongly or blocked; no message is to blame.
		return response{}, &fault.Error{Op: op, Kind: fault.Unavailable, After: after(res.Header), Err: status}
	}
	return response{}, fault.E(op, fault.Rejected, status)
}

func after(h http.Header) time.Duration {
	n, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || n < 1 {
		return 10 * time.Second
	}
	return min(time.Duration(n)*time.Second, time.Hour)
}
