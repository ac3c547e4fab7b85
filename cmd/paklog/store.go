package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/paklog/hub/adapters/postgres"
	"github.com/paklog/hub/adapters/sqlite"
	"github.com/paklog/hub/configs"
	"github.com/paklog/hub/core/journal"
)

// Where a journal may be.
const (
	inSQLite   = "sqlite"
	inPostgres = "postgres"
)

// PostgresConfig is the database of the journal.
type PostgresConfig struct {
	URL      configs.Secret `config:"url" doc:"postgres://user:password@host:port/database: give url_file, or ${NAME}."`
	Schema   string         `config:"schema" doc:"Schema of the journal, made where it is missing."`
	Readers  int            `config:"readers" doc:"Connections that read at once; one more writes."`
	Patience time.Duration  `config:"patience" doc:"How long reads and writes wait for a server that is away, before the hub ends."`
	Shared   bool           `config:"shared" doc:"Several hubs work on the journal, each with a data folder of its own."`
	Lapse    time.Duration  `config:"lapse" doc:"How long a hub may not breathe before the others take its routes over."`
	Payloads string         `config:"payloads" doc:"Folder of payload files that the hubs share; empty is this hub's own."`
}

// Validate refuses what cannot be a journal's database.
func (c PostgresConfig) Validate() error {
	errs := []error{atLeast("readers", c.Readers, 1), atMost("readers", c.Readers, 100), positive("patience", c.Patience)}
	if c.Lapse < time.Second {
		errs = append(errs, fmt.Errorf("lapse: is %s, and 1s at least", c.Lapse))
	}
	if err := postgres.CheckSchema(c.Schema); err != nil {
		errs = append(errs, fmt.Errorf("schema: %w", err))
	}
	return errors.Join(errs...)
}

func (c PostgresConfig) options() postgres.Options {
	return postgres.Options{URL: c.URL.Reveal(), Schema: c.Schema, Readers: c.Readers, Patience: c.Patience, Shared: c.Shared}
}

// storeRules refuse a store that there is not, and one that has no place.
func (c *Config) storeRules() error {
	switch c.Store {
	case inSQLite:
		return nil
	case inPostgres:
		if c.Postgres.URL.Reveal() == "" {
			return errors.New("store: postgres needs postgres.url, the database of the journal")
		}
		if c.Postgres.Shared && c.Postgres.Payloads == "" && c.S3.Bucket == "" {
			return errors.New("postgres.shared needs postgres.payloads, the folder of payload files that all hubs see, or s3.bucket")
		}
		return nil
	}
	return fmt.Errorf("store: %q: take %s or %s", c.Store, inSQLite, inPostgres)
}

// store is the journal where it lies, with what the hub asks of its place.
type store interface {
	journal.Driver
	// Full reports whether doors are to refuse new work for want of room.
	Full() bool
	// Written is how many units and batches were committed since it was opened.
	Written() (units, batches int64)
	// Synced is how often the disk was synced since then.
	Synced() int64
}

// embedded is the journal in the data folder.
type embedded struct{ *sqlite.Store }

func (s embedded) Written() (units, batches int64) {
	st := s.Stats()
	return st.Units, st.Batches
}

func (s embedded) Synced() int64 { return s.Stats().Syncs }

// grown is the journal in a database. The data folder, which keeps payloads, views and partners'
// folders, is this process's own all the same.
type grown struct {
	*postgres.Store
	folder  folderLock
	minFree int
}

func (s grown) Written() (units, batches int64) {
	st := s.Stats()
	return st.Units, st.Batches
}

// Synced counts one for each commit, for which the server syncs its WAL.
func (s grown) Synced() int64 { return s.Stats().Batches }

// Full looks at the disk of the data folder; that of the database is its server's care.
func (s grown) Full() bool {
	var st syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(s.folder.Name()), &st); err != nil || st.Blocks == 0 {
		return false
	}
	return int(st.Bavail*100/st.Blocks) < s.minFree
}

func (s grown) Close() error { return errors.Join(s.Store.Close(), s.folder.Close()) }

