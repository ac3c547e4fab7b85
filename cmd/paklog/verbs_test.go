package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/dlq"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/x12gen"
)

// shell runs verbs the way a shell does, on a data folder of its own.
type shell struct {
	t      *testing.T
	config string
	data   string
	app    *app          // while it is served
	upkeep time.Duration // between rounds, where it is not the hub's own
}

// socketDir is a folder for a hub whose socket is there: its path is short, and t.TempDir's is not.
func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pk") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func newShell(t *testing.T) *shell {
	t.Helper()
	dir := socketDir(t)
	s := &shell{t: t, config: filepath.Join(dir, "c.yaml"), data: filepath.Join(dir, "d")}
	text := fmt.Sprintf(`data: %s
owner: ACME
http: {listen: "127.0.0.1:0"}
warehouse: {wave_orders: 4, wave_wait: 50ms, auto_workers: 2}
edi: {partners: {ACME: {id: ACME, owner: ACME}}}
`, s.data)
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// run is one command line.
func (s *shell) run(args ...string) (out, errs string, code int) {
	s.t.Helper()
	return s.pipe("", args...)
}

// pipe is run with something on standard input.
func (s *shell) pipe(stdin string, args ...string) (out, errs string, code int) {
	s.t.Helper()
	var o, e bytes.Buffer
	root := newRoot()
	root.SetIn(strings.NewReader(stdin))
	root.SetOut(&o)
	root.SetErr(&e)
	root.SetArgs(append([]string{"--config", s.config}, args...))
	code = ended(&e, root.ExecuteContext(s.t.Context()))
	return o.String(), e.String(), code
}

