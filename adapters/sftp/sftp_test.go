package sftp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/paklog/hub/adapters/internal/remote"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
)

// hub takes documents, each key once.
type hub struct {
	got    map[string]door.Document // by key
	order  []string
	calls  int
	answer func(door.Document) error
}

func (h *hub) Call(_ context.Context, to string, v any) (any, error) {
	d, ok := v.(door.Document)
	if to != door.Documents || !ok {
		return nil, fmt.Errorf("%s is asked for %T", to, v)
	}
	h.calls++
	if h.answer != nil {
		if err := h.answer(d); err != nil {
			return nil, err
		}
	}
	if h.got == nil {
		h.got = map[string]door.Document{}
	}
	if _, again := h.got[d.Key.ID]; !again {
		h.order = append(h.order, d.Name)
	}
	h.got[d.Key.ID] = d
	return nil, nil
}

// refused are why files were not fetched, by name.
func (h *hub) refused() map[string]string {
	out := map[string]string{}
	for _, d := range h.got {
		if d.Refused != "" {
			out[d.Name] = d.Refused
		}
	}
	return out
}

// texts are what the hub holds.
func (h *hub) texts() []string {
	var out []string
	for _, d := range h.got {
		if d.Refused != "" {
			continue
		}
		out = append(out, string(d.Bytes))
	}
	slices.Sort(out)
	return out
}

// poller is a pickup with its connection.
type poller struct {
	*remote.Pickup

	conn *Conn
}

func pickup(t *testing.T, s *server, h *hub, change ...func(*Config)) *poller {
	t.Helper()
	c := conn(t, s, append([]func(*Config){func(c *Config) { c.Spool = t.TempDir() }}, change...)...)
	return &poller{NewPickup(c, h, slog.New(slog.DiscardHandler)), c}
}

