package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"github.com/paklog/hub/core/journal"
)

// team is this process among those that share the journal. It has a connection of its own: a beat does
// not wait for a batch, and a batch not for a beat.
type team struct {
	s      *Store
	joined atomic.Bool // a beat was written: leases are asked for from here on

	mu     sync.Mutex
	conn   *pgx.Conn // nil: none yet, or lost
	closed bool
}

var _ journal.Shared = (*Store)(nil)

// Team implements [journal.Shared].
func (s *Store) Team() journal.Team {
	if s.team == nil {
		return nil
	}
	return s.team
}

// Me implements [journal.Team].
func (t *team) Me() int64 { return t.s.write.id }

// with runs f on the team's connection, on a new one where it was lost.
func (t *team) with(ctx context.Context, f func(context.Context, *pgx.Conn) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return errClosed
	}
	if err := t.s.broken.Load(); err != nil {
		return *err
	}
	err := patiently(ctx, t.s.opts.Patience, func() error {
		ctx, cancel := context.WithTimeout(ctx, t.s.opts.Timeout)
		defer cancel()
		if t.conn == nil || t.conn.IsClosed() {
			cfg, err := t.s.opts.conn(t.s.write.name + " team")
			if err != nil {
				return err
			}
			if t.conn, err = pgx.ConnectConfig(ctx, cfg); err != nil {
				t.conn = nil
				return err
			}
		}
		return onConn(t.conn, f(ctx, t.conn))
	})
	if errors.Is(err, journal.ErrBroken) {
		t.s.fail(err)
	}
	return err
}

// errFenced is what a member gets that was taken for dead.
func errFenced(id int64) error {
	return fmt.Errorf("%w (it was member %d)", journal.ErrFenced, id)
}

const (
	beatQuery = `INSERT INTO member (id, beat, session, who, knows, offers) VALUES ($1, 1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET beat = member.beat + 1, offers = excluded.offers WHERE NOT member.fenced RETURNING beat`
	rollQuery = `SELECT id, beat, who, offers, NOT EXISTS (SELECT FROM pg_stat_activity a WHERE starts_with(a.application_name, m.session))
		FROM member m WHERE NOT fenced ORDER BY id`
	leasesQuery = "SELECT name, holder, epoch FROM lease ORDER BY name"
	takeQuery   = `INSERT INTO lease (name, holder, epoch) SELECT n, $1, 1 FROM unnest($2::text[]) n
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, epoch = lease.epoch + 1 WHERE lease.holder = 0 RETURNING name`
	giveQuery   = "UPDATE lease SET holder = 0 WHERE holder = $1 AND name = ANY($2::text[])"
	fenceQuery  = "UPDATE member SET fenced = true WHERE id = $1 AND beat = $2 AND NOT fenced"
	freeQuery   = "UPDATE lease SET holder = 0 WHERE holder = $1"
	turnQuery   = "UPDATE head SET leases = leases + 1"
	lockQuery   = "SELECT FROM head FOR UPDATE"
	shutQuery   = "SELECT coalesce(bool_or(fenced), false) FROM member WHERE id = $1"
	heldQuery   = "SELECT name FROM lease WHERE holder = $1"
	endSessions = `SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a, member m
		WHERE m.id = $1 AND m.beat = $2 AND starts_with(a.application_name, m.session) AND a.pid <> pg_backend_pid()`
)

// Beat implements [journal.Team].
func (t *team) Beat(ctx context.Context, offers []string) (roll journal.Roll, err error) {
	known, err := migrations()
	if err != nil {
		return roll, err
	}
	if offers == nil {
		offers = []string{}
	}
	err = t.with(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		roll = journal.Roll{}
		alive := false
		q := &pgx.Batch{}
		q.Queue(beatQuery, t.Me(), t.s.write.name, who(), len(known), offers).Query(func(rows pgx.Rows) error {
			alive = rows.Next()
			rows.Close()
			return rows.Err()
		})
		q.Queue(rollQuery).Query(func(rows pgx.Rows) error {
			var m journal.Member
			_, err := pgx.ForEachRow(rows, []any{&m.ID, &m.Beat, &m.Who, &m.Offers, &m.Gone}, func() error {
				m.Offers = slices.Clone(m.Offers)
				roll.Members = append(roll.Members, m)
				return nil
			})
			return err
		})
		q.Queue(leasesQuery).Query(func(rows pgx.Rows) error {
			var l journal.Lease
			_, err := pgx.ForEachRow(rows, []any{&l.Name, &l.Holder, &l.Epoch}, func() error {
				roll.Leases = append(roll.Leases, l)
				return nil
			})
			return err
		})
		if err := conn.SendBatch(ctx, q).Close(); err != nil {
			return err
		}
		if !alive {
			return errFenced(t.Me())
		}
		t.joined.Store(true)
		return nil
	})
	return roll, err
}

