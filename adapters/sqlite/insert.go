package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"

	"github.com/paklog/hub/core/journal"
)

// statements are the prepared ones of the writer.
type statements struct {
	begin, commit, rollback            driver.Stmt
	restart, inWAL                     driver.Stmt
	stream, balance, checkpoint, topic driver.Stmt
	row                                map[journal.Table]driver.Stmt
	drop                               map[journal.Table]driver.Stmt

	unit, streamName, topicName, head, milestone, putBalance, putCheckpoint, run *bulk
	put                                                                          map[journal.Table]*bulk

	all []driver.Stmt
}

func (s *statements) prepare(ctx context.Context, c driver.Conn) error {
	var errs []error
	one := func(query string) driver.Stmt {
		st, err := c.(driver.ConnPrepareContext).PrepareContext(ctx, query)
		if err != nil {
			errs = append(errs, err)
			return nil
		}
		s.all = append(s.all, st)
		return st
	}
	s.begin, s.commit, s.rollback = one("BEGIN IMMEDIATE"), one("COMMIT"), one("ROLLBACK")
	s.restart, s.inWAL = one("PRAGMA wal_checkpoint(RESTART)"), one("PRAGMA wal_checkpoint(NOOP)")
	s.stream = one("SELECT n.id, h.version, h.last FROM stream_name n JOIN head h ON h.id = n.id WHERE n.name = ?")
	s.balance = one("SELECT amount, floor FROM balance WHERE key = ?")
	s.checkpoint = one("SELECT value FROM checkpoint WHERE sub = ? AND part = ?")
	s.topic = one("SELECT id FROM topic_name WHERE name = ?")
	s.unit = &bulk{into: "INSERT INTO unit (pos, data, links)", cols: 3}
	s.streamName = &bulk{into: "INSERT INTO stream_name (name, id)", cols: 2}
	s.topicName = &bulk{into: "INSERT INTO topic_name (name, id)", cols: 2}
	s.head = &bulk{into: "REPLACE INTO head (id, version, last)", cols: 3}
	s.milestone = &bulk{into: "INSERT INTO milestone (id, version, pos)", cols: 3}
	s.putBalance = &bulk{into: "REPLACE INTO balance (key, amount, floor)", cols: 3}
	s.putCheckpoint = &bulk{into: "REPLACE INTO checkpoint (sub, part, value)", cols: 3}
	s.run = &bulk{into: "INSERT INTO topic (id, last, run)", cols: 3}
	s.row, s.drop, s.put = map[journal.Table]driver.Stmt{}, map[journal.Table]driver.Stmt{}, map[journal.Table]*bulk{}
	for _, t := range journal.Tables {
		s.row[t] = one("SELECT value FROM " + tableName(t) + " WHERE key = ?")
		s.drop[t] = one("DELETE FROM " + tableName(t) + " WHERE key = ?")
		s.put[t] = &bulk{into: "REPLACE INTO " + tableName(t) + " (key, value)", cols: 2}
	}
	for _, b := range s.bulks() {
		b.conn = c
	}
	return errors.Join(errs...)
}

func (s *statements) bulks() []*bulk {
	out := []*bulk{s.unit, s.streamName, s.topicName, s.head, s.milestone, s.putBalance, s.putCheckpoint, s.run}
	for _, b := range s.put {
		out = append(out, b)
	}
	return out
}

func (s *statements) close() error {
	var errs []error
	for _, st := range s.all {
		errs = append(errs, st.Close())
	}
	for _, b := range s.bulks() {
		if b == nil {
			continue
		}
		for _, st := range b.stmts {
			if st != nil {
				errs = append(errs, st.Close())
			}
		}
	}
	return errors.Join(errs...)
}

// bulk collects rows of one table and inserts them by statements of many rows: a statement costs
// more than a row.
type bulk struct {
	into  string
	cols  int
	conn  driver.Conn
	stmts [len(bulkSizes)]driver.Stmt
	args  []driver.NamedValue
}

var bulkSizes = [...]int{64, 8, 1}

// add takes one row. What its values point to is not changed before flush returned.
func (b *bulk) add(ctx context.Context, values ...driver.Value) error {
	for _, v := range values {
		b.args = append(b.args, driver.NamedValue{Ordinal: len(b.args) + 1, Value: v})
	}
	if len(b.args) < bulkSizes[0]*b.cols {
		return nil
	}
	return b.flush(ctx)
}

// flush inserts what was added.
func (b *bulk) flush(ctx context.Context) error {
	args := b.args
	defer func() { b.args = b.args[:0] }()
	for i, size := range bulkSizes {
		n := size * b.cols
		for len(args) >= n {
			for k := range args[:n] {
				args[k].Ordinal = k + 1
			}
			if err := b.exec(ctx, i, args[:n]); err != nil {
				return err
			}
			args = args[n:]
		}
	}
	return nil
}

