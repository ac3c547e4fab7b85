package partnerhttp_test

import (
	"context"
	"crypto/tls"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/paklog/hub/adapters/internal/partnerhttp"
	"github.com/paklog/hub/core/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *clock) Advance(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }

func newClient(t *testing.T, cfg partnerhttp.Config) *partnerhttp.Client {
	t.Helper()
	if cfg.Now == nil {
		cfg.Now = newClock().Now
	}
	c := partnerhttp.New(cfg)
	t.Cleanup(c.Close)
	return c
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

func post(once bool) partnerhttp.Call {
	return partnerhttp.Call{Op: "test.Call", Method: http.MethodPost, Path: "/x", Body: map[string]string{"a": "b"}, Once: once}
}

// Every status, for a call that may be repeated and for one that may not.
func TestStatusDecidesTheKind(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status     int
		read, once fault.Kind
	}{
		{301, fault.Unavailable, fault.Unavailable},
		{307, fault.Unavailable, fault.Unavailable},
		{400, fault.Rejected, fault.Rejected},
		{401, fault.Unavailable, fault.Unavailable},
		{403, fault.Unavailable, fault.Unavailable},
		{404, fault.Rejected, fault.Rejected},
		{408, fault.Transient, fault.Transient},
		{409, fault.Rejected, fault.Rejected},
		{422, fault.Rejected, fault.Rejected},
		{425, fault.Transient, fault.Transient},
		{429, fault.Throttled, fault.Throttled},
		{500, fault.Transient, fault.Unknown},
		{501, fault.Transient, fault.Unknown},
		{502, fault.Unavailable, fault.Unknown},
		{503, fault.Unavailable, fault.Unknown},
		{504, fault.Unavailable, fault.Unknown},
	}
	for _, tt := range tests {
		for _, once := range []bool{false, true} {
			var hits atomic.Int32
			base := serve(t, func(w http.ResponseWriter, r *http.Request) {
				hits.Add(1)
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tt.status)
			})
			_, err := newClient(t, partnerhttp.Config{BaseURL: base}).Do(t.Context(), post(once))
			want := tt.read
			if once {
				want = tt.once
			}
			if got := fault.KindOf(err); err == nil || got != want {
				t.Errorf("%d, once %v: %v (%v), want %v", tt.status, once, got, err, want)
			}
			if r, ok := errors.AsType[*partnerhttp.Refusal](err); !ok || r.Status != tt.status {
				t.Errorf("%d: error carries no refusal: %v", tt.status, err)
			}
			if n := hits.Load(); n != 1 {
				t.Errorf("%d, once %v: %d requests arrived, want 1", tt.status, once, n)
			}
		}
	}
}

func TestRefusalCountsOnlyInThePartnersWords(t *testing.T) {
	t.Parallel()
	readError := func(body []byte) (string, string) {
		if string(body) == "no" {
			return "42", "not with us"
		}
		return "", ""
	}
	for body, want := range map[string]fault.Kind{"no": fault.Rejected, "<html>Bad Request</html>": fault.Transient, "n": fault.Transient, "": fault.Transient} {
		base := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, body)
		})
		_, err := newClient(t, partnerhttp.Config{BaseURL: base, ReadError: readError}).Do(t.Context(), post(true))
		if fault.KindOf(err) != want || want == fault.Rejected && !strings.Contains(err.Error(), "not with us (42)") {
			t.Errorf("%q: %v, want %v", body, err, want)
		}
	}
}

func TestBodyOfASuccess(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		body func(w http.ResponseWriter)
		read fault.Kind
	}{
		{"half of a document", func(w http.ResponseWriter) { io.WriteString(w, `{"a":`) }, fault.Transient},
		{"two documents", func(w http.ResponseWriter) { io.WriteString(w, `{}{}`) }, fault.Transient},
		{"a web page", func(w http.ResponseWriter) { io.WriteString(w, "\n<html>") }, fault.Transient},
		{"latin-1", func(w http.ResponseWriter) { w.Write([]byte("\xff\xfe{}")) }, fault.Transient},
		{"a connection that ends early", func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, `{}`)
			panic(http.ErrAbortHandler)
		}, fault.Transient},
		{"too long", func(w http.ResponseWriter) { io.WriteString(w, `"`+strings.Repeat("x", 1<<12)+`"`) }, fault.Invalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			base := serve(t, func(w http.ResponseWriter, r *http.Request) { tt.body(w) })
			c := newClient(t, partnerhttp.Config{BaseURL: base, MaxBody: 1 << 10})
			for once, want := range map[bool]fault.Kind{false: tt.read, true: fault.Unknown} {
				if _, err := c.Do(t.Context(), post(once)); err == nil || fault.KindOf(err) != want {
					t.Errorf("once %v: %v, want %v", once, err, want)
				}
			}
		})
	}
	for _, body := range []string{"", `{"a":1}`} {
		base := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, body) })
		ans, err := newClient(t, partnerhttp.Config{BaseURL: base}).Do(t.Context(), post(true))
		if err != nil || string(ans.Body) != body {
			t.Errorf("%q: %q, %v", body, ans.Body, err)
		}
	}
}

