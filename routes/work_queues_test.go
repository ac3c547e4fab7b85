package routes

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/paklog/hub/core/journal"
)

var testWork = WorkQueue{Name: "erp.main", From: "erp-queue.main", To: "erp-out.main"}

func addQueues(h *Hub) error { return AddWorkQueues(h, NewWorkQueues(h.bus, []WorkQueue{testWork})) }

// ask adds n records that are to go through the test's queue.
func ask(t *testing.T, w *bare, from, n int) []journal.Record {
	t.Helper()
	for i := from; i < from+n; i++ {
		u := &journal.Unit{Records: []journal.Record{
			{ID: journal.ID{}.Child("test", "beside", i), Type: "beside", Schema: 1, Topic: "beside", Data: []byte("{}")},
			{ID: journal.ID{}.Child("test", "ask", i), Type: cmdERPIssue, Schema: 1, Topic: testWork.From, Key: fmt.Sprint("key-", i%3), Data: fmt.Appendf(nil, "%d", i), Subject: "somebody", Personal: []byte("apart")},
		}}
		if ref, err := w.bus.Submit(context.Background(), u); ref != nil || err != nil {
			t.Fatal(ref, err)
		}
	}
	recs, err := w.store.Topics(context.Background(), []string{testWork.From}, 0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return recs
}

// Deliveries come again, from two processes at once and over a restart: each record comes out once, in
// order, with what the broker never had.
func TestWorkComesOutOfAQueueOnce(t *testing.T) {
	inBubble(t, addQueues, func(t *testing.T, w *bare) {
		ctx := context.Background()
		all := ask(t, w, 0, 60)
		q := NewWorkQueues(w.bus, []WorkQueue{testWork})
		waits, err := q.Next(ctx, testWork.Name, 50)
		if err != nil || len(waits) != 50 || waits[0].ID != all[0].ID {
			t.Fatalf("%d wait, %v", len(waits), err)
		}
		if err := q.Sent(ctx, testWork.Name, waits[49].Pos); err != nil {
			t.Fatal(err)
		}
		if err := q.Sent(ctx, testWork.Name, waits[9].Pos); err != nil { // one that is late
			t.Fatal(err)
		}
		if waits, err = q.Next(ctx, testWork.Name, 50); err != nil || len(waits) != 10 || waits[0].ID != all[50].ID {
			t.Fatalf("%d wait, %v", len(waits), err)
		}
		for i := 0; i < 40; i += 10 {
			var both sync.WaitGroup
			for range 2 {
				both.Go(func() {
					known, err := q.Take(ctx, testWork.Name, append(slices.Clone(all[i:i+10]), all[i])) // one twice
					if err != nil || slices.Contains(known, false) {
						t.Errorf("%v, %v", known, err)
					}
				})
			}
			both.Wait()
		}
		w.restart()
		q = NewWorkQueues(w.bus, []WorkQueue{testWork})
		if known, err := q.Take(ctx, testWork.Name, all[30:]); err != nil || slices.Contains(known, false) {
			t.Errorf("%v, %v", known, err)
		}
		recs, err := w.store.Topics(ctx, []string{testWork.To}, 0, 1000)
		if err != nil || len(recs) != len(all) {
			t.Fatalf("%d came out, %v", len(recs), err)
		}
		for i, r := range recs {
			if r.Causation != all[i].ID || string(r.Data) != fmt.Sprint(i) || string(r.Personal) != "apart" || r.Key != all[i].Key {
				t.Fatalf("%d: %+v", i, r)
			}
		}
	})
}

// What is not the journal's own is not taken, whatever it says of itself.
func TestStrangersGiveNoOrders(t *testing.T) {
	inBubble(t, addQueues, func(t *testing.T, w *bare) {
		all := ask(t, w, 0, 2)
		q := NewWorkQueues(w.bus, []WorkQueue{testWork})
		came := []journal.Record{
			{},
			{ID: all[0].ID},                  // nowhere
			{ID: all[0].ID, Pos: all[1].Pos}, // where another stands
			{ID: all[0].ID, Pos: 1 << 40},    // behind the end
			{Pos: all[0].Pos},                // of no name
			{ID: journal.ID{}.Child("test", "beside", 0), Pos: all[0].Pos - 1}, // on another topic
			all[1],
		}
		known, err := q.Take(context.Background(), testWork.Name, came)
		if want := []bool{false, false, false, false, false, false, true}; err != nil || !slices.Equal(known, want) {
			t.Errorf("%v, %v", known, err)
		}
		if known, err := q.Take(context.Background(), "another", all); err != nil || slices.Contains(known, true) {
			t.Errorf("of a queue that is none: %v, %v", known, err)
		}
		if got := w.heard(testWork.To); !slices.Equal(got, []string{"1"}) {
			t.Errorf("%v came out", got)
		}
	})
}

// givenUp is what a link makes of a record that it gave up.
func givenUp(id, queue string, pos journal.Pos) journal.Record {
	return journal.Record{
		ID: journal.ID{}.Child("dead", id, 0), Type: queueGivenUp, Schema: 1, Topic: topicGivenUp, Data: []byte("{}"),
		Headers: map[string]string{"queue": queue, "reason": "delivery_limit", "message": id, "type": cmdERPIssue, "position": fmt.Sprint(uint64(pos))},
	}
}

// What is given up is a letter, once; its replay does the work, once, whether or not the broker brings the
// message after all.
func TestWhatIsGivenUpIsALetterWhoseReplayDoesTheWork(t *testing.T) {
	inBubble(t, addQueues, func(t *testing.T, w *bare) {
		ctx := context.Background()
		all := ask(t, w, 0, 3)
		q := NewWorkQueues(w.bus, []WorkQueue{testWork})
		if _, err := q.Take(ctx, testWork.Name, all[2:]); err != nil {
			t.Fatal(err)
		}
		dead := []journal.Record{
			givenUp(all[0].ID.String(), testWork.Name, all[0].Pos), givenUp(all[1].ID.String(), testWork.Name, all[1].Pos),
			givenUp(all[2].ID.String(), testWork.Name, all[2].Pos), // which was taken: nothing is left to do
			givenUp("nobody's", testWork.Name, 0), givenUp(all[0].ID.String(), "another", all[0].Pos),
		}
		dead[4].ID = journal.ID{}.Child("dead", "another", 0)
		for range 2 {
			if err := q.Bury(ctx, append(dead, dead[0])); err != nil {
				t.Fatal(err)
			}
		}
		settled(t, w)
		kinds := map[string]string{}
		for _, l := range w.letters() {
			kinds[l.Kind] += l.ID + " "
			if l.Kind == "rejected" && !strings.Contains(l.Cause, "delivery_limit") {
				t.Error(l.Cause)
			}
		}
		if len(strings.Fields(kinds["rejected"])) != 2 || len(strings.Fields(kinds["invalid"])) != 2 {
			t.Fatalf("%v", kinds)
		}
		// The broker brings one after all, before its letter is replayed.
		if _, err := q.Take(ctx, testWork.Name, all[:1]); err != nil {
			t.Fatal(err)
		}
		for _, id := range strings.Fields(kinds["rejected"] + kinds["invalid"]) {
			if err := w.hub.Desk().Replay(ctx, id, 1, "ann"); err != nil {
				t.Fatal(err)
			}
		}
		settled(t, w)
		if got := len(w.letters()); got != 2 {
			t.Errorf("%d letters are open, and 2 have nothing that could be done", got)
		}
		// And the other after all of it.
		if _, err := q.Take(ctx, testWork.Name, all); err != nil {
			t.Fatal(err)
		}
		if got := w.heard(testWork.To); !slices.Equal(got, []string{"2", "0", "1"}) {
			t.Errorf("%v came out", got)
		}
	})
}

// A hub that uses its queues no more does what is left of their work, once, whatever was sent.
func TestAHubWithoutItsQueuesDoesTheirWork(t *testing.T) {
	inBubble(t, addQueues, func(t *testing.T, w *bare) {
		ctx := context.Background()
		all := ask(t, w, 0, 300)
		q := NewWorkQueues(w.bus, []WorkQueue{testWork})
		if err := q.Sent(ctx, testWork.Name, all[99].Pos); err != nil {
			t.Fatal(err)
		}
		if _, err := q.Take(ctx, testWork.Name, all[:40]); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := q.Drain(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if rest, err := q.Next(ctx, testWork.Name, 10); err != nil || len(rest) != 0 {
			t.Errorf("%d would be sent, %v", len(rest), err)
		}
		ask(t, w, 300, 5)
		if err := q.Drain(ctx); err != nil {
			t.Fatal(err)
		}
		got := w.heard(testWork.To)
		if len(got) != 305 {
			t.Fatalf("%d came out", len(got))
		}
		for i, d := range got {
			if d != fmt.Sprint(i) {
				t.Fatalf("%s came out at %d", d, i)
			}
		}
	})
}
