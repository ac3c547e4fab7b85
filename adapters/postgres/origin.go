package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/paklog/hub/core/journal"
)

// MoveState is how far a journal has come that moves into a schema, or out of it again.
type MoveState string

// States of a move. A hub starts on a journal that is here or settled, and on no other.
const (
	MoveCopying MoveState = "copying" // it is still where it comes from
	MoveHere    MoveState = "here"    // and may go back
	MoveLeaving MoveState = "leaving" // it is on its way back
	MoveLeft    MoveState = "left"    // it is back where it came from
	MoveSettled MoveState = "settled" // it stays
)

// Origin says where the journal of a schema came from.
type Origin struct {
	Move     string // names the move: the place that the journal came from knows it too
	State    MoveState
	Place    string      // where it came from, for people
	Position journal.Pos // where its log ended when it came
	Changed  time.Time   // State
}

const originQuery = "SELECT move, state, place, position, changed FROM origin"

func originOf(row pgx.CollectableRow) (o Origin, err error) {
	var position int64
	err = row.Scan(&o.Move, &o.State, &o.Place, &position, &o.Changed)
	o.Position = journal.Pos(position)
	return o, err
}

// origin is where the journal came from, nil where it began here.
func origin(ctx context.Context, q querier) (*Origin, error) {
	rows, err := q.Query(ctx, originQuery)
	if err != nil {
		return nil, err
	}
	o, err := pgx.CollectExactlyOneRow(rows, originOf)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return &o, err
}

// settled refuses a journal that is not here, or not here yet.
func settled(ctx context.Context, conn *pgx.Conn) error {
	o, err := origin(ctx, conn)
	if err != nil || o == nil {
		return err
	}
	return o.away()
}

// away says where a journal is that is not here.
func (o *Origin) away() error {
	switch o.State {
	case MoveHere, MoveSettled:
		return nil
	case MoveCopying:
		return fmt.Errorf("%w: it is still on its way here from %s: `paklog migrate to-postgres` goes on with that", journal.ErrMoved, o.Place)
	case MoveLeaving:
		return fmt.Errorf("%w: it is on its way back to %s: `paklog migrate back` goes on with that", journal.ErrMoved, o.Place)
	case MoveLeft:
	}
	return fmt.Errorf("%w: it went back to %s on %s: set store: sqlite, or `paklog migrate to-postgres` brings it here again", journal.ErrMoved, o.Place, o.Changed.UTC().Format(time.DateOnly))
}

// Origin is where the journal came from, nil where it began here.
func (s *Store) Origin(ctx context.Context) (*Origin, error) {
	var out *Origin
	err := s.reading(ctx, "where the journal came from", func(ctx context.Context, q querier) (err error) {
		out, err = origin(ctx, q)
		return err
	})
	return out, err
}

// SetOrigin notes where the journal came from, durably. Only who has the journal for itself may, between
// its writes.
func (s *Store) SetOrigin(ctx context.Context, o Origin) error {
	if err := s.broken.Load(); err != nil {
		return *err
	}
	err := patiently(ctx, s.opts.Patience, func() error {
		if err := s.write.alive(ctx, s.opts.Patience); err != nil {
			return s.write.taken(err)
		}
		ctx, cancel := context.WithTimeout(ctx, s.opts.Timeout)
		defer cancel()
		_, err := s.write.conn.Exec(ctx, `INSERT INTO origin (move, state, place, position, changed) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (one) DO UPDATE SET move = excluded.move, state = excluded.state, place = excluded.place, position = excluded.position, changed = excluded.changed`,
			o.Move, o.State, o.Place, int64(o.Position), o.Changed.UTC())
		return onConn(s.write.conn, err)
	})
	if err != nil {
		return fmt.Errorf("noting that the journal is %s: %w", o.State, s.write.refuse(err))
	}
	return nil
}

// Settle notes that a journal stays here that came by a move; a hub may work on it meanwhile.
func Settle(ctx context.Context, o Options, move string) error {
	return migrating(ctx, o, func(conn *pgx.Conn, _ []Migration) error {
		if err := ready(ctx, conn, o.withDefaults().Schema, false); err != nil {
			return err
		}
		n, err := conn.Exec(ctx, "UPDATE origin SET state = $1, changed = now() WHERE move = $2 AND state IN ($1, $3)", MoveSettled, move, MoveHere)
		if err == nil && n.RowsAffected() == 0 {
			err = fmt.Errorf("%w: what is in %s is not the journal of this move, or is not all of it", journal.ErrMoved, o.Place())
		}
		return err
	})
}
