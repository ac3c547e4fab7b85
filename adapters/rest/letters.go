package rest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/paklog/hub/adapters/internal/intake"
	"github.com/paklog/hub/dlq"
)

// Letters is a page of letters.
type Letters struct {
	Items []dlq.Entry `json:"items" nullable:"false"`
	Next  string      `json:"next,omitempty"`
	// Counts come with order=came.
	Counts []dlq.Count `json:"counts,omitempty" doc:"how many the whole list has, by state and route; with order=came"`
}

type letterPath struct {
	ID string `path:"id" maxLength:"64"`
}

// seenLetter is a letter that somebody acts on, as he saw it.
type seenLetter struct {
	ID   string `path:"id" maxLength:"64"`
	Seen string `header:"If-Match" maxLength:"64" doc:"required: the opening of the letter that was seen, in quotes, as its ETag has it; 428 without it, 412 when the letter was replayed meanwhile and failed again"`
}

// opening is that of the header, 0 for none.
func (l *seenLetter) opening() (int, error) {
	if l.Seen == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(strings.Trim(l.Seen, `"`))
	if err != nil || n < 1 {
		p := intake.New(http.StatusUnprocessableEntity, intake.CodeInvalid, "If-Match names an opening of the letter")
		p.Errors = []intake.Item{{Place: "header.If-Match", Message: "is no opening: a number from 1 in quotes, as the letter's ETag has it"}}
		return 0, p
	}
	return n, nil
}

func (s *server) desk() {
	const tag = "letters"
	register(s, op[struct{}, Letters](s, http.MethodGet, "/v1/letters", "list-letters", tag, "What failed and waits for somebody"), s.listLetters)
	register(s, op[struct{}, dlq.Detail](s, http.MethodGet, "/v1/letters/{id}", "get-letter", tag, "A letter, its message and what that already did"), s.showLetter)
	register(s, op[struct{}, dlq.Entry](s, http.MethodPost, "/v1/letters/{id}/replay", "replay-letter", tag, "Let the message go again, once for each opening of the letter"),
		func(ctx context.Context, in *seenLetter) (*reply, error) {
			return s.letterDo(ctx, in, func(opening int, actor string) error {
				return s.deps.Desk.Replay(ctx, in.ID, opening, actor)
			})
		})
	register(s, op[ReasonBody, dlq.Entry](s, http.MethodPost, "/v1/letters/{id}/drop", "drop-letter", tag, "Give the message up"),
		func(ctx context.Context, in *seenLetter) (*reply, error) {
			b, err := decode[ReasonBody](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			if strings.TrimSpace(b.Reason) == "" {
				p := intake.New(http.StatusUnprocessableEntity, intake.CodeInvalid, "a letter is dropped for a reason: it is kept with it")
				p.Errors = []intake.Item{{Place: "reason", Message: "is empty"}}
				return nil, p
			}
			return s.letterDo(ctx, in, func(opening int, actor string) error {
				return s.deps.Desk.Drop(ctx, in.ID, opening, actor, b.Reason)
			})
		})
}

func (s *server) letterProblem(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, dlq.ErrNone):
		return notFound("letter")
	case errors.Is(err, dlq.ErrState):
		return intake.New(http.StatusConflict, intake.CodeRejected, err.Error())
	case errors.Is(err, dlq.ErrCursor):
		p := intake.New(http.StatusUnprocessableEntity, intake.CodeInvalid, err.Error())
		p.Errors = []intake.Item{{Place: "query.after", Message: dlq.ErrCursor.Error()}}
		return p
	case errors.Is(err, dlq.ErrStale):
		return intake.New(http.StatusPreconditionFailed, intake.CodeStale, err.Error())
	case errors.Is(err, dlq.ErrUnseen):
		return intake.New(http.StatusPreconditionRequired, intake.CodeUnseen, err.Error()+`: send its ETag as If-Match`)
	}
	return s.problem(ctx, err)
}

var errNoDesk = unavailable("letters are not served by this process")

func (s *server) listLetters(ctx context.Context, in *struct {
	State string `query:"state" enum:"open,replaying,resolved,dropped,all" doc:"open and replaying"`
	Route string `query:"route" maxLength:"128"`
	Order string `query:"order" enum:"id,came" doc:"id, which pages fast through any number; came is in the order in which the messages came, with counts"`
	After string `query:"after" maxLength:"96" doc:"next of the page before"`
	Limit int    `query:"limit" minimum:"1" maximum:"500" doc:"100"`
}) (*answer, error) {
	if s.deps.Desk == nil {
		return nil, s.problem(ctx, errNoDesk)
	}
	limit := or(in.Limit, 100)
	if in.Order == "came" {
		list, counts, next, err := s.deps.Desk.Came(ctx, dlq.Filter{State: in.State, Route: in.Route, After: in.After, Limit: limit})
		if err != nil {
			return nil, s.letterProblem(ctx, err)
		}
		return s.now(ctx, Letters{Items: append([]dlq.Entry{}, list...), Next: next, Counts: counts})
	}
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
	if d.Message.Document+d.Message.Dump != "" {
		seen, err := s.sees(ctx, "letter/"+d.ID)
		if err != nil {
			return nil, err
		}
		if !seen {
			d.Message.Document, d.Message.Dump, d.Message.Sealed = "", "", true
		}
	}
	a, err := s.now(ctx, d)
	if err == nil {
		a.ETag = strconv.Quote(strconv.Itoa(d.Opening))
	}
	return a, err
}

// now answers with what was read from the journal itself.
func (s *server) now(ctx context.Context, v any) (*answer, error) {
	a, err := s.answer(ctx, v, 0)
	if err == nil {
		a.Position = s.position()
	}
	return a, err
}

func (s *server) letterDo(ctx context.Context, in *seenLetter, act func(opening int, actor string) error) (*reply, error) {
	if s.deps.Desk == nil {
		return nil, s.problem(ctx, errNoDesk)
	}
	opening, err := in.opening()
	if err != nil {
		return nil, err
	}
	if err := act(opening, callOf(ctx).client); err != nil {
		return nil, s.letterProblem(ctx, err)
	}
	d, err := s.deps.Desk.Show(ctx, in.ID)
	if err != nil {
		return nil, s.letterProblem(ctx, err)
	}
	b, err := json.Marshal(d.Entry)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return &reply{Status: http.StatusOK, Type: "application/json", Position: s.position(), Body: append(b, '\n')}, nil
}
