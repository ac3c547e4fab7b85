package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	pkgsftp "github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/paklog/hub/adapters/sftp"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/x12gen"
)

const sftpPassword = "a long password"

// partnerServer is a partner's SFTP server over a folder, where we are user US.
type partnerServer struct {
	t    *testing.T
	dir  string
	addr string
	key  string
	stop func()
}

func newPartnerServer(t *testing.T) *partnerServer {
	t.Helper()
	key, err := sftp.NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	s := &partnerServer{t: t, dir: t.TempDir(), key: key}
	for _, d := range []string{"inbox", "outbox", ".staging"} {
		if err := os.MkdirAll(filepath.Join(s.dir, "US", d), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	s.start("127.0.0.1:0")
	return s
}

func (s *partnerServer) start(addr string) {
	s.t.Helper()
	server, err := sftp.NewServer(sftp.ServerConfig{Root: s.dir, Key: s.key, Partners: map[string]sftp.Account{"US": {Password: sftpPassword}}})
	if err != nil {
		s.t.Fatal(err)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.addr = l.Addr().String()
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, l) }()
	stopped := false
	s.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			s.t.Error(err)
		}
	}
	s.t.Cleanup(s.stop)
}

// orders940 is a 940 of ACME's with one order.
func orders940(control int) x12gen.Config {
	return x12gen.Config{
		Seed: uint64(control), Set: "940", Sets: 1, MostLine: 1, Control: control, OrderPrefix: fmt.Sprintf("SO-%d-", control), Items: []string{"MUG"},
		Now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), Options: x12.WriterOptions{LineEnd: "\n"},
	}
}

// offers lays a 940 out for us.
func (s *partnerServer) offers(control int) {
	s.t.Helper()
	f, err := os.Create(filepath.Join(s.dir, "US", "outbox", fmt.Sprintf("940-%d.edi", control)))
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	if _, err := x12gen.Write(f, orders940(control)); err != nil {
		s.t.Fatal(err)
	}
}

// got are the documents that we dropped there.
func (s *partnerServer) got() []string {
	s.t.Helper()
	list, err := os.ReadDir(filepath.Join(s.dir, "US", "inbox"))
	if err != nil {
		s.t.Fatal(err)
	}
	var out []string
	for _, e := range list {
		b, err := os.ReadFile(filepath.Join(s.dir, "US", "inbox", e.Name()))
		if err != nil {
			s.t.Fatal(err)
		}
		out = append(out, string(b))
	}
	return out
}

// write puts a secret beside the configuration, and the configuration.
func (s *shell) configured(partner string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(filepath.Dir(s.config), "password"), []byte(sftpPassword), 0o600); err != nil {
		s.t.Fatal(err)
	}
	text := fmt.Sprintf("data: %s\nowner: ACME\nhttp: {listen: \"127.0.0.1:0\"}\nlimits: {probe: 200ms}\n%s", s.data, partner)
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// A partner's documents come from his server and ours go to it, each once, and while it is away
// they wait.
func TestDocumentsGoOverAPartnersSFTPServer(t *testing.T) {
	t.Parallel()
	st := newPartnerServer(t)
	line, _, err := sftp.PublicHostKey(st.key)
	if err != nil {
		t.Fatal(err)
	}
	s := newShell(t)
	s.configured(fmt.Sprintf(`edi: {partners: {ACME: {id: ACME, owner: ACME, sftp: {addr: %q, user: US, password_file: password, host_keys: [%q], pickup: /outbox, drop: /inbox, poll: 20ms}}}}
`, st.addr, line))
	s.must("config", "check")
	stop := s.serve()
	st.offers(1)
	s.until("a 997 for the first", func() bool { return len(st.got()) == 1 })
	if got := st.got()[0]; !strings.Contains(got, "AK1*OW*") {
		t.Errorf("it was sent %s", got)
	}
	// He goes away in the middle of things, and comes back.
	st.offers(2)
	st.stop()
	st.offers(3)
	s.until("the connection is seen to be away, or nothing is to be sent", func() bool {
		return len(st.got()) > 1 || strings.Contains(s.must("routes"), "out.edi.ACME")
	})
	st.start(st.addr)
	s.until("a 997 for each", func() bool { return len(st.got()) == 3 })
	if left, err := os.ReadDir(filepath.Join(st.dir, "US", "outbox")); err != nil || len(left) != 0 {
		t.Errorf("%d files were left: %v", len(left), err)
	}
	stop()
	s.must("audit")
}

