package routes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/dlq"
)

const testPlace = "paklog/external-events/3"

func crane(typ string, data []byte) error {
	if typ == "crane.Moved" && !strings.Contains(string(data), `"to"`) {
		return errors.New(`"to" is missing`)
	}
	return nil
}

func addExternal(h *Hub) error { return AddExternal(h, crane) }

// arrival is a message at an offset, with headers over those of a good one.
func arrival(offset int, data string, headers ...string) journal.Record {
	r := journal.Record{
		ID: journal.ID{}.Child("kafka", "arrival", offset), Type: externalArrived, Schema: 1, Topic: topicArrived, Key: "crane-7", Source: "kafka",
		Headers: map[string]string{
			headerPlace: "external-events", headerPart: "3", headerOffset: fmt.Sprint(offset),
			headerSpec: "1.0", headerID: fmt.Sprint("m", offset), headerSource: "//cranes", headerType: "crane.Moved",
		},
		Data: []byte("{}"), Subject: fmt.Sprint("external/", offset), Personal: []byte(data),
	}
	for i := 0; i < len(headers); i += 2 {
		r.Headers[headers[i]] = headers[i+1]
	}
	return r
}

// toldOf is what external-events tell, in order.
func toldOf(t *testing.T, w *bare) []External {
	t.Helper()
	recs, err := w.store.Topics(context.Background(), []string{onExternal}, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var out []External
	for _, r := range recs {
		var e External
		if err := json.Unmarshal(r.Data, &e); err != nil {
			t.Fatal(err)
		}
		if r.Headers[headerPlace] == "" || len(r.Personal) == 0 {
			t.Errorf("position %d: %v", r.Pos, r.Headers)
		}
		out = append(out, e)
	}
	return out
}

func settled(t *testing.T, w *bare) {
	t.Helper()
	synctest.Wait()
	if err := w.bus.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
}

func TestWhatOthersWriteIsToldOnce(t *testing.T) {
	inBubble(t, addExternal, func(t *testing.T, w *bare) {
		ctx, in := context.Background(), NewIntake(w.bus)
		next, err := in.Own(ctx, testPlace, "a")
		if next != -1 || err != nil {
			t.Fatalf("Own: %d, %v", next, err)
		}
		ok, err := in.Take(ctx, testPlace, "a", 7, 10, []journal.Record{
			arrival(7, `{"to":1}`), arrival(8, `{"to":2}`), arrival(9, `{"to":1}`, headerID, "m7"), // sent twice by its producer
		})
		if !ok || err != nil {
			t.Fatalf("Take: %t, %v", ok, err)
		}
		settled(t, w)
		got := toldOf(t, w)
		if len(got) != 2 || got[0].ID != "m7" || got[0].Offset != "7" || got[1].ID != "m8" || got[1].Type != "crane.Moved" || got[1].Source != "//cranes" {
			t.Fatalf("%+v", got)
		}
		w.restart()
		if next, err := NewIntake(w.bus).Own(ctx, testPlace, "b"); next != 10 || err != nil {
			t.Errorf("after a restart: %d, %v", next, err)
		}
	})
}

func TestWhatCannotBeReadIsALetterWithItsPlace(t *testing.T) {
	inBubble(t, addExternal, func(t *testing.T, w *bare) {
		ctx, in := context.Background(), NewIntake(w.bus)
		if _, err := in.Own(ctx, testPlace, "a"); err != nil {
			t.Fatal(err)
		}
		bad := []struct {
			r    journal.Record
			says string
		}{
			{arrival(0, `{"to":1}`, headerSpec, ""), "ce_specversion"},
			{arrival(1, `{"to":1}`, headerSpec, "0.3"), `"0.3"`},
			{arrival(2, `{"to":1}`, headerID, ""), "ce_id"},
			{arrival(3, `{"to":1}`, headerSource, strings.Repeat("x", 300)), "300 characters"},
			{arrival(4, `{"to":1}`, headerType, ""), "ce_type"},
			{arrival(5, `<to>1</to>`, headerContent, "application/xml"), "application/xml"},
			{arrival(6, `{"to":`), "no JSON"},
			{arrival(7, ``), "no JSON"},
			{arrival(8, `{"from":1}`), `"to" is missing`},
			{arrival(9, `{"to":1}`, headerContent, "%%%"), "content-type"},
		}
		var recs []journal.Record
		for i := range bad {
			bad[i].r.Key = fmt.Sprint("key-", i) // else the first holds the others up
			recs = append(recs, bad[i].r)
		}
		good := arrival(20, `{"to":1}`)
		good.Key = "another"
		other := arrival(21, `{"to":2}`, headerID, "m20") // an id that is there with other data
		other.Key = "another"
		if ok, err := in.Take(ctx, testPlace, "a", 0, 22, append(recs, good, other)); !ok || err != nil {
			t.Fatalf("Take: %t, %v", ok, err)
		}
		settled(t, w)
		if got := toldOf(t, w); len(got) != 1 || got[0].Offset != "20" {
			t.Errorf("%+v", got)
		}
		list, err := w.hub.Desk().List(ctx, dlq.Filter{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		said := map[string]dlq.Entry{}
		for _, l := range list {
			said[l.Place] = l
		}
		bad = append(bad, struct {
			r    journal.Record
			says string
		}{other, "with other data"})
		for _, b := range bad {
			place := "external-events/3@" + b.r.Headers[headerOffset]
			if l := said[place]; !strings.Contains(l.Cause, b.says) || l.Kind != "invalid" {
				t.Errorf("%s: %s %q, not %q", place, l.Kind, l.Cause, b.says)
			}
		}
		if len(list) != len(bad) {
			t.Errorf("%d letters, not %d", len(list), len(bad))
		}
	})
}

// Owners come and go while others still hold what they read: each offset is in the journal once, and
// in order.
func TestAPartitionThatMovesNeitherDoublesNorReorders(t *testing.T) {
	inBubble(t, addExternal, func(t *testing.T, w *bare) {
		const owners, end = 6, 300
		ctx := context.Background()
		var all sync.WaitGroup
		var mu sync.Mutex
		refusals := 0
		var owned sync.WaitGroup // all own it once before one goes on: who came first is refused
		owned.Add(owners)
		for n := range owners {
			all.Go(func() {
				in := NewIntake(w.bus)
				for turn := 0; ; turn++ {
					me := fmt.Sprintf("%d/%d", n, turn)
					next, err := in.Own(ctx, testPlace, me)
					if turn == 0 {
						owned.Done()
						owned.Wait()
					}
					if err != nil {
						t.Error(err)
						return
					}
					for next = max(next, 0); next < end; next += 5 {
						var recs []journal.Record
						for i := range 5 {
							recs = append(recs, arrival(int(next)+i, `{"to":1}`))
						}
						ok, err := in.Take(ctx, testPlace, me, next, next+5, recs)
						if err != nil {
							t.Error(err)
							return
						}
						if !ok {
							mu.Lock()
							refusals++
							mu.Unlock()
							break
						}
					}
					if next >= end {
						return
					}
				}
			})
		}
		all.Wait()
		settled(t, w)
		got := toldOf(t, w)
		for i, e := range got {
			if e.Offset != fmt.Sprint(i) {
				t.Fatalf("offset %s stands at %d", e.Offset, i)
			}
		}
		if len(got) != end || refusals == 0 {
			t.Errorf("%d messages, %d refusals", len(got), refusals)
		}
	})
}

func TestATopicThatWasMadeAnewIsNotTakenForTheOld(t *testing.T) {
	inBubble(t, addExternal, func(t *testing.T, w *bare) {
		ctx, in := context.Background(), NewIntake(w.bus)
		if _, err := in.Own(ctx, testPlace, "a"); err != nil {
			t.Fatal(err)
		}
		if ok, err := in.Take(ctx, testPlace, "a", 0, 50, []journal.Record{arrival(0, `{"to":1}`)}); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if ok, err := in.Take(ctx, testPlace, "a", 0, 1, []journal.Record{arrival(0, `{"to":9}`)}); ok || !errors.Is(err, ErrBackwards) {
			t.Errorf("Take: %t, %v", ok, err)
		}
		if ok, err := in.Take(ctx, testPlace, "nobody", 50, 51, nil); ok || err != nil {
			t.Errorf("of nobody: %t, %v", ok, err)
		}
	})
}
