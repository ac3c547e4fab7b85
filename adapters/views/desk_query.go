package views

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/view"
)

// chunks are a term's bitmaps.
type chunks map[uint32]*roaring.Bitmap

func chunksOf(ctx context.Context, q querier, term string) (chunks, error) {
	rows, err := q.QueryContext(ctx, "SELECT chunk, bits FROM desk_term WHERE term = ?", term)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := chunks{}
	for rows.Next() {
		var chunk uint32
		var bits sql.RawBytes
		if err := rows.Scan(&chunk, &bits); err != nil {
			return nil, err
		}
		b := roaring.New()
		if _, err := b.ReadFrom(bytes.NewReader(bits)); err != nil {
			return nil, fmt.Errorf("the letters of %q: %w", term, err)
		}
		out[chunk] = b
	}
	return out, rows.Err()
}

// filters are the terms that a letter must have: one of each.
func filters(d view.DeskQuery) [][]string {
	out := [][]string{{"all"}}
	for _, f := range [...]struct{ prefix, v string }{
		{"channel:", d.Channel}, {"kind:", d.Kind}, {"route:", d.Route}, {"type:", d.Type}, {"partner:", fold(d.Partner)}, {"fp:", d.Fingerprint},
		{"k:", fold(d.Key)},
	} {
		if f.v != "" {
			out = append(out, []string{f.prefix + f.v})
		}
	}
	for _, w := range words(d.Text) {
		out = append(out, []string{"w:" + w})
	}
	var states []string
	for _, s := range d.States {
		states = append(states, "state:"+s)
	}
	if states != nil {
		out = append(out, states)
	}
	if len(out) > 1 {
		out = out[1:]
	}
	return out
}

// Letters searches the desk's letters, newest first. The cost is that of the bitmaps of the terms
// asked for, whatever they have in common.
func (s *Store) Letters(ctx context.Context, d view.DeskQuery) (view.DeskPage, error) {
	if d.Limit <= 0 || d.Limit > maxPage {
		d.Limit = 50
	}
	var p view.DeskPage
	err := s.reading(ctx, func(q querier, at journal.Pos) error {
		p.Position = at
		from, to, err := span(ctx, q, d)
		if err != nil || from > to {
			return err
		}
		var all []chunks
		for _, either := range filters(d) {
			sum := chunks{}
			for _, term := range either {
				c, err := chunksOf(ctx, q, term)
				if err != nil {
					return err
				}
				for k, b := range c {
					if have := sum[k]; have != nil {
						have.Or(b)
					} else {
						sum[k] = b
					}
				}
			}
			if len(sum) == 0 {
				return nil // nothing has it
			}
			all = append(all, sum)
		}
		return meet(ctx, q, all, from, to, d, &p)
	})
	return p, err
}

// span is which letters are of the time that is asked for.
func span(ctx context.Context, q querier, d view.DeskQuery) (from, to uint32, err error) {
	from, to = 1, 1<<32-1
	one := func(query string, t time.Time, into *uint32) error {
		err := q.QueryRowContext(ctx, query, t.UnixNano()).Scan(into)
		if errors.Is(err, sql.ErrNoRows) {
			from, to = 1, 0
			return nil
		}
		return err
	}
	if !d.From.IsZero() {
		err = one("SELECT seq FROM desk WHERE opened >= ? ORDER BY opened, seq LIMIT 1", d.From, &from)
	}
	if err == nil && !d.To.IsZero() && from <= to {
		err = one("SELECT seq FROM desk WHERE opened < ? ORDER BY opened DESC, seq DESC LIMIT 1", d.To, &to)
	}
	return from, to, err
}

// meet reads a page of the letters that all sets have, and counts them.
func meet(ctx context.Context, q querier, all []chunks, from, to uint32, d view.DeskQuery, p *view.DeskPage) error {
	few := slices.MinFunc(all, func(a, b chunks) int { return len(a) - len(b) })
	var order []uint32
	for k := range few {
		order = append(order, k)
	}
	slices.Sort(order)
	slices.Reverse(order)
	var seqs []uint32
	for _, k := range order {
		var sets []*roaring.Bitmap
		for _, c := range all {
			if c[k] != nil {
				sets = append(sets, c[k])
			}
		}
		if len(sets) < len(all) {
			continue
		}
		b := roaring.FastAnd(sets...)
		if from > 1 {
			b.RemoveRange(0, uint64(from))
		}
		if to < 1<<32-1 {
			b.RemoveRange(uint64(to)+1, 1<<32)
		}
		if p.Total += int(b.GetCardinality()); p.Total > view.DeskCount {
			p.Total, p.More = view.DeskCount, true
		}
		for i := b.ReverseIterator(); i.HasNext() && len(seqs) <= d.Limit; {
			if seq := i.Next(); d.Before == 0 || uint64(seq) < d.Before {
				seqs = append(seqs, seq)
			}
		}
		if p.More && len(seqs) > d.Limit {
			break
		}
	}
	if len(seqs) > d.Limit {
		seqs = seqs[:d.Limit]
		p.Next = uint64(seqs[d.Limit-1])
	}
	for _, seq := range seqs {
		l, err := letterAt(ctx, q, seq)
		if err != nil {
			return err
		}
		p.Items = append(p.Items, l)
	}
	return nil
}

