package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/paklog/hub/adapters/internal/recent"
	"github.com/paklog/hub/core/journal"
)

// Queries by keys, which the writer and readers have alike.
const (
	streamsQuery     = "SELECT name, id, version, last, tail FROM stream WHERE name = ANY($1::bytea[])"
	balancesQuery    = "SELECT key, amount, floor FROM balance WHERE key = ANY($1::bytea[])"
	checkpointsQuery = "SELECT sub, part, value FROM checkpoint WHERE (sub, part) IN (SELECT * FROM unnest($1::bytea[], $2::smallint[]))"
	topicsQuery      = "SELECT name, id FROM topic_name WHERE name = ANY($1::bytea[])"
)

func tableName(t journal.Table) string { return "row_" + string(t) }

func rowsQuery(t journal.Table) string {
	return "SELECT key, value FROM " + tableName(t) + " WHERE key = ANY($1::bytea[])"
}

// state is what the writer knows of the tables: a [journal.View] of what is committed. What a batch
// will be judged by is read before it in one round trip, where it is not in memory. It changes only
// after a commit, and when it is read.
type state struct {
	w           *writer
	streams     *recent.Map[string, stream]
	balances    *recent.Map[account, journal.Balance]
	rows        *recent.Map[rowID, []byte] // nil: known to be absent
	checkpoints *recent.Map[partition, *journal.Checkpoint]
	topics      *recent.Map[string, int64] // 0: known to be absent
	absent      []string                   // topics that were noted so

	// What the batch asks for and is not known.
	wanted struct {
		streams, balances, topics map[string]struct{}
		rows                      map[journal.Table]map[string]struct{}
		checkpoints               map[partition]struct{}
	}
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

// stream is a stream's row: its id, 0 while it has none, its head, and where its events since the last
// milestone stand (see [stretch.AppendRun]).
type stream struct {
	id   int64
	head journal.Head
	tail []byte
}

// Costs are rough, in bytes: what matters is that memory stays bounded whatever the keys are.
// A map may take its limit twice.
const (
	cachedStreams  = 16 << 20
	cachedBalances = 8 << 20
	cachedRowBytes = 16 << 20
	cachedParts    = 16_384
	cachedTopics   = 10_000
	rowOverhead    = 128 // of any entry, beside its key and value
)

func newState(w *writer) *state {
	s := &state{w: w, topics: recent.New[string, int64](cachedTopics)}
	s.forgetOthers()
	s.forgetParts()
	return s
}

// forgetOthers forgets what other processes may have changed. A topic that has an id keeps it.
func (s *state) forgetOthers() {
	s.streams = recent.New[string, stream](cachedStreams)
	s.balances = recent.New[account, journal.Balance](cachedBalances)
	s.rows = recent.New[rowID, []byte](cachedRowBytes)
	for _, name := range s.absent {
		if id, ok := s.topics.Get(name); ok && id == 0 {
			s.topics.Drop(name)
		}
	}
	s.absent = s.absent[:0]
}

// forgetParts forgets checkpoints, which only change hands with their lease.
func (s *state) forgetParts() {
	s.checkpoints = recent.New[partition, *journal.Checkpoint](cachedParts)
}

func (s *state) keepStream(name string, v stream) {
	s.streams.Put(name, v, rowOverhead+len(name)+len(v.tail))
}

func (s *state) keepBalance(k account, b journal.Balance) {
	s.balances.Put(k, b, rowOverhead+len(k.book)+len(k.name))
}

func (s *state) keepRow(k rowID, v []byte) { s.rows.Put(k, v, rowOverhead+len(k.key)+len(v)) }

// want notes what of a batch is not known.
func (s *state) want(b *journal.Batch) {
	w := &s.wanted
	w.streams, w.balances, w.topics = map[string]struct{}{}, map[string]struct{}{}, map[string]struct{}{}
	w.rows, w.checkpoints = map[journal.Table]map[string]struct{}{}, map[partition]struct{}{}
	for _, d := range b.Delivered {
		s.wantPart(partition{d.Sub, d.Part})
	}
	for _, u := range b.Units {
		s.wantUnit(u)
	}
}

func (s *state) wantPart(k partition) {
	if _, ok := s.checkpoints.Get(k); !ok && len(k.sub) <= longest {
		s.wanted.checkpoints[k] = struct{}{}
	}
}

func (s *state) wantStream(name string) {
	if _, ok := s.streams.Get(name); !ok && name != "" && len(name) <= longest {
		s.wanted.streams[name] = struct{}{}
	}
}

func (s *state) wantRow(t journal.Table, key string) {
	if _, ok := s.rows.Get(rowID{t, key}); ok || len(key) > longest {
		return
	}
	m := s.wanted.rows[t]
	if m == nil {
		m = map[string]struct{}{}
		s.wanted.rows[t] = m
	}
	m[key] = struct{}{}
}

func (s *state) wantUnit(u *journal.Unit) {
	if u.Cause.Done {
		s.wantPart(partition{u.Cause.Sub, u.Cause.Part})
	}
	for i := range u.Expect {
		s.wantStream(u.Expect[i].Stream)
	}
	for i := range u.Records {
		r := &u.Records[i]
		s.wantStream(r.Stream)
		if _, ok := s.topics.Get(r.Topic); !ok && r.Topic != "" {
			s.wanted.topics[r.Topic] = struct{}{}
		}
	}
	for i := range u.Snapshots {
		s.wantStream(u.Snapshots[i].Stream)
	}
	for _, p := range u.Postings {
		if _, ok := s.balances.Get(account{p.Book, p.Account}); !ok {
			s.wanted.balances[balanceKey(p.Book, p.Account)] = struct{}{}
		}
	}
	for i := range u.States {
		s.wantRow(journal.TableState, u.States[i].Key)
	}
	for i := range u.Claims {
		s.wantRow(journal.TableClaim, journal.ClaimKey(u.Claims[i].Scope, u.Claims[i].ID))
	}
	for i := range u.Timers {
		if u.Timers[i].Remove {
			s.wantRow(journal.TableTimer, u.Timers[i].ID)
		}
	}
	for i := range u.Parks {
		if op := &u.Parks[i]; op.Remove {
			s.wantRow(journal.TablePark, journal.ParkKey(op.Sub, op.Key, op.Pos))
		}
	}
	for i := range u.Letters {
		s.wantRow(journal.TableLetter, u.Letters[i].ID)
	}
	for i := range u.Effects {
		s.wantRow(journal.TableEffect, u.Effects[i].Key)
	}
}

// longest is more than any name or key may have; what is longer is refused unread.
const longest = 2100

// queue adds the queries of what is wanted; their answers are taken in as they come.
func (s *state) queue(q *pgx.Batch) {
	w := &s.wanted
	if len(w.streams) > 0 {
		q.Queue(streamsQuery, list(w.streams)).Query(func(rows pgx.Rows) error {
			return all(rows, func(v [][]byte) { delete(w.streams, string(v[0])); s.keepStream(string(v[0]), streamOf(v)) },
				func() {
					for name := range w.streams {
						s.keepStream(name, stream{})
					}
				})
		})
	}
	if len(w.balances) > 0 {
		q.Queue(balancesQuery, list(w.balances)).Query(func(rows pgx.Rows) error {
			return all(rows, func(v [][]byte) { delete(w.balances, string(v[0])); s.keepBalance(accountOf(v[0]), balanceOf(v)) },
				func() {
					for k := range w.balances {
						s.keepBalance(accountOf([]byte(k)), journal.Balance{})
					}
				})
		})
	}
	if len(w.topics) > 0 {
		q.Queue(topicsQuery, list(w.topics)).Query(func(rows pgx.Rows) error {
			return all(rows, func(v [][]byte) { delete(w.topics, string(v[0])); s.topics.Put(string(v[0]), number(v[1]), 1) },
				func() {
					for name := range w.topics {
						s.topics.Put(name, 0, 1)
						s.absent = append(s.absent, name)
					}
				})
		})
	}
	for t, keys := range w.rows {
		q.Queue(rowsQuery(t), list(keys)).Query(func(rows pgx.Rows) error {
			return all(rows, func(v [][]byte) { delete(keys, string(v[0])); s.keepRow(rowID{t, string(v[0])}, bytes.Clone(v[1])) },
				func() {
					for key := range keys {
						s.keepRow(rowID{t, key}, nil)
					}
				})
		})
	}
	s.queueParts(q)
}

func (s *state) queueParts(q *pgx.Batch) {
	w := &s.wanted
	if len(w.checkpoints) == 0 {
		return
	}
	var subs [][]byte
	var parts []int16
	for k := range w.checkpoints {
		subs, parts = append(subs, []byte(k.sub)), append(parts, int16(k.part))
	}
	q.Queue(checkpointsQuery, subs, parts).Query(func(rows pgx.Rows) error {
		var bad error
		err := all(rows, func(v [][]byte) {
			k := partition{string(v[0]), uint8(number(v[1]))}
			c, err := journal.DecodeCheckpoint(v[2])
			if err != nil {
				bad = fmt.Errorf("reading the checkpoint of %s/%d: %w", k.sub, k.part, err)
				return
			}
			delete(w.checkpoints, k)
			s.checkpoints.Put(k, c, 1)
		}, func() {
			for k := range w.checkpoints {
				s.checkpoints.Put(k, &journal.Checkpoint{}, 1)
			}
		})
		if bad != nil {
			return bad
		}
		return err
	})
}

// all calls row for each row, and rest when there are no more.
func all(rows pgx.Rows, row func([][]byte), rest func()) error {
	defer rows.Close()
	for rows.Next() {
		row(rows.RawValues())
	}
	if err := rows.Err(); err != nil {
		return err
	}
	rest()
	return nil
}

func list(keys map[string]struct{}) [][]byte {
	out := make([][]byte, 0, len(keys))
	for k := range keys {
		out = append(out, []byte(k))
	}
	return out
}

// streamOf and balanceOf read what the queries answer.
func streamOf(v [][]byte) stream {
	return stream{number(v[1]), journal.Head{Version: uint64(number(v[2])), Last: journal.Pos(number(v[3]))}, bytes.Clone(v[4])}
}

func balanceOf(v [][]byte) journal.Balance {
	return journal.Balance{Amount: number(v[1]), Floor: number(v[2]), Exists: true}
}

func balanceKey(book, account string) string { return book + "\x00" + account }

func accountOf(key []byte) account {
	book, name, _ := bytes.Cut(key, []byte{0})
	return account{string(book), string(name)}
}

// fetch reads what one more key is judged by: what was wanted went out of memory already, so large is
// the batch.
func (s *state) fetch(ctx context.Context, want func()) error {
	w := &s.wanted
	clear(w.streams)
	clear(w.balances)
	clear(w.topics)
	clear(w.rows)
	clear(w.checkpoints)
	want()
	q := &pgx.Batch{}
	s.queue(q)
	return s.w.conn.SendBatch(ctx, q).Close()
}

func (s *state) stream(ctx context.Context, name string) (stream, error) {
	if v, ok := s.streams.Get(name); ok {
		return v, nil
	}
	err := s.fetch(ctx, func() { s.wanted.streams[name] = struct{}{} })
	v, _ := s.streams.Get(name)
	return v, err
}

// Head implements [journal.View].
func (s *state) Head(ctx context.Context, name string) (journal.Head, error) {
	v, err := s.stream(ctx, name)
	return v.head, err
}

// Balance implements [journal.View].
func (s *state) Balance(ctx context.Context, book, name string) (journal.Balance, error) {
	k := account{book, name}
	if v, ok := s.balances.Get(k); ok {
		return v, nil
	}
	err := s.fetch(ctx, func() { s.wanted.balances[balanceKey(book, name)] = struct{}{} })
	v, _ := s.balances.Get(k)
	return v, err
}

// Row implements [journal.View].
func (s *state) Row(ctx context.Context, t journal.Table, key string) ([]byte, error) {
	k := rowID{t, key}
	if v, ok := s.rows.Get(k); ok {
		return v, nil
	}
	err := s.fetch(ctx, func() { s.wanted.rows[t] = map[string]struct{}{key: {}} })
	v, _ := s.rows.Get(k)
	return v, err
}

// Checkpoint implements [journal.View].
func (s *state) Checkpoint(ctx context.Context, sub string, part uint8) (*journal.Checkpoint, error) {
	k := partition{sub, part}
	if v, ok := s.checkpoints.Get(k); ok {
		return v, nil
	}
	err := s.fetch(ctx, func() { s.wanted.checkpoints[k] = struct{}{} })
	v, _ := s.checkpoints.Get(k)
	return v, err
}

// topic is the topic's id, 0 when it has none yet.
func (s *state) topic(ctx context.Context, name string) (int64, error) {
	if id, ok := s.topics.Get(name); ok {
		return id, nil
	}
	err := s.fetch(ctx, func() { s.wanted.topics[name] = struct{}{} })
	id, _ := s.topics.Get(name)
	return id, err
}

// committed takes in what a batch wrote, beside streams and topics.
func (s *state) committed(st *journal.Staged) {
	for _, b := range st.Balances {
		s.keepBalance(account{b.Book, b.Account}, b.Balance)
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

// appendPos adds a position to the run of a stream.
func appendPos(run []byte, last, pos journal.Pos) []byte {
	if len(run) == 0 {
		last = 0
	}
	return binary.AppendUvarint(run, uint64(pos-last))
}
