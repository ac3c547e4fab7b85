package partnerhttp_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/paklog/hub/adapters/internal/partnerhttp"
	"github.com/paklog/hub/core/fault"
)

// gateway gives CSRF tokens that are good beside the cookie of their own answer alone.
type gateway struct {
	mu     sync.Mutex
	tokens map[string]string // by cookie
	n      int
	bare   bool // it gives none
	open   bool // it asks for none
	done   atomic.Int64
	seen   atomic.Int64 // readings that bore the cookie
}

func (g *gateway) serve(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c, err := r.Cookie("session")
	known := err == nil && g.tokens[c.Value] != ""
	if r.Method == http.MethodGet {
		if known {
			g.seen.Add(1)
		}
		if r.Header.Get("X-CSRF-Token") == "Fetch" && !g.bare {
			g.n++
			cookie, token := fmt.Sprint("c", g.n), fmt.Sprint("t", g.n)
			g.tokens[cookie] = token
			http.SetCookie(w, &http.Cookie{Name: "session", Value: cookie})
			w.Header().Set("X-CSRF-Token", token)
		}
		return
	}
	if !g.open && (!known || r.Header.Get("X-CSRF-Token") != g.tokens[c.Value]) {
		w.Header().Set("X-CSRF-Token", "Required")
		w.WriteHeader(http.StatusForbidden)
		return
	}
	g.done.Add(1)
}

func (g *gateway) opened() int { g.mu.Lock(); defer g.mu.Unlock(); return g.n }

func newGateway(t *testing.T) (*gateway, *partnerhttp.Client) {
	g := &gateway{tokens: map[string]string{}}
	return g, newClient(t, partnerhttp.Config{BaseURL: serve(t, g.serve), CSRF: "/"})
}

func TestASessionIsOpenedOnceAndGoesWithItsCookies(t *testing.T) {
	t.Parallel()
	g, c := newGateway(t)
	if _, err := c.Do(t.Context(), partnerhttp.Call{Op: "test.Read", Method: http.MethodGet, Path: "/x"}); err != nil || g.opened() != 0 {
		t.Errorf("a reading alone: %v, %d sessions", err, g.opened())
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := c.Do(t.Context(), post(true)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if _, err := c.Do(t.Context(), partnerhttp.Call{Op: "test.Read", Method: http.MethodGet, Path: "/x"}); err != nil {
		t.Error(err)
	}
	if g.opened() != 1 || g.done.Load() != 8 || g.seen.Load() != 1 {
		t.Errorf("%d sessions, %d calls done, %d readings in the session", g.opened(), g.done.Load(), g.seen.Load())
	}
}

// A call that is refused for its token was surely not acted on, whatever may not be repeated about it.
func TestASessionThatEndedIsOpenedAnew(t *testing.T) {
	t.Parallel()
	g, c := newGateway(t)
	if _, err := c.Do(t.Context(), post(true)); err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	clear(g.tokens)
	g.mu.Unlock()
	_, err := c.Do(t.Context(), post(true))
	if r, ok := errors.AsType[*partnerhttp.Refusal](err); fault.KindOf(err) != fault.Transient || !ok || r.Status != http.StatusForbidden {
		t.Error(err)
	}
	if _, err := c.Do(t.Context(), post(true)); err != nil || g.opened() != 2 || g.done.Load() != 2 {
		t.Errorf("%v; %d sessions, %d calls done", err, g.opened(), g.done.Load())
	}
}

func TestWhereNoTokenIsGivenNothingIsSent(t *testing.T) {
	t.Parallel()
	g, c := newGateway(t)
	g.bare, g.open = true, true
	if _, err := c.Do(t.Context(), post(true)); fault.KindOf(err) != fault.Unavailable || g.done.Load() != 0 {
		t.Errorf("%v; %d calls done", err, g.done.Load())
	}
	if err := c.Session(t.Context(), "test.Session"); fault.KindOf(err) != fault.Unavailable {
		t.Error(err)
	}
}
