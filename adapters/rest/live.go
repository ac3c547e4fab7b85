package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/dlq"
)

// Pulse is how the hub does at a moment.
type Pulse struct {
	At       time.Time       `json:"at"`
	Position journal.Pos     `json:"position" doc:"of the journal's end"`
	Routes   []Route         `json:"routes" nullable:"false"`
	Groups   []dlq.Group     `json:"groups" nullable:"false" doc:"what fails and waits for somebody"`
	Replays  []dlq.Operation `json:"replays" nullable:"false" doc:"those that are not over"`
}

// RoutePath names a route.
type RoutePath struct {
	Route string `path:"route" maxLength:"128"`
}

func (s *server) control() {
	const tag = "routes"
	act := func(verb string, pause bool, about string) {
		register(s, op[struct{}, []Route](s, http.MethodPost, "/v1/routes/{route}/"+verb, verb+"-route", tag, about),
			func(ctx context.Context, in *RoutePath) (*answer, error) {
				if s.deps.Switch == nil || s.deps.Routes == nil {
					return nil, s.problem(ctx, unavailable("routes are not served by this process"))
				}
				if err := s.deps.Switch(ctx, in.Route, callOf(ctx).client, pause); err != nil {
					return nil, s.problem(ctx, err)
				}
				list, err := s.deps.Routes(ctx)
				if err != nil {
					return nil, s.problem(ctx, err)
				}
				return s.now(ctx, list)
			})
	}
	act("pause", true, "Stop a route until it is resumed, over restarts too: its messages wait in order")
	act("resume", false, "Let a paused route go on where it stopped")
}

// Times of the stream.
const (
	pulseEvery = time.Second
	pulseAlive = 15 * time.Second // a line at least so often, or somebody between takes it for dead
	pulseMost  = 10 * time.Minute // then the page asks anew
)

func (s *server) live() {
	register(s, op[struct{}, Pulse](s, http.MethodGet, "/v1/pulse", "get-pulse", "routes", "How the hub does now: routes, what fails, replays"),
		func(ctx context.Context, _ *struct{}) (*answer, error) {
			p, err := s.pulse(ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return s.now(ctx, p)
		})
	o := op[struct{}, struct{}](s, http.MethodGet, "/v1/live", "stream-pulse", "routes", "The pulse whenever it changes, as server-sent events (text/event-stream)")
	o.Responses["200"].Content = map[string]*huma.MediaType{"text/event-stream": {}}
	register(s, o, func(ctx context.Context, _ *struct{}) (*huma.StreamResponse, error) {
		if _, err := s.pulse(ctx); err != nil {
			return nil, s.problem(ctx, err)
		}
		return &huma.StreamResponse{Body: s.stream}, nil
	})
}

func (s *server) pulse(ctx context.Context) (Pulse, error) {
	p := Pulse{At: s.deps.Now().UTC(), Routes: []Route{}, Groups: []dlq.Group{}, Replays: []dlq.Operation{}}
	if s.deps.Routes == nil {
		return p, unavailable("routes are not served by this process")
	}
	var err error
	if p.Routes, err = s.deps.Routes(ctx); err != nil {
		return p, err
	}
	if s.deps.Last != nil {
		p.Position = s.deps.Last()
	}
	if s.deps.Desk == nil || s.deps.Desk.Index == nil {
		return p, nil
	}
	if p.Groups, err = s.deps.Desk.Groups(ctx, ""); err != nil {
		return p, err
	}
	all, err := s.deps.Desk.Operations(ctx)
	if err != nil {
		return p, err
	}
	for _, o := range all {
		if !o.State.Ended() {
			p.Replays = append(p.Replays, o)
		}
	}
	return p, nil
}

// stream writes the pulse whenever it is another.
func (s *server) stream(hctx huma.Context) {
	hctx.SetHeader("Content-Type", "text/event-stream")
	hctx.SetHeader("Cache-Control", "no-store")
	hctx.SetHeader("X-Accel-Buffering", "no")
	_, w := humachi.Unwrap(hctx)
	out := http.NewResponseController(w)
	ctx, cancel := context.WithTimeout(hctx.Context(), pulseMost)
	defer cancel()
	tick := time.NewTicker(pulseEvery)
	defer tick.Stop()
	var told []byte
	var last time.Time
	for {
		p, err := s.pulse(ctx)
		if err != nil {
			return // the page asks anew, and is told why
		}
		at := p.At
		p.At = time.Time{}
		now, err := json.Marshal(p)
		if err != nil {
			return
		}
		switch {
		case !bytes.Equal(now, told):
			p.At, told = at, now
			b, err := json.Marshal(p)
			if err != nil {
				return
			}
			_, err = fmt.Fprintf(w, "event: pulse\ndata: %s\n\n", b)
			if err != nil {
				return
			}
			last = at
		case at.Sub(last) >= pulseAlive:
			if _, err := fmt.Fprint(w, ": alive\n\n"); err != nil {
				return
			}
			last = at
		}
		if out.Flush() != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-s.deps.Stopping:
			return
		case <-tick.C:
		}
	}
}
