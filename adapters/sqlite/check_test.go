package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paklog/hub/core/journal"
)

// closedJournal is a folder with a journal of some hundred pages that was closed in order.
func closedJournal(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s := opened(t, dir, Options{})
	if err := errors.Join(put(t, s, 300, 4000), s.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// listing is what lies in a folder, and since when.
func listing(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e.Name()+info.ModTime().String())
	}
	return strings.Join(out, " ")
}

func TestAJournalIsCheckedAndLeftAsItIs(t *testing.T) {
	dir := closedJournal(t)
	before := listing(t, dir)
	c, err := Check(t.Context(), dir)
	if err != nil || !c.Made || !c.Looked || c.Owner != 0 || c.Migrates || c.Format != journal.Format {
		t.Errorf("%+v, %v", c, err)
	}
	if after := listing(t, dir); after != before {
		t.Errorf("the check left %s, and found %s", after, before)
	}
}

func TestAJournalIsCheckedBesideItsHub(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, Options{})
	if err := put(t, s, 300, 4000); err != nil {
		t.Fatal(err)
	}
	c, err := Check(t.Context(), dir)
	if err != nil || !c.Looked || c.Owner != os.Getpid() {
		t.Errorf("%+v, %v", c, err)
	}
	if err := put(t, s, 1, 10); err != nil {
		t.Errorf("writing after the check: %v", err)
	}
}

func TestAFolderWithoutAJournalIsNoFault(t *testing.T) {
	if c, err := Check(t.Context(), t.TempDir()); err != nil || c.Made {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestACheckSeesDamage(t *testing.T) {
	change := func(change func(b []byte)) func(string) error {
		return func(dir string) error {
			file := filepath.Join(dir, "journal.db")
			b, err := os.ReadFile(file)
			if err == nil {
				change(b)
				err = os.WriteFile(file, b, 0o600)
			}
			return err
		}
	}
	for _, c := range []struct {
		name   string
		damage func(dir string) error
		says   string
	}{
		{"a page in the middle is overwritten", change(func(b []byte) { clear(b[len(b)/2 : len(b)/2+8192]) }), "is damaged"},
		{"the header is another program's", change(func(b []byte) { copy(b[68:], "\x00\x00\x00\x07") }), "of another program"},
		{"it is no database", change(func(b []byte) { copy(b, "PK\x03\x04 a zip file") }), "no SQLite file"},
		{"a newer program wrote it", change(func(b []byte) { b[63] = 200 }), "newer"},
		{"it is cut short", func(dir string) error { return os.Truncate(filepath.Join(dir, "journal.db"), 50) }, "cut short"},
		{"it is gone", func(dir string) error { return os.Remove(filepath.Join(dir, "journal.db")) }, "although there was a journal"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := closedJournal(t)
			if err := c.damage(dir); err != nil {
				t.Fatal(err)
			}
			if got, err := Check(t.Context(), dir); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%+v, %v: want %q", got, err, c.says)
			}
		})
	}
}

// TestAWALWithoutItsProcessIsLeftAlone checks what a kill leaves.
func TestAWALWithoutItsProcessIsLeftAlone(t *testing.T) {
	s := opened(t, t.TempDir(), Options{})
	if err := put(t, s, 300, 4000); err != nil {
		t.Fatal(err)
	}
	dir := leave(t, s)
	before := listing(t, dir)
	c, err := Check(t.Context(), dir)
	if err != nil || !c.Made || c.Looked {
		t.Errorf("%+v, %v", c, err)
	}
	if after := listing(t, dir); after != before {
		t.Errorf("the check left %s, and found %s", after, before)
	}
	if err := os.Remove(filepath.Join(dir, "journal.db-wal")); err != nil {
		t.Fatal(err)
	}
	if _, err := Check(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "journal.db-wal is missing") {
		t.Errorf("without its WAL: %v", err)
	}
}

func TestACheckEndsInTime(t *testing.T) {
	dir := closedJournal(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if c, err := Check(ctx, dir); !errors.Is(err, context.Canceled) || c.Looked {
		t.Errorf("%+v, %v", c, err)
	}
}
