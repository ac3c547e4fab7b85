package main

import (
	"context"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/adapters/views"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/routes"
)

// openViews opens what queries are answered from. It is outside every commit; what is not
// in it yet, the projector folds from the journal.
func (a *app) openViews(ctx context.Context, reg *event.Registry) error {
	store, err := views.Open(ctx, a.cfg.Data, routes.ViewVersion())
	if err != nil {
		return err
	}
	a.close = append(a.close, store.Close)
	a.views, a.projector = store, routes.NewProjector(a.bus.Log(), reg, store, a.log, a.hub.Turn)
	return nil
}

// standing is how each route does, for the API.
func (a *app) standing(context.Context) ([]rest.Route, error) {
	var out []rest.Route
	for _, r := range a.hub.Routes() {
		x := rest.Route{
			Name: r.Name, About: r.About, Topics: r.Consumes, Writes: r.Writes, Patterns: r.Patterns,
			State: "running", Lag: r.Behind, Parked: r.Parked,
		}
		if r.Paused != "" {
			x.State = "paused: " + r.Paused
		}
		out = append(out, x)
	}
	return out, nil
}
