package routes

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/dlq"
	"github.com/paklog/hub/routes/bus"
)

// EditFunc is [dlq.Editor] for the messages of one route.
type EditFunc func(ctx context.Context, rec *journal.Record, text *string) (dlq.Edited, error)

// edit implements [dlq.Editor] by the routes that run.
func (h *Hub) edit(ctx context.Context, route string, rec *journal.Record, text *string) (dlq.Edited, error) {
	h.mu.Lock()
	x := h.routes[route]
	h.mu.Unlock()
	if x == nil || x.Edit == nil {
		return dlq.Edited{}, fmt.Errorf("route %s: %w", route, dlq.ErrNoEdit)
	}
	return x.Edit(ctx, rec, text)
}

// instead looks whether somebody has edited a message that is replayed.
func (h *Hub) instead(ctx context.Context, x *hosted, d *bus.Delivery) error {
	d.Instead = nil
	if d.Letter == "" || x.Edit == nil {
		return nil
	}
	s, err := h.desk.Standing(ctx, d.Letter)
	if err != nil {
		return fault.E(x.Name, fault.Transient, err)
	}
	if s != nil {
		rec := s.Of(d.Record)
		d.Instead = &rec
	}
	return nil
}

// inherited treats what the message did outside before it was edited: what is unknown is asked for
// as it was begun; what is done is not done again, and where the edited message asks for something else a person
// decides. done says that nothing is left to do in this run.
func (h *Hub) inherited(ctx context.Context, x *hosted, d *bus.Delivery, m *Message, c *Call, key string, have journal.StoredEffect) (done bool, err error) {
	if have.State == journal.EffectNone || have.State == journal.EffectRefused || have.State == journal.EffectResolved {
		return false, nil // nothing stands
	}
	s, err := h.desk.Standing(ctx, d.Letter)
	if err != nil || s == nil {
		return false, fault.E(x.Name, fault.Transient, errors.Join(err, errors.New("reading what was edited")))
	}
	rec, same, err := s.Begun(ctx, d.Record, key, have.Attempt)
	if err != nil {
		return false, fault.E(x.Name, fault.Transient, err)
	}
	if same {
		return false, nil
	}
	before := h.anew(ctx, x, d, m)
	before.Record = rec
	old, _, err := guarded2(func() (*Call, *Out, error) { return x.effect.Plan(ctx, before) })
	if err != nil {
		return false, before.torn(ctx, err)
	}
	if old == nil {
		return false, fault.E(x.Name, fault.Internal, fmt.Errorf("effect %s is %s, and as it was begun nothing is planned", key, have.State))
	}
	if have.State == journal.EffectStarted || have.State == journal.EffectUnknown {
		return true, h.resolve(ctx, x, d, before, old, key, have)
	}
	if have.State == journal.EffectConfirmed && (old.Ref != c.Ref || !reflect.DeepEqual(old.Value, c.Value)) {
		return false, fault.Advise(fault.E(x.Name, fault.Rejected, fmt.Errorf("%s was done as the message stood before it was edited, and the edit asks for something else", old.Ref)),
			"have what was done voided with the partner and drop this letter, or edit it back to what was done and replay")
	}
	return false, nil
}
