package as2

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/textproto"
	"os"
	"sync"
	"time"

	"github.com/paklog/hub/adapters/internal/access"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/trust"
	"github.com/paklog/hub/edi/as2"
	"github.com/paklog/hub/edi/cms"
)

// incoming is a request that is being taken.
type incoming struct {
	*Station
	partner string
	profile Profile
	req     *as2.Request
	header  textproto.MIMEHeader
	body    *spool
	raw     string         // digest of body
	certs   trust.Exchange // what was exchanged of certificates with the partner
	now     time.Time

	slow     *paced
	part     as2.Part // of a message that can be restarted; otherwise zero
	begun    *partial // what is here of it
	answered bool     // the hub has what came
}

// ServeHTTP takes messages and receipts of partners.
func (s *Station) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead && s.arrived(w, r) {
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed, "an AS2 station takes POST")
		return
	}
	in := &incoming{Station: s, header: textproto.MIMEHeader(r.Header), now: s.cfg.Now().UTC()}
	var err error
	if in.req, err = as2.ParseRequest(in.header); err != nil && in.unnamed() {
		in.takeUnnamed(w, r)
		return
	} else if err != nil {
		refuse(w, http.StatusBadRequest, "no AS2 message: "+err.Error())
		return
	}
	partner, known := s.partners[[2]string{in.req.From, in.req.To}]
	if !known {
		s.cfg.Log.Warn("a message of a station that is no partner is not read", "from", in.req.From, "to", in.req.To, "remote", r.RemoteAddr)
		refuse(w, http.StatusForbidden, as2.UnknownTradingRelationship)
		return
	}
	in.partner, in.profile = partner, s.cfg.Partners[partner]
	if !in.admitted(w, r) {
		return
	}
	access.Note(r.Context(), "", partner)
	if to := in.req.Receipt.AsyncTo; to != "" {
		if err := in.profile.returnable(to); err != nil {
			s.cfg.Log.Warn("a message is not read, for its receipt is to go where none may go", "partner", in.partner, "msg_id", in.req.MessageID, "err", err)
			refuse(w, http.StatusForbidden, "Receipt-Delivery-Option: not agreed")
			return
		}
	}
	if err := in.restartable(r); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	in.spooled(w, r, func() { in.reply(w, r) })
}

// spooled calls then once the body has come whole, if there is room for it.
func (in *incoming) spooled(w http.ResponseWriter, r *http.Request, then func()) {
	in.slow = &paced{r: r.Body, at: http.NewResponseController(w), patience: in.cfg.Patience, pace: in.cfg.Pace}
	if in.part.Tag != "" {
		// Before there is a place for it: one that hangs may hold the last.
		release, err := in.partials.claim(r.Context(), partialKey(in.partner, in.part.Tag), in.slow)
		if err != nil {
			busy(w)
			return
		}
		defer release()
	}
	for _, slots := range []chan struct{}{in.slots, in.atOnce[in.partner]} {
		if slots == nil {
			continue
		}
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		default:
			busy(w)
			return
		}
	}
	whole := false
	defer func() { in.ended(whole) }()
	if status, err := in.read(r); err != nil {
		in.cfg.Log.Warn("a message did not come whole", "partner", in.partner, "msg_id", in.req.MessageID, "err", err)
		refuse(w, status, err.Error())
		return
	}
	whole = true
	defer in.body.drop()
	then()
}

// reply takes what came, and answers.
func (in *incoming) reply(w http.ResponseWriter, r *http.Request) {
	// The sender may leave; what came whole is taken all the same.
	ctx := context.WithoutCancel(r.Context())
	answer, err := in.take(ctx)
	if err != nil {
		in.cfg.Log.Error("a message is not answered: its sender tries again", "partner", in.partner, "msg_id", in.req.MessageID, "kind", fault.KindOf(err).String(), "err", err)
		busy(w)
		return
	}
	in.answered = true
	reply(w, answer)
}

