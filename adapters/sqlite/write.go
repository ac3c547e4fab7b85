package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/paklog/hub/adapters/internal/sqlrows"
	"github.com/paklog/hub/adapters/internal/stretch"
	"github.com/paklog/hub/core/journal"
)

// writer is the one connection that writes. Only Write's goroutine uses it after Open.
type writer struct {
	s      *Store
	conn   driver.Conn
	stmt   statements
	state  *state
	staged journal.Staged

	last       journal.Pos
	nextStream int64 // ids given out so far
	nextTopic  int64

	// Memory of one batch, used again by the next.
	packer     stretch.Packer
	links      []byte    // of one unit
	heads      []*stream // of staged.Heads
	byName     map[string]*stream
	newStreams []name
	newTopics  []name
	marks      []milestone
	topics     map[string]int // into runs
	runs       []run

	copying atomic.Bool
	copied  chan struct{} // a checkpoint copied the WAL: what is left is small
	frame   int64         // size of a page in the WAL
	unasked int64         // bytes that went into it at most since its size was asked for
}

// milestone says where a version of a stream stands.
type milestone struct {
	stream  *stream
	version uint64
	pos     journal.Pos
}

type name struct {
	name string
	id   int64
}

// run is where a topic's records of the batch stand.
type run struct {
	topic string
	id    int64
	at    []journal.Pos
}

func newWriter(s *Store, conn driver.Conn) *writer {
	w := &writer{s: s, conn: conn, byName: map[string]*stream{}, topics: map[string]int{}, packer: stretch.Packer{Size: stretchSize}, copied: make(chan struct{}, 1)}
	w.state = newState(w)
	return w
}

// load prepares the statements and reads where the log ends: a few index seeks, however long it is.
func (w *writer) load(ctx context.Context) error {
	if err := w.stmt.prepare(ctx, w.conn); err != nil {
		return err
	}
	page, err := w.number(ctx, "PRAGMA page_size")
	if err != nil {
		return err
	}
	w.frame = page + 24 // bytes of a frame's header
	if w.nextStream, err = w.number(ctx, "SELECT max(id) FROM head"); err != nil {
		return err
	}
	w.s.names, w.s.claims = newNames(w.nextStream), newNames(w.nextStream) // about as many
	if w.nextTopic, err = w.number(ctx, "SELECT max(id) FROM topic_name"); err != nil {
		return err
	}
	restored, err := w.number(ctx, "SELECT count(*) FROM meta WHERE key = 'restored'")
	if err != nil {
		return err
	}
	w.s.restored.Store(restored > 0)
	w.last, err = w.readLast(ctx)
	w.s.last.Store(uint64(w.last))
	return err
}

// readLast is the highest position.
func (w *writer) readLast(ctx context.Context) (last journal.Pos, err error) {
	st, err := sqlrows.Prepare(ctx, w.conn, "SELECT pos, data, parts FROM stretch ORDER BY pos DESC LIMIT 1")
	if err != nil {
		return 0, err
	}
	defer st.Close()
	err = w.query(ctx, st, func(row []driver.Value) error {
		var end stretch.Part
		err := stretch.Each(journal.Pos(number(row[0])), blob(row[1]), blob(row[2]), func(p stretch.Part) (bool, error) {
			end = p
			return true, nil
		})
		if err == nil {
			_, _, err = end.Stored()
		}
		if err != nil {
			return fmt.Errorf("reading where the log ends: %w", err)
		}
		last = end.Behind - 1
		return nil
	})
	return last, err
}

// number reads one number, 0 where there is none.
func (w *writer) number(ctx context.Context, query string) (n int64, err error) {
	st, err := sqlrows.Prepare(ctx, w.conn, query)
	if err != nil {
		return 0, err
	}
	defer st.Close()
	err = w.query(ctx, st, func(row []driver.Value) error {
		n = number(row[0])
		return nil
	})
	return n, err
}

func (w *writer) close() error { return errors.Join(w.stmt.close(), w.conn.Close()) }

