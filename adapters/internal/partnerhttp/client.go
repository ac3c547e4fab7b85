// Package partnerhttp is the one HTTP client of all connectors: tokens, limits,
// bounded bodies, redacted capture, and above all the classification of what
// happened to a request. It makes one attempt per call; whether there is another
// is the hub's decision.
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
	"strings"
	"time"

	"github.com/paklog/hub/core/fault"
)

// Config describes one connection to one partner.
type Config struct {
	// Connection names it in errors and captures: "ups-main".
	Connection string
	// BaseURL is where paths start, without a slash at the end.
	BaseURL string
	// Tokens authorizes each call with a bearer token; nil sends none.
	Tokens *Tokens
	// TokenHeader carries the token alone; "" is Authorization, as a bearer.
	TokenHeader string
	// Payment authorizes calls that are [Call.Paid] with a second token, in
	// PaymentHeader; nil sends none.
	Payment       *Tokens
	PaymentHeader string
	// Sign authorizes each request by itself, after all of it is there but for the token; nil does not.
	Sign func(*http.Request) error
	// CSRF is the path that a token against forged requests is fetched from, with its cookies, before
	// the first call that changes something, and again once the partner asks for another; "" is none.
	CSRF string
	// Transport carries the calls; nil is Go's default with its proxy settings.
	Transport *http.Transport
	// Timeout bounds one call, token included; 0 is 30 s.
	Timeout time.Duration
	// MaxBody bounds an answer's body in bytes; 0 is 8 MiB.
	MaxBody int64
	// Budget is kept by this client alone: what others do with the same account
	// the partner's refusals tell.
	Budget Budget
	// Now is the process's clock. Required.
	Now func() time.Time
	// ReadError finds the partner's own code and words in the body of a refusal;
	// nil or empty results leave the status alone to speak.
	ReadError func(body []byte) (code, message string)
	// Capture is given every attempt, redacted; nil keeps none. It is called on
	// the caller's goroutine and must not block.
	Capture func(Attempt)
	// RedactKeys are the JSON members whose values a capture hides, beside those
	// that are hidden always (tokens, secrets).
	RedactKeys []string
}

// Client makes calls over one connection. It is safe for concurrent use.
type Client struct {
	cfg     Config
	reads   *http.Client
	effects *http.Client
	session *sessions
	limit   limiter
	budget  budget
	redact  redactor
}

// New returns a client for cfg, which must name BaseURL and Now.
func New(cfg Config) *Client {
	if cfg.Timeout == 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = 8 << 20
	}
	tr := cfg.Transport
	if tr == nil {
		tr = http.DefaultTransport.(*http.Transport)
	}
	reads, effects := tr.Clone(), tr.Clone()
	// A call that may not be repeated opens its own connection: on a kept one it
	// can race with the partner closing it, and its outcome would be unknown for
	// no good reason.
	effects.DisableKeepAlives = true
	return &Client{
		cfg:     cfg,
		reads:   &http.Client{Transport: reads, CheckRedirect: neverFollow},
		effects: &http.Client{Transport: effects, CheckRedirect: neverFollow},
		session: newSessions(),
		budget:  budget{Budget: cfg.Budget},
		redact:  newRedactor(cfg.RedactKeys),
	}
}

