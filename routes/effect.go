package routes

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes/bus"
)

// Call is one call that changes a partner's world.
type Call struct {
	Ref   string // natural key that the partner can be asked for later
	Value any    // what Do and Resolve need; planned from the message alone, so that a re-run plans the same
}

// Effect is how a route changes a partner's world, once. The executor writes Started
// durably before Do is called; whatever dies afterwards, the next run asks Resolve
// before anything is done again.
type Effect struct {
	Step string // part of the ledger's key and so of the stored format
	// Plan decides the call, or returns an Out where none is needed.
	Plan func(ctx context.Context, m *Message) (*Call, *Out, error)
	// Do makes the call. Its fault kinds are promises: Transient, Throttled, Unavailable,
	// Rejected and Invalid mean that it surely did not happen.
	Do func(ctx context.Context, c *Call) (outcome []byte, err error)
	// Resolve asks the partner whether a call happened.
	Resolve func(ctx context.Context, c *Call) (outcome []byte, found bool, err error)
	// Then decides what follows the outcome.
	Then func(ctx context.Context, m *Message, c *Call, outcome []byte) (*Out, error)
	// Refused decides what follows the partner's no; nil opens a letter.
	Refused func(ctx context.Context, m *Message, c *Call, why error) (*Out, error)
	// Timeout is the call's deadline: 30 s. ResolveAfter is how long past the deadline a
	// "not found" is believed when it was asked twice: 2 min.
	Timeout, ResolveAfter time.Duration
	// Certain says that Resolve sees the truth itself (our own folder), so that one "not
	// found" is enough, at once.
	Certain bool
}

type effectRoute struct{ Effect }

// AddEffect hosts an effect as a route of its own. Only the effect executor calls Do.
func (h *Hub) AddEffect(r Route, e Effect) error {
	if e.Timeout == 0 {
		e.Timeout = 30 * time.Second
	}
	if e.ResolveAfter == 0 {
		e.ResolveAfter = 2 * time.Minute
	}
	r.effect = &effectRoute{e}
	r.Start = bus.Now
	return h.Add(r)
}

// runEffect takes one message through the ledger.
func (h *Hub) runEffect(ctx context.Context, x *hosted, d *bus.Delivery) {
	for {
		m := h.message(ctx, x, d)
		err := h.effectOnce(ctx, x, d, m)
		switch {
		case err == nil:
			x.succeeded()
			return
		case errors.Is(err, bus.ErrAgain):
			note(ctx, outcomeAgain, nil)
			return
		case errors.Is(err, errRerun):
			continue
		}
		h.failed(ctx, x, d, m, err)
		return
	}
}

func (h *Hub) effectOnce(ctx context.Context, x *hosted, d *bus.Delivery, m *Message) error {
	e := x.effect
	if m.Stream != "" && m.Event == nil {
		var err error
		if m.Event, err = decodeEvent(h.reg, &m.Record); err != nil {
			return err
		}
	}
	key := journal.EffectKey(x.Name, m.ID, e.Step)
	row, err := h.bus.Row(ctx, journal.TableEffect, key)
	if err != nil {
		return err
	}
	var have journal.StoredEffect
	if row != nil {
		if have, err = journal.DecodeEffect(row); err != nil {
			return err
		}
	}
	c, out, err := guarded2(func() (*Call, *Out, error) { return e.Plan(ctx, m) })
	if err != nil {
		return err
	}
	if c == nil && have.State == journal.EffectNone {
		return h.commit(ctx, x, d, m, out)
	}
	if c == nil {
		return fault.E(x.Name, fault.Internal, fmt.Errorf("effect %s is %s, and now nothing is planned", key, have.State))
	}

	switch have.State {
	case journal.EffectConfirmed, journal.EffectVoided:
		return h.concluded(ctx, x, d, m, c, key, have, have.State, have.Outcome)
	case journal.EffectStarted, journal.EffectUnknown:
		return h.resolve(ctx, x, d, m, c, key, have)
	}
	return h.do(ctx, x, d, m, c, key, have)
}

