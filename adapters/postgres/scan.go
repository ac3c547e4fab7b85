package postgres

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/paklog/hub/core/journal"
)

// Head implements [journal.View].
func (s *Store) Head(ctx context.Context, name string) (h journal.Head, err error) {
	err = s.reading(ctx, "stream "+name, func(ctx context.Context, q querier) error {
		v, err := streamRow(ctx, q, name)
		h = v.head
		return err
	})
	return h, err
}

// Balance implements [journal.View].
func (s *Store) Balance(ctx context.Context, book, account string) (b journal.Balance, err error) {
	err = s.reading(ctx, "a balance", func(ctx context.Context, q querier) error {
		b = journal.Balance{}
		return each(ctx, q, balancesQuery, func(v [][]byte) error {
			b = balanceOf(v)
			return nil
		}, [][]byte{[]byte(balanceKey(book, account))})
	})
	return b, err
}

// Row implements [journal.View].
func (s *Store) Row(ctx context.Context, t journal.Table, key string) (value []byte, err error) {
	if !slices.Contains(journal.Tables, t) {
		return nil, fmt.Errorf("no such table: %s", t)
	}
	err = s.reading(ctx, "table "+string(t), func(ctx context.Context, q querier) error {
		value = nil
		return each(ctx, q, rowsQuery(t), func(v [][]byte) error {
			value = bytes.Clone(v[1])
			return nil
		}, [][]byte{[]byte(key)})
	})
	return value, err
}

// Checkpoint implements [journal.View].
func (s *Store) Checkpoint(ctx context.Context, sub string, part uint8) (c *journal.Checkpoint, err error) {
	c = &journal.Checkpoint{}
	err = s.reading(ctx, "checkpoint of "+sub, func(ctx context.Context, q querier) error {
		c = &journal.Checkpoint{}
		return each(ctx, q, checkpointsQuery, func(v [][]byte) (err error) {
			c, err = journal.DecodeCheckpoint(v[2])
			return err
		}, [][]byte{[]byte(sub)}, []int16{int16(part)})
	})
	if err != nil {
		return &journal.Checkpoint{}, err
	}
	return c, nil
}

// beyond sorts behind every key.
var beyond = strings.Repeat("\xff", longest+1)

// behind is the least key that sorts behind all that begin with prefix.
func behind(prefix string) string {
	for n := len(prefix); n > 0; n-- {
		if c := prefix[n-1]; c < 0xff {
			return prefix[:n-1] + string([]byte{c + 1})
		}
	}
	return beyond
}

// Scan implements [journal.Scanner].
func (s *Store) Scan(ctx context.Context, t journal.Table, prefix, after string, limit int) (out []journal.Row, err error) {
	if !slices.Contains(journal.Tables, t) {
		return nil, fmt.Errorf("no such table: %s", t)
	}
	from := prefix
	if after != "" && after >= prefix {
		from = after + "\x00" // the least key that sorts behind it
	}
	err = s.reading(ctx, "table "+string(t), func(ctx context.Context, q querier) error {
		out = nil
		return each(ctx, q, "SELECT key, value FROM "+tableName(t)+" WHERE key >= $1 AND key < $2 ORDER BY key LIMIT $3", func(v [][]byte) error {
			out = append(out, journal.Row{Key: string(v[0]), Value: bytes.Clone(v[1])})
			return nil
		}, []byte(from), []byte(behind(prefix)), max(limit, 0))
	})
	return out, err
}

// Balances implements [journal.Scanner].
func (s *Store) Balances(ctx context.Context, book, account string, limit int) (out []journal.BalanceRow, err error) {
	after := ""
	if book != "" || account != "" {
		after = balanceKey(book, account)
	}
	err = s.reading(ctx, "balances", func(ctx context.Context, q querier) error {
		out = nil
		return each(ctx, q, "SELECT key, amount, floor FROM balance WHERE key > $1 ORDER BY key LIMIT $2", func(v [][]byte) error {
			k := accountOf(v[0])
			out = append(out, journal.BalanceRow{Book: k.book, Account: k.name, Balance: balanceOf(v)})
			return nil
		}, []byte(after), max(limit, 0))
	})
	return out, err
}

// Heads implements [journal.Scanner].
func (s *Store) Heads(ctx context.Context, after string, limit int) (out []journal.HeadRow, err error) {
	err = s.reading(ctx, "heads", func(ctx context.Context, q querier) error {
		out = nil
		return each(ctx, q, "SELECT name, id, version, last, tail FROM stream WHERE name > $1 ORDER BY name LIMIT $2", func(v [][]byte) error {
			out = append(out, journal.HeadRow{Stream: string(v[0]), Head: streamOf(v).head})
			return nil
		}, []byte(after), max(limit, 0))
	})
	return out, err
}

// Checkpoints implements [journal.Scanner].
func (s *Store) Checkpoints(ctx context.Context, sub string) (out []journal.CheckpointRow, err error) {
	err = s.reading(ctx, "checkpoints", func(ctx context.Context, q querier) error {
		out = nil
		return each(ctx, q, "SELECT sub, part, value FROM checkpoint WHERE $1 = ''::bytea OR sub = $1 ORDER BY sub, part", func(v [][]byte) error {
			c, err := journal.DecodeCheckpoint(v[2])
			if err != nil {
				return fmt.Errorf("%s/%d: %w", v[0], number(v[1]), err)
			}
			out = append(out, journal.CheckpointRow{Sub: string(v[0]), Part: uint8(number(v[1])), Checkpoint: c})
			return nil
		}, []byte(sub))
	})
	return out, err
}
