package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/paklog/hub/adapters/internal/stretch"
	"github.com/paklog/hub/core/journal"
)

const (
	lastQuery    = "SELECT last FROM head"
	holdingQuery = "SELECT pos, data, parts FROM stretch WHERE pos <= $1 ORDER BY pos DESC LIMIT 1"
	betweenQuery = `SELECT pos, data, parts FROM stretch
		WHERE pos BETWEEN coalesce((SELECT max(pos) FROM stretch WHERE pos <= $1), 0) AND $2 ORDER BY pos LIMIT $3`
	// Positions far from one another: the row that holds each, once.
	apartQuery = `SELECT s.pos, s.data, s.parts FROM
		(SELECT DISTINCT (SELECT max(pos) FROM stretch WHERE pos <= p) AS pos FROM unnest($1::bigint[]) p) w
		JOIN stretch s ON s.pos = w.pos ORDER BY s.pos`
	// Up to $3 runs of each topic, and the end of the log at the same moment.
	runsQuery = `SELECT t.id, t.last, t.run FROM topic_name n
		CROSS JOIN LATERAL (SELECT id, last, run FROM topic WHERE id = n.id AND last > $2 ORDER BY last LIMIT $3) t
		WHERE n.name = ANY($1::bytea[])
		UNION ALL SELECT 0, last, ''::bytea FROM head`
	milestonesQuery = "SELECT version, run FROM milestone WHERE id = $1 AND version > $2 AND version < $3 ORDER BY version"
)

// Last implements [journal.Log].
func (s *Store) Last(ctx context.Context) (last journal.Pos, err error) {
	err = s.reading(ctx, "the end of the log", func(ctx context.Context, q querier) error {
		return each(ctx, q, lastQuery, func(v [][]byte) error {
			last = journal.Pos(number(v[0]))
			return nil
		})
	})
	return last, err
}

func (s *Store) reading(ctx context.Context, what string, f func(context.Context, querier) error) error {
	if err := s.read.with(ctx, f); err != nil {
		return fmt.Errorf("reading %s: %w", what, err)
	}
	return nil
}

// unitsOf runs a query of rows of the log and gives each unit that is wanted to f until it returns
// false. It returns how many rows there were, and the position behind the last unit of them.
func unitsOf(ctx context.Context, q querier, wanted func(stretch.Part) bool, f func(journal.Stored) bool, sql string, args ...any) (n int, behind journal.Pos, err error) {
	err = each(ctx, q, sql, func(v [][]byte) error {
		n++
		return stretch.Each(journal.Pos(number(v[0])), v[1], v[2], func(p stretch.Part) (bool, error) {
			behind = p.Behind
			if !wanted(p) {
				return true, nil
			}
			p.Data = bytes.Clone(p.Data) // the row's are overwritten
			u, _, err := p.Stored()
			if err == nil && !f(u) {
				err = errStop
			}
			return true, err
		})
	}, args...)
	return n, behind, err
}

// unitPage is how many rows of the log are read at once where nobody knows how many units they hold.
const unitPage = 64

// Units implements [journal.Log].
func (s *Store) Units(ctx context.Context, from journal.Pos, limit int) (out []journal.Stored, err error) {
	if limit <= 0 || from > math.MaxInt64 {
		return nil, nil
	}
	err = s.reading(ctx, "units", func(ctx context.Context, q querier) error {
		out = nil
		for next := from; ; {
			n, behind, err := unitsOf(ctx, q, func(p stretch.Part) bool { return p.First >= next }, func(u journal.Stored) bool {
				out = append(out, u)
				return len(out) < limit
			}, betweenQuery, int64(next), int64(math.MaxInt64), min(limit, unitPage))
			if err != nil || n < min(limit, unitPage) || len(out) == limit {
				return err
			}
			next = behind
		}
	})
	return out, err
}

// Holding implements [journal.Log].
func (s *Store) Holding(ctx context.Context, pos journal.Pos) (u journal.Stored, err error) {
	found := false
	err = s.reading(ctx, "units", func(ctx context.Context, q querier) error {
		found = false
		_, _, err := unitsOf(ctx, q, func(p stretch.Part) bool { return p.First <= pos && pos < p.Behind }, func(have journal.Stored) bool {
			u, found = have, true
			return false
		}, holdingQuery, int64(min(pos, math.MaxInt64)))
		return err
	})
	if err == nil && !found {
		err = fmt.Errorf("position %d: %w", pos, journal.ErrNoUnit)
	}
	return u, err
}

// Topics implements [journal.Log].
func (s *Store) Topics(ctx context.Context, topics []string, after journal.Pos, limit int) (out []journal.Record, err error) {
	if limit <= 0 || len(topics) == 0 || after >= math.MaxInt64 {
		return nil, nil
	}
	names := make([][]byte, len(topics))
	for i, t := range topics {
		names[i] = []byte(t)
	}
	err = s.reading(ctx, "topics", func(ctx context.Context, q querier) error {
		at, err := positions(ctx, q, names, after, limit)
		if err == nil {
			out, err = records(ctx, q, at)
		}
		return err
	})
	return out, err
}

