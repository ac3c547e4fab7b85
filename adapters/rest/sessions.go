package rest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/paklog/hub/adapters/internal/intake"
)

// User is somebody who signs in with a password.
type User struct {
	Name string
	Hash string // bcrypt, of at most 72 bytes
	Rights
}

// CheckUsers refuses users without a name or a hash that is one.
func CheckUsers(users []User) error {
	for _, u := range users {
		if u.Name == "" {
			return errors.New("a user has no name")
		}
		if err := errors.Join(CheckHash(u.Hash), u.Rights.Validate()); err != nil {
			return fmt.Errorf("user %s: %w", u.Name, err)
		}
	}
	return nil
}

// CheckHash refuses what is no hash of a password, and one that is cheap to guess by.
func CheckHash(hash string) error {
	if cost, err := bcrypt.Cost([]byte(hash)); err != nil || cost < minCost {
		return fmt.Errorf("is no bcrypt hash of cost %d or more: paklog user hash makes one", minCost)
	}
	return nil
}

const (
	// Cost of new hashes: some 250 ms. minCost is what is taken.
	hashCost = 12
	minCost  = 10
	// LongestPassword is what bcrypt looks at, in bytes.
	LongestPassword  = 72
	shortestPassword = 12

	sessionPath   = "/v1/session"
	sessionCookie = "paklog_session"
	csrfHeader    = "X-CSRF-Token"
	sessionMost   = 12 * time.Hour // from signing in
	sessionIdle   = time.Hour
	mostSessions  = 10_000
)

// HashPassword is what the configuration keeps of a password.
func HashPassword(password string) (string, error) {
	if len(password) < shortestPassword || len(password) > LongestPassword {
		return "", fmt.Errorf("a password has %d to %d bytes", shortestPassword, LongestPassword)
	}
	b, err := bcrypt.GenerateFromPassword([]byte(password), hashCost)
	return string(b), err
}

// session is one that somebody signed in to. Its token is known to the browser alone.
type session struct {
	user        string
	rights      Rights
	csrf        string
	began, last time.Time
}

// sessions are those of this process: a hub that is started anew, or whose users are read anew, asks
// everybody to sign in again.
type sessions struct {
	users   map[string]User
	nobody  string        // hash of a user that there is not, so that one who guesses names learns nothing by the time it takes
	hashing chan struct{} // one hash at a time: they cost a processor

	mu      sync.Mutex
	open    map[[32]byte]*session // by the sum of the token
	refused map[string]*refusals
}

// refusals are those of one who tries passwords.
type refusals struct {
	n     int
	until time.Time
}

func newSessions(users []User) (*sessions, error) {
	if err := CheckUsers(users); err != nil {
		return nil, err
	}
	if len(users) == 0 {
		return nil, nil
	}
	s := &sessions{users: map[string]User{}, hashing: make(chan struct{}, 1), open: map[[32]byte]*session{}, refused: map[string]*refusals{}}
	for _, u := range users {
		if _, ok := s.users[u.Name]; ok {
			return nil, fmt.Errorf("there are two users %s", u.Name)
		}
		s.users[u.Name] = u
		s.nobody = u.Hash // as dear as a real one, and its password is compared for no user
	}
	return s, nil
}

// Tries before somebody waits: of a user at an address, of an address, of a user from wherever.
const (
	triesHere    = 5
	triesAddress = 20
	triesUser    = 200
	longestLock  = 5 * time.Minute
)

type try struct {
	key  string
	free int
}

func triesOf(user, addr string) []try {
	return []try{{"here\x00" + addr + "\x00" + user, triesHere}, {"address\x00" + addr, triesAddress}, {"user\x00" + user, triesUser}}
}

// wait is how long who tried too often waits.
func (s *sessions) wait(tries []try, now time.Time) (d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range tries {
		if r := s.refused[t.key]; r != nil {
			d = max(d, r.until.Sub(now))
		}
	}
	return d
}

