package main

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"modernc.org/sqlite"
)

// fsyncFloor is the disk alone: nothing that waits for each of its messages is faster.
type fsyncFloor struct {
	f     *os.File
	block []byte
	at    int64
	dur   time.Duration
}

func openFsync(_ context.Context, c *config) (probe, error) {
	f, err := os.Create(filepath.Join(c.work, "fsync"))
	if err != nil {
		return nil, fmt.Errorf("making a file to sync: %w", err)
	}
	p := &fsyncFloor{f: f, block: make([]byte, 4096), dur: c.length(0.5)}
	if _, err := f.Write(make([]byte, 256*len(p.block))); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return p, f.Sync()
}

func (p *fsyncFloor) round(ctx context.Context) (sample, error) {
	m := begin()
	n := 0
	for end := m.began.Add(p.dur); (n == 0 || time.Now().Before(end)) && ctx.Err() == nil; n++ {
		p.block[n%len(p.block)]++
		if _, err := p.f.WriteAt(p.block, p.at); err != nil {
			return sample{}, fmt.Errorf("overwriting a block: %w", err)
		}
		if err := syscall.Fdatasync(int(p.f.Fd())); err != nil {
			return sample{}, fmt.Errorf("syncing: %w", err)
		}
		p.at = (p.at + int64(len(p.block))) % (256 * int64(len(p.block)))
	}
	return m.end(n), ctx.Err()
}

func (p *fsyncFloor) Close() error { return p.f.Close() }

// length is a part of a round.
func (c *config) length(part float64) time.Duration {
	return time.Duration(c.seconds * part * float64(time.Second))
}

// all is a part of all rounds together, for what runs once.
func (c *config) all(part float64) time.Duration {
	return time.Duration(c.rounds) * c.length(part)
}

// insertBatch is the size of the floor's transactions and insertRows that of its statements;
// larger ones gain nothing.
const (
	insertBatch = 1000
	insertRows  = 50
)

// insertFloor is SQLite alone, through the driver that the hub uses, as fast as it was seen
// to go: one table, one prepared statement of many rows, nothing decided, large
// pages, and a WAL that is used again instead of cut, so that no sync grows a file.
type insertFloor struct {
	conn                  driver.Conn
	begin, insert, commit driver.StmtExecContext
	stmts                 []driver.Stmt
	unsaved               int // bytes since the last checkpoint
	rows                  [][]byte
	next                  int64
	dur                   time.Duration
}

func openInsert(ctx context.Context, c *config) (probe, error) {
	dir, err := c.scratch("insert")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "floor.db")
	conn, err := (&sqlite.Driver{}).Open("file:" + file + "?_pragma=synchronous(FULL)&_pragma=wal_autocheckpoint(0)&_pragma=cache_size(-16384)")
	if err != nil {
		return nil, fmt.Errorf("opening the floor's database: %w", err)
	}
	p := &insertFloor{conn: conn, dur: c.length(1)}
	// As the driver does it: pragmas of a connection's name are run in the order of the
	// alphabet, and the page size is settled once the file is in WAL mode.
	if err := execute(ctx, conn, "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL"); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if err := execute(ctx, conn, "CREATE TABLE log (pos INTEGER PRIMARY KEY, data BLOB NOT NULL)"); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	for _, s := range []struct {
		into  *driver.StmtExecContext
		query string
	}{{&p.begin, "BEGIN IMMEDIATE"}, {&p.insert, "INSERT INTO log (pos, data) VALUES " + strings.Repeat("(?,?),", insertRows-1) + "(?,?)"}, {&p.commit, "COMMIT"}} {
		st, err := conn.(driver.ConnPrepareContext).PrepareContext(ctx, s.query)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("preparing %s: %w", s.query, err), p.Close())
		}
		p.stmts = append(p.stmts, st)
		*s.into = st.(driver.StmtExecContext)
	}
	gen := newPayloads(1)
	for range 4096 {
		p.rows = append(p.rows, gen.next())
	}
	return p, nil
}

func (p *insertFloor) round(ctx context.Context) (sample, error) {
	args := make([]driver.NamedValue, 2*insertRows)
	for i := range args {
		args[i].Ordinal = i + 1
	}
	m := begin()
	n := 0
	for end := m.began.Add(p.dur); (n == 0 || time.Now().Before(end)) && ctx.Err() == nil; n += insertBatch {
		if p.unsaved += insertBatch * payloadSize; p.unsaved >= 16<<20 {
			if err := execute(ctx, p.conn, "PRAGMA wal_checkpoint(RESTART)"); err != nil {
				return sample{}, err
			}
			p.unsaved = 0
		}
		if _, err := p.begin.ExecContext(ctx, nil); err != nil {
			return sample{}, fmt.Errorf("beginning: %w", err)
		}
		for range insertBatch / insertRows {
			for i := range args {
				if i%2 == 0 {
					p.next++
					args[i].Value = p.next
				} else {
					args[i].Value = p.rows[p.next%int64(len(p.rows))]
				}
			}
			if _, err := p.insert.ExecContext(ctx, args); err != nil {
				return sample{}, fmt.Errorf("inserting: %w", err)
			}
		}
		if _, err := p.commit.ExecContext(ctx, nil); err != nil {
			return sample{}, fmt.Errorf("committing: %w", err)
		}
	}
	return m.end(n), ctx.Err()
}

func (p *insertFloor) Close() error {
	var errs []error
	for _, st := range p.stmts {
		errs = append(errs, st.Close())
	}
	p.stmts = nil
	return errors.Join(append(errs, p.conn.Close())...)
}

// execute runs one statement and reads its rows away.
func execute(ctx context.Context, conn driver.Conn, query string) error {
	st, err := conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
	if err != nil {
		return fmt.Errorf("preparing %s: %w", query, err)
	}
	defer st.Close()
	if _, err := st.(driver.StmtExecContext).ExecContext(ctx, nil); err != nil {
		return fmt.Errorf("running %s: %w", query, err)
	}
	return nil
}
