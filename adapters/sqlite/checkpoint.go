package sqlite

import (
	"context"
	"database/sql/driver"

	"modernc.org/sqlite"
)

// The WAL file keeps its size: where the next batch writes over old frames, its sync need not
// also write where the file's new blocks are, and takes a third of the time. Frames of an
// earlier round carry another salt, so no reader takes them for committed ones.

// copyBack copies the WAL into the database beside the writer, on a connection of its own, and then
// asks the writer to begin the WAL anew. A failure leaves the WAL as it is: it is
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
		case w.copied <- struct{}{}:
		default:
		}
	})
}

// restartWAL copies back the rest, so that the next batch begins the WAL at its start. Where a
// reader holds an old snapshot it does nothing: the next batch asks again.
func (s *Store) restartWAL(w *writer) {
	ctx := context.Background()
	if err := exec(ctx, w.conn, "PRAGMA busy_timeout = 100"); err != nil {
		return
	}
	busy := int64(1)
	err := w.query(ctx, w.stmt.restart, func(row []driver.Value) error {
		busy = number(row[0])
		return nil
	})
	if err == nil && busy == 0 {
		s.stats.syncs.Add(2)
	}
	_ = exec(ctx, w.conn, "PRAGMA busy_timeout = 5000")
}

// walSize is how much of the WAL file is in use, in bytes: 0 where all of it was copied back.
func (w *writer) walSize(ctx context.Context) (size int64) {
	_ = w.query(ctx, w.stmt.inWAL, func(row []driver.Value) error {
		if frames, copied := number(row[1]), number(row[2]); frames > copied {
			size = frames * w.frame
		}
		return nil
	})
	return size
}
