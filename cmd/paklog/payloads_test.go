package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
	var buf bytes.Buffer
	if _, err := x12gen.Write(&buf, x12gen.Config{
		Seed: 1, Sets: 250, MostLine: 1, Items: []string{"SKU-1"}, Options: x12.WriterOptions{LineEnd: "\n"},
	}); err != nil {
		t.Fatal(err)
	}
	if buf.Len() <= eip.MaxInline {
		t.Fatalf("%d bytes are not long", buf.Len())
	}
	inbox := filepath.Join(s.data, "partners", "ACME", "inbox")
	if err := os.WriteFile(filepath.Join(inbox, "long.edi.tmp"), buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(inbox, "long.edi.tmp"), filepath.Join(inbox, "long.edi")); err != nil {
		t.Fatal(err)
	}
	s.until("the document lies beside the journal", func() bool {
		for _, f := range payloadFiles(t, s) {
			path = f
		}
		return path != ""
	})
	s.until("it was taken", func() bool { return !exists(filepath.Join(inbox, "long.edi")) })
	stop()
	return s, path, buf.Bytes()
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
