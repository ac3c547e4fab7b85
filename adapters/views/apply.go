package views

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/paklog/hub/core/view"
)

// Apply writes a batch in one transaction.
func (s *Store) Apply(ctx context.Context, b view.Batch) error {
	f, err := s.target()
	if err != nil {
		return err
	}
	tx, err := f.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := writeDocs(ctx, tx, b.Docs); err != nil {
		return err
	}
	if err := writeHops(ctx, tx, b.Hops); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO meta VALUES ('position', ?), ('unit', ?)", fmt.Sprint(uint64(b.Position)), b.Unit.String()); err != nil {
		return err
	}
	return tx.Commit()
}

func writeDocs(ctx context.Context, tx *sql.Tx, docs []view.Doc) error {
	if len(docs) == 0 {
		return nil
	}
	had, err := tx.PrepareContext(ctx, "SELECT terms FROM doc WHERE kind = ? AND key = ?")
	if err != nil {
		return err
	}
	defer had.Close()
	put, err := tx.PrepareContext(ctx, `INSERT INTO doc VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)
		ON CONFLICT (kind, key) DO UPDATE SET status = excluded.status, updated = excluded.updated, position = excluded.position,
		version = excluded.version, terms = excluded.terms, state = excluded.state`)
	if err != nil {
		return err
	}
	defer put.Close()
	for i := range docs {
		d := &docs[i]
		terms := normal(d.Terms)
		joined := strings.Join(terms, "\x00")
		var old string
		if err := had.QueryRowContext(ctx, d.Kind, d.Key).Scan(&old); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if old != joined {
			if err := changeTerms(ctx, tx, d, strings.Split(old, "\x00"), terms); err != nil {
				return err
			}
		}
		if _, err := put.ExecContext(ctx, d.Kind, d.Key, d.Tenant, d.Owner, d.Facility, d.ID, d.Status, d.Correlation,
			d.Updated.UnixNano(), int64(d.Position), int64(d.Version), joined, []byte(d.State)); err != nil {
			return err
		}
	}
	return nil
}

// normal is terms as they are searched: in lower case, each once.
func normal(terms []string) []string {
	out := make([]string, 0, len(terms))
	for _, t := range terms {
		if t = fold(t); t != "" {
			out = append(out, t)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func fold(term string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(term), "\x00", ""))
}

func changeTerms(ctx context.Context, tx *sql.Tx, d *view.Doc, old, terms []string) error {
	for _, t := range old {
		if _, still := slices.BinarySearch(terms, t); still || t == "" {
			continue
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM term WHERE term = ? AND kind = ? AND key = ?", t, d.Kind, d.Key); err != nil {
			return err
		}
	}
	for _, t := range terms {
		if _, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO term VALUES (?,?,?)", t, d.Kind, d.Key); err != nil {
			return err
		}
	}
	return nil
}

func writeHops(ctx context.Context, tx *sql.Tx, hops []view.Hop) error {
	if len(hops) == 0 {
		return nil
	}
	put, err := tx.PrepareContext(ctx, "INSERT OR REPLACE INTO hop VALUES (?,?,?,?,?,?,?,?,?,?)")
	if err != nil {
		return err
	}
	defer put.Close()
	for i := range hops {
		h := &hops[i]
		if _, err := put.ExecContext(ctx, h.Correlation, int64(h.Position), h.Time.UnixNano(), h.Route, h.Type, h.Topic, h.Key, h.Stream,
			h.ID[:], h.Causation[:]); err != nil {
			return err
		}
	}
	return nil
}
