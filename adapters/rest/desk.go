package rest

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/internal/intake"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/dlq"
)

// Found is a page of letters, newest first.
type Found struct {
	Items []view.DeskLetter `json:"items" nullable:"false"`
	Next  string            `json:"next,omitempty" doc:"cursor of the next page; absent at the end"`
	Total int               `json:"total" doc:"how many there are, exact to 10000"`
	More  bool              `json:"more,omitempty" doc:"there are more than total"`
}

// Groups are letters by their cause.
type Groups struct {
	Items []dlq.Group `json:"items" nullable:"false"`
}

// Operations are replays of many letters.
type Operations struct {
	Items []dlq.Operation `json:"items" nullable:"false"`
}

// SavedSearches are searches of letters by the names that people gave them.
type SavedSearches struct {
	Items []dlq.SavedSearch `json:"items" nullable:"false"`
}

// SearchBody saves a search.
type SearchBody struct {
	Name  string `json:"name" minLength:"1" maxLength:"64" doc:"a search that has it is replaced"`
	Query string `json:"query" maxLength:"2000" doc:"as in the URL of the search: partner=ACME&text=unknown+item; empty removes the search"`
}

// OperationLetters are the letters of an operation.
type OperationLetters struct {
	Items []dlq.OperationLetter `json:"items" nullable:"false"`
	Next  int                   `json:"next,omitempty" doc:"after of the next page; absent at the end"`
}

// GroupBody is what somebody does about a group: one of its fields.
type GroupBody struct {
	Note    string    `json:"note,omitempty" maxLength:"4000" doc:"what was found out; kept beside the others"`
	Runbook *string   `json:"runbook,omitempty" maxLength:"16000" doc:"what to do about this cause; replaces what stands there"`
	Assign  *string   `json:"assign,omitempty" maxLength:"128" doc:"who looks after it; empty for nobody"`
	Snooze  string    `json:"snooze,omitempty" maxLength:"40" doc:"not listed until this time (RFC 3339); off ends it"`
	Archive string    `json:"archive,omitempty" maxLength:"4000" doc:"put it away, for this reason; it comes back when it fails again"`
	Until   time.Time `json:"until,omitzero" doc:"with archive: it comes back then, if letters of it are open still"`
	Restore bool      `json:"restore,omitempty" doc:"take it out of the archive"`
}

// DeskSearch is a search of the desk, as a URL carries it.
type DeskSearch struct {
	State       string    `query:"state" enum:"open,replaying,resolved,dropped,all" doc:"open and replaying"`
	Channel     string    `query:"channel" enum:"dead,invalid" doc:"what could not be delivered, or could not be understood"`
	Kind        string    `query:"kind" maxLength:"32"`
	Route       string    `query:"route" maxLength:"128"`
	Type        string    `query:"type" maxLength:"128" doc:"of the message"`
	Partner     string    `query:"partner" maxLength:"128"`
	Fingerprint string    `query:"group" maxLength:"64" doc:"fingerprint of a group"`
	Key         string    `query:"key" maxLength:"256" doc:"any business key: order, PO, ASN, wave, LPN, SSCC, tracking number, customer, partner, message, correlation"`
	Text        string    `query:"text" maxLength:"256" doc:"words of the cause, all of which occur"`
	From        time.Time `query:"from" doc:"opened at or after"`
	To          time.Time `query:"to" doc:"opened before"`
}

func (d DeskSearch) query() view.DeskQuery {
	q := view.DeskQuery{
		Channel: d.Channel, Kind: d.Kind, Route: d.Route, Type: d.Type, Partner: d.Partner, Fingerprint: d.Fingerprint,
		Key: d.Key, Text: d.Text, From: d.From, To: d.To,
	}
	if d.State != "" {
		q.States = []string{d.State}
	}
	return q
}

// GroupPath names a group.
type GroupPath struct {
	Fingerprint string `path:"fingerprint" maxLength:"64"`
}

