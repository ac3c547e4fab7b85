package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/paklog/hub/routes"
)

// peerRouter is Watermill's router with the same logging, metrics and tracing as the hub's.
func peerRouter() (*message.Router, *trace.TracerProvider, error) {
	log := watermill.NewSlogLogger(slog.New(slog.NewJSONHandler(nowhere{}, &slog.HandlerOptions{Level: slog.LevelWarn})))
	traces := trace.NewTracerProvider(trace.WithBatcher(noExport{}))
	observer, err := routes.NewObserver(prometheus.NewRegistry(), traces.Tracer("peer"))
	if err != nil {
		return nil, nil, err
	}
	r, err := message.NewRouter(message.RouterConfig{CloseTimeout: 5 * time.Second}, log)
	if err != nil {
		return nil, nil, err
	}
	r.AddMiddleware(observer.Middleware)
	return r, traces, nil
}

// serveRouter runs r until the returned function is called.
func serveRouter(ctx context.Context, r *message.Router, traces *trace.TracerProvider) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	<-r.Running()
	return func() error {
		cancel()
		err := <-ended
		end, done := context.WithTimeout(context.Background(), 5*time.Second)
		defer done()
		return errors.Join(err, traces.Shutdown(end))
	}
}

// goChannel is Watermill's own Pub/Sub in memory.
type goChannel struct {
	n    int
	rows [][]byte
}

func openGoChannel(_ context.Context, c *config) (probe, error) {
	p := &goChannel{n: max(1000, int(c.seconds*hopsPerSecond))}
	gen := newPayloads(2)
	for range 4096 {
		p.rows = append(p.rows, gen.next())
	}
	return p, nil
}

func (p *goChannel) round(ctx context.Context) (sample, error) {
	r, traces, err := peerRouter()
	if err != nil {
		return sample{}, err
	}
	ps := gochannel.NewGoChannel(gochannel.Config{OutputChannelBuffer: 1024}, watermill.NopLogger{})
	r.AddHandler("hop", hopIn, ps, hopOut, ps, func(m *message.Message) ([]*message.Message, error) {
		data := make([]byte, len(m.Payload))
		copy(data, m.Payload)
		out := message.NewMessage(watermill.NewUUID(), data)
		out.Metadata.Set("key", m.Metadata.Get("key"))
		return []*message.Message{out}, nil
	})
	var sunk atomic.Int64
	all := make(chan struct{})
	r.AddConsumerHandler("sink", hopOut, ps, func(*message.Message) error {
		if sunk.Add(1) == int64(p.n) {
			close(all)
		}
		return nil
	})
	stop := serveRouter(ctx, r, traces)
	m := begin()
	for i := range p.n {
		msg := message.NewMessage(watermill.NewUUID(), p.rows[i%len(p.rows)])
		msg.Metadata.Set("key", strconv.Itoa(i%5000))
		if err := ps.Publish(hopIn, msg); err != nil {
			return sample{}, errors.Join(err, stop())
		}
	}
	select {
	case <-all:
	case <-ctx.Done():
		return sample{}, errors.Join(ctx.Err(), stop())
	}
	s := m.end(p.n)
	return s, stop()
}

func (p *goChannel) Close() error { return nil }

// naive is the hop as one writes it first: read a message, handle it, and in one transaction
// insert the result, note that the message was handled and move the offset. It is exactly
// once and durable, and pays one sync a message.
type naive struct {
	db                  *sql.DB
	dur                 time.Duration
	publish, mark, move *sql.Stmt
}

func openNaive(ctx context.Context, c *config) (probe, error) {
	dir, err := c.scratch("naive")
	if err != nil {
		return nil, err
	}
	p := &naive{dur: c.length(1)}
	p.db, err = sql.Open("sqlite", "file:"+filepath.Join(dir, "naive.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, fmt.Errorf("opening the naive hop's database: %w", err)
	}
	for _, q := range []string{
		"CREATE TABLE msg (pos INTEGER PRIMARY KEY, topic TEXT NOT NULL, key TEXT NOT NULL, data BLOB NOT NULL)",
		"CREATE INDEX by_topic ON msg (topic, pos)",
		"CREATE TABLE inbox (pos INTEGER PRIMARY KEY)",
		"CREATE TABLE next (consumer TEXT PRIMARY KEY, pos INTEGER NOT NULL)",
		"INSERT INTO next VALUES ('hop', 0)",
	} {
		if _, err := p.db.ExecContext(ctx, q); err != nil {
			return nil, errors.Join(fmt.Errorf("making the naive hop's tables: %w", err), p.db.Close())
		}
	}
	tx, err := p.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, errors.Join(err, p.db.Close())
	}
	gen := newPayloads(3)
	// One sync each: no disk that this runs on does more a second than 20,000.
	for i := range int(c.seconds*20_000) * c.rounds {
		if _, err := tx.ExecContext(ctx, "INSERT INTO msg (topic, key, data) VALUES (?, ?, ?)", hopIn, strconv.Itoa(i%5000), gen.next()); err != nil {
			return nil, errors.Join(fmt.Errorf("writing what waits: %w", err), tx.Rollback(), p.db.Close())
		}
	}
	if err := errors.Join(tx.Commit(), p.prepare(ctx)); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *naive) prepare(ctx context.Context) (err error) {
	for _, s := range []struct {
		into  **sql.Stmt
		query string
	}{
		{&p.publish, "INSERT INTO msg (topic, key, data) VALUES (?, ?, ?)"},
		{&p.mark, "INSERT INTO inbox (pos) VALUES (?)"},
		{&p.move, "UPDATE next SET pos = ? WHERE consumer = 'hop'"},
	} {
		if *s.into, err = p.db.PrepareContext(ctx, s.query); err != nil { //nolint:sqlclosecheck // Close does
			return fmt.Errorf("preparing the naive hop: %w", err)
		}
	}
	return nil
}

