package routes

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/dlq"
)

// editWhat lets people write another word in the place of an acting hub's message, but not the word "never".
func editWhat(_ context.Context, rec *journal.Record, text *string) (dlq.Edited, error) {
	var was string
	if err := json.Unmarshal(rec.Data, &was); err != nil {
		return dlq.Edited{}, err
	}
	out := dlq.Edited{Format: "json", Text: was, Allowed: []string{"what"}, Record: *rec}
	if text != nil && *text != was {
		out.Text, out.Changes = *text, []dlq.FieldChange{{Field: "what", Old: was, New: *text}}
		out.Record.Data, _ = json.Marshal(*text)
	}
	if out.Text == "never" {
		out.Problems = []dlq.Problem{{Place: "what", Message: "never is no word"}}
	}
	return out, nil
}

// actEdited is [act] on a route whose messages are edited.
func actEdited(t *testing.T, test func(t *testing.T, w *acting)) {
	t.Helper()
	p := &partner{done: map[string]int{}}
	inBubble(t, func(h *Hub) error {
		return h.AddEffect(Route{Name: "out.partner", Topics: []string{"in"}, Conn: "partner", Edit: editWhat}, p.effect())
	}, func(t *testing.T, w *bare) { test(t, &acting{w, p}) })
}

// mend edits the one letter there is, and has somebody else approve of it.
func (w *acting) mend(text string) {
	w.t.Helper()
	l := w.letters()
	if len(l) != 1 {
		w.t.Fatalf("%d letters to edit: %+v", len(l), l)
	}
	e, err := w.hub.Desk().ProposeEdit(w.t.Context(), l[0].ID, l[0].Opening, text, "it was wrong", "ann")
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.hub.Desk().ApproveEdit(w.t.Context(), l[0].ID, e.Message, "ben"); err != nil {
		w.t.Fatal(err)
	}
	settle(time.Hour)
}

func (w *acting) outcome(t *testing.T, letters int, calls int, done map[string]int, said ...string) {
	t.Helper()
	if l := w.letters(); len(l) != letters || len(w.calls) != calls || !slices.Equal(w.heard("out"), said) {
		t.Errorf("%d letters, called %d times, written %v; want %d, %d, %v: %+v", len(l), len(w.calls), w.heard("out"), letters, calls, said, l)
	}
	for ref, n := range done {
		if w.done[ref] != n {
			t.Errorf("%s was done %d times, want %d", ref, w.done[ref], n)
		}
	}
}

// What was edited goes in the place of what failed, under an id of its own, and the letter stays the same one.
func TestAnEditedMessageTakesThePlaceOfTheOneThatFailed(t *testing.T) {
	actEdited(t, func(t *testing.T, w *acting) {
		w.script = []doing{says(fault.Rejected, 0)}
		w.send("k", "bad")
		w.send("k", "next") // waits behind it
		settle(time.Minute)
		id := w.letters()[0].ID
		w.mend("good")
		w.outcome(t, 0, 3, map[string]int{"bad": 0, "good": 1, "next": 1}, `"done good"`, `"done next"`)
		d, err := w.hub.Desk().Show(t.Context(), id)
		if err != nil || d.State != "resolved" || d.Message.Payload != `"good"` || d.InForce == 0 || d.Edit.State != dlq.EditApproved ||
			d.Message.Headers[dlq.ReplacesHeader] != d.MessageID.String() || d.Edit.Message == d.MessageID {
			t.Errorf("%+v %v", d, err)
		}
	})
}

// A call of which nobody knows whether it happened is asked for as it was begun, before the edited message calls.
func TestAnEditInheritsAnUnknownCall(t *testing.T) {
	actEdited(t, func(t *testing.T, w *acting) {
		w.script, w.asks = []doing{losesRequest}, []asking{cannotSay(fault.Unknown)}
		w.send("k", "bad")
		settle(time.Hour)
		w.mend("good") // it did not happen
		w.outcome(t, 0, 2, map[string]int{"bad": 0, "good": 1}, `"done good"`)
	})
	actEdited(t, func(t *testing.T, w *acting) {
		w.script, w.asks = []doing{doesAndLoses}, []asking{cannotSay(fault.Unknown)}
		w.send("k", "bad")
		settle(time.Hour)
		w.mend("good") // it did happen, and is not what the edit asks for
		w.outcome(t, 1, 1, map[string]int{"bad": 1, "good": 0})
		l := w.letters()[0]
		if e := w.ledger(); e.State != journal.EffectConfirmed || !strings.Contains(l.Cause, "before it was edited") || !strings.Contains(l.Next, "voided") {
			t.Errorf("%s: %+v", e.State, l)
		}
		w.restart()
		w.replay() // it does not go by being tried
		settle(time.Hour)
		w.outcome(t, 1, 1, map[string]int{"bad": 1, "good": 0})
		w.mend("bad") // edited back to what was done
		w.outcome(t, 0, 1, map[string]int{"bad": 1, "good": 0}, `"done bad"`)
	})
}

