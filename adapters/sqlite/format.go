package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
)

// prepareFormat makes the tables of a new store, or brings an older one to the wanted format
// after a backup of it.
func (w *writer) prepareFormat(ctx context.Context, want int, steps map[int]string) error {
	id, err := w.number(ctx, "PRAGMA application_id")
	if err != nil {
		return err
	}
	if id == appID {
		return w.migrate(ctx, want, steps)
	}
	tables, err := w.number(ctx, "SELECT count(*) FROM sqlite_master")
	if err != nil {
		return err
	}
	if tables > 0 {
		return fmt.Errorf("%s is a SQLite file of another program: name another data folder", w.s.file)
	}
	return w.inFormat(ctx, createSchema(), want)
}

// inFormat runs a script and notes the format that it leads to, in one transaction, and copies the
// WAL back so that the file's header says it too.
func (w *writer) inFormat(ctx context.Context, script string, format int) error {
	script = fmt.Sprintf("BEGIN IMMEDIATE; %s; PRAGMA application_id=%d; PRAGMA user_version=%d; "+
		"INSERT INTO meta (key, value) VALUES ('format', %d) ON CONFLICT (key) DO UPDATE SET value = excluded.value; "+
		"COMMIT; PRAGMA wal_checkpoint(TRUNCATE)", script, appID, format, format)
	if err := exec(ctx, w.conn, script); err != nil {
		return errors.Join(err, ignoreNoTransaction(exec(ctx, w.conn, "ROLLBACK")))
	}
	return nil
}

func (w *writer) migrate(ctx context.Context, want int, steps map[int]string) error {
	have, err := w.number(ctx, "SELECT value FROM meta WHERE key = 'format'")
	if err != nil {
		return err
	}
	if have == int64(want) {
		return nil
	}
	if err := readable(int(have), want, steps); err != nil {
		return err
	}
	copied := filepath.Join(w.s.dir, fmt.Sprintf("before-format-%d", want))
	if err := w.s.backup(ctx, w.conn, copied); err != nil {
		return fmt.Errorf("backing up before migrating from format %d: %w", have, err)
	}
	for n := int(have); n < want; n++ {
		if err := w.inFormat(ctx, steps[n], n+1); err != nil {
			return fmt.Errorf("migrating format %d (the backup is in %s): %w", n, copied, err)
		}
	}
	return nil
}
