package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/paklog/hub/adapters/postgres"
	"github.com/paklog/hub/adapters/postgres/pgtest"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalaudit"
)

// unit is one event of a stream, with a message beside it.
func unit(stream string, version uint64) *journal.Unit {
	return &journal.Unit{
		ID: journal.NewID(time.Unix(1_800_000_000, 0), [10]byte{byte(version), byte(version >> 8)}), At: time.Unix(1_800_000_000, 0),
		Expect: []journal.Expect{{Stream: stream, Version: version}},
		Records: []journal.Record{
			{Type: "order.Accepted", Schema: 1, Stream: stream, Topic: "order-events", Key: stream, Data: []byte("{}")},
			{Type: "note", Topic: "notes", Key: stream},
		},
	}
}

// put writes one unit that must not be refused.
func put(t testing.TB, s *postgres.Store, u *journal.Unit) error {
	t.Helper()
	r, err := s.Write(t.Context(), &journal.Batch{Units: []*journal.Unit{u}})
	if err == nil && r[0] != nil {
		t.Errorf("refused: %v", r[0])
	}
	return err
}

// stands holds that the log has so many units of unit, whole and in order, and that every table
// folds from it.
func stands(t testing.TB, s *postgres.Store, units int) {
	t.Helper()
	last, err := s.Last(t.Context())
	if err != nil || last != journal.Pos(2*units) {
		t.Errorf("the log ends at %d, %v; want %d", last, err, 2*units)
	}
	r, err := journalaudit.Audit(t.Context(), s, journalaudit.Options{})
	if err != nil || len(r.Findings) > 0 {
		t.Errorf("the auditor: %+v, %v", r.Findings, err)
	}
}

// TestALostCommitIsAskedFor cuts connections around the commit: whether the batch was written is found
// out, and it is there once.
func TestALostCommitIsAskedFor(t *testing.T) {
	t.Parallel()
	server := pgtest.Shared(t)
	for _, c := range []struct {
		name  string
		where cut
		anew  int64
	}{
		{"before the server saw it", beforeCommit, 1},
		{"before the server saw it, and its session is still there", heldBefore, 1},
		{"after the server did it", afterCommit, 0},
		{"among its rows", halfWritten, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newProxy(t, server.URL)
			s := open(t, postgres.Options{URL: p.url(server.URL), Schema: server.Schema(t)})
			for i := range uint64(5) {
				if i == 2 {
					p.arm(c.where)
				}
				if err := put(t, s, unit("o/1", i)); err != nil {
					t.Fatalf("batch %d: %v", i, err)
				}
			}
			if st := s.Stats(); p.cuts != 1 || st.Asked != 1 || st.Anew != c.anew || st.Batches != 5 {
				t.Errorf("cut %d times, %+v; want one question, and %d batches anew", p.cuts, st, c.anew)
			}
			stands(t, s, 5)
		})
	}
}