// must is run where nothing may go wrong.
func (s *shell) must(args ...string) string {
	s.t.Helper()
	out, errs, code := s.run(args...)
	if code != 0 {
		s.t.Fatalf("paklog %s: exit %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// refused is run where it must end with a code and say something.
func (s *shell) refused(code int, says string, args ...string) {
	s.t.Helper()
	out, errs, got := s.run(args...)
	if got != code || !strings.Contains(errs, says) {
		s.t.Errorf("paklog %s: exit %d, want %d and %q in\n%s%s", strings.Join(args, " "), got, code, says, out, errs)
	}
}

// serve runs a hub on the folder until the returned function is called.
func (s *shell) serve() (stop func()) {
	s.t.Helper()
	cfg, _, err := load(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	cfg.probe.upkeep = s.upkeep
	ctx, cancel := context.WithCancel(s.t.Context())
	ready, done := make(chan *app, 1), make(chan error, 1)
	go func() {
		done <- serve(ctx, cfg, slog.New(slog.DiscardHandler), func(a *app, _ string) { ready <- a })
	}()
	select {
	case s.app = <-ready:
	case err := <-done:
		cancel()
		s.t.Fatal(err)
	}
	if attach(ctx, cfg) == nil {
		cancel()
		s.t.Fatal("it is ready, and its socket does not answer")
	}
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("serving: %v", err)
		}
	}
	s.t.Cleanup(stop)
	return stop
}

// until waits for something that another goroutine brings about.
func (s *shell) until(what string, holds func() bool) {
	s.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); !holds(); <-tick.C {
		if time.Now().After(end) {
			s.t.Fatalf("it did not come to be: %s", what)
		}
	}
}

// stock makes an item, a place and goods known.
func (s *shell) stock(sku string, qty int) {
	s.t.Helper()
	cfg, _, err := load(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	c := attach(s.t.Context(), cfg)
	for path, body := range map[string]any{
		"/v1/items": map[string]any{"sku": sku, "description": "a thing", "units": []any{
			map[string]any{"uom": "each", "factor": 1, "weight_mg": 1000, "dims": map[string]any{"length_um": 1000, "width_um": 1000, "height_um": 1000}},
			map[string]any{"uom": "case", "factor": 6},
		}},
		"/v1/locations": map[string]any{"location": "A-1", "zone": "A", "purpose": "pick"},
	} {
		if err := c.do(s.t.Context(), http.MethodPost, path, body, nil); err != nil {
			s.t.Fatal(err)
		}
	}
	receipt := map[string]any{"item": sku, "location": "A-1", "qty": qty, "reference": "test"}
	if err := c.do(s.t.Context(), http.MethodPost, "/v1/stock/receive", receipt, nil); err != nil {
		s.t.Fatal(err)
	}
}

// letter has a broken 940 come in, and returns the letter that it becomes.
func (s *shell) letter() dlq.Entry {
	s.t.Helper()
	var buf bytes.Buffer
	if _, err := x12gen.Write(&buf, x12gen.Config{
		Seed: 4, Set: "940", Sets: 1, MostLine: 2, Control: 4, OrderPrefix: "SO-", Items: []string{"MUG"}, SCACs: []string{"UPSN"},
		Now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), Options: x12.WriterOptions{LineEnd: "\n"},
	}); err != nil {
		s.t.Fatal(err)
	}
	doc := door.Document{Partner: "ACME", Name: "bad.edi", Media: "application/edi-x12", Bytes: []byte(spoil(buf.String())), Key: door.Key{Scope: "test", ID: "bad"}}
	if _, err := s.app.hub.Call(s.t.Context(), door.Documents, doc); err != nil {
		s.t.Fatal(err)
	}
	var list []dlq.Entry
	s.until("the set is refused", func() bool {
		list = decoded[[]dlq.Entry](s.t, s.must("dlq", "list", "--json"))
		return len(list) == 1
	})
	return list[0]
}

func decoded[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return v
}

func TestEveryVerbSaysWhatItDoesAndHow(t *testing.T) {
	t.Parallel()
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Short == "" || c.Example == "" {
			t.Errorf("%s has no Short or no Example", c.CommandPath())
		}
		if !c.HasSubCommands() && c.Args == nil && c.Name() != "replay" && c.Name() != "drop" {
			t.Errorf("%s takes any arguments", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRoot())
}

func TestMistakesInAskingEndWithTwo(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for _, x := range []struct {
		says string
		args []string
	}{
		{"knows no", []string{"rout"}},
		{"did you mean list", []string{"dlq", "lst"}},
		{"needs a verb: drop, edit, edits, fix, group, groups, list, operate, operation, replay, search, searches, show, tend", []string{"dlq"}},
		{"unknown flag", []string{"routes", "--nope"}},
		{"--graph is mermaid or dot", []string{"routes", "--graph=svg"}},
		{"see paklog dlq show --help", []string{"dlq", "show"}},
		{"name the letters", []string{"dlq", "replay"}},
		{"named by nothing", []string{"dlq", "replay", ""}},
		{"named by nothing", []string{"dlq", "drop", " ", "--reason", "x"}},
		{"named by nothing", []string{"dlq", "show", ""}},
		{"needs --reason", []string{"dlq", "drop", "L1", "--reason", " "}},
		{"--all needs --route", []string{"dlq", "replay", "--all"}},
		{"not both", []string{"dlq", "replay", "L1", "--all", "--route", "x"}},
		{"needs --reason", []string{"dlq", "drop", "L1"}},
		{"needs --reason", []string{"orders", "cancel", "X"}},
		{"unknown command", []string{"orders", "lst"}},
		{"paklog knows no \"nosuch\"", []string{"help", "nosuch"}},
		{"did you mean replay?", []string{"help", "dlq", "replya"}},
		{"paklog dlq knows no \"nosuch\"", []string{"help", "dlq", "nosuch", "more"}},
		{"needs a verb: bash, fish, powershell, zsh", []string{"completion"}},
		{"knows no", []string{"completion", "tcsh"}},
		{"unknown command", []string{"completion", "zsh", "now"}},
		{"no order is given", []string{"order", "add"}},
		{"is not a quantity", []string{"order", "add", "--number", "X", "--line", "MUG=-1"}},
		{"leave the other flags out", []string{"order", "add", "--number", "X", "--file", "-"}},
		{"--limit is how many at most", []string{"orders", "list", "--limit", "-1"}},
		{"none of accepted, held", []string{"orders", "--status", "nope"}},
		{"none of active, blocked", []string{"locations", "--status", "open"}},
		{"unknown flag", []string{"stock", "--status", "open"}},
		{"--poll is a time above 0", []string{"events", "tail", "--follow", "--poll", "0s"}},
		{"none of the topics", []string{"events", "tail", "--topic", "nope"}},
		{"is none of orders, owners, crossrefs, items, locations", []string{"import", "parcels", "x.csv"}},
		{"is no folder of a backup", []string{"restore", "/nowhere"}},
	} {
		s.refused(2, x.says, x.args...)
	}
}

func TestHelpIsGivenOnVerbsThatThereAre(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for says, args := range map[string][]string{
		"Integration hub for warehouses": {"help"}, "becomes a letter": {"help", "dlq"},
		"paklog dlq replay LETTER": {"help", "dlq", "replay"}, "paklog orders": {"help", "order", "list"},
	} {
		if out := s.must(args...); !strings.Contains(out, says) {
			t.Errorf("%v: want %q in\n%s", args, says, out)
		}
	}
}

func TestErrorsSayWhatToDoNext(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.refused(1, "start one with paklog serve", "routes")
	s.refused(1, "no such file", "audit")
	s.refused(1, "no such file", "edi", "dump", "/nowhere.edi")

	if err := os.WriteFile(s.data, nil, 0o600); err != nil { // a file where the folder should be
		t.Fatal(err)
	}
	s.refused(1, "name a data folder or a backup", "audit")
	s.refused(1, "not a directory", "routes")
	if err := os.Remove(s.data); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(s.data, 0o700); err != nil {
		t.Fatal(err)
	}
	s.refused(1, "there is no journal in", "audit")

	// A place where nothing can be made, whoever asks.
	if err := os.WriteFile(s.config, []byte("data: /proc/self/paklog\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.refused(1, "making the data folder", "serve")
	if err := os.WriteFile(s.config, []byte("data: x\nhtpp: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.refused(1, "htpp", "routes")
	s.refused(1, ":2", "dlq", "list")
	s.config = filepath.Dir(s.config)
	s.refused(1, "not a file", "routes")
	s.config += "/none.yaml"
	s.refused(1, "none.yaml", "routes")
}

func TestAPathTooLongForASocketIsSaid(t *testing.T) {
	t.Parallel()
	cfg := defaults()
	cfg.Data = filepath.Join(t.TempDir(), strings.Repeat("d", 120))
	cfg.HTTP.Listen = "127.0.0.1:0"
	if err := serve(t.Context(), cfg, slog.New(slog.DiscardHandler), nil); err == nil || !strings.Contains(err.Error(), "a data folder with a shorter path") {
		t.Errorf("it says %v", err)
	}
}

func TestTheShellIsOfferedWhatThereIs(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	complete := func(words ...string) string {
		var o bytes.Buffer
		root := newRoot()
		root.SetOut(&o)
		root.SetErr(&bytes.Buffer{})
		root.SetArgs(append([]string{cobra.ShellCompRequestCmd, "--config", s.config}, words...))
		if err := root.ExecuteContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		return o.String()
	}
	if out := complete("dlq", "show", ""); strings.Contains(out, "L") {
		t.Errorf("without a hub: %s", out)
	}
	s.serve()
	l := s.letter()
	if out := complete("dlq", "show", ""); !strings.Contains(out, l.ID) {
		t.Errorf("letters: %s", out)
	}
	if out := complete("routes", "pause", ""); !strings.Contains(out, "out.edi.ACME") {
		t.Errorf("routes: %s", out)
	}
	if out := complete("dlq", "list", "--state", ""); !strings.Contains(out, "replaying") {
		t.Errorf("states: %s", out)
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if out := s.must("completion", shell); !strings.Contains(out, "paklog") {
			t.Errorf("no completion for %s", shell)
		}
	}
}

func TestAFolderHasOneHub(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.serve()
	cfg, _, err := load(s.config)
	if err != nil {
		t.Fatal(err)
	}
	err = serve(t.Context(), cfg, slog.New(slog.DiscardHandler), nil)
	if want := fmt.Sprintf("in use by process %d", os.Getpid()); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the second says %v, want %q", err, want)
	}
	s.must("routes") // the first is unharmed
}

// A hub that was killed keeps its folder for a moment: who starts the next one need not try again.
func TestAHubWaitsForTheOneBeforeToEnd(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	stop := s.serve()
	cfg, _, err := load(s.config)
	if err != nil {
		t.Fatal(err)
	}
	told, ready, done := make(chan string, 100), make(chan bool, 1), make(chan error, 1)
	ctx, end := context.WithCancel(t.Context())
	defer end()
	go func() {
		log := slog.New(slog.NewTextHandler(lineWriter(told), &slog.HandlerOptions{Level: slog.LevelWarn}))
		done <- serve(ctx, cfg, log, func(*app, string) { ready <- true })
	}()
	if line := <-told; !strings.Contains(line, "waiting for whoever has it") || !strings.Contains(line, fmt.Sprint("process ", os.Getpid())) {
		t.Errorf("it says %s", line)
	}
	stop()
	select {
	case <-ready:
	case err := <-done:
		t.Fatalf("it ended with %v", err)
	}
	end()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// lineWriter hands on what is logged.
type lineWriter chan<- string

func (w lineWriter) Write(b []byte) (int, error) {
	select {
	case w <- string(b):
	default: // nobody reads so much
	}
	return len(b), nil
}

func TestRoutesSayWhoConsumesWhat(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	stop := s.serve()
	lines := map[string]routeLine{}
	for _, l := range decoded[[]routeLine](t, s.must("routes", "--json")) {
		lines[l.Name] = l
	}
	for name, topic := range map[string]string{ // DESIGN §3
		"task": "wave-events", "pick": "task-events", "pack": "pick-events",
		"out.erp": "order-events", "out.3pl": "inventory-events", "notifications": "pack-events",
	} {
		if l := lines[name]; !strings.Contains(strings.Join(l.Consumes, " "), topic) || l.State != "running" && l.State != "planned" {
			t.Errorf("%s consumes %v and is %q, want %s", name, l.Consumes, l.State, topic)
		}
	}
	for _, format := range []string{"mermaid", "dot"} {
		if g := s.must("routes", "--graph="+format); !strings.Contains(g, "wave-events") || !strings.Contains(g, "ship.confirm") {
			t.Errorf("%s graph:\n%s", format, g)
		}
	}
	s.refused(1, "no route is named", "routes", "pause", "nope")
	s.refused(1, "is a door", "routes", "pause", "door.orders")
	s.must("routes", "pause", "out.edi.ACME")
	stop()

	// The pause outlives the hub, and a folder without one is answered for too.
	if out := s.must("routes"); !strings.Contains(lineOf(out, "out.edi.ACME"), "paused") || !strings.Contains(lineOf(out, "pick "), "stopped") {
		t.Errorf("offline:\n%s", out)
	}
	s.must("routes", "resume", "out.edi.ACME")
	s.must("routes", "pause", "pick")
	s.serve()
	out := s.must("routes")
	if !strings.Contains(lineOf(out, "out.edi.ACME"), "running") || !strings.Contains(lineOf(out, "pick "), "paused") {
		t.Errorf("served again:\n%s", out)
	}
}

func lineOf(text, begins string) string {
	for l := range strings.Lines(text) {
		if strings.HasPrefix(l, begins) {
			return l
		}
	}
	return ""
}
