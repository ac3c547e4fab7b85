package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/paklog/hub/adapters/postgres/pgtest"
)

// moveEnv holds the spec of the command that the tests of a move kill: the test binary itself, which then is
// the command.
const moveEnv = "PAKLOG_TEST_MOVE"

// moveSpec is what a command that will be killed is told.
type moveSpec struct {
	Config string
	Verb   string // "there", "back" or "confirm"
	Stop   bool
	Step   string // where the process ends itself
}

// moveChild is the command of one round.
func moveChild(text string) error {
	var s moveSpec
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	cfg, _, err := load(s.Config)
	if err != nil {
		return err
	}
	cfg.probe.move = func(step string) {
		if step == s.Step {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // nothing is done after it
			select {}
		}
	}
	m := &mover{cfg: cfg, stop: s.Stop, out: os.Stderr}
	return map[string]func(context.Context) error{"there": m.there, "back": m.back, "confirm": m.confirm}[s.Verb](context.Background())
}

// killed runs a command that is killed at a step.
func (s *movable) killed(verb, step string) {
	s.t.Helper()
	spec, err := json.Marshal(moveSpec{Config: s.config, Verb: verb, Stop: true, Step: step})
	if err != nil {
		s.t.Fatal(err)
	}
	c := exec.CommandContext(s.t.Context(), os.Args[0])
	c.Env = append(os.Environ(), moveEnv+"="+string(spec))
	out, err := c.CombinedOutput()
	if w, ok := c.ProcessState.Sys().(syscall.WaitStatus); err == nil || !ok || w.Signal() != syscall.SIGKILL {
		s.t.Fatalf("%s was not killed at %s: %v\n%s", verb, step, err, out)
	}
}

// TestAMoveIsKilledAtEachStep kills a move at each of its steps. The journal is in one place at most, a hub goes
// on there, and the command goes on where it was, whatever was written meanwhile.
func TestAMoveIsKilledAtEachStep(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: kills processes of its own again and again")
	}
	s := newMovable(t, pgtest.Shared(t))
	for _, step := range []string{"noted", "begun", "copying", "stopped", "rest", "checkpoints", "proved"} {
		s.in(inSQLite)
		s.killed("there", step)
		s.shutsOwn()
		if step != "noted" { // nothing is there yet
			s.shutsElsewhere()
		}
		s.works(inSQLite, 1)
	}
	// A hub that runs is killed over nothing.
	for _, step := range []string{"followed", "asked"} {
		p := s.serves()
		s.killed("there", step)
		if step == "followed" {
			s.take(1)
			if err := p.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
		}
		for p.out.Scan() { // until it ends
		}
		if err := p.Wait(); err != nil {
			t.Fatalf("the hub that was asked to stop: %v", err)
		}
		s.shutsOwn()
		s.works(inSQLite, 1)
	}
	s.killed("there", "left")
	s.shuts(inSQLite, "`paklog migrate back`")
	s.shuts(inPostgres, "still on its way here")
	s.refused(1, "is not all of it", "migrate", "to-postgres", "--confirm")
	s.killed("there", "arrived")
	s.shuts(inSQLite, "`paklog migrate back`")
	s.works(inPostgres, 2)

	for _, step := range []string{"leaving", "copying", "rest", "checkpoints", "proved"} {
		s.killed("back", step)
		s.shuts(inSQLite, "`paklog migrate back`")
		s.shuts(inPostgres, "on its way back")
		s.refused(1, "on its way back", "migrate", "to-postgres")
		if step == "leaving" {
			continue
		}
		if _, errs, code := s.run("migrate", "to-postgres", "--confirm"); code != 1 || !strings.Contains(errs, "is not all of it") {
			t.Errorf("confirmed on the way back: %d %s", code, errs)
		}
	}
	s.killed("back", "returned")
	s.shutsOwn()
	s.shutsElsewhere()
	s.works(inSQLite, 1)
	s.killed("back", "left")
	s.shutsOwn()
	s.shutsElsewhere()
	s.works(inSQLite, 1)

	s.killed("there", "copying")
	s.works(inSQLite, 1)
	s.killed("there", "left")
	// One that has left and not arrived can go back at once.
	if r := s.moved("back"); r.State != "back" {
		t.Fatalf("back: %+v", r)
	}
	s.works(inSQLite, 1)
	if r := s.moved("to-postgres"); r.State != "moved" || r.Proof == nil {
		t.Fatalf("moved: %+v", r)
	}
	s.works(inPostgres, 1)
	s.killed("confirm", "settling")
	s.works(inPostgres, 1)
	s.refused(1, "no way back", "migrate", "back")
	s.killed("confirm", "settled")
	s.refused(1, "no way back", "migrate", "back")
	s.works(inPostgres, 1)
}

