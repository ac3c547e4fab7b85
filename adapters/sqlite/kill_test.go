package sqlite_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/sqlite"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalaudit"
)

const childFolder = "PAKLOG_TEST_WRITE_INTO"

// TestMain turns the test binary into the process that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childFolder); dir != "" {
		if err := writeUntilKilled(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// writeUntilKilled writes batches and prints, for each unit that was answered as durable, its
// position and the number that it carries.
func writeUntilKilled(dir string) error {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, dir, sqlite.Options{WALLimit: 256 << 10})
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	r := rand.New(rand.NewPCG(uint64(os.Getpid()), 1))
	cp, err := s.Checkpoint(ctx, "self", 0)
	if err != nil {
		return err
	}
	open := cp.Open
	for n := uint64(os.Getpid()) << 32; ; {
		last, err := s.Last(ctx)
		if err != nil {
			return err
		}
		b := &journal.Batch{}
		for p := cp.High + 1; p <= last && len(open) < 100; p++ {
			b.Delivered = append(b.Delivered, journal.Delivery{Sub: "self", Pos: p})
			open = append(open, p)
			cp.High = p
		}
		for range 1 + r.IntN(40) {
			n++
			u := killUnit(r, n)
			if len(open) > 0 && r.IntN(2) == 0 {
				u.Cause = journal.Cause{Sub: "self", Pos: open[0], Done: true}
				open = open[1:]
			}
			b.Units = append(b.Units, u)
		}
		refusals, err := s.Write(ctx, b)
		if err != nil {
			return err
		}
		for i, u := range b.Units {
			if refusals[i] == nil {
				fmt.Fprintf(out, "%d %d\n", u.First, binary.BigEndian.Uint64(u.ID[:]))
			} else if u.Cause.Done {
				open = append(open, u.Cause.Pos)
			}
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
}

func killUnit(r *rand.Rand, n uint64) *journal.Unit {
	u := &journal.Unit{At: time.Unix(int64(n&0xffff), 0)}
	binary.BigEndian.PutUint64(u.ID[:], n)
	for range 1 + r.IntN(3) {
		u.Records = append(u.Records, journal.Record{
			Type: "x", Topic: []string{"a", "b", ""}[r.IntN(3)], Stream: []string{"", fmt.Sprintf("s/%d", r.IntN(50))}[r.IntN(2)],
			Data: make([]byte, r.IntN(3000)),
		})
	}
	amount := int64(r.IntN(100))
	u.Postings = []journal.Posting{
		{Book: "b", Account: "source", Amount: -amount, Floor: journal.NoFloor},
		{Book: "b", Account: fmt.Sprint(r.IntN(20)), Amount: amount},
	}
	u.Claims = []journal.ClaimOp{{Scope: "s", ID: fmt.Sprint(r.IntN(1_000_000))}}
	return u
}

// TestKill kills a writing process at random. Everything that it reported is there, the log has no
// hole, and its tables are what the log says.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	t.Parallel()
	dir := t.TempDir()
	reported := map[journal.Pos]uint64{}
	for round := range 20 {
		runAndKill(t, dir, time.Duration(5+rand.IntN(120))*time.Millisecond, reported)
		s, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
		if err != nil {
			t.Fatalf("round %d: Open: %v", round, err)
		}
		for pos, n := range reported {
			u, err := s.Holding(t.Context(), pos)
			if err != nil || u.First != pos || binary.BigEndian.Uint64(u.Unit.ID[:]) != n {
				t.Errorf("round %d: unit %d was answered as durable at %d: %v", round, n, pos, err)
			}
		}
		report, err := journalaudit.Audit(t.Context(), s, journalaudit.Options{})
		if err != nil {
			t.Fatalf("round %d: Audit: %v", round, err)
		}
		for _, f := range report.Findings {
			t.Errorf("round %d: %s", round, f)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			return
		}
	}
	if len(reported) < 100 {
		t.Errorf("only %d units were written over all rounds", len(reported))
	}
}

// runAndKill kills the child a while after its first report.
func runAndKill(t *testing.T, dir string, after time.Duration, reported map[journal.Pos]uint64) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childFolder+"="+dir)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// A child that writes nothing is killed too, and fails the test by what is missing.
	defer time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() }).Stop()
	var kill *time.Timer
	lines := bufio.NewScanner(pipe)
	for lines.Scan() {
		if kill == nil {
			kill = time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
		first, number, ok := strings.Cut(lines.Text(), " ")
		pos, err := strconv.ParseUint(first, 10, 64)
		n, err2 := strconv.ParseUint(number, 10, 64)
		if !ok || err != nil || err2 != nil {
			continue // the line was cut by the kill
		}
		if _, known := reported[journal.Pos(pos)]; !known {
			reported[journal.Pos(pos)] = n
		}
	}
	if err := cmd.Wait(); err == nil || stderr.Len() > 0 {
		t.Fatalf("the writer ended by itself: %v %s", err, stderr.String())
	}
}