// A partner who comes to our server leaves his documents in his inbox and finds ours in his
// outbox.
func TestPartnersComeToOurSFTPServer(t *testing.T) {
	t.Parallel()
	addr := freeAddr(t)
	s := newShell(t)
	s.configured(fmt.Sprintf(`edi: {poll: 1h, partners: {ACME: {id: ACME, owner: ACME, login: {password_file: password, from: [127.0.0.0/8]}}}}
sftp: {listen: %q}
`, addr))
	s.serve()
	c := s.clientOf(addr, "ACME")
	f, err := c.Create("/inbox/940.edi")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x12gen.Write(f, orders940(7)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	s.until("a 997 in his outbox", func() bool {
		list, err := c.ReadDir("/outbox")
		return err == nil && len(list) == 1
	})
	if list, err := c.ReadDir("/inbox"); err != nil || len(list) != 0 {
		t.Errorf("his file still lies there: %v %v", list, err)
	}
}

// A file that comes cut off waits for its rest, and when it is put again the two are one. Where the
// hub has lost its patience, the whole one is a letter: what was taken of it before is there once,
// and nothing is lost.
func TestAFileThatWasCutOffAndPutAgainIsTakenOnce(t *testing.T) {
	t.Parallel()
	for _, patience := range []string{"5m", "0s"} {
		t.Run(patience, func(t *testing.T) {
			t.Parallel()
			addr := freeAddr(t)
			s := newShell(t)
			s.configured(fmt.Sprintf(`edi: {poll: 20ms, patience: %s, partners: {ACME: {id: ACME, owner: ACME, login: {password_file: password}}}}
sftp: {listen: %q}
`, patience, addr))
			s.serve()
			c := s.clientOf(addr, "ACME")
			put := func(data []byte) {
				t.Helper()
				f, err := c.Create("/inbox/940.edi")
				if err != nil {
					t.Fatal(err)
				}
				_, err = f.Write(data)
				if err := errors.Join(err, f.Close()); err != nil {
					t.Fatal(err)
				}
			}
			waits := func() bool {
				list, err := c.ReadDir("/inbox")
				return err != nil || len(list) > 0
			}
			var text bytes.Buffer
			cfg := orders940(1)
			cfg.Sets = 3
			if _, err := x12gen.Write(&text, cfg); err != nil {
				t.Fatal(err)
			}
			cut, orders := text.Bytes()[:text.Len()*2/3], 3
			put(cut)
			if patience == "0s" {
				orders = bytes.Count(cut, []byte("\nSE*"))
				s.until("the cut one is taken", func() bool { return !waits() })
			}
			put(text.Bytes())
			s.until("the whole one is taken", func() bool { return !waits() })
			s.until("its orders are there", func() bool { return strings.Count(s.must("orders", "list"), "SO-1-") == orders })
			letters := func() bool {
				list := s.must("dlq", "list")
				return strings.Contains(list, "ISA-13") && strings.Contains(list, "SE (segment")
			}
			if patience == "0s" {
				s.until("letters say what was cut off and what came again", letters)
			} else if letters() {
				t.Errorf("%s", s.must("dlq", "list"))
			}
		})
	}
}

// freeAddr is where nobody listens.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// clientOf is a partner at our server.
func (s *shell) clientOf(addr, user string) *pkgsftp.Client {
	s.t.Helper()
	key, err := os.ReadFile(filepath.Join(s.data, "sftp_host_key"))
	if err != nil {
		s.t.Fatal(err)
	}
	private, err := ssh.ParsePrivateKey(key)
	if err != nil {
		s.t.Fatal(err)
	}
	conn, err := ssh.Dial("tcp", addr, &ssh.ClientConfig{User: user, Auth: []ssh.AuthMethod{ssh.Password(sftpPassword)}, HostKeyCallback: ssh.FixedHostKey(private.PublicKey())})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	c, err := pkgsftp.NewClient(conn)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}
