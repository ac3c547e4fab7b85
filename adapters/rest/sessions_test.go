package rest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/door"
)

const password = "correct horse battery"

// hashed is the password as the configuration keeps it, made once: it is dear.
var hashed = sync.OnceValue(func() string {
	b, err := bcrypt.GenerateFromPassword([]byte(password), 10)
	if err != nil {
		panic(err)
	}
	return string(b)
})

// clock is set by a test.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *clock) pass(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.now = c.now.Add(d) }

func signing(t *testing.T) (*hub, *clock) {
	t.Helper()
	c := &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	h := serve(t, rest.Config{
		Keys:  []rest.Key{keyOf("erp", rest.Rights{})},
		Users: []rest.User{{Name: "ann", Hash: hashed(), Rights: rest.Rights{Role: rest.Support}}, {Name: "ben", Hash: hashed(), Rights: rest.Rights{Role: rest.Operator}}},
	}, func(d *rest.Deps) { d.Now = c.Now })
	return h, c
}

// signIn is the cookie of somebody's session, and what he sends with each write.
func (h *hub) signIn(user string) (cookie, csrf string) {
	h.t.Helper()
	res, body := h.must(http.StatusOK, "POST", "/v1/session", fmt.Sprintf(`{"user":%q,"password":%q}`, user, password))
	set := res.Header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Strict", "Path=/"} {
		if !strings.Contains(set, want) {
			h.t.Errorf("the cookie %q is not %s", set, want)
		}
	}
	if strings.Contains(set, "Secure") {
		h.t.Errorf("over plain http the browser would never send %q", set)
	}
	var s rest.Session
	if err := json.Unmarshal([]byte(body), &s); err != nil || s.CSRF == "" {
		h.t.Fatal(body, err)
	}
	cookie, _, _ = strings.Cut(set, ";")
	if strings.Contains(body, strings.TrimPrefix(cookie, "paklog_session=")) {
		h.t.Error("a script can read the session's token")
	}
	return cookie, s.CSRF
}

func TestASession(t *testing.T) {
	t.Parallel()
	h, _ := signing(t)
	h.must(http.StatusUnauthorized, "GET", "/v1/session", "")
	cookie, csrf := h.signIn("ben")
	var s rest.Session
	_, body := h.must(http.StatusOK, "GET", "/v1/session", "", "Cookie", cookie)
	if err := json.Unmarshal([]byte(body), &s); err != nil || s.Client != "ben" || s.Role != rest.Operator || s.CSRF != csrf {
		t.Errorf("%s %v", body, err)
	}
	item := `{"sku":"Z","units":[{"uom":"each","factor":1}]}`
	by := make(chan string, 10)
	h.door.Before = func(_ context.Context, _ string, ask door.Ask) error { by <- ask.Actor; return nil }
	h.must(http.StatusCreated, "POST", "/v1/items", item, "Cookie", cookie, "X-CSRF-Token", csrf)
	if got := <-by; got != "ben" {
		t.Errorf("it was done by %q", got)
	}
	// A key beside a cookie is meant: it needs no token of a session.
	h.must(http.StatusOK, "POST", "/v1/items", item, "Cookie", cookie, "X-API-Key", secretOf("erp"))
	other, _ := h.signIn("ben")
	if other == cookie {
		t.Error("two sessions have one token")
	}
	h.must(http.StatusOK, "POST", "/v1/session/end", "", "Cookie", cookie, "X-CSRF-Token", csrf)
	h.must(http.StatusUnauthorized, "GET", "/v1/session", "", "Cookie", cookie) // nor can it be used again
	h.must(http.StatusOK, "GET", "/v1/session", "", "Cookie", other)
}

// What is not sent by our own page, by who signed in and while he was, does nothing.
func TestForgedSessions(t *testing.T) {
	t.Parallel()
	h, c := signing(t)
	cookie, csrf := h.signIn("ben")
	_, others := h.signIn("ann")
	item := `{"sku":"Z","units":[{"uom":"each","factor":1}]}`
	for name, x := range map[string]struct {
		status int
		header []string
	}{
		"no token":            {http.StatusForbidden, []string{"Cookie", cookie}},
		"an empty token":      {http.StatusForbidden, []string{"Cookie", cookie, "X-CSRF-Token", ""}},
		"another's token":     {http.StatusForbidden, []string{"Cookie", cookie, "X-CSRF-Token", others}},
		"another site":        {http.StatusForbidden, []string{"Cookie", cookie, "X-CSRF-Token", csrf, "Sec-Fetch-Site", "cross-site"}},
		"another port":        {http.StatusForbidden, []string{"Cookie", cookie, "X-CSRF-Token", csrf, "Origin", "http://127.0.0.1:1"}},
		"a guessed cookie":    {http.StatusUnauthorized, []string{"Cookie", "paklog_session=AAAA", "X-CSRF-Token", csrf}},
		"an empty cookie":     {http.StatusUnauthorized, []string{"Cookie", "paklog_session=", "X-CSRF-Token", csrf}},
		"a cookie cut short":  {http.StatusUnauthorized, []string{"Cookie", cookie[:len(cookie)-1], "X-CSRF-Token", csrf}},
		"a wrong key beside":  {http.StatusUnauthorized, []string{"Cookie", cookie, "X-CSRF-Token", csrf, "X-API-Key", "not-a-key-that-anybody-has"}},
		"the cookie as a key": {http.StatusUnauthorized, []string{"X-API-Key", strings.TrimPrefix(cookie, "paklog_session=")}},
		"the hash as a key":   {http.StatusUnauthorized, []string{"X-API-Key", hashed()}},
	} {
		if res, body := h.send("POST", "/v1/items", item, x.header...); res.StatusCode != x.status {
			t.Errorf("%s: %d, want %d: %s", name, res.StatusCode, x.status, body)
		}
	}
	h.must(http.StatusCreated, "POST", "/v1/items", item, "Cookie", cookie, "X-CSRF-Token", csrf)
	h.must(http.StatusForbidden, "POST", "/v1/session", fmt.Sprintf(`{"user":"ben","password":%q}`, password), "Sec-Fetch-Site", "cross-site")
	ann, token := h.signIn("ann")
	h.must(http.StatusForbidden, "POST", "/v1/items", item, "Cookie", ann, "X-CSRF-Token", token) // she is support

	// It ends when nobody uses it, and at last in any case.
	idle, _ := h.signIn("ann")
	for range 11 {
		c.pass(59 * time.Minute)
		h.must(http.StatusOK, "GET", "/v1/session", "", "Cookie", cookie)
	}
	h.must(http.StatusUnauthorized, "GET", "/v1/session", "", "Cookie", idle)
	c.pass(70 * time.Minute)
	h.must(http.StatusUnauthorized, "GET", "/v1/session", "", "Cookie", cookie)
	cookie, csrf = h.signIn("ben")
	h.must(http.StatusOK, "GET", "/v1/session", "", "Cookie", cookie)
	h.must(http.StatusOK, "POST", "/v1/items", item, "Cookie", cookie, "X-CSRF-Token", csrf)
}

