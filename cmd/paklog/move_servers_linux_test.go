package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/paklog/hub/adapters/postgres/pgtest"
	"github.com/paklog/hub/core/journal"
)

// mover is the command in this process, which calls at whenever it comes to a step.
func (s *movable) mover(at func(step string)) *mover {
	s.t.Helper()
	cfg, _, err := load(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	cfg.probe.move = at
	return &mover{cfg: cfg, out: s.t.Output()}
}

// once calls f at the first visit of a step.
func once(step string, f func()) func(string) {
	return func(at string) {
		if at == step {
			step = ""
			f()
		}
	}
}

// TestAMoveWhoseServerGoesAway ends the server at steps of a move, for longer than it is waited for and for a moment.
func TestAMoveWhoseServerGoesAway(t *testing.T) {
	t.Parallel()
	local := pgtest.New(t)
	s := newMovable(t, pgtest.Server{URL: local.URL})
	s.patience = "200ms"
	down := func() {
		if err := local.Down(syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	}
	up := func() {
		if err := local.Up(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []string{"noted", "begun", "copying", "rest", "checkpoints"} {
		s.in(inSQLite)
		if err := s.mover(once(step, down)).there(t.Context()); err == nil {
			t.Fatalf("moved although the server went away at %s", step)
		}
		s.works(inSQLite, 1)
		up()
	}
	s.in(inSQLite)
	if err := s.mover(once("left", down)).there(t.Context()); err == nil {
		t.Fatal("it arrived at a server that is away")
	}
	s.shuts(inSQLite, "`paklog migrate back`")
	up()
	s.shuts(inPostgres, "still on its way here")
	if r := s.moved("to-postgres"); r.State != "moved" {
		t.Fatalf("moved: %+v", r)
	}
	s.patience = "1m"
	s.works(inPostgres, 3)

	for _, step := range []string{"leaving", "copying", "proved"} {
		s.patience = "200ms"
		s.in(inPostgres)
		err := s.mover(once(step, down)).back(t.Context())
		up()
		if step != "proved" {
			if err == nil {
				t.Fatalf("back although the server went away at %s", step)
			}
			s.shuts(inSQLite, "`paklog migrate back`")
			continue
		}
		if err == nil {
			t.Fatal("a server that is away noted that the journal left")
		}
	}
	s.works(inSQLite, 1) // all was back before the server went away
	s.shutsElsewhere()
	s.patience = "1m"
	s.in(inSQLite)
	if err := s.mover(once("rest", func() { down(); up() })).there(t.Context()); err != nil {
		t.Fatalf("a server that restarts is waited for: %v", err)
	}
	s.works(inPostgres, 1)
}

// TestAMoveThatFindsNoRoom fills the disk of the database, and that of the folder, on the way there and back.
func TestAMoveThatFindsNoRoom(t *testing.T) {
	t.Parallel()
	local := pgtest.New(t)
	s := newMovable(t, pgtest.Server{URL: local.URL}, func(s *shell) { s.onDisk("64m") })
	dir := filepath.Join(t.TempDir(), "small")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s.disk(dir, "8m")
	for path := filepath.Dir(dir); len(path) > len(os.TempDir()); path = filepath.Dir(path) {
		if err := os.Chmod(path, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	if err := local.Own(dir); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), local.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"CREATE TABLESPACE small LOCATION '" + dir + "'", "ALTER ROLE paklog SET default_tablespace = small"} {
		if _, err := conn.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	var free func()
	if err := s.mover(once("begun", func() { free = fillDisk(t, dir) })).there(t.Context()); !errors.Is(err, journal.ErrFull) {
		t.Errorf("copied onto a full disk: %v", err)
	}
	s.works(inSQLite, 1)
	free()
	s.in(inSQLite)
	if err := s.mover(once("proved", func() { free = s.fill() })).there(t.Context()); !errors.Is(err, journal.ErrFull) {
		t.Errorf("noted on a full disk: %v", err)
	}
	free()
	s.works(inSQLite, 1)
	s.in(inSQLite)
	if r := s.moved("to-postgres"); r.State != "moved" {
		t.Fatalf("moved: %+v", r)
	}
	s.works(inPostgres, 5)
	if err := s.mover(once("leaving", func() { free = s.fill() })).back(t.Context()); !errors.Is(err, journal.ErrFull) {
		t.Errorf("back onto a full disk: %v", err)
	}
	s.shuts(inSQLite, "`paklog migrate back`")
	free()
	s.in(inPostgres)
	if r := s.moved("back"); r.State != "back" || r.Proof == nil {
		t.Fatalf("back: %+v", r)
	}
	s.works(inSQLite, 1)
}
