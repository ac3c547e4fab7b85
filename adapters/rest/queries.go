package rest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/internal/intake"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/view"
)

// List is a page of documents.
type List struct {
	Items    []view.Doc  `json:"items" nullable:"false"`
	Next     string      `json:"next,omitempty" doc:"cursor of the next page; absent at the end"`
	Position journal.Pos `json:"position" doc:"where in the journal the answer stands"`
	Behind   uint64      `json:"behind,omitempty" doc:"events of the journal that it does not show yet"`
}

// Journey is a stretch of a conversation.
type Journey struct {
	Hops     []view.Hop  `json:"hops" nullable:"false"`
	Next     journal.Pos `json:"next,omitempty"`
	Position journal.Pos `json:"position"`
}

type listInput struct {
	Owner    string `query:"owner" maxLength:"128"`
	Facility string `query:"facility" maxLength:"128"`
	Status   string `query:"status" maxLength:"64" doc:"one that such a thing may have; any other is a 422 that names them"`
	Begins   string `query:"begins" maxLength:"128" doc:"what the id (number, SKU, code) begins with"`
	Cursor   string `query:"cursor" maxLength:"1024" doc:"next of the page before"`
	Limit    int    `query:"limit" minimum:"1" maximum:"500" doc:"100"`
}

// answer is the answer to a query.
type answer struct {
	Type     string `header:"Content-Type"`
	Position string `header:"Paklog-Position"`
	ETag     string `header:"ETag"`
	Cache    string `header:"Cache-Control"`
	Body     []byte
}

func (s *server) queries() {
	register(s, op[struct{}, List](s, http.MethodGet, "/v1/search", "search", "queries", "Everything that is known under a business key"),
		func(ctx context.Context, in *struct {
			Term  string `query:"q" required:"true" maxLength:"256" doc:"order number, SKU, SSCC, tracking number, wave, task, letter, reference"`
			Limit int    `query:"limit" minimum:"1" maximum:"500" doc:"100"`
		}) (*answer, error) {
			if err := s.viewable(ctx); err != nil {
				return nil, err
			}
			p, err := s.deps.Views.Find(ctx, s.cfg.Scope.Tenant, in.Term, or(in.Limit, 100))
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return s.page(ctx, "search", p)
		})
	register(s, op[struct{}, Journey](s, http.MethodGet, "/v1/journeys/{correlation}", "get-journey", "queries", "Each hop of a conversation, from the first document on"),
		func(ctx context.Context, in *struct {
			Correlation string `path:"correlation" maxLength:"256"`
			After       uint64 `query:"after" doc:"next of the page before"`
			Limit       int    `query:"limit" minimum:"1" maximum:"1000" doc:"200"`
		}) (*answer, error) {
			if err := s.viewable(ctx); err != nil {
				return nil, err
			}
			j, err := s.deps.Views.Journey(ctx, in.Correlation, journal.Pos(in.After), or(in.Limit, 200))
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			if len(j.Hops) == 0 && in.After == 0 {
				return nil, notFound("journey")
			}
			return s.answer(ctx, Journey(j), j.Position)
		})
}

func or(v, d int) int {
	if v == 0 {
		return d
	}
	return v
}

// viewable says why no query can be answered, and lets the views catch up.
func (s *server) viewable(ctx context.Context) error {
	if s.deps.Views == nil {
		return s.problem(ctx, unavailable("queries are not served by this process"))
	}
	s.catchUp(ctx)
	return s.built()
}

// built refuses to answer from views that do not know yet what the hub knew when it started: "there is no
// such order" would be no answer.
func (s *server) built() error {
	if s.deps.Since == 0 || s.deps.Seen == nil || s.seen.Load() {
		return nil
	}
	at := s.deps.Seen()
	if at >= s.deps.Since {
		s.seen.Store(true) // views that are built anew later answer from the old ones
		return nil
	}
	p := intake.New(http.StatusServiceUnavailable, CodeViews,
		fmt.Sprintf("the views are being built from the journal and stand at %d of %d: orders and work are taken meanwhile, and queries are answered soon", at, s.deps.Since))
	p.RetryAfter = time.Second
	return &waitProblem{p}
}

// CodeViews says that queries cannot be answered yet.
const CodeViews = "views_building"

func unavailable(detail string) *intake.Problem {
	p := intake.New(http.StatusServiceUnavailable, intake.CodeUnavailable, detail)
	p.RetryAfter = 5e9
	return p
}

func (s *server) get(ctx context.Context, kind, key string) (*answer, error) {
	if err := s.viewable(ctx); err != nil {
		return nil, err
	}
	doc, at, err := s.deps.Views.Get(ctx, kind, key)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	if doc == nil {
		return nil, s.unseen(kind, at)
	}
	a, err := s.answer(ctx, doc, at)
	if err == nil {
		a.ETag = `"` + pos(doc.Position) + `"`
	}
	return a, err
}

// unseen is a 404, and says where the views may not have seen yet what is asked for.
func (s *server) unseen(kind string, at journal.Pos) *intake.Problem {
	p := notFound(kind)
	if s.deps.Last != nil {
		if last := s.deps.Last(); last > at {
			p.Detail += fmt.Sprintf(", as far as is seen: the views are %d events behind", last-at)
		}
	}
	return p
}

func (s *server) list(ctx context.Context, kind string, in *listInput) (*answer, error) {
	if p := noStatus(kind, in.Status); p != nil {
		return nil, p
	}
	if err := s.viewable(ctx); err != nil {
		return nil, err
	}
	after, ok := behind(kind, in.Cursor)
	if !ok {
		return nil, s.problem(ctx, intake.New(http.StatusUnprocessableEntity, intake.CodeInvalid, "cursor: send next of the page before, as it came"))
	}
	p, err := s.deps.Views.List(ctx, view.Query{
		Kind: kind, Tenant: s.cfg.Scope.Tenant, Owner: in.Owner, Facility: in.Facility, Status: in.Status, Begins: in.Begins,
		After: after, Limit: or(in.Limit, 100),
	})
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return s.page(ctx, kind, p)
}

// behind reads a cursor: it is of the list that gave it, or it is none. A garbled one would
// be a place all the same, and skip what lies before it.
func behind(kind, cursor string) (key string, ok bool) {
	if cursor == "" {
		return "", true
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	key, ok = strings.CutPrefix(string(b), kind+":")
	return key, ok && err == nil && key != ""
}

func cursor(kind, next string) string {
	if next == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(kind + ":" + next))
}

func (s *server) page(ctx context.Context, kind string, p view.Page) (*answer, error) {
	l := List{Items: p.Docs, Position: p.Position, Next: cursor(kind, p.Next)}
	if l.Items == nil {
		l.Items = []view.Doc{}
	}
	if s.deps.Last != nil {
		if last := s.deps.Last(); last > p.Position {
			l.Behind = uint64(last - p.Position)
		}
	}
	return s.answer(ctx, l, p.Position)
}

func (s *server) answer(ctx context.Context, v any, at journal.Pos) (*answer, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return &answer{Type: "application/json", Position: pos(at), Body: append(b, '\n')}, nil
}

func (s *server) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte("{\"status\":\"up\"}\n")) // nowhere left to tell
}

func (s *server) readyz(w http.ResponseWriter, r *http.Request) {
	if s.deps.Ready != nil {
		if err := s.deps.Ready(r.Context()); err != nil {
			unavailable(err.Error()).Write(w)
			return
		}
	}
	var building *waitProblem
	if errors.As(s.built(), &building) {
		building.Problem.Write(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte("{\"status\":\"ready\"}\n")) // nowhere left to tell
}
