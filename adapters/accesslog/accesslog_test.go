package accesslog

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/internal/access"
)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// logged opens a log and runs it; stop returns once every line is written.
func logged(t *testing.T, cfg Config) (l *Log, stop func()) {
	t.Helper()
	if cfg.File == "" {
		cfg.File = filepath.Join(t.TempDir(), "logs", "access.log")
	}
	l, err := Open(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
	t.Cleanup(stop)
	return l, stop
}

func lines(t *testing.T, file string) (out []Line) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(file, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	for s := bufio.NewScanner(in); s.Scan(); {
		var l Line
		d := json.NewDecoder(bytes.NewReader(s.Bytes()))
		d.DisallowUnknownFields()
		if err := d.Decode(&l); err != nil {
			t.Fatalf("%v in %s", err, s.Text())
		}
		out = append(out, l)
	}
	return out
}

func ask(h http.Handler, method, target string, header map[string]string) {
	r := httptest.NewRequest(method, target, strings.NewReader("a body"))
	r.RemoteAddr = "192.0.2.7:4711"
	for k, v := range header {
		r.Header.Set(k, v)
	}
	h.ServeHTTP(httptest.NewRecorder(), r)
}

func TestALineSaysWhoAskedForWhat(t *testing.T) {
	l, stop := logged(t, Config{})
	h := l.Handler("http", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		access.Note(r.Context(), "/v1/orders/{number}", "")
		access.Note(r.Context(), "", "erp")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte("12345"))
	}))
	before := time.Now()
	ask(h, http.MethodPost, "/v1/orders/JANE-DOE?token=s3cret", map[string]string{"Traceparent": parent})
	stop()
	got := lines(t, l.cfg.File)
	if len(got) != 1 {
		t.Fatalf("%+v", got)
	}
	x := got[0]
	if x.Time.Before(before.Add(-time.Second)) || x.Time.Location() != time.UTC || x.Micros < 0 {
		t.Errorf("times of %+v", x)
	}
	x.Time, x.Micros = time.Time{}, 0
	want := Line{Door: "http", Method: "POST", Path: "/v1/orders/{number}", Status: 201, Bytes: 5, Remote: "192.0.2.7", Key: "erp", Trace: "0af7651916cd43dd8448eb211c80319c"}
	if x != want {
		t.Errorf("%+v, want %+v", x, want)
	}
	if n, dropped := l.Counts(); n != 1 || dropped != 0 {
		t.Errorf("%d written, %d dropped", n, dropped)
	}
	if info, err := os.Stat(l.cfg.File); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: others may read who asked", info.Mode(), err)
	}
}

// TestNothingOfARequestIsWritten sends secrets and names in every place that a request has.
func TestNothingOfARequestIsWritten(t *testing.T) {
	l, stop := logged(t, Config{})
	h := l.Handler("http", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "secret", http.StatusNotFound) }))
	for _, target := range []string{"/v1/secret", "/secret?secret=1", "/webhooks/secret", "/console/secret", "/scan/secret?x=secret", "/docs/secret", "/consolesecret"} {
		ask(h, "SECRET", target, map[string]string{"Authorization": "Bearer secret", "Traceparent": "00-secretsecretsecretsecretsecretse-b7ad6b7169203331-01", "User-Agent": "secret", "Cookie": "secret"})
	}
	stop()
	b, err := os.ReadFile(l.cfg.File)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(b, []byte("\n")); n != 7 || bytes.Contains(bytes.ToLower(b), []byte("secret")) {
		t.Errorf("%d lines:\n%s", n, b)
	}
}

func TestTracesThatAreNoneAreLeftOut(t *testing.T) {
	for _, header := range []string{"", "00", strings.ToUpper(parent), "00-" + strings.Repeat("0", 32) + "-b7ad6b7169203331-01", parent + "-more", "00-0af7-b7ad6b7169203331-01"} {
		if got := traceID(header); got != "" {
			t.Errorf("%q is taken for trace %s", header, got)
		}
	}
}

func TestAnAnswerThatWasCutIsStatusNone(t *testing.T) {
	l, stop := logged(t, Config{})
	h := l.Handler("as2", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	func() {
		defer func() {
			if p := recover(); p != http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
				t.Errorf("the panic became %v", p)
			}
		}()
		ask(h, http.MethodPost, "/", nil)
	}()
	ask(l.Handler("http", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})), http.MethodGet, "/healthz", nil)
	stop()
	got := lines(t, l.cfg.File)
	if len(got) != 2 || got[0].Status != 0 || got[0].Door != "as2" || got[1].Status != 200 || got[1].Path != "/healthz" {
		t.Errorf("%+v", got)
	}
}

