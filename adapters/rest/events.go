package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/internal/eventschema"
	"github.com/paklog/hub/adapters/internal/intake"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/journal"
)

// Event is a message of a topic in the words of CloudEvents 1.0. What is personal is
// not in it.
type Event struct {
	SpecVersion string          `json:"specversion"`
	ID          journal.ID      `json:"id"`
	Source      string          `json:"source"`
	Type        string          `json:"type"`
	Subject     string          `json:"subject,omitempty"`
	Time        time.Time       `json:"time"`
	DataSchema  string          `json:"dataschema,omitempty"`
	TraceParent string          `json:"traceparent,omitempty"`
	Position    journal.Pos     `json:"position"`
	Topic       string          `json:"topic"`
	Key         string          `json:"key,omitempty"`
	Correlation string          `json:"correlation,omitempty"`
	Causation   journal.ID      `json:"causation"`
	Data        json.RawMessage `json:"data,omitempty"`
}

// Tail is a stretch of the topics.
type Tail struct {
	Items    []Event     `json:"items" nullable:"false"`
	Next     journal.Pos `json:"next" doc:"send it as after to go on"`
	Position journal.Pos `json:"position"`
}

func (s *server) events() {
	register(s, op[struct{}, Tail](s, http.MethodGet, "/v1/events", "tail-events", "events", "Events by position"), s.tail)
	s.schemas()
	register(s, op[struct{}, []Route](s, http.MethodGet, "/v1/routes", "list-routes", "routes", "How each route does"),
		func(ctx context.Context, _ *struct{}) (*answer, error) {
			if s.deps.Routes == nil {
				return nil, s.problem(ctx, unavailable("routes are not served by this process"))
			}
			list, err := s.deps.Routes(ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return s.now(ctx, list)
		})
}

func (s *server) tail(ctx context.Context, in *struct {
	After  uint64 `query:"after" doc:"position behind which to begin; 0 is the beginning"`
	Topics string `query:"topics" maxLength:"256" doc:"with commas between; all ten where it is left out"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" doc:"100"`
}) (*answer, error) {
	if s.deps.Log == nil {
		return nil, s.problem(ctx, unavailable("events are not served by this process"))
	}
	known := map[string]bool{}
	var topics []string
	for _, t := range event.Topics() {
		known[string(t)] = true
		topics = append(topics, string(t))
	}
	if in.Topics != "" {
		topics = strings.Split(in.Topics, ",")
	}
	for _, t := range topics {
		if !known[t] {
			p := intake.New(http.StatusUnprocessableEntity, intake.CodeInvalid, "there is no such topic")
			p.Errors = []intake.Item{{Place: "query.topics", Message: t + " is none of the ten topics"}}
			return nil, p
		}
	}
	recs, err := s.deps.Log.Topics(ctx, topics, journal.Pos(in.After), or(in.Limit, 100))
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	out := Tail{Items: make([]Event, len(recs)), Next: journal.Pos(in.After)}
	for i := range recs {
		out.Items[i] = cloudEvent(&recs[i])
		out.Next = recs[i].Pos
	}
	if s.deps.Last != nil {
		out.Position = s.deps.Last()
	}
	return s.answer(ctx, out, out.Position)
}

func cloudEvent(r *journal.Record) Event {
	e := Event{
		SpecVersion: "1.0", ID: r.ID, Source: "/paklog/" + r.Source, Type: r.Type, Subject: r.Stream, Time: r.Time,
		TraceParent: r.Trace, Position: r.Pos, Topic: r.Topic, Key: r.Key, Correlation: r.Correlation, Causation: r.Causation,
		DataSchema: eventschema.URN(r.Type, int(r.Schema)),
	}
	if json.Valid(r.Data) {
		e.Data = r.Data
	}
	return e
}
