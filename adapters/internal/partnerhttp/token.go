package partnerhttp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/avast/retry-go/v4"
	"github.com/paklog/hub/core/fault"
)

// Token is a bearer token and its life.
type Token struct {
	Value   string    `json:"value"`
	Issued  time.Time `json:"issued"`
	Expires time.Time `json:"expires"`
}

func (t Token) usable(now time.Time) bool { return t.Value != "" && now.Before(t.Expires) }

// ageing reports whether 80 % of the token's life are over: time for the next
// one, while the old one still covers for a failure.
func (t Token) ageing(now time.Time) bool {
	return now.Sub(t.Issued) >= t.Expires.Sub(t.Issued)/5*4
}

// TokenStore keeps tokens over a restart, because partners punish those who ask
// too often. A token that cannot be stored is still used; Load returns the zero
// Token where there is none.
type TokenStore interface {
	Load(connection string) (Token, error)
	Save(connection string, t Token) error
}

// OAuth configures the client-credentials grant of RFC 6749, 4.4.
type OAuth struct {
	Connection   string // names the token in the store
	TokenURL     string
	ClientID     string
	ClientSecret func() (string, error) // read at each grant, so that it may rotate
	// InForm sends the client's name and secret in the form, not as HTTP Basic.
	InForm bool
	// Body is sent as JSON instead of the form; secret is "" without a ClientSecret.
	Body func(secret string) any
	// Under is the token that this one is asked for with, for partners that want two.
	Under *Tokens
	// Read reads a grant; nil reads that of RFC 6749.
	Read      func(body []byte, asked time.Time) (Token, error)
	Header    http.Header
	Transport *http.Transport // nil is Go's default
	Timeout   time.Duration   // of one grant; 0 is 15 s
	Now       func() time.Time
	Store     TokenStore // nil keeps the token in memory only
	// Blocked is how long no token is asked for after a 403, for partners that
	// shut out who asks too often, and for longer who goes on; 0 asks again.
	Blocked time.Duration
	// RetryDelay is the first wait between grants, doubling; 0 is 300 ms.
	RetryDelay time.Duration
	ReadError  func(body []byte) (code, message string)
}

// Missing is what c lacks, and a base URL that is none; "" is the partner's own, as
// production is. where says who gives the client's name and secret.
func (c OAuth) Missing(base, production, where string) (errs []error) {
	if c.Connection == "" {
		errs = append(errs, errors.New("connection: is empty"))
	}
	if c.ClientID == "" || c.ClientSecret == nil {
		errs = append(errs, errors.New("client_id, client_secret: are needed; "+where))
	}
	if c.Now == nil {
		errs = append(errs, errors.New("now: no clock was given"))
	}
	if u, err := url.Parse(base); base != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		errs = append(errs, fmt.Errorf("base_url: is %q, want for instance %s", base, production))
	}
	return errs
}

// Tokens hands out one connection's token: one grant at a time however many ask,
// renewed at 80 % of its life. It is safe for concurrent use.
type Tokens struct {
	cfg    OAuth
	client *http.Client
	limit  limiter
	busy   sync.WaitGroup // the grant under way

	mu      sync.Mutex
	current Token
	renewAt time.Time
	flight  *flight // nil while no grant is under way
}

// flight is one grant and who waits for it. tok and err are set before done closes.
type flight struct {
	done chan struct{}
	tok  Token
	err  error
}

// NewTokens returns a token source for cfg.
func NewTokens(cfg OAuth) *Tokens {
	if cfg.Timeout == 0 {
		cfg.Timeout = 15 * time.Second
	}
	if cfg.RetryDelay == 0 {
		cfg.RetryDelay = 300 * time.Millisecond
	}
	tr := cfg.Transport
	if tr == nil {
		tr = http.DefaultTransport.(*http.Transport)
	}
	t := &Tokens{cfg: cfg, client: &http.Client{Transport: tr, CheckRedirect: neverFollow}}
	if cfg.Store != nil {
		// A store that cannot be read costs one grant, not the connection.
		t.current, _ = cfg.Store.Load(cfg.Connection)
	}
	return t
}