// The line between safe and unknown: had any of the request been handed to the connection?
func TestNothingWrittenIsNeverUnknown(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()

	// This one accepts and hangs up in the middle of the TLS handshake.
	rude, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := rude.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 16)) // however much of the handshake came
			conn.Close()
		}
	})
	t.Cleanup(func() { rude.Close(); wg.Wait() })

	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)

	for name, tt := range map[string]struct {
		base string
		kind fault.Kind
	}{
		"connection refused":          {"http://" + closed.Addr().String(), fault.Unavailable},
		"no such host":                {"http://partner.invalid", fault.Unavailable},
		"hung up in the handshake":    {"https://" + rude.Addr().String(), 0},
		"a certificate we don't know": {untrusted.URL, fault.Unavailable},
	} {
		c := newClient(t, partnerhttp.Config{BaseURL: tt.base, Transport: &http.Transport{TLSClientConfig: &tls.Config{}}})
		for _, once := range []bool{false, true} {
			_, err := c.Do(t.Context(), post(once))
			kind := fault.KindOf(err)
			if tt.kind == 0 && (kind == fault.Transient || kind == fault.Unavailable) {
				continue // both let the call be made again
			}
			if err == nil || kind != tt.kind {
				t.Errorf("%s, once %v: %v (%v), want %v", name, once, kind, err, tt.kind)
			}
		}
	}
}

// reader hangs up as soon as it has read the request's first bytes.
func TestWrittenAndNoAnswerIsUnknownForOnce(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var seen atomic.Int32
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if n, _ := conn.Read(make([]byte, 1<<16)); n > 0 {
				seen.Add(1)
			}
			conn.Close()
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	c := newClient(t, partnerhttp.Config{BaseURL: "http://" + l.Addr().String()})
	for once, want := range map[bool]fault.Kind{false: fault.Transient, true: fault.Unknown} {
		seen.Store(0)
		if _, err := c.Do(t.Context(), post(once)); fault.KindOf(err) != want {
			t.Errorf("once %v: %v, want %v", once, err, want)
		}
		if n := seen.Load(); n != 1 {
			t.Errorf("once %v: the request arrived %d times, want 1", once, n)
		}
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // until the caller gives up
		<-r.Context().Done()
	})
	c := newClient(t, partnerhttp.Config{BaseURL: base, Timeout: 50 * time.Millisecond})
	for once, want := range map[bool]fault.Kind{false: fault.Transient, true: fault.Unknown} {
		if _, err := c.Do(t.Context(), post(once)); fault.KindOf(err) != want {
			t.Errorf("once %v: %v, want %v", once, err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Do(ctx, post(true)); fault.KindOf(err) != fault.Transient {
		t.Errorf("cancelled before anything was sent: %v, want transient", err)
	}
}

func TestRetryAfterIsLearned(t *testing.T) {
	t.Parallel()
	clk := newClock()
	tests := []struct {
		header string
		want   time.Duration
	}{
		{"7", 7 * time.Second},
		{"0", time.Second},
		{"-5", time.Second},
		{"999999999", time.Hour},
		{"99999999999999999999", time.Second}, // not a number that fits: our own wait
		{clk.Now().Add(90 * time.Second).Format(http.TimeFormat), 90 * time.Second},
		{"soon", time.Second},
		{"", time.Second},
	}
	for _, tt := range tests {
		var hits atomic.Int32
		base := serve(t, func(w http.ResponseWriter, r *http.Request) {
			hits.Add(1)
			w.Header().Set("Retry-After", tt.header)
			w.WriteHeader(http.StatusTooManyRequests)
		})
		c := newClient(t, partnerhttp.Config{BaseURL: base, Now: clk.Now})
		_, err := c.Do(t.Context(), post(true))
		if fault.KindOf(err) != fault.Throttled || fault.AfterOf(err) != tt.want {
			t.Errorf("%q: %v after %v, want %v", tt.header, err, fault.AfterOf(err), tt.want)
		}
		if _, err = c.Do(t.Context(), post(true)); fault.KindOf(err) != fault.Throttled || hits.Load() != 1 {
			t.Errorf("%q: the next call is %v, and %d requests left", tt.header, err, hits.Load())
		}
	}
}

func TestRefusalsInARowWaitLonger(t *testing.T) {
	t.Parallel()
	clk := newClock()
	calm := false
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if !calm {
			w.WriteHeader(http.StatusTooManyRequests)
		}
	})
	c := newClient(t, partnerhttp.Config{BaseURL: base, Now: clk.Now})
	for i, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second} {
		_, err := c.Do(t.Context(), post(false))
		if got := fault.AfterOf(err); got != want {
			t.Errorf("refusal %d: wait %v, want %v", i, got, want)
		}
		clk.Advance(fault.AfterOf(err))
	}
	calm = true
	if _, err := c.Do(t.Context(), post(false)); err != nil {
		t.Fatal(err)
	}
	calm = false
	if _, err := c.Do(t.Context(), post(false)); fault.AfterOf(err) != time.Second {
		t.Errorf("after a success the wait is %v, want 1s", fault.AfterOf(err))
	}
}

