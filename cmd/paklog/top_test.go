package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/dlq"
)

// looks answers one pulse after the other, two seconds apart, and then stays at the last.
func looks(pulses ...rest.Pulse) func(context.Context) (rest.Pulse, error) {
	n := 0
	return func(context.Context) (rest.Pulse, error) {
		p := pulses[min(n, len(pulses)-1)]
		p.At = time.Date(2026, 11, 23, 8, 0, 2*n, 0, time.UTC)
		n++
		return p, nil
	}
}

func pulseOf(rs ...rest.Route) rest.Pulse { return rest.Pulse{Routes: rs, Position: 7} }

func TestTopReckonsRates(t *testing.T) {
	t.Parallel()
	w := &top{look: looks(
		pulseOf(rest.Route{Name: "a", State: "running", Handled: 10}, rest.Route{Name: "b", State: "running", Handled: 500}),
		pulseOf(rest.Route{Name: "a", State: "running", Handled: 30}, rest.Route{Name: "b", State: "running", Handled: 5}, rest.Route{Name: "c", State: "paused: by ann", Handled: 9, Breaker: "open"}),
	)}
	for range 2 {
		if err := w.ask(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	rates := map[string]float64{}
	for _, r := range w.now.Routes {
		rates[r.Name] = r.Rate
	}
	// A hub that was started anew has a smaller count, and a route that is new none before.
	if rates["a"] != 10 || rates["b"] != 0 || rates["c"] != 0 || w.now.Paused != 1 || w.now.Broken != 1 {
		t.Errorf("%v, %+v", rates, w.now)
	}
}

func TestTopSorts(t *testing.T) {
	t.Parallel()
	w := &top{size: func() (int, int) { return 200, 24 }}
	w.now.Routes = []topRoute{
		{Name: "b", Rate: 1, Lag: 3, Parked: 1, Handled: 9, Letters: 2},
		{Name: "a", Rate: 1, Lag: 1, Parked: 2, Handled: 8, Letters: 3},
		{Name: "c", Rate: 2, Lag: 2, Parked: 3, Handled: 7, Letters: 1},
	}
	for key, want := range map[string]string{"r": "cab", "l": "bca", "w": "cab", "h": "bac", "e": "abc", "n": "abc"} {
		if err := w.typed(key); err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, r := range w.sorted() {
			got += r.Name
		}
		if got != want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
	if err := w.typed("xyz\x1b"); err != nil || w.still {
		t.Errorf("keys that mean nothing: %v", err)
	}
	for _, key := range []string{"q", "\x03", "lq"} {
		if !errors.Is(w.typed(key), errQuit) {
			t.Errorf("%q does not quit", key)
		}
	}
}

// screenText is what a terminal of that width would show of the last picture that was drawn.
func screenText(drawn string) []string {
	at := strings.LastIndex(drawn, home)
	if at < 0 {
		return nil
	}
	var out []string
	for l := range strings.SplitSeq(drawn[at+len(home):], "\r\n") {
		out = append(out, strings.NewReplacer(endOfLine, "", endOfScreen, "", firstScreen, "").Replace(l))
	}
	return out
}

// Whatever a route is called, and however small the terminal is, nothing steers it and nothing breaks a line.
func TestTopKeepsToItsScreen(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	w := &top{out: &b, look: looks(pulseOf(
		rest.Route{Name: "evil\x1b[2J\x07", State: "running"}, rest.Route{Name: strings.Repeat("long", 40), State: "running"},
		rest.Route{Name: "c", State: "running"}, rest.Route{Name: "d", State: "running"}, rest.Route{Name: "e", State: "running"})),
	}
	if err := w.ask(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, size := range [][2]int{{80, 6}, {10, 5}, {1, 1}, {0, 0}, {300, 100}} {
		w.size = func() (int, int) { return size[0], size[1] }
		for _, key := range []string{"", "\x1b[6~\x1b[6~", "\x1b[A", "\x1b[5~"} {
			b.Reset()
			if err := w.typed(key); err != nil {
				t.Fatal(err)
			}
			if err := w.draw(); err != nil {
				t.Fatal(err)
			}
			lines := screenText(b.String())
			if len(lines) > max(size[1], 4) {
				t.Errorf("%v: %d lines", size, len(lines))
			}
			for _, l := range lines {
				if len([]rune(l)) > size[0] || strings.ContainsAny(l, "\x1b\x07") {
					t.Errorf("%v: %q", size, l)
				}
			}
		}
	}
}

func TestTopSaysThatTheHubIsGone(t *testing.T) {
	t.Parallel()
	gone := errors.New("connection refused")
	n := 0
	keys, typist := io.Pipe()
	var b strings.Builder
	w := &top{out: &b, every: time.Millisecond, size: func() (int, int) { return 100, 24 }, look: func(context.Context) (rest.Pulse, error) {
		if n++; n < 3 {
			return pulseOf(rest.Route{Name: "a", State: "running"}), nil
		}
		if n == 5 {
			go func() { _, _ = typist.Write([]byte("q")) }()
		}
		return rest.Pulse{}, gone
	}}
	if err := w.full(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	_ = keys.Close()
	if !strings.Contains(b.String(), "the hub is not heard: connection refused") || !strings.HasPrefix(b.String(), otherScreen) || !strings.HasSuffix(b.String(), firstScreen) {
		t.Errorf("%q", b.String())
	}
	w.look = func(context.Context) (rest.Pulse, error) { return rest.Pulse{}, gone }
	if err := w.plain(t.Context()); !errors.Is(err, gone) {
		t.Errorf("without a terminal: %v", err)
	}
}

func TestTopOverTheSocketAndOverREST(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	keys := s.twoKeys("")
	s.refused(1, "no hub runs on", "top", "--once")
	p := s.serves()
	s.must("routes", "pause", "out.edi.ACME")
	name := filepath.Join(filepath.Dir(s.config), "ann.key")
	for _, where := range [][]string{nil, {"--hub", "http://" + p.addr, "--key-file", name}} {
		args := append([]string{"top", "--once", "--json", "--every", "100ms"}, where...)
		l := decoded[topLook](t, s.must(args...))
		i := slices.IndexFunc(l.Routes, func(r topRoute) bool { return r.Name == "out.edi.ACME" })
		if i < 0 || !strings.HasPrefix(l.Routes[i].State, "paused") || l.Paused != 1 || l.At.IsZero() {
			t.Errorf("%v: %+v", where, l)
		}
		if out := s.must(append([]string{"top", "--once", "--every", "100ms", "--sort", "name"}, where...)...); !strings.Contains(lineOf(out, "out.edi.ACME"), "paused") || strings.Contains(out, "\x1b") {
			t.Errorf("%v: %s", where, out)
		}
	}
	write := func(text string) string {
		file := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	s.refused(1, "API key", "top", "--once", "--hub", "http://"+p.addr)
	s.refused(1, "API key", "top", "--once", "--hub", "http://"+p.addr, "--key-file", write("no-key-of-anybody-here"))
	s.refused(1, "holds no key", "top", "--once", "--hub", "http://"+p.addr, "--key-file", write("\n"))
	s.refused(1, "https alone", "top", "--once", "--hub", "http://hub.example:8080", "--key-file", write(keys["ann"]))
	s.refused(1, "no such file", "top", "--once", "--hub", "http://"+p.addr, "--key-file", name+".none")
	for _, hub := range []string{"hub.example", "ftp://hub.example", "https://", "https://ann:x@hub.example", "https://hub.example/console", "::"} {
		s.refused(1, "is no address", "top", "--once", "--hub", hub)
	}
	s.refused(2, "--sort is", "top", "--sort", "size")
	s.refused(2, "--every is", "top", "--every", "1ms")
	s.refused(2, "is for --hub", "top", "--key-file", name)
}

func TestTopWritesALineALook(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, in := io.Pipe()
	p := pulseOf(rest.Route{Name: "a", State: "running"})
	p.Groups = []dlq.Group{{}, {}}
	w := &top{out: in, every: time.Millisecond, json: true, look: looks(p)}
	done := make(chan error, 1)
	go func() { done <- w.plain(ctx); _ = in.Close() }()
	d := json.NewDecoder(out)
	for range 3 {
		var l topLook
		if err := d.Decode(&l); err != nil || l.Causes != 2 || len(l.Routes) != 1 {
			t.Fatalf("%v: %+v", err, l)
		}
	}
	cancel()
	_, _ = io.Copy(io.Discard, out)
	if err := <-done; err != nil {
		t.Error(err)
	}
}
