package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/paklog/hub/core/journal"
)

// connect makes the writer's connection and takes the journal on it, or says why not. A session of
// ours that the server has not yet seen die is ended first: it may hold the journal.
func (w *writer) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, w.s.opts.Timeout)
	defer cancel()
	cfg, err := w.s.opts.conn(w.name)
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return err
	}
	if err := w.settle(ctx, conn); err != nil {
		return errors.Join(onConn(conn, err), conn.Close(context.WithoutCancel(ctx)))
	}
	w.conn = conn
	return nil
}

// settle prepares a new session.
func (w *writer) settle(ctx context.Context, conn *pgx.Conn) error {
	var fsync, commit string
	if err := conn.QueryRow(ctx, "SELECT current_setting('fsync'), current_setting('synchronous_commit')").Scan(&fsync, &commit); err != nil {
		return err
	}
	if fsync != "on" && !w.s.opts.NoSync {
		return errors.New("the server has fsync = off: a power cut takes what was answered; set fsync = on")
	}
	switch {
	case w.s.opts.NoSync:
		commit = "off"
	case commit == "off":
		commit = "on"
	}
	if _, err := conn.Exec(ctx, "SELECT set_config('synchronous_commit', $1, false)", commit); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND pid <> pg_backend_pid()", w.name); err != nil {
		return err
	}
	return w.own(ctx, conn)
}

// own takes the advisory lock of the journal, alone or with others.
func (w *writer) own(ctx context.Context, conn *pgx.Conn) error {
	try := "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"
	if w.s.opts.Shared {
		try = "SELECT pg_try_advisory_lock_shared(hashtextextended($1, 0))"
	}
	wait := time.NewTicker(20 * time.Millisecond)
	defer wait.Stop()
	for range 100 { // a session that was ended, or whose process was killed, takes a moment to go
		var got bool
		if err := conn.QueryRow(ctx, try, w.s.opts.Schema).Scan(&got); err != nil || got {
			return err
		}
		select {
		case <-wait.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	var who, since string
	if err := conn.QueryRow(ctx, `SELECT coalesce(max(a.application_name || ', process ' || a.pid || coalesce(' from ' || host(a.client_addr), '')), 'another session'),
		coalesce(to_char(max(a.backend_start), 'YYYY-MM-DD HH24:MI:SS'), '?')
		FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
		WHERE l.locktype = 'advisory' AND l.granted AND (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended($1, 0)`,
		w.s.opts.Schema).Scan(&who, &since); err != nil {
		return err
	}
	return fmt.Errorf("%w: %s holds it since %s; stop it first", journal.ErrLocked, who, since)
}

// register notes a process as a new writer, and as the owner unless the journal is shared.
func (w *writer) register(ctx context.Context) error {
	return onConn(w.conn, pgx.BeginFunc(ctx, w.conn, func(tx pgx.Tx) error {
		var last int64
		if err := tx.QueryRow(ctx, `UPDATE head SET writers = writers + 1, owner = CASE WHEN $1 THEN 0 ELSE writers + 1 END
			RETURNING writers, last, batch`, w.s.opts.Shared).Scan(&w.id, &last, &w.batch); err != nil {
			return err
		}
		w.last = journal.Pos(last)
		if _, err := tx.Exec(ctx, "DELETE FROM writer WHERE opened < now() - interval '30 days' AND id NOT IN (SELECT id FROM member WHERE NOT fenced)"); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "DELETE FROM member WHERE fenced AND id NOT IN (SELECT id FROM writer)"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO writer (id, batch, who) VALUES ($1, 0, $2)", w.id, who())
		return err
	}))
}

// alive gives the writer a connection, waiting for the server as long as the patience lasts.
func (w *writer) alive(ctx context.Context, patience time.Duration) error {
	if w.connected() {
		return nil
	}
	w.drop()
	return patiently(ctx, patience, func() error { return w.connect(ctx) })
}

func (w *writer) connected() bool { return w.conn != nil && !w.conn.IsClosed() }

// drop closes a connection of which nothing is to be expected.
func (w *writer) drop() {
	if w.conn == nil {
		return
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel() // without a word to the server
	_ = w.conn.Close(ended)
	w.conn = nil
}

func (w *writer) close(ctx context.Context) error {
	if w.conn == nil {
		return nil
	}
	if err := w.conn.Close(ctx); err != nil && !w.conn.IsClosed() {
		return err
	}
	w.conn = nil
	return nil
}

// who is this process, for people.
func who() string {
	host, err := os.Hostname()
	if err != nil {
		host = "?"
	}
	return fmt.Sprintf("%s process %d", host, os.Getpid())
}

// newName is what the sessions of one store are known by at the server.
func newName() string { return "paklog " + rand.Text()[:12] }
