// Package views keeps what the projector folds from the journal in a SQLite file of its
// own, and answers queries from it: documents by kind, search by business key, journeys.
//
// The file can be thrown away at any time: it is built again. It is written with
// synchronous=NORMAL, so a power cut may take its newest batches with it; they are read from
// the journal again. Where its version is not the program's, it goes on answering while a new
// file is built beside it, which then takes its place in one rename.
package views

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/paklog/hub/core/journal"
)

const (
	fileName = "views.db"
	newName  = "views.new.db"
)

// format is that of the tables; what documents look like is the caller's version.
const format = "2"

const schema = `
CREATE TABLE IF NOT EXISTS meta (k TEXT PRIMARY KEY, v TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS doc (
	kind TEXT NOT NULL, key TEXT NOT NULL, tenant TEXT NOT NULL, owner TEXT NOT NULL, facility TEXT NOT NULL,
	id TEXT NOT NULL, status TEXT NOT NULL, correlation TEXT NOT NULL, updated INTEGER NOT NULL,
	position INTEGER NOT NULL, version INTEGER NOT NULL, terms TEXT NOT NULL, state BLOB NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS doc_key ON doc (kind, key);
CREATE INDEX IF NOT EXISTS doc_status ON doc (kind, status, key);
CREATE INDEX IF NOT EXISTS doc_owner ON doc (kind, owner, key);
CREATE TABLE IF NOT EXISTS term (term TEXT, kind TEXT, key TEXT, PRIMARY KEY (term, kind, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hop (
	correlation TEXT, position INTEGER, time INTEGER NOT NULL, route TEXT NOT NULL, type TEXT NOT NULL, topic TEXT NOT NULL,
	key TEXT NOT NULL, stream TEXT NOT NULL, id BLOB NOT NULL, causation BLOB NOT NULL, PRIMARY KEY (correlation, position)) WITHOUT ROWID;
` + deskSchema

// Store is the views in a folder. Queries come from any goroutine; the methods of the
// projector (Position, Apply, Rebuild, CaughtUp) from one.
type Store struct {
	dir, version string

	// mu is held for reading by queries, and for writing while files change places.
	mu      sync.RWMutex
	current *file // answers are given from it
	next    *file // what is being built, nil when current is up to date
}

// file is one open database: a writer and readers.
type file struct {
	path  string
	write *sql.DB
	read  *sql.DB
	apply *applier
}

// Open opens the views in a folder, or makes them. A file that cannot be read is removed and
// built anew: nothing is in it that the journal has not.
func Open(ctx context.Context, dir, version string) (*Store, error) {
	// SQLite takes the first part of a relative path in a file URL for a host.
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the views: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening the views: %w", err)
	}
	s := &Store{dir: dir, version: format + " " + version}
	path := filepath.Join(dir, fileName)
	f, err := open(ctx, path, s.version)
	if err != nil {
		if rerr := remove(path); rerr != nil {
			return nil, fmt.Errorf("opening the views: %w; removing them to build them anew: %w", err, rerr)
		}
		if f, err = open(ctx, path, s.version); err != nil {
			return nil, fmt.Errorf("opening the views: %w", err)
		}
	}
	s.current = f
	have, err := f.meta(ctx, "version")
	if err == nil && have != s.version {
		err = s.Rebuild(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the views: %w", err), s.Close())
	}
	return s, nil
}

// readers is how many connections read at once.
const readers = 4

