package main

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/postgres/pglocal"
	"github.com/paklog/hub/adapters/postgres/pgtest"
)

// TestTortureOnPostgres is TestTorture with the journal in PostgreSQL: the hub is killed at random and
// at each named step, and in each fourth round the server is, under a hub that works and goes on.
func TestTortureOnPostgres(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	server := pgtest.New(t)
	tr := newTorture(t, seedOf(t), "", server.URL)
	steps := crashSteps()
	ends := map[syscall.Signal]int{}
	for i := range max(20, rounds(t)/10) {
		var err error
		switch {
		case i%4 == 3:
			sig := syscall.SIGKILL
			if i%8 == 7 {
				sig = syscall.SIGINT
			}
			ends[sig]++
			err = tr.roundOfServer(t.Context(), server, sig)
		case i%2 == 0:
			err = tr.round(t.Context(), steps[i/2%len(steps)])
		default:
			err = tr.round(t.Context(), "")
		}
		if err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
	}
	tr.reachAll(t, steps)
	wrong, err := tr.end(t.Context())
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	tr.report(t, wrong)
	t.Logf("%d orders, %d documents and %d labels; the server was killed %d times and stopped %d; kills at steps: %v",
		len(tr.orders)+len(tr.partner.asked)+len(tr.partner.po), len(tr.partner.got), len(tr.sim.Truth().Labels),
		ends[syscall.SIGKILL], ends[syscall.SIGINT], tr.reached)
	t.Logf("%s", tr.drove())
}

// roundOfServer ends the server under a hub that works, starts it again, and kills the hub a while
// later: it must not have ended by itself.
func (tr *torture) roundOfServer(ctx context.Context, server *pglocal.Server, sig syscall.Signal) error {
	tr.feed()
	moment := func() time.Duration { return time.Duration(tr.r.IntN(250)) * time.Millisecond }
	before, away, after := moment(), moment(), moment()
	var down, up error
	err := tr.killed(ctx, childSpec{}, func(c *child) {
		c.open()
		c.within(before)
		down = server.Down(sig)
		c.within(away)
		up = server.Up(ctx)
		c.within(500*time.Millisecond + after)
	})
	for _, e := range []error{err, down, up} {
		if e != nil {
			return e
		}
	}
	return nil
}
