package journaltest

import (
	"fmt"
	"testing"
	"time"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalaudit"
)

// Rich writes a journal with rows in every table, of which an auditor can find what is changed.
func Rich(t *testing.T, s journal.Driver) journalaudit.Options {
	t.Helper()
	write := func(b *journal.Batch) {
		t.Helper()
		refusals, err := s.Write(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range refusals {
			if r != nil {
				t.Fatalf("unit %d: %v", i, r)
			}
		}
	}
	n := byte(0)
	unit := func(u journal.Unit) *journal.Unit {
		n++
		u.ID, u.At = journal.NewID(clock, [10]byte{n, 1}), clock.Add(time.Duration(n)*time.Second)
		return &u
	}
	for i := range 20 {
		var records []journal.Record
		for k := range 10 {
			records = append(records, journal.Record{
				Type: "order.Accepted", Topic: "order-events", Key: "k", Stream: fmt.Sprintf("order/main/ACME/%d", k%2), Data: []byte("{}"), Time: clock,
			})
		}
		records = append(records, journal.Record{Type: "note.Left", Topic: "notes", Key: "n", Data: fmt.Appendf(nil, "note %d", i)})
		write(&journal.Batch{Units: []*journal.Unit{unit(journal.Unit{
			Records: records,
			Postings: []journal.Posting{
				{Book: "b", Account: "source", Amount: -5, Floor: journal.NoFloor}, {Book: "b", Account: fmt.Sprintf("shelf %d", i%3), Amount: 5},
			},
			States:  []journal.StateOp{{Key: fmt.Sprintf("state/%d", i), Data: []byte("data of a state")}},
			Claims:  []journal.ClaimOp{{Scope: "as2/ACME", ID: fmt.Sprint(i), Hash: [32]byte{byte(i)}, Answer: []byte("answer")}},
			Timers:  []journal.TimerOp{{ID: fmt.Sprintf("t%d", i), Timer: journal.Timer{Sub: "wave", Key: "k", Due: clock, Type: "wave.Cutoff"}}},
			Parks:   []journal.ParkOp{{Sub: "wave", Key: "k", Pos: journal.Pos(i + 1), Park: journal.Park{Reason: journal.ParkRetry, Since: clock}}},
			Letters: []journal.LetterOp{{ID: fmt.Sprintf("L%d", i), To: journal.LetterOpen, Letter: journal.Letter{Sub: "wave", Opened: clock, Data: []byte("why")}}},
			Effects: []journal.EffectOp{{Key: fmt.Sprintf("e%d", i), To: journal.EffectStarted, Effect: journal.Effect{Conn: "ups", Ref: "r", Started: clock}}},
		})}})
	}
	write(&journal.Batch{Units: []*journal.Unit{unit(journal.Unit{Snapshots: []journal.Snapshot{{Stream: "order/main/ACME/0", Version: 50, Fold: 1, Data: []byte("snapshot")}}})}})
	part := journal.PartitionOf("n")
	var notes []journal.Delivery
	for i := range 20 {
		notes = append(notes, journal.Delivery{Sub: "mail", Part: part, Pos: journal.Pos(11 * (i + 1))})
	}
	write(&journal.Batch{Delivered: notes, Units: []*journal.Unit{
		unit(journal.Unit{Cause: journal.Cause{Sub: "mail", Part: part, Pos: 11, Done: true}}),
		unit(journal.Unit{Cause: journal.Cause{Sub: "mail", Part: part, Pos: 33, Done: true}}),
	}})
	return journalaudit.Options{Subscriptions: map[string]journalaudit.Subscription{"mail": {Topics: []string{"notes"}}}}
}
