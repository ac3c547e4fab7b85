package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wmsql "github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// peerPool connects to a schema of its own.
func peerPool(ctx context.Context, conns int32) (*pgxpool.Pool, error) {
	url, schema, err := inPostgres()
	if err != nil {
		return nil, err
	}
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = conns
	cfg.ConnConfig.RuntimeParams["search_path"] = schema
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if _, err := pool.Exec(ctx, "CREATE SCHEMA "+schema); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

// watermillSQL is the hop on Watermill's own Pub/Sub for PostgreSQL, used as its documentation asks
// for exactly once: the result is published in the transaction in which the offset moves.
type watermillSQL struct {
	pool *pgxpool.Pool
	dur  time.Duration
	n    int
}

// waitingSQL is what a round of it can take.
const waitingSQL = 60_000

func openWatermillSQL(waiting int) func(context.Context, *config) (probe, error) {
	return func(ctx context.Context, c *config) (probe, error) {
		pool, err := peerPool(ctx, 8)
		if err != nil {
			return nil, err
		}
		p := &watermillSQL{pool: pool, dur: c.length(1)}
		if err := p.fill(ctx, max(waiting, waitingSQL)); err != nil {
			pool.Close()
			return nil, err
		}
		return p, nil
	}
}

func (p *watermillSQL) schema() wmsql.DefaultPostgreSQLSchema {
	return wmsql.DefaultPostgreSQLSchema{SubscribeBatchSize: 100, GeneratePayloadType: func(string) string { return "BYTEA" }}
}

// fill publishes what waits.
func (p *watermillSQL) fill(ctx context.Context, n int) error {
	pub, err := wmsql.NewPublisher(wmsql.BeginnerFromPgx(p.pool), wmsql.PublisherConfig{SchemaAdapter: p.schema(), AutoInitializeSchema: true}, watermill.NopLogger{})
	if err != nil {
		return err
	}
	gen := newPayloads(4)
	for from := 0; from < n; from += 1000 {
		var ms []*message.Message
		for i := range 1000 {
			m := message.NewMessage(watermill.NewUUID(), gen.next())
			m.Metadata.Set("key", strconv.Itoa((from+i)%5000))
			ms = append(ms, m)
		}
		if err := errors.Join(pub.Publish(hopIn, ms...), ctx.Err()); err != nil {
			return fmt.Errorf("writing what waits: %w", err)
		}
	}
	// The table of the results, which a handler could not make in its transaction.
	if err := pub.Publish(hopOut, message.NewMessage(watermill.NewUUID(), []byte("{}"))); err != nil {
		return err
	}
	_, err = p.pool.Exec(ctx, "ANALYZE")
	return err
}

func (p *watermillSQL) round(ctx context.Context) (sample, error) {
	p.n++
	sub, err := wmsql.NewSubscriber(wmsql.BeginnerFromPgx(p.pool), wmsql.SubscriberConfig{
		ConsumerGroup: "hop" + strconv.Itoa(p.n), SchemaAdapter: p.schema(), OffsetsAdapter: wmsql.DefaultPostgreSQLOffsetsAdapter{},
		PollInterval: time.Millisecond, InitializeSchema: true,
	}, watermill.NopLogger{})
	if err != nil {
		return sample{}, err
	}
	r, traces, err := peerRouter()
	if err != nil {
		return sample{}, err
	}
	r.AddConsumerHandler("hop", hopIn, sub, func(m *message.Message) error {
		tx, ok := wmsql.TxFromContext(m.Context())
		if !ok {
			return errors.New("no transaction")
		}
		pub, err := wmsql.NewPublisher(tx, wmsql.PublisherConfig{SchemaAdapter: p.schema()}, watermill.NopLogger{})
		if err != nil {
			return err
		}
		out := message.NewMessage(watermill.NewUUID(), append([]byte(nil), m.Payload...))
		out.Metadata.Set("key", m.Metadata.Get("key"))
		return pub.Publish(hopOut, out)
	})
	before, err := p.sunk(ctx)
	if err != nil {
		return sample{}, err
	}
	m := begin()
	stop := serveRouter(ctx, r, traces)
	select {
	case <-time.After(p.dur):
	case <-ctx.Done():
	}
	after, err := p.sunk(ctx) // what is committed; what the end takes back is not counted
	if err != nil {
		return sample{}, errors.Join(err, stop())
	}
	if after == before {
		return sample{}, errors.Join(cannot("watermill-sql handled nothing in %s", p.dur), stop())
	}
	s := m.end(after - before)
	_ = stop() // an open transaction is cut, as its own Close does
	return s, ctx.Err()
}

// sunk counts at the sink.
func (p *watermillSQL) sunk(ctx context.Context) (n int, err error) {
	err = p.pool.QueryRow(ctx, `SELECT count(*) FROM "watermill_`+hopOut+`"`).Scan(&n)
	return n, err
}

func (p *watermillSQL) Close() error {
	p.pool.Close()
	return nil
}

// streamRow appends as event stores on PostgreSQL mostly do: each by a call of its own, which
// compares and sets the version in the row of the stream and inserts the event.
type streamRow struct {
	pool *pgxpool.Pool
	dur  time.Duration
	to   *appends
	data []byte
}

const streamRowConns = 64

func openStreamRow(ctx context.Context, c *config) (probe, error) {
	pool, err := peerPool(ctx, streamRowConns)
	if err != nil {
		return nil, err
	}
	if _, err := pool.Exec(ctx, `
		CREATE TABLE stream (name text PRIMARY KEY, version bigint NOT NULL);
		CREATE TABLE event (pos bigserial PRIMARY KEY, stream text NOT NULL, version bigint NOT NULL, type text NOT NULL, data bytea NOT NULL, UNIQUE (stream, version));
		CREATE FUNCTION append(s text, expected bigint, t text, d bytea) RETURNS boolean LANGUAGE plpgsql AS $$
		BEGIN
			IF expected = 0 THEN
				INSERT INTO stream VALUES (s, 1) ON CONFLICT DO NOTHING;
			ELSE
				UPDATE stream SET version = version + 1 WHERE name = s AND version = expected;
			END IF;
			IF NOT FOUND THEN RETURN false; END IF;
			INSERT INTO event (stream, version, type, data) VALUES (s, expected + 1, t, d);
			RETURN true;
		END $$`, pgx.QueryExecModeSimpleProtocol); err != nil {
		pool.Close()
		return nil, err
	}
	return &streamRow{pool: pool, dur: c.length(1), to: newAppends(streamRowConns), data: newPayloads(6).next()[:eventBytes]}, nil
}

func (p *streamRow) round(ctx context.Context) (sample, error) {
	m := begin()
	done, err := p.to.round(ctx, p.dur, func(ctx context.Context, w int) error {
		stream, version := p.to.at(w)
		var ok bool
		err := p.pool.QueryRow(ctx, "SELECT append($1, $2, 'bench.Moved', $3)", stream, version, p.data).Scan(&ok)
		if err == nil && !ok {
			err = fmt.Errorf("stream %s does not stand at version %d", stream, version)
		}
		return err
	})
	if err != nil {
		return sample{}, err
	}
	return m.end(int(done)), nil
}

func (p *streamRow) Close() error {
	p.pool.Close()
	return nil
}
