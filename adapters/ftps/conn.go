package ftps

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/textproto"
	"strings"
	"sync"
	"time"

	"github.com/jlaffaye/ftp"

	"github.com/paklog/hub/adapters/internal/remote"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
)

// Conn is the connection to one partner's server. It is kept, and made anew when it broke. One
// thing is done on it at a time.
type Conn struct {
	cfg *prepared

	mu    sync.Mutex
	ftp   *ftp.ServerConn
	home  string // where a login leads
	used  time.Time
	lines lines
}

// lines are the open connections to a server: of control first, then of data.
type lines struct {
	mu   sync.Mutex
	step func() context.Context // its context, of the one under way
	all  []net.Conn
	host string // of the control connection
}

// NewConn prepares a connection; nothing is dialled yet.
func NewConn(cfg Config) (*Conn, error) {
	p, err := cfg.prepare()
	if err != nil {
		return nil, err
	}
	return &Conn{cfg: p}, nil
}

// Close ends the connection; it is made again when it is used.
func (c *Conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop()
	return nil
}

func (c *Conn) drop() {
	c.ftp = nil
	c.lines.cut()
}

// cut ends what is open.
func (l *lines) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.all {
		_ = conn.Close()
	}
	l.all, l.host = nil, ""
}

// idle is after how long a connection is asked whether it is still there; slowest is how many bytes
// of a file a second are waited for.
const (
	idle    = 15 * time.Second
	slowest = 32 << 10
)

// Do implements [remote.Link].
func (c *Conn) Do(ctx context.Context, op string, changes bool, bytes int64, step func(remote.Session) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	most := c.cfg.Timeout + time.Duration(bytes/slowest)*time.Second
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	c.lines.mu.Lock()
	c.lines.step = func() context.Context { return ctx }
	c.lines.mu.Unlock()
	stop := context.AfterFunc(ctx, c.lines.cut)
	defer stop()
	if err := c.ready(); err != nil {
		c.drop()
		return fault.E(op, fault.Unavailable, fmt.Errorf("%w: %s: %w", remote.ErrLine, c.cfg.Addr, err))
	}
	s := &session{c: c.ftp, home: c.home}
	err := step(s)
	c.used = time.Now()
	if s.broken {
		c.drop()
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		err = fmt.Errorf("it did not end within %v: %w", most, err)
	case remote.Answered(err):
		kind := fault.Transient
		var a remote.Answer
		if !errors.As(err, &a) { // a folder that is not there or not ours is put right at the partner's
			kind = fault.Unavailable
		}
		return fault.E(op, kind, err)
	}
	c.drop()
	kind := fault.Unavailable
	if changes {
		kind = fault.Unknown
	}
	return fault.E(op, kind, fmt.Errorf("%w: %s: %w", remote.ErrLine, c.cfg.Addr, err))
}

// ready makes the connection, or sees that it is still there.
func (c *Conn) ready() error {
	if c.ftp != nil && time.Since(c.used) > idle && c.ftp.NoOp() != nil {
		c.drop()
	}
	if c.ftp != nil {
		return nil
	}
	options := []ftp.DialOption{ftp.DialWithDialFunc(c.dial), ftp.DialWithForceListHidden(true), ftp.DialWithShutTimeout(c.cfg.Timeout)}
	switch c.cfg.TLS {
	case Explicit:
		options = append(options, ftp.DialWithExplicitTLS(c.cfg.tls))
	case Implicit:
		options = append(options, ftp.DialWithTLS(c.cfg.tls))
	}
	conn, err := ftp.Dial(c.cfg.Addr, options...)
	if err != nil {
		return explained(err, c.cfg)
	}
	if err := conn.Login(c.cfg.User, c.cfg.Password); err != nil {
		return explained(err, c.cfg)
	}
	if c.home, err = conn.CurrentDir(); err != nil {
		return err
	}
	c.ftp, c.used = conn, time.Now()
	return nil
}

// dial makes a connection of control, or one of data: to the same host, whatever an answer to PASV
// names, and resuming its session.
func (c *Conn) dial(network, addr string) (net.Conn, error) {
	l := &c.lines
	l.mu.Lock()
	defer l.mu.Unlock()
	control := len(l.all) == 0
	if !control {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		addr = net.JoinHostPort(l.host, port)
	}
	var d net.Dialer
	conn, err := d.DialContext(l.step(), network, addr)
	if err != nil {
		return nil, err
	}
	if control {
		l.host, _, err = net.SplitHostPort(conn.RemoteAddr().String())
	} else {
		l.all = l.all[:1] // a data connection is over when the next begins
	}
	l.all = append(l.all, conn)
	if c.cfg.tls != nil && (!control || c.cfg.TLS == Implicit) {
		return &secured{Conn: tls.Client(conn, c.cfg.tls), tcp: conn}, err
	}
	return conn, err
}

