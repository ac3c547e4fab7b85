package sftp

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// goesOn writes the rest of a file that broke off, as reput does: from the size that the server names.
func (o *ours) goesOn(name string, data []byte) error {
	c := o.client()
	info, err := c.Stat(name)
	if err != nil {
		return err
	}
	f, err := c.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data[info.Size():], info.Size())
	return errors.Join(err, f.Close())
}

// An upload that breaks off is no file of the inbox; its partner goes on where it broke, or begins
// anew, and has one file in the end.
func TestAnUploadThatBrokeOffGoesOn(t *testing.T) {
	o := host(t)
	whole := make([]byte, 200_000)
	if _, err := rand.Read(whole); err != nil {
		t.Fatal(err)
	}
	c := o.client()
	waits := func(name string, size int64) {
		o.until("it is laid aside", func() bool {
			info, err := c.Stat(name)
			return err == nil && info.Size() == size
		})
	}
	o.breaks("inbox/a.edi", whole[:70_000])
	waits("inbox/a.edi", 70_000)
	o.breaks("inbox/a.edi", whole[:50_000]) // less than before: the longer one stays
	if got := o.inbox(); len(got) != 0 {
		t.Fatalf("%d files are there", len(got))
	}
	if list, err := c.ReadDir("inbox"); err != nil || len(list) != 0 {
		t.Errorf("what broke off is listed: %v %v", list, err)
	}
	waits("inbox/a.edi", 70_000)
	if err := o.goesOn("inbox/a.edi", whole); err != nil {
		t.Fatal(err)
	}
	o.breaks("inbox/b.edi", whole[:70_000])
	waits("inbox/b.edi", 70_000)
	if err := o.put(c, "inbox/b.edi", whole[1:]); err != nil { // anew, and with other content
		t.Fatal(err)
	}
	if got := o.inbox(); len(got) != 2 || got["a.edi"] != string(whole) || got["b.edi"] != string(whole[1:]) {
		t.Errorf("%d files: a has %d bytes, b %d", len(got), len(got["a.edi"]), len(got["b.edi"]))
	}
	o.until("nothing is left of them", func() bool {
		list, err := os.ReadDir(filepath.Join(o.dir, "ACME", staging))
		return err == nil && len(list) == 0
	})
}

