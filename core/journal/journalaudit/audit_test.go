package journalaudit_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalaudit"
	"github.com/paklog/hub/core/journal/journalmem"
)

// sound is a journal with something in every table.
func sound(t *testing.T) *journalmem.Store {
	t.Helper()
	s := journalmem.New()
	write := func(b *journal.Batch) {
		t.Helper()
		r, err := s.Write(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		for i := range r {
			if r[i] != nil {
				t.Fatal(r[i])
			}
		}
	}
	at := time.Unix(1000, 0)
	part := journal.PartitionOf("k")
	for range 3 {
		write(&journal.Batch{Units: []*journal.Unit{{
			At: at, Records: []journal.Record{{Type: "x", Topic: "t", Key: "k", Stream: "o/1"}},
			Postings: []journal.Posting{{Book: "b", Account: "source", Amount: -2, Floor: journal.NoFloor}, {Book: "b", Account: "free", Amount: 2}},
		}}})
	}
	write(&journal.Batch{
		Delivered: []journal.Delivery{{Sub: "wave", Part: part, Pos: 1}, {Sub: "wave", Part: part, Pos: 2}, {Sub: "wave", Part: part, Pos: 3}},
		Units: []*journal.Unit{
			{Cause: journal.Cause{Sub: "wave", Part: part, Pos: 1, Done: true}, States: []journal.StateOp{{Key: "a", Data: []byte("x")}}},
			{Cause: journal.Cause{Sub: "wave", Part: part, Pos: 3, Done: true}, Letters: []journal.LetterOp{{ID: "L", To: journal.LetterOpen}}},
		},
	})
	return s
}

func audit(t *testing.T, d journal.Driver) journalaudit.Report {
	t.Helper()
	for _, page := range []int{1, 2, 0} {
		r, err := journalaudit.Audit(t.Context(), d, journalaudit.Options{
			Page: page, Subscriptions: map[string]journalaudit.Subscription{"wave": {Topics: []string{"t"}}},
		})
		if err != nil {
			t.Fatalf("Audit: %v", err)
		}
		if page == 0 {
			return r
		}
	}
	panic("unreachable")
}

func TestSoundJournal(t *testing.T) {
	t.Parallel()
	r := audit(t, sound(t))
	for _, f := range r.Findings {
		t.Error(f)
	}
	if r.Units != 5 || r.Records != 3 || r.Last != 5 || r.Rows != 6 {
		t.Errorf("report %+v", r)
	}
}

// damaged is a driver that tells a lie.
type damaged struct {
	journal.Driver
	units       func([]journal.Stored) []journal.Stored
	rows        func(journal.Table, []journal.Row) []journal.Row
	balances    func([]journal.BalanceRow)
	heads       func([]journal.HeadRow)
	checkpoints func([]journal.CheckpointRow) []journal.CheckpointRow
	topics      func([]journal.Record) []journal.Record
}

func (d damaged) Units(ctx context.Context, from journal.Pos, limit int) ([]journal.Stored, error) {
	u, err := d.Driver.Units(ctx, 0, 100)
	if d.units != nil {
		u = d.units(u)
	}
	var out []journal.Stored
	for _, x := range u {
		if x.First >= from && len(out) < limit {
			out = append(out, x)
		}
	}
	return out, err
}

func (d damaged) Scan(ctx context.Context, table journal.Table, prefix, after string, limit int) ([]journal.Row, error) {
	r, err := d.Driver.Scan(ctx, table, prefix, after, limit)
	if d.rows != nil {
		r = d.rows(table, r)
	}
	return r, err
}

func (d damaged) Balances(ctx context.Context, book, account string, limit int) ([]journal.BalanceRow, error) {
	r, err := d.Driver.Balances(ctx, book, account, limit)
	if d.balances != nil {
		d.balances(r)
	}
	return r, err
}

func (d damaged) Heads(ctx context.Context, after string, limit int) ([]journal.HeadRow, error) {
	r, err := d.Driver.Heads(ctx, after, limit)
	if d.heads != nil {
		d.heads(r)
	}
	return r, err
}

func (d damaged) Checkpoints(ctx context.Context, sub string) ([]journal.CheckpointRow, error) {
	r, err := d.Driver.Checkpoints(ctx, sub)
	if d.checkpoints != nil {
		r = d.checkpoints(r)
	}
	return r, err
}

func (d damaged) Topics(ctx context.Context, topics []string, after journal.Pos, limit int) ([]journal.Record, error) {
	r, err := d.Driver.Topics(ctx, topics, after, limit)
	if d.topics != nil {
		r = d.topics(r)
	}
	return r, err
}

func TestPlantedDamageIsFound(t *testing.T) {
	t.Parallel()
	edit := func(i int, f func(*journal.Stored)) func([]journal.Stored) []journal.Stored {
		return func(u []journal.Stored) []journal.Stored { f(&u[i]); return u }
	}
	for _, c := range []struct {
		name string
		lie  damaged
		kind journalaudit.Kind
		says string
	}{
		{"unit dropped", damaged{units: func(u []journal.Stored) []journal.Stored { return append(u[:1], u[2:]...) }}, journalaudit.KindLog, "Positions 2 to 2 are in no unit"},
		{"tail dropped", damaged{units: func(u []journal.Stored) []journal.Stored { return u[:4] }}, journalaudit.KindLog, "ends at position 4"},
		{"version changed", damaged{units: edit(1, func(s *journal.Stored) { s.Unit.Records[0].Version = 7 })}, journalaudit.KindLink, "version 7"},
		{"double entry broken", damaged{units: edit(1, func(s *journal.Stored) { s.Unit.Postings = s.Unit.Postings[1:] })}, journalaudit.KindRule, "unbalanced"},
		{"floor broken", damaged{units: edit(0, func(s *journal.Stored) { s.Unit.Postings[0].Amount, s.Unit.Postings[1].Amount = 2, -2 })}, journalaudit.KindRule, "would fall below"},
		{"letter opened from nowhere", damaged{units: edit(4, func(s *journal.Stored) { s.Unit.Letters[0].From = journal.LetterReplaying })}, journalaudit.KindRule, "letter L"},
		{"mark doubled", damaged{units: edit(4, func(s *journal.Stored) { s.Unit.Cause.Pos = 1 })}, journalaudit.KindCheckpoint, "finished twice"},
		{"mark skipped", damaged{units: edit(3, func(s *journal.Stored) { s.Unit.Cause = journal.Cause{} })}, journalaudit.KindCheckpoint, "Position 1 was lost"},
		{"balance changed", damaged{balances: func(r []journal.BalanceRow) {
			for i := range r {
				r[i].Amount++
			}
		}}, journalaudit.KindTable, "the log says 6 with floor 0"},
		{"head changed", damaged{heads: func(r []journal.HeadRow) {
			for i := range r {
				r[i].Version++
			}
		}}, journalaudit.KindTable, "version 4 at position 3"},
		{"row changed", damaged{rows: func(table journal.Table, r []journal.Row) []journal.Row {
			for i := range r {
				r[i].Value = []byte("other")
			}
			return r
		}}, journalaudit.KindTable, "of table state is"},
		{"row removed", damaged{rows: func(journal.Table, []journal.Row) []journal.Row { return nil }}, journalaudit.KindTable, "has no row"},
		{"checkpoint ahead", damaged{checkpoints: func(r []journal.CheckpointRow) []journal.CheckpointRow { r[0].High = 99; return r }}, journalaudit.KindCheckpoint, "behind the end of the log"},
		{"open record forgotten", damaged{checkpoints: func(r []journal.CheckpointRow) []journal.CheckpointRow { r[0].Open = nil; return r }}, journalaudit.KindCheckpoint, "Position 2 was lost"},
		{"finished record open", damaged{checkpoints: func(r []journal.CheckpointRow) []journal.CheckpointRow {
			r[0].Open = append([]journal.Pos{1}, r[0].Open...)
			return r
		}}, journalaudit.KindCheckpoint, "holds it open"},
		{"checkpoint gone", damaged{checkpoints: func([]journal.CheckpointRow) []journal.CheckpointRow { return nil }}, journalaudit.KindCheckpoint, "does not reach"},
		{"topic listing short", damaged{topics: func(r []journal.Record) []journal.Record { return r[:min(1, len(r))] }}, journalaudit.KindLink, "Topic t lists"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.lie.Driver = sound(t)
			r, err := journalaudit.Audit(t.Context(), c.lie, journalaudit.Options{
				Subscriptions: map[string]journalaudit.Subscription{"wave": {Topics: []string{"t"}}},
			})
			if err != nil {
				t.Fatalf("Audit: %v", err)
			}
			for _, f := range r.Findings {
				if f.Kind == c.kind && strings.Contains(f.Text, c.says) {
					return
				}
			}
			t.Errorf("no finding of kind %s says %q: %v", c.kind, c.says, r.Findings)
		})
	}
}