// naiveSubscriber reads for a naive hop. Its Close does nothing: the router closes it
// at the end of each round.
type naiveSubscriber struct{ *naive }

// Close implements [message.Subscriber].
func (naiveSubscriber) Close() error { return nil }

// Subscribe implements [message.Subscriber]: one message at a time, the next when it is acked.
func (p naiveSubscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	read, err := p.db.PrepareContext(ctx, "SELECT pos, key, data FROM msg WHERE topic = ? AND pos >= ? ORDER BY pos LIMIT 100")
	if err != nil {
		return nil, fmt.Errorf("preparing to read: %w", err)
	}
	var next int64
	if err := p.db.QueryRowContext(ctx, "SELECT pos + 1 FROM next WHERE consumer = 'hop'").Scan(&next); err != nil {
		return nil, errors.Join(fmt.Errorf("reading the offset: %w", err), read.Close())
	}
	out := make(chan *message.Message)
	go func() {
		defer close(out)
		defer read.Close()
		for ctx.Err() == nil {
			page, err := readPage(ctx, read, topic, next)
			if err != nil || len(page) == 0 {
				return
			}
			for _, m := range page {
				select {
				case out <- m:
				case <-ctx.Done():
					return
				}
				select {
				case <-m.Acked():
					next++
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	return out, nil
}

func readPage(ctx context.Context, read *sql.Stmt, topic string, from int64) ([]*message.Message, error) {
	rows, err := read.QueryContext(ctx, topic, from)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var page []*message.Message
	for rows.Next() {
		var pos int64
		var key string
		var data []byte
		if err := rows.Scan(&pos, &key, &data); err != nil {
			return nil, err
		}
		m := message.NewMessage(strconv.FormatInt(pos, 10), data)
		m.Metadata.Set("key", key)
		page = append(page, m)
	}
	return page, rows.Err()
}

func (p *naive) round(ctx context.Context) (sample, error) {
	r, traces, err := peerRouter()
	if err != nil {
		return sample{}, err
	}
	before, err := p.sunk(ctx)
	if err != nil {
		return sample{}, err
	}
	r.AddConsumerHandler("hop", hopIn, naiveSubscriber{p}, func(m *message.Message) error {
		tx, err := p.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		data := make([]byte, len(m.Payload))
		copy(data, m.Payload)
		_, err1 := tx.StmtContext(ctx, p.publish).ExecContext(ctx, hopOut, m.Metadata.Get("key"), data) //nolint:sqlclosecheck // it ends with the transaction
		_, err2 := tx.StmtContext(ctx, p.mark).ExecContext(ctx, m.UUID)                                 //nolint:sqlclosecheck // as above
		_, err3 := tx.StmtContext(ctx, p.move).ExecContext(ctx, m.UUID)                                 //nolint:sqlclosecheck // as above
		if err := errors.Join(err1, err2, err3); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		return tx.Commit()
	})
	m := begin()
	stop := serveRouter(ctx, r, traces)
	select {
	case <-time.After(p.dur):
	case <-ctx.Done():
	}
	if err := stop(); err != nil {
		return sample{}, err
	}
	after, err := p.sunk(ctx)
	if err != nil {
		return sample{}, err
	}
	if after == before {
		return sample{}, cannot("the naive hop handled nothing")
	}
	return m.end(after - before), ctx.Err()
}

// sunk counts at the sink.
func (p *naive) sunk(ctx context.Context) (n int, err error) {
	err = p.db.QueryRowContext(ctx, "SELECT count(*) FROM msg WHERE topic = ?", hopOut).Scan(&n)
	return n, err
}

func (p *naive) Close() error {
	var errs []error
	for _, st := range []*sql.Stmt{p.publish, p.mark, p.move} {
		if st != nil {
			errs = append(errs, st.Close())
		}
	}
	return errors.Join(append(errs, p.db.Close())...)
}
