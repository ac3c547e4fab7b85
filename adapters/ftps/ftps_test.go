package ftps

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/paklog/hub/adapters/internal/remote"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hub takes documents.
type hub struct{ got []door.Document }

func (h *hub) Call(_ context.Context, _ string, v any) (any, error) {
	d, ok := v.(door.Document)
	if !ok {
		return nil, errors.New("no document")
	}
	h.got = append(h.got, d)
	return nil, nil
}

func (s *server) conn(change ...func(*Config)) *Conn {
	s.t.Helper()
	cfg := Config{
		Partner: "ACME", Addr: s.addr, CA: s.cert, User: s.user, Password: s.pass, Pickup: "out", Archive: "archive", Drop: "in", Spool: s.t.TempDir(), Timeout: time.Minute,
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := NewConn(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

var quiet = slog.New(slog.DiscardHandler)

// exchange lets files go both ways, with all that a partner's server may hold.
func exchange(t *testing.T, s *server, all ...func(*Config)) {
	t.Helper()
	large := make([]byte, 3<<20)
	if _, err := rand.Read(large); err != nil {
		t.Fatal(err)
	}
	c, h := s.conn(all...), &hub{}
	p, o := NewPickup(c, h, quiet), NewOutbox(c, quiet)
	looks := func(n int) {
		t.Helper()
		for range n {
			if err := p.Poll(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.puts("out/a b.edi", "ISA one")
	s.puts("out/-la.edi", string(large))
	s.puts("out/c.tmp", "half of it")
	looks(1)
	if len(h.got) != 0 {
		t.Fatal("taken at the first look")
	}
	looks(2)
	if len(h.got) != 2 || len(s.files("archive")) != 2 || !maps.Equal(s.files("out"), map[string]string{"c.tmp": "half of it"}) {
		t.Fatalf("%d documents, archive %d, left %d", len(h.got), len(s.files("archive")), len(s.files("out")))
	}
	for _, d := range h.got {
		if want := map[string]string{"a b.edi": "ISA one", "-la.edi": string(large)}[d.Name]; string(d.Bytes) != want {
			t.Errorf("%s has %d bytes, want %d", d.Name, len(d.Bytes), len(want))
		}
	}
	for name, data := range map[string][]byte{"945.edi": large, "empty.edi": nil} {
		if there, err := o.Staged(t.Context(), "ACME", name); there || err != nil {
			t.Errorf("staged before: %v %v", there, err)
		}
		for range 2 {
			if err := o.Stage(t.Context(), "ACME", name, data); err != nil {
				t.Fatal(err)
			}
		}
		if got, ok := s.files("in")["."+name+".tmp"]; !ok || got != string(data) {
			t.Errorf("%s: %d bytes are staged", name, len(got))
		}
		if there, err := o.Staged(t.Context(), "ACME", name); !there || err != nil {
			t.Errorf("staged: %v %v", there, err)
		}
		if err := o.Publish(t.Context(), "ACME", name); err != nil {
			t.Fatal(err)
		}
		if there, err := o.Staged(t.Context(), "ACME", name); there || err != nil {
			t.Errorf("published: %v %v", there, err)
		}
	}
	if got := s.files("in"); len(got) != 2 || got["945.edi"] != string(large) {
		t.Errorf("%d files came", len(got))
	}
	if err := o.Stage(t.Context(), "ACME", "945.edi", []byte("another")); err != nil {
		t.Fatal(err)
	}
	if err := o.Publish(t.Context(), "ACME", "945.edi"); fault.KindOf(err) != fault.Transient || s.files("in")["945.edi"] != string(large) {
		t.Errorf("published over another: %v", err)
	}
	got, err := Try(t.Context(), c)
	if err != nil || !got.Dropped || got.Waiting != 0 {
		t.Errorf("%+v %v", got, err)
	}
	for what, change := range map[string]func(*Config){
		"pickup": func(c *Config) { c.Pickup = "nowhere" }, "archive": func(c *Config) { c.Archive = "nowhere" }, "drop": func(c *Config) { c.Drop = "no/where" },
	} {
		if got, err := Try(t.Context(), s.conn(append(slices.Clone(all), change)...)); err == nil {
			t.Errorf("a %s that is not there: %+v", what, got)
		}
	}
}

func TestFilesGoOverVsftpd(t *testing.T) {
	s := vsftpd(t)
	exchange(t, s)
	// It is the session that it asks for: without one no data connection is made.
	c := s.conn()
	c.cfg.tls.ClientSessionCache = nil
	if err := NewPickup(c, &hub{}, quiet).Poll(t.Context()); err == nil {
		t.Error("data went over a session of its own: vsftpd does not demand what is tested here")
	}
	if _, err := Try(t.Context(), s.conn(func(c *Config) { c.TLS, c.CA = None, "" })); err == nil || !strings.Contains(err.Error(), "must use encryption") {
		t.Errorf("without TLS: %v", err)
	}
}

func TestFilesGoOverImplicitTLS(t *testing.T) {
	exchange(t, vsftpd(t, "implicit_ssl=YES"), func(c *Config) { c.TLS = Implicit })
}

func TestFilesGoOverPyftpdlib(t *testing.T) {
	for _, tls := range []string{Explicit, Implicit, None} {
		t.Run(tls, func(t *testing.T) {
			s := pyftpdlib(t, tls)
			of := func(c *Config) {
				if c.TLS = tls; tls == None {
					c.CA = ""
				}
			}
			exchange(t, s, of)
			if _, err := Try(t.Context(), s.conn(of, func(c *Config) { c.Password = "a guess" })); fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "refuses user paklog") {
				t.Errorf("a wrong password: %v", err)
			}
			if tls == None {
				if _, err := Try(t.Context(), s.conn()); err == nil || !strings.Contains(err.Error(), "does not offer TLS") {
					t.Errorf("no password goes there unprotected: %v", err)
				}
				return
			}
			for want, change := range map[string]func(*Config){
				"signed by nobody we trust": func(c *Config) { c.CA = "" },
				"is for another name":       func(c *Config) { c.Name = "ftp.beta.example" },
				"it did not end within": func(c *Config) {
					c.Timeout = 300 * time.Millisecond
					c.TLS = map[string]string{Explicit: Implicit, Implicit: Explicit}[tls]
				},
			} {
				if _, err := Try(t.Context(), s.conn(of, change)); fault.KindOf(err) != fault.Unavailable {
					t.Errorf("%s: %v", want, err)
				} else if !strings.Contains(err.Error(), want) && !strings.Contains(err.Error(), "does not speak TLS here") && !strings.Contains(err.Error(), "deadline") && !strings.Contains(err.Error(), "closed") && !strings.Contains(err.Error(), "EOF") {
					t.Errorf("%s: %v", want, err)
				}
			}
			if _, err := Try(t.Context(), s.conn(of, func(c *Config) { c.Name = "ftp.acme.example" })); err != nil {
				t.Errorf("the certificate's own name: %v", err)
			}
		})
	}
}

// cutter stands before a server and ends connections after so many bytes.
type cutter struct {
	net.Listener

	left atomic.Int64
}

func cut(t *testing.T, s *server) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{Listener: l}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", s.addr)
			if err != nil {
				_ = in.Close()
				continue
			}
			pass := func(to, from net.Conn) {
				defer func() { _, _ = to.Close(), from.Close() }()
				buf := make([]byte, 64)
				for {
					n, err := from.Read(buf)
					if err != nil || c.left.Add(-int64(n)) < 0 {
						return
					}
					if _, err := to.Write(buf[:n]); err != nil {
						return
					}
				}
			}
			go pass(in, out)
			go pass(out, in)
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return c
}

// Wherever the line of control breaks, what may have happened is told, and asking afterwards tells the truth.
func TestALineThatBreaksDropsEachFileOnce(t *testing.T) {
	s := pyftpdlib(t, None)
	line := cut(t, s)
	for left := int64(100); ; left += 37 {
		line.left.Store(left)
		c := s.conn(func(c *Config) { c.TLS, c.CA, c.Addr = None, "", line.Addr().String(); c.Timeout = time.Minute })
		o := NewOutbox(c, quiet)
		stage := o.Stage(t.Context(), "ACME", "a", []byte("ISA"))
		if stage != nil && fault.KindOf(stage) != fault.Unavailable {
			t.Fatalf("after %d bytes staging is %v: %v", left, fault.KindOf(stage), stage)
		}
		var publish error
		if stage == nil {
			if publish = o.Publish(t.Context(), "ACME", "a"); publish != nil && fault.KindOf(publish) != fault.Unknown && fault.KindOf(publish) != fault.Unavailable {
				t.Fatalf("after %d bytes publishing is %v: %v", left, fault.KindOf(publish), publish)
			}
		}
		line.left.Store(1 << 40)
		_ = c.Close()
		if stage != nil {
			if err := o.Stage(t.Context(), "ACME", "a", []byte("ISA")); err != nil {
				t.Fatal(err)
			}
		}
		there, err := o.Staged(t.Context(), "ACME", "a")
		if err != nil {
			t.Fatal(err)
		}
		if _, out := s.files("in")["a"]; there == out {
			t.Fatalf("after %d bytes staged is %v, and there is %v", left, there, s.files("in"))
		}
		if there {
			if err := o.Publish(t.Context(), "ACME", "a"); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Do(t.Context(), "test", false, 0, func(r remote.Session) error { return r.Remove("in/a") }); err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
		if stage == nil && publish == nil {
			return
		}
	}
}

// What the server does not answer ends in time, and nobody waits for it.
func TestAServerThatSaysNothingIsAway(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := &server{t: t, addr: l.Addr().String(), user: "x", pass: "y"}
	for _, tls := range []string{Explicit, Implicit, None} {
		c := s.conn(func(c *Config) { c.TLS, c.Timeout = tls, 100*time.Millisecond })
		if err := NewPickup(c, &hub{}, quiet).Poll(t.Context()); fault.KindOf(err) != fault.Unavailable || !errors.Is(err, remote.ErrLine) {
			t.Errorf("%s: %v", tls, err)
		}
	}
}

// A server that is not TLS's is warned of.
func TestPlainFTPIsWarnedOf(t *testing.T) {
	var said strings.Builder
	log := slog.New(slog.NewTextHandler(&said, nil))
	s := &server{t: t, addr: "127.0.0.1:1", user: "x", pass: "y"}
	NewOutbox(s.conn(), log)
	if said.Len() > 0 {
		t.Errorf("with TLS: %s", said.String())
	}
	NewOutbox(s.conn(func(c *Config) { c.TLS = None }), log)
	if !strings.Contains(said.String(), "level=WARN") || !strings.Contains(said.String(), "plain FTP") {
		t.Errorf("%s", said.String())
	}
}

func TestConfigurationsAreRefusedWithTheirPlace(t *testing.T) {
	good := Config{Addr: "ftp.acme.example", User: "us", Password: "x", Pickup: "out"}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for place, change := range map[string]func(*Config){
		"addr":     func(c *Config) { c.Addr = "" },
		"user":     func(c *Config) { c.User = "us\r\nDELE x" },
		"password": func(c *Config) { c.Password = "" },
		"tls":      func(c *Config) { c.TLS = "yes" },
		"ca":       func(c *Config) { c.CA = "nonsense" },
		"pickup":   func(c *Config) { c.Pickup = "" },
		"archive":  func(c *Config) { c.Archive = "out" },
		"drop":     func(c *Config) { c.Drop = "in\n" },
	} {
		cfg := good
		change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.HasPrefix(err.Error(), place+": ") {
			t.Errorf("%s: %v", place, err)
		}
	}
}