// Write implements [journal.Writer].
func (s *Store) Write(ctx context.Context, b *journal.Batch) ([]*journal.Refusal, error) {
	if err := s.broken.Load(); err != nil {
		return nil, *err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	w := s.write
	w.maintain()
	w.unasked += walBatch + walUnit*int64(len(b.Units))
	// From here nothing is cancelled half way: a batch is short.
	ctx = context.WithoutCancel(ctx)
	refusals, err := w.staged.Stage(ctx, w.state, w.last, b)
	if err != nil {
		if code(err) != 0 && !isBusy(err) {
			err = advice(s.file, fmt.Errorf("%w: %w", journal.ErrBroken, err))
			s.fail(err)
		}
		return nil, err
	}
	if len(w.staged.Units) == 0 && len(w.staged.Checkpoints) == 0 {
		return refusals, nil
	}
	if err := w.link(ctx); err != nil {
		return nil, err
	}
	if err := w.commit(ctx); err != nil {
		return nil, err
	}
	return refusals, nil
}

// commit writes the staged batch in one transaction.
func (w *writer) commit(ctx context.Context) error {
	if err := w.run(ctx, w.stmt.begin); err != nil {
		if isBusy(err) || w.s.isFull(err) {
			return w.refuse(ctx, err)
		}
		return w.broken(err)
	}
	if err := w.insert(ctx); err != nil {
		return w.refuse(ctx, err)
	}
	if err := w.run(ctx, w.stmt.commit); err != nil {
		return w.refuse(ctx, err)
	}
	w.committed()
	return nil
}

// refuse takes the transaction back. What may be tried again is told from what may not be.
func (w *writer) refuse(ctx context.Context, err error) error {
	back := ignoreNoTransaction(w.run(ctx, w.stmt.rollback))
	switch {
	case back != nil:
		return w.broken(errors.Join(err, back))
	case w.s.isFull(err):
		return fmt.Errorf("writing a batch: %w: %w", journal.ErrFull, err)
	case isBusy(err):
		return advice(w.s.file, fmt.Errorf("writing a batch: %w", err))
	default:
		return w.broken(err)
	}
}

func (w *writer) broken(err error) error {
	err = fmt.Errorf("writing a batch: %w: %w", journal.ErrBroken, err)
	if isReadOnly(w.s.dir) {
		err = fmt.Errorf("%s: its disk was made read-only (a disk that failed often is; see the kernel's log): mend it, mount it to be written and start again, nothing that was answered is lost: %w", w.s.dir, err)
	}
	w.s.fail(err)
	return err
}

// ignoreNoTransaction drops SQLite's complaint that it has rolled back already.
func ignoreNoTransaction(err error) error {
	if err != nil && strings.Contains(err.Error(), "no transaction is active") {
		return nil
	}
	return err
}

// committed makes the batch true in memory.
func (w *writer) committed() {
	st := &w.staged
	for i := range st.Heads {
		v := w.heads[i]
		v.head = st.Heads[i].Head
		if v.id == 0 {
			v.id = v.newID
		}
		w.state.streams.Put(st.Heads[i].Stream, v, rowOverhead+len(st.Heads[i].Stream))
	}
	for _, n := range w.newTopics {
		w.state.topics.Put(n.name, n.id, 1)
	}
	w.nextStream += int64(len(w.newStreams))
	w.nextTopic += int64(len(w.newTopics))
	w.state.committed(st)
	w.s.glances.committed(st)
	w.last = st.Last
	w.s.last.Store(uint64(st.Last))
	w.s.stats.batches.Add(1)
	w.s.stats.syncs.Add(1)
	w.s.stats.units.Add(int64(len(st.Units)))
}

// link gives ids to new streams and topics, and lists the positions of each topic. Nothing that
// it notes is true before the commit.
func (w *writer) link(ctx context.Context) error {
	w.heads, w.marks, w.newStreams, w.newTopics = w.heads[:0], w.marks[:0], w.newStreams[:0], w.newTopics[:0]
	clear(w.byName)
	clear(w.topics)
	w.runs = w.runs[:0]
	for _, h := range w.staged.Heads {
		v, err := w.state.stream(ctx, h.Stream)
		if err != nil {
			return err
		}
		v.prev = v.head.Last
		if v.id == 0 {
			v.newID = w.nextStream + int64(len(w.newStreams)) + 1
			w.newStreams = append(w.newStreams, name{h.Stream, v.newID})
			w.s.names.add([]byte(h.Stream))
		}
		w.heads = append(w.heads, v)
		w.byName[h.Stream] = v
	}
	for _, r := range w.staged.Rows {
		if r.Table == journal.TableClaim && r.Value != nil {
			w.s.claims.add([]byte(r.Key))
		}
	}
	for _, u := range w.staged.Units {
		for i := range u.Unit.Records {
			r := &u.Unit.Records[i]
			if r.Topic == "" {
				continue
			}
			at, ok := w.topics[r.Topic]
			if !ok {
				at = len(w.runs)
				w.topics[r.Topic] = at
				if at < cap(w.runs) {
					w.runs = w.runs[:at+1]
				} else {
					w.runs = append(w.runs, run{})
				}
				w.runs[at] = run{topic: r.Topic, at: w.runs[at].at[:0]}
			}
			w.runs[at].at = append(w.runs[at].at, r.Pos)
		}
	}
	for i := range w.runs {
		id, err := w.state.topic(ctx, w.runs[i].topic)
		if err != nil {
			return err
		}
		if id == 0 {
			id = w.nextTopic + int64(len(w.newTopics)) + 1
			w.newTopics = append(w.newTopics, name{w.runs[i].topic, id})
		}
		w.runs[i].id = id
	}
	return nil
}

// unitLinks is the links of a staged unit. They stay valid until the next one's.
func (w *writer) unitLinks(u *journal.Unit) []byte {
	w.links = w.links[:0]
	for i := range u.Records {
		r := &u.Records[i]
		if r.Stream == "" {
			continue
		}
		v := w.byName[r.Stream]
		w.links = stretch.AppendLink(w.links, r.Version, r.Pos, v.prev)
		v.prev = r.Pos
		if r.Version%stretch.Every == 0 {
			w.marks = append(w.marks, milestone{v, r.Version, r.Pos})
		}
	}
	return w.links
}

// maintain ends a checkpoint that was made beside the writer, or begins one.
func (w *writer) maintain() {
	select {
	case <-w.copied:
		w.s.restartWAL(w)
		return
	default:
	}
	// The question takes as much as a small batch, and its answer changes little.
	if w.unasked < w.s.opts.WALLimit/2 {
		return
	}
	w.unasked = 0
	if w.walSize(context.Background()) >= w.s.opts.WALLimit {
		w.s.copyBack(w)
	}
}

// The most that a batch, and each of its units, is taken to write into the WAL: some of the
// tables' pages, and short of documents nearly always less than this.
const (
	walBatch = 128 << 10
	walUnit  = 16 << 10
)
