package sftp

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/subtle"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// Account lets a partner in. He has one with a key or a password.
type Account struct {
	Keys     []string // public keys as in authorized_keys; several while he changes his
	Password string   // "" is none
	From     []string // addresses and prefixes that he comes from; none is any
}

// ServerConfig is our server, where partners leave their files and take ours.
type ServerConfig struct {
	Root     string             // holds a folder for each partner, with his inbox and outbox
	Key      string             // our private host key in PEM
	Partners map[string]Account // by their user name, which is that of their folder
	MaxBytes int64              // of one file: 64 MiB
	Quota    int64              // of all files in one inbox: 1 GiB
	Conns    int                // at once: 200; those of one address are a quarter
	Rate     int                // connections of one address in a minute; 0 is any number
	Idle     time.Duration      // a connection that asks for nothing is ended after this: 10 min
	Log      *slog.Logger
	// Uploaded is told of each file once it lies whole and durable in an inbox.
	Uploaded func(partner, name string)
	// Lock keeps everybody else from moving files of an inbox, until it is undone; nil where nobody does.
	Lock func(partner string) (undo func())
}

// Server is an SFTP server with one virtual folder a partner. He sees /inbox, which he may write,
// and /outbox, which he may read and clear; nothing leads out of them. A file shows up once it was
// closed whole and is durable. What breaks off is not there; for a day he may go on where it broke
// (reput).
type Server struct {
	cfg  ServerConfig
	ssh  ssh.ServerConfig
	keys map[string][][]byte
	from map[string][]netip.Prefix

	guard guard
	wg    sync.WaitGroup
	mu    sync.Mutex
	conns map[net.Conn]struct{}
	room  map[string]*allowance
}

// NewServer prepares the server; [Server.Serve] runs it.
func NewServer(cfg ServerConfig) (*Server, error) {
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = defaultMax
	}
	if cfg.Quota <= 0 {
		cfg.Quota = 1 << 30
	}
	if cfg.Conns <= 0 {
		cfg.Conns = 200
	}
	if cfg.Idle <= 0 {
		cfg.Idle = 10 * time.Minute
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Lock == nil {
		cfg.Lock = func(string) func() { return func() {} }
	}
	s := &Server{
		cfg: cfg, keys: map[string][][]byte{}, from: map[string][]netip.Prefix{}, conns: map[net.Conn]struct{}{},
		room: map[string]*allowance{}, guard: guard{rate: cfg.Rate, of: map[netip.Addr]*visitor{}},
	}
	host, err := ssh.ParsePrivateKey([]byte(cfg.Key))
	if err != nil {
		return nil, fmt.Errorf("host_key: %w", err)
	}
	s.ssh = ssh.ServerConfig{MaxAuthTries: 4, PublicKeyCallback: s.byKey, PasswordCallback: s.byPassword, AuthLogCallback: s.tried, ServerVersion: "SSH-2.0-PakLog"}
	// chacha20-poly1305, which OpenSSH's client likes best, is slower: its stream has no code of its own for amd64 in Go.
	s.ssh.Ciphers = []string{ssh.CipherAES128GCM, ssh.CipherAES256GCM, ssh.CipherAES128CTR, ssh.CipherAES192CTR, ssh.CipherAES256CTR}
	s.ssh.AddHostKey(host)
	for name, a := range cfg.Partners {
		if err := a.validate(); err != nil {
			return nil, fmt.Errorf("%s.%w", name, err)
		}
		for _, line := range a.Keys {
			key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
			if err != nil {
				return nil, err
			}
			s.keys[name] = append(s.keys[name], key.Marshal())
		}
		for _, from := range a.From {
			p, err := prefix(from)
			if err != nil {
				return nil, err
			}
			s.from[name] = append(s.from[name], p)
		}
		s.room[name] = &allowance{bound: cfg.Quota}
		// What was uploaded when the last process ended was never answered for.
		left, err := filepath.Glob(filepath.Join(cfg.Root, name, staging, uploading+"*.tmp"))
		for _, path := range left {
			err = errors.Join(err, os.Remove(path))
		}
		if err != nil {
			return nil, fmt.Errorf("clearing unfinished uploads of %s: %w", name, err)
		}
	}
	return s, nil
}

