package routes

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/routes/bus"
)

// Stepped drives the routes of a hub by hand, one step at a time and each the caller's
// choice: with a clock and ids of his own, the same choices make the same log. It is how the
// simulation runs a warehouse. The hub is made on a stepped bus and is never run.
type Stepped struct {
	hub   *Hub
	hands []hand // in the order of their names
}

type hand struct {
	*bus.Hand
	x *hosted
}

// Step subscribes every route that was added. The hub belongs to the caller's goroutine.
func (h *Hub) Step(ctx context.Context) (*Stepped, error) {
	s := &Stepped{hub: h}
	for _, name := range slices.Sorted(maps.Keys(h.routes)) {
		x := h.routes[name]
		if x.door != nil {
			continue
		}
		b, err := h.bus.Subscribe(ctx, x.subscription())
		if err != nil {
			return nil, fmt.Errorf("starting route %s: %w", name, err)
		}
		s.hands = append(s.hands, hand{b, x})
	}
	return s, nil
}

// Routes are the names of those that consume; others are called by their place in it.
func (s *Stepped) Routes() []string {
	names := make([]string, len(s.hands))
	for i, h := range s.hands {
		names[i] = h.x.Name
	}
	return names
}

// Deliver puts what was written since into the lanes of its routes. It reports whether there was
// anything.
func (s *Stepped) Deliver(ctx context.Context) (bool, error) {
	did := false
	if !s.hub.bus.Stirred() {
		return false, nil
	}
	for _, h := range s.hands {
		for h.Behind() {
			did = true
			if err := h.Hand.Deliver(ctx); err != nil {
				return did, err
			}
		}
	}
	return did, nil
}

// Waiting is how many messages of the i-th route wait for their handler, each of another key.
func (s *Stepped) Waiting(i int) int { return s.hands[i].Waiting() }

// Handle runs the i-th route on the n-th message that waits for it.
func (s *Stepped) Handle(ctx context.Context, i, n int) {
	h := s.hands[i]
	s.hub.handOver(ctx, h.x, h.Take(n))
}

// HandleTwice gives the message to a second handler once the first one's unit is written, as
// when another process took over meanwhile: the disk refuses what the second decides.
func (s *Stepped) HandleTwice(ctx context.Context, i, n int) error {
	h := s.hands[i]
	d := h.Take(n)
	second := h.Double(d)
	s.hub.handOver(ctx, h.x, d)
	if err := s.hub.bus.Flush(ctx); err != nil || second == nil {
		return err
	}
	s.hub.handOver(ctx, h.x, second)
	return s.hub.bus.Flush(ctx)
}

// Call asks a door and writes what waits until its answer may leave.
func (s *Stepped) Call(ctx context.Context, door string, value any) (any, error) {
	x := s.hub.routes[door]
	if x == nil || x.door == nil {
		return nil, fault.E("routes.Call", fault.Unavailable, fmt.Errorf("door %q is not open", door))
	}
	r := s.hub.bus.NewRequest(value)
	s.hub.answer(ctx, x, r, &reruns{})
	return r.Wait()
}
