package sqlite

import (
	"bytes"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalaudit"
	"github.com/paklog/hub/core/journal/journaltest"
)

// stored are the columns that hold what the journal says, with what tells a row from another.
var storedColumns = []struct{ table, key, column string }{
	{"stretch", "pos", "data"},
	{"stretch", "pos", "parts"},
	{"stretch", "pos", "pos"},
	{"topic", "last", "run"},
	{"topic", "last", "last"},
	{"topic", "last", "id"},
	{"topic_name", "name", "name"},
	{"topic_name", "name", "id"},
	{"stream_name", "name", "name"},
	{"stream_name", "name", "id"},
	{"head", "id", "version"},
	{"head", "id", "last"},
	{"milestone", "pos", "version"},
	{"milestone", "pos", "pos"},
	{"balance", "key", "amount"},
	{"balance", "key", "floor"},
	{"balance", "key", "key"},
	{"checkpoint", "sub", "value"},
}

// TestAuditFindsEachFlippedByte changes one byte of one stored value at a time, in every table,
// and holds that the auditor finds each.
func TestAuditFindsEachFlippedByte(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir(), Options{})
	options := journaltest.Rich(t, s)
	audit := func() journalaudit.Report {
		t.Helper()
		r, err := journalaudit.Audit(t.Context(), s, options)
		if err != nil {
			t.Fatalf("Audit: %v", err)
		}
		return r
	}
	if r := audit(); len(r.Findings) > 0 {
		t.Fatalf("the sound journal: %v", r.Findings)
	}
	columns := slices.Clone(storedColumns)
	for _, table := range journal.Tables {
		columns = append(columns, struct{ table, key, column string }{tableName(table), "key", "key"}, struct{ table, key, column string }{tableName(table), "key", "value"})
	}
	mutants := 0
	for _, c := range columns {
		type cell struct{ key, value driver.Value }
		var cells []cell
		st, err := s.write.conn.(driver.ConnPrepareContext).PrepareContext(t.Context(),
			fmt.Sprintf("SELECT %s, %s FROM %s WHERE %[2]s IS NOT NULL ORDER BY %[1]s", c.key, c.column, c.table))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.write.query(t.Context(), st, func(row []driver.Value) error {
			cells = append(cells, cell{row[0], row[1]})
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		if len(cells) == 0 {
			t.Fatalf("%s.%s has no rows: the test proves nothing of it", c.table, c.column)
		}
		run := func(query string, args ...any) error { return exec(t.Context(), s.write.conn, query, args...) }
		if err := run("CREATE TEMP TABLE sound AS SELECT * FROM " + c.table); err != nil {
			t.Fatal(err)
		}
		// The first row, the last, and one between.
		for _, i := range slices.Compact([]int{0, len(cells) / 2, len(cells) - 1}) {
			for _, changed := range flips(cells[i].value) {
				if run(fmt.Sprintf("UPDATE %s SET %s = ? WHERE %s = ?", c.table, c.column, c.key), changed, cells[i].key) != nil {
					continue // two rows of one key: no damage can make that
				}
				mutants++
				if r := audit(); len(r.Findings) == 0 {
					t.Errorf("%s.%s of row %v: %v was changed to %v and nobody noticed", c.table, c.column, cells[i].key, cells[i].value, changed)
				}
				if err := errors.Join(run("DELETE FROM "+c.table), run("INSERT INTO "+c.table+" SELECT * FROM temp.sound")); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := run("DROP TABLE temp.sound"); err != nil {
			t.Fatal(err)
		}
	}
	if r := audit(); len(r.Findings) > 0 {
		t.Fatalf("the mended journal: %v", r.Findings)
	}
	t.Logf("%d mutants", mutants)
}

// flips are versions of a value with one byte another: up to eight places of it.
func flips(v driver.Value) []driver.Value {
	var out []driver.Value
	switch v := v.(type) {
	case int64:
		out = append(out, v^1, v^0x0800)
	case []byte:
		for i := range min(8, len(v)) {
			b := bytes.Clone(v)
			b[i*(len(v)-1)/max(1, min(8, len(v))-1)] ^= 1 << (i % 8)
			out = append(out, b)
		}
	}
	return out
}

// TestFlippedByteInTheFile flips bytes of stored units in the closed file itself: every read of
// such a unit says so, by its position.
func TestFlippedByteInTheFile(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir(), Options{})
	options := journaltest.Rich(t, s)
	units, err := s.Units(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(s.file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(units); i += 4 {
		u := units[i]
		data := journal.AppendUnit(nil, &u.Unit)
		if !bytes.Contains(file, data) {
			t.Fatalf("the unit at %d does not stand in the file in one piece", u.First)
		}
		for k := 0; k < len(data); k += max(1, len(data)/5) {
			t.Run(fmt.Sprintf("unit at %d, byte %d", u.First, k), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				changed := bytes.Clone(data)
				changed[k] ^= 0x10
				damaged := bytes.ReplaceAll(file, data, changed) // SQLite leaves old copies in unused places
				if err := os.WriteFile(filepath.Join(dir, fileName), damaged, 0o600); err != nil {
					t.Fatal(err)
				}
				s := opened(t, dir, Options{})
				_, err := s.Holding(t.Context(), u.First)
				if d, ok := errors.AsType[*journal.DamageError](err); !ok || d.First != u.First || !strings.Contains(err.Error(), "paklog audit") {
					t.Errorf("Holding: %v, want the damage at %d and what to do", err, u.First)
				}
				if len(u.Unit.Records) > 0 {
					if _, err := s.Topics(t.Context(), []string{"order-events"}, u.First-1, 5); err == nil {
						t.Error("the topic was read over the damage")
					}
				}
				r, err := journalaudit.Audit(t.Context(), s, options)
				if err != nil || len(r.Findings) != 1 || r.Findings[0].Kind != journalaudit.KindDamage || r.Findings[0].Pos != u.First {
					t.Errorf("Audit: %v, %v; want the damage at %d alone", r.Findings, err, u.First)
				}
			})
		}
	}
}

func TestAuditNamesEveryDamagedUnit(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir(), Options{})
	options := journaltest.Rich(t, s)
	for _, pos := range []int{1, 12, 100, 188, 210} {
		if err := exec(t.Context(), s.write.conn, "UPDATE stretch SET data = CAST(substr(data, 1, 40) || x'fe' || substr(data, 42) AS BLOB) WHERE pos = ?", int64(pos)); err != nil {
			t.Fatal(err)
		}
	}
	for _, options.Page = range []int{1, 2, 3, 0} {
		r, err := journalaudit.Audit(t.Context(), s, options)
		var at []journal.Pos
		for _, f := range r.Findings {
			at = append(at, f.Pos)
		}
		if want := []journal.Pos{1, 12, 100, 188, 210}; err != nil || !slices.Equal(at, want) || !r.Unread {
			t.Errorf("page %d: damage at %v, %v; want %v", options.Page, at, err, want)
		}
	}
}

func TestALastUnitThatIsDamagedKeepsTheFolderShut(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir(), Options{})
	journaltest.Rich(t, s)
	if err := exec(t.Context(), s.write.conn, "UPDATE stretch SET data = CAST(substr(data, 1, length(data)-1) || x'00' AS BLOB) WHERE pos = (SELECT max(pos) FROM stretch)"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), s.dir, Options{})
	if d, ok := errors.AsType[*journal.DamageError](err); !ok || d.First != 223 || !strings.Contains(err.Error(), "paklog restore") {
		t.Errorf("Open: %v", err)
	}
}