// turned runs f under the head row's lock, between two batches of anybody, and lets each process look
// at its leases again.
func (t *team) turned(ctx context.Context, f func(ctx context.Context, tx pgx.Tx) error) error {
	return t.with(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, lockQuery); err != nil {
				return err
			}
			var shut bool
			if err := tx.QueryRow(ctx, shutQuery, t.Me()).Scan(&shut); err != nil {
				return err
			}
			if shut {
				return errFenced(t.Me())
			}
			if err := f(ctx, tx); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, turnQuery)
			return err
		})
	})
}

// Take implements [journal.Team]. What it took and was not told of, for the answer was lost, it gets
// told of by the next roll.
func (t *team) Take(ctx context.Context, names []string) (got []string, err error) {
	err = t.turned(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		rows, _ := tx.Query(ctx, takeQuery, t.Me(), names) // CollectRows returns the error
		got, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return got, err
}

// Give implements [journal.Team].
func (t *team) Give(ctx context.Context, names []string) error {
	return t.turned(ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, giveQuery, t.Me(), names)
		return err
	})
}

// Fence implements [journal.Team]. The sessions of the member are ended first: one that stands still in
// the middle of a batch holds the head row.
func (t *team) Fence(ctx context.Context, id, beat int64) (done bool, err error) {
	if err := t.with(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, endSessions, id, beat)
		return err
	}); err != nil {
		return false, err
	}
	err = t.turned(ctx, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, fenceQuery, id, beat)
		if done = tag.RowsAffected() > 0; err != nil || !done {
			return err
		}
		_, err = tx.Exec(ctx, freeQuery, id)
		return err
	})
	return done, err
}

// leave gives up what is held, so that others need not wait for it.
func (t *team) leave(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	if t.conn == nil {
		return nil
	}
	err := pgx.BeginFunc(ctx, t.conn, func(tx pgx.Tx) error {
		q := &pgx.Batch{}
		q.Queue(lockQuery)
		q.Queue(freeQuery, t.Me())
		q.Queue("DELETE FROM member WHERE id = $1 AND NOT fenced", t.Me())
		q.Queue(turnQuery)
		return tx.SendBatch(ctx, q).Close()
	})
	if !passing(onConn(t.conn, err)) && err != nil {
		return errors.Join(fmt.Errorf("leaving the others: %w", err), t.conn.Close(ctx))
	}
	return t.conn.Close(ctx) // a server that is away learns of it by the silence
}

// look reads what the writer may run, under the head row's lock, once that has turned.
func (w *writer) look(q *pgx.Batch) {
	held, fenced := map[string]bool{}, false
	q.Queue(heldQuery, w.id).Query(func(rows pgx.Rows) error {
		var name string
		_, err := pgx.ForEachRow(rows, []any{&name}, func() error {
			held[name] = true
			return nil
		})
		return err
	})
	q.Queue(shutQuery, w.id).QueryRow(func(row pgx.Row) error {
		if err := row.Scan(&fenced); err != nil {
			return err
		}
		if fenced {
			return errFenced(w.id)
		}
		w.held = held
		return nil
	})
}

// mine refuses a batch that works for a subscription which others run by now.
func (w *writer) mine(b *journal.Batch) error {
	last := ""
	check := func(sub string) error {
		if sub == last || w.held[sub] {
			last = sub
			return nil
		}
		return fmt.Errorf("%w: the lease of %s is not member %d's", journal.ErrFenced, sub, w.id)
	}
	for i := range b.Delivered {
		if err := check(b.Delivered[i].Sub); err != nil {
			return err
		}
	}
	for _, u := range b.Units {
		if u.Cause.Done {
			if err := check(u.Cause.Sub); err != nil {
				return err
			}
		}
	}
	return nil
}