func (s *server) groups() {
	const tag = "letters"
	register(s, op[struct{}, Found](s, http.MethodGet, "/v1/letters/search", "search-letters", tag, "Letters by any business key, cause, partner or time, newest first"), s.searchLetters)
	register(s, op[struct{}, struct{}](s, http.MethodGet, "/v1/letters/export", "export-letters", tag, "The letters of a search as CSV, 10000 at most"), s.exportLetters)
	register(s, op[struct{}, SavedSearches](s, http.MethodGet, "/v1/letter-searches", "list-letter-searches", tag, "Searches of letters that are saved, by name"),
		func(ctx context.Context, _ *struct{}) (*answer, error) { return s.savedSearches(ctx) })
	register(s, op[SearchBody, SavedSearches](s, http.MethodPost, "/v1/letter-searches", "save-letter-search", tag, "Save a search of letters under a name, or remove it"),
		func(ctx context.Context, _ *struct{}) (*answer, error) {
			b, err := decode[SearchBody](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			if s.deps.Desk == nil {
				return nil, s.problem(ctx, errNoDesk)
			}
			if err := s.deps.Desk.SaveSearch(ctx, b.Name, b.Query, callOf(ctx).client); err != nil {
				return nil, s.deskProblem(ctx, err)
			}
			return s.savedSearches(ctx)
		})
	register(s, op[struct{}, Groups](s, http.MethodGet, "/v1/letter-groups", "list-letter-groups", tag, "What fails, by cause: those that failed last first"),
		func(ctx context.Context, in *struct {
			Status string `query:"status" enum:"open,snoozed,archived,done,all" doc:"open"`
		}) (*answer, error) {
			if err := s.searchable(ctx); err != nil {
				return nil, err
			}
			list, err := s.deps.Desk.Groups(ctx, in.Status)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return s.now(ctx, Groups{list})
		})
	register(s, op[struct{}, dlq.Group](s, http.MethodGet, "/v1/letter-groups/{fingerprint}", "get-letter-group", tag, "Letters of one cause, and what people said of it"),
		func(ctx context.Context, in *GroupPath) (*answer, error) {
			if err := s.searchable(ctx); err != nil {
				return nil, err
			}
			g, err := s.deps.Desk.Group(ctx, in.Fingerprint)
			if err != nil {
				return nil, s.deskProblem(ctx, err)
			}
			return s.now(ctx, g)
		})
	register(s, op[struct{}, dlq.Contrast](s, http.MethodGet, "/v1/letter-groups/{fingerprint}/contrast", "contrast-letter-group", tag, "Which field values its failures share and the successes do not, and what changed just before it began"),
		func(ctx context.Context, in *GroupPath) (*answer, error) {
			if err := s.searchable(ctx); err != nil {
				return nil, err
			}
			c, err := s.deps.Desk.Contrast(ctx, in.Fingerprint)
			if err != nil {
				return nil, s.deskProblem(ctx, err)
			}
			return s.now(ctx, c)
		})
	register(s, op[GroupBody, dlq.Group](s, http.MethodPost, "/v1/letter-groups/{fingerprint}", "tend-letter-group", tag, "Note, assign, snooze, archive or restore a group, or write its runbook"),
		func(ctx context.Context, in *GroupPath) (*answer, error) {
			b, err := decode[GroupBody](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			if err := s.searchable(ctx); err != nil {
				return nil, err
			}
			act, err := b.act()
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			g, err := s.deps.Desk.Tend(ctx, in.Fingerprint, callOf(ctx).client, act)
			if err != nil {
				return nil, s.deskProblem(ctx, err)
			}
			return s.now(ctx, g)
		})
}

func (s *server) savedSearches(ctx context.Context) (*answer, error) {
	if s.deps.Desk == nil {
		return nil, s.problem(ctx, errNoDesk)
	}
	list, err := s.deps.Desk.Searches(ctx)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return s.now(ctx, SavedSearches{list})
}

func invalidPlace(place, why string) *intake.Problem {
	p := intake.New(http.StatusUnprocessableEntity, intake.CodeInvalid, place+": "+why)
	p.Errors = []intake.Item{{Place: place, Message: why}}
	return p
}

func (b GroupBody) act() (dlq.GroupAct, error) {
	var a dlq.GroupAct
	n := 0
	if b.Note != "" {
		a.Note, n = b.Note, n+1
	}
	if len(b.Note) > dlq.LongestNote || b.Runbook != nil && len(*b.Runbook) > dlq.LongestBook {
		return a, invalidPlace("note", "is longer than is kept")
	}
	if b.Runbook != nil {
		a.Runbook, n = b.Runbook, n+1
	}
	if b.Assign != nil {
		a.Assign, n = b.Assign, n+1
	}
	if b.Snooze != "" {
		var until time.Time
		if b.Snooze != "off" {
			var err error
			if until, err = time.Parse(time.RFC3339, b.Snooze); err != nil {
				return a, invalidPlace("snooze", "is no time: RFC 3339, or off")
			}
		}
		a.Snooze, n = &until, n+1
	}
	if b.Archive != "" {
		a.Archive, n = &dlq.Archive{Reason: b.Archive}, n+1
		if !b.Until.IsZero() {
			until := b.Until.UTC()
			a.Archive.Until = &until
		}
	}
	if b.Restore {
		a.Restore, n = true, n+1
	}
	if n != 1 {
		return a, invalidPlace("", "one of note, runbook, assign, snooze, archive and restore is needed")
	}
	return a, nil
}

// searchable says why the desk finds nothing, and lets the views catch up.
func (s *server) searchable(ctx context.Context) error {
	if s.deps.Desk == nil || s.deps.Desk.Index == nil {
		return s.problem(ctx, errNoDesk)
	}
	s.catchUp(ctx)
	return nil
}

func (s *server) deskProblem(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, dlq.ErrNoGroup):
		return notFound("group of letters")
	case errors.Is(err, dlq.ErrNoOperation):
		return notFound("operation")
	case errors.Is(err, dlq.ErrNothing), errors.Is(err, dlq.ErrWish):
		return intake.New(http.StatusUnprocessableEntity, intake.CodeInvalid, err.Error())
	case errors.Is(err, dlq.ErrSecond):
		return intake.New(http.StatusForbidden, "second_person", err.Error())
	}
	return s.letterProblem(ctx, err)
}

