package journalmem

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/paklog/hub/core/journal"
)

// Store is a journal in memory. All methods are safe for concurrent use.
type Store struct {
	mu     sync.Mutex
	tables Tables
	staged journal.Staged
	units  []unit
	topics positions
	events positions // of each stream, version 1 first
	last   journal.Pos
	read   [1024]readUnit // lately, by their place in units: a backlog is read by many
	hook   Hook
	closed bool
}

type unit struct {
	first    journal.Pos
	data     []byte
	versions []uint64
}

type readUnit struct {
	there bool
	journal.Stored
}

// positions of records, ascending, by a name of theirs.
type positions map[string]*[]journal.Pos

func (p positions) add(name string, pos journal.Pos) {
	list := p[name]
	if list == nil {
		list = &[]journal.Pos{}
		p[name] = list
	}
	*list = append(*list, pos)
}

func (p positions) of(name string) []journal.Pos {
	if list := p[name]; list != nil {
		return *list
	}
	return nil
}

// Hook sees a batch before it is judged. It may refuse units (an entry a unit; nil judges
// it; a nil slice judges all) or fail the whole batch. A refused unit takes its lane's tail with it.
type Hook func(b *journal.Batch) ([]*journal.Refusal, error)

var _ journal.Driver = (*Store)(nil)

// New is an empty journal.
func New() *Store {
	return &Store{topics: positions{}, events: positions{}}
}

// SetHook plants a fault into the writes that follow; nil takes it out.
func (s *Store) SetHook(h Hook) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = h
}

var errClosed = errors.New("journal is closed")

// Reopen is the store that another process would find: its tables are folded again from the
// stored units. s is closed.
func (s *Store) Reopen(ctx context.Context) (*Store, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	n := New()
	for _, u := range s.units {
		stored, err := u.stored()
		if err != nil {
			return nil, err
		}
		if err := n.tables.Fold(ctx, &stored); err != nil {
			return nil, err
		}
		n.add(u.first, &stored.Unit, u.data)
	}
	for sub, parts := range s.tables.parts {
		for i, c := range parts.at {
			if c == nil {
				continue
			}
			read, err := journal.DecodeCheckpoint(c.Append(nil))
			if err != nil {
				return nil, err
			}
			n.tables.setCheckpoint(sub, uint8(i), read)
		}
	}
	return n, nil
}

// Write implements [journal.Writer].
func (s *Store) Write(ctx context.Context, b *journal.Batch) ([]*journal.Refusal, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	refused, err := s.planted(b)
	if err != nil {
		return nil, err
	}
	rest := *b
	if refused != nil {
		rest.Units = nil
		for i, u := range b.Units {
			if refused[i] == nil {
				rest.Units = append(rest.Units, u)
			}
		}
	}
	refusals, err := s.staged.Stage(ctx, &s.tables, s.last, &rest)
	if err != nil {
		return nil, err
	}
	s.commit()
	for i, r := range refused {
		if r != nil {
			refusals = slices.Insert(refusals, i, r)
		}
	}
	return refusals, nil
}

// planted asks the hook.
func (s *Store) planted(b *journal.Batch) ([]*journal.Refusal, error) {
	if s.hook == nil {
		return nil, nil
	}
	refused, err := s.hook(b)
	if refused == nil || err != nil {
		return nil, err
	}
	refused = slices.Clone(refused)
	lanes := map[uint64]bool{}
	for i, u := range b.Units {
		if refused[i] == nil && lanes[u.Lane] {
			refused[i] = &journal.Refusal{Why: journal.RefusedLane, What: "an earlier unit of its lane was refused"}
		}
		if refused[i] != nil && u.Lane != 0 {
			lanes[u.Lane] = true
		}
	}
	return refused, nil
}

func (s *Store) commit() {
	st := &s.staged
	s.tables.Apply(&journal.Changes{Heads: st.Heads, Balances: st.Balances, Rows: st.Rows})
	for _, c := range st.Checkpoints {
		s.tables.setCheckpoint(c.Sub, c.Part, c.Checkpoint)
	}
	for _, u := range st.Units {
		data := u.Data
		if u.Unit.Stored == nil { // it lies in what is used again
			data = slices.Clone(data)
		}
		s.add(u.First, u.Unit, data)
	}
	s.last = st.Last
}

func (s *Store) add(first journal.Pos, u *journal.Unit, data []byte) {
	versions := make([]uint64, len(u.Records))
	for i := range u.Records {
		r := &u.Records[i]
		pos := first + journal.Pos(i)
		versions[i] = r.Version
		if r.Topic != "" {
			s.topics.add(r.Topic, pos)
		}
		if r.Stream != "" {
			s.events.add(r.Stream, pos)
		}
	}
	s.units = append(s.units, unit{first, data, versions})
	s.last = first + journal.Pos(max(1, len(u.Records))) - 1
}

func (u unit) stored() (journal.Stored, error) {
	d, err := journal.DecodeOwn(u.first, u.data) // which stay as they are
	if err != nil {
		return journal.Stored{}, fmt.Errorf("reading the log: %w", err)
	}
	for i := range d.Records {
		d.Records[i].Version = u.versions[i]
	}
	return journal.Stored{First: u.first, Unit: *d}, nil
}

