package rest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/document"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/view"
)

// Trace is all that happened under a business key, as one time line.
type Trace struct {
	Key     string       `json:"key"`
	Things  []TraceThing `json:"things" nullable:"false" doc:"what is known by the key, as it stands now"`
	Steps   []TraceStep  `json:"steps" nullable:"false" doc:"oldest first"`
	Awaited []Awaited    `json:"awaited" nullable:"false" doc:"what has not come yet"`
	More    bool         `json:"more,omitempty" doc:"there is more than is shown"`
}

// TraceThing is a document of the views.
type TraceThing struct {
	Kind        string    `json:"kind"`
	Owner       string    `json:"owner,omitempty"`
	ID          string    `json:"id"`
	Status      string    `json:"status,omitempty"`
	Correlation string    `json:"correlation,omitempty"`
	Updated     time.Time `json:"updated"`
}

// TraceStep is a message on its way, or a letter about one.
type TraceStep struct {
	At       time.Time   `json:"at"`
	Position journal.Pos `json:"position,omitempty" doc:"its message: GET /v1/messages/{position}"`
	Kind     string      `json:"kind" enum:"message,event,letter"`
	Type     string      `json:"type"`
	Route    string      `json:"route,omitempty" doc:"that wrote it"`
	Topic    string      `json:"topic,omitempty"`
	Key      string      `json:"key,omitempty"`
	Stream   string      `json:"stream,omitempty"`
	ID       journal.ID  `json:"id,omitzero"`
	Cause    journal.ID  `json:"causation,omitzero"`
	Letter   string      `json:"letter,omitempty"`
	Text     string      `json:"text,omitempty"`
}

// Awaited is what has not come yet, and from whom.
type Awaited struct {
	What string `json:"what"`
	From string `json:"from,omitempty"`
	Link string `json:"link,omitempty" doc:"a letter, a document, an order"`
}

const (
	traceThings       = 200
	traceCorrelations = 12
	traceHops         = 1000
)

func (s *server) traces() {
	register(s, op[struct{}, Trace](s, http.MethodGet, "/v1/traces", "get-trace", "queries", "Every message, event, document and letter of a business key, from the door to the last acknowledgement, and what is awaited"),
		func(ctx context.Context, in *struct {
			Key string `query:"key" required:"true" minLength:"1" maxLength:"256" doc:"order, PO, ASN, wave, LPN, SSCC, tracking number, letter, message or correlation"`
		}) (*answer, error) {
			if err := s.viewable(ctx); err != nil {
				return nil, err
			}
			t, err := s.trace(ctx, in.Key)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			if len(t.Things)+len(t.Steps) == 0 {
				return nil, notFound("business key")
			}
			return s.now(ctx, t)
		})
}

func (s *server) trace(ctx context.Context, key string) (Trace, error) {
	t := Trace{Key: key, Things: []TraceThing{}, Steps: []TraceStep{}, Awaited: []Awaited{}}
	page, err := s.deps.Views.Find(ctx, s.cfg.Scope.Tenant, key, traceThings)
	if err != nil {
		return t, err
	}
	t.More = page.Next != ""
	var conversations []string
	know := func(c string) {
		if c == "" || slices.Contains(conversations, c) {
			return
		}
		if len(conversations) == traceCorrelations {
			t.More = true
			return
		}
		conversations = append(conversations, c)
	}
	for _, d := range page.Docs {
		know(d.Correlation)
		if d.Kind == view.Letter {
			continue // it is told with the others
		}
		t.Things = append(t.Things, TraceThing{d.Kind, d.Owner, d.ID, d.Status, d.Correlation, d.Updated})
		if a, ok := awaitedOf(&d); ok {
			t.Awaited = append(t.Awaited, a)
		}
	}
	letters, err := s.traceLetters(ctx, &t, key)
	if err != nil {
		return t, err
	}
	failed := map[journal.Pos]bool{}
	for _, l := range letters {
		know(l.Correlation)
		if l.own {
			failed[l.Position] = true
		}
	}
	if len(conversations) == 0 {
		conversations = []string{key}
	}
	about := map[string]bool{}
	for _, d := range page.Docs {
		about[d.Key] = true
		if _, rest, ok := strings.Cut(d.Key, "/"); ok && d.Kind == view.Order {
			about[rest] = true // the ordering key of what is asked of it
		}
	}
	seen := map[journal.Pos]bool{}
	for _, c := range conversations {
		j, err := s.deps.Views.Journey(ctx, c, 0, traceHops)
		if err != nil {
			return t, err
		}
		t.More = t.More || j.Next != 0
		for _, h := range j.Hops {
			if seen[h.Position] {
				continue
			}
			seen[h.Position] = true
			kind := "message"
			if h.Stream != "" {
				kind = "event"
			}
			t.Steps = append(t.Steps, TraceStep{
				At: h.Time, Position: h.Position, Kind: kind, Type: h.Type, Route: h.Route, Topic: h.Topic, Key: h.Key, Stream: h.Stream, ID: h.ID, Cause: h.Causation,
			})
		}
	}
	t.Steps = concerned(t.Steps, about, failed)
	shown := map[journal.Pos]bool{}
	for _, st := range t.Steps {
		shown[st.Position] = true
	}
	for _, l := range letters {
		if !l.own && !about[l.Key] && !shown[l.Position] {
			continue // of another in the same conversation
		}
		t.Steps = append(t.Steps, TraceStep{
			At: l.Failed, Position: l.Position, Kind: "letter", Type: l.State, Route: l.Route, Key: l.Key, Letter: l.ID, Text: l.Cause,
		})
		if l.State == "open" || l.State == "replaying" {
			t.Awaited = append(t.Awaited, Awaited{What: "somebody who mends what failed on " + l.Route + ": " + l.Cause, From: "the desk", Link: l.ID})
		}
	}
	slices.SortStableFunc(t.Steps, func(a, b TraceStep) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Position, b.Position))
	})
	return t, nil
}

