package views

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/view"
)

const columns = "d.kind, d.key, d.tenant, d.owner, d.facility, d.id, d.status, d.correlation, d.updated, d.position, d.version, d.state"

// maxPage bounds every answer.
const maxPage = 1000

// reading runs f in a read transaction of the file that answers, so that an answer and its
// position belong together.
func (s *Store) reading(ctx context.Context, f func(q querier, at journal.Pos) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.current == nil {
		return errClosed
	}
	tx, err := s.current.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("reading the views: %w", err)
	}
	defer tx.Rollback()
	at, err := position(ctx, tx)
	if err == nil {
		err = f(tx, at)
	}
	if err != nil {
		return fmt.Errorf("reading the views: %w", err)
	}
	return nil
}

// Get is a document; nil where there is none.
func (s *Store) Get(ctx context.Context, kind, key string) (*view.Doc, journal.Pos, error) {
	var doc *view.Doc
	var pos journal.Pos
	err := s.reading(ctx, func(q querier, at journal.Pos) error {
		pos = at
		var err error
		doc, err = one(ctx, q, kind, key)
		return err
	})
	return doc, pos, err
}

// Folded is a document as [Store.Apply] wrote it, with the terms that it has, which while a
// file is being built is not what [Store.Get] answers.
func (s *Store) Folded(ctx context.Context, kind, key string) (*view.Doc, error) {
	f, err := s.target()
	if err != nil {
		return nil, err
	}
	d, err := one(ctx, f.write, kind, key)
	if d == nil || err != nil {
		return nil, err
	}
	var had string
	if err := f.write.QueryRowContext(ctx, "SELECT terms FROM doc WHERE kind = ? AND key = ?", kind, key).Scan(&had); err != nil {
		return nil, err
	}
	d.Had = strings.Split(had, "\x00")
	return d, nil
}

func one(ctx context.Context, q querier, kind, key string) (*view.Doc, error) {
	d, err := scan(q.QueryRowContext(ctx, "SELECT "+columns+" FROM doc d WHERE d.kind = ? AND d.key = ?", kind, key))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &d, err
}

func scan(row interface{ Scan(...any) error }) (view.Doc, error) {
	var d view.Doc
	var updated, pos, version int64
	err := row.Scan(&d.Kind, &d.Key, &d.Tenant, &d.Owner, &d.Facility, &d.ID, &d.Status, &d.Correlation, &updated, &pos, &version, (*[]byte)(&d.State))
	d.Updated, d.Position, d.Version = time.Unix(0, updated).UTC(), journal.Pos(pos), uint64(version)
	return d, err
}

// List returns documents of a kind in the order of their keys.
func (s *Store) List(ctx context.Context, q view.Query) (view.Page, error) {
	where, args := "d.kind = ? AND d.key > ?", []any{q.Kind, q.After}
	for _, c := range [...]struct{ column, v string }{
		{"owner", q.Owner}, {"status", q.Status}, {"tenant", q.Tenant}, {"facility", q.Facility},
	} {
		// A letter has neither tenant nor facility, an order ships from any: only what
		// has one is told apart by it.
		switch {
		case c.v == "":
		case c.column == "owner" || c.column == "status":
			where += " AND d." + c.column + " = ?"
			args = append(args, c.v)
		default:
			where += " AND d." + c.column + " IN (?, '')"
			args = append(args, c.v)
		}
	}
	if q.Begins != "" {
		// An id is a term of its document, and terms are sorted.
		from := fold(q.Begins)
		where += " AND d.key IN (SELECT t.key FROM term t WHERE t.term >= ? AND t.term < ? AND t.kind = ?) AND substr(d.id, 1, ?) = ?"
		args = append(args, from, from+"\U0010ffff", q.Kind, utf8.RuneCountInString(q.Begins), q.Begins)
	}
	return s.page(ctx, "SELECT "+columns+" FROM doc d WHERE "+where+" ORDER BY d.key LIMIT ?", args, q.Limit)
}

// Find lists the documents of a business key, in whatever case it is written.
func (s *Store) Find(ctx context.Context, tenant, term string, limit int) (view.Page, error) {
	return s.page(ctx, "SELECT "+columns+` FROM term t JOIN doc d ON d.kind = t.kind AND d.key = t.key
		WHERE t.term = ? AND (? = '' OR d.tenant IN (?, '')) ORDER BY t.kind, t.key LIMIT ?`, []any{fold(term), tenant, tenant}, limit)
}

func (s *Store) page(ctx context.Context, query string, args []any, limit int) (view.Page, error) {
	if limit <= 0 || limit > maxPage {
		limit = maxPage
	}
	var p view.Page
	err := s.reading(ctx, func(q querier, at journal.Pos) error {
		p.Position = at
		// One more tells whether there is a next page.
		rows, err := q.QueryContext(ctx, query, append(args, limit+1)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			d, err := scan(rows)
			if err != nil {
				return err
			}
			if len(p.Docs) == limit {
				p.Next = p.Docs[limit-1].Key
				break
			}
			p.Docs = append(p.Docs, d)
		}
		return rows.Err()
	})
	return p, err
}

// Journey returns the hops of a conversation in the order of the journal.
func (s *Store) Journey(ctx context.Context, correlation string, after journal.Pos, limit int) (view.Journey, error) {
	if limit <= 0 || limit > maxPage {
		limit = maxPage
	}
	var j view.Journey
	err := s.reading(ctx, func(q querier, at journal.Pos) error {
		j.Position = at
		rows, err := q.QueryContext(ctx, `SELECT correlation, position, time, route, type, topic, key, stream, id, causation
			FROM hop WHERE correlation = ? AND position > ? ORDER BY position LIMIT ?`, correlation, int64(after), limit+1)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var h view.Hop
			var pos, at int64
			var id, cause []byte
			if err := rows.Scan(&h.Correlation, &pos, &at, &h.Route, &h.Type, &h.Topic, &h.Key, &h.Stream, &id, &cause); err != nil {
				return err
			}
			if len(j.Hops) == limit {
				j.Next = j.Hops[limit-1].Position
				break
			}
			h.Position, h.Time = journal.Pos(pos), time.Unix(0, at).UTC()
			copy(h.ID[:], id)
			copy(h.Causation[:], cause)
			j.Hops = append(j.Hops, h)
		}
		return rows.Err()
	})
	return j, err
}
