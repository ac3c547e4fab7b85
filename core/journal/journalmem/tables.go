package journalmem

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/paklog/hub/core/journal"
)

// Tables are the tables of a journal, folded in memory. The zero value is those of an empty
// log. It implements [journal.View] and [journal.Scanner]; it is not safe for concurrent use.
type Tables struct {
	heads    sorted[journal.Head]
	balances sorted[journal.Balance]
	rows     map[journal.Table]*sorted[[]byte]
	parts    map[string]*partitions
	asked    *partitions // of the subscription that was asked for last
	changes  journal.Changes
}

var (
	_ journal.View    = (*Tables)(nil)
	_ journal.Scanner = (*Tables)(nil)
)

// Apply writes what judged units did. Marks of records that are not open are passed over: a
// log does not say what was delivered.
func (t *Tables) Apply(c *journal.Changes) {
	for _, h := range c.Heads {
		t.heads.put(h.Stream, h.Head)
	}
	for _, b := range c.Balances {
		t.balances.put(balanceKey(b.Book, b.Account), b.Balance)
	}
	for _, r := range c.Rows {
		if r.Value == nil {
			t.table(r.Table).delete(r.Key)
		} else {
			t.table(r.Table).put(r.Key, r.Value)
		}
	}
	for _, m := range c.Marks {
		if c, _ := t.Checkpoint(context.Background(), m.Sub, m.Part); c != nil {
			c.Finish(m.Pos)
		}
	}
}

// Fold judges a unit of a log again and applies it. Checkpoints stay as they are. A unit that is
// refused could never have been written: the log is damaged.
func (t *Tables) Fold(ctx context.Context, s *journal.Stored) error {
	t.changes.Reset()
	r, err := journal.Judge(ctx, unmarked{t}, s.First, &s.Unit, &t.changes)
	if err != nil {
		return fmt.Errorf("folding the unit at %d: %w", s.First, err)
	}
	if r != nil {
		return fmt.Errorf("folding the unit at %d: %w", s.First, r)
	}
	t.changes.Marks = t.changes.Marks[:0]
	t.Apply(&t.changes)
	return nil
}

// unmarked is a view that judges no marks.
type unmarked struct{ *Tables }

func (unmarked) Checkpoint(context.Context, string, uint8) (*journal.Checkpoint, error) {
	return nil, nil
}

func balanceKey(book, account string) string { return book + "\x00" + account }

func (t *Tables) table(name journal.Table) *sorted[[]byte] {
	s := t.rows[name]
	if s == nil {
		if t.rows == nil {
			t.rows = map[journal.Table]*sorted[[]byte]{}
		}
		s = &sorted[[]byte]{}
		t.rows[name] = s
	}
	return s
}

// partitions are the checkpoints of a subscription.
type partitions struct {
	sub string
	at  [journal.Partitions]*journal.Checkpoint
}

// partitions are those of a subscription, nil where it has none.
func (t *Tables) partitions(sub string) *partitions {
	if t.asked == nil || t.asked.sub != sub {
		t.asked = t.parts[sub]
	}
	return t.asked
}

func (t *Tables) setCheckpoint(sub string, part uint8, c *journal.Checkpoint) {
	p := t.partitions(sub)
	if p == nil {
		if t.parts == nil {
			t.parts = map[string]*partitions{}
		}
		p = &partitions{sub: sub}
		t.parts[sub] = p
	}
	p.at[part] = c
}

// Head implements [journal.View].
func (t *Tables) Head(_ context.Context, stream string) (journal.Head, error) {
	return t.heads.m[stream], nil
}

// Balance implements [journal.View].
func (t *Tables) Balance(_ context.Context, book, account string) (journal.Balance, error) {
	return t.balances.m[balanceKey(book, account)], nil
}

// Row implements [journal.View].
func (t *Tables) Row(_ context.Context, table journal.Table, key string) ([]byte, error) {
	if s := t.rows[table]; s != nil {
		return s.m[key], nil
	}
	return nil, nil
}

// Checkpoint implements [journal.View].
func (t *Tables) Checkpoint(_ context.Context, sub string, part uint8) (*journal.Checkpoint, error) {
	if p := t.partitions(sub); p != nil && int(part) < len(p.at) && p.at[part] != nil {
		return p.at[part], nil
	}
	return &journal.Checkpoint{}, nil
}

// Scan implements [journal.Scanner].
func (t *Tables) Scan(_ context.Context, table journal.Table, prefix, after string, limit int) ([]journal.Row, error) {
	var out []journal.Row
	t.table(table).scan(prefix, after, limit, func(k string, v []byte) {
		out = append(out, journal.Row{Key: k, Value: v})
	})
	return out, nil
}

// Balances implements [journal.Scanner].
func (t *Tables) Balances(_ context.Context, book, account string, limit int) ([]journal.BalanceRow, error) {
	var out []journal.BalanceRow
	after := ""
	if book != "" || account != "" {
		after = balanceKey(book, account)
	}
	t.balances.scan("", after, limit, func(k string, v journal.Balance) {
		b, a, _ := strings.Cut(k, "\x00")
		out = append(out, journal.BalanceRow{Book: b, Account: a, Balance: v})
	})
	return out, nil
}

// Heads implements [journal.Scanner].
func (t *Tables) Heads(_ context.Context, after string, limit int) ([]journal.HeadRow, error) {
	var out []journal.HeadRow
	t.heads.scan("", after, limit, func(k string, v journal.Head) {
		out = append(out, journal.HeadRow{Stream: k, Head: v})
	})
	return out, nil
}

// Checkpoints implements [journal.Scanner].
func (t *Tables) Checkpoints(_ context.Context, sub string) ([]journal.CheckpointRow, error) {
	var out []journal.CheckpointRow
	names := []string{sub}
	if sub == "" {
		names = slices.Sorted(maps.Keys(t.parts))
	}
	for _, name := range names {
		parts := t.parts[name]
		if parts == nil {
			continue
		}
		for i, c := range parts.at {
			if c != nil {
				out = append(out, journal.CheckpointRow{Sub: name, Part: uint8(i), Checkpoint: c.Clone()})
			}
		}
	}
	return out, nil
}
