package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/paklog/hub/adapters/internal/sqlrows"
	"github.com/paklog/hub/adapters/internal/stretch"
	"github.com/paklog/hub/core/journal"
)

// queries are the prepared ones of readers.
type queries struct {
	topic, names, claims         *sql.Stmt
	balances, heads, checkpoints *sql.Stmt
	scan                         map[journal.Table]*sql.Stmt
	all                          []*sql.Stmt
}

func (q *queries) prepare(ctx context.Context, db *sql.DB) error {
	var errs []error
	one := func(query string) *sql.Stmt {
		st, err := db.PrepareContext(ctx, query)
		if err != nil {
			errs = append(errs, err)
			return nil
		}
		q.all = append(q.all, st)
		return st
	}
	q.topic = one("SELECT t.last, t.run FROM topic_name n JOIN topic t ON t.id = n.id WHERE n.name = ? AND t.last > ? ORDER BY t.last LIMIT ?")
	q.balances = one("SELECT key, amount, floor FROM balance WHERE key > ? ORDER BY key LIMIT ?")
	q.heads = one("SELECT n.name, h.version, h.last FROM stream_name n JOIN head h ON h.id = n.id WHERE n.name > ? ORDER BY n.name LIMIT ?")
	q.names = one("SELECT name FROM stream_name WHERE name > ? ORDER BY name LIMIT ?")
	q.claims = one("SELECT key FROM " + tableName(journal.TableClaim) + " WHERE key > ? ORDER BY key LIMIT ?")
	q.checkpoints = one("SELECT sub, part, value FROM checkpoint WHERE ?1 = x'' OR sub = ?1 ORDER BY sub, part")
	q.scan = map[journal.Table]*sql.Stmt{}
	for _, t := range journal.Tables {
		q.scan[t] = one("SELECT key, value FROM " + tableName(t) + " WHERE key >= ? ORDER BY key LIMIT ?")
	}
	return errors.Join(errs...)
}

func (q *queries) close() error {
	var errs []error
	for _, st := range q.all {
		errs = append(errs, st.Close())
	}
	return errors.Join(errs...)
}

// Last implements [journal.Log].
func (s *Store) Last(context.Context) (journal.Pos, error) { return journal.Pos(s.last.Load()), nil }

// unitsOf reads rows of the log and gives each unit that is wanted to f until it returns false.
func (s *Store) unitsOf(ctx context.Context, from *lookups, stmt func(*lookup) driver.Stmt, wanted func(stretch.Part) bool, f func(journal.Stored, []journal.Pos) bool, args ...any) error {
	err := from.query(ctx, stmt, func(row []driver.Value) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return stretch.Each(journal.Pos(number(row[0])), blob(row[1]), blob(row[2]), func(p stretch.Part) (bool, error) {
			if !wanted(p) {
				return true, nil
			}
			u, prev, err := p.Stored()
			if err == nil && !f(u, prev) {
				err = sqlrows.ErrStop
			}
			return true, err
		})
	}, args...)
	if err != nil {
		return advice(s.file, fmt.Errorf("reading units: %w", err))
	}
	return nil
}

func between(l *lookup) driver.Stmt { return l.between }

// Units implements [journal.Log].
func (s *Store) Units(ctx context.Context, from journal.Pos, limit int) ([]journal.Stored, error) {
	if limit <= 0 {
		return nil, nil
	}
	var out []journal.Stored
	err := s.unitsOf(ctx, s.pages, between, func(p stretch.Part) bool { return p.First >= from }, func(u journal.Stored, _ []journal.Pos) bool {
		out = append(out, u)
		return len(out) < limit
	}, int64(from), int64(math.MaxInt64))
	return out, err
}

// Holding implements [journal.Log].
func (s *Store) Holding(ctx context.Context, pos journal.Pos) (journal.Stored, error) {
	u, _, err := s.holding(ctx, pos)
	return u, err
}

func (s *Store) holding(ctx context.Context, pos journal.Pos) (u journal.Stored, prev []journal.Pos, err error) {
	var one stretch.Part
	err = s.look.query(ctx, func(l *lookup) driver.Stmt { return l.holding }, func(row []driver.Value) error {
		return stretch.Each(journal.Pos(number(row[0])), blob(row[1]), blob(row[2]), func(p stretch.Part) (bool, error) {
			if p.First > pos || p.Behind <= pos {
				return true, nil
			}
			one = p
			if len(p.Data) < len(blob(row[1])) {
				one.Data = bytes.Clone(p.Data) // whoever keeps something of it keeps no whole page
			}
			return false, nil
		})
	}, int64(pos))
	if err == nil && one.Data != nil {
		u, prev, err = one.Stored()
	}
	if err != nil {
		return u, nil, advice(s.file, fmt.Errorf("reading units: %w", err))
	}
	if one.Data == nil {
		return u, nil, fmt.Errorf("position %d: %w", pos, journal.ErrNoUnit)
	}
	return u, prev, nil
}

