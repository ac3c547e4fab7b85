package partnerhttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/internal/partnerhttp"
	"github.com/paklog/hub/core/fault"
)

// grants is a token endpoint that numbers its tokens and answers by script.
type grants struct {
	asked  atomic.Int32
	script func(n int32, w http.ResponseWriter) bool // true: it has answered
}

func (g *grants) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := g.asked.Add(1)
	if g.script != nil && g.script(n, w) {
		return
	}
	if id, secret, _ := r.BasicAuth(); id != "id" || secret != "secret" || r.PostFormValue("grant_type") != "client_credentials" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	fmt.Fprintf(w, `{"access_token":"t%d","expires_in":"1000"}`, n)
}

func newTokens(t *testing.T, g *grants, clk *clock, change func(*partnerhttp.OAuth)) *partnerhttp.Tokens {
	t.Helper()
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	cfg := partnerhttp.OAuth{
		Connection: "main", TokenURL: serve(t, g.ServeHTTP), ClientID: "id",
		ClientSecret: func() (string, error) { return "secret", nil },
		Transport:    tr, Now: clk.Now, RetryDelay: time.Millisecond,
	}
	if change != nil {
		change(&cfg)
	}
	return partnerhttp.NewTokens(cfg)
}

func wantToken(t *testing.T, tk *partnerhttp.Tokens, want string) {
	t.Helper()
	got, _, err := tk.Get(t.Context())
	if err != nil || got.Value != want {
		t.Fatalf("token %q, %v, want %q", got.Value, err, want)
	}
}

func TestTokenIsRenewedAtEightyPercentOfItsLife(t *testing.T) {
	t.Parallel()
	g, clk := &grants{}, newClock()
	tk := newTokens(t, g, clk, nil)
	wantToken(t, tk, "t1")
	clk.Advance(799 * time.Second)
	wantToken(t, tk, "t1")
	clk.Advance(time.Second)
	wantToken(t, tk, "t2")
}

func TestOldTokenCoversForAFailedRenewal(t *testing.T) {
	t.Parallel()
	g, clk := &grants{}, newClock()
	g.script = func(n int32, w http.ResponseWriter) bool {
		if n > 1 {
			w.WriteHeader(http.StatusBadGateway)
		}
		return n > 1
	}
	tk := newTokens(t, g, clk, nil)
	wantToken(t, tk, "t1")
	clk.Advance(900 * time.Second)
	wantToken(t, tk, "t1")
	asked := g.asked.Load()
	wantToken(t, tk, "t1")
	if g.asked.Load() != asked {
		t.Error("each call asks again while the renewal fails")
	}
	clk.Advance(100 * time.Second)
	if _, _, err := tk.Get(t.Context()); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("expired and not renewed: %v, want unavailable", err)
	}
}

func TestGrantIsTriedThreeTimesWhereItMayHelp(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		asks   int32
		kind   fault.Kind
	}{
		{"server error", 500, 3, fault.Unavailable},
		{"outage", 503, 3, fault.Unavailable},
		{"wrong secret", 401, 1, fault.Unavailable},
		{"blocked", 403, 1, fault.Unavailable},
		{"limit", 429, 1, fault.Throttled},
		{"redirect", 302, 1, fault.Unavailable},
	}
	for _, tt := range tests {
		g := &grants{script: func(_ int32, w http.ResponseWriter) bool { w.WriteHeader(tt.status); return true }}
		tk := newTokens(t, g, newClock(), nil)
		_, _, err := tk.Get(t.Context())
		if fault.KindOf(err) != tt.kind || g.asked.Load() != tt.asks {
			t.Errorf("%s: %v after %d asks, want %v after %d", tt.name, err, g.asked.Load(), tt.kind, tt.asks)
		}
		if tt.status == 429 {
			if _, _, err := tk.Get(t.Context()); fault.KindOf(err) != fault.Throttled || g.asked.Load() != 1 {
				t.Errorf("limit: asked again during the wait: %v", err)
			}
		}
	}
}

func TestGrantThatIsNoToken(t *testing.T) {
	t.Parallel()
	for _, body := range []string{``, `<html>`, `[]`, `{"access_token":"t"}`, `{"access_token":"","expires_in":9}`,
		`{"access_token":"t","expires_in":"soon"}`, `{"access_token":"t","expires_in":-1}`, `{"access_token":"t","expires_in":1e30}`} {
		g := &grants{script: func(_ int32, w http.ResponseWriter) bool { io.WriteString(w, body); return true }}
		if tok, _, err := newTokens(t, g, newClock(), nil).Get(t.Context()); fault.KindOf(err) != fault.Unavailable || tok.Value != "" {
			t.Errorf("%s: %+v, %v", body, tok, err)
		}
	}
}