// secured is a connection whose end without a close_notify is an end: the answer that the transfer
// is complete, and the size, tell whether all came.
type secured struct {
	*tls.Conn

	tcp   net.Conn
	wrote bool
}

// Write implements [io.Writer].
func (s *secured) Write(b []byte) (int, error) {
	s.wrote = true
	return s.Conn.Write(b)
}

// ending is how long a server may take to end a connection that we have ended.
const ending = 10 * time.Second

// Close ends what was written and waits for the server to end as well: closing a connection that
// holds something unread (TLS 1.3 sends tickets) resets it, and what is on its way is lost.
func (s *secured) Close() error {
	if s.wrote {
		_ = s.SetReadDeadline(time.Now().Add(ending))
		err := s.CloseWrite()
		if half, ok := s.tcp.(*net.TCPConn); ok {
			err = errors.Join(err, half.CloseWrite())
		}
		if err == nil {
			_, _ = io.Copy(io.Discard, s.Conn)
		}
	}
	return s.Conn.Close()
}

func (s *secured) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

// explained says in words what a connection or a login ended by.
func explained(err error, c *prepared) error {
	var answer *textproto.Error
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &unknown):
		return fmt.Errorf("the server's certificate is signed by nobody we trust: give the partner's as ca (%w)", err)
	case errors.As(err, &name):
		return fmt.Errorf("the server's certificate is for another name: ask the partner for his, and give it as name (%w)", err)
	case errors.As(err, &record):
		return fmt.Errorf("the server does not speak TLS here: is it %s? (%w)", map[string]string{Explicit: Implicit, Implicit: Explicit}[c.TLS], err)
	case errors.As(err, &answer) && answer.Code == ftp.StatusNotLoggedIn:
		return fmt.Errorf("the server refuses user %s: check the user's name and the password, and whether he lets us in with tls %s (%w)", c.User, c.TLS, err)
	case errors.As(err, &answer) && c.TLS == Explicit && (answer.Code == 500 || answer.Code == 502 || answer.Code == 504 || answer.Code == 530 || answer.Code == 534):
		return fmt.Errorf("the server does not offer TLS (AUTH TLS): without it user, password and files can be read on the way (%w)", err)
	}
	return err
}

// NewPickup takes the partner's files over a connection.
func NewPickup(c *Conn, hub door.Caller, log *slog.Logger) *remote.Pickup {
	c.warn(log)
	return remote.NewPickup(c, c.cfg.folders, hub, log)
}

// NewOutbox drops files over a connection.
func NewOutbox(c *Conn, log *slog.Logger) *remote.Outbox {
	c.warn(log)
	return remote.NewOutbox(c, c.cfg.folders)
}

func (c *Conn) warn(log *slog.Logger) {
	if c.cfg.TLS == None {
		log.Warn("a partner's files go over plain FTP: they can be read and changed on the way, and so can our password", "partner", c.cfg.Partner, "server", c.cfg.Addr)
	}
}

// Try asks a partner's server for what is needed of it; see [remote.Try].
func Try(ctx context.Context, c *Conn) (remote.Tried, error) {
	return remote.Try(ctx, c, c.cfg.folders)
}

// said makes errors of io/fs of a server's answers.
func said(err error) error {
	var answer *textproto.Error
	if !errors.As(err, &answer) || answer.Code == ftp.StatusNotAvailable {
		return err
	}
	text := strings.ToLower(answer.Msg)
	switch {
	case answer.Code == ftp.StatusFileUnavailable && (strings.Contains(text, "permission") || strings.Contains(text, "denied") || strings.Contains(text, "privileg")):
		return fmt.Errorf("%w: %w", errPermission, err)
	case answer.Code == ftp.StatusFileUnavailable || answer.Code == ftp.StatusBadFileName && strings.Contains(text, "no such"):
		return fmt.Errorf("%w: %w", errNotExist, err)
	case answer.Code == ftp.StatusBadFileName:
		return fmt.Errorf("%w: %w", errPermission, err)
	}
	return fmt.Errorf("%w (%w)", remote.Answer("the server says no"), err)
}