// openStore opens the journal that is configured.
func openStore(ctx context.Context, cfg *Config) (store, error) {
	if cfg.Store != inPostgres {
		s, err := sqlite.Open(ctx, cfg.Data, through(cfg.probe.store, sqlite.Options{MinFree: cfg.Limits.FreeDisk, Files: []string{payloads}}))
		if err != nil {
			return nil, err
		}
		return embedded{s}, nil
	}
	moved, err := sqlite.ReadMoved(cfg.Data)
	if err != nil {
		return nil, err
	}
	if !moved.Gone() && exists(filepath.Join(cfg.Data, "journal.db")) {
		return nil, fmt.Errorf("store is postgres, and %s holds a journal of its own: bring it over (`paklog migrate to-postgres`), name another data folder, or set store: sqlite", cfg.Data)
	}
	folder, err := lockFolder(cfg.Data)
	if err != nil {
		return nil, err
	}
	s, err := postgres.Open(ctx, cfg.Postgres.options())
	if err != nil {
		return nil, errors.Join(err, folder.Close())
	}
	g := grown{s, folder, cfg.Limits.FreeDisk}
	if moved.Gone() {
		if err := arrived(ctx, s, moved); err != nil {
			return nil, errors.Join(err, g.Close())
		}
	}
	return g, nil
}

// arrived refuses a database that is not the one that the journal of the data folder went to.
func arrived(ctx context.Context, s *postgres.Store, moved *sqlite.Moved) error {
	o, err := s.Origin(ctx)
	if err == nil && (o == nil || o.Move != moved.Move) {
		err = fmt.Errorf("%w: that of this data folder went to %s, and another one is configured: set postgres.url and postgres.schema, or name another data folder", journal.ErrMoved, moved.To)
	}
	return err
}

// awaitFolder lets open try again for a while where another has the data folder: a hub that was killed
// keeps its lock until the kernel has ended it, and who starts the next one was faster.
func awaitFolder[T any](ctx context.Context, tell func(error), open func() (T, error)) (T, error) {
	v, err := open()
	if !errors.Is(err, journal.ErrLocked) {
		return v, err
	}
	tell(err)
	until := time.NewTimer(lockWait)
	defer until.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return v, err
		case <-until.C:
			return v, fmt.Errorf("%w; it was waited for %s", err, lockWait)
		case <-tick.C:
		}
		if v, err = open(); !errors.Is(err, journal.ErrLocked) {
			return v, err
		}
	}
}

// folderLock is the lock file of a data folder, and taken.
type folderLock struct{ *os.File }

// Close gives the folder free. Closing the file alone would not yet do that: a process that is
// forked at this moment holds it until it executes its program.
func (l folderLock) Close() error {
	return errors.Join(syscall.Flock(int(l.Fd()), syscall.LOCK_UN), l.File.Close())
}

// lockFolder takes the data folder of a hub whose journal is elsewhere.
func lockFolder(dir string) (folderLock, error) {
	f, err := os.OpenFile(filepath.Join(filepath.Clean(dir), "folder.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return folderLock{}, fmt.Errorf("taking the data folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return folderLock{}, errors.Join(fmt.Errorf("taking the data folder %s: %w", dir, err), f.Close())
		}
		owner := "an unknown process"
		if b, _ := io.ReadAll(io.LimitReader(f, 32)); len(b) > 0 {
			owner = "process " + strings.TrimSpace(string(b))
		}
		return folderLock{}, errors.Join(fmt.Errorf("folder %s is in use by %s; stop it first, or speak to it: %w", dir, owner, journal.ErrLocked), f.Close())
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = fmt.Fprintln(f, os.Getpid())
	}
	if err != nil {
		return folderLock{}, errors.Join(fmt.Errorf("noting who has the data folder %s: %w", dir, err), f.Close())
	}
	return folderLock{f}, nil
}

// openSnapshot opens the configured database to read it as it is now, whoever works on it.
func openSnapshot(ctx context.Context, cfg *Config) (*evidence, error) {
	s, err := postgres.OpenSnapshot(ctx, cfg.Postgres.options())
	if err != nil {
		return nil, err
	}
	e := &evidence{store: s, how: "the database, as of one moment", files: cfg.payloadFolder(), bucket: cfg.S3}
	if _, err := os.Stat(cfg.Data); errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(fmt.Errorf("there is no data folder %s, whose payload files the journal names", cfg.Data), e.close())
	}
	return e, nil
}