func TestOneGrantForManyCallers(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	g := &grants{script: func(int32, http.ResponseWriter) bool { <-release; return false }}
	tk := newTokens(t, g, newClock(), nil)
	gone, leave := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	errs := make([]error, 20)
	started := make(chan struct{}, len(errs))
	for i := range errs {
		wg.Go(func() {
			ctx := t.Context()
			if i == 0 {
				ctx = gone
			}
			started <- struct{}{}
			_, _, errs[i] = tk.Get(ctx)
		})
	}
	for range errs {
		<-started
	}
	leave()
	close(release)
	wg.Wait()
	if errs[0] != nil && fault.KindOf(errs[0]) != fault.Transient {
		t.Errorf("the caller who left: %v, want transient", errs[0])
	}
	if err := errors.Join(errs[1:]...); err != nil {
		t.Error(err)
	}
	if n := g.asked.Load(); n != 1 {
		t.Errorf("%d grants, want 1", n)
	}
}

func TestRevokedTokenIsReplacedOnceAndNotForEver(t *testing.T) {
	t.Parallel()
	g, clk := &grants{}, newClock()
	tk := newTokens(t, g, clk, nil)
	revoked := false
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if revoked {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	c := newClient(t, partnerhttp.Config{BaseURL: base, Tokens: tk, Now: clk.Now})
	if _, err := c.Do(t.Context(), post(true)); err != nil {
		t.Fatal(err)
	}
	revoked = true
	// The old token may have been revoked: another try brings another token.
	if _, err := c.Do(t.Context(), post(true)); fault.KindOf(err) != fault.Transient {
		t.Errorf("old token refused: %v, want transient", err)
	}
	// A token of this moment is refused too: the connection is at fault.
	if _, err := c.Do(t.Context(), post(true)); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("new token refused: %v, want unavailable", err)
	}
}

func TestTokenOutlivesARestart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "tokens")
	g, clk := &grants{}, newClock()
	stored := func(c *partnerhttp.OAuth) { c.Store = partnerhttp.FileTokens(dir) }
	wantToken(t, newTokens(t, g, clk, stored), "t1")
	wantToken(t, newTokens(t, g, clk, stored), "t1")
	if n := g.asked.Load(); n != 1 {
		t.Errorf("%d grants over a restart, want 1", n)
	}
	file := filepath.Join(dir, "main.json")
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the token's file has mode %v, want 0600", info.Mode().Perm())
	}
	// A torn file costs a grant, not the connection.
	if err := os.WriteFile(file, []byte(`{"val`), 0o600); err != nil {
		t.Fatal(err)
	}
	wantToken(t, newTokens(t, g, clk, stored), "t2")
	// So does a folder that cannot be written.
	wantToken(t, newTokens(t, g, clk, func(c *partnerhttp.OAuth) { c.Store = partnerhttp.FileTokens("/dev/null/x") }), "t3")
}

func TestSecretThatCannotBeRead(t *testing.T) {
	t.Parallel()
	g := &grants{}
	tk := newTokens(t, g, newClock(), func(c *partnerhttp.OAuth) {
		c.ClientSecret = func() (string, error) { return "", errors.New("no such file") }
	})
	if _, _, err := tk.Get(t.Context()); fault.KindOf(err) != fault.Unavailable || g.asked.Load() != 0 {
		t.Errorf("%v after %d asks, want unavailable after none", err, g.asked.Load())
	}
}

func TestCredentialsGoIntoTheFormWhereThePartnerWantsThem(t *testing.T) {
	t.Parallel()
	g := &grants{}
	form := func(w http.ResponseWriter, r *http.Request) {
		if _, _, basic := r.BasicAuth(); basic || r.PostFormValue("client_id") != "id" || r.PostFormValue("client_secret") != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, `{"access_token":"t1","expires_in":3600}`)
	}
	tk := newTokens(t, g, newClock(), func(c *partnerhttp.OAuth) { c.InForm, c.TokenURL = true, serve(t, form) })
	wantToken(t, tk, "t1")
}

// A partner that shuts out who asks too often is left alone until it opens again.
func TestABlockedClientAsksForNoToken(t *testing.T) {
	t.Parallel()
	for blocked, asked := range map[time.Duration]int32{0: 3, 10 * time.Minute: 1} {
		g, clk := &grants{}, newClock()
		g.script = func(n int32, w http.ResponseWriter) bool {
			if n <= asked {
				w.WriteHeader(http.StatusForbidden)
			}
			return n <= asked
		}
		tk := newTokens(t, g, clk, func(c *partnerhttp.OAuth) { c.Blocked = blocked })
		for i := range 3 {
			_, _, err := tk.Get(t.Context())
			if k := fault.KindOf(err); k != fault.Unavailable && k != fault.Throttled {
				t.Fatalf("blocked %s, call %d: %v", blocked, i+1, err)
			}
			if blocked > 0 && fault.AfterOf(err) != blocked-time.Duration(i)*time.Minute {
				t.Errorf("call %d: wait %s", i+1, fault.AfterOf(err))
			}
			clk.Advance(time.Minute)
		}
		if n := g.asked.Load(); n != asked {
			t.Errorf("blocked %s: asked %d times, want %d", blocked, n, asked)
		}
		clk.Advance(blocked)
		wantToken(t, tk, fmt.Sprintf("t%d", asked+1))
	}
}
