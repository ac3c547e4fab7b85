package views

import (
	"bytes"
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/paklog/hub/adapters/internal/sqlrows"
	"github.com/paklog/hub/core/view"
)

// The desk's index. Letters are numbered in the order in which they were opened; of each term
// (a route, a partner, a business key, a word of a cause) the numbers of its letters are kept as
// compressed bitmaps of 65,536 numbers each, so that any filters meet by AND, whether they have
// much, little or nothing in common, and a letter that comes writes only to the newest of them.
// opened never goes back, so that a time is a number too.
const deskSchema = `
CREATE TABLE IF NOT EXISTS desk (seq INTEGER PRIMARY KEY, id TEXT NOT NULL, opened INTEGER NOT NULL, terms TEXT NOT NULL, row BLOB NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS desk_id ON desk (id);
CREATE INDEX IF NOT EXISTS desk_opened ON desk (opened);
CREATE TABLE IF NOT EXISTS desk_term (term TEXT NOT NULL, chunk INTEGER NOT NULL, bits BLOB NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS desk_term_key ON desk_term (term, chunk);
CREATE TABLE IF NOT EXISTS desk_group (fp TEXT PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, failures INTEGER NOT NULL, row BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS desk_hour (fp TEXT, hour INTEGER, failures INTEGER NOT NULL, PRIMARY KEY (fp, hour)) WITHOUT ROWID;
`

// chunkBits is how many letters a bitmap is about, as a power of two.
const chunkBits = 16

// mostWords of a cause are searched by.
const mostWords = 40

// deskTerms are what a letter is found by, sorted, each once.
func deskTerms(l *view.DeskLetter) []string {
	terms := []string{
		"all", "state:" + l.State, "channel:" + l.Channel, "kind:" + l.Kind, "route:" + l.Route, "type:" + l.Type,
		"fp:" + l.Fingerprint, keyTerm(l.ID),
	}
	if l.Partner != "" {
		terms = append(terms, "partner:"+fold(l.Partner))
	}
	keys := append([]string{l.Key, l.Correlation}, l.Keys...)
	for _, k := range keys {
		if _, v, ok := strings.Cut(k, "="); ok {
			terms = append(terms, keyTerm(v))
		}
		if k != "" {
			terms = append(terms, keyTerm(k))
		}
	}
	for _, w := range words(l.Cause + " " + l.Place) {
		terms = append(terms, "w:"+w)
	}
	slices.Sort(terms)
	return slices.Compact(terms)
}

func keyTerm(v string) string { return "k:" + fold(v) }

// words are those of a text that are searched by.
func words(text string) []string {
	list := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return r < 0x80 && (r < '0' || r > '9') && (r < 'a' || r > 'z')
	})
	if len(list) > mostWords {
		list = list[:mostWords]
	}
	return list
}

// deskWriter writes letters to the index, within the transaction of a batch.
type deskWriter struct {
	conn                                     driver.Conn
	letter, highest, put, bits, write, erase driver.Stmt
	group, groupPut, hour                    driver.Stmt
	dirty                                    map[termChunk]*roaring.Bitmap
	stmts                                    []driver.Stmt
}

type termChunk struct {
	term  string
	chunk uint32
}

func newDeskWriter(ctx context.Context, conn driver.Conn) (*deskWriter, error) {
	w := &deskWriter{conn: conn, dirty: map[termChunk]*roaring.Bitmap{}}
	for _, s := range []struct {
		into  *driver.Stmt
		query string
	}{
		{&w.letter, "SELECT seq, opened, terms, row FROM desk WHERE id = ?"},
		{&w.highest, "SELECT seq, opened FROM desk ORDER BY seq DESC LIMIT 1"},
		{&w.put, "INSERT INTO desk VALUES (?, ?, ?, ?, ?) ON CONFLICT (seq) DO UPDATE SET terms = excluded.terms, row = excluded.row"},
		{&w.bits, "SELECT bits FROM desk_term WHERE term = ? AND chunk = ?"},
		{&w.write, "INSERT INTO desk_term VALUES (?, ?, ?) ON CONFLICT (term, chunk) DO UPDATE SET bits = excluded.bits"},
		{&w.erase, "DELETE FROM desk_term WHERE term = ? AND chunk = ?"},
		{&w.group, "SELECT row FROM desk_group WHERE fp = ?"},
		{&w.groupPut, `INSERT INTO desk_group VALUES (?, ?, ?, 1, ?) ON CONFLICT (fp) DO UPDATE SET
			first = min(first, excluded.first), last = max(last, excluded.last), failures = failures + 1, row = excluded.row`},
		{&w.hour, "INSERT INTO desk_hour VALUES (?, ?, 1) ON CONFLICT (fp, hour) DO UPDATE SET failures = failures + 1"},
	} {
		st, err := sqlrows.Prepare(ctx, conn, s.query)
		if err != nil {
			return nil, errors.Join(err, w.close())
		}
		*s.into = st
		w.stmts = append(w.stmts, st)
	}
	return w, nil
}