// A call that is known to have happened is not made again, whatever the edited message says.
func TestAnEditDoesNotRepeatWhatIsDone(t *testing.T) {
	p := &partner{done: map[string]int{}}
	broken := true
	inBubble(t, func(h *Hub) error {
		e := p.effect()
		// The call is about the first letter of the word; what follows is not in it.
		e.Plan = func(_ context.Context, m *Message) (*Call, *Out, error) {
			var what string
			err := m.Decode(&what)
			return &Call{Ref: what[:1]}, nil, err
		}
		e.Then = func(_ context.Context, m *Message, _ *Call, outcome []byte) (*Out, error) {
			if broken {
				return nil, fault.E("x", fault.Rejected, errors.New("no such word"))
			}
			return m.Out().Publish("out", "acted", m.Key, string(m.Data)), nil
		}
		return h.AddEffect(Route{Name: "out.partner", Topics: []string{"in"}, Conn: "partner", Edit: editWhat}, e)
	}, func(t *testing.T, b *bare) {
		w := &acting{b, p}
		w.send("k", "bad")
		settle(time.Minute)
		broken = false
		w.mend("cad") // another call
		w.outcome(t, 1, 1, map[string]int{"b": 1, "c": 0})
		w.mend("bed") // the same
		w.outcome(t, 0, 1, map[string]int{"b": 1}, `"\"bed\""`)
	})
}

// The hub dies, and comes back, at each place of an edit: what is done is done once.
func TestAnEditOverRestarts(t *testing.T) {
	for name, stop := range map[string]func(w *acting){
		"as it waits": func(w *acting) {
			l := w.letters()[0]
			e, err := w.hub.Desk().ProposeEdit(w.t.Context(), l.ID, l.Opening, "good", "it was wrong", "ann")
			if err != nil {
				w.t.Fatal(err)
			}
			w.restart()
			if _, err := w.hub.Desk().ApproveEdit(w.t.Context(), l.ID, e.Message, "ben"); err != nil {
				w.t.Fatal(err)
			}
		},
		"as it was approved": func(w *acting) {
			if err := w.hub.Pause(w.t.Context(), "out.partner", "jo"); err != nil {
				w.t.Fatal(err)
			}
			w.mend("good")
			w.restart()
			if n := w.called(); n != 1 {
				w.t.Fatalf("called %d times while it was paused", n)
			}
			if err := w.hub.Resume(w.t.Context(), "out.partner", "jo"); err != nil {
				w.t.Fatal(err)
			}
		},
		"as its call is unknown": func(w *acting) {
			w.script = []doing{doesAndLoses}
			w.asks = []asking{cannotSay(fault.Unknown)}
			w.mend("good")
			w.restart()
			w.replay()
		},
	} {
		t.Run(name, func(t *testing.T) {
			actEdited(t, func(t *testing.T, w *acting) {
				w.script = []doing{says(fault.Rejected, 0)}
				w.send("k", "bad")
				settle(time.Minute)
				stop(w)
				settle(time.Hour)
				w.outcome(t, 0, 2, map[string]int{"bad": 0, "good": 1}, `"done good"`)
			})
		})
	}
}

