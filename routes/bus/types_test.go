package bus_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalaudit"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/routes/bus"
)

// TestTypesThatASubscriptionDoesNotTakeCostNothing: they are neither delivered nor marked, and
// a type that is taken later begins when it is.
func TestTypesThatASubscriptionDoesNotTakeCostNothing(t *testing.T) {
	store := journalmem.New()
	publish := func(b *bus.Bus, types ...string) {
		t.Helper()
		u := &journal.Unit{}
		for i, typ := range types {
			u.Records = append(u.Records, journal.Record{Type: typ, Topic: "t", Key: string(rune('a' + i%3)), Schema: 1})
		}
		if r, err := b.Submit(t.Context(), u); r != nil || err != nil {
			t.Fatal(r, err)
		}
	}
	// run serves until want records were handled and returns their types in order.
	run := func(s *journalmem.Store, take []string, want int, before ...string) []string {
		t.Helper()
		b, err := bus.Open(t.Context(), s, bus.Options{})
		if err != nil {
			t.Fatal(err)
		}
		sub := b.NewManaged(bus.Subscription{Name: "s", Topics: []string{"t"}, Types: take})
		ch, err := sub.Subscribe(t.Context(), "t")
		if err != nil {
			t.Fatal(err)
		}
		if len(before) > 0 {
			publish(b, before...)
		}
		var mu sync.Mutex
		var got []string
		for range want {
			m := <-ch
			d := bus.DeliveryOf(m)
			mu.Lock()
			got = append(got, d.Record.Type)
			mu.Unlock()
			if r, err := d.CommitWait(t.Context(), nil, &journal.Unit{}); r != nil || err != nil {
				t.Fatal(r, err)
			}
			m.Ack()
		}
		if err := sub.Close(); err != nil {
			t.Fatal(err)
		}
		if err := b.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := run(store, []string{"x"}, 2, "x", "y", "y", "x", "y"); !slices.Equal(got, []string{"x", "x"}) {
		t.Fatalf("delivered %v", got)
	}
	again, err := store.Reopen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := run(again, []string{"x", "y"}, 1, "y"); !slices.Equal(got, []string{"y"}) {
		t.Fatalf("a type that was added later brought what came before: %v", got)
	}
	last, err := again.Reopen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	row, err := last.Row(t.Context(), journal.TableState, bus.DeclaredKey("s"))
	if err != nil {
		t.Fatal(err)
	}
	st, err := journal.DecodeState(row)
	if err != nil {
		t.Fatal(err)
	}
	types, err := bus.DeclaredTypes(st.Data)
	if err != nil {
		t.Fatal(err)
	}
	audit := func(types map[string]journal.Pos) journalaudit.Report {
		t.Helper()
		rep, err := journalaudit.Audit(t.Context(), last, journalaudit.Options{Subscriptions: map[string]journalaudit.Subscription{
			"s": {Topics: []string{"t"}, Types: types, Timers: bus.TimerTopic("s")},
		}})
		if err != nil {
			t.Fatal(err)
		}
		return rep
	}
	if rep := audit(types); len(rep.Findings) != 0 {
		t.Fatalf("the auditor finds %v", rep.Findings)
	}
	if rep := audit(nil); len(rep.Findings) == 0 {
		t.Fatal("the auditor does not miss what a subscription of all types would owe")
	}
}