func (w *deskWriter) close() error {
	var errs []error
	for _, st := range w.stmts {
		errs = append(errs, st.Close())
	}
	w.stmts = nil
	return errors.Join(errs...)
}

// add writes a letter as it stands now.
func (w *deskWriter) add(ctx context.Context, l *view.DeskLetter) error {
	var seq, opened int64
	var had []string
	var old view.DeskLetter
	err := sqlrows.Query(ctx, w.letter, func(v []driver.Value) error {
		seq, opened = v[0].(int64), v[1].(int64)
		had = strings.Split(v[2].(string), "\x00")
		return json.Unmarshal(v[3].([]byte), &old)
	}, l.ID)
	if err != nil {
		return fmt.Errorf("reading letter %s of the desk's index: %w", l.ID, err)
	}
	if seq == 0 {
		opened = l.Opened.UnixNano()
		err := sqlrows.Query(ctx, w.highest, func(v []driver.Value) error {
			seq, opened = v[0].(int64), max(opened, v[1].(int64))
			return nil
		})
		if err != nil {
			return err
		}
		seq++
	}
	terms := deskTerms(l)
	for _, t := range had {
		if _, still := slices.BinarySearch(terms, t); !still {
			b, err := w.bitmap(ctx, t, uint32(seq))
			if err != nil {
				return err
			}
			b.Remove(uint32(seq))
		}
	}
	for _, t := range terms {
		if _, there := slices.BinarySearch(had, t); there {
			continue
		}
		b, err := w.bitmap(ctx, t, uint32(seq))
		if err != nil {
			return err
		}
		b.Add(uint32(seq))
	}
	row, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if err := sqlrows.Run(ctx, w.put, seq, l.ID, opened, strings.Join(terms, "\x00"), row); err != nil {
		return err
	}
	if had != nil && old.Opening >= l.Opening {
		return nil // it moved on; nothing failed
	}
	g, err := json.Marshal(view.DeskGroup{
		Fingerprint: l.Fingerprint, Channel: l.Channel, Kind: l.Kind, Route: l.Route, Cause: l.Cause, Place: l.Place, Letter: l.ID,
	})
	if err != nil {
		return err
	}
	failed := l.Failed.UnixNano()
	if err := sqlrows.Run(ctx, w.groupPut, l.Fingerprint, failed, failed, g); err != nil {
		return err
	}
	return sqlrows.Run(ctx, w.hour, l.Fingerprint, hourOf(l.Failed))
}

func hourOf(t time.Time) int64 { return t.Unix() / 3600 }

// bitmap is that of a term around a letter, to be changed.
func (w *deskWriter) bitmap(ctx context.Context, term string, seq uint32) (*roaring.Bitmap, error) {
	at := termChunk{term, seq >> chunkBits}
	if b := w.dirty[at]; b != nil {
		return b, nil
	}
	b := roaring.New()
	err := sqlrows.Query(ctx, w.bits, func(v []driver.Value) error {
		_, err := b.ReadFrom(bytes.NewReader(v[0].([]byte)))
		return err
	}, term, int64(at.chunk))
	if err != nil {
		return nil, fmt.Errorf("reading the letters of %q: %w", term, err)
	}
	w.dirty[at] = b
	return b, nil
}

// flush writes what changed.
func (w *deskWriter) flush(ctx context.Context) error {
	for at, b := range maps.All(w.dirty) {
		if b.IsEmpty() {
			if err := sqlrows.Run(ctx, w.erase, at.term, int64(at.chunk)); err != nil {
				return err
			}
			continue
		}
		bits, err := b.ToBytes()
		if err != nil {
			return err
		}
		if err := sqlrows.Run(ctx, w.write, at.term, int64(at.chunk), bits); err != nil {
			return err
		}
	}
	w.clear()
	return nil
}

// clear forgets what was not written.
func (w *deskWriter) clear() { clear(w.dirty) }
