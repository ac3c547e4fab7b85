package eip

import (
	"context"
	"slices"
	"strings"
)

// MaxHops bounds a message's way: one that passed so many routes goes in a circle.
const MaxHops = 50

// History is the Message History: whatever the handler sends carries the names of the routes
// that it and its causes passed. A message that went too far is rejected.
func History[M Message[O], O Out[O]](then Handler[M, O]) Handler[M, O] {
	return func(ctx context.Context, m M) (O, error) {
		in := m.In()
		in.Ran.Note(NameHistory)
		var none O
		trail := append(slices.Clip(list(in.Headers[Trail])), in.Route)
		if len(trail) > MaxHops {
			return none, in.rejected("the message passed %d routes: it goes in a circle, last %s", len(trail), strings.Join(trail[len(trail)-4:], ", "))
		}
		o, err := then(ctx, m)
		if err != nil || o == none {
			return o, err
		}
		for i := range o.Decision().Records {
			r := &o.Decision().Records[i]
			passed := in.Headers[Trail]
			if r.Headers[Trail] != "" {
				passed = r.Headers[Trail] // of a message that was held, and goes on by a timer
			}
			set(r, Trail, strings.TrimPrefix(passed+","+in.Route, ","))
		}
		return o, nil
	}
}
