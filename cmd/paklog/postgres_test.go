package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/postgres"
	"github.com/paklog/hub/adapters/postgres/pgtest"
	"github.com/paklog/hub/adapters/sqlite"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalaudit"
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

// TestADigestIsTheSameInEachStore writes the same units to a folder and to a database: the digests
// are one, and part where one of them goes on.
func TestADigestIsTheSameInEachStore(t *testing.T) {
	t.Parallel()
	server := pgtest.Shared(t)
	db, err := postgres.Open(t.Context(), postgres.Options{URL: server.URL, Schema: server.Schema(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	folder, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "j"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	part := journal.PartitionOf("k")
	order := func() *journal.Batch {
		return &journal.Batch{Units: []*journal.Unit{{
			At: time.Unix(1000, 5), Records: []journal.Record{{Type: "x", Topic: "t", Key: "k", Stream: "o/ä"}, {Type: "y", Topic: "t", Key: "k", Stream: "o/Z"}},
			Postings: []journal.Posting{{Book: "b", Account: "source", Amount: -2, Floor: journal.NoFloor}, {Book: "b", Account: "Free", Amount: 2}},
		}}}
	}
	write := func(d journal.Driver, b *journal.Batch) {
		t.Helper()
		refused, err := d.Write(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range refused {
			if r != nil {
				t.Fatal(r)
			}
		}
	}
	digest := func(d journal.Driver) journalaudit.Digest {
		t.Helper()
		got, err := journalaudit.Digests(t.Context(), d, 2)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for _, d := range []journal.Driver{db, folder} {
		write(d, order())
		write(d, order())
		write(d, &journal.Batch{
			Delivered: []journal.Delivery{{Sub: "wave", Part: part, Pos: 1}, {Sub: "wave", Part: part, Pos: 2}},
			Units: []*journal.Unit{
				{At: time.Unix(1001, 0), Cause: journal.Cause{Sub: "wave", Part: part, Pos: 2, Done: true}, States: []journal.StateOp{{Key: "a", Data: []byte("x")}, {Key: "B", Data: []byte("y")}}},
				{At: time.Unix(1002, 0), Cause: journal.Cause{Sub: "wave", Part: part, Pos: 1, Done: true}, Letters: []journal.LetterOp{{ID: "L", To: journal.LetterOpen}}},
			},
		})
	}
	in, out := digest(folder), digest(db)
	if len(in.Ranges) != 3 || !reflect.DeepEqual(in, out) {
		t.Errorf("a folder and a database with the same units:\n%+v\n%+v", in, out)
	}
	write(db, order())
	if more := digest(db); !reflect.DeepEqual(more.Ranges[:3], in.Ranges) || len(more.Ranges) != 4 || reflect.DeepEqual(more.Tables, in.Tables) {
		t.Errorf("the database went on:\n%+v\n%+v", in, more)
	}
}

func TestAuditDigests(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	stop := s.serve()
	s.stock("MUG", 5)
	stop()
	type audit struct{ Digest *journalaudit.Digest }
	whole := decoded[audit](t, s.must("audit", "--json", "--digest", "10", s.data))
	if whole.Digest == nil || len(whole.Digest.Ranges) == 0 || len(whole.Digest.Tables) != len(journal.Tables)+3 {
		t.Fatalf("digest of a folder: %+v", whole.Digest)
	}
	if out := s.must("audit", "--digest", "10", s.data); !strings.Contains(out, whole.Digest.Ranges[0].SHA256) || !strings.Contains(out, "digest: table checkpoint, ") {
		t.Errorf("as text:\n%s", out)
	}
	if none := decoded[audit](t, s.must("audit", "--json", s.data)); none.Digest != nil {
		t.Errorf("nobody asked for %+v", none.Digest)
	}
	s.refused(2, "digest", "audit", "--digest", "-1")
	s.refused(2, "digest", "audit", "--digest", "all")
}
