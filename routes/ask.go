package routes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
)

// answered is what a door decided on: the state to answer with, and whether the
// command wrote anything.
type answered struct {
	state   any
	created bool
}

// Act is who did what, on audit-events.
type Act struct {
	Door    string `json:"door"`
	Command string `json:"command"`
	ID      string `json:"id"`
	Actor   string `json:"actor,omitempty"`
}

// storedReply is an answer as it is kept under an idempotency key.
type storedReply struct {
	Created bool            `json:"created"`
	Body    json.RawMessage `json:"body"`
}

// ask wraps the rule that all doors share around what one of them decides: a key that
// comes again gets the stored answer, or is refused where the content differs; what was
// done is told with its actor; the answer is the state afterwards.
func (f *Flows) ask(name string, decide func(d *decision, a *door.Ask) (answered, error)) func(context.Context, *Message) (*Out, error) {
	return func(ctx context.Context, m *Message) (*Out, error) {
		a, ok := m.Value.(door.Ask)
		if !ok {
			return nil, fault.E(name, fault.Internal, fmt.Errorf("called with %T, a door takes a door.Ask", m.Value))
		}
		if a.Scope.Tenant == "" {
			a.Scope.Tenant = f.cfg.Tenant
		}
		if a.Scope.Facility == "" {
			a.Scope.Facility = f.cfg.Facility
		}
		d := f.decide(ctx, m)
		if a.Key != nil {
			c, found, err := m.Claimed(ctx, a.Key.Scope, a.Key.ID)
			switch {
			case err != nil:
				return nil, err
			case found && c.Hash != a.Key.Hash:
				return nil, fault.E(name, fault.Rejected, &door.ReusedError{Key: *a.Key})
			case found:
				var was storedReply
				if err := json.Unmarshal(c.Answer, &was); err != nil {
					return nil, fault.E(name, fault.Internal, fmt.Errorf("reading a stored answer: %w", err))
				}
				return m.Out().Answer(door.Reply{Created: was.Created, Repeat: true, Body: was.Body}), nil
			}
		}
		if err := f.building(a.Scope.Facility); err != nil {
			return nil, err
		}
		got, err := decide(d, &a)
		if err == nil {
			err = d.err
		}
		if err != nil {
			return nil, err
		}
		body, err := json.Marshal(got.state)
		if err != nil {
			return nil, fault.E(name, fault.Internal, fmt.Errorf("writing the answer: %w", err))
		}
		if a.Key != nil {
			stored, err := json.Marshal(storedReply{got.created, body})
			if err != nil {
				return nil, fault.E(name, fault.Internal, fmt.Errorf("writing the answer: %w", err))
			}
			d.out.Claim(a.Key.Scope, a.Key.ID, a.Key.Hash, stored)
		}
		if got.created {
			act := Act{name, fmt.Sprintf("%T", a.Cmd), a.ID, a.Actor}
			d.out.Publish(onAudit, "command.Done", a.ID, act)
		}
		out, err := d.done()
		if err != nil {
			return nil, err
		}
		return out.Answer(door.Reply{Created: got.created, Body: body}), nil
	}
}

// building refuses a facility that nobody works in.
func (f *Flows) building(name string) error {
	if name == f.cfg.Facility || slices.Contains(f.cfg.Facilities, name) {
		return nil
	}
	known := strings.Join(append([]string{f.cfg.Facility}, f.cfg.Facilities...), ", ")
	return fault.At("routes.building", fault.Invalid, "facility",
		fmt.Errorf("%.64q is no building that is known: there are %s; facilities in the configuration adds others", name, known))
}

// wrongCommand is for a command that a door does not take.
func wrongCommand(name string, cmd any) error {
	return fault.At(name, fault.Invalid, "command", fmt.Errorf("%T is not a command of this door", cmd))
}

func missing(op, place, what string) error {
	return fault.At(op, fault.Rejected, place, errors.New(what))
}
