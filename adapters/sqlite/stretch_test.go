package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalaudit"
)

// mixed writes one batch of units of all sizes: without records, with events, and larger than a page.
func mixed(t *testing.T, s *Store) (want []journal.Stored) {
	t.Helper()
	b := &journal.Batch{}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i := range 300 {
		u := journal.Unit{ID: journal.NewID(at, [10]byte{byte(i), byte(i >> 8), 7}), At: at}
		for k := range i % 4 {
			r := journal.Record{Type: "note.Left", Topic: fmt.Sprint("t", i%3), Key: "n", Data: bytes.Repeat([]byte{byte(i)}, 100*k)}
			if k == 1 {
				r.Type, r.Stream = "order.Accepted", fmt.Sprint("order/main/ACME/", i%7)
			}
			u.Records = append(u.Records, r)
		}
		if i%50 == 3 {
			u.Records[0].Data = bytes.Repeat([]byte{1}, 3*pageSize)
		}
		b.Units = append(b.Units, &u)
	}
	refusals, err := s.Write(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range refusals {
		if r != nil {
			t.Fatal(r)
		}
	}
	for _, u := range b.Units {
		want = append(want, journal.Stored{First: u.First, Unit: *u})
	}
	return want
}

func rows(t *testing.T, s *Store) int64 {
	t.Helper()
	n, err := s.write.number(t.Context(), "SELECT count(*) FROM stretch")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestUnitsOfABatchStandTogetherAndAreReadAlone(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir(), Options{})
	want := mixed(t, s)
	if n := rows(t, s); n > 30 {
		t.Errorf("%d units in %d rows", len(want), n)
	}
	same := func(got journal.Stored, want *journal.Stored) bool {
		return got.First == want.First && bytes.Equal(journal.AppendUnit(nil, &got.Unit), journal.AppendUnit(nil, &want.Unit)) &&
			slices.EqualFunc(got.Unit.Records, want.Unit.Records, func(a, b journal.Record) bool { return a.Pos == b.Pos && a.Version == b.Version })
	}
	for i := range want {
		w := &want[i]
		for k := range max(1, len(w.Unit.Records)) {
			if got, err := s.Holding(t.Context(), w.First+journal.Pos(k)); err != nil || !same(got, w) {
				t.Fatalf("position %d: %+v, %v", w.First+journal.Pos(k), got, err)
			}
		}
		page, err := s.Units(t.Context(), w.First, 2)
		if err != nil || len(page) != min(2, len(want)-i) || !same(page[0], w) || len(page) == 2 && !same(page[1], &want[i+1]) {
			t.Fatalf("from %d: %+v, %v", w.First, page, err)
		}
	}
	last := want[len(want)-1]
	if _, err := s.Holding(t.Context(), last.First+journal.Pos(len(last.Unit.Records))); !errors.Is(err, journal.ErrNoUnit) {
		t.Errorf("behind the end: %v", err)
	}
	if got, err := s.Units(t.Context(), last.First+1, 5); err != nil || len(got) != 0 {
		t.Errorf("behind the end: %v, %v", got, err)
	}
	if r, err := journalaudit.Audit(t.Context(), s, journalaudit.Options{}); err != nil || len(r.Findings) > 0 || r.Units != len(want) {
		t.Errorf("%+v, %v", r, err)
	}
}

// A unit that is damaged harms none beside it; what says where units stand harms those of its row alone.
func TestDamageInARowOfSeveralUnits(t *testing.T) {
	t.Parallel()
	for _, column := range []string{"data", "parts"} {
		t.Run(column, func(t *testing.T) {
			t.Parallel()
			s := opened(t, t.TempDir(), Options{})
			want := mixed(t, s)
			second, err := s.write.number(t.Context(), "SELECT pos FROM stretch ORDER BY pos LIMIT 1 OFFSET 1")
			if err != nil {
				t.Fatal(err)
			}
			third, err := s.write.number(t.Context(), "SELECT pos FROM stretch ORDER BY pos LIMIT 1 OFFSET 2")
			if err != nil {
				t.Fatal(err)
			}
			flip := fmt.Sprintf("UPDATE stretch SET %[1]s = CAST(substr(%[1]s, 1, 3) || x'fe' || substr(%[1]s, 5) AS BLOB) WHERE pos = ?", column)
			if err := exec(t.Context(), s.write.conn, flip, second); err != nil {
				t.Fatal(err)
			}
			for i := range want {
				first := want[i].First
				harmed := first == journal.Pos(second) || column == "parts" && first > journal.Pos(second) && first < journal.Pos(third)
				_, err := s.Holding(t.Context(), first)
				if d, ok := errors.AsType[*journal.DamageError](err); ok != harmed || ok && d.First != journal.Pos(second) || err != nil && !ok {
					t.Fatalf("position %d: %v", first, err)
				}
			}
			r, err := journalaudit.Audit(t.Context(), s, journalaudit.Options{})
			if err != nil || len(r.Findings) != 1 || r.Findings[0].Kind != journalaudit.KindDamage || r.Findings[0].Pos != journal.Pos(second) {
				t.Errorf("%+v, %v", r.Findings, err)
			}
		})
	}
}
