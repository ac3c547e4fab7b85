package journaltest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/paklog/hub/core/journal"
)

func testScans(t *testing.T, open Open) {
	t.Parallel()
	s := start(t, open)
	keys := []string{"a", "a/", "a/1", "a/10", "a/2", "a0", "b", "b\x7f", "é", "\xff\xfe"}
	u := &journal.Unit{ID: id(1), At: clock}
	for _, k := range keys {
		u.States = append(u.States, journal.StateOp{Key: k, Data: []byte(k)})
		u.Records = append(u.Records, journal.Record{Type: "x", Stream: k})
		u.Postings = append(u.Postings, journal.Posting{Book: "b/" + k, Account: "x", Amount: 1}, journal.Posting{Book: "b/" + k, Account: "y", Amount: -1, Floor: -1})
	}
	s.put(u)
	for range 2 {
		for _, c := range []struct {
			prefix, after string
			limit         int
			want          []string
		}{
			{"", "", 100, keys},
			{"", "", 3, keys[:3]},
			{"", "a/10", 100, keys[4:]},
			{"a/", "", 100, []string{"a/", "a/1", "a/10", "a/2"}},
			{"a/", "a/1", 100, []string{"a/10", "a/2"}},
			{"a/", "a/1", 1, []string{"a/10"}},
			{"a/", "a", 100, []string{"a/", "a/1", "a/10", "a/2"}},
			{"a/", "a0", 100, nil},
			{"b", "b", 100, []string{"b\x7f"}},
			{"\xff", "", 100, []string{"\xff\xfe"}},
			{"c", "", 100, nil},
			{"", "\xff\xfe", 100, nil},
			{"", "", 0, nil},
		} {
			rows, err := s.Scan(t.Context(), journal.TableState, c.prefix, c.after, c.limit)
			var got []string
			for _, r := range rows {
				got = append(got, r.Key)
			}
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("scan of %q after %q: %q, %v; want %q", c.prefix, c.after, got, err, c.want)
			}
		}
		heads, err := s.Heads(t.Context(), "a/2", 2)
		if err != nil || len(heads) != 2 || heads[0].Stream != "a0" || heads[1].Stream != "b" || heads[1].Version != 1 {
			t.Errorf("heads: %v, %v", heads, err)
		}
		rows, err := s.Balances(t.Context(), "b/a", "x", 2)
		if err != nil || len(rows) != 2 || rows[0].Account != "y" || rows[0].Amount != -1 || rows[0].Floor != -1 || rows[1].Book != "b/a/" {
			t.Errorf("balances: %v, %v", rows, err)
		}
		s.again()
	}
	s.put(message("in"), message("in"))
	s.write(&journal.Batch{Delivered: []journal.Delivery{{Sub: "w", Part: 63, Pos: 1}, {Sub: "w", Part: 2, Pos: 2}, {Sub: "v", Part: 1, Pos: 1, Skip: true}}})
	for range 2 {
		for sub, want := range map[string]string{"": "v/1 w/2 w/63 ", "w": "w/2 w/63 ", "none": ""} {
			list, err := s.Checkpoints(t.Context(), sub)
			got := ""
			for _, c := range list {
				got += fmt.Sprintf("%s/%d ", c.Sub, c.Part)
			}
			if err != nil || got != want {
				t.Errorf("checkpoints of %q: %s, %v; want %s", sub, got, err, want)
			}
		}
		s.again()
	}
}
