package sftp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/paklog/hub/adapters/internal/remote"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
)

// Conn is the connection to one partner's server. It is kept, and made anew when it broke. One
// thing is done on it at a time.
type Conn struct {
	cfg *prepared

	mu   sync.Mutex
	ssh  *ssh.Client
	sftp *sftp.Client
	used time.Time
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
	return c.drop()
}

func (c *Conn) drop() error {
	if c.ssh == nil {
		return nil
	}
	err := c.ssh.Close()
	_ = c.sftp.Close() // on a connection that is gone
	c.ssh, c.sftp = nil, nil
	if errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) {
		return nil // the other side was faster
	}
	return err
}

// idle is after how long a connection is asked whether it is still there.
const idle = 15 * time.Second

// slowest is how many bytes of a file a second are waited for.
const slowest = 32 << 10

// Do implements [remote.Link].
func (c *Conn) Do(ctx context.Context, op string, changes bool, bytes int64, step func(remote.Session) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	most := c.cfg.Timeout + time.Duration(bytes/slowest)*time.Second
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	if err := c.ready(ctx); err != nil {
		return fault.E(op, fault.Unavailable, fmt.Errorf("%w: %s: %w", remote.ErrLine, c.cfg.Addr, err))
	}
	conn := c.ssh
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	err := step(session{c.sftp})
	c.used = time.Now()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		err = fmt.Errorf("it did not end within %v: %w", most, err)
	case answered(err):
		return classified(op, err)
	}
	_ = c.drop()
	kind := fault.Unavailable
	if changes {
		kind = fault.Unknown
	}
	return fault.E(op, kind, fmt.Errorf("%w: %s: %w", remote.ErrLine, c.cfg.Addr, err))
}

// ready makes the connection, or sees that it is still there.
func (c *Conn) ready(ctx context.Context) error {
	if c.ssh != nil && time.Since(c.used) > idle && !c.alive(ctx) {
		_ = c.drop()
	}
	if c.ssh != nil {
		return nil
	}
	var d net.Dialer
	tcp, err := d.DialContext(ctx, "tcp", c.cfg.Addr)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = tcp.Close() })
	defer stop()
	conn, channels, requests, err := ssh.NewClientConn(tcp, c.cfg.Addr, &c.cfg.ssh)
	if err != nil {
		_ = tcp.Close()
		return explained(err, c.cfg.User)
	}
	client := ssh.NewClient(conn, channels, requests)
	files, err := sftp.NewClient(client, sftp.UseConcurrentWrites(true), sftp.UseFstat(true))
	if err != nil {
		_ = client.Close()
		return fmt.Errorf("starting sftp: %w", err)
	}
	c.ssh, c.sftp, c.used = client, files, time.Now()
	return nil
}

// explained says in words what the handshake means.
func explained(err error, user string) error {
	switch text := err.Error(); {
	case errors.Is(err, errHostKey):
		return err
	case strings.Contains(text, "unable to authenticate"):
		return fmt.Errorf("the server refuses user %s: check the user's name, and that our key or password is known there (%w)", user, err)
	case strings.Contains(text, "no common algorithm for host key"):
		return fmt.Errorf("the server has no key of the kind that was agreed on: compare host_keys with what ssh-keyscan prints (%w)", err)
	}
	return err
}

func (c *Conn) alive(ctx context.Context) bool {
	conn := c.ssh
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	_, _, err := conn.SendRequest("keepalive@openssh.com", true, nil)
	return err == nil
}

// answered reports whether an error is the server's answer, or ours to it: the connection is as
// good as before.
func answered(err error) bool {
	var status *sftp.StatusError
	if errors.As(err, &status) {
		return status.FxCode() != sftp.ErrSSHFxNoConnection && status.FxCode() != sftp.ErrSSHFxConnectionLost
	}
	return remote.Answered(err)
}

// classified says what may be done about a server's answer. A folder that is not there or may not
// be used is put right at the partner's: until then his connection pauses, and nothing is lost.
func classified(op string, err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return fault.E(op, fault.Unavailable, err)
	}
	return fault.E(op, fault.Transient, err)
}

// NewPickup takes the partner's files over a connection.
func NewPickup(c *Conn, hub door.Caller, log *slog.Logger) *remote.Pickup {
	return remote.NewPickup(c, c.cfg.folders, hub, log)
}

// NewOutbox drops files over a connection.
func NewOutbox(c *Conn) *remote.Outbox { return remote.NewOutbox(c, c.cfg.folders) }

// session implements [remote.Session].
type session struct{ c *sftp.Client }

func (s session) List(dir string) ([]fs.FileInfo, error) { return s.c.ReadDir(dir) }

func (s session) Stat(name string) (fs.FileInfo, error) { return s.c.Lstat(name) }

func (s session) Get(name string, from int64, to io.Writer) error {
	f, err := s.c.Open(name)
	if err != nil {
		return err
	}
	if from > 0 {
		_, err = f.Seek(from, io.SeekStart)
	}
	if err == nil {
		_, err = f.WriteTo(to)
	}
	return errors.Join(err, f.Close())
}

func (s session) Put(name string, data []byte) error {
	f, err := s.c.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	_, err = f.ReadFrom(bytes.NewReader(data))
	if err == nil {
		err = f.Sync()
		var status *sftp.StatusError
		if errors.As(err, &status) && status.FxCode() == sftp.ErrSSHFxOpUnsupported {
			err = nil // then the server syncs when it likes
		}
	}
	return errors.Join(err, f.Close())
}

func (s session) Rename(from, to string) error { return s.c.Rename(from, to) }

func (s session) Remove(name string) error { return s.c.Remove(name) }

// Try asks a partner's server for what is needed of it; see [remote.Try].
func Try(ctx context.Context, c *Conn) (remote.Tried, error) {
	return remote.Try(ctx, c, c.cfg.folders)
}
