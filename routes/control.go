package routes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/routes/bus"
	"github.com/paklog/hub/routes/eip"
)

// control is the door of the control bus.
const control = "control"

// order of the control bus, as its door is called with.
type controlOrder struct {
	typ string
	eip.Order
}

func (h *Hub) addControl() error {
	obey := eip.ControlBus[*Message, *Out](h, func() any { return h.Routes() })
	return h.Add(Route{
		Name: control, About: "pauses and resumes routes; keeps the router up while they come and go", Writes: []string{onAudit},
		Patterns: []string{eip.NameControlBus, eip.NameRequestReply},
		Handle: func(ctx context.Context, m *Message) (*Out, error) {
			c, ok := m.Value.(controlOrder)
			if !ok {
				return nil, fault.E(control, fault.Internal, fmt.Errorf("called with %T", m.Value))
			}
			m.Type = c.typ
			m.Data, _ = json.Marshal(c.Order) // plain strings
			return obey(ctx, m)
		},
	})
}

// Control sends an order to the control bus: [eip.PauseRoute] or [eip.ResumeRoute]. Unlike other
// doors it is open while the store is full: an operator wants to stop what fills it.
func (h *Hub) Control(ctx context.Context, typ string, o eip.Order) error {
	h.mu.Lock()
	x := h.routes[control]
	h.mu.Unlock()
	_, err := x.door.Call(ctx, controlOrder{typ, o})
	if errors.Is(err, bus.ErrClosed) {
		return fault.E("routes.Control", fault.Unavailable, fmt.Errorf("the hub stops: %w", err))
	}
	return err
}