func (s *server) searchLetters(ctx context.Context, in *struct {
	DeskSearch
	Cursor string `query:"cursor" maxLength:"24" doc:"next of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" doc:"50"`
}) (*answer, error) {
	if err := s.searchable(ctx); err != nil {
		return nil, err
	}
	q := in.query()
	q.Limit = or(in.Limit, 50)
	if in.Cursor != "" {
		var err error
		if q.Before, err = strconv.ParseUint(in.Cursor, 10, 32); err != nil || q.Before == 0 {
			return nil, invalidPlace("query.cursor", "send next of the page before, as it came")
		}
	}
	p, err := s.deps.Desk.Search(ctx, q)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	out := Found{Items: append([]view.DeskLetter{}, p.Items...), Total: p.Total, More: p.More}
	if p.Next != 0 {
		out.Next = strconv.FormatUint(p.Next, 10)
	}
	return s.answer(ctx, out, p.Position)
}

// fileAnswer is an answer that is kept as a file.
type fileAnswer struct {
	Type        string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

func (s *server) exportLetters(ctx context.Context, in *DeskSearch) (*fileAnswer, error) {
	if err := s.searchable(ctx); err != nil {
		return nil, err
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"letter", "state", "channel", "kind", "route", "type", "partner", "group", "opened", "failed", "key", "place", "cause", "keys"}) // a builder takes all
	q := in.query()
	q.Limit = 1000
	for rows := 0; rows < view.DeskCount; {
		p, err := s.deps.Desk.Search(ctx, q)
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		for _, l := range p.Items {
			rows++
			_ = w.Write([]string{
				l.ID, l.State, l.Channel, l.Kind, cell(l.Route), cell(l.Type), cell(l.Partner), l.Fingerprint, l.Opened.Format(time.RFC3339), l.Failed.Format(time.RFC3339),
				cell(l.Key), cell(l.Place), cell(l.Cause), cell(strings.Join(l.Keys, " ")),
			})
		}
		if q.Before = p.Next; p.Next == 0 {
			break
		}
	}
	w.Flush()
	return &fileAnswer{Type: "text/csv; charset=utf-8", Disposition: `attachment; filename="letters.csv"`, Body: []byte(b.String())}, nil
}

// cell keeps a spreadsheet from reading a text as a formula.
func cell(v string) string {
	if v != "" && strings.ContainsRune("=+-@\t\r", rune(v[0])) {
		return "'" + v
	}
	return v
}

// ReplayBody asks for the replay of many letters.
type ReplayBody struct {
	Letters []string      `json:"letters,omitempty" maxItems:"10000" doc:"by name, with the opening that was seen: Lk3u5x2y7abcd.2"`
	Search  *ReplaySearch `json:"search,omitempty" doc:"or all open letters that a search finds"`
	Reason  string        `json:"reason" maxLength:"1000" doc:"kept with the operation and in the audit"`
	Ramp    []int         `json:"ramp,omitempty" maxItems:"50" doc:"letters of the first steps; 1, 2, 5, 10, 25, 50, 100 where it is left out"`
	Rate    int           `json:"rate,omitempty" minimum:"0" doc:"letters a second at most"`
	StopAt  int           `json:"stop_at,omitempty" minimum:"1" maximum:"100" doc:"percent of failures that stop it; 20 where it is left out"`
}

// ReplaySearch chooses the letters of an operation. Empty, it is all that are open.
type ReplaySearch struct {
	Channel string    `json:"channel,omitempty" enum:"dead,invalid"`
	Kind    string    `json:"kind,omitempty"`
	Route   string    `json:"route,omitempty"`
	Type    string    `json:"type,omitempty"`
	Partner string    `json:"partner,omitempty"`
	Group   string    `json:"group,omitempty"`
	Key     string    `json:"key,omitempty"`
	Text    string    `json:"text,omitempty"`
	From    time.Time `json:"from,omitzero"`
	To      time.Time `json:"to,omitzero"`
}

