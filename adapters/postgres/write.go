package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/paklog/hub/adapters/internal/stretch"
	"github.com/paklog/hub/core/journal"
)

// stretchSize bounds the bytes of a row that holds several units: with its header it fits into a page.
const stretchSize = 8000

// writer is the one connection that writes. Only Write's goroutine uses it after Open.
type writer struct {
	s    *Store
	name string
	conn *pgx.Conn // nil: lost

	id    int64       // among the writers of the journal
	wrote int64       // batches of this writer, as its row says
	last  journal.Pos // of the head row, as it was seen last
	batch int64

	leases int64           // turns of the head row, as the leases were looked at last; -1: never
	held   map[string]bool // what this process may run
	busy   bool            // others wrote since the last batch

	state  *state
	staged journal.Staged
	rows   rows
}

func openWriter(ctx context.Context, s *Store) (*writer, error) {
	w := &writer{s: s, name: newName(), leases: -1}
	w.state = newState(w)
	w.rows.packer = stretch.Packer{Size: stretchSize}
	if err := w.alive(ctx, min(s.opts.Patience, openPatience)); err != nil {
		return nil, err
	}
	err := ready(ctx, w.conn, s.opts.Schema, true)
	if err == nil && !s.opts.Moving {
		err = settled(ctx, w.conn)
	}
	if err == nil {
		err = w.register(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, w.close(ctx))
	}
	return w, nil
}

