package rest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/paklog/hub/adapters/internal/intake"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/dlq"
)

// EditText is a text that is looked at before it is proposed.
type EditText struct {
	Text string `json:"text" maxLength:"65536"`
}

// EditBody proposes a text in the place of a letter's message.
type EditBody struct {
	Text   string `json:"text" maxLength:"65536"`
	Reason string `json:"reason" maxLength:"1000" doc:"kept with it and in the audit"`
}

// EditDecision is about the edit that was seen.
type EditDecision struct {
	Message string `json:"message" maxLength:"36" doc:"of the edit, as it was seen"`
	Reason  string `json:"reason,omitempty" maxLength:"1000"`
}

// Edits are those that wait for a second person.
type Edits struct {
	Items []dlq.Edit `json:"items" nullable:"false"`
}

func (s *server) edits() {
	const tag = "letters"
	register(s, op[struct{}, Edits](s, http.MethodGet, "/v1/letter-edits", "list-letter-edits", tag, "Edited messages that wait for a second person, the oldest first"),
		func(ctx context.Context, _ *struct{}) (*answer, error) {
			if s.deps.Desk == nil {
				return nil, s.problem(ctx, errNoDesk)
			}
			list, err := s.deps.Desk.Edits(ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return s.now(ctx, Edits{list})
		})
	register(s, op[struct{}, dlq.Draft](s, http.MethodGet, "/v1/letters/{id}/edit", "get-letter-edit", tag, "A letter's message as a text that may be edited, or the edit of it that waits"),
		func(ctx context.Context, in *letterPath) (*answer, error) { return s.draft(ctx, in.ID, nil) })
	register(s, op[EditText, dlq.Draft](s, http.MethodPost, "/v1/letters/{id}/edit/check", "check-letter-edit", tag, "What a text would change, and what is wrong with it by the schema or the partner's profile; nothing is kept"),
		func(ctx context.Context, in *letterPath) (*answer, error) {
			b, err := decode[EditText](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return s.draft(ctx, in.ID, &b.Text)
		})
	register(s, op[EditBody, dlq.Edit](s, http.MethodPost, "/v1/letters/{id}/edit", "propose-letter-edit", tag, "Propose a text in the place of a letter's message; it goes once somebody else approves of it", http.StatusCreated),
		func(ctx context.Context, in *seenLetter) (*reply, error) {
			b, err := decode[EditBody](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			opening, err := in.opening()
			if err != nil {
				return nil, err
			}
			return s.edited(ctx, http.StatusCreated, func() (dlq.Edit, error) {
				return s.deps.Desk.ProposeEdit(ctx, in.ID, opening, b.Text, b.Reason, callOf(ctx).client)
			})
		})
	decide := func(verb, about string, act func(ctx context.Context, id string, seen journal.ID, reason, actor string) (dlq.Edit, error)) {
		register(s, op[EditDecision, dlq.Edit](s, http.MethodPost, "/v1/letters/{id}/edit/"+verb, verb+"-letter-edit", tag, about),
			func(ctx context.Context, in *letterPath) (*reply, error) {
				b, err := decode[EditDecision](ctx)
				if err != nil {
					return nil, s.problem(ctx, err)
				}
				seen, err := journal.ParseID(b.Message)
				if err != nil {
					return nil, s.problem(ctx, invalidPlace("message", "is no id of a message: send that of the edit, as it was seen"))
				}
				return s.edited(ctx, http.StatusOK, func() (dlq.Edit, error) { return act(ctx, in.ID, seen, b.Reason, callOf(ctx).client) })
			})
	}
	decide("approve", "Let an edited message go in the place of the one that failed; its author cannot", func(ctx context.Context, id string, seen journal.ID, _, actor string) (dlq.Edit, error) {
		return s.deps.Desk.ApproveEdit(ctx, id, seen, actor)
	})
	decide("withdraw", "Take back an edit, or do not approve of it", func(ctx context.Context, id string, seen journal.ID, reason, actor string) (dlq.Edit, error) {
		return s.deps.Desk.WithdrawEdit(ctx, id, seen, actor, reason)
	})
}

func (s *server) draft(ctx context.Context, id string, text *string) (*answer, error) {
	if s.deps.Desk == nil {
		return nil, s.problem(ctx, errNoDesk)
	}
	d, err := s.deps.Desk.Draft(ctx, id, text)
	if err != nil {
		return nil, s.editProblem(ctx, err)
	}
	if _, err := s.sees(ctx, "letter/"+id); err != nil {
		return nil, err
	}
	return s.now(ctx, d)
}

func (s *server) edited(ctx context.Context, status int, act func() (dlq.Edit, error)) (*reply, error) {
	if s.deps.Desk == nil {
		return nil, s.problem(ctx, errNoDesk)
	}
	e, err := act()
	if err != nil {
		return nil, s.editProblem(ctx, err)
	}
	b, err := json.Marshal(e)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return &reply{Status: status, Type: "application/json", Position: s.position(), Body: append(b, '\n')}, nil
}

func (s *server) editProblem(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, dlq.ErrNoEdit), errors.Is(err, dlq.ErrProblems):
		return intake.New(http.StatusUnprocessableEntity, intake.CodeInvalid, err.Error())
	case errors.Is(err, dlq.ErrNoneWaits):
		return intake.New(http.StatusConflict, intake.CodeRejected, err.Error())
	case errors.Is(err, dlq.ErrSecond):
		return intake.New(http.StatusForbidden, "second_person", err.Error()+"; people are told apart by their API keys")
	}
	return s.deskProblem(ctx, err)
}