// Get returns a token that is valid now; fresh says that it was granted for this
// very call. Its errors mean that nothing was sent to the partner's services:
// Unavailable or Throttled, or Transient when ctx was cancelled.
func (t *Tokens) Get(ctx context.Context) (tok Token, fresh bool, err error) {
	now := t.cfg.Now()
	t.mu.Lock()
	tok = t.current
	renew := tok.ageing(now) && !now.Before(t.renewAt)
	t.mu.Unlock()
	if tok.usable(now) && !renew {
		return tok, false, nil
	}
	f := t.join(ctx, tok.Value)
	select {
	case <-ctx.Done():
		err = ctx.Err()
	case <-f.done:
		if f.err == nil {
			return f.tok, true, nil
		}
		err = f.err
	}
	if tok.usable(now) {
		return tok, false, nil
	}
	if _, ok := errors.AsType[*fault.Error](err); !ok {
		kind := fault.Unavailable
		if errors.Is(err, context.Canceled) {
			kind = fault.Transient
		}
		err = fault.E("partnerhttp.Token", kind, fmt.Errorf("waiting for a token: %w", err))
	}
	return Token{}, false, err
}

// join waits in line for the next token with everybody else, and starts its
// grant where nobody has. The grant outlives the caller who happened to start it.
func (t *Tokens) join(ctx context.Context, old string) *flight {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.flight == nil {
		f := &flight{done: make(chan struct{})}
		t.flight = f
		ctx := context.WithoutCancel(ctx)
		t.busy.Go(func() {
			f.tok, f.err = t.renew(ctx, old)
			t.mu.Lock()
			t.flight = nil
			t.mu.Unlock()
			close(f.done)
		})
	}
	return t.flight
}

// Close waits for a grant that is under way.
func (t *Tokens) Close() { t.busy.Wait() }

// Drop forgets a token that the partner refused.
func (t *Tokens) Drop(tok Token) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current.Value == tok.Value {
		t.current = Token{}
	}
}

// renew gets the token after the one with value old, unless another caller
// already has. This is the only place where something is tried again inside a
// connector: a grant changes nothing at the partner.
func (t *Tokens) renew(ctx context.Context, old string) (Token, error) {
	now := t.cfg.Now()
	t.mu.Lock()
	cur := t.current
	t.mu.Unlock()
	if cur.Value != old && cur.usable(now) {
		return cur, nil
	}
	if wait := t.limit.wait(now); wait > 0 {
		return Token{}, throttled("partnerhttp.Token", wait, errors.New("waiting out the limit on tokens, nothing was sent"))
	}
	tok, err := retry.DoWithData(func() (Token, error) { return t.grant(ctx) },
		retry.Context(ctx),
		retry.Attempts(3),
		retry.Delay(t.cfg.RetryDelay),
		retry.MaxJitter(t.cfg.RetryDelay),
		retry.LastErrorOnly(true),
		retry.RetryIf(func(err error) bool { return fault.KindOf(err) == fault.Transient }),
	)
	if err != nil {
		if fault.KindOf(err) == fault.Transient {
			err = fault.E("partnerhttp.Token", fault.Unavailable, err)
		}
		t.mu.Lock()
		t.renewAt = now.Add(30 * time.Second) // the old token serves; do not ask with each call
		t.mu.Unlock()
		return Token{}, err
	}
	t.mu.Lock()
	t.current = tok
	t.mu.Unlock()
	if t.cfg.Store != nil {
		_ = t.cfg.Store.Save(t.cfg.Connection, tok) // see TokenStore: it is used all the same
	}
	return tok, nil
}