func (a Account) validate() error {
	if len(a.Keys) == 0 && a.Password == "" {
		return errors.New("keys: neither a public key nor a password lets him in")
	}
	if a.Password != "" && len(a.Password) < 12 {
		return errors.New("password: has less than 12 characters")
	}
	for i, line := range a.Keys {
		if _, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line)); err != nil {
			return fmt.Errorf("keys[%d]: is no public key: want \"ssh-ed25519 AAAA...\"", i)
		}
	}
	for i, from := range a.From {
		if _, err := prefix(from); err != nil {
			return fmt.Errorf("from[%d]: %q is neither an address nor a prefix as 192.0.2.0/24", i, from)
		}
	}
	return nil
}

// Validate says what is wrong with an account, at its place.
func (a Account) Validate() error { return a.validate() }

func prefix(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	return p.Masked(), err
}

// NewHostKey makes a private host key in PEM.
func NewHostKey() (string, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", err
	}
	block, err := ssh.MarshalPrivateKey(key, "paklog")
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(block)), nil
}

// PublicHostKey is what partners know a private host key by: the line for their known_hosts and
// its fingerprint.
func PublicHostKey(key string) (line, fingerprint string, err error) {
	s, err := ssh.ParsePrivateKey([]byte(key))
	if err != nil {
		return "", "", err
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(s.PublicKey()))), ssh.FingerprintSHA256(s.PublicKey()), nil
}

var errDenied = errors.New("no such user, key or password, or not from there")

func (s *Server) byKey(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	known := s.allowed(c)
	for _, k := range s.keys[c.User()] {
		if bytes.Equal(k, key.Marshal()) && known {
			return &ssh.Permissions{}, nil
		}
	}
	return nil, errDenied
}

func (s *Server) byPassword(c ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
	want := s.cfg.Partners[c.User()].Password
	if same := subtle.ConstantTimeCompare([]byte(want), password) == 1; want == "" || !same || !s.allowed(c) {
		return nil, errDenied
	}
	return &ssh.Permissions{}, nil
}

// tried counts each password that was wrong, whatever becomes of its connection. Keys cannot be
// guessed, and a client shows all that it has.
func (s *Server) tried(c ssh.ConnMetadata, method string, err error) {
	if err == nil || method != "password" {
		return
	}
	at := addressOf(c.RemoteAddr())
	s.cfg.Log.Warn("a password is refused over SFTP", "address", at)
	if until := s.guard.fails(houseOf(at), time.Now()); !until.IsZero() {
		s.cfg.Log.Warn("an address failed to log in too often and is kept out", "address", at, "until", until)
	}
}

// allowed reports whether a user may come from where he comes.
func (s *Server) allowed(c ssh.ConnMetadata) bool {
	from := s.from[c.User()]
	at := addressOf(c.RemoteAddr())
	if s.guard.out(houseOf(at), time.Now()) {
		return false
	}
	return len(from) == 0 || slices.ContainsFunc(from, func(p netip.Prefix) bool { return p.Contains(at) })
}

func addressOf(a net.Addr) netip.Addr {
	p, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return p.Addr().Unmap().WithZone("")
}

// houseOf is what guesses are counted by: one host has a /64 of IPv6 addresses (RFC 6177).
func houseOf(a netip.Addr) netip.Addr {
	if a.Is4() {
		return a
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a
	}
	return p.Addr()
}

// breath is waited when no connection can be taken.
const breath = 50 * time.Millisecond

// handshake is how long a visitor may take until he is known.
const handshake = 20 * time.Second

