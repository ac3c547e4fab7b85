package postgres

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/paklog/hub/core/journal"
)

// Options of a store.
type Options struct {
	// URL is postgres://user:password@host:port/database, or key=value pairs, as libpq
	// takes them.
	URL string
	// Schema that the journal is in, made where it is missing. Default "paklog".
	Schema string
	// Readers is how many connections read at once. Default 8.
	Readers int
	// Shared lets several processes write, each what it has the lease of: see [journal.Team].
	Shared bool
	// Moving opens a journal that is not, or not yet, the schema's own: it is on its way (see [Origin]).
	Moving bool
	// Patience is how long a read or a write waits for a server that is away. Default 1 minute.
	Patience time.Duration
	// Timeout ends a round trip that gets no answer, and with it the connection. Default 30 s.
	Timeout time.Duration
	// NoSync leaves out every sync, and so breaks what the store promises. It is there for tests
	// that are not about that.
	NoSync bool
}

func (o Options) withDefaults() Options {
	if o.Schema == "" {
		o.Schema = "paklog"
	}
	if o.Readers <= 0 {
		o.Readers = 8
	}
	if o.Patience <= 0 {
		o.Patience = time.Minute
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	return o
}

// openPatience is how long Open waits for a server that is starting.
const openPatience = 5 * time.Second

// schemaName is what needs no quotes anywhere.
var schemaName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// CheckSchema refuses a name that would need quotes.
func CheckSchema(name string) error {
	if !schemaName.MatchString(name) {
		return fmt.Errorf("%q: begin with a letter, and take lower-case letters, digits and _, 63 at most", name)
	}
	return nil
}

// Place is where the journal is, for people: no password is in it.
func (o Options) Place() string {
	o = o.withDefaults()
	cfg, err := pgx.ParseConfig(o.URL)
	if err != nil {
		return "schema " + o.Schema + " of a PostgreSQL"
	}
	return fmt.Sprintf("schema %s of database %s on %s, port %d", o.Schema, cfg.Database, cfg.Host, cfg.Port)
}

// session are the settings that every connection has. Plans are made once and by index alone: no
// statement of ours is better off without, and tables grow faster than their statistics.
func (o Options) session(name string) (map[string]string, error) {
	if err := CheckSchema(o.Schema); err != nil {
		return nil, fmt.Errorf("schema %w", err)
	}
	return map[string]string{
		"application_name": name,
		"search_path":      o.Schema,
		"plan_cache_mode":  "force_generic_plan",
		"enable_seqscan":   "off",
		"jit":              "off",
		// What is read after the lock is what was committed before it.
		"default_transaction_isolation": "read committed",
		// Timeout ends what hangs, and an owner may have nothing to do for long.
		"statement_timeout":    "0",
		"idle_session_timeout": "0",
		// A process that stops in the middle of a batch holds the head row: not for ever.
		"idle_in_transaction_session_timeout": "10s",
		"lock_timeout":                        "20s",
	}, nil
}

// conn is the configuration of one connection.
func (o Options) conn(name string) (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(o.URL)
	if err != nil {
		return nil, err
	}
	set, err := o.session(name)
	if err != nil {
		return nil, err
	}
	for k, v := range set {
		cfg.RuntimeParams[k] = v
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 5 * time.Second
	}
	return cfg, nil
}

// Store is a journal in a schema of PostgreSQL. It implements [journal.Driver].
type Store struct {
	opts   Options
	write  *writer // nil of a snapshot
	read   reader
	team   *team // nil where the journal is this process's alone
	broken atomic.Pointer[error]
	stats  counters

	closeOnce sync.Once
	closeErr  error
}

var _ journal.Driver = (*Store)(nil)

var errClosed = errors.New("journal is closed")

// Open connects, makes the schema where there is none, and takes the journal. [journal.ErrLocked]
// and [journal.ErrFormat] are found by errors.Is.
func Open(ctx context.Context, o Options) (_ *Store, err error) {
	o = o.withDefaults()
	s := &Store{opts: o}
	defer func() {
		if err != nil {
			err = fmt.Errorf("opening the journal in schema %s: %w", o.Schema, errors.Join(advice(err), s.closeConns(ctx)))
		}
	}()
	if s.write, err = openWriter(ctx, s); err != nil {
		return nil, err
	}
	cfg, err := o.conn("paklog reader")
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return nil, err
	}
	pool.ConnConfig, pool.MaxConns = cfg, int32(o.Readers)
	cfg.RuntimeParams["default_transaction_read_only"] = "on"
	p, err := pgxpool.NewWithConfig(ctx, pool)
	if err != nil {
		return nil, err
	}
	s.read = &pooled{pool: p, patience: o.Patience, timeout: o.Timeout}
	if o.Shared {
		s.team = &team{s: s}
	}
	return s, nil
}

// OpenSnapshot connects to read the journal as it is at this moment, while others write. Nothing can
// be written.
func OpenSnapshot(ctx context.Context, o Options) (_ *Store, err error) {
	o = o.withDefaults()
	s := &Store{opts: o}
	s.fail(errors.New("journal was opened to be read"))
	cfg, err := o.conn("paklog snapshot")
	if err != nil {
		return nil, err
	}
	cfg.RuntimeParams["idle_in_transaction_session_timeout"] = "10min"
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err == nil {
		s.read = &snapshot{conn: conn}
		err = ready(ctx, conn, o.Schema, false)
	}
	if err == nil {
		_, err = conn.Exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
	}
	if err != nil {
		return nil, fmt.Errorf("opening the journal in schema %s: %w", o.Schema, errors.Join(advice(err), s.closeConns(ctx)))
	}
	return s, nil
}

func (s *Store) closeConns(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.opts.Timeout)
	defer cancel()
	var err error
	if s.team != nil {
		err = s.team.leave(ctx)
	}
	if s.read != nil {
		err = errors.Join(err, s.read.close(ctx))
	}
	if s.write != nil {
		err = errors.Join(err, s.write.close(ctx))
	}
	return err
}

// Close gives the journal free. Write has returned before it is called.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		s.fail(errClosed)
		s.closeErr = s.closeConns(context.Background())
	})
	return s.closeErr
}

// fail makes err the answer of every later Write.
func (s *Store) fail(err error) { s.broken.CompareAndSwap(nil, &err) }

// counters are read while the writer counts.
type counters struct{ batches, units, asked, anew atomic.Int64 }

// Stats are counts since the store was opened.
type Stats struct {
	Batches int64 // transactions committed, each of one sync
	Units   int64
	Asked   int64 // commits whose answer was lost and that were asked for
	Anew    int64 // batches that were written anew
}

// Stats returns the counts so far.
func (s *Store) Stats() Stats {
	c := &s.stats
	return Stats{c.batches.Load(), c.units.Load(), c.asked.Load(), c.anew.Load()}
}
