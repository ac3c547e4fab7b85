package sftp

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

const password = "a long password"

// ours is our server with two partners.
type ours struct {
	t      *testing.T
	dir    string
	addr   string
	key    ssh.PublicKey
	server *Server

	mu   sync.Mutex
	told []string
}

func host(t *testing.T, change ...func(*ServerConfig)) *ours {
	t.Helper()
	key, err := NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	o := &ours{t: t, dir: t.TempDir()}
	for _, p := range []string{"ACME", "BETA"} {
		for _, f := range []string{inbox, outbox, staging} {
			if err := os.MkdirAll(filepath.Join(o.dir, p, f), 0o750); err != nil {
				t.Fatal(err)
			}
		}
	}
	cfg := ServerConfig{
		Root: o.dir, Key: key, Partners: map[string]Account{"ACME": {Password: password}, "BETA": {Password: password + "!"}},
		Uploaded: func(partner, name string) {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.told = append(o.told, partner+"/"+name)
		},
	}
	for _, f := range change {
		f(&cfg)
	}
	s, err := NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	o.server = s
	private, err := ssh.ParsePrivateKey([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	o.key = private.PublicKey()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.addr = l.Addr().String()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return o
}

func (o *ours) dial(user string, auth ...ssh.AuthMethod) (*ssh.Client, error) {
	return ssh.Dial("tcp", o.addr, &ssh.ClientConfig{User: user, Auth: auth, HostKeyCallback: ssh.FixedHostKey(o.key), Timeout: time.Minute})
}

// client is ACME's.
func (o *ours) client() *sftp.Client {
	o.t.Helper()
	c, err := o.dial("ACME", ssh.Password(password))
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { _ = c.Close() })
	f, err := sftp.NewClient(c)
	if err != nil {
		o.t.Fatal(err)
	}
	return f
}

// breaks lets an upload of ACME's break off after what it holds.
func (o *ours) breaks(name string, data []byte) {
	o.t.Helper()
	conn, err := o.dial("ACME", ssh.Password(password))
	if err != nil {
		o.t.Fatal(err)
	}
	c, err := sftp.NewClient(conn)
	if err != nil {
		o.t.Fatal(err)
	}
	f, err := c.Create(name)
	if err != nil {
		o.t.Fatal(err)
	}
	if _, err := f.Write(data); err != nil {
		o.t.Fatal(err)
	}
	_ = conn.Close()
}

func (o *ours) put(c *sftp.Client, name string, data []byte) error {
	f, err := c.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	_, err = f.ReadFrom(bytes.NewReader(data))
	return errors.Join(err, f.Close())
}

// inbox are the files of ACME's inbox with what is in them.
func (o *ours) inbox() map[string]string {
	o.t.Helper()
	out := map[string]string{}
	list, err := os.ReadDir(filepath.Join(o.dir, "ACME", inbox))
	if err != nil {
		o.t.Fatal(err)
	}
	for _, e := range list {
		b, err := os.ReadFile(filepath.Join(o.dir, "ACME", inbox, e.Name()))
		if err != nil {
			o.t.Fatal(err)
		}
		out[e.Name()] = string(b)
	}
	return out
}

func TestPartnersLeaveAndTakeFiles(t *testing.T) {
	o := host(t)
	c := o.client()
	large := make([]byte, 300_000)
	if _, err := rand.Read(large); err != nil {
		t.Fatal(err)
	}
	if err := o.put(c, "/inbox/a.edi", large); err != nil {
		t.Fatal(err)
	}
	if err := o.put(c, "inbox/b.tmp", []byte("ISA b")); err != nil {
		t.Fatal(err)
	}
	if err := o.put(c, "inbox/.d.edi.tmp", []byte("ISA d")); err != nil { // as many name what is not whole
		t.Fatal(err)
	}
	if err := o.put(c, "inbox/.d.edi.tmp", []byte("ISA d again")); err != nil {
		t.Fatal(err)
	}
	if got := o.inbox(); len(got) != 3 || got[".d.edi.tmp"] != "ISA d again" {
		t.Errorf("%v", got)
	}
	if err := c.Remove("inbox/.d.edi.tmp"); err != nil {
		t.Fatal(err)
	}
	if err := c.Rename("inbox/b.tmp", "inbox/b.edi"); err != nil {
		t.Fatal(err)
	}
	if err := c.PosixRename("inbox/b.edi", "inbox/c.edi"); err != nil {
		t.Fatal(err)
	}
	if err := o.put(c, "inbox/c.edi", []byte("another of that name")); err != nil {
		t.Fatal(err)
	}
	if got := o.inbox(); got["a.edi"] != string(large) || got["c.edi"] != "ISA b" || got["c.edi.2"] != "another of that name" || len(got) != 3 {
		t.Errorf("%d files: %q %q", len(got), got["c.edi"], got["c.edi.2"])
	}
	if want := []string{"ACME/a.edi", "ACME/b.tmp", "ACME/.d.edi.tmp", "ACME/.d.edi.tmp", "ACME/b.edi", "ACME/c.edi", "ACME/c.edi.2"}; !slices.Equal(o.told, want) {
		t.Errorf("told of %q, want %q", o.told, want)
	}
	if err := os.WriteFile(filepath.Join(o.dir, "ACME", outbox, "945.edi"), large, 0o640); err != nil {
		t.Fatal(err)
	}
	f, err := c.Open("/outbox/945.edi")
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(f)
	if err != nil || !bytes.Equal(got, large) {
		t.Errorf("read %d bytes: %v", len(got), err)
	}
	if err := errors.Join(f.Close(), c.Remove("outbox/945.edi")); err != nil {
		t.Error(err)
	}
	top, err := c.ReadDir("/")
	if err != nil || len(top) != 2 || top[0].Name() != inbox || top[1].Name() != outbox {
		t.Errorf("the top holds %v: %v", top, err)
	}
	for i := range 250 {
		if err := os.WriteFile(filepath.Join(o.dir, "ACME", outbox, fmt.Sprint("d", i)), nil, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := c.ReadDir("/outbox"); err != nil || len(list) != 250 {
		t.Errorf("%d of 250 are listed: %v", len(list), err)
	}
}

// An upload that breaks off, wherever, is not there.
func TestAnUploadThatBreaksOffIsGone(t *testing.T) {
	o := host(t)
	conn, err := o.dial("ACME", ssh.Password(password))
	if err != nil {
		t.Fatal(err)
	}
	c, err := sftp.NewClient(conn)
	if err != nil {
		t.Fatal(err)
	}
	f, err := c.Create("inbox/half.edi")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	// One with a hole.
	c = o.client()
	f, err = c.Create("inbox/hole.edi")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("end"), 100); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err == nil {
		t.Error("a file with a hole was taken")
	}
	if err := o.put(c, "inbox/good.edi", []byte("good")); err != nil {
		t.Fatal(err)
	}
	if got := o.inbox(); len(got) != 1 || got["good.edi"] != "good" {
		t.Errorf("%v", got)
	}
	if o.told[0] != "ACME/good.edi" || len(o.told) != 1 {
		t.Errorf("told of %q", o.told)
	}
	o.until("what was under way is gone, or laid aside", func() bool {
		list, err := os.ReadDir(filepath.Join(o.dir, "ACME", staging))
		if err != nil {
			t.Fatal(err)
		}
		return !slices.ContainsFunc(list, func(e fs.DirEntry) bool { return strings.HasPrefix(e.Name(), uploading) })
	})
}

// until waits for what the server does by itself.
func (o *ours) until(what string, so func() bool) {
	o.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); !so(); <-tick.C {
		if time.Now().After(deadline) {
			o.t.Fatalf("waited in vain: %s", what)
		}
	}
}

func TestNothingLeadsOutOfAPartnersFolder(t *testing.T) {
	o := host(t)
	secret := filepath.Join(o.dir, "BETA", inbox, "secret")
	if err := os.WriteFile(secret, []byte("of BETA"), 0o640); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"link": secret, "dir": filepath.Join(o.dir, "BETA")} {
		if err := os.Symlink(to, filepath.Join(o.dir, "ACME", inbox, name)); err != nil {
			t.Fatal(err)
		}
	}
	c := o.client()
	for _, name := range []string{
		"../BETA/inbox/secret", "/../../BETA/inbox/secret", "inbox/../../BETA/inbox/secret", "/etc/passwd", "inbox/link", "inbox/dir/inbox/secret",
		".staging/x", "/.staging", "archive/x", "inbox/a\nb", "inbox/" + strings.Repeat("n", 300), "inbox", "/",
	} {
		if f, err := c.Open(name); err == nil {
			b, err := io.ReadAll(f)
			t.Errorf("%q was read: %q %v", name, b, err)
		}
		if err := o.put(c, name, []byte("x")); err == nil && name != "inbox/link" { // which gets another name
			t.Errorf("%q was written", name)
		}
		if name == "inbox/link" {
			continue
		}
		if err := c.Remove(name); err == nil {
			t.Errorf("%q was removed", name)
		}
	}
	for name, err := range map[string]error{
		"a symbolic link": c.Symlink("/etc/passwd", "inbox/l"),
		"a hard link":     c.Link("inbox/link", "inbox/l"),
		"a folder":        c.Mkdir("inbox/f"),
		"to the outbox":   c.Rename("inbox/link", "outbox/l"),
		"a write there":   o.put(c, "outbox/x", []byte("x")),
	} {
		if err == nil {
			t.Errorf("%s was made", name)
		}
	}
	if list, err := c.ReadDir("inbox"); err != nil || slices.ContainsFunc(list, func(i fs.FileInfo) bool { return i.Name() == "link" || i.Name() == "dir" }) {
		t.Errorf("links are listed: %v %v", list, err)
	}
	if b, err := os.ReadFile(secret); err != nil || string(b) != "of BETA" {
		t.Errorf("%q %v", b, err)
	}
}

