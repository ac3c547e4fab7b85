package sftp

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// server is a partner's SFTP server over a folder, which can break the line.
type server struct {
	t    *testing.T
	dir  string
	addr string
	key  ssh.Signer

	cut      atomic.Int64 // bytes that go over a connection, both ways, before it breaks; 0 is any number
	accepted atomic.Int64
	readOnly atomic.Bool
	known    ssh.PublicKey // of the user; nil is none
}

func signer(t *testing.T) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// clientKey is a private key as people keep it.
func clientKey(t *testing.T) (private string, public ssh.PublicKey) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	public, err = ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block)), public
}

func serve(t *testing.T) *server {
	t.Helper()
	s := &server{t: t, dir: t.TempDir(), key: signer(t)}
	for _, d := range []string{"out", "in", "archive"} {
		if err := os.Mkdir(filepath.Join(s.dir, d), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	var wg sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			tcp, err := l.Accept()
			if err != nil {
				return
			}
			s.accepted.Add(1)
			t.Cleanup(func() { _ = tcp.Close() })
			wg.Go(func() { s.talk(&line{Conn: tcp, left: s.cut.Load()}) })
		}
	})
	return s
}

func (s *server) talk(tcp net.Conn) {
	defer func() { _ = tcp.Close() }()
	cfg := &ssh.ServerConfig{PasswordCallback: func(c ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
		if c.User() != "paklog" || string(password) != "open" {
			return nil, errors.New("no")
		}
		return &ssh.Permissions{}, nil
	}}
	cfg.PublicKeyCallback = func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if s.known == nil || !bytes.Equal(key.Marshal(), s.known.Marshal()) {
			return nil, errors.New("no")
		}
		return &ssh.Permissions{}, nil
	}
	cfg.AddHostKey(s.key)
	_, channels, requests, err := ssh.NewServerConn(tcp, cfg)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for ch := range channels {
		c, in, err := ch.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range in {
				_ = r.Reply(r.Type == "subsystem", nil)
			}
		}()
		options := []sftp.ServerOption{sftp.WithServerWorkingDirectory(s.dir)}
		if s.readOnly.Load() {
			options = append(options, sftp.ReadOnly())
		}
		files, err := sftp.NewServer(c, options...)
		if err != nil {
			return
		}
		_ = files.Serve()
		_ = c.Close()
	}
}

// line is a connection that breaks after so many bytes.
type line struct {
	net.Conn

	mu   sync.Mutex
	left int64
}

func (l *line) pass(n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left == 0 {
		return true
	}
	if l.left -= int64(n); l.left <= 0 {
		l.left = -1
		_ = l.Close()
		return false
	}
	return true
}

func (l *line) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	if err == nil && !l.pass(n) {
		return 0, net.ErrClosed
	}
	return n, err
}

func (l *line) Write(b []byte) (int, error) {
	if !l.pass(len(b)) {
		return 0, net.ErrClosed
	}
	return l.Conn.Write(b)
}

func (s *server) config() Config {
	return Config{
		Partner: "ACME", Addr: s.addr, User: "paklog", Password: "open", HostKeys: []string{string(ssh.MarshalAuthorizedKey(s.key.PublicKey()))},
		Pickup: "out", Archive: "archive", Drop: "in",
	}
}

// puts writes a file at the partner's.
func (s *server) puts(path, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, path), []byte(text), 0o640); err != nil {
		s.t.Fatal(err)
	}
}

// names are the files of a folder of the partner's, with what is in them.
func (s *server) names(dir string) map[string]string {
	s.t.Helper()
	list, err := os.ReadDir(filepath.Join(s.dir, dir))
	if err != nil {
		s.t.Fatal(err)
	}
	out := map[string]string{}
	for _, e := range list {
		b, err := os.ReadFile(filepath.Join(s.dir, dir, e.Name()))
		if err != nil {
			s.t.Fatal(err)
		}
		out[e.Name()] = string(b)
	}
	return out
}