func conn(t *testing.T, s *server, change ...func(*Config)) *Conn {
	t.Helper()
	cfg := s.config()
	for _, f := range change {
		f(&cfg)
	}
	c, err := NewConn(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// looks polls so often, and fails where a poll does.
func (p *poller) looks(t *testing.T, n int) {
	t.Helper()
	for range n {
		if err := p.Poll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFilesAreTakenOnceTheyStandStill(t *testing.T) {
	s, h := serve(t), &hub{}
	p := pickup(t, s, h)
	s.puts("out/a.edi", "ISA one")
	for _, name := range []string{".hidden", "b.tmp", "b.part", "b.FILEPART"} {
		s.puts("out/"+name, "half of it")
	}
	if err := os.Mkdir(filepath.Join(s.dir, "out", "folder"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(s.dir, "out", "link.edi")); err != nil {
		t.Fatal(err)
	}
	p.looks(t, 1)
	if h.calls != 0 {
		t.Fatal("taken at the first look")
	}
	s.puts("out/a.edi", "ISA one, and more")
	p.looks(t, 1)
	if h.calls != 0 {
		t.Fatal("taken while it grew")
	}
	p.looks(t, 2)
	if got := h.texts(); !slices.Equal(got, []string{"ISA one, and more"}) {
		t.Fatalf("%q", got)
	}
	if got := s.names("archive"); !maps.Equal(got, map[string]string{"a.edi": "ISA one, and more"}) {
		t.Errorf("archive: %v", got)
	}
	if s.accepted.Load() != 1 {
		t.Errorf("%d connections were made", s.accepted.Load())
	}

	// Another one of that name, and the same bytes once more.
	s.puts("out/a.edi", "ISA two")
	s.puts("out/c.edi", "ISA two")
	p.looks(t, 2)
	if got := h.texts(); !slices.Equal(got, []string{"ISA one, and more", "ISA two"}) {
		t.Errorf("%q", got)
	}
	if got := s.names("archive"); len(got) != 3 || got["a.edi"] != "ISA one, and more" || got["c.edi"] != "ISA two" {
		t.Errorf("archive: %v", got)
	}
	for _, d := range h.got {
		if d.Key.Scope != "folder/ACME" || d.Partner != "ACME" {
			t.Errorf("%+v", d.Key)
		}
	}
}

func TestWhatIsDoneWithAFileThatTheHubHolds(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		out    int // files in the folder afterwards
		calls  int
	}{
		"archived": {func(*Config) {}, 0, 1},
		"removed":  {func(c *Config) { c.Archive = "" }, 0, 1},
		"kept":     {func(c *Config) { c.Archive, c.Keep = "", true }, 1, 1},
		"no match": {func(c *Config) { c.Match = "*.x12" }, 1, 0},
	} {
		s, h := serve(t), &hub{}
		p := pickup(t, s, h, c.change)
		s.puts("out/a.edi", "ISA one")
		p.looks(t, 5)
		if got := s.names("out"); len(got) != c.out || h.calls != c.calls {
			t.Errorf("%s: %v, asked %d times", name, got, h.calls)
		}
	}
}

func TestWhatTheHubDoesNotTakeStays(t *testing.T) {
	s := serve(t)
	h := &hub{answer: func(d door.Document) error {
		if d.Name == "a.edi" {
			return fault.E("x", fault.Transient, errors.New("busy"))
		}
		return nil
	}}
	p := pickup(t, s, h)
	s.puts("out/a.edi", "ISA a")
	s.puts("out/b.edi", "ISA b")
	p.looks(t, 2)
	if got := s.names("out"); !maps.Equal(got, map[string]string{"a.edi": "ISA a"}) {
		t.Errorf("%v", got)
	}
	// It changes while the hub takes it: what it says then is taken too.
	h.answer = func(door.Document) error { s.puts("out/a.edi", "ISA a, longer"); return nil }
	p.looks(t, 1)
	h.answer = nil
	p.looks(t, 2)
	if got := h.texts(); !slices.Equal(got, []string{"ISA a", "ISA a, longer", "ISA b"}) {
		t.Errorf("%q", got)
	}
	// The hub is away: nothing is asked of it for those behind.
	h.calls, h.answer = 0, func(door.Document) error { return fault.E("x", fault.Unavailable, errors.New("full")) }
	s.puts("out/c.edi", "ISA c")
	s.puts("out/d.edi", "ISA d")
	p.looks(t, 1)
	if err := p.Poll(t.Context()); fault.KindOf(err) != fault.Unavailable || h.calls != 1 {
		t.Errorf("%v, asked %d times", err, h.calls)
	}
	h.answer = nil
	p.looks(t, 1)
	if got := s.names("out"); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

func TestFilesThatCannotBeTakenAreLeftAlone(t *testing.T) {
	s, h := serve(t), &hub{}
	p := pickup(t, s, h, func(c *Config) { c.Max = 10 })
	s.puts("out/large.edi", strings.Repeat("x", 11))
	s.puts("out/empty.edi", "")
	s.puts("out/good.edi", "ISA")
	p.looks(t, 12)
	if got := s.names("out"); len(got) != 2 || h.calls != 3 {
		t.Errorf("%v, asked %d times", got, h.calls)
	}
	// Each is told once.
	if got := h.refused(); len(got) != 2 || !strings.Contains(got["large.edi"], "has 11 bytes, at most 10") || !strings.Contains(got["empty.edi"], "is empty") {
		t.Errorf("refused: %v", got)
	}
	s.puts("out/large.edi", "ISA short")
	s.puts("out/empty.edi", "ISA late")
	p.looks(t, 2)
	if got := h.texts(); !slices.Equal(got, []string{"ISA", "ISA late", "ISA short"}) {
		t.Errorf("%q", got)
	}
}

// The line breaks after each number of bytes: each file reaches the hub whole, and leaves.
func TestALineThatBreaksLosesNoFile(t *testing.T) {
	text := "ISA" + strings.Repeat("0123456789", 300)
	for cut := int64(300); ; cut += 97 {
		s, h := serve(t), &hub{}
		s.cut.Store(cut)
		p := pickup(t, s, h)
		s.puts("out/a.edi", text)
		broke := 0
		for range 3 {
			if err := p.Poll(t.Context()); err != nil {
				if k := fault.KindOf(err); k != fault.Unavailable {
					t.Fatalf("after %d bytes: %v %v", cut, k, err)
				}
				broke++
			}
		}
		s.cut.Store(0)
		_ = p.conn.Close()
		p.looks(t, 3)
		if got := h.texts(); !slices.Equal(got, []string{text}) {
			t.Fatalf("after %d bytes the hub holds %d documents", cut, len(got))
		}
		if got := s.names("archive"); len(got) != 1 || len(s.names("out")) != 0 {
			t.Fatalf("after %d bytes: %d archived, %d left", cut, len(got), len(s.names("out")))
		}
		if broke == 0 {
			if cut < 3000 {
				t.Errorf("the line never broke: %d bytes were enough", cut)
			}
			return
		}
	}
}

func TestFilesAreDroppedWholeAndOnce(t *testing.T) {
	s := serve(t)
	o := NewOutbox(conn(t, s))
	ctx := t.Context()
	if there, err := o.Staged(ctx, "ACME", "945.edi"); there || err != nil {
		t.Errorf("staged before: %v %v", there, err)
	}
	for range 2 {
		if err := o.Stage(ctx, "ACME", "945.edi", []byte("ISA out")); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.names("in"); !maps.Equal(got, map[string]string{".945.edi.tmp": "ISA out"}) {
		t.Errorf("%v", got)
	}
	if there, err := o.Staged(ctx, "ACME", "945.edi"); !there || err != nil {
		t.Errorf("staged: %v %v", there, err)
	}
	if err := o.Publish(ctx, "ACME", "945.edi"); err != nil {
		t.Fatal(err)
	}
	if there, err := o.Staged(ctx, "ACME", "945.edi"); there || err != nil {
		t.Errorf("published: %v %v", there, err)
	}
	if err := o.Stage(ctx, "ACME", "945.edi", []byte("another")); err != nil {
		t.Fatal(err)
	}
	if err := o.Publish(ctx, "ACME", "945.edi"); fault.KindOf(err) != fault.Transient {
		t.Errorf("published over another: %v", err)
	}
	if got := s.names("in")["945.edi"]; got != "ISA out" {
		t.Errorf("it holds %q", got)
	}
	for _, name := range []string{"", ".", "..", "../x", "a/b", ".hidden"} {
		if err := o.Stage(ctx, "ACME", name, nil); fault.KindOf(err) != fault.Internal {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// Wherever the line breaks, what may have happened is told, and asking afterwards tells the truth.
func TestALineThatBreaksDropsEachFileOnce(t *testing.T) {
	text := []byte(strings.Repeat("0123456789", 200))
	for cut := int64(300); ; cut += 61 {
		s := serve(t)
		s.cut.Store(cut)
		c := conn(t, s)
		o := NewOutbox(c)
		stage := o.Stage(t.Context(), "ACME", "a", text)
		if stage != nil && fault.KindOf(stage) != fault.Unavailable {
			t.Fatalf("after %d bytes staging is %v: %v", cut, fault.KindOf(stage), stage)
		}
		var publish error
		if stage == nil {
			publish = o.Publish(t.Context(), "ACME", "a")
		}
		s.cut.Store(0)
		_ = c.Close()
		if stage != nil {
			if err := o.Stage(t.Context(), "ACME", "a", text); err != nil {
				t.Fatal(err)
			}
		}
		if publish != nil && fault.KindOf(publish) != fault.Unknown {
			t.Fatalf("after %d bytes publishing is %v: %v", cut, fault.KindOf(publish), publish)
		}
		there, err := o.Staged(t.Context(), "ACME", "a")
		if err != nil {
			t.Fatal(err)
		}
		if there != (s.names("in")["a"] == "") {
			t.Fatalf("after %d bytes staged is %v, and there is %v", cut, there, s.names("in"))
		}
		if there {
			if err := o.Publish(t.Context(), "ACME", "a"); err != nil {
				t.Fatal(err)
			}
		}
		if got := s.names("in"); len(got) != 1 || got["a"] != string(text) {
			t.Fatalf("after %d bytes: %d files", cut, len(got))
		}
		if stage == nil && publish == nil {
			return
		}
	}
}

func TestAServerThatSaysNoPausesItsPartner(t *testing.T) {
	s := serve(t)
	ctx := t.Context()
	for name, change := range map[string]func(*Config){
		"password": func(c *Config) { c.Password = "wrong" },
		"host key": func(c *Config) { c.HostKeys = []string{string(ssh.MarshalAuthorizedKey(signer(t).PublicKey()))} },
		"address":  func(c *Config) { c.Addr = "127.0.0.1:1" },
		"folders":  func(c *Config) { c.Pickup, c.Drop = "nowhere", "nowhere/else" },
	} {
		c := conn(t, s, change)
		if err := NewPickup(c, &hub{}, slog.New(slog.DiscardHandler)).Poll(ctx); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%s: polling: %v", name, err)
		}
		if err := NewOutbox(c).Stage(ctx, "ACME", "a", []byte("x")); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%s: staging: %v", name, err)
		}
		if there, err := NewOutbox(c).Staged(ctx, "ACME", "a"); there || fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%s: is it staged: %v %v", name, there, err)
		}
	}
	s.readOnly.Store(true)
	if err := NewOutbox(conn(t, s)).Stage(ctx, "ACME", "a", []byte("x")); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a folder that is not ours to write: %v", err)
	}
}

func TestOurKeyLetsUsIn(t *testing.T) {
	s := serve(t)
	key, public := clientKey(t)
	withKey := func(c *Config) { c.Password, c.Key = "", key }
	if err := NewOutbox(conn(t, s, withKey)).Stage(t.Context(), "ACME", "a", []byte("x")); err == nil || !strings.Contains(err.Error(), "refuses user paklog") {
		t.Errorf("before the partner knows it: %v", err)
	}
	s.known = public
	if err := NewOutbox(conn(t, s, withKey)).Stage(t.Context(), "ACME", "a", []byte("x")); err != nil {
		t.Error(err)
	}
}

// A server that changes its key is talked to while both are agreed on.
func TestHostKeysRotate(t *testing.T) {
	s := serve(t)
	c := conn(t, s, func(c *Config) {
		c.HostKeys = append(c.HostKeys, string(ssh.MarshalAuthorizedKey(signer(t).PublicKey())))
	})
	if err := NewOutbox(c).Stage(t.Context(), "ACME", "a", []byte("x")); err != nil {
		t.Error(err)
	}
	c = conn(t, s, func(c *Config) { c.HostKeys = []string{"[127.0.0.1]:2222 " + c.HostKeys[0]} })
	if err := NewOutbox(c).Stage(t.Context(), "ACME", "a", []byte("x")); err != nil {
		t.Errorf("a line of known_hosts: %v", err)
	}
}

func TestConfigurationsAreRefusedWithTheirPlace(t *testing.T) {
	s := serve(t)
	key, _ := clientKey(t)
	for place, change := range map[string]func(*Config){
		"addr":      func(c *Config) { c.Addr = "" },
		"user":      func(c *Config) { c.User = "" },
		"pickup":    func(c *Config) { c.Pickup, c.Drop = "", "" },
		"match":     func(c *Config) { c.Match = "[" },
		"archive":   func(c *Config) { c.Archive = "./out" },
		"drop":      func(c *Config) { c.Drop = "out/" },
		"keep":      func(c *Config) { c.Keep = true },
		"key":       func(c *Config) { c.Password = "" },
		"host_keys": func(c *Config) { c.HostKeys = []string{"ssh-ed25519 nonsense"} },
	} {
		cfg := s.config()
		change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.HasPrefix(err.Error(), place+": ") {
			t.Errorf("%s: %v", place, err)
		}
		if _, err := NewConn(cfg); err == nil {
			t.Errorf("%s: a connection was prepared", place)
		}
	}
	cfg := s.config()
	cfg.Password, cfg.Key = "", key
	if err := cfg.Validate(); err != nil {
		t.Errorf("with a key: %v", err)
	}
	cfg.HostKeys = nil
	if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "ssh-keyscan") {
		t.Errorf("without a host key: %v", err)
	}
}

// A try says what is missing at the partner's, and leaves nothing there.
func TestATryShowsWhatIsMissing(t *testing.T) {
	s := serve(t)
	s.puts("out/a.edi", "ISA")
	s.puts("out/b.tmp", "ISA")
	got, err := Try(t.Context(), conn(t, s))
	if err != nil || got.Waiting != 1 || got.Example != "a.edi" || !got.Dropped || got.Notes != "" {
		t.Errorf("%+v %v", got, err)
	}
	if left := s.names("in"); len(left) != 0 || len(s.names("out")) != 2 {
		t.Errorf("%v", left)
	}
	for what, change := range map[string]func(*Config){
		"looking into nowhere": func(c *Config) { c.Pickup = "nowhere" },
		"looking for nowhere":  func(c *Config) { c.Archive = "nowhere" },
		"writing nowhere/":     func(c *Config) { c.Drop = "nowhere" },
		"refuses user":         func(c *Config) { c.Password = "wrong" },
	} {
		if _, err := Try(t.Context(), conn(t, s, change)); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
	s.readOnly.Store(true)
	if got, err := Try(t.Context(), conn(t, s)); err == nil || got.Dropped {
		t.Errorf("a server that may only be read: %+v", got)
	}
}