// fail counts a wrong password. locked says that from now on somebody waits.
func (s *sessions) fail(tries []try, now time.Time) (locked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.refused) > 4*mostSessions {
		for k, r := range s.refused {
			if now.Sub(r.until) > longestLock {
				delete(s.refused, k)
			}
		}
	}
	for _, t := range tries {
		r := s.refused[t.key]
		if r == nil {
			r = &refusals{}
			s.refused[t.key] = r
		}
		r.n++
		r.until = now
		if over := r.n - t.free; over >= 0 {
			locked = locked || over == 0
			r.until = now.Add(min(time.Second<<min(over, 20), longestLock))
		}
	}
	return locked
}

// begin opens a session under a new token.
func (s *sessions) begin(u User, tries []try, now time.Time) (token string, x *session) {
	b := make([]byte, 64)
	_, _ = rand.Read(b) // never fails
	token = base64.RawURLEncoding.EncodeToString(b[:32])
	x = &session{user: u.Name, rights: u.Rights, csrf: base64.RawURLEncoding.EncodeToString(b[32:]), began: now, last: now}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.refused, tries[0].key)
	if len(s.open) >= mostSessions {
		for k, o := range s.open {
			if o.over(now) {
				delete(s.open, k)
			}
		}
		for k := range s.open {
			if len(s.open) < mostSessions {
				break
			}
			delete(s.open, k) // somebody signs in again
		}
	}
	s.open[sha256.Sum256([]byte(token))] = x
	return token, x
}

func (x *session) over(now time.Time) bool {
	return now.Sub(x.began) >= sessionMost || now.Sub(x.last) >= sessionIdle
}

// of is the session of a token, which goes on by being used.
func (s *sessions) of(token string, now time.Time) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := sha256.Sum256([]byte(token))
	x := s.open[sum]
	if x == nil {
		return nil
	}
	if x.over(now) {
		delete(s.open, sum)
		return nil
	}
	x.last = now
	return x
}

func (s *sessions) end(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, sha256.Sum256([]byte(token)))
}

// signedIn is who asks by a session, or why he may not; nil, nil where he has none.
func (s *server) signedIn(r *http.Request) (*call, *intake.Problem) {
	if s.sessions == nil {
		return nil, nil
	}
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return nil, nil //nolint:nilerr // no cookie is no session
	}
	x := s.sessions.of(cookie.Value, s.deps.Now())
	if x == nil {
		return nil, intake.New(http.StatusUnauthorized, intake.CodeUnauthor, "the session is over: sign in again")
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		// The browser sends the cookie by itself, whoever has it ask; the header it does not.
		if subtle.ConstantTimeCompare([]byte(r.Header.Get(csrfHeader)), []byte(x.csrf)) != 1 {
			return nil, forbidden("csrf", "send the csrf of GET "+sessionPath+" as "+csrfHeader)
		}
		if p := sameOrigin(r); p != nil {
			return nil, p
		}
	}
	return &call{client: x.user, rights: x.rights, csrf: x.csrf, token: cookie.Value}, nil
}

func sameOrigin(r *http.Request) *intake.Problem {
	if err := new(http.CrossOriginProtection).Check(r); err != nil {
		return forbidden("cross_origin", "a page of another site may not write here")
	}
	return nil
}

// addressOf is where a request comes from, of IPv6 the network that one customer has.
func addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || ip.Unmap().Is4() {
		return host
	}
	p, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return host
	}
	return p.String()
}

// SignIn is what somebody signs in with.
type SignIn struct {
	User     string `json:"user" maxLength:"128"`
	Password string `json:"password" maxLength:"72"`
}

// Session says who asks, and what he may do.
type Session struct {
	Client   string   `json:"client"`
	Role     Role     `json:"role" enum:"viewer,support,operator,admin"`
	Scopes   []string `json:"scopes,omitempty"`
	Partners []string `json:"partners,omitempty"`
	Routes   []string `json:"routes,omitempty"`
	CSRF     string   `json:"csrf,omitempty" doc:"to be sent as X-CSRF-Token with each write of a session"`
	Users    bool     `json:"users" doc:"people may sign in here with a password"`
}

// sessionReply sets the cookie of a session.
type sessionReply struct {
	Status int
	Type   string      `header:"Content-Type"`
	Cache  string      `header:"Cache-Control"`
	Cookie http.Cookie `header:"Set-Cookie"`
	Body   []byte
}

