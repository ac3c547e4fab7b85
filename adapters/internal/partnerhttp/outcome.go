package partnerhttp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/paklog/hub/core/fault"
)

// written tells whether any of a request can have reached the partner.
type written struct{ headers atomic.Bool }

func (w *written) any() bool { return w.headers.Load() }

// trace watches the request made under the returned context. Until the headers
// are handed to the connection, the partner cannot have a request to act on;
// from then on they may have left, whatever error follows. GetConn starts a new
// round: the transport goes to another connection only if nothing was written to
// the first.
func (w *written) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { w.headers.Store(false) },
		WroteHeaders: func() { w.headers.Store(true) },
	})
}

// Sent watches a request of an adapter that has a client of its own, because it streams: made under
// the returned context, sent reports whether any of it can have reached the partner.
func Sent(ctx context.Context) (watched context.Context, sent func() bool) {
	w := &written{}
	return w.trace(ctx), w.any
}

// Unsent is the kind of an error of which [Sent] reports that nothing was sent.
func Unsent(err error) fault.Kind { return unsent(err) }

// noAnswer classifies a call that ended without an answer's headers.
func noAnswer(call Call, sent bool, err error) error {
	err = fmt.Errorf("no answer: %w", err)
	if sent {
		if call.Once {
			return fault.E(call.Op, fault.Unknown, err)
		}
		return fault.E(call.Op, fault.Transient, err)
	}
	return fault.E(call.Op, unsent(err), fmt.Errorf("nothing was sent: %w", err))
}

// unsent is the kind of an error before the first byte of a request: the partner
// cannot be reached, unless it was our side that gave up.
func unsent(err error) fault.Kind {
	if errors.Is(err, context.Canceled) {
		return fault.Transient
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op != "dial" {
		return fault.Transient // connected, then lost
	}
	return fault.Unavailable
}

// refusal classifies an answer other than success.
func (c *Client) refusal(call Call, res *http.Response, body []byte) error {
	r := &Refusal{Status: res.StatusCode, Message: http.StatusText(res.StatusCode)}
	if c.cfg.ReadError != nil && int64(len(body)) <= c.cfg.MaxBody {
		if code, msg := c.cfg.ReadError(body); msg != "" {
			r.Code, r.Message = code, msg
		}
	}
	now := c.cfg.Now()
	after := retryAfter(res.Header, now)
	kind := fault.Rejected
	if c.cfg.ReadError != nil && r.Code == "" {
		// Refused, so nothing was done, but not in the partner's words: a proxy's
		// page or half a document is no verdict on the message.
		kind = fault.Transient
	}
	switch s := res.StatusCode; {
	case s == http.StatusTooManyRequests:
		return throttled(call.Op, c.limit.hit(now, after), r)
	case s >= 500 && call.Once:
		// QUIRK(http): a gateway says 502, 503 or 504 about a request that it had
		// already passed on, and a server fails after it has committed.
		kind = fault.Unknown
	case s == http.StatusBadGateway, s == http.StatusServiceUnavailable, s == http.StatusGatewayTimeout:
		kind = fault.Unavailable
	case s >= 500, s == http.StatusRequestTimeout, s == http.StatusTooEarly:
		kind = fault.Transient
	case s < 400, s == http.StatusUnauthorized, s == http.StatusForbidden, s == http.StatusProxyAuthRequired:
		// The connection is set up wrongly or blocked; no message is to blame.
		kind = fault.Unavailable
	}
	return &fault.Error{Op: call.Op, Kind: kind, After: after, Err: r}
}

// refused is err's refusal under another kind.
func refused(op string, kind fault.Kind, err error) error {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return fault.E(op, kind, r)
	}
	return err
}