// TestAJournalMovesFromUnderARunningHub copies while the hub takes orders, then has it stop.
func TestAJournalMovesFromUnderARunningHub(t *testing.T) {
	t.Parallel()
	s := newMovable(t, pgtest.Shared(t))
	p := s.serves()
	first := s.moved("to-postgres")
	if first.State != "copied" || first.Copied == 0 || first.Proof != nil {
		t.Fatalf("beside the hub: %+v", first)
	}
	s.take(3) // it goes on
	s.refused(1, "there is nothing to be confirmed", "migrate", "to-postgres", "--confirm")
	s.refused(1, "has not left it", "migrate", "back")
	second := s.moved("to-postgres", "--stop")
	if second.State != "moved" || second.Copied == 0 || second.Copied >= second.Position || second.Proof == nil {
		t.Fatalf("with --stop: %+v", second)
	}
	for p.out.Scan() { // until it ends
	}
	if err := p.Wait(); err != nil {
		t.Fatalf("the hub that was asked to stop: %v", err)
	}
	s.works(inPostgres, 1)

	q := s.serves()
	s.refused(1, "run this with --stop", "migrate", "back")
	s.take(1)
	if r := s.moved("back", "--stop"); r.State != "back" || r.Copied == 0 {
		t.Fatalf("back: %+v", r)
	}
	for q.out.Scan() { // until it ends
	}
	if err := q.Wait(); err != nil {
		t.Fatalf("the hub that was asked to stop: %v", err)
	}
	s.works(inSQLite, 1)
}

// TestPayloadFilesMoveAlong has hubs of the database keep payload files elsewhere.
func TestPayloadFilesMoveAlong(t *testing.T) {
	t.Parallel()
	server := pgtest.Shared(t)
	s, file, document := filed(t)
	base, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.config+".url", []byte(server.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	shared, schema := t.TempDir(), server.Schema(t)
	in := func(store string) {
		text := fmt.Sprintf("%sstore: %s\npostgres: {url_file: %s, schema: %s, payloads: %s}\n", base, store, s.config+".url", schema, shared)
		if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in(inSQLite)
	there := decoded[moveReport](t, s.must("migrate", "to-postgres", "--json"))
	if there.Payloads != len(payloadFiles(t, s)) || there.Payloads == 0 || len(there.Lost) > 0 {
		t.Fatalf("payload files: %+v", there)
	}
	got, err := os.ReadFile(strings.Replace(file, s.data+"/"+payloads, shared, 1))
	if err != nil || string(got) != string(document) {
		t.Fatalf("the document that moved along: %d bytes, %v", len(got), err)
	}
	in(inPostgres)
	stop := s.serve()
	dropped, _ := s.long(2)
	s.until("it was taken", func() bool { return !exists(dropped) })
	stop()
	s.must("audit")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	back := decoded[moveReport](t, s.must("migrate", "back", "--json"))
	if back.Payloads == 0 || len(back.Lost) > 0 {
		t.Fatalf("payload files on the way back: %+v", back)
	}
	in(inSQLite)
	s.refused(3, "", "audit") // the one that was taken away here, which had been here before
	if err := os.WriteFile(file, document, 0o600); err != nil {
		t.Fatal(err)
	}
	s.must("audit")
}
