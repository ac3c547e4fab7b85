// Package pglocal starts a PostgreSQL from Debian's package, on a port and in a folder of its own, for
// as long as a test, a demonstration or a measurement takes.
package pglocal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrNone says that there is nothing to start.
var ErrNone = errors.New("PostgreSQL is not installed: install postgresql")

// Server is a PostgreSQL that this process started.
type Server struct {
	URL string

	folder string
	bin    string
	as     *syscall.Credential // nil: as who this process is
	port   int
	cmd    *exec.Cmd // nil: it is down
	log    bytes.Buffer
}

// Start makes a cluster in a new folder and starts it.
func Start(ctx context.Context) (_ *Server, err error) {
	bins, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(bins) == 0 {
		return nil, errors.Join(err, ErrNone)
	}
	slices.SortFunc(bins, func(a, b string) int { return version(a) - version(b) })
	s := &Server{bin: filepath.Dir(bins[len(bins)-1])}
	if s.folder, err = os.MkdirTemp("", "paklog-postgres-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(s.folder))
		}
	}()
	if err := s.notRoot(); err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return nil, err
	}
	s.URL = fmt.Sprintf("postgres://paklog@127.0.0.1:%d/postgres?sslmode=disable", s.port)
	initdb := s.command(ctx, filepath.Join(s.bin, "initdb"), "-D", s.data(), "-U", "paklog", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return s, s.Up(ctx)
}

// version is the number in the path of a program.
func version(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(bin))))
	return n
}

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

// notRoot finds a user to run as: the server refuses root.
func (s *Server) notRoot() error {
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return fmt.Errorf("PostgreSQL does not run as root: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return err
	}
	s.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return s.Own(s.folder)
}

func (s *Server) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), name, args...) // Down ends it
	cmd.Dir = s.folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Setpgid: true}
	return cmd
}

// Own gives a folder to the user that the server runs as.
func (s *Server) Own(dir string) error {
	if s.as == nil {
		return nil
	}
	return os.Chown(dir, int(s.as.Uid), int(s.as.Gid))
}

// Up starts the server and waits until it answers.
func (s *Server) Up(ctx context.Context) error {
	s.cmd = s.command(ctx, filepath.Join(s.bin, "postgres"), "-D", s.data(), "-p", strconv.Itoa(s.port), "-k", s.folder,
		"-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200", "-c", "shared_buffers=128MB", "-c", "max_wal_size=2GB", "-c", "autovacuum_naptime=5s")
	s.log.Reset()
	s.cmd.Stderr = &s.log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.URL)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("PostgreSQL does not answer: %w", err), s.Down(syscall.SIGKILL), errors.New(s.log.String()))
		}
	}
}

// Down ends the server: SIGINT is a fast stop, SIGKILL a crash of every process of it.
func (s *Server) Down(sig syscall.Signal) error {
	if s.cmd == nil {
		return nil
	}
	pid := s.cmd.Process.Pid
	if sig == syscall.SIGKILL {
		pid = -pid
	}
	err := syscall.Kill(pid, sig)
	_ = s.cmd.Wait() // how it ended is what was asked for
	s.cmd = nil
	return err
}

// Close ends the server and removes its folder.
func (s *Server) Close() error {
	return errors.Join(s.Down(syscall.SIGINT), os.RemoveAll(s.folder))
}