// A commit that cannot be asked for is not guessed: the journal is broken.
func TestACommitThatNobodyAnswersForBreaksTheJournal(t *testing.T) {
	t.Parallel()
	server := pgtest.Shared(t)
	p := newProxy(t, server.URL)
	s := open(t, postgres.Options{URL: p.url(server.URL), Schema: server.Schema(t), Patience: 300 * time.Millisecond})
	if err := put(t, s, unit("o/1", 0)); err != nil {
		t.Fatal(err)
	}
	p.arm(afterCommit)
	if err := p.l.Close(); err != nil { // nobody answers any more
		t.Fatal(err)
	}
	for range 2 {
		if err := put(t, s, unit("o/1", 1)); !errors.Is(err, journal.ErrBroken) {
			t.Fatalf("Write: %v, want ErrBroken", err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	next := open(t, postgres.Options{URL: server.URL, Schema: s.Schema()})
	stands(t, next, 2) // it had been committed
}

// TestTheServerRestarts stops and kills the server under a store that reads and writes.
func TestTheServerRestarts(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t)
	s := open(t, postgres.Options{URL: server.URL})
	stop := make(chan struct{})
	var reading sync.WaitGroup
	reading.Go(func() {
		for seen := journal.Pos(0); ; {
			select {
			case <-stop:
				return
			default:
			}
			last, err := s.Last(t.Context())
			if err != nil || last < seen {
				t.Errorf("Last: %d after %d, %v", last, seen, err)
				return
			}
			seen = last
		}
	})
	const rounds, each = 6, 40
	written := make(chan error, 1)
	begun := make(chan struct{}, rounds*each)
	go func() {
		for i := range uint64(rounds * each) {
			if err := put(t, s, unit("o/1", i)); err != nil {
				written <- err
				return
			}
			begun <- struct{}{}
		}
		written <- nil
	}()
	for round := range rounds {
		for range each / 2 {
			select {
			case <-begun:
			case err := <-written:
				t.Fatalf("round %d: %v", round, err)
			}
		}
		sig := syscall.SIGINT
		if round%2 == 1 {
			sig = syscall.SIGKILL
		}
		if err := server.Down(sig); err != nil {
			t.Fatal(err)
		}
		if err := server.Up(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	close(stop)
	reading.Wait()
	stands(t, s, rounds*each)
	t.Logf("%d restarts, %+v", rounds, s.Stats())
}

// TestFollowIsWokenByEachBatch follows from another store, over a restart of the server.
func TestFollowIsWokenByEachBatch(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t)
	o := postgres.Options{URL: server.URL, Shared: true}
	s, other := open(t, o), open(t, o)
	if err := put(t, s, unit("o/1", 0)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	seen := make(chan journal.Pos, 10)
	done := make(chan error, 1)
	go func() {
		done <- other.Follow(ctx, 0, func(p journal.Pos) error { seen <- p; return nil })
	}()
	await := func(want journal.Pos) {
		t.Helper()
		for got := journal.Pos(0); got < want; {
			select {
			case next := <-seen:
				if next <= got {
					t.Fatalf("%d after %d", next, got)
				}
				got = next
			case err := <-done:
				t.Fatalf("it ended: %v", err)
			}
		}
	}
	await(2) // what was there already
	for i := range uint64(3) {
		if err := put(t, s, unit("o/1", i+1)); err != nil {
			t.Fatal(err)
		}
		await(journal.Pos(2 * (i + 2)))
	}
	if err := errors.Join(server.Down(syscall.SIGKILL), server.Up(t.Context())); err != nil {
		t.Fatal(err)
	}
	if err := put(t, s, unit("o/1", 4)); err != nil {
		t.Fatal(err)
	}
	await(10)
	enough := errors.New("enough")
	if err := s.Follow(t.Context(), 9, func(journal.Pos) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("Follow: %v, want what moved said", err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Follow: %v", err)
	}
}

// TestAServerThatStaysAwayIsReported: nothing is written, and the error says why.
func TestAServerThatStaysAwayIsReported(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t)
	s := open(t, postgres.Options{URL: server.URL, Patience: 200 * time.Millisecond})
	if err := server.Down(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := put(t, s, unit("o/1", 0)); err == nil || errors.Is(err, journal.ErrBroken) {
		t.Errorf("Write: %v, want an error that promises that nothing is written", err)
	}
	if _, err := s.Last(t.Context()); err == nil {
		t.Error("read from a server that is away")
	}
	if _, err := postgres.Open(t.Context(), postgres.Options{URL: server.URL, Patience: time.Millisecond}); err == nil || !strings.Contains(err.Error(), "is it running") {
		t.Errorf("Open: %v", err)
	}
	if err := server.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := put(t, s, unit("o/1", 0)); err != nil {
		t.Errorf("Write when it is back: %v", err)
	}
	stands(t, s, 1)
}

func TestOneOwnsTheJournal(t *testing.T) {
	t.Parallel()
	server := pgtest.Shared(t)
	o := postgres.Options{URL: server.URL, Schema: server.Schema(t)}
	s := open(t, o)
	if _, err := postgres.Open(t.Context(), o); !errors.Is(err, journal.ErrLocked) || !strings.Contains(err.Error(), "process") {
		t.Fatalf("second Open: %v, want ErrLocked that names who", err)
	}
	if err := put(t, s, unit("o/1", 0)); err != nil {
		t.Errorf("the owner was disturbed: %v", err)
	}
}

// TestAnOwnerThatWasReplacedWritesNothing: its session ends unseen, another process takes the journal
// and leaves it again, and the first finds out.
func TestAnOwnerThatWasReplacedWritesNothing(t *testing.T) {
	t.Parallel()
	server := pgtest.Shared(t)
	for _, c := range []struct {
		name   string
		leaves bool
	}{{"and the other is there", false}, {"and the other has left", true}} {
		t.Run(c.name, func(t *testing.T) {
			o := postgres.Options{URL: server.URL, Schema: server.Schema(t)}
			first := open(t, o)
			if err := put(t, first, unit("o/1", 0)); err != nil {
				t.Fatal(err)
			}
			endSessions(t, server, o.Schema)
			second := open(t, o)
			if err := put(t, second, unit("o/1", 1)); err != nil {
				t.Fatal(err)
			}
			if c.leaves {
				if err := second.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if err := put(t, first, unit("o/1", 2)); !errors.Is(err, journal.ErrBroken) {
				t.Errorf("the first wrote: %v, want ErrBroken", err)
			}
			stands(t, first, 2)
		})
	}
}

// endSessions ends the sessions that hold a journal.
func endSessions(t testing.TB, server pgtest.Server, schema string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var n int
	if err := conn.QueryRow(t.Context(), `SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_locks
		WHERE locktype = 'advisory' AND (classid::bigint << 32 | objid::bigint) = hashtextextended($1, 0)`, schema).Scan(&n); err != nil || n != 1 {
		t.Fatalf("%d sessions ended, %v", n, err)
	}
}

// TestManyProcessesShareTheLog: positions have no gaps and stand in commit order whoever reads,
// each version is written once, and stock is never sold twice.
func TestManyProcessesShareTheLog(t *testing.T) {
	t.Parallel()
	server := pgtest.Shared(t)
	o := postgres.Options{URL: server.URL, Schema: server.Schema(t), Shared: true, Readers: 1, NoSync: true}
	const writers, stock = 8, 100
	var stores []*postgres.Store
	for range writers {
		stores = append(stores, open(t, o))
	}
	sell := func(from, to string, n int64) *journal.Unit {
		floor := int64(0)
		if from == "source" {
			floor = journal.NoFloor
		}
		return &journal.Unit{Postings: []journal.Posting{
			{Book: "hot", Account: from, Amount: -n, Floor: floor}, {Book: "hot", Account: to, Amount: n},
		}, Records: []journal.Record{{Type: "stock.Reserved", Topic: "inventory-events"}}}
	}
	if r, err := stores[0].Write(t.Context(), &journal.Batch{Units: []*journal.Unit{sell("source", "free", stock)}}); err != nil || r[0] != nil {
		t.Fatal(r, err)
	}
	var wg sync.WaitGroup
	var sold, refused [writers]int
	for n, s := range stores {
		wg.Go(func() {
			for i := range 20 {
				b := &journal.Batch{Units: []*journal.Unit{sell("free", "reserved", 1), unit(fmt.Sprintf("o/%d", i), uint64(n)), sell("free", "reserved", 1)}}
				b.Units[1].Expect = nil
				r, err := s.Write(t.Context(), b)
				if err != nil {
					t.Errorf("writer %d: %v", n, err)
					return
				}
				for _, k := range []int{0, 2} {
					if r[k] == nil {
						sold[n]++
					} else if refused[n]++; r[k].Why != journal.RefusedFloor {
						t.Errorf("writer %d: %v", n, r[k])
					}
				}
			}
		})
	}
	stop := make(chan struct{})
	var reading sync.WaitGroup
	reading.Go(func() { follow(t, stores[0], stop) })
	wg.Wait()
	close(stop)
	reading.Wait()
	total := 0
	for n := range sold {
		total += sold[n]
	}
	if b, err := stores[1].Balance(t.Context(), "hot", "reserved"); err != nil || b.Amount != stock || total != stock {
		t.Errorf("%d sold and %d reserved of %d, %v", total, b.Amount, stock, err)
	}
	r, err := journalaudit.Audit(t.Context(), stores[2], journalaudit.Options{})
	if err != nil || len(r.Findings) > 0 {
		t.Errorf("the auditor: %+v, %v", r.Findings, err)
	}
}

// follow reads the log as it grows, until stop and its end, and sees no gap.
func follow(t *testing.T, s *postgres.Store, stop chan struct{}) {
	for next, ending := journal.Pos(1), false; ; {
		units, err := s.Units(t.Context(), next, 50)
		if err != nil {
			t.Error(err)
			return
		}
		for _, u := range units {
			if u.First != next {
				t.Errorf("the unit at %d came where %d was next", u.First, next)
				return
			}
			next += journal.Pos(max(1, len(u.Unit.Records)))
		}
		if ending && len(units) == 0 {
			return
		}
		select {
		case <-stop:
			ending = true
		default:
		}
	}
}

// A process that stops in the middle of a batch does not hold the others up for ever.
func TestAStoppedTransactionIsEnded(t *testing.T) {
	t.Parallel()
	server := pgtest.Shared(t)
	o := postgres.Options{URL: server.URL, Schema: server.Schema(t), Shared: true}
	s := open(t, o)
	cfg, err := pgx.ParseConfig(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	set, err := postgres.Session(o, "stopped")
	if err != nil {
		t.Fatal(err)
	}
	if set["idle_in_transaction_session_timeout"] != "10s" {
		t.Fatalf("sessions have %v", set)
	}
	set["idle_in_transaction_session_timeout"] = "300ms"
	for k, v := range set {
		cfg.RuntimeParams[k] = v
	}
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "BEGIN; SELECT FROM head FOR UPDATE", pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	if err := put(t, s, unit("o/1", 0)); err != nil {
		t.Errorf("Write beside it: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	server := pgtest.Shared(t)
	for _, c := range []struct {
		name, run, want string
		is              error
		o               postgres.Options
	}{
		{name: "a newer schema", run: "INSERT INTO migration VALUES (99, 'from the future', now())", want: "run the newer program", is: journal.ErrFormat},
		{name: "an older schema", run: "DELETE FROM migration WHERE version = (SELECT max(version) FROM migration)", want: "paklog migrate up", is: journal.ErrFormat},
		{name: "units of another format", run: "UPDATE meta SET value = value + 1 WHERE key = 'format'", want: "this program reads", is: journal.ErrFormat},
		{name: "a schema whose name needs quotes", o: postgres.Options{Schema: `a"b`}, want: "lower-case letters"},
		{name: "an address that is none", o: postgres.Options{URL: "postgres://%%%"}, want: "parse"},
		{name: "no such database", o: postgres.Options{URL: strings.Replace(server.URL, "/postgres?", "/nowhere?", 1)}, want: "createdb"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := c.o
			if o.URL == "" {
				o.URL = server.URL
			}
			if c.run != "" {
				o.Schema = server.Schema(t)
				s, err := postgres.Open(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				conn, err := pgx.Connect(t.Context(), server.URL)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close(context.Background())
				if _, err := conn.Exec(t.Context(), "SET search_path = "+o.Schema+"; "+c.run, pgx.QueryExecModeSimpleProtocol); err != nil {
					t.Fatal(err)
				}
			}
			s, err := postgres.Open(t.Context(), o)
			if err == nil {
				_ = s.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("Open: %v, want %v with %q", err, c.is, c.want)
			}
		})
	}
}

// TestSettingsOfAServer: those that would do harm are set otherwise in our sessions, and a server that
// does not sync is refused.
func TestSettingsOfAServer(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t)
	conn, err := pgx.Connect(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"default_transaction_isolation": "serializable", "default_transaction_read_only": "off",
		"statement_timeout": "1ms", "idle_session_timeout": "100ms", "synchronous_commit": "off", "bytea_output": "escape",
	} {
		if _, err := conn.Exec(t.Context(), fmt.Sprintf("ALTER ROLE paklog SET %s = '%s'", name, value)); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, postgres.Options{URL: server.URL})
	for i := range uint64(3) {
		if err := put(t, s, unit("o/1", i)); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"default_transaction_isolation": "read committed", "statement_timeout": "0", "idle_session_timeout": "0", "synchronous_commit": "on",
	} {
		if got, err := s.Setting(t.Context(), name); got != want || err != nil {
			t.Errorf("%s = %q, %v; want %s", name, got, err, want)
		}
	}
	stands(t, s, 3)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "ALTER SYSTEM SET fsync = off"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(conn.Close(t.Context()), server.Down(syscall.SIGINT), server.Up(t.Context())); err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.Open(t.Context(), postgres.Options{URL: server.URL}); err == nil || !strings.Contains(err.Error(), "set fsync = on") {
		t.Errorf("Open on a server that does not sync: %v", err)
	}
}

func TestMigrations(t *testing.T) {
	t.Parallel()
	server := pgtest.Shared(t)
	o := postgres.Options{URL: server.URL, Schema: server.Schema(t)}
	before, err := postgres.Status(t.Context(), o)
	if err != nil || len(before) == 0 || !before[0].Applied.IsZero() {
		t.Fatalf("nothing was made: %+v, %v", before, err)
	}
	var wg sync.WaitGroup
	var done [2]int
	for i := range done { // two at once: one does it
		wg.Go(func() {
			steps, err := postgres.Migrate(t.Context(), o)
			if err != nil {
				t.Error(err)
			}
			done[i] = len(steps)
		})
	}
	wg.Wait()
	after, err := postgres.Status(t.Context(), o)
	if err != nil || len(after) != len(before) || done[0]+done[1] != len(after) {
		t.Fatalf("%+v, %v: %v steps", after, err, done)
	}
	for _, m := range after {
		if m.Applied.IsZero() {
			t.Errorf("%d %s is missing", m.Version, m.Name)
		}
	}
	open(t, o)
}

// TestASnapshotStandsStill reads one moment while others write, and writes nothing.
func TestASnapshotStandsStill(t *testing.T) {
	t.Parallel()
	server := pgtest.Shared(t)
	o := postgres.Options{URL: server.URL, Schema: server.Schema(t)}
	if s, err := postgres.OpenSnapshot(t.Context(), o); err == nil {
		_ = s.Close()
		t.Fatal("there is no journal yet")
	}
	s := open(t, o)
	if err := put(t, s, unit("o/1", 0)); err != nil {
		t.Fatal(err)
	}
	then, err := postgres.OpenSnapshot(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer then.Close()
	stands(t, then, 1)
	if err := put(t, s, unit("o/1", 1)); err != nil {
		t.Fatal(err)
	}
	stands(t, then, 1)
	stands(t, s, 2)
	if err := put(t, then, unit("o/1", 2)); err == nil {
		t.Error("a snapshot was written to")
	}
}
