// Package sqlrows reads and writes rows of SQLite through the driver itself: database/sql costs as
// much as SQLite does. Rows are written by prepared statements of many, for a statement costs
// more than a row.
package sqlrows

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"strings"
)

// sizes are those of the statements, in rows.
var sizes = [...]int{64, 8, 1}

// Inserter collects rows of one table and inserts them by statements of many rows. It belongs
// to the connection's one goroutine.
type Inserter struct {
	Conn driver.Conn
	Into string // "INSERT INTO t (a, b)"
	Cols int
	Tail string // behind the values: an upsert's clause

	stmts [len(sizes)]driver.Stmt
	args  []driver.NamedValue
}

// Add takes one row. What its values point to is not changed before Flush returned.
func (b *Inserter) Add(ctx context.Context, values ...driver.Value) error {
	for _, v := range values {
		b.args = append(b.args, driver.NamedValue{Ordinal: len(b.args) + 1, Value: v})
	}
	if len(b.args) < sizes[0]*b.Cols {
		return nil
	}
	return b.Flush(ctx)
}

// Flush inserts what was added.
func (b *Inserter) Flush(ctx context.Context) error {
	args := b.args
	defer func() { b.args = b.args[:0] }()
	for i, size := range sizes {
		n := size * b.Cols
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

func (b *Inserter) exec(ctx context.Context, size int, args []driver.NamedValue) error {
	if b.stmts[size] == nil {
		row := ",(?" + strings.Repeat(",?", b.Cols-1) + ")"
		st, err := Prepare(ctx, b.Conn, b.Into+" VALUES "+strings.Repeat(row, sizes[size])[1:]+b.Tail)
		if err != nil {
			return err
		}
		b.stmts[size] = st
	}
	_, err := b.stmts[size].(driver.StmtExecContext).ExecContext(ctx, args)
	return err
}

// Clear forgets rows of a batch that failed, and lets go of what they point to.
func (b *Inserter) Clear() {
	clear(b.args[:cap(b.args)])
	b.args = b.args[:0]
}

// Close closes the statements.
func (b *Inserter) Close() error {
	var errs []error
	for i, st := range b.stmts {
		if st != nil {
			errs = append(errs, st.Close())
		}
		b.stmts[i] = nil
	}
	return errors.Join(errs...)
}

// Prepare prepares a statement on a connection.
func Prepare(ctx context.Context, c driver.Conn, query string) (driver.Stmt, error) {
	return c.(driver.ConnPrepareContext).PrepareContext(ctx, query)
}

// Run runs a statement that answers no rows.
func Run(ctx context.Context, st driver.Stmt, args ...any) error {
	_, err := st.(driver.StmtExecContext).ExecContext(ctx, Named(args))
	return err
}

// ErrStop ends a query early, without an error.
var ErrStop = errors.New("no more rows are wanted")

// Query runs a statement and calls row for each row, whose values are its own, until it returns
// an error or [ErrStop]. The slice that holds them is used again.
func Query(ctx context.Context, st driver.Stmt, row func([]driver.Value) error, args ...any) error {
	rows, err := st.(driver.StmtQueryContext).QueryContext(ctx, Named(args))
	if err != nil {
		return err
	}
	defer rows.Close()
	values := make([]driver.Value, len(rows.Columns()))
	for {
		switch err := rows.Next(values); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		switch err := row(values); {
		case errors.Is(err, ErrStop):
			return nil
		case err != nil:
			return err
		}
	}
}

// Named numbers arguments as drivers want them.
func Named(args []any) []driver.NamedValue {
	out := make([]driver.NamedValue, len(args))
	for i, a := range args {
		out[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	return out
}
