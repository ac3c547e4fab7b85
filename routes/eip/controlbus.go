package eip

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
)

// Types of control messages. The data of the first two is an [Order].
const (
	PauseRoute  = "route.Pause"
	ResumeRoute = "route.Resume"
	AskStatus   = "route.Status" // answered to its return address
	StatusTold  = "route.StatusTold"
)

// Order names a route and who wants it changed.
type Order struct {
	Route string `json:"route"`
	Actor string `json:"actor"`
}

// Switch pauses and resumes routes; *routes.Hub is one. Both may be repeated. An error without
// a fault kind says that the order itself is wrong.
type Switch interface {
	Pause(ctx context.Context, route, actor string) error
	Resume(ctx context.Context, route, actor string) error
}

// ControlBus is the Control Bus: routes are paused, resumed and asked how they stand by messages.
// status is what an answer holds, as JSON.
func ControlBus[M Message[O], O Out[O]](s Switch, status func() any) Handler[M, O] {
	return func(ctx context.Context, m M) (O, error) {
		in := m.In()
		in.Ran.Note(NameControlBus)
		var none O
		if in.Type == AskStatus {
			b, err := json.Marshal(status())
			if err != nil {
				return none, fault.E(in.Route, fault.Internal, err)
			}
			r, err := Answer(in, journal.Record{Type: StatusTold, Data: b})
			if err != nil {
				return none, err
			}
			return m.Out().Send(r), nil
		}
		var order Order
		if err := json.Unmarshal(in.Data, &order); err != nil {
			return none, in.invalid("reading %s: %w", in.Type, err)
		}
		var err error
		switch {
		case order.Route == in.Route:
			return none, in.rejected("%s may not pause itself: nobody could tell it to go on", order.Route)
		case in.Type == PauseRoute:
			err = s.Pause(ctx, order.Route, order.Actor)
		case in.Type == ResumeRoute:
			err = s.Resume(ctx, order.Route, order.Actor)
		default:
			return none, in.invalid("%s is no control message: %s, %s and %s are", in.Type, PauseRoute, ResumeRoute, AskStatus)
		}
		var classified *fault.Error
		if err != nil && !errors.As(err, &classified) {
			err = fault.E(in.Route, fault.Rejected, err) // no such route, or none that can be paused
		}
		return none, err
	}
}
