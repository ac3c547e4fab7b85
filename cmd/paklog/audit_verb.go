package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/sqlite"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalaudit"
)

func newAudit(g *global) *cobra.Command {
	var digest uint64
	cmd := &cobra.Command{
		Use: "audit [DIR]", Short: "Prove a journal: fold it again and hold everything against it",
		Long: `Prove a journal without a hub: positions without gaps, versions of streams, double entry and floors,
each stored unit against its checksum, every table against what the log says, what each subscription saw
and finished, the files of long documents and labels against their hashes, the books of stock against the
orders that hold them, at most one standing label a carton, effects and letters with their messages.

DIR is a data folder or a backup; without it, the configured journal. Where a hub runs on a folder, a backup
is taken through its socket into a temporary folder and audited there; a database is read as of one moment
while the hub goes on. Ends with 3 when something is not as
it must be.

--digest N adds a SHA-256 of each N positions of the log and of each table. Two journals that are equal have
equal digests, in a folder, a backup or a database; where they differ, the first range that does says from where.`,
		Example: `  paklog audit
  paklog audit /backups/paklog-2026-11-23
  paklog audit --digest 10000 /backups/paklog-2026-11-23
  paklog audit --json | jq '.findings'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			var dir string
			var e *evidence
			if len(args) == 1 {
				var err error
				dir = args[0]
				if e, err = openEvidence(ctx, dir); err != nil {
					return err
				}
				if g.config != "" {
					cfg, _, err := load(g.config)
					if err != nil {
						return errors.Join(err, e.close())
					}
					e.bucket = cfg.S3
				}
			} else {
				_, cfg, err := running(ctx, g)
				if err != nil {
					return err
				}
				if dir, e, err = configuredEvidence(ctx, cfg); err != nil {
					return err
				}
			}
			var progress io.Writer
			if terminal(cmd.ErrOrStderr()) {
				progress = cmd.ErrOrStderr()
			}
			look, err := lookIn(e.files, e.bucket)
			if err != nil {
				return errors.Join(err, e.close())
			}
			r, err := auditJournal(ctx, e.store, look, progress)
			if err == nil && digest > 0 {
				d, derr := journalaudit.Digests(ctx, e.store, journal.Pos(digest))
				if r.unread(derr); derr == nil {
					r.Digest = &d
				}
			}
			if err = errors.Join(err, e.close()); err != nil {
				return err
			}
			r.Folder, r.Read = dir, e.how
			if g.json {
				err = writeJSON(cmd.OutOrStdout(), r)
			} else {
				err = r.print(cmd.OutOrStdout())
			}
			if err == nil && len(r.Findings) > 0 {
				err = exitFindings
			}
			return err
		},
	}
	cmd.Flags().Uint64Var(&digest, "digest", 0, "positions in each range of the log that is hashed; 0 hashes nothing")
	return cmd
}

// evidence is a journal opened to be read.
type evidence struct {
	store  journal.Driver
	how    string   // where it was read
	tmp    string   // to be removed
	files  string   // folder of the payloads
	bucket S3Config // of those that are not in it
}

// open opens what is in a folder.
func (e *evidence) open(ctx context.Context, dir string) error {
	s, err := sqlite.Open(ctx, dir, sqlite.Options{Moved: true}) // whoever names the folder means what it holds
	if err == nil {
		e.store = s
	}
	return err
}

func (e *evidence) close() error {
	var err error
	if e.store != nil {
		err = e.store.Close()
	}
	if e.tmp != "" {
		err = errors.Join(err, os.RemoveAll(e.tmp))
	}
	return err
}

// configuredEvidence opens the journal that is configured, and says where it is.
func configuredEvidence(ctx context.Context, cfg *Config) (dir string, e *evidence, err error) {
	if cfg.Store == inPostgres {
		e, err = openSnapshot(ctx, cfg)
		return "schema " + cfg.Postgres.Schema, e, err
	}
	if err := sqlite.Here(cfg.Data); err != nil {
		return cfg.Data, nil, err
	}
	if e, err = openEvidence(ctx, cfg.Data); e != nil {
		e.bucket = cfg.S3
	}
	return cfg.Data, e, err
}

// openEvidence opens what is in a folder and leaves it as it is: a backup, whose hashes must
// stay true, a journal that a hub owns and one that may not be written are read from a copy.
func openEvidence(ctx context.Context, dir string) (_ *evidence, err error) {
	if info, err := os.Stat(dir); err != nil {
		return nil, err
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%s is a file: name a data folder or a backup", dir)
	}
	if !exists(filepath.Join(dir, "journal.db")) {
		return nil, fmt.Errorf("there is no journal in %s: name a data folder or a backup", dir)
	}
	e := &evidence{files: filepath.Join(dir, payloads)}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.close())
		}
	}()
	aside := func() (string, error) {
		tmp, err := os.MkdirTemp("", "paklog-audit-")
		e.tmp = tmp
		return filepath.Join(tmp, "journal"), err
	}
	if exists(filepath.Join(dir, "manifest.json")) {
		e.how = "a copy of the backup, whose hashes are right"
		to, err := aside()
		e.files = filepath.Join(to, payloads)
		if err == nil {
			err = sqlite.Restore(ctx, dir, to)
		}
		if err == nil {
			err = e.open(ctx, to)
		}
		return e, err
	}
	if c := attach(ctx, &Config{Data: dir}); c != nil {
		e.how = "a backup that the running hub made"
		to, err := aside()
		e.files = filepath.Join(to, payloads)
		if err == nil {
			err = c.do(ctx, http.MethodPost, "/control/backup", map[string]string{"to": to}, nil)
		}
		if err == nil {
			err = e.open(ctx, to)
		}
		return e, err
	}
	e.how = "the folder itself"
	err = e.open(ctx, dir)
	switch {
	case errors.Is(err, journal.ErrLocked):
		return e, fmt.Errorf("%w; it does not answer on %s, so no backup of it can be taken", err, socketPath(dir))
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS):
		e.how = "a copy, for the folder may not be written"
		to, err := aside()
		if err == nil {
			err = copyJournal(dir, to)
		}
		if err == nil {
			err = e.open(ctx, to)
		}
		return e, err
	}
	return e, err
}

// copyJournal copies a journal that nobody has open.
func copyJournal(from, to string) error {
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	for _, name := range []string{"journal.db", "journal.db-wal", "lock"} {
		in, err := os.Open(filepath.Join(from, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		out, err := os.OpenFile(filepath.Join(to, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = io.Copy(out, in)
			err = errors.Join(err, out.Close())
		}
		if err = errors.Join(err, in.Close()); err != nil {
			return fmt.Errorf("copying %s: %w", name, err)
		}
	}
	return nil
}