func TestStreamsAreFlushedThrough(t *testing.T) {
	l, stop := logged(t, Config{})
	server := httptest.NewServer(l.Handler("http", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints) // is not the answer
		_, _ = w.Write([]byte("first\n"))
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Errorf("Flush: %v", err)
		}
		<-r.Context().Done()
	})))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if line, err := bufio.NewReader(res.Body).ReadString('\n'); err != nil || line != "first\n" {
		t.Errorf("%q, %v", line, err)
	}
	cancel()
	server.Close() // waits for the handler
	stop()
	if got := lines(t, l.cfg.File); len(got) != 1 || got[0].Status != 200 || got[0].Bytes != 6 {
		t.Errorf("%+v", got)
	}
}

// backups are the files of before.
func backups(t *testing.T, file string) []string {
	t.Helper()
	all, err := filepath.Glob(strings.TrimSuffix(file, ".log") + "-*")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestFilesTurnBySizeAndTheOldestGo(t *testing.T) {
	l, stop := logged(t, Config{MaxBytes: 1 << 20, Files: 2})
	path := strings.Repeat("x", 10_000)
	h := l.Handler("http", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { access.Note(r.Context(), path, "") }))
	const n = 600 // some 6 MB
	for range n {
		ask(h, http.MethodGet, "/", nil)
	}
	stop()
	if w, dropped := l.Counts(); w != n || dropped != 0 {
		t.Errorf("%d written, %d dropped", w, dropped)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); len(backups(t, l.cfg.File)) > 2; <-tick.C { // they go beside it
		if time.Now().After(end) {
			t.Fatalf("there are %v", backups(t, l.cfg.File))
		}
	}
	if all := backups(t, l.cfg.File); len(all) != 2 {
		t.Errorf("there are %v", all)
	}
	if info, err := os.Stat(l.cfg.File); err != nil || info.Size() > 1<<20 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestFilesTurnByAgeAlsoOverARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "access.log")
	old, err := json.Marshal(Line{Time: time.Now().Add(-2 * time.Hour).UTC(), Path: "/old"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(old, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	l, stop := logged(t, Config{File: file, Every: time.Hour, Gzip: true})
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	packed := func() bool {
		all := backups(t, file)
		return len(all) == 1 && strings.HasSuffix(all[0], ".gz")
	}
	for end := time.Now().Add(time.Minute); !packed(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("there are %v", backups(t, file))
		}
	}
	ask(l.Handler("http", http.NotFoundHandler()), http.MethodGet, "/", nil)
	stop()
	if got := lines(t, backups(t, file)[0]); len(got) != 1 || got[0].Path != "/old" {
		t.Errorf("of before: %+v", got)
	}
	if got := lines(t, file); len(got) != 1 || got[0].Status != 404 {
		t.Errorf("of now: %+v", got)
	}
	if at, ok := firstTime(file); !ok || time.Since(at) > time.Minute {
		t.Errorf("begun at %s, %t", at, ok)
	}
}

// brittle takes what it takes, and refuses it while it is full.
type brittle struct {
	full bool
	took int
}

func (b *brittle) Write(p []byte) (int, error) {
	if b.full {
		return 0, errors.New("no space left on device")
	}
	b.took++
	return len(p), nil
}

func TestALogThatCannotBeWrittenSaysSoOnce(t *testing.T) {
	var said bytes.Buffer
	to := &brittle{full: true}
	w := &writer{Log: &Log{logger: slog.New(slog.NewTextHandler(&said, nil))}, to: to}
	for range 5 {
		w.write(Line{})
	}
	to.full = false
	for range 2 {
		w.write(Line{})
	}
	written, dropped := w.Counts()
	if written != 2 || dropped != 5 || to.took != 2 || strings.Count(said.String(), "is not written") != 1 || strings.Count(said.String(), "is written again") != 1 {
		t.Errorf("%d written, %d dropped, said\n%s", written, dropped, said.String())
	}
}

func TestRequestsDoNotWaitForTheLog(t *testing.T) {
	l, err := Open(Config{File: filepath.Join(t.TempDir(), "access.log")}, nil) // nobody writes
	if err != nil {
		t.Fatal(err)
	}
	h := l.Handler("http", http.NotFoundHandler())
	for range queue + 10 {
		ask(h, http.MethodGet, "/", nil)
	}
	if _, dropped := l.Counts(); dropped != 10 {
		t.Errorf("%d dropped of 10 beyond what may wait", dropped)
	}
}

func TestALogThatCannotBeOpenedIsRefused(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", dir, filepath.Join(file, "access.log")} {
		if _, err := Open(Config{File: path}, nil); err == nil {
			t.Errorf("%q is taken", path)
		}
	}
	if _, ok := firstTime(file); ok {
		t.Error("an empty file was begun at a time")
	}
}