// 10,000 wrong passwords: few of them are even looked at, who guesses waits longer and longer, nobody learns which
// users there are, and who knows his password gets in from elsewhere, or when the wait is over.
func TestTenThousandWrongPasswords(t *testing.T) {
	t.Parallel()
	h, c := signing(t)
	counts := map[int]int{}
	var said []string
	for i := range 10_000 {
		user := []string{"ann", "nobody"}[i%2]
		res, body := h.send("POST", "/v1/session", fmt.Sprintf(`{"user":%q,"password":"guess %d of many"}`, user, i))
		counts[res.StatusCode]++
		if res.StatusCode == http.StatusUnauthorized && !slices.Contains(said, body) {
			said = append(said, body)
		}
		if res.StatusCode == http.StatusTooManyRequests && res.Header.Get("Retry-After") == "" {
			t.Fatal("it does not say how long to wait")
		}
		if i%100 == 99 {
			c.pass(time.Second)
		}
	}
	if looked := counts[http.StatusUnauthorized]; looked < 10 || looked > 40 || counts[http.StatusTooManyRequests] != 10_000-looked || len(said) != 1 {
		t.Errorf("%v; said %q", counts, said)
	}
	right := fmt.Sprintf(`{"user":"ann","password":%q}`, password)
	h.must(http.StatusTooManyRequests, "POST", "/v1/session", right)
	c.pass(5 * time.Minute)
	h.signIn("ann")
	for name, body := range map[string]string{
		"too long": fmt.Sprintf(`{"user":"ann","password":%q}`, strings.Repeat("x", 73)), "a script": `{"user":"<script>","password":"<script>"}`, "nothing": `{"user":"","password":""}`,
	} {
		if res, got := h.send("POST", "/v1/session", body); res.StatusCode < 400 || res.StatusCode >= 500 {
			t.Errorf("%s: %d %s", name, res.StatusCode, got)
		}
	}
}

func TestUsersThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, users := range map[string][]rest.User{
		"no name":          {{Hash: hashed()}},
		"a password as it": {{Name: "ann", Hash: password}},
		"a cheap hash":     {{Name: "ann", Hash: "$2a$04$" + strings.Repeat("x", 53)}},
		"a king":           {{Name: "ann", Hash: hashed(), Rights: rest.Rights{Role: "king"}}},
		"twice":            {{Name: "ann", Hash: hashed()}, {Name: "ann", Hash: hashed()}},
	} {
		if _, err := rest.New(rest.Config{Users: users}, rest.Deps{Door: serve(t, rest.Config{}, nil).door, Now: time.Now}); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	for _, short := range []string{"", "short", strings.Repeat("x", 73)} {
		if _, err := rest.HashPassword(short); err == nil {
			t.Errorf("a password of %d bytes was taken", len(short))
		}
	}
	if h, err := rest.HashPassword(password); err != nil || bcrypt.CompareHashAndPassword([]byte(h), []byte(password)) != nil || rest.CheckUsers([]rest.User{{Name: "ann", Hash: h}}) != nil {
		t.Error(h, err)
	}
	if err := rest.CheckListen("0.0.0.0:80", nil, rest.User{Name: "ann"}); err != nil {
		t.Error(err)
	}
	// Without keys and users, nobody has to sign in.
	h := serve(t, rest.Config{}, nil)
	h.must(http.StatusOK, "GET", "/v1/session", "")
	h.must(http.StatusNotFound, "POST", "/v1/session", `{"user":"ann","password":"x"}`)
	// With users alone, this machine signs in too.
	h = serve(t, rest.Config{Keys: []rest.Key{}, Users: []rest.User{{Name: "ann", Hash: hashed()}}}, nil)
	h.must(http.StatusUnauthorized, "GET", "/v1/orders", "")
}
