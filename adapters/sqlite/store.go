package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"

	"modernc.org/sqlite"

	"github.com/paklog/hub/adapters/internal/sqlrows"
	"github.com/paklog/hub/core/journal"
)

// fileName is the database in the data folder.
const fileName = "journal.db"

// Options of a store. The zero value is what a hub should run with.
type Options struct {
	// Readers is how many connections read at once. Default 4.
	Readers int
	// WALLimit is the size of the WAL in bytes at which it is copied back into the
	// database. The file keeps up to a third more. Default 16 MB: larger stalls writers
	// longer when its rest is copied.
	WALLimit int64
	// MinFree is the share of the disk, in percent, under which [Store.Full] says to take
	// nothing more in. Default 5; negative never.
	MinFree int
	// Files are folders beside the database, relative to the data folder, whose files units
	// name by hash. A backup holds them too.
	Files []string
	// Moved opens a journal that has left the folder, see [Moved].
	Moved bool
	// NoSync leaves out every sync, and so breaks what the store promises. It is there for the
	// power-loss test, which must see it fail.
	NoSync bool
}

func (o Options) synchronous() string {
	if o.NoSync {
		return "synchronous(OFF)"
	}
	return "synchronous(FULL)"
}

func (o Options) withDefaults() Options {
	if o.Readers <= 0 {
		o.Readers = 4
	}
	if o.WALLimit <= 0 {
		o.WALLimit = 16 << 20
	}
	if o.MinFree == 0 {
		o.MinFree = 5
	}
	return o
}

// Store is a journal in a folder. It implements [journal.Driver].
type Store struct {
	dir  string
	file string
	opts Options
	lock *folderLock

	writing  sync.Mutex // a batch against Shrink; nobody else waits for it
	write    *writer
	read     *sql.DB
	q        queries
	look     *lookups // single rows and units
	pages    *lookups // stretches of the log
	names    *names   // of streams
	claims   *names
	glances  *glances
	last     atomic.Uint64
	broken   atomic.Pointer[error]
	restored atomic.Bool
	stats    counters

	checkpointing sync.WaitGroup
	filling       sync.WaitGroup
	stopFilling   context.CancelFunc
	closeOnce     sync.Once
	closeErr      error
}

var _ journal.Driver = (*Store)(nil)

// Open takes the folder and opens the journal in it; both are made where they are missing. The
// error says what to do. [journal.ErrLocked] and [journal.ErrFormat] are found by errors.Is.
func Open(ctx context.Context, dir string, o Options) (*Store, error) {
	s, err := open(ctx, dir, o, journal.Format, migrations)
	if err != nil {
		return nil, fmt.Errorf("opening the journal in %s: %w", dir, err)
	}
	return s, nil
}

func open(ctx context.Context, dir string, o Options, format int, steps map[int]string) (_ *Store, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	switch info, err := os.Stat(dir); {
	case err == nil && !info.IsDir():
		return nil, errors.New("it is a file: name a folder")
	case err == nil:
	case errors.Is(err, os.ErrNotExist):
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("making the data folder: %w", err)
		}
		if err := syncDir(filepath.Dir(dir)); err != nil {
			return nil, err
		}
	default:
		return nil, err
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	if !o.Moved {
		if err := Here(dir); err != nil {
			return nil, errors.Join(err, lock.release())
		}
	}
	s := &Store{dir: dir, file: filepath.Join(dir, fileName), opts: o.withDefaults(), lock: lock, glances: newGlances()}
	defer func() {
		if err != nil {
			_ = s.closeConns() // err says what is wrong with the folder
			err = errors.Join(err, lock.release())
		}
	}()
	if err := s.looksWhole(format, steps); err != nil {
		return nil, err
	}
	if err := s.connect(ctx, format, steps); err != nil {
		if s.isFull(err) {
			err = fmt.Errorf("%w: make room on its disk: %w", journal.ErrFull, err)
		}
		return nil, advice(s.file, err)
	}
	// Names and addresses are nobody else's, whoever may look into the folder.
	for _, suffix := range []string{"", "-wal", "-shm"} {
		_ = os.Chmod(s.file+suffix, 0o600) // that of another user stays as he has it
	}
	// The names of the database and its WAL are durable before the lock says that a WAL
	// must be there.
	if err := syncDir(dir); err != nil {
		return nil, err
	}
	if err := lock.write(stateOpen); err != nil {
		return nil, fmt.Errorf("writing the lock file: %w", err)
	}
	return s, nil
}

// looksWhole refuses, without touching anything, what must not be opened.
func (s *Store) looksWhole(format int, steps map[int]string) error {
	h, err := readHeader(s.file)
	if err != nil {
		return err
	}
	if !h.empty {
		if err := readable(h.format, format, steps); err != nil {
			return err
		}
	}
	wal, err := os.Stat(s.file + "-wal")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	hasWAL := err == nil && wal.Size() > 0
	switch {
	case h.empty && hasWAL && !h.made:
		// SQLite would take the WAL away: it belongs to no database that it sees.
		return fmt.Errorf("%s is %s and %s-wal is not: the journal is in neither alone; "+
			"put the file back, or restore a backup with `paklog restore` into an empty folder", s.file, h.what(), s.file)
	case h.empty && s.lock.state() != "":
		return fmt.Errorf("%s is %s although there was a journal in this folder: "+
			"put the file back, or restore a backup with `paklog restore` into an empty folder; "+
			"to begin a new journal, delete %s", s.file, h.what(), filepath.Join(s.dir, "lock"))
	case err != nil && s.lock.state() == stateOpen:
		return fmt.Errorf("%s-wal is missing although the journal was not closed in order: "+
			"the newest batches were in it; put it back, or restore a backup; "+
			"to go on without them, delete %s", s.file, filepath.Join(s.dir, "lock"))
	}
	return nil
}

