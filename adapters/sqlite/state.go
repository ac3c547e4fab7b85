package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/paklog/hub/adapters/internal/recent"
	"github.com/paklog/hub/adapters/internal/sqlrows"
	"github.com/paklog/hub/core/journal"
)

// state is what the writer knows of the tables: a [journal.View] of what is committed, from memory
// where it was asked for lately and from SQL else. Only Write's goroutine uses it, and it changes
// only after a commit: a batch that failed leaves nothing to take back.
type state struct {
	w           *writer
	streams     *recent.Map[string, *stream]
	balances    *recent.Map[account, journal.Balance]
	rows        *recent.Map[rowID, []byte] // nil: known to be absent
	checkpoints *recent.Map[partition, *journal.Checkpoint]
	topics      *recent.Map[string, int64]
}

type (
	account struct{ book, name string }
	rowID   struct {
		table journal.Table
		key   string
	}
	partition struct {
		sub  string
		part uint8
	}
)

// stream is a stream's head and its id, 0 while it has none.
type stream struct {
	id   int64
	head journal.Head
	// Of the batch being written: where the last event stood, and an id that
	// becomes true with the commit.
	prev  journal.Pos
	newID int64
}

// key is the stream's id in the batch being written.
func (v *stream) key() int64 {
	if v.id != 0 {
		return v.id
	}
	return v.newID
}

// Costs are rough, in bytes: what matters is that memory stays bounded whatever the keys are.
// A cache may take its limit twice.
const (
	cachedStreams  = 12 << 20
	cachedBalances = 8 << 20
	cachedRowBytes = 8 << 20
	cachedRow      = 4 << 10 // larger values are read again
	cachedParts    = 16_384
	cachedTopics   = 10_000
	rowOverhead    = 128 // of any entry, beside its key and value
)

func (a account) cost() int { return rowOverhead + len(a.book) + len(a.name) }

func newState(w *writer) *state {
	return &state{
		w:           w,
		streams:     recent.New[string, *stream](cachedStreams),
		balances:    recent.New[account, journal.Balance](cachedBalances),
		rows:        recent.New[rowID, []byte](cachedRowBytes),
		checkpoints: recent.New[partition, *journal.Checkpoint](cachedParts),
		topics:      recent.New[string, int64](cachedTopics),
	}
}

func (s *state) stream(ctx context.Context, name string) (*stream, error) {
	if v, ok := s.streams.Get(name); ok {
		return v, nil
	}
	v := &stream{}
	if r, ok := take(s.w.s.glances, s.w.s.glances.streams, name); ok {
		v.id, v.head = r.id, r.head
		s.streams.Put(name, v, rowOverhead+len(name))
		return v, nil
	}
	if s.w.s.names.absent([]byte(name)) {
		s.streams.Put(name, v, rowOverhead+len(name))
		return v, nil
	}
	err := s.w.query(ctx, s.w.stmt.stream, func(row []driver.Value) error {
		r := streamOf(row)
		v.id, v.head = r.id, r.head
		return nil
	}, []byte(name))
	if err != nil {
		return nil, err
	}
	s.streams.Put(name, v, rowOverhead+len(name))
	return v, nil
}

// Head implements [journal.View].
func (s *state) Head(ctx context.Context, name string) (journal.Head, error) {
	v, err := s.stream(ctx, name)
	if err != nil {
		return journal.Head{}, err
	}
	return v.head, nil
}

// Balance implements [journal.View].
func (s *state) Balance(ctx context.Context, book, name string) (journal.Balance, error) {
	k := account{book, name}
	if v, ok := s.balances.Get(k); ok {
		return v, nil
	}
	var v journal.Balance
	err := s.w.query(ctx, s.w.stmt.balance, func(row []driver.Value) error {
		v = balanceOf(row)
		return nil
	}, balanceKey(book, name))
	if err == nil {
		s.balances.Put(k, v, k.cost())
	}
	return v, err
}

// Row implements [journal.View].
func (s *state) Row(ctx context.Context, t journal.Table, key string) ([]byte, error) {
	k := rowID{t, key}
	if v, ok := s.rows.Get(k); ok {
		return v, nil
	}
	if v, ok := take(s.w.s.glances, s.w.s.glances.rows, k); ok {
		s.keepRow(k, v)
		return v, nil
	}
	if s.w.s.unclaimed(t, key) {
		s.keepRow(k, nil)
		return nil, nil
	}
	var v []byte
	st, ok := s.w.stmt.row[t]
	if !ok {
		return nil, fmt.Errorf("no such table: %s", t)
	}
	err := s.w.query(ctx, st, func(row []driver.Value) error {
		v = blob(row[0])
		return nil
	}, []byte(key))
	if err == nil {
		s.keepRow(k, v)
	}
	return v, err
}

func (s *state) keepRow(k rowID, v []byte) {
	if len(v) > cachedRow {
		s.rows.Drop(k)
		return
	}
	s.rows.Put(k, v, rowOverhead+len(k.key)+len(v))
}

// Checkpoint implements [journal.View].
func (s *state) Checkpoint(ctx context.Context, sub string, part uint8) (*journal.Checkpoint, error) {
	k := partition{sub, part}
	if v, ok := s.checkpoints.Get(k); ok {
		return v, nil
	}
	v := &journal.Checkpoint{}
	err := s.w.query(ctx, s.w.stmt.checkpoint, func(row []driver.Value) (err error) {
		v, err = journal.DecodeCheckpoint(blob(row[0]))
		return err
	}, []byte(sub), int64(part))
	if err == nil {
		s.checkpoints.Put(k, v, 1)
	}
	return v, err
}

// topic is the topic's id, 0 when it has none yet.
func (s *state) topic(ctx context.Context, name string) (int64, error) {
	if id, ok := s.topics.Get(name); ok {
		return id, nil
	}
	var id int64
	err := s.w.query(ctx, s.w.stmt.topic, func(row []driver.Value) error {
		id = number(row[0])
		return nil
	}, []byte(name))
	if err == nil && id > 0 {
		s.topics.Put(name, id, 1)
	}
	return id, err
}

// committed takes in what a batch wrote.
func (s *state) committed(st *journal.Staged) {
	for _, b := range st.Balances {
		k := account{b.Book, b.Account}
		s.balances.Put(k, b.Balance, k.cost())
	}
	for _, r := range st.Rows {
		// An outside id is seldom asked for again and a snapshot only at a
		// start: they would push out what is.
		if r.Table == journal.TableClaim || r.Table == journal.TableSnapshot {
			s.rows.Drop(rowID{r.Table, r.Key})
			continue
		}
		s.keepRow(rowID{r.Table, r.Key}, r.Value)
	}
	for _, c := range st.Checkpoints {
		s.checkpoints.Put(partition{c.Sub, c.Part}, c.Checkpoint, 1)
	}
}

func balanceKey(book, account string) []byte {
	b := make([]byte, 0, len(book)+1+len(account))
	return append(append(append(b, book...), 0), account...)
}

// query runs a prepared statement on the writer's connection.
func (w *writer) query(ctx context.Context, st driver.Stmt, row func([]driver.Value) error, args ...any) error {
	return sqlrows.Query(ctx, st, row, args...)
}

// A file that was tampered with may hold a value of another type: it reads as the zero value, and
// what needs it says so.

func number(v driver.Value) int64 {
	n, _ := v.(int64)
	return n
}

func blob(v driver.Value) []byte {
	b, _ := v.([]byte)
	return b
}
