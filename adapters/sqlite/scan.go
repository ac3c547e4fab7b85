package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"

	"github.com/paklog/hub/core/journal"
)

// one looks a row up by its key.
func (s *Store) one(ctx context.Context, stmt func(*lookup) driver.Stmt, what string, row func([]driver.Value) error, args ...any) (found bool, err error) {
	err = s.look.query(ctx, stmt, func(v []driver.Value) error {
		found = true
		return row(v)
	}, args...)
	if err != nil {
		return false, advice(s.file, fmt.Errorf("reading %s: %w", what, err))
	}
	return found, nil
}

func (s *Store) head(ctx context.Context, stream string) (id int64, h journal.Head, err error) {
	name := []byte(stream)
	if s.names.absent(name) {
		return 0, journal.Head{}, nil
	}
	begun := s.glances.begin()
	var r streamRow
	if _, err = s.one(ctx, func(l *lookup) driver.Stmt { return l.stream }, "stream "+stream, func(row []driver.Value) error {
		r = streamOf(row)
		return nil
	}, name); err == nil {
		keep(s.glances, s.glances.streams, begun, stream, r)
	}
	return r.id, r.head, err
}

// Head implements [journal.View].
func (s *Store) Head(ctx context.Context, stream string) (journal.Head, error) {
	_, h, err := s.head(ctx, stream)
	return h, err
}

// Balance implements [journal.View].
func (s *Store) Balance(ctx context.Context, book, account string) (b journal.Balance, err error) {
	_, err = s.one(ctx, func(l *lookup) driver.Stmt { return l.balance }, "a balance", func(row []driver.Value) error {
		b = balanceOf(row)
		return nil
	}, balanceKey(book, account))
	return b, err
}

// unclaimed reports that key is of a claim that is surely not there.
func (s *Store) unclaimed(t journal.Table, key string) bool {
	return t == journal.TableClaim && s.claims.absent([]byte(key))
}

// Row implements [journal.View].
func (s *Store) Row(ctx context.Context, t journal.Table, key string) (v []byte, err error) {
	if !slices.Contains(journal.Tables, t) {
		return nil, fmt.Errorf("no such table: %s", t)
	}
	if s.unclaimed(t, key) {
		return nil, nil
	}
	begun := s.glances.begin()
	if _, err = s.one(ctx, func(l *lookup) driver.Stmt { return l.row[t] }, "table "+string(t), func(row []driver.Value) error {
		v = blob(row[0])
		return nil
	}, []byte(key)); err == nil && len(v) <= cachedRow {
		keep(s.glances, s.glances.rows, begun, rowID{t, key}, v)
	}
	return v, err
}

// Checkpoint implements [journal.View].
func (s *Store) Checkpoint(ctx context.Context, sub string, part uint8) (*journal.Checkpoint, error) {
	c := &journal.Checkpoint{}
	_, err := s.one(ctx, func(l *lookup) driver.Stmt { return l.checkpoint }, "checkpoint of "+sub, func(row []driver.Value) (err error) {
		c, err = journal.DecodeCheckpoint(blob(row[0]))
		return err
	}, []byte(sub), int64(part))
	if err != nil {
		return &journal.Checkpoint{}, err
	}
	return c, nil
}

// each runs a query and calls f for each row until it returns false.
func (s *Store) each(ctx context.Context, st *sql.Stmt, what string, dst []any, f func() bool, args ...any) error {
	rows, err := st.QueryContext(ctx, args...)
	if err != nil {
		return advice(s.file, fmt.Errorf("reading %s: %w", what, err))
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(dst...); err != nil {
			return fmt.Errorf("reading %s: %w", what, err)
		}
		if !f() {
			return nil
		}
	}
	if err := rows.Err(); err != nil {
		return advice(s.file, fmt.Errorf("reading %s: %w", what, err))
	}
	return nil
}

// Scan implements [journal.Scanner].
func (s *Store) Scan(ctx context.Context, t journal.Table, prefix, after string, limit int) (out []journal.Row, err error) {
	st, ok := s.q.scan[t]
	if !ok {
		return nil, fmt.Errorf("no such table: %s", t)
	}
	from := []byte(prefix)
	if after != "" && after >= prefix {
		from = append([]byte(after), 0) // the least key that sorts behind it
	}
	var key sql.RawBytes
	var value []byte
	err = s.each(ctx, st, "table "+string(t), []any{&key, &value}, func() bool {
		if !bytes.HasPrefix(key, []byte(prefix)) {
			return false
		}
		out = append(out, journal.Row{Key: string(key), Value: value})
		return true
	}, from, max(limit, 0))
	return out, err
}

// Balances implements [journal.Scanner].
func (s *Store) Balances(ctx context.Context, book, account string, limit int) (out []journal.BalanceRow, err error) {
	after := []byte{}
	if book != "" || account != "" {
		after = balanceKey(book, account)
	}
	var key sql.RawBytes
	b := journal.Balance{Exists: true}
	err = s.each(ctx, s.q.balances, "balances", []any{&key, &b.Amount, &b.Floor}, func() bool {
		book, account, _ := bytes.Cut(key, []byte{0})
		out = append(out, journal.BalanceRow{Book: string(book), Account: string(account), Balance: b})
		return true
	}, after, max(limit, 0))
	return out, err
}

// Heads implements [journal.Scanner].
func (s *Store) Heads(ctx context.Context, after string, limit int) (out []journal.HeadRow, err error) {
	var name sql.RawBytes
	var h journal.Head
	err = s.each(ctx, s.q.heads, "heads", []any{&name, &h.Version, &h.Last}, func() bool {
		out = append(out, journal.HeadRow{Stream: string(name), Head: h})
		return true
	}, []byte(after), max(limit, 0))
	return out, err
}

// Checkpoints implements [journal.Scanner].
func (s *Store) Checkpoints(ctx context.Context, sub string) (out []journal.CheckpointRow, err error) {
	var name, value sql.RawBytes
	var part uint8
	var bad error
	err = s.each(ctx, s.q.checkpoints, "checkpoints", []any{&name, &part, &value}, func() bool {
		c, err := journal.DecodeCheckpoint(value)
		if err != nil {
			bad = fmt.Errorf("reading the checkpoint of %s/%d: %w", name, part, err)
			return false
		}
		out = append(out, journal.CheckpointRow{Sub: string(name), Part: part, Checkpoint: c})
		return true
	}, []byte(sub))
	return out, errors.Join(err, bad)
}
