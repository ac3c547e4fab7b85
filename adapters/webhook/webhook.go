// Package webhook is the door of custom shops: signed events on POST /webhooks/{source}, in
// the form of Standard Webhooks (https://www.standardwebhooks.com), version v1.
//
// The answer leaves when the decision is durable. An event delivered again under its id gets
// the answer of the first; another body under that id is refused. What the events mean is
// said by transforms/custom.
package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/paklog/hub/adapters/internal/access"
	"github.com/paklog/hub/adapters/internal/intake"
	"github.com/paklog/hub/adapters/internal/strictjson"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/transforms/custom"
)

// Config of the door.
type Config struct {
	// Sources are the shops by the name in the path.
	Sources map[string]Source
	// Window is how far a timestamp may be from now, either way: 5 min.
	Window time.Duration
	// MaxBody is the most bytes of an event: 1 MiB.
	MaxBody int64
	// BodyTimeout is how long a body may take to arrive: 10 s.
	BodyTimeout time.Duration
}

// Source is one shop.
type Source struct {
	// Scope is what its events leave out. An event may not name another owner.
	Scope scope.Scope
	// Secrets sign its events ("whsec_" and base64). While one is replaced both are named.
	Secrets []string
}

// Deps are what the door speaks to.
type Deps struct {
	Door   door.Caller
	Now    func() time.Time
	Logger *slog.Logger
}

type source struct {
	name    string
	scope   scope.Scope
	secrets [][]byte
}

type receiver struct {
	deps    Deps
	window  time.Duration
	limits  intake.Limits
	sources map[string]*source
}

// New makes the door's handler, which serves POST /webhooks/{source}.
func New(cfg Config, deps Deps) (http.Handler, error) {
	if deps.Door == nil || deps.Now == nil {
		return nil, errors.New("webhook: Door and Now are needed")
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Window <= 0 {
		cfg.Window = 5 * time.Minute
	}
	r := &receiver{
		deps: deps, window: cfg.Window, sources: map[string]*source{},
		limits: intake.Limits{MaxBody: cfg.MaxBody, Timeout: cfg.BodyTimeout}.WithDefaults(),
	}
	for name, c := range cfg.Sources {
		s := &source{name: name, scope: c.Scope}
		if err := c.Scope.Validate(); err != nil {
			return nil, fmt.Errorf("webhook source %s: %w", name, err)
		}
		if len(c.Secrets) == 0 {
			return nil, fmt.Errorf("webhook source %s has no secret: anybody could place orders", name)
		}
		for i, text := range c.Secrets {
			secret, err := parseSecret(text)
			if err != nil {
				return nil, fmt.Errorf("webhook source %s: secret %d %w", name, i+1, err)
			}
			s.secrets = append(s.secrets, secret)
		}
		r.sources[name] = s
	}
	mux := chi.NewMux()
	mux.Post("/webhooks/{source}", r.receive)
	mux.NotFound(func(w http.ResponseWriter, _ *http.Request) {
		intake.New(http.StatusNotFound, intake.CodeNotFound, "no such source is configured: events go to /webhooks/SOURCE").Write(w)
	})
	mux.MethodNotAllowed(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", http.MethodPost)
		intake.New(http.StatusMethodNotAllowed, intake.CodeMethod, "events are sent with POST").Write(w)
	})
	return intake.Drained(mux, r.limits), nil
}

