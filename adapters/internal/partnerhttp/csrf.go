package partnerhttp

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/paklog/hub/core/fault"
)

// csrfHeader carries a token against forged requests, and asks for one (SAP Gateway).
const csrfHeader = "X-Csrf-Token"

// session is a CSRF token with the cookies that it came with. QUIRK(SAP): a token is good beside the
// cookies of its own answer alone, so they are kept and dropped together.
type session struct {
	token   string
	cookies []*http.Cookie
}

// sessions hand out one connection's session: one is asked for at a time, however many want it.
type sessions struct {
	asking chan struct{} // holds one while a session is asked for

	mu      sync.Mutex
	current *session
}

func newSessions() *sessions { return &sessions{asking: make(chan struct{}, 1)} }

// have is the session, or nil.
func (s *sessions) have() *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// drop forgets a session that the partner does not take any more.
func (s *sessions) drop(old *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == old {
		s.current = nil
	}
}

// hold is the session of a call that changes something; it is asked for where there is none.
func (s *sessions) hold(ctx context.Context, c *Client, op string) (*session, error) {
	select {
	case s.asking <- struct{}{}:
		defer func() { <-s.asking }()
	case <-ctx.Done():
		return nil, fault.E(op, fault.Transient, ctx.Err())
	}
	if have := s.have(); have != nil {
		return have, nil
	}
	ans, err := c.Do(ctx, Call{Op: op, Method: http.MethodGet, Path: c.cfg.CSRF, Header: http.Header{csrfHeader: {"Fetch"}}, AnyAnswer: true})
	if err != nil {
		return nil, err
	}
	token := ans.Header.Get(csrfHeader)
	if token == "" || strings.EqualFold(token, "Required") {
		return nil, fault.E(op, fault.Unavailable, errors.New("asked for a CSRF token, the partner gave none; is something between us and the partner?"))
	}
	got := &session{token, (&http.Response{Header: ans.Header}).Cookies()}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current = got
	return got, nil
}

// put writes the session into a request: the cookies always, so that a reading opens no other session,
// the token where something is changed.
func (s *session) put(r *http.Request) {
	if s == nil {
		return
	}
	for _, c := range s.cookies {
		r.AddCookie(c)
	}
	if changes(r.Method) {
		r.Header.Set(csrfHeader, s.token)
	}
}

func changes(method string) bool { return method != http.MethodGet && method != http.MethodHead }

// unsigned reports whether the partner refused a call for its CSRF token alone: nothing was done.
func unsigned(res *http.Response) bool {
	return res.StatusCode == http.StatusForbidden && strings.EqualFold(res.Header.Get(csrfHeader), "Required")
}

// Session asks for a session where there is none, so that somebody who changes nothing learns whether
// he could.
func (c *Client) Session(ctx context.Context, op string) error {
	_, err := c.session.hold(ctx, c, op)
	return err
}