// Serve takes connections until ctx ends; then it ends them, and what they had not closed is gone.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() {
		_ = l.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		for c := range s.conns {
			_ = c.Close()
		}
	})
	defer stop()
	defer s.wg.Wait()
	rest := time.NewTimer(0)
	defer rest.Stop()
	for {
		c, err := l.Accept()
		switch {
		case err != nil && ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accepting SFTP connections: %w", err)
		case err != nil: // out of files, or the visitor is gone again: it passes
			s.cfg.Log.Warn("an SFTP connection cannot be taken", "err", err)
			rest.Reset(breath)
			select {
			case <-rest.C:
			case <-ctx.Done():
			}
			continue
		}
		at := houseOf(addressOf(c.RemoteAddr()))
		if !s.guard.enters(at, time.Now(), s.cfg.Conns) || !s.holds(ctx, c) {
			_ = c.Close()
			continue
		}
		s.wg.Go(func() {
			defer func() {
				_ = c.Close()
				s.mu.Lock()
				delete(s.conns, c)
				s.mu.Unlock()
				s.guard.leaves(at)
			}()
			s.talk(&idling{Conn: c, idle: s.cfg.Idle}, at)
		})
	}
}

// holds keeps a connection to be ended with the server; false where it ended.
func (s *Server) holds(ctx context.Context, c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		s.guard.known()
		s.guard.leaves(houseOf(addressOf(c.RemoteAddr())))
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *Server) talk(c *idling, at netip.Addr) {
	_ = c.Conn.SetDeadline(time.Now().Add(handshake))
	conn, channels, requests, err := ssh.NewServerConn(c, &s.ssh)
	s.guard.known()
	if err != nil {
		s.cfg.Log.Debug("nobody was let in over SFTP", "address", at, "err", err)
		return
	}
	s.guard.welcomed(at)
	c.begin()
	partner := conn.User()
	go ssh.DiscardRequests(requests)
	sessions := 0
	for ch := range channels {
		if ch.ChannelType() != "session" || sessions == 8 {
			_ = ch.Reject(ssh.Prohibited, "files only")
			continue
		}
		sessions++
		channel, in, err := ch.Accept()
		if err != nil {
			return
		}
		s.wg.Go(func() { s.session(partner, channel, in) })
	}
}

// session answers one channel: the sftp subsystem and nothing else.
func (s *Server) session(partner string, channel ssh.Channel, in <-chan *ssh.Request) {
	defer func() { _ = channel.Close() }()
	for r := range in {
		ok := r.Type == "subsystem" && len(r.Payload) > 4 && string(r.Payload[4:]) == "sftp"
		_ = r.Reply(ok, nil)
		if !ok {
			continue
		}
		go ssh.DiscardRequests(in)
		root, err := os.OpenRoot(filepath.Join(s.cfg.Root, partner))
		if err != nil {
			s.cfg.Log.Error("a partner's folder cannot be opened", "partner", partner, "err", err)
			return
		}
		v := &visit{s: s, partner: partner, root: root, room: s.room[partner]}
		files := sftp.NewRequestServer(channel, sftp.Handlers{FileGet: v, FilePut: v, FileCmd: v, FileList: v}, sftp.WithRSAllocator())
		err = files.Serve()
		v.end()
		_, _ = channel.SendRequest("exit-status", false, make([]byte, 4)) // scp waits for it
		_ = files.Close()
		if err != nil && !errors.Is(err, fs.ErrClosed) {
			s.cfg.Log.Debug("an SFTP session ended", "partner", partner, "err", err)
		}
		return
	}
}

// idling is a connection that ends when nothing goes over it for a while.
type idling struct {
	net.Conn

	idle  time.Duration
	begun atomic.Bool
}

// begin ends the time of the handshake.
func (c *idling) begin() { c.begun.Store(true); c.extend() }

func (c *idling) extend() { _ = c.SetDeadline(time.Now().Add(c.idle)) }

func (c *idling) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && c.begun.Load() {
		c.extend()
	}
	return n, err
}
