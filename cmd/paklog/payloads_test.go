package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/paklog/hub/adapters/s3/s3test"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/x12gen"
	"github.com/paklog/hub/routes/eip"
)

// filed is a hub that was sent a document longer than a record carries; it is the path of the
// file that the document lies in. The hub is stopped.
func filed(t *testing.T) (s *shell, path string, document []byte) {
	t.Helper()
	s = newShell(t)
	stop := s.serve()
	s.stock("SKU-1", 1000)
	dropped, document := s.long(1)
	s.until("the document lies beside the journal", func() bool {
		for _, f := range payloadFiles(t, s) {
			path = f
		}
		return path != ""
	})
	s.until("it was taken", func() bool { return !exists(dropped) })
	stop()
	return s, path, document
}

// long drops a document that is longer than a record carries into the partner's inbox.
func (s *shell) long(seed uint64) (path string, document []byte) {
	s.t.Helper()
	var buf bytes.Buffer
	if _, err := x12gen.Write(&buf, x12gen.Config{
		Seed: seed, Sets: 250, MostLine: 1, Items: []string{"SKU-1"}, Options: x12.WriterOptions{LineEnd: "\n"},
	}); err != nil {
		s.t.Fatal(err)
	}
	if buf.Len() <= eip.MaxInline {
		s.t.Fatalf("%d bytes are not long", buf.Len())
	}
	path = filepath.Join(s.data, "partners", "ACME", "inbox", fmt.Sprintf("long-%d.edi", seed))
	if err := os.WriteFile(path+".tmp", buf.Bytes(), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		s.t.Fatal(err)
	}
	return path, buf.Bytes()
}

