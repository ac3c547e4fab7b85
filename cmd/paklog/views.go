package main

import (
	"context"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/adapters/views"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/routes/eip"
)

// openViews opens what queries are answered from. It is outside every commit; what is not
// in it yet, the projector folds from the journal.
func (a *app) openViews(ctx context.Context, reg *event.Registry) error {
	store, err := views.Open(ctx, a.cfg.Data, routes.ViewVersion())
	if err != nil {
		return err
	}
	a.close = append(a.close, store.Close)
	if !store.Rebuilding() { // else the old ones answer until the new ones take over
		a.since = a.bus.Last()
	}
	desk := a.hub.Desk()
	desk.Index, desk.ApproveAbove, desk.EditAlone = store, a.cfg.Desk.ApproveAbove, a.cfg.Desk.EditAlone
	desk.Prepare()
	a.views, a.projector = store, routes.NewProjector(a.bus.Log(), reg, store, a.log, a.hub.Turn)
	return nil
}

// seen is where the views stand. Those that stand still, for want of room, answer as far as they came.
func (a *app) seen() journal.Pos {
	at := a.projector.Position()
	if at > 0 && a.projector.Err() != nil {
		return a.since
	}
	return at
}

// standing is how each route does, for the API.
func (a *app) standing(context.Context) ([]rest.Route, error) {
	counts, err := a.handled()
	if err != nil {
		return nil, err
	}
	var out []rest.Route
	for _, r := range a.routeInfos() {
		n := counts[r.Name]
		x := rest.Route{
			Name: r.Name, About: r.About, Topics: r.Consumes, Writes: r.Writes, Patterns: r.Patterns,
			State: "running", Lag: r.Behind, Parked: r.Parked, Door: r.Door, Conn: r.Conn, Breaker: r.Breaker,
			Handled: n[routes.OutcomeHandled], Letters: n[routes.OutcomeLetter], Retries: n[routes.OutcomeRetry],
		}
		for outcome, k := range n {
			if outcome != routes.OutcomeHandled {
				x.Handled += k
			}
		}
		if r.Paused != "" {
			x.State = "paused: " + r.Paused
		}
		out = append(out, x)
	}
	return out, nil
}

// handled are the messages of each route by outcome, as they are counted for the metrics.
func (a *app) handled() (map[string]map[string]uint64, error) {
	families, err := a.metrics.Gather()
	if err != nil {
		return nil, err
	}
	out := map[string]map[string]uint64{}
	for _, f := range families {
		if f.GetName() != "paklog_route_handled_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			var route, outcome string
			for _, l := range m.GetLabel() {
				switch l.GetName() {
				case "route":
					route = l.GetValue()
				case "outcome":
					outcome = l.GetValue()
				}
			}
			if out[route] == nil {
				out[route] = map[string]uint64{}
			}
			out[route][outcome] += uint64(m.GetCounter().GetValue())
		}
	}
	return out, nil
}

// turn pauses a route, or lets it go on.
func (a *app) turn(ctx context.Context, route, actor string, pause bool) error {
	typ := eip.ResumeRoute
	if pause {
		typ = eip.PauseRoute
	}
	return a.hub.Control(ctx, typ, eip.Order{Route: route, Actor: actor})
}