func TestWhoIsLetIn(t *testing.T) {
	private, public := clientKey(t)
	key, err := ssh.ParsePrivateKey([]byte(private))
	if err != nil {
		t.Fatal(err)
	}
	o := host(t, func(c *ServerConfig) {
		c.Partners["KEY"] = Account{Keys: []string{string(ssh.MarshalAuthorizedKey(signer(t).PublicKey())), string(ssh.MarshalAuthorizedKey(public))}}
		c.Partners["FAR"] = Account{Password: password, From: []string{"192.0.2.0/24", "2001:db8::1"}}
		c.Partners["NEAR"] = Account{Password: password, From: []string{"127.0.0.0/8"}}
	})
	for name, c := range map[string]struct {
		user string
		auth ssh.AuthMethod
		in   bool
	}{
		"password":           {"ACME", ssh.Password(password), true},
		"another's password": {"ACME", ssh.Password(password + "!"), false},
		"no password":        {"KEY", ssh.Password(""), false},
		"nobody":             {"NOBODY", ssh.Password(""), false},
		"second key":         {"KEY", ssh.PublicKeys(key), true},
		"key of another":     {"ACME", ssh.PublicKeys(key), false},
		"from far":           {"FAR", ssh.Password(password), false},
		"from near":          {"NEAR", ssh.Password(password), true},
	} {
		conn, err := o.dial(c.user, c.auth)
		if (err == nil) != c.in {
			t.Errorf("%s: %v", name, err)
		}
		if conn == nil {
			continue
		}
		if s, err := conn.NewSession(); err == nil {
			if out, err := s.CombinedOutput("id"); err == nil {
				t.Errorf("%s: a command ran: %s", name, out)
			}
		}
		if l, err := conn.Listen("tcp", "127.0.0.1:0"); err == nil {
			t.Errorf("%s: a port was forwarded: %v", name, l.Addr())
		}
		if ch, _, err := conn.OpenChannel("direct-tcpip", nil); err == nil {
			t.Errorf("%s: a channel was opened: %v", name, ch)
		}
		_ = conn.Close()
	}
}

