package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"slices"

	"github.com/paklog/hub/adapters/internal/sqlrows"
	"github.com/paklog/hub/adapters/internal/stretch"
	"github.com/paklog/hub/core/journal"
)

// Queries of single rows, which the writer and readers have alike.
const (
	streamQuery     = "SELECT n.id, h.version, h.last FROM stream_name n JOIN head h ON h.id = n.id WHERE n.name = ?"
	balanceQuery    = "SELECT amount, floor FROM balance WHERE key = ?"
	checkpointQuery = "SELECT value FROM checkpoint WHERE sub = ? AND part = ?"
)

func rowQuery(t journal.Table) string { return "SELECT value FROM " + tableName(t) + " WHERE key = ?" }

// streamOf and balanceOf read what the queries answer.
func streamOf(row []driver.Value) streamRow {
	return streamRow{number(row[0]), journal.Head{Version: uint64(number(row[1])), Last: journal.Pos(number(row[2]))}}
}

func balanceOf(row []driver.Value) journal.Balance {
	return journal.Balance{Amount: number(row[0]), Floor: number(row[1]), Exists: true}
}

// statements are the prepared ones of the writer.
type statements struct {
	begin, commit, rollback            driver.Stmt
	restart, inWAL                     driver.Stmt
	stream, balance, checkpoint, topic driver.Stmt
	row                                map[journal.Table]driver.Stmt
	drop                               map[journal.Table]driver.Stmt

	stretch, streamName, topicName, head, milestone, putBalance, putCheckpoint, run *sqlrows.Inserter
	put                                                                             map[journal.Table]*sqlrows.Inserter

	all []driver.Stmt
}

func (s *statements) prepare(ctx context.Context, c driver.Conn) error {
	var errs []error
	one := func(query string) driver.Stmt {
		st, err := sqlrows.Prepare(ctx, c, query)
		if err != nil {
			errs = append(errs, err)
			return nil
		}
		s.all = append(s.all, st)
		return st
	}
	s.begin, s.commit, s.rollback = one("BEGIN IMMEDIATE"), one("COMMIT"), one("ROLLBACK")
	s.restart, s.inWAL = one("PRAGMA wal_checkpoint(RESTART)"), one("PRAGMA wal_checkpoint(NOOP)")
	s.stream = one(streamQuery)
	s.balance = one(balanceQuery)
	s.checkpoint = one(checkpointQuery)
	s.topic = one("SELECT id FROM topic_name WHERE name = ?")
	s.stretch = &sqlrows.Inserter{Conn: c, Into: "INSERT INTO stretch (pos, data, parts)", Cols: 3}
	s.streamName = &sqlrows.Inserter{Conn: c, Into: "INSERT INTO stream_name (name, id)", Cols: 2}
	s.topicName = &sqlrows.Inserter{Conn: c, Into: "INSERT INTO topic_name (name, id)", Cols: 2}
	s.head = &sqlrows.Inserter{Conn: c, Into: "REPLACE INTO head (id, version, last)", Cols: 3}
	s.milestone = &sqlrows.Inserter{Conn: c, Into: "INSERT INTO milestone (id, version, pos)", Cols: 3}
	s.putBalance = &sqlrows.Inserter{Conn: c, Into: "REPLACE INTO balance (key, amount, floor)", Cols: 3}
	s.putCheckpoint = &sqlrows.Inserter{Conn: c, Into: "REPLACE INTO checkpoint (sub, part, value)", Cols: 3}
	s.run = &sqlrows.Inserter{Conn: c, Into: "INSERT INTO topic (id, last, run)", Cols: 3}
	s.row, s.drop, s.put = map[journal.Table]driver.Stmt{}, map[journal.Table]driver.Stmt{}, map[journal.Table]*sqlrows.Inserter{}
	for _, t := range journal.Tables {
		s.row[t] = one(rowQuery(t))
		s.drop[t] = one("DELETE FROM " + tableName(t) + " WHERE key = ?")
		s.put[t] = &sqlrows.Inserter{Conn: c, Into: "REPLACE INTO " + tableName(t) + " (key, value)", Cols: 2}
	}
	return errors.Join(errs...)
}

