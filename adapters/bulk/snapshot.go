package bulk

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/paklog/hub/adapters/internal/strictjson"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/scope"
)

// Snapshot is the kind of a file that says what another system believes to lie where.
const Snapshot = "snapshot"

// snapshotRow is a line of an NDJSON snapshot.
type snapshotRow struct {
	Owner    string  `json:"owner,omitempty"`
	Facility string  `json:"facility,omitempty"`
	Item     string  `json:"item"`
	Location *string `json:"location,omitempty"`
	Lot      *string `json:"lot,omitempty"`
	LPN      *string `json:"lpn,omitempty"`
	Qty      int64   `json:"qty"`
}

// mostWrong is how many bad rows of a snapshot are told.
const mostWrong = 20

// ReadSnapshot reads a snapshot whole, and how finely it tells places apart: by those of
// location, lot and LPN that its columns, or its first line, have. One bad row refuses the
// file: a snapshot with a hole would make differences that are none.
func ReadSnapshot(src io.ReadSeeker, cfg Config) ([]inventory.SnapshotLine, inventory.Grain, error) {
	cfg.Kind = Snapshot
	cfg = cfg.withDefaults()
	s, err := newSource(src)
	if err != nil {
		return nil, inventory.Grain{}, err
	}
	if cfg.Format == NDJSON {
		return readRows(&jsonLines{src: s, cfg: cfg})
	}
	t, err := openTable(s, cfg, "")
	if err != nil {
		return nil, inventory.Grain{}, err
	}
	has := func(name string) bool { _, ok := t.column[name]; return ok }
	grain := inventory.Grain{Location: has("location"), Lot: has("lot"), LPN: has("lpn")}
	var out []inventory.SnapshotLine
	var bad wrongRows
	for {
		c, err := t.read()
		if errors.Is(err, io.EOF) {
			return out, grain, bad.err()
		}
		if err != nil {
			return nil, grain, err
		}
		f := &field{t: t, c: c, err: c.err}
		if c.fields == nil {
			bad.note(c.at.line, c.err)
			continue
		}
		get := func(name string) string { return t.get(c, name) }
		line := inventory.SnapshotLine{
			BookKey: inventory.BookKey{Scope: elsewhere(cfg.Scope, get("owner"), get("facility")), Item: get("item")},
			Place:   inventory.Place{Location: get("location"), Lot: get("lot"), LPN: get("lpn")}, Qty: f.needed("qty"),
		}
		if f.err == nil {
			f.err = line.Validate(grain)
		}
		bad.note(c.at.line, f.err)
		out = append(out, line)
	}
}

func readRows(j *jsonLines) ([]inventory.SnapshotLine, inventory.Grain, error) {
	var out []inventory.SnapshotLine
	var grain inventory.Grain
	var bad wrongRows
	for {
		row, at, err := j.snapshot()
		if errors.Is(err, io.EOF) {
			return out, grain, bad.err()
		}
		var syntax *strictjson.Error
		if err != nil && !errors.As(err, &syntax) {
			return nil, grain, err
		}
		has := inventory.Grain{Location: row.Location != nil, Lot: row.Lot != nil, LPN: row.LPN != nil}
		if len(out) == 0 {
			grain = has
		} else if err == nil && has != grain {
			err = errors.New("names other fields than the first line: a snapshot tells places apart in one way")
		}
		line := inventory.SnapshotLine{
			BookKey: inventory.BookKey{Scope: elsewhere(j.cfg.Scope, row.Owner, row.Facility), Item: row.Item},
			Place:   inventory.Place{Location: text(row.Location), Lot: text(row.Lot), LPN: text(row.LPN)}, Qty: row.Qty,
		}
		if err == nil {
			err = line.Validate(grain)
		}
		bad.note(at, err)
		out = append(out, line)
	}
}

// snapshot is the next row that is not blank.
func (j *jsonLines) snapshot() (row snapshotRow, at int, err error) {
	for {
		at = j.src.line
		size, err := j.line()
		if size == 0 && err != nil {
			return row, at, err
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return row, at, err
		}
		if size > j.cfg.MaxRow {
			return row, at, fmt.Errorf("the line has %d bytes, at most %d are allowed", size, j.cfg.MaxRow)
		}
		if len(strings.TrimSpace(string(j.buf))) > 0 {
			err = strictjson.Decode(j.buf, &row)
			return row, at, err
		}
	}
}

func text(v *string) string {
	if v == nil {
		return ""
	}
	return *v
}

func elsewhere(s scope.Scope, owner, facility string) scope.Scope {
	if owner != "" {
		s.Owner = owner
	}
	if facility != "" {
		s.Facility = facility
	}
	return s
}

// wrongRows gathers what is wrong with a file.
type wrongRows struct {
	said []string
	more int
}

func (w *wrongRows) note(line int, err error) {
	switch {
	case err == nil:
	case len(w.said) == mostWrong:
		w.more++
	default:
		place := fault.PlaceOf(err)
		if place != "" {
			place += ": "
		}
		w.said = append(w.said, fmt.Sprintf("line %d: %s%s", line, place, sentence(err)))
	}
}

func (w *wrongRows) err() error {
	if len(w.said) == 0 {
		return nil
	}
	if w.more > 0 {
		w.said = append(w.said, fmt.Sprintf("and %d more", w.more))
	}
	return errors.New(strings.Join(w.said, "\n"))
}