func TestWhoGuessesIsKeptOut(t *testing.T) {
	g := guard{of: map[netip.Addr]*visitor{}}
	at, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	try := func(a netip.Addr) bool {
		if !g.enters(a, now, 100) {
			return false
		}
		g.leaves(a)
		return true
	}
	for i := range mostFailures {
		if !try(at) {
			t.Fatalf("kept out after %d failures", i)
		}
		g.fails(at, now)
	}
	if try(at) || !try(other) {
		t.Error("who guessed may go on, or another may not")
	}
	now = now.Add(keptOut)
	if !try(at) {
		t.Error("kept out for ever")
	}
	for range mostFailures {
		g.fails(at, now)
	}
	now = now.Add(keptOut)
	if try(at) {
		t.Error("the second time is as long as the first")
	}
	now = now.Add(keptOut)
	for range mostFailures - 1 {
		g.fails(at, now)
	}
	g.welcomed(at)
	g.fails(at, now)
	if !try(at) {
		t.Error("who came in was kept out for what was before")
	}
	in := 0
	for g.enters(other, now, 100) {
		in++
	}
	if in != 25 {
		t.Errorf("%d of one address are in", in)
	}
	for i := range mostVisitors + 10 {
		a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		if g.enters(a, now, 1<<30) {
			g.leaves(a)
		}
		now = now.Add(time.Second)
	}
	if len(g.of) > mostVisitors {
		t.Errorf("%d addresses are remembered", len(g.of))
	}
}