func (b *bulk) exec(ctx context.Context, size int, args []driver.NamedValue) error {
	if b.stmts[size] == nil {
		row := ",(?" + strings.Repeat(",?", b.cols-1) + ")"
		query := b.into + " VALUES " + strings.Repeat(row, bulkSizes[size])[1:]
		st, err := b.conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
		if err != nil {
			return err
		}
		b.stmts[size] = st
	}
	_, err := b.stmts[size].(driver.StmtExecContext).ExecContext(ctx, args)
	return err
}

// clear forgets rows of a batch that failed, and lets go of what they point to.
func (b *bulk) clear() {
	clear(b.args[:cap(b.args)])
	b.args = b.args[:0]
}

func (w *writer) run(ctx context.Context, st driver.Stmt, args ...any) error {
	_, err := st.(driver.StmtExecContext).ExecContext(ctx, named(args))
	return err
}

// insert writes the staged batch into the tables. Rows of a table are written together and in key
// order where that puts neighbours onto one page.
func (w *writer) insert(ctx context.Context) error {
	defer func() {
		for _, b := range w.stmt.bulks() {
			b.clear()
		}
	}()
	for _, step := range [...]func(context.Context) error{
		w.insertUnits, w.insertTopics, w.insertStreams, w.insertBalances, w.insertRows, w.insertCheckpoints,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) insertUnits(ctx context.Context) error {
	for i := range w.staged.Units {
		u := &w.staged.Units[i]
		var links driver.Value
		if b := w.unitLinks(u.Unit); b != nil {
			links = b
		}
		if err := w.stmt.unit.add(ctx, int64(u.First), u.Data, links); err != nil {
			return err
		}
	}
	return w.stmt.unit.flush(ctx)
}

func (w *writer) insertTopics(ctx context.Context) error {
	for _, n := range w.newTopics {
		if err := w.stmt.topicName.add(ctx, []byte(n.name), n.id); err != nil {
			return err
		}
	}
	if err := w.stmt.topicName.flush(ctx); err != nil {
		return err
	}
	for i := range w.runs {
		for at := range slices.Chunk(w.runs[i].at, topicRun) {
			err := w.stmt.run.add(ctx, w.runs[i].id, int64(at[len(at)-1]), appendRun(nil, at))
			if err != nil {
				return err
			}
		}
	}
	return w.stmt.run.flush(ctx)
}

func (w *writer) insertStreams(ctx context.Context) error {
	for _, n := range w.newStreams {
		if err := w.stmt.streamName.add(ctx, []byte(n.name), n.id); err != nil {
			return err
		}
	}
	if err := w.stmt.streamName.flush(ctx); err != nil {
		return err
	}
	type row struct {
		id int64
		journal.Head
	}
	rows := make([]row, len(w.heads))
	for i, v := range w.heads {
		rows[i] = row{v.key(), w.staged.Heads[i].Head}
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.id, b.id) })
	for _, r := range rows {
		if err := w.stmt.head.add(ctx, r.id, int64(r.Version), int64(r.Last)); err != nil {
			return err
		}
	}
	if err := w.stmt.head.flush(ctx); err != nil {
		return err
	}
	for _, m := range w.marks {
		if err := w.stmt.milestone.add(ctx, m.stream.key(), int64(m.version), int64(m.pos)); err != nil {
			return err
		}
	}
	return w.stmt.milestone.flush(ctx)
}

func (w *writer) insertBalances(ctx context.Context) error {
	for _, b := range w.staged.Balances {
		if err := w.stmt.putBalance.add(ctx, balanceKey(b.Book, b.Account), b.Amount, b.Floor); err != nil {
			return err
		}
	}
	return w.stmt.putBalance.flush(ctx)
}

func (w *writer) insertRows(ctx context.Context) error {
	for _, r := range w.staged.Rows {
		if r.Value == nil {
			if err := w.run(ctx, w.stmt.drop[r.Table], []byte(r.Key)); err != nil {
				return err
			}
			continue
		}
		if err := w.stmt.put[r.Table].add(ctx, []byte(r.Key), r.Value); err != nil {
			return err
		}
	}
	for _, t := range journal.Tables {
		if err := w.stmt.put[t].flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) insertCheckpoints(ctx context.Context) error {
	for _, c := range w.staged.Checkpoints {
		if err := w.stmt.putCheckpoint.add(ctx, []byte(c.Sub), int64(c.Part), c.Append(nil)); err != nil {
			return err
		}
	}
	return w.stmt.putCheckpoint.flush(ctx)
}