// grant asks once.
func (t *Tokens) grant(ctx context.Context) (Token, error) {
	const op = "partnerhttp.Token"
	ctx, cancel := context.WithTimeout(ctx, t.cfg.Timeout)
	defer cancel()
	req, under, err := t.request(ctx)
	if err != nil {
		return Token{}, err
	}
	asked := t.cfg.Now()
	res, err := t.client.Do(req)
	if err != nil {
		return Token{}, fault.E(op, fault.Transient, fmt.Errorf("asking for a token: %w", err))
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if res.StatusCode == http.StatusUnauthorized && under.drop() {
		return Token{}, fault.E(op, fault.Transient, errors.New("the token to ask with was refused"))
	}
	if res.StatusCode != http.StatusOK {
		return Token{}, t.notGranted(res, body)
	}
	read := t.cfg.Read
	if read == nil {
		read = parseToken
	}
	tok, err := Token{}, err
	if err == nil {
		tok, err = read(body, asked)
	}
	if err != nil {
		return Token{}, fault.E(op, fault.Transient, fmt.Errorf("reading token: %w", err))
	}
	return tok, nil
}

// held is a token in use.
type held struct {
	of    *Tokens // nil: none is used
	tok   Token
	fresh bool // granted for this very call
}

// hold gets a token, or the zero held where t is nil.
func (t *Tokens) hold(ctx context.Context) (h held, err error) {
	if t == nil {
		return held{}, nil
	}
	h.of = t
	h.tok, h.fresh, err = t.Get(ctx)
	return h, err
}

// drop forgets a token that the partner refused, and reports whether another may
// help: an old one may have been revoked.
func (h held) drop() bool {
	if h.of == nil {
		return false
	}
	h.of.Drop(h.tok)
	return !h.fresh
}

// request is one grant's, and the token that it is asked for with.
func (t *Tokens) request(ctx context.Context) (*http.Request, held, error) {
	const op = "partnerhttp.Token"
	under, err := t.cfg.Under.hold(ctx)
	if err != nil {
		return nil, held{}, err
	}
	secret := ""
	if t.cfg.ClientSecret != nil {
		if secret, err = t.cfg.ClientSecret(); err != nil {
			return nil, held{}, fault.E(op, fault.Unavailable, fmt.Errorf("reading client secret: %w", err))
		}
	}
	form := url.Values{"grant_type": {"client_credentials"}}
	if t.cfg.InForm {
		form.Set("client_id", t.cfg.ClientID)
		form.Set("client_secret", secret)
	}
	kind, body := "application/x-www-form-urlencoded", []byte(form.Encode())
	if t.cfg.Body != nil {
		kind = "application/json"
		if body, err = json.Marshal(t.cfg.Body(secret)); err != nil {
			return nil, held{}, fault.E(op, fault.Internal, fmt.Errorf("encoding request: %w", err))
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.cfg.TokenURL, bytes.NewReader(body))
	if err != nil {
		return nil, held{}, fault.E(op, fault.Internal, fmt.Errorf("building request: %w", err))
	}
	for k, vs := range t.cfg.Header {
		req.Header[http.CanonicalHeaderKey(k)] = vs
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Accept", "application/json")
	switch {
	case under.of != nil:
		req.Header.Set("Authorization", "Bearer "+under.tok.Value)
	case t.cfg.Body == nil && !t.cfg.InForm:
		req.SetBasicAuth(t.cfg.ClientID, secret)
	}
	return req, under, nil
}

func (t *Tokens) notGranted(res *http.Response, body []byte) error {
	const op = "partnerhttp.Token"
	r := &Refusal{Status: res.StatusCode, Message: http.StatusText(res.StatusCode)}
	if t.cfg.ReadError != nil {
		if code, msg := t.cfg.ReadError(body); msg != "" {
			r.Code, r.Message = code, msg
		}
	}
	after := retryAfter(res.Header, t.cfg.Now())
	switch {
	case res.StatusCode == http.StatusTooManyRequests:
		return throttled(op, t.limit.hit(t.cfg.Now(), max(after, 10*time.Second)), r)
	case res.StatusCode >= 500:
		return &fault.Error{Op: op, Kind: fault.Transient, After: after, Err: r}
	case res.StatusCode == http.StatusForbidden && t.cfg.Blocked > 0:
		wait := t.limit.hit(t.cfg.Now(), max(after, t.cfg.Blocked))
		return &fault.Error{Op: op, Kind: fault.Unavailable, After: wait, Err: fmt.Errorf("no token is asked for until %s have passed: %w", wait, r)}
	}
	return fault.E(op, fault.Unavailable, fmt.Errorf("no token for client %q, check its id, secret and account: %w", t.cfg.ClientID, r))
}

// parseToken reads a grant. QUIRK(UPS): expires_in is a string there.
func parseToken(body []byte, asked time.Time) (Token, error) {
	var g struct {
		AccessToken string      `json:"access_token"`
		ExpiresIn   json.Number `json:"expires_in"`
	}
	if err := json.Unmarshal(body, &g); err != nil {
		return Token{}, errors.New("grant is not the JSON of a token") // the body may hold one: keep it out of the error
	}
	if g.AccessToken == "" {
		return Token{}, errors.New("grant has no access_token")
	}
	secs, err := g.ExpiresIn.Int64()
	if err != nil || secs <= 0 || secs > 366*24*3600 {
		return Token{}, fmt.Errorf("grant has expires_in %q, want seconds", g.ExpiresIn)
	}
	return Token{Value: g.AccessToken, Issued: asked, Expires: asked.Add(time.Duration(secs) * time.Second)}, nil
}