// do starts the effect durably and makes the call.
func (h *Hub) do(ctx context.Context, x *hosted, d *bus.Delivery, m *Message, c *Call, key string, have journal.StoredEffect) error {
	e := x.effect
	now := h.Now()
	started := journal.Effect{
		Conn: x.Conn, Ref: c.Ref, Attempt: have.Attempt + 1, Started: now, Deadline: now.Add(e.Timeout),
	}
	h.bus.At(bus.StepIntended)
	if err := h.move(ctx, x, d, m, key, have.State, journal.EffectStarted, started); err != nil {
		return err
	}
	h.bus.At(bus.StepStarted)
	// A stop drains: a call that buys is not cut off.
	call, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.Timeout)
	outcome, err := Guard(h, x.Conn, func() ([]byte, error) {
		return guarded(func() ([]byte, error) { return e.Do(call, c) })
	})
	cancel()
	h.bus.At(bus.StepCalled)
	have = journal.StoredEffect{State: journal.EffectStarted, Effect: started}
	if err == nil {
		return h.concluded(ctx, x, d, m, c, key, have, journal.EffectConfirmed, outcome)
	}
	switch fault.KindOf(err) {
	case fault.Transient, fault.Throttled, fault.Unavailable:
		if merr := h.move(ctx, x, d, m, key, have.State, journal.EffectResolved, started); merr != nil {
			return merr
		}
		return err
	case fault.Invalid:
		if merr := h.move(ctx, x, d, m, key, have.State, journal.EffectRefused, started); merr != nil {
			return merr
		}
		return err
	case fault.Rejected:
		if e.Refused == nil {
			if merr := h.move(ctx, x, d, m, key, have.State, journal.EffectRefused, started); merr != nil {
				return merr
			}
			return err
		}
		why := err
		out, err := guarded(func() (*Out, error) { return e.Refused(ctx, m, c, why) })
		if err != nil {
			return err
		}
		out.Effects = append(out.Effects, journal.EffectOp{Key: key, From: have.State, To: journal.EffectRefused, Effect: started})
		return h.commit(ctx, x, d, m, out)
	default:
		// Unknown, and whatever else leaves it open whether the partner acted.
		h.log.Warn("effect without an answer: it is resolved before anything is done again",
			"route", x.Name, "adapter", x.Conn, "msg_id", m.ID.String(), "err", err)
		h.bus.At(bus.StepLost)
		return h.waitResolve(ctx, x, d, m, key, have, 0, err)
	}
}

// resolve asks the partner about a call whose outcome is not known.
func (h *Hub) resolve(ctx context.Context, x *hosted, d *bus.Delivery, m *Message, c *Call, key string, have journal.StoredEffect) error {
	e := x.effect
	type found struct {
		outcome []byte
		ok      bool
	}
	h.bus.At(bus.StepAsking)
	call, cancel := context.WithTimeout(ctx, e.Timeout)
	f, err := Guard(h, x.Conn, func() (found, error) {
		return guarded(func() (found, error) {
			o, ok, err := e.Resolve(call, c)
			return found{o, ok}, err
		})
	})
	cancel()
	h.bus.At(bus.StepAsked)
	switch {
	case err != nil && fault.KindOf(err) == fault.Unknown:
		// A person must ask: letter.
		return fault.Wrap(x.Name+".resolve", err)
	case err != nil:
		return err
	case f.ok:
		return h.concluded(ctx, x, d, m, c, key, have, journal.EffectConfirmed, f.outcome)
	}
	asked := have.Asked + 1
	if e.Certain || asked >= 2 && !h.Now().Before(have.Deadline.Add(e.ResolveAfter)) {
		have.Asked = asked
		if have.State == journal.EffectStarted {
			if err := h.move(ctx, x, d, m, key, journal.EffectStarted, journal.EffectUnknown, have.Effect); err != nil {
				return err
			}
		}
		if err := h.move(ctx, x, d, m, key, journal.EffectUnknown, journal.EffectResolved, have.Effect); err != nil {
			return err
		}
		return errRerun
	}
	return h.waitResolve(ctx, x, d, m, key, have, asked, errors.New("the partner knows of nothing yet"))
}

