package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	randv2 "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// sftpPlan is what OpenSSH's client carries to a server and back.
type sftpPlan struct {
	openssh bool  // to OpenSSH's server, and not to ours
	bytes   int64 // of a file
	files   int   // of each connection
	conns   int
	back    bool // and back again
}

// transfer is one round of a plan. Files are durable when their upload is answered: at OpenSSH's by
// fsync@openssh.com (put -f), at ours by closing them.
type transfer struct {
	c    *config
	plan sftpPlan
	dir  string
	key  ssh.PublicKey
}

func openSFTP(plan sftpPlan) func(context.Context, *config) (probe, error) {
	return func(_ context.Context, c *config) (probe, error) {
		if _, err := exec.LookPath("sftp"); err != nil {
			return nil, cannot("OpenSSH's sftp is not installed")
		}
		if plan.openssh {
			if _, err := os.Stat("/usr/sbin/sshd"); err != nil || os.Getuid() != 0 {
				return nil, cannot("OpenSSH's sshd is not installed, or this is not root")
			}
		}
		dir, err := c.scratch("sftp")
		if err != nil {
			return nil, err
		}
		public, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		block, err := ssh.MarshalPrivateKey(private, "")
		if err != nil {
			return nil, err
		}
		key, err := ssh.NewPublicKey(public)
		if err != nil {
			return nil, err
		}
		t := &transfer{c, plan, dir, key}
		if err := os.WriteFile(t.path("key"), pem.EncodeToMemory(block), 0o600); err != nil {
			return nil, err
		}
		f, err := os.Create(t.path("file"))
		if err != nil {
			return nil, err
		}
		_, err = io.CopyN(f, randv2.NewChaCha8([32]byte{1}), plan.bytes)
		return t, errors.Join(err, f.Close())
	}
}

func (t *transfer) path(name string) string { return filepath.Join(t.dir, name) }

func (t *transfer) Close() error { return nil }

func (t *transfer) round(ctx context.Context) (_ sample, err error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return sample{}, err
	}
	addr := l.Addr().String()
	_, port, err := net.SplitHostPort(addr)
	if err = errors.Join(err, l.Close()); err != nil {
		return sample{}, err
	}
	login, base := "BENCH", "/inbox/"
	counts := map[string]float64{"files": float64(t.plan.files * t.plan.conns)}
	if t.plan.openssh {
		stop, err := t.sshd(ctx, port)
		if err != nil {
			return sample{}, err
		}
		defer stop()
		login, base = "root", t.path("there")+"/"
		if err := os.MkdirAll(base, 0o700); err != nil {
			return sample{}, err
		}
	} else {
		h, err := t.c.serve(ctx, serveOptions{limit: "  max_document: 2 GiB\n", more: fmt.Sprintf(`sftp: {listen: %q, quota: 64 GiB, rate: 0}
edi: {partners: {BENCH: {id: BENCH, login: {keys: [%q]}}}}
`, addr, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(t.key))))})
		if err != nil {
			return sample{}, err
		}
		defer func() { err = errors.Join(err, h.Close()) }()
		defer func() { counts["peak_rss_mb"] = peakRSS(h.pid()) }()
		began := h.cpu()
		defer func() {
			counts["cpu_us_per_op"] = float64((h.cpu() - began).Microseconds()) / counts["files"]
		}()
	}
	put := "put"
	if t.plan.openssh {
		put = "put -f"
	}
	up, err := t.all(ctx, login, port, func(conn, file int) string {
		return fmt.Sprintf("%s %s %s%d-%d.tmp\n", put, t.path("file"), base, conn, file) // no EDI: nobody takes it up
	})
	if err != nil {
		return sample{}, err
	}
	took := up
	mb := counts["files"] * float64(t.plan.bytes) / 1e6
	counts["up_mb_per_s"] = mb / up.Seconds()
	if !t.plan.back {
		return sample{value: counts["files"] / took.Seconds(), counts: counts}, ctx.Err()
	}
	down, err := t.all(ctx, login, port, func(conn, file int) string {
		return fmt.Sprintf("get %s%d-%d.tmp %s\n", base, conn, file, t.path("back"))
	})
	if err != nil {
		return sample{}, err
	}
	counts["down_mb_per_s"] = mb / down.Seconds()
	return sample{value: 2 * mb / (up + down).Seconds(), counts: counts}, errors.Join(ctx.Err(), os.Remove(t.path("back")))
}

// all lets every connection work through its lines, and times them from a moment when all are in.
func (t *transfer) all(ctx context.Context, login, port string, line func(conn, file int) string) (time.Duration, error) {
	var wg sync.WaitGroup
	errs := make([]error, t.plan.conns)
	began := time.Now()
	for conn := range t.plan.conns {
		wg.Go(func() {
			var batch strings.Builder
			for file := range t.plan.files {
				batch.WriteString(line(conn, file))
			}
			cmd := exec.CommandContext(ctx, "sftp", "-q", "-b", "-", "-P", port, "-i", t.path("key"), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR", login+"@127.0.0.1")
			cmd.Stdin = strings.NewReader(batch.String())
			if out, err := cmd.CombinedOutput(); err != nil {
				errs[conn] = fmt.Errorf("%w: %.300s", err, out[max(0, len(out)-300):])
			}
		})
	}
	wg.Wait()
	return time.Since(began), errors.Join(errs...)
}

// sshd starts OpenSSH's server with its sftp-server.
func (t *transfer) sshd(ctx context.Context, port string) (stop func(), err error) {
	program := "/usr/lib/openssh/sftp-server"
	if _, err := os.Stat(program); err != nil {
		return nil, cannot("OpenSSH's sftp-server is not installed")
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil { //nolint:gosec // what sshd gives up its rights in, as packages make it
		return nil, err
	}
	host, known := t.path("host"), t.path("known")
	if _, err := os.Stat(host); err != nil {
		if out, err := exec.CommandContext(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("making a host key: %w: %s", err, out)
		}
	}
	conf := fmt.Sprintf("ListenAddress 127.0.0.1:%s\nHostKey %s\nAuthorizedKeysFile %s\nStrictModes no\nPermitRootLogin yes\nUsePAM no\nPidFile none\nMaxStartups 100\nSubsystem sftp %s\n", port, host, known, program)
	if err := errors.Join(os.WriteFile(known, ssh.MarshalAuthorizedKey(t.key), 0o600), os.WriteFile(t.path("sshd_config"), []byte(conf), 0o600)); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "/usr/sbin/sshd", "-D", "-e", "-f", t.path("sshd_config"))
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop = func() { _, _ = cmd.Process.Kill(), cmd.Wait() }
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 250 {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", "127.0.0.1:"+port)
		if err == nil {
			return stop, c.Close()
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	stop()
	return nil, cannot("sshd does not listen")
}