// proposes edits the one letter of a rig by replacing words of its text.
func (r *rig) proposes(old, now string) (dlq.Entry, dlq.Edit, error) {
	r.t.Helper()
	l := r.letters()
	if len(l) != 1 {
		r.t.Fatalf("%d letters: %+v", len(l), l)
	}
	d, err := r.hub.Desk().Draft(r.t.Context(), l[0].ID, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	text := strings.Replace(d.Text, old, now, 1)
	if text == d.Text {
		r.t.Fatalf("%q is not in %s", old, d.Text)
	}
	e, err := r.hub.Desk().ProposeEdit(r.t.Context(), l[0].ID, l[0].Opening, text, "as the partner said by phone", "ann")
	return l[0], e, err
}

// A set that the partner's profile rejects is edited, and goes on as the order that was meant.
func TestARejectedSetIsEditedAndGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := amendRig(t, "order.allocate")
		r.drop("bad.edi", purchase("850", "2", strings.NewReplacer("PO1*1*10*", "PO1*1*TEN*", "PO-1", "PO-2").Replace(purchased)))
		settle(time.Minute)
		if _, _, err := r.proposes("PO1*1*TEN", "PO1*1*NINE"); !errors.Is(err, dlq.ErrProblems) || !strings.Contains(err.Error(), "PO1-02") {
			t.Fatalf("a text that is wrong: %v", err)
		}
		if _, _, err := r.proposes("ST*850*0001", "ST*850*0002"); !errors.Is(err, dlq.ErrProblems) || !strings.Contains(err.Error(), "ST-02") {
			t.Fatalf("another set: %v", err)
		}
		l, e, err := r.proposes("PO1*1*TEN*", "PO1*1*9*")
		if err != nil {
			t.Fatal(err)
		}
		d, err := r.hub.Desk().Draft(t.Context(), l.ID, nil)
		if want := (dlq.FieldChange{Field: "PO1-02 (segment 7)", Old: "TEN", New: "9"}); err != nil || len(d.Changes) != 1 || d.Changes[0] != want || len(d.Problems) != 0 {
			t.Fatalf("%+v %v", d.Edited, err)
		}
		if _, err := r.hub.Desk().ApproveEdit(t.Context(), l.ID, e.Message, "ben"); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		r.noLetters()
		if o := r.order("PO-2"); ordered(o) != "1:9 each, 2:3 case" {
			t.Errorf("the order is %q", ordered(o))
		}
	})
}

// A whole segment that was missing is put in; the count of segments follows by itself.
func TestASegmentThatIsMissingIsPutIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := amendRig(t, "order.allocate")
		r.drop("bad.edi", purchase("850", "2", strings.NewReplacer("PO-1", "PO-2", "PO1*1*10*EA***SK*SKU-1~\n", "").Replace(purchased)))
		settle(time.Minute)
		from, e, err := r.proposes("US~\n", "US~\nPO1*1*10*EA***SK*SKU-1~\n") // CTT says that there are two lines
		if err != nil {
			t.Fatal(err)
		}
		d, err := r.hub.Desk().Draft(t.Context(), from.ID, nil)
		if err != nil || len(d.Changes) != 2 || d.Changes[0].Old != "" || d.Changes[0].Field != "PO1 (segment 7)" || !strings.HasPrefix(d.Changes[1].Field, "SE-01") {
			t.Fatalf("%+v %v", d.Changes, err)
		}
		if _, err := r.hub.Desk().ApproveEdit(t.Context(), from.ID, e.Message, "ben"); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		r.noLetters()
	})
}

// The command that places an order is edited field by field: what makes it another order is not.
func TestAnOrderThatIsEdited(t *testing.T) {
	c := order.Place{Scope: site, Number: "SO-1", Lines: []order.PlaceLine{{No: 1, Item: "SKU-1", Qty: 2}}, ShipTo: party.Address{
		Name: "Jo Doe", Lines: []string{"1 Main St"}, City: "Reno", Region: "NV", PostalCode: "89501", Country: "US",
	}}
	rec, err := placing(cmdPlace, c)
	if err != nil {
		t.Fatal(err)
	}
	was, err := editPlace(t.Context(), &rec, nil)
	if err != nil || !strings.Contains(was.Text, "1 Main St") {
		t.Fatal(was, err)
	}
	for name, x := range map[string]struct{ old, now, problem, field string }{
		"an item":                 {`"SKU-1"`, `"SKU-2"`, "", "Lines[0].Item"},
		"a street":                {`"1 Main St"`, `"2 Main St"`, "", "ShipTo.lines[0]"},
		"its number":              {`"SO-1"`, `"SO-2"`, "is not changed here", "Number"},
		"a quantity of nothing":   {`"Qty": 2`, `"Qty": 0`, "", "Lines[0].Qty"},
		"a quantity of a word":    {`"Qty": 2`, `"Qty": "two"`, "is no int64", ""},
		"a field that there isnt": {`"Qty": 2`, `"Quantity": 2`, "unknown field", ""},
		"a text that breaks off":  {`"Qty": 2`, `"Qty": `, "", ""},
		"a second order":          {"\n}", "\n}{}", "something stands behind", ""},
		"nothing":                 {`"Qty": 2`, `"Qty":   2`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(was.Text, x.old, x.now, 1)
			if text == was.Text {
				t.Fatalf("%s is not in %s", x.old, was.Text)
			}
			got, err := editPlace(t.Context(), &rec, &text)
			if err != nil {
				t.Fatal(err)
			}
			wrong := x.problem != "" || name == "a quantity of nothing" || name == "a text that breaks off"
			if wrong != (len(got.Problems) > 0) || wrong && !strings.Contains(got.Problems[0].Message, x.problem) {
				t.Errorf("problems %+v, want %q", got.Problems, x.problem)
			}
			if x.field != "" && (len(got.Changes) != 1 || got.Changes[0].Field != x.field) || x.field == "" && len(got.Changes) != 0 {
				t.Errorf("changes %+v, want %q", got.Changes, x.field)
			}
		})
	}
	text := strings.Replace(was.Text, "1 Main St", "2 Main St", 1)
	got, err := editPlace(t.Context(), &rec, &text)
	if err != nil || strings.Contains(string(got.Record.Data), "Main St") || !strings.Contains(string(got.Record.Personal), "2 Main St") {
		t.Errorf("an address that left its sealed group: %s, %s, %v", got.Record.Data, got.Record.Personal, err)
	}
}

