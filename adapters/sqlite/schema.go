package sqlite

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/paklog/hub/core/journal"
)

const pageSize = 8192

// stretchSize bounds the bytes of a row that holds several units: with its header it fits into a page.
const stretchSize = pageSize - 192

// appID is the application id in the file's header: "PkLg".
const appID = 0x506b4c67

// Keys, names and values are blobs: they compare byte by byte, as Go's strings do.
const schema = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE stretch (pos INTEGER PRIMARY KEY, data BLOB NOT NULL, parts BLOB NOT NULL);
CREATE TABLE topic_name (name BLOB PRIMARY KEY, id INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE topic (id INTEGER, last INTEGER, run BLOB NOT NULL, PRIMARY KEY (id, last)) WITHOUT ROWID;
CREATE TABLE stream_name (name BLOB PRIMARY KEY, id INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE head (id INTEGER PRIMARY KEY, version INTEGER NOT NULL, last INTEGER NOT NULL);
CREATE TABLE milestone (id INTEGER, version INTEGER, pos INTEGER NOT NULL, PRIMARY KEY (id, version)) WITHOUT ROWID;
CREATE TABLE balance (key BLOB PRIMARY KEY, amount INTEGER NOT NULL, floor INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE checkpoint (sub BLOB, part INTEGER, value BLOB NOT NULL, PRIMARY KEY (sub, part)) WITHOUT ROWID;
`

func createSchema() string {
	var b strings.Builder
	b.WriteString(schema)
	for _, t := range journal.Tables {
		fmt.Fprintf(&b, "CREATE TABLE %s (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;\n", tableName(t))
	}
	return b.String()
}

func tableName(t journal.Table) string { return "row_" + string(t) }

// migrations[n] turns format n into n+1. It runs in one transaction, after a backup. Formats 1
// and 2 have none: they were never released.
var migrations = map[int]string{}

// readable refuses a format that this program cannot read or bring to the one it wants.
func readable(have, want int, steps map[int]string) error {
	if have > want {
		return fmt.Errorf("%w: it has format %d and this program knows %d; run the newer program, or restore a backup from before", journal.ErrFormat, have, want)
	}
	for n := have; n < want; n++ {
		if _, ok := steps[n]; !ok {
			return fmt.Errorf("%w: it has format %d, and this program migrates none before %d; "+
				"go on with the program that wrote it, or begin in an empty folder", journal.ErrFormat, have, n+1)
		}
	}
	return nil
}

// header is what the first bytes of the file say. They are read without SQLite, so that a file
// that is not ours or is newer than us is left as it is.
type header struct {
	empty  bool // no such file, or no journal in it: creation was cut short
	made   bool // it has a header, so the journal may stand in the WAL
	gone   bool // no such file
	format int
}

// what is what an empty one is called.
func (h header) what() string {
	switch {
	case h.gone:
		return "missing"
	case h.made:
		return "without a journal"
	}
	return "empty"
}

func readHeader(file string) (header, error) {
	f, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		return header{empty: true, gone: true}, nil
	}
	if err != nil {
		return header{}, fmt.Errorf("opening the journal: give the user that runs PakLog access to it: %w", err)
	}
	defer f.Close()
	b := make([]byte, 100)
	switch _, err := io.ReadFull(f, b); {
	case errors.Is(err, io.EOF):
		return header{empty: true}, nil
	case errors.Is(err, io.ErrUnexpectedEOF):
		return header{}, fmt.Errorf("%s is cut short and holds no journal: restore a backup with `paklog restore`", file)
	case err != nil:
		return header{}, fmt.Errorf("reading the journal's header: %w", err)
	}
	if !bytes.HasPrefix(b, []byte("SQLite format 3\x00")) {
		return header{}, fmt.Errorf("%s is no SQLite file: it was overwritten, or is not PakLog's; restore a backup with `paklog restore`", file)
	}
	// Bytes that SQLite would act on before it looks at anything else: 8 KiB pages, read and
	// written by a WAL, or by a rollback journal in a backup and a creation that was cut short.
	if size := binary.BigEndian.Uint16(b[16:]); size != pageSize || b[18] != b[19] || b[18] < 1 || b[18] > 2 {
		return header{}, fmt.Errorf("%s is damaged: its header names pages of %d bytes and versions %d and %d; "+
			"stop, keep a copy of the folder and restore a backup with `paklog restore`", file, size, b[18], b[19])
	}
	// SQLite writes the id and the format with the schema, in one transaction that is copied
	// into the file before anything else is written: 0 is a creation that was cut short.
	switch id := binary.BigEndian.Uint32(b[68:]); {
	case id == 0 && binary.BigEndian.Uint32(b[60:]) == 0:
		return header{empty: true, made: true}, nil
	case id != appID:
		return header{}, fmt.Errorf("%s is a SQLite file of another program: name another data folder", file)
	}
	return header{format: int(binary.BigEndian.Uint32(b[60:]))}, nil
}