// A client that is interrupted ends the file properly: what it puts then stands for both.
func TestAFileThatIsPutAgainIsOneFile(t *testing.T) {
	o := host(t)
	c := o.client()
	for name, step := range map[string]struct {
		first, second string
		reput         bool
		want          map[string]string
	}{
		"cut off, and put again":     {"ISA*00*cut", "ISA*00*cut~IEA~", false, map[string]string{"x.edi": "ISA*00*cut~IEA~"}},
		"cut off, and gone on with":  {"ISA*00*cut", "ISA*00*cut~IEA~", true, map[string]string{"x.edi": "ISA*00*cut~IEA~"}},
		"the same":                   {"ISA*00*a~IEA~", "ISA*00*a~IEA~", false, map[string]string{"x.edi": "ISA*00*a~IEA~"}},
		"another of that name":       {"ISA*00*a~IEA~", "ISA*00*b~IEA~", false, map[string]string{"x.edi": "ISA*00*a~IEA~", "x.edi.2": "ISA*00*b~IEA~"}},
		"less of it the second time": {"ISA*00*a~IEA~", "ISA*00", false, map[string]string{"x.edi": "ISA*00*a~IEA~", "x.edi.2": "ISA*00"}},
	} {
		if err := o.put(c, "inbox/x.edi", []byte(step.first)); err != nil {
			t.Fatal(err)
		}
		again := func() error { return o.put(c, "inbox/x.edi", []byte(step.second)) }
		if step.reput {
			again = func() error { return o.goesOn("inbox/x.edi", []byte(step.second)) }
		}
		if err := again(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := o.inbox(); !maps.Equal(got, step.want) {
			t.Errorf("%s: %q", name, got)
		}
		for file := range step.want {
			if err := c.Remove("inbox/" + file); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// What nobody goes on with takes room for a day, and of some files alone.
func TestWhatNobodyGoesOnWithIsForgotten(t *testing.T) {
	o := host(t, func(c *ServerConfig) { c.Quota = 1 << 20 })
	aside := func() int {
		list, err := filepath.Glob(filepath.Join(o.dir, "ACME", staging, broken+"*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	c := o.client()
	for i := range mostBroken + 2 {
		name := fmt.Sprintf("inbox/%d.edi", i)
		o.breaks(name, []byte("ISA"))
		o.until("it is laid aside", func() bool { _, err := c.Stat(name); return err == nil })
	}
	o.until("the oldest are gone", func() bool { return aside() == mostBroken })
	list, _ := filepath.Glob(filepath.Join(o.dir, "ACME", staging, broken+"*")) // the pattern is ours
	for _, path := range list {
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(-brokenFor-time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	o.breaks("inbox/new.edi", make([]byte, 800<<10))
	o.until("those of yesterday are gone", func() bool { return aside() == 1 })
	if err := o.put(o.client(), "inbox/more.edi", make([]byte, 300<<10)); err == nil {
		t.Error("what was laid aside takes no room")
	}
	if err := o.put(o.client(), "inbox/new.edi", make([]byte, 900<<10)); err == nil {
		t.Error("a file and what came of it before count once")
	}
}

// OpenSSH's client is killed in the middle of things and goes on by reput.
func TestOpenSSHsClientGoesOn(t *testing.T) {
	program, err := exec.LookPath("sftp")
	if err != nil {
		t.Skip("OpenSSH's sftp is not here: install openssh-client")
	}
	dir := t.TempDir()
	private, public := clientKey(t)
	o := host(t, func(c *ServerConfig) {
		c.Partners["ACME"] = Account{Keys: []string{string(ssh.MarshalAuthorizedKey(public))}, Password: password}
	})
	whole := make([]byte, 20<<20)
	if _, err := rand.Read(whole); err != nil {
		t.Fatal(err)
	}
	addr, port, err := net.SplitHostPort(o.addr)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"key": []byte(private), "known": fmt.Appendf(nil, "[%s]:%s %s", addr, port, ssh.MarshalAuthorizedKey(o.key)), "940.edi": whole,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(batch string, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), program, append(args, "-b", "-", "-P", port, "-i", "key", "-o", "UserKnownHostsFile=known", "-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes", "ACME@"+addr)...)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(batch)
		return cmd
	}
	slow := run("put 940.edi inbox/940.edi\n", "-l", "8000") // kbit/s
	if err := slow.Start(); err != nil {
		t.Fatal(err)
	}
	o.until("some of it has come", func() bool {
		list, err := filepath.Glob(filepath.Join(o.dir, "ACME", staging, uploading+"*"))
		if err != nil || len(list) != 1 {
			return false
		}
		info, err := os.Stat(list[0])
		return err == nil && info.Size() > 100<<10
	})
	if err := slow.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = slow.Wait() // it was killed
	c := o.client()
	o.until("it is laid aside", func() bool {
		info, err := c.Stat("inbox/940.edi")
		return err == nil && info.Size() > 100<<10 && info.Size() < int64(len(whole))
	})
	if got := o.inbox(); len(got) != 0 {
		t.Fatalf("%d files are there", len(got))
	}
	if out, err := run("reput 940.edi inbox/940.edi\n").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := o.inbox(); len(got) != 1 || got["940.edi"] != string(whole) {
		t.Errorf("%d files, %d bytes", len(got), len(got["940.edi"]))
	}
}

// A crowd before the door takes bounded memory and no place of those who are in, and when it is gone
// all is as before.
func TestTenThousandConnectAtOnce(t *testing.T) {
	const crowd = 10_000
	o := host(t, func(c *ServerConfig) { c.Conns = 40 })
	c := o.client()
	runtime.GC()
	var before, during runtime.MemStats
	runtime.ReadMemStats(&before)
	at, most := runtime.NumGoroutine(), 0
	var wg sync.WaitGroup
	var mu sync.Mutex
	reached := 0
	gate := make(chan struct{}, 4000) // each takes two files of this process
	for range crowd {
		wg.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			conn, err := net.DialTimeout("tcp", o.addr, time.Minute)
			if err != nil {
				return
			}
			defer conn.Close()
			mu.Lock()
			reached++
			mu.Unlock()
			_ = conn.SetReadDeadline(time.Now().Add(time.Second)) // says nothing, as who holds a place
			_, _ = conn.Read(make([]byte, 64))
		})
	}
	if err := o.put(c, "inbox/a.edi", []byte("ISA")); err != nil {
		t.Errorf("who is in cannot work: %v", err)
	}
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				o.server.guard.mu.Lock()
				most = max(most, o.server.guard.in)
				o.server.guard.mu.Unlock()
			}
		}
	}()
	wg.Wait()
	close(stop)
	<-done
	runtime.ReadMemStats(&during)
	if most > 10 || reached < crowd/2 {
		t.Errorf("%d of one address were in at once, %d of %d reached the door", most, reached, crowd)
	}
	if err := o.put(c, "inbox/b.edi", []byte("ISA b")); err != nil {
		t.Errorf("who is in cannot work: %v", err)
	}
	o.until("they are gone", func() bool { return runtime.NumGoroutine() < at+20 })
	runtime.GC()
	runtime.ReadMemStats(&during)
	if grew := int64(during.HeapInuse) - int64(before.HeapInuse); grew > 32<<20 {
		t.Errorf("%d MB stay in use", grew>>20)
	}
	again, err := o.dial("ACME", ssh.Password(password))
	if err != nil {
		t.Fatalf("nobody is let in afterwards: %v", err)
	}
	_ = again.Close()
}

// An address that comes too often waits for the next minute.
func TestWhoComesTooOftenWaits(t *testing.T) {
	o := host(t, func(c *ServerConfig) { c.Rate = 3 })
	for i := range 5 {
		c, err := o.dial("ACME", ssh.Password(password))
		if (err == nil) != (i < 3) {
			t.Errorf("connection %d: %v", i+1, err)
		}
		if c != nil {
			_ = c.Close()
		}
	}
}

// What breaks off while it is fetched goes on where it broke, and what changed begins anew.
func TestAFetchThatBrokeOffGoesOn(t *testing.T) {
	s, h := serve(t), &hub{}
	whole := bytes.Repeat([]byte("0123456789abcdef"), 200_000)
	copy(whole, "ISA")
	s.puts("out/a.edi", string(whole))
	s.cut.Store(1 << 20)
	p := pickup(t, s, h)
	breaks := 0
	for range 30 {
		if p.Poll(t.Context()) != nil {
			breaks++
		}
		if h.calls == 1 {
			break
		}
	}
	// Three megabytes over lines that break after one: never whole at one go.
	if got := h.texts(); breaks < 3 || len(got) != 1 || got[0] != string(whole) {
		t.Fatalf("%d documents after %d breaks", len(got), breaks)
	}
	s.cut.Store(0)
	_ = p.conn.Close()
	p.looks(t, 3) // the file leaves
	s.cut.Store(1 << 20)
	_ = p.conn.Close()
	whole[100] = 'x'
	s.puts("out/b.edi", string(whole))
	_, _ = p.Poll(t.Context()), p.Poll(t.Context()) // it breaks in the middle
	whole[100] = 'y'
	s.puts("out/b.edi", string(whole)+"more")
	s.cut.Store(0)
	_ = p.conn.Close()
	p.looks(t, 4)
	if got := h.texts(); len(got) != 2 || got[1] != string(whole)+"more" && got[0] != string(whole)+"more" {
		t.Errorf("%d documents: parts of two are mixed", len(got))
	}
}
