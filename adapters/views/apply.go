package views

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"modernc.org/sqlite"

	"github.com/paklog/hub/adapters/internal/sqlrows"
	"github.com/paklog/hub/core/view"
)

// applier is the connection that batches are written on. It speaks to the driver itself, for
// views are written as often as the journal.
type applier struct {
	mu                      sync.Mutex // a batch against close
	conn                    driver.Conn
	begin, commit, rollback driver.Stmt
	drop                    driver.Stmt // a term
	docs, terms, hops, meta *sqlrows.Inserter
	desk                    *deskWriter
}

func newApplier(ctx context.Context, dsn string) (_ *applier, err error) {
	a := &applier{}
	if a.conn, err = (&sqlite.Driver{}).Open(dsn); err != nil {
		return nil, err
	}
	for _, s := range []struct {
		into  *driver.Stmt
		query string
	}{
		{&a.begin, "BEGIN IMMEDIATE"}, {&a.commit, "COMMIT"}, {&a.rollback, "ROLLBACK"},
		{&a.drop, "DELETE FROM term WHERE term = ? AND kind = ? AND key = ?"},
	} {
		if *s.into, err = sqlrows.Prepare(ctx, a.conn, s.query); err != nil {
			return nil, errors.Join(err, a.close())
		}
	}
	if a.desk, err = newDeskWriter(ctx, a.conn); err != nil {
		return nil, errors.Join(err, a.close())
	}
	a.docs = &sqlrows.Inserter{
		Conn: a.conn, Cols: 13, Into: "INSERT INTO doc",
		Tail: ` ON CONFLICT (kind, key) DO UPDATE SET status = excluded.status, updated = excluded.updated, position = excluded.position,
			version = excluded.version, terms = excluded.terms, state = excluded.state`,
	}
	a.terms = &sqlrows.Inserter{Conn: a.conn, Cols: 3, Into: "INSERT OR IGNORE INTO term"}
	a.hops = &sqlrows.Inserter{Conn: a.conn, Cols: 10, Into: "INSERT OR REPLACE INTO hop"}
	a.meta = &sqlrows.Inserter{Conn: a.conn, Cols: 2, Into: "INSERT OR REPLACE INTO meta"}
	return a, nil
}

func (a *applier) inserters() []*sqlrows.Inserter {
	return []*sqlrows.Inserter{a.docs, a.terms, a.hops, a.meta}
}

func (a *applier) close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.conn == nil {
		return nil
	}
	var errs []error
	for _, i := range a.inserters() {
		if i != nil {
			errs = append(errs, i.Close())
		}
	}
	if a.desk != nil {
		errs = append(errs, a.desk.close())
	}
	for _, st := range []driver.Stmt{a.begin, a.commit, a.rollback, a.drop} {
		if st != nil {
			errs = append(errs, st.Close())
		}
	}
	errs = append(errs, a.conn.Close())
	a.conn = nil
	return errors.Join(errs...)
}

// Apply writes a batch in one transaction.
func (s *Store) Apply(ctx context.Context, b view.Batch) error {
	f, err := s.target()
	if err != nil {
		return err
	}
	f.apply.mu.Lock()
	defer f.apply.mu.Unlock()
	if f.apply.conn == nil {
		return errClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return f.apply.write(context.WithoutCancel(ctx), &b) // a batch is short
}

func (a *applier) write(ctx context.Context, b *view.Batch) error {
	if err := sqlrows.Run(ctx, a.begin); err != nil {
		return err
	}
	err := a.rows(ctx, b)
	if err == nil {
		err = sqlrows.Run(ctx, a.commit)
	}
	if err != nil {
		// SQLite may have taken it back by itself: then there is nothing to take back.
		if back := sqlrows.Run(ctx, a.rollback); back != nil && !strings.Contains(back.Error(), "no transaction is active") {
			err = errors.Join(err, back)
		}
	}
	for _, i := range a.inserters() {
		i.Clear()
	}
	a.desk.clear()
	return err
}

// restRows is how many rows are written between two rests.
const restRows = 128

func (a *applier) rows(ctx context.Context, b *view.Batch) error {
	done := 0
	rest := func() {
		if done++; done%restRows == 0 && b.Rest != nil {
			b.Rest()
		}
	}
	for i := range b.Docs {
		rest()
		if err := a.doc(ctx, &b.Docs[i]); err != nil {
			return err
		}
	}
	for i := range b.Hops {
		rest()
		h := &b.Hops[i]
		if err := a.hops.Add(ctx, h.Correlation, int64(h.Position), h.Time.UnixNano(), h.Route, h.Type, h.Topic, h.Key, h.Stream,
			h.ID[:], h.Causation[:]); err != nil {
			return err
		}
	}
	for i := range b.Letters {
		rest()
		if err := a.desk.add(ctx, &b.Letters[i]); err != nil {
			return err
		}
	}
	if err := a.desk.flush(ctx); err != nil {
		return err
	}
	err := errors.Join(
		a.meta.Add(ctx, "position", fmt.Sprint(uint64(b.Position))),
		a.meta.Add(ctx, "unit", b.Unit.String()),
	)
	for _, i := range a.inserters() {
		if err == nil {
			err = i.Flush(ctx)
		}
	}
	return err
}

func (a *applier) doc(ctx context.Context, d *view.Doc) error {
	terms, had := normal(d.Terms), normal(d.Had)
	for _, t := range had {
		if _, still := slices.BinarySearch(terms, t); still {
			continue
		}
		if err := sqlrows.Run(ctx, a.drop, t, d.Kind, d.Key); err != nil {
			return err
		}
	}
	for _, t := range terms {
		if _, there := slices.BinarySearch(had, t); there {
			continue
		}
		if err := a.terms.Add(ctx, t, d.Kind, d.Key); err != nil {
			return err
		}
	}
	return a.docs.Add(ctx, d.Kind, d.Key, d.Tenant, d.Owner, d.Facility, d.ID, d.Status, d.Correlation,
		d.Updated.UnixNano(), int64(d.Position), int64(d.Version), strings.Join(terms, "\x00"), []byte(d.State))
}

// normal is terms as they are searched: in lower case, each once.
func normal(terms []string) []string {
	out := make([]string, 0, len(terms))
	for _, t := range terms {
		if t = fold(t); t != "" {
			out = append(out, t)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func fold(term string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(term), "\x00", ""))
}