// waitResolve parks the message until the partner is asked (again).
func (h *Hub) waitResolve(ctx context.Context, x *hosted, d *bus.Delivery, m *Message, key string, have journal.StoredEffect, asked uint32, cause error) error {
	e := x.effect
	now := h.Now()
	due := now.Add(min(time.Second<<min(asked, 6), e.ResolveAfter))
	if last := have.Deadline.Add(e.ResolveAfter); asked >= 1 && due.Before(last) {
		due = last
	}
	next := have.Effect
	next.Asked = asked
	parkKey := h.parkKey(x, d)
	out := m.Out()
	out.Effects = append(out.Effects, journal.EffectOp{Key: key, From: have.State, To: journal.EffectUnknown, Effect: next})
	out.Parks = append(out.Parks, journal.ParkOp{Sub: x.Name, Key: parkKey, Pos: m.Pos, Park: journal.Park{
		Reason: journal.ParkResolve, Attempt: uint32(d.Attempt + 1), Since: now, Letter: d.Letter, Cause: oneLine(cause),
	}})
	out.Timers = append(out.Timers, journal.TimerOp{ID: retryTimer(x.Name, m.Pos), Timer: journal.Timer{
		Sub: x.Name, Key: parkKey, Due: due, Type: "resolve", Pos: m.Pos,
	}})
	ref, err := d.Commit(ctx, nil, &out.Unit, nil)
	return h.refusal(x, ref, err)
}

// concluded writes the outcome and what follows it in one unit. Where what follows
// cannot be decided, the outcome is kept and the message becomes a letter.
func (h *Hub) concluded(ctx context.Context, x *hosted, d *bus.Delivery, m *Message, c *Call, key string, have journal.StoredEffect, to journal.EffectState, outcome []byte) error {
	next := have.Effect
	next.Outcome = outcome
	out, err := guarded(func() (*Out, error) { return x.effect.Then(ctx, m, c, outcome) })
	if err == nil && out.err != nil {
		err = out.err
	}
	if err != nil {
		if have.State != to {
			if merr := h.move(ctx, x, d, m, key, have.State, to, next); merr != nil {
				return merr
			}
		}
		return err
	}
	if have.State != to {
		out.Effects = append(out.Effects, journal.EffectOp{Key: key, From: have.State, To: to, Effect: next})
	}
	err = h.commit(ctx, x, d, m, out)
	h.bus.At(bus.StepConcluded)
	if errors.Is(err, errRerun) && have.State != to {
		// The decision was too late, the outcome is not: keep it, then decide again.
		if merr := h.move(ctx, x, d, m, key, have.State, to, next); merr != nil && !errors.Is(merr, errRerun) {
			return merr
		}
	}
	return err
}

// move makes one step of the ledger durable before anything else happens.
func (h *Hub) move(ctx context.Context, x *hosted, d *bus.Delivery, m *Message, key string, from, to journal.EffectState, f journal.Effect) error {
	u := &journal.Unit{Effects: []journal.EffectOp{{Key: key, From: from, To: to, Effect: f}}}
	ref, err := d.Partial(ctx, nil, u)
	return h.refusal(x, ref, err)
}

// guarded turns a panic into an Internal fault with its stack.
func guarded[T any](f func() (T, error)) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicked{p, debug.Stack()}
		}
	}()
	return f()
}

func guarded2(f func() (*Call, *Out, error)) (c *Call, o *Out, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicked{p, debug.Stack()}
		}
	}()
	return f()
}