func open(ctx context.Context, path, version string) (_ *file, err error) {
	dsn := func(pragmas ...string) string {
		q := url.Values{"_pragma": append([]string{"busy_timeout(5000)"}, pragmas...)}
		return (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String()
	}
	f := &file{path: path}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close())
		}
	}()
	writing := dsn("journal_mode(WAL)", "synchronous(NORMAL)", "cache_size(-8192)", "temp_store(MEMORY)")
	if f.write, err = sql.Open("sqlite", writing); err != nil {
		return nil, err
	}
	f.write.SetMaxOpenConns(1)
	if _, err = f.write.ExecContext(ctx, schema); err != nil {
		return nil, err
	}
	// The first to write says what is in the file.
	if _, err = f.write.ExecContext(ctx, "INSERT OR IGNORE INTO meta VALUES ('version', ?)", version); err != nil {
		return nil, err
	}
	// As the journal's: names and addresses are in it.
	for _, suffix := range []string{"", "-wal", "-shm"} {
		_ = os.Chmod(path+suffix, 0o600) // that of another user stays as he has it
	}
	if f.apply, err = newApplier(ctx, writing); err != nil {
		return nil, err
	}
	if f.read, err = sql.Open("sqlite", dsn("query_only(1)", "cache_size(-2048)")); err != nil {
		return nil, err
	}
	f.read.SetMaxOpenConns(readers)
	f.read.SetMaxIdleConns(readers)
	return f, f.read.PingContext(ctx)
}

func (f *file) meta(ctx context.Context, k string) (string, error) {
	var v string
	err := f.write.QueryRowContext(ctx, "SELECT v FROM meta WHERE k = ?", k).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return v, err
}

func (f *file) close() error {
	var errs []error
	if f.apply != nil {
		errs = append(errs, f.apply.close())
	}
	for _, db := range []*sql.DB{f.read, f.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

func remove(path string) error {
	var errs []error
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Close closes the files. What is half built stays and is begun anew by the next Open.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, f := range []*file{s.current, s.next} {
		if f != nil {
			errs = append(errs, f.close())
		}
	}
	s.current, s.next = nil, nil
	return errors.Join(errs...)
}

var errClosed = errors.New("the views are closed")

// Rebuilding reports whether a new file is being built beside the one that answers.
func (s *Store) Rebuilding() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.next != nil
}

// target is the file that the projector writes.
func (s *Store) target() (*file, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch {
	case s.next != nil:
		return s.next, nil
	case s.current != nil:
		return s.current, nil
	}
	return nil, errClosed
}

// Rebuild begins a new file beside the one that answers.
func (s *Store) Rebuild(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil {
		return errClosed
	}
	if s.next != nil {
		if err := s.next.close(); err != nil {
			return err
		}
		s.next = nil
	}
	path := filepath.Join(s.dir, newName)
	if err := remove(path); err != nil {
		return err
	}
	var err error
	s.next, err = open(ctx, path, s.version)
	return err
}

// CaughtUp puts what was built in the place of what answered until now.
func (s *Store) CaughtUp(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil {
		return nil
	}
	// Its WAL goes into the file, so that one rename moves it whole.
	if _, err := s.next.write.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		return err
	}
	if err := errors.Join(s.next.close(), s.current.close()); err != nil {
		return err
	}
	from, to := s.next.path, s.current.path
	s.next, s.current = nil, nil
	err := remove(to)
	if err == nil {
		err = os.Rename(from, to)
	}
	// What became of it, answers are given from what is there.
	f, oerr := open(ctx, to, s.version)
	s.current = f
	if oerr != nil {
		s.current = nil
	}
	return errors.Join(err, oerr)
}

// Position is where what the projector writes stands.
func (s *Store) Position(ctx context.Context) (journal.Pos, journal.ID, error) {
	f, err := s.target()
	if err != nil {
		return 0, journal.ID{}, err
	}
	at, err := position(ctx, f.write)
	if err != nil || at == 0 {
		return 0, journal.ID{}, err
	}
	u, err := f.meta(ctx, "unit")
	if err != nil {
		return 0, journal.ID{}, err
	}
	id, err := journal.ParseID(u)
	return at, id, err
}

type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func position(ctx context.Context, q querier) (journal.Pos, error) {
	var p int64
	err := q.QueryRowContext(ctx, "SELECT CAST(v AS INTEGER) FROM meta WHERE k = 'position'").Scan(&p)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return journal.Pos(p), err
}
