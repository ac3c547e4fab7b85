package postgres_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/paklog/hub/adapters/postgres"
	"github.com/paklog/hub/adapters/postgres/pgtest"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalaudit"
	"github.com/paklog/hub/core/journal/journaltest"
)

// column holds something that the journal says; key tells a row from another.
type column struct{ table, key, name string }

// columns are all of them.
func columns() []column {
	all := []column{
		{"stretch", "pos", "data"}, {"stretch", "pos", "parts"}, {"stretch", "pos", "pos"},
		{"topic", "last", "run"}, {"topic", "last", "last"}, {"topic", "last", "id"}, {"topic_name", "name", "name"}, {"topic_name", "name", "id"},
		{"stream", "name", "name"}, {"stream", "name", "id"}, {"stream", "name", "version"}, {"stream", "name", "last"}, {"stream", "name", "tail"},
		{"milestone", "id", "version"}, {"milestone", "id", "run"},
		{"balance", "key", "amount"}, {"balance", "key", "floor"}, {"balance", "key", "key"},
		{"checkpoint", "sub", "value"}, {"head", "one", "last"},
	}
	for _, t := range journal.Tables {
		all = append(all, column{"row_" + string(t), "key", "key"}, column{"row_" + string(t), "key", "value"})
	}
	return all
}

// TestAuditFindsEachFlippedByte changes one byte of one stored value at a time, in every table, and
// holds that the auditor finds each.
func TestAuditFindsEachFlippedByte(t *testing.T) {
	t.Parallel()
	server := pgtest.Shared(t)
	o := postgres.Options{URL: server.URL, Schema: server.Schema(t), NoSync: true}
	s := open(t, o)
	options := journaltest.Rich(t, s)
	noticed := func() bool {
		t.Helper()
		r, err := journalaudit.Audit(t.Context(), s, options)
		return err != nil || len(r.Findings) > 0
	}
	if noticed() {
		t.Fatal("something is found in the sound journal")
	}
	conn, err := pgx.Connect(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	run := func(format string, args ...any) error {
		_, err := conn.Exec(t.Context(), fmt.Sprintf(format, args...), pgx.QueryExecModeSimpleProtocol)
		return err
	}
	if err := run("SET search_path = %s", o.Schema); err != nil {
		t.Fatal(err)
	}
	mutants := 0
	for _, c := range columns() {
		if err := run("CREATE TEMP TABLE sound AS SELECT * FROM %s.%s", o.Schema, c.table); err != nil {
			t.Fatal(err)
		}
		cells := cellsOf(t, conn, c)
		for _, i := range slices.Compact([]int{0, len(cells) / 2, len(cells) - 1}) {
			for _, changed := range flips(cells[i]) {
				if _, err := conn.Exec(t.Context(), fmt.Sprintf("UPDATE %s SET %s = $1 WHERE ctid = (SELECT ctid FROM %s ORDER BY %s OFFSET %d LIMIT 1)",
					c.table, c.name, c.table, c.key, i), changed); err != nil {
					continue // two rows of one key: no damage can make that
				}
				mutants++
				if !noticed() {
					t.Errorf("%s.%s of row %d: %v was changed to %v and nobody noticed", c.table, c.name, i, cells[i], changed)
				}
				if err := run("DELETE FROM %s; INSERT INTO %[1]s SELECT * FROM pg_temp.sound", c.table); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := run("DROP TABLE pg_temp.sound"); err != nil {
			t.Fatal(err)
		}
	}
	if noticed() {
		t.Error("something is found in the mended journal")
	}
	t.Logf("%d mutants", mutants)
}

// cellsOf are the values of a column, in the order of its rows.
func cellsOf(t *testing.T, conn *pgx.Conn, c column) []any {
	t.Helper()
	rows, err := conn.Query(t.Context(), fmt.Sprintf("SELECT %s FROM %s ORDER BY %s", c.name, c.table, c.key))
	if err != nil {
		t.Fatal(err)
	}
	cells, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (any, error) {
		values, err := row.Values()
		return values[0], err
	})
	if err != nil || len(cells) == 0 {
		t.Fatalf("%s.%s has %d rows (%v): the test proves nothing of it", c.table, c.name, len(cells), err)
	}
	return cells
}

// flips are versions of a value with one bit another: of bytes at the ends and between.
func flips(v any) []any {
	switch v := v.(type) {
	case int64:
		return []any{v ^ 1, v ^ 0x0800}
	case []byte:
		var out []any
		for _, i := range slices.Compact([]int{0, len(v) / 2, len(v) - 1}) {
			b := bytes.Clone(v)
			b[i] ^= 1 << (i % 8)
			out = append(out, b)
		}
		return out
	}
	return nil
}
