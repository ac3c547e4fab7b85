package routes

import (
	"cmp"
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
	// Kept is what Do or Resolve hand to Then beside the outcome: bytes that belong into an
	// event's sealed group and not into the ledger. A process that dies in between loses it, and
	// Resolve gives it again.
	Kept any
	// Until is set for Resolve: before it, whoever made the call that is asked about may still
	// be at it. It is the call's deadline and as long again, for a call begins once its row is
	// written, however long that took.
	Until time.Time
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
	for runs := (reruns{}); ; {
		m := h.message(ctx, x, d)
		err := h.effectOnce(ctx, x, d, m)
		switch {
		case err == nil:
			x.succeeded()
			return
		case errors.Is(err, bus.ErrAgain):
			note(ctx, outcomeAgain, nil)
			return
		case runs.more(err):
			continue
		}
		h.failed(ctx, x, d, m, runs.ended(x, err))
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
	key := journal.EffectKey(x.Name, m.origin, e.Step)
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
		return m.torn(ctx, err)
	}
	if c == nil {
		switch have.State {
		case journal.EffectNone, journal.EffectRefused, journal.EffectResolved:
			return h.commit(ctx, x, d, m, out) // it surely did not happen
		default:
			return fault.E(x.Name, fault.Internal, fmt.Errorf("effect %s is %s, and now nothing is planned", key, have.State))
		}
	}

	if d.Instead != nil {
		if done, err := h.inherited(ctx, x, d, m, c, key, have); done || err != nil {
			return err
		}
	}
	switch have.State {
	case journal.EffectConfirmed, journal.EffectVoided:
		return h.concluded(ctx, x, d, m, c, key, have, have.State, have.Outcome)
	case journal.EffectStarted, journal.EffectUnknown:
		return h.resolve(ctx, x, d, m, c, key, have)
	case journal.EffectRefused:
		// Its replay calls again. Whoever only had the message in hand while another was refused
		// must not: nobody would learn of what he bought.
		over, err := d.Finished(ctx)
		if err != nil {
			return err
		}
		if over {
			return h.commit(ctx, x, d, m, nil)
		}
		return h.do(ctx, x, d, m, c, key, have)
	default:
		return h.do(ctx, x, d, m, c, key, have)
	}
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
	// A stop drains: a call that buys is not cut off.
	call, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.Timeout)
	defer cancel()
	h.bus.At(bus.StepStarted)
	outcome, err := h.call(ctx, call, x, d, c)
	h.bus.At(bus.StepCalled)
	have = journal.StoredEffect{State: journal.EffectStarted, Effect: started}
	if err == nil {
		return h.concluded(ctx, x, d, m, c, key, have, journal.EffectConfirmed, outcome)
	}
	switch promised(err) {
	case fault.Transient, fault.Throttled, fault.Unavailable:
		if merr := h.move(ctx, x, d, m, key, have.State, journal.EffectResolved, started); merr != nil {
			return merr
		}
		return err
	case fault.Invalid:
		if kerr := h.keep(ctx, x, m, key, have.State, journal.EffectRefused, started); kerr != nil {
			return kerr
		}
		return err
	case fault.Rejected:
		return h.refused(ctx, x, d, m, c, key, have, err)
	default:
		// Unknown, and whatever else leaves it open whether the partner acted.
		h.log.Warn("effect without an answer: it is resolved before anything is done again",
			"route", x.Name, "adapter", x.Conn, "msg_id", m.ID.String(), "err", err)
		h.bus.At(bus.StepLost)
		return h.waitResolve(ctx, x, d, m, key, have, 0, err)
	}
}

// call makes a call that was started. One that others may have taken over is not made, nor one whose
// deadline is over before it begins, for this process stood still: it might come after the last time
// that the partner is asked for it.
func (h *Hub) call(ctx, call context.Context, x *hosted, d *bus.Delivery, c *Call) ([]byte, error) {
	if err := d.Still(ctx); err != nil {
		return nil, fault.E(x.Name, fault.Transient, err)
	}
	h.bus.At(bus.StepCalling)
	if due, ok := call.Deadline(); ok && !time.Now().Before(due) {
		return nil, fault.E(x.Name, fault.Transient, errors.New("this process stood still until the call's deadline was over"))
	}
	return Guard(h, x.Conn, func() ([]byte, error) {
		return guarded(func() ([]byte, error) { return x.effect.Do(call, c) })
	})
}