func TestRedirectDoesNotCarryTheTokenAway(t *testing.T) {
	t.Parallel()
	var stolen atomic.Bool
	thief := serve(t, func(w http.ResponseWriter, r *http.Request) { stolen.Store(true) })
	base := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, thief, http.StatusTemporaryRedirect) })
	_, err := newClient(t, partnerhttp.Config{BaseURL: base}).Do(t.Context(), post(false))
	if fault.KindOf(err) != fault.Unavailable || stolen.Load() {
		t.Errorf("redirect: %v, followed: %v", err, stolen.Load())
	}
}

func TestCaptureHidesSecretsAndPersons(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 400} {
		var got []partnerhttp.Attempt
		base := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, `{"access_token":"s3cret","list":[{"Name":"Ada Martin","Code":"03"}]}`)
		})
		c := newClient(t, partnerhttp.Config{
			Connection: "main", BaseURL: base, RedactKeys: []string{"name"},
			Capture: func(a partnerhttp.Attempt) { got = append(got, a) },
		})
		call := post(false)
		call.Body = map[string]any{"ShipTo": map[string]any{"NAME": "Ada Martin", "Weight": "5.00"}}
		_, err := c.Do(t.Context(), call)
		if len(got) != 1 || got[0].Status != status || got[0].Connection != "main" || !got[0].Sent || (got[0].Kind == "") != (err == nil) {
			t.Fatalf("captured %+v", got)
		}
		text := got[0].Request + got[0].Response
		if strings.Contains(text, "Ada") || strings.Contains(text, "s3cret") {
			t.Errorf("capture shows what it should hide: %s", text)
		}
		if !strings.Contains(text, "5.00") || !strings.Contains(text, `"03"`) {
			t.Errorf("capture hides what it should show: %s", text)
		}
	}
}

// Only the token grant is tried again inside a connector: no other file of this
// package knows the library, and no other package under adapters that speaks HTTP may.
func TestRetryLibraryServesTheTokenAlone(t *testing.T) {
	t.Parallel()
	found := 0
	for _, dir := range []string{".", "../../ups", "../../ups/upssim"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			src, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			tree, err := parser.ParseFile(token.NewFileSet(), f, src, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, imp := range tree.Imports {
				if strings.Contains(imp.Path.Value, "retry-go") {
					found++
					if f != "token.go" {
						t.Errorf("%s uses the retry library", f)
					}
				}
			}
		}
	}
	if found != 1 {
		t.Errorf("the retry library is imported %d times, want once", found)
	}
}

// In no stretch of the budget's time do more calls leave than it has.
func TestBudgetIsKeptInAnyStretchOfItsTime(t *testing.T) {
	t.Parallel()
	clk := newClock()
	var arrived []time.Time
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		arrived = append(arrived, clk.Now())
		_, _ = io.WriteString(w, `{}`)
	})
	budget := partnerhttp.Budget{Calls: 3, Per: 10 * time.Second}
	c := newClient(t, partnerhttp.Config{BaseURL: base, Now: clk.Now, Budget: budget})
	for range 40 {
		_, err := c.Do(t.Context(), post(false))
		if k := fault.KindOf(err); err != nil && (k != fault.Throttled || fault.AfterOf(err) <= 0 || fault.AfterOf(err) > budget.Per) {
			t.Fatal(err)
		}
		clk.Advance(time.Second)
	}
	if len(arrived) != 12 {
		t.Errorf("%d calls left in 40 s, want 12", len(arrived))
	}
	for i := budget.Calls; i < len(arrived); i++ {
		if d := arrived[i].Sub(arrived[i-budget.Calls]); d < budget.Per {
			t.Errorf("%d calls within %s", budget.Calls+1, d)
		}
	}
}
