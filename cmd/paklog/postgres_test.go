package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paklog/hub/adapters/postgres/pgtest"
)

// onPostgres has a shell's journal in a schema of its own.
func (s *shell) onPostgres() {
	s.t.Helper()
	server := pgtest.Shared(s.t)
	url := s.config + ".url"
	if err := os.WriteFile(url, []byte(server.URL), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.configure(fmt.Sprintf("store: postgres\npostgres: {url_file: %s, schema: %s}\n", url, server.Schema(s.t)))
}

// configure adds to a shell's configuration.
func (s *shell) configure(text string) {
	s.t.Helper()
	f, err := os.OpenFile(s.config, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		s.t.Fatal(err)
	}
}

// TestAHubOnPostgres serves on a database, is audited while it runs, stops, and goes on where
// it was.
func TestAHubOnPostgres(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.onPostgres()
	if out := s.must("migrate", "status"); !strings.Contains(out, "missing") {
		t.Errorf("before the first start:\n%s", out)
	}
	stop := s.serve()
	s.stock("MUG", 5)
	before := s.must("items")
	type audit struct {
		Folder   string `json:"folder"`
		Units    int    `json:"units"`
		Findings []any  `json:"findings"`
	}
	running := decoded[audit](t, s.must("audit", "--json"))
	if running.Units == 0 || len(running.Findings) > 0 || !strings.HasPrefix(running.Folder, "schema ") {
		t.Errorf("audit beside the hub: %+v", running)
	}
	if out := s.must("migrate", "status"); strings.Contains(out, "missing") {
		t.Errorf("after the first start:\n%s", out)
	}
	if out := s.must("migrate", "up"); !strings.Contains(out, "nothing to do") {
		t.Errorf("migrate up: %s", out)
	}
	if _, errs, code := s.run("backup", filepath.Join(t.TempDir(), "b")); code == 0 || !strings.Contains(errs, "pg_basebackup") {
		t.Errorf("backup ends with %d: %s", code, errs)
	}
	cfg, _, err := load(s.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := serve(t.Context(), cfg, slog.New(slog.DiscardHandler), nil); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second hub on the folder: %v", err)
	}
	cfg.Data = filepath.Join(filepath.Dir(s.data), "e")
	if err := serve(t.Context(), cfg, slog.New(slog.DiscardHandler), nil); err == nil || !strings.Contains(err.Error(), "holds it since") {
		t.Errorf("a second hub on the schema: %v", err)
	}
	stop()
	s.serve()
	if after := s.must("items"); after != before {
		t.Errorf("items after a start:\n%s\nbefore:\n%s", after, before)
	}
	if again := decoded[audit](t, s.must("audit", "--json")); again.Units < running.Units || len(again.Findings) > 0 {
		t.Errorf("audit after a start: %+v, before %+v", again, running)
	}
}

// A folder that has an embedded journal is not left behind by a changed word of the configuration.
func TestAFolderWithAJournalStaysOnIt(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	if _, errs, code := s.run("migrate", "status"); code == 0 || !strings.Contains(errs, "store is sqlite") {
		t.Errorf("migrate of a folder ends with %d: %s", code, errs)
	}
	stop := s.serve()
	stop()
	s.onPostgres()
	cfg, _, err := load(s.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := serve(t.Context(), cfg, slog.New(slog.DiscardHandler), nil); err == nil || !strings.Contains(err.Error(), "holds a journal of its own") {
		t.Errorf("serve: %v", err)
	}
}
