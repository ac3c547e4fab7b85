package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/paklog/hub/core/journal"
)

// Follow calls moved with the end of the log, whichever process wrote, once where it stands behind
// after and then whenever it has moved, until ctx or moved ends it. Each batch wakes it (LISTEN and
// NOTIFY); a notice that was lost on the way is made up for by a look now and then. Several batches may
// be one call.
func (s *Store) Follow(ctx context.Context, after journal.Pos, moved func(journal.Pos) error) error {
	for {
		var conn *pgx.Conn
		if err := patiently(ctx, s.opts.Patience, func() (err error) {
			conn, err = s.listen(ctx)
			return err
		}); err != nil {
			return err
		}
		err := onConn(conn, follow(ctx, conn, &after, moved))
		_ = conn.Close(context.WithoutCancel(ctx)) // what is read next is read anew
		if ctx.Err() != nil || !passing(err) {
			return err
		}
	}
}

// pollEvery is how long a follower waits for a notice before it looks by itself.
const pollEvery = time.Second

// listen makes a connection that hears of each batch.
func (s *Store) listen(ctx context.Context) (*pgx.Conn, error) {
	cfg, err := s.opts.conn("paklog follower")
	if err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{s.opts.Schema}.Sanitize()); err != nil {
		err = onConn(conn, err)
		_ = conn.Close(context.WithoutCancel(ctx)) // err says what is wrong
		return nil, err
	}
	return conn, nil
}

// follow looks first, for what was written before it listened, and then at each notice.
func follow(ctx context.Context, conn *pgx.Conn, after *journal.Pos, moved func(journal.Pos) error) error {
	for {
		var last int64
		if err := conn.QueryRow(ctx, lastQuery).Scan(&last); err != nil {
			return err
		}
		if pos := journal.Pos(last); pos > *after {
			*after = pos
			if err := moved(pos); err != nil {
				return err
			}
		}
		wait, cancel := context.WithTimeout(ctx, pollEvery)
		_, err := conn.WaitForNotification(wait)
		cancel()
		if err != nil && (ctx.Err() != nil || conn.IsClosed() || !errors.Is(err, context.DeadlineExceeded)) {
			return err
		}
	}
}
