package main

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// overheard is a buffer that two goroutines write and read.
type overheard struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (h *overheard) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.b.Write(b)
}

func (h *overheard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.b.String()
}

// A hub that is stopped takes connections, for the system does, and answers none.
func TestAHubThatHangsIsNotWaitedForForEver(t *testing.T) {
	t.Parallel()
	dir := socketDir(t)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(dir, "paklog.sock"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	c := attach(t.Context(), &Config{Data: dir})
	if c == nil {
		t.Fatal("nobody is reached")
	}
	var said overheard
	c.errs = &said
	ctx, done := c.watchedFor(t.Context(), 10*time.Millisecond, 100*time.Millisecond)
	defer done()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/v1/orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.client.Do(req)
	if err == nil {
		res.Body.Close()
	}
	if err = whyEnded(ctx, err); !errors.Is(err, errHangs) || !strings.Contains(err.Error(), "kill -CONT") {
		t.Errorf("it ended with %v", err)
	}
	if n := strings.Count(said.String(), "does not answer yet"); n != 1 {
		t.Errorf("it was said %d times:\n%s", n, said.String())
	}
}

// One that works for long, and answers who asks how it is, is waited for.
func TestAHubThatIsAtWorkIsWaitedFor(t *testing.T) {
	t.Parallel()
	dir := socketDir(t)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(dir, "paklog.sock"))
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan struct{}, 1000)
	srv := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			asked <- struct{}{}
			return
		}
		for range 5 { // longer than it would be waited for if it hung
			<-asked
		}
	})}
	t.Cleanup(func() { srv.Close() })
	go func() { _ = srv.Serve(l) }()
	c := attach(t.Context(), &Config{Data: dir})
	if c == nil {
		t.Fatal("nobody is reached")
	}
	var said overheard
	c.errs = &said
	ctx, done := c.watchedFor(t.Context(), 100*time.Millisecond, 200*time.Millisecond)
	defer done()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost/control/backup", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.client.Do(req)
	if err != nil {
		t.Fatalf("%v: %s", whyEnded(ctx, err), said.String())
	}
	res.Body.Close()
}

func TestWhatIsHeldOrUnknownIsNoSuccess(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.serve()
	s.warehouse()
	out, _, code := s.run(append([]string{"order", "add", "--number", "OA1", "--line", "MUGG=1"}, address...)...)
	if code != int(exitFindings) || !strings.Contains(out, "order OA1") || !strings.Contains(out, `line 1 is held and waits: item "MUGG" is not known`) {
		t.Errorf("exit %d: %s", code, out)
	}
	if out, _, code = s.run(append([]string{"order", "add", "--number", "OA1", "--line", "MUGG=1", "--json"}, address...)...); code != int(exitFindings) || !strings.HasPrefix(out, "{") {
		t.Errorf("exit %d: %s", code, out)
	}
	s.must(append([]string{"order", "add", "--number", "OB1", "--line", "MUG=1"}, address...)...)
	for _, verb := range [][]string{{"list"}, {"replay", "--all"}} {
		s.refused(int(exitUsage), "did you mean edi.untaken?", append(append([]string{"dlq"}, verb...), "--route", "edi.untakn")...)
		s.refused(int(exitUsage), "paklog routes lists them", append(append([]string{"dlq"}, verb...), "--route", "zzzzzzzzzzzz")...)
	}
	if out := s.must("dlq", "list", "--route", "edi.untaken"); !strings.Contains(out, "no letters of that") {
		t.Errorf("a route without letters: %s", out)
	}
	// What was typed of a number narrows what is offered.
	s.until("the order is offered", func() bool { return strings.Contains(s.must("__complete", "orders", "show", "OA"), "OA1\t") })
	if out := s.must("__complete", "orders", "show", "OB"); !strings.Contains(out, "OB1\t") || strings.Contains(out, "OA1") {
		t.Errorf("OB is completed by %s", out)
	}
}
