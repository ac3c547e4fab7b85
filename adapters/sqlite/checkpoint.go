package sqlite

import (
	"context"
	"database/sql/driver"

	"modernc.org/sqlite"
)

// copyBack copies the WAL into the database beside the writer, on a connection of its own, and then
// asks the writer to truncate what came since. A failure leaves the WAL as it is: it is
// tried again, and what is in it is safe.
func (s *Store) copyBack(w *writer) {
	if !w.copying.CompareAndSwap(false, true) {
		return
	}
	s.checkpointing.Go(func() {
		defer w.copying.Store(false)
		conn, err := (&sqlite.Driver{}).Open(s.dsn(s.opts.synchronous(), "wal_autocheckpoint(0)"))
		if err != nil {
			return
		}
		defer conn.Close()
		if err := exec(context.Background(), conn, "PRAGMA wal_checkpoint(PASSIVE)"); err != nil {
			return
		}
		s.stats.checkpoints.Add(1)
		s.stats.syncs.Add(2)
		select {
		case w.truncate <- struct{}{}:
		default:
		}
	})
}

// truncate copies back the rest and empties the WAL. Where a reader holds an old
// snapshot it does nothing: the next batch asks again.
func (s *Store) truncateWAL(w *writer) {
	ctx := context.Background()
	if err := exec(ctx, w.conn, "PRAGMA busy_timeout = 100"); err != nil {
		return
	}
	busy := int64(1)
	err := w.query(ctx, w.stmt.truncate, func(row []driver.Value) error {
		busy = number(row[0])
		return nil
	})
	if err == nil && busy == 0 {
		s.stats.syncs.Add(3)
	}
	_ = exec(ctx, w.conn, "PRAGMA busy_timeout = 5000")
}
