package routes

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes/eip"
)

// answered is what a door decided on: the state to answer with, and whether the
// command wrote anything.
type answered struct {
	state   any
	created bool
}

// storedReply is an answer as it is kept under an idempotency key.
type storedReply struct {
	Created bool            `json:"created"`
	Body    json.RawMessage `json:"body"`
}

// append is the reply as JSON: its body is what [json.Marshal] made, and is not read through again.
func (r storedReply) append(b []byte) []byte {
	b = slices.Grow(b, len(r.Body)+32)
	b = strconv.AppendBool(append(b, `{"created":`...), r.Created)
	b = append(append(b, `,"body":`...), r.Body...)
	return append(b, '}')
}

// ask wraps the rule that all doors share around what one of them decides: a key that
// comes again gets the stored answer, or is refused where the content differs; what was
// done is told with its actor; the answer is the state afterwards.
func (f *Flows) ask(name string, decide func(d *decision, a *door.Ask) (answered, error)) func(context.Context, *Message) (*Out, error) {
	return eip.Receive(func(m *Message) (eip.OutsideID, error) {
		a, ok := m.Value.(door.Ask)
		switch {
		case !ok:
			return eip.OutsideID{}, fault.E(name, fault.Internal, fmt.Errorf("called with %T, a door takes a door.Ask", m.Value))
		case a.Key == nil:
			return eip.OutsideID{}, nil
		}
		key := a.Key
		return eip.OutsideID{
			Scope: key.Scope, ID: key.ID, Hash: key.Hash,
			Reused: func(journal.Claim) error { return fault.E(name, fault.Rejected, &door.ReusedError{Key: *key}) },
		}, nil
	}, func(ctx context.Context, m *Message) (*Out, []byte, error) {
		a := m.Value.(door.Ask)
		a.Scope.Tenant = cmp.Or(a.Scope.Tenant, f.cfg.Tenant)
		a.Scope.Facility = cmp.Or(a.Scope.Facility, f.cfg.Facility)
		return f.decideAsk(f.decide(ctx, m), name, &a, decide)
	}, func(_ context.Context, m *Message, first journal.Claim) (*Out, error) {
		var was storedReply
		if err := json.Unmarshal(first.Answer, &was); err != nil {
			return nil, fault.E(name, fault.Internal, fmt.Errorf("reading a stored answer: %w", err))
		}
		return m.Out().Answer(door.Reply{Created: was.Created, Repeat: true, Body: was.Body}), nil
	})
}

// decideAsk is what a door decides on a command that is new, and the answer to keep under its key.
func (f *Flows) decideAsk(d *decision, name string, a *door.Ask, decide func(d *decision, a *door.Ask) (answered, error)) (out *Out, stored []byte, err error) {
	if err := f.building(a.Scope.Facility); err != nil {
		return nil, nil, err
	}
	got, err := decide(d, a)
	if err == nil {
		err = d.err
	}
	if err != nil {
		return nil, nil, err
	}
	body, err := json.Marshal(got.state)
	if err == nil && a.Key != nil {
		stored = storedReply{got.created, body}.append(nil)
	}
	if err != nil {
		return nil, nil, fault.E(name, fault.Internal, fmt.Errorf("writing the answer: %w", err))
	}
	if got.created {
		d.out.Publish(onAudit, door.ActType, a.ID, door.ActOf(name, a, d.m.Now))
	}
	if out, err = d.done(); err != nil {
		return nil, nil, err
	}
	return out.Answer(door.Reply{Created: got.created, Body: body}), stored, nil
}

// building refuses a facility that nobody works in.
func (f *Flows) building(name string) error {
	if name == f.cfg.Facility || slices.Contains(f.cfg.Facilities, name) {
		return nil
	}
	known := strings.Join(append([]string{f.cfg.Facility}, f.cfg.Facilities...), ", ")
	return fault.At("routes.building", fault.Invalid, "facility",
		fmt.Errorf("%.64q is no building that is known; known: %s; facilities in the configuration adds others", name, known))
}

// wrongCommand is for a command that a door does not take.
func wrongCommand(name string, cmd any) error {
	return fault.At(name, fault.Invalid, "command", fmt.Errorf("%T is not a command of this door", cmd))
}

func missing(op, place, what string) error {
	return fault.At(op, fault.Rejected, place, errors.New(what))
}