// Write implements [journal.Writer].
func (s *Store) Write(ctx context.Context, b *journal.Batch) ([]*journal.Refusal, error) {
	if err := s.broken.Load(); err != nil {
		return nil, *err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(b.Delivered)+len(b.Units)+len(b.Checkpoints) == 0 {
		return []*journal.Refusal{}, nil
	}
	// From here nothing is cancelled half way: what waits is the patience.
	refusals, err := s.write.write(context.WithoutCancel(ctx), b)
	if errors.Is(err, journal.ErrBroken) {
		s.fail(err)
	}
	return refusals, err
}

// inDoubt says that the answer to a commit was lost.
type inDoubt struct{ cause error }

func (e *inDoubt) Error() string {
	return "nobody knows whether a batch was committed: " + e.cause.Error()
}
func (e *inDoubt) Unwrap() error { return e.cause }

// write writes a batch once, however many attempts that takes.
func (w *writer) write(ctx context.Context, b *journal.Batch) ([]*journal.Refusal, error) {
	until := time.Now().Add(w.s.opts.Patience)
	pause := time.NewTimer(0)
	defer pause.Stop()
	for try := 0; ; try++ {
		if err := w.alive(ctx, max(time.Until(until), time.Millisecond)); err != nil {
			return nil, w.refuse(w.taken(err))
		}
		refusals, err := w.attempt(ctx, b)
		if err == nil {
			return refusals, nil
		}
		doubt, asked := errors.AsType[*inDoubt](err)
		if asked {
			written, err := w.ask(ctx)
			if err != nil {
				return nil, fmt.Errorf("writing a batch: %w: %w; asking for it: %w", journal.ErrBroken, doubt, err)
			}
			w.s.stats.asked.Add(1)
			if written {
				w.committed()
				return refusals, nil
			}
		}
		if !asked && (!passing(err) || time.Now().After(until)) {
			return nil, w.refuse(err)
		}
		w.s.stats.anew.Add(1)
		if w.connected() {
			pause.Reset(min(10*time.Millisecond<<min(try, 6), time.Second))
			<-pause.C
		}
	}
}

// taken is err, which is that of a session made anew: where another process holds the journal by
// now, this one has lost it.
func (w *writer) taken(err error) error {
	if errors.Is(err, journal.ErrLocked) {
		return fmt.Errorf("%w: the journal was taken by another process: %w", journal.ErrBroken, err)
	}
	return err
}

// refuse says what an error means of a batch of which nothing is written.
func (w *writer) refuse(err error) error {
	if e, ok := answered(err); ok && e.Code == codeDiskFull {
		return fmt.Errorf("writing a batch: %w: %w", journal.ErrFull, err)
	}
	return fmt.Errorf("writing a batch: %w", err)
}

// attempt writes the batch in one transaction. An error that is not *inDoubt says that nothing is
// written.
func (w *writer) attempt(ctx context.Context, b *journal.Batch) (_ []*journal.Refusal, err error) {
	ctx, cancel := context.WithTimeout(ctx, w.s.opts.Timeout)
	defer cancel()
	defer func() {
		if err == nil {
			return
		}
		if w.conn != nil {
			err = onConn(w.conn, err)
		}
		if w.connected() && w.conn.PgConn().TxStatus() != 'I' {
			if _, back := w.conn.Exec(ctx, "ROLLBACK"); back != nil {
				w.drop() // which takes it back too
			}
		}
		if e, ok := answered(err); ok && e.Code == codeReadOnly {
			w.drop() // the primary is another one by now
		}
	}()
	if err := w.begin(ctx, b); err != nil {
		return nil, err
	}
	refusals, err := w.staged.Stage(ctx, w.state, w.last, b)
	if err != nil {
		return nil, err
	}
	if len(w.staged.Units) == 0 && len(w.staged.Checkpoints) == 0 {
		_, err := w.conn.Exec(ctx, "ROLLBACK")
		return refusals, err
	}
	if err := w.rows.make(ctx, w.state, &w.staged); err != nil {
		return nil, err
	}
	if err := w.commit(ctx); err != nil {
		return refusals, err
	}
	w.committed()
	return refusals, nil
}

// begin opens the transaction, takes the lock on the head row, and reads what the batch is judged by.
func (w *writer) begin(ctx context.Context, b *journal.Batch) (err error) {
	defer func() {
		if err != nil {
			w.batch, w.leases = -1, -1 // what was seen and not acted on is seen again
		}
	}()
	if w.busy {
		w.state.forgetOthers() // they write still: what they change is read at once
	}
	w.state.want(b)
	moved, turned := false, false
	q := &pgx.Batch{}
	q.Queue("BEGIN")
	q.Queue("SELECT last, batch, owner, leases FROM head FOR UPDATE").QueryRow(func(row pgx.Row) error {
		var last, batch, owner, leases int64
		if err := row.Scan(&last, &batch, &owner, &leases); err != nil {
			return err
		}
		if !w.s.opts.Shared && owner != w.id {
			return fmt.Errorf("%w: the journal was taken by another process (writer %d, this is %d)", journal.ErrBroken, owner, w.id)
		}
		moved, turned = batch != w.batch, leases != w.leases
		w.last, w.batch, w.leases = journal.Pos(last), batch, leases
		return nil
	})
	w.state.queue(q)
	if err := w.conn.SendBatch(ctx, q).Close(); err != nil {
		return err
	}
	q = &pgx.Batch{}
	leased := w.s.team != nil && w.s.team.joined.Load()
	if leased && (turned || w.held == nil) {
		w.look(q)
		w.state.forgetParts()
	}
	if moved && !w.busy {
		// Another process wrote since: what is remembered may be old, and what was just read
		// was read together with it.
		w.state.forgetOthers()
	}
	w.busy = moved
	if moved || turned {
		if !leased {
			w.state.forgetParts()
		}
		w.state.want(b)
		w.state.queue(q)
	}
	if q.Len() > 0 {
		if err := w.conn.SendBatch(ctx, q).Close(); err != nil {
			return err
		}
	}
	if leased {
		return w.mine(b)
	}
	return nil
}

// commit writes the rows and commits, in one round trip.
func (w *writer) commit(ctx context.Context) error {
	q := &pgx.Batch{}
	w.rows.queue(q)
	q.Queue("UPDATE head SET last = $1, batch = $2", int64(w.staged.Last), w.batch+1)
	q.Queue("UPDATE writer SET batch = $1 WHERE id = $2", w.wrote+1, w.id)
	q.Queue("SELECT pg_notify($1, '')", w.s.opts.Schema) // see Follow
	q.Queue("COMMIT")
	results := w.conn.SendBatch(ctx, q)
	tag := ""
	var err error
	for range q.Len() {
		t, failed := results.Exec()
		if failed != nil {
			err = failed
			break
		}
		tag = t.String()
	}
	if closed := results.Close(); err == nil {
		err = closed
	}
	switch _, said := answered(err); {
	case err == nil && tag == "COMMIT":
		return nil
	case said:
		return err
	case err == nil:
		return fmt.Errorf("the server answered %s to a commit", tag)
	}
	w.drop()
	return &inDoubt{err}
}

// ask finds out whether the batch was committed whose answer was lost. The lock of the head row is
// free only when the session that may have committed it has ended.
func (w *writer) ask(ctx context.Context) (written bool, err error) {
	err = patiently(ctx, w.s.opts.Patience, func() error {
		if !w.connected() {
			if err := w.connect(ctx); err != nil {
				return w.taken(err)
			}
		}
		ctx, cancel := context.WithTimeout(ctx, w.s.opts.Timeout)
		defer cancel()
		return onConn(w.conn, pgx.BeginFunc(ctx, w.conn, func(tx pgx.Tx) error {
			var wrote int64
			// Two statements: what one reads beside the row that it waited for is of before the wait.
			if _, err := tx.Exec(ctx, "SELECT FROM head FOR UPDATE"); err != nil {
				return err
			}
			if err := tx.QueryRow(ctx, "SELECT batch FROM writer WHERE id = $1", w.id).Scan(&wrote); err != nil {
				return err
			}
			if wrote != w.wrote && wrote != w.wrote+1 {
				return fmt.Errorf("%w: writer %d has written %d batches, and should have %d or one more", journal.ErrBroken, w.id, wrote, w.wrote)
			}
			written = wrote == w.wrote+1
			return nil
		}))
	})
	return written, err
}

// committed makes the batch true in memory.
func (w *writer) committed() {
	w.last = w.staged.Last
	w.batch++
	w.wrote++
	w.rows.committed(w.state)
	w.state.committed(&w.staged)
	w.s.stats.batches.Add(1)
	w.s.stats.units.Add(int64(len(w.staged.Units)))
}
