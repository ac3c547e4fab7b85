package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// querier is what reads run on.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// reader lends connections to reads.
type reader interface {
	// with calls f, and again where its connection was lost: f begins from nothing.
	with(ctx context.Context, f func(context.Context, querier) error) error
	close(ctx context.Context) error
}

// pooled reads what is committed.
type pooled struct {
	pool              *pgxpool.Pool
	patience, timeout time.Duration
}

func (p *pooled) with(ctx context.Context, f func(context.Context, querier) error) error {
	try := func() error {
		ctx, cancel := context.WithTimeout(ctx, p.timeout)
		defer cancel()
		return p.pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error { return onConn(c.Conn(), f(ctx, c)) })
	}
	err := try()
	if err == nil || ctx.Err() != nil || !passing(err) {
		return err
	}
	return patiently(ctx, p.patience, try)
}

func (p *pooled) close(context.Context) error {
	p.pool.Close()
	return nil
}

// snapshot reads one moment, in one transaction.
type snapshot struct {
	mu   sync.Mutex
	conn *pgx.Conn
}

func (s *snapshot) with(ctx context.Context, f func(context.Context, querier) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f(ctx, s.conn)
}

func (s *snapshot) close(ctx context.Context) error { return s.conn.Close(ctx) }

// errStop ends a query early, without an error.
var errStop = errors.New("no more rows are wanted")

// each runs a query and calls row with the values of each row as they came, in binary; they are
// overwritten by the next.
func each(ctx context.Context, q querier, sql string, row func([][]byte) error, args ...any) error {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		switch err := row(rows.RawValues()); {
		case errors.Is(err, errStop):
			return nil
		case err != nil:
			return err
		}
	}
	return rows.Err()
}

// number reads a smallint or bigint as PostgreSQL sends it.
func number(b []byte) int64 {
	switch len(b) {
	case 8:
		return int64(binary.BigEndian.Uint64(b))
	case 2:
		return int64(int16(binary.BigEndian.Uint16(b)))
	}
	return 0
}