func (s *Store) dsn(pragmas ...string) string {
	q := url.Values{}
	for _, p := range append([]string{"busy_timeout(5000)"}, pragmas...) {
		q.Add("_pragma", p)
	}
	return (&url.URL{Scheme: "file", Path: s.file, RawQuery: q.Encode()}).String()
}

func (s *Store) connect(ctx context.Context, format int, steps map[int]string) error {
	conn, err := (&sqlite.Driver{}).Open(s.dsn(s.opts.synchronous(),
		"wal_autocheckpoint(0)", "cache_size(-16384)", "temp_store(MEMORY)"))
	if err != nil {
		return err
	}
	s.write = newWriter(s, conn)
	// Not in the name of the connection: its pragmas are run in the order of the alphabet, and
	// the page size is settled once the file is in WAL mode.
	if err := exec(ctx, conn, fmt.Sprintf("PRAGMA page_size = %d; PRAGMA journal_mode = WAL", pageSize)); err != nil {
		return err
	}
	// What a reader's old snapshot let the WAL grow by is given back when it begins anew.
	if err := exec(ctx, conn, fmt.Sprintf("PRAGMA journal_size_limit = %d", s.opts.WALLimit+s.opts.WALLimit/3)); err != nil {
		return err
	}
	if err := s.write.prepareFormat(ctx, format, steps); err != nil {
		return err
	}
	if err := s.write.load(ctx); err != nil {
		return err
	}
	reading := s.dsn("query_only(1)", "cache_size(-2048)")
	if s.look, err = openLookups(ctx, reading, s.opts.Readers); err != nil {
		return err
	}
	if s.pages, err = openLookups(ctx, reading, s.opts.Readers); err != nil {
		return err
	}
	s.read, err = sql.Open("sqlite", reading)
	if err != nil {
		return err
	}
	s.read.SetMaxOpenConns(s.opts.Readers)
	s.read.SetMaxIdleConns(s.opts.Readers)
	if err := s.q.prepare(ctx, s.read); err != nil {
		return err
	}
	fill, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stopFilling = stop
	s.filling.Go(func() { // without it what is new is looked for in the file
		_ = errors.Join(s.names.fill(fill, s.q.names), s.claims.fill(fill, s.q.claims))
	})
	return nil
}

func (s *Store) closeConns() error {
	if s.stopFilling != nil {
		s.stopFilling()
		s.filling.Wait()
	}
	var errs []error
	for _, l := range []*lookups{s.look, s.pages} {
		if l != nil {
			errs = append(errs, l.close())
		}
	}
	if s.read != nil {
		errs = append(errs, s.q.close(), s.read.Close())
	}
	if s.write != nil {
		errs = append(errs, s.write.close())
	}
	return errors.Join(errs...)
}

// Close waits for the checkpoint under way and gives the folder free. Write has returned
// before it is called.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		s.checkpointing.Wait()
		var errs []error
		if s.broken.Load() == nil {
			errs = append(errs, s.lock.write(stateClosed))
		}
		s.fail(errClosed)
		errs = append(errs, s.closeConns(), s.lock.release())
		s.closeErr = errors.Join(errs...)
	})
	return s.closeErr
}

var errClosed = errors.New("journal is closed")

// fail makes err the answer of every later Write.
func (s *Store) fail(err error) { s.broken.CompareAndSwap(nil, &err) }

// free is the share of the disk that is free, in percent; 100 where nobody knows.
func (s *Store) free() int {
	var st syscall.Statfs_t
	if err := syscall.Statfs(s.dir, &st); err != nil || st.Blocks == 0 {
		return 100
	}
	return int(st.Bavail * 100 / st.Blocks)
}

// Full reports whether the disk is so full that doors are to refuse new work, so that what is
// under way can still be finished.
func (s *Store) Full() bool { return s.free() < s.opts.MinFree }

// counters are read while the writer counts.
type counters struct{ batches, units, checkpoints, syncs atomic.Int64 }

// Stats are counts since the store was opened.
type Stats struct {
	Batches     int64 // transactions committed
	Units       int64
	Checkpoints int64 // times that the WAL was copied back
	// Syncs counts one for each commit and four for a checkpoint that ran to its end. The first
	// commit after one costs another, for the WAL's header, which is not counted.
	Syncs int64
}

// Stats returns the counts so far.
func (s *Store) Stats() Stats {
	c := &s.stats
	return Stats{c.batches.Load(), c.units.Load(), c.checkpoints.Load(), c.syncs.Load()}
}

// exec runs one statement without results on a driver connection.
func exec(ctx context.Context, c driver.Conn, query string, args ...any) error {
	st, err := sqlrows.Prepare(ctx, c, query)
	if err != nil {
		return err
	}
	defer st.Close()
	return sqlrows.Run(ctx, st, args...)
}