// What nobody may edit is refused as such.
func TestWhatIsNotEdited(t *testing.T) {
	act(t, nil, func(t *testing.T, w *acting) {
		w.script = []doing{says(fault.Rejected, 0)}
		w.send("k", "bad")
		settle(time.Minute)
		l := w.letters()[0]
		if _, err := w.hub.Desk().Draft(t.Context(), l.ID, nil); !errors.Is(err, dlq.ErrNoEdit) {
			t.Errorf("a route without an editor: %v", err)
		}
		if _, err := w.hub.Desk().ProposeEdit(t.Context(), l.ID, l.Opening, "good", "why", "ann"); !errors.Is(err, dlq.ErrNoEdit) {
			t.Errorf("proposed: %v", err)
		}
	})
	e := &edi{EDI: EDI{Partners: map[string]Partner{}}}
	for name, rec := range map[string]journal.Record{
		"no set":           {Type: "order.Place", Data: []byte(`{}`)},
		"no partner of us": {Type: "x12.Set", Data: []byte(`{"partner":"GONE","st01":"850"}`), Personal: []byte("ST*850*1~SE*2*1~")},
		"a broken one":     {Type: "x12.Set", Data: []byte(`{`)},
	} {
		if _, err := e.editSet(nil)(t.Context(), &rec, nil); !errors.Is(err, dlq.ErrNoEdit) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := editPlace(t.Context(), &journal.Record{Type: cmdCancel, Data: []byte(`{}`)}, nil); !errors.Is(err, dlq.ErrNoEdit) {
		t.Errorf("a cancellation: %v", err)
	}
}

// Texts of EDI keep the bytes of what is not changed, whatever stands between and within segments.
func TestATextOfEDIKeepsItsBytes(t *testing.T) {
	x := ediText{terminator: '~', element: '*', head: "ST", tail: "SE"}
	u := ediText{terminator: '\'', element: '+', release: '?', head: "UNH", tail: "UNT"}
	for _, c := range []struct {
		t   ediText
		raw string
	}{
		{x, "ST*850*1~BEG*00~SE*3*1~"}, {x, "ST*850*1~\nBEG*00~\nSE*3*1~\n"}, {x, "ST*850*1~\r\nBEG*00~\r\nSE*3*1~\r\n"}, {x, "ST*850*1~\nSE*2*1~"},
		{u, "UNH+1+ORDERS'FTX+AAI+++It?'s 5?+5?:10'UNT+3+1'"}, {u, "UNH+1+ORDERS'\nFTX+A??'\nUNT+3+1'\n"},
		{ediText{terminator: '\n', element: '*', tail: "SE"}, "ST*850*1\nBEG*00\nSE*3*1\n"},
	} {
		if got := c.t.write(c.raw, c.t.show(c.raw)); got != c.raw {
			t.Errorf("%q came back as %q", c.raw, got)
		}
		if got := c.t.changes(c.raw, c.raw); len(got) != 0 {
			t.Errorf("%q differs from itself: %+v", c.raw, got)
		}
	}
	raw := "UNH+1+ORDERS'FTX+AAI+++It?'s'UNT+3+1'"
	got := u.changes(raw, u.write(raw, "UNH+1+ORDERS'\nFTX+AAI+++It?'s 5?+5'\nUNT+3+1'\n"))
	if want := (dlq.FieldChange{Field: "FTX-04 (segment 2)", Old: "It?'s", New: "It?'s 5?+5"}); len(got) != 1 || got[0] != want {
		t.Errorf("%+v", got)
	}
	for _, text := range []string{"", "\n\n", "~", "ST", "SE*1~SE*1~", "~~~*~", strings.Repeat("SE~", 3)} {
		after := x.write("ST*850*1~SE*2*1~", text)
		x.changes("ST*850*1~SE*2*1~", after) // does not panic
	}
}
