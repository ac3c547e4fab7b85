package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/paklog/hub/adapters/postgres"
	"github.com/paklog/hub/adapters/postgres/pgtest"
	"github.com/paklog/hub/adapters/sqlite"
	"github.com/paklog/hub/core/journal"
)

// movable is a shell with orders in its folder, and a database that its journal may move to.
type movable struct {
	*shell
	base     string // configuration, without the store
	server   pgtest.Server
	schema   string
	patience string
	orders   int
}

func newMovable(t *testing.T, server pgtest.Server, first ...func(*shell)) *movable {
	t.Helper()
	s := &movable{shell: newShell(t), server: server, schema: server.Schema(t), patience: "1m"}
	for _, f := range first {
		f(s.shell)
	}
	base, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	s.base = string(base)
	if err := os.WriteFile(s.config+".url", []byte(server.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	s.in(inSQLite)
	stop := s.serve()
	s.stock("SKU-1", 100)
	s.take(3)
	stop()
	return s
}

// in says where the journal is by the configuration.
func (s *movable) in(store string) {
	s.t.Helper()
	text := fmt.Sprintf("%sstore: %s\npostgres: {url_file: %s, schema: %s, patience: %s}\n", s.base, store, s.config+".url", s.schema, s.patience)
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// take has the running hub take orders.
func (s *movable) take(n int) {
	s.t.Helper()
	cfg, _, err := load(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	c := attach(s.t.Context(), cfg)
	if c == nil {
		s.t.Fatal("no hub answers")
	}
	for range n {
		s.orders++
		if err := s.order(s.t.Context(), c, fmt.Sprintf("O-%d", s.orders)); err != nil {
			s.t.Fatal(err)
		}
	}
}

// shuts fails where a hub starts, or does not say why not.
func (s *movable) shuts(store, says string) {
	s.t.Helper()
	s.in(store)
	cfg, _, err := load(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	if err := serve(ctx, cfg, slog.New(slog.DiscardHandler), func(*app, string) { cancel() }); !errors.Is(err, journal.ErrMoved) || !strings.Contains(err.Error(), says) {
		s.t.Errorf("a hub on %s: %v, want %q", store, err, says)
	}
}

// works fails where a hub does not go on with all orders where the journal is, or its journal is not right.
func (s *movable) works(store string, more int) {
	s.t.Helper()
	s.in(store)
	stop := s.serve()
	s.take(more)
	for n := 1; n <= s.orders; n++ {
		s.must("order", "show", fmt.Sprintf("O-%d", n))
	}
	stop()
	s.must("audit")
}

func (s *movable) sql(query string) {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), s.server.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(s.t.Context())
	if _, err := conn.Exec(s.t.Context(), fmt.Sprintf("SET search_path TO %s; %s", s.schema, query), pgx.QueryExecModeSimpleProtocol); err != nil {
		s.t.Fatal(err)
	}
}

func (s *movable) moved(args ...string) moveReport {
	s.t.Helper()
	return decoded[moveReport](s.t, s.must(append([]string{"migrate", "--json"}, args...)...))
}

func TestAJournalMovesToPostgresAndBack(t *testing.T) {
	t.Parallel()
	s := newMovable(t, pgtest.Shared(t))
	out := s.must("migrate", "to-postgres")
	if !strings.Contains(out, "the same SHA-256 in both") || !strings.Contains(out, "set store: postgres") {
		t.Errorf("moved:\n%s", out)
	}
	s.shuts(inSQLite, "`paklog migrate back`")
	s.refused(1, "set store: postgres", "audit")
	s.must("audit", s.data) // what the folder still holds
	s.in(inSQLite)
	if r := s.moved("to-postgres"); r.State != "moved" || r.Copied != 0 || r.Proof != nil {
		t.Errorf("moved again: %+v", r)
	}
	s.works(inPostgres, 3)

	there := s.moved("back")
	if there.State != "back" || there.Copied == 0 || there.Proof == nil {
		t.Fatalf("back: %+v", there)
	}
	s.shutsOwn()
	s.shutsElsewhere()
	s.refused(1, "is in folder", "migrate", "to-postgres", "--confirm")
	s.works(inSQLite, 2)

	again := s.moved("to-postgres")
	if again.State != "moved" || again.Copied == 0 || again.Copied >= again.Position {
		t.Fatalf("there again: %+v", again)
	}
	s.works(inPostgres, 1)
	if r := s.moved("to-postgres", "--confirm"); r.State != "confirmed" {
		t.Errorf("confirmed: %+v", r)
	}
	s.must("migrate", "to-postgres", "--confirm")
	s.refused(1, "no way back", "migrate", "back")
	s.refused(1, "that was confirmed", "migrate", "to-postgres")
	s.shuts(inSQLite, "old for good")
	s.works(inPostgres, 1)
	for _, name := range []string{"journal.db", "journal.db-wal", "journal.db-shm", "lock"} {
		if err := os.Remove(filepath.Join(s.data, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	s.shuts(inSQLite, "old for good")
	s.works(inPostgres, 1)
}

// The doctor says where the journal is, and what to do.
func TestADoctorKnowsWhereTheJournalIs(t *testing.T) {
	t.Parallel()
	s := newMovable(t, pgtest.Shared(t))
	ctx, cancel := context.WithCancel(t.Context())
	cfg, _, err := load(s.config)
	if err != nil {
		t.Fatal(err)
	}
	cfg.probe.move = func(step string) {
		if step == "copying" {
			cancel()
		}
	}
	if err := (&mover{cfg: cfg, out: t.Output()}).there(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("a move that is ended: %v", err)
	}
	s.finds("store", checkWarn, "has not ended")
	s.must("migrate", "to-postgres")
	s.finds("store", checkFail, "it went to schema "+s.schema)
	s.in(inPostgres)
	says := func(what string, is bool) {
		t.Helper()
		got, code := s.doctor("store")
		if has := slices.ContainsFunc(got.Checks, func(d diagnosis) bool { return strings.Contains(d.Finding, what) }); code != 0 || has != is {
			t.Errorf("exit %d, %q is said: %t, want %t: %+v", code, what, has, is, got.Checks)
		}
	}
	says("may go back", true)
	s.must("migrate", "back")
	s.finds("store", checkFail, "it went back to folder")
	s.in(inSQLite)
	says("has not ended", false)
	s.must("migrate", "to-postgres")
	s.must("migrate", "to-postgres", "--confirm")
	s.finds("store", checkFail, "that was confirmed")
	s.in(inPostgres)
	says("may go back", false)
	if err := os.WriteFile(filepath.Join(s.data, "moved.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.in(inSQLite)
	s.finds("store", checkFail, "does not say where")
}

func TestAMoveIsRefused(t *testing.T) {
	t.Parallel()
	server := pgtest.Shared(t)
	stays := func(t *testing.T, s *movable) {
		t.Helper()
		s.works(inSQLite, 1)
	}
	t.Run("without a journal or a database", func(t *testing.T) {
		t.Parallel()
		s := newShell(t)
		s.refused(1, "set postgres.url_file", "migrate", "to-postgres")
		s.onPostgres()
		s.refused(1, "there is no journal in", "migrate", "to-postgres")
		s.refused(1, "was never moved", "migrate", "back")
		s.refused(1, "was never moved", "migrate", "to-postgres", "--confirm")
		s.refused(2, "one of --stop and --confirm", "migrate", "to-postgres", "--stop", "--confirm")
		if exists(filepath.Join(s.data, "move.lock")) {
			t.Error("what was refused left a file")
		}
	})
	t.Run("into a schema with a journal", func(t *testing.T) {
		t.Parallel()
		s := newMovable(t, server)
		data := s.data
		s.base = strings.ReplaceAll(s.base, data, data+"2")
		s.data += "2"
		s.in(inPostgres)
		s.serve()()
		s.base, s.data = strings.ReplaceAll(s.base, s.data, data), data
		s.in(inSQLite)
		s.refused(1, "holds a journal already", "migrate", "to-postgres")
		stays(t, s)
	})
	t.Run("into a schema that another folder moved to", func(t *testing.T) {
		t.Parallel()
		s, other := newMovable(t, server), newMovable(t, server)
		other.must("migrate", "to-postgres")
		s.schema = other.schema
		s.in(inSQLite)
		s.refused(1, "in another move (here)", "migrate", "to-postgres")
		stays(t, s)
		other.works(inPostgres, 1)
	})
	t.Run("into a newer schema", func(t *testing.T) {
		t.Parallel()
		s := newMovable(t, server)
		store, err := postgres.Open(t.Context(), postgres.Options{URL: server.URL, Schema: s.schema})
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		s.sql("INSERT INTO migration SELECT n, 'from the future', now() FROM generate_series((SELECT max(version) + 1 FROM migration), 99) n")
		s.refused(1, "run the newer program", "migrate", "to-postgres")
		stays(t, s)
	})
	t.Run("while another moves the folder, has it, or has the schema", func(t *testing.T) {
		t.Parallel()
		s := newMovable(t, server)
		lock, err := (&mover{cfg: &Config{Data: s.data}}).only()
		if err != nil {
			t.Fatal(err)
		}
		s.refused(1, "another command moves", "migrate", "to-postgres")
		if err := lock.Close(); err != nil {
			t.Fatal(err)
		}
		folder, err := sqlite.Open(t.Context(), s.data, sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s.refused(1, "is in use by process", "migrate", "to-postgres")
		if err := folder.Close(); err != nil {
			t.Fatal(err)
		}
		schema, err := postgres.Open(t.Context(), postgres.Options{URL: server.URL, Schema: s.schema, Moving: true})
		if err != nil {
			t.Fatal(err)
		}
		s.refused(1, "holds it since", "migrate", "to-postgres")
		if err := schema.Close(); err != nil {
			t.Fatal(err)
		}
		stays(t, s)
		s.must("migrate", "to-postgres")
		s.works(inPostgres, 1)
	})
	t.Run("of a folder that was restored and not started", func(t *testing.T) {
		t.Parallel()
		s := newMovable(t, server)
		backup := filepath.Join(t.TempDir(), "b")
		s.must("backup", backup)
		if err := os.Rename(s.data, s.data+".old"); err != nil {
			t.Fatal(err)
		}
		s.must("restore", backup)
		s.refused(1, "no hub has started on it since", "migrate", "to-postgres")
		stays(t, s)
	})
	t.Run("with a note that is damaged", func(t *testing.T) {
		t.Parallel()
		s := newMovable(t, server)
		s.must("migrate", "to-postgres")
		note, err := os.ReadFile(filepath.Join(s.data, "moved.json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.data, "moved.json"), note[:10], 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"migrate", "back"}, {"migrate", "to-postgres"}, {"audit"}, {"backup", filepath.Join(t.TempDir(), "b")}} {
			s.refused(1, "does not say where the journal", args...)
		}
		if err := os.WriteFile(filepath.Join(s.data, "moved.json"), note, 0o600); err != nil {
			t.Fatal(err)
		}
		s.works(inPostgres, 1)
	})
	t.Run("back from another database", func(t *testing.T) {
		t.Parallel()
		s := newMovable(t, server)
		s.must("migrate", "to-postgres")
		was := s.schema
		s.schema = server.Schema(t)
		s.shuts(inPostgres, "another one is configured")
		s.refused(1, "another database is configured", "migrate", "back")
		s.refused(1, "another database is configured", "migrate", "to-postgres")
		s.refused(1, "is not the journal of this move", "migrate", "to-postgres", "--confirm")
		s.schema = was
		s.works(inPostgres, 1)
	})
}

// A copy that is not equal is found, whatever was changed in it, and the journal stays where it is.
func TestACopyThatIsNotEqualIsNotMovedTo(t *testing.T) {
	t.Parallel()
	server := pgtest.Shared(t)
	for name, fault := range map[string]string{
		"a balance":      "UPDATE balance SET amount = amount + 1 WHERE key = (SELECT key FROM balance ORDER BY 1 DESC LIMIT 1)",
		"a checkpoint":   "DELETE FROM checkpoint WHERE (sub, part) = (SELECT sub, part FROM checkpoint LIMIT 1)",
		"a state":        "DELETE FROM row_state WHERE key = (SELECT key FROM row_state ORDER BY 1 DESC LIMIT 1)",
		"an outside id":  "INSERT INTO row_claim VALUES ('x', 'y')",
		"a stream":       "UPDATE stream SET version = version + 1 WHERE name = (SELECT name FROM stream ORDER BY 1 DESC LIMIT 1)",
		"a lost stretch": "DELETE FROM stretch WHERE pos = (SELECT max(pos) FROM stretch WHERE pos < (SELECT max(pos) FROM stretch))",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newMovable(t, server)
			cfg, _, err := load(s.config)
			if err != nil {
				t.Fatal(err)
			}
			cfg.probe.move = func(step string) {
				if step == "checkpoints" {
					s.sql(fault)
				}
			}
			m := &mover{cfg: cfg, out: t.Output()}
			if err := m.there(t.Context()); err == nil || m.report.Proof != nil {
				t.Fatalf("moved: %v", err)
			}
			s.shutsOwn()
			s.shutsElsewhere()
			s.works(inSQLite, 1)
		})
	}
}

// shutsOwn fails where a hub starts on the database although the journal is in the folder.
func (s *movable) shutsOwn() {
	s.t.Helper()
	s.in(inPostgres)
	cfg, _, err := load(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := openStore(s.t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "holds a journal of its own") {
		s.t.Errorf("a hub on the database: %v", err)
	}
}

// shutsElsewhere fails where a hub with another data folder could have what is in the database.
func (s *movable) shutsElsewhere() {
	s.t.Helper()
	d, err := postgres.Open(s.t.Context(), postgres.Options{URL: s.server.URL, Schema: s.schema})
	if err == nil {
		err = d.Close()
	}
	if !errors.Is(err, journal.ErrMoved) {
		s.t.Errorf("a hub with another folder: %v", err)
	}
}
