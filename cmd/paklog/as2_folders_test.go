package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// folders are how a station is driven that takes files and leaves files.
type folders struct{ dir string }

func (o *folders) make(t *testing.T, f *foreign) {
	t.Helper()
	o.dir = filepath.Join(f.dir, "station")
	for _, name := range []string{"outbox", "inbox", "error", "mdn", "temp", "pending", "pendinginfo"} {
		if err := os.MkdirAll(filepath.Join(o.dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"theirs.pem": f.their.Certificate + f.their.Key, "ours.crt": f.own.Certificate} {
		if err := os.WriteFile(filepath.Join(o.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// serving starts a station and waits until it listens and has said that it is ready.
func serving(t *testing.T, f *foreign, log, ready string, cmd *exec.Cmd) {
	t.Helper()
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr, cmd.Dir = out, out, filepath.Dir(log)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
		out.Close()
		if t.Failed() {
			said, _ := os.ReadFile(log)
			t.Logf("it said:\n%s", said[max(0, len(said)-6000):])
		}
	})
	if !everySoOften(t, time.Minute, func() bool {
		c, err := net.DialTimeout("tcp", f.listen, time.Second)
		if err != nil {
			return false
		}
		c.Close()
		said, err := os.ReadFile(log)
		return err == nil && strings.Contains(string(said), ready)
	}) {
		t.Fatal("the station does not listen")
	}
}

func (o *folders) send(c cell, name string, document []byte) error {
	tmp := filepath.Join(o.dir, "temp", name)
	if err := os.WriteFile(tmp, document, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(o.dir, "outbox", fmt.Sprintf("%s-%s-%s", c.name(), ourStation, name)))
}

func (o *folders) mailbox() (out [][]byte, err error) {
	err = eachFile(filepath.Join(o.dir, "inbox"), func(_ string, data []byte) { out = append(out, data) })
	return out, err
}

// eachFile calls f for every file of a folder.
func eachFile(dir string, f func(name string, data []byte)) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		f(e.Name(), data)
	}
	return nil
}

// receipts are kept in files that are named after who sent the message.
func (o *folders) receipts() (map[string]string, error) {
	out := map[string]string{}
	err := eachFile(filepath.Join(o.dir, "mdn"), func(name string, data []byte) {
		if from, _, ok := strings.Cut(name, "-"+ourStation+"-"); ok {
			out[from] = string(data)
		}
	})
	return out, err
}

// notMatched is what each says of a MIC that is not its own, with the id of the message.
var notMatched = regexp.MustCompile(`(?i)MIC (?:is )?not matched.*@(\w+)_` + ourStation + `>`)

// complaints are told by phax in its log; OpenAS2 lays the message aside.
func (o *folders) complaints() (map[string]bool, error) {
	log, err := os.ReadFile(filepath.Join(o.dir, "log"))
	out := map[string]bool{}
	for _, m := range notMatched.FindAllSubmatch(log, -1) {
		out[string(m[1])] = true
	}
	return out, errors.Join(err, eachFile(filepath.Join(o.dir, "error"), func(name string, _ []byte) {
		if _, id, ok := strings.Cut(name, "@"); ok {
			out[strings.TrimSuffix(id, "_"+ourStation)] = true
		}
	}))
}