// concerned are the steps that a key has to do with: those of its own, all that they came from, and
// all that came of them. In a conversation of many (an interchange of a hundred orders) the others
// are left out. Where nothing is its own, the conversation is what was asked for.
func concerned(steps []TraceStep, about map[string]bool, failed map[journal.Pos]bool) []TraceStep {
	from, of := map[journal.ID]*TraceStep{}, map[journal.ID][]*TraceStep{}
	mine := map[*TraceStep]bool{}
	// What follows from one order follows from a wave of many: the others' part is theirs.
	others := map[string]bool{}
	for _, st := range steps {
		if k, ok := strings.CutPrefix(st.Stream, view.Order+"/"); ok && !about[st.Stream] {
			others[k] = true
		}
	}
	var up, down []*TraceStep
	for i := range steps {
		st := &steps[i]
		from[st.ID] = st
		of[st.Cause] = append(of[st.Cause], st)
		if about[st.Stream] && st.Stream != "" || about[st.Key] && st.Key != "" || failed[st.Position] {
			mine[st] = true
			up, down = append(up, st), append(down, st)
		}
	}
	if len(mine) == 0 {
		return steps
	}
	for len(up) > 0 {
		st := up[len(up)-1]
		up = up[:len(up)-1]
		if c := from[st.Cause]; c != nil && !mine[c] {
			mine[c] = true
			up = append(up, c)
		}
	}
	for len(down) > 0 {
		st := down[len(down)-1]
		down = down[:len(down)-1]
		for _, x := range of[st.ID] {
			if !mine[x] && !others[x.Key] {
				mine[x] = true
				down = append(down, x)
			}
		}
	}
	out := make([]TraceStep, 0, len(mine))
	for i := range steps {
		if mine[&steps[i]] {
			out = append(out, steps[i])
		}
	}
	return out
}

// tracedLetter is a letter of a key, or of its conversation.
type tracedLetter struct {
	view.DeskLetter
	own bool // it has the key itself
}

// traceLetters finds the letters of a key and of its conversations.
func (s *server) traceLetters(ctx context.Context, t *Trace, key string) ([]tracedLetter, error) {
	if s.deps.Desk == nil || s.deps.Desk.Index == nil {
		return nil, nil
	}
	told := map[string]bool{}
	keys := []string{key}
	for _, th := range t.Things {
		if th.Correlation != "" && !slices.Contains(keys, th.Correlation) && len(keys) <= traceCorrelations {
			keys = append(keys, th.Correlation)
		}
	}
	var out []tracedLetter
	for i, k := range keys {
		p, err := s.deps.Desk.Search(ctx, view.DeskQuery{Key: k, States: []string{"all"}, Limit: traceThings})
		if err != nil {
			return nil, err
		}
		for _, l := range p.Items {
			if !told[l.ID] {
				told[l.ID] = true
				out = append(out, tracedLetter{l, i == 0})
			}
		}
	}
	return out, nil
}

// awaitedOf is what a thing waits for.
func awaitedOf(d *view.Doc) (Awaited, bool) {
	switch d.Kind {
	case view.Document:
		switch d.Status {
		case document.StatusSent:
			return Awaited{What: "the acknowledgement of document " + d.ID, From: d.Owner, Link: d.ID}, true
		case document.StatusQueued, document.StatusWritten:
			return Awaited{What: "that document " + d.ID + " leaves", Link: d.ID}, true
		}
	case view.Order:
		var o order.Order
		if json.Unmarshal(d.State, &o) != nil {
			return Awaited{}, false
		}
		var open, held, back int64
		for i := range o.Lines {
			l := &o.Lines[i]
			open += l.Qty - l.Shipped - l.Short - l.Cancelled
			back += l.Backordered
			if l.Problem != (order.Problem{}) {
				held++
			}
		}
		switch {
		case len(o.Holds) > 0:
			return Awaited{What: fmt.Sprintf("the release of order %s, which is on hold: %v", d.ID, o.Holds), From: "a person", Link: d.ID}, true
		case held > 0:
			return Awaited{What: fmt.Sprintf("master data for %d lines of order %s", held, d.ID), From: "the desk", Link: d.ID}, true
		case back > 0:
			return Awaited{What: fmt.Sprintf("stock for %d pieces of order %s", back, d.ID), From: "receiving", Link: d.ID}, true
		case open > 0 && !o.Refused:
			return Awaited{What: fmt.Sprintf("that order %s is shipped: it is %s", d.ID, d.Status), From: "the floor", Link: d.ID}, true
		}
	case view.Label, view.Postage:
		if d.Status == "asked" || d.Status == "requested" || d.Status == "unknown" {
			return Awaited{What: "the answer of the carrier about label " + d.ID, From: "the carrier", Link: d.ID}, true
		}
	}
	return Awaited{}, false
}