// promised is the kind of an error of Do. What it did not classify promises nothing: a deadline
// that nobody looked at may have ended a call that the partner has made.
func promised(err error) fault.Kind {
	if _, ok := errors.AsType[*fault.Error](err); !ok {
		return fault.Unknown
	}
	return fault.KindOf(err)
}

// refused writes the partner's no and what follows it in one unit. Where what follows cannot
// be decided, the no is kept and the message fails; its replay calls again.
func (h *Hub) refused(ctx context.Context, x *hosted, d *bus.Delivery, m *Message, c *Call, key string, have journal.StoredEffect, why error) error {
	err := why
	for runs := (reruns{}); x.effect.Refused != nil; m = h.anew(ctx, x, d, m) {
		var out *Out
		if out, err = guarded(func() (*Out, error) { return x.effect.Refused(ctx, m, c, why) }); err != nil {
			err = m.torn(ctx, err)
		} else {
			out = cmp.Or(out, m.Out())
			out.Effects = append(out.Effects, journal.EffectOp{Key: key, From: have.State, To: journal.EffectRefused, Effect: have.Effect})
			err = h.commit(ctx, x, d, m, out)
		}
		if !runs.more(err) {
			err = runs.ended(x, err)
			break
		}
	}
	if err == nil {
		return nil
	}
	if kerr := h.keep(ctx, x, m, key, have.State, journal.EffectRefused, have.Effect); kerr != nil {
		return kerr
	}
	return err
}

// resolve asks the partner about a call whose outcome is not known.
func (h *Hub) resolve(ctx context.Context, x *hosted, d *bus.Delivery, m *Message, c *Call, key string, have journal.StoredEffect) error {
	e := x.effect
	type found struct {
		outcome []byte
		ok      bool
	}
	h.bus.At(bus.StepAsking)
	c.Until = have.Deadline.Add(e.Timeout)
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
	case f.ok && d.Instead != nil && m.ID != d.Instead.ID:
		// It happened; whether it is what the edited message asks for is decided anew.
		have.Outcome = f.outcome
		if err := h.keep(ctx, x, m, key, have.State, journal.EffectConfirmed, have.Effect); err != nil {
			return err
		}
		return errRerun
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
// cannot be decided or written, the outcome is kept by itself, and the message runs again or
// becomes a letter: it is not called again.
func (h *Hub) concluded(ctx context.Context, x *hosted, d *bus.Delivery, m *Message, c *Call, key string, have journal.StoredEffect, to journal.EffectState, outcome []byte) error {
	next := have.Effect
	next.Outcome = outcome
	var err error
	for runs := (reruns{}); ; m = h.anew(ctx, x, d, m) {
		var out *Out
		if out, err = guarded(func() (*Out, error) { return x.effect.Then(ctx, m, c, outcome) }); err != nil {
			err = m.torn(ctx, err)
		} else {
			out = cmp.Or(out, m.Out())
			if have.State != to {
				out.Effects = append(out.Effects, journal.EffectOp{Key: key, From: have.State, To: to, Effect: next})
			}
			err = h.commit(ctx, x, d, m, out)
			h.bus.At(bus.StepConcluded)
		}
		// A decision that was too late is made anew, with what the call brought at hand.
		if !runs.more(err) {
			err = runs.ended(x, err)
			break
		}
	}
	if err == nil || have.State == to || errors.Is(err, bus.ErrAgain) && c.Kept != nil {
		return err // what the call brought besides its outcome is lost: the partner is asked for it
	}
	if kerr := h.keep(ctx, x, m, key, have.State, to, next); kerr != nil {
		return kerr
	}
	return err
}

// anew is the message for another run.
func (h *Hub) anew(ctx context.Context, x *hosted, d *bus.Delivery, m *Message) *Message {
	n := h.message(ctx, x, d)
	n.Event = m.Event
	return n
}

// keep writes what a call came to by itself, durably: whoever holds the message by now.
func (h *Hub) keep(ctx context.Context, x *hosted, m *Message, key string, from, to journal.EffectState, f journal.Effect) error {
	ref, err := h.bus.Submit(context.WithoutCancel(ctx), &journal.Unit{
		Cause:   journal.Cause{Sub: x.Name, Part: journal.PartitionOf(m.Record.Key), Pos: m.Pos},
		Effects: []journal.EffectOp{{Key: key, From: from, To: to, Effect: f}},
	})
	return h.refusal(x, ref, err)
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
