package journalaudit_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalaudit"
)

func digest(t *testing.T, d journal.Driver, every journal.Pos) journalaudit.Digest {
	t.Helper()
	got, err := journalaudit.Digests(t.Context(), d, every)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// parts are what differs between two digests.
func parts(a, b journalaudit.Digest) string {
	var out []string
	for i := range a.Ranges {
		if a.Ranges[i] != b.Ranges[i] {
			out = append(out, "log")
		}
	}
	for i := range a.Tables {
		if a.Tables[i] != b.Tables[i] {
			out = append(out, a.Tables[i].Table)
		}
	}
	return strings.Join(out, " ")
}

func TestDigestsTellJournalsApart(t *testing.T) {
	t.Parallel()
	s := sound(t)
	whole := digest(t, s, 2)
	if n := len(whole.Ranges); n != 3 || whole.Ranges[2].Last != 5 || whole.Ranges[0].Units != 2 {
		t.Errorf("ranges of 5 positions by 2: %+v", whole.Ranges)
	}
	if one := digest(t, s, 1<<63); len(one.Ranges) != 1 || one.Ranges[0].Last != 5 || one.Ranges[0].Units != 5 {
		t.Errorf("one range: %+v", one.Ranges)
	}
	if diff := parts(whole, digest(t, sound(t), 2)); diff != "" {
		t.Errorf("equal journals differ in %s", diff)
	}
	for want, d := range map[string]damaged{
		"log": {units: func(u []journal.Stored) []journal.Stored { u[3].Unit.Cause.Pos++; return u }},
		"state": {rows: func(table journal.Table, r []journal.Row) []journal.Row {
			if table == journal.TableState {
				r[0].Value = append([]byte{1}, r[0].Value...)
			}
			return r
		}},
		"letter": {rows: func(table journal.Table, r []journal.Row) []journal.Row {
			if table == journal.TableLetter {
				return nil
			}
			return r
		}},
		"balance":    {balances: func(r []journal.BalanceRow) { r[0].Amount++ }},
		"head":       {heads: func(r []journal.HeadRow) { r[0].Last++ }},
		"checkpoint": {checkpoints: func(r []journal.CheckpointRow) []journal.CheckpointRow { return r[1:] }},
	} {
		d.Driver = sound(t)
		if diff := parts(whole, digest(t, d, 2)); diff != want {
			t.Errorf("damage to %s is told as %q", want, diff)
		}
	}
}

// torn cannot read its units.
type torn struct {
	journal.Driver
	err error
}

func (d torn) Units(context.Context, journal.Pos, int) ([]journal.Stored, error) { return nil, d.err }

func TestNoDigestOfWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	bad := errors.New("bad sector")
	if _, err := journalaudit.Digests(t.Context(), torn{sound(t), bad}, 2); !errors.Is(err, bad) {
		t.Errorf("units that cannot be read: %v", err)
	}
	if _, err := journalaudit.Digests(t.Context(), torn{sound(t), nil}, 2); err == nil || !strings.Contains(err.Error(), "the log ends at 5") {
		t.Errorf("a log that ends early: %v", err)
	}
	if _, err := journalaudit.Digests(t.Context(), sound(t), 0); err == nil {
		t.Error("ranges of no positions")
	}
}