// positions are those of topics, up to limit. Where one look does not find enough of them, the next
// takes nothing that was not committed at the first, or it would find one record and had missed
// an earlier one.
func positions(ctx context.Context, q querier, topics [][]byte, after journal.Pos, limit int) ([]journal.Pos, error) {
	var at []journal.Pos
	moment := journal.Pos(0)
	for from := after; ; {
		type runs struct {
			n    int
			last journal.Pos
		}
		seen := map[int64]*runs{}
		page := min(limit, 32) // a row lists at least one position and seldom less than a few dozen
		end := journal.Pos(0)
		var found []journal.Pos
		err := each(ctx, q, runsQuery, func(v [][]byte) (err error) {
			id, last := number(v[0]), journal.Pos(number(v[1]))
			if id == 0 {
				end = last
				return nil
			}
			r := seen[id]
			if r == nil {
				r = &runs{}
				seen[id] = r
			}
			r.n, r.last = r.n+1, max(r.last, last)
			found, err = stretch.ReadRun(found, v[2], last, from, math.MaxInt)
			return err
		}, topics, int64(from), page)
		if err != nil {
			return nil, err
		}
		if moment == 0 {
			moment = end
		}
		// A topic with a full page may go on behind it: up to the least of their ends
		// everything was seen.
		whole, more := moment, false
		for _, r := range seen {
			if r.n == page {
				whole, more = min(whole, r.last), true
			}
		}
		slices.Sort(found)
		n, _ := slices.BinarySearch(found, whole+1)
		at = append(at, found[:n]...)
		if len(at) >= limit {
			return at[:limit], nil
		}
		if !more || whole >= moment {
			return at, nil
		}
		from = whole
	}
}

// dense is how many positions a stretch of the log may have for each that is wanted before they
// are looked up one by one.
const dense = 16

// records reads the records at positions, which are in order.
func records(ctx context.Context, q querier, at []journal.Pos) ([]journal.Record, error) {
	if len(at) == 0 {
		return nil, nil
	}
	out := make([]journal.Record, 0, len(at))
	want := at
	var args []any
	sql := apartQuery
	if first, last := at[0], at[len(at)-1]; last-first <= dense*journal.Pos(len(at)) {
		sql, args = betweenQuery, []any{int64(first), int64(last), int64(math.MaxInt64)}
	} else {
		list := make([]int64, len(at))
		for i, p := range at {
			list[i] = int64(p)
		}
		args = []any{list}
	}
	_, _, err := unitsOf(ctx, q, func(p stretch.Part) bool { return len(want) > 0 && p.First <= want[0] && want[0] < p.Behind }, func(u journal.Stored) bool {
		for len(want) > 0 {
			r, ok := u.At(want[0])
			if !ok {
				break
			}
			out = append(out, r)
			want = want[1:]
		}
		return len(want) > 0
	}, sql, args...)
	if err != nil {
		return nil, err
	}
	if len(want) > 0 {
		return nil, fmt.Errorf("position %d is listed in a topic or stream and not in the log: run `paklog audit`", want[0])
	}
	return out, nil
}

// Stream implements [journal.Log].
func (s *Store) Stream(ctx context.Context, name string, after uint64, limit int) (out []journal.Record, err error) {
	if limit <= 0 {
		return nil, nil
	}
	err = s.reading(ctx, "stream "+name, func(ctx context.Context, q querier) error {
		out = nil
		v, err := streamRow(ctx, q, name)
		if err != nil || v.head.Version <= after {
			return err
		}
		last := min(v.head.Version, after+uint64(limit))
		at, err := standing(ctx, q, v, after, last)
		if err != nil {
			return err
		}
		if out, err = records(ctx, q, at); err != nil {
			return err
		}
		for i, r := range out {
			if version := after + uint64(i) + 1; r.Stream != name || r.Version != version {
				return fmt.Errorf("position %d is not version %d of it: run `paklog audit`", r.Pos, version)
			}
		}
		return nil
	})
	return out, err
}

// standing is where versions after+1 to last of a stream stand.
func standing(ctx context.Context, q querier, v stream, after, last uint64) ([]journal.Pos, error) {
	base := v.head.Version / stretch.Every * stretch.Every
	from := after / stretch.Every * stretch.Every // versions that the first run does not list
	var at []journal.Pos
	var err error
	if from < base {
		up := min(base, (last+stretch.Every-1)/stretch.Every*stretch.Every)
		err = each(ctx, q, milestonesQuery, func(row [][]byte) error {
			return appendRun(&at, row[1])
		}, v.id, int64(from), int64(up+1))
	}
	if err == nil && last > base {
		err = appendRun(&at, v.tail)
	}
	if err != nil {
		return nil, err
	}
	if uint64(len(at)) < last-from {
		return nil, errors.New("where its events stand is not all listed: run `paklog audit`")
	}
	return at[after-from : last-from], nil
}

// appendRun adds all positions of a run.
func appendRun(at *[]journal.Pos, run []byte) (err error) {
	*at, err = stretch.ReadRun(*at, run, stretch.End(run), 0, math.MaxInt)
	return err
}

func streamRow(ctx context.Context, q querier, name string) (v stream, err error) {
	err = each(ctx, q, streamsQuery, func(row [][]byte) error {
		v = streamOf(row)
		return nil
	}, [][]byte{[]byte(name)})
	return v, err
}
