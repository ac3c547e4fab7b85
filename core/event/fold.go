package event

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/paklog/hub/core/fault"
)

// ErrStaleSnapshot means that a snapshot was written by another version of the
// fold. It is discarded and the state folded from the events.
var ErrStaleSnapshot = errors.New("snapshot of another fold version")

// Fold makes a state from the events of a stream. The zero S is the state of a
// stream without events.
//
// Apply never modifies its input and shares nothing writable with it: states are
// handed to several goroutines at once. Version goes up whenever the state that
// some event sequence leads to changes; a test hashes each fold to hold it so.
type Fold[S any] struct {
	Kind    string // stream type: "order"
	Version int
	Apply   func(S, Event) (S, error)
}

// Replay applies events in order and stops at the first error, naming its ordinal.
func (f Fold[S]) Replay(s S, events ...Event) (S, error) {
	for i, e := range events {
		next, err := f.Apply(s, e)
		if err != nil {
			return s, fmt.Errorf("applying event %d: %w", i+1, err)
		}
		s = next
	}
	return s, nil
}

// Snapshot writes s down, its personal data apart.
func (f Fold[S]) Snapshot(s S) (Encoded, error) {
	x, err := encode(s)
	if err != nil {
		return Encoded{}, fault.E("event.Snapshot", fault.Internal, fmt.Errorf("writing a %s: %w", f.Kind, err))
	}
	x.Type, x.Schema = f.Kind, f.Version
	return x, nil
}

// Restore reads a snapshot. [ErrStaleSnapshot] says that the events must be read instead.
func (f Fold[S]) Restore(x Encoded) (S, error) {
	const op = "event.Restore"
	var zero, s S
	place := fmt.Sprintf("%s schema %d", x.Type, x.Schema)
	if x.Type != f.Kind {
		return zero, fault.At(op, fault.Internal, place, fmt.Errorf("not a snapshot of kind %q", f.Kind))
	}
	if x.Schema != f.Version {
		return zero, fault.At(op, fault.Internal, place, fmt.Errorf("%w: this program folds %d", ErrStaleSnapshot, f.Version))
	}
	if err := json.Unmarshal(x.Data, &s); err != nil {
		return zero, fault.At(op, fault.Invalid, place, fmt.Errorf("reading its JSON: %w", err))
	}
	// An Encoded that went through JSON without its Personal left out reads null: there is none.
	if len(x.Personal) == 0 || string(x.Personal) == "null" {
		return s, nil
	}
	p, ok := any(s).(interface {
		WithPersonal([]byte) (S, error)
	})
	if !ok {
		return zero, fault.At(op, fault.Invalid, place, errors.New("has a personal group, but its kind declares none"))
	}
	s, err := p.WithPersonal(x.Personal)
	if err != nil {
		return zero, fault.At(op, fault.Invalid, place, fmt.Errorf("reading its personal group: %w", err))
	}
	return s, nil
}