// A redirect is never followed: it would carry the token to another host, and
// turn a POST into a GET.
func neverFollow(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Close waits for a token that is being asked for and drops the kept
// connections. No call may be under way or follow.
func (c *Client) Close() {
	for _, t := range []*Tokens{c.cfg.Payment, c.cfg.Tokens} {
		if t != nil {
			t.Close()
		}
	}
	c.reads.CloseIdleConnections()
}

// Call is one request.
type Call struct {
	Op     string // package.Operation, for errors: "ups.Buy"
	Method string
	Path   string // below BaseURL, escaped by the caller, with its leading slash
	Query  url.Values
	Header http.Header
	// Body is sent as JSON; nil sends none.
	Body any
	// Once marks a call that changes the partner's world and must not be repeated
	// blindly: wherever it may have been acted on, its error is fault.Unknown.
	Once bool
	// Paid sends the token of [Config.Payment] along.
	Paid bool
	// AnyAnswer takes a success whatever its body is.
	AnyAnswer bool
	// Multipart takes an answer in several parts too. Whether it has all of them is
	// the caller's to see.
	Multipart bool
}

// Answer is a success (2xx) with a body that is whole and is JSON, or empty.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Refusal is the error inside a fault when the partner answered, but not with success.
type Refusal struct {
	Status  int
	Code    string // the partner's own, or ""
	Message string // in the partner's words, or the status text
}

func (r *Refusal) Error() string {
	if r.Code == "" {
		return fmt.Sprintf("answered %d: %s", r.Status, r.Message)
	}
	return fmt.Sprintf("answered %d: %s (%s)", r.Status, r.Message, r.Code)
}

// Do makes one attempt; only a GET may be sent again by Go's transport, where the
// partner had closed the kept connection. Its error is always a [fault.Error]; see [Call.Once] for
// when it is Unknown, and core/ship.Carrier for what the kinds promise.
func (c *Client) Do(ctx context.Context, call Call) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()

	if wait := c.limit.wait(c.cfg.Now()); wait > 0 {
		return Answer{}, throttled(call.Op, wait, errors.New("waiting out the partner's rate limit, nothing was sent"))
	}
	var body []byte
	if call.Body != nil {
		var err error
		if body, err = json.Marshal(call.Body); err != nil {
			return Answer{}, fault.E(call.Op, fault.Internal, fmt.Errorf("encoding request: %w", err))
		}
	}
	var payment held
	if call.Paid { // first: asking for it may renew the other
		var err error
		if payment, err = c.cfg.Payment.hold(ctx); err != nil {
			return Answer{}, fault.Wrap(call.Op, err)
		}
	}
	token, err := c.cfg.Tokens.hold(ctx)
	if err != nil {
		return Answer{}, fault.Wrap(call.Op, err)
	}
	session := c.session.have()
	if c.cfg.CSRF != "" && changes(call.Method) {
		if session, err = c.session.hold(ctx, c, call.Op); err != nil {
			return Answer{}, err
		}
	}
	if wait := c.budget.spend(c.cfg.Now()); wait > 0 {
		return Answer{}, throttled(call.Op, wait, fmt.Errorf("%d calls left within %s, nothing was sent", c.budget.Calls, c.budget.Per))
	}
	req, err := c.request(ctx, call, body, token.tok, payment.tok)
	if err != nil {
		return Answer{}, fault.E(call.Op, fault.Internal, fmt.Errorf("building request: %w", err))
	}
	session.put(req)

	att := Attempt{Connection: c.cfg.Connection, Op: call.Op, Started: c.cfg.Now()}
	var w written
	hc := c.reads
	if call.Once {
		hc = c.effects
	}
	res, err := hc.Do(req.WithContext(w.trace(ctx)))
	if err != nil {
		err = noAnswer(call, w.any(), err)
		c.capture(att, req, body, nil, nil, w.any(), err)
		return Answer{}, err
	}
	defer res.Body.Close()
	ans, err := c.read(call, res)
	if err == nil {
		c.limit.ok()
	} else if res.StatusCode == http.StatusUnauthorized {
		old, oldPayment := token.drop(), payment.drop()
		if old || oldPayment { // the next attempt brings a new one
			err = refused(call.Op, fault.Transient, err)
		}
	} else if session != nil && unsigned(res) {
		c.session.drop(session)
		err = refused(call.Op, fault.Transient, err) // the next attempt brings a new one
	}
	c.capture(att, req, body, res, ans.Body, true, err)
	if err != nil {
		return Answer{}, err
	}
	return ans, nil
}

func (c *Client) request(ctx context.Context, call Call, body []byte, token, payment Token) (*http.Request, error) {
	target := strings.TrimSuffix(c.cfg.BaseURL, "/") + call.Path
	if len(call.Query) > 0 {
		target += "?" + call.Query.Encode()
	}
	var rd io.Reader
	if body != nil {
		rd = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, call.Method, target, rd)
	if err != nil {
		return nil, err
	}
	for k, vs := range call.Header {
		req.Header[http.CanonicalHeaderKey(k)] = vs
	}
	if req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", "application/json")
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	switch {
	case token.Value == "":
	case c.cfg.TokenHeader != "":
		req.Header.Set(c.cfg.TokenHeader, token.Value)
	default:
		req.Header.Set("Authorization", "Bearer "+token.Value)
	}
	if payment.Value != "" {
		req.Header.Set(c.cfg.PaymentHeader, payment.Value)
	}
	if c.cfg.Sign != nil {
		err = c.cfg.Sign(req)
	}
	return req, err
}

// read takes in an answer's body, at most MaxBody of it, and says what the
// answer means for the call. The Answer carries the body even beside an error,
// for the capture.
func (c *Client) read(call Call, res *http.Response) (Answer, error) {
	body, err := io.ReadAll(io.LimitReader(res.Body, c.cfg.MaxBody+1))
	ans := Answer{Status: res.StatusCode, Header: res.Header, Body: body}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return ans, c.refusal(call, res, body)
	}
	switch {
	case call.AnyAnswer:
		return ans, nil
	case err != nil:
		return ans, unreadable(call, fault.Transient, fmt.Errorf("answer breaks off after %d bytes: %w", len(body), err))
	case int64(len(body)) > c.cfg.MaxBody:
		ans.Body = nil
		return ans, unreadable(call, fault.Invalid, fmt.Errorf("answer is longer than %d bytes", c.cfg.MaxBody))
	case len(body) == 0, json.Valid(body), call.Multipart && strings.HasPrefix(res.Header.Get("Content-Type"), "multipart/"):
		return ans, nil
	case bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")):
		return ans, unreadable(call, fault.Transient, errors.New("answer is a web page instead of JSON; is something between us and the partner?"))
	}
	return ans, unreadable(call, fault.Transient, fmt.Errorf("answer of %d bytes is not whole JSON", len(body)))
}

// unreadable is a success that cannot be used. A call that must not be repeated
// may well have been acted on.
func unreadable(call Call, read fault.Kind, err error) error {
	if call.Once {
		read = fault.Unknown
	}
	return fault.E(call.Op, read, err)
}
