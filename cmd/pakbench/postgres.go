package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/paklog/hub/adapters/postgres"
	"github.com/paklog/hub/adapters/postgres/pglocal"
	"github.com/paklog/hub/core/journal"
)

// postgresEnv names the server that workers measure on, as a URL.
const postgresEnv = "PAKLOG_BENCH_POSTGRES"

// withPostgres starts a server where one is needed and none is named. It is one for all that is
// measured on it in turn.
func withPostgres(ctx context.Context, needed []*bench) (stop func(), err error) {
	wanted := false
	for _, b := range needed {
		wanted = wanted || strings.Contains(b.about, "PostgreSQL") || strings.HasPrefix(b.name, "append/") || strings.HasPrefix(b.name, "grown/") || strings.HasPrefix(b.name, "flow/") || strings.HasPrefix(b.name, "hop/watermill-sql")
	}
	if !wanted || os.Getenv(postgresEnv) != "" {
		return func() {}, nil
	}
	server, err := pglocal.Start(ctx)
	if errors.Is(err, pglocal.ErrNone) {
		return func() {}, nil // each that needs it says so
	}
	if err != nil {
		return nil, err
	}
	return func() { _ = server.Close() }, os.Setenv(postgresEnv, server.URL) // what was measured was measured
}

// inPostgres is where a measurement works: a schema of its own.
func inPostgres() (url, schema string, err error) {
	url = os.Getenv(postgresEnv)
	if url == "" {
		return "", "", cannot("no PostgreSQL: install postgresql, or name one in %s", postgresEnv)
	}
	return url, "bench_" + strings.ToLower(rand.Text()[:12]), nil
}

func openPostgres(ctx context.Context) (*postgres.Store, error) {
	url, schema, err := inPostgres()
	if err != nil {
		return nil, err
	}
	return postgres.Open(ctx, postgres.Options{URL: url, Schema: schema})
}

func openPostgresHop(ctx context.Context, plan hopPlan, n int) (probe, error) {
	store, err := openPostgres(ctx)
	if err != nil {
		return nil, err
	}
	if plan.waiting > 0 {
		n = min(n, plan.waiting)
	}
	if err := fillJournal(ctx, store, plan, max(n, plan.waiting)); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	h, err := host(ctx, store)
	if err != nil {
		return nil, err
	}
	return &hop{plan: plan, n: n, store: store, syncs: func() int64 { return store.Stats().Batches }, hub: h, rounds: int(h.bus.Last())}, nil
}

// copyFloor is PostgreSQL alone, by what takes rows in fastest.
type copyFloor struct {
	conn *pgx.Conn
	rows [][]byte
	next int64
	dur  time.Duration
}

func openCopy(ctx context.Context, c *config) (probe, error) {
	url, schema, err := inPostgres()
	if err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, fmt.Sprintf("CREATE SCHEMA %s; SET search_path = %s; CREATE TABLE log (pos bigint PRIMARY KEY, data bytea NOT NULL)", schema, schema), pgx.QueryExecModeSimpleProtocol); err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	p := &copyFloor{conn: conn, dur: c.length(1)}
	gen := newPayloads(1)
	for range 4096 {
		p.rows = append(p.rows, gen.next())
	}
	return p, nil
}

func (p *copyFloor) round(ctx context.Context) (sample, error) {
	m := begin()
	n := 0
	for end := m.began.Add(p.dur); (n == 0 || time.Now().Before(end)) && ctx.Err() == nil; n += insertBatch {
		if _, err := p.conn.CopyFrom(ctx, pgx.Identifier{"log"}, []string{"pos", "data"}, pgx.CopyFromSlice(insertBatch, func(int) ([]any, error) {
			p.next++
			return []any{p.next, p.rows[p.next%int64(len(p.rows))]}, nil
		})); err != nil {
			return sample{}, fmt.Errorf("copying: %w", err)
		}
	}
	return m.end(n), ctx.Err()
}

func (p *copyFloor) Close() error { return p.conn.Close(context.Background()) }

// Appends of events, one at a time to a writer.
const (
	appenders  = 512
	appendTo   = 10_000 // streams
	eventBytes = 250
)

// appends is where writers stand: each has its own share of the streams, goes round in it, and
// knows their versions.
type appends struct {
	share int
	next  []int
}

func newAppends(writers int) *appends {
	return &appends{share: appendTo / writers, next: make([]int, writers)}
}

// at is the stream of a writer's next event, and the version that it stands at.
func (a *appends) at(w int) (stream string, version int) {
	n := a.next[w]
	a.next[w]++
	return streamName(w + len(a.next)*(n%a.share)), n / a.share
}

// round has all writers append for a while, each one event after the other.
func (a *appends) round(ctx context.Context, d time.Duration, one func(ctx context.Context, w int) error) (int64, error) {
	until := time.Now().Add(d)
	errs := make(chan error, len(a.next))
	var done atomic.Int64
	var wg sync.WaitGroup
	for w := range a.next {
		wg.Go(func() {
			for time.Now().Before(until) && ctx.Err() == nil {
				if err := one(ctx, w); err != nil {
					errs <- err
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	close(errs)
	return max(1, done.Load()), errors.Join(<-errs, ctx.Err())
}

// appending is the hub's way: units of all writers in one commit.
type appending struct {
	store *postgres.Store
	hub   *hosting
	dur   time.Duration
	to    *appends
	data  []byte
}

func openAppend(ctx context.Context, c *config) (probe, error) {
	store, err := openPostgres(ctx)
	if err != nil {
		return nil, err
	}
	h, err := host(ctx, store)
	if err != nil {
		return nil, err
	}
	return &appending{store: store, hub: h, dur: c.length(1), to: newAppends(appenders), data: newPayloads(5).next()[:eventBytes]}, nil
}

func (p *appending) round(ctx context.Context) (sample, error) {
	before, batches := p.hub.bus.Last(), p.store.Stats().Batches
	m := begin()
	done, err := p.to.round(ctx, p.dur, func(ctx context.Context, w int) error {
		stream, version := p.to.at(w)
		at := time.Now().UTC()
		r, err := p.hub.bus.Submit(ctx, &journal.Unit{
			Expect: []journal.Expect{{Stream: stream, Version: uint64(version)}},
			Records: []journal.Record{{
				ID: journal.NewID(at, [10]byte{byte(w), byte(w >> 8), byte(version)}), Type: "bench.Moved", Schema: 1, Topic: "bench-events",
				Stream: stream, Key: stream, Time: at, Source: "bench", Data: p.data,
			}},
		})
		return errors.Join(err, asError(r))
	})
	if err != nil {
		return sample{}, err
	}
	s := m.end(int(done))
	s.counts["syncs_per_msg"] = float64(p.store.Stats().Batches-batches) / float64(done)
	last, err := p.store.Last(ctx)
	if err == nil && last-before != journal.Pos(done) {
		err = fmt.Errorf("%d events were answered for and the log has %d", done, last-before)
	}
	return s, err
}

func (p *appending) Close() error { return p.hub.Close() }
