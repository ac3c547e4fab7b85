package routes

import (
	"context"
	"errors"
	"fmt"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes/eip"
)

// In is the message as the patterns of [eip] read it.
func (m *Message) In() eip.In {
	return eip.In{Record: &m.Record, Memory: m, Route: m.route, Now: m.Now, Ran: m.ran}
}

// Recall reads a record that the route saw before and noted by its position.
func (m *Message) Recall(ctx context.Context, pos journal.Pos) (journal.Record, error) {
	s, err := m.hub.bus.Driver().Holding(ctx, pos)
	if err != nil {
		return journal.Record{}, fmt.Errorf("recalling position %d: %w", pos, err)
	}
	r, ok := s.At(pos)
	if !ok {
		return r, fault.E(m.route, fault.Internal, fmt.Errorf("recalling position %d: the unit there holds no record", pos))
	}
	return r, nil
}

// Partial makes a part of what m decides durable and leaves m open: a thousand children of a
// split. It stands when the handler runs again, so o must hold a state that says how far it came.
func (m *Message) Partial(ctx context.Context, o *Out) error {
	if m.d == nil {
		return fault.E(m.route, fault.Internal, errors.New("a door answers with one unit: it has no parts"))
	}
	return m.partial(ctx, o)
}

// Decision is the unit that o holds so far.
func (o *Out) Decision() *journal.Unit { return &o.Unit }