// holding is the index of the unit that holds pos.
func (s *Store) holding(pos journal.Pos) int {
	i, found := slices.BinarySearchFunc(s.units, pos, func(u unit, p journal.Pos) int { return cmp.Compare(u.first, p) })
	if !found {
		i--
	}
	return i
}

func (s *Store) records(at []journal.Pos) ([]journal.Record, error) {
	out := make([]journal.Record, 0, len(at))
	var last journal.Stored
	for _, pos := range at {
		r, ok := last.At(pos)
		if !ok {
			i := s.holding(pos)
			u, seen := s.units[i], &s.read[i%len(s.read)]
			if !seen.there || seen.First != u.first {
				var err error
				if seen.Stored, err = u.stored(); err != nil {
					return nil, err
				}
				seen.there = true
			}
			last = seen.Stored
			r, _ = last.At(pos)
		}
		out = append(out, r)
	}
	return out, nil
}

// Last implements [journal.Log].
func (s *Store) Last(context.Context) (journal.Pos, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last, nil
}

// Topics implements [journal.Log].
func (s *Store) Topics(_ context.Context, topics []string, after journal.Pos, limit int) ([]journal.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var at []journal.Pos
	for _, t := range topics {
		list := s.topics.of(t)
		i, _ := slices.BinarySearch(list, after+1)
		at = append(at, list[i:min(len(list), i+max(limit, 0))]...)
	}
	slices.Sort(at)
	at = slices.Compact(at)
	return s.records(at[:min(len(at), max(limit, 0))])
}

// Stream implements [journal.Log].
func (s *Store) Stream(_ context.Context, stream string, after uint64, limit int) ([]journal.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.events.of(stream)
	from := min(uint64(len(list)), after)
	list = list[from:]
	return s.records(list[:min(len(list), max(limit, 0))])
}

// Units implements [journal.Log].
func (s *Store) Units(_ context.Context, from journal.Pos, limit int) ([]journal.Stored, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := 0
	if from > 0 {
		i = s.holding(from-1) + 1
	}
	var out []journal.Stored
	for ; i < len(s.units) && len(out) < limit; i++ {
		u, err := s.units[i].stored()
		if err != nil {
			return out, err
		}
		out = append(out, u)
	}
	return out, nil
}

// Holding implements [journal.Log].
func (s *Store) Holding(_ context.Context, pos journal.Pos) (journal.Stored, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if pos == 0 || pos > s.last {
		return journal.Stored{}, fmt.Errorf("position %d: %w", pos, journal.ErrNoUnit)
	}
	return s.units[s.holding(pos)].stored()
}

// Head implements [journal.View].
func (s *Store) Head(ctx context.Context, stream string) (journal.Head, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tables.Head(ctx, stream)
}

// Balance implements [journal.View].
func (s *Store) Balance(ctx context.Context, book, account string) (journal.Balance, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tables.Balance(ctx, book, account)
}

// Row implements [journal.View].
func (s *Store) Row(ctx context.Context, t journal.Table, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tables.Row(ctx, t, key)
}

// Checkpoint implements [journal.View]. What it returns is the caller's.
func (s *Store) Checkpoint(ctx context.Context, sub string, part uint8) (*journal.Checkpoint, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.tables.Checkpoint(ctx, sub, part)
	return c.Clone(), err
}

// Scan implements [journal.Scanner].
func (s *Store) Scan(ctx context.Context, t journal.Table, prefix, after string, limit int) ([]journal.Row, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tables.Scan(ctx, t, prefix, after, limit)
}

// Balances implements [journal.Scanner].
func (s *Store) Balances(ctx context.Context, book, account string, limit int) ([]journal.BalanceRow, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tables.Balances(ctx, book, account, limit)
}

// Heads implements [journal.Scanner].
func (s *Store) Heads(ctx context.Context, after string, limit int) ([]journal.HeadRow, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tables.Heads(ctx, after, limit)
}

// Checkpoints implements [journal.Scanner].
func (s *Store) Checkpoints(ctx context.Context, sub string) ([]journal.CheckpointRow, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tables.Checkpoints(ctx, sub)
}

// Close ends writing.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// Copy is a store of the units of a log that begin at or before upTo, as the process would find it
// that goes on there. parts are how far the subscriptions had come by then.
func Copy(ctx context.Context, log journal.Log, upTo journal.Pos, parts []journal.CheckpointRow) (*Store, error) {
	n := New()
	versions := map[string]uint64{}
	for from := journal.Pos(1); ; {
		units, err := log.Units(ctx, from, 1000)
		if err != nil {
			return nil, fmt.Errorf("reading the log: %w", err)
		}
		for i := range units {
			u := &units[i]
			if u.First > upTo {
				units = nil
				break
			}
			for k := range u.Unit.Records {
				if r := &u.Unit.Records[k]; r.Stream != "" {
					versions[r.Stream]++
					r.Version = versions[r.Stream]
				}
			}
			if err := n.tables.Fold(ctx, u); err != nil {
				return nil, err
			}
			n.add(u.First, &u.Unit, journal.AppendUnit(nil, &u.Unit))
			from = n.last + 1
		}
		if len(units) == 0 {
			break
		}
	}
	for _, p := range parts {
		n.tables.setCheckpoint(p.Sub, p.Part, p.Checkpoint.Clone())
	}
	return n, nil
}
