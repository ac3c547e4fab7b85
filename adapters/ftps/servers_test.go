package ftps

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/edi/peer"
)

// server is a partner's server over a folder with out, in and archive.
type server struct {
	t    *testing.T
	dir  string
	addr string
	cert string // PEM
	user string
	pass string
}

func (s *server) puts(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o666); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(s.dir, name), 0o666); err != nil {
		s.t.Fatal(err)
	}
}

// files are those of a folder with what is in them.
func (s *server) files(dir string) map[string]string {
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

func newServer(t *testing.T) *server {
	t.Helper()
	dir, err := os.MkdirTemp("", "ftps-") //nolint:usetesting // one that another user may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &server{t: t, dir: dir}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"out", "in", "archive"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, d), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ftp.acme.example"}, DNSNames: []string{"ftp.acme.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 0, 1),
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	s.cert = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := s.cert + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	if err := os.WriteFile(s.pem(), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(s.pem()) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	_ = l.Close()
	return s
}

// pem holds its certificate and key.
func (s *server) pem() string { return s.dir + ".pem" }

// run starts a server as a child and waits until it listens.
func (s *server) run(cmd *exec.Cmd) {
	s.t.Helper()
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		if err := <-ended; err == nil {
			s.t.Error("it ended by itself")
		}
		if s.t.Failed() {
			s.t.Logf("the server said: %s", said.String())
		}
	})
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); <-tick.C {
		select {
		case err := <-ended:
			ended <- err
			s.t.Fatalf("the server ended: %v: %s", err, said.String())
		default:
		}
		if c, err := net.Dial("tcp", s.addr); err == nil {
			_ = c.Close()
			return
		}
	}
	s.t.Fatalf("the server does not listen: %s", said.String())
}

func cache() (string, error) {
	if dir := os.Getenv("PAKLOG_CACHE"); dir != "" {
		return dir, nil
	}
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "paklog"), err
}

// vsftpd starts Debian's, which demands that data connections resume the session.
func vsftpd(t *testing.T, lines ...string) *server {
	t.Helper()
	program, err := vsftpdProgram(t.Context())
	if err != nil {
		t.Skipf("vsftpd cannot be had: %v", err)
	}
	if os.Getuid() != 0 {
		t.Skip("vsftpd cannot be had: it starts as root alone")
	}
	s := newServer(t)
	s.user, s.pass = "anonymous", "paklog@example.com"
	host, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		t.Fatal(err)
	}
	empty := s.dir + ".empty"
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(empty) })
	conf := append([]string{
		"listen=YES", "listen_address=" + host, "listen_port=" + port, "background=NO", "secure_chroot_dir=" + empty, "seccomp_sandbox=NO", "ftp_username=daemon",
		"anonymous_enable=YES", "no_anon_password=NO", "anon_root=" + s.dir, "write_enable=YES", "anon_upload_enable=YES", "anon_other_write_enable=YES", "anon_world_readable_only=NO",
		"anon_umask=022", "pasv_enable=YES", "port_enable=NO", "xferlog_enable=NO", "delete_failed_uploads=YES",
		"ssl_enable=YES", "allow_anon_ssl=YES", "force_anon_logins_ssl=YES", "force_anon_data_ssl=YES", "require_ssl_reuse=YES", "rsa_cert_file=" + s.pem(),
	}, lines...)
	name := filepath.Join(t.TempDir(), "vsftpd.conf")
	if err := os.WriteFile(name, []byte(strings.Join(conf, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.run(exec.Command(program, name))
	return s
}

// vsftpdProgram is the system's, or that of Debian's package, unpacked: installing it would start it.
func vsftpdProgram(ctx context.Context) (string, error) {
	if program, err := exec.LookPath("vsftpd"); err == nil {
		return program, nil
	}
	home, err := cache()
	if err != nil {
		return "", err
	}
	program := filepath.Join(home, "vsftpd", "usr", "sbin", "vsftpd")
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	for _, tool := range []string{"apt-get", "dpkg"} {
		if _, err := exec.LookPath(tool); err != nil {
			return "", fmt.Errorf("%s is not here", tool)
		}
	}
	dir, err := os.MkdirTemp("", "vsftpd-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	get := exec.CommandContext(ctx, "apt-get", "-q", "download", "vsftpd")
	get.Dir = dir
	if out, err := get.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %.200s", err, out)
	}
	found, err := filepath.Glob(filepath.Join(dir, "vsftpd_*.deb"))
	if err != nil || len(found) != 1 {
		return "", errors.New("its package did not come")
	}
	if out, err := exec.CommandContext(ctx, "dpkg", "-x", found[0], filepath.Join(home, "vsftpd")).CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %.200s", err, out)
	}
	return program, nil
}

// pyftpdlib starts Python's, with a user whose password is checked.
func pyftpdlib(t *testing.T, tls string) *server {
	t.Helper()
	home, err := cache()
	if err != nil {
		t.Fatal(err)
	}
	wheels, err := peer.Wheels(t.Context(), filepath.Join(home, "bench"), "pyftpdlib[ssl]", "2.2.0")
	if err != nil {
		t.Skip(err)
	}
	s := newServer(t)
	s.user, s.pass = "paklog", "open sesame"
	_, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("python3", "-c", pyftpd, s.dir, port, s.user, s.pass, s.pem(), tls)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+wheels)
	s.run(cmd)
	return s
}

const pyftpd = `
import sys
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.servers import FTPServer
root, port, user, password, pem, tls = sys.argv[1:]
users = DummyAuthorizer()
users.add_user(user, password, root, perm="elradfmw")
handler = FTPHandler if tls == "none" else TLS_FTPHandler
if tls == "implicit":
    class Implicit(TLS_FTPHandler):
        def handle(self):
            self.secure_connection(self.ssl_context)
        def handle_ssl_established(self):
            TLS_FTPHandler.handle(self)
    handler = Implicit
handler.authorizer = users
if tls != "none":
    handler.certfile = pem
    handler.tls_control_required = tls == "explicit"
    handler.tls_data_required = True
FTPServer(("127.0.0.1", int(port)), handler).serve_forever()
`