// Passwords are counted one by one, whatever becomes of their connections.
func TestGuessesWithinAConnectionAreCounted(t *testing.T) {
	o := host(t)
	for range mostFailures / 2 {
		tries := 0
		_, err := o.dial("ACME", ssh.RetryableAuthMethod(ssh.PasswordCallback(func() (string, error) {
			if tries++; tries > 2 {
				return "", errors.New("hung up")
			}
			return "a guess", nil
		}), 3))
		if err == nil {
			t.Fatal("a guess was let in")
		}
	}
	if c, err := o.dial("ACME", ssh.Password(password)); err == nil {
		_ = c.Close()
		t.Error("who guessed so often was let in")
	}
}

func TestAFileIsWrittenAnewAndWhole(t *testing.T) {
	o := host(t)
	c := o.client()
	if err := o.put(c, "inbox/.a.tmp", []byte("whole")); err != nil {
		t.Fatal(err)
	}
	for name, flags := range map[string]int{"in part": os.O_WRONLY, "read too": os.O_RDWR, "at its end": os.O_WRONLY | os.O_CREATE | os.O_APPEND} {
		f, err := c.OpenFile("inbox/.a.tmp", flags)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := f.WriteAt([]byte("H"), 0); err == nil {
			t.Errorf("%s: its beginning was written", name)
		}
		if err := f.Close(); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
	if f, err := c.OpenFile("inbox/.a.tmp", os.O_WRONLY|os.O_CREATE|os.O_EXCL); err == nil {
		_ = f.Close()
		t.Error("one that is there was made")
	}
	if f, err := c.OpenFile("inbox/none", os.O_WRONLY|os.O_TRUNC); err == nil {
		_ = f.Close()
		t.Error("one that is not there was opened")
	}
	if err := c.Truncate("inbox/.a.tmp", 2); err == nil {
		t.Error("it was cut")
	}
	if err := c.Truncate("inbox/.a.tmp", 5); err != nil { // as scp does at the end
		t.Error(err)
	}
	if err := c.Chmod("inbox/.a.tmp", 0o600); err != nil {
		t.Error(err)
	}
	if got := o.inbox(); len(got) != 1 || got[".a.tmp"] != "whole" {
		t.Errorf("%v", got)
	}
}

func TestFilesThatArePartnersTooMany(t *testing.T) {
	o := host(t, func(c *ServerConfig) { c.MaxBytes, c.Quota = 1000, 2500 })
	c := o.client()
	if err := o.put(c, "inbox/large", make([]byte, 1001)); err == nil {
		t.Error("a file that is too large was taken")
	}
	for i, want := range []bool{true, true, false} {
		if err := o.put(c, fmt.Sprint("inbox/f", i), make([]byte, 1000)); (err == nil) != want {
			t.Errorf("file %d: %v", i, err)
		}
	}
	if err := c.Remove("inbox/f0"); err != nil {
		t.Error(err)
	}
	if err := o.put(c, "inbox/f3", make([]byte, 1000)); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if got := o.inbox(); len(got) != 2 {
		t.Errorf("%d files", len(got))
	}
}

// Many partners at once, each file whole and once.
func TestManyUploadAtOnce(t *testing.T) {
	o := host(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			c := o.client()
			for n := range 10 {
				if err := o.put(c, "inbox/same.edi", fmt.Appendf(nil, "file %d of %d", n, i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, text := range o.inbox() {
		seen[text] = true
	}
	if len(seen) != 80 || len(o.told) != 80 {
		t.Errorf("%d files are there, %d were told of", len(seen), len(o.told))
	}
}

func TestAccountsAreRefusedWithTheirPlace(t *testing.T) {
	key, err := NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	for place, a := range map[string]Account{
		"ACME.keys:":     {},
		"ACME.keys[0]:":  {Keys: []string{"nonsense"}},
		"ACME.password:": {Password: "short"},
		"ACME.from[1]:":  {Password: password, From: []string{"192.0.2.1", "192.0.2.0/99"}},
	} {
		if _, err := NewServer(ServerConfig{Root: t.TempDir(), Key: key, Partners: map[string]Account{"ACME": a}}); err == nil || !strings.HasPrefix(err.Error(), place) {
			t.Errorf("%s %v", place, err)
		}
	}
	if _, err := NewServer(ServerConfig{Key: "nonsense"}); err == nil || !strings.HasPrefix(err.Error(), "host_key: ") {
		t.Error(err)
	}
}

// What was being uploaded when the process ended is cleared at the next start.
func TestUnfinishedUploadsAreCleared(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "ACME", staging), 0o750); err != nil {
		t.Fatal(err)
	}
	ours, other := filepath.Join(dir, "ACME", staging, uploading+"X.tmp"), filepath.Join(dir, "ACME", staging, "945.edi")
	for _, p := range []string{ours, other} {
		if err := os.WriteFile(p, []byte("x"), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	key, err := NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewServer(ServerConfig{Root: dir, Key: key, Partners: map[string]Account{"ACME": {Password: password}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(ours); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an unfinished upload lies there: %v", err)
	}
	if _, err := os.Stat(other); err != nil {
		t.Errorf("a document of ours is gone: %v", err)
	}
}

// OpenSSH's own client, as most partners have it.
func TestOpenSSHsClientLeavesAndTakesFiles(t *testing.T) {
	program, err := exec.LookPath("sftp")
	if err != nil {
		t.Skip("OpenSSH's sftp is not here: install openssh-client")
	}
	dir := t.TempDir()
	private, public := clientKey(t)
	o := host(t, func(c *ServerConfig) {
		c.Partners["KEY"] = Account{Keys: []string{string(ssh.MarshalAuthorizedKey(public))}}
	})
	for _, f := range []string{inbox, outbox, staging} {
		if err := os.MkdirAll(filepath.Join(o.dir, "KEY", f), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	large := make([]byte, 3<<20)
	if _, err := rand.Read(large); err != nil {
		t.Fatal(err)
	}
	addr, port, err := net.SplitHostPort(o.addr)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		filepath.Join(dir, "key"):                   []byte(private),
		filepath.Join(dir, "known"):                 fmt.Appendf(nil, "[%s]:%s %s", addr, port, ssh.MarshalAuthorizedKey(o.key)),
		filepath.Join(dir, "940.edi"):               large,
		filepath.Join(o.dir, "KEY", outbox, "945"):  large[:1000],
		filepath.Join(o.dir, "KEY", outbox, "gone"): []byte("x"),
	} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	batch := "put 940.edi inbox/.940.tmp\nrename inbox/.940.tmp inbox/940.edi\nget outbox/945\nrm outbox/gone\nls -l outbox\n-put 940.edi outbox/x\n-get /etc/passwd\n"
	cmd := exec.CommandContext(t.Context(), program, "-b", "-", "-P", port, "-i", "key", "-o", "UserKnownHostsFile=known", "-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes", "KEY@"+addr)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(batch)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	in, err := os.ReadFile(filepath.Join(o.dir, "KEY", inbox, "940.edi"))
	if err != nil || !bytes.Equal(in, large) {
		t.Errorf("%d bytes came: %v", len(in), err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "945")); err != nil || !bytes.Equal(got, large[:1000]) {
		t.Errorf("%d bytes were fetched: %v", len(got), err)
	}
	if list, err := os.ReadDir(filepath.Join(o.dir, "KEY", outbox)); err != nil || len(list) != 1 {
		t.Errorf("%v %v", list, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "passwd")); err == nil {
		t.Error("/etc/passwd was fetched")
	}
}
