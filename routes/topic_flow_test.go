package routes

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/dlq"
)

func webLines() TopicFlow {
	return TopicFlow{
		Name: "web", From: "orders", Lines: "lines", Choose: "channel", To: map[string]string{"web": "web-lines", "1": "store-lines"}, Key: "number",
		Fields: map[string]string{"order": "number", "city": "ship_to.city?", "sku": ".item", "qty": ".qty", "lot": ".lot?"},
	}
}

// orderAt is what an [Intake] took of the topic of orders at an offset.
func orderAt(offset int, data string) journal.Record {
	r := arrival(offset, "")
	r.Topic, r.Key, r.Subject, r.Personal, r.Data = FlowIn+"orders", fmt.Sprint("key-", offset), "", nil, []byte(data)
	return r
}

func TestAMessageBecomesTheMessagesOfItsLines(t *testing.T) {
	inBubble(t, func(h *Hub) error { return AddTopicFlow(h, webLines()) }, func(t *testing.T, w *bare) {
		ctx, in := context.Background(), NewIntake(w.bus)
		if _, err := in.Own(ctx, testPlace, "a"); err != nil {
			t.Fatal(err)
		}
		if ok, err := in.Take(ctx, testPlace, "a", 0, 4, []journal.Record{
			orderAt(0, `{"number":"SO-1","channel":"web","ship_to":{"city":"Köln"},"lines":[{"item":"MUG","qty":2,"lot":null},{"item":"CUP","qty":1.50,"lot":"L\u0031"}]}`),
			orderAt(1, `{"number":7,"channel":1,"ship_to":null,"lines":[{"qty":12345678901234567890,"item":"MUG"}]}`),
			orderAt(2, `{"number":"SO-2","channel":"web","lines":[]}`),
		}); !ok || err != nil {
			t.Fatalf("Take: %t, %v", ok, err)
		}
		settled(t, w)
		w.restart()
		settled(t, w)
		recs, err := w.store.Topics(ctx, []string{FlowOut + "web-lines", FlowOut + "store-lines"}, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range recs {
			got = append(got, strings.Join([]string{r.Topic, r.Type, r.Key, string(r.Data)}, " "))
		}
		want := []string{
			`flow-out.web-lines flow.web SO-1 {"city":"Köln","order":"SO-1","qty":2,"sku":"MUG"}`,
			`flow-out.web-lines flow.web SO-1 {"city":"Köln","lot":"L\u0031","order":"SO-1","qty":1.50,"sku":"CUP"}`,
			`flow-out.store-lines flow.web 7 {"order":7,"qty":12345678901234567890,"sku":"MUG"}`,
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

func TestWhatAFlowCannotTurnIsALetter(t *testing.T) {
	inBubble(t, func(h *Hub) error { return AddTopicFlow(h, webLines()) }, func(t *testing.T, w *bare) {
		ctx, in := context.Background(), NewIntake(w.bus)
		if _, err := in.Own(ctx, testPlace, "a"); err != nil {
			t.Fatal(err)
		}
		line := `{"item":"MUG","qty":1}`
		bad := []struct{ data, says string }{
			{`[1]`, "no JSON object"},
			{`null`, "no JSON object"},
			{`{"number":"A","channel":"web"}`, "lines is missing"},
			{`{"number":"A","channel":"web","lines":{"a":1}}`, "lines is no array of objects"},
			{`{"number":"A","channel":"web","lines":[` + line + `,null]}`, "lines[1] is no object"},
			{`{"number":"A","channel":"web","lines":[` + line + `,{"item":"MUG"}]}`, "lines[1]: .qty is missing"},
			{`{"number":"A","channel":"fax","lines":[` + line + `]}`, `lines[0]: channel says "fax", which no topic is for`},
			{`{"number":"A","lines":[` + line + `]}`, "channel is missing"},
			{`{"number":"A","channel":{},"lines":[` + line + `]}`, "channel is neither text nor a number"},
			{`{"number":["A"],"channel":"web","lines":[` + line + `]}`, "number is neither text nor a number"},
			{`{"number":"` + strings.Repeat("A", 257) + `","channel":"web","lines":[` + line + `]}`, "number is no key"},
			{`{"number":"A","channel":"web","ship_to":"X","lines":[` + line + `]}`, "ship_to.city? is missing"},
			{`{"number":"A","channel":"web","lines":[` + strings.Repeat(`{},`, mostEntries) + `{}]}`, "10001 entries"},
		}
		var recs []journal.Record
		for i, b := range bad {
			recs = append(recs, orderAt(i, b.data))
		}
		nothing := orderAt(len(bad), "{}")
		nothing.Personal = []byte(`{"number":`)
		recs = append(recs, nothing)
		if ok, err := in.Take(ctx, testPlace, "a", 0, int64(len(recs)), recs); !ok || err != nil {
			t.Fatalf("Take: %t, %v", ok, err)
		}
		settled(t, w)
		list, err := w.hub.Desk().List(ctx, dlq.Filter{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		said := map[string]dlq.Entry{}
		for _, l := range list {
			said[l.Place] = l
		}
		for i, b := range append(bad, struct{ data, says string }{"", "are no JSON"}) {
			if l := said[fmt.Sprint("external-events/3@", i)]; !strings.Contains(l.Cause, b.says) || l.Kind != "invalid" {
				t.Errorf("%.80s: %s %q, want %q", b.data, l.Kind, l.Cause, b.says)
			}
		}
		if recs, err := w.store.Topics(ctx, []string{FlowOut + "web-lines", FlowOut + "store-lines"}, 0, 100); len(recs) > 0 || err != nil {
			t.Errorf("what could not be turned became %d messages, %v", len(recs), err)
		}
	})
}

func TestFlowsThatLeadNowhereAreRefused(t *testing.T) {
	for says, change := range map[string]func(*TopicFlow){
		"from: names no topic":           func(f *TopicFlow) { f.From = "" },
		"to: has no topic":               func(f *TopicFlow) { f.To = nil },
		"choose: names no field":         func(f *TopicFlow) { f.Choose = "" },
		"otherwise: names no topic":      func(f *TopicFlow) { f.Choose, f.To = "", nil },
		"fields: has none":               func(f *TopicFlow) { f.Fields = nil },
		`fields.sku: "a..b" is no path`:  func(f *TopicFlow) { f.Fields = map[string]string{"sku": "a..b"} },
		`key: "." is no path of a field`: func(f *TopicFlow) { f.Key = "." },
		"lines names no array":           func(f *TopicFlow) { f.Lines = "" },
		`lines: "." is no path`:          func(f *TopicFlow) { f.Lines = ".lines" },
	} {
		f := webLines()
		change(&f)
		if err := f.Validate(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
	if err := webLines().Validate(); err != nil {
		t.Error(err)
	}
}