// reply answers with a receipt; without one, that the bytes are here.
func reply(w http.ResponseWriter, r *door.Receipt) {
	if r == nil || r.To != "" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Minute)) // who reads slower comes again
	maps.Copy(w.Header(), r.Headers)
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(r.Body) // the sender hung up: he comes again and gets the same one
}

func refuse(w http.ResponseWriter, status int, why string) {
	// What has come already is read over, so that the answer is seen; the rest is not waited for.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Second))
	w.Header().Set("Connection", "close")
	http.Error(w, why, status)
}

func busy(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "10")
	refuse(w, http.StatusServiceUnavailable, "come again")
}

// read spools the body. Who sends slower than agreed is cut off.
func (in *incoming) read(r *http.Request) (status int, err error) {
	if r.ContentLength > in.cfg.MaxBytes {
		return http.StatusRequestEntityTooLarge, fmt.Errorf("%d bytes, %d at most", r.ContentLength, in.cfg.MaxBytes)
	}
	in.body = newSpool(context.WithoutCancel(r.Context()), in.store) // its own reads end with the connection
	if in.part.Tag != "" {
		status, err = in.resume()
	} else {
		status, err = in.straight(r)
	}
	in.slow.end()
	if err != nil {
		in.body.drop()
		return status, err
	}
	in.raw = in.body.sum()
	return 0, nil
}

// straight spools what comes as it comes.
func (in *incoming) straight(r *http.Request) (status int, err error) {
	most := in.cfg.MaxBytes + 1
	if r.ContentLength >= 0 {
		most = r.ContentLength + 1 // no more comes
		in.body.head.Grow(int(min(r.ContentLength, inline)) + bytes.MinRead)
	}
	_, err = in.body.ReadFrom(io.LimitReader(in.slow, most))
	if err == nil && in.body.size > in.cfg.MaxBytes {
		return http.StatusRequestEntityTooLarge, fmt.Errorf("more than %d bytes", in.cfg.MaxBytes)
	}
	if err == nil {
		_, err = in.body.keep()
	}
	if err != nil {
		if _, ours := errors.AsType[*fault.Error](err); ours {
			return http.StatusServiceUnavailable, err
		}
		if _, long := errors.AsType[*http.MaxBytesError](err); long {
			return http.StatusRequestEntityTooLarge, err
		}
		return http.StatusRequestTimeout, err
	}
	return 0, nil
}

// A paced reader moves the deadline of its connection with what comes.
type paced struct {
	r        io.Reader
	at       *http.ResponseController
	patience time.Duration
	pace     int64
	begun    time.Time
	n        int64

	mu   sync.Mutex // of the deadline
	over bool       // the connection is used for something else
	cut  bool
}

func (p *paced) Read(b []byte) (int, error) {
	if p.begun.IsZero() {
		p.begun = time.Now()
	}
	allowed := p.patience + time.Duration(p.n/p.pace)*time.Second
	if !p.wait(p.begun.Add(allowed)) {
		return 0, os.ErrDeadlineExceeded
	}
	n, err := p.r.Read(b)
	p.n += int64(n)
	return n, err
}

// wait sets the deadline, unless reading was stopped.
func (p *paced) wait(until time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.cut {
		_ = p.at.SetReadDeadline(until) // only a connection of a test has none
	}
	return !p.cut
}

// stop ends reading from another goroutine.
func (p *paced) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut = true; !p.over {
		_ = p.at.SetReadDeadline(time.Now())
	}
}

// end is for who reads: the connection is his no more.
func (p *paced) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	_ = p.at.SetReadDeadline(time.Time{})
}

