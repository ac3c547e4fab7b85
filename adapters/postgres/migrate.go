package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/paklog/hub/core/journal"
)

// files hold one migration each, NNNN_NAME.sql, numbered from 1 without gaps. They are only ever
// added to: what was released is never changed. A script runs in one transaction.
//
//go:embed migrations/*.sql
var files embed.FS

// Migration is a step of the schema.
type Migration struct {
	Version int       `json:"version"`
	Name    string    `json:"name"`
	Applied time.Time `json:"applied,omitzero"` // zero: it is not
	script  string
}

// migrations are those of this program, in order.
func migrations() ([]Migration, error) {
	entries, err := fs.ReadDir(files, "migrations") // sorted by name
	if err != nil {
		return nil, err
	}
	var out []Migration
	for _, e := range entries {
		script, err := fs.ReadFile(files, "migrations/"+e.Name())
		if err != nil {
			return nil, err
		}
		number, name, _ := strings.Cut(strings.TrimSuffix(e.Name(), ".sql"), "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != len(out)+1 {
			return nil, fmt.Errorf("migration %s is out of order", e.Name())
		}
		out = append(out, Migration{Version: version, Name: strings.ReplaceAll(name, "_", " "), script: string(script)})
	}
	return out, nil
}

// Status is which migrations a database has. One that this program does not know is of a newer one.
func Status(ctx context.Context, o Options) ([]Migration, error) {
	var out []Migration
	err := migrating(ctx, o, func(conn *pgx.Conn, known []Migration) (err error) {
		out, _, err = applied(ctx, conn, known)
		return err
	})
	return out, err
}

// Migrate applies what a database lacks, each step in a transaction of its own, and returns the steps.
// A hub of the release before may go on meanwhile: migrations only add. A database that a newer
// program migrated is [journal.ErrFormat].
func Migrate(ctx context.Context, o Options) ([]Migration, error) {
	var done []Migration
	err := migrating(ctx, o, func(conn *pgx.Conn, known []Migration) (err error) {
		done, err = migrate(ctx, conn, o.withDefaults().Schema, known)
		return err
	})
	return done, err
}

func migrating(ctx context.Context, o Options, f func(*pgx.Conn, []Migration) error) error {
	known, err := migrations()
	if err != nil {
		return err
	}
	cfg, err := o.withDefaults().conn("paklog migrate")
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return advice(err)
	}
	return errors.Join(advice(f(conn, known)), conn.Close(context.WithoutCancel(ctx)))
}

// applied is known with the times of what the database has, and what it has beyond; fresh where
// nothing was made yet.
func applied(ctx context.Context, conn *pgx.Conn, known []Migration) (out []Migration, fresh bool, err error) {
	out = slices.Clone(known)
	rows, _ := conn.Query(ctx, "SELECT version, name, applied FROM migration ORDER BY version") // ForEachRow returns the error
	var m Migration
	_, err = pgx.ForEachRow(rows, []any{&m.Version, &m.Name, &m.Applied}, func() error {
		if m.Version <= len(known) {
			out[m.Version-1].Applied = m.Applied
		} else {
			out = append(out, m)
		}
		return nil
	})
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && (e.Code == codeNoTable || e.Code == codeNoSchema) {
		return out, true, nil
	}
	return out, false, err
}

// migrate applies what is missing. Of two that do it at once the second waits, and finds it done.
func migrate(ctx context.Context, conn *pgx.Conn, schema string, known []Migration) (done []Migration, err error) {
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock(hashtextextended($1, 1))", schema); err != nil {
		return nil, err
	}
	defer func() {
		_, unlock := conn.Exec(ctx, "SELECT pg_advisory_unlock(hashtextextended($1, 1))", schema)
		err = errors.Join(err, unlock)
	}()
	have, _, err := applied(ctx, conn, known)
	if err != nil {
		return nil, err
	}
	if err := notNewer(have, known); err != nil {
		return nil, err
	}
	for _, m := range have {
		if !m.Applied.IsZero() {
			continue
		}
		script := m.script
		if m.Version == 1 {
			script = fmt.Sprintf(`CREATE SCHEMA IF NOT EXISTS %s;
				CREATE TABLE migration (version int PRIMARY KEY, name text NOT NULL, applied timestamptz NOT NULL);
				CREATE TABLE meta (key text PRIMARY KEY, value bigint NOT NULL);
				INSERT INTO meta VALUES ('format', %d);`, pgx.Identifier{schema}.Sanitize(), journal.Format) + script
		}
		m.Applied = time.Now().UTC()
		if err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, script, pgx.QueryExecModeSimpleProtocol); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "INSERT INTO migration VALUES ($1, $2, $3)", m.Version, m.Name, m.Applied)
			return err
		}); err != nil {
			return done, fmt.Errorf("migrating to version %d (%s): %w", m.Version, m.Name, err)
		}
		done = append(done, m)
	}
	return done, nil
}

func notNewer(have, known []Migration) error {
	if len(have) > len(known) {
		return fmt.Errorf("%w: its schema has version %d (%s) and this program knows %d; run the newer program",
			journal.ErrFormat, len(have), have[len(have)-1].Name, len(known))
	}
	return nil
}

// ready makes the schema where there is none, and refuses one that is newer or older.
func ready(ctx context.Context, conn *pgx.Conn, schema string, begin bool) error {
	known, err := migrations()
	if err != nil {
		return err
	}
	have, fresh, err := applied(ctx, conn, known)
	if err != nil {
		return err
	}
	if fresh && begin {
		_, err := migrate(ctx, conn, schema, known)
		return err
	}
	if err := notNewer(have, known); err != nil {
		return err
	}
	for _, m := range have {
		if m.Applied.IsZero() {
			return fmt.Errorf("%w: its schema lacks version %d (%s): back up the database, then run `paklog migrate up`", journal.ErrFormat, m.Version, m.Name)
		}
	}
	var format int
	if err := conn.QueryRow(ctx, "SELECT value FROM meta WHERE key = 'format'").Scan(&format); err != nil {
		return err
	}
	if format != journal.Format {
		return fmt.Errorf("%w: its units have format %d and this program reads %d", journal.ErrFormat, format, journal.Format)
	}
	return nil
}