func (r *receiver) receive(w http.ResponseWriter, req *http.Request) {
	src := r.sources[chi.URLParam(req, "source")]
	if src == nil {
		intake.New(http.StatusNotFound, intake.CodeNotFound, "no such source is configured").Write(w)
		return
	}
	access.Note(req.Context(), "/webhooks/{source}", "")
	now := r.deps.Now()
	var id string
	body, err := intake.SignedJSON(w, req, r.limits, now, func(sent []byte) (err error) {
		id, err = src.verify(req.Header, sent, now, r.window)
		return err
	})
	if err != nil {
		r.refuse(w, src, id, err)
		return
	}
	access.Note(req.Context(), "", src.name)
	reply, err := r.take(req.Context(), src, id, body)
	if err != nil {
		r.refuse(w, src, id, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(reply) //nolint:gosec // it is JSON and says so; a sender that lost it comes again
}

// refuse answers with a problem. Everything refused is logged with its id, never with its
// body: a sender who gives up is found again.
func (r *receiver) refuse(w http.ResponseWriter, src *source, id string, err error) {
	p := intake.From(err)
	if p.Code == intake.CodeKeyReused { // what the door calls so is the event's id here
		p.Detail = fmt.Sprintf("webhook-id %q came before with another body: an event has an id of its own, and is delivered again as it was", id)
	}
	kind := fault.KindOf(err)
	if kind == fault.Internal && p.Code != intake.CodeInternal { // the door's own no, which has no kind
		kind = fault.Rejected
	}
	r.deps.Logger.Warn("webhook refused", "partner", src.name, "msg_id", id, "code", p.Code, "kind", kind.String(), "err", err)
	p.Write(w)
}

// take decides on a verified event, and returns the answer once that is durable.
func (r *receiver) take(ctx context.Context, src *source, id string, body []byte) ([]byte, error) {
	ask, err := src.ask(id, body)
	if err != nil {
		return nil, err
	}
	ask.Actor = "webhook/" + src.name
	ask.Key = &door.Key{Scope: ask.Actor, ID: id, Hash: sha256.Sum256(body)}
	got, err := r.deps.Door.Call(ctx, door.Orders, ask)
	if err != nil {
		return nil, err
	}
	a, ok := got.(door.Reply)
	if !ok {
		return nil, fault.E("webhook.take", fault.Internal, fmt.Errorf("door %s answered %T", door.Orders, got))
	}
	return a.Body, nil
}

// ask is what an event asks of the orders' door.
func (s *source) ask(id string, body []byte) (door.Ask, error) {
	var head struct {
		Type      string          `json:"type"`
		Timestamp time.Time       `json:"timestamp,omitzero"`
		Data      json.RawMessage `json:"data"`
	}
	if err := strictjson.Decode(body, &head); err != nil {
		return door.Ask{}, err
	}
	switch head.Type {
	case custom.OrderPlaced:
		// Read again as what it is, so that places and bytes are those of the body.
		var e custom.Placed
		if err := strictjson.Decode(body, &e); err != nil {
			return door.Ask{}, err
		}
		if err := s.owns(e.Data.Owner); err != nil {
			return door.Ask{}, err
		}
		cmd := e.Data.Place(s.scope, order.Source{Door: "webhook", Partner: s.name, DocType: head.Type, DocID: id})
		if err := cmd.Validate(); err != nil {
			return door.Ask{}, inData(err)
		}
		return door.Ask{Scope: cmd.Scope, ID: cmd.Number, Cmd: cmd}, nil
	case custom.OrderCancelled:
		var e custom.Cancelled
		if err := strictjson.Decode(body, &e); err != nil {
			return door.Ask{}, err
		}
		if err := s.owns(e.Data.Owner); err != nil {
			return door.Ask{}, err
		}
		sc, number, cmd := e.Data.Cancel(s.scope, "webhook/"+s.name)
		if err := scope.CheckPart(number); err != nil {
			return door.Ask{}, fault.At("webhook.ask", fault.Invalid, "data.number", err)
		}
		return door.Ask{Scope: sc, ID: number, Cmd: cmd}, nil
	}
	return door.Ask{}, fault.At("webhook.ask", fault.Invalid, "type",
		fmt.Errorf("%.64q is not an event that is taken here: there are %s", head.Type, strings.Join(slices.Sorted(slices.Values(custom.Types())), ", ")))
}

// inData names the places of an order in the body that it came in.
func inData(err error) error {
	var bad *order.InvalidError
	if !errors.As(err, &bad) {
		return err
	}
	out := &order.InvalidError{Problems: slices.Clone(bad.Problems), More: bad.More}
	for i := range out.Problems {
		out.Problems[i].Place = "data." + out.Problems[i].Place
	}
	return fault.At("webhook.ask", fault.Invalid, out.Problems[0].Place, out)
}

// owns refuses an event about somebody else's goods: the signature is one shop's.
func (s *source) owns(owner string) error {
	if owner == "" || owner == s.scope.Owner {
		return nil
	}
	return fault.At("webhook.ask", fault.Rejected, "data.owner", fmt.Errorf("source %s may not speak for another owner", s.name))
}