// take judges what came and hands it to the hub. The receipt it returns is what the hub holds.
func (in *incoming) take(ctx context.Context) (*door.Receipt, error) {
	v, err := in.hub.Call(ctx, door.Stations, door.Seen{Partner: in.partner, MessageID: in.req.MessageID})
	if err != nil {
		return nil, err
	}
	known := v.(door.Known)
	if first := known.Exchange; first.Body == in.raw {
		t, err := in.hand(ctx, door.Arrival{Exchange: first})
		return t.Receipt, err
	}
	in.certs, in.profile = known.Certificates, in.profile.with(known.Certificates)
	docs := &documents{ctx: ctx, store: in.store}
	defer docs.drop()
	got, problem, err := in.judge(docs)
	if err != nil {
		return nil, err
	}
	if got.MDN != nil {
		return nil, in.settle(ctx, got, problem)
	}
	// What came is durable before the receipt leaves: a short message that is accepted in the unit of its
	// documents, any other in the store.
	var a door.Arrival
	said := problem == nil && docs.exchange()
	if said {
		if problem, err = in.exchanged(got, docs, &a); err != nil {
			return nil, err
		}
	}
	if problem == nil {
		if a.Documents, err = docs.keep(in); err != nil {
			return nil, err
		}
		if said {
			a.Documents = nil // the unit holds what they say
		}
	} else if _, err := in.body.place(); err != nil {
		return nil, err
	}
	a.Exchange = in.exchange(got, problem, docs)
	if a.Receipt, a.Own, err = in.receipt(got, problem); err != nil {
		return nil, err
	}
	t, err := in.hand(ctx, a)
	if err != nil || !t.Other {
		return t.Receipt, err
	}
	return in.reused(ctx, got, a.Exchange)
}

func (in *incoming) hand(ctx context.Context, a door.Arrival) (door.Taken, error) {
	v, err := in.hub.Call(ctx, door.Stations, a)
	if err != nil {
		return door.Taken{}, err
	}
	t := v.(door.Taken)
	if !t.Accepted {
		in.cfg.Log.Warn("a message is refused", "partner", in.partner, "msg_id", in.req.MessageID, "verdict", t.Verdict, "why", t.Reason)
	}
	return t, nil
}

// reused refuses a message whose id is that of another one.
func (in *incoming) reused(ctx context.Context, got *as2.Received, x door.Exchange) (r *door.Receipt, err error) {
	if _, err := in.body.place(); err != nil {
		return nil, err
	}
	problem := &as2.Problem{Word: as2.InvalidMessageID, Err: errors.New("a message of other content was accepted under this id")}
	x.Raw = nil
	x.Accepted, x.Reused, x.Verdict, x.Reason = false, true, as2.DispositionOf(problem).String(), problem.Err.Error()
	if x.Receipt, x.Own, err = in.receipt(got, problem); err != nil {
		return nil, err
	}
	t, err := in.hand(ctx, door.Arrival{Exchange: x})
	return t.Receipt, err
}

// judge reads the message. problem is what its receipt tells; err is our own trouble.
func (in *incoming) judge(docs *documents) (got *as2.Received, problem *as2.Problem, err error) {
	secret := &ciphertext{dir: in.cfg.Spool}
	defer secret.close()
	got, err = as2.Read(in.header, in.body.content(), as2.Reading{
		Keys: in.own.keys(), Certificates: certificates(in.profile.Certificates).trusted(in.now), Receipt: in.req.Receipt,
		Size: in.body.size, RequireSigned: in.profile.RequireSigned, RequireEncrypted: in.profile.RequireEncrypted,
		Open: docs.open, Spool: secret.open,
		Limits: cms.Limits{Decompressed: in.cfg.MaxBytes},
	})
	if errors.As(err, &problem) {
		return got, problem, nil
	}
	if err == nil && got.MDN == nil {
		if empty := docs.empty(); empty != nil {
			return got, &as2.Problem{Word: as2.UnexpectedProcessingError, Err: empty}, nil
		}
	}
	return got, nil, err
}

