package rest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/paklog/hub/adapters/internal/intake"
	"github.com/paklog/hub/dlq"
)

// Letters is a page of letters.
type Letters struct {
	Items []dlq.Entry `json:"items" nullable:"false"`
	Next  string      `json:"next,omitempty"`
}

type letterPath struct {
	ID string `path:"id" maxLength:"64"`
}

func (s *server) desk() {
	const tag = "letters"
	register(s, op[struct{}, Letters](s, http.MethodGet, "/v1/letters", "list-letters", tag, "What failed and waits for somebody"), s.listLetters)
	register(s, op[struct{}, dlq.Detail](s, http.MethodGet, "/v1/letters/{id}", "get-letter", tag, "A letter, its message and what that already did"), s.showLetter)
	register(s, op[struct{}, dlq.Detail](s, http.MethodPost, "/v1/letters/{id}/replay", "replay-letter", tag, "Let the message go again, once"),
		func(ctx context.Context, in *letterPath) (*reply, error) {
			return s.letterDo(ctx, in.ID, func(actor string) error { return s.deps.Desk.Replay(ctx, in.ID, actor) })
		})
	register(s, op[ReasonBody, dlq.Detail](s, http.MethodPost, "/v1/letters/{id}/drop", "drop-letter", tag, "Give the message up"),
		func(ctx context.Context, in *letterPath) (*reply, error) {
			b, err := decode[ReasonBody](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			if strings.TrimSpace(b.Reason) == "" {
				p := intake.New(http.StatusUnprocessableEntity, intake.CodeInvalid, "a letter is dropped for a reason: it is kept with it")
				p.Errors = []intake.Item{{Place: "reason", Message: "is empty"}}
				return nil, p
			}
			return s.letterDo(ctx, in.ID, func(actor string) error { return s.deps.Desk.Drop(ctx, in.ID, actor, b.Reason) })
		})
}

func (s *server) letterProblem(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, dlq.ErrNone):
		return notFound("letter")
	case errors.Is(err, dlq.ErrState):
		return intake.New(http.StatusConflict, intake.CodeRejected, err.Error())
	}
	return s.problem(ctx, err)
}

var errNoDesk = unavailable("letters are not served by this process")

func (s *server) listLetters(ctx context.Context, in *struct {
	State string `query:"state" enum:"open,replaying,resolved,dropped,all" doc:"open and replaying"`
	Route string `query:"route" maxLength:"128"`
	After string `query:"after" maxLength:"64" doc:"next of the page before"`
	Limit int    `query:"limit" minimum:"1" maximum:"500" doc:"100"`
}) (*answer, error) {
	if s.deps.Desk == nil {
		return nil, s.problem(ctx, errNoDesk)
	}
	limit := or(in.Limit, 100)
	list, err := s.deps.Desk.List(ctx, dlq.Filter{State: in.State, Route: in.Route, After: in.After, Limit: limit})
	if err != nil {
		return nil, s.letterProblem(ctx, err)
	}
	out := Letters{Items: list}
	if list == nil {
		out.Items = []dlq.Entry{}
	}
	if len(list) == limit {
		out.Next = list[limit-1].ID
	}
	return s.now(ctx, out)
}

func (s *server) showLetter(ctx context.Context, in *letterPath) (*answer, error) {
	if s.deps.Desk == nil {
		return nil, s.problem(ctx, errNoDesk)
	}
	d, err := s.deps.Desk.Show(ctx, in.ID)
	if err != nil {
		return nil, s.letterProblem(ctx, err)
	}
	return s.now(ctx, d)
}

// now answers with what was read from the journal itself.
func (s *server) now(ctx context.Context, v any) (*answer, error) {
	a, err := s.answer(ctx, v, 0)
	if err == nil {
		a.Position = s.position()
	}
	return a, err
}

func (s *server) letterDo(ctx context.Context, id string, act func(actor string) error) (*reply, error) {
	if s.deps.Desk == nil {
		return nil, s.problem(ctx, errNoDesk)
	}
	if err := act(callOf(ctx).client); err != nil {
		return nil, s.letterProblem(ctx, err)
	}
	d, err := s.deps.Desk.Show(ctx, id)
	if err != nil {
		return nil, s.letterProblem(ctx, err)
	}
	b, err := json.Marshal(d.Entry)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return &reply{Status: http.StatusOK, Type: "application/json", Position: s.position(), Body: append(b, '\n')}, nil
}