// Topics implements [journal.Log].
func (s *Store) Topics(ctx context.Context, topics []string, after journal.Pos, limit int) ([]journal.Record, error) {
	var at []journal.Pos
	// The topics are looked up one after the other while the writer goes on: what it commits
	// meanwhile is of the next page, or a page would hold one record and not an earlier one.
	last := journal.Pos(s.last.Load())
	for _, t := range topics {
		list, err := s.positions(ctx, t, after, limit)
		if err != nil {
			return nil, err
		}
		at = append(at, list...)
	}
	if len(topics) > 1 {
		slices.Sort(at)
		at = slices.Compact(at)
		n, _ := slices.BinarySearch(at, last+1)
		at = at[:n]
	}
	return s.records(ctx, at[:min(len(at), max(limit, 0))])
}

// positions are those of one topic, up to limit.
func (s *Store) positions(ctx context.Context, topic string, after journal.Pos, limit int) ([]journal.Pos, error) {
	var at []journal.Pos
	read := func(from journal.Pos, most int) (n int, err error) {
		rows, err := s.q.topic.QueryContext(ctx, []byte(topic), int64(from), most)
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		for ; rows.Next(); n++ {
			var last int64
			var b sql.RawBytes
			if err := rows.Scan(&last, &b); err != nil {
				return n, err
			}
			if at, err = stretch.ReadRun(at, b, journal.Pos(last), after, limit); err != nil {
				return n, err
			}
		}
		return n, rows.Err()
	}
	for from := after; len(at) < limit; {
		// A row lists at least one position and seldom less than a few dozen.
		page := min(limit-len(at), 32)
		n, err := read(from, page)
		if err != nil {
			return nil, advice(s.file, fmt.Errorf("reading topic %s: %w", topic, err))
		}
		if n < page || len(at) == 0 {
			break
		}
		from = at[len(at)-1]
	}
	return at, nil
}

// dense is how many positions a stretch of the log may have for each that is wanted before they
// are looked up one by one.
const dense = 4

// records reads the records at positions, which are in order.
func (s *Store) records(ctx context.Context, at []journal.Pos) ([]journal.Record, error) {
	out := make([]journal.Record, 0, len(at))
	for len(at) > 0 {
		n := 1
		for n < len(at) && at[n]-at[n-1] <= dense {
			n++
		}
		got := len(out)
		want := at[:n]
		whole := at[n-1]-at[0] == journal.Pos(n-1) // all that is read is wanted
		err := s.unitsOf(ctx, s.pages, between, func(p stretch.Part) bool { return p.Behind > want[0] }, func(u journal.Stored, _ []journal.Pos) bool {
			for len(want) > 0 {
				r, ok := u.At(want[0])
				if !ok {
					break
				}
				if !whole {
					r.Compact()
				}
				out = append(out, r)
				want = want[1:]
			}
			return len(want) > 0
		}, int64(at[0]), int64(at[n-1]))
		if err != nil {
			return nil, err
		}
		if len(out)-got != n {
			return nil, fmt.Errorf("position %d is listed in a topic or stream and not in the log: run `paklog audit`", want[0])
		}
		at = at[n:]
	}
	return out, nil
}

// Stream implements [journal.Log].
func (s *Store) Stream(ctx context.Context, stream string, after uint64, limit int) ([]journal.Record, error) {
	id, h, err := s.head(ctx, stream)
	if err != nil || h.Version <= after || limit <= 0 {
		return nil, err
	}
	// From the end of the page, or the first milestone behind it, the links lead back.
	last := min(h.Version, after+uint64(limit))
	pos, version := h.Last, h.Version
	if m := (last + stretch.Every - 1) / stretch.Every * stretch.Every; m < h.Version {
		found, err := s.one(ctx, func(l *lookup) driver.Stmt { return l.milestone }, "stream "+stream, func(row []driver.Value) error {
			pos = journal.Pos(number(row[0]))
			return nil
		}, id, int64(m))
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, fmt.Errorf("reading stream %s: nothing says where version %d stands: run `paklog audit`", stream, m)
		}
		version = m
	}
	var out []journal.Record
	for pos > 0 {
		u, prev, err := s.holding(ctx, pos)
		if err != nil {
			return nil, fmt.Errorf("reading stream %s: %w", stream, err)
		}
		for pos >= u.First && pos > 0 {
			r, ok := u.At(pos)
			if !ok || r.Stream != stream || r.Version != version {
				return nil, fmt.Errorf("reading stream %s: position %d is not version %d of it: run `paklog audit`", stream, pos, version)
			}
			version--
			if r.Version <= after {
				pos = 0
				break
			}
			if r.Version <= last {
				out = append(out, r)
			}
			pos = prev[pos-u.First]
		}
	}
	slices.Reverse(out)
	return out, nil
}