func (s *server) sessionAPI() {
	const tag = "session"
	register(s, op[struct{}, Session](s, http.MethodGet, sessionPath, "get-session", tag, "Who asks, by a key or a session, and what he may do"),
		func(ctx context.Context, _ *struct{}) (*answer, error) {
			a, err := s.now(ctx, s.session(callOf(ctx)))
			if err == nil {
				a.Cache = "no-store"
			}
			return a, err
		})
	register(s, op[SignIn, Session](s, http.MethodPost, sessionPath, "sign-in", tag, "Begin a session with a password: a cookie that no script reads"), s.signIn)
	register(s, op[struct{}, struct{}](s, http.MethodPost, sessionPath+"/end", "sign-out", tag, "End the session"),
		func(ctx context.Context, _ *struct{}) (*sessionReply, error) {
			c := callOf(ctx)
			if s.sessions != nil && c.token != "" {
				s.sessions.end(c.token)
				s.tell(ctx, "session.Ended", c.client, c.address)
			}
			return &sessionReply{Status: http.StatusOK, Type: "application/json", Cache: "no-store", Cookie: c.cookie("", -1), Body: []byte("{}\n")}, nil
		})
}

// cookie is that of a session. Over plain http, which is for this machine and for what a proxy ends the
// TLS of, a browser would not send one that is Secure.
func (c *call) cookie(token string, seconds int) http.Cookie {
	return http.Cookie{Name: sessionCookie, Value: token, Path: "/", MaxAge: seconds, HttpOnly: true, Secure: c.tls, SameSite: http.SameSiteStrictMode} //nolint:gosec // see above
}

func (s *server) session(c *call) Session {
	return Session{
		Client: c.client, Role: c.rights.role(), Scopes: c.rights.Scopes, Partners: c.rights.Partners, Routes: c.rights.Routes, CSRF: c.csrf, Users: s.sessions != nil,
	}
}

func (s *server) signIn(ctx context.Context, _ *struct{}) (*sessionReply, error) {
	b, err := decode[SignIn](ctx)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	if s.sessions == nil {
		return nil, s.problem(ctx, intake.New(http.StatusNotFound, intake.CodeNotFound, "nobody signs in here with a password: there are no http.users"))
	}
	c := callOf(ctx)
	tries := triesOf(b.User, c.address)
	if d := s.sessions.wait(tries, s.deps.Now()); d > 0 {
		p := intake.New(http.StatusTooManyRequests, intake.CodeThrottled, "too many wrong passwords: wait")
		p.RetryAfter = d
		return nil, s.problem(ctx, p)
	}
	select {
	case s.sessions.hashing <- struct{}{}:
	case <-ctx.Done():
		return nil, s.problem(ctx, ctx.Err())
	}
	u, known := s.sessions.users[b.User]
	hash := s.sessions.nobody
	if known {
		hash = u.Hash
	}
	right := len(b.Password) <= LongestPassword && bcrypt.CompareHashAndPassword([]byte(hash), []byte(b.Password)) == nil
	<-s.sessions.hashing
	now := s.deps.Now()
	if !known || !right {
		if s.sessions.fail(tries, now) {
			s.tell(ctx, "session.Refused", b.User, c.address)
		}
		return nil, s.problem(ctx, intake.New(http.StatusUnauthorized, intake.CodeUnauthor, "the user or the password is wrong"))
	}
	token, x := s.sessions.begin(u, tries, now)
	s.tell(ctx, "session.Began", u.Name, c.address)
	body, err := json.Marshal(s.session(&call{client: x.user, rights: x.rights, csrf: x.csrf}))
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return &sessionReply{Status: http.StatusOK, Type: "application/json", Cache: "no-store", Cookie: c.cookie(token, int(sessionMost.Seconds())), Body: append(body, '\n')}, nil
}

// tell writes down who signed in, out, or guesses. Where that cannot be written it is in the log.
func (s *server) tell(ctx context.Context, typ, user, address string) {
	if s.deps.Desk == nil {
		return
	}
	if err := s.deps.Desk.Session(ctx, typ, user, address); err != nil {
		s.deps.Logger.Warn("session", "type", typ, "err", err)
	}
}