func letterAt(ctx context.Context, q querier, seq uint32) (view.DeskLetter, error) {
	var l view.DeskLetter
	var row []byte
	err := q.QueryRowContext(ctx, "SELECT row FROM desk WHERE seq = ?", seq).Scan(&row)
	if err == nil {
		err = json.Unmarshal(row, &l)
	}
	if err != nil {
		return l, fmt.Errorf("letter %d of the desk's index: %w", seq, err)
	}
	return l, nil
}

// Groups are the letters by fingerprint, those that failed last first; of one fingerprint where it is named.
// now is the hour that their hours end with.
func (s *Store) Groups(ctx context.Context, fingerprint string, now time.Time) ([]view.DeskGroup, error) {
	var out []view.DeskGroup
	err := s.reading(ctx, func(q querier, _ journal.Pos) error {
		var err error
		out, err = groups(ctx, q, fingerprint)
		if err != nil {
			return err
		}
		states := map[string]chunks{}
		for _, st := range []string{"open", "replaying", "resolved", "dropped"} {
			if states[st], err = chunksOf(ctx, q, "state:"+st); err != nil {
				return err
			}
		}
		for i := range out {
			if err := stand(ctx, q, &out[i], states, now); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// mostGroups bounds an answer: causes are few, or nobody can look at them.
const mostGroups = 500

func groups(ctx context.Context, q querier, fingerprint string) ([]view.DeskGroup, error) {
	rows, err := q.QueryContext(ctx, "SELECT first, last, failures, row FROM desk_group WHERE ? = '' OR fp = ? ORDER BY last DESC LIMIT ?", fingerprint, fingerprint, mostGroups)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []view.DeskGroup
	for rows.Next() {
		var g view.DeskGroup
		var first, last int64
		var failures int
		var row []byte
		if err := rows.Scan(&first, &last, &failures, &row); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(row, &g); err != nil {
			return nil, err
		}
		g.First, g.Last, g.Failures = time.Unix(0, first).UTC(), time.Unix(0, last).UTC(), failures
		out = append(out, g)
	}
	return out, rows.Err()
}

// stand says how a group's letters stand now.
func stand(ctx context.Context, q querier, g *view.DeskGroup, states map[string]chunks, now time.Time) error {
	of, err := chunksOf(ctx, q, "fp:"+g.Fingerprint)
	if err != nil {
		return err
	}
	count := func(state string) (n int, oldest uint32) {
		for k, b := range of {
			other := states[state][k]
			if other == nil {
				continue
			}
			both := roaring.And(b, other)
			if both.IsEmpty() {
				continue
			}
			n += int(both.GetCardinality())
			if m := both.Minimum(); oldest == 0 || m < oldest {
				oldest = m
			}
		}
		return n, oldest
	}
	var oldest uint32
	g.Open, oldest = count("open")
	g.Replaying, _ = count("replaying")
	g.Resolved, _ = count("resolved")
	g.Dropped, _ = count("dropped")
	if oldest != 0 {
		l, err := letterAt(ctx, q, oldest)
		if err != nil {
			return err
		}
		g.Oldest = &l.Opened
	}
	const hours = 24
	g.Hours = make([]int, hours)
	last := hourOf(now)
	rows, err := q.QueryContext(ctx, "SELECT hour, failures FROM desk_hour WHERE fp = ? AND hour > ?", g.Fingerprint, last-hours)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var hour int64
		var n int
		if err := rows.Scan(&hour, &n); err != nil {
			return err
		}
		if i := int(hours - 1 - (last - hour)); i >= 0 && i < hours {
			g.Hours[i] = n
		}
	}
	return rows.Err()
}