// OperationPath names an operation.
type OperationPath struct {
	ID string `path:"id" maxLength:"32"`
}

func (s *server) replays() {
	const tag = "replays"
	register(s, op[struct{}, Operations](s, http.MethodGet, "/v1/replays", "list-replays", tag, "Replays of many letters, the newest first"),
		func(ctx context.Context, _ *struct{}) (*answer, error) {
			if s.deps.Desk == nil {
				return nil, s.problem(ctx, errNoDesk)
			}
			list, err := s.deps.Desk.Operations(ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return s.now(ctx, Operations{list})
		})
	register(s, op[ReplayBody, dlq.Operation](s, http.MethodPost, "/v1/replays", "plan-replay", tag, "Plan the replay of letters: a dry run, which starts by a command of its own", http.StatusCreated), s.planReplay)
	register(s, op[struct{}, dlq.Operation](s, http.MethodGet, "/v1/replays/{id}", "get-replay", tag, "A replay: its plan and how far it is"),
		func(ctx context.Context, in *OperationPath) (*answer, error) {
			if s.deps.Desk == nil {
				return nil, s.problem(ctx, errNoDesk)
			}
			o, err := s.deps.Desk.Operation(ctx, in.ID)
			if err != nil {
				return nil, s.deskProblem(ctx, err)
			}
			return s.now(ctx, o)
		})
	register(s, op[struct{}, OperationLetters](s, http.MethodGet, "/v1/replays/{id}/letters", "list-replay-letters", tag, "Its letters in the order in which they leave, with what each did outside and what waits behind it"),
		func(ctx context.Context, in *struct {
			OperationPath
			After int `query:"after" minimum:"0"`
			Limit int `query:"limit" minimum:"1" maximum:"500" doc:"100"`
		}) (*answer, error) {
			if s.deps.Desk == nil {
				return nil, s.problem(ctx, errNoDesk)
			}
			limit := or(in.Limit, 100)
			list, err := s.deps.Desk.Members(ctx, in.ID, in.After, limit)
			if err != nil {
				return nil, s.deskProblem(ctx, err)
			}
			out := OperationLetters{Items: list}
			if len(list) == limit {
				out.Next = in.After + limit
			}
			return s.now(ctx, out)
		})
	for verb, about := range map[string]string{
		dlq.VerbApprove: "Approve of a replay that somebody else planned", dlq.VerbStart: "Let a planned replay begin",
		dlq.VerbPause: "Send no further letters until it is resumed", dlq.VerbResume: "Go on with what was paused or stopped by itself",
		dlq.VerbCancel: "End it: what was sent was sent, the other letters are free",
	} {
		register(s, op[struct{}, dlq.Operation](s, http.MethodPost, "/v1/replays/{id}/"+verb, verb+"-replay", tag, about),
			func(ctx context.Context, in *OperationPath) (*answer, error) {
				if s.deps.Desk == nil {
					return nil, s.problem(ctx, errNoDesk)
				}
				o, err := s.deps.Desk.Command(ctx, in.ID, verb, callOf(ctx).client)
				if err != nil {
					return nil, s.deskProblem(ctx, err)
				}
				return s.now(ctx, o)
			})
	}
}

func (s *server) planReplay(ctx context.Context, _ *struct{}) (*reply, error) {
	b, err := decode[ReplayBody](ctx)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	if err := s.searchable(ctx); err != nil {
		return nil, err
	}
	w := dlq.Wish{Letters: b.Letters, Reason: b.Reason, Pace: dlq.Pace{Ramp: b.Ramp, Rate: b.Rate, StopAt: b.StopAt}}
	switch {
	case (b.Search == nil) == (len(b.Letters) == 0):
		return nil, s.problem(ctx, invalidPlace("letters", "name letters, or a search, not both"))
	case b.Search != nil:
		w.Query = &view.DeskQuery{
			Channel: b.Search.Channel, Kind: b.Search.Kind, Route: b.Search.Route, Type: b.Search.Type, Partner: b.Search.Partner,
			Fingerprint: b.Search.Group, Key: b.Search.Key, Text: b.Search.Text, From: b.Search.From, To: b.Search.To,
		}
	}
	o, err := s.deps.Desk.Operate(ctx, callOf(ctx).client, w)
	if err != nil {
		return nil, s.deskProblem(ctx, err)
	}
	body, err := json.Marshal(o)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return &reply{
		Status: http.StatusCreated, Type: "application/json", Position: s.position(), Location: "/v1/replays/" + o.ID, Body: append(body, '\n'),
	}, nil
}