func (s *statements) inserters() []*sqlrows.Inserter {
	out := []*sqlrows.Inserter{s.stretch, s.streamName, s.topicName, s.head, s.milestone, s.putBalance, s.putCheckpoint, s.run}
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
	for _, b := range s.inserters() {
		if b != nil {
			errs = append(errs, b.Close())
		}
	}
	return errors.Join(errs...)
}

func (w *writer) run(ctx context.Context, st driver.Stmt, args ...any) error {
	return sqlrows.Run(ctx, st, args...)
}

// insert writes the staged batch into the tables. Rows of a table are written together and in key
// order where that puts neighbours onto one page.
func (w *writer) insert(ctx context.Context) error {
	defer func() {
		for _, b := range w.stmt.inserters() {
			b.Clear()
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
	if err := w.packer.Pack(w.staged.Units, w.unitLinks, func(first journal.Pos, data, parts []byte) error {
		return w.stmt.stretch.Add(ctx, int64(first), data, parts)
	}); err != nil {
		return err
	}
	return w.stmt.stretch.Flush(ctx)
}

func (w *writer) insertTopics(ctx context.Context) error {
	for _, n := range w.newTopics {
		if err := w.stmt.topicName.Add(ctx, []byte(n.name), n.id); err != nil {
			return err
		}
	}
	if err := w.stmt.topicName.Flush(ctx); err != nil {
		return err
	}
	for i := range w.runs {
		for at := range slices.Chunk(w.runs[i].at, stretch.TopicRun) {
			err := w.stmt.run.Add(ctx, w.runs[i].id, int64(at[len(at)-1]), stretch.AppendRun(nil, at))
			if err != nil {
				return err
			}
		}
	}
	return w.stmt.run.Flush(ctx)
}

func (w *writer) insertStreams(ctx context.Context) error {
	for _, n := range w.newStreams {
		if err := w.stmt.streamName.Add(ctx, []byte(n.name), n.id); err != nil {
			return err
		}
	}
	if err := w.stmt.streamName.Flush(ctx); err != nil {
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
		if err := w.stmt.head.Add(ctx, r.id, int64(r.Version), int64(r.Last)); err != nil {
			return err
		}
	}
	if err := w.stmt.head.Flush(ctx); err != nil {
		return err
	}
	for _, m := range w.marks {
		if err := w.stmt.milestone.Add(ctx, m.stream.key(), int64(m.version), int64(m.pos)); err != nil {
			return err
		}
	}
	return w.stmt.milestone.Flush(ctx)
}

func (w *writer) insertBalances(ctx context.Context) error {
	for _, b := range w.staged.Balances {
		if err := w.stmt.putBalance.Add(ctx, balanceKey(b.Book, b.Account), b.Amount, b.Floor); err != nil {
			return err
		}
	}
	return w.stmt.putBalance.Flush(ctx)
}

func (w *writer) insertRows(ctx context.Context) error {
	for _, r := range w.staged.Rows {
		if r.Value == nil {
			if err := w.run(ctx, w.stmt.drop[r.Table], []byte(r.Key)); err != nil {
				return err
			}
			continue
		}
		if err := w.stmt.put[r.Table].Add(ctx, []byte(r.Key), r.Value); err != nil {
			return err
		}
	}
	for _, t := range journal.Tables {
		if err := w.stmt.put[t].Flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) insertCheckpoints(ctx context.Context) error {
	for _, c := range w.staged.Checkpoints {
		if err := w.stmt.putCheckpoint.Add(ctx, []byte(c.Sub), int64(c.Part), c.Append(nil)); err != nil {
			return err
		}
	}
	return w.stmt.putCheckpoint.Flush(ctx)
}