// Long documents of a hub with a bucket lie there and nowhere else. While the store is away what is dropped stays
// in its inbox, and is taken when it is back; an audit holds each object against its name.
func TestLongDocumentsLieInABucket(t *testing.T) {
	t.Parallel()
	server := s3test.New(t)
	s := newShell(t)
	secret := s.config + ".s3"
	if err := os.WriteFile(secret, []byte(server.Secret), 0o600); err != nil {
		t.Fatal(err)
	}
	s.configure(fmt.Sprintf("s3: {endpoint: %q, bucket: %q, prefix: hub1/, access_key: %q, secret_key_file: %q, path_style: true}\n", server.Endpoint, server.Bucket, server.Access, secret))
	if _, code := s.doctor("s3"); code != 0 {
		t.Errorf("the doctor ends with %d", code)
	}
	stop := s.serve()
	s.stock("SKU-1", 1000)
	first, document := s.long(1)
	s.until("it was taken", func() bool { return !exists(first) })
	keys := server.Keys()
	if files := payloadFiles(t, s); len(keys) != 1 || len(files) > 0 {
		t.Fatalf("objects %q, files %q", keys, files)
	}
	object, err := server.Client.GetObject(t.Context(), server.Bucket, keys[0], minio.GetObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(object); err != nil || !bytes.Equal(b, document) {
		t.Errorf("%d bytes lie there of %d, %v", len(b), len(document), err)
	}
	server.Stop()
	s.finds("s3", checkFail, server.Endpoint)
	deaf, err := new(net.ListenConfig).Listen(t.Context(), "tcp", strings.TrimPrefix(server.Endpoint, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	go func() {
		for c, err := deaf.Accept(); err == nil; c, err = deaf.Accept() {
			_ = c.Close()
			asked.Add(1)
		}
	}()
	second, _ := s.long(2)
	s.until("the hub has asked for the store", func() bool { return asked.Load() > 0 })
	if !exists(second) {
		t.Error("a document that could not be kept is gone from the inbox")
	}
	if err := deaf.Close(); err != nil {
		t.Fatal(err)
	}
	server.Start()
	s.until("the second was taken", func() bool { return !exists(second) })
	stop()
	if out, n := s.must("audit"), len(server.Keys()); n < 2 || !strings.Contains(out, fmt.Sprintf("%d payload files", n)) {
		t.Errorf("the audit:\n%s", out)
	}
	if _, err := server.Client.PutObject(t.Context(), server.Bucket, keys[0], bytes.NewReader(document[1:]), int64(len(document)-1), minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	if out, errs, code := s.run("audit"); code != 3 || !strings.Contains(out, "torn or changed") || strings.Count(out, "FINDING") != 1 {
		t.Errorf("audit of a changed object: exit %d\n%s%s", code, out, errs)
	}
}

func payloadFiles(t *testing.T, s *shell) (all []string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(s.data, payloads, "??", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A document that is longer than a record carries lies in the folder beside the journal, and an
// audit holds it against its name, in the folder and in a backup.
func TestALongDocumentIsFiledBesideTheJournal(t *testing.T) {
	s, path, document := filed(t)
	if b, err := os.ReadFile(path); err != nil || !bytes.Equal(b, document) {
		t.Fatalf("%d bytes were filed of %d, %v", len(b), len(document), err)
	}
	if out := s.must("audit", s.data); !strings.Contains(out, "1 payload files") {
		t.Errorf("the audit of a sound folder:\n%s", out)
	}
	backup := filepath.Join(filepath.Dir(s.data), "backup")
	for _, c := range []struct {
		what, says string
		damage     func() error
	}{
		{"cut short", "cut short or changed", func() error { return os.Truncate(path, 70_000) }},
		{"a byte another", "cut short or changed", func() error {
			changed := bytes.Clone(document)
			changed[40_000] ^= 1
			return os.WriteFile(path, changed, 0o600)
		}},
		{"empty", "its 0 bytes", func() error { return os.Truncate(path, 0) }},
		{"missing", "is missing", func() error { return os.Remove(path) }},
	} {
		t.Run(c.what, func(t *testing.T) {
			if err := c.damage(); err != nil {
				t.Fatal(err)
			}
			s.must("backup", backup)
			for _, dir := range []string{s.data, backup} {
				if out, errs, code := s.run("audit", dir); code != 3 || !strings.Contains(out, c.says) || strings.Count(out, "FINDING") != 1 {
					t.Errorf("audit %s: exit %d, want 3 and one finding that says %q\n%s%s", dir, code, c.says, out, errs)
				}
			}
			if err := os.RemoveAll(backup); err != nil {
				t.Fatal(err)
			}
		})
	}
	if err := os.WriteFile(path, document, 0o600); err != nil {
		t.Fatal(err)
	}
	s.must("audit", s.data)
}

// The running hub removes payloads that no unit names, once they are a day old, and nothing else.
func TestTheRunningHubSweepsPayloads(t *testing.T) {
	s, path, document := filed(t)
	old := time.Now().Add(-25 * time.Hour)
	write := func(name string, aged bool) string {
		t.Helper()
		f := filepath.Join(s.data, payloads, name)
		if err := os.WriteFile(f, []byte("nobody's"), 0o600); err != nil {
			t.Fatal(err)
		}
		if aged {
			if err := os.Chtimes(f, old, old); err != nil {
				t.Fatal(err)
			}
		}
		return f
	}
	unnamed := write(filepath.Join("0a", strings.Repeat("0b", 31)), true)
	half := write(filepath.Join("incoming", "payload-1"), true)
	young := write(filepath.Join("0a", strings.Repeat("0c", 31)), false)
	foreign := write("README", true)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	s.upkeep = 20 * time.Millisecond
	stop := s.serve()
	s.until("what nobody named is gone", func() bool { return !exists(unnamed) && !exists(half) })
	stop()
	if !exists(young) || !exists(foreign) {
		t.Errorf("removed what is young (%v) or not ours (%v)", !exists(young), !exists(foreign))
	}
	if b, err := os.ReadFile(path); err != nil || !bytes.Equal(b, document) {
		t.Errorf("the document that the journal names: %d bytes, %v", len(b), err)
	}
	s.must("audit", s.data)
}