// exchange is what is kept of the message, but for its receipt.
func (in *incoming) exchange(got *as2.Received, problem *as2.Problem, docs *documents) door.Exchange {
	headers := maps.Clone(map[string][]string(in.header))
	delete(headers, "Authorization")
	delete(headers, "Content-Range") // of its last part: what is kept is whole
	x := door.Exchange{
		Partner: in.partner, MessageID: in.req.MessageID, From: in.req.From, To: in.req.To, Headers: headers,
		Body: in.raw, Bytes: in.body.size, Accepted: problem == nil, Verdict: as2.Processed.String(), At: in.now,
	}
	if problem != nil {
		x.Verdict, x.Reason = as2.DispositionOf(problem).String(), problem.Err.Error()
	} else {
		x.Files, x.Raw = docs.files(), in.body.short()
	}
	if len(got.MIC.Value) > 0 {
		x.MIC = got.MIC.String()
	}
	for _, l := range got.Layers {
		x.Layers = append(x.Layers, l.String())
	}
	if c := got.Signer(); c != nil {
		x.Signer = c.Raw
	}
	return x
}

// receipt writes what the message asks for; nil if it asks for none.
func (in *incoming) receipt(got *as2.Received, problem *as2.Problem) (r *door.Receipt, own []byte, err error) {
	wish := in.req.Receipt
	if !wish.Wanted {
		return nil, nil, nil
	}
	a := as2.Answer{
		To: in.req, MessageID: in.messageID(rand.Text()), Date: in.now, Agent: in.cfg.Agent, MIC: got.MIC, Disposition: as2.Processed,
	}
	if problem != nil {
		a.Disposition = as2.DispositionOf(problem)
	}
	if wish.Signed {
		c, ok := in.signsFor(in.certs, in.now)
		if !ok {
			return nil, nil, fault.E("as2.receipt", fault.Unavailable, errors.New("none of our certificates is valid now: receipts cannot be signed"))
		}
		a.Sign, own = in.signing(c, digestOf(wish)), c.Raw
	}
	headers, body, err := a.Write()
	if err != nil {
		return nil, nil, fault.E("as2.receipt", fault.Internal, err)
	}
	return &door.Receipt{Headers: headers, Body: body, To: wish.AsyncTo}, own, nil
}

// messageID is one of ours.
func (s *Station) messageID(unique string) string {
	return "<" + unique + "@" + cmp.Or(s.cfg.Host, "paklog") + ">"
}

// documents are the contents of one message, in quarantine until it is judged.
type documents struct {
	ctx   context.Context
	store Store
	all   []*quarantined
}

type quarantined struct {
	as2.Document
	*spool
}

func (d *documents) open(doc as2.Document) (io.Writer, error) {
	q := &quarantined{doc, newSpool(d.ctx, d.store)}
	d.all = append(d.all, q)
	return q, nil
}

func (d *documents) drop() {
	for _, q := range d.all {
		q.drop()
	}
}

// empty is the complaint about a message that says nothing.
func (d *documents) empty() error {
	for i, q := range d.all {
		if q.size == 0 {
			return fmt.Errorf("document %d of %d is empty", i+1, len(d.all))
		}
	}
	if len(d.all) == 0 {
		return errors.New("a message without a document")
	}
	return nil
}

func (d *documents) files() (out []door.ExchangedFile) {
	for _, q := range d.all {
		f := door.ExchangedFile{Name: as2.SafeName(q.FileName), Media: q.ContentType, Bytes: q.size}
		if sum := q.sum(); q.draft != nil {
			f.BLAKE3 = sum
		} else {
			f.SHA256 = sum
		}
		out = append(out, f)
	}
	return out
}

// keep hands out what was judged to be right.
func (d *documents) keep(in *incoming) (out []door.Document, err error) {
	for i, q := range d.all {
		name := as2.SafeName(q.FileName)
		if name == "" {
			name = fmt.Sprintf("%s-%d", as2.SafeName(in.req.MessageID), i+1)
		}
		doc := door.Document{Partner: in.partner, Name: name, Media: q.ContentType, Size: q.size}
		if doc.Kept, err = q.keep(); err != nil {
			return nil, err
		}
		if doc.Kept == "" {
			doc.Bytes = q.short()
		}
		hash, _ := hex.DecodeString(q.sum())
		doc.Key = door.Key{Scope: "as2/" + in.partner, ID: in.req.MessageID, Hash: [32]byte(hash)}
		out = append(out, doc)
	}
	return out, nil
}
