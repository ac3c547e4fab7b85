package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"

	"modernc.org/sqlite"

	"github.com/paklog/hub/adapters/internal/sqlrows"
	"github.com/paklog/hub/core/journal"
)

// lookups are connections that read rows by their key, through the driver itself: each unit
// needs some, and database/sql costs more than twice what SQLite does for one.
type lookups struct {
	idle chan *lookup
	all  []*lookup
	gone chan struct{} // closed with the store
}

// lookup is one of the connections, with its statements.
type lookup struct {
	conn                                   driver.Conn
	stream, balance, checkpoint, milestone driver.Stmt
	holding, between                       driver.Stmt
	row                                    map[journal.Table]driver.Stmt
	stmts                                  []driver.Stmt
}

func openLookups(ctx context.Context, dsn string, n int) (*lookups, error) {
	p := &lookups{idle: make(chan *lookup, n), gone: make(chan struct{})}
	for range n {
		l, err := openLookup(ctx, dsn)
		if err != nil {
			return nil, errors.Join(err, p.close())
		}
		p.all = append(p.all, l)
		p.idle <- l
	}
	return p, nil
}

func openLookup(ctx context.Context, dsn string) (*lookup, error) {
	conn, err := (&sqlite.Driver{}).Open(dsn)
	if err != nil {
		return nil, err
	}
	l := &lookup{conn: conn, row: map[journal.Table]driver.Stmt{}}
	var errs []error
	one := func(query string) driver.Stmt {
		st, err := sqlrows.Prepare(ctx, conn, query)
		if err != nil {
			errs = append(errs, err)
			return nil
		}
		l.stmts = append(l.stmts, st)
		return st
	}
	l.stream, l.balance, l.checkpoint = one(streamQuery), one(balanceQuery), one(checkpointQuery)
	l.milestone = one("SELECT pos FROM milestone WHERE id = ? AND version = ?")
	l.holding = one("SELECT pos, data, parts FROM stretch WHERE pos <= ? ORDER BY pos DESC LIMIT 1")
	l.between = one("SELECT pos, data, parts FROM stretch WHERE pos BETWEEN coalesce((SELECT max(pos) FROM stretch WHERE pos <= ?1), 0) AND ?2 ORDER BY pos")
	for _, t := range journal.Tables {
		l.row[t] = one(rowQuery(t))
	}
	if len(errs) > 0 {
		return nil, errors.Join(append(errs, l.close())...)
	}
	return l, nil
}

func (l *lookup) close() error {
	var errs []error
	for _, st := range l.stmts {
		errs = append(errs, st.Close())
	}
	return errors.Join(append(errs, l.conn.Close())...)
}

// query runs a statement of a free connection and calls row for each row, as [sqlrows.Query]
// does.
func (p *lookups) query(ctx context.Context, stmt func(*lookup) driver.Stmt, row func([]driver.Value) error, args ...any) error {
	select {
	case <-p.gone:
		return errClosed
	default:
	}
	var l *lookup
	select {
	case l = <-p.idle:
	case <-p.gone:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { p.idle <- l }()
	// A page is short: row looks at ctx where it is not.
	return sqlrows.Query(context.WithoutCancel(ctx), stmt(l), row, args...)
}

// close waits for those that read.
func (p *lookups) close() error {
	close(p.gone)
	var errs []error
	for range p.all {
		errs = append(errs, (<-p.idle).close())
	}
	return errors.Join(errs...)
}
